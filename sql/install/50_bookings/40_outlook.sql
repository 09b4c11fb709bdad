-- The texts that a booking gets. sms_booking_outlook() judges, and sms_sync_booking() carries out. Both use
-- the present state alone, so it makes no difference how often and by whom they are called.

-- The texts that each org wants for a booking. Rows of sms_schedules replace the hours in sms_settings.
-- span is how long before the start, or after the end, a text is due. A text that was due before since is
-- not sent: new rows of sms_schedules would send it a second time.
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW coach_sms_internal.sms_booking_rules AS
  SELECT s.org_id, s.enabled, 'confirmation' AS type, coach_sms_internal.sms_no_schedule() AS schedule_id,
         'confirmation' AS label, 'booking_confirmation' AS template_key, interval '0' AS span,
         s.send_booking_confirmations AS is_on, '-infinity'::timestamptz AS since
    FROM @extschema@.sms_settings s
  UNION ALL
  SELECT s.org_id, s.enabled, 'reminder', coach_sms_internal.sms_no_schedule(),
         format('reminder %s h before', s.reminder_hours_before), 'session_reminder',
         make_interval(hours => s.reminder_hours_before), s.send_session_reminders, '-infinity'
    FROM @extschema@.sms_settings s
   WHERE NOT EXISTS (SELECT FROM @extschema@.sms_schedules x
                      WHERE x.org_id = s.org_id AND x.type = 'pre_session')
  UNION ALL
  SELECT s.org_id, s.enabled, 'feedback', coach_sms_internal.sms_no_schedule(),
         format('feedback request %s h after', s.feedback_hours_after), 'feedback_request',
         make_interval(hours => s.feedback_hours_after), s.send_feedback_requests, '-infinity'
    FROM @extschema@.sms_settings s
   WHERE NOT EXISTS (SELECT FROM @extschema@.sms_schedules x
                      WHERE x.org_id = s.org_id AND x.type = 'post_session')
  UNION ALL
  SELECT s.org_id, s.enabled, w.type, x.id,
         coalesce(nullif(x.label, ''), format('%s min %s', x.mins_offset, w.word)),
         x.template_key, make_interval(mins => x.mins_offset), x.enabled AND w.is_on, x.created_at
    FROM @extschema@.sms_schedules x
    JOIN @extschema@.sms_settings s ON s.org_id = x.org_id
    JOIN LATERAL (VALUES ('pre_session', 'reminder', 'before', s.send_session_reminders),
                         ('post_session', 'feedback', 'after', s.send_feedback_requests))
           w (schedule_type, type, word, is_on) ON w.schedule_type = x.type;
SET LOCAL search_path = @extschema@, pg_temp;

-- Returns a row for each text that the bookings could have. src/core/bookings/outlook.hpp explains the
-- judgement, and verdict, is_due, is_stale and is_unmarked.
CREATE FUNCTION coach_sms_internal.sms_booking_outlook(bookings coach_sms_internal.sms_booking[])
  RETURNS TABLE (booking_id uuid, org_id uuid, type text, schedule_id uuid, label text, template_key text,
                 start_time timestamptz, end_time timestamptz, due_at timestamptz, expires_at timestamptz,
                 verdict text, is_due boolean, is_stale boolean, is_unmarked boolean,
                 message_id uuid, reason text, updated_at timestamptz)
  AS 'MODULE_PATHNAME', 'coach_sms_booking_outlook' LANGUAGE C STABLE STRICT;
