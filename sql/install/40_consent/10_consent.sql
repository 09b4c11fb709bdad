-- Consent: the numbers to which an org sends nothing.

-- Returns the region in which the org's numbers without a country code are read. Returns AU, the column's
-- default, for an org without settings.
CREATE FUNCTION coach_sms_internal.sms_org_region(org_id uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT s.default_region FROM @extschema@.sms_settings s WHERE s.org_id = $1), 'AU')
$$;

-- At commit, recalls messages to this number (E.164) that have passed the pre-send check and have not left
-- yet. They are checked again.
CREATE FUNCTION coach_sms_internal.sms_note_retraction(phone text) RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_note_retraction' LANGUAGE C VOLATILE STRICT;

-- Returns the number in E.164 form, or the text as given where it is no number.
CREATE FUNCTION coach_sms_internal.sms_soft_phone(phone text, region text DEFAULT 'AU') RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_soft_phone' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- Returns the number (E.164) in an address of Twilio's, such as whatsapp:+61412000123; NULL
-- where there is none.
CREATE FUNCTION coach_sms_internal.sms_number_of(address text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_number_of' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- Returns the account and the sender (Messaging Service or number) that a message of the org uses. They are
-- the org's own, or else the server's. from_phone is the message's own sender; blank or NULL: the org's. NULL
-- where there is none. It is volatile and not for parallel plans, since it counts a command.
CREATE FUNCTION coach_sms_internal.sms_sending_address(
  org_id uuid, from_phone text, OUT account_sid text, OUT sender text)
  AS 'MODULE_PATHNAME', 'coach_sms_sending_address' LANGUAGE C VOLATILE;

-- Returns whether the org names an account and a token as its own, which then signs for it. If not, the
-- server's token does. It is volatile and not for parallel plans, as sms_sending_address() is.
CREATE FUNCTION coach_sms_internal.sms_has_own_token(org_id uuid) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_has_own_token' LANGUAGE C VOLATILE STRICT;

-- Returns whether the org would send with this account and this sender (Messaging Service or number).
-- from_phone is the message's own sender; blank or NULL: the org's. A STOP binds by this rule.
CREATE FUNCTION coach_sms_internal.sms_sends_as(org_id uuid, from_phone text, account_sid text, sender text)
  RETURNS boolean
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT coalesce(a.account_sid, '') = $3 AND a.sender = $4
                     FROM coach_sms_internal.sms_sending_address($1, $2) a), false)
$$;

-- Returns all keys under which the person of a number (E.164) may be listed: the number and its other
-- forms (core/text/phone_forms.cpp). Once anybody was erased, the salted hash of each is among them.
CREATE FUNCTION coach_sms_internal.sms_phone_names(phone text) RETURNS text[]
  AS 'MODULE_PATHNAME', 'coach_sms_phone_names' LANGUAGE C STABLE STRICT;

-- Returns the forms of a number (E.164) that reach the same person, the number itself first.
CREATE FUNCTION coach_sms_internal.sms_phone_forms(phone text) RETURNS text[]
  AS 'MODULE_PATHNAME', 'coach_sms_phone_forms' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- Returns the shortest form of a number (E.164), by which limits count.
CREATE FUNCTION coach_sms_internal.sms_phone_key(phone text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_phone_key' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- Returns whether the person of the number said STOP to the sender that the org would use.
CREATE FUNCTION coach_sms_internal.sms_is_bound(org_id uuid, from_phone text, phone text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM @extschema@.sms_opt_outs o
     WHERE o.phone = ANY (coach_sms_internal.sms_phone_names($3))
       AND coach_sms_internal.sms_sends_as($1, $2, o.account_sid, o.sender))
$$;

-- Carries out is_phone_suppressed() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.is_phone_suppressed_as_owner(org_id uuid, phone text) RETURNS boolean
  LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number text;
BEGIN
  PERFORM coach_sms_internal.sms_require_org(org_id);
  number := coach_sms_internal.sms_keep_phone(phone, coach_sms_internal.sms_org_region(org_id));
  RETURN EXISTS (SELECT FROM @extschema@.sms_suppression s
                  WHERE s.org_id = is_phone_suppressed_as_owner.org_id
                    AND s.phone = ANY (coach_sms_internal.sms_phone_names(number)))
         OR coach_sms_internal.sms_is_bound(org_id, NULL, number);
END
$$;

-- Carries out sms_opt_out() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_opt_out_as_owner(
  org_id uuid, phone text, reason text, source text, notes text, client_id uuid)
  RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  number text;
  entry uuid;
BEGIN
  IF org_id IS NULL THEN
    RAISE EXCEPTION 'org_id is null'
      USING ERRCODE = 'SM001', DETAIL = 'Every entry belongs to an org.', HINT = 'Give the org''s id.';
  ELSIF phone IS NULL THEN
    RAISE EXCEPTION 'phone is null'
      USING ERRCODE = 'SM006', DETAIL = 'An entry is for exactly one number.', HINT = 'Give the number.';
  ELSIF coalesce(reason NOT IN ('opt_out', 'invalid_number', 'carrier_violation', 'manual'), true) THEN
    RAISE EXCEPTION 'unknown reason %', coalesce('"' || reason || '"', 'NULL')
      USING ERRCODE = 'SM015',
            DETAIL = 'It is not one of opt_out, invalid_number, carrier_violation and manual.',
            HINT = 'Leave reason out for an opt-out. Write anything else into notes.';
  END IF;
  PERFORM coach_sms_internal.sms_require_org(org_id);
  number := coach_sms_internal.sms_keep_phone(phone, coach_sms_internal.sms_org_region(org_id));
  -- An entry of an erased person, or under the number's other form, counts as well. ON CONFLICT finds an
  -- entry under the number itself, and waits for a transaction that deletes it.
  INSERT INTO @extschema@.sms_suppression AS s (org_id, phone, reason, source, notes, client_id)
    SELECT sms_opt_out_as_owner.org_id, number, sms_opt_out_as_owner.reason, sms_opt_out_as_owner.source,
           sms_opt_out_as_owner.notes, sms_opt_out_as_owner.client_id
     WHERE NOT EXISTS (SELECT FROM @extschema@.sms_suppression e
                        WHERE e.org_id = sms_opt_out_as_owner.org_id
                          AND e.phone = ANY (coach_sms_internal.sms_phone_names(number))
                          AND e.phone <> number)
    ON CONFLICT ON CONSTRAINT sms_suppression_org_id_phone_key DO NOTHING
    RETURNING s.id INTO entry;
  IF entry IS NULL THEN
    SELECT s.id INTO entry FROM @extschema@.sms_suppression s
     WHERE s.org_id = sms_opt_out_as_owner.org_id
       AND s.phone = ANY (coach_sms_internal.sms_phone_names(number));
  END IF;
  -- Locked messages are passed over, because a STOP must not wait for an application. The pre-send check
  -- finds them.
  PERFORM coach_sms_internal.sms_cancel_waiting(
    ARRAY(SELECT m.id
            FROM coach_sms_internal.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
           WHERE q.org_id = sms_opt_out_as_owner.org_id
             AND m.to_phone = ANY (coach_sms_internal.sms_phone_names(number))
           ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED),
    'opted_out', format('%s is suppressed: %s', number, reason));
  RETURN entry;
END
$$;

-- Carries out sms_opt_in() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_opt_in_as_owner(org_id uuid, phone text, include_manual boolean)
  RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
BEGIN
  PERFORM coach_sms_internal.sms_require_org(org_id);
  DELETE FROM @extschema@.sms_suppression s
   WHERE s.org_id = sms_opt_in_as_owner.org_id
     AND s.phone = ANY (coach_sms_internal.sms_phone_names(coach_sms_internal.sms_keep_phone(
           sms_opt_in_as_owner.phone, coach_sms_internal.sms_org_region(sms_opt_in_as_owner.org_id))))
     AND (s.reason <> 'manual' OR include_manual);
  RETURN FOUND;
END
$$;

-- Writes sms_suppression.phone in E.164 form, and recalls messages that are on their way to it.
CREATE FUNCTION coach_sms_internal.sms_normalize_suppression() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.phone ~ '^hash:[0-9a-f]{64}$' THEN
    RETURN NEW;
  END IF;
  NEW.phone := coach_sms_internal.sms_keep_phone(NEW.phone, coach_sms_internal.sms_org_region(NEW.org_id));
  PERFORM coach_sms_internal.sms_note_retraction(NEW.phone);
  RETURN NEW;
END
$$;

CREATE TRIGGER sms_suppression_phone BEFORE INSERT OR UPDATE OF phone, org_id ON sms_suppression
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_normalize_suppression();
