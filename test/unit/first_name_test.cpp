#include "core/text/first_name.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/base/error.hpp"
#include "core/text/segments.hpp"

using namespace coach_sms;

namespace {

struct Name {
  const char* full;
  const char* first;
};

class FirstName : public testing::TestWithParam<Name> {};

TEST_P(FirstName, IsTheOneToGreetBy) {
  EXPECT_EQ(first_name(GetParam().full), GetParam().first);
}

INSTANTIATE_TEST_SUITE_P(Blanks, FirstName,
                         testing::Values(Name{"Ann Lee", "Ann"}, Name{"  Ann  Lee ", "Ann"},
                                         Name{"Ann", "Ann"}, Name{"Ann\u00A0Lee", "Ann"},
                                         Name{"\u00A0Ann\u00A0", "Ann"},
                                         Name{"Ann\u202FLee", "Ann"}, Name{"Ann\u2009Lee", "Ann"},
                                         Name{"Ann\u3000Lee", "Ann"}, Name{"Ann\u1680Lee", "Ann"},
                                         Name{"Ann\u205FLee", "Ann"}, Name{"Ann\u200BLee", "Ann"},
                                         Name{"Ann\u2028Lee", "Ann"}, Name{"Ann\u0085Lee", "Ann"},
                                         Name{"Ann\tLee", "Ann"}, Name{"Ann\r\nLee", "Ann"},
                                         Name{"Ann\u2800Lee", "Ann"}, Name{"Ann\u3164Lee", "Ann"},
                                         Name{"Ann\uFFA0Lee", "Ann"}));

INSTANTIATE_TEST_SUITE_P(Invisible, FirstName,
                         testing::Values(Name{"\uFEFFAnn Lee", "Ann"},
                                         Name{"\u200EAnn\u200F", "Ann"},
                                         Name{"A\u00ADnn Lee", "Ann"}, Name{"Ann\u2060 Lee", "Ann"},
                                         Name{"\u202AAnn\u202C Lee", "Ann"},
                                         Name{"\u2066Ann\u2069", "Ann"}, Name{"Ann\u180E", "Ann"},
                                         Name{"\u0007Ann", "Ann"},
                                         // A joiner shapes this Persian name.
                                         Name{"\u0639\u0644\u06CC\u200C\u0631\u0636\u0627 Lee",
                                              "\u0639\u0644\u06CC\u200C\u0631\u0636\u0627"}));

INSTANTIATE_TEST_SUITE_P(None, FirstName,
                         testing::Values(Name{"", ""}, Name{" ", ""}, Name{"\u00A0", ""},
                                         Name{"\u200B\u3000", ""}, Name{"\u2800", ""},
                                         Name{"-", ""}, Name{"...", ""}, Name{",", ""},
                                         Name{"\u3164", ""}, Name{" , , ", ""},
                                         Name{"\U0001F3BE", ""}));

INSTANTIATE_TEST_SUITE_P(
    Titles, FirstName,
    testing::Values(Name{"Dr. Maria Silva", "Maria"}, Name{"Prof. Dr. Maria Silva", "Maria"},
                    Name{"Mr. Lee", "Lee"}, Name{"Dr.", "Dr"}, Name{"Dr Maria Silva", "Maria"},
                    Name{"mrs Lee", "Lee"}, Name{"Miss Ann Lee", "Ann"}, Name{"Dr", "Dr"},
                    Name{"J. Edgar Hoover", "Edgar"}, Name{"Maria S.", "Maria"},
                    Name{"Maria.", "Maria"}, Name{"Dr\uFF0E Maria", "Maria"},
                    Name{"Drew Lee", "Drew"}, Name{"Mrs. (Ann) Lee", "Ann"},
                    // Not a title: a first name may begin as one.
                    Name{"Misses Lee", "Misses"}, Name{"Dr.-Ing. Maria Silva", "Maria"}));

INSTANTIATE_TEST_SUITE_P(
    Commas, FirstName,
    testing::Values(Name{"Lee, Ann", "Ann"}, Name{"Lee,Ann", "Ann"}, Name{"Lee , Ann Marie", "Ann"},
                    Name{"LEE, ANN", "ANN"}, Name{"Lee, Dr. Ann", "Ann"},
                    Name{"Lee, Ann, MD", "Ann"}, Name{"O'Brien, Se\u00E1n", "Se\u00E1n"},
                    Name{"Lee\uFF0C Ann", "Ann"}, Name{"Lee\u060C Ann", "Ann"},
                    Name{"Lee, Ma", "Ma"}, Name{"Lee,", "Lee"}, Name{", Ann", "Ann"},
                    Name{"Ann Lee, MD", "Ann"}, Name{"Ann Lee, Ph.D.", "Ann"},
                    Name{"Lee, MD", "Lee"}, Name{"Lee, M.D.", "Lee"}, Name{"Lee, PhD", "Lee"},
                    Name{"Lee, Ph.D.", "Lee"}, Name{"Lee, Jr.", "Lee"}, Name{"Lee, III", "Lee"},
                    Name{"Lee, RN, MSc", "Lee"}, Name{"Tran, V\u0169", "V\u0169"},
                    Name{"Lee, D\u00F3", "D\u00F3"}, Name{"Smith Jones, Ann", "Smith"}));

INSTANTIATE_TEST_SUITE_P(
    Punctuation, FirstName,
    testing::Values(Name{"Ann, ", "Ann"}, Name{"Ann!", "Ann"}, Name{"Ann; Bob", "Ann"},
                    Name{"Ann: mobile", "Ann"}, Name{"Ann- Lee", "Ann"}, Name{"- Ann Lee", "Ann"},
                    Name{"\"Ann\" Lee", "Ann"}, Name{"(Ann) Lee", "Ann"},
                    Name{"\u201CAnn\u201D Lee", "Ann"}, Name{"\u300CAnn\u300D", "Ann"},
                    Name{"*Ann*", "Ann"}, Name{"Ann\u3002", "Ann"}, Name{"Ann\u061F", "Ann"},
                    // Within a word it belongs to the name.
                    Name{"Anne-Marie Lee", "Anne-Marie"}, Name{"D'Arcy Lee", "D'Arcy"},
                    Name{"'Ofa Lee", "'Ofa"}, Name{"Ann\u2019s", "Ann\u2019s"}));

TEST(FirstNameText, NeedsNoUcs2ForABlank) {
  EXPECT_EQ(count_segments("Hi " + first_name("Ann\u00A0Lee")).encoding, Encoding::kGsm7);
}

TEST(FirstNameText, RefusesWhatIsNotUtf8) {
  EXPECT_THROW(first_name("Ann\xFF"), Error);
}

TEST(FirstNameText, IsItsOwnFirstName) {
  for (const char* full : {"Lee, Ann", "Dr. Maria Silva", "(Ann) Lee", "Ann\u00A0Lee", "Ann, MD"})
    EXPECT_EQ(first_name(first_name(full)), first_name(full)) << full;
}

}  // namespace
