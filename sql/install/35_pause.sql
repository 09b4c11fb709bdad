-- Pausing: what waits is kept, nothing is claimed. Requests under way are not called back.

CREATE FUNCTION sms_pause(org_id uuid DEFAULT NULL, until timestamptz DEFAULT 'infinity') RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sms_pause.org_id IS NULL THEN
    UPDATE @extschema@.sms_server SET paused_until = until;
    RETURN;
  END IF;
  UPDATE @extschema@.sms_settings s SET paused_until = until WHERE s.org_id = sms_pause.org_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown org %', sms_pause.org_id
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.', HINT = 'Check the org_id.';
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_pause(uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_pause(uuid, timestamptz) IS
'Sends nothing of an org (NULL, the default: of any org) before the given time (default: until sms_resume). Messages wait. Raises SM001 for an unknown org.';

CREATE FUNCTION sms_resume(org_id uuid DEFAULT NULL) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.sms_pause(sms_resume.org_id, NULL) $$;
REVOKE ALL ON FUNCTION sms_resume(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_resume(uuid) IS
'Ends sms_pause for an org (NULL, the default: for the server; an org''s own pause stays). Raises SM001 for an unknown org.';
