// Gives every test a deadline: a test that hangs ends the program by SIGALRM, and the log ends with
// its name.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace coach_sms::test {
namespace {

class Deadline : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override {
    const char* seconds = std::getenv("COACH_SMS_TEST_SECONDS");
    alarm(seconds == nullptr ? 120U : static_cast<unsigned>(std::atoi(seconds)));
  }
  void OnTestEnd(const testing::TestInfo&) override { alarm(0); }
};

[[maybe_unused]] const bool is_registered = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new Deadline);  // which owns it from now on
  return true;
}();

}  // namespace
}  // namespace coach_sms::test
