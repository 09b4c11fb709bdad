#!/usr/bin/env bash
# The pg_regress tests once more, with each row written by an SQL statement (src/pg/tables/README.md). TESTS chooses by name.
set -u
export COACH_SMS_WRITE_BY_STATEMENT=1
. "$(dirname "${BASH_SOURCE[0]}")/pg_regress.sh"
mapfile -t names < <(names_of sql sql)
run_pg_regress statements regress/pg_regress "$PWD" "${names[@]}"
