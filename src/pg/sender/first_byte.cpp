// Runs in the thread for HTTP.

#include "pg/sender/first_byte.hpp"

#include "pg/base/failpoint.hpp"
#include "pg/shared/shared_state.hpp"

namespace coach_sms {

bool is_recalled(const RecallMark& mark) noexcept {
  return read_recalls(mark.counter) != mark.seen;
}

std::int64_t wall_clock() noexcept {
  return GetCurrentTimestamp();
}

void pass_connected() noexcept {
  FAILPOINT("connected");
}

}  // namespace coach_sms
