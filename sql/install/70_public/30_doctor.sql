-- sms_doctor(): checks of the server, its orgs and its roles. Each function of checks returns a row for each of them: a problem
-- or NULL, and the level that the problem has. An error keeps messages from going out or breaks a rule of rights; a warning
-- is for somebody to put right; a note is for information, such as settings that the sandbox does without.

-- Whether coach_sms.key_file holds a key.
CREATE FUNCTION coach_sms_internal.sms_check_key_file(OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_key_file' LANGUAGE C VOLATILE;

-- The file <key_file>.live.<database oid> of 0.1.0 where it is not this database's; NULL where there is
-- none.
CREATE FUNCTION coach_sms_internal.sms_foreign_live_file() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_foreign_live_file' LANGUAGE C VOLATILE;

-- Whether an org's sealed token opens; NULL: whether the server has a token.
CREATE FUNCTION coach_sms_internal.sms_check_token(org_id uuid, sealed text, OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_token' LANGUAGE C VOLATILE;

-- File and line that set it, where the caller is a superuser.
CREATE FUNCTION coach_sms_internal.sms_setting_place(setting text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_setting_place' LANGUAGE C VOLATILE STRICT;

-- The oldest transaction here that keeps dead rows, among those that the caller may see.
CREATE FUNCTION coach_sms_internal.sms_oldest_snapshot(OUT holder text, OUT since timestamptz)
  AS 'MODULE_PATHNAME', 'coach_sms_oldest_snapshot' LANGUAGE C VOLATILE;

-- The first five, and how many more.
CREATE FUNCTION coach_sms_internal.sms_list_orgs(org_ids uuid[]) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_to_string(org_ids[1:5], ', ')
         || CASE WHEN cardinality(org_ids) > 5 THEN format(' and %s more', cardinality(org_ids) - 5) ELSE '' END
$$;

-- sms_doctor's checks of library, launcher and sender.
CREATE FUNCTION coach_sms_internal.sms_check_processes() RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH fact AS MATERIALIZED (
    SELECT coach_sms_internal.sms_is_preloaded() AS preloaded, CASE WHEN pg_is_in_recovery() THEN 'note' ELSE 'error' END AS level,
           coach_sms_internal.sms_launcher_pid() AS launcher, @extschema@.sms_library_version() AS library, x.extversion AS extension,
           coalesce(current_setting('coach_sms.databases', true), '') AS databases,
           (SELECT count(*) FROM coach_sms_internal.sms_in_flight f WHERE f.state <> 'unknown' AND f.lease_until < now() - interval '30 seconds') AS unrecorded, w.*
      FROM pg_extension x LEFT JOIN @extschema@.sms_worker_stat w ON true WHERE x.extname = 'coach_sms')
  SELECT 'preloaded', 'error', CASE WHEN NOT preloaded THEN 'coach_sms is not in shared_preload_libraries: messages wait' END,
         format('Add coach_sms to shared_preload_libraries (%s) and restart the server; a reload is not enough.',
                CASE WHEN NOT preloaded  -- for it reads the files, and checks all settings
                     THEN coalesce(coach_sms_internal.sms_setting_place('shared_preload_libraries'), 'in postgresql.conf, or by ALTER SYSTEM') END) FROM fact
  UNION ALL
  SELECT 'launcher', level, CASE WHEN launcher IS NULL THEN 'the launcher is not running' END,
         CASE WHEN preloaded THEN 'It starts again within seconds; if not, the server''s log says why (raise max_worker_processes, or look for coach_sms there).'
              ELSE 'See preloaded.' END FROM fact
  UNION ALL
  SELECT 'sender', level,
         CASE WHEN pid IS NULL THEN concat_ws(': ', 'no sender runs for this database', state, last_error)
              WHEN next_wake_at < clock_timestamp() - interval '30 seconds' THEN format('the sender (process %s) is frozen since %s', pid, next_wake_at)
              WHEN unrecorded > 0 THEN concat_ws(': ', format('results of requests cannot be recorded: %s', unrecorded), last_error)
              WHEN state = 'step failed' THEN concat_ws(': ', 'the sender fails again and again', last_error) END,
         CASE WHEN NOT preloaded THEN 'See preloaded.'
              WHEN state = 'held' THEN format('It starts by itself after %s: sms_detach_worker() or DROP DATABASE asked for it.', held_until)
              WHEN pid IS NULL THEN format('coach_sms.databases (now ''%s'') must name this database or be ''*''; else the server''s log says why.', databases)
              WHEN state = 'step failed' AND unrecorded = 0 THEN 'It tries again by itself; put right what the error names. The server''s log has the details.'
              WHEN unrecorded > 0 THEN 'They are kept, and recorded as soon as nobody holds a lock on sms_messages or rows of it: see pg_locks.'
              ELSE format('Resume the process, or end it with SELECT pg_terminate_backend(%s): another one starts.', pid) END FROM fact
  UNION ALL
  SELECT 'version', 'error', CASE WHEN library <> extension THEN format('the library is version %s, the extension %s', library, extension) END,
         'Run ALTER EXTENSION coach_sms UPDATE; where the library is the older one, restart the server first.' FROM fact
  UNION ALL
  SELECT 'worker_slots', 'error', CASE WHEN pid IS NULL AND last_error LIKE '%background worker slots%' THEN last_error END,
         format('Raise max_worker_processes (now %s; one for the launcher and one for each database that sends) and restart the server.',
                current_setting('max_worker_processes')) FROM fact
$$;

-- sms_doctor's checks of what live sending needs of the server.
CREATE FUNCTION coach_sms_internal.sms_check_arming() RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH fact AS MATERIALIZED (SELECT m.mode, m.reason FROM @extschema@.sms_mode() m)
  SELECT 'mode', 'error', CASE WHEN mode = 'not armed' THEN format('this server is not armed for this database, and sends nothing: %s', reason) END,
         'Where this database shall send, call sms_go_live(); for trials sms_go_sandbox(). A copy of a live database stays as it is.' FROM fact
  UNION ALL
  SELECT 'key_file',
         CASE WHEN mode <> 'sandbox' OR EXISTS (SELECT FROM @extschema@.sms_settings WHERE twilio_auth_token_encrypted IS NOT NULL)
              THEN 'error' ELSE 'note' END,
         k.problem, k.what_to_do FROM fact, coach_sms_internal.sms_check_key_file() k
  UNION ALL
  SELECT 'trust', CASE WHEN mode <> 'sandbox' THEN 'error' ELSE 'note' END, t.problem, t.what_to_do
    FROM fact, coach_sms_internal.sms_check_trust() t
  UNION ALL
  SELECT 'live_file', 'note', format('file "%s" has the name that coach_sms 0.1.0 gave, and is not this database''s', f),
         'Leave it where another server still runs 0.1.0 with this key file; else remove it.'
    FROM coach_sms_internal.sms_foreign_live_file() f WHERE f IS NOT NULL
  UNION ALL
  SELECT 'public_url', CASE WHEN mode <> 'sandbox' THEN 'warning' ELSE 'note' END,
         CASE WHEN current_setting('coach_sms.public_url', true) = '' THEN 'coach_sms.public_url is not set: receipts and people''s texts (STOP) do not reach us'
           || CASE WHEN current_setting('coach_sms.fetch_delay', true) = '0' THEN ', and coach_sms.fetch_delay is 0: sent is the end' ELSE '; Twilio is asked about each message instead' END END,
         'Set it to the URL by which Twilio reaches the webhook, and reload the configuration.' FROM fact
$$;

-- sms_doctor's checks of accounts, senders and tokens.
CREATE FUNCTION coach_sms_internal.sms_check_orgs() RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH server AS MATERIALIZED (
    SELECT CASE WHEN m.mode <> 'sandbox' THEN 'error' ELSE 'note' END AS level, coach_sms_internal.sms_server_account() AS account,
           nullif(current_setting('coach_sms.twilio_messaging_service_sid', true), '') AS service,
           coalesce(current_setting('coach_sms.twilio_phone_number', true), '') <> ''
             OR coalesce(current_setting('coach_sms.twilio_messaging_service_sid', true), '') <> '' AS has_sender
      FROM @extschema@.sms_mode() m),
  org AS MATERIALIZED (
    SELECT s.org_id, nullif(s.twilio_account_sid, '') AS account, nullif(s.twilio_messaging_service_sid, '') AS service,
           nullif(s.twilio_phone_number, '') AS number, t.own, t.sealed, coach_sms_internal.sms_is_zone(s.timezone) AS has_zone
      FROM @extschema@.sms_settings s
      CROSS JOIN LATERAL (SELECT s.twilio_account_sid <> '' AND s.twilio_auth_token_encrypted IS NOT NULL AS own,
                                 s.twilio_auth_token_encrypted AS sealed) t
     WHERE s.enabled),
  token AS MATERIALIZED (
    SELECT o.org_id, c.problem, c.what_to_do FROM org o CROSS JOIN LATERAL coach_sms_internal.sms_check_token(o.org_id, o.sealed) c WHERE o.own
    UNION ALL
    SELECT NULL, c.problem, c.what_to_do FROM coach_sms_internal.sms_check_token(NULL, NULL) c
     WHERE EXISTS (SELECT FROM org o WHERE o.own IS NOT TRUE)),
  without AS (
    SELECT array_agg(o.org_id ORDER BY o.org_id) FILTER (WHERE coalesce(o.account, v.account) IS NULL) AS account,
           array_agg(o.org_id ORDER BY o.org_id) FILTER (WHERE coalesce(o.service, o.number) IS NULL AND NOT v.has_sender) AS sender,
           array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE NOT coach_sms_internal.sms_is_sid(o.account, 'AC') OR NOT coach_sms_internal.sms_is_sid(o.service, 'MG')) AS sids,
           array_agg(o.org_id ORDER BY o.org_id) FILTER (WHERE o.own IS NOT TRUE AND o.account <> coalesce(v.account, '')) AS own_token,
           array_agg(o.org_id ORDER BY o.org_id) FILTER (WHERE NOT o.has_zone) AS zone
      FROM org o CROSS JOIN server v)
  SELECT 'accounts', v.level, 'enabled orgs without a Twilio account: ' || coach_sms_internal.sms_list_orgs(w.account),
         'Fill sms_settings.twilio_account_sid and twilio_auth_token_encrypted, or set coach_sms.twilio_account_sid for all.' FROM server v, without w
  UNION ALL
  SELECT 'senders', v.level, 'enabled orgs without a sender: ' || coach_sms_internal.sms_list_orgs(w.sender),
         'Fill sms_settings.twilio_phone_number or twilio_messaging_service_sid, or set coach_sms.twilio_phone_number for all.' FROM server v, without w
  UNION ALL
  SELECT 'sids', v.level, 'orgs with a malformed SID: ' || coach_sms_internal.sms_list_orgs(w.sids),
         'twilio_account_sid is AC and 32 hex digits, twilio_messaging_service_sid MG and 32 hex digits; the orgs'' messages wait until they are corrected.' FROM server v, without w
  UNION ALL
  SELECT 'zones', 'warning', 'orgs whose time zone this server does not know: ' || coach_sms_internal.sms_list_orgs(w.zone),
         'Set sms_settings.timezone to a name in pg_timezone_names, or install the time zones that are missing (on Debian tzdata-legacy); they count as UTC meanwhile.' FROM without w
  UNION ALL
  SELECT 'budgets', 'warning', 'orgs whose monthly_budget_segments is used up, and whose messages wait: '
           || coach_sms_internal.sms_list_orgs((SELECT array_agg(h.org_id ORDER BY h.org_id) FROM coach_sms_internal.sms_holds h
                                      WHERE h.rule = 'monthly_budget_segments' AND h.until > now())),
         'Cancel what should not go, or raise the budget; else it goes when the next month begins, if it fits the budget at all.'
  UNION ALL
  SELECT 'held', 'error', (SELECT string_agg(h.why || ': ' || coach_sms_internal.sms_list_orgs(h.orgs), '; ' ORDER BY h.why)
                             FROM (SELECT why, array_agg(org_id ORDER BY org_id) AS orgs FROM coach_sms_internal.sms_holds
                                    WHERE is_trouble AND until > now() AND org_id IS NOT NULL GROUP BY why) h),
         'Messages of these orgs wait, and use up no attempt. They go once what is named is put right.'
  UNION ALL
  SELECT 'server_account', v.level, CASE WHEN NOT coach_sms_internal.sms_is_sid(v.account, 'AC') THEN 'coach_sms.twilio_account_sid (or TWILIO_ACCOUNT_SID) is malformed' END,
         'It is AC and 32 hex digits; messages of orgs without an account of their own wait until it is corrected.' FROM server v
  UNION ALL
  SELECT 'server_service', v.level,
         CASE WHEN NOT coach_sms_internal.sms_is_sid(v.service, 'MG') THEN 'coach_sms.twilio_messaging_service_sid is malformed' END,
         'It is MG and 32 hex digits; messages of orgs without a sender of their own wait until it is corrected.' FROM server v
  UNION ALL
  SELECT 'own_tokens', v.level, 'orgs with an account of their own, but no token: ' || coach_sms_internal.sms_list_orgs(w.own_token),
         'Write the account''s auth token into sms_settings.twilio_auth_token_encrypted: the server''s token does not fit another account.' FROM server v, without w
  UNION ALL
  SELECT 'tokens', v.level, (SELECT string_agg(concat_ws(': ', t.org_id::text, t.problem), '; ')
                                 FROM (SELECT * FROM token WHERE problem IS NOT NULL ORDER BY token.org_id LIMIT 5) t),
         (SELECT min(t.what_to_do) FROM token t WHERE t.problem IS NOT NULL) FROM server v
$$;

-- sms_doctor's checks of the queue.
CREATE FUNCTION coach_sms_internal.sms_check_queue() RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH server AS MATERIALIZED (SELECT m.mode, coach_sms_internal.sms_is_subscriber() AS is_subscriber,
           EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srrelid = '@extschema@.sms_messages'::regclass) AS brings_messages FROM @extschema@.sms_mode() m),
  found AS MATERIALIZED (
    SELECT (SELECT count(*) FROM @extschema@.sms_messages m, server v
             WHERE m.status IN ('pending', 'queued') AND m.sandbox = (v.mode = 'sandbox') AND v.mode <> 'not armed' AND NOT v.is_subscriber
               AND NOT EXISTS (SELECT FROM coach_sms_internal.sms_queue q WHERE q.message_id = m.id)) AS unqueued,
           (SELECT count(*) FROM @extschema@.sms_messages m, server v
             WHERE m.status IN ('pending', 'queued') AND NOT m.sandbox AND v.mode <> 'live' AND NOT v.is_subscriber) AS kept,
           (SELECT count(*) FROM coach_sms_internal.sms_queue q
             WHERE NOT EXISTS (SELECT FROM @extschema@.sms_messages m WHERE m.id = q.message_id)) AS orphans,
           u.*, s.holder, s.since
      FROM coach_sms_internal.sms_oldest_snapshot() s
     CROSS JOIN (SELECT count(*) AS unknown, count(f.not_asked) AS not_asked, min(f.not_asked) AS why_not_asked
                   FROM coach_sms_internal.sms_in_flight f
                  WHERE f.state = 'unknown'
                    AND f.lease_until < now() - current_setting('coach_sms.reconcile_limit')::interval - interval '5 minutes') u)
  SELECT 'queue', 'error', CASE WHEN unqueued > 0 THEN format('messages that wait without a row in sms_queue: %s', unqueued) END,
         format('Call %s() again: it repairs the queue.', CASE WHEN v.mode = 'sandbox' THEN 'sms_go_sandbox' ELSE 'sms_go_live' END) FROM found, server v
  UNION ALL
  SELECT 'live_messages', 'note', CASE WHEN kept > 0 THEN format('live messages that wait for sms_go_live(): %s', kept) END,
         'Nothing of theirs is sent before sms_go_live(); cancel what should never go.' FROM found, server v
  UNION ALL
  SELECT 'subscription', CASE WHEN v.brings_messages THEN 'note' ELSE 'warning' END,
         CASE WHEN v.is_subscriber AND v.brings_messages THEN 'messages come from another server by a subscription, and that server sends them'
              WHEN v.is_subscriber THEN 'a subscription has not told which tables it brings: until it has, nothing that waits is queued anew' END,
         CASE WHEN v.brings_messages THEN 'Nothing. Where this server is to take over: DROP SUBSCRIPTION, then sms_go_live().'
              ELSE 'ALTER SUBSCRIPTION … REFRESH PUBLICATION, or DROP SUBSCRIPTION; then sms_go_live().' END FROM server v
  UNION ALL
  SELECT 'queue_orphans', 'warning', CASE WHEN orphans > 0 THEN format('rows of sms_queue without a message: %s', orphans) END,
         'They are harmless; as a superuser, delete them from coach_sms_internal.sms_queue.' FROM found
  UNION ALL
  SELECT 'unknown', 'warning',
         CASE WHEN unknown > 0 THEN format('messages of which it is still unknown whether Twilio took them: %s', unknown) END
           || CASE WHEN not_asked > 0 THEN format('; Twilio''s list was not asked for %s of them: %s', not_asked, why_not_asked) ELSE '' END,
         CASE WHEN not_asked > 0 THEN 'Give their account its token again, or repair the connection: each is then searched for, or sent again, once.'
              ELSE 'Twilio''s list of messages settles nothing: sms_why() says more about each of them.' END FROM found
  UNION ALL
  SELECT 'snapshot', 'warning', CASE WHEN since < now() - interval '1 hour' THEN format('%s has been open since %s and keeps dead rows of the queue', holder, since) END,
         'End it (pg_terminate_backend, or ROLLBACK PREPARED): claims slow down while it lasts.' FROM found
$$;

-- sms_doctor's checks of messages that wait for something that may never come.
-- What waits for something that may never come, and what ended for it.
CREATE FUNCTION coach_sms_internal.sms_check_waiting() RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH orphan AS MATERIALIZED (
    SELECT sum(o.messages) AS messages, array_agg(o.org_id ORDER BY o.org_id) AS orgs
      FROM (SELECT q.org_id, count(*) AS messages FROM coach_sms_internal.sms_queue q
             WHERE NOT EXISTS (SELECT FROM @extschema@.sms_settings s WHERE s.org_id = q.org_id) GROUP BY q.org_id) o),
  overdue AS MATERIALIZED (
    SELECT coach_sms_internal.sms_count_overdue() AS ended,
           (SELECT count(*) FROM coach_sms_internal.sms_queue q JOIN @extschema@.sms_messages m ON m.id = q.message_id
             WHERE coach_sms_internal.sms_ends_at(m.scheduled_for, NULL) BETWEEN now() AND least(m.expires_at, now() + interval '1 day')) AS ends_soon)
  SELECT 'settings', 'error',
         CASE WHEN o.messages > 0
              THEN format('messages of orgs without a row in sms_settings: %s, of %s', o.messages, coach_sms_internal.sms_list_orgs(o.orgs)) END,
         'Insert the settings of these orgs again, or cancel their messages; else coach_sms.max_wait ends them.' FROM orphan o
  UNION ALL
  SELECT 'max_wait', 'warning',
         nullif(concat_ws('; ',
           CASE WHEN ended > 0 THEN format('messages that waited longer than coach_sms.max_wait (%s) and are not sent: %s',
                                           current_setting('coach_sms.max_wait'), ended) END,
           CASE WHEN ends_soon > 0 THEN format('messages that coach_sms.max_wait (%s) ends within a day: %s',
                                               current_setting('coach_sms.max_wait'), ends_soon) END), ''),
         'sms_queue_stat.held_by and sms_why() say what holds those that wait; sms_retry() sends one that has ended after all.'
    FROM overdue
$$;

-- sms_doctor's checks of who owns what.
CREATE FUNCTION coach_sms_internal.sms_check_rights() RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
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
    SELECT a.grantee FROM coach_sms_internal.sms_own_functions(NULL) f JOIN pg_proc p ON p.oid = f
     CROSS JOIN aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
     WHERE a.grantee <> p.proowner
       AND f NOT IN (SELECT k FROM coach_sms_internal.sms_functions_of_kinds('{tenant,service,operator,monitor}') k)
    UNION
    SELECT a.grantee FROM coach_sms_internal.sms_own_relations('{r,v}') r JOIN pg_class c ON c.oid = r CROSS JOIN aclexplode(c.relacl) a
     WHERE a.grantee <> c.relowner AND a.privilege_type IN ('TRUNCATE', 'TRIGGER'))
  SELECT 'owner_role', 'error',
         CASE WHEN o.rolsuper OR o.rolcanlogin OR o.rolcreaterole OR o.rolcreatedb OR o.rolbypassrls OR o.rolreplication
                THEN 'role coach_sms_owner may do more than it needs'
              WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = o.oid) THEN 'role coach_sms_owner has members: they can read every token and write every status'
              WHEN EXISTS (SELECT FROM pg_auth_members m WHERE m.member = o.oid) THEN 'role coach_sms_owner is a member of other roles' END,
         'ALTER ROLE coach_sms_owner NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION, and revoke its memberships.' FROM owner o
  UNION ALL
  SELECT 'ownership', 'error',
         'objects of the extension that do not belong to coach_sms_owner: ' || (SELECT string_agg(name, ', ' ORDER BY name) FROM strange),
         'ALTER … OWNER TO coach_sms_owner for each of them.'
  UNION ALL
  SELECT 'grants', 'error',
         'roles that may do more than any grant of ours gives: '
           || (SELECT string_agg(CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE e.grantee::regrole::text END, ', ' ORDER BY e.grantee) FROM excess e),
         'GRANT ALL ON ALL … IN SCHEMA does that. SELECT sms_revoke_tenant(role), sms_revoke_service(role), '
         'sms_revoke_operator(role), sms_revoke_monitor(role) takes everything; then grant again what the '
         'role should be.'
  UNION ALL
  SELECT 'bookings_source', 'error',
         CASE WHEN NOT r.rolsuper THEN 'sms_bookings_source belongs to ' || r.rolname || ', who can thereby read other people''s tables' END,
         'ALTER TABLE sms_bookings_source OWNER TO a superuser.'
    FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE c.oid = '@extschema@.sms_bookings_source'::regclass
  UNION ALL
  SELECT 'bookings', 'error', coach_sms_internal.sms_bookings_problem(),
         'Mend the view, or give the owner of the bookings the rights it needs; after a change of names call sms_attach_bookings() again.'
$$;

-- sms_doctor's checks of who sees what.
-- A function that takes its names from whoever asks can be made to say anything by them.
CREATE FUNCTION coach_sms_internal.sms_check_tenancy() RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH found AS (
    SELECT nullif(current_setting('coach_sms.tenancy_function', true), '') AS name, nullif(current_setting('coach_sms.jwt_authenticators', true), '') AS authenticators,
           EXISTS (SELECT FROM coach_sms_internal.sms_roles() r WHERE r.kind = 'tenant') AS has_tenants)
  SELECT 'row_security', 'error',
         (SELECT 'row-level security is off for ' || string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text)
            FROM coach_sms_internal.sms_own_relations('{r}') own JOIN pg_class c ON c.oid = own
           WHERE NOT c.relrowsecurity AND c.oid <> '@extschema@.sms_bookings_source'::regclass),
         'ALTER TABLE … ENABLE ROW LEVEL SECURITY for each of them.'
  UNION ALL
  SELECT 'policies', 'error',
         (SELECT 'policies are not those of the roles that were granted: ' || string_agg(l.kind || ' on ' || l.relation, ', ' ORDER BY l.kind, l.relation)
            FROM coach_sms_internal.sms_lost_policies() l),
         'A dump carries no policies of extensions: sms_go_live() or sms_go_sandbox() makes them, and so does granting again.'
  UNION ALL
  SELECT 'tenancy', 'error',
         CASE WHEN NOT f.has_tenants THEN NULL
              WHEN f.name IS NULL AND f.authenticators IS NULL THEN 'roles were granted as tenants, and nothing says which orgs they belong to: they see none'
              WHEN f.name IS NOT NULL AND p.oid IS NULL THEN format('coach_sms.tenancy_function "%s" does not exist', f.name)
              WHEN f.name IS NOT NULL AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=%')
                THEN format('coach_sms.tenancy_function "%s" looks names up in the search_path of whoever asks, who could put tables of their own before yours', f.name) END,
         CASE WHEN p.oid IS NOT NULL THEN format('ALTER FUNCTION %s SET search_path = '''', and qualify the names in it.', p.oid::regprocedure)
              ELSE 'Set coach_sms.tenancy_function to a function as in public.is_org_member(uuid), or coach_sms.jwt_authenticators to the role that PostgREST connects as.' END
    FROM found f LEFT JOIN pg_proc p ON p.oid = to_regprocedure(f.name)
$$;

-- sms_doctor(), once its caller is coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_doctor_as_owner(
  OUT check_name text, OUT level text, OUT ok boolean, OUT problem text, OUT what_to_do text)
  RETURNS SETOF record
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.check_name, CASE WHEN c.problem IS NULL THEN 'ok' ELSE c.level END,
         c.problem IS NULL OR c.level = 'note', c.problem, CASE WHEN c.problem IS NOT NULL THEN c.what_to_do END
    FROM (SELECT 1 AS part, * FROM coach_sms_internal.sms_check_processes()
          UNION ALL SELECT 2, * FROM coach_sms_internal.sms_check_arming()
          UNION ALL SELECT 3, * FROM coach_sms_internal.sms_check_orgs()
          UNION ALL SELECT 4, * FROM coach_sms_internal.sms_check_queue()
          UNION ALL SELECT 5, * FROM coach_sms_internal.sms_check_waiting()
          UNION ALL SELECT 6, * FROM coach_sms_internal.sms_check_rights()
          UNION ALL SELECT 7, * FROM coach_sms_internal.sms_check_tenancy()) c
   ORDER BY c.part
$$;
