-- The orgs that a role may see and act for. coach_sms.tenancy_function, a function of the application,
-- decides with the caller's rights. Where it is not set, the claims of a token decide.

CREATE FUNCTION sms_every_org() RETURNS SETOF uuid
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$ SELECT s.org_id FROM @extschema@.sms_settings s $$;
COMMENT ON FUNCTION sms_every_org() IS
'Returns every org that has settings. A role that may execute it acts for all orgs; sms_grant_service and '
'sms_grant_operator grant it.';

CREATE FUNCTION sms_acts_for_all() RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_acts_for_all' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION sms_acts_for_all() IS
'Returns whether the current user acts for every org: whether it may execute sms_every_org().';

CREATE FUNCTION sms_watches_every_org() RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT true $$;
COMMENT ON FUNCTION sms_watches_every_org() IS
'Returns true. A role that may execute it sees the figures of every org and acts for none; '
'sms_grant_monitor grants it.';

-- Returns whether the current user sees the figures of every org: it acts for all, or is a monitor or a
-- gateway.
CREATE FUNCTION coach_sms_internal.sms_sees_all() RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT @extschema@.sms_acts_for_all()
         OR has_function_privilege('@extschema@.sms_watches_every_org()', 'EXECUTE')
         OR has_function_privilege('@extschema@.sms_twilio_webhook_calls(text[], text[], text[])', 'EXECUTE')
$$;

CREATE FUNCTION sms_my_orgs() RETURNS uuid[]
  AS 'MODULE_PATHNAME', 'coach_sms_my_orgs' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION sms_my_orgs() IS
'Returns the orgs of the current user, by coach_sms.tenancy_function or the claims of its token. Policies '
'call it once a statement. Raises SM022 where the function cannot be used.';

CREATE FUNCTION sms_is_my_org(org_id uuid) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_is_my_org' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;
COMMENT ON FUNCTION sms_is_my_org(uuid) IS
'Returns whether the current user belongs to the org, which may have no settings yet. Raises SM022 where '
'coach_sms.tenancy_function cannot be used.';

-- Returns whether the caller of the public function that runs may act for the org; for NULL, for every org.
CREATE FUNCTION coach_sms_internal.sms_may_act_for(org_id uuid) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_may_act_for' LANGUAGE C STABLE;

-- Raises SM001 unless the caller of a public function may act for the org. An org of others and an org
-- that does not exist raise the same error.
CREATE FUNCTION coach_sms_internal.sms_require_org(org_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT coach_sms_internal.sms_may_act_for(org_id) THEN
    RAISE EXCEPTION 'unknown org %', coalesce(org_id::text, 'NULL')
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.',
            HINT = 'Insert its settings first.';
  END IF;
END
$$;
