#pragma once

#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "inbound.hpp"
#include "message.hpp"

namespace fake_twilio {

// The block that Twilio keeps by itself: after STOP it takes no message from that sender (a number,
// or a whole Messaging Service) to that phone, until START.
class OptOuts {
 public:
  void hear(const InboundText& text);
  bool blocks(const Order& order) const;
  void forget_all();

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> blocked_;  // sender, phone
};

}  // namespace fake_twilio
