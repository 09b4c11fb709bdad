\echo Use "ALTER EXTENSION coach_sms UPDATE" to load this file. \quit
-- From 0.1.0 to 0.2.0. First what goes or changes its shape, then functions, views and comments, then what needs those.

-- The rows of sms_doctor() have a level.
DROP FUNCTION sms_doctor();
DROP FUNCTION sms_check_processes();
DROP FUNCTION sms_check_arming();
DROP FUNCTION sms_check_orgs();
DROP FUNCTION sms_check_queue();
DROP FUNCTION sms_check_rights();
DROP FUNCTION sms_check_tenancy();

-- Internal objects move to a schema of their own. In 0.1.0 the comments of internal functions say so.
CREATE SCHEMA coach_sms_internal;
SET LOCAL search_path = pg_catalog, pg_temp;
ALTER TABLE @extschema@.sms_queue SET SCHEMA coach_sms_internal;
ALTER TABLE @extschema@.sms_in_flight SET SCHEMA coach_sms_internal;
ALTER TABLE @extschema@.sms_server SET SCHEMA coach_sms_internal;
ALTER VIEW @extschema@.sms_charges SET SCHEMA coach_sms_internal;
ALTER VIEW @extschema@.sms_booking_rules SET SCHEMA coach_sms_internal;
ALTER TYPE @extschema@.sms_booking SET SCHEMA coach_sms_internal;
DO $$
DECLARE
  own record;
BEGIN
  FOR own IN SELECT p.oid::regprocedure AS function FROM @extschema@.sms_own_functions(NULL) f JOIN pg_proc p ON p.oid = f
              WHERE obj_description(p.oid, 'pg_proc') LIKE 'Internal:%' AND p.proname NOT IN ('sms_mode', 'sms_booking_trigger') LOOP
    EXECUTE format('COMMENT ON FUNCTION %s IS NULL', own.function);
    EXECUTE format('ALTER FUNCTION %s SET SCHEMA coach_sms_internal', own.function);
  END LOOP;
  FOR own IN SELECT format('COLUMN %s.%I', c.oid::regclass, a.attname) AS name
               FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
              WHERE c.relnamespace = 'coach_sms_internal'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0
             UNION ALL
             SELECT unnest(ARRAY['TABLE coach_sms_internal.sms_queue', 'TABLE coach_sms_internal.sms_in_flight',
                                 'TABLE coach_sms_internal.sms_server', 'VIEW coach_sms_internal.sms_charges',
                                 'VIEW coach_sms_internal.sms_booking_rules',
                                 'TYPE coach_sms_internal.sms_booking']) LOOP
    EXECUTE format('COMMENT ON %s IS NULL', own.name);
  END LOOP;
END
$$;
SET LOCAL search_path = @extschema@, pg_temp;

DROP FUNCTION coach_sms_internal.sms_is_heard(sms_settings, uuid[], boolean);
DROP FUNCTION coach_sms_internal.sms_find_bookings(timestamptz, timestamptz, timestamptz, timestamptz, uuid[]);
ALTER FUNCTION coach_sms_internal.sms_heed_code(uuid, text, text) RENAME TO sms_take_refusal;
DROP TRIGGER sms_message_news ON sms_messages;
DROP TRIGGER sms_inbound_news ON sms_events;
DROP FUNCTION coach_sms_internal.sms_tell_news();

ALTER TYPE coach_sms_internal.sms_booking ADD ATTRIBUTE first_name text;

-- A priority may be written without a cast.
DROP FUNCTION sms_enqueue(uuid, uuid, text, text, jsonb, text, timestamptz, timestamptz, text, uuid, text, smallint, jsonb);

-- List searches that settle nothing are counted; those that could not be made are named.
ALTER TABLE coach_sms_internal.sms_in_flight
  ADD COLUMN inconclusive text CHECK (inconclusive IN ('several', 'unreadable')),
  ADD COLUMN inconclusive_count integer NOT NULL DEFAULT 0,
  ADD COLUMN inconclusive_at timestamptz,
  ADD COLUMN not_asked text,
  ADD COLUMN not_asked_since timestamptz;
-- What is confirmed when the database goes live is history.
ALTER TABLE coach_sms_internal.sms_server ADD COLUMN live_since timestamptz;
UPDATE coach_sms_internal.sms_server SET live_since = changed_at WHERE mode = 'live';
DROP FUNCTION coach_sms_internal.sms_record_baseline();

ALTER TABLE sms_booking_texts ADD COLUMN series uuid;
CREATE INDEX sms_booking_texts_series ON sms_booking_texts (series) WHERE series IS NOT NULL;
-- The sender publishes why messages wait.
CREATE TABLE coach_sms_internal.sms_holds (
  key         text PRIMARY KEY,
  rule        text NOT NULL,
  org_id      uuid,
  zone        text COLLATE "C",
  priority    smallint,
  until       timestamptz NOT NULL,
  is_trouble  boolean NOT NULL,
  why         text NOT NULL,
  account     text
);
CREATE TRIGGER sms_holds_replica BEFORE INSERT ON coach_sms_internal.sms_holds FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_pass_over();
ALTER TABLE coach_sms_internal.sms_holds ENABLE REPLICA TRIGGER sms_holds_replica;
-- The sender counts the messages that coach_sms.max_wait ends.
CREATE TABLE coach_sms_internal.sms_overdue (
  id        uuid PRIMARY KEY DEFAULT @extschema@.sms_uuidv7(),
  ended_at  timestamptz NOT NULL DEFAULT now(),
  org_id    uuid NOT NULL,
  sandbox   boolean NOT NULL,
  messages  bigint NOT NULL
);
CREATE TRIGGER sms_overdue_replica BEFORE INSERT ON coach_sms_internal.sms_overdue FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_pass_over();
ALTER TABLE coach_sms_internal.sms_overdue ENABLE REPLICA TRIGGER sms_overdue_replica;
-- The sender sums attempts up once they no longer change.
DROP FUNCTION coach_sms_internal.sms_sum_up(uuid, uuid[]);
ALTER TABLE sms_usage SET (fillfactor = 50);
CREATE TABLE sms_usage_end (
  singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  attempt_id  uuid NOT NULL,
  created_at  timestamptz NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('@extschema@.sms_usage_end'::pg_catalog.regclass, '');
-- The sender asks each second whether any message is unknown.
DROP INDEX sms_events_waiting;
CREATE INDEX sms_events_waiting ON sms_events (received_at) WHERE processed_at IS NULL AND message_id IS NOT NULL;
CREATE INDEX sms_events_unmatched ON sms_events (received_at) WHERE processed_at IS NULL AND message_id IS NULL;
CREATE INDEX sms_in_flight_unknown ON coach_sms_internal.sms_in_flight (next_look_at) WHERE state = 'unknown';

-- Made by `make upgrade-script`: begin.
COMMENT ON FUNCTION sms_uuidv7() IS
'Returns a new UUID of version 7 (RFC 9562). It begins with the time in milliseconds, so that new rows go '
'to the right edge of every index.';
COMMENT ON FUNCTION sms_template_variables(text) IS
'Returns the distinct {{names}} of a template, in order. Raises SM003 for a broken placeholder.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_no_schedule() RETURNS uuid
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN '00000000-0000-0000-0000-000000000000'::uuid;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_is_zone(name text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_zone' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_known_zone(name text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_known_zone' LANGUAGE C STABLE PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_zone(name text, place text) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT coach_sms_internal.sms_is_zone(name) THEN
    RAISE EXCEPTION 'unknown time zone "%"', left(name, 100)
      USING ERRCODE = 'SM020', DETAIL = format('It was given as %s.', place),
            HINT = 'Use an IANA name, for example Australia/Sydney; pg_timezone_names lists them.';
  END IF;
END
$$;
COMMENT ON TABLE sms_settings IS
'One row an org: its Twilio account, its sender and its rules. An org without a row cannot send.';
COMMENT ON COLUMN sms_settings.twilio_account_sid IS
'Twilio account: AC and 32 hex digits. Any other text is stored with a WARNING, and the org''s messages '
'wait until it is corrected. NULL or blank: coach_sms.twilio_account_sid of the server.';
COMMENT ON COLUMN sms_settings.twilio_auth_token_encrypted IS
'Twilio auth token. It is sealed before it is stored: trimmed, encrypted by AES-256-GCM and bound to '
'org_id. A blank text is stored as NULL. Raises SM013 without coach_sms.key_file. NULL: the server''s '
'token.';
COMMENT ON COLUMN sms_settings.twilio_messaging_service_sid IS
'Messaging Service to send with: MG and 32 hex digits. It goes before twilio_phone_number. Any other text '
'is stored with a WARNING, and the org''s messages wait until it is corrected.';
COMMENT ON COLUMN sms_settings.twilio_phone_number IS
'Sender: a number, stored in E.164 form as read in default_region; a short code of 3 to 6 digits; or a '
'name. A name has 1 to 11 letters, digits, blanks and + - _ &, with at least one letter. Raises SM006 for '
'any other text. NULL or blank: the server''s sender.';
COMMENT ON COLUMN sms_settings.enabled IS
'false: sms_enqueue raises SM002, and messages that wait are kept and not sent. Default true.';
COMMENT ON COLUMN sms_settings.send_booking_confirmations IS
'Whether bookings get confirmations. Default true.';
COMMENT ON COLUMN sms_settings.send_session_reminders IS 'Whether bookings get reminders. Default true.';
COMMENT ON COLUMN sms_settings.send_feedback_requests IS
'Whether bookings get feedback requests. Default true.';
COMMENT ON COLUMN sms_settings.feedback_hours_after IS
'Hours after the end of a session at which its feedback request is due. Default 2.';
COMMENT ON COLUMN sms_settings.quiet_hours_end IS
'Hour of the day (0 to 23, in timezone) from which messages are sent again. Default 8.';
COMMENT ON COLUMN sms_settings.timezone IS
'IANA time zone of the org. Writing an unknown name raises SM020; a stored name that the server does not '
'know any more counts as UTC. Default Australia/Sydney.';
COMMENT ON COLUMN sms_settings.default_region IS
'ISO 3166 country in which numbers without a country code are read. Raises SM015 for any other text. '
'Default AU.';
COMMENT ON COLUMN sms_settings.max_segments IS 'Most segments of a message. Default NULL: Twilio''s limit.';
COMMENT ON COLUMN sms_settings.monthly_budget_segments IS
'Most segments in a calendar month. Default NULL: no limit.';
COMMENT ON COLUMN sms_settings.price_per_segment IS
'Estimated price of a segment, in currency, for sms_preview and sms_cost. Default NULL: not known.';
COMMENT ON COLUMN sms_settings.currency IS 'ISO 4217 code of price_per_segment. Default NULL.';
COMMENT ON COLUMN sms_settings.max_segments_per_second IS
'Most segments a second of the sender, from 0.001 to 10000. Default NULL: no limit.';
COMMENT ON COLUMN sms_settings.retention_days IS
'Days (1 to 36500) after their last change for which finished messages are kept, with attempts, events and '
'people''s texts. Default NULL: for ever.';
COMMENT ON COLUMN sms_settings.unknown_policy IS
'The end of a message whose outcome is unknown, once Twilio''s lists have shown it absent. '
'resend_if_absent (default) sends it again; hold ends it as failed with error_code outcome_unknown.';
COMMENT ON COLUMN sms_settings.paused_until IS
'Nothing of this org is sent before this time (infinity: until sms_resume). Default NULL: not paused.';
COMMENT ON COLUMN sms_settings.twilio_second_auth_token_encrypted IS
'Second token of the account, for the time of a change of tokens. The webhook accepts its signatures too. '
'It is sealed as twilio_auth_token_encrypted is. Default NULL: none.';
COMMENT ON COLUMN sms_settings.created_at IS 'When the row was inserted.';
COMMENT ON TABLE sms_templates IS
'Texts with {{placeholders}}. sms_enqueue uses the highest active version of a key. A message keeps the '
'version that it was rendered from.';
COMMENT ON COLUMN sms_templates.org_id IS 'The org.';
COMMENT ON COLUMN sms_templates.template_key IS
'The name that sms_enqueue takes, for example booking_confirmation.';
COMMENT ON COLUMN sms_templates.body IS
'The text, with {{name}} for each variable. Raises SM003 for a broken placeholder.';
COMMENT ON COLUMN sms_templates.variables_schema IS
'JSON array of the names that the text uses, for people and forms. sms_enqueue reads the names from body.';
COMMENT ON COLUMN sms_templates.is_active IS 'false: new messages do not use this version. Default true.';
COMMENT ON COLUMN sms_templates.version IS 'Counts up within (org_id, template_key). Default: the next one.';
COMMENT ON COLUMN sms_templates.created_at IS 'When the row was inserted.';
COMMENT ON TABLE sms_messages IS
'One row a message: one SMS to one person. sms_enqueue or a plain INSERT adds rows. Only coach_sms changes '
'a status, except for pending or queued to cancelled.';
COMMENT ON COLUMN sms_messages.org_id IS 'The org that sends.';
COMMENT ON COLUMN sms_messages.client_id IS 'The person''s id in the application. Optional.';
COMMENT ON COLUMN sms_messages.to_phone IS 'Recipient''s number in E.164 form.';
COMMENT ON COLUMN sms_messages.from_phone IS
'Number, short code or name to send from, in the form of sms_settings.twilio_phone_number. NULL: the '
'org''s sender.';
COMMENT ON COLUMN sms_messages.template_id IS 'The template version that the text was rendered from.';
COMMENT ON COLUMN sms_messages.variables IS 'The values of the template''s placeholders.';
COMMENT ON COLUMN sms_messages.related_entity_type IS
'The kind of thing that the message is about, for example booking.';
COMMENT ON COLUMN sms_messages.related_entity_id IS 'The id of that thing.';
COMMENT ON COLUMN sms_messages.status IS
'pending (waits for its time), queued (due), sending, sent (Twilio took it), delivered, failed, cancelled, '
'unknown (Twilio may have taken it; it is reconciled).';
COMMENT ON COLUMN sms_messages.scheduled_for IS 'It is not sent before this time. Default: now.';
COMMENT ON COLUMN sms_messages.idempotency_key IS
'Unique within the org. sms_enqueue with a key seen before returns the first message''s id.';
COMMENT ON COLUMN sms_messages.error_code IS
'Twilio''s error number, or a word of ours (doc/states-and-errors.md). Once set, it stays.';
COMMENT ON COLUMN sms_messages.segments IS
'Segments as counted before sending; Twilio''s count once it is known.';
COMMENT ON COLUMN sms_messages.expires_at IS 'It is not sent after this time. NULL: no limit.';
COMMENT ON COLUMN sms_messages.attempt_count IS 'HTTP requests made or under way.';
COMMENT ON COLUMN sms_messages.price IS
'Twilio''s price of the whole message, in price_unit, as a positive number. NULL until it is known.';
COMMENT ON COLUMN sms_messages.sandbox IS 'true: enqueued in the sandbox, and never sent live.';
COMMENT ON COLUMN sms_messages.payload_hash IS
'SHA-256 of the arguments that came with idempotency_key; NULL without a key.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_zone_of(metadata jsonb) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_zone_of' LANGUAGE C IMMUTABLE PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_ends_at(scheduled_for timestamptz, expires_at timestamptz)
  RETURNS timestamptz
  AS 'MODULE_PATHNAME', 'coach_sms_ends_at' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON TABLE sms_attempts IS
'One row for each HTTP request whose outcome is settled. Append-only but for retention and erasure.';
COMMENT ON COLUMN sms_attempts.provider_message_id IS 'Twilio''s SID, where its answer gave one.';
COMMENT ON COLUMN sms_attempts.request_payload IS 'The request''s parameters. No secret is among them.';
COMMENT ON COLUMN sms_attempts.response_payload IS
'Twilio''s answer: status, code, message. NULL where none came.';
COMMENT ON COLUMN sms_attempts.status IS
'success, transient_error (it is sent again), permanent_error, unknown (Twilio may have taken it).';
COMMENT ON COLUMN sms_attempts.error_code IS 'Twilio''s error number, or a word of ours.';
COMMENT ON COLUMN sms_attempts.client_key IS
'The client''s id, or the number in its shortest form where there is none. Limits count by it.';
COMMENT ON TABLE sms_events IS
'Twilio''s news of messages, and people''s texts: by webhook or by status poll, each event once. '
'Append-only but for matching, retention and erasure.';
COMMENT ON COLUMN sms_events.message_id IS
'The message that it is about. NULL while it is not matched, and for people''s texts.';
COMMENT ON COLUMN sms_events.org_id IS
'Its org, by the message or the signature. NULL where neither shows one.';
COMMENT ON COLUMN sms_events.event_type IS
'status (a callback), fetch (the answer to a status poll, see coach_sms.fetch_delay) or inbound (a text '
'from a person).';
COMMENT ON COLUMN sms_events.event_status IS
'Twilio''s message status. For a text from a person STOP, START, HELP or YES, where the text is no more '
'than that. A YES that lifted a STOP is START.';
COMMENT ON COLUMN sms_events.event_payload IS
'The webhook''s parameters. NULL for fetch, for an erased person, and for a START or YES older than '
'retention_days.';
COMMENT ON COLUMN sms_events.dedupe_key IS
'SID and status, and the org whose own token signed the call. A callback that comes twice is stored once.';
COMMENT ON COLUMN sms_events.processed_at IS
'When it was applied to its message. NULL while it waits for the message.';
COMMENT ON TABLE sms_usage IS
'Sums of the attempts that are older than about eight days, or that retention_days has pruned. sms_cost adds '
'the younger attempts.';
COMMENT ON COLUMN sms_usage.currency IS
'ISO 4217 code of Twilio''s price. Empty where no price was known: sms_settings.currency then.';
COMMENT ON COLUMN sms_usage.messages IS 'Requests that Twilio took, or may have taken.';
COMMENT ON COLUMN sms_usage.price IS 'Twilio''s price, as far as it was known.';
COMMENT ON COLUMN sms_usage.segments_without_price IS 'Segments of requests whose price was not known.';
COMMENT ON TABLE sms_usage_end IS
'The last attempt, in the order of ids, that sms_usage has. One row, from the first sum on; it belongs to '
'sms_usage in a backup.';
COMMENT ON COLUMN sms_usage_end.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN sms_usage_end.attempt_id IS 'Its id. sms_usage has no stored attempt with a higher one.';
COMMENT ON COLUMN sms_usage_end.created_at IS 'When it was settled.';
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW coach_sms_internal.sms_charges AS
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
COMMENT ON TABLE sms_idempotency_keys IS
'The idempotency keys of messages that retention_days has pruned, or is about to prune.';
COMMENT ON COLUMN sms_idempotency_keys.payload_hash IS
'SHA-256 of the arguments that came with the key, as in sms_messages.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_message_with_key(org_id uuid, idempotency_key text) RETURNS uuid
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
COMMENT ON COLUMN sms_suppression.phone IS
'Number in E.164 form. Any other form is normalised with the org''s default_region. An erased person has '
'hash: and the number''s salted hash.';
COMMENT ON COLUMN sms_suppression.reason IS
'opt_out (the person asked for it), invalid_number, carrier_violation, manual (default).';
COMMENT ON COLUMN sms_suppression.source IS 'The source of the entry, for example sms_opt_out or twilio.';
COMMENT ON COLUMN sms_suppression.created_at IS 'When the entry was made.';
COMMENT ON TABLE sms_opt_outs IS 'Opt-outs by sender. Each binds every org that uses the sender.';
COMMENT ON COLUMN sms_opt_outs.account_sid IS 'Twilio account; empty where it is not known.';
COMMENT ON COLUMN sms_opt_outs.sender IS 'Number or Messaging Service that the person wrote to.';
COMMENT ON COLUMN sms_opt_outs.phone IS
'The person''s number in E.164 form, or its salted hash as in sms_suppression.';
COMMENT ON COLUMN sms_opt_outs.source IS 'The source of the entry, for example twilio.';
COMMENT ON COLUMN sms_opt_outs.created_at IS 'When the entry was made.';
COMMENT ON TABLE sms_phone_salt IS
'The salt of the hashes of erased persons'' numbers. One row, from the first erasure on.';
COMMENT ON COLUMN sms_phone_salt.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN sms_phone_salt.salt IS 'Random bytes.';
COMMENT ON TABLE sms_schedules IS
'Several reminders or feedback requests for an org, in place of the one of sms_settings.';
COMMENT ON COLUMN sms_schedules.created_at IS
'When the row was inserted. It sends no text that was due before.';
COMMENT ON COLUMN sms_schedules.template_key IS 'The template''s key.';
COMMENT ON COLUMN sms_schedules.enabled IS 'false: the row sends nothing. Default true.';
COMMENT ON COLUMN sms_schedules.sort_order IS 'Order in lists for people. Default 0.';
COMMENT ON TABLE sms_bookings_source IS
'The attached tables of bookings: one row, which sms_attach_bookings() writes. Only superusers may write '
'it, because it names the tables that are read with their owners'' rights.';
COMMENT ON COLUMN sms_bookings_source.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN sms_bookings_source.bookings IS
'The application''s bookings, a table or view. A dump has its name.';
COMMENT ON COLUMN sms_bookings_source.clients IS 'The application''s clients.';
COMMENT ON COLUMN sms_bookings_source.orgs IS 'The application''s orgs.';
COMMENT ON COLUMN sms_bookings_source.mapping IS
'Our column names with the application''s, and all words of the status that count.';
COMMENT ON COLUMN sms_bookings_source.attached_at IS
'When they were attached. Sessions that ended before it get no feedback request.';
COMMENT ON COLUMN sms_bookings_source.attached_by IS 'The role that attached them.';
COMMENT ON TABLE sms_booking_texts IS
'The latest text of each kind that a booking got, or did not get. sms_explain() says it in words.';
COMMENT ON COLUMN sms_booking_texts.session_start IS
'The start of the session that it was made for. The booking was moved if it has another start now.';
COMMENT ON COLUMN sms_booking_texts.session_end IS 'The end of the session that it was made for.';
COMMENT ON COLUMN sms_booking_texts.message_id IS 'The message. NULL where there is none; reason says why.';
COMMENT ON COLUMN sms_booking_texts.reason IS
'Why there is no message, as a word that sms_explain() puts into a sentence (doc/bookings.md). '
'booking_cancelled beside a message: the booking was cancelled after it. NULL: all is well.';
COMMENT ON COLUMN sms_booking_texts.detail IS 'The message of the error.';
COMMENT ON COLUMN sms_booking_texts.try_until IS
'It is tried again until this time. NULL: the decision is final.';
COMMENT ON COLUMN sms_booking_texts.revision IS 'The number of messages that were made for it.';
COMMENT ON COLUMN sms_booking_texts.created_at IS 'When the row was inserted.';
COMMENT ON COLUMN sms_booking_texts.series IS
'The same for all bookings that one transaction confirmed to one client.';
COMMENT ON FUNCTION sms_every_org() IS
'Returns every org that has settings. A role that may execute it acts for all orgs; sms_grant_service and '
'sms_grant_operator grant it.';
COMMENT ON FUNCTION sms_acts_for_all() IS
'Returns whether the current user acts for every org: whether it may execute sms_every_org().';
CREATE OR REPLACE FUNCTION sms_watches_every_org() RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT true $$;
COMMENT ON FUNCTION sms_watches_every_org() IS
'Returns true. A role that may execute it sees the figures of every org and acts for none; '
'sms_grant_monitor grants it.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_sees_all() RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT @extschema@.sms_acts_for_all()
         OR has_function_privilege('@extschema@.sms_watches_every_org()', 'EXECUTE')
         OR has_function_privilege('@extschema@.sms_twilio_webhook_calls(text[], text[], text[])', 'EXECUTE')
$$;
COMMENT ON FUNCTION sms_my_orgs() IS
'Returns the orgs of the current user, by coach_sms.tenancy_function or the claims of its token. Policies '
'call it once a statement. Raises SM022 where the function cannot be used.';
COMMENT ON FUNCTION sms_is_my_org(uuid) IS
'Returns whether the current user belongs to the org, which may have no settings yet. Raises SM022 where '
'coach_sms.tenancy_function cannot be used.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_may_act_for(org_id uuid) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_act_for' LANGUAGE C STABLE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_require_org(org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT coach_sms_internal.sms_may_act_for(org_id) THEN
    RAISE EXCEPTION 'unknown org %', coalesce(org_id::text, 'NULL')
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.',
            HINT = 'Insert its settings first.';
  END IF;
END
$$;
COMMENT ON FUNCTION render_sms_template(text, jsonb) IS
'Returns the text with every {{name}} replaced, in one pass: a value that looks like a placeholder stays '
'as it is. Raises SM003 for a broken placeholder, SM004 for missing variables, SM005 for variables that '
'are no object of plain values.';
COMMENT ON FUNCTION sms_segments(text) IS
'Returns how the text is sent: encoding (GSM-7 or UCS-2), segments (the unit of Twilio''s price) and '
'units. Units are septets in GSM-7 and 16-bit units in UCS-2.';
COMMENT ON FUNCTION sms_smart_encode(text) IS
'Returns the text as Twilio''s Smart Encoding changes it: curly quotes, dashes and similar characters '
'become characters of GSM-7.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_first_name(full_name text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_first_name' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sms_normalize_phone(text, text) IS
'Returns the number in E.164 form. A number without a country code is read as dialled in the region (ISO '
'3166, default AU). Raises SM006 for a text that is no possible number, SM015 for an unknown region.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_keep_phone(phone text, region text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_keep_phone' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_normalize_sender(sender text, region text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_normalize_sender' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_sender_address(sender text, region text DEFAULT 'AU') RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_sender_address' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_trim_blanks(given text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_trim_blanks' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_is_sid(sid text, prefix text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_sid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION sms_validate_twilio_signature(
  auth_token text, url text, body text, signature text,
  content_type text DEFAULT 'application/x-www-form-urlencoded')
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_validate_signature' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION sms_validate_twilio_signature(text, text, text, text, text) IS
'Returns whether Twilio signed a request to this public URL with this raw body. signature is the header '
'X-Twilio-Signature. Returns false for malformed or NULL arguments. Takes constant time.';
COMMENT ON FUNCTION sms_create_key(text) IS
'Makes a new key file and returns the key''s id. The path is absolute and outside the data directory. The '
'file has mode 0600, and an existing file is never overwritten. Then set coach_sms.key_file to the path. '
'Raises SM013 where the file cannot be made. Superuser only.';
COMMENT ON FUNCTION sms_rotate_key(text, text) IS
'Seals every token that was sealed with the key in old_file with the key in new_file, and returns how '
'many. Before, set coach_sms.key_file to new_file and coach_sms.old_key_file to old_file, so that tokens '
'open with either. Warns of a token that does not open, and leaves it. Raises SM013 where settings or '
'files do not fit. Superuser only.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_seal_token() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_seal_token' LANGUAGE C;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_sealed(org_id uuid, token text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_sealed' LANGUAGE C VOLATILE STRICT;
CREATE OR REPLACE FUNCTION sms_set_twilio_credentials(org_id uuid, account_sid text, auth_token text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- The trigger would seal it too, but then the UPDATE's plan, which may be logged, would show the token.
  sealed text := coach_sms_internal.sms_sealed(org_id, auth_token);
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
COMMENT ON FUNCTION sms_set_twilio_credentials(uuid, text, text) IS
'Writes the org''s Twilio account and token; the token is sealed before it is stored. So that no log holds '
'the token, pass it as a parameter, and set log_parameter_max_length = 0 where statements are logged. '
'Raises SM001 for an unknown org, SM013 without a key.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_server_account() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_server_account' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_note_due(org_id uuid, zone text, priority smallint, due_at timestamptz)
  RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_note_due' LANGUAGE C VOLATILE STRICT;
CREATE OR REPLACE FUNCTION sms_enqueue(
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
COMMENT ON FUNCTION sms_enqueue_batch(jsonb) IS
'Queues an array of messages, each an object whose keys are the arguments of sms_enqueue. Returns one row '
'for each, in order from 1: its message_id, or the SQLSTATE and text of its error. An error keeps out its '
'own message only. Raises SM015 where messages is no array.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_raise_unknown_message(message_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'unknown message %', coalesce(message_id::text, 'NULL')
    USING ERRCODE = 'SM012', DETAIL = 'There is no such row in sms_messages.',
          HINT = 'Give the id that sms_enqueue returned.';
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_require_message(message_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT coalesce((SELECT coach_sms_internal.sms_may_act_for(m.org_id) FROM @extschema@.sms_messages m
                    WHERE m.id = sms_require_message.message_id), false) THEN
    PERFORM coach_sms_internal.sms_raise_unknown_message(message_id);
  END IF;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_unqueue(message_ids uuid[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
BEGIN
  DELETE FROM coach_sms_internal.sms_queue q WHERE q.message_id = ANY (message_ids);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_cancel_waiting(message_ids uuid[], code text, reason text)
  RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
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
  PERFORM coach_sms_internal.sms_unqueue(waiting);
  RETURN cardinality(waiting);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_cancel_as_owner(message_id uuid, reason text) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_require_message(message_id);
  IF coach_sms_internal.sms_cancel_waiting(ARRAY[message_id], 'cancelled_by_user', reason) > 0 THEN
    RETURN true;
  END IF;
  PERFORM coach_sms_internal.sms_require_message(message_id);  -- it may be gone by now
  RETURN false;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_times(scheduled_for timestamptz, expires_at timestamptz)
  RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_check_times' LANGUAGE C STABLE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_reschedule_as_owner(
  message_id uuid, scheduled_for timestamptz, expires_at timestamptz)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  message record;
  new_time timestamptz := coalesce(scheduled_for, now());
BEGIN
  PERFORM coach_sms_internal.sms_require_message(message_id);
  SELECT m.org_id, coach_sms_internal.sms_zone_of(m.metadata) AS zone, m.priority, m.status,
         coalesce(sms_reschedule_as_owner.expires_at, m.expires_at) AS expires_at
    INTO message
    FROM @extschema@.sms_messages m WHERE m.id = sms_reschedule_as_owner.message_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM coach_sms_internal.sms_raise_unknown_message(message_id);
  ELSIF message.status NOT IN ('pending', 'queued') THEN
    RAISE EXCEPTION 'message % is %', message_id, message.status
      USING ERRCODE = 'SM012', DETAIL = 'Only a message that is pending or queued can be moved.',
            HINT = 'Enqueue a new one, or call sms_retry() where it failed or was cancelled.';
  END IF;
  PERFORM coach_sms_internal.sms_check_times(new_time, message.expires_at);
  UPDATE @extschema@.sms_messages m
     SET status = CASE WHEN new_time > now() THEN 'pending' ELSE 'queued' END,
         scheduled_for = new_time, expires_at = message.expires_at, updated_at = now()
   WHERE m.id = sms_reschedule_as_owner.message_id;
  UPDATE coach_sms_internal.sms_queue q
     SET due_at = greatest(new_time, now()), expires_at = message.expires_at, held_for = NULL
   WHERE q.message_id = sms_reschedule_as_owner.message_id;
  PERFORM coach_sms_internal.sms_note_due(
    message.org_id, message.zone, message.priority, greatest(new_time, now()));
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_retry_key(message_id uuid) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN 'retry of ' || message_id::text;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_retry_as_owner(message_id uuid) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  earlier @extschema@.sms_messages;
  new_id uuid;
BEGIN
  PERFORM coach_sms_internal.sms_require_message(message_id);
  SELECT * INTO earlier
    FROM @extschema@.sms_messages m WHERE m.id = sms_retry_as_owner.message_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM coach_sms_internal.sms_raise_unknown_message(message_id);
  ELSIF earlier.status NOT IN ('failed', 'cancelled') THEN
    RAISE EXCEPTION 'message % is %', message_id, earlier.status
      USING ERRCODE = 'SM012',
            DETAIL = 'Only a message that failed or was cancelled can go again: '
                     'any other may still arrive, and would arrive twice.',
            HINT = 'Wait until it is settled; sms_why() says why it waits.';
  ELSIF earlier.to_phone = 'erased' THEN
    RAISE EXCEPTION 'message % is erased', message_id
      USING ERRCODE = 'SM012',
            DETAIL = 'Its number and text are gone: sms_erase_person() was called for its recipient.',
            HINT = 'Enqueue a new one.';
  END IF;
  new_id := coach_sms_internal.sms_message_with_key(
    earlier.org_id, coach_sms_internal.sms_retry_key(earlier.id));
  IF new_id IS NOT NULL THEN
    RETURN new_id;
  END IF;
  INSERT INTO @extschema@.sms_messages (
      org_id, client_id, to_phone, from_phone,
      template_id, template_key,
      body, variables, related_entity_type, related_entity_id,
      idempotency_key, priority,
      expires_at,
      metadata)
    VALUES (
      earlier.org_id, earlier.client_id, earlier.to_phone, earlier.from_phone,
      earlier.template_id, earlier.template_key,
      earlier.body, earlier.variables, earlier.related_entity_type, earlier.related_entity_id,
      coach_sms_internal.sms_retry_key(earlier.id), earlier.priority,
      CASE WHEN earlier.expires_at > now() THEN earlier.expires_at END,
      earlier.metadata || jsonb_build_object('retry_of', earlier.id))
    RETURNING id INTO new_id;
  UPDATE @extschema@.sms_booking_texts t SET message_id = new_id, reason = NULL, detail = NULL
   WHERE t.message_id = earlier.id;
  RETURN new_id;
END
$$;
CREATE OR REPLACE FUNCTION queue_pending_sms() RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  moved integer;
BEGIN
  WITH due AS MATERIALIZED (
    SELECT m.id FROM coach_sms_internal.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
     WHERE q.due_at <= now() AND m.status = 'pending'
     ORDER BY m.id FOR NO KEY UPDATE OF m SKIP LOCKED)
  UPDATE @extschema@.sms_messages m SET status = 'queued', updated_at = now() FROM due WHERE m.id = due.id;
  GET DIAGNOSTICS moved = ROW_COUNT;
  RETURN moved;
END
$$;
COMMENT ON FUNCTION queue_pending_sms() IS
'Sets pending messages whose time has come to queued and returns how many. Nothing needs to call it: the '
'sender does the same.';
COMMENT ON FUNCTION insert_sms_from_service(uuid, uuid, text, text, jsonb, text, timestamptz, text) IS
'Calls sms_enqueue with the name and arguments that the Coach OS app uses. With both a body and a '
'template_key, the body is sent and the key is kept for reports. Raises the errors of sms_enqueue.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_preview_as_owner(
  org_id uuid, template_key text, variables jsonb,
  OUT body text, OUT encoding text, OUT segments integer, OUT estimated_cost numeric, OUT currency text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  org @extschema@.sms_settings;
BEGIN
  PERFORM coach_sms_internal.sms_require_org(org_id);
  SELECT * INTO org FROM @extschema@.sms_settings s WHERE s.org_id = sms_preview_as_owner.org_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown org %', coalesce(org_id::text, 'NULL')
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.',
            HINT = 'Insert its settings first.';
  END IF;
  SELECT t.body INTO body
    FROM @extschema@.sms_templates t
   WHERE t.org_id = sms_preview_as_owner.org_id
     AND t.template_key = sms_preview_as_owner.template_key AND t.is_active
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
COMMENT ON FUNCTION sms_twilio_webhook(text, text, text) IS
'Takes a webhook call of Twilio: the URL that was called, the raw body (a form) and the header '
'X-Twilio-Signature. Status callbacks change their message''s status, and people''s texts are kept in '
'sms_events. Each call is stored once. Answer with the returned values. http_status is 200 (taken), 400 '
'(no form), 403 (not signed by an account of ours), 413 (URL over 8 kB or body over 64 kB) or 503 (the '
'token is not readable). A stranger''s call never raises an error. Behind a proxy, set '
'coach_sms.public_url to the URL that Twilio calls.';
CREATE OR REPLACE FUNCTION sms_twilio_webhook_calls(url text[], body text[], signature text[])
  RETURNS TABLE (http_status integer, content_type text, response text)
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT w.http_status, w.content_type, w.response
    FROM unnest(url, body, signature) WITH ORDINALITY c (url, body, signature, n)
   CROSS JOIN LATERAL @extschema@.sms_twilio_webhook(c.url, c.body, c.signature) w
   ORDER BY c.n
$$;
COMMENT ON FUNCTION sms_twilio_webhook_calls(text[], text[], text[]) IS
'Calls sms_twilio_webhook for each element of the arrays, and returns the answers in their order. '
'coach_sms_gateway takes calls with it that came together. sms_grant_gateway grants it.';
CREATE OR REPLACE FUNCTION sms_twilio_webhook_raw(text) RETURNS void
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
  -- A call signed by a shared key has that header. Its name in the signature's place makes the refusal clear.
  SELECT w.http_status INTO status
    FROM @extschema@.sms_twilio_webhook(headers->>'x-called-url', $1,
           coalesce('X-Twilio-Webhooks-Signature-Settings: '
                      || nullif(headers->>'x-twilio-webhooks-signature-settings', ''),
                    headers->>'x-twilio-signature')) w;
  PERFORM set_config('response.status', CASE status WHEN 200 THEN '204' ELSE status::text END, true);
END
$$;
COMMENT ON FUNCTION sms_twilio_webhook_raw(text) IS
'Calls sms_twilio_webhook for PostgREST: POST /rpc/sms_twilio_webhook_raw with the raw body as text/plain. '
'The header X-Called-URL has the URL that Twilio called, and X-Twilio-Signature its signature. The answer '
'is a status alone, 204 for taken.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_sid(sid text, earlier text, prefix text, place text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  trimmed text := coach_sms_internal.sms_trim_blanks(sid);
BEGIN
  IF trimmed IS DISTINCT FROM earlier AND NOT coach_sms_internal.sms_is_sid(trimmed, prefix) THEN
    RAISE WARNING '% "%" cannot be a SID', place, left(trimmed, 40)
      USING DETAIL = 'It is stored, and the org''s messages wait until it is corrected.',
            HINT = format('Copy the SID from the Twilio console: %s and 32 hex digits.', prefix);
  END IF;
  RETURN trimmed;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_sender(sender text, region text, is_restored boolean)
  RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN coach_sms_internal.sms_normalize_sender(sender, region);
EXCEPTION WHEN SQLSTATE 'SM006' THEN
  IF NOT is_restored THEN
    RAISE;
  END IF;
  RAISE WARNING '%', SQLERRM
    USING DETAIL = 'The restored row keeps it.', HINT = 'Correct twilio_phone_number of the org.';
  RETURN sender;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_settings() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_check_zone(NEW.timezone, 'sms_settings.timezone');
  PERFORM @extschema@.sms_normalize_phone('+61491570156', NEW.default_region);  -- raises SM015
  IF NEW.twilio_phone_number IS DISTINCT FROM OLD.twilio_phone_number THEN
    -- An inserted row with a created_at of the past comes from a dump.
    NEW.twilio_phone_number := coach_sms_internal.sms_check_sender(
      NEW.twilio_phone_number, NEW.default_region, TG_OP = 'INSERT' AND NEW.created_at < now());
  END IF;
  NEW.twilio_account_sid := coach_sms_internal.sms_check_sid(
    NEW.twilio_account_sid, OLD.twilio_account_sid, 'AC', 'twilio_account_sid');
  NEW.twilio_messaging_service_sid := coach_sms_internal.sms_check_sid(
    NEW.twilio_messaging_service_sid, OLD.twilio_messaging_service_sid, 'MG', 'twilio_messaging_service_sid');
  RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_release_held() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  lane record;
BEGIN
  FOR lane IN
    WITH released AS (
      UPDATE coach_sms_internal.sms_queue q SET due_at = now(), held_for = NULL
       WHERE q.message_id IN (
               SELECT h.message_id FROM coach_sms_internal.sms_queue h
                WHERE h.org_id = NEW.org_id AND h.held_for = 'client_daily_limit'
                ORDER BY h.message_id FOR UPDATE SKIP LOCKED)
       RETURNING q.zone, q.priority)
    SELECT DISTINCT r.zone, r.priority FROM released r
  LOOP
    PERFORM coach_sms_internal.sms_note_due(NEW.org_id, lane.zone, lane.priority, now());
  END LOOP;
  RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_move_lane() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  lane record;
BEGIN
  IF NEW.metadata->>'timezone' IS NOT NULL THEN
    PERFORM coach_sms_internal.sms_check_zone(NEW.metadata->>'timezone', 'metadata.timezone');
  END IF;
  UPDATE coach_sms_internal.sms_queue q SET zone = coach_sms_internal.sms_zone_of(NEW.metadata)
   WHERE q.message_id = NEW.id
   RETURNING q.zone, q.priority, q.due_at INTO lane;
  IF FOUND THEN
    PERFORM coach_sms_internal.sms_note_due(NEW.org_id, lane.zone, lane.priority, lane.due_at);
  END IF;
  RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_opens_at(org_id uuid, at timestamptz, zone text DEFAULT '')
  RETURNS timestamptz
  AS 'MODULE_PATHNAME', 'coach_sms_opens_at' LANGUAGE C STABLE STRICT
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_complete_message() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_complete_message' LANGUAGE C;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_queue_message() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_queue_message' LANGUAGE C;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_guard_status() RETURNS trigger
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
  PERFORM coach_sms_internal.sms_unqueue(ARRAY[OLD.id]);
  RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_refuse_metadata() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'metadata is not a JSON object'
    USING ERRCODE = 'SM005', DETAIL = 'It must be an object, as in {"source": "app"}.',
          HINT = 'Build it with jsonb_build_object().';
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_forget_messages() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    DELETE FROM coach_sms_internal.sms_queue;
    DELETE FROM coach_sms_internal.sms_in_flight;
    UPDATE @extschema@.sms_events e SET message_id = NULL WHERE e.message_id IS NOT NULL;
  ELSE
    PERFORM coach_sms_internal.sms_unqueue(ARRAY(SELECT g.id FROM gone g));
    DELETE FROM coach_sms_internal.sms_in_flight f USING gone g WHERE f.message_id = g.id;
    UPDATE @extschema@.sms_events e SET message_id = NULL FROM gone g WHERE e.message_id = g.id;
  END IF;
  RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_warn_of_placeholders(body text, names jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wrong record;
BEGIN
  FOR wrong IN
    SELECT f.match[1] AS written, n.name
      FROM jsonb_array_elements_text(names) n (name)
     CROSS JOIN LATERAL regexp_matches(
       regexp_replace(body, '\{\{[^{}]*\}\}', '', 'g'),
       replace('(\$?\{\s*NAME\s*\}|\[\[?\s*NAME\s*\]\]?|<<?\s*NAME\s*>>?|##?NAME##?'
               '|%%?\s*NAME\s*%%?|\$NAME\M|@NAME@|\*\|NAME\|\*)',
               'NAME', n.name), 'gi') f (match)
     WHERE n.name ~ '^[A-Za-z_][A-Za-z0-9_]*$'
  LOOP
    RAISE WARNING 'placeholder "%" is text, and would be sent as it stands', wrong.written
      USING DETAIL = format('variables_schema names the variable %s.', wrong.name),
            HINT = format('Write {{%s}}.', wrong.name);
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_template() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_template_variables(NEW.body);
  IF jsonb_typeof(NEW.variables_schema) = 'array' THEN
    PERFORM coach_sms_internal.sms_warn_of_placeholders(NEW.body, NEW.variables_schema);
  END IF;
  IF NEW.version IS NULL THEN
    -- Concurrent inserts of a key wait for each other, and the next statement's snapshot
    -- sees the earlier one.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.org_id::text || NEW.template_key, 0));
    NEW.version := (SELECT coalesce(max(t.version), 0) + 1 FROM @extschema@.sms_templates t
                     WHERE t.org_id = NEW.org_id AND t.template_key = NEW.template_key);
  END IF;
  RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_touch() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_forget_facts() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_forget_facts' LANGUAGE C;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_org_region(org_id uuid) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT s.default_region FROM @extschema@.sms_settings s WHERE s.org_id = $1), 'AU')
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_note_retraction(phone text) RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_note_retraction' LANGUAGE C VOLATILE STRICT;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_soft_phone(phone text, region text DEFAULT 'AU') RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_soft_phone' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_number_of(address text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_number_of' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_sending_address(
  org_id uuid, from_phone text, OUT account_sid text, OUT sender text)
  AS 'MODULE_PATHNAME', 'coach_sms_sending_address' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_has_own_token(org_id uuid) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_has_own_token' LANGUAGE C VOLATILE STRICT;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_sends_as(org_id uuid, from_phone text, account_sid text, sender text)
  RETURNS boolean
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce((SELECT coalesce(a.account_sid, '') = $3 AND a.sender = $4
                     FROM coach_sms_internal.sms_sending_address($1, $2) a), false)
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_phone_names(phone text) RETURNS text[]
  AS 'MODULE_PATHNAME', 'coach_sms_phone_names' LANGUAGE C STABLE STRICT;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_phone_forms(phone text) RETURNS text[]
  AS 'MODULE_PATHNAME', 'coach_sms_phone_forms' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_phone_key(phone text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_phone_key' LANGUAGE C STABLE STRICT PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_is_bound(org_id uuid, from_phone text, phone text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM @extschema@.sms_opt_outs o
     WHERE o.phone = ANY (coach_sms_internal.sms_phone_names($3))
       AND coach_sms_internal.sms_sends_as($1, $2, o.account_sid, o.sender))
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.is_phone_suppressed_as_owner(org_id uuid, phone text) RETURNS boolean
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_opt_out_as_owner(
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_opt_in_as_owner(org_id uuid, phone text, include_manual boolean)
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_normalize_suppression() RETURNS trigger
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_is_signed_for(org_id uuid, signers uuid[], by_server boolean)
  RETURNS boolean
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN coach_sms_internal.sms_has_own_token(org_id) THEN org_id = ANY (signers)
              ELSE by_server END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_orgs_answered(
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_orgs_of_sender(
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_take_stop(
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_take_start(
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_take_inbound(
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_take_refusal(message_id uuid, code text, reason text) RETURNS void
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_hash_opt_outs(org_id uuid, number text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  names text[];
  hashed text;
BEGIN
  INSERT INTO @extschema@.sms_phone_salt (salt)
    VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'))
    ON CONFLICT ON CONSTRAINT sms_phone_salt_pkey DO NOTHING;
  names := coach_sms_internal.sms_phone_names(number);
  hashed := (SELECT min(n) FROM unnest(names) n WHERE n LIKE 'hash:%');  -- one hash for all forms
  -- One statement for each table: an entry that is made meanwhile is either hashed or stays as it is.
  WITH gone AS (
    DELETE FROM @extschema@.sms_suppression s
     WHERE s.org_id = $1 AND s.phone = ANY (names) AND s.phone <> hashed RETURNING s.*)
  INSERT INTO @extschema@.sms_suppression (org_id, phone, reason, source, created_at)
    SELECT g.org_id, hashed, g.reason, g.source, g.created_at FROM gone g
     ORDER BY g.reason = 'manual' DESC, g.created_at LIMIT 1  -- of several entries the strongest stays
    ON CONFLICT ON CONSTRAINT sms_suppression_org_id_phone_key
    DO UPDATE SET reason = 'manual', source = excluded.source WHERE excluded.reason = 'manual';
  -- Opt-outs from senders of other orgs stay as they are.
  WITH gone AS (
    DELETE FROM @extschema@.sms_opt_outs o
     WHERE o.phone = ANY (names) AND o.phone <> hashed
       AND (coach_sms_internal.sms_may_act_for(NULL)
            OR coach_sms_internal.sms_sends_as($1, NULL, o.account_sid, o.sender))
    RETURNING o.*)
  INSERT INTO @extschema@.sms_opt_outs (account_sid, sender, phone, source, created_at)
    SELECT g.account_sid, g.sender, hashed, g.source, g.created_at FROM gone g
    ON CONFLICT ON CONSTRAINT sms_opt_outs_pkey DO NOTHING;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_erase_history(
  org_id uuid, number text, ids uuid[], OUT attempts integer, OUT events integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  names text[] := coach_sms_internal.sms_phone_names(number);
BEGIN
  -- The number finds texts from the person, and rows whose message is gone or not known. Each condition is
  -- a SELECT of its own, so that it has its index.
  WITH found AS (
    SELECT a.id FROM @extschema@.sms_attempts a WHERE a.message_id = ANY (ids)
    UNION
    SELECT a.id FROM @extschema@.sms_attempts a
     WHERE a.org_id = $1 AND (a.client_key = ANY (names) OR a.request_payload->>'To' = ANY (names))
       AND NOT EXISTS (SELECT FROM @extschema@.sms_messages m WHERE m.id = a.message_id))
  UPDATE @extschema@.sms_attempts a
     SET request_payload = NULL, response_payload = NULL, error_message = NULL, client_key = 'erased'
    FROM found f WHERE a.id = f.id;
  GET DIAGNOSTICS attempts = ROW_COUNT;
  WITH found AS (
    SELECT e.id FROM @extschema@.sms_events e WHERE e.message_id = ANY (ids)
    UNION
    SELECT e.id FROM @extschema@.sms_events e
     WHERE e.message_id IS NULL AND e.org_id = $1
       AND (coach_sms_internal.sms_number_of(e.event_payload->>'From') = ANY (names)
            OR coach_sms_internal.sms_number_of(e.event_payload->>'To') = ANY (names))
    UNION
    SELECT e.id FROM @extschema@.sms_events e
     WHERE e.message_id IS NULL AND e.org_id IS NULL AND (SELECT coach_sms_internal.sms_may_act_for(NULL))
       AND (coach_sms_internal.sms_number_of(e.event_payload->>'From') = ANY (names)
            OR coach_sms_internal.sms_number_of(e.event_payload->>'To') = ANY (names)))
  UPDATE @extschema@.sms_events e SET event_payload = NULL, error_message = NULL
    FROM found f WHERE e.id = f.id;
  GET DIAGNOSTICS events = ROW_COUNT;
  UPDATE @extschema@.sms_booking_texts t SET detail = NULL
   WHERE t.org_id = $1
     AND (t.message_id = ANY (ids) OR EXISTS (SELECT FROM unnest(names) n WHERE position(n IN t.detail) > 0));
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_erase_person_as_owner(org_id uuid, phone text)
  RETURNS TABLE (messages integer, attempts integer, events integer, under_way integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  number text;
  names text[];
  ids uuid[];
BEGIN
  IF org_id IS NULL THEN
    RAISE EXCEPTION 'org_id is null'
      USING ERRCODE = 'SM001', DETAIL = 'A person is erased in one org.', HINT = 'Give the org''s id.';
  ELSIF phone IS NULL THEN
    RAISE EXCEPTION 'phone is null'
      USING ERRCODE = 'SM006', DETAIL = 'A person is erased by exactly one number.',
            HINT = 'Give the number.';
  END IF;
  PERFORM coach_sms_internal.sms_require_org(org_id);
  number := coach_sms_internal.sms_keep_phone(phone, coach_sms_internal.sms_org_region(org_id));
  names := coach_sms_internal.sms_phone_names(number);
  PERFORM coach_sms_internal.sms_cancel_waiting(
    ARRAY(SELECT m.id FROM @extschema@.sms_messages m
           WHERE m.to_phone = ANY (names) AND m.org_id = sms_erase_person_as_owner.org_id),
    'erased', NULL);
  -- A callback may end a message before the result of our own request is recorded. Then its
  -- claim is still there.
  ids := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.to_phone = ANY (names) AND m.org_id = sms_erase_person_as_owner.org_id
       AND m.status NOT IN ('pending', 'queued', 'sending', 'unknown')
       AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = m.id)
     ORDER BY m.id FOR NO KEY UPDATE);
  UPDATE @extschema@.sms_messages m
     SET to_phone = 'erased', body = '', variables = NULL, client_id = NULL, metadata = '{}',
         error_message = NULL, updated_at = now()
   WHERE m.id = ANY (ids);
  SELECT h.attempts, h.events INTO attempts, events
    FROM coach_sms_internal.sms_erase_history(org_id, number, ids) h;
  PERFORM coach_sms_internal.sms_hash_opt_outs(org_id, number);
  messages := cardinality(ids);
  under_way := (SELECT count(*) FROM @extschema@.sms_messages m
                 WHERE m.to_phone = ANY (names) AND m.org_id = sms_erase_person_as_owner.org_id);
  RETURN NEXT;
END
$$;
CREATE OR REPLACE FUNCTION sms_export_opt_outs()
  RETURNS TABLE (org_id uuid, phone text, reason text, source text, notes text, created_at timestamptz,
                 account_sid text, sender text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.org_id, s.phone, s.reason, s.source, s.notes, s.created_at, NULL, NULL
    FROM @extschema@.sms_suppression s
  UNION ALL
  SELECT NULL, o.phone, 'opt_out', o.source, NULL, o.created_at, o.account_sid, o.sender
    FROM @extschema@.sms_opt_outs o
  ORDER BY 1, 2, 7, 8
$$;
COMMENT ON FUNCTION sms_export_opt_outs() IS
'Returns every entry of sms_suppression (with org_id) and of sms_opt_outs (with account_sid and sender). '
'Keep them in a file before DROP EXTENSION.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_read_bookings(ids uuid[]) RETURNS SETOF coach_sms_internal.sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_read_bookings' LANGUAGE C VOLATILE STRICT ROWS 1;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_find_bookings(
  starts_after timestamptz, starts_until timestamptz, ends_after timestamptz, ends_until timestamptz,
  ids uuid[], of_org uuid DEFAULT NULL)
  RETURNS SETOF coach_sms_internal.sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_find_bookings' LANGUAGE C VOLATILE ROWS 1000;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_client_name(org_id uuid, client_id uuid) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_client_name' LANGUAGE C STABLE STRICT COST 1000;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_mark_booking(booking_id uuid, feedback boolean) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_mark_booking' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION sms_booking_trigger() IS
'The trigger on the attached bookings, clients and orgs, which sms_attach_bookings() creates. Decides anew '
'the texts of the bookings that a change concerns. Not to be called.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_is_table(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = $1
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_refuse_bookings(problem text, detail text, hint text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '%', problem USING ERRCODE = 'SM021', DETAIL = detail, HINT = hint;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_booking_columns() RETURNS TABLE (relation text, name text, kind text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES ('bookings', 'id', 'uuid'), ('bookings', 'org_id', 'uuid'), ('bookings', 'client_id', 'uuid'),
         ('bookings', 'start_time', 'timestamptz'), ('bookings', 'end_time', 'timestamptz'),
         ('bookings', 'status', 'text'), ('bookings', 'location_details', 'text'),
         ('bookings', 'reminder_sent', 'boolean'), ('bookings', 'feedback_sent', 'boolean'),
         ('clients', 'id', 'uuid'), ('clients', 'org_id', 'uuid'), ('clients', 'full_name', 'text'),
         ('clients', 'phone', 'text'), ('clients', 'first_name', 'text'),
         ('orgs', 'id', 'uuid'), ('orgs', 'name', 'text')
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_mapping(mapping jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part text;
  entry record;
BEGIN
  IF jsonb_typeof(mapping) IS DISTINCT FROM 'object' THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(
      'mapping is not a JSON object',
      'It names our columns and yours, as in {"bookings": {"start_time": "starts_at"}}.',
      'Leave it out where the names are the documented ones.');
  END IF;
  FOREACH part IN ARRAY ARRAY(SELECT jsonb_object_keys(mapping)) LOOP
    IF part NOT IN ('bookings', 'clients', 'orgs', 'status') OR jsonb_typeof(mapping->part) <> 'object' THEN
      PERFORM coach_sms_internal.sms_refuse_bookings(
        format('mapping has an unknown part "%s"', part),
        'Its parts are bookings, clients, orgs and status, each an object.',
        'Correct its name, or take it out.');
    END IF;
    FOR entry IN SELECT * FROM jsonb_each(mapping->part) LOOP
      IF part = 'status' THEN
        IF entry.key NOT IN ('confirmed', 'completed') OR jsonb_typeof(entry.value) <> 'array'
           OR EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(entry.value)
                                                  WHEN 'array' THEN entry.value ELSE '[]' END) e
                       WHERE jsonb_typeof(e) <> 'string') THEN
          PERFORM coach_sms_internal.sms_refuse_bookings(
            format('mapping of status "%s" is not understood', entry.key),
            'status has confirmed and completed, each an array of the words that count.',
            'Write it as in {"status": {"confirmed": ["confirmed", "paid"]}}.');
        END IF;
      ELSIF jsonb_typeof(entry.value) <> 'string'
            OR NOT EXISTS (SELECT FROM coach_sms_internal.sms_booking_columns() c
                            WHERE c.relation = part AND c.name = entry.key) THEN
        PERFORM coach_sms_internal.sms_refuse_bookings(
          format('mapping of %s "%s" is not understood', part, entry.key),
          format('The columns of %s are %s; each is mapped to a name.', part,
                 (SELECT string_agg(c.name, ', ') FROM coach_sms_internal.sms_booking_columns() c
                   WHERE c.relation = part)),
          'Our name comes first, yours second.');
      END IF;
    END LOOP;
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_complete_mapping(mapping jsonb) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_object_agg(c.relation, c.names || coalesce(mapping->c.relation, '{}'))
         || jsonb_build_object('status', '{"confirmed": ["confirmed"], "completed": ["completed"]}'
                                         || coalesce(mapping->'status', '{}'))
    FROM (SELECT relation, jsonb_object_agg(name, name) AS names
            FROM coach_sms_internal.sms_booking_columns() o
           WHERE o.name <> 'first_name'
             AND (o.name <> 'full_name' OR mapping #> '{clients,first_name}' IS NULL)
           GROUP BY relation) c
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_booking_column(
  relation regclass, part text, name text, own_name text, kind text)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_type oid;
  is_right boolean;
BEGIN
  SELECT coalesce(nullif(t.typbasetype, 0), t.oid),
         CASE kind WHEN 'text' THEN t.typcategory IN ('S', 'E')
                   ELSE coalesce(nullif(t.typbasetype, 0), t.oid) = kind::regtype END
    INTO found_type, is_right
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
   WHERE a.attrelid = relation AND a.attname = own_name AND a.attnum > 0 AND NOT a.attisdropped;
  IF NOT FOUND THEN
    IF kind = 'boolean' AND NOT coach_sms_internal.sms_is_table(relation) THEN
      RETURN;
    END IF;
    PERFORM coach_sms_internal.sms_refuse_bookings(format('%s has no column "%s"', relation, own_name),
      format('It is to be the %s of the %s.', name, part),
      format('If it has another name, give it: mapping => ''{"%s": {"%s": "your_column"}}''; '
             'or attach a view.',
             part, name));
  ELSIF NOT is_right THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(
      format('column "%s" of %s is of type %s', own_name, relation, format_type(found_type, NULL)),
      format('It is read as %s of the %s, and must be %s.', name, part,
             CASE kind WHEN 'text' THEN 'text, varchar or an enum' ELSE kind END),
      CASE WHEN found_type = 'timestamp'::regtype
           THEN format('It does not say in which zone its times are. Make it timestamptz: '
                       'ALTER TABLE … ALTER COLUMN %I TYPE timestamptz USING %I AT TIME ZONE '
                       '''Australia/Sydney''; or attach a view that does.',
                       own_name, own_name)
           ELSE 'Map another column, or attach a view that casts it.' END);
  END IF;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_booking_rights(bookings regclass, other regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner oid := (SELECT relowner FROM pg_class WHERE oid = bookings);
  schema oid := (SELECT relnamespace FROM pg_class WHERE oid = other);
BEGIN
  IF NOT has_schema_privilege(owner, schema, 'USAGE') OR NOT has_table_privilege(owner, other, 'SELECT') THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(
      format('%s, the owner of %s, may not read %s', owner::regrole, bookings, other),
      'Bookings, clients and orgs are read with the rights of the owner of the bookings.',
      format('GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s.',
             schema::regnamespace, owner::regrole, other, owner::regrole));
  END IF;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_status_words(bookings regclass, status_column text, words jsonb)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  enum_type oid;
  unknown text;
BEGIN
  SELECT t.oid INTO enum_type FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
   WHERE a.attrelid = bookings AND a.attname = status_column AND t.typtype = 'e';
  SELECT w INTO unknown FROM jsonb_each(words) p, jsonb_array_elements_text(p.value) w
   WHERE enum_type IS NOT NULL
     AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = enum_type AND e.enumlabel = w)
   LIMIT 1;
  IF FOUND THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(
      format('"%s" is no value of %s', unknown, enum_type::regtype),
      format('Column "%s" of %s has %s.', status_column, bookings,
             (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e
               WHERE e.enumtypid = enum_type)),
      'Say which words count: mapping => ''{"status": {"confirmed": [...], "completed": [...]}}''.');
  END IF;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_bookings_source(source sms_bookings_source) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT c.relation AS part, c.name, source.mapping->c.relation->>c.name AS own_name, c.kind,
           CASE c.relation WHEN 'bookings' THEN source.bookings WHEN 'clients' THEN source.clients
                           ELSE source.orgs END AS relation
      FROM coach_sms_internal.sms_booking_columns() c
     WHERE source.mapping->c.relation ? c.name
  LOOP
    PERFORM coach_sms_internal.sms_check_booking_column(
      wanted.relation, wanted.part, wanted.name, wanted.own_name, wanted.kind);
  END LOOP;
  PERFORM coach_sms_internal.sms_check_status_words(
    source.bookings, source.mapping #>> '{bookings,status}', source.mapping->'status');
  PERFORM coach_sms_internal.sms_check_booking_rights(source.bookings, source.clients);
  PERFORM coach_sms_internal.sms_check_booking_rights(source.bookings, source.orgs);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_drop_booking_triggers() RETURNS void
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_create_booking_triggers(source sms_bookings_source) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  b jsonb := source.mapping->'bookings';
  c jsonb := source.mapping->'clients';
  o jsonb := source.mapping->'orgs';
  changed text := (SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', b->>n), ' OR ')
    FROM unnest(ARRAY['id', 'org_id', 'client_id', 'start_time', 'end_time', 'status',
                      'location_details']) n);
  changed_client text := (SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', c->>n), ' OR ')
    FROM unnest(ARRAY['phone', 'full_name', 'first_name', 'org_id']) n WHERE c ? n);
BEGIN
  IF coach_sms_internal.sms_is_table(source.bookings) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_insert AFTER INSERT ON %s FOR EACH ROW '
                   'EXECUTE FUNCTION @extschema@.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_update AFTER UPDATE ON %s FOR EACH ROW WHEN (%s) '
                   'EXECUTE FUNCTION @extschema@.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, changed, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_delete AFTER DELETE ON %s FOR EACH ROW '
                   'EXECUTE FUNCTION @extschema@.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT '
                   'EXECUTE FUNCTION @extschema@.sms_booking_trigger(''truncate'')',
                   source.bookings);
  END IF;
  IF coach_sms_internal.sms_is_table(source.clients) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_client AFTER UPDATE ON %s FOR EACH ROW WHEN (%s)'
                   ' EXECUTE FUNCTION @extschema@.sms_booking_trigger(''client'', %L, %L)',
                   source.clients, changed_client, c->>'id', c->>'org_id');
  END IF;
  IF coach_sms_internal.sms_is_table(source.orgs) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_org AFTER UPDATE ON %s FOR EACH ROW '
                   'WHEN (OLD.%2$I IS DISTINCT FROM NEW.%2$I)'
                   ' EXECUTE FUNCTION @extschema@.sms_booking_trigger(''org'', %3$L, %3$L)',
                   source.orgs, o->>'name', o->>'id');
  END IF;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_add_booking_flags(bookings regclass, mapping jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  flag text;
BEGIN
  FOREACH flag IN ARRAY ARRAY['reminder_sent', 'feedback_sent'] LOOP
    IF coach_sms_internal.sms_is_table(bookings)
       AND NOT EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = bookings AND a.attname = mapping->'bookings'->>flag
                          AND NOT a.attisdropped) THEN
      EXECUTE format('ALTER TABLE %s ADD COLUMN %I boolean DEFAULT false',
                     bookings, mapping->'bookings'->>flag);
    END IF;
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_without_flags(bookings regclass, mapping jsonb) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT mapping || jsonb_build_object('bookings', (mapping->'bookings') - coalesce(
    (SELECT array_agg(f.name) FROM unnest(ARRAY['reminder_sent', 'feedback_sent']) f(name)
      WHERE NOT EXISTS (SELECT FROM pg_attribute a
                         WHERE a.attrelid = bookings AND a.attname = mapping->'bookings'->>f.name
                           AND NOT a.attisdropped)), '{}'))
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_record_baseline(reason text, OUT ahead integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found coach_sms_internal.sms_booking[];
BEGIN
  found := ARRAY(
    SELECT b FROM coach_sms_internal.sms_find_bookings(now(), 'infinity', 'infinity', 'infinity', '{}') b
     WHERE b.state = 'confirmed');
  INSERT INTO @extschema@.sms_booking_texts AS t
    (booking_id, type, org_id, session_start, session_end, reason)
    SELECT DISTINCT ON (b.id, w.type) b.id, w.type, b.org_id, b.start_time, b.end_time, w.reason
      FROM unnest(found) b
      CROSS JOIN LATERAL (VALUES ('confirmation', sms_record_baseline.reason, true),
                                 ('reminder', 'already_sent', b.reminder_sent)) w (type, reason, counts)
     WHERE w.counts
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO UPDATE
      SET reason = excluded.reason, detail = NULL, try_until = NULL, updated_at = now()
      WHERE excluded.reason = 'before_live' AND t.message_id IS NULL
        AND (t.try_until > now() OR t.reason = 'booking_cancelled');
  ahead := cardinality(found);
END
$$;
CREATE OR REPLACE FUNCTION sms_attach_bookings(
  bookings regclass DEFAULT NULL, clients regclass DEFAULT NULL, orgs regclass DEFAULT NULL,
  mapping jsonb DEFAULT '{}')
  RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source @extschema@.sms_bookings_source;
  earlier @extschema@.sms_bookings_source;
  part record;
  ahead integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('coach_sms: attach', 0));
  PERFORM coach_sms_internal.sms_check_mapping(mapping);
  source.singleton := true;
  source.bookings := coalesce(bookings, to_regclass('public.bookings'));
  source.clients := coalesce(clients, to_regclass('public.clients'));
  source.orgs := coalesce(orgs, to_regclass('public.orgs'));
  FOR part IN SELECT * FROM (VALUES ('bookings', source.bookings), ('clients', source.clients),
                                    ('orgs', source.orgs)) p (name, relation)
               WHERE p.relation IS NULL LOOP
    PERFORM coach_sms_internal.sms_refuse_bookings(
      format('there is no public.%s', part.name),
      format('The %s are read from it unless you name another.', part.name),
      format('Name yours: sms_attach_bookings(%s => ''your_%s'').', part.name, part.name));
  END LOOP;
  source.mapping := coach_sms_internal.sms_complete_mapping(mapping);
  -- Takes the strongest locks, and all of them first. Two locks that grow later, ours and an application's,
  -- would deadlock.
  FOR part IN SELECT DISTINCT r AS relation FROM unnest(ARRAY[source.bookings, source.clients, source.orgs]) r
               WHERE coach_sms_internal.sms_is_table(r) ORDER BY 1 LOOP
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part.relation);
  END LOOP;
  PERFORM coach_sms_internal.sms_add_booking_flags(source.bookings, source.mapping);
  PERFORM coach_sms_internal.sms_check_bookings_source(source);
  source.mapping := coach_sms_internal.sms_without_flags(source.bookings, source.mapping);
  source.attached_at := now();
  source.attached_by := session_user;

  SELECT * INTO earlier FROM @extschema@.sms_bookings_source;
  IF (earlier.bookings, earlier.clients, earlier.orgs, earlier.mapping)
     = (source.bookings, source.clients, source.orgs, source.mapping) THEN
    source := earlier;
  END IF;
  PERFORM coach_sms_internal.sms_drop_booking_triggers();
  DELETE FROM @extschema@.sms_bookings_source;
  INSERT INTO @extschema@.sms_bookings_source SELECT source.*;
  BEGIN
    PERFORM coach_sms_internal.sms_read_bookings('{}');
    ahead := coach_sms_internal.sms_record_baseline('before_attach');
  EXCEPTION WHEN OTHERS THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(
      format('%s cannot be read as its owner', source.bookings), SQLERRM,
      'Repair the view, or give its owner the rights it needs '
      '(BYPASSRLS where policies would hide rows from it).');
  END;
  PERFORM coach_sms_internal.sms_create_booking_triggers(source);
  RETURN ahead;
END
$$;
COMMENT ON FUNCTION sms_attach_bookings(regclass, regclass, regclass, jsonb) IS
'Sends confirmations, reminders and feedback requests for the bookings in these tables or views (default: '
'public.bookings, clients, orgs) from now on. mapping gives other column names and status words: '
'{"bookings": {"start_time": "starts_at"}, "status": {"confirmed": ["booked"]}}. If it names a '
'column first_name of the clients, texts use that column as it is. Adds reminder_sent and feedback_sent to '
'a table without them. Returns how many confirmed bookings lie ahead; they get reminders, and no '
'confirmation. A later call replaces the source if it differs. Locks the tables (ACCESS EXCLUSIVE) until '
'the transaction ends. Superuser only. Raises SM021 for tables that do not fit.';
CREATE OR REPLACE FUNCTION sms_detach_bookings() RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('coach_sms: attach', 0));
  PERFORM coach_sms_internal.sms_drop_booking_triggers();
  DELETE FROM @extschema@.sms_bookings_source;
  RETURN (SELECT count(*)
            FROM @extschema@.sms_booking_texts t JOIN @extschema@.sms_messages m ON m.id = t.message_id
           WHERE m.status IN ('pending', 'queued'));
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_keep_note(kind text, id uuid, value jsonb) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_keep_note' LANGUAGE C VOLATILE STRICT;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_read_note(kind text, id uuid) RETURNS jsonb
  AS 'MODULE_PATHNAME', 'coach_sms_read_note' LANGUAGE C VOLATILE STRICT;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_note_texts(booking_id uuid) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN coach_sms_internal.sms_read_note('texts', booking_id) IS NULL
     AND coach_sms_internal.sms_keep_note('texts', booking_id, (
           SELECT coalesce(jsonb_agg(t), '[]')
             FROM @extschema@.sms_booking_texts t
            WHERE t.booking_id = sms_note_texts.booking_id));
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_note_withdrawal(message_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_keep_note('message', m.id, jsonb_build_object('message', m, 'queue', q))
     FROM @extschema@.sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id
    WHERE m.id = sms_note_withdrawal.message_id;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_queue_again(booking_id uuid) RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  requeued integer;
BEGIN
  WITH noted AS (
    SELECT jsonb_populate_record(NULL::@extschema@.sms_messages, n->'message') AS message,
           nullif(n->'queue', 'null') AS queue
      FROM @extschema@.sms_booking_texts t, coach_sms_internal.sms_read_note('message', t.message_id) n
     WHERE t.booking_id = sms_queue_again.booking_id AND t.reason IS NULL AND n IS NOT NULL),
  back AS (
    UPDATE @extschema@.sms_messages m
       SET status = (n.message).status, error_code = (n.message).error_code,
           error_message = (n.message).error_message, updated_at = (n.message).updated_at
      FROM noted n
     WHERE m.id = (n.message).id AND m.status = 'cancelled'
       AND m.error_code IN ('booking_changed', 'booking_cancelled')
    RETURNING n.queue),
  queued AS (
    INSERT INTO coach_sms_internal.sms_queue
      SELECT q.* FROM back b, jsonb_populate_record(NULL::coach_sms_internal.sms_queue, b.queue) q
       WHERE q.message_id IS NOT NULL
    RETURNING *)
  SELECT count(coach_sms_internal.sms_note_due(q.org_id, q.zone, q.priority, q.due_at)) INTO requeued
    FROM queued q;
  RETURN requeued;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_take_back(booking_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  noted jsonb := coach_sms_internal.sms_read_note('texts', booking_id);
BEGIN
  IF noted IS NULL THEN
    RETURN;
  END IF;
  -- A new row that had a message stays, because it counts the keys that are taken.
  DELETE FROM @extschema@.sms_booking_texts t
   WHERE t.booking_id = sms_take_back.booking_id AND t.message_id IS NULL AND t.revision = 0
     AND NOT EXISTS (SELECT FROM jsonb_populate_recordset(NULL::@extschema@.sms_booking_texts, noted) b
                      WHERE b.type = t.type AND b.schedule_id = t.schedule_id);
  UPDATE @extschema@.sms_booking_texts t
     SET org_id = b.org_id, session_start = b.session_start, session_end = b.session_end,
         message_id = b.message_id, reason = b.reason, detail = b.detail, try_until = b.try_until,
         created_at = b.created_at, updated_at = b.updated_at, series = b.series
    FROM jsonb_populate_recordset(NULL::@extschema@.sms_booking_texts, noted) b
   WHERE t.booking_id = b.booking_id AND t.type = b.type AND t.schedule_id = b.schedule_id
     AND (t.message_id IS NOT DISTINCT FROM b.message_id
          OR NOT EXISTS (SELECT FROM @extschema@.sms_messages m
                          WHERE m.id = t.message_id AND m.status IN ('pending', 'queued')));
  PERFORM coach_sms_internal.sms_queue_again(booking_id);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_series_of(booking coach_sms_internal.sms_booking) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  series uuid;
BEGIN
  IF booking.has_client IS NOT TRUE OR coach_sms_internal.sms_read_note('texts', booking.id) IS NULL THEN
    RETURN NULL;
  END IF;
  PERFORM coach_sms_internal.sms_keep_note('client', booking.client_id, to_jsonb(gen_random_uuid()));
  series := coach_sms_internal.sms_read_note('client', booking.client_id) #>> '{}';
  PERFORM coach_sms_internal.sms_keep_note('series', series, 'true');
  RETURN series;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_has_template(org_id uuid, key text) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT FROM @extschema@.sms_templates t
                  WHERE t.org_id = $1 AND t.template_key = $2 AND t.is_active)
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_series_variables(
  first coach_sms_internal.sms_booking, sessions integer) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_booking_variables(first)
         || jsonb_build_object('session_count', sessions, 'further_sessions', sessions - 1)
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_skip_rest_of_series(series uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE @extschema@.sms_booking_texts t
     SET reason = 'part_of_series', detail = NULL, try_until = NULL, updated_at = now()
   WHERE t.series = sms_skip_rest_of_series.series AND t.reason = 'client_daily_limit'
     AND EXISTS (SELECT FROM @extschema@.sms_booking_texts x
                  WHERE x.series = sms_skip_rest_of_series.series
                    AND x.message_id IS NOT NULL AND x.reason IS NULL);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_queue_series(
  series uuid, first coach_sms_internal.sms_booking, sessions integer) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN @extschema@.sms_enqueue(first.org_id, client_id => first.client_id, to_phone => first.phone,
    template_key => 'booking_series_confirmation',
    variables => coach_sms_internal.sms_series_variables(first, sessions),
    expires_at => first.start_time, related_entity_type => 'booking', related_entity_id => first.id,
    idempotency_key => concat_ws('-', 'booking-series', series,
      (SELECT sum(t.revision) FROM @extschema@.sms_booking_texts t WHERE t.series = sms_queue_series.series)),
    metadata => '{"booking_text": "confirmation"}');
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_series_members(series uuid) RETURNS coach_sms_internal.sms_booking[]
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(
    SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY(
             SELECT t.booking_id FROM @extschema@.sms_booking_texts t
              WHERE t.series = sms_series_members.series)) b
      JOIN @extschema@.sms_booking_texts t ON t.booking_id = b.id AND t.series = sms_series_members.series
      LEFT JOIN @extschema@.sms_messages m ON m.id = t.message_id
     WHERE b.state = 'confirmed' AND b.has_client AND b.start_time > now()
       AND (m.id IS NULL AND t.try_until > now()
            OR m.status IN ('pending', 'queued') AND m.metadata ? 'booking_text'
            OR m.status = 'cancelled' AND m.error_code IN ('booking_changed', 'booking_cancelled'))
     ORDER BY b.start_time, b.id);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_make_series(series uuid) RETURNS text
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  members coach_sms_internal.sms_booking[] := coach_sms_internal.sms_series_members(series);
  made uuid;
  why text := coach_sms_internal.sms_why_unreachable(members[1]);
  words text := coach_sms_internal.sms_reason_in_words(why, 'confirmation');
  code text;
BEGIN
  IF cardinality(members) < 3
     OR NOT coach_sms_internal.sms_has_template(members[1].org_id, 'booking_series_confirmation') THEN
    RETURN 'single';
  ELSIF EXISTS (SELECT FROM unnest(members) b
                 WHERE NOT pg_try_advisory_xact_lock(coach_sms_internal.sms_lock_booking(b.id))) THEN
    RETURN 'locked';
  END IF;
  BEGIN
    PERFORM coach_sms_internal.sms_cancel_waiting(
      ARRAY(SELECT t.message_id FROM @extschema@.sms_booking_texts t
              JOIN unnest(members) b ON b.id = t.booking_id
             WHERE t.series = sms_make_series.series),
      'booking_changed', 'the booking is confirmed with its series');
    IF why IS NULL THEN
      made := coach_sms_internal.sms_queue_series(series, members[1], cardinality(members));
    END IF;
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, words = MESSAGE_TEXT;
    IF code IN ('SM003', 'SM004', 'SM005', 'SM009', 'SM017') THEN  -- the template's fault silences no booking
      RETURN 'single';
    END IF;
    why := coach_sms_internal.sms_skip_reason(code);
    IF why = 'client_daily_limit' THEN  -- whose message names the client
      words := coach_sms_internal.sms_reason_in_words(why, 'confirmation');
    END IF;
  END;
  UPDATE @extschema@.sms_booking_texts t
     SET message_id = made, reason = why, detail = words,
         session_start = b.start_time, session_end = b.end_time,
         try_until = CASE WHEN made IS NULL
                          THEN coach_sms_internal.sms_try_until('confirmation', why, b.start_time) END,
         revision = t.revision + (made IS NOT NULL)::integer, updated_at = now()
    FROM unnest(members) b
   WHERE t.booking_id = b.id AND t.series = sms_make_series.series;
  RETURN CASE WHEN made IS NULL THEN 'skipped' ELSE 'made' END;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_leave_series(booking coach_sms_internal.sms_booking) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE @extschema@.sms_booking_texts t
     SET message_id = NULL, reason = 'series_changed',
         detail = coach_sms_internal.sms_reason_in_words('series_changed', 'confirmation'),
         session_start = booking.start_time, session_end = booking.end_time, updated_at = now(),
         try_until = coach_sms_internal.sms_try_until('confirmation', 'series_changed', booking.start_time)
   WHERE t.booking_id = booking.id AND t.type = 'confirmation' AND t.series IS NOT NULL
     AND (t.reason = 'series_changed'
          OR EXISTS (SELECT FROM @extschema@.sms_messages m
                      WHERE m.id = t.message_id AND m.template_key = 'booking_series_confirmation'
                        AND m.status = 'cancelled'));
  RETURN FOUND;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_make_confirmation(
  booking coach_sms_internal.sms_booking, schedule_id uuid, template_key text,
  due_at timestamptz, expires_at timestamptz,
  OUT is_made boolean, OUT is_new boolean)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known record;
  outcome text := 'single';
BEGIN
  IF coach_sms_internal.sms_series_of(booking) IS NULL THEN  -- a pass, which tries a series once
    SELECT t.series, t.updated_at INTO known FROM @extschema@.sms_booking_texts t
     WHERE t.booking_id = booking.id AND t.type = 'confirmation';
    outcome := CASE WHEN known.series IS NULL THEN 'single' WHEN known.updated_at = now() THEN 'skipped'
                    ELSE coach_sms_internal.sms_make_series(known.series) END;
  ELSIF coach_sms_internal.sms_leave_series(booking) THEN
    outcome := 'left';
  END IF;
  IF outcome = 'single' THEN
    SELECT t.* INTO is_made, is_new
      FROM coach_sms_internal.sms_make_text(
             booking, 'confirmation', schedule_id, template_key, due_at, expires_at) t;
  ELSE
    is_made := outcome = 'made';
    is_new := false;
  END IF;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_confirm_series() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on SET lock_timeout = '300ms' AS $$
DECLARE
  members bigint;
BEGIN
  IF coach_sms_internal.sms_read_note('series', NEW.series) IS NULL THEN
    RETURN NULL;
  END IF;
  members := (SELECT count(*) FROM @extschema@.sms_booking_texts t WHERE t.series = NEW.series);
  IF members >= 3 AND coach_sms_internal.sms_keep_note('series of ' || members, NEW.series, 'true')
     AND coach_sms_internal.sms_make_series(NEW.series) = 'single' THEN
    PERFORM coach_sms_internal.sms_skip_rest_of_series(NEW.series);
  END IF;
  RETURN NULL;
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'the confirmations of series % were left as they are: %', NEW.series, SQLERRM;
  RETURN NULL;
END
$$;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW coach_sms_internal.sms_booking_rules AS
  SELECT s.org_id, s.enabled, 'confirmation' AS type, coach_sms_internal.sms_no_schedule() AS schedule_id,
         'confirmation' AS label, 'booking_confirmation' AS template_key, interval '0' AS span,
         s.send_booking_confirmations AS is_on, '-infinity'::timestamptz AS since
    FROM @extschema@.sms_settings s
  UNION ALL
  SELECT s.org_id, s.enabled, 'reminder', coach_sms_internal.sms_no_schedule(),
         format('reminder %s h before', s.reminder_hours_before), 'session_reminder',
         make_interval(hours => s.reminder_hours_before), s.send_session_reminders, '-infinity'
    FROM @extschema@.sms_settings s
   WHERE NOT EXISTS (SELECT FROM @extschema@.sms_schedules x
                      WHERE x.org_id = s.org_id AND x.type = 'pre_session')
  UNION ALL
  SELECT s.org_id, s.enabled, 'feedback', coach_sms_internal.sms_no_schedule(),
         format('feedback request %s h after', s.feedback_hours_after), 'feedback_request',
         make_interval(hours => s.feedback_hours_after), s.send_feedback_requests, '-infinity'
    FROM @extschema@.sms_settings s
   WHERE NOT EXISTS (SELECT FROM @extschema@.sms_schedules x
                      WHERE x.org_id = s.org_id AND x.type = 'post_session')
  UNION ALL
  SELECT s.org_id, s.enabled, w.type, x.id,
         coalesce(nullif(x.label, ''), format('%s min %s', x.mins_offset, w.word)),
         x.template_key, make_interval(mins => x.mins_offset), x.enabled AND w.is_on, x.created_at
    FROM @extschema@.sms_schedules x
    JOIN @extschema@.sms_settings s ON s.org_id = x.org_id
    JOIN LATERAL (VALUES ('pre_session', 'reminder', 'before', s.send_session_reminders),
                         ('post_session', 'feedback', 'after', s.send_feedback_requests))
           w (schedule_type, type, word, is_on) ON w.schedule_type = x.type;
SET LOCAL search_path = @extschema@, pg_temp;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_booking_outlook(bookings coach_sms_internal.sms_booking[])
  RETURNS TABLE (booking_id uuid, org_id uuid, type text, schedule_id uuid, label text, template_key text,
                 start_time timestamptz, end_time timestamptz, due_at timestamptz, expires_at timestamptz,
                 verdict text, is_due boolean, is_stale boolean, is_unmarked boolean,
                 message_id uuid, reason text, updated_at timestamptz)
  AS 'MODULE_PATHNAME', 'coach_sms_booking_outlook' LANGUAGE C STABLE STRICT;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_local_time(at timestamptz, zone text) RETURNS text
  LANGUAGE sql STABLE
  RETURN to_char(at AT TIME ZONE zone, 'Dy FMDD Mon YYYY, FMHH12:MI AM');
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_booking_variables(booking coach_sms_internal.sms_booking) RETURNS jsonb
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'client_name', coalesce(CASE WHEN coach_sms_internal.sms_first_name(booking.first_name) IS NOT NULL
      THEN booking.first_name END,
                            coach_sms_internal.sms_first_name(booking.full_name), 'there'),
    'coach_name', nullif(btrim(booking.org_name), ''),
    'session_datetime', coach_sms_internal.sms_local_time(booking.start_time,
      (SELECT coach_sms_internal.sms_known_zone(s.timezone) FROM @extschema@.sms_settings s
        WHERE s.org_id = booking.org_id)),
    'location', coalesce(nullif(btrim(booking.location), ''), 'TBD'),
    'feedback_link', nullif(rtrim(coach_sms_internal.sms_webapp_url(), '/'), '')
                     || '/feedback/' || booking.id));
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_phone_or_null(phone text, region text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN @extschema@.sms_normalize_phone(phone, region);
EXCEPTION WHEN SQLSTATE 'SM006' OR SQLSTATE 'SM015' THEN  -- no number; no region (any more)
  RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_stale_texts(
  booking_ids uuid[], bookings coach_sms_internal.sms_booking[])
  RETURNS TABLE (message_id uuid, to_phone text, code text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM @extschema@.sms_booking_texts t WHERE t.booking_id = ANY (booking_ids)) THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT m.id, m.to_phone,
         CASE WHEN b.state = CASE t.type WHEN 'feedback' THEN 'completed' ELSE 'confirmed' END
           THEN 'booking_changed' ELSE 'booking_cancelled' END
    FROM @extschema@.sms_booking_texts t
    JOIN LATERAL (SELECT * FROM @extschema@.sms_messages m WHERE m.id = t.message_id LIMIT 1) m ON m.status
      IN ('pending', 'queued', 'sending')
    LEFT JOIN unnest(bookings) b ON b.id = t.booking_id
    LEFT JOIN coach_sms_internal.sms_booking_outlook(bookings) o
           ON o.booking_id = t.booking_id AND o.type = t.type AND o.schedule_id = t.schedule_id
   WHERE t.booking_id = ANY (booking_ids)
     AND (coalesce(o.is_stale, true)
          OR m.to_phone IS DISTINCT FROM coach_sms_internal.sms_phone_or_null(b.phone,
            coach_sms_internal.sms_org_region(t.org_id))
          OR m.metadata ? 'booking_text' AND m.client_id IS DISTINCT FROM b.client_id
          OR m.metadata ? 'booking_text' AND CASE m.template_key WHEN 'booking_series_confirmation'
               -- The message names the first session of its series.
               THEN m.related_entity_id = b.id
                    AND m.variables - '{session_count,further_sessions}'::text[]
                        IS DISTINCT FROM coach_sms_internal.sms_booking_variables(b)
               ELSE m.template_key IS DISTINCT FROM o.template_key
                    OR m.variables IS DISTINCT FROM coach_sms_internal.sms_booking_variables(b) END)
   ORDER BY m.id;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_lock_booking(booking_id uuid) RETURNS bigint
  LANGUAGE sql IMMUTABLE
  RETURN hashtextextended('coach_sms: booking ' || booking_id::text, 0::bigint);
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_skip_reason(code text) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE code
    WHEN 'SM001' THEN 'no_settings' WHEN 'SM002' THEN 'disabled' WHEN 'SM003' THEN 'template_missing'
      WHEN 'SM004' THEN 'variable_missing'
    WHEN 'SM006' THEN 'invalid_phone' WHEN 'SM007' THEN 'opted_out' WHEN 'SM008' THEN 'no_sender'
      WHEN 'SM009' THEN 'bad_text'
    WHEN 'SM010' THEN 'bad_time' WHEN 'SM011' THEN 'key_used' WHEN 'SM017' THEN 'too_many_segments'
      WHEN 'SM018' THEN 'client_daily_limit'
    WHEN 'SM019' THEN 'country_not_allowed' WHEN 'SM020' THEN 'unknown_zone' ELSE 'error' END;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_reason_in_words(reason text, type text) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE reason
    WHEN 'no_org' THEN 'the booking has no org'
    WHEN 'no_start_time' THEN 'the booking has no start time'
    WHEN 'no_end_time' THEN 'the booking has no end time'
    WHEN 'ends_before_start' THEN 'the booking ends before it starts'
    WHEN 'not_confirmed' THEN CASE type WHEN 'feedback' THEN 'the booking is neither confirmed nor completed'
      ELSE 'the booking is not confirmed' END
    WHEN 'not_completed' THEN 'the session is not completed yet'
    WHEN 'session_over' THEN 'the session is completed'
    WHEN 'before_attach' THEN CASE type WHEN 'feedback' THEN 'it ended before the bookings were attached'
      ELSE 'it was confirmed before the bookings were attached' END
    WHEN 'before_live' THEN CASE type WHEN 'feedback' THEN 'it ended' ELSE 'it was confirmed' END
                            || ' before the database went live'
    WHEN 'before_rule' THEN 'it was due before its row of sms_schedules was made'
    WHEN 'already_sent' THEN 'it was sent already, or the application had marked it as sent'
    WHEN 'superseded' THEN 'a later reminder was due as well'
    WHEN 'confirmation_just_sent' THEN 'the confirmation went out less than an hour before'
    WHEN 'no_settings' THEN 'the org has no row in sms_settings'
    WHEN 'disabled' THEN 'the org is disabled (sms_settings.enabled)'
    WHEN 'switched_off' THEN 'the org has switched it off'
    WHEN 'no_client' THEN 'the booking has no client of its org'
    WHEN 'no_phone' THEN 'the client has no phone number'
    WHEN 'part_of_series' THEN 'others of its series were confirmed, and the client''s limit is reached'
    WHEN 'series_changed' THEN 'its series is confirmed anew'
    WHEN 'client_daily_limit' THEN
      'the client has had as many texts in 24 hours as max_sms_per_client_per_day allows'
    ELSE reason END;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_try_until(type text, reason text, expires_at timestamptz)
  RETURNS timestamptz
  LANGUAGE sql STABLE
  RETURN CASE WHEN reason IN ('before_rule', 'already_sent', 'superseded') THEN NULL
              WHEN type <> 'confirmation' THEN expires_at
              WHEN reason IN ('no_settings', 'disabled', 'switched_off') THEN NULL
              ELSE least(expires_at, now() + interval '1 day') END;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_record_text(
  booking coach_sms_internal.sms_booking, type text, schedule_id uuid, message_id uuid,
  reason text, detail text, try_until timestamptz) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_new boolean;
BEGIN
  INSERT INTO @extschema@.sms_booking_texts AS t
    (booking_id, type, schedule_id, org_id, session_start, session_end, message_id, reason, detail, try_until,
     revision, series)
    VALUES (booking.id, type, schedule_id, booking.org_id, booking.start_time, booking.end_time, message_id,
      reason, detail, try_until,
            CASE WHEN message_id IS NULL THEN 0 ELSE 1 END,
            CASE type WHEN 'confirmation' THEN coach_sms_internal.sms_series_of(booking) END)
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO UPDATE
      SET org_id = excluded.org_id, session_start = excluded.session_start,
        session_end = excluded.session_end, message_id = excluded.message_id,
          reason = excluded.reason, detail = excluded.detail, revision = t.revision + excluded.revision,
            updated_at = now(),
          series = coalesce(excluded.series, t.series),
          try_until = CASE WHEN t.message_id IS NULL AND t.try_until IS NOT NULL
            AND t.session_start = excluded.session_start
                                AND excluded.try_until > t.try_until THEN t.try_until
                                  ELSE excluded.try_until END,
          created_at = CASE WHEN t.reason IS NOT DISTINCT FROM excluded.reason
            AND t.session_start IS NOT DISTINCT FROM excluded.session_start
                            THEN t.created_at ELSE now() END
    RETURNING t.created_at = now() INTO is_new;
  RETURN is_new;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_queue_text(
  booking coach_sms_internal.sms_booking, type text, schedule_id uuid, template_key text, due_at timestamptz,
    expires_at timestamptz) RETURNS uuid
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  made integer := coalesce((SELECT t.revision FROM @extschema@.sms_booking_texts t
    WHERE t.booking_id = booking.id AND t.type = sms_queue_text.type
      AND t.schedule_id = sms_queue_text.schedule_id), 0);
  key text := concat_ws('-', 'booking', type, booking.id,
                        nullif(schedule_id, coach_sms_internal.sms_no_schedule()),
                        CASE WHEN made > 0 THEN made + 1 END);
  -- The guide's application confirms by itself, under the same key.
  message_id uuid := coach_sms_internal.sms_message_with_key(booking.org_id, key);
BEGIN
  IF message_id IS NOT NULL THEN
    -- A message without a booking is not checked again before it leaves.
    UPDATE @extschema@.sms_messages m SET related_entity_type = 'booking', related_entity_id = booking.id
     WHERE m.id = message_id AND m.related_entity_type IS NULL AND m.related_entity_id IS NULL;
    RETURN message_id;
  END IF;
  RETURN @extschema@.sms_enqueue(booking.org_id, client_id => booking.client_id, to_phone => booking.phone,
    template_key => sms_queue_text.template_key,
    variables => coach_sms_internal.sms_booking_variables(booking),
    scheduled_for => CASE WHEN sms_queue_text.due_at > now() THEN sms_queue_text.due_at END,
      expires_at => sms_queue_text.expires_at,
    related_entity_type => 'booking', related_entity_id => booking.id, idempotency_key => key,
    metadata => jsonb_build_object('booking_text', type));
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_why_unreachable(booking coach_sms_internal.sms_booking) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN NOT booking.has_client THEN 'no_client'
              WHEN coalesce(booking.phone !~ '[^[:space:]]', true) THEN 'no_phone' END;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_make_text(
  booking coach_sms_internal.sms_booking, type text, schedule_id uuid, template_key text, due_at timestamptz,
    expires_at timestamptz, OUT is_made boolean, OUT is_new boolean)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message_id uuid;
  reason text := coach_sms_internal.sms_why_unreachable(booking);
  detail text := coach_sms_internal.sms_reason_in_words(reason, type);
  code text;
BEGIN
  IF reason IS NULL THEN
    BEGIN
      message_id := coach_sms_internal.sms_queue_text(
        booking, type, schedule_id, template_key, due_at, expires_at);
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = MESSAGE_TEXT;
      reason := coach_sms_internal.sms_skip_reason(code);
      -- The message names the client, who may be erased later.
      IF reason = 'client_daily_limit' THEN
        detail := coach_sms_internal.sms_reason_in_words(reason, type);
      END IF;
    END;
  END IF;
  is_made := message_id IS NOT NULL;
  is_new := coach_sms_internal.sms_record_text(booking, type, schedule_id, message_id, reason, detail,
    CASE WHEN NOT is_made THEN coach_sms_internal.sms_try_until(type, reason, expires_at) END);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_try_mark(booking_id uuid, feedback boolean) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_mark_booking(booking_id, feedback);
EXCEPTION WHEN OTHERS THEN
  NULL;  -- a view that cannot be updated is left alone
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_withdraw_stale(
  booking_id uuid, bookings coach_sms_internal.sms_booking[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_noted boolean := coach_sms_internal.sms_read_note('texts', booking_id) IS NOT NULL;
  stale record;
  waiting uuid;
BEGIN
  FOR stale IN SELECT * FROM coach_sms_internal.sms_stale_texts(ARRAY[booking_id], bookings) LOOP
    SELECT m.id INTO waiting FROM @extschema@.sms_messages m
     WHERE m.id = stale.message_id FOR NO KEY UPDATE SKIP LOCKED;
    IF is_noted THEN
      PERFORM coach_sms_internal.sms_note_withdrawal(waiting);
    END IF;
    PERFORM coach_sms_internal.sms_cancel_waiting(ARRAY[waiting], stale.code,
      CASE stale.code WHEN 'booking_changed' THEN 'the booking was changed'
        ELSE 'the booking was cancelled' END);
    -- The next pass confirms the other bookings of a series anew.
    UPDATE @extschema@.sms_booking_texts t SET try_until = least(t.session_start, now() + interval '1 day')
     WHERE t.message_id = waiting AND t.booking_id <> sms_withdraw_stale.booking_id AND t.series IS NOT NULL;
    PERFORM coach_sms_internal.sms_note_retraction(stale.to_phone);
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_needs_work(verdict text, reason text) RETURNS boolean
  LANGUAGE sql IMMUTABLE
  RETURN verdict = 'due' OR verdict IN ('no_settings', 'disabled', 'switched_off', 'before_rule',
    'already_sent', 'superseded', 'confirmation_just_sent')
                            AND reason IS DISTINCT FROM verdict;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_is_work(
  type text, verdict text, is_due boolean, is_stale boolean, reason text, updated_at timestamptz,
  tried_before timestamptz)
  RETURNS boolean
  LANGUAGE sql IMMUTABLE
  RETURN is_stale
      OR is_due AND coach_sms_internal.sms_needs_work(verdict, reason)
         AND coalesce(reason IS NULL OR updated_at < tried_before, true)
      OR verdict = 'not_confirmed' AND updated_at IS NOT NULL AND type <> 'feedback'
         AND reason IS DISTINCT FROM 'booking_cancelled';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_make_texts(
  booking_id uuid, OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer,
    OUT skipped integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  booking coach_sms_internal.sms_booking;
  known coach_sms_internal.sms_booking[];
  stage text[];
  want record;
  result record;
BEGIN
  confirmations := 0;
  reminders := 0;
  feedback_requests := 0;
  skipped := 0;
  known := ARRAY(SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY[booking_id]) b LIMIT 1);
  booking := known[1];
  PERFORM coach_sms_internal.sms_withdraw_stale(booking_id, known);
  IF coalesce(booking.state, 'other') = 'other' THEN
    UPDATE @extschema@.sms_booking_texts t SET reason = 'booking_cancelled', detail = NULL, try_until = NULL,
      updated_at = now()
     WHERE t.booking_id = sms_make_texts.booking_id AND t.type <> 'feedback'
       AND t.reason IS DISTINCT FROM 'booking_cancelled';
  END IF;
  -- The confirmation comes first: a reminder right behind it would be one text too many.
  FOREACH stage SLICE 1 IN ARRAY ARRAY[['confirmation', 'confirmation'], ['reminder', 'feedback']] LOOP
    FOR want IN
      SELECT o.* FROM coach_sms_internal.sms_booking_outlook(known) o
       WHERE o.type = ANY (stage) AND o.is_due AND coach_sms_internal.sms_needs_work(o.verdict, o.reason)
         ORDER BY o.due_at DESC
    LOOP
      IF want.verdict = 'due' AND want.type = 'confirmation' THEN
        SELECT c.* INTO result
          FROM coach_sms_internal.sms_make_confirmation(
                 booking, want.schedule_id, want.template_key, want.due_at, want.expires_at) c;
      ELSIF want.verdict = 'due' THEN
        result := coach_sms_internal.sms_make_text(booking, want.type, want.schedule_id, want.template_key,
          want.due_at, want.expires_at);
      ELSE
        SELECT false AS is_made, coach_sms_internal.sms_record_text(
          booking, want.type, want.schedule_id, NULL, want.verdict, NULL,
          coach_sms_internal.sms_try_until(want.type, want.verdict, want.expires_at)) AS is_new INTO result;
      END IF;
      confirmations := confirmations + (result.is_made AND want.type = 'confirmation')::integer;
      reminders := reminders + (result.is_made AND want.type = 'reminder')::integer;
      feedback_requests := feedback_requests + (result.is_made AND want.type = 'feedback')::integer;
      skipped := skipped + (NOT result.is_made AND result.is_new)::integer;
    END LOOP;
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_sync_booking(
  booking_id uuid,
  OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer, OUT skipped integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT m.* INTO confirmations, reminders, feedback_requests, skipped
    FROM coach_sms_internal.sms_make_texts(booking_id) m;
  IF reminders > 0 THEN
    PERFORM coach_sms_internal.sms_try_mark(booking_id, false);
  END IF;
  IF feedback_requests > 0 THEN
    PERFORM coach_sms_internal.sms_try_mark(booking_id, true);
  END IF;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_bookings_go_live() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE coach_sms_internal.sms_server s SET live_since = now() WHERE s.mode = 'sandbox';
  IF NOT FOUND OR coach_sms_internal.sms_is_subscriber() THEN
    RETURN;
  END IF;
  PERFORM coach_sms_internal.sms_record_baseline('before_live') FROM @extschema@.sms_bookings_source;
EXCEPTION WHEN OTHERS THEN
  RAISE EXCEPTION 'cannot go live: the attached bookings cannot be read'
    USING ERRCODE = 'SM021', DETAIL = SQLERRM,
          HINT = 'Correct what DETAIL names, or call sms_detach_bookings() first.';
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_keep_back_texts(booking_ids uuid[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
BEGIN
  PERFORM coach_sms_internal.sms_note_retraction(p.to_phone)
     FROM (SELECT DISTINCT m.to_phone
             FROM @extschema@.sms_booking_texts t JOIN @extschema@.sms_messages m ON m.id = t.message_id
            WHERE t.booking_id = ANY (booking_ids) AND m.status IN ('pending', 'queued', 'sending')) p;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_leave_to_pass(booking_id uuid, org_id uuid, reason text, detail text)
  RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp SET coach_sms.plans_for_full_tables = on AS $$
  SELECT coach_sms_internal.sms_keep_back_texts(ARRAY[booking_id]);
  SELECT coach_sms_internal.sms_take_back(booking_id);
  INSERT INTO @extschema@.sms_booking_texts AS t (booking_id, type, org_id, reason, detail, try_until)
    VALUES (booking_id, 'confirmation', org_id, reason, detail, now() + interval '1 day')
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO UPDATE SET try_until = excluded.try_until
      WHERE t.message_id IS NOT NULL OR t.reason = 'booking_cancelled' OR t.try_until > now()
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_may_wait() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_wait' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_wait_no_more() RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_wait_no_more' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_try_leave_to_pass(
  booking_id uuid, org_id uuid, reason text, detail text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
BEGIN
  IF NOT coach_sms_internal.sms_may_wait() THEN
    SET LOCAL lock_timeout = '1ms';
  END IF;
  PERFORM coach_sms_internal.sms_leave_to_pass(booking_id, org_id, reason, detail);
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'the texts of booking % were left as they are: %', booking_id, SQLERRM;
  IF SQLSTATE = '55P03' THEN  -- lock_not_available
    PERFORM coach_sms_internal.sms_wait_no_more();
  END IF;
  PERFORM coach_sms_internal.sms_keep_back_texts(ARRAY[booking_id]);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_booking_changed(booking_id uuid, org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on SET lock_timeout = '300ms' AS $$
BEGIN
  IF NOT coach_sms_internal.sms_may_wait() THEN
    PERFORM coach_sms_internal.sms_try_leave_to_pass(
      booking_id, org_id, 'unreadable', 'others were changing it');
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(coach_sms_internal.sms_lock_booking(booking_id));
  IF NOT coach_sms_internal.sms_note_texts(booking_id) THEN
    PERFORM coach_sms_internal.sms_withdraw_stale(
      booking_id, ARRAY(SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY[booking_id]) b LIMIT 1));
    PERFORM coach_sms_internal.sms_take_back(booking_id);
  END IF;
  PERFORM coach_sms_internal.sms_sync_booking(booking_id);
EXCEPTION WHEN OTHERS THEN
  -- The application's transaction goes on after any error; the pass tries again.
  RAISE LOG 'the texts of booking % could not be decided: %', booking_id, SQLERRM;
  IF SQLSTATE = '55P03' THEN  -- lock_not_available
    PERFORM coach_sms_internal.sms_wait_no_more();
  END IF;
  PERFORM coach_sms_internal.sms_try_leave_to_pass(booking_id, org_id, 'unreadable', SQLERRM);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_may_decide_another() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_decide_another' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_app_changed(kind text, id uuid, org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  messages uuid[];
  changed uuid[];
  waiting record;
BEGIN
  IF kind = 'client' THEN
    messages := ARRAY(
      SELECT m.id FROM @extschema@.sms_messages m
       WHERE m.org_id = sms_app_changed.org_id AND m.client_id = sms_app_changed.id
         AND m.created_at > now() - interval '1 year'
         AND m.status IN ('pending', 'queued', 'sending', 'unknown'));
  ELSE
    messages := ARRAY(
      SELECT q.message_id FROM coach_sms_internal.sms_queue q
       WHERE q.org_id = sms_app_changed.org_id OR kind = 'truncate'
      UNION ALL
      SELECT f.message_id FROM coach_sms_internal.sms_in_flight f
       WHERE f.org_id = sms_app_changed.org_id OR kind = 'truncate');
  END IF;
  changed := ARRAY(SELECT DISTINCT t.booking_id FROM @extschema@.sms_booking_texts t
                    WHERE t.message_id = ANY (messages) ORDER BY t.booking_id);
  PERFORM coach_sms_internal.sms_keep_back_texts(changed);
  FOR waiting IN
    SELECT DISTINCT t.booking_id, t.org_id FROM @extschema@.sms_booking_texts t
     WHERE t.booking_id = ANY (changed[1:500]) ORDER BY t.booking_id
  LOOP
    EXIT WHEN NOT coach_sms_internal.sms_may_decide_another();
    -- The lock's holder is changing the booking, and may be waiting for the client that we have changed.
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(coach_sms_internal.sms_lock_booking(waiting.booking_id));
    PERFORM coach_sms_internal.sms_booking_changed(waiting.booking_id, waiting.org_id);
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_pass_ranges(
  OUT starts_after timestamptz, OUT starts_until timestamptz,
  OUT ends_after timestamptz, OUT ends_until timestamptz)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source @extschema@.sms_bookings_source;
  before interval;
  after interval;
BEGIN
  SELECT * INTO source FROM @extschema@.sms_bookings_source;
  SELECT max(r.span) FILTER (WHERE r.type = 'reminder'), max(r.span) FILTER (WHERE r.type = 'feedback')
    INTO before, after FROM coach_sms_internal.sms_booking_rules r WHERE r.is_on AND r.enabled;
  IF NOT coach_sms_internal.sms_is_table(source.bookings) THEN
    before := interval '366 days';
  END IF;
  starts_after := now();
  starts_until := now() + coalesce(before, '0') + interval '2 minutes';
  ends_after := greatest(source.attached_at, now() - coalesce(after, '0') - interval '72 hours');
  ends_until := now() + interval '2 minutes';
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_find_due_bookings(retried uuid[])
  RETURNS coach_sms_internal.sms_booking[]
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT ON (b.id) b
      FROM coach_sms_internal.sms_pass_ranges() r,
           coach_sms_internal.sms_find_bookings(
             r.starts_after, r.starts_until, r.ends_after, r.ends_until, retried) b
     WHERE b.id IS NOT NULL AND b.org_id IS NOT NULL);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_record_unreadable(booking coach_sms_internal.sms_booking, detail text)
  RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  want record;
  news integer := 0;
BEGIN
  FOR want IN SELECT * FROM coach_sms_internal.sms_booking_outlook(ARRAY[booking]) o
               WHERE o.is_due AND o.verdict = 'due' LOOP
    news := news + coach_sms_internal.sms_record_text(
      booking, want.type, want.schedule_id, NULL, 'unreadable', detail,
      coach_sms_internal.sms_try_until(want.type, 'unreadable', want.expires_at))::integer;
  END LOOP;
  RETURN news;
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'the texts of booking % were left as they are: %', booking.id, SQLERRM;
  RETURN 0;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_stop_retrying(retried uuid[], known coach_sms_internal.sms_booking[])
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF retried = '{}' THEN
    RETURN;
  END IF;
  WITH idle AS (
    SELECT x.booking_id, x.type, x.schedule_id,
           x.message_id IS NULL AND x.reason IN ('many_at_once', 'unreadable') AS was_never_decided
    FROM @extschema@.sms_booking_texts x
   WHERE x.booking_id = ANY (retried) AND x.type = 'confirmation' AND x.try_until > now()
     AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_booking_outlook(known) o
                      WHERE o.booking_id = x.booking_id
                        AND (o.is_stale
                             OR o.type = 'confirmation'
                                AND coach_sms_internal.sms_needs_work(o.verdict, o.reason)
                             OR o.verdict = 'not_confirmed'
                                AND x.reason IS DISTINCT FROM 'booking_cancelled'))
     FOR NO KEY UPDATE SKIP LOCKED),
  undecided AS (
    DELETE FROM @extschema@.sms_booking_texts t USING idle
     WHERE (t.booking_id, t.type, t.schedule_id) = (idle.booking_id, idle.type, idle.schedule_id)
       AND idle.was_never_decided)
  UPDATE @extschema@.sms_booking_texts t SET try_until = NULL FROM idle
   WHERE (t.booking_id, t.type, t.schedule_id) = (idle.booking_id, idle.type, idle.schedule_id)
     AND NOT idle.was_never_decided;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_schedule_some(
  at_most integer, tried_before timestamptz,
  OUT confirmations integer, OUT reminders integer, OUT feedback_requests integer, OUT skipped integer,
  OUT looked_at integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  found coach_sms_internal.sms_booking[];
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
  -- Replicated bookings get their texts from the server that they come from.
  IF NOT EXISTS (SELECT FROM @extschema@.sms_bookings_source) OR coach_sms_internal.sms_is_subscriber() THEN
    RETURN;
  END IF;
  -- Some of many are chosen by chance, so that bookings whose text cannot be made do not block the others.
  retried := ARRAY(SELECT t.booking_id FROM @extschema@.sms_booking_texts t
                    WHERE t.try_until > now() AND t.type = 'confirmation'
                    ORDER BY random() LIMIT 1000);
  found := coach_sms_internal.sms_find_due_bookings(retried);
  PERFORM coach_sms_internal.sms_stop_retrying(retried, found);
  can_mark := (SELECT coach_sms_internal.sms_is_table(s.bookings) FROM @extschema@.sms_bookings_source s);
  FOR candidate IN
    SELECT b AS booking, b.id, w.has_work, w.unmarked
      FROM unnest(found) b
      JOIN (SELECT o.booking_id, bool_or(o.is_work) AS has_work,
                   min(o.updated_at) FILTER (WHERE o.is_work AND o.reason IS NOT NULL) AS tried_at,
                   min(o.expires_at) FILTER (WHERE o.is_work) AS expires_at,
                   array_agg(DISTINCT o.type) FILTER (WHERE o.is_unmarked AND can_mark) AS unmarked
              FROM (SELECT j.*, coach_sms_internal.sms_is_work(
                             j.type, j.verdict, j.is_due, j.is_stale, j.reason, j.updated_at, tried_before)
                             AS is_work
                      FROM coach_sms_internal.sms_booking_outlook(found) j) o
             GROUP BY o.booking_id) w ON w.booking_id = b.id
     WHERE w.has_work OR w.unmarked <> '{}'
     -- Untried texts come first, then failed ones, the longest ago first, and at last texts that are only
     -- to be marked.
     ORDER BY w.has_work DESC, w.tried_at NULLS FIRST, w.expires_at, b.id LIMIT at_most
  LOOP
    looked_at := looked_at + 1;
    -- The session that is changing or rescheduling the booking decides its texts.
    CONTINUE WHEN NOT pg_try_advisory_xact_lock(coach_sms_internal.sms_lock_booking(candidate.id));
    -- The row was locked when its reminder was made.
    PERFORM coach_sms_internal.sms_try_mark(candidate.id, u = 'feedback') FROM unnest(candidate.unmarked) u;
    CONTINUE WHEN NOT candidate.has_work;
    -- Where another session holds one of its rows without that lock (an import), the next pass decides.
    CONTINUE WHEN (SELECT count(*) FROM @extschema@.sms_booking_texts t WHERE t.booking_id = candidate.id)
                  <> (SELECT count(*) FROM (SELECT FROM @extschema@.sms_booking_texts t
                                             WHERE t.booking_id = candidate.id
                                               FOR NO KEY UPDATE SKIP LOCKED) free);
    tried_at := clock_timestamp();
    BEGIN
      made := coach_sms_internal.sms_sync_booking(candidate.id);
      confirmations := confirmations + made.confirmations;
      reminders := reminders + made.reminders;
      feedback_requests := feedback_requests + made.feedback_requests;
      skipped := skipped + made.skipped;
    EXCEPTION WHEN OTHERS THEN
      skipped := skipped + coach_sms_internal.sms_record_unreadable(candidate.booking, SQLERRM);
    END;
    -- Where rows or tables are locked, or a view is slow, each session that changes these bookings waits
    -- for us.
    IF clock_timestamp() - tried_at > interval '1 second' THEN
      waited := waited + (clock_timestamp() - tried_at);
    END IF;
    EXIT WHEN waited > interval '3 seconds';
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_schedule_pass(at_most integer, OUT more boolean, OUT problem text)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  SELECT s.looked_at = at_most AND s.confirmations + s.reminders + s.feedback_requests + s.skipped > 0
    INTO more
    FROM coach_sms_internal.sms_schedule_some(at_most, now() - interval '30 seconds') s;
EXCEPTION WHEN OTHERS THEN
  more := false;
  problem := SQLERRM;
END
$$;
CREATE OR REPLACE FUNCTION sms_schedule_reminders(
  OUT reminders integer, OUT feedback_requests integer, OUT skipped integer)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.reminders, s.feedback_requests, s.skipped FROM coach_sms_internal.sms_schedule_some(500, now()) s
$$;
COMMENT ON FUNCTION sms_schedule_reminders() IS
'Queues the reminders and feedback requests that are due within two minutes, for at most 500 bookings, '
'and tries skipped ones again. Returns how many it queued and how many it newly skipped. The sender does '
'the same each minute. A call from pg_cron is not needed, and does no harm.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_recheck_bookings(message_ids uuid[])
  RETURNS TABLE (message_id uuid, reason text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  ids uuid[];
  known coach_sms_internal.sms_booking[];
  unreadable uuid[] := '{}';
  stale_ids uuid[];
  stale_codes text[];
  one uuid;
  began CONSTANT timestamptz := clock_timestamp();
BEGIN
  ids := ARRAY(SELECT DISTINCT t.booking_id FROM @extschema@.sms_booking_texts t
                WHERE t.message_id = ANY (message_ids));
  IF ids = '{}' OR NOT EXISTS (SELECT FROM @extschema@.sms_bookings_source) THEN
    RETURN;
  END IF;
  BEGIN
    known := ARRAY(SELECT DISTINCT ON (b.id) b FROM coach_sms_internal.sms_read_bookings(ids) b);
  EXCEPTION WHEN OTHERS THEN
    known := '{}';
    FOREACH one IN ARRAY ids LOOP
      -- A locked table or a slow view affects each of them, and the sender sends nothing meanwhile.
      IF SQLSTATE IN ('55P03', 'SM021') OR clock_timestamp() > began + interval '3 seconds' THEN
        unreadable := unreadable || one;
        CONTINUE;
      END IF;
      BEGIN
        known := known || ARRAY(SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY[one]) b LIMIT 1);
      EXCEPTION WHEN OTHERS THEN
        unreadable := unreadable || one;
      END;
    END LOOP;
  END;
  -- A message that cannot be judged waits, and blocks no other.
  BEGIN
    SELECT coalesce(array_agg(s.message_id), '{}'), coalesce(array_agg(s.code), '{}')
      INTO stale_ids, stale_codes
      FROM coach_sms_internal.sms_stale_texts(ids, known) s;
  EXCEPTION WHEN OTHERS THEN
    stale_ids := '{}';
    stale_codes := '{}';
    FOREACH one IN ARRAY ids LOOP
      BEGIN
        SELECT stale_ids || coalesce(array_agg(s.message_id), '{}'),
               stale_codes || coalesce(array_agg(s.code), '{}')
          INTO stale_ids, stale_codes
          FROM coach_sms_internal.sms_stale_texts(
                 ARRAY[one], ARRAY(SELECT k FROM unnest(known) k WHERE k.id = one)) s;
      EXCEPTION WHEN OTHERS THEN
        unreadable := unreadable || one;
      END;
    END LOOP;
  END;
  RETURN QUERY
    SELECT t.message_id, 'booking_unreadable'::text FROM @extschema@.sms_booking_texts t
     WHERE t.message_id = ANY (message_ids) AND t.booking_id = ANY (unreadable);
  -- The next pass makes a confirmation anew that is withdrawn here.
  RETURN QUERY
    WITH stale AS (
      SELECT s.message_id, s.code FROM unnest(stale_ids, stale_codes) s (message_id, code)
       WHERE s.message_id = ANY (message_ids)),
    again AS (
      UPDATE @extschema@.sms_booking_texts t SET try_until = t.session_start FROM stale s
       WHERE t.message_id = s.message_id AND t.type = 'confirmation'
         AND (s.code = 'booking_changed' OR t.series IS NOT NULL))
    SELECT s.message_id, s.code
      FROM stale s JOIN @extschema@.sms_booking_texts t ON t.message_id = s.message_id
     WHERE NOT t.booking_id = ANY (unreadable);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_bookings_problem() RETURNS text
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET client_min_messages = error AS $$
BEGIN
  PERFORM coach_sms_internal.sms_find_due_bookings('{}') FROM @extschema@.sms_bookings_source;
  PERFORM coach_sms_internal.sms_read_bookings('{}');
  RETURN NULL;
EXCEPTION
  WHEN query_canceled THEN
    RAISE EXCEPTION 'the check of bookings was canceled'
      USING ERRCODE = '57014', HINT = 'Call sms_doctor() again.';
  WHEN assert_failure OR OTHERS THEN
    RETURN 'the attached bookings cannot be read: '
           || CASE WHEN coach_sms_internal.sms_may_act_for(NULL) THEN SQLERRM
                   ELSE 'SQLSTATE ' || SQLSTATE END;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_booking_obstacle(booking coach_sms_internal.sms_booking) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number text;
BEGIN
  IF NOT booking.has_client THEN
    RETURN coach_sms_internal.sms_reason_in_words('no_client', NULL);
  ELSIF coalesce(booking.phone !~ '[^[:space:]]', true) THEN
    RETURN coach_sms_internal.sms_reason_in_words('no_phone', NULL);
  END IF;
  number := coach_sms_internal.sms_phone_or_null(
    booking.phone, coach_sms_internal.sms_org_region(booking.org_id));
  IF number IS NULL THEN
    RETURN format('invalid phone number "%s"', booking.phone);
  ELSIF @extschema@.is_phone_suppressed(booking.org_id, number) THEN
    RETURN format('%s is suppressed', number);
  END IF;
  RETURN NULL;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_verdict_in_words(
  verdict text, type text, obstacle text, due_at timestamptz, opens_at timestamptz, expires_at timestamptz,
  try_until timestamptz, reason text, detail text, zone text)
  RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE verdict
    WHEN 'later' THEN CASE
      WHEN obstacle IS NOT NULL THEN format('is due on %s, and could not go out today: %s',
        coach_sms_internal.sms_local_time(due_at, zone), obstacle)
      WHEN opens_at >= expires_at THEN format('is due on %s, and will not go out: quiet hours last until %s',
        coach_sms_internal.sms_local_time(due_at, zone), coach_sms_internal.sms_local_time(opens_at, zone))
      WHEN opens_at > due_at THEN format('is due on %s, and goes out once quiet hours end, on %s',
        coach_sms_internal.sms_local_time(due_at, zone), coach_sms_internal.sms_local_time(opens_at, zone))
      ELSE 'goes out on ' || coach_sms_internal.sms_local_time(due_at, zone) END
    WHEN 'made_next' THEN 'is due, and made within a minute'
    WHEN 'unseen' THEN 'is due, and made on ' || coach_sms_internal.sms_local_time(due_at, zone)
    WHEN 'due' THEN CASE WHEN coalesce(detail, reason) IS NULL THEN 'is due, and made within a minute'
      ELSE format('was not queued: %s. The sender tries again each minute until %s', coalesce(detail, reason),
                  coach_sms_internal.sms_local_time(coalesce(try_until, expires_at), zone)) END
    WHEN 'not_completed' THEN CASE
      WHEN expires_at > now()
        THEN format('is due on %s, once the session is completed',
          coach_sms_internal.sms_local_time(due_at, zone))
      ELSE 'was not sent: the session was not completed' END
    WHEN 'too_late' THEN coalesce(
      'was not sent: ' || coalesce(detail, coach_sms_internal.sms_reason_in_words(reason, type)),
      CASE type WHEN 'feedback' THEN 'was due more than three days ago'
                ELSE 'is not sent any more: the session has started' END)
    ELSE 'is not sent: ' || coalesce(CASE WHEN verdict = reason THEN detail END,
                                     coach_sms_internal.sms_reason_in_words(verdict, type))
  END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_message_in_words(message sms_messages, zone text) RETURNS text
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE message.status
    WHEN 'sending' THEN 'is being handed to Twilio'
    WHEN 'sent' THEN 'was handed to Twilio on ' || coach_sms_internal.sms_local_time(message.sent_at, zone)
    WHEN 'delivered' THEN 'was delivered on ' || coach_sms_internal.sms_local_time(message.delivered_at, zone)
    WHEN 'failed' THEN format('failed on %s: %s', coach_sms_internal.sms_local_time(message.failed_at, zone),
                              coach_sms_internal.sms_reason(message.error_code, message.error_message))
    WHEN 'cancelled' THEN format('was cancelled on %s: %s',
                                 coach_sms_internal.sms_local_time(message.updated_at, zone),
                                 coalesce(nullif(message.error_message, ''), message.error_code))
    WHEN 'unknown' THEN 'may have been sent; its outcome is being reconciled'
    ELSE 'waits: ' || coach_sms_internal.sms_why_waiting(message.id) END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_texts_now(known coach_sms_internal.sms_booking[]) RETURNS jsonb
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_agg(
                   to_jsonb(o) || jsonb_build_object('detail', t.detail, 'try_until', t.try_until)), '[]')
            FROM coach_sms_internal.sms_booking_outlook(known) o
            LEFT JOIN @extschema@.sms_booking_texts t
                   ON t.booking_id = o.booking_id AND t.type = o.type AND t.schedule_id = o.schedule_id);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_is_seen(
  booking coach_sms_internal.sms_booking, OUT seen boolean, OUT seen_at timestamptz)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  range record;
BEGIN
  SELECT * INTO range FROM coach_sms_internal.sms_pass_ranges();
  seen := booking.start_time > range.starts_after AND booking.start_time <= range.starts_until
       OR booking.end_time > range.ends_after AND booking.end_time <= range.ends_until
       OR EXISTS (SELECT FROM @extschema@.sms_booking_texts t
                   WHERE t.booking_id = booking.id AND t.type = 'confirmation' AND t.try_until > now());
  seen_at := booking.start_time - (range.starts_until - range.starts_after);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_texts_after_pass(known coach_sms_internal.sms_booking[]) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  texts jsonb := coach_sms_internal.sms_texts_now(known);
  later jsonb;
  pass record;
BEGIN
  SELECT * INTO pass FROM coach_sms_internal.sms_is_seen(known[1]);
  IF pass.seen IS NOT TRUE THEN
    RETURN (SELECT jsonb_agg(CASE t->>'verdict' WHEN 'due'
                             THEN t || jsonb_build_object('verdict', 'unseen', 'due_at', pass.seen_at)
                             ELSE t END)
              FROM jsonb_array_elements(texts) t);
  ELSIF NOT EXISTS (SELECT FROM coach_sms_internal.sms_booking_outlook(known) o
                     WHERE coach_sms_internal.sms_is_work(
                             o.type, o.verdict, o.is_due, o.is_stale, o.reason, o.updated_at, 'infinity'))
  THEN
    RETURN texts;
  END IF;
  BEGIN
    IF pg_try_advisory_xact_lock(coach_sms_internal.sms_lock_booking(known[1].id)) THEN
      PERFORM coach_sms_internal.sms_make_texts(known[1].id);
      later := (SELECT jsonb_agg(CASE WHEN a->>'message_id' <> coalesce(b->>'message_id', '')
                                      THEN a || '{"verdict": "made_next"}' ELSE a END)
                  FROM jsonb_array_elements(coach_sms_internal.sms_texts_now(known)) a
                  JOIN jsonb_array_elements(texts) b
                    ON a->'type' = b->'type' AND a->'schedule_id' = b->'schedule_id');
      RAISE EXCEPTION USING ERRCODE = 'ZDONE';
    END IF;
  EXCEPTION
    WHEN SQLSTATE 'ZDONE' THEN
      texts := later;
    WHEN read_only_sql_transaction THEN
      NULL;
    WHEN OTHERS THEN
      texts := (SELECT jsonb_agg(CASE t->>'verdict' WHEN 'due'
                                 THEN t || jsonb_build_object('reason', 'unreadable', 'detail', SQLERRM)
                                 ELSE t END)
                  FROM jsonb_array_elements(texts) t);
  END;
  RETURN texts;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_explain_texts(
  booking_id uuid, org_ids uuid[], known coach_sms_internal.sms_booking[], zone text)
  RETURNS TABLE (type text, label text, due_at timestamptz, status text, message_id uuid, explanation text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM set_config('TimeZone', zone, true);
  RETURN QUERY
    WITH outlook AS MATERIALIZED (SELECT * FROM coach_sms_internal.sms_booking_outlook(known))
    SELECT coalesce(t.type, m.metadata->>'booking_text', 'message'),
           coalesce(o.label, m.metadata->>'booking_text', m.template_key),
           m.scheduled_for, m.status, m.id,
           CASE WHEN o.is_stale THEN 'is withdrawn before it leaves: the rules have changed'
                ELSE coach_sms_internal.sms_message_in_words(m, zone) END
      FROM @extschema@.sms_messages m
      LEFT JOIN @extschema@.sms_booking_texts t
             ON t.message_id = m.id AND t.booking_id = sms_explain_texts.booking_id
      LEFT JOIN outlook o ON o.type = t.type AND o.schedule_id = t.schedule_id
     WHERE m.org_id = ANY (org_ids)
       AND (m.related_entity_id = sms_explain_texts.booking_id AND m.related_entity_type = 'booking'
            OR m.id IN (SELECT x.message_id FROM @extschema@.sms_booking_texts x
                         WHERE x.booking_id = sms_explain_texts.booking_id))
    UNION ALL
    SELECT t.type, coalesce(o.label, t.type),
           CASE t.type WHEN 'reminder' THEN CASE WHEN t.session_start = o.start_time THEN o.due_at END
                       WHEN 'feedback' THEN CASE WHEN t.session_end = o.end_time THEN o.due_at END END,
           'gone', t.message_id,
           'was made; its message is gone: retention_days pruned it, or somebody deleted it'
      FROM @extschema@.sms_booking_texts t
      LEFT JOIN outlook o ON o.type = t.type AND o.schedule_id = t.schedule_id
     WHERE t.booking_id = sms_explain_texts.booking_id AND t.org_id = ANY (org_ids)
       AND t.message_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM @extschema@.sms_messages m WHERE m.id = t.message_id)
    UNION ALL
    SELECT p.type, p.label, CASE WHEN p.type <> 'confirmation' THEN p.due_at END,
           CASE WHEN p.verdict IN ('later', 'made_next', 'unseen') OR p.verdict = 'due' AND p.reason IS NULL
                     OR p.verdict = 'not_completed' AND p.expires_at > now()
                THEN 'planned' ELSE 'skipped' END, NULL,
           coach_sms_internal.sms_verdict_in_words(
             p.verdict, p.type, coach_sms_internal.sms_booking_obstacle(known[1]), p.due_at,
             coach_sms_internal.sms_opens_at(o.org_id, p.due_at), p.expires_at, p.try_until,
             p.reason, p.detail, zone)
      FROM jsonb_to_recordset(coach_sms_internal.sms_texts_after_pass(known)) p (
             type text, schedule_id uuid, label text, verdict text, due_at timestamptz,
             expires_at timestamptz, message_id uuid, reason text, detail text, try_until timestamptz)
      JOIN outlook o ON o.type = p.type AND o.schedule_id = p.schedule_id
     WHERE p.verdict IN ('later', 'due', 'made_next', 'unseen', 'before_live')
        OR p.verdict NOT IN ('made', 'under_way') AND p.message_id IS NULL
     ORDER BY 3 NULLS FIRST, 5, 1;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_explain_as_owner(booking_id uuid)
  RETURNS TABLE (type text, label text, due_at timestamptz, status text, message_id uuid, explanation text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known coach_sms_internal.sms_booking[] := '{}';
  org_ids uuid[];
  zone text;
  state text := 'gone';
  problem text;
BEGIN
  BEGIN
    known := ARRAY(SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY[booking_id]) b
                    WHERE coach_sms_internal.sms_may_act_for(b.org_id) LIMIT 1);
    problem := CASE WHEN known <> '{}' THEN NULL
                    WHEN EXISTS (SELECT FROM @extschema@.sms_bookings_source)
                      THEN 'the booking is not there any more, and nothing is sent for it'
                    ELSE 'no bookings are attached any more; waiting messages still go out' END;
  EXCEPTION WHEN OTHERS THEN
    state := 'unreadable';
    problem := 'the booking cannot be read: ' || SQLERRM;
  END;
  org_ids := ARRAY(SELECT o.org_id
                     FROM (SELECT t.org_id FROM @extschema@.sms_booking_texts t
                            WHERE t.booking_id = sms_explain_as_owner.booking_id
                           UNION SELECT k.org_id FROM unnest(known) k) o
                    WHERE coach_sms_internal.sms_may_act_for(o.org_id));
  IF org_ids = '{}' THEN
    RAISE EXCEPTION 'unknown booking %', coalesce(booking_id::text, 'NULL')
      USING ERRCODE = 'SM012',
            DETAIL = CASE WHEN state = 'gone' OR NOT coach_sms_internal.sms_may_act_for(NULL)
                          THEN 'It is not among the attached bookings, and has no record.'
                          ELSE problem END,
            HINT = 'Give the id of a row of the attached bookings.';
  END IF;
  zone := coach_sms_internal.sms_known_zone(
    (SELECT s.timezone FROM @extschema@.sms_settings s WHERE s.org_id = ANY (org_ids) LIMIT 1));
  IF problem IS NOT NULL THEN
    RETURN QUERY SELECT 'booking', NULL::text, NULL::timestamptz, state, NULL::uuid, problem;
    RETURN QUERY SELECT t.type, t.type, NULL::timestamptz, 'skipped', NULL::uuid,
                        'was not sent: '
                        || coalesce(t.detail, coach_sms_internal.sms_reason_in_words(t.reason, t.type))
                   FROM @extschema@.sms_booking_texts t
                  WHERE t.booking_id = sms_explain_as_owner.booking_id AND t.org_id = ANY (org_ids)
                    AND t.message_id IS NULL
                  ORDER BY 1;
  END IF;
  RETURN QUERY SELECT * FROM coach_sms_internal.sms_explain_texts(booking_id, org_ids, known, zone);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_system_identifier() RETURNS bigint
  AS 'MODULE_PATHNAME', 'coach_sms_system_identifier' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION sms_mode() IS
'Returns whether this server sends for this database: mode is sandbox, live or not armed, and reason says '
'why it is not armed.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_arm(live boolean) RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_arm' LANGUAGE C VOLATILE STRICT
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_is_subscriber() RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database()
     WHERE EXISTS (SELECT FROM pg_subscription_rel r
                    WHERE r.srsubid = s.oid AND r.srrelid = '@extschema@.sms_messages'::regclass)
        -- A restored subscription has no tables until it is refreshed.
        OR NOT EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srsubid = s.oid))
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_pass_over() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_pass_over' LANGUAGE C;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_enqueue_waiting(for_sandbox boolean) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lane record;
  total bigint := 0;
BEGIN
  FOR lane IN
    WITH waiting AS MATERIALIZED (
      SELECT m.id, m.org_id, coach_sms_internal.sms_zone_of(m.metadata) AS zone, m.priority,
             greatest(m.scheduled_for, now()) AS due_at, m.expires_at
        FROM @extschema@.sms_messages m
       WHERE m.sandbox = for_sandbox AND m.status IN ('pending', 'queued')
         AND NOT (SELECT coach_sms_internal.sms_is_subscriber())
         AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_queue q WHERE q.message_id = m.id)
       ORDER BY m.id FOR NO KEY UPDATE OF m),
    queued AS (
      INSERT INTO coach_sms_internal.sms_queue (message_id, org_id, zone, priority, due_at, expires_at)
        SELECT w.id, w.org_id, w.zone, w.priority, w.due_at, w.expires_at FROM waiting w
        ON CONFLICT ON CONSTRAINT sms_queue_pkey DO NOTHING
        RETURNING org_id, zone, priority, due_at)
    SELECT q.org_id, q.zone, q.priority, min(q.due_at) AS first_due, count(*) AS messages
      FROM queued q GROUP BY q.org_id, q.zone, q.priority
  LOOP
    total := total + lane.messages;
    PERFORM coach_sms_internal.sms_note_due(lane.org_id, lane.zone, lane.priority, lane.first_due);
  END LOOP;
  RETURN total;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_cancel_sandbox_messages() RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_subscriber boolean := coach_sms_internal.sms_is_subscriber();
  ids uuid[];
BEGIN
  ids := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.sandbox AND m.status IN ('pending', 'queued', 'sending', 'unknown')
       AND (NOT is_subscriber
            OR EXISTS (SELECT FROM coach_sms_internal.sms_queue q WHERE q.message_id = m.id)
            OR EXISTS (SELECT FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = m.id))
     ORDER BY m.id FOR NO KEY UPDATE);
  UPDATE @extschema@.sms_messages m
     SET status = 'cancelled', error_code = 'sandbox',
         error_message = 'enqueued in the sandbox, and never sent live', updated_at = now()
   WHERE m.id = ANY (ids);
  DELETE FROM coach_sms_internal.sms_queue q WHERE q.message_id = ANY (ids);
  DELETE FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = ANY (ids);
  RETURN cardinality(ids);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_adopt_lost_messages() RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_subscriber boolean := coach_sms_internal.sms_is_subscriber();
  ids uuid[];
  adopted integer;
BEGIN
  ids := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE NOT m.sandbox AND m.status IN ('sending', 'unknown') AND NOT is_subscriber
       AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = m.id)
     ORDER BY m.id FOR NO KEY UPDATE OF m);
  -- The sender may have settled some during the wait for their locks.
  WITH lost AS (
    INSERT INTO coach_sms_internal.sms_in_flight (
        message_id, org_id, fence, state, attempt_number, failures, priority,
        claimed_at, lease_until, client_key, segments, settlement, next_look_at)
      SELECT m.id, m.org_id, ('x' || left(replace(gen_random_uuid()::text, '-', ''), 16))::bit(64)::bigint,
             'unknown', greatest(m.attempt_count, 1), 0, m.priority,
             greatest(m.created_at, m.scheduled_for), now(),
             coalesce(m.client_id::text, coach_sms_internal.sms_phone_key(m.to_phone)), m.segments,
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
  GET DIAGNOSTICS adopted = ROW_COUNT;
  RETURN adopted;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_return_to_sandbox() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  is_subscriber boolean := coach_sms_internal.sms_is_subscriber();
BEGIN
  WITH foreign_rows AS MATERIALIZED (
    SELECT q.message_id
      FROM coach_sms_internal.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
     WHERE NOT m.sandbox AND NOT is_subscriber  -- a subscriber's own would not come back
     ORDER BY m.id FOR NO KEY UPDATE OF m)
  DELETE FROM coach_sms_internal.sms_queue q USING foreign_rows f WHERE q.message_id = f.message_id;
  UPDATE @extschema@.sms_messages m SET status = 'queued', updated_at = now()
   WHERE m.sandbox AND m.status IN ('sending', 'unknown') AND NOT is_subscriber
     AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = m.id);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_rebuild_queue(
  live boolean, OUT queued integer, OUT cancelled integer, OUT unknown integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  cancelled := 0;
  unknown := 0;
  IF live THEN
    cancelled := coach_sms_internal.sms_cancel_sandbox_messages();
    unknown := coach_sms_internal.sms_adopt_lost_messages();
  ELSE
    PERFORM coach_sms_internal.sms_return_to_sandbox();
  END IF;
  queued := coach_sms_internal.sms_enqueue_waiting(for_sandbox => NOT live);
END
$$;
CREATE OR REPLACE FUNCTION sms_go_live(OUT queued integer, OUT cancelled integer, OUT unknown integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_bookings_go_live();
  PERFORM coach_sms_internal.sms_arm(true);
  PERFORM coach_sms_internal.sms_make_policies();
  SELECT r.queued, r.cancelled, r.unknown INTO queued, cancelled, unknown
    FROM coach_sms_internal.sms_rebuild_queue(true) r;
  PERFORM coach_sms_internal.sms_notice_overdue();
END
$$;
COMMENT ON FUNCTION sms_go_live() IS
'Arms this server for this database: from the commit on messages go to Twilio. Cancels sandbox messages '
'that wait (error_code sandbox). Returns how many live messages it queued, how many sandbox messages it '
'cancelled, and how many messages have an unknown outcome, which is then reconciled. Bookings confirmed '
'before get their reminders and no confirmation. Makes the policies of the granted roles, which no dump '
'carries. A NOTICE counts messages that waited longer than coach_sms.max_wait and are not sent. A second '
'call repairs the queue. Messages that come by a subscription are left to their publisher. Raises SM013 '
'without coach_sms.key_file.';
CREATE OR REPLACE FUNCTION sms_go_sandbox(OUT queued integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_arm(false);
  PERFORM coach_sms_internal.sms_make_policies();
  SELECT r.queued INTO queued FROM coach_sms_internal.sms_rebuild_queue(false) r;
END
$$;
COMMENT ON FUNCTION sms_go_sandbox() IS
'Makes the database a sandbox of this server: from the commit on answers are made in-process. Live '
'messages that wait are kept for the next sms_go_live(). Makes the policies of the granted roles, which no '
'dump carries. Returns how many sandbox messages it queued.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_poke_launcher() RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_poke_launcher' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_wake_sender() IS
'Wakes this database''s sender at once. For troubleshooting: each commit wakes it by itself.';
CREATE OR REPLACE FUNCTION sms_detach_worker(database name DEFAULT current_database(), hold interval DEFAULT '1 minute')
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_detach_worker' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION sms_detach_worker(name, interval) IS
'Ends the sender of a database, and starts none before the interval (default 1 minute) is over. Meanwhile '
'the database can be renamed or copied. Returns true once no sender is left. The database''s owner '
'may call it once EXECUTE is granted to it.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_worker_state(
  OUT database_oid oid, OUT database text, OUT pid integer, OUT state text, OUT activity text,
  OUT started_at timestamptz, OUT heartbeat_at timestamptz, OUT next_wake_at timestamptz,
  OUT held_until timestamptz, OUT restarts integer,
  OUT claimed bigint, OUT accepted bigint, OUT rejected bigint, OUT retried bigint, OUT unknown bigint,
  OUT in_flight integer, OUT latency_p50_ms double precision, OUT latency_p99_ms double precision,
  OUT last_error text, OUT last_error_at timestamptz, OUT library_version text)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME', 'coach_sms_worker_stat' LANGUAGE C VOLATILE ROWS 4;
COMMENT ON FUNCTION sms_library_version() IS
'Returns the version of the loaded library. pg_extension has the extension''s version.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_trust(OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_trust' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_is_preloaded() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_preloaded' LANGUAGE C STABLE PARALLEL SAFE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_launcher_pid() RETURNS integer
  AS 'MODULE_PATHNAME', 'coach_sms_launcher_pid' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_webapp_url() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_webapp_url' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION sms_pause(org_id uuid DEFAULT NULL, until timestamptz DEFAULT 'infinity') RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF sms_pause.org_id IS NULL THEN
    UPDATE coach_sms_internal.sms_server SET paused_until = until;
    RETURN;
  END IF;
  UPDATE @extschema@.sms_settings s SET paused_until = until WHERE s.org_id = sms_pause.org_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown org %', sms_pause.org_id
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.', HINT = 'Check the org_id.';
  END IF;
END
$$;
COMMENT ON FUNCTION sms_pause(uuid, timestamptz) IS
'Sends nothing of an org (default NULL: of any org) before the given time (default: until sms_resume). '
'Messages wait. Raises SM001 for an unknown org.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_count_overdue(org_id uuid DEFAULT NULL) RETURNS bigint
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH server AS (SELECT v.mode = 'sandbox' AS is_sandbox FROM coach_sms_internal.sms_server v)
  SELECT (SELECT count(*)
            FROM coach_sms_internal.sms_queue q
           CROSS JOIN LATERAL (
             SELECT * FROM @extschema@.sms_messages WHERE id = q.message_id OFFSET 0) m
           WHERE ($1 IS NULL OR q.org_id = $1) AND m.sandbox = (SELECT is_sandbox FROM server)
             AND coach_sms_internal.sms_ends_at(m.scheduled_for, NULL) < least(now(), m.expires_at))
       + (SELECT coalesce(sum(o.messages), 0)
            FROM coach_sms_internal.sms_overdue o
           WHERE ($1 IS NULL OR o.org_id = $1) AND o.sandbox = (SELECT is_sandbox FROM server)
             AND o.ended_at > now() - current_setting('coach_sms.max_wait')::interval)
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_notice_overdue(org_id uuid DEFAULT NULL) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  overdue bigint := coach_sms_internal.sms_count_overdue(org_id);
BEGIN
  IF overdue > 0 THEN
    RAISE NOTICE 'messages that waited longer than coach_sms.max_wait (%) and are not sent: %',
                 current_setting('coach_sms.max_wait'), overdue
      USING DETAIL = 'They end as cancelled, error_code expired.',
            HINT = 'sms_retry() sends one of them after all.';
  END IF;
END
$$;
CREATE OR REPLACE FUNCTION sms_resume(org_id uuid DEFAULT NULL) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT @extschema@.sms_pause(sms_resume.org_id, NULL);
  SELECT coach_sms_internal.sms_notice_overdue(sms_resume.org_id)
$$;
COMMENT ON FUNCTION sms_resume(uuid) IS
'Ends sms_pause for an org (default NULL: for the server; an org''s own pause stays). A NOTICE counts '
'messages that waited longer than coach_sms.max_wait and are not sent. Raises SM001 for an unknown org.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_message_ended() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_message_ended' LANGUAGE C;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_text_came() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_text_came' LANGUAGE C;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_prune_messages(
  org_id uuid, before timestamptz, at_most integer, horizon xid)
  RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  -- A step reads no more messages than this, even where an old snapshot keeps them all.
  window_size CONSTANT integer := 10 * at_most;
  oldest uuid[] := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.org_id = $1 AND m.created_at < before AND m.updated_at < before
       AND m.status IN ('sent', 'delivered', 'failed', 'cancelled')
     ORDER BY m.created_at LIMIT window_size);
  moved integer;
  ids uuid[];
BEGIN
  INSERT INTO @extschema@.sms_idempotency_keys (org_id, idempotency_key, message_id, payload_hash)
    SELECT m.org_id, m.idempotency_key, m.id, m.payload_hash FROM @extschema@.sms_messages m
     WHERE m.id = ANY (oldest) AND m.idempotency_key IS NOT NULL
       AND NOT EXISTS (SELECT FROM @extschema@.sms_idempotency_keys k
                        WHERE k.org_id = $1 AND k.idempotency_key = m.idempotency_key)
     ORDER BY m.created_at LIMIT at_most
    ON CONFLICT ON CONSTRAINT sms_idempotency_keys_pkey DO NOTHING;
  GET DIAGNOSTICS moved = ROW_COUNT;
  ids := ARRAY(
    SELECT m.id FROM @extschema@.sms_messages m
     WHERE m.id = ANY (oldest) AND m.updated_at < before
       AND (m.idempotency_key IS NULL
            OR EXISTS (SELECT FROM @extschema@.sms_idempotency_keys k
                        WHERE k.org_id = $1 AND k.idempotency_key = m.idempotency_key
                          AND age(k.xmin) > age(horizon)))
     ORDER BY m.created_at LIMIT at_most
       FOR UPDATE SKIP LOCKED);
  PERFORM coach_sms_internal.sms_sum_up(
    ARRAY(SELECT a.id FROM @extschema@.sms_attempts a WHERE a.message_id = ANY (ids)));
  -- A booking whose text was cancelled may get it again, as before.
  UPDATE @extschema@.sms_booking_texts t
     SET detail = NULL, message_id = CASE WHEN m.is_off THEN NULL ELSE t.message_id END,
         reason = CASE WHEN m.is_off THEN 'booking_cancelled' ELSE t.reason END
    FROM (SELECT g.id,
                 g.status = 'cancelled'
                   AND g.error_code IN ('booking_changed', 'booking_cancelled', 'sandbox') AS is_off
            FROM @extschema@.sms_messages g WHERE g.id = ANY (ids)) m
   WHERE t.message_id = m.id;
  DELETE FROM @extschema@.sms_attempts a WHERE a.message_id = ANY (ids);
  DELETE FROM @extschema@.sms_events e WHERE e.message_id = ANY (ids);
  DELETE FROM @extschema@.sms_messages m WHERE m.id = ANY (ids);
  RETURN greatest(moved, cardinality(ids));
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_strays_before() RETURNS timestamptz
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN bool_and(s.retention_days IS NOT NULL)
              THEN now() - make_interval(days => max(s.retention_days)) END
    FROM @extschema@.sms_settings s
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_prune_events(org_id uuid, before timestamptz, at_most integer)
  RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  pruned integer;
BEGIN
  WITH old AS (
    SELECT i.id, i.event_type = 'inbound' AND coalesce(i.event_status IN ('START', 'YES'), false) AS stays
      FROM @extschema@.sms_events i
     WHERE CASE WHEN $1 IS NULL THEN i.org_id IS NULL ELSE i.org_id = $1 END
       AND i.message_id IS NULL AND i.received_at < before
       AND (i.event_payload IS NOT NULL OR i.event_type <> 'inbound'
            OR coalesce(i.event_status NOT IN ('START', 'YES'), true))
     ORDER BY i.received_at LIMIT at_most FOR UPDATE SKIP LOCKED),
  gone AS (
    DELETE FROM @extschema@.sms_events e USING old o WHERE e.id = o.id AND NOT o.stays),
  kept AS (
    UPDATE @extschema@.sms_events e SET event_payload = NULL FROM old o WHERE e.id = o.id AND o.stays)
  SELECT count(*) INTO pruned FROM old;
  RETURN pruned;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_prune_next(at_most integer, horizon xid, INOUT behind uuid)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  orgs_at_most CONSTANT integer := 100;
  org record;
  orgs integer := 0;
BEGIN
  FOR org IN
    SELECT s.org_id, now() - make_interval(days => s.retention_days) AS before FROM @extschema@.sms_settings s
     WHERE s.retention_days IS NOT NULL AND (behind IS NULL OR s.org_id >= behind)
     ORDER BY s.org_id LIMIT orgs_at_most
  LOOP
    behind := org.org_id;
    orgs := orgs + 1;
    IF greatest(coach_sms_internal.sms_prune_messages(org.org_id, org.before, at_most, horizon),
                coach_sms_internal.sms_prune_events(org.org_id, org.before, at_most)) > 0 THEN
      RETURN;
    END IF;
  END LOOP;
  IF orgs = orgs_at_most
     OR coach_sms_internal.sms_prune_events(NULL, coach_sms_internal.sms_strays_before(), at_most) > 0 THEN
    RETURN;
  END IF;
  behind := NULL;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_sum_up(attempts uuid[]) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO @extschema@.sms_usage AS u (
      org_id, month, provider, currency, messages, segments, price, segments_without_price)
    SELECT h.org_id, h.month, h.provider, h.currency, count(*), sum(h.segments), sum(h.price),
           coalesce(sum(h.segments) FILTER (WHERE h.price IS NULL), 0)
      FROM unnest(attempts) a (id)
     CROSS JOIN LATERAL (
       SELECT * FROM coach_sms_internal.sms_charges c WHERE c.attempt_id = a.id OFFSET 0) h
     GROUP BY h.org_id, h.month, h.provider, h.currency
    ON CONFLICT ON CONSTRAINT sms_usage_pkey DO UPDATE
      SET messages = u.messages + excluded.messages, segments = u.segments + excluded.segments,
          price = CASE WHEN excluded.price IS NULL THEN u.price
                       ELSE coalesce(u.price, 0) + excluded.price END,
          segments_without_price = u.segments_without_price + excluded.segments_without_price
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_sum_up_next(before uuid, at_most integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  last_one CONSTANT uuid := coalesce((SELECT e.attempt_id FROM @extschema@.sms_usage_end e),
                                     '00000000-0000-0000-0000-000000000000');
  attempts CONSTANT uuid[] := ARRAY(
    SELECT a.id FROM @extschema@.sms_attempts a
     WHERE a.id > last_one AND a.id < before ORDER BY a.id LIMIT at_most);
BEGIN
  IF attempts = '{}' OR coach_sms_internal.sms_is_subscriber() THEN
    RETURN 0;
  END IF;
  PERFORM coach_sms_internal.sms_sum_up(attempts);
  INSERT INTO @extschema@.sms_usage_end AS e (attempt_id, created_at)
    SELECT a.id, a.created_at FROM @extschema@.sms_attempts a WHERE a.id = attempts[cardinality(attempts)]
    ON CONFLICT ON CONSTRAINT sms_usage_end_pkey
    DO UPDATE SET attempt_id = excluded.attempt_id, created_at = excluded.created_at;
  RETURN cardinality(attempts);
END
$$;
COMMENT ON FUNCTION sms_cancel(uuid, text) IS
'Cancels a message that still waits, with error_code cancelled_by_user and the reason as error_message. '
'Returns false where the message is final or was handed over already. Raises SM012 for an unknown id.';
CREATE OR REPLACE FUNCTION sms_reschedule(
  message_id uuid, scheduled_for timestamptz, expires_at timestamptz DEFAULT NULL)
  RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_reschedule(uuid, timestamptz, timestamptz) IS
'Moves a message that still waits to scheduled_for (NULL: now), and changes its expires_at where one is '
'given. Raises SM010 for times that sms_enqueue would refuse, SM012 for an unknown id and for a message '
'that does not wait.';
COMMENT ON FUNCTION sms_retry(uuid) IS
'Enqueues a failed or cancelled message again, as a new message with the same content and '
'metadata.retry_of. An expires_at that has passed is left out. Returns the new id; a second call returns '
'the same one. A message that ended as outcome_unknown may have arrived all the same. Raises SM012 for an '
'unknown id or another status, and the errors of sms_enqueue.';
COMMENT ON FUNCTION sms_preview(uuid, text, jsonb) IS
'Returns the message that sms_enqueue would send for this template: text, encoding and segments. '
'estimated_cost is in currency, by the org''s price_per_segment; NULL without one. Sends nothing. Raises '
'SM001, SM003, SM004, SM005.';
CREATE OR REPLACE FUNCTION is_phone_suppressed(org_id uuid, phone text)
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C STABLE STRICT COST 100;
COMMENT ON FUNCTION is_phone_suppressed(uuid, text) IS
'Returns whether the org must not write to the number: by its own list, or because the person said STOP to '
'its sender. The number may have any form that default_region reads. Raises SM001 for an org of others, '
'SM006 for a text that is no number.';
CREATE OR REPLACE FUNCTION sms_opt_out(
  org_id uuid, phone text, reason text DEFAULT 'opt_out', source text DEFAULT 'sms_opt_out',
  notes text DEFAULT NULL, client_id uuid DEFAULT NULL)
  RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_opt_out(uuid, text, text, text, text, uuid) IS
'Enters the number into the org''s sms_suppression, and cancels messages that wait for it (error_code '
'opted_out). An earlier entry is kept. reason is opt_out (default), invalid_number, carrier_violation or '
'manual. Returns the entry''s id. Raises SM001 without an org, SM006 for a text that is no number, SM015 '
'for another reason.';
COMMENT ON FUNCTION sms_opt_in(uuid, text, boolean) IS
'Takes the number off the org''s sms_suppression. An entry with reason manual stays unless include_manual '
'is true. Returns true where there was an entry to take off. Raises SM001 for an org of others, SM006 for '
'a text that is no number.';
COMMENT ON FUNCTION sms_erase_person(uuid, text) IS
'Forgets a person in an org. Cancels messages that wait for the number (error_code erased). Erases number, '
'text, variables, client_id, metadata and payloads from its messages, attempts and events. Keeps opt-outs '
'as a salted hash that still matches. Returns how many of each, and how many messages are under way and '
'were left: call it again once they are settled. Texts of no org, and opt-outs from senders of other orgs, '
'change only where the caller acts for every org. Raises SM001, SM006.';
COMMENT ON FUNCTION sms_why(uuid) IS
'Returns a message''s timeline in words: its enqueueing, each attempt, Twilio''s news, and last its status '
'now and the reason for which it waits. Raises SM012 for an unknown id.';
COMMENT ON FUNCTION sms_explain(uuid) IS
'Returns one row for each text that the booking had, will have or will not have. Each has the time at '
'which it is due, the message, the status (planned, skipped or gone where there is no message), and the '
'reason. Times are in the org''s zone. Raises SM012 for an unknown booking.';
CREATE OR REPLACE FUNCTION sms_doctor(
  OUT check_name text, OUT level text, OUT ok boolean, OUT problem text, OUT what_to_do text)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_doctor() IS
'Returns one row a check. level is ok, note, warning or error; ok is true for ok and note. problem and '
'what_to_do are NULL where level is ok. In the sandbox, a problem of live sending alone is a note. '
'Monitors see no text of the application''s code. It reads all messages, so it is for people; alarms read '
'sms_health.';
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_worker_stat AS
  SELECT database_oid, database, pid, state, activity, started_at, heartbeat_at, next_wake_at, held_until,
         restarts, claimed, accepted, rejected, retried, unknown, in_flight, latency_p50_ms, latency_p99_ms,
         last_error, last_error_at, library_version
    FROM coach_sms_internal.sms_worker_state()
   WHERE database_oid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_worker_stat IS
'This database''s sender, from shared memory. No row where the library is not preloaded, or the launcher '
'has not read this database yet.';
COMMENT ON COLUMN sms_worker_stat.database_oid IS 'The database''s OID.';
COMMENT ON COLUMN sms_worker_stat.database IS 'The database''s name.';
COMMENT ON COLUMN sms_worker_stat.pid IS 'The process id; NULL where none runs.';
COMMENT ON COLUMN sms_worker_stat.state IS
'sandbox or live where it sends. not armed, version mismatch or step failed where it runs and a step keeps '
'failing, see last_error. Else starting, stopping, backing off, held or stopped.';
COMMENT ON COLUMN sms_worker_stat.activity IS
'The step that it carries out, or the reason for which it sleeps.';
COMMENT ON COLUMN sms_worker_stat.started_at IS 'When it was started.';
COMMENT ON COLUMN sms_worker_stat.heartbeat_at IS 'When it last began to sleep.';
COMMENT ON COLUMN sms_worker_stat.next_wake_at IS
'When it wakes at the latest. A time long past: it is frozen.';
COMMENT ON COLUMN sms_worker_stat.held_until IS
'It is not started before this time, because of sms_detach_worker() or DROP DATABASE.';
COMMENT ON COLUMN sms_worker_stat.restarts IS
'How often it was restarted since the server started. The other counters count from the server''s start '
'too.';
COMMENT ON COLUMN sms_worker_stat.retried IS
'Requests that are sent again, because Twilio provably did not take them.';
COMMENT ON COLUMN sms_worker_stat.in_flight IS 'Messages that it has claimed and not yet settled.';
COMMENT ON COLUMN sms_worker_stat.latency_p50_ms IS
'Median duration in milliseconds of the last few thousand requests.';
COMMENT ON COLUMN sms_worker_stat.latency_p99_ms IS '99th percentile of their duration in milliseconds.';
COMMENT ON COLUMN sms_worker_stat.last_error IS 'Its last error, which may be over.';
COMMENT ON COLUMN sms_worker_stat.last_error_at IS 'When that error occurred.';
COMMENT ON COLUMN sms_worker_stat.library_version IS 'The version of the library that it runs.';
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW coach_sms_internal.sms_lane_stat WITH (security_barrier) AS
  WITH reader AS MATERIALIZED (
    SELECT coach_sms_internal.sms_sees_all() AS sees_all,
           CASE WHEN NOT coach_sms_internal.sms_sees_all() THEN @extschema@.sms_my_orgs() END AS orgs),
  lane AS (
    SELECT org_id, zone, priority, count(*) AS waiting,
           count(*) FILTER (WHERE due_at <= now()) AS due,
           min(due_at) AS next_due_at,
           count(*) FILTER (WHERE due_at > now() AND held_for IS NOT NULL) AS over_limit,
           min(due_at) FILTER (WHERE due_at > now() AND held_for IS NOT NULL) AS room_at,
           count(*) FILTER (WHERE due_at > now() AND held_for IS NULL AND failures > 0) AS retrying,
           min(due_at) FILTER (WHERE due_at > now() AND held_for IS NULL AND failures > 0) AS retry_at,
           min(due_at) FILTER (WHERE due_at > now() AND held_for IS NULL AND failures = 0) AS scheduled_for
      FROM coach_sms_internal.sms_queue
     WHERE (SELECT sees_all FROM reader) OR org_id = ANY ((SELECT orgs FROM reader)::uuid[])
     GROUP BY org_id, zone, priority),
  hold AS MATERIALIZED (
    SELECT * FROM coach_sms_internal.sms_holds WHERE until > now()),
  server_hold AS (
    SELECT why, is_trouble FROM hold WHERE org_id IS NULL ORDER BY until DESC LIMIT 1)
  SELECT DISTINCT ON (l.org_id, l.zone, l.priority) l.*,
         CASE WHEN l.due > 0 THEN coalesce(v.why, h.why) END AS held_by,
         l.due > 0 AND coalesce(v.is_trouble, h.is_trouble, false) AS is_trouble
    FROM lane l
    LEFT JOIN hold h
      ON h.org_id = l.org_id AND (h.priority IS NULL OR (h.priority = l.priority AND h.zone = l.zone))
    LEFT JOIN server_hold v ON true
   ORDER BY l.org_id, l.zone, l.priority, h.until DESC NULLS LAST, h.rule;
SET LOCAL search_path = @extschema@, pg_temp;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_queue_stat WITH (security_barrier) AS
  WITH reader AS MATERIALIZED (
    SELECT coach_sms_internal.sms_sees_all() AS sees_all,
           CASE WHEN NOT coach_sms_internal.sms_sees_all() THEN @extschema@.sms_my_orgs() END AS orgs),
  server AS (
    SELECT max(paused_until) AS paused_until FROM coach_sms_internal.sms_server),
  org AS (
    SELECT s.org_id,
           s.enabled AND coalesce(greatest(s.paused_until, v.paused_until) <= now(), true) AS may_send
      FROM @extschema@.sms_settings s CROSS JOIN server v),
  queued AS (
    SELECT org_id, sum(waiting)::bigint AS waiting, sum(due)::bigint AS due, min(next_due_at) AS next_due_at,
           min(next_due_at) FILTER (WHERE held_by IS NULL) AS free_due_at,
           coalesce(
             (array_agg(held_by ORDER BY is_trouble DESC, due DESC, held_by)
                FILTER (WHERE held_by IS NOT NULL))[1],
             CASE WHEN sum(over_limit) > 0
                  THEN format('max_sms_per_client_per_day is reached (messages: %s), until %s',
                              sum(over_limit), date_trunc('minute', min(room_at))) END) AS held_by
      FROM coach_sms_internal.sms_lane_stat GROUP BY org_id),
  claimed AS (
    SELECT org_id, count(*) FILTER (WHERE state <> 'unknown') AS in_flight,
           count(*) FILTER (WHERE state = 'unknown') AS unknown
      FROM coach_sms_internal.sms_in_flight GROUP BY org_id)
  SELECT org_id, coalesce(org.may_send, false) AS may_send,
         coalesce(waiting, 0) AS waiting, coalesce(due, 0) AS due,
         CASE WHEN org.may_send AND free_due_at <= now() THEN now() - free_due_at END AS oldest_due_age,
         coalesce(in_flight, 0) AS in_flight, coalesce(unknown, 0) AS unknown,
         next_due_at, held_by COLLATE "C" AS held_by
    FROM org FULL JOIN queued USING (org_id) FULL JOIN claimed USING (org_id)
   WHERE (SELECT sees_all FROM reader) OR org_id = ANY ((SELECT orgs FROM reader)::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_queue_stat IS 'Messages that wait and messages under way, one row an org.';
COMMENT ON COLUMN sms_queue_stat.org_id IS 'The org.';
COMMENT ON COLUMN sms_queue_stat.due IS 'Messages whose time has come.';
COMMENT ON COLUMN sms_queue_stat.oldest_due_age IS
'How long the oldest due message without a hold has been due. NULL where there is none, or the org may not '
'send.';
COMMENT ON COLUMN sms_queue_stat.held_by IS
'The hold of messages that are due, and its end where it is known: quiet hours, a limit, a pause, the '
'account and so on. Where none is due, the daily limit of clients. NULL where nothing is held.';
COMMENT ON COLUMN sms_queue_stat.unknown IS 'Messages whose outcome is unknown and is being reconciled.';
COMMENT ON COLUMN sms_queue_stat.next_due_at IS
'The earliest time, past or to come, at which a message is due.';
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW coach_sms_internal.sms_outcomes WITH (security_barrier) AS
  WITH reader AS MATERIALIZED (
    SELECT CASE WHEN coach_sms_internal.sms_sees_all()
                THEN ARRAY(SELECT s.org_id FROM @extschema@.sms_settings s)
                ELSE @extschema@.sms_my_orgs() END AS orgs),
  message AS (
    SELECT m.org_id, (m.created_at AT TIME ZONE coach_sms_internal.sms_known_zone(s.timezone))::date AS day,
           m.template_key, m.sandbox, m.status, m.segments,
           m.price, m.price_unit, m.provider_message_id IS NOT NULL AS was_taken,
           m.status IN ('sent', 'delivered', 'failed')
             AND coalesce(m.sent_at, m.failed_at) < now() - interval '1 hour' AS is_old_enough
      FROM @extschema@.sms_messages m LEFT JOIN @extschema@.sms_settings s ON s.org_id = m.org_id
     WHERE m.org_id = ANY ((SELECT orgs FROM reader)::uuid[]) AND m.created_at > now() - interval '30 days')
  SELECT org_id, day, template_key, sandbox, count(*) AS total,
         count(*) FILTER (WHERE status = 'sent') AS sent,
         count(*) FILTER (WHERE status = 'delivered') AS delivered,
         count(*) FILTER (WHERE status = 'failed') AS failed,
         count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
         count(*) FILTER (WHERE status = 'unknown') AS unknown,
         count(*) FILTER (WHERE status IN ('pending', 'queued', 'sending')) AS waiting,
         count(*) FILTER (WHERE is_old_enough AND status = 'delivered') AS old_delivered,
         count(*) FILTER (WHERE is_old_enough) AS old,
         coalesce(sum(segments) FILTER (WHERE status IN ('sent', 'delivered') OR was_taken), 0) AS segments,
         sum(price) AS price, min(price_unit) AS first_unit, max(price_unit) AS last_unit
    FROM message GROUP BY org_id, day, template_key, sandbox;
SET LOCAL search_path = @extschema@, pg_temp;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_delivery_stats WITH (security_barrier) AS
  SELECT org_id, day, sandbox, sum(total)::bigint AS total, sum(sent)::bigint AS sent,
         sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed,
         sum(cancelled)::bigint AS cancelled, sum(unknown)::bigint AS unknown,
         sum(waiting)::bigint AS waiting,
         round(100.0 * sum(old_delivered) / nullif(sum(old), 0::numeric), 2) AS delivery_rate,
         sum(segments)::bigint AS segments,
         CASE WHEN min(first_unit) = max(last_unit) THEN sum(price) END AS price,
         CASE WHEN min(first_unit) = max(last_unit) THEN min(first_unit) END AS price_unit
    FROM coach_sms_internal.sms_outcomes GROUP BY org_id, day, sandbox;
SET LOCAL search_path = @extschema@, pg_temp;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_delivery_by_template WITH (security_barrier) AS
  SELECT org_id, template_key, sandbox, sum(total)::bigint AS total, sum(sent)::bigint AS sent,
         sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed,
         sum(cancelled)::bigint AS cancelled, sum(unknown)::bigint AS unknown,
         sum(waiting)::bigint AS waiting,
         round(100.0 * sum(old_delivered) / nullif(sum(old), 0::numeric), 2) AS delivery_rate,
         sum(segments)::bigint AS segments
    FROM coach_sms_internal.sms_outcomes GROUP BY org_id, template_key, sandbox;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_delivery_stats IS
'The outcomes of the last 30 days'' messages, by org and day of creation (in the org''s time zone), of '
'orgs that have settings. Fast for one org: WHERE org_id = ...';
COMMENT ON COLUMN sms_delivery_stats.org_id IS 'The org.';
COMMENT ON COLUMN sms_delivery_stats.day IS 'The day of creation, in the org''s time zone.';
COMMENT ON COLUMN sms_delivery_stats.total IS 'All messages of that day.';
COMMENT ON COLUMN sms_delivery_stats.sent IS
'Messages that Twilio took and that have no receipt; some carriers send none.';
COMMENT ON COLUMN sms_delivery_stats.delivered IS 'Messages that the carrier reported as delivered.';
COMMENT ON COLUMN sms_delivery_stats.failed IS
'Messages that were refused, or that the carrier could not deliver.';
COMMENT ON COLUMN sms_delivery_stats.cancelled IS 'Messages that were stopped before they left.';
COMMENT ON COLUMN sms_delivery_stats.unknown IS 'Messages whose outcome is unknown and is being reconciled.';
COMMENT ON COLUMN sms_delivery_stats.waiting IS 'Messages that are pending, queued or sending.';
COMMENT ON COLUMN sms_delivery_stats.delivery_rate IS
'Percent delivered of messages that were sent, delivered or failed more than an hour ago. NULL where there '
'are none.';
COMMENT ON COLUMN sms_delivery_stats.segments IS 'Segments of messages that Twilio took.';
COMMENT ON COLUMN sms_delivery_stats.price IS
'Twilio''s price, as far as it is known. NULL where currencies mix.';
COMMENT ON COLUMN sms_delivery_stats.price_unit IS 'The currency of price. NULL where currencies mix.';
COMMENT ON VIEW sms_delivery_by_template IS
'The outcomes of the last 30 days'' messages, by org and template, of orgs that have settings. Fast for one '
'org: WHERE org_id = ...';
COMMENT ON COLUMN sms_delivery_by_template.org_id IS 'The org.';
COMMENT ON COLUMN sms_delivery_by_template.template_key IS
'The template''s key. NULL: texts without a template.';
COMMENT ON COLUMN sms_delivery_by_template.sandbox IS 'true: the sandbox''s messages, which nobody got.';
COMMENT ON COLUMN sms_delivery_by_template.total IS 'All messages of the template.';
COMMENT ON COLUMN sms_delivery_by_template.sent IS
'Messages that Twilio took and that have no receipt; some carriers send none.';
COMMENT ON COLUMN sms_delivery_by_template.delivered IS 'Messages that the carrier reported as delivered.';
COMMENT ON COLUMN sms_delivery_by_template.failed IS
'Messages that were refused, or that the carrier could not deliver.';
COMMENT ON COLUMN sms_delivery_by_template.cancelled IS 'Messages that were stopped before they left.';
COMMENT ON COLUMN sms_delivery_by_template.unknown IS
'Messages whose outcome is unknown and is being reconciled.';
COMMENT ON COLUMN sms_delivery_by_template.waiting IS 'Messages that are pending, queued or sending.';
COMMENT ON COLUMN sms_delivery_by_template.delivery_rate IS
'Percent delivered of messages that were sent, delivered or failed more than an hour ago. NULL where there '
'are none.';
COMMENT ON COLUMN sms_delivery_by_template.segments IS 'Segments of messages that Twilio took.';
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_health AS
  WITH mark AS (
    SELECT now() - interval '1 hour' AS hour_ago,
           (lpad(to_hex(floor(extract(epoch FROM now() - interval '1 hour') * 1000::numeric)::bigint),
                 12, '0') || '70008000000000000000')::uuid AS id_hour_ago,
           (lpad(to_hex(floor(extract(epoch FROM now() - interval '1 day') * 1000::numeric)::bigint),
                 12, '0') || '70008000000000000000')::uuid AS id_day_ago),
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
  lane AS MATERIALIZED (
    SELECT * FROM coach_sms_internal.sms_lane_stat),
  wait AS (
    SELECT sum(due) AS messages, format(' (org %s): %s', org_id, held_by) AS what FROM lane
     WHERE held_by IS NOT NULL GROUP BY org_id, held_by
    UNION ALL
    SELECT sum(over_limit),
           format(' (org %s): max_sms_per_client_per_day is reached, until %s',
                  org_id, date_trunc('minute', min(room_at)))
      FROM lane GROUP BY org_id HAVING sum(over_limit) > 0
    UNION ALL
    SELECT sum(retrying), format(': tried again, the first at %s', date_trunc('second', min(retry_at)))
      FROM lane HAVING sum(retrying) > 0
    UNION ALL
    SELECT sum(waiting - due - over_limit - retrying),
           format(': scheduled, the first for %s', date_trunc('minute', min(scheduled_for)))
      FROM lane HAVING sum(waiting - due - over_limit - retrying) > 0),
  summary AS (
    SELECT string_agg(line, '; ' ORDER BY place)
             || CASE WHEN max(lines) > 5 THEN format('; more reasons: %s', max(lines) - 5) ELSE '' END
             AS waits_for
      FROM (SELECT messages || CASE WHEN messages = 1 THEN ' message waits' ELSE ' messages wait' END
                     || what AS line,
                   row_number() OVER (ORDER BY messages DESC, what) AS place,
                   count(*) OVER () AS lines
              FROM wait) l
     WHERE place <= 5),
  trouble AS (
    SELECT sum(due) AS messages, min(held_by) AS held_by FROM lane WHERE is_trouble),
  fact AS MATERIALIZED (
    SELECT m.mode, m.reason, pg_is_in_recovery() AS is_standby,
           coach_sms_internal.sms_is_preloaded() AS is_preloaded,
           @extschema@.sms_library_version() AS library_version, x.extversion AS extension_version,
           (SELECT count(*) FROM @extschema@.sms_events WHERE processed_at IS NULL AND message_id IS NOT NULL)
             + (SELECT count(*) FROM @extschema@.sms_events WHERE processed_at IS NULL AND message_id IS NULL)
             AS unprocessed_events,
           q.*, f.*, t.waits_for, b.messages AS troubled, b.held_by AS trouble,
           (SELECT count(*) FROM coach_sms_internal.sms_in_flight
             WHERE state <> 'unknown' AND lease_until < now() - interval '30 seconds') AS unrecorded,
           (SELECT c.problem FROM coach_sms_internal.sms_check_trust() c
             WHERE m.mode = 'live') AS trust_problem
      FROM @extschema@.sms_mode() m CROSS JOIN queue q CROSS JOIN failed f CROSS JOIN summary t
     CROSS JOIN trouble b CROSS JOIN pg_extension x
     WHERE x.extname = 'coach_sms'),
  judged AS (
    SELECT f.*, w.pid AS sender_pid, w.state AS sender_state, w.last_error, w.last_error_at,
           CASE
             WHEN f.is_standby THEN NULL
             WHEN NOT f.is_preloaded THEN 'coach_sms is not in shared_preload_libraries: nothing is sent'
             WHEN f.library_version <> f.extension_version
               THEN format('the library is version %s and the extension %s: nothing is sent before '
                           'ALTER EXTENSION coach_sms UPDATE, or a restart with the right library',
                           f.library_version, f.extension_version)
             WHEN f.mode = 'not armed'
               THEN format('this server is not armed for this database, and sends nothing: %s', f.reason)
             WHEN w.state = 'held' THEN format('the sender is held back until %s', w.held_until)
             WHEN w.pid IS NULL THEN concat_ws(': ', 'no sender runs for this database', w.last_error)
             WHEN w.next_wake_at < clock_timestamp() - interval '30 seconds'
               THEN format('the sender (process %s) is frozen: it meant to wake at %s', w.pid, w.next_wake_at)
             WHEN f.trust_problem IS NOT NULL THEN f.trust_problem
             WHEN f.unrecorded > 0
               THEN concat_ws(': ',
                      format('results of requests cannot be recorded, and may wait for a lock: %s',
                             f.unrecorded),
                      w.last_error)
             WHEN w.state = 'step failed'
               THEN concat_ws(': ', 'a step of the sender keeps failing', w.last_error)
             WHEN f.troubled > 0 THEN format('messages wait (%s): %s', f.troubled, f.trouble)
             WHEN f.oldest_due_seconds > 60 AND f.in_flight = 0
               THEN format('messages are due and do not move: the first for %s s', f.oldest_due_seconds)
           END AS problem
      FROM fact f LEFT JOIN @extschema@.sms_worker_stat w ON true)
  SELECT mode, sender_pid, sender_state, library_version, extension_version, waiting, due, oldest_due_seconds,
         in_flight, unknown, unprocessed_events, failed_last_hour, last_error, last_error_at,
         problem IS NULL AS ok, problem, waits_for
    FROM judged;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_health IS
'One row: whether this database sends. For alarms: ok is false where there is a problem, and sms_doctor() '
'says its remedy.';
COMMENT ON COLUMN sms_health.sender_pid IS 'The sender''s process id; NULL where none runs.';
COMMENT ON COLUMN sms_health.library_version IS 'The version of the library that this session runs.';
COMMENT ON COLUMN sms_health.extension_version IS 'The version of the extension in this database.';
COMMENT ON COLUMN sms_health.waiting IS 'Messages in the queue.';
COMMENT ON COLUMN sms_health.due IS 'Messages whose time has come.';
COMMENT ON COLUMN sms_health.oldest_due_seconds IS
'Seconds for which the oldest message of an org that may send has been due. NULL where there is none.';
COMMENT ON COLUMN sms_health.in_flight IS 'Messages that the sender has claimed.';
COMMENT ON COLUMN sms_health.unknown IS 'Messages whose outcome is unknown and is being reconciled.';
COMMENT ON COLUMN sms_health.unprocessed_events IS
'Callbacks that wait until their message is known or unlocked.';
COMMENT ON COLUMN sms_health.last_error IS 'The sender''s last error, which may be over.';
COMMENT ON COLUMN sms_health.last_error_at IS 'When that error occurred.';
COMMENT ON COLUMN sms_health.ok IS 'true: there is no problem.';
COMMENT ON COLUMN sms_health.problem IS
'The problem in words. NULL where all is well, and on a standby, which sends nothing.';
COMMENT ON COLUMN sms_health.waits_for IS
'The reasons for which messages wait, and their ends where they are known. NULL where none waits. Waiting '
'alone is no problem.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_counters(
  OUT family text, OUT name text, OUT labels jsonb, OUT value double precision)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME', 'coach_sms_counters' LANGUAGE C VOLATILE ROWS 80;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_metrics AS
  WITH family (place, family, type, help) AS (VALUES
    (1, 'coach_sms_healthy', 'gauge', '1 where sms_health.ok is true, 0 where there is a problem.'),
    (2, 'coach_sms_info', 'gauge', 'Always 1. The labels have the mode and the versions.'),
    (3, 'coach_sms_messages_waiting', 'gauge', 'Messages in the queue.'),
    (4, 'coach_sms_messages_due', 'gauge', 'Messages whose time has come.'),
    (5, 'coach_sms_messages_in_flight', 'gauge', 'Messages that the sender has claimed.'),
    (6, 'coach_sms_messages_unknown', 'gauge', 'Messages whose outcome is being reconciled.'),
    (7, 'coach_sms_oldest_due_age_seconds', 'gauge',
        'How long the oldest message that nothing holds has been due; 0 where there is none.'),
    (8, 'coach_sms_unprocessed_events', 'gauge', 'Callbacks that wait for their message.'),
    (9, 'coach_sms_account_held', 'gauge',
        '1 for an account whose messages are held, by the end of its SID.'),
    (10, 'coach_sms_requests_total', 'counter', 'Requests to Twilio, by outcome, the sandbox''s too.'),
    (11, 'coach_sms_request_duration_seconds', 'histogram', 'Duration of requests to Twilio.'),
    (12, 'coach_sms_commit_to_request_seconds', 'histogram',
        'How long messages that nothing holds waited for their first request.'),
    (13, 'coach_sms_messages_final_total', 'counter', 'Messages that ended, by status and reason.'),
    (14, 'coach_sms_webhook_calls_total', 'counter', 'Calls to the webhook, by the status answered.'),
    (15, 'coach_sms_segments_total', 'counter', 'Segments of messages that Twilio took, the sandbox''s too.'),
    (16, 'coach_sms_sender_restarts_total', 'counter', 'Restarts of the sender process.'),
    (17, 'coach_sms_counters_begin_seconds', 'gauge',
        'Unix time from which the counters count: the server''s start, also that after a crash.')),
  health AS MATERIALIZED (SELECT * FROM @extschema@.sms_health),
  gauge AS (
    SELECT g.name, g.labels, g.value
      FROM health h CROSS JOIN LATERAL (VALUES
        ('coach_sms_healthy', '{}'::jsonb, h.ok::integer::double precision),
        ('coach_sms_info', jsonb_build_object('mode', h.mode, 'library_version', h.library_version,
                                              'extension_version', h.extension_version), 1),
        ('coach_sms_messages_waiting', '{}', h.waiting),
        ('coach_sms_messages_due', '{}', h.due),
        ('coach_sms_messages_in_flight', '{}', h.in_flight),
        ('coach_sms_messages_unknown', '{}', h.unknown),
        ('coach_sms_oldest_due_age_seconds', '{}', coalesce(h.oldest_due_seconds, 0)),
        ('coach_sms_unprocessed_events', '{}', h.unprocessed_events)) g (name, labels, value)
    UNION ALL
    SELECT 'coach_sms_account_held', jsonb_build_object('account', coalesce(o.account, '')), 1
      FROM coach_sms_internal.sms_holds o
     WHERE o.rule = 'account' AND o.until > now() GROUP BY o.account),
  sample AS (
    SELECT g.name AS family, g.name, g.labels, g.value, 0::bigint AS n FROM gauge g
    UNION ALL
    SELECT c.family, c.name, c.labels, c.value, c.n
      FROM coach_sms_internal.sms_counters() WITH ORDINALITY c (family, name, labels, value, n))
  SELECT f.family, f.type, f.help, s.name, s.labels, s.value
    FROM family f JOIN sample s ON s.family = f.family
   ORDER BY f.place, s.n, s.labels::text;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_metrics IS
'Figures for Prometheus, one row a sample, in the order of its text format. Reads the queue as a whole, and '
'of attempts and events the last day at most. Counters begin at the server''s start. No org is named: see '
'sms_metrics_by_org.';
COMMENT ON COLUMN sms_metrics.family IS 'The metric''s name.';
COMMENT ON COLUMN sms_metrics.type IS 'gauge, counter or histogram.';
COMMENT ON COLUMN sms_metrics.help IS 'The meaning of the metric.';
COMMENT ON COLUMN sms_metrics.name IS
'The sample''s name: the metric''s, for a histogram with _bucket, _sum or _count behind it.';
COMMENT ON COLUMN sms_metrics.labels IS 'The sample''s labels, all texts; {} for none.';
COMMENT ON COLUMN sms_metrics.value IS 'The value, in seconds where it is a time.';
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_metrics_by_org AS
  SELECT g.family, 'gauge' AS type, g.help, g.family AS name, jsonb_build_object('org', q.org_id) AS labels,
         g.value
    FROM @extschema@.sms_queue_stat q CROSS JOIN LATERAL (VALUES
      (1, 'coach_sms_org_messages_waiting', 'Messages of the org in the queue.',
       q.waiting::double precision),
      (2, 'coach_sms_org_messages_due', 'Messages of the org whose time has come.', q.due),
      (3, 'coach_sms_org_messages_in_flight', 'Messages of the org that the sender has claimed.',
       q.in_flight),
      (4, 'coach_sms_org_messages_unknown', 'Messages of the org whose outcome is being reconciled.',
       q.unknown),
      (5, 'coach_sms_org_oldest_due_age_seconds',
       'How long the oldest message of the org that nothing holds has been due; 0 where there is none.',
       coalesce(extract(epoch FROM q.oldest_due_age), 0)),
      (6, 'coach_sms_org_held', '1 where messages of the org that are due are held, 0 otherwise.',
       (q.held_by IS NOT NULL)::integer)) g (place, family, help, value)
   ORDER BY g.place, q.org_id;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_metrics_by_org IS
'Figures of each org for Prometheus, in the form of sms_metrics: six samples an org. coach_sms_gateway '
'reads it with --metrics-by-org.';
COMMENT ON COLUMN sms_metrics_by_org.family IS 'The metric''s name.';
COMMENT ON COLUMN sms_metrics_by_org.type IS 'Always gauge.';
COMMENT ON COLUMN sms_metrics_by_org.help IS 'The meaning of the metric.';
COMMENT ON COLUMN sms_metrics_by_org.name IS 'The sample''s name, which is the metric''s.';
COMMENT ON COLUMN sms_metrics_by_org.labels IS 'The org.';
COMMENT ON COLUMN sms_metrics_by_org.value IS 'The value, in seconds where it is a time.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_key_file(OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_key_file' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_foreign_live_file() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_foreign_live_file' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_token(
  org_id uuid, sealed text, OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_token' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_setting_place(setting text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_setting_place' LANGUAGE C VOLATILE STRICT;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_oldest_snapshot(OUT holder text, OUT since timestamptz)
  AS 'MODULE_PATHNAME', 'coach_sms_oldest_snapshot' LANGUAGE C VOLATILE;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_list_orgs(org_ids uuid[]) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_to_string(org_ids[1:5], ', ')
         || CASE WHEN cardinality(org_ids) > 5
                 THEN format(' and %s more', cardinality(org_ids) - 5) ELSE '' END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_processes()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH fact AS MATERIALIZED (
    SELECT coach_sms_internal.sms_is_preloaded() AS preloaded,
           CASE WHEN pg_is_in_recovery() THEN 'note' ELSE 'error' END AS level,
           coach_sms_internal.sms_launcher_pid() AS launcher,
           @extschema@.sms_library_version() AS library,
           x.extversion AS extension,
           coalesce(current_setting('coach_sms.databases', true), '') AS databases,
           (SELECT count(*) FROM coach_sms_internal.sms_in_flight f
             WHERE f.state <> 'unknown' AND f.lease_until < now() - interval '30 seconds') AS unrecorded,
           w.*
      FROM pg_extension x LEFT JOIN @extschema@.sms_worker_stat w ON true
     WHERE x.extname = 'coach_sms')
  SELECT 'preloaded', 'error',
         CASE WHEN NOT preloaded THEN 'coach_sms is not in shared_preload_libraries: messages wait' END,
         format('Add coach_sms to shared_preload_libraries (%s) and restart the server; '
                'a reload is not enough.',
                CASE WHEN NOT preloaded  -- only then: it reads the files, and checks all settings
                     THEN coalesce(coach_sms_internal.sms_setting_place('shared_preload_libraries'),
                                   'in postgresql.conf, or by ALTER SYSTEM') END)
    FROM fact
  UNION ALL
  SELECT 'launcher', level,
         CASE WHEN launcher IS NULL THEN 'the launcher is not running' END,
         CASE WHEN preloaded
              THEN 'It starts again within seconds; if not, the server''s log says why '
                   '(raise max_worker_processes, or look for coach_sms there).'
              ELSE 'See preloaded.' END
    FROM fact
  UNION ALL
  SELECT 'sender', level,
         CASE WHEN pid IS NULL
                THEN concat_ws(': ', 'no sender runs for this database', state, last_error)
              WHEN next_wake_at < clock_timestamp() - interval '30 seconds'
                THEN format('the sender (process %s) is frozen since %s', pid, next_wake_at)
              WHEN unrecorded > 0
                THEN concat_ws(': ', format('results of requests cannot be recorded: %s', unrecorded),
                               last_error)
              WHEN state = 'step failed'
                THEN concat_ws(': ', 'a step of the sender keeps failing', last_error) END,
         CASE WHEN NOT preloaded THEN 'See preloaded.'
              WHEN state = 'held'
                THEN format('It starts by itself after %s: '
                            'sms_detach_worker() or DROP DATABASE asked for it.', held_until)
              WHEN pid IS NULL
                THEN format('coach_sms.databases (now ''%s'') must name this database or be ''*''; '
                            'else the server''s log says why.', databases)
              WHEN state = 'step failed' AND unrecorded = 0
                THEN 'It tries again by itself. Correct the cause of the error. '
                     'The server''s log has the details.'
              WHEN unrecorded > 0
                THEN 'They are kept, and recorded once no other session locks sms_messages '
                     'or its rows: see pg_locks.'
              ELSE format('Resume the process, or end it with SELECT pg_terminate_backend(%s): '
                          'another one starts.', pid) END
    FROM fact
  UNION ALL
  SELECT 'version', 'error',
         CASE WHEN library <> extension
              THEN format('the library is version %s, the extension %s', library, extension) END,
         'Run ALTER EXTENSION coach_sms UPDATE; where the library is the older one, restart the server first.'
    FROM fact
  UNION ALL
  SELECT 'worker_slots', 'error',
         CASE WHEN pid IS NULL AND last_error LIKE '%background worker slots%' THEN last_error END,
         format('Raise max_worker_processes (now %s; one for the launcher and one for each database '
                'that sends) and restart the server.', current_setting('max_worker_processes'))
    FROM fact
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_arming()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH fact AS MATERIALIZED (
    SELECT m.mode, m.reason FROM @extschema@.sms_mode() m)
  SELECT 'mode', 'error',
         CASE WHEN mode = 'not armed'
              THEN format('this server is not armed for this database, and sends nothing: %s', reason) END,
         'If this database is to send, call sms_go_live(); for trials sms_go_sandbox(). '
         'Call neither in a copy of a live database.'
    FROM fact
  UNION ALL
  SELECT 'key_file',
         CASE WHEN mode <> 'sandbox'
                   OR EXISTS (SELECT FROM @extschema@.sms_settings
                               WHERE twilio_auth_token_encrypted IS NOT NULL)
              THEN 'error' ELSE 'note' END,
         k.problem, k.what_to_do
    FROM fact, coach_sms_internal.sms_check_key_file() k
  UNION ALL
  SELECT 'trust', CASE WHEN mode <> 'sandbox' THEN 'error' ELSE 'note' END, t.problem, t.what_to_do
    FROM fact, coach_sms_internal.sms_check_trust() t
  UNION ALL
  SELECT 'live_file', 'note',
         format('file "%s" is named as by coach_sms 0.1.0, and belongs to another database', f),
         'Leave it if another server still runs 0.1.0 with this key file; else remove it.'
    FROM coach_sms_internal.sms_foreign_live_file() f WHERE f IS NOT NULL
  UNION ALL
  SELECT 'public_url', CASE WHEN mode <> 'sandbox' THEN 'warning' ELSE 'note' END,
         CASE WHEN current_setting('coach_sms.public_url', true) = ''
              THEN 'coach_sms.public_url is not set: receipts and people''s texts (STOP) do not reach us'
                   || CASE WHEN current_setting('coach_sms.fetch_delay', true) = '0'
                           THEN ', and coach_sms.fetch_delay is 0: messages stay sent'
                           ELSE '; Twilio is asked about each message instead' END END,
         'Set it to the URL by which Twilio reaches the webhook, and reload the configuration. At Twilio, '
         'enter it with #rc=5&rp=all behind it for texts from people, so that an outage loses no STOP.'
    FROM fact
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_orgs()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH server AS MATERIALIZED (
    SELECT CASE WHEN m.mode <> 'sandbox' THEN 'error' ELSE 'note' END AS level,
           coach_sms_internal.sms_server_account() AS account,
           nullif(current_setting('coach_sms.twilio_messaging_service_sid', true), '') AS service,
           coalesce(current_setting('coach_sms.twilio_phone_number', true), '') <> ''
             OR coalesce(current_setting('coach_sms.twilio_messaging_service_sid', true), '') <> ''
             AS has_sender
      FROM @extschema@.sms_mode() m),
  org AS MATERIALIZED (
    SELECT s.org_id,
           nullif(s.twilio_account_sid, '') AS account,
           nullif(s.twilio_messaging_service_sid, '') AS service,
           nullif(s.twilio_phone_number, '') AS number,
           coach_sms_internal.sms_has_own_token(s.org_id) AS own,
           s.twilio_auth_token_encrypted AS sealed,
           coach_sms_internal.sms_is_zone(s.timezone) AS has_zone
      FROM @extschema@.sms_settings s
     WHERE s.enabled),
  token AS MATERIALIZED (
    SELECT o.org_id, c.problem, c.what_to_do
      FROM org o CROSS JOIN LATERAL coach_sms_internal.sms_check_token(o.org_id, o.sealed) c
     WHERE o.own
    UNION ALL
    SELECT NULL, c.problem, c.what_to_do
      FROM coach_sms_internal.sms_check_token(NULL, NULL) c
     WHERE EXISTS (SELECT FROM org o WHERE NOT o.own)),
  without AS (
    SELECT array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE coalesce(o.account, v.account) IS NULL) AS account,
           array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE coalesce(o.service, o.number) IS NULL AND NOT v.has_sender) AS sender,
           array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE NOT coach_sms_internal.sms_is_sid(o.account, 'AC')
                           OR NOT coach_sms_internal.sms_is_sid(o.service, 'MG')) AS sids,
           array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE NOT o.own AND o.account <> coalesce(v.account, '')) AS own_token,
           array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE NOT o.has_zone) AS zone
      FROM org o CROSS JOIN server v)
  SELECT 'accounts', v.level,
         'enabled orgs without a Twilio account: ' || coach_sms_internal.sms_list_orgs(w.account),
         'Fill sms_settings.twilio_account_sid and twilio_auth_token_encrypted, '
         'or set coach_sms.twilio_account_sid for all.'
    FROM server v, without w
  UNION ALL
  SELECT 'senders', v.level,
         'enabled orgs without a sender: ' || coach_sms_internal.sms_list_orgs(w.sender),
         'Fill sms_settings.twilio_phone_number or twilio_messaging_service_sid, '
         'or set coach_sms.twilio_phone_number for all.'
    FROM server v, without w
  UNION ALL
  SELECT 'sids', v.level,
         'orgs with a malformed SID: ' || coach_sms_internal.sms_list_orgs(w.sids),
         'twilio_account_sid is AC and 32 hex digits, twilio_messaging_service_sid MG and 32 hex digits; '
         'the orgs'' messages wait until they are corrected.'
    FROM server v, without w
  UNION ALL
  SELECT 'zones', 'warning',
         'orgs whose time zone this server does not know: ' || coach_sms_internal.sms_list_orgs(w.zone),
         'Set sms_settings.timezone to a name in pg_timezone_names, or install the time zones '
         'that are missing (on Debian tzdata-legacy); they count as UTC meanwhile.'
    FROM without w
  UNION ALL
  SELECT 'budgets', 'warning',
         'orgs whose monthly_budget_segments is used up, and whose messages wait: '
           || coach_sms_internal.sms_list_orgs((
                SELECT array_agg(h.org_id ORDER BY h.org_id) FROM coach_sms_internal.sms_holds h
                 WHERE h.rule = 'monthly_budget_segments' AND h.until > now())),
         'Cancel messages that should not be sent, or raise the budget. '
         'Else they are sent when the next month begins, if they fit the budget at all.'
  UNION ALL
  SELECT 'held', 'error',
         (SELECT string_agg(h.why || ': ' || coach_sms_internal.sms_list_orgs(h.orgs), '; ' ORDER BY h.why)
            FROM (SELECT why, array_agg(org_id ORDER BY org_id) AS orgs FROM coach_sms_internal.sms_holds
                   WHERE is_trouble AND until > now() AND org_id IS NOT NULL GROUP BY why) h),
         'Messages of these orgs wait, and use up no attempt. They are sent once the named problem is solved.'
  UNION ALL
  SELECT 'server_account', v.level,
         CASE WHEN NOT coach_sms_internal.sms_is_sid(v.account, 'AC')
              THEN 'coach_sms.twilio_account_sid (or TWILIO_ACCOUNT_SID) is malformed' END,
         'It is AC and 32 hex digits; '
         'messages of orgs without an account of their own wait until it is corrected.'
    FROM server v
  UNION ALL
  SELECT 'server_service', v.level,
         CASE WHEN NOT coach_sms_internal.sms_is_sid(v.service, 'MG')
              THEN 'coach_sms.twilio_messaging_service_sid is malformed' END,
         'It is MG and 32 hex digits; '
         'messages of orgs without a sender of their own wait until it is corrected.'
    FROM server v
  UNION ALL
  SELECT 'own_tokens', v.level,
         'orgs with an account of their own, but no token: ' || coach_sms_internal.sms_list_orgs(w.own_token),
         'Write the account''s auth token into sms_settings.twilio_auth_token_encrypted: '
         'the server''s token does not fit another account.'
    FROM server v, without w
  UNION ALL
  SELECT 'tokens', v.level,
         (SELECT string_agg(concat_ws(': ', t.org_id::text, t.problem), '; ')
            FROM (SELECT * FROM token WHERE problem IS NOT NULL ORDER BY token.org_id LIMIT 5) t),
         (SELECT min(t.what_to_do) FROM token t WHERE t.problem IS NOT NULL)
    FROM server v
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_queue()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH server AS MATERIALIZED (
    SELECT m.mode, coach_sms_internal.sms_is_subscriber() AS is_subscriber,
           EXISTS (SELECT FROM pg_subscription_rel r
                    WHERE r.srrelid = '@extschema@.sms_messages'::regclass) AS brings_messages
      FROM @extschema@.sms_mode() m),
  newest AS MATERIALIZED (
    SELECT id, status, sandbox FROM @extschema@.sms_messages ORDER BY id DESC LIMIT 100000),
  found AS MATERIALIZED (
    SELECT (SELECT count(*) FROM newest m, server v
             WHERE m.status IN ('pending', 'queued') AND m.sandbox = (v.mode = 'sandbox')
               AND v.mode <> 'not armed' AND NOT v.is_subscriber
               AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_queue q
                                WHERE q.message_id = m.id)) AS unqueued,
           (SELECT count(*) FROM newest m, server v
             WHERE m.status IN ('pending', 'queued') AND NOT m.sandbox
               AND v.mode <> 'live' AND NOT v.is_subscriber) AS kept,
           (SELECT count(*)
              FROM (SELECT message_id FROM coach_sms_internal.sms_queue
                     ORDER BY message_id DESC LIMIT 100000) q
             WHERE (SELECT m.id FROM @extschema@.sms_messages m WHERE m.id = q.message_id) IS NULL)
             AS orphans,
           u.*, s.holder, s.since
      FROM coach_sms_internal.sms_oldest_snapshot() s
     CROSS JOIN (
       SELECT count(*) AS unknown, count(f.not_asked) AS not_asked, min(f.not_asked) AS why_not_asked
         FROM coach_sms_internal.sms_in_flight f
        WHERE f.state = 'unknown'
          AND f.lease_until < now() - current_setting('coach_sms.reconcile_limit')::interval
                                - interval '5 minutes') u)
  SELECT 'queue', 'error',
         CASE WHEN unqueued > 0
              THEN format('messages that wait without a row in sms_queue: %s', unqueued) END,
         format('Call %s() again: it repairs the queue.',
                CASE WHEN v.mode = 'sandbox' THEN 'sms_go_sandbox' ELSE 'sms_go_live' END)
    FROM found, server v
  UNION ALL
  SELECT 'live_messages', 'note',
         CASE WHEN kept > 0 THEN format('live messages that wait for sms_go_live(): %s', kept) END,
         'sms_go_live() sends them. Cancel those that should never be sent.'
    FROM found, server v
  UNION ALL
  SELECT 'subscription', CASE WHEN v.brings_messages THEN 'note' ELSE 'warning' END,
         CASE WHEN v.is_subscriber AND v.brings_messages
                THEN 'messages come from another server by a subscription, and that server sends them'
              WHEN v.is_subscriber
                THEN 'a subscription has no list of its tables yet; '
                     'waiting messages are not queued before' END,
         CASE WHEN v.brings_messages
              THEN 'Nothing. Where this server is to take over: DROP SUBSCRIPTION, then sms_go_live().'
              ELSE 'ALTER SUBSCRIPTION … REFRESH PUBLICATION, or DROP SUBSCRIPTION; then sms_go_live().' END
    FROM server v
  UNION ALL
  SELECT 'queue_orphans', 'warning',
         CASE WHEN orphans > 0 THEN format('rows of sms_queue without a message: %s', orphans) END,
         'They are harmless; as a superuser, delete them from coach_sms_internal.sms_queue.'
    FROM found
  UNION ALL
  SELECT 'unknown', 'warning',
         CASE WHEN unknown > 0
              THEN format('messages whose outcome is still unknown: %s', unknown) END
           || CASE WHEN not_asked > 0
                   THEN format('; Twilio''s list was not asked for %s of them: %s', not_asked, why_not_asked)
                   ELSE '' END,
         CASE WHEN not_asked > 0
              THEN 'Give their account its token again, or repair the connection. '
                   'Each is then searched for, or sent again, once.'
              ELSE 'Twilio''s list does not settle them. sms_why() says more about each.' END
    FROM found
  UNION ALL
  SELECT 'snapshot', 'warning',
         CASE WHEN since < now() - interval '1 hour'
              THEN format('%s has been open since %s and keeps dead rows of the queue', holder, since) END,
         'End it (pg_terminate_backend, or ROLLBACK PREPARED): claims slow down while it lasts.'
    FROM found
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_waiting()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH orphan AS MATERIALIZED (
    SELECT sum(o.messages) AS messages, array_agg(o.org_id ORDER BY o.org_id) AS orgs
      FROM (SELECT q.org_id, count(*) AS messages FROM coach_sms_internal.sms_queue q
             WHERE NOT EXISTS (SELECT FROM @extschema@.sms_settings s WHERE s.org_id = q.org_id)
             GROUP BY q.org_id) o),
  overdue AS MATERIALIZED (
    SELECT coach_sms_internal.sms_count_overdue() AS ended,
           (SELECT count(*)
              FROM coach_sms_internal.sms_queue q
             CROSS JOIN LATERAL (
               SELECT * FROM @extschema@.sms_messages WHERE id = q.message_id OFFSET 0) m
             WHERE coach_sms_internal.sms_ends_at(m.scheduled_for, NULL)
                   BETWEEN now() AND least(m.expires_at, now() + interval '1 day')) AS ends_soon)
  SELECT 'settings', 'error',
         CASE WHEN o.messages > 0
              THEN format('messages of orgs without a row in sms_settings: %s, of %s',
                          o.messages, coach_sms_internal.sms_list_orgs(o.orgs)) END,
         'Insert the settings of these orgs again, or cancel their messages; '
         'else coach_sms.max_wait ends them.'
    FROM orphan o
  UNION ALL
  SELECT 'max_wait', 'warning',
         nullif(concat_ws('; ',
           CASE WHEN ended > 0
                THEN format('messages that waited longer than coach_sms.max_wait (%s) and are not sent: %s',
                            current_setting('coach_sms.max_wait'), ended) END,
           CASE WHEN ends_soon > 0
                THEN format('messages that coach_sms.max_wait (%s) ends within a day: %s',
                            current_setting('coach_sms.max_wait'), ends_soon) END), ''),
         'sms_queue_stat.held_by and sms_why() say why the others wait. '
         'sms_retry() sends an ended message as a new one.'
    FROM overdue
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_rights()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH owner AS (SELECT * FROM pg_roles WHERE rolname = 'coach_sms_owner'),
  own AS (
    SELECT d.classid, d.objid FROM pg_depend d
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
       AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'coach_sms')),
  strange AS (
    SELECT p.oid::regprocedure::text AS name
      FROM own JOIN pg_proc p ON own.classid = 'pg_proc'::regclass AND p.oid = own.objid
     WHERE p.proowner <> (SELECT oid FROM owner)
    UNION ALL
    SELECT c.oid::regclass::text
      FROM own JOIN pg_class c ON own.classid = 'pg_class'::regclass AND c.oid = own.objid
     WHERE c.relowner <> (SELECT oid FROM owner) AND c.oid <> '@extschema@.sms_bookings_source'::regclass
    UNION ALL
    -- From PostgreSQL 17 on row types and array types are members too. They follow their
    -- table or element type.
    SELECT t.oid::regtype::text
      FROM own JOIN pg_type t ON own.classid = 'pg_type'::regclass AND t.oid = own.objid
     WHERE t.typowner <> (SELECT oid FROM owner) AND t.typcategory <> 'A'
       AND NOT EXISTS (SELECT FROM pg_class c WHERE c.reltype = t.oid AND c.relkind <> 'c')),
  -- Rights that GRANT ALL gives and that no kind of role has: internal functions and their schema; TRUNCATE,
  -- which no policy limits; and TRIGGER, whose function would run as coach_sms_owner.
  excess AS (
    SELECT a.grantee
      FROM coach_sms_internal.sms_own_functions(NULL) f JOIN pg_proc p ON p.oid = f
     CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     WHERE a.grantee <> p.proowner
       AND f NOT IN (
             SELECT k
               FROM coach_sms_internal.sms_functions_of_kinds('{tenant,service,operator,monitor,gateway}') k)
    UNION
    SELECT a.grantee
      FROM coach_sms_internal.sms_own_relations('{r,v}') r JOIN pg_class c ON c.oid = r
     CROSS JOIN aclexplode(c.relacl) a
     WHERE a.grantee <> c.relowner AND a.privilege_type IN ('TRUNCATE', 'TRIGGER')
    UNION
    SELECT a.grantee
      FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a
     WHERE n.nspname = 'coach_sms_internal' AND a.grantee NOT IN (n.nspowner, (SELECT oid FROM owner)))
  SELECT 'owner_role', 'error',
         CASE WHEN o.rolsuper OR o.rolcanlogin OR o.rolcreaterole OR o.rolcreatedb
                   OR o.rolbypassrls OR o.rolreplication
                THEN 'role coach_sms_owner may do more than it needs'
              WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = o.oid)
                THEN 'role coach_sms_owner has members: they can read every token and write every status'
              WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.member = o.oid)
                THEN 'role coach_sms_owner is a member of other roles' END,
         'ALTER ROLE coach_sms_owner NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION, '
         'and revoke its memberships.'
    FROM owner o
  UNION ALL
  SELECT 'ownership', 'error',
         'objects of the extension that do not belong to coach_sms_owner: '
           || (SELECT string_agg(name, ', ' ORDER BY name) FROM strange),
         'ALTER … OWNER TO coach_sms_owner for each of them.'
  UNION ALL
  SELECT 'grants', 'error',
         'roles with more rights than coach_sms grants: '
           || (SELECT string_agg(CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END, ', '
                                 ORDER BY e.grantee) FROM excess e),
         'GRANT ALL ON ALL … IN SCHEMA does that. SELECT sms_revoke_tenant(role), '
         'sms_revoke_service(role), sms_revoke_operator(role), sms_revoke_monitor(role), '
         'sms_revoke_gateway(role) takes everything; then grant the right kind again.'
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_bookings()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'bookings_source', 'error',
         CASE WHEN NOT r.rolsuper
              THEN 'sms_bookings_source belongs to ' || r.rolname
                   || ', and so that role can read other people''s tables' END,
         'ALTER TABLE sms_bookings_source OWNER TO a superuser.'
    FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
   WHERE c.oid = '@extschema@.sms_bookings_source'::regclass
  UNION ALL
  SELECT 'bookings', 'error', coach_sms_internal.sms_bookings_problem(),
         'Repair the view, or give the owner of the bookings the rights it needs; '
         'after a change of names call sms_attach_bookings() again.'
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_needed_indexes() RETURNS TABLE (table_id regclass, columns text[])
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES ('@extschema@.sms_messages'::regclass, ARRAY['id']),
         ('@extschema@.sms_messages', ARRAY['org_id', 'idempotency_key']),
         ('@extschema@.sms_messages', ARRAY['org_id', 'client_id', 'created_at']),
         ('@extschema@.sms_messages', ARRAY['to_phone', 'org_id']),
         ('coach_sms_internal.sms_queue', ARRAY['message_id']),
         ('coach_sms_internal.sms_queue', ARRAY['org_id', 'zone', 'priority', 'due_at', 'message_id']),
         ('coach_sms_internal.sms_in_flight', ARRAY['message_id']),
         ('@extschema@.sms_attempts', ARRAY['org_id', 'client_key', 'created_at']),
         ('@extschema@.sms_suppression', ARRAY['org_id', 'phone']),
         ('@extschema@.sms_opt_outs', ARRAY['phone']),
         ('@extschema@.sms_idempotency_keys', ARRAY['org_id', 'idempotency_key']),
         ('@extschema@.sms_settings', ARRAY['org_id']),
         ('@extschema@.sms_templates', ARRAY['org_id', 'template_key'])
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_tables()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH usable AS MATERIALIZED (
    SELECT i.indrelid, i.indisunique AND i.indimmediate AND i.indnkeyatts = 2 AS is_unique,
           ARRAY(SELECT a.attname::text
                   FROM unnest(i.indkey) WITH ORDINALITY k (number, at)
                   LEFT JOIN pg_attribute a
                     ON a.attrelid = i.indrelid AND a.attnum = k.number AND i.indoption[k.at - 1] = 0
                  WHERE k.at <= i.indnkeyatts ORDER BY k.at) AS columns
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
     WHERE i.indrelid IN (SELECT n.table_id FROM coach_sms_internal.sms_needed_indexes() n)
       AND i.indisvalid AND i.indisready AND m.amname = 'btree'
       AND coalesce(pg_get_expr(i.indpred, i.indrelid), '(x IS NOT NULL)') ~ '^\(\w+ IS NOT NULL\)$'),
  missing AS (
    SELECT string_agg(format('%s (%s)', n.table_id, array_to_string(n.columns, ', ')), '; ') AS list
      FROM coach_sms_internal.sms_needed_indexes() n
     WHERE NOT EXISTS (SELECT FROM usable u
                        WHERE u.indrelid = n.table_id AND u.columns[1:cardinality(n.columns)] = n.columns
                          AND (u.is_unique OR n.columns[2] IS DISTINCT FROM 'idempotency_key'))),
  altered AS (
    SELECT string_agg(c.relname, ', ' ORDER BY c.relname) AS list
      FROM pg_class c
     WHERE c.oid IN (SELECT n.table_id FROM coach_sms_internal.sms_needed_indexes() n)
       AND (EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid)
            OR c.relnamespace = 'coach_sms_internal'::regnamespace
               AND (c.relhasrules OR c.relforcerowsecurity OR c.relispartition
                    OR EXISTS (SELECT FROM pg_trigger t
                                WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
                                  AND t.tgfoid <> 'coach_sms_internal.sms_pass_over()'::regprocedure))))
  SELECT 'indexes', 'error', 'indexes are missing or not valid: ' || m.list,
         'REINDEX an index that is not valid. Create a missing one as it is in a new database.'
    FROM missing m
  UNION ALL
  SELECT 'tables', 'error', 'tables have children, or internal ones rules or triggers: ' || a.list,
         'Remove them: coach_sms reads no children, and applications may not touch internal tables.'
    FROM altered a
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_check_tenancy()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH found AS (
    SELECT nullif(current_setting('coach_sms.tenancy_function', true), '') AS name,
           nullif(current_setting('coach_sms.jwt_authenticators', true), '') AS authenticators,
           EXISTS (SELECT FROM coach_sms_internal.sms_roles() r WHERE r.kind = 'tenant') AS has_tenants)
  SELECT 'row_security', 'error',
         (SELECT 'row-level security is off for '
                   || string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text)
            FROM coach_sms_internal.sms_own_relations('{r}') own JOIN pg_class c ON c.oid = own
           WHERE NOT c.relrowsecurity AND c.oid <> '@extschema@.sms_bookings_source'::regclass),
         'ALTER TABLE … ENABLE ROW LEVEL SECURITY for each of them.'
  UNION ALL
  SELECT 'policies', 'error',
         (SELECT 'policies do not fit the granted roles: '
                   || string_agg(l.kind || ' on ' || l.relation, ', ' ORDER BY l.kind, l.relation)
            FROM coach_sms_internal.sms_lost_policies() l),
         'A dump carries no policies of extensions: sms_go_live() or sms_go_sandbox() makes them, '
         'and so does granting again.'
  UNION ALL
  SELECT 'tenancy', 'error',
         CASE WHEN NOT f.has_tenants THEN NULL
              WHEN f.name IS NULL AND f.authenticators IS NULL
                THEN 'roles are tenants, and no setting says which orgs they belong to: they see none'
              WHEN f.name IS NOT NULL AND p.oid IS NULL
                THEN format('coach_sms.tenancy_function "%s" does not exist', f.name)
              WHEN f.name IS NOT NULL
                   AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%')
                THEN format('coach_sms.tenancy_function "%s" has no search_path of its own: '
                            'its caller could put other tables before yours', f.name) END,
         CASE WHEN p.oid IS NOT NULL
              THEN format('ALTER FUNCTION %s SET search_path = '''', and qualify the names in it.',
                          p.oid::regprocedure)
              ELSE 'Set coach_sms.tenancy_function to a function as in public.is_org_member(uuid), '
                   'or coach_sms.jwt_authenticators to the role that PostgREST connects as.' END
    FROM found f LEFT JOIN pg_proc p ON p.oid = to_regprocedure(f.name)
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_doctor_as_owner(
  OUT check_name text, OUT level text, OUT ok boolean, OUT problem text, OUT what_to_do text)
  RETURNS SETOF record
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.check_name,
         CASE WHEN c.problem IS NULL THEN 'ok' ELSE c.level END,
         c.problem IS NULL OR c.level = 'note',
         c.problem,
         CASE WHEN c.problem IS NOT NULL THEN c.what_to_do END
    FROM (SELECT 1 AS part, * FROM coach_sms_internal.sms_check_processes()
          UNION ALL SELECT 2, * FROM coach_sms_internal.sms_check_arming()
          UNION ALL SELECT 3, * FROM coach_sms_internal.sms_check_orgs()
          UNION ALL SELECT 4, * FROM coach_sms_internal.sms_check_queue()
          UNION ALL SELECT 5, * FROM coach_sms_internal.sms_check_waiting()
          UNION ALL SELECT 6, * FROM coach_sms_internal.sms_check_rights()
          UNION ALL SELECT 7, * FROM coach_sms_internal.sms_check_bookings()
          UNION ALL SELECT 8, * FROM coach_sms_internal.sms_check_tenancy()
          UNION ALL SELECT 9, * FROM coach_sms_internal.sms_check_tables()) c
   ORDER BY c.part
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_holds_of(org_id uuid, message_ids uuid[])
  RETURNS TABLE (message_id uuid, due_at timestamptz, held_by text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.id, q.due_at,
         CASE
           -- The caller saw an older snapshot.
           WHEN m.status NOT IN ('pending', 'queued') THEN 'its status has just changed; ask again'
           WHEN m.sandbox AND v.mode = 'live'
             THEN 'it was enqueued in the sandbox, and is never sent live'
           WHEN NOT m.sandbox AND v.mode = 'sandbox'
             THEN 'it is a live message, and the database is in the sandbox; sms_go_live() sends it'
           WHEN v.mode = 'not armed'
             THEN concat_ws(': ', 'this server is not armed for this database',
                            CASE WHEN c.may_know THEN v.reason END)
           WHEN q.message_id IS NULL
             THEN 'it has no row in sms_queue; sms_doctor() says how to repair that'
           WHEN coach_sms_internal.sms_ends_at(m.scheduled_for, m.expires_at) <= now()
             THEN 'it has expired, and will be cancelled'
           WHEN q.held_for = 'client_daily_limit' AND q.due_at > now()
             THEN format('its client has reached max_sms_per_client_per_day (%s); there is room at %s',
                         s.max_sms_per_client_per_day, q.due_at)
           WHEN q.due_at > now() AND q.failures > 0
             THEN format('its next attempt is due at %s (attempts used up: %s of %s)',
                         q.due_at, q.failures, current_setting('coach_sms.max_attempts'))
           WHEN q.due_at > now() THEN NULL
           WHEN r.held_by IS NOT NULL THEN r.held_by
           WHEN c.may_know THEN (SELECT e.problem FROM @extschema@.sms_health e)
           WHEN (SELECT e.problem IS NOT NULL FROM @extschema@.sms_health e)
             THEN 'the server sends nothing at the moment; sms_doctor() shows its operator the reason'
         END
    FROM @extschema@.sms_messages m
    CROSS JOIN @extschema@.sms_mode() v
    CROSS JOIN (SELECT coach_sms_internal.sms_may_act_for(NULL)) c (may_know)
    LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id
    LEFT JOIN @extschema@.sms_settings s ON s.org_id = m.org_id
    LEFT JOIN (SELECT * FROM coach_sms_internal.sms_lane_stat l WHERE l.org_id = $1) r
      ON r.zone = q.zone AND r.priority = q.priority
   WHERE m.id = ANY ($2) AND m.org_id = $1
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_why_waiting(message_id uuid) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(h.held_by,
                  CASE WHEN h.due_at > now() THEN format('it is due at %s', h.due_at)
                       ELSE 'it is due, and the sender takes it next' END)
    FROM @extschema@.sms_messages m, coach_sms_internal.sms_holds_of(m.org_id, ARRAY[m.id]) h
   WHERE m.id = $1
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_reason(error_code text, error_message text) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(concat_ws(': ', error_code, nullif(error_message, '')), '')
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_why_past(message_id uuid)
  RETURNS TABLE (at timestamptz, step integer, what text, detail text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.created_at, 1, 'enqueued',
         format('to %s, %s, %s segment(s) in %s%s',
                m.to_phone, coalesce('template ' || m.template_key, 'a text of its own'),
                m.segments, m.encoding,
                CASE WHEN m.sandbox THEN ', in the sandbox' ELSE '' END)
    FROM @extschema@.sms_messages m WHERE m.id = $1
  UNION ALL
  SELECT m.created_at, 2, 'scheduled',
         concat_ws(', ', format('not before %s', m.scheduled_for), 'not after ' || m.expires_at)
    FROM @extschema@.sms_messages m
   WHERE m.id = $1 AND (m.scheduled_for > m.created_at OR m.expires_at IS NOT NULL)
  UNION ALL
  SELECT a.created_at, 3, format('attempt %s', a.attempt_number),
         CASE a.status
           WHEN 'success' THEN format('accepted by %s, SID %s',
             CASE a.provider WHEN 'sandbox' THEN 'the sandbox' ELSE 'Twilio' END, a.provider_message_id)
           WHEN 'permanent_error'
             THEN 'refused for good: ' || coach_sms_internal.sms_reason(a.error_code, a.error_message)
           WHEN 'transient_error'
             THEN 'not taken: ' || coach_sms_internal.sms_reason(a.error_code, a.error_message)
           ELSE 'no clear answer: ' || coach_sms_internal.sms_reason(a.error_code, a.error_message) END
         || coalesce(' (HTTP ' || a.response_status || ')', '')
         || coalesce(', ' || a.duration_ms || ' ms', '')
    FROM @extschema@.sms_attempts a WHERE a.message_id = $1
  UNION ALL
  SELECT f.claimed_at, 3, format('attempt %s', f.attempt_number),
         CASE f.state
           WHEN 'unknown'
             THEN 'no clear answer: ' || coach_sms_internal.sms_reason(
                    f.settlement->>'error_code', f.settlement->>'error_message')
           ELSE format('claimed by the sender until %s', f.lease_until) END
    FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = $1
  UNION ALL
  SELECT e.received_at, 4,
         CASE e.event_type WHEN 'fetch' THEN format('%s was asked', e.provider)
                           ELSE format('%s said', e.provider) END,
         concat_ws(', ', e.event_status,
                   nullif(coach_sms_internal.sms_reason(e.error_code, e.error_message), ''),
                   CASE WHEN e.processed_at IS NULL THEN 'not applied yet' END)
    FROM @extschema@.sms_events e WHERE e.message_id = $1
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_why_unknown(claim coach_sms_internal.sms_in_flight) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN claim.not_asked IS NOT NULL
                THEN format('Twilio''s list was not asked: %s', claim.not_asked)
              WHEN claim.inconclusive = 'unreadable'
                THEN 'Twilio''s list was asked and could not be read'
              WHEN claim.inconclusive = 'several'
                THEN 'Twilio''s list shows several messages that match'
              WHEN claim.looks > 0
                THEN format('Twilio''s list does not show it (listings: %s)', claim.looks)
              ELSE 'Twilio''s list has not been asked yet' END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_why_now(message_id uuid)
  RETURNS TABLE (at timestamptz, step integer, what text, detail text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE m.status WHEN 'delivered' THEN m.delivered_at
                       WHEN 'failed' THEN m.failed_at
                       WHEN 'cancelled' THEN m.updated_at
                       ELSE now() END,
         5,
         CASE WHEN m.status IN ('delivered', 'failed', 'cancelled') THEN m.status ELSE 'now ' || m.status END,
         CASE m.status
           WHEN 'delivered'
             THEN CASE WHEN m.sandbox THEN 'reported by the sandbox' ELSE 'reported by the carrier' END
           WHEN 'failed' THEN coach_sms_internal.sms_reason(m.error_code, m.error_message)
           WHEN 'cancelled' THEN coach_sms_internal.sms_reason(m.error_code, m.error_message)
           WHEN 'sent' THEN 'waits for the carrier''s receipt; some carriers send none'
           WHEN 'sending' THEN 'waits for Twilio''s answer'
           WHEN 'unknown'
             THEN format('waits for a callback, or for the list search at Twilio at %s; %s',
                         f.next_look_at, coach_sms_internal.sms_why_unknown(f))
           ELSE 'waits: ' || coach_sms_internal.sms_why_waiting(m.id) END
    FROM @extschema@.sms_messages m LEFT JOIN coach_sms_internal.sms_in_flight f ON f.message_id = m.id
   WHERE m.id = $1
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_why_as_owner(message_id uuid)
  RETURNS TABLE (at timestamptz, what text, detail text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_require_message(message_id);
  RETURN QUERY
    SELECT w.at, w.what, w.detail
      FROM (SELECT * FROM coach_sms_internal.sms_why_past(sms_why_as_owner.message_id)
            UNION ALL SELECT * FROM coach_sms_internal.sms_why_now(sms_why_as_owner.message_id)) w
     ORDER BY w.step = 5, w.at, w.step, w.what;
END
$$;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_cost WITH (security_barrier) AS
  WITH counted AS (
    SELECT org_id, month, provider, currency, count(*) AS messages,
           sum(segments) AS segments, sum(price) AS price,
           coalesce(sum(segments) FILTER (WHERE price IS NULL), 0) AS segments_without_price
      FROM coach_sms_internal.sms_charges GROUP BY org_id, month, provider, currency
    UNION ALL
    SELECT org_id, month, provider, currency, messages, segments, price, segments_without_price
      FROM @extschema@.sms_usage),
  total AS (
    SELECT c.org_id, c.month, c.provider = 'sandbox' AS sandbox, n.currency,
           sum(c.messages)::bigint AS messages, sum(c.segments)::bigint AS segments, sum(c.price) AS price,
           sum(c.segments_without_price)::bigint AS segments_without_price
      FROM counted c LEFT JOIN @extschema@.sms_settings s ON s.org_id = c.org_id
     CROSS JOIN LATERAL (SELECT coalesce(nullif(c.currency, ''), s.currency, '') AS currency) n
     WHERE c.provider IN ('twilio', 'sandbox') GROUP BY c.org_id, c.month, c.provider, n.currency)
  SELECT t.org_id, t.month, nullif(t.currency, '') AS currency, t.messages, t.segments, t.price,
         t.segments_without_price, c.cost,
         CASE WHEN t.sandbox THEN 'the sandbox hands nothing to Twilio'
              WHEN t.segments_without_price = 0
                   OR t.currency = coalesce(s.currency, '') AND s.price_per_segment IS NOT NULL THEN NULL
              WHEN t.currency <> coalesce(s.currency, '') AND s.price_per_segment IS NOT NULL
                THEN format('Twilio charges in %s, price_per_segment is in %s: correct sms_settings.currency',
                            nullif(t.currency, ''), coalesce(s.currency, 'no currency'))
              ELSE 'no price is known: set sms_settings.price_per_segment and currency,'
                   ' or coach_sms.fetch_prices = on' END AS note,
         t.sandbox, round(c.cost / nullif(p.part, 0::numeric), 2) AS forecast
    FROM total t LEFT JOIN @extschema@.sms_settings s ON s.org_id = t.org_id
   CROSS JOIN LATERAL (
     SELECT CASE WHEN t.sandbox THEN 0
                 WHEN t.segments_without_price = 0 THEN t.price
                 WHEN t.currency = coalesce(s.currency, '')
                   THEN coalesce(t.price, 0) + t.segments_without_price * s.price_per_segment
            END AS cost) c
   -- The part of the month that is over, while it is under way.
   CROSS JOIN LATERAL (
     SELECT CASE WHEN n.local >= t.month AND n.local < t.month + interval '1 month'
                 THEN extract(epoch FROM n.local - t.month)
                      / extract(epoch FROM t.month + interval '1 month' - t.month) END AS part
       FROM (SELECT now() AT TIME ZONE coach_sms_internal.sms_known_zone(s.timezone) AS local) n) p
   WHERE (SELECT coach_sms_internal.sms_sees_all())
      OR t.org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_cost IS
'Messages handed to Twilio and their cost: one row an org, month and currency, pruned messages included. '
'The sandbox has rows of its own. Fast for one org: WHERE org_id = ...';
COMMENT ON COLUMN sms_cost.currency IS
'ISO 4217 code: Twilio''s, or sms_settings.currency where no price of Twilio''s is known. NULL where '
'neither is known.';
COMMENT ON COLUMN sms_cost.price IS
'Twilio''s price, as far as it is known (coach_sms.fetch_prices). NULL where none is known.';
COMMENT ON COLUMN sms_cost.segments_without_price IS 'Segments of messages whose price is not known.';
COMMENT ON COLUMN sms_cost.cost IS
'price, plus sms_settings.price_per_segment for each segment without a price. NULL where that is needed '
'and not set.';
COMMENT ON COLUMN sms_cost.note IS 'Why cost is NULL, and the remedy. NULL where cost is known.';
COMMENT ON COLUMN sms_cost.sandbox IS 'true: the sandbox''s messages, which cost nothing.';
COMMENT ON COLUMN sms_cost.forecast IS
'cost of the whole month, if it goes on as until now: cost divided by the part of the month that is over. '
'The month under way has one; its other columns are of the month to date. NULL for other months, and where '
'cost is NULL.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_reads_all_texts() RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT has_function_privilege(
    '@extschema@.insert_sms_from_service(uuid, uuid, text, text, jsonb, text, timestamptz, text)', 'EXECUTE')
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_unfinished_of_as_owner(
  org_id uuid, until timestamptz, zone text)
  RETURNS TABLE (message_id uuid, due_at timestamptz, held_by text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM coach_sms_internal.sms_require_org(org_id);
  PERFORM set_config('TimeZone', zone, true);
  RETURN QUERY
    SELECT h.*
      FROM coach_sms_internal.sms_holds_of($1, ARRAY(
             SELECT q.message_id FROM coach_sms_internal.sms_queue q
              WHERE q.org_id = $1 AND q.due_at < until)) h
    UNION ALL
    SELECT f.message_id, f.claimed_at,
           CASE f.state WHEN 'unknown' THEN coach_sms_internal.sms_why_unknown(f) END
      FROM coach_sms_internal.sms_in_flight f WHERE f.org_id = $1;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_unfinished_of(org_id uuid, until timestamptz, zone text)
  RETURNS TABLE (message_id uuid, due_at timestamptz, held_by text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE ROWS 100;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_today WITH (security_invoker, security_barrier) AS
  SELECT m.org_id, t.at, coach_sms_internal.sms_local_time(t.at, z.zone) AS at_local, m.status, f.held_by,
         m.client_id, coach_sms_internal.sms_client_name(m.org_id, m.client_id) AS client_name, m.to_phone,
         m.template_key, m.body, m.error_code, m.error_message, m.segments, m.sandbox, m.id AS message_id,
         m.related_entity_type, m.related_entity_id
    FROM @extschema@.sms_settings s
   CROSS JOIN LATERAL (SELECT coach_sms_internal.sms_known_zone(s.timezone) AS zone) z
   CROSS JOIN LATERAL (
     SELECT date_trunc('day', now() AT TIME ZONE z.zone) AT TIME ZONE z.zone AS begins,
            (date_trunc('day', now() AT TIME ZONE z.zone) + interval '1 day') AT TIME ZONE z.zone AS ends) d
   CROSS JOIN LATERAL (
     SELECT x.message_id, max(x.due_at) AS due_at, max(x.held_by) AS held_by
       FROM (SELECT c.id AS message_id, NULL::timestamptz AS due_at, NULL::text AS held_by
               FROM @extschema@.sms_messages c
              WHERE c.org_id = s.org_id AND c.created_at >= d.begins - interval '2 days'
             UNION ALL
             SELECT a.message_id, NULL, NULL
               FROM @extschema@.sms_attempts a
              WHERE a.org_id = s.org_id AND a.created_at >= d.begins - interval '2 days'
             UNION ALL
             SELECT u.* FROM coach_sms_internal.sms_unfinished_of(s.org_id, d.ends, z.zone) u) x
      GROUP BY x.message_id) f
    JOIN @extschema@.sms_messages m ON m.id = f.message_id AND m.org_id = s.org_id
   CROSS JOIN LATERAL (
     SELECT coalesce(f.due_at, CASE m.status WHEN 'failed' THEN m.failed_at
                                             WHEN 'sent' THEN m.sent_at
                                             WHEN 'delivered' THEN coalesce(m.sent_at, m.delivered_at)
                                             WHEN 'cancelled' THEN m.updated_at
                                             ELSE m.scheduled_for END) AS at) t
   WHERE t.at < d.ends AND (t.at >= d.begins OR f.due_at IS NOT NULL)
     AND ((SELECT coach_sms_internal.sms_reads_all_texts())
          OR s.org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[]));
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_today IS
'The messages that left, failed, were cancelled or are due today, in the org''s zone, with those that should '
'have left before and still wait. Not among them: a message that was enqueued more than two days ago and '
'cancelled without an attempt, and a failure reported more than two days after the attempt. Fast for one '
'org: WHERE org_id = ... ORDER BY at DESC, message_id.';
COMMENT ON COLUMN sms_today.org_id IS 'The org.';
COMMENT ON COLUMN sms_today.at IS
'When it left or ended. Of a message that waits: when it is due. Of one under way: when it was claimed.';
COMMENT ON COLUMN sms_today.at_local IS 'at as text, in the org''s zone.';
COMMENT ON COLUMN sms_today.status IS 'As in sms_messages.';
COMMENT ON COLUMN sms_today.held_by IS 'Of a message that waits: what holds it. NULL: nothing.';
COMMENT ON COLUMN sms_today.client_id IS 'The person''s id in the application.';
COMMENT ON COLUMN sms_today.client_name IS
'The person''s name, from the attached bookings. NULL where it is not known.';
COMMENT ON COLUMN sms_today.to_phone IS 'Recipient''s number in E.164 form.';
COMMENT ON COLUMN sms_today.template_key IS 'The template''s key.';
COMMENT ON COLUMN sms_today.body IS 'The text.';
COMMENT ON COLUMN sms_today.error_code IS 'As in sms_messages.';
COMMENT ON COLUMN sms_today.error_message IS 'The error in words.';
COMMENT ON COLUMN sms_today.segments IS 'Segments.';
COMMENT ON COLUMN sms_today.sandbox IS 'true: a message of the sandbox, which nobody got.';
COMMENT ON COLUMN sms_today.message_id IS 'The message, for sms_why().';
COMMENT ON COLUMN sms_today.related_entity_type IS 'The kind of thing that it is about, for example booking.';
COMMENT ON COLUMN sms_today.related_entity_id IS 'The id of that thing; of a booking for sms_explain().';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_bookings_ahead(org_id uuid, until timestamptz)
  RETURNS coach_sms_internal.sms_booking[]
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before interval;
  after interval;
BEGIN
  SELECT coalesce(max(r.span) FILTER (WHERE r.type = 'reminder'), '0'),
         coalesce(max(r.span) FILTER (WHERE r.type = 'feedback'), '0')
    INTO before, after
    FROM coach_sms_internal.sms_booking_rules r WHERE r.org_id = $1 AND r.is_on AND r.enabled;
  -- A feedback request expires 72 hours after it was due, as in sms_pass_ranges().
  RETURN ARRAY(
    SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY(
      SELECT DISTINCT f.id
        FROM coach_sms_internal.sms_find_bookings(
               now(), until + before, now() - after - interval '72 hours', until,
               ARRAY(SELECT t.booking_id FROM @extschema@.sms_booking_texts t
                      WHERE t.org_id = $1 AND t.type = 'confirmation' AND t.try_until > now()), $1) f)) b);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_outlook_ahead(
  ahead coach_sms_internal.sms_booking[], until timestamptz)
  RETURNS TABLE (booking_id uuid, org_id uuid, type text, schedule_id uuid, label text, due_at timestamptz,
                 expires_at timestamptz, verdict text, reason text)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH completed AS MATERIALIZED (
    SELECT o.booking_id, o.type, o.schedule_id
      FROM coach_sms_internal.sms_booking_outlook(ARRAY(
             SELECT jsonb_populate_record(b, '{"state": "completed"}') FROM unnest(ahead) b)) o
     WHERE o.type = 'feedback' AND o.verdict IN ('later', 'due'))
  SELECT o.booking_id, o.org_id, o.type, o.schedule_id, o.label, o.due_at, o.expires_at, o.verdict, o.reason
    FROM coach_sms_internal.sms_booking_outlook(ahead) o
   WHERE o.due_at < until
     AND (o.verdict IN ('later', 'due')
          OR o.verdict = 'not_completed' AND o.expires_at > now()
             AND (o.booking_id, o.type, o.schedule_id) IN (SELECT * FROM completed))
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_planned_texts(org_id uuid, until timestamptz, zone text)
  RETURNS TABLE (due_at timestamptz, status text, held_by text, label text, message_id uuid,
                 booking_id uuid, client_id uuid, to_phone text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ahead coach_sms_internal.sms_booking[];
BEGIN
  ahead := coach_sms_internal.sms_bookings_ahead(org_id, until);
  RETURN QUERY
    WITH text AS MATERIALIZED (SELECT * FROM coach_sms_internal.sms_outlook_ahead(ahead, until)),
    booking AS MATERIALIZED (
      SELECT b.id, b.client_id, b.phone, coach_sms_internal.sms_booking_obstacle(b) AS obstacle
        FROM unnest(ahead) b WHERE b.id IN (SELECT x.booking_id FROM text x))
    SELECT greatest(x.due_at, now()), 'planned',
           CASE WHEN x.verdict = 'due' AND x.reason IS NOT NULL
                  THEN coalesce(t.detail, coach_sms_internal.sms_reason_in_words(x.reason, x.type))
                WHEN b.obstacle IS NOT NULL THEN b.obstacle
                WHEN q.opens_at >= x.expires_at
                  THEN 'it will not go out: quiet hours last until '
                       || coach_sms_internal.sms_local_time(q.opens_at, zone)
                WHEN x.verdict = 'not_completed' THEN 'it goes out once the session is completed'
                WHEN q.opens_at > x.due_at
                  THEN 'quiet hours, until ' || coach_sms_internal.sms_local_time(q.opens_at, zone) END,
           x.label, NULL::uuid, b.id, b.client_id, b.phone
      FROM text x
      JOIN booking b ON b.id = x.booking_id
      LEFT JOIN @extschema@.sms_booking_texts t
             ON t.booking_id = x.booking_id AND t.type = x.type AND t.schedule_id = x.schedule_id
     CROSS JOIN LATERAL (SELECT coach_sms_internal.sms_opens_at(x.org_id, x.due_at) AS opens_at) q;
EXCEPTION
  WHEN query_canceled THEN
    RAISE;
  WHEN OTHERS THEN
    -- The error may name columns and roles, and show values.
    RETURN QUERY SELECT now(), 'unreadable',
                        CASE WHEN coach_sms_internal.sms_may_act_for(NULL)
                             THEN 'the bookings cannot be read: ' || SQLERRM
                             ELSE 'the bookings cannot be read; '
                                  'sms_doctor() shows its operator the reason' END,
                        'bookings', NULL::uuid, NULL::uuid, NULL::uuid, NULL::text;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_upcoming_of_as_owner(org_id uuid, until timestamptz, zone text)
  RETURNS TABLE (due_at timestamptz, status text, held_by text, label text, message_id uuid,
                 booking_id uuid, client_id uuid, to_phone text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_require_org(org_id);
  RETURN QUERY
    SELECT u.due_at, m.status, u.held_by, coalesce(m.template_key, 'a text of its own'), m.id,
           CASE m.related_entity_type WHEN 'booking' THEN m.related_entity_id END, m.client_id, m.to_phone
      FROM coach_sms_internal.sms_unfinished_of_as_owner(org_id, until, zone) u
      JOIN @extschema@.sms_messages m ON m.id = u.message_id
    UNION ALL
    SELECT * FROM coach_sms_internal.sms_planned_texts(org_id, until, zone);
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_upcoming_of(org_id uuid, until timestamptz, zone text)
  RETURNS TABLE (due_at timestamptz, status text, held_by text, label text, message_id uuid,
                 booking_id uuid, client_id uuid, to_phone text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE ROWS 100;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_upcoming WITH (security_invoker, security_barrier) AS
  SELECT s.org_id, u.due_at, coach_sms_internal.sms_local_time(u.due_at, z.zone) AS due_at_local, u.status,
         u.held_by, u.label, u.client_id,
         coach_sms_internal.sms_client_name(s.org_id, u.client_id) AS client_name, u.to_phone, m.body,
         u.message_id, u.booking_id
    FROM @extschema@.sms_settings s
   CROSS JOIN LATERAL (SELECT coach_sms_internal.sms_known_zone(s.timezone) AS zone) z
   CROSS JOIN LATERAL coach_sms_internal.sms_upcoming_of(s.org_id, now() + interval '7 days', z.zone) u
    LEFT JOIN @extschema@.sms_messages m ON m.id = u.message_id AND m.org_id = s.org_id
   WHERE (SELECT coach_sms_internal.sms_reads_all_texts())
      OR s.org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_upcoming IS
'What will go out in the next seven days: messages that wait or are under way, and the texts that bookings '
'will get. Fast for one org: WHERE org_id = ... ORDER BY due_at.';
COMMENT ON COLUMN sms_upcoming.org_id IS 'The org.';
COMMENT ON COLUMN sms_upcoming.due_at IS
'When it is due. Of a message under way: when it was claimed. The sender may have to wait longer: see '
'held_by.';
COMMENT ON COLUMN sms_upcoming.due_at_local IS 'due_at as text, in the org''s zone.';
COMMENT ON COLUMN sms_upcoming.status IS
'The message''s status, or planned: the text of a booking has no message yet. unreadable: the bookings '
'cannot be read; who acts for all orgs finds the error in held_by.';
COMMENT ON COLUMN sms_upcoming.held_by IS
'What holds it or, as things are, would hold it: an opt-out, a limit, quiet hours. NULL: nothing.';
COMMENT ON COLUMN sms_upcoming.label IS
'The template''s key or, of a planned text, its name, such as reminder 24 h before.';
COMMENT ON COLUMN sms_upcoming.client_id IS 'The person''s id in the application.';
COMMENT ON COLUMN sms_upcoming.client_name IS
'The person''s name, from the attached bookings. NULL where it is not known.';
COMMENT ON COLUMN sms_upcoming.to_phone IS
'Recipient''s number. Of a planned text as the application wrote it.';
COMMENT ON COLUMN sms_upcoming.body IS 'The text. NULL for a planned one.';
COMMENT ON COLUMN sms_upcoming.message_id IS 'The message, for sms_why(). NULL for a planned text.';
COMMENT ON COLUMN sms_upcoming.booking_id IS 'The booking, for sms_explain(). NULL where there is none.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_advice(error_code text, OUT cure text, OUT send_again boolean)
  AS 'MODULE_PATHNAME', 'coach_sms_advice' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_failures WITH (security_invoker) AS
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
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_inbox WITH (security_invoker) AS
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_sender_opt_outs_of_as_owner(org_id uuid)
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_sender_opt_outs_of(org_id uuid)
  RETURNS TABLE (phone text, source text, sender text, created_at timestamptz)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE ROWS 100;
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE OR REPLACE VIEW @extschema@.sms_opt_out_list WITH (security_invoker, security_barrier) AS
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
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_own_functions(names text[]) RETURNS SETOF regprocedure
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.oid::regprocedure
    FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
   WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
     AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'coach_sms')
     AND (names IS NULL OR p.proname = ANY (names))
   ORDER BY 1
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_own_relations(kinds "char"[]) RETURNS SETOF regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass
    FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
   WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid = 'pg_class'::regclass
     AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'coach_sms')
     AND c.relkind = ANY (kinds)
   ORDER BY 1
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_revoke_from_all(kind text, object text, rights aclitem[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  role regrole;
BEGIN
  FOR role IN
    SELECT DISTINCT a.grantee::regrole FROM aclexplode(rights) a WHERE a.grantee NOT IN (a.grantor, 0)
  LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM %s', kind, object, role);
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_policies()
  RETURNS TABLE (kind text, relation text, command text, condition text, check_condition text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'service', t, 'ALL', 'true', 'true'
    FROM unnest(ARRAY['sms_settings', 'sms_templates', 'sms_schedules', 'sms_suppression',
                      'sms_messages', 'sms_attempts', 'sms_events', 'sms_booking_texts']) t
  UNION ALL
  SELECT 'tenant', t.relation, t.command, 'org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[])',
         t.check_condition
    FROM (VALUES ('sms_settings', 'ALL', '@extschema@.sms_is_my_org(org_id)'),
                 ('sms_templates', 'ALL', NULL),
                 ('sms_schedules', 'ALL', NULL),
                 ('sms_suppression', 'SELECT', NULL),
                 ('sms_messages', 'SELECT', NULL),
                 ('sms_attempts', 'SELECT', NULL),
                 ('sms_events', 'SELECT', NULL),
                 ('sms_booking_texts', 'SELECT', NULL)) t (relation, command, check_condition)
  UNION ALL
  SELECT 'operator', 'sms_settings', 'SELECT', 'true', NULL
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_rights() RETURNS TABLE (kind text, privileges text, relation text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES
    ('service', 'SELECT, INSERT, UPDATE, DELETE', 'sms_settings'),
    ('service', 'SELECT, INSERT, UPDATE, DELETE', 'sms_templates'),
    ('service', 'SELECT, INSERT, UPDATE, DELETE', 'sms_suppression'),
    ('service', 'SELECT, INSERT, UPDATE, DELETE', 'sms_schedules'),
    ('service', 'SELECT, UPDATE (status, metadata),'
                ' INSERT (id, org_id, client_id, to_phone, from_phone, template_id, template_key, body,'
                ' variables, related_entity_type, related_entity_id, status, scheduled_for, expires_at,'
                ' idempotency_key, priority, metadata)', 'sms_messages'),
    ('service', 'SELECT', 'sms_attempts'),
    ('service', 'SELECT', 'sms_events'),
    ('service', 'SELECT', 'sms_booking_texts'),
    ('service', 'SELECT', 'sms_worker_stat'),
    ('service', 'SELECT', 'sms_queue_stat'),
    ('service', 'SELECT', 'sms_delivery_stats'),
    ('service', 'SELECT', 'sms_health'),
    ('service', 'SELECT', 'sms_metrics'),
    ('service', 'SELECT', 'sms_metrics_by_org'),
    ('service', 'SELECT', 'sms_cost'),
    ('service', 'SELECT', 'sms_delivery_by_template'),
    ('service', 'SELECT', 'sms_today'),
    ('service', 'SELECT', 'sms_upcoming'),
    ('service', 'SELECT', 'sms_failures'),
    ('service', 'SELECT', 'sms_inbox'),
    ('service', 'SELECT', 'sms_opt_out_list'),
    -- Tenants choose no account, token or sender: where orgs share an account, one could write in another's
    -- name. They choose no ids either: an id that is taken would show that another org has such a row.
    ('tenant', format('SELECT (%1$s, %2$s, %3$s), INSERT (org_id, %3$s), UPDATE (%3$s)',
       'org_id, twilio_account_sid, twilio_messaging_service_sid, twilio_phone_number',
       'monthly_budget_segments, max_segments_per_second, paused_until, created_at, updated_at',
       'enabled, send_booking_confirmations, send_session_reminders, send_feedback_requests,'
       ' reminder_hours_before, feedback_hours_after, quiet_hours_start, quiet_hours_end, timezone,'
       ' max_sms_per_hour, max_sms_per_client_per_day, default_region, max_segments, price_per_segment,'
       ' currency, retention_days, unknown_policy'), 'sms_settings'),
    ('tenant', 'SELECT, DELETE,'
               ' INSERT (org_id, template_key, name, description, body, variables_schema, is_active,'
               ' version),'
               ' UPDATE (name, description, body, variables_schema, is_active)', 'sms_templates'),
    ('tenant', 'SELECT, DELETE,'
               ' INSERT (org_id, type, label, mins_offset, template_key, enabled, sort_order),'
               ' UPDATE (type, label, mins_offset, template_key, enabled, sort_order)', 'sms_schedules'),
    ('tenant', 'SELECT', 'sms_suppression'),
    ('tenant', 'SELECT', 'sms_messages'),
    ('tenant', 'SELECT', 'sms_attempts'),
    ('tenant', 'SELECT', 'sms_events'),
    ('tenant', 'SELECT', 'sms_booking_texts'),
    ('tenant', 'SELECT', 'sms_queue_stat'),
    ('tenant', 'SELECT', 'sms_delivery_stats'),
    ('tenant', 'SELECT', 'sms_cost'),
    ('tenant', 'SELECT', 'sms_delivery_by_template'),
    ('tenant', 'SELECT', 'sms_today'),
    ('tenant', 'SELECT', 'sms_upcoming'),
    ('tenant', 'SELECT', 'sms_failures'),
    ('tenant', 'SELECT', 'sms_inbox'),
    ('tenant', 'SELECT', 'sms_opt_out_list'),
    ('operator', 'SELECT (org_id, enabled, timezone, quiet_hours_start, quiet_hours_end, max_sms_per_hour,'
                 ' max_sms_per_client_per_day, monthly_budget_segments, max_segments_per_second,'
                 ' paused_until)', 'sms_settings'),
    ('operator', 'SELECT', 'sms_worker_stat'),
    ('operator', 'SELECT', 'sms_queue_stat'),
    ('operator', 'SELECT', 'sms_delivery_stats'),
    ('operator', 'SELECT', 'sms_health'),
    ('operator', 'SELECT', 'sms_metrics'),
    ('operator', 'SELECT', 'sms_metrics_by_org'),
    ('operator', 'SELECT', 'sms_cost'),
    ('operator', 'SELECT', 'sms_delivery_by_template'),
    ('monitor', 'SELECT', 'sms_worker_stat'),
    ('monitor', 'SELECT', 'sms_queue_stat'),
    ('monitor', 'SELECT', 'sms_delivery_stats'),
    ('monitor', 'SELECT', 'sms_health'),
    ('monitor', 'SELECT', 'sms_metrics'),
    ('monitor', 'SELECT', 'sms_metrics_by_org'),
    ('monitor', 'SELECT', 'sms_cost'),
    ('monitor', 'SELECT', 'sms_delivery_by_template'),
    ('gateway', 'SELECT', 'sms_health'),
    ('gateway', 'SELECT', 'sms_metrics'),
    ('gateway', 'SELECT', 'sms_metrics_by_org')
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_functions_of_kinds(kinds text[]) RETURNS SETOF regprocedure
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_own_functions(ARRAY(
    SELECT unnest(f.names)
      FROM (VALUES
        ('{tenant,service,operator,monitor,gateway}'::text[],
         '{sms_sees_all,sms_acts_for_all,sms_my_orgs,sms_known_zone}'::text[]),
        ('{tenant,service,operator}', '{sms_why}'),
        ('{tenant}', '{sms_is_my_org}'),
        ('{tenant,service}', '{sms_enqueue,sms_enqueue_batch,sms_cancel,sms_reschedule,sms_retry,
            sms_preview,sms_explain,
            is_phone_suppressed,sms_opt_out,sms_opt_in,sms_erase_person,
            render_sms_template,sms_template_variables,sms_segments,sms_smart_encode,
            sms_normalize_phone,sms_uuidv7,
            sms_client_name,sms_local_time,sms_number_of,sms_advice,sms_retry_key,
            sms_phone_forms,sms_reads_all_texts,sms_unfinished_of,sms_upcoming_of,sms_sender_opt_outs_of}'),
        ('{service,operator}', '{sms_every_org}'),
        ('{monitor}', '{sms_watches_every_org}'),
        ('{service,operator,monitor}', '{sms_doctor,sms_launcher_pid}'),
        ('{service,operator,monitor,gateway}', '{sms_mode,sms_check_trust,sms_worker_state,sms_counters,
            sms_library_version,sms_is_preloaded}'),
        ('{gateway}', '{sms_twilio_webhook_calls}'),
        ('{service}', '{sms_set_twilio_credentials,insert_sms_from_service,queue_pending_sms,
            sms_schedule_reminders,sms_export_opt_outs,
            sms_twilio_webhook_raw,sms_validate_twilio_signature}'),
        ('{service,gateway}', '{sms_twilio_webhook}'),
        ('{operator}', '{sms_pause,sms_resume,sms_go_live,sms_go_sandbox}')) f (kinds, names)
     WHERE f.kinds && $1))
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_roles() RETURNS TABLE (kind text, role regrole)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT k.kind, a.grantee::regrole
    FROM (VALUES ('tenant', 'sms_is_my_org'), ('service', 'insert_sms_from_service'),
                 ('operator', 'sms_pause'),
                 ('monitor', 'sms_watches_every_org'),
                 ('gateway', 'sms_twilio_webhook_calls')) k (kind, name)
    JOIN pg_proc p ON p.pronamespace = '@extschema@'::regnamespace AND p.proname = k.name
    JOIN coach_sms_internal.sms_own_functions(NULL) own ON own = p.oid
   CROSS JOIN aclexplode(p.proacl) a
   WHERE a.grantee NOT IN (p.proowner, 0)
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_lost_policies()
  RETURNS TABLE (kind text, relation text, command text, condition text, check_condition text,
                 roles oid[], is_there boolean)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT o.kind, o.relation, o.command, o.condition, o.check_condition, w.roles, p.oid IS NOT NULL
    FROM coach_sms_internal.sms_policies() o
   CROSS JOIN LATERAL (
     SELECT ARRAY(SELECT r.role::oid FROM coach_sms_internal.sms_roles() r
                   WHERE r.kind = o.kind ORDER BY 1) AS roles) w
    LEFT JOIN pg_policy p
      ON p.polrelid = format('@extschema@.%I', o.relation)::regclass AND p.polname = o.kind
   WHERE w.roles <> ARRAY(SELECT r FROM unnest(p.polroles) r ORDER BY 1)
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_make_policies() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lost record;
  roles text;
BEGIN
  FOR lost IN SELECT * FROM coach_sms_internal.sms_lost_policies() LOOP
    roles := (SELECT string_agg(r::regrole::text, ', ') FROM unnest(lost.roles) r);
    IF roles IS NULL THEN
      EXECUTE format('DROP POLICY %I ON @extschema@.%I', lost.kind, lost.relation);
    ELSIF lost.is_there THEN
      EXECUTE format('ALTER POLICY %I ON @extschema@.%I TO %s', lost.kind, lost.relation, roles);
    ELSE
      EXECUTE format('CREATE POLICY %I ON @extschema@.%I FOR %s TO %s USING (%s)',
                     lost.kind, lost.relation, lost.command, roles, lost.condition)
              || coalesce(' WITH CHECK (' || lost.check_condition || ')', '');
    END IF;
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_kinds_of(role regrole) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY(SELECT r.kind FROM coach_sms_internal.sms_roles() r WHERE r.role = $1)
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_grantees() RETURNS SETOF regrole
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.grantee::regrole
    FROM coach_sms_internal.sms_own_functions(NULL) f JOIN pg_proc p ON p.oid = f
   CROSS JOIN aclexplode(p.proacl) a
   WHERE a.grantee NOT IN (p.proowner, 0)
  UNION
  SELECT a.grantee::regrole
    FROM coach_sms_internal.sms_own_relations('{r,v}') r JOIN pg_class c ON c.oid = r
   CROSS JOIN aclexplode(c.relacl) a
   WHERE a.grantee NOT IN (c.relowner, 'coach_sms_owner'::regrole, 0)
$$;
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_set_kinds(role regrole, kinds text[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own record;
BEGIN
  FOR own IN SELECT f FROM coach_sms_internal.sms_own_functions(NULL) f LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s', own.f, role);
  END LOOP;
  FOR own IN SELECT r FROM coach_sms_internal.sms_own_relations('{r,v}') r LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', own.r, role);
  END LOOP;
  EXECUTE format('REVOKE ALL ON SCHEMA coach_sms_internal FROM %s', role);
  IF kinds <> '{}' THEN
    EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %s', role);
  END IF;
  FOR own IN SELECT f FROM coach_sms_internal.sms_functions_of_kinds(kinds) f LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', own.f, role);
  END LOOP;
  FOR own IN SELECT * FROM coach_sms_internal.sms_rights() r WHERE r.kind = ANY (kinds) LOOP
    EXECUTE format('GRANT %s ON @extschema@.%I TO %s', own.privileges, own.relation, role);
  END LOOP;
  PERFORM coach_sms_internal.sms_make_policies();
END
$$;
CREATE OR REPLACE FUNCTION sms_grant_tenant(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(role, coach_sms_internal.sms_kinds_of(role) || 'tenant'::text)
$$;
COMMENT ON FUNCTION sms_grant_tenant(regrole) IS
'Lets a role (on Supabase authenticated) enqueue, preview, cancel and read for its orgs, and manage their '
'templates, schedules and settings. Account, sender, token, budget and pause are not among these settings. '
'coach_sms.tenancy_function or coach_sms.jwt_authenticators say which orgs are its own. Superuser only.';
CREATE OR REPLACE FUNCTION sms_grant_service(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(role, coach_sms_internal.sms_kinds_of(role) || 'service'::text)
$$;
CREATE OR REPLACE FUNCTION sms_grant_operator(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(role, coach_sms_internal.sms_kinds_of(role) || 'operator'::text)
$$;
COMMENT ON FUNCTION sms_grant_operator(regrole) IS
'Lets a role watch (the views, sms_doctor, sms_why), pause and resume, and take the database live or back '
'to the sandbox, for all orgs. It can neither send nor read texts. Superuser only.';
CREATE OR REPLACE FUNCTION sms_grant_monitor(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(role, coach_sms_internal.sms_kinds_of(role) || 'monitor'::text)
$$;
COMMENT ON FUNCTION sms_grant_monitor(regrole) IS
'Lets a role, such as pg_monitor, read sms_health, sms_metrics, sms_metrics_by_org, sms_worker_stat, '
'sms_queue_stat, sms_delivery_stats, sms_cost and sms_doctor() of all orgs. They show no text or number '
'of a person. It can change nothing, neither pause nor go live. Superuser only.';
CREATE OR REPLACE FUNCTION sms_grant_gateway(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(role, coach_sms_internal.sms_kinds_of(role) || 'gateway'::text)
$$;
COMMENT ON FUNCTION sms_grant_gateway(regrole) IS
'Lets a role, that of coach_sms_gateway, pass on Twilio''s calls and read sms_health, sms_metrics and '
'sms_metrics_by_org. It can do nothing else. Superuser only.';
CREATE OR REPLACE FUNCTION sms_revoke_tenant(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(
    role, array_remove(coach_sms_internal.sms_kinds_of(role), 'tenant'))
$$;
COMMENT ON FUNCTION sms_revoke_tenant(regrole) IS
'Revokes the rights of sms_grant_tenant, but for USAGE on the schema, which others may have granted too. '
'Superuser only.';
CREATE OR REPLACE FUNCTION sms_revoke_service(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(
    role, array_remove(coach_sms_internal.sms_kinds_of(role), 'service'))
$$;
COMMENT ON FUNCTION sms_revoke_service(regrole) IS
'Revokes the rights of sms_grant_service, but for USAGE on the schema, which others may have granted too. '
'Superuser only.';
CREATE OR REPLACE FUNCTION sms_revoke_operator(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(
    role, array_remove(coach_sms_internal.sms_kinds_of(role), 'operator'))
$$;
COMMENT ON FUNCTION sms_revoke_operator(regrole) IS
'Revokes the rights of sms_grant_operator, but for USAGE on the schema, which others may have granted too. '
'Superuser only.';
CREATE OR REPLACE FUNCTION sms_revoke_monitor(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(
    role, array_remove(coach_sms_internal.sms_kinds_of(role), 'monitor'))
$$;
COMMENT ON FUNCTION sms_revoke_monitor(regrole) IS
'Revokes the rights of sms_grant_monitor, but for USAGE on the schema, which others may have granted too. '
'Superuser only.';
CREATE OR REPLACE FUNCTION sms_revoke_gateway(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(
    role, array_remove(coach_sms_internal.sms_kinds_of(role), 'gateway'))
$$;
COMMENT ON FUNCTION sms_revoke_gateway(regrole) IS
'Revokes the rights of sms_grant_gateway, but for USAGE on the schema, which others may have granted too. '
'Superuser only.';
CREATE OR REPLACE FUNCTION coach_sms_internal.sms_take_ownership() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own record;
BEGIN
  FOR own IN
    SELECT p.oid::regprocedure AS function
      FROM coach_sms_internal.sms_own_functions(NULL) f JOIN pg_proc p ON p.oid = f
     WHERE p.proowner <> 'coach_sms_owner'::regrole
  LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO coach_sms_owner', own.function);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', own.function);
    -- Default privileges, such as Supabase's, gave rights to it when it was made.
    PERFORM coach_sms_internal.sms_revoke_from_all('FUNCTION', own.function::text,
      (SELECT p.proacl FROM pg_proc p WHERE p.oid = own.function));
  END LOOP;
  FOR own IN
    SELECT c.oid::regclass AS relation, c.relkind
      FROM coach_sms_internal.sms_own_relations('{r,v}') r JOIN pg_class c ON c.oid = r
     WHERE c.relowner <> 'coach_sms_owner'::regrole
  LOOP
    -- sms_bookings_source names the tables that are read with their owner's rights.
    -- coach_sms_owner must not be able to change it.
    IF own.relation <> '@extschema@.sms_bookings_source'::regclass THEN
      EXECUTE format('ALTER TABLE %s OWNER TO coach_sms_owner', own.relation);
    END IF;
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', own.relation);
    PERFORM coach_sms_internal.sms_revoke_from_all('TABLE', own.relation::text,
      (SELECT c.relacl FROM pg_class c WHERE c.oid = own.relation));
    -- The extension makes no policy: older minor releases of pg_dump dump policies of its tables, which a
    -- restore would then make twice. The grants make them, and until then only the owner sees a row.
    -- sms_bookings_source needs none: it holds no org's data.
    IF own.relkind = 'r' AND own.relation <> '@extschema@.sms_bookings_source'::regclass THEN
      EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', own.relation);
    END IF;
  END LOOP;
  GRANT SELECT ON @extschema@.sms_bookings_source TO coach_sms_owner;
  ALTER TYPE coach_sms_internal.sms_booking OWNER TO coach_sms_owner;
  REVOKE ALL ON TYPE coach_sms_internal.sms_booking FROM PUBLIC;
  REVOKE ALL ON SCHEMA coach_sms_internal FROM PUBLIC;
  PERFORM coach_sms_internal.sms_revoke_from_all('SCHEMA', 'coach_sms_internal',
    (SELECT n.nspacl FROM pg_namespace n WHERE n.nspname = 'coach_sms_internal'));
  GRANT USAGE ON SCHEMA coach_sms_internal TO coach_sms_owner;
  -- Kinds may have more rights in this version than before.
  PERFORM coach_sms_internal.sms_set_kinds(g.role, coach_sms_internal.sms_kinds_of(g.role))
     FROM coach_sms_internal.sms_grantees() g (role) WHERE coach_sms_internal.sms_kinds_of(g.role) <> '{}';
END
$$;
-- Made by `make upgrade-script`: end.

ALTER TABLE sms_booking_texts ALTER COLUMN schedule_id SET DEFAULT coach_sms_internal.sms_no_schedule();

CREATE OR REPLACE TRIGGER sms_template_check BEFORE INSERT OR UPDATE OF body, variables_schema, version ON sms_templates
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_check_template();
CREATE OR REPLACE TRIGGER sms_settings_check
  BEFORE INSERT OR UPDATE OF timezone, default_region, twilio_phone_number, twilio_account_sid, twilio_messaging_service_sid
  ON sms_settings FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_check_settings();
CREATE CONSTRAINT TRIGGER sms_series_confirm AFTER INSERT OR UPDATE OF series ON sms_booking_texts
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.series IS NOT NULL) EXECUTE FUNCTION coach_sms_internal.sms_confirm_series();
CREATE TRIGGER sms_message_news AFTER UPDATE OF status ON sms_messages
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status
                     AND NEW.status IN ('delivered', 'failed', 'cancelled'))
  EXECUTE FUNCTION coach_sms_internal.sms_message_ended();
CREATE TRIGGER sms_inbound_news AFTER INSERT ON sms_events
  FOR EACH ROW WHEN (NEW.event_type = 'inbound')
  EXECUTE FUNCTION coach_sms_internal.sms_text_came();
-- The sender alone judges why something is held.
DROP FUNCTION sms_why_held(uuid, text);
DROP FUNCTION coach_sms_internal.sms_why_held_as_owner(uuid, text);
DROP FUNCTION coach_sms_internal.sms_handed_over(uuid, text, timestamptz, boolean);
DROP FUNCTION coach_sms_internal.sms_first_id(timestamptz);

SELECT coach_sms_internal.sms_take_ownership();

-- Senders and SIDs of before, in the form that they are written in from now on.
DO $$
DECLARE
  org uuid;
  problem text;
BEGIN
  FOR org IN SELECT s.org_id FROM @extschema@.sms_settings s ORDER BY s.org_id LOOP
    BEGIN
      UPDATE @extschema@.sms_settings s
         SET twilio_account_sid = coach_sms_internal.sms_trim_blanks(s.twilio_account_sid),
             twilio_messaging_service_sid = coach_sms_internal.sms_trim_blanks(s.twilio_messaging_service_sid)
       WHERE s.org_id = org
         AND (s.twilio_account_sid IS DISTINCT FROM coach_sms_internal.sms_trim_blanks(s.twilio_account_sid)
              OR s.twilio_messaging_service_sid IS DISTINCT FROM coach_sms_internal.sms_trim_blanks(s.twilio_messaging_service_sid));
      UPDATE @extschema@.sms_settings s
         SET twilio_phone_number = coach_sms_internal.sms_normalize_sender(s.twilio_phone_number, s.default_region)
       WHERE s.org_id = org
         AND s.twilio_phone_number IS DISTINCT FROM coach_sms_internal.sms_normalize_sender(s.twilio_phone_number, s.default_region);
    EXCEPTION WHEN SQLSTATE 'SM006' OR SQLSTATE 'SM015' OR SQLSTATE 'SM020' THEN
      GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT;
      RAISE WARNING 'the settings of org % were left as they are: %', org, problem USING HINT = 'Correct them.';
    END;
  END LOOP;
END
$$;
SELECT coach_sms_internal.sms_poke_launcher();
