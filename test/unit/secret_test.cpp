#include "core/crypto/secret.hpp"

#include <gtest/gtest.h>

#include <array>
#include <new>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace coach_sms {
namespace {

// Short enough for std::string's inner buffer, where moving leaves a copy behind.
constexpr std::string_view kShort = "token-of-15-chr";
constexpr std::string_view kLong = "f00dfacecafe0123456789abcdef4242";

struct SecretStorage {
  alignas(Secret) std::array<char, sizeof(Secret)> bytes{};

  bool shows(std::string_view text) const {
    return std::string_view(bytes.data(), bytes.size()).find(text) != std::string_view::npos;
  }
};

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!Printable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<std::string, Secret>);

TEST(Secret, HoldsTheTextItWasGiven) {
  EXPECT_EQ(Secret(kLong).view(), kLong);
  EXPECT_FALSE(Secret(kLong).empty());
  EXPECT_TRUE(Secret().empty());
  EXPECT_TRUE(Secret("").empty());
}

TEST(Secret, CopiesAreIndependent) {
  Secret first(kLong);
  const Secret second(first);
  Secret third;
  third = first;
  first = Secret(kShort);
  EXPECT_EQ(first.view(), kShort);
  EXPECT_EQ(second.view(), kLong);
  EXPECT_EQ(third.view(), kLong);
}

TEST(Secret, IsEmptyAfterBeingMovedFrom) {
  for (const std::string_view text : {kShort, kLong}) {
    Secret first(text);
    Secret second(std::move(first));
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move)
    Secret third;
    third = std::move(second);
    EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(third.view(), text);
  }
}

TEST(Secret, SurvivesAssignmentToItself) {
  Secret secret(kLong);
  Secret& same = secret;
  secret = same;
  EXPECT_EQ(secret.view(), kLong);
  secret = std::move(same);
  EXPECT_EQ(secret.view(), kLong);
}

TEST(Secret, LeavesNoBytesBehindWhenMovedFrom) {
  SecretStorage storage;
  auto* const secret = new (storage.bytes.data()) Secret(kShort);
  ASSERT_TRUE(storage.shows(kShort));
  const Secret other(std::move(*secret));
  EXPECT_FALSE(storage.shows(kShort.substr(1)));
  secret->~Secret();
}

TEST(Secret, LeavesNoBytesBehindWhenDestroyed) {
  SecretStorage storage;
  auto* const secret = new (storage.bytes.data()) Secret(kShort);
  ASSERT_TRUE(storage.shows(kShort));
  secret->~Secret();
  EXPECT_FALSE(storage.shows(kShort.substr(1)));
}

}  // namespace
}  // namespace coach_sms
