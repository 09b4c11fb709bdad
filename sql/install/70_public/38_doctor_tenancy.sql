-- Returns sms_doctor's checks of row-level security and tenancy. A tenancy function without a search_path
-- of its own is an error: its caller could put other tables in its way.
CREATE FUNCTION coach_sms_internal.sms_check_tenancy()
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
