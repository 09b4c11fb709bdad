-- Where Twilio's calls come in.

CREATE FUNCTION sms_twilio_webhook(
  url text, body text, signature text, OUT http_status integer, OUT content_type text, OUT response text)
  AS 'MODULE_PATHNAME', 'coach_sms_twilio_webhook' LANGUAGE C VOLATILE
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION sms_twilio_webhook(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_twilio_webhook(text, text, text) IS
'Takes a call of Twilio''s: the URL that was called, the raw body (a form) and the header X-Twilio-Signature. Status callbacks move their message on, texts from people are kept in sms_events; each is stored once. Answer with what it returns: 200 taken, 400 not a form, 403 not signed by an account of ours, 413 too large (URL 8 kB, body 64 kB), 503 the token that could tell is not readable. Never raises for what a stranger sends. Behind a proxy, coach_sms.public_url says how Twilio calls it.';
