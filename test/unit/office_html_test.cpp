#include "gateway/office/html.hpp"

#include <gtest/gtest.h>

namespace coach_sms {
namespace {

TEST(OfficeHtmlTest, TextIsData) {
  EXPECT_EQ(escaped("<b>\"Ann\" & 'Bob'</b>"),
            "&lt;b&gt;&quot;Ann&quot; &amp; &#39;Bob&#39;&lt;/b&gt;");
  EXPECT_EQ(escaped("Zo\xC3\xAB \xF0\x9F\x8E\xBE"), "Zo\xC3\xAB \xF0\x9F\x8E\xBE");
  EXPECT_EQ(element("p", "1 < 2"), "<p>1 &lt; 2</p>");
}

TEST(OfficeHtmlTest, AValueInAQueryIsOneValue) {
  EXPECT_EQ(in_query("a-b_c.d~9"), "a-b_c.d~9");
  EXPECT_EQ(in_query("2026-12-01 09:00:00+11&id=\xC3\xA9"),
            "2026-12-01%2009%3A00%3A00%2B11%26id%3D%C3%A9");
}

TEST(OfficeHtmlTest, ALinkQuotesTargetAndWords) {
  EXPECT_EQ(link("/a?b=1&c=\"", "<x>"), "<a href=\"/a?b=1&amp;c=&quot;\">&lt;x&gt;</a>");
}

}  // namespace
}  // namespace coach_sms
