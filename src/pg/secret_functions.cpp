#include "core/sealing.hpp"
#include "pg/private_file.hpp"
#include "pg/secrets.hpp"
#include "pg/settings.hpp"

#include "pg/pg_api.hpp"

// sms_create_key(), and the trigger that seals whatever is written as a token.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_create_key);
PG_FUNCTION_INFO_V1(coach_sms_seal_token);
}

using namespace coach_sms;

namespace {

struct NewKey {
  char contents[80];
  std::size_t length;
  char id[16];
};

Failure make_key(NewKey* made) {
  return run_cpp([&] {
    const Secret contents = new_key_file_contents();
    const SealingKey key = SealingKey::parse(contents.view());
    made->length = contents.view().copy(made->contents, sizeof made->contents);
    made->id[key.key_id().copy(made->id, sizeof made->id - 1)] = '\0';
  });
}

void tell_next_step(const char* path) {
  if (strcmp(settings::key_file, path) == 0) return;
  ereport(
      NOTICE,
      (errmsg("a key was written to \"%s\"", path),
       errhint("Next: ALTER SYSTEM SET coach_sms.key_file = %s; SELECT pg_reload_conf(); and keep "
               "a copy of the file where your other secrets are: no backup of the database has it.",
               quote_literal_cstr(path))));
}

HeapTuple with_token(const TriggerData* trigger, HeapTuple row, int column, text* token) {
  Datum value = PointerGetDatum(token);
  bool is_null = token == nullptr;
  return heap_modify_tuple_by_cols(row, trigger->tg_relation->rd_att, 1, &column, &value, &is_null);
}

}  // namespace

// sms_create_key(path) → the key's id, which names it in every value it seals.
Datum coach_sms_create_key(PG_FUNCTION_ARGS) {
  const char* path = text_to_cstring(PG_GETARG_TEXT_PP(0));
  if (!superuser())
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("only a superuser may write a file on the server"),
                    errhint("Ask one to call sms_create_key().")));
  NewKey made{};
  Failure failure = make_key(&made);
  if (!failure.failed) create_private_file(path, made.contents, made.length, &failure);
  explicit_bzero(made.contents, sizeof made.contents);
  raise_if(failure);
  tell_next_step(path);
  PG_RETURN_TEXT_P(cstring_to_text(made.id));
}

// BEFORE INSERT OR UPDATE on sms_settings. A value that is sealed already comes from a dump or from
// another row's copy, and passes: it opens only for the org it was sealed for.
Datum coach_sms_seal_token(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo)) elog(ERROR, "a trigger function was called by hand");
  const auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  HeapTuple row =
      TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
  TupleDesc columns = trigger->tg_relation->rd_att;
  const int token_column = SPI_fnumber(columns, "twilio_auth_token_encrypted");
  bool no_token;
  bool no_org;
  Datum token = SPI_getbinval(row, columns, token_column, &no_token);
  Datum org_id = SPI_getbinval(row, columns, SPI_fnumber(columns, "org_id"), &no_org);
  if (no_token) return PointerGetDatum(row);
  // Without an org the row is refused, by an error that shows the row: not with the token in it.
  if (no_org) return PointerGetDatum(with_token(trigger, row, token_column, nullptr));

  char* written = text_to_cstring(DatumGetTextPP(token));
  if (written[0] == '\0') return PointerGetDatum(with_token(trigger, row, token_column, nullptr));
  if (is_sealed_token(written)) return PointerGetDatum(row);
  Failure failure;
  const char* sealed = seal_token(*DatumGetUUIDP(org_id), written, &failure);
  wipe_token(written);
  raise_if(failure);
  return PointerGetDatum(with_token(trigger, row, token_column, cstring_to_text(sealed)));
}
