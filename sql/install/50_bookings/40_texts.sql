-- Which texts a booking gets. sms_booking_outlook() judges, sms_sync_booking() carries out; both as
-- of now, whatever happened before, so that whoever calls them, and how often, makes no difference.

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_booking_rules AS
  SELECT s.org_id, s.enabled, 'confirmation' AS type, '00000000-0000-0000-0000-000000000000'::uuid AS schedule_id,
         'confirmation' AS label, 'booking_confirmation' AS template_key, interval '0' AS span, s.send_booking_confirmations AS is_on, '-infinity'::timestamptz AS since
    FROM @extschema@.sms_settings s
  UNION ALL
  SELECT s.org_id, s.enabled, 'reminder', '00000000-0000-0000-0000-000000000000', format('reminder %s h before', s.reminder_hours_before),
         'session_reminder', make_interval(hours => s.reminder_hours_before), s.send_session_reminders, '-infinity'
    FROM @extschema@.sms_settings s
   WHERE NOT EXISTS (SELECT FROM @extschema@.sms_schedules x WHERE x.org_id = s.org_id AND x.type = 'pre_session')
  UNION ALL
  SELECT s.org_id, s.enabled, 'feedback', '00000000-0000-0000-0000-000000000000', format('feedback request %s h after', s.feedback_hours_after),
         'feedback_request', make_interval(hours => s.feedback_hours_after), s.send_feedback_requests, '-infinity'
    FROM @extschema@.sms_settings s
   WHERE NOT EXISTS (SELECT FROM @extschema@.sms_schedules x WHERE x.org_id = s.org_id AND x.type = 'post_session')
  UNION ALL
  SELECT s.org_id, s.enabled, CASE x.type WHEN 'pre_session' THEN 'reminder' ELSE 'feedback' END, x.id,
         coalesce(nullif(x.label, ''), format('%s min %s', x.mins_offset, CASE x.type WHEN 'pre_session' THEN 'before' ELSE 'after' END)),
         x.template_key, make_interval(mins => x.mins_offset),
         x.enabled AND CASE x.type WHEN 'pre_session' THEN s.send_session_reminders ELSE s.send_feedback_requests END, x.created_at
    FROM @extschema@.sms_schedules x JOIN @extschema@.sms_settings s ON s.org_id = x.org_id;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_booking_rules IS 'Internal: the texts that each org wants for a booking. Rows of sms_schedules take the place of the hours in sms_settings.';
COMMENT ON COLUMN sms_booking_rules.span IS 'How long before the start, or after the end.';
COMMENT ON COLUMN sms_booking_rules.is_on IS 'false: switched off.';
COMMENT ON COLUMN sms_booking_rules.since IS 'What was due before is not sent: rows of sms_schedules that take others'' place would send it twice.';

-- verdict: made; under_way (of an earlier start, and perhaps still to be stopped); later; due; or why not, for good
-- or for now. is_stale: a message that has not gone must not go as it is. Whatever is joined is looked up by its key, row by
-- row (LIMIT and OFFSET 0 see to it), so that a plan made for one booking serves for thousands, and one made while the
-- tables were empty does not read them whole when they are full. plpgsql with a
-- generic plan: planning takes longer than all the rest, and a session does it once.
CREATE FUNCTION sms_booking_outlook(bookings sms_booking[])
  RETURNS TABLE (booking_id uuid, org_id uuid, type text, schedule_id uuid, label text, template_key text, start_time timestamptz,
                 end_time timestamptz, due_at timestamptz, expires_at timestamptz, verdict text, is_due boolean, is_stale boolean, is_unmarked boolean,
                 message_id uuid, reason text, updated_at timestamptz)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH clock AS (
    SELECT now() AS now, now() + interval '2 minutes' AS soon,
           coalesce((SELECT s.attached_at FROM @extschema@.sms_bookings_source s), '-infinity')
             AS attached_at,
           v.is_live, coalesce(v.live_since, '-infinity') AS live_since
      FROM (SELECT bool_or(s.mode = 'live') AS is_live,
                   max(s.live_since) FILTER (WHERE s.mode = 'live') AS live_since
              FROM @extschema@.sms_server s) v),
  wanted AS (
    SELECT b.id, b.org_id, b.state, b.start_time, b.end_time, b.reminder_sent, b.feedback_sent, clock.*,
           coalesce(r.type, 'confirmation') AS type, coalesce(r.schedule_id, '00000000-0000-0000-0000-000000000000') AS schedule_id,
           coalesce(r.label, 'confirmation') AS label, r.template_key, r.enabled, r.is_on, r.since,
           CASE r.type WHEN 'reminder' THEN b.start_time - r.span WHEN 'feedback' THEN b.end_time + r.span ELSE clock.now END AS due_at,
           CASE r.type WHEN 'feedback' THEN b.end_time + r.span + interval '3 days' ELSE b.start_time END AS expires_at
      FROM unnest(bookings) b CROSS JOIN clock
      LEFT JOIN LATERAL (SELECT * FROM @extschema@.sms_booking_rules r WHERE r.org_id = b.org_id OFFSET 0) r ON true),
  joined AS (
    SELECT w.*, t.message_id, t.reason, t.try_until, t.updated_at, m.status,
           w.is_live AND m.sandbox AS was_sandbox,
           t.message_id IS NOT NULL AND t.reason IS NULL AND (w.is_live AND m.sandbox) IS NOT TRUE
             AND coalesce(m.status <> 'cancelled' OR m.error_code NOT IN ('booking_changed', 'booking_cancelled', 'sandbox'), true) AS is_made,
           CASE w.type WHEN 'feedback' THEN t.session_end IS NOT DISTINCT FROM w.end_time
                       ELSE t.session_start IS NOT DISTINCT FROM w.start_time END AS is_current,
           coalesce(w.state = CASE w.type WHEN 'feedback' THEN 'completed' ELSE 'confirmed' END, false) AS fits,
           max(w.due_at) FILTER (WHERE w.type = 'reminder' AND w.is_on AND w.due_at <= w.soon) OVER booking AS last_due,
           max(coalesce(m.created_at, t.updated_at)) FILTER (WHERE w.type = 'confirmation' AND t.session_start = w.start_time AND t.message_id IS NOT NULL
             AND t.reason IS NULL AND (w.is_live AND m.sandbox) IS NOT TRUE
             AND coalesce(m.status NOT IN ('failed', 'cancelled'), true)) OVER booking AS confirmed_at
      FROM wanted w
      LEFT JOIN LATERAL (SELECT * FROM @extschema@.sms_booking_texts t
                          WHERE t.booking_id = w.id AND t.type = w.type AND t.schedule_id = w.schedule_id LIMIT 1) t ON true
      LEFT JOIN LATERAL (SELECT * FROM @extschema@.sms_messages m WHERE m.id = t.message_id LIMIT 1) m ON true
    WINDOW booking AS (PARTITION BY w.id)),
  judged AS (
    SELECT j.*, j.due_at <= j.soon AS is_due,
           j.status IN ('pending', 'queued', 'sending')
             AND NOT (j.fits AND coalesce(j.is_on, false) AND j.is_current AND (j.type = 'confirmation' OR j.due_at <= j.soon)) AS is_stale,
           CASE
             WHEN j.is_made AND (j.is_current OR j.type <> 'reminder') THEN 'made'
             WHEN j.is_made AND j.status IN ('pending', 'queued', 'sending', 'unknown') THEN 'under_way'
             WHEN j.org_id IS NULL THEN 'no_org'
             WHEN j.start_time IS NULL THEN 'no_start_time'
             WHEN j.type = 'feedback' AND j.end_time IS NULL THEN 'no_end_time'
             WHEN j.type = 'feedback' AND j.end_time < j.start_time THEN 'ends_before_start'
             WHEN j.state = 'other' THEN 'not_confirmed'
             WHEN NOT j.fits THEN CASE j.type WHEN 'feedback' THEN 'not_completed' ELSE 'session_over' END
             WHEN j.type = 'feedback' AND j.end_time <= j.attached_at THEN 'before_attach'
             WHEN CASE j.type
               WHEN 'feedback' THEN j.end_time <= j.live_since
               WHEN 'confirmation' THEN j.was_sandbox AND j.reason IS DISTINCT FROM 'booking_cancelled' END
               THEN 'before_live'
             WHEN j.message_id IS NULL AND j.reason <> 'booking_cancelled' AND coalesce(j.try_until <= j.now, true)
               AND (j.is_current OR j.type <> 'reminder') THEN j.reason
             WHEN j.expires_at <= j.now THEN 'too_late'
             WHEN j.enabled IS NULL THEN 'no_settings'
             WHEN NOT j.enabled THEN 'disabled'
             WHEN NOT j.is_on THEN 'switched_off'
             WHEN j.due_at > j.soon THEN 'later'
             WHEN j.due_at < j.since THEN 'before_rule'
             WHEN j.type <> 'confirmation' AND j.schedule_id = '00000000-0000-0000-0000-000000000000' AND EXISTS (
               SELECT FROM @extschema@.sms_booking_texts x
                WHERE x.booking_id = j.id AND x.type = j.type AND x.schedule_id <> j.schedule_id AND x.message_id IS NOT NULL AND x.session_start = j.start_time) THEN 'already_sent'
             WHEN CASE j.type WHEN 'reminder' THEN j.reminder_sent WHEN 'feedback' THEN j.feedback_sent END AND NOT EXISTS (
               SELECT FROM @extschema@.sms_booking_texts x
                WHERE x.booking_id = j.id AND x.type = j.type
                  AND (x.revision > 0 OR x.message_id IS NOT NULL OR x.session_start <> j.start_time))
               THEN 'already_sent'
             WHEN j.type = 'reminder' AND j.due_at < j.last_due THEN 'superseded'
             WHEN j.type = 'reminder' AND j.due_at < j.confirmed_at + interval '1 hour' THEN 'confirmation_just_sent'
             ELSE 'due'
           END AS verdict
      FROM joined j)
  SELECT g.id, g.org_id, g.type, g.schedule_id, g.label, g.template_key, g.start_time, g.end_time, g.due_at, g.expires_at,
         g.verdict, g.is_due, coalesce(g.is_stale, false),
         g.verdict = 'made' AND CASE g.type WHEN 'reminder' THEN NOT g.reminder_sent WHEN 'feedback' THEN NOT g.feedback_sent ELSE false END,
         g.message_id, g.reason, g.updated_at
    FROM judged g;
END
$$;
REVOKE ALL ON FUNCTION sms_booking_outlook(sms_booking[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_booking_outlook(sms_booking[]) IS
'Internal: each text that the bookings could have, when it is due, and how it stands with it now.';

CREATE FUNCTION sms_local_time(at timestamptz, zone text) RETURNS text
  LANGUAGE sql STABLE
  RETURN to_char(at AT TIME ZONE zone, 'Dy FMDD Mon YYYY, FMHH12:MI AM');
REVOKE ALL ON FUNCTION sms_local_time(timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_local_time(timestamptz, text) IS 'Internal: a time for people, as in Tue 12 May 2026, 9:00 AM.';

-- The guide's variables. What is empty is left out, so that a template which needs it says so.
CREATE FUNCTION sms_booking_variables(booking sms_booking) RETURNS jsonb
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'client_name', coalesce(CASE WHEN @extschema@.sms_first_name(booking.first_name) IS NOT NULL THEN booking.first_name END,
                            @extschema@.sms_first_name(booking.full_name), 'there'),
    'coach_name', nullif(btrim(booking.org_name), ''),
    'session_datetime', @extschema@.sms_local_time(booking.start_time,
      (SELECT @extschema@.sms_known_zone(s.timezone) FROM @extschema@.sms_settings s WHERE s.org_id = booking.org_id)),
    'location', coalesce(nullif(btrim(booking.location), ''), 'TBD'),
    'feedback_link', nullif(rtrim(@extschema@.sms_webapp_url(), '/'), '') || '/feedback/' || booking.id));
END
$$;
REVOKE ALL ON FUNCTION sms_booking_variables(sms_booking) FROM PUBLIC;
COMMENT ON FUNCTION sms_booking_variables(sms_booking) IS
'Internal: client_name, coach_name, session_datetime (in the org''s zone), location and feedback_link of a booking.';

CREATE FUNCTION sms_phone_or_null(phone text, region text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN @extschema@.sms_normalize_phone(phone, region);
EXCEPTION WHEN SQLSTATE 'SM006' OR SQLSTATE 'SM015' THEN  -- no number; no region (any more)
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION sms_phone_or_null(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_phone_or_null(text, text) IS 'Internal: sms_normalize_phone, NULL for what is no number.';

-- Compared with what it would be made of today. A message that the application made itself under our key carries its
-- own words: of those only number and time count.
CREATE FUNCTION sms_stale_texts(booking_ids uuid[], bookings sms_booking[])
  RETURNS TABLE (message_id uuid, to_phone text, code text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM @extschema@.sms_booking_texts t WHERE t.booking_id = ANY (booking_ids)) THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT m.id, m.to_phone,
         CASE WHEN b.state = CASE t.type WHEN 'feedback' THEN 'completed' ELSE 'confirmed' END THEN 'booking_changed' ELSE 'booking_cancelled' END
    FROM @extschema@.sms_booking_texts t
    JOIN LATERAL (SELECT * FROM @extschema@.sms_messages m WHERE m.id = t.message_id LIMIT 1) m ON m.status IN ('pending', 'queued', 'sending')
    LEFT JOIN unnest(bookings) b ON b.id = t.booking_id
    LEFT JOIN @extschema@.sms_booking_outlook(bookings) o
           ON o.booking_id = t.booking_id AND o.type = t.type AND o.schedule_id = t.schedule_id
   WHERE t.booking_id = ANY (booking_ids)
     AND (coalesce(o.is_stale, true)
          OR m.to_phone IS DISTINCT FROM @extschema@.sms_phone_or_null(b.phone, @extschema@.sms_org_region(t.org_id))
          OR m.metadata ? 'booking_text' AND m.client_id IS DISTINCT FROM b.client_id
          OR m.metadata ? 'booking_text' AND CASE m.template_key WHEN 'booking_series_confirmation'
               -- It is about its first session.
               THEN m.related_entity_id = b.id
                    AND m.variables - '{session_count,further_sessions}'::text[]
                        IS DISTINCT FROM @extschema@.sms_booking_variables(b)
               ELSE m.template_key IS DISTINCT FROM o.template_key
                    OR m.variables IS DISTINCT FROM @extschema@.sms_booking_variables(b) END)
   ORDER BY m.id;
END
$$;
REVOKE ALL ON FUNCTION sms_stale_texts(uuid[], sms_booking[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_stale_texts(uuid[], sms_booking[]) IS
'Internal: texts of the bookings that have not gone and must not go as they are, and why: booking_changed or booking_cancelled.';

CREATE FUNCTION sms_lock_booking(booking_id uuid) RETURNS bigint
  LANGUAGE sql IMMUTABLE
  RETURN hashtextextended('coach_sms: booking ' || booking_id::text, 0::bigint);
REVOKE ALL ON FUNCTION sms_lock_booking(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_lock_booking(uuid) IS 'Internal: the advisory lock that whoever decides the texts of a booking holds.';

CREATE FUNCTION sms_skip_reason(code text) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE code
    WHEN 'SM001' THEN 'no_settings' WHEN 'SM002' THEN 'disabled' WHEN 'SM003' THEN 'template_missing' WHEN 'SM004' THEN 'variable_missing'
    WHEN 'SM006' THEN 'invalid_phone' WHEN 'SM007' THEN 'opted_out' WHEN 'SM008' THEN 'no_sender' WHEN 'SM009' THEN 'bad_text'
    WHEN 'SM010' THEN 'bad_time' WHEN 'SM011' THEN 'key_used' WHEN 'SM017' THEN 'too_many_segments' WHEN 'SM018' THEN 'client_daily_limit'
    WHEN 'SM019' THEN 'country_not_allowed' WHEN 'SM020' THEN 'unknown_zone' ELSE 'error' END;
REVOKE ALL ON FUNCTION sms_skip_reason(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_skip_reason(text) IS 'Internal: in a word, what kept a text from being queued.';

CREATE FUNCTION sms_reason_in_words(reason text, type text) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE reason
    WHEN 'no_org' THEN 'the booking has no org'
    WHEN 'no_start_time' THEN 'the booking has no start time'
    WHEN 'no_end_time' THEN 'the booking has no end time'
    WHEN 'ends_before_start' THEN 'the booking ends before it starts'
    WHEN 'not_confirmed' THEN CASE type WHEN 'feedback' THEN 'the booking is neither confirmed nor completed' ELSE 'the booking is not confirmed' END
    WHEN 'not_completed' THEN 'the session is not completed yet'
    WHEN 'session_over' THEN 'the session is completed'
    WHEN 'before_attach' THEN CASE type WHEN 'feedback' THEN 'it ended before the bookings were attached' ELSE 'it was confirmed before the bookings were attached' END
    WHEN 'before_live' THEN CASE type WHEN 'feedback' THEN 'it ended' ELSE 'it was confirmed' END
                            || ' before the database went live'
    WHEN 'before_rule' THEN 'it was due before its row of sms_schedules was made'
    WHEN 'already_sent' THEN 'it was sent already, or the application had marked it as sent'
    WHEN 'superseded' THEN 'a later reminder was due as well'
    WHEN 'confirmation_just_sent' THEN 'the confirmation went out less than an hour before'
    WHEN 'no_settings' THEN 'the org has no row in sms_settings'
    WHEN 'disabled' THEN 'the org is disabled (sms_settings.enabled)'
    WHEN 'switched_off' THEN 'the org has switched it off'
    WHEN 'no_client' THEN 'the booking has no client of its org'
    WHEN 'no_phone' THEN 'the client has no phone number'
    WHEN 'part_of_series' THEN 'others of its series were confirmed, and the client''s limit is reached'
    WHEN 'series_changed' THEN 'its series is confirmed anew'
    WHEN 'client_daily_limit' THEN 'the client has had as many texts in 24 hours as max_sms_per_client_per_day allows'
    ELSE reason END;
REVOKE ALL ON FUNCTION sms_reason_in_words(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_reason_in_words(text, text) IS 'Internal: why a text is not sent.';

-- A confirmation that comes days late would only puzzle: it is tried again for a day. What the org had not set up or
-- had switched off when the booking was made stays without one, so that switching it on texts no history. A reminder that
-- a confirmation made needless is needed after all where that one fails.
CREATE FUNCTION sms_try_until(type text, reason text, expires_at timestamptz) RETURNS timestamptz
  LANGUAGE sql STABLE
  RETURN CASE WHEN reason IN ('before_rule', 'already_sent', 'superseded') THEN NULL
              WHEN type <> 'confirmation' THEN expires_at
              WHEN reason IN ('no_settings', 'disabled', 'switched_off') THEN NULL
              ELSE least(expires_at, now() + interval '1 day') END;
REVOKE ALL ON FUNCTION sms_try_until(text, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_try_until(text, text, timestamptz) IS 'Internal: until when a text that was skipped is tried again; NULL: never.';

CREATE FUNCTION sms_record_text(
  booking sms_booking, type text, schedule_id uuid, message_id uuid, reason text, detail text, try_until timestamptz) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_new boolean;
BEGIN
  INSERT INTO @extschema@.sms_booking_texts AS t
    (booking_id, type, schedule_id, org_id, session_start, session_end, message_id, reason, detail, try_until,
     revision, series)
    VALUES (booking.id, type, schedule_id, booking.org_id, booking.start_time, booking.end_time, message_id, reason, detail, try_until,
            CASE WHEN message_id IS NULL THEN 0 ELSE 1 END,
            CASE type WHEN 'confirmation' THEN @extschema@.sms_series_of(booking) END)
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO UPDATE
      SET org_id = excluded.org_id, session_start = excluded.session_start, session_end = excluded.session_end, message_id = excluded.message_id,
          reason = excluded.reason, detail = excluded.detail, revision = t.revision + excluded.revision, updated_at = now(),
          series = coalesce(excluded.series, t.series),
          try_until = CASE WHEN t.message_id IS NULL AND t.try_until IS NOT NULL AND t.session_start = excluded.session_start
                                AND excluded.try_until > t.try_until THEN t.try_until ELSE excluded.try_until END,
          created_at = CASE WHEN t.reason IS NOT DISTINCT FROM excluded.reason AND t.session_start IS NOT DISTINCT FROM excluded.session_start
                            THEN t.created_at ELSE now() END
    RETURNING t.created_at = now() INTO is_new;
  RETURN is_new;
END
$$;
REVOKE ALL ON FUNCTION sms_record_text(sms_booking, text, uuid, uuid, text, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_record_text(sms_booking, text, uuid, uuid, text, text, timestamptz) IS
'Internal: writes what became of a text; true where that is news.';

CREATE FUNCTION sms_queue_text(
  booking sms_booking, type text, schedule_id uuid, template_key text, due_at timestamptz, expires_at timestamptz) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made integer := coalesce((SELECT t.revision FROM @extschema@.sms_booking_texts t
    WHERE t.booking_id = booking.id AND t.type = sms_queue_text.type AND t.schedule_id = sms_queue_text.schedule_id), 0);
  key text := concat_ws('-', 'booking', type, booking.id, nullif(schedule_id, '00000000-0000-0000-0000-000000000000'),
                        CASE WHEN made > 0 THEN made + 1 END);
  -- The guide's application confirms by itself, under the same key.
  message_id uuid := @extschema@.sms_message_with_key(booking.org_id, key);
BEGIN
  IF message_id IS NOT NULL THEN
    -- What is about no booking is not looked at before it leaves.
    UPDATE @extschema@.sms_messages m SET related_entity_type = 'booking', related_entity_id = booking.id
     WHERE m.id = message_id AND m.related_entity_type IS NULL AND m.related_entity_id IS NULL;
    RETURN message_id;
  END IF;
  RETURN @extschema@.sms_enqueue(booking.org_id, client_id => booking.client_id, to_phone => booking.phone,
    template_key => sms_queue_text.template_key, variables => @extschema@.sms_booking_variables(booking),
    scheduled_for => CASE WHEN sms_queue_text.due_at > now() THEN sms_queue_text.due_at END, expires_at => sms_queue_text.expires_at,
    related_entity_type => 'booking', related_entity_id => booking.id, idempotency_key => key,
    metadata => jsonb_build_object('booking_text', type));
END
$$;
REVOKE ALL ON FUNCTION sms_queue_text(sms_booking, text, uuid, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_queue_text(sms_booking, text, uuid, text, timestamptz, timestamptz) IS 'Internal: enqueues a text of a booking.';

CREATE FUNCTION sms_why_unreachable(booking sms_booking) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN NOT booking.has_client THEN 'no_client'
              WHEN coalesce(booking.phone !~ '[^[:space:]]', true) THEN 'no_phone' END;
REVOKE ALL ON FUNCTION sms_why_unreachable(sms_booking) FROM PUBLIC;
COMMENT ON FUNCTION sms_why_unreachable(sms_booking) IS
'Internal: no_client, no_phone, or NULL where there is a number to try.';

-- Whatever keeps a text from being queued is written down, and nobody's error.
CREATE FUNCTION sms_make_text(
  booking sms_booking, type text, schedule_id uuid, template_key text, due_at timestamptz, expires_at timestamptz, OUT is_made boolean, OUT is_new boolean)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message_id uuid;
  reason text := @extschema@.sms_why_unreachable(booking);
  detail text := @extschema@.sms_reason_in_words(reason, type);
  code text;
BEGIN
  IF reason IS NULL THEN
    BEGIN
      message_id := @extschema@.sms_queue_text(booking, type, schedule_id, template_key, due_at, expires_at);
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = MESSAGE_TEXT;
      reason := @extschema@.sms_skip_reason(code);
      -- The message names the client, whom somebody may erase.
      detail := CASE reason WHEN 'client_daily_limit' THEN @extschema@.sms_reason_in_words(reason, type) ELSE detail END;
    END;
  END IF;
  is_made := message_id IS NOT NULL;
  is_new := @extschema@.sms_record_text(booking, type, schedule_id, message_id, reason, detail,
    CASE WHEN NOT is_made THEN @extschema@.sms_try_until(type, reason, expires_at) END);
END
$$;
REVOKE ALL ON FUNCTION sms_make_text(sms_booking, text, uuid, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_make_text(sms_booking, text, uuid, text, timestamptz, timestamptz) IS 'Internal: makes a text of a booking, or records why not.';

CREATE FUNCTION sms_try_mark(booking_id uuid, feedback boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_mark_booking(booking_id, feedback);
EXCEPTION WHEN OTHERS THEN
  NULL;  -- a view that cannot be updated is left alone
END
$$;
REVOKE ALL ON FUNCTION sms_try_mark(uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_try_mark(uuid, boolean) IS 'Internal: sms_mark_booking, where the bookings can be updated.';

-- What waits and is not right any more goes first. A message that the sender holds at this moment is checked once
-- more before it leaves, and what is to come in its place is made by the next pass.
CREATE FUNCTION sms_withdraw_stale(booking_id uuid, bookings sms_booking[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_noted boolean := @extschema@.sms_read_note('texts', booking_id) IS NOT NULL;
  stale record;
  waiting uuid;
BEGIN
  FOR stale IN SELECT * FROM @extschema@.sms_stale_texts(ARRAY[booking_id], bookings) LOOP
    SELECT m.id INTO waiting FROM @extschema@.sms_messages m
     WHERE m.id = stale.message_id FOR NO KEY UPDATE SKIP LOCKED;
    IF is_noted THEN
      PERFORM @extschema@.sms_note_withdrawal(waiting);
    END IF;
    PERFORM @extschema@.sms_cancel_waiting(ARRAY[waiting], stale.code,
      CASE stale.code WHEN 'booking_changed' THEN 'the booking was changed' ELSE 'the booking was cancelled' END);
    -- The others of a series are confirmed anew by the next pass.
    UPDATE @extschema@.sms_booking_texts t SET try_until = least(t.session_start, now() + interval '1 day')
     WHERE t.message_id = waiting AND t.booking_id <> sms_withdraw_stale.booking_id AND t.series IS NOT NULL;
    PERFORM @extschema@.sms_note_retraction(stale.to_phone);
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_withdraw_stale(uuid, sms_booking[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_withdraw_stale(uuid, sms_booking[]) IS 'Internal: cancels what waits for a booking and is not right any more.';

CREATE FUNCTION sms_needs_work(verdict text, reason text) RETURNS boolean
  LANGUAGE sql IMMUTABLE
  RETURN verdict = 'due' OR verdict IN ('no_settings', 'disabled', 'switched_off', 'before_rule', 'already_sent', 'superseded', 'confirmation_just_sent')
                            AND reason IS DISTINCT FROM verdict;
REVOKE ALL ON FUNCTION sms_needs_work(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_needs_work(text, text) IS 'Internal: whether a text that is due is to be made, or a reason to be recorded that is not yet.';

CREATE FUNCTION sms_is_work(
  type text, verdict text, is_due boolean, is_stale boolean, reason text, updated_at timestamptz,
  tried_before timestamptz)
  RETURNS boolean
  LANGUAGE sql IMMUTABLE
  RETURN is_stale
      OR is_due AND @extschema@.sms_needs_work(verdict, reason)
         AND coalesce(reason IS NULL OR updated_at < tried_before, true)
      OR verdict = 'not_confirmed' AND updated_at IS NOT NULL AND type <> 'feedback'
         AND reason IS DISTINCT FROM 'booking_cancelled';
REVOKE ALL ON FUNCTION sms_is_work(text, text, boolean, boolean, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_is_work(text, text, boolean, boolean, text, timestamptz, timestamptz) IS
'Internal: whether a pass has work with a text. A skipped one is tried again if it was last tried before.';

CREATE FUNCTION sms_make_texts(
  booking_id uuid, OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer, OUT skipped integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  booking @extschema@.sms_booking;
  known @extschema@.sms_booking[];
  stage text[];
  want record;
  result record;
BEGIN
  confirmations := 0;
  reminders := 0;
  feedback_requests := 0;
  skipped := 0;
  known := ARRAY(SELECT b FROM @extschema@.sms_read_bookings(ARRAY[booking_id]) b LIMIT 1);
  booking := known[1];
  PERFORM @extschema@.sms_withdraw_stale(booking_id, known);
  IF coalesce(booking.state, 'other') = 'other' THEN
    UPDATE @extschema@.sms_booking_texts t SET reason = 'booking_cancelled', detail = NULL, try_until = NULL, updated_at = now()
     WHERE t.booking_id = sms_make_texts.booking_id AND t.type <> 'feedback'
       AND t.reason IS DISTINCT FROM 'booking_cancelled';
  END IF;
  -- The confirmation first: a reminder on its heels would be one text too many.
  FOREACH stage SLICE 1 IN ARRAY ARRAY[['confirmation', 'confirmation'], ['reminder', 'feedback']] LOOP
    FOR want IN
      SELECT o.* FROM @extschema@.sms_booking_outlook(known) o
       WHERE o.type = ANY (stage) AND o.is_due AND @extschema@.sms_needs_work(o.verdict, o.reason) ORDER BY o.due_at DESC
    LOOP
      IF want.verdict = 'due' AND want.type = 'confirmation' THEN
        SELECT c.* INTO result
          FROM @extschema@.sms_make_confirmation(
                 booking, want.schedule_id, want.template_key, want.due_at, want.expires_at) c;
      ELSIF want.verdict = 'due' THEN
        result := @extschema@.sms_make_text(booking, want.type, want.schedule_id, want.template_key, want.due_at, want.expires_at);
      ELSE
        SELECT false AS is_made, @extschema@.sms_record_text(booking, want.type, want.schedule_id, NULL, want.verdict, NULL,
          @extschema@.sms_try_until(want.type, want.verdict, want.expires_at)) AS is_new INTO result;
      END IF;
      confirmations := confirmations + (result.is_made AND want.type = 'confirmation')::integer;
      reminders := reminders + (result.is_made AND want.type = 'reminder')::integer;
      feedback_requests := feedback_requests + (result.is_made AND want.type = 'feedback')::integer;
      skipped := skipped + (NOT result.is_made AND result.is_new)::integer;
    END LOOP;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_make_texts(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_make_texts(uuid) IS
'Internal: makes, moves and cancels the texts of a booking. The caller holds the booking''s advisory lock.';

CREATE FUNCTION sms_sync_booking(
  booking_id uuid,
  OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer, OUT skipped integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT m.* INTO confirmations, reminders, feedback_requests, skipped
    FROM @extschema@.sms_make_texts(booking_id) m;
  IF reminders > 0 THEN
    PERFORM @extschema@.sms_try_mark(booking_id, false);
  END IF;
  IF feedback_requests > 0 THEN
    PERFORM @extschema@.sms_try_mark(booking_id, true);
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_sync_booking(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_sync_booking(uuid) IS
'Internal: sms_make_texts(), and marks the booking where a reminder or feedback request was made.';
