#include "pg/sender/duties.hpp"

#include "pg/messages/waiting_events.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/sender/unsettled.hpp"

// The duty that applies callbacks that came too early or met a lock.

namespace coach_sms {

namespace {

bool is_wanted;

void apply(void*) {
  apply_waiting_events();
}

void begin() {
  is_wanted = false;
}

TimestampTz next_at(const Sender&, TimestampTz now) {
  return is_wanted ? now : DT_NOEND;
}

bool run(Sender* sender) {
  is_wanted = false;
  step(sender, kWaitingEventsDuty.name, apply);
  return true;
}

}  // namespace

const Duty kWaitingEventsDuty{"applying callbacks that waited", begin, next_at, run, nullptr};

void try_waiting_events_again() {
  is_wanted = events_wait();
}

}  // namespace coach_sms
