-- What one booking, client, schedule or org must not do to others, or twice.
\i sql/include/extension.sql
\i sql/include/bookings.sql
\set org '''10000000-0000-4000-8000-000000000001'''
INSERT INTO orgs VALUES (:org, 'Org');
INSERT INTO clients SELECT pg_temp.id(2, n), :org, 'Ann ' || n, '+614915' || 70000 + n FROM generate_series(1, 200) n;
INSERT INTO sms_settings (org_id, max_sms_per_client_per_day, quiet_hours_start, quiet_hours_end) VALUES (:org, NULL, 0, 0);
INSERT INTO sms_templates (org_id, template_key, body) VALUES (:org, 'booking_confirmation', 'Hi {{client_name}}, {{session_datetime}}'),
  (:org, 'session_reminder', 'Reminder, {{client_name}}'), (:org, 'feedback_request', 'How was it, {{client_name}}?');
SELECT sms_attach_bookings();
CREATE FUNCTION pg_temp.book(n integer, starts interval, client integer DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
  INSERT INTO public.bookings VALUES (pg_temp.id(3, n), '10000000-0000-4000-8000-000000000001', pg_temp.id(2, coalesce(client, n)), now() + starts, now() + starts + interval '1 hour', 'confirmed', 'Gym') $$;

-- A hundred whose reminders cannot be made do not keep the hundred and first from its own.
SELECT count(pg_temp.book(n, interval '20 hours')) FROM generate_series(1, 100) n;
UPDATE sms_messages SET created_at = created_at - interval '2 days';
DELETE FROM sms_booking_texts WHERE type = 'reminder';
SELECT count(sms_opt_out(:org, phone)) FROM clients WHERE id <= pg_temp.id(2, 100);
SELECT looked_at, skipped FROM coach_sms_internal.sms_schedule_some(100, now());
SELECT pg_temp.book(101, interval '20 hours');
UPDATE sms_messages SET created_at = created_at - interval '2 days';
DELETE FROM sms_booking_texts WHERE type = 'reminder' AND booking_id = pg_temp.id(3, 101);
UPDATE sms_booking_texts SET updated_at = updated_at - interval '1 minute';
SELECT reminders FROM coach_sms_internal.sms_schedule_some(100, now());
DELETE FROM bookings;

-- A region that is none is refused, and one that is none any more stops nobody's pre-send check.
UPDATE sms_settings SET default_region = 'UK';
SELECT pg_temp.book(n, interval '5 days') FROM generate_series(110, 111) n;
ALTER TABLE sms_settings DISABLE TRIGGER sms_settings_check;
UPDATE sms_settings SET default_region = 'UK';
SELECT reason FROM coach_sms_internal.sms_recheck_bookings(ARRAY(SELECT message_id FROM sms_booking_texts WHERE booking_id >= pg_temp.id(3, 110) AND message_id IS NOT NULL));
UPDATE sms_settings SET default_region = 'AU';
ALTER TABLE sms_settings ENABLE TRIGGER sms_settings_check;

-- Rows of sms_schedules that take others' place send nothing twice.
SELECT pg_temp.book(120, interval '20 hours');
UPDATE sms_messages SET created_at = created_at - interval '2 days';
DELETE FROM sms_booking_texts WHERE type = 'reminder';
SELECT reminders FROM sms_schedule_reminders();
UPDATE sms_messages SET status = 'cancelled', error_code = 'x' WHERE template_key = 'session_reminder';
INSERT INTO sms_schedules (org_id, type, mins_offset, template_key) VALUES (:org, 'pre_session', 1440, 'session_reminder'), (:org, 'pre_session', 120, 'session_reminder');
SELECT reminders FROM sms_schedule_reminders();
SELECT label, status, regexp_replace(explanation, 'goes out on .*', 'goes out on ...') AS explanation FROM sms_explain(pg_temp.id(3, 120)) WHERE type = 'reminder' AND message_id IS NULL ORDER BY 1;
DELETE FROM sms_schedules;
SELECT reminders FROM sms_schedule_reminders();

-- The text of a booking that is sent again after it failed is about the booking still.
SELECT message_id AS failed FROM sms_booking_texts WHERE booking_id = pg_temp.id(3, 110) AND type = 'confirmation' \gset
UPDATE sms_messages SET status = 'cancelled' WHERE id = :'failed';
SELECT sms_retry(:'failed') AS again \gset
SELECT count(*) FROM sms_booking_texts WHERE message_id = :'again';
UPDATE bookings SET status = 'cancelled' WHERE id = pg_temp.id(3, 110);
SELECT status, error_code FROM sms_messages WHERE id = :'again';

-- So is one that the application made itself before the booking was confirmed.
SELECT sms_enqueue(:org, to_phone => '+61491570130', body => 'confirmed', idempotency_key => 'booking-confirmation-' || pg_temp.id(3, 130)) AS own \gset
SELECT pg_temp.book(130, interval '5 days');
SELECT related_entity_type, related_entity_id = pg_temp.id(3, 130) AS of_it FROM sms_messages WHERE id = :'own';

-- Called off in one go and confirmed in another: confirmed again, all of them.
SELECT count(pg_temp.book(1000 + n, interval '9 days', 140)) FROM generate_series(1, 520) n;
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(1000, now());
UPDATE bookings SET status = 'cancelled' WHERE id > pg_temp.id(3, 1000);
SELECT looked_at > 0 AS looked FROM coach_sms_internal.sms_schedule_some(1000, now());
SELECT count(*) FROM sms_booking_texts WHERE booking_id > pg_temp.id(3, 1000) AND type = 'confirmation' AND reason = 'booking_cancelled';
UPDATE bookings SET status = 'confirmed' WHERE id > pg_temp.id(3, 1000);
SELECT looked_at > 0 AS looked FROM coach_sms_internal.sms_schedule_some(1000, now());
SELECT count(*) FROM sms_messages m WHERE m.related_entity_id > pg_temp.id(3, 1000) AND m.status = 'queued';
-- And nothing is left to retry, history least of all.
INSERT INTO bookings SELECT pg_temp.id(3, 3000 + n), :org, pg_temp.id(2, 150), now() - n * interval '1 day', now() - n * interval '1 day', 'confirmed', '' FROM generate_series(1, 600) n;
SELECT count(*) FROM sms_booking_texts WHERE try_until > now() AND type = 'confirmation';
SELECT looked_at FROM coach_sms_internal.sms_schedule_some(1000, now());
SELECT count(*) FROM sms_booking_texts WHERE try_until > now() AND type = 'confirmation';

-- A bulk change of clients decides no more bookings than any other.
BEGIN;
UPDATE clients SET phone = '+614916' || right(phone, 5);
SELECT count(*) BETWEEN 400 AND 500 AS few_locks FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
ROLLBACK;
DROP TABLE bookings, clients, orgs;
