#include "core/sending/status_poll_ages.hpp"

namespace coach_sms {

namespace {

constexpr std::int64_t kTimesAsLate = 4;
constexpr std::int64_t kLatest = std::int64_t{3} * 24 * 60 * 60 * 1'000'000;

}  // namespace

std::vector<std::int64_t> status_poll_ages(std::int64_t first) {
  std::vector<std::int64_t> ages;
  for (std::int64_t age = first; age > 0 && age <= kLatest; age *= kTimesAsLate)
    ages.push_back(age);
  return ages;
}

}  // namespace coach_sms
