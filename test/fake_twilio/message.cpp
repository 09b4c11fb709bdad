#include "message.hpp"

#include <array>
#include <cstddef>
#include <random>

#include "text.hpp"

namespace fake_twilio {

namespace {

constexpr std::array<std::string_view, 9> kStatusNames = {"scheduled",   "accepted", "queued",
                                                          "sending",     "sent",     "delivered",
                                                          "undelivered", "failed",   "canceled"};

// Odd, so multiplying by it modulo 2^64 can be undone by multiplying with its inverse.
constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15;

constexpr std::uint64_t inverse_of(std::uint64_t odd) {
  std::uint64_t inverse = odd;  // right in the lowest three bits; each step doubles them
  for (int step = 0; step < 5; ++step)
    inverse *= 2 - odd * inverse;
  return inverse;
}
static_assert(kMix * inverse_of(kMix) == 1);

void append_hex(std::string& out, std::uint64_t number) {
  char digits[16];
  for (int i = 15; i >= 0; --i, number >>= 4)
    digits[i] = "0123456789abcdef"[number & 15];
  out.append(digits, 16);
}

void append_path(std::string& out, const Message& message, const SidMint& mint) {
  out += "\"/2010-04-01/Accounts/";
  out += message.account;
  out += "/Messages/";
  mint.append(out, message.number);
}

}  // namespace

std::string_view name_of(Status status) {
  return kStatusNames[static_cast<std::size_t>(status)];
}

std::optional<Status> status_named(std::string_view name) {
  for (std::size_t i = 0; i < kStatusNames.size(); ++i) {
    if (kStatusNames[i] == name) return static_cast<Status>(i);
  }
  return {};
}

SidMint::SidMint() {
  std::random_device random;
  run_ = (static_cast<std::uint64_t>(random()) << 32) | random();
}

void SidMint::append(std::string& out, std::uint64_t number) const {
  out += "SM";
  append_hex(out, run_);
  append_hex(out, (number ^ run_) * kMix);
}

std::string SidMint::sid_of(std::uint64_t number) const {
  std::string sid;
  append(sid, number);
  return sid;
}

std::optional<std::uint64_t> SidMint::number_of(std::string_view sid) const {
  if (!is_sid(sid, "SM")) return {};
  const std::uint64_t mixed = std::stoull(std::string(sid.substr(18)), nullptr, 16);
  const std::uint64_t number = (mixed * inverse_of(kMix)) ^ run_;
  if (sid_of(number) != sid) return {};
  return number;
}

void append_resource(std::string& out, const Message& message, const SidMint& mint) {
  const Order& order = message.order;
  out += "{\"account_sid\": \"";
  out += message.account;
  out += "\", \"api_version\": \"2010-04-01\", \"body\": ";
  append_json(out, message.redacted ? std::string_view() : order.body);
  out += ", \"date_created\": ";
  append_json_date(out, message.created);
  out += ", \"date_sent\": ";
  append_json_date(out, message.sent);
  out += ", \"date_updated\": ";
  append_json_date(out, message.updated);
  out += ", \"direction\": \"outbound-api\", \"error_code\": ";
  if (message.error_code)
    append_number(out, message.error_code);
  else
    out += "null";
  out += ", \"error_message\": null, \"from\": ";
  append_json_or_null(out, order.from);
  out += ", \"messaging_service_sid\": ";
  append_json_or_null(out, order.service);
  out += ", \"num_media\": \"0\", \"num_segments\": \"";
  append_number(out, message.status == Status::kAccepted ? 0 : message.segments);
  out += "\", \"price\": ";
  append_json_or_null(out, message.price);
  out += ", \"price_unit\": ";
  append_json_or_null(out, message.price_unit);
  out += ", \"sid\": \"";
  mint.append(out, message.number);
  out += "\", \"status\": \"";
  out += name_of(message.status);
  out += "\", \"subresource_uris\": {\"media\": ";
  append_path(out, message, mint);
  out += "/Media.json\"}, \"to\": ";
  append_json(out, order.to);
  out += ", \"uri\": ";
  append_path(out, message, mint);
  out += ".json\"}";
}

void append_ledger_row(std::string& out, const Message& message, const SidMint& mint) {
  const Order& order = message.order;
  const auto text = [&](const char* name, std::string_view value) {
    out += name;
    append_json_or_null(out, value);
  };
  const auto number = [&](const char* name, std::int64_t value) {
    out += name;
    append_number(out, value);
  };
  number("{\"seq\":", static_cast<std::int64_t>(message.number));
  text(",\"sid\":", mint.sid_of(message.number));
  text(",\"account\":", message.account);
  text(",\"to\":", order.to);
  text(",\"from\":", order.from);
  text(",\"messaging_service_sid\":", order.service);
  text(",\"body\":", order.body);
  text(",\"status_callback\":", order.status_callback);
  text(",\"odd_parameters\":", order.odd_parameters);
  number(",\"validity_period\":", order.validity_period);
  text(",\"status\":", name_of(message.status));
  number(",\"received_at\":", message.received);
  number(",\"request_seq\":", static_cast<std::int64_t>(message.request));
  number(",\"connection\":", static_cast<std::int64_t>(message.connection));
  out += '}';
}

}  // namespace fake_twilio
