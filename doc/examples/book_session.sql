-- A function for supabase.rpc("book_session", …): over HTTP one call is one transaction, so booking and confirmation
-- go into one function. It runs with its caller's rights. Once, as in tables.sql:
--   psql -d app -v app_role=service_role -f doc/examples/book_session.sql
\set ON_ERROR_STOP on
BEGIN;

CREATE FUNCTION book_session(client_id uuid, start_time timestamptz) RETURNS json LANGUAGE plpgsql AS $$
DECLARE
  client clients;
  booking_id uuid;
  message_id uuid;
BEGIN
  SELECT * INTO STRICT client FROM clients c WHERE c.id = book_session.client_id;
  INSERT INTO bookings (org_id, client_id, start_time) VALUES (client.org_id, client.id, book_session.start_time)
    RETURNING id INTO booking_id;
  message_id := sms_enqueue(
    org_id => client.org_id,
    client_id => client.id,
    to_phone => client.phone,
    template_key => 'booking_confirmation',
    variables => jsonb_build_object(
      'client_name', split_part(client.full_name, ' ', 1),
      'session_datetime', to_char(book_session.start_time AT TIME ZONE 'Australia/Sydney', 'Dy FMDD Mon, HH24:MI')),
    related_entity_type => 'booking',
    related_entity_id => booking_id,
    idempotency_key => 'booking-confirmation-' || booking_id);
  RETURN json_build_object('booking', booking_id, 'message', message_id);
END
$$;
REVOKE EXECUTE ON FUNCTION book_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION book_session TO :"app_role";
COMMIT;
