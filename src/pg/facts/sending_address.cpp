#include "core/twilio/sender_address.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/facts/sending_address.hpp"

#include "pg/settings.hpp"
#include "pg/tables/definitions.hpp"

// The sending address for SQL: sms_sending_address(org_id, from_phone).

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_sending_address);
}

using namespace coach_sms;

namespace {

// Returns the sender in the form by which senders are compared; numbers are read in the org's
// region.
char* comparable(const char* sender, const Row& row) {
  if (sender[0] == '\0') return pstrdup("");
  const std::string_view given = utf8_view(sender);
  const char* region = row.copy_text(org_settings::kDefaultRegion, "");
  char* address = nullptr;
  raise_if(run_cpp([&] { address = copy_out(sender_address(given, region)); }));
  return text_to_cstring(text_from_utf8(address));
}

}  // namespace

namespace coach_sms {

char* account_of_org(const Row& row) {
  return row.has_text(org_settings::kTwilioAccountSid)
             ? row.copy_text(org_settings::kTwilioAccountSid, "")
             : pstrdup(settings::twilio_account_sid());
}

SendingAddress address_of_org(const Row& row) {
  namespace column = org_settings;
  SendingAddress address{account_of_org(row), row.copy_text(column::kTwilioMessagingServiceSid, ""),
                         row.copy_text(column::kTwilioPhoneNumber, "")};
  if (address.sender()[0] == '\0') {
    address.messaging_service_sid = pstrdup(settings::twilio_messaging_service_sid);
    address.from = pstrdup(settings::twilio_phone_number);
  }
  address.from = comparable(address.from, row);
  return address;
}

bool find_address(const pg_uuid_t& org_id, const char* from_phone, SendingAddress* address) {
  bool found = false;
  read_rows(&org_settings::table, {{org_settings::kOrgId, Parameter(org_id)}}, [&](const Row& row) {
    found = true;
    *address = address_of_org(row);
    if (from_phone == nullptr || from_phone[0] == '\0') return;
    address->messaging_service_sid = pstrdup("");
    address->from = comparable(from_phone, row);
  });
  return found;
}

}  // namespace coach_sms

// sms_sending_address(org_id, from_phone) → (account_sid, sender); NULL where there is none
Datum coach_sms_sending_address(PG_FUNCTION_ARGS) {
  use_schema_of(fcinfo);
  SendingAddress address{};
  if (PG_ARGISNULL(0) ||
      !find_address(*PG_GETARG_UUID_P(0),
                    PG_ARGISNULL(1) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(1)), &address))
    PG_RETURN_NULL();
  TupleDesc columns;
  if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
    elog(ERROR, "return type must be a row type");
  const char* sender = address.sender();
  bool nulls[2] = {address.account_sid[0] == '\0', sender[0] == '\0'};
  Datum values[2] = {CStringGetTextDatum(address.account_sid), CStringGetTextDatum(sender)};
  PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls)));
}
