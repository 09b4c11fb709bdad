-- The key, and the trigger that seals tokens.

CREATE FUNCTION sms_create_key(path text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_create_key' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION sms_create_key(text) IS
'Makes a new key file and returns the key''s id. The path is absolute and outside the data directory. The '
'file has mode 0600, and an existing file is never overwritten. Then set coach_sms.key_file to the path. '
'Raises SM013 where the file cannot be made. Superuser only.';

CREATE FUNCTION sms_rotate_key(old_file text, new_file text) RETURNS integer
  AS 'MODULE_PATHNAME', 'coach_sms_rotate_key' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION sms_rotate_key(text, text) IS
'Seals every token that was sealed with the key in old_file with the key in new_file, and returns how '
'many. Before, set coach_sms.key_file to new_file and coach_sms.old_key_file to old_file, so that tokens '
'open with either. Warns of a token that does not open, and leaves it. Raises SM013 where settings or '
'files do not fit. Superuser only.';

-- Seals tokens as they are written to sms_settings. Raises SM013 unless coach_sms.key_file holds a key.
CREATE FUNCTION coach_sms_internal.sms_seal_token() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_seal_token' LANGUAGE C;

-- Triggers fire in the order of their names, and this one fires first, so that no other sees the token.
-- ALWAYS seals tokens that arrive by replication too. Sealed values pass unchanged.
CREATE TRIGGER "00_seal_token"
  BEFORE INSERT OR UPDATE OF twilio_auth_token_encrypted, twilio_second_auth_token_encrypted ON sms_settings
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_seal_token();
ALTER TABLE sms_settings ENABLE ALWAYS TRIGGER "00_seal_token";

-- Returns the token sealed for the org: NULL for a blank token, and a sealed token as it is. Raises SM013
-- unless coach_sms.key_file holds a key.
CREATE FUNCTION coach_sms_internal.sms_sealed(org_id uuid, token text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_sealed' LANGUAGE C VOLATILE STRICT;

CREATE FUNCTION sms_set_twilio_credentials(org_id uuid, account_sid text, auth_token text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- The trigger would seal it too, but then the UPDATE's plan, which may be logged, would show the token.
  sealed text := coach_sms_internal.sms_sealed(org_id, auth_token);
BEGIN
  UPDATE @extschema@.sms_settings s
     SET twilio_account_sid = account_sid, twilio_auth_token_encrypted = sealed
   WHERE s.org_id = sms_set_twilio_credentials.org_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown org %', sms_set_twilio_credentials.org_id
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.',
            HINT = 'Insert its settings first.';
  END IF;
END
$$;
COMMENT ON FUNCTION sms_set_twilio_credentials(uuid, text, text) IS
'Writes the org''s Twilio account and token; the token is sealed before it is stored. So that no log holds '
'the token, pass it as a parameter, and set log_parameter_max_length = 0 where statements are logged. '
'Raises SM001 for an unknown org, SM013 without a key.';

-- Returns the server's Twilio account, for orgs without one, from coach_sms.twilio_account_sid or
-- TWILIO_ACCOUNT_SID.
CREATE FUNCTION coach_sms_internal.sms_server_account() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_server_account' LANGUAGE C VOLATILE;
