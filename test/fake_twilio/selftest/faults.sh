# What goes wrong because the request says so. Read by ../selftest.sh.

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
  has 'requests: outcome of the reset' '"outcome": "reset-before", "end": "broken"' "$(control requests)"
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
  create '[fake:drip=1]' -m 20
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
  equal 'a bad marker is refused' '{"error": "fake_twilio knows no fault '"'rubbish'"'"}' \
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
  has 'wait: two are open' '"reached": true' "$(control 'wait?open=2&deadline_ms=5000')"
  equal 'one of them accepted' 1 "$(accepted)"
  control release -d '' >/dev/null
  wait $one $two
  has 'stall: answers when released' '"sid": "SM' "$(cat "$work/late")"
  has 'stall-before: answers when released' '"sid": "SM' "$(cat "$work/later")"
  equal 'both accepted now' 2 "$(accepted)"
  create '[fake:stall-before]' -m 0.2
  has 'the client that left is noticed' '"open": 0' "$(
    for _ in $(seq 50); do control counters | grep '"open": 0' && break; done)"
  control release -d '' >/dev/null
  equal 'and its request is not taken later' 2 "$(accepted)"
  local begin=$EPOCHREALTIME
  has 'wait: deadline' '"reached": false' "$(control 'wait?accepted=99&deadline_ms=200')"
  equal 'wait: not before it' yes "$(elapsed "$begin" 200)"
  new_number
  create 'same text'
  create 'same text'
  equal 'duplicates' "[{\"to\": \"$to\", \"body\": \"same text\", \"count\": 2}]" "$(control duplicates)"
}
