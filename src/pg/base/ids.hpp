#pragma once

#include "core/base/uuid.hpp"
#include "pg/base/cpp_boundary.hpp"

namespace coach_sms {

// Convert an id between the core's type and PostgreSQL's: the same 16 bytes.

inline Uuid to_core(const pg_uuid_t& id) {
  Uuid copy;
  memcpy(copy.bytes.data(), id.data, UUID_LEN);
  return copy;
}

inline pg_uuid_t to_pg(const Uuid& id) {
  pg_uuid_t copy;
  memcpy(copy.data, id.bytes.data(), UUID_LEN);
  return copy;
}

}  // namespace coach_sms
