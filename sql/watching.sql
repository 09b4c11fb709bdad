-- What the views, sms_doctor() and sms_why() say: columns that time, pids and paths do not change.
\set VERBOSITY terse
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\i sql/include/extension.sql
DO $$ BEGIN PERFORM sms_create_key(current_setting('coach_sms.key_file')); EXCEPTION WHEN SQLSTATE 'SM013' THEN NULL; END $$;

-- Nothing has happened yet, and no sender runs in these tests.
SELECT * FROM sms_queue_stat;
SELECT * FROM sms_delivery_stats;
SELECT * FROM sms_worker_stat;
SELECT mode, sender_pid, library_version = extension_version AS same, waiting, due, oldest_due_seconds, in_flight, unknown,
       unprocessed_events, failed_last_hour, ok, problem FROM sms_health;
SELECT check_name, level, ok, problem IS NOT NULL AS has_problem FROM sms_doctor();
SELECT DISTINCT check_name FROM sms_doctor() WHERE ok <> (level IN ('ok', 'note')) OR (level = 'ok') <> (problem IS NULL) OR level NOT IN ('ok', 'note', 'warning', 'error');

-- One org that may send, one that is paused, one disabled with what it takes missing or malformed.
INSERT INTO sms_settings (org_id, twilio_account_sid, twilio_auth_token_encrypted, twilio_phone_number) VALUES
  ('a0000000-0000-4000-8000-000000000001', 'ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'token-of-a', '+61491570156'),
  ('b0000000-0000-4000-8000-000000000002', 'ACxxx', NULL, '+61491570157');
INSERT INTO sms_settings (org_id, enabled, twilio_phone_number) VALUES ('c0000000-0000-4000-8000-000000000003', false, '+61491570158');
UPDATE sms_settings SET max_sms_per_client_per_day = NULL, quiet_hours_start = NULL;   -- no limits, no quiet hours
UPDATE sms_settings SET paused_until = 'infinity' WHERE org_id = 'b0000000-0000-4000-8000-000000000002';
INSERT INTO sms_messages (id, org_id, to_phone, body, scheduled_for)
  SELECT format('a0000000-0000-7000-8000-00000000000%s', n)::uuid, 'a0000000-0000-4000-8000-000000000001', '+61491570006', 'Hello ' || n,
         CASE WHEN n = 2 THEN now() + interval '1 day' ELSE now() END
    FROM generate_series(1, 9) n;
INSERT INTO sms_messages (id, org_id, to_phone, body) VALUES
  ('b0000000-0000-7000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002', '+61491570006', 'Hello of b');

-- 1 is due, 2 has its time, 3 is sending, 4 sent, 5 delivered, 6 failed long ago, 7 failed now, 8 unknown, 9 cancelled.
SET ROLE coach_sms_owner;
UPDATE sms_messages SET status = 'sending', attempt_count = 1 WHERE right(id::text, 1) IN ('3', '8') AND id < 'b0000000-0000-7000-8000-000000000001';
UPDATE sms_messages SET status = 'sent', sent_at = now() - interval '2 hours', provider_message_id = 'SM4', price = 0.05, price_unit = 'AUD' WHERE id = 'a0000000-0000-7000-8000-000000000004';
UPDATE sms_messages SET status = 'delivered', sent_at = now() - interval '2 hours', delivered_at = now(), price = 0.05, price_unit = 'AUD' WHERE id = 'a0000000-0000-7000-8000-000000000005';
UPDATE sms_messages SET status = 'failed', failed_at = now() - interval '2 hours', error_code = '21211', error_message = 'no such number' WHERE id = 'a0000000-0000-7000-8000-000000000006';
UPDATE sms_messages SET status = 'failed', failed_at = now(), error_code = '30003', error_message = 'unreachable' WHERE id = 'a0000000-0000-7000-8000-000000000007';
UPDATE sms_messages SET status = 'unknown', error_code = 'unanswered', error_message = 'no answer' WHERE id = 'a0000000-0000-7000-8000-000000000008';
UPDATE sms_messages SET status = 'cancelled', error_code = 'cancelled_by_user', error_message = 'rain' WHERE id = 'a0000000-0000-7000-8000-000000000009';
DELETE FROM coach_sms_internal.sms_queue WHERE message_id BETWEEN 'a0000000-0000-7000-8000-000000000003' AND 'a0000000-0000-7000-8000-000000000009';
INSERT INTO coach_sms_internal.sms_in_flight (message_id, org_id, fence, state, attempt_number, failures, priority, claimed_at, lease_until, client_key, segments, settlement, next_look_at)
  VALUES ('a0000000-0000-7000-8000-000000000003', 'a0000000-0000-4000-8000-000000000001', 1, 'leased', 1, 0, 0, now(), now(), '+61491570006', 1, NULL, NULL),
         ('a0000000-0000-7000-8000-000000000008', 'a0000000-0000-4000-8000-000000000001', 2, 'unknown', 1, 0, 0, now() - interval '1 day', now() - interval '1 day', '+61491570006', 1,
          '{"error_code": "unanswered", "error_message": "no answer"}', 'infinity');
INSERT INTO sms_attempts (message_id, attempt_number, provider_message_id, status, org_id, client_key, segments, response_status, duration_ms, error_code, error_message, created_at)
  VALUES ('a0000000-0000-7000-8000-000000000005', 1, NULL, 'transient_error', 'a0000000-0000-4000-8000-000000000001', '+61491570006', 1, 429, 12, '20429', 'too many requests', now() + interval '1 s'),
         ('a0000000-0000-7000-8000-000000000005', 2, 'SM5', 'success', 'a0000000-0000-4000-8000-000000000001', '+61491570006', 1, 201, 34, NULL, NULL, now() + interval '2 s'),
         ('a0000000-0000-7000-8000-000000000006', 1, NULL, 'permanent_error', 'a0000000-0000-4000-8000-000000000001', '+61491570006', 1, 400, 56, '21211', 'no such number', now()),
         ('a0000000-0000-7000-8000-000000000007', 1, NULL, 'unknown', 'a0000000-0000-4000-8000-000000000001', '+61491570006', 1, NULL, 78, 'unanswered', 'no answer', now());
INSERT INTO sms_events (message_id, org_id, provider_message_id, event_type, event_status, dedupe_key, received_at, processed_at)
  VALUES ('a0000000-0000-7000-8000-000000000005', 'a0000000-0000-4000-8000-000000000001', 'SM5', 'status', 'delivered', 'SM5:delivered', now() + interval '3 s', now()),
         (NULL, NULL, 'SM0', 'status', 'sent', 'SM0:sent', now(), NULL);
RESET ROLE;

SELECT left(org_id::text, 1) AS org, may_send, waiting, due, oldest_due_age >= interval '0' AS age, in_flight, unknown, next_due_at <= now() AS is_due FROM sms_queue_stat ORDER BY 1;
INSERT INTO sms_attempts (message_id, attempt_number, provider, provider_message_id, status, org_id, client_key, segments)
  VALUES ('b0000000-0000-7000-8000-000000000001', 1, 'sandbox', 'SM6', 'success', 'b0000000-0000-4000-8000-000000000002', '+61491570006', 2);
SELECT left(org_id::text, 1) AS org, sandbox, messages, segments, cost, note FROM sms_cost ORDER BY 1;
DELETE FROM sms_attempts WHERE provider = 'sandbox';
SELECT left(org_id::text, 1) AS org, sandbox, total, sent, delivered, failed, cancelled, unknown, waiting, delivery_rate, segments, price, price_unit
  FROM sms_delivery_stats ORDER BY 1;
-- A day is the org's, whatever the session's zone is: Kiritimati is 25 hours ahead of Niue.
BEGIN;
UPDATE sms_settings SET timezone = CASE left(org_id::text, 1) WHEN 'a' THEN 'Pacific/Kiritimati' ELSE 'Pacific/Niue' END;
SELECT (SELECT max(day) FROM sms_delivery_stats WHERE org_id::text LIKE 'a%') > (SELECT max(day) FROM sms_delivery_stats WHERE org_id::text LIKE 'b%') AS by_zone;
ROLLBACK;
SELECT waiting, due, in_flight, unknown, unprocessed_events, failed_last_hour FROM sms_health;

-- What is wrong, in the sandbox and live.
SELECT check_name, level, ok, problem FROM sms_doctor() WHERE check_name IN ('sender', 'accounts', 'senders', 'sids', 'own_tokens', 'tokens', 'queue', 'queue_orphans', 'unknown');
SET ROLE coach_sms_owner;
DELETE FROM coach_sms_internal.sms_queue WHERE message_id = 'a0000000-0000-7000-8000-000000000001';
INSERT INTO coach_sms_internal.sms_queue (message_id, org_id, priority, due_at) VALUES ('f0000000-0000-7000-8000-00000000000f', 'a0000000-0000-4000-8000-000000000001', 0, 'infinity');
RESET ROLE;
ALTER FUNCTION sms_why(uuid) OWNER TO CURRENT_USER;
ALTER ROLE coach_sms_owner CREATEDB;
SELECT check_name, level, ok, problem, what_to_do FROM sms_doctor() WHERE check_name IN ('queue', 'queue_orphans', 'ownership', 'owner_role');
SELECT detail FROM sms_why('a0000000-0000-7000-8000-000000000001') WHERE what LIKE 'now%';
ALTER ROLE coach_sms_owner NOCREATEDB;
ALTER FUNCTION sms_why(uuid) OWNER TO coach_sms_owner;
DELETE FROM coach_sms_internal.sms_queue WHERE message_id = 'f0000000-0000-7000-8000-00000000000f';
SELECT sms_go_sandbox();
SELECT check_name, level, ok FROM sms_doctor() WHERE check_name IN ('queue', 'queue_orphans', 'ownership', 'owner_role');

-- A copy is not armed.
UPDATE coach_sms_internal.sms_server SET system_identifier = 1;
SELECT mode, ok, problem FROM sms_health;
SELECT check_name, level, ok, problem FROM sms_doctor() WHERE check_name IN ('mode', 'sids', 'public_url');
SELECT detail FROM sms_why('a0000000-0000-7000-8000-000000000001') WHERE what LIKE 'now%';
SELECT sms_go_sandbox();

-- Timelines.
SELECT what, regexp_replace(detail, '\d{4}-\d\d-\d\d [0-9:.]+\+00', '(time)', 'g') AS detail FROM sms_why('a0000000-0000-7000-8000-000000000001');
SELECT what, regexp_replace(detail, '\d{4}-\d\d-\d\d [0-9:.]+\+00', '(time)', 'g') AS detail FROM sms_why('a0000000-0000-7000-8000-000000000002');
SELECT what, regexp_replace(detail, '\d{4}-\d\d-\d\d [0-9:.]+\+00', '(time)', 'g') AS detail FROM sms_why('a0000000-0000-7000-8000-000000000003');
SELECT what, detail FROM sms_why('a0000000-0000-7000-8000-000000000004');
SELECT what, detail FROM sms_why('a0000000-0000-7000-8000-000000000005');
SELECT what, detail FROM sms_why('a0000000-0000-7000-8000-000000000006');
SELECT what, detail FROM sms_why('a0000000-0000-7000-8000-000000000007');
SELECT what, detail FROM sms_why('a0000000-0000-7000-8000-000000000008') ORDER BY what;
SELECT what, detail FROM sms_why('a0000000-0000-7000-8000-000000000009');
SELECT what, detail FROM sms_why('b0000000-0000-7000-8000-000000000001');
SELECT * FROM sms_why('00000000-0000-7000-8000-000000000000');
SELECT * FROM sms_why(NULL);
-- Its status changed after the caller looked.
SELECT coach_sms_internal.sms_why_waiting('a0000000-0000-7000-8000-000000000003');

-- What the sender publishes: of several holds the one that lasts longest, the lane's own among them, and nothing that is over.
SET ROLE coach_sms_owner;
INSERT INTO coach_sms_internal.sms_queue (message_id, org_id, zone, priority, due_at, held_for, failures) VALUES
  ('a0000000-0000-7000-8000-0000000000f1', 'a0000000-0000-4000-8000-000000000001', 'Asia/Tokyo', 3, now(), NULL, 0),
  ('a0000000-0000-7000-8000-0000000000f2', 'a0000000-0000-4000-8000-000000000001', '*', 0, now(), NULL, 0),
  ('a0000000-0000-7000-8000-0000000000f3', 'a0000000-0000-4000-8000-000000000001', '', 9, '2100-01-01', 'client_daily_limit', 0),
  ('a0000000-0000-7000-8000-0000000000f4', 'a0000000-0000-4000-8000-000000000001', '', 9, '2100-01-02', NULL, 2);
INSERT INTO coach_sms_internal.sms_holds (key, rule, org_id, zone, priority, until, is_trouble, why) VALUES
  ('1', 'quiet_hours', 'a0000000-0000-4000-8000-000000000001', '', 0, now() + interval '1 hour', false, 'quiet hours, until eight'),
  ('2', 'max_sms_per_hour', 'a0000000-0000-4000-8000-000000000001', NULL, NULL, now() + interval '1 minute', false, 'the hour is full'),
  ('3', 'account', 'a0000000-0000-4000-8000-000000000001', NULL, NULL, now(), true, 'over'),
  ('4', 'quiet_hours', 'a0000000-0000-4000-8000-000000000001', 'Asia/Tokyo', 3, now() + interval '2 hours', false, 'quiet hours in Tokyo'),
  ('5', 'quiet_hours', 'a0000000-0000-4000-8000-000000000001', 'Asia/Tokyo', 4, now() + interval '2 hours', false, 'quiet hours at another priority');
RESET ROLE;
SELECT left(org_id::text, 1) AS org, zone, priority, waiting, due, over_limit, retrying, held_by, is_trouble FROM coach_sms_internal.sms_lane_stat ORDER BY org_id, zone, priority;
SELECT left(org_id::text, 1) AS org, due, oldest_due_age IS NOT NULL AS is_late, held_by FROM sms_queue_stat ORDER BY 1;
SELECT regexp_replace(waits_for, '(at|for) 2[0-9 :+-]*[0-9]', '\1 (time)', 'g') AS waits_for FROM sms_health;
SELECT detail FROM sms_why('a0000000-0000-7000-8000-000000000001') WHERE what LIKE 'now%';
SELECT level, ok, problem FROM sms_doctor() WHERE check_name = 'held';
-- Trouble comes first, and what is of the whole server before all.
UPDATE coach_sms_internal.sms_holds SET until = 'infinity' WHERE key = '3';
SELECT DISTINCT held_by FROM coach_sms_internal.sms_lane_stat WHERE due > 0 AND org_id = 'a0000000-0000-4000-8000-000000000001';
SELECT level, ok, problem FROM sms_doctor() WHERE check_name = 'held';
INSERT INTO coach_sms_internal.sms_holds (key, rule, until, is_trouble, why) VALUES ('6', 'server', 'infinity', true, 'the whole server waits');
SELECT DISTINCT held_by FROM sms_queue_stat WHERE due > 0;
DELETE FROM coach_sms_internal.sms_holds;
DELETE FROM coach_sms_internal.sms_queue WHERE right(message_id::text, 2) LIKE 'f_';

-- For the application's backend and nobody else.
CREATE ROLE regress_sms_watching;
SET ROLE regress_sms_watching;
SELECT * FROM sms_health;
SELECT * FROM sms_doctor();
RESET ROLE;
SELECT sms_grant_service('regress_sms_watching');
SET ROLE regress_sms_watching;
SELECT mode FROM sms_health;
SELECT count(*) > 15 AS checked FROM sms_doctor();
SELECT count(*) FROM sms_queue_stat;
SELECT count(*) FROM sms_delivery_stats;
SELECT count(*) FROM sms_worker_stat;
SELECT what FROM sms_why('a0000000-0000-7000-8000-000000000009');
SELECT * FROM coach_sms_internal.sms_check_token(NULL, NULL);
RESET ROLE;
SELECT sms_revoke_service('regress_sms_watching');
REVOKE USAGE ON SCHEMA public FROM regress_sms_watching;
DROP ROLE regress_sms_watching;
DROP EXTENSION coach_sms;
