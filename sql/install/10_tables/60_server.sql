-- Which server may send for this database. Never dumped: a copy is another server until it is armed.
CREATE TABLE coach_sms_internal.sms_server (
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
COMMENT ON TABLE coach_sms_internal.sms_server IS 'Internal: one row that ties sending to this server and this database. Written by CREATE EXTENSION, sms_go_live() and sms_go_sandbox().';
COMMENT ON COLUMN coach_sms_internal.sms_server.singleton IS 'There is one row.';
COMMENT ON COLUMN coach_sms_internal.sms_server.mode IS 'sandbox: answers are made in-process; live: messages go to Twilio.';
COMMENT ON COLUMN coach_sms_internal.sms_server.system_identifier IS 'pg_control''s identifier of the cluster that was armed.';
COMMENT ON COLUMN coach_sms_internal.sms_server.database_oid IS 'OID of the database that was armed.';
COMMENT ON COLUMN coach_sms_internal.sms_server.arm_id IS 'Random; live needs the same id in the file <key_file>.live.<system identifier>.<database oid>.';
COMMENT ON COLUMN coach_sms_internal.sms_server.changed_at IS 'When the mode was set.';
COMMENT ON COLUMN coach_sms_internal.sms_server.changed_by IS 'Who set it.';
COMMENT ON COLUMN coach_sms_internal.sms_server.paused_until IS 'Nothing of any org is sent before this time. NULL: not paused.';
COMMENT ON COLUMN coach_sms_internal.sms_server.live_since IS
'When sms_go_live() last ended the sandbox. What was confirmed or over before is history.';

-- Written by the sender alone, where it decides. It empties the table when it starts, and forgets holds of what waits no more.
CREATE TABLE coach_sms_internal.sms_holds (
  key         text PRIMARY KEY,
  rule        text NOT NULL,
  org_id      uuid,
  zone        text COLLATE "C",
  priority    smallint,
  until       timestamptz NOT NULL,
  is_trouble  boolean NOT NULL,
  why         text NOT NULL
);
COMMENT ON TABLE coach_sms_internal.sms_holds IS 'Internal: why messages that are due wait, as the sender decided. Never dumped: the sender fills it anew.';
COMMENT ON COLUMN coach_sms_internal.sms_holds.key IS 'Rule, org and lane in one.';
COMMENT ON COLUMN coach_sms_internal.sms_holds.rule IS 'The rule that holds: server, org, account, quiet_hours, max_sms_per_hour, monthly_budget_segments or max_segments_per_second.';
COMMENT ON COLUMN coach_sms_internal.sms_holds.org_id IS 'The org that is held; NULL: all.';
COMMENT ON COLUMN coach_sms_internal.sms_holds.zone IS 'With priority the lane that is held, as in sms_queue; NULL: all lanes of the org.';
COMMENT ON COLUMN coach_sms_internal.sms_holds.priority IS 'See zone.';
COMMENT ON COLUMN coach_sms_internal.sms_holds.until IS 'When the hold ends; infinity: it is not known.';
COMMENT ON COLUMN coach_sms_internal.sms_holds.is_trouble IS 'It does not pass by itself: somebody must act.';
COMMENT ON COLUMN coach_sms_internal.sms_holds.why IS 'The reason in words, with its end in the zone of the lane or org.';

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
