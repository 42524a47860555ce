# 020_crash.pl: kill anything at any point that can be named: what was acknowledged is there, nothing happens twice, and
# what was not acknowledged has not happened.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_server('crash', 'hitl.max_executors = 3');

# The refund story in three super-steps: "risky" asks above 1000 and pays; then "book" and "mail" side by side; then
# "close".  Each node notes that it ran, and then waits for the lock named in the table door, if there is one: a
# session that holds it decides how far the thread gets.
$node->safe_psql('postgres', q{
	CREATE EXTENSION hitl;
	CREATE ROLE mia LOGIN;
	SELECT hitl.grant_author('mia');
	CREATE SCHEMA mia AUTHORIZATION mia;
	SET ROLE mia;
	SET search_path = mia;
	CREATE TABLE refund (thread_id bigint, amount numeric);
	CREATE TABLE note (thread_id bigint, node text);
	CREATE TABLE door (node text, lock int);
	CREATE FUNCTION note(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		node text := hitl.context()->>'node';
	BEGIN
		INSERT INTO note VALUES (hitl.current_thread(), node);
		PERFORM pg_advisory_xact_lock_shared(d.lock) FROM door d WHERE d.node = hitl.context()->>'node';
		RETURN jsonb_build_object(node, 'done');
	END $$;
	CREATE FUNCTION risky(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		decision jsonb;
	BEGIN
		IF (state->>'amount')::numeric > 1000 THEN
			decision := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', jsonb_build_object('amount', state->'amount')));
			IF decision->>'type' = 'reject' THEN
				RETURN note(state);
			END IF;
			state := state || (decision->'args');
		END IF;
		INSERT INTO refund VALUES (hitl.current_thread(), (state->>'amount')::numeric);
		RETURN note(state);
	END $$;
	SELECT hitl.create_graph('refund'), hitl.add_node('refund', 'risky', 'risky'), hitl.add_node('refund', 'book', 'note'),
		hitl.add_node('refund', 'mail', 'note'), hitl.add_node('refund', 'close', 'note');
	SELECT hitl.add_edge('refund', split_part(e, ' ', 1), split_part(e, ' ', 2))
	FROM unnest(array['START risky', 'risky book', 'risky mail', 'book close', 'mail close', 'close END']) e;
	SELECT hitl.compile('refund')});

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub start { return start_thread($node, 'postgres', 'refund', qq({"amount": $_[0]})); }
sub settled { return wait_thread($node, 'postgres', $_[0]); }
sub question { return sql("SELECT interrupt_id FROM hitl.pending WHERE thread_id = $_[0]"); }

# A session that holds the door of a node; the pid of whoever stands before it; letting it through.
sub hold
{
	my ($name, $lock) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);

	sql("INSERT INTO mia.door VALUES ('$name', $lock)");
	$session->query_safe("SELECT pg_advisory_lock($lock)");
	return $session;
}

sub waiting
{
	my ($lock) = @_;
	my $where = "FROM pg_locks WHERE locktype = 'advisory' AND objid = $lock AND NOT granted";

	poll($node, 'postgres', "EXISTS (SELECT $where)", "somebody stands before door $lock");
	return sql("SELECT pid $where LIMIT 1");
}

# After a crash: the server is back by itself.
sub back
{
	ok(poll_launcher($node),
		'the server comes back by itself');
	sql('TRUNCATE mia.door');
	return;
}

sub kill_9
{
	my ($pid, $session) = @_;

	kill_process($pid) or die "no process $pid";
	eval { $session->quit } if $session;
	back();
	return;
}

# The thread is done, and what it did is there once.
sub done_once
{
	my ($thread, $amount, $name) = @_;

	is(settled($thread), 'done', "$name: the thread is done");
	is(sql("SELECT string_agg(amount::text, ' ') FROM mia.refund WHERE thread_id = $thread"), $amount, 'one refund');
	is(sql("SELECT string_agg(node, ' ' ORDER BY node) FROM mia.note WHERE thread_id = $thread"), 'book close mail risky', 'every node once');
	is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
	return;
}

# --- kill -9 of an executor

my $holder = hold('risky', 1);
my $thread = start(900);
kill_9(waiting(1), $holder);
done_once($thread, '900', 'executor killed in the first node');

$thread = start(4200);
is(settled($thread), 'interrupted', 'a big one asks');
my $question = question($thread);
$holder = hold('risky', 2);
sql("SELECT hitl.edit($question, '{\"amount\": 4000}')");
kill_9(waiting(2), $holder);
done_once($thread, '4000', 'executor killed in a node that went on after a decision');
is(sql("SELECT count(*) FROM hitl.decided WHERE thread_id = $thread"), 1, 'it asked once');

$holder = hold('mail', 3);
$thread = start(800);
my $pid = waiting(3);
poll($node, 'postgres', "EXISTS (SELECT FROM mia.note WHERE thread_id = $thread AND node = 'book')", 'one sibling is done, the other runs');
kill_9($pid, $holder);
done_once($thread, '800', 'executor killed in the second of two siblings');
is(sql("SELECT attempt FROM hitl.task WHERE thread_id = $thread AND node = 'book'"), 0, 'the finished one was not run again');

# a session that is not an executor
$thread = start(4300);
is(settled($thread), 'interrupted', 'another one asks');
$holder = hold('close', 4);
my $session = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'mia' ]);
$pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_until(qr/now/, "\\echo now\nSELECT hitl.resume($thread, '{\"type\": \"approve\"}');\n");
is(waiting(4), $pid, 'resume() runs the thread here and now');
is(sql("SELECT status FROM hitl.threads WHERE thread_id = $thread"), 'interrupted', 'nobody has seen anything of it');
$session->{run}->signal('KILL');	# the client; the server's side is next
kill_9($pid, $holder);
is(question($thread) ne '', 1, 'resume() killed: the question is open again, with all that followed undone');
is(sql("SELECT count(*) FROM mia.note WHERE thread_id = $thread"), 0, 'and nothing done');
sql('SELECT hitl.approve(' . question($thread) . ')');
done_once($thread, '4300', 'answered again');

# --- kill -9 of a reviewer's session in its transaction

$thread = start(4400);
is(settled($thread), 'interrupted', 'a third one asks');
$question = question($thread);
$session = $node->background_psql('postgres', on_error_stop => 0);
$pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_safe("BEGIN; SELECT hitl.approve($question, comment => 'fine')");
kill_9($pid, $session);
is(question($thread), $question, 'a decision that was not committed is none');
is(sql("SELECT count(*) FROM hitl.timeline WHERE thread_id = $thread AND event = 'decided'"), 0, 'nor on the record');
sql("SELECT hitl.approve($question)");
done_once($thread, '4400', 'it is taken when given again');

# --- the server goes down between the decision and what follows from it

sql("ALTER SYSTEM SET hitl.max_executors = 0; SELECT pg_reload_conf()");
poll($node, 'postgres', workers('executor') . ' = 0', 'no executor is there');
$session = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'mia' ]);
my @threads = map { $session->query_safe("SELECT hitl.start('refund', '{\"amount\": $_}')") } 5000 .. 5003;
$session->query_safe('CALL hitl.run_pending()');
my @questions = map { question($_) } @threads;
sql("SELECT hitl.approve($questions[0])");
sql("SELECT hitl.edit($questions[1], '{\"amount\": 1}')");
sql("SELECT hitl.reject($questions[2], 'no')");
my $open = $node->background_psql('postgres', on_error_stop => 0);
$open->query_safe("BEGIN; SELECT hitl.approve($questions[3])");
$node->stop('immediate');
eval { $_->quit } for ($session, $open);
$node->append_conf('postgresql.conf', 'hitl.max_executors = 3');
unlink $node->data_dir . '/postgresql.auto.conf';
$node->start;
done_once($threads[0], '5000', 'server stopped between decision and resumption');
done_once($threads[1], '1', 'the edit is there too');
is(settled($threads[2]), 'done', 'and the rejection');
is(sql("SELECT count(*) FROM mia.refund WHERE thread_id = $threads[2]"), 0, 'which pays nothing');
is(settled($threads[3]), 'interrupted', 'the answer that was not committed is none');
is(question($threads[3]), $questions[3], 'the question stands');
my ($status, $out, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT hitl.reject($questions[0])");
like($error, qr/ERROR:  IH001.*DETAIL:  It was decided by "postgres" at .*: approve/s, 'a late answer is told of the first');

# --- a restart with threads parked

$node->restart;
is(settled($threads[3]), 'interrupted', 'restarted: a parked thread is still parked');
is(sql("SELECT action, args->>'amount' FROM hitl.pending"), 'refund|5003', 'with its question');
sql("SELECT hitl.approve($questions[3])");
done_once($threads[3], '5003', 'and goes on');

# --- an executor, and a session that runs nodes, are asked to end

$holder = hold('risky', 5);
$thread = start(700);
$pid = waiting(5);
is(sql("SELECT pg_terminate_backend($pid)"), 't', 'an executor is terminated');
poll($node, 'postgres', "(SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 5 AND NOT granted) <> $pid", 'another one runs the node');
$holder->query_safe('SELECT pg_advisory_unlock(5)');
$holder->quit;
done_once($thread, '700', 'terminated');
is(sql("SELECT attempt FROM hitl.task WHERE thread_id = $thread AND node = 'risky'"), 0, 'it does not count against the node');
sql('TRUNCATE mia.door');

# idle ones
sql("SELECT count(pg_terminate_backend(pid)) FROM hitl.worker_status WHERE process = 'executor'");
done_once(start(600), '600', 'idle executors were terminated');
sql("SELECT count(pg_terminate_backend(pid)) FROM hitl.worker_status WHERE pid IS NOT NULL");
done_once(start(500), '500', 'every process was terminated');

# a transaction that was to run something and ends: what it held is for the others, at once
sql('ALTER SYSTEM SET hitl.max_executors = 0; SELECT pg_reload_conf()');
poll($node, 'postgres', workers('executor') . ' = 0', 'no executor is there');
$thread = start(400);
$session = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'mia' ]);
$pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_safe('SET client_min_messages = warning; BEGIN; CALL hitl.run_pending()');
sql('ALTER SYSTEM RESET hitl.max_executors; SELECT pg_reload_conf()');
my $other = start(300);
done_once($other, '300', 'a session sits on a thread; others are run');
is(sql("SELECT status FROM hitl.threads WHERE thread_id = $thread"), 'running', 'it has it still');
sql("SELECT pg_terminate_backend($pid)");
done_once($thread, '400', 'when it is gone');
eval { $session->quit };

# --- votes: the server goes down after the first, after the last, after a decision was reopened, and after a deadline

sql(q{
	CREATE ROLE clerks;
	CREATE ROLE rita LOGIN IN ROLE clerks;
	CREATE ROLE rolf LOGIN IN ROLE clerks;
	GRANT USAGE ON SCHEMA hitl TO clerks;
	SELECT hitl.create_policy('two', '{"groups": ["clerks"], "quorum": 2, "previous_decider_may_decide": true, "expires_in": "1 hour", "on_expiry": "reject"}');
	SELECT hitl.create_rule('two', policy => 'two', graph => 'refund', args => '$.amount >= 6000')});
sub as { my ($who, $query) = @_; return $node->safe_psql('postgres', $query, extra_params => [ '-U', $who ]); }

sql('ALTER SYSTEM SET hitl.max_executors = 0; SELECT pg_reload_conf()');
poll($node, 'postgres', workers('executor') . ' = 0', 'no executor is there');
$session = $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'mia' ]);
@threads = map { $session->query_safe("SELECT hitl.start('refund', '{\"amount\": $_}')") } 6000 .. 6005;
$session->query_safe('CALL hitl.run_pending()');
$session->quit;
@questions = map { question($_) } @threads;
as('rita', "SELECT hitl.approve($_)") for @questions[0 .. 4];
as('rolf', "SELECT hitl.approve($_)") for @questions[1 .. 3];
as('rolf', "SELECT hitl.reopen($questions[2], 'the wrong customer')");
sql("SELECT hitl.set_deadline($questions[5], expires_at => now() - interval '1 minute')");
poll($node, 'postgres', "(SELECT status = 'expired' FROM hitl.interrupt WHERE interrupt_id = $questions[5])", 'one has expired');
my @open = map { $node->background_psql('postgres', on_error_stop => 0, extra_params => [ '-U', 'rolf' ]) } 1 .. 2;
$open[0]->query_safe("BEGIN; SELECT hitl.reopen($questions[3], 'not committed')");
$pid = $open[1]->query_safe('SELECT pg_backend_pid()');
$open[1]->query_safe("BEGIN; SELECT hitl.approve($questions[4])");
kill_9($pid, $open[1]);
eval { $open[0]->quit };
is(sql("SELECT status || ' ' || (SELECT count(*) FROM hitl.vote v WHERE v.interrupt_id = i.interrupt_id) FROM hitl.interrupt i WHERE interrupt_id = $questions[4]"),
	'pending 1', 'the last vote was not committed: the first stands alone');
is(sql("SELECT string_agg(status, ' ' ORDER BY interrupt_id) FROM hitl.interrupt WHERE interrupt_id IN ($questions[1], $questions[2], $questions[3])"),
	'decided superseded decided', 'decided; reopened; not reopened');
is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
$node->stop('immediate');
$node->start;
sql('ALTER SYSTEM RESET hitl.max_executors; SELECT pg_reload_conf()');
done_once($threads[$_], 6000 + $_, 'the last vote was in') for 1, 3;
is(settled($threads[5]), 'done', 'what has expired goes on');
is(sql("SELECT count(*) FROM mia.refund WHERE thread_id = $threads[5]"), 0, 'with the no of its deadline');
is(settled($threads[$_]), 'interrupted', 'a vote is missing') for 0, 2, 4;
as('rolf', "SELECT hitl.approve($questions[$_])") for 0, 4;
for my $who ('rita', 'rolf') { as($who, 'SELECT hitl.approve(' . question($threads[2]) . ')'); }
done_once($threads[$_], 6000 + $_, 'the last vote comes later') for 0, 2, 4;

is(sql('SELECT count(*), count(DISTINCT thread_id) FROM mia.refund WHERE amount > 0'),
	sql("SELECT count(*), count(*) FROM hitl.threads WHERE status = 'done' AND hitl.get_state(thread_id)->>'amount' NOT IN ('5002', '6005')"), 'a refund for each thread but the rejected ones');
is(sql('SELECT count(*) FROM hitl.run_queue'), 0, 'nothing is left to run');
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:/, 'no failure of an assertion');
done_testing();
