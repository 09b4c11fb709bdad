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

// The limits in one org's settings. Times are moments (moments.hpp).
struct OrgRules {
  std::string version;  // of the settings row that they were read from
  QuietHours quiet;
  std::string zone;                    // IANA name of the org's zone
  std::optional<int> max_per_hour;     // messages in any 60 minutes; nullopt: no limit
  std::optional<std::int64_t> budget;  // segments a calendar month; nullopt: no limit
  std::int64_t month_starts_at = 0;    // in the org's zone; for the budget
  std::int64_t month_ends_at = 0;
  std::optional<double> segments_per_second;  // of the sender; nullopt: no limit
  std::string sender;  // account and number or service, which share that rate
};

// A lane whose quiet hours have just ended, and their end: its backlog is spread.
struct OpenedLane {
  LaneKey lane;
  std::int64_t opened_at = 0;
};

// The limits that a claim passes: quiet hours, messages an hour, segments a month and segments a
// second. Each limit gives the number that may pass now. Where it is 0, the lane or the org is held
// or put off until something can pass, and costs nothing until then. Messages count that were
// handed to Twilio or may have been.
//
// The object knows only data that the tables hold, and lists the data that it still needs. Times
// are moments (moments.hpp).
class SendLimits {
 public:
  // --- the plan, and the facts that it needs from the tables ------------------------------------

  // Takes the orders that Lanes would claim next. The functions below concern these orders.
  void plan(std::vector<ClaimOrder> orders) { plan_ = std::move(orders); }
  std::size_t planned() const noexcept { return plan_.size(); }

  // Returns planned orgs without rules, or with rules of a month that is over.
  std::vector<Uuid> orgs_without_rules(std::int64_t now) const;
  // Sets the org's rules, and forgets its past where that was read for other limits or another
  // month.
  void set_rules(const Uuid& org, OrgRules rules);
  // Forgets the rules of all orgs or of one, because settings may have changed. They are then read
  // again.
  void forget_rules() { rules_.clear(); }
  void forget_rules(const Uuid& org) { rules_.erase(org); }
  // Returns whether claims were planned by this version of the org's settings.
  bool is_current(const Uuid& org, const std::string& version) const;

  // Returns planned orgs that have a limit or budget and whose past has not been read. Read it by
  // begin_past(), a load for each row, and end_past(). Without end_past() it counts as not read: an
  // error came between.
  std::vector<Uuid> orgs_without_past() const;
  void begin_past(const Uuid& org);
  void load_settled(const Uuid& org, std::int64_t at);
  void load_spent(const Uuid& org, std::int64_t segments);
  void load_flight(const Uuid& org, const Uuid& message, int segments);
  void end_past(const Uuid& org);
  // Forgets the past of all orgs, because another provider's past counts from now on.
  void forget_past();
  // Forgets rules, pasts and backlogs, because the clock was set back. They are then read again.
  void clock_set_back();

  // Returns the zones of planned lanes that are not known from `now` to a day later.
  std::vector<std::string> zones_wanted(std::int64_t now) const;
  // Sets a zone's spans, which are complete between `from` and `until`.
  void set_zone(const std::string& name, std::vector<ZoneSpan> spans, std::int64_t from,
                std::int64_t until);

  // Returns planned lanes that opened less than `spread` ago and whose backlog is not counted.
  std::vector<OpenedLane> lanes_to_count(std::int64_t spread, std::int64_t now) const;
  // Spreads `messages` that waited at the lane's opening, from `now` until `spread` after the
  // opening.
  void set_backlog(const OpenedLane& opened, int messages, std::int64_t spread, std::int64_t now);

  // --- claims -----------------------------------------------------------------------------------

  // Returns the orders of the plan that may be claimed now. It holds the other lanes and orgs, and
  // records the reasons in `holds`.
  std::vector<ClaimOrder> admit(Lanes* lanes, Holds* holds, std::int64_t now);
  // Records that messages of a spread backlog were claimed. Returns when the lane may give more of
  // it; kNever where it is not spread any more.
  std::int64_t took_waited(const LaneKey& lane, int count, std::int64_t now);

  // Returns whether the month's budget has room for this message, too.
  bool fits(const Uuid& org, int segments);
  // Returns when the budget may have room again: next month, or in a second while messages are in
  // flight that Twilio may still refuse.
  std::int64_t budget_again_at(const Uuid& org, std::int64_t now) const;
  // Returns the hold of an org whose monthly budget is used up.
  Hold budget_hold(const Uuid& org) const;
  // Returns when the lane's next quiet hours begin: `now` during quiet hours, kNever without any.
  std::int64_t next_quiet_at(const LaneKey& lane, std::int64_t now) const;

  // --- outcomes of messages ---------------------------------------------------------------------

  // Counts a message that is on its way to Twilio.
  void started(const Uuid& org, const Uuid& message, int segments, std::int64_t now);
  // Records that Twilio took the message, or may have. Twilio may count other segments than we (a
  // trial account's prefix); told_segments 0: it gives none.
  void settled(const Uuid& message, std::int64_t at, int told_segments = 0);
  // Takes back a message that was provably not taken.
  void released(const Uuid& message);
  // Returns the messages that count against a limit or budget until their outcome is recorded.
  // Another process may have settled them.
  std::vector<Uuid> in_flight() const;

 private:
  struct Zone {
    std::vector<ZoneSpan> spans;
    std::int64_t from = 0;
    std::int64_t until = 0;
  };
  // The usage that counts against an org's limits, and the rules that it was read for.
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
