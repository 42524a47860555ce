#!/usr/bin/env bash
# test/demo/demo.sh: `make demo` tells the refund story on a private cluster; with --psql (`make psql`) the story is
# told silently and a psql is opened on what it left.  Nothing stays behind, however it ends.
# shellcheck source-path=SCRIPTDIR/.. source=cluster.sh
. "$(dirname "$0")/../cluster.sh"

need_packages run
say "building, and starting a private PostgreSQL $PG_MAJOR ..." >&2
make_run_folder
build_and_install
cluster_start demo "shared_preload_libraries = 'hitl'"

story() { cat "$top"/test/demo/{setup,story}.sql | as_user psql -Xv ON_ERROR_STOP=1 -P pager=off 2>&1; }
if [ "${1:-}" = --psql ]; then
	story > "$RUN/story.out" || { cat "$RUN/story.out" >&2; die "the demo failed"; }
	[ ! -t 0 ] || say "You are mia, a reviewer.  Try: SELECT * FROM hitl.threads;  SELECT * FROM hitl.worker_status;  \\dv hitl.*  \\q"
	as_user psql -X -d shop -U mia
else
	story
	say
	say "That was all of it; nothing is left behind.  To look around by hand: make psql"
fi
