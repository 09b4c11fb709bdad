-- sms_cancel, sms_reschedule, sms_retry, queue_pending_sms, insert_sms_from_service.
\i sql/include/extension.sql
\i sql/include/failure.sql
INSERT INTO sms_settings (org_id, enabled) VALUES
  ('10000000-0000-4000-8000-000000000001', true), ('10000000-0000-4000-8000-000000000002', true);
INSERT INTO sms_templates (org_id, template_key, body) VALUES ('10000000-0000-4000-8000-000000000001', 'hello', 'Hi {{name}}');
-- A message of this text; in another status than queued as the sender would write it.
CREATE FUNCTION pg_temp.message(body text, status text DEFAULT 'queued') RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
  made uuid := sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '+61491570006', body => body);
BEGIN
  IF status NOT IN ('pending', 'queued') THEN
    DELETE FROM coach_sms_internal.sms_queue q WHERE q.message_id = made;
  END IF;
  SET LOCAL ROLE coach_sms_owner;
  UPDATE sms_messages m SET status = message.status WHERE m.id = made AND m.status <> message.status;
  RESET ROLE;
  RETURN made;
END
$$;
CREATE FUNCTION pg_temp.id_of(body text) RETURNS uuid LANGUAGE sql AS 'SELECT id FROM sms_messages m WHERE m.body = $1';
CREATE TEMPORARY VIEW messages AS
  SELECT m.body, m.status, m.error_code, m.error_message, q.message_id IS NOT NULL AS waits
    FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id ORDER BY m.id;

-- sms_cancel: what waits is cancelled, with a reason or without; the rest is left alone.
SELECT s AS status, sms_cancel(pg_temp.message(s, s)) FROM unnest(ARRAY['pending', 'queued', 'sending', 'sent', 'delivered', 'failed', 'cancelled', 'unknown']) AS s;
SELECT sms_cancel(pg_temp.message('with a reason'), 'the coach is ill');
SELECT * FROM messages;
SELECT sms_cancel(pg_temp.id_of('with a reason'), 'again');
SELECT error_message FROM sms_messages WHERE body = 'with a reason';
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.failure($$SELECT sms_cancel('10000000-0000-4000-8000-00000000000f')$$);
SELECT pg_temp.failure($$SELECT sms_cancel(NULL)$$);
\pset tuples_only off
\pset format aligned
BEGIN;
SELECT sms_cancel(pg_temp.message('rolled back'));
ROLLBACK;

-- sms_reschedule: there and back, with its place in the queue.
TRUNCATE sms_messages;
CREATE TEMPORARY VIEW times AS
  SELECT m.body, m.status, m.scheduled_for - now() AS scheduled, m.expires_at - now() AS expires, q.due_at - now() AS due
    FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id;
BEGIN;
SELECT pg_temp.message('movable') AS id \gset
SELECT sms_reschedule(:'id', now() + interval '2 days');
SELECT * FROM times;
SELECT sms_reschedule(:'id', now() + interval '3 days', now() + interval '4 days');
SELECT * FROM times;
SELECT sms_reschedule(:'id', NULL);
SELECT * FROM times;
SELECT sms_reschedule(:'id', now() - interval '1 hour', now() + interval '1 hour');
SELECT * FROM times;
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.failure(format('SELECT sms_reschedule(%L, %L)', :'id', '2000-01-01 00:00Z'::timestamptz));
SELECT pg_temp.failure(format('SELECT sms_reschedule(%L, %L)', :'id', '2999-01-01 00:00Z'::timestamptz));
SELECT pg_temp.failure(format('SELECT sms_reschedule(%L, %L)', :'id', 'infinity'));
SELECT pg_temp.failure(format('SELECT sms_reschedule(%L, %L)', :'id', '-infinity'));
SELECT regexp_replace(pg_temp.failure(format('SELECT sms_reschedule(%L, %L)', :'id', now() + interval '5 days')), 'expires_at [^\n]* is not', 'expires_at <time> is not');
SELECT pg_temp.failure(format('SELECT sms_reschedule(%L, NULL, %L)', :'id', '2000-01-01 00:00Z'::timestamptz));
SELECT pg_temp.failure($$SELECT sms_reschedule('10000000-0000-4000-8000-00000000000f', now())$$);
SELECT pg_temp.failure($$SELECT sms_reschedule(NULL, now())$$);
\pset tuples_only off
\pset format aligned
SELECT * FROM times;
COMMIT;
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.failure(format('SELECT sms_reschedule(%L, now())', pg_temp.message(s, s)))
  FROM unnest(ARRAY['sending', 'sent', 'delivered', 'failed', 'cancelled', 'unknown']) AS s;
\pset tuples_only off
\pset format aligned

-- sms_retry: a new message with the same content, and without the key.
TRUNCATE sms_messages;
SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', client_id => '20000000-0000-4000-8000-000000000001', to_phone => '0491 570 006',
  template_key => 'hello', variables => '{"name": "Ann"}', related_entity_type => 'booking', related_entity_id => '30000000-0000-4000-8000-000000000001',
  idempotency_key => 'k', priority => 4::smallint, metadata => '{"a": 1}') AS first \gset
SELECT sms_cancel(:'first');
UPDATE sms_templates SET is_active = false;
SELECT sms_retry(:'first') AS second \gset
\x on
SELECT n.status, n.scheduled_for = n.created_at AS now, n.idempotency_key = 'retry of ' || o.id AS own_key, n.error_code, n.attempt_count, n.priority,
       n.metadata - 'retry_of' AS metadata, n.metadata ->> 'retry_of' = o.id::text AS names_the_first,
       (n.org_id, n.client_id, n.to_phone, n.template_id, n.template_key, n.body, n.variables, n.related_entity_type, n.related_entity_id, n.segments)
     IS NOT DISTINCT FROM
       (o.org_id, o.client_id, o.to_phone, o.template_id, o.template_key, o.body, o.variables, o.related_entity_type, o.related_entity_id, o.segments) AS same_content,
       EXISTS (SELECT FROM coach_sms_internal.sms_queue q WHERE q.message_id = n.id) AS waits, o.status AS first_status
  FROM sms_messages n, sms_messages o WHERE n.id = :'second' AND o.id = :'first';
\x off
SELECT sms_retry(pg_temp.message('failed', 'failed')) IS NOT NULL AS retried;
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.failure(format('SELECT sms_retry(%L)', pg_temp.message(s, s)))
  FROM unnest(ARRAY['pending', 'queued', 'sending', 'sent', 'delivered', 'unknown']) AS s;
SELECT pg_temp.failure($$SELECT sms_retry('10000000-0000-4000-8000-00000000000f')$$);
SELECT pg_temp.failure($$SELECT sms_retry(NULL)$$);
SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', '0491 570 006') IS NOT NULL;
SELECT sms_retry(:'first') = :'second' AS again_the_same_one;
SELECT pg_temp.failure(format('SELECT sms_retry(%L)', :'second')) LIKE 'SM0%' AS refused;
SELECT sms_opt_in('10000000-0000-4000-8000-000000000001', '0491 570 006');
\pset tuples_only off
\pset format aligned

-- queue_pending_sms: marks what has become due; the sender does the same.
TRUNCATE sms_messages;
SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '+61491570006', body => b, scheduled_for => now() + interval '1 hour') IS NOT NULL AS ok
  FROM unnest(ARRAY['has become due', 'still to come']) AS b;
SELECT queue_pending_sms();
UPDATE sms_messages SET scheduled_for = now() - interval '1 minute' WHERE body = 'has become due';
UPDATE coach_sms_internal.sms_queue SET due_at = now() - interval '1 minute' WHERE message_id = pg_temp.id_of('has become due');
SELECT queue_pending_sms();
SELECT queue_pending_sms();
SELECT * FROM messages;

-- insert_sms_from_service: the seed app's call, with its eight arguments, by name and by place.
UPDATE sms_templates SET is_active = true;
SELECT insert_sms_from_service(
  p_org_id => '10000000-0000-4000-8000-000000000001',
  p_client_id => '20000000-0000-4000-8000-000000000001',
  p_to_phone => '0491 570 006',
  p_template_key => 'hello',
  p_variables => '{"name": "template"}') IS NOT NULL AS ok;
SELECT insert_sms_from_service('10000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', '+61491570006', 'booking_confirmation',
  '{"name": "both"}', 'text of the app', now() + interval '1 hour', 'service-key') AS id \gset
SELECT insert_sms_from_service('10000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', '+61491570006', 'booking_confirmation',
  '{"name": "both"}', 'text of the app', now() + interval '2 hours', 'service-key') = :'id' AS same;
SELECT insert_sms_from_service('10000000-0000-4000-8000-000000000001', NULL, '+61491570006', NULL, NULL, 'only a text') IS NOT NULL AS ok;
SELECT body, template_key, template_id IS NOT NULL AS has_template, variables, status, idempotency_key, client_id IS NOT NULL AS has_client
  FROM sms_messages WHERE body IN ('Hi template', 'text of the app', 'only a text') ORDER BY id;
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.failure($$SELECT insert_sms_from_service('10000000-0000-4000-8000-000000000001', NULL, '+61491570006', NULL, NULL)$$);
SELECT pg_temp.failure($$SELECT insert_sms_from_service('10000000-0000-4000-8000-000000000001', NULL, 'nobody', 'hello', '{"name": "x"}')$$);
SELECT pg_temp.failure($$SELECT insert_sms_from_service(NULL, NULL, '+61491570006', 'hello', '{"name": "x"}')$$);
\pset tuples_only off
\pset format aligned
SELECT (SELECT count(*) FROM sms_messages WHERE status IN ('pending', 'queued')) = (SELECT count(*) FROM coach_sms_internal.sms_queue) AS in_step;
