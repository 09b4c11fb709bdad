-- Messages that did not arrive although nobody took them back.

-- Returns the cure for a message that ended with this error_code, and whether to send it again. See
-- src/core/sending/advice.hpp.
CREATE FUNCTION coach_sms_internal.sms_advice(error_code text, OUT cure text, OUT send_again boolean)
  AS 'MODULE_PATHNAME', 'coach_sms_advice' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_failures WITH (security_invoker) AS
  SELECT m.org_id, t.at, coach_sms_internal.sms_local_time(t.at, z.zone) AS at_local, m.status, m.error_code,
         coalesce(nullif(m.error_message, ''), m.error_code) AS problem, v.cure,
         CASE WHEN v.send_again AND r.id IS NULL AND m.to_phone <> 'erased'
              THEN NOT @extschema@.is_phone_suppressed(m.org_id, m.to_phone) ELSE false END AS send_again,
         r.id AS sent_again_as, m.client_id,
         coach_sms_internal.sms_client_name(m.org_id, m.client_id) AS client_name, m.to_phone,
         m.template_key, m.body, m.sandbox, m.id AS message_id, m.related_entity_type, m.related_entity_id,
         m.created_at
    FROM @extschema@.sms_messages m
    LEFT JOIN @extschema@.sms_settings s ON s.org_id = m.org_id
   CROSS JOIN LATERAL (SELECT coach_sms_internal.sms_known_zone(s.timezone) AS zone) z
   CROSS JOIN LATERAL (SELECT CASE m.status WHEN 'failed' THEN m.failed_at ELSE m.updated_at END AS at) t
    LEFT JOIN LATERAL coach_sms_internal.sms_advice(m.error_code) v ON true
    LEFT JOIN @extschema@.sms_messages r
      ON r.org_id = m.org_id AND r.idempotency_key = coach_sms_internal.sms_retry_key(m.id)
   WHERE m.status = 'failed' OR m.status = 'cancelled' AND m.error_code IN ('opted_out', 'expired');
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_failures IS
'The messages that failed, expired or were stopped by an opt-out, in words. Fast for one org, with the '
'latest first: WHERE org_id = ... ORDER BY created_at DESC. An org with few failures reads its whole '
'history: bound created_at.';
COMMENT ON COLUMN sms_failures.org_id IS 'The org.';
COMMENT ON COLUMN sms_failures.at IS 'When it ended.';
COMMENT ON COLUMN sms_failures.at_local IS 'at as text, in the org''s zone.';
COMMENT ON COLUMN sms_failures.status IS 'failed or cancelled.';
COMMENT ON COLUMN sms_failures.error_code IS
'Twilio''s error number, or a word of ours (doc/states-and-errors.md).';
COMMENT ON COLUMN sms_failures.problem IS 'The error in words.';
COMMENT ON COLUMN sms_failures.cure IS 'What to do, by the error.';
COMMENT ON COLUMN sms_failures.send_again IS
'true: after the cure, sms_retry() makes sense. false: it would fail again, may arrive twice, was sent '
'again already, or its number is suppressed or erased.';
COMMENT ON COLUMN sms_failures.sent_again_as IS 'The message that sms_retry() made of it. NULL: none.';
COMMENT ON COLUMN sms_failures.client_id IS 'The person''s id in the application.';
COMMENT ON COLUMN sms_failures.client_name IS
'The person''s name, from the attached bookings. NULL where it is not known.';
COMMENT ON COLUMN sms_failures.to_phone IS 'Recipient''s number in E.164 form.';
COMMENT ON COLUMN sms_failures.template_key IS 'The template''s key.';
COMMENT ON COLUMN sms_failures.body IS 'The text.';
COMMENT ON COLUMN sms_failures.sandbox IS 'true: a message of the sandbox.';
COMMENT ON COLUMN sms_failures.message_id IS 'The message, for sms_why() and sms_retry().';
COMMENT ON COLUMN sms_failures.related_entity_type IS
'The kind of thing that it is about, for example booking.';
COMMENT ON COLUMN sms_failures.related_entity_id IS 'The id of that thing; of a booking for sms_explain().';
COMMENT ON COLUMN sms_failures.created_at IS 'When it was enqueued.';
