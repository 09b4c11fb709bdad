#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/uuid.hpp"
#include "core/limits/backlog_ramp.hpp"
#include "core/limits/quiet_hours.hpp"
#include "core/limits/sliding_window.hpp"
#include "core/limits/token_bucket.hpp"
#include "core/sending/holds.hpp"
#include "core/sending/lanes.hpp"

namespace coach_sms {

// What one org's settings allow. Times are microseconds since 1970.
struct OrgRules {
  std::string version;  // of the settings row that they were read from
  QuietHours quiet;
  std::string zone;                    // IANA name of the org's zone
  std::optional<int> max_per_hour;     // messages in any 60 minutes
  std::optional<std::int64_t> budget;  // segments a calendar month
  std::int64_t month_starts_at = 0;    // in the org's zone; for the budget
  std::int64_t month_ends_at = 0;
  std::optional<double> segments_per_second;  // of the sender
  std::string sender;                         // account and number or service: who shares that pace
};

// A lane whose quiet hours ended a moment ago, and when: what waited is spread.
struct OpenedLane {
  LaneKey lane;
  std::int64_t opened_at = 0;
};

// The limits that a claim passes: quiet hours, messages an hour, segments a month and a second.
// Each says how much may pass now; where nothing may, the lane or the org is held until something
// can, and costs nothing until then. What counts is what was handed to Twilio or may have been.
// Holds nothing but what the tables tell; what it lacks it asks for.
class SendLimits {
 public:
  // --- what is planned, and what the tables must tell for it ------------------------------------

  // What Lanes would claim next. The questions below are about these orders.
  void plan(std::vector<ClaimOrder> orders) { plan_ = std::move(orders); }
  std::size_t planned() const noexcept { return plan_.size(); }

  // Rules speak of their month.
  std::vector<Uuid> orgs_without_rules(std::int64_t now) const;
  void set_rules(const Uuid& org, OrgRules rules);
  // Settings may have changed: they are read again, one org's or all.
  void forget_rules() { rules_.clear(); }
  void forget_rules(const Uuid& org) { rules_.erase(org); }
  // Whether claims were planned by this version of the org's settings.
  bool is_current(const Uuid& org, const std::string& version) const;

  // Orgs with a limit or budget whose past has not been read. Reading it: begin_past(), a load for
  // each row, and end_past(), without which it was not read: an error came in between.
  std::vector<Uuid> orgs_without_past() const;
  void begin_past(const Uuid& org);
  void load_settled(const Uuid& org, std::int64_t at);
  void load_spent(const Uuid& org, std::int64_t segments);
  void load_flight(const Uuid& org, const Uuid& message, int segments);
  void end_past(const Uuid& org);
  // Another provider's past counts from now on.
  void forget_past();
  // What was known by a clock that was set back is read again: windows have forgotten by it.
  void clock_set_back();

  // Zones that are not known up to that moment and a day beyond.
  std::vector<std::string> zones_wanted(std::int64_t now) const;
  void set_zone(const std::string& name, std::vector<ZoneSpan> spans, std::int64_t from,
                std::int64_t until);

  // Lanes that opened less than `spread` ago and whose backlog is not counted.
  std::vector<OpenedLane> lanes_to_count(std::int64_t spread, std::int64_t now) const;
  void set_backlog(const OpenedLane& opened, int messages, std::int64_t spread, std::int64_t now);

  // --- claims -----------------------------------------------------------------------------------

  // Returns what of the plan may be claimed now. The rest is held, and `holds` says why.
  std::vector<ClaimOrder> admit(Lanes* lanes, Holds* holds, std::int64_t now);
  // What was claimed of a backlog that is spread, and when the lane may give more of it; kNever
  // where it is not spread any more.
  std::int64_t took_waited(const LaneKey& lane, int count, std::int64_t now);

  // Whether the month's budget holds this message too.
  bool fits(const Uuid& org, int segments);
  // When it may hold more: next month, or as soon as Twilio has refused what is in flight.
  std::int64_t budget_again_at(const Uuid& org, std::int64_t now) const;
  Hold budget_hold(const Uuid& org) const;
  // When the lane's next quiet hours begin: now, if it has them; kNever for none.
  std::int64_t next_quiet_at(const LaneKey& lane, std::int64_t now) const;

  // --- what became of messages ------------------------------------------------------------------

  void started(const Uuid& org, const Uuid& message, int segments, std::int64_t now);
  // Twilio took it, or may have. It may count other segments than we (a trial account's prefix); 0:
  // it does not say.
  void settled(const Uuid& message, std::int64_t at, int told_segments = 0);
  // Provably not taken.
  void released(const Uuid& message);
  // Messages that count against a limit or budget as long as nobody says how they ended: somebody
  // else may have settled them.
  std::vector<Uuid> in_flight() const;

 private:
  struct Zone {
    std::vector<ZoneSpan> spans;
    std::int64_t from = 0;
    std::int64_t until = 0;
  };
  // What counts against an org's limits, and the rules that it was read for.
  struct Past {
    std::optional<int> max_per_hour;
    bool has_budget = false;
    std::int64_t month_starts_at = 0;
    std::optional<SlidingWindow> hour;
    std::int64_t spent = 0;  // segments this month
    bool is_read = false;
  };
  struct Flight {
    Uuid org;
    int segments = 0;
  };
  struct Backlog {
    std::int64_t opened_at = 0;
    std::int64_t until = 0;
    BacklogRamp opening;
  };

  const Zone* zone_of(const LaneKey& lane) const;
  const std::string* zone_name(const LaneKey& lane) const;
  std::int64_t opening_of(const LaneKey& lane, std::int64_t now) const;
  bool is_closed(const LaneKey& lane, Lanes* lanes, Holds* holds, std::int64_t now) const;
  int room_in_limits(const Uuid& org, Lanes* lanes, Holds* holds, std::int64_t now);
  std::int64_t room_in_hour(const Uuid& org, Lanes* lanes, Holds* holds, std::int64_t now);
  std::int64_t room_in_budget(const Uuid& org, Lanes* lanes, Holds* holds, std::int64_t now);
  int room_in_pace(const ClaimOrder& order, Lanes* lanes, Holds* holds, std::int64_t now,
                   std::map<std::string, int>* taken);
  void spread_backlog(ClaimOrder* order, Holds* holds, std::int64_t now) const;
  Past* past_of(const Uuid& org);
  void forget_past_of(const Uuid& org);

  std::vector<ClaimOrder> plan_;
  std::map<Uuid, OrgRules> rules_;
  std::map<Uuid, Past> pasts_;
  std::map<std::string, TokenBucket> paces_;  // by sender
  std::map<std::string, Zone> zones_;
  std::map<LaneKey, Backlog> backlogs_;
  std::map<Uuid, Flight> flights_;
};

}  // namespace coach_sms
