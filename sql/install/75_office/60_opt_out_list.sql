-- The people that an org must not write to.

-- Carries out sms_sender_opt_outs_of() as coach_sms_owner. Opt-outs of people to whom the org never wrote are
-- left out: where orgs share a sender, they are the clients of others.
CREATE FUNCTION coach_sms_internal.sms_sender_opt_outs_of_as_owner(org_id uuid)
  RETURNS TABLE (phone text, source text, sender text, created_at timestamptz)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_require_org(org_id);
  RETURN QUERY
    SELECT p.phone, o.source, o.sender, o.created_at
      FROM coach_sms_internal.sms_sending_address($1, NULL) a
      JOIN @extschema@.sms_opt_outs o ON o.account_sid = coalesce(a.account_sid, '') AND o.sender = a.sender
      JOIN (SELECT m.phone, n.name
              FROM (SELECT DISTINCT x.to_phone FROM @extschema@.sms_messages x WHERE x.org_id = $1) m (phone),
                   unnest(coach_sms_internal.sms_phone_names(m.phone)) n (name)) p
        ON p.name = o.phone;
END
$$;

-- Returns the opt-outs from the org's sender by people to whom the org wrote. Raises SM001 for an org of
-- others.
CREATE FUNCTION coach_sms_internal.sms_sender_opt_outs_of(org_id uuid)
  RETURNS TABLE (phone text, source text, sender text, created_at timestamptz)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE ROWS 100;

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_opt_out_list WITH (security_invoker, security_barrier) AS
  SELECT s.org_id, e.phone, c.client_id,
         coach_sms_internal.sms_client_name(s.org_id, c.client_id) AS client_name, e.created_at AS since,
         coach_sms_internal.sms_local_time(e.created_at, z.zone) AS since_local, e.reason, e.source,
         e.sender, e.notes,
         CASE WHEN e.sender IS NOT NULL THEN format('START, sent by the person to %s', e.sender)
              WHEN e.reason = 'manual' THEN 'sms_opt_in(org_id, phone, include_manual => true)'
              WHEN e.reason <> 'opt_out' THEN 'sms_opt_in(org_id, phone), once the number is right'
              WHEN e.source = 'twilio'
                THEN 'START, sent by the person to the sender that the STOP went to'
              ELSE 'sms_opt_in(org_id, phone), once the person consents again' END AS lifted_by
    FROM @extschema@.sms_settings s
   CROSS JOIN LATERAL (SELECT coach_sms_internal.sms_known_zone(s.timezone) AS zone) z
   CROSS JOIN LATERAL (
     SELECT x.phone, x.client_id, x.created_at, x.reason, x.source, NULL::text AS sender, x.notes
       FROM @extschema@.sms_suppression x WHERE x.org_id = s.org_id
     UNION ALL
     SELECT o.phone, NULL, o.created_at, 'opt_out', o.source, o.sender, NULL
       FROM coach_sms_internal.sms_sender_opt_outs_of(s.org_id) o) e
   CROSS JOIN LATERAL (
     SELECT coalesce(e.client_id,
                     (SELECT m.client_id FROM @extschema@.sms_messages m
                       WHERE m.to_phone = e.phone AND m.org_id = s.org_id AND m.client_id IS NOT NULL
                       ORDER BY m.created_at DESC LIMIT 1)) AS client_id) c
   WHERE (SELECT coach_sms_internal.sms_reads_all_texts())
      OR s.org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_opt_out_list IS
'The numbers that an org must not write to: its own entries in sms_suppression, and opt-outs from its '
'sender by people to whom it wrote. A person may be in both. Fast for one org: WHERE org_id = ...';
COMMENT ON COLUMN sms_opt_out_list.org_id IS 'The org.';
COMMENT ON COLUMN sms_opt_out_list.phone IS
'The number in E.164 form. An erased person has hash: and the number''s salted hash.';
COMMENT ON COLUMN sms_opt_out_list.client_id IS
'The person, by the entry or the org''s latest message to the number.';
COMMENT ON COLUMN sms_opt_out_list.client_name IS
'The person''s name, from the attached bookings. NULL where it is not known.';
COMMENT ON COLUMN sms_opt_out_list.since IS 'When the entry was made.';
COMMENT ON COLUMN sms_opt_out_list.since_local IS 'since as text, in the org''s zone.';
COMMENT ON COLUMN sms_opt_out_list.reason IS
'opt_out (the person asked for it), invalid_number, carrier_violation, manual.';
COMMENT ON COLUMN sms_opt_out_list.source IS
'The source of the entry, for example sms_opt_out or twilio.';
COMMENT ON COLUMN sms_opt_out_list.sender IS
'The number or Messaging Service that the person said STOP to. NULL: an entry of the org.';
COMMENT ON COLUMN sms_opt_out_list.notes IS 'A note for people.';
COMMENT ON COLUMN sms_opt_out_list.lifted_by IS 'What lifts it.';
