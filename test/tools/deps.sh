#!/usr/bin/env bash
# Says which Debian packages are missing and installs them.
#   deps.sh [build|demo|test|bench|lint|valgrind|fuzz|chroot]...   default: build
# Root installs; anybody else goes through sudo, or gets the command to run. PG_CONFIG chooses the server.
set -eu

pg_config=${PG_CONFIG:-pg_config}
pg() { "$pg_config" "$1" 2>/dev/null || true; }

# The major version to ask apt for: that of pg_config, else of the newest server that is here, else Debian's.
major_version() {
  local v
  v=$(pg --version | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p')
  [ -n "$v" ] || v=$(ls /usr/lib/postgresql 2>/dev/null | sort -n | tail -n 1)
  [ -n "$v" ] || v=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p')
  echo "${v:-15}"
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# A PostgreSQL that was built by hand has no packages, so its parts are looked for by file.
postgresql_parts() {
  local v=$1
  case $2 in
    build)
      [ -f "$(pg --includedir-server)/postgres.h" ] || installed "postgresql-server-dev-$v" || echo "postgresql-server-dev-$v"
      [ -x "$(pg --bindir)/postgres" ] || [ -x "/usr/lib/postgresql/$v/bin/postgres" ] || echo "postgresql-$v" ;;
    test)
      local control="extension/pgtap.control"
      [ -f "$(pg --sharedir)/$control" ] || [ -f "/usr/share/postgresql/$v/$control" ] || echo "postgresql-$v-pgtap"
      # Not packaged for every version; bookings/pg_cron.pl is skipped without it.
      control="extension/pg_cron.control"
      [ -f "$(pg --sharedir)/$control" ] || [ -f "/usr/share/postgresql/$v/$control" ] ||
        [ -z "$(apt-cache search --names-only "^postgresql-$v-cron\$" 2>/dev/null)" ] || echo "postgresql-$v-cron" ;;
  esac
}

packages_of() {
  case $1 in
    build) echo make g++ ca-certificates libcurl4-openssl-dev libssl-dev libphonenumber-dev libicu-dev rapidjson-dev libmicrohttpd-dev libpq-dev ;;
    demo) echo curl openssl ;;
    test) echo chromium chromium-driver libgtest-dev libipc-run-perl libio-socket-ssl-perl libtap-parser-sourcehandler-pgtap-perl nginx nodejs perl prometheus prometheus-sql-exporter python3-psycopg ;;
    bench) echo libbenchmark-dev wrk ;;
    lint) echo clang-format clang-tidy cppcheck ;;
    valgrind) echo valgrind ;;
    fuzz) echo clang libclang-rt-dev ;;
    chroot) echo mmdebstrap ;;
    *) echo "deps.sh: unknown group \"$1\"" >&2; exit 2 ;;
  esac
}

# Debian's node-postgres takes Debian's Node: beside another one docs/examples.pl gets it by npm.
node_postgres() {
  [ -d /usr/share/nodejs/pg ] || ! apt-get -qqs --no-install-recommends install node-pg >/dev/null 2>&1 || echo node-pg
}

# missing_packages GROUP...: the packages on one line.
missing_packages() {
  local v group package
  v=$(major_version)
  for group in "$@"; do
    for package in $(packages_of "$group"); do
      installed "$package" || echo "$package"
    done
    postgresql_parts "$v" "$group"
    [ "$group" != test ] || node_postgres
  done | awk '!seen[$0]++' | tr '\n' ' '
}

has_lists() { compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; }

# Debian would run a server on port 5432, nginx on port 80 and Prometheus when their packages are first installed.
# Tests bring their own, so files that say no stand there meanwhile.
no_cluster=/etc/postgresql-common/createcluster.d/coach_sms.conf
no_start=/usr/sbin/policy-rc.d
meanwhile=()
say_meanwhile() {
  mkdir -p "${1%/*}"
  echo "$2" >"$1"
  chmod 755 "$1"
  meanwhile+=("$1")
  trap 'rm -f "${meanwhile[@]}"' EXIT
}

install_as_root() {
  case " $* " in *" postgresql-"[0-9]*) [ -d /etc/postgresql ] || say_meanwhile "$no_cluster" 'create_main_cluster = false' ;; esac
  local services=() service
  for service in nginx prometheus prometheus-sql-exporter; do
    case " $* " in *" $service "*) services+=("$service") ;; esac
  done
  [ "${#services[@]}" = 0 ] || [ -e "$no_start" ] || say_meanwhile "$no_start" "#!/bin/sh
case \" \$* \" in *\" nginx \"* | *\" prometheus\"*) exit 101 ;; esac"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y --no-install-recommends "$@" </dev/null ||
    { apt-get update && apt-get install -y --no-install-recommends "$@" </dev/null; }
  [ "${#services[@]}" = 0 ] || systemctl disable "${services[@]}" >/dev/null 2>&1 || true # nor at the next boot
}

[ $# -gt 0 ] || set -- build
if ! command -v dpkg-query >/dev/null; then
  echo "deps.sh knows Debian and Ubuntu only; the packages that coach_sms needs are named in doc/install.md." >&2
  exit 1
fi
missing=$(missing_packages "$@")
if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && ! has_lists; then
  apt-get update
  missing=$(missing_packages "$@") # the lists give the version of PostgreSQL
fi
if [ -z "$missing" ]; then
  [ "${QUIET:-}" = 1 ] || echo "Nothing is missing."
  exit 0
fi
as_root=(sudo "$0" "$@")
[ "$pg_config" = pg_config ] || as_root=(sudo "PG_CONFIG=$pg_config" "$0" "$@")
# shellcheck disable=SC2086  # the list is split on purpose
if [ "$(id -u)" = 0 ]; then
  echo "coach_sms needs these packages: $missing"
  install_as_root $missing
elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
  "${as_root[@]}"
else
  echo "coach_sms needs these packages: $missing" >&2
  # Not apt-get itself: it would start a database cluster and nginx.
  echo "Installing them takes root: ${as_root[*]}" >&2
  exit 1
fi
