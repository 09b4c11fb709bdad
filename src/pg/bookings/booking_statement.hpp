#pragma once

#include "pg/bookings/booking_source.hpp"

namespace coach_sms {

// A statement of the attached relations: its plan is kept until the attachment changes, and then
// left where it is, since it may be running further out: the application's code runs within.
struct BookingStatement {
  char* sql;
  SPIPlanPtr plan;
};

// Runs it as the owner of the bookings, with these values; results are in SPI_tuptable. In the
// sender it raises SM021 after two seconds. Needs SPI.
void run_as(const BookingSource& source, BookingStatement* statement, const char* sql, int count,
            Oid* types, Datum* values);

// While set, code of the application's is running in a sender: a request to end (SIGTERM) cancels
// it, and the step with it, so that answers in hand are recorded as ever.
extern volatile sig_atomic_t running_application_code;

}  // namespace coach_sms
