#!/usr/bin/env bash
# make bench: how fast coach_sms is, each number beside what it could be. Runs inside with_private_pg.sh.
#   BENCH_ROUNDS=5   how often each pair is measured; medians are shown
#   BENCH_QUICK=1    2 rounds of smaller sizes, in under 3 minutes: to see that it runs, not to judge by
#   BENCH_STORED=10000000  how many messages of the past the full database holds (1,000,000; about 1 GB each)
#   BENCH_ONLY=drain only parts with that in their names: enqueue, webhook, tenant, drain, latency
set -eu
exec perl -I"$PWD/test/bench/lib" test/bench/run.pl
