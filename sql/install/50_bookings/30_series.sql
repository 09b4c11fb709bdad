-- Recurring series. Where a transaction makes three or more bookings of one client, and the org has a
-- template booking_series_confirmation, one text confirms them all. Until the transaction commits, each
-- booking has its own text, because their number is not known yet. The rows in sms_booking_texts of a
-- series share its number and its message, which names the first session. The pass handles later changes.

-- Returns the number of the series in which this transaction confirms the booking; NULL in a pass.
CREATE FUNCTION coach_sms_internal.sms_series_of(booking coach_sms_internal.sms_booking) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  series uuid;
BEGIN
  IF booking.has_client IS NOT TRUE OR coach_sms_internal.sms_read_note('texts', booking.id) IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM coach_sms_internal.sms_keep_note('client', booking.client_id, to_jsonb(gen_random_uuid()));
  series := coach_sms_internal.sms_read_note('client', booking.client_id) #>> '{}';
  PERFORM coach_sms_internal.sms_keep_note('series', series, 'true');
  RETURN series;
END
$$;

-- Returns whether the org has an active template of that key.
CREATE FUNCTION coach_sms_internal.sms_has_template(org_id uuid, key text) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM @extschema@.sms_templates t
                  WHERE t.org_id = $1 AND t.template_key = $2 AND t.is_active)
$$;

-- Returns the variables of a booking with session_count, and with further_sessions, which is one less.
CREATE FUNCTION coach_sms_internal.sms_series_variables(
  first coach_sms_internal.sms_booking, sessions integer) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_booking_variables(first)
         || jsonb_build_object('session_count', sessions, 'further_sessions', sessions - 1)
$$;

-- Skips for good the bookings above the client's limit, where another booking of the series was confirmed.
-- So a series without the template does not use up the client's next day.
CREATE FUNCTION coach_sms_internal.sms_skip_rest_of_series(series uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE @extschema@.sms_booking_texts t
     SET reason = 'part_of_series', detail = NULL, try_until = NULL, updated_at = now()
   WHERE t.series = sms_skip_rest_of_series.series AND t.reason = 'client_daily_limit'
     AND EXISTS (SELECT FROM @extschema@.sms_booking_texts x
                  WHERE x.series = sms_skip_rest_of_series.series
                    AND x.message_id IS NOT NULL AND x.reason IS NULL);
END
$$;

-- Enqueues the confirmation of a series. Returns its message.
CREATE FUNCTION coach_sms_internal.sms_queue_series(
  series uuid, first coach_sms_internal.sms_booking, sessions integer) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN @extschema@.sms_enqueue(first.org_id, client_id => first.client_id, to_phone => first.phone,
    template_key => 'booking_series_confirmation',
    variables => coach_sms_internal.sms_series_variables(first, sessions),
    expires_at => first.start_time, related_entity_type => 'booking', related_entity_id => first.id,
    idempotency_key => concat_ws('-', 'booking-series', series,
      (SELECT sum(t.revision) FROM @extschema@.sms_booking_texts t WHERE t.series = sms_queue_series.series)),
    metadata => '{"booking_text": "confirmation"}');
END
$$;

-- Returns the bookings of a series whose confirmation has not left, the first session first. Each of them
-- is due, or its own text or its series' text still waits.
CREATE FUNCTION coach_sms_internal.sms_series_members(series uuid) RETURNS coach_sms_internal.sms_booking[]
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(
    SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY(
             SELECT t.booking_id FROM @extschema@.sms_booking_texts t
              WHERE t.series = sms_series_members.series)) b
      JOIN @extschema@.sms_booking_texts t ON t.booking_id = b.id AND t.series = sms_series_members.series
      LEFT JOIN @extschema@.sms_messages m ON m.id = t.message_id
     WHERE b.state = 'confirmed' AND b.has_client AND b.start_time > now()
       AND (m.id IS NULL AND t.try_until > now()
            OR m.status IN ('pending', 'queued') AND m.metadata ? 'booking_text'
            OR m.status = 'cancelled' AND m.error_code IN ('booking_changed', 'booking_cancelled'))
     ORDER BY b.start_time, b.id);
END
$$;

-- Confirms a series in one text. Returns made or skipped; single where each booking has its own text;
-- locked where another session decides one of the bookings.
CREATE FUNCTION coach_sms_internal.sms_make_series(series uuid) RETURNS text
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  members coach_sms_internal.sms_booking[] := coach_sms_internal.sms_series_members(series);
  made uuid;
  why text := coach_sms_internal.sms_why_unreachable(members[1]);
  words text := coach_sms_internal.sms_reason_in_words(why, 'confirmation');
  code text;
BEGIN
  IF cardinality(members) < 3
     OR NOT coach_sms_internal.sms_has_template(members[1].org_id, 'booking_series_confirmation') THEN
    RETURN 'single';
  ELSIF EXISTS (SELECT FROM unnest(members) b
                 WHERE NOT pg_try_advisory_xact_lock(coach_sms_internal.sms_lock_booking(b.id))) THEN
    RETURN 'locked';
  END IF;
  BEGIN
    PERFORM coach_sms_internal.sms_cancel_waiting(
      ARRAY(SELECT t.message_id FROM @extschema@.sms_booking_texts t
              JOIN unnest(members) b ON b.id = t.booking_id
             WHERE t.series = sms_make_series.series),
      'booking_changed', 'the booking is confirmed with its series');
    IF why IS NULL THEN
      made := coach_sms_internal.sms_queue_series(series, members[1], cardinality(members));
    END IF;
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, words = MESSAGE_TEXT;
    IF code IN ('SM003', 'SM004', 'SM005', 'SM009', 'SM017') THEN  -- the template's fault silences no booking
      RETURN 'single';
    END IF;
    why := coach_sms_internal.sms_skip_reason(code);
    IF why = 'client_daily_limit' THEN  -- whose message names the client
      words := coach_sms_internal.sms_reason_in_words(why, 'confirmation');
    END IF;
  END;
  UPDATE @extschema@.sms_booking_texts t
     SET message_id = made, reason = why, detail = words,
         session_start = b.start_time, session_end = b.end_time,
         try_until = CASE WHEN made IS NULL
                          THEN coach_sms_internal.sms_try_until('confirmation', why, b.start_time) END,
         revision = t.revision + (made IS NOT NULL)::integer, updated_at = now()
    FROM unnest(members) b
   WHERE t.booking_id = b.id AND t.series = sms_make_series.series;
  RETURN CASE WHEN made IS NULL THEN 'skipped' ELSE 'made' END;
END
$$;

-- Leaves a booking that was confirmed with a series to the pass, which confirms the series anew. Returns
-- false where the booking was confirmed alone or not at all.
CREATE FUNCTION coach_sms_internal.sms_leave_series(booking coach_sms_internal.sms_booking) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE @extschema@.sms_booking_texts t
     SET message_id = NULL, reason = 'series_changed',
         detail = coach_sms_internal.sms_reason_in_words('series_changed', 'confirmation'),
         session_start = booking.start_time, session_end = booking.end_time, updated_at = now(),
         try_until = coach_sms_internal.sms_try_until('confirmation', 'series_changed', booking.start_time)
   WHERE t.booking_id = booking.id AND t.type = 'confirmation' AND t.series IS NOT NULL
     AND (t.reason = 'series_changed'
          OR EXISTS (SELECT FROM @extschema@.sms_messages m
                      WHERE m.id = t.message_id AND m.template_key = 'booking_series_confirmation'
                        AND m.status = 'cancelled'));
  RETURN FOUND;
END
$$;

-- Makes a confirmation as sms_make_text() does. It may be the confirmation of a series.
CREATE FUNCTION coach_sms_internal.sms_make_confirmation(
  booking coach_sms_internal.sms_booking, schedule_id uuid, template_key text,
  due_at timestamptz, expires_at timestamptz,
  OUT is_made boolean, OUT is_new boolean)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known record;
  outcome text := 'single';
BEGIN
  IF coach_sms_internal.sms_series_of(booking) IS NULL THEN  -- a pass, which tries a series once
    SELECT t.series, t.updated_at INTO known FROM @extschema@.sms_booking_texts t
     WHERE t.booking_id = booking.id AND t.type = 'confirmation';
    outcome := CASE WHEN known.series IS NULL THEN 'single' WHEN known.updated_at = now() THEN 'skipped'
                    ELSE coach_sms_internal.sms_make_series(known.series) END;
  ELSIF coach_sms_internal.sms_leave_series(booking) THEN
    outcome := 'left';
  END IF;
  IF outcome = 'single' THEN
    SELECT t.* INTO is_made, is_new
      FROM coach_sms_internal.sms_make_text(
             booking, 'confirmation', schedule_id, template_key, due_at, expires_at) t;
  ELSE
    is_made := outcome = 'made';
    is_new := false;
  END IF;
END
$$;

-- At commit, confirms as a series the bookings that the transaction made for a client. Rows without a note
-- of this transaction, such as those of a restored dump, stay as they are.
CREATE FUNCTION coach_sms_internal.sms_confirm_series() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on SET lock_timeout = '300ms' AS $$
DECLARE
  members bigint;
BEGIN
  IF coach_sms_internal.sms_read_note('series', NEW.series) IS NULL THEN
    RETURN NULL;
  END IF;
  members := (SELECT count(*) FROM @extschema@.sms_booking_texts t WHERE t.series = NEW.series);
  IF members >= 3 AND coach_sms_internal.sms_keep_note('series of ' || members, NEW.series, 'true')
     AND coach_sms_internal.sms_make_series(NEW.series) = 'single' THEN
    PERFORM coach_sms_internal.sms_skip_rest_of_series(NEW.series);
  END IF;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'the confirmations of series % were left as they are: %', NEW.series, SQLERRM;
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER sms_series_confirm AFTER INSERT OR UPDATE OF series ON sms_booking_texts
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.series IS NOT NULL) EXECUTE FUNCTION coach_sms_internal.sms_confirm_series();
