-- The checks of sms_settings, and the rules of time: quiet hours, limits.

-- Returns the SID without blanks at its ends; NULL where nothing is left. Warns of a new
-- value that does not have the form of a SID.
CREATE FUNCTION coach_sms_internal.sms_check_sid(sid text, earlier text, prefix text, place text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  trimmed text := coach_sms_internal.sms_trim_blanks(sid);
BEGIN
  IF trimmed IS DISTINCT FROM earlier AND NOT coach_sms_internal.sms_is_sid(trimmed, prefix) THEN
    RAISE WARNING '% "%" cannot be a SID', place, left(trimmed, 40)
      USING DETAIL = 'It is stored, and the org''s messages wait until it is corrected.',
            HINT = format('Copy the SID from the Twilio console: %s and 32 hex digits.', prefix);
  END IF;
  RETURN trimmed;
END
$$;

-- Returns the sender in its one form. Raises SM006 for a text that is no sender. A restored row keeps such
-- a text, with a WARNING: a restore must not fail for a sender that an earlier version took.
CREATE FUNCTION coach_sms_internal.sms_check_sender(sender text, region text, is_restored boolean)
  RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN coach_sms_internal.sms_normalize_sender(sender, region);
EXCEPTION WHEN SQLSTATE 'SM006' THEN
  IF NOT is_restored THEN
    RAISE;
  END IF;
  RAISE WARNING '%', SQLERRM
    USING DETAIL = 'The restored row keeps it.', HINT = 'Correct twilio_phone_number of the org.';
  RETURN sender;
END
$$;

-- Raises SM020 for an unknown time zone, SM015 for an unknown region and SM006 for a text that is no
-- sender. Writes sender and SIDs in their one form.
CREATE FUNCTION coach_sms_internal.sms_check_settings() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_check_zone(NEW.timezone, 'sms_settings.timezone');
  PERFORM @extschema@.sms_normalize_phone('+61491570156', NEW.default_region);  -- raises SM015
  IF NEW.twilio_phone_number IS DISTINCT FROM OLD.twilio_phone_number THEN
    -- An inserted row with a created_at of the past comes from a dump.
    NEW.twilio_phone_number := coach_sms_internal.sms_check_sender(
      NEW.twilio_phone_number, NEW.default_region, TG_OP = 'INSERT' AND NEW.created_at < now());
  END IF;
  NEW.twilio_account_sid := coach_sms_internal.sms_check_sid(
    NEW.twilio_account_sid, OLD.twilio_account_sid, 'AC', 'twilio_account_sid');
  NEW.twilio_messaging_service_sid := coach_sms_internal.sms_check_sid(
    NEW.twilio_messaging_service_sid, OLD.twilio_messaging_service_sid, 'MG', 'twilio_messaging_service_sid');
  RETURN NEW;
END
$$;

CREATE TRIGGER sms_settings_check
  BEFORE INSERT OR UPDATE OF
    timezone, default_region, twilio_phone_number, twilio_account_sid, twilio_messaging_service_sid
  ON sms_settings FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_check_settings();

-- Makes messages that wait for their client's limit due now, because the new limit may have
-- room. It runs at the end of the transaction: earlier, others would wait for the rows, and
-- the old limit could put off more.
CREATE FUNCTION coach_sms_internal.sms_release_held() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  lane record;
BEGIN
  FOR lane IN
    WITH released AS (
      UPDATE coach_sms_internal.sms_queue q SET due_at = now(), held_for = NULL
       WHERE q.message_id IN (
               SELECT h.message_id FROM coach_sms_internal.sms_queue h
                WHERE h.org_id = NEW.org_id AND h.held_for = 'client_daily_limit'
                ORDER BY h.message_id FOR UPDATE SKIP LOCKED)
       RETURNING q.zone, q.priority)
    SELECT DISTINCT r.zone, r.priority FROM released r
  LOOP
    PERFORM coach_sms_internal.sms_note_due(NEW.org_id, lane.zone, lane.priority, now());
  END LOOP;
  RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER sms_settings_release AFTER UPDATE OF max_sms_per_client_per_day ON sms_settings
  DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.max_sms_per_client_per_day IS DISTINCT FROM NEW.max_sms_per_client_per_day)
  EXECUTE FUNCTION coach_sms_internal.sms_release_held();

-- Writes sms_queue.zone when metadata.timezone or metadata.quiet_hours_override of a waiting message
-- changes. Raises SM020 for an unknown time zone.
CREATE FUNCTION coach_sms_internal.sms_move_lane() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  lane record;
BEGIN
  IF NEW.metadata->>'timezone' IS NOT NULL THEN
    PERFORM coach_sms_internal.sms_check_zone(NEW.metadata->>'timezone', 'metadata.timezone');
  END IF;
  UPDATE coach_sms_internal.sms_queue q SET zone = coach_sms_internal.sms_zone_of(NEW.metadata)
   WHERE q.message_id = NEW.id
   RETURNING q.zone, q.priority, q.due_at INTO lane;
  IF FOUND THEN
    PERFORM coach_sms_internal.sms_note_due(NEW.org_id, lane.zone, lane.priority, lane.due_at);
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER sms_message_zone AFTER UPDATE OF metadata ON sms_messages
  FOR EACH ROW WHEN (OLD.metadata->'timezone'::text IS DISTINCT FROM NEW.metadata->'timezone'::text
                     OR OLD.metadata->'quiet_hours_override'::text
                          IS DISTINCT FROM NEW.metadata->'quiet_hours_override'::text)
  EXECUTE FUNCTION coach_sms_internal.sms_move_lane();

-- Returns the first time at or after the given one that is outside the org's quiet hours.
-- zone is as in sms_queue.
CREATE FUNCTION coach_sms_internal.sms_opens_at(org_id uuid, at timestamptz, zone text DEFAULT '')
  RETURNS timestamptz
  AS 'MODULE_PATHNAME', 'coach_sms_opens_at' LANGUAGE C STABLE STRICT
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
