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
'One row an org: its Twilio account, its sender and its rules. An org without a row cannot send.';
COMMENT ON COLUMN sms_settings.org_id IS 'The organisation (tenant).';
COMMENT ON COLUMN sms_settings.twilio_account_sid IS
'Twilio account: AC and 32 hex digits. Any other text is stored with a WARNING, and the org''s messages '
'wait until it is corrected. NULL or blank: coach_sms.twilio_account_sid of the server.';
COMMENT ON COLUMN sms_settings.twilio_auth_token_encrypted IS
'Twilio auth token. It is sealed before it is stored: trimmed, encrypted by AES-256-GCM and bound to '
'org_id. A blank text is stored as NULL. Raises SM013 without coach_sms.key_file. NULL: the server''s '
'token.';
COMMENT ON COLUMN sms_settings.twilio_messaging_service_sid IS
'Messaging Service to send with: MG and 32 hex digits. It goes before twilio_phone_number. Any other text '
'is stored with a WARNING, and the org''s messages wait until it is corrected.';
COMMENT ON COLUMN sms_settings.twilio_phone_number IS
'Sender: a number, stored in E.164 form as read in default_region; a short code of 3 to 6 digits; or a '
'name. A name has 1 to 11 letters, digits, blanks and + - _ &, with at least one letter. Raises SM006 for '
'any other text. NULL or blank: the server''s sender.';
COMMENT ON COLUMN sms_settings.enabled IS
'false: sms_enqueue raises SM002, and messages that wait are kept and not sent. Default true.';
COMMENT ON COLUMN sms_settings.send_booking_confirmations IS
'Whether bookings get confirmations. Default true.';
COMMENT ON COLUMN sms_settings.send_session_reminders IS 'Whether bookings get reminders. Default true.';
COMMENT ON COLUMN sms_settings.send_feedback_requests IS
'Whether bookings get feedback requests. Default true.';
COMMENT ON COLUMN sms_settings.reminder_hours_before IS
'Hours before a session at which its reminder is due. Default 24.';
COMMENT ON COLUMN sms_settings.feedback_hours_after IS
'Hours after the end of a session at which its feedback request is due. Default 2.';
COMMENT ON COLUMN sms_settings.quiet_hours_start IS
'Hour of the day (0 to 23, in timezone) from which nothing is sent. Default 21. Equal to quiet_hours_end: '
'no quiet hours.';
COMMENT ON COLUMN sms_settings.quiet_hours_end IS
'Hour of the day (0 to 23, in timezone) from which messages are sent again. Default 8.';
COMMENT ON COLUMN sms_settings.timezone IS
'IANA time zone of the org. Writing an unknown name raises SM020; a stored name that the server does not '
'know any more counts as UTC. Default Australia/Sydney.';
COMMENT ON COLUMN sms_settings.max_sms_per_hour IS 'Messages in any 60 minutes. Default 100, NULL: no limit.';
COMMENT ON COLUMN sms_settings.max_sms_per_client_per_day IS
'Messages to one client in any 24 hours. Default 5, NULL: no limit.';
COMMENT ON COLUMN sms_settings.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN sms_settings.default_region IS
'ISO 3166 country in which numbers without a country code are read. Raises SM015 for any other text. '
'Default AU.';
COMMENT ON COLUMN sms_settings.max_segments IS 'Most segments of a message. Default NULL: Twilio''s limit.';
COMMENT ON COLUMN sms_settings.monthly_budget_segments IS
'Most segments in a calendar month. Default NULL: no limit.';
COMMENT ON COLUMN sms_settings.price_per_segment IS
'Estimated price of a segment, in currency, for sms_preview and sms_cost. Default NULL: not known.';
COMMENT ON COLUMN sms_settings.currency IS 'ISO 4217 code of price_per_segment. Default NULL.';
COMMENT ON COLUMN sms_settings.max_segments_per_second IS
'Most segments a second of the sender, from 0.001 to 10000. Default NULL: no limit.';
COMMENT ON COLUMN sms_settings.retention_days IS
'Days (1 to 36500) after their last change for which finished messages are kept, with attempts, events and '
'people''s texts. Default NULL: for ever.';
COMMENT ON COLUMN sms_settings.unknown_policy IS
'The end of a message whose outcome is unknown, once Twilio''s lists have shown it absent. '
'resend_if_absent (default) sends it again; hold ends it as failed with error_code outcome_unknown.';
COMMENT ON COLUMN sms_settings.paused_until IS
'Nothing of this org is sent before this time (infinity: until sms_resume). Default NULL: not paused.';
COMMENT ON COLUMN sms_settings.twilio_second_auth_token_encrypted IS
'Second token of the account, for the time of a change of tokens. The webhook accepts its signatures too. '
'It is sealed as twilio_auth_token_encrypted is. Default NULL: none.';
COMMENT ON COLUMN sms_settings.created_at IS 'When the row was inserted.';
