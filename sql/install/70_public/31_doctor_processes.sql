-- Returns sms_doctor's checks of library, launcher and sender.
CREATE FUNCTION coach_sms_internal.sms_check_processes()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH fact AS MATERIALIZED (
    SELECT coach_sms_internal.sms_is_preloaded() AS preloaded,
           CASE WHEN pg_is_in_recovery() THEN 'note' ELSE 'error' END AS level,
           coach_sms_internal.sms_launcher_pid() AS launcher,
           @extschema@.sms_library_version() AS library,
           x.extversion AS extension,
           coalesce(current_setting('coach_sms.databases', true), '') AS databases,
           (SELECT count(*) FROM coach_sms_internal.sms_in_flight f
             WHERE f.state <> 'unknown' AND f.lease_until < now() - interval '30 seconds') AS unrecorded,
           w.*
      FROM pg_extension x LEFT JOIN @extschema@.sms_worker_stat w ON true
     WHERE x.extname = 'coach_sms')
  SELECT 'preloaded', 'error',
         CASE WHEN NOT preloaded THEN 'coach_sms is not in shared_preload_libraries: messages wait' END,
         format('Add coach_sms to shared_preload_libraries (%s) and restart the server; '
                'a reload is not enough.',
                CASE WHEN NOT preloaded  -- only then: it reads the files, and checks all settings
                     THEN coalesce(coach_sms_internal.sms_setting_place('shared_preload_libraries'),
                                   'in postgresql.conf, or by ALTER SYSTEM') END)
    FROM fact
  UNION ALL
  SELECT 'launcher', level,
         CASE WHEN launcher IS NULL THEN 'the launcher is not running' END,
         CASE WHEN preloaded
              THEN 'It starts again within seconds; if not, the server''s log says why '
                   '(raise max_worker_processes, or look for coach_sms there).'
              ELSE 'See preloaded.' END
    FROM fact
  UNION ALL
  SELECT 'sender', level,
         CASE WHEN pid IS NULL
                THEN concat_ws(': ', 'no sender runs for this database', state, last_error)
              WHEN next_wake_at < clock_timestamp() - interval '30 seconds'
                THEN format('the sender (process %s) is frozen since %s', pid, next_wake_at)
              WHEN unrecorded > 0
                THEN concat_ws(': ', format('results of requests cannot be recorded: %s', unrecorded),
                               last_error)
              WHEN state = 'step failed'
                THEN concat_ws(': ', 'a step of the sender keeps failing', last_error) END,
         CASE WHEN NOT preloaded THEN 'See preloaded.'
              WHEN state = 'held'
                THEN format('It starts by itself after %s: '
                            'sms_detach_worker() or DROP DATABASE asked for it.', held_until)
              WHEN pid IS NULL
                THEN format('coach_sms.databases (now ''%s'') must name this database or be ''*''; '
                            'else the server''s log says why.', databases)
              WHEN state = 'step failed' AND unrecorded = 0
                THEN 'It tries again by itself. Correct the cause of the error. '
                     'The server''s log has the details.'
              WHEN unrecorded > 0
                THEN 'They are kept, and recorded once no other session locks sms_messages '
                     'or its rows: see pg_locks.'
              ELSE format('Resume the process, or end it with SELECT pg_terminate_backend(%s): '
                          'another one starts.', pid) END
    FROM fact
  UNION ALL
  SELECT 'version', 'error',
         CASE WHEN library <> extension
              THEN format('the library is version %s, the extension %s', library, extension) END,
         'Run ALTER EXTENSION coach_sms UPDATE; where the library is the older one, restart the server first.'
    FROM fact
  UNION ALL
  SELECT 'worker_slots', 'error',
         CASE WHEN pid IS NULL AND last_error LIKE '%background worker slots%' THEN last_error END,
         format('Raise max_worker_processes (now %s; one for the launcher and one for each database '
                'that sends) and restart the server.', current_setting('max_worker_processes'))
    FROM fact
$$;
