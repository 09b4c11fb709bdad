-- The views of a coach's office. They read with the rights of their reader, so that policies choose the rows.
-- Functions that read more than that check the org themselves.

-- Returns whether the current user reads the texts of all orgs, as a service does. An operator acts for all
-- orgs, and reads no text.
CREATE FUNCTION coach_sms_internal.sms_reads_all_texts() RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT has_function_privilege(
    '@extschema@.insert_sms_from_service(uuid, uuid, text, text, jsonb, text, timestamptz, text)', 'EXECUTE')
$$;

-- Carries out sms_unfinished_of() as coach_sms_owner. Times in held_by are in the org's zone.
CREATE FUNCTION coach_sms_internal.sms_unfinished_of_as_owner(
  org_id uuid, until timestamptz, zone text)
  RETURNS TABLE (message_id uuid, due_at timestamptz, held_by text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM coach_sms_internal.sms_require_org(org_id);
  PERFORM set_config('TimeZone', zone, true);
  RETURN QUERY
    SELECT h.*
      FROM coach_sms_internal.sms_holds_of($1, ARRAY(
             SELECT q.message_id FROM coach_sms_internal.sms_queue q
              WHERE q.org_id = $1 AND q.due_at < until)) h
    UNION ALL
    SELECT f.message_id, f.claimed_at,
           CASE f.state WHEN 'unknown' THEN coach_sms_internal.sms_why_unknown(f) END
      FROM coach_sms_internal.sms_in_flight f WHERE f.org_id = $1;
END
$$;

-- Returns the messages of the org that wait and are due before that time, and those under way: when each is
-- due or was claimed, and what holds it. Raises SM001 for an org of others.
CREATE FUNCTION coach_sms_internal.sms_unfinished_of(org_id uuid, until timestamptz, zone text)
  RETURNS TABLE (message_id uuid, due_at timestamptz, held_by text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE ROWS 100;
