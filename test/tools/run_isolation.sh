#!/usr/bin/env bash
# The isolation tests test/isolation/specs/*.spec. TESTS chooses by name.
set -u
. "$(dirname "${BASH_SOURCE[0]}")/pg_regress.sh"
mapfile -t names < <(names_of test/isolation/specs spec)
run_pg_regress isolation isolation/pg_isolation_regress "$PWD/test/isolation" "${names[@]}"
