#!/usr/bin/env bash
# run_fuzz.sh BUILD SECONDS TARGET...: each target of test/fuzz for so long, from test/fuzz/corpus and what earlier runs
# found (BUILD/corpus). An input that breaks something is left in BUILD/broken; add it to the corpus with the mending.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tally.sh"
build=$1 seconds=$2
shift 2
passed=0 failed=0
for target; do
  mkdir -p "$build/corpus/$target" "$build/broken"
  echo "== $target, $seconds s"
  if "$build/bin/fuzz_$target" -max_total_time="$seconds" -max_len=70000 -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix="$build/broken/$target-" "$build/corpus/$target" "test/fuzz/corpus/$target" 2>&1 | grep -E 'stat::number_of_executed|ERROR|SUMMARY|runtime error|deadly' ; [ "${PIPESTATUS[0]}" = 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
done
tally fuzz "$passed" "$failed"
