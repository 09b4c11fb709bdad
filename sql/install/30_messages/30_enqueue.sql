-- Sending. Lock order everywhere: the message's row, then its row in sms_queue, then its row in
-- sms_in_flight; several messages in the order of their ids. A decision after a lock reads in a statement
-- of its own, whose snapshot is newer than the lock.

-- Signals the sender, at commit, that a message of this lane is due at that time.
CREATE FUNCTION coach_sms_internal.sms_note_due(org_id uuid, zone text, priority smallint, due_at timestamptz)
  RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_note_due' LANGUAGE C VOLATILE STRICT;

CREATE FUNCTION sms_enqueue(
  org_id uuid,
  client_id uuid DEFAULT NULL,
  to_phone text DEFAULT NULL,
  template_key text DEFAULT NULL,
  variables jsonb DEFAULT NULL,
  body text DEFAULT NULL,
  scheduled_for timestamptz DEFAULT NULL,
  expires_at timestamptz DEFAULT NULL,
  related_entity_type text DEFAULT NULL,
  related_entity_id uuid DEFAULT NULL,
  idempotency_key text DEFAULT NULL,
  priority integer DEFAULT NULL,
  metadata jsonb DEFAULT NULL)
  RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_enqueue' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_enqueue(
  uuid, uuid, text, text, jsonb, text, timestamptz, timestamptz, text, uuid, text, integer, jsonb) IS
'Queues one SMS in the caller''s transaction and returns its id. Give template_key (with variables) or '
'body. It is not sent before scheduled_for (default now) nor after expires_at (default never). priority is '
'from -32768 to 32767, and lower goes first (default 0). An idempotency_key seen before returns the first '
'message''s id. Raises SM001 to SM011, SM015 and SM017 to SM020, and then changes nothing.';

CREATE FUNCTION sms_enqueue_batch(messages jsonb)
  RETURNS TABLE (ordinal integer, message_id uuid, error_code text, error_message text)
  AS 'MODULE_PATHNAME', 'coach_sms_enqueue_batch' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION sms_enqueue_batch(jsonb) IS
'Queues an array of messages, each an object whose keys are the arguments of sms_enqueue. Returns one row '
'for each, in order from 1: its message_id, or the SQLSTATE and text of its error. An error keeps out its '
'own message only. Raises SM015 where messages is no array.';
