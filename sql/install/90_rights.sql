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
  -- Default privileges, such as Supabase's, have given rights to every object as it was made.
  PERFORM @extschema@.sms_set_kinds(r, '{}') FROM @extschema@.sms_grantees() r;
  -- No policy comes with the extension: older minor releases of pg_dump dump those of its tables, which would then be
  -- there twice. The grants make them, and until then nobody but the owner sees a row. The one table that is not the
  -- owner's needs none: nothing of any org is in it.
  FOR own IN SELECT r FROM @extschema@.sms_own_relations('{r}') r
              WHERE r OPERATOR(pg_catalog.<>) '@extschema@.sms_bookings_source'::pg_catalog.regclass LOOP
    EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', own);
  END LOOP;
  GRANT SELECT ON @extschema@.sms_bookings_source TO coach_sms_owner;
  ALTER TYPE @extschema@.sms_booking OWNER TO coach_sms_owner;
  REVOKE ALL ON TYPE @extschema@.sms_booking FROM PUBLIC;
END
$$;
