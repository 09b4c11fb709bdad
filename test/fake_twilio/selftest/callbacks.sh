# Callbacks and texts from people, held and posted. Read by ../selftest.sh.

statuses() { grep -o '"status": "[a-z]*"' <<<"$1" | cut -d'"' -f4 | paste -sd,; }

callbacks_held() {
  control reset -d '' >/dev/null
  new_number
  local url='http://user:pw@localhost:9/cb?org=1&m=2'
  local callback=(--data-urlencode "StatusCallback=$url#rc=2")
  create 'plain' "${callback[@]}"
  has 'callbacks: come by themselves' '"reached": true' "$(control 'wait?callbacks=2&deadline_ms=5000')"
  local rows
  rows=$(control callbacks)
  equal 'callbacks: usual order' sent,delivered "$(statuses "$rows")"
  local sid
  sid=$(field message_sid "$rows")
  local text="$url"AccountSid${account}ApiVersion2010-04-01From+15005550006MessageSid${sid}
  text+=MessageStatussentMessagingServiceSid${service}SmsSid${sid}SmsStatussentTo$to
  equal 'callbacks: signature' "$(printf %s "$text" | openssl dgst -sha1 -hmac $token -binary | base64)" \
    "$(head -1 <<<"$rows" | sed 's/.*"signature": "\([^"]*\)".*/\1/')"
  has 'callbacks: fragment cut' "\"url\": \"$url\"" "$rows"
  has 'callbacks: held' '"outcome": "held"' "$rows"
  local seen=2
  for marker in 'callback=delivered,sent:delivered,sent' \
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
  create 'plain again' "${callback[@]}"
  control "wait?callbacks=$((seen + 2))&deadline_ms=5000" >/dev/null
  equal 'no-callback' sent,delivered "$(statuses "$(control "callbacks?since=$seen")")"
}

callbacks_posted() {  # to another fake, whose request log shows that they came
  start receiver --callbacks off
  local receiver=http://127.0.0.1:$port
  start poster
  base=http://127.0.0.1:$port
  new_number
  create 'posted' -d StatusCallback="$receiver/callback"
  has 'posted: both arrive' '"reached": true' \
    "$(curl -sS "$receiver/control/wait?requests=2&deadline_ms=5000")"
  create 'refused' -d StatusCallback=https://example.com/callback
  control 'wait?callbacks=4&deadline_ms=5000' >/dev/null
  local rows
  rows=$(control callbacks)
  has 'posted: status of the answer' '"outcome": "401"' "$rows"
  has 'posted: never beyond loopback' '"outcome": "refused"' "$rows"
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
  equal 'inbound: the same SID twice' "$sid,$sid" "$(control 'callbacks?since=2' | grep -o '"message_sid": "[^"]*"' | cut -d'"' -f4 | paste -sd,)"
  row=$(control 'callbacks?since=3')
  has 'inbound: status' '"status": "received"' "$row"
  has 'inbound: url of the last callback' "\"url\": \"$url\"" "$row"
  has 'inbound: body' 'Body=Sure%20%26%20ok&From=' "$row"
  local text="$url"AccountSid${account}ApiVersion2010-04-01BodySure' & 'okFrom${to}FromCityFromCountryFromStateFromZip
  text+=MessageSid${sid}NumMedia0NumSegments1SmsMessageSid${sid}SmsSid${sid}SmsStatusreceivedTo+15005550006ToCityToCountryToStateToZip
  equal 'inbound: signature' "$(printf %s "$text" | openssl dgst -sha1 -hmac $token -binary | base64)" \
    "$(sed 's/.*"signature": "\([^"]*\)".*/\1/' <<<"$row")"
  control inbound --data-urlencode "from=$to" -d body=Arret -d opt_out_type=STOP -d messaging_service_sid=$service \
    -d url=http://localhost:9/other >/dev/null
  control 'wait?callbacks=5&deadline_ms=5000' >/dev/null
  row=$(control 'callbacks?since=4')
  has 'inbound: opt-out type' 'OptOutType=STOP' "$row"
  has 'inbound: service' "MessagingServiceSid=$service" "$row"
  has 'inbound: given url' '"url": "http://localhost:9/other"' "$row"
}
