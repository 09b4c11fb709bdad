#include "pg/sender/sender_steps.hpp"

#include "pg/base/statement.hpp"

// The pass over bookings. What is due, and what becomes of it, is decided in SQL
// (sql/install/50_bookings: 40_outlook.sql, 46_making.sql, 60_schedule.sql).

namespace coach_sms {

namespace {

constexpr int64 kPause = USECS_PER_MINUTE;
// A booking takes about a millisecond, and the sender does nothing else meanwhile.
constexpr int kAtOnce = 100;

// A view that fails each minute is told of once.
void log_problem(const char* problem) {
  static char told[256];
  if (problem == nullptr) {
    told[0] = '\0';
  } else if (strncmp(told, problem, sizeof told - 1) != 0) {
    ereport(LOG, (errmsg("the attached bookings cannot be read: %s", problem),
                  errhint("No reminders are made meanwhile. sms_doctor() says whether it lasts.")));
    strlcpy(told, problem, sizeof told);
  }
}

}  // namespace

void bookings_step(void* state) {
  static Statement pass{"SELECT more, problem FROM @internal@.sms_schedule_pass($1)", {INT4OID}};
  auto* sender = static_cast<Sender*>(state);
  sender->bookings_looked_at = GetCurrentTimestamp();
  sender->more_bookings = false;
  if (sender->mode == Mode::kNotArmed) return;
  pass.run({Int32GetDatum(kAtOnce)});
  sender->more_bookings = bool_column(0, 1);
  log_problem(text_column(0, 2));
}

// A clock that was set back makes no pause longer.
TimestampTz next_bookings(const Sender& sender, TimestampTz now) {
  if (sender.more_bookings || sender.bookings_looked_at > now) return now;
  return sender.bookings_looked_at + kPause;
}

}  // namespace coach_sms
