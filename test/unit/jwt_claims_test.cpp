#include "core/tenancy/jwt_claims.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace coach_sms {
namespace {

constexpr const char* kA = "aaaaaaaa-0000-4000-8000-00000000000a";
constexpr const char* kB = "bbbbbbbb-0000-4000-8000-00000000000b";
constexpr const char* kC = "cccccccc-0000-4000-8000-00000000000c";

using Orgs = std::vector<std::string>;

// A, B and C stand for the orgs.
Orgs orgs_of(std::string claims) {
  for (const auto& [letter, org] : {std::pair{'A', kA}, {'B', kB}, {'C', kC}})
    for (auto at = claims.find(letter); at != std::string::npos; at = claims.find(letter))
      claims.replace(at, 1, org);
  Orgs orgs;
  for (const Uuid& org : orgs_in_claims(claims))
    orgs.push_back(to_text(org));
  return orgs;
}

TEST(JwtClaims, NameTheOrgAtTheTop) {
  EXPECT_EQ(orgs_of(R"({"sub": "1", "org_id": "A"})"), Orgs{kA});
}

TEST(JwtClaims, NameOrgsInAppMetadata) {
  EXPECT_EQ(orgs_of(R"({"app_metadata": {"org_id": "A", "org_ids": ["B", "A", "C"]}})"),
            (Orgs{kA, kB, kC}));
}

TEST(JwtClaims, UserMetadataIsTheUsersOwnToWrite) {
  EXPECT_EQ(orgs_of(R"({"user_metadata": {"org_id": "A", "org_ids": ["B"]}})"), Orgs{});
}

TEST(JwtClaims, WhatIsNoTextNamesNoOrg) {
  EXPECT_EQ(
      orgs_of(
          R"({"org_id": 1, "app_metadata": {"org_id": null, "org_ids": [2, {}, [], true, "B"]}})"),
      Orgs{kB});
  EXPECT_EQ(orgs_of(R"({"org_id": {"org_id": "A"}, "app_metadata": "A"})"), Orgs{});
}

TEST(JwtClaims, WhatIsNoObjectNamesNoOrg) {
  for (const char* claims :
       {"", " ", "null", "[]", "\"A\"", "{", R"({"org_id": "A")", R"([{"org_id": "A"}])",
        R"({"org_id": "A"} x)", "{\"org_id\": \"\xff\"}"})
    EXPECT_EQ(orgs_of(claims), Orgs{}) << claims;
}

TEST(JwtClaims, DepthCostsNoStack) {
  EXPECT_EQ(orgs_of(std::string(1 << 20, '[')), Orgs{});
  EXPECT_EQ(orgs_of("{\"x\": " + std::string(100000, '[') + std::string(100000, ']') +
                    ", \"org_id\": \"A\"}"),
            Orgs{kA});
}

}  // namespace
}  // namespace coach_sms
