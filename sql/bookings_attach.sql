-- sms_attach_bookings: what it asks of the tables, what it does to them, and that none of it is done twice.
\i sql/include/extension.sql
CREATE ROLE regress_app;
CREATE SCHEMA app AUTHORIZATION regress_app;
SET ROLE regress_app;
CREATE TABLE app.orgs (id uuid PRIMARY KEY, name text);
CREATE TABLE app.clients (id uuid PRIMARY KEY, org_id uuid, full_name varchar(80), phone text);
CREATE TYPE app.state AS ENUM ('draft', 'booked', 'done', 'cancelled');
CREATE TABLE app.sessions (id uuid PRIMARY KEY, org_id uuid, person uuid, starts timestamptz, ends timestamptz, state app.state, place text);
RESET ROLE;

-- The guide's tables are looked for in public.
SELECT sms_attach_bookings();
\echo :SQLSTATE
-- Columns of other names have to be named.
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs');
\set columns '"bookings": {"client_id": "person", "start_time": "starts", "end_time": "ends", "status": "state", "location_details": "place"}'
-- Words that the status never has.
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', ('{' || :'columns' || '}')::jsonb);

-- A mapping that cannot be meant.
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', '[]');
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', '{"booking": {}}');
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', '{"bookings": {"starts": "start_time"}}');
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', '{"bookings": {"start_time": 7}}');
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', '{"status": {"confirmed": "booked"}}');
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', '{"status": {"cancelled": ["cancelled"]}}');

-- Types: a column that is none of the kind, and times that are in no zone.
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', '{"bookings": {"client_id": "place"}}');
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs',
         '{"bookings": {"client_id": "person", "start_time": "starts", "end_time": "ends", "status": "starts", "location_details": "place"}}');
ALTER TABLE app.sessions ALTER COLUMN ends TYPE timestamp;
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', ('{' || :'columns' || '}')::jsonb);
ALTER TABLE app.sessions ALTER COLUMN ends TYPE timestamptz;

-- The owner of the bookings must be able to read the others: nobody else's rights are used.
ALTER TABLE app.clients OWNER TO CURRENT_USER;
\set words '"status": {"confirmed": ["booked"], "completed": ["done"]}'
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', ('{' || :'columns' || ',' || :'words' || '}')::jsonb);
GRANT SELECT ON app.clients TO regress_app;

-- Nothing of all that has left a trace.
SELECT count(*) AS attached FROM sms_bookings_source;
SELECT count(*) AS added FROM pg_attribute WHERE attrelid = 'app.sessions'::regclass AND attname LIKE '%\_sent' AND NOT attisdropped;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'coach_sms%';

-- Now it is right, twice. History is not texted: neither what is ahead nor what is over.
INSERT INTO app.orgs VALUES ('10000000-0000-4000-8000-000000000001', 'Ann''s Gym');
INSERT INTO app.clients VALUES ('20000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', 'Ben Lee', '0491 570 006');
INSERT INTO sms_settings (org_id) VALUES ('10000000-0000-4000-8000-000000000001');
INSERT INTO app.sessions VALUES
  ('30000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', now() + '2 days', now() + '49 hours', 'booked', 'Court 1'),
  ('30000000-0000-4000-8000-000000000002', '10000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', now() - interval '3 hours', now() - interval '2 hours', 'done', 'Court 1'),
  ('30000000-0000-4000-8000-000000000003', '10000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', now() + '2 days', now() + '49 hours', 'draft', 'Court 1');
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', ('{' || :'columns' || ',' || :'words' || '}')::jsonb) AS ahead;
SELECT attached_at AS first_time FROM sms_bookings_source \gset
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', ('{' || :'columns' || ',' || :'words' || '}')::jsonb) AS ahead;
SELECT bookings, clients, orgs, mapping->'bookings'->>'start_time' AS starts, attached_at = :'first_time' AS same_time FROM sms_bookings_source;
SELECT attname, format_type(atttypid, NULL), atthasdef FROM pg_attribute WHERE attrelid = 'app.sessions'::regclass AND attname LIKE '%\_sent' ORDER BY 1;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE 'coach_sms%' ORDER BY 1, 2;
SELECT right(booking_id::text, 1) AS booking, type, reason, message_id IS NOT NULL AS made FROM sms_booking_texts;
SELECT * FROM sms_schedule_reminders();
SELECT count(*) FROM sms_messages;
SELECT check_name, ok FROM sms_doctor() WHERE check_name LIKE 'bookings%';

-- Another mapping takes the place of the first.
SELECT sms_attach_bookings('app.sessions', 'app.clients', 'app.orgs', ('{' || :'columns' || ', "status": {"confirmed": ["booked", "draft"], "completed": ["done"]}}')::jsonb) AS ahead;
SELECT attached_at = :'first_time' AS same_time FROM sms_bookings_source;
SELECT right(booking_id::text, 1) AS booking, type, reason FROM sms_booking_texts ORDER BY 1;

-- Partitioned tables too.
SELECT sms_detach_bookings() AS waiting;
SELECT count(*) AS attached FROM sms_bookings_source;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'coach_sms%';
CREATE TABLE app.parts (id uuid, org_id uuid, client_id uuid, start_time timestamptz, end_time timestamptz, status text, location_details text) PARTITION BY HASH (id);
CREATE TABLE app.parts_0 PARTITION OF app.parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE app.parts OWNER TO regress_app;
SELECT sms_attach_bookings('app.parts', 'app.clients', 'app.orgs') AS ahead;
INSERT INTO sms_templates (org_id, template_key, body) VALUES ('10000000-0000-4000-8000-000000000001', 'booking_confirmation', 'Booked: {{location}}');
INSERT INTO app.parts SELECT format('30000000-0000-4000-8000-00000000001%s', n)::uuid, '10000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001',
  now() + '2 days', now() + '49 hours', 'confirmed', 'Court ' || n FROM generate_series(1, 3) n;
SELECT body, status FROM sms_messages ORDER BY 1;
SELECT sms_attach_bookings('app.parts', 'app.clients', 'app.orgs') AS ahead;
SELECT sms_detach_bookings() AS waiting;
SELECT count(*) AS triggers FROM pg_trigger WHERE tgname LIKE 'coach_sms%';

-- Policies that would hide rows from the owner: what cannot be seen would look cancelled. Superusers and BYPASSRLS see all.
ALTER TABLE app.clients ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.clients FORCE ROW LEVEL SECURITY;
ALTER TABLE app.parts OWNER TO regress_app;
ALTER TABLE app.clients OWNER TO regress_app;
GRANT USAGE ON SCHEMA app TO regress_app;
GRANT SELECT ON app.orgs TO regress_app;
SELECT sms_attach_bookings('app.parts', 'app.clients', 'app.orgs') AS ahead;
ALTER TABLE app.clients NO FORCE ROW LEVEL SECURITY;
SELECT sms_attach_bookings('app.parts', 'app.clients', 'app.orgs') AS ahead;
ALTER TABLE app.clients FORCE ROW LEVEL SECURITY;
SELECT problem FROM sms_doctor() WHERE check_name = 'bookings';
ALTER TABLE app.clients DISABLE ROW LEVEL SECURITY;

-- A lesser role's view has code that its reader would run.
CREATE ROLE regress_crm;
CREATE VIEW app.crm_clients AS SELECT * FROM app.clients;
ALTER VIEW app.crm_clients OWNER TO regress_crm;
GRANT SELECT ON app.clients TO regress_crm;
GRANT SELECT ON app.crm_clients TO regress_app;
SELECT sms_attach_bookings('app.parts', 'app.crm_clients', 'app.orgs') AS ahead;
ALTER VIEW app.crm_clients OWNER TO regress_app;
SELECT sms_attach_bookings('app.parts', 'app.crm_clients', 'app.orgs') AS ahead;
ALTER VIEW app.crm_clients OWNER TO regress_crm;
SELECT problem FROM sms_doctor() WHERE check_name = 'bookings';
SELECT sms_detach_bookings() AS waiting;
DROP VIEW app.crm_clients;
DROP OWNED BY regress_crm;
DROP ROLE regress_crm;
ALTER TABLE app.parts OWNER TO CURRENT_USER;
ALTER TABLE app.clients OWNER TO CURRENT_USER;

-- Nobody but a superuser.
SELECT sms_grant_service('regress_app');
SET ROLE regress_app;
SELECT sms_attach_bookings('app.sessions');
SELECT sms_detach_bookings();
INSERT INTO sms_bookings_source (bookings, clients, orgs, mapping) VALUES ('pg_authid', 'pg_authid', 'pg_authid', '{}');
RESET ROLE;
SET ROLE coach_sms_owner;
INSERT INTO sms_bookings_source (bookings, clients, orgs, mapping) VALUES ('pg_authid', 'pg_authid', 'pg_authid', '{}');
RESET ROLE;

-- A table that is dropped takes its triggers along; what is left says so.
SELECT sms_attach_bookings('app.parts', 'app.clients', 'app.orgs') AS ahead;
DROP TABLE app.parts;
SELECT sms_schedule_reminders();
SELECT problem FROM sms_doctor() WHERE check_name = 'bookings';
SELECT sms_detach_bookings() AS waiting;
DROP EXTENSION coach_sms;
DROP SCHEMA app CASCADE;
DROP OWNED BY regress_app;
DROP ROLE regress_app;
