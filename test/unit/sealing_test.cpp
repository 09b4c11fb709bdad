#include "core/crypto/sealing.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "core/base/encoding.hpp"
#include "core/base/error.hpp"
#include "key_files.hpp"

namespace coach_sms {
namespace {

constexpr std::string_view kToken = "f00dfacecafe0123456789abcdef4242";
constexpr std::string_view kOrg = "0190a3c2-0000-7000-8000-000000000001";
constexpr std::string_view kOtherOrg = "0190a3c2-0000-7000-8000-000000000002";

// The error that the call throws; fails where there is none or it is of another kind.
template <typename Call>
Error error_of(ErrorKind kind, Call call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.message();
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorKind::kInternal, "");
}

std::string all_of(const Error& error) {
  return error.message() + '\n' + error.detail() + '\n' + error.hint();
}

TEST(SealingKey, TakesHexDigitsOfEitherCaseAndANewline) {
  std::string upper(kKeyFile);
  for (char& digit : upper)
    digit = digit >= 'a' ? static_cast<char>(digit - 32) : digit;
  EXPECT_EQ(SealingKey::parse(upper).key_id(), SealingKey::parse(kKeyFile).key_id());
  EXPECT_EQ(SealingKey::parse(upper).bytes(), SealingKey::parse(kKeyFile).bytes());
}

TEST(SealingKey, RefusesAnyOtherFileWithoutShowingIt) {
  const std::string digits(kKeyFile.substr(0, 64));
  std::string with_stray_letter = digits;
  with_stray_letter[17] = 'g';
  for (const std::string& contents :
       {std::string(), std::string("\n"), digits, digits + "\r\n", digits + "\n\n", " " + digits,
        digits.substr(1) + "\n", digits + "0\n", with_stray_letter + "\n", digits + '\0',
        std::string(1 << 20, '0')}) {
    const Error error = error_of(ErrorKind::kInvalidKey, [&] { SealingKey::parse(contents); });
    EXPECT_EQ(all_of(error).find("0a0b0c"), std::string::npos);
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST(SealingKey, HasAnIdThatIsStableAndTellsNothingOfTheKey) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  // printf 'coach_sms key id:' and the 32 bytes into sha256sum
  EXPECT_EQ(key.key_id(), "c0b6594c");
  EXPECT_NE(SealingKey::parse(kOtherKeyFile).key_id(), key.key_id());
}

TEST(SealingKey, IsNeverMadeTwice) {
  std::set<std::string> contents;
  for (int i = 0; i < 100; ++i) {
    const Secret made = new_key_file_contents();
    EXPECT_EQ(SealingKey::parse(made.view()).bytes().size(), 32U);
    contents.insert(std::string(made.view()));
  }
  EXPECT_EQ(contents.size(), 100U);
}

TEST(Sealing, BringsBackTextsOfEveryLength) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  for (const std::size_t size : {0, 1, 15, 16, 17, 32, 255, 4095, 4096}) {
    const std::string text(size, '\xA7');
    const std::string sealed = seal(key, text, kOrg);
    EXPECT_TRUE(is_sealed(sealed)) << size;
    EXPECT_EQ(open(key, sealed, kOrg).view(), text) << size;
  }
  EXPECT_EQ(open(key, seal(key, {}, {}), {}).view(), "");
}

TEST(Sealing, RefusesTextsAboveTheLimit) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  const std::string text(kMaxSealedPlaintext + 1, 'x');
  const Error error = error_of(ErrorKind::kInvalidArgument, [&] { seal(key, text, kOrg); });
  EXPECT_NE(error.detail().find("4097"), std::string::npos);
  EXPECT_EQ(all_of(error).find("xx"), std::string::npos);
}

TEST(Sealing, NeverGivesTheSameTextTwice) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i)
    nonces.insert(seal(key, kToken, kOrg).substr(0, 14 + 16));
  EXPECT_EQ(nonces.size(), 1000U);
}

TEST(Sealing, HidesTheText) {
  const std::string sealed = seal(SealingKey::parse(kKeyFile), kToken, kOrg);
  EXPECT_EQ(sealed.find(kToken), std::string::npos);
  EXPECT_EQ(from_base64(sealed.substr(14))->find(kToken), std::string::npos);
}

// Made by other code (Python's cryptography package, AESGCM) from this file's description of the
// form, with the nonce 000102…0b: values must open after an upgrade of ours, too.
TEST(Sealing, OpensAValueThatWasSealedElsewhere) {
  constexpr std::string_view kSealed =
      "sms1:c0b6594c:AAECAwQFBgcICQoLITLmf6OEoX7uIPHugdhKXrfjsQPIQj4eWwOA4ylbNIBcBrmL2Lh7Vy83/nCyb/"
      "ys";
  EXPECT_EQ(open(SealingKey::parse(kKeyFile), kSealed, kOrg).view(), kToken);
}

TEST(Sealing, DoesNotOpenWhenAnyBitIsFlipped) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  const std::string sealed = seal(key, kToken, kOrg);
  const std::string box = from_base64(sealed.substr(14)).value();
  for (std::size_t i = 0; i < box.size() * 8; ++i) {
    std::string flipped = box;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << i % 8));
    EXPECT_THROW(open(key, sealed.substr(0, 14) + to_base64(flipped), kOrg), Error) << i;
  }
}

TEST(Sealing, DoesNotOpenWhenAnyCharacterOfTheTextIsChangedOrCut) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  const std::string sealed = seal(key, kToken, kOrg);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = changed[i] == 'x' ? 'y' : 'x';
    EXPECT_THROW(open(key, changed, kOrg), Error) << i;
    EXPECT_THROW(open(key, sealed.substr(0, i), kOrg), Error) << i;
  }
}

TEST(Sealing, DoesNotOpenForAnotherOrg) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  const std::string sealed = seal(key, kToken, kOrg);
  const Error error = error_of(ErrorKind::kNotSealed, [&] { open(key, sealed, kOtherOrg); });
  EXPECT_NE(error.detail().find("another org"), std::string::npos);
  EXPECT_THROW(open(key, sealed, ""), Error);
}

TEST(Sealing, SaysWhichKeyItWants) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  const SealingKey other = SealingKey::parse(kOtherKeyFile);
  const std::string sealed = seal(other, kToken, kOrg);
  const Error error = error_of(ErrorKind::kNotSealed, [&] { open(key, sealed, kOrg); });
  EXPECT_NE(error.detail().find(key.key_id()), std::string::npos);
  EXPECT_NE(error.detail().find(other.key_id()), std::string::npos);
}

TEST(Sealing, DoesNotOpenUnderAKeyIdThatWasRewritten) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  std::string sealed = seal(SealingKey::parse(kOtherKeyFile), kToken, kOrg);
  sealed.replace(5, 8, key.key_id());
  const Error error = error_of(ErrorKind::kNotSealed, [&] { open(key, sealed, kOrg); });
  EXPECT_NE(error.detail().find("was changed"), std::string::npos);
}

TEST(Sealing, DoesNotShowAValueOfAnotherForm) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  const Error error = error_of(ErrorKind::kNotSealed, [&] { open(key, kToken, kOrg); });
  EXPECT_EQ(all_of(error).find("f00dface"), std::string::npos);
  EXPECT_NE(error.detail().find("form"), std::string::npos);
}

TEST(IsSealed, KnowsTheFormAndTheKeyId) {
  const SealingKey key = SealingKey::parse(kKeyFile);
  const std::string sealed = seal(key, kToken, kOrg);
  EXPECT_TRUE(is_sealed(sealed));
  EXPECT_EQ(sealed_key_id(sealed), key.key_id());
  EXPECT_TRUE(is_sealed("sms1:0123abcd:" + to_base64(std::string(28, 'x'))));
}

TEST(IsSealed, RefusesEveryOtherForm) {
  const std::string box = to_base64(std::string(30, 'x'));
  for (const std::string& text :
       {std::string(), std::string(kToken), std::string("sms1:"), std::string("sms1:0123abcd:"),
        "sms2:0123abcd:" + box, "SMS1:0123abcd:" + box, "sms1:0123ABCD:" + box,
        "sms1:0123abc:" + box, "sms1:0123abcde:" + box, "sms1-0123abcd-" + box,
        "sms1:0123abcg:" + box, " sms1:0123abcd:" + box, "sms1:0123abcd:" + box + "\n",
        "sms1:0123abcd:" + box.substr(1), "sms1:0123abcd:" + to_base64(std::string(27, 'x')),
        "sms1:0123abcd:" + to_base64(std::string(1 << 20, 'x'))}) {
    EXPECT_FALSE(is_sealed(text)) << text.substr(0, 80);
    error_of(ErrorKind::kNotSealed, [&] { sealed_key_id(text); });
  }
}

}  // namespace
}  // namespace coach_sms
