#include "core/sending/senders.hpp"

#include <gtest/gtest.h>

namespace coach_sms {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
const std::string kSender = "AC1 +61400000001";
const std::string kOther = "AC1 Peak-Fit";

class SendersTest : public testing::Test {
 protected:
  static Settlement accepted() {
    Settlement settlement;
    settlement.outcome = Outcome::kAccepted;
    return settlement;
  }
  static Settlement refused() {
    Settlement settlement;
    settlement.outcome = Outcome::kRejected;
    settlement.blames_sender = true;
    return settlement;
  }
  static Settlement other(Outcome outcome) {
    Settlement settlement;
    settlement.outcome = outcome;
    return settlement;
  }
  std::int64_t send(const Settlement& settlement, const std::string& to,
                    const std::string& sender = kSender) {
    senders.started(sender);
    return senders.finished(sender, to, settlement, now);
  }

  Senders senders;
  std::int64_t now = 1'000 * kSecond;
};

TEST_F(SendersTest, OneRefusalIsNoTroubleOfTheSender) {
  EXPECT_EQ(send(refused(), "ann"), 0);
  EXPECT_EQ(senders.capacity(kSender, now), Senders::kUnlimited);
  EXPECT_LE(senders.held_until(kSender), now);
}

TEST_F(SendersTest, NorAreManyToTheSameRecipient) {
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(send(refused(), "ann"), 0);
}

TEST_F(SendersTest, TwoInARowToDifferentRecipientsAre) {
  send(refused(), "ann");
  EXPECT_EQ(send(refused(), "ben"), 5 * kSecond);
  EXPECT_EQ(senders.capacity(kSender, now), 0);
  EXPECT_EQ(senders.held_until(kSender), now + 5 * kSecond);
  EXPECT_EQ(senders.capacity(kOther, now), Senders::kUnlimited) << "of the same account";
}

TEST_F(SendersTest, ASuccessBetweenMakesTheNextTheFirst) {
  send(refused(), "ann");
  send(accepted(), "cleo");
  EXPECT_EQ(send(refused(), "ben"), 0);
  EXPECT_EQ(send(refused(), "ann"), 5 * kSecond);
}

TEST_F(SendersTest, WhatSaysNothingOfTheSenderIsNeitherSuccessNorRefusal) {
  send(refused(), "ann");
  for (const Outcome outcome : {Outcome::kRejected, Outcome::kRetry, Outcome::kUnknown})
    EXPECT_EQ(send(other(outcome), "cleo"), 0);
  EXPECT_EQ(send(refused(), "ben"), 5 * kSecond);
}

TEST_F(SendersTest, AnotherSendersRefusalIsNotItsOwn) {
  send(refused(), "ann");
  EXPECT_EQ(send(refused(), "ben", kOther), 0);
}

TEST_F(SendersTest, OneRequestFindsOutAndEachFailureDoublesTheHold) {
  send(refused(), "ann");
  send(refused(), "ben");
  for (const int seconds : {10, 20, 40, 80, 160, 300, 300}) {
    now = senders.held_until(kSender);
    EXPECT_EQ(senders.capacity(kSender, now), 1);
    senders.started(kSender);
    EXPECT_EQ(senders.capacity(kSender, now), 0) << "one at a time";
    EXPECT_EQ(senders.finished(kSender, "ann", refused(), now), seconds * kSecond);
  }
  now = senders.held_until(kSender);
  send(accepted(), "ann");
  EXPECT_EQ(senders.capacity(kSender, now), Senders::kUnlimited);
  EXPECT_EQ(send(refused(), "ann"), 0) << "the next trouble starts anew";
}

TEST_F(SendersTest, RequestsUnderWayTogetherAreOneTrouble) {
  for (int i = 0; i < 50; ++i)
    senders.started(kSender);
  for (int i = 0; i < 50; ++i)
    senders.finished(kSender, std::to_string(i), refused(), now);
  EXPECT_EQ(senders.held_until(kSender), now + 5 * kSecond);
}

TEST_F(SendersTest, AProbeThatWasNotMadeLeavesItsPlace) {
  send(refused(), "ann");
  send(refused(), "ben");
  now = senders.held_until(kSender);
  senders.started(kSender);
  senders.dropped(kSender);
  EXPECT_EQ(senders.capacity(kSender, now), 1);
}

TEST_F(SendersTest, ItMayBeTriedSoonerWhenAPersonHasChangedSomething) {
  send(refused(), "ann");
  for (int i = 0; i < 5; ++i) {
    send(refused(), "ben");
    now = senders.held_until(kSender);
  }
  send(refused(), "ann");
  senders.probe_soon(now);
  EXPECT_EQ(senders.capacity(kSender, now), 1);
  send(refused(), "ann");
  senders.probe_soon(now);
  EXPECT_EQ(senders.held_until(kSender), now + 5 * kSecond) << "not more than once in five seconds";
}

TEST_F(SendersTest, NoHoldOutlivesAClockThatWasSetBack) {
  send(refused(), "ann");
  send(refused(), "ben");
  now -= 720 * kSecond;
  senders.release_all();
  EXPECT_EQ(senders.capacity(kSender, now), 1);
}

}  // namespace
}  // namespace coach_sms
