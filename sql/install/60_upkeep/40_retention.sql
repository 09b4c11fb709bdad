-- retention_days: finished messages are deleted with their attempts and events. Their
-- idempotency keys and their costs stay.

-- Moves the keys of up to at_most finished messages, and deletes up to at_most messages whose keys were
-- moved before the horizon. Returns the larger number. Every snapshot in use sees the
-- transactions before the horizon. So an enqueue with the key finds it in one table or in both, and never
-- in neither.
CREATE FUNCTION coach_sms_internal.sms_prune_messages(
  org_id uuid, before timestamptz, at_most integer, horizon xid)
  RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- A step reads no more messages than this, even where an old snapshot keeps them all.
  window_size CONSTANT integer := 10 * at_most;
  oldest uuid[] := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.org_id = $1 AND m.created_at < before AND m.updated_at < before
       AND m.status IN ('sent', 'delivered', 'failed', 'cancelled')
     ORDER BY m.created_at LIMIT window_size);
  moved integer;
  ids uuid[];
BEGIN
  INSERT INTO @extschema@.sms_idempotency_keys (org_id, idempotency_key, message_id, payload_hash)
    SELECT m.org_id, m.idempotency_key, m.id, m.payload_hash FROM @extschema@.sms_messages m
     WHERE m.id = ANY (oldest) AND m.idempotency_key IS NOT NULL
       AND NOT EXISTS (SELECT FROM @extschema@.sms_idempotency_keys k
                        WHERE k.org_id = $1 AND k.idempotency_key = m.idempotency_key)
     ORDER BY m.created_at LIMIT at_most
    ON CONFLICT ON CONSTRAINT sms_idempotency_keys_pkey DO NOTHING;
  GET DIAGNOSTICS moved = ROW_COUNT;
  ids := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.id = ANY (oldest) AND m.updated_at < before
       AND (m.idempotency_key IS NULL
            OR EXISTS (SELECT FROM @extschema@.sms_idempotency_keys k
                        WHERE k.org_id = $1 AND k.idempotency_key = m.idempotency_key
                          AND age(k.xmin) > age(horizon)))
     ORDER BY m.created_at LIMIT at_most
       FOR UPDATE SKIP LOCKED);
  PERFORM coach_sms_internal.sms_sum_up(
    ARRAY(SELECT a.id FROM @extschema@.sms_attempts a WHERE a.message_id = ANY (ids)));
  -- A booking whose text was cancelled may get it again, as before.
  UPDATE @extschema@.sms_booking_texts t
     SET detail = NULL, message_id = CASE WHEN m.is_off THEN NULL ELSE t.message_id END,
         reason = CASE WHEN m.is_off THEN 'booking_cancelled' ELSE t.reason END
    FROM (SELECT g.id,
                 g.status = 'cancelled'
                   AND g.error_code IN ('booking_changed', 'booking_cancelled', 'sandbox') AS is_off
            FROM @extschema@.sms_messages g WHERE g.id = ANY (ids)) m
   WHERE t.message_id = m.id;
  DELETE FROM @extschema@.sms_attempts a WHERE a.message_id = ANY (ids);
  DELETE FROM @extschema@.sms_events e WHERE e.message_id = ANY (ids);
  DELETE FROM @extschema@.sms_messages m WHERE m.id = ANY (ids);
  RETURN greatest(moved, cardinality(ids));
END
$$;

-- Returns the time before which events that belong to no org are pruned; NULL where some org keeps
-- everything. Such an event may be of any org, so it stays as long as any org keeps its own.
CREATE FUNCTION coach_sms_internal.sms_strays_before() RETURNS timestamptz
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN bool_and(s.retention_days IS NOT NULL)
              THEN now() - make_interval(days => max(s.retention_days)) END
    FROM @extschema@.sms_settings s
$$;

-- Deletes up to at_most events without a message, of the org or (NULL) of no org, and
-- returns how many. A START or YES loses only its text: Twilio signs no time, so a replay
-- of an old call would lift a later STOP.
CREATE FUNCTION coach_sms_internal.sms_prune_events(org_id uuid, before timestamptz, at_most integer)
  RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  pruned integer;
BEGIN
  WITH old AS (
    SELECT i.id, i.event_type = 'inbound' AND coalesce(i.event_status IN ('START', 'YES'), false) AS stays
      FROM @extschema@.sms_events i
     WHERE CASE WHEN $1 IS NULL THEN i.org_id IS NULL ELSE i.org_id = $1 END
       AND i.message_id IS NULL AND i.received_at < before
       AND (i.event_payload IS NOT NULL OR i.event_type <> 'inbound'
            OR coalesce(i.event_status NOT IN ('START', 'YES'), true))
     ORDER BY i.received_at LIMIT at_most FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM @extschema@.sms_events e USING old o WHERE e.id = o.id AND NOT o.stays),
  kept AS (
    UPDATE @extschema@.sms_events e SET event_payload = NULL FROM old o WHERE e.id = o.id AND o.stays)
  SELECT count(*) INTO pruned FROM old;
  RETURN pruned;
END
$$;

-- Prunes a batch of the first org, from behind on, that has anything to prune. Returns the
-- org to go on with; NULL at the end.
CREATE FUNCTION coach_sms_internal.sms_prune_next(at_most integer, horizon xid, INOUT behind uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  orgs_at_most CONSTANT integer := 100;
  org record;
  orgs integer := 0;
BEGIN
  FOR org IN
    SELECT s.org_id, now() - make_interval(days => s.retention_days) AS before FROM @extschema@.sms_settings s
     WHERE s.retention_days IS NOT NULL AND (behind IS NULL OR s.org_id >= behind)
     ORDER BY s.org_id LIMIT orgs_at_most
  LOOP
    behind := org.org_id;
    orgs := orgs + 1;
    IF greatest(coach_sms_internal.sms_prune_messages(org.org_id, org.before, at_most, horizon),
                coach_sms_internal.sms_prune_events(org.org_id, org.before, at_most)) > 0 THEN
      RETURN;
    END IF;
  END LOOP;
  IF orgs = orgs_at_most
     OR coach_sms_internal.sms_prune_events(NULL, coach_sms_internal.sms_strays_before(), at_most) > 0 THEN
    RETURN;
  END IF;
  behind := NULL;
END
$$;
