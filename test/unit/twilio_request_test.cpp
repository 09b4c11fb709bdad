#include "core/twilio/twilio_request.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "core/base/error.hpp"

namespace coach_sms {
namespace {

const std::string kSid = "AC0123456789abcdef0123456789abcdef";

Account account() {
  return {"https://api.twilio.com", kSid, kSid, Secret("token")};
}

OutgoingMessage message() {
  OutgoingMessage message;
  message.to = "+61400000001";
  message.from = "+61400000002";
  message.body = "hello";
  return message;
}

std::string form_of(const OutgoingMessage& message) {
  return send_request(account(), message).body;
}

std::string form_of_body(std::string_view body) {
  OutgoingMessage changed = message();
  changed.body = body;
  return form_of(changed);
}

template <typename Call>
void expect_refused(Call call, const std::string& value) {
  try {
    call();
    FAIL() << "nothing was thrown for " << value;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument) << value;
  }
}

TEST(TwilioRequestTest, AMessageIsPostedToItsAccountWithItsCredentialsApart) {
  Account with_key = account();
  with_key.user = "SK0123456789abcdef0123456789abcdef";
  const HttpRequest request = send_request(with_key, message());
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://api.twilio.com/2010-04-01/Accounts/" + kSid + "/Messages.json");
  EXPECT_EQ(request.user, with_key.user);
  EXPECT_EQ(request.password.view(), "token");
  EXPECT_EQ(request.body, "To=%2B61400000001&From=%2B61400000002&Body=hello");
  EXPECT_EQ((request.url + request.body).find("token"), std::string::npos);
}

TEST(TwilioRequestTest, AMessagingServiceTakesThePlaceOfTheNumber) {
  OutgoingMessage with_service = message();
  with_service.messaging_service_sid = "MG1";
  EXPECT_EQ(form_of(with_service), "To=%2B61400000001&MessagingServiceSid=MG1&Body=hello");
}

TEST(TwilioRequestTest, OptionalParametersAreSentOnlyWhenSet) {
  OutgoingMessage full = message();
  full.status_callback = "https://example.com/hook?message=1&attempt=2#rc=5";
  full.validity_period_s = 900;
  full.smart_encoded = false;
  EXPECT_EQ(form_of(full),
            "To=%2B61400000001&From=%2B61400000002&Body=hello"
            "&StatusCallback=https%3A%2F%2Fexample.com%2Fhook%3Fmessage%3D1%26attempt%3D2%23rc%3D5"
            "&ValidityPeriod=900&SmartEncoded=false");
  full.smart_encoded = true;
  EXPECT_NE(form_of(full).find("&SmartEncoded=true"), std::string::npos);
}

TEST(TwilioRequestTest, TheValidityPeriodStaysWithinTwiliosLimit) {
  OutgoingMessage long_lived = message();
  long_lived.validity_period_s = 36'001;
  EXPECT_NE(form_of(long_lived).find("&ValidityPeriod=36000"), std::string::npos);
  long_lived.validity_period_s = -1;
  EXPECT_EQ(form_of(long_lived).find("ValidityPeriod"), std::string::npos);
}

TEST(TwilioRequestTest, NothingInABodyEndsTheBody) {
  const std::string before = "To=%2B61400000001&From=%2B61400000002&Body=";
  EXPECT_EQ(form_of_body("a\r\nb"), before + "a%0D%0Ab");
  EXPECT_EQ(form_of_body("x&To=+61499999999"), before + "x%26To%3D%2B61499999999");
  EXPECT_EQ(form_of_body("\"'{{x}}%41"), before + "%22%27%7B%7Bx%7D%7D%2541");
  EXPECT_EQ(form_of_body("a b+c"), before + "a%20b%2Bc");
  EXPECT_EQ(form_of_body("-._~09azAZ"), before + "-._~09azAZ");
  EXPECT_EQ(form_of_body("\xF0\x9F\x98\x80\xC3\xA9"), before + "%F0%9F%98%80%C3%A9");
  EXPECT_EQ(form_of_body(std::string_view("\0", 1)), before + "%00");
}

TEST(TwilioRequestTest, ASlashAtTheEndOfTheApiUrlIsIgnored) {
  Account local = account();
  local.api_url = "http://127.0.0.1:8080/";
  EXPECT_EQ(fetch_request(local, "SM1").url,
            "http://127.0.0.1:8080/2010-04-01/Accounts/" + kSid + "/Messages/SM1.json");
}

TEST(TwilioRequestTest, AListIsAskedForByRecipient) {
  const HttpRequest request = list_request(account(), "+61 4&PageSize=9", 20);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url, "https://api.twilio.com/2010-04-01/Accounts/" + kSid +
                             "/Messages.json?To=%2B61%204%26PageSize%3D9&PageSize=20");
  EXPECT_EQ(request.body, "");
  EXPECT_EQ(request.password.view(), "token");
}

TEST(TwilioRequestTest, APageSizeIsWithinTwiliosLimits) {
  EXPECT_NO_THROW(list_request(account(), "+61400000001", 1));
  EXPECT_NO_THROW(list_request(account(), "+61400000001", 1000));
  for (const int size : {0, -1, 1001}) {
    expect_refused([&] { list_request(account(), "+61400000001", size); }, std::to_string(size));
  }
}

TEST(TwilioRequestTest, TheNextPageIsFollowedAsGivenOnOurHost) {
  const std::string uri = "/2010-04-01/Accounts/AC1/Messages.json?To=%2B61&Page=1&PageToken=PASM1";
  const HttpRequest request = next_page_request(account(), uri);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url, "https://api.twilio.com" + uri);
  EXPECT_EQ(request.user, kSid);
}

TEST(TwilioRequestTest, AnAnswerNeverChoosesTheHost) {
  for (const std::string uri : {"", "https://evil.example/", "//evil.example/", "@evil.example/",
                                ".evil.example/", "x/Messages.json", "/\\evil.example/", "/a b",
                                "/a\r\nHost: evil.example", "\t//evil", "/\xC3\xA9"}) {
    expect_refused([&] { next_page_request(account(), uri); }, uri);
  }
  expect_refused([&] { next_page_request(account(), std::string_view("/a\0b", 4)); }, "NUL");
}

TEST(TwilioRequestTest, ASidThatIsNotLettersAndDigitsNeverReachesAUrl) {
  for (const std::string sid :
       {"", "../AC1", "AC1/Messages", "AC1?x=1", "AC 1", "AC%31", "AC\r\n", "\xC3\xA9"}) {
    Account broken = account();
    broken.account_sid = sid;
    expect_refused([&] { send_request(broken, message()); }, sid);
    expect_refused([&] { list_request(broken, "+61400000001", 20); }, sid);
    expect_refused([&] { fetch_request(account(), sid); }, sid);
  }
  expect_refused([&] { fetch_request(account(), std::string(65, 'a')); }, "65 letters");
}

TEST(TwilioRequestTest, ThePayloadForTheRecordIsTheFormAsJson) {
  OutgoingMessage full = message();
  full.body = "say \"hi\"\r\n\xC3\xA9";
  full.validity_period_s = 900;
  EXPECT_EQ(request_payload_json(full),
            R"({"To":"+61400000001","From":"+61400000002","Body":"say \"hi\"\r\n)"
            "\xC3\xA9"
            R"(","ValidityPeriod":"900"})");
}

TEST(TwilioRequestTest, ThePayloadForTheRecordHoldsNoPassword) {
  OutgoingMessage with_callback = message();
  const auto callback_of = [&](std::string_view url) {
    with_callback.status_callback = url;
    const std::string json = request_payload_json(with_callback);
    const std::string name = "\"StatusCallback\":\"";
    const std::size_t begin = json.find(name) + name.size();
    return json.substr(begin, json.find('"', begin) - begin);
  };
  EXPECT_EQ(callback_of("https://user:pass@h.example/x?a=b"), "https://h.example/x?a=b");
  EXPECT_EQ(callback_of("https://user:p@ss@h.example"), "https://h.example");
  EXPECT_EQ(callback_of("https://h.example/x?mail=a@b"), "https://h.example/x?mail=a@b");
  EXPECT_EQ(callback_of("no url"), "no url");
}

}  // namespace
}  // namespace coach_sms
