-- Bookings that are not as they should be, and owners that are not to be trusted. Each gives a text or a reason; none
-- fails the application's statement, stops another booking, or gets a right of ours.
\i sql/include/extension.sql
CREATE ROLE regress_app;
CREATE SCHEMA app AUTHORIZATION regress_app;
\set org 10000000-0000-4000-8000-000000000001
\set other 10000000-0000-4000-8000-000000000002
SET ROLE regress_app;
CREATE TABLE app.orgs (id uuid PRIMARY KEY, name text);
CREATE TABLE app.clients (id uuid PRIMARY KEY, org_id uuid, full_name text, phone text);
CREATE TABLE app.bookings (id uuid PRIMARY KEY, org_id uuid, client_id uuid, start_time timestamptz, end_time timestamptz, status text, location_details text,
                           reminder_sent boolean, feedback_sent boolean);
INSERT INTO app.orgs VALUES (:'org', 'Coach {{location}} Kim'), (:'other', 'Other');
CREATE FUNCTION app.id(kind integer, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT (kind || '0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
INSERT INTO app.clients VALUES
  (app.id(2, 1), :'org', 'Ann', '0491 570 006'), (app.id(2, 2), :'org', 'Ben', NULL), (app.id(2, 3), :'org', 'Cid', '  '),
  (app.id(2, 4), :'org', 'Dan', 'call my wife'), (app.id(2, 5), :'other', 'Eve', '0491 570 156'), (app.id(2, 6), :'org', NULL, '(04) 9157-0157'),
  (app.id(2, 7), :'org', E'{{location}}\n'');DROP/**/TABLE', '+61 491 570 158'), (app.id(2, 8), :'org', 'Fay', '0491 570 159');
RESET ROLE;
INSERT INTO sms_settings (org_id, quiet_hours_start, quiet_hours_end, max_sms_per_client_per_day) VALUES (:'org', 0, 0, NULL);
INSERT INTO sms_templates (org_id, template_key, body) VALUES
  (:'org', 'booking_confirmation', 'Hi {{client_name}}, {{coach_name}}, {{location}}'), (:'org', 'session_reminder', 'Reminder, {{client_name}}'),
  (:'org', 'feedback_request', '{{feedback_link}}');
SELECT sms_opt_out(:'org', '0491570159') IS NOT NULL AS opted_out;
SELECT sms_attach_bookings('app.bookings', 'app.clients', 'app.orgs');
UPDATE sms_bookings_source SET attached_at = now() - interval '7 days';
CREATE VIEW texts AS
  SELECT right(t.booking_id::text, 2)::integer AS n, t.type, t.reason, t.detail, m.to_phone, m.body
    FROM sms_booking_texts t LEFT JOIN sms_messages m ON m.id = t.message_id ORDER BY 1, 2;

-- The application's statement succeeds for all of them, and each has its text or its reason.
SET ROLE regress_app;
INSERT INTO app.bookings SELECT app.id(3, n), :'org', app.id(2, n), now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym' FROM generate_series(1, 8) n;
INSERT INTO app.bookings VALUES
  (app.id(3, 10), :'org', NULL, now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym'),
  (app.id(3, 11), :'org', app.id(2, 99), now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym'),
  (app.id(3, 12), :'org', app.id(2, 1), now() + interval '2 days', now() + interval '40 hours', 'confirmed', E'$1 %s \\ {{client_name}}'),
  (app.id(3, 13), :'org', app.id(2, 1), NULL, NULL, 'confirmed', 'Gym'),
  (app.id(3, 14), :'org', app.id(2, 1), 'infinity', 'infinity', 'confirmed', 'Gym'),
  (app.id(3, 15), :'other', app.id(2, 5), now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym'),
  (app.id(3, 16), NULL, app.id(2, 5), now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym'),
  (app.id(3, 17), :'org', app.id(2, 1), now() + interval '2 days', now() + interval '49 hours', NULL, 'Gym'),
  (app.id(3, 18), :'org', app.id(2, 1), now() - interval '5 hours', now() - interval '6 hours', 'completed', 'Gym'),
  (app.id(3, 19), :'org', app.id(2, 1), now() - interval '5 hours', now() - interval '4 hours', 'completed', 'Gym'),
  (app.id(3, 20), :'org', app.id(2, 1), now() - interval '5 hours', NULL, 'completed', 'Gym');
RESET ROLE;
SELECT * FROM texts;
SELECT n, e.type, regexp_replace(e.explanation, ' until .*', ' until …') AS explanation FROM (VALUES (2), (5), (13), (15), (16), (18), (20)) b (n), LATERAL sms_explain(app.id(3, n)) e
 WHERE e.type = CASE WHEN n < 18 THEN 'confirmation' ELSE 'feedback' END;

-- What can be mended is tried again; what is skipped is counted once.
SELECT * FROM sms_schedule_reminders();
UPDATE app.clients SET phone = '0491 570 110' WHERE id IN (app.id(2, 2), app.id(2, 4));
SELECT sms_opt_in(:'org', '0491570159');
INSERT INTO sms_settings (org_id) VALUES (:'other');
SELECT * FROM sms_schedule_reminders();
SELECT * FROM texts WHERE n IN (2, 4, 8, 15);

-- A template that is missing, or wants what nobody has.
DELETE FROM sms_templates WHERE template_key = 'booking_confirmation';
INSERT INTO app.bookings VALUES (app.id(3, 30), :'org', app.id(2, 1), now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym');
INSERT INTO sms_templates (org_id, template_key, body) VALUES (:'org', 'booking_confirmation', 'Bring {{what}}');
INSERT INTO app.bookings VALUES (app.id(3, 31), :'org', app.id(2, 1), now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym');
SELECT * FROM texts WHERE n IN (30, 31);
SELECT explanation ~ '^was not queued: variable "what" is missing. The sender tries again each minute until ' AS explained
  FROM sms_explain(app.id(3, 30)) WHERE type = 'confirmation';
UPDATE sms_templates SET body = 'Hi {{client_name}}' WHERE template_key = 'booking_confirmation';
SELECT * FROM sms_schedule_reminders();
SELECT * FROM texts WHERE n IN (30, 31);
-- A confirmation is tried again for a day; and switching them on confirms no history.
UPDATE sms_settings SET send_booking_confirmations = false WHERE org_id = :'org';
INSERT INTO app.bookings VALUES (app.id(3, 32), :'org', app.id(2, 1), now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym');
UPDATE sms_settings SET send_booking_confirmations = true WHERE org_id = :'org';
UPDATE app.bookings SET location_details = 'Court 1' WHERE id = app.id(3, 32);
INSERT INTO app.bookings VALUES (app.id(3, 33), :'org', app.id(2, 3), now() + interval '2 days', now() + interval '49 hours', 'confirmed', 'Gym');
UPDATE sms_booking_texts SET try_until = now() - interval '1 minute' WHERE booking_id = app.id(3, 33);
UPDATE app.clients SET phone = '0491 570 006' WHERE id = app.id(2, 3);
SELECT * FROM sms_schedule_reminders();
SELECT * FROM texts WHERE n IN (32, 33);
SELECT explanation FROM sms_explain(app.id(3, 33)) WHERE type = 'confirmation';

-- Views. What they raise for one booking keeps no other from its reminder; what they raise for all is reported.
SELECT sms_detach_bookings() > 0 AS waiting;
DELETE FROM app.bookings;
DELETE FROM sms_booking_texts;
DELETE FROM sms_messages;
INSERT INTO app.bookings SELECT app.id(3, n), :'org', app.id(2, n), now() + interval '20 hours', now() + interval '21 hours', 'confirmed', 'Gym' FROM generate_series(1, 3) n;
SET ROLE regress_app;
CREATE FUNCTION app.place(n uuid, place text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF n = app.id(3, 2) THEN
    RAISE EXCEPTION 'no place for %', n;
  END IF;
  RETURN place;
END $$;
CREATE VIEW app.booked AS SELECT id, org_id, client_id, start_time, end_time, status, app.place(id, location_details) AS location_details FROM app.bookings;
RESET ROLE;
SELECT sms_attach_bookings('app.booked', 'app.clients', 'app.orgs') AS ahead;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgrelid = 'app.bookings'::regclass AND tgname LIKE 'coach_sms%';
SELECT * FROM sms_schedule_reminders();
SELECT * FROM texts;
SELECT type, status, explanation FROM sms_explain(app.id(3, 2));
SELECT r.reason, right(t.booking_id::text, 1) AS booking FROM coach_sms_internal.sms_recheck_bookings(ARRAY(SELECT id FROM sms_messages)) r JOIN sms_booking_texts t USING (message_id);
SELECT id, reminder_sent FROM app.bookings WHERE reminder_sent;
-- A new booking in a view is found by the pass. So is one that was cancelled, and what waits for it.
INSERT INTO app.bookings VALUES (app.id(3, 4), :'org', app.id(2, 1), now() + interval '9 days', now() + interval '10 days', 'confirmed', 'Court');
SELECT * FROM sms_schedule_reminders();
SELECT * FROM texts WHERE n = 4;
UPDATE app.bookings SET status = 'cancelled';
SELECT count(*) FROM coach_sms_internal.sms_recheck_bookings(ARRAY(SELECT id FROM sms_messages)) WHERE reason = 'booking_cancelled';
SELECT * FROM sms_schedule_reminders();
SELECT status, error_code FROM sms_messages;
CREATE OR REPLACE FUNCTION app.place(n uuid, place text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$ BEGIN RAISE EXCEPTION 'no place at all'; END $$;
SELECT * FROM coach_sms_internal.sms_schedule_pass(10);
SELECT * FROM sms_schedule_reminders();
SELECT ok, problem FROM sms_doctor() WHERE check_name = 'bookings';
SELECT sms_detach_bookings() > 0 AS waiting;
DROP VIEW app.booked;
-- One that raises whatever it is asked for cannot be attached.
CREATE VIEW app.booked AS SELECT id, org_id, client_id, start_time, end_time, status, app.place(id, location_details) AS location_details FROM app.bookings;
ALTER VIEW app.booked OWNER TO regress_app;
SELECT sms_attach_bookings('app.booked', 'app.clients', 'app.orgs') AS ahead;
DROP VIEW app.booked;

-- Whose rights. The view's function runs as the view's owner, restricted: whatever it tries is refused or undone.
CREATE TABLE public.seen (who text, path text, said text);
GRANT INSERT ON public.seen TO regress_app;
GRANT USAGE ON SCHEMA public TO regress_app;
SET ROLE regress_app;
CREATE FUNCTION app.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLERRM;
END $$;
CREATE FUNCTION app.curious(place text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  statement text;
BEGIN
  FOREACH statement IN ARRAY ARRAY['SET ROLE coach_sms_owner', 'RESET ROLE', 'RESET SESSION AUTHORIZATION', 'SET ROLE NONE',
      'UPDATE public.sms_messages SET status = ''sent''', 'DELETE FROM public.sms_bookings_source', 'SELECT twilio_auth_token_encrypted FROM public.sms_settings',
      'CREATE TEMPORARY TABLE pg_temp.trap (x integer)', 'SET search_path = app', 'SET enable_seqscan = off',
      'INSERT INTO app.late VALUES (1)'] LOOP
    INSERT INTO public.seen VALUES (current_user, current_setting('search_path'), statement || ': ' || app.try(statement));
  END LOOP;
  RETURN place;
END $$;
CREATE TABLE app.late (x integer);
CREATE FUNCTION app.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user, 'deferred', 'ran'); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON app.late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.later();
CREATE VIEW app.booked AS SELECT id, org_id, client_id, start_time, end_time, status, app.curious(location_details) AS location_details FROM app.bookings;
RESET ROLE;
SELECT sms_attach_bookings('app.booked', 'app.clients', 'app.orgs') AS ahead;
UPDATE sms_booking_texts SET try_until = now() + interval '1 day', session_start = now();
UPDATE app.bookings SET status = 'confirmed', client_id = app.id(2, 1) WHERE id = app.id(3, 1);
SHOW search_path;
SELECT sms_schedule_reminders();
SHOW search_path;
SHOW enable_seqscan;
SELECT DISTINCT who, said FROM public.seen ORDER BY 2;
SELECT count(*) AS late FROM app.late;
SELECT sms_detach_bookings() > 0 AS waiting;

-- A trigger of the owner's on the bookings sees our update of the flag as its own, and cannot make us fail.
DELETE FROM app.bookings;
DELETE FROM sms_booking_texts;
DELETE FROM sms_messages;
DELETE FROM public.seen;
SELECT sms_attach_bookings('app.bookings', 'app.clients', 'app.orgs') AS ahead;
SET ROLE regress_app;
CREATE FUNCTION app.watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user, 'update', app.try('SET ROLE coach_sms_owner')); RETURN NEW; END $$;
CREATE TRIGGER watch BEFORE UPDATE ON app.bookings FOR EACH ROW EXECUTE FUNCTION app.watch();
RESET ROLE;
INSERT INTO app.bookings VALUES (app.id(3, 41), :'org', app.id(2, 1), now() + interval '3 days', now() + interval '49 hours', 'confirmed', 'Gym');
UPDATE sms_messages SET created_at = created_at - interval '2 days';
DELETE FROM public.seen;
UPDATE sms_settings SET reminder_hours_before = 80;
SELECT * FROM sms_schedule_reminders();
SELECT reminder_sent FROM app.bookings;
SELECT * FROM public.seen;
CREATE OR REPLACE FUNCTION app.watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'nobody may'; END $$;
UPDATE sms_booking_texts SET session_start = now() WHERE type = 'reminder';
UPDATE sms_messages SET status = 'cancelled' WHERE template_key = 'session_reminder';
SELECT * FROM sms_schedule_reminders();
-- Times at the end of PostgreSQL's own, from which nothing can be reckoned, do not keep others from being judged.
DROP TRIGGER watch ON app.bookings;
INSERT INTO app.bookings VALUES (app.id(3, 50), :'org', app.id(2, 1), now() + interval '3 days', '294276-12-31 23:00+00', 'confirmed', 'Gym'),
  (app.id(3, 51), :'org', app.id(2, 1), '4714-11-24 00:00+00 BC', 'infinity', 'confirmed', 'Gym'), (app.id(3, 52), :'org', app.id(2, 1), now() + interval '3 days', now() + interval '73 hours', 'confirmed', 'Gym');
SELECT n, type, reason, body FROM texts WHERE n IN (50, 51, 52);
UPDATE sms_messages SET created_at = created_at - interval '2 days';
SELECT reminders FROM sms_schedule_reminders();
SELECT n, type, reason FROM texts WHERE n IN (50, 52) AND type = 'reminder';
-- Rights that were taken away later are reported too, and the application goes on.
REVOKE SELECT ON app.clients FROM regress_app;
INSERT INTO app.bookings VALUES (app.id(3, 42), :'org', app.id(2, 1), now() + interval '3 days', now() + interval '49 hours', 'confirmed', 'Gym');
SELECT * FROM texts WHERE n = 42;
GRANT SELECT ON app.clients TO regress_app;
SELECT * FROM sms_schedule_reminders();
SELECT * FROM texts WHERE n = 42;
SELECT sms_detach_bookings() > 0 AS waiting;

DROP VIEW texts;
DROP EXTENSION coach_sms;
DROP TABLE public.seen;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_app;
DROP ROLE regress_app;
