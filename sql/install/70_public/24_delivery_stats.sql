-- The outcome of the last 30 days' messages. With a list of the orgs the index on org and time finds them,
-- for all orgs too.
SET LOCAL search_path = pg_catalog, pg_temp;
CREATE VIEW coach_sms_internal.sms_outcomes WITH (security_barrier) AS
  WITH reader AS MATERIALIZED (
    SELECT CASE WHEN coach_sms_internal.sms_sees_all()
                THEN ARRAY(SELECT s.org_id FROM @extschema@.sms_settings s)
                ELSE @extschema@.sms_my_orgs() END AS orgs),
  message AS (
    SELECT m.org_id, (m.created_at AT TIME ZONE coach_sms_internal.sms_known_zone(s.timezone))::date AS day,
           m.template_key, m.sandbox, m.status, m.segments,
           m.price, m.price_unit, m.provider_message_id IS NOT NULL AS was_taken,
           m.status IN ('sent', 'delivered', 'failed')
             AND coalesce(m.sent_at, m.failed_at) < now() - interval '1 hour' AS is_old_enough
      FROM @extschema@.sms_messages m LEFT JOIN @extschema@.sms_settings s ON s.org_id = m.org_id
     WHERE m.org_id = ANY ((SELECT orgs FROM reader)::uuid[]) AND m.created_at > now() - interval '30 days')
  SELECT org_id, day, template_key, sandbox, count(*) AS total,
         count(*) FILTER (WHERE status = 'sent') AS sent,
         count(*) FILTER (WHERE status = 'delivered') AS delivered,
         count(*) FILTER (WHERE status = 'failed') AS failed,
         count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
         count(*) FILTER (WHERE status = 'unknown') AS unknown,
         count(*) FILTER (WHERE status IN ('pending', 'queued', 'sending')) AS waiting,
         count(*) FILTER (WHERE is_old_enough AND status = 'delivered') AS old_delivered,
         count(*) FILTER (WHERE is_old_enough) AS old,
         coalesce(sum(segments) FILTER (WHERE status IN ('sent', 'delivered') OR was_taken), 0) AS segments,
         sum(price) AS price, min(price_unit) AS first_unit, max(price_unit) AS last_unit
    FROM message GROUP BY org_id, day, template_key, sandbox;

CREATE VIEW @extschema@.sms_delivery_stats WITH (security_barrier) AS
  SELECT org_id, day, sandbox, sum(total)::bigint AS total, sum(sent)::bigint AS sent,
         sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed,
         sum(cancelled)::bigint AS cancelled, sum(unknown)::bigint AS unknown,
         sum(waiting)::bigint AS waiting,
         round(100.0 * sum(old_delivered) / nullif(sum(old), 0::numeric), 2) AS delivery_rate,
         sum(segments)::bigint AS segments,
         CASE WHEN min(first_unit) = max(last_unit) THEN sum(price) END AS price,
         CASE WHEN min(first_unit) = max(last_unit) THEN min(first_unit) END AS price_unit
    FROM coach_sms_internal.sms_outcomes GROUP BY org_id, day, sandbox;

CREATE VIEW @extschema@.sms_delivery_by_template WITH (security_barrier) AS
  SELECT org_id, template_key, sandbox, sum(total)::bigint AS total, sum(sent)::bigint AS sent,
         sum(delivered)::bigint AS delivered, sum(failed)::bigint AS failed,
         sum(cancelled)::bigint AS cancelled, sum(unknown)::bigint AS unknown,
         sum(waiting)::bigint AS waiting,
         round(100.0 * sum(old_delivered) / nullif(sum(old), 0::numeric), 2) AS delivery_rate,
         sum(segments)::bigint AS segments
    FROM coach_sms_internal.sms_outcomes GROUP BY org_id, template_key, sandbox;
SET LOCAL search_path = @extschema@, pg_temp;
COMMENT ON VIEW sms_delivery_stats IS
'The outcomes of the last 30 days'' messages, by org and day of creation (in the org''s time zone), of '
'orgs that have settings. Fast for one org: WHERE org_id = ...';
COMMENT ON COLUMN sms_delivery_stats.org_id IS 'The org.';
COMMENT ON COLUMN sms_delivery_stats.day IS 'The day of creation, in the org''s time zone.';
COMMENT ON COLUMN sms_delivery_stats.sandbox IS 'true: the sandbox''s messages, which nobody got.';
COMMENT ON COLUMN sms_delivery_stats.total IS 'All messages of that day.';
COMMENT ON COLUMN sms_delivery_stats.sent IS
'Messages that Twilio took and that have no receipt; some carriers send none.';
COMMENT ON COLUMN sms_delivery_stats.delivered IS 'Messages that the carrier reported as delivered.';
COMMENT ON COLUMN sms_delivery_stats.failed IS
'Messages that were refused, or that the carrier could not deliver.';
COMMENT ON COLUMN sms_delivery_stats.cancelled IS 'Messages that were stopped before they left.';
COMMENT ON COLUMN sms_delivery_stats.unknown IS 'Messages whose outcome is unknown and is being reconciled.';
COMMENT ON COLUMN sms_delivery_stats.waiting IS 'Messages that are pending, queued or sending.';
COMMENT ON COLUMN sms_delivery_stats.delivery_rate IS
'Percent delivered of messages that were sent, delivered or failed more than an hour ago. NULL where there '
'are none.';
COMMENT ON COLUMN sms_delivery_stats.segments IS 'Segments of messages that Twilio took.';
COMMENT ON COLUMN sms_delivery_stats.price IS
'Twilio''s price, as far as it is known. NULL where currencies mix.';
COMMENT ON COLUMN sms_delivery_stats.price_unit IS 'The currency of price. NULL where currencies mix.';

COMMENT ON VIEW sms_delivery_by_template IS
'The outcomes of the last 30 days'' messages, by org and template, of orgs that have settings. Fast for one '
'org: WHERE org_id = ...';
COMMENT ON COLUMN sms_delivery_by_template.org_id IS 'The org.';
COMMENT ON COLUMN sms_delivery_by_template.template_key IS
'The template''s key. NULL: texts without a template.';
COMMENT ON COLUMN sms_delivery_by_template.sandbox IS 'true: the sandbox''s messages, which nobody got.';
COMMENT ON COLUMN sms_delivery_by_template.total IS 'All messages of the template.';
COMMENT ON COLUMN sms_delivery_by_template.sent IS
'Messages that Twilio took and that have no receipt; some carriers send none.';
COMMENT ON COLUMN sms_delivery_by_template.delivered IS 'Messages that the carrier reported as delivered.';
COMMENT ON COLUMN sms_delivery_by_template.failed IS
'Messages that were refused, or that the carrier could not deliver.';
COMMENT ON COLUMN sms_delivery_by_template.cancelled IS 'Messages that were stopped before they left.';
COMMENT ON COLUMN sms_delivery_by_template.unknown IS
'Messages whose outcome is unknown and is being reconciled.';
COMMENT ON COLUMN sms_delivery_by_template.waiting IS 'Messages that are pending, queued or sending.';
COMMENT ON COLUMN sms_delivery_by_template.delivery_rate IS
'Percent delivered of messages that were sent, delivered or failed more than an hour ago. NULL where there '
'are none.';
COMMENT ON COLUMN sms_delivery_by_template.segments IS 'Segments of messages that Twilio took.';
