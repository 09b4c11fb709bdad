-- Who owns what: everything is coach_sms_owner's, and nothing is anybody else's.
BEGIN;
SELECT plan(18);

CREATE TEMPORARY VIEW own AS
  SELECT classid, objid FROM pg_depend
   WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'coach_sms');
CREATE TEMPORARY VIEW own_functions AS SELECT p.* FROM pg_proc p JOIN own ON classid = 'pg_proc'::regclass AND objid = p.oid;
CREATE TEMPORARY VIEW own_relations AS SELECT c.* FROM pg_class c JOIN own ON classid = 'pg_class'::regclass AND objid = c.oid;
-- From PostgreSQL 17 on row types and array types are members too. They follow their table or element type.
CREATE TEMPORARY VIEW own_types AS
  SELECT t.* FROM pg_type t JOIN own ON classid = 'pg_type'::regclass AND objid = t.oid
   WHERE typcategory <> 'A' AND NOT EXISTS (SELECT FROM pg_class c WHERE c.reltype = t.oid AND c.relkind <> 'c');
-- What they give to whom, with the defaults that a NULL stands for; the owner's own is left out.
CREATE TEMPORARY VIEW grants AS
  SELECT proname AS name, grantee, privilege_type FROM own_functions, aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee <> proowner
  UNION ALL
  SELECT relname, grantee, privilege_type FROM own_relations, aclexplode(coalesce(relacl, acldefault('r', relowner))) WHERE grantee <> relowner
  UNION ALL
  SELECT typname, grantee, privilege_type FROM own_types, aclexplode(coalesce(typacl, acldefault('T', typowner))) WHERE grantee <> typowner
  UNION ALL
  SELECT relname || '.' || attname, grantee, privilege_type FROM own_relations JOIN pg_attribute ON attrelid = own_relations.oid, aclexplode(attacl)
  UNION ALL
  SELECT nspname, grantee, privilege_type FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'coach_sms_internal' AND grantee NOT IN (nspowner, to_regrole('coach_sms_owner'));

SELECT cmp_ok((SELECT count(*) FROM own_functions), '>', 50::bigint, 'there are functions to look at');
SELECT cmp_ok((SELECT count(*) FROM own_relations), '>', 10::bigint, 'there are relations to look at');
SELECT is_empty($$SELECT oid::regprocedure, proowner::regrole FROM own_functions WHERE proowner <> 'coach_sms_owner'::regrole$$,
  'every function is coach_sms_owner''s');
SELECT is_empty($$SELECT oid::regclass, relowner::regrole FROM own_relations
                   WHERE relowner <> 'coach_sms_owner'::regrole AND relname <> 'sms_bookings_source'$$,
  'every table and view is coach_sms_owner''s');
SELECT cmp_ok((SELECT count(*) FROM own_types), '>', 0::bigint, 'there are types to look at');
SELECT is_empty($$SELECT oid::regtype, typowner::regrole FROM own_types WHERE typowner <> 'coach_sms_owner'::regrole$$,
  'every type is coach_sms_owner''s');
SELECT is((SELECT rolsuper FROM own_relations JOIN pg_roles r ON r.oid = relowner WHERE relname = 'sms_bookings_source'), true,
  'but for the one that says whose tables are read');
SELECT is_empty($$SELECT name, privilege_type FROM grants WHERE grantee = 0$$, 'PUBLIC may nothing');
SELECT is_empty($$SELECT name, grantee::regrole, privilege_type FROM grants
                   WHERE grantee <> 0 AND (name, grantee, privilege_type) <> ('sms_bookings_source', 'coach_sms_owner'::regrole, 'SELECT')$$, 'nor may any role, before sms_grant_service');
SELECT is_empty($$SELECT oid::regprocedure, proconfig FROM own_functions
                   WHERE prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)$$,
  'whatever acts as coach_sms_owner has a pinned search_path');
SELECT is_empty($$SELECT p.oid::regprocedure FROM own_functions p JOIN pg_language l ON l.oid = prolang
                   WHERE lanname IN ('sql', 'plpgsql') AND prosqlbody IS NULL AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)$$,
  'and so has every other function whose body is looked up when it is called');
SELECT is_empty($$SELECT viewname FROM pg_views JOIN own_relations ON relname = viewname WHERE viewowner <> 'coach_sms_owner'$$,
  'views read as coach_sms_owner');

SELECT is((SELECT (rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls)::text FROM pg_roles WHERE rolname = 'coach_sms_owner'),
  '(f,f,f,f,f,f,f)', 'coach_sms_owner may nothing beyond its own');
SELECT is((SELECT count(*) FROM pg_auth_members WHERE 'coach_sms_owner'::regrole IN (roleid, member)), 0::bigint, 'nobody is coach_sms_owner');
SELECT is_empty($$SELECT d.classid::regclass, d.objid FROM pg_shdepend d
                   WHERE d.refobjid = 'coach_sms_owner'::regrole AND d.deptype = 'o' AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                     AND NOT EXISTS (SELECT FROM own WHERE (own.classid, own.objid) = (d.classid, d.objid))$$,
  'coach_sms_owner owns nothing else here');

-- The table that stays its creator's brings a row type and an array type, members of the extension from PostgreSQL 17 on.
DO $$
BEGIN
  IF current_setting('server_version_num')::int < 170000 THEN
    ALTER EXTENSION coach_sms ADD TYPE sms_bookings_source;
    ALTER EXTENSION coach_sms ADD TYPE sms_bookings_source[];
  END IF;
END
$$;
SELECT is((SELECT problem FROM coach_sms_internal.sms_check_rights() WHERE check_name = 'ownership'), NULL, 'sms_doctor reports no row type and no array type');
ALTER TYPE coach_sms_internal.sms_booking OWNER TO CURRENT_USER;
SELECT matches((SELECT problem FROM coach_sms_internal.sms_check_rights() WHERE check_name = 'ownership'), 'sms_booking$', 'and reports a type of another owner');

-- The application's backend gets what it needs and no way around it.
CREATE ROLE pgtap_backend;
SELECT sms_grant_service('pgtap_backend') \gset
SELECT is_empty($$SELECT name, privilege_type FROM grants
                   WHERE grantee = 'pgtap_backend'::regrole
                     AND (name IN ('sms_queue', 'sms_in_flight', 'sms_holds', 'sms_lane_stat', 'sms_server', 'sms_opt_outs', 'sms_bookings_source')
                       OR (name = 'sms_booking_texts' AND privilege_type <> 'SELECT')
                       OR (name IN ('sms_attempts', 'sms_events') AND privilege_type <> 'SELECT')
                       OR (name = 'sms_messages' AND privilege_type <> 'SELECT')
                       OR privilege_type IN ('TRUNCATE', 'TRIGGER', 'REFERENCES')
                       OR name IN ('sms_go_live', 'sms_go_sandbox', 'sms_arm', 'sms_create_key', 'sms_grant_service', 'sms_revoke_service',
                         'sms_rebuild_queue', 'sms_enqueue_waiting', 'sms_cancel_waiting', 'sms_note_due', 'sms_poke_launcher', 'sms_detach_worker'))$$,
  'sms_grant_service gives no write on what coach_sms keeps, and no function that arms or grants');

SELECT * FROM finish();
ROLLBACK;
