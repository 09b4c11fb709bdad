-- sms_enqueue: what it stores, and the idempotency key.
\i sql/include/extension.sql
INSERT INTO sms_settings (org_id, default_region) VALUES
  ('10000000-0000-4000-8000-000000000001', 'AU'), ('10000000-0000-4000-8000-000000000002', 'US');
UPDATE sms_settings SET max_sms_per_client_per_day = NULL, quiet_hours_start = NULL;   -- no limits, no quiet hours
INSERT INTO sms_templates (org_id, template_key, body) VALUES
  ('10000000-0000-4000-8000-000000000001', 'hello', 'Hi {{name}}'),
  ('10000000-0000-4000-8000-000000000001', 'hello', 'Hello {{name}}'),
  ('10000000-0000-4000-8000-000000000001', 'hello', 'not in use');
UPDATE sms_templates SET is_active = false WHERE body = 'not in use';
\set org 10000000-0000-4000-8000-000000000001
\set other 10000000-0000-4000-8000-000000000002

-- The least: everything else has its default.
SELECT sms_enqueue(:'org', to_phone => '0491 570 006', body => 'plain') AS id \gset
\x on
SELECT (id = :'id') AS this_id, substr(id::text, 15, 1) AS uuid_version, client_id, to_phone, from_phone, template_id, template_key, body,
       variables, related_entity_type, related_entity_id, status, scheduled_for = created_at AS now,
       sent_at, delivered_at, failed_at, idempotency_key, error_code, error_message, metadata,
       created_at = updated_at AS untouched, provider_message_id, segments, encoding, priority, expires_at,
       attempt_count, price, price_unit, sandbox, payload_hash
  FROM sms_messages;

-- Everything, from a template: the highest active version, which the message keeps.
SELECT sms_enqueue(:'org',
         client_id => '20000000-0000-4000-8000-000000000001',
         to_phone => '+61491570156',
         template_key => 'hello',
         variables => '{"name": "Zoë 😀", "extra": "ignored"}',
         scheduled_for => now() + interval '1 day',
         expires_at => now() + interval '2 days',
         related_entity_type => 'booking',
         related_entity_id => '30000000-0000-4000-8000-000000000001',
         idempotency_key => 'all',
         priority => -5::smallint,
         metadata => '{"source": "test", "nested": [1, {"a": null}]}') AS id \gset
SELECT m.client_id, m.to_phone, m.template_key, t.version, m.body, m.variables, m.related_entity_type, m.related_entity_id,
       m.status, m.scheduled_for - m.created_at AS wait, m.expires_at - m.created_at AS life, m.idempotency_key, m.metadata,
       m.segments, m.encoding, m.priority, octet_length(m.payload_hash) AS hash_bytes
  FROM sms_messages m LEFT JOIN sms_templates t ON t.id = m.template_id WHERE m.id = :'id';
\x off

-- Each has its row in the queue, due at its time.
SELECT m.body, m.status, q.org_id = m.org_id AS same_org, q.priority, q.failures, q.due_at = m.scheduled_for AS in_time
  FROM sms_messages m JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id ORDER BY m.id;
SELECT count(*) AS in_flight FROM coach_sms_internal.sms_in_flight;

-- A time that was, within a day, is due now; NULL is now.
BEGIN;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'late', scheduled_for => now() - interval '23 hours') IS NOT NULL AS ok;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'null', scheduled_for => NULL) IS NOT NULL AS ok;
SELECT m.body, m.status, m.scheduled_for - now() AS scheduled, q.due_at - now() AS due
  FROM sms_messages m JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id WHERE m.created_at = now() ORDER BY m.id;
ROLLBACK;
SELECT (SELECT count(*) FROM sms_messages) AS messages, (SELECT count(*) FROM coach_sms_internal.sms_queue) AS waiting;

-- The number is read in the org's region.
SELECT sms_enqueue(:'other', to_phone => '(415) 555-2671', body => 'US') IS NOT NULL AS ok;
SELECT to_phone FROM sms_messages WHERE body = 'US';

-- Hostile text is text: one message, one recipient, taken literally.
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => E'a\r\nTo: +15005550006\n&To=+15005550006&Body=x {{x}} %0d%0a ''q'' "qq" \\ $1; --') IS NOT NULL AS ok;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', template_key => 'hello',
         variables => jsonb_build_object('name', E'{{name}} {{x}}\r\n&To=+15005550006 ''q'' "qq" <b>')) IS NOT NULL AS ok;
SELECT to_phone, quote_literal(body) AS body FROM sms_messages WHERE body LIKE '%{{x}}%' ORDER BY id;

-- Idempotency: the first id, as often as the same is asked for; times, priority and metadata may differ.
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'keyed', idempotency_key => 'k1') AS first \gset
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'keyed', idempotency_key => 'k1') = :'first' AS same,
       sms_enqueue(:'org', to_phone => '0491 570 006', body => 'keyed', idempotency_key => 'k1',
         scheduled_for => now() + interval '3 hours', expires_at => now() + interval '4 hours', priority => 9::smallint,
         metadata => '{"a": 1}', client_id => '20000000-0000-4000-8000-000000000002',
         related_entity_type => 'x') = :'first' AS same_at_another_time;
SELECT count(*), min(status) AS status, min(priority) AS priority FROM sms_messages WHERE idempotency_key = 'k1';
\set VERBOSITY terse
SELECT sms_enqueue(:'org', to_phone => '+61491570156', body => 'keyed', idempotency_key => 'k1');
\echo :SQLSTATE
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'another', idempotency_key => 'k1');
\echo :SQLSTATE
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'keyed', variables => '{"a": 1}', idempotency_key => 'k1');
\echo :SQLSTATE
SELECT sms_enqueue(:'org', to_phone => '+61491570006', template_key => 'hello', variables => '{"name": "x"}', idempotency_key => 'k1');
\echo :SQLSTATE
-- Variables are compared as JSON, not as text; the template's key and not what came of it.
SELECT sms_enqueue(:'org', to_phone => '+61491570006', template_key => 'hello', variables => '{"name": "x", "a": 1}', idempotency_key => 'k2') AS first \gset
INSERT INTO sms_templates (org_id, template_key, body) VALUES (:'org', 'hello', 'Good day {{name}}');
SELECT sms_enqueue(:'org', to_phone => '+61491570006', template_key => 'hello', variables => '{ "a":1, "name":"x" }', idempotency_key => 'k2') = :'first' AS same;
SELECT body FROM sms_messages WHERE id = :'first';
SELECT sms_enqueue(:'org', to_phone => '+61491570006', template_key => 'hello', variables => '{"name": "y", "a": 1}', idempotency_key => 'k2');
\echo :SQLSTATE
\set VERBOSITY default
DO $$
DECLARE
  detail text;
  hint text;
BEGIN
  PERFORM sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '+61491570006', body => 'another', idempotency_key => 'k1');
EXCEPTION WHEN SQLSTATE 'SM011' THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RAISE WARNING E'%\n%', replace(detail, (SELECT id::text FROM sms_messages WHERE idempotency_key = 'k1'), '<first id>'), hint;
END
$$;
-- A key belongs to its org, and to no message that was rolled back.
SELECT sms_enqueue(:'other', to_phone => '+61491570006', body => 'keyed elsewhere', idempotency_key => 'k1') <> :'first' AS another;
BEGIN;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'rolled back', idempotency_key => 'k3') IS NOT NULL AS ok;
SAVEPOINT a;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'rolled back', idempotency_key => 'k4') IS NOT NULL AS ok;
ROLLBACK TO a;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'after the savepoint', idempotency_key => 'k4') IS NOT NULL AS ok;
ROLLBACK;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'another', idempotency_key => 'k3') IS NOT NULL AS ok;
-- The first of a final message counts too: a key is never used up.
SELECT sms_cancel(:'first');
SELECT sms_enqueue(:'org', to_phone => '+61491570006', template_key => 'hello', variables => '{"name": "x", "a": 1}', idempotency_key => 'k2') = :'first' AS same;
-- Two in one statement.
SELECT count(DISTINCT sms_enqueue(:'org', to_phone => '+61491570006', body => 'twice', idempotency_key => 'k5')) FROM generate_series(1, 2);

-- A repeat gives the first id even where a new message would be refused by now; another payload does not.
BEGIN;
UPDATE sms_settings SET enabled = false WHERE org_id = :'org';
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'keyed', idempotency_key => 'k1')
       = (SELECT id FROM sms_messages WHERE org_id = :'org' AND idempotency_key = 'k1') AS same;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'another', idempotency_key => 'k1');
ROLLBACK;

-- Facts are read anew: within a transaction, and after a template or a setting has changed.
BEGIN;
UPDATE sms_settings SET enabled = false WHERE org_id = :'org';
SAVEPOINT a;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'disabled');
ROLLBACK TO a;
ROLLBACK;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'enabled again') IS NOT NULL AS ok;

-- In bulk: one statement, one transaction.
SELECT count(sms_enqueue(:'org', to_phone => '+61491570006', template_key => 'hello', variables => jsonb_build_object('name', n),
         idempotency_key => 'bulk-' || n)) FROM generate_series(1, 1000) AS n;
SELECT count(*), count(DISTINCT m.body) AS bodies, count(q.message_id) AS waiting
  FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id WHERE m.idempotency_key LIKE 'bulk-%';
SELECT (SELECT count(*) FROM sms_messages WHERE status IN ('pending', 'queued')) = (SELECT count(*) FROM coach_sms_internal.sms_queue) AS in_step;
