#!/usr/bin/env bash
# test_on.sh SUITE: `make test` of the commit that is checked out, on the Debian SUITE (trixie, sid), in a throw-away
# root file system. KINDS, TESTS, TAP_TESTS, FILTER, SOAK_SECONDS, WERROR and JOBS choose as they do for `make test`.
#
# The root is made by mmdebstrap from this host's own source of Debian, with this host's apt options. It lives in a tmpfs
# of a private mount namespace, and all processes in a PID namespace: both end with this script, however it ends.
# The prepared root is kept as build/test-on/SUITE.tar; remove that file to begin with the packages of today.
# Logs and differences of the run are in build/test-on/SUITE. What cannot run here, for want of rights or of a source,
# is said in one line, counts as one skipped test, and exits with 77.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. test/tools/tally.sh
suite=$1 top=$PWD
kept=$top/build/test-on
tar=$kept/$suite.tar

cannot() {
  echo "test-on $suite: skipped: $*"
  { mkdir -p "$COACH_SMS_RESULTS" && echo "0 0 1" >"$COACH_SMS_RESULTS/test-on-$suite.tally"; } 2>/dev/null || true
  exit 77
}

# Where apt of this host gets Debian itself from, without the neighbours for updates and security.
mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' 'Component: main' |
    sort -u | head -n 1
}

make_root() {
  local from options=$work/apt.conf log=$work/mmdebstrap.log
  from=$(mirror)
  [ -n "$from" ] || { apt-get -qq update && from=$(mirror); }
  [ -n "$from" ] || cannot "no source of Debian among this host's apt sources"
  apt-config dump | grep '^Acquire::' >"$options"
  TMPDIR=$work mmdebstrap --quiet --mode=root --variant=minbase --aptopt="$options" --include=git,make \
    --skip=output/dev "$suite" "$root" "$from" >"$log" 2>&1 ||
    { cat "$log" >&2; cannot "mmdebstrap made no root file system: $(tail -n 1 "$log")"; }
}

mount_what_servers_need() {
  local device
  mount -t proc proc "$root/proc"
  mount -t tmpfs -o mode=755 dev "$root/dev"
  for device in null zero full random urandom tty; do
    [ -e "/dev/$device" ] || continue
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  mkdir -m 1777 "$root/dev/shm"
  ln -s /proc/self/fd "$root/dev/fd"
  for device in 0:stdin 1:stdout 2:stderr; do ln -s "fd/${device%:*}" "$root/dev/${device#*:}"; done
}

# in_root COMMAND...: runs it in the clone, with an environment of its own.
in_root() {
  local name environment=(PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb)
  for name in CI KINDS TESTS TAP_TESTS FILTER WERROR JOBS VERBOSE SOAK_SECONDS SOAK_MESSAGES SOAK_SEED http_proxy https_proxy; do
    [ -z "${!name:-}" ] || environment+=("$name=${!name}")
  done
  # shellcheck disable=SC2016  # expanded in there
  env -i "${environment[@]}" chroot "$root" sh -c 'cd /coach_sms && exec "$@"' sh "$@" </dev/null
}

# Runs as process 1 of the namespaces.
inside() {
  local status=0 before
  mount -t tmpfs -o mode=755,size=75% coach_sms "$work"
  mkdir "$root"
  if [ -f "$tar" ]; then tar -C "$root" -xpf "$tar"; else make_root; fi
  mount_what_servers_need
  git clone -q "$top" "$root/coach_sms"
  before=$(cksum <"$root/var/lib/dpkg/status")
  in_root make deps install-deps-demo-test
  if [ ! -f "$tar" ] || [ "$before" != "$(cksum <"$root/var/lib/dpkg/status")" ]; then
    in_root apt-get clean
    tar -C "$root" --one-file-system --exclude=./coach_sms -cf "$tar.part" .
    mv "$tar.part" "$tar"
  fi
  in_root sh -c 'echo "on Debian $(cat /etc/debian_version): $(pg_config --version), g++ $(g++ -dumpfullversion), libcurl $(curl-config --version)"'
  in_root make test || status=$?
  rm -rf "${kept:?}/$suite"
  cp -r "$root/coach_sms/build/results" "$kept/$suite"
  mkdir -p "$COACH_SMS_RESULTS"
  cat "$kept/$suite"/*.tally | add_up >"$COACH_SMS_RESULTS/test-on-$suite.tally"
  echo "test-on $suite: logs are in build/test-on/$suite; memory in use: $(df -h --output=used "$work" | tail -n 1)"
  exit "$status"
}

clean_up() {
  trap - EXIT
  trap '' INT TERM HUP
  # The kernel ends what runs in the namespaces, and their mounts, with process 1.
  [ -z "${child:-}" ] || { kill -KILL "$child" 2>/dev/null || true; wait "$child" 2>/dev/null || true; }
  rmdir "$work"
  rm -f "$tar.part"
}

[ -z "${TEST_ON_WORK:-}" ] || { work=$TEST_ON_WORK root=$TEST_ON_WORK/root; inside; }

[ "$(id -u)" = 0 ] || cannot "it takes root: sudo make test-on DEBIAN=$suite"
command -v apt-get >/dev/null || cannot "it takes a Debian or Ubuntu"
QUIET=1 test/tools/deps.sh chroot || cannot "mmdebstrap cannot be installed"
mkdir -p "$kept"
work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
alone=(unshare --mount --pid --fork --ipc --uts --kill-child --mount-proc)
refused=$("${alone[@]}" mount -t tmpfs coach_sms "$work" 2>&1) || cannot "no rights to namespaces and mounts: $refused"

set -m # SIGINT of a terminal is for this script alone
TEST_ON_WORK=$work "${alone[@]}" test/tools/test_on.sh "$suite" </dev/null &
child=$!
set +m
status=0
wait "$child" || status=$?
child=
exit "$status"
