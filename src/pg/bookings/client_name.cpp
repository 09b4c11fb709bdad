#include "pg/base/cpp_boundary.hpp"

#include "pg/base/statement.hpp"
#include "pg/bookings/booking_source.hpp"
#include "pg/bookings/booking_statement.hpp"
#include "pg/tenancy/tenancy.hpp"

// The names of the application's clients, for the views of the office.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_client_name);
}

using namespace coach_sms;

namespace {

const char* name_column(const BookingSource& source) {
  const char* full = source.full_name;
  const char* first = source.first_name;
  if (full != nullptr && first != nullptr)
    return psprintf("coalesce(c.%s::text, c.%s::text)", full, first);
  return psprintf("c.%s::text", full != nullptr ? full : first);
}

// Returns the name in `result`, or nullptr where there is no such client. Needs SPI.
char* read_name(const pg_uuid_t& org_id, const pg_uuid_t& client_id, MemoryContext result) {
  static BookingStatement statement;
  BookingSource source;
  if (!read_booking_source(&source)) return nullptr;
  Oid types[] = {UUIDOID, UUIDOID};
  Datum values[] = {UUIDPGetDatum(&client_id), UUIDPGetDatum(&org_id)};
  const char* sql = psprintf(
      "SELECT %s FROM %s c WHERE c.%s OPERATOR(pg_catalog.=) $1"
      " AND c.%s OPERATOR(pg_catalog.=) $2",
      name_column(source), source.clients_name, source.client_key, source.client_org);
  run_as(source, &statement, sql, 2, types, values);
  const char* name = SPI_processed == 0 ? nullptr : text_column(0, 1);
  return name == nullptr ? nullptr : MemoryContextStrdup(result, name);
}

// Returns whether the error says that the application's relations are not what they were: gone,
// refused, or with values that are no names.
bool is_of_application(int sqlstate) {
  const int category = ERRCODE_TO_CATEGORY(sqlstate);
  return sqlstate == kBadBookings ||
         category == ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION) ||
         category == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION);
}

// As read_name(), as coach_sms_owner. Returns nullptr where the application's relations cannot be
// read: the office's messages are there all the same, and sms_doctor() tells of the error.
char* read_name_or_null(const pg_uuid_t& org_id, const pg_uuid_t& client_id) {
  MemoryContext caller = CurrentMemoryContext;
  ResourceOwner owner = CurrentResourceOwner;
  char* volatile name = nullptr;
  BeginInternalSubTransaction(nullptr);
  PG_TRY();
  {
    const SecurityContext rights = switch_to(owner_role());
    SPI_connect();
    name = read_name(org_id, client_id, caller);
    SPI_finish();
    restore_context(rights);
    ReleaseCurrentSubTransaction();
  }
  PG_CATCH();
  {
    if (!is_of_application(geterrcode())) PG_RE_THROW();
    FlushErrorState();
    RollbackAndReleaseCurrentSubTransaction();
    name = nullptr;
  }
  PG_END_TRY();
  MemoryContextSwitchTo(caller);
  CurrentResourceOwner = owner;
  return name;
}

bool may_see(const pg_uuid_t& org_id) {
  SPI_connect();
  const bool result = acts_for_org(calling_role(), org_id);
  SPI_finish();
  return result;
}

}  // namespace

// sms_client_name(org_id, client_id) → text: the name of a client of the org, in the attached
// bookings; NULL where there is none, or the current user does not belong to the org
Datum coach_sms_client_name(PG_FUNCTION_ARGS) {
  use_schema_of(fcinfo);
  const pg_uuid_t& org_id = *PG_GETARG_UUID_P(0);
  char* name = may_see(org_id) ? read_name_or_null(org_id, *PG_GETARG_UUID_P(1)) : nullptr;
  if (name == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(cstring_to_text(name));
}
