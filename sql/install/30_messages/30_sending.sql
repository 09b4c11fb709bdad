-- Sending. Lock order everywhere: the message's row, then its row in sms_queue, then its row in
-- sms_in_flight; several messages in the order of their ids. A decision after a lock reads in a statement
-- of its own, whose snapshot is newer than the lock.

-- Signals the sender, at commit, that a message of this lane is due at that time.
CREATE FUNCTION coach_sms_internal.sms_note_due(org_id uuid, zone text, priority smallint, due_at timestamptz)
  RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_note_due' LANGUAGE C VOLATILE STRICT;

CREATE FUNCTION sms_enqueue(
  org_id uuid,
  client_id uuid DEFAULT NULL,
  to_phone text DEFAULT NULL,
  template_key text DEFAULT NULL,
  variables jsonb DEFAULT NULL,
  body text DEFAULT NULL,
  scheduled_for timestamptz DEFAULT NULL,
  expires_at timestamptz DEFAULT NULL,
  related_entity_type text DEFAULT NULL,
  related_entity_id uuid DEFAULT NULL,
  idempotency_key text DEFAULT NULL,
  priority integer DEFAULT NULL,
  metadata jsonb DEFAULT NULL)
  RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_enqueue' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_enqueue(
  uuid, uuid, text, text, jsonb, text, timestamptz, timestamptz, text, uuid, text, integer, jsonb) IS
'Queues one SMS in the caller''s transaction and returns its id. Either template_key (with variables) or '
'body. scheduled_for: not before (default now); expires_at: not after (default never); priority: -32768 to '
'32767, lower goes first (default 0). An idempotency_key seen before returns the first message''s id. '
'Raises SM001 to SM011, SM015 and SM017 to SM020, and changes nothing then.';

CREATE FUNCTION sms_enqueue_batch(messages jsonb)
  RETURNS TABLE (ordinal integer, message_id uuid, error_code text, error_message text)
  AS 'MODULE_PATHNAME', 'coach_sms_enqueue_batch' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION sms_enqueue_batch(jsonb) IS
'Queues an array of messages, each an object whose keys are the arguments of sms_enqueue. One row for '
'each, in order from 1: its message_id, or the error (SQLSTATE and text) that kept it out while the others '
'went in. Raises SM015 only where messages is no array.';

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

-- Carries out sms_retry() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_retry_as_owner(message_id uuid) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  earlier @extschema@.sms_messages;
  new_id uuid;
BEGIN
  PERFORM coach_sms_internal.sms_require_message(message_id);
  SELECT * INTO earlier
    FROM @extschema@.sms_messages m WHERE m.id = sms_retry_as_owner.message_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM coach_sms_internal.sms_raise_unknown_message(message_id);
  ELSIF earlier.status NOT IN ('failed', 'cancelled') THEN
    RAISE EXCEPTION 'message % is %', message_id, earlier.status
      USING ERRCODE = 'SM012',
            DETAIL = 'Only a message that failed or was cancelled can go again: '
                     'any other may still arrive, and would arrive twice.',
            HINT = 'Wait until it is settled; sms_why() tells what it waits for.';
  ELSIF earlier.to_phone = 'erased' THEN
    RAISE EXCEPTION 'message % is erased', message_id
      USING ERRCODE = 'SM012',
            DETAIL = 'Its number and text are gone: sms_erase_person() was called for its recipient.',
            HINT = 'Enqueue a new one.';
  END IF;
  new_id := coach_sms_internal.sms_message_with_key(earlier.org_id, 'retry of ' || earlier.id);
  IF new_id IS NOT NULL THEN
    RETURN new_id;
  END IF;
  INSERT INTO @extschema@.sms_messages (
      org_id, client_id, to_phone, from_phone,
      template_id, template_key,
      body, variables, related_entity_type, related_entity_id,
      idempotency_key, priority,
      expires_at,
      metadata)
    VALUES (
      earlier.org_id, earlier.client_id, earlier.to_phone, earlier.from_phone,
      earlier.template_id, earlier.template_key,
      earlier.body, earlier.variables, earlier.related_entity_type, earlier.related_entity_id,
      'retry of ' || earlier.id, earlier.priority,
      CASE WHEN earlier.expires_at > now() THEN earlier.expires_at END,
      earlier.metadata || jsonb_build_object('retry_of', earlier.id))
    RETURNING id INTO new_id;
  UPDATE @extschema@.sms_booking_texts t SET message_id = new_id, reason = NULL, detail = NULL
   WHERE t.message_id = earlier.id;
  RETURN new_id;
END
$$;

CREATE FUNCTION queue_pending_sms() RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  moved integer;
BEGIN
  WITH due AS MATERIALIZED (
    SELECT m.id FROM coach_sms_internal.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
     WHERE q.due_at <= now() AND m.status = 'pending'
     ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED)
  UPDATE @extschema@.sms_messages m SET status = 'queued', updated_at = now() FROM due WHERE m.id = due.id;
  GET DIAGNOSTICS moved = ROW_COUNT;
  RETURN moved;
END
$$;
COMMENT ON FUNCTION queue_pending_sms() IS
'Marks pending messages whose time has come as queued and returns how many. The sender does the same by '
'itself: nothing needs to call this.';

CREATE FUNCTION insert_sms_from_service(
  p_org_id uuid,
  p_client_id uuid,
  p_to_phone text,
  p_template_key text,
  p_variables jsonb,
  p_body text DEFAULT NULL,
  p_scheduled_for timestamptz DEFAULT NULL,
  p_idempotency_key text DEFAULT NULL)
  RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message_id uuid;
BEGIN
  message_id := @extschema@.sms_enqueue(
    p_org_id, client_id => p_client_id, to_phone => p_to_phone, variables => p_variables, body => p_body,
    template_key => CASE WHEN p_body IS NULL THEN p_template_key END,
    scheduled_for => p_scheduled_for, idempotency_key => p_idempotency_key);
  IF p_body IS NOT NULL AND p_template_key IS NOT NULL THEN
    UPDATE @extschema@.sms_messages m SET template_key = p_template_key
     WHERE m.id = message_id AND m.template_key IS NULL;
  END IF;
  RETURN message_id;
END
$$;
COMMENT ON FUNCTION insert_sms_from_service(uuid, uuid, text, text, jsonb, text, timestamptz, text) IS
'sms_enqueue under the name and arguments that the Coach OS app calls. With both a body and a template_key '
'the body is sent and the key is kept for reports. Raises what sms_enqueue raises.';

-- Carries out sms_preview() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_preview_as_owner(
  org_id uuid, template_key text, variables jsonb,
  OUT body text, OUT encoding text, OUT segments integer, OUT estimated_cost numeric, OUT currency text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  org @extschema@.sms_settings;
BEGIN
  PERFORM coach_sms_internal.sms_require_org(org_id);
  SELECT * INTO org FROM @extschema@.sms_settings s WHERE s.org_id = sms_preview_as_owner.org_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown org %', coalesce(org_id::text, 'NULL')
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.',
            HINT = 'Insert its settings first.';
  END IF;
  SELECT t.body INTO body
    FROM @extschema@.sms_templates t
   WHERE t.org_id = sms_preview_as_owner.org_id
     AND t.template_key = sms_preview_as_owner.template_key AND t.is_active
   ORDER BY t.version DESC LIMIT 1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown template "%"', coalesce(template_key, 'NULL')
      USING ERRCODE = 'SM003', DETAIL = 'The org has no active template of that key.',
            HINT = 'Insert it into sms_templates, or set is_active.';
  END IF;
  body := @extschema@.render_sms_template(body, coalesce(variables, '{}'));
  SELECT s.encoding, s.segments INTO encoding, segments FROM @extschema@.sms_segments(body) s;
  estimated_cost := segments * org.price_per_segment;
  currency := org.currency;
END
$$;
