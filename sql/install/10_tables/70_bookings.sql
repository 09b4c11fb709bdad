-- Bookings: the application's tables that hold them, and the texts that they had.

-- A writer of this row chooses the tables that are read with their owner's rights. So it belongs to the
-- superuser who created the extension, and not to coach_sms_owner as everything else does.
CREATE TABLE sms_bookings_source (
  singleton    boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  bookings     regclass NOT NULL,
  clients      regclass NOT NULL,
  orgs         regclass NOT NULL,
  mapping      jsonb NOT NULL,
  attached_at  timestamptz NOT NULL DEFAULT now(),
  attached_by  text NOT NULL DEFAULT session_user
);
COMMENT ON TABLE sms_bookings_source IS
'The attached tables of bookings: one row, which sms_attach_bookings() writes. Only superusers may write '
'it, because it names the tables that are read with their owners'' rights.';
COMMENT ON COLUMN sms_bookings_source.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN sms_bookings_source.bookings IS
'The application''s bookings, a table or view. A dump has its name.';
COMMENT ON COLUMN sms_bookings_source.clients IS 'The application''s clients.';
COMMENT ON COLUMN sms_bookings_source.orgs IS 'The application''s orgs.';
COMMENT ON COLUMN sms_bookings_source.mapping IS
'Our column names with the application''s, and all words of the status that count.';
COMMENT ON COLUMN sms_bookings_source.attached_at IS
'When they were attached. Sessions that ended before it get no feedback request.';
COMMENT ON COLUMN sms_bookings_source.attached_by IS 'The role that attached them.';

-- A booking as read from the application's tables. state is confirmed, completed or other. first_name
-- is NULL where the mapping names none.
CREATE TYPE coach_sms_internal.sms_booking AS (
  id             uuid,
  org_id         uuid,
  client_id      uuid,
  start_time     timestamptz,
  end_time       timestamptz,
  state          text,
  reminder_sent  boolean,
  feedback_sent  boolean,
  location       text,
  has_client     boolean,
  full_name      text,
  phone          text,
  org_name       text,
  first_name     text
);

CREATE TABLE sms_booking_texts (
  booking_id     uuid NOT NULL,
  type           text NOT NULL CHECK (type IN ('confirmation', 'reminder', 'feedback')),
  schedule_id    uuid NOT NULL DEFAULT coach_sms_internal.sms_no_schedule(),
  org_id         uuid NOT NULL,
  session_start  timestamptz,
  session_end    timestamptz,
  message_id     uuid,
  reason         text,
  detail         text,
  try_until      timestamptz,
  revision       integer NOT NULL DEFAULT 0,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  series         uuid,
  PRIMARY KEY (booking_id, type, schedule_id)
);
CREATE INDEX sms_booking_texts_message ON sms_booking_texts (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX sms_booking_texts_again ON sms_booking_texts (try_until) WHERE try_until IS NOT NULL;
CREATE INDEX sms_booking_texts_series ON sms_booking_texts (series) WHERE series IS NOT NULL;
COMMENT ON TABLE sms_booking_texts IS
'The latest text of each kind that a booking got, or did not get. sms_explain() says it in words.';
COMMENT ON COLUMN sms_booking_texts.booking_id IS 'The booking.';
COMMENT ON COLUMN sms_booking_texts.type IS 'confirmation, reminder or feedback.';
COMMENT ON COLUMN sms_booking_texts.schedule_id IS
'The row of sms_schedules it is for; all zero where it is for the hours in sms_settings.';
COMMENT ON COLUMN sms_booking_texts.org_id IS 'The booking''s org.';
COMMENT ON COLUMN sms_booking_texts.session_start IS
'The start of the session that it was made for. The booking was moved if it has another start now.';
COMMENT ON COLUMN sms_booking_texts.session_end IS 'The end of the session that it was made for.';
COMMENT ON COLUMN sms_booking_texts.message_id IS 'The message. NULL where there is none; reason says why.';
COMMENT ON COLUMN sms_booking_texts.reason IS
'Why there is no message, as a word that sms_explain() puts into a sentence (doc/bookings.md). '
'booking_cancelled beside a message: the booking was cancelled after it. NULL: all is well.';
COMMENT ON COLUMN sms_booking_texts.detail IS 'The message of the error.';
COMMENT ON COLUMN sms_booking_texts.try_until IS
'It is tried again until this time. NULL: the decision is final.';
COMMENT ON COLUMN sms_booking_texts.revision IS 'The number of messages that were made for it.';
COMMENT ON COLUMN sms_booking_texts.created_at IS 'When the row was inserted.';
COMMENT ON COLUMN sms_booking_texts.updated_at IS 'When it was last decided.';
COMMENT ON COLUMN sms_booking_texts.series IS
'The same for all bookings that one transaction confirmed to one client.';

DO $$
BEGIN
  PERFORM pg_catalog.pg_extension_config_dump('@extschema@.sms_bookings_source'::pg_catalog.regclass, '');
  PERFORM pg_catalog.pg_extension_config_dump('@extschema@.sms_booking_texts'::pg_catalog.regclass, '');
END
$$;
