#include "gateway/log.hpp"

#include <unistd.h>

#include <algorithm>

namespace coach_sms {

std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return text;
}

void log_line(std::string_view line) noexcept try {
  const std::string_view trimmed = line.substr(0, line.find_last_not_of(" \n") + 1);
  const std::string text = "coach_sms_gateway: " + printable(std::string(trimmed)) + '\n';
  // One call for the whole line, so that lines of several threads do not mix.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
} catch (...) {
  // There is no memory for the line.
}

}  // namespace coach_sms
