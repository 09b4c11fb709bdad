#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/moments.hpp"
#include "core/base/uuid.hpp"

namespace coach_sms {

// One lane: the waiting messages of one org, of one zone's quiet hours (as in sms_queue.zone), at
// one priority, in due order.
struct LaneKey {
  Uuid org;
  std::string zone;
  int priority = 0;

  auto operator<=>(const LaneKey&) const = default;
};

// A place in a lane. A claim starts behind one, so that it does not walk over dead index entries
// again. A long transaction elsewhere may keep a hundred thousand of them.
struct LanePosition {
  std::int64_t due_at = kAlways;
  Uuid message;

  auto operator<=>(const LanePosition&) const = default;
};

// The next claim from one lane.
struct ClaimOrder {
  LaneKey lane;
  LanePosition after;
  int limit = 0;
  // For a lane whose quiet hours have just ended: their end, and how many of the messages that
  // waited then the limit may include.
  std::int64_t opened_at = kAlways;
  int waited = 0;
};

// The front of a lane as a sweep over the queue saw it.
struct LaneFront {
  LaneKey lane;
  std::int64_t first_due_at = 0;
};

// Knows which lanes have something due, and where in them the next claim starts. A sweep over the
// queue can rebuild all of it. Orgs take turns: each has the number of its last turn, and of the
// orgs that are due the lowest number goes first. So no org is overtaken for ever. Only a sweep
// reads all lanes; every other function costs as much as it returns.
class Lanes {
 public:
  Lanes() = default;
  Lanes(const Lanes&) = delete;
  Lanes& operator=(const Lanes&) = delete;

  // Records that a message came, or came back, that falls due at that time. Transactions commit out
  // of order, so it may lie behind the lane's mark, which is then lowered.
  void note(const LaneKey& lane, std::int64_t due_at);

  // Takes over all lanes as the queue has them. Lowers a mark that has run past a waiting message
  // (its row was locked during the claim). A lane that is not among `fronts` is empty.
  void sweep(const std::vector<LaneFront>& fronts, std::int64_t now);

  // Returns the claims to make now: at most `want` messages, in equal shares for as many orgs as
  // have something due and are not held. Within an org the lower priority number goes first.
  std::vector<ClaimOrder> next_claims(std::int64_t now, int want);

  // Records the result of a claim. A count below the order's limit means that nothing more is due:
  // next_due_at is then when the lane has something again, kNever for none.
  void claimed(const ClaimOrder& order, int count, const LanePosition& last,
               std::int64_t next_due_at, std::int64_t now);

  // Puts the org off until that time, because its order cannot be carried out. The org keeps its
  // turn and its zone within it. Returns the number of the turn.
  std::uint64_t put_off(const Uuid& org, std::int64_t until);
  // Ends the put-off. Returns false where the org was not put off.
  bool call_back(const Uuid& org);

  // Holds all messages of the org until that time: it is paused, disabled, or without a token.
  void hold(const Uuid& org, std::int64_t until);
  // Holds one lane alone until that time, for its quiet hours.
  void hold_lane(const LaneKey& lane, std::int64_t until);
  // Ends all holds and put-offs.
  void release_all();

  // Returns when next_claims() has something again; kNever without waiting messages.
  std::int64_t next_due(std::int64_t now) const;

  // Returns the number of lanes.
  std::size_t size() const noexcept;

 private:
  struct Lane {
    LanePosition mark;
    std::int64_t next_due_at = kNever;
    std::int64_t found_nothing_at = 0;  // when a claim found all due rows locked; 0: it did not
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

    // Returns the most urgent lane that is due. Zones of equal urgency take turns, so that a busy
    // zone does not keep the others from going.
    std::map<std::pair<int, std::string>, Lane>::iterator next_lane(std::int64_t now);
  };

  Org& org_of(const Uuid& id);
  void place(Org& org);
  void take_out(Org& org);
  void give_turn(Org& org, std::uint64_t turn);
  void wake_up(std::int64_t now);

  std::map<Uuid, Org> orgs_;
  // Each org with something waiting is in one of these two, which point into orgs_.
  std::set<std::pair<std::int64_t, Org*>> asleep_;  // by wakes_at
  std::map<std::uint64_t, Org*> awake_;             // by turn; due when they were woken
  std::uint64_t turns_ = 0;
  std::uint64_t sweeps_ = 0;
};

}  // namespace coach_sms
