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

-- Returns how many messages of an org (NULL: of all) coach_sms.max_wait keeps from being sent: those in the
-- queue that will expire, and those that it ended within the last coach_sms.max_wait. OFFSET 0 makes it read
-- messages by their ids, whatever the statistics of the queue say.
CREATE FUNCTION coach_sms_internal.sms_count_overdue(org_id uuid DEFAULT NULL) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH server AS (SELECT v.mode = 'sandbox' AS is_sandbox FROM coach_sms_internal.sms_server v)
  SELECT (SELECT count(*)
            FROM coach_sms_internal.sms_queue q
           CROSS JOIN LATERAL (
             SELECT * FROM @extschema@.sms_messages WHERE id = q.message_id OFFSET 0) m
           WHERE ($1 IS NULL OR q.org_id = $1) AND m.sandbox = (SELECT is_sandbox FROM server)
             AND coach_sms_internal.sms_ends_at(m.scheduled_for, NULL) < least(now(), m.expires_at))
       + (SELECT coalesce(sum(o.messages), 0)
            FROM coach_sms_internal.sms_overdue o
           WHERE ($1 IS NULL OR o.org_id = $1) AND o.sandbox = (SELECT is_sandbox FROM server)
             AND o.ended_at > now() - current_setting('coach_sms.max_wait')::interval)
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
