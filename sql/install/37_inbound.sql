-- Texts from people, and what Twilio's refusals tell of them.

-- The orgs that wrote to a phone and send as what it answered to; NULL signer: the server's token vouches for all.
CREATE FUNCTION sms_orgs_answered(phone text, account_sid text, senders text[], signer uuid) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.org_id
    FROM (SELECT m.org_id, m.from_phone, max(m.created_at) AS at FROM @extschema@.sms_messages m
           WHERE m.to_phone = $1 GROUP BY m.org_id, m.from_phone) o
    JOIN @extschema@.sms_settings s ON s.org_id = o.org_id
   WHERE EXISTS (SELECT FROM unnest($3) AS a (sender) WHERE @extschema@.sms_sends_as(o.org_id, o.from_phone, $2, a.sender))
     AND CASE WHEN $4 IS NULL THEN s.twilio_auth_token_encrypted IS NULL OR coalesce(s.twilio_account_sid, '') = ''
              ELSE coalesce(s.twilio_account_sid, '') = $2 END
   GROUP BY o.org_id ORDER BY max(o.at) DESC, o.org_id
$$;
REVOKE ALL ON FUNCTION sms_orgs_answered(text, text, text[], uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_orgs_answered(text, text, text[], uuid) IS
'Internal: orgs that wrote to the phone with one of these senders of this account, the last one first.';

-- Where nobody is known to have written to them, be it that it was pruned or erased: whoever would write as that now, by
-- settings of their own.
CREATE FUNCTION sms_orgs_of_sender(account_sid text, senders text[]) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.org_id FROM @extschema@.sms_settings s
   WHERE coalesce(nullif(s.twilio_account_sid, ''), @extschema@.sms_server_account(), '') = $1
     AND (s.twilio_messaging_service_sid = ANY ($2) OR @extschema@.sms_soft_phone(s.twilio_phone_number, s.default_region) = ANY ($2))
$$;
REVOKE ALL ON FUNCTION sms_orgs_of_sender(text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_orgs_of_sender(text, text[]) IS 'Internal: orgs whose own settings name one of these senders of this account.';

CREATE FUNCTION sms_take_inbound(event_id uuid, account_sid text, our_number text, service_sid text, phone text, keyword text, signer uuid)
  RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  person text := @extschema@.sms_soft_phone(sms_take_inbound.phone);
  -- Twilio blocks a whole Messaging Service, else the pair of numbers.
  senders text[] := array_remove(ARRAY[nullif(@extschema@.sms_soft_phone(our_number), ''), nullif(service_sid, '')], NULL);
  orgs uuid[] := ARRAY(SELECT o FROM @extschema@.sms_orgs_answered(person, sms_take_inbound.account_sid, senders, signer) o);
  bound uuid[] := CASE WHEN orgs <> '{}' THEN orgs ELSE ARRAY(SELECT o FROM @extschema@.sms_orgs_of_sender(sms_take_inbound.account_sid, senders) o) END;
  lifted boolean := false;
  org uuid;
BEGIN
  IF keyword = 'STOP' THEN
    INSERT INTO @extschema@.sms_opt_outs (account_sid, sender, phone, source)
      SELECT sms_take_inbound.account_sid, s, person, 'twilio' FROM unnest(senders) s ORDER BY s
      ON CONFLICT ON CONSTRAINT sms_opt_outs_pkey DO NOTHING;
    PERFORM @extschema@.sms_note_retraction(person);
    FOR org IN SELECT o FROM unnest(bound) o ORDER BY o LOOP
      PERFORM @extschema@.sms_opt_out(org, person, 'opt_out', 'twilio');
    END LOOP;
  ELSIF keyword IN ('START', 'YES') THEN
    DELETE FROM @extschema@.sms_opt_outs o
     WHERE o.phone = ANY (@extschema@.sms_phone_names(person)) AND o.account_sid = sms_take_inbound.account_sid AND o.sender = ANY (senders);
    lifted := FOUND;
    -- A YES is an answer like any other to whoever never said STOP.
    IF lifted OR keyword = 'START' THEN
      DELETE FROM @extschema@.sms_suppression s
       WHERE s.org_id = ANY (bound) AND s.phone = ANY (@extschema@.sms_phone_names(person)) AND s.reason = 'opt_out';
    END IF;
  END IF;
  UPDATE @extschema@.sms_events e
     SET event_status = CASE WHEN keyword <> 'YES' THEN keyword WHEN lifted THEN 'START' END,
         org_id = coalesce(orgs[1], signer)
   WHERE e.id = event_id;
END
$$;
REVOKE ALL ON FUNCTION sms_take_inbound(uuid, text, text, text, text, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_take_inbound(uuid, text, text, text, text, text, uuid) IS
'Internal: what a text from a person does: STOP, START, YES (after a STOP only). Finds the org that it answers.';

CREATE FUNCTION sms_heed_code(message_id uuid, code text, reason text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message record;
BEGIN
  SELECT m.org_id, m.to_phone, m.client_id, m.from_phone,
         coalesce(nullif(s.twilio_account_sid, ''), @extschema@.sms_server_account(), '') AS account_sid,
         CASE WHEN m.from_phone <> '' THEN m.from_phone
              ELSE coalesce(nullif(s.twilio_messaging_service_sid, ''), nullif(s.twilio_phone_number, ''),
                            nullif(current_setting('coach_sms.twilio_messaging_service_sid', true), ''),
                            nullif(current_setting('coach_sms.twilio_phone_number', true), '')) END AS sender
    INTO message
    FROM @extschema@.sms_messages m JOIN @extschema@.sms_settings s ON s.org_id = m.org_id
   WHERE m.id = message_id AND NOT m.sandbox AND m.to_phone <> 'erased';
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF code = '21610' AND message.sender IS NOT NULL THEN
    INSERT INTO @extschema@.sms_opt_outs (account_sid, sender, phone, source)
      VALUES (message.account_sid, @extschema@.sms_soft_phone(message.sender), message.to_phone, 'error 21610')
      ON CONFLICT ON CONSTRAINT sms_opt_outs_pkey DO NOTHING;
  END IF;
  PERFORM @extschema@.sms_opt_out(message.org_id, message.to_phone, reason, 'twilio', 'error ' || code, message.client_id);
END
$$;
REVOKE ALL ON FUNCTION sms_heed_code(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_heed_code(uuid, text, text) IS
'Internal: enters the recipient of a live message that Twilio refused with this code into sms_suppression, and cancels what waits for them.';
