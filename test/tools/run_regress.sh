#!/usr/bin/env bash
# The pg_regress tests sql/*.sql on a temporary server without a sender. TESTS chooses by name.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/pg_regress.sh"
mapfile -t names < <(names_of sql sql)
run_pg_regress regress regress/pg_regress "$PWD" "${names[@]}"
