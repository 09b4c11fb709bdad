-- The objects of this extension.

-- Returns the functions of this extension with these names; NULL: all.
CREATE FUNCTION coach_sms_internal.sms_own_functions(names text[]) RETURNS SETOF regprocedure
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.oid::regprocedure
    FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
   WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
     AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'coach_sms')
     AND (names IS NULL OR p.proname = ANY (names))
   ORDER BY 1
$$;

-- Returns the relations of this extension of these kinds: r tables, v views.
CREATE FUNCTION coach_sms_internal.sms_own_relations(kinds "char"[]) RETURNS SETOF regclass
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.oid::regclass
    FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
   WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid = 'pg_class'::regclass
     AND d.refobjid = (SELECT e.oid FROM pg_extension e WHERE e.extname = 'coach_sms')
     AND c.relkind = ANY (kinds)
   ORDER BY 1
$$;

-- Revokes all rights to an object from every role in its ACL but its owner. kind is the
-- word of REVOKE, such as TABLE.
CREATE FUNCTION coach_sms_internal.sms_revoke_from_all(kind text, object text, rights aclitem[]) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  role regrole;
BEGIN
  FOR role IN
    SELECT DISTINCT a.grantee::regrole FROM aclexplode(rights) a WHERE a.grantee NOT IN (a.grantor, 0)
  LOOP
    EXECUTE format('REVOKE ALL ON %s %s FROM %s', kind, object, role);
  END LOOP;
END
$$;
