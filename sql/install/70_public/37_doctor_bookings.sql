-- Returns sms_doctor's checks of the attached bookings.
CREATE FUNCTION coach_sms_internal.sms_check_bookings()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT 'bookings_source', 'error',
         CASE WHEN NOT r.rolsuper
              THEN 'sms_bookings_source belongs to ' || r.rolname
                   || ', and so that role can read other people''s tables' END,
         'ALTER TABLE sms_bookings_source OWNER TO a superuser.'
    FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
   WHERE c.oid = '@extschema@.sms_bookings_source'::regclass
  UNION ALL
  SELECT 'bookings', 'error', coach_sms_internal.sms_bookings_problem(),
         'Repair the view, or give the owner of the bookings the rights it needs; '
         'after a change of names call sms_attach_bookings() again.'
$$;
