#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/uuid.hpp"

namespace coach_sms {

// Times here are microseconds of whatever clock the caller uses throughout; kNever is later than
// all of them and kAlways earlier.
inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kAlways = std::numeric_limits<std::int64_t>::min();

// One lane: the waiting messages of one org, of one zone's quiet hours (as sms_queue.zone has it),
// at one priority, in the order they fall due.
struct LaneKey {
  Uuid org;
  std::string zone;
  int priority = 0;

  auto operator<=>(const LaneKey&) const = default;
};

// A place in a lane. A claim starts behind one, so that dead index entries, which a long
// transaction elsewhere may pin by the hundred thousand, are not walked over again.
struct LanePosition {
  std::int64_t due_at = kAlways;
  Uuid message;

  auto operator<=>(const LanePosition&) const = default;
};

// What to claim next from one lane.
struct ClaimOrder {
  LaneKey lane;
  LanePosition after;
  int limit = 0;
  // For a lane whose quiet hours ended a moment ago: when, and how many of those that waited then
  // may be among the limit.
  std::int64_t opened_at = kAlways;
  int waited = 0;
};

// The front of a lane as a sweep over the queue saw it.
struct LaneFront {
  LaneKey lane;
  std::int64_t first_due_at = 0;
};

// Which lanes have something due, and where in them the next claim starts. Holds nothing that a
// sweep over the queue cannot rebuild. Orgs take turns: each has the number of its last turn, and
// of those that are due the lowest number goes first, so that nobody can be overtaken for ever.
// Only a sweep looks at all lanes; everything else costs as much as it returns.
class Lanes {
 public:
  Lanes() = default;
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  // A message came, or came back, that falls due then. Transactions commit out of order, so it may
  // lie behind the lane's mark: the mark is lowered.
  void note(const LaneKey& lane, std::int64_t due_at);

  // All lanes as they are. Lowers marks that have run past a waiting message (a row that was locked
  // when it was claimed around); lanes that are not there are empty.
  void sweep(const std::vector<LaneFront>& fronts, std::int64_t now);

  // What to claim now: at most `want` messages from as many orgs as have something due and are not
  // held, each the same share. Within an org the lower priority number goes first.
  std::vector<ClaimOrder> next_claims(std::int64_t now, int want);

  // What a claim found. Fewer than its limit: nothing more is due, and next_due_at (kNever for
  // none) is when the lane has something again.
  void claimed(const ClaimOrder& order, int count, const LanePosition& last,
               std::int64_t next_due_at, std::int64_t now);

  // An order for this org cannot be carried out before that time. The org keeps its turn, whose
  // number comes back, and within it the zone.
  std::uint64_t put_off(const Uuid& org, std::int64_t until);
  // It can now, after all. False where the org was not put off.
  bool call_back(const Uuid& org);

  // Nothing of this org is claimed before that time: paused, disabled, or without a token.
  void hold(const Uuid& org, std::int64_t until);
  // The same for one lane alone: its quiet hours.
  void hold_lane(const LaneKey& lane, std::int64_t until);
  void release_all();

  // When next_claims() has something again; kNever without waiting messages.
  std::int64_t next_due(std::int64_t now) const;

  std::size_t size() const noexcept;

 private:
  struct Lane {
    LanePosition mark;
    std::int64_t next_due_at = kNever;
    std::int64_t found_nothing_at = 0;  // due by a sweep, and yet nothing to claim: all locked
    std::uint64_t swept = 0;            // the last sweep that saw it
    std::int64_t held_until = kAlways;

    std::int64_t wakes_at() const { return std::max(next_due_at, held_until); }
  };
  struct Org {
    Uuid id;
    std::map<std::pair<int, std::string>, Lane> lanes;  // by priority and zone
    std::int64_t held_until = kAlways;
    std::int64_t put_off_until = kAlways;
    std::int64_t wakes_at = kNever;
    std::uint64_t turn = 0;
    std::uint64_t turn_before = 0;
    std::string last_zone;  // of its last order
    std::string zone_before;

    // The most urgent lane that is due; of those that are as urgent the zones take turns, so that
    // one that always has something does not keep the others from going.
    std::map<std::pair<int, std::string>, Lane>::iterator next_lane(std::int64_t now);
  };

  Org& org_of(const Uuid& id);
  void place(Org& org);
  void take_out(Org& org);
  void give_turn(Org& org, std::uint64_t turn);
  void wake_up(std::int64_t now);

  std::map<Uuid, Org> orgs_;
  // Each org with something waiting is in one of the two, which point into orgs_.
  std::set<std::pair<std::int64_t, Org*>> asleep_;  // by wakes_at
  std::map<std::uint64_t, Org*> awake_;             // by turn; due when they were woken
  std::uint64_t turns_ = 0;
  std::uint64_t sweeps_ = 0;
};

}  // namespace coach_sms
