-- The kinds of roles and their rights: tenant (people of orgs), service (the application's backend, for all
-- orgs), operator (runs the server), monitor (sees figures and changes nothing), gateway (coach_sms_gateway,
-- which passes on Twilio's calls). A role may be of several kinds. Each kind has one policy, of its name, on
-- every table that it may see.

-- Returns the policies of each kind of role. The tenants' condition lists the orgs once a
-- statement, so that an index on org_id serves.
CREATE FUNCTION coach_sms_internal.sms_policies()
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

-- Returns the privileges of each kind of role on tables and views.
CREATE FUNCTION coach_sms_internal.sms_rights() RETURNS TABLE (kind text, privileges text, relation text)
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

-- Returns the functions that roles of these kinds may execute. Views call some of them with the reader's
-- rights, and a column's default calls sms_uuidv7().
CREATE FUNCTION coach_sms_internal.sms_functions_of_kinds(kinds text[]) RETURNS SETOF regprocedure
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

-- Returns the roles that are tenants, services, operators, monitors and gateways. A role's kind is
-- derived from its rights, since a dump carries those but not our policies. Each kind has
-- one function that no other kind has.
CREATE FUNCTION coach_sms_internal.sms_roles() RETURNS TABLE (kind text, role regrole)
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
