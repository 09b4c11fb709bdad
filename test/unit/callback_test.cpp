#include "core/webhook/callback.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/base/url.hpp"
#include "core/base/utf8.hpp"
#include "core/webhook/signature.hpp"

namespace coach_sms {
namespace {

constexpr std::string_view kOrg = "0190a3c2-0000-7000-8000-00000000000A";
constexpr std::string_view kMessage = "0190a3c2-1111-7000-8000-00000000000b";
const CallbackTarget kTarget{std::string(kOrg), std::string(kMessage), 3};
const std::string kOurs =
    "org=0190a3c2-0000-7000-8000-00000000000A&message=0190a3c2-1111-7000-8000-00000000000b"
    "&attempt=3";

const std::string kSid = "SM0123456789abcdef0123456789abcdef";

Webhook read(std::string_view body) {
  return read_webhook(parse_form(body));
}

TEST(ReadWebhook, KnowsAStatusCallback) {
  const Webhook webhook = read(
      "SmsSid=" + kSid +
      "&SmsStatus=undelivered&MessageStatus=undelivered&To=%2B447700900123&MessageSid=" + kSid +
      "&AccountSid=AC1&From=%2B447700900456&ApiVersion=2010-04-01&RawDlrDoneDate=2611221045"
      "&ErrorCode=30003&ErrorMessage=off&MessagingServiceSid=MG1");
  ASSERT_EQ(webhook.kind, WebhookKind::kStatus);
  EXPECT_EQ(webhook.status.message_sid, kSid);
  EXPECT_EQ(webhook.account_sid, "AC1");
  EXPECT_EQ(webhook.status.messaging_service_sid, "MG1");
  EXPECT_EQ(webhook.status.message_status, "undelivered");
  EXPECT_EQ(webhook.status.error_code, "30003");
  EXPECT_EQ(webhook.status.error_message, "off");
  EXPECT_EQ(webhook.status.to, "+447700900123");
  EXPECT_EQ(webhook.status.from, "+447700900456");
  EXPECT_EQ(webhook.status.raw_dlr_done_date, "2611221045");
  EXPECT_EQ(dedupe_key(webhook.status), kSid + ":undelivered");
}

TEST(ReadWebhook, NeedsNoMoreThanSidAndStatus) {
  EXPECT_EQ(read("MessageSid=" + kSid + "&MessageStatus=sent").status.message_status, "sent");
  EXPECT_EQ(read("SmsSid=" + kSid + "&SmsStatus=sent").status.message_sid, kSid);
  EXPECT_EQ(read("MessageSid=&SmsSid=" + kSid + "&SmsStatus=sent").status.message_sid, kSid);
}

TEST(ReadWebhook, PassesStatusesOnThatItHasNeverSeen) {
  const Webhook webhook = read("MessageSid=" + kSid + "&MessageStatus=partially_delivered");
  ASSERT_EQ(webhook.kind, WebhookKind::kStatus);
  EXPECT_EQ(webhook.status.message_status, "partially_delivered");
}

TEST(ReadWebhook, KnowsAnInboundText) {
  const Webhook webhook = read("ToCountry=GB&SmsMessageSid=" + kSid + "&NumMedia=0&SmsSid=" + kSid +
                               "&SmsStatus=received&Body=+Stop+%F0%9F"
                               "%9A%8C&To=%2B447700900456&NumSegments=1&MessageSid=" +
                               kSid +
                               "&AccountSid=AC1&From=%2B447700900123"
                               "&OptOutType=STOP&MessagingServiceSid=MG1");
  ASSERT_EQ(webhook.kind, WebhookKind::kInbound);
  EXPECT_EQ(webhook.inbound.message_sid, kSid);
  EXPECT_EQ(webhook.account_sid, "AC1");
  EXPECT_EQ(webhook.inbound.messaging_service_sid, "MG1");
  EXPECT_EQ(webhook.inbound.from, "+447700900123");
  EXPECT_EQ(webhook.inbound.to, "+447700900456");
  EXPECT_EQ(webhook.inbound.body, " Stop \xF0\x9F\x9A\x8C");
  EXPECT_EQ(webhook.inbound.opt_out_type, "STOP");
  EXPECT_EQ(dedupe_key(webhook.inbound), kSid + ":inbound");
}

TEST(ReadWebhook, TakesATextWithoutAStatusForAnInboundOne) {
  EXPECT_EQ(read("MessageSid=" + kSid + "&Body=").kind, WebhookKind::kInbound);
  EXPECT_EQ(read("MessageSid=" + kSid + "&SmsStatus=received").kind, WebhookKind::kInbound);
}

TEST(ReadWebhook, HasNothingToSayAboutAnythingElse) {
  const std::string long_sid = "MessageSid=SM" + std::string(1000, '0') + "&MessageStatus=sent";
  for (const std::string& body :
       {std::string(), "MessageSid=" + kSid, std::string("MessageStatus=sent"),
        std::string("Body=hello"), std::string("CallSid=CA1&CallStatus=ringing"),
        std::string("MessageSid=&MessageStatus=sent"),
        std::string("MessageSid=S%00&MessageStatus=sent"),
        std::string("MessageSid=S:1&MessageStatus=sent"),
        "MessageSid=" + kSid + "&MessageStatus=a+b", "messagesid=" + kSid + "&messagestatus=sent",
        long_sid}) {
    EXPECT_EQ(read(body).kind, WebhookKind::kOther) << body.substr(0, 80);
  }
}

TEST(ReadWebhook, HandsOnCleanTextOnly) {
  const Webhook inbound =
      read("MessageSid=" + kSid + "&SmsStatus=received&Body=a%00b%FF&From=%ED%A0%80");
  EXPECT_EQ(inbound.inbound.body,
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
  EXPECT_EQ(clean_text(inbound.inbound.from), inbound.inbound.from);
  const Webhook status = read("MessageSid=" + kSid + "&MessageStatus=failed&ErrorMessage=%00");
  EXPECT_EQ(status.status.error_message, "\xEF\xBF\xBD");
}

TEST(ReadWebhook, NamesTheAccountOfWhatItDoesNotActOnToo) {
  const Webhook other = read("AccountSid=AC1&CallSid=CA1&CallStatus=ringing");
  EXPECT_EQ(other.kind, WebhookKind::kOther);
  EXPECT_EQ(other.account_sid, "AC1");
  EXPECT_EQ(other.why_other, "it names no message: MessageSid is missing or malformed");
  EXPECT_EQ(read("MessageSid=" + kSid + "&MessageStatus=a+b").why_other,
            "it is neither a status nor a text: MessageStatus is missing or malformed");
  const Webhook unsure =
      read("AccountSid=AC1&MessageStatus=sent&MessageStatus=failed&SmsSid=" + kSid);
  EXPECT_EQ(unsure.kind, WebhookKind::kUnsure);
  EXPECT_EQ(unsure.account_sid, "AC1");
  EXPECT_EQ(unsure.why_other, "parameter \"MessageStatus\" comes twice");
}

TEST(ReadWebhook, TakesSidsInEitherCaseOfHex) {
  EXPECT_EQ(read("MessageSid=SM0123456789ABCDEF0123456789abcdef&MessageStatus=sent").kind,
            WebhookKind::kStatus);
  EXPECT_EQ(read("MessageSid=sm0123456789abcdef0123456789abcdef&MessageStatus=sent").kind,
            WebhookKind::kOther);
}

TEST(ReadWebhook, GivesAFailureItsWords) {
  struct Case {
    const char* fields;
    const char* code;
    const char* message;
  };
  for (const Case& expected : {
           Case{"&ErrorCode=30003", "30003", "Unreachable destination handset"},
           {"&ErrorCode=30003&ErrorMessage=", "30003", "Unreachable destination handset"},
           {"&ErrorCode=30003&ErrorMessage=switched+off", "30003", "switched off"},
           {"&ErrorCode=030003", "30003", "Unreachable destination handset"},
           {"&ErrorCode=39999", "39999", ""},
           {"&ErrorCode=0", "", ""},
           {"&ErrorCode=000", "", ""},
           {"&ErrorCode=0&ErrorMessage=fine", "", "fine"},
           {"&ErrorCode=", "", ""},
           {"&ErrorCode=null", "", ""},
           {"&ErrorCode=-30003", "", ""},
           {"&ErrorCode=+30003", "", ""},
           {"&ErrorCode=30003x", "", ""},
           {"&ErrorCode=999999999", "999999999", ""},
           {"&ErrorCode=9999999999", "", ""},
           {"&ErrorCode=30003%00", "", ""},
           {"", "", ""},
       }) {
    const Webhook webhook = read("MessageStatus=undelivered&MessageSid=" + kSid + expected.fields);
    ASSERT_EQ(webhook.kind, WebhookKind::kStatus) << expected.fields;
    EXPECT_EQ(webhook.status.error_code, expected.code) << expected.fields;
    EXPECT_EQ(webhook.status.error_message, expected.message) << expected.fields;
  }
}

TEST(ReadWebhook, KeepsAnErrorMessageShortAndWithoutSecrets) {
  const std::string long_text = "bad " + std::string(40, 'a') + std::string(60000, '.');
  const Webhook webhook =
      read("MessageStatus=failed&MessageSid=" + kSid + "&ErrorMessage=" + long_text);
  EXPECT_EQ(webhook.status.error_message.size(), 500U);
  EXPECT_TRUE(webhook.status.error_message.starts_with("bad [redacted]..."));
}

TEST(StatusCallbackUrl, CarriesTheMessageAndAsksForRepeats) {
  EXPECT_EQ(status_callback_url("https://h.example/hook", kTarget),
            "https://h.example/hook?" + kOurs + "#rc=5&rp=all");
}

TEST(StatusCallbackUrl, KeepsAQueryThatIsThere) {
  EXPECT_EQ(status_callback_url("https://h.example/hook?key=1", kTarget),
            "https://h.example/hook?key=1&" + kOurs + "#rc=5&rp=all");
  EXPECT_EQ(status_callback_url("https://h.example/hook?", kTarget),
            "https://h.example/hook?" + kOurs + "#rc=5&rp=all");
  EXPECT_EQ(status_callback_url("https://h.example/hook?key=1&", kTarget),
            "https://h.example/hook?key=1&" + kOurs + "#rc=5&rp=all");
}

TEST(StatusCallbackUrl, KeepsAFragmentThatIsThereAtTheEnd) {
  EXPECT_EQ(status_callback_url("https://h.example/hook?key=1#ct=1000&rc=2", kTarget),
            "https://h.example/hook?key=1&" + kOurs + "#ct=1000&rc=2");
}

TEST(StatusCallbackUrl, IsReadBackFromWhatTwilioCalls) {
  for (const char* public_url : {"https://h.example/hook", "https://h.example/hook?key=1#rc=1",
                                 "https://h.example?org=theirs"}) {
    const std::string url = status_callback_url(public_url, kTarget);
    for (const std::string& seen : {url, std::string(without_fragment(url))}) {
      const std::optional<CallbackTarget> target = read_callback_target(seen);
      ASSERT_TRUE(target) << seen;
      EXPECT_EQ(target->org_id, kOrg);
      EXPECT_EQ(target->message_id, kMessage);
      EXPECT_EQ(target->attempt, 3);
    }
  }
}

TEST(StatusCallbackUrl, IsSignedWithItsQueryAndWithoutItsFragment) {
  const std::string url = status_callback_url("https://h.example/hook", kTarget);
  const std::string signature = sign("token", url, {{"MessageSid", "SM1"}});
  const std::string received(without_fragment(url));
  EXPECT_TRUE(validate_signature("token", received, "MessageSid=SM1", signature, ""));
  const std::string forged = status_callback_url(
      "https://h.example/hook", {kTarget.org_id, kTarget.message_id, kTarget.attempt + 1});
  EXPECT_FALSE(
      validate_signature("token", without_fragment(forged), "MessageSid=SM1", signature, ""));
}

TEST(CallbackTarget, IsRefusedUnlessAllOfItIsThereAndInForm) {
  const std::string org(kOrg);
  const std::string message(kMessage);
  const auto url = [](const std::string& o, const std::string& m, const std::string& a) {
    return "https://h.example/hook?org=" + o + "&message=" + m + "&attempt=" + a;
  };
  ASSERT_TRUE(read_callback_target(url(org, message, "1")));
  ASSERT_TRUE(read_callback_target(url(org, message, "9999")));
  for (const std::string attempt :
       {"", "0", "-1", "+1", "%2B1", "01", "1x", "1.0", "10000", "99999999999999999999", "+"}) {
    EXPECT_FALSE(read_callback_target(url(org, message, attempt))) << attempt;
  }
  for (const std::string& uuid :
       {std::string(), org.substr(1), org + "0", "{" + org.substr(2) + "}", std::string(36, '0'),
        std::string(36, '-'), "g" + org.substr(1), org.substr(0, 35) + "%00",
        "'" + org.substr(1)}) {
    EXPECT_FALSE(read_callback_target(url(uuid, message, "1"))) << uuid;
    EXPECT_FALSE(read_callback_target(url(org, uuid, "1"))) << uuid;
  }
  EXPECT_FALSE(read_callback_target("https://h.example/hook"));
  // A separator that is encoded separates nothing.
  EXPECT_FALSE(read_callback_target("https://h.example/hook?org=" + org + "%26message=" + message +
                                    "%26attempt=1"));
  EXPECT_FALSE(read_callback_target("https://h.example/hook?org%3D" + org + "&message%3D" +
                                    message + "&attempt%3D1"));
  EXPECT_FALSE(read_callback_target("https://h.example/hook%3Forg=" + org + "&message=" + message +
                                    "&attempt=1"));
  EXPECT_FALSE(read_callback_target("https://h.example/hook?org=" + org + "&message=" + message));
  EXPECT_FALSE(read_callback_target("https://h.example/hook#?" + kOurs));
  EXPECT_FALSE(read_callback_target("https://h.example/hook?" + std::string(10000, '&') + kOurs));
  EXPECT_FALSE(read_callback_target(""));
}

}  // namespace
}  // namespace coach_sms
