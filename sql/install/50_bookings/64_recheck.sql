-- The pre-send check of texts about bookings.

-- Returns which of these claimed messages must not leave: booking_changed, booking_cancelled, or
-- booking_unreadable for now. Raises nothing.
CREATE FUNCTION coach_sms_internal.sms_recheck_bookings(message_ids uuid[])
  RETURNS TABLE (message_id uuid, reason text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  ids uuid[];
  known coach_sms_internal.sms_booking[];
  unreadable uuid[] := '{}';
  stale_ids uuid[];
  stale_codes text[];
  one uuid;
  began CONSTANT timestamptz := clock_timestamp();
BEGIN
  ids := ARRAY(SELECT DISTINCT t.booking_id FROM @extschema@.sms_booking_texts t
                WHERE t.message_id = ANY (message_ids));
  IF ids = '{}' OR NOT EXISTS (SELECT FROM @extschema@.sms_bookings_source) THEN
    RETURN;
  END IF;
  BEGIN
    known := ARRAY(SELECT DISTINCT ON (b.id) b FROM coach_sms_internal.sms_read_bookings(ids) b);
  EXCEPTION WHEN OTHERS THEN
    known := '{}';
    FOREACH one IN ARRAY ids LOOP
      -- A locked table or a slow view affects each of them, and the sender sends nothing meanwhile.
      IF SQLSTATE IN ('55P03', 'SM021') OR clock_timestamp() > began + interval '3 seconds' THEN
        unreadable := unreadable || one;
        CONTINUE;
      END IF;
      BEGIN
        known := known || ARRAY(SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY[one]) b LIMIT 1);
      EXCEPTION WHEN OTHERS THEN
        unreadable := unreadable || one;
      END;
    END LOOP;
  END;
  -- A message that cannot be judged waits, and blocks no other.
  BEGIN
    SELECT coalesce(array_agg(s.message_id), '{}'), coalesce(array_agg(s.code), '{}')
      INTO stale_ids, stale_codes
      FROM coach_sms_internal.sms_stale_texts(ids, known) s;
  EXCEPTION WHEN OTHERS THEN
    stale_ids := '{}';
    stale_codes := '{}';
    FOREACH one IN ARRAY ids LOOP
      BEGIN
        SELECT stale_ids || coalesce(array_agg(s.message_id), '{}'),
               stale_codes || coalesce(array_agg(s.code), '{}')
          INTO stale_ids, stale_codes
          FROM coach_sms_internal.sms_stale_texts(
                 ARRAY[one], ARRAY(SELECT k FROM unnest(known) k WHERE k.id = one)) s;
      EXCEPTION WHEN OTHERS THEN
        unreadable := unreadable || one;
      END;
    END LOOP;
  END;
  RETURN QUERY
    SELECT t.message_id, 'booking_unreadable'::text FROM @extschema@.sms_booking_texts t
     WHERE t.message_id = ANY (message_ids) AND t.booking_id = ANY (unreadable);
  -- The next pass makes a confirmation anew that is withdrawn here.
  RETURN QUERY
    WITH stale AS (
      SELECT s.message_id, s.code FROM unnest(stale_ids, stale_codes) s (message_id, code)
       WHERE s.message_id = ANY (message_ids)),
    again AS (
      UPDATE @extschema@.sms_booking_texts t SET try_until = t.session_start FROM stale s
       WHERE t.message_id = s.message_id AND t.type = 'confirmation'
         AND (s.code = 'booking_changed' OR t.series IS NOT NULL))
    SELECT s.message_id, s.code
      FROM stale s JOIN @extschema@.sms_booking_texts t ON t.message_id = s.message_id
     WHERE NOT t.booking_id = ANY (unreadable);
END
$$;

-- Returns why the attached bookings cannot be read; NULL where they can, or where there are none. Only a
-- role that acts for every org sees the application's words.
CREATE FUNCTION coach_sms_internal.sms_bookings_problem() RETURNS text
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET client_min_messages = error AS $$
BEGIN
  PERFORM coach_sms_internal.sms_find_due_bookings('{}') FROM @extschema@.sms_bookings_source;
  PERFORM coach_sms_internal.sms_read_bookings('{}');
  RETURN NULL;
EXCEPTION
  WHEN query_canceled THEN
    RAISE EXCEPTION 'the check of bookings was canceled'
      USING ERRCODE = '57014', HINT = 'Call sms_doctor() again.';
  WHEN assert_failure OR OTHERS THEN
    RETURN 'the attached bookings cannot be read: '
           || CASE WHEN coach_sms_internal.sms_may_act_for(NULL) THEN SQLERRM
                   ELSE 'SQLSTATE ' || SQLSTATE END;
END
$$;
