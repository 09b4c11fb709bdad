-- The life of bookings: which texts they get, when they move, and why some get none. Times are relative to now; where
-- one is shown, <time> stands for it.
\i sql/include/extension.sql
CREATE ROLE regress_app;
GRANT CREATE ON SCHEMA public TO regress_app;
\set org 10000000-0000-4000-8000-000000000001
\set ann 20000000-0000-4000-8000-000000000001
SET ROLE regress_app;
CREATE TABLE public.orgs (id uuid PRIMARY KEY, name text);
CREATE TABLE public.clients (id uuid PRIMARY KEY, org_id uuid, full_name text, phone text);
CREATE TABLE public.bookings (id uuid PRIMARY KEY, org_id uuid, client_id uuid, start_time timestamptz, end_time timestamptz, status text, location_details text);
INSERT INTO orgs VALUES (:'org', 'Coach Kim');
INSERT INTO clients VALUES (:'ann', :'org', 'Ann Lee', '0491 570 006');
RESET ROLE;
INSERT INTO sms_settings (org_id, timezone, quiet_hours_start, quiet_hours_end, max_sms_per_client_per_day) VALUES (:'org', 'Australia/Sydney', 0, 0, NULL);
INSERT INTO sms_templates (org_id, template_key, body) VALUES
  (:'org', 'booking_confirmation', 'Hi {{client_name}}, your session with {{coach_name}} is confirmed for {{session_datetime}}. Location: {{location}}.'),
  (:'org', 'session_reminder', 'Hi {{client_name}}, reminder: {{session_datetime}} at {{location}}. - {{coach_name}}'),
  (:'org', 'feedback_request', 'Hi {{client_name}}, how was your session with {{coach_name}}?'),
  (:'org', 'two_hours', 'In two hours, {{client_name}}!');
SELECT sms_attach_bookings() AS ahead;
-- As if it had been attached a week ago.
UPDATE sms_bookings_source SET attached_at = now() - interval '7 days';

CREATE FUNCTION booking(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('30000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
CREATE FUNCTION without_times(text text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT regexp_replace(regexp_replace(text, '[A-Z][a-z]{2} [0-9]+ [A-Z][a-z]{2} [0-9]{4}, [0-9]+:[0-9]{2} [AP]M', '<time>', 'g'),
                        '[0-9]{4}-[0-9-]+ [0-9:.]+[+-][0-9:]+', '<time>', 'g') $$;
CREATE VIEW messages AS
  SELECT right(related_entity_id::text, 2)::integer AS n, template_key, status, error_code, without_times(body) AS body,
         replace(idempotency_key, related_entity_id::text, '<id>') AS key
    FROM sms_messages ORDER BY created_at, id;
CREATE VIEW texts AS
  SELECT right(booking_id::text, 2)::integer AS n, type, message_id IS NOT NULL AS made, reason, without_times(detail) AS detail, revision
    FROM sms_booking_texts ORDER BY 1, 2, 3;
CREATE FUNCTION explained(n integer) RETURNS TABLE (type text, label text, status text, explanation text)
  LANGUAGE sql AS $$ SELECT type, label, status, without_times(explanation) FROM sms_explain(booking(n)) $$;

-- 1. Confirmed at once, in the application's transaction and without a right of its own; nothing after a rollback.
SET ROLE regress_app;
BEGIN;
INSERT INTO bookings VALUES (booking(1), :'org', :'ann', now() + interval '3 days', now() + interval '73 hours', 'confirmed', 'Court 1');
ROLLBACK;
INSERT INTO bookings VALUES (booking(1), :'org', :'ann', now() + interval '3 days', now() + interval '73 hours', 'pending', 'Court 1');
UPDATE bookings SET status = 'confirmed' WHERE id = booking(1);
RESET ROLE;
SELECT * FROM messages;
SELECT m.body LIKE '%' || to_char(b.start_time AT TIME ZONE 'Australia/Sydney', 'Dy FMDD Mon YYYY, FMHH12:MI AM') || '%' AS in_the_orgs_zone,
       m.expires_at = b.start_time AS until_the_start, m.client_id = b.client_id AS client, m.related_entity_type, m.to_phone
  FROM sms_messages m JOIN bookings b ON b.id = m.related_entity_id;
SELECT * FROM explained(1);

-- An update of nothing that counts does nothing; calling the pass besides neither.
UPDATE bookings SET feedback_sent = false;
UPDATE bookings SET status = 'confirmed';
SELECT * FROM sms_schedule_reminders();
SELECT * FROM texts;

-- 2. Moved while the confirmation waits: it is made anew, with the new time. A new place too, a new name of client and org too.
UPDATE bookings SET start_time = start_time + interval '1 hour' WHERE id = booking(1);
UPDATE bookings SET location_details = 'Court 2' WHERE id = booking(1);
UPDATE clients SET full_name = 'Anna Lee', phone = '+61 491 570 156';
UPDATE orgs SET name = 'Coach Jo';
SELECT * FROM messages;
SELECT count(*) FROM coach_sms_internal.sms_queue;

-- Once it has gone, the reminder announces a move, and no other confirmation does.
CREATE PROCEDURE send_all() LANGUAGE sql AS $$
  UPDATE sms_messages SET status = 'sent', sent_at = now() WHERE status IN ('pending', 'queued');
  DELETE FROM coach_sms_internal.sms_queue;
$$;
ALTER TABLE sms_messages DISABLE TRIGGER sms_message_guard;
CALL send_all();
UPDATE bookings SET start_time = start_time + interval '1 hour' WHERE id = booking(1);
SELECT * FROM sms_schedule_reminders();
SELECT count(*) FROM coach_sms_internal.sms_queue;

-- 3. The reminder, 24 hours before. It is made shortly before it is due, for its exact time.
UPDATE bookings SET start_time = now() + interval '24 hours 1 minute' WHERE id = booking(1);
SELECT n, template_key, status, body, key FROM messages WHERE status <> 'cancelled';
SELECT m.scheduled_for = b.start_time - interval '24 hours' AS exact, m.expires_at = b.start_time AS until_the_start, b.reminder_sent
  FROM sms_messages m JOIN bookings b ON b.id = m.related_entity_id WHERE m.template_key = 'session_reminder';
-- Moved while it waits, out of the window and back in.
UPDATE bookings SET start_time = now() + interval '40 hours' WHERE id = booking(1);
SELECT * FROM explained(1);
UPDATE bookings SET start_time = now() + interval '20 hours' WHERE id = booking(1);
SELECT n, status, error_code, body, key FROM messages WHERE template_key = 'session_reminder';
-- Sent, then moved: another one for the new time, when that is due. Moved there and back: none.
CALL send_all();
UPDATE bookings SET start_time = start_time + interval '2 days' WHERE id = booking(1);
UPDATE bookings SET start_time = start_time - interval '2 days' WHERE id = booking(1);
SELECT count(*) FROM coach_sms_internal.sms_queue;
UPDATE bookings SET start_time = start_time + interval '1 hour' WHERE id = booking(1);
SELECT n, status, error_code, body, key FROM messages WHERE template_key = 'session_reminder' AND status <> 'cancelled';

-- 4. Cancelled: what waits goes. Confirmed again: texts again.
UPDATE bookings SET status = 'cancelled' WHERE id = booking(1);
SELECT n, status, error_code, key FROM messages WHERE template_key = 'session_reminder' ORDER BY key;
SELECT * FROM texts;
SELECT * FROM explained(1);
UPDATE bookings SET status = 'confirmed' WHERE id = booking(1);
SELECT n, template_key, status, key FROM messages WHERE status = 'queued';
SELECT * FROM texts;

-- 5. Completed: feedback is asked for two hours after the end, once, and not of a session that was called off.
CALL send_all();
UPDATE bookings SET start_time = now() - interval '2 hours', end_time = now() - interval '1 hour', status = 'completed' WHERE id = booking(1);
SELECT * FROM sms_schedule_reminders();
SELECT type, status, explanation FROM explained(1) WHERE type = 'feedback';
UPDATE bookings SET start_time = now() - interval '3 hours', end_time = now() - interval '2 hours' WHERE id = booking(1);
SELECT n, template_key, status, body, key FROM messages WHERE template_key = 'feedback_request';
SELECT feedback_sent FROM bookings;
UPDATE bookings SET status = 'cancelled' WHERE id = booking(1);
SELECT n, template_key, status, error_code FROM messages WHERE template_key = 'feedback_request';
UPDATE bookings SET status = 'completed' WHERE id = booking(1);
CALL send_all();
UPDATE bookings SET end_time = now() - interval '130 minutes' WHERE id = booking(1);
SELECT * FROM sms_schedule_reminders();
SELECT n, template_key, status, key FROM messages WHERE template_key = 'feedback_request';
SELECT * FROM explained(1);

-- 6. Booked inside the window: the confirmation is enough. Nothing after the start. Flags of the application's count.
INSERT INTO bookings VALUES (booking(2), :'org', :'ann', now() + interval '5 hours', now() + interval '6 hours', 'confirmed', NULL),
                            (booking(3), :'org', :'ann', now() - interval '1 minute', now() + interval '1 hour', 'confirmed', NULL),
                            (booking(4), :'org', :'ann', now() + interval '3 days', now() + interval '74 hours', 'confirmed', NULL);
UPDATE bookings SET reminder_sent = true WHERE id = booking(4);
SELECT * FROM explained(2);
SELECT * FROM explained(3);
SELECT * FROM texts WHERE n = 2;
-- Where the confirmation fails, the reminder is wanted after all.
SELECT reminders FROM sms_schedule_reminders();
UPDATE sms_messages SET status = 'failed', error_code = '30005', failed_at = now() WHERE related_entity_id = booking(2);
SELECT reminders FROM sms_schedule_reminders();
SELECT * FROM texts WHERE n = 2;
CALL send_all();
UPDATE sms_messages SET created_at = created_at - interval '2 days' WHERE related_entity_id = booking(4);
UPDATE sms_booking_texts SET session_start = now() + interval '20 hours' WHERE booking_id = booking(4);
ALTER TABLE bookings DISABLE TRIGGER USER;
UPDATE bookings SET start_time = now() + interval '20 hours' WHERE id = booking(4);
ALTER TABLE bookings ENABLE TRIGGER USER;
SELECT * FROM sms_schedule_reminders();
SELECT * FROM sms_schedule_reminders();
SELECT * FROM texts WHERE n IN (2, 3, 4);
SELECT * FROM explained(4);

-- 7. Several reminders, by sms_schedules. Changed later, they count from the next pass on.
DELETE FROM bookings;
DELETE FROM sms_booking_texts;
DELETE FROM sms_messages;
INSERT INTO bookings VALUES (booking(5), :'org', :'ann', now() + interval '47 hours', now() + interval '48 hours', 'confirmed', 'Gym');
CALL send_all();
UPDATE sms_messages SET created_at = created_at - interval '2 days';
INSERT INTO sms_schedules (org_id, type, label, mins_offset, template_key, created_at) VALUES (:'org', 'pre_session', 'two days', 2880, 'session_reminder', now() - interval '9 days'),
  (:'org', 'pre_session', 'two hours', 120, 'two_hours', now() - interval '9 days');
SELECT * FROM sms_schedule_reminders();
SELECT * FROM explained(5);
-- Both due at once: only the later one.
DELETE FROM sms_booking_texts WHERE type = 'reminder';
UPDATE sms_schedules SET mins_offset = 2870 WHERE label = 'two hours';
UPDATE bookings SET reminder_sent = false;
SELECT * FROM sms_schedule_reminders();
SELECT * FROM texts;
-- Switched off while it waits: the sender's pre-send check withdraws it.
SELECT count(*) FROM coach_sms_internal.sms_recheck_bookings(ARRAY(SELECT id FROM sms_messages));
UPDATE sms_schedules SET enabled = false WHERE label = 'two hours';
SELECT m.template_key, r.reason FROM coach_sms_internal.sms_recheck_bookings(ARRAY(SELECT id FROM sms_messages)) r JOIN sms_messages m ON m.id = r.message_id;
SELECT type, label, status, explanation FROM explained(5);
DELETE FROM sms_schedules;

-- 8. The pre-send check: changes of the booking between the claim and the first byte.
DELETE FROM bookings;
DELETE FROM sms_booking_texts;
DELETE FROM sms_messages;
INSERT INTO bookings SELECT booking(n), :'org', :'ann', now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym' FROM generate_series(11, 16) n;
UPDATE sms_messages SET status = 'sending';
DELETE FROM coach_sms_internal.sms_queue;
UPDATE bookings SET start_time = start_time + interval '1 hour' WHERE id = booking(11);
UPDATE bookings SET status = 'cancelled' WHERE id = booking(12);
DELETE FROM bookings WHERE id = booking(13);
UPDATE bookings SET reminder_sent = true WHERE id = booking(14);
UPDATE bookings SET location_details = 'Court 9' WHERE id = booking(15);
SELECT n, r.reason FROM coach_sms_internal.sms_recheck_bookings(ARRAY(SELECT id FROM sms_messages)) r JOIN sms_messages m ON m.id = r.message_id,
       LATERAL (SELECT right(m.related_entity_id::text, 2)) s (n) ORDER BY 1;
-- The sender withdraws them, and the pass makes anew what is to be.
UPDATE sms_messages SET status = 'cancelled', error_code = 'booking_changed' WHERE related_entity_id IN (booking(11), booking(15));
SELECT * FROM sms_schedule_reminders();
SELECT n, status, error_code, body, key FROM messages WHERE n IN (11, 15);

-- Deleted while its text waits; and what there is to say of a text whose message was pruned.
DELETE FROM bookings;
DELETE FROM sms_booking_texts;
DELETE FROM sms_messages;
INSERT INTO bookings SELECT booking(n), :'org', :'ann', now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym' FROM generate_series(17, 18) n;
DELETE FROM bookings WHERE id = booking(17);
SELECT n, status, error_code FROM messages;
SELECT count(*) FROM coach_sms_internal.sms_queue;
SELECT * FROM explained(17);
CALL send_all();
DELETE FROM sms_messages;
SELECT * FROM explained(18);
SELECT * FROM explained(17);

-- 9. The application's own confirmation counts, where it carries the guide's key.
DELETE FROM bookings;
DELETE FROM sms_booking_texts;
DELETE FROM sms_messages;
INSERT INTO bookings VALUES (booking(21), :'org', :'ann', now() + interval '2 days', now() + interval '49 hours', 'pending', 'Gym');
SELECT sms_enqueue(:'org', to_phone => '+61491570156', body => 'By the app', related_entity_type => 'booking', related_entity_id => booking(21),
                   idempotency_key => 'booking-confirmation-' || booking(21)) IS NOT NULL AS enqueued;
UPDATE bookings SET status = 'confirmed';
SELECT * FROM messages;
SELECT count(*) FROM coach_sms_internal.sms_recheck_bookings(ARRAY(SELECT id FROM sms_messages));
UPDATE bookings SET start_time = start_time + interval '1 hour';
SELECT n, status, error_code, body, key FROM messages;

-- 10. All bookings at once, and what is left after a detach.
TRUNCATE bookings;
SELECT n, status, error_code, key FROM messages;
SELECT * FROM explained(21);
INSERT INTO bookings VALUES (booking(22), :'org', :'ann', now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym');
SELECT sms_detach_bookings() AS waiting;
UPDATE bookings SET status = 'cancelled';
SELECT n, status, key FROM messages WHERE n = 22;
SELECT * FROM sms_schedule_reminders();
SELECT sms_explain(booking(99));
\echo :SQLSTATE
DROP VIEW messages, texts;
DROP EXTENSION coach_sms;
DROP OWNED BY regress_app CASCADE;
DROP FUNCTION booking, without_times, explained;
DROP PROCEDURE send_all;
DROP ROLE regress_app;
