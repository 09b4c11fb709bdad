#include "core/keywords.hpp"

#include <string>

#include "core/utf8.hpp"

namespace coach_sms {

namespace {

struct Word {
  std::string_view word;
  Keyword keyword;
};

constexpr Word kWords[] = {
    {"STOP", Keyword::kStop},    {"STOPALL", Keyword::kStop}, {"UNSUBSCRIBE", Keyword::kStop},
    {"CANCEL", Keyword::kStop},  {"END", Keyword::kStop},     {"QUIT", Keyword::kStop},
    {"REVOKE", Keyword::kStop},  {"OPTOUT", Keyword::kStop},  {"STOP ALL", Keyword::kStop},
    {"OPT OUT", Keyword::kStop}, {"START", Keyword::kStart},  {"UNSTOP", Keyword::kStart},
    {"YES", Keyword::kYes},      {"HELP", Keyword::kHelp},    {"INFO", Keyword::kHelp},
};

constexpr std::size_t kLongest = 200;  // bytes; no keyword needs as much around it

// Letters and digits of ASCII, in upper case; one blank for whatever stands between two of them;
// and nothing for what stands around them. Other letters end the search: they make it another word.
std::string bare(std::string_view body) {
  std::string text;
  bool gap = false;
  for (std::size_t at = 0; at < body.size();) {
    const char32_t code_point = next_code_point(body, at);
    const bool lower = code_point >= U'a' && code_point <= U'z';
    const bool is_ascii_letter = lower || (code_point >= U'A' && code_point <= U'Z');
    if (is_ascii_letter || (code_point >= U'0' && code_point <= U'9')) {
      if (gap && !text.empty()) text += ' ';
      gap = false;
      text += static_cast<char>(lower ? code_point - U'a' + U'A' : code_point);
    } else if (code_point < 0x80 || (code_point >= 0xa0 && code_point <= 0xbf) ||
               (code_point >= 0x2000 && code_point <= 0x206f) || code_point == 0x3000 ||
               (code_point >= 0x3001 && code_point <= 0x3011) || code_point == 0xfeff ||
               (code_point >= 0xfe00 && code_point <= 0xfe0f)) {
      gap = true;  // blanks, invisible characters, punctuation and quotes
    } else {
      return {};
    }
  }
  return text;
}

Keyword verdict_of(std::string_view opt_out_type) {
  if (opt_out_type == "STOP") return Keyword::kStop;
  if (opt_out_type == "START") return Keyword::kStart;
  if (opt_out_type == "HELP") return Keyword::kHelp;
  return Keyword::kNone;
}

}  // namespace

Keyword read_keyword(std::string_view body, std::string_view opt_out_type) {
  const Keyword verdict = verdict_of(opt_out_type);
  if (verdict != Keyword::kNone || body.size() > kLongest) return verdict;
  const std::string text = bare(body);
  for (const Word& word : kWords)
    if (text == word.word) return word.keyword;
  return Keyword::kNone;
}

const char* keyword_name(Keyword keyword) noexcept {
  switch (keyword) {
    case Keyword::kStop:
      return "STOP";
    case Keyword::kStart:
      return "START";
    case Keyword::kYes:
      return "YES";
    case Keyword::kHelp:
      return "HELP";
    case Keyword::kNone:
      break;
  }
  return nullptr;
}

}  // namespace coach_sms
