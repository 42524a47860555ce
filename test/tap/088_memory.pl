# 088_memory.pl: continue mode does not leak: what a session holds after many pauses and resumes is what it held after the
# first hundreds.  The node asks in a function that it calls, in loops over a query, over EXECUTE and over an array, and in a
# handler; fifty times a thread.  A hundred thousand times with FULL=1, else two thousand.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

my $pauses = $ENV{FULL} ? 100_000 : 2_000;
my $rounds = 10;
my $threads = $pauses / 50 / $rounds;
my $node = start_server('memory', 'hitl.max_executors = 0', 'max_wal_size = 4GB', 'log_statement = none');

$node->safe_psql('postgres', q{
	CREATE EXTENSION hitl;
	CREATE FUNCTION child(n int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		d jsonb;
		t int := 0;
	BEGIN
		FOR i IN 1..n LOOP
			d := hitl.interrupt(to_jsonb(i));
			t := t + i;
		END LOOP;
		RETURN t;
	END $$;
	CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		r record;
		sum int;
		sums int[];
		x int;
	BEGIN
		FOR r IN SELECT g, 'row ' || g AS name FROM generate_series(1, 10) g LOOP
			sum := child(3);
			sums[r.g] := sum;
			FOR x IN EXECUTE 'SELECT y FROM generate_series(1, $1) y' USING 1 LOOP
				BEGIN
					PERFORM 1 / 0;
				EXCEPTION WHEN division_by_zero THEN
					PERFORM hitl.interrupt(to_jsonb(x));
				END;
			END LOOP;
			FOREACH x IN ARRAY sums LOOP
				PERFORM hitl.interrupt(to_jsonb(r.name));
				EXIT;
			END LOOP;
		END LOOP;
		RETURN jsonb_build_object('sums', sums);
	END $$;
	SELECT hitl.create_graph('g'), hitl.add_node('g', 'n', 'asks', suspend => 'continue'), hitl.add_edge('g', 'START', 'n'), hitl.add_edge('g', 'n', 'END');
	SELECT hitl.compile('g');
	CREATE PROCEDURE go_through(threads int) LANGUAGE plpgsql AS $$
	DECLARE d jsonb;
	BEGIN
		FOR i IN 1..threads LOOP
			-- what is known of functions is found anew
			CREATE OR REPLACE FUNCTION other() RETURNS int LANGUAGE sql AS 'SELECT 1';
			d := hitl.invoke('g');
			COMMIT;
			WHILE d->>'status' = 'interrupted' LOOP
				d := hitl.resume((d->>'thread_id')::bigint, '{"type": "approve"}');
				COMMIT;
			END LOOP;
		END LOOP;
	END $$});

# used, allocated and the number of contexts; the process's own memory, in kB
my $look = q{SELECT round(sum(used_bytes) / 1024), round(sum(total_bytes) / 1024), count(*), substring(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'RssAnon:\s+(\d+)') FROM pg_backend_memory_contexts;};
my $script = join("\n", map { "CALL go_through($threads); VACUUM ANALYZE; $look" } 1 .. $rounds);
my @looks = map { [ split(/\|/) ] } split(/\n/, $node->safe_psql('postgres', $script));
my ($warm, $end) = ($looks[1], $looks[-1]);

is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT state->>'sums') FROM hitl.threads t, hitl.get_state(t.thread_id) state WHERE status = 'done' AND state->>'sums' = '[6, 6, 6, 6, 6, 6, 6, 6, 6, 6]'}),
	$threads * $rounds . '|1', 'all threads are done, and right');
is($node->safe_psql('postgres', 'SELECT count(*) FROM hitl.interrupt'), $pauses, "$pauses pauses");
cmp_ok($end->[0] - $warm->[0], '<', 100, 'no more memory is used than after the first tenths');
cmp_ok($end->[1] - $warm->[1], '<', 500, 'nor allocated');
cmp_ok($end->[2] - $warm->[2], '<', 10, 'in no more contexts');
SKIP:
{
	skip('no /proc here', 1) unless defined $end->[3];
	cmp_ok($end->[3] - $warm->[3], '<', 2000, 'nor does the process grow');
}
note(join("\n", map { join(' ', @$_) } @looks));
is($node->safe_psql('postgres', 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
$node->stop;
done_testing();
