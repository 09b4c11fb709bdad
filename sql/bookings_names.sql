-- The name that a client is greeted by: the first word of full_name, or a first_name that the mapping names.
\i sql/include/extension.sql
\set org 10000000-0000-4000-8000-000000000001
CREATE SCHEMA names;
CREATE TABLE names.orgs (id uuid PRIMARY KEY, name text);
CREATE TABLE names.people (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid, full_name text, phone text);
CREATE TABLE names.bookings (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid, client_id uuid, start_time timestamptz,
  end_time timestamptz, status text, location_details text);
INSERT INTO names.orgs VALUES (:'org', 'Coach Kim');
INSERT INTO sms_settings (org_id, quiet_hours_start, quiet_hours_end, max_sms_per_client_per_day) VALUES (:'org', 0, 0, NULL);
INSERT INTO sms_templates (org_id, template_key, body) VALUES (:'org', 'booking_confirmation', 'Hi {{client_name}}');
SELECT sms_attach_bookings('names.bookings', 'names.people', 'names.orgs') AS ahead;

CREATE FUNCTION names.greet(person names.people) RETURNS text LANGUAGE sql AS $$
  WITH client AS (INSERT INTO names.people (org_id, full_name, phone) VALUES (person.org_id, person.full_name, person.phone) RETURNING id, org_id)
  INSERT INTO names.bookings (org_id, client_id, start_time, end_time, status)
    SELECT org_id, id, now() + interval '9 days', now() + interval '217 hours', 'confirmed' FROM client;
  SELECT format('%s|%s|%s', body, encoding, segments) FROM sms_messages ORDER BY id DESC LIMIT 1
$$;
SELECT n.full_name, names.greet((NULL, :'org', n.full_name, '+61491570' || 100 + n.ordinality)::names.people)
  FROM unnest(ARRAY[U&'Ann\00A0Lee', U&'\00A0', 'Dr. Maria Silva', 'Lee, Ann', 'Ann Lee, MD', 'Ann,', '']) WITH ORDINALITY n (full_name, ordinality)
 ORDER BY n.ordinality;
SELECT names.greet((NULL, :'org', NULL, '+61491570199')::names.people);

-- A first_name stands in for full_name, which need not be there; it is taken as it is, unless there is none in it.
SELECT sms_detach_bookings() > 0 AS waiting;
ALTER TABLE names.people DROP COLUMN full_name, ADD COLUMN given text, ADD COLUMN family text;
SELECT sms_attach_bookings('names.bookings', 'names.people', 'names.orgs');
SELECT sms_attach_bookings('names.bookings', 'names.people', 'names.orgs', '{"clients": {"first_name": "givn"}}');
SELECT sms_attach_bookings('names.bookings', 'names.people', 'names.orgs', '{"clients": {"first_name": "given"}}') AS ahead;
DROP FUNCTION names.greet;
CREATE FUNCTION names.greet(given text, family text, phone text) RETURNS text LANGUAGE sql AS $$
  WITH client AS (INSERT INTO names.people (org_id, given, family, phone) VALUES ('10000000-0000-4000-8000-000000000001', $1, $2, $3) RETURNING id, org_id)
  INSERT INTO names.bookings (org_id, client_id, start_time, end_time, status)
    SELECT org_id, id, now() + interval '9 days', now() + interval '217 hours', 'confirmed' FROM client;
  SELECT body FROM sms_messages ORDER BY id DESC LIMIT 1
$$;
SELECT names.greet('Mary Ann', 'Lee', '+61491570201'), names.greet('Dr. J', 'Lee', '+61491570202'), names.greet(U&'\00A0', 'Lee', '+61491570203'),
       names.greet(NULL, 'Lee', '+61491570204');
-- A corrected name is news of a text that still waits.
UPDATE names.people SET given = 'Maryann' WHERE phone = '+61491570201';
SELECT body, status FROM sms_messages WHERE to_phone = '+61491570201' ORDER BY id;
-- Both named: first_name first, full_name where it is empty.
SELECT sms_attach_bookings('names.bookings', 'names.people', 'names.orgs', '{"clients": {"first_name": "given", "full_name": "family"}}') > 0 AS ahead;
SELECT names.greet('Mary Ann', 'Lee', '+61491570205'), names.greet('', 'Kim Lee', '+61491570206');
SELECT check_name, ok FROM sms_doctor() WHERE check_name LIKE 'bookings%';
SELECT sms_detach_bookings() > 0 AS waiting;
DROP EXTENSION coach_sms;
DROP SCHEMA names CASCADE;
