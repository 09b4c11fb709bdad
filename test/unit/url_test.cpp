#include "core/base/url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coach_sms {
namespace {

TEST(WithoutFragment, CutsAtTheFirstHash) {
  EXPECT_EQ(without_fragment("https://h.example/s?a=1#rc=5&rp=all#x"), "https://h.example/s?a=1");
  EXPECT_EQ(without_fragment("https://h.example/s"), "https://h.example/s");
  EXPECT_EQ(without_fragment(""), "");
}

TEST(SplitUrl, KeepsTheBytesOfEachPart) {
  const auto url = split_url("HTTPS://u:p@x@[2001:DB8::7]:0443/a//../b?c://d@e");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "HTTPS://");
  EXPECT_EQ(url->user_info, "u:p@x@");
  EXPECT_EQ(url->host, "[2001:DB8::7]");
  EXPECT_EQ(url->port, ":0443");
  EXPECT_EQ(url->path, "/a//../b");
  EXPECT_EQ(url->query, "?c://d@e");
  EXPECT_TRUE(is_https(*url));
  EXPECT_TRUE(is_web_url(*url));
}

TEST(SplitUrl, LosesNoByte) {
  for (const char* text :
       {"://", "https://h", "http://h?q", "x://@:/?", "https://a]:b[/", "a/b://c"}) {
    const auto url = split_url(text);
    ASSERT_TRUE(url) << text;
    std::string joined;
    for (const auto part :
         {url->scheme, url->user_info, url->host, url->port, url->path, url->query})
      joined += part;
    EXPECT_EQ(joined, text);
  }
}

TEST(SplitUrl, FindsNoneBehindTheQuery) {
  for (const char* text : {"", "/s", "h.example/s", "https:/h", "/s?u=https://h"})
    EXPECT_FALSE(split_url(text)) << text;
}

TEST(WebUrl, HasAHostAndAPortOfDigits) {
  for (const char* text :
       {"http://h", "https://h.example:443/s", "https://[::1]:8080", "http://h:"})
    EXPECT_TRUE(is_web_url(*split_url(text))) << text;
  for (const char* text :
       {"ftp://h", "https://", "https://u@", "https://:80", "https://h:x", "https://h:123456",
        "https://a b", "https://a\nb", "https://[::1", "https://[]", "https://[h]", "https://a%41"})
    EXPECT_FALSE(is_web_url(*split_url(text))) << text;
}

}  // namespace
}  // namespace coach_sms
