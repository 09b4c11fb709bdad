#include "core/twilio/twilio_message.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "core/base/ascii.hpp"
#include "core/base/error.hpp"
#include "core/base/internet_date.hpp"
#include "core/base/rapidjson.hpp"
#include "core/base/utf8.hpp"
#include "core/twilio/error_message.hpp"
#include "core/twilio/twilio_errors.hpp"

namespace coach_sms {
namespace {

constexpr std::size_t kMaxMessageBytes = 1U << 20U;
constexpr std::size_t kMaxBodyBytes = 64 * 1024;  // 1,600 characters are 6,400 bytes at most
constexpr std::size_t kMaxWordBytes = 64;

std::string_view string_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

// Returns the text of a member; empty where it is missing, null or no string.
std::string_view text_member(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  const bool is_text = member != object.MemberEnd() && member->value.IsString();
  return is_text ? string_of(member->value) : std::string_view();
}

// Returns a whole number that Twilio writes as a number (error_code) or as digits (num_segments); 0
// for any other value.
int number_member(const rapidjson::Value& object, const char* name) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd()) return 0;
  if (member->value.IsInt()) return std::max(member->value.GetInt(), 0);
  if (!member->value.IsString()) return 0;
  const std::string_view digits = string_of(member->value);
  const char* end = digits.data() + digits.size();
  int number = 0;
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  return error == std::errc() && stop == end ? std::max(number, 0) : 0;
}

bool is_sid(std::string_view text) {
  return !text.empty() && text.size() <= kMaxWordBytes &&
         std::all_of(text.begin(), text.end(), is_alphanumeric);
}

// Returns a text such as "-0.00750", which PostgreSQL's numeric is certain to take; empty for any
// other text.
std::string price_of(std::string_view text) {
  std::string_view digits = text;
  if (digits.substr(0, 1) == "-") digits.remove_prefix(1);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::string_view whole = digits.substr(0, point);
  const std::string_view fraction = digits.substr(std::min(point + 1, digits.size()));
  const bool has_fraction = point < digits.size();
  const bool fits = !whole.empty() && text.size() <= kMaxWordBytes &&
                    has_fraction == !fraction.empty() &&
                    std::all_of(whole.begin(), whole.end(), is_digit) &&
                    std::all_of(fraction.begin(), fraction.end(), is_digit);
  return fits ? std::string(text) : std::string();
}

// Returns three capitals; empty for any other text. Twilio writes usd in its docs and USD in its
// answers.
std::string price_unit_of(std::string_view text) {
  if (text.size() != 3 || !std::all_of(text.begin(), text.end(), is_letter)) return {};
  std::string unit(text);
  std::transform(unit.begin(), unit.end(), unit.begin(), to_upper);
  return unit;
}

std::optional<ListedMessage> message_of(const rapidjson::Value& object) {
  if (!object.IsObject() || !is_sid(text_member(object, "sid"))) return std::nullopt;
  const auto word = [&](const char* name) {
    return clean_text(text_member(object, name), kMaxWordBytes);
  };
  ListedMessage message;
  message.sid = text_member(object, "sid");
  message.to = word("to");
  message.from = word("from");
  message.body = clean_text(text_member(object, "body"), kMaxBodyBytes);
  message.status = word("status");
  message.direction = word("direction");
  message.created_at = parse_rfc5322_date(text_member(object, "date_created"));
  const int error_code = number_member(object, "error_code");
  if (error_code != 0) message.error_code = std::to_string(error_code);
  message.error_message = clean_error_message(text_member(object, "error_message"));
  if (message.error_message.empty()) message.error_message = title_of(message.error_code);
  message.price = price_of(text_member(object, "price"));
  message.price_unit = price_unit_of(text_member(object, "price_unit"));
  message.segments = number_member(object, "num_segments");
  return message;
}

// Parses iteratively, with the stack on the heap: "[[[[[[..." costs memory in proportion to its
// length and nothing else.
rapidjson::Document parse_json(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  return document;
}

[[noreturn]] void refuse(const char* what, const HttpResult& result, std::string_view why) {
  throw Error(ErrorKind::kInternal,
              "cannot read Twilio's " + std::string(what) + ": " + std::string(why),
              "HTTP status " + std::to_string(result.status) + ", " +
                  std::to_string(result.body.size()) + " bytes.",
              "The sender asks for it again later.");
}

void require_whole_200(const char* what, const HttpResult& result) {
  if (result.progress != HttpProgress::kAnswered) refuse(what, result, "no answer came");
  if (result.status != 200) refuse(what, result, "the status is not 200");
  if (result.body_truncated) refuse(what, result, "the answer is cut short");
}

}  // namespace

std::optional<ListedMessage> read_message(std::string_view json) {
  if (json.size() > kMaxMessageBytes) return std::nullopt;
  const rapidjson::Document document = parse_json(json);
  if (document.HasParseError()) return std::nullopt;
  return message_of(document);
}

ListedMessage parse_message(const HttpResult& result) {
  constexpr char kWhat[] = "message";
  require_whole_200(kWhat, result);
  std::optional<ListedMessage> message = read_message(result.body);
  if (!message) refuse(kWhat, result, "it is not the JSON of a message");
  return *std::move(message);
}

ListPage parse_list(const HttpResult& result) {
  constexpr char kWhat[] = "list of messages";
  require_whole_200(kWhat, result);
  const rapidjson::Document document = parse_json(result.body);
  if (document.HasParseError() || !document.IsObject()) refuse(kWhat, result, "it is not JSON");
  const auto messages = document.FindMember("messages");
  if (messages == document.MemberEnd() || !messages->value.IsArray()) {
    refuse(kWhat, result, "it has no messages");
  }
  ListPage page;
  for (const rapidjson::Value& entry : messages->value.GetArray()) {
    std::optional<ListedMessage> message = message_of(entry);
    if (!message) refuse(kWhat, result, "one of its entries is no message");
    page.messages.push_back(*std::move(message));
  }
  const auto next = document.FindMember("next_page_uri");
  if (next == document.MemberEnd() || next->value.IsNull()) return page;
  if (!next->value.IsString()) refuse(kWhat, result, "its next page is no text");
  page.next_page_uri = string_of(next->value);
  return page;
}

}  // namespace coach_sms
