-- Returns the idempotency key of the message that sends this one again.
CREATE FUNCTION coach_sms_internal.sms_retry_key(message_id uuid) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN 'retry of ' || message_id::text;

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
            HINT = 'Wait until it is settled; sms_why() says why it waits.';
  ELSIF earlier.to_phone = 'erased' THEN
    RAISE EXCEPTION 'message % is erased', message_id
      USING ERRCODE = 'SM012',
            DETAIL = 'Its number and text are gone: sms_erase_person() was called for its recipient.',
            HINT = 'Enqueue a new one.';
  END IF;
  new_id := coach_sms_internal.sms_message_with_key(
    earlier.org_id, coach_sms_internal.sms_retry_key(earlier.id));
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
      coach_sms_internal.sms_retry_key(earlier.id), earlier.priority,
      CASE WHEN earlier.expires_at > now() THEN earlier.expires_at END,
      earlier.metadata || jsonb_build_object('retry_of', earlier.id))
    RETURNING id INTO new_id;
  UPDATE @extschema@.sms_booking_texts t SET message_id = new_id, reason = NULL, detail = NULL
   WHERE t.message_id = earlier.id;
  RETURN new_id;
END
$$;
