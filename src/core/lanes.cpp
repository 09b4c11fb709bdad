#include "core/lanes.hpp"

#include <algorithm>

namespace coach_sms {

namespace {

// How long a lane is left alone whose due rows are all locked by somebody.
constexpr std::int64_t kLockedPause = 200'000;

LanePosition before(std::int64_t due_at) {
  return {due_at - 1, {}};
}

}  // namespace

void Lanes::note(const LaneKey& key, std::int64_t due_at) {
  Lane& lane = lanes_[key];
  lane.next_due_at = std::min(lane.next_due_at, due_at);
  lane.found_nothing_at = 0;
  if (due_at <= lane.mark.due_at) lane.mark = before(due_at);
}

void Lanes::sweep(const std::vector<LaneFront>& fronts, std::int64_t now) {
  std::map<LaneKey, Lane> fresh;
  for (const LaneFront& front : fronts) {
    Lane lane;
    if (const auto known = lanes_.find(front.lane); known != lanes_.end()) lane = known->second;
    if (front.first_due_at <= lane.mark.due_at) lane.mark = before(front.first_due_at);
    lane.next_due_at = front.first_due_at;
    if (lane.found_nothing_at != 0)
      lane.next_due_at = std::max(lane.next_due_at, lane.found_nothing_at + kLockedPause);
    fresh.emplace_hint(fresh.end(), front.lane, lane);
  }
  lanes_ = std::move(fresh);
  std::erase_if(holds_, [now](const auto& hold) { return hold.second <= now; });
}

std::vector<ClaimOrder> Lanes::next_claims(std::int64_t now, int want) {
  std::vector<ClaimOrder> orders;
  if (want <= 0 || lanes_.empty()) return orders;
  const Uuid* taken_org = nullptr;
  auto at = lanes_.upper_bound({served_last_.org, std::numeric_limits<int>::max()});
  for (std::size_t seen = 0; seen < lanes_.size() && static_cast<int>(orders.size()) < want;
       ++seen) {
    if (at == lanes_.end()) at = lanes_.begin();
    const auto& [key, lane] = *at;
    const bool org_has_its_turn = taken_org != nullptr && *taken_org == key.org;
    if (!org_has_its_turn && lane.next_due_at <= now && held_until(key.org) <= now) {
      orders.push_back({key, lane.mark, 0});
      taken_org = &key.org;
    }
    ++at;
  }
  if (orders.empty()) return orders;
  const int share = want / static_cast<int>(orders.size());
  int left_over = want % static_cast<int>(orders.size());
  for (ClaimOrder& order : orders) order.limit = share + (left_over-- > 0 ? 1 : 0);
  served_last_ = orders.back().lane;
  return orders;
}

void Lanes::claimed(const ClaimOrder& order, int count, const LanePosition& last,
                    std::int64_t next_due_at, std::int64_t now) {
  const auto found = lanes_.find(order.lane);
  if (found == lanes_.end()) return;
  Lane& lane = found->second;
  if (count > 0) lane.mark = std::max(lane.mark, last);
  lane.found_nothing_at = 0;
  if (count == order.limit) return;
  if (count == 0) lane.found_nothing_at = now;
  lane.next_due_at = next_due_at;
}

void Lanes::hold(const Uuid& org, std::int64_t until) {
  std::int64_t& held = holds_[org];
  held = std::max(held, until);
}

void Lanes::release_all() {
  holds_.clear();
}

std::int64_t Lanes::next_due(std::int64_t now) const {
  std::int64_t due = kNever;
  for (const auto& [key, lane] : lanes_) {
    if (lane.next_due_at == kNever) continue;
    due = std::min(due, std::max(lane.next_due_at, held_until(key.org)));
    if (due <= now) break;
  }
  return due;
}

std::int64_t Lanes::held_until(const Uuid& org) const {
  const auto found = holds_.find(org);
  return found == holds_.end() ? std::numeric_limits<std::int64_t>::min() : found->second;
}

}  // namespace coach_sms
