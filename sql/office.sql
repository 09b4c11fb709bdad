-- The views of a coach's office: their rows, their words, and their readers.
\i sql/include/extension.sql
\set a '''aaaaaaaa-0000-4000-8000-00000000000a'''
\set b '''bbbbbbbb-0000-4000-8000-00000000000b'''
\set ann '''20000000-0000-4000-8000-000000000001'''
\set cat '''20000000-0000-4000-8000-000000000003'''
\set bob '''20000000-0000-4000-8000-000000000002'''

-- The application: its clients and bookings, its members, and the roles that read.
CREATE ROLE regress_app;
CREATE ROLE regress_people;
CREATE ROLE regress_people_who_watch;
CREATE ROLE regress_backend;
CREATE ROLE regress_watch;
CREATE ROLE regress_people_who_operate;
SELECT sms_grant_tenant('regress_people'), sms_grant_service('regress_backend'), sms_grant_monitor('regress_watch'),
       sms_grant_tenant('regress_people_who_watch'), sms_grant_monitor('regress_people_who_watch'),
       sms_grant_tenant('regress_people_who_operate'), sms_grant_operator('regress_people_who_operate');
CREATE FUNCTION public.my_orgs() RETURNS uuid[] LANGUAGE sql STABLE AS $$ SELECT ARRAY[current_setting('test.org', true)::uuid] $$;
SET coach_sms.tenancy_function = 'public.my_orgs()';
SET test.org = :a;
GRANT CREATE ON SCHEMA public TO regress_app;
SET ROLE regress_app;
CREATE TABLE public.orgs (id uuid PRIMARY KEY, name text);
CREATE TABLE public.clients (id uuid PRIMARY KEY, org_id uuid, full_name text, phone text);
CREATE TABLE public.bookings (id uuid PRIMARY KEY, org_id uuid, client_id uuid, start_time timestamptz, end_time timestamptz, status text, location_details text);
INSERT INTO orgs VALUES (:a, 'Coach Kim'), (:b, 'Coach Lou');
INSERT INTO clients VALUES (:ann, :a, 'Ann Lee', '0491 570 006'), (:bob, :a, 'Bob <b>Ray</b>', '0491 570 156'), (:cat, :a, 'Cat', '0491 570 110');
RESET ROLE;
INSERT INTO sms_settings (org_id, timezone, quiet_hours_start, quiet_hours_end, max_sms_per_client_per_day, twilio_account_sid, twilio_phone_number, price_per_segment, currency)
  VALUES (:a, 'Australia/Brisbane', 0, 0, NULL, 'AC' || repeat('a', 32), '+61491570157', 0.05, 'AUD'),
         (:b, 'Pacific/Kiritimati', 0, 0, NULL, 'AC' || repeat('a', 32), '+61491570157', NULL, NULL);
INSERT INTO sms_templates (org_id, template_key, body) SELECT o, k, 'Hi {{client_name}}'
  FROM unnest(ARRAY[:a, :b]::uuid[]) o, unnest('{booking_confirmation,session_reminder,feedback_request}'::text[]) k;

-- Messages of a: due now (1), in two days (2), in nine days (3), delivered today (4), failed today (5), expired the day
-- before yesterday (6), delivered then (7), taken back by the office (8), stopped by an opt-out (9). One of b (a).
CREATE FUNCTION message(n text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('a0000000-0000-7000-8000-00000000000' || n)::uuid $$;
INSERT INTO sms_messages (id, org_id, client_id, to_phone, body, scheduled_for)
  SELECT message(n::text), :a, CASE WHEN n = 5 THEN :bob ELSE :ann END::uuid, CASE n WHEN 5 THEN '+61491570156' WHEN 6 THEN '+61491570110' ELSE '+61491570006' END, 'Text ' || n,
         now() + CASE n WHEN 2 THEN interval '2 days' WHEN 3 THEN '9 days' ELSE '0' END
    FROM generate_series(1, 9) n;
INSERT INTO sms_messages (id, org_id, client_id, to_phone, body) VALUES (message('a'), :b, :ann, '+61491570006', 'Text of b');
SET ROLE coach_sms_owner;
UPDATE sms_messages SET status = 'sending', attempt_count = 1 WHERE id BETWEEN message('4') AND message('7');
UPDATE sms_messages SET status = 'delivered', sent_at = now(), delivered_at = now(), provider_message_id = 'SM4' WHERE id = message('4');
UPDATE sms_messages SET status = 'failed', failed_at = now(), error_code = '21211', error_message = 'no such <number>' WHERE id = message('5');
UPDATE sms_messages SET status = 'cancelled', error_code = 'expired', error_message = 'it expired' WHERE id = message('6');
UPDATE sms_messages SET status = 'delivered', sent_at = now() - interval '2 days', delivered_at = now(), created_at = now() - interval '3 days', provider_message_id = 'SM7' WHERE id = message('7');
UPDATE sms_messages SET status = 'cancelled', error_code = 'cancelled_by_user', error_message = 'rain' WHERE id = message('8');
UPDATE sms_messages SET status = 'cancelled', error_code = 'opted_out', error_message = 'suppressed' WHERE id = message('9');
ALTER TABLE sms_messages DISABLE TRIGGER USER;
UPDATE sms_messages SET created_at = now() - interval '3 days', updated_at = now() - interval '2 days' WHERE id = message('6');
ALTER TABLE sms_messages ENABLE TRIGGER USER;
DELETE FROM coach_sms_internal.sms_queue WHERE message_id BETWEEN message('4') AND message('9');
-- An attempt of today finds a message that was enqueued before.
UPDATE sms_messages SET created_at = now() - interval '3 days' WHERE id = message('4');
INSERT INTO sms_attempts (message_id, attempt_number, provider_message_id, status, org_id, client_key, segments)
  VALUES (message('4'), 1, 'SM4', 'success', :a, :ann, 1);
-- Texts from people: before and after the latest message of the org, from a stranger, and of b.
INSERT INTO sms_events (org_id, provider_message_id, event_type, event_status, event_payload, dedupe_key, received_at, processed_at)
  VALUES (:a, 'SMa', 'inbound', NULL, '{"From": "+61491570006", "To": "+61491570157", "Body": "Can we move it?"}', 'a', now() - interval '1 day', now()),
         (:a, 'SMb', 'inbound', 'YES', '{"From": "+61491570156", "To": "+61491570157", "Body": "Yes"}', 'b', now() + interval '1 s', now()),
         (:a, 'SMc', 'inbound', NULL, '{"From": "+61491570158", "To": "+61491570157", "Body": "<script>alert(1)</script>"}', 'c', now() + interval '2 s', now()),
         (:b, 'SMd', 'inbound', NULL, '{"From": "+61491570006", "To": "+61491570157", "Body": "to b"}', 'd', now() + interval '3 s', now());
INSERT INTO sms_opt_outs (account_sid, sender, phone, source)
  VALUES ('AC' || repeat('a', 32), '+61491570157', '+61491570006', 'twilio'),
         ('AC' || repeat('a', 32), '+61491570157', '+61491570159', 'twilio'),
         ('AC' || repeat('a', 32), '+61491570158', '+61491570156', 'twilio');
RESET ROLE;
SELECT count(sms_opt_out(:a, p, r, s)) FROM (VALUES
  ('+61491570156', 'invalid_number', 'twilio'), ('+61491570158', 'manual', 'office'), ('+61491570737', 'opt_out', 'sms_opt_out'),
  ('+61491570313', 'opt_out', 'twilio')) v (p, r, s);
SELECT sms_opt_out(:b, '+61491570006') IS NOT NULL AS opted_out;

-- What a member of a sees.
SET ROLE regress_people;
SELECT right(message_id::text, 1) AS n, status, held_by, client_name, to_phone, body, error_code, sandbox,
       at_local = to_char(at AT TIME ZONE 'Australia/Brisbane', 'Dy FMDD Mon YYYY, FMHH12:MI AM') AS local FROM sms_today ORDER BY 1;
SELECT right(message_id::text, 1) AS n, status, held_by, label, client_name, to_phone, body, booking_id,
       date_trunc('day', due_at - now()) AS ahead FROM sms_upcoming ORDER BY due_at, 1;
SELECT right(message_id::text, 1) AS n, status, error_code, problem, cure, send_again, sent_again_as, client_name FROM sms_failures ORDER BY 1;
SELECT from_phone, to_phone, body, keyword, is_answered, right(answer_id::text, 1) AS answer, client_name, right(message_id::text, 1) AS message FROM sms_inbox ORDER BY received_at;
SELECT phone, client_name, reason, source, sender, lifted_by, since_local = to_char(since AT TIME ZONE 'Australia/Brisbane', 'Dy FMDD Mon YYYY, FMHH12:MI AM') AS local
  FROM sms_opt_out_list ORDER BY 1, 5 NULLS FIRST;
SELECT template_key, total, delivered, failed, cancelled, waiting, delivery_rate FROM sms_delivery_by_template;
RESET ROLE;

-- Sent again: once, and it says so. Not at all once the number is suppressed.
SELECT sms_opt_out(:a, '+61491570110') IS NOT NULL AS opted_out;
SELECT send_again, sent_again_as FROM sms_failures WHERE message_id = message('6');
SELECT sms_opt_in(:a, '+61491570110') AS opted_in;
SELECT sms_retry(message('6')) AS again \gset
SELECT send_again, sent_again_as = :'again' AS as_that FROM sms_failures WHERE message_id = message('6');

-- A booking's texts that have no message yet, and what would hold them; the number of one client is on the org's list.
SELECT sms_attach_bookings() AS ahead;
SET ROLE regress_app;
INSERT INTO bookings VALUES
  ('30000000-0000-4000-8000-000000000001', :a, :cat, now() + interval '3 days', now() + interval '73 hours', 'confirmed', 'Court 1'),
  ('30000000-0000-4000-8000-000000000002', :a, :bob, now() + interval '4 days', now() + interval '97 hours', 'confirmed', 'Court 2'),
  ('30000000-0000-4000-8000-000000000003', :a, :ann, now() + interval '30 days', now() + interval '721 hours', 'confirmed', 'Court 3'),
  ('30000000-0000-4000-8000-000000000004', :a, :ann, now() + interval '3 days', now() + interval '73 hours', 'cancelled', 'Court 4');
RESET ROLE;
CREATE VIEW planned AS
  SELECT right(booking_id::text, 1) AS booking, status, held_by, label, client_name, to_phone, body IS NULL AS no_text, message_id IS NULL AS no_message,
         date_trunc('hour', due_at - now()) AS ahead FROM sms_upcoming WHERE org_id = :a AND status = 'planned';
SELECT * FROM planned ORDER BY ahead, 1;
SELECT DISTINCT client_name FROM sms_failures WHERE org_id = :a ORDER BY 1;
-- An hour of the day is open: the one in which a text of booking 1 is not due.
UPDATE sms_settings SET quiet_hours_start = (h.hour + 2) % 24, quiet_hours_end = (h.hour + 1) % 24
  FROM (SELECT extract(hour FROM now() AT TIME ZONE 'Australia/Brisbane')::integer) h (hour) WHERE org_id = :a;
SELECT booking, regexp_replace(held_by, 'until .*', 'until <time>') AS held_by, label FROM planned WHERE booking = '1' ORDER BY ahead;
UPDATE sms_settings SET quiet_hours_start = 0, quiet_hours_end = 0, send_feedback_requests = false WHERE org_id = :a;
SELECT label FROM planned WHERE booking = '1' ORDER BY ahead;
UPDATE sms_settings SET send_feedback_requests = true WHERE org_id = :a;
-- Where they cannot be read, the messages are there all the same, without names.
ALTER TABLE clients RENAME COLUMN full_name TO name;
SELECT status, held_by, count(*) FROM sms_upcoming WHERE org_id = :a GROUP BY 1, 2 ORDER BY 1, 2;
SELECT DISTINCT client_name FROM sms_today WHERE org_id = :a;
SET ROLE regress_people;
SELECT held_by FROM sms_upcoming WHERE status = 'unreadable';
RESET ROLE;
ALTER TABLE clients RENAME COLUMN name TO full_name;

-- The forecast: the month to date over the part of it that is over.
SELECT forecast >= cost AS at_least, round(forecast - cost / (extract(epoch FROM now() AT TIME ZONE 'Australia/Brisbane' - month)
       / extract(epoch FROM month + interval '1 month' - month)), 1) AS difference FROM sms_cost WHERE org_id = :a AND NOT sandbox;
SET ROLE coach_sms_owner;
INSERT INTO sms_usage VALUES (:a, '2020-02-01', 'twilio', 'AUD', 10, 10, 0.5, 0);
RESET ROLE;
SELECT cost, forecast FROM sms_cost WHERE org_id = :a AND month = '2020-02-01';

-- Each reader sees its own. A name is read for the reader's orgs only.
SET ROLE regress_backend;
SELECT left(org_id::text, 1) AS org, count(*) FROM sms_today GROUP BY 1 ORDER BY 1;
SELECT left(org_id::text, 1) AS org, count(*) FROM sms_inbox GROUP BY 1 ORDER BY 1;
SELECT phone, lifted_by FROM sms_opt_out_list WHERE org_id = :b;
SET ROLE regress_people_who_watch;
CREATE FUNCTION pg_temp.orgs() RETURNS TABLE (view text, org text) LANGUAGE sql AS $$
  SELECT 'today', left(org_id::text, 1) FROM sms_today UNION SELECT 'upcoming', left(org_id::text, 1) FROM sms_upcoming
  UNION SELECT 'failures', left(org_id::text, 1) FROM sms_failures UNION SELECT 'inbox', left(org_id::text, 1) FROM sms_inbox
  UNION SELECT 'opt_outs', left(org_id::text, 1) FROM sms_opt_out_list
  UNION SELECT 'by_template', left(org_id::text, 1) FROM sms_delivery_by_template ORDER BY 1, 2 $$;
SELECT view, string_agg(org, ', ') AS orgs FROM pg_temp.orgs() GROUP BY 1 ORDER BY 1;
SET ROLE regress_people_who_operate;
SELECT view, string_agg(org, ', ') AS orgs FROM pg_temp.orgs() GROUP BY 1 ORDER BY 1;
SET ROLE regress_people;
SET test.org = :b;
SELECT body, client_name FROM sms_today;
SELECT count(*) FROM sms_failures;
SELECT client_name FROM sms_inbox;
SET ROLE regress_watch;
SELECT count(*) > 0 AS figures FROM sms_delivery_by_template;
SELECT * FROM sms_today;
SELECT * FROM sms_inbox;
RESET ROLE;
-- The functions below the views refuse an org of others, whatever the caller passes.
GRANT USAGE ON SCHEMA coach_sms_internal TO regress_people;
SET ROLE regress_people;
SELECT coach_sms_internal.sms_client_name(:a, :ann) AS name;
SELECT * FROM coach_sms_internal.sms_upcoming_of(:a, 'infinity', 'UTC');
SELECT * FROM coach_sms_internal.sms_unfinished_of(:a, 'infinity', 'UTC');
SELECT * FROM coach_sms_internal.sms_sender_opt_outs_of(:a);
RESET ROLE;

-- A failure that a carrier reports a day later is of today; a failed answer is none; a number's other form is the same
-- person; and an erased person has no number in any view.
SET test.org = :a;
INSERT INTO sms_messages (id, org_id, client_id, to_phone, body) VALUES (message('b'), :a, :ann, '+5215512345678', 'To Mexico');
SET ROLE coach_sms_owner;
ALTER TABLE sms_messages DISABLE TRIGGER USER;
UPDATE sms_messages SET status = 'failed', created_at = now() - interval '1 day', failed_at = now(), error_code = '30003' WHERE id = message('b');
ALTER TABLE sms_messages ENABLE TRIGGER USER;
DELETE FROM coach_sms_internal.sms_queue WHERE message_id = message('b');
INSERT INTO sms_events (org_id, event_type, event_payload, dedupe_key, received_at, processed_at)
  VALUES (:a, 'inbound', '{"From": "+525512345678", "Body": "Gracias"}', 'm', now() - interval '2 days', now());
INSERT INTO sms_opt_outs (account_sid, sender, phone, source) VALUES ('AC' || repeat('a', 32), '+61491570157', '+525512345678', 'twilio');
RESET ROLE;
SET ROLE regress_people;
SELECT status, body FROM sms_today WHERE message_id = message('b');
SELECT is_answered, answer_id FROM sms_inbox WHERE body = 'Gracias';
SELECT phone, client_name FROM sms_opt_out_list WHERE phone LIKE '+52%';
SELECT count(*) > 0 AS erased FROM sms_erase_person(:a, '+5215512345678');
SELECT (SELECT count(*) FROM sms_today WHERE to_phone LIKE '+52%') AS today, (SELECT count(*) FROM sms_failures WHERE to_phone LIKE '+52%' OR send_again) AS failures,
       (SELECT count(*) FROM sms_inbox WHERE from_phone LIKE '+52%') AS inbox, (SELECT count(*) FROM sms_opt_out_list WHERE phone LIKE '+52%') AS opt_outs;
RESET ROLE;
-- Read only, as PostgREST runs a GET.
SET test.org = :a;
SET ROLE regress_people;
BEGIN READ ONLY;
SELECT (SELECT count(*) > 0 FROM sms_today) AS today, (SELECT count(*) > 0 FROM sms_upcoming) AS upcoming, (SELECT count(client_name) > 0 FROM sms_failures) AS failures,
       (SELECT count(*) > 0 FROM sms_inbox) AS inbox, (SELECT count(*) > 0 FROM sms_opt_out_list) AS opt_outs;
COMMIT;
RESET ROLE;
DROP TABLE bookings, clients, orgs CASCADE;
DROP VIEW planned;
DROP FUNCTION message, my_orgs;
DROP OWNED BY regress_app, regress_people, regress_people_who_watch, regress_people_who_operate, regress_backend, regress_watch;
DROP ROLE regress_app, regress_people, regress_people_who_watch, regress_people_who_operate, regress_backend, regress_watch;
