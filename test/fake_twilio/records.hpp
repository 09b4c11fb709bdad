#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "message.hpp"

namespace fake_twilio {

enum class Kind : std::uint8_t { kCreate, kList, kFetch, kUnknown, kControl };

// What became of a request, as far as the fake decides it.
enum class Outcome : std::uint8_t {
  kArrived,        // nothing decided yet
  kAccepted,       // a message was made (whatever answer it got)
  kRefused,        // it did not pass Twilio's checks
  kFaulted,        // status=, html, empty, redirect= instead of an answer
  kResetBefore,    // connection broken, no message made
  kStalledBefore,  // waits or waited, no message made yet
  kServed,         // list, fetch
};

enum class End : std::uint8_t { kOpen, kAnswered, kBroken };

// A request to the API. Control calls are not recorded.
struct RequestRow {
  std::uint64_t number = 0;
  Kind kind = Kind::kUnknown;
  Outcome outcome = Outcome::kArrived;
  End end = End::kOpen;
  int status = 0;             // of the answer, 0: none
  int code = 0;               // Twilio's error code, 0: none
  std::uint64_t message = 0;  // the message that it made or read, 0: none
  std::uint64_t connection = 0;
  Micros received = 0;
  std::string to;
};

// A webhook call, as it went over the wire or would have.
struct CallbackRow {
  std::uint64_t number = 0;
  std::string message_sid;
  std::string status;   // "received": a text that came in
  std::string outcome;  // "held", "refused", an HTTP status, libcurl's words
  std::string url;
  std::string body;
  std::string signature;
};

// Rows in the order in which they came, numbered from 1 on. The numbers go on when the rows go.
template <typename Row>
class Rows {
 public:
  Row& append(Row row) {
    row.number = first_ + rows_.size();
    rows_.push_back(std::move(row));
    return rows_.back();
  }
  Row* find(std::uint64_t number) {
    return number - first_ < rows_.size() ? &rows_[number - first_] : nullptr;
  }
  const std::deque<Row>& all() const { return rows_; }
  // Returns the first row after that number.
  auto after(std::uint64_t number) const {
    const std::uint64_t known = number < first_ ? 0 : number - first_ + 1;
    return rows_.begin() +
           static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(known, rows_.size()));
  }
  void forget_all() {
    first_ += rows_.size();
    rows_.clear();
  }

 private:
  std::deque<Row> rows_;
  std::uint64_t first_ = 1;
};

struct Counters {
  std::int64_t requests = 0;
  std::int64_t accepted = 0;
  std::int64_t open = 0;  // creates that arrived and are not answered
  std::int64_t callbacks = 0;
};

// All that happened: requests, accepted messages, webhook calls. Tests count here. Its functions
// may be called from any thread.
class Records {
 public:
  // Returns the new request's number.
  std::uint64_t request_arrived(RequestRow row);
  // Notes the outcome. A `to` that is known already stays.
  void settle(const RequestRow& settled);
  void request_ended(const RequestRow& ended, bool answered);

  // Gives the draft its number and SID, keeps a copy, and returns it.
  Message accept(Message draft);
  std::optional<Message> find(std::uint64_t number);
  std::optional<Message> find(std::string_view sid);
  // Applies `change` under the lock; false if there is no such message.
  bool change(std::uint64_t number, const std::function<void(Message&)>& change);
  // Returns at most `limit` messages to that number (empty: to any) that are older than `before`
  // (0: any), the newest first.
  std::vector<Message> newest(std::size_t limit, std::uint64_t before, const std::string& to,
                              const std::function<bool(const Message&)>& wanted);

  void append(CallbackRow row);
  // Returns a SID for a text that comes in. No message has one of these.
  std::string fresh_inbound_sid();

  // Each visits the rows after number `since`, the oldest first, under the lock.
  void each_message(std::uint64_t since, const std::function<void(const Message&)>& visit);
  void each_request(std::uint64_t since, const std::function<void(const RequestRow&)>& visit);
  void each_callback(std::uint64_t since, const std::function<void(const CallbackRow&)>& visit);
  Counters counters();

  // Forgets all but the number of open requests, which is a state and no history. The numbers of
  // callbacks begin again.
  void forget_all();

 private:
  std::mutex mutex_;
  Sids sids_;
  Rows<RequestRow> requests_;
  Rows<Message> messages_;
  std::unordered_map<std::string, std::vector<std::uint64_t>> messages_to_;  // numbers, ascending
  Rows<CallbackRow> callbacks_;
  std::int64_t open_ = 0;
  std::uint64_t inbound_ = 0;
};

}  // namespace fake_twilio
