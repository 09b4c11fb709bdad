-- CREATE EXTENSION where somebody has left functions and operators that fit our arguments better than PostgreSQL's own: for
-- whatever expression of ours is kept parsed, of the same names, with the types that it could be called with.
\set SHOW_CONTEXT never
SET client_min_messages = error;
DROP EXTENSION IF EXISTS coach_sms;
CREATE EXTENSION coach_sms;
SET client_min_messages = warning;

-- Everything that is kept parsed: rules of views, checks, defaults, indexes, conditions of triggers, bodies of functions.
CREATE FUNCTION pg_temp.kept() RETURNS TABLE (what text, tree text) LANGUAGE sql AS $$
  WITH own AS (SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
                  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'coach_sms')),
  relation AS (SELECT objid FROM own WHERE classid = 'pg_class'::regclass)
  SELECT 'view', ev_action::text || ev_qual::text FROM pg_rewrite JOIN relation ON objid = ev_class
  UNION ALL SELECT 'check', conbin::text FROM pg_constraint JOIN relation ON objid = conrelid WHERE contype = 'c'
  UNION ALL SELECT 'default', adbin::text FROM pg_attrdef JOIN relation ON objid = adrelid
  UNION ALL SELECT 'index', concat(indexprs::text, indpred::text) FROM pg_index JOIN relation ON objid = indrelid
  UNION ALL SELECT 'trigger', tgqual::text FROM pg_trigger JOIN relation ON objid = tgrelid WHERE tgqual IS NOT NULL
  UNION ALL SELECT 'function', prosqlbody::text FROM pg_proc JOIN own ON objid = pg_proc.oid AND classid = 'pg_proc'::regclass
             WHERE prosqlbody IS NOT NULL
$$;
CREATE FUNCTION pg_temp.called() RETURNS TABLE (what text, function oid, operator oid) LANGUAGE sql AS $$
  SELECT what, (regexp_matches(tree, ':(?:funcid|aggfnoid|winfnoid) (\d+)', 'g'))[1]::oid, NULL::oid FROM pg_temp.kept()
  UNION SELECT what, NULL, (regexp_matches(tree, ':opno (\d+)', 'g'))[1]::oid FROM pg_temp.kept()
$$;
SELECT what, count(*) > 0 AS some_parsed, sum(CASE WHEN tree LIKE '%:opno%' OR tree LIKE '%:funcid%' THEN 1 ELSE 0 END) > 0 AS some_call
  FROM pg_temp.kept() GROUP BY what ORDER BY what;

CREATE SCHEMA hostile;
CREATE TABLE pg_temp.names AS
  SELECT DISTINCT p.proname AS function, o.oprname AS operator
    FROM pg_temp.called() c LEFT JOIN pg_proc p ON p.oid = c.function AND p.pronamespace = 'pg_catalog'::regnamespace
    LEFT JOIN pg_operator o ON o.oid = c.operator
   WHERE p.oid IS NOT NULL OR o.oid IS NOT NULL;
CREATE FUNCTION hostile.raise() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the wrong function was called'; END $$;
DO $$
DECLARE
  types text[] := '{text,integer,smallint,bigint,numeric,double precision,boolean,uuid,jsonb,bytea,date,timestamptz,interval,name}';
  made integer := 0;
  it record;
BEGIN
  FOR it IN
    SELECT n.function, n.operator, a, b FROM names n, unnest(types) a, unnest(types) b
    UNION ALL SELECT n.function, NULL, a || '[]', b FROM names n, unnest(types) a, unnest(ARRAY['integer', NULL]) b WHERE n.function IS NOT NULL
    UNION ALL SELECT n.function, NULL, a, NULL FROM names n, unnest(types) a WHERE n.function IS NOT NULL
  LOOP
    BEGIN
      IF it.function IS NOT NULL THEN
        EXECUTE format('CREATE FUNCTION hostile.%I(%s) RETURNS text LANGUAGE sql AS ''SELECT hostile.raise()::text''', it.function, concat_ws(', ', it.a, it.b));
        IF it.b IS NOT NULL AND it.a NOT LIKE '%[]' THEN
          EXECUTE format('CREATE FUNCTION hostile.%I(%s, %s, %2$s) RETURNS text LANGUAGE sql AS ''SELECT hostile.raise()::text''', it.function, it.a, it.b);
        END IF;
      ELSE
        EXECUTE format('CREATE FUNCTION hostile.operator_%s(%s, %s) RETURNS boolean LANGUAGE sql AS ''SELECT hostile.raise()''', made, it.a, it.b);
        EXECUTE format('CREATE OPERATOR hostile.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = hostile.operator_%s)', it.operator, it.a, it.b, made);
      END IF;
      made := made + 1;
    EXCEPTION WHEN others THEN
      RAISE WARNING 'not made: % %(%, %): %', it.function, it.operator, it.a, it.b, SQLERRM;
    END;
  END LOOP;
END
$$;
SELECT count(*) > 1000 AS many_functions FROM pg_proc WHERE pronamespace = 'hostile'::regnamespace;
SELECT count(*) > 1000 AS many_operators FROM pg_operator WHERE oprnamespace = 'hostile'::regnamespace;
-- They would be taken.
SET search_path = hostile;
SELECT format('%s', 1::bigint) AS format;
SELECT 1::numeric / 2::bigint AS division;
RESET search_path;

SET client_min_messages = error;
DROP EXTENSION coach_sms;
SET client_min_messages = warning;
CREATE EXTENSION coach_sms SCHEMA hostile;
SELECT DISTINCT what, coalesce(p.oid::regprocedure::text, o.oid::regoperator::text) AS calls
  FROM pg_temp.called() c LEFT JOIN pg_proc p ON p.oid = c.function LEFT JOIN pg_operator o ON o.oid = c.operator
 WHERE coalesce(p.pronamespace, o.oprnamespace) = 'hostile'::regnamespace
   AND coalesce(p.oid, o.oid) NOT IN (SELECT objid FROM pg_depend WHERE deptype = 'e')
 ORDER BY 1, 2;

-- And at work.
SET search_path = hostile;
INSERT INTO sms_settings (org_id) VALUES ('10000000-0000-4000-8000-000000000001');
INSERT INTO sms_templates (org_id, template_key, body) VALUES ('10000000-0000-4000-8000-000000000001', 'hello', 'Hello {{name}}');
RESET search_path;
SELECT hostile.sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '0491 570 006', template_key => 'hello',
         variables => '{"name": "Ann"}') IS NOT NULL AS enqueued;
SELECT mode, waiting, due FROM hostile.sms_health;
SELECT waiting, due FROM hostile.sms_queue_stat;
SELECT total, waiting FROM hostile.sms_delivery_stats;
SELECT messages FROM hostile.sms_cost;
SELECT check_name FROM hostile.sms_doctor() WHERE check_name IN ('queue', 'ownership', 'grants', 'policies') AND ok ORDER BY 1;
SET client_min_messages = error;
DROP EXTENSION coach_sms;
DO $$
DECLARE
  it record;
  dropped integer := 0;
BEGIN
  FOR it IN SELECT oid::regprocedure AS function FROM pg_proc WHERE pronamespace = 'hostile'::regnamespace LOOP
    EXECUTE format('DROP FUNCTION %s CASCADE', it.function);
    dropped := dropped + 1;
    IF dropped % 500 = 0 THEN COMMIT; END IF;  -- all at once are more than the server's lock table holds
  END LOOP;
END
$$;
DROP SCHEMA hostile;
