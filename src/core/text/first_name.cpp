#include "core/text/first_name.hpp"

#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <vector>

#include "core/base/ascii.hpp"
#include "core/base/utf8.hpp"

namespace coach_sms {
namespace {

// Titles that are also written without a full stop.
constexpr std::string_view kTitles[] = {"DR", "MR", "MRS", "MS", "MISS", "MX", "PROF"};

// Degrees and suffixes that follow a name after a comma, in their usual spellings. "Ma" and "Do"
// are names, "MA" and "DO" are degrees.
constexpr std::string_view kSuffixes[] = {
    "AC",  "AM",   "AO",  "BA",   "BED", "BEd", "BS",  "BSC", "BSc", "CBE", "CPA",
    "DDS", "DMD",  "DO",  "DPT",  "DVM", "EDD", "EdD", "ESQ", "Esq", "II",  "III",
    "IV",  "JD",   "JR",  "Jr",   "KC",  "LLB", "LLM", "MA",  "MBA", "MBE", "MD",
    "MED", "MEd",  "MPH", "MS",   "MSC", "MSc", "NP",  "OAM", "OBE", "OT",  "PA",
    "PHD", "PSYD", "PhD", "PsyD", "PT",  "QC",  "RN",  "SR",  "Sr",  "V"};

using Word = std::u32string;
using Words = std::vector<Word>;

// Returns whether the character is a blank or prints as one: the Hangul fillers and the empty
// Braille pattern do.
bool is_blank(char32_t c) {
  return u_isUWhiteSpace(static_cast<UChar32>(c)) || c == 0x200B || c == 0x115F || c == 0x1160 ||
         c == 0x3164 || c == 0xFFA0 || c == 0x2800;
}

// Returns whether the character prints nothing: a mark of direction, a soft hyphen, a control.
// Joiners do not count, because they shape letters in Persian and Indic names.
bool is_invisible(char32_t c) {
  const auto type = u_charType(static_cast<UChar32>(c));
  return (type == U_FORMAT_CHAR || type == U_CONTROL_CHAR) && c != 0x200C && c != 0x200D;
}

bool is_comma(char32_t c) {
  return c == U',' || c == 0x060C || c == 0x3001 || c == 0xFF0C;
}

bool is_full_stop(char32_t c) {
  return c == U'.' || c == 0x3002 || c == 0xFF0E;
}

bool is_punctuation(char32_t c) {
  return u_ispunct(static_cast<UChar32>(c));
}

// Some names begin with an apostrophe, such as the Tongan 'Ofa.
bool is_apostrophe(char32_t c) {
  return c == U'\'' || c == 0x2019;
}

// Returns the words; a comma is a word of its own.
Words split(std::string_view text) {
  Words words;
  bool in_word = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (is_invisible(c) && !is_blank(c)) continue;
    if (is_blank(c) || is_comma(c)) {
      in_word = false;
      if (is_comma(c)) words.emplace_back(1, U',');
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    words.back() += c;
  }
  return words;
}

bool is_separator(const Word& word) {
  return word == U",";
}

bool has_letter(const Word& word) {
  return std::ranges::any_of(word, [](char32_t c) { return u_isalnum(static_cast<UChar32>(c)); });
}

Word without_punctuation_around(Word word) {
  while (!word.empty() && is_punctuation(word.back()))
    word.pop_back();
  while (!word.empty() && is_punctuation(word.front()) && !is_apostrophe(word.front()))
    word.erase(0, 1);
  return word;
}

// Returns the word without punctuation: "Ph.D." gives PhD. Empty where a letter is not ASCII: "Vũ"
// is no V.
std::string ascii_letters(const Word& word) {
  std::string text;
  for (const char32_t c : word) {
    if (is_punctuation(c)) continue;
    if (c >= 0x80) return {};
    text += static_cast<char>(c);
  }
  return text;
}

bool is_suffix(const Word& word) {
  return std::ranges::find(kSuffixes, ascii_letters(word)) != std::end(kSuffixes);
}

bool is_title(const Word& word) {
  std::string text = ascii_letters(word);
  std::ranges::transform(text, text.begin(), to_upper);
  return text.size() == word.size() && std::ranges::find(kTitles, text) != std::end(kTitles);
}

// Returns the words that may hold the first name: those behind the comma in "Lee, Ann".
std::span<const Word> given_names(const Words& words) {
  const bool is_inverted = words.size() >= 3 && !is_separator(words[0]) && is_separator(words[1]) &&
                           has_letter(words[2]) && !is_suffix(words[2]);
  return std::span(words).subspan(is_inverted ? 2 : 0);
}

std::string to_utf8(const Word& word) {
  std::vector<UChar32> code_points(word.begin(), word.end());
  std::string text;
  return icu::UnicodeString::fromUTF32(code_points.data(), static_cast<int32_t>(code_points.size()))
      .toUTF8String(text);
}

}  // namespace

std::string first_name(std::string_view full_name) {
  const Words words = split(full_name);
  Word found;
  for (const Word& word : given_names(words)) {
    if (!has_letter(word)) continue;
    found = without_punctuation_around(word);
    if (!is_full_stop(word.back()) && !is_title(word)) break;
  }
  return to_utf8(found);
}

}  // namespace coach_sms
