#pragma once

#ifdef PG_VERSION_NUM
#error "core headers come before PostgreSQL's"
#endif

#include <cstdint>
#include <vector>
#include "core/lanes.hpp"
namespace coach_sms {
struct ZoneSpan {
  std::int64_t from;
  int offset_s;
};
struct QuietHours {
  int start = 0;
  int end = 0;
};
bool is_quiet(const QuietHours&, const std::vector<ZoneSpan>&, std::int64_t at);
std::int64_t opens_at(const QuietHours&, const std::vector<ZoneSpan>&, std::int64_t at);
std::int64_t closes_at(const QuietHours&, const std::vector<ZoneSpan>&, std::int64_t at);
std::int64_t opened_at(const QuietHours&, const std::vector<ZoneSpan>&, std::int64_t at);
}  // namespace coach_sms
