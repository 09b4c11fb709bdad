#include "core/twilio/sandbox_twilio.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "core/base/error.hpp"
#include "core/base/rapidjson.hpp"
#include "core/base/utf8.hpp"
#include "core/text/segments.hpp"
#include "core/twilio/twilio_errors.hpp"

namespace coach_sms {
namespace {

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

struct MagicNumber {
  std::string_view number;
  int code;
};

constexpr MagicNumber kMagicFrom[] = {
    {"+15005550001", 21212},
    {"+15005550007", 21606},
    {"+15005550008", 21611},
};

constexpr MagicNumber kMagicTo[] = {
    {"+15005550001", 21211}, {"+15005550002", 21612}, {"+15005550003", 21408},
    {"+15005550004", 21610}, {"+15005550009", 21614},
};

template <typename Table>
int code_of(const Table& table, std::string_view number) {
  const auto* found = std::find_if(std::begin(table), std::end(table),
                                   [&](const MagicNumber& row) { return row.number == number; });
  return found == std::end(table) ? 0 : found->code;
}

// Returns the code of Twilio's refusal; 0: the message is accepted. With a Messaging Service there
// is no From to refuse.
int refusal_of(const OutgoingMessage& message) {
  const bool has_from = message.messaging_service_sid.empty();
  const int from_code = has_from ? code_of(kMagicFrom, message.from) : 0;
  return from_code != 0 ? from_code : code_of(kMagicTo, message.to);
}

void check_sid_seed(std::string_view sid_seed) {
  const bool is_hex =
      sid_seed.size() == 32 &&
      sid_seed.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  if (is_hex) return;
  throw Error(ErrorKind::kInvalidArgument, "invalid SID seed " + excerpt(sid_seed),
              "A sandbox SID is made of 32 hex digits.");
}

void write_text(JsonWriter& writer, const char* name, std::string_view text) {
  writer.Key(name);
  if (text.empty()) {
    writer.Null();
  } else {
    writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  }
}

std::string refusal_json(const TwilioError& error) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  const std::string code = std::to_string(error.code);
  writer.StartObject();
  writer.Key("code");
  writer.Int(error.code);
  write_text(writer, "message", error.title);
  write_text(writer, "more_info", "https://www.twilio.com/docs/errors/" + code);
  writer.Key("status");
  writer.Int(400);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

// Returns the fields of a Message resource in the answer to a send. It has no dates, because the
// core has no clock.
std::string message_json(const OutgoingMessage& message, std::string_view sid_seed) {
  const bool has_service = !message.messaging_service_sid.empty();
  // Twilio gives 0 until a Messaging Service has chosen the sender; the sandbox always gives the
  // count.
  const int segments = count_segments(message.body).segments;
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  write_text(writer, "sid", "SM" + std::string(sid_seed));
  write_text(writer, "status", has_service ? "accepted" : "queued");
  write_text(writer, "to", message.to);
  write_text(writer, "from", has_service ? std::string_view() : message.from);
  write_text(writer, "messaging_service_sid", message.messaging_service_sid);
  write_text(writer, "body", message.body);
  write_text(writer, "num_segments", std::to_string(segments));
  write_text(writer, "num_media", "0");
  write_text(writer, "direction", "outbound-api");
  write_text(writer, "api_version", "2010-04-01");
  write_text(writer, "price", {});
  write_text(writer, "price_unit", "USD");
  write_text(writer, "error_code", {});
  write_text(writer, "error_message", {});
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

HttpResult sandbox_answer(const OutgoingMessage& message, std::string_view sid_seed) {
  check_sid_seed(sid_seed);
  HttpResult result;
  result.progress = HttpProgress::kAnswered;
  if (const TwilioError* error = find_twilio_error(refusal_of(message))) {
    result.status = 400;
    result.body = refusal_json(*error);
  } else {
    result.status = 201;
    result.body = message_json(message, sid_seed);
  }
  return result;
}

}  // namespace coach_sms
