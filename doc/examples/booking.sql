-- Books a session and queues its confirmation in one transaction, in psql:
--   psql -d app -v client=22222222-2222-4222-8222-222222222222 -v start='2026-05-13 09:00+10' -f doc/examples/booking.sql
\set ON_ERROR_STOP on
BEGIN;

INSERT INTO bookings (org_id, client_id, start_time)
  SELECT org_id, id, :'start' FROM clients WHERE id = :'client'
  RETURNING id AS booking \gset

SELECT sms_enqueue(
         org_id => c.org_id,
         client_id => c.id,
         to_phone => c.phone,
         template_key => 'booking_confirmation',
         variables => jsonb_build_object(
           'client_name', split_part(c.full_name, ' ', 1),
           'session_datetime', to_char(b.start_time AT TIME ZONE 'Australia/Sydney', 'Dy FMDD Mon, HH24:MI')),
         related_entity_type => 'booking',
         related_entity_id => b.id,
         idempotency_key => 'booking-confirmation-' || b.id) AS message
  FROM bookings b JOIN clients c ON c.id = b.client_id
 WHERE b.id = :'booking' \gset

COMMIT;
\echo booking :booking, message :message
