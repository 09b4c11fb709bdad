#include "core/twilio/list_match.hpp"

#include <algorithm>

#include "core/text/smart_encoding.hpp"

namespace coach_sms {
namespace {

// Twilio puts this in front of a trial account's texts. It was seen in recorded answers in public
// code.
constexpr std::string_view kTrialPrefix = "Sent from your Twilio trial account - ";

std::string_view without_trial_prefix(std::string_view body) {
  const bool has_prefix = body.substr(0, kTrialPrefix.size()) == kTrialPrefix;
  return has_prefix ? body.substr(kTrialPrefix.size()) : body;
}

// The search goes on for this many times reconcile_limit.
constexpr int kLimitsOfSeveral = 1;
constexpr int kLimitsUnreadable = 10;

bool same_body(std::string_view listed, std::string_view ours) {
  if (listed.empty() || listed == ours) return true;
  const std::string_view text = without_trial_prefix(listed);
  return text == ours || smart_encode(text) == smart_encode(ours);
}

bool may_be_ours(const ListedMessage& message, std::string_view body, std::int64_t claimed_at,
                 const std::vector<std::string>& known_sids) {
  if (message.direction == "inbound") return false;
  if (message.created_at && *message.created_at < claimed_at - kClockDoubt) return false;
  const bool known =
      std::find(known_sids.begin(), known_sids.end(), message.sid) != known_sids.end();
  return !known && same_body(message.body, body);
}

}  // namespace

Match find_match(const std::vector<ListedMessage>& listed, std::string_view body,
                 std::int64_t claimed_at, const std::vector<std::string>& known_sids) {
  Match match;
  bool in_doubt = false;
  for (const ListedMessage& message : listed) {
    if (!may_be_ours(message, body, claimed_at, known_sids)) continue;
    if (message.created_at && *message.created_at < claimed_at - kClockSlack) {
      in_doubt = true;
      continue;
    }
    // Pages overlap when a Message is made between two requests.
    if (match.message && match.message->sid == message.sid) continue;
    if (match.sighting != Sighting::kNone) return {Sighting::kSeveral, nullptr};
    match = {Sighting::kOne, &message};
  }
  if (in_doubt && match.sighting == Sighting::kNone) match.sighting = Sighting::kSeveral;
  return match;
}

bool page_reaches_before(const ListPage& page, std::int64_t claimed_at) {
  if (page.messages.empty()) return false;
  const auto out_of_order = [](const ListedMessage& earlier, const ListedMessage& later) {
    return !earlier.created_at || !later.created_at || *earlier.created_at < *later.created_at;
  };
  const bool runs_backwards = std::adjacent_find(page.messages.begin(), page.messages.end(),
                                                 out_of_order) == page.messages.end();
  const auto& last = page.messages.back().created_at;
  return runs_backwards && last && *last < claimed_at - kClockDoubt;
}

AbsenceVerdict judge_absence(const EmptyListings& listings, std::int64_t lease_ended_at,
                             std::int64_t reconcile_limit_s) noexcept {
  const bool late_enough = listings.last_started_at - lease_ended_at > reconcile_limit_s;
  return listings.count >= 2 && late_enough ? AbsenceVerdict::kBelieved
                                            : AbsenceVerdict::kLookAgain;
}

Inconclusive count_inconclusive(const Inconclusive& before, Sighting sighting, std::int64_t now,
                                std::int64_t reconcile_limit) noexcept {
  if (sighting == Sighting::kSeveral && !before.several) return {1, now, true};
  const bool counts = before.count == 0 || now - before.counted_at >= reconcile_limit;
  return counts ? Inconclusive{before.count + 1, now, before.several} : before;
}

bool is_given_up(const Inconclusive& listings, Sighting sighting) noexcept {
  return listings.count > (sighting == Sighting::kSeveral ? kLimitsOfSeveral : kLimitsUnreadable);
}

}  // namespace coach_sms
