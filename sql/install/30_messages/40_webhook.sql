-- The webhook, which Twilio calls.

CREATE FUNCTION sms_twilio_webhook(
  url text, body text, signature text, OUT http_status integer, OUT content_type text, OUT response text)
  AS 'MODULE_PATHNAME', 'coach_sms_twilio_webhook' LANGUAGE C VOLATILE
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION sms_twilio_webhook(text, text, text) IS
'Takes a call of Twilio''s: the URL that was called, the raw body (a form) and the header '
'X-Twilio-Signature. Status callbacks move their message on, texts from people are kept in sms_events; '
'each is stored once. Answer with what it returns: 200 taken, 400 not a form, 403 not signed by an account '
'of ours, 413 too large (URL 8 kB, body 64 kB), 503 the token that could tell is not readable. Never '
'raises for what a stranger sends. Behind a proxy, coach_sms.public_url says how Twilio calls it.';

-- PostgREST passes a text/plain body unchanged to a function with one unnamed text parameter. It would
-- return any result as JSON, so this function returns nothing. Twilio takes status 204 for "no reply".
CREATE FUNCTION sms_twilio_webhook_raw(text) RETURNS void
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  headers jsonb;
  status integer;
BEGIN
  BEGIN
    headers := nullif(current_setting('request.headers', true), '')::jsonb;
  EXCEPTION WHEN data_exception THEN
    headers := NULL;
  END;
  -- A call signed by a shared key has that header. Its name in the signature's place makes the refusal clear.
  SELECT w.http_status INTO status
    FROM @extschema@.sms_twilio_webhook(headers->>'x-called-url', $1,
           coalesce('X-Twilio-Webhooks-Signature-Settings: '
                      || nullif(headers->>'x-twilio-webhooks-signature-settings', ''),
                    headers->>'x-twilio-signature')) w;
  PERFORM set_config('response.status', CASE status WHEN 200 THEN '204' ELSE status::text END, true);
END
$$;
COMMENT ON FUNCTION sms_twilio_webhook_raw(text) IS
'sms_twilio_webhook for PostgREST: POST /rpc/sms_twilio_webhook_raw with the raw body as text/plain, the '
'URL that Twilio called in the header X-Called-URL, and X-Twilio-Signature. Answers with a status alone, '
'204 for taken.';
