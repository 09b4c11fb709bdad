-- The functions that set the mode.

CREATE FUNCTION sms_go_live(OUT queued integer, OUT cancelled integer, OUT unknown integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_bookings_go_live();
  PERFORM coach_sms_internal.sms_arm(true);
  PERFORM coach_sms_internal.sms_make_policies();
  SELECT r.queued, r.cancelled, r.unknown INTO queued, cancelled, unknown
    FROM coach_sms_internal.sms_rebuild_queue(true) r;
  PERFORM coach_sms_internal.sms_notice_overdue();
END
$$;
COMMENT ON FUNCTION sms_go_live() IS
'Arms this server for this database: from the commit on messages go to Twilio. Cancels sandbox messages '
'that wait (error_code sandbox). Returns how many live messages it queued, how many sandbox messages it '
'cancelled, and how many messages have an unknown outcome, which is then reconciled. Bookings confirmed '
'before get their reminders and no confirmation. Makes the policies of the granted roles, which no dump '
'carries. A NOTICE counts messages that waited longer than coach_sms.max_wait and are not sent. A second '
'call repairs the queue. Messages that come by a subscription are left to their publisher. Raises SM013 '
'without coach_sms.key_file.';

CREATE FUNCTION sms_go_sandbox(OUT queued integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_arm(false);
  PERFORM coach_sms_internal.sms_make_policies();
  SELECT r.queued INTO queued FROM coach_sms_internal.sms_rebuild_queue(false) r;
END
$$;
COMMENT ON FUNCTION sms_go_sandbox() IS
'Makes the database a sandbox of this server: from the commit on answers are made in-process. Live '
'messages that wait are kept for the next sms_go_live(). Makes the policies of the granted roles, which no '
'dump carries. Returns how many sandbox messages it queued.';
