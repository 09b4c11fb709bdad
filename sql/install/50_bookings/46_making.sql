-- Making texts, taking back what is not right any more, and both for a booking.

CREATE FUNCTION coach_sms_internal.sms_record_text(
  booking coach_sms_internal.sms_booking, type text, schedule_id uuid, message_id uuid, reason text, detail text,
    try_until timestamptz) RETURNS boolean
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
REVOKE ALL ON FUNCTION coach_sms_internal.sms_record_text(coach_sms_internal.sms_booking, text, uuid, uuid, text, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_record_text(coach_sms_internal.sms_booking, text, uuid, uuid, text, text, timestamptz) IS
'Internal: writes what became of a text; true where that is news.';

CREATE FUNCTION coach_sms_internal.sms_queue_text(
  booking coach_sms_internal.sms_booking, type text, schedule_id uuid, template_key text, due_at timestamptz,
    expires_at timestamptz) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made integer := coalesce((SELECT t.revision FROM @extschema@.sms_booking_texts t
    WHERE t.booking_id = booking.id AND t.type = sms_queue_text.type
      AND t.schedule_id = sms_queue_text.schedule_id), 0);
  key text := concat_ws('-', 'booking', type, booking.id, nullif(schedule_id,
    '00000000-0000-0000-0000-000000000000'),
                        CASE WHEN made > 0 THEN made + 1 END);
  -- The guide's application confirms by itself, under the same key.
  message_id uuid := coach_sms_internal.sms_message_with_key(booking.org_id, key);
BEGIN
  IF message_id IS NOT NULL THEN
    -- What is about no booking is not looked at before it leaves.
    UPDATE @extschema@.sms_messages m SET related_entity_type = 'booking', related_entity_id = booking.id
     WHERE m.id = message_id AND m.related_entity_type IS NULL AND m.related_entity_id IS NULL;
    RETURN message_id;
  END IF;
  RETURN @extschema@.sms_enqueue(booking.org_id, client_id => booking.client_id, to_phone => booking.phone,
    template_key => sms_queue_text.template_key, variables => coach_sms_internal.sms_booking_variables(booking),
    scheduled_for => CASE WHEN sms_queue_text.due_at > now() THEN sms_queue_text.due_at END,
      expires_at => sms_queue_text.expires_at,
    related_entity_type => 'booking', related_entity_id => booking.id, idempotency_key => key,
    metadata => jsonb_build_object('booking_text', type));
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_queue_text(coach_sms_internal.sms_booking, text, uuid, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_queue_text(coach_sms_internal.sms_booking, text, uuid, text, timestamptz, timestamptz) IS
'Internal: enqueues a text of a booking.';

CREATE FUNCTION coach_sms_internal.sms_why_unreachable(booking coach_sms_internal.sms_booking) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN NOT booking.has_client THEN 'no_client'
              WHEN coalesce(booking.phone !~ '[^[:space:]]', true) THEN 'no_phone' END;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_why_unreachable(coach_sms_internal.sms_booking) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_why_unreachable(coach_sms_internal.sms_booking) IS
'Internal: no_client, no_phone, or NULL where there is a number to try.';

-- Whatever keeps a text from being queued is written down, and nobody's error.
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
      message_id := coach_sms_internal.sms_queue_text(booking, type, schedule_id, template_key, due_at, expires_at);
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = MESSAGE_TEXT;
      reason := coach_sms_internal.sms_skip_reason(code);
      -- The message names the client, whom somebody may erase.
      detail := CASE reason WHEN 'client_daily_limit' THEN coach_sms_internal.sms_reason_in_words(reason, type)
        ELSE detail END;
    END;
  END IF;
  is_made := message_id IS NOT NULL;
  is_new := coach_sms_internal.sms_record_text(booking, type, schedule_id, message_id, reason, detail,
    CASE WHEN NOT is_made THEN coach_sms_internal.sms_try_until(type, reason, expires_at) END);
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_make_text(coach_sms_internal.sms_booking, text, uuid, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_make_text(coach_sms_internal.sms_booking, text, uuid, text, timestamptz, timestamptz) IS
'Internal: makes a text of a booking, or records why not.';

CREATE FUNCTION coach_sms_internal.sms_try_mark(booking_id uuid, feedback boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_mark_booking(booking_id, feedback);
EXCEPTION WHEN OTHERS THEN
  NULL;  -- a view that cannot be updated is left alone
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_try_mark(uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_try_mark(uuid, boolean) IS
'Internal: sms_mark_booking, where the bookings can be updated.';

-- What waits and is not right any more goes first. A message that the sender holds at this moment is
-- checked once more before it leaves, and what is to come in its place is made by the next pass.
CREATE FUNCTION coach_sms_internal.sms_withdraw_stale(booking_id uuid, bookings coach_sms_internal.sms_booking[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_noted boolean := coach_sms_internal.sms_read_note('texts', booking_id) IS NOT NULL;
  stale record;
  waiting uuid;
BEGIN
  FOR stale IN SELECT * FROM coach_sms_internal.sms_stale_texts(ARRAY[booking_id], bookings) LOOP
    SELECT m.id INTO waiting FROM @extschema@.sms_messages m
     WHERE m.id = stale.message_id FOR NO KEY UPDATE SKIP LOCKED;
    IF is_noted THEN
      PERFORM coach_sms_internal.sms_note_withdrawal(waiting);
    END IF;
    PERFORM coach_sms_internal.sms_cancel_waiting(ARRAY[waiting], stale.code,
      CASE stale.code WHEN 'booking_changed' THEN 'the booking was changed'
        ELSE 'the booking was cancelled' END);
    -- The others of a series are confirmed anew by the next pass.
    UPDATE @extschema@.sms_booking_texts t SET try_until = least(t.session_start, now() + interval '1 day')
     WHERE t.message_id = waiting AND t.booking_id <> sms_withdraw_stale.booking_id AND t.series IS NOT NULL;
    PERFORM coach_sms_internal.sms_note_retraction(stale.to_phone);
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_withdraw_stale(uuid, coach_sms_internal.sms_booking[]) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_withdraw_stale(uuid, coach_sms_internal.sms_booking[]) IS
'Internal: cancels what waits for a booking and is not right any more.';

CREATE FUNCTION coach_sms_internal.sms_needs_work(verdict text, reason text) RETURNS boolean
  LANGUAGE sql IMMUTABLE
  RETURN verdict = 'due' OR verdict IN ('no_settings', 'disabled', 'switched_off', 'before_rule',
    'already_sent', 'superseded', 'confirmation_just_sent')
                            AND reason IS DISTINCT FROM verdict;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_needs_work(text, text) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_needs_work(text, text) IS
'Internal: whether a text that is due is to be made, or a reason to be recorded that is not yet.';

CREATE FUNCTION coach_sms_internal.sms_is_work(
  type text, verdict text, is_due boolean, is_stale boolean, reason text, updated_at timestamptz,
  tried_before timestamptz)
  RETURNS boolean
  LANGUAGE sql IMMUTABLE
  RETURN is_stale
      OR is_due AND coach_sms_internal.sms_needs_work(verdict, reason)
         AND coalesce(reason IS NULL OR updated_at < tried_before, true)
      OR verdict = 'not_confirmed' AND updated_at IS NOT NULL AND type <> 'feedback'
         AND reason IS DISTINCT FROM 'booking_cancelled';
REVOKE ALL ON FUNCTION coach_sms_internal.sms_is_work(text, text, boolean, boolean, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_is_work(text, text, boolean, boolean, text, timestamptz, timestamptz) IS
'Internal: whether a pass has work with a text. A skipped one is tried again if it was last tried before.';

CREATE FUNCTION coach_sms_internal.sms_make_texts(
  booking_id uuid, OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer,
    OUT skipped integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  booking coach_sms_internal.sms_booking;
  known coach_sms_internal.sms_booking[];
  stage text[];
  want record;
  result record;
BEGIN
  confirmations := 0;
  reminders := 0;
  feedback_requests := 0;
  skipped := 0;
  known := ARRAY(SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY[booking_id]) b LIMIT 1);
  booking := known[1];
  PERFORM coach_sms_internal.sms_withdraw_stale(booking_id, known);
  IF coalesce(booking.state, 'other') = 'other' THEN
    UPDATE @extschema@.sms_booking_texts t SET reason = 'booking_cancelled', detail = NULL, try_until = NULL,
      updated_at = now()
     WHERE t.booking_id = sms_make_texts.booking_id AND t.type <> 'feedback'
       AND t.reason IS DISTINCT FROM 'booking_cancelled';
  END IF;
  -- The confirmation first: a reminder on its heels would be one text too many.
  FOREACH stage SLICE 1 IN ARRAY ARRAY[['confirmation', 'confirmation'], ['reminder', 'feedback']] LOOP
    FOR want IN
      SELECT o.* FROM coach_sms_internal.sms_booking_outlook(known) o
       WHERE o.type = ANY (stage) AND o.is_due AND coach_sms_internal.sms_needs_work(o.verdict, o.reason)
         ORDER BY o.due_at DESC
    LOOP
      IF want.verdict = 'due' AND want.type = 'confirmation' THEN
        SELECT c.* INTO result
          FROM coach_sms_internal.sms_make_confirmation(
                 booking, want.schedule_id, want.template_key, want.due_at, want.expires_at) c;
      ELSIF want.verdict = 'due' THEN
        result := coach_sms_internal.sms_make_text(booking, want.type, want.schedule_id, want.template_key,
          want.due_at, want.expires_at);
      ELSE
        SELECT false AS is_made, coach_sms_internal.sms_record_text(booking, want.type, want.schedule_id, NULL,
          want.verdict, NULL,
          coach_sms_internal.sms_try_until(want.type, want.verdict, want.expires_at)) AS is_new INTO result;
      END IF;
      confirmations := confirmations + (result.is_made AND want.type = 'confirmation')::integer;
      reminders := reminders + (result.is_made AND want.type = 'reminder')::integer;
      feedback_requests := feedback_requests + (result.is_made AND want.type = 'feedback')::integer;
      skipped := skipped + (NOT result.is_made AND result.is_new)::integer;
    END LOOP;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_make_texts(uuid) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_make_texts(uuid) IS
'Internal: makes, moves and cancels the texts of a booking. The caller holds the booking''s advisory lock.';

CREATE FUNCTION coach_sms_internal.sms_sync_booking(
  booking_id uuid,
  OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer, OUT skipped integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT m.* INTO confirmations, reminders, feedback_requests, skipped
    FROM coach_sms_internal.sms_make_texts(booking_id) m;
  IF reminders > 0 THEN
    PERFORM coach_sms_internal.sms_try_mark(booking_id, false);
  END IF;
  IF feedback_requests > 0 THEN
    PERFORM coach_sms_internal.sms_try_mark(booking_id, true);
  END IF;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_sync_booking(uuid) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_sync_booking(uuid) IS
'Internal: coach_sms_internal.sms_make_texts(), and marks the booking where a reminder or feedback request was made.';
