-- The queue is derived from the messages when the mode is set.

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

-- Skips replicated rows of sms_queue, sms_in_flight, sms_holds and sms_overdue, which a publication of all
-- tables brings.
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
CREATE TRIGGER sms_overdue_replica BEFORE INSERT ON coach_sms_internal.sms_overdue
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_pass_over();
ALTER TABLE coach_sms_internal.sms_overdue ENABLE REPLICA TRIGGER sms_overdue_replica;

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

-- Cancels the messages of the sandbox that are not final, and returns how many. Nobody can have got them, so
-- even claimed ones end: the sender's result then finds no claim with its fence.
CREATE FUNCTION coach_sms_internal.sms_cancel_sandbox_messages() RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_subscriber boolean := coach_sms_internal.sms_is_subscriber();
  ids uuid[];
BEGIN
  ids := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.sandbox AND m.status IN ('pending', 'queued', 'sending', 'unknown')
       AND (NOT is_subscriber
            OR EXISTS (SELECT FROM coach_sms_internal.sms_queue q WHERE q.message_id = m.id)
            OR EXISTS (SELECT FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = m.id))
     ORDER BY m.id FOR NO KEY UPDATE);
  UPDATE @extschema@.sms_messages m
     SET status = 'cancelled', error_code = 'sandbox',
         error_message = 'enqueued in the sandbox, and never sent live', updated_at = now()
   WHERE m.id = ANY (ids);
  DELETE FROM coach_sms_internal.sms_queue q WHERE q.message_id = ANY (ids);
  DELETE FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = ANY (ids);
  RETURN cardinality(ids);
END
$$;

-- Inserts rows of sms_in_flight, as unknown, for live messages that were under way when the database was
-- copied or restored. Returns how many.
CREATE FUNCTION coach_sms_internal.sms_adopt_lost_messages() RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_subscriber boolean := coach_sms_internal.sms_is_subscriber();
  ids uuid[];
  adopted integer;
BEGIN
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
  GET DIAGNOSTICS adopted = ROW_COUNT;
  RETURN adopted;
END
$$;

-- Deletes live messages from sms_queue: they wait for the next sms_go_live(). Sets messages of the sandbox
-- that were under way when the database was copied to queued.
CREATE FUNCTION coach_sms_internal.sms_return_to_sandbox() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_subscriber boolean := coach_sms_internal.sms_is_subscriber();
BEGIN
  WITH foreign_rows AS MATERIALIZED (
    SELECT q.message_id
      FROM coach_sms_internal.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
     WHERE NOT m.sandbox AND NOT is_subscriber  -- a subscriber's own would not come back
     ORDER BY m.id FOR NO KEY UPDATE OF m)
  DELETE FROM coach_sms_internal.sms_queue q USING foreign_rows f WHERE q.message_id = f.message_id;
  UPDATE @extschema@.sms_messages m SET status = 'queued', updated_at = now()
   WHERE m.sandbox AND m.status IN ('sending', 'unknown') AND NOT is_subscriber
     AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = m.id);
END
$$;

-- Derives sms_queue and sms_in_flight from sms_messages for the mode that was just set. Claims of a running
-- sender stay as they are, unless they are of sandbox messages and the mode is live.
CREATE FUNCTION coach_sms_internal.sms_rebuild_queue(
  live boolean, OUT queued integer, OUT cancelled integer, OUT unknown integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  cancelled := 0;
  unknown := 0;
  IF live THEN
    cancelled := coach_sms_internal.sms_cancel_sandbox_messages();
    unknown := coach_sms_internal.sms_adopt_lost_messages();
  ELSE
    PERFORM coach_sms_internal.sms_return_to_sandbox();
  END IF;
  queued := coach_sms_internal.sms_enqueue_waiting(for_sandbox => NOT live);
END
$$;
