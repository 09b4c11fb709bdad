-- Attaching the application's bookings, and detaching them.

-- Takes our triggers off the application's tables.
CREATE FUNCTION coach_sms_internal.sms_drop_booking_triggers() RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  own record;
BEGIN
  FOR own IN
    SELECT t.tgname, t.tgrelid::regclass AS relation FROM pg_trigger t
     WHERE t.tgfoid = '@extschema@.sms_booking_trigger'::regproc AND t.tgparentid = 0
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', own.tgname, own.relation);
  END LOOP;
END
$$;

-- Puts our triggers on those of the relations that are tables. Their WHEN conditions skip updates that
-- change nothing of ours. UPDATE OF would miss a column that a BEFORE trigger changes.
CREATE FUNCTION coach_sms_internal.sms_create_booking_triggers(source sms_bookings_source) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  b jsonb := source.mapping->'bookings';
  c jsonb := source.mapping->'clients';
  o jsonb := source.mapping->'orgs';
  changed text := (SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', b->>n), ' OR ')
    FROM unnest(ARRAY['id', 'org_id', 'client_id', 'start_time', 'end_time', 'status',
                      'location_details']) n);
  changed_client text := (SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', c->>n), ' OR ')
    FROM unnest(ARRAY['phone', 'full_name', 'first_name', 'org_id']) n WHERE c ? n);
BEGIN
  IF coach_sms_internal.sms_is_table(source.bookings) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_insert AFTER INSERT ON %s FOR EACH ROW '
                   'EXECUTE FUNCTION @extschema@.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_update AFTER UPDATE ON %s FOR EACH ROW WHEN (%s) '
                   'EXECUTE FUNCTION @extschema@.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, changed, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_delete AFTER DELETE ON %s FOR EACH ROW '
                   'EXECUTE FUNCTION @extschema@.sms_booking_trigger(''booking'', %L, %L)',
                   source.bookings, b->>'id', b->>'org_id');
    EXECUTE format('CREATE TRIGGER coach_sms_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT '
                   'EXECUTE FUNCTION @extschema@.sms_booking_trigger(''truncate'')',
                   source.bookings);
  END IF;
  IF coach_sms_internal.sms_is_table(source.clients) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_client AFTER UPDATE ON %s FOR EACH ROW WHEN (%s)'
                   ' EXECUTE FUNCTION @extschema@.sms_booking_trigger(''client'', %L, %L)',
                   source.clients, changed_client, c->>'id', c->>'org_id');
  END IF;
  IF coach_sms_internal.sms_is_table(source.orgs) THEN
    EXECUTE format('CREATE TRIGGER coach_sms_org AFTER UPDATE ON %s FOR EACH ROW '
                   'WHEN (OLD.%2$I IS DISTINCT FROM NEW.%2$I)'
                   ' EXECUTE FUNCTION @extschema@.sms_booking_trigger(''org'', %3$L, %3$L)',
                   source.orgs, o->>'name', o->>'id');
  END IF;
END
$$;

-- Adds reminder_sent and feedback_sent to a table without them, as the guide does.
CREATE FUNCTION coach_sms_internal.sms_add_booking_flags(bookings regclass, mapping jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  flag text;
BEGIN
  FOREACH flag IN ARRAY ARRAY['reminder_sent', 'feedback_sent'] LOOP
    IF coach_sms_internal.sms_is_table(bookings)
       AND NOT EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = bookings AND a.attname = mapping->'bookings'->>flag
                          AND NOT a.attisdropped) THEN
      EXECUTE format('ALTER TABLE %s ADD COLUMN %I boolean DEFAULT false',
                     bookings, mapping->'bookings'->>flag);
    END IF;
  END LOOP;
END
$$;

-- Returns the mapping without the flags that a view lacks. Such flags are read as false.
CREATE FUNCTION coach_sms_internal.sms_without_flags(bookings regclass, mapping jsonb) RETURNS jsonb
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT mapping || jsonb_build_object('bookings', (mapping->'bookings') - coalesce(
    (SELECT array_agg(f.name) FROM unnest(ARRAY['reminder_sent', 'feedback_sent']) f(name)
      WHERE NOT EXISTS (SELECT FROM pg_attribute a
                         WHERE a.attrelid = bookings AND a.attname = mapping->'bookings'->>f.name
                           AND NOT a.attisdropped)), '{}'))
$$;

-- Records for each confirmed booking ahead that it gets no confirmation, and the reason. Its owner has
-- confirmed it already. A reminder that the application has sent counts. Going live also ends the retries
-- of the sandbox.
CREATE FUNCTION coach_sms_internal.sms_record_baseline(reason text, OUT ahead integer)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found coach_sms_internal.sms_booking[];
BEGIN
  found := ARRAY(
    SELECT b FROM coach_sms_internal.sms_find_bookings(now(), 'infinity', 'infinity', 'infinity', '{}') b
     WHERE b.state = 'confirmed');
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

CREATE FUNCTION sms_attach_bookings(
  bookings regclass DEFAULT NULL, clients regclass DEFAULT NULL, orgs regclass DEFAULT NULL,
  mapping jsonb DEFAULT '{}')
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
  FOR part IN SELECT * FROM (VALUES ('bookings', source.bookings), ('clients', source.clients),
                                    ('orgs', source.orgs)) p (name, relation)
               WHERE p.relation IS NULL LOOP
    PERFORM coach_sms_internal.sms_refuse_bookings(
      format('there is no public.%s', part.name),
      format('The %s are read from it unless you name another.', part.name),
      format('Name yours: sms_attach_bookings(%s => ''your_%s'').', part.name, part.name));
  END LOOP;
  source.mapping := coach_sms_internal.sms_complete_mapping(mapping);
  -- Takes the strongest locks, and all of them first. Two locks that grow later, ours and an application's,
  -- would deadlock.
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
  IF (earlier.bookings, earlier.clients, earlier.orgs, earlier.mapping)
     = (source.bookings, source.clients, source.orgs, source.mapping) THEN
    source := earlier;
  END IF;
  PERFORM coach_sms_internal.sms_drop_booking_triggers();
  DELETE FROM @extschema@.sms_bookings_source;
  INSERT INTO @extschema@.sms_bookings_source SELECT source.*;
  BEGIN
    PERFORM coach_sms_internal.sms_read_bookings('{}');
    ahead := coach_sms_internal.sms_record_baseline('before_attach');
  EXCEPTION WHEN OTHERS THEN
    PERFORM coach_sms_internal.sms_refuse_bookings(
      format('%s cannot be read as its owner', source.bookings), SQLERRM,
      'Repair the view, or give its owner the rights it needs '
      '(BYPASSRLS where policies would hide rows from it).');
  END;
  PERFORM coach_sms_internal.sms_create_booking_triggers(source);
  RETURN ahead;
END
$$;
COMMENT ON FUNCTION sms_attach_bookings(regclass, regclass, regclass, jsonb) IS
'Sends confirmations, reminders and feedback requests for the bookings in these tables or views (default: '
'public.bookings, clients, orgs) from now on. mapping gives other column names and status words: '
'{"bookings": {"start_time": "starts_at"}, "status": {"confirmed": ["booked"]}}. If it names a '
'column first_name of the clients, texts use that column as it is. Adds reminder_sent and feedback_sent to '
'a table without them. Returns how many confirmed bookings lie ahead; they get reminders, and no '
'confirmation. A later call replaces the source if it differs. Locks the tables (ACCESS EXCLUSIVE) until '
'the transaction ends. Superuser only. Raises SM021 for tables that do not fit.';

CREATE FUNCTION sms_detach_bookings() RETURNS integer
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('coach_sms: attach', 0));
  PERFORM coach_sms_internal.sms_drop_booking_triggers();
  DELETE FROM @extschema@.sms_bookings_source;
  RETURN (SELECT count(*)
            FROM @extschema@.sms_booking_texts t JOIN @extschema@.sms_messages m ON m.id = t.message_id
           WHERE m.status IN ('pending', 'queued'));
END
$$;
COMMENT ON FUNCTION sms_detach_bookings() IS
'Makes no more texts for bookings and takes the triggers off. Cancels nothing: returns how many of its texts '
'still wait, which go out unless you cancel them. The added columns and the records stay. Superuser only.';
