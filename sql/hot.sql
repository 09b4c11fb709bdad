-- Status changes are HOT updates: no index grows, however often a message changes.
\i sql/include/extension.sql
INSERT INTO sms_settings (org_id, twilio_phone_number) VALUES ('10000000-0000-4000-8000-000000000001', '+61412345678');
UPDATE sms_settings SET max_sms_per_client_per_day = NULL, quiet_hours_start = NULL;   -- no limits, no quiet hours
CREATE TEMPORARY VIEW hot AS
  SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot FROM pg_stat_xact_user_tables WHERE relname = 'sms_messages';
SELECT count(sms_enqueue('10000000-0000-4000-8000-000000000001', client_id => '20000000-0000-4000-8000-000000000001', to_phone => '+61491570006',
         body => 'Hi Ann, your session is confirmed. Reply STOP to opt out.', related_entity_type => 'booking',
         related_entity_id => '30000000-0000-4000-8000-000000000001', idempotency_key => 'k' || n)) FROM generate_series(1, 500) AS n;

-- The first change of every message, whatever page it is on.
BEGIN;
SELECT updates, hot FROM hot \gset
SET ROLE coach_sms_owner;
UPDATE sms_messages SET status = 'sending', attempt_count = 1, updated_at = now();
RESET ROLE;
SELECT updates - :updates AS updates, hot - :hot AS hot FROM hot;
COMMIT;

-- All of a message's life, each step a transaction of its own, with everything that it writes.
DELETE FROM sms_messages WHERE idempotency_key NOT IN ('k1', 'k2', 'k3');
VACUUM sms_messages;
BEGIN;
SELECT updates, hot FROM hot \gset
SET ROLE coach_sms_owner;
UPDATE sms_messages SET status = 'sent', sent_at = now(), provider_message_id = 'SM00000000000000000000000000000001', from_phone = '+61412345678', segments = 1, updated_at = now();
UPDATE sms_messages SET status = 'unknown', error_code = 'timeout', error_message = 'no answer', updated_at = now();
UPDATE sms_messages SET status = 'queued', updated_at = now();
RESET ROLE;
SELECT updates - :updates AS updates, hot - :hot AS hot FROM hot;
COMMIT;
VACUUM sms_messages;
BEGIN;
SELECT updates, hot FROM hot \gset
SET ROLE coach_sms_owner;
UPDATE sms_messages SET status = 'delivered', delivered_at = now(), price = 0.0515, price_unit = 'AUD', updated_at = now();
UPDATE sms_messages SET status = 'failed', failed_at = now(), error_code = '30003', error_message = 'Unreachable destination handset', updated_at = now();
UPDATE sms_messages SET status = 'pending', scheduled_for = now() + interval '1 day', expires_at = now() + interval '2 days', updated_at = now();
RESET ROLE;
SELECT updates - :updates AS updates, hot - :hot AS hot FROM hot;
COMMIT;
VACUUM sms_messages;
BEGIN;
SELECT updates, hot FROM hot \gset
UPDATE sms_messages SET status = 'cancelled';
UPDATE sms_messages SET metadata = '{"a": 1}';
SELECT updates - :updates AS updates, hot - :hot AS hot FROM hot;
COMMIT;

-- That counts: a change of an indexed column is no HOT update.
BEGIN;
SELECT updates, hot FROM hot \gset
UPDATE sms_messages SET idempotency_key = idempotency_key || 'x';
SELECT updates - :updates AS updates, hot - :hot AS hot FROM hot;
ROLLBACK;
