#!/usr/bin/env bash
# test/fuzz/fuzz.sh: `make fuzz`.  Random programs in PL/pgSQL, each run straight and again as a node in continue mode that
# pauses at every question, must say and do the same.  Prints those that do not, made smaller, and fails.
#
#   SEED=1 COUNT=150     which programs, and how many
#   ONLY=1000017         one of them; SHOW=1 prints its text
#   BATCH=, RESTART=, DUMP= programs that share sessions; a restart (-m immediate) before every so many sessions; a dump
#                        and restore of every so many batches; 0: none
# shellcheck source-path=SCRIPTDIR source=../cluster.sh
. "$(dirname "$0")/../cluster.sh"
need_packages run
make_run_folder
build_and_install
mapfile -t lines < "$top/test/hitl.conf"
cluster_start fuzz "${lines[@]}" "hitl.notify = off" "max_connections = 30" "shared_buffers = 64MB"
cp -R "$top/test/fuzz" "$RUN/fuzz-files"
as_user mkdir "$RUN/fuzz-run"
status=0
as_user env FUZZ_BIN="$BIN" FUZZ_DATA="$RUN/fuzz/data" FUZZ_DIR="$RUN/fuzz-run" FUZZ_LOG="$CLUSTER_LOG" \
	CASES="$RUN/fuzz-files/cases" perl "$RUN/fuzz-files/fuzz.pl" || status=$?
if grep -nE 'TRAP:|PANIC:|terminated by signal 11|[a-z] leak|still (active|referenced)' "$CLUSTER_LOG"; then status=1; fi
exit "$status"
