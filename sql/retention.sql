-- Pruning: what a step does is bounded, also where an old snapshot lets nothing go; keys stay.
\i sql/include/extension.sql
\set org '''10000000-0000-4000-8000-000000000001'''
INSERT INTO sms_settings (org_id, max_sms_per_client_per_day) VALUES (:org, NULL);
SELECT count(sms_enqueue(:org, to_phone => '+61491570006', body => 'text ' || n, idempotency_key => 'key ' || n, scheduled_for => now() + interval '1 day')) FROM generate_series(1, 150) n;
SELECT count(*) FILTER (WHERE sms_cancel(id)) FROM sms_messages;
CREATE TEMPORARY VIEW kept AS SELECT (SELECT count(*) FROM sms_messages) AS messages, (SELECT count(*) FROM sms_idempotency_keys) AS keys;

-- Ten at a time, and a hundred are looked at: no snapshot is known to see their keys.
SELECT sum(coach_sms_internal.sms_prune_messages(:org, now() + interval '1 minute', 10, '3')) FROM generate_series(1, 15);
TABLE kept;
-- Ten go in a step, and the window moves on.
SELECT coach_sms_internal.sms_prune_messages(:org, now() + interval '1 minute', 10, pg_current_xact_id()::xid);
TABLE kept;
SELECT count(coach_sms_internal.sms_prune_messages(:org, now() + interval '1 minute', 10, pg_current_xact_id()::xid)) FROM generate_series(1, 15);
TABLE kept;
SELECT count(coach_sms_internal.sms_prune_messages(:org, now() + interval '1 minute', 10, pg_current_xact_id()::xid)) FROM generate_series(1, 15);
TABLE kept;

-- Texts from people go; of a START the key stays, or who caught the call could lift a later STOP with it.
INSERT INTO sms_events (org_id, provider, event_type, event_status, event_payload, dedupe_key, received_at)
  SELECT :org, 'twilio', 'inbound', keyword, '{"From": "+61491570006"}', coalesce(keyword, 'text'), now() - interval '1 day' FROM unnest(ARRAY['STOP', 'START', 'YES', NULL]) keyword;
SELECT coach_sms_internal.sms_prune_events(:org, now(), 2), coach_sms_internal.sms_prune_events(:org, now(), 2), coach_sms_internal.sms_prune_events(:org, now(), 2);
SELECT dedupe_key, event_payload FROM sms_events ORDER BY 1;

-- What belongs to no org stays as long as any org keeps its own.
INSERT INTO sms_events (provider, event_type, event_payload, dedupe_key, received_at) VALUES ('twilio', 'inbound', '{}', 'stray', now() - interval '40 days');
UPDATE sms_settings SET retention_days = 30;
INSERT INTO sms_settings (org_id) VALUES ('10000000-0000-4000-8000-000000000002');
SELECT behind FROM coach_sms_internal.sms_prune_next(10, pg_current_xact_id()::xid, NULL);
SELECT count(*) FROM sms_events WHERE dedupe_key = 'stray';
UPDATE sms_settings SET retention_days = 35 WHERE retention_days IS NULL;
SELECT behind FROM coach_sms_internal.sms_prune_next(10, pg_current_xact_id()::xid, NULL);
SELECT behind FROM coach_sms_internal.sms_prune_next(10, pg_current_xact_id()::xid, NULL);
SELECT count(*) FROM sms_events WHERE dedupe_key = 'stray';
