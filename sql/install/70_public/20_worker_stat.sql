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
