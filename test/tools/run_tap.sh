#!/usr/bin/env bash
# run_tap.sh [KIND GLOB]: the TAP tests test/tap/*/*.pl, or those of another kind, on PostgreSQL::Test::Cluster, with our own
# helpers in test/tap/lib. TESTS chooses by name.
# initdb runs once; CoachSms::Cluster copies its result (PostgreSQL 17 and later would do so by themselves).
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tally.sh"
kind=${1:-tap} files=${2:-test/tap/*/*.pl}
pgxs_src=$(dirname "$COACH_SMS_PGXS")/..
export PG_REGRESS=$pgxs_src/test/regress/pg_regress
export PERL5LIB=$pgxs_src/test/perl:$PWD/test/tap/lib
export TESTDIR=$TMPDIR/$kind TESTLOGDIR=$TMPDIR/$kind/tmp_check/log TESTDATADIR=$TMPDIR/$kind/tmp_check
export INITDB_TEMPLATE=$TMPDIR/initdb_template
ulimit -n 8192 2>/dev/null || true # webhook/gateway_strangers.pl opens 1,500 connections
mkdir -p "$TESTLOGDIR" "$COACH_SMS_RESULTS"

if ! initdb -D "$INITDB_TEMPLATE" -A trust -N >"$TMPDIR/initdb.log" 2>&1; then
  cat "$TMPDIR/initdb.log"
  tally "$kind" 0 1
  exit
fi
perl test/tools/prove.pl "$kind" "$files"
status=$?
rm -rf "$COACH_SMS_RESULTS/$kind"
[ "$status" = 0 ] || cp -r "$TESTLOGDIR" "$COACH_SMS_RESULTS/$kind"
exit "$status"
