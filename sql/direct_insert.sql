-- Plain INSERT, COPY, UPDATE, DELETE and TRUNCATE on sms_messages do the right thing.
\i sql/include/extension.sql
INSERT INTO sms_settings (org_id, enabled) VALUES
  ('10000000-0000-4000-8000-000000000001', true), ('10000000-0000-4000-8000-000000000002', false);
INSERT INTO sms_templates (org_id, template_key, body) VALUES ('10000000-0000-4000-8000-000000000001', 'hello', 'Hi {{name}}');
SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', '+61491570156') IS NOT NULL AS suppressed;
CREATE TEMPORARY VIEW messages AS
  SELECT m.body, m.to_phone, m.template_key, m.template_id IS NOT NULL AS has_template, m.status, m.segments, m.encoding, m.sandbox,
         m.error_code, q.priority AS queue_priority, q.due_at = greatest(m.scheduled_for, m.created_at) AS due_in_time
    FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id ORDER BY m.body;

-- As the seed app's service inserts: text rendered by itself, status given.
INSERT INTO sms_messages (org_id, client_id, to_phone, template_key, body, variables, related_entity_type, related_entity_id,
    status, scheduled_for, idempotency_key)
  VALUES ('10000000-0000-4000-8000-000000000001', '20000000-0000-4000-8000-000000000001', '+61491570006', 'booking_confirmation',
    'app: queued', '{"client_name": "Ann"}', 'booking', '30000000-0000-4000-8000-000000000001', 'queued', now(), 'k1');
INSERT INTO sms_messages (org_id, to_phone, body, status, scheduled_for)
  VALUES ('10000000-0000-4000-8000-000000000001', '0491 570 006', 'app: pending', 'pending', now() + interval '1 day');
-- The status follows from the time, whichever of the two is said.
INSERT INTO sms_messages (org_id, to_phone, body, status, scheduled_for, priority) VALUES
  ('10000000-0000-4000-8000-000000000001', '0491 570 006', 'future, said to be queued', 'queued', now() + interval '1 day', 3),
  ('10000000-0000-4000-8000-000000000001', '0491 570 006', 'now, said to be pending', 'pending', now(), -3);
-- A template instead of a body.
INSERT INTO sms_messages (org_id, to_phone, template_key, variables)
  VALUES ('10000000-0000-4000-8000-000000000001', '0491 570 006', 'hello', '{"name": "Zoë 😀"}');
SELECT * FROM messages;
SELECT count(*) FROM sms_messages WHERE payload_hash IS NOT NULL AND idempotency_key = 'k1';

-- COPY goes the same way.
COPY sms_messages (org_id, to_phone, body, template_key, variables) FROM stdin;
10000000-0000-4000-8000-000000000001	0491 570 006	copy: body	\N	\N
10000000-0000-4000-8000-000000000001	0491 570 006	\N	hello	{"name": "copy"}
\.
SELECT * FROM messages WHERE body LIKE '%copy%';
COPY sms_messages (org_id, to_phone, body) FROM stdin;
10000000-0000-4000-8000-000000000001	0491 570 006	copy: good
10000000-0000-4000-8000-000000000001	nobody	copy: bad
\.
SELECT count(*) FROM messages WHERE body LIKE 'copy: good';

-- Refused as sms_enqueue refuses.
\set VERBOSITY terse
INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('10000000-0000-4000-8000-00000000000f', '+61491570006', 'x');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('10000000-0000-4000-8000-000000000002', '+61491570006', 'x');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, body) VALUES (NULL, '+61491570006', 'x');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('10000000-0000-4000-8000-000000000001', 'nobody', 'x');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('10000000-0000-4000-8000-000000000001', NULL, 'x');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('10000000-0000-4000-8000-000000000001', '0491 570 156', 'x');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, template_key) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'hello');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, body, variables) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'x', '[]');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, body, metadata) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'x', '[]');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, body, expires_at) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'x', '2000-01-01');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', repeat('x', 1601));
\echo :SQLSTATE
-- A plain INSERT is no sms_enqueue: a key that is taken is a duplicate, unless the app says what then.
INSERT INTO sms_messages (org_id, to_phone, body, idempotency_key) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'x', 'k1');
\echo :SQLSTATE
INSERT INTO sms_messages (org_id, to_phone, body, idempotency_key) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'x', 'k1')
  ON CONFLICT DO NOTHING;
INSERT INTO sms_messages (org_id, to_phone, body, idempotency_key) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'x', 'k1')
  ON CONFLICT (org_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;

-- No other status can be inserted.
\set VERBOSITY default
INSERT INTO sms_messages (org_id, to_phone, body, status) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'x', 'sent');
\echo :SQLSTATE
\set VERBOSITY terse
INSERT INTO sms_messages (org_id, to_phone, body, status) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'x', 'cancelled');
INSERT INTO sms_messages (org_id, to_phone, body, status) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'x', 'sending');
INSERT INTO sms_messages (org_id, to_phone, body, status) VALUES ('10000000-0000-4000-8000-000000000001', '+61491570006', 'x', 'nonsense');
SELECT count(*) FROM sms_messages WHERE body LIKE 'x%';

-- By hand a message that waits can be cancelled: it leaves the queue.
UPDATE sms_messages SET status = 'cancelled' WHERE body IN ('app: queued', 'app: pending');
SELECT * FROM messages WHERE status = 'cancelled';
UPDATE sms_messages SET status = 'cancelled', error_code = 'my_reason', error_message = 'said the app' WHERE body = 'copy: body';
SELECT status, error_code, error_message, updated_at > created_at AS touched FROM sms_messages WHERE body = 'copy: body';
-- Again is no change; other columns are free.
UPDATE sms_messages SET status = 'cancelled', metadata = '{"a": 1}' WHERE body = 'app: queued';
UPDATE sms_messages SET status = status, metadata = '{"b": 1}' WHERE body = 'Hi copy';
SELECT body, status, metadata FROM sms_messages WHERE metadata <> '{}' ORDER BY body;

-- Nothing else.
DO $$
DECLARE
  said text;
  old text;
  new text;
BEGIN
  FOREACH old IN ARRAY ARRAY['pending', 'queued', 'sending', 'sent', 'delivered', 'failed', 'cancelled', 'unknown'] LOOP
    SET LOCAL ROLE coach_sms_owner;
    UPDATE sms_messages SET status = old WHERE body = 'Hi copy';
    RESET ROLE;
    said := '';
    FOREACH new IN ARRAY ARRAY['pending', 'queued', 'sending', 'sent', 'delivered', 'failed', 'cancelled', 'unknown'] LOOP
      BEGIN
        UPDATE sms_messages SET status = new WHERE body = 'Hi copy';
        said := said || ' ' || new;
        RAISE EXCEPTION USING ERRCODE = '22000';
      EXCEPTION
        WHEN SQLSTATE '22000' THEN NULL;
        WHEN SQLSTATE 'SM012' THEN NULL;
      END;
    END LOOP;
    RAISE WARNING '% can become:%', old, said;
  END LOOP;
  SET LOCAL ROLE coach_sms_owner;
  UPDATE sms_messages SET status = 'queued' WHERE body = 'Hi copy';
  RESET ROLE;
END
$$;
DO $$
DECLARE
  detail text;
  hint text;
BEGIN
  UPDATE sms_messages SET status = 'delivered' WHERE body = 'Hi copy';
EXCEPTION WHEN SQLSTATE 'SM012' THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RAISE WARNING E'%\n%\n%', replace(SQLERRM, (SELECT id::text FROM sms_messages WHERE body = 'Hi copy'), '<id>'), detail, hint;
END
$$;
\set VERBOSITY sqlstate
UPDATE sms_messages SET status = 'nonsense' WHERE body = 'Hi copy';
\set VERBOSITY default

-- DELETE and TRUNCATE keep the queue in step, and leave alone what a sender holds.
INSERT INTO sms_messages (org_id, to_phone, body) SELECT '10000000-0000-4000-8000-000000000001', '+61491570006', 'claimed ' || n FROM generate_series(1, 2) AS n;
SET ROLE coach_sms_owner;
WITH claimed AS (DELETE FROM coach_sms_internal.sms_queue q USING sms_messages m WHERE m.id = q.message_id AND m.body LIKE 'claimed%' RETURNING q.*, m.body)
INSERT INTO coach_sms_internal.sms_in_flight (message_id, org_id, fence, state, attempt_number, failures, priority, claimed_at, lease_until, client_key, segments)
  SELECT message_id, org_id, 1, CASE body WHEN 'claimed 1' THEN 'leased' ELSE 'unknown' END, 1, 0, 0, now(), now(), 'x', 1 FROM claimed;
RESET ROLE;
DELETE FROM sms_messages WHERE body IN ('claimed 1', 'claimed 2', 'now, said to be pending');
SELECT * FROM messages;
SELECT state FROM coach_sms_internal.sms_in_flight;
SELECT count(*) AS without_message FROM coach_sms_internal.sms_queue q WHERE NOT EXISTS (SELECT FROM sms_messages m WHERE m.id = q.message_id);
TRUNCATE sms_messages;
SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue) AS waiting, (SELECT count(*) FROM coach_sms_internal.sms_in_flight) AS in_flight;

-- A restore brings whole rows, born earlier: they stay as they are and wait for sms_go_live() or sms_go_sandbox().
COPY sms_messages (org_id, to_phone, body, status, scheduled_for, created_at, updated_at, segments, encoding, sandbox) FROM stdin;
10000000-0000-4000-8000-00000000000f	+61491570156	restored: delivered	delivered	2025-01-01	2025-01-01	2025-01-01	1	GSM-7	f
10000000-0000-4000-8000-00000000000f	+61491570156	restored: queued	queued	2025-01-01	2025-01-01	2025-01-01	1	GSM-7	t
\.
SELECT body, to_phone, status, segments, sandbox, queue_priority FROM messages;
-- Such a row's status is guarded too.
UPDATE sms_messages SET status = 'cancelled' WHERE body = 'restored: queued';
SELECT body, status, error_code FROM sms_messages ORDER BY body;

-- An application's trigger that enqueues in its turn, before ours has queued the row that it fires for.
CREATE FUNCTION copy_to_coach() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM public.sms_enqueue(NEW.org_id, to_phone => '+61491570158', body => 'a copy by sms_enqueue');
  INSERT INTO public.sms_messages (org_id, to_phone, body) VALUES (NEW.org_id, '+61491570158', 'a copy by INSERT');
  BEGIN
    PERFORM public.sms_enqueue(NEW.org_id, to_phone => 'nobody', body => 'a copy that fails');
  EXCEPTION WHEN OTHERS THEN NULL;
  END;
  RETURN NULL;
END
$$;
CREATE TRIGGER copy_to_coach AFTER INSERT ON sms_messages FOR EACH ROW WHEN (NEW.body = 'the original') EXECUTE FUNCTION copy_to_coach();
SELECT sms_enqueue(org_id, to_phone => '+61491570006', body => 'the original') IS NOT NULL AS enqueued FROM sms_settings WHERE enabled ORDER BY org_id LIMIT 1;
SELECT body, segments, q.message_id IS NOT NULL AS queued FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id WHERE body ~ 'copy|original' ORDER BY 1;
DROP TRIGGER copy_to_coach ON sms_messages;
DROP FUNCTION copy_to_coach();
