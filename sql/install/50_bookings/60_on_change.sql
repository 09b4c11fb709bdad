-- When a booking, a client or an org changes: triggers on the application's tables decide at once.

-- At commit, lets the sender check again the texts of these bookings that have not left. The bookings were
-- changed, and the consequences are not judged yet.
CREATE FUNCTION coach_sms_internal.sms_keep_back_texts(booking_ids uuid[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
BEGIN
  PERFORM coach_sms_internal.sms_note_retraction(p.to_phone)
     FROM (SELECT DISTINCT m.to_phone
             FROM @extschema@.sms_booking_texts t JOIN @extschema@.sms_messages m ON m.id = t.message_id
            WHERE t.booking_id = ANY (booking_ids) AND m.status IN ('pending', 'queued', 'sending')) p;
END
$$;

-- Leaves the texts of a booking to the next passes. A final reason stays: a booking that was never to be
-- confirmed is not confirmed later.
CREATE FUNCTION coach_sms_internal.sms_leave_to_pass(booking_id uuid, org_id uuid, reason text, detail text)
  RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp SET coach_sms.plans_for_full_tables = on AS $$
  SELECT coach_sms_internal.sms_keep_back_texts(ARRAY[booking_id]);
  SELECT coach_sms_internal.sms_take_back(booking_id);
  INSERT INTO @extschema@.sms_booking_texts AS t (booking_id, type, org_id, reason, detail, try_until)
    VALUES (booking_id, 'confirmation', org_id, reason, detail, now() + interval '1 day')
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO UPDATE SET try_until = excluded.try_until
      WHERE t.message_id IS NOT NULL OR t.reason = 'booking_cancelled' OR t.try_until > now()
$$;

-- Returns false once this transaction has waited for a lock and not got it.
CREATE FUNCTION coach_sms_internal.sms_may_wait() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_wait' LANGUAGE C VOLATILE;

-- Notes that this transaction has waited for a lock and not got it.
CREATE FUNCTION coach_sms_internal.sms_wait_no_more() RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_wait_no_more' LANGUAGE C VOLATILE;

-- Calls sms_leave_to_pass(), and raises nothing. Its snapshot may be older than the row, and another
-- session may hold the row. Neither may end the application's transaction. A transaction that has waited
-- for a lock and not got it waits no more.
CREATE FUNCTION coach_sms_internal.sms_try_leave_to_pass(
  booking_id uuid, org_id uuid, reason text, detail text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
BEGIN
  IF NOT coach_sms_internal.sms_may_wait() THEN
    SET LOCAL lock_timeout = '1ms';
  END IF;
  PERFORM coach_sms_internal.sms_leave_to_pass(booking_id, org_id, reason, detail);
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'the texts of booking % were left as they are: %', booking_id, SQLERRM;
  IF SQLSTATE = '55P03' THEN  -- lock_not_available
    PERFORM coach_sms_internal.sms_wait_no_more();
  END IF;
  PERFORM coach_sms_internal.sms_keep_back_texts(ARRAY[booking_id]);
END
$$;

-- Decides the texts of a changed booking. Raises nothing. A transaction that does not get a lock waits once,
-- for less than the default deadlock_timeout, however many bookings it changes. The holder of a booking's
-- lock may be about to wait for a row that this transaction has changed. PostgreSQL would find that deadlock
-- in a statement of the application.
CREATE FUNCTION coach_sms_internal.sms_booking_changed(booking_id uuid, org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on SET lock_timeout = '300ms' AS $$
BEGIN
  IF NOT coach_sms_internal.sms_may_wait() THEN
    PERFORM coach_sms_internal.sms_try_leave_to_pass(
      booking_id, org_id, 'unreadable', 'others were changing it');
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(coach_sms_internal.sms_lock_booking(booking_id));
  IF NOT coach_sms_internal.sms_note_texts(booking_id) THEN
    PERFORM coach_sms_internal.sms_withdraw_stale(
      booking_id, ARRAY(SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY[booking_id]) b LIMIT 1));
    PERFORM coach_sms_internal.sms_take_back(booking_id);
  END IF;
  PERFORM coach_sms_internal.sms_sync_booking(booking_id);
EXCEPTION WHEN OTHERS THEN
  -- The application's transaction goes on after any error; the pass tries again.
  RAISE LOG 'the texts of booking % could not be decided: %', booking_id, SQLERRM;
  IF SQLSTATE = '55P03' THEN  -- lock_not_available
    PERFORM coach_sms_internal.sms_wait_no_more();
  END IF;
  PERFORM coach_sms_internal.sms_try_leave_to_pass(booking_id, org_id, 'unreadable', SQLERRM);
END
$$;

-- Counts the bookings that this transaction decides. Returns false from the 501st on.
CREATE FUNCTION coach_sms_internal.sms_may_decide_another() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_decide_another' LANGUAGE C VOLATILE;

-- Decides anew the waiting texts of a client, an org or, after TRUNCATE, all bookings; kind is the argument
-- of the trigger. Each decided booking holds an advisory lock until the transaction ends, and all sessions
-- share the server's table of locks. So a transaction decides some bookings and leaves the others to the
-- next passes. The sender checks a booking before its text leaves, so stale texts do not leave meanwhile.
CREATE FUNCTION coach_sms_internal.sms_app_changed(kind text, id uuid, org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  messages uuid[];
  changed uuid[];
  waiting record;
BEGIN
  IF kind = 'client' THEN
    messages := ARRAY(
      SELECT m.id FROM @extschema@.sms_messages m
       WHERE m.org_id = sms_app_changed.org_id AND m.client_id = sms_app_changed.id
         AND m.created_at > now() - interval '1 year'
         AND m.status IN ('pending', 'queued', 'sending', 'unknown'));
  ELSE
    messages := ARRAY(
      SELECT q.message_id FROM coach_sms_internal.sms_queue q
       WHERE q.org_id = sms_app_changed.org_id OR kind = 'truncate'
      UNION ALL
      SELECT f.message_id FROM coach_sms_internal.sms_in_flight f
       WHERE f.org_id = sms_app_changed.org_id OR kind = 'truncate');
  END IF;
  changed := ARRAY(SELECT DISTINCT t.booking_id FROM @extschema@.sms_booking_texts t
                    WHERE t.message_id = ANY (messages) ORDER BY t.booking_id);
  PERFORM coach_sms_internal.sms_keep_back_texts(changed);
  FOR waiting IN
    SELECT DISTINCT t.booking_id, t.org_id FROM @extschema@.sms_booking_texts t
     WHERE t.booking_id = ANY (changed[1:500]) ORDER BY t.booking_id
  LOOP
    EXIT WHEN NOT coach_sms_internal.sms_may_decide_another();
    -- The lock's holder is changing the booking, and may be waiting for the client that we have changed.
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(coach_sms_internal.sms_lock_booking(waiting.booking_id));
    PERFORM coach_sms_internal.sms_booking_changed(waiting.booking_id, waiting.org_id);
  END LOOP;
END
$$;
