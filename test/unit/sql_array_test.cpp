#include "gateway/sql_array.hpp"

#include <gtest/gtest.h>

namespace coach_sms {
namespace {

TEST(SqlArray, QuotesEachElement) {
  SqlArray array;
  EXPECT_EQ(SqlArray().take(), "{}");
  array.add("");
  array.add("NULL");
  array.add(R"(a "b" \c {d},e)");
  EXPECT_EQ(array.take(), R"({"","NULL","a \"b\" \\c {d},e"})");
}

}  // namespace
}  // namespace coach_sms
