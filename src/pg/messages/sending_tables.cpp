#include "pg/messages/sending_tables.hpp"

namespace coach_sms {

void SendingTables::open() {
  late_results = 0;
  command.begin();
  messages.open(&messages::table, TableUse::kWrite, &command);
  queue.open(&queue::table, TableUse::kWrite, &command);
  in_flight.open(&in_flight::table, TableUse::kWrite, &command);
  has_attempts = false;
}

void SendingTables::open_attempts() {
  if (has_attempts) return;
  attempts.open(&attempts::table, TableUse::kWrite, &command);
  has_attempts = true;
}

void SendingTables::close() {
  if (has_attempts) attempts.close();
  in_flight.close();
  queue.close();
  messages.close();
  command.end();
  if (late_results > 0)
    ereport(LOG, (errmsg("discarded %d late results: their messages were already settled",
                         late_results)));
}

}  // namespace coach_sms
