# HitlCluster.pm: what the TAP tests have in common: a server with hitl preloaded, graphs to run, questions to ask.
#
# Nothing here sleeps: conditions are polled with a bound (PG_TEST_TIMEOUT_DEFAULT).
package HitlCluster;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

# the tests' superuser, whoever runs them
$ENV{PGUSER} = 'postgres';

our @EXPORT = qw(start_server add_graphs start_thread wait_thread poll kill_process poll_launcher workers timed log_since count_log);

# A running server with the extension preloaded; further arguments are lines of configuration.
sub start_server
{
	my ($name, @lines) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => 1, extra => ['-U', 'postgres']);
	# restart_after_crash: the module switches it off, but here it is what is tested
	$node->append_conf('postgresql.conf', join("\n",
			"shared_preload_libraries = 'hitl'",
			"restart_after_crash = on",
			"max_worker_processes = 16",
			"max_prepared_transactions = 10",
			"autovacuum = off",
			"log_line_prefix = '%m [%p] %b %d %u '",
			@lines) . "\n");
	$node->start;
	return $node;
}

# The extension and three graphs of one node each, owned by $role: "quick" returns at once, "slow" sleeps for
# state.seconds, "ask" asks a person.  They are named $role_quick and so on.
sub add_graphs
{
	my ($node, $database, $role) = @_;

	$role = 'postgres' unless defined $role;
	$node->safe_psql($database, qq{
		DO \$do\$ BEGIN
			IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'hitl') THEN
				CREATE EXTENSION hitl;
				CREATE TABLE public.log(who text, what text, at timestamptz DEFAULT clock_timestamp());
				GRANT ALL ON public.log TO public;
			END IF;
			IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '$role') THEN
				CREATE SCHEMA $role AUTHORIZATION $role;
			END IF;
		END \$do\$;
		SELECT hitl.grant_author('$role');
		SET ROLE $role;
		SET search_path = $role;
		CREATE FUNCTION $role.quick(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$f\$
		BEGIN
			INSERT INTO public.log VALUES (session_user, coalesce(state->>'name', 'quick'));
			RETURN '{"ok": true}';
		END \$f\$;
		CREATE FUNCTION $role.slow(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$f\$
		BEGIN
			INSERT INTO public.log VALUES (session_user, coalesce(state->>'name', 'slow'));
			PERFORM pg_sleep((state->>'seconds')::float8);
			RETURN '{"ok": true}';
		END \$f\$;
		CREATE FUNCTION $role.ask(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS \$f\$
		DECLARE decision jsonb := hitl.interrupt('{"action": "go on"}');
		BEGIN
			INSERT INTO public.log VALUES (session_user, coalesce(state->>'name', 'ask'));
			RETURN jsonb_build_object('answer', decision->>'type');
		END \$f\$;
		SELECT hitl.create_graph(g), hitl.add_node(g, n, '$role.' || n || '(jsonb)'),
			hitl.add_edge(g, 'START', n), hitl.add_edge(g, n, 'END'), hitl.compile(g)
		FROM unnest(array['quick', 'slow', 'ask']) n, LATERAL (SELECT '${role}_' || n) x(g);
	});
}

# Starts a thread; its id.
sub start_thread
{
	my ($node, $database, $graph, $input) = @_;

	$input = '{}' unless defined $input;
	return $node->safe_psql($database, "SELECT hitl.start('$graph', '$input')");
}

# The status of a thread once it is settled.
sub wait_thread
{
	my ($node, $database, $thread) = @_;

	return $node->safe_psql($database, "SELECT hitl.wait($thread, '30 s')");
}

# A test: the query becomes true.
sub poll
{
	my ($node, $database, $query, $name) = @_;

	return ok($node->poll_query_until($database, "SELECT ($query)"), $name);
}

# Kills a process of the server and waits until the postmaster has taken notice: from then on nobody gets in who would
# still find the processes from before the crash.  True if there was one.
sub kill_process
{
	my ($pid) = @_;

	return 0 unless kill('KILL', $pid) == 1;
	for (1 .. 100 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last unless kill(0, $pid);
		usleep(10_000);
	}
	return 1;
}

# True once the launcher runs, after a crash too: a psql that is refused a connection leaves the query it was to read
# unread, and the module takes the broken pipe for an error of its own.
sub poll_launcher
{
	my ($node) = @_;
	my $is_up;

	for (1 .. 100)
	{
		$is_up = eval { $node->poll_query_until('postgres', "SELECT count(*) = 1 FROM hitl.worker_status WHERE process = 'launcher' AND pid IS NOT NULL") };
		last if defined $is_up;
	}
	return $is_up;
}

# A query on the processes, as a scalar subquery: workers('executor', "state = 'busy'")
sub workers
{
	my ($process, $condition) = @_;

	$condition = 'true' unless defined $condition;
	return "(SELECT count(*) FROM hitl.worker_status WHERE process = '$process' AND pid IS NOT NULL AND $condition)";
}

# A test: the statement succeeds, and within so many seconds.
sub timed
{
	my ($node, $database, $statement, $seconds, $name) = @_;
	my $start = time;
	my ($status, $out, $error) = $node->psql($database, $statement);
	my $took = time - $start;

	ok($status == 0 && $took <= $seconds, $name) or diag("status $status, $took s: $error");
	return;
}

# The server's log from a place on; without a place, where it ends now.
sub log_since
{
	my ($node, $place) = @_;

	return -s $node->logfile unless defined $place;
	return PostgreSQL::Test::Utils::slurp_file($node->logfile, $place);
}

# How often a pattern stands in the log from a place on.
sub count_log
{
	my ($node, $pattern, $place) = @_;
	my @hits = log_since($node, $place) =~ /$pattern/g;

	return scalar @hits;
}

1;
