# 011_databases.pl: statements that need a database or the extension for themselves neither hang nor fail because of
# our processes, and whatever becomes of them, afterwards everything goes on.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

# the server itself gives up after five seconds
my $soon = 4;

my $node = start_server('databases', "hitl.executor_idle_timeout = '1h'", "hitl.dispatcher_idle_timeout = '1h'",
	'hitl.max_executors = 8', 'hitl.max_dispatchers = 4');
$node->safe_psql('postgres', 'CREATE ROLE mia LOGIN; CREATE ROLE owner LOGIN CREATEDB; CREATE EXTENSION hitl');

# A database with processes of ours in it that sleep; with one that runs a long node if that is asked for.
# Returns the thread that is run.
sub add_database
{
	my ($name, $is_busy, $owner) = @_;
	my $thread;

	$owner = 'postgres' unless defined $owner;
	$node->safe_psql('postgres', "CREATE DATABASE $name OWNER $owner");
	add_graphs($node, $name);
	is(wait_thread($node, $name, start_thread($node, $name, 'postgres_quick')), 'done', "$name: our processes are there");
	return unless $is_busy;
	$thread = start_thread($node, $name, 'postgres_slow', '{"seconds": 60}');
	poll($node, 'postgres', workers('executor', "database = '$name' AND state = 'busy'") . ' = 1', "$name: one is busy");
	return $thread;
}

sub none_left
{
	my ($name) = @_;

	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE datname = '$name' AND backend_type LIKE 'hitl%'"),
		0, "$name: none of our processes is left");
	return;
}

# --- DROP DATABASE

add_database('idle');
timed($node, 'postgres', 'DROP DATABASE idle', $soon, 'DROP DATABASE where all are idle');
add_database('busy', 1);
timed($node, 'postgres', 'DROP DATABASE busy', $soon, 'DROP DATABASE where a node runs');
is($node->safe_psql('postgres', "SELECT count(*) FROM hitl.worker_status WHERE process <> 'launcher' AND database IS DISTINCT FROM 'postgres'"),
	0, 'nobody is left in what was dropped');

# at any moment of their start
for my $try (1 .. 8)
{
	$node->safe_psql('postgres', 'CREATE DATABASE hasty');
	add_graphs($node, 'hasty');
	$node->safe_psql('hasty', q{SELECT hitl.start('postgres_slow', '{"seconds": 60}') FROM generate_series(1, 3)}) if $try > 2;
	timed($node, 'postgres', 'DROP DATABASE hasty', $soon, "DROP DATABASE while our processes come ($try)");
}

# a session of somebody else is not our business; and when it fails, we are back
add_database('used');
my $session = $node->background_psql('used');
my ($status, $out, $error) = $node->psql('postgres', 'DROP DATABASE used');
like($error, qr/is being accessed by other users.*There is 1 other session/s, 'DROP DATABASE counts other sessions, not ours');
my $thread = $session->query_safe("SELECT hitl.start('postgres_quick')");
is($session->query_safe("SELECT hitl.wait($thread, '30 s')"), 'done', 'after it failed we are back');
$session->quit;

# who may not do it, does not disturb us
$thread = start_thread($node, 'used', 'postgres_slow', '{"seconds": 60}');
poll($node, 'postgres', workers('executor', "thread_id = $thread AND database = 'used'") . ' = 1', 'a node runs');
my $before = $node->safe_psql('postgres', "SELECT string_agg(pid::text, ',' ORDER BY pid) FROM hitl.worker_status WHERE database = 'used'");
for my $statement ('DROP DATABASE used', 'ALTER DATABASE used RENAME TO other', 'ALTER DATABASE used SET TABLESPACE pg_default',
	'CREATE DATABASE other TEMPLATE used')
{
	($status) = $node->psql('postgres', $statement, extra_params => [ '-U', 'mia' ]);
	isnt($status, 0, "$statement: mia may not");
}
($status) = $node->psql('used', $_, extra_params => [ '-U', 'mia' ])
  for ('DROP EXTENSION hitl CASCADE', 'ALTER EXTENSION hitl UPDATE', 'DROP SCHEMA hitl CASCADE', 'DROP OWNED BY postgres');
($status) = $node->psql('postgres', 'BEGIN; DROP DATABASE used');
isnt($status, 0, 'DROP DATABASE in a transaction block fails');
is($node->safe_psql('postgres', "SELECT string_agg(pid::text, ',' ORDER BY pid) FROM hitl.worker_status WHERE database = 'used'"),
	$before, 'and our processes do not notice');
is($node->safe_psql('postgres', "SELECT thread_id FROM hitl.worker_status WHERE database = 'used' AND state = 'busy'"),
	$thread, 'the node runs on');
timed($node, 'postgres', 'DROP DATABASE used WITH (FORCE)', $soon, 'DROP DATABASE WITH FORCE');

# --- ALTER DATABASE

$thread = add_database('named', 1, 'owner');
my $quick = $node->safe_psql('named', q{SELECT hitl.start('postgres_slow', '{"seconds": 0}')});
is(wait_thread($node, 'named', $quick), 'done', 'a second executor');
($status, $out, $error) = $node->psql('postgres', 'ALTER DATABASE named RENAME TO renamed', extra_params => [ '-U', 'owner' ]);
is($status, 0, 'ALTER DATABASE RENAME by its owner, where a node runs') or diag($error);
poll($node, 'renamed', workers('executor', "thread_id = $thread AND database = 'renamed'") . ' = 1', 'the node is run again under the new name');
my $folder = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', "CREATE TABLESPACE elsewhere LOCATION '$folder'");
timed($node, 'postgres', 'ALTER DATABASE renamed SET TABLESPACE elsewhere', $soon, 'ALTER DATABASE SET TABLESPACE');
poll($node, 'renamed', workers('executor', "thread_id = $thread AND database = 'renamed'") . ' = 1', 'the node is run again from the new place');
$node->safe_psql('renamed', "SELECT hitl.cancel($thread)");

# --- CREATE DATABASE ... TEMPLATE

my $asked = start_thread($node, 'renamed', 'postgres_ask', '{"name": "copied"}');
is(wait_thread($node, 'renamed', $asked), 'interrupted', 'a thread that asks');
$thread = start_thread($node, 'renamed', 'postgres_slow', '{"seconds": 60}');
poll($node, 'renamed', workers('executor', "thread_id = $thread") . ' = 1', 'and one that runs');
timed($node, 'postgres', 'CREATE DATABASE copy TEMPLATE renamed', $soon, 'CREATE DATABASE TEMPLATE, where a node runs');
poll($node, 'postgres', workers('executor', "thread_id = $thread AND database = 'renamed'") . ' = 1', 'the node is run again in the original');
poll($node, 'postgres', workers('executor', "thread_id = $thread AND database = 'copy'") . ' = 1', 'and in the copy, where nobody has been yet');
$node->safe_psql('copy', "SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $asked");
is(wait_thread($node, 'copy', $asked), 'done', 'what was asked before the copy can be answered there');
is($node->safe_psql('renamed', "SELECT status FROM hitl.threads WHERE thread_id = $asked"), 'interrupted', 'and is still open in the original');
timed($node, 'postgres', 'DROP DATABASE copy', $soon, 'the copy is dropped');
timed($node, 'postgres', 'CREATE DATABASE plain', $soon, 'CREATE DATABASE from template1');
timed($node, 'postgres', 'DROP DATABASE renamed', $soon, 'the original is dropped');

# --- DROP EXTENSION

$thread = add_database('extended', 1);
timed($node, 'extended', 'BEGIN; DROP EXTENSION hitl; ROLLBACK', $soon, 'DROP EXTENSION where a node runs, rolled back');
poll($node, 'extended', workers('executor', "thread_id = $thread AND database = 'extended'") . ' = 1', 'the node is run again');
is(wait_thread($node, 'extended', start_thread($node, 'extended', 'postgres_quick')), 'done', 'and new ones');
timed($node, 'extended', 'BEGIN; SAVEPOINT a; DROP SCHEMA hitl CASCADE; ROLLBACK TO a; COMMIT', $soon, 'DROP SCHEMA, rolled back to a savepoint');
is(wait_thread($node, 'extended', start_thread($node, 'extended', 'postgres_quick')), 'done', 'everything works');
poll($node, 'extended', workers('executor', "thread_id = $thread AND database = 'extended'") . ' = 1', 'the node is run again');

# while it is dropped but not committed, nobody comes in
$session = $node->background_psql('extended');
$session->query_safe('BEGIN; DROP EXTENSION hitl');
none_left('extended');
my $other = $node->background_psql('postgres');
$other->query_safe("SELECT count(*) FROM hitl.worker_status");
none_left('extended');
$session->query_safe('ROLLBACK');
is(wait_thread($node, 'extended', start_thread($node, 'extended', 'postgres_quick')), 'done', 'then we are back');
$session->quit;
$other->quit;

timed($node, 'extended', 'ALTER EXTENSION hitl UPDATE', $soon, 'ALTER EXTENSION UPDATE');
poll($node, 'extended', workers('executor', "thread_id = $thread AND database = 'extended'") . ' = 1', 'the node is run again');
my $place = log_since($node);
timed($node, 'extended', 'DROP EXTENSION hitl', $soon, 'DROP EXTENSION where a node runs');
poll($node, 'postgres', "(SELECT count(*) FROM hitl.worker_status WHERE database = 'extended') = 0", 'our processes go');
$node->safe_psql('extended', 'DROP SCHEMA postgres CASCADE; DROP TABLE public.log');
add_graphs($node, 'extended');
is(wait_thread($node, 'extended', start_thread($node, 'extended', 'postgres_quick')), 'done', 'CREATE EXTENSION again: everything works');
$node->safe_psql('extended', 'BEGIN; DROP EXTENSION hitl; DROP SCHEMA postgres CASCADE; DROP TABLE public.log; CREATE EXTENSION hitl; DROP EXTENSION hitl; COMMIT');
add_graphs($node, 'extended');
is(wait_thread($node, 'extended', start_thread($node, 'extended', 'postgres_quick')), 'done', 'dropped and created in one transaction');
unlike(log_since($node, $place), qr/hitl \w+ \S* *\S* *ERROR/, 'no process of ours met an error');

# without our processes there, nothing is held up
timed($node, 'extended', 'DROP EXTENSION hitl', $soon, 'DROP EXTENSION where all are idle');
timed($node, 'postgres', 'DROP DATABASE extended', $soon, 'DROP DATABASE without the extension');

$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:|terminated by signal/, 'no crash');
done_testing();
