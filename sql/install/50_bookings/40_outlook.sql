-- Which texts a booking gets. sms_booking_outlook() judges, sms_sync_booking() carries out; both as
-- of now, whatever happened before, so that whoever calls them, and how often, makes no difference.

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_booking_rules AS
  SELECT s.org_id, s.enabled, 'confirmation' AS type, '00000000-0000-0000-0000-000000000000'::uuid AS
    schedule_id,
         'confirmation' AS label, 'booking_confirmation' AS template_key, interval '0' AS span,
           s.send_booking_confirmations AS is_on, '-infinity'::timestamptz AS since
    FROM @extschema@.sms_settings s
  UNION ALL
  SELECT s.org_id, s.enabled, 'reminder', '00000000-0000-0000-0000-000000000000',
    format('reminder %s h before', s.reminder_hours_before),
         'session_reminder', make_interval(hours => s.reminder_hours_before), s.send_session_reminders,
           '-infinity'
    FROM @extschema@.sms_settings s
   WHERE NOT EXISTS (SELECT FROM @extschema@.sms_schedules x WHERE x.org_id = s.org_id
     AND x.type = 'pre_session')
  UNION ALL
  SELECT s.org_id, s.enabled, 'feedback', '00000000-0000-0000-0000-000000000000',
    format('feedback request %s h after', s.feedback_hours_after),
         'feedback_request', make_interval(hours => s.feedback_hours_after), s.send_feedback_requests,
           '-infinity'
    FROM @extschema@.sms_settings s
   WHERE NOT EXISTS (SELECT FROM @extschema@.sms_schedules x WHERE x.org_id = s.org_id
     AND x.type = 'post_session')
  UNION ALL
  SELECT s.org_id, s.enabled, CASE x.type WHEN 'pre_session' THEN 'reminder' ELSE 'feedback' END, x.id,
         coalesce(nullif(x.label, ''), format('%s min %s', x.mins_offset, CASE x.type WHEN 'pre_session'
           THEN 'before' ELSE 'after' END)),
         x.template_key, make_interval(mins => x.mins_offset),
         x.enabled AND CASE x.type WHEN 'pre_session' THEN s.send_session_reminders
           ELSE s.send_feedback_requests END, x.created_at
    FROM @extschema@.sms_schedules x JOIN @extschema@.sms_settings s ON s.org_id = x.org_id;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_booking_rules IS
'Internal: the texts that each org wants for a booking. Rows of sms_schedules take the place of the hours '
'in sms_settings.';
COMMENT ON COLUMN sms_booking_rules.span IS 'How long before the start, or after the end.';
COMMENT ON COLUMN sms_booking_rules.is_on IS 'false: switched off.';
COMMENT ON COLUMN sms_booking_rules.since IS
'What was due before is not sent: rows of sms_schedules that take others'' place would send it twice.';

-- verdict: made; under_way (of an earlier start, and perhaps still to be stopped); later; due; or why not,
-- for good or for now. is_stale: a message that has not gone must not go as it is. Whatever is joined is
-- looked up by its key, row by row (LIMIT and OFFSET 0 see to it), so that a plan made for one booking
-- serves for thousands, and one made while the tables were empty does not read them whole when they are
-- full. plpgsql with a generic plan: planning takes longer than all the rest, and a session does it once.
CREATE FUNCTION coach_sms_internal.sms_booking_outlook(bookings coach_sms_internal.sms_booking[])
  RETURNS TABLE (booking_id uuid, org_id uuid, type text, schedule_id uuid, label text, template_key text,
                 start_time timestamptz, end_time timestamptz, due_at timestamptz, expires_at timestamptz,
                 verdict text, is_due boolean, is_stale boolean, is_unmarked boolean,
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
              FROM coach_sms_internal.sms_server s) v),
  wanted AS (
    SELECT b.id, b.org_id, b.state, b.start_time, b.end_time, b.reminder_sent, b.feedback_sent, clock.*,
           coalesce(r.type, 'confirmation') AS type,
           coalesce(r.schedule_id, '00000000-0000-0000-0000-000000000000') AS schedule_id,
           coalesce(r.label, 'confirmation') AS label, r.template_key, r.enabled, r.is_on, r.since,
           CASE r.type WHEN 'reminder' THEN b.start_time - r.span WHEN 'feedback' THEN b.end_time + r.span
             ELSE clock.now END AS due_at,
           CASE r.type WHEN 'feedback' THEN b.end_time + r.span + interval '3 days'
             ELSE b.start_time END AS expires_at
      FROM unnest(bookings) b CROSS JOIN clock
      LEFT JOIN LATERAL (SELECT * FROM @extschema@.sms_booking_rules r
        WHERE r.org_id = b.org_id OFFSET 0) r ON true),
  joined AS (
    SELECT w.*, t.message_id, t.reason, t.try_until, t.updated_at, m.status,
           w.is_live AND m.sandbox AS was_sandbox,
           t.message_id IS NOT NULL AND t.reason IS NULL AND (w.is_live AND m.sandbox) IS NOT TRUE
             AND coalesce(m.status <> 'cancelled' OR m.error_code NOT IN ('booking_changed',
               'booking_cancelled', 'sandbox'), true) AS is_made,
           CASE w.type WHEN 'feedback' THEN t.session_end IS NOT DISTINCT FROM w.end_time
                       ELSE t.session_start IS NOT DISTINCT FROM w.start_time END AS is_current,
           coalesce(w.state = CASE w.type WHEN 'feedback' THEN 'completed' ELSE 'confirmed' END,
             false) AS fits,
           max(w.due_at) FILTER (WHERE w.type = 'reminder' AND w.is_on AND w.due_at <= w.soon)
             OVER booking AS last_due,
           max(coalesce(m.created_at, t.updated_at)) FILTER (WHERE w.type = 'confirmation'
             AND t.session_start = w.start_time AND t.message_id IS NOT NULL
             AND t.reason IS NULL AND (w.is_live AND m.sandbox) IS NOT TRUE
             AND coalesce(m.status NOT IN ('failed', 'cancelled'), true)) OVER booking AS confirmed_at
      FROM wanted w
      LEFT JOIN LATERAL (SELECT * FROM @extschema@.sms_booking_texts t
                          WHERE t.booking_id = w.id AND t.type = w.type
                            AND t.schedule_id = w.schedule_id LIMIT 1) t ON true
      LEFT JOIN LATERAL (SELECT * FROM @extschema@.sms_messages m WHERE m.id = t.message_id LIMIT 1) m ON true
    WINDOW booking AS (PARTITION BY w.id)),
  judged AS (
    SELECT j.*, j.due_at <= j.soon AS is_due,
           j.status IN ('pending', 'queued', 'sending')
             AND NOT (j.fits AND coalesce(j.is_on, false) AND j.is_current AND (j.type = 'confirmation'
               OR j.due_at <= j.soon)) AS is_stale,
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
             WHEN j.message_id IS NULL AND j.reason <> 'booking_cancelled' AND coalesce(j.try_until <= j.now,
               true)
               AND (j.is_current OR j.type <> 'reminder') THEN j.reason
             WHEN j.expires_at <= j.now THEN 'too_late'
             WHEN j.enabled IS NULL THEN 'no_settings'
             WHEN NOT j.enabled THEN 'disabled'
             WHEN NOT j.is_on THEN 'switched_off'
             WHEN j.due_at > j.soon THEN 'later'
             WHEN j.due_at < j.since THEN 'before_rule'
             WHEN j.type <> 'confirmation' AND j.schedule_id = '00000000-0000-0000-0000-000000000000'
               AND EXISTS (
               SELECT FROM @extschema@.sms_booking_texts x
                WHERE x.booking_id = j.id AND x.type = j.type AND x.schedule_id <> j.schedule_id
                  AND x.message_id IS NOT NULL AND x.session_start = j.start_time) THEN 'already_sent'
             WHEN CASE j.type WHEN 'reminder' THEN j.reminder_sent WHEN 'feedback' THEN j.feedback_sent END
               AND NOT EXISTS (
               SELECT FROM @extschema@.sms_booking_texts x
                WHERE x.booking_id = j.id AND x.type = j.type
                  AND (x.revision > 0 OR x.message_id IS NOT NULL OR x.session_start <> j.start_time))
               THEN 'already_sent'
             WHEN j.type = 'reminder' AND j.due_at < j.last_due THEN 'superseded'
             WHEN j.type = 'reminder' AND j.due_at < j.confirmed_at + interval '1 hour'
               THEN 'confirmation_just_sent'
             ELSE 'due'
           END AS verdict
      FROM joined j)
  SELECT g.id, g.org_id, g.type, g.schedule_id, g.label, g.template_key, g.start_time, g.end_time, g.due_at,
    g.expires_at,
         g.verdict, g.is_due, coalesce(g.is_stale, false),
         g.verdict = 'made' AND CASE g.type WHEN 'reminder' THEN NOT g.reminder_sent WHEN 'feedback'
           THEN NOT g.feedback_sent ELSE false END,
         g.message_id, g.reason, g.updated_at
    FROM judged g;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_booking_outlook(coach_sms_internal.sms_booking[]) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_booking_outlook(coach_sms_internal.sms_booking[]) IS
'Internal: each text that the bookings could have, when it is due, and how it stands with it now.';
