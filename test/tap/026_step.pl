# 026_step.pl: hitl.step() and crashes: a step that was committed is not done again; one that was not is done again with the same
# key for the outside world, and its effects are there once.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_server('step', 'hitl.max_executors = 2');

# The node charges, then asks.  Both the node, from its second pass on, and the step wait for the lock named in the table
# door, if there is one.  The outside world is the server's log: no crash takes back what was said to it.
$node->safe_psql('postgres', q{
	CREATE EXTENSION hitl;
	CREATE TABLE door (who text, lock int);
	CREATE TABLE charged (thread_id bigint);
	CREATE FUNCTION wait_before(who text) RETURNS void LANGUAGE sql AS $$ SELECT pg_advisory_xact_lock_shared(lock) FROM door d WHERE d.who = $1 $$;
	CREATE FUNCTION charge(args jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RAISE LOG 'charged with key %.', hitl.context()->>'effect_key';
		INSERT INTO charged VALUES (hitl.current_thread());
		PERFORM wait_before('step');
		RETURN args;
	END $$;
	CREATE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE receipt jsonb := hitl.step('charge', 'charge', '{"cents": 5}');
	BEGIN
		PERFORM wait_before('node');
		RETURN receipt || jsonb_build_object('decision', hitl.interrupt('{"action": "ship"}')->'type');
	END $$;
	SELECT hitl.define('{"graph": "pay", "nodes": {"pay": "pay"}, "edges": [["START", "pay"], ["pay", "END"]]}')});

sub sql { return $node->safe_psql('postgres', $_[0]); }

# Starts a thread while somebody holds the door, kills the executor that stands before it, and waits for the question.
sub crash_at
{
	my ($who, $lock) = @_;
	my $where = "FROM pg_locks WHERE locktype = 'advisory' AND objid = $lock AND NOT granted";
	my $holder = $node->background_psql('postgres', on_error_stop => 0);

	sql("INSERT INTO door VALUES ('$who', $lock)");
	$holder->query_safe("SELECT pg_advisory_lock($lock)");
	my $thread = start_thread($node, 'postgres', 'pay');
	poll($node, 'postgres', "EXISTS (SELECT $where)", "the $who stands before the door");
	kill_process(sql("SELECT pid $where LIMIT 1")) or die 'no such process';
	eval { $holder->quit };
	ok(poll_launcher($node), 'the server comes back by itself');
	sql('TRUNCATE door');
	is(wait_thread($node, 'postgres', $thread), 'interrupted', "$who: after the crash the thread goes on");
	return $thread;
}

sub charges { return scalar(my @lines = log_since($node, 0) =~ /charged with key ($_[0]-\d+-charge)\./g); }

# --- between the commit of the step and the end of the node's next pass

my $thread = crash_at('node', 1);
is(charges($thread), 1, 'a step that was committed is not done again');
is(sql("SELECT count(*) FROM charged WHERE thread_id = $thread"), 1, 'its effects are there once');
is(sql("SELECT count(*) FROM hitl.timeline WHERE thread_id = $thread AND event = 'step'"), 1, 'and so it is on the record');
sql("SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $thread");
is(wait_thread($node, 'postgres', $thread), 'done', 'it is answered');
is(sql("SELECT hitl.get_state($thread)->>'cents'"), '5', 'and has the result that was kept');
is(charges($thread), 1, 'once and for all');

# --- in the step

$thread = crash_at('step', 2);
is(charges($thread), 2, 'a step that was not committed is done again');
my %keys = map { $_ => 1 } log_since($node, 0) =~ /charged with key ($thread-\d+-charge)\./g;
is(scalar(keys %keys), 1, 'with the same key');
is(sql("SELECT count(*) FROM charged WHERE thread_id = $thread"), 1, 'and its effects are there once');
sql("SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $thread");
is(wait_thread($node, 'postgres', $thread), 'done', 'it is answered');

is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:/, 'no failure of an assertion');
done_testing();
