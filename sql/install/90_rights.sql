-- Rights. Who calls sms_grant_service: the role of the application's backend, for all orgs.

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

CREATE FUNCTION sms_grant_service(role regrole) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own text;
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA @extschema@ TO %s', role);
  -- Views call some of these for whoever reads them, a column's default the last.
  FOR own IN SELECT f FROM @extschema@.sms_own_functions(ARRAY[
      'sms_set_twilio_credentials', 'sms_enqueue', 'sms_enqueue_batch', 'sms_cancel', 'sms_reschedule', 'sms_retry', 'queue_pending_sms',
      'insert_sms_from_service', 'sms_preview',
      'render_sms_template', 'sms_template_variables', 'sms_segments', 'sms_smart_encode', 'sms_normalize_phone',
      'sms_schedule_reminders', 'sms_explain',
      'is_phone_suppressed', 'sms_opt_out', 'sms_opt_in', 'sms_erase_person', 'sms_export_opt_outs',
      'sms_twilio_webhook', 'sms_twilio_webhook_raw', 'sms_validate_twilio_signature',
      'sms_doctor', 'sms_why', 'sms_mode', 'sms_worker_state', 'sms_library_version', 'sms_is_preloaded',
      'sms_launcher_pid', 'sms_why_held', 'sms_known_zone', 'sms_uuidv7']) f
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', own, role);
  END LOOP;
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON @extschema@.sms_settings, @extschema@.sms_templates,'
                 ' @extschema@.sms_suppression, @extschema@.sms_schedules TO %s', role);
  EXECUTE format('GRANT SELECT ON @extschema@.sms_messages, @extschema@.sms_attempts, @extschema@.sms_events, @extschema@.sms_booking_texts TO %s', role);
  EXECUTE format('GRANT INSERT (id, org_id, client_id, to_phone, from_phone, template_id, template_key, body, variables,'
                 ' related_entity_type, related_entity_id, status, scheduled_for, expires_at, idempotency_key, priority,'
                 ' metadata), UPDATE (status, metadata) ON @extschema@.sms_messages TO %s', role);
  FOR own IN SELECT v FROM @extschema@.sms_own_relations('{v}') v LOOP
    EXECUTE format('GRANT SELECT ON %s TO %s', own, role);
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_grant_service(regrole) FROM PUBLIC;
COMMENT ON FUNCTION sms_grant_service(regrole) IS
'Lets a role (the application''s backend; on Supabase service_role) send, read and configure for all orgs. Superuser only.';

CREATE FUNCTION sms_revoke_service(role regrole) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own text;
BEGIN
  FOR own IN SELECT f FROM @extschema@.sms_own_functions(NULL) f LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM %s', own, role);
  END LOOP;
  FOR own IN SELECT r FROM @extschema@.sms_own_relations('{r,v}') r LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s', own, role);
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_revoke_service(regrole) FROM PUBLIC;
COMMENT ON FUNCTION sms_revoke_service(regrole) IS
'Takes back what sms_grant_service gave, but for USAGE on the schema, which others may have given too. Superuser only.';

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
  GRANT SELECT ON @extschema@.sms_bookings_source TO coach_sms_owner;
  ALTER TYPE @extschema@.sms_booking OWNER TO coach_sms_owner;
END
$$;
