-- Bad input to sms_enqueue: SQLSTATE, the value, why, and what to do; and nothing changed.
\i sql/include/extension.sql
\i sql/include/failure.sql
DO $$ BEGIN PERFORM sms_create_key(current_setting('coach_sms.key_file')); EXCEPTION WHEN SQLSTATE 'SM013' THEN NULL; END $$;
INSERT INTO sms_settings (org_id, enabled, twilio_account_sid, twilio_auth_token_encrypted, twilio_phone_number) VALUES
  ('10000000-0000-4000-8000-000000000001', true, 'AC1', 'a token', '+61412345678'),
  ('10000000-0000-4000-8000-000000000002', false, NULL, NULL, NULL),
  ('10000000-0000-4000-8000-000000000003', true, 'AC1', 'a token', ''),
  ('10000000-0000-4000-8000-000000000004', true, '', NULL, '+61412345678');
INSERT INTO sms_templates (org_id, template_key, body, is_active) VALUES
  ('10000000-0000-4000-8000-000000000001', 'hello', 'Hi {{name}} of {{place}}', true),
  ('10000000-0000-4000-8000-000000000001', 'old', 'Hi', false),
  ('10000000-0000-4000-8000-000000000002', 'theirs', 'Hi', true);
SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '+61491570006', body => 'first', idempotency_key => 'taken') AS first \gset
SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', '+61491570156') IS NOT NULL AS suppressed;

-- enqueue('…') is sms_enqueue() for a good org with these arguments; ids and times that differ are hidden.
CREATE FUNCTION pg_temp.enqueue(arguments text) RETURNS text LANGUAGE sql AS $$
  SELECT regexp_replace(regexp_replace(
           pg_temp.failure(format('SELECT sms_enqueue(%L, %s)', '10000000-0000-4000-8000-000000000001', arguments)),
           'Message [-0-9a-f]{36}', 'Message <id>'), '(expires_at) .* (is in the past)', '\1 <time> \2');
$$;
\pset format unaligned
\pset tuples_only on

-- The org
SELECT pg_temp.failure($$SELECT sms_enqueue('10000000-0000-4000-8000-00000000000f', to_phone => '+61491570006', body => 'x')$$);
SELECT pg_temp.failure($$SELECT sms_enqueue(NULL, to_phone => '+61491570006', body => 'x')$$);
SELECT pg_temp.failure($$SELECT sms_enqueue('10000000-0000-4000-8000-000000000002', to_phone => '+61491570006', body => 'x')$$);

-- Template or body
SELECT pg_temp.enqueue($$to_phone => '+61491570006'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', template_key => 'hello'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'none'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'old'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'theirs'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => ''$$);

-- Variables: extra ones are kept and ignored (see enqueue.sql)
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => '{"name": "Ann"}'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => '{"name": "Ann", "place": null}'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => '["Ann"]'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => '"Ann"'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => 'null'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => '{"name": {"first": "Ann"}, "place": "x"}'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => '{"name": ["Ann"], "place": "x"}'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', variables => '{"nested": {}}'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', metadata => '[1]'$$);

-- NUL and broken UTF-8 do not get as far as us: PostgreSQL itself refuses them.
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => '{"name": "a\u0000b", "place": "x"}'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => '{"name": "\ud83d", "place": "x"}'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => E'a\xff'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => E'a\x00b'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => convert_from('\xeda080', 'UTF8')$$);

-- The body
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => ''$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => E' \t\r\n '$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => repeat('x', 1601)$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => repeat('😀', 801)$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => repeat('x', 1048576)$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => jsonb_build_object('name', repeat('x', 1048576), 'place', '')$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', template_key => 'hello', variables => jsonb_build_object('name', repeat('x', 1590), 'place', 'Sydney')$$);

-- The number
SELECT pg_temp.enqueue($$body => 'x'$$);
SELECT pg_temp.enqueue(format('to_phone => %L, body => %L', phone, 'x'))
  FROM unnest(ARRAY['', 'Ann', '19999', '000', '+61', '+611234', '+999491570006', '0491 570 0060 0',
                    E'+61491570006\r\n&To=+15005550006', '+61491570006,+61491570156', '{{phone}}', 'whatsapp:+61491570006']) AS phone;
SELECT pg_temp.enqueue($$to_phone => repeat('1', 1048576), body => 'x'$$);
SELECT pg_temp.enqueue($$to_phone => '0491 570 156', body => 'to somebody who opted out'$$);

-- Times
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', scheduled_for => '2000-01-01 00:00Z'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', scheduled_for => '2999-01-01 00:00Z'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', scheduled_for => 'infinity'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', scheduled_for => '-infinity'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', scheduled_for => '294276-12-31 00:00Z'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', scheduled_for => '4713-01-02 00:00Z BC'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', expires_at => '2000-01-01 00:00Z'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', expires_at => '-infinity'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', scheduled_for => now() - interval '2 hours', expires_at => now() - interval '1 hour'$$);

-- The key of another payload
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'second', idempotency_key => 'taken'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570110', body => 'first', idempotency_key => 'taken'$$);

-- and one that is no key
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', idempotency_key => repeat('k', 513)$$);

-- Nothing changed: one message and its place in the queue are still all there is.
SELECT body, to_phone, status, idempotency_key FROM sms_messages;
SELECT message_id = :'first' FROM coach_sms_internal.sms_queue;
SELECT count(*) FROM coach_sms_internal.sms_in_flight;

-- What has no limit: expires_at infinity, an empty idempotency key is a key.
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => 'x', expires_at => 'infinity'$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => repeat('x', 1600), idempotency_key => ''$$);
SELECT pg_temp.enqueue($$to_phone => '+61491570006', body => repeat('😀', 800)$$);
SELECT length(body), expires_at, idempotency_key, segments, encoding FROM sms_messages WHERE body <> 'first' ORDER BY length(body);

-- Live, an org needs an account and a sender; the sandbox needs neither.
SELECT pg_temp.failure($$SELECT sms_enqueue('10000000-0000-4000-8000-000000000003', to_phone => '+61491570006', body => 'x')$$);
SELECT pg_temp.failure($$SELECT sms_enqueue('10000000-0000-4000-8000-000000000004', to_phone => '+61491570006', body => 'x')$$);
SELECT * FROM sms_go_live();
SELECT count(*) FROM sms_messages;
SELECT pg_temp.failure($$SELECT sms_enqueue('10000000-0000-4000-8000-000000000003', to_phone => '+61491570006', body => 'x')$$);
SELECT pg_temp.failure($$SELECT sms_enqueue('10000000-0000-4000-8000-000000000004', to_phone => '+61491570006', body => 'x')$$);
SELECT pg_temp.failure($$INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('10000000-0000-4000-8000-000000000003', '+61491570006', 'x')$$);
SELECT count(*) FROM sms_messages;
SELECT * FROM sms_go_sandbox();

-- An error takes the caller's own rows with it.
\set VERBOSITY terse
BEGIN;
CREATE TABLE regress_bookings (id int);
INSERT INTO regress_bookings VALUES (1);
SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => 'nobody', body => 'x');
SELECT 1;
COMMIT;
SELECT to_regclass('regress_bookings') IS NULL;

-- Whatever is given or not, in any combination: an id, or an error of ours.
CREATE FUNCTION pg_temp.outcome(mask integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  given CONSTANT text[] := ARRAY['to_phone => ''+61491570006''', 'body => ''text''', 'template_key => ''nothing''', 'idempotency_key => ''any''',
    'variables => ''{"a": 1}''', 'metadata => ''{"timezone": "UTC"}''', 'client_id => ''10000000-0000-4000-8000-00000000000c''',
    'scheduled_for => now() + ''1 hour''', 'expires_at => now() + ''2 hours''', 'org_id => ''10000000-0000-4000-8000-000000000001'''];
  arguments text := (SELECT string_agg(CASE WHEN mask >> i - 1 & 1 = 1 THEN given[i] ELSE split_part(given[i], ' ', 1) || ' => NULL' END, ', ') FROM generate_series(1, 10) i);
BEGIN
  EXECUTE 'SELECT sms_enqueue(' || arguments || ')';
  RETURN 'an id';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE;
END
$$;
SELECT pg_temp.outcome(mask) AS outcome, count(*) FROM generate_series(0, 1023) mask GROUP BY 1 ORDER BY 1;
SELECT insert_sms_from_service('10000000-0000-4000-8000-000000000001', NULL, '+61491570006', NULL, '{}', NULL, NULL, 'x');

-- Long values are shown in part, and never with half a character.
SELECT pg_temp.enqueue(format('to_phone => ''+61491570006'', template_key => %L', 'a' || repeat('é', 60)));
SELECT pg_temp.enqueue(format('to_phone => ''+61491570006'', body => ''x'', idempotency_key => %L', 'a' || repeat('é', 300)));
SELECT pg_temp.enqueue(format('to_phone => ''+61491570006'', body => ''x'', metadata => %L', jsonb_build_object('timezone', 'a' || repeat('é', 60))));

-- GMT+10 is no zone of IANA's but a rule of POSIX, by which it lies west of Greenwich.
SELECT zone, pg_temp.failure(format('UPDATE sms_settings SET timezone = %L WHERE org_id = ''10000000-0000-4000-8000-000000000001''', zone)) AS failure
  FROM unnest(ARRAY['GMT+10', 'GMT5', 'GMTX3', 'GMT+1:00', 'UTC+10', 'Etc/GMT+20', 'Etc/GMT-15', 'Etc/GMT+1:00', 'GMT', 'GMT0', 'Etc/GMT', 'Etc/GMT-10', 'Etc/GMT+12', 'EST5EDT', 'Australia/Sydney']) zone;
-- Nor are the files that stand beside the zones: the server's own, the place holder for none, each zone once more.
SELECT zone, pg_temp.failure(format('UPDATE sms_settings SET timezone = %L WHERE org_id = ''10000000-0000-4000-8000-000000000001''', zone)) AS failure
  FROM unnest(ARRAY['localtime', 'LocalTime', 'posixrules', 'Factory', 'FACTORY', 'posix/UTC', 'posix/Australia/Sydney', 'Posix/UTC', 'right/UTC',
    'right/Australia/Sydney', 'zone.tab', '../UTC', 'Australia', 'Australia/', '/UTC', 'UTC', 'Australia/sydney']) zone;
SELECT pg_temp.enqueue('to_phone => ''+61491570006'', body => ''x'', metadata => ''{"timezone": "localtime"}''');
-- Whatever else PostgreSQL lists is a zone here.
SELECT name FROM pg_timezone_names WHERE NOT coach_sms_internal.sms_is_zone(name) AND name !~* '^((posix|right)/|(localtime|posixrules|Factory)$)';
-- A priority needs no cast, and fits a smallint.
SELECT pg_temp.enqueue(format('to_phone => ''+6149157030%s'', body => ''x'', priority => %s', n, p))
  FROM unnest(ARRAY['-1', '32767', '-32768', '32768', '-32769', 'NULL']) WITH ORDINALITY u (p, n);
