#include "pg/consent/suppression.hpp"

#include "pg/consent/suppression_keys.hpp"
#include "pg/facts/sending_address.hpp"
#include "pg/tables/definitions.hpp"

namespace coach_sms {

namespace {

bool is_listed(const pg_uuid_t& org_id, Datum key, Table* list) {
  Scan scan;
  scan.begin(list,
             {{suppression::kOrgId, Parameter(org_id)}, {suppression::kPhone, Parameter(key)}});
  const bool found = scan.next();
  scan.end();
  return found;
}

bool sends_as(const pg_uuid_t& org_id, const char* from_phone, const Row& opt_out) {
  SendingAddress address;
  return find_address(org_id, from_phone, &address) &&
         opt_out.text_is(opt_outs::kAccountSid, address.account_sid) &&
         opt_out.text_is(opt_outs::kSender, address.sender());
}

bool has_opted_out(const pg_uuid_t& org_id, const char* from_phone, Datum key, Table* list) {
  Scan scan;
  scan.begin(list, {{opt_outs::kPhone, Parameter(key)}});
  bool found = false;
  while (!found && scan.next())
    found = sends_as(org_id, from_phone, scan.row);
  scan.end();
  return found;
}

}  // namespace

void Suppression::open(Command* command) {
  list_.open(&suppression::table, TableUse::kRead, command);
  stops_.open(&opt_outs::table, TableUse::kRead, command);
}

void Suppression::close() {
  stops_.close();
  list_.close();
}

bool Suppression::contains(const pg_uuid_t& org_id, const char* from_phone, text* phone) {
  for (const Datum key : suppression_keys(phone))
    if (is_listed(org_id, key, &list_) || has_opted_out(org_id, from_phone, key, &stops_))
      return true;
  return false;
}

bool is_suppressed(const pg_uuid_t& org_id, const char* from_phone, text* phone, Command* command) {
  Suppression suppression;
  suppression.open(command);
  const bool found = suppression.contains(org_id, from_phone, phone);
  suppression.close();
  return found;
}

}  // namespace coach_sms
