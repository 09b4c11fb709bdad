#pragma once

#include <string_view>
#include <vector>

#include "core/base/uuid.hpp"

namespace coach_sms {

// Returns the orgs that the claims of a JSON Web Token (RFC 7519) name, each once. `claims` is the
// JSON that PostgREST puts into request.jwt.claims.
//
// The claims are `org_id`, and in `app_metadata` also `org_id` and `org_ids`; each is a UUID or an
// array of them. On Supabase the user cannot write `app_metadata`, unlike `user_metadata`. These
// claims give rights, so nothing is guessed: any other JSON, and any text that is no UUID, names no
// org.
std::vector<Uuid> orgs_in_claims(std::string_view claims);

}  // namespace coach_sms
