-- Consent: sms_suppression, sms_opt_out, sms_opt_in, is_phone_suppressed.
\i sql/include/extension.sql
\i sql/include/failure.sql
\set org 10000000-0000-4000-8000-000000000001
\set american 10000000-0000-4000-8000-000000000002
INSERT INTO sms_settings (org_id, default_region) VALUES (:'org', 'AU'), (:'american', 'US');
CREATE TEMPORARY VIEW messages AS
  SELECT m.org_id = '10000000-0000-4000-8000-000000000001' AS ours, m.to_phone, m.body, m.status, m.error_code, m.error_message, q.message_id IS NOT NULL AS waits
    FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id ORDER BY m.id;

-- Written by hand: any form of the number, stored in one.
INSERT INTO sms_suppression (org_id, phone, reason, source) VALUES
  (:'org', '0491 570 156', 'opt_out', 'import'), (:'american', '(415) 555-2671', 'invalid_number', 'import'),
  ('10000000-0000-4000-8000-00000000000f', '0491 570 157', 'carrier_violation', 'an org without settings');
INSERT INTO sms_suppression (org_id, phone) VALUES (:'org', '+61 491 570 158');
SELECT phone, reason, source FROM sms_suppression ORDER BY phone;
UPDATE sms_suppression SET phone = '0491 570 159' WHERE phone = '+61491570158';
SELECT phone FROM sms_suppression WHERE reason = 'manual';
\set VERBOSITY terse
INSERT INTO sms_suppression (org_id, phone) VALUES (:'org', '(04) 9157 0156');
INSERT INTO sms_suppression (org_id, phone) VALUES (:'org', 'nobody');
INSERT INTO sms_suppression (org_id, phone, reason) VALUES (:'org', '0491 570 160', 'because');
\set VERBOSITY default
-- A number that numbering plans do not know (any more) is kept if it has the form: an opt-out must not be lost for that.
INSERT INTO sms_suppression (org_id, phone) VALUES (:'org', '+99912345678');
SELECT is_phone_suppressed(:'org', '+99912345678');

-- Asked in any form; an org at a time.
SELECT phone, is_phone_suppressed(:'org', phone), is_phone_suppressed(:'american', phone) AS of_the_american
  FROM unnest(ARRAY['+61491570156', '+61 491 570 156', '+61491570006']) AS phone;
SELECT is_phone_suppressed(:'org', '0491 570 156') AS as_dialled, is_phone_suppressed(:'org', '0011 61 491 570 156') AS from_abroad, is_phone_suppressed(:'american', '415.555.2671') AS in_its_region,
       is_phone_suppressed(:'org', '+14155552671') AS of_another_org, is_phone_suppressed(NULL, '+61491570156') AS no_org,
       is_phone_suppressed(:'org', NULL) AS no_number;

-- sms_opt_out: enters the number once, and cancels what waits for it, of this org only.
SELECT count(*) FROM (SELECT sms_enqueue(o, to_phone => '+61491570006', body => b, scheduled_for => t)
  FROM (VALUES (:'org'::uuid, 'due', now()), (:'org', 'later', now() + interval '1 day'), (:'american', 'of another org', now())) AS v(o, b, t)) AS s;
SELECT sms_enqueue(:'org', to_phone => '+61491570110', body => 'to somebody else') IS NOT NULL AS ok;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'keyed', idempotency_key => 'k') AS keyed \gset
SELECT sms_opt_out(:'org', '0491 570 006', notes => 'told us on the phone', client_id => '20000000-0000-4000-8000-000000000001') AS entry \gset
SELECT * FROM messages;
SELECT phone, reason, source, notes, client_id FROM sms_suppression WHERE id = :'entry';
SELECT sms_opt_out(:'org', '+61491570006', 'manual', 'later', 'changes nothing') = :'entry' AS same_entry;
SELECT reason, source FROM sms_suppression WHERE id = :'entry';

-- Nothing can be enqueued for it, by no way; a key seen before still gives the first message.
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.failure($$SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '0491 570 006', body => 'x')$$);
SELECT pg_temp.failure($$INSERT INTO sms_messages (org_id, to_phone, body) VALUES ('10000000-0000-4000-8000-000000000001', '0491 570 006', 'x')$$);
SELECT error_code, error_message FROM sms_enqueue_batch(jsonb_build_array(jsonb_build_object('org_id', :'org', 'to_phone', '0491570006', 'body', 'x')));
\pset tuples_only off
\pset format aligned
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'keyed', idempotency_key => 'k') = :'keyed' AS same;
SELECT sms_enqueue(:'american', to_phone => '+61491570006', body => 'another org may') IS NOT NULL AS ok;

-- sms_opt_in: lifts what a person or a carrier said; what an operator entered stays unless that is meant.
SELECT sms_opt_in(:'org', '(0491) 570-006');
SELECT sms_opt_in(:'org', '+61491570006') AS nothing_to_lift;
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'again') IS NOT NULL AS ok;
SELECT sms_opt_out(:'org', '+61491570006', 'manual') IS NOT NULL AS entered;
SELECT sms_opt_in(:'org', '+61491570006') AS lifted;
SELECT is_phone_suppressed(:'org', '+61491570006');
SELECT sms_opt_in(:'org', '+61491570006', include_manual => true) AS lifted;
SELECT is_phone_suppressed(:'org', '+61491570006');
-- Lifting does not bring messages back.
SELECT * FROM messages WHERE ours;

\pset format unaligned
\pset tuples_only on
SELECT pg_temp.failure($$SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', 'nobody')$$);
SELECT pg_temp.failure($$SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', '+61491570006', 'because')$$);
SELECT pg_temp.failure($$SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', '+61491570006', NULL)$$);
SELECT pg_temp.failure($$SELECT sms_opt_out(NULL, '+61491570006')$$);
SELECT pg_temp.failure($$SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', NULL)$$);
SELECT pg_temp.failure($$SELECT sms_opt_in('10000000-0000-4000-8000-000000000001', 'nobody')$$);
SELECT pg_temp.failure($$SELECT is_phone_suppressed('10000000-0000-4000-8000-000000000001', 'nobody')$$);
\pset tuples_only off
\pset format aligned
SELECT (SELECT count(*) FROM sms_messages WHERE status IN ('pending', 'queued')) = (SELECT count(*) FROM coach_sms_internal.sms_queue) AS in_step;

-- A short code is one sender in every region, whichever local number its digits could be: a STOP to it binds.
SET client_min_messages = error;
CREATE TEMPORARY TABLE coded AS
  SELECT sms_uuidv7() AS org_id, region, code FROM unnest(ARRAY['AU', 'DE', 'AT', 'FI', 'ZA', 'LU', 'IT', 'PH', 'US']) region,
         unnest(ARRAY['890', '8904', '89045', '890451']) code;
INSERT INTO sms_settings (org_id, default_region, twilio_account_sid, twilio_phone_number)
  SELECT org_id, region, 'AC' || replace(org_id::text, '-', ''), code FROM coded;
SELECT count(coach_sms_internal.sms_take_inbound(sms_uuidv7(), 'AC' || replace(org_id::text, '-', ''), code, '', '+61491570006', 'STOP', '{}', true, true)) AS stops
  FROM coded;
SELECT count(*) AS unbound FROM coded c
 WHERE NOT coach_sms_internal.sms_is_bound(org_id, NULL, '+61491570006') OR NOT EXISTS (SELECT FROM sms_suppression s WHERE s.org_id = c.org_id);
SELECT o.sender, count(*) FROM sms_opt_outs o JOIN coded c ON o.account_sid = 'AC' || replace(c.org_id::text, '-', '') GROUP BY 1 ORDER BY 1;
-- Twilio's word that somebody opted out is entered for the sender as it is compared, in the org's region.
INSERT INTO sms_settings (org_id, default_region, twilio_account_sid, twilio_phone_number)
  VALUES ('10000000-0000-4000-8000-000000000049', 'DE', 'AC00000000000000000000000000000049', '0171 1234567');
SELECT sms_enqueue('10000000-0000-4000-8000-000000000049', to_phone => '+491711234568', body => 'hello') AS refused \gset
UPDATE sms_messages SET sandbox = false WHERE id = :'refused';
SELECT coach_sms_internal.sms_take_refusal(:'refused', '21610', 'opt_out');
SELECT sender, phone, coach_sms_internal.sms_is_bound('10000000-0000-4000-8000-000000000049', NULL, phone) AS bound
  FROM sms_opt_outs WHERE account_sid = 'AC00000000000000000000000000000049';

-- One person, two forms of the number: an entry by one binds the other, whichever was written first.
CREATE TEMPORARY TABLE forms (n, short, long) AS VALUES
  (1, '+525512345678', '+5215512345678'), (2, '+551187654321', '+5511987654321'), (3, '+541123456789', '+5491123456789');
SELECT f.short, coach_sms_internal.sms_phone_names(f.short) AS names, coach_sms_internal.sms_phone_names(f.long) AS of_the_other, coach_sms_internal.sms_phone_key(f.short), coach_sms_internal.sms_phone_key(f.long) FROM forms f ORDER BY n;
SELECT coach_sms_internal.sms_phone_names('+61491570006') AS one_form;
\set forms 10000000-0000-4000-8000-000000000052
INSERT INTO sms_settings (org_id, default_region, twilio_account_sid, twilio_phone_number, max_sms_per_client_per_day)
  VALUES (:'forms', 'MX', 'AC00000000000000000000000000000052', '+15005550006', 2);
SELECT f.n, sms_opt_out(:'forms', f.short) = sms_opt_out(:'forms', f.long) AS one_entry FROM forms f ORDER BY n;
SELECT f.n, is_phone_suppressed(:'forms', f.short) AS the_short, is_phone_suppressed(:'forms', f.long) AS the_long FROM forms f ORDER BY n;
SELECT f.n, sms_opt_in(:'forms', f.long) AS lifted FROM forms f ORDER BY n;
SELECT f.n, is_phone_suppressed(:'forms', f.short) AS the_short FROM forms f ORDER BY n;
SELECT f.n, sms_opt_out(:'forms', f.long) = sms_opt_out(:'forms', f.short) AS one_entry FROM forms f ORDER BY n;
SELECT f.n, is_phone_suppressed(:'forms', f.short) AS the_short, is_phone_suppressed(:'forms', f.long) AS the_long FROM forms f ORDER BY n;
SELECT phone FROM sms_suppression WHERE org_id = :'forms' ORDER BY phone;
SELECT pg_temp.failure(format('SELECT sms_enqueue(%L, to_phone => %L, body => %L)', :'forms', f.short, 'x')) FROM forms f ORDER BY n;
SELECT pg_temp.failure(format('INSERT INTO sms_messages (org_id, to_phone, body) VALUES (%L, %L, %L)', :'forms', f.short, 'x')) FROM forms f ORDER BY n;
DELETE FROM sms_suppression WHERE org_id = :'forms';
-- What waits is cancelled whichever form it goes to; the number is stored as it was given.
SELECT count(sms_enqueue(:'forms', to_phone => p, body => 'waits')) FROM forms f, unnest(ARRAY[f.short, f.long]) p;
SELECT count(sms_opt_out(:'forms', f.long)) FROM forms f;
SELECT to_phone, status, error_code FROM sms_messages WHERE org_id = :'forms' ORDER BY to_phone;
DELETE FROM sms_suppression WHERE org_id = :'forms';
-- A STOP and a START come from either form, and find whom they answer.
SELECT f.n, count(coach_sms_internal.sms_take_inbound(sms_uuidv7(), 'AC00000000000000000000000000000052', '+15005550006', '', f.long, 'STOP', ARRAY[:'forms'::uuid], false, true)) FROM forms f GROUP BY 1 ORDER BY 1;
SELECT f.short, coach_sms_internal.sms_is_bound(:'forms', NULL, f.short) AS bound FROM forms f ORDER BY n;
SELECT f.n, count(coach_sms_internal.sms_take_inbound(sms_uuidv7(), 'AC00000000000000000000000000000052', '+15005550006', '', f.short, 'START', ARRAY[:'forms'::uuid], false, true)) FROM forms f GROUP BY 1 ORDER BY 1;
SELECT f.long, is_phone_suppressed(:'forms', f.long) AS bound FROM forms f ORDER BY n;
-- The daily limit counts a person once.
DELETE FROM sms_messages WHERE org_id = :'forms';
SELECT sms_enqueue(:'forms', to_phone => '+525512345678', body => 'one') IS NOT NULL AS one, sms_enqueue(:'forms', to_phone => '+5215512345678', body => 'two') IS NOT NULL AS two;
SELECT split_part(pg_temp.failure(format('SELECT sms_enqueue(%L, to_phone => %L, body => %L)', :'forms', p, 'three')), E'\n', 1) AS refused FROM unnest(ARRAY['+525512345678', '+5215512345678']) p;
-- An erased person stays listed by either form: old entries by the hash of the other form too.
SELECT count(sms_opt_out(:'forms', f.long)) FROM forms f;
SELECT f.n, e.messages FROM forms f, sms_erase_person(:'forms', f.short) e ORDER BY n;
SELECT left(s.phone, 5) AS phone, count(*) FROM sms_suppression s WHERE s.org_id = :'forms' GROUP BY 1;
SELECT f.n, is_phone_suppressed(:'forms', f.short) AS by_the_short, is_phone_suppressed(:'forms', f.long) AS by_the_long,
       cardinality(coach_sms_internal.sms_phone_names(f.short)) AS names FROM forms f ORDER BY n;
UPDATE sms_suppression s SET phone = (SELECT max(k) FROM unnest(coach_sms_internal.sms_phone_names(f.short)) k WHERE k LIKE 'hash:%')
  FROM forms f WHERE s.org_id = :'forms' AND s.phone = ANY (coach_sms_internal.sms_phone_names(f.short));
SELECT f.n, is_phone_suppressed(:'forms', f.short) AS by_the_short, is_phone_suppressed(:'forms', f.long) AS by_the_long FROM forms f ORDER BY n;
SELECT f.n, sms_opt_in(:'forms', f.short) AS lifted FROM forms f ORDER BY n;
