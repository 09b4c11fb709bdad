# Sourced by run_regress.sh and run_isolation.sh, inside with_private_pg.sh.
. "$(dirname "${BASH_SOURCE[0]}")/tally.sh"
pgxs_src=$(dirname "$COACH_SMS_PGXS")/..
bindir=$(dirname "$(command -v postgres)")
major=$(postgres -V | sed 's/[^0-9]*\([0-9]*\).*/\1/')

# Settings that need absolute paths; the key file lies outside the data directory.
write_conf() {
  echo "coach_sms.key_file = '$TMPDIR/$1/coach_sms.key'" >"$TMPDIR/$1.conf"
  mkdir -p -m 700 "$TMPDIR/$1"
}

# names_of FOLDER SUFFIX: the tests there, or those with one of the words of TESTS in their name.
names_of() {
  local name wanted
  for name in "$1"/*."$2"; do
    [ -e "$name" ] || continue
    name=$(basename "$name" ".$2")
    if [ -z "${TESTS:-}" ]; then
      echo "$name"
    else
      for wanted in $TESTS; do case $name in *"$wanted"*) echo "$name" ;; esac; done
    fi
  done | sort -u
}

# Prints a file with the names that its paths will have afterwards.
says() { sed "s,$COACH_SMS_RESULTS,build/results,g; s,$PWD/,,g" "$1"; }

# run_pg_regress KIND PROGRAM INPUTDIR NAMES...: one temporary server, its tests in order.
run_pg_regress() {
  local kind=$1 program=$2 input=$3 out=$COACH_SMS_RESULTS/$1 status=0 passed failed
  shift 3
  mkdir -p "$out"
  write_conf "$kind"
  if [ $# = 0 ]; then
    echo "$kind: no test${TESTS:+ has \"$TESTS\" in its name}"
    tally "$kind" 0 1
    return
  fi
  "$pgxs_src/test/$program" --bindir="$bindir" --inputdir="$input" --outputdir="$out" \
    $([ "$major" -lt 16 ] || echo --expecteddir="$input") --temp-instance="$TMPDIR/${kind}_server" \
    --temp-config="$PWD/test/regress.conf" --temp-config="$TMPDIR/$kind.conf" --encoding=UTF8 \
    --dbname="contrib_$kind" "$@" >"$out/output.txt" 2>&1 || status=$?
  says "$out/output.txt"
  passed=$(grep -cE '^ok |\.\.\. ok' "$out/output.txt")
  failed=$(grep -cE '^not ok |\.\.\. FAILED' "$out/output.txt")
  [ ! -s "$out/regression.diffs" ] || says "$out/regression.diffs"
  if grep -E "$crash" "$out/log/postmaster.log"; then status=1; fi
  tally "$kind" "$passed" "$(failures "$status" "$failed")"
}
