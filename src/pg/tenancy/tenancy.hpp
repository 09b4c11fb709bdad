#pragma once

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// The orgs that a role may see and act for. All functions need SPI_connect() and use_schema_of()
// before, except calling_role() and the frames.

// Returns the role whose rights count. That is the caller of the public function that runs now as
// coach_sms_owner (see CallerFrame), or else the current user.
Oid calling_role();

// Returns whether the role acts for every org: it may execute sms_every_org(). sms_grant_service()
// and sms_grant_operator() grant that; superusers and coach_sms_owner have it.
bool acts_for_all_orgs(Oid role);

// Returns the role's orgs as a uuid[], never nullptr: by coach_sms.tenancy_function, or without it
// by the claims of the session's token. The application's function runs as the role. Raises SM022
// where the function cannot be used, and passes on the errors that the function raises.
ArrayType* orgs_of(Oid role);
// Returns the same for one org, which need not be in sms_settings yet.
bool acts_for_org(Oid role, const pg_uuid_t& org_id);

// While a frame is in force, calling_role() returns its role. A frame is plain data on the stack of
// the function that begins it. That function must end it in any case, also after an error.
struct CallerFrame {
  Oid role;
  CallerFrame* outer;
};
void begin_frame(CallerFrame* frame, Oid role);
void end_frame(CallerFrame* frame);

}  // namespace coach_sms
