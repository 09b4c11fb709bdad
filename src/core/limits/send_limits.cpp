#include "core/limits/send_limits.hpp"

#include <algorithm>
#include <utility>

namespace coach_sms {

namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr const char* kAnyHour = "*";
constexpr int kNoLimit = std::numeric_limits<int>::max();

bool has_quiet_hours(const OrgRules& rules) {
  return rules.quiet.start != rules.quiet.end;
}

}  // namespace

// --- facts from the tables ----------------------------------------------------------------------

void SendLimits::set_rules(const Uuid& org, OrgRules rules) {
  if (rules.segments_per_second) {
    const auto [pace, is_new] = paces_.try_emplace(rules.sender, *rules.segments_per_second);
    if (!is_new) pace->second.configure(*rules.segments_per_second);
  }
  // A past that was read for another limit or month is not enough for this one.
  const Past* past = past_of(org);
  if (past != nullptr &&
      (past->max_per_hour != rules.max_per_hour || past->has_budget != rules.budget.has_value() ||
       past->month_starts_at != rules.month_starts_at))
    forget_past_of(org);
  rules_.insert_or_assign(org, std::move(rules));
}

bool SendLimits::is_current(const Uuid& org, const std::string& version) const {
  const auto known = rules_.find(org);
  return known != rules_.end() && known->second.version == version;
}

std::vector<Uuid> SendLimits::orgs_without_rules(std::int64_t now) const {
  std::vector<Uuid> orgs;
  for (const ClaimOrder& order : plan_) {
    const auto rules = rules_.find(order.lane.org);
    if (rules == rules_.end() || rules->second.month_ends_at <= now) orgs.push_back(order.lane.org);
  }
  return orgs;
}

std::vector<Uuid> SendLimits::orgs_without_past() const {
  std::vector<Uuid> orgs;
  for (const ClaimOrder& order : plan_) {
    const auto rules = rules_.find(order.lane.org);
    const auto past = pasts_.find(order.lane.org);
    if (rules == rules_.end() || (past != pasts_.end() && past->second.is_read)) continue;
    if (rules->second.max_per_hour || rules->second.budget) orgs.push_back(order.lane.org);
  }
  return orgs;
}

void SendLimits::begin_past(const Uuid& org) {
  forget_past_of(org);
  const OrgRules& rules = rules_.at(org);
  Past past;
  past.max_per_hour = rules.max_per_hour;
  past.has_budget = rules.budget.has_value();
  past.month_starts_at = rules.month_starts_at;
  if (rules.max_per_hour) past.hour.emplace(*rules.max_per_hour, kHour);
  pasts_.emplace(org, std::move(past));
}

void SendLimits::load_settled(const Uuid& org, std::int64_t at) {
  if (Past* past = past_of(org); past != nullptr && past->hour) past->hour->load(at);
}

void SendLimits::load_spent(const Uuid& org, std::int64_t segments) {
  if (Past* past = past_of(org)) past->spent += segments;
}

void SendLimits::load_flight(const Uuid& org, const Uuid& message, int segments) {
  Past* past = past_of(org);
  if (past == nullptr) return;
  flights_[message] = {org, segments};
  past->spent += segments;
  if (past->hour) past->hour->started(message);
}

void SendLimits::end_past(const Uuid& org) {
  if (Past* past = past_of(org)) past->is_read = true;
}

void SendLimits::forget_past() {
  pasts_.clear();
  flights_.clear();
}

void SendLimits::clock_set_back() {
  forget_rules();
  forget_past();
  backlogs_.clear();
}

std::vector<std::string> SendLimits::zones_wanted(std::int64_t now) const {
  std::vector<std::string> wanted;
  for (const ClaimOrder& order : plan_) {
    const std::string* name = zone_name(order.lane);
    if (name == nullptr) continue;
    const auto zone = zones_.find(*name);
    if (zone != zones_.end() && zone->second.from <= now && now + kDay < zone->second.until)
      continue;
    if (std::find(wanted.begin(), wanted.end(), *name) == wanted.end()) wanted.push_back(*name);
  }
  return wanted;
}

void SendLimits::set_zone(const std::string& name, std::vector<ZoneSpan> spans, std::int64_t from,
                          std::int64_t until) {
  zones_.insert_or_assign(name, Zone{std::move(spans), from, until});
}

std::vector<OpenedLane> SendLimits::lanes_to_count(std::int64_t spread, std::int64_t now) const {
  std::vector<OpenedLane> opened;
  for (const ClaimOrder& order : plan_) {
    const std::int64_t at = opening_of(order.lane, now);
    if (at == kAlways || now - at >= spread) continue;
    const auto backlog = backlogs_.find(order.lane);
    if (backlog != backlogs_.end() && backlog->second.opened_at == at) continue;
    opened.push_back({order.lane, at});
  }
  return opened;
}

void SendLimits::set_backlog(const OpenedLane& opened, int messages, std::int64_t spread,
                             std::int64_t now) {
  const std::int64_t until = opened.opened_at + spread;
  backlogs_.insert_or_assign(opened.lane,
                             Backlog{opened.opened_at, until, BacklogRamp(now, until, messages)});
}

// --- claims -------------------------------------------------------------------------------------

std::vector<ClaimOrder> SendLimits::admit(Lanes* lanes, Holds* holds, std::int64_t now) {
  // Backlogs are kept until their end even where all messages have gone: else the rows would be
  // counted again, and again.
  std::erase_if(backlogs_, [now](const auto& entry) { return entry.second.until <= now; });
  std::vector<ClaimOrder> admitted;
  std::map<std::string, int> taken;
  for (ClaimOrder& order : plan_) {
    if (is_closed(order.lane, lanes, holds, now)) continue;
    spread_backlog(&order, holds, now);
    order.limit = std::min(order.limit, room_in_limits(order.lane.org, lanes, holds, now));
    if (order.limit > 0) order.limit = room_in_pace(order, lanes, holds, now, &taken);
    if (order.limit <= 0) continue;
    admitted.push_back(std::move(order));
  }
  plan_.clear();
  return admitted;
}

// Returns whether the lane has quiet hours now, in which case it is held until they end.
bool SendLimits::is_closed(const LaneKey& lane, Lanes* lanes, Holds* holds,
                           std::int64_t now) const {
  const Zone* zone = zone_of(lane);
  if (zone == nullptr) return false;
  const std::int64_t opens = opens_at(rules_.at(lane.org).quiet, zone->spans, now);
  if (opens <= now) return false;
  lanes->hold_lane(lane, opens);
  holds->set_lane(HoldRule::kQuietHours, lane, {"quiet hours", opens});
  return true;
}

// Returns how many messages the org's hour and month allow. Where they allow none, the org is held
// until they allow one.
int SendLimits::room_in_limits(const Uuid& org, Lanes* lanes, Holds* holds, std::int64_t now) {
  const std::int64_t hour = room_in_hour(org, lanes, holds, now);
  const std::int64_t room = hour > 0 ? std::min(hour, room_in_budget(org, lanes, holds, now)) : 0;
  return static_cast<int>(std::max<std::int64_t>(0, room));
}

std::int64_t SendLimits::room_in_hour(const Uuid& org, Lanes* lanes, Holds* holds,
                                      std::int64_t now) {
  Past* past = past_of(org);
  const int room = past != nullptr && past->hour ? past->hour->room(now) : kNoLimit;
  if (room > 0) {
    holds->clear_org(HoldRule::kHour, org);
    return room;
  }
  // Messages in flight settle at unknown times, so the org is checked again in a second.
  const std::int64_t room_at = past->hour->next_room_at(now);
  lanes->hold(org, past->hour->in_flight().empty() ? room_at : std::min(room_at, now + kSecond));
  const std::string limit = std::to_string(past->max_per_hour.value_or(0));
  holds->set_org(HoldRule::kHour, org, {"max_sms_per_hour (" + limit + ") is reached", room_at});
  return 0;
}

// A budget that is not used up may still be too small for the next message; fits() decides that.
std::int64_t SendLimits::room_in_budget(const Uuid& org, Lanes* lanes, Holds* holds,
                                        std::int64_t now) {
  const auto rules = rules_.find(org);
  const Past* past = past_of(org);
  if (rules == rules_.end() || past == nullptr || !rules->second.budget) {
    holds->clear_org(HoldRule::kBudget, org);
    return kNoLimit;
  }
  const std::int64_t room = *rules->second.budget - past->spent;
  if (room <= 0) {
    lanes->hold(org, budget_again_at(org, now));
    holds->set_org(HoldRule::kBudget, org, budget_hold(org));
  }
  return room;
}

// Returns how many of the order the sender's rate allows now, less those that other orders of this
// plan have taken. Where it allows none, the org is put off and not held, so that it keeps its
// turn. Otherwise the orgs before it in the plan would have the sender for themselves as long as
// they have messages.
int SendLimits::room_in_pace(const ClaimOrder& order, Lanes* lanes, Holds* holds, std::int64_t now,
                             std::map<std::string, int>* taken) {
  const Uuid& org = order.lane.org;
  const auto rules = rules_.find(org);
  if (rules == rules_.end() || !rules->second.segments_per_second) {
    holds->clear_org(HoldRule::kPace, org);
    return order.limit;
  }
  TokenBucket& pace = paces_.at(rules->second.sender);
  int& before = (*taken)[rules->second.sender];
  const int room = std::min(order.limit, pace.room(now) - before);
  if (room == order.limit) {
    holds->clear_org(HoldRule::kPace, org);
  } else {
    // Rounded to minutes, so that the hold changes once a minute and not for each message.
    const std::int64_t until = (pace.next_room_at(now) / kMinute + 2) * kMinute;
    holds->set_org(HoldRule::kPace, org, {"max_segments_per_second sets the pace", until});
  }
  if (room > 0)
    before += room;
  else
    lanes->put_off(org, std::max(pace.next_room_at(now), now + 1));
  return room;
}

// Only messages that waited for today's opening are spread, because settings may have changed since
// they were counted.
void SendLimits::spread_backlog(ClaimOrder* order, Holds* holds, std::int64_t now) const {
  const auto found = backlogs_.find(order->lane);
  if (found == backlogs_.end() || found->second.opening.is_over(now) ||
      found->second.opened_at != opening_of(order->lane, now))
    return holds->clear_lane(HoldRule::kQuietHours, order->lane);
  const Backlog& backlog = found->second;
  order->opened_at = backlog.opened_at;
  order->waited = backlog.opening.room(now);
  holds->set_lane(HoldRule::kQuietHours, order->lane,
                  {"quiet hours have ended, and messages leave one by one", backlog.until});
}

std::int64_t SendLimits::took_waited(const LaneKey& lane, int count, std::int64_t now) {
  const auto backlog = backlogs_.find(lane);
  if (backlog == backlogs_.end()) return kNever;
  backlog->second.opening.took(count);
  return backlog->second.opening.is_over(now) ? kNever : backlog->second.opening.next_room_at(now);
}

bool SendLimits::fits(const Uuid& org, int segments) {
  const auto rules = rules_.find(org);
  Past* past = past_of(org);
  if (rules == rules_.end() || !rules->second.budget || past == nullptr) return true;
  return past->spent + segments <= *rules->second.budget;
}

std::int64_t SendLimits::budget_again_at(const Uuid& org, std::int64_t now) const {
  const std::int64_t month_ends_at = rules_.at(org).month_ends_at;
  const bool may_be_released =
      std::any_of(flights_.begin(), flights_.end(),
                  [&](const auto& flight) { return flight.second.org == org; });
  return may_be_released ? std::min(month_ends_at, now + kSecond) : month_ends_at;
}

Hold SendLimits::budget_hold(const Uuid& org) const {
  const OrgRules& rules = rules_.at(org);
  const std::string budget = std::to_string(rules.budget.value_or(0));
  return {"monthly_budget_segments (" + budget + ") is used up", rules.month_ends_at};
}

std::int64_t SendLimits::next_quiet_at(const LaneKey& lane, std::int64_t now) const {
  const Zone* zone = zone_of(lane);
  if (zone == nullptr) return kNever;
  const QuietHours& quiet = rules_.at(lane.org).quiet;
  return is_quiet(quiet, zone->spans, now) ? now : closes_at(quiet, zone->spans, now);
}

// --- outcomes of messages -----------------------------------------------------------------------

void SendLimits::started(const Uuid& org, const Uuid& message, int segments, std::int64_t now) {
  const auto rules = rules_.find(org);
  if (rules != rules_.end() && rules->second.segments_per_second)
    paces_.at(rules->second.sender).took(segments, now);
  Past* past = past_of(org);
  if (past == nullptr || !flights_.try_emplace(message, Flight{org, segments}).second) return;
  past->spent += segments;
  if (past->hour) past->hour->started(message);
}

void SendLimits::settled(const Uuid& message, std::int64_t at, int told_segments) {
  const auto flight = flights_.find(message);
  if (flight == flights_.end()) return;
  if (Past* past = past_of(flight->second.org)) {
    if (told_segments > 0) past->spent += told_segments - flight->second.segments;
    if (past->hour) past->hour->settled(message, at);
  }
  flights_.erase(flight);
}

void SendLimits::released(const Uuid& message) {
  const auto flight = flights_.find(message);
  if (flight == flights_.end()) return;
  if (Past* past = past_of(flight->second.org)) {
    past->spent -= flight->second.segments;
    if (past->hour) past->hour->released(message);
  }
  flights_.erase(flight);
}

std::vector<Uuid> SendLimits::in_flight() const {
  std::vector<Uuid> messages;
  for (const auto& [message, flight] : flights_)
    if (pasts_.contains(flight.org)) messages.push_back(message);
  return messages;
}

// --- where things are ---------------------------------------------------------------------------

// Returns the zone whose quiet hours a lane keeps; nullptr where it keeps none.
const std::string* SendLimits::zone_name(const LaneKey& lane) const {
  const auto rules = rules_.find(lane.org);
  if (rules == rules_.end() || !has_quiet_hours(rules->second) || lane.zone == kAnyHour)
    return nullptr;
  return lane.zone.empty() ? &rules->second.zone : &lane.zone;
}

const SendLimits::Zone* SendLimits::zone_of(const LaneKey& lane) const {
  const std::string* name = zone_name(lane);
  if (name == nullptr) return nullptr;
  const auto zone = zones_.find(*name);
  return zone == zones_.end() ? nullptr : &zone->second;
}

std::int64_t SendLimits::opening_of(const LaneKey& lane, std::int64_t now) const {
  const Zone* zone = zone_of(lane);
  if (zone == nullptr || is_quiet(rules_.at(lane.org).quiet, zone->spans, now)) return kAlways;
  return opened_at(rules_.at(lane.org).quiet, zone->spans, now);
}

SendLimits::Past* SendLimits::past_of(const Uuid& org) {
  const auto past = pasts_.find(org);
  return past == pasts_.end() ? nullptr : &past->second;
}

void SendLimits::forget_past_of(const Uuid& org) {
  pasts_.erase(org);
  std::erase_if(flights_, [&](const auto& flight) { return flight.second.org == org; });
}

}  // namespace coach_sms
