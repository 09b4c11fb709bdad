#include "core/twilio/twilio_errors.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace coach_sms {
namespace {

// One line of a CSV file: fields in double quotes may hold commas, and "" for a quote.
std::vector<std::string> split_csv_line(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool doubled = quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"';
    if (doubled) {
      fields.back() += line[++i];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  return fields;
}

const char* name_of(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kPermanentRecipient:
      return "permanent_recipient";
    case ErrorClass::kPermanentMessage:
      return "permanent_message";
    case ErrorClass::kPermanentConfig:
      return "permanent_config";
    case ErrorClass::kTransient:
      return "transient";
    case ErrorClass::kRateLimited:
      return "rate_limited";
  }
  return "";
}

TEST(TwilioErrorsTest, TheTableIsTheFileRowByRow) {
  std::ifstream file("src/core/twilio/error_codes.csv");
  std::string line;
  ASSERT_TRUE(std::getline(file, line)) << "run from the root of the repository";
  int rows = 0;
  std::map<int, int> seen;
  while (std::getline(file, line)) {
    SCOPED_TRACE(line);
    const std::vector<std::string> fields = split_csv_line(line);
    ASSERT_EQ(fields.size(), 4U);
    const TwilioError* error = find_twilio_error(std::stoi(fields[0]));
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(std::to_string(error->code), fields[0]);
    EXPECT_EQ(error->title, fields[1]);
    EXPECT_EQ(name_of(error->error_class), fields[2]);
    EXPECT_EQ(error->reason, fields[3]);
    EXPECT_EQ(class_of(error->code, 0), error->error_class);
    EXPECT_EQ(class_of(error->code, 400), error->error_class);
    const bool of_sender = fields[3] == "sender" || fields[3] == "sender_route";
    EXPECT_EQ(blames_sender(error->code), fields[2] == "permanent_config" && of_sender);
    ++seen[error->code];
    ++rows;
  }
  EXPECT_EQ(rows, 251);
  int known = 0;
  for (int code = 0; code < 100'000; ++code)
    known += find_twilio_error(code) != nullptr;
  EXPECT_EQ(known, rows) << "the table has a row that the file has not";
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(rows));
}

TEST(TwilioErrorsTest, ACodeThatIsNotInTheTableIsNotFound) {
  for (const int code : {-1, 0, 1, 20000, 21615 + 10, 99999, 2147483647, -2147483647 - 1}) {
    EXPECT_EQ(find_twilio_error(code), nullptr) << code;
    EXPECT_FALSE(blames_sender(code)) << code;
  }
}

TEST(TwilioErrorsTest, AnUnknownCodeIsJudgedByItsHttpStatus) {
  const std::map<int, ErrorClass> expected = {
      {400, ErrorClass::kPermanentMessage}, {401, ErrorClass::kPermanentConfig},
      {403, ErrorClass::kPermanentConfig},  {404, ErrorClass::kPermanentConfig},
      {405, ErrorClass::kPermanentMessage}, {408, ErrorClass::kTransient},
      {413, ErrorClass::kPermanentMessage}, {429, ErrorClass::kRateLimited},
      {500, ErrorClass::kTransient},        {502, ErrorClass::kTransient},
      {503, ErrorClass::kTransient}};
  for (const auto& [status, error_class] : expected) {
    EXPECT_EQ(class_of(99999, status), error_class) << status;
    EXPECT_EQ(class_of(0, status), error_class) << status;
  }
}

TEST(TwilioErrorsTest, AnUnknownCodeOfACallbackIsTransientInTheCarrierRangeOnly) {
  EXPECT_EQ(class_of(30099, 0), ErrorClass::kTransient);
  EXPECT_EQ(class_of(30999, 0), ErrorClass::kTransient);
  EXPECT_EQ(class_of(31000, 0), ErrorClass::kPermanentMessage);
  EXPECT_EQ(class_of(29999, 0), ErrorClass::kPermanentMessage);
  EXPECT_EQ(class_of(0, 0), ErrorClass::kPermanentMessage);
}

TEST(TwilioErrorsTest, OnlyARecipientsOwnFaultSuppressesTheNumber) {
  const std::map<int, std::string> suppressing = {
      {21610, "opt_out"},           {30630, "opt_out"},          {21211, "invalid_number"},
      {21614, "invalid_number"},    {21635, "invalid_number"},   {21265, "invalid_number"},
      {30004, "carrier_violation"}, {30640, "carrier_violation"}};
  for (const auto& [code, reason] : suppressing) {
    ASSERT_NE(suppression_reason(code), nullptr) << code;
    EXPECT_EQ(suppression_reason(code), reason) << code;
  }
  for (const int code : {0, 99999, 20003, 21212, 21408, 21606, 21612, 21617, 30003, 30007, 30008}) {
    EXPECT_EQ(suppression_reason(code), nullptr) << code;
  }
}

TEST(TwilioErrorsTest, APhoneThatMayOnlyBeOutOfReachIsNotSuppressedAtOnce) {
  EXPECT_EQ(suppression_reason(30005), nullptr);
  EXPECT_EQ(suppression_reason(30006), nullptr);
}

}  // namespace
}  // namespace coach_sms
