#pragma once

// Auth tokens across the boundary, as plain text: sealed ones opened with the key in
// coach_sms.key_file or, while keys change, in coach_sms.old_key_file, and the server's own. The
// files are read anew each time: a new key or token needs no restart. Tokens are ASCII; one that is
// not keeps the bytes it was written with, so that no conversion can fail and show them.

#include "pg/base/cpp_boundary.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Whether coach_sms.key_file holds a key; `failure` says why not.
bool check_key_file(Failure* failure);

// nullptr with `failure` filled, or palloc'ed text. A token's context is its org: a value sealed
// for one org does not open for another.
char* seal_token(const pg_uuid_t& org_id, const char* token, Failure* failure);
char* open_token(const pg_uuid_t& org_id, const char* sealed, Failure* failure);

// What was sealed with the key in coach_sms.old_key_file, sealed with the one in
// coach_sms.key_file.
char* seal_anew(const pg_uuid_t& org_id, const char* sealed, Failure* failure);

// The id of the key in a file; nullptr with `failure` filled where there is none.
char* key_id_of(const char* path, Failure* failure);

// The token for orgs without one of their own: the first line of coach_sms.twilio_auth_token_file,
// or else TWILIO_AUTH_TOKEN of the postmaster's environment. Always a palloc'ed copy.
char* server_token(Failure* failure);

// The second line of that file: signatures made with it count too, while a token is changed.
// nullptr where there is none; `failure` filled where it cannot be read.
char* second_server_token(Failure* failure);

// Overwrites and frees what open_token() or server_token() gave. nullptr is allowed.
void wipe_token(char* token);

// Whether the text has the form of a sealed value.
bool is_sealed_token(const char* text);

}  // namespace coach_sms
