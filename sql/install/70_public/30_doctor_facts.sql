-- sms_doctor(): checks of the server, its orgs and its roles. Each function of checks returns a row for each of them: a problem
-- or NULL, and the level that the problem has. An error keeps messages from going out or breaks a rule of rights; a warning
-- is for somebody to put right; a note is for information, such as settings that the sandbox does without.

-- Whether coach_sms.key_file holds a key.
CREATE FUNCTION coach_sms_internal.sms_check_key_file(OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_key_file' LANGUAGE C VOLATILE;

-- The file <key_file>.live.<database oid> of 0.1.0 where it is not this database's; NULL where there is
-- none.
CREATE FUNCTION coach_sms_internal.sms_foreign_live_file() RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_foreign_live_file' LANGUAGE C VOLATILE;

-- Whether an org's sealed token opens; NULL: whether the server has a token.
CREATE FUNCTION coach_sms_internal.sms_check_token(org_id uuid, sealed text, OUT problem text, OUT what_to_do text)
  AS 'MODULE_PATHNAME', 'coach_sms_check_token' LANGUAGE C VOLATILE;

-- File and line that set it, where the caller is a superuser.
CREATE FUNCTION coach_sms_internal.sms_setting_place(setting text) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_setting_place' LANGUAGE C VOLATILE STRICT;

-- The oldest transaction here that keeps dead rows, among those that the caller may see.
CREATE FUNCTION coach_sms_internal.sms_oldest_snapshot(OUT holder text, OUT since timestamptz)
  AS 'MODULE_PATHNAME', 'coach_sms_oldest_snapshot' LANGUAGE C VOLATILE;

-- The first five, and how many more.
CREATE FUNCTION coach_sms_internal.sms_list_orgs(org_ids uuid[]) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT array_to_string(org_ids[1:5], ', ')
         || CASE WHEN cardinality(org_ids) > 5 THEN format(' and %s more', cardinality(org_ids) - 5) ELSE '' END
$$;
