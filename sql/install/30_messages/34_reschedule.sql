-- Raises SM010 unless sms_enqueue would take these times.
CREATE FUNCTION coach_sms_internal.sms_check_times(scheduled_for timestamptz, expires_at timestamptz)
  RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_check_times' LANGUAGE C STABLE;

-- Carries out sms_reschedule() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_reschedule_as_owner(
  message_id uuid, scheduled_for timestamptz, expires_at timestamptz)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  message record;
  new_time timestamptz := coalesce(scheduled_for, now());
BEGIN
  PERFORM coach_sms_internal.sms_require_message(message_id);
  SELECT m.org_id, coach_sms_internal.sms_zone_of(m.metadata) AS zone, m.priority, m.status,
         coalesce(sms_reschedule_as_owner.expires_at, m.expires_at) AS expires_at
    INTO message
    FROM @extschema@.sms_messages m WHERE m.id = sms_reschedule_as_owner.message_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM coach_sms_internal.sms_raise_unknown_message(message_id);
  ELSIF message.status NOT IN ('pending', 'queued') THEN
    RAISE EXCEPTION 'message % is %', message_id, message.status
      USING ERRCODE = 'SM012', DETAIL = 'Only a message that is pending or queued can be moved.',
            HINT = 'Enqueue a new one, or call sms_retry() where it failed or was cancelled.';
  END IF;
  PERFORM coach_sms_internal.sms_check_times(new_time, message.expires_at);
  UPDATE @extschema@.sms_messages m
     SET status = CASE WHEN new_time > now() THEN 'pending' ELSE 'queued' END,
         scheduled_for = new_time, expires_at = message.expires_at, updated_at = now()
   WHERE m.id = sms_reschedule_as_owner.message_id;
  UPDATE coach_sms_internal.sms_queue q
     SET due_at = greatest(new_time, now()), expires_at = message.expires_at, held_for = NULL
   WHERE q.message_id = sms_reschedule_as_owner.message_id;
  PERFORM coach_sms_internal.sms_note_due(
    message.org_id, message.zone, message.priority, greatest(new_time, now()));
END
$$;
