#pragma once

#ifdef PG_VERSION_NUM
#error "core headers come before PostgreSQL's"
#endif

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "core/uuid.hpp"

namespace coach_sms {

// Times here are microseconds of whatever clock the caller uses throughout; kNever is later than
// all of them.
inline constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

// One lane: the waiting messages of one org at one priority, in the order they fall due.
struct LaneKey {
  Uuid org;
  int priority = 0;

  auto operator<=>(const LaneKey&) const = default;
};

// A place in a lane. A claim starts behind one, so that dead index entries, which a long
// transaction elsewhere may pin by the hundred thousand, are not walked over again.
struct LanePosition {
  std::int64_t due_at = std::numeric_limits<std::int64_t>::min();
  Uuid message;

  auto operator<=>(const LanePosition&) const = default;
};

// What to claim next from one lane.
struct ClaimOrder {
  LaneKey lane;
  LanePosition after;
  int limit = 0;
};

// The front of a lane as a sweep over the queue saw it.
struct LaneFront {
  LaneKey lane;
  std::int64_t first_due_at = 0;
};

// Which lanes have something due, and where in them the next claim starts. Holds nothing that a
// sweep over the queue cannot rebuild.
class Lanes {
 public:
  // A message came, or came back, that falls due then. Transactions commit out of order, so it may
  // lie behind the lane's mark: the mark is lowered.
  void note(const LaneKey& lane, std::int64_t due_at);

  // All lanes as they are, in order. Lowers marks that have run past a waiting message (a row that
  // was locked when it was claimed around); lanes that are not there are empty.
  void sweep(const std::vector<LaneFront>& fronts, std::int64_t now);

  // What to claim now: at most `want` messages from as many lanes as have something due and are not
  // held, each the same share, beginning behind the org served last. Within an org the lower
  // priority number goes first.
  std::vector<ClaimOrder> next_claims(std::int64_t now, int want);

  // What a claim found. Fewer than its limit: nothing more is due, and next_due_at (kNever for
  // none) is when the lane has something again.
  void claimed(const ClaimOrder& order, int count, const LanePosition& last,
               std::int64_t next_due_at, std::int64_t now);

  // Nothing of this org is claimed before that time: paused, disabled, or its account in trouble.
  void hold(const Uuid& org, std::int64_t until);
  void release_all();

  // When next_claims() has something again; kNever without waiting messages.
  std::int64_t next_due(std::int64_t now) const;

  std::size_t size() const noexcept { return lanes_.size(); }

 private:
  struct Lane {
    LanePosition mark;
    std::int64_t next_due_at = kNever;
    std::int64_t found_nothing_at = 0;  // due by a sweep, and yet nothing to claim: all locked
  };

  std::int64_t held_until(const Uuid& org) const;

  std::map<LaneKey, Lane> lanes_;
  std::map<Uuid, std::int64_t> holds_;
  LaneKey served_last_;
};

}  // namespace coach_sms
