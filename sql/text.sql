-- Texts: segments, smart encoding, templates, phone numbers. No table is read but by sms_preview.
\i sql/include/extension.sql
\i sql/include/failure.sql

-- Segments: one and its edge, in both encodings; escape characters; a character of four bytes.
SELECT name, s.*
  FROM (VALUES (1, 'empty', ''), (2, '160 GSM-7', repeat('a', 160)), (3, '161 GSM-7', repeat('a', 161)),
               (4, '306 GSM-7', repeat('a', 306)), (5, '307 GSM-7', repeat('a', 307)),
               (6, 'euro sign', '€'), (7, '80 euro signs', repeat('€', 80)), (8, '81 euro signs', repeat('€', 81)),
               (9, 'escape at the edge', repeat('a', 152) || '€' || repeat('a', 153)),
               (10, '70 UCS-2', repeat('я', 70)), (11, '71 UCS-2', repeat('я', 71)),
               (12, 'emoji', '😀'), (13, '35 emoji', repeat('😀', 35)), (14, '36 emoji', repeat('😀', 36)),
               (15, 'curly quote', 'it’s'), (16, 'lines', E'a\r\nb\n'), (17, 'GSM accents', 'èàùÅß¿'),
               (18, 'accent outside', 'á')) AS body(n, name, body), sms_segments(body) AS s
 ORDER BY n;
SELECT sms_segments(NULL) IS NULL AS null_for_null;

-- Smart encoding: what looks alike, and nothing else.
SELECT sms_smart_encode('“Hi” – it’s 5…');
SELECT sms_smart_encode('plain'), sms_smart_encode(''), sms_smart_encode('я 😀');
SELECT sms_smart_encode(NULL) IS NULL AS null_for_null;

-- Rendering: one pass, values as they are.
SELECT render_sms_template('Hi {{client_name}}, {{ n }} of {{n}}: {{yes}}', '{"client_name": "Ann", "n": 1.50, "yes": true}');
SELECT render_sms_template('{{a}}', '{"a": "{{b}}", "b": "not me"}');
SELECT render_sms_template('{{a}} $1 \1 %s {b} }}', '{"a": "&To=+1555; ''quoted'' \"twice\" \\ %s"}');
SELECT render_sms_template('[{{a}}]', '{"a": "one\r\ntwo"}');
SELECT render_sms_template('no variables'), render_sms_template('', '{}') = '' AS empty;
SELECT render_sms_template('{{a}}', '{"a": ""}') = '' AS empty_value;
SELECT render_sms_template('{{a}}', '{"a": "Zoë 😀 日本"}');
SELECT render_sms_template(NULL, '{}') IS NULL AS null_for_null;
SELECT sms_template_variables('{{b}} {{ a }} {{b}} {c}'), sms_template_variables('none');

\pset format unaligned
\pset tuples_only on
SELECT pg_temp.failure($$SELECT render_sms_template('{{a}} {{b}} {{a}} {{c}}', '{"c": 1}')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('{{a}}', '{"a": null}')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('Zoë {{a', '{}')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('{{}}', '{}')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('{{1st}}', '{}')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('{{a.b}}', '{}')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('{{a}}', '{"a": {"b": 1}}')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('{{a}}', '{"a": ["b"]}')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('{{a}}', '["a"]')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('{{a}}', '"a"')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('{{a}}', 'null')$$);
SELECT pg_temp.failure($$SELECT render_sms_template('{{a}}', jsonb_build_object('a', repeat('x', 20000000)))$$);
SELECT pg_temp.failure($$SELECT sms_template_variables('{{a}')$$);
\pset tuples_only off
\pset format aligned

-- Numbers: any way of writing one, and the region where it has no calling code.
SELECT phone, region, sms_normalize_phone(phone, region)
  FROM (VALUES (1, '+61491570006', 'AU'), (2, '0491 570 006', 'AU'), (3, '(04) 9157-0006', 'AU'),
               (4, '0011 61 491 570 006', 'AU'), (5, '0061491570006', 'AU'), (6, '+61 (0)491 570 006', 'AU'),
               (7, 'tel:+61491570006', 'AU'), (8, '+61491570006', 'US'), (9, '(415) 555-2671', 'US'),
               (10, '020 7946 0958', 'GB'), (11, '06 698 12345', 'IT'), (12, '+390669812345', 'IT'),
               (13, '٠٤٩١٥٧٠٠٠٦', 'AU'), (14, '491570006.0', 'AU'), (15, '99999999', 'NO')) AS given(n, phone, region)
 ORDER BY n;
SELECT sms_normalize_phone('0491 570 006'), sms_normalize_phone(NULL) IS NULL AS null_for_null;
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.failure(format('SELECT sms_normalize_phone(%L)', phone))
  FROM unnest(ARRAY['', '   ', 'Ann', '000', '19 12 34', '0491 570', '+61 491 570 006 007 008', '+999123456', '+1',
                    '0491570006 ext 5', '0491570006,0491570156', E'+61491570006\r\nTo: +15005550006', '+61491570006&To=+15005550006',
                    '+61++491570006', repeat('1', 300),
                    '4.91570006E8', '0000000000', '1111111111', '+61 0 0491 570 006']) AS phone;
SELECT pg_temp.failure($$SELECT sms_normalize_phone('0491570006', 'XX')$$);
SELECT pg_temp.failure($$SELECT sms_normalize_phone('0491570006', '')$$);
SELECT pg_temp.failure($$SELECT sms_normalize_phone('0491570006', 'au')$$);
\pset tuples_only off
\pset format aligned

-- Preview: what sms_enqueue would send, and what it would cost.
INSERT INTO sms_settings (org_id, price_per_segment, currency)
  VALUES ('10000000-0000-4000-8000-000000000001', 0.0515, 'AUD'), ('10000000-0000-4000-8000-000000000002', NULL, NULL);
INSERT INTO sms_templates (org_id, template_key, body)
  SELECT org_id, key, body FROM sms_settings,
    (VALUES ('short', 'Hi {{name}}'), ('long', 'Привет, {{name}}! ' || repeat('я', 100)), ('short', 'Hello {{name}}')) AS t(key, body);
UPDATE sms_templates SET is_active = false WHERE version = 2 AND org_id = '10000000-0000-4000-8000-000000000002';
INSERT INTO sms_templates (org_id, template_key, body, is_active)
  VALUES ('10000000-0000-4000-8000-000000000001', 'off', 'never', false);
SELECT * FROM sms_preview('10000000-0000-4000-8000-000000000001', 'short', '{"name": "Ann"}');
SELECT * FROM sms_preview('10000000-0000-4000-8000-000000000002', 'short', '{"name": "Ann"}');
SELECT length(body), encoding, segments, estimated_cost, currency
  FROM sms_preview('10000000-0000-4000-8000-000000000001', 'long', '{"name": "Ann"}');
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.failure($$SELECT sms_preview('10000000-0000-4000-8000-000000000001', 'short')$$);
SELECT pg_temp.failure($$SELECT sms_preview('10000000-0000-4000-8000-000000000001', 'off')$$);
SELECT pg_temp.failure($$SELECT sms_preview('10000000-0000-4000-8000-000000000001', NULL)$$);
SELECT pg_temp.failure($$SELECT sms_preview('10000000-0000-4000-8000-00000000000f', 'short')$$);
SELECT pg_temp.failure($$SELECT sms_preview(NULL, 'short')$$);

-- A broken template cannot be stored.
SELECT pg_temp.failure($$INSERT INTO sms_templates (org_id, template_key, body)
  VALUES ('10000000-0000-4000-8000-000000000001', 'broken', 'Hi {{name')$$);
SELECT pg_temp.failure($$UPDATE sms_templates SET body = '{{not a name}}'$$);

-- A variable in the notation of another template language is text: a warning says so, and the row is stored.
INSERT INTO sms_templates (org_id, template_key, body, variables_schema) VALUES
  ('10000000-0000-4000-8000-000000000001', 'single', 'Hi {client_name} at { location }', '["client_name", "location"]'),
  ('10000000-0000-4000-8000-000000000001', 'square', 'Hi [client_name], [[location]]', '["client_name", "location"]'),
  ('10000000-0000-4000-8000-000000000001', 'hash', 'Hi #client_name#, ##location##', '["client_name", "location"]'),
  ('10000000-0000-4000-8000-000000000001', 'percent', 'Hi %client_name%, %%location%%', '["client_name", "location"]'),
  ('10000000-0000-4000-8000-000000000001', 'others', 'Hi <client_name>, ${location}, $when, *|COACH|*', '["client_name", "location", "when", "coach"]'),
  ('10000000-0000-4000-8000-000000000001', 'mixed', '{{client_name}} and {CLIENT_NAME}', '["client_name"]');
UPDATE sms_templates SET body = 'Hi %client_name%' WHERE template_key = 'mixed';
UPDATE sms_templates SET variables_schema = '["location", "client_name"]' WHERE template_key = 'mixed';
-- No warning: the right form, other names, ordinary text, and a schema of something else.
INSERT INTO sms_templates (org_id, template_key, body, variables_schema) VALUES
  ('10000000-0000-4000-8000-000000000001', 'right', 'Hi {{client_name}}, {{ location }} (location)', '["client_name", "location"]'),
  ('10000000-0000-4000-8000-000000000001', 'text', 'Save 5% today [new] #1 $5 {smile} client_name', '["client_name", "odd name", ".*", 7, null, {"a": 1}]');
\pset tuples_only off
\pset format aligned
SELECT count(*) FROM sms_messages;
