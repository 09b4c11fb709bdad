#include "core/twilio/list_match.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace coach_sms {
namespace {

constexpr std::int64_t kClaimed = 1'795'000'000;

ListedMessage listed(const char* sid, const char* body, std::optional<std::int64_t> created_at) {
  ListedMessage message;
  message.sid = sid;
  message.body = body;
  message.direction = "outbound-api";
  message.created_at = created_at;
  return message;
}

Match find_hello(const std::vector<ListedMessage>& messages,
                 const std::vector<std::string>& known_sids = {}) {
  return find_match(messages, "hello", kClaimed, known_sids);
}

Sighting sight_hello(const ListedMessage& message) {
  return find_hello({message}).sighting;
}

TEST(ListMatchTest, TheOneMessageWithOurBodyIsFound) {
  const std::vector<ListedMessage> messages = {listed("SM3", "other", kClaimed + 9),
                                               listed("SM2", "hello", kClaimed + 1),
                                               listed("SM1", "hello!", kClaimed)};
  const Match match = find_hello(messages);
  EXPECT_EQ(match.sighting, Sighting::kOne);
  EXPECT_EQ(match.message, &messages[1]);
}

TEST(ListMatchTest, NothingIsFoundWhereNothingFits) {
  EXPECT_EQ(find_hello({}).sighting, Sighting::kNone);
  EXPECT_EQ(find_hello({}).message, nullptr);
  for (const char* body : {"Hello", "hello ", "hell", "hello hello"}) {
    EXPECT_EQ(sight_hello(listed("SM1", body, kClaimed)), Sighting::kNone) << body;
  }
}

TEST(ListMatchTest, SeveralThatFitSettleNothing) {
  const Match match =
      find_hello({listed("SM2", "hello", kClaimed), listed("SM1", "hello", kClaimed)});
  EXPECT_EQ(match.sighting, Sighting::kSeveral);
  EXPECT_EQ(match.message, nullptr);
}

TEST(ListMatchTest, TheSameMessageOnTwoPagesIsOne) {
  EXPECT_EQ(
      find_hello({listed("SM1", "hello", kClaimed), listed("SM1", "hello", kClaimed)}).sighting,
      Sighting::kOne);
}

TEST(ListMatchTest, AMessageThatIsKnownToBeAnothersIsNotOurs) {
  const std::vector<ListedMessage> messages = {listed("SM2", "hello", kClaimed),
                                               listed("SM1", "hello", kClaimed)};
  const Match match = find_hello(messages, {"SM0", "SM2"});
  EXPECT_EQ(match.sighting, Sighting::kOne);
  EXPECT_EQ(match.message, &messages[1]);
  EXPECT_EQ(find_hello(messages, {"SM1", "SM2"}).sighting, Sighting::kNone);
}

TEST(ListMatchTest, AMessageFromBeforeTheClaimIsDoubtfulBeyondTheSlackAndNotOursADayBack) {
  EXPECT_EQ(sight_hello(listed("SM1", "hello", kClaimed - kClockSlack)), Sighting::kOne);
  EXPECT_EQ(sight_hello(listed("SM1", "hello", kClaimed - kClockSlack - 1)), Sighting::kSeveral);
  EXPECT_EQ(sight_hello(listed("SM1", "other", kClaimed - kClockSlack - 1)), Sighting::kNone);
  EXPECT_EQ(sight_hello(listed("SM1", "hello", kClaimed - kClockDoubt - 1)), Sighting::kNone);
  const std::vector<ListedMessage> both = {listed("SM2", "hello", kClaimed),
                                           listed("SM1", "hello", kClaimed - 3'600)};
  EXPECT_EQ(find_hello(both).sighting, Sighting::kOne);
  EXPECT_EQ(find_hello(both, {"SM2"}).sighting, Sighting::kSeveral);
  EXPECT_EQ(find_hello(both, {"SM1", "SM2"}).sighting, Sighting::kNone);
  EXPECT_EQ(sight_hello(listed("SM1", "hello", kClaimed + 36'000)), Sighting::kOne);
}

TEST(ListMatchTest, AnInboundMessageIsNotOurs) {
  ListedMessage message = listed("SM1", "hello", kClaimed);
  message.direction = "inbound";
  EXPECT_EQ(sight_hello(message), Sighting::kNone);
  for (const char* direction : {"outbound-api", "outbound-reply", "outbound-call", ""}) {
    message.direction = direction;
    EXPECT_EQ(sight_hello(message), Sighting::kOne) << direction;
  }
}

TEST(ListMatchTest, ABodyThatSmartEncodingChangedIsOurs) {
  const std::string ours = "don\xE2\x80\x99t \xE2\x80\x9Cgo\xE2\x80\x9D";
  const std::vector<ListedMessage> messages = {listed("SM1", "don't \"go\"", kClaimed)};
  EXPECT_EQ(find_match(messages, ours, kClaimed, {}).sighting, Sighting::kOne);
  EXPECT_EQ(find_match(messages, "don't go", kClaimed, {}).sighting, Sighting::kNone);
}

TEST(ListMatchTest, ATrialAccountsPrefixIsNotPartOfTheBody) {
  EXPECT_EQ(sight_hello(listed("SM1", "Sent from your Twilio trial account - hello", kClaimed)),
            Sighting::kOne);
  EXPECT_EQ(sight_hello(listed("SM1", "Sent from your Twilio trial account - hi", kClaimed)),
            Sighting::kNone);
}

TEST(ListMatchTest, WhatTwilioWithholdsNeverMakesAMessageAbsent) {
  EXPECT_EQ(sight_hello(listed("SM1", "", kClaimed)), Sighting::kOne);
  EXPECT_EQ(sight_hello(listed("SM1", "hello", std::nullopt)), Sighting::kOne);
}

TEST(ListMatchTest, PagingEndsAtAMessageOlderThanTheClaim) {
  const std::int64_t older = kClaimed - kClockDoubt - 1;
  const ListPage reaches = {{listed("SM2", "a", kClaimed), listed("SM1", "b", older)}, "/next"};
  EXPECT_TRUE(page_reaches_before(reaches, kClaimed));
  const ListPage at_the_edge = {{listed("SM1", "b", older + 1)}, "/next"};
  EXPECT_FALSE(page_reaches_before(at_the_edge, kClaimed));
  EXPECT_FALSE(page_reaches_before({}, kClaimed));
}

TEST(ListMatchTest, APageInAnotherOrderNeverEndsTheSearch) {
  const std::int64_t older = kClaimed - kClockDoubt - 1;
  EXPECT_FALSE(page_reaches_before(
      {{listed("SM1", "a", older - 1), listed("SM2", "b", older)}, "/next"}, kClaimed));
  EXPECT_FALSE(page_reaches_before(
      {{listed("SM1", "a", std::nullopt), listed("SM2", "b", older)}, "/next"}, kClaimed));
  EXPECT_FALSE(page_reaches_before(
      {{listed("SM1", "a", kClaimed), listed("SM2", "b", std::nullopt)}, "/next"}, kClaimed));
  EXPECT_TRUE(page_reaches_before({{listed("SM1", "a", older), listed("SM2", "b", older)}, "/next"},
                                  kClaimed));
}

TEST(ListMatchTest, AbsenceNeedsTwoListingsAndTheLastOneLateEnough) {
  constexpr std::int64_t kLeaseEnd = 1'000;
  constexpr std::int64_t kLimit = 600;
  const auto judge = [&](int count, std::int64_t last) {
    return judge_absence({count, last}, kLeaseEnd, kLimit);
  };
  EXPECT_EQ(judge(2, 1'601), AbsenceVerdict::kBelieved);
  EXPECT_EQ(judge(3, 9'999), AbsenceVerdict::kBelieved);
  EXPECT_EQ(judge(2, 1'600), AbsenceVerdict::kLookAgain) << "later than the limit, not at it";
  EXPECT_EQ(judge(9, 1'500), AbsenceVerdict::kLookAgain) << "all of them too early";
  EXPECT_EQ(judge(1, 9'999), AbsenceVerdict::kLookAgain) << "one is no proof";
  EXPECT_EQ(judge(0, 0), AbsenceVerdict::kLookAgain);
}

// Giving up

constexpr std::int64_t kLimit = 900;

// How many of these listings, made at such times, count.
Inconclusive count_all(const std::vector<std::int64_t>& times) {
  Inconclusive listings;
  for (const std::int64_t time : times)
    listings = count_inconclusive(listings, Sighting::kNone, time, kLimit);
  return listings;
}

TEST(ListMatchTest, ListingsCountOnceALimit) {
  EXPECT_EQ(count_all({}).count, 0);
  EXPECT_EQ(count_all({5}).count, 1);
  EXPECT_EQ(count_all({5, 6, 7, 904}).count, 1) << "all within the limit";
  EXPECT_EQ(count_all({5, 6, 905}).count, 2);
  EXPECT_EQ(count_all({5, 6, 905}).counted_at, 905);
  EXPECT_EQ(count_all({5, 905, 1'804}).count, 2) << "counted from the one before";
  EXPECT_EQ(count_all({5, 100 * kLimit}).count, 2) << "time in which nobody asked";
}

TEST(ListMatchTest, GivingUpNeedsListingsThatAreSpreadOverTheTime) {
  std::vector<std::int64_t> a_second_apart;
  for (std::int64_t time = 1; time <= 10 * kLimit; ++time)
    a_second_apart.push_back(time);
  EXPECT_FALSE(is_given_up(count_all(a_second_apart), Sighting::kNone));
  a_second_apart.push_back(10 * kLimit + 1);
  EXPECT_TRUE(is_given_up(count_all(a_second_apart), Sighting::kNone));
  EXPECT_FALSE(is_given_up(count_all({1, 20 * kLimit}), Sighting::kNone)) << "held in between";
}

// Listings of both kinds, in turn, until the message is given up.
int listings_until_given_up(const std::vector<Sighting>& kinds, std::int64_t apart) {
  Inconclusive listings;
  for (int made = 1; made < 1'000; ++made) {
    const Sighting kind = kinds[static_cast<std::size_t>(made - 1) % kinds.size()];
    listings = count_inconclusive(listings, kind, made * apart, kLimit);
    if (is_given_up(listings, kind)) return made;
  }
  return 0;
}

TEST(ListMatchTest, SeveralMatchesStaySeveralForALimit) {
  const Sighting several = Sighting::kSeveral;
  const Sighting unreadable = Sighting::kNone;
  EXPECT_EQ(listings_until_given_up({several}, kLimit), 2);
  EXPECT_EQ(listings_until_given_up({several}, kLimit / 2), 3);
  EXPECT_EQ(listings_until_given_up({several, unreadable}, kLimit), 3);
  EXPECT_EQ(listings_until_given_up({unreadable, several}, kLimit), 4);
  EXPECT_EQ(listings_until_given_up({unreadable, unreadable, unreadable, several}, kLimit), 8);
  EXPECT_EQ(listings_until_given_up({unreadable}, kLimit), 11);
}

}  // namespace
}  // namespace coach_sms
