#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/twilio/twilio_message.hpp"

namespace coach_sms {

// Reconciles a message whose outcome is unknown: it searches Twilio's list (list_request by To) for
// our message. All times are seconds since 1970 unless a comment says otherwise.

// Twilio stamps a Message by its own clock in whole seconds; we stamp a claim by ours. Five minutes
// cover a badly kept clock. They are also short: an earlier text of the same wording to the same
// person is rarely among the candidates.
inline constexpr std::int64_t kClockSlack = 5 * 60;
// Our clock may have been ahead by hours at the claim (a machine that took local time for UTC).
// Then our Message is older than the claim. So an unknown text of the same wording is a reason to
// doubt for a day back.
inline constexpr std::int64_t kClockDoubt = 24 * 60 * 60;

// kSeveral: several Messages can be ours, or one can be ours only if our clock was wrong.
enum class Sighting { kNone, kOne, kSeveral };

struct Match {
  Sighting sighting = Sighting::kNone;
  const ListedMessage* message = nullptr;  // points into the listed messages; set for kOne only
};

// Searches `listed` for our message. A match is not inbound, was created no earlier than claimed_at
// minus kClockSlack, and has our body. Its SID is not among known_sids, the SIDs of our other
// messages. Bodies also match if smart encoding makes them equal, or without the prefix of a trial
// account's texts. Twilio may leave a field out (no date, no direction, a body withheld by
// ContentRetention). The message then stays a candidate: not to send again is better than to send
// twice.
Match find_match(const std::vector<ListedMessage>& listed, std::string_view body,
                 std::int64_t claimed_at, const std::vector<std::string>& known_sids);

// Returns whether no later page needs to be read. This page then runs from new to old, and its last
// message is older than the claim by more than kClockDoubt. Twilio lists in this order but does not
// promise it, so a page in another order never ends the search early.
bool page_reaches_before(const ListPage& page, std::int64_t claimed_at);

// The listings that were read to their end and held no match.
struct EmptyListings {
  int count = 0;
  std::int64_t last_started_at = 0;  // when the first request of the last one was made
};

enum class AbsenceVerdict { kLookAgain, kBelieved };

// Judges whether the message is absent. One empty listing is no proof: lists lag, and bytes outlive
// the process that wrote them. Two empty listings prove absence if the last one began more than
// reconcile_limit_s (seconds) after the lease ended.
AbsenceVerdict judge_absence(const EmptyListings& listings, std::int64_t lease_ended_at,
                             std::int64_t reconcile_limit_s) noexcept;

// Listings in a row that were made and settled nothing. They are counted once in each
// reconcile_limit, so a count of n stands for n such spans in which Twilio's list was requested. A
// listing that could not be made does not count. Microseconds.
struct Inconclusive {
  int count = 0;
  std::int64_t counted_at = 0;
  bool several = false;  // one of those counted showed several matches
};

// Returns the count after one more such listing. The first listing that shows several matches
// begins a new count. An unreadable listing after it continues that count, so that alternation
// between the two comes to an end.
Inconclusive count_inconclusive(const Inconclusive& before, Sighting sighting, std::int64_t now,
                                std::int64_t reconcile_limit) noexcept;

// Returns whether the message is given up: after one reconcile_limit of listings with several
// matches, or after ten of unreadable listings.
bool is_given_up(const Inconclusive& listings, Sighting sighting) noexcept;

}  // namespace coach_sms
