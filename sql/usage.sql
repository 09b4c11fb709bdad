-- sms_usage: sums of old attempts. sms_cost shows the same figures, whether attempts are summed up or not.
\set VERBOSITY terse
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\i sql/include/extension.sql
\set org '''a0000000-0000-4000-8000-000000000001'''
INSERT INTO sms_settings (org_id, timezone) VALUES (:org, 'Australia/Sydney');

-- Attempt n, of message n, at noon of day n of a January: two segments, and Twilio's price where it is given.
CREATE FUNCTION pg_temp.attempt(n integer, status text, price numeric, sid text DEFAULT 'SM') RETURNS void LANGUAGE sql AS $$
  INSERT INTO sms_messages (id, org_id, to_phone, body, status, segments, encoding, sandbox, created_at, provider_message_id, price, price_unit)
    VALUES (('019b76da-a800-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'a0000000-0000-4000-8000-000000000001', '+61491570006', 'text', 'delivered',
      2, 'GSM-7', false, '2026-01-01 12:00+00', sid || n, price, CASE WHEN price IS NOT NULL THEN 'USD' END);
  INSERT INTO sms_attempts (id, message_id, attempt_number, provider_message_id, status, created_at, org_id, client_key, segments)
    SELECT ('019b76da-a800-7000-8000-' || lpad(n::text, 12, '1'))::uuid, m.id, 1, m.provider_message_id, attempt.status,
           '2026-01-01 12:00+00'::timestamptz + make_interval(days => n - 1), m.org_id, 'client', 2
      FROM sms_messages m WHERE m.id::text LIKE '%' || lpad(n::text, 12, '0')
$$;
CREATE VIEW pg_temp.cost AS SELECT month, currency, messages, segments, price, segments_without_price AS unpriced, cost FROM sms_cost;
SET session_replication_role = replica;  -- messages of before
SELECT pg_temp.attempt(n, 'success', CASE WHEN n % 2 = 0 THEN 0.1 END) FROM generate_series(1, 4) n \g /dev/null
SELECT pg_temp.attempt(5, 'transient_error', NULL, NULL) \g /dev/null
SELECT pg_temp.attempt(31, 'success', 0.3) \g /dev/null
RESET session_replication_role;
SELECT * FROM pg_temp.cost ORDER BY month, currency;

-- Batch after batch is summed up, and nothing changes.
\set sum_up 'SELECT coach_sms_internal.sms_sum_up_next(''ffffffff-ffff-ffff-ffff-ffffffffffff'', 2) AS summed_up'
:sum_up;
SELECT attempt_id, created_at FROM sms_usage_end;
SELECT * FROM pg_temp.cost ORDER BY month, currency;
:sum_up;
:sum_up;
SELECT * FROM sms_usage ORDER BY month, currency;
SELECT * FROM pg_temp.cost ORDER BY month, currency;

-- At the end there is nothing to do, and attempts from the given id on are left.
:sum_up;
SET session_replication_role = replica;
SELECT pg_temp.attempt(32, 'success', 0.4) \g /dev/null
RESET session_replication_role;
SELECT coach_sms_internal.sms_sum_up_next('019b76da-a800-7000-8000-111111111132', 2) AS summed_up;

-- Retention sums up what it deletes, once: attempt 1 is summed up already, attempt 32 is not.
SELECT coach_sms_internal.sms_sum_up(ARRAY(SELECT id FROM sms_attempts)) \g /dev/null
DELETE FROM sms_attempts;
SELECT * FROM pg_temp.cost ORDER BY month, currency;

-- The org's own price holds for all that has no price of Twilio's, summed up or not.
UPDATE sms_settings SET price_per_segment = 0.05, currency = 'AUD';
SELECT * FROM pg_temp.cost ORDER BY month, currency;
UPDATE sms_settings SET currency = 'USD';
SELECT * FROM pg_temp.cost ORDER BY month, currency;
