#!/usr/bin/env bash
# demo.sh: a booking confirmation from CREATE EXTENSION to delivered, on a private server, against the fake Twilio
# over HTTPS. Run by `make demo` through test/tools/with_private_pg.sh, which cleans up whatever happens.
set -euo pipefail

account=AC00000000000000000000000000000000
token=0123456789abcdef0123456789abcdef
org=11111111-1111-4111-8111-111111111111
work=$TMPDIR/demo
export PGHOST=$work/socket PGDATABASE=postgres PGUSER=coach_app PGAPPNAME=coach_app
mkdir -p "$work/socket" "$work/cert"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '  %s\n' "$*"; }
ask() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }
as_admin() { PGUSER=$(id -un) psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
fake() { curl -sS --fail --cacert "$work/cert/ca.pem" "https://127.0.0.1:$port/control/$1"; }

say "1. A PostgreSQL server with coach_sms, and a stand-in for Twilio on loopback"
fake_twilio --https --cert-dir "$work/cert" --account $account --token $token --callbacks hold --delay-ms 300 \
  --port-file "$work/port" --exit-on-stdin-eof < <(exec tail -f /dev/null --pid=$$) > "$work/fake.log" &
for ((i = 0; i < 200; i++)); do [ -s "$work/port" ] && break; read -rt 0.05 <> <(:) || true; done
port=$(cat "$work/port")
initdb -D "$work/data" -A trust -N > /dev/null
cat >> "$work/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$work/socket'
shared_preload_libraries = 'coach_sms'
coach_sms.key_file = '$work/coach_sms.key'
coach_sms.twilio_api_url = 'https://127.0.0.1:$port'
coach_sms.ca_file = '$work/cert/ca.pem'
coach_sms.public_url = 'https://coach.example/functions/v1/twilio-webhook'
CONF
pg_ctl -D "$work/data" -l "$work/log" -w start > /dev/null
trap 'pg_ctl -D "$work/data" -m fast stop > /dev/null 2>&1 || true' EXIT
show "$(as_admin -c 'SELECT split_part(version(), $$ on $$, 1)'), Twilio at https://127.0.0.1:$port"

say "2. CREATE EXTENSION, a key for tokens, and a role for the application"
as_admin -c "CREATE EXTENSION coach_sms" -c "CREATE ROLE coach_app LOGIN" > /dev/null
as_admin -c "SELECT sms_create_key('$work/coach_sms.key')" -c "SELECT sms_grant_service('coach_app')" > /dev/null
as_admin -c "CREATE TABLE bookings (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid, client text, phone text,
                                    start_time timestamptz)" -c "GRANT ALL ON bookings TO coach_app"
show "the application is coach_app: no superuser, no rights but those of sms_grant_service()"

say "3. The org's settings and a template, as in the guide"
ask "INSERT INTO sms_settings (org_id, twilio_account_sid, twilio_auth_token_encrypted, twilio_phone_number, timezone)
     VALUES ('$org', '$account', '$token', '+61491570156', 'Australia/Sydney')"
ask "INSERT INTO sms_templates (org_id, template_key, name, body) VALUES ('$org', 'booking_confirmation',
     'Booking Confirmation', 'Hi {{client_name}}, your session is confirmed for {{session_datetime}}. Reply STOP to opt out.')"
show "stored token: $(ask "SELECT left(twilio_auth_token_encrypted, 24) || '…' FROM sms_settings") (sealed)"
as_admin -c "SELECT sms_go_live()" > /dev/null
show "sms_go_live(): this server is armed for this database"

say "4. A booking and its confirmation, in one transaction"
psql -XAtq -v ON_ERROR_STOP=1 -v org=$org > "$work/enqueued" <<'SQL'
BEGIN;
WITH booking AS (INSERT INTO bookings (org_id, client, phone, start_time)
       VALUES (:'org', 'Ann Lee', '0491 570 006', now() + interval '2 days') RETURNING *)
SELECT sms_enqueue(org_id, to_phone => phone, template_key => 'booking_confirmation',
         variables => jsonb_build_object('client_name', split_part(client, ' ', 1),
                                         'session_datetime', to_char(start_time, 'FMDay HH12:MI am')),
         related_entity_type => 'booking', related_entity_id => id,
         idempotency_key => 'booking-confirmation-' || id) FROM booking;
SELECT to_char(clock_timestamp(), 'HH24:MI:SS.MS') || '  ' || status || ' (not committed yet)' FROM sms_messages;
COMMIT;
SQL
id=$(head -n 1 "$work/enqueued")
show "message $id"

say "5. Its way (Twilio takes 0.3 s to answer here)"
show "$(tail -n 1 "$work/enqueued")"
seen=
relayed=
deadline=$((SECONDS + 60))
while [ "$seen" != delivered ]; do
  now=$(ask "SELECT status FROM sms_messages WHERE id = '$id'")
  if [ "$now" != "$seen" ]; then
    show "$(date +%H:%M:%S.%3N)  $now"
    seen=$now
  fi
  # Twilio calls back; here we stand for the Edge Function that hands the request to sms_twilio_webhook().
  if [ "$now" = sent ] && [ -z "$relayed" ]; then
    relayed=yes
    fake callbacks > "$work/callbacks.json"
    psql -XAtq -v ON_ERROR_STOP=1 -v file="$work/callbacks.json" > "$work/answers" <<'SQL'
\set callbacks `cat :file`
SELECT format('               webhook: %s, signed %s… -> %s', c->>'status', left(c->>'signature', 8), w.http_status)
  FROM jsonb_array_elements(:'callbacks'::jsonb) c,
       LATERAL sms_twilio_webhook(c->>'url', c->>'body', c->>'signature') w;
SQL
    while read -r line; do show "              $line"; done < "$work/answers"
  fi
  [ $SECONDS -lt $deadline ] || { echo "it was not delivered within a minute; the server's log:"; cat "$work/log"; exit 1; }
done

say "6. What the database tells of it: SELECT * FROM sms_why(id)"
ask "SELECT '  ' || to_char(at, 'HH24:MI:SS.MS') || '  ' || what || coalesce(': ' || detail, '') FROM sms_why('$id')"
say "7. And the guide's monitoring query"
psql -Xq -c "SELECT template_key, to_phone, status, error_message FROM sms_messages WHERE created_at >= now() - interval '24 hours'"
show "Twilio accepted $(fake ledger/count) message(s). Stopping the server, removing everything."
