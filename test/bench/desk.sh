#!/usr/bin/env bash
# test/bench/desk.sh, of `make bench`: does the desk stay as fast when a million questions wait?
#
# The same with 1000 and with MANY pending interrupts, in two databases of one server, in turns: the first page of a
# reviewer's inbox (and of a superuser's), one claim_next, one approve, one tick with 1000 due.  Reported in ms (medians
# of the rounds), and as the ratio of the two; more than 1.5 is said to be missed.  MANY is measured twice: while the
# planner still believes in 1000 (stale), and once the tables are analyzed.  fsync is off: only our own work counts.
#
#   MANY=1000000 (pending)  CALLS=200 (per measure and round)  ROUNDS=5
# shellcheck source-path=SCRIPTDIR/.. source=cluster.sh
. "$(dirname "$0")/../cluster.sh"
many=${MANY:-1000000} calls=${CALLS:-200} rounds=${ROUNDS:-5}

need_packages run
make_run_folder
build_and_install
cluster_start desk "shared_preload_libraries = 'hitl'" 'shared_buffers = 512MB' 'max_wal_size = 8GB' 'fsync = off' \
	'autovacuum = off' 'hitl.max_executors = 0' 'hitl.notify = off' 'max_parallel_workers_per_gather = 0'
cp "$top"/test/bench/desk_*.sql "$RUN"
results=$RUN/results

super() { psql -XqAtv ON_ERROR_STOP=1 -d "$1" -c "$2"; }

# measure LABEL DATABASE SCRIPT USER [SUFFIX]: the average latency in ms of a script's calls.
measure() {
	as_user pgbench -n -M prepared -f "$RUN/desk_$3.sql" -c 1 -t "$calls" -D i="$(super "$2" 'SELECT min(interrupt_id) - 1 FROM hitl.audience')" \
		-U "$4" "$2" > "$RUN/pgbench.out" 2>&1 || { cat "$RUN/pgbench.out" >&2; die "$3 failed"; }
	grep -q "processed: $calls/$calls" "$RUN/pgbench.out" || { cat "$RUN/pgbench.out" >&2; die "$3 did not do $calls calls"; }
	say "$1 $3${5:-} $(sed -n 's/^latency average = \([0-9.]*\) ms.*/\1/p' "$RUN/pgbench.out")" >> "$results"
}

# tick LABEL DATABASE: one call that fires a thousand deadlines, which are due by its own clock and not by the dispatcher's.
tick() {
	local fired
	super "$2" "SELECT bench.make_due(1000)" > /dev/null
	psql -XqAt -d "$2" -c "SET hitl.clock_offset = '2 h'" -c '\timing on' -c 'SELECT hitl.tick()' > "$RUN/tick.out"
	fired=$(head -n 1 "$RUN/tick.out")
	[ "$fired" = 1000 ] || die "tick fired $fired of 1000"
	say "$1 tick $(sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' "$RUN/tick.out")" >> "$results"
}

# once LABEL DATABASE: everything once.
once() {
	measure "$1" "$2" inbox reviewer
	measure "$1" "$2" inbox postgres _super
	measure "$1" "$2" claim reviewer
	tick "$1" "$2"
	measure "$1" "$2" approve reviewer
}

# what was used up is put back, so that as many wait as it says
fill() { super "$1" "SELECT bench.fill_up_to($2)" > /dev/null; }

psql -Xqv ON_ERROR_STOP=1 -f "$RUN/desk_roles.sql" > /dev/null
for database in few many; do
	psql -Xqc "CREATE DATABASE $database"
	psql -Xqv ON_ERROR_STOP=1 -d "$database" -f "$RUN/desk_schema.sql" > /dev/null
	fill "$database" 1000
	super "$database" 'VACUUM ANALYZE'
done
fill many "$many"
say "$many pending ($SECONDS s)"
for ((n = 0; n < rounds; n++)); do
	fill few 1000
	once few few
	once stale many
done
fill many "$many"
super many 'VACUUM ANALYZE'
say "analyzed ($SECONDS s)"
for ((n = 0; n < rounds; n++)); do
	fill few 1000
	once few few
	once many many
done

mkdir -p "$build/bench"
cp "$results" "$build/bench/desk_results"
awk '
	function median(name,  n, i, j, t, v) {
		n = split(values[name], v, " ")
		for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] + 0 > v[j] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
		return v[int((n + 1) / 2)] + 0
	}
	{ values[$1 " " $2] = values[$1 " " $2] " " $3; if (!($2 in seen)) { seen[$2] = 1; names[++n_names] = $2 } }
	END {
		printf "%-14s %10s %10s %10s %8s %8s\n", "", "1000 (ms)", "many (ms)", "stale (ms)", "ratio", "stale"
		for (i = 1; i <= n_names; i++) {
			few = median("few " names[i]); many = median("many " names[i]); stale = median("stale " names[i])
			printf "%-14s %10.3f %10.3f %10.3f %8.2f %8.2f%s\n", names[i], few, many, stale, many / few, stale / few, (many / few > 1.5 ? "  MISSED (1.5)" : "")
		}
	}' "$results" | tee "$build/bench/desk_report"
