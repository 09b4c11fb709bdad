-- Returns sms_doctor's checks of owners and grants.
CREATE FUNCTION coach_sms_internal.sms_check_rights()
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
