-- sms_usage: sums of attempts that no longer change.

-- Adds these attempts to sms_usage, but for those that it has. OFFSET 0 makes it read each by its id.
CREATE FUNCTION coach_sms_internal.sms_sum_up(attempts uuid[]) RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO @extschema@.sms_usage AS u (
      org_id, month, provider, currency, messages, segments, price, segments_without_price)
    SELECT h.org_id, h.month, h.provider, h.currency, count(*), sum(h.segments), sum(h.price),
           coalesce(sum(h.segments) FILTER (WHERE h.price IS NULL), 0)
      FROM unnest(attempts) a (id)
     CROSS JOIN LATERAL (
       SELECT * FROM coach_sms_internal.sms_charges c WHERE c.attempt_id = a.id OFFSET 0) h
     GROUP BY h.org_id, h.month, h.provider, h.currency
    ON CONFLICT ON CONSTRAINT sms_usage_pkey DO UPDATE
      SET messages = u.messages + excluded.messages, segments = u.segments + excluded.segments,
          price = CASE WHEN excluded.price IS NULL THEN u.price
                       ELSE coalesce(u.price, 0) + excluded.price END,
          segments_without_price = u.segments_without_price + excluded.segments_without_price
$$;

-- Adds up to at_most attempts to sms_usage: the oldest ones that it does not have, with ids before this one.
-- Returns how many. A subscriber adds none, since it gets the sums of its publisher.
CREATE FUNCTION coach_sms_internal.sms_sum_up_next(before uuid, at_most integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
DECLARE
  last_one CONSTANT uuid := coalesce((SELECT e.attempt_id FROM @extschema@.sms_usage_end e),
                                     '00000000-0000-0000-0000-000000000000');
  attempts CONSTANT uuid[] := ARRAY(
    SELECT a.id FROM @extschema@.sms_attempts a
     WHERE a.id > last_one AND a.id < before ORDER BY a.id LIMIT at_most);
BEGIN
  IF attempts = '{}' OR coach_sms_internal.sms_is_subscriber() THEN
    RETURN 0;
  END IF;
  PERFORM coach_sms_internal.sms_sum_up(attempts);
  INSERT INTO @extschema@.sms_usage_end AS e (attempt_id, created_at)
    SELECT a.id, a.created_at FROM @extschema@.sms_attempts a WHERE a.id = attempts[cardinality(attempts)]
    ON CONFLICT ON CONSTRAINT sms_usage_end_pkey
    DO UPDATE SET attempt_id = excluded.attempt_id, created_at = excluded.created_at;
  RETURN cardinality(attempts);
END
$$;
