#pragma once

#include "core/base/uuid.hpp"

#include "pg/base/pg_api.hpp"

namespace coach_sms {

// Convert an id between the core's type and PostgreSQL's: the same 16 bytes. to_pg() gives the
// bytes of `id` itself.
static_assert(sizeof(Uuid) == sizeof(pg_uuid_t));

inline Uuid to_core(const pg_uuid_t& id) {
  Uuid copy;
  memcpy(copy.bytes.data(), id.data, UUID_LEN);
  return copy;
}

inline const pg_uuid_t& to_pg(const Uuid& id) {
  return *reinterpret_cast<const pg_uuid_t*>(id.bytes.data());
}
void to_pg(const Uuid&&) = delete;  // the reference would outlive the id

}  // namespace coach_sms
