-- The pass of each minute. It makes texts that fall due, retries skipped ones, and finds changes that fire
-- no trigger.

-- Returns the ranges in which a booking starts or ends that a pass has to judge. Only bookings with a text
-- that could be due, and those whose confirmation is tried again, are read. An index serves the ranges. A
-- view reports no new booking, so all of its bookings ahead are read. The 2 minutes and the 72 hours are
-- kSoon and kFeedbackExpires of src/core/bookings/outlook.
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
  ends_after := greatest(source.attached_at, now() - coalesce(after, '0') - interval '72 hours');
  ends_until := now() + interval '2 minutes';
END
$$;

-- Returns the bookings that a pass has to judge, those with these ids among them, without their clients.
CREATE FUNCTION coach_sms_internal.sms_find_due_bookings(retried uuid[])
  RETURNS coach_sms_internal.sms_booking[]
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

-- Records for each due text of a booking that the booking could not be read. Returns how many of these
-- records are new. A failure, such as a row that another session holds, stops no other booking.
CREATE FUNCTION coach_sms_internal.sms_record_unreadable(booking coach_sms_internal.sms_booking, detail text)
  RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  want record;
  news integer := 0;
BEGIN
  FOR want IN SELECT * FROM coach_sms_internal.sms_booking_outlook(ARRAY[booking]) o
               WHERE o.is_due AND o.verdict = 'due' LOOP
    news := news + coach_sms_internal.sms_record_text(
      booking, want.type, want.schedule_id, NULL, 'unreadable', detail,
      coach_sms_internal.sms_try_until(want.type, 'unreadable', want.expires_at))::integer;
  END LOOP;
  RETURN news;
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'the texts of booking % were left as they are: %', booking.id, SQLERRM;
  RETURN 0;
END
$$;

-- Ends the retries of those bookings that are gone or need no confirmation any more. Where no confirmation
-- was ever decided, no row stays, so that a confirmation may come later.
CREATE FUNCTION coach_sms_internal.sms_stop_retrying(retried uuid[], known coach_sms_internal.sms_booking[])
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF retried = '{}' THEN
    RETURN;
  END IF;
  WITH idle AS (
    SELECT x.booking_id, x.type, x.schedule_id,
           x.message_id IS NULL AND x.reason IN ('many_at_once', 'unreadable') AS was_never_decided
    FROM @extschema@.sms_booking_texts x
   WHERE x.booking_id = ANY (retried) AND x.type = 'confirmation' AND x.try_until > now()
     AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_booking_outlook(known) o
                      WHERE o.booking_id = x.booking_id
                        AND (o.is_stale
                             OR o.type = 'confirmation'
                                AND coach_sms_internal.sms_needs_work(o.verdict, o.reason)
                             OR o.verdict = 'not_confirmed'
                                AND x.reason IS DISTINCT FROM 'booking_cancelled'))
     FOR NO KEY UPDATE SKIP LOCKED),
  undecided AS (
    DELETE FROM @extschema@.sms_booking_texts t USING idle
     WHERE (t.booking_id, t.type, t.schedule_id) = (idle.booking_id, idle.type, idle.schedule_id)
       AND idle.was_never_decided)
  UPDATE @extschema@.sms_booking_texts t SET try_until = NULL FROM idle
   WHERE (t.booking_id, t.type, t.schedule_id) = (idle.booking_id, idle.type, idle.schedule_id)
     AND NOT idle.was_never_decided;
END
$$;

-- Decides up to at_most bookings that have something to do. A skipped text is tried again where its last
-- try was before tried_before.
CREATE FUNCTION coach_sms_internal.sms_schedule_some(
  at_most integer, tried_before timestamptz,
  OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer, OUT skipped integer,
  OUT looked_at integer)
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
  -- Replicated bookings get their texts from the server that they come from.
  IF NOT EXISTS (SELECT FROM @extschema@.sms_bookings_source) OR coach_sms_internal.sms_is_subscriber() THEN
    RETURN;
  END IF;
  -- Some of many are chosen by chance, so that bookings whose text cannot be made do not block the others.
  retried := ARRAY(SELECT t.booking_id FROM @extschema@.sms_booking_texts t
                    WHERE t.try_until > now() AND t.type = 'confirmation'
                    ORDER BY random() LIMIT 1000);
  found := coach_sms_internal.sms_find_due_bookings(retried);
  PERFORM coach_sms_internal.sms_stop_retrying(retried, found);
  can_mark := (SELECT coach_sms_internal.sms_is_table(s.bookings) FROM @extschema@.sms_bookings_source s);
  FOR candidate IN
    SELECT b AS booking, b.id, w.has_work, w.unmarked
      FROM unnest(found) b
      JOIN (SELECT o.booking_id, bool_or(o.is_work) AS has_work,
                   min(o.updated_at) FILTER (WHERE o.is_work AND o.reason IS NOT NULL) AS tried_at,
                   min(o.expires_at) FILTER (WHERE o.is_work) AS expires_at,
                   array_agg(DISTINCT o.type) FILTER (WHERE o.is_unmarked AND can_mark) AS unmarked
              FROM (SELECT j.*, coach_sms_internal.sms_is_work(
                             j.type, j.verdict, j.is_due, j.is_stale, j.reason, j.updated_at, tried_before)
                             AS is_work
                      FROM coach_sms_internal.sms_booking_outlook(found) j) o
             GROUP BY o.booking_id) w ON w.booking_id = b.id
     WHERE w.has_work OR w.unmarked <> '{}'
     -- Untried texts come first, then failed ones, the longest ago first, and at last texts that are only
     -- to be marked.
     ORDER BY w.has_work DESC, w.tried_at NULLS FIRST, w.expires_at, b.id LIMIT at_most
  LOOP
    looked_at := looked_at + 1;
    -- The session that is changing or rescheduling the booking decides its texts.
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(coach_sms_internal.sms_lock_booking(candidate.id));
    -- The row was locked when its reminder was made.
    PERFORM coach_sms_internal.sms_try_mark(candidate.id, u = 'feedback') FROM unnest(candidate.unmarked) u;
    CONTINUE WHEN NOT candidate.has_work;
    -- Where another session holds one of its rows without that lock (an import), the next pass decides.
    CONTINUE WHEN (SELECT count(*) FROM @extschema@.sms_booking_texts t WHERE t.booking_id = candidate.id)
                  <> (SELECT count(*) FROM (SELECT FROM @extschema@.sms_booking_texts t
                                             WHERE t.booking_id = candidate.id
                                               FOR NO KEY UPDATE SKIP LOCKED) free);
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
    -- Where rows or tables are locked, or a view is slow, each session that changes these bookings waits
    -- for us.
    IF clock_timestamp() - tried_at > interval '1 second' THEN
      waited := waited + (clock_timestamp() - tried_at);
    END IF;
    EXIT WHEN waited > interval '3 seconds';
  END LOOP;
END
$$;

-- Runs a pass for the sender, whose other work must not suffer: at most so many bookings, and a failure is
-- returned in problem. more is true where the next pass should follow at once: this one was full and
-- changed anything. A locked booking does not set it.
CREATE FUNCTION coach_sms_internal.sms_schedule_pass(at_most integer, OUT more boolean, OUT problem text)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT s.looked_at = at_most AND s.confirmations + s.reminders + s.feedback_requests + s.skipped > 0
    INTO more
    FROM coach_sms_internal.sms_schedule_some(at_most, now() - interval '30 seconds') s;
EXCEPTION WHEN OTHERS THEN
  more := false;
  problem := SQLERRM;
END
$$;

CREATE FUNCTION sms_schedule_reminders(
  OUT reminders integer, OUT feedback_requests integer, OUT skipped integer)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.reminders, s.feedback_requests, s.skipped FROM coach_sms_internal.sms_schedule_some(500, now()) s
$$;
COMMENT ON FUNCTION sms_schedule_reminders() IS
'Queues the reminders and feedback requests that are due within two minutes, for at most 500 bookings, '
'and tries skipped ones again. Returns how many it queued and how many it newly skipped. The sender does '
'the same each minute. A call from pg_cron is not needed, and does no harm.';
