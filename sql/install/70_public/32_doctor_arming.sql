-- Returns sms_doctor's checks of arming, key file, certificates and public URL.
CREATE FUNCTION coach_sms_internal.sms_check_arming()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH fact AS MATERIALIZED (
    SELECT m.mode, m.reason FROM @extschema@.sms_mode() m)
  SELECT 'mode', 'error',
         CASE WHEN mode = 'not armed'
              THEN format('this server is not armed for this database, and sends nothing: %s', reason) END,
         'If this database is to send, call sms_go_live(); for trials sms_go_sandbox(). '
         'Call neither in a copy of a live database.'
    FROM fact
  UNION ALL
  SELECT 'key_file',
         CASE WHEN mode <> 'sandbox'
                   OR EXISTS (SELECT FROM @extschema@.sms_settings
                               WHERE twilio_auth_token_encrypted IS NOT NULL)
              THEN 'error' ELSE 'note' END,
         k.problem, k.what_to_do
    FROM fact, coach_sms_internal.sms_check_key_file() k
  UNION ALL
  SELECT 'trust', CASE WHEN mode <> 'sandbox' THEN 'error' ELSE 'note' END, t.problem, t.what_to_do
    FROM fact, coach_sms_internal.sms_check_trust() t
  UNION ALL
  SELECT 'live_file', 'note',
         format('file "%s" is named as by coach_sms 0.1.0, and belongs to another database', f),
         'Leave it if another server still runs 0.1.0 with this key file; else remove it.'
    FROM coach_sms_internal.sms_foreign_live_file() f WHERE f IS NOT NULL
  UNION ALL
  SELECT 'public_url', CASE WHEN mode <> 'sandbox' THEN 'warning' ELSE 'note' END,
         CASE WHEN current_setting('coach_sms.public_url', true) = ''
              THEN 'coach_sms.public_url is not set: receipts and people''s texts (STOP) do not reach us'
                   || CASE WHEN current_setting('coach_sms.fetch_delay', true) = '0'
                           THEN ', and coach_sms.fetch_delay is 0: messages stay sent'
                           ELSE '; Twilio is asked about each message instead' END END,
         'Set it to the URL by which Twilio reaches the webhook, and reload the configuration. At Twilio, '
         'enter it with #rc=5&rp=all behind it for texts from people, so that an outage loses no STOP.'
    FROM fact
$$;
