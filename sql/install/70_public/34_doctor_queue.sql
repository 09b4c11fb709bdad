-- Returns sms_doctor's checks of the queue. sms_messages has no index on its status. So what does not fit
-- between messages and queue is searched for among the highest ids, which are mostly the newest.
CREATE FUNCTION coach_sms_internal.sms_check_queue()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH server AS MATERIALIZED (
    SELECT m.mode, coach_sms_internal.sms_is_subscriber() AS is_subscriber,
           EXISTS (SELECT FROM pg_subscription_rel r
                    WHERE r.srrelid = '@extschema@.sms_messages'::regclass) AS brings_messages
      FROM @extschema@.sms_mode() m),
  newest AS MATERIALIZED (
    SELECT id, status, sandbox FROM @extschema@.sms_messages ORDER BY id DESC LIMIT 100000),
  found AS MATERIALIZED (
    SELECT (SELECT count(*) FROM newest m, server v
             WHERE m.status IN ('pending', 'queued') AND m.sandbox = (v.mode = 'sandbox')
               AND v.mode <> 'not armed' AND NOT v.is_subscriber
               AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_queue q
                                WHERE q.message_id = m.id)) AS unqueued,
           (SELECT count(*) FROM newest m, server v
             WHERE m.status IN ('pending', 'queued') AND NOT m.sandbox
               AND v.mode <> 'live' AND NOT v.is_subscriber) AS kept,
           (SELECT count(*)
              FROM (SELECT message_id FROM coach_sms_internal.sms_queue
                     ORDER BY message_id DESC LIMIT 100000) q
             WHERE (SELECT m.id FROM @extschema@.sms_messages m WHERE m.id = q.message_id) IS NULL)
             AS orphans,
           u.*, s.holder, s.since
      FROM coach_sms_internal.sms_oldest_snapshot() s
     CROSS JOIN (
       SELECT count(*) AS unknown, count(f.not_asked) AS not_asked, min(f.not_asked) AS why_not_asked
         FROM coach_sms_internal.sms_in_flight f
        WHERE f.state = 'unknown'
          AND f.lease_until < now() - current_setting('coach_sms.reconcile_limit')::interval
                                - interval '5 minutes') u)
  SELECT 'queue', 'error',
         CASE WHEN unqueued > 0
              THEN format('messages that wait without a row in sms_queue: %s', unqueued) END,
         format('Call %s() again: it repairs the queue.',
                CASE WHEN v.mode = 'sandbox' THEN 'sms_go_sandbox' ELSE 'sms_go_live' END)
    FROM found, server v
  UNION ALL
  SELECT 'live_messages', 'note',
         CASE WHEN kept > 0 THEN format('live messages that wait for sms_go_live(): %s', kept) END,
         'sms_go_live() sends them. Cancel those that should never be sent.'
    FROM found, server v
  UNION ALL
  SELECT 'subscription', CASE WHEN v.brings_messages THEN 'note' ELSE 'warning' END,
         CASE WHEN v.is_subscriber AND v.brings_messages
                THEN 'messages come from another server by a subscription, and that server sends them'
              WHEN v.is_subscriber
                THEN 'a subscription has no list of its tables yet; '
                     'waiting messages are not queued before' END,
         CASE WHEN v.brings_messages
              THEN 'Nothing. Where this server is to take over: DROP SUBSCRIPTION, then sms_go_live().'
              ELSE 'ALTER SUBSCRIPTION … REFRESH PUBLICATION, or DROP SUBSCRIPTION; then sms_go_live().' END
    FROM server v
  UNION ALL
  SELECT 'queue_orphans', 'warning',
         CASE WHEN orphans > 0 THEN format('rows of sms_queue without a message: %s', orphans) END,
         'They are harmless; as a superuser, delete them from coach_sms_internal.sms_queue.'
    FROM found
  UNION ALL
  SELECT 'unknown', 'warning',
         CASE WHEN unknown > 0
              THEN format('messages whose outcome is still unknown: %s', unknown) END
           || CASE WHEN not_asked > 0
                   THEN format('; Twilio''s list was not asked for %s of them: %s', not_asked, why_not_asked)
                   ELSE '' END,
         CASE WHEN not_asked > 0
              THEN 'Give their account its token again, or repair the connection. '
                   'Each is then searched for, or sent again, once.'
              ELSE 'Twilio''s list does not settle them. sms_why() says more about each.' END
    FROM found
  UNION ALL
  SELECT 'snapshot', 'warning',
         CASE WHEN since < now() - interval '1 hour'
              THEN format('%s has been open since %s and keeps dead rows of the queue', holder, since) END,
         'End it (pg_terminate_backend, or ROLLBACK PREPARED): claims slow down while it lasts.'
    FROM found
$$;
