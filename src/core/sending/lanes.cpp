#include "core/sending/lanes.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace coach_sms {

namespace {

// The time for which a lane rests whose due rows are all locked.
constexpr std::int64_t kLockedPause = 200'000;

LanePosition before(std::int64_t due_at) {
  return {due_at == kAlways ? kAlways : due_at - 1, {}};
}

}  // namespace

void Lanes::note(const LaneKey& key, std::int64_t due_at) {
  Org& org = org_of(key.org);
  Lane& lane = org.lanes[{key.priority, key.zone}];
  lane.next_due_at = std::min(lane.next_due_at, due_at);
  if (due_at <= lane.mark.due_at) lane.mark = before(due_at);
  place(org);
}

void Lanes::sweep(const std::vector<LaneFront>& fronts, std::int64_t now) {
  ++sweeps_;
  for (const LaneFront& front : fronts) {
    Lane& lane = org_of(front.lane.org).lanes[{front.lane.priority, front.lane.zone}];
    lane.swept = sweeps_;
    if (front.first_due_at <= lane.mark.due_at) lane.mark = before(front.first_due_at);
    lane.next_due_at =
        lane.found_nothing_at == 0
            ? front.first_due_at
            : std::min(lane.next_due_at,
                       std::max(front.first_due_at, lane.found_nothing_at + kLockedPause));
  }
  for (auto at = orgs_.begin(); at != orgs_.end();) {
    Org& org = at->second;
    std::erase_if(org.lanes, [this](const auto& lane) { return lane.second.swept != sweeps_; });
    place(org);
    at = org.lanes.empty() && org.held_until <= now ? orgs_.erase(at) : std::next(at);
  }
}

std::map<std::pair<int, std::string>, Lanes::Lane>::iterator Lanes::Org::next_lane(
    std::int64_t now) {
  const auto is_due = [now](const auto& each) { return each.second.wakes_at() <= now; };
  const auto first = std::find_if(lanes.begin(), lanes.end(), is_due);
  const auto next = std::find_if(first, lanes.end(), [&](const auto& each) {
    return each.first.first != first->first.first ||
           (each.first.second > last_zone && is_due(each));
  });
  return next != lanes.end() && next->first.first == first->first.first ? next : first;
}

std::vector<ClaimOrder> Lanes::next_claims(std::int64_t now, int want) {
  std::vector<ClaimOrder> orders;
  wake_up(now);
  for (std::size_t turns = awake_.size(); turns > 0 && static_cast<int>(orders.size()) < want;
       --turns) {
    Org& org = *awake_.begin()->second;
    const auto lane = org.next_lane(now);
    if (lane == org.lanes.end()) {  // the clock was set back since the org woke
      take_out(org);
      asleep_.emplace(org.wakes_at, &org);
      continue;
    }
    orders.push_back({{org.id, lane->first.second, lane->first.first}, lane->second.mark, 0});
    org.zone_before = std::exchange(org.last_zone, lane->first.second);
    org.turn_before = org.turn;
    give_turn(org, ++turns_);
  }
  if (orders.empty()) return orders;
  const int share = want / static_cast<int>(orders.size());
  int left_over = want % static_cast<int>(orders.size());
  for (ClaimOrder& order : orders)
    order.limit = share + (left_over-- > 0 ? 1 : 0);
  return orders;
}

void Lanes::claimed(const ClaimOrder& order, int count, const LanePosition& last,
                    std::int64_t next_due_at, std::int64_t now) {
  const auto org = orgs_.find(order.lane.org);
  if (org == orgs_.end()) return;
  const auto found = org->second.lanes.find({order.lane.priority, order.lane.zone});
  if (found == org->second.lanes.end()) return;
  Lane& lane = found->second;
  if (count > 0) lane.mark = last;
  lane.found_nothing_at = count > 0 ? 0 : now;
  if (count == order.limit) return;
  lane.next_due_at = next_due_at;
  place(org->second);
}

std::uint64_t Lanes::put_off(const Uuid& id, std::int64_t until) {
  Org& org = org_of(id);
  give_turn(org, org.turn_before);
  org.last_zone = org.zone_before;
  org.put_off_until = until;
  place(org);
  return org.turn;
}

bool Lanes::call_back(const Uuid& id) {
  const auto found = orgs_.find(id);
  if (found == orgs_.end() || found->second.put_off_until == kAlways) return false;
  found->second.put_off_until = kAlways;
  place(found->second);
  return true;
}

void Lanes::hold(const Uuid& id, std::int64_t until) {
  Org& org = org_of(id);
  org.held_until = std::max(org.held_until, until);
  place(org);
}

void Lanes::hold_lane(const LaneKey& key, std::int64_t until) {
  Org& org = org_of(key.org);
  const auto lane = org.lanes.find({key.priority, key.zone});
  if (lane == org.lanes.end()) return;
  lane->second.held_until = std::max(lane->second.held_until, until);
  place(org);
}

void Lanes::release_all() {
  for (auto& [id, org] : orgs_) {
    org.held_until = org.put_off_until = kAlways;
    for (auto& [key, lane] : org.lanes)
      lane.held_until = kAlways, lane.found_nothing_at = 0;
    place(org);
  }
}

std::int64_t Lanes::next_due(std::int64_t now) const {
  if (!awake_.empty()) return now;
  return asleep_.empty() ? kNever : asleep_.begin()->first;
}

std::size_t Lanes::size() const noexcept {
  std::size_t lanes = 0;
  for (const auto& [id, org] : orgs_)
    lanes += org.lanes.size();
  return lanes;
}

// Returns the org, making it if it is new. A new org goes behind those that wait already.
Lanes::Org& Lanes::org_of(const Uuid& id) {
  const auto [at, is_new] = orgs_.try_emplace(id);
  Org& org = at->second;
  if (!is_new) return org;
  org.id = id;
  org.turn = org.turn_before = ++turns_;
  return org;
}

// Moves the org to the place that its lanes and holds give it.
void Lanes::place(Org& org) {
  std::int64_t wakes_at = kNever;
  for (const auto& [key, lane] : org.lanes)
    wakes_at = std::min(wakes_at, lane.wakes_at());
  wakes_at = std::max({wakes_at, org.held_until, org.put_off_until});
  if (wakes_at == org.wakes_at) return;
  take_out(org);
  org.wakes_at = wakes_at;
  if (wakes_at != kNever) asleep_.emplace(wakes_at, &org);
}

void Lanes::take_out(Org& org) {
  asleep_.erase({org.wakes_at, &org});
  awake_.erase(org.turn);
}

void Lanes::give_turn(Org& org, std::uint64_t turn) {
  const bool is_awake = awake_.erase(org.turn) > 0;
  org.turn = turn;
  if (is_awake) awake_.emplace(turn, &org);
}

void Lanes::wake_up(std::int64_t now) {
  while (!asleep_.empty() && asleep_.begin()->first <= now) {
    Org* org = asleep_.begin()->second;
    asleep_.erase(asleep_.begin());
    org->put_off_until = kAlways;
    awake_.emplace(org->turn, org);
  }
}

}  // namespace coach_sms
