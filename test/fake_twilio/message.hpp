#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "clock.hpp"

namespace fake_twilio {

// In the order in which a journey moves; the last four are final.
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

// What a create asked for, once it has passed every check. Views into the request.
struct Order {
  std::string_view to;
  std::string_view from;
  std::string_view service;
  std::string_view body;
  std::string_view status_callback;
  std::string_view odd_parameters;   // names Twilio does not know or that came twice, by comma
  std::int32_t validity_period = 0;  // seconds, 0: not given
  bool scheduled = false;
};

// One accepted message. Plain data whose views point into the ledger's arena, so that it may be
// copied out of the lock and read at leisure.
struct Message {
  std::uint64_t number = 0;  // 1 for the first since the start, never reused
  std::uint64_t request = 0;
  std::uint64_t connection = 0;
  Order order;
  std::string_view account;
  std::string_view price;
  std::string_view price_unit;
  Micros received = 0;  // when the request's headers arrived, the machine's clock
  Micros created = 0;   // the rest in Twilio's clock; 0: not yet
  Micros updated = 0;
  Micros sent = 0;
  std::uint32_t older_neighbour = 0;  // the ledger's: next in the chain by To
  std::int32_t error_code = 0;
  std::uint16_t segments = 0;
  Status status = Status::kQueued;
  bool redacted = false;
  bool deleted = false;
};

// SIDs are numbers in disguise: "SM", 16 digits that belong to this run, 16 digits that a
// reversible mixing makes of the number. So no table is needed to find a message by its SID.
class SidMint {
 public:
  SidMint();
  void append(std::string& out, std::uint64_t number) const;
  std::string sid_of(std::uint64_t number) const;
  // Of a text that came in; no message of the ledger ever gets that number.
  std::string fresh_inbound_sid() { return sid_of(kFirstInbound + ++inbound_); }
  std::optional<std::uint64_t> number_of(std::string_view sid) const;

 private:
  static constexpr std::uint64_t kFirstInbound = std::uint64_t{1} << 48;

  std::uint64_t run_;
  std::atomic<std::uint64_t> inbound_{0};
};

// SMS segments of a text (GSM-7 or UCS-2).
std::uint16_t count_segments(std::string_view body);

// The Message resource as the 2010 API writes it.
void append_resource(std::string& out, const Message& message, const SidMint& mint);
// The same message as tests want to read it: what came in, and when.
void append_ledger_row(std::string& out, const Message& message, const SidMint& mint);

}  // namespace fake_twilio
