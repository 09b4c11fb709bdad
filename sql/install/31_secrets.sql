-- The key, and the trigger that seals tokens.

CREATE FUNCTION sms_create_key(path text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_create_key' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION sms_create_key(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_create_key(text) IS
'Makes a new key file at an absolute path outside the data directory (mode 0600, never overwritten) and returns the key''s id. Then set coach_sms.key_file to the path. Superuser only. Raises SM013 where the file cannot be made.';

CREATE FUNCTION sms_seal_token() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_seal_token' LANGUAGE C;
REVOKE ALL ON FUNCTION sms_seal_token() FROM PUBLIC;
COMMENT ON FUNCTION sms_seal_token() IS
'Internal: seals what is written to sms_settings.twilio_auth_token_encrypted. Raises SM013 where coach_sms.key_file holds no key.';

-- Triggers fire in the order of their names: this one first, so that no other sees the token. And
-- ALWAYS, so that a token that arrives by replication is sealed too; sealed values pass unchanged.
CREATE TRIGGER "00_seal_token" BEFORE INSERT OR UPDATE OF twilio_auth_token_encrypted ON sms_settings
  FOR EACH ROW EXECUTE FUNCTION sms_seal_token();
ALTER TABLE sms_settings ENABLE ALWAYS TRIGGER "00_seal_token";
