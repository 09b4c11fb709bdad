#pragma once

#include "pg/tables/table.hpp"

namespace coach_sms {

// The lists of numbers to which nothing may go, open to read. This is the one home of the rule for
// messages.
class Suppression {
 public:
  void open(Command* command);
  void close();

  // Returns whether nothing may go from the org to the person of the number (E.164): the number is
  // on the org's list, or the person said STOP to the account and sender that the message would
  // use. `from_phone` is the message's own sender; nullptr or "": the org's.
  bool contains(const pg_uuid_t& org_id, const char* from_phone, text* phone);

 private:
  Table list_;   // sms_suppression
  Table stops_;  // sms_opt_outs
};

// Returns the same for one message.
bool is_suppressed(const pg_uuid_t& org_id, const char* from_phone, text* phone, Command* command);

}  // namespace coach_sms
