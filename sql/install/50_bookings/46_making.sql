-- Making one text of a booking.

-- Records the outcome of a text. Returns whether the outcome is new.
CREATE FUNCTION coach_sms_internal.sms_record_text(
  booking coach_sms_internal.sms_booking, type text, schedule_id uuid, message_id uuid,
  reason text, detail text, try_until timestamptz) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_new boolean;
BEGIN
  INSERT INTO @extschema@.sms_booking_texts AS t
    (booking_id, type, schedule_id, org_id, session_start, session_end, message_id, reason, detail, try_until,
     revision, series)
    VALUES (booking.id, type, schedule_id, booking.org_id, booking.start_time, booking.end_time, message_id,
      reason, detail, try_until,
            CASE WHEN message_id IS NULL THEN 0 ELSE 1 END,
            CASE type WHEN 'confirmation' THEN coach_sms_internal.sms_series_of(booking) END)
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO UPDATE
      SET org_id = excluded.org_id, session_start = excluded.session_start,
        session_end = excluded.session_end, message_id = excluded.message_id,
          reason = excluded.reason, detail = excluded.detail, revision = t.revision + excluded.revision,
            updated_at = now(),
          series = coalesce(excluded.series, t.series),
          try_until = CASE WHEN t.message_id IS NULL AND t.try_until IS NOT NULL
            AND t.session_start = excluded.session_start
                                AND excluded.try_until > t.try_until THEN t.try_until
                                  ELSE excluded.try_until END,
          created_at = CASE WHEN t.reason IS NOT DISTINCT FROM excluded.reason
            AND t.session_start IS NOT DISTINCT FROM excluded.session_start
                            THEN t.created_at ELSE now() END
    RETURNING t.created_at = now() INTO is_new;
  RETURN is_new;
END
$$;

-- Enqueues a text of a booking. Returns its message.
CREATE FUNCTION coach_sms_internal.sms_queue_text(
  booking coach_sms_internal.sms_booking, type text, schedule_id uuid, template_key text, due_at timestamptz,
    expires_at timestamptz) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made integer := coalesce((SELECT t.revision FROM @extschema@.sms_booking_texts t
    WHERE t.booking_id = booking.id AND t.type = sms_queue_text.type
      AND t.schedule_id = sms_queue_text.schedule_id), 0);
  key text := concat_ws('-', 'booking', type, booking.id,
                        nullif(schedule_id, coach_sms_internal.sms_no_schedule()),
                        CASE WHEN made > 0 THEN made + 1 END);
  -- The guide's application confirms by itself, under the same key.
  message_id uuid := coach_sms_internal.sms_message_with_key(booking.org_id, key);
BEGIN
  IF message_id IS NOT NULL THEN
    -- A message without a booking is not checked again before it leaves.
    UPDATE @extschema@.sms_messages m SET related_entity_type = 'booking', related_entity_id = booking.id
     WHERE m.id = message_id AND m.related_entity_type IS NULL AND m.related_entity_id IS NULL;
    RETURN message_id;
  END IF;
  RETURN @extschema@.sms_enqueue(booking.org_id, client_id => booking.client_id, to_phone => booking.phone,
    template_key => sms_queue_text.template_key,
    variables => coach_sms_internal.sms_booking_variables(booking),
    scheduled_for => CASE WHEN sms_queue_text.due_at > now() THEN sms_queue_text.due_at END,
      expires_at => sms_queue_text.expires_at,
    related_entity_type => 'booking', related_entity_id => booking.id, idempotency_key => key,
    metadata => jsonb_build_object('booking_text', type));
END
$$;

-- Returns no_client or no_phone; NULL where there is a number to try.
CREATE FUNCTION coach_sms_internal.sms_why_unreachable(booking coach_sms_internal.sms_booking) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN NOT booking.has_client THEN 'no_client'
              WHEN coalesce(booking.phone !~ '[^[:space:]]', true) THEN 'no_phone' END;

-- Makes a text of a booking, or records why it was not made. Raises nothing.
CREATE FUNCTION coach_sms_internal.sms_make_text(
  booking coach_sms_internal.sms_booking, type text, schedule_id uuid, template_key text, due_at timestamptz,
    expires_at timestamptz, OUT is_made boolean, OUT is_new boolean)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message_id uuid;
  reason text := coach_sms_internal.sms_why_unreachable(booking);
  detail text := coach_sms_internal.sms_reason_in_words(reason, type);
  code text;
BEGIN
  IF reason IS NULL THEN
    BEGIN
      message_id := coach_sms_internal.sms_queue_text(
        booking, type, schedule_id, template_key, due_at, expires_at);
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = MESSAGE_TEXT;
      reason := coach_sms_internal.sms_skip_reason(code);
      -- The message names the client, who may be erased later.
      IF reason = 'client_daily_limit' THEN
        detail := coach_sms_internal.sms_reason_in_words(reason, type);
      END IF;
    END;
  END IF;
  is_made := message_id IS NOT NULL;
  is_new := coach_sms_internal.sms_record_text(booking, type, schedule_id, message_id, reason, detail,
    CASE WHEN NOT is_made THEN coach_sms_internal.sms_try_until(type, reason, expires_at) END);
END
$$;

-- Marks a booking as sms_mark_booking() does, where the bookings can be updated.
CREATE FUNCTION coach_sms_internal.sms_try_mark(booking_id uuid, feedback boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_mark_booking(booking_id, feedback);
EXCEPTION WHEN OTHERS THEN
  NULL;  -- a view that cannot be updated is left alone
END
$$;
