#include "core/crypto/sealing.hpp"
#include "core/text/blanks.hpp"
#include "pg/base/cpp_boundary.hpp"

#include "pg/base/extension.hpp"
#include "pg/base/security_context.hpp"
#include "pg/base/statement.hpp"
#include "pg/base/uuids.hpp"
#include "pg/secrets/private_file.hpp"
#include "pg/secrets/secrets.hpp"
#include "pg/settings.hpp"

#include "pg/base/pg_api.hpp"

// Keys and sealed tokens for SQL: the functions for keys, and the trigger that seals a token on its
// way into sms_settings.

extern "C" {
PG_FUNCTION_INFO_V1(coach_sms_create_key);
PG_FUNCTION_INFO_V1(coach_sms_rotate_key);
PG_FUNCTION_INFO_V1(coach_sms_seal_token);
PG_FUNCTION_INFO_V1(coach_sms_sealed);
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

void notice_next_step(const char* path) {
  if (strcmp(settings::key_file, path) == 0) return;
  ereport(
      NOTICE,
      (errmsg("a key was written to \"%s\"", path),
       errhint("Next: ALTER SYSTEM SET coach_sms.key_file = %s; SELECT pg_reload_conf(); and keep "
               "a copy of the file where your other secrets are: no backup of the database has it.",
               quote_literal_cstr(path))));
}

void require_superuser(const char* function, const char* what) {
  if (superuser()) return;
  ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                  errmsg("only a superuser may %s a file on the server", what),
                  errhint("Ask one to call %s().", function)));
}

// Raises SM013 unless the setting has that path. Every process must know both keys before the first
// token is sealed with the new one.
void require_setting(const char* name, const char* value, const char* path) {
  if (strcmp(value, path) == 0) return;
  ereport(ERROR,
          (errcode(kKeyFile), errmsg("%s is not \"%s\"", name, path),
           errdetail("While tokens are sealed anew, the sender opens them with either key."),
           errhint("ALTER SYSTEM SET coach_sms.key_file to the new file and coach_sms.old_key_file "
                   "to the old one, SELECT pg_reload_conf(), and call it again.")));
}

// The columns of sms_settings that hold a token.
constexpr const char* kTokenColumns[] = {"twilio_auth_token_encrypted",
                                         "twilio_second_auth_token_encrypted"};

// Locks and reads the tokens that the key sealed. Returns their number.
uint64 find_tokens(const char* key_id) {
  static Statement find{R"sql(
      SELECT s.org_id, t.sealed, t.is_second FROM @extschema@.sms_settings s
       CROSS JOIN LATERAL (VALUES (s.twilio_auth_token_encrypted, false),
                                  (s.twilio_second_auth_token_encrypted, true))
             AS t (sealed, is_second)
       WHERE t.sealed LIKE $1 ORDER BY s.org_id FOR NO KEY UPDATE OF s)sql",
                        {TEXTOID}};
  return find.run(psprintf("sms_:%s:%%", key_id));
}

// Seals one token with the new key. Returns false, with a WARNING, where it does not open; the
// other tokens go on.
bool seal_row_anew(const pg_uuid_t& org_id, const char* sealed, bool is_second) {
  static Statement write{R"sql(
      UPDATE @extschema@.sms_settings SET
        twilio_auth_token_encrypted = CASE WHEN $3 THEN twilio_auth_token_encrypted ELSE $2 END,
        twilio_second_auth_token_encrypted
          = CASE WHEN $3 THEN $2 ELSE twilio_second_auth_token_encrypted END
       WHERE org_id = $1)sql",
                         {UUIDOID, TEXTOID, BOOLOID}};
  Failure failure;
  const char* anew = seal_anew(org_id, sealed, &failure);
  if (anew != nullptr) {
    write.run(org_id, anew, is_second);
    return true;
  }
  ereport(WARNING, (errmsg("the token of org %s was left as it is", uuid_text(org_id)),
                    errdetail("%s", failure.detail), errhint("%s", failure.hint)));
  return false;
}

HeapTuple with_token(const TriggerData* trigger, HeapTuple row, int column, text* token) {
  Datum value = PointerGetDatum(token);
  bool is_null = token == nullptr;
  return heap_modify_tuple_by_cols(row, trigger->tg_relation->rd_att, 1, &column, &value, &is_null);
}

// Returns the token sealed, without the blanks around it; nullptr for a blank one. Returns a sealed
// token as it is. Raises SM013 where there is no key.
text* sealed_text(const pg_uuid_t& org_id, text* token) {
  const std::string_view trimmed = trim_blanks(utf8_view(token));
  char* written = pnstrdup(trimmed.data(), trimmed.size());
  if (written[0] == '\0') return nullptr;
  if (is_sealed_token(written)) return cstring_to_text(written);
  Failure failure;
  const char* sealed = seal_token(org_id, written, &failure);
  wipe_token(written);
  raise_if(failure);
  return cstring_to_text(sealed);
}

// Returns the row with the column's token sealed.
HeapTuple with_sealed(const TriggerData* trigger, HeapTuple row, const char* column) {
  TupleDesc columns = trigger->tg_relation->rd_att;
  const int number = SPI_fnumber(columns, column);
  bool no_token;
  bool no_org;
  Datum token = SPI_getbinval(row, columns, number, &no_token);
  Datum org_id = SPI_getbinval(row, columns, SPI_fnumber(columns, "org_id"), &no_org);
  if (no_token) return row;
  // A row without an org is refused with an error that shows the row. So its token is removed
  // first.
  if (no_org) return with_token(trigger, row, number, nullptr);

  return with_token(trigger, row, number,
                    sealed_text(*DatumGetUUIDP(org_id), DatumGetTextPP(token)));
}

}  // namespace

// sms_create_key(path) → text: creates a key file; the key's id, which every value that it seals
// carries
Datum coach_sms_create_key(PG_FUNCTION_ARGS) {
  const char* path = text_to_cstring(PG_GETARG_TEXT_PP(0));
  require_superuser("sms_create_key", "write");
  NewKey made{};
  Failure failure = make_key(&made);
  if (!failure.failed) create_private_file(path, made.contents, made.length, &failure);
  explicit_bzero(made.contents, sizeof made.contents);
  raise_if(failure);
  notice_next_step(path);
  PG_RETURN_TEXT_P(cstring_to_text(made.id));
}

// sms_rotate_key(old_file, new_file) → integer: seals all tokens with the new key; their number
Datum coach_sms_rotate_key(PG_FUNCTION_ARGS) {
  require_superuser("sms_rotate_key", "read");
  const char* old_file = text_to_cstring(PG_GETARG_TEXT_PP(0));
  const char* new_file = text_to_cstring(PG_GETARG_TEXT_PP(1));
  require_setting("coach_sms.key_file", settings::key_file, new_file);
  require_setting("coach_sms.old_key_file", settings::old_key_file, old_file);
  Failure failure;
  const char* old_id = key_id_of(old_file, &failure);
  if (!failure.failed) key_id_of(new_file, &failure);
  raise_if(failure);
  use_schema_of(fcinfo);
  const SecurityContext caller = switch_to(owner_role());
  SPI_connect();
  const uint64 found = find_tokens(old_id);
  SPITupleTable* tokens = SPI_tuptable;
  int32 count = 0;
  for (uint64 row = 0; row < found; ++row) {
    SPI_tuptable = tokens;
    const pg_uuid_t org_id = uuid_column(row, 1);
    if (seal_row_anew(org_id, text_column(row, 2), bool_column(row, 3))) ++count;
  }
  SPI_finish();
  restore_context(caller);
  PG_RETURN_INT32(count);
}

// BEFORE INSERT OR UPDATE on sms_settings: seals the tokens. A sealed value comes from a dump or
// from another row, and passes: it opens only for the org that it was sealed for.
Datum coach_sms_seal_token(PG_FUNCTION_ARGS) {
  if (!CALLED_AS_TRIGGER(fcinfo)) elog(ERROR, "a trigger function was called by hand");
  const auto* trigger = reinterpret_cast<TriggerData*>(fcinfo->context);
  if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
      RelationGetNamespace(trigger->tg_relation) != extension_schema_of(fcinfo))
    elog(ERROR, "the trigger function of sms_settings was put on something else");
  HeapTuple row =
      TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
  for (const char* column : kTokenColumns)
    row = with_sealed(trigger, row, column);
  return PointerGetDatum(row);
}

// sms_sealed(org_id, token) → text: the token sealed; NULL for a blank one
Datum coach_sms_sealed(PG_FUNCTION_ARGS) {
  text* sealed = sealed_text(*PG_GETARG_UUID_P(0), PG_GETARG_TEXT_PP(1));
  if (sealed == nullptr) PG_RETURN_NULL();
  PG_RETURN_TEXT_P(sealed);
}
