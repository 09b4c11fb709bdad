-- CREATE EXTENSION, what it makes, what DROP EXTENSION leaves, and the key.
\set SHOW_CONTEXT never
SET client_min_messages = error;
DROP EXTENSION IF EXISTS coach_sms;
SET client_min_messages = warning;
CREATE EXTENSION coach_sms;

SELECT extname, extrelocatable, extversion = sms_library_version() AS of_this_library,
       extversion = default_version AS newest
  FROM pg_extension JOIN pg_available_extensions ON name = extname
 WHERE extname = 'coach_sms';

SELECT relname, CASE WHEN rolsuper THEN 'a superuser' ELSE rolname END AS owner
  FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner JOIN pg_depend ON objid = pg_class.oid AND classid = 'pg_class'::regclass AND deptype = 'e'
 WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'coach_sms') AND relkind = 'r'
 ORDER BY relname;

-- The owner is a role that nobody is.
SELECT rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls
  FROM pg_roles WHERE rolname = 'coach_sms_owner';
SELECT count(*) AS memberships FROM pg_auth_members
 WHERE 'coach_sms_owner'::regrole IN (roleid, member);

-- A new database is a sandbox, and no dumped table has a row.
SELECT mode, reason FROM sms_mode();
SELECT mode, database_oid = (SELECT oid FROM pg_database WHERE datname = current_database()) AS this_database,
       changed_by = session_user AS by_me
  FROM coach_sms_internal.sms_server;
SELECT (SELECT count(*) FROM sms_settings) + (SELECT count(*) FROM sms_templates) +
       (SELECT count(*) FROM sms_messages) + (SELECT count(*) FROM sms_attempts) +
       (SELECT count(*) FROM sms_events) + (SELECT count(*) FROM sms_suppression) +
       (SELECT count(*) FROM sms_opt_outs) + (SELECT count(*) FROM sms_schedules) +
       (SELECT count(*) FROM sms_bookings_source) + (SELECT count(*) FROM sms_booking_texts) AS rows;

-- Dropped, it leaves nothing but the role; made again in the same session, it works at once.
INSERT INTO sms_settings (org_id) VALUES ('10000000-0000-4000-8000-000000000001');
SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '+61491570006', body => 'one') IS NOT NULL AS enqueued;
DROP EXTENSION coach_sms;
SELECT relname FROM pg_class WHERE relname LIKE 'sms%';
SELECT proname FROM pg_proc WHERE probin LIKE '%coach_sms%' OR proname LIKE 'sms%';
SELECT rolname FROM pg_roles WHERE rolname = 'coach_sms_owner';

CREATE EXTENSION coach_sms;
SELECT count(*) FROM sms_messages;
INSERT INTO sms_settings (org_id) VALUES ('10000000-0000-4000-8000-000000000001');
SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '+61491570006', body => 'two') IS NOT NULL AS enqueued;
DROP EXTENSION coach_sms;

-- In a schema of its own, with a name that needs quotes and another search_path.
CREATE SCHEMA "Text messages";
CREATE EXTENSION coach_sms SCHEMA "Text messages";
INSERT INTO "Text messages".sms_settings (org_id) VALUES ('10000000-0000-4000-8000-000000000001');
INSERT INTO "Text messages".sms_templates (org_id, template_key, body)
  VALUES ('10000000-0000-4000-8000-000000000001', 'hello', 'Hello {{name}}');
SELECT "Text messages".sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '0491 570 006',
         template_key => 'hello', variables => '{"name": "Ann"}') IS NOT NULL AS enqueued;
SELECT ordinal, error_code FROM "Text messages".sms_enqueue_batch('[{"org_id": "10000000-0000-4000-8000-000000000001",
         "to_phone": "+61491570006", "body": "batch"}]');
INSERT INTO "Text messages".sms_messages (org_id, to_phone, body)
  VALUES ('10000000-0000-4000-8000-000000000001', '0491 570 156', 'row');
SELECT "Text messages".sms_opt_out('10000000-0000-4000-8000-000000000001', '0491 570 156') IS NOT NULL AS opted_out;
SELECT "Text messages".is_phone_suppressed('10000000-0000-4000-8000-000000000001', '0491570156');
SELECT to_phone, body, status, error_code FROM "Text messages".sms_messages ORDER BY body;
SELECT (SELECT count(*) FROM coach_sms_internal.sms_queue) AS waiting;
SELECT "Text messages".queue_pending_sms();
SELECT mode FROM "Text messages".sms_mode();
SELECT * FROM "Text messages".sms_go_sandbox();
ALTER EXTENSION coach_sms SET SCHEMA public;
DROP EXTENSION coach_sms;
DROP SCHEMA "Text messages";

-- A role of that name that is more than nobody is refused.
CREATE ROLE regress_member;
GRANT coach_sms_owner TO regress_member;
CREATE EXTENSION coach_sms;
\echo :SQLSTATE
REVOKE coach_sms_owner FROM regress_member;
GRANT regress_member TO coach_sms_owner;
CREATE EXTENSION coach_sms;
\echo :SQLSTATE
REVOKE regress_member FROM coach_sms_owner;
DROP ROLE regress_member;
DO $$
DECLARE
  attribute text;
BEGIN
  FOREACH attribute IN ARRAY '{LOGIN,SUPERUSER,CREATEROLE,CREATEDB,REPLICATION,BYPASSRLS}'::text[] LOOP
    EXECUTE format('ALTER ROLE coach_sms_owner %s', attribute);
    BEGIN
      CREATE EXTENSION coach_sms;
      RAISE WARNING '% is taken', attribute;
    EXCEPTION WHEN SQLSTATE 'SM016' THEN
      RAISE WARNING '% is refused', attribute;
    END;
    EXECUTE format('ALTER ROLE coach_sms_owner NO%s', attribute);
  END LOOP;
END
$$;

-- Only a superuser may create it.
CREATE ROLE regress_plain;
SET ROLE regress_plain;
CREATE EXTENSION coach_sms;
RESET ROLE;
DROP ROLE regress_plain;
CREATE EXTENSION coach_sms;

-- The schema of internal objects is the extension's alone.
DROP EXTENSION coach_sms;
CREATE SCHEMA coach_sms_internal;
CREATE EXTENSION coach_sms;
CREATE EXTENSION coach_sms SCHEMA coach_sms_internal;
DROP SCHEMA coach_sms_internal;
CREATE EXTENSION coach_sms;

-- Default privileges, as Supabase has them, give nobody anything of ours; GRANT ALL does, and sms_doctor() reports it.
DROP EXTENSION coach_sms;
CREATE ROLE regress_anybody;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_anybody;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_anybody;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO regress_anybody;
CREATE EXTENSION coach_sms;
CREATE VIEW rights_of_anybody AS
  SELECT (SELECT count(*) FROM coach_sms_internal.sms_own_functions(NULL) f WHERE has_function_privilege('regress_anybody', f, 'EXECUTE')) AS functions,
         (SELECT count(*) FROM coach_sms_internal.sms_own_relations('{r,v}') r WHERE has_table_privilege('regress_anybody', r, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')) AS relations,
         has_schema_privilege('regress_anybody', 'coach_sms_internal', 'USAGE, CREATE') AS schema,
         (SELECT problem FROM sms_doctor() WHERE check_name = 'grants') AS problem;
TABLE rights_of_anybody;
GRANT TRIGGER ON sms_messages TO regress_anybody;
GRANT EXECUTE ON FUNCTION coach_sms_internal.sms_make_policies() TO PUBLIC;
SELECT problem FROM rights_of_anybody;
REVOKE TRIGGER ON sms_messages FROM regress_anybody;
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_anybody;
SELECT relations > 0 AS relations, problem FROM rights_of_anybody;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_make_policies() FROM PUBLIC;
GRANT ALL ON SCHEMA coach_sms_internal TO regress_anybody;
GRANT ALL ON ALL FUNCTIONS IN SCHEMA public, coach_sms_internal TO regress_anybody;
GRANT ALL ON ALL TABLES IN SCHEMA coach_sms_internal TO regress_anybody;
SELECT functions = (SELECT count(*) FROM coach_sms_internal.sms_own_functions(NULL)) AS every_function,
       relations = (SELECT count(*) FROM coach_sms_internal.sms_own_relations('{r,v}')) AS every_relation, schema, problem
  FROM rights_of_anybody;
SELECT sms_revoke_tenant('regress_anybody'), sms_revoke_service('regress_anybody'), sms_revoke_operator('regress_anybody'), sms_revoke_monitor('regress_anybody'), sms_revoke_gateway('regress_anybody');
TABLE rights_of_anybody;
DROP VIEW rights_of_anybody;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_anybody;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_anybody;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM regress_anybody;
REVOKE ALL ON SCHEMA public FROM regress_anybody;
DROP ROLE regress_anybody;

-- The key: its id comes back; the file has 64 hex digits and a newline.
SELECT current_setting('coach_sms.key_file') || '.install_test' AS path \gset
SELECT length(sms_create_key(:'path')) AS id_length;
SELECT size, isdir FROM pg_stat_file(:'path');
SELECT pg_read_file(:'path') ~ '^[0-9a-f]{64}\n$' AS well_formed;
