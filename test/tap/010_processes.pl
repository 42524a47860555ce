# 010_processes.pl: launcher, dispatchers and executors come when they are needed, stay within their limits, and go.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_server('processes',
	"hitl.executor_idle_timeout = '1s'",
	"hitl.dispatcher_idle_timeout = '500ms'",
	"hitl.sweep_interval = '1s'",
	"hitl.max_executors = 4");
$node->safe_psql('postgres', 'CREATE ROLE mia LOGIN; CREATE ROLE tom LOGIN; CREATE ROLE ned NOLOGIN');
$node->safe_psql('postgres', "GRANT $_ TO postgres") for qw(mia tom ned);
add_graphs($node, 'postgres', $_) for qw(postgres mia tom ned);

# --- they come, as the right role, and go

is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'hitl launcher'"),
	1, 'one launcher');
my $thread = start_thread($node, 'postgres', 'mia_quick');
is(wait_thread($node, 'postgres', $thread), 'done', 'a thread of mia is run');
is($node->safe_psql('postgres', 'SELECT who FROM log'), 'mia', 'by a session of mia');
is($node->safe_psql('postgres',
		"SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'hitl executor' AND usename = 'mia' AND datname = 'postgres'"),
	1, 'pg_stat_activity shows it');
poll($node, 'postgres', workers('executor') . ' + ' . workers('dispatcher') . ' = 0', 'when idle all but the launcher leave');
is($node->safe_psql('postgres', "SELECT state FROM hitl.worker_status WHERE process = 'launcher'"), 'idle', 'who stays');
is(wait_thread($node, 'postgres', start_thread($node, 'postgres', 'mia_quick')), 'done', 'and they come back');

# --- more work, more executors, up to the limit; the limit is read on reload

my @slow = map { start_thread($node, 'postgres', 'mia_slow', '{"seconds": 60}') } 1 .. 6;
poll($node, 'postgres', workers('executor', "state = 'busy'") . ' = 4', 'busy executors up to the limit');
$node->append_conf('postgresql.conf', 'hitl.max_executors = 5');
$node->reload;
poll($node, 'postgres', workers('executor', "state = 'busy'") . ' = 5', 'a higher limit: one more');
$node->append_conf('postgresql.conf', 'hitl.max_executors = 2');
$node->reload;
$node->safe_psql('postgres', "SELECT hitl.cancel($_)") for @slow;
poll($node, 'postgres', "NOT EXISTS (SELECT FROM hitl.threads WHERE status = 'running')", 'a cancel interrupts a node that runs');
poll($node, 'postgres', workers('executor') . ' <= 2', 'a lower limit: the others leave');
is($node->safe_psql('postgres', "SELECT count(*) FROM hitl.threads WHERE status = 'cancelled'"), 6, 'the threads are cancelled');
$node->append_conf('postgresql.conf', 'hitl.max_executors = 0');
$node->reload;
poll($node, 'postgres', workers('executor') . ' = 0', 'no executors allowed: none');
$thread = start_thread($node, 'postgres', 'mia_quick');
$node->append_conf('postgresql.conf', 'hitl.max_executors = 1');
$node->reload;
is(wait_thread($node, 'postgres', $thread), 'done', 'one allowed: what waited is run');

# --- a row that was locked when an executor came by

$node->append_conf('postgresql.conf', 'hitl.max_executors = 0');
$node->reload;
poll($node, 'postgres', workers('executor') . ' = 0', 'nobody is there');
$thread = start_thread($node, 'postgres', 'mia_quick');
my $session = $node->background_psql('postgres');
$session->query_safe("BEGIN; SELECT hitl.cancel($thread)");
$node->append_conf('postgresql.conf', 'hitl.max_executors = 1');
$node->reload;
is(wait_thread($node, 'postgres', start_thread($node, 'postgres', 'mia_quick')), 'done', 'an executor passes it over');
$session->query_safe('ROLLBACK');
is(wait_thread($node, 'postgres', $thread), 'done', 'the cancel is rolled back: it is run');
$thread = start_thread($node, 'postgres', 'mia_ask');
is(wait_thread($node, 'postgres', $thread), 'interrupted', 'a thread asks');
$session->query_safe("BEGIN; SAVEPOINT a; SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $thread; ROLLBACK TO a; COMMIT");
is($node->safe_psql('postgres', "SELECT hitl.wait($thread, '1 s')"), 'interrupted', 'an approval that is rolled back runs nothing');
$session->query_safe("SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $thread");
is(wait_thread($node, 'postgres', $thread), 'done', 'one that is committed does');
$session->quit;

# --- one place, two roles

my $long = start_thread($node, 'postgres', 'mia_slow', '{"seconds": 0.03, "name": "first"}');
$node->safe_psql('postgres', q[SELECT hitl.start('mia_slow', '{"seconds": 0.03}') FROM generate_series(1, 70)]);
$thread = start_thread($node, 'postgres', 'tom_quick', '{"name": "between"}');
is(wait_thread($node, 'postgres', $thread), 'done', 'a role without an executor gets the place of one that has much to do');
is($node->safe_psql('postgres', "SELECT status FROM hitl.threads WHERE thread_id = $long"), 'done', 'which it had first');
is($node->safe_psql('postgres', "SELECT EXISTS (SELECT FROM hitl.threads WHERE graph = 'mia_slow' AND status = 'running')"),
	't', 'and has not finished');
poll($node, 'postgres', "NOT EXISTS (SELECT FROM hitl.threads WHERE status = 'running')", 'then the first goes on');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT thread_id) FROM hitl.threads WHERE status = \'done\' AND graph = \'mia_slow\''),
	'71|71', 'all is run, once');

# an idle executor makes room at once, not only when its time is over
$node->append_conf('postgresql.conf', "hitl.executor_idle_timeout = '1h'");
$node->reload;
is(wait_thread($node, 'postgres', start_thread($node, 'postgres', 'mia_quick')), 'done', 'mia has the place');
is(wait_thread($node, 'postgres', start_thread($node, 'postgres', 'tom_quick')), 'done', 'tom gets it');
is(wait_thread($node, 'postgres', start_thread($node, 'postgres', 'mia_quick')), 'done', 'mia gets it back');
$node->append_conf('postgresql.conf', "hitl.max_executors = 4\nhitl.executor_idle_timeout = '10s'");
$node->reload;

# --- signals

$thread = start_thread($node, 'postgres', 'tom_quick');
is(wait_thread($node, 'postgres', $thread), 'done', 'tom has an executor');
my $pid = $node->safe_psql('postgres', "SELECT pid FROM hitl.worker_status WHERE process = 'executor' AND role = 'tom'");
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid) FROM generate_series(1, 5)");
is(wait_thread($node, 'postgres', start_thread($node, 'postgres', 'tom_quick')), 'done', 'a cancel of an idle executor does not hit the next task');
is($node->safe_psql('postgres', "SELECT pid FROM hitl.worker_status WHERE process = 'executor' AND role = 'tom'"), $pid, 'nor the executor');

$thread = start_thread($node, 'postgres', 'tom_slow', '{"seconds": 1.5, "name": "terminated"}');
poll($node, 'postgres', workers('executor', "role = 'tom' AND thread_id = $thread") . ' = 1', 'an executor says what it runs');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM hitl.worker_status WHERE thread_id = $thread");
is(wait_thread($node, 'postgres', $thread), 'done', 'the task of a terminated executor is run by another');
is($node->safe_psql('postgres', "SELECT count(*) FROM log WHERE what = 'terminated'"), 1, 'its effects are there once');

$pid = $node->safe_psql('postgres', "SELECT pid FROM hitl.worker_status WHERE process = 'launcher'");
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
poll($node, 'postgres', workers('launcher', "pid <> $pid") . ' = 1', 'a terminated launcher comes back');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM hitl.worker_status WHERE process <> 'launcher'");
is(wait_thread($node, 'postgres', start_thread($node, 'postgres', 'mia_quick')), 'done', 'and works, also when all others were terminated');

# --- an owner that cannot have a session

my $place = log_since($node);
$thread = start_thread($node, 'postgres', 'ned_quick');
SKIP:
{
	skip 'from 17 on a role needs no LOGIN', 4 if $node->pg_version >= 17;
	$node->wait_for_log(qr/could not start an executor for role "ned"/, $place);
	like(log_since($node, $place), qr/DETAIL:  It cannot connect there: the role has no LOGIN/, 'a role without LOGIN: the log says so');
	is(wait_thread($node, 'postgres', start_thread($node, 'postgres', 'mia_quick')), 'done', 'others are not held up');
	$node->safe_psql('postgres', "SELECT hitl.start('ned_quick'); SELECT hitl.wait($thread, '2 s')");
	is(count_log($node, 'could not start an executor', $place), 1, 'once, not at each look');
	unlike(log_since($node, $place), qr/FATAL/, 'and nobody has tried');
}
$node->safe_psql('postgres', 'ALTER ROLE ned LOGIN');
is(wait_thread($node, 'postgres', $thread), 'done', 'the sweep finds out that it may log in');

# --- a database that takes no connections: nobody tries all the time, and when it is opened its work goes on

$node->append_conf('postgresql.conf', "hitl.dispatcher_idle_timeout = '5s'");
$node->reload;
$node->safe_psql('postgres', 'CREATE DATABASE closed');
add_graphs($node, 'closed', 'postgres');
$session = $node->background_psql('closed');
$thread = $session->query_safe("SELECT hitl.start('postgres_quick')");
is($session->query_safe("SELECT hitl.wait($thread, '30 s')"), 'done', 'an open database');
$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS false');
$place = log_since($node);
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM hitl.worker_status WHERE process = 'executor' AND database = 'closed'");
poll($node, 'postgres', workers('executor', "database = 'closed'") . ' = 0', 'its executor is gone');
$thread = $session->query_safe("SELECT hitl.start('postgres_quick')");
$node->wait_for_log(qr/database "closed" is not currently accepting connections/, $place);
is($session->query_safe("SELECT hitl.wait($thread, '3 s')"), '', 'it cannot be run');
cmp_ok(count_log($node, 'not currently accepting', $place), '<=', 3, 'and is not tried all the time');
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM hitl.worker_status WHERE process = 'dispatcher' AND database = 'closed'");
poll($node, 'postgres', workers('dispatcher', "database = 'closed'") . ' = 0', 'without its dispatcher it is left alone');
$node->safe_psql('postgres', 'ALTER DATABASE closed ALLOW_CONNECTIONS true');
is($session->query_safe("SELECT hitl.wait($thread, '30 s')"), 'done', 'opened again, it is run');
$session->quit;

# --- no room in the server

$node->append_conf('postgresql.conf', "max_worker_processes = 4");
$node->restart;
$place = log_since($node);
@slow = map { start_thread($node, 'postgres', 'mia_slow', '{"seconds": 0.5}') } 1 .. 6;
$node->wait_for_log(qr/could not start hitl executor for role "mia"\n.*All 4 background worker slots.*\n.*Increase "max_worker_processes"/, $place);
is(wait_thread($node, 'postgres', $_), 'done', 'run by those that there is room for') for @slow;

is($node->safe_psql('postgres', 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:|terminated by signal/, 'no crash');
done_testing();
