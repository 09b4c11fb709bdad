-- Attaching the application's bookings. Their rows are read and marked by the library, as the owner
-- of the bookings: never with our rights, nor with those of whoever changed a booking.

CREATE FUNCTION coach_sms_internal.sms_read_bookings(ids uuid[]) RETURNS SETOF coach_sms_internal.sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_read_bookings' LANGUAGE C VOLATILE STRICT ROWS 1;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_read_bookings(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_read_bookings(uuid[]) IS
'Internal: bookings of the attached relation by id, with client and org, read as their owner.';

CREATE FUNCTION coach_sms_internal.sms_find_bookings(
  starts_after timestamptz, starts_until timestamptz, ends_after timestamptz, ends_until timestamptz, ids uuid[])
  RETURNS SETOF coach_sms_internal.sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_find_bookings' LANGUAGE C VOLATILE STRICT ROWS 1000;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_find_bookings(timestamptz, timestamptz, timestamptz, timestamptz, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_find_bookings(timestamptz, timestamptz, timestamptz, timestamptz, uuid[]) IS
'Internal: bookings that start, or end, in a range, and those with the ids; without client, org and location, a booking as often as it is found.';

CREATE FUNCTION coach_sms_internal.sms_mark_booking(booking_id uuid, feedback boolean) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_mark_booking' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_mark_booking(uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_mark_booking(uuid, boolean) IS
'Internal: writes reminder_sent (or feedback_sent) of a booking, as its owner, unless somebody has locked the row.';

CREATE FUNCTION coach_sms_internal.sms_booking_trigger() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_booking_trigger' LANGUAGE C
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_booking_trigger() FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_booking_trigger() IS 'Internal: on the attached bookings, clients and orgs; decides anew about the texts of the bookings that a change concerns.';

CREATE FUNCTION coach_sms_internal.sms_is_table(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = $1
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_is_table(regclass) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_is_table(regclass) IS 'Internal: whether triggers can tell of its changes; a view is looked at by the scheduler instead.';
