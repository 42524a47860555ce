#!/usr/bin/env bash
# test/bench/bench.sh: `make bench`.  What a pause and its resumption cost, as a ratio to the same thing written by hand.
#
# By hand (the floor): one INSERT of interrupt and state; then one transaction, sent in one go, with UPDATE of the
# decision, INSERT of the refund, UPDATE of the state.  By hitl: here and now (invoke, resume) and by the workers
# (start, approve; measured until the last thread has settled).  All with fsync on, in interleaved rounds; after each
# round exactly the expected refunds must be there, none twice, and hitl.check() must have nothing to say.
#
#   ROUNDS=3  THREADS=1600 (per measure and round)  DECISIONS=100 (for the latency)  RATE=50 (decisions per second)
# shellcheck source-path=SCRIPTDIR/.. source=cluster.sh
. "$(dirname "$0")/../cluster.sh"
rounds=${ROUNDS:-3} threads=${THREADS:-1600} decisions=${DECISIONS:-100} rate=${RATE:-50}
[ $((threads % 8)) = 0 ] || die "THREADS must be a multiple of 8"

need_packages run
make_run_folder
build_and_install
cluster_start bench "shared_preload_libraries = 'hitl'" 'shared_buffers = 256MB' 'max_wal_size = 4GB' 'max_connections = 50'
cp "$top"/test/bench/*.sql "$RUN"
results=$RUN/results
by_hand=$((4 * threads))      # it is faster: more of them, to take as long
base=0 paid=0 floor_paid=0

sql() { psql -XqAtv ON_ERROR_STOP=1 -d bench -U bench -c "$1"; }
super() { psql -XqAtv ON_ERROR_STOP=1 -d bench -c "$1"; }
now_us() { echo $(($(date +%s%N) / 1000)); }

# run SCRIPT CLIENTS COUNT [OPTION...]: COUNT transactions of the script, shared out among the clients.
run() {
	local script=$1 clients=$2 count=$3
	shift 3
	as_user pgbench -n -M prepared -f "$RUN/$script.sql" -c "$clients" -j "$(nproc)" -t $((count / clients)) \
		-D i=0 -D base="$base" -D share=$((count / clients)) "$@" -U bench bench > "$RUN/pgbench.out" 2>&1 \
		|| { cat "$RUN/pgbench.out" >&2; die "$script failed"; }
	grep -q "processed: $count/$count" "$RUN/pgbench.out" || { cat "$RUN/pgbench.out" >&2; die "$script did not do $count transactions"; }
}

# settled: returns when no thread has anything left to run.
settled() {
	super "DO \$\$ BEGIN
	  FOR i IN 1..60000 LOOP
	    EXIT WHEN NOT EXISTS (SELECT FROM hitl.run_queue);
	    COMMIT;
	    PERFORM pg_sleep(0.002);
	  END LOOP;
	  IF EXISTS (SELECT FROM hitl.run_queue) THEN RAISE EXCEPTION 'the queue does not drain'; END IF;
	END \$\$"
}

# measure NAME SCRIPT CLIENTS COUNT: a rate, once the clients are connected.
measure() {
	run "$2" "$3" "$4"
	say "$1 $3 $(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$RUN/pgbench.out")" >> "$results"
}

# measure_settled: the same, until the last thread has settled.
measure_settled() {
	local start end
	start=$(now_us)
	run "$2" "$3" "$4"
	settled
	end=$(now_us)
	say "$1 $3 $(($4 * 1000000 / (end - start)))" >> "$results"
}

# latency NAME SCRIPT: p50 and p99, in microseconds, of one client that decides now and then (without its time in line).
latency() {
	rm -f "$RUN"/log.*
	(cd "$RUN" && run "$2" 1 "$decisions" -R "$rate" -l --log-prefix="$RUN/log")
	cat "$RUN"/log.* | awk '{ print $3 - $7 }' | sort -n | awk -v name="$1" '
		{ v[NR] = $1 }
		END { print name "_p50", 1, v[int((NR + 1) * 0.5)]; print name "_p99", 1, v[int(NR * 0.99 + 0.5)] }' >> "$results"
}

# todo: numbers what waits for a decision; the expected number of them is a check of its own.
todo() {
	sql "TRUNCATE todo; INSERT INTO todo SELECT row_number() OVER (ORDER BY interrupt_id), interrupt_id, thread_id FROM hitl.pending"
	expect "$1" "SELECT count(*) FROM todo"
	super "ANALYZE"
}

expect() {
	local got
	got=$(super "$2")
	[ "$got" = "$1" ] || die "wrong result: expected $1, got $got from: $2"
}

check() {
	expect "$paid|$paid" "SELECT count(*), count(DISTINCT thread_id) FROM refunds"
	expect "$floor_paid|$floor_paid" "SELECT count(*), count(DISTINCT id) FROM floor_refunds"
	expect 0 "SELECT count(*) FROM hitl.pending"
	expect 0 "SELECT count(*) FROM hitl.threads WHERE status <> 'done'"
	expect 0 "SELECT count(*) FROM hitl.check()"
}

say "PostgreSQL $(pg --version | sed 's/^PostgreSQL //'), $(nproc) cores, $threads threads per measure, $rounds rounds, data on $(df --output=fstype "$RUN" | tail -n 1)"
psql -Xq -f "$RUN/schema.sql" > /dev/null
super "ANALYZE"
for ((round = 1; round <= rounds; round++)); do
	for clients in 1 8; do
		measure floor_open floor_open "$clients" "$by_hand"
		measure open_here open_invoke "$clients" "$threads"
		todo "$threads"
		measure floor_resume floor_resume "$clients" "$by_hand"
		measure resume_here resume_here "$clients" "$threads"
		measure_settled open_workers open_start "$clients" "$threads"
		todo "$threads"
		measure_settled resume_workers resume_approve "$clients" "$threads"
		base=$((base + by_hand)) paid=$((paid + 2 * threads)) floor_paid=$((floor_paid + by_hand))
	done
	run floor_open 1 "$decisions"
	latency floor_latency floor_resume
	for way in here workers; do
		sql "SELECT count(hitl.invoke('refund', '{\"amount\": 4200, \"refund_args\": {\"order\": \"A-2\", \"amount\": 4200}}')) FROM generate_series(1, $decisions)" > /dev/null
		todo "$decisions"
		if [ $way = here ]; then latency latency_here resume_here; else latency latency_workers latency_workers; settled; fi
	done
	base=$((base + decisions)) paid=$((paid + 2 * decisions)) floor_paid=$((floor_paid + decisions))
	check
	super "ANALYZE"
	say "round $round: exactly $paid refunds, none twice ($SECONDS s)"
done

mkdir -p "$build/bench"
cp "$results" "$build/bench/results"
awk -f "$top/test/bench/report.awk" "$results" | tee "$build/bench/report"
