# TLS, and how it ends. Read by ../selftest.sh.

over_tls() {
  start tls --https --cert-dir "$work/tls"
  base=https://localhost:$port
  local ca=(--cacert "$work/tls/ca.pem")
  new_number
  create 'over TLS' "${ca[@]}"
  equal 'TLS: created' 201 "$code"
  create 'over TLS'
  equal 'TLS: not without the CA' 60 $rc
  create '[fake:reset-after]' "${ca[@]}"
  equal 'TLS: reset' '56' $rc
  create '[fake:drip=1]' "${ca[@]}" -m 20
  has 'TLS: drip' '.json"}' "$body"
  create '[fake:stall]' "${ca[@]}" -m 0.3
  equal 'TLS: stall' 28 $rc
  equal 'TLS: all counted' '{"count": 4}' "$(control ledger/count "${ca[@]}")"
  has 'TLS: ready line' "listening on https://127.0.0.1:$port" "$(cat "$work/tls.out")"
  local before
  before=$(cat "$work/tls/ca.pem")
  start again --https --cert-dir "$work/tls"
  equal 'TLS: the same CA again' "$before" "$(cat "$work/tls/ca.pem")"
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
