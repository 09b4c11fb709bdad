-- The launcher, the senders and the library.

-- Signals the launcher, at commit, to check whether this database needs a sender.
CREATE FUNCTION coach_sms_internal.sms_poke_launcher() RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_poke_launcher' LANGUAGE C VOLATILE;

CREATE FUNCTION sms_wake_sender() RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_wake_sender' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_wake_sender() IS
'Wakes this database''s sender at once. For troubleshooting: each commit wakes it by itself.';

CREATE FUNCTION sms_detach_worker(database name DEFAULT current_database(), hold interval DEFAULT '1 minute')
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_detach_worker' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION sms_detach_worker(name, interval) IS
'Ends the sender of a database, and starts none before the interval (default 1 minute) is over. Meanwhile '
'the database can be renamed or copied. Returns true once no sender is left. The database''s owner '
'may call it once EXECUTE is granted to it.';

-- Returns the state of each database's sender from shared memory; no row where the library is not
-- preloaded. The view sms_worker_stat shows this database's.
CREATE FUNCTION coach_sms_internal.sms_worker_state(
  OUT database_oid oid, OUT database text, OUT pid integer, OUT state text, OUT activity text,
  OUT started_at timestamptz, OUT heartbeat_at timestamptz, OUT next_wake_at timestamptz,
  OUT held_until timestamptz, OUT restarts integer,
  OUT claimed bigint, OUT accepted bigint, OUT rejected bigint, OUT retried bigint, OUT unknown bigint,
  OUT in_flight integer, OUT latency_p50_ms double precision, OUT latency_p99_ms double precision,
  OUT last_error text, OUT last_error_at timestamptz, OUT library_version text)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME', 'coach_sms_worker_stat' LANGUAGE C VOLATILE ROWS 4;

CREATE FUNCTION sms_library_version() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_library_version' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION sms_library_version() IS
'Returns the version of the loaded library. pg_extension has the extension''s version.';

-- Returns the problem of the certificates that verify Twilio's server, and its remedy; NULL
-- where they can be read.
CREATE FUNCTION coach_sms_internal.sms_check_trust(OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_trust' LANGUAGE C VOLATILE;

-- Returns whether coach_sms is in shared_preload_libraries. Without it messages wait.
CREATE FUNCTION coach_sms_internal.sms_is_preloaded() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_preloaded' LANGUAGE C STABLE PARALLEL SAFE;

-- Returns the process id of the launcher; NULL where none runs.
CREATE FUNCTION coach_sms_internal.sms_launcher_pid() RETURNS integer
  AS 'MODULE_PATHNAME', 'coach_sms_launcher_pid' LANGUAGE C VOLATILE;

-- Returns the application's URL, from coach_sms.webapp_url or WEBAPP_URL; empty where neither is set.
CREATE FUNCTION coach_sms_internal.sms_webapp_url() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_webapp_url' LANGUAGE C VOLATILE;
