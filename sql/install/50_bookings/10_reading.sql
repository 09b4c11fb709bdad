-- Attaching the application's bookings. The library reads and marks their rows as the owner of the
-- bookings. It uses neither our rights nor those of the role that changed a booking.

-- Returns bookings of the attached relation by id, with client and org, read as their owner.
CREATE FUNCTION coach_sms_internal.sms_read_bookings(ids uuid[]) RETURNS SETOF coach_sms_internal.sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_read_bookings' LANGUAGE C VOLATILE STRICT ROWS 1;

-- Returns bookings that start or end in a range, and those with the ids, without client, org and location.
-- They are of one org or, for NULL, of all. A booking that is found twice is returned twice. Returns none
-- where another argument is NULL.
CREATE FUNCTION coach_sms_internal.sms_find_bookings(
  starts_after timestamptz, starts_until timestamptz, ends_after timestamptz, ends_until timestamptz,
  ids uuid[], of_org uuid DEFAULT NULL)
  RETURNS SETOF coach_sms_internal.sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_find_bookings' LANGUAGE C VOLATILE ROWS 1000;

-- Returns the name of a client of the org, from the attached bookings. NULL where there is no such client,
-- the application's tables cannot be read, or the current user does not belong to the org. By its cost, a
-- view without security_barrier puts it off until LIMIT has chosen the rows.
CREATE FUNCTION coach_sms_internal.sms_client_name(org_id uuid, client_id uuid) RETURNS text
  AS 'MODULE_PATHNAME', 'coach_sms_client_name' LANGUAGE C STABLE STRICT COST 1000;

-- Writes reminder_sent (or feedback_sent) of a booking as its owner. Returns false where another session
-- has locked the row.
CREATE FUNCTION coach_sms_internal.sms_mark_booking(booking_id uuid, feedback boolean) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_mark_booking' LANGUAGE C VOLATILE STRICT;

-- It is not in coach_sms_internal, because dumps of the application's tables name it.
CREATE FUNCTION sms_booking_trigger() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_booking_trigger' LANGUAGE C
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION sms_booking_trigger() IS
'The trigger on the attached bookings, clients and orgs, which sms_attach_bookings() creates. Decides anew '
'the texts of the bookings that a change concerns. Not to be called.';

-- Returns whether triggers can see the changes of a relation. The pass reads a view instead.
CREATE FUNCTION coach_sms_internal.sms_is_table(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = $1
$$;
