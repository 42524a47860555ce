#!/usr/bin/env bash
# test/lint/shell.sh: the shell scripts parse, and shellcheck, where it is installed, has nothing to say.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts=(.ci/run test/*.sh test/*/*.sh tools/*)
for script in "${scripts[@]}"; do bash -n "$script"; done
! command -v shellcheck >/dev/null || shellcheck -f gcc -x "${scripts[@]}"
