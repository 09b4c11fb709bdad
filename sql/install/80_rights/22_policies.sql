-- Returns the policies whose roles are not the ones that were granted, and the roles that they should have.
CREATE FUNCTION coach_sms_internal.sms_lost_policies()
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

-- Makes, changes or drops policies so that each has the roles that were granted. Policies
-- that are right stay.
CREATE FUNCTION coach_sms_internal.sms_make_policies() RETURNS void
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
