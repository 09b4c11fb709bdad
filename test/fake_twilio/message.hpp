#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "text.hpp"

namespace fake_twilio {

// In the order in which a message moves; the last four are final.
enum class Status : std::uint8_t {
  kScheduled,
  kAccepted,
  kQueued,
  kSending,
  kSent,
  kDelivered,
  kUndelivered,
  kFailed,
  kCanceled,
};

std::string_view name_of(Status status);
std::optional<Status> status_named(std::string_view name);
inline bool is_final(Status status) {
  return status >= Status::kDelivered;
}

// The parameters of a create, once they have passed every check.
struct Order {
  std::string to;
  std::string from;
  std::string service;
  std::string body;
  std::string status_callback;
  std::string odd_parameters;        // names that Twilio does not know or that came twice, by comma
  std::int32_t validity_period = 0;  // seconds, 0: not given
};

// One accepted message.
struct Message {
  std::uint64_t number = 0;  // 1 for the first since the start, never given again
  std::string sid;
  std::string account;
  Order order;
  std::string price;
  std::string price_unit;
  Micros received = 0;  // when the request's headers had arrived
  Micros updated = 0;
  Micros sent = 0;  // 0: not yet
  std::int32_t error_code = 0;
  std::uint16_t segments = 0;
  Status status = Status::kQueued;
};

// Makes SIDs: "SM", 16 digits of this run, 16 digits that a reversible mixing makes of a number.
// So no table is needed to find a message by its SID.
class Sids {
 public:
  Sids();
  std::string sid_of(std::uint64_t number) const;
  std::optional<std::uint64_t> number_of(std::string_view sid) const;

 private:
  std::uint64_t run_;
};

// Returns the number of SMS segments of a text (GSM-7 or UCS-2).
std::uint16_t count_segments(std::string_view body);

// Returns the Message resource as the 2010 API writes it.
std::string resource_of(const Message& message);
// Returns the same message as tests read it: what came in, and when.
std::string ledger_row_of(const Message& message);

}  // namespace fake_twilio
