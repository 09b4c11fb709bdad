-- Deciding all texts of a booking: stale ones are cancelled, and due ones are made.

-- Cancels waiting messages of a booking that must not leave as they are. A message that the sender has
-- claimed is checked once more before it leaves, and the next pass makes its successor.
CREATE FUNCTION coach_sms_internal.sms_withdraw_stale(
  booking_id uuid, bookings coach_sms_internal.sms_booking[]) RETURNS void
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
    -- The next pass confirms the other bookings of a series anew.
    UPDATE @extschema@.sms_booking_texts t SET try_until = least(t.session_start, now() + interval '1 day')
     WHERE t.message_id = waiting AND t.booking_id <> sms_withdraw_stale.booking_id AND t.series IS NOT NULL;
    PERFORM coach_sms_internal.sms_note_retraction(stale.to_phone);
  END LOOP;
END
$$;

-- Returns whether a due text must be made, or a new reason must be recorded.
CREATE FUNCTION coach_sms_internal.sms_needs_work(verdict text, reason text) RETURNS boolean
  LANGUAGE sql IMMUTABLE
  RETURN verdict = 'due' OR verdict IN ('no_settings', 'disabled', 'switched_off', 'before_rule',
    'already_sent', 'superseded', 'confirmation_just_sent')
                            AND reason IS DISTINCT FROM verdict;

-- Returns whether a pass has work with a text. A skipped text is tried again where its last try was before
-- tried_before.
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

-- Makes, moves and cancels the texts of a booking. The caller holds the booking's advisory lock.
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
  -- The confirmation comes first: a reminder right behind it would be one text too many.
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
        SELECT false AS is_made, coach_sms_internal.sms_record_text(
          booking, want.type, want.schedule_id, NULL, want.verdict, NULL,
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

-- Calls sms_make_texts(), and marks the booking where a reminder or a feedback request was made.
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
