-- History has no foreign keys to messages. They would lock rows of sms_messages, which applications lock
-- too, for each attempt and callback, and dumps would depend on order.

CREATE TABLE sms_attempts (
  id                   uuid PRIMARY KEY DEFAULT sms_uuidv7(),
  message_id           uuid NOT NULL,
  attempt_number       integer NOT NULL,
  provider             text NOT NULL DEFAULT 'twilio',
  provider_message_id  text,
  request_payload      jsonb,
  response_payload     jsonb,
  response_status      integer,
  status               text NOT NULL
                       CHECK (status IN ('success', 'transient_error', 'permanent_error', 'unknown')),
  error_code           text,
  error_message        text,
  created_at           timestamptz NOT NULL DEFAULT now(),
  org_id               uuid NOT NULL,
  client_key           text NOT NULL,
  segments             integer NOT NULL,
  duration_ms          integer
);
CREATE INDEX sms_attempts_message ON sms_attempts (message_id);
CREATE INDEX sms_attempts_client ON sms_attempts (org_id, client_key, created_at);
CREATE INDEX sms_attempts_provider ON sms_attempts (provider_message_id)
  WHERE provider_message_id IS NOT NULL;
COMMENT ON TABLE sms_attempts IS
'One row for each HTTP request whose outcome is settled. Append-only but for retention and erasure.';
COMMENT ON COLUMN sms_attempts.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_attempts.message_id IS 'The message.';
COMMENT ON COLUMN sms_attempts.attempt_number IS 'Counts from 1 within the message.';
COMMENT ON COLUMN sms_attempts.provider IS 'twilio, or sandbox for answers made in-process.';
COMMENT ON COLUMN sms_attempts.provider_message_id IS 'Twilio''s SID, where its answer gave one.';
COMMENT ON COLUMN sms_attempts.request_payload IS 'The request''s parameters. No secret is among them.';
COMMENT ON COLUMN sms_attempts.response_payload IS
'Twilio''s answer: status, code, message. NULL where none came.';
COMMENT ON COLUMN sms_attempts.response_status IS 'HTTP status; NULL where no answer came.';
COMMENT ON COLUMN sms_attempts.status IS
'success, transient_error (it is sent again), permanent_error, unknown (Twilio may have taken it).';
COMMENT ON COLUMN sms_attempts.error_code IS 'Twilio''s error number, or a word of ours.';
COMMENT ON COLUMN sms_attempts.error_message IS 'The error in words.';
COMMENT ON COLUMN sms_attempts.created_at IS 'When the attempt was settled.';
COMMENT ON COLUMN sms_attempts.org_id IS 'The message''s org.';
COMMENT ON COLUMN sms_attempts.client_key IS
'The client''s id, or the number in its shortest form where there is none. Limits count by it.';
COMMENT ON COLUMN sms_attempts.segments IS 'Segments handed over.';
COMMENT ON COLUMN sms_attempts.duration_ms IS 'Milliseconds from the start of the request to its end.';

CREATE TABLE sms_events (
  id                   uuid PRIMARY KEY DEFAULT sms_uuidv7(),
  message_id           uuid,
  org_id               uuid,
  provider             text NOT NULL DEFAULT 'twilio',
  provider_message_id  text,
  event_type           text NOT NULL,
  event_status         text,
  error_code           text,
  error_message        text,
  event_payload        jsonb,
  dedupe_key           text NOT NULL UNIQUE,
  received_at          timestamptz NOT NULL DEFAULT now(),
  processed_at         timestamptz
);
CREATE INDEX sms_events_message ON sms_events (message_id);
CREATE INDEX sms_events_provider ON sms_events (provider_message_id)
  WHERE provider_message_id IS NOT NULL;
CREATE INDEX sms_events_without_message ON sms_events (org_id, received_at) WHERE message_id IS NULL;
-- Two indexes, because another application on the account may fill the second.
CREATE INDEX sms_events_waiting ON sms_events (received_at)
  WHERE processed_at IS NULL AND message_id IS NOT NULL;
CREATE INDEX sms_events_unmatched ON sms_events (received_at)
  WHERE processed_at IS NULL AND message_id IS NULL;
COMMENT ON TABLE sms_events IS
'Twilio''s news of messages, and people''s texts: by webhook or by status poll, each event once. '
'Append-only but for matching, retention and erasure.';
COMMENT ON COLUMN sms_events.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_events.message_id IS
'The message that it is about. NULL while it is not matched, and for people''s texts.';
COMMENT ON COLUMN sms_events.org_id IS
'Its org, by the message or the signature. NULL where neither shows one.';
COMMENT ON COLUMN sms_events.provider IS 'twilio, or sandbox.';
COMMENT ON COLUMN sms_events.provider_message_id IS 'Twilio''s SID.';
COMMENT ON COLUMN sms_events.event_type IS
'status (a callback), fetch (the answer to a status poll, see coach_sms.fetch_delay) or inbound (a text '
'from a person).';
COMMENT ON COLUMN sms_events.event_status IS
'Twilio''s message status. For a text from a person STOP, START, HELP or YES, where the text is no more '
'than that. A YES that lifted a STOP is START.';
COMMENT ON COLUMN sms_events.error_code IS 'Twilio''s error code, if any.';
COMMENT ON COLUMN sms_events.error_message IS 'The error in words, if any.';
COMMENT ON COLUMN sms_events.event_payload IS
'The webhook''s parameters. NULL for fetch, for an erased person, and for a START or YES older than '
'retention_days.';
COMMENT ON COLUMN sms_events.dedupe_key IS
'SID and status, and the org whose own token signed the call. A callback that comes twice is stored once.';
COMMENT ON COLUMN sms_events.received_at IS 'When it came.';
COMMENT ON COLUMN sms_events.processed_at IS
'When it was applied to its message. NULL while it waits for the message.';

-- Attempts are summed up once they are older than any change of their prices, or when retention deletes
-- them. So the month's budget and sms_cost read a few days of attempts, however many are stored.
CREATE TABLE sms_usage (
  org_id                  uuid NOT NULL,
  month                   date NOT NULL,
  provider                text NOT NULL,
  currency                text NOT NULL,
  messages                bigint NOT NULL,
  segments                bigint NOT NULL,
  price                   numeric,
  segments_without_price  bigint NOT NULL,
  PRIMARY KEY (org_id, month, provider, currency)
) WITH (fillfactor = 50);
COMMENT ON TABLE sms_usage IS
'Sums of the attempts that are older than about eight days, or that retention_days has pruned. sms_cost adds '
'the younger attempts.';
COMMENT ON COLUMN sms_usage.org_id IS 'The org.';
COMMENT ON COLUMN sms_usage.month IS 'First day of the calendar month, in the org''s time zone.';
COMMENT ON COLUMN sms_usage.provider IS 'twilio or sandbox.';
COMMENT ON COLUMN sms_usage.currency IS
'ISO 4217 code of Twilio''s price. Empty where no price was known: sms_settings.currency then.';
COMMENT ON COLUMN sms_usage.messages IS 'Requests that Twilio took, or may have taken.';
COMMENT ON COLUMN sms_usage.segments IS 'Their segments.';
COMMENT ON COLUMN sms_usage.price IS 'Twilio''s price, as far as it was known.';
COMMENT ON COLUMN sms_usage.segments_without_price IS 'Segments of requests whose price was not known.';

CREATE TABLE sms_usage_end (
  singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  attempt_id  uuid NOT NULL,
  created_at  timestamptz NOT NULL
);
COMMENT ON TABLE sms_usage_end IS
'The last attempt, in the order of ids, that sms_usage has. One row, from the first sum on; it belongs to '
'sms_usage in a backup.';
COMMENT ON COLUMN sms_usage_end.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN sms_usage_end.attempt_id IS 'Its id. sms_usage has no stored attempt with a higher one.';
COMMENT ON COLUMN sms_usage_end.created_at IS 'When it was settled.';

SET LOCAL search_path = pg_catalog, pg_temp;
-- One row for each request that Twilio took or may have taken, and that sms_usage does not have. A message
-- that was sent again because the outcome of its first request was unknown has two. The range of ids has two
-- ends, so that the planner expects few rows. The condition on created_at holds for them all, unless a
-- transaction stays open for days; it saves visits of an org's older rows.
CREATE VIEW coach_sms_internal.sms_charges AS
  SELECT a.org_id,
         date_trunc('month', a.created_at AT TIME ZONE coach_sms_internal.sms_known_zone(s.timezone))::date
           AS month,
         a.provider, coalesce(m.price_unit, '') AS currency, a.message_id, a.segments, m.price,
         a.id AS attempt_id
    FROM @extschema@.sms_attempts a
    LEFT JOIN @extschema@.sms_settings s ON s.org_id = a.org_id
    LEFT JOIN @extschema@.sms_messages m
      ON m.id = a.message_id AND m.org_id = a.org_id AND m.provider_message_id = a.provider_message_id
   WHERE (a.status IN ('success', 'unknown') OR a.provider_message_id IS NOT NULL)
     AND a.id > coalesce((SELECT attempt_id FROM @extschema@.sms_usage_end),
                         '00000000-0000-0000-0000-000000000000')
     AND a.id <= 'ffffffff-ffff-ffff-ffff-ffffffffffff'
     AND a.created_at > coalesce((SELECT created_at - interval '8 days' FROM @extschema@.sms_usage_end),
                                 '-infinity');
SET LOCAL search_path = @extschema@, pg_temp;

-- A key stays taken after retention has deleted its message.
CREATE TABLE sms_idempotency_keys (
  org_id           uuid NOT NULL,
  idempotency_key  text NOT NULL,
  message_id       uuid NOT NULL,
  payload_hash     bytea,
  PRIMARY KEY (org_id, idempotency_key)
);
COMMENT ON TABLE sms_idempotency_keys IS
'The idempotency keys of messages that retention_days has pruned, or is about to prune.';
COMMENT ON COLUMN sms_idempotency_keys.org_id IS 'The org.';
COMMENT ON COLUMN sms_idempotency_keys.idempotency_key IS 'The key.';
COMMENT ON COLUMN sms_idempotency_keys.message_id IS 'Its message.';
COMMENT ON COLUMN sms_idempotency_keys.payload_hash IS
'SHA-256 of the arguments that came with the key, as in sms_messages.';

-- Returns the id of the message, stored or pruned, that has this key; NULL where there is none.
CREATE FUNCTION coach_sms_internal.sms_message_with_key(org_id uuid, idempotency_key text) RETURNS uuid
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
BEGIN
  RETURN (SELECT m.id FROM @extschema@.sms_messages m WHERE m.org_id = $1 AND m.idempotency_key = $2
          UNION ALL
          SELECT k.message_id FROM @extschema@.sms_idempotency_keys k
           WHERE k.org_id = $1 AND k.idempotency_key = $2
          LIMIT 1);
END
$$;
