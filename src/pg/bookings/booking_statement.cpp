#include "pg/base/cpp_boundary.hpp"

#include "pg/bookings/booking_statement.hpp"

#include "pg/workers/worker.hpp"

namespace coach_sms {

volatile sig_atomic_t running_application_code = 0;

namespace {

void prepare(BookingStatement* statement, const char* sql, int count, Oid* types) {
  if (statement->sql != nullptr && strcmp(statement->sql, sql) == 0) return;
  SPIPlanPtr fresh = SPI_prepare(sql, count, types);
  if (fresh == nullptr)
    elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
  char* copy = MemoryContextStrdup(TopMemoryContext, sql);
  SPI_keepplan(fresh);
  *statement = {copy, fresh};
}

void run(BookingStatement* statement, const char* sql, int count, Oid* types, Datum* values) {
  prepare(statement, sql, count, types);
  const int result = SPI_execute_plan(statement->plan, values, nullptr, false, 0);
  if (result < 0) elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(result));
}

// Milliseconds. The sender sends nothing while it reads, and a slow view must not delay all texts.
constexpr int kLongestRead = 2000;

[[noreturn]] void raise_slow() {
  FlushErrorState();
  ereport(ERROR,
          (errcode(kBadBookings), errmsg("reading bookings took longer than %d ms", kLongestRead),
           errdetail("The sender reads them between its requests, and must not wait for long."),
           errhint("Make the attached view faster, or index its start and end times.")));
}

// Ends the process, when the timeout did not end the application's code: such code may catch a
// cancel, but it cannot catch this. Messages in flight become unknown, as after a crash.
void end_process() {
  ProcDiePending = 1;
  InterruptPending = 1;
  SetLatch(MyLatch);
}

TimeoutId much_too_long = MAX_TIMEOUTS;

void begin_others_code() {
  if (much_too_long == MAX_TIMEOUTS) much_too_long = RegisterTimeout(USER_TIMEOUT, end_process);
  running_application_code = 1;
  enable_timeout_after(STATEMENT_TIMEOUT, kLongestRead);
  enable_timeout_after(much_too_long, 5 * kLongestRead);
}

void end_others_code() {
  running_application_code = 0;
  disable_timeout(much_too_long, false);
  disable_timeout(STATEMENT_TIMEOUT, false);
}

}  // namespace

void run_as(const BookingSource& source, BookingStatement* statement, const char* sql, int count,
            Oid* types, Datum* values) {
  // Within another one, in a trigger of the application, the limits of the outer one count.
  const bool is_sender = OidIsValid(worker_context()->extension) && running_application_code == 0;
  const SecurityContext caller = act_as_bookings_owner(source);
  if (is_sender) {
    PG_TRY();
    {
      begin_others_code();
      run(statement, sql, count, types, values);
      end_others_code();
    }
    PG_CATCH();
    {
      end_others_code();
      // A cancel because the sender is to end passes every handler, and so ends the step.
      if (geterrcode() == ERRCODE_QUERY_CANCELED && !should_stop()) raise_slow();
      PG_RE_THROW();
    }
    PG_END_TRY();
  } else {
    run(statement, sql, count, types, values);
  }
  restore_context(caller);
}

}  // namespace coach_sms
