#!/usr/bin/env bash
# make bench: how fast coach_sms is, each number beside what it could be. Runs inside with_private_pg.sh.
#   BENCH_ROUNDS=5   how often each pair is measured; medians are shown
#   BENCH_QUICK=1    2 rounds of smaller sizes, in about five minutes: to see that it runs, and what fell
#   BENCH_STORED=10000000  how many messages of the past the full database holds (1,000,000; about 1 GB each)
#   BENCH_WAITING=1000000  how many of them wait (100,000)
#   BENCH_DEAD=, BENCH_BACKLOG=  sizes of the parts burdens (500,000 dead rows) and orgs (200,000 due)
#   BENCH_ONLY=drain only parts with that in their names: enqueue, webhook, tenant, drain, latency, burdens, orgs
set -eu
exec perl -I"$PWD/test/bench/lib" test/bench/run.pl
