CREATE TABLE sms_settings (
  org_id                        uuid PRIMARY KEY,
  twilio_account_sid            text,
  twilio_auth_token_encrypted   text,
  twilio_messaging_service_sid  text,
  twilio_phone_number           text,
  enabled                       boolean NOT NULL DEFAULT true,
  send_booking_confirmations    boolean NOT NULL DEFAULT true,
  send_session_reminders        boolean NOT NULL DEFAULT true,
  send_feedback_requests        boolean NOT NULL DEFAULT true,
  reminder_hours_before         integer NOT NULL DEFAULT 24 CHECK (reminder_hours_before BETWEEN 0 AND 8760),
  feedback_hours_after          integer NOT NULL DEFAULT 2 CHECK (feedback_hours_after BETWEEN 0 AND 8760),
  quiet_hours_start             integer DEFAULT 21 CHECK (quiet_hours_start BETWEEN 0 AND 23),
  quiet_hours_end               integer DEFAULT 8 CHECK (quiet_hours_end BETWEEN 0 AND 23),
  timezone                      text NOT NULL DEFAULT 'Australia/Sydney',
  max_sms_per_hour              integer DEFAULT 100 CHECK (max_sms_per_hour >= 0),
  max_sms_per_client_per_day    integer DEFAULT 5 CHECK (max_sms_per_client_per_day >= 0),
  updated_at                    timestamptz NOT NULL DEFAULT now(),
  default_region                text NOT NULL DEFAULT 'AU' CHECK (default_region ~ '^[A-Z]{2}$'),
  max_segments                  integer CHECK (max_segments > 0),
  monthly_budget_segments       integer CHECK (monthly_budget_segments >= 0),
  price_per_segment             numeric CHECK (price_per_segment >= 0::numeric),
  currency                      text CHECK (currency ~ '^[A-Z]{3}$'),
  max_segments_per_second       numeric CHECK (max_segments_per_second BETWEEN 0.001 AND 10000::numeric),
  retention_days                integer CHECK (retention_days BETWEEN 1 AND 36500),
  unknown_policy                text NOT NULL DEFAULT 'resend_if_absent'
                                CHECK (unknown_policy IN ('resend_if_absent', 'hold')),
  paused_until                  timestamptz,
  twilio_second_auth_token_encrypted text,
  created_at                    timestamptz NOT NULL DEFAULT now()
);
-- Each webhook call names an account, strangers' calls too.
CREATE INDEX sms_settings_account ON sms_settings (twilio_account_sid);
COMMENT ON TABLE sms_settings IS
'One row an org: its Twilio account and sender, and its rules. An org without a row cannot send.';
COMMENT ON COLUMN sms_settings.org_id IS 'The organisation (tenant).';
COMMENT ON COLUMN sms_settings.twilio_account_sid IS
'Twilio account: AC and 32 hex digits. Another text is stored with a WARNING, and the org''s messages wait '
'until it is corrected. NULL or blank: coach_sms.twilio_account_sid of the server.';
COMMENT ON COLUMN sms_settings.twilio_auth_token_encrypted IS
'Twilio auth token. Whatever is written here is sealed (AES-256-GCM, bound to org_id) before it is stored, '
'without blanks at its ends; a blank text is stored as NULL. Needs coach_sms.key_file, else SM013. NULL: '
'the server''s own token.';
COMMENT ON COLUMN sms_settings.twilio_messaging_service_sid IS
'Messaging Service to send with, MG and 32 hex digits; goes before twilio_phone_number. Another text is '
'stored with a WARNING, and the org''s messages wait until it is corrected.';
COMMENT ON COLUMN sms_settings.twilio_phone_number IS
'Number to send from, stored in E.164 form as read in default_region; or a short code of 3 to 6 digits; or '
'a name of 1 to 11 letters, digits, blanks and + - _ & with a letter in it. Anything else is refused '
'(SM006). NULL or blank: the server''s sender.';
COMMENT ON COLUMN sms_settings.enabled IS
'false: sms_enqueue raises SM002, and what waits is kept and not sent. Default true.';
COMMENT ON COLUMN sms_settings.send_booking_confirmations IS 'Confirmations for bookings. Default true.';
COMMENT ON COLUMN sms_settings.send_session_reminders IS 'Reminders before a session. Default true.';
COMMENT ON COLUMN sms_settings.send_feedback_requests IS 'Feedback requests after a session. Default true.';
COMMENT ON COLUMN sms_settings.reminder_hours_before IS
'Hours before a session at which its reminder is due. Default 24.';
COMMENT ON COLUMN sms_settings.feedback_hours_after IS
'Hours after the end of a session at which feedback is asked for. Default 2.';
COMMENT ON COLUMN sms_settings.quiet_hours_start IS
'Hour of the day (0 to 23, in timezone) from which nothing is sent. Default 21. Equal to quiet_hours_end: '
'no quiet hours.';
COMMENT ON COLUMN sms_settings.quiet_hours_end IS
'Hour of the day (0 to 23, in timezone) from which messages go out again. Default 8.';
COMMENT ON COLUMN sms_settings.timezone IS
'IANA zone of the org; one that the server does not know any more counts as UTC. Default Australia/Sydney.';
COMMENT ON COLUMN sms_settings.max_sms_per_hour IS 'Messages in any 60 minutes. Default 100, NULL: no limit.';
COMMENT ON COLUMN sms_settings.max_sms_per_client_per_day IS
'Messages to one client in any 24 hours. Default 5, NULL: no limit.';
COMMENT ON COLUMN sms_settings.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN sms_settings.default_region IS
'ISO 3166 country in which numbers without a country code are read; another text raises SM015. Default AU.';
COMMENT ON COLUMN sms_settings.max_segments IS
'Most segments a message may have. NULL: as many as Twilio takes.';
COMMENT ON COLUMN sms_settings.monthly_budget_segments IS 'Segments a calendar month. NULL: no budget.';
COMMENT ON COLUMN sms_settings.price_per_segment IS
'Estimated price of a segment, in currency; sms_preview multiplies with it.';
COMMENT ON COLUMN sms_settings.currency IS 'ISO 4217 code of price_per_segment.';
COMMENT ON COLUMN sms_settings.max_segments_per_second IS
'Rate of the sender, in segments a second, from 0.001 to 10000. NULL: as fast as Twilio answers.';
COMMENT ON COLUMN sms_settings.retention_days IS
'Days (1 to 36500) for which finished messages are kept after their last change, with attempts, events and '
'people''s texts. NULL: for ever.';
COMMENT ON COLUMN sms_settings.unknown_policy IS
'What becomes of a message that Twilio may or may not have taken, once its lists have shown it absent: '
'resend_if_absent (default) sends it again, hold ends it as failed with error_code outcome_unknown.';
COMMENT ON COLUMN sms_settings.paused_until IS
'Nothing of this org is sent before this time (infinity: until sms_resume). NULL: not paused.';
COMMENT ON COLUMN sms_settings.twilio_second_auth_token_encrypted IS
'Another token of the account whose signatures the webhook takes too, while the token is changed; sealed '
'as twilio_auth_token_encrypted is. Default NULL: none.';
COMMENT ON COLUMN sms_settings.created_at IS 'When the row was made.';
