#pragma once

#include "pg/webhook/webhook_call.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// As it reached us, ASCII.
struct SignedCall {
  const char* url;
  const char* body;
  const char* signature;
};

// Whose token made the signature. An org with an account and a token of its own answers for itself
// alone; the server's token answers for all the others. kCannotTell: a token that might fit could
// not be read.
enum class Signer { kNobody, kOrg, kServer, kCannotTell };

struct Verification {
  Signer signer;
  pg_uuid_t org_id;  // for kOrg; for a text from a person the first of `orgs`
  // For a text from a person alone: the orgs with the same account and token (uuid[]; for a STOP
  // also those whose token cannot be compared), those whose token cannot be compared (uuid[]), and
  // whether no other org names that account with another token, or the server's own signed. Then it
  // is said to all of the account.
  Datum orgs;
  Datum uncertain;
  bool whole_account;
};

// Tries the tokens of the target's org; without a target those of the account that the call names,
// and of the org that has sent the SID. Raises nothing for what a stranger sends. Needs SPI.
Verification verify_call(const WebhookCall& call, const SignedCall& made);

}  // namespace coach_sms
