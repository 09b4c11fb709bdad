#include "gateway/office/sign_ins.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coach_sms {
namespace {

TEST(SignInsTest, ACookieHoldsTheSignIn) {
  const SignIns sign_ins;
  const SignIn ann = sign_ins.begin("ann", Secret("secret"), Clock::now());
  const std::string cookie = sign_ins.cookie(ann, Clock::now());
  EXPECT_EQ(cookie.find("ann"), std::string::npos);
  EXPECT_EQ(cookie.find("secret"), std::string::npos);
  const auto found = sign_ins.open(cookie, Clock::now());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->role, "ann");
  EXPECT_EQ(found->password.view(), "secret");
  EXPECT_EQ(found->id, ann.id);
}

TEST(SignInsTest, NobodyElseMakesACookie) {
  const SignIns sign_ins;
  const SignIns others;
  const SignIn ann = sign_ins.begin("ann", Secret("secret"), Clock::now());
  std::string changed = sign_ins.cookie(ann, Clock::now());
  changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& cookie : {std::string(), std::string("ann"), changed,
                                    others.cookie(ann, Clock::now()), sign_ins.token(ann)})
    EXPECT_FALSE(sign_ins.open(cookie, Clock::now())) << cookie;
}

TEST(SignInsTest, ASignInEndsAfterHalfAnHourWithoutUse) {
  using namespace std::chrono_literals;
  const SignIns sign_ins;
  const Clock::time_point now = Clock::now();
  const std::string cookie = sign_ins.cookie(sign_ins.begin("ann", Secret("secret"), now), now);
  EXPECT_TRUE(sign_ins.open(cookie, now + 29min));
  EXPECT_FALSE(sign_ins.open(cookie, now + 31min));
}

TEST(SignInsTest, ASignInEndsAfterTwelveHours) {
  using namespace std::chrono_literals;
  const SignIns sign_ins;
  const Clock::time_point now = Clock::now();
  const SignIn ann = sign_ins.begin("ann", Secret("secret"), now);
  EXPECT_TRUE(sign_ins.open(sign_ins.cookie(ann, now + 11h), now + 11h));
  EXPECT_FALSE(sign_ins.open(sign_ins.cookie(ann, now + 13h), now + 13h));
}

TEST(SignInsTest, SigningOutEndsEveryCopy) {
  SignIns sign_ins;
  const SignIn ann = sign_ins.begin("ann", Secret("secret"), Clock::now());
  const SignIn again = sign_ins.begin("ann", Secret("secret"), Clock::now());
  const std::string copy = sign_ins.cookie(ann, Clock::now());
  sign_ins.end(ann);
  EXPECT_FALSE(sign_ins.open(copy, Clock::now()));
  EXPECT_TRUE(sign_ins.open(sign_ins.cookie(again, Clock::now()), Clock::now()));
}

TEST(SignInsTest, ATokenIsOfOneSignIn) {
  const SignIns sign_ins;
  const SignIn ann = sign_ins.begin("ann", Secret("secret"), Clock::now());
  const SignIn bob = sign_ins.begin("bob", Secret("secret"), Clock::now());
  EXPECT_TRUE(sign_ins.is_token(ann, sign_ins.token(ann)));
  for (const std::string& token :
       {std::string(), std::string("x"), sign_ins.token(bob), sign_ins.cookie(ann, Clock::now())})
    EXPECT_FALSE(sign_ins.is_token(ann, token)) << token;
}

}  // namespace
}  // namespace coach_sms
