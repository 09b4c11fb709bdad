-- Everything of ours belongs to coach_sms_owner, a role that cannot log in and has no members. Workers and
-- SECURITY DEFINER functions run as it, so a bug of ours never acts as a superuser.
DO $$
DECLARE
  owner pg_catalog.pg_roles;
BEGIN
  SELECT * INTO owner FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) 'coach_sms_owner';
  IF NOT FOUND THEN
    CREATE ROLE coach_sms_owner NOLOGIN NOINHERIT;
  ELSIF owner.rolsuper OR owner.rolcanlogin OR owner.rolcreaterole OR owner.rolcreatedb
     OR owner.rolbypassrls OR owner.rolreplication
     OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                 WHERE m.roleid OPERATOR(pg_catalog.=) owner.oid
                    OR m.member OPERATOR(pg_catalog.=) owner.oid) THEN
    RAISE EXCEPTION 'role coach_sms_owner has attributes or memberships that it must not have'
      USING ERRCODE = 'SM016',
            DETAIL = 'It must be NOLOGIN, without superuser, createrole, createdb, bypassrls or replication, '
                     'in no role and with no member.',
            HINT = 'Alter the role, or rename it and let CREATE EXTENSION make its own.';
  END IF;
  IF '@extschema@' OPERATOR(pg_catalog.=) 'coach_sms_internal' THEN
    RAISE EXCEPTION 'coach_sms cannot be created in schema coach_sms_internal'
      USING ERRCODE = 'SM016', DETAIL = 'The extension makes that schema for its internal objects.',
            HINT = 'Drop the schema, and name another one in CREATE EXTENSION coach_sms SCHEMA ....';
  END IF;
END
$$;
-- The schema of internal objects. CREATE SCHEMA fails where a schema of that name exists already.
CREATE SCHEMA coach_sms_internal;
GRANT USAGE ON SCHEMA @extschema@ TO coach_sms_owner;
