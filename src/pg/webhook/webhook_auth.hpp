#pragma once

#include "pg/webhook/webhook_call.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// A signed call as it was received. The texts are ASCII.
struct SignedCall {
  const char* url;
  const char* body;
  const char* signature;
};

// The owner of the token that made the signature. An org with an account and a token of its own
// signs for itself alone; the server's token signs for all other orgs. kCannotTell: a token that
// might fit could not be read.
enum class Signer { kNobody, kOrg, kServer, kCannotTell };

struct Verification {
  Signer signer;
  pg_uuid_t org_id;  // for kOrg; for a text from a person the first of `orgs`
  // The fields below are set for a text from a person only. `orgs` is a uuid[] of the orgs with the
  // same account and token; for a STOP also of those whose token cannot be compared. `uncertain` is
  // a uuid[] of the latter. `whole_account`: the server's token signed, or no other org names the
  // account with another token. The text then counts for the whole account.
  Datum orgs;
  Datum uncertain;
  bool whole_account;
};

// Verifies the call's signature (Twilio docs, "Validating Incoming Twilio Requests"). Tries the
// tokens of the target's org. Without a target it tries those of the account that the call names,
// and of the org that sent the SID. Raises no error for anything that a stranger sends. Needs SPI.
Verification verify_call(const WebhookCall& call, const SignedCall& made);

}  // namespace coach_sms
