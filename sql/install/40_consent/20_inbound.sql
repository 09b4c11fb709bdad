-- Texts from people, and Twilio's refusals of numbers.

-- Returns whether a signature speaks for the org. signers are the orgs whose own token made it. by_server
-- says whether the server's token made it, which speaks for the orgs that send with it.
CREATE FUNCTION coach_sms_internal.sms_is_signed_for(org_id uuid, signers uuid[], by_server boolean)
  RETURNS boolean
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN coach_sms_internal.sms_has_own_token(org_id) THEN org_id = ANY (signers)
              ELSE by_server END
$$;

-- Returns the orgs that wrote to the number with one of these senders of this account, the latest first.
CREATE FUNCTION coach_sms_internal.sms_orgs_answered(
  phone text, account_sid text, senders text[], signers uuid[], by_server boolean)
  RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.org_id
    FROM (SELECT m.org_id, m.from_phone, max(m.created_at) AS at
            FROM @extschema@.sms_messages m
           WHERE m.to_phone = ANY (coach_sms_internal.sms_phone_names($1))
           GROUP BY m.org_id, m.from_phone) o
    JOIN @extschema@.sms_settings s ON s.org_id = o.org_id
   WHERE coach_sms_internal.sms_is_signed_for(s.org_id, signers, by_server)
     AND EXISTS (SELECT FROM unnest($3) AS a (sender)
                  WHERE coach_sms_internal.sms_sends_as(o.org_id, o.from_phone, $2, a.sender))
   GROUP BY o.org_id ORDER BY max(o.at) DESC, o.org_id
$$;

-- Returns the orgs whose own settings name one of these senders of this account. They count
-- where no message to the person is known, because it was pruned or erased, and where
-- several orgs claim the account.
CREATE FUNCTION coach_sms_internal.sms_orgs_of_sender(
  account_sid text, senders text[], signers uuid[], by_server boolean)
  RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.org_id
    FROM @extschema@.sms_settings s
   CROSS JOIN LATERAL coach_sms_internal.sms_sending_address(s.org_id, NULL) a
   WHERE coalesce(a.account_sid, '') = $1
     AND (s.twilio_messaging_service_sid = ANY ($2)
          OR coach_sms_internal.sms_sender_address(s.twilio_phone_number, s.default_region) = ANY ($2))
     AND coach_sms_internal.sms_is_signed_for(s.org_id, signers, by_server)
$$;

-- Enters a STOP of the person into sms_opt_outs, where the signature speaks for the whole account, and into
-- sms_suppression of the bound orgs.
CREATE FUNCTION coach_sms_internal.sms_take_stop(
  account_sid text, senders text[], person text, bound uuid[], whole_account boolean)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  org uuid;
BEGIN
  INSERT INTO @extschema@.sms_opt_outs (account_sid, sender, phone, source)
    SELECT sms_take_stop.account_sid, s, person, 'twilio'
      FROM unnest(senders) s WHERE whole_account ORDER BY s
    ON CONFLICT ON CONSTRAINT sms_opt_outs_pkey DO NOTHING;
  PERFORM coach_sms_internal.sms_note_retraction(person);
  FOR org IN SELECT o FROM unnest(bound) o ORDER BY o LOOP
    PERFORM @extschema@.sms_opt_out(org, person, 'opt_out', 'twilio');
  END LOOP;
END
$$;

-- Takes the person off sms_opt_outs, where the signature speaks for the whole account. After a START, or
-- where there was an opt-out to lift, also off sms_suppression of the bound orgs. Returns whether there
-- was one. uncertain are the orgs whose token cannot be compared: they stay bound, because a stranger
-- could have signed as the account's owner.
CREATE FUNCTION coach_sms_internal.sms_take_start(
  account_sid text, senders text[], person text, keyword text,
  orgs uuid[], bound uuid[], whole_account boolean, uncertain uuid[])
  RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  names text[] := coach_sms_internal.sms_phone_names(person);
  lifted boolean;
  org uuid;
BEGIN
  FOR org IN
    SELECT DISTINCT u FROM @extschema@.sms_opt_outs o, unnest(uncertain) u
     WHERE whole_account AND o.phone = ANY (names)
       AND o.account_sid = sms_take_start.account_sid AND o.sender = ANY (senders)
     ORDER BY u
  LOOP
    PERFORM @extschema@.sms_opt_out(org, person, 'opt_out', 'twilio');
  END LOOP;
  DELETE FROM @extschema@.sms_opt_outs o
   WHERE whole_account AND o.phone = ANY (names)
     AND o.account_sid = sms_take_start.account_sid AND o.sender = ANY (senders);
  lifted := FOUND;
  -- A YES of a person who never said STOP is an answer like any other.
  IF lifted OR keyword = 'START' THEN
    DELETE FROM @extschema@.sms_suppression s
     WHERE s.org_id = ANY (bound) AND s.phone = ANY (names) AND s.reason = 'opt_out'
       -- Entries that an org made by itself, without a message to the person, are not this sender's.
       AND (s.org_id = ANY (orgs) OR s.source = 'twilio');
  END IF;
  RETURN lifted;
END
$$;

-- Carries out a text from a person: STOP, START, or YES after a STOP. Writes to its event the keyword and
-- the org that it answers, among the orgs that the signature speaks for. Opt-outs by sender change where
-- the signature speaks for the whole account.
CREATE FUNCTION coach_sms_internal.sms_take_inbound(
  event_id uuid, account_sid text, our_number text, service_sid text, phone text, keyword text,
  signers uuid[], by_server boolean, whole_account boolean, uncertain uuid[] DEFAULT '{}')
  RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  person text := nullif(phone, '');  -- E.164; NULL where the writer has no number
  -- Twilio blocks a whole Messaging Service, else the pair of numbers.
  senders text[] := array_remove(
    ARRAY[nullif(coach_sms_internal.sms_sender_address(our_number), ''), nullif(service_sid, '')], NULL);
  orgs uuid[] := ARRAY(
    SELECT o FROM coach_sms_internal.sms_orgs_answered(person, account_sid, senders, signers, by_server) o);
  -- sms_opt_outs binds the orgs that never wrote to the person. Where it must not change,
  -- entries of their own do.
  bound uuid[] := CASE
    WHEN keyword = 'STOP' AND whole_account AND orgs <> '{}' THEN orgs
    ELSE ARRAY(
      SELECT unnest(orgs)
      UNION
      SELECT o FROM coach_sms_internal.sms_orgs_of_sender(account_sid, senders, signers, by_server) o) END;
  lifted boolean := false;
BEGIN
  IF keyword = 'STOP' AND person IS NOT NULL THEN
    PERFORM coach_sms_internal.sms_take_stop(account_sid, senders, person, bound, whole_account);
  ELSIF keyword IN ('START', 'YES')
        -- dedupe_key stops a repeated call. But it holds the signer, who may have changed since.
        AND NOT EXISTS (SELECT FROM @extschema@.sms_events n
                          JOIN @extschema@.sms_events o ON o.provider_message_id = n.provider_message_id
                         WHERE n.id = event_id AND o.id <> n.id AND o.event_type = 'inbound') THEN
    lifted := coach_sms_internal.sms_take_start(
      account_sid, senders, person, keyword, orgs, bound, whole_account, uncertain);
  END IF;
  UPDATE @extschema@.sms_events e
     SET event_status = CASE WHEN keyword = 'YES' AND lifted THEN 'START' ELSE keyword END,
         org_id = coalesce(orgs[1], e.org_id)
   WHERE e.id = event_id;
END
$$;

-- Enters the recipient of a live message that Twilio refused with this code into sms_suppression, and cancels
-- messages that wait for them. Error 21610 (the person said STOP) also enters the sender into sms_opt_outs.
CREATE FUNCTION coach_sms_internal.sms_take_refusal(message_id uuid, code text, reason text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  message record;
BEGIN
  SELECT m.org_id, m.to_phone, m.client_id, m.from_phone, coalesce(a.account_sid, '') AS account_sid, a.sender
    INTO message
    FROM @extschema@.sms_messages m JOIN @extschema@.sms_settings s ON s.org_id = m.org_id
   CROSS JOIN LATERAL coach_sms_internal.sms_sending_address(m.org_id, m.from_phone) a
   WHERE m.id = message_id AND NOT m.sandbox AND m.to_phone <> 'erased';
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF code = '21610' AND message.sender IS NOT NULL THEN
    INSERT INTO @extschema@.sms_opt_outs (account_sid, sender, phone, source)
      VALUES (message.account_sid, message.sender, message.to_phone, 'error 21610')
      ON CONFLICT ON CONSTRAINT sms_opt_outs_pkey DO NOTHING;
  END IF;
  PERFORM @extschema@.sms_opt_out(
    message.org_id, message.to_phone, reason, 'twilio', 'error ' || code, message.client_id);
END
$$;
