#include "core/tenancy/jwt_claims.hpp"
#include "fuzz.hpp"

// request.jwt.claims, which whoever has SQL may set.
FUZZ_TARGET(jwt_claims) {
  return coach_sms::fuzz_one(data, size,
                             [](std::string_view claims) { coach_sms::orgs_in_claims(claims); });
}
