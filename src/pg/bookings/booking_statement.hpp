#pragma once

#include "pg/bookings/booking_source.hpp"

namespace coach_sms {

// A statement on the attached relations. Its plan is kept until the attachment changes. The old
// plan is not freed then, since an outer call may be running it: the application's code runs
// within.
struct BookingStatement {
  char* sql;
  SPIPlanPtr plan;
};

// Runs the statement as the owner of the bookings. Results are in SPI_tuptable. In the sender it
// raises SM021 after 2 s, and ends the process after 10 s. Needs SPI.
void run_as(const BookingSource& source, BookingStatement* statement, const char* sql, int count,
            Oid* types, Datum* values);

// Set while code of the application runs in a sender. A request to end (SIGTERM) then cancels that
// code and its step, so that the answers in hand are still recorded.
extern volatile sig_atomic_t running_application_code;

}  // namespace coach_sms
