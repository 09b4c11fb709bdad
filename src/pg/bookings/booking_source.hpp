#pragma once

#include "pg/base/security_context.hpp"

namespace coach_sms {

// The attached relations of the application, as in sms_bookings_source. All names are quoted
// identifiers, palloc'ed.
struct BookingSource {
  Oid bookings;
  Oid owner;  // of the bookings: all statements run as this role
  const char* schema;
  const char* bookings_name;
  const char* clients_name;
  const char* orgs_name;
  Datum confirmed;  // text[]: the words of the status that mean confirmed
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
  const char* full_name;   // nullptr where first_name replaces it
  const char* first_name;  // nullptr where none is mapped
  const char* phone;
  const char* org_key;
  const char* org_name;
};

// Reads the attachment. Returns false where nothing is attached. Raises SM021 where a relation is
// gone or a view must not be read. Needs SPI.
bool read_booking_source(BookingSource* source);

// Switches to the bookings' owner until restore_context(). Statements then have none of our rights
// and none of the caller's. As in REFRESH MATERIALIZED VIEW (SECURITY_RESTRICTED_OPERATION), SET
// ROLE, temporary tables and deferred triggers are refused. Settings that they change are set back.
SecurityContext act_as_bookings_owner(const BookingSource& source);

}  // namespace coach_sms
