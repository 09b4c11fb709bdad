-- What one transaction does to a booking is one change, from the state before it to the state after it: equal states are
-- no news, whatever happened between.
\i sql/include/extension.sql
\i sql/include/bookings.sql
\set org '''10000000-0000-4000-8000-000000000001'''
INSERT INTO orgs VALUES (:org, 'Org');
INSERT INTO clients SELECT pg_temp.id(2, n), :org, 'Ann ' || n, '+614915' || 70000 + n FROM generate_series(1, 9) n;
INSERT INTO sms_settings (org_id, max_sms_per_client_per_day, quiet_hours_start, quiet_hours_end) VALUES (:org, NULL, 0, 0);
INSERT INTO sms_templates (org_id, template_key, body) VALUES (:org, 'booking_confirmation', 'Hi {{client_name}}, {{session_datetime}}, {{location}}'),
  (:org, 'session_reminder', 'Reminder, {{client_name}}'), (:org, 'feedback_request', 'How was it, {{client_name}}?');
-- Of each state that the texts of a booking can be in, one.
INSERT INTO bookings VALUES
  (pg_temp.id(3, 1), :org, pg_temp.id(2, 1), now() + interval '3 days', now() + interval '73 hours', 'confirmed', 'Before attaching'),
  (pg_temp.id(3, 2), :org, pg_temp.id(2, 2), now() + interval '3 days', now() + interval '73 hours', 'pending', 'Not confirmed');
SELECT sms_attach_bookings() AS ahead;
UPDATE sms_bookings_source SET attached_at = now() - interval '7 days';
INSERT INTO bookings VALUES
  (pg_temp.id(3, 3), :org, pg_temp.id(2, 3), now() + interval '3 days', now() + interval '73 hours', 'confirmed', 'Confirmation waits'),
  (pg_temp.id(3, 4), :org, pg_temp.id(2, 4), now() + interval '3 days', now() + interval '73 hours', 'confirmed', 'Confirmation has gone'),
  (pg_temp.id(3, 5), :org, pg_temp.id(2, 5), now() + interval '20 hours', now() + interval '21 hours', 'confirmed', 'Both have gone'),
  (pg_temp.id(3, 6), :org, NULL, now() + interval '3 days', now() + interval '73 hours', 'confirmed', 'Without client'),
  (pg_temp.id(3, 7), :org, pg_temp.id(2, 7), now() - interval '4 hours', now() - interval '3 hours', 'completed', 'Feedback waits'),
  (pg_temp.id(3, 8), :org, pg_temp.id(2, 8), now() + interval '3 days', now() + interval '73 hours', 'confirmed', 'Called off'),
  (pg_temp.id(3, 9), :org, pg_temp.id(2, 9), now() + interval '20 hours', now() + interval '21 hours', 'confirmed', 'Confirmation failed, reminder waits');
UPDATE bookings SET status = 'cancelled' WHERE id = pg_temp.id(3, 8);
ALTER TABLE sms_messages DISABLE TRIGGER sms_message_guard;
UPDATE sms_messages SET status = 'sent', sent_at = now() WHERE related_entity_id IN (pg_temp.id(3, 4), pg_temp.id(3, 5));
UPDATE sms_messages SET status = 'failed', error_code = '30005', failed_at = now() WHERE related_entity_id = pg_temp.id(3, 9);
DELETE FROM coach_sms_internal.sms_queue q USING sms_messages m WHERE m.id = q.message_id AND m.status IN ('sent', 'failed');
UPDATE sms_messages SET created_at = created_at - interval '2 days' WHERE related_entity_id = pg_temp.id(3, 5);
DELETE FROM sms_booking_texts WHERE type = 'reminder' AND booking_id = pg_temp.id(3, 5);
SELECT reminders FROM sms_schedule_reminders();
UPDATE sms_messages SET status = 'sent', sent_at = now() WHERE related_entity_id = pg_temp.id(3, 5) AND status = 'queued';
DELETE FROM coach_sms_internal.sms_queue q USING sms_messages m WHERE m.id = q.message_id AND m.status = 'sent';
-- A message that was tried once, and waits for its next attempt.
UPDATE sms_messages SET attempt_count = 1, error_code = '20429', error_message = 'slow down' WHERE related_entity_id = pg_temp.id(3, 3);
UPDATE coach_sms_internal.sms_queue q SET failures = 1, due_at = now() + interval '5 minutes' FROM sms_messages m WHERE m.id = q.message_id AND m.related_entity_id = pg_temp.id(3, 3);
ALTER TABLE sms_messages ENABLE TRIGGER sms_message_guard;
UPDATE sms_booking_texts SET updated_at = updated_at - interval '1 minute';

-- All that there is of texts, and how it differs from the state before.
CREATE VIEW state AS
  SELECT 'text' AS kind, to_jsonb(t) - 'revision' - CASE WHEN t.reason = 'no_client' THEN '{updated_at,try_until}'::text[] ELSE '{}' END AS row
    FROM sms_booking_texts t
  UNION ALL SELECT 'message', to_jsonb(m) FROM sms_messages m
  UNION ALL SELECT 'queue', to_jsonb(q) FROM coach_sms_internal.sms_queue q;
CREATE TABLE before AS TABLE state;
CREATE VIEW news AS
  SELECT 'gone' AS what, kind, row->>'status' AS status, row->>'reason' AS reason, row->>'message_id' AS message FROM (TABLE before EXCEPT ALL TABLE state) g
  UNION ALL
  SELECT 'come', kind, row->>'status', row->>'reason', row->>'message_id' FROM (TABLE state EXCEPT ALL TABLE before) c;
SELECT kind, row->>'status' AS status, row->>'type' AS type, row->>'reason' AS reason, count(*) FROM before GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4;
CREATE TABLE copy AS TABLE bookings;

-- A calendar that is synchronised: all deleted, all inserted.
BEGIN;
DELETE FROM bookings;
SELECT status, error_code, count(*) FROM sms_messages GROUP BY 1, 2 ORDER BY 1, 2;
INSERT INTO bookings TABLE copy;
COMMIT;
TABLE news;
SELECT reminders, feedback_requests FROM sms_schedule_reminders();
TABLE news;
-- Truncated; in one statement; by MERGE's elder brother with equal values.
BEGIN;
TRUNCATE bookings;
INSERT INTO bookings TABLE copy;
COMMIT;
TABLE news;
INSERT INTO bookings TABLE copy ON CONFLICT (id) DO UPDATE SET start_time = excluded.start_time, status = excluded.status, location_details = excluded.location_details;
TABLE news;
MERGE INTO bookings b USING copy c ON b.id = c.id WHEN MATCHED THEN UPDATE SET status = c.status, start_time = c.start_time;
TABLE news;
-- A status that flips, a time, a place, a client's name that go there and back. A text for the state between is made at
-- once, as ever, and called off again.
CREATE VIEW news_but_called_off AS
  SELECT what, kind, status, reason FROM news
   WHERE NOT (what = 'come' AND (kind = 'message' AND status = 'cancelled'
                                 OR kind = 'text' AND EXISTS (SELECT FROM sms_messages m WHERE m.id = message::uuid AND m.status = 'cancelled')));
BEGIN;
UPDATE bookings SET status = CASE status WHEN 'cancelled' THEN 'confirmed' ELSE 'cancelled' END;
SELECT status, error_code, count(*) FROM sms_messages GROUP BY 1, 2 ORDER BY 1, 2;
UPDATE bookings b SET status = c.status FROM copy c WHERE c.id = b.id;
COMMIT;
TABLE news_but_called_off;
BEGIN;
UPDATE bookings SET start_time = start_time + interval '1 hour', location_details = 'Elsewhere' WHERE status <> 'pending' AND start_time > now();
UPDATE bookings b SET start_time = c.start_time FROM copy c WHERE c.id = b.id;
UPDATE bookings b SET location_details = c.location_details FROM copy c WHERE c.id = b.id;
COMMIT;
TABLE news_but_called_off;
BEGIN;
UPDATE clients SET full_name = 'Bob' WHERE id = pg_temp.id(2, 3);
UPDATE orgs SET name = 'Another';
UPDATE clients SET full_name = 'Ann 3' WHERE id = pg_temp.id(2, 3);
UPDATE orgs SET name = 'Org';
COMMIT;
TABLE news_but_called_off;

-- Savepoints that are rolled back, of either half.
BEGIN;
SAVEPOINT a;
DELETE FROM bookings;
ROLLBACK TO a;
UPDATE bookings SET status = 'cancelled';
SAVEPOINT b;
UPDATE bookings b SET status = c.status FROM copy c WHERE c.id = b.id;
ROLLBACK TO b;
DELETE FROM bookings;
SAVEPOINT c;
INSERT INTO bookings TABLE copy;
RELEASE c;
COMMIT;
TABLE news_but_called_off;

-- Transactions of random changes and savepoints, at whose end all is as before.
CREATE PROCEDURE there_and_back(changes integer) LANGUAGE plpgsql AS $$
DECLARE
  one uuid;
BEGIN
  FOR change IN 1 .. changes LOOP
    one := (SELECT c.id FROM copy c ORDER BY random() LIMIT 1);
    BEGIN
      CASE floor(random() * 6)
        WHEN 0 THEN DELETE FROM bookings WHERE id = one;
        WHEN 1 THEN INSERT INTO bookings SELECT * FROM copy WHERE id = one ON CONFLICT DO NOTHING;
        WHEN 2 THEN UPDATE bookings SET status = (ARRAY['confirmed', 'completed', 'cancelled'])[1 + floor(random() * 3)] WHERE id = one;
        WHEN 3 THEN UPDATE bookings SET start_time = start_time + interval '1 day' WHERE id = one;
        WHEN 4 THEN UPDATE bookings SET location_details = random()::text WHERE id = one;
        ELSE UPDATE bookings b SET (start_time, status, location_details) = (c.start_time, c.status, c.location_details) FROM copy c WHERE b.id = one AND c.id = one;
      END CASE;
      IF random() < 0.2 THEN
        RAISE EXCEPTION SQLSTATE 'ZZZZZ';
      END IF;
    EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN NULL;
    END;
  END LOOP;
  INSERT INTO bookings TABLE copy ON CONFLICT (id) DO UPDATE
    SET start_time = excluded.start_time, status = excluded.status, location_details = excluded.location_details;
END $$;
SELECT random() AS seed \gset
SELECT setseed(:seed);
DO $$ BEGIN FOR n IN 1 .. 14 LOOP CALL there_and_back(n); COMMIT; END LOOP; END $$;
SELECT what, kind, status, reason, count(*), :seed AS seed FROM news_but_called_off GROUP BY 1, 2, 3, 4;

-- Prepared: as if it had committed.
BEGIN;
DELETE FROM bookings;
INSERT INTO bookings TABLE copy;
PREPARE TRANSACTION 'synchronised';
BEGIN;
UPDATE clients SET full_name = full_name;
COMMIT;
COMMIT PREPARED 'synchronised';
TABLE news_but_called_off;

-- A change that is none of a moment is one: deleted and made for another time is moved, and a move is announced as ever.
BEGIN;
DELETE FROM bookings;
INSERT INTO bookings SELECT id, org_id, client_id, start_time + interval '1 hour', end_time + interval '1 hour', status, location_details FROM copy;
COMMIT;
SELECT right(m.related_entity_id::text, 1) AS n, m.template_key, m.status, m.error_code
  FROM sms_messages m WHERE NOT EXISTS (SELECT FROM before b WHERE b.row = to_jsonb(m)) AND m.created_at = (SELECT max(created_at) FROM sms_messages) ORDER BY 1;
-- What was confirmed in between is not, and what is cancelled at the end is.
BEGIN;
UPDATE bookings SET status = 'confirmed' WHERE id = pg_temp.id(3, 2);
UPDATE bookings SET status = 'pending' WHERE id = pg_temp.id(3, 2);
UPDATE bookings SET status = 'cancelled' WHERE id = pg_temp.id(3, 3);
UPDATE bookings SET status = 'confirmed' WHERE id = pg_temp.id(3, 3);
UPDATE bookings SET status = 'cancelled' WHERE id = pg_temp.id(3, 3);
COMMIT;
SELECT right(m.related_entity_id::text, 1) AS n, count(*) FILTER (WHERE m.status IN ('pending', 'queued')) AS waiting
  FROM sms_messages m WHERE m.related_entity_id IN (pg_temp.id(3, 2), pg_temp.id(3, 3)) GROUP BY 1 ORDER BY 1;
-- And is announced again once it is confirmed in another transaction.
UPDATE bookings SET status = 'confirmed' WHERE id = pg_temp.id(3, 3);
SELECT count(*) FROM sms_messages WHERE related_entity_id = pg_temp.id(3, 3) AND status = 'queued';

-- More than 500: those that wait, have gone, and are from before attaching.
TRUNCATE bookings;
DELETE FROM sms_messages;
DELETE FROM sms_booking_texts;
ALTER TABLE bookings DISABLE TRIGGER USER;
INSERT INTO bookings SELECT pg_temp.id(3, 1000 + n), :org, pg_temp.id(2, 1), now() + interval '9 days', now() + interval '10 days', 'confirmed', '' FROM generate_series(1, 300) n;
SELECT sms_attach_bookings();
ALTER TABLE bookings ENABLE TRIGGER USER;
INSERT INTO bookings SELECT pg_temp.id(3, 2000 + n), :org, pg_temp.id(2, 2), now() + interval '9 days', now() + interval '10 days', 'confirmed', '' FROM generate_series(1, 300) n;
SELECT confirmations FROM coach_sms_internal.sms_schedule_some(1000, now());
ALTER TABLE sms_messages DISABLE TRIGGER sms_message_guard;
UPDATE sms_messages SET status = 'sent', sent_at = now() WHERE related_entity_id::text ~ '[13579]$';
DELETE FROM coach_sms_internal.sms_queue q USING sms_messages m WHERE m.id = q.message_id AND m.status = 'sent';
ALTER TABLE sms_messages ENABLE TRIGGER sms_message_guard;
TRUNCATE before, copy;
INSERT INTO copy TABLE bookings;
INSERT INTO before TABLE state;
BEGIN;
DELETE FROM bookings;
INSERT INTO bookings SELECT * FROM copy ORDER BY random();
COMMIT;
SELECT sum(confirmations), sum(reminders) FROM generate_series(1, 3) n, coach_sms_internal.sms_schedule_some(1000, now() + n * interval '1 second');
SELECT what, kind, status, reason, count(*) FROM news_but_called_off GROUP BY 1, 2, 3, 4;
BEGIN;
TRUNCATE bookings;
INSERT INTO bookings SELECT * FROM copy ORDER BY random();
COMMIT;
SELECT sum(confirmations), sum(reminders) FROM generate_series(1, 3) n, coach_sms_internal.sms_schedule_some(1000, now() + n * interval '1 second');
SELECT what, kind, status, reason, count(*) FROM news_but_called_off GROUP BY 1, 2, 3, 4;
BEGIN;
UPDATE bookings SET status = 'cancelled';
UPDATE bookings SET status = 'confirmed';
COMMIT;
SELECT sum(confirmations), sum(reminders) FROM generate_series(1, 3) n, coach_sms_internal.sms_schedule_some(1000, now() + n * interval '1 second');
SELECT what, kind, status, reason, count(*) FROM news_but_called_off GROUP BY 1, 2, 3, 4;
-- A booking that is made, needs no text for a moment, and becomes another one: its text is not a cancelled one.
BEGIN;
INSERT INTO bookings VALUES (pg_temp.id(3, 9001), :org, pg_temp.id(2, 1), now() + interval '3 days', now() + interval '73 hours', 'confirmed', 'First');
UPDATE bookings SET client_id = NULL WHERE id = pg_temp.id(3, 9001);
UPDATE bookings SET client_id = pg_temp.id(2, 2), location_details = 'Second' WHERE id = pg_temp.id(3, 9001);
COMMIT;
SELECT m.status, m.body ~ 'Second' AS of_second FROM sms_booking_texts t JOIN sms_messages m ON m.id = t.message_id
 WHERE t.booking_id = pg_temp.id(3, 9001) AND t.type = 'confirmation';
DROP VIEW news_but_called_off, news, state;
DROP TABLE before, copy, bookings, clients, orgs;
DROP PROCEDURE there_and_back;
