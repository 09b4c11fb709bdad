-- Sandbox, live, and the processes.

-- Returns pg_control's identifier of this cluster.
CREATE FUNCTION coach_sms_internal.sms_system_identifier() RETURNS bigint
  AS 'MODULE_PATHNAME', 'coach_sms_system_identifier' LANGUAGE C STABLE PARALLEL SAFE;

-- Fires sms_server_forget, which finds no sender to wake yet.
INSERT INTO coach_sms_internal.sms_server (mode, system_identifier, database_oid, arm_id)
  SELECT 'sandbox', coach_sms_internal.sms_system_identifier(), d.oid, gen_random_uuid()
    FROM pg_catalog.pg_database d WHERE d.datname = current_database();

CREATE FUNCTION sms_mode(OUT mode text, OUT reason text)
  AS 'MODULE_PATHNAME', 'coach_sms_mode' LANGUAGE C STABLE
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION sms_mode() IS
'Returns whether this server sends for this database: mode is sandbox, live or not armed, and reason says '
'why it is not armed.';

-- Writes the row in sms_server and the file <key_file>.live.<system identifier>.<database oid>.
CREATE FUNCTION coach_sms_internal.sms_arm(live boolean) RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_arm' LANGUAGE C VOLATILE STRICT
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;

-- Returns whether a subscription of this database brings messages of another server. The
-- publisher sends those, and nothing marks them. So a subscriber queues no message anew: its own
-- got their rows when they were enqueued.
CREATE FUNCTION coach_sms_internal.sms_is_subscriber() RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database()
     WHERE EXISTS (SELECT FROM pg_subscription_rel r
                    WHERE r.srsubid = s.oid AND r.srrelid = '@extschema@.sms_messages'::regclass)
        -- A restored subscription has no tables until it is refreshed.
        OR NOT EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srsubid = s.oid))
$$;

-- Skips replicated rows of sms_queue, sms_in_flight and sms_holds, which a publication of all tables brings.
CREATE FUNCTION coach_sms_internal.sms_pass_over() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_pass_over' LANGUAGE C;
CREATE TRIGGER sms_queue_replica BEFORE INSERT ON coach_sms_internal.sms_queue
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_pass_over();
ALTER TABLE coach_sms_internal.sms_queue ENABLE REPLICA TRIGGER sms_queue_replica;
CREATE TRIGGER sms_in_flight_replica BEFORE INSERT ON coach_sms_internal.sms_in_flight
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_pass_over();
ALTER TABLE coach_sms_internal.sms_in_flight ENABLE REPLICA TRIGGER sms_in_flight_replica;
CREATE TRIGGER sms_holds_replica BEFORE INSERT ON coach_sms_internal.sms_holds
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_pass_over();
ALTER TABLE coach_sms_internal.sms_holds ENABLE REPLICA TRIGGER sms_holds_replica;

-- Inserts the missing rows of sms_queue for waiting messages of the sandbox, or of live
-- sending. Returns how many.
CREATE FUNCTION coach_sms_internal.sms_enqueue_waiting(for_sandbox boolean) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lane record;
  total bigint := 0;
BEGIN
  FOR lane IN
    WITH waiting AS MATERIALIZED (
      SELECT m.id, m.org_id, coach_sms_internal.sms_zone_of(m.metadata) AS zone, m.priority,
             greatest(m.scheduled_for, now()) AS due_at, m.expires_at
        FROM @extschema@.sms_messages m
       WHERE m.sandbox = for_sandbox AND m.status IN ('pending', 'queued')
         AND NOT (SELECT coach_sms_internal.sms_is_subscriber())
         AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_queue q WHERE q.message_id = m.id)
       ORDER BY m.id FOR NO KEY UPDATE OF m),
    queued AS (
      INSERT INTO coach_sms_internal.sms_queue (message_id, org_id, zone, priority, due_at, expires_at)
        SELECT w.id, w.org_id, w.zone, w.priority, w.due_at, w.expires_at FROM waiting w
        ON CONFLICT ON CONSTRAINT sms_queue_pkey DO NOTHING
        RETURNING org_id, zone, priority, due_at)
    SELECT q.org_id, q.zone, q.priority, min(q.due_at) AS first_due, count(*) AS messages
      FROM queued q GROUP BY q.org_id, q.zone, q.priority
  LOOP
    total := total + lane.messages;
    PERFORM coach_sms_internal.sms_note_due(lane.org_id, lane.zone, lane.priority, lane.first_due);
  END LOOP;
  RETURN total;
END
$$;

-- Derives sms_queue and sms_in_flight from sms_messages for the mode that was just set. Claims of a running
-- sender stay as they are, unless they are of sandbox messages and the mode is live.
CREATE FUNCTION coach_sms_internal.sms_rebuild_queue(
  live boolean, OUT queued integer, OUT cancelled integer, OUT unknown integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_subscriber boolean := coach_sms_internal.sms_is_subscriber();
  ids uuid[];
BEGIN
  cancelled := 0;
  unknown := 0;
  IF live THEN
    -- Nobody can have got a sandbox message, so even a claimed one ends. The sender's result
    -- then finds no claim with its fence.
    ids := ARRAY(
      SELECT m.id FROM @extschema@.sms_messages m
       WHERE m.sandbox AND m.status IN ('pending', 'queued', 'sending', 'unknown')
         AND (NOT is_subscriber
              OR EXISTS (SELECT FROM coach_sms_internal.sms_queue q WHERE q.message_id = m.id)
              OR EXISTS (SELECT FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = m.id))
       ORDER BY m.id FOR NO KEY UPDATE);
    cancelled := cardinality(ids);
    UPDATE @extschema@.sms_messages m
       SET status = 'cancelled', error_code = 'sandbox',
           error_message = 'enqueued in the sandbox, and never sent live', updated_at = now()
     WHERE m.id = ANY (ids);
    DELETE FROM coach_sms_internal.sms_queue q WHERE q.message_id = ANY (ids);
    DELETE FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = ANY (ids);

    -- In a copy or a restored database these were under way, and their outcome is unknown.
    ids := ARRAY(
      SELECT m.id FROM @extschema@.sms_messages m
       WHERE NOT m.sandbox AND m.status IN ('sending', 'unknown') AND NOT is_subscriber
         AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = m.id)
       ORDER BY m.id FOR NO KEY UPDATE OF m);
    -- The sender may have settled some during the wait for their locks.
    WITH lost AS (
      INSERT INTO coach_sms_internal.sms_in_flight (
          message_id, org_id, fence, state, attempt_number, failures, priority,
          claimed_at, lease_until, client_key, segments, settlement, next_look_at)
        SELECT m.id, m.org_id, ('x' || left(replace(gen_random_uuid()::text, '-', ''), 16))::bit(64)::bigint,
               'unknown', greatest(m.attempt_count, 1), 0, m.priority,
               greatest(m.created_at, m.scheduled_for), now(),
               coalesce(m.client_id::text, coach_sms_internal.sms_phone_key(m.to_phone)), m.segments,
               jsonb_build_object('error_code', 'sender_lost',
                 'error_message', 'the database was copied or restored while it was under way'),
               now() + current_setting('coach_sms.reconcile_delay')::interval
          FROM @extschema@.sms_messages m
         WHERE m.id = ANY (ids) AND m.status IN ('sending', 'unknown')
        ON CONFLICT ON CONSTRAINT sms_in_flight_pkey DO NOTHING
        RETURNING message_id)
    UPDATE @extschema@.sms_messages m
       SET status = 'unknown', error_code = coalesce(m.error_code, 'sender_lost'), updated_at = now()
      FROM lost WHERE m.id = lost.message_id;
    GET DIAGNOSTICS unknown = ROW_COUNT;
  ELSE
    -- Live messages wait for the next sms_go_live().
    WITH foreign_rows AS MATERIALIZED (
      SELECT q.message_id
        FROM coach_sms_internal.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
       WHERE NOT m.sandbox AND NOT is_subscriber  -- a subscriber's own would not come back
       ORDER BY m.id FOR NO KEY UPDATE OF m)
    DELETE FROM coach_sms_internal.sms_queue q USING foreign_rows f WHERE q.message_id = f.message_id;

    -- Sandbox messages that were under way when the database was copied start again.
    UPDATE @extschema@.sms_messages m SET status = 'queued', updated_at = now()
     WHERE m.sandbox AND m.status IN ('sending', 'unknown') AND NOT is_subscriber
       AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = m.id);
  END IF;
  queued := coach_sms_internal.sms_enqueue_waiting(for_sandbox => NOT live);
END
$$;

CREATE FUNCTION sms_go_live(OUT queued integer, OUT cancelled integer, OUT unknown integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_bookings_go_live();
  PERFORM coach_sms_internal.sms_arm(true);
  PERFORM coach_sms_internal.sms_make_policies();
  SELECT r.queued, r.cancelled, r.unknown INTO queued, cancelled, unknown
    FROM coach_sms_internal.sms_rebuild_queue(true) r;
  PERFORM coach_sms_internal.sms_tell_overdue();
END
$$;
COMMENT ON FUNCTION sms_go_live() IS
'Arms this server for this database: from the commit on messages go to Twilio. Cancels sandbox messages '
'that wait (error_code sandbox). Returns how many live messages it queued, how many sandbox messages it '
'cancelled, and how many messages have an unknown outcome, which is then reconciled. Bookings confirmed '
'before get their reminders and no confirmation. Makes the policies of the granted roles, which no dump '
'carries. A NOTICE counts messages that waited longer than coach_sms.max_wait and are not sent. A second '
'call repairs the queue. Messages that come by a subscription are left to their publisher. Raises SM013 '
'without coach_sms.key_file.';

CREATE FUNCTION sms_go_sandbox(OUT queued integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_arm(false);
  PERFORM coach_sms_internal.sms_make_policies();
  SELECT r.queued INTO queued FROM coach_sms_internal.sms_rebuild_queue(false) r;
END
$$;
COMMENT ON FUNCTION sms_go_sandbox() IS
'Makes the database a sandbox of this server: from the commit on answers are made in-process. Live '
'messages that wait are kept for the next sms_go_live(). Makes the policies of the granted roles, which no '
'dump carries. Returns how many sandbox messages it queued.';

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
'the database can be renamed or copied. Returns true once no sender is left. For the database''s owner, '
'who must be granted EXECUTE.';

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
