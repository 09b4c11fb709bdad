# TLS, magic numbers, and how it ends. Read by ../selftest.sh.

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
