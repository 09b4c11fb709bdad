-- Returns sms_doctor's checks of accounts, senders and tokens.
CREATE FUNCTION coach_sms_internal.sms_check_orgs()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH server AS MATERIALIZED (
    SELECT CASE WHEN m.mode <> 'sandbox' THEN 'error' ELSE 'note' END AS level,
           coach_sms_internal.sms_server_account() AS account,
           nullif(current_setting('coach_sms.twilio_messaging_service_sid', true), '') AS service,
           coalesce(current_setting('coach_sms.twilio_phone_number', true), '') <> ''
             OR coalesce(current_setting('coach_sms.twilio_messaging_service_sid', true), '') <> ''
             AS has_sender
      FROM @extschema@.sms_mode() m),
  org AS MATERIALIZED (
    SELECT s.org_id,
           nullif(s.twilio_account_sid, '') AS account,
           nullif(s.twilio_messaging_service_sid, '') AS service,
           nullif(s.twilio_phone_number, '') AS number,
           coach_sms_internal.sms_has_own_token(s.org_id) AS own,
           s.twilio_auth_token_encrypted AS sealed,
           coach_sms_internal.sms_is_zone(s.timezone) AS has_zone
      FROM @extschema@.sms_settings s
     WHERE s.enabled),
  token AS MATERIALIZED (
    SELECT o.org_id, c.problem, c.what_to_do
      FROM org o CROSS JOIN LATERAL coach_sms_internal.sms_check_token(o.org_id, o.sealed) c
     WHERE o.own
    UNION ALL
    SELECT NULL, c.problem, c.what_to_do
      FROM coach_sms_internal.sms_check_token(NULL, NULL) c
     WHERE EXISTS (SELECT FROM org o WHERE NOT o.own)),
  without AS (
    SELECT array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE coalesce(o.account, v.account) IS NULL) AS account,
           array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE coalesce(o.service, o.number) IS NULL AND NOT v.has_sender) AS sender,
           array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE NOT coach_sms_internal.sms_is_sid(o.account, 'AC')
                           OR NOT coach_sms_internal.sms_is_sid(o.service, 'MG')) AS sids,
           array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE NOT o.own AND o.account <> coalesce(v.account, '')) AS own_token,
           array_agg(o.org_id ORDER BY o.org_id)
             FILTER (WHERE NOT o.has_zone) AS zone
      FROM org o CROSS JOIN server v)
  SELECT 'accounts', v.level,
         'enabled orgs without a Twilio account: ' || coach_sms_internal.sms_list_orgs(w.account),
         'Fill sms_settings.twilio_account_sid and twilio_auth_token_encrypted, '
         'or set coach_sms.twilio_account_sid for all.'
    FROM server v, without w
  UNION ALL
  SELECT 'senders', v.level,
         'enabled orgs without a sender: ' || coach_sms_internal.sms_list_orgs(w.sender),
         'Fill sms_settings.twilio_phone_number or twilio_messaging_service_sid, '
         'or set coach_sms.twilio_phone_number for all.'
    FROM server v, without w
  UNION ALL
  SELECT 'sids', v.level,
         'orgs with a malformed SID: ' || coach_sms_internal.sms_list_orgs(w.sids),
         'twilio_account_sid is AC and 32 hex digits, twilio_messaging_service_sid MG and 32 hex digits; '
         'the orgs'' messages wait until they are corrected.'
    FROM server v, without w
  UNION ALL
  SELECT 'zones', 'warning',
         'orgs whose time zone this server does not know: ' || coach_sms_internal.sms_list_orgs(w.zone),
         'Set sms_settings.timezone to a name in pg_timezone_names, or install the time zones '
         'that are missing (on Debian tzdata-legacy); they count as UTC meanwhile.'
    FROM without w
  UNION ALL
  SELECT 'budgets', 'warning',
         'orgs whose monthly_budget_segments is used up, and whose messages wait: '
           || coach_sms_internal.sms_list_orgs((
                SELECT array_agg(h.org_id ORDER BY h.org_id) FROM coach_sms_internal.sms_holds h
                 WHERE h.rule = 'monthly_budget_segments' AND h.until > now())),
         'Cancel messages that should not be sent, or raise the budget. '
         'Else they are sent when the next month begins, if they fit the budget at all.'
  UNION ALL
  SELECT 'held', 'error',
         (SELECT string_agg(h.why || ': ' || coach_sms_internal.sms_list_orgs(h.orgs), '; ' ORDER BY h.why)
            FROM (SELECT why, array_agg(org_id ORDER BY org_id) AS orgs FROM coach_sms_internal.sms_holds
                   WHERE is_trouble AND until > now() AND org_id IS NOT NULL GROUP BY why) h),
         'Messages of these orgs wait, and use up no attempt. They are sent once the named problem is solved.'
  UNION ALL
  SELECT 'server_account', v.level,
         CASE WHEN NOT coach_sms_internal.sms_is_sid(v.account, 'AC')
              THEN 'coach_sms.twilio_account_sid (or TWILIO_ACCOUNT_SID) is malformed' END,
         'It is AC and 32 hex digits; '
         'messages of orgs without an account of their own wait until it is corrected.'
    FROM server v
  UNION ALL
  SELECT 'server_service', v.level,
         CASE WHEN NOT coach_sms_internal.sms_is_sid(v.service, 'MG')
              THEN 'coach_sms.twilio_messaging_service_sid is malformed' END,
         'It is MG and 32 hex digits; '
         'messages of orgs without a sender of their own wait until it is corrected.'
    FROM server v
  UNION ALL
  SELECT 'own_tokens', v.level,
         'orgs with an account of their own, but no token: ' || coach_sms_internal.sms_list_orgs(w.own_token),
         'Write the account''s auth token into sms_settings.twilio_auth_token_encrypted: '
         'the server''s token does not fit another account.'
    FROM server v, without w
  UNION ALL
  SELECT 'tokens', v.level,
         (SELECT string_agg(concat_ws(': ', t.org_id::text, t.problem), '; ')
            FROM (SELECT * FROM token WHERE problem IS NOT NULL ORDER BY token.org_id LIMIT 5) t),
         (SELECT min(t.what_to_do) FROM token t WHERE t.problem IS NOT NULL)
    FROM server v
$$;
