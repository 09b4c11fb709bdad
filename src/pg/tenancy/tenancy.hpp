#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Whose orgs a role may see and act for. All need SPI_connect, and use_schema_of() before.

// The role whose rights count: whoever called the public function of ours that runs at this moment
// as coach_sms_owner (see CallerFrame), or else the current user.
Oid calling_role();

// Whether the role acts for every org: it may execute sms_every_org(), which
// sms_grant_service() and sms_grant_operator() give. So may superusers and coach_sms_owner.
bool acts_for_all_orgs(Oid role);

// The role's orgs, by coach_sms.tenancy_function or the claims of its token: uuid[], never null.
// The application's function runs as the role, never with our rights. Raises SM022 where it cannot
// be used; whatever it raises itself goes through.
ArrayType* orgs_of(Oid role);
// The same for one org, which need not be in sms_settings yet.
bool acts_for_org(Oid role, const pg_uuid_t& org_id);

// While it is in force, calling_role() is the role it was made with. Plain data, on the stack of
// the one function that makes it; ended in any case, also by an error.
struct CallerFrame {
  Oid role;
  CallerFrame* outer;
};
void begin_frame(CallerFrame* frame, Oid role);
void end_frame(CallerFrame* frame);

}  // namespace coach_sms
