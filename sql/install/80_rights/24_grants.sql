-- Returns the kinds of a role.
CREATE FUNCTION coach_sms_internal.sms_kinds_of(role regrole) RETURNS text[]
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT ARRAY(SELECT r.kind FROM coach_sms_internal.sms_roles() r WHERE r.role = $1)
$$;

-- Returns the roles, but coach_sms_owner, that have any right to a function, table or view of ours.
CREATE FUNCTION coach_sms_internal.sms_grantees() RETURNS SETOF regrole
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

-- Revokes all rights to our objects from a role, and grants the rights of these kinds.
CREATE FUNCTION coach_sms_internal.sms_set_kinds(role regrole, kinds text[]) RETURNS void
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

CREATE FUNCTION sms_grant_tenant(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(role, coach_sms_internal.sms_kinds_of(role) || 'tenant'::text)
$$;
COMMENT ON FUNCTION sms_grant_tenant(regrole) IS
'Lets a role (on Supabase authenticated) enqueue, preview, cancel and read for its orgs, and manage their '
'templates, schedules and settings. Account, sender, token, budget and pause are not among these settings. '
'coach_sms.tenancy_function or coach_sms.jwt_authenticators say which orgs are its own. Superuser only.';

CREATE FUNCTION sms_grant_service(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(role, coach_sms_internal.sms_kinds_of(role) || 'service'::text)
$$;
COMMENT ON FUNCTION sms_grant_service(regrole) IS
'Lets a role (the application''s backend; on Supabase service_role) send, read and configure for all orgs. '
'Superuser only.';

CREATE FUNCTION sms_grant_operator(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(role, coach_sms_internal.sms_kinds_of(role) || 'operator'::text)
$$;
COMMENT ON FUNCTION sms_grant_operator(regrole) IS
'Lets a role watch (the views, sms_doctor, sms_why), pause and resume, and take the database live or back '
'to the sandbox, for all orgs. It can neither send nor read texts. Superuser only.';

CREATE FUNCTION sms_grant_monitor(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(role, coach_sms_internal.sms_kinds_of(role) || 'monitor'::text)
$$;
COMMENT ON FUNCTION sms_grant_monitor(regrole) IS
'Lets a role, such as pg_monitor, read sms_health, sms_metrics, sms_metrics_by_org, sms_worker_stat, '
'sms_queue_stat, sms_delivery_stats, sms_cost and sms_doctor() of all orgs. They show no text or number '
'of a person. It can change nothing, neither pause nor go live. Superuser only.';

CREATE FUNCTION sms_grant_gateway(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(role, coach_sms_internal.sms_kinds_of(role) || 'gateway'::text)
$$;
COMMENT ON FUNCTION sms_grant_gateway(regrole) IS
'Lets a role, that of coach_sms_gateway, pass on Twilio''s calls and read sms_health, sms_metrics and '
'sms_metrics_by_org. It can do nothing else. Superuser only.';

CREATE FUNCTION sms_revoke_tenant(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(
    role, array_remove(coach_sms_internal.sms_kinds_of(role), 'tenant'))
$$;
COMMENT ON FUNCTION sms_revoke_tenant(regrole) IS
'Revokes the rights of sms_grant_tenant, but for USAGE on the schema, which others may have granted too. '
'Superuser only.';

CREATE FUNCTION sms_revoke_service(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(
    role, array_remove(coach_sms_internal.sms_kinds_of(role), 'service'))
$$;
COMMENT ON FUNCTION sms_revoke_service(regrole) IS
'Revokes the rights of sms_grant_service, but for USAGE on the schema, which others may have granted too. '
'Superuser only.';

CREATE FUNCTION sms_revoke_operator(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(
    role, array_remove(coach_sms_internal.sms_kinds_of(role), 'operator'))
$$;
COMMENT ON FUNCTION sms_revoke_operator(regrole) IS
'Revokes the rights of sms_grant_operator, but for USAGE on the schema, which others may have granted too. '
'Superuser only.';

CREATE FUNCTION sms_revoke_monitor(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(
    role, array_remove(coach_sms_internal.sms_kinds_of(role), 'monitor'))
$$;
COMMENT ON FUNCTION sms_revoke_monitor(regrole) IS
'Revokes the rights of sms_grant_monitor, but for USAGE on the schema, which others may have granted too. '
'Superuser only.';

CREATE FUNCTION sms_revoke_gateway(role regrole) RETURNS void
  LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT coach_sms_internal.sms_set_kinds(
    role, array_remove(coach_sms_internal.sms_kinds_of(role), 'gateway'))
$$;
COMMENT ON FUNCTION sms_revoke_gateway(regrole) IS
'Revokes the rights of sms_grant_gateway, but for USAGE on the schema, which others may have granted too. '
'Superuser only.';
