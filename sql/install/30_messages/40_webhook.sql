-- The webhook, which Twilio calls.

CREATE FUNCTION sms_twilio_webhook(
  url text, body text, signature text, OUT http_status integer, OUT content_type text, OUT response text)
  AS 'MODULE_PATHNAME', 'coach_sms_twilio_webhook' LANGUAGE C VOLATILE
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION sms_twilio_webhook(text, text, text) IS
'Takes a webhook call of Twilio: the URL that was called, the raw body (a form) and the header '
'X-Twilio-Signature. Status callbacks change their message''s status, and people''s texts are kept in '
'sms_events. Each call is stored once. Answer with the returned values. http_status is 200 (taken), 400 '
'(no form), 403 (not signed by an account of ours), 413 (URL over 8 kB or body over 64 kB) or 503 (the '
'token is not readable). A stranger''s call never raises an error. Behind a proxy, set '
'coach_sms.public_url to the URL that Twilio calls.';

CREATE FUNCTION sms_twilio_webhook_calls(url text[], body text[], signature text[])
  RETURNS TABLE (http_status integer, content_type text, response text)
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT w.http_status, w.content_type, w.response
    FROM unnest(url, body, signature) WITH ORDINALITY c (url, body, signature, n)
   CROSS JOIN LATERAL @extschema@.sms_twilio_webhook(c.url, c.body, c.signature) w
   ORDER BY c.n
$$;
COMMENT ON FUNCTION sms_twilio_webhook_calls(text[], text[], text[]) IS
'Calls sms_twilio_webhook for each element of the arrays, and returns the answers in their order. '
'coach_sms_gateway takes calls with it that came together. sms_grant_gateway grants it.';

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
'Calls sms_twilio_webhook for PostgREST: POST /rpc/sms_twilio_webhook_raw with the raw body as text/plain. '
'The header X-Called-URL has the URL that Twilio called, and X-Twilio-Signature its signature. The answer '
'is a status alone, 204 for taken.';
