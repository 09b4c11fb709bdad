-- The words of sms_explain().

-- Returns the reason that would keep a text out of the queue, were it due now; NULL where there is none.
CREATE FUNCTION coach_sms_internal.sms_booking_obstacle(booking coach_sms_internal.sms_booking) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  number text;
BEGIN
  IF NOT booking.has_client THEN
    RETURN coach_sms_internal.sms_reason_in_words('no_client', NULL);
  ELSIF coalesce(booking.phone !~ '[^[:space:]]', true) THEN
    RETURN coach_sms_internal.sms_reason_in_words('no_phone', NULL);
  END IF;
  number := coach_sms_internal.sms_phone_or_null(
    booking.phone, coach_sms_internal.sms_org_region(booking.org_id));
  IF number IS NULL THEN
    RETURN format('invalid phone number "%s"', booking.phone);
  ELSIF @extschema@.is_phone_suppressed(booking.org_id, number) THEN
    RETURN format('%s is suppressed', number);
  END IF;
  RETURN NULL;
END
$$;

-- Returns the state of a text without a message, in words.
CREATE FUNCTION coach_sms_internal.sms_verdict_in_words(
  verdict text, type text, obstacle text, due_at timestamptz, opens_at timestamptz, expires_at timestamptz,
  try_until timestamptz, reason text, detail text, zone text)
  RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE verdict
    WHEN 'later' THEN CASE
      WHEN obstacle IS NOT NULL THEN format('is due on %s, and could not go out today: %s',
        coach_sms_internal.sms_local_time(due_at, zone), obstacle)
      WHEN opens_at >= expires_at THEN format('is due on %s, and will not go out: quiet hours last until %s',
        coach_sms_internal.sms_local_time(due_at, zone), coach_sms_internal.sms_local_time(opens_at, zone))
      WHEN opens_at > due_at THEN format('is due on %s, and goes out once quiet hours end, on %s',
        coach_sms_internal.sms_local_time(due_at, zone), coach_sms_internal.sms_local_time(opens_at, zone))
      ELSE 'goes out on ' || coach_sms_internal.sms_local_time(due_at, zone) END
    WHEN 'made_next' THEN 'is due, and made within a minute'
    WHEN 'unseen' THEN 'is due, and made on ' || coach_sms_internal.sms_local_time(due_at, zone)
    WHEN 'due' THEN CASE WHEN coalesce(detail, reason) IS NULL THEN 'is due, and made within a minute'
      ELSE format('was not queued: %s. The sender tries again each minute until %s', coalesce(detail, reason),
                  coach_sms_internal.sms_local_time(coalesce(try_until, expires_at), zone)) END
    WHEN 'not_completed' THEN CASE
      WHEN expires_at > now()
        THEN format('is due on %s, once the session is completed',
          coach_sms_internal.sms_local_time(due_at, zone))
      ELSE 'was not sent: the session was not completed' END
    WHEN 'too_late' THEN coalesce(
      'was not sent: ' || coalesce(detail, coach_sms_internal.sms_reason_in_words(reason, type)),
      CASE type WHEN 'feedback' THEN 'was due more than three days ago'
                ELSE 'is not sent any more: the session has started' END)
    ELSE 'is not sent: ' || coalesce(CASE WHEN verdict = reason THEN detail END,
                                     coach_sms_internal.sms_reason_in_words(verdict, type))
  END
$$;

-- Returns the state of a message, in words.
CREATE FUNCTION coach_sms_internal.sms_message_in_words(message sms_messages, zone text) RETURNS text
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE message.status
    WHEN 'sending' THEN 'is being handed to Twilio'
    WHEN 'sent' THEN 'was handed to Twilio on ' || coach_sms_internal.sms_local_time(message.sent_at, zone)
    WHEN 'delivered' THEN 'was delivered on ' || coach_sms_internal.sms_local_time(message.delivered_at, zone)
    WHEN 'failed' THEN format('failed on %s: %s', coach_sms_internal.sms_local_time(message.failed_at, zone),
                              coach_sms_internal.sms_reason(message.error_code, message.error_message))
    WHEN 'cancelled' THEN format('was cancelled on %s: %s',
                                 coach_sms_internal.sms_local_time(message.updated_at, zone),
                                 coalesce(nullif(message.error_message, ''), message.error_code))
    WHEN 'unknown' THEN 'may have been sent; its outcome is being reconciled'
    ELSE 'waits: ' || coach_sms_internal.sms_why_waiting(message.id) END
$$;
