#include "core/webhook/form_cut.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "core/base/ascii.hpp"
#include "core/base/utf8.hpp"
#include "core/twilio/twilio_sid.hpp"

namespace coach_sms {
namespace {

constexpr std::size_t kSidSize = 34;
constexpr std::string_view kFrom = "From";
constexpr std::string_view kMessageSid = "MessageSid";
constexpr std::string_view kBody = "Body";

constexpr std::array<std::string_view, 13> kOurNames = {
    kMessageSid,     "SmsSid", "MessageStatus", "SmsStatus",  "AccountSid",   "MessagingServiceSid",
    kFrom,           "To",     kBody,           "OptOutType", "ErrorMessage", "ErrorCode",
    "RawDlrDoneDate"};
// Those of our names that no value holds by chance.
constexpr std::array<std::string_view, 4> kTellingNames = {kMessageSid, "SmsSid", "SmsStatus",
                                                           "MessageStatus"};

bool holds(std::string_view text, std::string_view name) {
  return text.find(name) != std::string_view::npos;
}

bool is_ours(std::string_view name) {
  return std::find(kOurNames.begin(), kOurNames.end(), name) != kOurNames.end();
}

// Returns a fault of a parameter. '#' replaces digits, because a forged name may hold a person's
// number.
std::string said(std::string_view name, const char* what, std::string_view other = {}) {
  std::string shown(name);
  std::replace_if(shown.begin(), shown.end(), is_digit, '#');
  return "parameter " + excerpt(shown) + ' ' + what + std::string(other);
}

// --- the address behind a From ------------------------------------------------------------------

// Returns whether the text begins with an address that a person can have, behind which MessageSid
// or a parameter that sorts before it may begin. The address is "+61412000123" or one of another
// channel. The end of an address of another channel cannot be seen, so it may be anywhere.
bool begins_with_address(std::string_view text) {
  const auto* const colon = std::find_if_not(text.begin(), text.end(), is_lower);
  if (colon != text.begin() && colon != text.end() && *colon == ':') return true;
  if (text.substr(0, 1) != "+") return false;
  const auto* const end = std::find_if_not(text.begin() + 1, text.end(), is_digit);
  if (end == text.begin() + 1) return false;
  const std::string_view rest(end, static_cast<std::size_t>(text.end() - end));
  return rest >= kFrom && rest.substr(0, kMessageSid.size()) <= kMessageSid;
}

// --- one reading --------------------------------------------------------------------------------

struct SignedText {
  std::string text;
  std::size_t from = std::string::npos;  // where the parameter From begins
  std::size_t sid = std::string::npos;   // where the parameter MessageSid begins
  std::size_t words = 0;                 // where the value of Body begins
  std::size_t words_end = 0;
  std::vector<std::size_t> starts;  // of each parameter
};

SignedText join(const FormParams& sorted) {
  SignedText joined;
  for (const auto& [name, value] : sorted) {
    const std::size_t start = joined.text.size();
    joined.starts.push_back(start);
    if (name == kFrom) joined.from = start;
    if (name == kMessageSid) joined.sid = start;
    joined.text += name;
    if (name == kBody) joined.words = joined.text.size();
    joined.text += value;
    if (name == kBody) joined.words_end = joined.text.size();
  }
  return joined;
}

// Returns each place of MessageSid with a SID behind it, in order.
std::vector<std::size_t> find_sids(std::string_view text) {
  std::vector<std::size_t> sids;
  for (std::size_t at = text.find(kMessageSid); at != std::string_view::npos;
       at = text.find(kMessageSid, at + 1))
    if (is_sid(text.substr(at + kMessageSid.size(), kSidSize))) sids.push_back(at);
  return sids;
}

// Returns the name of the parameter in which the text can be read as another From; nullptr if in
// none. Its time grows no faster than the text: the signature has not been checked yet.
const std::string* find_other_reading(const FormParams& sorted) {
  const SignedText joined = join(sorted);
  const std::string_view text = joined.text;
  const std::vector<std::size_t> sids = find_sids(text);
  for (std::size_t at = text.find(kFrom); at != std::string_view::npos;
       at = text.find(kFrom, at + 1)) {
    if (at == joined.from || !begins_with_address(text.substr(at + kFrom.size()))) continue;
    const auto sid = std::lower_bound(sids.begin(), sids.end(), at);
    const bool in_words = at >= joined.words && at < joined.words_end;
    if (sid == sids.end() || (in_words && *sid == joined.sid)) continue;
    const auto behind = std::upper_bound(joined.starts.begin(), joined.starts.end(), at);
    return &sorted[static_cast<std::size_t>(behind - joined.starts.begin()) - 1].first;
  }
  return nullptr;
}

// --- each parameter by itself -------------------------------------------------------------------

// Returns whether a name has only characters that Twilio uses. Twilio's own names are letters,
// digits and "_". Others may hold "-", ".", "[" and "]" if none of our names is in them. "To" does
// not count, because too many words hold it.
bool is_plain_name(std::string_view name) {
  bool is_odd = false;
  for (const char c : name) {
    if (is_alphanumeric(c) || c == '_') continue;
    if (c != '-' && c != '.' && c != '[' && c != ']') return false;
    is_odd = true;
  }
  return !is_odd || std::none_of(kOurNames.begin(), kOurNames.end(), [&](std::string_view ours) {
    return ours != "To" && holds(name, ours);
  });
}

// Returns the first fault of a parameter by itself; empty for none. A parameter of ours holds none
// of the telling names. Any other is at fault if it holds one that could stand there as a
// parameter: names are in order in every cut.
std::string find_fault_in(const FormParams& sorted) {
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const auto& [name, value] = sorted[i];
    if (!is_plain_name(name)) return said(name, "has a name that Twilio uses for none");
    if (is_ours(name) && i > 0 && sorted[i - 1].first == name) return said(name, "comes twice");
    if (name == kBody) continue;
    const bool is_last = i + 1 == sorted.size();
    for (const std::string_view ours : kTellingNames) {
      const bool in_order = name < ours && (is_last || ours <= sorted[i + 1].first);
      if (is_ours(name) ? holds(value, ours) : in_order && holds(name + value, ours))
        return said(name, "holds the name ", ours);
    }
  }
  return {};
}

}  // namespace

std::string find_other_cut(const FormParams& params, std::string_view sid) {
  FormParams sorted = params;
  std::sort(sorted.begin(), sorted.end());
  std::string fault = find_fault_in(sorted);
  if (!fault.empty()) return fault;
  for (const std::string_view name : {"SmsSid", "SmsMessageSid"}) {
    const std::string* const other = find(params, name);
    if (other != nullptr && !other->empty() && *other != sid)
      return said(name, "is another than MessageSid");
  }
  const std::string* const read_twice = find_other_reading(sorted);
  return read_twice == nullptr ? std::string() : said(*read_twice, "can be read as another From");
}

}  // namespace coach_sms
