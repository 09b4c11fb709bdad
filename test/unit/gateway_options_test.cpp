#include "gateway/options.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "expect_error.hpp"

namespace coach_sms {
namespace {

Options read(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "coach_sms_gateway");
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (std::string& argument : arguments)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  return read_options(static_cast<int>(arguments.size()), pointers.data());
}

TEST(GatewayOptions, HaveDefaults) {
  const Options options = read({});
  EXPECT_EQ(options.listen, "0.0.0.0:8080");
  EXPECT_EQ(options.listen_private, "127.0.0.1:8081");
  EXPECT_EQ(options.path, "/twilio");
  EXPECT_FALSE(options.wants_help);
}

TEST(GatewayOptions, AreReadFromFlags) {
  const Options options = read({"--listen", "[::]:80", "--path=/sms", "--database-connections=2",
                                "--behind-proxy", "--access-log", "--dbname", "service=x"});
  EXPECT_EQ(options.listen, "[::]:80");
  EXPECT_EQ(options.path, "/sms");
  EXPECT_EQ(options.database_connections, 2U);
  EXPECT_EQ(options.connections_per_address, 0U);
  EXPECT_TRUE(options.access_log);
  EXPECT_EQ(options.dbname, "service=x");
}

TEST(GatewayOptions, TakeAFlagBeforeTheEnvironment) {
  setenv("COACH_SMS_PATH", "/from-environment", 1);
  EXPECT_EQ(read({}).path, "/from-environment");
  EXPECT_EQ(read({"--path", "/from-flag"}).path, "/from-flag");
  unsetenv("COACH_SMS_PATH");
}

TEST(GatewayOptions, RefuseWhatTheyDoNotKnow) {
  const std::vector<std::vector<std::string>> wrong = {{"--nonsense"},
                                                       {"--listen"},
                                                       {"argument"},
                                                       {"--path", "twilio"},
                                                       {"--path=/twilio?a"},
                                                       {"--hold=0"},
                                                       {"--hold=13"},
                                                       {"--max-connections=0"},
                                                       {"--max-connections=many"},
                                                       {"--max-connections=1x"},
                                                       {"--max-connections="},
                                                       {"--max-connections=-1"},
                                                       {"--max-connections=99999999999999999999"}};
  for (const auto& arguments : wrong)
    EXPECT_THROW(read(arguments), Error) << arguments[0];
}

TEST(GatewayOptions, SendNoPasswordInClear) {
  for (const char* address : {"127.0.0.1:8082", "localhost:0", "[::1]:8082"})
    EXPECT_EQ(read({std::string("--office=") + address}).office, address);
  for (const char* address : {"0.0.0.0:8082", "127.0.0.1.example.com:80", "[::]:8082", ":8082"}) {
    expect_error(ErrorKind::kInvalidArgument, [&] {
      read({std::string("--office=") + address, "--behind-proxy"});
    });
    EXPECT_TRUE(
        read({std::string("--office=") + address, "--office-behind-proxy"}).office_behind_proxy);
  }
}

TEST(GatewayOptions, AreAllInTheHelp) {
  const std::string help = help_text();
  for (const char* part :
       {"--listen HOST:PORT", "--behind-proxy ", "COACH_SMS_PATH", "#rc=5&rp=all"})
    EXPECT_NE(help.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace coach_sms
