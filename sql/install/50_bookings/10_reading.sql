-- Attaching the application's bookings. Their rows are read and marked by the library, as the owner
-- of the bookings: never with our rights, nor with those of whoever changed a booking.

-- Returns bookings of the attached relation by id, with client and org, read as their owner.
CREATE FUNCTION coach_sms_internal.sms_read_bookings(ids uuid[]) RETURNS SETOF coach_sms_internal.sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_read_bookings' LANGUAGE C VOLATILE STRICT ROWS 1;

-- Returns bookings that start, or end, in a range, and those with the ids. They come without client, org
-- and location, and a booking as often as it is found.
CREATE FUNCTION coach_sms_internal.sms_find_bookings(
  starts_after timestamptz, starts_until timestamptz, ends_after timestamptz, ends_until timestamptz,
  ids uuid[])
  RETURNS SETOF coach_sms_internal.sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_find_bookings' LANGUAGE C VOLATILE STRICT ROWS 1000;

-- Writes reminder_sent (or feedback_sent) of a booking as its owner. False where somebody has locked the
-- row.
CREATE FUNCTION coach_sms_internal.sms_mark_booking(booking_id uuid, feedback boolean) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_mark_booking' LANGUAGE C VOLATILE STRICT;

-- The trigger on the attached bookings, clients and orgs. Decides anew the texts of the bookings that a
-- change concerns.
CREATE FUNCTION coach_sms_internal.sms_booking_trigger() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_booking_trigger' LANGUAGE C
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;

-- Whether triggers can see the changes of a relation. A view is read by the pass instead.
CREATE FUNCTION coach_sms_internal.sms_is_table(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = $1
$$;
