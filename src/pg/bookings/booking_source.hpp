#pragma once

#include "pg/base/security_context.hpp"

namespace coach_sms {

// The attached relations of the application, as sms_bookings_source has them. Names are quoted.
struct BookingSource {
  Oid bookings;
  Oid owner;  // of the bookings: everything is read and written as this role
  const char* schema;
  const char* bookings_name;
  const char* clients_name;
  const char* orgs_name;
  Datum confirmed;  // text[]: words of the status
  Datum completed;
  const char* id;
  const char* org_id;
  const char* client_id;
  const char* start_time;
  const char* end_time;
  const char* status;
  const char* location;
  const char* reminder_sent;  // nullptr where a view has no such column
  const char* feedback_sent;
  const char* client_key;
  const char* client_org;
  const char* full_name;   // nullptr where first_name stands in for it
  const char* first_name;  // nullptr where none is mapped
  const char* phone;
  const char* org_key;
  const char* org_name;
};

// False where nothing is attached. Raises SM021 where the relations are gone. Needs SPI.
bool read_booking_source(BookingSource* source);

// From here to restore_context() statements run as the bookings' owner, with no right of ours
// and none of the caller's, as REFRESH MATERIALIZED VIEW and index functions run: no SET ROLE, no
// temporary tables, no deferred triggers. What they set is set back.
SecurityContext act_as_bookings_owner(const BookingSource& source);

}  // namespace coach_sms
