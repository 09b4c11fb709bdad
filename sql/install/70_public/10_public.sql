-- The functions that tenants may call. Each keeps its caller, switches to coach_sms_owner, and calls the
-- function of the same arguments whose name ends in _as_owner. That one checks whether the caller may act
-- for the org. SECURITY DEFINER would not do: such a function cannot find its caller. The session's user is
-- no substitute, because an application's own definer function may be the caller.

CREATE FUNCTION sms_cancel(message_id uuid, reason text DEFAULT NULL)
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_cancel(uuid, text) IS
'Cancels a message that still waits, with error_code cancelled_by_user and the reason as error_message. '
'Returns false where the message is final or was handed over already. Raises SM012 for an unknown id.';

CREATE FUNCTION sms_reschedule(
  message_id uuid, scheduled_for timestamptz, expires_at timestamptz DEFAULT NULL)
  RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_reschedule(uuid, timestamptz, timestamptz) IS
'Moves a message that still waits to scheduled_for (NULL: now), and changes its expires_at where one is '
'given. Raises SM010 for times that sms_enqueue would refuse, SM012 for an unknown id and for a message '
'that does not wait.';

CREATE FUNCTION sms_retry(message_id uuid)
  RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_retry(uuid) IS
'Enqueues a failed or cancelled message again, as a new message with the same content and '
'metadata.retry_of. An expires_at that has passed is left out. Returns the new id; a second call returns '
'the same one. A message that ended as outcome_unknown may have arrived all the same. Raises SM012 for an '
'unknown id or another status, and the errors of sms_enqueue.';

CREATE FUNCTION sms_preview(org_id uuid, template_key text, variables jsonb DEFAULT '{}',
  OUT body text, OUT encoding text, OUT segments integer, OUT estimated_cost numeric, OUT currency text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C STABLE;
COMMENT ON FUNCTION sms_preview(uuid, text, jsonb) IS
'Returns the message that sms_enqueue would send for this template: text, encoding and segments. '
'estimated_cost is in currency, by the org''s price_per_segment; NULL without one. Sends nothing. Raises '
'SM001, SM003, SM004, SM005.';

CREATE FUNCTION is_phone_suppressed(org_id uuid, phone text)
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C STABLE STRICT COST 100;
COMMENT ON FUNCTION is_phone_suppressed(uuid, text) IS
'Returns whether the org must not write to the number: by its own list, or because the person said STOP to '
'its sender. The number may have any form that default_region reads. Raises SM001 for an org of others, '
'SM006 for a text that is no number.';

CREATE FUNCTION sms_opt_out(
  org_id uuid, phone text, reason text DEFAULT 'opt_out', source text DEFAULT 'sms_opt_out',
  notes text DEFAULT NULL, client_id uuid DEFAULT NULL)
  RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_opt_out(uuid, text, text, text, text, uuid) IS
'Enters the number into the org''s sms_suppression, and cancels messages that wait for it (error_code '
'opted_out). An earlier entry is kept. reason is opt_out (default), invalid_number, carrier_violation or '
'manual. Returns the entry''s id. Raises SM001 without an org, SM006 for a text that is no number, SM015 '
'for another reason.';

CREATE FUNCTION sms_opt_in(org_id uuid, phone text, include_manual boolean DEFAULT false)
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_opt_in(uuid, text, boolean) IS
'Takes the number off the org''s sms_suppression. An entry with reason manual stays unless include_manual '
'is true. Returns true where there was an entry to take off. Raises SM001 for an org of others, SM006 for '
'a text that is no number.';

CREATE FUNCTION sms_erase_person(org_id uuid, phone text)
  RETURNS TABLE (messages integer, attempts integer, events integer, under_way integer)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_erase_person(uuid, text) IS
'Forgets a person in an org. Cancels messages that wait for the number (error_code erased). Erases number, '
'text, variables, client_id, metadata and payloads from its messages, attempts and events. Keeps opt-outs '
'as a salted hash that still matches. Returns how many of each, and how many messages are under way and '
'were left: call it again once they are settled. Texts of no org, and opt-outs from senders of other orgs, '
'change only where the caller acts for every org. Raises SM001, SM006.';

CREATE FUNCTION sms_why(message_id uuid)
  RETURNS TABLE (at timestamptz, what text, detail text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_why(uuid) IS
'Returns a message''s timeline in words: its enqueueing, each attempt, Twilio''s news, and last its status '
'now and the reason for which it waits. Raises SM012 for an unknown id.';

CREATE FUNCTION sms_explain(booking_id uuid)
  RETURNS TABLE (type text, label text, due_at timestamptz, status text, message_id uuid, explanation text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_explain(uuid) IS
'Returns one row for each text that the booking had, will have or will not have. Each has the time at '
'which it is due, the message, the status (planned, skipped or gone where there is no message), and the '
'reason. Times are in the org''s zone. Raises SM012 for an unknown booking.';

CREATE FUNCTION sms_doctor(
  OUT check_name text, OUT level text, OUT ok boolean, OUT problem text, OUT what_to_do text)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_doctor() IS
'Returns one row a check. level is ok, note, warning or error; ok is true for ok and note. problem and '
'what_to_do are NULL where level is ok. In the sandbox, a problem of live sending alone is a note. '
'Monitors see no text of the application''s code. It reads all messages, so it is for people; alarms read '
'sms_health.';
