#!/usr/bin/env bash
# with_private_pg.sh COMMAND...: runs COMMAND beside a PostgreSQL of its own that has coach_sms installed.
#
# PostgreSQL finds its files relative to where its binary really is. So real copies of the binaries and
# links to all the rest, laid out as on the system, make a second installation that costs 15 MB, and
# the system's own is neither changed nor stopped. Everything lives in one temporary folder:
#   pg/        the installation, first in PATH
#   src/       a copy of the checkout, the working folder of COMMAND
#   bin/       our test programs (fake_twilio, test_clock.so, benches), in PATH
#   results/   COACH_SMS_RESULTS: what is put here comes back as build/results
#   tmp/       TMPDIR
# As root COMMAND runs as an unprivileged account, for which the checkout may be out of reach: hence the
# copy. The environment is emptied but for COACH_SMS_* and a few harmless names: no PGHOST, proxy or
# TWILIO_AUTH_TOKEN of the caller's reaches a test. FAILPOINTS, SANITIZE and PG_CONFIG choose the build.
# When COMMAND ends, what it left running from this folder is ended too, by pid, and the folder removed.
set -eu

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
pg_config=${PG_CONFIG:-pg_config}

# The account that runs servers: root must not.
account=
if [ "$(id -u)" = 0 ]; then
  for candidate in ${COACH_SMS_ACCOUNT:-} postgres nobody; do
    if id "$candidate" >/dev/null 2>&1; then account=$candidate && break; fi
  done
  [ -n "$account" ] || { echo "with_private_pg.sh: no account to run a server as; set COACH_SMS_ACCOUNT" >&2; exit 1; }
fi
as_account() {
  if [ -n "$account" ]; then
    setpriv --reuid "$account" --regid "$(id -g "$account")" --clear-groups "$@"
  else
    "$@"
  fi
}

# A folder that the account can enter, short enough for socket paths (107 bytes).
make_work() {
  local base
  for base in "${TMPDIR:-/tmp}" /tmp; do
    [ ${#base} -le 32 ] || continue
    work=$(mktemp -d "$base/coach_sms.XXXXXX") || continue
    chmod 755 "$work"
    [ -z "$account" ] || chown "$account" "$work"
    # shellcheck disable=SC2016  # expanded by the account's shell
    if as_account sh -c 'cd "$1" && : >probe && rm probe' sh "$work" 2>/dev/null; then return; fi
    rm -rf "$work"
  done
  echo "with_private_pg.sh: no temporary folder that $account can write to" >&2
  exit 1
}

# Processes whose program lies in our folder: servers, the fake, benches.
running_from_work() {
  local exe
  for exe in /proc/[0-9]*/exe; do
    case $(readlink "$exe" 2>/dev/null) in "$work"/*) exe=${exe#/proc/} && echo "${exe%/exe}" ;; esac
  done
}

clean_up() {
  trap - EXIT
  trap '' INT TERM HUP # make passes on the signal that it got itself
  [ -z "${child:-}" ] || kill -TERM -- "-$child" 2>/dev/null || true
  local signal pid
  for signal in QUIT KILL; do # QUIT is an immediate shutdown to a server
    for pid in $(running_from_work); do kill -"$signal" "$pid" 2>/dev/null || true; done
    for pid in $(running_from_work); do timeout 3 tail -s 0.05 --pid="$pid" -f /dev/null || true; done
  done
  if [ -n "${COACH_SMS_KEEP:-}" ]; then echo "kept: $work" >&2; else rm -rf "$work"; fi
}

# Our library needs the sanitizer's runtime loaded before anything else, and only in the server.
# early.so starts the runtime before other libraries' constructors run: libgpg-error's allocates while it holds a
# lock of gettext's, which the runtime's own start takes too, and the server would hang there for ever.
wrap_server_for_sanitizer() {
  local bindir=$1 report=$work/results/sanitizer/server
  echo '#include <stdlib.h>
    __attribute__((constructor)) static void start_early(void) { free(malloc(1)); }' |
    ${CC:-gcc} -O0 -shared -fPIC -Wl,-z,initfirst -o "$work/early.so" -x c -
  mv "$bindir/postgres" "$bindir/postgres.real"
  cat >"$bindir/postgres" <<WRAPPER
#!/bin/bash
export ASAN_OPTIONS=detect_leaks=0:halt_on_error=1:abort_on_error=1:handle_segv=1:quarantine_size_mb=32:log_path=$report
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:log_path=$report
export LD_PRELOAD=$(realpath "$(${CXX:-g++} -print-file-name=libasan.so)"):$work/early.so\${LD_PRELOAD:+:\$LD_PRELOAD}
exec -a "\$0" "$bindir/postgres.real" "\$@"
WRAPPER
  chmod 755 "$bindir/postgres"
}

make_installation() {
  local bindir sharedir pkglibdir
  bindir=$("$pg_config" --bindir) sharedir=$("$pg_config" --sharedir) pkglibdir=$("$pg_config" --pkglibdir)
  private_bin=$work/pg$bindir
  mkdir -p "$private_bin" "$work/pg$sharedir" "$work/pg$pkglibdir" "$work"/{bin,home,tmp}
  mkdir -p "$work/results/sanitizer"
  cp -L "$bindir"/* "$private_bin"
  cp -rs "$sharedir/." "$work/pg$sharedir"
  find "$pkglibdir" -mindepth 1 -maxdepth 1 ! -name bitcode ! -name 'coach_sms*' ! -name 'llvmjit*' \
    -exec ln -s -t "$work/pg$pkglibdir" {} +
  rm -f "$work/pg$sharedir"/extension/coach_sms*
  [ -z "$account" ] || chown "$account" "$work/pg$sharedir/extension" # a test adds an upgrade script
  make -C "$top" -s -j"$(nproc)" --no-print-directory install programs DESTDIR="$work/pg" BINDIR="$work/bin" >"$work/install.log" 2>&1 ||
    { cat "$work/install.log" >&2; exit 1; }
  [ -z "${SANITIZE:-}" ] || wrap_server_for_sanitizer "$private_bin"
}

bring_back_results() {
  find "$work/results" -type d -empty -delete 2>/dev/null || true
  [ -d "$work/results" ] || return 0
  mkdir -p "$top/build/results" && cp -r "$work/results/." "$top/build/results" ||
    echo "with_private_pg.sh: could not write $top/build/results" >&2
}

# A sanitizer's report fails the run even where the server got up again.
report_sanitizer() {
  local report
  for report in "$work"/results/sanitizer/*; do
    [ -e "$report" ] || continue
    echo "--- sanitizer report ${report##*/}" && head -n 60 "$report"
    status=1
  done
}

[ $# -gt 0 ] || { echo "usage: with_private_pg.sh COMMAND..." >&2; exit 2; }
umask 022
make_work
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
make_installation
mkdir "$work/src"
tar -C "$top" --exclude=./.git --exclude=./build -cf - . | tar -C "$work/src" -xf -
[ -z "$account" ] || chown -R "$account" "$work"/{src,home,tmp,results}

environment=(PATH="$private_bin:$work/bin:$PATH" HOME="$work/home" TMPDIR="$work/tmp" LANG=C.UTF-8 LC_ALL=C.UTF-8
  TZ=UTC TERM="${TERM:-dumb}" COACH_SMS_RESULTS="$work/results" COACH_SMS_PGXS="$("$pg_config" --pgxs)"
  COACH_SMS_SLOW="$([ -n "${SANITIZE:-}" ] && echo 4 || echo 1)")
for name in $(compgen -e | grep -E '^(COACH_SMS_|BENCH_|SOAK_|TESTS$|JOBS$|VERBOSE$|CI$)' || true); do
  case $name in COACH_SMS_RESULTS | COACH_SMS_SLOW | COACH_SMS_PGXS) ;; *) environment+=("$name=${!name}") ;; esac
done

cd "$work/src"
set -m # a process group of its own, with SIGINT as it should be
as_account env -i "${environment[@]}" "$@" </dev/null &
child=$!
set +m
status=0
wait "$child" || status=$?
child=
cd "$top"
report_sanitizer
bring_back_results
exit "$status"
