-- Views for monitoring: the sender, the queue, deliveries, health.

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_worker_stat AS
  SELECT database_oid, database, pid, state, activity, started_at, heartbeat_at, next_wake_at, held_until,
         restarts, claimed, accepted, rejected, retried, unknown, in_flight, latency_p50_ms, latency_p99_ms,
         last_error, last_error_at, library_version
    FROM coach_sms_internal.sms_worker_state()
   WHERE database_oid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_worker_stat IS
'This database''s sender, from shared memory. No row where the library is not preloaded or the launcher '
'has not come here yet.';
COMMENT ON COLUMN sms_worker_stat.pid IS 'The process; NULL where none runs.';
COMMENT ON COLUMN sms_worker_stat.state IS
'sandbox or live where it sends; not armed, version mismatch, step failed where it runs and a step keeps '
'failing, as last_error says; starting, stopping, backing off, held, stopped.';
COMMENT ON COLUMN sms_worker_stat.heartbeat_at IS 'When it last went to sleep.';
COMMENT ON COLUMN sms_worker_stat.next_wake_at IS
'When it meant to wake at the latest; long past: it is frozen.';
COMMENT ON COLUMN sms_worker_stat.held_until IS
'Not started before this time: sms_detach_worker() or DROP DATABASE asked for it.';
COMMENT ON COLUMN sms_worker_stat.restarts IS
'How often it was started again since the server started; the counters count from there too.';
COMMENT ON COLUMN sms_worker_stat.claimed IS 'Messages taken out of the queue.';
COMMENT ON COLUMN sms_worker_stat.accepted IS 'Requests that Twilio took.';
COMMENT ON COLUMN sms_worker_stat.rejected IS 'Requests that Twilio refused for good.';
COMMENT ON COLUMN sms_worker_stat.retried IS 'Requests that go again: provably not taken.';
COMMENT ON COLUMN sms_worker_stat.unknown IS 'Requests without a clear answer.';
COMMENT ON COLUMN sms_worker_stat.latency_p50_ms IS 'Median time of the last few thousand requests.';
COMMENT ON COLUMN sms_worker_stat.latency_p99_ms IS '99 of 100 of them were faster.';

-- Views read as coach_sms_owner, whom no policy binds. So views that tenants may read
-- choose the reader's orgs themselves.

-- The lanes: how many messages wait in each, and why. For sms_queue_stat and sms_health. Of several holds
-- of a lane the one that ends last counts.
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW coach_sms_internal.sms_lane_stat WITH (security_barrier) AS
  WITH reader AS MATERIALIZED (
    SELECT coach_sms_internal.sms_sees_all() AS sees_all,
           CASE WHEN NOT coach_sms_internal.sms_sees_all() THEN @extschema@.sms_my_orgs() END AS orgs),
  lane AS (
    SELECT org_id, zone, priority, count(*) AS waiting,
           count(*) FILTER (WHERE due_at <= now()) AS due,
           min(due_at) AS next_due_at,
           count(*) FILTER (WHERE due_at > now() AND held_for IS NOT NULL) AS over_limit,
           min(due_at) FILTER (WHERE due_at > now() AND held_for IS NOT NULL) AS room_at,
           count(*) FILTER (WHERE due_at > now() AND held_for IS NULL AND failures > 0) AS retrying,
           min(due_at) FILTER (WHERE due_at > now() AND held_for IS NULL AND failures > 0) AS retry_at,
           min(due_at) FILTER (WHERE due_at > now() AND held_for IS NULL AND failures = 0) AS scheduled_for
      FROM coach_sms_internal.sms_queue
     WHERE (SELECT sees_all FROM reader) OR org_id = ANY ((SELECT orgs FROM reader)::uuid[])
     GROUP BY org_id, zone, priority),
  hold AS MATERIALIZED (
    SELECT * FROM coach_sms_internal.sms_holds WHERE until > now()),
  server_hold AS (
    SELECT why, is_trouble FROM hold WHERE org_id IS NULL ORDER BY until DESC LIMIT 1)
  SELECT DISTINCT ON (l.org_id, l.zone, l.priority) l.*,
         CASE WHEN l.due > 0 THEN coalesce(v.why, h.why) END AS held_by,
         l.due > 0 AND coalesce(v.is_trouble, h.is_trouble, false) AS is_trouble
    FROM lane l
    LEFT JOIN hold h
      ON h.org_id = l.org_id AND (h.priority IS NULL OR (h.priority = l.priority AND h.zone = l.zone))
    LEFT JOIN server_hold v ON true
   ORDER BY l.org_id, l.zone, l.priority, h.until DESC NULLS LAST, h.rule;
SET LOCAL search_path = @extschema@, pg_temp;

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_queue_stat WITH (security_barrier) AS
  WITH reader AS MATERIALIZED (
    SELECT coach_sms_internal.sms_sees_all() AS sees_all,
           CASE WHEN NOT coach_sms_internal.sms_sees_all() THEN @extschema@.sms_my_orgs() END AS orgs),
  server AS (
    SELECT max(paused_until) AS paused_until FROM coach_sms_internal.sms_server),
  org AS (
    SELECT s.org_id,
           s.enabled AND coalesce(greatest(s.paused_until, v.paused_until) <= now(), true) AS may_send
      FROM @extschema@.sms_settings s CROSS JOIN server v),
  queued AS (
    SELECT org_id, sum(waiting)::bigint AS waiting, sum(due)::bigint AS due, min(next_due_at) AS next_due_at,
           min(next_due_at) FILTER (WHERE held_by IS NULL) AS free_due_at,
           coalesce(
             (array_agg(held_by ORDER BY is_trouble DESC, due DESC, held_by)
                FILTER (WHERE held_by IS NOT NULL))[1],
             CASE WHEN sum(over_limit) > 0
                  THEN format('max_sms_per_client_per_day is reached (messages: %s), until %s',
                              sum(over_limit), date_trunc('minute', min(room_at))) END) AS held_by
      FROM coach_sms_internal.sms_lane_stat GROUP BY org_id),
  claimed AS (
    SELECT org_id, count(*) FILTER (WHERE state <> 'unknown') AS in_flight,
           count(*) FILTER (WHERE state = 'unknown') AS unknown
      FROM coach_sms_internal.sms_in_flight GROUP BY org_id)
  SELECT org_id, coalesce(org.may_send, false) AS may_send,
         coalesce(waiting, 0) AS waiting, coalesce(due, 0) AS due,
         CASE WHEN org.may_send AND free_due_at <= now() THEN now() - free_due_at END AS oldest_due_age,
         coalesce(in_flight, 0) AS in_flight, coalesce(unknown, 0) AS unknown,
         next_due_at, held_by COLLATE "C" AS held_by
    FROM org FULL JOIN queued USING (org_id) FULL JOIN claimed USING (org_id)
   WHERE (SELECT sees_all FROM reader) OR org_id = ANY ((SELECT orgs FROM reader)::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_queue_stat IS 'What waits and what is under way, one row an org.';
COMMENT ON COLUMN sms_queue_stat.may_send IS
'false: the org is disabled, paused or without settings, and its messages wait.';
COMMENT ON COLUMN sms_queue_stat.waiting IS 'Messages in the queue.';
COMMENT ON COLUMN sms_queue_stat.due IS 'Those whose time has come.';
COMMENT ON COLUMN sms_queue_stat.oldest_due_age IS
'How long the first of them has been due that nothing holds; NULL where none is, or the org may not send.';
COMMENT ON COLUMN sms_queue_stat.held_by IS
'The reason for which messages that are due wait, and its end where it is known: quiet hours, a limit, a '
'pause, the account and so on. The sender decides and tells at once. Where none is due, the daily limit of '
'clients. NULL where nothing is held.';
COMMENT ON COLUMN sms_queue_stat.in_flight IS 'Messages that the sender has claimed.';
COMMENT ON COLUMN sms_queue_stat.unknown IS
'Messages of which it is being found out whether Twilio took them.';
COMMENT ON COLUMN sms_queue_stat.next_due_at IS 'The earliest time at which one is due, past or to come.';

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_delivery_stats WITH (security_barrier) AS
  WITH message AS (
    SELECT m.org_id, (m.created_at AT TIME ZONE coach_sms_internal.sms_known_zone(s.timezone))::date AS day,
           m.sandbox, m.status, m.segments,
           m.price, m.price_unit, m.provider_message_id IS NOT NULL AS was_taken,
           m.status IN ('sent', 'delivered', 'failed')
             AND coalesce(m.sent_at, m.failed_at) < now() - interval '1 hour' AS is_old_enough
      FROM @extschema@.sms_messages m LEFT JOIN @extschema@.sms_settings s ON s.org_id = m.org_id
     WHERE m.created_at > now() - interval '30 days'),
  counted AS (
    SELECT org_id, day, sandbox, count(*) AS total,
           count(*) FILTER (WHERE status = 'sent') AS sent,
           count(*) FILTER (WHERE status = 'delivered') AS delivered,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE status = 'unknown') AS unknown,
           count(*) FILTER (WHERE status IN ('pending', 'queued', 'sending')) AS waiting,
           count(*) FILTER (WHERE is_old_enough AND status = 'delivered') AS old_delivered,
           nullif(count(*) FILTER (WHERE is_old_enough), 0) AS old,
           coalesce(sum(segments) FILTER (WHERE status IN ('sent', 'delivered') OR was_taken), 0) AS segments,
           CASE WHEN min(price_unit) = max(price_unit) THEN sum(price) END AS price,
           CASE WHEN min(price_unit) = max(price_unit) THEN min(price_unit) END AS price_unit
      FROM message GROUP BY org_id, day, sandbox)
  SELECT org_id, day, sandbox, total, sent, delivered, failed, cancelled, unknown, waiting,
         round(100.0 * old_delivered / old, 2) AS delivery_rate, segments, price, price_unit
    FROM counted
   WHERE (SELECT coach_sms_internal.sms_sees_all())
      OR org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_delivery_stats IS
'What became of the last 30 days'' messages, by org and day of creation (in the org''s time zone). Fast '
'for one org: WHERE org_id = ...';
COMMENT ON COLUMN sms_delivery_stats.sandbox IS 'true: the sandbox''s messages, which nobody got.';
COMMENT ON COLUMN sms_delivery_stats.sent IS
'Twilio took them, and no receipt has come; some carriers send none.';
COMMENT ON COLUMN sms_delivery_stats.waiting IS 'pending, queued or sending.';
COMMENT ON COLUMN sms_delivery_stats.delivery_rate IS
'Percent delivered of those sent, delivered or failed more than an hour ago; NULL where there are none.';
COMMENT ON COLUMN sms_delivery_stats.segments IS 'Segments of those that Twilio took.';
COMMENT ON COLUMN sms_delivery_stats.price IS
'What Twilio charged, as far as known; NULL where currencies mix.';

-- Messages that failed in the last hour are found by their attempts and events, since sms_messages has no
-- index on times that change. Ids of version 7 begin with their time, so the last hour is a range of the
-- primary key. problem is the first thing that is wrong; its consequences are not shown.
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_health AS
  WITH mark AS (
    SELECT now() - interval '1 hour' AS hour_ago,
           (lpad(to_hex(floor(extract(epoch FROM now() - interval '1 hour') * 1000::numeric)::bigint),
                 12, '0') || '70008000000000000000')::uuid AS id_hour_ago,
           (lpad(to_hex(floor(extract(epoch FROM now() - interval '1 day') * 1000::numeric)::bigint),
                 12, '0') || '70008000000000000000')::uuid AS id_day_ago),
  touched AS (
    SELECT a.message_id FROM @extschema@.sms_attempts a
     WHERE a.id >= (SELECT id_hour_ago FROM mark) AND a.status <> 'success'
    UNION
    SELECT e.message_id FROM @extschema@.sms_events e
     WHERE e.id >= (SELECT id_day_ago FROM mark) AND e.processed_at >= (SELECT hour_ago FROM mark)
       AND e.event_status IN ('failed', 'undelivered', 'canceled')),
  failed AS (
    SELECT count(*) AS failed_last_hour
      FROM touched t JOIN @extschema@.sms_messages m ON m.id = t.message_id, mark
     WHERE m.status = 'failed' AND m.failed_at >= mark.hour_ago),
  queue AS (
    SELECT coalesce(sum(waiting), 0)::bigint AS waiting, coalesce(sum(due), 0)::bigint AS due,
           round(extract(epoch FROM max(oldest_due_age)))::bigint AS oldest_due_seconds,
           coalesce(sum(in_flight), 0)::bigint AS in_flight, coalesce(sum(unknown), 0)::bigint AS unknown
      FROM @extschema@.sms_queue_stat),
  lane AS MATERIALIZED (
    SELECT * FROM coach_sms_internal.sms_lane_stat),
  wait AS (
    SELECT sum(due) AS messages, format(' (org %s): %s', org_id, held_by) AS what FROM lane
     WHERE held_by IS NOT NULL GROUP BY org_id, held_by
    UNION ALL
    SELECT sum(over_limit),
           format(' (org %s): max_sms_per_client_per_day is reached, until %s',
                  org_id, date_trunc('minute', min(room_at)))
      FROM lane GROUP BY org_id HAVING sum(over_limit) > 0
    UNION ALL
    SELECT sum(retrying), format(': tried again, the first at %s', date_trunc('second', min(retry_at)))
      FROM lane HAVING sum(retrying) > 0
    UNION ALL
    SELECT sum(waiting - due - over_limit - retrying),
           format(': scheduled, the first for %s', date_trunc('minute', min(scheduled_for)))
      FROM lane HAVING sum(waiting - due - over_limit - retrying) > 0),
  told AS (
    SELECT string_agg(line, '; ' ORDER BY place)
             || CASE WHEN max(lines) > 5 THEN format('; more reasons: %s', max(lines) - 5) ELSE '' END
             AS waits_for
      FROM (SELECT messages || CASE WHEN messages = 1 THEN ' message waits' ELSE ' messages wait' END
                     || what AS line,
                   row_number() OVER (ORDER BY messages DESC, what) AS place,
                   count(*) OVER () AS lines
              FROM wait) l
     WHERE place <= 5),
  trouble AS (
    SELECT sum(due) AS messages, min(held_by) AS held_by FROM lane WHERE is_trouble),
  fact AS MATERIALIZED (
    SELECT m.mode, m.reason, pg_is_in_recovery() AS is_standby,
           coach_sms_internal.sms_is_preloaded() AS is_preloaded,
           @extschema@.sms_library_version() AS library_version, x.extversion AS extension_version,
           (SELECT count(*) FROM @extschema@.sms_events WHERE processed_at IS NULL AND message_id IS NOT NULL)
             + (SELECT count(*) FROM @extschema@.sms_events WHERE processed_at IS NULL AND message_id IS NULL)
             AS unprocessed_events,
           q.*, f.*, t.waits_for, b.messages AS troubled, b.held_by AS trouble,
           (SELECT count(*) FROM coach_sms_internal.sms_in_flight
             WHERE state <> 'unknown' AND lease_until < now() - interval '30 seconds') AS unrecorded,
           (SELECT c.problem FROM coach_sms_internal.sms_check_trust() c
             WHERE m.mode = 'live') AS trust_problem
      FROM @extschema@.sms_mode() m CROSS JOIN queue q CROSS JOIN failed f CROSS JOIN told t
     CROSS JOIN trouble b CROSS JOIN pg_extension x
     WHERE x.extname = 'coach_sms'),
  judged AS (
    SELECT f.*, w.pid AS sender_pid, w.state AS sender_state, w.last_error, w.last_error_at,
           CASE
             WHEN f.is_standby THEN NULL
             WHEN NOT f.is_preloaded THEN 'coach_sms is not in shared_preload_libraries: nothing is sent'
             WHEN f.library_version <> f.extension_version
               THEN format('the library is version %s and the extension %s: nothing is sent before '
                           'ALTER EXTENSION coach_sms UPDATE, or a restart with the right library',
                           f.library_version, f.extension_version)
             WHEN f.mode = 'not armed'
               THEN format('this server is not armed for this database, and sends nothing: %s', f.reason)
             WHEN w.state = 'held' THEN format('the sender is held back until %s', w.held_until)
             WHEN w.pid IS NULL THEN concat_ws(': ', 'no sender runs for this database', w.last_error)
             WHEN w.next_wake_at < clock_timestamp() - interval '30 seconds'
               THEN format('the sender (process %s) is frozen: it meant to wake at %s', w.pid, w.next_wake_at)
             WHEN f.trust_problem IS NOT NULL THEN f.trust_problem
             WHEN f.unrecorded > 0
               THEN concat_ws(': ',
                      format('results of requests cannot be recorded, and may wait for a lock: %s',
                             f.unrecorded),
                      w.last_error)
             WHEN w.state = 'step failed'
               THEN concat_ws(': ', 'the sender fails again and again', w.last_error)
             WHEN f.troubled > 0 THEN format('messages wait (%s): %s', f.troubled, f.trouble)
             WHEN f.oldest_due_seconds > 60 AND f.in_flight = 0
               THEN format('messages are due and do not move: the first for %s s', f.oldest_due_seconds)
           END AS problem
      FROM fact f LEFT JOIN @extschema@.sms_worker_stat w ON true)
  SELECT mode, sender_pid, sender_state, library_version, extension_version, waiting, due, oldest_due_seconds,
         in_flight, unknown, unprocessed_events, failed_last_hour, last_error, last_error_at,
         problem IS NULL AS ok, problem, waits_for
    FROM judged;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_health IS
'One row: whether this database sends. For alarms: ok is false, and problem says why; sms_doctor() says '
'what to do.';
COMMENT ON COLUMN sms_health.mode IS 'sandbox, live, or not armed.';
COMMENT ON COLUMN sms_health.sender_pid IS 'The sender''s process; NULL where none runs.';
COMMENT ON COLUMN sms_health.sender_state IS 'As in sms_worker_stat.';
COMMENT ON COLUMN sms_health.oldest_due_seconds IS
'How long the first message of an org that may send has been due; NULL where none is.';
COMMENT ON COLUMN sms_health.unknown IS 'Messages of which it is being found out whether Twilio took them.';
COMMENT ON COLUMN sms_health.unprocessed_events IS
'Callbacks that wait for their message to be known or unlocked.';
COMMENT ON COLUMN sms_health.failed_last_hour IS 'Messages that failed in the last 60 minutes.';
COMMENT ON COLUMN sms_health.last_error IS 'The sender''s last error; it may be over.';
COMMENT ON COLUMN sms_health.problem IS
'In words; NULL where all is well. On a standby, which sends nothing, it is NULL.';
COMMENT ON COLUMN sms_health.waits_for IS
'The reasons for which messages wait, and their ends where they are known; NULL where none waits. Waiting '
'alone is no problem.';
REVOKE ALL ON coach_sms_internal.sms_lane_stat, sms_worker_stat, sms_queue_stat, sms_delivery_stats,
  sms_health FROM PUBLIC;
