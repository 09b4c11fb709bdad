-- The tables of a small application, one org with a template, and one client: what the examples of this folder need.
-- Run it as a superuser in a database that has coach_sms, for the role that the application connects as:
--   psql -d app -v app_role=coach_app -f doc/examples/tables.sql
\set ON_ERROR_STOP on
BEGIN;

CREATE TABLE clients (id uuid PRIMARY KEY, org_id uuid NOT NULL, full_name text NOT NULL, phone text);
CREATE TABLE bookings (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  org_id uuid NOT NULL,
  client_id uuid NOT NULL REFERENCES clients,
  start_time timestamptz NOT NULL,
  UNIQUE (org_id, start_time) DEFERRABLE INITIALLY DEFERRED  -- one session at a time; checked at COMMIT
);

INSERT INTO clients VALUES
  ('22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111', 'Ann Lee', '0491 570 006');
INSERT INTO sms_settings (org_id, timezone, quiet_hours_start, quiet_hours_end)
  VALUES ('11111111-1111-4111-8111-111111111111', 'Australia/Sydney', NULL, NULL);
INSERT INTO sms_templates (org_id, template_key, body) VALUES
  ('11111111-1111-4111-8111-111111111111', 'booking_confirmation',
   'Hi {{client_name}}, your session is confirmed for {{session_datetime}}. Reply STOP to opt out.');

SELECT sms_grant_service(:'app_role');
GRANT SELECT ON clients TO :"app_role";
GRANT SELECT, INSERT ON bookings TO :"app_role";
COMMIT;
