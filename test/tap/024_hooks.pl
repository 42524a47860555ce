# 024_hooks.pl: an extension in C in the processes of the server, loaded before hitl and after it: its observer sees what
# executors do and can refuse it; a node of it that crashes the server is quarantined.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_server('hooks', "shared_preload_libraries = 'hitl_sample, hitl'", 'hitl.max_executors = 2', 'hitl.max_crashes = 2');

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub settled { return wait_thread($node, 'postgres', $_[0]); }
sub seen { return sql("SELECT string_agg(event, ' ' ORDER BY event_id) FROM sample.event WHERE thread_id = $_[0]"); }

sql(q{CREATE EXTENSION hitl_sample CASCADE;
	CREATE ROLE mia LOGIN;
	GRANT USAGE ON SCHEMA sample TO mia; SELECT hitl.grant_author('mia');
	GRANT INSERT, SELECT ON sample.ledger TO mia});
$node->safe_psql('postgres', q{
	SELECT hitl.define('{"graph": "pay", "nodes": {"pay": "sample.pay(jsonb)"}, "edges": [["START", "pay"], ["pay", "END"]]}'),
		hitl.define('{"graph": "crash", "nodes": {"crash": "sample.crash(jsonb)"}, "edges": [["START", "crash"], ["crash", "END"]]}')},
	extra_params => [ '-U', 'mia' ]);

for my $libraries ('hitl_sample, hitl', 'hitl, hitl_sample')
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$libraries'");
	$node->restart;

	# a graph of somebody who has no right on the observer's table
	my $thread = start_thread($node, 'postgres', 'pay', '{"amount": 2000}');
	is(settled($thread), 'interrupted', "$libraries: a node in C asks");
	sql("SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $thread");
	is(settled($thread), 'done', 'and goes on in its phase');
	is(sql("SELECT string_agg(entry, ' ' ORDER BY ctid) FROM sample.ledger WHERE thread_id = $thread"), 'reserved paid', 'each effect once');
	is(seen($thread), 'opened decided ended', 'the observer has seen all of it');
	is(sql("SELECT string_agg(DISTINCT observed_as, ' ') FROM sample.event WHERE thread_id = $thread"), 'mia', 'with the rights of the owner of the graph, also when a superuser decides');
}

# --- an observer that refuses

sub refuse { return sql("ALTER SYSTEM SET hitl_sample.refuse = '$_[0]'; SELECT pg_reload_conf()"); }

# the executors, asleep, have read the setting when a new session has
refuse('opened');
sql("SELECT count(pg_terminate_backend(pid)) FROM hitl.worker_status WHERE process = 'executor'");
my $thread = start_thread($node, 'postgres', 'pay', '{"amount": 3000}');
is(settled($thread), 'failed', 'a question that is refused fails its node');
is(sql("SELECT sqlstate, message FROM hitl.failed WHERE thread_id = $thread"), '42501|the sample does not want it', 'with the error of the observer');
is(sql("SELECT count(*) FROM sample.ledger WHERE thread_id = $thread"), 0, 'what the node did is undone');
is(seen($thread), 'ended', 'that the thread has failed is seen');

refuse('ended');
sql("SELECT count(pg_terminate_backend(pid)) FROM hitl.worker_status WHERE process = 'executor'");
my $place = log_since($node);
$thread = start_thread($node, 'postgres', 'pay', '{"amount": 1}');
is(settled($thread), 'failed', 'a thread whose end is refused fails');
is(sql("SELECT sqlstate FROM hitl.failed WHERE thread_id = $thread"), '42501', 'with the error of the observer');
is(sql("SELECT count(*) FROM sample.ledger WHERE thread_id = $thread"), 0, 'and its effects are undone');
is(count_log($node, 'an observer could not refuse that thread \d+ has failed', $place), 1, 'that it failed cannot be refused: the log says so, once');
is(seen($thread), '', 'nor does the observer leave half of what it did');
sql('ALTER SYSTEM RESET hitl_sample.refuse; SELECT pg_reload_conf()');
sql("SELECT count(pg_terminate_backend(pid)) FROM hitl.worker_status WHERE process = 'executor'");
sql("SELECT hitl.retry($thread)");
is(settled($thread), 'done', 'wanted again, it is run again');

# --- a node that crashes

sql('ALTER SYSTEM SET hitl.max_executors = 0; SELECT pg_reload_conf()');
poll($node, 'postgres', workers('executor') . ' = 0', 'nobody runs anything');
my @crashing = map { start_thread($node, 'postgres', 'crash') } 1 .. 2;
my @paying = map { start_thread($node, 'postgres', 'pay', qq({"amount": $_})) } 1 .. 3;
$node->psql('postgres', 'ALTER SYSTEM RESET hitl.max_executors; SELECT pg_reload_conf()');
my $is_over;
for (1 .. 100)
{
	$is_over = eval { $node->poll_query_until('postgres', "SELECT count(*) = 2 FROM hitl.failed WHERE sqlstate = 'IH008'") };
	last if defined $is_over;
}
ok($is_over, 'nodes that crash the server are quarantined');
is(sql("SELECT string_agg(crashes::text, ' ') FROM hitl.task WHERE node = 'crash'"), '2 2', 'each by its own crashes');
is(settled($_), 'done', 'a thread of the same owner goes on') for @paying;
is(sql("SELECT count(*) FROM hitl.task WHERE node = 'pay' AND crashes > 0"), 0, 'and is not to blame');
is(sql("SELECT string_agg(thread_id::text, ' ' ORDER BY thread_id) FROM sample.event WHERE event = 'ended' AND thread_id IN ($crashing[0], $crashing[1])"),
	join(' ', @crashing), 'the observer has seen them end');
is(sql("SELECT string_agg(DISTINCT observed_as, ' ') FROM sample.event WHERE event = 'ended' AND thread_id IN ($crashing[0], $crashing[1])"),
	'mia', "with the owner's rights, not with those of the process that found the crash");
is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');

done_testing();
