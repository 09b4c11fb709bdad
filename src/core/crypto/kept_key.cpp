#include "core/crypto/kept_key.hpp"

#include <algorithm>
#include <utility>

namespace coach_sms {

void KeptKey::read(std::string_view file_contents) {
  forget();
  key_ = SealingKey::parse(file_contents);
}

void KeptKey::forget() noexcept {
  key_.reset();
  opened_.clear();
}

std::string_view KeptKey::open(std::string_view sealed, std::string_view context) {
  const auto found = std::find_if(opened_.begin(), opened_.end(), [&](const Opened& opened) {
    return opened.sealed == sealed && opened.context == context;
  });
  if (found != opened_.end()) return found->plaintext.view();
  Secret plaintext = coach_sms::open(*key_, sealed, context);
  if (opened_.size() == kMostOpened) opened_.erase(opened_.begin());
  opened_.push_back({std::string(sealed), std::string(context), std::move(plaintext)});
  return opened_.back().plaintext.view();
}

}  // namespace coach_sms
