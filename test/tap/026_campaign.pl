# 026_campaign.pl: a graph with everything in it runs in the executors of two owners, while every few hundred milliseconds
# something is killed: an executor, a session in the middle of decide(), the whole server with kill -9, or all at once by an
# immediate stop; or an executor is terminated or cancelled.  Reviewers answer what is open with idempotency keys, and answer
# again what they do not know to have been taken.
#
# In the end every thread is done, each effect is there once, nobody was asked twice, and the states are those of the same
# inputs run on the same server without a crash.
#
#   FULL=1           200 cycles instead of 20 (CYCLES=n for another number)
#   HITL_SEED=n      repeats the choices of a run

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use IPC::Run;
use List::Util qw(shuffle);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $CYCLES = $ENV{CYCLES} || ($ENV{FULL} ? 200 : 20);
my $THREADS = 4;	# started in each cycle
my $seed = $ENV{HITL_SEED} || int(time);
my $began = time;
srand($seed);
note "HITL_SEED=$seed repeats the choices of this run";

# max_crashes: a node that is killed three times by us would be taken for one that kills
my $node = start_server('campaign', 'hitl.max_executors = 4', 'hitl.max_crashes = 1000', "hitl.executor_idle_timeout = '200ms'", "hitl.dispatcher_idle_timeout = '100ms'",
	"hitl.sweep_interval = '500ms'", "log_statement = 'none'", 'wal_level = minimal', 'max_wal_senders = 0', 'checkpoint_timeout = 30s');

# --- the graph
#
#   plan -> an item for each of state.items (sends; they fail a few times, and ask a step for a quote)
#           legal (one question) -> filed
#           budget (two questions in one node, a step between them)
#           pays (in continue mode: some questions, in a loop over a query, in a function that it calls)
#           review (a subgraph: check asks, stamp)
#   all of them -> settle (a join over unequal ways) -> plan again, for state.rounds rounds
#                                                     -> book; mail, behind a gate
#
# Whatever happens is said by the input alone (chance), so that a run can be compared with another.  did() notes an effect
# under a key of its own, so that a second one would be an error, counts it without one, and takes its time; what a subgraph
# does is its root's.

$node->safe_psql('postgres', q{
	CREATE EXTENSION hitl;
	CREATE TABLE effect (thread_id bigint, effect text, PRIMARY KEY (thread_id, effect));
	CREATE TABLE tally (thread_id bigint PRIMARY KEY, n int NOT NULL);
	GRANT ALL ON effect, tally TO public;
	CREATE FUNCTION chance(n int, VARIADIC words text[]) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT (('x' || left(md5(array_to_string(words, ' ')), 7))::bit(28)::int) % n $$;
	CREATE FUNCTION did(effect text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		root bigint := hitl.context()->'root_id';
	BEGIN
		INSERT INTO public.effect VALUES (root, effect);
		INSERT INTO public.tally VALUES (root, 1) ON CONFLICT (thread_id) DO UPDATE SET n = tally.n + 1;
		PERFORM pg_sleep(random() * 0.005);
	END $$;
	-- what reviewers say to a question: always the same to the same
	CREATE FUNCTION verdict(action text, args jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
		SELECT CASE public.chance(4, action, args::text) WHEN 0 THEN jsonb_build_object('type', 'edit', 'edits', jsonb_build_object('amount', public.chance(500, args::text)))
			WHEN 1 THEN '{"type": "reject", "reason": "no"}' WHEN 2 THEN jsonb_build_object('type', 'respond', 'response', jsonb_build_object('said', action)) ELSE '{"type": "approve"}' END $$});

my $retry = '"retry": {"max_attempts": 1000, "initial_interval": 0.02, "backoff_factor": 1, "jitter": false}';
for my $role ('mia', 'tom')
{
	$node->safe_psql('postgres', qq{
		CREATE ROLE $role LOGIN;
		SELECT hitl.grant_author('$role');
		CREATE SCHEMA $role AUTHORIZATION $role;
		SET ROLE $role;
		SET search_path = $role, public;
		CREATE FUNCTION plan(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			round int := coalesce((state->>'round')::int, 0) + 1;
		BEGIN
			PERFORM did('plan ' || round);
			RETURN jsonb_build_object('round', round, 'log', 'plan ' || round);
		END \$\$;
		CREATE FUNCTION fan(state jsonb) RETURNS jsonb LANGUAGE sql AS \$\$
			SELECT '["legal", "budget", "pays", "review"]' || (SELECT jsonb_agg(hitl.send('item', jsonb_build_object('seed', state->'seed', 'round', state->'round', 'i', i)) ORDER BY i)
				FROM generate_series(1, (state->>'items')::int) i) \$\$;
		CREATE FUNCTION quote(args jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		BEGIN
			PERFORM did('quote ' || (args->>'for'));
			IF (hitl.context()->>'attempt')::int = 0 AND chance(4, args::text) = 0 THEN RAISE EXCEPTION 'no quote today'; END IF;
			RETURN to_jsonb(chance(1000, args::text));
		END \$\$;
		CREATE FUNCTION item(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			name text := concat_ws(' ', 'item', state->'round', state->'i');
			price jsonb := '1';
		BEGIN
			PERFORM did(name);
			IF chance(2, state::text) = 0 THEN price := hitl.step('quote', '$role.quote(jsonb)', jsonb_build_object('for', name, 'seed', state->'seed')); END IF;
			IF (hitl.context()->>'attempt')::int < chance(3, state::text) THEN RAISE EXCEPTION 'the % failed', name; END IF;
			RETURN jsonb_build_object('total', price, 'log', name, 'tags', jsonb_build_array(state->'i'));
		END \$\$;
		CREATE FUNCTION legal(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			decision jsonb;
		BEGIN
			PERFORM did('legal asked ' || (state->>'round'));
			decision := hitl.interrupt(jsonb_build_object('action', 'legal', 'args', jsonb_build_object('seed', state->'seed', 'round', state->'round')));
			PERFORM did('legal said ' || (state->>'round'));
			RETURN jsonb_build_object('legal', decision - 'at', 'log', 'legal ' || (decision->>'type'));
		END \$\$;
		CREATE FUNCTION budget(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			low jsonb;
			rate jsonb;
			high jsonb;
		BEGIN
			PERFORM did('budget asked ' || (state->>'round'));
			low := hitl.interrupt(jsonb_build_object('action', 'low', 'args', jsonb_build_object('seed', state->'seed', 'round', state->'round', 'amount', 1)), key => 'low');
			rate := hitl.step('rate', '$role.quote(jsonb)', jsonb_build_object('for', 'rate ' || (state->>'round'), 'seed', state->'seed'));
			high := hitl.interrupt(jsonb_build_object('action', 'high', 'args', (low->'args') || jsonb_build_object('rate', rate)), key => 'high');
			PERFORM did('budget spent ' || (state->>'round'));
			RETURN jsonb_build_object('total', high->'args'->'amount', 'budget', jsonb_build_array(low->'type', high->'type'), 'log', 'budget');
		END \$\$;
		-- each effect is committed with the next question, and not done again; a failure goes back to the last one
		CREATE FUNCTION ask_pay(state jsonb, name text) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			decision jsonb;
		BEGIN
			PERFORM did(name || ' asked');
			decision := hitl.interrupt(jsonb_build_object('action', 'pay', 'args', jsonb_build_object('seed', state->'seed', 'round', state->'round', 'name', name)));
			PERFORM did(name || ' said');
			IF (hitl.context()->>'attempt')::int < chance(2, decision->>'type', name) THEN RAISE EXCEPTION 'no money yet'; END IF;
			RETURN decision->'type';
		END \$\$;
		CREATE FUNCTION pays(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			r record;
			said jsonb;
			results jsonb := '[]';
		BEGIN
			PERFORM did('pays ' || (state->>'round'));
			FOR r IN SELECT concat_ws(' ', 'pay', state->>'round', i) AS name FROM generate_series(1, 1 + chance(3, state->>'seed', state->>'round')) i LOOP
				said := ask_pay(state, r.name);
				results := results || said;
			END LOOP;
			RETURN jsonb_build_object('paid', results, 'log', 'pays');
		END \$\$;
		CREATE FUNCTION check_it(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			decision jsonb;
		BEGIN
			PERFORM did('review asked ' || (state->>'round'));
			decision := hitl.interrupt(jsonb_build_object('action', 'review', 'args', state));
			RETURN jsonb_build_object('verdict', decision->'type');
		END \$\$;
		CREATE FUNCTION stamp(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		BEGIN
			PERFORM did('review stamped ' || (state->>'round'));
			IF (hitl.context()->>'attempt')::int < chance(2, state::text) THEN RAISE EXCEPTION 'no ink'; END IF;
			RETURN jsonb_build_object('stamped', true);
		END \$\$;
		SELECT hitl.define('{"graph": "$role review", "nodes": {"check": {"handler": "check_it", $retry}, "stamp": {"handler": "stamp", $retry}}, "edges": [["START", "check"], ["check", "stamp"], ["stamp", "END"]]}');
		CREATE FUNCTION note(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			name text := (hitl.context()->>'node') || ' ' || (state->>'round');
		BEGIN
			PERFORM did(name);
			RETURN jsonb_build_object('log', name, 'letter', jsonb_build_object('seed', state->'seed', 'amount', state->'total', 'is_dull', chance(2, state->>'seed') = 0));
		END \$\$;
		CREATE FUNCTION more(state jsonb) RETURNS text[] LANGUAGE sql AS \$\$
			SELECT CASE WHEN state->'round' < state->'rounds' THEN array['plan'] ELSE array['book', 'mail'] END \$\$;
		CREATE FUNCTION closes(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE
			name text := hitl.context()->>'node';
		BEGIN
			PERFORM did(name);
			RETURN jsonb_build_object(name, 'done');
		END \$\$;
		SELECT hitl.define('{"graph": "$role", "recursion_limit": 100,
			"channels": {"log": {"reducer": "append", "initial": []}, "total": {"reducer": "add", "initial": 0}, "tags": "union"},
			"nodes": {"plan": {"handler": "plan", $retry}, "item": {"handler": "item", $retry}, "legal": {"handler": "legal", $retry}, "budget": {"handler": "budget", $retry},
				"pays": {"handler": "pays", "suspend": "continue", $retry},
				"review": {"subgraph": {"graph": "$role review", "input": {"seed": "seed", "round": "round"}, "output": {"review": "verdict", "stamped": "stamped"}}},
				"filed": {"handler": "note", $retry}, "settle": {"handler": "note", $retry}, "book": {"handler": "closes", $retry},
				"mail": {"handler": "closes", $retry, "gate": {"args": "\$.letter", "skip_when": "\$.is_dull == true"}}},
			"edges": [["START", "plan"], ["legal", "filed"], ["book", "END"], ["mail", "END"]],
			"joins": [{"sources": ["item", "filed", "budget", "pays", "review"], "target": "settle"}],
			"conditional_edges": [{"source": "plan", "router": "fan(jsonb)", "map": null}, {"source": "settle", "router": "more(jsonb)"}]}')});
}

# --- the clients
#
# Each runs a script over and over until its server is gone.  A line of output is what it was told.

my $folder = PostgreSQL::Test::Utils::tempdir();
my $n_clients = 0;
my %told = (started => {}, decided => {});
my %tried;
my @errors;
my $decide = q{hitl.decide(interrupt_id, verdict(action, args), idempotency_key => 'key ' || interrupt_id)};
my %script = (
	# answers what is open; 'trying' is what it says before
	reviewer => qq{\\set i 0
		SELECT interrupt_id AS i FROM hitl.pending ORDER BY random() LIMIT 1 \\gset
		SELECT 'trying', :i;
		SELECT 'decided', interrupt_id, (d).status FROM (SELECT interrupt_id, $decide AS d FROM hitl.interrupt WHERE interrupt_id = :i) x;
		SELECT FROM pg_sleep(0.005);\n} x 300,
	# the same, but is a while in the middle of it
	slow => qq{\\set i 0
		SELECT interrupt_id AS i FROM hitl.pending ORDER BY random() LIMIT 1 \\gset
		SELECT 'trying', :i;
		SELECT 'decided', interrupt_id, (d).status FROM (SELECT interrupt_id, $decide AS d, pg_sleep(0.1) FROM hitl.interrupt WHERE interrupt_id = :i) x;
		SELECT FROM pg_sleep(0.01);\n} x 50,
	runner => "CALL hitl.run_pending(5);\nSELECT FROM pg_sleep(0.01);\n" x 300);

# Starts a client; it reads and writes files, so that it needs no attention.
sub client
{
	my ($name, $script, $user) = @_;
	my $file = "$folder/" . ++$n_clients;

	append_to_file("$file.sql", "SET client_min_messages = error;\n$script");
	local $ENV{PGAPPNAME} = $name;
	my $run = IPC::Run::start([ 'psql', '-XqAt', '-F', ' ', '-v', 'VERBOSITY=verbose', '-U', $user || 'postgres', '-d', $node->connstr('postgres') ],
		'<', "$file.sql", '>', $file, '2>', "$file.err");
	return [ $run, $file ];
}

# Ends a client that is still there, as a crash of its machine would; keeps what it was told, and errors that no crash explains.
sub harvest
{
	my ($client) = @_;
	my ($run, $file) = @$client;

	$run->signal('KILL') if eval { $run->pumpable };
	eval { $run->finish };
	for (split /\n/, slurp_file($file))
	{
		# a line that is cut off has not been told
		$told{started}{$1} = $2 if /^started (\d+) (\d+)$/;
		$told{decided}{$1} = 1 if /^decided (\d+) decided$/;
		$tried{$1} = 1 if /^trying ([1-9]\d*)$/;
	}
	push @errors, grep { /ERROR:|FATAL:/ && !/(ERROR|FATAL): +57P0[123]|the database system is/ } split /\n/, slurp_file("$file.err");
	unlink $file, "$file.sql", "$file.err";
	return;
}

# The input of a thread, and its start under a name, which may be repeated.
sub start_of
{
	my ($number, $key) = @_;
	my $graph = $number % 2 ? 'mia' : 'tom';

	return "SELECT 'started', $number, hitl.start('$graph', jsonb_build_object('seed', $number, 'items', 1 + chance(5, '$number'), 'rounds', 1 + chance(3, 'rounds', '$number')), key => '$key $number');\n";
}

# --- what is done to them

sub query
{
	my ($sql) = @_;
	my ($status, $out) = $node->psql('postgres', $sql);

	return defined $status && $status == 0 ? $out : '';
}

sub kill_pid
{
	my ($where) = @_;
	my $pid = query("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND $where ORDER BY random() LIMIT 1");

	return $pid =~ /^\d+$/ && kill_process($pid);
}

# All processes of the server at once, as a failure of power would.
sub kill_all
{
	my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	my @children;

	for my $stat (glob '/proc/[0-9]*/stat')
	{
		open my $file, '<', $stat or next;
		my $line = <$file>;
		close $file;
		push @children, $1 if defined $line && $line =~ /^(\d+) \(.*\) \S \Q$postmaster\E /s;
	}
	kill 'KILL', $postmaster, @children;
	for (1 .. 1000)
	{
		last unless grep { kill(0, $_) } $postmaster, @children;
		usleep(10_000);
	}
	$node->{_pid} = undef;
	return $node->start;
}

my $executor = "backend_type LIKE 'hitl executor%'";
my %ways = (
	'kill -9 an executor' => sub { return kill_pid($executor) && poll_launcher($node); },
	'kill -9 in decide()' => sub { return kill_pid("application_name = 'slow' AND state = 'active' AND query LIKE '%decide%'") && poll_launcher($node); },
	'kill -9 everything' => sub { return kill_all(); },
	'stop immediately' => sub { $node->stop('immediate'); return $node->start; },
	'terminate executors' => sub { return query("SELECT count(pg_terminate_backend(pid)) > 0 FROM pg_stat_activity WHERE $executor AND random() < 0.7") eq 't'; },
	'cancel executors' => sub { return query("SELECT count(pg_cancel_backend(pid)) > 0 FROM pg_stat_activity WHERE $executor AND random() < 0.7") eq 't'; });

my %done;
my @next;
my $number = 0;
for my $cycle (1 .. $CYCLES)
{
	# what was not acknowledged is started again, under the same name; what may not have been taken is answered again
	my @starts = map { start_of($_, 'crash') } grep { !$told{started}{$_} } 1 .. ($number += $THREADS);
	my @again = ((shuffle(sort keys %tried))[0 .. 9], grep { !$told{decided}{$_} } sort keys %tried);
	my @clients = (client('author', join('', @starts)), client('reviewer', $script{reviewer}), client('slow', $script{slow}),
		client('repeats', join('', map { "SELECT 'decided', interrupt_id, (d).status FROM (SELECT interrupt_id, $decide AS d FROM hitl.interrupt WHERE interrupt_id = $_) x;\n" } grep { defined } @again)),
		client('runner', $script{runner}, rand() < 0.5 ? 'mia' : 'tom'));

	# several of those that leave the server up; one of those that do not.  Each has its turn, in any order.
	for (1 .. 4)
	{
		@next = shuffle(sort keys %ways) unless @next;
		my $way = shift @next;

		usleep(50_000 + rand(250_000));
		if ($ways{$way}->()) { $done{$way}++; }
		else { push @next, $way; }
		last unless $way =~ /executors/;
	}
	harvest($_) for @clients;
	next unless $cycle % 20 == 0 || $cycle == $CYCLES;
	query('ANALYZE');
	is(query('SELECT invariant, thread_id, detail FROM hitl.check()'), '', "cycle $cycle: the rows are in order");
}
note join(', ', map { "$_: $done{$_}" } sort keys %done), sprintf('; %.0f s', time - $began);
is(scalar(keys %done), scalar(keys %ways), 'everything was done to them');

# --- and then in peace

sub finish_all
{
	my ($key, $name) = @_;
	my $client = client('author', join('', map { start_of($_, $key) } 1 .. $number));

	eval { $client->[0]->finish };
	harvest($client);
	$node->safe_psql('postgres', qq{
		SET hitl.max_bulk_decisions = 0;
		DO \$\$ BEGIN
			LOOP
				PERFORM $decide FROM hitl.pending;
				COMMIT;
				EXIT WHEN NOT EXISTS (SELECT FROM hitl.threads WHERE status IN ('running', 'interrupted'));
				PERFORM pg_sleep(0.02);
			END LOOP;
		END \$\$}, timeout => 5 * $PostgreSQL::Test::Utils::timeout_default);
	is($node->safe_psql('postgres', "SELECT status, count(*) FROM hitl.threads WHERE depth = 0 GROUP BY status"), "done|$name", 'every thread is done');
	return;
}

# A failed query: which threads of the two runs, by their numbers, differ.
sub differ
{
	my ($expression, $name) = @_;

	is($node->safe_psql('postgres', qq{SELECT s, a, b FROM generate_series(1, $number) s, LATERAL (SELECT CASE WHEN s % 2 = 1 THEN 'mia' ELSE 'tom' END) g (g),
			LATERAL (SELECT hitl.thread_id(g, 'crash ' || s), hitl.thread_id(g, 'peace ' || s)) t (c, p),
			LATERAL (SELECT (SELECT $expression FROM (SELECT c) x (t)), (SELECT $expression FROM (SELECT p) x (t))) y (a, b) WHERE a IS DISTINCT FROM b OR a IS NULL LIMIT 5}), '', $name);
	return;
}

finish_all('crash', $number);
is($node->safe_psql('postgres', "SELECT count(*) FROM hitl.threads WHERE status <> 'done'"), 0, 'with all that is below it');
is($node->safe_psql('postgres', 'SELECT sqlstate, message, count(*) FROM hitl.failed GROUP BY 1, 2'), '', 'and none has failed');
finish_all('peace', 2 * $number);
$node->safe_psql('postgres', 'ANALYZE');
differ('hitl.get_state(t)', 'the states are those of a run without crashes');
differ("(SELECT string_agg(effect, ', ' ORDER BY effect) FROM effect WHERE thread_id = t)", 'so are the effects');
differ("(SELECT n - (SELECT count(*) FROM effect e WHERE e.thread_id = t) FROM tally WHERE thread_id = t)", 'each of them is counted once');
differ("(SELECT string_agg(concat_ws(' ', h.depth, i.step, node, key, action, args, i.status, decision - 'at'), ', ' ORDER BY args->'round', depth, i.step, node, key) FROM hitl.interrupt i JOIN hitl.threads h USING (thread_id) WHERE h.root_id = t)", 'the same was asked and answered');
differ("(SELECT jsonb_agg(jsonb_build_array(h.step, h.nodes, h.delta) ORDER BY h.step) FROM hitl.state_history(t) h)", 'super-step by super-step');
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT FROM hitl.interrupt GROUP BY thread_id, task_id, key HAVING count(*) > 1) x'), 0, 'nobody was asked twice');
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT FROM hitl.vote GROUP BY interrupt_id HAVING count(*) > 1) x'), 0, 'one answer is one vote, however often it was given');
is($node->safe_psql('postgres', "SELECT count(*) FROM tally t WHERE n <> (SELECT count(*) FROM effect e WHERE e.thread_id = t.thread_id)"), 0, 'the tally is that of the effects');

# what was said stays true
my %there = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', 'SELECT thread_id FROM hitl.threads');
is(join(' ', grep { !$there{ $told{started}{$_} } } sort keys %{ $told{started} }), '', 'every thread that was started is there');
%there = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', 'SELECT interrupt_id FROM hitl.decided');
is(join(' ', grep { !$there{$_} } sort keys %{ $told{decided} }), '', 'every answer that was taken is there');
is(join("\n", @errors), '', 'no client was refused, not those either who answered again');
is($node->safe_psql('postgres', 'SELECT count(*) FROM hitl.run_queue'), 0, 'nothing is left to run');
is($node->safe_psql('postgres', 'SELECT invariant, thread_id, detail FROM hitl.check()'), '', 'the rows are in order');
note $node->safe_psql('postgres', q{SELECT format('%s threads, %s tasks, %s questions, %s effects', (SELECT count(*) FROM hitl.threads), (SELECT count(*) FROM hitl.task), (SELECT count(*) FROM hitl.interrupt), (SELECT count(*) FROM effect))}),
	sprintf(', %d answers by clients that were killed now and then; %.0f s in all', scalar(keys %tried), time - $began);
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:|could not record a run/, 'no failure of an assertion, no run that could not be recorded');
done_testing();
