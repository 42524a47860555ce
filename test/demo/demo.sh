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

# A story that did not come true is an error, with what the server said.
story() {
	cat "$top"/test/demo/{setup,story}.sql | as_user psql -Xv ON_ERROR_STOP=1 -P pager=off 2>&1 &&
		[ "$(psql -XqAt -d shop -c "SELECT string_agg(amount::text, ' ' ORDER BY thread_id) FROM refunds")" = "900 4200 4000 9000" ]
}
failed() { tail -n 30 "$CLUSTER_LOG" >&2; die "the demo failed; above is the end of the server's log"; }

if [ "${1:-}" = --psql ]; then
	story > "$RUN/story.out" || { cat "$RUN/story.out" >&2; failed; }
	[ ! -t 0 ] || say "You are mia, a reviewer.  Try: SELECT * FROM hitl.threads;  SELECT * FROM hitl.worker_status;  \\dv hitl.*  \\q"
	as_user psql -X -d shop -U mia
else
	story || failed
	say "That was all of it; nothing is left behind.  To look around by hand: make psql"
fi
