# What can be read of messages, and the list and its faults. Read by ../selftest.sh.

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
}

list_faults() {
  new_number
  control list-lag -d seconds=60 >/dev/null
  create 'lagging'
  local list=(-G --data-urlencode "To=$to")
  equal 'list lag: not yet there' '' "$(get "$messages.json" "${list[@]}" | grep -o lagging)"
  control list-lag -d seconds=0 >/dev/null
  equal 'list lag: now it is' lagging "$(get "$messages.json" "${list[@]}" | grep -o lagging)"
  set_fault list-fault 'status=500 times=1'
  has 'list fault' '"status": 500' "$(get "$messages.json" "${list[@]}")"
  has 'list fault: used up' lagging "$(get "$messages.json" "${list[@]}")"
  set_fault list-fault 'cut'
  equal 'list fault: cut' '' "$(get "$messages.json" "${list[@]}" | grep -o 'next_page_uri.*}$')"
  set_fault list-fault ''
}
