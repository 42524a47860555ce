#!/usr/bin/env bash
# test/plugin/launcher.sh FILE PSQL...: runs psql with a file of commands in front of those that it is to read, which are
# not echoed.  For pg_regress --launcher; the first test makes what the file needs, and is run without it.
set -euo pipefail
file=$1
shift
args=() input=$(mktemp)
trap 'rm -f "$input"' EXIT
for arg; do [ "$arg" = -a ] || args+=("$arg"); done
cat > "$input"
if grep -q '^-- plpgsql_tables.sql' "$input"; then "$@" < "$input"; exit; fi
{ cat "$file"; echo '\set ECHO all'; cat "$input"; } | "${args[@]}"
