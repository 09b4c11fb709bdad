#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/moments.hpp"
#include "core/base/uuid.hpp"
#include "core/sending/lanes.hpp"

namespace coach_sms {

// The rules that put messages off. Each rule sets and clears its own holds only. A new reason needs
// a new rule here, its word in word_for(), and a call where it is judged.
enum class HoldRule {
  kServer,      // all orgs: this server is not armed
  kOrg,         // disabled, paused, without settings or without a usable token
  kAccount,     // Twilio refuses the account, slows it down or does not answer
  kSender,      // Twilio refuses the sender
  kQuietHours,  // one lane; also while its backlog is spread afterwards
  kHour,        // max_sms_per_hour
  kBudget,      // monthly_budget_segments
  kPace,        // max_segments_per_second
};

// Returns the word that sms_holds.rule shows.
const char* word_for(HoldRule rule);

// Why messages wait, in words for people, and until which moment. kNever: unknown.
struct Hold {
  std::string why;
  std::int64_t until = kNever;
  bool is_trouble = false;   // true: it does not pass by itself, a person must act
  std::string account = {};  // for kAccount: the last four characters of its SID

  bool operator==(const Hold&) const = default;
};

// The scope of a hold: all orgs, one org, or one lane.
struct HoldKey {
  HoldRule rule = HoldRule::kServer;
  std::optional<Uuid> org;
  std::optional<std::string> zone;  // with priority: the lane's; without: all lanes
  int priority = 0;

  auto operator<=>(const HoldKey&) const = default;
};

// Returns the text of sms_holds.key: the rule's word, then the org and the lane.
std::string name_of(const HoldKey& key);

// A hold that is new or has changed; without a value it is over.
struct HoldChange {
  HoldKey key;
  std::optional<Hold> hold;
};

// Why lanes with due messages wait. Changes are kept until they are published.
class Holds {
 public:
  explicit Holds(WallClock now_us) : now_us_(now_us) {}

  void set_server(HoldRule rule, Hold hold) { set({rule, {}, {}, 0}, std::move(hold)); }
  void clear_server(HoldRule rule) { clear({rule, {}, {}, 0}); }
  void set_org(HoldRule rule, const Uuid& org, Hold hold) {
    set({rule, org, {}, 0}, std::move(hold));
  }
  void clear_org(HoldRule rule, const Uuid& org) { clear({rule, org, {}, 0}); }
  void set_lane(HoldRule rule, const LaneKey& lane, Hold hold) {
    set({rule, lane.org, lane.zone, lane.priority}, std::move(hold));
  }
  void clear_lane(HoldRule rule, const LaneKey& lane) {
    clear({rule, lane.org, lane.zone, lane.priority});
  }

  // Ends every hold.
  void clear_all();
  // Forgets the holds of orgs and lanes in which nothing is due.
  void keep_only(const std::vector<LaneFront>& fronts, std::int64_t now);

  // Returns since when nothing holds the lane: kAlways where nothing has, nullopt where something
  // holds it, its org or all orgs now.
  std::optional<std::int64_t> free_since(const LaneKey& lane) const;

  // Returns the first `most` changes that are not published yet.
  std::vector<HoldChange> changes(std::size_t most) const;
  // Records that the changes of changes(most) are published.
  void published(std::size_t most);
  bool has_changes() const noexcept { return !changed_.empty(); }

 private:
  // What was held: a lane, an org, or all. Its key has no rule of its own.
  struct Scope {
    int holds = 0;
    std::int64_t free_since = kAlways;  // the end of the last hold, while `holds` is 0
  };
  static HoldKey scope_of(HoldKey key);

  void set(HoldKey key, Hold hold);
  void clear(const HoldKey& key);
  void end(const HoldKey& key);

  WallClock now_us_;
  std::map<HoldKey, Hold> holds_;
  std::map<HoldKey, Scope> scopes_;
  std::set<HoldKey> changed_;
};

}  // namespace coach_sms
