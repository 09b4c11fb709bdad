-- Going live by the rule of attaching; and sms_explain() says what the next pass then does.
\i sql/include/extension.sql
DO $$ BEGIN PERFORM sms_create_key(current_setting('coach_sms.key_file')); EXCEPTION WHEN SQLSTATE 'SM013' THEN NULL; END $$;
\i sql/include/bookings.sql
\set org '''10000000-0000-4000-8000-000000000001'''
INSERT INTO orgs VALUES (:org, 'Org');
INSERT INTO clients SELECT pg_temp.id(2, n), :org, 'Ann ' || n, '+614915' || 70000 + n FROM generate_series(1, 9) n;
INSERT INTO sms_settings (org_id, max_sms_per_client_per_day, quiet_hours_start, quiet_hours_end, twilio_phone_number, twilio_account_sid, twilio_auth_token_encrypted)
  VALUES (:org, NULL, 0, 0, '+61491570999', 'AC00000000000000000000000000000001', '0123456789abcdef0123456789abcdef');
INSERT INTO sms_templates (org_id, template_key, body) VALUES (:org, 'booking_confirmation', 'Hi {{client_name}}, {{session_datetime}}'),
  (:org, 'session_reminder', 'Reminder, {{client_name}}'), (:org, 'feedback_request', 'How was it, {{client_name}}?');
SELECT sms_attach_bookings();
UPDATE sms_bookings_source SET attached_at = now() - interval '7 days';
CREATE FUNCTION pg_temp.book(n integer, starts interval, status text DEFAULT 'confirmed') RETURNS void LANGUAGE sql AS $$
  INSERT INTO public.bookings VALUES (pg_temp.id(3, n), '10000000-0000-4000-8000-000000000001', pg_temp.id(2, n), now() + starts, now() + starts + interval '1 hour', status, 'Gym') $$;
CREATE FUNCTION pg_temp.explained() RETURNS TABLE (n text, type text, status text, explanation text) LANGUAGE sql AS $$
  SELECT right(b.id::text, 1), e.type, e.status, regexp_replace(e.explanation, '[A-Z][a-z]{2} [0-9]+ [A-Z][a-z]{2} [0-9]{4}, [0-9]+:[0-9]{2} [AP]M', '<time>', 'g')
    FROM bookings b, sms_explain(b.id) e ORDER BY 1, 2, 3, 4 $$;
CREATE PROCEDURE deliver() LANGUAGE sql AS $$
  UPDATE sms_messages SET status = 'delivered', sent_at = now(), delivered_at = now() WHERE status IN ('pending', 'queued');
  DELETE FROM coach_sms_internal.sms_queue;
$$;

-- In the sandbox: confirmed and delivered; confirmed and waiting, near and far; reminded; skipped; not confirmed; over, with
-- and without feedback; called off.
SELECT pg_temp.book(1, interval '3 days'), pg_temp.book(2, interval '20 hours'), pg_temp.book(7, interval '-4 hours', 'completed');
UPDATE sms_messages SET created_at = created_at - interval '2 days';
DELETE FROM sms_booking_texts WHERE type = 'reminder';
SELECT reminders FROM sms_schedule_reminders();
ALTER TABLE sms_messages DISABLE TRIGGER sms_message_guard;
CALL deliver();
ALTER TABLE sms_messages ENABLE TRIGGER sms_message_guard;
UPDATE clients SET phone = NULL WHERE id = pg_temp.id(2, 5);
SELECT pg_temp.book(3, interval '20 hours'), pg_temp.book(4, interval '72 hours'), pg_temp.book(5, interval '4 days'), pg_temp.book(6, interval '3 days', 'pending'),
       pg_temp.book(8, interval '-2 hours', 'completed'), pg_temp.book(9, interval '3 days');
UPDATE bookings SET status = 'cancelled' WHERE id = pg_temp.id(3, 9);
SELECT cancelled FROM sms_go_live();
SELECT * FROM pg_temp.explained() WHERE status IN ('planned', 'skipped');
-- Which is what comes true.
SELECT * FROM coach_sms_internal.sms_schedule_some(100, now());
SELECT right(related_entity_id::text, 1) AS n, template_key, status FROM sms_messages WHERE NOT sandbox ORDER BY 1, 2;
UPDATE clients SET phone = '+61491570005' WHERE id = pg_temp.id(2, 5);
SELECT * FROM coach_sms_internal.sms_schedule_some(100, now());
SELECT * FROM pg_temp.explained() WHERE n = '5' AND type = 'confirmation';
-- What is confirmed from now on is announced: for the first time, and again.
UPDATE bookings SET status = 'cancelled' WHERE id IN (pg_temp.id(3, 1), pg_temp.id(3, 4));
UPDATE bookings SET status = 'confirmed' WHERE id IN (pg_temp.id(3, 1), pg_temp.id(3, 4), pg_temp.id(3, 6), pg_temp.id(3, 9));
SELECT right(related_entity_id::text, 1) AS n, template_key, status FROM sms_messages WHERE NOT sandbox AND template_key = 'booking_confirmation' ORDER BY 1, 2;
-- Called again, it leaves what is tried alone.
UPDATE clients SET phone = NULL WHERE id = pg_temp.id(2, 5);
UPDATE bookings SET status = 'cancelled' WHERE id = pg_temp.id(3, 5);
UPDATE bookings SET status = 'confirmed' WHERE id = pg_temp.id(3, 5);
SELECT cancelled FROM sms_go_live();
SELECT type, status, regexp_replace(explanation, 'until .*', 'until ...') AS explanation FROM pg_temp.explained() WHERE n = '5' AND type = 'confirmation';
-- And back, and live once more: what was announced live stays announced.
SELECT queued FROM sms_go_sandbox();
SELECT cancelled FROM sms_go_live();
SELECT * FROM pg_temp.explained() WHERE type = 'confirmation' AND n IN ('1', '5', '6');
-- A booking that no trigger reported is found when its reminder comes near, and sms_explain() says so.
SET session_replication_role = replica;
SELECT pg_temp.book(10, interval '9 days');
RESET session_replication_role;
SELECT looked_at FROM coach_sms_internal.sms_schedule_some(100, now());
SELECT e.status, replace(e.explanation, coach_sms_internal.sms_local_time(b.start_time - interval '24 hours 2 minutes', 'Australia/Sydney'), '<when it is found>') AS explanation
  FROM bookings b, sms_explain(b.id) e WHERE b.id = pg_temp.id(3, 10) AND e.type = 'confirmation';
-- Bookings that cannot be read keep it from going live.
SELECT queued FROM sms_go_sandbox();
ALTER TABLE bookings RENAME COLUMN start_time TO starts;
SELECT cancelled FROM sms_go_live();
\echo :SQLSTATE
SELECT mode FROM sms_mode();
ALTER TABLE bookings RENAME COLUMN starts TO start_time;

-- sms_explain() and the next pass agree, whatever the booking, its texts, the time and the mode. Triggers are off, so that
-- there is much left to the pass.
CREATE FUNCTION pg_temp.pick(words text[]) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT words[1 + floor(random() * cardinality(words))] $$;
CREATE PROCEDURE scatter(n integer) LANGUAGE plpgsql AS $$
DECLARE
  one record;
BEGIN
  TRUNCATE bookings;
  DELETE FROM sms_messages;
  DELETE FROM sms_booking_texts;
  INSERT INTO bookings
    SELECT pg_temp.id(3, i), '10000000-0000-4000-8000-000000000001', pg_temp.id(2, 1 + floor(random() * 10)::integer), t.at, t.at + random() * interval '2 hours',
           pg_temp.pick('{confirmed,confirmed,confirmed,completed,cancelled}'), 'Gym'
      FROM generate_series(1, n) i,
           LATERAL (SELECT CASE WHEN i % 20 > 0 THEN now() + (random() - 0.4) * pg_temp.pick('{1 hour,2 days,8 days}')::interval END AS at) t;
  UPDATE bookings SET reminder_sent = random() < 0.1, feedback_sent = random() < 0.1;
  -- One whose reminder is surely due, of a client without other bookings.
  INSERT INTO bookings VALUES
    (pg_temp.id(3, n + 1), '10000000-0000-4000-8000-000000000001', pg_temp.id(2, 11), now() + interval '20 hours', now() + interval '21 hours', 'confirmed', 'Gym');
  -- A text of each kind or none; its message in any state, or a reason, tried again or not.
  FOR one IN SELECT b.*, w.type, sms_uuidv7() AS message FROM bookings b, unnest('{confirmation,reminder,feedback}'::text[]) w (type) WHERE b.id <> pg_temp.id(3, n + 1) AND random() < 0.6 LOOP
    IF random() < 0.6 THEN
      INSERT INTO sms_messages (id, org_id, client_id, to_phone, template_key, body, variables, related_entity_type, related_entity_id, status, scheduled_for,
                                error_code, metadata, created_at, segments, encoding, sandbox)
        SELECT one.message, one.org_id, one.client_id, coalesce(coach_sms_internal.sms_phone_or_null(b.phone, 'AU'), '+61491570000'),
               CASE one.type WHEN 'confirmation' THEN 'booking_confirmation' WHEN 'reminder' THEN 'session_reminder' ELSE 'feedback_request' END, 'x',
               coach_sms_internal.sms_booking_variables(b), 'booking', one.id, s.status, now(),
               CASE s.status WHEN 'cancelled' THEN pg_temp.pick('{booking_changed,booking_cancelled,sandbox,expired}') WHEN 'failed' THEN '30005' END,
               jsonb_build_object('booking_text', one.type), now() - random() * interval '2 hours', 1, 'GSM-7', random() < 0.5
          FROM coach_sms_internal.sms_read_bookings(ARRAY[one.id]) b, pg_temp.pick('{pending,queued,sending,sent,delivered,failed,cancelled,cancelled,unknown}') s (status);
    ELSE
      one.message := NULL;
    END IF;
    INSERT INTO sms_booking_texts (booking_id, type, org_id, session_start, session_end, message_id, reason, try_until, revision, updated_at)
      SELECT one.id, one.type, one.org_id, one.start_time + v.moved, one.end_time + v.moved, one.message, v.reason,
             CASE WHEN one.message IS NULL AND random() < 0.6 THEN now() + (random() - 0.2) * interval '2 days' END, 1, now() - random() * interval '2 minutes'
        FROM (SELECT CASE WHEN random() < 0.3 THEN interval '1 hour' ELSE '0' END AS moved,
                     CASE WHEN one.message IS NULL OR random() < 0.1
                          THEN pg_temp.pick('{booking_cancelled,no_client,invalid_phone,already_sent,switched_off,many_at_once,superseded,confirmation_just_sent,before_attach}') END AS reason) v;
  END LOOP;
END
$$;
-- What is over was not sent, or is not; and nothing is left of a booking that was left to the pass.
CREATE FUNCTION pg_temp.without_tense(explanation text) RETURNS text LANGUAGE sql AS $$
  SELECT regexp_replace(explanation, '^(is|was) not sent( any more)?: (many_at_once|the session has started)?', 'not sent: ') $$;
-- In one transaction, so that the time is the same: what is explained, the pass, and what is explained then.
CREATE FUNCTION pg_temp.compare() RETURNS TABLE (id uuid, what text, type text, label text, before text, after text) LANGUAGE plpgsql AS $$
DECLARE
  looked integer := 1;
BEGIN
  CREATE TEMPORARY TABLE explained ON COMMIT DROP AS SELECT b.id AS booking, e.* FROM bookings b, sms_explain(b.id) e;
  CREATE TEMPORARY TABLE messages_before ON COMMIT DROP AS SELECT m.id FROM sms_messages m;
  PERFORM coach_sms_internal.sms_schedule_some(100000, now() + interval '1 second');
  RETURN QUERY
    SELECT coalesce(t.booking, m.related_entity_id), 'made', coalesce(t.type, m.metadata->>'booking_text'), t.label, t.explanation, m.status
      FROM (SELECT * FROM explained WHERE explanation = 'is due, and made within a minute') t
      FULL JOIN (SELECT * FROM sms_messages n WHERE NOT EXISTS (SELECT FROM messages_before k WHERE k.id = n.id)) m
             ON t.booking = m.related_entity_id AND t.type = m.metadata->>'booking_text'
     WHERE t.booking IS NULL OR m.id IS NULL;
  RETURN QUERY
    SELECT coalesce(t.booking, e.booking), 'said', coalesce(t.type, e.type), coalesce(t.label, e.label), t.explanation, e.explanation
      FROM (SELECT * FROM explained o WHERE o.message_id IS NULL AND o.explanation <> 'is due, and made within a minute') t
      FULL JOIN (SELECT b.id AS booking, x.* FROM bookings b, sms_explain(b.id) x WHERE x.message_id IS NULL) e
             ON e.booking = t.booking AND e.type = t.type AND e.label = t.label
     WHERE pg_temp.without_tense(t.explanation) IS DISTINCT FROM pg_temp.without_tense(e.explanation);
END
$$;
INSERT INTO clients VALUES (pg_temp.id(2, 11), :org, 'Kim', '+61491570011');
UPDATE clients SET phone = CASE right(id::text, 1) WHEN '7' THEN NULL WHEN '8' THEN '12' ELSE phone END;
SELECT sms_opt_out(:org, '+61491570003') IS NOT NULL AS opted_out;
UPDATE sms_settings SET max_sms_per_client_per_day = 15;
ALTER TABLE bookings DISABLE TRIGGER USER;
SELECT random() AS seed \gset
SELECT setseed(:seed);
BEGIN; CALL scatter(70); COMMIT;
BEGIN; SELECT *, :seed AS seed FROM pg_temp.compare(); SELECT count(*) > 0 AS some_made FROM explained WHERE explanation = 'is due, and made within a minute'; ROLLBACK;
INSERT INTO sms_schedules (org_id, type, label, mins_offset, template_key, created_at) VALUES
  (:org, 'pre_session', 'two days', 2880, 'session_reminder', now() - interval '9 days'),
  (:org, 'pre_session', 'two hours', 120, 'missing', now() - interval '1 hour'), (:org, 'post_session', 'soon', 10, 'feedback_request', now() - interval '9 days');
BEGIN; SELECT *, :seed AS seed FROM pg_temp.compare(); SELECT count(*) > 0 AS some_made FROM explained WHERE explanation = 'is due, and made within a minute'; ROLLBACK;
SELECT cancelled > 0 AS cancelled FROM sms_go_live();
BEGIN; SELECT *, :seed AS seed FROM pg_temp.compare(); SELECT count(*) > 0 AS some_made FROM explained WHERE explanation = 'is due, and made within a minute'; ROLLBACK;
UPDATE sms_settings SET twilio_phone_number = NULL;
BEGIN; SELECT *, :seed AS seed FROM pg_temp.compare(); SELECT count(*) > 0 AS some_made FROM explained WHERE explanation = 'is due, and made within a minute'; ROLLBACK;
UPDATE sms_settings SET send_session_reminders = false;
DELETE FROM sms_schedules;
BEGIN; SELECT *, :seed AS seed FROM pg_temp.compare(); SELECT count(*) > 0 AS some_made FROM explained WHERE explanation = 'is due, and made within a minute'; ROLLBACK;
SELECT queued >= 0 AS back FROM sms_go_sandbox();
DROP PROCEDURE scatter(integer), deliver();
DROP TABLE bookings, clients, orgs;
