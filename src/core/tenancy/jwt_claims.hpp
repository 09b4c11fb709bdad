#pragma once

#include <string_view>
#include <vector>

#include "core/base/uuid.hpp"

namespace coach_sms {

// The orgs that the claims of a JSON Web Token name: `org_id`, and in `app_metadata` (which on
// Supabase the user cannot write, unlike `user_metadata`) `org_id` and `org_ids`, an array.
// `claims` is the JSON that PostgREST puts into request.jwt.claims. What is no JSON object, and
// what is no UUID in it, names none: rights are given by these, so nothing is guessed. Each is
// given once.
std::vector<Uuid> orgs_in_claims(std::string_view claims);

}  // namespace coach_sms
