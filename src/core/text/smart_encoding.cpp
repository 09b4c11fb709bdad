#include "core/text/smart_encoding.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "core/base/error.hpp"
#include "core/base/utf8.hpp"

namespace coach_sms {
namespace {

using std::string_view_literals::operator""sv;

struct LookAlikes {
  std::string_view plain;
  std::u32string_view code_points;
};

// The calculator's 271 entries without the full-width forms, which is_full_width() covers. Some are
// odd (a vertical comma becomes an apostrophe), but we want the calculator's result.
constexpr LookAlikes kLookAlikes[] = {
    // vanish: NUL and other controls, zero-width blanks
    {"",
     U"\x0000\x0003\x0004\x0010\x0011\x0012\x0013\x0014\x0017\x0019\x200B\x200C"
     U"\x2060\xFEFF"sv},
    // blanks of other widths: the calculator turns most into two blanks, and a tab into seven
    {" ", U"\x2001\x2028\x2029"sv},
    {"  ",
     U"\x0080\x008D\x0090\x009B\x009F\x00A0\x2000\x2002\x2003\x2004\x2005\x2006"
     U"\x2007\x2008\x2009\x200A\x202F\x205F\x3000"sv},
    {"       ", U"\x0009"sv},
    // look-alikes of punctuation
    {"!", U"\x01C3\xFE15\xFE57"sv},
    {"\"", U"\x00AB\x00BB\x02BA\x02EE\x201C\x201D\x201E\x201F\x275D\x275E\x301D\x301E"sv},
    {"#", U"\xFE5F"sv},
    {"$", U"\xFE69"sv},
    {"%", U"\xFE6A"sv},
    {"&", U"\xFE60"sv},
    {"'",
     U"\x0060\x00B4\x02B9\x02BB\x02BC\x02BD\x02C8\x02CA\x02CB\x0313\x0314\x2018"
     U"\x2019\x201B\x275B\x275C\xFE10\xFE11"sv},
    {"(", U"\x2768\x276A\x27EE\x2985\xFE59"sv},
    {")", U"\x2769\x276B\x27EF\x2986\xFE5A"sv},
    {"*",
     U"\x204E\x2217\x229B\x2722\x2723\x2724\x2725\x2731\x2732\x2733\x273A\x273B"
     U"\x273C\x273D\x2743\x2749\x274A\x274B\x29C6\xFE61"sv},
    {"+", U"\x02D6\xFE62"sv},
    {",", U"\x0326\x201A\x3001\xFE50\xFE51\xFF64"sv},
    {"-", U"\x2010\x2013\x2014\x2015\x2022\x2043\x23BC\x23BD\xFE63"sv},
    {".", U"\x3002\xFE52\xFF61"sv},
    {"/", U"\x00F7\x0337\x0338\x2044\x2215\x29F8"sv},
    {":", U"\x02D0\x02F8\x2982\xA789\xFE13"sv},
    {";", U"\x204F\xFE14\xFE54"sv},
    {"<", U"\x2039\xFE64"sv},
    {"=", U"\x0347\xA78A\xFE66"sv},
    {">", U"\x203A\xFE65"sv},
    {"?", U"\xFE16\xFE56"sv},
    {"@", U"\xFE6B"sv},
    {"\\", U"\x20E5\x29F5\x29F9\xFE68"sv},
    {"^", U"\x02C6\x0302\x1DCD"sv},
    {"_", U"\x0332\x2017"sv},
    {"{", U"\x2774\xFE5B"sv},
    {"|", U"\x20D2\x20D3\x2223\x239C\x239F\x23B8\x23B9\x23D0"sv},
    {"}", U"\x2775\xFE5C"sv},
    {"~", U"\x02DC\x02F7\x0303\x0330\x0334\x223C"sv},
    // small capitals
    {"A", U"\x1D00"sv},
    {"B", U"\x0299"sv},
    {"C", U"\x1D04"sv},
    {"D", U"\x1D05"sv},
    {"E", U"\x1D07"sv},
    {"F", U"\xA730"sv},
    {"G", U"\x0262"sv},
    {"H", U"\x029C"sv},
    {"I", U"\x026A"sv},
    {"J", U"\x1D0A"sv},
    {"K", U"\x1D0B"sv},
    {"L", U"\x029F"sv},
    {"M", U"\x1D0D"sv},
    {"N", U"\x0274"sv},
    {"O", U"\x1D0F"sv},
    {"P", U"\x1D18"sv},
    {"R", U"\x0280"sv},
    {"S", U"\xA731"sv},
    {"T", U"\x1D1B"sv},
    {"U", U"\x1D1C"sv},
    {"V", U"\x1D20"sv},
    {"W", U"\x1D21"sv},
    {"Y", U"\x028F"sv},
    {"Z", U"\x1D22"sv},
    // one character for several
    {"!!", U"\x203C"sv},
    {"...", U"\x2026"sv},
    {"1/2", U"\x00BD"sv},
    {"1/4", U"\x00BC"sv},
    {"3/4", U"\x00BE"sv},
};

struct Substitution {
  char32_t code_point;
  std::string_view plain;
};

constexpr std::size_t count_code_points() {
  std::size_t count = 0;
  for (const LookAlikes& group : kLookAlikes)
    count += group.code_points.size();
  return count;
}

constexpr bool precedes(const Substitution& a, const Substitution& b) {
  return a.code_point < b.code_point;
}

constexpr auto make_table() {
  std::array<Substitution, count_code_points()> table{};
  std::size_t size = 0;
  for (const LookAlikes& group : kLookAlikes)
    for (const char32_t code_point : group.code_points)
      table[size++] = {code_point, group.plain};
  std::sort(table.begin(), table.end(), precedes);
  return table;
}
constexpr auto kTable = make_table();

constexpr std::size_t kMostBytes = 16U << 20U;

// Returns whether c is full-width ASCII that the calculator replaces. It leaves the small letters
// and the grave accent alone.
constexpr bool is_full_width(char32_t c) {
  return (c >= 0xFF01 && c <= 0xFF3F) || (c >= 0xFF5B && c <= 0xFF5E);
}
constexpr char32_t kFullWidthOffset = 0xFF01 - U'!';

const Substitution* find_substitution(char32_t code_point) {
  const auto found =
      std::lower_bound(kTable.begin(), kTable.end(), Substitution{code_point, {}}, precedes);
  return found != kTable.end() && found->code_point == code_point ? found : nullptr;
}

}  // namespace

std::string smart_encode(std::string_view text) {
  if (text.size() > kMostBytes)
    throw Error(ErrorKind::kInvalidBody, "text is above " + std::to_string(kMostBytes) + " bytes",
                "No longer text is read.", "An SMS holds 1600 characters.");
  std::string encoded;
  encoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    const char32_t code_point = next_code_point(text, at);
    if (is_full_width(code_point)) {
      encoded += static_cast<char>(code_point - kFullWidthOffset);
    } else if (const Substitution* substitution = find_substitution(code_point)) {
      encoded += substitution->plain;
    } else {
      encoded += text.substr(start, at - start);
    }
  }
  return encoded;
}

}  // namespace coach_sms
