-- Texts from people. The org's latest message to the number before a text says whom it belongs to.
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_inbox WITH (security_invoker) AS
  SELECT e.org_id, e.received_at,
         coach_sms_internal.sms_local_time(e.received_at, z.zone) AS received_at_local,
         p.phone AS from_phone, e.event_payload->>'Body' AS body, e.event_status AS keyword,
         a.id IS NOT NULL AS is_answered, a.id AS answer_id, m.client_id,
         coach_sms_internal.sms_client_name(e.org_id, m.client_id) AS client_name, m.id AS message_id,
         m.related_entity_type, m.related_entity_id,
         coach_sms_internal.sms_number_of(e.event_payload->>'To') AS to_phone, e.id AS event_id
    FROM @extschema@.sms_events e
    LEFT JOIN @extschema@.sms_settings s ON s.org_id = e.org_id
   CROSS JOIN LATERAL (SELECT coach_sms_internal.sms_known_zone(s.timezone) AS zone) z
   CROSS JOIN LATERAL (
     SELECT n.phone, coach_sms_internal.sms_phone_forms(n.phone) AS forms
       FROM (SELECT coach_sms_internal.sms_number_of(e.event_payload->>'From')) n (phone)) p
    LEFT JOIN LATERAL (
      SELECT b.id, b.client_id, b.related_entity_type, b.related_entity_id
        FROM @extschema@.sms_messages b
       WHERE b.to_phone = ANY (p.forms) AND b.org_id = e.org_id AND b.created_at <= e.received_at
       ORDER BY b.created_at DESC LIMIT 1) m ON true
    LEFT JOIN LATERAL (
      SELECT b.id FROM @extschema@.sms_messages b
       WHERE b.to_phone = ANY (p.forms) AND b.org_id = e.org_id AND b.created_at > e.received_at
         AND b.status NOT IN ('cancelled', 'failed')
       ORDER BY b.created_at LIMIT 1) a ON true
   WHERE e.message_id IS NULL AND e.event_type = 'inbound' AND e.org_id IS NOT NULL;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_inbox IS
'Texts from people to the org. Fast for one org: WHERE org_id = ... ORDER BY received_at DESC.';
COMMENT ON COLUMN sms_inbox.org_id IS 'The org that the text answers.';
COMMENT ON COLUMN sms_inbox.received_at IS 'When it came.';
COMMENT ON COLUMN sms_inbox.received_at_local IS 'received_at as text, in the org''s zone.';
COMMENT ON COLUMN sms_inbox.from_phone IS
'The person''s number in E.164 form. NULL where there is none, or the person was erased.';
COMMENT ON COLUMN sms_inbox.body IS 'The text. NULL where the person was erased, or retention_days is over.';
COMMENT ON COLUMN sms_inbox.keyword IS
'STOP, START, HELP or YES, where the text is no more than that. NULL: another text.';
COMMENT ON COLUMN sms_inbox.is_answered IS
'Whether a message to the number was enqueued after the text, and neither failed nor was cancelled.';
COMMENT ON COLUMN sms_inbox.answer_id IS 'The first such message. NULL: none.';
COMMENT ON COLUMN sms_inbox.client_id IS 'The person, by the latest message before the text.';
COMMENT ON COLUMN sms_inbox.client_name IS
'The person''s name, from the attached bookings. NULL where it is not known.';
COMMENT ON COLUMN sms_inbox.message_id IS 'The org''s latest message to the number before the text.';
COMMENT ON COLUMN sms_inbox.related_entity_type IS
'The kind of thing that message is about, for example booking.';
COMMENT ON COLUMN sms_inbox.related_entity_id IS 'The id of that thing; of a booking for sms_explain().';
COMMENT ON COLUMN sms_inbox.to_phone IS 'The org''s number that the person wrote to.';
COMMENT ON COLUMN sms_inbox.event_id IS 'The row of sms_events.';
