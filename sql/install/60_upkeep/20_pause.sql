-- Pausing: messages wait, and nothing is claimed. Requests under way are not called back.

CREATE FUNCTION sms_pause(org_id uuid DEFAULT NULL, until timestamptz DEFAULT 'infinity') RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sms_pause.org_id IS NULL THEN
    UPDATE coach_sms_internal.sms_server SET paused_until = until;
    RETURN;
  END IF;
  UPDATE @extschema@.sms_settings s SET paused_until = until WHERE s.org_id = sms_pause.org_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown org %', sms_pause.org_id
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.', HINT = 'Check the org_id.';
  END IF;
END
$$;
COMMENT ON FUNCTION sms_pause(uuid, timestamptz) IS
'Sends nothing of an org (default NULL: of any org) before the given time (default: until sms_resume). '
'Messages wait. Raises SM001 for an unknown org.';

-- Returns how many messages of an org (NULL: of all) coach_sms.max_wait keeps from being sent: those that
-- wait and will expire, and those that expired within the last coach_sms.max_wait.
CREATE FUNCTION coach_sms_internal.sms_count_overdue(org_id uuid DEFAULT NULL) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(*)
    FROM @extschema@.sms_messages m
   WHERE ($1 IS NULL OR m.org_id = $1)
     AND m.sandbox = (SELECT v.mode = 'sandbox' FROM coach_sms_internal.sms_server v)
     AND (m.status IN ('pending', 'queued')
          OR m.status = 'cancelled' AND m.error_code = 'expired'
             AND m.updated_at > now() - current_setting('coach_sms.max_wait')::interval)
     AND coach_sms_internal.sms_ends_at(m.scheduled_for, NULL) < least(now(), m.expires_at)
$$;

-- Raises a NOTICE with the number of messages that coach_sms.max_wait keeps from being
-- sent, if there are any.
CREATE FUNCTION coach_sms_internal.sms_notice_overdue(org_id uuid DEFAULT NULL) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  overdue bigint := coach_sms_internal.sms_count_overdue(org_id);
BEGIN
  IF overdue > 0 THEN
    RAISE NOTICE 'messages that waited longer than coach_sms.max_wait (%) and are not sent: %',
                 current_setting('coach_sms.max_wait'), overdue
      USING DETAIL = 'They end as cancelled, error_code expired.',
            HINT = 'sms_retry() sends one of them after all.';
  END IF;
END
$$;

CREATE FUNCTION sms_resume(org_id uuid DEFAULT NULL) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT @extschema@.sms_pause(sms_resume.org_id, NULL);
  SELECT coach_sms_internal.sms_notice_overdue(sms_resume.org_id)
$$;
COMMENT ON FUNCTION sms_resume(uuid) IS
'Ends sms_pause for an org (default NULL: for the server; an org''s own pause stays). A NOTICE counts '
'messages that waited longer than coach_sms.max_wait and are not sent. Raises SM001 for an unknown org.';
