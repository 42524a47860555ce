# 022_marks.pl: a node that ends the process that runs it is counted, and quarantined after hitl.max_crashes; all other
# threads go on.  What was only killed along with it, or was asked to end, is not counted.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_server('marks', 'hitl.max_executors = 4', 'hitl.max_crashes = 3');
my $marks = $node->data_dir . '/pg_stat_tmp/hitl_marks';

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub start { return start_thread($node, 'postgres', @_); }
sub status { return sql("SELECT status FROM hitl.threads WHERE thread_id = $_[0]"); }
sub crashes { return sql("SELECT max(crashes) FROM hitl.task WHERE thread_id = $_[0]"); }

# A test: the query becomes true, and if the server has to come back for it.
sub at_last
{
	my ($query, $name) = @_;
	my $is_true;

	for (1 .. 100)
	{
		$is_true = eval { $node->poll_query_until('postgres', "SELECT ($query)") };
		last if defined $is_true;
	}
	return ok($is_true, $name);
}

sub has_ended
{
	my ($thread, $status, $name) = @_;
	return at_last("SELECT status = '$status' FROM hitl.threads WHERE thread_id = $thread", $name);
}

# The process that runs a node of that thread, once one does.
sub runner
{
	my ($thread) = @_;
	poll($node, 'postgres', workers('executor', "thread_id = $thread AND state = 'busy'") . ' = 1', "a node of thread $thread runs");
	return sql("SELECT pid FROM hitl.worker_status WHERE thread_id = $thread");
}

# Returns when the process has heard SIGTERM and goes on with what it does: while it is in the handler, the next one waits.
sub make_hear
{
	my ($pid) = @_;

	for (1 .. 2)
	{
		kill 'TERM', $pid;
		for (1 .. 10000)
		{
			open my $file, '<', "/proc/$pid/status" or return fail("process $pid does not end of SIGTERM");
			my ($waiting) = join('', <$file>) =~ /^ShdPnd:\s*(\S+)/m;

			close $file;
			last unless hex($waiting) & (1 << 14);
		}
	}
	return;
}

# Every process of the server is gone at once, and it comes back.
sub kill_all
{
	my $postmaster = $node->{_pid};

	# so that it does not see the others die
	kill 'STOP', $postmaster;
	kill 'KILL', split ' ', `ps -o pid= --ppid $postmaster`;
	$node->kill9;
	for (1 .. 100)
	{
		# a start that fails finds the dead one's
		undef $node->{_pid};
		last if $node->start(fail_ok => 1);
	}
	return;
}

# The parallel worker that runs a part of a node of that thread's, once one does.
sub parallel_worker
{
	my ($thread) = @_;
	my $of = "FROM pg_stat_activity w JOIN hitl.worker_status s ON s.pid = w.leader_pid
		WHERE w.backend_type = 'parallel worker' AND w.wait_event = 'PgSleep' AND s.thread_id = $thread";

	at_last("SELECT count(*) = 1 $of", "a parallel worker runs for thread $thread");
	return sql("SELECT w.pid $of");
}

# Ways for a node to end its process: by a signal that nobody survives, by the server's own means, by an error that it
# has made fatal, by not letting itself be cancelled.  A table says which of them are mended.
for my $role ('mia', 'bob')
{
	sql("CREATE ROLE $role LOGIN; GRANT pg_execute_server_program TO $role");
	add_graphs($node, 'postgres', $role);
}
my $bodies = q{
	CREATE TABLE mia.mended (node text);
	CREATE FUNCTION mia.killer(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
	BEGIN
		IF EXISTS (SELECT FROM mia.mended WHERE node = 'killer') THEN
			RETURN '{"ok": true}';
		END IF;
		EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', 'kill -ABRT ' || pg_backend_pid());
		PERFORM pg_sleep(600);
	END $f$;
	CREATE FUNCTION mia.endless(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
	BEGIN
		LOOP
			BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END;
		END LOOP;
	END $f$;
	CREATE FUNCTION mia.leaver(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
	BEGIN
		PERFORM pg_terminate_backend(pg_backend_pid());
		PERFORM pg_sleep(600);
	END $f$;
	CREATE FUNCTION mia.fatal(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
	BEGIN
		SET exit_on_error = on;
		RAISE 'no';
	END $f$;
	CREATE FUNCTION mia.parallel(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
	DECLARE seconds float8 := coalesce((state->>'seconds')::float8, 600);
	BEGIN
		IF EXISTS (SELECT FROM mia.mended WHERE node = 'parallel') THEN
			seconds := 0;
		END IF;
		PERFORM set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END, 'on', true);
		PERFORM count(pg_sleep(seconds)) FROM generate_series(1, 1);
		RETURN '{"ok": true}';
	END $f$;
	CREATE FUNCTION mia.deaf(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
	BEGIN
		IF NOT EXISTS (SELECT FROM mia.mended WHERE node = 'deaf') THEN
			COPY (SELECT 1) TO PROGRAM 'sleep 20';
		END IF;
		RETURN '{"ok": true}';
	END $f$;
};
my $graphs = q{
	SELECT hitl.create_graph(n), hitl.add_node(n, n, 'mia.' || n || '(jsonb)'),
		hitl.add_edge(n, 'START', n), hitl.add_edge(n, n, 'END'), hitl.compile(n)
	FROM unnest(array['killer', 'leaver', 'fatal', 'endless', 'parallel', 'deaf']) n;
};
sql("SET ROLE mia; $bodies $graphs");

# --- a node that crashes the server

my $slow_mia = start('mia_slow', '{"seconds": 3}');
my $slow_bob = start('bob_slow', '{"seconds": 3}');
runner($slow_mia);
runner($slow_bob);
my $killer = start('killer');
at_last("SELECT explanation LIKE 'A node of it ended the process that ran it (_ of 3 times); it runs again at %' FROM hitl.why($killer)",
	'while it waits, why() says what happened');
has_ended($killer, 'failed', 'a node that kills the server three times is not run a fourth time');
is(sql("SELECT sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = $killer"),
	'IH008|node "killer" is quarantined|Runs of it that ended the process in their middle: 3.|' .
	"The server's log has the reason. SELECT hitl.retry($killer); runs it again and counts anew.", 'the view failed says why');
is(sql("SELECT string_agg(event || ' ' || actor_kind || coalesce(' ' || (detail->>'crashes'), ''), ', ' ORDER BY audit_id)
	FROM hitl.timeline WHERE thread_id = $killer AND event <> 'started'"),
	'crashed executor 1, crashed executor 2, crashed executor 3, failed executor', 'so does the timeline');
is(sql("SELECT detail ? 'since', (detail->>'since')::timestamptz < at FROM hitl.audit WHERE thread_id = $killer AND event = 'crashed' LIMIT 1"),
	't|t', 'with the time when the run began');
has_ended($slow_mia, 'done', 'a thread of the same owner ends well');
has_ended($slow_bob, 'done', 'and one of another');
is(crashes($slow_mia) . crashes($slow_bob), '00', 'those that were killed along with it are not to blame');
is(count_log($node, 'terminated by signal 6', 0), 3, 'the server crashed three times');

# --- mended, it is run again

sql("INSERT INTO mia.mended VALUES ('killer')");
is(sql("SELECT hitl.retry($killer)"), 1, 'retry() takes it out of quarantine');
has_ended($killer, 'done', 'mended: it ends well');
is(crashes($killer), 0, 'it was counted anew');

# --- in a subgraph

sql('DELETE FROM mia.mended');
sql(q{SET ROLE mia; SELECT hitl.define('{"graph": "above", "nodes": {"below": {"subgraph": "killer"}}, "edges": [["START", "below"], ["below", "END"]]}')});
my $above = start('above');
at_last("SELECT count(*) = 1 FROM hitl.failed WHERE root_id = $above AND depth = 1 AND sqlstate = 'IH008'", 'a node of a subgraph is quarantined');
is(wait_thread($node, 'postgres', $above), 'failed', 'the tree has failed');
sql("INSERT INTO mia.mended VALUES ('killer')");
is(sql("SELECT hitl.retry($above)"), 1, 'retry() of the root takes it out of quarantine');
has_ended($above, 'done', 'mended: the whole ends well');
is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');

# --- a node that crashes the server from a parallel worker

my $parallel = start('parallel');
my $beside = start('parallel', '{"seconds": 3}');
$slow_mia = start('mia_slow', '{"seconds": 3}');
parallel_worker($beside);
runner($slow_mia);
for my $time (1 .. 3)
{
	kill 'KILL', parallel_worker($parallel);
	at_last("SELECT max(crashes) = $time FROM hitl.task WHERE thread_id = $parallel", "a parallel worker crashes the server: counted $time");
}
has_ended($parallel, 'failed', 'then it is quarantined');
is(sql("SELECT sqlstate FROM hitl.failed WHERE thread_id = $parallel"), 'IH008', 'for that reason');
has_ended($_, 'done', 'another thread ends well') for $beside, $slow_mia;
is(crashes($beside) . crashes($slow_mia), '00', 'neither the parallel worker of another node is to blame, nor a node');
sql("INSERT INTO mia.mended VALUES ('parallel')");
is(sql("SELECT hitl.retry($parallel)"), 1, 'retry() takes it out of quarantine');
has_ended($parallel, 'done', 'mended: it ends well');

# --- nodes that end their own process only

my $place = log_since($node);
my $leaver = start('leaver');
my $fatal = start('fatal');
my @others = map { start('mia_quick') } 1 .. 5;
is(wait_thread($node, 'postgres', $_), 'done', 'other threads of the owner go on') for @others;
has_ended($leaver, 'failed', 'a node that terminates its own process is quarantined');
has_ended($fatal, 'failed', 'and one that makes its error a fatal one');
is(sql("SELECT string_agg(sqlstate, ' ') FROM hitl.failed WHERE thread_id IN ($leaver, $fatal)"), 'IH008 IH008', 'for that reason');
is(count_log($node, 'terminated by signal', $place), 0, 'without a crash of the server');

# a node that runs too long and does not let itself be cancelled costs its executor as well
sql("ALTER SYSTEM SET hitl.node_timeout = '100ms'; ALTER SYSTEM SET hitl.max_crashes = 1; SELECT pg_reload_conf()");
my $endless = start('endless');
has_ended($endless, 'failed', 'a node that cannot be cancelled is quarantined');
is(sql("SELECT sqlstate FROM hitl.failed WHERE thread_id = $endless"), 'IH008', 'for that reason');
sql('ALTER SYSTEM RESET ALL; SELECT pg_reload_conf()');

# --- an executor that is killed: the one is counted, its neighbour is not

my ($one, $two) = (start('mia_slow', '{"seconds": 2}'), start('bob_slow', '{"seconds": 2}'));
my ($first, $second) = (runner($one), runner($two));
kill 'KILL', $first;
has_ended($one, 'done', 'kill -9: the thread ends well');
has_ended($two, 'done', 'the other one too');
is(crashes($one) . ' ' . crashes($two), '1 0', 'it is counted for the one that ran there');
is(sql("SELECT count(*) FROM public.log WHERE what = 'slow' AND who = 'mia'"), 3, 'effects once: of this and of the two threads before');

# --- who was asked to end is not to blame

my $slow = start('mia_slow', '{"seconds": 1}');
runner($slow);
$node->stop('immediate');
$node->start;
has_ended($slow, 'done', 'immediate shutdown: the thread ends well');
is(crashes($slow), 0, 'and is not counted: it was asked to end');

$slow = start('mia_slow', '{"seconds": 1}');
runner($slow);
$node->restart;
has_ended($slow, 'done', 'fast shutdown: the thread ends well');
is(crashes($slow), 0, 'and is not counted');

$slow = start('mia_slow', '{"seconds": 1}');
sql('SELECT pg_terminate_backend(' . runner($slow) . ')');
has_ended($slow, 'done', 'pg_terminate_backend(): the thread ends well');
is(crashes($slow), 0, 'and is not counted');

# asked to end, it is in a call that does not hear it, and is killed: as at a stop of the machine
my $deaf = start('deaf');
my $pid = runner($deaf);
make_hear($pid);
sql("INSERT INTO mia.mended VALUES ('deaf')");
is(kill('KILL', $pid), 1, 'it does not end of SIGTERM, and is killed');
has_ended($deaf, 'done', 'the thread ends well');
is(crashes($deaf), 0, 'and is not counted');

# killed with the whole server, as when a container is killed or a machine is reset
sql('DELETE FROM mia.mended');
$slow = start('mia_slow', '{"seconds": 3}');
$beside = start('parallel', '{"seconds": 3}');
parallel_worker($beside);
runner($slow);
kill_all();
has_ended($_, 'done', 'all processes killed at once: the thread ends well') for $slow, $beside;
is(crashes($slow) . crashes($beside), '00', 'and is not counted');

sql('CREATE DATABASE other');
add_graphs($node, 'other', 'mia');
my $held = start_thread($node, 'other', 'mia_slow', '{"seconds": 1}');
poll($node, 'postgres', workers('executor', "database = 'other' AND state = 'busy'") . ' = 1', 'a node runs in another database');
sql('ALTER DATABASE other RENAME TO another');
is(wait_thread($node, 'another', $held), 'done', 'made to leave by ALTER DATABASE: the thread ends well');
is($node->safe_psql('another', "SELECT max(crashes) FROM hitl.task WHERE thread_id = $held"), 0, 'and is not counted');

# --- the file

# restart_after_crash is off: the server ends by itself.  Asked to before it has noticed, it would not know of a crash.
sub stop_by_crash
{
	my ($thread) = @_;

	kill_process(runner($thread));
	$node->stop('fast', fail_ok => 1);
	return;
}

$node->append_conf('postgresql.conf', 'restart_after_crash = off');
$node->reload;
$place = log_since($node);
$slow = start('mia_slow', '{"seconds": 1}');
stop_by_crash($slow);
$node->start;
has_ended($slow, 'done', 'the server stayed down: the thread ends well');
is(crashes($slow), 1, 'and it is counted after the next start');

for my $fault (
	[ 'garbled', sub { open my $file, '+<', $marks or die; print $file 'x' x 4096; close $file } ],
	[ 'cut short', sub { truncate $marks, 100 or die } ],
	[ 'of somebody else', sub { open my $file, '>', $marks or die; print $file "my notes\n"; close $file } ],
	[ 'gone', sub { unlink $marks or die } ])
{
	my ($name, $break) = @$fault;

	$slow = start('mia_slow', '{"seconds": 1}');
	stop_by_crash($slow);
	$break->();
	$node->start;
	has_ended($slow, 'done', "the file is $name: the thread ends well");
	is(crashes($slow), 0, 'what it said is lost');
	is(-s $marks > 4096, 1, 'it is made anew');
}
is(count_log($node, 'hitl_marks" is not a whole file of marks and is made anew', $place), 3, 'the log says so, once for each');

# while the server runs, too
unlink $marks or die;
$slow = start('mia_slow', '{"seconds": 0}');
is(wait_thread($node, 'postgres', $slow), 'done', 'deleted while the server runs: no harm');
is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');

# --- without workers

$node->stop;
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\nrestart_after_crash = on");
$node->start;
sql(q{DELETE FROM mia.mended;
	SET ROLE mia;
	SELECT hitl.define('{"graph": "two", "nodes": {"quick": "mia.quick(jsonb)", "killer": "mia.killer(jsonb)"},
		"edges": [["START", "quick"], ["quick", "killer"], ["killer", "END"]]}')});

sub mia { return $node->psql('postgres', $_[0], extra_params => [ '-U', 'mia' ]); }

# It crashes the server; who comes next does not wait for the delay.
sub crashes_in
{
	my ($statement, $name) = @_;
	my $checkpointer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
	my $before = sql($checkpointer);

	isnt(mia($statement), 0, $name);
	# not the one from before the crash, which the postmaster may not have seen yet
	at_last("($checkpointer) <> $before", 'the server is there');
	sql('UPDATE hitl.run_queue SET due_at = now()');
	return;
}

$killer = start('killer');
my $quick = start('mia_quick');
crashes_in('CALL hitl.run_pending()', 'no workers: a node crashes the server in run_pending()');
is(crashes($killer), 0, 'nobody has looked yet');
is(mia('CALL hitl.run_pending()'), 0, 'the next run_pending() passes it over');
is(crashes($killer), 1, 'and has counted it');
is(status($quick), 'done', 'another thread goes on');
for my $time (2 .. 3)
{
	sql('UPDATE hitl.run_queue SET due_at = now()');
	crashes_in('CALL hitl.run_pending()', 'once more');
	is(mia('CALL hitl.run_pending()'), 0, 'and passed over');
	is(crashes($killer), $time, 'and counted');
}
is(status($killer), 'failed', 'then it is quarantined');

# in the caller's transaction: what was counted there and rolled back is counted by the next
my $both = start('two');
crashes_in('BEGIN; CALL hitl.run_pending(); COMMIT', 'a whole thread in one transaction crashes the server');
is(mia('BEGIN; CALL hitl.run_pending(); ROLLBACK'), 0, 'counted, and rolled back');
is(crashes($both), 0, 'nothing is counted');
is(mia('CALL hitl.run_pending()'), 0, 'the next one counts it again');
is(sql("SELECT node, crashes FROM hitl.task WHERE thread_id = $both"), 'quick|1', 'for the first node: the one that crashed was never there');
for my $time (2 .. 3)
{
	sql('UPDATE hitl.run_queue SET due_at = now()');
	crashes_in('BEGIN; CALL hitl.run_pending(); COMMIT', 'once more');
	is(mia('CALL hitl.run_pending()'), 0, 'and passed over');
}
is(status($both), 'failed', 'this one does not go on for ever either');

# a resume() that crashes takes the answer with it: nobody runs it again, and the question is open
sql(q{SET ROLE mia;
	CREATE FUNCTION mia.asker(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
	BEGIN
		PERFORM hitl.interrupt('{"action": "kill"}');
		RETURN mia.killer(state);
	END $f$;
	SELECT hitl.define('{"graph": "asker", "nodes": {"asker": "mia.asker(jsonb)"}, "edges": [["START", "asker"], ["asker", "END"]]}')});
my $asker = start('asker');
is(mia('CALL hitl.run_pending()'), 0, 'a node asks');
crashes_in("SELECT hitl.resume($asker, '{\"type\": \"approve\"}')", 'the answer makes it crash the server');
is(mia('CALL hitl.run_pending()'), 0, 'and is gone');
is(status($asker) . ' ' . crashes($asker), 'interrupted 0', 'the question is open, nothing is counted');

# an answer that is committed first is another matter
sql("SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $asker");
for my $time (1 .. 3)
{
	crashes_in('CALL hitl.run_pending()', 'run with an answer that stays');
	is(mia('CALL hitl.run_pending()'), 0, 'and passed over');
	is(crashes($asker), $time, 'and counted');
	sql('UPDATE hitl.run_queue SET due_at = now()');
}
is(status($asker), 'failed', 'then it is quarantined');
is(sql("SELECT count(*) FROM hitl.decided WHERE thread_id = $asker"), 1, 'with its answer kept');
is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');

done_testing();
