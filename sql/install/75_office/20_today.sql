-- Messages of today. sms_messages has no index on times that change. So they are found by their enqueueing,
-- their attempts and the queue. A carrier may report a failure two days after the attempt.
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_today WITH (security_invoker, security_barrier) AS
  SELECT m.org_id, t.at, coach_sms_internal.sms_local_time(t.at, z.zone) AS at_local, m.status, f.held_by,
         m.client_id, coach_sms_internal.sms_client_name(m.org_id, m.client_id) AS client_name, m.to_phone,
         m.template_key, m.body, m.error_code, m.error_message, m.segments, m.sandbox, m.id AS message_id,
         m.related_entity_type, m.related_entity_id
    FROM @extschema@.sms_settings s
   CROSS JOIN LATERAL (SELECT coach_sms_internal.sms_known_zone(s.timezone) AS zone) z
   CROSS JOIN LATERAL (
     SELECT date_trunc('day', now() AT TIME ZONE z.zone) AT TIME ZONE z.zone AS begins,
            (date_trunc('day', now() AT TIME ZONE z.zone) + interval '1 day') AT TIME ZONE z.zone AS ends) d
   CROSS JOIN LATERAL (
     SELECT x.message_id, max(x.due_at) AS due_at, max(x.held_by) AS held_by
       FROM (SELECT c.id AS message_id, NULL::timestamptz AS due_at, NULL::text AS held_by
               FROM @extschema@.sms_messages c
              WHERE c.org_id = s.org_id AND c.created_at >= d.begins - interval '2 days'
             UNION ALL
             SELECT a.message_id, NULL, NULL
               FROM @extschema@.sms_attempts a
              WHERE a.org_id = s.org_id AND a.created_at >= d.begins - interval '2 days'
             UNION ALL
             SELECT u.* FROM coach_sms_internal.sms_unfinished_of(s.org_id, d.ends, z.zone) u) x
      GROUP BY x.message_id) f
    JOIN @extschema@.sms_messages m ON m.id = f.message_id AND m.org_id = s.org_id
   CROSS JOIN LATERAL (
     SELECT coalesce(f.due_at, CASE m.status WHEN 'failed' THEN m.failed_at
                                             WHEN 'sent' THEN m.sent_at
                                             WHEN 'delivered' THEN coalesce(m.sent_at, m.delivered_at)
                                             WHEN 'cancelled' THEN m.updated_at
                                             ELSE m.scheduled_for END) AS at) t
   WHERE t.at < d.ends AND (t.at >= d.begins OR f.due_at IS NOT NULL)
     AND ((SELECT coach_sms_internal.sms_reads_all_texts())
          OR s.org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[]));
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_today IS
'The messages that left, failed, were cancelled or are due today, in the org''s zone, with those that should '
'have left before and still wait. Not among them: a message that was enqueued more than two days ago and '
'cancelled without an attempt, and a failure reported more than two days after the attempt. Fast for one '
'org: WHERE org_id = ... ORDER BY at DESC, message_id.';
COMMENT ON COLUMN sms_today.org_id IS 'The org.';
COMMENT ON COLUMN sms_today.at IS
'When it left or ended. Of a message that waits: when it is due. Of one under way: when it was claimed.';
COMMENT ON COLUMN sms_today.at_local IS 'at as text, in the org''s zone.';
COMMENT ON COLUMN sms_today.status IS 'As in sms_messages.';
COMMENT ON COLUMN sms_today.held_by IS 'Of a message that waits: what holds it. NULL: nothing.';
COMMENT ON COLUMN sms_today.client_id IS 'The person''s id in the application.';
COMMENT ON COLUMN sms_today.client_name IS
'The person''s name, from the attached bookings. NULL where it is not known.';
COMMENT ON COLUMN sms_today.to_phone IS 'Recipient''s number in E.164 form.';
COMMENT ON COLUMN sms_today.template_key IS 'The template''s key.';
COMMENT ON COLUMN sms_today.body IS 'The text.';
COMMENT ON COLUMN sms_today.error_code IS 'As in sms_messages.';
COMMENT ON COLUMN sms_today.error_message IS 'The error in words.';
COMMENT ON COLUMN sms_today.segments IS 'Segments.';
COMMENT ON COLUMN sms_today.sandbox IS 'true: a message of the sandbox, which nobody got.';
COMMENT ON COLUMN sms_today.message_id IS 'The message, for sms_why().';
COMMENT ON COLUMN sms_today.related_entity_type IS 'The kind of thing that it is about, for example booking.';
COMMENT ON COLUMN sms_today.related_entity_id IS 'The id of that thing; of a booking for sms_explain().';
