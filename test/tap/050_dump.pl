# 050_dump.pl: pg_dump and restore keep parked and queued threads whole: they are decided and run on in the new place.
# A role that owns graphs cannot be dropped, there neither.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('dump', "hitl.dispatcher_idle_timeout = '100ms'", "hitl.executor_idle_timeout = '200ms'");
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';

$node->safe_psql('postgres', 'CREATE ROLE mia LOGIN');
add_graphs($node, 'postgres', $_) for qw(postgres mia);
sub sql { return $node->safe_psql($_[0], $_[1]); }

my %thread = map { $_ => start_thread($node, 'postgres', $_, qq({"name": "$_"})) } qw(postgres_ask mia_ask mia_quick);
is(wait_thread($node, 'postgres', $thread{mia_quick}), 'done', 'a thread is done');
is(wait_thread($node, 'postgres', $thread{$_}), 'interrupted', "$_ is parked") for qw(postgres_ask mia_ask);
my $question = sql('postgres', "SELECT interrupt_id FROM hitl.pending WHERE thread_id = $thread{mia_ask}");

# nobody runs what comes now
sql('postgres', 'ALTER SYSTEM SET hitl.max_executors = 0; SELECT pg_reload_conf()');
poll($node, 'postgres', workers('executor') . ' = 0', 'no executor is there');
my $decided = start_thread($node, 'postgres', 'mia_ask', '{"name": "decided"}');
$node->safe_psql('postgres', 'CALL hitl.run_pending()', extra_params => [ '-U', 'mia' ]);
sql('postgres', "SELECT hitl.approve(interrupt_id, comment => 'before') FROM hitl.pending WHERE thread_id = $decided");
my $queued = start_thread($node, 'postgres', 'mia_quick', '{"name": "queued"}');

my $facts = q{SELECT thread_id, status, owner, hitl.get_state(thread_id) FROM hitl.threads ORDER BY thread_id;
	SELECT interrupt_id, thread_id, action, opened_at FROM hitl.pending ORDER BY interrupt_id;
	SELECT * FROM hitl.timeline};
my $before = sql('postgres', $facts);
my ($stdout, $stderr) = run_command([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ]);
is($stderr, '', 'pg_dump says nothing');

sql('postgres', 'CREATE DATABASE copy');
($stdout, $stderr) = run_command([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), $dump ]);
is($stderr, '', 'pg_restore says nothing');
is(sql('copy', $facts), $before, 'what is seen is the same');
is(sql('copy', 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
is(sql('copy', q{SELECT count(*) FROM pg_extension e, pg_depend d JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
		WHERE e.extname = 'hitl' AND d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
			AND c.relkind IN ('r', 'S') AND NOT c.oid = ANY (e.extconfig)}), 0, 'no table nor sequence is left out of a dump');

# it goes on by itself: what was queued, and what was decided, is run without a further call
sql('postgres', 'ALTER SYSTEM RESET hitl.max_executors; SELECT pg_reload_conf()');
for my $database ('postgres', 'copy')
{
	poll($node, $database, "NOT EXISTS (SELECT FROM hitl.threads WHERE status = 'running')", "$database: what was queued is run");
	is(sql($database, "SELECT status FROM hitl.threads WHERE thread_id = $decided"), 'done', 'what was decided is done');
	is(sql($database, "SELECT count(*) FROM log WHERE what IN ('decided', 'queued')"), 2, 'once');
	sql($database, "SELECT hitl.approve($question)");
	is(wait_thread($node, $database, $thread{mia_ask}), 'done', 'a parked one is decided and runs on');
	my ($status, $out, $error) = $node->psql($database, "\\set VERBOSITY verbose\nSELECT hitl.approve($question)");
	like($error, qr/ERROR:  IH001/, 'once');
	my $new = start_thread($node, $database, 'mia_ask');
	cmp_ok($new, '>', $queued, 'a new thread has a new number');
	is(wait_thread($node, $database, $new), 'interrupted', 'and asks');
	is(sql($database, 'SELECT count(*), count(DISTINCT interrupt_id) FROM hitl.interrupt'), '4|4', 'with a new question');
	is(sql($database, 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
}

# data only, into an extension that is there already
sql('postgres', 'CREATE DATABASE late');
($stdout, $stderr) = run_command([ 'pg_restore', '--exit-on-error', '--schema-only', '-d', $node->connstr('late'), $dump ]);
is($stderr, '', 'a schema is restored');
poll($node, 'postgres', workers('dispatcher', "database = 'late'") . ' = 0', 'nobody is there any more');
($stdout, $stderr) = run_command([ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', '-d', $node->connstr('late'), $dump ]);
is($stderr, '', 'its data later');
poll($node, 'late', "NOT EXISTS (SELECT FROM hitl.threads WHERE status = 'running')", 'what was queued is run there too');

# --- who owns graphs stays

sql($_, 'SELECT hitl.cancel(thread_id) FROM hitl.threads WHERE status <> \'done\'') for qw(postgres copy late);
my ($status, $out, $error) = $node->psql('postgres', 'DROP ROLE mia');
like($error, qr/role "mia" cannot be dropped because some objects depend on it/, 'DROP ROLE of an owner is refused');
sql('postgres', 'DROP DATABASE late');
# nothing else holds the role: its functions are gone and its rights, but for the mark of its graphs
for my $database ('postgres', 'copy')
{
	sql($database, 'DROP SCHEMA mia CASCADE; REVOKE ALL ON SCHEMA hitl FROM mia; REVOKE ALL ON log FROM mia');
	($status, $out, $error) = $node->psql($database, 'DROP ROLE mia');
	like($error, qr/privileges for type hitl.graph_owner/, "$database: also when the graphs alone are left");
	is(sql($database, "SELECT count(*) FROM hitl.threads WHERE owner = 'mia'::regrole"), 5, 'they are hers');
}
poll($node, 'postgres', workers('executor') . ' = 0', 'her executors have left');
sql($_, 'DROP EXTENSION hitl') for qw(postgres copy);
is($node->psql('postgres', 'DROP ROLE mia'), 0, 'without the extension she can go');
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:/, 'no failure of an assertion');
done_testing();
