-- Text: templates, segments, numbers. Functions of the library that read no table.

CREATE FUNCTION render_sms_template(body text, variables jsonb DEFAULT '{}') RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_render_template' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION render_sms_template(text, jsonb) IS
'Returns the text with every {{name}} replaced, in one pass: a value that looks like a placeholder stays '
'as it is. Raises SM003 for a broken placeholder, SM004 for missing variables, SM005 for variables that '
'are no object of plain values.';

CREATE FUNCTION sms_segments(body text, OUT encoding text, OUT segments integer, OUT units integer)
  AS 'MODULE_PATHNAME', 'coach_sms_segments' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sms_segments(text) IS
'Returns how the text is sent: encoding (GSM-7 or UCS-2), segments (the unit of Twilio''s price) and '
'units. Units are septets in GSM-7 and 16-bit units in UCS-2.';

CREATE FUNCTION sms_smart_encode(body text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_smart_encode' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sms_smart_encode(text) IS
'Returns the text as Twilio''s Smart Encoding changes it: curly quotes, dashes and similar characters '
'become characters of GSM-7.';

-- Returns the name to greet a person by: the first word after titles, or the first word after the comma in
-- "Lee, Ann". Returns NULL where there is none. Not IMMUTABLE: a new ICU knows more of Unicode.
CREATE FUNCTION coach_sms_internal.sms_first_name(full_name text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_first_name' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- Not IMMUTABLE: a new libphonenumber has other numbering plans, and an index would not follow.
CREATE FUNCTION sms_normalize_phone(phone text, region text DEFAULT 'AU') RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_normalize_phone' LANGUAGE C STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sms_normalize_phone(text, text) IS
'Returns the number in E.164 form. A number without a country code is read as dialled in the region (ISO '
'3166, default AU). Raises SM006 for a text that is no possible number, SM015 for an unknown region.';

-- Returns sms_normalize_phone() of a stored number. A number in E.164 form that numbering plans do
-- not know any more is returned as it is.
CREATE FUNCTION coach_sms_internal.sms_keep_phone(phone text, region text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_keep_phone' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- Returns a sender as Twilio takes it: a number in E.164 form, a short code or a name; NULL for a blank text.
-- Raises SM006 for any other text.
CREATE FUNCTION coach_sms_internal.sms_normalize_sender(sender text, region text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_normalize_sender' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- Returns a sender in the form in which senders are compared: sms_normalize_sender() of it, or
-- the text as given where it is no sender.
CREATE FUNCTION coach_sms_internal.sms_sender_address(sender text, region text DEFAULT 'AU') RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_sender_address' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- Returns the text without blanks and invisible characters at its ends; NULL where nothing is left.
CREATE FUNCTION coach_sms_internal.sms_trim_blanks(given text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_trim_blanks' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

-- Returns whether the text has the form of Twilio's SIDs: the prefix (AC: account, MG:
-- Messaging Service) and 32 hex digits.
CREATE FUNCTION coach_sms_internal.sms_is_sid(sid text, prefix text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_sid' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION sms_validate_twilio_signature(
  auth_token text, url text, body text, signature text,
  content_type text DEFAULT 'application/x-www-form-urlencoded')
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_validate_signature' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION sms_validate_twilio_signature(text, text, text, text, text) IS
'Returns whether Twilio signed a request to this public URL with this raw body. signature is the header '
'X-Twilio-Signature. Returns false for malformed or NULL arguments. Takes constant time.';
