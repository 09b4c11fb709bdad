-- A week in the life of an application's bookings, as doc/week.md shows it.
--
-- Run it as a superuser in an empty database of a server that has coach_sms loaded:
--   psql -d week -f doc/examples/week.sql
-- It then makes each step at once, and shows which texts are planned for when. `make week` runs it on a private server
-- under a clock that it moves, so that each text goes out at its time: MOVE_CLOCK is a command that sets the server's clock.
\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
SET timezone = 'Australia/Sydney';
SET client_min_messages = warning;

\echo '== The set-up: one org, its texts, three clients; then the bookings are attached'
CREATE EXTENSION IF NOT EXISTS coach_sms;
CREATE TABLE orgs (id uuid PRIMARY KEY, name text);
CREATE TABLE clients (id uuid PRIMARY KEY, org_id uuid, full_name text, phone text);
CREATE TABLE bookings (id uuid PRIMARY KEY, org_id uuid, client_id uuid, start_time timestamptz, end_time timestamptz,
                       status text DEFAULT 'confirmed', location_details text DEFAULT 'Court 1');
\set org 11111111-1111-4111-8111-111111111111
\set ann 22222222-2222-4222-8222-222222222222
\set ben 33333333-3333-4333-8333-333333333333
\set cid 44444444-4444-4444-8444-444444444444
INSERT INTO orgs VALUES (:'org', 'Coach Kim');
INSERT INTO clients VALUES (:'ann', :'org', 'Ann Lee', '0491 570 006'), (:'ben', :'org', 'Ben Ito', '0491 570 156'),
                           (:'cid', :'org', 'Cid Roy', '0491 570 157');
INSERT INTO sms_settings (org_id, timezone, quiet_hours_start, quiet_hours_end) VALUES (:'org', 'Australia/Sydney', 21, 8);
INSERT INTO sms_templates (org_id, template_key, body) VALUES
  (:'org', 'booking_confirmation', 'Hi {{client_name}}, your session is confirmed for {{session_datetime}}. Reply STOP to opt out.'),
  (:'org', 'session_reminder', 'Hi {{client_name}}, see you on {{session_datetime}} at {{location}}. {{coach_name}}'),
  (:'org', 'feedback_request', 'Hi {{client_name}}, how was your session? {{coach_name}}');
SELECT sms_attach_bookings() AS bookings_ahead;

-- The first day, and its texts as a view.
SELECT current_date AS day \gset
CREATE VIEW texts AS
  SELECT c.full_name AS client, t.type, t.status, t.explanation
    FROM bookings b JOIN clients c ON c.id = b.client_id, sms_explain(b.id) t
   ORDER BY c.full_name, t.due_at;
CREATE FUNCTION at(day date, clock time) RETURNS timestamptz STABLE LANGUAGE sql AS $$ SELECT day + clock $$;

\echo '== Monday 09:00. Ann books Thursday 10:00, Ben books Wednesday 14:00: both are confirmed at once'
SELECT at(:'day', '09:00') AS clock \gset
\set moved `${MOVE_CLOCK:-true} :'clock'`
INSERT INTO bookings VALUES
  (:'ann', :'org', :'ann', at(date :'day' + 3, '10:00'), at(date :'day' + 3, '11:00')),
  (:'ben', :'org', :'ben', at(date :'day' + 2, '14:00'), at(date :'day' + 2, '15:00'));
\set moved `${MOVE_CLOCK:-true} :'clock'`
SELECT * FROM texts WHERE client IN ('Ann Lee', 'Ben Ito');

\echo '== Monday 22:00. Cid books Friday 18:00, in quiet hours: the confirmation waits'
SELECT at(:'day', '22:00') AS clock \gset
\set moved `${MOVE_CLOCK:-true} :'clock'`
INSERT INTO bookings VALUES (:'cid', :'org', :'cid', at(date :'day' + 4, '18:00'), at(date :'day' + 4, '19:00'));
\set moved `${MOVE_CLOCK:-true} :'clock'`
SELECT * FROM texts WHERE client = 'Cid Roy';

\echo '== Tuesday 08:10. It has gone. Ann''s session is moved to Friday 11:00: its reminder moves too'
SELECT at(date :'day' + 1, '08:10') AS clock \gset
\set moved `${MOVE_CLOCK:-true} :'clock'`
UPDATE bookings SET start_time = at(date :'day' + 4, '11:00'), end_time = at(date :'day' + 4, '12:00') WHERE id = :'ann';
SELECT * FROM texts WHERE client IN ('Ann Lee', 'Cid Roy');

\echo '== Tuesday 14:01. Ben is reminded, 24 hours before'
SELECT at(date :'day' + 1, '14:01') AS clock \gset
\set moved `${MOVE_CLOCK:-true} :'clock'`
SELECT * FROM texts WHERE client = 'Ben Ito';

\echo '== Wednesday 09:00. Ben cancels: no more texts'
SELECT at(date :'day' + 2, '09:00') AS clock \gset
\set moved `${MOVE_CLOCK:-true} :'clock'`
UPDATE bookings SET status = 'cancelled' WHERE id = :'ben';
SELECT * FROM texts WHERE client = 'Ben Ito';

\echo '== Thursday 11:01. Ann is reminded of the new time'
SELECT at(date :'day' + 3, '11:01') AS clock \gset
\set moved `${MOVE_CLOCK:-true} :'clock'`
SELECT * FROM texts WHERE client = 'Ann Lee';

\echo '== Thursday 12:00. Cid asks by phone for no more texts: the reminder at 18:00 is skipped'
SELECT at(date :'day' + 3, '12:00') AS clock \gset
\set moved `${MOVE_CLOCK:-true} :'clock'`
SELECT sms_opt_out(:'org', '0491 570 157', notes => 'asked by phone') IS NOT NULL AS opted_out;
SELECT at(date :'day' + 3, '18:01') AS clock \gset
\set moved `${MOVE_CLOCK:-true} :'clock'`
SELECT * FROM texts WHERE client = 'Cid Roy';

\echo '== Friday 14:01. Ann''s session is over and completed: two hours after it she is asked'
SELECT at(date :'day' + 4, '12:05') AS clock \gset
\set moved `${MOVE_CLOCK:-true} :'clock'`
UPDATE bookings SET status = 'completed' WHERE id = :'ann';
SELECT at(date :'day' + 4, '14:01') AS clock \gset
\set moved `${MOVE_CLOCK:-true} :'clock'`
SELECT * FROM texts WHERE client = 'Ann Lee';

\echo '== The week'
SELECT to_char(delivered_at, 'Dy HH24:MI') AS delivered, to_phone, status, body FROM sms_messages ORDER BY id;
