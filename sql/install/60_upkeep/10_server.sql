-- The mode of this server for this database: sandbox, live or not armed.

-- Returns pg_control's identifier of this cluster.
CREATE FUNCTION coach_sms_internal.sms_system_identifier() RETURNS bigint
  AS 'MODULE_PATHNAME', 'coach_sms_system_identifier' LANGUAGE C STABLE PARALLEL SAFE;

-- Fires sms_server_forget, which finds no sender to wake yet.
INSERT INTO coach_sms_internal.sms_server (mode, system_identifier, database_oid, arm_id)
  SELECT 'sandbox', coach_sms_internal.sms_system_identifier(), d.oid, gen_random_uuid()
    FROM pg_catalog.pg_database d WHERE d.datname = current_database();

CREATE FUNCTION sms_mode(OUT mode text, OUT reason text)
  AS 'MODULE_PATHNAME', 'coach_sms_mode' LANGUAGE C STABLE
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION sms_mode() IS
'Returns whether this server sends for this database: mode is sandbox, live or not armed, and reason says '
'why it is not armed.';

-- Writes the row in sms_server and the file <key_file>.live.<system identifier>.<database oid>.
CREATE FUNCTION coach_sms_internal.sms_arm(live boolean) RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_arm' LANGUAGE C VOLATILE STRICT
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
