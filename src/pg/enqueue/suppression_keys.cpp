#include "core/crypto/phone_hash.hpp"
#include "core/text/phone_forms.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/statement.hpp"
#include "pg/enqueue/enqueue_cache.hpp"
#include "pg/enqueue/suppression_keys.hpp"

// A person's keys by number, for SQL: sms_phone_names(phone), sms_phone_key(phone).

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_phone_names);
PG_FUNCTION_INFO_V1(coach_sms_phone_key);
}

using namespace coach_sms;

namespace {

constexpr int kMostForms = 2;  // of a number, by phone_forms()

std::string_view view(const text* value) {
  return {VARDATA_ANY(value), static_cast<size_t>(VARSIZE_ANY_EXHDR(value))};
}

// Makes the number's forms and, with a salt, the hash of each. Returns their number.
int make_names(const text* phone, const bytea* salt, Datum (&names)[2 * kMostForms]) {
  char* made[2 * kMostForms];
  int count = 0;
  raise_if(run_cpp([&] {
    const std::vector<std::string> forms = phone_forms(view(phone));
    for (const std::string& form : forms)
      made[count++] = copy_out(form);
    if (salt == nullptr) return;
    for (const std::string& form : forms)
      made[count++] = copy_out(phone_hash(view(salt), form));
  }));
  for (int i = 0; i < count; ++i)
    names[i] = CStringGetTextDatum(made[i]);
  return count;
}

}  // namespace

namespace coach_sms {

ArrayType* suppression_keys(text* phone) {
  Datum names[2 * kMostForms];
  const int count = make_names(phone, find_phone_salt(), names);
  return construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT);
}

}  // namespace coach_sms

Datum coach_sms_phone_names(PG_FUNCTION_ARGS) {
  text* phone = PG_GETARG_TEXT_PP(0);
  MemoryContext caller = CurrentMemoryContext;
  use_schema_of(fcinfo);
  SPI_connect();
  (void)find_phone_salt();
  MemoryContextSwitchTo(caller);  // the result outlives SPI_finish()
  ArrayType* names = suppression_keys(phone);
  SPI_finish();
  PG_RETURN_ARRAYTYPE_P(names);
}

Datum coach_sms_phone_key(PG_FUNCTION_ARGS) {
  const text* phone = PG_GETARG_TEXT_PP(0);
  char* key = nullptr;
  raise_if(run_cpp([&] { key = copy_out(phone_key(view(phone))); }));
  PG_RETURN_TEXT_P(cstring_to_text(key));
}
