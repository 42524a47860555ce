# 045_deadlines.pl: deadlines are fired by the database by itself: by the dispatcher, which sleeps until then and is
# started for it; after a stop, a crash and a promotion; and on a server without preload by hitl.tick() alone.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_server('primary', "hitl.sweep_interval = '1h'", "hitl.dispatcher_idle_timeout = '100ms'", "hitl.executor_idle_timeout = '300ms'");
add_graphs($node, 'postgres');
sub sql { return $node->safe_psql('postgres', $_[0]); }

# A thread that waits, with a deadline so long from now.
sub ask
{
	my ($name, $delay) = @_;
	my $thread = start_thread($node, 'postgres', 'postgres_ask', qq({"name": "$name"}));

	is(wait_thread($node, 'postgres', $thread), 'interrupted', "$name: a thread asks");
	my $interrupt = sql("SELECT interrupt_id FROM hitl.pending WHERE thread_id = $thread");
	sql("SELECT hitl.set_deadline($interrupt, due_at => clock_timestamp() + '$delay')");
	return $interrupt;
}
sub is_fired { return "EXISTS (SELECT FROM hitl.escalations WHERE interrupt_id = $_[0] AND action = 'overdue')"; }

# --- the dispatcher

my $interrupt = ask('soon', '200 ms');
poll($node, 'postgres', is_fired($interrupt), 'it fires by itself');
is(sql("SELECT actor_kind FROM hitl.timeline WHERE interrupt_id = $interrupt AND event = 'overdue'"), 'timer', 'as a timer');
is(sql("SELECT fired_at >= planned_at FROM hitl.escalations WHERE interrupt_id = $interrupt"), 't', 'not before its time');
$interrupt = ask('later', '2 s');
poll($node, 'postgres', workers('dispatcher') . ' = 0', 'nobody waits for it in the database ...');
is(sql("SELECT count(*) FROM hitl.escalations WHERE interrupt_id = $interrupt"), 0, '... and it is not due yet');
poll($node, 'postgres', is_fired($interrupt), 'the launcher has somebody look then');
my @many = map { ask("many $_", '1 ms') } 1 .. 3;
poll($node, 'postgres', is_fired($_), 'each of several') for @many;

# who holds the question comes first; then it fires, though nobody tells
my $session = $node->background_psql('postgres');
$interrupt = ask('held', '500 ms');
$session->query_safe("BEGIN; SELECT hitl.claim($interrupt)");
poll($node, 'postgres', "(SELECT due_at < clock_timestamp() FROM hitl.deadlines WHERE interrupt_id = $interrupt)", 'its time comes while somebody holds it');
is(sql("SELECT hitl.tick()"), 0, 'it is passed over, and nobody waits');
$session->query_safe('ROLLBACK');
$session->quit;
poll($node, 'postgres', is_fired($interrupt), 'a question that was held');

# the clock that they go by is set forward: whoever sleeps until then looks now
$interrupt = ask('set forward', '1 h');
poll($node, 'postgres', workers('dispatcher') . ' = 0', 'nobody waits for it in the database');
sql("ALTER SYSTEM SET hitl.clock_offset = '2 h'; SELECT pg_reload_conf()");
poll($node, 'postgres', is_fired($interrupt), 'it fires when the clock is set');
sql('ALTER SYSTEM RESET hitl.clock_offset; SELECT pg_reload_conf()');
sql("ALTER SYSTEM SET hitl.dispatcher_idle_timeout = '1 h'; SELECT pg_reload_conf()");
$interrupt = ask('set forward again', '1 h');
sql('SELECT pg_sleep(0.3)');
sql("ALTER SYSTEM SET hitl.clock_offset = '2 h'; SELECT pg_reload_conf()");
poll($node, 'postgres', is_fired($interrupt), 'also by a dispatcher that is there');
sql('ALTER SYSTEM RESET hitl.clock_offset; ALTER SYSTEM RESET hitl.dispatcher_idle_timeout; SELECT pg_reload_conf()');

# --- many at once

sql(q{SELECT hitl.create_policy('end', '{"expires_in": "1 hour", "on_expiry": "reject", "ladder": [{"after": "10 minutes", "do": "priority", "priority": -1}]}')});
sql("SELECT hitl.create_rule('end', policy => 'end', graph => 'postgres_ask')");
sql(q{SELECT hitl.start_many('postgres_ask', array_agg('{"name": "many"}'::jsonb)) FROM generate_series(1, 100)});
poll($node, 'postgres', "(SELECT count(*) = 100 FROM hitl.deadlines WHERE kind = 'expiry')", 'a hundred ask');
$node->pgbench('--client=10 --transactions=5 --no-vacuum', 0, [qr{number of transactions actually processed: 50/50}], [qr/^$/],
	'ten ticks at once, five times', { 'ticks' => "SET hitl.clock_offset = '2 h';\nSELECT hitl.tick();" });
is(sql("SELECT count(*), count(DISTINCT interrupt_id) FROM hitl.escalations WHERE action IN ('expire', 'priority') GROUP BY action"), "100|100\n100|100", 'each fires once');
is(sql("SELECT count(*) FROM hitl.interrupt WHERE status = 'expired'"), 100, 'all have expired');
poll($node, 'postgres', "(SELECT count(*) = 100 FROM hitl.threads WHERE thread_id IN (SELECT thread_id FROM hitl.interrupt WHERE status = 'expired') AND status = 'done')", 'and are run on');
sql("SELECT hitl.drop_rule('end')");

# --- a stop and a crash

for my $how ('fast', 'immediate')
{
	$interrupt = ask("over a stop ($how)", '300 ms');
	$node->stop($how);
	$node->start;
	poll($node, 'postgres', is_fired($interrupt), "it fires after it ($how)");
}
is(sql("SELECT count(*), count(DISTINCT interrupt_id) FROM hitl.escalations WHERE action = 'overdue'"), '10|10', 'each once');
is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are whole');

# --- a promotion

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$interrupt = ask('over a promotion', '1 s');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT count(*) FROM hitl.deadlines WHERE interrupt_id = $interrupt"), 1, 'the standby knows of it');
my ($status, $out, $error) = $standby->psql('postgres', "SET hitl.clock_offset = '1 h'; SELECT hitl.tick()");
like($error, qr/read-only|recovery/, 'and fires nothing');
$node->stop('immediate');
$standby->promote;
poll($standby, 'postgres', is_fired($interrupt), 'once it is promoted, it does');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are whole there');

# --- no preload

$standby->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$standby->restart;
$node = $standby;
$interrupt = sql("SET client_min_messages = warning; SELECT i->'interrupts'->0->>'interrupt_id' FROM hitl.invoke('postgres_ask', '{\"name\": \"alone\"}') i");
sql("SELECT hitl.set_deadline($interrupt, due_at => clock_timestamp())");
is(sql("SELECT count(*) FROM hitl.escalations WHERE interrupt_id = $interrupt"), 0, 'without preload nobody looks');
is(sql('SELECT hitl.tick()'), 1, 'but hitl.tick()');
is(sql("SELECT hitl.tick() FROM hitl.escalations WHERE interrupt_id = $interrupt"), 0, 'once');
$standby->stop;
done_testing();
