-- Every SQL statement of the seed guide's parts Database, Per-Org Configuration, Templates and
-- Monitoring, verbatim but for a uuid in place of <org-id>.
\i sql/include/extension.sql
DO $$ BEGIN PERFORM sms_create_key(current_setting('coach_sms.key_file')); EXCEPTION WHEN SQLSTATE 'SM013' THEN NULL; END $$;
CREATE TABLE public.bookings (id uuid PRIMARY KEY, client_id uuid, start_time timestamptz);

-- Database: add columns to the bookings table
ALTER TABLE public.bookings ADD COLUMN IF NOT EXISTS reminder_sent boolean DEFAULT false;
ALTER TABLE public.bookings ADD COLUMN IF NOT EXISTS feedback_sent boolean DEFAULT false;

-- Per-Org Configuration: 1. Create SMS Settings for an Org
INSERT INTO public.sms_settings (
  org_id,
  twilio_account_sid,
  twilio_auth_token_encrypted,
  twilio_phone_number,
  enabled,
  send_booking_confirmations,
  send_session_reminders,
  send_feedback_requests,
  reminder_hours_before,
  feedback_hours_after,
  quiet_hours_start,
  quiet_hours_end,
  timezone
) VALUES (
  '10000000-0000-4000-8000-000000000001',
  'AC...',  -- Optional: org-specific Twilio Account SID
  '...',    -- Optional: org-specific Auth Token (should be encrypted)
  '+61412345678',  -- Or use twilio_messaging_service_sid instead
  true,     -- enabled
  true,     -- send_booking_confirmations
  true,     -- send_session_reminders
  true,     -- send_feedback_requests
  24,       -- reminder_hours_before
  2,        -- feedback_hours_after
  21,       -- quiet_hours_start (9 PM)
  8,        -- quiet_hours_end (8 AM)
  'Australia/Sydney'
);

-- Per-Org Configuration: 2. Create SMS Templates
-- Booking Confirmation
INSERT INTO public.sms_templates (
  org_id,
  template_key,
  name,
  body,
  variables_schema,
  is_active
) VALUES (
  '10000000-0000-4000-8000-000000000001',
  'booking_confirmation',
  'Booking Confirmation',
  'Hi {{client_name}}, your session with {{coach_name}} is confirmed for {{session_datetime}}. Location: {{location}}. Reply STOP to opt out.',
  '["client_name", "coach_name", "session_datetime", "location"]'::jsonb,
  true
);

-- Session Reminder
INSERT INTO public.sms_templates (
  org_id,
  template_key,
  name,
  body,
  variables_schema,
  is_active
) VALUES (
  '10000000-0000-4000-8000-000000000001',
  'session_reminder',
  'Session Reminder',
  'Hi {{client_name}}, reminder: your session is coming up on {{session_datetime}} at {{location}}. See you soon! - {{coach_name}}',
  '["client_name", "session_datetime", "location", "coach_name"]'::jsonb,
  true
);

-- Feedback Request
INSERT INTO public.sms_templates (
  org_id,
  template_key,
  name,
  body,
  variables_schema,
  is_active
) VALUES (
  '10000000-0000-4000-8000-000000000001',
  'feedback_request',
  'Feedback Request',
  'Hi {{client_name}}, thanks for your session with {{coach_name}}! How did it go? Share your feedback: {{feedback_link}}',
  '["client_name", "coach_name", "feedback_link"]'::jsonb,
  true
);

-- The token did not arrive as it was written, nor is it anywhere else in the row.
SELECT twilio_account_sid, twilio_phone_number, timezone, max_sms_per_hour, max_sms_per_client_per_day,
       twilio_auth_token_encrypted ~ '^sms1:[0-9a-f]{8}:' AS sealed,
       strpos(twilio_auth_token_encrypted, '...') AS readable_at,
       length(twilio_auth_token_encrypted) > 40 AS long
  FROM sms_settings;
SELECT template_key, name, version, is_active, variables_schema = to_jsonb(sms_template_variables(body)) AS same_names
  FROM sms_templates ORDER BY template_key;

-- The guide's own messages, by the call that replaces its Edge Function; then statuses as the
-- sender and the webhook would write them.
SELECT sms_enqueue('10000000-0000-4000-8000-000000000001',
         client_id => '20000000-0000-4000-8000-000000000001',
         to_phone => '0491 570 006',
         template_key => 'booking_confirmation',
         variables => jsonb_build_object('client_name', 'Ann', 'coach_name', 'Coach OS',
           'session_datetime', 'Jan 5, 2026, 9:00 AM', 'location', 'TBD'),
         related_entity_type => 'booking',
         related_entity_id => '30000000-0000-4000-8000-000000000001',
         idempotency_key => 'booking-confirmation-30000000-0000-4000-8000-000000000001') AS confirmation \gset
SELECT to_phone, body, status, segments, encoding FROM sms_messages;
SELECT count(sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '+61491570' || 100 + n,
         body => 'message ' || n)) AS more FROM generate_series(1, 7) AS n;
SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', '0491 570 109') IS NOT NULL AS opted_out;
SELECT sms_opt_out('10000000-0000-4000-8000-000000000001', '0491 570 110', 'manual') IS NOT NULL AS entered;
SET ROLE coach_sms_owner;
UPDATE sms_messages SET status = 'delivered', sent_at = now() - interval '2 hours', delivered_at = now() - interval '1 hour'
 WHERE id = :'confirmation' OR body IN ('message 1', 'message 2');
UPDATE sms_messages SET status = 'failed', sent_at = now() - interval '2 hours', failed_at = now() - interval '1 hour',
       error_code = '30003', error_message = 'Unreachable destination handset' WHERE body IN ('message 3', 'message 4');
UPDATE sms_messages SET status = 'failed', failed_at = now() - interval '6 days', error_code = '21211' WHERE body = 'message 5';
UPDATE sms_messages SET status = 'failed', failed_at = now() - interval '8 days', error_code = '30007' WHERE body = 'message 6';
UPDATE sms_suppression SET created_at = now() - interval '1 day' WHERE reason = 'manual';
RESET ROLE;

-- Monitoring: Check Message Status. What it prints has ids and times, so first only that it runs.
\o /dev/null
-- Recent messages
SELECT
  id,
  template_key,
  to_phone,
  status,
  scheduled_for,
  sent_at,
  delivered_at,
  error_message
FROM sms_messages
WHERE created_at >= now() - interval '24 hours'
ORDER BY created_at DESC;
\o
\echo :ERROR :ROW_COUNT
-- The same statement, and of its columns those that are always the same.
CREATE TEMPORARY VIEW recent AS
-- Recent messages
SELECT
  id,
  template_key,
  to_phone,
  status,
  scheduled_for,
  sent_at,
  delivered_at,
  error_message
FROM sms_messages
WHERE created_at >= now() - interval '24 hours'
ORDER BY created_at DESC;
SELECT template_key, to_phone, status, scheduled_for IS NOT NULL AS scheduled, sent_at IS NOT NULL AS sent,
       delivered_at IS NOT NULL AS delivered, error_message
  FROM recent ORDER BY to_phone;

-- Monitoring: Delivery Rate (3 delivered of 5 handed over)
SELECT
  ROUND(100.0 * SUM(CASE WHEN status = 'delivered' THEN 1 ELSE 0 END) / COUNT(*), 2) as delivery_rate
FROM sms_messages
WHERE sent_at >= now() - interval '24 hours';

-- Monitoring: Failed Messages (not the one of eight days ago)
SELECT
  error_code,
  COUNT(*) as count
FROM sms_messages
WHERE status = 'failed'
  AND failed_at >= now() - interval '7 days'
GROUP BY error_code
ORDER BY count DESC;

-- Monitoring: Opt-outs
\o /dev/null
SELECT
  phone,
  reason,
  created_at
FROM sms_suppression
WHERE org_id = '10000000-0000-4000-8000-000000000001'
ORDER BY created_at DESC;
\o
\echo :ERROR :ROW_COUNT
CREATE TEMPORARY VIEW opt_outs AS
SELECT
  phone,
  reason,
  created_at
FROM sms_suppression
WHERE org_id = '10000000-0000-4000-8000-000000000001'
ORDER BY created_at DESC;
SELECT phone, reason FROM opt_outs;

-- The guide's troubleshooting function, and its two tables of history.
SELECT queue_pending_sms();
SELECT count(*) FROM sms_attempts;
SELECT count(*) FROM sms_events;

DROP VIEW recent, opt_outs;
DROP TABLE public.bookings;
