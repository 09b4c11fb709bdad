#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// What enqueueing needs to know of an org.
struct OrgFacts {
  pg_uuid_t org_id;
  bool known;
  bool enabled;
  bool has_sender;             // the org's or the server's Messaging Service or number
  bool has_account;            // the org's or the server's account and token
  char region[3];              // for numbers without a country code
  int max_segments;            // of a message; 0: no limit
  int max_per_client_per_day;  // messages; -1: no limit
};

// The newest active version of one of its templates.
struct TemplateFacts {
  pg_uuid_t org_id;
  char key[128];
  bool known;
  pg_uuid_t id;
  char* body;  // UTF-8; lives until the next look-up
};

// All are read once a statement and remembered until the statement ends: a bulk enqueue reads
// its org once. A change by the session itself (a trigger calls forget_cached) or the end of a
// (sub)transaction makes the next call read again. Needs SPI_connect.
const OrgFacts* find_org(const pg_uuid_t& org_id);
const TemplateFacts* find_template(const pg_uuid_t& org_id, const char* key);
// What the hashes of erased people's numbers are salted with; nullptr: nobody was erased yet, and
// nothing is hashed.
const bytea* find_phone_salt();

// Whether the database was made live, armed or not: else messages are marked `sandbox`. After
// pg_upgrade, say, it is not armed before the next sms_go_live(), and what was enqueued until then
// waits for that. Remembered like the facts above.
bool database_is_live();

void forget_cached();

// Registers the callbacks that forget at the end of transactions; called once from _PG_init.
void define_enqueue_cache();

}  // namespace coach_sms
