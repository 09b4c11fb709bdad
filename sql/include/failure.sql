\set ECHO none
-- SQLSTATE and message, detail, hint of the error that a statement raises. Message ids are hidden.
CREATE FUNCTION pg_temp.failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
  hint text;
BEGIN
  EXECUTE statement;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN format(E'%s %s\n  %s\n  %s', SQLSTATE, regexp_replace(SQLERRM, '01[0-9a-f]{6}-[-0-9a-f]{27}', '<id>'), detail, hint);
END
$$;
\set ECHO all
