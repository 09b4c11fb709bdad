#include "pg/sender/duties.hpp"

#include "pg/base/statement.hpp"
#include "pg/sender/sender_steps.hpp"
#include "pg/shared/shared_state.hpp"

// The duty of the pass over bookings: sms_schedule_pass() in sql/install/50_bookings/62_pass.sql.

namespace coach_sms {

namespace {

constexpr int64 kPause = USECS_PER_MINUTE;
// Bookings in one step: each takes about a millisecond, and the sender does nothing else meanwhile.
constexpr int kAtOnce = 100;

struct {
  TimestampTz looked_at;
  TimestampTz unreadable_until;  // reading them ended the earlier sender
  bool more;                     // the latest pass left some bookings for the next one
} bookings;

// Logs each problem once, however many passes it fails. nullptr: there is none now.
void log_problem(const char* problem) {
  static char logged[256];
  if (problem == nullptr) {
    logged[0] = '\0';
  } else if (strncmp(logged, problem, sizeof logged - 1) != 0) {
    ereport(LOG,
            (errmsg("the attached bookings cannot be read: %s", problem),
             errhint("No reminders are made until then. sms_doctor() says whether this lasts.")));
    strlcpy(logged, problem, sizeof logged);
  }
}

void pass_over_bookings(void* state) {
  static Statement pass{"SELECT more, problem FROM @internal@.sms_schedule_pass($1)", {INT4OID}};
  auto* sender = static_cast<Sender*>(state);
  bookings.looked_at = GetCurrentTimestamp();
  bookings.more = false;
  if (sender->mode == Mode::kNotArmed) return;
  pass.run(kAtOnce);
  bookings.more = bool_column(0, 1);
  log_problem(text_column(0, 2));
}

void skip_until(TimestampTz now) {
  bookings.looked_at = now;
  bookings.unreadable_until = now + USECS_PER_MINUTE;
}

// Resets the state. The pass and the pre-send check run code of the application, which may have
// ended the earlier sender. Bookings are then not read for a minute.
void begin() {
  bookings = {};
  if (earlier_sender_ended_while(kBookingsDuty.name) || earlier_sender_ended_while(kCheckDuty.name))
    skip_until(GetCurrentTimestamp());
}

// Returns a minute after the latest pass, or `now` where that pass left bookings or the clock was
// set back.
TimestampTz next_at(const Sender&, TimestampTz now) {
  if (bookings.more || bookings.looked_at > now) return now;
  return bookings.looked_at + kPause;
}

bool run(Sender* sender) {
  step(sender, kBookingsDuty.name, pass_over_bookings);
  return true;
}

void clock_set_back(Sender*, TimestampTz now) {
  if (bookings.unreadable_until > now)
    skip_until(now);
  else
    bookings.looked_at = bookings.unreadable_until = 0;
}

}  // namespace

const Duty kBookingsDuty{"looking for bookings", begin, next_at, run, clock_set_back};

bool bookings_are_unreadable() {
  return GetCurrentTimestamp() < bookings.unreadable_until;
}

}  // namespace coach_sms
