#include "core/webhook/opt_out_keywords.hpp"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "core/base/error.hpp"

namespace coach_sms {

namespace {

constexpr std::string_view kOptOut =
    "Twilio, Customize users' opt-in and opt-out experience with Advanced Opt-Out";
constexpr std::string_view kSupport = "Twilio, Twilio support for opt-out keywords";
constexpr std::string_view kFcc = "FCC, 47 CFR 64.1200(a)(10)";
constexpr std::string_view kCanada = "Twilio, Mandatory keyword responses required in Canada";
constexpr std::string_view kProxy = "Twilio, Opt-out keywords (Proxy)";

constexpr KeywordRow kRows[] = {
    {"stop", Keyword::kStop, kOptOut},         {"stopall", Keyword::kStop, kOptOut},
    {"stop all", Keyword::kStop, kOptOut},     {"unsubscribe", Keyword::kStop, kOptOut},
    {"cancel", Keyword::kStop, kOptOut},       {"end", Keyword::kStop, kOptOut},
    {"quit", Keyword::kStop, kOptOut},         {"revoke", Keyword::kStop, kOptOut},
    {"optout", Keyword::kStop, kOptOut},       {"opt out", Keyword::kStop, kFcc},
    {"unsub", Keyword::kStop, kCanada},        {"arret", Keyword::kStop, kCanada},
    {"arr\xC3\xAAt", Keyword::kStop, kCanada}, {"arrete", Keyword::kStop, kProxy},
    {"arr\xC3\xAAte", Keyword::kStop, kProxy}, {"arrett", Keyword::kStop, kProxy},
    {"start", Keyword::kStart, kSupport},      {"unstop", Keyword::kStart, kSupport},
    {"yes", Keyword::kYes, kSupport},          {"help", Keyword::kHelp, kSupport},
    {"info", Keyword::kHelp, kSupport},
};

// Returns the text with width and case folded, composed, and without default-ignorable characters.
icu::UnicodeString folded(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* fold = icu::Normalizer2::getNFKCCasefoldInstance(error);
  if (U_FAILURE(error))
    throw Error(ErrorKind::kInternal, std::string("ICU cannot fold case: ") + u_errorName(error));
  const auto given = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
  icu::UnicodeString result = fold->normalize(given, error);
  if (U_FAILURE(error))
    throw Error(ErrorKind::kInternal, std::string("ICU cannot fold case: ") + u_errorName(error));
  return result;
}

// Returns the words with one blank between them. A mark belongs to the letter in front of it. A
// mark without a letter is left over from an accent that stood alone, and counts as a blank.
std::string bare(std::string_view body) {
  const icu::UnicodeString text = folded(body);
  icu::UnicodeString words;
  bool gap = true;
  for (std::int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    const UChar32 c = text.char32At(at);
    const std::uint32_t category = U_GET_GC_MASK(c);
    const bool is_mark = (category & U_GC_M_MASK) != 0;
    if ((category & (U_GC_L_MASK | U_GC_N_MASK)) == 0 && (!is_mark || gap)) {
      gap = true;
      continue;
    }
    if (gap && !words.isEmpty()) words.append(UChar32{' '});
    gap = false;
    words.append(c);
  }
  std::string utf8;
  return words.toUTF8String(utf8);
}

Keyword verdict_of(std::string_view opt_out_type) {
  if (opt_out_type == "STOP") return Keyword::kStop;
  if (opt_out_type == "START") return Keyword::kStart;
  if (opt_out_type == "HELP") return Keyword::kHelp;
  return Keyword::kNone;
}

}  // namespace

std::span<const KeywordRow> keyword_table() noexcept {
  return kRows;
}

Keyword read_keyword(std::string_view body, std::string_view opt_out_type) {
  const Keyword verdict = verdict_of(opt_out_type);
  if (verdict != Keyword::kNone) return verdict;
  const std::string text = bare(body);
  const auto* const row = std::find_if(std::begin(kRows), std::end(kRows),
                                       [&](const KeywordRow& each) { return each.text == text; });
  return row == std::end(kRows) ? Keyword::kNone : row->keyword;
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
