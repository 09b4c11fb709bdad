-- The functions under the names that the Coach OS app calls.

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
'Sets pending messages whose time has come to queued and returns how many. Nothing needs to call it: the '
'sender does the same.';

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
'Calls sms_enqueue with the name and arguments that the Coach OS app uses. With both a body and a '
'template_key, the body is sent and the key is kept for reports. Raises the errors of sms_enqueue.';
