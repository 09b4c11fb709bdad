-- Attaching the application's bookings. Their rows are read and marked by the library, as the owner
-- of the bookings: never with our rights, nor with those of whoever changed a booking.

CREATE FUNCTION coach_sms_internal.sms_read_bookings(ids uuid[]) RETURNS SETOF coach_sms_internal.sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_read_bookings' LANGUAGE C VOLATILE STRICT ROWS 1;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_read_bookings(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_read_bookings(uuid[]) IS
'Internal: bookings of the attached relation by id, with client and org, read as their owner.';

CREATE FUNCTION coach_sms_internal.sms_find_bookings(
  starts_after timestamptz, starts_until timestamptz, ends_after timestamptz, ends_until timestamptz, ids uuid[])
  RETURNS SETOF coach_sms_internal.sms_booking
  AS 'MODULE_PATHNAME', 'coach_sms_find_bookings' LANGUAGE C VOLATILE STRICT ROWS 1000;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_find_bookings(timestamptz, timestamptz, timestamptz, timestamptz, uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_find_bookings(timestamptz, timestamptz, timestamptz, timestamptz, uuid[]) IS
'Internal: bookings that start, or end, in a range, and those with the ids; without client, org and location, a booking as often as it is found.';

CREATE FUNCTION coach_sms_internal.sms_mark_booking(booking_id uuid, feedback boolean) RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_mark_booking' LANGUAGE C VOLATILE STRICT;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_mark_booking(uuid, boolean) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_mark_booking(uuid, boolean) IS
'Internal: writes reminder_sent (or feedback_sent) of a booking, as its owner, unless somebody has locked the row.';

CREATE FUNCTION coach_sms_internal.sms_booking_trigger() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_booking_trigger' LANGUAGE C
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_booking_trigger() FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_booking_trigger() IS 'Internal: on the attached bookings, clients and orgs; decides anew about the texts of the bookings that a change concerns.';

-- What is wrong with an attachment is said with one voice.
CREATE FUNCTION coach_sms_internal.sms_refuse_bookings(problem text, detail text, hint text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION '%', problem USING ERRCODE = 'SM021', DETAIL = detail, HINT = hint;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_refuse_bookings(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_refuse_bookings(text, text, text) IS 'Internal: raises SM021.';

-- The columns that are read, and of which kind each is. A client's first_name is read where the mapping names it.
CREATE FUNCTION coach_sms_internal.sms_booking_columns() RETURNS TABLE (relation text, name text, kind text)
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  VALUES ('bookings', 'id', 'uuid'), ('bookings', 'org_id', 'uuid'), ('bookings', 'client_id', 'uuid'),
         ('bookings', 'start_time', 'timestamptz'), ('bookings', 'end_time', 'timestamptz'), ('bookings', 'status', 'text'),
         ('bookings', 'location_details', 'text'), ('bookings', 'reminder_sent', 'boolean'), ('bookings', 'feedback_sent', 'boolean'),
         ('clients', 'id', 'uuid'), ('clients', 'org_id', 'uuid'), ('clients', 'full_name', 'text'), ('clients', 'phone', 'text'),
         ('clients', 'first_name', 'text'),
         ('orgs', 'id', 'uuid'), ('orgs', 'name', 'text')
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_booking_columns() FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_booking_columns() IS 'Internal: the documented columns of bookings, clients and orgs.';

CREATE FUNCTION coach_sms_internal.sms_check_mapping(mapping jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part text;
  entry record;
BEGIN
  IF jsonb_typeof(mapping) IS DISTINCT FROM 'object' THEN
    PERFORM coach_sms_internal.sms_refuse_bookings('mapping is not a JSON object', 'It names our columns and yours, as in {"bookings": {"start_time": "starts_at"}}.', 'Leave it out where the names are the documented ones.');
  END IF;
  FOREACH part IN ARRAY ARRAY(SELECT jsonb_object_keys(mapping)) LOOP
    IF part NOT IN ('bookings', 'clients', 'orgs', 'status') OR jsonb_typeof(mapping->part) <> 'object' THEN
      PERFORM coach_sms_internal.sms_refuse_bookings(format('mapping has a part "%s" that is not understood', part),
        'Its parts are bookings, clients, orgs and status, each an object.', 'Correct its name, or take it out.');
    END IF;
    FOR entry IN SELECT * FROM jsonb_each(mapping->part) LOOP
      IF part = 'status' THEN
        IF entry.key NOT IN ('confirmed', 'completed') OR jsonb_typeof(entry.value) <> 'array'
           OR EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(entry.value) WHEN 'array' THEN entry.value ELSE '[]' END) e
                       WHERE jsonb_typeof(e) <> 'string') THEN
          PERFORM coach_sms_internal.sms_refuse_bookings(format('mapping of status "%s" is not understood', entry.key),
            'status has confirmed and completed, each an array of the words that count.', 'Write it as in {"status": {"confirmed": ["confirmed", "paid"]}}.');
        END IF;
      ELSIF jsonb_typeof(entry.value) <> 'string'
            OR NOT EXISTS (SELECT FROM coach_sms_internal.sms_booking_columns() c WHERE c.relation = part AND c.name = entry.key) THEN
        PERFORM coach_sms_internal.sms_refuse_bookings(format('mapping of %s "%s" is not understood', part, entry.key),
          format('The columns of %s are %s; each is mapped to a name.', part,
                 (SELECT string_agg(c.name, ', ') FROM coach_sms_internal.sms_booking_columns() c WHERE c.relation = part)),
          'Our name comes first, yours second.');
      END IF;
    END LOOP;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_check_mapping(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_check_mapping(jsonb) IS 'Internal: raises SM021 for a mapping that is not understood.';

-- A first_name stands in for full_name, unless both are named.
CREATE FUNCTION coach_sms_internal.sms_complete_mapping(mapping jsonb) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT jsonb_object_agg(c.relation, c.names || coalesce(mapping->c.relation, '{}'))
         || jsonb_build_object('status', '{"confirmed": ["confirmed"], "completed": ["completed"]}' || coalesce(mapping->'status', '{}'))
    FROM (SELECT relation, jsonb_object_agg(name, name) AS names FROM coach_sms_internal.sms_booking_columns() o
           WHERE o.name <> 'first_name' AND (o.name <> 'full_name' OR mapping #> '{clients,first_name}' IS NULL)
           GROUP BY relation) c
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_complete_mapping(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_complete_mapping(jsonb) IS 'Internal: the mapping with the documented names where it says nothing.';

CREATE FUNCTION coach_sms_internal.sms_is_table(relation regclass) RETURNS boolean
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = $1
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_is_table(regclass) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_is_table(regclass) IS 'Internal: whether triggers can tell of its changes; a view is looked at by the scheduler instead.';

CREATE FUNCTION coach_sms_internal.sms_check_booking_column(relation regclass, part text, name text, own_name text, kind text) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found_type oid;
  is_right boolean;
BEGIN
  SELECT coalesce(nullif(t.typbasetype, 0), t.oid),
         CASE kind WHEN 'text' THEN t.typcategory IN ('S', 'E') ELSE coalesce(nullif(t.typbasetype, 0), t.oid) = kind::regtype END
    INTO found_type, is_right
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
   WHERE a.attrelid = relation AND a.attname = own_name AND a.attnum > 0 AND NOT a.attisdropped;
  IF NOT FOUND THEN
    IF kind = 'boolean' AND NOT coach_sms_internal.sms_is_table(relation) THEN
      RETURN;
    END IF;
    PERFORM coach_sms_internal.sms_refuse_bookings(format('%s has no column "%s"', relation, own_name),
      format('It is looked for as %s of the %s.', name, part),
      format('Where it has another name, say so: mapping => ''{"%s": {"%s": "your_column"}}''; or attach a view.', part, name));
  ELSIF NOT is_right THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(format('column "%s" of %s is of type %s', own_name, relation, format_type(found_type, NULL)),
      format('It is read as %s of the %s, which is %s.', name, part, CASE kind WHEN 'text' THEN 'text, varchar or an enum' ELSE kind END),
      CASE WHEN found_type = 'timestamp'::regtype
           THEN format('It does not say in which zone its times are. Make it timestamptz: ALTER TABLE … ALTER COLUMN %I TYPE timestamptz USING %I AT TIME ZONE ''Australia/Sydney''; or attach a view that does.', own_name, own_name)
           ELSE 'Map another column, or attach a view that casts it.' END);
  END IF;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_check_booking_column(regclass, text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_check_booking_column(regclass, text, text, text, text) IS 'Internal: raises SM021 where a column is missing or of another type.';

CREATE FUNCTION coach_sms_internal.sms_check_booking_rights(bookings regclass, other regclass) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  owner oid := (SELECT relowner FROM pg_class WHERE oid = bookings);
  schema oid := (SELECT relnamespace FROM pg_class WHERE oid = other);
BEGIN
  IF NOT has_schema_privilege(owner, schema, 'USAGE') OR NOT has_table_privilege(owner, other, 'SELECT') THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(format('%s, the owner of %s, may not read %s', owner::regrole, bookings, other),
      'Bookings, clients and orgs are read with the rights of the owner of the bookings.',
      format('GRANT USAGE ON SCHEMA %s TO %s; GRANT SELECT ON %s TO %s.', schema::regnamespace, owner::regrole, other, owner::regrole));
  END IF;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_check_booking_rights(regclass, regclass) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_check_booking_rights(regclass, regclass) IS 'Internal: raises SM021 where the owner of the bookings may not read a relation.';

-- A status word that an enum does not have would never match.
CREATE FUNCTION coach_sms_internal.sms_check_status_words(bookings regclass, status_column text, words jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  enum_type oid;
  unknown text;
BEGIN
  SELECT t.oid INTO enum_type FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
   WHERE a.attrelid = bookings AND a.attname = status_column AND t.typtype = 'e';
  SELECT w INTO unknown FROM jsonb_each(words) p, jsonb_array_elements_text(p.value) w
   WHERE enum_type IS NOT NULL AND NOT EXISTS (SELECT FROM pg_enum e WHERE e.enumtypid = enum_type AND e.enumlabel = w) LIMIT 1;
  IF FOUND THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(format('"%s" is no value of %s', unknown, enum_type::regtype),
      format('Column "%s" of %s has %s.', status_column, bookings,
             (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = enum_type)),
      'Say which words count: mapping => ''{"status": {"confirmed": [...], "completed": [...]}}''.');
  END IF;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_check_status_words(regclass, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_check_status_words(regclass, text, jsonb) IS 'Internal: raises SM021 for a word that the status, an enum, does not have.';

CREATE FUNCTION coach_sms_internal.sms_check_bookings_source(source sms_bookings_source) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wanted record;
BEGIN
  FOR wanted IN
    SELECT c.relation AS part, c.name, source.mapping->c.relation->>c.name AS own_name, c.kind,
           CASE c.relation WHEN 'bookings' THEN source.bookings WHEN 'clients' THEN source.clients ELSE source.orgs END AS relation
      FROM coach_sms_internal.sms_booking_columns() c
     WHERE source.mapping->c.relation ? c.name
  LOOP
    PERFORM coach_sms_internal.sms_check_booking_column(wanted.relation, wanted.part, wanted.name, wanted.own_name, wanted.kind);
  END LOOP;
  PERFORM coach_sms_internal.sms_check_status_words(source.bookings, source.mapping #>> '{bookings,status}', source.mapping->'status');
  PERFORM coach_sms_internal.sms_check_booking_rights(source.bookings, source.clients);
  PERFORM coach_sms_internal.sms_check_booking_rights(source.bookings, source.orgs);
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_check_bookings_source(sms_bookings_source) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_check_bookings_source(sms_bookings_source) IS 'Internal: raises SM021 for whatever would keep the bookings from being read.';

CREATE FUNCTION coach_sms_internal.sms_drop_booking_triggers() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own record;
BEGIN
  FOR own IN
    SELECT t.tgname, t.tgrelid::regclass AS relation FROM pg_trigger t
     WHERE t.tgfoid = 'coach_sms_internal.sms_booking_trigger'::regproc AND t.tgparentid = 0
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', own.tgname, own.relation);
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_drop_booking_triggers() FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_drop_booking_triggers() IS 'Internal: takes our triggers off the application''s tables.';

-- WHEN decides which updates cost anything. No UPDATE OF: a BEFORE trigger may change what it does not name.
CREATE FUNCTION coach_sms_internal.sms_create_booking_triggers(source sms_bookings_source) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  b jsonb := source.mapping->'bookings';
  c jsonb := source.mapping->'clients';
  o jsonb := source.mapping->'orgs';
  changed text := (SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', b->>n), ' OR ')
    FROM unnest(ARRAY['id', 'org_id', 'client_id', 'start_time', 'end_time', 'status', 'location_details']) n);
  changed_client text := (SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', c->>n), ' OR ')
    FROM unnest(ARRAY['phone', 'full_name', 'first_name', 'org_id']) n WHERE c ? n);
BEGIN
  IF coach_sms_internal.sms_is_table(source.bookings) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_insert AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_update AFTER UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION coach_sms_internal.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, changed, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_delete AFTER DELETE ON %s FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION coach_sms_internal.sms_booking_trigger(''truncate'')',
                   source.bookings);
  END IF;
  IF coach_sms_internal.sms_is_table(source.clients) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_client AFTER UPDATE ON %s FOR EACH ROW WHEN (%s)'
                   ' EXECUTE FUNCTION coach_sms_internal.sms_booking_trigger(''client'', %L, %L)',
                   source.clients, changed_client, c->>'id', c->>'org_id');
  END IF;
  IF coach_sms_internal.sms_is_table(source.orgs) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_org AFTER UPDATE ON %s FOR EACH ROW WHEN (OLD.%2$I IS DISTINCT FROM NEW.%2$I)'
                   ' EXECUTE FUNCTION coach_sms_internal.sms_booking_trigger(''org'', %3$L, %3$L)',
                   source.orgs, o->>'name', o->>'id');
  END IF;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_create_booking_triggers(sms_bookings_source) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_create_booking_triggers(sms_bookings_source) IS 'Internal: puts our triggers on those of the relations that are tables.';

CREATE FUNCTION coach_sms_internal.sms_add_booking_flags(bookings regclass, mapping jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  flag text;
BEGIN
  FOREACH flag IN ARRAY ARRAY['reminder_sent', 'feedback_sent'] LOOP
    IF coach_sms_internal.sms_is_table(bookings)
       AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = bookings AND a.attname = mapping->'bookings'->>flag AND NOT a.attisdropped) THEN
      EXECUTE format('ALTER TABLE %s ADD COLUMN %I boolean DEFAULT false', bookings, mapping->'bookings'->>flag);
    END IF;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_add_booking_flags(regclass, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_add_booking_flags(regclass, jsonb) IS 'Internal: adds reminder_sent and feedback_sent to a table that has them not, as the guide does.';

-- A view without the flags: the mapping says so, and they are read as false.
CREATE FUNCTION coach_sms_internal.sms_without_flags(bookings regclass, mapping jsonb) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT mapping || jsonb_build_object('bookings', (mapping->'bookings') - coalesce(
    (SELECT array_agg(f.name) FROM unnest(ARRAY['reminder_sent', 'feedback_sent']) f(name)
      WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = bookings AND a.attname = mapping->'bookings'->>f.name AND NOT a.attisdropped)), '{}'))
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_without_flags(regclass, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_without_flags(regclass, jsonb) IS 'Internal: the mapping without the flags that a view has not.';

-- History is never texted: what is confirmed already has had its confirmation, and a reminder that
-- somebody else has sent counts. Going live ends what a sandbox still tried, too.
CREATE FUNCTION coach_sms_internal.sms_record_baseline(reason text, OUT ahead integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found coach_sms_internal.sms_booking[];
BEGIN
  found := ARRAY(SELECT b FROM coach_sms_internal.sms_find_bookings(now(), 'infinity', 'infinity', 'infinity', '{}') b WHERE b.state = 'confirmed');
  INSERT INTO @extschema@.sms_booking_texts AS t
    (booking_id, type, org_id, session_start, session_end, reason)
    SELECT DISTINCT ON (b.id, w.type) b.id, w.type, b.org_id, b.start_time, b.end_time, w.reason
      FROM unnest(found) b
      CROSS JOIN LATERAL (VALUES ('confirmation', sms_record_baseline.reason, true),
                                 ('reminder', 'already_sent', b.reminder_sent)) w (type, reason, counts)
     WHERE w.counts
    ON CONFLICT ON CONSTRAINT sms_booking_texts_pkey DO UPDATE
      SET reason = excluded.reason, detail = NULL, try_until = NULL, updated_at = now()
      WHERE excluded.reason = 'before_live' AND t.message_id IS NULL
        AND (t.try_until > now() OR t.reason = 'booking_cancelled');
  ahead := cardinality(found);
END
$$;
REVOKE ALL ON FUNCTION coach_sms_internal.sms_record_baseline(text) FROM PUBLIC;
COMMENT ON FUNCTION coach_sms_internal.sms_record_baseline(text) IS
'Internal: records for each confirmed booking ahead that it gets no confirmation, and which of the reasons.';

CREATE FUNCTION sms_attach_bookings(
  bookings regclass DEFAULT NULL, clients regclass DEFAULT NULL, orgs regclass DEFAULT NULL, mapping jsonb DEFAULT '{}')
  RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  source @extschema@.sms_bookings_source;
  earlier @extschema@.sms_bookings_source;
  part record;
  ahead integer;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('coach_sms: attach', 0));
  PERFORM coach_sms_internal.sms_check_mapping(mapping);
  source.singleton := true;
  source.bookings := coalesce(bookings, to_regclass('public.bookings'));
  source.clients := coalesce(clients, to_regclass('public.clients'));
  source.orgs := coalesce(orgs, to_regclass('public.orgs'));
  FOR part IN SELECT * FROM (VALUES ('bookings', source.bookings), ('clients', source.clients), ('orgs', source.orgs)) p (name, relation)
               WHERE p.relation IS NULL LOOP
    PERFORM coach_sms_internal.sms_refuse_bookings(format('there is no public.%s', part.name), format('It is where the %s are looked for unless you say otherwise.', part.name),
                                            format('Name yours: sms_attach_bookings(%s => ''your_%s'').', part.name, part.name));
  END LOOP;
  source.mapping := coach_sms_internal.sms_complete_mapping(mapping);
  -- As strong as it gets, and all before anything else: a lock that grows later would meet an application's that grows.
  FOR part IN SELECT DISTINCT r AS relation FROM unnest(ARRAY[source.bookings, source.clients, source.orgs]) r
               WHERE coach_sms_internal.sms_is_table(r) ORDER BY 1 LOOP
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part.relation);
  END LOOP;
  PERFORM coach_sms_internal.sms_add_booking_flags(source.bookings, source.mapping);
  PERFORM coach_sms_internal.sms_check_bookings_source(source);
  source.mapping := coach_sms_internal.sms_without_flags(source.bookings, source.mapping);
  source.attached_at := now();
  source.attached_by := session_user;

  SELECT * INTO earlier FROM @extschema@.sms_bookings_source;
  IF (earlier.bookings, earlier.clients, earlier.orgs, earlier.mapping) = (source.bookings, source.clients, source.orgs, source.mapping) THEN
    source := earlier;
  END IF;
  PERFORM coach_sms_internal.sms_drop_booking_triggers();
  DELETE FROM @extschema@.sms_bookings_source;
  INSERT INTO @extschema@.sms_bookings_source SELECT source.*;
  BEGIN
    PERFORM coach_sms_internal.sms_read_bookings('{}');
    ahead := coach_sms_internal.sms_record_baseline('before_attach');
  EXCEPTION WHEN OTHERS THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(format('%s cannot be read as its owner', source.bookings), SQLERRM, 'Mend the view, or give its owner the rights it needs (BYPASSRLS where policies would hide rows from it).');
  END;
  PERFORM coach_sms_internal.sms_create_booking_triggers(source);
  RETURN ahead;
END
$$;
REVOKE ALL ON FUNCTION sms_attach_bookings(regclass, regclass, regclass, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION sms_attach_bookings(regclass, regclass, regclass, jsonb) IS
'Sends confirmations, reminders and feedback requests for the bookings in these tables or views (default: public.bookings, clients, orgs) from now on. mapping gives other column names and status words: {"bookings": {"start_time": "starts_at"}, "status": {"confirmed": ["booked"]}}; a first_name of the clients that it names is taken as it is. Adds reminder_sent and feedback_sent to a table without them. Returns how many confirmed bookings lie ahead; they get reminders, and no confirmation. Called again, it changes what is different. Locks the tables (ACCESS EXCLUSIVE) until the transaction ends. Superuser only. Raises SM021 for whatever is wrong with them.';

CREATE FUNCTION sms_detach_bookings() RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('coach_sms: attach', 0));
  PERFORM coach_sms_internal.sms_drop_booking_triggers();
  DELETE FROM @extschema@.sms_bookings_source;
  RETURN (SELECT count(*) FROM @extschema@.sms_booking_texts t JOIN @extschema@.sms_messages m ON m.id = t.message_id
           WHERE m.status IN ('pending', 'queued'));
END
$$;
REVOKE ALL ON FUNCTION sms_detach_bookings() FROM PUBLIC;
COMMENT ON FUNCTION sms_detach_bookings() IS
'Makes no more texts for bookings and takes the triggers off. Cancels nothing: returns how many of its texts still wait, which go out unless you cancel them. The added columns and the records stay. Superuser only.';
