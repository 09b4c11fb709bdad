-- All changes of a booking in one transaction count as one change, from the state before the first to the
-- state after the last. The booking's texts are noted before the first change. Each later change takes back
-- the work of the earlier ones and judges against the noted state. So equal states change nothing, and each
-- text is in its table at once.

-- Keeps a note for this transaction. A rollback to a savepoint deletes it. Returns false where a note
-- exists already.
CREATE FUNCTION coach_sms_internal.sms_keep_note(kind text, id uuid, value jsonb) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_keep_note' LANGUAGE C VOLATILE STRICT;

-- Returns a note of this transaction; NULL where there is none.
CREATE FUNCTION coach_sms_internal.sms_read_note(kind text, id uuid) RETURNS jsonb
  AS 'MODULE_PATHNAME', 'coach_sms_read_note' LANGUAGE C VOLATILE STRICT;

-- Notes the texts of a booking before its first change in this transaction. Returns false for a later
-- change.
CREATE FUNCTION coach_sms_internal.sms_note_texts(booking_id uuid) RETURNS boolean
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN coach_sms_internal.sms_read_note('texts', booking_id) IS NULL
     AND coach_sms_internal.sms_keep_note('texts', booking_id, (
           SELECT coalesce(jsonb_agg(t), '[]')
             FROM @extschema@.sms_booking_texts t
            WHERE t.booking_id = sms_note_texts.booking_id));
END
$$;

-- Notes a waiting message that is about to be withdrawn, with its row in sms_queue. So its attempts and its
-- backoff stay.
CREATE FUNCTION coach_sms_internal.sms_note_withdrawal(message_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM coach_sms_internal.sms_keep_note('message', m.id, jsonb_build_object('message', m, 'queue', q))
     FROM @extschema@.sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id
    WHERE m.id = sms_note_withdrawal.message_id;
END
$$;

-- Takes back this transaction's withdrawals of a booking's texts. Returns how many wait again.
CREATE FUNCTION coach_sms_internal.sms_queue_again(booking_id uuid) RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  requeued integer;
BEGIN
  WITH noted AS (
    SELECT jsonb_populate_record(NULL::@extschema@.sms_messages, n->'message') AS message,
           nullif(n->'queue', 'null') AS queue
      FROM @extschema@.sms_booking_texts t, coach_sms_internal.sms_read_note('message', t.message_id) n
     WHERE t.booking_id = sms_queue_again.booking_id AND t.reason IS NULL AND n IS NOT NULL),
  back AS (
    UPDATE @extschema@.sms_messages m
       SET status = (n.message).status, error_code = (n.message).error_code,
           error_message = (n.message).error_message, updated_at = (n.message).updated_at
      FROM noted n
     WHERE m.id = (n.message).id AND m.status = 'cancelled'
       AND m.error_code IN ('booking_changed', 'booking_cancelled')
    RETURNING n.queue),
  queued AS (
    INSERT INTO coach_sms_internal.sms_queue
      SELECT q.* FROM back b, jsonb_populate_record(NULL::coach_sms_internal.sms_queue, b.queue) q
       WHERE q.message_id IS NOT NULL
    RETURNING *)
  SELECT count(coach_sms_internal.sms_note_due(q.org_id, q.zone, q.priority, q.due_at)) INTO requeued
    FROM queued q;
  RETURN requeued;
END
$$;

-- Gives the texts of a booking the state that they had before its first change in this transaction. A text
-- that was made in this transaction and still waits stays, because the caller has withdrawn stale ones.
CREATE FUNCTION coach_sms_internal.sms_take_back(booking_id uuid) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  noted jsonb := coach_sms_internal.sms_read_note('texts', booking_id);
BEGIN
  IF noted IS NULL THEN
    RETURN;
  END IF;
  -- A new row that had a message stays, because it counts the keys that are taken.
  DELETE FROM @extschema@.sms_booking_texts t
   WHERE t.booking_id = sms_take_back.booking_id AND t.message_id IS NULL AND t.revision = 0
     AND NOT EXISTS (SELECT FROM jsonb_populate_recordset(NULL::@extschema@.sms_booking_texts, noted) b
                      WHERE b.type = t.type AND b.schedule_id = t.schedule_id);
  UPDATE @extschema@.sms_booking_texts t
     SET org_id = b.org_id, session_start = b.session_start, session_end = b.session_end,
         message_id = b.message_id, reason = b.reason, detail = b.detail, try_until = b.try_until,
         created_at = b.created_at, updated_at = b.updated_at, series = b.series
    FROM jsonb_populate_recordset(NULL::@extschema@.sms_booking_texts, noted) b
   WHERE t.booking_id = b.booking_id AND t.type = b.type AND t.schedule_id = b.schedule_id
     AND (t.message_id IS NOT DISTINCT FROM b.message_id
          OR NOT EXISTS (SELECT FROM @extschema@.sms_messages m
                          WHERE m.id = t.message_id AND m.status IN ('pending', 'queued')));
  PERFORM coach_sms_internal.sms_queue_again(booking_id);
END
$$;
