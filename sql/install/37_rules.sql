-- The rules about when and how much: quiet hours, limits.

CREATE FUNCTION sms_check_sid(sid text, earlier text, prefix text, place text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  trimmed text := @extschema@.sms_trim_blanks(sid);
BEGIN
  IF trimmed IS DISTINCT FROM earlier AND NOT @extschema@.sms_is_sid(trimmed, prefix) THEN
    RAISE WARNING '% "%" cannot be a SID', place, left(trimmed, 40)
      USING DETAIL = 'It is stored, and the org''s messages wait until it is corrected.',
            HINT = format('Copy the SID from the Twilio console: %s and 32 hex digits.', prefix);
  END IF;
  RETURN trimmed;
END
$$;
REVOKE ALL ON FUNCTION sms_check_sid(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_check_sid(text, text, text, text) IS
'Internal: the SID without blanks at its ends, NULL where nothing is left; with a WARNING where it can be none and was another before.';

CREATE FUNCTION sms_check_settings() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_check_zone(NEW.timezone, 'sms_settings.timezone');
  PERFORM @extschema@.sms_normalize_phone('+61491570156', NEW.default_region);  -- which raises SM015 for no region
  IF NEW.twilio_phone_number IS DISTINCT FROM OLD.twilio_phone_number THEN
    NEW.twilio_phone_number := @extschema@.sms_normalize_sender(NEW.twilio_phone_number, NEW.default_region);
  END IF;
  NEW.twilio_account_sid :=
    @extschema@.sms_check_sid(NEW.twilio_account_sid, OLD.twilio_account_sid, 'AC', 'twilio_account_sid');
  NEW.twilio_messaging_service_sid := @extschema@.sms_check_sid(
    NEW.twilio_messaging_service_sid, OLD.twilio_messaging_service_sid, 'MG', 'twilio_messaging_service_sid');
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION sms_check_settings() FROM PUBLIC;
COMMENT ON FUNCTION sms_check_settings() IS
'Internal: refuses an unknown time zone (SM020) or region (SM015) and what can be no sender (SM006), and puts sender and SIDs into their one form.';

CREATE TRIGGER sms_settings_check
  BEFORE INSERT OR UPDATE OF timezone, default_region, twilio_phone_number, twilio_account_sid, twilio_messaging_service_sid
  ON sms_settings FOR EACH ROW EXECUTE FUNCTION sms_check_settings();

-- Messages that wait for their client's limit were put off to when it has room; another limit may have room now. At the end
-- of the transaction: until then others would wait for the rows, and more could be put off by the old limit.
CREATE FUNCTION sms_release_held() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lane record;
BEGIN
  FOR lane IN
    WITH released AS (
      UPDATE @extschema@.sms_queue q SET due_at = now(), held_for = NULL
       WHERE q.message_id IN (SELECT h.message_id FROM @extschema@.sms_queue h
                               WHERE h.org_id = NEW.org_id AND h.held_for = 'client_daily_limit' ORDER BY h.message_id FOR UPDATE SKIP LOCKED)
       RETURNING q.zone, q.priority)
    SELECT DISTINCT r.zone, r.priority FROM released r
  LOOP
    PERFORM @extschema@.sms_note_due(NEW.org_id, lane.zone, lane.priority, now());
  END LOOP;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION sms_release_held() FROM PUBLIC;
COMMENT ON FUNCTION sms_release_held() IS 'Internal: makes what waits for a client''s limit due again when the limit changes.';

CREATE CONSTRAINT TRIGGER sms_settings_release AFTER UPDATE OF max_sms_per_client_per_day ON sms_settings
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.max_sms_per_client_per_day IS DISTINCT FROM NEW.max_sms_per_client_per_day)
  EXECUTE FUNCTION sms_release_held();

-- A message that waits may be told another zone, or to go at any hour.
CREATE FUNCTION sms_move_lane() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  lane record;
BEGIN
  IF NEW.metadata->>'timezone' IS NOT NULL THEN
    PERFORM @extschema@.sms_check_zone(NEW.metadata->>'timezone', 'metadata.timezone');
  END IF;
  UPDATE @extschema@.sms_queue q SET zone = @extschema@.sms_zone_of(NEW.metadata)
   WHERE q.message_id = NEW.id
   RETURNING q.zone, q.priority, q.due_at INTO lane;
  IF FOUND THEN
    PERFORM @extschema@.sms_note_due(NEW.org_id, lane.zone, lane.priority, lane.due_at);
  END IF;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION sms_move_lane() FROM PUBLIC;
COMMENT ON FUNCTION sms_move_lane() IS 'Internal: keeps sms_queue.zone in step with metadata; refuses an unknown metadata.timezone (SM020).';

CREATE TRIGGER sms_message_zone AFTER UPDATE OF metadata ON sms_messages
  FOR EACH ROW WHEN (OLD.metadata->'timezone'::text IS DISTINCT FROM NEW.metadata->'timezone'::text
                     OR OLD.metadata->'quiet_hours_override'::text IS DISTINCT FROM NEW.metadata->'quiet_hours_override'::text)
  EXECUTE FUNCTION sms_move_lane();

CREATE FUNCTION sms_opens_at(org_id uuid, at timestamptz, zone text DEFAULT '') RETURNS timestamptz
  AS 'MODULE_PATHNAME', 'coach_sms_opens_at' LANGUAGE C STABLE STRICT
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION sms_opens_at(uuid, timestamptz, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_opens_at(uuid, timestamptz, text) IS
'Internal: the first moment from then on that is not within the org''s quiet hours. zone as in sms_queue: empty the org''s, an IANA name, or * for any hour.';

-- Ids of version 7 begin with their time, so that what happened since then is a range of a primary key.
CREATE FUNCTION sms_first_id(at timestamptz) RETURNS uuid
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN (lpad(to_hex(floor(extract(epoch FROM at) * 1000::numeric)::bigint), 12, '0') || '70008000000000000000')::uuid;
REVOKE ALL ON FUNCTION sms_first_id(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION sms_first_id(timestamptz) IS 'Internal: the lowest id of version 7 that can be of that moment.';

CREATE FUNCTION sms_handed_over(org_id uuid, provider text, since timestamptz, in_segments boolean) RETURNS bigint
  LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT (SELECT coalesce(sum(CASE WHEN in_segments THEN a.segments ELSE 1 END), 0)
            FROM @extschema@.sms_attempts a
           WHERE a.id >= @extschema@.sms_first_id($3 - interval '1 minute') AND a.org_id = $1 AND a.provider = $2
             AND a.created_at > $3 AND (a.status IN ('success', 'unknown') OR a.provider_message_id IS NOT NULL))
       + (SELECT coalesce(sum(CASE WHEN in_segments THEN f.segments ELSE 1 END), 0)
            FROM @extschema@.sms_in_flight f WHERE f.org_id = $1)
       + (SELECT coalesce(sum(u.segments), 0)
            FROM @extschema@.sms_usage u JOIN @extschema@.sms_settings s ON s.org_id = u.org_id
           WHERE in_segments AND u.org_id = $1 AND u.provider = $2 AND u.month = ($3 AT TIME ZONE @extschema@.sms_known_zone(s.timezone))::date)
$$;
REVOKE ALL ON FUNCTION sms_handed_over(uuid, text, timestamptz, boolean) FROM PUBLIC;
COMMENT ON FUNCTION sms_handed_over(uuid, text, timestamptz, boolean) IS
'Internal: messages of the org that were handed to the provider since then, or may have been; or their segments since a month began, pruned ones included.';

CREATE FUNCTION sms_why_held_as_owner(org_id uuid, zone text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH org AS (
    SELECT s.*, @extschema@.sms_opens_at(s.org_id, now(), $2) AS opens_at, m.mode,
           now() - current_setting('coach_sms.quiet_hours_spread')::interval AS spread_began,
           (SELECT w.segments FROM @extschema@.sms_queue q JOIN @extschema@.sms_messages w ON w.id = q.message_id
             WHERE q.org_id = $1 AND q.zone = $2 AND q.due_at <= now() ORDER BY q.priority, q.due_at LIMIT 1) AS next_segments,
           CASE m.mode WHEN 'sandbox' THEN 'sandbox' ELSE 'twilio' END AS provider
      FROM @extschema@.sms_settings s CROSS JOIN @extschema@.sms_mode() m
     WHERE s.org_id = $1 AND @extschema@.sms_may_act_for(s.org_id))
  SELECT CASE
           WHEN o.opens_at > now() THEN format('quiet hours last until %s', o.opens_at)
           WHEN o.max_sms_per_hour <= @extschema@.sms_handed_over(o.org_id, o.provider, now() - interval '1 hour', false)
             THEN format('max_sms_per_hour (%s) is reached', o.max_sms_per_hour)
           WHEN o.monthly_budget_segments < coalesce(o.next_segments, 1)
                  + @extschema@.sms_handed_over(o.org_id, o.provider, date_trunc('month', now(), @extschema@.sms_known_zone(o.timezone)), true)
             THEN format('monthly_budget_segments (%s) is used up', o.monthly_budget_segments)
           WHEN @extschema@.sms_opens_at(o.org_id, o.spread_began, $2) > o.spread_began
             THEN format('quiet hours ended at %s, and what waited goes out one by one', @extschema@.sms_opens_at(o.org_id, o.spread_began, $2))
           WHEN o.max_segments_per_second IS NOT NULL
                AND EXISTS (SELECT FROM @extschema@.sms_attempts a
                             WHERE a.id >= @extschema@.sms_first_id(now() - interval '2 minutes') AND a.org_id = o.org_id AND a.created_at > now() - interval '1 minute')
             THEN format('max_segments_per_second (%s) sets the pace', o.max_segments_per_second)
         END
    FROM org o
  UNION ALL
  SELECT 'the org has no row in sms_settings'
   WHERE @extschema@.sms_may_act_for($1) AND NOT EXISTS (SELECT FROM @extschema@.sms_settings s WHERE s.org_id = $1)
$$;
REVOKE ALL ON FUNCTION sms_why_held_as_owner(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION sms_why_held_as_owner(uuid, text) IS 'Internal: sms_why_held(), once its caller is coach_sms_owner.';
