#include "pg/sender/duties.hpp"

#include "pg/base/ids.hpp"
#include "pg/messages/event_effect.hpp"
#include "pg/sender/sender_steps.hpp"

// The duty that suppresses recipients that Twilio refused. It has a step of its own, since it may
// wait for locks, and recording must not.

namespace coach_sms {

namespace {

// A message that Twilio rejected.
struct Refusal {
  pg_uuid_t message_id;
  char code[12];
};

constexpr int kMostRefusals = 64;

Refusal refusals[kMostRefusals];
int refusal_count;

bool is_refusal(const AttemptResult& row) {
  return row.outcome == Outcome::kRejected && !row.sandbox && row.recorded &&
         row.error_code != nullptr && strlen(row.error_code) < sizeof(Refusal::code);
}

void suppress(void*) {
  for (int i = 0; i < refusal_count; ++i)
    suppress_if_permanent(refusals[i].message_id, refusals[i].code);
}

void begin() {
  refusal_count = 0;
}

TimestampTz next_at(const Sender&, TimestampTz now) {
  return refusal_count > 0 ? now : DT_NOEND;
}

bool run(Sender* sender) {
  step(sender, kRefusalsDuty.name, suppress);
  refusal_count = 0;
  return true;
}

}  // namespace

const Duty kRefusalsDuty{"suppressing refused numbers", begin, next_at, run, nullptr};

// Notes the rejected messages. Losing one is harmless: Twilio will refuse the number again.
void note_refusals(const AttemptResult* rows, int count) {
  for (int i = 0; i < count && refusal_count < kMostRefusals; ++i) {
    if (!is_refusal(rows[i])) continue;
    Refusal& refusal = refusals[refusal_count++];
    refusal.message_id = to_pg(rows[i].message);
    strlcpy(refusal.code, rows[i].error_code, sizeof refusal.code);
  }
}

}  // namespace coach_sms
