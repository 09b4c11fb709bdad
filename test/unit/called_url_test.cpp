#include "gateway/called_url.hpp"

#include <gtest/gtest.h>

namespace coach_sms {
namespace {

TEST(CalledUrl, HasTheHostAndTheTargetOfTheRequest) {
  EXPECT_EQ(called_url("coach.example", "", "/twilio?org=1"), "http://coach.example/twilio?org=1");
  EXPECT_EQ(called_url("coach.example:8080", "", "/twilio"), "http://coach.example:8080/twilio");
  EXPECT_EQ(called_url("[::1]:80", "", "/twilio"), "http://[::1]:80/twilio");
}

TEST(CalledUrl, HasTheSchemeThatAProxyNames) {
  EXPECT_EQ(called_url("coach.example", "https", "/t"), "https://coach.example/t");
  EXPECT_EQ(called_url("coach.example", "https, http", "/t"), "http://coach.example/t");
  EXPECT_EQ(called_url("coach.example", "ftp", "/t"), "http://coach.example/t");
}

TEST(CalledUrl, HasNoFragment) {
  EXPECT_EQ(called_url("h", "", "/t?a=1#rc=5&rp=all"), "http://h/t?a=1");
}

TEST(CalledUrl, IsTheTargetAloneWhereTheHostCanBeNone) {
  for (const char* host : {"", "a b", "a/b", "a?b", "user@host", "a:port", "a:1:2", "a\nb", "a<b"})
    EXPECT_EQ(called_url(host, "https", "/t?a=1"), "/t?a=1") << host;
}

TEST(CalledUrl, PathEndsBeforeTheQuery) {
  EXPECT_EQ(path_of("/twilio?a=/b"), "/twilio");
  EXPECT_EQ(path_of("/twilio#x"), "/twilio");
  EXPECT_EQ(path_of("/twilio"), "/twilio");
  EXPECT_EQ(path_of(""), "");
}

}  // namespace
}  // namespace coach_sms
