-- News for the application, so that it need not poll. They carry ids only, because every
-- session of the database may listen.

-- Sends NOTIFY on the named channel with the row's id, unless coach_sms.notify is off.
CREATE FUNCTION coach_sms_internal.sms_notify_app() RETURNS trigger
  AS 'MODULE_PATHNAME', 'coach_sms_notify_app' LANGUAGE C;

-- Messages that the application itself cancelled are left out: it knows of them, and PostgreSQL prepares no
-- transaction that has sent a NOTIFY.
CREATE TRIGGER sms_message_news AFTER UPDATE OF status ON sms_messages
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status
                     AND NEW.status IN ('delivered', 'failed', 'cancelled')
                     AND coalesce(NEW.error_code, '')
                         NOT IN ('cancelled_by_user', 'booking_cancelled', 'booking_changed'))
  EXECUTE FUNCTION coach_sms_internal.sms_notify_app('sms_message');

CREATE TRIGGER sms_inbound_news AFTER INSERT ON sms_events
  FOR EACH ROW WHEN (NEW.event_type = 'inbound')
  EXECUTE FUNCTION coach_sms_internal.sms_notify_app('sms_inbound');
