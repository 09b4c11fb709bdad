#include "core/quiet_hours.hpp"
namespace coach_sms {
namespace {
constexpr std::int64_t kS = 1'000'000;
int off(const std::vector<ZoneSpan>& z, std::int64_t at) {
  int o = z.front().offset_s;
  for (auto& s : z)
    if (s.from <= at) o = s.offset_s;
  return o;
}
}  // namespace
bool is_quiet(const QuietHours& q, const std::vector<ZoneSpan>& z, std::int64_t at) {
  if (q.start == q.end) return false;
  std::int64_t w = at + off(z, at) * kS;
  std::int64_t day = 86400 * kS;
  std::int64_t m = ((w % day) + day) % day;
  int h = static_cast<int>(m / (3600 * kS));
  return q.start < q.end ? h >= q.start && h < q.end : h >= q.start || h < q.end;
}
std::int64_t opens_at(const QuietHours& q, const std::vector<ZoneSpan>& z, std::int64_t at) {
  if (!is_quiet(q, z, at)) return at;
  std::int64_t m = 60 * kS;
  std::int64_t t = at - at % m + m;
  while (is_quiet(q, z, t))
    t += m;
  return t;
}
std::int64_t closes_at(const QuietHours& q, const std::vector<ZoneSpan>& z, std::int64_t at) {
  if (q.start == q.end) return kNever;
  std::int64_t m = 60 * kS;
  std::int64_t t = at - at % m + m;
  while (!is_quiet(q, z, t))
    t += m;
  return t;
}
std::int64_t opened_at(const QuietHours& q, const std::vector<ZoneSpan>& z, std::int64_t at) {
  std::int64_t m = 60 * kS;
  std::int64_t t = at - at % m;
  for (int i = 0; i < 2880; ++i, t -= m)
    if (is_quiet(q, z, t - m)) return t;
  return kAlways;
}
}  // namespace coach_sms
