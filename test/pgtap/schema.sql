-- The tables: columns, constraints, indexes, triggers, and what a dump carries.
BEGIN;
SELECT plan(28);

CREATE FUNCTION pg_temp.columns(relation text) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END ||
         coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE a.attrelid = relation::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
$$;
CREATE FUNCTION pg_temp.constraints(kind "char") RETURNS SETOF text LANGUAGE sql AS $$
  SELECT r.relname || ': ' || pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
   WHERE c.contype = kind AND r.relname LIKE 'sms%' ORDER BY 1
$$;

SELECT is(array_agg(relname ORDER BY relname COLLATE "C")::text[], ARRAY[
  'sms_attempts',
  'sms_booking_texts',
  'sms_bookings_source',
  'sms_events',
  'sms_holds',
  'sms_idempotency_keys',
  'sms_in_flight',
  'sms_messages',
  'sms_opt_outs',
  'sms_overdue',
  'sms_phone_salt',
  'sms_queue',
  'sms_schedules',
  'sms_server',
  'sms_settings',
  'sms_suppression',
  'sms_templates',
  'sms_usage',
  'sms_usage_end'], 'the tables')
  FROM pg_class JOIN pg_depend ON objid = pg_class.oid AND classid = 'pg_class'::regclass AND deptype = 'e'
 WHERE relkind = 'r' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'coach_sms');

SELECT results_eq($$SELECT * FROM pg_temp.columns('sms_settings')$$, ARRAY[
  'org_id uuid not null',
  'twilio_account_sid text',
  'twilio_auth_token_encrypted text',
  'twilio_messaging_service_sid text',
  'twilio_phone_number text',
  'enabled boolean not null default true',
  'send_booking_confirmations boolean not null default true',
  'send_session_reminders boolean not null default true',
  'send_feedback_requests boolean not null default true',
  'reminder_hours_before integer not null default 24',
  'feedback_hours_after integer not null default 2',
  'quiet_hours_start integer default 21',
  'quiet_hours_end integer default 8',
  'timezone text not null default ''Australia/Sydney''::text',
  'max_sms_per_hour integer default 100',
  'max_sms_per_client_per_day integer default 5',
  'updated_at timestamp with time zone not null default now()',
  'default_region text not null default ''AU''::text',
  'max_segments integer',
  'monthly_budget_segments integer',
  'price_per_segment numeric',
  'currency text',
  'max_segments_per_second numeric',
  'retention_days integer',
  'unknown_policy text not null default ''resend_if_absent''::text',
  'paused_until timestamp with time zone',
  'twilio_second_auth_token_encrypted text',
  'created_at timestamp with time zone not null default now()'], 'columns of sms_settings');

SELECT results_eq($$SELECT * FROM pg_temp.columns('sms_templates')$$, ARRAY[
  'id uuid not null default sms_uuidv7()',
  'org_id uuid not null',
  'template_key text not null',
  'name text',
  'description text',
  'body text not null',
  'variables_schema jsonb not null default ''[]''::jsonb',
  'is_active boolean not null default true',
  'version integer not null',
  'created_at timestamp with time zone not null default now()',
  'updated_at timestamp with time zone not null default now()'], 'columns of sms_templates');

SELECT results_eq($$SELECT * FROM pg_temp.columns('sms_messages')$$, ARRAY[
  'id uuid not null default sms_uuidv7()',
  'org_id uuid not null',
  'client_id uuid',
  'to_phone text not null',
  'from_phone text',
  'template_id uuid',
  'template_key text',
  'body text not null',
  'variables jsonb',
  'related_entity_type text',
  'related_entity_id uuid',
  'status text not null default ''queued''::text',
  'scheduled_for timestamp with time zone not null default now()',
  'sent_at timestamp with time zone',
  'delivered_at timestamp with time zone',
  'failed_at timestamp with time zone',
  'idempotency_key text',
  'error_code text',
  'error_message text',
  'metadata jsonb not null default ''{}''::jsonb',
  'created_at timestamp with time zone not null default now()',
  'updated_at timestamp with time zone not null default now()',
  'provider_message_id text',
  'segments integer not null',
  'encoding text not null',
  'priority smallint not null default 0',
  'expires_at timestamp with time zone',
  'attempt_count integer not null default 0',
  'price numeric',
  'price_unit text',
  'sandbox boolean not null',
  'payload_hash bytea'], 'columns of sms_messages');

SELECT results_eq($$SELECT * FROM pg_temp.columns('coach_sms_internal.sms_queue')$$, ARRAY[
  'message_id uuid not null',
  'org_id uuid not null',
  'zone text not null default ''''::text',
  'priority smallint not null',
  'failures smallint not null default 0',
  'due_at timestamp with time zone not null',
  'expires_at timestamp with time zone',
  'held_for text'], 'columns of sms_queue');

SELECT results_eq($$SELECT * FROM pg_temp.columns('coach_sms_internal.sms_in_flight')$$, ARRAY[
  'message_id uuid not null',
  'org_id uuid not null',
  'fence bigint not null',
  'state text not null default ''leased''::text',
  'attempt_number integer not null',
  'failures smallint not null',
  'priority smallint not null',
  'claimed_at timestamp with time zone not null',
  'lease_until timestamp with time zone not null',
  'account_sid text',
  'client_key text not null',
  'segments integer not null',
  'settlement jsonb',
  'next_look_at timestamp with time zone',
  'looks integer not null default 0',
  'inconclusive text',
  'inconclusive_count integer not null default 0',
  'inconclusive_at timestamp with time zone',
  'not_asked text',
  'not_asked_since timestamp with time zone'], 'columns of sms_in_flight');

SELECT results_eq($$SELECT * FROM pg_temp.columns('sms_attempts')$$, ARRAY[
  'id uuid not null default sms_uuidv7()',
  'message_id uuid not null',
  'attempt_number integer not null',
  'provider text not null default ''twilio''::text',
  'provider_message_id text',
  'request_payload jsonb',
  'response_payload jsonb',
  'response_status integer',
  'status text not null',
  'error_code text',
  'error_message text',
  'created_at timestamp with time zone not null default now()',
  'org_id uuid not null',
  'client_key text not null',
  'segments integer not null',
  'duration_ms integer'], 'columns of sms_attempts');

SELECT results_eq($$SELECT * FROM pg_temp.columns('sms_events')$$, ARRAY[
  'id uuid not null default sms_uuidv7()',
  'message_id uuid',
  'org_id uuid',
  'provider text not null default ''twilio''::text',
  'provider_message_id text',
  'event_type text not null',
  'event_status text',
  'error_code text',
  'error_message text',
  'event_payload jsonb',
  'dedupe_key text not null',
  'received_at timestamp with time zone not null default now()',
  'processed_at timestamp with time zone'], 'columns of sms_events');

SELECT results_eq($$SELECT * FROM pg_temp.columns('sms_suppression')$$, ARRAY[
  'id uuid not null default sms_uuidv7()',
  'org_id uuid not null',
  'phone text not null',
  'reason text not null default ''manual''::text',
  'source text',
  'notes text',
  'client_id uuid',
  'created_at timestamp with time zone not null default now()'], 'columns of sms_suppression');

SELECT results_eq($$SELECT * FROM pg_temp.columns('sms_opt_outs')$$, ARRAY[
  'account_sid text not null',
  'sender text not null',
  'phone text not null',
  'source text',
  'created_at timestamp with time zone not null default now()'], 'columns of sms_opt_outs');

SELECT results_eq($$SELECT * FROM pg_temp.columns('sms_schedules')$$, ARRAY[
  'id uuid not null default sms_uuidv7()',
  'org_id uuid not null',
  'type text not null',
  'label text',
  'mins_offset integer not null',
  'template_key text not null',
  'enabled boolean not null default true',
  'sort_order integer not null default 0',
  'created_at timestamp with time zone not null default now()'], 'columns of sms_schedules');

SELECT results_eq($$SELECT * FROM pg_temp.columns('sms_bookings_source')$$, ARRAY[
  'singleton boolean not null default true',
  'bookings regclass not null',
  'clients regclass not null',
  'orgs regclass not null',
  'mapping jsonb not null',
  'attached_at timestamp with time zone not null default now()',
  'attached_by text not null default SESSION_USER'], 'columns of sms_bookings_source');

SELECT results_eq($$SELECT * FROM pg_temp.columns('sms_booking_texts')$$, ARRAY[
  'booking_id uuid not null',
  'type text not null',
  'schedule_id uuid not null default coach_sms_internal.sms_no_schedule()',
  'org_id uuid not null',
  'session_start timestamp with time zone',
  'session_end timestamp with time zone',
  'message_id uuid',
  'reason text',
  'detail text',
  'try_until timestamp with time zone',
  'revision integer not null default 0',
  'created_at timestamp with time zone not null default now()',
  'updated_at timestamp with time zone not null default now()',
  'series uuid'], 'columns of sms_booking_texts');

SELECT results_eq($$SELECT * FROM pg_temp.columns('coach_sms_internal.sms_server')$$, ARRAY[
  'singleton boolean not null default true',
  'mode text not null',
  'system_identifier bigint not null',
  'database_oid oid not null',
  'arm_id uuid not null',
  'changed_at timestamp with time zone not null default now()',
  'changed_by text not null default SESSION_USER',
  'paused_until timestamp with time zone',
  'live_since timestamp with time zone'], 'columns of sms_server');

SELECT results_eq($$SELECT * FROM pg_temp.constraints('p')$$, ARRAY[
  'sms_attempts: PRIMARY KEY (id)',
  'sms_booking_texts: PRIMARY KEY (booking_id, type, schedule_id)',
  'sms_bookings_source: PRIMARY KEY (singleton)',
  'sms_events: PRIMARY KEY (id)',
  'sms_holds: PRIMARY KEY (key)',
  'sms_idempotency_keys: PRIMARY KEY (org_id, idempotency_key)',
  'sms_in_flight: PRIMARY KEY (message_id)',
  'sms_messages: PRIMARY KEY (id)',
  'sms_opt_outs: PRIMARY KEY (phone, account_sid, sender)',
  'sms_overdue: PRIMARY KEY (id)',
  'sms_phone_salt: PRIMARY KEY (singleton)',
  'sms_queue: PRIMARY KEY (message_id)',
  'sms_schedules: PRIMARY KEY (id)',
  'sms_server: PRIMARY KEY (singleton)',
  'sms_settings: PRIMARY KEY (org_id)',
  'sms_suppression: PRIMARY KEY (id)',
  'sms_templates: PRIMARY KEY (id)',
  'sms_usage: PRIMARY KEY (org_id, month, provider, currency)',
  'sms_usage_end: PRIMARY KEY (singleton)'], 'primary keys');

SELECT results_eq($$SELECT * FROM pg_temp.constraints('u')$$, ARRAY[
  'sms_events: UNIQUE (dedupe_key)',
  'sms_schedules: UNIQUE (org_id, type, mins_offset, template_key)',
  'sms_suppression: UNIQUE (org_id, phone)',
  'sms_templates: UNIQUE (org_id, template_key, version)'], 'unique constraints');

SELECT results_eq($$SELECT * FROM pg_temp.constraints('c')$$, ARRAY[
  'sms_attempts: CHECK ((status = ANY (ARRAY[''success''::text, ''transient_error''::text, ''permanent_error''::text, ''unknown''::text])))',
  'sms_booking_texts: CHECK ((type = ANY (ARRAY[''confirmation''::text, ''reminder''::text, ''feedback''::text])))',
  'sms_bookings_source: CHECK (singleton)',
  'sms_in_flight: CHECK ((inconclusive = ANY (ARRAY[''several''::text, ''unreadable''::text])))',
  'sms_in_flight: CHECK ((state = ANY (ARRAY[''leased''::text, ''unknown''::text])))',
  'sms_messages: CHECK ((status = ANY (ARRAY[''pending''::text, ''queued''::text, ''sending''::text, ''sent''::text, ''delivered''::text, ''failed''::text, ''cancelled''::text, ''unknown''::text])))',
  'sms_phone_salt: CHECK (singleton)',
  'sms_queue: CHECK ((held_for = ''client_daily_limit''::text))',
  'sms_schedules: CHECK (((mins_offset >= 0) AND (mins_offset <= 525600)))',
  'sms_schedules: CHECK ((type = ANY (ARRAY[''pre_session''::text, ''post_session''::text])))',
  'sms_server: CHECK ((mode = ANY (ARRAY[''sandbox''::text, ''live''::text])))',
  'sms_server: CHECK (singleton)',
  'sms_settings: CHECK (((feedback_hours_after >= 0) AND (feedback_hours_after <= 8760)))',
  'sms_settings: CHECK (((max_segments_per_second >= 0.001) AND (max_segments_per_second <= (10000)::numeric)))',
  'sms_settings: CHECK (((quiet_hours_end >= 0) AND (quiet_hours_end <= 23)))',
  'sms_settings: CHECK (((quiet_hours_start >= 0) AND (quiet_hours_start <= 23)))',
  'sms_settings: CHECK (((reminder_hours_before >= 0) AND (reminder_hours_before <= 8760)))',
  'sms_settings: CHECK (((retention_days >= 1) AND (retention_days <= 36500)))',
  'sms_settings: CHECK ((currency ~ ''^[A-Z]{3}$''::text))',
  'sms_settings: CHECK ((default_region ~ ''^[A-Z]{2}$''::text))',
  'sms_settings: CHECK ((max_segments > 0))',
  'sms_settings: CHECK ((max_sms_per_client_per_day >= 0))',
  'sms_settings: CHECK ((max_sms_per_hour >= 0))',
  'sms_settings: CHECK ((monthly_budget_segments >= 0))',
  'sms_settings: CHECK ((price_per_segment >= (0)::numeric))',
  'sms_settings: CHECK ((unknown_policy = ANY (ARRAY[''resend_if_absent''::text, ''hold''::text])))',
  'sms_suppression: CHECK ((reason = ANY (ARRAY[''opt_out''::text, ''invalid_number''::text, ''carrier_violation''::text, ''manual''::text])))',
  'sms_templates: CHECK ((jsonb_typeof(variables_schema) = ''array''::text))',
  'sms_templates: CHECK ((template_key <> ''''::text))',
  'sms_templates: CHECK ((version > 0))',
  'sms_usage_end: CHECK (singleton)'], 'checks');

SELECT is_empty($$SELECT * FROM pg_temp.constraints('f')$$, 'no foreign key: none locks a message for its history, and dumps restore in any order');

SELECT results_eq($$
  SELECT i.relname || ': ' || CASE WHEN x.indisunique THEN 'unique ' ELSE '' END || regexp_replace(pg_get_indexdef(i.oid), '.* USING btree ', '') COLLATE "default"
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class r ON r.oid = x.indrelid
   WHERE r.relname LIKE 'sms%' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.oid) ORDER BY 1$$, ARRAY[
  'sms_attempts_client: (org_id, client_key, created_at)',
  'sms_attempts_message: (message_id)',
  'sms_attempts_provider: (provider_message_id) WHERE (provider_message_id IS NOT NULL)',
  'sms_booking_texts_again: (try_until) WHERE (try_until IS NOT NULL)',
  'sms_booking_texts_message: (message_id) WHERE (message_id IS NOT NULL)',
  'sms_booking_texts_series: (series) WHERE (series IS NOT NULL)',
  'sms_events_message: (message_id)',
  'sms_events_provider: (provider_message_id) WHERE (provider_message_id IS NOT NULL)',
  'sms_events_unmatched: (received_at) WHERE ((processed_at IS NULL) AND (message_id IS NULL))',
  'sms_events_waiting: (received_at) WHERE ((processed_at IS NULL) AND (message_id IS NOT NULL))',
  'sms_events_without_message: (org_id, received_at) WHERE (message_id IS NULL)',
  'sms_in_flight_unknown: (next_look_at) WHERE (state = ''unknown''::text)',
  'sms_messages_client_created: (org_id, client_id, created_at) WHERE (client_id IS NOT NULL)',
  'sms_messages_idempotency_key: unique (org_id, idempotency_key) WHERE (idempotency_key IS NOT NULL)',
  'sms_messages_org_created: (org_id, created_at)',
  'sms_messages_phone: (to_phone, org_id)',
  'sms_messages_related: (org_id, related_entity_id) WHERE (related_entity_id IS NOT NULL)',
  'sms_queue_claim: (org_id, zone, priority, due_at, message_id)',
  'sms_queue_expiry: (expires_at) WHERE (expires_at IS NOT NULL)',
  'sms_queue_held: (org_id) WHERE (held_for IS NOT NULL)',
  'sms_settings_account: (twilio_account_sid)'], 'indexes besides those of constraints');

-- What every status change writes may be in no index and no predicate of one, else it is no HOT update.
SELECT is_empty($$
  SELECT a.attname, d.refobjid::regclass, i.relname
    FROM pg_depend d JOIN pg_class i ON i.oid = d.objid AND i.relkind = 'i'
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
   WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = 'sms_messages'::regclass
     AND a.attname IN ('status', 'scheduled_for', 'sent_at', 'delivered_at', 'failed_at', 'error_code', 'error_message', 'updated_at',
       'provider_message_id', 'segments', 'attempt_count', 'price', 'price_unit', 'expires_at', 'metadata', 'from_phone', 'template_key')$$,
  'no index of sms_messages is on anything that changes');
SELECT results_eq($$SELECT relname || ': ' || array_to_string(ARRAY(SELECT unnest(reloptions) ORDER BY 1), ', ') COLLATE "default"
    FROM pg_class WHERE relname LIKE 'sms%' AND relkind = 'r' AND reloptions IS NOT NULL ORDER BY relname COLLATE "C"$$, ARRAY[
  'sms_in_flight: autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000, fillfactor=70, vacuum_truncate=false',
  'sms_messages: autovacuum_analyze_scale_factor=0.02, autovacuum_vacuum_scale_factor=0.02, fillfactor=50',
  'sms_queue: autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000, vacuum_truncate=false',
  'sms_usage: fillfactor=50'], 'room for HOT updates, and vacuum settings of the tables that churn');

SELECT results_eq($$
  SELECT format('%s.%s: %s %s %s, %s, %s()', r.relname, t.tgname, CASE WHEN t.tgtype & 2 > 0 THEN 'before' ELSE 'after' END,
           concat_ws(' or ', CASE WHEN t.tgtype & 4 > 0 THEN 'insert' END, CASE WHEN t.tgtype & 8 > 0 THEN 'delete' END,
             CASE WHEN t.tgtype & 16 > 0 THEN 'update' END, CASE WHEN t.tgtype & 32 > 0 THEN 'truncate' END),
           CASE WHEN t.tgtype & 1 > 0 THEN 'row' ELSE 'statement' END, CASE t.tgenabled WHEN 'A' THEN 'always' WHEN 'O' THEN 'origin' WHEN 'R' THEN 'replica' END,
           t.tgfoid::regproc) COLLATE "default"
    FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid WHERE r.relname LIKE 'sms%' AND NOT t.tgisinternal ORDER BY 1$$, ARRAY[
  'sms_booking_texts.sms_series_confirm: after insert or update row, origin, coach_sms_internal.sms_confirm_series()',
  'sms_events.sms_inbound_news: after insert row, origin, coach_sms_internal.sms_text_came()',
  'sms_holds.sms_holds_replica: before insert row, replica, coach_sms_internal.sms_pass_over()',
  'sms_in_flight.sms_in_flight_replica: before insert row, replica, coach_sms_internal.sms_pass_over()',
  'sms_messages.sms_message_complete: before insert row, origin, coach_sms_internal.sms_complete_message()',
  'sms_messages.sms_message_delete: after delete statement, origin, coach_sms_internal.sms_forget_messages()',
  'sms_messages.sms_message_guard: before update row, origin, coach_sms_internal.sms_guard_status()',
  'sms_messages.sms_message_metadata: before update row, origin, coach_sms_internal.sms_refuse_metadata()',
  'sms_messages.sms_message_news: after update row, origin, coach_sms_internal.sms_message_ended()',
  'sms_messages.sms_message_queue: after insert row, origin, coach_sms_internal.sms_queue_message()',
  'sms_messages.sms_message_truncate: after truncate statement, origin, coach_sms_internal.sms_forget_messages()',
  'sms_messages.sms_message_zone: after update row, origin, coach_sms_internal.sms_move_lane()',
  'sms_overdue.sms_overdue_replica: before insert row, replica, coach_sms_internal.sms_pass_over()',
  'sms_phone_salt.sms_phone_salt_forget: after insert or delete or update statement, origin, coach_sms_internal.sms_forget_facts()',
  'sms_queue.sms_queue_replica: before insert row, replica, coach_sms_internal.sms_pass_over()',
  'sms_server.sms_server_forget: after insert or delete or update row, origin, coach_sms_internal.sms_forget_facts()',
  'sms_settings.00_seal_token: before insert or update row, always, coach_sms_internal.sms_seal_token()',
  'sms_settings.sms_settings_check: before insert or update row, origin, coach_sms_internal.sms_check_settings()',
  'sms_settings.sms_settings_forget: after insert or delete or update row, origin, coach_sms_internal.sms_forget_facts()',
  'sms_settings.sms_settings_release: after update row, origin, coach_sms_internal.sms_release_held()',
  'sms_settings.sms_settings_touch: before update row, origin, coach_sms_internal.sms_touch()',
  'sms_suppression.sms_suppression_phone: before insert or update row, origin, coach_sms_internal.sms_normalize_suppression()',
  'sms_templates.sms_template_check: before insert or update row, origin, coach_sms_internal.sms_check_template()',
  'sms_templates.sms_template_touch: before update row, origin, coach_sms_internal.sms_touch()',
  'sms_templates.sms_templates_forget: after insert or delete or update statement, origin, coach_sms_internal.sms_forget_facts()'], 'triggers; only those that seal and keep the queue fire for replication');
SELECT is((SELECT min(tgname) FROM pg_trigger WHERE tgrelid = 'sms_settings'::regclass AND NOT tgisinternal), '00_seal_token',
  'the trigger that seals is the first, so that no other sees a token');

-- sms_queue, sms_in_flight, sms_holds, sms_overdue and sms_server belong to one server: a copy derives them anew.
SELECT is((SELECT array_agg(t::regclass::text ORDER BY t::regclass::text COLLATE "C") FROM pg_extension, unnest(extconfig) AS t WHERE extname = 'coach_sms'), ARRAY[
  'sms_attempts',
  'sms_booking_texts',
  'sms_bookings_source',
  'sms_events',
  'sms_idempotency_keys',
  'sms_messages',
  'sms_opt_outs',
  'sms_phone_salt',
  'sms_schedules',
  'sms_settings',
  'sms_suppression',
  'sms_templates',
  'sms_usage',
  'sms_usage_end'], 'what a dump carries');
SELECT is((SELECT array_agg(DISTINCT c) FROM pg_extension, unnest(extcondition) AS c WHERE extname = 'coach_sms'), ARRAY[''], 'a dump carries all of their rows');

SELECT is_empty($$SELECT relname FROM pg_class WHERE relname LIKE 'sms%' AND relnamespace <> 'coach_sms_internal'::regnamespace AND relkind IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NULL$$,
  'every table and view has a comment');
SELECT is_empty($$
  SELECT r.relname, a.attname FROM pg_class r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE r.relname LIKE 'sms%' AND r.relnamespace <> 'coach_sms_internal'::regnamespace AND r.relkind = 'r' AND coalesce(col_description(r.oid, a.attnum), '') !~ '[.]$'$$,
  'every column of a table has a comment, a whole sentence');
SELECT is(extrelocatable, false, 'not relocatable') FROM pg_extension WHERE extname = 'coach_sms';

SELECT * FROM finish();
ROLLBACK;
