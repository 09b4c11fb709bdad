#include "core/twilio/twilio_message.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/base/error.hpp"

namespace coach_sms {
namespace {

HttpResult answer(int status, std::string body) {
  HttpResult result;
  result.progress = HttpProgress::kAnswered;
  result.status = status;
  result.body = std::move(body);
  return result;
}

std::string list_of(const std::string& messages) {
  return R"({"messages":[)" + messages + R"(],"page":0,"next_page_uri":null})";
}

void expect_unreadable(const HttpResult& result) {
  SCOPED_TRACE(result.body.substr(0, 80));
  try {
    parse_list(result);
    ADD_FAILURE() << "taken as a listing";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
  }
  EXPECT_THROW(parse_message(result), Error);
}

TEST(TwilioMessageTest, EveryFieldIsRead) {
  const ListedMessage message = parse_message(answer(200, R"({
    "sid": "SM0123456789abcdef0123456789abcdef", "to": "+61400000001", "from": "+61400000002",
    "body": "line\r\n\u00e9", "status": "undelivered", "direction": "outbound-api",
    "date_created": "Thu, 24 Aug 2023 05:01:45 +0000", "error_code": 30003,
    "error_message": "Unreachable", "price": "-0.00750", "price_unit": "usd",
    "num_segments": "2", "tags": {"unknown": [1, 2]}})"));
  EXPECT_EQ(message.sid, "SM0123456789abcdef0123456789abcdef");
  EXPECT_EQ(message.to, "+61400000001");
  EXPECT_EQ(message.from, "+61400000002");
  EXPECT_EQ(message.body, "line\r\n\xC3\xA9");
  EXPECT_EQ(message.status, "undelivered");
  EXPECT_EQ(message.direction, "outbound-api");
  EXPECT_EQ(message.created_at, 1'692'853'305);
  EXPECT_EQ(message.error_code, "30003");
  EXPECT_EQ(message.error_message, "Unreachable");
  EXPECT_EQ(message.price, "-0.00750");
  EXPECT_EQ(message.price_unit, "USD");
  EXPECT_EQ(message.segments, 2);
}

TEST(TwilioMessageTest, EverythingButTheSidMayBeMissingOrNull) {
  for (const char* json :
       {R"({"sid":"SM1"})",
        R"({"sid":"SM1","to":null,"from":null,"body":null,"status":null,"direction":null,
            "date_created":null,"error_code":null,"error_message":null,"price":null,
            "price_unit":null,"num_segments":null})",
        R"({"sid":"SM1","to":1,"from":[],"body":{},"status":true,"direction":2.5,
            "date_created":"yesterday","error_code":"x","error_message":7,"price":"free",
            "price_unit":"dollars","num_segments":"-3"})"}) {
    const auto message = read_message(json);
    ASSERT_TRUE(message) << json;
    EXPECT_EQ(message->sid, "SM1");
    EXPECT_EQ(message->to + message->from + message->body + message->status + message->direction,
              "");
    EXPECT_EQ(message->error_code + message->error_message, "");
    EXPECT_EQ(message->price + message->price_unit, "");
    EXPECT_EQ(message->created_at, std::nullopt);
    EXPECT_EQ(message->segments, 0);
  }
}

TEST(TwilioMessageTest, APriceIsADecimalNumberOrMissing) {
  const auto price_of = [](const std::string& price) {
    return read_message(R"({"sid":"SM1","price":")" + price + "\"}")->price;
  };
  for (const char* price : {"0", "-0.00750", "12.5", "-1"})
    EXPECT_EQ(price_of(price), price);
  for (const char* price : {"", "-", ".5", "5.", "1.2.3", "1e5", "NaN", "+1", "--1", " 1", "1,5"}) {
    EXPECT_EQ(price_of(price), "") << price;
  }
  EXPECT_EQ(price_of(std::string(65, '9')), "");
}

TEST(TwilioMessageTest, ASidThatIsNotLettersAndDigitsIsNone) {
  EXPECT_FALSE(read_message(R"({"sid":""})"));
  EXPECT_FALSE(read_message(R"({"sid":null})"));
  EXPECT_FALSE(read_message(R"({"sid":12})"));
  EXPECT_FALSE(read_message(R"({"sid":"SM1/../x"})"));
  EXPECT_FALSE(read_message(R"({"sid":"SM1\u0000"})"));
  EXPECT_FALSE(read_message("{\"sid\":\"" + std::string(65, 'a') + "\"}"));
  EXPECT_TRUE(read_message("{\"sid\":\"" + std::string(64, 'a') + "\"}"));
}

TEST(TwilioMessageTest, TextIsMadeFitForAColumn) {
  const auto message =
      read_message("{\"sid\":\"SM1\",\"body\":\"a\\u0000b\xFF\",\"status\":\"\\u0000\"}");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->body,
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
  EXPECT_EQ(message->status, "\xEF\xBF\xBD");
}

TEST(TwilioMessageTest, AListIsReadWithTheWayToItsNextPage) {
  const ListPage page = parse_list(answer(
      200, R"({"messages":[{"sid":"SM2"},{"sid":"SM1"}],"next_page_uri":"/2010-04-01/x?Page=1"})"));
  ASSERT_EQ(page.messages.size(), 2U);
  EXPECT_EQ(page.messages[0].sid, "SM2");
  EXPECT_EQ(page.messages[1].sid, "SM1");
  EXPECT_EQ(page.next_page_uri, "/2010-04-01/x?Page=1");
}

TEST(TwilioMessageTest, AnEmptyListIsAListing) {
  const ListPage page = parse_list(answer(200, list_of("")));
  EXPECT_TRUE(page.messages.empty());
  EXPECT_EQ(page.next_page_uri, "");
  EXPECT_EQ(parse_list(answer(200, R"({"messages":[]})")).next_page_uri, "");
}

TEST(TwilioMessageTest, WhatIsNoListingProvesNothing) {
  for (const char* body :
       {"", "null", "[]", "{}", "17", "\"x\"", "<html>503</html>", R"({"messages":null})",
        R"({"messages":{}})", R"({"messages":[)", R"({"messages":[]}})", R"({"messages":[null]})",
        R"({"messages":[{}]})", R"({"messages":[{"sid":null}]})", R"({"messages":[[]]})",
        R"({"messages":[],"next_page_uri":5})", "\xEF\xBB\xBF"}) {
    expect_unreadable(answer(200, body));
  }
}

TEST(TwilioMessageTest, OnlyAWhole200IsBelieved) {
  for (const int status : {0, 100, 201, 204, 301, 400, 401, 404, 429, 500, 503}) {
    expect_unreadable(answer(status, list_of("")));
  }
  HttpResult cut = answer(200, list_of(""));
  cut.body_truncated = true;
  expect_unreadable(cut);
  HttpResult unsent = answer(200, list_of(""));
  unsent.progress = HttpProgress::kUnsent;
  expect_unreadable(unsent);
  unsent.progress = HttpProgress::kUnanswered;
  expect_unreadable(unsent);
}

TEST(TwilioMessageTest, DeepNestingDoesNotExhaustTheStack) {
  const std::string open(5'000'000, '[');
  EXPECT_THROW(parse_list(answer(200, open)), Error);
  EXPECT_THROW(parse_list(answer(200, open + std::string(5'000'000, ']'))), Error);
  const std::string deep(400'000, '[');
  const auto message =
      read_message(R"({"sid":"SM1","tags":)" + deep + std::string(400'000, ']') + "}");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->sid, "SM1");
}

TEST(TwilioMessageTest, MegabytesAreNoMessage) {
  const std::string json = R"({"sid":"SM1","body":")" + std::string(5'000'000, 'x') + "\"}";
  EXPECT_FALSE(read_message(json));
  EXPECT_THROW(parse_message(answer(200, json)), Error);
}

}  // namespace
}  // namespace coach_sms
