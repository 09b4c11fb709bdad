#include "core/crypto/kept_key.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/base/error.hpp"
#include "key_files.hpp"

namespace coach_sms {
namespace {

TEST(KeptKey, OpensWhatItsKeySealed) {
  KeptKey kept;
  EXPECT_FALSE(kept.has_key());
  kept.read(kKeyFile);
  const std::string sealed = seal(kept.key(), "a token", "org 1");
  EXPECT_EQ(kept.open(sealed, "org 1"), "a token");
  EXPECT_EQ(kept.open(sealed, "org 1"), "a token");
  EXPECT_EQ(kept.open(seal(kept.key(), "another", "org 1"), "org 1"), "another");
}

TEST(KeptKey, OpensNoValueForAnotherContext) {
  KeptKey kept;
  kept.read(kKeyFile);
  const std::string sealed = seal(kept.key(), "a token", "org 1");
  EXPECT_EQ(kept.open(sealed, "org 1"), "a token");
  EXPECT_THROW((void)kept.open(sealed, "org 2"), Error);
}

TEST(KeptKey, OpensNothingThatAnEarlierKeySealed) {
  KeptKey kept;
  kept.read(kKeyFile);
  const std::string sealed = seal(kept.key(), "a token", "org 1");
  EXPECT_EQ(kept.open(sealed, "org 1"), "a token");
  kept.read(kOtherKeyFile);
  EXPECT_THROW((void)kept.open(sealed, "org 1"), Error);
}

TEST(KeptKey, HasNoKeyAfterABadFile) {
  KeptKey kept;
  kept.read(kKeyFile);
  EXPECT_THROW(kept.read("no key"), Error);
  EXPECT_FALSE(kept.has_key());
}

TEST(KeptKey, OpensMoreValuesThanItKeeps) {
  KeptKey kept;
  kept.read(kKeyFile);
  for (int round = 0; round < 2; ++round)
    for (std::size_t i = 0; i < 2 * KeptKey::kMostOpened; ++i) {
      const std::string text = "token " + std::to_string(i);
      EXPECT_EQ(kept.open(seal(kept.key(), text, "org"), "org"), text);
    }
}

}  // namespace
}  // namespace coach_sms
