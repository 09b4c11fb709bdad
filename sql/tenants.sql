-- Who sees and does what: a member of A, of B, of both, a stranger and anon, as on Supabase; and by the claims of a token.
\i sql/include/extension.sql
\set a '''aaaaaaaa-0000-4000-8000-00000000000a'''
\set b '''bbbbbbbb-0000-4000-8000-00000000000b'''
\set nobody '''dddddddd-0000-4000-8000-00000000000d'''

CREATE ROLE regress_authenticator LOGIN NOINHERIT;
CREATE ROLE regress_anon;
CREATE ROLE regress_authenticated;
CREATE ROLE regress_service;
CREATE ROLE regress_operator;
GRANT regress_anon, regress_authenticated, regress_service TO regress_authenticator;
SELECT sms_grant_tenant('regress_authenticated'), sms_grant_service('regress_service'), sms_grant_operator('regress_operator');

-- The application's members, and the function that its own policies ask.
CREATE SCHEMA members;
CREATE TABLE members.org_members (user_id text, org_id uuid);
INSERT INTO members.org_members VALUES ('ann', :a), ('bob', :b), ('both', :a), ('both', :b);
CREATE FUNCTION members.is_org_member(org uuid) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$ SELECT EXISTS (SELECT FROM members.org_members m
                   WHERE m.org_id = org AND m.user_id = nullif(current_setting('request.jwt.claims', true), '')::jsonb->>'sub') $$;
GRANT USAGE ON SCHEMA members TO PUBLIC;
SET coach_sms.tenancy_function = 'members.is_org_member(uuid)';

-- Two orgs, each with a template, a message, an attempt, an event, a suppression and a schedule.
INSERT INTO sms_settings (org_id, twilio_account_sid, quiet_hours_start, quiet_hours_end) VALUES (:a, 'AC-of-a', 0, 0), (:b, 'AC-of-b', 0, 0);
INSERT INTO sms_templates (org_id, template_key, body) VALUES (:a, 'hello', 'Hi {{name}} of A'), (:b, 'hello', 'Hi {{name}} of B');
INSERT INTO sms_schedules (org_id, type, mins_offset, template_key) VALUES (:a, 'pre_session', 60, 'hello'), (:b, 'pre_session', 60, 'hello');
SELECT sms_enqueue(:a, to_phone => '+61491570006', body => 'text of A', idempotency_key => 'k') AS of_a \gset
SELECT sms_enqueue(:b, to_phone => '+61491570006', body => 'text of B', idempotency_key => 'k') AS of_b \gset
SELECT sms_opt_out(:a, '+61491570156') IS NOT NULL AND sms_opt_out(:b, '+61491570157') IS NOT NULL AS opted_out;
INSERT INTO sms_attempts (message_id, org_id, client_key, attempt_number, provider, status, segments)
  VALUES (:'of_a', :a, 'c', 1, 'twilio', 'success', 1), (:'of_b', :b, 'c', 1, 'twilio', 'success', 1);
INSERT INTO sms_events (message_id, org_id, provider, event_type, event_status, dedupe_key)
  VALUES (:'of_a', :a, 'twilio', 'status', 'sent', 'a'), (:'of_b', :b, 'twilio', 'status', 'sent', 'b');
INSERT INTO sms_booking_texts (booking_id, type, org_id, reason) VALUES (:a, 'confirmation', :a, 'no_phone'), (:b, 'confirmation', :b, 'no_phone');

-- What a statement does: its rows in one text, or the SQLSTATE and message of its error.
CREATE FUNCTION pg_temp.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  IF statement ~* '^(select|table|with)' THEN
    EXECUTE format('SELECT coalesce(string_agg(q::text, '' '' ORDER BY q::text), ''nothing'') FROM (%s) q', statement) INTO result;
  ELSE
    EXECUTE statement;
    GET DIAGNOSTICS result = ROW_COUNT;
    result := result || ' done';
  END IF;
  RETURN regexp_replace(result, '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', '<id>', 'g');
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', '<id>', 'g');
END
$$;
CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query; END $$;
CREATE TABLE pg_temp.readings (n serial, statement text);
INSERT INTO pg_temp.readings (statement) VALUES
  ('SELECT org_id, twilio_account_sid FROM sms_settings'), ('SELECT body FROM sms_templates'), ('SELECT org_id, type FROM sms_schedules'),
  ('SELECT body FROM sms_messages'), ('SELECT org_id, status FROM sms_attempts'), ('SELECT org_id, event_status FROM sms_events'),
  ('SELECT org_id, phone FROM sms_suppression'), ('SELECT org_id, reason FROM sms_booking_texts'),
  ('SELECT org_id, waiting FROM sms_queue_stat'), ('SELECT org_id, total FROM sms_delivery_stats'), ('SELECT org_id, messages FROM sms_cost'),
  ('SELECT mode FROM sms_health'), ('SELECT count(*) FROM sms_worker_stat'), ('SELECT twilio_auth_token_encrypted FROM sms_settings'),
  ('SELECT * FROM sms_settings'), ('SELECT * FROM coach_sms_internal.sms_queue'), ('SELECT * FROM coach_sms_internal.sms_in_flight'), ('SELECT * FROM sms_opt_outs'),
  ('SELECT * FROM coach_sms_internal.sms_server'), ('SELECT * FROM sms_bookings_source'), ('SELECT * FROM sms_usage'), ('SELECT * FROM sms_idempotency_keys'),
  ('SELECT * FROM coach_sms_internal.sms_charges');
GRANT SELECT ON pg_temp.readings TO PUBLIC;

-- Each as PostgREST makes them: a role and claims for a transaction, in a session of the authenticator's.
SET SESSION AUTHORIZATION regress_authenticator;
SET ROLE regress_authenticated;
SET request.jwt.claims = '{"sub": "ann"}';
SELECT statement, pg_temp.try(statement) AS "a member of A" FROM pg_temp.readings ORDER BY n;
SET request.jwt.claims = '{"sub": "both"}';
SELECT statement, pg_temp.try(statement) AS "a member of both" FROM pg_temp.readings WHERE n <= 11 ORDER BY n;
SET request.jwt.claims = '{"sub": "eve"}';
SELECT statement, pg_temp.try(statement) AS "a stranger" FROM pg_temp.readings WHERE n <= 11 ORDER BY n;
SET request.jwt.claims = '';
SELECT pg_temp.try('SELECT body FROM sms_messages') AS "nobody";
SET ROLE regress_anon;
SELECT count(*) AS readings, min(pg_temp.try(statement)), max(pg_temp.try(statement)) AS "anon" FROM pg_temp.readings;
SELECT bool_or(has_function_privilege(p.oid, 'EXECUTE')) AS "anon may call one"
  FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
 WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'coach_sms');

-- What a member of A does in A, and the same in B and in an org that there is not: no answer distinguishes B from that one.
RESET SESSION AUTHORIZATION;
CREATE TABLE pg_temp.doings (n serial, statement text);
INSERT INTO pg_temp.doings (statement) VALUES
  ('SELECT sms_enqueue(%1$L, to_phone => ''+61491570006'', body => ''x'')'),
  ('SELECT sms_enqueue(%1$L, to_phone => ''+61491570006'', body => ''another'', idempotency_key => ''k'')'),
  ('SELECT ordinal, error_code, error_message FROM sms_enqueue_batch(jsonb_build_array(jsonb_build_object(''org_id'', %1$L, ''to_phone'', ''+61491570006'', ''body'', ''x'')))'),
  ('SELECT (sms_preview(%1$L, ''hello'', ''{"name": "Ann"}'')).body'),
  ('SELECT is_phone_suppressed(%1$L, ''+61491570156'')'),
  ('SELECT sms_opt_out(%1$L, ''+61491570158'')'),
  ('SELECT sms_opt_in(%1$L, ''+61491570158'')'),
  ('SELECT sms_erase_person(%1$L, ''+61491570159'')'),
  ('SELECT sms_explain(%1$L)'),
  ('SELECT sms_is_my_org(%1$L)'),
  ('INSERT INTO sms_templates (org_id, template_key, body) VALUES (%1$L, ''mine'', ''Hi'')'),
  ('INSERT INTO sms_schedules (org_id, type, mins_offset, template_key) VALUES (%1$L, ''pre_session'', 30, ''hello'')'),
  ('INSERT INTO sms_settings (org_id) VALUES (%1$L)'),
  ('INSERT INTO sms_settings (org_id) VALUES (%1$L) ON CONFLICT DO NOTHING'),
  ('INSERT INTO sms_settings (org_id) VALUES (%1$L) ON CONFLICT (org_id) DO UPDATE SET enabled = true'),
  ('UPDATE sms_settings SET max_sms_per_hour = 7 WHERE org_id = %1$L'),
  ('UPDATE sms_templates SET body = ''Hi there'' WHERE org_id = %1$L AND template_key = ''mine'''),
  ('DELETE FROM sms_templates WHERE org_id = %1$L AND template_key = ''mine'''),
  ('DELETE FROM sms_schedules WHERE org_id = %1$L AND mins_offset = 30');
GRANT SELECT ON pg_temp.doings TO PUBLIC;
SET SESSION AUTHORIZATION regress_authenticator;
SET ROLE regress_authenticated;
SET request.jwt.claims = '{"sub": "ann"}';
SELECT statement, pg_temp.try(format(statement, :a)) AS "in A" FROM pg_temp.doings ORDER BY n;
SELECT statement, pg_temp.try(format(statement, :b)) AS "in B",
       replace(pg_temp.try(format(statement, :nobody)), :nobody, :b) = pg_temp.try(format(statement, :b)) AS "as nowhere"
  FROM pg_temp.doings ORDER BY n;

-- With messages: its own, B's, and one that there is not.
SELECT statement, whose, pg_temp.try(format(statement, CASE whose WHEN 'A' THEN :'of_a' WHEN 'B' THEN :'of_b' ELSE :nobody END)) AS result
  FROM (VALUES ('SELECT sms_reschedule(%L, now() + interval ''1 hour'')'), ('SELECT sms_cancel(%L)'), ('SELECT sms_retry(%L) IS NOT NULL'),
               ('SELECT count(*) > 1 FROM sms_why(%L)')) s (statement), unnest(ARRAY['A', 'B', 'nobody''s']) whose;

-- Nothing is no org, and no message, of anybody's.
SELECT statement, pg_temp.try(statement)
  FROM unnest(ARRAY['SELECT sms_enqueue(NULL)', 'SELECT sms_preview(NULL, NULL)', 'SELECT is_phone_suppressed(NULL, NULL)', 'SELECT sms_opt_out(NULL, NULL)',
    'SELECT sms_opt_in(NULL, NULL)', 'SELECT sms_erase_person(NULL, NULL)', 'SELECT sms_explain(NULL)', 'SELECT sms_is_my_org(NULL)',
    'SELECT sms_cancel(NULL)', 'SELECT sms_reschedule(NULL, NULL)', 'SELECT sms_retry(NULL)', 'SELECT sms_why(NULL)',
    'INSERT INTO sms_templates (org_id, template_key, body) VALUES (NULL, ''x'', ''x'')', 'INSERT INTO sms_settings (org_id) VALUES (NULL)']) statement;

-- What no tenant does, not even at home.
SELECT statement, pg_temp.try(statement)
  FROM unnest(ARRAY[
    'UPDATE sms_messages SET status = ''delivered''', 'DELETE FROM sms_messages', 'INSERT INTO sms_messages (org_id, to_phone, body) VALUES (NULL, ''1'', ''x'')',
    'UPDATE sms_attempts SET status = ''success''', 'INSERT INTO sms_events (org_id) VALUES (NULL)', 'DELETE FROM sms_suppression', 'INSERT INTO sms_suppression (org_id, phone) VALUES (NULL, ''1'')',
    'UPDATE sms_settings SET twilio_account_sid = ''AC''', 'UPDATE sms_settings SET twilio_auth_token_encrypted = ''x''', 'UPDATE sms_settings SET twilio_phone_number = ''+61491570158''',
    'UPDATE sms_settings SET monthly_budget_segments = NULL', 'UPDATE sms_settings SET paused_until = NULL', 'UPDATE sms_settings SET org_id = NULL', 'DELETE FROM sms_settings',
    'INSERT INTO sms_templates (id, org_id, template_key, body) VALUES (NULL, NULL, ''x'', ''x'')', 'UPDATE sms_templates SET org_id = NULL', 'TRUNCATE sms_templates',
    'SELECT sms_pause()', 'SELECT sms_go_live()', 'SELECT sms_export_opt_outs()', 'SELECT sms_every_org()', 'SELECT sms_set_twilio_credentials(NULL, NULL, NULL)',
    'SELECT sms_grant_service(''regress_authenticated'')', 'SELECT coach_sms_internal.sms_cancel_as_owner(NULL, NULL)', 'SELECT coach_sms_internal.sms_cancel_waiting(NULL, NULL, NULL)', 'SELECT coach_sms_internal.sms_may_act_for(NULL)',
    'SELECT sms_doctor()', 'SELECT sms_twilio_webhook(''u'', ''b'', ''s'')', 'SELECT coach_sms_internal.sms_read_bookings(''{}'')',
    'SET coach_sms.tenancy_function = ''''', 'SET coach_sms.jwt_authenticators = ''regress_authenticator''']) statement;

-- Copies and plans of what it sees.
COPY sms_templates (org_id, body) TO STDOUT;
SELECT bool_or(line ~ 'org_id = ''bbbb') AS has_what_was_asked, bool_or(line ~ 'org_id = ANY') AS has_what_it_may_see
  FROM pg_temp.plan('SELECT body FROM sms_messages WHERE org_id = ''bbbbbbbb-0000-4000-8000-00000000000b'' ORDER BY created_at DESC LIMIT 50') line;

-- An application's function that acts with its owner's rights acts for the orgs of its owner, not for those of its caller.
RESET SESSION AUTHORIZATION;
CREATE FUNCTION members.book(org uuid) RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$$ SELECT public.sms_enqueue(org, to_phone => '+61491570006', body => 'booked') IS NOT NULL $$;
ALTER FUNCTION members.book OWNER TO regress_service;
SET SESSION AUTHORIZATION regress_authenticator;
SET ROLE regress_authenticated;
SET request.jwt.claims = '{"sub": "eve"}';
SELECT pg_temp.try(format('SELECT members.book(%L)', :b)) AS booked, pg_temp.try(format('SELECT sms_enqueue(%L, to_phone => ''+61491570006'', body => ''x'')', :b)) AS enqueued;

-- Somebody is erased in one org: events of nobody's, and opt-outs said to senders of others, are not a member's to change.
RESET SESSION AUTHORIZATION;
UPDATE sms_settings SET twilio_phone_number = '+61491570' || CASE org_id WHEN :a THEN '110' ELSE '111' END;
INSERT INTO sms_events (provider, event_type, event_payload, dedupe_key) VALUES ('twilio', 'inbound', '{"From": "+61491570159"}', 'nobody''s');
INSERT INTO sms_opt_outs (account_sid, sender, phone, source) VALUES ('AC-of-a', '+61491570110', '+61491570159', 'STOP'), ('AC-of-b', '+61491570111', '+61491570159', 'STOP');
SET SESSION AUTHORIZATION regress_authenticator;
SET ROLE regress_authenticated;
SET request.jwt.claims = '{"sub": "ann"}';
SELECT events FROM sms_erase_person(:a, '+61491570159');
RESET SESSION AUTHORIZATION;
SELECT event_payload FROM sms_events WHERE dedupe_key = 'nobody''s';
SELECT sender, left(phone, 5) AS phone FROM sms_opt_outs ORDER BY sender;
SELECT events FROM sms_erase_person(:a, '+61491570159');
SELECT sender, left(phone, 5) AS phone FROM sms_opt_outs ORDER BY sender;
DELETE FROM sms_opt_outs;
DELETE FROM sms_events WHERE org_id IS NULL;
SET SESSION AUTHORIZATION regress_authenticator;

-- The backend and the operator.
SET ROLE regress_service;
SELECT statement, pg_temp.try(statement) AS "the backend" FROM pg_temp.readings WHERE n <= 13 ORDER BY n;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_operator;
SELECT statement, pg_temp.try(statement) AS "an operator" FROM pg_temp.readings WHERE n <= 13 ORDER BY n;
SELECT statement, pg_temp.try(statement)
  FROM unnest(ARRAY['SELECT count(*) > 1 FROM sms_doctor()', 'SELECT sms_pause()', 'SELECT sms_resume()', format('SELECT sms_pause(%L)', :a), 'SELECT sms_enqueue(NULL)',
    'SELECT sms_cancel(NULL)', 'SELECT org_id, max_sms_per_hour FROM sms_settings']) statement;

SELECT count(*) > 1 AS explained FROM sms_why(:'of_b');

-- What sms_doctor says of it.
RESET SESSION AUTHORIZATION;
SELECT problem, what_to_do FROM sms_doctor() WHERE check_name = 'tenancy';
ALTER FUNCTION members.is_org_member(uuid) RESET search_path;
SELECT problem, what_to_do FROM sms_doctor() WHERE check_name = 'tenancy';
SET coach_sms.tenancy_function = 'members.nowhere(uuid)';
SELECT problem, what_to_do FROM sms_doctor() WHERE check_name = 'tenancy';
SET coach_sms.tenancy_function = '';
SELECT problem, what_to_do FROM sms_doctor() WHERE check_name = 'tenancy';
ALTER TABLE sms_usage DISABLE ROW LEVEL SECURITY;
SELECT problem FROM sms_doctor() WHERE check_name = 'row_security';

-- The function returns orgs, or cannot be used.
CREATE FUNCTION members.my_orgs() RETURNS SETOF uuid LANGUAGE sql STABLE SET search_path = '' AS
$$ SELECT NULL UNION ALL SELECT 'aaaaaaaa-0000-4000-8000-00000000000a'::uuid WHERE current_user = 'regress_authenticated' $$;
CREATE FUNCTION members.my_org_array() RETURNS uuid[] LANGUAGE sql STABLE SET search_path = '' AS
$$ SELECT ARRAY['bbbbbbbb-0000-4000-8000-00000000000b', NULL]::uuid[] $$;
CREATE FUNCTION members.no_orgs() RETURNS uuid[] LANGUAGE sql STABLE AS $$ SELECT NULL::uuid[] $$;
CREATE FUNCTION members.wrong(text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE FUNCTION members.fails(uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'no such thing as %', $1; END $$;
CREATE FUNCTION members.says_null(uuid) RETURNS boolean LANGUAGE sql AS $$ SELECT NULL::boolean $$;
CREATE FUNCTION pg_temp.as_tenant(tenancy_function text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  PERFORM set_config('coach_sms.tenancy_function', tenancy_function, true), set_config('role', 'regress_authenticated', true);
  result := pg_temp.try(statement);
  PERFORM set_config('role', 'none', true);
  RETURN result;
END
$$;
SELECT f, pg_temp.as_tenant(f, 'SELECT body FROM sms_templates') AS templates, pg_temp.as_tenant(f, format('SELECT sms_is_my_org(%L)', :a)) AS "member of A"
  FROM unnest(ARRAY['members.my_orgs()', 'members.my_org_array()', 'members.no_orgs()', 'members.says_null(uuid)', 'members.wrong(text)', 'members.fails(uuid)',
                    'members.nowhere(uuid)', 'is_org_member(uuid)', 'now()']) f;
SET coach_sms.tenancy_function = 'junk';

-- Nor does it leave a search_path behind, in which we would go on as the owner.
CREATE FUNCTION members.leaves(org uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'members', false); RETURN true; END $$;
SET coach_sms.tenancy_function = 'members.leaves(uuid)';
SET ROLE regress_authenticated;
SELECT sms_is_my_org(:a), pg_catalog.current_setting('search_path') = 'members' AS left_behind;
SELECT pg_catalog.current_setting('search_path') = 'members' AS left_behind;
RESET ROLE;
SET search_path = DEFAULT;

-- Claims of a token name the orgs, where the role that opened the session may set them: others' claims count for nothing.
CREATE FUNCTION pg_temp.with_claims(claims text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('request.jwt.claims', claims, true);
  RETURN pg_temp.try(statement);
END
$$;
SET coach_sms.tenancy_function = '';
SET coach_sms.jwt_authenticators = 'somebody, regress_authenticator';
SET SESSION AUTHORIZATION regress_authenticator;
SET ROLE regress_authenticated;
SELECT claims, pg_temp.with_claims(claims, 'SELECT body FROM sms_templates') AS templates, pg_temp.with_claims(claims, format('SELECT sms_is_my_org(%L)', :b)) AS "member of B"
  FROM unnest(ARRAY['{"org_id": "aaaaaaaa-0000-4000-8000-00000000000a"}', '{"app_metadata": {"org_ids": ["bbbbbbbb-0000-4000-8000-00000000000b", "no uuid"]}}',
                    '{"user_metadata": {"org_id": "aaaaaaaa-0000-4000-8000-00000000000a"}}', '{"org_id": "*"}', 'junk', '']) claims;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_authenticated;
SET request.jwt.claims = '{"org_id": "aaaaaaaa-0000-4000-8000-00000000000a"}';
SELECT pg_temp.try('SELECT body FROM sms_templates') AS forged;

-- A column the tenants do not have by themselves is handed on like any other of PostgreSQL.
RESET SESSION AUTHORIZATION;
SET coach_sms.tenancy_function = 'members.is_org_member(uuid)';
SET request.jwt.claims = '{"sub": "ann"}';
GRANT UPDATE (twilio_phone_number) ON sms_settings TO regress_authenticated;
SET ROLE regress_authenticated;
SELECT pg_temp.try('UPDATE sms_settings SET twilio_phone_number = ''+61491570158''') AS handed_on;
RESET ROLE;
REVOKE UPDATE (twilio_phone_number) ON sms_settings FROM regress_authenticated;
SET coach_sms.tenancy_function = '';

-- Of two kinds; taken back, nothing is left.
RESET SESSION AUTHORIZATION;
SELECT sms_grant_service('regress_authenticated');
SELECT polname, string_agg(r::regrole::text, ', ' ORDER BY r::regrole::text) FROM pg_policy, unnest(polroles) r WHERE polrelid = 'sms_settings'::regclass GROUP BY 1 ORDER BY 1;
SELECT sms_revoke_service('regress_authenticated');
SET ROLE regress_authenticated;
SELECT pg_temp.try('SELECT sms_every_org()') AS backend, pg_temp.try('SELECT sms_my_orgs()') AS tenant;
RESET ROLE;
SELECT sms_revoke_tenant('regress_authenticated'), sms_revoke_tenant('regress_authenticated'), sms_revoke_service('regress_service'), sms_revoke_operator('regress_operator');
SELECT polname, polrelid::regclass FROM pg_policy WHERE polrelid::regclass::text LIKE 'sms_%';
SELECT relname, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid, aclexplode(attacl) WHERE relname LIKE 'sms_%';
REVOKE ALL ON SCHEMA public FROM regress_authenticated, regress_service, regress_operator;
DROP SCHEMA members CASCADE;
DROP ROLE regress_authenticator, regress_anon, regress_authenticated, regress_service, regress_operator;
