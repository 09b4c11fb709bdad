-- The install script is joined from sql/install/*.sql in the order of their names.
\echo Use "CREATE EXTENSION coach_sms" to load this file. \quit

-- What is parsed here and kept (views, above all) must find PostgreSQL's own functions and operators, also where the schema
-- holds others that fit the arguments better: views are made with a search_path without that schema, and checks, defaults,
-- conditions of triggers and one-line functions with exactly the types that PostgreSQL's own have (sql/hostile_schema.sql).
-- Everything of ours belongs to coach_sms_owner: a role that nobody is. Workers run every
-- transaction as it, definer functions act as it, and so a bug of ours never acts as a superuser.
DO $$
DECLARE
  owner pg_catalog.pg_roles;
BEGIN
  SELECT * INTO owner FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) 'coach_sms_owner';
  IF NOT FOUND THEN
    CREATE ROLE coach_sms_owner NOLOGIN NOINHERIT;
  ELSIF owner.rolsuper OR owner.rolcanlogin OR owner.rolcreaterole OR owner.rolcreatedb OR owner.rolbypassrls OR owner.rolreplication
     OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                WHERE m.roleid OPERATOR(pg_catalog.=) owner.oid OR m.member OPERATOR(pg_catalog.=) owner.oid) THEN
    RAISE EXCEPTION 'role coach_sms_owner is not as coach_sms needs it'
      USING ERRCODE = 'SM016',
            DETAIL = 'It must be NOLOGIN, without superuser, createrole, createdb, bypassrls or replication, in no role and with no member.',
            HINT = 'Alter the role, or rename it and let CREATE EXTENSION make its own.';
  END IF;
END
$$;
GRANT USAGE ON SCHEMA @extschema@ TO coach_sms_owner;
-- The library's own functions that tables need before anything else exists.

CREATE FUNCTION sms_uuidv7() RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_uuidv7' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION sms_uuidv7() IS
'A new UUID of version 7 (RFC 9562): milliseconds first, so that new rows go to the right edge of every index.';

CREATE FUNCTION sms_template_variables(body text) RETURNS text[]
  AS 'MODULE_PATHNAME', 'coach_sms_template_variables' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sms_template_variables(text) IS
'The distinct {{names}} of a template, in order. Raises SM003 where a placeholder is broken.';
-- Time zones. A package of time zones drops names now and then, and a restored database may know others: what was a zone
-- when it was written may be none when it is read.

CREATE FUNCTION sms_is_zone(name text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_zone' LANGUAGE C STABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_is_zone(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_is_zone(text) IS 'Internal: whether it is the name of an IANA time zone that this server knows.';

CREATE FUNCTION sms_known_zone(name text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_known_zone' LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_known_zone(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_known_zone(text) IS 'Internal: the time zone, or UTC where this server knows none of that name, or none is given.';

CREATE FUNCTION sms_check_zone(name text, place text) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT @extschema@.sms_is_zone(name) THEN
    RAISE EXCEPTION 'unknown time zone "%"', left(name, 100)
      USING ERRCODE = 'SM020', DETAIL = format('It was given as %s.', place),
            HINT = 'Use an IANA name, for example Australia/Sydney; pg_timezone_names lists them.';
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_check_zone(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_check_zone(text, text) IS 'Internal: raises SM020 for what is no time zone.';
CREATE TABLE sms_settings (
  org_id                        uuid PRIMARY KEY,
  twilio_account_sid            text,
  twilio_auth_token_encrypted   text,
  twilio_messaging_service_sid  text,
  twilio_phone_number           text,
  enabled                       boolean NOT NULL DEFAULT true,
  send_booking_confirmations    boolean NOT NULL DEFAULT true,
  send_session_reminders        boolean NOT NULL DEFAULT true,
  send_feedback_requests        boolean NOT NULL DEFAULT true,
  reminder_hours_before         integer NOT NULL DEFAULT 24 CHECK (reminder_hours_before BETWEEN 0 AND 8760),
  feedback_hours_after          integer NOT NULL DEFAULT 2 CHECK (feedback_hours_after BETWEEN 0 AND 8760),
  quiet_hours_start             integer DEFAULT 21 CHECK (quiet_hours_start BETWEEN 0 AND 23),
  quiet_hours_end               integer DEFAULT 8 CHECK (quiet_hours_end BETWEEN 0 AND 23),
  timezone                      text NOT NULL DEFAULT 'Australia/Sydney',
  max_sms_per_hour              integer DEFAULT 100 CHECK (max_sms_per_hour >= 0),
  max_sms_per_client_per_day    integer DEFAULT 5 CHECK (max_sms_per_client_per_day >= 0),
  updated_at                    timestamptz NOT NULL DEFAULT now(),
  default_region                text NOT NULL DEFAULT 'AU' CHECK (default_region ~ '^[A-Z]{2}$'),
  max_segments                  integer CHECK (max_segments > 0),
  monthly_budget_segments       integer CHECK (monthly_budget_segments >= 0),
  price_per_segment             numeric CHECK (price_per_segment >= 0::numeric),
  currency                      text CHECK (currency ~ '^[A-Z]{3}$'),
  max_segments_per_second       numeric CHECK (max_segments_per_second BETWEEN 0.001 AND 10000::numeric),
  retention_days                integer CHECK (retention_days BETWEEN 1 AND 36500),
  unknown_policy                text NOT NULL DEFAULT 'resend_if_absent'
                                CHECK (unknown_policy IN ('resend_if_absent', 'hold')),
  paused_until                  timestamptz,
  twilio_second_auth_token_encrypted text,
  created_at                    timestamptz NOT NULL DEFAULT now()
);
-- Twilio's calls name an account, and a stranger's do too.
CREATE INDEX sms_settings_account ON sms_settings (twilio_account_sid);
COMMENT ON TABLE sms_settings IS 'One row an org: its Twilio account and sender, and its rules. An org without a row cannot send.';
COMMENT ON COLUMN sms_settings.org_id IS 'The organisation (tenant).';
COMMENT ON COLUMN sms_settings.twilio_account_sid IS 'Twilio account (AC...). NULL: coach_sms.twilio_account_sid of the server.';
COMMENT ON COLUMN sms_settings.twilio_auth_token_encrypted IS 'Twilio auth token. Whatever is written here is sealed (AES-256-GCM, bound to org_id) before it is stored; an empty text is stored as NULL. Needs coach_sms.key_file, else SM013. NULL: the server''s own token.';
COMMENT ON COLUMN sms_settings.twilio_messaging_service_sid IS 'Messaging Service (MG...) to send with; goes before twilio_phone_number.';
COMMENT ON COLUMN sms_settings.twilio_phone_number IS 'Number, short code or alphanumeric sender to send from.';
COMMENT ON COLUMN sms_settings.enabled IS 'false: sms_enqueue raises SM002, and what waits is kept and not sent. Default true.';
COMMENT ON COLUMN sms_settings.send_booking_confirmations IS 'Confirmations for bookings. Default true.';
COMMENT ON COLUMN sms_settings.send_session_reminders IS 'Reminders before a session. Default true.';
COMMENT ON COLUMN sms_settings.send_feedback_requests IS 'Feedback requests after a session. Default true.';
COMMENT ON COLUMN sms_settings.reminder_hours_before IS 'Hours before a session at which its reminder is due. Default 24.';
COMMENT ON COLUMN sms_settings.feedback_hours_after IS 'Hours after the end of a session at which feedback is asked for. Default 2.';
COMMENT ON COLUMN sms_settings.quiet_hours_start IS 'Hour of the day (0 to 23, in timezone) from which nothing is sent. Default 21. Equal to quiet_hours_end: no quiet hours.';
COMMENT ON COLUMN sms_settings.quiet_hours_end IS 'Hour of the day (0 to 23, in timezone) from which messages go out again. Default 8.';
COMMENT ON COLUMN sms_settings.timezone IS 'IANA zone of the org; one that the server does not know any more counts as UTC. Default Australia/Sydney.';
COMMENT ON COLUMN sms_settings.max_sms_per_hour IS 'Messages in any 60 minutes. Default 100, NULL: no limit.';
COMMENT ON COLUMN sms_settings.max_sms_per_client_per_day IS 'Messages to one client in any 24 hours. Default 5, NULL: no limit.';
COMMENT ON COLUMN sms_settings.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN sms_settings.default_region IS 'ISO 3166 country in which numbers without a country code are read; another text raises SM015. Default AU.';
COMMENT ON COLUMN sms_settings.max_segments IS 'Most segments a message may have. NULL: as many as Twilio takes.';
COMMENT ON COLUMN sms_settings.monthly_budget_segments IS 'Segments a calendar month. NULL: no budget.';
COMMENT ON COLUMN sms_settings.price_per_segment IS 'Estimated price of a segment, in currency; sms_preview multiplies with it.';
COMMENT ON COLUMN sms_settings.currency IS 'ISO 4217 code of price_per_segment.';
COMMENT ON COLUMN sms_settings.max_segments_per_second IS 'Rate of the sender, in segments a second, from 0.001 to 10000. NULL: as fast as Twilio answers.';
COMMENT ON COLUMN sms_settings.retention_days IS 'Days (1 to 36500) for which finished messages are kept after their last change, with attempts, events and people''s texts. NULL: for ever.';
COMMENT ON COLUMN sms_settings.unknown_policy IS 'What becomes of a message that Twilio may or may not have taken, once its lists have shown it absent: resend_if_absent (default) sends it again, hold ends it as failed with error_code outcome_unknown.';
COMMENT ON COLUMN sms_settings.paused_until IS 'Nothing of this org is sent before this time (infinity: until sms_resume). NULL: not paused.';
COMMENT ON COLUMN sms_settings.twilio_second_auth_token_encrypted IS 'Another token of the account whose signatures the webhook takes too, while the token is changed; sealed as twilio_auth_token_encrypted is. Default NULL: none.';
COMMENT ON COLUMN sms_settings.created_at IS 'When the row was made.';
CREATE TABLE sms_templates (
  id                uuid PRIMARY KEY DEFAULT sms_uuidv7(),
  org_id            uuid NOT NULL,
  template_key      text NOT NULL CHECK (template_key <> ''),
  name              text,
  description       text,
  body              text NOT NULL,
  variables_schema  jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(variables_schema) = 'array'),
  is_active         boolean NOT NULL DEFAULT true,
  version           integer NOT NULL CHECK (version > 0),
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org_id, template_key, version)
);
COMMENT ON TABLE sms_templates IS 'Texts with {{placeholders}}. The highest active version of a key is used; a message keeps the version it was rendered from.';
COMMENT ON COLUMN sms_templates.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_templates.org_id IS 'The organisation whose template this is.';
COMMENT ON COLUMN sms_templates.template_key IS 'What sms_enqueue names, for example booking_confirmation.';
COMMENT ON COLUMN sms_templates.name IS 'A name for people.';
COMMENT ON COLUMN sms_templates.description IS 'A note for people.';
COMMENT ON COLUMN sms_templates.body IS 'The text, with {{name}} where a variable goes. A placeholder that is broken raises SM003 when the row is written.';
COMMENT ON COLUMN sms_templates.variables_schema IS 'JSON array of the names that the text uses, for people and forms; what must be given is read from the body.';
COMMENT ON COLUMN sms_templates.is_active IS 'false: this version is not used for new messages. Default true.';
COMMENT ON COLUMN sms_templates.version IS 'Counts up within (org_id, template_key); an insert without it takes the next one.';
COMMENT ON COLUMN sms_templates.created_at IS 'When the row was made.';
COMMENT ON COLUMN sms_templates.updated_at IS 'When the row was last changed.';
-- No index and no index predicate on anything that changes after the insert: with the room that
-- the fillfactor leaves, every status change is a HOT update (design.md section 5).
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
                       CHECK (status IN ('pending', 'queued', 'sending', 'sent', 'delivered', 'failed', 'cancelled', 'unknown')),
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
-- Who wrote to a phone: a STOP, an erasure and a text from a person begin with a number.
CREATE INDEX sms_messages_phone ON sms_messages (to_phone, org_id);
COMMENT ON TABLE sms_messages IS 'One row a message: one SMS to one person. Rows are added by sms_enqueue or a plain INSERT; a status is written by coach_sms alone, but for pending or queued to cancelled.';
COMMENT ON COLUMN sms_messages.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_messages.org_id IS 'The organisation that sends.';
COMMENT ON COLUMN sms_messages.client_id IS 'The person, as the application knows them. Optional.';
COMMENT ON COLUMN sms_messages.to_phone IS 'Recipient in E.164, as normalised from what was given.';
COMMENT ON COLUMN sms_messages.from_phone IS 'The number to send from in place of the org''s sender; NULL: the org''s own.';
COMMENT ON COLUMN sms_messages.template_id IS 'The template version the text was rendered from.';
COMMENT ON COLUMN sms_messages.template_key IS 'The template''s key.';
COMMENT ON COLUMN sms_messages.body IS 'The text as it is sent.';
COMMENT ON COLUMN sms_messages.variables IS 'What was given for the template''s placeholders.';
COMMENT ON COLUMN sms_messages.related_entity_type IS 'What the message is about, for example booking.';
COMMENT ON COLUMN sms_messages.related_entity_id IS 'Which one it is about.';
COMMENT ON COLUMN sms_messages.status IS 'pending (waits for its time), queued (due), sending, sent (Twilio took it), delivered, failed, cancelled, unknown (Twilio may have taken it; being found out).';
COMMENT ON COLUMN sms_messages.scheduled_for IS 'Not before this time. Default: now.';
COMMENT ON COLUMN sms_messages.sent_at IS 'When Twilio''s acceptance was recorded.';
COMMENT ON COLUMN sms_messages.delivered_at IS 'When delivery was reported.';
COMMENT ON COLUMN sms_messages.failed_at IS 'When it failed for good.';
COMMENT ON COLUMN sms_messages.idempotency_key IS 'Unique within the org; sms_enqueue with a key seen before returns the first message''s id.';
COMMENT ON COLUMN sms_messages.error_code IS 'Twilio''s number or a word of ours (README, Reasons). Never erased once known.';
COMMENT ON COLUMN sms_messages.error_message IS 'The error in words.';
COMMENT ON COLUMN sms_messages.metadata IS 'The application''s own JSON object.';
COMMENT ON COLUMN sms_messages.created_at IS 'When it was enqueued.';
COMMENT ON COLUMN sms_messages.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN sms_messages.provider_message_id IS 'Twilio''s SID (SM...), once known.';
COMMENT ON COLUMN sms_messages.segments IS 'Segments as counted before sending; Twilio''s own count once known.';
COMMENT ON COLUMN sms_messages.encoding IS 'GSM-7 or UCS-2.';
COMMENT ON COLUMN sms_messages.priority IS 'Lower goes first within an org. Default 0.';
COMMENT ON COLUMN sms_messages.expires_at IS 'Not after this time. NULL: no limit.';
COMMENT ON COLUMN sms_messages.attempt_count IS 'HTTP requests made or under way for it.';
COMMENT ON COLUMN sms_messages.price IS 'What Twilio charged for the whole message, in price_unit, as a positive number. NULL until known.';
COMMENT ON COLUMN sms_messages.price_unit IS 'ISO 4217 code of price.';
COMMENT ON COLUMN sms_messages.sandbox IS 'true: enqueued while the database was in sandbox; never sent live.';
COMMENT ON COLUMN sms_messages.payload_hash IS 'SHA-256 of what an idempotency_key stands for; NULL without a key.';

-- Which quiet hours a message waits for. No SET clause: it is inlined into the statements of the queue.
CREATE FUNCTION sms_zone_of(metadata jsonb) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN metadata->'quiet_hours_override'::text = 'true'::jsonb THEN '*' ELSE coalesce(left(metadata->>'timezone'::text, 64), '') END;
COMMENT ON FUNCTION sms_zone_of(jsonb) IS 'Internal: sms_queue.zone of a message with this metadata; no zone''s name is longer, and an index takes no name of any length.';
REVOKE ALL ON FUNCTION sms_zone_of(jsonb) FROM PUBLIC;

CREATE TABLE sms_queue (
  message_id  uuid PRIMARY KEY,
  org_id      uuid NOT NULL,
  zone        text COLLATE "C" NOT NULL DEFAULT '',
  priority    smallint NOT NULL,
  failures    smallint NOT NULL DEFAULT 0,
  due_at      timestamptz NOT NULL,
  expires_at  timestamptz,
  held_for    text CHECK (held_for IN ('client_daily_limit'))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
CREATE INDEX sms_queue_claim ON sms_queue (org_id, zone, priority, due_at, message_id);
CREATE INDEX sms_queue_expiry ON sms_queue (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX sms_queue_held ON sms_queue (org_id) WHERE held_for IS NOT NULL;
COMMENT ON TABLE sms_queue IS 'Internal: one row for each message not yet handed over, in the order of claims. Not dumped: derived from sms_messages.';
COMMENT ON COLUMN sms_queue.message_id IS 'The message.';
COMMENT ON COLUMN sms_queue.org_id IS 'Its org. Org, zone and priority are the lane.';
COMMENT ON COLUMN sms_queue.zone IS 'Whose quiet hours count: empty the org''s zone, an IANA name (metadata.timezone), or * for any hour (metadata.quiet_hours_override).';
COMMENT ON COLUMN sms_queue.priority IS 'Lower goes first.';
COMMENT ON COLUMN sms_queue.failures IS 'Attempts used up so far, of coach_sms.max_attempts.';
COMMENT ON COLUMN sms_queue.due_at IS 'Not before this time: scheduled_for, the end of a back-off, or when its client''s limit has room again.';
COMMENT ON COLUMN sms_queue.expires_at IS 'The message''s expires_at, by which waiting messages expire.';
COMMENT ON COLUMN sms_queue.held_for IS 'client_daily_limit where due_at was put off for that; NULL else.';

CREATE TABLE sms_in_flight (
  message_id           uuid PRIMARY KEY,
  org_id               uuid NOT NULL,
  fence                bigint NOT NULL,
  state                text NOT NULL DEFAULT 'leased' CHECK (state IN ('leased', 'unknown')),
  attempt_number       integer NOT NULL,
  failures             smallint NOT NULL,
  priority             smallint NOT NULL,
  claimed_at           timestamptz NOT NULL,
  lease_until          timestamptz NOT NULL,
  account_sid          text,
  client_key           text NOT NULL,
  segments             integer NOT NULL,
  settlement           jsonb,
  next_look_at         timestamptz,
  looks                integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
COMMENT ON TABLE sms_in_flight IS 'Internal: claimed messages whose outcome is not settled. Not dumped: derived from sms_messages.';
COMMENT ON COLUMN sms_in_flight.message_id IS 'The message.';
COMMENT ON COLUMN sms_in_flight.org_id IS 'Its org.';
COMMENT ON COLUMN sms_in_flight.fence IS 'Token of this claim; every later write must show it.';
COMMENT ON COLUMN sms_in_flight.state IS 'leased (a sender works on it), unknown (being found out).';
COMMENT ON COLUMN sms_in_flight.attempt_number IS 'Which request of this message.';
COMMENT ON COLUMN sms_in_flight.failures IS 'Attempts used up before this one.';
COMMENT ON COLUMN sms_in_flight.priority IS 'For the way back into the queue.';
COMMENT ON COLUMN sms_in_flight.claimed_at IS 'When the sender took it.';
COMMENT ON COLUMN sms_in_flight.lease_until IS 'After this time nobody sends it under this claim.';
COMMENT ON COLUMN sms_in_flight.account_sid IS 'Twilio account of the request.';
COMMENT ON COLUMN sms_in_flight.client_key IS 'Client, or number where there is none.';
COMMENT ON COLUMN sms_in_flight.segments IS 'Segments handed over.';
COMMENT ON COLUMN sms_in_flight.settlement IS 'For state unknown: what there is to tell of the request; becomes its row in sms_attempts once it is found out.';
COMMENT ON COLUMN sms_in_flight.next_look_at IS 'When Twilio''s list is looked at next, for state unknown.';
COMMENT ON COLUMN sms_in_flight.looks IS 'Listings so far that were read to their end and showed nothing.';
-- No foreign keys from history to messages: they would take a row lock for each attempt and each
-- callback on the very rows that applications lock, and make dumps depend on order.

CREATE TABLE sms_attempts (
  id                   uuid PRIMARY KEY DEFAULT sms_uuidv7(),
  message_id           uuid NOT NULL,
  attempt_number       integer NOT NULL,
  provider             text NOT NULL DEFAULT 'twilio',
  provider_message_id  text,
  request_payload      jsonb,
  response_payload     jsonb,
  response_status      integer,
  status               text NOT NULL CHECK (status IN ('success', 'transient_error', 'permanent_error', 'unknown')),
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
CREATE INDEX sms_attempts_provider ON sms_attempts (provider_message_id) WHERE provider_message_id IS NOT NULL;
COMMENT ON TABLE sms_attempts IS 'One row for each HTTP request whose outcome was settled. Append-only but for retention and erasure.';
COMMENT ON COLUMN sms_attempts.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_attempts.message_id IS 'The message.';
COMMENT ON COLUMN sms_attempts.attempt_number IS 'Counts from 1 within the message.';
COMMENT ON COLUMN sms_attempts.provider IS 'twilio, or sandbox for answers made in-process.';
COMMENT ON COLUMN sms_attempts.provider_message_id IS 'Twilio''s SID, where one was given.';
COMMENT ON COLUMN sms_attempts.request_payload IS 'The request''s parameters; no secret is in it.';
COMMENT ON COLUMN sms_attempts.response_payload IS 'Twilio''s answer: status, code, message; NULL where none came.';
COMMENT ON COLUMN sms_attempts.response_status IS 'HTTP status; NULL where no answer came.';
COMMENT ON COLUMN sms_attempts.status IS 'success, transient_error (goes again), permanent_error, unknown (may have been taken).';
COMMENT ON COLUMN sms_attempts.error_code IS 'Twilio''s number or a word of ours.';
COMMENT ON COLUMN sms_attempts.error_message IS 'The error in words.';
COMMENT ON COLUMN sms_attempts.created_at IS 'When the attempt was settled.';
COMMENT ON COLUMN sms_attempts.org_id IS 'The message''s org.';
COMMENT ON COLUMN sms_attempts.client_key IS 'Client, or number where there is none: what limits count by.';
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
CREATE INDEX sms_events_provider ON sms_events (provider_message_id) WHERE provider_message_id IS NOT NULL;
CREATE INDEX sms_events_without_message ON sms_events (org_id, received_at) WHERE message_id IS NULL;
CREATE INDEX sms_events_waiting ON sms_events (received_at) WHERE processed_at IS NULL;
COMMENT ON TABLE sms_events IS 'What Twilio told us, by webhook or when asked, each event once. Append-only but for matching, retention and erasure.';
COMMENT ON COLUMN sms_events.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_events.message_id IS 'The message it is about; NULL while not matched, and for inbound texts.';
COMMENT ON COLUMN sms_events.org_id IS 'Its org, as far as the signature tells; NULL while not matched otherwise.';
COMMENT ON COLUMN sms_events.provider IS 'twilio, or sandbox.';
COMMENT ON COLUMN sms_events.provider_message_id IS 'Twilio''s SID.';
COMMENT ON COLUMN sms_events.event_type IS 'status (a callback), fetch (what Twilio said of a message when asked, coach_sms.fetch_delay), or inbound (a text from a person).';
COMMENT ON COLUMN sms_events.event_status IS 'Twilio''s message status; of a text from a person STOP, START, HELP or YES, where it was no more than that (START also for a YES that lifted a STOP).';
COMMENT ON COLUMN sms_events.error_code IS 'Twilio''s error code, if any.';
COMMENT ON COLUMN sms_events.error_message IS 'The error in words, if any.';
COMMENT ON COLUMN sms_events.event_payload IS 'The webhook''s parameters; NULL for fetch, once the person was erased, and of a START or YES that retention_days has reached.';
COMMENT ON COLUMN sms_events.dedupe_key IS 'SID and status (and the org whose own token signed it): a callback that comes twice is stored once.';
COMMENT ON COLUMN sms_events.received_at IS 'When it came.';
COMMENT ON COLUMN sms_events.processed_at IS 'When it was applied to its message; NULL while it waits for a match.';

-- What retention has taken away must still count: for the month's budget, and for sms_cost.
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
);
COMMENT ON TABLE sms_usage IS 'Internal: sums of the attempts that retention_days has pruned. sms_cost shows them with the others.';
COMMENT ON COLUMN sms_usage.org_id IS 'The org.';
COMMENT ON COLUMN sms_usage.month IS 'First day of the calendar month, in the org''s time zone.';
COMMENT ON COLUMN sms_usage.provider IS 'twilio or sandbox.';
COMMENT ON COLUMN sms_usage.currency IS 'ISO 4217 code, or empty.';
COMMENT ON COLUMN sms_usage.messages IS 'Requests that were taken, or may have been.';
COMMENT ON COLUMN sms_usage.segments IS 'Their segments.';
COMMENT ON COLUMN sms_usage.price IS 'What Twilio charged, as far as it had told.';
COMMENT ON COLUMN sms_usage.segments_without_price IS 'Segments of those whose price was not known.';

-- What Twilio charges for: a message that was sent again after all, because nothing was known of the first request, is two.
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_charges AS
  SELECT a.org_id, date_trunc('month', a.created_at AT TIME ZONE @extschema@.sms_known_zone(s.timezone))::date AS month, a.provider,
         coalesce(m.price_unit, s.currency, '') AS currency, a.message_id, a.segments, m.price
    FROM @extschema@.sms_attempts a
    LEFT JOIN @extschema@.sms_settings s ON s.org_id = a.org_id
    LEFT JOIN @extschema@.sms_messages m ON m.id = a.message_id AND m.org_id = a.org_id AND m.provider_message_id = a.provider_message_id
   WHERE a.status IN ('success', 'unknown') OR a.provider_message_id IS NOT NULL;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_charges IS 'Internal: one row for each request that Twilio took, or may have taken. sms_cost sums it up.';
COMMENT ON COLUMN sms_charges.month IS 'First day of the calendar month, in the org''s time zone.';
COMMENT ON COLUMN sms_charges.currency IS 'Twilio''s, else the org''s, else empty.';
COMMENT ON COLUMN sms_charges.price IS 'What Twilio charged; NULL where it has not told.';

-- A key stays taken when its message is gone.
CREATE TABLE sms_idempotency_keys (
  org_id           uuid NOT NULL,
  idempotency_key  text NOT NULL,
  message_id       uuid NOT NULL,
  payload_hash     bytea,
  PRIMARY KEY (org_id, idempotency_key)
);
COMMENT ON TABLE sms_idempotency_keys IS 'Internal: the idempotency keys of messages that retention_days has pruned, or is about to.';
COMMENT ON COLUMN sms_idempotency_keys.org_id IS 'The org.';
COMMENT ON COLUMN sms_idempotency_keys.idempotency_key IS 'The key.';
COMMENT ON COLUMN sms_idempotency_keys.message_id IS 'Its message.';
COMMENT ON COLUMN sms_idempotency_keys.payload_hash IS 'What the key stood for, as in sms_messages.';

CREATE FUNCTION sms_message_with_key(org_id uuid, idempotency_key text) RETURNS uuid
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT m.id FROM @extschema@.sms_messages m WHERE m.org_id = $1 AND m.idempotency_key = $2
          UNION ALL
          SELECT k.message_id FROM @extschema@.sms_idempotency_keys k WHERE k.org_id = $1 AND k.idempotency_key = $2
          LIMIT 1);
END
$$;
REVOKE ALL ON FUNCTION sms_message_with_key(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_message_with_key(uuid, text) IS 'Internal: the message that has this key, or had it when it was pruned; NULL where none had.';
CREATE TABLE sms_suppression (
  id          uuid PRIMARY KEY DEFAULT sms_uuidv7(),
  org_id      uuid NOT NULL,
  phone       text NOT NULL,
  reason      text NOT NULL DEFAULT 'manual'
              CHECK (reason IN ('opt_out', 'invalid_number', 'carrier_violation', 'manual')),
  source      text,
  notes       text,
  client_id   uuid,
  created_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org_id, phone)
);
COMMENT ON TABLE sms_suppression IS 'Numbers to which an org sends nothing.';
COMMENT ON COLUMN sms_suppression.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_suppression.org_id IS 'The org.';
COMMENT ON COLUMN sms_suppression.phone IS 'E.164; any other form is normalised with the org''s default_region when it is written. Of an erased person: hash: and the salted hash of it.';
COMMENT ON COLUMN sms_suppression.reason IS 'opt_out (the person said so), invalid_number, carrier_violation, manual (default).';
COMMENT ON COLUMN sms_suppression.source IS 'Where it came from, for example sms_opt_out or twilio.';
COMMENT ON COLUMN sms_suppression.notes IS 'A note for people.';
COMMENT ON COLUMN sms_suppression.client_id IS 'The person, if known.';
COMMENT ON COLUMN sms_suppression.created_at IS 'When it was entered.';

CREATE TABLE sms_opt_outs (
  account_sid  text NOT NULL,
  sender       text NOT NULL,
  phone        text NOT NULL,
  source       text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (phone, account_sid, sender)
);
COMMENT ON TABLE sms_opt_outs IS 'Internal: opt-outs by sender, so that they bind every org that shares it.';
COMMENT ON COLUMN sms_opt_outs.account_sid IS 'Twilio account; empty where none was told.';
COMMENT ON COLUMN sms_opt_outs.sender IS 'Number or Messaging Service that the person answered to.';
COMMENT ON COLUMN sms_opt_outs.phone IS 'The person''s number, E.164, or its salted hash as in sms_suppression.';
COMMENT ON COLUMN sms_opt_outs.source IS 'Where it came from.';
COMMENT ON COLUMN sms_opt_outs.created_at IS 'When it came.';

CREATE TABLE sms_phone_salt (
  singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  salt       bytea NOT NULL
);
COMMENT ON TABLE sms_phone_salt IS 'Internal: with what the numbers of erased persons are hashed. One row, from the first erasure on.';
COMMENT ON COLUMN sms_phone_salt.singleton IS 'There is one row.';
COMMENT ON COLUMN sms_phone_salt.salt IS 'Random.';

CREATE TABLE sms_schedules (
  id            uuid PRIMARY KEY DEFAULT sms_uuidv7(),
  org_id        uuid NOT NULL,
  type          text NOT NULL CHECK (type IN ('pre_session', 'post_session')),
  label         text,
  mins_offset   integer NOT NULL CHECK (mins_offset BETWEEN 0 AND 525600),
  template_key  text NOT NULL,
  enabled       boolean NOT NULL DEFAULT true,
  sort_order    integer NOT NULL DEFAULT 0,
  created_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org_id, type, mins_offset, template_key)
);
COMMENT ON TABLE sms_schedules IS 'Several reminders or follow-ups per org, in place of the one of sms_settings.';
COMMENT ON COLUMN sms_schedules.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_schedules.created_at IS 'When the row was made; what was due before it is not sent by it.';
COMMENT ON COLUMN sms_schedules.org_id IS 'The org.';
COMMENT ON COLUMN sms_schedules.type IS 'pre_session or post_session.';
COMMENT ON COLUMN sms_schedules.label IS 'A name for people.';
COMMENT ON COLUMN sms_schedules.mins_offset IS 'Minutes before the start (pre_session) or after the end (post_session).';
COMMENT ON COLUMN sms_schedules.template_key IS 'Which template.';
COMMENT ON COLUMN sms_schedules.enabled IS 'Default true.';
COMMENT ON COLUMN sms_schedules.sort_order IS 'Order for people. Default 0.';
-- Which server may send for this database. Never dumped: a copy is another server until it is armed.
CREATE TABLE sms_server (
  singleton          boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  mode               text NOT NULL CHECK (mode IN ('sandbox', 'live')),
  system_identifier  bigint NOT NULL,
  database_oid       oid NOT NULL,
  arm_id             uuid NOT NULL,
  changed_at         timestamptz NOT NULL DEFAULT now(),
  changed_by         text NOT NULL DEFAULT session_user,
  paused_until       timestamptz
);
COMMENT ON TABLE sms_server IS 'Internal: one row that ties sending to this server and this database. Written by CREATE EXTENSION, sms_go_live() and sms_go_sandbox().';
COMMENT ON COLUMN sms_server.singleton IS 'There is one row.';
COMMENT ON COLUMN sms_server.mode IS 'sandbox: answers are made in-process; live: messages go to Twilio.';
COMMENT ON COLUMN sms_server.system_identifier IS 'pg_control''s identifier of the cluster that was armed.';
COMMENT ON COLUMN sms_server.database_oid IS 'OID of the database that was armed.';
COMMENT ON COLUMN sms_server.arm_id IS 'Random; live needs the same id in the file <key_file>.live.<database oid>.';
COMMENT ON COLUMN sms_server.changed_at IS 'When the mode was set.';
COMMENT ON COLUMN sms_server.changed_by IS 'Who set it.';
COMMENT ON COLUMN sms_server.paused_until IS 'Nothing of any org is sent before this time. NULL: not paused.';

DO $$
DECLARE
  kept text;
BEGIN
  FOREACH kept IN ARRAY ARRAY['sms_settings', 'sms_templates', 'sms_messages', 'sms_attempts', 'sms_events',
                              'sms_suppression', 'sms_opt_outs', 'sms_phone_salt', 'sms_schedules', 'sms_usage', 'sms_idempotency_keys'] LOOP
    PERFORM pg_catalog.pg_extension_config_dump(pg_catalog.format('@extschema@.%I', kept)::pg_catalog.regclass, '');
  END LOOP;
END
$$;
-- Bookings: which tables of the application's they are in, and which texts they had.

-- Whoever can write this row says whose tables are read with their owner's rights. So it is not
-- coach_sms_owner's, as everything else is, but the superuser's who created the extension.
CREATE TABLE sms_bookings_source (
  singleton    boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  bookings     regclass NOT NULL,
  clients      regclass NOT NULL,
  orgs         regclass NOT NULL,
  mapping      jsonb NOT NULL,
  attached_at  timestamptz NOT NULL DEFAULT now(),
  attached_by  text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE sms_bookings_source IS 'Internal: the attached bookings, one row, written by sms_attach_bookings(). Only superusers may write it: it says whose tables are read.';
COMMENT ON COLUMN sms_bookings_source.singleton IS 'There is one row.';
COMMENT ON COLUMN sms_bookings_source.bookings IS 'The application''s bookings, a table or view. Dumped by name.';
COMMENT ON COLUMN sms_bookings_source.clients IS 'Its clients.';
COMMENT ON COLUMN sms_bookings_source.orgs IS 'Its orgs.';
COMMENT ON COLUMN sms_bookings_source.mapping IS 'Our column names and theirs, and the words of the status that count, all of them.';
COMMENT ON COLUMN sms_bookings_source.attached_at IS 'What ended before this time is history: nobody is asked for feedback on it.';
COMMENT ON COLUMN sms_bookings_source.attached_by IS 'Who attached them.';

CREATE TYPE sms_booking AS (
  id             uuid,
  org_id         uuid,
  client_id      uuid,
  start_time     timestamptz,
  end_time       timestamptz,
  state          text,
  reminder_sent  boolean,
  feedback_sent  boolean,
  location       text,
  has_client     boolean,
  full_name      text,
  phone          text,
  org_name       text
);
COMMENT ON TYPE sms_booking IS 'Internal: a booking as read from the application''s tables; state is confirmed, completed or other.';

CREATE TABLE sms_booking_texts (
  booking_id     uuid NOT NULL,
  type           text NOT NULL CHECK (type IN ('confirmation', 'reminder', 'feedback')),
  schedule_id    uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  org_id         uuid NOT NULL,
  session_start  timestamptz,
  session_end    timestamptz,
  message_id     uuid,
  reason         text,
  detail         text,
  try_until      timestamptz,
  revision       integer NOT NULL DEFAULT 0,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (booking_id, type, schedule_id)
);
CREATE INDEX sms_booking_texts_message ON sms_booking_texts (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX sms_booking_texts_again ON sms_booking_texts (try_until) WHERE try_until IS NOT NULL;
COMMENT ON TABLE sms_booking_texts IS 'The latest text of each kind that a booking had or did not get. sms_explain() tells it in words.';
COMMENT ON COLUMN sms_booking_texts.booking_id IS 'The booking.';
COMMENT ON COLUMN sms_booking_texts.type IS 'confirmation, reminder or feedback.';
COMMENT ON COLUMN sms_booking_texts.schedule_id IS 'The row of sms_schedules it is for; all zero where it is for the hours in sms_settings.';
COMMENT ON COLUMN sms_booking_texts.org_id IS 'The booking''s org.';
COMMENT ON COLUMN sms_booking_texts.session_start IS 'The start it was made for; another one by now means that the booking was moved.';
COMMENT ON COLUMN sms_booking_texts.session_end IS 'The end it was made for.';
COMMENT ON COLUMN sms_booking_texts.message_id IS 'The message; NULL where there is none, and reason says why.';
COMMENT ON COLUMN sms_booking_texts.reason IS 'Why there is no message, in a word that sms_explain() puts into a sentence (README, Bookings, has the common ones), or booking_cancelled beside a message of a booking that was called off after it. NULL: all is well.';
COMMENT ON COLUMN sms_booking_texts.detail IS 'The reason in words, as the error had it.';
COMMENT ON COLUMN sms_booking_texts.try_until IS 'Until when it is tried again; NULL: it is final.';
COMMENT ON COLUMN sms_booking_texts.revision IS 'How many messages were made for it.';
COMMENT ON COLUMN sms_booking_texts.created_at IS 'When there was first something to tell.';
COMMENT ON COLUMN sms_booking_texts.updated_at IS 'When it was last decided.';

DO $$
BEGIN
  PERFORM pg_catalog.pg_extension_config_dump('@extschema@.sms_bookings_source'::pg_catalog.regclass, '');
  PERFORM pg_catalog.pg_extension_config_dump('@extschema@.sms_booking_texts'::pg_catalog.regclass, '');
END
$$;
-- Whose orgs a role may see and act for. coach_sms.tenancy_function decides, an application's function that runs with
-- the rights of whoever asks; or else the claims of a token.

CREATE FUNCTION sms_every_org() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT s.org_id FROM @extschema@.sms_settings s $$;
REVOKE ALL ON FUNCTION sms_every_org() FROM PUBLIC;
COMMENT ON FUNCTION sms_every_org() IS
'Every org that has settings. Who may execute this acts for all orgs: sms_grant_service and sms_grant_operator let a role do so.';

CREATE FUNCTION sms_acts_for_all() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_acts_for_all' LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_acts_for_all() FROM PUBLIC;
COMMENT ON FUNCTION sms_acts_for_all() IS
'Whether the current user acts for every org: whether it may execute sms_every_org().';

CREATE FUNCTION sms_my_orgs() RETURNS uuid[]
  AS 'MODULE_PATHNAME', 'coach_sms_my_orgs' LANGUAGE C STABLE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION sms_my_orgs() FROM PUBLIC;
COMMENT ON FUNCTION sms_my_orgs() IS
'The orgs that the current user belongs to, by coach_sms.tenancy_function or the claims of its token. Policies ask it once a statement. Raises SM022 where the function cannot be used.';

CREATE FUNCTION sms_is_my_org(org_id uuid) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_my_org' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION sms_is_my_org(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_is_my_org(uuid) IS
'Whether the current user belongs to the org, which need not have settings yet. Raises SM022 where coach_sms.tenancy_function cannot be used.';

CREATE FUNCTION sms_may_act_for(org_id uuid) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_act_for' LANGUAGE C STABLE;
REVOKE ALL ON FUNCTION sms_may_act_for(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_may_act_for(uuid) IS
'Internal: whether whoever called the public function that asks may act for the org; NULL: for every org.';

-- An org of others' is unknown, as one that there is not.
CREATE FUNCTION sms_require_org(org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT @extschema@.sms_may_act_for(org_id) THEN
    RAISE EXCEPTION 'unknown org %', coalesce(org_id::text, 'NULL')
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.', HINT = 'Insert its settings first.';
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_require_org(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_require_org(uuid) IS 'Internal: raises SM001 where the caller of a public function may not act for the org.';
-- Text: templates, segments, numbers. The library's, without a look at any table.

REVOKE ALL ON FUNCTION sms_uuidv7() FROM PUBLIC;
REVOKE ALL ON FUNCTION sms_template_variables(text) FROM PUBLIC;

CREATE FUNCTION render_sms_template(body text, variables jsonb DEFAULT '{}') RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_render_template' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION render_sms_template(text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION render_sms_template(text, jsonb) IS
'The text with every {{name}} replaced, in one pass: a value that looks like a placeholder stays text. Raises SM003 (broken placeholder), SM004 (variables that are missing), SM005 (variables not an object of plain values).';

CREATE FUNCTION sms_segments(body text, OUT encoding text, OUT segments integer, OUT units integer)
  AS 'MODULE_PATHNAME', 'coach_sms_segments' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_segments(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_segments(text) IS
'How the text travels: encoding GSM-7 or UCS-2, segments (what is paid for), and units (septets in GSM-7, 16-bit units in UCS-2).';

CREATE FUNCTION sms_smart_encode(body text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_smart_encode' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_smart_encode(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_smart_encode(text) IS
'The text as Twilio''s Smart Encoding would change it: curly quotes, dashes and their like become characters of GSM-7.';

-- Not IMMUTABLE: numbering plans change with a new libphonenumber, and an index would not.
CREATE FUNCTION sms_normalize_phone(phone text, region text DEFAULT 'AU') RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_normalize_phone' LANGUAGE C STABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_normalize_phone(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_normalize_phone(text, text) IS
'The number in E.164 form; one without a country code is read as dialled in the region (ISO 3166, default AU). Raises SM006 for what is no possible number, SM015 for an unknown region.';

CREATE FUNCTION sms_keep_phone(phone text, region text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_keep_phone' LANGUAGE C STABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_keep_phone(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_keep_phone(text, text) IS
'Internal: sms_normalize_phone for stored numbers: one in E.164 form that numbering plans do not know any more is kept.';

CREATE FUNCTION sms_validate_twilio_signature(
  auth_token text, url text, body text, signature text, content_type text DEFAULT 'application/x-www-form-urlencoded')
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_validate_signature' LANGUAGE C IMMUTABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_validate_twilio_signature(text, text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_validate_twilio_signature(text, text, text, text, text) IS
'Whether Twilio signed a request (X-Twilio-Signature) to this public URL with this raw body. Anything malformed or NULL is false; takes constant time.';
-- The key, and the trigger that seals tokens.

CREATE FUNCTION sms_create_key(path text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_create_key' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION sms_create_key(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_create_key(text) IS
'Makes a new key file at an absolute path outside the data directory (mode 0600, never overwritten) and returns the key''s id. Then set coach_sms.key_file to the path. Superuser only. Raises SM013 where the file cannot be made.';

CREATE FUNCTION sms_rotate_key(old_file text, new_file text) RETURNS integer
  AS 'MODULE_PATHNAME', 'coach_sms_rotate_key' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION sms_rotate_key(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_rotate_key(text, text) IS
'Seals every token anew that was sealed with the key in old_file, with the one in new_file, and returns how many. coach_sms.key_file must be new_file and coach_sms.old_key_file old_file by then, so that tokens open with either meanwhile. A token that does not open is warned of and left. Superuser only. Raises SM013 for settings and files that are not so.';

CREATE FUNCTION sms_seal_token() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_seal_token' LANGUAGE C;
REVOKE ALL ON FUNCTION sms_seal_token() FROM PUBLIC;
COMMENT ON FUNCTION sms_seal_token() IS
'Internal: seals what is written to the columns of sms_settings that hold tokens. Raises SM013 where coach_sms.key_file holds no key.';

-- Triggers fire in the order of their names: this one first, so that no other sees the token. And
-- ALWAYS, so that a token that arrives by replication is sealed too; sealed values pass unchanged.
CREATE TRIGGER "00_seal_token" BEFORE INSERT OR UPDATE OF twilio_auth_token_encrypted, twilio_second_auth_token_encrypted ON sms_settings
  FOR EACH ROW EXECUTE FUNCTION sms_seal_token();
ALTER TABLE sms_settings ENABLE ALWAYS TRIGGER "00_seal_token";

CREATE FUNCTION sms_sealed(org_id uuid, token text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_sealed' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION sms_sealed(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_sealed(uuid, text) IS
'Internal: the token sealed for the org; NULL where it is empty, and as it is where it is sealed already. Raises SM013 where coach_sms.key_file holds no key.';

CREATE FUNCTION sms_set_twilio_credentials(org_id uuid, account_sid text, auth_token text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- The trigger would seal it too, but the UPDATE's plan, which may be logged, would hold the token.
  sealed text := @extschema@.sms_sealed(org_id, auth_token);
BEGIN
  UPDATE @extschema@.sms_settings s
     SET twilio_account_sid = account_sid, twilio_auth_token_encrypted = sealed
   WHERE s.org_id = sms_set_twilio_credentials.org_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown org %', sms_set_twilio_credentials.org_id
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.',
            HINT = 'Insert its settings first.';
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_set_twilio_credentials(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_set_twilio_credentials(uuid, text, text) IS
'Gives an org its own Twilio account and token; the token is sealed before it is stored. Call it with parameters, and with log_parameter_max_length = 0 where statements are logged, so that no log holds the token. Raises SM001 for an unknown org, SM013 without a key.';

CREATE FUNCTION sms_server_account() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_server_account' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_server_account() FROM PUBLIC;
COMMENT ON FUNCTION sms_server_account() IS 'Internal: the Twilio account for orgs without one, from coach_sms.twilio_account_sid or TWILIO_ACCOUNT_SID.';
-- Sending. Lock order everywhere: the message's row, then its row in sms_queue, then its row in
-- sms_in_flight; several messages in the order of their ids. What is decided after a lock is read
-- by a statement of its own, whose snapshot is newer than the lock.

CREATE FUNCTION sms_note_due(org_id uuid, zone text, priority smallint, due_at timestamptz) RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_note_due' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION sms_note_due(uuid, text, smallint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_note_due(uuid, text, smallint, timestamptz) IS
'Internal: tells the sender, at commit, that something of this lane is due at that time.';

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
  priority smallint DEFAULT NULL,
  metadata jsonb DEFAULT NULL)
  RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_enqueue' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_enqueue(uuid, uuid, text, text, jsonb, text, timestamptz, timestamptz, text, uuid, text, smallint, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_enqueue(uuid, uuid, text, text, jsonb, text, timestamptz, timestamptz, text, uuid, text, smallint, jsonb) IS
'Queues one SMS in the caller''s transaction and returns its id. Either template_key (with variables) or body. scheduled_for: not before (default now); expires_at: not after (default never); priority: lower goes first (default 0). An idempotency_key seen before returns the first message''s id. Raises SM001 to SM011, SM015 and SM017 to SM020, and changes nothing then.';

CREATE FUNCTION sms_enqueue_batch(messages jsonb)
  RETURNS TABLE (ordinal integer, message_id uuid, error_code text, error_message text)
  AS 'MODULE_PATHNAME', 'coach_sms_enqueue_batch' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION sms_enqueue_batch(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_enqueue_batch(jsonb) IS
'Queues an array of messages, each an object whose keys are the arguments of sms_enqueue. One row for each, in order from 1: its message_id, or the error (SQLSTATE and text) that kept it out while the others went in. Raises SM015 only where messages is no array.';

CREATE FUNCTION sms_raise_unknown_message(message_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'unknown message %', coalesce(message_id::text, 'NULL')
    USING ERRCODE = 'SM012', DETAIL = 'There is no such row in sms_messages.',
          HINT = 'Give the id that sms_enqueue returned.';
END
$$;
REVOKE ALL ON FUNCTION sms_raise_unknown_message(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_raise_unknown_message(uuid) IS 'Internal: raises SM012.';

CREATE FUNCTION sms_require_message(message_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT coalesce((SELECT @extschema@.sms_may_act_for(m.org_id) FROM @extschema@.sms_messages m
                    WHERE m.id = sms_require_message.message_id), false) THEN
    PERFORM @extschema@.sms_raise_unknown_message(message_id);
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_require_message(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_require_message(uuid) IS
'Internal: raises SM012 where there is no such message, or the caller of a public function may not act for its org.';

CREATE FUNCTION sms_cancel_waiting(message_ids uuid[], code text, reason text) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  waiting uuid[];
BEGIN
  waiting := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.id = ANY (message_ids) AND m.status IN ('pending', 'queued')
     ORDER BY m.id FOR NO KEY UPDATE);
  UPDATE @extschema@.sms_messages m
     SET status = 'cancelled', error_code = code, error_message = reason, updated_at = now()
   WHERE m.id = ANY (waiting);
  DELETE FROM @extschema@.sms_queue q WHERE q.message_id = ANY (waiting);
  RETURN cardinality(waiting);
END
$$;
REVOKE ALL ON FUNCTION sms_cancel_waiting(uuid[], text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_cancel_waiting(uuid[], text, text) IS
'Internal: cancels those of the messages that still wait, and returns how many.';

CREATE FUNCTION sms_cancel_as_owner(message_id uuid, reason text) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_require_message(message_id);
  IF @extschema@.sms_cancel_waiting(ARRAY[message_id], 'cancelled_by_user', reason) > 0 THEN
    RETURN true;
  END IF;
  PERFORM @extschema@.sms_require_message(message_id);  -- which may be gone since
  RETURN false;
END
$$;
REVOKE ALL ON FUNCTION sms_cancel_as_owner(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_cancel_as_owner(uuid, text) IS
'Internal: sms_cancel(), once its caller is coach_sms_owner.';

CREATE FUNCTION sms_check_times(scheduled_for timestamptz, expires_at timestamptz) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  problem text;
BEGIN
  problem := CASE
    WHEN scheduled_for > now() + interval '366 days' THEN format('scheduled_for %s is too far in the future', scheduled_for)
    WHEN scheduled_for < now() - interval '1 day' THEN format('scheduled_for %s is too far in the past', scheduled_for)
    WHEN expires_at <= scheduled_for THEN format('expires_at %s is not after scheduled_for', expires_at)
    WHEN expires_at <= now() THEN format('expires_at %s is in the past', expires_at)
  END;
  IF problem IS NOT NULL THEN
    RAISE EXCEPTION '%', problem
      USING ERRCODE = 'SM010',
            DETAIL = 'scheduled_for may be at most one day back and 366 days ahead; expires_at comes after it and after now.',
            HINT = 'Check the times, or give expires_at too where the message''s own is too early.';
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_check_times(timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_check_times(timestamptz, timestamptz) IS 'Internal: raises SM010, by the rules of sms_enqueue.';

CREATE FUNCTION sms_reschedule_as_owner(message_id uuid, scheduled_for timestamptz, expires_at timestamptz)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message record;
  new_time timestamptz := coalesce(scheduled_for, now());
BEGIN
  PERFORM @extschema@.sms_require_message(message_id);
  SELECT m.org_id, @extschema@.sms_zone_of(m.metadata) AS zone, m.priority, m.status,
         coalesce(sms_reschedule_as_owner.expires_at, m.expires_at) AS expires_at
    INTO message
    FROM @extschema@.sms_messages m WHERE m.id = sms_reschedule_as_owner.message_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM @extschema@.sms_raise_unknown_message(message_id);
  ELSIF message.status NOT IN ('pending', 'queued') THEN
    RAISE EXCEPTION 'message % is %', message_id, message.status
      USING ERRCODE = 'SM012', DETAIL = 'Only a message that is pending or queued can be moved.',
            HINT = 'Enqueue a new one, or call sms_retry() where it failed or was cancelled.';
  END IF;
  PERFORM @extschema@.sms_check_times(new_time, message.expires_at);
  UPDATE @extschema@.sms_messages m
     SET status = CASE WHEN new_time > now() THEN 'pending' ELSE 'queued' END,
         scheduled_for = new_time, expires_at = message.expires_at, updated_at = now()
   WHERE m.id = sms_reschedule_as_owner.message_id;
  UPDATE @extschema@.sms_queue q SET due_at = greatest(new_time, now()), expires_at = message.expires_at, held_for = NULL
   WHERE q.message_id = sms_reschedule_as_owner.message_id;
  PERFORM @extschema@.sms_note_due(message.org_id, message.zone, message.priority, greatest(new_time, now()));
END
$$;
REVOKE ALL ON FUNCTION sms_reschedule_as_owner(uuid, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_reschedule_as_owner(uuid, timestamptz, timestamptz) IS
'Internal: sms_reschedule(), once its caller is coach_sms_owner.';

CREATE FUNCTION sms_retry_as_owner(message_id uuid) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  earlier @extschema@.sms_messages;
  new_id uuid;
BEGIN
  PERFORM @extschema@.sms_require_message(message_id);
  SELECT * INTO earlier FROM @extschema@.sms_messages m WHERE m.id = sms_retry_as_owner.message_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM @extschema@.sms_raise_unknown_message(message_id);
  ELSIF earlier.status NOT IN ('failed', 'cancelled') THEN
    RAISE EXCEPTION 'message % is %', message_id, earlier.status
      USING ERRCODE = 'SM012',
            DETAIL = 'Only a message that failed or was cancelled can go again: any other may still arrive, and would arrive twice.',
            HINT = 'Wait until it is settled; sms_why() tells what it waits for.';
  ELSIF earlier.to_phone = 'erased' THEN
    RAISE EXCEPTION 'message % is erased', message_id
      USING ERRCODE = 'SM012', DETAIL = 'Its number and text are gone: sms_erase_person() was called for its recipient.',
            HINT = 'Enqueue a new one.';
  END IF;
  new_id := @extschema@.sms_message_with_key(earlier.org_id, 'retry of ' || earlier.id);
  IF new_id IS NOT NULL THEN
    RETURN new_id;
  END IF;
  INSERT INTO @extschema@.sms_messages (org_id, client_id, to_phone, from_phone, template_id, template_key, body,
      variables, related_entity_type, related_entity_id, idempotency_key, priority, expires_at, metadata)
    VALUES (earlier.org_id, earlier.client_id, earlier.to_phone, earlier.from_phone, earlier.template_id, earlier.template_key, earlier.body,
      earlier.variables, earlier.related_entity_type, earlier.related_entity_id, 'retry of ' || earlier.id, earlier.priority,
      CASE WHEN earlier.expires_at > now() THEN earlier.expires_at END,
      earlier.metadata || jsonb_build_object('retry_of', earlier.id))
    RETURNING id INTO new_id;
  UPDATE @extschema@.sms_booking_texts t SET message_id = new_id, reason = NULL, detail = NULL WHERE t.message_id = earlier.id;
  RETURN new_id;
END
$$;
REVOKE ALL ON FUNCTION sms_retry_as_owner(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_retry_as_owner(uuid) IS
'Internal: sms_retry(), once its caller is coach_sms_owner.';

CREATE FUNCTION queue_pending_sms() RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moved integer;
BEGIN
  WITH due AS MATERIALIZED (
    SELECT m.id FROM @extschema@.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
     WHERE q.due_at <= now() AND m.status = 'pending'
     ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED)
  UPDATE @extschema@.sms_messages m SET status = 'queued', updated_at = now() FROM due WHERE m.id = due.id;
  GET DIAGNOSTICS moved = ROW_COUNT;
  RETURN moved;
END
$$;
REVOKE ALL ON FUNCTION queue_pending_sms() FROM PUBLIC;
COMMENT ON FUNCTION queue_pending_sms() IS
'Marks pending messages whose time has come as queued and returns how many. The sender does the same by itself: nothing needs to call this.';

CREATE FUNCTION insert_sms_from_service(
  p_org_id uuid,
  p_client_id uuid,
  p_to_phone text,
  p_template_key text,
  p_variables jsonb,
  p_body text DEFAULT NULL,
  p_scheduled_for timestamptz DEFAULT NULL,
  p_idempotency_key text DEFAULT NULL)
  RETURNS uuid
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message_id uuid;
BEGIN
  message_id := @extschema@.sms_enqueue(
    p_org_id, client_id => p_client_id, to_phone => p_to_phone, variables => p_variables, body => p_body,
    template_key => CASE WHEN p_body IS NULL THEN p_template_key END,
    scheduled_for => p_scheduled_for, idempotency_key => p_idempotency_key);
  IF p_body IS NOT NULL AND p_template_key IS NOT NULL THEN
    UPDATE @extschema@.sms_messages m SET template_key = p_template_key
     WHERE m.id = message_id AND m.template_key IS NULL;
  END IF;
  RETURN message_id;
END
$$;
REVOKE ALL ON FUNCTION insert_sms_from_service(uuid, uuid, text, text, jsonb, text, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION insert_sms_from_service(uuid, uuid, text, text, jsonb, text, timestamptz, text) IS
'sms_enqueue under the name and arguments that the Coach OS app calls. With both a body and a template_key the body is sent and the key is kept for reports. Raises what sms_enqueue raises.';

CREATE FUNCTION sms_preview_as_owner(
  org_id uuid, template_key text, variables jsonb,
  OUT body text, OUT encoding text, OUT segments integer, OUT estimated_cost numeric, OUT currency text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  org @extschema@.sms_settings;
BEGIN
  PERFORM @extschema@.sms_require_org(org_id);
  SELECT * INTO org FROM @extschema@.sms_settings s WHERE s.org_id = sms_preview_as_owner.org_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown org %', coalesce(org_id::text, 'NULL')
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.', HINT = 'Insert its settings first.';
  END IF;
  SELECT t.body INTO body
    FROM @extschema@.sms_templates t
   WHERE t.org_id = sms_preview_as_owner.org_id AND t.template_key = sms_preview_as_owner.template_key AND t.is_active
   ORDER BY t.version DESC LIMIT 1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown template "%"', coalesce(template_key, 'NULL')
      USING ERRCODE = 'SM003', DETAIL = 'The org has no active template of that key.',
            HINT = 'Insert it into sms_templates, or set is_active.';
  END IF;
  body := @extschema@.render_sms_template(body, coalesce(variables, '{}'));
  SELECT s.encoding, s.segments INTO encoding, segments FROM @extschema@.sms_segments(body) s;
  estimated_cost := segments * org.price_per_segment;
  currency := org.currency;
END
$$;
REVOKE ALL ON FUNCTION sms_preview_as_owner(uuid, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_preview_as_owner(uuid, text, jsonb) IS
'Internal: sms_preview(), once its caller is coach_sms_owner.';
-- Consent: who must not be written to.

CREATE FUNCTION sms_org_region(org_id uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT s.default_region FROM @extschema@.sms_settings s WHERE s.org_id = $1), 'AU')
$$;
REVOKE ALL ON FUNCTION sms_org_region(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_org_region(uuid) IS
'Internal: in which region the org''s numbers without a country code are read. AU for an org without settings, the column''s default.';

CREATE FUNCTION sms_note_retraction(phone text) RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_note_retraction' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION sms_note_retraction(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_note_retraction(text) IS
'Internal: at commit, keeps back messages to this number (E.164) that passed the last check and have not left yet: they are checked again.';

CREATE FUNCTION sms_soft_phone(phone text, region text DEFAULT 'AU') RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_soft_phone' LANGUAGE C STABLE STRICT PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_soft_phone(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_soft_phone(text, text) IS 'Internal: the number in E.164 form, or what was given where it is none: a short code, a word.';

-- As whom an org sends a message: what a person's STOP binds. The last check (pg/last_check.cpp) has the same rule.
CREATE FUNCTION sms_sends_as(org_id uuid, from_phone text, account_sid text, sender text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH org AS (
    SELECT coalesce(nullif(s.twilio_account_sid, ''), @extschema@.sms_server_account(), '') AS account,
           nullif(s.twilio_messaging_service_sid, '') AS service, nullif(s.twilio_phone_number, '') AS number, s.default_region
      FROM @extschema@.sms_settings s WHERE s.org_id = $1),
  route AS (
    SELECT o.account, o.default_region, r.service, r.number
      FROM org o CROSS JOIN LATERAL (
        SELECT CASE WHEN nullif($2, '') IS NULL THEN CASE WHEN o.service IS NULL AND o.number IS NULL
                      THEN nullif(current_setting('coach_sms.twilio_messaging_service_sid', true), '') ELSE o.service END END AS service,
               coalesce(nullif($2, ''), CASE WHEN o.service IS NULL AND o.number IS NULL
                      THEN nullif(current_setting('coach_sms.twilio_phone_number', true), '') ELSE o.number END) AS number) r)
  SELECT EXISTS (SELECT FROM route r
                  WHERE r.account = $3
                    AND CASE WHEN r.service IS NOT NULL THEN r.service = $4
                             ELSE @extschema@.sms_soft_phone(r.number, r.default_region) = $4 END)
$$;
REVOKE ALL ON FUNCTION sms_sends_as(uuid, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_sends_as(uuid, text, text, text) IS
'Internal: whether the org sends (from that number of the message''s own, if any) with this account and Messaging Service or number.';

CREATE FUNCTION sms_phone_names(phone text) RETURNS text[]
  AS 'MODULE_PATHNAME', 'coach_sms_phone_names' LANGUAGE C STABLE STRICT;
REVOKE ALL ON FUNCTION sms_phone_names(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_phone_names(text) IS
'Internal: as what a number (E.164) may stand in sms_suppression and sms_opt_outs: itself and, once somebody was erased, its salted hash.';

CREATE FUNCTION sms_is_bound(org_id uuid, from_phone text, phone text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM @extschema@.sms_opt_outs o
                  WHERE o.phone = ANY (@extschema@.sms_phone_names($3)) AND @extschema@.sms_sends_as($1, $2, o.account_sid, o.sender))
$$;
REVOKE ALL ON FUNCTION sms_is_bound(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_is_bound(uuid, text, text) IS 'Internal: whether the phone said STOP to the sender that the org would write with.';

CREATE FUNCTION is_phone_suppressed_as_owner(org_id uuid, phone text) RETURNS boolean
  LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number text;
BEGIN
  PERFORM @extschema@.sms_require_org(org_id);
  number := @extschema@.sms_keep_phone(phone, @extschema@.sms_org_region(org_id));
  RETURN EXISTS (SELECT FROM @extschema@.sms_suppression s
                  WHERE s.org_id = is_phone_suppressed_as_owner.org_id AND s.phone = ANY (@extschema@.sms_phone_names(number)))
         OR @extschema@.sms_is_bound(org_id, NULL, number);
END
$$;
REVOKE ALL ON FUNCTION is_phone_suppressed_as_owner(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION is_phone_suppressed_as_owner(uuid, text) IS
'Internal: is_phone_suppressed(), once its caller is coach_sms_owner.';

CREATE FUNCTION sms_opt_out_as_owner(
  org_id uuid, phone text, reason text, source text,
  notes text, client_id uuid)
  RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
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
  END IF;
  IF coalesce(reason NOT IN ('opt_out', 'invalid_number', 'carrier_violation', 'manual'), true) THEN
    RAISE EXCEPTION 'unknown reason %', coalesce('"' || reason || '"', 'NULL')
      USING ERRCODE = 'SM015', DETAIL = 'It is not one of opt_out, invalid_number, carrier_violation and manual.',
            HINT = 'Leave reason out for an opt-out; what else there is to say goes into notes.';
  END IF;
  PERFORM @extschema@.sms_require_org(org_id);
  number := @extschema@.sms_keep_phone(phone, @extschema@.sms_org_region(org_id));
  INSERT INTO @extschema@.sms_suppression AS s (org_id, phone, reason, source, notes, client_id)
    SELECT sms_opt_out_as_owner.org_id, number, sms_opt_out_as_owner.reason, sms_opt_out_as_owner.source, sms_opt_out_as_owner.notes, sms_opt_out_as_owner.client_id
     WHERE NOT EXISTS (SELECT FROM @extschema@.sms_suppression e  -- an erased person's; the number itself is ON CONFLICT's, which waits for whoever takes it off
                        WHERE e.org_id = sms_opt_out_as_owner.org_id AND e.phone = ANY (@extschema@.sms_phone_names(number)) AND e.phone <> number)
    ON CONFLICT ON CONSTRAINT sms_suppression_org_id_phone_key DO NOTHING
    RETURNING s.id INTO entry;
  IF entry IS NULL THEN
    SELECT s.id INTO entry FROM @extschema@.sms_suppression s
     WHERE s.org_id = sms_opt_out_as_owner.org_id AND s.phone = ANY (@extschema@.sms_phone_names(number));
  END IF;
  -- Not those that somebody has locked: a STOP must not wait for an application, and the last check finds it.
  PERFORM @extschema@.sms_cancel_waiting(
    ARRAY(SELECT m.id FROM @extschema@.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
           WHERE q.org_id = sms_opt_out_as_owner.org_id AND m.to_phone = number
           ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED),
    'opted_out', format('%s is suppressed: %s', number, reason));
  RETURN entry;
END
$$;
REVOKE ALL ON FUNCTION sms_opt_out_as_owner(uuid, text, text, text, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_opt_out_as_owner(uuid, text, text, text, text, uuid) IS
'Internal: sms_opt_out(), once its caller is coach_sms_owner.';

CREATE FUNCTION sms_opt_in_as_owner(org_id uuid, phone text, include_manual boolean) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_require_org(org_id);
  DELETE FROM @extschema@.sms_suppression s
   WHERE s.org_id = sms_opt_in_as_owner.org_id
     AND s.phone = ANY (@extschema@.sms_phone_names(
           @extschema@.sms_keep_phone(sms_opt_in_as_owner.phone, @extschema@.sms_org_region(sms_opt_in_as_owner.org_id))))
     AND (s.reason <> 'manual' OR include_manual);
  RETURN FOUND;
END
$$;
REVOKE ALL ON FUNCTION sms_opt_in_as_owner(uuid, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_opt_in_as_owner(uuid, text, boolean) IS
'Internal: sms_opt_in(), once its caller is coach_sms_owner.';

CREATE FUNCTION sms_normalize_suppression() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.phone ~ '^hash:[0-9a-f]{64}$' THEN
    RETURN NEW;
  END IF;
  NEW.phone := @extschema@.sms_keep_phone(NEW.phone, @extschema@.sms_org_region(NEW.org_id));
  PERFORM @extschema@.sms_note_retraction(NEW.phone);
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION sms_normalize_suppression() FROM PUBLIC;
COMMENT ON FUNCTION sms_normalize_suppression() IS 'Internal: writes sms_suppression.phone in E.164 form, and keeps back what is on its way there.';

CREATE TRIGGER sms_suppression_phone BEFORE INSERT OR UPDATE OF phone, org_id ON sms_suppression
  FOR EACH ROW EXECUTE FUNCTION sms_normalize_suppression();
-- Sandbox, live, and the processes.

CREATE FUNCTION sms_system_identifier() RETURNS bigint
  AS 'MODULE_PATHNAME', 'coach_sms_system_identifier' LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_system_identifier() FROM PUBLIC;
COMMENT ON FUNCTION sms_system_identifier() IS 'Internal: pg_control''s identifier of this cluster.';

INSERT INTO sms_server (mode, system_identifier, database_oid, arm_id)
  SELECT 'sandbox', sms_system_identifier(), d.oid, gen_random_uuid()
    FROM pg_catalog.pg_database d WHERE d.datname = current_database();

CREATE FUNCTION sms_mode(OUT mode text, OUT reason text)
  AS 'MODULE_PATHNAME', 'coach_sms_mode' LANGUAGE C STABLE
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION sms_mode() FROM PUBLIC;
COMMENT ON FUNCTION sms_mode() IS
'Internal: sandbox, live, or not armed with the reason: whether this server sends for this database.';

CREATE FUNCTION sms_arm(live boolean) RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_arm' LANGUAGE C VOLATILE STRICT
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION sms_arm(boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_arm(boolean) IS
'Internal: writes the row in sms_server and the file <key_file>.live.<database oid>.';

-- What came by logical replication is its publisher's to send. Nothing else marks those messages, and so on a subscriber none
-- is queued anew: its own were given their rows when they were enqueued.
CREATE FUNCTION sms_is_subscriber() RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database()
                  WHERE EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srsubid = s.oid AND r.srrelid = '@extschema@.sms_messages'::regclass)
                     OR NOT EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srsubid = s.oid))  -- restored, and not refreshed yet
$$;
REVOKE ALL ON FUNCTION sms_is_subscriber() FROM PUBLIC;
COMMENT ON FUNCTION sms_is_subscriber() IS 'Internal: whether a subscription of this database brings messages of another server''s.';

-- Nor do rows of the publisher's queue count here, where a publication of all tables brings them too.
CREATE FUNCTION sms_pass_over() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_pass_over' LANGUAGE C;
REVOKE ALL ON FUNCTION sms_pass_over() FROM PUBLIC;
COMMENT ON FUNCTION sms_pass_over() IS 'Internal: keeps replicated rows out of sms_queue and sms_in_flight.';
CREATE TRIGGER sms_queue_replica BEFORE INSERT ON sms_queue FOR EACH ROW EXECUTE FUNCTION sms_pass_over();
ALTER TABLE sms_queue ENABLE REPLICA TRIGGER sms_queue_replica;
CREATE TRIGGER sms_in_flight_replica BEFORE INSERT ON sms_in_flight FOR EACH ROW EXECUTE FUNCTION sms_pass_over();
ALTER TABLE sms_in_flight ENABLE REPLICA TRIGGER sms_in_flight_replica;

CREATE FUNCTION sms_enqueue_waiting(for_sandbox boolean) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lane record;
  total bigint := 0;
BEGIN
  FOR lane IN
    WITH waiting AS MATERIALIZED (
      SELECT m.id, m.org_id, @extschema@.sms_zone_of(m.metadata) AS zone, m.priority,
             greatest(m.scheduled_for, now()) AS due_at, m.expires_at
        FROM @extschema@.sms_messages m
       WHERE m.sandbox = for_sandbox AND m.status IN ('pending', 'queued') AND NOT (SELECT @extschema@.sms_is_subscriber())
         AND NOT EXISTS (SELECT FROM @extschema@.sms_queue q WHERE q.message_id = m.id)
       ORDER BY m.id FOR NO KEY UPDATE OF m),
    queued AS (
      INSERT INTO @extschema@.sms_queue (message_id, org_id, zone, priority, due_at, expires_at)
        SELECT w.id, w.org_id, w.zone, w.priority, w.due_at, w.expires_at FROM waiting w
        ON CONFLICT ON CONSTRAINT sms_queue_pkey DO NOTHING
        RETURNING org_id, zone, priority, due_at)
    SELECT q.org_id, q.zone, q.priority, min(q.due_at) AS first_due, count(*) AS messages
      FROM queued q GROUP BY q.org_id, q.zone, q.priority
  LOOP
    total := total + lane.messages;
    PERFORM @extschema@.sms_note_due(lane.org_id, lane.zone, lane.priority, lane.first_due);
  END LOOP;
  RETURN total;
END
$$;
REVOKE ALL ON FUNCTION sms_enqueue_waiting(boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_enqueue_waiting(boolean) IS
'Internal: gives each waiting message of the sandbox (or of live sending) that has no row in sms_queue one, and returns how many.';

CREATE FUNCTION sms_rebuild_queue(live boolean, OUT queued integer, OUT cancelled integer, OUT unknown integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_subscriber boolean := @extschema@.sms_is_subscriber();
  ids uuid[];
BEGIN
  cancelled := 0;
  unknown := 0;
  IF live THEN
    -- Nobody can have got a sandbox message, so even one that a sender holds just ends: what the
    -- sender records for it later finds no claim of that fence.
    ids := ARRAY(
      SELECT m.id FROM @extschema@.sms_messages m
       WHERE m.sandbox AND m.status IN ('pending', 'queued', 'sending', 'unknown')
         AND (NOT is_subscriber OR EXISTS (SELECT FROM @extschema@.sms_queue q WHERE q.message_id = m.id)
              OR EXISTS (SELECT FROM @extschema@.sms_in_flight f WHERE f.message_id = m.id))
       ORDER BY m.id FOR NO KEY UPDATE);
    cancelled := cardinality(ids);
    UPDATE @extschema@.sms_messages m
       SET status = 'cancelled', error_code = 'sandbox',
           error_message = 'enqueued in the sandbox, and never sent live', updated_at = now()
     WHERE m.id = ANY (ids);
    DELETE FROM @extschema@.sms_queue q WHERE q.message_id = ANY (ids);
    DELETE FROM @extschema@.sms_in_flight f WHERE f.message_id = ANY (ids);

    -- A copy or a restore knows that these were under way, and no more.
    ids := ARRAY(
      SELECT m.id FROM @extschema@.sms_messages m
       WHERE NOT m.sandbox AND m.status IN ('sending', 'unknown') AND NOT is_subscriber
         AND NOT EXISTS (SELECT FROM @extschema@.sms_in_flight f WHERE f.message_id = m.id)
       ORDER BY m.id FOR NO KEY UPDATE OF m);
    -- The sender may have settled some while their rows were waited for.
    WITH lost AS (
      INSERT INTO @extschema@.sms_in_flight (message_id, org_id, fence, state, attempt_number, failures, priority,
          claimed_at, lease_until, client_key, segments, settlement, next_look_at)
        SELECT m.id, m.org_id, ('x' || left(replace(gen_random_uuid()::text, '-', ''), 16))::bit(64)::bigint,
               'unknown', greatest(m.attempt_count, 1), 0, m.priority, greatest(m.created_at, m.scheduled_for), now(),
               coalesce(m.client_id::text, m.to_phone), m.segments,
               jsonb_build_object('error_code', 'sender_lost',
                 'error_message', 'the database was copied or restored while it was under way'),
               now() + current_setting('coach_sms.reconcile_delay')::interval
          FROM @extschema@.sms_messages m
         WHERE m.id = ANY (ids) AND m.status IN ('sending', 'unknown')
        ON CONFLICT ON CONSTRAINT sms_in_flight_pkey DO NOTHING
        RETURNING message_id)
    UPDATE @extschema@.sms_messages m
       SET status = 'unknown', error_code = coalesce(m.error_code, 'sender_lost'), updated_at = now()
      FROM lost WHERE m.id = lost.message_id;
    GET DIAGNOSTICS unknown = ROW_COUNT;
  ELSE
    -- Live messages wait for the next sms_go_live().
    WITH foreign_rows AS MATERIALIZED (
      SELECT q.message_id FROM @extschema@.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
       WHERE NOT m.sandbox AND NOT is_subscriber  -- whose own would not come back
       ORDER BY m.id FOR NO KEY UPDATE OF m)
    DELETE FROM @extschema@.sms_queue q USING foreign_rows f WHERE q.message_id = f.message_id;

    -- Sandbox messages that a copy knows as under way start again.
    UPDATE @extschema@.sms_messages m SET status = 'queued', updated_at = now()
     WHERE m.sandbox AND m.status IN ('sending', 'unknown') AND NOT is_subscriber
       AND NOT EXISTS (SELECT FROM @extschema@.sms_in_flight f WHERE f.message_id = m.id);
  END IF;
  queued := @extschema@.sms_enqueue_waiting(for_sandbox => NOT live);
END
$$;
REVOKE ALL ON FUNCTION sms_rebuild_queue(boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_rebuild_queue(boolean) IS
'Internal: derives sms_queue and sms_in_flight from sms_messages for the mode that was just set. Claims of a running sender are left alone.';

CREATE FUNCTION sms_go_live(OUT queued integer, OUT cancelled integer, OUT unknown integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_arm(true);
  PERFORM @extschema@.sms_make_policies();
  SELECT r.queued, r.cancelled, r.unknown INTO queued, cancelled, unknown FROM @extschema@.sms_rebuild_queue(true) r;
END
$$;
REVOKE ALL ON FUNCTION sms_go_live() FROM PUBLIC;
COMMENT ON FUNCTION sms_go_live() IS
'Arms this server for this database: from the commit on messages go to Twilio. Needs coach_sms.key_file (SM013). Sandbox messages that wait are cancelled, error_code sandbox. Returns how many live messages were queued anew, how many of the sandbox were cancelled, and of how many it is unknown whether Twilio took them; those are found out about. After a restore it also makes the policies of the roles that were granted, which no dump carries. Calling it again repairs the queue. Where messages come by a subscription, it queues and settles none of those: their publisher sends them.';

CREATE FUNCTION sms_go_sandbox(OUT queued integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_arm(false);
  PERFORM @extschema@.sms_make_policies();
  SELECT r.queued INTO queued FROM @extschema@.sms_rebuild_queue(false) r;
END
$$;
REVOKE ALL ON FUNCTION sms_go_sandbox() FROM PUBLIC;
COMMENT ON FUNCTION sms_go_sandbox() IS
'Makes the database a sandbox of this server: from the commit on answers are made in-process. Live messages that wait are kept for the next sms_go_live(). After a restore it also makes the policies of the roles that were granted, which no dump carries. Returns how many sandbox messages were queued anew.';

CREATE FUNCTION sms_poke_launcher() RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_poke_launcher' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_poke_launcher() FROM PUBLIC;
COMMENT ON FUNCTION sms_poke_launcher() IS 'Internal: at commit, the launcher looks whether this database needs a sender.';

CREATE FUNCTION sms_wake_sender() RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_wake_sender' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_wake_sender() FROM PUBLIC;
COMMENT ON FUNCTION sms_wake_sender() IS 'Wakes this database''s sender at once. For trouble-shooting: a commit wakes it by itself.';

CREATE FUNCTION sms_detach_worker(database name DEFAULT current_database(), hold interval DEFAULT '1 minute') RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_detach_worker' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION sms_detach_worker(name, interval) FROM PUBLIC;
COMMENT ON FUNCTION sms_detach_worker(name, interval) IS
'Ends the sender of a database and starts none before the interval (default 1 minute) is over, so that the database can be renamed or copied. True once no sender is left. For the database''s owner, who must be granted EXECUTE.';

CREATE FUNCTION sms_worker_state(
  OUT database_oid oid, OUT database text, OUT pid integer, OUT state text, OUT activity text,
  OUT started_at timestamptz, OUT heartbeat_at timestamptz, OUT next_wake_at timestamptz, OUT held_until timestamptz,
  OUT restarts integer, OUT claimed bigint, OUT accepted bigint, OUT rejected bigint, OUT retried bigint, OUT unknown bigint,
  OUT in_flight integer, OUT latency_p50_ms double precision, OUT latency_p99_ms double precision,
  OUT last_error text, OUT last_error_at timestamptz, OUT library_version text)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME', 'coach_sms_worker_stat' LANGUAGE C VOLATILE ROWS 4;
REVOKE ALL ON FUNCTION sms_worker_state() FROM PUBLIC;
COMMENT ON FUNCTION sms_worker_state() IS
'Internal: what shared memory knows of each database''s sender; no row where the library is not preloaded. The view sms_worker_stat shows this database''s.';

CREATE FUNCTION sms_library_version() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_library_version' LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_library_version() FROM PUBLIC;
COMMENT ON FUNCTION sms_library_version() IS 'Version of the loaded library; the extension''s own is in pg_extension.';

CREATE FUNCTION sms_is_preloaded() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_preloaded' LANGUAGE C STABLE PARALLEL SAFE;
REVOKE ALL ON FUNCTION sms_is_preloaded() FROM PUBLIC;
COMMENT ON FUNCTION sms_is_preloaded() IS 'Internal: whether coach_sms is in shared_preload_libraries; without it messages wait.';

CREATE FUNCTION sms_launcher_pid() RETURNS integer
  AS 'MODULE_PATHNAME', 'coach_sms_launcher_pid' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_launcher_pid() FROM PUBLIC;
COMMENT ON FUNCTION sms_launcher_pid() IS 'Internal: process of the launcher; NULL where there is none.';

CREATE FUNCTION sms_webapp_url() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_webapp_url' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_webapp_url() FROM PUBLIC;
COMMENT ON FUNCTION sms_webapp_url() IS 'Internal: where the application is, from coach_sms.webapp_url or WEBAPP_URL; empty where neither says.';
-- Pausing: what waits is kept, nothing is claimed. Requests under way are not called back.

CREATE FUNCTION sms_pause(org_id uuid DEFAULT NULL, until timestamptz DEFAULT 'infinity') RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sms_pause.org_id IS NULL THEN
    UPDATE @extschema@.sms_server SET paused_until = until;
    RETURN;
  END IF;
  UPDATE @extschema@.sms_settings s SET paused_until = until WHERE s.org_id = sms_pause.org_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown org %', sms_pause.org_id
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.', HINT = 'Check the org_id.';
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_pause(uuid, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_pause(uuid, timestamptz) IS
'Sends nothing of an org (NULL, the default: of any org) before the given time (default: until sms_resume). Messages wait. Raises SM001 for an unknown org.';

CREATE FUNCTION sms_resume(org_id uuid DEFAULT NULL) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.sms_pause(sms_resume.org_id, NULL) $$;
REVOKE ALL ON FUNCTION sms_resume(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_resume(uuid) IS
'Ends sms_pause for an org (NULL, the default: for the server; an org''s own pause stays). Raises SM001 for an unknown org.';
-- Where Twilio's calls come in.

CREATE FUNCTION sms_twilio_webhook(
  url text, body text, signature text, OUT http_status integer, OUT content_type text, OUT response text)
  AS 'MODULE_PATHNAME', 'coach_sms_twilio_webhook' LANGUAGE C VOLATILE
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION sms_twilio_webhook(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_twilio_webhook(text, text, text) IS
'Takes a call of Twilio''s: the URL that was called, the raw body (a form) and the header X-Twilio-Signature. Status callbacks move their message on, texts from people are kept in sms_events; each is stored once. Answer with what it returns: 200 taken, 400 not a form, 403 not signed by an account of ours, 413 too large (URL 8 kB, body 64 kB), 503 the token that could tell is not readable. Never raises for what a stranger sends. Behind a proxy, coach_sms.public_url says how Twilio calls it.';

-- For PostgREST, which hands a text/plain body on as it came to a function with one unnamed text parameter. It would
-- make JSON of whatever that returns, so it returns nothing: 204 is what Twilio takes for "no reply".
CREATE FUNCTION sms_twilio_webhook_raw(text) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  headers jsonb;
  status integer;
BEGIN
  BEGIN
    headers := nullif(current_setting('request.headers', true), '')::jsonb;
  EXCEPTION WHEN data_exception THEN
    headers := NULL;
  END;
  SELECT w.http_status INTO status
    FROM @extschema@.sms_twilio_webhook(headers->>'x-called-url', $1, headers->>'x-twilio-signature') w;
  PERFORM set_config('response.status', CASE status WHEN 200 THEN '204' ELSE status::text END, true);
END
$$;
REVOKE ALL ON FUNCTION sms_twilio_webhook_raw(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_twilio_webhook_raw(text) IS
'sms_twilio_webhook for PostgREST: POST /rpc/sms_twilio_webhook_raw with the raw body as text/plain, the URL that Twilio called in the header X-Called-URL, and X-Twilio-Signature. Answers with a status alone, 204 for taken.';
-- Attaching the application's bookings. Their rows are read and marked by the library, as the owner
-- of the bookings: never with our rights, nor with those of whoever changed a booking.

CREATE FUNCTION sms_read_bookings(ids uuid[]) RETURNS SETOF sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_read_bookings' LANGUAGE C VOLATILE STRICT ROWS 1;
REVOKE ALL ON FUNCTION sms_read_bookings(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_read_bookings(uuid[]) IS
'Internal: bookings of the attached relation by id, with client and org, read as their owner.';

CREATE FUNCTION sms_find_bookings(
  starts_after timestamptz, starts_until timestamptz, ends_after timestamptz, ends_until timestamptz, ids uuid[])
  RETURNS SETOF sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_find_bookings' LANGUAGE C VOLATILE STRICT ROWS 1000;
REVOKE ALL ON FUNCTION sms_find_bookings(timestamptz, timestamptz, timestamptz, timestamptz, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_find_bookings(timestamptz, timestamptz, timestamptz, timestamptz, uuid[]) IS
'Internal: bookings that start, or end, in a range, and those with the ids; without client, org and location, a booking as often as it is found.';

CREATE FUNCTION sms_mark_booking(booking_id uuid, feedback boolean) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_mark_booking' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION sms_mark_booking(uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_mark_booking(uuid, boolean) IS
'Internal: writes reminder_sent (or feedback_sent) of a booking, as its owner, unless somebody has locked the row.';

CREATE FUNCTION sms_booking_trigger() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_booking_trigger' LANGUAGE C
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION sms_booking_trigger() FROM PUBLIC;
COMMENT ON FUNCTION sms_booking_trigger() IS 'Internal: on the attached bookings, clients and orgs; decides anew about the texts of the bookings that a change concerns.';

-- What is wrong with an attachment is said with one voice.
CREATE FUNCTION sms_refuse_bookings(problem text, detail text, hint text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '%', problem USING ERRCODE = 'SM021', DETAIL = detail, HINT = hint;
END
$$;
REVOKE ALL ON FUNCTION sms_refuse_bookings(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_refuse_bookings(text, text, text) IS 'Internal: raises SM021.';

-- The columns that are read, and of which kind each is.
CREATE FUNCTION sms_booking_columns() RETURNS TABLE (relation text, name text, kind text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES ('bookings', 'id', 'uuid'), ('bookings', 'org_id', 'uuid'), ('bookings', 'client_id', 'uuid'),
         ('bookings', 'start_time', 'timestamptz'), ('bookings', 'end_time', 'timestamptz'), ('bookings', 'status', 'text'),
         ('bookings', 'location_details', 'text'), ('bookings', 'reminder_sent', 'boolean'), ('bookings', 'feedback_sent', 'boolean'),
         ('clients', 'id', 'uuid'), ('clients', 'org_id', 'uuid'), ('clients', 'full_name', 'text'), ('clients', 'phone', 'text'),
         ('orgs', 'id', 'uuid'), ('orgs', 'name', 'text')
$$;
REVOKE ALL ON FUNCTION sms_booking_columns() FROM PUBLIC;
COMMENT ON FUNCTION sms_booking_columns() IS 'Internal: the documented columns of bookings, clients and orgs.';

CREATE FUNCTION sms_check_mapping(mapping jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part text;
  entry record;
BEGIN
  IF jsonb_typeof(mapping) IS DISTINCT FROM 'object' THEN
    PERFORM @extschema@.sms_refuse_bookings('mapping is not a JSON object', 'It names our columns and yours, as in {"bookings": {"start_time": "starts_at"}}.', 'Leave it out where the names are the documented ones.');
  END IF;
  FOREACH part IN ARRAY ARRAY(SELECT jsonb_object_keys(mapping)) LOOP
    IF part NOT IN ('bookings', 'clients', 'orgs', 'status') OR jsonb_typeof(mapping->part) <> 'object' THEN
      PERFORM @extschema@.sms_refuse_bookings(format('mapping has a part "%s" that is not understood', part),
        'Its parts are bookings, clients, orgs and status, each an object.', 'Correct its name, or take it out.');
    END IF;
    FOR entry IN SELECT * FROM jsonb_each(mapping->part) LOOP
      IF part = 'status' THEN
        IF entry.key NOT IN ('confirmed', 'completed') OR jsonb_typeof(entry.value) <> 'array'
           OR EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(entry.value) WHEN 'array' THEN entry.value ELSE '[]' END) e
                       WHERE jsonb_typeof(e) <> 'string') THEN
          PERFORM @extschema@.sms_refuse_bookings(format('mapping of status "%s" is not understood', entry.key),
            'status has confirmed and completed, each an array of the words that count.', 'Write it as in {"status": {"confirmed": ["confirmed", "paid"]}}.');
        END IF;
      ELSIF jsonb_typeof(entry.value) <> 'string'
            OR NOT EXISTS (SELECT FROM @extschema@.sms_booking_columns() c WHERE c.relation = part AND c.name = entry.key) THEN
        PERFORM @extschema@.sms_refuse_bookings(format('mapping of %s "%s" is not understood', part, entry.key),
          format('The columns of %s are %s; each is mapped to a name.', part,
                 (SELECT string_agg(c.name, ', ') FROM @extschema@.sms_booking_columns() c WHERE c.relation = part)),
          'Our name comes first, yours second.');
      END IF;
    END LOOP;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_check_mapping(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_check_mapping(jsonb) IS 'Internal: raises SM021 for a mapping that is not understood.';

CREATE FUNCTION sms_complete_mapping(mapping jsonb) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_object_agg(c.relation, c.names || coalesce(mapping->c.relation, '{}'))
         || jsonb_build_object('status', '{"confirmed": ["confirmed"], "completed": ["completed"]}' || coalesce(mapping->'status', '{}'))
    FROM (SELECT relation, jsonb_object_agg(name, name) AS names FROM @extschema@.sms_booking_columns() GROUP BY relation) c
$$;
REVOKE ALL ON FUNCTION sms_complete_mapping(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_complete_mapping(jsonb) IS 'Internal: the mapping with the documented names where it says nothing.';

CREATE FUNCTION sms_is_table(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = $1
$$;
REVOKE ALL ON FUNCTION sms_is_table(regclass) FROM PUBLIC;
COMMENT ON FUNCTION sms_is_table(regclass) IS 'Internal: whether triggers can tell of its changes; a view is looked at by the scheduler instead.';

CREATE FUNCTION sms_check_booking_column(relation regclass, part text, name text, own_name text, kind text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_type oid;
  is_right boolean;
BEGIN
  SELECT coalesce(nullif(t.typbasetype, 0), t.oid),
         CASE kind WHEN 'text' THEN t.typcategory IN ('S', 'E') ELSE coalesce(nullif(t.typbasetype, 0), t.oid) = kind::regtype END
    INTO found_type, is_right
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
   WHERE a.attrelid = relation AND a.attname = own_name AND a.attnum > 0 AND NOT a.attisdropped;
  IF NOT FOUND THEN
    IF kind = 'boolean' AND NOT @extschema@.sms_is_table(relation) THEN
      RETURN;
    END IF;
    PERFORM @extschema@.sms_refuse_bookings(format('%s has no column "%s"', relation, own_name),
      format('It is looked for as %s of the %s.', name, part),
      format('Where it has another name, say so: mapping => ''{"%s": {"%s": "your_column"}}''; or attach a view.', part, name));
  ELSIF NOT is_right THEN
    PERFORM @extschema@.sms_refuse_bookings(format('column "%s" of %s is of type %s', own_name, relation, format_type(found_type, NULL)),
      format('It is read as %s of the %s, which is %s.', name, part, CASE kind WHEN 'text' THEN 'text, varchar or an enum' ELSE kind END),
      CASE WHEN found_type = 'timestamp'::regtype
           THEN format('It does not say in which zone its times are. Make it timestamptz: ALTER TABLE … ALTER COLUMN %I TYPE timestamptz USING %I AT TIME ZONE ''Australia/Sydney''; or attach a view that does.', own_name, own_name)
           ELSE 'Map another column, or attach a view that casts it.' END);
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_check_booking_column(regclass, text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_check_booking_column(regclass, text, text, text, text) IS 'Internal: raises SM021 where a column is missing or of another type.';

CREATE FUNCTION sms_check_booking_rights(bookings regclass, other regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner oid := (SELECT relowner FROM pg_class WHERE oid = bookings);
  schema oid := (SELECT relnamespace FROM pg_class WHERE oid = other);
BEGIN
  IF NOT has_schema_privilege(owner, schema, 'USAGE') OR NOT has_table_privilege(owner, other, 'SELECT') THEN
    PERFORM @extschema@.sms_refuse_bookings(format('%s, the owner of %s, may not read %s', owner::regrole, bookings, other),
      'Bookings, clients and orgs are read with the rights of the owner of the bookings.',
      format('GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s.', schema::regnamespace, owner::regrole, other, owner::regrole));
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_check_booking_rights(regclass, regclass) FROM PUBLIC;
COMMENT ON FUNCTION sms_check_booking_rights(regclass, regclass) IS 'Internal: raises SM021 where the owner of the bookings may not read a relation.';

-- A status word that an enum does not have would never match.
CREATE FUNCTION sms_check_status_words(bookings regclass, status_column text, words jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  enum_type oid;
  unknown text;
BEGIN
  SELECT t.oid INTO enum_type FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
   WHERE a.attrelid = bookings AND a.attname = status_column AND t.typtype = 'e';
  SELECT w INTO unknown FROM jsonb_each(words) p, jsonb_array_elements_text(p.value) w
   WHERE enum_type IS NOT NULL AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = enum_type AND e.enumlabel = w) LIMIT 1;
  IF FOUND THEN
    PERFORM @extschema@.sms_refuse_bookings(format('"%s" is no value of %s', unknown, enum_type::regtype),
      format('Column "%s" of %s has %s.', status_column, bookings,
             (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = enum_type)),
      'Say which words count: mapping => ''{"status": {"confirmed": [...], "completed": [...]}}''.');
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_check_status_words(regclass, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_check_status_words(regclass, text, jsonb) IS 'Internal: raises SM021 for a word that the status, an enum, does not have.';

CREATE FUNCTION sms_check_bookings_source(source sms_bookings_source) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT c.relation AS part, c.name, source.mapping->c.relation->>c.name AS own_name, c.kind,
           CASE c.relation WHEN 'bookings' THEN source.bookings WHEN 'clients' THEN source.clients ELSE source.orgs END AS relation
      FROM @extschema@.sms_booking_columns() c
  LOOP
    PERFORM @extschema@.sms_check_booking_column(wanted.relation, wanted.part, wanted.name, wanted.own_name, wanted.kind);
  END LOOP;
  PERFORM @extschema@.sms_check_status_words(source.bookings, source.mapping #>> '{bookings,status}', source.mapping->'status');
  PERFORM @extschema@.sms_check_booking_rights(source.bookings, source.clients);
  PERFORM @extschema@.sms_check_booking_rights(source.bookings, source.orgs);
END
$$;
REVOKE ALL ON FUNCTION sms_check_bookings_source(sms_bookings_source) FROM PUBLIC;
COMMENT ON FUNCTION sms_check_bookings_source(sms_bookings_source) IS 'Internal: raises SM021 for whatever would keep the bookings from being read.';

CREATE FUNCTION sms_drop_booking_triggers() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own record;
BEGIN
  FOR own IN
    SELECT t.tgname, t.tgrelid::regclass AS relation FROM pg_trigger t
     WHERE t.tgfoid = '@extschema@.sms_booking_trigger'::regproc AND t.tgparentid = 0
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', own.tgname, own.relation);
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_drop_booking_triggers() FROM PUBLIC;
COMMENT ON FUNCTION sms_drop_booking_triggers() IS 'Internal: takes our triggers off the application''s tables.';

-- WHEN decides which updates cost anything. No UPDATE OF: a BEFORE trigger may change what it does not name.
CREATE FUNCTION sms_create_booking_triggers(source sms_bookings_source) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  b jsonb := source.mapping->'bookings';
  c jsonb := source.mapping->'clients';
  o jsonb := source.mapping->'orgs';
  changed text := (SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', b->>n), ' OR ')
    FROM unnest(ARRAY['id', 'org_id', 'client_id', 'start_time', 'end_time', 'status', 'location_details']) n);
BEGIN
  IF @extschema@.sms_is_table(source.bookings) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_insert AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION @extschema@.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_update AFTER UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION @extschema@.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, changed, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_delete AFTER DELETE ON %s FOR EACH ROW EXECUTE FUNCTION @extschema@.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.sms_booking_trigger(''truncate'')',
                   source.bookings);
  END IF;
  IF @extschema@.sms_is_table(source.clients) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_client AFTER UPDATE ON %s FOR EACH ROW'
                   ' WHEN (OLD.%2$I IS DISTINCT FROM NEW.%2$I OR OLD.%3$I IS DISTINCT FROM NEW.%3$I OR OLD.%4$I IS DISTINCT FROM NEW.%4$I)'
                   ' EXECUTE FUNCTION @extschema@.sms_booking_trigger(''client'', %5$L, %4$L)',
                   source.clients, c->>'phone', c->>'full_name', c->>'org_id', c->>'id');
  END IF;
  IF @extschema@.sms_is_table(source.orgs) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_org AFTER UPDATE ON %s FOR EACH ROW WHEN (OLD.%2$I IS DISTINCT FROM NEW.%2$I)'
                   ' EXECUTE FUNCTION @extschema@.sms_booking_trigger(''org'', %3$L, %3$L)',
                   source.orgs, o->>'name', o->>'id');
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_create_booking_triggers(sms_bookings_source) FROM PUBLIC;
COMMENT ON FUNCTION sms_create_booking_triggers(sms_bookings_source) IS 'Internal: puts our triggers on those of the relations that are tables.';

CREATE FUNCTION sms_add_booking_flags(bookings regclass, mapping jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  flag text;
BEGIN
  FOREACH flag IN ARRAY ARRAY['reminder_sent', 'feedback_sent'] LOOP
    IF @extschema@.sms_is_table(bookings)
       AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = bookings AND a.attname = mapping->'bookings'->>flag AND NOT a.attisdropped) THEN
      EXECUTE format('ALTER TABLE %s ADD COLUMN %I boolean DEFAULT false', bookings, mapping->'bookings'->>flag);
    END IF;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_add_booking_flags(regclass, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_add_booking_flags(regclass, jsonb) IS 'Internal: adds reminder_sent and feedback_sent to a table that has them not, as the guide does.';

-- A view without the flags: the mapping says so, and they are read as false.
CREATE FUNCTION sms_without_flags(bookings regclass, mapping jsonb) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT mapping || jsonb_build_object('bookings', (mapping->'bookings') - coalesce(
    (SELECT array_agg(f.name) FROM unnest(ARRAY['reminder_sent', 'feedback_sent']) f(name)
      WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = bookings AND a.attname = mapping->'bookings'->>f.name AND NOT a.attisdropped)), '{}'))
$$;
REVOKE ALL ON FUNCTION sms_without_flags(regclass, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_without_flags(regclass, jsonb) IS 'Internal: the mapping without the flags that a view has not.';

-- History is never texted: what is confirmed already has had its confirmation, and a reminder that
-- somebody else has sent counts.
CREATE FUNCTION sms_record_baseline(OUT ahead integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found @extschema@.sms_booking[];
BEGIN
  found := ARRAY(SELECT b FROM @extschema@.sms_find_bookings(now(), 'infinity', 'infinity', 'infinity', '{}') b WHERE b.state = 'confirmed');
  INSERT INTO @extschema@.sms_booking_texts (booking_id, type, org_id, session_start, session_end, reason)
    SELECT DISTINCT ON (b.id, t.type) b.id, t.type, b.org_id, b.start_time, b.end_time, t.reason
      FROM unnest(found) b
      CROSS JOIN LATERAL (VALUES ('confirmation', 'before_attach', true), ('reminder', 'already_sent', b.reminder_sent)) t (type, reason, counts)
     WHERE t.counts
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO NOTHING;
  ahead := cardinality(found);
END
$$;
REVOKE ALL ON FUNCTION sms_record_baseline() FROM PUBLIC;
COMMENT ON FUNCTION sms_record_baseline() IS 'Internal: records for each confirmed booking ahead that it is not confirmed anew; returns how many there are.';

CREATE FUNCTION sms_attach_bookings(
  bookings regclass DEFAULT NULL, clients regclass DEFAULT NULL, orgs regclass DEFAULT NULL, mapping jsonb DEFAULT '{}')
  RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source @extschema@.sms_bookings_source;
  earlier @extschema@.sms_bookings_source;
  part record;
  ahead integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('coach_sms: attach', 0));
  PERFORM @extschema@.sms_check_mapping(mapping);
  source.singleton := true;
  source.bookings := coalesce(bookings, to_regclass('public.bookings'));
  source.clients := coalesce(clients, to_regclass('public.clients'));
  source.orgs := coalesce(orgs, to_regclass('public.orgs'));
  FOR part IN SELECT * FROM (VALUES ('bookings', source.bookings), ('clients', source.clients), ('orgs', source.orgs)) p (name, relation)
               WHERE p.relation IS NULL LOOP
    PERFORM @extschema@.sms_refuse_bookings(format('there is no public.%s', part.name), format('It is where the %s are looked for unless you say otherwise.', part.name),
                                            format('Name yours: sms_attach_bookings(%s => ''your_%s'').', part.name, part.name));
  END LOOP;
  source.mapping := @extschema@.sms_complete_mapping(mapping);
  -- As strong as it gets, and all before anything else: a lock that grows later would meet an application's that grows.
  FOR part IN SELECT DISTINCT r AS relation FROM unnest(ARRAY[source.bookings, source.clients, source.orgs]) r
               WHERE @extschema@.sms_is_table(r) ORDER BY 1 LOOP
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part.relation);
  END LOOP;
  PERFORM @extschema@.sms_add_booking_flags(source.bookings, source.mapping);
  PERFORM @extschema@.sms_check_bookings_source(source);
  source.mapping := @extschema@.sms_without_flags(source.bookings, source.mapping);
  source.attached_at := now();
  source.attached_by := session_user;

  SELECT * INTO earlier FROM @extschema@.sms_bookings_source;
  IF (earlier.bookings, earlier.clients, earlier.orgs, earlier.mapping) = (source.bookings, source.clients, source.orgs, source.mapping) THEN
    source := earlier;
  END IF;
  PERFORM @extschema@.sms_drop_booking_triggers();
  DELETE FROM @extschema@.sms_bookings_source;
  INSERT INTO @extschema@.sms_bookings_source SELECT source.*;
  BEGIN
    PERFORM @extschema@.sms_read_bookings('{}');
    ahead := @extschema@.sms_record_baseline();
  EXCEPTION WHEN OTHERS THEN
    PERFORM @extschema@.sms_refuse_bookings(format('%s cannot be read as its owner', source.bookings), SQLERRM, 'Mend the view, or give its owner the rights it needs (BYPASSRLS where policies would hide rows from it).');
  END;
  PERFORM @extschema@.sms_create_booking_triggers(source);
  RETURN ahead;
END
$$;
REVOKE ALL ON FUNCTION sms_attach_bookings(regclass, regclass, regclass, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_attach_bookings(regclass, regclass, regclass, jsonb) IS
'Sends confirmations, reminders and feedback requests for the bookings in these tables or views (default: public.bookings, clients, orgs) from now on. mapping gives other column names and status words: {"bookings": {"start_time": "starts_at"}, "status": {"confirmed": ["booked"]}}. Adds reminder_sent and feedback_sent to a table without them. Returns how many confirmed bookings lie ahead; they get reminders, and no confirmation. Called again, it changes what is different. Locks the tables (ACCESS EXCLUSIVE) until the transaction ends. Superuser only. Raises SM021 for whatever is wrong with them.';

CREATE FUNCTION sms_detach_bookings() RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('coach_sms: attach', 0));
  PERFORM @extschema@.sms_drop_booking_triggers();
  DELETE FROM @extschema@.sms_bookings_source;
  RETURN (SELECT count(*) FROM @extschema@.sms_booking_texts t JOIN @extschema@.sms_messages m ON m.id = t.message_id
           WHERE m.status IN ('pending', 'queued'));
END
$$;
REVOKE ALL ON FUNCTION sms_detach_bookings() FROM PUBLIC;
COMMENT ON FUNCTION sms_detach_bookings() IS
'Makes no more texts for bookings and takes the triggers off. Cancels nothing: returns how many of its texts still wait, which go out unless you cancel them. The added columns and the records stay. Superuser only.';
-- Texts from people, and what Twilio's refusals tell of them.

-- Whom a signature speaks for: the orgs whose own token made it, and where the server's did those that send with it.
CREATE FUNCTION sms_is_heard(org sms_settings, signers uuid[], by_server boolean) RETURNS boolean
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN org.twilio_account_sid <> '' AND org.twilio_auth_token_encrypted IS NOT NULL THEN org.org_id = ANY (signers) ELSE by_server END
$$;
REVOKE ALL ON FUNCTION sms_is_heard(sms_settings, uuid[], boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_is_heard(sms_settings, uuid[], boolean) IS
'Internal: whether what was signed by these orgs'' own token, or by the server''s, is said to the org.';

CREATE FUNCTION sms_orgs_answered(phone text, account_sid text, senders text[], signers uuid[], by_server boolean) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.org_id
    FROM (SELECT m.org_id, m.from_phone, max(m.created_at) AS at FROM @extschema@.sms_messages m
           WHERE m.to_phone = $1 GROUP BY m.org_id, m.from_phone) o
    JOIN @extschema@.sms_settings s ON s.org_id = o.org_id
   WHERE @extschema@.sms_is_heard(s, signers, by_server)
     AND EXISTS (SELECT FROM unnest($3) AS a (sender) WHERE @extschema@.sms_sends_as(o.org_id, o.from_phone, $2, a.sender))
   GROUP BY o.org_id ORDER BY max(o.at) DESC, o.org_id
$$;
REVOKE ALL ON FUNCTION sms_orgs_answered(text, text, text[], uuid[], boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_orgs_answered(text, text, text[], uuid[], boolean) IS
'Internal: orgs that wrote to the phone with one of these senders of this account, the last one first.';

-- Whoever would write as that now, by settings of their own: where nobody is known to have written to them, be it that it
-- was pruned or erased, and where orgs dispute whose account it is.
CREATE FUNCTION sms_orgs_of_sender(account_sid text, senders text[], signers uuid[], by_server boolean) RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.org_id FROM @extschema@.sms_settings s
   WHERE coalesce(nullif(s.twilio_account_sid, ''), @extschema@.sms_server_account(), '') = $1
     AND (s.twilio_messaging_service_sid = ANY ($2) OR @extschema@.sms_soft_phone(s.twilio_phone_number, s.default_region) = ANY ($2))
     AND @extschema@.sms_is_heard(s, signers, by_server)
$$;
REVOKE ALL ON FUNCTION sms_orgs_of_sender(text, text[], uuid[], boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_orgs_of_sender(text, text[], uuid[], boolean) IS 'Internal: orgs whose own settings name one of these senders of this account.';

CREATE FUNCTION sms_take_inbound(event_id uuid, account_sid text, our_number text, service_sid text, phone text, keyword text,
  signers uuid[], by_server boolean, whole_account boolean, uncertain uuid[] DEFAULT '{}') RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  person text := @extschema@.sms_soft_phone(sms_take_inbound.phone);
  -- Twilio blocks a whole Messaging Service, else the pair of numbers.
  senders text[] := array_remove(ARRAY[nullif(@extschema@.sms_soft_phone(our_number), ''), nullif(service_sid, '')], NULL);
  orgs uuid[] := ARRAY(SELECT o FROM @extschema@.sms_orgs_answered(person, sms_take_inbound.account_sid, senders, signers, by_server) o);
  -- Those that never wrote to them are bound by sms_opt_outs; where that must not change, by entries of their own.
  bound uuid[] := CASE WHEN keyword = 'STOP' AND whole_account AND orgs <> '{}' THEN orgs
                       ELSE ARRAY(SELECT unnest(orgs) UNION
                                  SELECT o FROM @extschema@.sms_orgs_of_sender(sms_take_inbound.account_sid, senders, signers, by_server) o) END;
  lifted boolean := false;
  -- Its key holds it off the second time, but that says who signed, and may be another's by then.
  is_old boolean := EXISTS (SELECT FROM @extschema@.sms_events n JOIN @extschema@.sms_events o ON o.provider_message_id = n.provider_message_id
                             WHERE n.id = event_id AND o.id <> n.id AND o.event_type = 'inbound');
  org uuid;
BEGIN
  IF keyword = 'STOP' THEN
    INSERT INTO @extschema@.sms_opt_outs (account_sid, sender, phone, source)
      SELECT sms_take_inbound.account_sid, s, person, 'twilio' FROM unnest(senders) s WHERE whole_account ORDER BY s
      ON CONFLICT ON CONSTRAINT sms_opt_outs_pkey DO NOTHING;
    PERFORM @extschema@.sms_note_retraction(person);
    FOR org IN SELECT o FROM unnest(bound) o ORDER BY o LOOP
      PERFORM @extschema@.sms_opt_out(org, person, 'opt_out', 'twilio');
    END LOOP;
  ELSIF keyword IN ('START', 'YES') AND NOT is_old THEN
    -- Whose token cannot be compared is bound as before: anybody could have signed as the account's.
    FOR org IN SELECT DISTINCT u FROM @extschema@.sms_opt_outs o, unnest(uncertain) u
                WHERE whole_account AND o.phone = ANY (@extschema@.sms_phone_names(person)) AND o.account_sid = sms_take_inbound.account_sid AND o.sender = ANY (senders) ORDER BY u LOOP
      PERFORM @extschema@.sms_opt_out(org, person, 'opt_out', 'twilio');
    END LOOP;
    DELETE FROM @extschema@.sms_opt_outs o
     WHERE whole_account AND o.phone = ANY (@extschema@.sms_phone_names(person)) AND o.account_sid = sms_take_inbound.account_sid AND o.sender = ANY (senders);
    lifted := FOUND;
    -- A YES is an answer like any other to whoever never said STOP.
    IF lifted OR keyword = 'START' THEN
      DELETE FROM @extschema@.sms_suppression s
       WHERE s.org_id = ANY (bound) AND s.phone = ANY (@extschema@.sms_phone_names(person)) AND s.reason = 'opt_out'
         -- What an org that never wrote to them has entered by itself is not this sender's.
         AND (s.org_id = ANY (orgs) OR s.source = 'twilio');
    END IF;
  END IF;
  UPDATE @extschema@.sms_events e
     SET event_status = CASE WHEN keyword = 'YES' AND lifted THEN 'START' ELSE keyword END,
         org_id = coalesce(orgs[1], e.org_id)
   WHERE e.id = event_id;
END
$$;
REVOKE ALL ON FUNCTION sms_take_inbound(uuid, text, text, text, text, text, uuid[], boolean, boolean, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_take_inbound(uuid, text, text, text, text, text, uuid[], boolean, boolean, uuid[]) IS
'Internal: what a text from a person does: STOP, START, YES (after a STOP only). Finds the org that it answers, among those that the signature speaks for; opt-outs by sender change where it speaks for the whole account.';

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
-- The rules about when and how much: quiet hours, limits.

CREATE FUNCTION sms_check_settings() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_check_zone(NEW.timezone, 'sms_settings.timezone');
  PERFORM @extschema@.sms_normalize_phone('+61491570156', NEW.default_region);  -- which raises SM015 for no region
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION sms_check_settings() FROM PUBLIC;
COMMENT ON FUNCTION sms_check_settings() IS 'Internal: refuses an unknown time zone (SM020) or region (SM015).';

CREATE TRIGGER sms_settings_check BEFORE INSERT OR UPDATE OF timezone, default_region ON sms_settings
  FOR EACH ROW EXECUTE FUNCTION sms_check_settings();

-- Messages that wait for their client's limit were put off to when it has room; another limit may have room now. At the end
-- of the transaction: until then others would wait for the rows, and more could be put off by the old limit.
CREATE FUNCTION sms_release_held() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lane record;
BEGIN
  FOR lane IN
    WITH released AS (
      UPDATE @extschema@.sms_queue q SET due_at = now(), held_for = NULL
       WHERE q.message_id IN (SELECT h.message_id FROM @extschema@.sms_queue h
                               WHERE h.org_id = NEW.org_id AND h.held_for = 'client_daily_limit' ORDER BY h.message_id FOR UPDATE SKIP LOCKED)
       RETURNING q.zone, q.priority)
    SELECT DISTINCT r.zone, r.priority FROM released r
  LOOP
    PERFORM @extschema@.sms_note_due(NEW.org_id, lane.zone, lane.priority, now());
  END LOOP;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION sms_release_held() FROM PUBLIC;
COMMENT ON FUNCTION sms_release_held() IS 'Internal: makes what waits for a client''s limit due again when the limit changes.';

CREATE CONSTRAINT TRIGGER sms_settings_release AFTER UPDATE OF max_sms_per_client_per_day ON sms_settings
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.max_sms_per_client_per_day IS DISTINCT FROM NEW.max_sms_per_client_per_day)
  EXECUTE FUNCTION sms_release_held();

-- A message that waits may be told another zone, or to go at any hour.
CREATE FUNCTION sms_move_lane() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lane record;
BEGIN
  IF NEW.metadata->>'timezone' IS NOT NULL THEN
    PERFORM @extschema@.sms_check_zone(NEW.metadata->>'timezone', 'metadata.timezone');
  END IF;
  UPDATE @extschema@.sms_queue q SET zone = @extschema@.sms_zone_of(NEW.metadata)
   WHERE q.message_id = NEW.id
   RETURNING q.zone, q.priority, q.due_at INTO lane;
  IF FOUND THEN
    PERFORM @extschema@.sms_note_due(NEW.org_id, lane.zone, lane.priority, lane.due_at);
  END IF;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION sms_move_lane() FROM PUBLIC;
COMMENT ON FUNCTION sms_move_lane() IS 'Internal: keeps sms_queue.zone in step with metadata; refuses an unknown metadata.timezone (SM020).';

CREATE TRIGGER sms_message_zone AFTER UPDATE OF metadata ON sms_messages
  FOR EACH ROW WHEN (OLD.metadata->'timezone'::text IS DISTINCT FROM NEW.metadata->'timezone'::text
                     OR OLD.metadata->'quiet_hours_override'::text IS DISTINCT FROM NEW.metadata->'quiet_hours_override'::text)
  EXECUTE FUNCTION sms_move_lane();

CREATE FUNCTION sms_opens_at(org_id uuid, at timestamptz, zone text DEFAULT '') RETURNS timestamptz
  AS 'MODULE_PATHNAME', 'coach_sms_opens_at' LANGUAGE C STABLE STRICT
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION sms_opens_at(uuid, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_opens_at(uuid, timestamptz, text) IS
'Internal: the first moment from then on that is not within the org''s quiet hours. zone as in sms_queue: empty the org''s, an IANA name, or * for any hour.';

-- Ids of version 7 begin with their time, so that what happened since then is a range of a primary key.
CREATE FUNCTION sms_first_id(at timestamptz) RETURNS uuid
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN (lpad(to_hex(floor(extract(epoch FROM at) * 1000::numeric)::bigint), 12, '0') || '70008000000000000000')::uuid;
REVOKE ALL ON FUNCTION sms_first_id(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_first_id(timestamptz) IS 'Internal: the lowest id of version 7 that can be of that moment.';

CREATE FUNCTION sms_handed_over(org_id uuid, provider text, since timestamptz, in_segments boolean) RETURNS bigint
  LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT (SELECT coalesce(sum(CASE WHEN in_segments THEN a.segments ELSE 1 END), 0)
            FROM @extschema@.sms_attempts a
           WHERE a.id >= @extschema@.sms_first_id($3 - interval '1 minute') AND a.org_id = $1 AND a.provider = $2
             AND a.created_at > $3 AND (a.status IN ('success', 'unknown') OR a.provider_message_id IS NOT NULL))
       + (SELECT coalesce(sum(CASE WHEN in_segments THEN f.segments ELSE 1 END), 0)
            FROM @extschema@.sms_in_flight f WHERE f.org_id = $1)
       + (SELECT coalesce(sum(u.segments), 0)
            FROM @extschema@.sms_usage u JOIN @extschema@.sms_settings s ON s.org_id = u.org_id
           WHERE in_segments AND u.org_id = $1 AND u.provider = $2 AND u.month = ($3 AT TIME ZONE @extschema@.sms_known_zone(s.timezone))::date)
$$;
REVOKE ALL ON FUNCTION sms_handed_over(uuid, text, timestamptz, boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_handed_over(uuid, text, timestamptz, boolean) IS
'Internal: messages of the org that were handed to the provider since then, or may have been; or their segments since a month began, pruned ones included.';

CREATE FUNCTION sms_why_held_as_owner(org_id uuid, zone text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH org AS (
    SELECT s.*, @extschema@.sms_opens_at(s.org_id, now(), $2) AS opens_at, m.mode,
           now() - current_setting('coach_sms.quiet_hours_spread')::interval AS spread_began,
           (SELECT w.segments FROM @extschema@.sms_queue q JOIN @extschema@.sms_messages w ON w.id = q.message_id
             WHERE q.org_id = $1 AND q.zone = $2 AND q.due_at <= now() ORDER BY q.priority, q.due_at LIMIT 1) AS next_segments,
           CASE m.mode WHEN 'sandbox' THEN 'sandbox' ELSE 'twilio' END AS provider
      FROM @extschema@.sms_settings s CROSS JOIN @extschema@.sms_mode() m
     WHERE s.org_id = $1 AND @extschema@.sms_may_act_for(s.org_id))
  SELECT CASE
           WHEN o.opens_at > now() THEN format('quiet hours last until %s', o.opens_at)
           WHEN o.max_sms_per_hour <= @extschema@.sms_handed_over(o.org_id, o.provider, now() - interval '1 hour', false)
             THEN format('max_sms_per_hour (%s) is reached', o.max_sms_per_hour)
           WHEN o.monthly_budget_segments < coalesce(o.next_segments, 1)
                  + @extschema@.sms_handed_over(o.org_id, o.provider, date_trunc('month', now(), @extschema@.sms_known_zone(o.timezone)), true)
             THEN format('monthly_budget_segments (%s) is used up', o.monthly_budget_segments)
           WHEN @extschema@.sms_opens_at(o.org_id, o.spread_began, $2) > o.spread_began
             THEN format('quiet hours ended at %s, and what waited goes out one by one', @extschema@.sms_opens_at(o.org_id, o.spread_began, $2))
           WHEN o.max_segments_per_second IS NOT NULL
                AND EXISTS (SELECT FROM @extschema@.sms_attempts a
                             WHERE a.id >= @extschema@.sms_first_id(now() - interval '2 minutes') AND a.org_id = o.org_id AND a.created_at > now() - interval '1 minute')
             THEN format('max_segments_per_second (%s) sets the pace', o.max_segments_per_second)
         END
    FROM org o
$$;
REVOKE ALL ON FUNCTION sms_why_held_as_owner(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_why_held_as_owner(uuid, text) IS 'Internal: sms_why_held(), once its caller is coach_sms_owner.';
-- Which texts a booking gets. sms_booking_outlook() judges, sms_sync_booking() carries out; both as
-- of now, whatever happened before, so that whoever calls them, and how often, makes no difference.

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_booking_rules AS
  SELECT s.org_id, s.enabled, 'confirmation' AS type, '00000000-0000-0000-0000-000000000000'::uuid AS schedule_id,
         'confirmation' AS label, 'booking_confirmation' AS template_key, interval '0' AS span, s.send_booking_confirmations AS is_on, '-infinity'::timestamptz AS since
    FROM @extschema@.sms_settings s
  UNION ALL
  SELECT s.org_id, s.enabled, 'reminder', '00000000-0000-0000-0000-000000000000', format('reminder %s h before', s.reminder_hours_before),
         'session_reminder', make_interval(hours => s.reminder_hours_before), s.send_session_reminders, '-infinity'
    FROM @extschema@.sms_settings s
   WHERE NOT EXISTS (SELECT FROM @extschema@.sms_schedules x WHERE x.org_id = s.org_id AND x.type = 'pre_session')
  UNION ALL
  SELECT s.org_id, s.enabled, 'feedback', '00000000-0000-0000-0000-000000000000', format('feedback request %s h after', s.feedback_hours_after),
         'feedback_request', make_interval(hours => s.feedback_hours_after), s.send_feedback_requests, '-infinity'
    FROM @extschema@.sms_settings s
   WHERE NOT EXISTS (SELECT FROM @extschema@.sms_schedules x WHERE x.org_id = s.org_id AND x.type = 'post_session')
  UNION ALL
  SELECT s.org_id, s.enabled, CASE x.type WHEN 'pre_session' THEN 'reminder' ELSE 'feedback' END, x.id,
         coalesce(nullif(x.label, ''), format('%s min %s', x.mins_offset, CASE x.type WHEN 'pre_session' THEN 'before' ELSE 'after' END)),
         x.template_key, make_interval(mins => x.mins_offset),
         x.enabled AND CASE x.type WHEN 'pre_session' THEN s.send_session_reminders ELSE s.send_feedback_requests END, x.created_at
    FROM @extschema@.sms_schedules x JOIN @extschema@.sms_settings s ON s.org_id = x.org_id;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_booking_rules IS 'Internal: the texts that each org wants for a booking. Rows of sms_schedules take the place of the hours in sms_settings.';
COMMENT ON COLUMN sms_booking_rules.span IS 'How long before the start, or after the end.';
COMMENT ON COLUMN sms_booking_rules.is_on IS 'false: switched off.';
COMMENT ON COLUMN sms_booking_rules.since IS 'What was due before is not sent: rows of sms_schedules that take others'' place would send it twice.';

-- verdict: made; under_way (of an earlier start, and perhaps still to be stopped); later; due; or why not, for good
-- or for now. is_stale: a message that has not gone must not go as it is. Whatever is joined is looked up by its key, row by
-- row (LIMIT and OFFSET 0 see to it), so that a plan made for one booking serves for thousands, and one made while the
-- tables were empty does not read them whole when they are full. plpgsql with a
-- generic plan: planning takes longer than all the rest, and a session does it once.
CREATE FUNCTION sms_booking_outlook(bookings sms_booking[])
  RETURNS TABLE (booking_id uuid, org_id uuid, type text, schedule_id uuid, label text, template_key text, start_time timestamptz,
                 end_time timestamptz, due_at timestamptz, expires_at timestamptz, verdict text, is_due boolean, is_stale boolean, is_unmarked boolean,
                 message_id uuid, reason text, updated_at timestamptz)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH clock AS (
    SELECT now() AS now, now() + interval '2 minutes' AS soon,
           coalesce((SELECT s.attached_at FROM @extschema@.sms_bookings_source s), '-infinity') AS attached_at),
  wanted AS (
    SELECT b.id, b.org_id, b.state, b.start_time, b.end_time, b.reminder_sent, b.feedback_sent, clock.*,
           coalesce(r.type, 'confirmation') AS type, coalesce(r.schedule_id, '00000000-0000-0000-0000-000000000000') AS schedule_id,
           coalesce(r.label, 'confirmation') AS label, r.template_key, r.enabled, r.is_on, r.since,
           CASE r.type WHEN 'reminder' THEN b.start_time - r.span WHEN 'feedback' THEN b.end_time + r.span ELSE clock.now END AS due_at,
           CASE r.type WHEN 'feedback' THEN b.end_time + r.span + interval '3 days' ELSE b.start_time END AS expires_at
      FROM unnest(bookings) b CROSS JOIN clock
      LEFT JOIN LATERAL (SELECT * FROM @extschema@.sms_booking_rules r WHERE r.org_id = b.org_id OFFSET 0) r ON true),
  joined AS (
    SELECT w.*, t.message_id, t.reason, t.try_until, t.updated_at, m.status,
           t.message_id IS NOT NULL AND t.reason IS NULL
             AND coalesce(m.status <> 'cancelled' OR m.error_code NOT IN ('booking_changed', 'booking_cancelled', 'sandbox'), true) AS is_made,
           CASE w.type WHEN 'feedback' THEN t.session_end IS NOT DISTINCT FROM w.end_time
                       ELSE t.session_start IS NOT DISTINCT FROM w.start_time END AS is_current,
           coalesce(w.state = CASE w.type WHEN 'feedback' THEN 'completed' ELSE 'confirmed' END, false) AS fits,
           max(w.due_at) FILTER (WHERE w.type = 'reminder' AND w.is_on AND w.due_at <= w.soon) OVER booking AS last_due,
           max(coalesce(m.created_at, t.updated_at)) FILTER (WHERE w.type = 'confirmation' AND t.session_start = w.start_time AND t.message_id IS NOT NULL
             AND t.reason IS NULL AND coalesce(m.status NOT IN ('failed', 'cancelled'), true)) OVER booking AS confirmed_at
      FROM wanted w
      LEFT JOIN LATERAL (SELECT * FROM @extschema@.sms_booking_texts t
                          WHERE t.booking_id = w.id AND t.type = w.type AND t.schedule_id = w.schedule_id LIMIT 1) t ON true
      LEFT JOIN LATERAL (SELECT * FROM @extschema@.sms_messages m WHERE m.id = t.message_id LIMIT 1) m ON true
    WINDOW booking AS (PARTITION BY w.id)),
  judged AS (
    SELECT j.*, j.due_at <= j.soon AS is_due,
           j.status IN ('pending', 'queued', 'sending')
             AND NOT (j.fits AND coalesce(j.is_on, false) AND j.is_current AND (j.type = 'confirmation' OR j.due_at <= j.soon)) AS is_stale,
           CASE
             WHEN j.is_made AND (j.is_current OR j.type <> 'reminder') THEN 'made'
             WHEN j.is_made AND j.status IN ('pending', 'queued', 'sending', 'unknown') THEN 'under_way'
             WHEN j.org_id IS NULL THEN 'no_org'
             WHEN j.start_time IS NULL THEN 'no_start_time'
             WHEN j.type = 'feedback' AND j.end_time IS NULL THEN 'no_end_time'
             WHEN j.type = 'feedback' AND j.end_time < j.start_time THEN 'ends_before_start'
             WHEN j.state = 'other' THEN 'not_confirmed'
             WHEN NOT j.fits THEN CASE j.type WHEN 'feedback' THEN 'not_completed' ELSE 'session_over' END
             WHEN j.type = 'feedback' AND j.end_time <= j.attached_at THEN 'before_attach'
             WHEN j.message_id IS NULL AND j.reason <> 'booking_cancelled' AND coalesce(j.try_until <= j.now, true)
               AND (j.is_current OR j.type <> 'reminder') THEN j.reason
             WHEN j.expires_at <= j.now THEN 'too_late'
             WHEN j.enabled IS NULL THEN 'no_settings'
             WHEN NOT j.enabled THEN 'disabled'
             WHEN NOT j.is_on THEN 'switched_off'
             WHEN j.due_at > j.soon THEN 'later'
             WHEN j.due_at < j.since THEN 'before_rule'
             WHEN j.type <> 'confirmation' AND j.schedule_id = '00000000-0000-0000-0000-000000000000' AND EXISTS (
               SELECT FROM @extschema@.sms_booking_texts x
                WHERE x.booking_id = j.id AND x.type = j.type AND x.schedule_id <> j.schedule_id AND x.message_id IS NOT NULL AND x.session_start = j.start_time) THEN 'already_sent'
             WHEN CASE j.type WHEN 'reminder' THEN j.reminder_sent WHEN 'feedback' THEN j.feedback_sent END AND NOT EXISTS (
               SELECT FROM @extschema@.sms_booking_texts x
                WHERE x.booking_id = j.id AND x.type = j.type AND (x.message_id IS NOT NULL OR x.session_start <> j.start_time)) THEN 'already_sent'
             WHEN j.type = 'reminder' AND j.due_at < j.last_due THEN 'superseded'
             WHEN j.type = 'reminder' AND j.due_at < j.confirmed_at + interval '1 hour' THEN 'confirmation_just_sent'
             ELSE 'due'
           END AS verdict
      FROM joined j)
  SELECT g.id, g.org_id, g.type, g.schedule_id, g.label, g.template_key, g.start_time, g.end_time, g.due_at, g.expires_at,
         g.verdict, g.is_due, coalesce(g.is_stale, false),
         g.verdict = 'made' AND CASE g.type WHEN 'reminder' THEN NOT g.reminder_sent WHEN 'feedback' THEN NOT g.feedback_sent ELSE false END,
         g.message_id, g.reason, g.updated_at
    FROM judged g;
END
$$;
REVOKE ALL ON FUNCTION sms_booking_outlook(sms_booking[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_booking_outlook(sms_booking[]) IS
'Internal: each text that the bookings could have, when it is due, and how it stands with it now.';

CREATE FUNCTION sms_local_time(at timestamptz, zone text) RETURNS text
  LANGUAGE sql STABLE
  RETURN to_char(at AT TIME ZONE zone, 'Dy FMDD Mon YYYY, FMHH12:MI AM');
REVOKE ALL ON FUNCTION sms_local_time(timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_local_time(timestamptz, text) IS 'Internal: a time for people, as in Tue 12 May 2026, 9:00 AM.';

-- The guide's variables. What is empty is left out, so that a template which needs it says so.
CREATE FUNCTION sms_booking_variables(booking sms_booking) RETURNS jsonb
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'client_name', coalesce(substring(booking.full_name FROM '[^[:space:]]+'), 'there'),
    'coach_name', nullif(btrim(booking.org_name), ''),
    'session_datetime', @extschema@.sms_local_time(booking.start_time,
      (SELECT @extschema@.sms_known_zone(s.timezone) FROM @extschema@.sms_settings s WHERE s.org_id = booking.org_id)),
    'location', coalesce(nullif(btrim(booking.location), ''), 'TBD'),
    'feedback_link', nullif(rtrim(@extschema@.sms_webapp_url(), '/'), '') || '/feedback/' || booking.id));
END
$$;
REVOKE ALL ON FUNCTION sms_booking_variables(sms_booking) FROM PUBLIC;
COMMENT ON FUNCTION sms_booking_variables(sms_booking) IS
'Internal: client_name, coach_name, session_datetime (in the org''s zone), location and feedback_link of a booking.';

CREATE FUNCTION sms_phone_or_null(phone text, region text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN @extschema@.sms_normalize_phone(phone, region);
EXCEPTION WHEN SQLSTATE 'SM006' OR SQLSTATE 'SM015' THEN  -- no number; no region (any more)
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION sms_phone_or_null(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_phone_or_null(text, text) IS 'Internal: sms_normalize_phone, NULL for what is no number.';

-- Compared with what it would be made of today. A message that the application made itself under our key carries its
-- own words: of those only number and time count.
CREATE FUNCTION sms_stale_texts(booking_ids uuid[], bookings sms_booking[])
  RETURNS TABLE (message_id uuid, to_phone text, code text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM @extschema@.sms_booking_texts t WHERE t.booking_id = ANY (booking_ids)) THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT m.id, m.to_phone,
         CASE WHEN b.state = CASE t.type WHEN 'feedback' THEN 'completed' ELSE 'confirmed' END THEN 'booking_changed' ELSE 'booking_cancelled' END
    FROM @extschema@.sms_booking_texts t
    JOIN LATERAL (SELECT * FROM @extschema@.sms_messages m WHERE m.id = t.message_id LIMIT 1) m ON m.status IN ('pending', 'queued', 'sending')
    LEFT JOIN unnest(bookings) b ON b.id = t.booking_id
    LEFT JOIN @extschema@.sms_booking_outlook(bookings) o
           ON o.booking_id = t.booking_id AND o.type = t.type AND o.schedule_id = t.schedule_id
   WHERE t.booking_id = ANY (booking_ids)
     AND (coalesce(o.is_stale, true)
          OR m.to_phone IS DISTINCT FROM @extschema@.sms_phone_or_null(b.phone, @extschema@.sms_org_region(t.org_id))
          OR m.metadata ? 'booking_text'
             AND (m.client_id IS DISTINCT FROM b.client_id OR m.template_key IS DISTINCT FROM o.template_key
                  OR m.variables IS DISTINCT FROM @extschema@.sms_booking_variables(b)))
   ORDER BY m.id;
END
$$;
REVOKE ALL ON FUNCTION sms_stale_texts(uuid[], sms_booking[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_stale_texts(uuid[], sms_booking[]) IS
'Internal: texts of the bookings that have not gone and must not go as they are, and why: booking_changed or booking_cancelled.';

CREATE FUNCTION sms_lock_booking(booking_id uuid) RETURNS bigint
  LANGUAGE sql IMMUTABLE
  RETURN hashtextextended('coach_sms: booking ' || booking_id::text, 0::bigint);
REVOKE ALL ON FUNCTION sms_lock_booking(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_lock_booking(uuid) IS 'Internal: the advisory lock that whoever decides the texts of a booking holds.';

CREATE FUNCTION sms_skip_reason(code text) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE code
    WHEN 'SM001' THEN 'no_settings' WHEN 'SM002' THEN 'disabled' WHEN 'SM003' THEN 'template_missing' WHEN 'SM004' THEN 'variable_missing'
    WHEN 'SM006' THEN 'invalid_phone' WHEN 'SM007' THEN 'opted_out' WHEN 'SM008' THEN 'no_sender' WHEN 'SM009' THEN 'bad_text'
    WHEN 'SM010' THEN 'bad_time' WHEN 'SM011' THEN 'key_used' WHEN 'SM017' THEN 'too_many_segments' WHEN 'SM018' THEN 'client_daily_limit'
    WHEN 'SM019' THEN 'country_not_allowed' WHEN 'SM020' THEN 'unknown_zone' ELSE 'error' END;
REVOKE ALL ON FUNCTION sms_skip_reason(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_skip_reason(text) IS 'Internal: in a word, what kept a text from being queued.';

CREATE FUNCTION sms_reason_in_words(reason text, type text) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE reason
    WHEN 'no_org' THEN 'the booking has no org'
    WHEN 'no_start_time' THEN 'the booking has no start time'
    WHEN 'no_end_time' THEN 'the booking has no end time'
    WHEN 'ends_before_start' THEN 'the booking ends before it starts'
    WHEN 'not_confirmed' THEN CASE type WHEN 'feedback' THEN 'the booking is neither confirmed nor completed' ELSE 'the booking is not confirmed' END
    WHEN 'not_completed' THEN 'the session is not completed yet'
    WHEN 'session_over' THEN 'the session is completed'
    WHEN 'before_attach' THEN CASE type WHEN 'feedback' THEN 'it ended before the bookings were attached' ELSE 'it was confirmed before the bookings were attached' END
    WHEN 'before_rule' THEN 'it was due before its row of sms_schedules was made'
    WHEN 'already_sent' THEN 'it was sent already, or the application had marked it as sent'
    WHEN 'superseded' THEN 'a later reminder was due as well'
    WHEN 'confirmation_just_sent' THEN 'the confirmation had just gone'
    WHEN 'no_settings' THEN 'the org has no row in sms_settings'
    WHEN 'disabled' THEN 'the org is disabled (sms_settings.enabled)'
    WHEN 'switched_off' THEN 'the org has switched it off'
    WHEN 'no_client' THEN 'the booking has no client of its org'
    WHEN 'no_phone' THEN 'the client has no phone number'
    WHEN 'client_daily_limit' THEN 'the client has had as many texts in 24 hours as max_sms_per_client_per_day allows'
    ELSE reason END;
REVOKE ALL ON FUNCTION sms_reason_in_words(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_reason_in_words(text, text) IS 'Internal: why a text is not sent.';

-- A confirmation that comes days late would only puzzle: it is tried again for a day. What the org had not set up or
-- had switched off when the booking was made stays without one, so that switching it on texts no history. A reminder that
-- a confirmation made needless is needed after all where that one fails.
CREATE FUNCTION sms_try_until(type text, reason text, expires_at timestamptz) RETURNS timestamptz
  LANGUAGE sql STABLE
  RETURN CASE WHEN reason IN ('before_rule', 'already_sent', 'superseded') THEN NULL
              WHEN type <> 'confirmation' THEN expires_at
              WHEN reason IN ('no_settings', 'disabled', 'switched_off') THEN NULL
              ELSE least(expires_at, now() + interval '1 day') END;
REVOKE ALL ON FUNCTION sms_try_until(text, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_try_until(text, text, timestamptz) IS 'Internal: until when a text that was skipped is tried again; NULL: never.';

CREATE FUNCTION sms_record_text(
  booking sms_booking, type text, schedule_id uuid, message_id uuid, reason text, detail text, try_until timestamptz) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_new boolean;
BEGIN
  INSERT INTO @extschema@.sms_booking_texts AS t (booking_id, type, schedule_id, org_id, session_start, session_end, message_id, reason, detail, try_until, revision)
    VALUES (booking.id, type, schedule_id, booking.org_id, booking.start_time, booking.end_time, message_id, reason, detail, try_until,
            CASE WHEN message_id IS NULL THEN 0 ELSE 1 END)
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO UPDATE
      SET org_id = excluded.org_id, session_start = excluded.session_start, session_end = excluded.session_end, message_id = excluded.message_id,
          reason = excluded.reason, detail = excluded.detail, revision = t.revision + excluded.revision, updated_at = now(),
          try_until = CASE WHEN t.message_id IS NULL AND t.try_until IS NOT NULL AND t.session_start = excluded.session_start
                                AND excluded.try_until > t.try_until THEN t.try_until ELSE excluded.try_until END,
          created_at = CASE WHEN t.reason IS NOT DISTINCT FROM excluded.reason AND t.session_start IS NOT DISTINCT FROM excluded.session_start
                            THEN t.created_at ELSE now() END
    RETURNING t.created_at = now() INTO is_new;
  RETURN is_new;
END
$$;
REVOKE ALL ON FUNCTION sms_record_text(sms_booking, text, uuid, uuid, text, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_record_text(sms_booking, text, uuid, uuid, text, text, timestamptz) IS
'Internal: writes what became of a text; true where that is news.';

CREATE FUNCTION sms_queue_text(
  booking sms_booking, type text, schedule_id uuid, template_key text, due_at timestamptz, expires_at timestamptz) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made integer := coalesce((SELECT t.revision FROM @extschema@.sms_booking_texts t
    WHERE t.booking_id = booking.id AND t.type = sms_queue_text.type AND t.schedule_id = sms_queue_text.schedule_id), 0);
  key text := concat_ws('-', 'booking', type, booking.id, nullif(schedule_id, '00000000-0000-0000-0000-000000000000'),
                        CASE WHEN made > 0 THEN made + 1 END);
  -- The guide's application confirms by itself, under the same key.
  message_id uuid := @extschema@.sms_message_with_key(booking.org_id, key);
BEGIN
  IF message_id IS NOT NULL THEN
    -- What is about no booking is not looked at before it leaves.
    UPDATE @extschema@.sms_messages m SET related_entity_type = 'booking', related_entity_id = booking.id
     WHERE m.id = message_id AND m.related_entity_type IS NULL AND m.related_entity_id IS NULL;
    RETURN message_id;
  END IF;
  RETURN @extschema@.sms_enqueue(booking.org_id, client_id => booking.client_id, to_phone => booking.phone,
    template_key => sms_queue_text.template_key, variables => @extschema@.sms_booking_variables(booking),
    scheduled_for => CASE WHEN sms_queue_text.due_at > now() THEN sms_queue_text.due_at END, expires_at => sms_queue_text.expires_at,
    related_entity_type => 'booking', related_entity_id => booking.id, idempotency_key => key,
    metadata => jsonb_build_object('booking_text', type));
END
$$;
REVOKE ALL ON FUNCTION sms_queue_text(sms_booking, text, uuid, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_queue_text(sms_booking, text, uuid, text, timestamptz, timestamptz) IS 'Internal: enqueues a text of a booking.';

-- Whatever keeps a text from being queued is written down, and nobody's error.
CREATE FUNCTION sms_make_text(
  booking sms_booking, type text, schedule_id uuid, template_key text, due_at timestamptz, expires_at timestamptz, OUT is_made boolean, OUT is_new boolean)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message_id uuid;
  reason text := CASE WHEN NOT booking.has_client THEN 'no_client' WHEN coalesce(booking.phone !~ '[^[:space:]]', true) THEN 'no_phone' END;
  detail text := @extschema@.sms_reason_in_words(reason, type);
  code text;
BEGIN
  IF reason IS NULL THEN
    BEGIN
      message_id := @extschema@.sms_queue_text(booking, type, schedule_id, template_key, due_at, expires_at);
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = MESSAGE_TEXT;
      reason := @extschema@.sms_skip_reason(code);
      -- The message names the client, whom somebody may erase.
      detail := CASE reason WHEN 'client_daily_limit' THEN @extschema@.sms_reason_in_words(reason, type) ELSE detail END;
    END;
  END IF;
  is_made := message_id IS NOT NULL;
  is_new := @extschema@.sms_record_text(booking, type, schedule_id, message_id, reason, detail,
    CASE WHEN NOT is_made THEN @extschema@.sms_try_until(type, reason, expires_at) END);
  IF is_made AND type <> 'confirmation' THEN
    PERFORM @extschema@.sms_try_mark(booking.id, type = 'feedback');
  END IF;
END
$$;
REVOKE ALL ON FUNCTION sms_make_text(sms_booking, text, uuid, text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_make_text(sms_booking, text, uuid, text, timestamptz, timestamptz) IS 'Internal: makes a text of a booking, or records why not.';

CREATE FUNCTION sms_try_mark(booking_id uuid, feedback boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_mark_booking(booking_id, feedback);
EXCEPTION WHEN OTHERS THEN
  NULL;  -- a view that cannot be updated is left alone
END
$$;
REVOKE ALL ON FUNCTION sms_try_mark(uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_try_mark(uuid, boolean) IS 'Internal: sms_mark_booking, where the bookings can be updated.';

-- What waits and is not right any more goes first. A message that the sender holds at this moment is checked once
-- more before it leaves, and what is to come in its place is made by the next pass.
CREATE FUNCTION sms_withdraw_stale(booking_id uuid, bookings sms_booking[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  stale record;
BEGIN
  FOR stale IN SELECT * FROM @extschema@.sms_stale_texts(ARRAY[booking_id], bookings) LOOP
    PERFORM @extschema@.sms_cancel_waiting(ARRAY(SELECT m.id FROM @extschema@.sms_messages m WHERE m.id = stale.message_id FOR NO KEY UPDATE SKIP LOCKED), stale.code,
      CASE stale.code WHEN 'booking_changed' THEN 'the booking was changed' ELSE 'the booking was cancelled' END);
    PERFORM @extschema@.sms_note_retraction(stale.to_phone);
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_withdraw_stale(uuid, sms_booking[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_withdraw_stale(uuid, sms_booking[]) IS 'Internal: cancels what waits for a booking and is not right any more.';

CREATE FUNCTION sms_needs_work(verdict text, reason text) RETURNS boolean
  LANGUAGE sql IMMUTABLE
  RETURN verdict = 'due' OR verdict IN ('no_settings', 'disabled', 'switched_off', 'before_rule', 'already_sent', 'superseded', 'confirmation_just_sent')
                            AND reason IS DISTINCT FROM verdict;
REVOKE ALL ON FUNCTION sms_needs_work(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_needs_work(text, text) IS 'Internal: whether a text that is due is to be made, or a reason to be recorded that is not yet.';

CREATE FUNCTION sms_sync_booking(
  booking_id uuid, OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer, OUT skipped integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  booking @extschema@.sms_booking;
  known @extschema@.sms_booking[];
  stage text[];
  want record;
  result record;
BEGIN
  confirmations := 0;
  reminders := 0;
  feedback_requests := 0;
  skipped := 0;
  known := ARRAY(SELECT b FROM @extschema@.sms_read_bookings(ARRAY[booking_id]) b LIMIT 1);
  booking := known[1];
  PERFORM @extschema@.sms_withdraw_stale(booking_id, known);
  IF coalesce(booking.state, 'other') = 'other' THEN
    UPDATE @extschema@.sms_booking_texts t SET reason = 'booking_cancelled', detail = NULL, try_until = NULL, updated_at = now()
     WHERE t.booking_id = sms_sync_booking.booking_id AND t.type <> 'feedback' AND t.reason IS DISTINCT FROM 'booking_cancelled';
  END IF;
  -- The confirmation first: a reminder on its heels would be one text too many.
  FOREACH stage SLICE 1 IN ARRAY ARRAY[['confirmation', 'confirmation'], ['reminder', 'feedback']] LOOP
    FOR want IN
      SELECT o.* FROM @extschema@.sms_booking_outlook(known) o
       WHERE o.type = ANY (stage) AND o.is_due AND @extschema@.sms_needs_work(o.verdict, o.reason) ORDER BY o.due_at DESC
    LOOP
      IF want.verdict = 'due' THEN
        result := @extschema@.sms_make_text(booking, want.type, want.schedule_id, want.template_key, want.due_at, want.expires_at);
      ELSE
        SELECT false AS is_made, @extschema@.sms_record_text(booking, want.type, want.schedule_id, NULL, want.verdict, NULL,
          @extschema@.sms_try_until(want.type, want.verdict, want.expires_at)) AS is_new INTO result;
      END IF;
      confirmations := confirmations + (result.is_made AND want.type = 'confirmation')::integer;
      reminders := reminders + (result.is_made AND want.type = 'reminder')::integer;
      feedback_requests := feedback_requests + (result.is_made AND want.type = 'feedback')::integer;
      skipped := skipped + (NOT result.is_made AND result.is_new)::integer;
    END LOOP;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_sync_booking(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_sync_booking(uuid) IS
'Internal: makes, moves and cancels the texts of a booking as is right now. The caller holds the booking''s advisory lock.';
-- When the texts of bookings are decided: by triggers on the application's tables at once, and by a pass each minute
-- for what falls due, what could not be queued before, and what no trigger tells of.

-- What has passed the last check and has not left yet is looked at once more when this commits: its booking was changed, and
-- nobody has judged yet what that means for it.
CREATE FUNCTION sms_keep_back_texts(booking_ids uuid[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_note_retraction(p.to_phone)
     FROM (SELECT DISTINCT m.to_phone FROM @extschema@.sms_booking_texts t JOIN @extschema@.sms_messages m ON m.id = t.message_id
            WHERE t.booking_id = ANY (booking_ids) AND m.status IN ('pending', 'queued', 'sending')) p;
END
$$;
REVOKE ALL ON FUNCTION sms_keep_back_texts(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_keep_back_texts(uuid[]) IS 'Internal: at commit, texts of these bookings that have not left yet are checked again before they do.';

-- Leaves a booking to the pass. A reason that is final stays so: what was not confirmed once is no history to be made up for.
CREATE FUNCTION sms_leave_to_pass(booking_id uuid, org_id uuid, reason text, detail text) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT @extschema@.sms_keep_back_texts(ARRAY[booking_id]);
  INSERT INTO @extschema@.sms_booking_texts AS t (booking_id, type, org_id, reason, detail, try_until)
    VALUES (booking_id, 'confirmation', org_id, reason, detail, now() + interval '1 day')
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO UPDATE SET try_until = excluded.try_until
      WHERE t.message_id IS NOT NULL OR t.reason = 'booking_cancelled' OR t.try_until > now()
$$;
REVOKE ALL ON FUNCTION sms_leave_to_pass(uuid, uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_leave_to_pass(uuid, uuid, text, text) IS 'Internal: has the next passes decide the texts of a booking.';

-- Not even this may fail the application's transaction: its snapshot may be older than the row, and another may hold it.
CREATE FUNCTION sms_try_leave_to_pass(booking_id uuid, org_id uuid, reason text, detail text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
BEGIN
  PERFORM @extschema@.sms_leave_to_pass(booking_id, org_id, reason, detail);
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'the texts of booking % were left as they are: %', booking_id, SQLERRM;
END
$$;
REVOKE ALL ON FUNCTION sms_try_leave_to_pass(uuid, uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_try_leave_to_pass(uuid, uuid, text, text) IS 'Internal: sms_leave_to_pass(), raising nothing.';

CREATE FUNCTION sms_may_wait() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_wait' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_may_wait() FROM PUBLIC;
COMMENT ON FUNCTION sms_may_wait() IS 'Internal: false once this transaction has waited for a lock in vain.';

CREATE FUNCTION sms_wait_no_more() RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_wait_no_more' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_wait_no_more() FROM PUBLIC;
COMMENT ON FUNCTION sms_wait_no_more() IS 'Internal: this transaction has waited for a lock in vain.';

-- A transaction waits for others for less than deadlock_timeout is by default, however many bookings it changes: whoever holds
-- a booking's lock may be about to wait for a row that this transaction has changed, and the deadlock would be found in a
-- statement of the application's.
CREATE FUNCTION sms_booking_changed(booking_id uuid, org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '300ms' AS $$
BEGIN
  IF NOT @extschema@.sms_may_wait() THEN
    PERFORM @extschema@.sms_try_leave_to_pass(booking_id, org_id, 'unreadable', 'others were changing it');
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(@extschema@.sms_lock_booking(booking_id));
  PERFORM @extschema@.sms_sync_booking(booking_id);
EXCEPTION WHEN OTHERS THEN
  -- The application's transaction goes on, whatever is the matter with the texts; the pass tries again.
  RAISE LOG 'the texts of booking % could not be decided: %', booking_id, SQLERRM;
  IF SQLSTATE = '55P03' THEN  -- lock_not_available
    PERFORM @extschema@.sms_wait_no_more();
  END IF;
  PERFORM @extschema@.sms_try_leave_to_pass(booking_id, org_id, 'unreadable', SQLERRM);
END
$$;
REVOKE ALL ON FUNCTION sms_booking_changed(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_booking_changed(uuid, uuid) IS 'Internal: decides the texts of a booking that was changed. Raises nothing.';

CREATE FUNCTION sms_may_decide_another() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_decide_another' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_may_decide_another() FROM PUBLIC;
COMMENT ON FUNCTION sms_may_decide_another() IS 'Internal: counts the bookings that this transaction decides; false from the 501st on.';

-- Each booking that is decided holds an advisory lock until the transaction ends, and the server's table of locks is
-- everybody's: an import decides some at once, and leaves the others to the passes that follow. What waits for those and
-- is not right any more does not go meanwhile, since the sender looks at a booking before its text leaves.
CREATE FUNCTION sms_app_changed(kind text, id uuid, org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  changed uuid[];
  waiting record;
BEGIN
  IF kind = 'booking' THEN
    PERFORM @extschema@.sms_booking_changed(id, org_id);
    RETURN;
  ELSIF kind = 'one of many gone' THEN
    PERFORM @extschema@.sms_keep_back_texts(ARRAY[id]);
    RETURN;
  ELSIF kind = 'one of many' AND current_setting('transaction_isolation') = 'read committed' THEN
    PERFORM @extschema@.sms_leave_to_pass(id, org_id, 'many_at_once', 'many bookings were changed in one transaction');
    RETURN;
  ELSIF kind = 'one of many' THEN  -- a subtransaction each
    PERFORM @extschema@.sms_try_leave_to_pass(id, org_id, 'many_at_once', 'many bookings were changed in one transaction');
    RETURN;
  END IF;
  changed := ARRAY(
    SELECT DISTINCT t.booking_id
      FROM (SELECT q.message_id FROM @extschema@.sms_queue q WHERE kind <> 'client' AND (q.org_id = sms_app_changed.org_id OR kind = 'truncate')
            UNION ALL
            SELECT f.message_id FROM @extschema@.sms_in_flight f WHERE kind <> 'client' AND (f.org_id = sms_app_changed.org_id OR kind = 'truncate')
            UNION ALL
            SELECT m.id FROM @extschema@.sms_messages m
             WHERE kind = 'client' AND m.org_id = sms_app_changed.org_id AND m.client_id = sms_app_changed.id
               AND m.created_at > now() - interval '1 year' AND m.status IN ('pending', 'queued', 'sending', 'unknown')) w
      JOIN @extschema@.sms_booking_texts t ON t.message_id = w.message_id
     ORDER BY t.booking_id);
  PERFORM @extschema@.sms_keep_back_texts(changed);
  FOR waiting IN
    SELECT DISTINCT t.booking_id, t.org_id FROM @extschema@.sms_booking_texts t WHERE t.booking_id = ANY (changed[1:500]) ORDER BY t.booking_id
  LOOP
    EXIT WHEN NOT @extschema@.sms_may_decide_another();
    -- Whoever holds it is changing the booking, and may be waiting for the client that we have changed.
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(@extschema@.sms_lock_booking(waiting.booking_id));
    PERFORM @extschema@.sms_booking_changed(waiting.booking_id, waiting.org_id);
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_app_changed(text, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_app_changed(text, uuid, uuid) IS
'Internal: called by the triggers on the application''s tables: a booking was changed (one of many, or one of many gone: more than 500 in this transaction), or a client, an org or all bookings, and what waits for them is looked at.';

-- Nobody else's bookings are read than those that could have something due, by ranges of times that an index serves;
-- and those whose confirmation is to be tried again. A view tells of no new booking, so there all to come are read.
CREATE FUNCTION sms_find_due_bookings(retried uuid[]) RETURNS sms_booking[]
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source @extschema@.sms_bookings_source;
  before interval;
  after interval;
BEGIN
  SELECT * INTO source FROM @extschema@.sms_bookings_source;
  SELECT max(r.span) FILTER (WHERE r.type = 'reminder'), max(r.span) FILTER (WHERE r.type = 'feedback')
    INTO before, after FROM @extschema@.sms_booking_rules r WHERE r.is_on AND r.enabled;
  IF NOT @extschema@.sms_is_table(source.bookings) THEN
    before := interval '366 days';
  END IF;
  RETURN ARRAY(
    SELECT DISTINCT ON (b.id) b
      FROM @extschema@.sms_find_bookings(
        now(), now() + coalesce(before, '0') + interval '2 minutes',
        greatest(source.attached_at, now() - coalesce(after, '0') - interval '3 days'), now() + interval '2 minutes',
        retried) b
     WHERE b.id IS NOT NULL AND b.org_id IS NOT NULL);
END
$$;
REVOKE ALL ON FUNCTION sms_find_due_bookings(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_find_due_bookings(uuid[]) IS 'Internal: the bookings that a pass has to judge, those with these ids among them, without what is read of their clients.';

-- What a pass cannot even read is recorded for each of its texts that is due, and does not stop the others, nor does what
-- cannot even be recorded, as where another has the row.
CREATE FUNCTION sms_record_unreadable(booking sms_booking, detail text) RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  want record;
  news integer := 0;
BEGIN
  FOR want IN SELECT * FROM @extschema@.sms_booking_outlook(ARRAY[booking]) o WHERE o.is_due AND o.verdict = 'due' LOOP
    news := news + @extschema@.sms_record_text(booking, want.type, want.schedule_id, NULL, 'unreadable', detail,
      @extschema@.sms_try_until(want.type, 'unreadable', want.expires_at))::integer;
  END LOOP;
  RETURN news;
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'the texts of booking % were left as they are: %', booking.id, SQLERRM;
  RETURN 0;
END
$$;
REVOKE ALL ON FUNCTION sms_record_unreadable(sms_booking, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_record_unreadable(sms_booking, text) IS 'Internal: records that a booking could not be read, and how many of its texts that is news for.';

CREATE FUNCTION sms_stop_retrying(retried uuid[], known sms_booking[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF retried = '{}' THEN
    RETURN;
  END IF;
  WITH idle AS (
    SELECT x.booking_id, x.type, x.schedule_id, x.message_id IS NULL AND x.reason IN ('many_at_once', 'unreadable') AS was_never_decided
    FROM @extschema@.sms_booking_texts x
   WHERE x.booking_id = ANY (retried) AND x.type = 'confirmation' AND x.try_until > now()
     AND NOT EXISTS (SELECT FROM @extschema@.sms_booking_outlook(known) o
                      WHERE o.booking_id = x.booking_id
                        AND (o.is_stale OR o.type = 'confirmation' AND @extschema@.sms_needs_work(o.verdict, o.reason)
                             OR o.verdict = 'not_confirmed' AND x.reason IS DISTINCT FROM 'booking_cancelled'))
     FOR NO KEY UPDATE SKIP LOCKED),
  undecided AS (
    DELETE FROM @extschema@.sms_booking_texts t USING idle
     WHERE (t.booking_id, t.type, t.schedule_id) = (idle.booking_id, idle.type, idle.schedule_id) AND idle.was_never_decided)
  UPDATE @extschema@.sms_booking_texts t SET try_until = NULL FROM idle
   WHERE (t.booking_id, t.type, t.schedule_id) = (idle.booking_id, idle.type, idle.schedule_id) AND NOT idle.was_never_decided;
END
$$;
REVOKE ALL ON FUNCTION sms_stop_retrying(uuid[], sms_booking[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_stop_retrying(uuid[], sms_booking[]) IS
'Internal: takes those of the retried bookings out of the list that are gone or need no confirmation any more; where none was decided on, nothing is kept, so that one may be later.';

CREATE FUNCTION sms_schedule_some(
  at_most integer, tried_before timestamptz, OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer, OUT skipped integer, OUT looked_at integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found @extschema@.sms_booking[];
  retried uuid[];
  can_mark boolean;
  candidate record;
  made record;
  waited interval := '0';
  tried_at timestamptz;
BEGIN
  confirmations := 0;
  reminders := 0;
  feedback_requests := 0;
  skipped := 0;
  looked_at := 0;
  -- Replicated bookings are texted where they come from.
  IF NOT EXISTS (SELECT FROM @extschema@.sms_bookings_source) OR @extschema@.sms_is_subscriber() THEN
    RETURN;
  END IF;
  -- Of many, some by chance, so that none that cannot be made stands in the others' way.
  retried := ARRAY(SELECT t.booking_id FROM @extschema@.sms_booking_texts t WHERE t.try_until > now() AND t.type = 'confirmation'
                    ORDER BY random() LIMIT 1000);
  found := @extschema@.sms_find_due_bookings(retried);
  PERFORM @extschema@.sms_stop_retrying(retried, found);
  can_mark := (SELECT @extschema@.sms_is_table(s.bookings) FROM @extschema@.sms_bookings_source s);
  FOR candidate IN
    SELECT b AS booking, b.id, w.has_work, w.unmarked
      FROM unnest(found) b
      JOIN (SELECT o.booking_id, bool_or(o.is_work) AS has_work, min(o.updated_at) FILTER (WHERE o.is_work AND o.reason IS NOT NULL) AS tried_at,
                   min(o.expires_at) FILTER (WHERE o.is_work) AS expires_at, array_agg(DISTINCT o.type) FILTER (WHERE o.is_unmarked AND can_mark) AS unmarked
              FROM (SELECT j.*, j.is_stale
                             OR j.is_due AND @extschema@.sms_needs_work(j.verdict, j.reason) AND coalesce(j.reason IS NULL OR j.updated_at < tried_before, true)
                             OR j.verdict = 'not_confirmed' AND j.updated_at IS NOT NULL AND j.type <> 'feedback' AND j.reason IS DISTINCT FROM 'booking_cancelled'
                             AS is_work
                      FROM @extschema@.sms_booking_outlook(found) j) o
             GROUP BY o.booking_id) w ON w.booking_id = b.id
     WHERE w.has_work OR w.unmarked <> '{}'
     -- What failed before comes after what was not tried yet, the longest ago first; what is only to be marked, last.
     ORDER BY w.has_work DESC, w.tried_at NULLS FIRST, w.expires_at, b.id LIMIT at_most
  LOOP
    looked_at := looked_at + 1;
    -- Somebody is changing it at this moment, or schedules it: that one decides.
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(@extschema@.sms_lock_booking(candidate.id));
    -- A row that was locked when its reminder was made.
    PERFORM @extschema@.sms_try_mark(candidate.id, u = 'feedback') FROM unnest(candidate.unmarked) u;
    CONTINUE WHEN NOT candidate.has_work;
    -- Where somebody has one of its rows without that lock (an import), the next pass decides.
    CONTINUE WHEN (SELECT count(*) FROM @extschema@.sms_booking_texts t WHERE t.booking_id = candidate.id)
                  <> (SELECT count(*) FROM (SELECT FROM @extschema@.sms_booking_texts t WHERE t.booking_id = candidate.id FOR NO KEY UPDATE SKIP LOCKED) free);
    tried_at := clock_timestamp();
    BEGIN
      made := @extschema@.sms_sync_booking(candidate.id);
      confirmations := confirmations + made.confirmations;
      reminders := reminders + made.reminders;
      feedback_requests := feedback_requests + made.feedback_requests;
      skipped := skipped + made.skipped;
    EXCEPTION WHEN OTHERS THEN
      skipped := skipped + @extschema@.sms_record_unreadable(candidate.booking, SQLERRM);
    END;
    -- Where rows or tables are locked, or a view is slow, each waits its time, and whoever changes these bookings waits for us.
    IF clock_timestamp() - tried_at > interval '1 second' THEN
      waited := waited + (clock_timestamp() - tried_at);
    END IF;
    EXIT WHEN waited > interval '3 seconds';
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_schedule_some(integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_schedule_some(integer, timestamptz) IS
'Internal: a pass over the bookings that have something to do, at most so many; what was skipped is tried again where that was last done before the time.';

-- For the sender, whose other work must not suffer: a little at a time, and a failure is returned instead of raised.
-- There is more to do at once only where this pass got anywhere: what is locked or cannot be made is no reason to hurry.
CREATE FUNCTION sms_schedule_pass(at_most integer, OUT more boolean, OUT problem text)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT s.looked_at = at_most AND s.confirmations + s.reminders + s.feedback_requests + s.skipped > 0 INTO more
    FROM @extschema@.sms_schedule_some(at_most, now() - interval '30 seconds') s;
EXCEPTION WHEN OTHERS THEN
  more := false;
  problem := SQLERRM;
END
$$;
REVOKE ALL ON FUNCTION sms_schedule_pass(integer) FROM PUBLIC;
COMMENT ON FUNCTION sms_schedule_pass(integer) IS 'Internal: a pass over at most so many bookings; more: whether the next one should follow at once; problem: why the bookings could not be read.';

CREATE FUNCTION sms_schedule_reminders(OUT reminders integer, OUT feedback_requests integer, OUT skipped integer)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.reminders, s.feedback_requests, s.skipped FROM @extschema@.sms_schedule_some(500, now()) s
$$;
REVOKE ALL ON FUNCTION sms_schedule_reminders() FROM PUBLIC;
COMMENT ON FUNCTION sms_schedule_reminders() IS
'Queues the reminders and feedback requests that are due within two minutes, tries again what could not be queued, of at most 500 bookings, and returns how many were queued and how many newly skipped. The sender does so each minute; calling it besides, as from pg_cron, does no harm.';

CREATE FUNCTION sms_recheck_bookings(message_ids uuid[]) RETURNS TABLE (message_id uuid, reason text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ids uuid[];
  known @extschema@.sms_booking[];
  unreadable uuid[] := '{}';
  stale_ids uuid[];
  stale_codes text[];
  one uuid;
  began CONSTANT timestamptz := clock_timestamp();
BEGIN
  ids := ARRAY(SELECT DISTINCT t.booking_id FROM @extschema@.sms_booking_texts t WHERE t.message_id = ANY (message_ids));
  IF ids = '{}' OR NOT EXISTS (SELECT FROM @extschema@.sms_bookings_source) THEN
    RETURN;
  END IF;
  BEGIN
    known := ARRAY(SELECT DISTINCT ON (b.id) b FROM @extschema@.sms_read_bookings(ids) b);
  EXCEPTION WHEN OTHERS THEN
    known := '{}';
    FOREACH one IN ARRAY ids LOOP
      -- What is locked or slow is so for each of them, and the sender sends nothing meanwhile.
      IF SQLSTATE IN ('55P03', 'SM021') OR clock_timestamp() > began + interval '3 seconds' THEN
        unreadable := unreadable || one;
        CONTINUE;
      END IF;
      BEGIN
        known := known || ARRAY(SELECT b FROM @extschema@.sms_read_bookings(ARRAY[one]) b LIMIT 1);
      EXCEPTION WHEN OTHERS THEN
        unreadable := unreadable || one;
      END;
    END LOOP;
  END;
  -- One that cannot be judged waits, and keeps no other from being judged.
  BEGIN
    SELECT coalesce(array_agg(s.message_id), '{}'), coalesce(array_agg(s.code), '{}') INTO stale_ids, stale_codes
      FROM @extschema@.sms_stale_texts(ids, known) s;
  EXCEPTION WHEN OTHERS THEN
    stale_ids := '{}';
    stale_codes := '{}';
    FOREACH one IN ARRAY ids LOOP
      BEGIN
        SELECT stale_ids || coalesce(array_agg(s.message_id), '{}'), stale_codes || coalesce(array_agg(s.code), '{}') INTO stale_ids, stale_codes
          FROM @extschema@.sms_stale_texts(ARRAY[one], ARRAY(SELECT k FROM unnest(known) k WHERE k.id = one)) s;
      EXCEPTION WHEN OTHERS THEN
        unreadable := unreadable || one;
      END;
    END LOOP;
  END;
  RETURN QUERY
    SELECT t.message_id, 'booking_unreadable'::text FROM @extschema@.sms_booking_texts t
     WHERE t.message_id = ANY (message_ids) AND t.booking_id = ANY (unreadable);
  -- A confirmation that is withdrawn here is made anew by the next pass.
  RETURN QUERY
    WITH stale AS (
      SELECT s.message_id, s.code FROM unnest(stale_ids, stale_codes) s (message_id, code) WHERE s.message_id = ANY (message_ids)),
    again AS (
      UPDATE @extschema@.sms_booking_texts t SET try_until = t.session_start FROM stale s
       WHERE t.message_id = s.message_id AND s.code = 'booking_changed' AND t.type = 'confirmation')
    SELECT s.message_id, s.code FROM stale s JOIN @extschema@.sms_booking_texts t ON t.message_id = s.message_id
     WHERE NOT t.booking_id = ANY (unreadable);
END
$$;
REVOKE ALL ON FUNCTION sms_recheck_bookings(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_recheck_bookings(uuid[]) IS
'Internal: which of these claimed messages must not go: booking_changed, booking_cancelled, or booking_unreadable for now. Raises nothing.';

CREATE FUNCTION sms_bookings_problem() RETURNS text
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_find_due_bookings('{}') FROM @extschema@.sms_bookings_source;
  PERFORM @extschema@.sms_read_bookings('{}');
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RETURN 'the attached bookings cannot be read: ' || SQLERRM;
END
$$;
REVOKE ALL ON FUNCTION sms_bookings_problem() FROM PUBLIC;
COMMENT ON FUNCTION sms_bookings_problem() IS 'Internal: why the attached bookings cannot be read; NULL where they can, or where there are none.';
-- What makes plain INSERT, UPDATE and DELETE on the tables do the right thing.

-- The two on INSERT take on their owner's rights themselves, and only for rows that need it: a row
-- without a segment count is somebody's plain INSERT; sms_enqueue and a restore bring one.

CREATE FUNCTION sms_complete_message() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_complete_message' LANGUAGE C;
REVOKE ALL ON FUNCTION sms_complete_message() FROM PUBLIC;
COMMENT ON FUNCTION sms_complete_message() IS 'Internal: checks and completes an inserted message as sms_enqueue would.';
CREATE TRIGGER sms_message_complete BEFORE INSERT ON sms_messages
  FOR EACH ROW EXECUTE FUNCTION sms_complete_message();

CREATE FUNCTION sms_queue_message() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_queue_message' LANGUAGE C;
REVOKE ALL ON FUNCTION sms_queue_message() FROM PUBLIC;
COMMENT ON FUNCTION sms_queue_message() IS 'Internal: gives an inserted message its row in sms_queue.';
CREATE TRIGGER sms_message_queue AFTER INSERT ON sms_messages
  FOR EACH ROW WHEN (NEW.attempt_count = 0) EXECUTE FUNCTION sms_queue_message();

CREATE FUNCTION sms_guard_status() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.status NOT IN ('pending', 'queued') OR NEW.status <> 'cancelled' THEN
    RAISE EXCEPTION 'status of message % cannot be changed from % to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = 'SM012',
            DETAIL = 'coach_sms writes the status. By hand only pending and queued can become cancelled.',
            HINT = 'Use sms_cancel(), sms_reschedule() or sms_retry().';
  END IF;
  NEW.error_code := coalesce(NEW.error_code, 'cancelled_by_user');
  NEW.updated_at := now();
  DELETE FROM @extschema@.sms_queue q WHERE q.message_id = OLD.id;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION sms_guard_status() FROM PUBLIC;
COMMENT ON FUNCTION sms_guard_status() IS
'Internal: lets a plain UPDATE cancel a message that waits, and refuses every other change of a status (SM012).';

CREATE TRIGGER sms_message_guard BEFORE UPDATE OF status ON sms_messages
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status AND CURRENT_USER <> 'coach_sms_owner')
  EXECUTE FUNCTION sms_guard_status();

CREATE FUNCTION sms_refuse_metadata() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'metadata is not a JSON object'
    USING ERRCODE = 'SM005', DETAIL = 'It must be an object, as in {"source": "app"}.',
          HINT = 'Build it with jsonb_build_object().';
END
$$;
REVOKE ALL ON FUNCTION sms_refuse_metadata() FROM PUBLIC;
COMMENT ON FUNCTION sms_refuse_metadata() IS 'Internal: metadata stays an object (SM005).';

CREATE TRIGGER sms_message_metadata BEFORE UPDATE OF metadata ON sms_messages
  FOR EACH ROW WHEN (jsonb_typeof(NEW.metadata) IS DISTINCT FROM 'object')
  EXECUTE FUNCTION sms_refuse_metadata();

-- A claim goes with its message: the sender's result then finds no fence to show. Its events are without a message from
-- then on, as texts from people are, and are pruned and erased like those.
CREATE FUNCTION sms_forget_messages() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    DELETE FROM @extschema@.sms_queue;
    DELETE FROM @extschema@.sms_in_flight;
    UPDATE @extschema@.sms_events e SET message_id = NULL WHERE e.message_id IS NOT NULL;
  ELSE
    DELETE FROM @extschema@.sms_queue q USING gone g WHERE q.message_id = g.id;
    DELETE FROM @extschema@.sms_in_flight f USING gone g WHERE f.message_id = g.id;
    UPDATE @extschema@.sms_events e SET message_id = NULL FROM gone g WHERE e.message_id = g.id;
  END IF;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION sms_forget_messages() FROM PUBLIC;
COMMENT ON FUNCTION sms_forget_messages() IS 'Internal: keeps sms_queue, sms_in_flight and sms_events in step with deleted messages.';

CREATE TRIGGER sms_message_delete AFTER DELETE ON sms_messages
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION sms_forget_messages();
CREATE TRIGGER sms_message_truncate AFTER TRUNCATE ON sms_messages
  FOR EACH STATEMENT EXECUTE FUNCTION sms_forget_messages();

-- sms_templates

CREATE FUNCTION sms_check_template() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_template_variables(NEW.body);
  IF NEW.version IS NULL THEN
    -- Concurrent inserts of a key take their turns; the next statement's snapshot sees the earlier one.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.org_id::text || NEW.template_key, 0));
    NEW.version := (SELECT coalesce(max(t.version), 0) + 1 FROM @extschema@.sms_templates t
                     WHERE t.org_id = NEW.org_id AND t.template_key = NEW.template_key);
  END IF;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION sms_check_template() FROM PUBLIC;
COMMENT ON FUNCTION sms_check_template() IS
'Internal: refuses a template with a broken placeholder (SM003) and gives a new one its version.';

CREATE TRIGGER sms_template_check BEFORE INSERT OR UPDATE OF body, version ON sms_templates
  FOR EACH ROW EXECUTE FUNCTION sms_check_template();

-- updated_at

CREATE FUNCTION sms_touch() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION sms_touch() FROM PUBLIC;
COMMENT ON FUNCTION sms_touch() IS 'Internal: writes updated_at.';

CREATE TRIGGER sms_template_touch BEFORE UPDATE ON sms_templates FOR EACH ROW EXECUTE FUNCTION sms_touch();
CREATE TRIGGER sms_settings_touch BEFORE UPDATE ON sms_settings FOR EACH ROW EXECUTE FUNCTION sms_touch();

-- The library remembers these rows within a statement. With rows of 'wake' tables that change, the sender looks at everything
-- anew: what waits under the old settings may go, or stop, under the new ones.

CREATE FUNCTION sms_forget_facts() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_forget_facts' LANGUAGE C;
REVOKE ALL ON FUNCTION sms_forget_facts() FROM PUBLIC;
COMMENT ON FUNCTION sms_forget_facts() IS 'Internal: makes the library read settings, templates, mode and salt again; with an argument, the sender too.';

CREATE TRIGGER sms_settings_forget AFTER INSERT OR UPDATE OR DELETE ON sms_settings
  FOR EACH ROW EXECUTE FUNCTION sms_forget_facts('wake');
CREATE TRIGGER sms_templates_forget AFTER INSERT OR UPDATE OR DELETE ON sms_templates
  FOR EACH STATEMENT EXECUTE FUNCTION sms_forget_facts();
CREATE TRIGGER sms_server_forget AFTER INSERT OR UPDATE OR DELETE ON sms_server
  FOR EACH ROW EXECUTE FUNCTION sms_forget_facts('wake');
CREATE TRIGGER sms_phone_salt_forget AFTER INSERT OR UPDATE OR DELETE ON sms_phone_salt
  FOR EACH STATEMENT EXECUTE FUNCTION sms_forget_facts();
-- A person who wants to be forgotten, and the lists that must outlive that.

-- Whoever opted out must stay so: the entries stay, with a hash in place of the number. Two entries of one
-- person become one. Here as below, what belongs to no org is for those who act for all.
CREATE FUNCTION sms_hash_opt_outs(org_id uuid, number text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  hashed text;
BEGIN
  INSERT INTO @extschema@.sms_phone_salt (salt)
    VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))
    ON CONFLICT ON CONSTRAINT sms_phone_salt_pkey DO NOTHING;
  hashed := (@extschema@.sms_phone_names(number))[2];
  -- A statement each: what somebody enters meanwhile is either hashed or stays as it is.
  WITH gone AS (DELETE FROM @extschema@.sms_suppression s WHERE s.org_id = $1 AND s.phone = number RETURNING s.*)
  INSERT INTO @extschema@.sms_suppression (org_id, phone, reason, source, created_at)
    SELECT g.org_id, hashed, g.reason, g.source, g.created_at FROM gone g
    ON CONFLICT ON CONSTRAINT sms_suppression_org_id_phone_key DO NOTHING;
  -- What was said to senders of other orgs is not this one's to change.
  WITH gone AS (DELETE FROM @extschema@.sms_opt_outs o
                 WHERE o.phone = number
                   AND (@extschema@.sms_may_act_for(NULL) OR @extschema@.sms_sends_as($1, NULL, o.account_sid, o.sender)) RETURNING o.*)
  INSERT INTO @extschema@.sms_opt_outs (account_sid, sender, phone, source, created_at)
    SELECT g.account_sid, g.sender, hashed, g.source, g.created_at FROM gone g
    ON CONFLICT ON CONSTRAINT sms_opt_outs_pkey DO NOTHING;
END
$$;
REVOKE ALL ON FUNCTION sms_hash_opt_outs(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_hash_opt_outs(uuid, text) IS
'Internal: puts the salted hash in the number''s place in the lists.';

CREATE FUNCTION sms_erase_history(org_id uuid, number text, ids uuid[], OUT attempts integer, OUT events integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- By the number too: texts from the person, and what belongs to messages that are gone or nobody's. A condition at a
  -- time, so that each has its index.
  WITH found AS (
    SELECT a.id FROM @extschema@.sms_attempts a WHERE a.message_id = ANY (ids)
    UNION
    SELECT a.id FROM @extschema@.sms_attempts a
     WHERE a.org_id = $1 AND number IN (a.client_key, a.request_payload->>'To')
       AND NOT EXISTS (SELECT FROM @extschema@.sms_messages m WHERE m.id = a.message_id))
  UPDATE @extschema@.sms_attempts a
     SET request_payload = NULL, response_payload = NULL, error_message = NULL, client_key = 'erased'
    FROM found f WHERE a.id = f.id;
  GET DIAGNOSTICS attempts = ROW_COUNT;
  WITH found AS (
    SELECT e.id FROM @extschema@.sms_events e WHERE e.message_id = ANY (ids)
    UNION
    SELECT e.id FROM @extschema@.sms_events e
     WHERE e.message_id IS NULL AND e.org_id = $1 AND number IN (e.event_payload->>'From', e.event_payload->>'To')
    UNION
    SELECT e.id FROM @extschema@.sms_events e
     WHERE e.message_id IS NULL AND e.org_id IS NULL AND (SELECT @extschema@.sms_may_act_for(NULL))
       AND number IN (e.event_payload->>'From', e.event_payload->>'To'))
  UPDATE @extschema@.sms_events e SET event_payload = NULL, error_message = NULL FROM found f WHERE e.id = f.id;
  GET DIAGNOSTICS events = ROW_COUNT;
  UPDATE @extschema@.sms_booking_texts t SET detail = NULL
   WHERE t.org_id = $1 AND (t.message_id = ANY (ids) OR position(number IN t.detail) > 0);
END
$$;
REVOKE ALL ON FUNCTION sms_erase_history(uuid, text, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_erase_history(uuid, text, uuid[]) IS
'Internal: takes the person out of the attempts and events of these messages, and of events that name the number.';

CREATE FUNCTION sms_erase_person_as_owner(org_id uuid, phone text)
  RETURNS TABLE (messages integer, attempts integer, events integer, under_way integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number text;
  ids uuid[];
BEGIN
  IF org_id IS NULL THEN
    RAISE EXCEPTION 'org_id is null'
      USING ERRCODE = 'SM001', DETAIL = 'A person is erased in one org.', HINT = 'Give the org''s id.';
  ELSIF phone IS NULL THEN
    RAISE EXCEPTION 'phone is null'
      USING ERRCODE = 'SM006', DETAIL = 'A person is erased by exactly one number.', HINT = 'Give the number.';
  END IF;
  PERFORM @extschema@.sms_require_org(org_id);
  number := @extschema@.sms_keep_phone(phone, @extschema@.sms_org_region(org_id));
  PERFORM @extschema@.sms_cancel_waiting(
    ARRAY(SELECT m.id FROM @extschema@.sms_messages m WHERE m.to_phone = number AND m.org_id = sms_erase_person_as_owner.org_id),
    'erased', NULL);
  -- A callback may have told the end before our own request has: what is recorded of that comes later.
  ids := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.to_phone = number AND m.org_id = sms_erase_person_as_owner.org_id AND m.status NOT IN ('pending', 'queued', 'sending', 'unknown')
       AND NOT EXISTS (SELECT FROM @extschema@.sms_in_flight f WHERE f.message_id = m.id)
     ORDER BY m.id FOR NO KEY UPDATE);
  UPDATE @extschema@.sms_messages m
     SET to_phone = 'erased', body = '', variables = NULL, client_id = NULL, metadata = '{}', error_message = NULL, updated_at = now()
   WHERE m.id = ANY (ids);
  SELECT h.attempts, h.events INTO attempts, events FROM @extschema@.sms_erase_history(org_id, number, ids) h;
  PERFORM @extschema@.sms_hash_opt_outs(org_id, number);
  messages := cardinality(ids);
  under_way := (SELECT count(*) FROM @extschema@.sms_messages m
                 WHERE m.to_phone = number AND m.org_id = sms_erase_person_as_owner.org_id);
  RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION sms_erase_person_as_owner(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_erase_person_as_owner(uuid, text) IS
'Internal: sms_erase_person(), once its caller is coach_sms_owner.';

CREATE FUNCTION sms_export_opt_outs()
  RETURNS TABLE (org_id uuid, phone text, reason text, source text, notes text, created_at timestamptz, account_sid text, sender text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.org_id, s.phone, s.reason, s.source, s.notes, s.created_at, NULL, NULL FROM @extschema@.sms_suppression s
  UNION ALL
  SELECT NULL, o.phone, 'opt_out', o.source, NULL, o.created_at, o.account_sid, o.sender FROM @extschema@.sms_opt_outs o
  ORDER BY 1, 2, 7, 8
$$;
REVOKE ALL ON FUNCTION sms_export_opt_outs() FROM PUBLIC;
COMMENT ON FUNCTION sms_export_opt_outs() IS
'Every entry of sms_suppression (with org_id) and of sms_opt_outs (with account_sid and sender), to be kept in a file before DROP EXTENSION.';
-- News for the application, so that it need not poll: ids only, because whoever is connected to the
-- database may listen.

CREATE FUNCTION sms_tell_news() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF current_setting('coach_sms.notify', true) IS DISTINCT FROM 'off' THEN
    PERFORM pg_notify(TG_ARGV[0], NEW.id::text);
  END IF;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION sms_tell_news() FROM PUBLIC;
COMMENT ON FUNCTION sms_tell_news() IS 'Internal: sends NOTIFY on the named channel with the row''s id, unless coach_sms.notify is off.';

-- Not of what the application itself took back: it knows, and PostgreSQL lets no transaction that
-- has sent a NOTIFY be prepared.
CREATE TRIGGER sms_message_news AFTER UPDATE OF status ON sms_messages
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status IN ('delivered', 'failed', 'cancelled')
                     AND coalesce(NEW.error_code, '') NOT IN ('cancelled_by_user', 'booking_cancelled', 'booking_changed'))
  EXECUTE FUNCTION sms_tell_news('sms_message');

CREATE TRIGGER sms_inbound_news AFTER INSERT ON sms_events
  FOR EACH ROW WHEN (NEW.event_type = 'inbound')
  EXECUTE FUNCTION sms_tell_news('sms_inbound');
-- retention_days: finished messages leave with their attempts and events. What they were still needed for stays: the
-- idempotency key, and what they cost.

-- A key is moved in one transaction and its message deleted in a later one, once every snapshot that anybody still uses shows
-- the move: whoever enqueues with the key sees it in one table or in both, and never in neither.
CREATE FUNCTION sms_prune_messages(org_id uuid, before timestamptz, at_most integer, horizon xid) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- As many are looked at, so that a step takes its time and no more: also where nothing may go, since some snapshot is old.
  window_size CONSTANT integer := 10 * at_most;
  oldest uuid[] := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.org_id = $1 AND m.created_at < before AND m.updated_at < before AND m.status IN ('sent', 'delivered', 'failed', 'cancelled')
     ORDER BY m.created_at LIMIT window_size);
  moved integer;
  ids uuid[];
BEGIN
  INSERT INTO @extschema@.sms_idempotency_keys (org_id, idempotency_key, message_id, payload_hash)
    SELECT m.org_id, m.idempotency_key, m.id, m.payload_hash FROM @extschema@.sms_messages m
     WHERE m.id = ANY (oldest) AND m.idempotency_key IS NOT NULL
       AND NOT EXISTS (SELECT FROM @extschema@.sms_idempotency_keys k WHERE k.org_id = $1 AND k.idempotency_key = m.idempotency_key)
     ORDER BY m.created_at LIMIT at_most
    ON CONFLICT ON CONSTRAINT sms_idempotency_keys_pkey DO NOTHING;
  GET DIAGNOSTICS moved = ROW_COUNT;
  ids := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.id = ANY (oldest) AND m.updated_at < before
       AND (m.idempotency_key IS NULL
            OR EXISTS (SELECT FROM @extschema@.sms_idempotency_keys k
                        WHERE k.org_id = $1 AND k.idempotency_key = m.idempotency_key AND age(k.xmin) > age(horizon)))
     ORDER BY m.created_at LIMIT at_most
       FOR UPDATE SKIP LOCKED);
  PERFORM @extschema@.sms_sum_up(org_id, ids);
  -- What was called off may be wanted again, as it could before.
  UPDATE @extschema@.sms_booking_texts t
     SET detail = NULL, message_id = CASE WHEN m.is_off THEN NULL ELSE t.message_id END,
         reason = CASE WHEN m.is_off THEN 'booking_cancelled' ELSE t.reason END
    FROM (SELECT g.id, g.status = 'cancelled' AND g.error_code IN ('booking_changed', 'booking_cancelled', 'sandbox') AS is_off
            FROM @extschema@.sms_messages g WHERE g.id = ANY (ids)) m
   WHERE t.message_id = m.id;
  DELETE FROM @extschema@.sms_attempts a WHERE a.message_id = ANY (ids);
  DELETE FROM @extschema@.sms_events e WHERE e.message_id = ANY (ids);
  DELETE FROM @extschema@.sms_messages m WHERE m.id = ANY (ids);
  RETURN greatest(moved, cardinality(ids));
END
$$;
REVOKE ALL ON FUNCTION sms_prune_messages(uuid, timestamptz, integer, xid) FROM PUBLIC;
COMMENT ON FUNCTION sms_prune_messages(uuid, timestamptz, integer, xid) IS
'Internal: moves the keys of up to that many finished messages, and deletes up to that many whose keys were moved before the horizon. Returns the larger number.';

CREATE FUNCTION sms_sum_up(org_id uuid, ids uuid[]) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO @extschema@.sms_usage AS u (org_id, month, provider, currency, messages, segments, price, segments_without_price)
    SELECT $1, h.month, h.provider, h.currency, count(*), sum(h.segments), sum(h.price),
           coalesce(sum(h.segments) FILTER (WHERE h.price IS NULL), 0)
      FROM @extschema@.sms_charges h WHERE h.org_id = $1 AND h.message_id = ANY (ids)
     GROUP BY h.month, h.provider, h.currency
    ON CONFLICT ON CONSTRAINT sms_usage_pkey DO UPDATE
      SET messages = u.messages + excluded.messages, segments = u.segments + excluded.segments,
          price = CASE WHEN excluded.price IS NULL THEN u.price ELSE coalesce(u.price, 0) + excluded.price END,
          segments_without_price = u.segments_without_price + excluded.segments_without_price
$$;
REVOKE ALL ON FUNCTION sms_sum_up(uuid, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_sum_up(uuid, uuid[]) IS 'Internal: adds what these messages cost to sms_usage.';

-- Those that belong to no org (org_id NULL) may belong to any: they stay as long as any org keeps its own.
CREATE FUNCTION sms_strays_before() RETURNS timestamptz
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN bool_and(s.retention_days IS NOT NULL) THEN now() - make_interval(days => max(s.retention_days)) END FROM @extschema@.sms_settings s
$$;
REVOKE ALL ON FUNCTION sms_strays_before() FROM PUBLIC;
COMMENT ON FUNCTION sms_strays_before() IS 'Internal: before when what belongs to no org is pruned; NULL where some org keeps everything.';

CREATE FUNCTION sms_prune_events(org_id uuid, before timestamptz, at_most integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  pruned integer;
BEGIN
  -- A START or YES stays without its text: Twilio signs no time, and a call that was caught would lift a later STOP.
  WITH old AS (
    SELECT i.id, i.event_type = 'inbound' AND coalesce(i.event_status IN ('START', 'YES'), false) AS stays FROM @extschema@.sms_events i
     WHERE CASE WHEN $1 IS NULL THEN i.org_id IS NULL ELSE i.org_id = $1 END AND i.message_id IS NULL AND i.received_at < before
       AND (i.event_payload IS NOT NULL OR i.event_type <> 'inbound' OR coalesce(i.event_status NOT IN ('START', 'YES'), true))
     ORDER BY i.received_at LIMIT at_most FOR UPDATE SKIP LOCKED),
  gone AS (DELETE FROM @extschema@.sms_events e USING old o WHERE e.id = o.id AND NOT o.stays),
  kept AS (UPDATE @extschema@.sms_events e SET event_payload = NULL FROM old o WHERE e.id = o.id AND o.stays)
  SELECT count(*) INTO pruned FROM old;
  RETURN pruned;
END
$$;
REVOKE ALL ON FUNCTION sms_prune_events(uuid, timestamptz, integer) FROM PUBLIC;
COMMENT ON FUNCTION sms_prune_events(uuid, timestamptz, integer) IS
'Internal: deletes up to that many inbound texts and events without a message, of the org or (NULL) of none; of a START or YES, whose key must stay, only the text.';

CREATE FUNCTION sms_prune_next(at_most integer, horizon xid, INOUT behind uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  orgs_at_most CONSTANT integer := 100;
  org record;
  orgs integer := 0;
BEGIN
  FOR org IN SELECT s.org_id, now() - make_interval(days => s.retention_days) AS before FROM @extschema@.sms_settings s
              WHERE s.retention_days IS NOT NULL AND (behind IS NULL OR s.org_id >= behind) ORDER BY s.org_id LIMIT orgs_at_most LOOP
    behind := org.org_id;
    orgs := orgs + 1;
    IF greatest(@extschema@.sms_prune_messages(org.org_id, org.before, at_most, horizon),
                @extschema@.sms_prune_events(org.org_id, org.before, at_most)) > 0 THEN
      RETURN;
    END IF;
  END LOOP;
  IF orgs = orgs_at_most OR @extschema@.sms_prune_events(NULL, @extschema@.sms_strays_before(), at_most) > 0 THEN
    RETURN;
  END IF;
  behind := NULL;
END
$$;
REVOKE ALL ON FUNCTION sms_prune_next(integer, xid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_prune_next(integer, xid, uuid) IS
'Internal: prunes a batch of the first org from there on that has something to prune. Returns where to go on; NULL at the end.';
-- What tenants may call. Each of these keeps in mind who called, goes on as coach_sms_owner, and calls the function of
-- the same name and arguments whose name ends in _as_owner, which asks whether that caller may act for the org.
-- SECURITY DEFINER alone would not do: such a function cannot know who called it, and the session's user is not
-- whose rights count where an application's own definer function calls.

CREATE FUNCTION sms_cancel(message_id uuid, reason text DEFAULT NULL)
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_cancel(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_cancel(uuid, text) IS
'Cancels a message that still waits (error_code cancelled_by_user, error_message the reason). False where it is final or handed over already. Raises SM012 for an unknown id.';

CREATE FUNCTION sms_reschedule(message_id uuid, scheduled_for timestamptz, expires_at timestamptz DEFAULT NULL)
  RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_reschedule(uuid, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_reschedule(uuid, timestamptz, timestamptz) IS
'Moves a message that still waits (NULL: to now), and its expires_at where one is given. Raises SM010 for times that sms_enqueue would refuse, SM012 for an unknown id and for a message that does not wait any more.';

CREATE FUNCTION sms_retry(message_id uuid)
  RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_retry(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_retry(uuid) IS
'Enqueues a failed or cancelled message anew: a new message with the same content and metadata.retry_of, without an expires_at that has passed, checked as by sms_enqueue. Returns the new id; called again for the same message, the same one. A message whose outcome_unknown was given up on may have arrived all the same. Raises SM012 for an unknown id or another status.';

CREATE FUNCTION sms_preview(org_id uuid, template_key text, variables jsonb DEFAULT '{}',
  OUT body text, OUT encoding text, OUT segments integer, OUT estimated_cost numeric, OUT currency text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C STABLE;
REVOKE ALL ON FUNCTION sms_preview(uuid, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_preview(uuid, text, jsonb) IS
'What sms_enqueue would send for this template: the text, its encoding and segments, and the cost by the org''s price_per_segment and currency (NULL where it has none). Sends nothing. Raises SM001, SM003, SM004, SM005.';

CREATE FUNCTION is_phone_suppressed(org_id uuid, phone text)
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C STABLE STRICT;
REVOKE ALL ON FUNCTION is_phone_suppressed(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION is_phone_suppressed(uuid, text) IS
'Whether the org must not write to the number, in any form that its default_region reads: by its own list, or since the person said STOP to the sender that it would use. Raises SM001 for an org of others'', SM006 for what is no number.';

CREATE FUNCTION sms_opt_out(org_id uuid, phone text, reason text DEFAULT 'opt_out', source text DEFAULT 'sms_opt_out',
  notes text DEFAULT NULL, client_id uuid DEFAULT NULL)
  RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_opt_out(uuid, text, text, text, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_opt_out(uuid, text, text, text, text, uuid) IS
'Enters the number into the org''s sms_suppression (an earlier entry is kept) and cancels what waits for it, error_code opted_out. reason: opt_out (default), invalid_number, carrier_violation, manual. Returns the entry''s id. Raises SM001 without an org, SM006 for what is no number, SM015 for another reason.';

CREATE FUNCTION sms_opt_in(org_id uuid, phone text, include_manual boolean DEFAULT false)
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_opt_in(uuid, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_opt_in(uuid, text, boolean) IS
'Takes the number off the org''s sms_suppression; an entry with reason manual stays unless include_manual. True where there was one to take off. Raises SM001 for an org of others'', SM006 for what is no number.';

CREATE FUNCTION sms_erase_person(org_id uuid, phone text)
  RETURNS TABLE (messages integer, attempts integer, events integer, under_way integer)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_erase_person(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_erase_person(uuid, text) IS
'Forgets a person in an org: what waits for the number is cancelled (error_code erased); number, text, variables, client_id, metadata and payloads go from its messages, their attempts and events; opt-outs stay as a salted hash that still matches. Returns how many of each, and how many messages are under way and were left: call it again once they are settled. Texts from the person that belong to no org, and opt-outs by senders of other orgs, only where the caller acts for every org. Raises SM001, SM006.';

CREATE FUNCTION sms_why(message_id uuid)
  RETURNS TABLE (at timestamptz, what text, detail text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_why(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_why(uuid) IS
'A message''s timeline in words: how it was enqueued, each attempt, what Twilio said, and last how it stands and what it waits for. Raises SM012 for an unknown id.';

CREATE FUNCTION sms_explain(booking_id uuid)
  RETURNS TABLE (type text, label text, due_at timestamptz, status text, message_id uuid, explanation text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_explain(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_explain(uuid) IS
'One row for each text that the booking had, will have or will not have: when it is due, the message and its status (planned, skipped, or gone where there is none), and why, in the time of its org. Raises SM012 for a booking that nobody knows.';

CREATE FUNCTION sms_why_held(org_id uuid, zone text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C STABLE;
REVOKE ALL ON FUNCTION sms_why_held(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_why_held(uuid, text) IS
'For sms_queue_stat: why nothing of an org''s lane goes out now, in words; NULL where something may, and for an org of others''.';
-- Watching: what the sender does, what waits, what became of it, and whether all is well.

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_worker_stat AS
  SELECT database_oid, database, pid, state, activity, started_at, heartbeat_at, next_wake_at, held_until, restarts,
         claimed, accepted, rejected, retried, unknown, in_flight, latency_p50_ms, latency_p99_ms,
         last_error, last_error_at, library_version
    FROM @extschema@.sms_worker_state()
   WHERE database_oid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_worker_stat IS 'This database''s sender, from shared memory. No row where the library is not preloaded or the launcher has not come here yet.';
COMMENT ON COLUMN sms_worker_stat.pid IS 'The process; NULL where none runs.';
COMMENT ON COLUMN sms_worker_stat.state IS 'sandbox or live where it sends; not armed, version mismatch, step failed where it runs and waits; starting, stopping, backing off, held, stopped.';
COMMENT ON COLUMN sms_worker_stat.heartbeat_at IS 'When it last went to sleep.';
COMMENT ON COLUMN sms_worker_stat.next_wake_at IS 'When it meant to wake at the latest; long past: it is frozen.';
COMMENT ON COLUMN sms_worker_stat.held_until IS 'Not started before this time: sms_detach_worker() or DROP DATABASE asked for it.';
COMMENT ON COLUMN sms_worker_stat.restarts IS 'How often it was started again since the server started; the counters count from there too.';
COMMENT ON COLUMN sms_worker_stat.claimed IS 'Messages taken out of the queue.';
COMMENT ON COLUMN sms_worker_stat.accepted IS 'Requests that Twilio took.';
COMMENT ON COLUMN sms_worker_stat.rejected IS 'Requests that Twilio refused for good.';
COMMENT ON COLUMN sms_worker_stat.retried IS 'Requests that go again: provably not taken.';
COMMENT ON COLUMN sms_worker_stat.unknown IS 'Requests without a clear answer.';
COMMENT ON COLUMN sms_worker_stat.latency_p50_ms IS 'Median time of the last few thousand requests.';
COMMENT ON COLUMN sms_worker_stat.latency_p99_ms IS '99 of 100 of them were faster.';

-- Views read as coach_sms_owner, whom no policy binds: those that tenants may read choose the reader's orgs themselves.
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_queue_stat WITH (security_barrier) AS
  WITH reader AS MATERIALIZED (SELECT @extschema@.sms_acts_for_all() AS sees_all, CASE WHEN NOT @extschema@.sms_acts_for_all() THEN @extschema@.sms_my_orgs() END AS orgs),
  server AS (SELECT max(paused_until) AS paused_until FROM @extschema@.sms_server),
  org AS (SELECT s.org_id, s.enabled AND coalesce(greatest(s.paused_until, v.paused_until) <= now(), true) AS may_send
            FROM @extschema@.sms_settings s CROSS JOIN server v),
  lane AS (SELECT org_id, zone, count(*) AS waiting, count(*) FILTER (WHERE due_at <= now()) AS due, min(due_at) AS next_due_at
             FROM @extschema@.sms_queue WHERE (SELECT sees_all FROM reader) OR org_id = ANY ((SELECT orgs FROM reader)::uuid[]) GROUP BY org_id, zone),
  judged AS (SELECT l.*, CASE WHEN next_due_at <= now() - interval '1 minute' THEN @extschema@.sms_why_held(org_id, zone) END AS held_by FROM lane l),
  queued AS (SELECT org_id, sum(waiting)::bigint AS waiting, sum(due)::bigint AS due, min(next_due_at) AS next_due_at,
                    min(next_due_at) FILTER (WHERE held_by IS NULL) AS free_due_at, min(held_by) AS held_by
               FROM judged GROUP BY org_id),
  claimed AS (SELECT org_id, count(*) FILTER (WHERE state <> 'unknown') AS in_flight,
                     count(*) FILTER (WHERE state = 'unknown') AS unknown
                FROM @extschema@.sms_in_flight GROUP BY org_id)
  SELECT org_id, coalesce(org.may_send, false) AS may_send, coalesce(waiting, 0) AS waiting, coalesce(due, 0) AS due,
         CASE WHEN org.may_send AND free_due_at <= now() THEN now() - free_due_at END AS oldest_due_age,
         coalesce(in_flight, 0) AS in_flight, coalesce(unknown, 0) AS unknown, next_due_at, held_by
    FROM org FULL JOIN queued USING (org_id) FULL JOIN claimed USING (org_id)
   WHERE (SELECT sees_all FROM reader) OR org_id = ANY ((SELECT orgs FROM reader)::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_queue_stat IS 'What waits and what is under way, one row an org.';
COMMENT ON COLUMN sms_queue_stat.may_send IS 'false: the org is disabled, paused or without settings, and its messages wait.';
COMMENT ON COLUMN sms_queue_stat.waiting IS 'Messages in the queue.';
COMMENT ON COLUMN sms_queue_stat.due IS 'Those whose time has come.';
COMMENT ON COLUMN sms_queue_stat.oldest_due_age IS 'How long the first of them has been due that nothing holds; NULL where none is, or the org may not send.';
COMMENT ON COLUMN sms_queue_stat.held_by IS 'What holds messages that have been due for a minute: quiet hours, max_sms_per_hour or the monthly budget, in words; also the spread after quiet hours and max_segments_per_second, where they let them out slowly. NULL where nothing does.';
COMMENT ON COLUMN sms_queue_stat.in_flight IS 'Messages that the sender has claimed.';
COMMENT ON COLUMN sms_queue_stat.unknown IS 'Messages of which it is being found out whether Twilio took them.';
COMMENT ON COLUMN sms_queue_stat.next_due_at IS 'The earliest time at which one is due, past or to come.';

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_delivery_stats WITH (security_barrier) AS
  WITH message AS (
    SELECT org_id, created_at::date AS day, sandbox, status, segments, price, price_unit, provider_message_id IS NOT NULL AS was_taken,
           status IN ('sent', 'delivered', 'failed') AND coalesce(sent_at, failed_at) < now() - interval '1 hour' AS is_old_enough
      FROM @extschema@.sms_messages WHERE created_at > now() - interval '30 days'),
  counted AS (
    SELECT org_id, day, sandbox, count(*) AS total,
           count(*) FILTER (WHERE status = 'sent') AS sent,
           count(*) FILTER (WHERE status = 'delivered') AS delivered,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE status = 'unknown') AS unknown,
           count(*) FILTER (WHERE status IN ('pending', 'queued', 'sending')) AS waiting,
           count(*) FILTER (WHERE is_old_enough AND status = 'delivered') AS old_delivered,
           nullif(count(*) FILTER (WHERE is_old_enough), 0) AS old,
           coalesce(sum(segments) FILTER (WHERE status IN ('sent', 'delivered') OR was_taken), 0) AS segments,
           CASE WHEN min(price_unit) = max(price_unit) THEN sum(price) END AS price,
           CASE WHEN min(price_unit) = max(price_unit) THEN min(price_unit) END AS price_unit
      FROM message GROUP BY org_id, day, sandbox)
  SELECT org_id, day, sandbox, total, sent, delivered, failed, cancelled, unknown, waiting,
         round(100.0 * old_delivered / old, 2) AS delivery_rate, segments, price, price_unit
    FROM counted
   WHERE (SELECT @extschema@.sms_acts_for_all()) OR org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_delivery_stats IS 'What became of the last 30 days'' messages, by org and day of creation (in the session''s time zone). Fast for one org: WHERE org_id = ...';
COMMENT ON COLUMN sms_delivery_stats.sandbox IS 'true: the sandbox''s messages, which nobody got.';
COMMENT ON COLUMN sms_delivery_stats.sent IS 'Twilio took them, and no receipt has come; some carriers send none.';
COMMENT ON COLUMN sms_delivery_stats.waiting IS 'pending, queued or sending.';
COMMENT ON COLUMN sms_delivery_stats.delivery_rate IS 'Percent delivered of those sent, delivered or failed more than an hour ago; NULL where there are none.';
COMMENT ON COLUMN sms_delivery_stats.segments IS 'Segments of those that Twilio took.';
COMMENT ON COLUMN sms_delivery_stats.price IS 'What Twilio charged, as far as known; NULL where currencies mix.';

-- What fails in an hour is found by what made it fail: sms_messages has no index on times that
-- change, while ids of version 7 begin with their time and so are a range of the primary key.
-- problem is the first thing that is wrong: what follows from it would only hide it.
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_health AS
  WITH mark AS (
    SELECT now() - interval '1 hour' AS hour_ago,
           (lpad(to_hex(floor(extract(epoch FROM now() - interval '1 hour') * 1000::numeric)::bigint), 12, '0') || '70008000000000000000')::uuid AS id_hour_ago,
           (lpad(to_hex(floor(extract(epoch FROM now() - interval '1 day') * 1000::numeric)::bigint), 12, '0') || '70008000000000000000')::uuid AS id_day_ago),
  touched AS (
    SELECT a.message_id FROM @extschema@.sms_attempts a
     WHERE a.id >= (SELECT id_hour_ago FROM mark) AND a.status <> 'success'
    UNION
    SELECT e.message_id FROM @extschema@.sms_events e
     WHERE e.id >= (SELECT id_day_ago FROM mark) AND e.processed_at >= (SELECT hour_ago FROM mark)
       AND e.event_status IN ('failed', 'undelivered', 'canceled')),
  failed AS (
    SELECT count(*) AS failed_last_hour
      FROM touched t JOIN @extschema@.sms_messages m ON m.id = t.message_id, mark
     WHERE m.status = 'failed' AND m.failed_at >= mark.hour_ago),
  queue AS (
    SELECT coalesce(sum(waiting), 0)::bigint AS waiting, coalesce(sum(due), 0)::bigint AS due,
           round(extract(epoch FROM max(oldest_due_age)))::bigint AS oldest_due_seconds,
           coalesce(sum(in_flight), 0)::bigint AS in_flight, coalesce(sum(unknown), 0)::bigint AS unknown
      FROM @extschema@.sms_queue_stat),
  fact AS MATERIALIZED (
    SELECT m.mode, m.reason, pg_is_in_recovery() AS is_standby, @extschema@.sms_is_preloaded() AS is_preloaded,
           @extschema@.sms_library_version() AS library_version, x.extversion AS extension_version,
           (SELECT count(*) FROM @extschema@.sms_events WHERE processed_at IS NULL) AS unprocessed_events, q.*, f.*,
           (SELECT count(*) FROM @extschema@.sms_in_flight WHERE state <> 'unknown' AND lease_until < now() - interval '30 seconds') AS unrecorded
      FROM @extschema@.sms_mode() m CROSS JOIN queue q CROSS JOIN failed f CROSS JOIN pg_extension x
     WHERE x.extname = 'coach_sms'),
  judged AS (
    SELECT f.*, w.pid AS sender_pid, w.state AS sender_state, w.last_error, w.last_error_at,
           CASE
             WHEN f.is_standby THEN NULL
             WHEN NOT f.is_preloaded THEN 'coach_sms is not in shared_preload_libraries: nothing is sent'
             WHEN f.library_version <> f.extension_version
               THEN format('the library is version %s and the extension %s: nothing is sent before ALTER EXTENSION coach_sms UPDATE, or a restart with the right library', f.library_version, f.extension_version)
             WHEN f.mode = 'not armed' THEN format('this server is not armed for this database, and sends nothing: %s', f.reason)
             WHEN w.state = 'held' THEN format('the sender is held back until %s', w.held_until)
             WHEN w.pid IS NULL THEN concat_ws(': ', 'no sender runs for this database', w.last_error)
             WHEN w.next_wake_at < clock_timestamp() - interval '30 seconds'
               THEN format('the sender (process %s) is frozen: it meant to wake at %s', w.pid, w.next_wake_at)
             WHEN w.state = 'step failed' THEN concat_ws(': ', 'the sender waits after an error', w.last_error)
             WHEN f.unrecorded > 0 THEN concat_ws(': ', format('results of requests cannot be recorded, and may wait for a lock: %s', f.unrecorded), w.last_error)
             WHEN f.oldest_due_seconds > 60 AND f.in_flight = 0
               THEN format('messages are due and do not move: the first for %s s', f.oldest_due_seconds)
           END AS problem
      FROM fact f LEFT JOIN @extschema@.sms_worker_stat w ON true)
  SELECT mode, sender_pid, sender_state, library_version, extension_version, waiting, due, oldest_due_seconds, in_flight,
         unknown, unprocessed_events, failed_last_hour, last_error, last_error_at, problem IS NULL AS ok, problem
    FROM judged;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_health IS 'One row: whether this database sends. For alarms: ok is false, and problem says why; sms_doctor() says what to do.';
COMMENT ON COLUMN sms_health.mode IS 'sandbox, live, or not armed.';
COMMENT ON COLUMN sms_health.sender_pid IS 'The sender''s process; NULL where none runs.';
COMMENT ON COLUMN sms_health.sender_state IS 'As in sms_worker_stat.';
COMMENT ON COLUMN sms_health.oldest_due_seconds IS 'How long the first message of an org that may send has been due; NULL where none is.';
COMMENT ON COLUMN sms_health.unknown IS 'Messages of which it is being found out whether Twilio took them.';
COMMENT ON COLUMN sms_health.unprocessed_events IS 'Callbacks that wait for their message to be known or unlocked.';
COMMENT ON COLUMN sms_health.failed_last_hour IS 'Messages that failed in the last 60 minutes.';
COMMENT ON COLUMN sms_health.last_error IS 'The sender''s last error; it may be over.';
COMMENT ON COLUMN sms_health.problem IS 'In words; NULL where all is well. On a standby, which sends nothing, it is NULL.';

REVOKE ALL ON sms_worker_stat, sms_queue_stat, sms_delivery_stats, sms_health FROM PUBLIC;
-- sms_doctor(): what keeps messages from going out, and what to do about it. Each group of checks
-- tells a problem or NULL, and whether it matters now: in the sandbox, what live sending needs does not.

CREATE FUNCTION sms_check_key_file(OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_key_file' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_check_key_file() FROM PUBLIC;
COMMENT ON FUNCTION sms_check_key_file() IS 'Internal: whether coach_sms.key_file holds a key.';

CREATE FUNCTION sms_check_token(org_id uuid, sealed text, OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_token' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_check_token(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_check_token(uuid, text) IS 'Internal: whether an org''s sealed token opens; NULL: whether the server has a token.';

CREATE FUNCTION sms_setting_place(setting text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_setting_place' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION sms_setting_place(text) FROM PUBLIC;
COMMENT ON FUNCTION sms_setting_place(text) IS 'Internal: file and line that set it, where the caller is a superuser.';

CREATE FUNCTION sms_oldest_snapshot(OUT holder text, OUT since timestamptz)
  AS 'MODULE_PATHNAME', 'coach_sms_oldest_snapshot' LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION sms_oldest_snapshot() FROM PUBLIC;
COMMENT ON FUNCTION sms_oldest_snapshot() IS 'Internal: the oldest transaction here that keeps dead rows, among those that the caller may see.';

CREATE FUNCTION sms_list_orgs(org_ids uuid[]) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_to_string(org_ids[1:5], ', ')
         || CASE WHEN cardinality(org_ids) > 5 THEN format(' and %s more', cardinality(org_ids) - 5) ELSE '' END
$$;
REVOKE ALL ON FUNCTION sms_list_orgs(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_list_orgs(uuid[]) IS 'Internal: the first five, and how many more.';

CREATE FUNCTION sms_check_processes() RETURNS TABLE (check_name text, matters boolean, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH fact AS MATERIALIZED (
    SELECT @extschema@.sms_is_preloaded() AS preloaded, NOT pg_is_in_recovery() AS primary_server,
           @extschema@.sms_launcher_pid() AS launcher, @extschema@.sms_library_version() AS library, x.extversion AS extension,
           coalesce(current_setting('coach_sms.databases', true), '') AS databases,
           (SELECT count(*) FROM @extschema@.sms_in_flight f WHERE f.state <> 'unknown' AND f.lease_until < now() - interval '30 seconds') AS unrecorded, w.*
      FROM pg_extension x LEFT JOIN @extschema@.sms_worker_stat w ON true WHERE x.extname = 'coach_sms')
  SELECT 'preloaded', true, CASE WHEN NOT preloaded THEN 'coach_sms is not in shared_preload_libraries: messages wait' END,
         format('Add coach_sms to shared_preload_libraries (%s) and restart the server; a reload is not enough.',
                coalesce(@extschema@.sms_setting_place('shared_preload_libraries'), 'in postgresql.conf, or by ALTER SYSTEM')) FROM fact
  UNION ALL
  SELECT 'launcher', primary_server, CASE WHEN launcher IS NULL THEN 'the launcher is not running' END,
         CASE WHEN preloaded THEN 'It starts again within seconds; if not, the server''s log says why (raise max_worker_processes, or look for coach_sms there).'
              ELSE 'See preloaded.' END FROM fact
  UNION ALL
  SELECT 'sender', primary_server,
         CASE WHEN pid IS NULL THEN concat_ws(': ', 'no sender runs for this database', state, last_error)
              WHEN next_wake_at < clock_timestamp() - interval '30 seconds' THEN format('the sender (process %s) is frozen since %s', pid, next_wake_at)
              WHEN state = 'step failed' THEN concat_ws(': ', 'the sender waits after an error', last_error)
              WHEN unrecorded > 0 THEN concat_ws(': ', format('results of requests cannot be recorded: %s', unrecorded), last_error) END,
         CASE WHEN NOT preloaded THEN 'See preloaded.'
              WHEN state = 'held' THEN format('It starts by itself after %s: sms_detach_worker() or DROP DATABASE asked for it.', held_until)
              WHEN pid IS NULL THEN format('coach_sms.databases (now ''%s'') must name this database or be ''*''; else the server''s log says why.', databases)
              WHEN state = 'step failed' THEN 'It tries again by itself; mend what the error names.'
              WHEN unrecorded > 0 THEN 'They are kept, and recorded as soon as nobody holds a lock on sms_messages or rows of it: see pg_locks.'
              ELSE format('Resume the process, or end it with SELECT pg_terminate_backend(%s): another one starts.', pid) END FROM fact
  UNION ALL
  SELECT 'version', true, CASE WHEN library <> extension THEN format('the library is version %s, the extension %s', library, extension) END,
         'Run ALTER EXTENSION coach_sms UPDATE; where the library is the older one, restart the server first.' FROM fact
  UNION ALL
  SELECT 'worker_slots', true, CASE WHEN pid IS NULL AND last_error LIKE '%background worker slots%' THEN last_error END,
         format('Raise max_worker_processes (now %s; one for the launcher and one for each database that sends) and restart the server.',
                current_setting('max_worker_processes')) FROM fact
$$;
REVOKE ALL ON FUNCTION sms_check_processes() FROM PUBLIC;
COMMENT ON FUNCTION sms_check_processes() IS 'Internal: sms_doctor''s checks of library, launcher and sender.';

CREATE FUNCTION sms_check_arming() RETURNS TABLE (check_name text, matters boolean, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH fact AS MATERIALIZED (SELECT m.mode, m.reason FROM @extschema@.sms_mode() m)
  SELECT 'mode', true, CASE WHEN mode = 'not armed' THEN format('this server is not armed for this database, and sends nothing: %s', reason) END,
         'Where this database shall send, call sms_go_live(); for trials sms_go_sandbox(). A copy of a live database stays as it is.' FROM fact
  UNION ALL
  SELECT 'key_file', mode <> 'sandbox' OR EXISTS (SELECT FROM @extschema@.sms_settings WHERE twilio_auth_token_encrypted IS NOT NULL),
         k.problem, k.what_to_do FROM fact, @extschema@.sms_check_key_file() k
  UNION ALL
  SELECT 'public_url', mode <> 'sandbox', CASE WHEN current_setting('coach_sms.public_url', true) = '' THEN 'coach_sms.public_url is not set: receipts and people''s texts (STOP) do not reach us'
           || CASE WHEN current_setting('coach_sms.fetch_delay', true) = '0' THEN ', and coach_sms.fetch_delay is 0: sent is the end' ELSE '; Twilio is asked about each message instead' END END,
         'Set it to the URL by which Twilio reaches the webhook, and reload the configuration.' FROM fact
$$;
REVOKE ALL ON FUNCTION sms_check_arming() FROM PUBLIC;
COMMENT ON FUNCTION sms_check_arming() IS 'Internal: sms_doctor''s checks of what live sending needs of the server.';

CREATE FUNCTION sms_check_orgs() RETURNS TABLE (check_name text, matters boolean, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH server AS MATERIALIZED (
    SELECT m.mode <> 'sandbox' AS matters, @extschema@.sms_server_account() AS account,
           coalesce(current_setting('coach_sms.twilio_phone_number', true), '') <> ''
             OR coalesce(current_setting('coach_sms.twilio_messaging_service_sid', true), '') <> '' AS has_sender
      FROM @extschema@.sms_mode() m),
  org AS MATERIALIZED (
    SELECT s.org_id, nullif(s.twilio_account_sid, '') AS account, nullif(s.twilio_messaging_service_sid, '') AS service,
           nullif(s.twilio_phone_number, '') AS number, t.own, t.sealed, @extschema@.sms_is_zone(s.timezone) AS has_zone
      FROM @extschema@.sms_settings s
      CROSS JOIN LATERAL (SELECT s.twilio_account_sid <> '' AND s.twilio_auth_token_encrypted IS NOT NULL AS own,
                                 s.twilio_auth_token_encrypted AS sealed) t
     WHERE s.enabled),
  token AS MATERIALIZED (
    SELECT o.org_id, c.problem, c.what_to_do FROM org o CROSS JOIN LATERAL @extschema@.sms_check_token(o.org_id, o.sealed) c WHERE o.own
    UNION ALL
    SELECT NULL, c.problem, c.what_to_do FROM @extschema@.sms_check_token(NULL, NULL) c
     WHERE EXISTS (SELECT FROM org o WHERE o.own IS NOT TRUE)),
  without AS (
    SELECT array_agg(o.org_id ORDER BY o.org_id) FILTER (WHERE coalesce(o.account, v.account) IS NULL) AS account,
           array_agg(o.org_id ORDER BY o.org_id) FILTER (WHERE coalesce(o.service, o.number) IS NULL AND NOT v.has_sender) AS sender,
           array_agg(o.org_id ORDER BY o.org_id) FILTER (WHERE o.account !~ '^AC[0-9a-fA-F]{32}$' OR o.service !~ '^MG[0-9a-fA-F]{32}$') AS sids,
           array_agg(o.org_id ORDER BY o.org_id) FILTER (WHERE o.own IS NOT TRUE AND o.account <> coalesce(v.account, '')) AS own_token,
           array_agg(o.org_id ORDER BY o.org_id) FILTER (WHERE NOT o.has_zone) AS zone
      FROM org o CROSS JOIN server v)
  SELECT 'accounts', v.matters, 'enabled orgs without a Twilio account: ' || @extschema@.sms_list_orgs(w.account),
         'Fill sms_settings.twilio_account_sid and twilio_auth_token_encrypted, or set coach_sms.twilio_account_sid for all.' FROM server v, without w
  UNION ALL
  SELECT 'senders', v.matters, 'enabled orgs without a sender: ' || @extschema@.sms_list_orgs(w.sender),
         'Fill sms_settings.twilio_phone_number or twilio_messaging_service_sid, or set coach_sms.twilio_phone_number for all.' FROM server v, without w
  UNION ALL
  SELECT 'sids', v.matters, 'orgs with a malformed SID: ' || @extschema@.sms_list_orgs(w.sids),
         'twilio_account_sid is AC and 32 hex digits, twilio_messaging_service_sid MG and 32 hex digits.' FROM server v, without w
  UNION ALL
  SELECT 'zones', true, 'orgs whose time zone this server does not know: ' || @extschema@.sms_list_orgs(w.zone),
         'Set sms_settings.timezone to a name in pg_timezone_names, or install the time zones that are missing (on Debian tzdata-legacy); they count as UTC meanwhile.' FROM without w
  UNION ALL
  SELECT 'budgets', true, 'orgs whose monthly_budget_segments is used up, and whose messages wait: '
           || @extschema@.sms_list_orgs((SELECT array_agg(q.org_id ORDER BY q.org_id) FROM @extschema@.sms_queue_stat q WHERE q.held_by LIKE 'monthly\_budget\_segments%')),
         'Cancel what should not go, or raise the budget; else it goes when the next month begins, if it fits the budget at all.'
  UNION ALL
  SELECT 'server_account', v.matters, CASE WHEN v.account !~ '^AC[0-9a-fA-F]{32}$' THEN 'coach_sms.twilio_account_sid (or TWILIO_ACCOUNT_SID) is malformed' END,
         'It is AC and 32 hex digits.' FROM server v
  UNION ALL
  SELECT 'own_tokens', v.matters, 'orgs with an account of their own, but no token: ' || @extschema@.sms_list_orgs(w.own_token),
         'Write the account''s auth token into sms_settings.twilio_auth_token_encrypted: the server''s token does not fit another account.' FROM server v, without w
  UNION ALL
  SELECT 'tokens', v.matters, (SELECT string_agg(concat_ws(': ', t.org_id::text, t.problem), '; ')
                                 FROM (SELECT * FROM token WHERE problem IS NOT NULL ORDER BY token.org_id LIMIT 5) t),
         (SELECT min(t.what_to_do) FROM token t WHERE t.problem IS NOT NULL) FROM server v
$$;
REVOKE ALL ON FUNCTION sms_check_orgs() FROM PUBLIC;
COMMENT ON FUNCTION sms_check_orgs() IS 'Internal: sms_doctor''s checks of accounts, senders and tokens.';

CREATE FUNCTION sms_check_queue() RETURNS TABLE (check_name text, matters boolean, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH server AS MATERIALIZED (SELECT m.mode, @extschema@.sms_is_subscriber() AS is_subscriber,
           EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srrelid = '@extschema@.sms_messages'::regclass) AS brings_messages FROM @extschema@.sms_mode() m),
  found AS MATERIALIZED (
    SELECT (SELECT count(*) FROM @extschema@.sms_messages m, server v
             WHERE m.status IN ('pending', 'queued') AND m.sandbox = (v.mode = 'sandbox') AND v.mode <> 'not armed' AND NOT v.is_subscriber
               AND NOT EXISTS (SELECT FROM @extschema@.sms_queue q WHERE q.message_id = m.id)) AS unqueued,
           (SELECT count(*) FROM @extschema@.sms_messages m, server v
             WHERE m.status IN ('pending', 'queued') AND NOT m.sandbox AND v.mode <> 'live' AND NOT v.is_subscriber) AS kept,
           (SELECT count(*) FROM @extschema@.sms_queue q
             WHERE NOT EXISTS (SELECT FROM @extschema@.sms_messages m WHERE m.id = q.message_id)) AS orphans,
           (SELECT count(*) FROM @extschema@.sms_in_flight f
             WHERE f.state = 'unknown'
               AND f.lease_until < now() - current_setting('coach_sms.reconcile_limit')::interval - interval '5 minutes') AS unknown,
           s.holder, s.since
      FROM @extschema@.sms_oldest_snapshot() s)
  SELECT 'queue', true, CASE WHEN unqueued > 0 THEN format('messages that wait without a row in sms_queue: %s', unqueued) END,
         format('Call %s() again: it repairs the queue.', CASE WHEN v.mode = 'sandbox' THEN 'sms_go_sandbox' ELSE 'sms_go_live' END) FROM found, server v
  UNION ALL
  SELECT 'live_messages', v.mode = 'live', CASE WHEN kept > 0 THEN format('live messages that wait for sms_go_live(): %s', kept) END,
         'Nothing of theirs is sent before sms_go_live(); cancel what should never go.' FROM found, server v
  UNION ALL
  SELECT 'subscription', v.is_subscriber AND NOT v.brings_messages,
         CASE WHEN v.is_subscriber AND v.brings_messages THEN 'messages come from another server by a subscription, and that server sends them'
              WHEN v.is_subscriber THEN 'a subscription has not told which tables it brings: until it has, nothing that waits is queued anew' END,
         CASE WHEN v.brings_messages THEN 'Nothing. Where this server is to take over: DROP SUBSCRIPTION, then sms_go_live().'
              ELSE 'ALTER SUBSCRIPTION … REFRESH PUBLICATION, or DROP SUBSCRIPTION; then sms_go_live().' END FROM server v
  UNION ALL
  SELECT 'queue_orphans', true, CASE WHEN orphans > 0 THEN format('rows of sms_queue without a message: %s', orphans) END,
         'They are harmless; as a superuser, delete them from sms_queue.' FROM found
  UNION ALL
  SELECT 'unknown', true, CASE WHEN unknown > 0 THEN format('messages of which it is still unknown whether Twilio took them: %s', unknown) END,
         'Twilio''s list of messages cannot be read: see sms_why() for one of them, and the account''s credentials.' FROM found
  UNION ALL
  SELECT 'snapshot', true, CASE WHEN since < now() - interval '1 hour' THEN format('%s has been open since %s and keeps dead rows of the queue', holder, since) END,
         'End it (pg_terminate_backend, or ROLLBACK PREPARED): claims slow down while it lasts.' FROM found
$$;
REVOKE ALL ON FUNCTION sms_check_queue() FROM PUBLIC;
COMMENT ON FUNCTION sms_check_queue() IS 'Internal: sms_doctor''s checks of the queue.';

CREATE FUNCTION sms_check_rights() RETURNS TABLE (check_name text, matters boolean, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH owner AS (SELECT * FROM pg_roles WHERE rolname = 'coach_sms_owner'),
  own AS (
    SELECT d.classid, d.objid FROM pg_depend d
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
       AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'coach_sms')),
  strange AS (
    SELECT p.oid::regprocedure::text AS name FROM own JOIN pg_proc p ON own.classid = 'pg_proc'::regclass AND p.oid = own.objid
     WHERE p.proowner <> (SELECT oid FROM owner)
    UNION ALL
    SELECT c.oid::regclass::text FROM own JOIN pg_class c ON own.classid = 'pg_class'::regclass AND c.oid = own.objid
     WHERE c.relowner <> (SELECT oid FROM owner) AND c.oid <> '@extschema@.sms_bookings_source'::regclass
    UNION ALL
    SELECT t.oid::regtype::text FROM own JOIN pg_type t ON own.classid = 'pg_type'::regclass AND t.oid = own.objid
     WHERE t.typowner <> (SELECT oid FROM owner)),
  -- What no kind of role has and GRANT ALL gives: functions of ours alone; TRUNCATE, which asks no policy; TRIGGER, whose
  -- function would run as coach_sms_owner.
  excess AS (
    SELECT a.grantee FROM @extschema@.sms_own_functions(NULL) f JOIN pg_proc p ON p.oid = f
     CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     WHERE a.grantee <> p.proowner AND f NOT IN (SELECT k FROM @extschema@.sms_functions_of_kinds('{tenant,service,operator}') k)
    UNION
    SELECT a.grantee FROM @extschema@.sms_own_relations('{r,v}') r JOIN pg_class c ON c.oid = r CROSS JOIN aclexplode(c.relacl) a
     WHERE a.grantee <> c.relowner AND a.privilege_type IN ('TRUNCATE', 'TRIGGER'))
  SELECT 'owner_role', true,
         CASE WHEN o.rolsuper OR o.rolcanlogin OR o.rolcreaterole OR o.rolcreatedb OR o.rolbypassrls OR o.rolreplication
                THEN 'role coach_sms_owner may do more than it needs'
              WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = o.oid) THEN 'role coach_sms_owner has members: they can read every token and write every status'
              WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.member = o.oid) THEN 'role coach_sms_owner is a member of other roles' END,
         'ALTER ROLE coach_sms_owner NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION, and revoke its memberships.' FROM owner o
  UNION ALL
  SELECT 'ownership', true,
         'objects of the extension that do not belong to coach_sms_owner: ' || (SELECT string_agg(name, ', ' ORDER BY name) FROM strange),
         'ALTER … OWNER TO coach_sms_owner for each of them.'
  UNION ALL
  SELECT 'grants', true,
         'roles that may do more than any grant of ours gives: '
           || (SELECT string_agg(CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END, ', ' ORDER BY e.grantee) FROM excess e),
         'GRANT ALL ON ALL … IN SCHEMA does that. SELECT sms_revoke_tenant(role), sms_revoke_service(role), sms_revoke_operator(role) takes everything; then grant again what the role should be.'
  UNION ALL
  SELECT 'bookings_source', true,
         CASE WHEN NOT r.rolsuper THEN 'sms_bookings_source belongs to ' || r.rolname || ', who can thereby read other people''s tables' END,
         'ALTER TABLE sms_bookings_source OWNER TO a superuser.'
    FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = '@extschema@.sms_bookings_source'::regclass
  UNION ALL
  SELECT 'bookings', true, @extschema@.sms_bookings_problem(),
         'Mend the view, or give the owner of the bookings the rights it needs; after a change of names call sms_attach_bookings() again.'
$$;
REVOKE ALL ON FUNCTION sms_check_rights() FROM PUBLIC;
COMMENT ON FUNCTION sms_check_rights() IS 'Internal: sms_doctor''s checks of who owns what.';

-- A function that takes its names from whoever asks can be made to say anything by them.
CREATE FUNCTION sms_check_tenancy() RETURNS TABLE (check_name text, matters boolean, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH found AS (
    SELECT nullif(current_setting('coach_sms.tenancy_function', true), '') AS name, nullif(current_setting('coach_sms.jwt_authenticators', true), '') AS authenticators,
           EXISTS (SELECT FROM @extschema@.sms_roles() r WHERE r.kind = 'tenant') AS has_tenants)
  SELECT 'row_security', true,
         (SELECT 'row-level security is off for ' || string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text)
            FROM @extschema@.sms_own_relations('{r}') own JOIN pg_class c ON c.oid = own
           WHERE NOT c.relrowsecurity AND c.oid <> '@extschema@.sms_bookings_source'::regclass),
         'ALTER TABLE … ENABLE ROW LEVEL SECURITY for each of them.'
  UNION ALL
  SELECT 'policies', true,
         (SELECT 'policies are not those of the roles that were granted: ' || string_agg(l.kind || ' on ' || l.relation, ', ' ORDER BY l.kind, l.relation)
            FROM @extschema@.sms_lost_policies() l),
         'A dump carries no policies of extensions: sms_go_live() or sms_go_sandbox() makes them, and so does granting again.'
  UNION ALL
  SELECT 'tenancy', true,
         CASE WHEN NOT f.has_tenants THEN NULL
              WHEN f.name IS NULL AND f.authenticators IS NULL THEN 'roles were granted as tenants, and nothing says which orgs they belong to: they see none'
              WHEN f.name IS NOT NULL AND p.oid IS NULL THEN format('coach_sms.tenancy_function "%s" does not exist', f.name)
              WHEN f.name IS NOT NULL AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%')
                THEN format('coach_sms.tenancy_function "%s" looks names up in the search_path of whoever asks, who could put tables of their own before yours', f.name) END,
         CASE WHEN p.oid IS NOT NULL THEN format('ALTER FUNCTION %s SET search_path = '''', and qualify the names in it.', p.oid::regprocedure)
              ELSE 'Set coach_sms.tenancy_function to a function as in public.is_org_member(uuid), or coach_sms.jwt_authenticators to the role that PostgREST connects as.' END
    FROM found f LEFT JOIN pg_proc p ON p.oid = to_regprocedure(f.name)
$$;
REVOKE ALL ON FUNCTION sms_check_tenancy() FROM PUBLIC;
COMMENT ON FUNCTION sms_check_tenancy() IS 'Internal: sms_doctor''s checks of who sees what.';

CREATE FUNCTION sms_doctor(OUT check_name text, OUT ok boolean, OUT problem text, OUT what_to_do text)
  RETURNS SETOF record
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.check_name, c.problem IS NULL OR NOT c.matters, c.problem, CASE WHEN c.problem IS NOT NULL THEN c.what_to_do END
    FROM (SELECT 1 AS part, * FROM @extschema@.sms_check_processes()
          UNION ALL SELECT 2, * FROM @extschema@.sms_check_arming()
          UNION ALL SELECT 3, * FROM @extschema@.sms_check_orgs()
          UNION ALL SELECT 4, * FROM @extschema@.sms_check_queue()
          UNION ALL SELECT 5, * FROM @extschema@.sms_check_rights()
          UNION ALL SELECT 6, * FROM @extschema@.sms_check_tenancy()) c
   ORDER BY c.part
$$;
REVOKE ALL ON FUNCTION sms_doctor() FROM PUBLIC;
COMMENT ON FUNCTION sms_doctor() IS
'One row for each thing that sending needs: ok, or the problem and what to do. In the sandbox, what only live sending needs is ok even where it is missing, and told all the same. Reads all messages: for people, not for alarms (those read sms_health).';
-- sms_why(message_id): what happened to a message, and what it waits for.

CREATE FUNCTION sms_why_waiting(message_id uuid) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
           WHEN m.sandbox AND v.mode = 'live' THEN 'it was enqueued in the sandbox, and is never sent live'
           WHEN NOT m.sandbox AND v.mode = 'sandbox' THEN 'it is a live message, and the database is in the sandbox; sms_go_live() sends it'
           WHEN v.mode = 'not armed' THEN concat_ws(': ', 'this server is not armed for this database', CASE WHEN c.may_know THEN v.reason END)
           WHEN q.message_id IS NULL THEN 'it has no row in sms_queue; sms_doctor() says how to repair that'
           WHEN m.expires_at <= now() THEN 'it has expired, and will be cancelled'
           WHEN q.held_for = 'client_daily_limit' AND q.due_at > now() THEN format('its client has had max_sms_per_client_per_day (%s); there is room at %s', s.max_sms_per_client_per_day, q.due_at)
           WHEN q.due_at > now() AND q.failures > 0 THEN format('its next attempt is due at %s (attempts used up: %s of %s)', q.due_at, q.failures, current_setting('coach_sms.max_attempts'))
           WHEN q.due_at > now() THEN format('it is due at %s', q.due_at)
           WHEN s.org_id IS NULL THEN 'its org has no row in sms_settings any more'
           WHEN NOT s.enabled THEN 'its org is disabled (sms_settings.enabled)'
           WHEN greatest(s.paused_until, p.paused_until) > now() THEN format('sending is paused until %s', greatest(s.paused_until, p.paused_until))
           WHEN r.why_held IS NOT NULL THEN r.why_held
           WHEN h.problem IS NOT NULL AND NOT c.may_know THEN 'the server does not send at the moment; sms_doctor() tells whoever runs it why'
           WHEN h.problem IS NOT NULL THEN h.problem
           ELSE 'it is due, and the sender takes it next'
         END
    FROM @extschema@.sms_messages m
    CROSS JOIN @extschema@.sms_mode() v
    CROSS JOIN (SELECT max(r.paused_until) AS paused_until FROM @extschema@.sms_server r) p
    CROSS JOIN (SELECT e.problem FROM @extschema@.sms_health e) h
    CROSS JOIN (SELECT @extschema@.sms_may_act_for(NULL)) c (may_know)
    LEFT JOIN @extschema@.sms_queue q ON q.message_id = m.id
    LEFT JOIN @extschema@.sms_settings s ON s.org_id = m.org_id
    LEFT JOIN LATERAL (SELECT @extschema@.sms_why_held(m.org_id, q.zone) AS why_held) r ON true
   WHERE m.id = $1
$$;
REVOKE ALL ON FUNCTION sms_why_waiting(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_why_waiting(uuid) IS 'Internal: why a pending or queued message has not gone out yet.';

CREATE FUNCTION sms_reason(error_code text, error_message text) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(concat_ws(': ', error_code, nullif(error_message, '')), '')
$$;
REVOKE ALL ON FUNCTION sms_reason(text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_reason(text, text) IS 'Internal: an error in one line.';

CREATE FUNCTION sms_why_past(message_id uuid) RETURNS TABLE (at timestamptz, step integer, what text, detail text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.created_at, 1, 'enqueued',
         format('to %s, %s, %s segment(s) in %s%s', m.to_phone, coalesce('template ' || m.template_key, 'a text of its own'), m.segments, m.encoding,
                CASE WHEN m.sandbox THEN ', in the sandbox' ELSE '' END)
    FROM @extschema@.sms_messages m WHERE m.id = $1
  UNION ALL
  SELECT m.created_at, 2, 'scheduled', concat_ws(', ', format('not before %s', m.scheduled_for), 'not after ' || m.expires_at)
    FROM @extschema@.sms_messages m WHERE m.id = $1 AND (m.scheduled_for > m.created_at OR m.expires_at IS NOT NULL)
  UNION ALL
  SELECT a.created_at, 3, format('attempt %s', a.attempt_number),
         CASE a.status
           WHEN 'success' THEN format('%s took it as %s', CASE a.provider WHEN 'sandbox' THEN 'the sandbox' ELSE 'Twilio' END, a.provider_message_id)
           WHEN 'permanent_error' THEN 'refused for good: ' || @extschema@.sms_reason(a.error_code, a.error_message)
           WHEN 'transient_error' THEN 'not taken: ' || @extschema@.sms_reason(a.error_code, a.error_message)
           ELSE 'no clear answer: ' || @extschema@.sms_reason(a.error_code, a.error_message) END
         || coalesce(' (HTTP ' || a.response_status || ')', '') || coalesce(', ' || a.duration_ms || ' ms', '')
    FROM @extschema@.sms_attempts a WHERE a.message_id = $1
  UNION ALL
  SELECT f.claimed_at, 3, format('attempt %s', f.attempt_number),
         CASE f.state
           WHEN 'unknown' THEN 'no clear answer: ' || @extschema@.sms_reason(f.settlement->>'error_code', f.settlement->>'error_message')
           ELSE format('claimed by the sender until %s', f.lease_until) END
    FROM @extschema@.sms_in_flight f WHERE f.message_id = $1
  UNION ALL
  SELECT e.received_at, 4, CASE e.event_type WHEN 'fetch' THEN format('%s was asked', e.provider) ELSE format('%s said', e.provider) END,
         concat_ws(', ', e.event_status, nullif(@extschema@.sms_reason(e.error_code, e.error_message), ''),
                   CASE WHEN e.processed_at IS NULL THEN 'not applied yet' END)
    FROM @extschema@.sms_events e WHERE e.message_id = $1
$$;
REVOKE ALL ON FUNCTION sms_why_past(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_why_past(uuid) IS 'Internal: what happened to a message.';

CREATE FUNCTION sms_why_now(message_id uuid) RETURNS TABLE (at timestamptz, step integer, what text, detail text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE m.status WHEN 'delivered' THEN m.delivered_at WHEN 'failed' THEN m.failed_at WHEN 'cancelled' THEN m.updated_at ELSE now() END,
         5,
         CASE WHEN m.status IN ('delivered', 'failed', 'cancelled') THEN m.status ELSE 'now ' || m.status END,
         CASE m.status
           WHEN 'delivered' THEN CASE WHEN m.sandbox THEN 'the sandbox says so' ELSE 'the carrier says so' END
           WHEN 'failed' THEN @extschema@.sms_reason(m.error_code, m.error_message)
           WHEN 'cancelled' THEN @extschema@.sms_reason(m.error_code, m.error_message)
           WHEN 'sent' THEN 'waits for the carrier''s receipt; some carriers send none'
           WHEN 'sending' THEN 'waits for Twilio''s answer'
           WHEN 'unknown' THEN format('waits for a callback, or for a look at Twilio''s list at %s (seen absent %s times)', f.next_look_at, f.looks)
           ELSE 'waits: ' || @extschema@.sms_why_waiting(m.id) END
    FROM @extschema@.sms_messages m LEFT JOIN @extschema@.sms_in_flight f ON f.message_id = m.id
   WHERE m.id = $1
$$;
REVOKE ALL ON FUNCTION sms_why_now(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_why_now(uuid) IS 'Internal: how a message stands.';

CREATE FUNCTION sms_why_as_owner(message_id uuid) RETURNS TABLE (at timestamptz, what text, detail text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_require_message(message_id);
  RETURN QUERY
    SELECT w.at, w.what, w.detail
      FROM (SELECT * FROM @extschema@.sms_why_past(sms_why_as_owner.message_id)
            UNION ALL SELECT * FROM @extschema@.sms_why_now(sms_why_as_owner.message_id)) w
     ORDER BY w.step = 5, w.at, w.step, w.what;
END
$$;
REVOKE ALL ON FUNCTION sms_why_as_owner(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_why_as_owner(uuid) IS
'Internal: sms_why(), once its caller is coach_sms_owner.';
-- sms_explain(booking_id): which texts a booking had, will have and will not have, and why.

-- What would keep a text from being queued, were it due now.
CREATE FUNCTION sms_booking_obstacle(booking sms_booking) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN NOT booking.has_client THEN @extschema@.sms_reason_in_words('no_client', NULL)
              WHEN coalesce(booking.phone !~ '[^[:space:]]', true) THEN @extschema@.sms_reason_in_words('no_phone', NULL)
              WHEN n.number IS NULL THEN format('invalid phone number "%s"', booking.phone)
              WHEN @extschema@.is_phone_suppressed(booking.org_id, n.number) THEN format('%s is suppressed', n.number) END
    FROM (SELECT @extschema@.sms_phone_or_null(booking.phone, @extschema@.sms_org_region(booking.org_id))) n (number)
$$;
REVOKE ALL ON FUNCTION sms_booking_obstacle(sms_booking) FROM PUBLIC;
COMMENT ON FUNCTION sms_booking_obstacle(sms_booking) IS 'Internal: why a booking''s client cannot be texted as things stand; NULL where they can.';

CREATE FUNCTION sms_verdict_in_words(
  verdict text, type text, obstacle text, due_at timestamptz, opens_at timestamptz, expires_at timestamptz, try_until timestamptz, reason text, detail text, zone text)
  RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE verdict
    WHEN 'later' THEN CASE
      WHEN obstacle IS NOT NULL THEN format('is due on %s, and could not go out today: %s', @extschema@.sms_local_time(due_at, zone), obstacle)
      WHEN opens_at >= expires_at THEN format('is due on %s, and will not go out: quiet hours last until %s', @extschema@.sms_local_time(due_at, zone),
                                              @extschema@.sms_local_time(opens_at, zone))
      WHEN opens_at > due_at THEN format('is due on %s, and goes out once quiet hours end, on %s', @extschema@.sms_local_time(due_at, zone),
                                         @extschema@.sms_local_time(opens_at, zone))
      ELSE 'goes out on ' || @extschema@.sms_local_time(due_at, zone) END
    WHEN 'due' THEN CASE WHEN coalesce(detail, reason) IS NULL THEN 'is due, and made within a minute'
      ELSE format('could not be made: %s; it is tried again each minute until %s', coalesce(detail, reason), @extschema@.sms_local_time(coalesce(try_until, expires_at), zone)) END
    WHEN 'not_completed' THEN CASE WHEN expires_at > now() THEN 'is due on ' || @extschema@.sms_local_time(due_at, zone) || ', once the session is completed'
                                   ELSE 'was not sent: the session was not completed' END
    WHEN 'too_late' THEN coalesce('was not sent: ' || coalesce(detail, @extschema@.sms_reason_in_words(reason, type)),
                                  CASE type WHEN 'feedback' THEN 'was due more than three days ago' ELSE 'is not sent any more: the session has started' END)
    ELSE 'is not sent: ' || coalesce(CASE WHEN verdict = reason THEN detail END, @extschema@.sms_reason_in_words(verdict, type))
  END
$$;
REVOKE ALL ON FUNCTION sms_verdict_in_words(text, text, text, timestamptz, timestamptz, timestamptz, timestamptz, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_verdict_in_words(text, text, text, timestamptz, timestamptz, timestamptz, timestamptz, text, text, text) IS
'Internal: how it stands with a text that has no message.';

CREATE FUNCTION sms_message_in_words(message sms_messages, zone text) RETURNS text
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE message.status
    WHEN 'sending' THEN 'is being handed to Twilio'
    WHEN 'sent' THEN 'was handed to Twilio on ' || @extschema@.sms_local_time(message.sent_at, zone)
    WHEN 'delivered' THEN 'was delivered on ' || @extschema@.sms_local_time(message.delivered_at, zone)
    WHEN 'failed' THEN format('failed on %s: %s', @extschema@.sms_local_time(message.failed_at, zone),
                              @extschema@.sms_reason(message.error_code, message.error_message))
    WHEN 'cancelled' THEN format('was cancelled on %s: %s', @extschema@.sms_local_time(message.updated_at, zone),
                                 coalesce(nullif(message.error_message, ''), message.error_code))
    WHEN 'unknown' THEN 'may have been sent; it is being found out'
    ELSE 'waits: ' || @extschema@.sms_why_waiting(message.id) END
$$;
REVOKE ALL ON FUNCTION sms_message_in_words(sms_messages, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_message_in_words(sms_messages, text) IS 'Internal: how it stands with a message.';

-- TimeZone is set here so that what others write of times is the org's time too; it is the session's again afterwards.
CREATE FUNCTION sms_explain_texts(booking_id uuid, org_ids uuid[], known sms_booking[], zone text)
  RETURNS TABLE (type text, label text, due_at timestamptz, status text, message_id uuid, explanation text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM set_config('TimeZone', zone, true);
  RETURN QUERY
    WITH outlook AS MATERIALIZED (SELECT * FROM @extschema@.sms_booking_outlook(known))
    SELECT coalesce(t.type, m.metadata->>'booking_text', 'message'), coalesce(o.label, m.metadata->>'booking_text', m.template_key),
           m.scheduled_for, m.status, m.id,
           CASE WHEN o.is_stale THEN 'is withdrawn before it leaves: the rules have changed' ELSE @extschema@.sms_message_in_words(m, zone) END
      FROM @extschema@.sms_messages m
      LEFT JOIN @extschema@.sms_booking_texts t ON t.message_id = m.id
      LEFT JOIN outlook o ON o.type = t.type AND o.schedule_id = t.schedule_id
     WHERE m.org_id = ANY (org_ids) AND m.related_entity_id = sms_explain_texts.booking_id AND m.related_entity_type = 'booking'
    UNION ALL
    SELECT t.type, coalesce(o.label, t.type),
           CASE t.type WHEN 'reminder' THEN CASE WHEN t.session_start = o.start_time THEN o.due_at END
                       WHEN 'feedback' THEN CASE WHEN t.session_end = o.end_time THEN o.due_at END END, 'gone', t.message_id,
           'was made; its message is gone: retention_days pruned it, or somebody deleted it'
      FROM @extschema@.sms_booking_texts t
      LEFT JOIN outlook o ON o.type = t.type AND o.schedule_id = t.schedule_id
     WHERE t.booking_id = sms_explain_texts.booking_id AND t.org_id = ANY (org_ids)
       AND t.message_id IS NOT NULL AND NOT EXISTS (SELECT FROM @extschema@.sms_messages m WHERE m.id = t.message_id)
    UNION ALL
    SELECT o.type, o.label, CASE WHEN o.type <> 'confirmation' THEN o.due_at END,
           CASE WHEN o.verdict = 'later' OR o.verdict = 'due' AND t.reason IS NULL OR o.verdict = 'not_completed' AND o.expires_at > now() THEN 'planned' ELSE 'skipped' END, NULL,
           @extschema@.sms_verdict_in_words(o.verdict, o.type, @extschema@.sms_booking_obstacle(known[1]), o.due_at, @extschema@.sms_opens_at(o.org_id, o.due_at), o.expires_at, t.try_until, t.reason, t.detail, zone)
      FROM outlook o
      LEFT JOIN @extschema@.sms_booking_texts t ON t.booking_id = o.booking_id AND t.type = o.type AND t.schedule_id = o.schedule_id
     WHERE o.verdict NOT IN ('made', 'under_way') AND (t.message_id IS NULL OR o.verdict IN ('later', 'due'))
     ORDER BY 3 NULLS FIRST, 5, 1;
END
$$;
REVOKE ALL ON FUNCTION sms_explain_texts(uuid, uuid[], sms_booking[], text) FROM PUBLIC;
COMMENT ON FUNCTION sms_explain_texts(uuid, uuid[], sms_booking[], text) IS 'Internal: messages and outlook of a booking, in the time of its org.';

CREATE FUNCTION sms_explain_as_owner(booking_id uuid)
  RETURNS TABLE (type text, label text, due_at timestamptz, status text, message_id uuid, explanation text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known @extschema@.sms_booking[] := '{}';
  org_ids uuid[];
  zone text;
  state text := 'gone';
  problem text;
BEGIN
  BEGIN
    known := ARRAY(SELECT b FROM @extschema@.sms_read_bookings(ARRAY[booking_id]) b WHERE @extschema@.sms_may_act_for(b.org_id) LIMIT 1);
    problem := CASE WHEN known <> '{}' THEN NULL
                    WHEN EXISTS (SELECT FROM @extschema@.sms_bookings_source) THEN 'the booking is not there any more, and nothing is sent for it'
                    ELSE 'no bookings are attached any more; what waits goes out all the same' END;
  EXCEPTION WHEN OTHERS THEN
    state := 'unreadable';
    problem := 'the booking cannot be read: ' || SQLERRM;
  END;
  org_ids := ARRAY(SELECT o.org_id
                     FROM (SELECT t.org_id FROM @extschema@.sms_booking_texts t WHERE t.booking_id = sms_explain_as_owner.booking_id
                           UNION SELECT k.org_id FROM unnest(known) k) o
                    WHERE @extschema@.sms_may_act_for(o.org_id));
  IF org_ids = '{}' THEN
    RAISE EXCEPTION 'unknown booking %', coalesce(booking_id::text, 'NULL')
      USING ERRCODE = 'SM012', DETAIL = CASE WHEN state = 'gone' OR NOT @extschema@.sms_may_act_for(NULL) THEN 'It is not among the attached bookings, and nothing is known of it.' ELSE problem END, HINT = 'Give the id of a row of the attached bookings.';
  END IF;
  zone := @extschema@.sms_known_zone((SELECT s.timezone FROM @extschema@.sms_settings s WHERE s.org_id = ANY (org_ids) LIMIT 1));
  IF problem IS NOT NULL THEN
    RETURN QUERY SELECT 'booking', NULL::text, NULL::timestamptz, state, NULL::uuid, problem;
    RETURN QUERY SELECT t.type, t.type, NULL::timestamptz, 'skipped', NULL::uuid, 'was not sent: ' || coalesce(t.detail, @extschema@.sms_reason_in_words(t.reason, t.type))
                   FROM @extschema@.sms_booking_texts t
                  WHERE t.booking_id = sms_explain_as_owner.booking_id AND t.org_id = ANY (org_ids) AND t.message_id IS NULL ORDER BY 1;
  END IF;
  RETURN QUERY SELECT * FROM @extschema@.sms_explain_texts(booking_id, org_ids, known, zone);
END
$$;
REVOKE ALL ON FUNCTION sms_explain_as_owner(uuid) FROM PUBLIC;
COMMENT ON FUNCTION sms_explain_as_owner(uuid) IS
'Internal: sms_explain(), once its caller is coach_sms_owner.';
-- Money: what Twilio charged as far as it has told, and what the rest comes to by the org's own price.

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_cost WITH (security_barrier) AS
  WITH counted AS (
    SELECT org_id, month, currency, count(*) AS messages, sum(segments) AS segments, sum(price) AS price,
           coalesce(sum(segments) FILTER (WHERE price IS NULL), 0) AS segments_without_price
      FROM @extschema@.sms_charges WHERE provider = 'twilio' GROUP BY org_id, month, currency
    UNION ALL
    SELECT org_id, month, currency, messages, segments, price, segments_without_price
      FROM @extschema@.sms_usage WHERE provider = 'twilio'),
  total AS (
    SELECT org_id, month, currency, sum(messages)::bigint AS messages, sum(segments)::bigint AS segments, sum(price) AS price,
           sum(segments_without_price)::bigint AS segments_without_price
      FROM counted GROUP BY org_id, month, currency)
  SELECT t.org_id, t.month, nullif(t.currency, '') AS currency, t.messages, t.segments, t.price, t.segments_without_price,
         CASE WHEN t.segments_without_price = 0 THEN t.price
              WHEN t.currency = coalesce(s.currency, '') THEN coalesce(t.price, 0) + t.segments_without_price * s.price_per_segment END AS cost
    FROM total t LEFT JOIN @extschema@.sms_settings s ON s.org_id = t.org_id
   WHERE (SELECT @extschema@.sms_acts_for_all()) OR t.org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_cost IS 'What was handed to Twilio and what it cost, one row an org, month and currency, pruned messages included; the sandbox is not in it. Fast for one org: WHERE org_id = ...';
COMMENT ON COLUMN sms_cost.org_id IS 'The org.';
COMMENT ON COLUMN sms_cost.month IS 'First day of the calendar month, in the org''s time zone.';
COMMENT ON COLUMN sms_cost.currency IS 'ISO 4217 code: Twilio''s, or sms_settings.currency where Twilio has told no price; NULL where neither is known.';
COMMENT ON COLUMN sms_cost.messages IS 'Requests that Twilio took, or may have taken.';
COMMENT ON COLUMN sms_cost.segments IS 'Their segments, as monthly_budget_segments counts them.';
COMMENT ON COLUMN sms_cost.price IS 'What Twilio charged, as far as it has told (coach_sms.fetch_prices); NULL where it has told nothing.';
COMMENT ON COLUMN sms_cost.segments_without_price IS 'Segments of those whose price is not known.';
COMMENT ON COLUMN sms_cost.cost IS 'price, and sms_settings.price_per_segment for each segment without one; NULL where that is not set.';
REVOKE ALL ON sms_cost FROM PUBLIC;
-- What is ours.

CREATE FUNCTION sms_own_functions(names text[]) RETURNS SETOF regprocedure
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.oid::regprocedure
    FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
   WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
     AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'coach_sms')
     AND (names IS NULL OR p.proname = ANY (names))
   ORDER BY 1
$$;
REVOKE ALL ON FUNCTION sms_own_functions(text[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_own_functions(text[]) IS 'Internal: functions of this extension by name; NULL for all.';

CREATE FUNCTION sms_own_relations(kinds "char"[]) RETURNS SETOF regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass
    FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
   WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid = 'pg_class'::regclass
     AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'coach_sms')
     AND c.relkind = ANY (kinds)
   ORDER BY 1
$$;
REVOKE ALL ON FUNCTION sms_own_relations("char"[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_own_relations("char"[]) IS 'Internal: relations of this extension by kind: r tables, v views.';
-- Who may do what: tenants (the people of orgs), the application's backend (all orgs), operators (who watch). A role may
-- be of several kinds. Each kind has one policy, of its name, on every table it may see.

CREATE FUNCTION sms_policies() RETURNS TABLE (kind text, relation text, command text, condition text, check_condition text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'service', t, 'ALL', 'true', 'true'
    FROM unnest(ARRAY['sms_settings', 'sms_templates', 'sms_schedules', 'sms_suppression',
                      'sms_messages', 'sms_attempts', 'sms_events', 'sms_booking_texts']) t
  UNION ALL
  SELECT 'tenant', t.relation, t.command, 'org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[])', t.check_condition
    FROM (VALUES ('sms_settings', 'ALL', '@extschema@.sms_is_my_org(org_id)'), ('sms_templates', 'ALL', NULL), ('sms_schedules', 'ALL', NULL),
                 ('sms_suppression', 'SELECT', NULL), ('sms_messages', 'SELECT', NULL), ('sms_attempts', 'SELECT', NULL),
                 ('sms_events', 'SELECT', NULL), ('sms_booking_texts', 'SELECT', NULL)) t (relation, command, check_condition)
  UNION ALL
  SELECT 'operator', 'sms_settings', 'SELECT', 'true', NULL
$$;
REVOKE ALL ON FUNCTION sms_policies() FROM PUBLIC;
COMMENT ON FUNCTION sms_policies() IS 'Internal: the policies that each kind of role has. The orgs are listed once a statement, so that an index on org_id serves.';

CREATE FUNCTION sms_rights() RETURNS TABLE (kind text, privileges text, relation text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES
    ('service', 'SELECT, INSERT, UPDATE, DELETE', 'sms_settings'), ('service', 'SELECT, INSERT, UPDATE, DELETE', 'sms_templates'),
    ('service', 'SELECT, INSERT, UPDATE, DELETE', 'sms_suppression'), ('service', 'SELECT, INSERT, UPDATE, DELETE', 'sms_schedules'),
    ('service', 'SELECT, UPDATE (status, metadata), INSERT (id, org_id, client_id, to_phone, from_phone, template_id, template_key, body, variables,'
                ' related_entity_type, related_entity_id, status, scheduled_for, expires_at, idempotency_key, priority, metadata)', 'sms_messages'),
    ('service', 'SELECT', 'sms_attempts'), ('service', 'SELECT', 'sms_events'), ('service', 'SELECT', 'sms_booking_texts'),
    ('service', 'SELECT', 'sms_worker_stat'), ('service', 'SELECT', 'sms_queue_stat'), ('service', 'SELECT', 'sms_delivery_stats'),
    ('service', 'SELECT', 'sms_health'), ('service', 'SELECT', 'sms_cost'),
    -- An account, its token and its senders are not a tenant's to choose: where orgs share an account, one could write
    -- in another's name. Nor are ids, by whose being taken already it could learn of others' rows.
    ('tenant', format('SELECT (%1$s, %2$s, %3$s), INSERT (org_id, %3$s), UPDATE (%3$s)',
       'org_id, twilio_account_sid, twilio_messaging_service_sid, twilio_phone_number',
       'monthly_budget_segments, max_segments_per_second, paused_until, created_at, updated_at',
       'enabled, send_booking_confirmations, send_session_reminders, send_feedback_requests, reminder_hours_before,'
       ' feedback_hours_after, quiet_hours_start, quiet_hours_end, timezone, max_sms_per_hour, max_sms_per_client_per_day,'
       ' default_region, max_segments, price_per_segment, currency, retention_days, unknown_policy'), 'sms_settings'),
    ('tenant', 'SELECT, DELETE, INSERT (org_id, template_key, name, description, body, variables_schema, is_active, version),'
               ' UPDATE (name, description, body, variables_schema, is_active)', 'sms_templates'),
    ('tenant', 'SELECT, DELETE, INSERT (org_id, type, label, mins_offset, template_key, enabled, sort_order),'
               ' UPDATE (type, label, mins_offset, template_key, enabled, sort_order)', 'sms_schedules'),
    ('tenant', 'SELECT', 'sms_suppression'), ('tenant', 'SELECT', 'sms_messages'), ('tenant', 'SELECT', 'sms_attempts'),
    ('tenant', 'SELECT', 'sms_events'), ('tenant', 'SELECT', 'sms_booking_texts'),
    ('tenant', 'SELECT', 'sms_queue_stat'), ('tenant', 'SELECT', 'sms_delivery_stats'), ('tenant', 'SELECT', 'sms_cost'),
    ('operator', 'SELECT (org_id, enabled, timezone, quiet_hours_start, quiet_hours_end, max_sms_per_hour, max_sms_per_client_per_day,'
                 ' monthly_budget_segments, max_segments_per_second, paused_until)', 'sms_settings'),
    ('operator', 'SELECT', 'sms_worker_stat'), ('operator', 'SELECT', 'sms_queue_stat'), ('operator', 'SELECT', 'sms_delivery_stats'),
    ('operator', 'SELECT', 'sms_health'), ('operator', 'SELECT', 'sms_cost')
$$;
REVOKE ALL ON FUNCTION sms_rights() FROM PUBLIC;
COMMENT ON FUNCTION sms_rights() IS 'Internal: what each kind of role may do with tables and views.';

-- Views call some of these for whoever reads them, a column's default another.
CREATE FUNCTION sms_functions_of_kinds(kinds text[]) RETURNS SETOF regprocedure
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT @extschema@.sms_own_functions(ARRAY(
    SELECT unnest(f.names)
      FROM (VALUES
        ('{tenant,service,operator}'::text[], '{sms_acts_for_all,sms_my_orgs,sms_why_held,sms_known_zone,sms_why}'::text[]),
        ('{tenant}', '{sms_is_my_org}'),
        ('{tenant,service}', '{sms_enqueue,sms_enqueue_batch,sms_cancel,sms_reschedule,sms_retry,sms_preview,sms_explain,
            is_phone_suppressed,sms_opt_out,sms_opt_in,sms_erase_person,
            render_sms_template,sms_template_variables,sms_segments,sms_smart_encode,sms_normalize_phone,sms_uuidv7}'),
        ('{service,operator}', '{sms_every_org,sms_doctor,sms_mode,sms_worker_state,sms_library_version,sms_is_preloaded,sms_launcher_pid}'),
        ('{service}', '{sms_set_twilio_credentials,insert_sms_from_service,queue_pending_sms,sms_schedule_reminders,sms_export_opt_outs,
            sms_twilio_webhook,sms_twilio_webhook_raw,sms_validate_twilio_signature}'),
        ('{operator}', '{sms_pause,sms_resume,sms_go_live,sms_go_sandbox}')) f (kinds, names)
     WHERE f.kinds && $1))
$$;
REVOKE ALL ON FUNCTION sms_functions_of_kinds(text[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_functions_of_kinds(text[]) IS 'Internal: the functions that roles of these kinds may execute.';

-- Of which kinds roles are, their rights say, which a dump carries; it carries no policies. One function is each kind's alone.
CREATE FUNCTION sms_roles() RETURNS TABLE (kind text, role regrole)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.kind, a.grantee::regrole
    FROM (VALUES ('tenant', 'sms_is_my_org'), ('service', 'insert_sms_from_service'), ('operator', 'sms_pause')) k (kind, name)
    JOIN pg_proc p ON p.pronamespace = '@extschema@'::regnamespace AND p.proname = k.name
    JOIN @extschema@.sms_own_functions(NULL) own ON own = p.oid
   CROSS JOIN aclexplode(p.proacl) a
   WHERE a.grantee NOT IN (p.proowner, 0)
$$;
REVOKE ALL ON FUNCTION sms_roles() FROM PUBLIC;
COMMENT ON FUNCTION sms_roles() IS 'Internal: the roles that were granted as tenants, services and operators.';

CREATE FUNCTION sms_lost_policies() RETURNS TABLE (kind text, relation text, command text, condition text, check_condition text, roles oid[], is_there boolean)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.kind, o.relation, o.command, o.condition, o.check_condition, w.roles, p.oid IS NOT NULL
    FROM @extschema@.sms_policies() o
   CROSS JOIN LATERAL (SELECT ARRAY(SELECT r.role::oid FROM @extschema@.sms_roles() r WHERE r.kind = o.kind ORDER BY 1) AS roles) w
    LEFT JOIN pg_policy p ON p.polrelid = format('@extschema@.%I', o.relation)::regclass AND p.polname = o.kind
   WHERE w.roles <> ARRAY(SELECT r FROM unnest(p.polroles) r ORDER BY 1)
$$;
REVOKE ALL ON FUNCTION sms_lost_policies() FROM PUBLIC;
COMMENT ON FUNCTION sms_lost_policies() IS 'Internal: policies whose roles are not those that were granted, and the roles that they should have.';

CREATE FUNCTION sms_make_policies() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lost record;
  roles text;
BEGIN
  FOR lost IN SELECT * FROM @extschema@.sms_lost_policies() LOOP
    roles := (SELECT string_agg(r::regrole::text, ', ') FROM unnest(lost.roles) r);
    IF roles IS NULL THEN
      EXECUTE format('DROP POLICY %I ON @extschema@.%I', lost.kind, lost.relation);
    ELSIF lost.is_there THEN
      EXECUTE format('ALTER POLICY %I ON @extschema@.%I TO %s', lost.kind, lost.relation, roles);
    ELSE
      EXECUTE format('CREATE POLICY %I ON @extschema@.%I FOR %s TO %s USING (%s)', lost.kind, lost.relation, lost.command, roles, lost.condition)
              || coalesce(' WITH CHECK (' || lost.check_condition || ')', '');
    END IF;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_make_policies() FROM PUBLIC;
COMMENT ON FUNCTION sms_make_policies() IS 'Internal: makes the policies that the granted roles need; those that are there are left alone.';

CREATE FUNCTION sms_kinds_of(role regrole) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY(SELECT r.kind FROM @extschema@.sms_roles() r WHERE r.role = $1)
$$;
REVOKE ALL ON FUNCTION sms_kinds_of(regrole) FROM PUBLIC;
COMMENT ON FUNCTION sms_kinds_of(regrole) IS 'Internal: of which kinds a role is.';

CREATE FUNCTION sms_grantees() RETURNS SETOF regrole
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.grantee::regrole
    FROM @extschema@.sms_own_functions(NULL) f JOIN pg_proc p ON p.oid = f CROSS JOIN aclexplode(p.proacl) a
   WHERE a.grantee NOT IN (p.proowner, 0)
  UNION
  SELECT a.grantee::regrole
    FROM @extschema@.sms_own_relations('{r,v}') r JOIN pg_class c ON c.oid = r CROSS JOIN aclexplode(c.relacl) a
   WHERE a.grantee NOT IN (c.relowner, 'coach_sms_owner'::regrole, 0)
$$;
REVOKE ALL ON FUNCTION sms_grantees() FROM PUBLIC;
COMMENT ON FUNCTION sms_grantees() IS 'Internal: the roles, but coach_sms_owner, that have any right to a function, table or view of ours.';

-- Everything is taken and given anew, so that a role has what its kinds have and no more, whatever it had.
CREATE FUNCTION sms_set_kinds(role regrole, kinds text[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own record;
BEGIN
  FOR own IN SELECT f FROM @extschema@.sms_own_functions(NULL) f LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s', own.f, role);
  END LOOP;
  FOR own IN SELECT r FROM @extschema@.sms_own_relations('{r,v}') r LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', own.r, role);
  END LOOP;
  IF kinds <> '{}' THEN
    EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %s', role);
  END IF;
  FOR own IN SELECT f FROM @extschema@.sms_functions_of_kinds(kinds) f LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', own.f, role);
  END LOOP;
  FOR own IN SELECT * FROM @extschema@.sms_rights() r WHERE r.kind = ANY (kinds) LOOP
    EXECUTE format('GRANT %s ON @extschema@.%I TO %s', own.privileges, own.relation, role);
  END LOOP;
  PERFORM @extschema@.sms_make_policies();
END
$$;
REVOKE ALL ON FUNCTION sms_set_kinds(regrole, text[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_set_kinds(regrole, text[]) IS 'Internal: gives a role what these kinds have, and takes everything else of ours.';

CREATE FUNCTION sms_grant_tenant(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.sms_set_kinds(role, @extschema@.sms_kinds_of(role) || 'tenant'::text) $$;
REVOKE ALL ON FUNCTION sms_grant_tenant(regrole) FROM PUBLIC;
COMMENT ON FUNCTION sms_grant_tenant(regrole) IS
'Lets a role (on Supabase authenticated) enqueue, preview, cancel and read for the orgs it belongs to, and manage their templates, schedules and settings, but for account, sender, token, budget and pause. coach_sms.tenancy_function or coach_sms.jwt_authenticators say which orgs these are. Superuser only.';

CREATE FUNCTION sms_grant_service(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.sms_set_kinds(role, @extschema@.sms_kinds_of(role) || 'service'::text) $$;
REVOKE ALL ON FUNCTION sms_grant_service(regrole) FROM PUBLIC;
COMMENT ON FUNCTION sms_grant_service(regrole) IS
'Lets a role (the application''s backend; on Supabase service_role) send, read and configure for all orgs. Superuser only.';

CREATE FUNCTION sms_grant_operator(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.sms_set_kinds(role, @extschema@.sms_kinds_of(role) || 'operator'::text) $$;
REVOKE ALL ON FUNCTION sms_grant_operator(regrole) FROM PUBLIC;
COMMENT ON FUNCTION sms_grant_operator(regrole) IS
'Lets a role watch (the views, sms_doctor, sms_why), pause and resume, and take the database live or back to the sandbox, for all orgs; not send, nor read texts. Superuser only.';

CREATE FUNCTION sms_revoke_tenant(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.sms_set_kinds(role, array_remove(@extschema@.sms_kinds_of(role), 'tenant')) $$;
REVOKE ALL ON FUNCTION sms_revoke_tenant(regrole) FROM PUBLIC;
COMMENT ON FUNCTION sms_revoke_tenant(regrole) IS
'Takes back what sms_grant_tenant gave, but for USAGE on the schema, which others may have given too. Superuser only.';

CREATE FUNCTION sms_revoke_service(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.sms_set_kinds(role, array_remove(@extschema@.sms_kinds_of(role), 'service')) $$;
REVOKE ALL ON FUNCTION sms_revoke_service(regrole) FROM PUBLIC;
COMMENT ON FUNCTION sms_revoke_service(regrole) IS
'Takes back what sms_grant_service gave, but for USAGE on the schema, which others may have given too. Superuser only.';

CREATE FUNCTION sms_revoke_operator(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$ SELECT @extschema@.sms_set_kinds(role, array_remove(@extschema@.sms_kinds_of(role), 'operator')) $$;
REVOKE ALL ON FUNCTION sms_revoke_operator(regrole) FROM PUBLIC;
COMMENT ON FUNCTION sms_revoke_operator(regrole) IS
'Takes back what sms_grant_operator gave, but for USAGE on the schema, which others may have given too. Superuser only.';
-- Everything belongs to coach_sms_owner, and nothing is anybody else's.
DO $$
DECLARE
  own text;
BEGIN
  FOR own IN SELECT f FROM @extschema@.sms_own_functions(NULL) f LOOP
    EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO coach_sms_owner', own);
    EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', own);
  END LOOP;
  FOR own IN SELECT r FROM @extschema@.sms_own_relations('{r,v}') r LOOP
    -- That one says whose tables are read with their owner's rights: coach_sms_owner must not widen its own reach.
    IF own::pg_catalog.regclass OPERATOR(pg_catalog.<>) '@extschema@.sms_bookings_source'::pg_catalog.regclass THEN
      EXECUTE pg_catalog.format('ALTER TABLE %s OWNER TO coach_sms_owner', own);
    END IF;
    EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM PUBLIC', own);
  END LOOP;
  -- Default privileges, such as Supabase's, have given rights to every object as it was made.
  PERFORM @extschema@.sms_set_kinds(r, '{}') FROM @extschema@.sms_grantees() r;
  -- No policy comes with the extension: older minor releases of pg_dump dump those of its tables, which would then be
  -- there twice. The grants make them, and until then nobody but the owner sees a row. The one table that is not the
  -- owner's needs none: nothing of any org is in it.
  FOR own IN SELECT r FROM @extschema@.sms_own_relations('{r}') r
              WHERE r OPERATOR(pg_catalog.<>) '@extschema@.sms_bookings_source'::pg_catalog.regclass LOOP
    EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', own);
  END LOOP;
  GRANT SELECT ON @extschema@.sms_bookings_source TO coach_sms_owner;
  ALTER TYPE @extschema@.sms_booking OWNER TO coach_sms_owner;
  REVOKE ALL ON TYPE @extschema@.sms_booking FROM PUBLIC;
END
$$;
-- The last statement: once this commits, the launcher gives the database its sender.
SELECT sms_poke_launcher();
