#!/usr/bin/env bash
# Pictures of the demo's pages, for doc/pictures. Runs inside with_private_pg.sh.
set -eu
here=$TMPDIR/demo_for_pictures log=$TMPDIR/demo.log
pictures=$COACH_SMS_RESULTS/pictures
pgxs_src=$(dirname "$COACH_SMS_PGXS")/..
export PERL5LIB=$pgxs_src/test/perl:$PWD/test/tap/lib PG_REGRESS=$pgxs_src/test/regress/pg_regress
export TESTDIR=$TMPDIR/pictures TESTLOGDIR=$TMPDIR/pictures/log TESTDATADIR=$TMPDIR/pictures/tmp_check
mkdir -p "$here" "$pictures" "$TESTLOGDIR"

demo=$PWD/test/demo.sh
(cd "$here" && KEEP=1 TMPDIR=$here exec bash "$demo") >"$log" 2>&1 &
pid=$!
trap 'kill -TERM $pid 2>/dev/null; wait $pid || true' EXIT
deadline=$((SECONDS + 180))
until grep -q 'Ctrl-C ends all' "$log"; do
  [ $SECONDS -lt $deadline ] && kill -0 $pid || { cat "$log"; exit 1; }
  read -rt 0.1 <> <(:) || true
done
site=$(grep -o 'http://127\.0\.0\.1:[0-9]*/ for the role' "$log" | sed 's|/ .*||')
perl test/tools/screenshots.pl "$site" "$pictures"
