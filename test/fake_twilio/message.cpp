#include "message.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <random>

#include "json.hpp"

namespace fake_twilio {

namespace {

constexpr std::array<std::string_view, 9> kStatusNames = {"scheduled",   "accepted", "queued",
                                                          "sending",     "sent",     "delivered",
                                                          "undelivered", "failed",   "canceled"};

// Multiplying by the one undoes multiplying by the other, modulo 2^64.
constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15;
constexpr std::uint64_t kUnmix = 0xF1DE83E19937733D;
static_assert(kMix * kUnmix == 1);

// Returns Twilio's form of a date; empty for none. Formatting costs as much as the rest of an
// answer, and a second has many answers.
const std::string& date_of(Micros time) {
  thread_local Micros second = 0;
  thread_local std::string text;
  if (time / kSecond != second) {
    second = time / kSecond;
    text = second == 0 ? "" : date(time, "+0000");
  }
  return text;
}

}  // namespace

std::string_view name_of(Status status) {
  return kStatusNames[static_cast<std::size_t>(status)];
}

std::optional<Status> status_named(std::string_view name) {
  const auto found = std::find(kStatusNames.begin(), kStatusNames.end(), name);
  if (found == kStatusNames.end()) return {};
  return static_cast<Status>(found - kStatusNames.begin());
}

Sids::Sids() {
  std::random_device random;
  run_ = (static_cast<std::uint64_t>(random()) << 32) | random();
}

std::string Sids::sid_of(std::uint64_t number) const {
  char sid[35];
  std::snprintf(sid, sizeof sid, "SM%016" PRIx64 "%016" PRIx64, run_, (number ^ run_) * kMix);
  return sid;
}

std::optional<std::uint64_t> Sids::number_of(std::string_view sid) const {
  if (!is_sid(sid, "SM")) return {};
  std::uint64_t mixed = 0;
  std::from_chars(sid.data() + 18, sid.data() + sid.size(), mixed, 16);
  const std::uint64_t number = (mixed * kUnmix) ^ run_;
  if (sid_of(number) != sid) return {};
  return number;
}

std::string resource_of(const Message& message) {
  const Order& order = message.order;
  const std::string path = "/2010-04-01/Accounts/" + message.account + "/Messages/" + message.sid;
  JsonObject json;
  json.text("account_sid", message.account)
      .text("api_version", "2010-04-01")
      .text("body", order.body)
      .text_or_null("date_created", date_of(message.received))
      .text_or_null("date_sent", date_of(message.sent))
      .text_or_null("date_updated", date_of(message.updated))
      .text("direction", "outbound-api")
      .add("error_code", message.error_code ? std::to_string(message.error_code) : "null")
      .add("error_message", "null")
      .text_or_null("from", order.from)
      .text_or_null("messaging_service_sid", order.service)
      .text("num_media", "0")
      .text("num_segments",
            message.status == Status::kAccepted ? "0" : std::to_string(message.segments))
      .text_or_null("price", message.price)
      .text_or_null("price_unit", message.price_unit)
      .text("sid", message.sid)
      .text("status", name_of(message.status))
      .add("subresource_uris", JsonObject().text("media", path + "/Media.json").end())
      .text("to", order.to)
      .text("uri", path + ".json");
  return json.end();
}

std::string ledger_row_of(const Message& message) {
  const Order& order = message.order;
  JsonObject json;
  json.number("seq", static_cast<std::int64_t>(message.number))
      .text("sid", message.sid)
      .text("account", message.account)
      .text("to", order.to)
      .text_or_null("from", order.from)
      .text_or_null("messaging_service_sid", order.service)
      .text("body", order.body)
      .text_or_null("status_callback", order.status_callback)
      .text_or_null("odd_parameters", order.odd_parameters)
      .number("validity_period", order.validity_period)
      .text("status", name_of(message.status))
      .number("received_at", message.received);
  return json.end();
}

}  // namespace fake_twilio
