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
'The attached bookings, one row, written by sms_attach_bookings(). Only superusers may write it: it says '
'whose tables are read.';
COMMENT ON COLUMN sms_bookings_source.singleton IS 'There is one row.';
COMMENT ON COLUMN sms_bookings_source.bookings IS
'The application''s bookings, a table or view. Dumped by name.';
COMMENT ON COLUMN sms_bookings_source.clients IS 'Its clients.';
COMMENT ON COLUMN sms_bookings_source.orgs IS 'Its orgs.';
COMMENT ON COLUMN sms_bookings_source.mapping IS
'Our column names and theirs, and the words of the status that count, all of them.';
COMMENT ON COLUMN sms_bookings_source.attached_at IS
'What ended before this time is history: nobody is asked for feedback on it.';
COMMENT ON COLUMN sms_bookings_source.attached_by IS 'Who attached them.';

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
  schedule_id    uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
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
'The latest text of each kind that a booking had or did not get. sms_explain() tells it in words.';
COMMENT ON COLUMN sms_booking_texts.booking_id IS 'The booking.';
COMMENT ON COLUMN sms_booking_texts.type IS 'confirmation, reminder or feedback.';
COMMENT ON COLUMN sms_booking_texts.schedule_id IS
'The row of sms_schedules it is for; all zero where it is for the hours in sms_settings.';
COMMENT ON COLUMN sms_booking_texts.org_id IS 'The booking''s org.';
COMMENT ON COLUMN sms_booking_texts.session_start IS
'The start it was made for; another one by now means that the booking was moved.';
COMMENT ON COLUMN sms_booking_texts.session_end IS 'The end it was made for.';
COMMENT ON COLUMN sms_booking_texts.message_id IS
'The message; NULL where there is none, and reason says why.';
COMMENT ON COLUMN sms_booking_texts.reason IS
'Why there is no message, in a word that sms_explain() puts into a sentence (README, Bookings, has the '
'common ones), or booking_cancelled beside a message of a booking that was called off after it. NULL: all '
'is well.';
COMMENT ON COLUMN sms_booking_texts.detail IS 'The reason in words, as the error had it.';
COMMENT ON COLUMN sms_booking_texts.try_until IS 'Until when it is tried again; NULL: it is final.';
COMMENT ON COLUMN sms_booking_texts.revision IS 'How many messages were made for it.';
COMMENT ON COLUMN sms_booking_texts.created_at IS 'When there was first something to tell.';
COMMENT ON COLUMN sms_booking_texts.updated_at IS 'When it was last decided.';
COMMENT ON COLUMN sms_booking_texts.series IS
'The same for all bookings that one transaction confirmed to one client.';

DO $$
BEGIN
  PERFORM pg_catalog.pg_extension_config_dump('@extschema@.sms_bookings_source'::pg_catalog.regclass, '');
  PERFORM pg_catalog.pg_extension_config_dump('@extschema@.sms_booking_texts'::pg_catalog.regclass, '');
END
$$;
