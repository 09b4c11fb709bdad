-- Views for monitoring: the sender, the queue, deliveries, health. Here the sender.

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_worker_stat AS
  SELECT database_oid, database, pid, state, activity, started_at, heartbeat_at, next_wake_at, held_until,
         restarts, claimed, accepted, rejected, retried, unknown, in_flight, latency_p50_ms, latency_p99_ms,
         last_error, last_error_at, library_version
    FROM coach_sms_internal.sms_worker_state()
   WHERE database_oid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_worker_stat IS
'This database''s sender, from shared memory. No row where the library is not preloaded, or the launcher '
'has not read this database yet.';
COMMENT ON COLUMN sms_worker_stat.database_oid IS 'The database''s OID.';
COMMENT ON COLUMN sms_worker_stat.database IS 'The database''s name.';
COMMENT ON COLUMN sms_worker_stat.pid IS 'The process id; NULL where none runs.';
COMMENT ON COLUMN sms_worker_stat.state IS
'sandbox or live where it sends. not armed, version mismatch or step failed where it runs and a step keeps '
'failing, see last_error. Else starting, stopping, backing off, held or stopped.';
COMMENT ON COLUMN sms_worker_stat.activity IS
'The step that it carries out, or the reason for which it sleeps.';
COMMENT ON COLUMN sms_worker_stat.started_at IS 'When it was started.';
COMMENT ON COLUMN sms_worker_stat.heartbeat_at IS 'When it last began to sleep.';
COMMENT ON COLUMN sms_worker_stat.next_wake_at IS
'When it wakes at the latest. A time long past: it is frozen.';
COMMENT ON COLUMN sms_worker_stat.held_until IS
'It is not started before this time, because of sms_detach_worker() or DROP DATABASE.';
COMMENT ON COLUMN sms_worker_stat.restarts IS
'How often it was restarted since the server started. The other counters count from the server''s start '
'too.';
COMMENT ON COLUMN sms_worker_stat.claimed IS 'Messages taken out of the queue.';
COMMENT ON COLUMN sms_worker_stat.accepted IS 'Requests that Twilio took.';
COMMENT ON COLUMN sms_worker_stat.rejected IS 'Requests that Twilio refused for good.';
COMMENT ON COLUMN sms_worker_stat.retried IS
'Requests that are sent again, because Twilio provably did not take them.';
COMMENT ON COLUMN sms_worker_stat.unknown IS 'Requests without a clear answer.';
COMMENT ON COLUMN sms_worker_stat.in_flight IS 'Messages that it has claimed and not yet settled.';
COMMENT ON COLUMN sms_worker_stat.latency_p50_ms IS
'Median duration in milliseconds of the last few thousand requests.';
COMMENT ON COLUMN sms_worker_stat.latency_p99_ms IS '99th percentile of their duration in milliseconds.';
COMMENT ON COLUMN sms_worker_stat.last_error IS 'Its last error, which may be over.';
COMMENT ON COLUMN sms_worker_stat.last_error_at IS 'When that error occurred.';
COMMENT ON COLUMN sms_worker_stat.library_version IS 'The version of the library that it runs.';
