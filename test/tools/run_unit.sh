#!/usr/bin/env bash
# run_unit.sh PROGRAM: runs the GoogleTest program; FILTER chooses tests. Needs no PostgreSQL. test/unit/deadline.cpp ends
# a test that hangs.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tally.sh"
export ASAN_OPTIONS=detect_leaks=1:halt_on_error=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

mkdir -p "$COACH_SMS_RESULTS"
log=$COACH_SMS_RESULTS/unit.log
"$1" --gtest_brief=0 --gtest_color=no --gtest_filter="${FILTER:-*}" >"$log" 2>&1
status=$?
passed=$(grep -c '^\[       OK \] ' "$log")
failed=$(grep -cE '^\[  FAILED  \] .* \([0-9]+ ms\)$' "$log")
[ "$status" = 0 ] || grep -vE '^\[( RUN  |       OK |-+)' "$log"
[ "$status" -le 128 ] || echo "signal $((status - 128)) ended it in $(sed -n 's/^\[ RUN      \] //p' "$log" | tail -n 1)"
if [ "$((passed + failed))" = 0 ]; then status=1; fi # nothing ran: a filter that matches nothing proves nothing
tally unit "$passed" "$(failures "$status" "$failed")"
