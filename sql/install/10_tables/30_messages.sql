-- No index and no index predicate uses a column that changes after the insert. With the room that the
-- fillfactor leaves, every status change is a HOT update.
CREATE TABLE sms_messages (
  id                   uuid PRIMARY KEY DEFAULT sms_uuidv7(),
  org_id               uuid NOT NULL,
  client_id            uuid,
  to_phone             text NOT NULL,
  from_phone           text,
  template_id          uuid,
  template_key         text,
  body                 text NOT NULL,
  variables            jsonb,
  related_entity_type  text,
  related_entity_id    uuid,
  status               text NOT NULL DEFAULT 'queued'
                       CHECK (status IN ('pending', 'queued', 'sending', 'sent', 'delivered', 'failed',
                                         'cancelled', 'unknown')),
  scheduled_for        timestamptz NOT NULL DEFAULT now(),
  sent_at              timestamptz,
  delivered_at         timestamptz,
  failed_at            timestamptz,
  idempotency_key      text,
  error_code           text,
  error_message        text,
  metadata             jsonb NOT NULL DEFAULT '{}',
  created_at           timestamptz NOT NULL DEFAULT now(),
  updated_at           timestamptz NOT NULL DEFAULT now(),
  provider_message_id  text,
  segments             integer NOT NULL,
  encoding             text NOT NULL,
  priority             smallint NOT NULL DEFAULT 0,
  expires_at           timestamptz,
  attempt_count        integer NOT NULL DEFAULT 0,
  price                numeric,
  price_unit           text,
  sandbox              boolean NOT NULL,
  payload_hash         bytea
) WITH (fillfactor = 50,
        autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_analyze_scale_factor = 0.02);
CREATE UNIQUE INDEX sms_messages_idempotency_key ON sms_messages (org_id, idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX sms_messages_org_created ON sms_messages (org_id, created_at);
CREATE INDEX sms_messages_client_created ON sms_messages (org_id, client_id, created_at)
  WHERE client_id IS NOT NULL;
CREATE INDEX sms_messages_related ON sms_messages (org_id, related_entity_id)
  WHERE related_entity_id IS NOT NULL;
-- For a STOP, an erasure and a text from a person, which begin with a number.
CREATE INDEX sms_messages_phone ON sms_messages (to_phone, org_id);
COMMENT ON TABLE sms_messages IS
'One row a message: one SMS to one person. sms_enqueue or a plain INSERT adds rows. Only coach_sms changes '
'a status, except for pending or queued to cancelled.';
COMMENT ON COLUMN sms_messages.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_messages.org_id IS 'The org that sends.';
COMMENT ON COLUMN sms_messages.client_id IS 'The person''s id in the application. Optional.';
COMMENT ON COLUMN sms_messages.to_phone IS 'Recipient''s number in E.164 form.';
COMMENT ON COLUMN sms_messages.from_phone IS
'Number, short code or name to send from, in the form of sms_settings.twilio_phone_number. NULL: the '
'org''s sender.';
COMMENT ON COLUMN sms_messages.template_id IS 'The template version that the text was rendered from.';
COMMENT ON COLUMN sms_messages.template_key IS 'The template''s key.';
COMMENT ON COLUMN sms_messages.body IS 'The text as it is sent.';
COMMENT ON COLUMN sms_messages.variables IS 'The values of the template''s placeholders.';
COMMENT ON COLUMN sms_messages.related_entity_type IS
'The kind of thing that the message is about, for example booking.';
COMMENT ON COLUMN sms_messages.related_entity_id IS 'The id of that thing.';
COMMENT ON COLUMN sms_messages.status IS
'pending (waits for its time), queued (due), sending, sent (Twilio took it), delivered, failed, cancelled, '
'unknown (Twilio may have taken it; it is reconciled).';
COMMENT ON COLUMN sms_messages.scheduled_for IS 'It is not sent before this time. Default: now.';
COMMENT ON COLUMN sms_messages.sent_at IS 'When Twilio''s acceptance was recorded.';
COMMENT ON COLUMN sms_messages.delivered_at IS 'When delivery was reported.';
COMMENT ON COLUMN sms_messages.failed_at IS 'When it failed for good.';
COMMENT ON COLUMN sms_messages.idempotency_key IS
'Unique within the org. sms_enqueue with a key seen before returns the first message''s id.';
COMMENT ON COLUMN sms_messages.error_code IS
'Twilio''s error number, or a word of ours (doc/states-and-errors.md). Once set, it stays.';
COMMENT ON COLUMN sms_messages.error_message IS 'The error in words.';
COMMENT ON COLUMN sms_messages.metadata IS 'The application''s own JSON object.';
COMMENT ON COLUMN sms_messages.created_at IS 'When it was enqueued.';
COMMENT ON COLUMN sms_messages.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN sms_messages.provider_message_id IS 'Twilio''s SID (SM...), once known.';
COMMENT ON COLUMN sms_messages.segments IS
'Segments as counted before sending; Twilio''s count once it is known.';
COMMENT ON COLUMN sms_messages.encoding IS 'GSM-7 or UCS-2.';
COMMENT ON COLUMN sms_messages.priority IS 'Lower goes first within an org. Default 0.';
COMMENT ON COLUMN sms_messages.expires_at IS 'It is not sent after this time. NULL: no limit.';
COMMENT ON COLUMN sms_messages.attempt_count IS 'HTTP requests made or under way.';
COMMENT ON COLUMN sms_messages.price IS
'Twilio''s price of the whole message, in price_unit, as a positive number. NULL until it is known.';
COMMENT ON COLUMN sms_messages.price_unit IS 'ISO 4217 code of price.';
COMMENT ON COLUMN sms_messages.sandbox IS 'true: enqueued in the sandbox, and never sent live.';
COMMENT ON COLUMN sms_messages.payload_hash IS
'SHA-256 of the arguments that came with idempotency_key; NULL without a key.';

-- Returns sms_queue.zone for a message with this metadata: the zone of the quiet hours that it waits for.
CREATE FUNCTION coach_sms_internal.sms_zone_of(metadata jsonb) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_zone_of' LANGUAGE C IMMUTABLE PARALLEL SAFE;

-- Returns when a waiting message expires: at expires_at or coach_sms.max_wait after scheduled_for,
-- whichever is earlier.
CREATE FUNCTION coach_sms_internal.sms_ends_at(scheduled_for timestamptz, expires_at timestamptz)
  RETURNS timestamptz
  AS 'MODULE_PATHNAME', 'coach_sms_ends_at' LANGUAGE C STABLE PARALLEL SAFE;

-- One row for each message that waits. Not dumped: it is derived from sms_messages.
CREATE TABLE coach_sms_internal.sms_queue (
  message_id  uuid PRIMARY KEY,
  -- org_id, zone and priority are the lane.
  org_id      uuid NOT NULL,
  -- The zone of the quiet hours: empty for the org's, an IANA name (metadata.timezone), or * for no quiet
  -- hours (metadata.quiet_hours_override).
  zone        text COLLATE "C" NOT NULL DEFAULT '',
  -- Lower goes first.
  priority    smallint NOT NULL,
  -- Attempts used up so far, of coach_sms.max_attempts.
  failures    smallint NOT NULL DEFAULT 0,
  -- The earliest time of the next claim: scheduled_for, the end of a backoff, or the time at
  -- which the client's limit has room again.
  due_at      timestamptz NOT NULL,
  -- The message's expires_at.
  expires_at  timestamptz,
  -- client_daily_limit where that limit put due_at off; else NULL.
  held_for    text CHECK (held_for IN ('client_daily_limit'))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
CREATE INDEX sms_queue_claim ON coach_sms_internal.sms_queue (org_id, zone, priority, due_at, message_id);
CREATE INDEX sms_queue_expiry ON coach_sms_internal.sms_queue (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX sms_queue_held ON coach_sms_internal.sms_queue (org_id) WHERE held_for IS NOT NULL;

-- Claimed messages whose outcome is not settled. Not dumped: it is derived from sms_messages.
CREATE TABLE coach_sms_internal.sms_in_flight (
  message_id           uuid PRIMARY KEY,
  org_id               uuid NOT NULL,
  -- A random number of this claim. Every later write must show it.
  fence                bigint NOT NULL,
  -- leased: a sender works on it. unknown: its outcome is being reconciled.
  state                text NOT NULL DEFAULT 'leased' CHECK (state IN ('leased', 'unknown')),
  -- The number of this attempt, from 1.
  attempt_number       integer NOT NULL,
  -- Attempts used up before this one.
  failures             smallint NOT NULL,
  -- The lane's priority, for the way back into the queue.
  priority             smallint NOT NULL,
  -- When the sender took it.
  claimed_at           timestamptz NOT NULL,
  -- After this time nobody sends the message under this claim.
  lease_until          timestamptz NOT NULL,
  -- Twilio account of the request.
  account_sid          text,
  -- The client's id, or the number in its shortest form where there is none.
  client_key           text NOT NULL,
  -- Segments handed over.
  segments             integer NOT NULL,
  -- For state unknown: the facts of the request, which become its row in sms_attempts once it is settled.
  settlement           jsonb,
  -- For state unknown: the time of the next list search.
  next_look_at         timestamptz,
  -- List searches so far that read the list to its end without the message.
  looks                integer NOT NULL DEFAULT 0,
  -- The result of the latest list searches in a row: several or unreadable. NULL where the latest one read
  -- the list to its end without the message.
  inconclusive         text CHECK (inconclusive IN ('several', 'unreadable')),
  -- The number of those list searches, counted at most once in coach_sms.reconcile_limit.
  inconclusive_count   integer NOT NULL DEFAULT 0,
  -- When the latest of them was counted.
  inconclusive_at      timestamptz,
  -- Why the last list search that was due was not made. NULL where it was made or none was due.
  not_asked            text,
  -- Since when no list search that was due was made. After coach_sms.max_wait the message is given up.
  not_asked_since      timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
-- The sender reads it each second. Few messages are ever unknown, and the others cost nothing here.
CREATE INDEX sms_in_flight_unknown ON coach_sms_internal.sms_in_flight (next_look_at) WHERE state = 'unknown';
