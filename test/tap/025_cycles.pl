# 025_cycles.pl: the server, or one of its processes, is killed twenty times at random moments under a load of refunds.
# What a client was told stays true: the thread that it started is there, the decision that it gave is.  In the end
# every thread is done, and each refund was made once.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $CYCLES = 20;
my $seed = $ENV{HITL_SEED} || time;
srand($seed);
note "HITL_SEED=$seed repeats the choices of this run";

my $node = start_server('cycles', 'hitl.max_executors = 4', "hitl.executor_idle_timeout = '200ms'", "hitl.dispatcher_idle_timeout = '100ms'",
	"hitl.sweep_interval = '500ms'", "log_statement = 'none'", 'wal_level = minimal', 'max_wal_senders = 0', 'checkpoint_timeout = 30s');

# Two authors, so that executors come and go.  The refund has three super-steps: risky asks above 1000 and pays; book and
# mail run side by side; close.  No key keeps a second refund out of the table: it would be seen.
for my $role ('mia', 'tom')
{
	$node->safe_psql('postgres', qq{
		DO \$\$ BEGIN
			IF '$role' = 'mia' THEN
				CREATE EXTENSION hitl;
				CREATE TABLE public.note (thread_id bigint, node text, amount numeric);
				GRANT ALL ON public.note TO public;
			END IF;
		END \$\$;
		CREATE ROLE $role LOGIN;
		SELECT hitl.grant_author('$role');
		CREATE SCHEMA $role AUTHORIZATION $role;
		SET ROLE $role;
		SET search_path = $role;
		CREATE FUNCTION note(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			node text := hitl.context()->>'node';
		BEGIN
			INSERT INTO public.note VALUES (hitl.current_thread(), node);
			PERFORM pg_sleep(random() * 0.01);
			RETURN jsonb_build_object(node, 'done');
		END \$\$;
		CREATE FUNCTION risky(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			decision jsonb;
		BEGIN
			IF (state->>'amount')::numeric > 1000 THEN
				decision := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', jsonb_build_object('amount', state->'amount')));
				IF decision->>'type' = 'reject' THEN
					RETURN '{"refused": true}';
				END IF;
				state := state || (decision->'args');
			END IF;
			INSERT INTO public.note VALUES (hitl.current_thread(), 'risky', (state->>'amount')::numeric);
			PERFORM pg_sleep(random() * 0.01);
			RETURN '{"paid": true}';
		END \$\$;
		SELECT hitl.create_graph('$role'), hitl.add_node('$role', 'risky', 'risky'), hitl.add_node('$role', 'book', 'note'),
			hitl.add_node('$role', 'mail', 'note'), hitl.add_node('$role', 'close', 'note');
		SELECT hitl.add_edge('$role', split_part(e, ' ', 1), split_part(e, ' ', 2))
		FROM unnest(array['START risky', 'risky book', 'risky mail', 'book close', 'mail close', 'close END']) e;
		SELECT hitl.compile('$role')});
}

# What the clients do, over and over until their server is gone.  A line of output is what they were told.
my %script = (
	author => q{SELECT 'started', hitl.start(case when random() < 0.5 then 'mia' else 'tom' end, jsonb_build_object('amount', (random() * 2000)::int));
		SELECT FROM pg_sleep(0.03);},
	reviewer => q{SELECT 'decided', i, (hitl.decide(i, d)).status, d->>'type' FROM
		(SELECT interrupt_id AS i, CASE WHEN random() < 0.7 THEN '{"type": "approve"}' WHEN random() < 0.5 THEN '{"type": "reject"}'
			ELSE '{"type": "edit", "edits": {"amount": 77}}' END::jsonb AS d
		FROM hitl.pending ORDER BY random() LIMIT 1) x;
		SELECT FROM pg_sleep(0.01);},
	runner => q{CALL hitl.run_pending(3); SELECT FROM pg_sleep(0.01);});
my %told = (started => {}, decided => {});
my $folder = PostgreSQL::Test::Utils::tempdir();
PostgreSQL::Test::Utils::append_to_file("$folder/$_", "$script{$_}\n" x 500) for keys %script;

# Starts a client; it reads and writes files, so that it needs no attention.
sub client
{
	my ($name, $number) = @_;
	my $file = "$folder/$number";
	my $run = IPC::Run::start([ 'psql', '-XqAt', '-F', ' ', '-U', $name eq 'runner' ? 'mia' : 'postgres', '-d', $node->connstr('postgres') ], '<', "$folder/$name", '>', $file, '2>', "$file.err");

	return [ $run, $file ];
}

sub harvest
{
	my ($client) = @_;

	eval { $client->[0]->finish };
	for (split /\n/, slurp_file($client->[1]))
	{
		# a line that is cut off has not been told
		$told{started}{$1} = 1 if /^started (\d+)$/;
		$told{decided}{$1} = $2 if /^decided (\d+) decided (\w+)$/;
	}
	return;
}

# One of the server's processes, of any kind that a session can see.
sub victim
{
	my ($status, $out) = $node->psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (backend_type LIKE 'hitl%' OR backend_type = 'client backend') ORDER BY random() LIMIT 1");

	return $status == 0 && $out =~ /^(\d+)$/ ? $1 : undef;
}

my $n = 0;
my %ways;
for my $cycle (1 .. $CYCLES)
{
	my @clients = map { client($_, ++$n) } qw(author author reviewer reviewer runner);
	my $way = rand() < 0.5 ? 'immediate' : rand() < 0.8 ? 'kill' : 'fast';
	my $pid;

	usleep(100_000 + rand(400_000));
	$pid = victim() if $way eq 'kill';
	$way = 'immediate' if $way eq 'kill' && !$pid;
	$ways{$way}++;
	if ($way eq 'kill')
	{
		kill_process($pid);
		# the clients end when they are thrown out
		harvest($_) for @clients;
		poll_launcher($node) or BAIL_OUT('the server does not come back');
	}
	else
	{
		$node->stop($way);
		harvest($_) for @clients;
		$node->start;
	}
	my $faults = $node->safe_psql('postgres', 'SELECT invariant, thread_id, detail FROM hitl.check()');
	is($faults, '', "cycle $cycle, $way: the rows are in order");
}
note join(', ', map { "$_: $ways{$_}" } sort keys %ways), '; told: ', join(', ', map { scalar(keys %{ $told{$_} }) . " $_" } sort keys %told);

# --- what was said stays true

sub missing
{
	my ($what, $query) = @_;
	my %there = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', $query);

	is(join(' ', grep { !$there{$_} } sort keys %{ $told{$what} }), '', "everything that was $what is there");
	cmp_ok(scalar(keys %{ $told{$what} }), '>', $CYCLES, 'and it was not little');
	return;
}
missing('started', 'SELECT thread_id FROM hitl.threads');
missing('decided', 'SELECT interrupt_id FROM hitl.decided');
is(join(' ', grep { $told{decided}{$_} ne $node->safe_psql('postgres', "SELECT type FROM hitl.decided WHERE interrupt_id = $_") }
		(sort keys %{ $told{decided} })[0 .. 9]), '', 'and is what was said');

# --- everything comes to its end, once

$node->safe_psql('postgres', q{
	DO $$ BEGIN
		LOOP
			PERFORM hitl.approve(interrupt_id) FROM hitl.pending;
			COMMIT;
			EXIT WHEN NOT EXISTS (SELECT FROM hitl.threads WHERE status IN ('running', 'interrupted'));
			PERFORM pg_sleep(0.02);
		END LOOP;
	END $$}, timeout => 2 * $PostgreSQL::Test::Utils::timeout_default);
is($node->safe_psql('postgres', "SELECT count(*) FROM hitl.threads WHERE status <> 'done'"), 0, 'every thread is done');
is($node->safe_psql('postgres', q{SELECT string_agg(thread_id::text, ' ') FROM hitl.threads t
		WHERE (SELECT array_agg(n.node ORDER BY n.node) FROM note n WHERE n.thread_id = t.thread_id)
			IS DISTINCT FROM CASE WHEN hitl.get_state(thread_id) ? 'refused' THEN array['book', 'close', 'mail'] ELSE array['book', 'close', 'mail', 'risky'] END}),
	'', 'every node of it ran once, and none twice');
is($node->safe_psql('postgres', q{SELECT count(*) FROM hitl.threads t LEFT JOIN hitl.interrupt i ON i.thread_id = t.thread_id LEFT JOIN note n ON n.thread_id = t.thread_id AND n.node = 'risky'
		WHERE n.amount IS DISTINCT FROM CASE WHEN i.decision->>'type' = 'reject' THEN NULL ELSE coalesce((i.decision->'args'->>'amount')::numeric, (hitl.get_state(t.thread_id)->>'amount')::numeric) END}),
	0, 'what was paid is what was decided');
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT 1 FROM hitl.interrupt GROUP BY thread_id HAVING count(*) > 1) x'), 0, 'nobody was asked twice');
is($node->safe_psql('postgres', 'SELECT count(*) FROM hitl.run_queue'), 0, 'nothing is left to run');
is($node->safe_psql('postgres', 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:|could not record a run/, 'no failure of an assertion, no run that could not be recorded');
done_testing();
