-- Going live follows the rule of attaching. A booking that was confirmed before gets its reminder and no
-- confirmation. A session that was over gets no feedback request. sms_booking_outlook() leaves out the
-- texts that the sandbox made. A database that is live already stays as it is.

-- Records that confirmed bookings get no confirmation. Raises SM021 where they cannot be read.
CREATE FUNCTION coach_sms_internal.sms_bookings_go_live() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE coach_sms_internal.sms_server s SET live_since = now() WHERE s.mode = 'sandbox';
  IF NOT FOUND OR coach_sms_internal.sms_is_subscriber() THEN
    RETURN;
  END IF;
  PERFORM coach_sms_internal.sms_record_baseline('before_live') FROM @extschema@.sms_bookings_source;
EXCEPTION WHEN OTHERS THEN
  RAISE EXCEPTION 'cannot go live: the attached bookings cannot be read'
    USING ERRCODE = 'SM021', DETAIL = SQLERRM,
          HINT = 'Correct what DETAIL names, or call sms_detach_bookings() first.';
END
$$;
