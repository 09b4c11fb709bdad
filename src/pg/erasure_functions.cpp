#include "core/phone_hash.hpp"
#include "pg/wall.hpp"

#include "pg/statement.hpp"

#include "pg/pg_api.hpp"

// As what a number stands in the lists: sms_phone_names(phone).

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_phone_names);
}

using namespace coach_sms;

namespace {

// No salt as long as nobody was erased: then nothing is hashed.
bytea* read_salt() {
  static Statement read{"SELECT salt FROM @extschema@.sms_phone_salt", {}};
  bool is_null;
  if (read.run(std::initializer_list<Datum>{}) == 0) return nullptr;
  return DatumGetByteaPCopy(datum_column(0, 1, &is_null));
}

Datum hash_of(const bytea* salt, const text* phone) {
  const std::string_view key(VARDATA_ANY(salt), VARSIZE_ANY_EXHDR(salt));
  const std::string_view number(VARDATA_ANY(phone), VARSIZE_ANY_EXHDR(phone));
  char* hash = nullptr;
  raise_if(run_cpp([&] { hash = copy_out(phone_hash(key, number)); }));
  return CStringGetTextDatum(hash);
}

}  // namespace

Datum coach_sms_phone_names(PG_FUNCTION_ARGS) {
  const text* phone = PG_GETARG_TEXT_PP(0);
  MemoryContext caller = CurrentMemoryContext;
  Datum names[] = {PointerGetDatum(phone), Datum{0}};
  use_schema_of(fcinfo);
  SPI_connect();
  const bytea* salt = read_salt();
  MemoryContextSwitchTo(caller);  // the result outlives SPI_finish()
  if (salt != nullptr) names[1] = hash_of(salt, phone);
  ArrayType* result =
      construct_array(names, salt != nullptr ? 2 : 1, TEXTOID, -1, false, TYPALIGN_INT);
  SPI_finish();
  PG_RETURN_ARRAYTYPE_P(result);
}
