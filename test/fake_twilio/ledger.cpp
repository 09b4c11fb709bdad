#include "ledger.hpp"

#include <algorithm>
#include <utility>

namespace fake_twilio {

namespace {

constexpr std::size_t kChains = 1 << 18;

bool shows(const ListFilter& filter, const Message& message) {
  if (message.deleted || message.account != filter.account) return false;
  if (message.created > filter.created_until) return false;
  if (!filter.to.empty() && message.order.to != filter.to) return false;
  if (!filter.from.empty() && message.order.from != filter.from) return false;
  // A message that is still queued has no date_sent, so a bound on it hides the message.
  if (filter.sent_from && (message.sent == 0 || message.sent < filter.sent_from)) return false;
  if (filter.sent_before && (message.sent == 0 || message.sent >= filter.sent_before)) return false;
  return true;
}

}  // namespace

Ledger::Ledger() : chains_(kChains, 0) {}

std::uint32_t& Ledger::chain_of(std::string_view to) {
  return chains_[std::hash<std::string_view>()(to) % kChains];
}

std::string_view Ledger::keep_once(std::string_view text) {
  const auto known = common_.find(text);
  return known != common_.end() ? *known : *common_.insert(arena_.keep(text)).first;
}

std::string_view Ledger::keep(std::string_view text) {
  const std::lock_guard lock(mutex_);
  return arena_.keep(text);
}

Message Ledger::accept(Message draft) {
  const std::lock_guard lock(mutex_);
  Order& order = draft.order;
  order.to = arena_.keep(order.to);
  order.from = keep_once(order.from);
  order.service = keep_once(order.service);
  order.body = arena_.keep(order.body);
  order.status_callback = arena_.keep(order.status_callback);
  order.odd_parameters = arena_.keep(order.odd_parameters);
  draft.account = keep_once(draft.account);
  draft.number = first_number_ + messages_.size();
  std::uint32_t& newest = chain_of(order.to);
  draft.older_neighbour = newest;
  newest = static_cast<std::uint32_t>(messages_.size() + 1);
  return messages_.append(draft);
}

std::optional<Message> Ledger::find(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t index = number - first_number_;
  if (index >= messages_.size()) return {};
  return messages_[index];
}

bool Ledger::change(std::uint64_t number, const std::function<void(Message&)>& change) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t index = number - first_number_;
  if (index >= messages_.size()) return false;
  change(messages_[index]);
  return true;
}

std::uint32_t Ledger::first_of(const ListFilter& filter) const {
  if (filter.to.empty()) return static_cast<std::uint32_t>(messages_.size());
  return chains_[std::hash<std::string_view>()(filter.to) % kChains];
}

std::vector<Message> Ledger::list(const ListFilter& filter, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<Message> page;
  for (std::uint32_t at = first_of(filter); at != 0 && page.size() < limit;) {
    const Message& message = messages_[at - 1];
    const bool old_enough = filter.older_than == 0 || message.number < filter.older_than;
    if (old_enough && shows(filter, message)) page.push_back(message);
    at = filter.to.empty() ? at - 1 : message.older_neighbour;
  }
  return page;
}

void Ledger::for_each_since(std::uint64_t number,
                            const std::function<bool(const Message&)>& visit) const {
  const std::lock_guard lock(mutex_);
  std::size_t index = number < first_number_ ? 0 : number - first_number_ + 1;
  while (index < messages_.size() && visit(messages_[index]))
    ++index;
}

std::size_t Ledger::size() const {
  const std::lock_guard lock(mutex_);
  return messages_.size();
}

void Ledger::forget_all() {
  const std::lock_guard lock(mutex_);
  first_number_ += messages_.size();
  messages_.clear();
  std::fill(chains_.begin(), chains_.end(), 0);
}

}  // namespace fake_twilio
