-- Twilio's calls: signed, forged, out of order, twice, about others' messages, and garbage.
-- Each signature is what openssl makes of the token, the URL and the sorted parameters.
\set VERBOSITY terse
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\i sql/include/extension.sql
DO $$ BEGIN PERFORM sms_create_key(current_setting('coach_sms.key_file')); EXCEPTION WHEN SQLSTATE 'SM013' THEN NULL; END $$;

-- Two orgs with accounts of their own, and one that claims the first one's account.
INSERT INTO sms_settings (org_id, twilio_account_sid, twilio_auth_token_encrypted, twilio_phone_number) VALUES
  ('a0000000-0000-4000-8000-000000000001', 'ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'token-of-a', '+61491570156'),
  ('b0000000-0000-4000-8000-000000000002', 'ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'token-of-b', '+61491570157'),
  ('00000000-0000-4000-8000-000000000003', 'ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'token-of-c', '+61491570158');
INSERT INTO sms_messages (id, org_id, to_phone, body)
  SELECT format('a0000000-0000-7000-8000-00000000000%s', n)::uuid, 'a0000000-0000-4000-8000-000000000001', '+61491570006', 'Hello ' || n
    FROM generate_series(1, 6) n;
INSERT INTO sms_messages (id, org_id, to_phone, body) VALUES
  ('b0000000-0000-7000-8000-000000000001', 'b0000000-0000-4000-8000-000000000002', '+61491570006', 'Hello of b');

-- 1 to 3 are being sent, 2 and 3 with their SIDs known; 4 is unknown; 5 was queued again; 6 waits.
SET ROLE coach_sms_owner;
UPDATE sms_messages SET status = 'sending', attempt_count = 1 WHERE id < 'a0000000-0000-7000-8000-000000000006';
DELETE FROM coach_sms_internal.sms_queue WHERE message_id < 'a0000000-0000-7000-8000-000000000005';
UPDATE sms_messages SET status = 'sent' WHERE id IN ('a0000000-0000-7000-8000-000000000002', 'a0000000-0000-7000-8000-000000000003');
INSERT INTO sms_attempts (message_id, attempt_number, provider_message_id, status, org_id, client_key, segments)
  SELECT format('a0000000-0000-7000-8000-00000000000%s', n)::uuid, 1, 'SM' || repeat(n::text, 32), 'success',
         'a0000000-0000-4000-8000-000000000001', '+61491570006', 1 FROM generate_series(2, 3) n;
UPDATE sms_messages SET status = 'unknown', error_code = 'unanswered', error_message = 'no answer' WHERE id = 'a0000000-0000-7000-8000-000000000004';
INSERT INTO coach_sms_internal.sms_in_flight (message_id, org_id, fence, state, attempt_number, failures, priority, claimed_at, lease_until, client_key, segments)
  VALUES ('a0000000-0000-7000-8000-000000000004', 'a0000000-0000-4000-8000-000000000001', 1, 'unknown', 1, 0, 0, now(), now(), '+61491570006', 1);
UPDATE sms_messages SET status = 'queued' WHERE id = 'a0000000-0000-7000-8000-000000000005';
RESET ROLE;

CREATE VIEW message AS SELECT right(id::text, 1) AS n, status, error_code, left(provider_message_id, 4) AS sid,
    sent_at IS NOT NULL AS sent, delivered_at IS NOT NULL AS delivered, failed_at IS NOT NULL AS failed
  FROM sms_messages WHERE org_id = 'a0000000-0000-4000-8000-000000000001' ORDER BY id;
CREATE VIEW event AS SELECT left(org_id::text, 2) AS org, right(message_id::text, 1) AS n, event_type, event_status, error_code, left(provider_message_id, 4) AS sid,
    processed_at IS NOT NULL AS processed FROM sms_events ORDER BY id;

\set message1 'https://coach.example/sms?org=a0000000-0000-4000-8000-000000000001&message=a0000000-0000-7000-8000-000000000001&attempt=1'
\set message2 'https://coach.example/sms?org=a0000000-0000-4000-8000-000000000001&message=a0000000-0000-7000-8000-000000000002&attempt=1'
\set message4 'https://coach.example/sms?org=a0000000-0000-4000-8000-000000000001&message=a0000000-0000-7000-8000-000000000004&attempt=1'
\set message5 'https://coach.example/sms?org=a0000000-0000-4000-8000-000000000001&message=a0000000-0000-7000-8000-000000000005&attempt=1'
\set message_of_b 'https://coach.example/sms?org=a0000000-0000-4000-8000-000000000001&message=b0000000-0000-7000-8000-000000000001&attempt=1'
\set plain 'https://coach.example/sms'
\set sid1 'SM11111111111111111111111111111111'
\set sid2 'SM22222222222222222222222222222222'
\set sid3 'SM33333333333333333333333333333333'

-- A message that is being sent: Twilio says sent, then delivered, then sent again, and each twice.
SELECT * FROM sms_twilio_webhook(:'message1', 'MessageSid=SM11111111111111111111111111111111&MessageStatus=sent&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '/lLWKGCfmgdTHAHP4RyqjMV1MKA=');
SELECT * FROM message WHERE n = '1';
SELECT http_status FROM sms_twilio_webhook(:'message1', 'MessageSid=SM11111111111111111111111111111111&MessageStatus=sent&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '/lLWKGCfmgdTHAHP4RyqjMV1MKA=');
SELECT http_status FROM sms_twilio_webhook(:'message1', 'MessageSid=SM11111111111111111111111111111111&MessageStatus=delivered', '5+yhvQ40ES9KCM5kKTIFHUiMsec=');
SELECT http_status FROM sms_twilio_webhook(:'message1', 'MessageSid=SM11111111111111111111111111111111&MessageStatus=queued', 'BoCU64T8V9rgdRa5QeiowkWZF10=');
SELECT * FROM message WHERE n = '1';
SELECT * FROM event;

-- Bad news, with its code; what comes later without one leaves the code alone.
SELECT http_status FROM sms_twilio_webhook(:'message2', 'MessageSid=SM22222222222222222222222222222222&MessageStatus=undelivered&ErrorCode=30003', 'wsFf8F7Q/RJoRfoos9WPZsiWehg=');
SELECT http_status FROM sms_twilio_webhook(:'message2', 'MessageSid=SM22222222222222222222222222222222&MessageStatus=sent', 'gnB9gdOnc5UM3dxr5hPIQuEX3Yw=');
SELECT * FROM message WHERE n = '2';

-- A callback settles what was unknown, and takes what was queued again out of the queue.
SELECT http_status FROM sms_twilio_webhook(:'message4', 'MessageSid=SM44444444444444444444444444444444&MessageStatus=sent', 'G6qlXysOcX9kePrwMsh6Q5eywc4=');
SELECT http_status FROM sms_twilio_webhook(:'message5', 'MessageSid=SM55555555555555555555555555555555&MessageStatus=delivered', 'rO9EpfFs0aigDfARoCIXccCHrq8=');
SELECT * FROM message WHERE n IN ('4', '5');
SELECT count(*) FROM coach_sms_internal.sms_in_flight;
SELECT right(message_id::text, 1) AS n, status, left(provider_message_id, 4) AS sid FROM sms_attempts WHERE message_id >= 'a0000000-0000-7000-8000-000000000004';
SELECT right(message_id::text, 1) AS n FROM coach_sms_internal.sms_queue ORDER BY 1;

-- Without our query the SID finds the message.
SELECT http_status FROM sms_twilio_webhook(:'plain', 'MessageSid=SM33333333333333333333333333333333&MessageStatus=delivered&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '+JoC5DLxeq0MG3r/061DD6qhmLc=');
SELECT * FROM message WHERE n = '3';

-- Each event was written once: no row has an earlier version.
SELECT count(*), max(ctid) FROM sms_events;

-- Forged, or signed by another account: refused, and nothing is kept.
TRUNCATE sms_events;
SELECT * FROM sms_twilio_webhook(:'message1', 'MessageSid=SM11111111111111111111111111111111&MessageStatus=failed', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=');
SELECT * FROM sms_twilio_webhook(:'message1', 'MessageSid=SM11111111111111111111111111111111&MessageStatus=failed', '');
SELECT * FROM sms_twilio_webhook(:'message1', 'MessageSid=SM11111111111111111111111111111111&MessageStatus=failed', NULL);
SELECT * FROM sms_twilio_webhook(:'message1', 'MessageSid=SM11111111111111111111111111111111&MessageStatus=failed', 'jhQ6te57Zqrh8elq7UnoMzkDrAY=');
SELECT * FROM sms_twilio_webhook(:'message1', 'MessageSid=SM11111111111111111111111111111111&MessageStatus=failed', 'cTDe4WGYtalB4pAVv1O6MQVC1HY=');
SELECT * FROM sms_twilio_webhook(:'message1', 'MessageSid=SM11111111111111111111111111111111&MessageStatus=failed', 'NUlQcOBszT8dNaX1bPNbp0JZVM4=');
SELECT * FROM sms_twilio_webhook('https://coach.example/sms?org=f0000000-0000-4000-8000-00000000000f&message=a0000000-0000-7000-8000-000000000001&attempt=1', 'MessageSid=SM1&MessageStatus=failed', 'Rj74/7gpRW678ZkOW9Fmm5VkScs=');
SELECT * FROM sms_twilio_webhook(:'plain', 'MessageSid=SMx&MessageStatus=failed&AccountSid=ACcccccccccccccccccccccccccccccccc', 'gE4ABPLO1UVzZvuaK8fCjKTEvT0=');
SELECT count(*) FROM sms_events;

-- Truly signed, but about a message that its org does not have: taken, and nothing is kept.
SELECT http_status FROM sms_twilio_webhook(:'message_of_b', 'MessageSid=SM66666666666666666666666666666666&MessageStatus=failed', 'hLSXQRMc70v+yrldV7GmWbWf0/s=');
SELECT count(*) FROM sms_events;

-- b, and c that claims a's account, speak of a SID of a's: kept, but theirs, and a's message stays.
SET ROLE coach_sms_owner;
UPDATE sms_messages SET status = 'sent' WHERE id = 'a0000000-0000-7000-8000-000000000003';
RESET ROLE;
SELECT http_status FROM sms_twilio_webhook(:'plain', 'MessageSid=SM33333333333333333333333333333333&MessageStatus=failed&AccountSid=ACbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '+Hrhl1Pw+gedeKOA0RVN9vfsseQ=');
SELECT http_status FROM sms_twilio_webhook(:'plain', 'MessageSid=SM33333333333333333333333333333333&MessageStatus=undelivered&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'X+ex3eEa/3jV/GHQyMp3iAE65AQ=');
SELECT * FROM event;
SELECT * FROM message WHERE n = '3';
-- Nor does it keep a's own event from a.
SELECT http_status FROM sms_twilio_webhook(:'plain', 'MessageSid=SM33333333333333333333333333333333&MessageStatus=failed&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'k/jsgRozeggu5qWtq2ZzJpCFpRs=');
SELECT * FROM message WHERE n = '3';

-- Before our own record of the SID: the event waits.
SELECT http_status FROM sms_twilio_webhook(:'plain', 'MessageSid=SM77777777777777777777777777777777&MessageStatus=sent&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'wcBlqgnbuEw7uvSADg31WGZ4HV4=');
SELECT * FROM event WHERE sid = 'SM77';

-- A text from a person, of the account that has the number; twice; NUL and broken UTF-8 in it.
SELECT * FROM sms_twilio_webhook(:'plain', 'MessageSid=SM88888888888888888888888888888888&SmsStatus=received&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B61491570006&To=%2B61491570156&Body=Stop+%F0%9F%9B%91%00%ff', '1G0utscRtMVuE7pSje4/YxdmPws=');
SELECT http_status FROM sms_twilio_webhook(:'plain', 'MessageSid=SM88888888888888888888888888888888&SmsStatus=received&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa&From=%2B61491570006&To=%2B61491570156&Body=Stop+%F0%9F%9B%91%00%ff', '1G0utscRtMVuE7pSje4/YxdmPws=');
SELECT org, event_type, event_status, processed FROM event WHERE sid = 'SM88';
SELECT event_payload->>'Body' = E'Stop \U0001F6D1\uFFFD\uFFFD' AS body, event_payload->>'From' AS "from" FROM sms_events WHERE event_type = 'inbound';

-- Neither a status nor a text.
SELECT http_status FROM sms_twilio_webhook(:'message1', 'Hello=world', '//rqnLlsAMTuTl+QU1WEtjBDlts=');

-- Limits and garbage: an answer, never an error.
TRUNCATE sms_events;
SELECT * FROM sms_twilio_webhook(NULL, NULL, NULL);
SELECT * FROM sms_twilio_webhook(:'message1', NULL, 'x');
SELECT * FROM sms_twilio_webhook('https://h/?' || repeat('a', 8192), 'a=b', 'x');
SELECT * FROM sms_twilio_webhook(:'message1', repeat('a', 65537), 'x');
SELECT * FROM sms_twilio_webhook(:'message1', repeat('a=b&', 1000000), repeat('x', 1000000));
SELECT * FROM sms_twilio_webhook(:'message1', repeat('a=b&', 1001), 'x');
SELECT * FROM sms_twilio_webhook(:'message1', E'Body=\u00e9', 'x');
SELECT * FROM sms_twilio_webhook(:'message1', 'a=b', E'\u00e9');
SELECT http_status, count(*) FROM unnest(ARRAY['', '?', '#', '://', 'https://', '/', 'not a url', 'https://h/?org=1&message=2&attempt=3', E'\t', '%%%']) u,
  unnest(ARRAY['', '&', '=', '&&=&', '%', '%zz', '%00=%00', '{"a": 1}', '<xml/>', 'MessageSid=%00&MessageStatus=%ff', 'MessageSid=SM1&MessageStatus=sent']) b,
  LATERAL sms_twilio_webhook(u, b, 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=') GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM sms_events;

-- As PostgREST calls it: the raw body alone, URL and signature as headers, a status as the answer.
CREATE FUNCTION pg_temp.post(headers text, body text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('request.headers', headers, true), set_config('response.status', NULL, true);
  PERFORM sms_twilio_webhook_raw(body);
  RETURN current_setting('response.status');
END $$;
\set body 'MessageSid=SM11111111111111111111111111111111&MessageStatus=sent&AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
SELECT json_build_object('x-called-url', :'message1', 'x-twilio-signature', '/lLWKGCfmgdTHAHP4RyqjMV1MKA=', 'accept', '*/*') AS headers,
  json_build_object('x-called-url', :'message1') AS unsigned \gset
SELECT pg_temp.post(:'unsigned', :'body');
SELECT pg_temp.post(:'headers', :'body' || '&More=1');
SELECT pg_temp.post(:'headers', repeat('a', 65537));
SELECT pg_temp.post(:'headers', NULL);
SELECT count(*) FROM sms_events;
SELECT pg_temp.post(:'headers', :'body');
SELECT event_type, event_status, processed FROM event;
-- Without those headers, or without PostgREST.
SELECT headers, pg_temp.post(headers, :'body') FROM unnest(ARRAY['{}', '[]', '"x-called-url"', 'null', '{"x-called-url": null}', '{"x-called-url": {}}',
  '{"x-called-url": "\u0000"}', '{"x-called-url"', 'x', '', NULL]) headers;
BEGIN;
RESET request.headers;
SELECT sms_twilio_webhook_raw('a=b'), current_setting('response.status');
ROLLBACK;
TRUNCATE sms_events;

-- For those who verify elsewhere: the example of Twilio's own documentation.
\set example 'CallSid=CA1234567890ABCDE&Caller=%2B14158675310&Digits=1234&From=%2B14158675310&To=%2B18005551212'
SELECT sms_validate_twilio_signature('12345', 'https://mycompany.com/myapp.php?foo=1&bar=2', :'example', 'GvWf1cFY/Q7PnoempGyD5oXAezc=');
SELECT sms_validate_twilio_signature('12345', 'https://mycompany.com:443/myapp.php?foo=1&bar=2', :'example', 'GvWf1cFY/Q7PnoempGyD5oXAezc=');
SELECT sms_validate_twilio_signature('12345', 'https://mycompany.com/myapp.php?foo=1&bar=3', :'example', 'GvWf1cFY/Q7PnoempGyD5oXAezc=');
SELECT sms_validate_twilio_signature('12346', 'https://mycompany.com/myapp.php?foo=1&bar=2', :'example', 'GvWf1cFY/Q7PnoempGyD5oXAezc=');
SELECT sms_validate_twilio_signature('12345', 'https://mycompany.com/myapp.php?foo=1&bar=2', :'example', NULL);

-- Who may call it.
CREATE ROLE regress_sms_webhook;
SET ROLE regress_sms_webhook;
SELECT http_status FROM sms_twilio_webhook(:'plain', 'a=b', 'x');
SELECT sms_twilio_webhook_raw('a=b');
RESET ROLE;
SELECT sms_grant_service('regress_sms_webhook');
SET ROLE regress_sms_webhook;
SELECT http_status FROM sms_twilio_webhook(:'plain', 'a=b', 'x');
SELECT sms_twilio_webhook_raw('a=b'), current_setting('response.status');
RESET ROLE;
SELECT sms_revoke_service('regress_sms_webhook');
REVOKE USAGE ON SCHEMA public FROM regress_sms_webhook;
DROP ROLE regress_sms_webhook;

DROP VIEW message, event;
DROP EXTENSION coach_sms;
