-- The checks of sms_attach_bookings() before it reads anything: the mapping, the columns, the rights.

-- Raises SM021. It is the only place that does so for an attachment.
CREATE FUNCTION coach_sms_internal.sms_refuse_bookings(problem text, detail text, hint text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '%', problem USING ERRCODE = 'SM021', DETAIL = detail, HINT = hint;
END
$$;

-- Returns the columns that are read, and the kind of each. A client's first_name is read where the mapping
-- names it.
CREATE FUNCTION coach_sms_internal.sms_booking_columns() RETURNS TABLE (relation text, name text, kind text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES ('bookings', 'id', 'uuid'), ('bookings', 'org_id', 'uuid'), ('bookings', 'client_id', 'uuid'),
         ('bookings', 'start_time', 'timestamptz'), ('bookings', 'end_time', 'timestamptz'),
         ('bookings', 'status', 'text'), ('bookings', 'location_details', 'text'),
         ('bookings', 'reminder_sent', 'boolean'), ('bookings', 'feedback_sent', 'boolean'),
         ('clients', 'id', 'uuid'), ('clients', 'org_id', 'uuid'), ('clients', 'full_name', 'text'),
         ('clients', 'phone', 'text'), ('clients', 'first_name', 'text'),
         ('orgs', 'id', 'uuid'), ('orgs', 'name', 'text')
$$;

-- Raises SM021 for a mapping with an unknown key or a wrong value.
CREATE FUNCTION coach_sms_internal.sms_check_mapping(mapping jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part text;
  entry record;
BEGIN
  IF jsonb_typeof(mapping) IS DISTINCT FROM 'object' THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(
      'mapping is not a JSON object',
      'It names our columns and yours, as in {"bookings": {"start_time": "starts_at"}}.',
      'Leave it out where the names are the documented ones.');
  END IF;
  FOREACH part IN ARRAY ARRAY(SELECT jsonb_object_keys(mapping)) LOOP
    IF part NOT IN ('bookings', 'clients', 'orgs', 'status') OR jsonb_typeof(mapping->part) <> 'object' THEN
      PERFORM coach_sms_internal.sms_refuse_bookings(
        format('mapping has an unknown part "%s"', part),
        'Its parts are bookings, clients, orgs and status, each an object.',
        'Correct its name, or take it out.');
    END IF;
    FOR entry IN SELECT * FROM jsonb_each(mapping->part) LOOP
      IF part = 'status' THEN
        IF entry.key NOT IN ('confirmed', 'completed') OR jsonb_typeof(entry.value) <> 'array'
           OR EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(entry.value)
                                                  WHEN 'array' THEN entry.value ELSE '[]' END) e
                       WHERE jsonb_typeof(e) <> 'string') THEN
          PERFORM coach_sms_internal.sms_refuse_bookings(
            format('mapping of status "%s" is not understood', entry.key),
            'status has confirmed and completed, each an array of the words that count.',
            'Write it as in {"status": {"confirmed": ["confirmed", "paid"]}}.');
        END IF;
      ELSIF jsonb_typeof(entry.value) <> 'string'
            OR NOT EXISTS (SELECT FROM coach_sms_internal.sms_booking_columns() c
                            WHERE c.relation = part AND c.name = entry.key) THEN
        PERFORM coach_sms_internal.sms_refuse_bookings(
          format('mapping of %s "%s" is not understood', part, entry.key),
          format('The columns of %s are %s; each is mapped to a name.', part,
                 (SELECT string_agg(c.name, ', ') FROM coach_sms_internal.sms_booking_columns() c
                   WHERE c.relation = part)),
          'Our name comes first, yours second.');
      END IF;
    END LOOP;
  END LOOP;
END
$$;

-- Returns the mapping, completed with the documented names. A first_name replaces full_name unless the
-- mapping names both.
CREATE FUNCTION coach_sms_internal.sms_complete_mapping(mapping jsonb) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_object_agg(c.relation, c.names || coalesce(mapping->c.relation, '{}'))
         || jsonb_build_object('status', '{"confirmed": ["confirmed"], "completed": ["completed"]}'
                                         || coalesce(mapping->'status', '{}'))
    FROM (SELECT relation, jsonb_object_agg(name, name) AS names
            FROM coach_sms_internal.sms_booking_columns() o
           WHERE o.name <> 'first_name'
             AND (o.name <> 'full_name' OR mapping #> '{clients,first_name}' IS NULL)
           GROUP BY relation) c
$$;

-- Raises SM021 where a column is missing or of another type.
CREATE FUNCTION coach_sms_internal.sms_check_booking_column(
  relation regclass, part text, name text, own_name text, kind text)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_type oid;
  is_right boolean;
BEGIN
  SELECT coalesce(nullif(t.typbasetype, 0), t.oid),
         CASE kind WHEN 'text' THEN t.typcategory IN ('S', 'E')
                   ELSE coalesce(nullif(t.typbasetype, 0), t.oid) = kind::regtype END
    INTO found_type, is_right
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
   WHERE a.attrelid = relation AND a.attname = own_name AND a.attnum > 0 AND NOT a.attisdropped;
  IF NOT FOUND THEN
    IF kind = 'boolean' AND NOT coach_sms_internal.sms_is_table(relation) THEN
      RETURN;
    END IF;
    PERFORM coach_sms_internal.sms_refuse_bookings(format('%s has no column "%s"', relation, own_name),
      format('It is to be the %s of the %s.', name, part),
      format('If it has another name, give it: mapping => ''{"%s": {"%s": "your_column"}}''; '
             'or attach a view.',
             part, name));
  ELSIF NOT is_right THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(
      format('column "%s" of %s is of type %s', own_name, relation, format_type(found_type, NULL)),
      format('It is read as %s of the %s, and must be %s.', name, part,
             CASE kind WHEN 'text' THEN 'text, varchar or an enum' ELSE kind END),
      CASE WHEN found_type = 'timestamp'::regtype
           THEN format('It does not say in which zone its times are. Make it timestamptz: '
                       'ALTER TABLE … ALTER COLUMN %I TYPE timestamptz USING %I AT TIME ZONE '
                       '''Australia/Sydney''; or attach a view that does.',
                       own_name, own_name)
           ELSE 'Map another column, or attach a view that casts it.' END);
  END IF;
END
$$;

-- Raises SM021 where the owner of the bookings may not read a relation.
CREATE FUNCTION coach_sms_internal.sms_check_booking_rights(bookings regclass, other regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner oid := (SELECT relowner FROM pg_class WHERE oid = bookings);
  schema oid := (SELECT relnamespace FROM pg_class WHERE oid = other);
BEGIN
  IF NOT has_schema_privilege(owner, schema, 'USAGE') OR NOT has_table_privilege(owner, other, 'SELECT') THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(
      format('%s, the owner of %s, may not read %s', owner::regrole, bookings, other),
      'Bookings, clients and orgs are read with the rights of the owner of the bookings.',
      format('GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s.',
             schema::regnamespace, owner::regrole, other, owner::regrole));
  END IF;
END
$$;

-- Raises SM021 for a status word that the column's enum does not have: it would never match.
CREATE FUNCTION coach_sms_internal.sms_check_status_words(bookings regclass, status_column text, words jsonb)
  RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  enum_type oid;
  unknown text;
BEGIN
  SELECT t.oid INTO enum_type FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
   WHERE a.attrelid = bookings AND a.attname = status_column AND t.typtype = 'e';
  SELECT w INTO unknown FROM jsonb_each(words) p, jsonb_array_elements_text(p.value) w
   WHERE enum_type IS NOT NULL
     AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = enum_type AND e.enumlabel = w)
   LIMIT 1;
  IF FOUND THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(
      format('"%s" is no value of %s', unknown, enum_type::regtype),
      format('Column "%s" of %s has %s.', status_column, bookings,
             (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e
               WHERE e.enumtypid = enum_type)),
      'Say which words count: mapping => ''{"status": {"confirmed": [...], "completed": [...]}}''.');
  END IF;
END
$$;

-- Raises SM021 for anything that would keep the bookings from being read.
CREATE FUNCTION coach_sms_internal.sms_check_bookings_source(source sms_bookings_source) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT c.relation AS part, c.name, source.mapping->c.relation->>c.name AS own_name, c.kind,
           CASE c.relation WHEN 'bookings' THEN source.bookings WHEN 'clients' THEN source.clients
                           ELSE source.orgs END AS relation
      FROM coach_sms_internal.sms_booking_columns() c
     WHERE source.mapping->c.relation ? c.name
  LOOP
    PERFORM coach_sms_internal.sms_check_booking_column(
      wanted.relation, wanted.part, wanted.name, wanted.own_name, wanted.kind);
  END LOOP;
  PERFORM coach_sms_internal.sms_check_status_words(
    source.bookings, source.mapping #>> '{bookings,status}', source.mapping->'status');
  PERFORM coach_sms_internal.sms_check_booking_rights(source.bookings, source.clients);
  PERFORM coach_sms_internal.sms_check_booking_rights(source.bookings, source.orgs);
END
$$;
