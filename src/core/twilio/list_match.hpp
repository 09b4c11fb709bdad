#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/twilio/twilio_message.hpp"

namespace coach_sms {

// Finding out whether Twilio took a message whose outcome is unknown, by looking for it among
// Twilio's own (list_request by To). All times are seconds since 1970.

// Twilio stamps a Message by its own clock and in whole seconds, we stamp a claim by ours. Five
// minutes cover a server whose clock is badly kept, and are still short enough that a text of the
// same wording to the same person from before the claim is rarely among what is looked at.
inline constexpr std::int64_t kClockSlack = 5 * 60;
// And where our clock was ahead by hours when we claimed (a machine that took local time for UTC)?
// Then ours was made before the claim. A text of our wording that nobody of ours knows is taken for
// a reason to doubt, for a day back.
inline constexpr std::int64_t kClockDoubt = 24 * 60 * 60;

// kSeveral: more than one that it could be, or one only if our clock was wrong.
enum class Sighting { kNone, kOne, kSeveral };

struct Match {
  Sighting sighting = Sighting::kNone;
  const ListedMessage* message = nullptr;  // into the listed messages; set for kOne only
};

// Looks for our message among `listed`: not inbound, created no earlier than claimed_at minus the
// slack, its sid not among known_sids (those of our other messages), and with our body. Bodies are
// equal if smart encoding makes them equal, and without the line that Twilio puts before a trial
// account's texts. Where Twilio leaves something out (no date, no direction, a body withheld by
// ContentRetention), the message stays a candidate: better not resent than sent twice.
Match find_match(const std::vector<ListedMessage>& listed, std::string_view body,
                 std::int64_t claimed_at, const std::vector<std::string>& known_sids);

// Whether no later page needs to be read: this page runs from new to old and its last message is
// older than the claim by kClockDoubt. Twilio lists so in practice but does not promise it, hence a
// page in another order never ends the search early.
bool page_reaches_before(const ListPage& page, std::int64_t claimed_at);

// What is known of the listings that were read to their end and showed nothing.
struct EmptyListings {
  int count = 0;
  std::int64_t last_started_at = 0;  // when the last one's first request was made
};

enum class AbsenceVerdict { kLookAgain, kBelieved };

// An empty list is no proof by itself: lists lag, and bytes outlive the process that wrote them.
// Absence is believed after two of them, the last one begun more than reconcile_limit_s after the
// lease ended.
AbsenceVerdict judge_absence(const EmptyListings& listings, std::int64_t lease_ended_at,
                             std::int64_t reconcile_limit_s) noexcept;

// Listings in a row that were made and settled nothing. They are counted once a reconcile_limit, so
// that a count stands for as many limits in which Twilio's list was asked. A list that nobody could
// ask counts for nothing. Microseconds.
struct Inconclusive {
  int count = 0;
  std::int64_t counted_at = 0;
  bool several = false;  // one of those counted showed several matches
};

// The first listing that shows several matches begins a new count; a list that cannot be read after
// it goes on with that count, so that no change between the two goes on for ever.
Inconclusive count_inconclusive(const Inconclusive& before, Sighting sighting, std::int64_t now,
                                std::int64_t reconcile_limit) noexcept;

// Whether the message is given up: several matches stay several for one limit, a list stays
// unreadable for ten.
bool is_given_up(const Inconclusive& listings, Sighting sighting) noexcept;

}  // namespace coach_sms
