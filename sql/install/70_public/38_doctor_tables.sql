-- Returns the indexes by which C++ finds rows (src/pg/tables), as table and leading columns.
CREATE FUNCTION coach_sms_internal.sms_needed_indexes() RETURNS TABLE (table_id regclass, columns text[])
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES ('@extschema@.sms_messages'::regclass, ARRAY['id']),
         ('@extschema@.sms_messages', ARRAY['org_id', 'idempotency_key']),
         ('@extschema@.sms_messages', ARRAY['org_id', 'client_id', 'created_at']),
         ('@extschema@.sms_messages', ARRAY['to_phone', 'org_id']),
         ('coach_sms_internal.sms_queue', ARRAY['message_id']),
         ('coach_sms_internal.sms_queue', ARRAY['org_id', 'zone', 'priority', 'due_at', 'message_id']),
         ('coach_sms_internal.sms_in_flight', ARRAY['message_id']),
         ('@extschema@.sms_attempts', ARRAY['org_id', 'client_key', 'created_at']),
         ('@extschema@.sms_suppression', ARRAY['org_id', 'phone']),
         ('@extschema@.sms_opt_outs', ARRAY['phone']),
         ('@extschema@.sms_idempotency_keys', ARRAY['org_id', 'idempotency_key']),
         ('@extschema@.sms_settings', ARRAY['org_id']),
         ('@extschema@.sms_templates', ARRAY['org_id', 'template_key'])
$$;

-- Returns sms_doctor's checks of our tables: what an administrator's change has slowed down or broken.
CREATE FUNCTION coach_sms_internal.sms_check_tables()
  RETURNS TABLE (check_name text, level text, problem text, what_to_do text)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH usable AS MATERIALIZED (
    SELECT i.indrelid, i.indisunique AND i.indimmediate AND i.indnkeyatts = 2 AS is_unique,
           ARRAY(SELECT a.attname::text
                   FROM unnest(i.indkey) WITH ORDINALITY k (number, at)
                   LEFT JOIN pg_attribute a
                     ON a.attrelid = i.indrelid AND a.attnum = k.number AND i.indoption[k.at - 1] = 0
                  WHERE k.at <= i.indnkeyatts ORDER BY k.at) AS columns
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
     WHERE i.indrelid IN (SELECT n.table_id FROM coach_sms_internal.sms_needed_indexes() n)
       AND i.indisvalid AND i.indisready AND m.amname = 'btree'
       AND coalesce(pg_get_expr(i.indpred, i.indrelid), '(x IS NOT NULL)') ~ '^\(\w+ IS NOT NULL\)$'),
  missing AS (
    SELECT string_agg(format('%s (%s)', n.table_id, array_to_string(n.columns, ', ')), '; ') AS list
      FROM coach_sms_internal.sms_needed_indexes() n
     WHERE NOT EXISTS (SELECT FROM usable u
                        WHERE u.indrelid = n.table_id AND u.columns[1:cardinality(n.columns)] = n.columns
                          AND (u.is_unique OR n.columns[2] IS DISTINCT FROM 'idempotency_key'))),
  altered AS (
    SELECT string_agg(c.relname, ', ' ORDER BY c.relname) AS list
      FROM pg_class c
     WHERE c.oid IN (SELECT n.table_id FROM coach_sms_internal.sms_needed_indexes() n)
       AND (EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid)
            OR c.relnamespace = 'coach_sms_internal'::regnamespace
               AND (c.relhasrules OR c.relforcerowsecurity OR c.relispartition
                    OR EXISTS (SELECT FROM pg_trigger t
                                WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
                                  AND t.tgfoid <> 'coach_sms_internal.sms_pass_over()'::regprocedure))))
  SELECT 'indexes', 'error', 'indexes are missing or not valid: ' || m.list,
         'REINDEX an index that is not valid. Create a missing one as it is in a new database.'
    FROM missing m
  UNION ALL
  SELECT 'tables', 'error', 'tables have children, or internal ones rules or triggers: ' || a.list,
         'Remove them: coach_sms reads no children, and applications may not touch internal tables.'
    FROM altered a
$$;
