#include "gateway/office/sign_ins.hpp"

#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <utility>

#include "core/base/error.hpp"

namespace coach_sms {

namespace {

using namespace std::chrono_literals;

constexpr auto kIdle = 30min;
constexpr auto kLongest = 12h;
constexpr char kCookie[] = "cookie";  // contexts: a token is no cookie
constexpr char kToken[] = "token";
constexpr char kBetween = '\0';  // neither a role nor a password has one

std::string random_id() {
  std::array<unsigned char, 16> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1)
    throw Error(ErrorKind::kInternal, "OpenSSL gives no random bytes");
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

std::string text_of(Clock::time_point time) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count());
}

Clock::time_point time_of(std::string_view text) {
  std::int64_t seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return Clock::time_point(std::chrono::seconds(seconds));
}

// Takes the text before the next kBetween off the front.
std::string_view next_part(std::string_view* rest) {
  const auto end = std::min(rest->find(kBetween), rest->size());
  const std::string_view part = rest->substr(0, end);
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return part;
}

}  // namespace

SignIns::SignIns() : key_(SealingKey::parse(new_key_file_contents().view())) {}

SignIn SignIns::begin(std::string role, Secret password, Clock::time_point now) const {
  return {std::move(role), std::move(password), hex(random_id()), now, now};
}

std::string SignIns::cookie(const SignIn& sign_in, Clock::time_point now) const {
  std::string plain = sign_in.id + kBetween + text_of(sign_in.began) + kBetween + text_of(now) +
                      kBetween + sign_in.role + kBetween;
  plain += sign_in.password.view();
  std::string sealed = seal(key_, plain, kCookie);
  OPENSSL_cleanse(plain.data(), plain.size());
  return sealed;
}

std::optional<SignIn> SignIns::open(std::string_view cookie, Clock::time_point now) const try {
  const Secret plain = coach_sms::open(key_, cookie, kCookie);
  std::string_view rest = plain.view();
  SignIn sign_in;
  sign_in.id = next_part(&rest);
  sign_in.began = time_of(next_part(&rest));
  sign_in.used = time_of(next_part(&rest));
  sign_in.role = next_part(&rest);
  sign_in.password = Secret(rest);
  if (now > sign_in.used + kIdle || now > sign_in.began + kLongest) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (ended_.contains(sign_in.id)) return std::nullopt;
  return sign_in;
} catch (const Error&) {
  return std::nullopt;
}

void SignIns::end(const SignIn& sign_in) {
  const std::lock_guard lock(mutex_);
  std::erase_if(ended_, [](const auto& each) { return each.second < Clock::now(); });
  ended_.emplace(sign_in.id, sign_in.began + kLongest);
}

std::string SignIns::token(const SignIn& sign_in) const {
  return seal(key_, sign_in.id, kToken);
}

bool SignIns::is_token(const SignIn& sign_in, std::string_view token) const try {
  return coach_sms::open(key_, token, kToken).view() == sign_in.id;
} catch (const Error&) {
  return false;
}

}  // namespace coach_sms
