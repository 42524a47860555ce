#!/usr/bin/env bash
# test/lint/all.sh: `make lint`.  Every check here reads files only and prints what is wrong as file:line: reason.
set -euo pipefail
cd "$(dirname "$0")"
status=0
for script in *.sh; do
	[ "$script" != all.sh ] || continue
	if bash "$script"; then echo "ok       $script"; else echo "FAILED   $script"; status=1; fi
done
exit "$status"
