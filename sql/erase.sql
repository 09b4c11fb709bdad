-- sms_erase_person, what must outlive it, the export of opt-outs, and the warning of DROP EXTENSION.
\i sql/include/extension.sql
\set org 10000000-0000-4000-8000-000000000001
\set other 10000000-0000-4000-8000-000000000002
\set client 20000000-0000-4000-8000-000000000001
\set server_account ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
INSERT INTO sms_settings (org_id, twilio_account_sid, twilio_phone_number, max_sms_per_client_per_day)
  VALUES (:'org', :'server_account', '+61491570110', NULL), (:'other', NULL, NULL, NULL);

-- Messages in every state, in two orgs; attempts, callbacks, a text from the person, a text of a booking.
SELECT sms_enqueue(:'org', to_phone => '0491 570 006', body => 'waits', client_id => :'client', metadata => '{"name": "Ann"}') AS waits \gset
SELECT sms_enqueue(:'org', to_phone => '0491 570 006', body => 'arrived', client_id => :'client', idempotency_key => 'k') AS arrived \gset
SELECT sms_enqueue(:'org', to_phone => '0491 570 006', body => 'under way') AS under_way \gset
SELECT sms_enqueue(:'org', to_phone => '0491 570 007', body => 'to somebody else') AS somebody \gset
SELECT sms_enqueue(:'other', to_phone => '0491 570 006', body => 'of another org') AS of_other \gset
SET ROLE coach_sms_owner;
UPDATE sms_messages SET status = 'delivered', error_message = 'to +61491570006', attempt_count = 1, provider_message_id = 'SM1' WHERE id = :'arrived';
UPDATE sms_messages SET status = 'unknown' WHERE id = :'under_way';
DELETE FROM coach_sms_internal.sms_queue WHERE message_id IN (:'arrived', :'under_way');
INSERT INTO sms_attempts (message_id, attempt_number, provider_message_id, request_payload, response_payload, status, error_message, org_id, client_key, segments)
  VALUES (:'arrived', 1, 'SM1', '{"To": "+61491570006"}', '{"to": "+61491570006"}', 'success', 'x +61491570006', :'org', :'client', 1),
         (sms_uuidv7(), 1, 'SM2', '{"To": "+61491570006"}', NULL, 'success', NULL, :'org', '+61491570006', 1),
         (:'somebody', 1, 'SM3', '{"To": "+61491570007"}', NULL, 'success', NULL, :'org', '+61491570007', 1),
         (:'of_other', 1, 'SM4', '{"To": "+61491570006"}', NULL, 'success', NULL, :'other', '+61491570006', 1);
INSERT INTO sms_events (message_id, org_id, provider_message_id, event_type, event_payload, dedupe_key, processed_at)
  VALUES (:'arrived', :'org', 'SM1', 'status', '{"To": "+61491570006"}', 'SM1:sent', now()),
         (NULL, :'org', 'SM5', 'inbound', '{"From": "+61491570006", "Body": "hi"}', 'SM5', now()),
         (NULL, NULL, 'SM6', 'inbound', '{"From": "+61491570006", "Body": "hi"}', 'SM6', now()),
         (:'of_other', :'other', 'SM4', 'status', '{"To": "+61491570006"}', 'SM4:sent', now());
INSERT INTO sms_booking_texts (booking_id, type, org_id, reason, detail)
  VALUES (sms_uuidv7(), 'reminder', :'org', 'suppressed', '+61491570006 is suppressed');
INSERT INTO sms_opt_outs (account_sid, sender, phone, source) VALUES (:'server_account', '+61491570111', '+61491570006', 'twilio');
RESET ROLE;
SELECT sms_opt_out(:'org', '0491 570 006', 'opt_out', 'import', 'Ann told us', :'client') IS NOT NULL AS opted_out;
SELECT sms_opt_out(:'other', '0491 570 006', 'manual') IS NOT NULL AS opted_out;

SELECT count(*) AS salts FROM sms_phone_salt;
SELECT * FROM sms_erase_person(:'org', '(04) 9157 0006');
SELECT to_phone, body, variables, client_id, metadata, status, error_code, error_message, idempotency_key, sms_queue.message_id IS NOT NULL AS waits
  FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue ON message_id = id WHERE m.org_id = :'org' ORDER BY id;
SELECT provider_message_id, client_key, request_payload, response_payload, error_message FROM sms_attempts ORDER BY 1;
SELECT provider_message_id, event_payload FROM sms_events ORDER BY 1;
SELECT detail FROM sms_booking_texts;
SELECT org_id, left(phone, 5) AS phone, length(phone), reason, source, notes, client_id FROM sms_suppression ORDER BY org_id;
SELECT left(phone, 5) AS phone, length(phone), sender FROM sms_opt_outs;

-- Not before our own request has ended, though a callback has come: its attempt would bring number and text back.
SET ROLE coach_sms_owner;
UPDATE sms_messages SET status = 'failed' WHERE id = :'under_way';
INSERT INTO coach_sms_internal.sms_in_flight (message_id, org_id, fence, state, attempt_number, failures, priority, claimed_at, lease_until, client_key, segments)
  VALUES (:'under_way', :'org', 1, 'leased', 1, 0, 0, now(), now(), '+61491570006', 1);
RESET ROLE;
SELECT messages, under_way FROM sms_erase_person(:'org', '+61491570006');
SET ROLE coach_sms_owner;
DELETE FROM coach_sms_internal.sms_in_flight WHERE message_id = :'under_way';
RESET ROLE;

-- Settled, it goes too; the next time there is nothing left, and the salt stays the same.
SELECT salt AS first FROM sms_phone_salt \gset
SELECT messages, under_way FROM sms_erase_person(:'org', '+61491570006');
SELECT * FROM sms_erase_person(:'org', '+61491570006');
SELECT salt = :'first' AS same_salt FROM sms_phone_salt;
SELECT count(*) AS traces FROM sms_messages m WHERE m.org_id = :'org' AND m::text LIKE '%61491570006%';

-- The hash still matches, everywhere that asks; the other org knows the number by its own entry.
SELECT is_phone_suppressed(:'org', '0491 570 006') AS by_the_org, is_phone_suppressed(:'org', '0491 570 007') AS somebody_else, is_phone_suppressed(:'other', '0491 570 006') AS by_the_other;
\set VERBOSITY terse
SELECT sms_enqueue(:'org', to_phone => '0491 570 006', body => 'x');
INSERT INTO sms_messages (org_id, to_phone, body) VALUES (:'org', '0491 570 006', 'x');
\set VERBOSITY sqlstate
SELECT sms_retry(:'waits');
\set VERBOSITY default
SELECT sms_enqueue(:'org', to_phone => '0491 570 006', body => 'arrived', client_id => :'client', idempotency_key => 'k') = :'arrived' AS key_is_known;
SELECT sms_opt_out(:'org', '0491 570 006') = (SELECT id FROM sms_suppression WHERE org_id = :'org') AS same_entry;
SELECT count(*) AS entries FROM sms_suppression WHERE org_id = :'org';

-- An opt-out by the sender, hashed, binds the org that writes with it, and START lifts it.
SELECT sms_opt_in(:'org', '0491 570 006') AS lifted, sms_opt_in(:'org', '0491 570 006') AS again;
SELECT is_phone_suppressed(:'org', '0491 570 006') AS while_it_sends_with_another;
UPDATE sms_settings SET twilio_phone_number = '0491 570 111' WHERE org_id = :'org';
SELECT is_phone_suppressed(:'org', '0491 570 006') AS with_that_sender;
SELECT coach_sms_internal.sms_take_inbound(sms_uuidv7(), :'server_account', '+61491570111', '', '+61491570006', 'START', '{}', true, true);
SELECT is_phone_suppressed(:'org', '0491 570 006') AS after_start;
-- Said again and erased again: one entry.
SELECT coach_sms_internal.sms_take_inbound(sms_uuidv7(), :'server_account', '+61491570111', '', '+61491570006', 'STOP', '{}', true, true);
SELECT sms_opt_out(:'org', '0491 570 006') IS NOT NULL AS opted_out;
SELECT messages FROM sms_erase_person(:'org', '+61491570006');
INSERT INTO sms_suppression (org_id, phone) VALUES (:'org', '+61491570006');
SELECT messages FROM sms_erase_person(:'org', '+61491570006');
SELECT left(phone, 5) AS phone, reason FROM sms_suppression WHERE org_id = :'org';

-- A callback for what was erased stores nothing of the person, and lists nobody.
SELECT coach_sms_internal.sms_take_refusal(:'arrived', '30006', 'invalid_number');

-- Export, DROP, and import again: the salt makes hashes match.
CREATE TEMPORARY TABLE exported AS SELECT * FROM sms_export_opt_outs();
CREATE TEMPORARY TABLE salt AS SELECT * FROM sms_phone_salt;
SELECT org_id, left(phone, 5) AS phone, reason, source, notes, account_sid, sender FROM exported ORDER BY org_id, sender;
DROP EXTENSION coach_sms;
CREATE EXTENSION coach_sms;
DROP EXTENSION coach_sms;
CREATE EXTENSION coach_sms;
INSERT INTO sms_settings (org_id, twilio_account_sid, twilio_phone_number) VALUES (:'org', :'server_account', '+61491570111');
INSERT INTO sms_phone_salt SELECT * FROM salt;
INSERT INTO sms_suppression (org_id, phone, reason, source, notes, created_at)
  SELECT org_id, phone, reason, source, notes, created_at FROM exported WHERE org_id IS NOT NULL;
SELECT is_phone_suppressed(:'org', '0491 570 006') AS by_the_org;
SELECT sms_opt_in(:'org', '0491 570 006', include_manual => true);
INSERT INTO sms_opt_outs (account_sid, sender, phone, source, created_at)
  SELECT account_sid, sender, phone, source, created_at FROM exported WHERE org_id IS NULL;
SELECT is_phone_suppressed(:'org', '0491 570 006') AS by_the_sender;
-- Nobody else's extension is warned of.
DROP EXTENSION IF EXISTS no_such_extension;

SELECT sms_erase_person(NULL, '+61491570006');
SELECT sms_erase_person(:'org', NULL);
SELECT sms_erase_person(:'org', 'nobody');
