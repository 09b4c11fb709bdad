-- Row-level security, and what each kind of role is given: all of it, and nothing else.
BEGIN;
SELECT plan(21);

CREATE TEMPORARY VIEW own AS
  SELECT classid, objid FROM pg_depend
   WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'coach_sms');
CREATE TEMPORARY VIEW own_relations AS SELECT c.* FROM pg_class c JOIN own ON classid = 'pg_class'::regclass AND objid = c.oid;
CREATE TEMPORARY VIEW policies AS
  SELECT relname || ': ' || polname || ' for ' || CASE polcmd WHEN '*' THEN 'all' WHEN 'r' THEN 'select' ELSE polcmd::text END
         || ' to ' || (SELECT string_agg(r::regrole::text, ', ' ORDER BY r::regrole::text) FROM unnest(polroles) r) AS policy,
         pg_get_expr(polqual, polrelid) AS condition, pg_get_expr(polwithcheck, polrelid) AS check_condition, polname AS kind, relname
    FROM pg_policy JOIN own_relations ON own_relations.oid = polrelid;
-- A line for each relation, its columns by privilege; a line for each function.
CREATE FUNCTION pg_temp.rights(role regrole) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT relname || ': ' || string_agg(lower(privilege_type), ' ' ORDER BY privilege_type) COLLATE "default"
    FROM own_relations, aclexplode(relacl) WHERE grantee = role GROUP BY relname
  UNION ALL
  SELECT relname || ' ' || lower(privilege_type) || ': ' || string_agg(attname, ' ' ORDER BY attname)
    FROM own_relations JOIN pg_attribute ON attrelid = own_relations.oid, aclexplode(attacl) WHERE grantee = role GROUP BY relname, privilege_type
  UNION ALL
  SELECT proname || '()' FROM pg_proc JOIN own ON classid = 'pg_proc'::regclass AND objid = pg_proc.oid, aclexplode(proacl) WHERE grantee = role
  ORDER BY 1
$$;

SELECT is_empty($$SELECT relname FROM own_relations WHERE relkind = 'r' AND NOT relrowsecurity AND relname <> 'sms_bookings_source'$$, 'row-level security is on for every table that has rows of orgs');
SELECT is_empty($$SELECT relname FROM own_relations WHERE relforcerowsecurity$$, 'and forced for none: the owner is nobody, and a dump must see all');
SELECT is_empty('SELECT policy FROM policies', 'without a grant there is no policy');
SELECT is_empty($$SELECT viewname FROM pg_views JOIN own_relations ON relname = viewname
                   WHERE definition ~ 'sms_my_orgs' AND NOT coalesce('security_barrier=true' = ANY (reloptions) OR 'security_barrier=on' = ANY (reloptions) OR 'security_barrier' = ANY (reloptions), false)$$,
  'views that choose the reader''s orgs let nobody''s function in before they have');

CREATE ROLE pgtap_tenant;
CREATE ROLE pgtap_other_tenant;
CREATE ROLE pgtap_service;
CREATE ROLE pgtap_operator;
SELECT sms_grant_tenant('pgtap_tenant'), sms_grant_tenant('pgtap_other_tenant'), sms_grant_service('pgtap_service'), sms_grant_operator('pgtap_operator') \gset
SELECT results_eq('SELECT policy COLLATE "default" FROM policies ORDER BY 1', ARRAY[
  'sms_attempts: service for all to pgtap_service',
  'sms_attempts: tenant for select to pgtap_other_tenant, pgtap_tenant',
  'sms_booking_texts: service for all to pgtap_service',
  'sms_booking_texts: tenant for select to pgtap_other_tenant, pgtap_tenant',
  'sms_events: service for all to pgtap_service',
  'sms_events: tenant for select to pgtap_other_tenant, pgtap_tenant',
  'sms_messages: service for all to pgtap_service',
  'sms_messages: tenant for select to pgtap_other_tenant, pgtap_tenant',
  'sms_schedules: service for all to pgtap_service',
  'sms_schedules: tenant for all to pgtap_other_tenant, pgtap_tenant',
  'sms_settings: operator for select to pgtap_operator',
  'sms_settings: service for all to pgtap_service',
  'sms_settings: tenant for all to pgtap_other_tenant, pgtap_tenant',
  'sms_suppression: service for all to pgtap_service',
  'sms_suppression: tenant for select to pgtap_other_tenant, pgtap_tenant',
  'sms_templates: service for all to pgtap_service',
  'sms_templates: tenant for all to pgtap_other_tenant, pgtap_tenant'], 'the policies');
SELECT is_empty($$SELECT policy, condition FROM policies
                   WHERE kind = 'tenant' AND condition <> '(org_id = ANY (( SELECT sms_my_orgs() AS sms_my_orgs)::uuid[]))'$$, 'tenants see the rows of their orgs, which are listed once a statement');
SELECT results_eq($$SELECT relname::text COLLATE "default", check_condition COLLATE "default" FROM policies WHERE kind = 'tenant' AND check_condition IS NOT NULL$$,
  $$VALUES ('sms_settings', 'sms_is_my_org(org_id)')$$, 'only settings may be those of an org that is not there yet');
SELECT is_empty($$SELECT policy, condition FROM policies WHERE kind <> 'tenant' AND condition <> 'true'$$, 'the others see all that they may see');

SELECT results_eq($$SELECT pg_temp.rights('pgtap_tenant')$$, ARRAY[
  'is_phone_suppressed()', 'render_sms_template()', 'sms_acts_for_all()', 'sms_advice()', 'sms_attempts: select', 'sms_booking_texts: select', 'sms_cancel()',
  'sms_client_name()', 'sms_cost: select', 'sms_delivery_by_template: select', 'sms_delivery_stats: select', 'sms_enqueue()', 'sms_enqueue_batch()', 'sms_erase_person()', 'sms_events: select',
  'sms_explain()', 'sms_failures: select', 'sms_inbox: select', 'sms_is_my_org()', 'sms_known_zone()', 'sms_local_time()', 'sms_messages: select', 'sms_my_orgs()', 'sms_normalize_phone()', 'sms_number_of()', 'sms_opt_in()', 'sms_opt_out()',
  'sms_opt_out_list: select', 'sms_phone_forms()', 'sms_preview()', 'sms_queue_stat: select', 'sms_reads_all_texts()', 'sms_reschedule()', 'sms_retry()',
  'sms_retry_key()', 'sms_schedules insert: enabled label mins_offset org_id sort_order template_key type',
  'sms_schedules update: enabled label mins_offset sort_order template_key type', 'sms_schedules: delete select', 'sms_sees_all()', 'sms_segments()',
  'sms_sender_opt_outs_of()', 'sms_settings insert: currency default_region enabled feedback_hours_after max_segments max_sms_per_client_per_day max_sms_per_hour org_id price_per_segment quiet_hours_end quiet_hours_start reminder_hours_before retention_days send_booking_confirmations send_feedback_requests send_session_reminders timezone unknown_policy',
  'sms_settings select: created_at currency default_region enabled feedback_hours_after max_segments max_segments_per_second max_sms_per_client_per_day max_sms_per_hour monthly_budget_segments org_id paused_until price_per_segment quiet_hours_end quiet_hours_start reminder_hours_before retention_days send_booking_confirmations send_feedback_requests send_session_reminders timezone twilio_account_sid twilio_messaging_service_sid twilio_phone_number unknown_policy updated_at',
  'sms_settings update: currency default_region enabled feedback_hours_after max_segments max_sms_per_client_per_day max_sms_per_hour price_per_segment quiet_hours_end quiet_hours_start reminder_hours_before retention_days send_booking_confirmations send_feedback_requests send_session_reminders timezone unknown_policy',
  'sms_smart_encode()', 'sms_suppression: select', 'sms_template_variables()',
  'sms_templates insert: body description is_active name org_id template_key variables_schema version',
  'sms_templates update: body description is_active name variables_schema', 'sms_templates: delete select', 'sms_today: select', 'sms_unfinished_of()', 'sms_upcoming: select', 'sms_upcoming_of()', 'sms_uuidv7()', 'sms_why()'], 'what tenants may');
SELECT results_eq($$SELECT pg_temp.rights('pgtap_service')$$, ARRAY[
  'insert_sms_from_service()', 'is_phone_suppressed()', 'queue_pending_sms()', 'render_sms_template()', 'sms_acts_for_all()', 'sms_advice()', 'sms_attempts: select',
  'sms_booking_texts: select', 'sms_cancel()', 'sms_check_trust()', 'sms_client_name()', 'sms_cost: select', 'sms_counters()', 'sms_delivery_by_template: select', 'sms_delivery_stats: select', 'sms_doctor()', 'sms_enqueue()',
  'sms_enqueue_batch()', 'sms_erase_person()', 'sms_events: select', 'sms_every_org()', 'sms_explain()', 'sms_export_opt_outs()',
  'sms_failures: select', 'sms_health: select', 'sms_inbox: select', 'sms_is_preloaded()', 'sms_known_zone()', 'sms_launcher_pid()', 'sms_library_version()',
  'sms_local_time()', 'sms_messages insert: body client_id expires_at from_phone id idempotency_key metadata org_id priority related_entity_id related_entity_type scheduled_for status template_id template_key to_phone variables',
  'sms_messages update: metadata status', 'sms_messages: select', 'sms_metrics: select', 'sms_metrics_by_org: select', 'sms_mode()', 'sms_my_orgs()', 'sms_normalize_phone()', 'sms_number_of()', 'sms_opt_in()',
  'sms_opt_out()', 'sms_opt_out_list: select', 'sms_phone_forms()', 'sms_preview()', 'sms_queue_stat: select', 'sms_reads_all_texts()', 'sms_reschedule()', 'sms_retry()', 'sms_retry_key()', 'sms_schedule_reminders()',
  'sms_schedules: delete insert select update', 'sms_sees_all()', 'sms_segments()', 'sms_sender_opt_outs_of()', 'sms_set_twilio_credentials()', 'sms_settings: delete insert select update',
  'sms_smart_encode()', 'sms_suppression: delete insert select update', 'sms_template_variables()', 'sms_templates: delete insert select update',
  'sms_today: select', 'sms_twilio_webhook()', 'sms_twilio_webhook_raw()', 'sms_unfinished_of()', 'sms_upcoming: select', 'sms_upcoming_of()', 'sms_uuidv7()', 'sms_validate_twilio_signature()', 'sms_why()',
  'sms_worker_stat: select', 'sms_worker_state()'], 'what the backend may');
SELECT results_eq($$SELECT pg_temp.rights('pgtap_operator')$$, ARRAY[
  'sms_acts_for_all()', 'sms_check_trust()', 'sms_cost: select', 'sms_counters()', 'sms_delivery_by_template: select', 'sms_delivery_stats: select', 'sms_doctor()', 'sms_every_org()', 'sms_go_live()', 'sms_go_sandbox()',
  'sms_health: select', 'sms_is_preloaded()', 'sms_known_zone()', 'sms_launcher_pid()', 'sms_library_version()', 'sms_metrics: select', 'sms_metrics_by_org: select', 'sms_mode()', 'sms_my_orgs()',
  'sms_pause()', 'sms_queue_stat: select', 'sms_resume()', 'sms_sees_all()',
  'sms_settings select: enabled max_segments_per_second max_sms_per_client_per_day max_sms_per_hour monthly_budget_segments org_id paused_until quiet_hours_end quiet_hours_start timezone',
  'sms_why()', 'sms_worker_stat: select', 'sms_worker_state()'], 'what operators may');
CREATE ROLE pgtap_monitor;
SELECT sms_grant_monitor('pgtap_monitor') \gset
SELECT results_eq($$SELECT pg_temp.rights('pgtap_monitor')$$, ARRAY[
  'sms_acts_for_all()', 'sms_check_trust()', 'sms_cost: select', 'sms_counters()', 'sms_delivery_by_template: select', 'sms_delivery_stats: select', 'sms_doctor()', 'sms_health: select',
  'sms_is_preloaded()', 'sms_known_zone()', 'sms_launcher_pid()', 'sms_library_version()', 'sms_metrics: select', 'sms_metrics_by_org: select', 'sms_mode()', 'sms_my_orgs()',
  'sms_queue_stat: select', 'sms_sees_all()', 'sms_watches_every_org()', 'sms_worker_stat: select', 'sms_worker_state()'], 'what monitors may');

CREATE ROLE pgtap_gateway;
SELECT sms_grant_gateway('pgtap_gateway') \gset
SELECT results_eq($$SELECT pg_temp.rights('pgtap_gateway')$$, ARRAY[
  'sms_acts_for_all()', 'sms_check_trust()', 'sms_counters()', 'sms_health: select', 'sms_is_preloaded()', 'sms_known_zone()', 'sms_library_version()', 'sms_metrics: select', 'sms_metrics_by_org: select', 'sms_mode()', 'sms_my_orgs()', 'sms_sees_all()',
  'sms_twilio_webhook()', 'sms_twilio_webhook_calls()', 'sms_worker_state()'], 'what gateways may');

-- Whose orgs count, a definer function cannot know. So tenants call none, and what becomes the owner for them asks.
SELECT is_empty($$SELECT proname FROM pg_proc JOIN own ON classid = 'pg_proc'::regclass AND objid = pg_proc.oid, aclexplode(proacl)
                   WHERE prosecdef AND grantee = 'pgtap_tenant'::regrole$$, 'tenants call no definer function');
SELECT is_empty($$SELECT p.proname FROM pg_proc p JOIN own ON classid = 'pg_proc'::regclass AND objid = p.oid
                   WHERE p.prosrc = 'coach_sms_as_owner' AND has_function_privilege('pgtap_tenant', p.oid, 'EXECUTE')
                     AND NOT EXISTS (SELECT FROM pg_proc o WHERE o.pronamespace = 'coach_sms_internal'::regnamespace AND o.proname = p.proname || '_as_owner'
                                        AND o.proargtypes = p.proargtypes AND o.prosrc ~ 'sms_(require_org|require_message|may_act_for)\(')$$,
  'each function that becomes the owner for a tenant asks whether it may act for the org');

-- A member's page, among the messages of fifty orgs to many people (PostgreSQL 18 skips through an index of few numbers): by the index, and its orgs are listed once.
INSERT INTO sms_settings (org_id, max_sms_per_client_per_day) SELECT ('10000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, NULL FROM generate_series(1, 50) n;
INSERT INTO sms_messages (org_id, to_phone, body)
  SELECT ('10000000-0000-4000-8000-' || lpad((1 + n % 50)::text, 12, '0'))::uuid, '+614' || 91500000 + n, 'Hello ' || n FROM generate_series(1, 5000) n
  UNION ALL SELECT '10000000-0000-4000-8000-000000000007', '+614' || 91510000 + n, 'Hello' FROM generate_series(1, 1900) n;
UPDATE sms_messages SET created_at = created_at + row_number * interval '1 second' FROM (SELECT id AS row_id, row_number() OVER () FROM sms_messages) r WHERE id = row_id;
ANALYZE sms_messages;
CREATE FUNCTION public.pgtap_orgs() RETURNS SETOF uuid LANGUAGE sql STABLE SET search_path = '' AS $$ VALUES ('10000000-0000-4000-8000-000000000007'::uuid) $$;
SET LOCAL coach_sms.tenancy_function = 'public.pgtap_orgs()';
-- What the role gets, or its plan.
CREATE FUNCTION pg_temp.as_tenant(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  line text;
  lines text[] := '{}';
BEGIN
  SET LOCAL ROLE pgtap_tenant;
  FOR line IN EXECUTE query LOOP
    lines := lines || line;
  END LOOP;
  RESET ROLE;
  RETURN QUERY SELECT unnest(lines);
END
$$;
SELECT results_eq($$SELECT pg_temp.as_tenant('SELECT count(*) FROM sms_messages')$$, ARRAY['2000'], 'a member sees the messages of the org');
SELECT matches(string_agg(line, E'\n'), 'InitPlan 1.*(Index|Bitmap Index) Scan.* sms_messages_org_created', 'finds them by the index, with the orgs listed once')
  FROM pg_temp.as_tenant('EXPLAIN (COSTS OFF) SELECT * FROM sms_messages ORDER BY created_at DESC LIMIT 50') line;
SELECT matches(string_agg(line, E'\n'), 'Index Scan Backward using sms_messages_org_created', 'and a page of one org without a sort')
  FROM pg_temp.as_tenant('EXPLAIN (COSTS OFF) SELECT * FROM sms_messages WHERE org_id = ''10000000-0000-4000-8000-000000000007'' ORDER BY created_at DESC LIMIT 50') line;

SELECT sms_grant_tenant('pgtap_tenant'), sms_grant_operator('pgtap_tenant'), sms_revoke_tenant('pgtap_tenant') \gset
SELECT results_eq($$SELECT pg_temp.rights('pgtap_tenant')$$, $$SELECT pg_temp.rights('pgtap_operator')$$, 'a kind is taken back, and what another gives stays');
SELECT sms_revoke_operator('pgtap_tenant'), sms_revoke_tenant('pgtap_other_tenant'), sms_revoke_service('pgtap_service'), sms_revoke_operator('pgtap_operator'), sms_revoke_monitor('pgtap_monitor'), sms_revoke_gateway('pgtap_gateway') \gset
SELECT is_empty('SELECT policy FROM policies', 'with the last role the policies go');
SELECT is_empty($$SELECT r, right_ FROM unnest(ARRAY['pgtap_tenant', 'pgtap_other_tenant', 'pgtap_service', 'pgtap_operator', 'pgtap_monitor', 'pgtap_gateway']) r, pg_temp.rights(r::regrole) right_$$, 'and so do the rights');

SELECT * FROM finish();
ROLLBACK;
