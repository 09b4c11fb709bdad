-- The figures for Prometheus: one row a sample, in the words of its text format. coach_sms_gateway and
-- contrib/prometheus/sql_exporter.yml only carry them.

-- Returns this database's counters and histograms in shared memory.
CREATE FUNCTION coach_sms_internal.sms_counters(
  OUT family text, OUT name text, OUT labels jsonb, OUT value double precision)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME', 'coach_sms_counters' LANGUAGE C VOLATILE ROWS 80;

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_metrics AS
  WITH family (place, family, type, help) AS (VALUES
    (1, 'coach_sms_healthy', 'gauge', '1 where sms_health.ok is true, 0 where there is a problem.'),
    (2, 'coach_sms_info', 'gauge', 'Always 1. The labels have the mode and the versions.'),
    (3, 'coach_sms_messages_waiting', 'gauge', 'Messages in the queue.'),
    (4, 'coach_sms_messages_due', 'gauge', 'Messages whose time has come.'),
    (5, 'coach_sms_messages_in_flight', 'gauge', 'Messages that the sender has claimed.'),
    (6, 'coach_sms_messages_unknown', 'gauge', 'Messages whose outcome is being reconciled.'),
    (7, 'coach_sms_oldest_due_age_seconds', 'gauge',
        'How long the oldest message that nothing holds has been due; 0 where there is none.'),
    (8, 'coach_sms_unprocessed_events', 'gauge', 'Callbacks that wait for their message.'),
    (9, 'coach_sms_account_held', 'gauge',
        '1 for an account whose messages are held, by the end of its SID.'),
    (10, 'coach_sms_requests_total', 'counter', 'Requests to Twilio, by outcome, the sandbox''s too.'),
    (11, 'coach_sms_request_duration_seconds', 'histogram', 'Duration of requests to Twilio.'),
    (12, 'coach_sms_commit_to_request_seconds', 'histogram',
        'How long messages that nothing holds waited for their first request.'),
    (13, 'coach_sms_messages_final_total', 'counter', 'Messages that ended, by status and reason.'),
    (14, 'coach_sms_webhook_calls_total', 'counter', 'Calls to the webhook, by the status answered.'),
    (15, 'coach_sms_segments_total', 'counter', 'Segments of messages that Twilio took, the sandbox''s too.'),
    (16, 'coach_sms_sender_restarts_total', 'counter', 'Restarts of the sender process.'),
    (17, 'coach_sms_counters_begin_seconds', 'gauge',
        'Unix time from which the counters count: the server''s start, also that after a crash.')),
  health AS MATERIALIZED (SELECT * FROM @extschema@.sms_health),
  gauge AS (
    SELECT g.name, g.labels, g.value
      FROM health h CROSS JOIN LATERAL (VALUES
        ('coach_sms_healthy', '{}'::jsonb, h.ok::integer::double precision),
        ('coach_sms_info', jsonb_build_object('mode', h.mode, 'library_version', h.library_version,
                                              'extension_version', h.extension_version), 1),
        ('coach_sms_messages_waiting', '{}', h.waiting),
        ('coach_sms_messages_due', '{}', h.due),
        ('coach_sms_messages_in_flight', '{}', h.in_flight),
        ('coach_sms_messages_unknown', '{}', h.unknown),
        ('coach_sms_oldest_due_age_seconds', '{}', coalesce(h.oldest_due_seconds, 0)),
        ('coach_sms_unprocessed_events', '{}', h.unprocessed_events)) g (name, labels, value)
    UNION ALL
    SELECT 'coach_sms_account_held', jsonb_build_object('account', coalesce(o.account, '')), 1
      FROM coach_sms_internal.sms_holds o
     WHERE o.rule = 'account' AND o.until > now() GROUP BY o.account),
  sample AS (
    SELECT g.name AS family, g.name, g.labels, g.value, 0::bigint AS n FROM gauge g
    UNION ALL
    SELECT c.family, c.name, c.labels, c.value, c.n
      FROM coach_sms_internal.sms_counters() WITH ORDINALITY c (family, name, labels, value, n))
  SELECT f.family, f.type, f.help, s.name, s.labels, s.value
    FROM family f JOIN sample s ON s.family = f.family
   ORDER BY f.place, s.n, s.labels::text;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_metrics IS
'Figures for Prometheus, one row a sample, in the order of its text format. Reads the queue as a whole, and '
'of attempts and events the last day at most. Counters begin at the server''s start. No org is named: see '
'sms_metrics_by_org.';
COMMENT ON COLUMN sms_metrics.family IS 'The metric''s name.';
COMMENT ON COLUMN sms_metrics.type IS 'gauge, counter or histogram.';
COMMENT ON COLUMN sms_metrics.help IS 'The meaning of the metric.';
COMMENT ON COLUMN sms_metrics.name IS
'The sample''s name: the metric''s, for a histogram with _bucket, _sum or _count behind it.';
COMMENT ON COLUMN sms_metrics.labels IS 'The sample''s labels, all texts; {} for none.';
COMMENT ON COLUMN sms_metrics.value IS 'The value, in seconds where it is a time.';

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_metrics_by_org AS
  SELECT g.family, 'gauge' AS type, g.help, g.family AS name, jsonb_build_object('org', q.org_id) AS labels,
         g.value
    FROM @extschema@.sms_queue_stat q CROSS JOIN LATERAL (VALUES
      (1, 'coach_sms_org_messages_waiting', 'Messages of the org in the queue.',
       q.waiting::double precision),
      (2, 'coach_sms_org_messages_due', 'Messages of the org whose time has come.', q.due),
      (3, 'coach_sms_org_messages_in_flight', 'Messages of the org that the sender has claimed.',
       q.in_flight),
      (4, 'coach_sms_org_messages_unknown', 'Messages of the org whose outcome is being reconciled.',
       q.unknown),
      (5, 'coach_sms_org_oldest_due_age_seconds',
       'How long the oldest message of the org that nothing holds has been due; 0 where there is none.',
       coalesce(extract(epoch FROM q.oldest_due_age), 0)),
      (6, 'coach_sms_org_held', '1 where messages of the org that are due are held, 0 otherwise.',
       (q.held_by IS NOT NULL)::integer)) g (place, family, help, value)
   ORDER BY g.place, q.org_id;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_metrics_by_org IS
'Figures of each org for Prometheus, in the form of sms_metrics: six samples an org. coach_sms_gateway '
'reads it with --metrics-by-org.';
COMMENT ON COLUMN sms_metrics_by_org.family IS 'The metric''s name.';
COMMENT ON COLUMN sms_metrics_by_org.type IS 'Always gauge.';
COMMENT ON COLUMN sms_metrics_by_org.help IS 'The meaning of the metric.';
COMMENT ON COLUMN sms_metrics_by_org.name IS 'The sample''s name, which is the metric''s.';
COMMENT ON COLUMN sms_metrics_by_org.labels IS 'The org.';
COMMENT ON COLUMN sms_metrics_by_org.value IS 'The value, in seconds where it is a time.';
