-- One row that ties sending to this server and this database. CREATE EXTENSION, sms_go_live() and
-- sms_go_sandbox() write it. Never dumped: a copy of the database must be armed before it sends.
CREATE TABLE coach_sms_internal.sms_server (
  -- There is one row.
  singleton          boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- sandbox: answers are made in-process. live: messages go to Twilio.
  mode               text NOT NULL CHECK (mode IN ('sandbox', 'live')),
  -- pg_control's identifier of the cluster that was armed.
  system_identifier  bigint NOT NULL,
  -- OID of the database that was armed.
  database_oid       oid NOT NULL,
  -- Random; live needs the same id in the file <key_file>.live.<system identifier>.<database oid>.
  arm_id             uuid NOT NULL,
  -- When the mode was set.
  changed_at         timestamptz NOT NULL DEFAULT now(),
  -- The role that set it.
  changed_by         text NOT NULL DEFAULT session_user,
  -- Nothing of any org is sent before this time. NULL: not paused.
  paused_until       timestamptz,
  -- When sms_go_live() last ended the sandbox. Bookings confirmed or over before it are history.
  live_since         timestamptz
);

-- The holds: why messages that are due wait. The sender alone writes it: it empties the table when it
-- starts and deletes holds under which nothing waits. Never dumped: the sender fills it anew.
CREATE TABLE coach_sms_internal.sms_holds (
  -- Rule, org and lane in one.
  key         text PRIMARY KEY,
  -- The rule that holds: server, org, account, quiet_hours, max_sms_per_hour, monthly_budget_segments or
  -- max_segments_per_second.
  rule        text NOT NULL,
  -- The org that is held; NULL: all.
  org_id      uuid,
  -- The lane's zone, as in sms_queue; NULL: all lanes of the org.
  zone        text COLLATE "C",
  -- The lane's priority, as in sms_queue; NULL: all lanes of the org.
  priority    smallint,
  -- When the hold ends; infinity where that is not known.
  until       timestamptz NOT NULL,
  -- true: the hold does not end by itself, and somebody must act.
  is_trouble  boolean NOT NULL,
  -- The reason in words, with its end in the zone of the lane or org.
  why         text NOT NULL,
  -- The last four characters of the account's SID, for the rule account.
  account     text
);

-- The messages that coach_sms.max_wait has ended, one row a batch and org. The sender alone writes it: only
-- rows younger than coach_sms.max_wait are kept. Never dumped. sms_messages has no index by which they
-- could be counted.
CREATE TABLE coach_sms_internal.sms_overdue (
  id        uuid PRIMARY KEY DEFAULT @extschema@.sms_uuidv7(),
  ended_at  timestamptz NOT NULL DEFAULT now(),
  org_id    uuid NOT NULL,
  -- Whether they were the sandbox's.
  sandbox   boolean NOT NULL,
  messages  bigint NOT NULL
);

-- The tables that pg_dump carries.
DO $$
DECLARE
  kept text;
BEGIN
  FOREACH kept IN ARRAY ARRAY[
    'sms_settings', 'sms_templates', 'sms_messages', 'sms_attempts', 'sms_events', 'sms_suppression',
    'sms_opt_outs', 'sms_phone_salt', 'sms_schedules', 'sms_usage', 'sms_usage_end',
    'sms_idempotency_keys'] LOOP
    PERFORM pg_catalog.pg_extension_config_dump(
      pg_catalog.format('@extschema@.%I', kept)::pg_catalog.regclass, '');
  END LOOP;
END
$$;
