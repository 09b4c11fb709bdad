#include "records.hpp"

#include <utility>

namespace fake_twilio {

namespace {

constexpr std::uint64_t kFirstInbound = std::uint64_t{1} << 48;

template <typename Row>
void each(const Rows<Row>& rows, std::uint64_t since,
          const std::function<void(const Row&)>& visit) {
  for (auto row = rows.after(since); row != rows.all().end(); ++row)
    visit(*row);
}

}  // namespace

std::uint64_t Records::request_arrived(RequestRow row) {
  const std::lock_guard lock(mutex_);
  open_ += row.kind == Kind::kCreate;
  return requests_.append(std::move(row)).number;
}

void Records::settle(const RequestRow& settled) {
  const std::lock_guard lock(mutex_);
  RequestRow* row = requests_.find(settled.number);
  if (row == nullptr) return;  // forgotten meanwhile
  if (row->to.empty()) row->to = settled.to;
  row->outcome = settled.outcome;
  row->status = settled.status;
  row->code = settled.code;
  row->message = settled.message;
}

void Records::request_ended(const RequestRow& ended, bool answered) {
  const std::lock_guard lock(mutex_);
  open_ -= ended.kind == Kind::kCreate;
  RequestRow* row = requests_.find(ended.number);
  if (row != nullptr) row->end = answered ? End::kAnswered : End::kBroken;
}

Message Records::accept(Message draft) {
  const std::lock_guard lock(mutex_);
  Message& message = messages_.append(std::move(draft));
  message.sid = sids_.sid_of(message.number);
  messages_to_[message.order.to].push_back(message.number);
  return message;
}

std::optional<Message> Records::find(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const Message* found = messages_.find(number);
  return found ? std::optional(*found) : std::nullopt;
}

std::optional<Message> Records::find(std::string_view sid) {
  const auto number = sids_.number_of(sid);
  return number ? find(*number) : std::nullopt;
}

bool Records::change(std::uint64_t number, const std::function<void(Message&)>& change) {
  const std::lock_guard lock(mutex_);
  Message* found = messages_.find(number);
  if (found != nullptr) change(*found);
  return found != nullptr;
}

std::vector<Message> Records::newest(std::size_t limit, std::uint64_t before, const std::string& to,
                                     const std::function<bool(const Message&)>& wanted) {
  const std::lock_guard lock(mutex_);
  std::vector<Message> found;
  const auto take = [&](const Message& message) {
    if ((before == 0 || message.number < before) && wanted(message)) found.push_back(message);
    return found.size() < limit;
  };
  if (to.empty()) {
    const auto& all = messages_.all();
    for (auto message = all.rbegin(); message != all.rend() && take(*message); ++message) {
    }
  } else if (const auto numbers = messages_to_.find(to); numbers != messages_to_.end()) {
    const auto& own = numbers->second;
    for (auto one = own.rbegin(); one != own.rend() && take(*messages_.find(*one)); ++one) {
    }
  }
  return found;
}

void Records::append(CallbackRow row) {
  const std::lock_guard lock(mutex_);
  callbacks_.append(std::move(row));
}

std::string Records::fresh_inbound_sid() {
  const std::lock_guard lock(mutex_);
  return sids_.sid_of(kFirstInbound + ++inbound_);
}

void Records::each_message(std::uint64_t since, const std::function<void(const Message&)>& visit) {
  const std::lock_guard lock(mutex_);
  each(messages_, since, visit);
}

void Records::each_request(std::uint64_t since,
                           const std::function<void(const RequestRow&)>& visit) {
  const std::lock_guard lock(mutex_);
  each(requests_, since, visit);
}

void Records::each_callback(std::uint64_t since,
                            const std::function<void(const CallbackRow&)>& visit) {
  const std::lock_guard lock(mutex_);
  each(callbacks_, since, visit);
}

Counters Records::counters() {
  const std::lock_guard lock(mutex_);
  const auto count = [](const auto& rows) { return static_cast<std::int64_t>(rows.all().size()); };
  return {count(requests_), count(messages_), open_, count(callbacks_)};
}

void Records::forget_all() {
  const std::lock_guard lock(mutex_);
  requests_.forget_all();
  messages_.forget_all();
  messages_to_.clear();
  callbacks_ = {};
}

}  // namespace fake_twilio
