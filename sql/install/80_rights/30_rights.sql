-- Ownership. A new object belongs to the superuser who runs the script. So the install script and each
-- upgrade script end with a call of sms_take_ownership().

-- Gives new objects of the extension to coach_sms_owner, and revokes all rights to them from everybody
-- else. Then grants each role the rights of its kinds again.
CREATE FUNCTION coach_sms_internal.sms_take_ownership() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own record;
BEGIN
  FOR own IN
    SELECT p.oid::regprocedure AS function
      FROM coach_sms_internal.sms_own_functions(NULL) f JOIN pg_proc p ON p.oid = f
     WHERE p.proowner <> 'coach_sms_owner'::regrole
  LOOP
    EXECUTE format('ALTER FUNCTION %s OWNER TO coach_sms_owner', own.function);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', own.function);
    -- Default privileges, such as Supabase's, gave rights to it when it was made.
    PERFORM coach_sms_internal.sms_revoke_from_all('FUNCTION', own.function::text,
      (SELECT p.proacl FROM pg_proc p WHERE p.oid = own.function));
  END LOOP;
  FOR own IN
    SELECT c.oid::regclass AS relation, c.relkind
      FROM coach_sms_internal.sms_own_relations('{r,v}') r JOIN pg_class c ON c.oid = r
     WHERE c.relowner <> 'coach_sms_owner'::regrole
  LOOP
    -- sms_bookings_source names the tables that are read with their owner's rights.
    -- coach_sms_owner must not be able to change it.
    IF own.relation <> '@extschema@.sms_bookings_source'::regclass THEN
      EXECUTE format('ALTER TABLE %s OWNER TO coach_sms_owner', own.relation);
    END IF;
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', own.relation);
    PERFORM coach_sms_internal.sms_revoke_from_all('TABLE', own.relation::text,
      (SELECT c.relacl FROM pg_class c WHERE c.oid = own.relation));
    -- The extension makes no policy: older minor releases of pg_dump dump policies of its tables, which a
    -- restore would then make twice. The grants make them, and until then only the owner sees a row.
    -- sms_bookings_source needs none: it holds no org's data.
    IF own.relkind = 'r' AND own.relation <> '@extschema@.sms_bookings_source'::regclass THEN
      EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', own.relation);
    END IF;
  END LOOP;
  GRANT SELECT ON @extschema@.sms_bookings_source TO coach_sms_owner;
  ALTER TYPE coach_sms_internal.sms_booking OWNER TO coach_sms_owner;
  REVOKE ALL ON TYPE coach_sms_internal.sms_booking FROM PUBLIC;
  REVOKE ALL ON SCHEMA coach_sms_internal FROM PUBLIC;
  PERFORM coach_sms_internal.sms_revoke_from_all('SCHEMA', 'coach_sms_internal',
    (SELECT n.nspacl FROM pg_namespace n WHERE n.nspname = 'coach_sms_internal'));
  GRANT USAGE ON SCHEMA coach_sms_internal TO coach_sms_owner;
  -- Kinds may have more rights in this version than before.
  PERFORM coach_sms_internal.sms_set_kinds(g.role, coach_sms_internal.sms_kinds_of(g.role))
     FROM coach_sms_internal.sms_grantees() g (role) WHERE coach_sms_internal.sms_kinds_of(g.role) <> '{}';
END
$$;

SELECT coach_sms_internal.sms_take_ownership();
