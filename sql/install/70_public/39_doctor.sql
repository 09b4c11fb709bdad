-- Carries out sms_doctor() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_doctor_as_owner(
  OUT check_name text, OUT level text, OUT ok boolean, OUT problem text, OUT what_to_do text)
  RETURNS SETOF record
  LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT c.check_name,
         CASE WHEN c.problem IS NULL THEN 'ok' ELSE c.level END,
         c.problem IS NULL OR c.level = 'note',
         c.problem,
         CASE WHEN c.problem IS NOT NULL THEN c.what_to_do END
    FROM (SELECT 1 AS part, * FROM coach_sms_internal.sms_check_processes()
          UNION ALL SELECT 2, * FROM coach_sms_internal.sms_check_arming()
          UNION ALL SELECT 3, * FROM coach_sms_internal.sms_check_orgs()
          UNION ALL SELECT 4, * FROM coach_sms_internal.sms_check_queue()
          UNION ALL SELECT 5, * FROM coach_sms_internal.sms_check_waiting()
          UNION ALL SELECT 6, * FROM coach_sms_internal.sms_check_rights()
          UNION ALL SELECT 7, * FROM coach_sms_internal.sms_check_bookings()
          UNION ALL SELECT 8, * FROM coach_sms_internal.sms_check_tenancy()
          UNION ALL SELECT 9, * FROM coach_sms_internal.sms_check_tables()) c
   ORDER BY c.part
$$;
