-- Time zones. Updates of the time zone package drop names, and a restored database may run on another
-- package. So a stored name may be unknown when it is read.

-- Returns whether this server knows an IANA time zone of that name.
CREATE FUNCTION coach_sms_internal.sms_is_zone(name text) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_zone' LANGUAGE C STABLE STRICT PARALLEL SAFE;

-- Returns the name, or UTC where it is NULL or this server does not know it.
CREATE FUNCTION coach_sms_internal.sms_known_zone(name text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_known_zone' LANGUAGE C STABLE PARALLEL SAFE;

-- Raises SM020 unless this server knows the time zone. place names the column or key in the error's detail.
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
