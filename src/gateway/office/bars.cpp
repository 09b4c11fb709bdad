#include "gateway/office/bars.hpp"

#include <algorithm>
#include <charconv>

#include "gateway/office/html.hpp"

namespace coach_sms {

namespace {

// In the units of the picture.
constexpr int kHeight = 100;
constexpr int kStep = 20;
constexpr int kWidth = 16;

int number_of(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

std::string bars_of(const PGresult* rows, std::string_view caption) {
  const int count = PQntuples(rows);
  int most = 1;
  for (int row = 0; row < count; ++row)
    most = std::max(most, number_of(PQgetvalue(rows, row, 1)));
  std::string words(caption);
  std::string bars;
  for (int row = 0; row < count; ++row) {
    const int number = number_of(PQgetvalue(rows, row, 1));
    if (number == 0) continue;
    const std::string label = std::string(PQgetvalue(rows, row, 0)) + ": " + std::to_string(number);
    words += "; " + label;
    const int height = std::max(number * kHeight / most, 1);
    bars += "<rect x=\"" + std::to_string(row * kStep) + "\" y=\"" +
            std::to_string(kHeight - height) + "\" width=\"" + std::to_string(kWidth) +
            "\" height=\"" + std::to_string(height) + "\">" + element("title", label) + "</rect>";
  }
  if (bars.empty()) return bars;
  return "<svg role=\"img\" aria-label=\"" + escaped(words) + "\" viewBox=\"0 0 " +
         std::to_string(std::max(count, 1) * kStep) + ' ' + std::to_string(kHeight) +
         "\" preserveAspectRatio=\"none\">" + bars + "</svg>";
}

}  // namespace coach_sms
