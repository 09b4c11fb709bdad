-- Recurring series: one text for what one transaction books for a client.
\i sql/include/extension.sql
\i sql/include/bookings.sql
\set org '''10000000-0000-4000-8000-000000000001'''
INSERT INTO orgs VALUES (:org, 'Kim');
INSERT INTO clients SELECT pg_temp.id(2, n), :org, 'Ann ' || n, '+614915' || 70000 + n FROM generate_series(1, 9) n;
INSERT INTO sms_settings (org_id, quiet_hours_start, quiet_hours_end) VALUES (:org, 0, 0);
INSERT INTO sms_templates (org_id, template_key, body) VALUES (:org, 'booking_confirmation', 'Hi {{client_name}}, {{session_datetime}}'),
  (:org, 'session_reminder', 'Reminder, {{client_name}}'), (:org, 'feedback_request', 'How was it, {{client_name}}?');
SELECT sms_attach_bookings();
-- n sessions of a client, a week apart, the last one inserted first.
CREATE FUNCTION pg_temp.book(client integer, sessions integer) RETURNS void LANGUAGE sql AS $$
  INSERT INTO public.bookings
    SELECT pg_temp.id(3, 100 * client + n), '10000000-0000-4000-8000-000000000001', pg_temp.id(2, client), now() + n * interval '7 days', now() + n * interval '7 days' + interval '1 hour', 'confirmed', 'Gym'
      FROM generate_series(sessions, 1, -1) n $$;
CREATE FUNCTION pg_temp.explained(n integer) RETURNS TABLE (type text, status text, explanation text) LANGUAGE sql AS $$
  SELECT type, status, regexp_replace(explanation, '[A-Z][a-z]{2} [0-9]+ [A-Z][a-z]{2} [0-9]{4}, [0-9]+:[0-9]{2} [AP]M', '<time>', 'g') FROM sms_explain(pg_temp.id(3, n)) $$;
CREATE VIEW texts AS
  SELECT substr(t.booking_id::text, 34)::integer / 100 AS client, m.template_key, m.status, m.error_code, t.reason, t.try_until IS NOT NULL AS again, count(*) AS bookings, count(DISTINCT m.id) AS messages
    FROM sms_booking_texts t LEFT JOIN sms_messages m ON m.id = t.message_id GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5;
CREATE VIEW waiting AS
  SELECT right(related_entity_id::text, 3)::integer AS booking, template_key, regexp_replace(body, '[A-Z][a-z]{2} [0-9]+ [A-Z][a-z]{2} [0-9]{4}, [0-9]+:[0-9]{2} [AP]M', '<time>') AS body,
         expires_at = (SELECT start_time FROM bookings b WHERE b.id = related_entity_id) AS until_the_start,
         body LIKE '%' || coach_sms_internal.sms_local_time((SELECT start_time FROM bookings b WHERE b.id = related_entity_id), 'Australia/Sydney') || '%' AS of_its_time
    FROM sms_messages WHERE status = 'queued' ORDER BY 1;

-- Without the template: as many as the client's limit lets through, and the others are not tried again.
SELECT pg_temp.book(1, 12);
TABLE texts;
SELECT looked_at FROM coach_sms_internal.sms_schedule_some(100, now() + interval '1 minute');
SELECT * FROM pg_temp.explained(101);
SELECT * FROM pg_temp.explained(112);
-- Two are no series: each is tried again.
UPDATE sms_settings SET max_sms_per_client_per_day = 1;
SELECT pg_temp.book(2, 2);
SELECT * FROM texts WHERE client = 2;
UPDATE sms_settings SET max_sms_per_client_per_day = 5;

-- With it: one text, about the first session. In the transaction each has its own.
INSERT INTO sms_templates (org_id, template_key, body) VALUES (:org, 'booking_series_confirmation', 'Hi {{client_name}}, {{session_count}} sessions from {{session_datetime}}, and {{further_sessions}} more, {{location}}');
BEGIN;
SELECT pg_temp.book(3, 12);
SELECT pg_temp.book(4, 2);
SELECT * FROM texts WHERE client > 2;
COMMIT;
SELECT * FROM texts WHERE client > 2;
SELECT * FROM waiting WHERE booking > 300;
SELECT * FROM pg_temp.explained(301);
SELECT * FROM pg_temp.explained(312);
SELECT looked_at FROM coach_sms_internal.sms_schedule_some(100, now() + interval '1 minute');
-- Moved, the first: the pass makes it anew. Any other moved; one called off; the first called off.
UPDATE bookings SET start_time = start_time + interval '1 hour' WHERE id = pg_temp.id(3, 301);
SELECT * FROM pg_temp.explained(301);
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(100, now() + interval '1 minute');
SELECT * FROM waiting WHERE booking > 300;
UPDATE bookings SET start_time = start_time - interval '20 days' WHERE id = pg_temp.id(3, 303);
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(100, now() + interval '1 minute');
SELECT * FROM waiting WHERE booking > 300;
DELETE FROM bookings WHERE id IN (pg_temp.id(3, 303), pg_temp.id(3, 312));
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(100, now() + interval '1 minute');
SELECT * FROM waiting WHERE booking > 300;
SELECT * FROM texts WHERE client = 3;
-- The whole series moved, and moved there and back.
UPDATE bookings SET start_time = start_time + interval '1 hour' WHERE client_id = pg_temp.id(2, 3);
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(100, now() + interval '1 minute');
SELECT * FROM waiting WHERE booking > 300;
SELECT count(*) AS messages FROM sms_messages \gset
BEGIN;
CREATE TEMPORARY TABLE copy AS SELECT * FROM bookings WHERE client_id = pg_temp.id(2, 3);
DELETE FROM bookings WHERE client_id = pg_temp.id(2, 3);
INSERT INTO bookings TABLE copy;
COMMIT;
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(100, now() + interval '1 minute');
SELECT * FROM waiting WHERE booking > 300;
SELECT count(*) = :messages AS no_more FROM sms_messages;
-- Between the claim and the first byte.
ALTER TABLE sms_messages DISABLE TRIGGER sms_message_guard;
UPDATE sms_messages SET status = 'sending' WHERE status = 'queued' AND template_key = 'booking_series_confirmation' RETURNING id AS held \gset
DELETE FROM coach_sms_internal.sms_queue WHERE message_id = :'held';
SELECT reason FROM coach_sms_internal.sms_recheck_bookings(ARRAY[:'held'::uuid]);
UPDATE bookings SET status = 'cancelled' WHERE id = pg_temp.id(3, 304);
SELECT DISTINCT reason FROM coach_sms_internal.sms_recheck_bookings(ARRAY[:'held'::uuid]);
UPDATE sms_messages SET status = 'cancelled', error_code = 'booking_cancelled' WHERE id = :'held';
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(100, now() + interval '1 minute');
SELECT * FROM waiting WHERE booking > 300;
-- Once it has gone, its reminder announces a move, and each has its own.
UPDATE sms_messages SET status = 'sent', sent_at = now(), created_at = now() - interval '2 hours' WHERE status = 'queued' AND template_key = 'booking_series_confirmation';
DELETE FROM coach_sms_internal.sms_queue q USING sms_messages m WHERE m.id = q.message_id AND m.status = 'sent';
ALTER TABLE sms_messages ENABLE TRIGGER sms_message_guard;
UPDATE bookings SET start_time = now() + interval '20 hours' WHERE id IN (pg_temp.id(3, 301), pg_temp.id(3, 305), pg_temp.id(3, 306));
SELECT * FROM waiting WHERE booking > 300;
-- Called off and confirmed again after that: by itself, at once.
UPDATE bookings SET status = 'cancelled' WHERE id = pg_temp.id(3, 307);
UPDATE bookings SET status = 'confirmed' WHERE id = pg_temp.id(3, 307);
SELECT * FROM waiting WHERE booking = 307;
-- Fewer than three are left: each by itself.
SELECT pg_temp.book(5, 4);
DELETE FROM bookings WHERE id IN (pg_temp.id(3, 502), pg_temp.id(3, 503));
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(100, now() + interval '1 minute');
SELECT * FROM waiting WHERE booking > 500;
-- A series that cannot be made is tried again as one.
UPDATE clients SET phone = NULL WHERE id = pg_temp.id(2, 6);
SELECT pg_temp.book(6, 3);
SELECT * FROM texts WHERE client = 6;
UPDATE clients SET phone = '+61491570006' WHERE id = pg_temp.id(2, 6);
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(100, now() + interval '1 minute');
SELECT * FROM waiting WHERE booking > 600;
-- Prepared; a savepoint that is rolled back; several clients at once.
BEGIN;
SELECT pg_temp.book(7, 4);
SAVEPOINT a;
SELECT pg_temp.book(8, 4);
ROLLBACK TO a;
SELECT pg_temp.book(9, 3);
PREPARE TRANSACTION 'series';
COMMIT PREPARED 'series';
SELECT * FROM waiting WHERE booking > 700;
DROP VIEW texts, waiting;
DROP TABLE bookings, clients, orgs;
