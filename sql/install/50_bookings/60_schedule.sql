-- When the texts of bookings are decided: by triggers on the application's tables at once, and by a pass each minute
-- for what falls due, what could not be queued before, and what no trigger tells of.

-- What has passed the last check and has not left yet is looked at once more when this commits: its booking was changed, and
-- nobody has judged yet what that means for it.
CREATE FUNCTION coach_sms_internal.sms_keep_back_texts(booking_ids uuid[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_note_retraction(p.to_phone)
     FROM (SELECT DISTINCT m.to_phone FROM @extschema@.sms_booking_texts t JOIN @extschema@.sms_messages m ON m.id = t.message_id
            WHERE t.booking_id = ANY (booking_ids) AND m.status IN ('pending', 'queued', 'sending')) p;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_keep_back_texts(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_keep_back_texts(uuid[]) IS 'Internal: at commit, texts of these bookings that have not left yet are checked again before they do.';

-- Leaves a booking to the pass. A reason that is final stays so: what was not confirmed once is no history to be made up for.
CREATE FUNCTION coach_sms_internal.sms_leave_to_pass(booking_id uuid, org_id uuid, reason text, detail text) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_keep_back_texts(ARRAY[booking_id]);
  SELECT coach_sms_internal.sms_take_back(booking_id);
  INSERT INTO @extschema@.sms_booking_texts AS t (booking_id, type, org_id, reason, detail, try_until)
    VALUES (booking_id, 'confirmation', org_id, reason, detail, now() + interval '1 day')
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO UPDATE SET try_until = excluded.try_until
      WHERE t.message_id IS NOT NULL OR t.reason = 'booking_cancelled' OR t.try_until > now()
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_leave_to_pass(uuid, uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_leave_to_pass(uuid, uuid, text, text) IS 'Internal: has the next passes decide the texts of a booking.';

-- Not even this may fail the application's transaction: its snapshot may be older than the row, and another may hold it.
CREATE FUNCTION coach_sms_internal.sms_try_leave_to_pass(booking_id uuid, org_id uuid, reason text, detail text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
BEGIN
  PERFORM coach_sms_internal.sms_leave_to_pass(booking_id, org_id, reason, detail);
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'the texts of booking % were left as they are: %', booking_id, SQLERRM;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_try_leave_to_pass(uuid, uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_try_leave_to_pass(uuid, uuid, text, text) IS 'Internal: coach_sms_internal.sms_leave_to_pass(), raising nothing.';

CREATE FUNCTION coach_sms_internal.sms_may_wait() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_wait' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_may_wait() FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_may_wait() IS 'Internal: false once this transaction has waited for a lock in vain.';

CREATE FUNCTION coach_sms_internal.sms_wait_no_more() RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_wait_no_more' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_wait_no_more() FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_wait_no_more() IS 'Internal: this transaction has waited for a lock in vain.';

-- A transaction waits for others for less than deadlock_timeout is by default, however many bookings it changes: whoever holds
-- a booking's lock may be about to wait for a row that this transaction has changed, and the deadlock would be found in a
-- statement of the application's.
CREATE FUNCTION coach_sms_internal.sms_booking_changed(booking_id uuid, org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '300ms' AS $$
BEGIN
  IF NOT coach_sms_internal.sms_may_wait() THEN
    PERFORM coach_sms_internal.sms_try_leave_to_pass(booking_id, org_id, 'unreadable', 'others were changing it');
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
  -- The application's transaction goes on, whatever is the matter with the texts; the pass tries again.
  RAISE LOG 'the texts of booking % could not be decided: %', booking_id, SQLERRM;
  IF SQLSTATE = '55P03' THEN  -- lock_not_available
    PERFORM coach_sms_internal.sms_wait_no_more();
  END IF;
  PERFORM coach_sms_internal.sms_try_leave_to_pass(booking_id, org_id, 'unreadable', SQLERRM);
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_booking_changed(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_booking_changed(uuid, uuid) IS 'Internal: decides the texts of a booking that was changed. Raises nothing.';

CREATE FUNCTION coach_sms_internal.sms_may_decide_another() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_decide_another' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_may_decide_another() FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_may_decide_another() IS 'Internal: counts the bookings that this transaction decides; false from the 501st on.';

-- Each booking that is decided holds an advisory lock until the transaction ends, and the server's table of locks is
-- everybody's: an import decides some at once, and leaves the others to the passes that follow. What waits for those and
-- is not right any more does not go meanwhile, since the sender looks at a booking before its text leaves.
CREATE FUNCTION coach_sms_internal.sms_app_changed(kind text, id uuid, org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  changed uuid[];
  waiting record;
BEGIN
  IF kind = 'booking' THEN
    PERFORM coach_sms_internal.sms_booking_changed(id, org_id);
    RETURN;
  ELSIF kind = 'one of many gone' THEN
    PERFORM coach_sms_internal.sms_keep_back_texts(ARRAY[id]);
    RETURN;
  ELSIF kind = 'one of many' AND current_setting('transaction_isolation') = 'read committed' THEN
    PERFORM coach_sms_internal.sms_leave_to_pass(id, org_id, 'many_at_once', 'many bookings were changed in one transaction');
    RETURN;
  ELSIF kind = 'one of many' THEN  -- a subtransaction each
    PERFORM coach_sms_internal.sms_try_leave_to_pass(id, org_id, 'many_at_once', 'many bookings were changed in one transaction');
    RETURN;
  END IF;
  changed := ARRAY(
    SELECT DISTINCT t.booking_id
      FROM (SELECT q.message_id FROM coach_sms_internal.sms_queue q WHERE kind <> 'client' AND (q.org_id = sms_app_changed.org_id OR kind = 'truncate')
            UNION ALL
            SELECT f.message_id FROM coach_sms_internal.sms_in_flight f WHERE kind <> 'client' AND (f.org_id = sms_app_changed.org_id OR kind = 'truncate')
            UNION ALL
            SELECT m.id FROM @extschema@.sms_messages m
             WHERE kind = 'client' AND m.org_id = sms_app_changed.org_id AND m.client_id = sms_app_changed.id
               AND m.created_at > now() - interval '1 year' AND m.status IN ('pending', 'queued', 'sending', 'unknown')) w
      JOIN @extschema@.sms_booking_texts t ON t.message_id = w.message_id
     ORDER BY t.booking_id);
  PERFORM coach_sms_internal.sms_keep_back_texts(changed);
  FOR waiting IN
    SELECT DISTINCT t.booking_id, t.org_id FROM @extschema@.sms_booking_texts t WHERE t.booking_id = ANY (changed[1:500]) ORDER BY t.booking_id
  LOOP
    EXIT WHEN NOT coach_sms_internal.sms_may_decide_another();
    -- Whoever holds it is changing the booking, and may be waiting for the client that we have changed.
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(coach_sms_internal.sms_lock_booking(waiting.booking_id));
    PERFORM coach_sms_internal.sms_booking_changed(waiting.booking_id, waiting.org_id);
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_app_changed(text, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_app_changed(text, uuid, uuid) IS
'Internal: called by the triggers on the application''s tables: a booking was changed (one of many, or one of many gone: more than 500 in this transaction), or a client, an org or all bookings, and what waits for them is looked at.';

-- Nobody else's bookings are read than those that could have something due, by ranges of times that an index serves;
-- and those whose confirmation is to be tried again. A view tells of no new booking, so there all to come are read.
CREATE FUNCTION coach_sms_internal.sms_pass_ranges(
  OUT starts_after timestamptz, OUT starts_until timestamptz,
  OUT ends_after timestamptz, OUT ends_until timestamptz)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source @extschema@.sms_bookings_source;
  before interval;
  after interval;
BEGIN
  SELECT * INTO source FROM @extschema@.sms_bookings_source;
  SELECT max(r.span) FILTER (WHERE r.type = 'reminder'), max(r.span) FILTER (WHERE r.type = 'feedback')
    INTO before, after FROM coach_sms_internal.sms_booking_rules r WHERE r.is_on AND r.enabled;
  IF NOT coach_sms_internal.sms_is_table(source.bookings) THEN
    before := interval '366 days';
  END IF;
  starts_after := now();
  starts_until := now() + coalesce(before, '0') + interval '2 minutes';
  ends_after := greatest(source.attached_at, now() - coalesce(after, '0') - interval '3 days');
  ends_until := now() + interval '2 minutes';
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_pass_ranges() FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_pass_ranges() IS
'Internal: between which times a booking starts or ends that a pass has to judge.';

CREATE FUNCTION coach_sms_internal.sms_find_due_bookings(retried uuid[]) RETURNS coach_sms_internal.sms_booking[]
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT ON (b.id) b
      FROM coach_sms_internal.sms_pass_ranges() r,
           coach_sms_internal.sms_find_bookings(
             r.starts_after, r.starts_until, r.ends_after, r.ends_until, retried) b
     WHERE b.id IS NOT NULL AND b.org_id IS NOT NULL);
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_find_due_bookings(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_find_due_bookings(uuid[]) IS 'Internal: the bookings that a pass has to judge, those with these ids among them, without what is read of their clients.';

-- What a pass cannot even read is recorded for each of its texts that is due, and does not stop the others, nor does what
-- cannot even be recorded, as where another has the row.
CREATE FUNCTION coach_sms_internal.sms_record_unreadable(booking coach_sms_internal.sms_booking, detail text) RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  want record;
  news integer := 0;
BEGIN
  FOR want IN SELECT * FROM coach_sms_internal.sms_booking_outlook(ARRAY[booking]) o WHERE o.is_due AND o.verdict = 'due' LOOP
    news := news + coach_sms_internal.sms_record_text(booking, want.type, want.schedule_id, NULL, 'unreadable', detail,
      coach_sms_internal.sms_try_until(want.type, 'unreadable', want.expires_at))::integer;
  END LOOP;
  RETURN news;
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'the texts of booking % were left as they are: %', booking.id, SQLERRM;
  RETURN 0;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_record_unreadable(coach_sms_internal.sms_booking, text) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_record_unreadable(coach_sms_internal.sms_booking, text) IS 'Internal: records that a booking could not be read, and how many of its texts that is news for.';

CREATE FUNCTION coach_sms_internal.sms_stop_retrying(retried uuid[], known coach_sms_internal.sms_booking[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF retried = '{}' THEN
    RETURN;
  END IF;
  WITH idle AS (
    SELECT x.booking_id, x.type, x.schedule_id, x.message_id IS NULL AND x.reason IN ('many_at_once', 'unreadable') AS was_never_decided
    FROM @extschema@.sms_booking_texts x
   WHERE x.booking_id = ANY (retried) AND x.type = 'confirmation' AND x.try_until > now()
     AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_booking_outlook(known) o
                      WHERE o.booking_id = x.booking_id
                        AND (o.is_stale OR o.type = 'confirmation' AND coach_sms_internal.sms_needs_work(o.verdict, o.reason)
                             OR o.verdict = 'not_confirmed' AND x.reason IS DISTINCT FROM 'booking_cancelled'))
     FOR NO KEY UPDATE SKIP LOCKED),
  undecided AS (
    DELETE FROM @extschema@.sms_booking_texts t USING idle
     WHERE (t.booking_id, t.type, t.schedule_id) = (idle.booking_id, idle.type, idle.schedule_id) AND idle.was_never_decided)
  UPDATE @extschema@.sms_booking_texts t SET try_until = NULL FROM idle
   WHERE (t.booking_id, t.type, t.schedule_id) = (idle.booking_id, idle.type, idle.schedule_id) AND NOT idle.was_never_decided;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_stop_retrying(uuid[], coach_sms_internal.sms_booking[]) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_stop_retrying(uuid[], coach_sms_internal.sms_booking[]) IS
'Internal: takes those of the retried bookings out of the list that are gone or need no confirmation any more; where none was decided on, nothing is kept, so that one may be later.';

CREATE FUNCTION coach_sms_internal.sms_schedule_some(
  at_most integer, tried_before timestamptz, OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer, OUT skipped integer, OUT looked_at integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  found coach_sms_internal.sms_booking[];
  retried uuid[];
  can_mark boolean;
  candidate record;
  made record;
  waited interval := '0';
  tried_at timestamptz;
BEGIN
  confirmations := 0;
  reminders := 0;
  feedback_requests := 0;
  skipped := 0;
  looked_at := 0;
  -- Replicated bookings are texted where they come from.
  IF NOT EXISTS (SELECT FROM @extschema@.sms_bookings_source) OR coach_sms_internal.sms_is_subscriber() THEN
    RETURN;
  END IF;
  -- Of many, some by chance, so that none that cannot be made stands in the others' way.
  retried := ARRAY(SELECT t.booking_id FROM @extschema@.sms_booking_texts t WHERE t.try_until > now() AND t.type = 'confirmation'
                    ORDER BY random() LIMIT 1000);
  found := coach_sms_internal.sms_find_due_bookings(retried);
  PERFORM coach_sms_internal.sms_stop_retrying(retried, found);
  can_mark := (SELECT coach_sms_internal.sms_is_table(s.bookings) FROM @extschema@.sms_bookings_source s);
  FOR candidate IN
    SELECT b AS booking, b.id, w.has_work, w.unmarked
      FROM unnest(found) b
      JOIN (SELECT o.booking_id, bool_or(o.is_work) AS has_work, min(o.updated_at) FILTER (WHERE o.is_work AND o.reason IS NOT NULL) AS tried_at,
                   min(o.expires_at) FILTER (WHERE o.is_work) AS expires_at, array_agg(DISTINCT o.type) FILTER (WHERE o.is_unmarked AND can_mark) AS unmarked
              FROM (SELECT j.*, coach_sms_internal.sms_is_work(
                             j.type, j.verdict, j.is_due, j.is_stale, j.reason, j.updated_at, tried_before)
                             AS is_work
                      FROM coach_sms_internal.sms_booking_outlook(found) j) o
             GROUP BY o.booking_id) w ON w.booking_id = b.id
     WHERE w.has_work OR w.unmarked <> '{}'
     -- What failed before comes after what was not tried yet, the longest ago first; what is only to be marked, last.
     ORDER BY w.has_work DESC, w.tried_at NULLS FIRST, w.expires_at, b.id LIMIT at_most
  LOOP
    looked_at := looked_at + 1;
    -- Somebody is changing it at this moment, or schedules it: that one decides.
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(coach_sms_internal.sms_lock_booking(candidate.id));
    -- A row that was locked when its reminder was made.
    PERFORM coach_sms_internal.sms_try_mark(candidate.id, u = 'feedback') FROM unnest(candidate.unmarked) u;
    CONTINUE WHEN NOT candidate.has_work;
    -- Where somebody has one of its rows without that lock (an import), the next pass decides.
    CONTINUE WHEN (SELECT count(*) FROM @extschema@.sms_booking_texts t WHERE t.booking_id = candidate.id)
                  <> (SELECT count(*) FROM (SELECT FROM @extschema@.sms_booking_texts t WHERE t.booking_id = candidate.id FOR NO KEY UPDATE SKIP LOCKED) free);
    tried_at := clock_timestamp();
    BEGIN
      made := coach_sms_internal.sms_sync_booking(candidate.id);
      confirmations := confirmations + made.confirmations;
      reminders := reminders + made.reminders;
      feedback_requests := feedback_requests + made.feedback_requests;
      skipped := skipped + made.skipped;
    EXCEPTION WHEN OTHERS THEN
      skipped := skipped + coach_sms_internal.sms_record_unreadable(candidate.booking, SQLERRM);
    END;
    -- Where rows or tables are locked, or a view is slow, each waits its time, and whoever changes these bookings waits for us.
    IF clock_timestamp() - tried_at > interval '1 second' THEN
      waited := waited + (clock_timestamp() - tried_at);
    END IF;
    EXIT WHEN waited > interval '3 seconds';
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_schedule_some(integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_schedule_some(integer, timestamptz) IS
'Internal: a pass over the bookings that have something to do, at most so many; what was skipped is tried again where that was last done before the time.';

-- For the sender, whose other work must not suffer: a little at a time, and a failure is returned instead of raised.
-- There is more to do at once only where this pass got anywhere: what is locked or cannot be made is no reason to hurry.
CREATE FUNCTION coach_sms_internal.sms_schedule_pass(at_most integer, OUT more boolean, OUT problem text)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT s.looked_at = at_most AND s.confirmations + s.reminders + s.feedback_requests + s.skipped > 0 INTO more
    FROM coach_sms_internal.sms_schedule_some(at_most, now() - interval '30 seconds') s;
EXCEPTION WHEN OTHERS THEN
  more := false;
  problem := SQLERRM;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_schedule_pass(integer) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_schedule_pass(integer) IS 'Internal: a pass over at most so many bookings; more: whether the next one should follow at once; problem: why the bookings could not be read.';

CREATE FUNCTION sms_schedule_reminders(OUT reminders integer, OUT feedback_requests integer, OUT skipped integer)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.reminders, s.feedback_requests, s.skipped FROM coach_sms_internal.sms_schedule_some(500, now()) s
$$;
REVOKE ALL ON FUNCTION sms_schedule_reminders() FROM PUBLIC;
COMMENT ON FUNCTION sms_schedule_reminders() IS
'Queues the reminders and feedback requests that are due within two minutes, tries again what could not be queued, of at most 500 bookings, and returns how many were queued and how many newly skipped. The sender does so each minute; calling it besides, as from pg_cron, does no harm.';

CREATE FUNCTION coach_sms_internal.sms_recheck_bookings(message_ids uuid[]) RETURNS TABLE (message_id uuid, reason text)
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
  ids := ARRAY(SELECT DISTINCT t.booking_id FROM @extschema@.sms_booking_texts t WHERE t.message_id = ANY (message_ids));
  IF ids = '{}' OR NOT EXISTS (SELECT FROM @extschema@.sms_bookings_source) THEN
    RETURN;
  END IF;
  BEGIN
    known := ARRAY(SELECT DISTINCT ON (b.id) b FROM coach_sms_internal.sms_read_bookings(ids) b);
  EXCEPTION WHEN OTHERS THEN
    known := '{}';
    FOREACH one IN ARRAY ids LOOP
      -- What is locked or slow is so for each of them, and the sender sends nothing meanwhile.
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
  -- One that cannot be judged waits, and keeps no other from being judged.
  BEGIN
    SELECT coalesce(array_agg(s.message_id), '{}'), coalesce(array_agg(s.code), '{}') INTO stale_ids, stale_codes
      FROM coach_sms_internal.sms_stale_texts(ids, known) s;
  EXCEPTION WHEN OTHERS THEN
    stale_ids := '{}';
    stale_codes := '{}';
    FOREACH one IN ARRAY ids LOOP
      BEGIN
        SELECT stale_ids || coalesce(array_agg(s.message_id), '{}'), stale_codes || coalesce(array_agg(s.code), '{}') INTO stale_ids, stale_codes
          FROM coach_sms_internal.sms_stale_texts(ARRAY[one], ARRAY(SELECT k FROM unnest(known) k WHERE k.id = one)) s;
      EXCEPTION WHEN OTHERS THEN
        unreadable := unreadable || one;
      END;
    END LOOP;
  END;
  RETURN QUERY
    SELECT t.message_id, 'booking_unreadable'::text FROM @extschema@.sms_booking_texts t
     WHERE t.message_id = ANY (message_ids) AND t.booking_id = ANY (unreadable);
  -- A confirmation that is withdrawn here is made anew by the next pass.
  RETURN QUERY
    WITH stale AS (
      SELECT s.message_id, s.code FROM unnest(stale_ids, stale_codes) s (message_id, code) WHERE s.message_id = ANY (message_ids)),
    again AS (
      UPDATE @extschema@.sms_booking_texts t SET try_until = t.session_start FROM stale s
       WHERE t.message_id = s.message_id AND t.type = 'confirmation'
         AND (s.code = 'booking_changed' OR t.series IS NOT NULL))
    SELECT s.message_id, s.code FROM stale s JOIN @extschema@.sms_booking_texts t ON t.message_id = s.message_id
     WHERE NOT t.booking_id = ANY (unreadable);
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_recheck_bookings(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_recheck_bookings(uuid[]) IS
'Internal: which of these claimed messages must not go: booking_changed, booking_cancelled, or booking_unreadable for now. Raises nothing.';

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
           || CASE WHEN coach_sms_internal.sms_may_act_for(NULL) THEN SQLERRM ELSE 'SQLSTATE ' || SQLSTATE END;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_bookings_problem() FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_bookings_problem() IS
'Internal: why the attached bookings cannot be read; NULL where they can, or where there are none. The '
'application''s words only for those who act for every org.';
