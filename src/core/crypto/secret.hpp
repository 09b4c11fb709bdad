#pragma once

#include <openssl/crypto.h>

#include <string>
#include <string_view>
#include <utility>

namespace coach_sms {

// Text that must not outlive its use: an auth token, a key. Each copy owns its bytes, and wipes
// them when it is destroyed, assigned to or moved from. There is no operator<< and no conversion to
// std::string, so that no secret slips into a log line or an error.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : text_(text) {}
  Secret(const Secret& other) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) *this = Secret(other);
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    wipe();
    text_ = std::move(other.text_);
    other.wipe();
    return *this;
  }
  ~Secret() { wipe(); }

  // Returns the text, valid until the secret is assigned to, moved from or destroyed. A NUL follows
  // it.
  std::string_view view() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

 private:
  // Wipes the whole capacity. A moved-from string is empty, but the bytes of a short one are still
  // in its inner buffer. Growing to the capacity never allocates.
  void wipe() noexcept {
    text_.resize(text_.capacity());
    OPENSSL_cleanse(text_.data(), text_.size());
    text_.clear();
  }

  std::string text_;
};

}  // namespace coach_sms
