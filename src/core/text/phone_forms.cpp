#include "core/text/phone_forms.hpp"

#include <cstddef>
#include <optional>

namespace coach_sms {
namespace {

// A country whose numbers exist with and without some extra digits. A number is the calling code,
// the area code, perhaps the extra digits, and the subscriber's number.
struct Plan {
  std::string_view calling_code;
  std::size_t area_size;
  std::string_view extra;
  std::size_t subscriber_size;
  std::string_view subscriber_begins;  // its first digit; other numbers have one form only
};

constexpr Plan kPlans[] = {
    // Until August 2019, callers from abroad dialled a 1 between +52 and a mobile number. Twilio
    // and address books have both forms.
    {"+52", 0, "1", 10, "23456789"},
    // From 2012 to 2016, Anatel put a 9 before mobile numbers, which then began with 6 to 9. A
    // mobile number with 2 to 5 behind the 9 is newer: without the 9 it is a fixed line.
    {"+55", 2, "9", 8, "6789"},
    // Callers from abroad dial a 9 before mobile numbers. Fixed lines share their plan, so no two
    // numbers differ by the 9 alone. Area codes begin with 1 to 3.
    {"+54", 0, "9", 10, "123"},
    // In November 2024, ARCEP put 01 before all numbers.
    {"+229", 0, "01", 8, "23456789"},
};

bool has_digits_only(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_subscriber(const Plan& plan, std::string_view text) {
  return text.size() == plan.subscriber_size &&
         plan.subscriber_begins.find(text.front()) != std::string_view::npos;
}

std::optional<std::string> other_form(const Plan& plan, std::string_view e164) {
  const std::size_t at = plan.calling_code.size() + plan.area_size;
  if (!e164.starts_with(plan.calling_code) || e164.size() <= at || !has_digits_only(e164.substr(1)))
    return {};
  std::string other(e164);
  const std::string_view rest = e164.substr(at);
  if (is_subscriber(plan, rest)) return other.insert(at, plan.extra);
  if (rest.starts_with(plan.extra) && is_subscriber(plan, rest.substr(plan.extra.size())))
    return other.erase(at, plan.extra.size());
  return {};
}

}  // namespace

std::vector<std::string> phone_forms(std::string_view e164) {
  std::vector<std::string> forms{std::string(e164)};
  for (const Plan& plan : kPlans)
    if (auto other = other_form(plan, e164)) forms.push_back(std::move(*other));
  return forms;
}

std::string phone_key(std::string_view e164) {
  std::vector<std::string> forms = phone_forms(e164);
  return std::move(forms.back().size() < forms.front().size() ? forms.back() : forms.front());
}

}  // namespace coach_sms
