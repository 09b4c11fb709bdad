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
COMMENT ON VIEW sms_queue_stat IS 'Messages that wait and messages under way, one row an org.';
COMMENT ON COLUMN sms_queue_stat.org_id IS 'The org.';
COMMENT ON COLUMN sms_queue_stat.may_send IS
'false: the org is disabled, paused or without settings, and its messages wait.';
COMMENT ON COLUMN sms_queue_stat.waiting IS 'Messages in the queue.';
COMMENT ON COLUMN sms_queue_stat.due IS 'Messages whose time has come.';
COMMENT ON COLUMN sms_queue_stat.oldest_due_age IS
'How long the oldest due message without a hold has been due. NULL where there is none, or the org may not '
'send.';
COMMENT ON COLUMN sms_queue_stat.held_by IS
'The hold of messages that are due, and its end where it is known: quiet hours, a limit, a pause, the '
'account and so on. Where none is due, the daily limit of clients. NULL where nothing is held.';
COMMENT ON COLUMN sms_queue_stat.in_flight IS 'Messages that the sender has claimed.';
COMMENT ON COLUMN sms_queue_stat.unknown IS 'Messages whose outcome is unknown and is being reconciled.';
COMMENT ON COLUMN sms_queue_stat.next_due_at IS
'The earliest time, past or to come, at which a message is due.';
