# 086_plugins.pl: continue mode beside others in PL/pgSQL's plugin slot: plpgsql_check with its profiler, pldebugger, and a
# spy of ours (test/plugin) that counts what it is told and fails on demand.  Preloaded before hitl and after it, loaded in
# the session before a node ran, after it, and while it runs.
#
# After an error at each kind of event, in the first run of a node and in a later one, in the node and in a function that it
# calls, caught by the node and not: the same functions are whole for a plain call in the same session, and the thread goes on.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($libdir) = run_command([ 'pg_config', '--pkglibdir' ]);
# no executors: all runs in the session that is looked at
my $node = start_server('plugins', 'hitl.max_executors = 0');

# With "asks": false they ask nobody, and so can be called as plain functions.
my $setup = q{
	SET client_min_messages = warning;
	CREATE EXTENSION hitl;
	CREATE TABLE log (what text);
	CREATE FUNCTION child(n int, asks bool) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		d jsonb;
		t int := 0;
	BEGIN
		FOR i IN 1..n LOOP
			IF asks THEN
				d := hitl.interrupt(to_jsonb(i));
			END IF;
			t := t + i;
		END LOOP;
		RETURN t;
	END $$;
	CREATE FUNCTION parent(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		r record;
		t int;
		s text := '';
		asks bool := (state->>'asks')::bool;
	BEGIN
		FOR r IN SELECT g FROM generate_series(2, 3) g LOOP
			t := child(r.g, asks);
			s := s || r.g || '=' || t || ' ';
		END LOOP;
		RETURN jsonb_build_object('s', s);
	END $$;
	CREATE FUNCTION adds(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN n + 1; END $$;
	CREATE FUNCTION handler(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		t int := -1;
		d jsonb;
		e text := 'none';
		asks bool := (state->>'asks')::bool;
	BEGIN
		INSERT INTO log VALUES ('began');
		BEGIN
			t := adds(1);
		EXCEPTION WHEN OTHERS THEN
			e := SQLERRM;
			IF asks THEN
				d := hitl.interrupt('"caught"');
			END IF;
			t := child(2, false);
		END;
		IF asks THEN
			d := hitl.interrupt('"last"');
		END IF;
		RETURN jsonb_build_object('t', t, 'e', e);
	END $$;
	CREATE FUNCTION deep(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		n int := 0;
		s text := '';
		x int;
	BEGIN
		WHILE n < 2 LOOP
			n := n + 1;
			<<inner>> LOOP
				CASE n
					WHEN 1 THEN
						BEGIN
							PERFORM 1 / 0;
						EXCEPTION WHEN division_by_zero THEN
							PERFORM hitl.interrupt('"handler"');
							s := s || SQLSTATE || ' ';
						END;
						EXIT inner;
					ELSE
						FOREACH x IN ARRAY '{7,8}'::int[] LOOP
							PERFORM hitl.interrupt(to_jsonb(x));
							s := s || x || ' ';
							CONTINUE inner WHEN x = 8 AND length(s) < 20;
						END LOOP;
						EXIT;
				END CASE;
			END LOOP;
		END LOOP;
		RETURN jsonb_build_object('s', s);
	END $$;
	CREATE FUNCTION graph_of(f text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM hitl.create_graph(f), hitl.add_node(f, 'n', f, suspend => 'continue'), hitl.add_edge(f, 'START', 'n'), hitl.add_edge(f, 'n', 'END');
		PERFORM hitl.compile(f);
	END $$;
	SELECT graph_of(f) FROM unnest('{parent,handler,deep}'::text[]) f;
	CREATE FUNCTION latest() RETURNS bigint LANGUAGE sql AS 'SELECT max(thread_id) FROM hitl.threads';
	CREATE FUNCTION answer_all() RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		d jsonb;
		n int := 0;
	BEGIN
		LOOP
			d := hitl.resume(latest(), '{"type": "approve"}');
			n := n + 1;
			EXIT WHEN d->>'status' <> 'interrupted';
		END LOOP;
		RETURN format('%s after %s: %s', d->>'status', n, (d->'state') - 'asks');
	END $$;
	CREATE FUNCTION spy_seen() RETURNS text LANGUAGE c AS '$libdir/hitl_spy', 'hitl_spy_seen';
	CREATE FUNCTION spy_strange() RETURNS int LANGUAGE c AS '$libdir/hitl_spy', 'hitl_spy_strange';
	CREATE FUNCTION spy_forget() RETURNS void LANGUAGE c AS '$libdir/hitl_spy', 'hitl_spy_forget';
	CREATE FUNCTION seen(function text, wanted text) RETURNS text LANGUAGE sql AS $$
		SELECT string_agg(format('%s*%s', x[2], x[3]), ' ' ORDER BY x[2]::int)
		FROM regexp_split_to_table(spy_seen(), E'\n') l, regexp_match(l, '^(\d+) ' || wanted || ' (\d+) (\d+)$') x JOIN pg_proc p ON p.oid = x[1]::oid
		WHERE proname ~ ('^' || function || '(_g[0-9]|$)') $$;
};
$node->psql('postgres', $setup, on_error_die => 1);

# One session: what it prints, a line each, and errors too.
sub session
{
	my ($out, $error);
	$node->psql('postgres', "SET client_min_messages = warning;\n" . join("\n", @_), stdout => \$out, stderr => \$error, on_error_stop => 0);
	diag($error) if $error;
	return $out;
}

my $invoke = q{SELECT hitl.invoke('parent', '{"asks": true}')->>'status';};
my $answers = 'SELECT answer_all();';
# the function itself, and the copy that the graph has of it, which is what runs
my $plain = q{SELECT parent('{"asks": false}')->>'s', child(4, false);
	SELECT format('SELECT %s(''{"asks": false}'')->>''s''', substring(shadow, '^[^(]+')) FROM hitl.graph_function WHERE signature ~ '^public.parent' \gexec
};
my $right = 'done after 5: {"s": "2=3 3=6 "}';
my $plainly = "2=3 3=6 |10\n2=3 3=6 ";

# --- beside others that are there

sub preload
{
	$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = '$_[0]'", @_[1 .. $#_]) . "\n");
	$node->restart;
	return;
}

my %has = (plpgsql_check => -e "$libdir/plpgsql_check.so", plugin_debugger => -e "$libdir/plugin_debugger.so");

for my $library ('hitl_spy', 'plpgsql_check', 'plugin_debugger')
{
	SKIP:
	{
		skip("this server has no $library", 1) unless $library eq 'hitl_spy' || $has{$library};
		my @profiler = $library eq 'plpgsql_check' ? ('plpgsql_check.profiler = on') : ();
		for my $order ("hitl, $library", "$library, hitl")
		{
			preload($order, @profiler);
			is(session($invoke, $answers, $plain, $invoke, $answers), "interrupted\n$right\n$plainly\ninterrupted\n$right", "'$order': a node goes on, and its functions are whole");
			is(session(q{SELECT hitl.invoke('deep')->>'status';}, $answers), qq(interrupted\ndone after 9: {"s": "22012 7 8 7 8 7 8 7 8 "}), 'in loops, branches and handlers');
			is(session($plain), $plainly, 'in a session without a node, too');
			$node->append_conf('postgresql.conf', "plpgsql_check.profiler = off\n") if @profiler;
		}
		# without the shared memory of preload
		preload('hitl');
		my $load = "LOAD '$library';" . ($library eq 'plpgsql_check' ? 'SET plpgsql_check.profiler = on;' : '');
		is(session($load, $invoke, $answers, $plain), "interrupted\n$right\n$plainly", "$library, loaded before a node ran");
		is(session($invoke, $load, $answers, $plain), "interrupted\n$right\n$plainly", "$library, loaded between two runs of it");
		is(session($invoke, $answers, $load, $plain, $invoke, $answers), "interrupted\n$right\n$plainly\ninterrupted\n$right", "$library, loaded after it");
	}
}

# the order of three, and each of the others in front of the other
SKIP:
{
	skip('this server has not both of plpgsql_check and pldebugger', 1) unless $has{plpgsql_check} && $has{plugin_debugger};
	for my $order ('plpgsql_check, hitl, plugin_debugger', 'plugin_debugger, hitl, plpgsql_check', 'hitl, plugin_debugger, plpgsql_check, hitl_spy')
	{
		preload($order, 'plpgsql_check.profiler = on');
		is(session($invoke, $answers, $plain), "interrupted\n$right\n$plainly", "'$order'");
	}
	$node->append_conf('postgresql.conf', "plpgsql_check.profiler = off\n");
}

# --- what they count

# A statement counts as often as in a straight run, whatever pauses it took; but what is around the place where a run goes on
# (blocks, loops, an IF) is begun by that run.
my %straight = (child => '5*2 6*2 7*5 10*5 12*2', parent => '7*1 8*1 9*2 10*2 12*1');
my %paused = (child => '5*7 6*7 7*10 8*5 10*5 12*2', parent => '7*6 8*6 9*2 10*2 12*1');

for my $order ('hitl, hitl_spy', 'hitl_spy, hitl')
{
	preload($order);
	for my $event ('stmt_beg', 'stmt_end')
	{
		my @count = map { "SELECT seen('$_', '$event');" } 'child', 'parent';
		push(@count, 'SELECT spy_strange();');
		is(session(q{SELECT parent('{"asks": false}')->>'s';}, @count), "2=3 3=6 \n$straight{child}\n$straight{parent}\n0", "'$order': $event of a straight run");
		is(session($invoke, $answers, @count), "interrupted\n$right\n$paused{child}\n$paused{parent}\n0", 'of one with pauses: no statement of ours');
	}
}

my $profiler_counts;
SKIP:
{
	skip('this server has no plpgsql_check', 1) unless $has{plpgsql_check};
	$node->safe_psql('postgres', 'CREATE EXTENSION plpgsql_check');
	# a number or, in later versions, an array of those of a line
	$profiler_counts = q{SELECT string_agg(lineno || '*' || n, ' ' ORDER BY lineno) FILTER (WHERE n <> '0')
		FROM pg_proc p, plpgsql_profiler_function_tb(p.oid), btrim(exec_stmts::text, '{}') n WHERE proname ~ '^(child$|parent_g)' GROUP BY proname ORDER BY proname;};
	for my $order ('hitl, plpgsql_check', 'plpgsql_check, hitl')
	{
		preload($order, 'plpgsql_check.profiler = on');
		is(session('SELECT FROM plpgsql_profiler_reset_all();', $invoke, $answers, $profiler_counts), "interrupted\n$right\n$paused{child}\n$paused{parent}", "'$order': the counts of its profiler");
		$node->append_conf('postgresql.conf', "plpgsql_check.profiler = off\n");
	}
}

# one that comes in front of us while a node runs is told of each statement once, and so is the one behind us.  (Not
# plpgsql_check: 2.3 crashes when it is loaded while a function runs and somebody else is in the slot.)
my $spied = q{SELECT seen('child', 'stmt_beg'); SELECT seen('parent', 'stmt_beg');};
my ($profiler, $profiled) = ('', '');
if ($has{plpgsql_check})
{
	preload('plpgsql_check, hitl', 'plpgsql_check.profiler = on');
	$profiler = $profiler_counts;
	$profiled = "\n$paused{child}\n$paused{parent}";
}
else { preload('hitl'); }
is(session(q{
	CREATE FUNCTION loads(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		LOAD 'hitl_spy';
		PERFORM hitl.interrupt('1');
		RETURN '{}';
	END $$;
	SELECT FROM graph_of('loads');
	SELECT hitl.invoke('loads')->>'status';}, $answers, 'SELECT FROM spy_forget();', $has{plpgsql_check} ? 'SELECT FROM plpgsql_profiler_reset_all();' : '',
	$invoke, $answers, $spied, $profiler, 'SELECT FROM spy_forget();', $plain, $spied, 'SELECT spy_strange();'),
	"interrupted\ndone after 1: {}\ninterrupted\n$right\n$paused{child}\n$paused{parent}$profiled\n$plainly\n5*5 6*5 7*14 10*14 12*5\n7*1 7*1 8*1 8*1 9*2 9*2 10*2 10*2 12*1 12*1\n0",
	'one that comes in front of us while a node runs: it, and the one behind us, see each statement once');
$node->append_conf('postgresql.conf', "plpgsql_check.profiler = off\n") if $has{plpgsql_check};

# --- after an error

preload('hitl');
my $load = "LOAD 'hitl_spy';";
my $retry = q{SELECT FROM hitl.retry(latest()); CALL hitl.run_pending(); SELECT status FROM hitl.threads WHERE thread_id = latest();};
my $resume = q{SELECT hitl.resume(latest(), '{"type": "approve"}')->>'status';};
my $failed = q{SELECT message FROM hitl.failed WHERE thread_id = latest();};
my @behind = ($plain, $retry, $answers, $plain, 'SELECT spy_strange();');

sub fail_at
{
	my ($event, $in, $skip) = @_;
	return "SET hitl_spy.skip = $skip; SET hitl_spy.fail_in = '$in'; SET hitl_spy.fail_at = '$event';";
}

# the event, in which function, how many of them before
for my $case ((map { [ $_, 'child', 0 ], [ $_, 'parent', 0 ] } 'func_setup', 'func_beg', 'stmt_beg', 'stmt_end', 'func_end'), [ 'stmt_beg', 'child', 1 ], [ 'stmt_end', 'child', 2 ])
{
	my $name = "an error at $case->[0] of $case->[1]" . ($case->[2] ? ", the next but $case->[2]" : '');
	my $failure = "failed\nthe spy fails at $case->[0]\n$plainly\ninterrupted\n";

	is(session($load, fail_at(@$case), $invoke, $failed, @behind), "$failure$right\n$plainly\n0", "$name, in the first run");
	is(session($load, $invoke, fail_at(@$case), $resume, $failed, @behind), "interrupted\n$failure" . $right =~ s/5/4/r . "\n$plainly\n0", "$name, in a later one");
}

# an author's handler catches it: the node goes on, and asks there
for my $event ('func_setup', 'func_beg', 'stmt_beg', 'stmt_end', 'func_end')
{
	is(session($load, fail_at($event, 'adds', 0), q{SELECT hitl.invoke('handler', '{"asks": true}')->>'status';}, $answers, $plain, q{SELECT count(*) FROM log; TRUNCATE log; SELECT spy_strange();}),
		qq{interrupted\ndone after 2: {"e": "the spy fails at $event", "t": 3}\n$plainly\n1\n0}, "an error at $event that the node catches");
}

# it came in front of us while the node runs, and fails when we have given the function a tree of ours
$node->safe_psql('postgres', q{
	SET client_min_messages = error;
	SET hitl.continue_split_block = warn;
	CREATE FUNCTION spied(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE t int;
	BEGIN
		LOAD 'hitl_spy';
		PERFORM set_config('hitl_spy.fail_in', 'child', false), set_config('hitl_spy.fail_at', 'func_beg', false);
		IF (state->>'catches')::bool THEN
			BEGIN
				t := child(2, true);
			EXCEPTION WHEN external_routine_exception THEN
				t := child(1, true);
			END;
		ELSE
			t := child(1, true);
		END IF;
		RETURN jsonb_build_object('t', t);
	END $$;
	SELECT graph_of('spied')});
is(session(q{SELECT hitl.invoke('spied', '{"catches": true}')->>'status';}, $answers, $plain, 'SELECT spy_strange();'),
	qq(interrupted\ndone after 1: {"t": 1, "catches": true}\n$plainly\n0), 'one in front of us fails, and the node catches it: nobody finds our tree');
is(session(q{SELECT hitl.invoke('spied', '{"catches": false}')->>'status';}, $failed, $plain, $retry, 'SELECT spy_strange();'),
	"failed\nthe spy fails at func_beg\n$plainly\nfailed\n0", 'nor when the node fails');

is(session('SELECT count(*) FROM hitl.check();'), 0, 'the rows are in order');
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:|terminated by signal/, 'nothing has crashed');
done_testing();
