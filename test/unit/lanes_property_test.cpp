#include "core/sending/lanes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>

// Lanes beside a queue that is searched from end to end: whatever the order of commits, locks,
// retries, lost notes, failed transactions and holds, every message is claimed once, and in time.

namespace coach_sms {
namespace {

constexpr std::int64_t kMillisecond = 1'000;
constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kBusySweep = kSecond;  // as in src/pg/sender/sender.cpp
constexpr std::int64_t kIdleSweep = 5 * kSecond;
constexpr std::int64_t kPause = kSecond / 5;  // what Lanes may wait after it found nothing

// A row of sms_queue.
struct Row {
  std::int64_t locked_until = 0;
  // From then on Lanes has all it needs, and a claim must find the row.
  std::int64_t known_from = kNever;
};

// A transaction that is not over yet.
struct Coming {
  LaneKey lane;
  LanePosition position;
  bool notifies = true;  // COMMIT PREPARED does not
};

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {}

  void run(int enqueues) {
    while (enqueues > 0 || !idle()) {
      for (int i = chance(40) ? below(8) : 0; i > 0 && enqueues > 0; --i, --enqueues)
        enqueue();
      turn();
      if (testing::Test::HasFailure() || now_ > end_) break;
    }
    EXPECT_TRUE(idle()) << waiting() << " messages were never claimed";
    for (const auto& [id, put] : puts_)
      EXPECT_EQ(claims_[id], put) << to_text(id);
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  bool chance(int percent) { return below(100) < percent; }
  std::size_t waiting() const {
    std::size_t rows = 0;
    for (const auto& [lane, queue] : queue_)
      rows += queue.size();
    return rows;
  }
  bool idle() const { return coming_.empty() && waiting() == 0; }

  Uuid new_id() {
    Uuid id;
    for (std::uint8_t& byte : id.bytes)
      byte = static_cast<std::uint8_t>(random_());
    return id;
  }
  LaneKey some_lane() {
    LaneKey lane;
    lane.org.bytes[0] = static_cast<std::uint8_t>(below(6));
    lane.priority = below(3);
    return lane;
  }

  // Due times are taken before the commit, and so commit in another order.
  void enqueue() {
    const std::int64_t delay = chance(70) ? 0 : below(3'000) * kMillisecond;
    put(some_lane(), {now_ + delay, new_id()}, chance(95));
  }
  void put(const LaneKey& lane, const LanePosition& position, bool notifies) {
    ++puts_[position.message];
    coming_.emplace(now_ + below(300) * kMillisecond, Coming{lane, position, notifies});
  }

  void turn() {
    now_ += chance(50) ? below(2'000) : below(100) * kMillisecond;
    commit();
    lock_some();
    hold_one();
    if (sweep_wanted_ || now_ >= swept_at_ + (busy_ ? kBusySweep : kIdleSweep)) sweep();
    while (lanes_.next_due(now_) <= now_ && !sweep_wanted_)
      if (!claim()) return;
    EXPECT_GT(lanes_.next_due(now_), sweep_wanted_ ? kAlways : now_);
    if (!sweep_wanted_) nothing_was_missed();
  }

  void commit() {
    while (!coming_.empty() && coming_.begin()->first <= now_) {
      const Coming row = coming_.begin()->second;
      coming_.erase(coming_.begin());
      queue_[row.lane][row.position].known_from = row.notifies ? row.position.due_at : kNever;
      if (row.notifies) lanes_.note(row.lane, row.position.due_at);
    }
  }

  void lock_some() {
    if (!chance(20)) return;
    for (auto& [lane, queue] : queue_)
      for (auto& [position, row] : queue)
        if (chance(30)) row.locked_until = now_ + below(2'500) * kMillisecond;
  }

  void hold_one() {
    if (!chance(3)) return;
    const LaneKey lane = some_lane();
    std::int64_t& until = held_[lane.org];
    until = std::max(until, now_ + below(2'000) * kMillisecond);
    lanes_.hold(lane.org, until);
  }

  void sweep() {
    std::vector<LaneFront> fronts;
    busy_ = false;
    for (const auto& [lane, queue] : queue_) {
      if (queue.empty()) continue;
      fronts.push_back({lane, queue.begin()->first.due_at});
      busy_ = busy_ || fronts.back().first_due_at <= now_;
    }
    lanes_.sweep(fronts, now_);
    for (auto& [lane, queue] : queue_)
      for (auto& [position, row] : queue)
        row.known_from = std::min(row.known_from, now_ + kPause);
    swept_at_ = now_;
    sweep_wanted_ = false;
  }

  // One transaction of the sender's. False where Lanes asked for it in vain.
  bool claim() {
    const std::vector<ClaimOrder> orders = lanes_.next_claims(now_, 1 + below(7));
    EXPECT_FALSE(orders.empty()) << "something is due, and nothing to claim";
    std::set<Uuid> orgs;
    const bool fails = chance(3);
    for (const ClaimOrder& order : orders) {
      EXPECT_TRUE(orgs.insert(order.lane.org).second) << "an org takes one turn";
      EXPECT_GT(order.limit, 0);
      EXPECT_LE(held_[order.lane.org], now_);
      if (chance(5))
        put_off(order.lane.org);
      else
        claim_lane(order, fails);
    }
    busy_ = true;
    sweep_wanted_ = fails;  // nothing of it has happened, and Lanes does not know
    return !orders.empty();
  }

  void put_off(const Uuid& org) {
    const std::int64_t until = now_ + 50 * kMillisecond;
    lanes_.put_off(org, until);
    if (chance(50))
      lanes_.call_back(org);
    else
      held_[org] = std::max(held_[org], until);
  }

  // As claim_due() and next_due_in_lane() in src/pg/messages/claims.cpp.
  void claim_lane(const ClaimOrder& order, bool fails) {
    auto& queue = queue_[order.lane];
    LanePosition last;
    int count = 0;
    for (auto at = queue.upper_bound(order.after);
         at != queue.end() && at->first.due_at <= now_ && count < order.limit;) {
      if (at->second.locked_until > now_) {
        at->second.known_from = kNever;  // passed over
        ++at;
        continue;
      }
      last = at->first;
      ++count;
      if (!fails) take(order.lane, last);
      at = fails ? std::next(at) : queue.erase(at);
    }
    std::int64_t next_due = kNever;
    for (auto at = queue.upper_bound(count > 0 ? last : order.after); at != queue.end(); ++at)
      if (at->first.due_at > now_) next_due = std::min(next_due, at->first.due_at);
    lanes_.claimed(order, count, last, next_due, now_);
    if (fails)
      for (auto& [position, row] : queue)
        row.known_from = kNever;
  }

  // A fifth of the messages comes back, for another try or as not started.
  void take(const LaneKey& lane, const LanePosition& position) {
    ++claims_[position.message];
    const std::int64_t due_at = chance(50) ? position.due_at : now_ + below(2'000) * kMillisecond;
    if (chance(20)) put(lane, {due_at, position.message}, true);
  }

  void nothing_was_missed() {
    for (const auto& [lane, queue] : queue_) {
      if (held_[lane.org] > now_) continue;
      for (const auto& [position, row] : queue) {
        const bool is_free = position.due_at <= now_ && row.locked_until <= now_;
        EXPECT_FALSE(is_free && row.known_from <= now_)
            << "a message due for " << (now_ - position.due_at) << " us was not claimed";
      }
    }
  }

  std::mt19937_64 random_;
  Lanes lanes_;
  std::map<LaneKey, std::map<LanePosition, Row>> queue_;
  std::multimap<std::int64_t, Coming> coming_;  // by the time of their commit
  std::map<Uuid, std::int64_t> held_;
  std::map<Uuid, int> puts_;
  std::map<Uuid, int> claims_;
  std::int64_t now_ = 1'000'000 * kSecond;
  std::int64_t end_ = now_ + 3'600 * kSecond;
  std::int64_t swept_at_ = 0;
  bool sweep_wanted_ = true;
  bool busy_ = false;
};

TEST(LanesPropertyTest, EveryMessageIsClaimedOnceAndAsSoonAsItCanBe) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World(seed).run(400);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace coach_sms
