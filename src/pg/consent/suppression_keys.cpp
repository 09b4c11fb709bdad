#include "core/crypto/phone_hash.hpp"
#include "core/text/phone_forms.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/statement.hpp"
#include "pg/consent/suppression_keys.hpp"
#include "pg/facts/facts.hpp"

// A person's keys by number, for SQL: sms_phone_names(phone), sms_phone_forms(phone),
// sms_phone_key(phone).

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_phone_names);
PG_FUNCTION_INFO_V1(coach_sms_phone_forms);
PG_FUNCTION_INFO_V1(coach_sms_phone_key);
}

using namespace coach_sms;

namespace {

std::string_view view(const text* value) {
  return {VARDATA_ANY(value), static_cast<size_t>(VARSIZE_ANY_EXHDR(value))};
}

}  // namespace

namespace coach_sms {

namespace {

// Returns the forms and, with a salt, the hash of each.
SuppressionKeys keys_of(const text* phone, const bytea* salt) {
  char* made[SuppressionKeys::kMost];
  SuppressionKeys names{};
  raise_if(run_cpp([&] {
    const std::vector<std::string> forms = phone_forms(view(phone));
    for (const std::string& form : forms)
      made[names.count++] = copy_out(form);
    if (salt == nullptr) return;
    for (const std::string& form : forms)
      made[names.count++] = copy_out(phone_hash(view(salt), form));
  }));
  for (int i = 0; i < names.count; ++i)
    names.keys[i] = CStringGetTextDatum(made[i]);
  return names;
}

ArrayType* array_of(const SuppressionKeys& names) {
  auto* keys = const_cast<Datum*>(names.keys);
  return construct_array(keys, names.count, TEXTOID, -1, false, TYPALIGN_INT);
}

}  // namespace

SuppressionKeys suppression_keys(text* phone) {
  return keys_of(phone, find_phone_salt());
}

char* phone_key_of(const text* phone) {
  char* key = nullptr;
  raise_if(run_cpp([&] { key = copy_out(phone_key(view(phone))); }));
  return key;
}

}  // namespace coach_sms

Datum coach_sms_phone_names(PG_FUNCTION_ARGS) {
  use_schema_of(fcinfo);
  PG_RETURN_ARRAYTYPE_P(array_of(suppression_keys(PG_GETARG_TEXT_PP(0))));
}

Datum coach_sms_phone_forms(PG_FUNCTION_ARGS) {
  PG_RETURN_ARRAYTYPE_P(array_of(keys_of(PG_GETARG_TEXT_PP(0), nullptr)));
}

Datum coach_sms_phone_key(PG_FUNCTION_ARGS) {
  PG_RETURN_TEXT_P(cstring_to_text(phone_key_of(PG_GETARG_TEXT_PP(0))));
}
