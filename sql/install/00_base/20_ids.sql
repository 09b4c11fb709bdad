-- Functions of the library that the tables need.

CREATE FUNCTION sms_uuidv7() RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_uuidv7' LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION sms_uuidv7() IS
'Returns a new UUID of version 7 (RFC 9562). It begins with the time in milliseconds, so that new rows go '
'to the right edge of every index.';

CREATE FUNCTION sms_template_variables(body text) RETURNS text[]
  AS 'MODULE_PATHNAME', 'coach_sms_template_variables' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION sms_template_variables(text) IS
'Returns the distinct {{names}} of a template, in order. Raises SM003 for a broken placeholder.';
