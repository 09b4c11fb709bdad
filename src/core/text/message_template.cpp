#include "core/text/message_template.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

#include "core/base/ascii.hpp"
#include "core/base/error.hpp"
#include "core/base/utf8.hpp"

namespace coach_sms {
namespace {

// This is far above any SMS, so check_body() can still report how long the text was. It keeps a
// small template with a large value from filling the memory.
constexpr std::size_t kMaxRenderedBytes = 16U << 20U;

struct Placeholder {
  std::size_t begin;  // of {{
  std::size_t end;    // behind }}
  std::string_view name;
};

bool is_name(std::string_view text) {
  return !text.empty() && !is_digit(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '_'; });
}

std::string_view without_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

[[noreturn]] void raise_invalid(std::string_view body, std::size_t at, std::string_view shown,
                                const char* trouble, const char* hint) {
  // The author of a template counts characters, not bytes.
  const auto character = 1 + std::count_if(body.begin(), body.begin() + static_cast<long>(at),
                                           [](char c) { return (c & 0xC0) != 0x80; });
  throw Error(ErrorKind::kInvalidTemplate,
              "placeholder " + excerpt(shown) + " at character " + std::to_string(character) + " " +
                  trouble,
              "A placeholder is {{name}}: a letter or underscore, then letters, digits and "
              "underscores.",
              hint);
}

std::optional<Placeholder> find_placeholder(std::string_view body, std::size_t from) {
  const std::size_t begin = body.find("{{", from);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t close = body.find("}}", begin + 2);
  if (close == std::string_view::npos)
    raise_invalid(body, begin, body.substr(begin), "never ends",
                  "Close it with }}, or write a single { for text.");
  const std::size_t end = close + 2;
  const std::string_view name = without_blanks(body.substr(begin + 2, close - begin - 2));
  if (!is_name(name))
    raise_invalid(body, begin, body.substr(begin, end - begin), "is not a name",
                  "Correct the name between {{ and }}.");
  return Placeholder{begin, end, name};
}

std::vector<std::string> distinct(const std::vector<std::string_view>& names) {
  std::vector<std::string> result;
  std::set<std::string_view> seen;
  for (const std::string_view name : names)
    if (seen.insert(name).second) result.emplace_back(name);
  return result;
}

[[noreturn]] void raise_missing(const std::vector<std::string_view>& names) {
  const std::vector<std::string> missing = distinct(names);
  std::string list;
  for (const std::string& name : missing)
    list += (list.empty() ? "" : ", ") + name;
  throw Error(ErrorKind::kMissingVariable, "variable " + excerpt(missing.front()) + " is missing",
              "The template needs values that were not given: " + list + ".",
              "Give each of them in variables; null counts as not given.");
}

void append(std::string& text, std::string_view more) {
  if (more.size() > kMaxRenderedBytes - text.size())
    throw Error(ErrorKind::kInvalidBody,
                "rendered text is above " + std::to_string(kMaxRenderedBytes) + " bytes",
                "No longer text is rendered.",
                "Shorten the template or its values: an SMS holds 1600 characters.");
  text += more;
}

}  // namespace

std::string render_template(std::string_view body, const Variables& variables) {
  std::string text;
  text.reserve(std::min(2 * body.size(), kMaxRenderedBytes));
  std::vector<std::string_view> missing;
  std::size_t at = 0;
  while (const auto placeholder = find_placeholder(body, at)) {
    append(text, body.substr(at, placeholder->begin - at));
    at = placeholder->end;
    if (const std::string* value = variables.find(placeholder->name)) {
      append(text, *value);
    } else {
      missing.push_back(placeholder->name);
    }
  }
  if (!missing.empty()) raise_missing(missing);
  append(text, body.substr(at));
  return text;
}

std::vector<std::string> template_variables(std::string_view body) {
  std::vector<std::string> names;
  std::set<std::string_view> seen;
  std::size_t at = 0;
  while (const auto placeholder = find_placeholder(body, at)) {
    if (seen.insert(placeholder->name).second) names.emplace_back(placeholder->name);
    at = placeholder->end;
  }
  return names;
}

}  // namespace coach_sms
