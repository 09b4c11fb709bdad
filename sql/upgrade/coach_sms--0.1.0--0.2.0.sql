\echo Use "ALTER EXTENSION coach_sms UPDATE" to load this file. \quit
-- From 0.1.0 to 0.2.0. First what goes or changes its shape, then functions, views and comments, then what needs those.

-- Made by `make upgrade-script`: begin.
CREATE OR REPLACE FUNCTION sms_check_rights() RETURNS TABLE (check_name text, matters boolean, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH owner AS (SELECT * FROM pg_roles WHERE rolname = 'coach_sms_owner'),
  own AS (
    SELECT d.classid, d.objid FROM pg_depend d
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
       AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'coach_sms')),
  strange AS (
    SELECT p.oid::regprocedure::text AS name FROM own JOIN pg_proc p ON own.classid = 'pg_proc'::regclass AND p.oid = own.objid
     WHERE p.proowner <> (SELECT oid FROM owner)
    UNION ALL
    SELECT c.oid::regclass::text FROM own JOIN pg_class c ON own.classid = 'pg_class'::regclass AND c.oid = own.objid
     WHERE c.relowner <> (SELECT oid FROM owner) AND c.oid <> '@extschema@.sms_bookings_source'::regclass
    UNION ALL
    -- From PostgreSQL 17 on row types and array types are members too. They follow their table or element type.
    SELECT t.oid::regtype::text FROM own JOIN pg_type t ON own.classid = 'pg_type'::regclass AND t.oid = own.objid
     WHERE t.typowner <> (SELECT oid FROM owner) AND t.typcategory <> 'A'
       AND NOT EXISTS (SELECT FROM pg_class c WHERE c.reltype = t.oid AND c.relkind <> 'c')),
  -- What no kind of role has and GRANT ALL gives: functions of ours alone; TRUNCATE, which asks no policy; TRIGGER, whose
  -- function would run as coach_sms_owner.
  excess AS (
    SELECT a.grantee FROM @extschema@.sms_own_functions(NULL) f JOIN pg_proc p ON p.oid = f
     CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     WHERE a.grantee <> p.proowner AND f NOT IN (SELECT k FROM @extschema@.sms_functions_of_kinds('{tenant,service,operator}') k)
    UNION
    SELECT a.grantee FROM @extschema@.sms_own_relations('{r,v}') r JOIN pg_class c ON c.oid = r CROSS JOIN aclexplode(c.relacl) a
     WHERE a.grantee <> c.relowner AND a.privilege_type IN ('TRUNCATE', 'TRIGGER'))
  SELECT 'owner_role', true,
         CASE WHEN o.rolsuper OR o.rolcanlogin OR o.rolcreaterole OR o.rolcreatedb OR o.rolbypassrls OR o.rolreplication
                THEN 'role coach_sms_owner may do more than it needs'
              WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = o.oid) THEN 'role coach_sms_owner has members: they can read every token and write every status'
              WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.member = o.oid) THEN 'role coach_sms_owner is a member of other roles' END,
         'ALTER ROLE coach_sms_owner NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION, and revoke its memberships.' FROM owner o
  UNION ALL
  SELECT 'ownership', true,
         'objects of the extension that do not belong to coach_sms_owner: ' || (SELECT string_agg(name, ', ' ORDER BY name) FROM strange),
         'ALTER … OWNER TO coach_sms_owner for each of them.'
  UNION ALL
  SELECT 'grants', true,
         'roles that may do more than any grant of ours gives: '
           || (SELECT string_agg(CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END, ', ' ORDER BY e.grantee) FROM excess e),
         'GRANT ALL ON ALL … IN SCHEMA does that. SELECT sms_revoke_tenant(role), sms_revoke_service(role), sms_revoke_operator(role) takes everything; then grant again what the role should be.'
  UNION ALL
  SELECT 'bookings_source', true,
         CASE WHEN NOT r.rolsuper THEN 'sms_bookings_source belongs to ' || r.rolname || ', who can thereby read other people''s tables' END,
         'ALTER TABLE sms_bookings_source OWNER TO a superuser.'
    FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = '@extschema@.sms_bookings_source'::regclass
  UNION ALL
  SELECT 'bookings', true, @extschema@.sms_bookings_problem(),
         'Mend the view, or give the owner of the bookings the rights it needs; after a change of names call sms_attach_bookings() again.'
$$;
CREATE OR REPLACE FUNCTION sms_revoke_from_all(kind text, object text, rights aclitem[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  role regrole;
BEGIN
  FOR role IN SELECT DISTINCT a.grantee::regrole FROM aclexplode(rights) a WHERE a.grantee NOT IN (a.grantor, 0) LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM %s', kind, object, role);
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION sms_revoke_from_all(text, text, aclitem[]) FROM PUBLIC;
COMMENT ON FUNCTION sms_revoke_from_all(text, text, aclitem[]) IS 'Internal: takes an object of ours from every role that has rights to it, but its owner.';
CREATE OR REPLACE FUNCTION sms_take_ownership() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own record;
BEGIN
  FOR own IN SELECT p.oid::regprocedure AS function FROM @extschema@.sms_own_functions(NULL) f JOIN pg_proc p ON p.oid = f
              WHERE p.proowner <> 'coach_sms_owner'::regrole LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO coach_sms_owner', own.function);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', own.function);
    -- Default privileges, such as Supabase's, have given rights to it as it was made.
    PERFORM @extschema@.sms_revoke_from_all('FUNCTION', own.function::text,
      (SELECT p.proacl FROM pg_proc p WHERE p.oid = own.function));
  END LOOP;
  FOR own IN SELECT c.oid::regclass AS relation, c.relkind FROM @extschema@.sms_own_relations('{r,v}') r JOIN pg_class c ON c.oid = r
              WHERE c.relowner <> 'coach_sms_owner'::regrole LOOP
    -- That one says whose tables are read with their owner's rights: coach_sms_owner must not widen its own reach.
    IF own.relation <> '@extschema@.sms_bookings_source'::regclass THEN
      EXECUTE format('ALTER TABLE %s OWNER TO coach_sms_owner', own.relation);
    END IF;
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', own.relation);
    PERFORM @extschema@.sms_revoke_from_all('TABLE', own.relation::text,
      (SELECT c.relacl FROM pg_class c WHERE c.oid = own.relation));
    -- No policy comes with the extension: older minor releases of pg_dump dump those of its tables, which would then be
    -- there twice. The grants make them, and until then nobody but the owner sees a row. The one table that is not the
    -- owner's needs none: nothing of any org is in it.
    IF own.relkind = 'r' AND own.relation <> '@extschema@.sms_bookings_source'::regclass THEN
      EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', own.relation);
    END IF;
  END LOOP;
  GRANT SELECT ON @extschema@.sms_bookings_source TO coach_sms_owner;
  ALTER TYPE @extschema@.sms_booking OWNER TO coach_sms_owner;
  REVOKE ALL ON TYPE @extschema@.sms_booking FROM PUBLIC;
  -- A role has what its kinds have now, which may be more than before.
  PERFORM @extschema@.sms_set_kinds(g.role, @extschema@.sms_kinds_of(g.role))
     FROM @extschema@.sms_grantees() g (role) WHERE @extschema@.sms_kinds_of(g.role) <> '{}';
END
$$;
REVOKE ALL ON FUNCTION sms_take_ownership() FROM PUBLIC;
COMMENT ON FUNCTION sms_take_ownership() IS
'Internal: gives what is new of the extension to coach_sms_owner, takes it from everybody else, and gives each role anew what its kinds have.';
-- Made by `make upgrade-script`: end.

SELECT sms_take_ownership();
SELECT sms_poke_launcher();
