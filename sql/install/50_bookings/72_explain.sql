-- sms_explain(booking_id): the texts that a booking had, will have and will not have, and why.

-- Returns the outlook of a booking, with detail and try_until, as an array of rows.
CREATE FUNCTION coach_sms_internal.sms_texts_now(known coach_sms_internal.sms_booking[]) RETURNS jsonb
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_agg(
                   to_jsonb(o) || jsonb_build_object('detail', t.detail, 'try_until', t.try_until)), '[]')
            FROM coach_sms_internal.sms_booking_outlook(known) o
            LEFT JOIN @extschema@.sms_booking_texts t
                   ON t.booking_id = o.booking_id AND t.type = o.type AND t.schedule_id = o.schedule_id);
END
$$;

-- Returns whether the next pass judges a booking, and else from when on the passes do.
CREATE FUNCTION coach_sms_internal.sms_is_seen(
  booking coach_sms_internal.sms_booking, OUT seen boolean, OUT seen_at timestamptz)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  range record;
BEGIN
  SELECT * INTO range FROM coach_sms_internal.sms_pass_ranges();
  seen := booking.start_time > range.starts_after AND booking.start_time <= range.starts_until
       OR booking.end_time > range.ends_after AND booking.end_time <= range.ends_until
       OR EXISTS (SELECT FROM @extschema@.sms_booking_texts t
                   WHERE t.booking_id = booking.id AND t.type = 'confirmation' AND t.try_until > now());
  seen_at := booking.start_time - (range.starts_until - range.starts_after);
END
$$;

-- Returns the outlook of a booking after the next pass, with which sms_explain() agrees. It does the work
-- of that pass and takes it back. Two verdicts appear only here. made_next: the next pass makes the text.
-- unseen: a later one does.
CREATE FUNCTION coach_sms_internal.sms_texts_after_pass(known coach_sms_internal.sms_booking[]) RETURNS jsonb
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  texts jsonb := coach_sms_internal.sms_texts_now(known);
  later jsonb;
  pass record;
BEGIN
  SELECT * INTO pass FROM coach_sms_internal.sms_is_seen(known[1]);
  IF pass.seen IS NOT TRUE THEN
    RETURN (SELECT jsonb_agg(CASE t->>'verdict' WHEN 'due'
                             THEN t || jsonb_build_object('verdict', 'unseen', 'due_at', pass.seen_at)
                             ELSE t END)
              FROM jsonb_array_elements(texts) t);
  ELSIF NOT EXISTS (SELECT FROM coach_sms_internal.sms_booking_outlook(known) o
                     WHERE coach_sms_internal.sms_is_work(
                             o.type, o.verdict, o.is_due, o.is_stale, o.reason, o.updated_at, 'infinity'))
  THEN
    RETURN texts;
  END IF;
  BEGIN
    IF pg_try_advisory_xact_lock(coach_sms_internal.sms_lock_booking(known[1].id)) THEN
      PERFORM coach_sms_internal.sms_make_texts(known[1].id);
      later := (SELECT jsonb_agg(CASE WHEN a->>'message_id' <> coalesce(b->>'message_id', '')
                                      THEN a || '{"verdict": "made_next"}' ELSE a END)
                  FROM jsonb_array_elements(coach_sms_internal.sms_texts_now(known)) a
                  JOIN jsonb_array_elements(texts) b
                    ON a->'type' = b->'type' AND a->'schedule_id' = b->'schedule_id');
      RAISE EXCEPTION USING ERRCODE = 'ZDONE';
    END IF;
  EXCEPTION
    WHEN SQLSTATE 'ZDONE' THEN
      texts := later;
    WHEN read_only_sql_transaction THEN
      NULL;
    WHEN OTHERS THEN
      texts := (SELECT jsonb_agg(CASE t->>'verdict' WHEN 'due'
                                 THEN t || jsonb_build_object('reason', 'unreadable', 'detail', SQLERRM)
                                 ELSE t END)
                  FROM jsonb_array_elements(texts) t);
  END;
  RETURN texts;
END
$$;

-- Returns messages and outlook of a booking, in the time of its org. SET timezone restores the session's
-- zone at the end: the function itself sets the org's zone, so that errors have the org's time too.
CREATE FUNCTION coach_sms_internal.sms_explain_texts(
  booking_id uuid, org_ids uuid[], known coach_sms_internal.sms_booking[], zone text)
  RETURNS TABLE (type text, label text, due_at timestamptz, status text, message_id uuid, explanation text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
  PERFORM set_config('TimeZone', zone, true);
  RETURN QUERY
    WITH outlook AS MATERIALIZED (SELECT * FROM coach_sms_internal.sms_booking_outlook(known))
    SELECT coalesce(t.type, m.metadata->>'booking_text', 'message'),
           coalesce(o.label, m.metadata->>'booking_text', m.template_key),
           m.scheduled_for, m.status, m.id,
           CASE WHEN o.is_stale THEN 'is withdrawn before it leaves: the rules have changed'
                ELSE coach_sms_internal.sms_message_in_words(m, zone) END
      FROM @extschema@.sms_messages m
      LEFT JOIN @extschema@.sms_booking_texts t
             ON t.message_id = m.id AND t.booking_id = sms_explain_texts.booking_id
      LEFT JOIN outlook o ON o.type = t.type AND o.schedule_id = t.schedule_id
     WHERE m.org_id = ANY (org_ids)
       AND (m.related_entity_id = sms_explain_texts.booking_id AND m.related_entity_type = 'booking'
            OR m.id IN (SELECT x.message_id FROM @extschema@.sms_booking_texts x
                         WHERE x.booking_id = sms_explain_texts.booking_id))
    UNION ALL
    SELECT t.type, coalesce(o.label, t.type),
           CASE t.type WHEN 'reminder' THEN CASE WHEN t.session_start = o.start_time THEN o.due_at END
                       WHEN 'feedback' THEN CASE WHEN t.session_end = o.end_time THEN o.due_at END END,
           'gone', t.message_id,
           'was made; its message is gone: retention_days pruned it, or somebody deleted it'
      FROM @extschema@.sms_booking_texts t
      LEFT JOIN outlook o ON o.type = t.type AND o.schedule_id = t.schedule_id
     WHERE t.booking_id = sms_explain_texts.booking_id AND t.org_id = ANY (org_ids)
       AND t.message_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM @extschema@.sms_messages m WHERE m.id = t.message_id)
    UNION ALL
    SELECT p.type, p.label, CASE WHEN p.type <> 'confirmation' THEN p.due_at END,
           CASE WHEN p.verdict IN ('later', 'made_next', 'unseen') OR p.verdict = 'due' AND p.reason IS NULL
                     OR p.verdict = 'not_completed' AND p.expires_at > now()
                THEN 'planned' ELSE 'skipped' END, NULL,
           coach_sms_internal.sms_verdict_in_words(
             p.verdict, p.type, coach_sms_internal.sms_booking_obstacle(known[1]), p.due_at,
             coach_sms_internal.sms_opens_at(o.org_id, p.due_at), p.expires_at, p.try_until,
             p.reason, p.detail, zone)
      FROM jsonb_to_recordset(coach_sms_internal.sms_texts_after_pass(known)) p (
             type text, schedule_id uuid, label text, verdict text, due_at timestamptz,
             expires_at timestamptz, message_id uuid, reason text, detail text, try_until timestamptz)
      JOIN outlook o ON o.type = p.type AND o.schedule_id = p.schedule_id
     WHERE p.verdict IN ('later', 'due', 'made_next', 'unseen', 'before_live')
        OR p.verdict NOT IN ('made', 'under_way') AND p.message_id IS NULL
     ORDER BY 3 NULLS FIRST, 5, 1;
END
$$;

-- Carries out sms_explain() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_explain_as_owner(booking_id uuid)
  RETURNS TABLE (type text, label text, due_at timestamptz, status text, message_id uuid, explanation text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known coach_sms_internal.sms_booking[] := '{}';
  org_ids uuid[];
  zone text;
  state text := 'gone';
  problem text;
BEGIN
  BEGIN
    known := ARRAY(SELECT b FROM coach_sms_internal.sms_read_bookings(ARRAY[booking_id]) b
                    WHERE coach_sms_internal.sms_may_act_for(b.org_id) LIMIT 1);
    problem := CASE WHEN known <> '{}' THEN NULL
                    WHEN EXISTS (SELECT FROM @extschema@.sms_bookings_source)
                      THEN 'the booking is not there any more, and nothing is sent for it'
                    ELSE 'no bookings are attached any more; waiting messages still go out' END;
  EXCEPTION WHEN OTHERS THEN
    state := 'unreadable';
    problem := 'the booking cannot be read: ' || SQLERRM;
  END;
  org_ids := ARRAY(SELECT o.org_id
                     FROM (SELECT t.org_id FROM @extschema@.sms_booking_texts t
                            WHERE t.booking_id = sms_explain_as_owner.booking_id
                           UNION SELECT k.org_id FROM unnest(known) k) o
                    WHERE coach_sms_internal.sms_may_act_for(o.org_id));
  IF org_ids = '{}' THEN
    RAISE EXCEPTION 'unknown booking %', coalesce(booking_id::text, 'NULL')
      USING ERRCODE = 'SM012',
            DETAIL = CASE WHEN state = 'gone' OR NOT coach_sms_internal.sms_may_act_for(NULL)
                          THEN 'It is not among the attached bookings, and has no record.'
                          ELSE problem END,
            HINT = 'Give the id of a row of the attached bookings.';
  END IF;
  zone := coach_sms_internal.sms_known_zone(
    (SELECT s.timezone FROM @extschema@.sms_settings s WHERE s.org_id = ANY (org_ids) LIMIT 1));
  IF problem IS NOT NULL THEN
    RETURN QUERY SELECT 'booking', NULL::text, NULL::timestamptz, state, NULL::uuid, problem;
    RETURN QUERY SELECT t.type, t.type, NULL::timestamptz, 'skipped', NULL::uuid,
                        'was not sent: '
                        || coalesce(t.detail, coach_sms_internal.sms_reason_in_words(t.reason, t.type))
                   FROM @extschema@.sms_booking_texts t
                  WHERE t.booking_id = sms_explain_as_owner.booking_id AND t.org_id = ANY (org_ids)
                    AND t.message_id IS NULL
                  ORDER BY 1;
  END IF;
  RETURN QUERY SELECT * FROM coach_sms_internal.sms_explain_texts(booking_id, org_ids, known, zone);
END
$$;
