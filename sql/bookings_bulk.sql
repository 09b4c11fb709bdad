-- Many bookings in one transaction: some are decided at once, the others soon after, and the server's table of locks
-- has room for everybody.
\i sql/include/extension.sql
\i sql/include/bookings.sql
INSERT INTO orgs VALUES ('10000000-0000-4000-8000-000000000001', 'Org');
INSERT INTO clients VALUES ('20000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'Ann Bee', '+61491570006');
INSERT INTO sms_settings (org_id, max_sms_per_client_per_day) VALUES ('10000000-0000-4000-8000-000000000001', NULL);
INSERT INTO sms_templates (org_id, template_key, body) VALUES
  ('10000000-0000-4000-8000-000000000001', 'booking_confirmation', 'Hi {{client_name}}, see you {{session_datetime}}');
SELECT sms_attach_bookings();

BEGIN;
INSERT INTO bookings (org_id, client_id, start_time, end_time, status)
  SELECT '10000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', now() + i * interval '1 hour' + interval '1 day',
         now() + i * interval '1 hour' + interval '25 hours', 'confirmed'
    FROM generate_series(1, 700) i;
SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SELECT reason, count(*), count(message_id) AS messages FROM sms_booking_texts GROUP BY 1 ORDER BY 1;
COMMIT;
ANALYZE sms_messages, sms_booking_texts, coach_sms_internal.sms_queue;  -- autovacuum would
-- Said in words, until the pass that comes within the minute has made it.
SELECT e.type, e.status, regexp_replace(e.explanation, 'until .*', 'until ...') AS explanation
  FROM (SELECT booking_id FROM sms_booking_texts WHERE reason IS NOT NULL LIMIT 1) t, sms_explain(t.booking_id) e WHERE e.type = 'confirmation';
SELECT * FROM sms_schedule_reminders();
SELECT reason, count(*), count(message_id) AS messages FROM sms_booking_texts GROUP BY 1 ORDER BY 1;
SELECT count(*), count(DISTINCT related_entity_id) AS bookings FROM sms_messages;

-- Moved, all of them, and then called off, all of them: what waits goes with the first ones at once, and with the
-- others before it would leave.
UPDATE bookings SET start_time = start_time + interval '1 hour', end_time = end_time + interval '1 hour';
UPDATE bookings SET status = 'cancelled';
SELECT status, error_code, count(*) FROM sms_messages GROUP BY 1, 2 ORDER BY 1, 2;
SELECT reason, count(*) FROM coach_sms_internal.sms_recheck_bookings(ARRAY(SELECT id FROM sms_messages WHERE status <> 'cancelled')) GROUP BY 1;
DELETE FROM bookings;
SELECT * FROM sms_schedule_reminders();
SELECT count(*) FROM sms_messages m WHERE NOT EXISTS (SELECT FROM sms_booking_texts t WHERE t.message_id = m.id);

-- What was not confirmed before the attaching, or while it was switched off, a change of many does not confirm either.
SELECT sms_detach_bookings();
INSERT INTO bookings (org_id, client_id, start_time, end_time, status)
  SELECT '10000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', now() + interval '9 days', now() + interval '10 days', 'confirmed'
    FROM generate_series(1, 600);
SELECT sms_attach_bookings();
UPDATE bookings SET location_details = 'New gym';
SELECT confirmations, looked_at FROM coach_sms_internal.sms_schedule_some(1000, now());
SELECT reason, count(*) FROM sms_booking_texts t JOIN bookings b ON b.id = t.booking_id GROUP BY 1 ORDER BY 1;
DELETE FROM bookings;

-- Of many that came without a time none was decided: each is confirmed once it has one.
INSERT INTO bookings (org_id, client_id, status, location_details)
  SELECT '10000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', 'confirmed', i::text FROM generate_series(1, 502) i;
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(1000, now());
SELECT reason, count(*) FROM sms_booking_texts t JOIN bookings b ON b.id = t.booking_id GROUP BY 1 ORDER BY 1;
UPDATE bookings SET start_time = now() + interval '2 days', end_time = now() + interval '49 hours' WHERE location_details IN ('1', '502');
SELECT b.location_details, t.message_id IS NOT NULL AS confirmed FROM bookings b LEFT JOIN sms_booking_texts t ON t.booking_id = b.id WHERE b.start_time IS NOT NULL ORDER BY 1;

DROP TABLE bookings, clients, orgs;
