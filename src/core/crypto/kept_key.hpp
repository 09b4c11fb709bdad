#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/crypto/sealing.hpp"

namespace coach_sms {

// A key that a process keeps, and the values that it opened last. All that is dropped is wiped.
class KeptKey {
 public:
  static constexpr std::size_t kMostOpened = 16;

  // Takes the key of a key file in place of the earlier one. Throws as SealingKey::parse() does;
  // then there is no key.
  void read(std::string_view file_contents);
  void forget() noexcept;

  bool has_key() const noexcept { return key_.has_value(); }
  // Needs has_key().
  const SealingKey& key() const noexcept { return *key_; }

  // Returns the plaintext of a sealed value, valid until the next call. Throws as coach_sms::open()
  // does. Needs has_key().
  std::string_view open(std::string_view sealed, std::string_view context);

 private:
  struct Opened {
    std::string sealed;
    std::string context;
    Secret plaintext;
  };

  std::optional<SealingKey> key_;
  std::vector<Opened> opened_;  // the latest last
};

}  // namespace coach_sms
