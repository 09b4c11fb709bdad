-- The functions that users call: names, arguments, defaults, results, volatility, strictness; and what they say of themselves.
BEGIN;
SELECT plan(8);

CREATE TEMPORARY VIEW own AS
  SELECT p.*, obj_description(p.oid, 'pg_proc') AS comment FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
   WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'coach_sms');

-- A default's type is left out: it is its argument's.
SELECT results_eq($$
  SELECT proname || '(' || regexp_replace(regexp_replace(pg_get_function_arguments(oid), 'DEFAULT NULL::[a-z0-9 ]+', 'DEFAULT NULL', 'g'),
             '(''[^'']*'')::[a-z]+( with time zone)?', '\1', 'g') || ') returns ' || pg_get_function_result(oid) || ': ' ||
         concat_ws(' ', CASE provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
           CASE WHEN proisstrict THEN 'strict' END, CASE WHEN prosecdef THEN 'definer' END) COLLATE "default"
    FROM own WHERE pronamespace <> 'coach_sms_internal'::regnamespace ORDER BY 1$$, ARRAY[
  'insert_sms_from_service(p_org_id uuid, p_client_id uuid, p_to_phone text, p_template_key text, p_variables jsonb, p_body text DEFAULT NULL, p_scheduled_for timestamp with time zone DEFAULT NULL, p_idempotency_key text DEFAULT NULL) returns uuid: volatile definer',
  'is_phone_suppressed(org_id uuid, phone text) returns boolean: stable strict',
  'queue_pending_sms() returns integer: volatile definer',
  'render_sms_template(body text, variables jsonb DEFAULT ''{}'') returns text: immutable strict',
  'sms_acts_for_all() returns boolean: stable',
  'sms_attach_bookings(bookings regclass DEFAULT NULL, clients regclass DEFAULT NULL, orgs regclass DEFAULT NULL, mapping jsonb DEFAULT ''{}'') returns integer: volatile',
  'sms_booking_trigger() returns trigger: volatile definer',
  'sms_cancel(message_id uuid, reason text DEFAULT NULL) returns boolean: volatile',
  'sms_create_key(path text) returns text: volatile strict',
  'sms_detach_bookings() returns integer: volatile',
  'sms_detach_worker(database name DEFAULT current_database(), hold interval DEFAULT ''00:01:00'') returns boolean: volatile strict',
  'sms_doctor(OUT check_name text, OUT level text, OUT ok boolean, OUT problem text, OUT what_to_do text) returns SETOF record: volatile',
  'sms_enqueue(org_id uuid, client_id uuid DEFAULT NULL, to_phone text DEFAULT NULL, template_key text DEFAULT NULL, variables jsonb DEFAULT NULL, body text DEFAULT NULL, scheduled_for timestamp with time zone DEFAULT NULL, expires_at timestamp with time zone DEFAULT NULL, related_entity_type text DEFAULT NULL, related_entity_id uuid DEFAULT NULL, idempotency_key text DEFAULT NULL, priority integer DEFAULT NULL, metadata jsonb DEFAULT NULL) returns uuid: volatile',
  'sms_enqueue_batch(messages jsonb) returns TABLE(ordinal integer, message_id uuid, error_code text, error_message text): volatile strict',
  'sms_erase_person(org_id uuid, phone text) returns TABLE(messages integer, attempts integer, events integer, under_way integer): volatile',
  'sms_every_org() returns SETOF uuid: stable definer',
  'sms_explain(booking_id uuid) returns TABLE(type text, label text, due_at timestamp with time zone, status text, message_id uuid, explanation text): volatile',
  'sms_export_opt_outs() returns TABLE(org_id uuid, phone text, reason text, source text, notes text, created_at timestamp with time zone, account_sid text, sender text): stable definer',
  'sms_go_live(OUT queued integer, OUT cancelled integer, OUT unknown integer) returns record: volatile definer',
  'sms_go_sandbox(OUT queued integer) returns integer: volatile definer',
  'sms_grant_gateway(role regrole) returns void: volatile',
  'sms_grant_monitor(role regrole) returns void: volatile',
  'sms_grant_operator(role regrole) returns void: volatile',
  'sms_grant_service(role regrole) returns void: volatile',
  'sms_grant_tenant(role regrole) returns void: volatile',
  'sms_is_my_org(org_id uuid) returns boolean: stable strict',
  'sms_library_version() returns text: stable',
  'sms_mode(OUT mode text, OUT reason text) returns record: stable definer',
  'sms_my_orgs() returns uuid[]: stable',
  'sms_normalize_phone(phone text, region text DEFAULT ''AU'') returns text: stable strict',
  'sms_opt_in(org_id uuid, phone text, include_manual boolean DEFAULT false) returns boolean: volatile',
  'sms_opt_out(org_id uuid, phone text, reason text DEFAULT ''opt_out'', source text DEFAULT ''sms_opt_out'', notes text DEFAULT NULL, client_id uuid DEFAULT NULL) returns uuid: volatile',
  'sms_pause(org_id uuid DEFAULT NULL, until timestamp with time zone DEFAULT ''infinity'') returns void: volatile definer',
  'sms_preview(org_id uuid, template_key text, variables jsonb DEFAULT ''{}'', OUT body text, OUT encoding text, OUT segments integer, OUT estimated_cost numeric, OUT currency text) returns record: stable',
  'sms_reschedule(message_id uuid, scheduled_for timestamp with time zone, expires_at timestamp with time zone DEFAULT NULL) returns void: volatile',
  'sms_resume(org_id uuid DEFAULT NULL) returns void: volatile definer',
  'sms_retry(message_id uuid) returns uuid: volatile',
  'sms_revoke_gateway(role regrole) returns void: volatile',
  'sms_revoke_monitor(role regrole) returns void: volatile',
  'sms_revoke_operator(role regrole) returns void: volatile',
  'sms_revoke_service(role regrole) returns void: volatile',
  'sms_revoke_tenant(role regrole) returns void: volatile',
  'sms_rotate_key(old_file text, new_file text) returns integer: volatile strict',
  'sms_schedule_reminders(OUT reminders integer, OUT feedback_requests integer, OUT skipped integer) returns record: volatile definer',
  'sms_segments(body text, OUT encoding text, OUT segments integer, OUT units integer) returns record: immutable strict',
  'sms_set_twilio_credentials(org_id uuid, account_sid text, auth_token text) returns void: volatile definer',
  'sms_smart_encode(body text) returns text: immutable strict',
  'sms_template_variables(body text) returns text[]: immutable strict',
  'sms_twilio_webhook(url text, body text, signature text, OUT http_status integer, OUT content_type text, OUT response text) returns record: volatile definer',
  'sms_twilio_webhook_calls(url text[], body text[], signature text[]) returns TABLE(http_status integer, content_type text, response text): volatile',
  'sms_twilio_webhook_raw(text) returns void: volatile',
  'sms_uuidv7() returns uuid: volatile',
  'sms_validate_twilio_signature(auth_token text, url text, body text, signature text, content_type text DEFAULT ''application/x-www-form-urlencoded'') returns boolean: immutable',
  'sms_wake_sender() returns void: volatile',
  'sms_watches_every_org() returns boolean: stable',
  'sms_why(message_id uuid) returns TABLE(at timestamp with time zone, what text, detail text): volatile'], 'the functions for users');

SELECT is_empty($$SELECT oid::regprocedure FROM own WHERE pronamespace <> 'coach_sms_internal'::regnamespace AND coalesce(comment, '') !~ '^[A-Za-z].*[.]$'$$,
  'every function for users has a comment of whole sentences');
SELECT is((SELECT string_agg(proname, ', ') FROM own WHERE prorettype = 'trigger'::regtype AND pronamespace <> 'coach_sms_internal'::regnamespace),
  'sms_booking_trigger', 'triggers are internal, but for the one that dumps of other tables name');
SELECT is_empty($$
  SELECT oid::regprocedure, code FROM own, regexp_matches(comment, 'SM[0-9]{3}', 'g') AS m(codes), unnest(codes) AS code WHERE code NOT BETWEEN 'SM001' AND 'SM022'$$,
  'comments name only SQLSTATEs that exist');
SELECT is_empty($$SELECT oid::regprocedure FROM own WHERE provolatile = 'i' AND prosecdef$$, 'what reads tables is not immutable');
SELECT is_empty($$SELECT oid::regprocedure FROM own WHERE prosecdef AND proparallel <> 'u'$$, 'what acts as the owner is not parallel safe');
SELECT is_empty($$SELECT own.oid::regprocedure FROM own JOIN pg_language l ON l.oid = prolang WHERE lanname NOT IN ('c', 'sql', 'plpgsql')$$, 'no other language is needed');
SELECT is_empty($$SELECT proname FROM own GROUP BY proname HAVING count(*) > 1$$, 'no overloads: named arguments stay unambiguous');

SELECT * FROM finish();
ROLLBACK;
