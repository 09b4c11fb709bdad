#pragma once

#include "pg/tables/table.hpp"

namespace coach_sms {

// The account and sender by which an org sends: its own, or else the server's. All that sends, or
// judges a STOP, asks here. Texts are palloc'ed, "" where there is none.
struct SendingAddress {
  char* account_sid;
  char* messaging_service_sid;
  char* from;  // a number, short code or name; used where there is no Messaging Service

  // Returns the one text by which senders are compared.
  const char* sender() const {
    return messaging_service_sid[0] != '\0' ? messaging_service_sid : from;
  }
};

// Returns the org's address, and its account alone, by its row of sms_settings.
SendingAddress address_of_org(const Row& row);
char* account_of_org(const Row& row);

// Finds the address of a message of the org. `from_phone` is the message's own sender; nullptr or
// "": the org's. Returns false for an org without settings.
bool find_address(const pg_uuid_t& org_id, const char* from_phone, SendingAddress* address);

}  // namespace coach_sms
