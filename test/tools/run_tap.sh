#!/usr/bin/env bash
# The TAP tests test/tap/*/*.pl on PostgreSQL::Test::Cluster, with our own helpers in test/tap/lib. TESTS chooses by name.
# initdb runs once; CoachSms::Cluster copies its result (PostgreSQL 17 and later would do so by themselves).
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tally.sh"
pgxs_src=$(dirname "$COACH_SMS_PGXS")/..
export PG_REGRESS=$pgxs_src/test/regress/pg_regress
export PERL5LIB=$pgxs_src/test/perl:$PWD/test/tap/lib
export TESTDIR=$TMPDIR/tap TESTLOGDIR=$TMPDIR/tap/tmp_check/log TESTDATADIR=$TMPDIR/tap/tmp_check
export INITDB_TEMPLATE=$TMPDIR/initdb_template
mkdir -p "$TESTLOGDIR" "$COACH_SMS_RESULTS"

if ! initdb -D "$INITDB_TEMPLATE" -A trust -N >"$TMPDIR/initdb.log" 2>&1; then
  cat "$TMPDIR/initdb.log"
  tally tap 0 1
  exit
fi
perl test/tools/prove.pl tap 'test/tap/*/*.pl'
status=$?
rm -rf "$COACH_SMS_RESULTS/tap"
[ "$status" = 0 ] || cp -r "$TESTLOGDIR" "$COACH_SMS_RESULTS/tap"
exit "$status"
