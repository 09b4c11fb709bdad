-- sms_why(message_id): the history of a message, and the reason for which it waits.

-- Returns what holds these messages of the org, which wait: the time of their next claim, and in held_by the
-- reason for which they would wait longer, or wait for another try. held_by is NULL where there is none. It
-- reads sms_health only for a message that is due and has no other reason.
CREATE FUNCTION coach_sms_internal.sms_holds_of(org_id uuid, message_ids uuid[])
  RETURNS TABLE (message_id uuid, due_at timestamptz, held_by text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.id, q.due_at,
         CASE
           -- The caller saw an older snapshot.
           WHEN m.status NOT IN ('pending', 'queued') THEN 'its status has just changed; ask again'
           WHEN m.sandbox AND v.mode = 'live'
             THEN 'it was enqueued in the sandbox, and is never sent live'
           WHEN NOT m.sandbox AND v.mode = 'sandbox'
             THEN 'it is a live message, and the database is in the sandbox; sms_go_live() sends it'
           WHEN v.mode = 'not armed'
             THEN concat_ws(': ', 'this server is not armed for this database',
                            CASE WHEN c.may_know THEN v.reason END)
           WHEN q.message_id IS NULL
             THEN 'it has no row in sms_queue; sms_doctor() says how to repair that'
           WHEN coach_sms_internal.sms_ends_at(m.scheduled_for, m.expires_at) <= now()
             THEN 'it has expired, and will be cancelled'
           WHEN q.held_for = 'client_daily_limit' AND q.due_at > now()
             THEN format('its client has reached max_sms_per_client_per_day (%s); there is room at %s',
                         s.max_sms_per_client_per_day, q.due_at)
           WHEN q.due_at > now() AND q.failures > 0
             THEN format('its next attempt is due at %s (attempts used up: %s of %s)',
                         q.due_at, q.failures, current_setting('coach_sms.max_attempts'))
           WHEN q.due_at > now() THEN NULL
           WHEN r.held_by IS NOT NULL THEN r.held_by
           WHEN c.may_know THEN (SELECT e.problem FROM @extschema@.sms_health e)
           WHEN (SELECT e.problem IS NOT NULL FROM @extschema@.sms_health e)
             THEN 'the server sends nothing at the moment; sms_doctor() shows its operator the reason'
         END
    FROM @extschema@.sms_messages m
    CROSS JOIN @extschema@.sms_mode() v
    CROSS JOIN (SELECT coach_sms_internal.sms_may_act_for(NULL)) c (may_know)
    LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id
    LEFT JOIN @extschema@.sms_settings s ON s.org_id = m.org_id
    LEFT JOIN (SELECT * FROM coach_sms_internal.sms_lane_stat l WHERE l.org_id = $1) r
      ON r.zone = q.zone AND r.priority = q.priority
   WHERE m.id = ANY ($2) AND m.org_id = $1
$$;

-- Returns why a pending or queued message has not been sent yet.
CREATE FUNCTION coach_sms_internal.sms_why_waiting(message_id uuid) RETURNS text
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(h.held_by,
                  CASE WHEN h.due_at > now() THEN format('it is due at %s', h.due_at)
                       ELSE 'it is due, and the sender takes it next' END)
    FROM @extschema@.sms_messages m, coach_sms_internal.sms_holds_of(m.org_id, ARRAY[m.id]) h
   WHERE m.id = $1
$$;

-- Returns an error in one line: its code and message.
CREATE FUNCTION coach_sms_internal.sms_reason(error_code text, error_message text) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(concat_ws(': ', error_code, nullif(error_message, '')), '')
$$;

-- Returns the past of a message: enqueued, scheduled, its attempts, and Twilio's news of it.
CREATE FUNCTION coach_sms_internal.sms_why_past(message_id uuid)
  RETURNS TABLE (at timestamptz, step integer, what text, detail text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT m.created_at, 1, 'enqueued',
         format('to %s, %s, %s segment(s) in %s%s',
                m.to_phone, coalesce('template ' || m.template_key, 'a text of its own'),
                m.segments, m.encoding,
                CASE WHEN m.sandbox THEN ', in the sandbox' ELSE '' END)
    FROM @extschema@.sms_messages m WHERE m.id = $1
  UNION ALL
  SELECT m.created_at, 2, 'scheduled',
         concat_ws(', ', format('not before %s', m.scheduled_for), 'not after ' || m.expires_at)
    FROM @extschema@.sms_messages m
   WHERE m.id = $1 AND (m.scheduled_for > m.created_at OR m.expires_at IS NOT NULL)
  UNION ALL
  SELECT a.created_at, 3, format('attempt %s', a.attempt_number),
         CASE a.status
           WHEN 'success' THEN format('accepted by %s, SID %s',
             CASE a.provider WHEN 'sandbox' THEN 'the sandbox' ELSE 'Twilio' END, a.provider_message_id)
           WHEN 'permanent_error'
             THEN 'refused for good: ' || coach_sms_internal.sms_reason(a.error_code, a.error_message)
           WHEN 'transient_error'
             THEN 'not taken: ' || coach_sms_internal.sms_reason(a.error_code, a.error_message)
           ELSE 'no clear answer: ' || coach_sms_internal.sms_reason(a.error_code, a.error_message) END
         || coalesce(' (HTTP ' || a.response_status || ')', '')
         || coalesce(', ' || a.duration_ms || ' ms', '')
    FROM @extschema@.sms_attempts a WHERE a.message_id = $1
  UNION ALL
  SELECT f.claimed_at, 3, format('attempt %s', f.attempt_number),
         CASE f.state
           WHEN 'unknown'
             THEN 'no clear answer: ' || coach_sms_internal.sms_reason(
                    f.settlement->>'error_code', f.settlement->>'error_message')
           ELSE format('claimed by the sender until %s', f.lease_until) END
    FROM coach_sms_internal.sms_in_flight f WHERE f.message_id = $1
  UNION ALL
  SELECT e.received_at, 4,
         CASE e.event_type WHEN 'fetch' THEN format('%s was asked', e.provider)
                           ELSE format('%s said', e.provider) END,
         concat_ws(', ', e.event_status,
                   nullif(coach_sms_internal.sms_reason(e.error_code, e.error_message), ''),
                   CASE WHEN e.processed_at IS NULL THEN 'not applied yet' END)
    FROM @extschema@.sms_events e WHERE e.message_id = $1
$$;

-- Returns the result of the list searches for a message whose outcome is unknown.
CREATE FUNCTION coach_sms_internal.sms_why_unknown(claim coach_sms_internal.sms_in_flight) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN claim.not_asked IS NOT NULL
                THEN format('Twilio''s list was not asked: %s', claim.not_asked)
              WHEN claim.inconclusive = 'unreadable'
                THEN 'Twilio''s list was asked and could not be read'
              WHEN claim.inconclusive = 'several'
                THEN 'Twilio''s list shows several messages that match'
              WHEN claim.looks > 0
                THEN format('Twilio''s list does not show it (listings: %s)', claim.looks)
              ELSE 'Twilio''s list has not been asked yet' END
$$;

-- Returns the present of a message: its status, and the reason for it.
CREATE FUNCTION coach_sms_internal.sms_why_now(message_id uuid)
  RETURNS TABLE (at timestamptz, step integer, what text, detail text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE m.status WHEN 'delivered' THEN m.delivered_at
                       WHEN 'failed' THEN m.failed_at
                       WHEN 'cancelled' THEN m.updated_at
                       ELSE now() END,
         5,
         CASE WHEN m.status IN ('delivered', 'failed', 'cancelled') THEN m.status ELSE 'now ' || m.status END,
         CASE m.status
           WHEN 'delivered'
             THEN CASE WHEN m.sandbox THEN 'reported by the sandbox' ELSE 'reported by the carrier' END
           WHEN 'failed' THEN coach_sms_internal.sms_reason(m.error_code, m.error_message)
           WHEN 'cancelled' THEN coach_sms_internal.sms_reason(m.error_code, m.error_message)
           WHEN 'sent' THEN 'waits for the carrier''s receipt; some carriers send none'
           WHEN 'sending' THEN 'waits for Twilio''s answer'
           WHEN 'unknown'
             THEN format('waits for a callback, or for the list search at Twilio at %s; %s',
                         f.next_look_at, coach_sms_internal.sms_why_unknown(f))
           ELSE 'waits: ' || coach_sms_internal.sms_why_waiting(m.id) END
    FROM @extschema@.sms_messages m LEFT JOIN coach_sms_internal.sms_in_flight f ON f.message_id = m.id
   WHERE m.id = $1
$$;

-- Carries out sms_why() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_why_as_owner(message_id uuid)
  RETURNS TABLE (at timestamptz, what text, detail text)
  LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_require_message(message_id);
  RETURN QUERY
    SELECT w.at, w.what, w.detail
      FROM (SELECT * FROM coach_sms_internal.sms_why_past(sms_why_as_owner.message_id)
            UNION ALL SELECT * FROM coach_sms_internal.sms_why_now(sms_why_as_owner.message_id)) w
     ORDER BY w.step = 5, w.at, w.step, w.what;
END
$$;
