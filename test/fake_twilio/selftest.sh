#!/bin/bash
# Tries every fault and every control call of fake_twilio with curl alone.
#   selftest.sh [PROGRAM]      without PROGRAM it is compiled into a temporary directory
# Prints "N passed, N failed"; exit status 0 only if nothing failed. Leaves nothing running.
set -u
export LC_ALL=C.UTF-8
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
passed=0
failed=0
pids=()

account=AC0123456789abcdef0123456789abcdef
token=5ecre7
key=SK0123456789abcdef0123456789abcdef
service=MG0123456789abcdef0123456789abcdef
messages=/2010-04-01/Accounts/$account/Messages

clean_up() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  wait
  rm -rf "$work"
}
trap clean_up EXIT

program=${1:-}
if [ -z "$program" ]; then
  program=$work/fake_twilio
  g++ -std=c++20 -O1 -o "$program" "$here"/*.cpp -lmicrohttpd -lcurl -lcrypto -lpthread || exit 1
fi

# --- what a test needs -------------------------------------------------------------------------

equal() {  # NAME WANTED GOT
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "${3:0:600}"
  fi
}

has() {  # NAME PART TEXT
  case "$3" in
    *"$2"*) passed=$((passed + 1)) ;;
    *)
      failed=$((failed + 1))
      printf 'FAILED %s\n  wanted: ...%s...\n  got:    %s\n' "$1" "$2" "${3:0:600}"
      ;;
  esac
}

start() {  # NAME OPTION...: starts one and sets port
  local name=$1
  shift
  make_ready_pipe "$name"
  "$program" --port-file "$work/$name.port" --account $account --token $token --key $key \
    --secret key5ecre7 "$@" </dev/null >"$work/$name.ready" 2>&1 &
  pids+=($!)
  wait_ready "$name"
  port=$(cat "$work/$name.port")
}

# It says one line when it is ready.
make_ready_pipe() { rm -f "$work/$1.ready" && mkfifo "$work/$1.ready"; }
wait_ready() {
  local line
  read -r -t 30 line <>"$work/$1.ready" && echo "$line" >"$work/$1.out"
}

field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\).*/\1/p" <<<"$2" | head -1; }

control() { curl -sS -m 20 "$base/control/$1" "${@:2}"; }
set_fault() { control "$1" --data-urlencode "marker=$2" "${@:3}" >/dev/null; }

# Creates a message: BODY [curl options]. Sets code (HTTP), body (answer), rc (curl's).
create() {
  local text=$1
  shift
  code=$(curl -sS -m 2 -u $account:$token -o "$work/body" -D "$work/head" -w '%{http_code}' \
    "$base$messages.json" --data-urlencode "To=$to" --data-urlencode "Body=$text" \
    -d MessagingServiceSid=$service "$@" 2>"$work/err")
  rc=$?
  body=$(cat "$work/body" 2>/dev/null)
  rm -f "$work/body"
}
get() { curl -sS -m 5 -u $account:$token "$base$1" "${@:2}"; }
accepted() { field count "$(control ledger/count -G --data-urlencode "to=$to")"; }
number=0
new_number() { number=$((number + 1)) && to=+6140000$(printf %04d $number); }

# --- checks that Twilio makes ------------------------------------------------------------------

refusals() {
  local form=(--data-urlencode To=+61400000001 --data-urlencode Body=hello --data-urlencode From=+61400000099)
  refused() {  # NAME STATUS CODE curl options
    local answer
    answer=$(curl -sS -m 5 -w ' %{http_code}' "${@:4}" "$base$messages.json")
    has "$1: code" "\"code\": $3," "$answer"
    equal "$1: status" "$2" "${answer##* }"
  }
  local auth=(-u $account:$token)
  refused 'no credentials' 401 20003 "${form[@]}"
  refused 'wrong token' 401 20003 -u $account:wrong "${form[@]}"
  refused 'no To' 400 21604 "${auth[@]}" -d Body=x -d From=+61400000099
  refused 'not a form' 400 21604 "${auth[@]}" -H 'Content-Type: application/json' -d '{"To":1}'
  refused 'blank for plus' 400 21211 "${auth[@]}" -d To=+61400000001 -d Body=x -d From=123
  refused 'no Body' 400 21619 "${auth[@]}" -d To=%2B61400000001 -d From=12345
  refused 'no sender' 400 21603 "${auth[@]}" -d To=%2B61400000001 -d Body=x
  refused 'bad sender' 400 21212 "${auth[@]}" -d To=%2B61400000001 -d Body=x -d From=!!
  refused 'bad service' 400 21701 "${auth[@]}" -d To=%2B61400000001 -d Body=x \
    -d MessagingServiceSid=MG12
  refused 'long body' 400 21617 "${auth[@]}" -d To=%2B61400000001 -d From=12345 \
    -d Body="$(printf 'x%.0s' $(seq 1601))"
  refused 'validity 0' 400 21624 "${auth[@]}" "${form[@]}" -d ValidityPeriod=0
  refused 'validity 36001' 400 21624 "${auth[@]}" "${form[@]}" -d ValidityPeriod=36001
  refused 'callback without host' 400 21609 "${auth[@]}" "${form[@]}" -d StatusCallback=nonsense
  refused 'callback with underscore' 400 21609 "${auth[@]}" "${form[@]}" \
    -d StatusCallback=https://a_b.test/x
  equal 'nothing of it was accepted' '{"count":0}' "$(control ledger/count)"
  equal 'but all of it arrived' '{"count":14}' "$(control requests/count)"
  equal 'as refused' '{"count":14}' "$(control 'requests/count?outcome=refused')"
  has 'an API key opens the account' '"status": "queued"' \
    "$(curl -sS -u $key:key5ecre7 "${form[@]}" "$base$messages.json")"
  code=$(curl -sS -o /dev/null -w '%{http_code}' -u $account:$token "${form[@]}" \
    "$base/2010-04-01/Accounts/AC$(printf '0%.0s' $(seq 32))/Messages.json")
  equal 'but no other account' 401 "$code"
  equal 'unknown path' 404 \
    "$(curl -sS -o /dev/null -w '%{http_code}' -u $account:$token "$base/2010-04-01/Accounts/$account/Calls.json")"
}

acceptance() {
  new_number
  create 'Hello "Sam" & é' -d ValidityPeriod=600 -d Colour=red -d Body=twice \
    --data-urlencode 'StatusCallback=https://example.test/cb?id=1#rc=2'
  equal 'create: status' 201 "$code"
  has 'create: body' '"body": "Hello \"Sam\" & é"' "$body"
  has 'create: first status with a service' '"status": "accepted"' "$body"
  has 'create: segments not known with a service' '"num_segments": "0"' "$body"
  has 'create: request id' 'Twilio-Request-Id: RQ' "$(cat "$work/head")"
  local row
  row=$(control "ledger" -G --data-urlencode "to=$to")
  has 'ledger: sid' "\"sid\":\"$(field sid "$body")\"" "$row"
  has 'ledger: odd parameters' '"odd_parameters":"Colour,Body"' "$row"
  has 'ledger: validity' '"validity_period":600' "$row"
  has 'ledger: callback' '"status_callback":"https://example.test/cb?id=1#rc=2"' "$row"
  equal 'ledger: count by body' '{"count":1}' \
    "$(control ledger/count -G --data-urlencode 'body=Hello "Sam" & é')"
  equal 'ledger: count by part' '{"count":1}' "$(control 'ledger/count?contains=Sam')"
  has 'arrivals: body and time' 'Hello "Sam" & é 1' "$(control arrivals)"
  has 'an emoji takes two units' '"code": 21617' "$(
    create "$(printf '😀%.0s' $(seq 801))"
    echo "$body")"
  create "$(printf '😀%.0s' $(seq 800))"
  equal '1600 units pass' 201 "$code"
  control ledger | perl -MJSON::PP -0777 -ne 'decode_json($_)' 2>/dev/null
  equal 'the ledger is JSON' 0 $?
}

# --- faults ------------------------------------------------------------------------------------

faults_before() {
  new_number
  create '[fake:reset-before]'
  equal 'reset-before: curl sees a reset' 56 $rc
  create '[fake:stall-before]' -m 0.3
  equal 'stall-before: curl times out' 28 $rc
  control 'wait?deadline_ms=2000' >/dev/null
  for status in 400 401 404 429 500 503; do
    create "[fake:status=$status code=2$status]"
    equal "status=$status" $status "$code"
    has "status=$status: code" "\"code\": 2$status" "$body"
  done
  create '[fake:status=429 retry-after=7]'
  has 'retry-after in seconds' 'Retry-After: 7' "$(cat "$work/head")"
  has 'the usual code of a 429' '"code": 20429' "$body"
  create '[fake:status=503 retry-after=date:60]'
  has 'retry-after as a date' ' GMT' "$(grep Retry-After "$work/head")"
  create '[fake:status=503 retry-after="Wed, 21 Oct 2026 07:28:00 GMT"]'
  has 'retry-after as given' 'Retry-After: Wed, 21 Oct 2026 07:28:00 GMT' "$(cat "$work/head")"
  create '[fake:html status=503]'
  equal 'html: status' 503 "$code"
  has 'html: body' '<html>' "$body"
  create '[fake:empty status=500]'
  equal 'empty' '500 ' "$code $body"
  create '[fake:redirect=http://127.0.0.1:1/]'
  equal 'redirect' 302 "$code"
  has 'redirect: location' 'Location: http://127.0.0.1:1/' "$(cat "$work/head")"
  create '[fake:no-such-word]'
  has 'an unknown word says so' "no fault 'no-such-word'" "$body"
  equal 'none of these was accepted' 0 "$(accepted)"
  has 'requests: outcome of the reset' '"outcome":"reset-before","end":"broken"' "$(control requests)"
}

faults_after() {
  new_number
  create '[fake:reset-after]'
  equal 'reset-after: curl sees a reset' 56 $rc
  equal 'reset-after: accepted' 1 "$(accepted)"
  create '[fake:stall]' -m 0.3
  equal 'stall: curl times out' 28 $rc
  equal 'stall: accepted' 2 "$(accepted)"
  create '[fake:accept-status=500]'
  equal 'accept-status' 500 "$code"
  create '[fake:accept-html]'
  equal 'accept-html' 201 "$code"
  has 'accept-html: body' '<html>' "$body"
  create '[fake:cut]'
  equal 'cut: curl is content' '201 0' "$code $rc"
  equal 'cut: the JSON is not' '{' "${body:0:1}"
  equal 'cut: no end' '' "$(grep -o '}$' <<<"$body")"
  create '[fake:cut-wire]'
  equal 'cut-wire: curl sees a short body' 18 $rc
  create '[fake:huge=3000000]'
  equal 'huge' 3000000 ${#body}
  has 'huge: still JSON' '"padding": "xxx' "$body"
  equal 'all of these were accepted' 7 "$(accepted)"
}

faults_in_time() {
  new_number
  local begin=$EPOCHREALTIME
  create '[fake:delay=300]'
  equal 'delay' '201 yes' "$code $(elapsed "$begin" 300)"
  begin=$EPOCHREALTIME
  create '[fake:accept-then-delay=300]'
  equal 'accept-then-delay' '201 yes' "$code $(elapsed "$begin" 300)"
  begin=$EPOCHREALTIME
  create '[fake:drip=1]'
  equal 'drip' '201 yes' "$code $(elapsed "$begin" 600)"
  has 'drip: whole in the end' '.json"}' "$body"
  create '[fake:delay=300]' -m 0.1
  equal 'delay: accepted though the client has left' '28 true' \
    "$rc $(field reached "$(control 'wait?accepted=4&deadline_ms=3000')")"
  create '[fake:times=2 status=503]'
  equal 'times: first' 503 "$code"
  create '[fake:times=2 status=503]'
  create '[fake:times=2 status=503]'
  equal 'times: third' 201 "$code"
  set_fault scenario 'status=500 times=1' --data-urlencode "to=$to"
  create 'by number'
  equal 'scenario by number' 500 "$code"
  create 'by number'
  equal 'scenario by number, used up' 201 "$code"
  set_fault default 'status=429'
  create 'by default'
  equal 'default' 429 "$code"
  set_fault default ''
  create 'by default'
  equal 'default taken away' 201 "$code"
  equal 'a bad marker is refused' '{"error":"fake_twilio knows no fault '"'rubbish'"'"}' \
    "$(control default -d marker=rubbish)"
}

elapsed() {  # SINCE MS: whether so much time has passed
  local ms=$(((${EPOCHREALTIME/./} - ${1/./}) / 1000))
  [ $ms -ge "$2" ] && echo yes || echo "no, $ms ms"
}

stalled_and_released() {
  new_number
  control reset -d '' >/dev/null
  stalling() { get "$messages.json" --data-urlencode "To=$to" -d Body="[fake:$1]" -d From=12345; }
  stalling stall >"$work/late" &
  local one=$!
  stalling stall-before >"$work/later" &
  local two=$!
  has 'wait: two are open' '"reached":true' "$(control 'wait?open=2&deadline_ms=5000')"
  equal 'one of them accepted' 1 "$(accepted)"
  control release -d '' >/dev/null
  wait $one $two
  has 'stall: answers when released' '"sid": "SM' "$(cat "$work/late")"
  has 'stall-before: answers when released' '"sid": "SM' "$(cat "$work/later")"
  equal 'both accepted now' 2 "$(accepted)"
  create '[fake:stall-before]' -m 0.2
  has 'the client that left is noticed' '"open":0' "$(
    for _ in $(seq 50); do control counters | grep '"open":0' && break; done)"
  control release -d '' >/dev/null
  equal 'and its request is not taken later' 2 "$(accepted)"
  local begin=$EPOCHREALTIME
  has 'wait: deadline' '"reached":false' "$(control 'wait?accepted=99&deadline_ms=200')"
  equal 'wait: not before it' yes "$(elapsed "$begin" 200)"
  new_number
  create 'same text'
  create 'same text'
  equal 'duplicates' "[{\"to\":\"$to\",\"body\":\"same text\",\"count\":2}]" "$(control duplicates)"
}

# --- reading back ------------------------------------------------------------------------------

resources() {
  control reset -d '' >/dev/null
  new_number
  for i in 1 2 3 4 5; do create "message $i"; done
  local sid
  sid=$(field sid "$body")
  local list=(-G --data-urlencode "To=$to")
  has 'fetch' "\"sid\": \"$sid\"" "$(get "$messages/$sid.json")"
  has 'fetch: unknown' '"code": 20404' "$(get "$messages/SM$(printf '0%.0s' $(seq 32)).json")"
  local page
  page=$(get "$messages.json" "${list[@]}" -d PageSize=2)
  equal 'list: newest first' '"message 5" "message 4"' \
    "$(grep -o '"message [0-9]"' <<<"$page" | paste -sd' ')"
  page=$(get "$(field next_page_uri "$page")")
  equal 'list: second page' '"message 3" "message 2"' \
    "$(grep -o '"message [0-9]"' <<<"$page" | paste -sd' ')"
  page=$(get "$(field next_page_uri "$page")")
  has 'list: no page after the last' '"next_page_uri": null' "$page"
  equal 'list: other number' '' "$(get "$messages.json" -G -d To=%2B61499999999 | grep -o 'message [0-9]')"
  control status -d sid="$sid" -d status=undelivered -d error_code=30003 -d price=-0.0515 >/dev/null
  page=$(get "$messages/$sid.json")
  has 'status: set' '"status": "undelivered"' "$page"
  has 'status: error code' '"error_code": 30003' "$page"
  has 'status: price' '"price": "-0.0515"' "$page"
  local today
  today=$(date -u +%F)
  has 'list: DateSent>= today' "$sid" "$(get "$messages.json" -G --data-urlencode "DateSent>=$today")"
  equal 'list: DateSent< 2020' '' "$(get "$messages.json" -G --data-urlencode 'DateSent<=2020-01-01' | grep -o "$sid")"
  has 'cancel: too late' '"code": 30409' "$(get "$messages/$sid.json" -d Status=canceled)"
  has 'redact' '"body": ""' "$(get "$messages/$sid.json" -d Body=)"
  equal 'delete' 204 "$(get "$messages/$sid.json" -X DELETE -o /dev/null -w '%{http_code}')"
  has 'deleted' '"code": 20404' "$(get "$messages/$sid.json")"
  equal 'the ledger keeps it' 5 "$(accepted)"
}

list_faults() {
  new_number
  control list-lag -d seconds=60 >/dev/null
  create 'lagging'
  local list=(-G --data-urlencode "To=$to")
  equal 'list lag: not yet there' '' "$(get "$messages.json" "${list[@]}" | grep -o lagging)"
  control time-shift -d seconds=61 >/dev/null
  equal 'time shift: now it is' lagging "$(get "$messages.json" "${list[@]}" | grep -o lagging)"
  control time-shift -d seconds=0 >/dev/null
  control list-lag -d seconds=0 >/dev/null
  set_fault list-fault 'status=500 times=1'
  has 'list fault' '"status": 500' "$(get "$messages.json" "${list[@]}")"
  has 'list fault: used up' lagging "$(get "$messages.json" "${list[@]}")"
  set_fault list-fault 'cut'
  equal 'list fault: cut' '' "$(get "$messages.json" "${list[@]}" | grep -o 'next_page_uri.*}$')"
  set_fault list-fault ''
}

# --- callbacks ---------------------------------------------------------------------------------

statuses() { grep -o '"status":"[a-z]*"' <<<"$1" | cut -d'"' -f4 | paste -sd,; }

callbacks_held() {
  control reset -d '' >/dev/null
  new_number
  local url='http://user:pw@localhost:9/cb?org=1&m=2'
  local callback=(--data-urlencode "StatusCallback=$url#rc=2")
  create 'plain' "${callback[@]}"
  has 'callbacks: come by themselves' '"reached":true' "$(control 'wait?callbacks=2&deadline_ms=5000')"
  local rows
  rows=$(control callbacks)
  equal 'callbacks: usual order' sent,delivered "$(statuses "$rows")"
  local sid
  sid=$(field message_sid "$rows")
  local text="$url"AccountSid${account}ApiVersion2010-04-01From+15005550006MessageSid${sid}
  text+=MessageStatussentMessagingServiceSid${service}SmsSid${sid}SmsStatussentTo$to
  equal 'callbacks: signature' "$(printf %s "$text" | openssl dgst -sha1 -hmac $token -binary | base64)" \
    "$(head -1 <<<"$rows" | sed 's/.*"signature":"\([^"]*\)".*/\1/')"
  has 'callbacks: fragment cut' "\"url\":\"$url\"" "$rows"
  has 'callbacks: held' '"outcome":"held"' "$rows"
  local seen=2
  for marker in 'callback-order=delivered,sent:delivered,sent' \
    'callback-twice:sent,sent,delivered,delivered' 'undelivered=30003:sent,undelivered' \
    'callback=queued,sending,failed undelivered=30008:queued,sending,failed' \
    'callback-before-response:sent,delivered' 'reset-after:sent,delivered'; do
    create "[fake:${marker%%:*}]" "${callback[@]}"
    local wanted=${marker##*:}
    local commas=${wanted//[^,]/}
    [ "$marker" = callback-before-response:sent,delivered ] ||
      control "wait?callbacks=$((seen + ${#commas} + 1))&deadline_ms=5000" >/dev/null
    equal "callbacks: ${marker%%:*}" "$wanted" "$(statuses "$(control "callbacks?since=$seen")")"
    seen=$((seen + ${#commas} + 1))
  done
  has 'callbacks: error code' 'ErrorCode=30003' "$(control callbacks)"
  create '[fake:no-callback]' "${callback[@]}"
  create '[fake:callback-delay=100]' "${callback[@]}"
  control "wait?callbacks=$((seen + 2))&deadline_ms=5000" >/dev/null
  equal 'no-callback, callback-delay' sent,delivered "$(statuses "$(control "callbacks?since=$seen")")"
}

callbacks_posted() {  # to another fake, whose request log shows that they came
  start receiver --callbacks off
  local receiver=http://127.0.0.1:$port
  start poster
  base=http://127.0.0.1:$port
  new_number
  create 'posted' -d StatusCallback="$receiver/callback"
  has 'posted: both arrive' '"reached":true' \
    "$(curl -sS "$receiver/control/wait?requests=2&deadline_ms=5000")"
  create 'refused' -d StatusCallback=https://example.com/callback
  control 'wait?callbacks=4&deadline_ms=5000' >/dev/null
  local rows
  rows=$(control callbacks)
  has 'posted: status of the answer' '"outcome":"401"' "$rows"
  has 'posted: never beyond loopback' '"outcome":"refused"' "$rows"
  create 'dead' -d StatusCallback=http://127.0.0.1:1/
  control 'wait?callbacks=6&deadline_ms=5000' >/dev/null
  has 'posted: nobody there' "connect" "$(control 'callbacks?since=4')"
}

inbound_texts() {
  control reset -d '' >/dev/null
  has 'inbound: from is missing' 'from is missing' "$(control inbound -d url=http://localhost:9/)"
  has 'inbound: nowhere to go' 'url is missing' "$(control inbound -d from=%2B61400000001)"
  new_number
  local url='http://user:pw@localhost:9/cb'
  create 'asks' --data-urlencode "StatusCallback=$url?org=1&m=2"
  control 'wait?callbacks=2&deadline_ms=5000' >/dev/null
  local sid row
  sid=$(field sid "$(control inbound --data-urlencode "from=$to" -d to=%2B15005550006 --data-urlencode 'body=Sure & ok' -d times=2)")
  control 'wait?callbacks=4&deadline_ms=5000' >/dev/null
  equal 'inbound: the same SID twice' "$sid,$sid" "$(control 'callbacks?since=2' | grep -o '"message_sid":"[^"]*"' | cut -d'"' -f4 | paste -sd,)"
  row=$(control 'callbacks?since=3')
  has 'inbound: status' '"status":"received"' "$row"
  has 'inbound: url of the last callback' "\"url\":\"$url\"" "$row"
  has 'inbound: body' 'Body=Sure%20%26%20ok&From=' "$row"
  local text="$url"AccountSid${account}ApiVersion2010-04-01BodySure' & 'okFrom${to}FromCityFromCountryFromStateFromZip
  text+=MessageSid${sid}NumMedia0NumSegments1SmsMessageSid${sid}SmsSid${sid}SmsStatusreceivedTo+15005550006ToCityToCountryToStateToZip
  equal 'inbound: signature' "$(printf %s "$text" | openssl dgst -sha1 -hmac $token -binary | base64)" \
    "$(sed 's/.*"signature":"\([^"]*\)".*/\1/' <<<"$row")"
  control inbound --data-urlencode "from=$to" -d body=Arret -d opt_out_type=STOP -d messaging_service_sid=$service \
    -d url=http://localhost:9/other >/dev/null
  control 'wait?callbacks=5&deadline_ms=5000' >/dev/null
  row=$(control 'callbacks?since=4')
  has 'inbound: opt-out type' 'OptOutType=STOP' "$row"
  has 'inbound: service' "MessagingServiceSid=$service" "$row"
  has 'inbound: given url' '"url":"http://localhost:9/other"' "$row"
  create 'after STOP'
  equal 'no block unless asked for' 201 "$code"
}

opt_outs() {
  start opting --callbacks hold --opt-outs --inbound-url http://localhost:9/sms
  base=http://127.0.0.1:$port
  hears() { control inbound --data-urlencode "from=$to" -d messaging_service_sid=$service --data-urlencode "body=$1" >/dev/null; }
  for words in 'Stop please:201' ' stop :400' 'yes:201' 'optout:400' 'start:201'; do
    hears "${words%:*}"
    create "after ${words%:*}"
    equal "opt-outs: ${words%:*}" "${words##*:}" "$code"
  done
  hears stop
  create 'blocked'
  has 'opt-outs: code' '"code": 21610' "$body"
  equal 'opt-outs: another number of the sender is not blocked' 201 \
    "$(get "$messages.json" --data-urlencode "To=$to" -d Body=x -d From=%2B61400000099 -o /dev/null -w '%{http_code}')"
  new_number
  create 'somebody else'
  equal 'opt-outs: nor is another phone' 201 "$code"
}

# --- other ways to run -------------------------------------------------------------------------

over_tls() {
  start tls --https --cert-dir "$work/tls" --threads 2
  base=https://localhost:$port
  local ca=(--cacert "$work/tls/ca.pem")
  new_number
  create 'over TLS' "${ca[@]}"
  equal 'TLS: created' 201 "$code"
  create 'over TLS'
  equal 'TLS: not without the CA' 60 $rc
  create '[fake:reset-after]' "${ca[@]}"
  equal 'TLS: reset' '56' $rc
  create '[fake:drip=1]' "${ca[@]}"
  has 'TLS: drip' '.json"}' "$body"
  create '[fake:stall]' "${ca[@]}" -m 0.3
  equal 'TLS: stall' 28 $rc
  equal 'TLS: all counted' '{"count":4}' "$(control ledger/count "${ca[@]}")"
  has 'TLS: ready line' "listening on https://127.0.0.1:$port" "$(cat "$work/tls.out")"
  local before
  before=$(cat "$work/tls/ca.pem")
  start again --https --cert-dir "$work/tls"
  equal 'TLS: the same CA again' "$before" "$(cat "$work/tls/ca.pem")"
}

magic_numbers() {
  start magic --magic
  base=http://127.0.0.1:$port
  magic() { get "$messages.json" --data-urlencode "To=$1" -d Body=x --data-urlencode "From=$2"; }
  has 'magic: accepted' '"status": "queued"' "$(magic +61400000001 +15005550006)"
  for pair in 0001:21211 0002:21612 0003:21408 0004:21610 0009:21614; do
    has "magic To ${pair%:*}" "\"code\": ${pair#*:}" "$(magic +1500555${pair%:*} +15005550006)"
  done
  for pair in 0001:21212 0007:21606 0008:21611 0099:21606; do
    has "magic From ${pair%:*}" "\"code\": ${pair#*:}" "$(magic +61400000001 +1500555${pair%:*})"
  done
  has 'magic: nothing but sending' '"status": 403' "$(get "$messages.json")"
}

endings() {
  mkfifo "$work/stdin"
  make_ready_pipe end
  "$program" --port-file "$work/end.port" --exit-on-stdin-eof <"$work/stdin" >"$work/end.ready" &
  local pid=$!
  exec 9>"$work/stdin"
  wait_ready end
  local url
  url=http://127.0.0.1:$(cat "$work/end.port")
  local zero
  zero=AC$(printf '0%.0s' $(seq 32))
  curl -sS -m 5 -u $zero:token "$url/2010-04-01/Accounts/$zero/Messages.json" -d Body='[fake:stall]' \
    -d To=%2B61400000001 -d From=12345 >/dev/null 2>&1 &
  local client=$!
  curl -sS "$url/control/wait?accepted=1&deadline_ms=5000" >/dev/null
  exec 9>&-
  wait $pid
  equal 'ends when stdin does, though one is stalled' 0 $?
  wait $client
  "$program" --nonsense >/dev/null 2>&1
  equal 'an unknown option is refused' 2 $?
  "$program" --port "$port" >/dev/null 2>&1
  equal 'a taken port is refused' 1 $?
}

start plain --callbacks hold
base=http://127.0.0.1:$port
refusals
acceptance
faults_before
faults_after
control reset -d '' >/dev/null
faults_in_time
stalled_and_released
resources
list_faults
callbacks_held
inbound_texts
callbacks_posted
opt_outs
over_tls
magic_numbers
endings
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
