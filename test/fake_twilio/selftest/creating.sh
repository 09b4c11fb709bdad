# What Twilio checks before it takes a message, and what it answers. Read by ../selftest.sh.

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
  equal 'nothing of it was accepted' '{"count": 0}' "$(control ledger/count)"
  has 'but all of it arrived' '"requests": 14' "$(control counters)"
  equal 'as refused' 14 "$(control 'requests?outcome=refused' | grep -c '"outcome": "refused"')"
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
  has 'ledger: sid' "\"sid\": \"$(field sid "$body")\"" "$row"
  has 'ledger: odd parameters' '"odd_parameters": "Colour,Body"' "$row"
  has 'ledger: validity' '"validity_period": 600' "$row"
  has 'ledger: callback' '"status_callback": "https://example.test/cb?id=1#rc=2"' "$row"
  equal 'ledger: count by body' '{"count": 1}' \
    "$(control ledger/count -G --data-urlencode 'body=Hello "Sam" & é')"
  equal 'ledger: count by part' '{"count": 1}' "$(control 'ledger/count?contains=Sam')"
  has 'arrivals: body and time' 'Hello "Sam" & é 1' "$(control arrivals)"
  has 'an emoji takes two units' '"code": 21617' "$(
    create "$(printf '😀%.0s' $(seq 801))"
    echo "$body")"
  create "$(printf '😀%.0s' $(seq 800))"
  equal '1600 units pass' 201 "$code"
  control ledger | perl -MJSON::PP -0777 -ne 'decode_json($_)' 2>/dev/null
  equal 'the ledger is JSON' 0 $?
}
