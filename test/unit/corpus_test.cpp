#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "../fuzz/fuzz.hpp"

// Each target of test/fuzz over its kept corpus: what once broke something does not again.

namespace coach_sms::test {
namespace {

TEST(Corpus, BreaksNothing) {
  EXPECT_EQ(fuzz_targets().size(), 7U);
  for (const auto& [name, target] : fuzz_targets()) {
    int inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator("test/fuzz/corpus/" + name)) {
      SCOPED_TRACE(entry.path());
      std::ostringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      const std::string input = text.str();
      target(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
      ++inputs;
    }
    EXPECT_GT(inputs, 0) << name;
  }
}

}  // namespace
}  // namespace coach_sms::test
