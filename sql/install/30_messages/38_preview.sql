-- Carries out sms_preview() as coach_sms_owner.
CREATE FUNCTION coach_sms_internal.sms_preview_as_owner(
  org_id uuid, template_key text, variables jsonb,
  OUT body text, OUT encoding text, OUT segments integer, OUT estimated_cost numeric, OUT currency text)
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  org @extschema@.sms_settings;
BEGIN
  PERFORM coach_sms_internal.sms_require_org(org_id);
  SELECT * INTO org FROM @extschema@.sms_settings s WHERE s.org_id = sms_preview_as_owner.org_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown org %', coalesce(org_id::text, 'NULL')
      USING ERRCODE = 'SM001', DETAIL = 'The org has no row in sms_settings.',
            HINT = 'Insert its settings first.';
  END IF;
  SELECT t.body INTO body
    FROM @extschema@.sms_templates t
   WHERE t.org_id = sms_preview_as_owner.org_id
     AND t.template_key = sms_preview_as_owner.template_key AND t.is_active
   ORDER BY t.version DESC LIMIT 1;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'unknown template "%"', coalesce(template_key, 'NULL')
      USING ERRCODE = 'SM003', DETAIL = 'The org has no active template of that key.',
            HINT = 'Insert it into sms_templates, or set is_active.';
  END IF;
  body := @extschema@.render_sms_template(body, coalesce(variables, '{}'));
  SELECT s.encoding, s.segments INTO encoding, segments FROM @extschema@.sms_segments(body) s;
  estimated_cost := segments * org.price_per_segment;
  currency := org.currency;
END
$$;
