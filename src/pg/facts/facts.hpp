#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The facts of an org that enqueueing needs.
struct OrgFacts {
  pg_uuid_t org_id;
  bool known;
  bool enabled;
  bool has_sender;             // the org or the server has a Messaging Service or a number
  bool has_account;            // the org or the server has an account and a token
  char region[3];              // for numbers without a country code
  int max_segments;            // of a message; 0: no limit
  int max_per_client_per_day;  // messages; -1: no limit
};

// The newest active version of a template of the org.
struct TemplateFacts {
  pg_uuid_t org_id;
  char key[128];
  bool known;
  pg_uuid_t id;
  char* body;  // UTF-8; lives until the next look-up
};

// Return facts that are read once a statement, so that a bulk enqueue reads its org once. A change
// by the session itself (a trigger calls forget_cached()) or the end of a (sub)transaction makes
// the next call read again. The results are borrowed until the next call.
const OrgFacts* find_org(const pg_uuid_t& org_id);
const TemplateFacts* find_template(const pg_uuid_t& org_id, const char* key);
// Returns the salt of the hashes of erased people's numbers; nullptr where no person was erased
// yet, and no number is hashed.
const bytea* find_phone_salt();

// Returns whether the database was made live, armed or not; otherwise messages are marked
// `sandbox`. It may be live but not armed, for example after pg_upgrade. Its messages then wait for
// the next sms_go_live(). Cached like the facts above.
bool database_is_live();

// Clears the cache.
void forget_cached();

// Registers the callbacks that clear the cache at the end of transactions. _PG_init calls it once.
void define_facts();

}  // namespace coach_sms
