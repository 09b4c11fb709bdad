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

HoldKey Holds::scope_of(HoldKey key) {
  key.rule = HoldRule::kServer;
  return key;
}

void Holds::set(HoldKey key, Hold hold) {
  const auto [at, is_new] = holds_.try_emplace(key);
  if (is_new) ++scopes_[scope_of(key)].holds;
  if (!is_new && at->second == hold) return;
  at->second = std::move(hold);
  changed_.insert(std::move(key));
}

void Holds::clear(const HoldKey& key) {
  if (holds_.erase(key) > 0) end(key);
}

// Notes that a hold has ended.
void Holds::end(const HoldKey& key) {
  changed_.insert(key);
  Scope& scope = scopes_[scope_of(key)];
  if (--scope.holds == 0) scope.free_since = now_us_();
}

void Holds::clear_all() {
  for (const auto& [key, hold] : holds_)
    end(key);
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
  const auto waits = [&](const HoldKey& key) {
    if (!key.org) return true;
    return key.zone ? lanes.contains({*key.org, *key.zone, key.priority}) : orgs.contains(*key.org);
  };
  for (auto at = holds_.begin(); at != holds_.end();) {
    const bool is_over = !waits(at->first);
    if (is_over) end(at->first);
    at = is_over ? holds_.erase(at) : std::next(at);
  }
  std::erase_if(scopes_, [&](const auto& scope) { return !waits(scope.first); });
}

std::optional<std::int64_t> Holds::free_since(const LaneKey& lane) const {
  const HoldKey scopes[] = {{HoldRule::kServer, {}, {}, 0},
                            {HoldRule::kServer, lane.org, {}, 0},
                            {HoldRule::kServer, lane.org, lane.zone, lane.priority}};
  std::int64_t since = kAlways;
  if (scopes_.empty()) return since;
  for (const HoldKey& key : scopes) {
    const auto found = scopes_.find(key);
    if (found == scopes_.end()) continue;
    if (found->second.holds > 0) return std::nullopt;
    since = std::max(since, found->second.free_since);
  }
  return since;
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
