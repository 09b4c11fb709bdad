-- Every function of ours, with every argument given or NULL in every combination: an answer or an error, and the server lives.
\set SHOW_CONTEXT never
SET client_min_messages = error;
DROP EXTENSION IF EXISTS coach_sms;
CREATE EXTENSION coach_sms;
DO $$ BEGIN PERFORM sms_create_key(current_setting('coach_sms.key_file')); EXCEPTION WHEN SQLSTATE 'SM013' THEN NULL; END $$;
INSERT INTO sms_settings (org_id) VALUES ('10000000-0000-4000-8000-000000000001');
INSERT INTO sms_templates (org_id, template_key, body) VALUES ('10000000-0000-4000-8000-000000000001', 'text', 'Hi {{a}}');

CREATE FUNCTION pg_temp.sample(type regtype) RETURNS text LANGUAGE sql AS $$
  SELECT CASE type::text
    WHEN 'uuid' THEN '''10000000-0000-4000-8000-000000000001''::uuid' WHEN 'uuid[]' THEN '''{10000000-0000-4000-8000-000000000001,NULL}''::uuid[]'
    WHEN 'text' THEN '''text''::text' WHEN 'text[]' THEN '''{text,NULL}''::text[]' WHEN 'jsonb' THEN '''{"a": "b"}''::jsonb'
    WHEN 'timestamp with time zone' THEN '''infinity''::timestamptz' WHEN 'interval' THEN '''1 day''::interval' WHEN 'boolean' THEN 'true'
    WHEN 'integer' THEN '-1' WHEN 'smallint' THEN '1::int2' WHEN 'bigint' THEN '7::int8' WHEN 'numeric' THEN '1.5' WHEN 'xid' THEN '''3''::xid'
    WHEN 'regclass' THEN '''pg_class''::regclass' WHEN 'regrole' THEN '''pg_monitor''::regrole' WHEN 'name' THEN '''nowhere''::name'
    WHEN 'coach_sms_internal.sms_booking' THEN '(SELECT b FROM (SELECT NULL::coach_sms_internal.sms_booking) x (b))'
    WHEN 'coach_sms_internal.sms_booking[]' THEN '''{NULL}''::coach_sms_internal.sms_booking[]'
    ELSE 'NULL' END
$$;
-- How many calls, and which of them failed in a way that no answer of ours should.
CREATE FUNCTION pg_temp.call_all(OUT calls bigint, OUT strange text[]) LANGUAGE plpgsql AS $$
DECLARE
  f record;
BEGIN
  calls := 0;
  strange := '{}';
  FOR f IN SELECT p.oid::regproc AS name, p.pronargs AS arguments, p.proargtypes::oid[] AS types, p.prokind
             FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
            WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'coach_sms') AND p.prorettype <> 'trigger'::regtype
              AND p.proname NOT IN ('sms_detach_worker', 'sms_drop_owned') ORDER BY 1 LOOP
    FOR mask IN 0 .. (1 << least(f.arguments, 8)) - 1 LOOP
      BEGIN
        EXECUTE format('SELECT FROM %s(%s)', f.name, (
          SELECT string_agg(CASE WHEN mask >> least(i, 8) - 1 & 1 = 1 THEN pg_temp.sample(f.types[i - 1]) ELSE 'NULL::' || f.types[i - 1]::regtype END, ', ' ORDER BY i)
            FROM generate_series(1, f.arguments) i));
        RAISE SQLSTATE 'SM099';  -- nothing that it did stays
      EXCEPTION WHEN OTHERS THEN
        calls := calls + 1;
        IF SQLSTATE IN ('XX000', '42883', '42725') THEN
          strange := strange || format('%s %s: %s %s', f.name, mask, SQLSTATE, SQLERRM);
        END IF;
      END;
    END LOOP;
  END LOOP;
END
$$;
SELECT calls > 1000 AS called, strange FROM pg_temp.call_all();
SELECT count(*) AS orgs FROM sms_settings;
