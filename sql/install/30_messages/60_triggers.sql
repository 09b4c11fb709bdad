-- Triggers, by which plain INSERT, UPDATE and DELETE on the tables work.

-- The two on INSERT take their owner's rights themselves, and only for a plain INSERT: its rows have no
-- segment count, while rows of sms_enqueue and of a restore have one.

-- Checks and completes an inserted message as sms_enqueue would.
CREATE FUNCTION coach_sms_internal.sms_complete_message() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_complete_message' LANGUAGE C;
CREATE TRIGGER sms_message_complete BEFORE INSERT ON sms_messages
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_complete_message();

-- Inserts the row of sms_queue for an inserted message.
CREATE FUNCTION coach_sms_internal.sms_queue_message() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_queue_message' LANGUAGE C;
CREATE TRIGGER sms_message_queue AFTER INSERT ON sms_messages
  FOR EACH ROW WHEN (NEW.attempt_count = 0) EXECUTE FUNCTION coach_sms_internal.sms_queue_message();

-- Cancels a waiting message whose status a plain UPDATE sets to cancelled. Raises SM012 for
-- any other change of a status.
CREATE FUNCTION coach_sms_internal.sms_guard_status() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF OLD.status NOT IN ('pending', 'queued') OR NEW.status <> 'cancelled' THEN
    RAISE EXCEPTION 'status of message % cannot be changed from % to %', OLD.id, OLD.status, NEW.status
      USING ERRCODE = 'SM012',
            DETAIL = 'coach_sms writes the status. By hand only pending and queued can become cancelled.',
            HINT = 'Use sms_cancel(), sms_reschedule() or sms_retry().';
  END IF;
  NEW.error_code := coalesce(NEW.error_code, 'cancelled_by_user');
  NEW.updated_at := now();
  PERFORM coach_sms_internal.sms_unqueue(ARRAY[OLD.id]);
  RETURN NEW;
END
$$;

CREATE TRIGGER sms_message_guard BEFORE UPDATE OF status ON sms_messages
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status AND CURRENT_USER <> 'coach_sms_owner')
  EXECUTE FUNCTION coach_sms_internal.sms_guard_status();

-- Raises SM005: metadata must stay a JSON object.
CREATE FUNCTION coach_sms_internal.sms_refuse_metadata() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'metadata is not a JSON object'
    USING ERRCODE = 'SM005', DETAIL = 'It must be an object, as in {"source": "app"}.',
          HINT = 'Build it with jsonb_build_object().';
END
$$;

CREATE TRIGGER sms_message_metadata BEFORE UPDATE OF metadata ON sms_messages
  FOR EACH ROW WHEN (jsonb_typeof(NEW.metadata) IS DISTINCT FROM 'object')
  EXECUTE FUNCTION coach_sms_internal.sms_refuse_metadata();

-- Deletes the rows of sms_queue and sms_in_flight of deleted messages, and sets message_id of their events
-- to NULL. The sender's result then finds no claim with its fence. Retention and erasure treat these
-- events as they treat texts from people.
CREATE FUNCTION coach_sms_internal.sms_forget_messages() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  SET coach_sms.plans_for_full_tables = on AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    DELETE FROM coach_sms_internal.sms_queue;
    DELETE FROM coach_sms_internal.sms_in_flight;
    UPDATE @extschema@.sms_events e SET message_id = NULL WHERE e.message_id IS NOT NULL;
  ELSE
    PERFORM coach_sms_internal.sms_unqueue(ARRAY(SELECT g.id FROM gone g));
    DELETE FROM coach_sms_internal.sms_in_flight f USING gone g WHERE f.message_id = g.id;
    UPDATE @extschema@.sms_events e SET message_id = NULL FROM gone g WHERE e.message_id = g.id;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER sms_message_delete AFTER DELETE ON sms_messages
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION coach_sms_internal.sms_forget_messages();
CREATE TRIGGER sms_message_truncate AFTER TRUNCATE ON sms_messages
  FOR EACH STATEMENT EXECUTE FUNCTION coach_sms_internal.sms_forget_messages();

-- sms_templates

-- Warns of each of the names that stands in the body in the notation of another template language, such as
-- {name}, [name], #name# or %name%. Ours takes these for text.
CREATE FUNCTION coach_sms_internal.sms_warn_of_placeholders(body text, names jsonb) RETURNS void
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wrong record;
BEGIN
  FOR wrong IN
    SELECT f.match[1] AS written, n.name
      FROM jsonb_array_elements_text(names) n (name)
     CROSS JOIN LATERAL regexp_matches(
       regexp_replace(body, '\{\{[^{}]*\}\}', '', 'g'),
       replace('(\$?\{\s*NAME\s*\}|\[\[?\s*NAME\s*\]\]?|<<?\s*NAME\s*>>?|##?NAME##?'
               '|%%?\s*NAME\s*%%?|\$NAME\M|@NAME@|\*\|NAME\|\*)',
               'NAME', n.name), 'gi') f (match)
     WHERE n.name ~ '^[A-Za-z_][A-Za-z0-9_]*$'
  LOOP
    RAISE WARNING 'placeholder "%" is text, and would be sent as it stands', wrong.written
      USING DETAIL = format('variables_schema names the variable %s.', wrong.name),
            HINT = format('Write {{%s}}.', wrong.name);
  END LOOP;
END
$$;

-- Raises SM003 for a template with a broken placeholder, warns of one in another notation, and
-- writes the version of a new template.
CREATE FUNCTION coach_sms_internal.sms_check_template() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM @extschema@.sms_template_variables(NEW.body);
  IF jsonb_typeof(NEW.variables_schema) = 'array' THEN
    PERFORM coach_sms_internal.sms_warn_of_placeholders(NEW.body, NEW.variables_schema);
  END IF;
  IF NEW.version IS NULL THEN
    -- Concurrent inserts of a key wait for each other, and the next statement's snapshot
    -- sees the earlier one.
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.org_id::text || NEW.template_key, 0));
    NEW.version := (SELECT coalesce(max(t.version), 0) + 1 FROM @extschema@.sms_templates t
                     WHERE t.org_id = NEW.org_id AND t.template_key = NEW.template_key);
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER sms_template_check BEFORE INSERT OR UPDATE OF body, variables_schema, version ON sms_templates
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_check_template();

-- updated_at

-- Writes updated_at.
CREATE FUNCTION coach_sms_internal.sms_touch() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END
$$;

CREATE TRIGGER sms_template_touch BEFORE UPDATE ON sms_templates
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_touch();
CREATE TRIGGER sms_settings_touch BEFORE UPDATE ON sms_settings
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_touch();

-- cached rows

-- Makes the library, which caches settings, templates, mode and salt, read them again. With the argument
-- 'wake' the sender reads everything again: under the new settings other messages may go.
CREATE FUNCTION coach_sms_internal.sms_forget_facts() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_forget_facts' LANGUAGE C;

CREATE TRIGGER sms_settings_forget AFTER INSERT OR UPDATE OR DELETE ON sms_settings
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_forget_facts('wake');
CREATE TRIGGER sms_templates_forget AFTER INSERT OR UPDATE OR DELETE ON sms_templates
  FOR EACH STATEMENT EXECUTE FUNCTION coach_sms_internal.sms_forget_facts();
CREATE TRIGGER sms_server_forget AFTER INSERT OR UPDATE OR DELETE ON coach_sms_internal.sms_server
  FOR EACH ROW EXECUTE FUNCTION coach_sms_internal.sms_forget_facts('wake');
CREATE TRIGGER sms_phone_salt_forget AFTER INSERT OR UPDATE OR DELETE ON sms_phone_salt
  FOR EACH STATEMENT EXECUTE FUNCTION coach_sms_internal.sms_forget_facts();
