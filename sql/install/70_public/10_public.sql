-- The functions that tenants may call. Each keeps its caller, switches to coach_sms_owner, and calls the
-- function of the same arguments whose name ends in _as_owner. That one checks whether the caller may act
-- for the org. SECURITY DEFINER would not do: such a function cannot find its caller. The session's user is
-- no substitute, because an application's own definer function may be the caller.

CREATE FUNCTION sms_cancel(message_id uuid, reason text DEFAULT NULL)
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_cancel(uuid, text) IS
'Cancels a message that still waits (error_code cancelled_by_user, error_message the reason). False where '
'it is final or handed over already. Raises SM012 for an unknown id.';

CREATE FUNCTION sms_reschedule(
  message_id uuid, scheduled_for timestamptz, expires_at timestamptz DEFAULT NULL)
  RETURNS void
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_reschedule(uuid, timestamptz, timestamptz) IS
'Moves a message that still waits (NULL: to now), and its expires_at where one is given. Raises SM010 for '
'times that sms_enqueue would refuse, SM012 for an unknown id and for a message that does not wait any '
'more.';

CREATE FUNCTION sms_retry(message_id uuid)
  RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_retry(uuid) IS
'Enqueues a failed or cancelled message anew: a new message with the same content and metadata.retry_of, '
'without an expires_at that has passed, checked as by sms_enqueue. Returns the new id; called again for '
'the same message, the same one. A message whose outcome_unknown was given up on may have arrived all the '
'same. Raises SM012 for an unknown id or another status.';

CREATE FUNCTION sms_preview(org_id uuid, template_key text, variables jsonb DEFAULT '{}',
  OUT body text, OUT encoding text, OUT segments integer, OUT estimated_cost numeric, OUT currency text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C STABLE;
COMMENT ON FUNCTION sms_preview(uuid, text, jsonb) IS
'What sms_enqueue would send for this template: the text, its encoding and segments, and the cost by the '
'org''s price_per_segment and currency (NULL where it has none). Sends nothing. Raises SM001, SM003, '
'SM004, SM005.';

CREATE FUNCTION is_phone_suppressed(org_id uuid, phone text)
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION is_phone_suppressed(uuid, text) IS
'Whether the org must not write to the number, in any form that its default_region reads: by its own list, '
'or since the person said STOP to the sender that it would use. Raises SM001 for an org of others'', SM006 '
'for what is no number.';

CREATE FUNCTION sms_opt_out(
  org_id uuid, phone text, reason text DEFAULT 'opt_out', source text DEFAULT 'sms_opt_out',
  notes text DEFAULT NULL, client_id uuid DEFAULT NULL)
  RETURNS uuid
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_opt_out(uuid, text, text, text, text, uuid) IS
'Enters the number into the org''s sms_suppression (an earlier entry is kept) and cancels what waits for '
'it, error_code opted_out. reason: opt_out (default), invalid_number, carrier_violation, manual. Returns '
'the entry''s id. Raises SM001 without an org, SM006 for what is no number, SM015 for another reason.';

CREATE FUNCTION sms_opt_in(org_id uuid, phone text, include_manual boolean DEFAULT false)
  RETURNS boolean
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_opt_in(uuid, text, boolean) IS
'Takes the number off the org''s sms_suppression; an entry with reason manual stays unless include_manual. '
'True where there was one to take off. Raises SM001 for an org of others'', SM006 for what is no number.';

CREATE FUNCTION sms_erase_person(org_id uuid, phone text)
  RETURNS TABLE (messages integer, attempts integer, events integer, under_way integer)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_erase_person(uuid, text) IS
'Forgets a person in an org: what waits for the number is cancelled (error_code erased); number, text, '
'variables, client_id, metadata and payloads go from its messages, their attempts and events; opt-outs '
'stay as a salted hash that still matches. Returns how many of each, and how many messages are under way '
'and were left: call it again once they are settled. Texts from the person that belong to no org, and '
'opt-outs by senders of other orgs, only where the caller acts for every org. Raises SM001, SM006.';

CREATE FUNCTION sms_why(message_id uuid)
  RETURNS TABLE (at timestamptz, what text, detail text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_why(uuid) IS
'A message''s timeline in words: how it was enqueued, each attempt, what Twilio said, and last how it '
'stands and what it waits for. Raises SM012 for an unknown id.';

CREATE FUNCTION sms_explain(booking_id uuid)
  RETURNS TABLE (type text, label text, due_at timestamptz, status text, message_id uuid, explanation text)
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_explain(uuid) IS
'One row for each text that the booking had, will have or will not have: when it is due, the message and '
'its status (planned, skipped, or gone where there is none), and why, in the time of its org. Raises SM012 '
'for a booking that nobody knows.';

CREATE FUNCTION sms_doctor(
  OUT check_name text, OUT level text, OUT ok boolean, OUT problem text, OUT what_to_do text)
  RETURNS SETOF record
  AS 'MODULE_PATHNAME', 'coach_sms_as_owner' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION sms_doctor() IS
'One row a check. level is ok, note, warning or error; ok is true for ok and note; problem and what_to_do '
'are NULL where level is ok. A problem of live sending alone is a note in the sandbox. Monitors are shown '
'no words of the application''s code. Reads all messages: for people; alarms read sms_health.';
