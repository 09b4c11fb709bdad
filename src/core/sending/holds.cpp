#include "core/sending/holds.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace coach_sms {

const char* word_for(HoldRule rule) {
  switch (rule) {
    case HoldRule::kServer:
      return "server";
    case HoldRule::kOrg:
      return "org";
    case HoldRule::kAccount:
      return "account";
    case HoldRule::kSender:
      return "sender";
    case HoldRule::kQuietHours:
      return "quiet_hours";
    case HoldRule::kHour:
      return "max_sms_per_hour";
    case HoldRule::kBudget:
      return "monthly_budget_segments";
    case HoldRule::kPace:
      return "max_segments_per_second";
  }
  return "";
}

std::string name_of(const HoldKey& key) {
  std::string name = word_for(key.rule);
  if (key.org) name += ' ' + to_text(*key.org);
  if (key.zone) name += ' ' + std::to_string(key.priority) + ' ' + *key.zone;
  return name;
}

void Holds::set(HoldKey key, Hold hold) {
  const auto [at, is_new] = holds_.try_emplace(key);
  if (!is_new && at->second == hold) return;
  at->second = std::move(hold);
  changed_.insert(std::move(key));
}

void Holds::clear(const HoldKey& key) {
  if (holds_.erase(key) > 0) changed_.insert(key);
}

void Holds::clear_all() {
  for (const auto& [key, hold] : holds_)
    changed_.insert(key);
  holds_.clear();
}

void Holds::keep_only(const std::vector<LaneFront>& fronts, std::int64_t now) {
  std::set<Uuid> orgs;
  std::set<LaneKey> lanes;
  for (const LaneFront& front : fronts) {
    if (front.first_due_at > now) continue;
    orgs.insert(front.lane.org);
    lanes.insert(front.lane);
  }
  for (auto at = holds_.begin(); at != holds_.end();) {
    const HoldKey& key = at->first;
    const bool waits = !key.org    ? true
                       : !key.zone ? orgs.contains(*key.org)
                                   : lanes.contains({*key.org, *key.zone, key.priority});
    if (!waits) changed_.insert(key);
    at = waits ? std::next(at) : holds_.erase(at);
  }
}

std::vector<HoldChange> Holds::changes(std::size_t most) const {
  std::vector<HoldChange> changes;
  for (const HoldKey& key : changed_) {
    if (changes.size() == most) break;
    const auto hold = holds_.find(key);
    changes.push_back({key, hold == holds_.end() ? std::nullopt : std::optional(hold->second)});
  }
  return changes;
}

void Holds::published(std::size_t most) {
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, changed_.size()));
  changed_.erase(changed_.begin(), std::next(changed_.begin(), count));
}

}  // namespace coach_sms
