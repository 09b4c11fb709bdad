#include "core/twilio/channel_address.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coach_sms {
namespace {

TEST(ChannelAddress, PartsTheChannelFromTheAddress) {
  struct Case {
    const char* text;
    const char* channel;
    const char* address;
  };
  for (const Case& expected : {
           Case{"+61412000123", "", "+61412000123"},
           {"whatsapp:+61412000123", "whatsapp", "+61412000123"},
           {"WhatsApp:+61412000123", "WhatsApp", "+61412000123"},
           {"rcs:brand_agent", "rcs", "brand_agent"},
           {"messenger:1234567890", "messenger", "1234567890"},
           {"a:b:c", "a", "b:c"},
           {"rcs:", "rcs", ""},
           {":+61412000123", "", ":+61412000123"},
           {"+61:412", "", "+61:412"},
           {"", "", ""},
       }) {
    const ChannelAddress read = read_channel_address(expected.text);
    EXPECT_EQ(read.channel, expected.channel) << expected.text;
    EXPECT_EQ(read.address, expected.address) << expected.text;
  }
}

TEST(ChannelAddress, CarriesANumberOrNone) {
  struct Case {
    const char* text;
    const char* number;
  };
  for (const Case& expected : {
           Case{"+61412000123", "+61412000123"},
           {"whatsapp:+61412000123", "+61412000123"},
           {"rcs:+61412000127", "+61412000127"},
           {"messenger:+61412000123", "+61412000123"},
           {"+610412000123", "+61412000123"},
           {"whatsapp:+610412000123", "+61412000123"},
           {"+999123456789", "+999123456789"},  // of no country: it is listed as it is all the same
           {"+6149157", "+6149157"},
           {"12345", ""},
           {"89045", ""},
           {"0412000123", ""},    // a region would have to be guessed
           {"61412000123", ""},   // Twilio writes the plus
           {" 61412000123", ""},  // as which "+" comes out of a form that does not escape it
           {"VODAFONE", ""},
           {"Vodafone 1", ""},
           {"+464", ""},
           {"+0412000123", ""},
           {"+6141200012312345", ""},
           {"+61412000123x5", ""},
           {"+61 412 000 123", ""},
           {"anonymous", ""},
           {"", ""},
           {"+", ""},
           {"rcs:", ""},
           {"rcs:brand_agent", ""},
           {"whatsapp:12345", ""},
           {"whatsapp:whatsapp:+61412000123", ""},
           {"whatsapp:US.13491208655302741918", ""},
           {"sip:+61412000123@example.com", ""},
           {"client:ann", ""},
           {"\xEF\xBF\xBD", ""},
       })
    EXPECT_EQ(number_of(expected.text), expected.number) << expected.text;
  EXPECT_EQ(number_of(std::string(60000, '1')), "");
}

TEST(ChannelAddress, NamesASender) {
  EXPECT_EQ(sender_of("whatsapp:+61400000001"), "+61400000001");
  EXPECT_EQ(sender_of("+61400000001"), "+61400000001");
  EXPECT_EQ(sender_of("89045"), "89045");
  EXPECT_EQ(sender_of("PeakFit"), "PeakFit");
  EXPECT_EQ(sender_of("rcs:brand_agent"), "rcs:brand_agent")
      << "no alphanumeric sender of that name";
  EXPECT_EQ(sender_of(""), "");
  EXPECT_EQ(sender_of(std::string(101, 'x')), "") << "no index takes it";
}

}  // namespace
}  // namespace coach_sms
