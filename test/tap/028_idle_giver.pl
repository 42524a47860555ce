# 028_idle_giver.pl: somebody gives a thread more input and stays idle in his transaction, which holds the thread's row: a node
# that then ends is put back, but it is not run again and again, with all that it calls outside, until the row is free.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_server('idle_giver', 'hitl.max_executors = 2');

# a sequence counts the passes: it does not roll back
$node->safe_psql('postgres', q{
	CREATE EXTENSION hitl;
	CREATE SEQUENCE pass;
	CREATE FUNCTION ask(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM nextval('pass');
		RETURN jsonb_build_object('decision', hitl.interrupt('{"action": "go on"}')->'type');
	END $$;
	SELECT hitl.define('{"graph": "ask", "nodes": {"ask": "ask"}, "edges": [["START", "ask"], ["ask", "END"]]}')});

sub sql { return $node->safe_psql('postgres', $_[0]); }

my $thread = sql(q{SELECT hitl.start('ask', '{"said": 1}', 'k')});
is(wait_thread($node, 'postgres', $thread), 'interrupted', 'it asks');

my $giver = $node->background_psql('postgres', on_error_stop => 0);
$giver->query_safe('BEGIN');
$giver->query_safe(q{SELECT hitl.start('ask', '{"said": 2}', 'k', 'enqueue')});
sql("SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $thread");
poll($node, 'postgres', "EXISTS (SELECT FROM hitl.timeline WHERE thread_id = $thread AND event = 'put_back')", 'the node ran, and was put back');
is(sql("SELECT hitl.wait($thread, '3 s') IS NULL"), 't', 'it waits for the giver');
is(sql("SELECT last_value, (SELECT count(*) FROM hitl.timeline WHERE thread_id = $thread AND event = 'put_back') FROM pass"), '2|1', 'and its node does not run meanwhile');
is(sql("SELECT code FROM hitl.why($thread)"), 'delayed', 'why() says so');

$giver->query_safe('COMMIT');
$giver->quit;
poll($node, 'postgres', "EXISTS (SELECT FROM hitl.pending WHERE thread_id = $thread)", 'then it ends, and the next turn asks');
is(sql('SELECT last_value FROM pass'), '4', 'in one pass each');
is(sql("SELECT s->>'decision', s->>'said' FROM hitl.get_state($thread) s"), 'approve|2', 'with what was decided and given');
is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');

$node->stop;
done_testing();
