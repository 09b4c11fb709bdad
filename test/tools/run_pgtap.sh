#!/usr/bin/env bash
# The pgTAP tests test/pgtap/*.sql: a server without a sender, a database with pgtap in the schema "tap" and
# coach_sms in "public". Each file runs in its own session and rolls back. TESTS chooses by name.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/tally.sh"
data=$TMPDIR/pgtap_server log=$COACH_SMS_RESULTS/pgtap/postmaster.log
mkdir -p "$COACH_SMS_RESULTS/pgtap" && mkdir -m 700 "$TMPDIR/pgtap"
export PGHOST=$TMPDIR PGDATABASE=pgtap PGUSER=postgres

start() {
  initdb -D "$data" -U postgres -A trust -N --encoding=UTF8 &&
    {
      cat test/regress.conf
      echo "coach_sms.key_file = '$TMPDIR/pgtap/coach_sms.key'"
      echo "unix_socket_directories = '$TMPDIR'"
      echo "listen_addresses = ''"
    } >>"$data/postgresql.conf" &&
    pg_ctl -D "$data" -l "$log" -w start &&
    createdb pgtap &&
    psql -v ON_ERROR_STOP=1 -q <<'SQL'
CREATE SCHEMA tap;
CREATE EXTENSION pgtap SCHEMA tap;
CREATE EXTENSION coach_sms SCHEMA public;
ALTER DATABASE pgtap SET search_path = public, tap;
SQL
}

if ! start >"$COACH_SMS_RESULTS/pgtap/start.log" 2>&1; then
  cat "$COACH_SMS_RESULTS/pgtap/start.log"
  tail -n 20 "$log"
  tally pgtap 0 1
  exit
fi
perl test/tools/prove.pl pgtap 'test/pgtap/*.sql'
status=$?
pg_ctl -D "$data" -m fast -w stop >/dev/null
if grep -E "$crash" "$log"; then status=1; fi
exit "$status"
