#!/usr/bin/env bash
# The demo shows what it promises and leaves nothing running. Runs inside with_private_pg.sh.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tally.sh"
passed=0 failed=0
log=$COACH_SMS_RESULTS/demo.log
demo=$PWD/test/demo.sh
here=$TMPDIR/d # all of the demo's processes work in this folder
mkdir -p "$here" "$COACH_SMS_RESULTS"

# check WHAT EXPECTED ACTUAL
check() {
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'not ok: %s\n  expected: %s\n  is: %s\n' "$1" "$2" "$3"
  fi
}

left_running() {
  local cwd
  for cwd in /proc/[0-9]*/cwd; do
    case $(readlink "$cwd" 2>/dev/null) in "$here" | "$here"/*) cwd=${cwd#/proc/} && echo "${cwd%/cwd}" ;; esac
  done
}

# It goes on running until it is told to end.
(cd "$here" && KEEP=1 TMPDIR=$here exec bash "$demo") >"$log" 2>&1 &
pid=$!
deadline=$((SECONDS + 180))
until grep -q 'Ctrl-C ends all' "$log" || ! kill -0 $pid 2>/dev/null || [ $SECONDS -gt $deadline ]; do read -rt 0.1 <> <(:) || true; done
page=$(grep -o 'http://127\.0\.0\.1:[0-9]*/ for the role' "$log" | sed 's/ .*//')
check 'with KEEP=1 its pages can be opened' 'Sign in' "$(curl -sS "$page" | grep -o '<h1>[^<]*' | sed 's/<h1>//')"
kill -TERM $pid
status=0
wait $pid || status=$?
check 'the demo ends well' 0 "$status"

# Of the fifth part the words behind the times; the first line is from within the transaction.
words=$(sed -n '/5\. Its way/,/6\. The story/s/^ *[0-9:]*\.[0-9]*  \([a-z]*\).*/\1/p' "$log" | uniq | tr '\n' ' ')
check 'the message goes its way' 'queued sending sent delivered ' "$words"

check 'a booking that was moved is reminded of at once, with the new time' 't' \
  "$(sed -n 's/^ *reminder_sent of the booking: //p' "$log")"
check 'a STOP is taken' 1 "$(sed -n '/^.*9\. Ann/,/10\. The/p' "$log" | grep -c 'gateway: POST of received, signed .* -> 200')"
check 'who wants no more texts gets none' 1 "$(sed -n '/^.*9\. Ann/,/10\. The/p' "$log" | grep -c 'confirmation *skipped .* is suppressed')"
check 'the office sees the day' 1 "$(sed -n 's/^ *today: //p' "$log" | grep -c delivered)"
check 'Twilio got two texts' 'Twilio accepted 2 messages.' "$(grep -o 'Twilio accepted.*messages\.' "$log")"

# The stand-in for Twilio ends when it sees that the demo is gone, within a second or so.
for pid in $(left_running); do timeout 10 tail -s 0.05 --pid="$pid" -f /dev/null; done
check 'nothing is left running' '' "$(for pid in $(left_running); do tr '\0' ' ' <"/proc/$pid/cmdline"; kill "$pid"; done)"

[ "$failed" = 0 ] || sed 's/^/  | /' "$log"
tally check-demo "$passed" "$failed"
