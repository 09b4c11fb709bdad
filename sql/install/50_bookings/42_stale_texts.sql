-- The words of a text, and the texts that have become wrong.

-- Returns a time for people, as in Tue 12 May 2026, 9:00 AM.
CREATE FUNCTION coach_sms_internal.sms_local_time(at timestamptz, zone text) RETURNS text
  LANGUAGE sql STABLE
  RETURN to_char(at AT TIME ZONE zone, 'Dy FMDD Mon YYYY, FMHH12:MI AM');

-- Returns the guide's variables of a booking: client_name, coach_name, session_datetime in the org's zone,
-- location and feedback_link. An empty one is left out, so that a template which needs it raises an error.
CREATE FUNCTION coach_sms_internal.sms_booking_variables(booking coach_sms_internal.sms_booking) RETURNS jsonb
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN jsonb_strip_nulls(jsonb_build_object(
    'client_name', coalesce(CASE WHEN coach_sms_internal.sms_first_name(booking.first_name) IS NOT NULL
      THEN booking.first_name END,
                            coach_sms_internal.sms_first_name(booking.full_name), 'there'),
    'coach_name', nullif(btrim(booking.org_name), ''),
    'session_datetime', coach_sms_internal.sms_local_time(booking.start_time,
      (SELECT coach_sms_internal.sms_known_zone(s.timezone) FROM @extschema@.sms_settings s
        WHERE s.org_id = booking.org_id)),
    'location', coalesce(nullif(btrim(booking.location), ''), 'TBD'),
    'feedback_link', nullif(rtrim(coach_sms_internal.sms_webapp_url(), '/'), '')
                     || '/feedback/' || booking.id));
END
$$;

-- Returns the number as sms_normalize_phone() does; NULL for a text that is no number.
CREATE FUNCTION coach_sms_internal.sms_phone_or_null(phone text, region text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN @extschema@.sms_normalize_phone(phone, region);
EXCEPTION WHEN SQLSTATE 'SM006' OR SQLSTATE 'SM015' THEN  -- no number; no region (any more)
  RETURN NULL;
END
$$;

-- Returns the messages of the bookings that have not left and must not leave as they are, each with
-- booking_changed or booking_cancelled. Each is compared with the text that would be made now. Of a message
-- that the application made itself under our key, only number and time are compared.
CREATE FUNCTION coach_sms_internal.sms_stale_texts(
  booking_ids uuid[], bookings coach_sms_internal.sms_booking[])
  RETURNS TABLE (message_id uuid, to_phone text, code text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM @extschema@.sms_booking_texts t WHERE t.booking_id = ANY (booking_ids)) THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT m.id, m.to_phone,
         CASE WHEN b.state = CASE t.type WHEN 'feedback' THEN 'completed' ELSE 'confirmed' END
           THEN 'booking_changed' ELSE 'booking_cancelled' END
    FROM @extschema@.sms_booking_texts t
    JOIN LATERAL (SELECT * FROM @extschema@.sms_messages m WHERE m.id = t.message_id LIMIT 1) m ON m.status
      IN ('pending', 'queued', 'sending')
    LEFT JOIN unnest(bookings) b ON b.id = t.booking_id
    LEFT JOIN coach_sms_internal.sms_booking_outlook(bookings) o
           ON o.booking_id = t.booking_id AND o.type = t.type AND o.schedule_id = t.schedule_id
   WHERE t.booking_id = ANY (booking_ids)
     AND (coalesce(o.is_stale, true)
          OR m.to_phone IS DISTINCT FROM coach_sms_internal.sms_phone_or_null(b.phone,
            coach_sms_internal.sms_org_region(t.org_id))
          OR m.metadata ? 'booking_text' AND m.client_id IS DISTINCT FROM b.client_id
          OR m.metadata ? 'booking_text' AND CASE m.template_key WHEN 'booking_series_confirmation'
               -- The message names the first session of its series.
               THEN m.related_entity_id = b.id
                    AND m.variables - '{session_count,further_sessions}'::text[]
                        IS DISTINCT FROM coach_sms_internal.sms_booking_variables(b)
               ELSE m.template_key IS DISTINCT FROM o.template_key
                    OR m.variables IS DISTINCT FROM coach_sms_internal.sms_booking_variables(b) END)
   ORDER BY m.id;
END
$$;
