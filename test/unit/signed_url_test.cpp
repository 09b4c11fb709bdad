#include "core/webhook/signed_url.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/url.hpp"

namespace coach_sms {
namespace {

using namespace std::string_view_literals;
using Urls = std::vector<std::string>;

bool may_be_signed_as(std::string_view url, std::string_view signed_url) {
  const Urls urls = possibly_signed_urls(url);
  return std::find(urls.begin(), urls.end(), signed_url) != urls.end();
}

// The expected lists were made with the functions of Twilio's Node library 6.2.0.
TEST(PossiblySignedUrls, AreTheUrlWithoutAndWithItsPort) {
  EXPECT_EQ(possibly_signed_urls("https://h.example/s"),
            (Urls{"https://h.example/s", "https://h.example:443/s"}));
  EXPECT_EQ(possibly_signed_urls("https://h.example:443/s"),
            (Urls{"https://h.example/s", "https://h.example:443/s"}));
  EXPECT_EQ(possibly_signed_urls("http://h.example:8080/s?a=1"),
            (Urls{"http://h.example/s?a=1", "http://h.example:8080/s?a=1"}));
  EXPECT_EQ(possibly_signed_urls("http://h.example/"),
            (Urls{"http://h.example/", "http://h.example:80/"}));
  EXPECT_EQ(possibly_signed_urls("https://h.example:/x"),
            (Urls{"https://h.example/x", "https://h.example:/x", "https://h.example:443/x"}));
}

TEST(PossiblySignedUrls, TakeAPortOnlyFromBehindTheHost) {
  EXPECT_EQ(possibly_signed_urls("https://u:1@x:2@h.example/a:3?b@c:4").front(),
            "https://u:1@x:2@h.example/a:3?b@c:4");
  EXPECT_TRUE(may_be_signed_as("https://u:1@h.example:8443/a:3", "https://u:1@h.example/a:3"));
  EXPECT_EQ(possibly_signed_urls("https://[2001:db8::7]:8443/s"),
            (Urls{"https://[2001:db8::7]/s", "https://[2001:db8::7]:8443/s"}));
}

TEST(PossiblySignedUrls, HoldTheStandardFormAndTheRewrittenQuery) {
  EXPECT_EQ(possibly_signed_urls("https://u:p@H.example:0443/a/../b c?x=It's+\xC3\xB6&y"),
            (Urls{"https://u:p@H.example/a/../b c?x=It's+\xC3\xB6&y",
                  "https://u:p@H.example:0443/a/../b c?x=It's+\xC3\xB6&y",
                  "https://u:p@h.example/b%20c?x=It%27s+%C3%B6&y",
                  "https://u:p@h.example:443/b%20c?x=It%27s+%C3%B6&y",
                  "https://u:p@h.example/b%20c?x=It's%20%C3%B6&y=",
                  "https://u:p@h.example:443/b%20c?x=It's%20%C3%B6&y="}));
}

TEST(PossiblySignedUrls, ResolveDotSegments) {
  EXPECT_TRUE(may_be_signed_as("https://h.example", "https://h.example/"));
  EXPECT_TRUE(may_be_signed_as("https://h.example?a", "https://h.example/?a"));
  EXPECT_TRUE(may_be_signed_as("https://h.example/..", "https://h.example/"));
  EXPECT_TRUE(may_be_signed_as("https://h.example/a/./b/.", "https://h.example/a/b/"));
  EXPECT_TRUE(may_be_signed_as("https://h.example/a/%2e%2E/b/.%2e/c", "https://h.example/c"));
  EXPECT_TRUE(may_be_signed_as("https://h.example//a//../b", "https://h.example//a/b"));
  EXPECT_FALSE(may_be_signed_as("https://h.example/a/.../b", "https://h.example/b"));
}

TEST(PossiblySignedUrls, GroupParametersOfOneNameInTheRewrittenQuery) {
  EXPECT_TRUE(
      may_be_signed_as("https://h.example/?b=/&a=2&&c&b=3", "https://h.example/?b=%2F&b=3&a=2&c="));
  EXPECT_TRUE(may_be_signed_as("https://h.example/?&", "https://h.example/?"));
}

TEST(PossiblySignedUrls, AreNoneForWhatIsNoHttpUrl) {
  constexpr std::string_view kRefused[] = {"",
                                           "x",
                                           "/s",
                                           "h.example/s",
                                           "://h.example",
                                           "ftp://h.example/",
                                           "httpss://h.example/",
                                           "https:/h.example",
                                           "https://",
                                           "https:///s",
                                           "https://?a",
                                           "https://u@/s",
                                           "https://:443/s",
                                           "https://h.example:x/s",
                                           "https://h.example:443:443/s",
                                           "https://h.example:1234567/s",
                                           "https://a b/s",
                                           "https://a\\b/s",
                                           "https://a%41/s",
                                           "https://[::1/s",
                                           "https://::1]/s",
                                           "https://[]/s",
                                           "https://[h.example]/s",
                                           "https://[::1]x/s",
                                           "https://h.example/\n",
                                           " https://h.example/",
                                           "https://h.example/\0"sv,
                                           "https://h.example/s#rc=5",
                                           "https://h.example/#"};
  for (const std::string_view url : kRefused) {
    EXPECT_EQ(possibly_signed_urls(url), Urls{}) << url;
  }
}

TEST(PossiblySignedUrls, AreNoneAboveTheSizeLimit) {
  const std::string start = "https://h.example/";
  const std::string longest = start + std::string(kMaxUrlSize - start.size(), 'a');
  EXPECT_EQ(possibly_signed_urls(longest).front(), longest);
  EXPECT_EQ(possibly_signed_urls(longest + "a"), Urls{});
}

TEST(PossiblySignedUrls, AreAtMostSixAndDistinctWhateverTheUrl) {
  std::mt19937 random(4242);
  constexpr std::string_view kAlphabet = "ah.:/?@[]&=%2e+'\" \\\xC3\xB6#0";
  for (int i = 0; i < 20000; ++i) {
    std::string url = "https://h";
    for (std::size_t size = random() % 30 + 9; url.size() < size;) {
      url += kAlphabet[random() % kAlphabet.size()];
    }
    Urls urls = possibly_signed_urls(url);
    EXPECT_LE(urls.size(), 6U) << url;
    std::sort(urls.begin(), urls.end());
    EXPECT_EQ(std::adjacent_find(urls.begin(), urls.end()), urls.end()) << url;
  }
}

}  // namespace
}  // namespace coach_sms
