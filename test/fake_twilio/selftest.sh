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
for part in creating faults reading callbacks running; do
  . "$here/selftest/$part.sh"
done

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
over_tls
endings
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
