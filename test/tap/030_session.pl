# 030_session.pl: what a role or a node does to its session does not reach the bookkeeping, nor the next node of the
# same executor.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

# one place: the next task is run by the same session, if the role is the same
my $node = start_server('session', 'hitl.max_executors = 1', "hitl.executor_idle_timeout = '1h'");

# A role with settings of its own, and its graph "<role>": the node runs the statement that the state gives it.  With
# "ask" it asks first.  What it notes says by whom and where it ran.
sub add_role
{
	my ($role, @settings) = @_;

	$node->safe_psql('postgres', join("\n", qq{
		CREATE ROLE $role LOGIN;
		SELECT hitl.grant_author('$role');
		CREATE SCHEMA $role AUTHORIZATION $role;
		SET ROLE $role;
		SET search_path = $role, public;
		CREATE TABLE note (thread_id bigint, pid int DEFAULT pg_backend_pid(), said text);
		CREATE FUNCTION run(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			said text;
		BEGIN
			IF state ? 'ask' THEN
				PERFORM hitl.interrupt('{"action": "go on"}');
			END IF;
			IF state->>'run' LIKE 'SELECT%' THEN
				EXECUTE state->>'run' INTO said;
			ELSE
				EXECUTE state->>'run';
			END IF;
			IF state ? 'quiet' THEN
				RETURN jsonb_build_object('said', said, 'pid', pg_backend_pid());
			END IF;
			INSERT INTO note VALUES (hitl.current_thread(), DEFAULT, said);
			RETURN jsonb_build_object('said', said, 'pid', pg_backend_pid());
		END \$\$;
		SELECT hitl.create_graph('$role'), hitl.add_node('$role', 'run', 'run'), hitl.add_edge('$role', 'START', 'run'),
			hitl.add_edge('$role', 'run', 'END'), hitl.compile('$role');
		RESET ROLE;
	}, map { "ALTER ROLE $role SET $_;" } @settings));
	return;
}

# Starts a thread of a role's graph; further arguments are keys of its state.
sub start
{
	my ($role, $run, @keys) = @_;
	my $keys = join('', map { qq( || '{"$_": true}') } @keys);

	return $node->safe_psql('postgres', "SELECT hitl.start('$role', jsonb_build_object('run', \$x\$$run\$x\$)$keys)");
}

# Runs a statement as a node; returns status and what it said, or how it failed.
sub run
{
	my ($role, $run, @keys) = @_;
	my $thread = start($role, $run, @keys);
	my $status = wait_thread($node, 'postgres', $thread);

	if ($status eq 'interrupted')
	{
		$node->safe_psql('postgres', "SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $thread");
		$status = 'asked, ' . wait_thread($node, 'postgres', $thread);
	}
	return "$status: " . $node->safe_psql('postgres', $status =~ /failed/ ?
		"SELECT sqlstate FROM hitl.failed WHERE thread_id = $thread" : "SELECT hitl.get_state($thread)->>'said'");
}

sub state_of { return $node->safe_psql('postgres', "SELECT hitl.get_state($_[0])->>'$_[1]'"); }

$node->safe_psql('postgres', 'CREATE EXTENSION hitl');

# --- a role's own defaults: for the node at most, never for the books

my @settings = (
	"default_transaction_isolation = 'serializable'", 'default_transaction_deferrable = on', "lock_timeout = '1ms'",
	"statement_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'", "idle_session_timeout = '1ms'",
	'session_replication_role = replica', 'row_security = off', 'search_path = evil, pg_catalog, public',
	'transform_null_equals = on', 'array_nulls = off', 'standard_conforming_strings = off', 'quote_all_identifiers = on',
	"bytea_output = 'escape'", "DateStyle = 'SQL, DMY'", "TimeZone = 'Asia/Kathmandu'", "IntervalStyle = 'sql_standard'",
	'extra_float_digits = -15', "client_encoding = 'LATIN1'", "client_min_messages = 'error'", "synchronous_commit = 'off'",
	'plan_cache_mode = force_custom_plan', 'enable_indexscan = off', 'enable_seqscan = off', "work_mem = '64kB'",
	"default_tablespace = 'nowhere'", "temp_tablespaces = 'nowhere'", 'check_function_bodies = off',
	"application_name = 'me'", "default_table_access_method = 'heap'", 'gin_pending_list_limit = 64',
	$node->pg_version < 16 ? 'force_parallel_mode = on' : 'debug_parallel_query = on', 'parallel_setup_cost = 0',
	'parallel_tuple_cost = 0', 'min_parallel_table_scan_size = 0');
$node->safe_psql('postgres', q{
	CREATE SCHEMA evil;
	GRANT USAGE ON SCHEMA evil TO public;
	CREATE FUNCTION evil.equal(bigint, bigint) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE ''an operator of mine''; END';
	CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.equal);
	CREATE FUNCTION evil.nextval(regclass) RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RAISE ''a function of mine''; END';
	CREATE FUNCTION evil.count() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RAISE ''a function of mine''; END'});
add_role('odd', @settings);
is(run('odd', 'SELECT current_user'), 'done: odd', 'with hostile defaults a node runs');
is(run('odd', 'SELECT session_user', 'ask'), 'asked, done: odd', 'asks, and is run on');
is(run('odd', q(SELECT current_setting('transaction_isolation'))), 'done: read committed', 'always at READ COMMITTED');
is(run('odd', q(SELECT concat_ws(' ', current_setting('lock_timeout'), current_setting('session_replication_role'),
		current_setting('row_security'), current_setting('TimeZone')))),
	'done: 1ms replica off Asia/Kathmandu', 'the other settings are there in the node');
is(run('odd', q(SELECT current_setting('search_path'))), 'done: odd, public, pg_temp', 'its search_path is that of the graph');
is(run('odd', q(SELECT current_setting('synchronous_commit'))), 'done: on', 'what is acknowledged is on disk');
is(run('odd', q(SELECT (pg_sleep(0.05), 1)::text)), 'done: ("",1)', 'a timeout for statements is none for nodes');
is(run('odd', q(SELECT 1 / 0)), 'failed: 22012', 'an error is recorded');
is(run('odd', q(DO $$ BEGIN RAISE 'Пётр' USING ERRCODE = 'XX123'; END $$)), 'failed: XX123', 'also one that its client could not be told');
is($node->safe_psql('postgres', "SELECT message FROM hitl.failed WHERE sqlstate = 'XX123'"), 'Пётр', 'word for word');

# a lock that the books wait for longer than lock_timeout: the tail of a node that has run
my $holder = $node->background_psql('postgres');
my $thread = start('odd', 'SELECT pg_sleep(3)', 'quiet');
# nobody waits for the books of a node that does not run yet
poll($node, 'postgres', workers('executor', "thread_id = $thread AND state = 'busy'") . ' = 1', 'a node runs');
$holder->query_safe("BEGIN; SELECT hitl.cancel($thread)");
poll($node, 'postgres', "EXISTS (SELECT FROM pg_locks l JOIN hitl.worker_status w ON w.pid = l.pid WHERE NOT l.granted AND w.thread_id = $thread)",
	'the books wait for a lock');
$holder->query_safe('ROLLBACK');
$holder->quit;
is(wait_thread($node, 'postgres', $thread), 'done', 'longer than the role would');

add_role('reader', 'default_transaction_read_only = on');
is(run('reader', q(SELECT current_setting('transaction_read_only')), 'quiet'), 'done: on', 'a role that may only read reads');
is(run('reader', 'SELECT 1', 'quiet', 'ask'), 'asked, done: 1', 'and asks');
is(run('reader', 'SELECT 1'), 'failed: 25006', 'its node may not write; that is recorded');

add_role('other');
add_role('changing', 'role = other');
$node->safe_psql('postgres', 'GRANT other TO changing');
is(run('changing', 'SELECT current_user || session_user'), 'done: changingchanging', 'a role that becomes another at login: not in a node');
is(run('changing', 'CREATE TEMP TABLE x (i int)'), 'done: ', 'which runs plainly, as everywhere');

add_role('exiting', 'exit_on_error = on');
is(run('exiting', 'SELECT 1 / 0'), 'failed: 22012', 'a role that exits on errors: they are recorded all the same');
is(run('exiting', 'SELECT 1', 'ask'), 'asked, done: 1', 'and it can ask');
$node->safe_psql('postgres', "SELECT hitl.cancel(thread_id) FROM hitl.threads WHERE graph = 'exiting' AND status = 'running'");

# --- what a node leaves behind in its session

add_role('mia');
$node->safe_psql('postgres', 'GRANT other TO mia');
sub tidy
{
	my ($what, $leave, $look, $expected) = @_;
	my $left = start('mia', $leave, 'quiet');

	is(wait_thread($node, 'postgres', $left), 'done', "a node leaves $what");
	my $next = start('mia', $look);
	is(wait_thread($node, 'postgres', $next), 'done', 'the next one runs');
	is(state_of($next, 'said'), $expected, 'and finds nothing of it');
	is(state_of($next, 'pid'), state_of($left, 'pid'), 'in the same session');
	return;
}
tidy('settings', q(DO $$ BEGIN SET search_path = evil; SET lock_timeout = 1; SET LOCAL work_mem = 64; SET DateStyle = 'SQL';
		SET default_transaction_read_only = on; SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE; END $$),
	q(SELECT concat_ws(' ', current_setting('search_path'), current_setting('lock_timeout'), current_setting('work_mem'),
		current_setting('DateStyle'), current_setting('transaction_read_only'), current_setting('default_transaction_isolation'))),
	'mia, public, pg_temp 0 4MB ISO, MDY off read committed');
is(run('mia', 'SET TRANSACTION READ ONLY', 'quiet'), 'done: ', 'a node that makes its transaction read-only');
is(run('mia', 'SET ROLE other', 'quiet'), 'done: ', 'a node that becomes another role');
is(run('mia', 'SELECT current_user || session_user'), 'done: miamia', 'the next one is itself');
is(run('mia', 'LISTEN x'), 'failed: 0A000', 'nobody can listen in a background session');
tidy('advisory locks', 'SELECT pg_advisory_lock(7), pg_advisory_lock_shared(8), pg_advisory_xact_lock(9)',
	q(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), '0');
tidy('a prepared statement', 'PREPARE p AS SELECT 1', 'SELECT count(*) FROM pg_prepared_statements', '0');
tidy('a held cursor', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'SELECT count(*) FROM pg_cursors WHERE is_holdable', '0');
tidy('a temporary table', 'CREATE TEMP TABLE log AS SELECT 1 AS x', q(SELECT to_regclass('pg_temp.log') IS NULL), 'true');
is(run('mia', 'CREATE TEMP TABLE log AS SELECT 1 AS x'), 'done: ', 'which can be made again');
tidy('a temporary table for the commit', 'CREATE TEMP TABLE log (x int) ON COMMIT DELETE ROWS', q(SELECT to_regclass('pg_temp.log') IS NULL), 'true');
tidy('a place in a sequence', q(DO $$ BEGIN CREATE TEMP SEQUENCE s; PERFORM nextval('s'); END $$),
	q(SELECT to_regclass('pg_temp.s') IS NULL), 'true');
tidy('no plans', 'DISCARD PLANS', 'SELECT 1', '1');
tidy('no prepared statements', 'DEALLOCATE ALL', 'SELECT 1', '1');
$node->safe_psql('postgres', 'CREATE TABLE mia.twin (x int UNIQUE DEFERRABLE INITIALLY IMMEDIATE); ALTER TABLE mia.twin OWNER TO mia');
is(run('mia', 'SET CONSTRAINTS ALL DEFERRED'), 'done: ', 'a node defers constraints');
is(run('mia', 'INSERT INTO mia.twin VALUES (1), (1)'), 'failed: 23505', 'for itself only');

# --- what fails late

$node->safe_psql('postgres', q{
	SET ROLE mia;
	CREATE TABLE mia.late (x int UNIQUE DEFERRABLE INITIALLY DEFERRED);
	CREATE TABLE mia.asks (x int);
	CREATE FUNCTION mia.ask() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		PERFORM hitl.interrupt('{"action": "keep"}');
		RETURN NULL;
	END $$;
	CREATE CONSTRAINT TRIGGER ask AFTER INSERT ON mia.asks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION mia.ask()});
$thread = start('mia', 'INSERT INTO mia.late SELECT 1 FROM generate_series(1, 2)');
is(wait_thread($node, 'postgres', $thread), 'failed', 'a deferred constraint fails');
is($node->safe_psql('postgres', "SELECT sqlstate FROM hitl.failed WHERE thread_id = $thread"), '23505', 'and the node with it');
is($node->safe_psql('postgres', 'SELECT count(*) FROM mia.late'), 0, 'what it did is undone');
$node->safe_psql('postgres', "ALTER TABLE mia.late DROP CONSTRAINT late_x_key; SELECT hitl.retry($thread)");
is(wait_thread($node, 'postgres', $thread), 'done', 'mended and retried');
is($node->safe_psql('postgres', 'SELECT count(*) FROM mia.late'), 2, 'it is done once');
is(run('mia', 'INSERT INTO mia.asks VALUES (1)'), 'asked, done: ', 'a deferred trigger can ask');
is($node->safe_psql('postgres', 'SELECT count(*) FROM mia.asks'), 1, 'its row is there once');
is(run('mia', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1 / (1 - x) FROM generate_series(0, 1) x'), 'failed: 22012',
	'a held cursor fails at the commit: so does the node');
is(run('mia', q(DO $$ BEGIN RAISE 'mine' USING ERRCODE = '57014'; END $$)), 'failed: 57014', 'a node may raise the SQLSTATE of a cancel');

# --- cancel

$thread = start('mia', q(SELECT 'before', pg_sleep(600)));
my $behind = start('mia', 'SELECT 1');
poll($node, 'postgres', workers('executor', "thread_id = $thread") . ' = 1', 'a node sleeps');
is($node->safe_psql('postgres', "SELECT hitl.cancel($thread, 'enough')"), 'cancelled', 'it is cancelled');
is(wait_thread($node, 'postgres', $behind), 'done', 'and stopped: the next one runs');
is($node->safe_psql('postgres', "SELECT count(*) FROM mia.note WHERE thread_id = $thread"), 0, 'it left nothing');

# a node that holds on: each catch is cancelled again by nobody, but what it does is void
$thread = start('mia', q(DO $$ BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN INSERT INTO mia.note VALUES (-1); END $$));
poll($node, 'postgres', workers('executor', "thread_id = $thread") . ' = 1', 'a node that catches the cancel');
$node->safe_psql('postgres', "SELECT hitl.cancel($thread)");
poll($node, 'postgres', "NOT EXISTS (SELECT FROM hitl.run_queue WHERE thread_id = $thread)", 'ends');
is($node->safe_psql('postgres', 'SELECT count(*) FROM mia.note WHERE thread_id = -1'), 0, 'and what it then did is void');

# cancels at any moment of a short node: it or nothing is hit, never the next one
$node->safe_psql('postgres', q{
	DO $do$
	DECLARE
		first bigint;
		next bigint;
	BEGIN
		FOR i IN 1 .. 60 LOOP
			first := hitl.start('mia', '{"run": "SELECT pg_sleep(0.002)"}');
			next := hitl.start('mia', '{"run": "SELECT pg_sleep(0.002)", "next": true}');
			COMMIT;
			PERFORM pg_sleep(random() * 0.008);
			BEGIN
				PERFORM hitl.cancel(first);
			EXCEPTION WHEN object_not_in_prerequisite_state THEN
				NULL;		-- it was done
			END;
			COMMIT;
		END LOOP;
	END $do$});
poll($node, 'postgres', "NOT EXISTS (SELECT FROM hitl.threads WHERE graph = 'mia' AND status = 'running')", 'cancels at any moment');
is($node->safe_psql('postgres', "SELECT count(*) FROM hitl.threads WHERE graph = 'mia' AND hitl.get_state(thread_id) ? 'next' AND status <> 'done'"), 0,
	'hit no other thread');
is($node->safe_psql('postgres', q{SELECT count(*) FROM hitl.threads t WHERE hitl.get_state(thread_id)->>'run' = 'SELECT pg_sleep(0.002)'
		AND (status = 'done') <> (1 = (SELECT count(*) FROM mia.note n WHERE n.thread_id = t.thread_id))}), 0, 'what is done is noted, what is cancelled is not');
is($node->safe_psql('postgres', "SELECT count(*) FROM hitl.threads t WHERE status = 'failed' AND hitl.get_state(thread_id)->>'run' = 'SELECT pg_sleep(0.002)'"), 0, 'none failed');

# a node that turns on its own thread
$thread = start('mia', 'SELECT hitl.cancel(hitl.current_thread())');
like(wait_thread($node, 'postgres', $thread), qr/^(failed|cancelled)$/, 'a node that cancels its own thread comes to an end');
$node->safe_psql('postgres', "SELECT hitl.cancel($thread)");

# --- a superuser's graph

$node->safe_psql('postgres', q{
	CREATE FUNCTION public.ask(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		decision jsonb := hitl.interrupt('{"action": "rule"}');
	BEGIN
		RETURN jsonb_build_object('who', session_user || current_user, 'type', decision->>'type');
	END $$;
	SELECT hitl.create_graph('super'), hitl.add_node('super', 'ask', 'public.ask'), hitl.add_edge('super', 'START', 'ask'),
		hitl.add_edge('super', 'ask', 'END'), hitl.compile('super')});
$thread = $node->safe_psql('postgres', "SELECT hitl.start('super')");
is(wait_thread($node, 'postgres', $thread), 'interrupted', 'a superuser\'s graph asks');
my $interrupt = $node->safe_psql('postgres', "SELECT interrupt_id FROM hitl.pending WHERE thread_id = $thread");
my ($status, $out, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT hitl.approve($interrupt)", extra_params => [ '-U', 'mia' ]);
like($error, qr/ERROR:  IH003/, 'not everybody decides it');
is($node->safe_psql('postgres', 'SELECT count(*) FROM hitl.pending', extra_params => [ '-U', 'mia' ]), 0, 'nor sees it');
($status, $out, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET ROLE mia; SELECT hitl.approve($interrupt)");
like($error, qr/ERROR:  IH003/, 'nor as mia');
$node->safe_psql('postgres', "SELECT hitl.approve($interrupt)");
is(wait_thread($node, 'postgres', $thread), 'done', 'the superuser does');
is(state_of($thread, 'who'), 'postgrespostgres', 'it ran as the superuser');
$thread = $node->safe_psql('postgres', "SELECT hitl.start('super')");
is(wait_thread($node, 'postgres', $thread), 'interrupted', 'asked again');
$node->safe_psql('postgres', "ALTER FUNCTION public.ask(jsonb) OWNER TO mia; SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $thread");
is(wait_thread($node, 'postgres', $thread), 'failed', 'a function that somebody else got is not run');
is($node->safe_psql('postgres', "SELECT sqlstate FROM hitl.failed WHERE thread_id = $thread"), '42501', 'and says why');

# --- without an executor

$node->safe_psql('postgres', 'ALTER SYSTEM SET hitl.max_executors = 0; SELECT pg_reload_conf()');
poll($node, 'postgres', workers('executor') . ' = 0', 'no executors');
my @threads = (start('mia', q(DO $$ BEGIN RAISE 'mine' USING ERRCODE = '57014'; END $$)), start('mia', 'SELECT hitl.cancel(hitl.current_thread())'),
	start('mia', 'SELECT 1'));
$node->psql('postgres', "SET statement_timeout = '5s'; CALL hitl.run_pending()", extra_params => [ '-U', 'mia' ]);
is($node->safe_psql('postgres', "SELECT status FROM hitl.threads WHERE thread_id = $threads[2]"), 'done', 'run_pending: bad nodes do not keep others from being run');
is($node->safe_psql('postgres', "SELECT status FROM hitl.threads WHERE thread_id = $threads[0]"), 'failed', 'one that raises the SQLSTATE of a cancel has failed');

is($node->safe_psql('postgres', 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:|terminated by signal/, 'no crash');
done_testing();
