#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "blocks.hpp"
#include "message.hpp"

namespace fake_twilio {

// Which messages a page of the list resource may show. Times are Twilio's, 0: no bound.
struct ListFilter {
  std::string_view account;
  std::string_view to;
  std::string_view from;
  Micros sent_from = 0;          // date_sent >= this
  Micros sent_before = 0;        // date_sent < this
  Micros created_until = 0;      // made visible by now (list lag)
  std::uint64_t older_than = 0;  // message number; 0: from the newest
};

// Every message this server has taken, in order: what tests count. All functions may be called
// from any thread. Forgetting drops the rows; their text stays in memory until the end.
class Ledger {
 public:
  Ledger();

  // Keeps a copy of `draft` (its number is given here) and returns it.
  Message accept(Message draft);

  std::optional<Message> find(std::uint64_t number) const;
  // Applies `change` to the message under the lock; false if there is none.
  bool change(std::uint64_t number, const std::function<void(Message&)>& change);
  std::string_view keep(std::string_view text);

  // Newest first, at most `limit`.
  std::vector<Message> list(const ListFilter& filter, std::size_t limit) const;
  // Oldest first; stops when `visit` returns false. The lock is held: keep it short.
  void for_each_since(std::uint64_t number, const std::function<bool(const Message&)>& visit) const;
  std::size_t size() const;
  void forget_all();

 private:
  std::string_view keep_once(std::string_view text);
  std::uint32_t& chain_of(std::string_view to);
  std::uint32_t first_of(const ListFilter& filter) const;

  mutable std::mutex mutex_;
  Blocks<Message> messages_;
  Arena arena_;
  std::unordered_set<std::string_view> common_;  // senders and accounts: few, so kept once
  std::vector<std::uint32_t> chains_;            // hash of To -> index + 1 of its newest message
  std::uint64_t first_number_ = 1;
};

}  // namespace fake_twilio
