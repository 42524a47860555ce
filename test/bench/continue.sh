#!/usr/bin/env bash
# test/bench/continue.sh, of `make bench`: what a pause and a resume cost in continue mode, and what functions pay that are
# no nodes.
#
# The same node in continue mode and in replay mode, with 0, 10 and 1000 statements (INSERT) before its question, in turns:
# invoke until it waits, resume until it is done, by one client; in ms, and as the ratio to replay mode of the same round.
# Each statement must have its effect exactly once.
#
# Then a tight PL/pgSQL loop, calls of a function and statements of SQL on two servers that differ in one thing, that hitl
# is preloaded, in turns; on that one also in sessions in which a node in continue mode has run.  Time is that of the
# processor here, and of twenty calls the best counts; more than 3 % for the loop is said to be missed.
#
#   ROUNDS=7  CALLS=200 (per measure and round; a quarter for 1000 statements)  TURNS=300000 (of the loop)
# shellcheck source-path=SCRIPTDIR/.. source=cluster.sh
. "$(dirname "$0")/../cluster.sh"
rounds=${ROUNDS:-7} calls=${CALLS:-200} turns=${TURNS:-300000}

need_packages run
make_run_folder
build_and_install
cluster_start without 'max_wal_size = 4GB' 'autovacuum = off'
psql -Xqf "$top/test/bench/continue_plain.sql"
cluster_start loaded "shared_preload_libraries = 'hitl'" 'max_wal_size = 4GB' 'autovacuum = off' 'hitl.max_executors = 0' 'hitl.notify = off'
psql -Xqf "$top/test/bench/continue_plain.sql"
psql -Xqc 'CREATE EXTENSION hitl'
psql -Xqf "$top/test/bench/continue_schema.sql" > /dev/null
cp "$top"/test/bench/continue_*.sql "$RUN"
results=$RUN/results
inserted=0

sql() { psql -XqAtv ON_ERROR_STOP=1 -c "$1"; }

# measure NAME SCRIPT COUNT [OPTION...]: the average in ms of so many calls.
measure() {
	local name=$1 script=$2 count=$3
	shift 3
	as_user pgbench -n -M prepared -f "$RUN/continue_$script.sql" -c 1 -t "$count" -D i=0 "$@" > "$RUN/pgbench.out" 2>&1 \
		|| { cat "$RUN/pgbench.out" >&2; die "$script failed"; }
	grep -q "processed: $count/$count" "$RUN/pgbench.out" || { cat "$RUN/pgbench.out" >&2; die "$script did not do $count calls"; }
	say "$name $(sed -n 's/^latency average = \([0-9.]*\) ms.*/\1/p' "$RUN/pgbench.out")" >> "$results"
}

# mode MODE STATEMENTS: pauses and resumes of that many threads.
mode() {
	local graph=$1 n=$2 count=$calls
	[ "$n" -lt 1000 ] || count=$(((calls + 3) / 4))
	measure "pause/$n $graph" pause "$count" -D graph="$graph" -D n="$n"
	sql "TRUNCATE todo; INSERT INTO todo SELECT row_number() OVER (ORDER BY thread_id), thread_id FROM hitl.threads WHERE status = 'interrupted'"
	sql 'VACUUM ANALYZE'
	measure "resume/$n $graph" resume "$count"
	inserted=$((inserted + count * (n + 1)))
}

# plain NAME SERVER [SQL]: the best of twenty short calls of each function, in a session that has run that first.
plain() {
	local name=$1 function n i
	cluster_use "$2"
	for function in tight calls queries; do
		n=$turns
		[ $function = tight ] || n=$((turns / 10))
		{
			say "${3:-SELECT};" "SELECT $function($((n / 10)));" 'SET log_statement_stats = on; SET client_min_messages = log;'
			for ((i = 0; i < 20; i++)); do say "SELECT $function($n);"; done
		} | psql -XqAt 2>&1 | sed -nE 's/^!\t([0-9.]+) s user, ([0-9.]+) s system.*/\1 \2/p' | awk '{ print ($1 + $2) * 1000 }' |
			tail -n 20 | sort -g | head -n 1 | sed "s/^/$function $name /" >> "$results"
	done
}

for ((round = 1; round <= rounds; round++)); do
	for n in 0 10 1000; do
		if [ $((round % 2)) = 0 ]; then mode continue $n; mode replay $n; else mode replay $n; mode continue $n; fi
	done
	got=$(sql "SELECT count(*) FILTER (WHERE mode = 'continue'), count(*) FILTER (WHERE mode = 'replay') FROM work")
	[ "$got" = "$((inserted / 2))|$((inserted / 2))" ] || die "wrong result: expected $((inserted / 2)) statements of each mode, got $got"
	[ "$(sql 'SELECT count(*) FROM hitl.check()')" = 0 ] || die "hitl.check() has found something"
	plain without without
	plain loaded loaded
	plain after loaded "SELECT FROM hitl.invoke('continue', '{\"n\": 0}')"
	sql "SELECT count(hitl.cancel(thread_id)) FROM hitl.threads WHERE status = 'interrupted'" > /dev/null
	say "round $round ($SECONDS s)"
done

mkdir -p "$build/bench"
cp "$results" "$build/bench/continue_results"
awk '
	function spread(list, decimals,  n, i, j, t, v, form) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
		form = "%." decimals "f"
		middle = v[int((n + 1) / 2)] + 0
		return sprintf(form " / " form " / " form, v[1], v[int((n + 1) / 2)], v[n])
	}
	function line(label, what, how, floor,  i, r, v, text, missed) {
		for (i = 1; i <= count[what " " how]; i++) {
			v = v " " value[what " " how, i]
			r = r " " value[what " " how, i] / value[what " " floor, i]
		}
		text = how == floor ? "" : spread(r, 3)
		missed = what == "tight" && how != floor && middle > 1.03
		printf "%-48s %-28s %s%s\n", label, spread(v, 3), text, missed ? "  MISSED (1.03)" : ""
	}
	{ key = $1 " " $2; value[key, ++count[key]] = $3 }
	END {
		printf "%-48s %-28s %s\n", "min / median / max over the rounds", "ms", "ratio of the same round"
		split("0 10 1000", n, " ")
		for (i = 1; i <= 3; i++) {
			line("pause behind " n[i] " statements, replay", "pause/" n[i], "replay", "replay")
			line("pause behind " n[i] " statements, continue", "pause/" n[i], "continue", "replay")
			line("resume behind " n[i] " statements, replay", "resume/" n[i], "replay", "replay")
			line("resume behind " n[i] " statements, continue", "resume/" n[i], "continue", "replay")
		}
		split("tight calls queries", f, " ")
		for (i = 1; i <= 3; i++) {
			line("no node: " f[i] ", without hitl", f[i], "without", "without")
			line("no node: " f[i] ", hitl preloaded", f[i], "loaded", "without")
			line("no node: " f[i] ", after a node has run", f[i], "after", "without")
		}
	}' "$results" | tee "$build/bench/continue_report"
