#pragma once

#include "pg/tables/table.hpp"

namespace coach_sms {

// Returns whether nothing may go from the org to the person of the number (E.164): the number is on
// the org's list, or the person said STOP to the account and sender that the message would use.
// `from_phone` is the message's own sender; nullptr or "": the org's. It is the one home of this
// rule for messages; sms_sends_as() in SQL says which sender a message would use.
// Needs SPI_connect.
bool is_suppressed(const pg_uuid_t& org_id, const char* from_phone, text* phone, Command* command);

}  // namespace coach_sms
