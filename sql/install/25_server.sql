-- Which server may send for this database. Never dumped: a copy is another server until it is armed.
CREATE TABLE sms_server (
  singleton          boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  mode               text NOT NULL CHECK (mode IN ('sandbox', 'live')),
  system_identifier  bigint NOT NULL,
  database_oid       oid NOT NULL,
  arm_id             uuid NOT NULL,
  changed_at         timestamptz NOT NULL DEFAULT now(),
  changed_by         text NOT NULL DEFAULT session_user,
  paused_until       timestamptz,
  live_since         timestamptz
);
COMMENT ON TABLE sms_server IS 'Internal: one row that ties sending to this server and this database. Written by CREATE EXTENSION, sms_go_live() and sms_go_sandbox().';
COMMENT ON COLUMN sms_server.singleton IS 'There is one row.';
COMMENT ON COLUMN sms_server.mode IS 'sandbox: answers are made in-process; live: messages go to Twilio.';
COMMENT ON COLUMN sms_server.system_identifier IS 'pg_control''s identifier of the cluster that was armed.';
COMMENT ON COLUMN sms_server.database_oid IS 'OID of the database that was armed.';
COMMENT ON COLUMN sms_server.arm_id IS 'Random; live needs the same id in the file <key_file>.live.<system identifier>.<database oid>.';
COMMENT ON COLUMN sms_server.changed_at IS 'When the mode was set.';
COMMENT ON COLUMN sms_server.changed_by IS 'Who set it.';
COMMENT ON COLUMN sms_server.paused_until IS 'Nothing of any org is sent before this time. NULL: not paused.';
COMMENT ON COLUMN sms_server.live_since IS
'When sms_go_live() last ended the sandbox. What was confirmed or over before is history.';

DO $$
DECLARE
  kept text;
BEGIN
  FOREACH kept IN ARRAY ARRAY['sms_settings', 'sms_templates', 'sms_messages', 'sms_attempts', 'sms_events',
                              'sms_suppression', 'sms_opt_outs', 'sms_phone_salt', 'sms_schedules', 'sms_usage', 'sms_idempotency_keys'] LOOP
    PERFORM pg_catalog.pg_extension_config_dump(pg_catalog.format('@extschema@.%I', kept)::pg_catalog.regclass, '');
  END LOOP;
END
$$;
