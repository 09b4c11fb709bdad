-- Texts of the days ahead: messages that wait, and texts that bookings will get.

-- Returns the bookings of the org that may have a text due before that time, and those whose confirmation is
-- tried again.
CREATE FUNCTION coach_sms_internal.sms_bookings_ahead(org_id uuid, until timestamptz)
  RETURNS coach_sms_internal.sms_booking[]
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  before interval;
  after interval;
BEGIN
  SELECT coalesce(max(r.span) FILTER (WHERE r.type = 'reminder'), '0'),
         coalesce(max(r.span) FILTER (WHERE r.type = 'feedback'), '0')
    INTO before, after
    FROM coach_sms_internal.sms_booking_rules r WHERE r.org_id = $1 AND r.is_on AND r.enabled;
  -- A feedback request expires 72 hours after it was due, as in sms_pass_ranges().
  RETURN ARRAY(
    SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY(
      SELECT DISTINCT f.id
        FROM coach_sms_internal.sms_find_bookings(
               now(), until + before, now() - after - interval '72 hours', until,
               ARRAY(SELECT t.booking_id FROM @extschema@.sms_booking_texts t
                      WHERE t.org_id = $1 AND t.type = 'confirmation' AND t.try_until > now()), $1) f)) b);
END
$$;

-- Returns the outlook of the bookings for texts that are due before that time and not sent yet. A session
-- that is not completed is judged as if it were.
CREATE FUNCTION coach_sms_internal.sms_outlook_ahead(
  ahead coach_sms_internal.sms_booking[], until timestamptz)
  RETURNS TABLE (booking_id uuid, org_id uuid, type text, schedule_id uuid, label text, due_at timestamptz,
                 expires_at timestamptz, verdict text, reason text)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH completed AS MATERIALIZED (
    SELECT o.booking_id, o.type, o.schedule_id
      FROM coach_sms_internal.sms_booking_outlook(ARRAY(
             SELECT jsonb_populate_record(b, '{"state": "completed"}') FROM unnest(ahead) b)) o
     WHERE o.type = 'feedback' AND o.verdict IN ('later', 'due'))
  SELECT o.booking_id, o.org_id, o.type, o.schedule_id, o.label, o.due_at, o.expires_at, o.verdict, o.reason
    FROM coach_sms_internal.sms_booking_outlook(ahead) o
   WHERE o.due_at < until
     AND (o.verdict IN ('later', 'due')
          OR o.verdict = 'not_completed' AND o.expires_at > now()
             AND (o.booking_id, o.type, o.schedule_id) IN (SELECT * FROM completed))
$$;

-- Returns the texts that bookings of the org will get before that time, and what would hold each.
CREATE FUNCTION coach_sms_internal.sms_planned_texts(org_id uuid, until timestamptz, zone text)
  RETURNS TABLE (due_at timestamptz, status text, held_by text, label text, message_id uuid,
                 booking_id uuid, client_id uuid, to_phone text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ahead coach_sms_internal.sms_booking[];
BEGIN
  ahead := coach_sms_internal.sms_bookings_ahead(org_id, until);
  RETURN QUERY
    WITH text AS MATERIALIZED (SELECT * FROM coach_sms_internal.sms_outlook_ahead(ahead, until)),
    booking AS MATERIALIZED (
      SELECT b.id, b.client_id, b.phone, coach_sms_internal.sms_booking_obstacle(b) AS obstacle
        FROM unnest(ahead) b WHERE b.id IN (SELECT x.booking_id FROM text x))
    SELECT greatest(x.due_at, now()), 'planned',
           CASE WHEN x.verdict = 'due' AND x.reason IS NOT NULL
                  THEN coalesce(t.detail, coach_sms_internal.sms_reason_in_words(x.reason, x.type))
                WHEN b.obstacle IS NOT NULL THEN b.obstacle
                WHEN q.opens_at >= x.expires_at
                  THEN 'it will not go out: quiet hours last until '
                       || coach_sms_internal.sms_local_time(q.opens_at, zone)
                WHEN x.verdict = 'not_completed' THEN 'it goes out once the session is completed'
                WHEN q.opens_at > x.due_at
                  THEN 'quiet hours, until ' || coach_sms_internal.sms_local_time(q.opens_at, zone) END,
           x.label, NULL::uuid, b.id, b.client_id, b.phone
      FROM text x
      JOIN booking b ON b.id = x.booking_id
      LEFT JOIN @extschema@.sms_booking_texts t
             ON t.booking_id = x.booking_id AND t.type = x.type AND t.schedule_id = x.schedule_id
     CROSS JOIN LATERAL (SELECT coach_sms_internal.sms_opens_at(x.org_id, x.due_at) AS opens_at) q;
EXCEPTION
  WHEN query_canceled THEN
    RAISE;
  WHEN OTHERS THEN
    -- The error may name columns and roles, and show values.
    RETURN QUERY SELECT now(), 'unreadable',
                        CASE WHEN coach_sms_internal.sms_may_act_for(NULL)
                             THEN 'the bookings cannot be read: ' || SQLERRM
                             ELSE 'the bookings cannot be read; '
                                  'sms_doctor() shows its operator the reason' END,
                        'bookings', NULL::uuid, NULL::uuid, NULL::uuid, NULL::text;
END
$$;

-- Carries out sms_upcoming_of() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_upcoming_of_as_owner(org_id uuid, until timestamptz, zone text)
  RETURNS TABLE (due_at timestamptz, status text, held_by text, label text, message_id uuid,
                 booking_id uuid, client_id uuid, to_phone text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_require_org(org_id);
  RETURN QUERY
    SELECT u.due_at, m.status, u.held_by, coalesce(m.template_key, 'a text of its own'), m.id,
           CASE m.related_entity_type WHEN 'booking' THEN m.related_entity_id END, m.client_id, m.to_phone
      FROM coach_sms_internal.sms_unfinished_of_as_owner(org_id, until, zone) u
      JOIN @extschema@.sms_messages m ON m.id = u.message_id
    UNION ALL
    SELECT * FROM coach_sms_internal.sms_planned_texts(org_id, until, zone);
END
$$;

-- Returns what will go out for the org before that time. Raises SM001 for an org of others.
CREATE FUNCTION coach_sms_internal.sms_upcoming_of(org_id uuid, until timestamptz, zone text)
  RETURNS TABLE (due_at timestamptz, status text, held_by text, label text, message_id uuid,
                 booking_id uuid, client_id uuid, to_phone text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE ROWS 100;

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_upcoming WITH (security_invoker, security_barrier) AS
  SELECT s.org_id, u.due_at, coach_sms_internal.sms_local_time(u.due_at, z.zone) AS due_at_local, u.status,
         u.held_by, u.label, u.client_id,
         coach_sms_internal.sms_client_name(s.org_id, u.client_id) AS client_name, u.to_phone, m.body,
         u.message_id, u.booking_id
    FROM @extschema@.sms_settings s
   CROSS JOIN LATERAL (SELECT coach_sms_internal.sms_known_zone(s.timezone) AS zone) z
   CROSS JOIN LATERAL coach_sms_internal.sms_upcoming_of(s.org_id, now() + interval '7 days', z.zone) u
    LEFT JOIN @extschema@.sms_messages m ON m.id = u.message_id AND m.org_id = s.org_id
   WHERE (SELECT coach_sms_internal.sms_reads_all_texts())
      OR s.org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_upcoming IS
'What will go out in the next seven days: messages that wait or are under way, and the texts that bookings '
'will get. Fast for one org: WHERE org_id = ... ORDER BY due_at.';
COMMENT ON COLUMN sms_upcoming.org_id IS 'The org.';
COMMENT ON COLUMN sms_upcoming.due_at IS
'When it is due. Of a message under way: when it was claimed. The sender may have to wait longer: see '
'held_by.';
COMMENT ON COLUMN sms_upcoming.due_at_local IS 'due_at as text, in the org''s zone.';
COMMENT ON COLUMN sms_upcoming.status IS
'The message''s status, or planned: the text of a booking has no message yet. unreadable: the bookings '
'cannot be read; who acts for all orgs finds the error in held_by.';
COMMENT ON COLUMN sms_upcoming.held_by IS
'What holds it or, as things are, would hold it: an opt-out, a limit, quiet hours. NULL: nothing.';
COMMENT ON COLUMN sms_upcoming.label IS
'The template''s key or, of a planned text, its name, such as reminder 24 h before.';
COMMENT ON COLUMN sms_upcoming.client_id IS 'The person''s id in the application.';
COMMENT ON COLUMN sms_upcoming.client_name IS
'The person''s name, from the attached bookings. NULL where it is not known.';
COMMENT ON COLUMN sms_upcoming.to_phone IS
'Recipient''s number. Of a planned text as the application wrote it.';
COMMENT ON COLUMN sms_upcoming.body IS 'The text. NULL for a planned one.';
COMMENT ON COLUMN sms_upcoming.message_id IS 'The message, for sms_why(). NULL for a planned text.';
COMMENT ON COLUMN sms_upcoming.booking_id IS 'The booking, for sms_explain(). NULL where there is none.';
