#include "core/sending/account_throttle.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace coach_sms {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr int kMost = 100;
const std::string kAccount = "AC1";

Settlement with_outcome(Outcome outcome) {
  Settlement settlement;
  settlement.outcome = outcome;
  return settlement;
}

Settlement accepted() {
  return with_outcome(Outcome::kAccepted);
}

Settlement bad_credentials() {
  Settlement settlement = with_outcome(Outcome::kRetry);
  settlement.account_trouble = true;
  return settlement;
}

Settlement too_many(std::chrono::milliseconds retry_after = {}) {
  Settlement settlement = with_outcome(Outcome::kRetry);
  settlement.slow_down = true;
  settlement.retry_after = retry_after;
  return settlement;
}

class AccountThrottleTest : public testing::Test {
 protected:
  void start(int requests) {
    for (int i = 0; i < requests; ++i)
      accounts.started(kAccount);
  }
  void finish(const Settlement& settlement, int requests = 1) {
    for (int i = 0; i < requests; ++i)
      accounts.finished(kAccount, settlement, now);
  }
  void send(const Settlement& settlement, int requests = 1) {
    for (int i = 0; i < requests; ++i) {
      start(1);
      finish(settlement);
    }
  }
  int capacity() const { return accounts.capacity(kAccount, now); }
  std::int64_t held_for() const { return accounts.held_until(kAccount) - now; }

  AccountThrottle accounts{kMost};
  std::int64_t now = 1'000 * kSecond;
};

TEST_F(AccountThrottleTest, AnAccountNobodyHasUsedHasAllItsRoom) {
  EXPECT_EQ(capacity(), kMost);
  EXPECT_LE(accounts.held_until(kAccount), now);
}

TEST_F(AccountThrottleTest, EveryRequestUnderWayTakesOnePlaceUntilItIsOver) {
  start(kMost);
  EXPECT_EQ(capacity(), 0);
  for (const Outcome outcome :
       {Outcome::kAccepted, Outcome::kRejected, Outcome::kRetry, Outcome::kUnknown})
    finish(with_outcome(outcome));
  EXPECT_EQ(capacity(), 4);
  accounts.dropped(kAccount);
  EXPECT_EQ(capacity(), 5);
}

TEST_F(AccountThrottleTest, NoResultOfAnyKindLeavesAPlaceTaken) {
  for (int round = 0; round < 1'000; ++round) {
    start(6);
    finish(accepted());
    finish(with_outcome(Outcome::kUnknown));
    finish(with_outcome(Outcome::kRejected));
    finish(bad_credentials());
    finish(too_many());
    accounts.dropped(kAccount);
    now += 3'600 * kSecond;
  }
  send(accepted(), kMost * kMost);  // both the circuit and the lowered limit recover
  EXPECT_EQ(capacity(), kMost);
}

TEST_F(AccountThrottleTest, OneAccountDoesNotFeelAnother) {
  start(kMost);
  send(bad_credentials());
  EXPECT_EQ(accounts.capacity("AC2", now), kMost);
  EXPECT_LE(accounts.held_until("AC2"), now);
}

TEST_F(AccountThrottleTest, ANewSettingHoldsAtOnceAlsoBelowWhatIsUnderWay) {
  start(20);
  accounts.configure(10);
  EXPECT_EQ(capacity(), 0);
  accounts.configure(30);
  EXPECT_EQ(capacity(), 10);
}

// The circuit

TEST_F(AccountThrottleTest, BadCredentialsHoldTheAccountAndThenLetOneRequestFindOut) {
  send(bad_credentials());
  EXPECT_EQ(capacity(), 0);
  EXPECT_EQ(held_for(), 5 * kSecond);
  now += 5 * kSecond - 1;
  EXPECT_EQ(capacity(), 0);
  now += 1;
  EXPECT_EQ(capacity(), 1);
  start(1);
  EXPECT_EQ(capacity(), 0) << "one probe at a time";
}

TEST_F(AccountThrottleTest, EachProbeThatFailsDoublesTheHoldUpToFiveMinutes) {
  for (const int seconds : {5, 10, 20, 40, 80, 160, 300, 300}) {
    send(bad_credentials());
    EXPECT_EQ(held_for(), seconds * kSecond);
    now = accounts.held_until(kAccount);
    EXPECT_EQ(capacity(), 1);
  }
  for (int i = 0; i < 100; ++i) {
    send(bad_credentials());
    now = accounts.held_until(kAccount);
  }
  send(bad_credentials());
  EXPECT_EQ(held_for(), 300 * kSecond);
}

TEST_F(AccountThrottleTest, AnAnswerThatProvesTheCredentialsClosesTheCircuit) {
  for (const Outcome outcome : {Outcome::kAccepted, Outcome::kRejected}) {
    send(bad_credentials());
    now = accounts.held_until(kAccount);
    send(with_outcome(outcome));
    EXPECT_EQ(capacity(), kMost);
  }
  send(bad_credentials());
  EXPECT_EQ(held_for(), 5 * kSecond) << "the next trouble starts anew";
}

TEST_F(AccountThrottleTest, ARowOfRequestsWithoutAnAnswerOpensTheCircuitToo) {
  send(with_outcome(Outcome::kUnknown), 9);
  send(accepted());
  send(with_outcome(Outcome::kUnknown), 9);
  EXPECT_EQ(capacity(), kMost);
  EXPECT_FALSE(accounts.is_in_trouble(kAccount));
  send(with_outcome(Outcome::kUnknown));
  EXPECT_EQ(held_for(), 5 * kSecond);
  EXPECT_TRUE(accounts.is_in_trouble(kAccount));
  now += 5 * kSecond;
  EXPECT_EQ(capacity(), 1);
  send(with_outcome(Outcome::kUnknown));
  EXPECT_EQ(held_for(), 10 * kSecond);
  now += 10 * kSecond;
  send(accepted());
  EXPECT_EQ(capacity(), kMost);
}

TEST_F(AccountThrottleTest, AnAttemptThatNeverLeftIsNoAnswerAndNoSilence) {
  send(with_outcome(Outcome::kUnknown), 10);
  now = accounts.held_until(kAccount);
  Settlement unsent = with_outcome(Outcome::kRetry);
  unsent.error_code = "connect_failed";
  send(unsent);
  EXPECT_LE(accounts.held_until(kAccount), now);
  EXPECT_EQ(capacity(), 1);
}

TEST_F(AccountThrottleTest, AnUnclearAnswerHoldsNoAccountForHours) {
  Settlement unavailable = with_outcome(Outcome::kUnknown);
  unavailable.slow_down = true;
  unavailable.retry_after = std::chrono::hours(24);
  send(unavailable);
  EXPECT_EQ(held_for(), 300 * kSecond);
}

TEST_F(AccountThrottleTest, WhoeverChangesSomethingAgainAndAgainHasItProbedOnceInFiveSeconds) {
  for (int i = 0; i < 5; ++i) {
    send(bad_credentials());
    now = accounts.held_until(kAccount);
  }
  send(bad_credentials());
  ASSERT_GT(held_for(), 100 * kSecond);
  accounts.probe_soon(now);
  EXPECT_EQ(capacity(), 1);
  send(bad_credentials());
  for (int i = 0; i < 1'000; ++i)
    accounts.probe_soon(now + kSecond);
  EXPECT_EQ(held_for(), 5 * kSecond);
  now += 6 * kSecond;
  send(bad_credentials());
  ASSERT_GT(held_for(), 100 * kSecond);
  accounts.probe_soon(now);
  EXPECT_EQ(held_for(), 4 * kSecond) << "five after the last one, and not a thousand times five";
}

TEST_F(AccountThrottleTest, AnUnclearAnswerThatAsksToWaitIsHeeded) {
  Settlement unavailable = with_outcome(Outcome::kUnknown);
  unavailable.slow_down = true;
  unavailable.retry_after = std::chrono::seconds(60);
  send(unavailable);
  EXPECT_EQ(held_for(), 60 * kSecond);
  now += 60 * kSecond;
  EXPECT_EQ(capacity(), kMost / 2);
}

TEST_F(AccountThrottleTest, AProbeThatProvesNothingLeavesTheCircuitToTheNextOne) {
  send(bad_credentials());
  now = accounts.held_until(kAccount);
  for (const Outcome outcome : {Outcome::kUnknown, Outcome::kRetry}) {
    send(with_outcome(outcome));
    EXPECT_EQ(capacity(), 1);
  }
}

TEST_F(AccountThrottleTest, RequestsUnderWayTogetherAreOneTrouble) {
  start(50);
  for (int i = 0; i < 50; ++i) {
    finish(bad_credentials());
    now += kSecond / 50;
  }
  now = accounts.held_until(kAccount);
  send(bad_credentials());
  EXPECT_EQ(held_for(), 10 * kSecond);
}

TEST_F(AccountThrottleTest, RequestsStillUnderWayWhenTheHoldEndsAreTheProbe) {
  start(3);
  finish(bad_credentials());
  now = accounts.held_until(kAccount);
  EXPECT_EQ(capacity(), 0);
  finish(with_outcome(Outcome::kUnknown), 2);
  EXPECT_EQ(capacity(), 1);
}

TEST_F(AccountThrottleTest, BadCredentialsWhileA429HoldsOpenTheCircuitToo) {
  start(2);
  finish(too_many(std::chrono::seconds(60)));
  finish(bad_credentials());
  EXPECT_EQ(held_for(), 60 * kSecond);
  now += 60 * kSecond;
  EXPECT_EQ(capacity(), 1);
  send(bad_credentials());
  EXPECT_EQ(held_for(), 10 * kSecond);
}

TEST_F(AccountThrottleTest, ADoubtfulAccountIsAskedOneAtATimeUntilOneSucceeds) {
  start(1);
  accounts.doubt(kAccount);
  EXPECT_EQ(capacity(), 0) << "one is under way";
  EXPECT_EQ(accounts.in_flight(kAccount), 1);
  EXPECT_LE(accounts.held_until(kAccount), now);
  finish(accepted());
  EXPECT_EQ(capacity(), kMost);
  EXPECT_EQ(accounts.in_flight("AC2"), 0);
}

// Too many at once

TEST_F(AccountThrottleTest, A429HoldsForAMomentAndHalvesWhatIsAllowed) {
  send(too_many());
  EXPECT_EQ(capacity(), 0);
  EXPECT_EQ(held_for(), kSecond / 10);
  now = accounts.held_until(kAccount);
  EXPECT_EQ(capacity(), kMost / 2);
}

TEST_F(AccountThrottleTest, TheRetryAfterOfA429IsKept) {
  send(too_many(std::chrono::seconds(7)));
  EXPECT_EQ(held_for(), 7 * kSecond);
  start(1);
  finish(too_many());
  EXPECT_EQ(held_for(), 7 * kSecond) << "a shorter one does not end it";
}

TEST_F(AccountThrottleTest, NoHoldOutlivesAClockThatWasSetBack) {
  send(too_many(std::chrono::seconds(60)));
  now -= 720 * kSecond;
  EXPECT_EQ(capacity(), 0);
  accounts.release_all();
  EXPECT_GT(capacity(), 0);
}

TEST_F(AccountThrottleTest, ManyA429sOfTheSameMomentHalveOnce) {
  start(kMost);
  finish(too_many(), kMost);
  now = accounts.held_until(kAccount);
  EXPECT_EQ(capacity(), kMost / 2);
}

TEST_F(AccountThrottleTest, HoweverManyA429sOneRequestStaysAllowed) {
  for (int i = 0; i < 50; ++i) {
    send(too_many());
    now = accounts.held_until(kAccount);
  }
  EXPECT_EQ(capacity(), 1);
}

TEST_F(AccountThrottleTest, SuccessesGiveBackWhatWasTakenLittleByLittle) {
  send(too_many());
  now = accounts.held_until(kAccount);
  send(accepted(), 52);  // about one more for as many successes as are allowed
  EXPECT_EQ(capacity(), kMost / 2 + 1);
  send(accepted(), kMost * kMost);
  EXPECT_EQ(capacity(), kMost) << "and never more than the setting";
  accounts.configure(2 * kMost);
  EXPECT_EQ(capacity(), 2 * kMost);
}

TEST_F(AccountThrottleTest, OnlySuccessesGiveBack) {
  send(too_many());
  now = accounts.held_until(kAccount);
  for (const Outcome outcome : {Outcome::kRejected, Outcome::kRetry, Outcome::kUnknown})
    send(with_outcome(outcome), outcome == Outcome::kUnknown ? 9 : 1'000);
  EXPECT_EQ(capacity(), kMost / 2);
}

}  // namespace
}  // namespace coach_sms
