-- Tables that are written without a plan: all that a statement would do for an altered table happens.
\i sql/include/extension.sql
\set VERBOSITY terse
\set org 10000000-0000-4000-8000-000000000001
INSERT INTO sms_settings (org_id, max_sms_per_client_per_day, quiet_hours_start) VALUES (:'org', NULL, NULL);
CREATE FUNCTION enqueue(body text, key text DEFAULT NULL) RETURNS uuid LANGUAGE sql AS $$
  SELECT sms_enqueue('10000000-0000-4000-8000-000000000001', to_phone => '+61491570006', body => body,
                     idempotency_key => key)
$$;
SELECT enqueue('before any change') IS NOT NULL AS ok;

-- Columns: defaults, identity, generated, a domain.
ALTER TABLE sms_messages ADD COLUMN source text DEFAULT 'app', ADD COLUMN number int GENERATED ALWAYS AS IDENTITY,
  ADD COLUMN length int GENERATED ALWAYS AS (char_length(body)) STORED;
SELECT enqueue('columns') IS NOT NULL AS ok, enqueue('columns', 'key') IS NOT NULL AS ok;
SELECT body, idempotency_key, source, number, length FROM sms_messages ORDER BY id;
CREATE DOMAIN tag AS text NOT NULL;
ALTER TABLE sms_messages ADD COLUMN tag tag DEFAULT 'none';
ALTER TABLE sms_messages ALTER COLUMN tag DROP DEFAULT;
SELECT enqueue('domain');
ALTER TABLE sms_messages DROP COLUMN tag, DROP COLUMN source, DROP COLUMN number, DROP COLUMN length;
ALTER TABLE sms_messages ALTER COLUMN encoding TYPE varchar(3) USING left(encoding, 3);

-- Constraints that were added in the session.
SELECT enqueue('a longer encoding');
DELETE FROM sms_messages;
ALTER TABLE sms_messages ALTER COLUMN encoding TYPE text;
-- A type that casts without a change, and one that keeps fewer digits.
ALTER TABLE sms_messages ALTER COLUMN from_phone TYPE varchar(200), ALTER COLUMN expires_at TYPE timestamptz(0);
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'casts', expires_at => now() + interval '1 day') IS NOT NULL AS ok;
SELECT expires_at = date_trunc('second', expires_at) AS rounded FROM sms_messages WHERE body = 'casts';
ALTER TABLE sms_messages ALTER COLUMN from_phone TYPE text, ALTER COLUMN expires_at TYPE timestamptz;
DELETE FROM sms_messages;
ALTER TABLE sms_messages ADD CONSTRAINT polite CHECK (body LIKE '%please%');
SELECT enqueue('rude');
SELECT enqueue('rude', 'key');
SELECT enqueue('please') IS NOT NULL AS ok;
ALTER TABLE sms_messages DROP CONSTRAINT polite;
CREATE UNIQUE INDEX one_body ON sms_messages (body);
SELECT enqueue('please');
SELECT enqueue('please', 'key');
DROP INDEX one_body;
ALTER TABLE coach_sms_internal.sms_queue ADD CHECK (priority < 5);
SELECT sms_enqueue(:'org', to_phone => '+61491570006', body => 'late', priority => 7::smallint);
SELECT count(*) FROM sms_messages WHERE body = 'late';

-- A function in a default and in a check, replaced in the session.
CREATE FUNCTION source_of() RETURNS text LANGUAGE sql IMMUTABLE RETURN 'one';
ALTER TABLE sms_messages ADD COLUMN source text DEFAULT source_of();
SELECT enqueue('first') IS NOT NULL AS ok;
CREATE OR REPLACE FUNCTION source_of() RETURNS text LANGUAGE sql IMMUTABLE RETURN 'two';
SELECT enqueue('second') IS NOT NULL AS ok;
SELECT body, source FROM sms_messages WHERE body IN ('first', 'second') ORDER BY id;
ALTER TABLE sms_messages DROP COLUMN source;

-- The application's triggers: each kind fires, once a message.
CREATE TABLE seen (n int GENERATED ALWAYS AS IDENTITY, trigger text, body text, rows int);
GRANT ALL ON seen TO coach_sms_owner;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  INSERT INTO seen (trigger, body) VALUES (TG_NAME, CASE WHEN TG_LEVEL = 'ROW' THEN NEW.body END);
  RETURN NEW;
END
$$;
CREATE FUNCTION see_table() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  INSERT INTO seen (trigger, rows) SELECT TG_NAME, count(*) FROM fresh;
  RETURN NULL;
END
$$;
CREATE TRIGGER a_before BEFORE INSERT ON sms_messages FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER b_after AFTER INSERT ON sms_messages FOR EACH ROW WHEN (NEW.priority = 0) EXECUTE FUNCTION see();
CREATE CONSTRAINT TRIGGER c_deferred AFTER INSERT ON sms_messages DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see();
BEGIN;
SELECT enqueue('rows') IS NOT NULL AS ok, enqueue('rows', 'rows') IS NOT NULL AS ok, enqueue('rows', 'rows') IS NOT NULL AS again;
SELECT trigger, body FROM seen ORDER BY n;
COMMIT;
SELECT trigger, body FROM seen ORDER BY n;
TRUNCATE seen;
CREATE TRIGGER d_statement AFTER INSERT ON sms_messages FOR EACH STATEMENT EXECUTE FUNCTION see();
CREATE TRIGGER e_table AFTER INSERT ON sms_messages REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION see_table();
SELECT enqueue('statement') IS NOT NULL AS ok, enqueue('statement', 'statement') IS NOT NULL AS ok, enqueue('statement', 'statement') IS NOT NULL AS again;
SELECT trigger, body, rows FROM seen ORDER BY n;
SELECT count(*), count(q.message_id) AS queued FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id
 WHERE m.body IN ('rows', 'statement');
DROP TRIGGER a_before ON sms_messages;
DROP TRIGGER b_after ON sms_messages;
DROP TRIGGER c_deferred ON sms_messages;
DROP TRIGGER d_statement ON sms_messages;
DROP TRIGGER e_table ON sms_messages;

-- A trigger that changes the row, one that skips it, and one that enqueues in its turn.
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.body = 'skip' THEN RETURN NULL; END IF;
  NEW.metadata := NEW.metadata || '{"changed": true}';
  RETURN NEW;
END
$$;
CREATE TRIGGER change BEFORE INSERT ON sms_messages FOR EACH ROW EXECUTE FUNCTION change();
SELECT enqueue('skip');
SELECT enqueue('change', 'change') IS NOT NULL AS ok;
SELECT metadata FROM sms_messages WHERE body = 'change';
DROP TRIGGER change ON sms_messages;
-- The queue follows the row as a trigger or a default left it.
CREATE FUNCTION complete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.metadata := NEW.metadata || '{"timezone": "Asia/Tokyo"}';
  NEW.expires_at := now() + interval '3 days';
  NEW.priority := 5;
  RETURN NEW;
END
$$;
ALTER TABLE coach_sms_internal.sms_queue DROP CONSTRAINT sms_queue_priority_check;
CREATE TRIGGER complete BEFORE INSERT ON sms_messages FOR EACH ROW EXECUTE FUNCTION complete();
SELECT enqueue('completed') IS NOT NULL AS ok, enqueue('completed', 'completed') IS NOT NULL AS ok;
DROP TRIGGER complete ON sms_messages;
ALTER TABLE sms_messages ALTER COLUMN metadata SET DEFAULT jsonb_build_object('timezone', 'Europe/' || 'Paris');
SELECT enqueue('default') IS NOT NULL AS ok;
ALTER TABLE sms_messages ALTER COLUMN metadata SET DEFAULT '{}';
SELECT m.body, q.zone, q.priority, q.expires_at = m.expires_at AS same FROM sms_messages m JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id
 WHERE m.body IN ('completed', 'default') ORDER BY m.id;
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  IF NEW.body ~ '^down \d$' AND right(NEW.body, 1)::int > 0 THEN
    BEGIN
      PERFORM enqueue('down ' || right(NEW.body, 1)::int - 1, NEW.body);
      IF NEW.body = 'down 2' THEN RAISE division_by_zero; END IF;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER follow_before BEFORE INSERT ON sms_messages FOR EACH ROW EXECUTE FUNCTION follow();
CREATE TRIGGER follow_after AFTER INSERT ON sms_messages FOR EACH ROW EXECUTE FUNCTION follow();
SELECT enqueue('down 4') IS NOT NULL AS ok, enqueue('down 3', 'other') IS NOT NULL AS ok;
SELECT m.body, m.idempotency_key, q.message_id IS NOT NULL AS queued
  FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id WHERE m.body LIKE 'down%' ORDER BY m.body, m.idempotency_key;
DROP TRIGGER follow_before ON sms_messages;
DROP TRIGGER follow_after ON sms_messages;

-- Rules, row security for the owner, and children.
CREATE TABLE copies (body text);
GRANT ALL ON copies TO coach_sms_owner;
CREATE RULE copy AS ON INSERT TO sms_messages DO ALSO INSERT INTO public.copies VALUES (NEW.body);
SELECT enqueue('rule') IS NOT NULL AS ok;
SELECT * FROM copies;
DROP RULE copy ON sms_messages;
ALTER TABLE sms_messages FORCE ROW LEVEL SECURITY;
SELECT enqueue('forced');
ALTER TABLE sms_messages NO FORCE ROW LEVEL SECURITY;
SELECT enqueue('not forced') IS NOT NULL AS ok;

CREATE TABLE more_numbers () INHERITS (sms_suppression);
INSERT INTO more_numbers (org_id, phone) VALUES (:'org', '+61491570006');
SELECT enqueue('a child of the list');
SELECT check_name, level, problem FROM sms_doctor() WHERE check_name IN ('indexes', 'tables');
DROP TABLE more_numbers;
SELECT enqueue('no child any more') IS NOT NULL AS ok;

-- A read-only transaction, as PostgREST opens it for GET.
BEGIN READ ONLY;
SELECT enqueue('read only');
ROLLBACK;

-- TRUNCATE, ALTER and CREATE INDEX in the transaction that enqueued; savepoints.
BEGIN;
SELECT enqueue('gone') IS NOT NULL AS ok;
TRUNCATE sms_messages;
SELECT enqueue('first', 'k') IS NOT NULL AS ok;
ALTER TABLE sms_messages ADD COLUMN extra int DEFAULT 7;
SAVEPOINT s;
SELECT enqueue('rolled back', 'k2') IS NOT NULL AS ok;
CREATE INDEX extra ON sms_messages (extra);
SELECT enqueue(NULL);
ROLLBACK TO s;
SELECT enqueue('second', 'k2') IS NOT NULL AS ok;
CREATE INDEX extra ON sms_messages (extra);
SELECT enqueue('third', 'k3') IS NOT NULL AS ok;
SET LOCAL enable_seqscan = off;
SELECT m.body, m.extra, q.message_id IS NOT NULL AS queued
  FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id WHERE m.extra = 7 ORDER BY m.id;
ROLLBACK;

-- Indexes that are missing or were made anew: nothing is overlooked, and sms_doctor() names them.
SELECT check_name, level, problem FROM sms_doctor() WHERE check_name IN ('indexes', 'tables');
INSERT INTO sms_suppression (org_id, phone) VALUES (:'org', '+61491570156');
ALTER TABLE sms_suppression DROP CONSTRAINT sms_suppression_org_id_phone_key;
SELECT sms_enqueue(:'org', to_phone => '+61491570156', body => 'suppressed');
CREATE UNIQUE INDEX partly ON sms_suppression (org_id, phone) WHERE phone <> '+61491570156';
CREATE INDEX down ON sms_suppression (org_id, phone DESC);
CREATE INDEX included ON sms_suppression (org_id) INCLUDE (phone);
SELECT sms_enqueue(:'org', to_phone => '+61491570156', body => 'suppressed');
SELECT check_name, level, problem FROM sms_doctor() WHERE check_name IN ('indexes', 'tables');
DROP INDEX partly, down, included;
ALTER TABLE sms_suppression ADD UNIQUE (org_id, phone);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sms_suppression_org_id_phone_key'::regclass;
SELECT sms_enqueue(:'org', to_phone => '+61491570156', body => 'suppressed');
SELECT check_name, level, problem FROM sms_doctor() WHERE check_name IN ('indexes', 'tables');
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'sms_suppression_org_id_phone_key'::regclass;
SELECT sms_enqueue(:'org', to_phone => '+61491570156', body => 'suppressed');
DROP INDEX sms_messages_idempotency_key;
SELECT enqueue('without the index', 'k4');
SELECT enqueue('without a key') IS NOT NULL AS ok;
CREATE UNIQUE INDEX sms_messages_idempotency_key ON sms_messages (org_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
SELECT enqueue('with the index', 'k4') IS NOT NULL AS ok;
DROP INDEX sms_messages_client_created;
CREATE TRIGGER see AFTER DELETE ON coach_sms_internal.sms_queue FOR EACH ROW EXECUTE FUNCTION see();
SELECT check_name, level, problem FROM sms_doctor() WHERE check_name IN ('indexes', 'tables');
DROP TRIGGER see ON coach_sms_internal.sms_queue;
UPDATE sms_settings SET max_sms_per_client_per_day = 2;
SELECT sms_enqueue(:'org', client_id => '20000000-0000-4000-8000-000000000001', to_phone => '+61491570006', body => 'c' || n) IS NOT NULL AS ok
  FROM generate_series(1, 3) n;

-- Statistics of the table, as a statement would count them.
SELECT pg_stat_force_next_flush();
SELECT relname, n_tup_ins > 0 AS counted FROM pg_stat_user_tables WHERE relname IN ('sms_queue', 'sms_messages') ORDER BY relname;

-- The extension is dropped and made anew in the session.
DROP EXTENSION coach_sms CASCADE;
CREATE EXTENSION coach_sms;
INSERT INTO sms_settings (org_id) VALUES (:'org');
SELECT enqueue('a new table', 'k') IS NOT NULL AS ok, enqueue('a new table', 'k') IS NOT NULL AS again;
SELECT m.body, q.message_id IS NOT NULL AS queued FROM sms_messages m LEFT JOIN coach_sms_internal.sms_queue q ON q.message_id = m.id;
