#include "core/limits/quiet_hours.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

#include "random_seed.hpp"
#include "zone_fixture.hpp"

// Quiet hours beside a model that asks the C library what the clock on the wall shows, minute by
// minute.

namespace coach_sms {
namespace {

using namespace test;

constexpr const char* kZones[] = {"Australia/Sydney",
                                  "America/New_York",
                                  "Australia/Lord_Howe",
                                  "Asia/Kathmandu",
                                  "UTC",
                                  "Europe/Dublin",
                                  "Pacific/Apia",
                                  "America/Sao_Paulo",
                                  "Africa/Casablanca",
                                  "Asia/Kolkata"};

class Model {
 public:
  Model(const SystemZone& zone, QuietHours hours) : zone_(zone), hours_(hours) {}

  bool is_quiet(std::int64_t at) const {
    for (int hour = hours_.start; hour != hours_.end; hour = (hour + 1) % 24)
      if (zone_.wall_clock(at).tm_hour == hour) return true;
    return false;
  }
  // The first full minute from `at` on that is (not) quiet.
  std::int64_t first(std::int64_t at, bool quiet) const {
    std::int64_t minute = at - at % kMinute;
    if (minute < at) minute += kMinute;
    while (is_quiet(minute) != quiet)
      minute += kMinute;
    return minute;
  }
  std::int64_t opened_at(std::int64_t at) const {
    std::int64_t minute = at - at % kMinute;
    while (!is_quiet(minute - kMinute))
      minute -= kMinute;
    return minute;
  }

 private:
  const SystemZone& zone_;
  QuietHours hours_;
};

// Half of the moments lie within a day of a change of the clocks, where there is one.
std::int64_t some_moment(std::mt19937& random, const std::vector<ZoneSpan>& year) {
  if (year.size() > 1 && random() % 2 == 0) {
    const ZoneSpan& span = year[1 + random() % (year.size() - 1)];
    return span.from - kDay + static_cast<std::int64_t>(random() % (2 * 24 * 3600)) * kSecond;
  }
  return utc(2024, 1, 10, 0) + static_cast<std::int64_t>(random() % (1400 * 24 * 3600)) * kSecond;
}

// The names that the system's own list has, its third column; Debian's tzdata brings it.
std::vector<std::string> zones_of_the_world() {
  std::ifstream file("/usr/share/zoneinfo/zone1970.tab");
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream columns(line);
    std::string countries, place, name;
    if (columns >> countries >> place >> name) names.push_back(name);
  }
  return names;
}

void expect_what_the_wall_shows(const std::string& name) {
  SCOPED_TRACE(name + ", " + seed_text());
  const SystemZone zone(name);
  const std::vector<ZoneSpan> years = zone.spans(utc(2024, 1, 1, 0), utc(2028, 1, 1, 0));
  std::mt19937 random(random_seed());
  for (int round = 0; round < 150; ++round) {
    const std::int64_t at = some_moment(random, years);
    const QuietHours hours{static_cast<int>(random() % 24), static_cast<int>(random() % 24)};
    if (hours.start == hours.end) continue;
    const Model model(zone, hours);
    const auto spans = zone.spans(at - 3 * kDay, at + 4 * kDay);
    SCOPED_TRACE(std::to_string(hours.start) + " to " + std::to_string(hours.end) + " at " +
                 std::to_string(at / kSecond));
    ASSERT_EQ(is_quiet(hours, spans, at), model.is_quiet(at));
    if (model.is_quiet(at)) {
      ASSERT_EQ(opens_at(hours, spans, at), model.first(at, false));
    } else {
      ASSERT_EQ(opens_at(hours, spans, at), at);
      ASSERT_EQ(closes_at(hours, spans, at), model.first(at + 1, true));
      ASSERT_EQ(opened_at(hours, spans, at), model.opened_at(at));
    }
  }
}

class QuietHoursProperty : public testing::TestWithParam<const char*> {};

TEST_P(QuietHoursProperty, AreWhatTheClockOnTheWallShows) {
  expect_what_the_wall_shows(GetParam());
}

TEST(QuietHoursPropertyTest, AreWhatItShowsAnywhere) {
  const std::vector<std::string> zones = zones_of_the_world();
  if (zones.empty()) GTEST_SKIP() << "no list of zones on this machine";
  std::mt19937 random(random_seed());
  for (int i = 0; i < 10 && !testing::Test::HasFatalFailure(); ++i)
    expect_what_the_wall_shows(zones[random() % zones.size()]);
}

INSTANTIATE_TEST_SUITE_P(Zones, QuietHoursProperty, testing::ValuesIn(kZones));

}  // namespace
}  // namespace coach_sms
