-- The key, and the trigger that seals tokens.

CREATE FUNCTION sms_create_key(path text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_create_key' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION sms_create_key(text) IS
'Makes a new key file at an absolute path outside the data directory (mode 0600, never overwritten) and '
'returns the key''s id. Then set coach_sms.key_file to the path. Superuser only. Raises SM013 where the '
'file cannot be made.';

CREATE FUNCTION sms_rotate_key(old_file text, new_file text) RETURNS integer
  AS 'MODULE_PATHNAME', 'coach_sms_rotate_key' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION sms_rotate_key(text, text) IS
'Seals every token anew that was sealed with the key in old_file, with the one in new_file, and returns '
'how many. coach_sms.key_file must be new_file and coach_sms.old_key_file old_file by then, so that tokens '
'open with either meanwhile. A token that does not open is warned of and left. Superuser only. Raises '
'SM013 for settings and files that are not so.';

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
'Gives an org its own Twilio account and token; the token is sealed before it is stored. Call it with '
'parameters, and with log_parameter_max_length = 0 where statements are logged, so that no log holds the '
'token. Raises SM001 for an unknown org, SM013 without a key.';

-- Returns the server's Twilio account, for orgs without one, from coach_sms.twilio_account_sid or
-- TWILIO_ACCOUNT_SID.
CREATE FUNCTION coach_sms_internal.sms_server_account() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_server_account' LANGUAGE C VOLATILE;
