-- sms_enqueue_batch: good rows go in, bad ones are reported.
\i sql/include/extension.sql
INSERT INTO sms_settings (org_id, enabled) VALUES
  ('10000000-0000-4000-8000-000000000001', true), ('10000000-0000-4000-8000-000000000002', false);
UPDATE sms_settings SET max_sms_per_client_per_day = NULL, quiet_hours_start = NULL;   -- no limits, no quiet hours
INSERT INTO sms_templates (org_id, template_key, body) VALUES ('10000000-0000-4000-8000-000000000001', 'hello', 'Hi {{name}}');
SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', '+61491570156') IS NOT NULL AS suppressed;

-- All arguments of sms_enqueue; JSON null is not given.
SELECT ordinal, message_id IS NOT NULL AS id, error_code, error_message FROM sms_enqueue_batch(jsonb_build_array(
  '{"org_id": "10000000-0000-4000-8000-000000000001", "to_phone": "0491 570 006", "body": "least"}'::jsonb,
  jsonb_build_object('org_id', '10000000-0000-4000-8000-000000000001', 'client_id', '20000000-0000-4000-8000-000000000001',
    'to_phone', '+61491570006', 'template_key', 'hello', 'variables', '{"name": "Ann {{x}} \"q\""}'::jsonb, 'body', NULL,
    'scheduled_for', now() + interval '1 day', 'expires_at', now() + interval '2 days', 'related_entity_type', 'booking',
    'related_entity_id', '30000000-0000-4000-8000-000000000001', 'idempotency_key', 'all', 'priority', 7,
    'metadata', '{"a": [1]}'::jsonb)));
\x on
SELECT m.client_id, m.to_phone, m.template_key, m.body, m.variables, m.status, m.scheduled_for - m.created_at AS wait,
       m.expires_at - m.created_at AS life, m.related_entity_type, m.related_entity_id, m.idempotency_key, m.priority,
       m.metadata, m.sandbox, q.due_at = m.scheduled_for AS in_time, q.priority = m.priority AS same_priority
  FROM sms_messages m JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id ORDER BY m.priority;
\x off

-- Bad rows among good ones, each reported by its place: the kind of value, and what sms_enqueue refuses.
CREATE TEMPORARY TABLE rows (n serial, message jsonb);
INSERT INTO rows (message)
  SELECT CASE WHEN jsonb_typeof(b) = 'object'
              THEN '{"org_id": "10000000-0000-4000-8000-000000000001", "to_phone": "+61491570006"}'::jsonb || b ELSE b END
    FROM unnest(ARRAY[
      '{"body": "good 1"}', '"text"', '1', 'null', '[]', '[{"body": "x"}]', '{"body": "x", "bodi": "y"}',
      '{"body": 1}', '{"body": {"a": "b"}}', '{"body": "x", "to_phone": 61491570006}', '{"body": "x", "to_phone": null}',
      '{"body": "x", "org_id": null}', '{"body": "x", "org_id": "acme"}', '{"body": "x", "org_id": 1}',
      '{"body": "x", "org_id": "10000000-0000-4000-8000-000000000002"}', '{"body": "x", "org_id": "10000000-0000-4000-8000-00000000000f"}',
      '{"body": "x", "client_id": "10000000-0000-4000-8000-0000000000011"}', '{"body": "x", "related_entity_id": ""}',
      '{"body": "x", "priority": "1"}', '{"body": "x", "priority": 1.5}', '{"body": "x", "priority": 40000}', '{"body": "x", "priority": 1e400}',
      '{"body": "x", "metadata": "a"}', '{"body": "x", "variables": [1]}', '{"template_key": "hello", "variables": {"name": {}}}',
      '{"template_key": "hello"}', '{"template_key": "none"}', '{"template_key": "hello", "body": "x"}', '{}',
      '{"body": ""}', '{"body": "good 2"}',
      '{"body": "x", "scheduled_for": "tomorrow-ish"}', '{"body": "x", "scheduled_for": ""}', '{"body": "x", "scheduled_for": 1700000000}',
      '{"body": "x", "scheduled_for": "2000-01-01T00:00:00Z"}', '{"body": "x", "scheduled_for": "2000-02-30"}',
      '{"body": "x", "scheduled_for": "2000-01-01 00:00 Mars/Phobos"}', '{"body": "x", "scheduled_for": "infinity"}',
      '{"body": "x", "expires_at": "2000-01-01T00:00:00Z"}', '{"body": "x", "scheduled_for": "12:00 25:00"}',
      '{"body": "x", "to_phone": "nobody"}', '{"body": "x", "to_phone": "0491 570 156"}', '{"body": "good 3"}']::jsonb[]) AS b;
SELECT ordinal, message_id IS NOT NULL AS id, error_code, error_message
  FROM sms_enqueue_batch((SELECT jsonb_agg(message ORDER BY n) FROM rows)) ORDER BY ordinal;
SELECT body, status FROM sms_messages WHERE body LIKE 'good%' ORDER BY body;
SELECT count(*) FROM sms_messages;
SELECT (SELECT count(*) FROM sms_messages) = (SELECT count(*) FROM coach_sms_internal.sms_queue) AS in_step;

-- Names and numbers may be cut and odd, the batch goes on.
SELECT ordinal, error_code, length(error_message) < 300 AS short FROM sms_enqueue_batch(jsonb_build_array(
  jsonb_build_object('org_id', '10000000-0000-4000-8000-000000000001', 'to_phone', repeat('1', 1000000), 'body', 'x'),
  jsonb_build_object('org_id', '10000000-0000-4000-8000-000000000001', 'to_phone', '+61491570006', 'body', repeat('x', 1000000)),
  jsonb_build_object('org_id', repeat('x', 1000000)), jsonb_build_object(repeat('ä', 100000), 1),
  jsonb_build_object('scheduled_for', repeat('2', 1000000)), jsonb_build_object('priority', repeat('9', 10000)::numeric)));

-- One key twice in a batch: the first row's message for both; with another text, an error.
SELECT ordinal, message_id IS NOT NULL AS id, message_id = first_value(message_id) OVER (ORDER BY ordinal) AS same_as_first, error_code
  FROM sms_enqueue_batch('[
  {"org_id": "10000000-0000-4000-8000-000000000001", "to_phone": "+61491570006", "body": "keyed", "idempotency_key": "k"},
  {"org_id": "10000000-0000-4000-8000-000000000001", "to_phone": "0491 570 006", "body": "keyed", "idempotency_key": "k"},
  {"org_id": "10000000-0000-4000-8000-000000000001", "to_phone": "+61491570006", "body": "other", "idempotency_key": "k"},
  {"org_id": "10000000-0000-4000-8000-000000000001", "to_phone": "+61491570006", "body": "keyed"},
  {"org_id": "10000000-0000-4000-8000-000000000001", "to_phone": "+61491570006", "body": "keyed"}]');
SELECT count(*), count(DISTINCT id) AS ids FROM sms_messages WHERE body = 'keyed';
-- And again in another call, and by sms_enqueue.
SELECT message_id = (SELECT id FROM sms_messages WHERE idempotency_key = 'k') AS first FROM sms_enqueue_batch('[
  {"org_id": "10000000-0000-4000-8000-000000000001", "to_phone": "+61491570006", "body": "keyed", "idempotency_key": "k"}]');
SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '+61491570006', body => 'keyed', idempotency_key => 'k')
     = (SELECT id FROM sms_messages WHERE idempotency_key = 'k') AS first;

-- A thousand, every tenth of them bad.
SELECT count(*), count(message_id) AS good, count(error_code) AS bad, min(error_code), max(error_code), max(ordinal)
  FROM sms_enqueue_batch((SELECT jsonb_agg(jsonb_build_object('org_id', '10000000-0000-4000-8000-000000000001',
         'to_phone', CASE WHEN n % 10 = 0 THEN 'nobody' ELSE '+61491570006' END, 'template_key', 'hello',
         'variables', jsonb_build_object('name', n)) ORDER BY n) FROM generate_series(1, 1000) AS n));
SELECT count(*) FROM sms_messages WHERE template_key = 'hello' AND idempotency_key IS NULL;
SELECT (SELECT count(*) FROM sms_messages) = (SELECT count(*) FROM coach_sms_internal.sms_queue) AS in_step;

-- Of nothing, nothing; and no array is the one error.
SELECT * FROM sms_enqueue_batch('[]');
SELECT * FROM sms_enqueue_batch(NULL);
SELECT * FROM sms_enqueue_batch('{}');
\echo :SQLSTATE
SELECT * FROM sms_enqueue_batch('"text"');
SELECT * FROM sms_enqueue_batch('null');

-- Rolled back with its transaction.
BEGIN;
SELECT ordinal, error_code FROM sms_enqueue_batch('[{"org_id": "10000000-0000-4000-8000-000000000001", "to_phone": "+61491570006", "body": "gone"}]');
ROLLBACK;
SELECT count(*) FROM sms_messages WHERE body = 'gone';

-- What is wrong with one is said of that one, whatever it is.
SELECT ordinal, error_code, error_message FROM sms_enqueue_batch(jsonb_build_array(
  jsonb_build_object('org_id', '10000000-0000-4000-8000-000000000001', 'to_phone', '+61491570006', 'body', 'good'),
  jsonb_build_object('org_id', '10000000-0000-4000-8000-000000000001', 'to_phone', '+61491570006', 'idempotency_key', 'neither'),
  jsonb_build_object('org_id', '10000000-0000-4000-8000-000000000001', 'to_phone', '+61491570006', 'template_key', NULL, 'idempotency_key', 'neither'),
  jsonb_build_object('org_id', '10000000-0000-4000-8000-000000000001', 'to_phone', '+61491570006', 'template_key', 'a' || repeat('é', 60)),
  jsonb_build_object('org_id', 'a' || repeat('é', 60), 'to_phone', '+61491570006', 'body', 'x'),
  jsonb_build_object('org_id', '10000000-0000-4000-8000-000000000001', 'a' || repeat('é', 60), 'x')));
SELECT count(*) FROM sms_messages WHERE body = 'good';
