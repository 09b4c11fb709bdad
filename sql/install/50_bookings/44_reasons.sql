-- Why a booking has no text, and how long a new try is worth while.

-- Returns the key of the advisory lock under which the texts of a booking are decided.
CREATE FUNCTION coach_sms_internal.sms_lock_booking(booking_id uuid) RETURNS bigint
  LANGUAGE sql IMMUTABLE
  RETURN hashtextextended('coach_sms: booking ' || booking_id::text, 0::bigint);

-- Returns the reason, in a word, for the SQLSTATE that kept a text out of the queue.
CREATE FUNCTION coach_sms_internal.sms_skip_reason(code text) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE code
    WHEN 'SM001' THEN 'no_settings' WHEN 'SM002' THEN 'disabled' WHEN 'SM003' THEN 'template_missing'
      WHEN 'SM004' THEN 'variable_missing'
    WHEN 'SM006' THEN 'invalid_phone' WHEN 'SM007' THEN 'opted_out' WHEN 'SM008' THEN 'no_sender'
      WHEN 'SM009' THEN 'bad_text'
    WHEN 'SM010' THEN 'bad_time' WHEN 'SM011' THEN 'key_used' WHEN 'SM017' THEN 'too_many_segments'
      WHEN 'SM018' THEN 'client_daily_limit'
    WHEN 'SM019' THEN 'country_not_allowed' WHEN 'SM020' THEN 'unknown_zone' ELSE 'error' END;

-- Returns a reason in words.
CREATE FUNCTION coach_sms_internal.sms_reason_in_words(reason text, type text) RETURNS text
  LANGUAGE sql IMMUTABLE
  RETURN CASE reason
    WHEN 'no_org' THEN 'the booking has no org'
    WHEN 'no_start_time' THEN 'the booking has no start time'
    WHEN 'no_end_time' THEN 'the booking has no end time'
    WHEN 'ends_before_start' THEN 'the booking ends before it starts'
    WHEN 'not_confirmed' THEN CASE type WHEN 'feedback' THEN 'the booking is neither confirmed nor completed'
      ELSE 'the booking is not confirmed' END
    WHEN 'not_completed' THEN 'the session is not completed yet'
    WHEN 'session_over' THEN 'the session is completed'
    WHEN 'before_attach' THEN CASE type WHEN 'feedback' THEN 'it ended before the bookings were attached'
      ELSE 'it was confirmed before the bookings were attached' END
    WHEN 'before_live' THEN CASE type WHEN 'feedback' THEN 'it ended' ELSE 'it was confirmed' END
                            || ' before the database went live'
    WHEN 'before_rule' THEN 'it was due before its row of sms_schedules was made'
    WHEN 'already_sent' THEN 'it was sent already, or the application had marked it as sent'
    WHEN 'superseded' THEN 'a later reminder was due as well'
    WHEN 'confirmation_just_sent' THEN 'the confirmation went out less than an hour before'
    WHEN 'no_settings' THEN 'the org has no row in sms_settings'
    WHEN 'disabled' THEN 'the org is disabled (sms_settings.enabled)'
    WHEN 'switched_off' THEN 'the org has switched it off'
    WHEN 'no_client' THEN 'the booking has no client of its org'
    WHEN 'no_phone' THEN 'the client has no phone number'
    WHEN 'part_of_series' THEN 'others of its series were confirmed, and the client''s limit is reached'
    WHEN 'series_changed' THEN 'its series is confirmed anew'
    WHEN 'client_daily_limit' THEN
      'the client has had as many texts in 24 hours as max_sms_per_client_per_day allows'
    ELSE reason END;

-- Returns until when a skipped text is tried again; NULL: never. A confirmation is tried again for a day,
-- because a later one would only puzzle. A text that the org had not set up, or had switched off, when the
-- booking was made is never sent, so switching it on texts no history. A reminder that a confirmation had
-- replaced is sent after all where the confirmation fails.
CREATE FUNCTION coach_sms_internal.sms_try_until(type text, reason text, expires_at timestamptz)
  RETURNS timestamptz
  LANGUAGE sql STABLE
  RETURN CASE WHEN reason IN ('before_rule', 'already_sent', 'superseded') THEN NULL
              WHEN type <> 'confirmation' THEN expires_at
              WHEN reason IN ('no_settings', 'disabled', 'switched_off') THEN NULL
              ELSE least(expires_at, now() + interval '1 day') END;
