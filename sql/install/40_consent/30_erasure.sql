-- Erasure of a person, and the opt-outs that must outlive it. Rows that belong to no org change
-- only where the caller acts for every org.

-- Replaces the number by its salted hash in sms_suppression and sms_opt_outs, so that opt-outs stay in
-- force. Several entries of one person become one.
CREATE FUNCTION coach_sms_internal.sms_hash_opt_outs(org_id uuid, number text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  names text[];
  hashed text;
BEGIN
  INSERT INTO @extschema@.sms_phone_salt (salt)
    VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))
    ON CONFLICT ON CONSTRAINT sms_phone_salt_pkey DO NOTHING;
  names := coach_sms_internal.sms_phone_names(number);
  hashed := (SELECT min(n) FROM unnest(names) n WHERE n LIKE 'hash:%');  -- one hash for all forms
  -- One statement for each table: an entry that is made meanwhile is either hashed or stays as it is.
  WITH gone AS (
    DELETE FROM @extschema@.sms_suppression s
     WHERE s.org_id = $1 AND s.phone = ANY (names) AND s.phone <> hashed RETURNING s.*)
  INSERT INTO @extschema@.sms_suppression (org_id, phone, reason, source, created_at)
    SELECT g.org_id, hashed, g.reason, g.source, g.created_at FROM gone g
     ORDER BY g.reason = 'manual' DESC, g.created_at LIMIT 1  -- of several entries the strongest stays
    ON CONFLICT ON CONSTRAINT sms_suppression_org_id_phone_key
    DO UPDATE SET reason = 'manual', source = excluded.source WHERE excluded.reason = 'manual';
  -- Opt-outs from senders of other orgs stay as they are.
  WITH gone AS (
    DELETE FROM @extschema@.sms_opt_outs o
     WHERE o.phone = ANY (names) AND o.phone <> hashed
       AND (coach_sms_internal.sms_may_act_for(NULL)
            OR coach_sms_internal.sms_sends_as($1, NULL, o.account_sid, o.sender))
    RETURNING o.*)
  INSERT INTO @extschema@.sms_opt_outs (account_sid, sender, phone, source, created_at)
    SELECT g.account_sid, g.sender, hashed, g.source, g.created_at FROM gone g
    ON CONFLICT ON CONSTRAINT sms_opt_outs_pkey DO NOTHING;
END
$$;

-- Erases the person from the attempts and events of these messages, and from attempts and events without a
-- message that name the number. Returns how many of each.
CREATE FUNCTION coach_sms_internal.sms_erase_history(
  org_id uuid, number text, ids uuid[], OUT attempts integer, OUT events integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  names text[] := coach_sms_internal.sms_phone_names(number);
BEGIN
  -- The number finds texts from the person, and rows whose message is gone or not known. Each condition is
  -- a SELECT of its own, so that it has its index.
  WITH found AS (
    SELECT a.id FROM @extschema@.sms_attempts a WHERE a.message_id = ANY (ids)
    UNION
    SELECT a.id FROM @extschema@.sms_attempts a
     WHERE a.org_id = $1 AND (a.client_key = ANY (names) OR a.request_payload->>'To' = ANY (names))
       AND NOT EXISTS (SELECT FROM @extschema@.sms_messages m WHERE m.id = a.message_id))
  UPDATE @extschema@.sms_attempts a
     SET request_payload = NULL, response_payload = NULL, error_message = NULL, client_key = 'erased'
    FROM found f WHERE a.id = f.id;
  GET DIAGNOSTICS attempts = ROW_COUNT;
  WITH found AS (
    SELECT e.id FROM @extschema@.sms_events e WHERE e.message_id = ANY (ids)
    UNION
    SELECT e.id FROM @extschema@.sms_events e
     WHERE e.message_id IS NULL AND e.org_id = $1
       AND (coach_sms_internal.sms_number_of(e.event_payload->>'From') = ANY (names)
            OR coach_sms_internal.sms_number_of(e.event_payload->>'To') = ANY (names))
    UNION
    SELECT e.id FROM @extschema@.sms_events e
     WHERE e.message_id IS NULL AND e.org_id IS NULL AND (SELECT coach_sms_internal.sms_may_act_for(NULL))
       AND (coach_sms_internal.sms_number_of(e.event_payload->>'From') = ANY (names)
            OR coach_sms_internal.sms_number_of(e.event_payload->>'To') = ANY (names)))
  UPDATE @extschema@.sms_events e SET event_payload = NULL, error_message = NULL
    FROM found f WHERE e.id = f.id;
  GET DIAGNOSTICS events = ROW_COUNT;
  UPDATE @extschema@.sms_booking_texts t SET detail = NULL
   WHERE t.org_id = $1
     AND (t.message_id = ANY (ids) OR EXISTS (SELECT FROM unnest(names) n WHERE position(n IN t.detail) > 0));
END
$$;

-- Carries out sms_erase_person() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_erase_person_as_owner(org_id uuid, phone text)
  RETURNS TABLE (messages integer, attempts integer, events integer, under_way integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  number text;
  names text[];
  ids uuid[];
BEGIN
  IF org_id IS NULL THEN
    RAISE EXCEPTION 'org_id is null'
      USING ERRCODE = 'SM001', DETAIL = 'A person is erased in one org.', HINT = 'Give the org''s id.';
  ELSIF phone IS NULL THEN
    RAISE EXCEPTION 'phone is null'
      USING ERRCODE = 'SM006', DETAIL = 'A person is erased by exactly one number.',
            HINT = 'Give the number.';
  END IF;
  PERFORM coach_sms_internal.sms_require_org(org_id);
  number := coach_sms_internal.sms_keep_phone(phone, coach_sms_internal.sms_org_region(org_id));
  names := coach_sms_internal.sms_phone_names(number);
  PERFORM coach_sms_internal.sms_cancel_waiting(
    ARRAY(SELECT m.id FROM @extschema@.sms_messages m
           WHERE m.to_phone = ANY (names) AND m.org_id = sms_erase_person_as_owner.org_id),
    'erased', NULL);
  -- A callback may end a message before the result of our own request is recorded. Then its
  -- claim is still there.
  ids := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.to_phone = ANY (names) AND m.org_id = sms_erase_person_as_owner.org_id
       AND m.status NOT IN ('pending', 'queued', 'sending', 'unknown')
       AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = m.id)
     ORDER BY m.id FOR NO KEY UPDATE);
  UPDATE @extschema@.sms_messages m
     SET to_phone = 'erased', body = '', variables = NULL, client_id = NULL, metadata = '{}',
         error_message = NULL, updated_at = now()
   WHERE m.id = ANY (ids);
  SELECT h.attempts, h.events INTO attempts, events
    FROM coach_sms_internal.sms_erase_history(org_id, number, ids) h;
  PERFORM coach_sms_internal.sms_hash_opt_outs(org_id, number);
  messages := cardinality(ids);
  under_way := (SELECT count(*) FROM @extschema@.sms_messages m
                 WHERE m.to_phone = ANY (names) AND m.org_id = sms_erase_person_as_owner.org_id);
  RETURN NEXT;
END
$$;

CREATE FUNCTION sms_export_opt_outs()
  RETURNS TABLE (org_id uuid, phone text, reason text, source text, notes text, created_at timestamptz,
                 account_sid text, sender text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.org_id, s.phone, s.reason, s.source, s.notes, s.created_at, NULL, NULL
    FROM @extschema@.sms_suppression s
  UNION ALL
  SELECT NULL, o.phone, 'opt_out', o.source, NULL, o.created_at, o.account_sid, o.sender
    FROM @extschema@.sms_opt_outs o
  ORDER BY 1, 2, 7, 8
$$;
COMMENT ON FUNCTION sms_export_opt_outs() IS
'Returns every entry of sms_suppression (with org_id) and of sms_opt_outs (with account_sid and sender). '
'Keep them in a file before DROP EXTENSION.';
