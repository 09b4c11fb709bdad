#include <string>

#include "core/keywords.hpp"

#include <gtest/gtest.h>

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
  for (const char* word : {"stop all", "Opt out", "opt-out", "OPT  OUT", "stop-all"})
    EXPECT_EQ(read(word), Keyword::kStop) << word;
}

TEST(Keywords, InAnyCaseWithAnythingAround) {
  for (const char* word :
       {"Stop", "sToP", " STOP ", "Stop.", "STOP!!!", "\"stop\"", "\xe2\x80\x9cStop\xe2\x80\x9d",
        "(stop)", "\n\tstop\r\n", "\xc2\xa0stop", "\xe2\x80\x8bstop\xef\xbb\xbf",
        "stop\xe2\x80\xa6", "\xe3\x80\x80stop\xe3\x80\x82"})
    EXPECT_EQ(read(word), Keyword::kStop) << word;
}

TEST(Keywords, TheWholeTextMustBeTheWord) {
  for (const char* word :
       {"stop please", "please stop", "don't stop", "stopp", "st op", "", "  ", "...",
        "unsubscribe me", "\xd1\x81top", "stop \xf0\x9f\x9b\x91", "can cel", "ends", "1"})
    EXPECT_EQ(read(word), Keyword::kNone) << word;
  EXPECT_EQ(read(std::string(300, ' ') + "stop"), Keyword::kNone);
}

TEST(Keywords, StartYesAndHelp) {
  EXPECT_EQ(read("start"), Keyword::kStart);
  EXPECT_EQ(read("Unstop."), Keyword::kStart);
  EXPECT_EQ(read("Yes!"), Keyword::kYes);
  EXPECT_EQ(read("help?"), Keyword::kHelp);
  EXPECT_EQ(read("INFO"), Keyword::kHelp);
}

TEST(Keywords, TwiliosVerdictGoesFirst) {
  EXPECT_EQ(read_keyword("arr\xc3\xaat", "STOP"), Keyword::kStop);
  EXPECT_EQ(read_keyword("stop", "HELP"), Keyword::kHelp);
  EXPECT_EQ(read_keyword("hello", "START"), Keyword::kStart);
  EXPECT_EQ(read_keyword("stop", "SOMETHING"), Keyword::kStop);
}

TEST(Keywords, NamesForTheEvents) {
  EXPECT_STREQ(keyword_name(Keyword::kStop), "STOP");
  EXPECT_STREQ(keyword_name(Keyword::kYes), "YES");
  EXPECT_EQ(keyword_name(Keyword::kNone), nullptr);
}

}  // namespace
}  // namespace coach_sms
