# 012_restarts.pl: what shared memory forgets in a restart or a crash is found again in the tables; listeners are told
# when they may have missed something.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_server('restarts', "hitl.sweep_interval = '1s'", "hitl.dispatcher_idle_timeout = '300ms'");

# What a listening session has heard; its own query makes psql print it.
sub heard
{
	my ($listener, $pattern) = @_;

	for my $try (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $heard = $listener->query_safe('SELECT pg_sleep(0.1)');
		return 1 if $heard =~ $pattern;
	}
	return 0;
}

# --- notifications

add_graphs($node, 'postgres');
my $listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN hitl');
my $asked = start_thread($node, 'postgres', 'postgres_ask');
is(wait_thread($node, 'postgres', $asked), 'interrupted', 'a thread asks');
my $interrupt = $node->safe_psql('postgres', 'SELECT interrupt_id FROM hitl.pending');
ok(heard($listener, qr/"hitl" with payload "\{"event":"opened","thread_id":$asked,"interrupt_id":$interrupt\}"/), 'listeners hear of it');
my $session = $node->background_psql('postgres');
$session->query_safe("BEGIN; SELECT hitl.approve($interrupt); SAVEPOINT a; SELECT hitl.start('postgres_ask'); ROLLBACK TO a; COMMIT");
ok(heard($listener, qr/\{"event":"decided","thread_id":$asked,"interrupt_id":$interrupt\}.*\{"event":"ended","thread_id":$asked\}/s),
	'decided, then ended');
$session->quit;
$node->safe_psql('postgres', "SET hitl.notify = 'commit'; SELECT hitl.invoke('postgres_quick')");
ok(heard($listener, qr/\{"event":"ended","thread_id":\d+\}" received from server process with PID \d+/), 'sent by the transaction itself');

# more than shared memory holds: not one by one, but a resync
$node->safe_psql('postgres', q{DO $$ BEGIN FOR i IN 1 .. 1200 LOOP PERFORM hitl.invoke('postgres_quick'); END LOOP; END $$});
ok(heard($listener, qr/\{"event":"resync"\}/), 'too many at once: a resync');
$listener->quit;

# --- restart

$asked = start_thread($node, 'postgres', 'postgres_ask');
is(wait_thread($node, 'postgres', $asked), 'interrupted', 'a thread is parked');
$node->safe_psql('postgres', "ALTER SYSTEM SET hitl.max_executors = 0; SELECT pg_reload_conf()");
poll($node, 'postgres', workers('executor') . ' = 0', 'nobody runs anything');
my @queued = map { start_thread($node, 'postgres', 'postgres_quick', qq({"name": "queued $_"})) } 1 .. 3;
$node->safe_psql('postgres', 'CREATE DATABASE without');
for my $name ('second', 'third', 'fourth')
{
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	add_graphs($node, $name);
	start_thread($node, $name, 'postgres_quick');
}
$node->safe_psql('postgres', 'ALTER SYSTEM RESET hitl.max_executors');
$node->stop('immediate');
my $place = log_since($node);
$node->start;
# no session goes there: they are found by looking
poll($node, 'postgres', "NOT EXISTS (SELECT FROM hitl.threads WHERE status = 'running')", 'what was queued is run');
for my $name ('second', 'third', 'fourth')
{
	poll($node, $name, "EXISTS (SELECT FROM public.log)", "in $name too");
}
is($node->safe_psql('postgres', "SELECT count(*), count(DISTINCT what) FROM log WHERE what LIKE 'queued%'"), '3|3', 'once');
poll($node, 'postgres', workers('dispatcher') . ' = 0', 'then all is quiet');
unlike(log_since($node, $place), qr/hitl (dispatcher|launcher).*(ERROR|FATAL)/, 'without an error');
is($node->safe_psql('postgres', "SELECT status FROM hitl.threads WHERE thread_id = $asked"), 'interrupted', 'the parked one is still there');

# a database that is only looked at has no transactions on our account: its dispatcher is gone for good
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'hitl%' AND datname = 'without'"), 0,
	'nobody stays where the extension is not');

# --- deadlines in several databases: none waits until the dispatcher of another has nothing to do for an hour

$node->append_conf('postgresql.conf', "hitl.dispatcher_idle_timeout = '1h'");
for my $name ('postgres', 'second', 'third', 'fourth')
{
	my $thread = start_thread($node, $name, 'postgres_ask');

	is(wait_thread($node, $name, $thread), 'interrupted', "$name: a thread asks");
	$node->safe_psql($name, "SELECT hitl.set_deadline(interrupt_id, due_at => now() + '10 s') FROM hitl.pending WHERE thread_id = $thread");
}
$node->stop('immediate');
$node->start;
for my $name ('postgres', 'second', 'third', 'fourth')
{
	poll($node, $name, "EXISTS (SELECT FROM hitl.escalations WHERE action = 'overdue')", "$name: its deadline fires after a restart");
}
ok($node->safe_psql($_, "SELECT max(fired_at - planned_at) < '5 s' FROM hitl.escalations") eq 't', "$_: in time") for 'second', 'third', 'fourth';
$node->safe_psql('postgres', "SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id <> $asked");
$node->append_conf('postgresql.conf', "hitl.dispatcher_idle_timeout = '300ms'");
$node->reload;

# --- kill -9

my $slow = start_thread($node, 'postgres', 'postgres_slow', '{"seconds": 1, "name": "killed"}');
poll($node, 'postgres', workers('executor', "thread_id = $slow") . ' = 1', 'a node runs');
my $pid = $node->safe_psql('postgres', "SELECT pid FROM hitl.worker_status WHERE thread_id = $slow");
$listener = $node->background_psql('postgres', on_error_stop => 0);
kill_process($pid);
ok(poll_launcher($node),
	'kill -9 of an executor: the server comes back, and the launcher');
eval { $listener->quit };
is(wait_thread($node, 'postgres', $slow), 'done', 'the node is run again');
is($node->safe_psql('postgres', "SELECT count(*) FROM log WHERE what = 'killed'"), 1, 'its effects are there once');

# who listens after a restart hears first that something may be lost; a lock that a prepared transaction holds makes
# the first look wait until somebody listens
$node->safe_psql('postgres', "BEGIN; LOCK TABLE hitl.run_queue; PREPARE TRANSACTION 'not yet'");
$node->restart;
$listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN hitl');
$node->safe_psql('postgres', "COMMIT PREPARED 'not yet'");
ok(heard($listener, qr/\{"event":"resync"\}/), 'after a start: a resync');
$listener->quit;

# --- prepared transactions: nobody is told when they commit

$node->safe_psql('postgres', "ALTER SYSTEM SET hitl.dispatcher_idle_timeout = '100ms'; SELECT pg_reload_conf()");
my $prepared = $node->safe_psql('postgres', "BEGIN; SELECT hitl.start('postgres_quick'); PREPARE TRANSACTION 'later'");
poll($node, 'postgres', workers('dispatcher', "database = 'postgres'") . ' = 0', 'prepared: the dispatcher leaves');
$listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN hitl');
$node->safe_psql('postgres', "COMMIT PREPARED 'later'");
is(wait_thread($node, 'postgres', $prepared), 'done', 'COMMIT PREPARED: the sweep finds it');
ok(heard($listener, qr/\{"event":"resync"\}/), 'and tells listeners to look again');
$listener->quit;
$prepared = $node->safe_psql('postgres', "BEGIN; SELECT hitl.start('postgres_quick'); PREPARE TRANSACTION 'after restart'");
$node->restart;
poll($node, 'postgres', workers('dispatcher') . ' = 0', 'restarted, and quiet again');
$node->safe_psql('postgres', "COMMIT PREPARED 'after restart'");
is(wait_thread($node, 'postgres', $prepared), 'done', 'also when the server was restarted in between');
my $rolled_back = $node->safe_psql('postgres', "BEGIN; SELECT hitl.start('postgres_quick'); PREPARE TRANSACTION 'never'");
$node->safe_psql('postgres', "ROLLBACK PREPARED 'never'");
is($node->safe_psql('postgres', "SELECT count(*) FROM hitl.threads WHERE thread_id = $rolled_back"), 0, 'rolled back: nothing');

$interrupt = $node->safe_psql('postgres', "SELECT interrupt_id FROM hitl.pending WHERE thread_id = $asked");
$node->safe_psql('postgres', "SELECT hitl.approve($interrupt)");
is(wait_thread($node, 'postgres', $asked), 'done', 'the parked thread goes on after all that');
is($node->safe_psql('postgres', 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');

# --- promotion

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
my $thread = start_thread($node, 'postgres', 'postgres_ask');
is(wait_thread($node, 'postgres', $thread), 'interrupted', 'a thread asks on the primary');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'hitl%'"), 0, 'nobody works on a standby');
$node->stop('immediate');
$standby->promote;
$interrupt = $standby->safe_psql('postgres', 'SELECT interrupt_id FROM hitl.pending');
$standby->safe_psql('postgres', "SELECT hitl.approve($interrupt)");
is(wait_thread($standby, 'postgres', $thread), 'done', 'promoted: the thread goes on there');
$standby->stop;

unlike(log_since($node, 0), qr/TRAP:|PANIC:/, 'no failure of an assertion');
done_testing();
