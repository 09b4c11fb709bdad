#!/usr/bin/env bash
# `make test`: every kind, or those of KINDS, whatever the others did; then one line with the sum of their tallies.
# TESTS chooses within each kind, TAP_TESTS within tap.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
kinds=${KINDS:-unit fake check-tree check-release check-demo regress statements isolation pgtap tap soak}
jobs=$(nproc)
export SOAK_SEED=${SOAK_SEED:-12} # one plan here; `make soak` has another each time
results=build/results
rm -rf "$results"
mkdir -p "$results"

# Built once, so that a compiler's error shows here and not within a test. Goes on: what does build is tested.
echo "== build"
make --no-print-directory -s -k -j"$jobs" FAILPOINTS=1 all programs || echo "the build failed; what needs it will fail too"
echo "== build the unit tests"
make --no-print-directory -s -k -j"$jobs" FAILPOINTS=1 build-unit || echo "the build failed; what needs it will fail too"

passed=0 failed=0 skipped=0 broken=
for kind in $kinds; do
  echo "== $kind"
  status=0 kind_passed=0 kind_failed=0 kind_skipped=0
  tests=${TESTS:-}
  [ "$kind" != tap ] || tests=${TAP_TESTS:-$tests}
  make --no-print-directory -s "$kind" TESTS="$tests" || status=$?
  [ ! -f "$results/$kind.tally" ] || read -r kind_passed kind_failed kind_skipped <"$results/$kind.tally"
  if [ "$status" != 0 ] && [ "$kind_failed" = 0 ]; then kind_failed=1; fi
  if [ "$((kind_passed + kind_failed))" = 0 ]; then kind_failed=1; fi
  [ "$kind_failed" = 0 ] || broken="$broken $kind"
  passed=$((passed + kind_passed)) failed=$((failed + kind_failed)) skipped=$((skipped + kind_skipped))
done

echo "=="
[ -z "$broken" ] || echo "failed:$broken; logs and differences are in $results"
[ "$skipped" = 0 ] || echo "$skipped skipped, which is neither"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
