#!/usr/bin/env bash
# check_release.sh BUILT INSTALLED: what must not be in the library that is released, and in what `make install` installs.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. test/tools/tally.sh
built=$1 library=$2 passed=0 failed=0

# none WHAT FOUND
none() {
  if [ -z "$2" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'not ok: %s\n%s\n' "$1" "$(sed 's/^/  /' <<<"$2")"
  fi
}

# Not read from src/exports.map, so that a pattern too many there shows.
exports=$(nm -D --defined-only "$library" | awk '{ print $NF }')
none 'the library exports something' "$([ -n "$exports" ] || echo "no symbols in $library")"
none 'it exports what PostgreSQL looks up, and nothing else' \
  "$(grep -vxE 'Pg_magic_func|_PG_init|pg_finfo_[a-z0-9_]+|coach_sms_[a-z0-9_]+' <<<"$exports")"
none 'it has no failpoints' "$(grep -aoF coach_sms.failpoint "$library" | head -n 1)"

build_id() { readelf -n "$1" | sed -n 's/ *Build ID: //p'; }
none 'make install leaves debug symbols out' "$(readelf -SW "$library" | grep -oE '\.(debug_[a-z]+|symtab)')"
none 'the library that was built has them' "$(readelf -SW "$built" | grep -q '\.debug_info' || echo "no .debug_info in $built")"
none 'a debugger sees that both are one' "$([ "$(build_id "$built")" = "$(build_id "$library")" ] && [ -n "$(build_id "$built")" ] ||
  echo "build ids: $(build_id "$built") and $(build_id "$library")")"

tally check-release "$passed" "$failed"
