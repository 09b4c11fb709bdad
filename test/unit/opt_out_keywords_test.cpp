#include <string>

#include "core/webhook/opt_out_keywords.hpp"

#include <gtest/gtest.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <fstream>
#include <sstream>
#include <string>

namespace coach_sms {
namespace {

Keyword read(std::string_view body) {
  return read_keyword(body, "");
}

TEST(Keywords, AllOfTwiliosStopWords) {
  for (const char* word :
       {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})
    EXPECT_EQ(read(word), Keyword::kStop) << word;
}

TEST(Keywords, InTwoWords) {
  for (const char* word : {"stop all", "Opt out", "opt-out", "OPT  OUT", "stop-all", "opt\u2010out",
                           "stop\u3000all", "opt\u00A0out"})
    EXPECT_EQ(read(word), Keyword::kStop) << word;
}

TEST(Keywords, InFrench) {
  for (const char* word : {"ARRET", "arret", "Arr\u00EAt", "ARR\u00CAT", "ARRE\u0302T", "Arrete!",
                           "arr\u00EAte", "ARRETT"})
    EXPECT_EQ(read(word), Keyword::kStop) << word;
}

TEST(Keywords, InAnyCaseWidthAndScriptsPunctuation) {
  for (const char* word : {"Stop",
                           "sToP",
                           " STOP ",
                           "Stop.",
                           "STOP!!!",
                           "\"stop\"",
                           "\u201CStop\u201D",
                           "(stop)",
                           "\n\tstop\r\n",
                           "\u00A0stop",
                           "\u200Bstop\uFEFF",
                           "stop\u2026",
                           "\u3000stop\u3002",
                           "STOP\uFF01",
                           "STOP\u0964",
                           "STOP\u0965",
                           "STOP\u061F",
                           "\uFF08STOP\uFF09",
                           "STOP\u06D4",
                           "STOP\u055E",
                           "STOP\u1362",
                           "STOP\u104B",
                           "STOP\u17D4",
                           "STOP\u0E5A",
                           "STOP\u05BE",
                           "\u00BFSTOP?",
                           "\u00A1STOP!",
                           "\u300ESTOP\u300F",
                           "\u3010STOP\u3011",
                           "STOP\uFF61",
                           "\u00ABstop\u00BB",
                           "\u2039stop\u203A",
                           "\u00B4stop\u00B4",
                           "`stop`",
                           "'stop'",
                           "stop\u00A8",
                           "~stop~",
                           "*STOP*",
                           "_stop_",
                           "<stop>",
                           "stop\u00AF",
                           "\u02DCstop",
                           "STOP\u301C",
                           "\uFF33\uFF34\uFF2F\uFF30",
                           "\uFF53\uFF54\uFF4F\uFF50\uFF0E",
                           "\u24C8\u24C9\u24C4\u24C5",
                           "\U0001D412\U0001D413\U0001D40E\U0001D40F",
                           "\u017Ftop",
                           "STOP \U0001F6D1",
                           "\U0001F6D1stop\U0001F6D1",
                           "STOP \u270B\U0001F3FD",
                           "stop \u2764\uFE0F",
                           "Stop \U0001F469\u200D\U0001F4BB",
                           "STOP \U0001F1E6\U0001F1FA",
                           "STOP \U0001FAE9",
                           "STOP \uE000",
                           "STOP \uFFFD\uFFFD",
                           "\u200ESTOP\u200F",
                           "\u202ASTOP\u202C",
                           "\u2066stop\u2069",
                           "st\u00ADop",
                           "STOP\u2028",
                           "STOP\u0085",
                           "STOP\u1680",
                           "STOP\u2800",
                           "STOP\u3164",
                           "$STOP+",
                           "STOP\u20AC",
                           "STOP\u00AE"})
    EXPECT_EQ(read(word), Keyword::kStop) << word;
  EXPECT_EQ(read(std::string(5000, ' ') + "stop" + std::string(5000, '!')), Keyword::kStop);
}

TEST(Keywords, TheWholeTextMustBeTheWord) {
  for (const char* word : {"stop please",
                           "please stop",
                           "don't stop",
                           "stopp",
                           "st op",
                           "",
                           "  ",
                           "...",
                           "unsubscribe me",
                           "\u0441top",
                           "can cel",
                           "ends",
                           "1",
                           "stop 1",
                           "1 stop",
                           "s.t.o.p",
                           "stop stop",
                           "STO\u0301P",
                           "stop\u00B2",
                           "\u2460stop",
                           "stop \u505C",
                           "\u505C\u6B62",
                           "STOP \u0645",
                           "Can you make it stop \U0001F6D1",
                           "The END of it",
                           "arret svp",
                           "\U0001F6D1",
                           "s\u00B4top",
                           "nonstop",
                           "stop it",
                           "alto",
                           "stopp!",
                           "\u0441\u0442\u043E\u043F",
                           "START STOP"})
    EXPECT_EQ(read(word), Keyword::kNone) << word;
}

TEST(Keywords, StartYesAndHelp) {
  EXPECT_EQ(read("start"), Keyword::kStart);
  EXPECT_EQ(read("Unstop."), Keyword::kStart);
  EXPECT_EQ(read("Yes!"), Keyword::kYes);
  EXPECT_EQ(read("\uFF39\uFF25\uFF33\uFF01"), Keyword::kYes);
  EXPECT_EQ(read("help?"), Keyword::kHelp);
  EXPECT_EQ(read("INFO"), Keyword::kHelp);
}

TEST(Keywords, NothingElseOptsIn) {
  int opt_ins = 0;
  for (const KeywordRow& row : keyword_table())
    opt_ins += row.keyword == Keyword::kStart || row.keyword == Keyword::kYes ? 1 : 0;
  EXPECT_EQ(opt_ins, 3);
  for (const char* word :
       {"oui", "si", "ja", "ok", "y", "subscribe", "opt in", "optin", "commencer"})
    EXPECT_EQ(read(word), Keyword::kNone) << word;
}

// Each character of Unicode, before and after the word.
TEST(Keywords, WhateverIsNoLetterMarkOrNumberIsAroundIt) {
  for (UChar32 c = 1; c <= 0x10FFFF; ++c) {
    const std::uint32_t category = U_GET_GC_MASK(c);
    if ((category & (U_GC_P_MASK | U_GC_S_MASK | U_GC_Z_MASK | U_GC_CF_MASK | U_GC_CC_MASK)) == 0)
      continue;
    icu::UnicodeString folds(c);  // such as a circled letter, which is a letter in the end
    UErrorCode error = U_ZERO_ERROR;
    folds = icu::Normalizer2::getNFKCInstance(error)->normalize(folds, error);
    bool has_letter = false;
    for (int at = 0; at < folds.length(); at = folds.moveIndex32(at, 1))
      has_letter |= (U_GET_GC_MASK(folds.char32At(at)) & (U_GC_L_MASK | U_GC_N_MASK)) != 0;
    if (has_letter) continue;
    std::string text;
    icu::UnicodeString(c).toUTF8String(text);
    text += "stop";
    icu::UnicodeString(c).toUTF8String(text);
    EXPECT_EQ(read(text), Keyword::kStop) << "U+" << std::hex << c;
  }
}

TEST(Keywords, BytesThatAreNotUtf8AreAroundIt) {
  EXPECT_EQ(read("stop\xff"), Keyword::kStop);
  EXPECT_EQ(read("\xe2\x80stop"), Keyword::kStop);
}

TEST(Keywords, TwiliosVerdictGoesFirst) {
  EXPECT_EQ(read_keyword("arr\u00EAt", "STOP"), Keyword::kStop);
  EXPECT_EQ(read_keyword("stop", "HELP"), Keyword::kHelp);
  EXPECT_EQ(read_keyword("hello", "START"), Keyword::kStart);
  EXPECT_EQ(read_keyword("stop", "SOMETHING"), Keyword::kStop);
}

// The page lists each of them with its source.
TEST(Keywords, AreInThePage) {
  std::ostringstream page;
  page << std::ifstream("doc/opt-outs.md").rdbuf();
  ASSERT_FALSE(page.str().empty());
  for (const KeywordRow& row : keyword_table()) {
    std::string shown;
    icu::UnicodeString::fromUTF8(
        icu::StringPiece(row.text.data(), static_cast<int>(row.text.size())))
        .toUpper()
        .toUTF8String(shown);
    std::istringstream lines(page.str());
    std::string line;
    bool found = false;
    while (std::getline(lines, line))
      found |= line.starts_with("| ") && line.find("`" + shown + "`") != std::string::npos &&
               line.find(row.source) != std::string::npos;
    EXPECT_TRUE(found) << shown << " from " << row.source;
  }
}

TEST(Keywords, NamesForTheEvents) {
  EXPECT_STREQ(keyword_name(Keyword::kStop), "STOP");
  EXPECT_STREQ(keyword_name(Keyword::kYes), "YES");
  EXPECT_EQ(keyword_name(Keyword::kNone), nullptr);
}

}  // namespace
}  // namespace coach_sms
