#!/usr/bin/env bash
# demo.sh: from CREATE EXTENSION to a confirmation that is delivered, a booking that is moved, its reminder, and a STOP;
# on a private server, against the fake Twilio over HTTPS. Run by `make demo` through test/tools/with_private_pg.sh, which cleans up whatever happens.
set -euo pipefail

account=AC00000000000000000000000000000000
token=0123456789abcdef0123456789abcdef
org=11111111-1111-4111-8111-111111111111
client=22222222-2222-4222-8222-222222222222
work=$TMPDIR/demo
export PGHOST=$work/socket PGDATABASE=postgres PGUSER=coach_app PGAPPNAME=coach_app
mkdir -p "$work/socket" "$work/cert"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '  %s\n' "$*"; }
ask() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }
as_admin() { PGUSER=$(id -un) psql -XAtq -v ON_ERROR_STOP=1 "$@"; }
fake() { local what=$1; shift; curl -sS --fail --cacert "$work/cert/ca.pem" "$@" "https://127.0.0.1:$port/control/$what"; }
# Twilio's signed calls, as a proxy passes them on to the gateway.
relay() { # of which status
  fake callbacks > "$work/callbacks.json"
  psql -XAtq -F ' ' -v ON_ERROR_STOP=1 -v file="$work/callbacks.json" -v kind="$1" > "$work/calls" <<'SQL'
\set callbacks `cat :file`
SELECT c->>'status', c->>'signature', regexp_replace(c->>'url', '^https://[^/]+|#.*', '', 'g'), c->>'body'
  FROM jsonb_array_elements(:'callbacks'::jsonb) c WHERE (c->>'status' = 'received') = (:'kind' = 'texts');
SQL
  while read -r status signature target body; do
    answer=$(curl -sS -o /dev/null -w '%{http_code}' -H "X-Twilio-Signature: $signature" --data-binary "$body" \
      "http://127.0.0.1:$gateway_port$target")
    echo "gateway: POST of $status, signed ${signature:0:8}… -> $answer"
  done < "$work/calls"
}

say "1. A PostgreSQL server with coach_sms, and a stand-in for Twilio on loopback"
fake_twilio --https --cert-dir "$work/cert" --account $account --token $token --callbacks hold --delay-ms 300 \
  --inbound-url https://coach.example/twilio \
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
coach_sms.public_url = 'https://coach.example/twilio'
CONF
sed -i '1i local all coach_office scram-sha-256' "$work/data/pg_hba.conf"
pg_ctl -D "$work/data" -l "$work/log" -w start > /dev/null
trap 'kill ${gateway:-} 2>/dev/null || true; pg_ctl -D "$work/data" -m fast stop > /dev/null 2>&1 || true' EXIT
show "$(as_admin -c 'SELECT split_part(version(), $$ on $$, 1)'), Twilio at https://127.0.0.1:$port"

say "2. CREATE EXTENSION, a key for tokens, and a role for the application"
as_admin -c "CREATE EXTENSION coach_sms" -c "CREATE ROLE coach_app LOGIN" > /dev/null
as_admin -c "SELECT sms_create_key('$work/coach_sms.key')" -c "SELECT sms_grant_service('coach_app')" \
  -c "GRANT CREATE ON SCHEMA public TO coach_app" > /dev/null
show "the application is coach_app: no superuser, no rights but those of sms_grant_service()"
as_admin -c "CREATE ROLE sms_gateway LOGIN" -c "SELECT sms_grant_gateway('sms_gateway')" > /dev/null
as_admin -c "CREATE ROLE coach_office LOGIN PASSWORD 'demo'" -c "SELECT sms_grant_service('coach_office')" > /dev/null
PGUSER=sms_gateway coach_sms_gateway --office 127.0.0.1:0 --listen 127.0.0.1:0 --listen-private 127.0.0.1:0 2> "$work/gateway.log" &
gateway=$!
for ((i = 0; i < 200; i++)); do grep -q 'takes calls' "$work/gateway.log" && break; read -rt 0.05 <> <(:) || true; done
gateway_port=$(sed -n 's/.*takes calls at port \([0-9]*\),.*/\1/p' "$work/gateway.log")
office_port=$(sed -n 's/.*the office.s at port \([0-9]*\).*/\1/p' "$work/gateway.log")
show "coach_sms_gateway takes Twilio's calls at port $gateway_port, behind https://coach.example/twilio"

say "3. The application's tables, an org's settings and its templates, as in the guide"
ask "CREATE TABLE orgs (id uuid PRIMARY KEY, name text);
     CREATE TABLE clients (id uuid PRIMARY KEY, org_id uuid, full_name text, phone text);
     CREATE TABLE bookings (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid, client_id uuid,
       start_time timestamptz, end_time timestamptz, status text, location_details text);
     INSERT INTO orgs VALUES ('$org', 'Coach Kim');
     INSERT INTO clients VALUES ('$client', '$org', 'Ann Lee', '0491 570 006')"
ask "INSERT INTO sms_settings (org_id, twilio_account_sid, twilio_auth_token_encrypted, twilio_phone_number, timezone,
       quiet_hours_start, quiet_hours_end) VALUES ('$org', '$account', '$token', '+61491570156', 'Australia/Sydney', 0, 0)"
ask "INSERT INTO sms_templates (org_id, template_key, body) VALUES
     ('$org', 'booking_confirmation', 'Hi {{client_name}}, your session with {{coach_name}} is confirmed for {{session_datetime}}. Reply STOP to opt out.'),
     ('$org', 'session_reminder', 'Hi {{client_name}}, reminder: your session is coming up on {{session_datetime}} at {{location}}.')"
show "stored token: $(ask "SELECT left(twilio_auth_token_encrypted, 24) || '…' FROM sms_settings") (sealed)"
as_admin -c "SELECT sms_go_live()" -c "SELECT sms_attach_bookings()" > /dev/null
show "sms_go_live(): this server is armed for this database; sms_attach_bookings(): bookings are texted from now on"

say "4. The application books a session; that is all it does"
psql -XAtq -v ON_ERROR_STOP=1 -v org=$org -v client=$client > "$work/enqueued" <<'SQL'
BEGIN;
INSERT INTO bookings (org_id, client_id, start_time, end_time, status, location_details)
  VALUES (:'org', :'client', now() + interval '3 days', now() + interval '73 hours', 'confirmed', 'Court 1') RETURNING id;
SELECT id FROM sms_messages;
SELECT to_char(clock_timestamp(), 'HH24:MI:SS.MS') || '  ' || status || ' (not committed yet)' FROM sms_messages;
COMMIT;
SQL
booking=$(sed -n 1p "$work/enqueued")
id=$(sed -n 2p "$work/enqueued")
show "booking $booking"

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
  if [ "$now" = sent ] && [ -z "$relayed" ]; then
    relayed=yes
    relay receipts > "$work/answers"
    while read -r line; do show "              $line"; done < "$work/answers"
  fi
  [ $SECONDS -lt $deadline ] || { echo "it was not delivered within a minute; the server's log:"; cat "$work/log"; exit 1; }
done

say "6. The story of the message: SELECT * FROM sms_why(message)"
ask "SELECT '  ' || to_char(at, 'HH24:MI:SS.MS') || '  ' || what || coalesce(': ' || detail, '') FROM sms_why('$id')"

explain() { ask "SELECT format('  %-13s %-10s %s', type, status, explanation) FROM sms_explain('$1')"; }
wait_for() { # SQL until it gives t
  deadline=$((SECONDS + 60))
  until [ "$(ask "$1")" = t ]; do
    [ $SECONDS -lt $deadline ] || { echo "not within a minute: $1"; cat "$work/log"; exit 1; }
  done
}

say "7. And of the booking: SELECT * FROM sms_explain(booking), by the org's clock"
explain "$booking"

say "8. The session is moved to tomorrow: its reminder, 24 hours before, is due at once and tells the new time"
ask "UPDATE bookings SET start_time = now() + interval '20 hours', end_time = now() + interval '21 hours'"
wait_for "SELECT count(*) = 1 FROM sms_messages WHERE template_key = 'session_reminder' AND status = 'sent'"
show "Twilio got: $(fake ledger?contains=reminder | sed 's/.*"body": "\([^"]*\)".*/\1/')"
show "reminder_sent of the booking: $(ask 'SELECT reminder_sent FROM bookings')"

say "9. Ann answers STOP, and books again"
fake inbound --data-urlencode from=+61491570006 --data-urlencode to=+61491570156 -d body=STOP > /dev/null
until fake callbacks | grep -q '"received"'; do :; done
show "$(relay texts)"
again=$(ask "INSERT INTO bookings (org_id, client_id, start_time, end_time, status) VALUES
  ('$org', '$client', now() + interval '9 days', now() + interval '217 hours', 'confirmed') RETURNING id")
explain "$again"

say "10. The guide's monitoring query"
psql -Xq -c "SELECT template_key, to_phone, status, error_message FROM sms_messages WHERE created_at >= now() - interval '24 hours' ORDER BY id"
show "Twilio accepted $(fake ledger/count | grep -o "[0-9]*") messages."

say "11. The office's day, at http://127.0.0.1:$office_port/ for the role coach_office with the password demo"
browse() { curl -sS --fail -L -b "$work/cookies" -c "$work/cookies" -H 'Sec-Fetch-Site: same-origin' "$@"; }
browse -d role=coach_office -d password=demo "http://127.0.0.1:$office_port/sign-in" > "$work/today.html"
show "today: $(grep -o '<td data-name="Status"><[^>]*>[a-z]*\|<td data-name="Status">[a-z]*' "$work/today.html" | sed 's/.*>//' | sort | uniq -c | xargs)"

if [ -n "${KEEP:-}" ]; then
  trap 'exit 0' INT TERM
  say "Server, gateway and the stand-in for Twilio go on running. Open the page above; Ctrl-C ends all."
  wait "$gateway"
fi
show "Stopping the server, removing everything."
