-- Time zones. A package of time zones drops names now and then, and a restored database may know others: what was a zone
-- when it was written may be none when it is read.

-- Whether it is the name of an IANA time zone that this server knows.
CREATE FUNCTION coach_sms_internal.sms_is_zone(name text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_zone' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- The time zone, or UTC where this server knows none of that name, or none is given.
CREATE FUNCTION coach_sms_internal.sms_known_zone(name text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_known_zone' LANGUAGE C STABLE PARALLEL SAFE;

-- Raises SM020 for what is no time zone.
CREATE FUNCTION coach_sms_internal.sms_check_zone(name text, place text) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT coach_sms_internal.sms_is_zone(name) THEN
    RAISE EXCEPTION 'unknown time zone "%"', left(name, 100)
      USING ERRCODE = 'SM020', DETAIL = format('It was given as %s.', place),
            HINT = 'Use an IANA name, for example Australia/Sydney; pg_timezone_names lists them.';
  END IF;
END
$$;
