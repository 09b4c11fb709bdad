-- sms_doctor(): checks of the server, its orgs and its roles. Each function of checks returns one row
-- for each check: a problem or NULL, and the problem's level. An error keeps messages from going out,
-- or breaks a rule of rights. A warning needs somebody to act. A note is information, such as a
-- setting that the sandbox does not need.

-- Returns the problem of coach_sms.key_file, and its remedy; NULL where it holds a key.
CREATE FUNCTION coach_sms_internal.sms_check_key_file(OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_key_file' LANGUAGE C VOLATILE;

-- Returns the path of 0.1.0's file <key_file>.live.<database oid> where another database left it; else NULL.
CREATE FUNCTION coach_sms_internal.sms_foreign_live_file() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_foreign_live_file' LANGUAGE C VOLATILE;

-- Returns the problem of an org's sealed token, and its remedy; NULL where it opens. For
-- org_id NULL it checks the server's token.
CREATE FUNCTION coach_sms_internal.sms_check_token(
  org_id uuid, sealed text, OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_token' LANGUAGE C VOLATILE;

-- Returns the file and line that set the setting; NULL where the caller is no superuser.
CREATE FUNCTION coach_sms_internal.sms_setting_place(setting text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_setting_place' LANGUAGE C VOLATILE STRICT;

-- Returns the oldest transaction of this database that keeps dead rows, among those that the caller may see.
CREATE FUNCTION coach_sms_internal.sms_oldest_snapshot(OUT holder text, OUT since timestamptz)
  AS 'MODULE_PATHNAME', 'coach_sms_oldest_snapshot' LANGUAGE C VOLATILE;

-- Returns the first five orgs as a text, and how many more there are.
CREATE FUNCTION coach_sms_internal.sms_list_orgs(org_ids uuid[]) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_to_string(org_ids[1:5], ', ')
         || CASE WHEN cardinality(org_ids) > 5
                 THEN format(' and %s more', cardinality(org_ids) - 5) ELSE '' END
$$;
