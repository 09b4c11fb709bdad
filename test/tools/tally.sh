# Sourced by the run_*.sh: each writes one line "PASSED FAILED [SKIPPED]" for its kind, which run_tests.sh adds up.
: "${COACH_SMS_RESULTS:=build/results}"

# tally KIND PASSED FAILED: says the counts, keeps them, and fails where a test failed.
tally() {
  mkdir -p "$COACH_SMS_RESULTS"
  echo "$2 $3" >"$COACH_SMS_RESULTS/$1.tally"
  echo "$1: $2 passed, $3 failed"
  [ "$3" = 0 ]
}

# A run that ended badly without a failed test to its name (a crash, a server that did not start) is one failure.
failures() { if [ "$1" != 0 ] && [ "$2" = 0 ]; then echo 1; else echo "$2"; fi; }

# A server that crashed and got up again must not pass unseen: its log shows one of these.
crash='terminated by signal (4|6|7|8|11)|PANIC:  |TRAP: |AddressSanitizer|runtime error:'

# Adds up tallies on standard input: "PASSED FAILED SKIPPED".
add_up() { awk '{ passed += $1; failed += $2; skipped += $3 } END { print passed + 0, failed + 0, skipped + 0 }'; }
