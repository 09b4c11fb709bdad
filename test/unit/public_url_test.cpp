#include "core/webhook/public_url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace coach_sms {
namespace {

using Urls = std::vector<std::string>;

TEST(PossiblyCalledUrls, AreTheReceivedOneAloneWithoutAPublicUrl) {
  EXPECT_EQ(possibly_called_urls("http://h.example:8787/sms?org=1", ""),
            Urls{"http://h.example:8787/sms?org=1"});
}

TEST(PossiblyCalledUrls, TakeOriginOrPathFromThePublicUrl) {
  EXPECT_EQ(possibly_called_urls("http://10.0.0.7:3000/inner/sms?org=1&message=2",
                                 "https://coach.example/hooks/sms"),
            (Urls{"http://10.0.0.7:3000/inner/sms?org=1&message=2",
                  "https://coach.example/inner/sms?org=1&message=2",
                  "https://coach.example/hooks/sms?org=1&message=2"}));
}

TEST(PossiblyCalledUrls, AreEachListedOnce) {
  EXPECT_EQ(possibly_called_urls("https://coach.example/sms?a=1", "https://coach.example/sms"),
            Urls{"https://coach.example/sms?a=1"});
  EXPECT_EQ(possibly_called_urls("http://coach.example/sms?a=1", "https://coach.example/sms"),
            (Urls{"http://coach.example/sms?a=1", "https://coach.example/sms?a=1"}));
}

TEST(PossiblyCalledUrls, AreMadeFromAPathAlone) {
  EXPECT_EQ(
      possibly_called_urls("/sms?a=1", "https://coach.example:8443/hooks/sms"),
      (Urls{"https://coach.example:8443/sms?a=1", "https://coach.example:8443/hooks/sms?a=1"}));
  EXPECT_EQ(possibly_called_urls("/sms?a=1", ""), Urls{});
}

TEST(PossiblyCalledUrls, HaveNoFragment) {
  EXPECT_EQ(possibly_called_urls("http://in.example/sms?a=1#rc=5&rp=all", "https://coach.example"),
            (Urls{"http://in.example/sms?a=1", "https://coach.example/sms?a=1",
                  "https://coach.example?a=1"}));
}

TEST(PossiblyCalledUrls, AreNotMisledByAUrlInTheQuery) {
  EXPECT_EQ(possibly_called_urls("/sms?next=http://evil.example/x", "https://coach.example/hook"),
            (Urls{"https://coach.example/sms?next=http://evil.example/x",
                  "https://coach.example/hook?next=http://evil.example/x"}));
  EXPECT_EQ(possibly_called_urls("https://h.example?a=http://b/c", "https://coach.example/hook"),
            (Urls{"https://h.example?a=http://b/c", "https://coach.example?a=http://b/c",
                  "https://coach.example/hook?a=http://b/c"}));
}

TEST(PossiblyCalledUrls, SurviveAnything) {
  EXPECT_EQ(possibly_called_urls("", ""), Urls{});
  EXPECT_EQ(possibly_called_urls("", "https://coach.example/sms"),
            (Urls{"https://coach.example", "https://coach.example/sms"}));
  EXPECT_EQ(possibly_called_urls("://", "https://coach.example/sms"),
            (Urls{"://", "https://coach.example", "https://coach.example/sms"}));
}

}  // namespace
}  // namespace coach_sms
