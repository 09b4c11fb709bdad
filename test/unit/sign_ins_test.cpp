#include "gateway/office/sign_ins.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coach_sms {
namespace {

TEST(SignInsTest, ACookieHoldsTheSignIn) {
  const SignIns sign_ins;
  const SignIn ann = sign_ins.begin("ann", Secret("secret"));
  const std::string cookie = sign_ins.cookie(ann);
  EXPECT_EQ(cookie.find("ann"), std::string::npos);
  EXPECT_EQ(cookie.find("secret"), std::string::npos);
  const auto found = sign_ins.open(cookie);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->role, "ann");
  EXPECT_EQ(found->password.view(), "secret");
  EXPECT_EQ(found->id, ann.id);
}

TEST(SignInsTest, NobodyElseMakesACookie) {
  const SignIns sign_ins;
  const SignIns others;
  const SignIn ann = sign_ins.begin("ann", Secret("secret"));
  std::string changed = sign_ins.cookie(ann);
  changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& cookie :
       {std::string(), std::string("ann"), changed, others.cookie(ann), sign_ins.token(ann)})
    EXPECT_FALSE(sign_ins.open(cookie)) << cookie;
}

TEST(SignInsTest, ASignInThatIsOldIsOver) {
  const SignIns sign_ins;
  SignIn ann = sign_ins.begin("ann", Secret("secret"));
  ann.began -= std::chrono::hours(11);
  EXPECT_TRUE(sign_ins.open(sign_ins.cookie(ann)));
  ann.began -= std::chrono::hours(2);
  EXPECT_FALSE(sign_ins.open(sign_ins.cookie(ann)));
}

TEST(SignInsTest, SigningOutEndsEveryCopy) {
  SignIns sign_ins;
  const SignIn ann = sign_ins.begin("ann", Secret("secret"));
  const SignIn again = sign_ins.begin("ann", Secret("secret"));
  const std::string copy = sign_ins.cookie(ann);
  sign_ins.end(ann);
  EXPECT_FALSE(sign_ins.open(copy));
  EXPECT_TRUE(sign_ins.open(sign_ins.cookie(again)));
}

TEST(SignInsTest, ATokenIsOfOneSignIn) {
  const SignIns sign_ins;
  const SignIn ann = sign_ins.begin("ann", Secret("secret"));
  const SignIn bob = sign_ins.begin("bob", Secret("secret"));
  EXPECT_TRUE(sign_ins.is_token(ann, sign_ins.token(ann)));
  for (const std::string& token :
       {std::string(), std::string("x"), sign_ins.token(bob), sign_ins.cookie(ann)})
    EXPECT_FALSE(sign_ins.is_token(ann, token)) << token;
}

}  // namespace
}  // namespace coach_sms
