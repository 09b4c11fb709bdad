#pragma once

// Auth tokens as plain text. The key in coach_sms.key_file opens the sealed ones, or, during a
// change of keys, the key in coach_sms.old_key_file. A file is read again once it was
// touched, so a new key or token needs no restart. Until then its content and the tokens that a key
// opened last stay in the process. Tokens are ASCII. Any other token keeps the bytes that it was
// written with, so that no failed conversion shows them in an error.

#include "pg/base/cpp_boundary.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Reads coach_sms.key_file anew. Returns whether it holds a key; otherwise `failure` has the reason
// (SM013).
bool check_key_file(Failure* failure);

// Seal and open a token. Return palloc'ed text, or nullptr with `failure` filled (SM013, SM014). A
// value that was sealed for one org does not open for another. The caller wipes an opened token
// with wipe_token().
char* seal_token(const pg_uuid_t& org_id, const char* token, Failure* failure);
char* open_token(const pg_uuid_t& org_id, const char* sealed, Failure* failure);

// Returns a value of coach_sms.old_key_file, sealed anew with the key in coach_sms.key_file.
// Returns nullptr with `failure` filled where it cannot.
char* seal_anew(const pg_uuid_t& org_id, const char* sealed, Failure* failure);

// Returns the id of the key in a file, palloc'ed; nullptr with `failure` filled where there is no
// key.
char* key_id_of(const char* path, Failure* failure);

// Returns a palloc'ed copy of the token for orgs without one of their own. It is the first line of
// coach_sms.twilio_auth_token_file or, without that setting, TWILIO_AUTH_TOKEN of the postmaster's
// environment. Returns nullptr with `failure` filled where there is none (SM008, SM013).
char* server_token(Failure* failure);

// Returns the second line of that file: during a change of tokens, signatures made with it are
// valid too. Returns nullptr where there is none, with `failure` filled where the file cannot be
// read.
char* second_server_token(Failure* failure);

// Overwrites and frees a token that open_token(), server_token() or second_server_token() returned.
// nullptr is allowed.
void wipe_token(char* token);

// Returns whether the text has the form of a sealed value.
bool is_sealed_token(const char* text);

}  // namespace coach_sms
