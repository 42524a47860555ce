#!/usr/bin/env bash
# test/bench/bench.sh: `make bench`.  What a pause and its resumption cost, as a ratio to the same thing written by hand.
#
# By hand (the floor): one INSERT of interrupt and state; then one transaction, sent in one go, with UPDATE of the
# decision, INSERT of the refund, UPDATE of the state.  By hitl: here and now (invoke, resume) and by the workers
# (start, approve; measured until the last thread has settled).  All with fsync on, in interleaved rounds; after each
# round exactly the expected refunds must be there, none twice, and hitl.check() must have nothing to say.
#
# Then graphs that ask nobody: threads of three nodes per second, and super-steps per second of one long thread, by the
# workers and by run_pending() without them; by hand, a super-step is one commit that writes the same.  Each node must
# have run once.  At last, what the log of a thread with a large state takes: more than three states is a failure.
#
#   ROUNDS=3  THREADS=1600 (per measure and round)  DECISIONS=100 (for the latency)  RATE=50 (decisions per second)
#   LINES=800 (threads of three nodes)  STEPS=500 (of the long thread)
# shellcheck source-path=SCRIPTDIR/.. source=cluster.sh
. "$(dirname "$0")/../cluster.sh"
rounds=${ROUNDS:-3} threads=${THREADS:-1600} decisions=${DECISIONS:-100} rate=${RATE:-50} lines=${LINES:-800} steps=${STEPS:-500}
[ $((threads % 8)) = 0 ] || die "THREADS must be a multiple of 8"
[ $((lines % 4)) = 0 ] || die "LINES must be a multiple of 4"

need_packages run
make_run_folder
build_and_install
cluster_start bench "shared_preload_libraries = 'hitl'" 'shared_buffers = 256MB' 'max_wal_size = 4GB' 'max_connections = 50'
cp "$top"/test/bench/*.sql "$RUN"
results=$RUN/results
by_hand=$((4 * threads))      # it is faster: more of them, to take as long
base=0 paid=0 floor_paid=0 worked=0 floor_worked=0

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

# measure_call NAME CLIENTS COUNT SQL [SQL]: the same of what statements of the owner do, until the last thread has settled.
measure_call() {
	local start end name=$1 clients=$2 count=$3
	shift 3
	start=$(now_us)
	for statement; do PGOPTIONS='-c client_min_messages=warning' sql "$statement" > /dev/null; done
	settled
	end=$(now_us)
	say "$name $clients $((count * 1000000 / (end - start)))" >> "$results"
}

# workers on|off: off is as without preload, but for the shared memory.
workers() {
	if [ "$1" = on ]; then super "ALTER SYSTEM RESET hitl.max_executors"; else super "ALTER SYSTEM SET hitl.max_executors = 0"; fi
	super "SELECT pg_reload_conf()" > /dev/null
	[ "$1" = on ] || super "DO \$\$ BEGIN
	  FOR i IN 1..6000 LOOP
	    EXIT WHEN NOT EXISTS (SELECT FROM hitl.worker_status WHERE process = 'executor' AND pid IS NOT NULL);
	    COMMIT;
	    PERFORM pg_sleep(0.01);
	  END LOOP;
	END \$\$"
}

# Graphs that ask nobody.
run_on() {
	local start_lines="SELECT count(*) FROM unnest(hitl.start_many('line', ARRAY(SELECT '{\"order\": \"A-2\"}'::jsonb FROM generate_series(1, $lines))))"
	local start_loop="SELECT hitl.start('loop', '{\"steps\": $steps}')"
	for clients in 1 4; do
		base=$((base + by_hand))
		measure floor_line floor_line "$clients" "$lines"
	done
	measure_call line_workers 4 "$lines" "$start_lines"
	base=$((base + by_hand))
	sql "INSERT INTO floor_thread VALUES ($base, 'running', 0, '{}'); INSERT INTO floor_task VALUES ($base, 1, 'loop', 'ready'); INSERT INTO floor_queue VALUES ($base, 1)"
	measure floor_loop floor_loop 1 "$steps"
	measure_call loop_workers 1 "$steps" "$start_loop"
	workers off
	measure_call line_here 1 "$lines" "$start_lines" "CALL hitl.run_pending()"
	measure_call loop_here 1 "$steps" "$start_loop" "CALL hitl.run_pending()"
	workers on
	worked=$((worked + 6 * lines + 2 * steps)) floor_worked=$((floor_worked + 6 * lines + steps))
}

# growth NAME GRAPH: what the log of a thread of twenty steps takes, in states, each as it is stored.
growth() {
	local ratio
	sql "SELECT hitl.start('$2', jsonb_build_object('n', 0, 'document', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1600) i)))" > /dev/null
	settled
	super "INSERT INTO public.one_state SELECT graph, hitl.get_state(thread_id) FROM hitl.threads WHERE graph = '$2' AND status = 'done'"
	expect "1|20" "SELECT count(*), min((state->>'n')::int) FROM one_state WHERE graph = '$2'"
	ratio=$(super "SELECT round(sum(pg_column_size(c.delta) + coalesce(pg_column_size(c.patch), 0) + coalesce(pg_column_size(c.snapshot), 0)) / (SELECT pg_column_size(state) FROM one_state WHERE graph = '$2')::numeric, 2)
		FROM hitl.checkpoint c JOIN hitl.threads t USING (thread_id) WHERE t.graph = '$2'")
	say "$1 1 $ratio" >> "$results"
	[ "$(super "SELECT $ratio < 3")" = t ] || die "the log of a thread of $2 takes $ratio of its states"
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
	expect "$worked" "SELECT count(*) FROM work"
	expect "$floor_worked" "SELECT count(*) FROM floor_work"
	expect "0" "SELECT count(*) FROM (SELECT FROM work WHERE node <> 'loop' GROUP BY thread_id, node HAVING count(*) > 1) x"
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
	run_on
	check
	super "ANALYZE"
	say "round $round: exactly $paid refunds, none twice ($SECONDS s)"
done

growth state_small large
growth state_messages chat

mkdir -p "$build/bench"
cp "$results" "$build/bench/results"
awk -f "$top/test/bench/report.awk" "$results" | tee "$build/bench/report"
