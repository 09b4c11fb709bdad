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
  summary AS (
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
      FROM @extschema@.sms_mode() m CROSS JOIN queue q CROSS JOIN failed f CROSS JOIN summary t
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
               THEN concat_ws(': ', 'a step of the sender keeps failing', w.last_error)
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
'One row: whether this database sends. For alarms: ok is false where there is a problem, and sms_doctor() '
'says its remedy.';
COMMENT ON COLUMN sms_health.mode IS 'sandbox, live, or not armed.';
COMMENT ON COLUMN sms_health.sender_pid IS 'The sender''s process id; NULL where none runs.';
COMMENT ON COLUMN sms_health.sender_state IS 'As in sms_worker_stat.';
COMMENT ON COLUMN sms_health.library_version IS 'The version of the library that this session runs.';
COMMENT ON COLUMN sms_health.extension_version IS 'The version of the extension in this database.';
COMMENT ON COLUMN sms_health.waiting IS 'Messages in the queue.';
COMMENT ON COLUMN sms_health.due IS 'Messages whose time has come.';
COMMENT ON COLUMN sms_health.oldest_due_seconds IS
'Seconds for which the oldest message of an org that may send has been due. NULL where there is none.';
COMMENT ON COLUMN sms_health.in_flight IS 'Messages that the sender has claimed.';
COMMENT ON COLUMN sms_health.unknown IS 'Messages whose outcome is unknown and is being reconciled.';
COMMENT ON COLUMN sms_health.unprocessed_events IS
'Callbacks that wait until their message is known or unlocked.';
COMMENT ON COLUMN sms_health.failed_last_hour IS 'Messages that failed in the last 60 minutes.';
COMMENT ON COLUMN sms_health.last_error IS 'The sender''s last error, which may be over.';
COMMENT ON COLUMN sms_health.last_error_at IS 'When that error occurred.';
COMMENT ON COLUMN sms_health.ok IS 'true: there is no problem.';
COMMENT ON COLUMN sms_health.problem IS
'The problem in words. NULL where all is well, and on a standby, which sends nothing.';
COMMENT ON COLUMN sms_health.waits_for IS
'The reasons for which messages wait, and their ends where they are known. NULL where none waits. Waiting '
'alone is no problem.';
