-- Costs: Twilio's prices as far as they are known, and the org's own price for the other messages.

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW @extschema@.sms_cost WITH (security_barrier) AS
  WITH counted AS (
    SELECT org_id, month, provider, currency, count(*) AS messages,
           sum(segments) AS segments, sum(price) AS price,
           coalesce(sum(segments) FILTER (WHERE price IS NULL), 0) AS segments_without_price
      FROM coach_sms_internal.sms_charges GROUP BY org_id, month, provider, currency
    UNION ALL
    SELECT org_id, month, provider, currency, messages, segments, price, segments_without_price
      FROM @extschema@.sms_usage),
  total AS (
    SELECT c.org_id, c.month, c.provider = 'sandbox' AS sandbox, n.currency,
           sum(c.messages)::bigint AS messages, sum(c.segments)::bigint AS segments, sum(c.price) AS price,
           sum(c.segments_without_price)::bigint AS segments_without_price
      FROM counted c LEFT JOIN @extschema@.sms_settings s ON s.org_id = c.org_id
     CROSS JOIN LATERAL (SELECT coalesce(nullif(c.currency, ''), s.currency, '') AS currency) n
     WHERE c.provider IN ('twilio', 'sandbox') GROUP BY c.org_id, c.month, c.provider, n.currency)
  SELECT t.org_id, t.month, nullif(t.currency, '') AS currency, t.messages, t.segments, t.price,
         t.segments_without_price, c.cost,
         CASE WHEN t.sandbox THEN 'the sandbox hands nothing to Twilio'
              WHEN t.segments_without_price = 0
                   OR t.currency = coalesce(s.currency, '') AND s.price_per_segment IS NOT NULL THEN NULL
              WHEN t.currency <> coalesce(s.currency, '') AND s.price_per_segment IS NOT NULL
                THEN format('Twilio charges in %s, price_per_segment is in %s: correct sms_settings.currency',
                            nullif(t.currency, ''), coalesce(s.currency, 'no currency'))
              ELSE 'no price is known: set sms_settings.price_per_segment and currency,'
                   ' or coach_sms.fetch_prices = on' END AS note,
         t.sandbox, round(c.cost / nullif(p.part, 0::numeric), 2) AS forecast
    FROM total t LEFT JOIN @extschema@.sms_settings s ON s.org_id = t.org_id
   CROSS JOIN LATERAL (
     SELECT CASE WHEN t.sandbox THEN 0
                 WHEN t.segments_without_price = 0 THEN t.price
                 WHEN t.currency = coalesce(s.currency, '')
                   THEN coalesce(t.price, 0) + t.segments_without_price * s.price_per_segment
            END AS cost) c
   -- The part of the month that is over, while it is under way.
   CROSS JOIN LATERAL (
     SELECT CASE WHEN n.local >= t.month AND n.local < t.month + interval '1 month'
                 THEN extract(epoch FROM n.local - t.month)
                      / extract(epoch FROM t.month + interval '1 month' - t.month) END AS part
       FROM (SELECT now() AT TIME ZONE coach_sms_internal.sms_known_zone(s.timezone) AS local) n) p
   WHERE (SELECT coach_sms_internal.sms_sees_all())
      OR t.org_id = ANY ((SELECT @extschema@.sms_my_orgs())::uuid[]);
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_cost IS
'Messages handed to Twilio and their cost: one row an org, month and currency, pruned messages included. '
'The sandbox has rows of its own. Fast for one org: WHERE org_id = ...';
COMMENT ON COLUMN sms_cost.org_id IS 'The org.';
COMMENT ON COLUMN sms_cost.month IS 'First day of the calendar month, in the org''s time zone.';
COMMENT ON COLUMN sms_cost.currency IS
'ISO 4217 code: Twilio''s, or sms_settings.currency where no price of Twilio''s is known. NULL where '
'neither is known.';
COMMENT ON COLUMN sms_cost.messages IS 'Requests that Twilio took, or may have taken.';
COMMENT ON COLUMN sms_cost.segments IS 'Their segments, as monthly_budget_segments counts them.';
COMMENT ON COLUMN sms_cost.price IS
'Twilio''s price, as far as it is known (coach_sms.fetch_prices). NULL where none is known.';
COMMENT ON COLUMN sms_cost.segments_without_price IS 'Segments of messages whose price is not known.';
COMMENT ON COLUMN sms_cost.cost IS
'price, plus sms_settings.price_per_segment for each segment without a price. NULL where that is needed '
'and not set.';
COMMENT ON COLUMN sms_cost.note IS 'Why cost is NULL, and the remedy. NULL where cost is known.';
COMMENT ON COLUMN sms_cost.sandbox IS 'true: the sandbox''s messages, which cost nothing.';
COMMENT ON COLUMN sms_cost.forecast IS
'cost of the whole month, if it goes on as until now: cost divided by the part of the month that is over. '
'The month under way has one; its other columns are of the month to date. NULL for other months, and where '
'cost is NULL.';
