#include "gateway/options.hpp"

#include <getopt.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "core/base/error.hpp"

namespace coach_sms {

namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::kInvalidArgument, why, {}, "coach_sms_gateway --help lists the options.");
}

// Reads a number within bounds.
unsigned number(std::string_view name, std::string_view text, long least, long most) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
    refuse(std::string(name) + " must be a number from " + std::to_string(least) + " to " +
           std::to_string(most) + ", not \"" + std::string(text) + '"');
  return static_cast<unsigned>(value);
}

struct Option {
  const char* flag;         // without "--"
  const char* environment;  // or nullptr
  const char* argument;     // as --help shows it; nullptr: it has none
  const char* help;
  void (*set)(Options* options, const char* value);
};

constexpr Option kOptions[] = {
    {"listen", "COACH_SMS_LISTEN", "HOST:PORT",
     "where Twilio's calls come in, and nothing else (0.0.0.0:8080)",
     [](Options* options, const char* value) { options->listen = value; }},
    {"listen-private", "COACH_SMS_LISTEN_PRIVATE", "HOST:PORT",
     "where /healthz, /livez and /metrics are (127.0.0.1:8081)",
     [](Options* options, const char* value) { options->listen_private = value; }},
    {"path", "COACH_SMS_PATH", "PATH", "the path of Twilio's calls (/twilio)",
     [](Options* options, const char* value) {
       if (value[0] != '/' || strpbrk(value, "?#") != nullptr)
         refuse(std::string("--path must begin with \"/\" and have no query, not \"") + value +
                '"');
       options->path = value;
     }},
    {"dbname", nullptr, "CONNINFO",
     "a connection string or URI; PGHOST, PGUSER and the like count as in psql",
     [](Options* options, const char* value) { options->dbname = value; }},
    {"database-connections", nullptr, "NUMBER", "connections to the database for calls (4)",
     [](Options* options, const char* value) {
       options->database_connections = number("--database-connections", value, 1, 100);
     }},
    {"max-connections", nullptr, "NUMBER", "connections of strangers at once (2000)",
     [](Options* options, const char* value) {
       options->connections = number("--max-connections", value, 1, 100'000);
     }},
    {"max-connections-per-address", nullptr, "NUMBER",
     "the same for each address, 0: no limit (100)",
     [](Options* options, const char* value) {
       options->connections_per_address =
           number("--max-connections-per-address", value, 0, 100'000);
     }},
    {"hold", nullptr, "SECONDS", "how long a call is held while the database is away (8)",
     [](Options* options, const char* value) {
       options->hold_time = std::chrono::seconds(number("--hold", value, 1, 12));
     }},
    {"behind-proxy", nullptr, nullptr,
     "a proxy of yours makes all connections: there is no limit for each address",
     [](Options* options, const char*) { options->connections_per_address = 0; }},
    {"office", "COACH_SMS_OFFICE", "HOST:PORT",
     "serve pages for the office and the operator there (nowhere)",
     [](Options* options, const char* value) { options->office = value; }},
    {"office-behind-proxy", nullptr, nullptr,
     "a proxy of yours, with TLS, makes all connections to --office",
     [](Options* options, const char*) { options->office_behind_proxy = true; }},
    {"access-log", nullptr, nullptr, "write a line for each request to standard output",
     [](Options* options, const char*) { options->access_log = true; }},
    {"metrics-by-org", nullptr, nullptr, "let /metrics show the queue of each org, too",
     [](Options* options, const char*) { options->metrics_by_org = true; }},
    {"help", nullptr, nullptr, "show this help",
     [](Options* options, const char*) { options->wants_help = true; }},
    {"version", nullptr, nullptr, "show the version",
     [](Options* options, const char*) { options->wants_version = true; }},
};
constexpr std::size_t kCount = std::size(kOptions);

// Returns whether only this machine reaches an address HOST:PORT.
bool is_loopback(std::string_view address) {
  const std::string_view host = address.substr(0, address.rfind(':'));
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

void read_environment(Options* options) {
  for (const Option& option : kOptions)
    if (const char* value = option.environment ? std::getenv(option.environment) : nullptr)
      option.set(options, value);
}

}  // namespace

Options read_options(int count, char** arguments) {
  Options options;
  read_environment(&options);
  option known[kCount + 1] = {};
  for (std::size_t i = 0; i < kCount; ++i)
    known[i] = {kOptions[i].flag, kOptions[i].argument ? required_argument : no_argument, nullptr,
                static_cast<int>(i)};
  opterr = 0;
  optind = 0;  // getopt begins anew
  for (int at; (at = getopt_long(count, arguments, "", known, nullptr)) != -1;) {
    if (at == '?')
      refuse(std::string("unknown or incomplete option \"") + arguments[optind - 1] + '"');
    kOptions[at].set(&options, optarg);
  }
  if (optind < count) refuse(std::string("unexpected argument \"") + arguments[optind] + '"');
  if (!options.office.empty() && !options.office_behind_proxy && !is_loopback(options.office))
    refuse("--office \"" + options.office +
           "\" would send passwords in clear: put a proxy with TLS before it, and give "
           "--office-behind-proxy");
  return options;
}

std::string help_text() {
  std::string text =
      "coach_sms_gateway takes Twilio's calls for coach_sms.\n\n"
      "Usage: coach_sms_gateway [OPTION]...\n\n";
  for (const Option& option : kOptions) {
    std::string left = std::string("  --") + option.flag;
    if (option.argument != nullptr) left += std::string(" ") + option.argument;
    left.resize(std::max<std::size_t>(left.size() + 2, 40), ' ');
    text += left + option.help;
    if (option.environment != nullptr) text += std::string("; ") + option.environment;
    text += '\n';
  }
  return text +
         "\nEnter the URL at Twilio with #rc=5&rp=all behind it. Without this end, Twilio does "
         "not\n"
         "repeat a call that was answered 503. A STOP may then be lost.\n";
}

}  // namespace coach_sms
