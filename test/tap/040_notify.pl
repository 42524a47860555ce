# 040_notify.pl: a client that listens on channel hitl hears of each interrupt that opens or is decided and of each
# thread that ends, as JSON with ids only, whoever sends it; and nothing of what was rolled back.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_server('notify');
my $listener;
my $heard = '';
my $n_sentinels = 0;

add_graphs($node, 'postgres');
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.weak(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE 'secret'; END $$;
	CREATE FUNCTION public.long(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
		PERFORM pg_notify('hitl', 'from the node');
		PERFORM hitl.interrupt('{"action": "secret", "args": {"secret": 1}, "description": "secret"}');
		RETURN NULL;
	END $$;
	SELECT hitl.create_graph(g), hitl.add_node(g, g, 'public.' || g), hitl.add_edge(g, 'START', g), hitl.add_edge(g, g, 'END'), hitl.compile(g)
	FROM unnest(array['weak', 'long']) g});

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub wait_for { return wait_thread($node, 'postgres', $_[0]); }
sub question { return sql("SELECT interrupt_id FROM hitl.pending WHERE thread_id = $_[0]"); }

# Reads on until so many events have come; psql shows what has come with the answer to a query.
sub hear
{
	my ($n) = @_;
	my @events;

	for my $try (1 .. 50 * $PostgreSQL::Test::Utils::timeout_default)
	{
		$heard .= $listener->query_safe('SELECT FROM pg_sleep(0.02)');
		@events = $heard =~ /Asynchronous notification "hitl" with payload "(.*?)" received from server process with PID \d+\./g;
		last if @events >= $n;
	}
	$heard = '';
	return @events;
}

# Everything that was sent before this notification has been heard when it has.
sub hear_all
{
	my $sentinel = 'sentinel ' . ++$n_sentinels;
	my @events;

	sql("NOTIFY hitl, '$sentinel'");
	push @events, hear(1) while !grep { $_ eq $sentinel } @events;
	return grep { $_ ne $sentinel } @events;
}

# An event as words, and that it is JSON with nothing but ids in it.
sub words
{
	my ($text) = @_;
	my $event = decode_json($text);

	is(join(' ', sort keys %$event), exists $event->{interrupt_id} ? 'event interrupt_id thread_id' : 'event thread_id', "ids only: $text");
	return join(' ', grep { defined } $event->{event}, $event->{thread_id}, $event->{interrupt_id});
}

for my $mode ('worker', 'commit')
{
	$node->append_conf('postgresql.conf', "hitl.notify = '$mode'");
	$node->restart;
	$listener = $node->background_psql('postgres');
	$listener->query_safe('LISTEN hitl');
	hear_all();			# after a start: look yourself

	my $thread = start_thread($node, 'postgres', 'long');
	is(wait_for($thread), 'interrupted', "$mode: a thread asks");
	my $question = question($thread);
	is_deeply([ map { words($_) } hear(1) ], ["opened $thread $question"], 'it is heard, and nothing of the node that paused');
	sql("SELECT hitl.approve($question)");
	my @events = hear(3);
	is_deeply([ sort map { words($_) } grep { $_ ne 'from the node' } @events ], [ "decided $thread $question", "ended $thread" ], 'decided, ended');
	is(scalar(grep { $_ eq 'from the node' } @events), 1, 'and once what the node itself sent');

	$thread = start_thread($node, 'postgres', 'weak');
	is(wait_for($thread), 'failed', 'a thread fails');
	is_deeply([ map { words($_) } hear(1) ], ["ended $thread"], 'heard');
	$thread = start_thread($node, 'postgres', 'postgres_ask');
	is(wait_for($thread), 'interrupted', 'a thread asks');
	$question = question($thread);
	is_deeply([ map { words($_) } hear(1) ], ["opened $thread $question"], 'heard');
	sql("SELECT hitl.cancel($thread)");
	is_deeply([ map { words($_) } hear(1) ], ["ended $thread"], 'cancelled: heard');

	$thread = start_thread($node, 'postgres', 'postgres_ask');
	is(wait_for($thread), 'interrupted', 'a thread asks');
	$question = question($thread);
	is_deeply([ map { words($_) } hear(1) ], ["opened $thread $question"], 'heard');
	sql("BEGIN; SELECT hitl.approve($question); ROLLBACK");
	sql("BEGIN; SAVEPOINT a; SELECT hitl.approve($question); ROLLBACK TO a; SAVEPOINT b; SELECT hitl.reject($question); RELEASE b; COMMIT");
	is(wait_for($thread), 'done', 'decided at the second try');
	is_deeply([ sort map { words($_) } hear(2) ], [ "decided $thread $question", "ended $thread" ], 'heard once');
	my $state = decode_json(sql("SELECT hitl.invoke('postgres_ask')"));
	is_deeply([ map { words($_) } hear(1) ], ["opened $state->{thread_id} $state->{interrupts}[0]{interrupt_id}"], 'invoke() asks: heard');
	sql("SELECT hitl.resume($state->{thread_id}, '{\"type\": \"approve\"}')");
	is_deeply([ sort map { words($_) } hear(2) ], [ "decided $state->{thread_id} $state->{interrupts}[0]{interrupt_id}", "ended $state->{thread_id}" ],
		'resume(): heard');
	my ($started, $told) = (sql(q{SELECT count(hitl.start('postgres_quick')) FROM generate_series(1, 100)}), 0);
	my %ended = map { words($_) => 1 } hear($started);
	is(scalar(keys %ended), 100, 'a hundred at once: every one is heard');
	is_deeply([ hear_all() ], [], 'nothing else');
	$listener->quit;
}

# a session that is not yet connected when the dispatcher sends, and one in a transaction, hear it when they can
$node->append_conf('postgresql.conf', "hitl.notify = 'worker'");
$node->reload;
$listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN hitl');
$listener->query_safe('BEGIN');
my $thread = start_thread($node, 'postgres', 'postgres_quick');
is(wait_for($thread), 'done', 'a thread ends while the listener is in a transaction');
$heard .= $listener->query_safe('COMMIT');
is_deeply([ map { words($_) } hear(1) ], ["ended $thread"], 'heard afterwards');

# a prepared transaction may not notify itself
my ($status, $out, $error) = $node->psql('postgres', "SET hitl.notify = 'commit'; BEGIN; SELECT hitl.cancel(hitl.start('postgres_ask')); PREPARE TRANSACTION 'x'");
like($error, qr/cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY/, 'commit: PREPARE TRANSACTION is refused by the server');
is($node->psql('postgres', "SET hitl.notify = 'worker'; BEGIN; SELECT hitl.cancel(hitl.start('postgres_ask')); PREPARE TRANSACTION 'x'"), 0, 'worker: it is not');
sql("ROLLBACK PREPARED 'x'");

$node->append_conf('postgresql.conf', "hitl.notify = 'off'");
$node->restart;
$listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN hitl');
$thread = start_thread($node, 'postgres', 'postgres_ask');
is(wait_for($thread), 'interrupted', 'off: a thread asks');
sql('SELECT hitl.approve(' . question($thread) . ')');
is(wait_for($thread), 'done', 'and ends');
is_deeply([ hear_all() ], [], 'in silence');
$listener->quit;

is(sql('SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:/, 'no failure of an assertion');
unlike(join('', grep { !/statement: |CREATE|PERFORM|RAISE/i } split /^/, log_since($node, 0)), qr/secret/, 'our own lines in the log carry no payload');
done_testing();
