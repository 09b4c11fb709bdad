#include "core/webhook/form_cut.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/twilio/channel_address.hpp"
#include "core/twilio/delivery_status.hpp"
#include "core/webhook/callback.hpp"
#include "random_seed.hpp"

namespace coach_sms {
namespace {

const std::string kSid = "SM0123456789abcdef0123456789abcdef";
const std::string kOtherSid = "SM00000000000000000000000000000000";

WebhookKind kind_of(const std::string& body) {
  return read_webhook(parse_form(body)).kind;
}

std::string why(const std::string& body) {
  return find_other_cut(parse_form(body), kSid);
}

// Each has the signed text of one that Twilio may have sent (beside it), cut in other places.
TEST(FormCut, ActsOnNothingThatCouldBeReadInAnotherWay) {
  const std::string start =
      "Body=START&From=%2B61491570006&MessageSid=" + kSid + "&SmsStatus=received";
  ASSERT_EQ(kind_of(start), WebhookKind::kInbound);
  for (const std::string& body : {
           // &NumMedia=0 after the SID
           "Body=START&From=%2B61491570006&MessageSid=" + kSid + "NumMedia0&SmsStatus=received",
           // Body=STARTFrom%2B447700900123
           "Body=START&From=%2B447700900123&From=%2B61491570006&MessageSid=" + kSid +
               "&SmsStatus=received",
           "Body=START&From=%2B447700900123&From%2B61491570006=&MessageSid=" + kSid +
               "&SmsStatus=received",
           // &FromZip=&MessageSid=SM…&SmsSid=SM…
           "Body=START&FromZip=MessageSid&SmsSid=" + kSid + "SmsStatusreceived",
           // Body=STARTFrom%2B61491570006MessageSidSM…N
           "Body=START&From=%2B61491570006&MessageSid=" + kSid + "&N=From%2B61400000001MessageSid" +
               kOtherSid + "&NumMedia=0&SmsSid=" + kOtherSid + "&SmsStatus=received",
           "Body=START&From=%2B61491570006&MessageSid=" + kSid + "&N=From%2B61400000001MessageSid" +
               kOtherSid + "&NumMedia=0&SmsStatus=received",
           "Body=START&From=whatsapp:%2B61491570006&MessageSid=" + kSid +
               "&N=Fromwhatsapp:%2B61400000001MessageSid" + kOtherSid + "&SmsStatus=received",
           "Body=START&From=%2B61491570006&MessageSid=" + kSid + "&SmsSid=" + kOtherSid +
               "&SmsStatus=received",
           "Body=START&From=%2B61491570006&MessageSid=" + kSid + "&SmsMessageSid=" + kOtherSid +
               "&SmsStatus=received",
           // Body=STARTFrom%2B61491570006FromX
           "Body=START&From=%2B61491570006&FromX=From%2B61400000001&MessageSid=" + kSid +
               "&SmsStatus=received",
           // Body=STARTFrom%2B61491570006G, where the name hides the true one
           "Body=START&From=%2B61491570006&GFrom=%2B61400000001&MessageSid=" + kSid +
               "&SmsStatus=received",
           // ProfileName=xFrom%2B61491570006MessageSidSM…OptOutTypeSTART, of a person who wrote Hi
           "Body=HiFrom%2B61400000001MessageSid" + kOtherSid + "ProfileNamex&From=%2B61491570006" +
               "&MessageSid=" + kSid + "&OptOutType=START&SmsStatus=received",
           // ProfileName=MessageSidSM…, of a person who says the same again
           "Body=START&From=%2B61491570006&FromCity=MessageSid" + kSid +
               "NumMedia0ProfileName&MessageSid=" + kOtherSid + "&SmsStatus=received",
           "Body=START&From=%2B61491570006&FromCityMessageSid=" + kSid +
               "NumMedia0ProfileName&MessageSid=" + kOtherSid + "&SmsStatus=received",
           "MessageSid=" + kSid + "&MessageStatus=sent&MessageStatus=failed",
           "MessageSid=" + kSid + "&MessageStatus=sentTo%2B61491570006",
       }) {
    const WebhookKind kind = kind_of(body);
    EXPECT_TRUE(kind == WebhookKind::kOther || kind == WebhookKind::kUnsure) << body;
  }
}

TEST(FormCut, SaysWhichParameterAndWhy) {
  EXPECT_EQ(why("ErrorMessage=a+MessageStatus+b&MessageSid=" + kSid + "&MessageStatus=failed"),
            "parameter \"ErrorMessage\" holds the name MessageStatus");
  EXPECT_EQ(why("To=1&To=1"), "parameter \"To\" comes twice");
  EXPECT_EQ(why("From%2B61491570006="),
            "parameter \"From+###########\" has a name that Twilio uses for none");
  EXPECT_EQ(why("a+b=1"), "parameter \"a b\" has a name that Twilio uses for none");
  EXPECT_EQ(why("MessageSid=" + kSid + "&SmsSid=" + kOtherSid),
            "parameter \"SmsSid\" is another than MessageSid");
  EXPECT_EQ(why("From=%2B61491570006&GFrom=%2B61400000001&MessageSid=" + kSid),
            "parameter \"GFrom\" can be read as another From");
}

// Twilio adds parameters without notice, and a profile's name is a person's own.
TEST(FormCut, TakesOddParameters) {
  const std::string text =
      "AccountSid=AC1&Body=STOP&From=whatsapp:%2B61491570006&MessageSid=" + kSid +
      "&NumMedia=0&SmsMessageSid=" + kSid + "&SmsSid=" + kSid +
      "&SmsStatus=received&To=whatsapp:%2B61400000001";
  const std::string status =
      "AccountSid=AC1&ErrorCode=30003&From=%2B61400000001&MessageSid=" + kSid +
      "&MessageStatus=undelivered&SmsSid=" + kSid + "&SmsStatus=undelivered&To=%2B61491570006";
  for (const char* odd :
       {"&ProfileName=From1988",
        "&ProfileName=From+1988",
        "&ProfileName=From%2B61400000002",
        "&ProfileName=SmsStatus",
        "&ProfileName=MessageStatusGuru",
        "&ProfileName=MessageSid",
        "&ProfileName=To2000",
        "&ProfileName=",
        "&X-Home-Region=au1",
        "&X-Home-Region=From1",
        "&AddOns=%7B%22From%22:%22x%22%7D",
        "&Media[0]=x",
        "&a.b-c=From2",
        "&Label=From1988",
        "&ChannelMetadata=%7B%22type%22:%22whatsapp%22,%22MessageSid%22:%22SM1%22%7D",
        ("&OriginalRepliedMessageSid=SM00000000000000000000000000000000"
         "&OriginalRepliedMessageSender=whatsapp:%2B61400000001"),
        "&FromCity=FROM1&FromZip=2000&FromCountry=AU&FromState=",
        "&Body2=From3",
        "&=",
        "&From2=",
        "&Timestamp=2026-11-29T10:00:00Z",
        "&ReferralBody=Buy+From1+To2+now"}) {
    EXPECT_EQ(kind_of(text + odd), WebhookKind::kInbound) << odd << ": " << why(text + odd);
    EXPECT_EQ(kind_of(status + odd), WebhookKind::kStatus) << odd << ": " << why(status + odd);
  }
  for (const char* odd : {"&X-From-Region=au1", "&Body.x=1", "&a%2Bb=1", "&a:b=1", "&a%00=1"}) {
    EXPECT_EQ(kind_of(text + odd), WebhookKind::kUnsure) << odd;
  }
}

TEST(FormCut, LetsAPersonWriteAnything) {
  const std::string tail = "&From=%2B61491570006&MessageSid=" + kSid + "&SmsStatus=received";
  for (const char* words :
       {"MessageSid+From%2B6149", "From%2B61400000001", "STARTFrom%2B61400000001FromX", "From1Home",
        "Buses+From1+To+From9", "MessageStatus=failed", "SmsSid", "AccountSidAC1",
        "MessageSidSM00000000000000000000000000000000"})
    EXPECT_EQ(kind_of(std::string("Body=") + words + tail), WebhookKind::kInbound) << words;
}

// --- whatever a person writes, and wherever the text is cut -------------------------------------

class RandomCuts : public ::testing::Test {
 protected:
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }

  std::string words() {
    static const std::vector<std::string> pieces = {"START",
                                                    "STOP",
                                                    "x",
                                                    "F",
                                                    "G",
                                                    "From",
                                                    "From",
                                                    "+61400000001",
                                                    "whatsapp:+61400000001",
                                                    "12345",
                                                    "MessageSid",
                                                    "MessageSid",
                                                    kOtherSid,
                                                    "MessageStatus",
                                                    "failed",
                                                    "SmsStatus",
                                                    "OptOutType",
                                                    "NumMedia",
                                                    "N",
                                                    "To",
                                                    "SmsSid",
                                                    "Body",
                                                    "AccountSid"};
    std::string text;
    for (std::size_t count = below(9); count > 0; --count)
      text += pieces[below(pieces.size())];
    return text;
  }

  // As Twilio sends it. `From` is the attacker's.
  FormParams original() {
    const std::string channel = below(3) == 0 ? "whatsapp:" : "";
    FormParams params = {{"AccountSid", "AC1"},
                         {"Body", words()},
                         {"From", channel + "+61491570006"},
                         {"MessageSid", kSid},
                         {"SmsSid", kSid},
                         {"SmsStatus", "received"},
                         {"To", channel + "+61400000009"}};
    if (below(2) == 0) params.emplace_back("FromCity", "");
    if (below(2) == 0) params.emplace_back("NumMedia", "0");
    if (below(2) == 0) params.emplace_back("SmsMessageSid", kSid);
    if (below(2) == 0) params.emplace_back("ProfileName", words());
    std::sort(params.begin(), params.end());
    return params;
  }

  // Another cut of the same text, with names in order: at places where a name of Twilio's stands,
  // and at some others.
  FormParams cut_anew(const FormParams& params) {
    std::string text;
    for (const auto& [name, value] : params)
      text += name + value;
    FormParams cut;
    std::size_t begun = 0;
    while (begun < text.size()) {
      const std::size_t name_end = end_of_name(text, begun);
      const std::string name = text.substr(begun, name_end - begun);
      std::size_t next = name_end;
      while (next < text.size() && (below(3) != 0 || !may_begin(text, next, name)))
        ++next;
      cut.emplace_back(name, text.substr(name_end, next - name_end));
      begun = next;
    }
    return cut;
  }

 private:
  static const std::vector<std::string>& names() {
    static const std::vector<std::string> all = {
        "AccountSid",    "Body",      "FromCity",   "From",        "MessageSid",
        "MessageStatus", "NumMedia",  "OptOutType", "ProfileName", "SmsMessageSid",
        "SmsSid",        "SmsStatus", "To"};
    return all;
  }

  std::size_t end_of_name(const std::string& text, std::size_t at) {
    for (const std::string& name : names())
      if (text.compare(at, name.size(), name) == 0 && below(8) != 0) return at + name.size();
    return std::min(text.size(), at + 1 + below(20));
  }

  bool may_begin(const std::string& text, std::size_t at, const std::string& after) {
    if (text.compare(at, std::string::npos, after) < 0) return false;
    for (const std::string& name : names())
      if (text.compare(at, name.size(), name) == 0) return true;
    return below(40) == 0;
  }

  std::mt19937 random_{test::random_seed()};
};

TEST_F(RandomCuts, SayNothingElseInAnothersName) {
  int acted_on = 0;
  for (int round = 0; round < 40'000; ++round) {
    const FormParams whole = original();
    const FormParams cut = cut_anew(whole);
    if (!std::is_sorted(cut.begin(), cut.end())) continue;  // not the same text when it is signed
    const Webhook read = read_webhook(cut);
    // "received" cut short is no status that a message of ours could take.
    if (read.kind == WebhookKind::kStatus) {
      ASSERT_EQ(find_delivery_status(read.status.message_status), nullptr)
          << form_to_json(cut) << test::seed_text();
    }
    if (read.kind != WebhookKind::kInbound) continue;
    ++acted_on;
    const std::string person = number_of(read.inbound.from);
    if (person.empty()) continue;
    ASSERT_EQ(person, number_of(*find(whole, "From"))) << form_to_json(cut) << test::seed_text();
    ASSERT_EQ(read.inbound.message_sid, kSid) << form_to_json(cut) << test::seed_text();
  }
  EXPECT_GT(acted_on, 20) << test::seed_text();
}

}  // namespace
}  // namespace coach_sms
