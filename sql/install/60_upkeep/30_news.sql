-- News for the application, so that it need not poll. They carry ids only, because every
-- session of the database may listen.

-- Counts the message that ended, and sends its id by NOTIFY, unless coach_sms.notify is off or the
-- application itself took the message back.
CREATE FUNCTION coach_sms_internal.sms_message_ended() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_message_ended' LANGUAGE C;

-- Sends the id of a person's text by NOTIFY, unless coach_sms.notify is off.
CREATE FUNCTION coach_sms_internal.sms_text_came() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_text_came' LANGUAGE C;

CREATE TRIGGER sms_message_news AFTER UPDATE OF status ON sms_messages
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status
                     AND NEW.status IN ('delivered', 'failed', 'cancelled'))
  EXECUTE FUNCTION coach_sms_internal.sms_message_ended();

CREATE TRIGGER sms_inbound_news AFTER INSERT ON sms_events
  FOR EACH ROW WHEN (NEW.event_type = 'inbound')
  EXECUTE FUNCTION coach_sms_internal.sms_text_came();
