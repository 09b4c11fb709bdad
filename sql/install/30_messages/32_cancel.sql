-- Raises SM012 for an unknown message.
CREATE FUNCTION coach_sms_internal.sms_raise_unknown_message(message_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'unknown message %', coalesce(message_id::text, 'NULL')
    USING ERRCODE = 'SM012', DETAIL = 'There is no such row in sms_messages.',
          HINT = 'Give the id that sms_enqueue returned.';
END
$$;

-- Raises SM012 unless the message exists and the caller of a public function may act for its org.
CREATE FUNCTION coach_sms_internal.sms_require_message(message_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT coalesce((SELECT coach_sms_internal.sms_may_act_for(m.org_id) FROM @extschema@.sms_messages m
                    WHERE m.id = sms_require_message.message_id), false) THEN
    PERFORM coach_sms_internal.sms_raise_unknown_message(message_id);
  END IF;
END
$$;

-- Deletes the messages from sms_queue, each by its key. The plan is kept, and may have been made while the
-- queue was empty: coach_sms.plans_for_full_tables makes it use the key all the same.
CREATE FUNCTION coach_sms_internal.sms_unqueue(message_ids uuid[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
BEGIN
  DELETE FROM coach_sms_internal.sms_queue q WHERE q.message_id = ANY (message_ids);
END
$$;

-- Cancels the messages that still wait, and returns how many did.
CREATE FUNCTION coach_sms_internal.sms_cancel_waiting(message_ids uuid[], code text, reason text)
  RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  waiting uuid[];
BEGIN
  waiting := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.id = ANY (message_ids) AND m.status IN ('pending', 'queued')
     ORDER BY m.id FOR NO KEY UPDATE);
  UPDATE @extschema@.sms_messages m
     SET status = 'cancelled', error_code = code, error_message = reason, updated_at = now()
   WHERE m.id = ANY (waiting);
  PERFORM coach_sms_internal.sms_unqueue(waiting);
  RETURN cardinality(waiting);
END
$$;

-- Carries out sms_cancel() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_cancel_as_owner(message_id uuid, reason text) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_require_message(message_id);
  IF coach_sms_internal.sms_cancel_waiting(ARRAY[message_id], 'cancelled_by_user', reason) > 0 THEN
    RETURN true;
  END IF;
  PERFORM coach_sms_internal.sms_require_message(message_id);  -- it may be gone by now
  RETURN false;
END
$$;
