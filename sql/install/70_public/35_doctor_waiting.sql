-- Returns sms_doctor's checks of messages that wait without end: messages of orgs without settings, and
-- messages that coach_sms.max_wait ends.
CREATE FUNCTION coach_sms_internal.sms_check_waiting()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH orphan AS MATERIALIZED (
    SELECT sum(o.messages) AS messages, array_agg(o.org_id ORDER BY o.org_id) AS orgs
      FROM (SELECT q.org_id, count(*) AS messages FROM coach_sms_internal.sms_queue q
             WHERE NOT EXISTS (SELECT FROM @extschema@.sms_settings s WHERE s.org_id = q.org_id)
             GROUP BY q.org_id) o),
  overdue AS MATERIALIZED (
    SELECT coach_sms_internal.sms_count_overdue() AS ended,
           (SELECT count(*)
              FROM coach_sms_internal.sms_queue q
             CROSS JOIN LATERAL (
               SELECT * FROM @extschema@.sms_messages WHERE id = q.message_id OFFSET 0) m
             WHERE coach_sms_internal.sms_ends_at(m.scheduled_for, NULL)
                   BETWEEN now() AND least(m.expires_at, now() + interval '1 day')) AS ends_soon)
  SELECT 'settings', 'error',
         CASE WHEN o.messages > 0
              THEN format('messages of orgs without a row in sms_settings: %s, of %s',
                          o.messages, coach_sms_internal.sms_list_orgs(o.orgs)) END,
         'Insert the settings of these orgs again, or cancel their messages; '
         'else coach_sms.max_wait ends them.'
    FROM orphan o
  UNION ALL
  SELECT 'max_wait', 'warning',
         nullif(concat_ws('; ',
           CASE WHEN ended > 0
                THEN format('messages that waited longer than coach_sms.max_wait (%s) and are not sent: %s',
                            current_setting('coach_sms.max_wait'), ended) END,
           CASE WHEN ends_soon > 0
                THEN format('messages that coach_sms.max_wait (%s) ends within a day: %s',
                            current_setting('coach_sms.max_wait'), ends_soon) END), ''),
         'sms_queue_stat.held_by and sms_why() say why the others wait. '
         'sms_retry() sends an ended message as a new one.'
    FROM overdue
$$;
