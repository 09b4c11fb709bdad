CREATE TABLE sms_suppression (
  id          uuid PRIMARY KEY DEFAULT sms_uuidv7(),
  org_id      uuid NOT NULL,
  phone       text NOT NULL,
  reason      text NOT NULL DEFAULT 'manual'
              CHECK (reason IN ('opt_out', 'invalid_number', 'carrier_violation', 'manual')),
  source      text,
  notes       text,
  client_id   uuid,
  created_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org_id, phone)
);
COMMENT ON TABLE sms_suppression IS 'Numbers to which an org sends nothing.';
COMMENT ON COLUMN sms_suppression.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_suppression.org_id IS 'The org.';
COMMENT ON COLUMN sms_suppression.phone IS
'Number in E.164 form. Any other form is normalised with the org''s default_region. An erased person has '
'hash: and the number''s salted hash.';
COMMENT ON COLUMN sms_suppression.reason IS
'opt_out (the person asked for it), invalid_number, carrier_violation, manual (default).';
COMMENT ON COLUMN sms_suppression.source IS 'The source of the entry, for example sms_opt_out or twilio.';
COMMENT ON COLUMN sms_suppression.notes IS 'A note for people.';
COMMENT ON COLUMN sms_suppression.client_id IS 'The person, if known.';
COMMENT ON COLUMN sms_suppression.created_at IS 'When the entry was made.';

CREATE TABLE sms_opt_outs (
  account_sid  text NOT NULL,
  sender       text NOT NULL,
  phone        text NOT NULL,
  source       text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (phone, account_sid, sender)
);
COMMENT ON TABLE sms_opt_outs IS 'Opt-outs by sender. Each binds every org that uses the sender.';
COMMENT ON COLUMN sms_opt_outs.account_sid IS 'Twilio account; empty where it is not known.';
COMMENT ON COLUMN sms_opt_outs.sender IS 'Number or Messaging Service that the person wrote to.';
COMMENT ON COLUMN sms_opt_outs.phone IS
'The person''s number in E.164 form, or its salted hash as in sms_suppression.';
COMMENT ON COLUMN sms_opt_outs.source IS 'The source of the entry, for example twilio.';
COMMENT ON COLUMN sms_opt_outs.created_at IS 'When the entry was made.';

CREATE TABLE sms_phone_salt (
  singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  salt       bytea NOT NULL
);
COMMENT ON TABLE sms_phone_salt IS
'The salt of the hashes of erased persons'' numbers. One row, from the first erasure on.';
COMMENT ON COLUMN sms_phone_salt.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN sms_phone_salt.salt IS 'Random bytes.';

CREATE TABLE sms_schedules (
  id            uuid PRIMARY KEY DEFAULT sms_uuidv7(),
  org_id        uuid NOT NULL,
  type          text NOT NULL CHECK (type IN ('pre_session', 'post_session')),
  label         text,
  mins_offset   integer NOT NULL CHECK (mins_offset BETWEEN 0 AND 525600),
  template_key  text NOT NULL,
  enabled       boolean NOT NULL DEFAULT true,
  sort_order    integer NOT NULL DEFAULT 0,
  created_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (org_id, type, mins_offset, template_key)
);
COMMENT ON TABLE sms_schedules IS
'Several reminders or feedback requests for an org, in place of the one of sms_settings.';
COMMENT ON COLUMN sms_schedules.id IS 'UUIDv7.';
COMMENT ON COLUMN sms_schedules.created_at IS
'When the row was inserted. It sends no text that was due before.';
COMMENT ON COLUMN sms_schedules.org_id IS 'The org.';
COMMENT ON COLUMN sms_schedules.type IS 'pre_session or post_session.';
COMMENT ON COLUMN sms_schedules.label IS 'A name for people.';
COMMENT ON COLUMN sms_schedules.mins_offset IS
'Minutes before the start (pre_session) or after the end (post_session).';
COMMENT ON COLUMN sms_schedules.template_key IS 'The template''s key.';
COMMENT ON COLUMN sms_schedules.enabled IS 'false: the row sends nothing. Default true.';
COMMENT ON COLUMN sms_schedules.sort_order IS 'Order in lists for people. Default 0.';
