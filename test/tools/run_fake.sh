#!/usr/bin/env bash
# run_fake.sh PROGRAM: the fake Twilio's own tests, with curl alone.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tally.sh"
mkdir -p "$COACH_SMS_RESULTS"
log=$COACH_SMS_RESULTS/fake.log status=0
test/fake_twilio/selftest.sh "$1" >"$log" 2>&1 || status=$?
sed '$d' "$log"
passed=$(sed -n '$s/^\([0-9]*\) passed.*/\1/p' "$log")
failed=$(sed -n '$s/.* \([0-9]*\) failed$/\1/p' "$log")
tally fake "${passed:-0}" "$(failures "$status" "${failed:-0}")"
