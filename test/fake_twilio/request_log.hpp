#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "blocks.hpp"
#include "exchange.hpp"

namespace fake_twilio {

// What became of a request, as far as the fake decides it.
enum class Outcome : std::uint8_t {
  kArrived,        // nothing decided yet
  kAccepted,       // a message was made (whatever answer it got)
  kRefused,        // it did not pass Twilio's checks
  kFaulted,        // status=, html, empty, redirect= instead of an answer
  kResetBefore,    // connection broken, no message made
  kStalledBefore,  // waits or waited, no message made yet
  kServed,         // list, fetch, update, delete
};

struct RequestRow {
  std::uint64_t number = 0;
  std::uint64_t message = 0;
  std::uint64_t connection = 0;
  Micros received = 0;
  std::string_view to;
  std::int32_t code = 0;
  std::int16_t status = 0;
  Kind kind = Kind::kUnknown;
  Outcome outcome = Outcome::kArrived;
  enum class End : std::uint8_t { kOpen, kAnswered, kBroken } end = End::kOpen;
};

// Every request to the API that arrived, refused ones included; control calls are not in it.
class RequestLog {
 public:
  std::uint64_t arrive(const Exchange& exchange);
  void settle(const Exchange& exchange, Outcome outcome, int code, std::string_view to);
  void end(std::uint64_t number, bool answered);
  void forget_all();

  // Rows from `since` on as a JSON array; `to` and `outcome` filter unless empty.
  std::string json(std::uint64_t since, std::string_view to, std::string_view outcome) const;
  std::size_t count(std::string_view to, std::string_view outcome) const;

 private:
  RequestRow* find(std::uint64_t number);

  mutable std::mutex mutex_;
  Blocks<RequestRow> rows_;
  Arena arena_;
  std::uint64_t first_number_ = 1;
};

}  // namespace fake_twilio
