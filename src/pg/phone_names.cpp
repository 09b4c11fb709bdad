#include "core/phone_hash.hpp"
#include "pg/wall.hpp"

#include "pg/org_facts.hpp"
#include "pg/phone_names.hpp"
#include "pg/statement.hpp"

// As what a number stands in the lists: sms_phone_names(phone).

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_phone_names);
}

using namespace coach_sms;

namespace {

Datum hash_of(const bytea* salt, const text* phone) {
  const std::string_view key(VARDATA_ANY(salt), VARSIZE_ANY_EXHDR(salt));
  const std::string_view number(VARDATA_ANY(phone), VARSIZE_ANY_EXHDR(phone));
  char* hash = nullptr;
  raise_if(run_cpp([&] { hash = copy_out(phone_hash(key, number)); }));
  return CStringGetTextDatum(hash);
}

}  // namespace

namespace coach_sms {

ArrayType* phone_names(text* phone) {
  const bytea* salt = find_phone_salt();
  Datum names[] = {PointerGetDatum(phone), Datum{0}};
  if (salt != nullptr) names[1] = hash_of(salt, phone);
  return construct_array(names, salt != nullptr ? 2 : 1, TEXTOID, -1, false, TYPALIGN_INT);
}

}  // namespace coach_sms

Datum coach_sms_phone_names(PG_FUNCTION_ARGS) {
  text* phone = PG_GETARG_TEXT_PP(0);
  MemoryContext caller = CurrentMemoryContext;
  use_schema_of(fcinfo);
  SPI_connect();
  (void)find_phone_salt();
  MemoryContextSwitchTo(caller);  // the result outlives SPI_finish()
  ArrayType* names = phone_names(phone);
  SPI_finish();
  PG_RETURN_ARRAYTYPE_P(names);
}
