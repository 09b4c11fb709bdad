-- Tables and columns of other names, among them such that mean something else where they are not quoted: texts are made, moved,
-- marked and cancelled through them as through the guide's.
\i sql/include/extension.sql
CREATE ROLE regress_app;
CREATE SCHEMA "the ""app"";" AUTHORIZATION regress_app;
\set org 10000000-0000-4000-8000-000000000001
\set ann 20000000-0000-4000-8000-000000000001
SET ROLE regress_app;
SET search_path = "the ""app"";";
CREATE TABLE "o'rgs" ("select" uuid PRIMARY KEY, "na""me'" text);
CREATE TABLE "cli ents" (person uuid PRIMARY KEY, "$1" uuid, "FULL NAME" text, "phone')); --" text);
CREATE TABLE "b%Ik" (
  "ID" uuid PRIMARY KEY, "org%I" uuid, "who'" uuid, "start""time'); DROP TABLE b" timestamptz, "end $$" timestamptz, "wo;rd" text, "pl\ace" text,
  "re'minded" boolean, "fed""back" boolean);
INSERT INTO "o'rgs" VALUES (:'org', 'Coach Kim');
INSERT INTO "cli ents" VALUES (:'ann', :'org', 'Ann Lee', '07700 900 123');
RESET ROLE;
RESET search_path;
-- The org's own region reads its numbers.
INSERT INTO sms_settings (org_id, timezone, default_region, quiet_hours_start, quiet_hours_end, max_sms_per_client_per_day) VALUES (:'org', 'Europe/London', 'GB', 0, 0, NULL);
INSERT INTO sms_templates (org_id, template_key, body) VALUES
  (:'org', 'booking_confirmation', '{{client_name}} {{coach_name}} {{location}}'), (:'org', 'session_reminder', 'Reminder {{location}}'),
  (:'org', 'feedback_request', 'Feedback, {{client_name}}');
SELECT sms_attach_bookings('"the ""app"";"."b%Ik"', '"the ""app"";"."cli ents"', '"the ""app"";"."o''rgs"', $m$
  {"bookings": {"id": "ID", "org_id": "org%I", "client_id": "who'", "start_time": "start\"time'); DROP TABLE b", "end_time": "end $$",
                "status": "wo;rd", "location_details": "pl\\ace", "reminder_sent": "re'minded", "feedback_sent": "fed\"back"},
   "clients": {"id": "person", "org_id": "$1", "full_name": "FULL NAME", "phone": "phone')); --"},
   "orgs": {"id": "select", "name": "na\"me'"},
   "status": {"confirmed": ["fi'xed"], "completed": ["do\"ne"]}}$m$) AS ahead;
UPDATE sms_bookings_source SET attached_at = now() - interval '7 days';
SELECT check_name, ok FROM sms_doctor() WHERE check_name LIKE 'bookings%';
CREATE VIEW texts AS
  SELECT right(t.booking_id::text, 1)::integer AS n, t.type, t.reason, t.detail, m.to_phone, m.body, m.status, m.error_code
    FROM sms_booking_texts t LEFT JOIN sms_messages m ON m.id = t.message_id ORDER BY 1, 2;
CREATE FUNCTION booking(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('30000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;

SET ROLE regress_app;
INSERT INTO "the ""app"";"."b%Ik" VALUES (booking(1), :'org', :'ann', now() + interval '3 days', now() + interval '73 hours', 'fi''xed', 'Court 1');
SELECT booking(1) AS one \gset
UPDATE "the ""app"";"."b%Ik" SET "pl\ace" = 'Court 2' WHERE "ID" = :'one';
RESET ROLE;
TABLE texts;
SELECT m.expires_at = b."start""time'); DROP TABLE b" AS until_the_start, m.client_id = b."who'" AS client
  FROM sms_messages m JOIN "the ""app"";"."b%Ik" b ON b."ID" = m.related_entity_id WHERE m.status = 'queued';
UPDATE "the ""app"";"."cli ents" SET "FULL NAME" = 'Anna Lee', "phone')); --" = '+44 7700 900 124';
UPDATE "the ""app"";"."o'rgs" SET "na""me'" = 'Coach Jo';
TABLE texts;
-- Its reminder, by the pass, which marks the row.
ALTER TABLE sms_messages DISABLE TRIGGER sms_message_guard;
UPDATE sms_messages SET status = 'sent', created_at = created_at - interval '2 days' WHERE status = 'queued';
DELETE FROM coach_sms_internal.sms_queue;
SET session_replication_role = replica;
UPDATE "the ""app"";"."b%Ik" SET "start""time'); DROP TABLE b" = now() + interval '20 hours';
RESET session_replication_role;
UPDATE sms_booking_texts SET session_start = (SELECT "start""time'); DROP TABLE b" FROM "the ""app"";"."b%Ik");
SELECT reminders, skipped FROM sms_schedule_reminders();
SELECT n, type, body, status, reason FROM texts WHERE type = 'reminder';
SELECT "re'minded", "fed""back" FROM "the ""app"";"."b%Ik";
SELECT n, reason FROM (SELECT right(t.booking_id::text, 1) AS n, r.reason FROM coach_sms_internal.sms_recheck_bookings(ARRAY(SELECT id FROM sms_messages)) r JOIN sms_booking_texts t USING (message_id)) r;
-- A client who has had what they may get in a day.
UPDATE sms_settings SET max_sms_per_client_per_day = 1;
INSERT INTO "the ""app"";"."b%Ik" VALUES (booking(2), :'org', :'ann', now() + interval '3 days', now() + interval '73 hours', 'fi''xed', 'Court 1');
SELECT n, type, reason, detail FROM texts WHERE n = 2;
SELECT regexp_replace(explanation, ' until .*', ' until …') AS explanation FROM sms_explain(booking(2)) WHERE type = 'confirmation';
UPDATE sms_settings SET max_sms_per_client_per_day = 2;
SELECT skipped FROM sms_schedule_reminders();
SELECT n, type, reason, body FROM texts WHERE n = 2;
-- Done, and feedback is asked for; gone, and it is not.
SET ROLE regress_app;
UPDATE "the ""app"";"."b%Ik" SET "wo;rd" = 'do"ne', "start""time'); DROP TABLE b" = now() - interval '4 hours', "end $$" = now() - interval '3 hours' WHERE "ID" = :'one';
RESET ROLE;
SELECT n, type, body, reason, detail FROM texts WHERE type = 'feedback';
SELECT "re'minded", "fed""back" FROM "the ""app"";"."b%Ik";
DELETE FROM "the ""app"";"."b%Ik";
SELECT n, type, status, error_code FROM texts;
SELECT sms_detach_bookings() AS waiting;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'coach_sms%';

DROP VIEW texts;
DROP FUNCTION booking(integer);
DROP EXTENSION coach_sms;
SET client_min_messages = error;
DROP OWNED BY regress_app CASCADE;
DROP ROLE regress_app;
