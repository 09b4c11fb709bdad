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

-- Returns the schedule_id of a text that is for the hours in sms_settings. It is no NULL: a primary key has
-- none, and publications need the key.
CREATE FUNCTION coach_sms_internal.sms_no_schedule() RETURNS uuid
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN '00000000-0000-0000-0000-000000000000'::uuid;
