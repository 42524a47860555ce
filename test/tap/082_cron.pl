# 082_cron.pl: hitl by pg_cron alone, with no worker of hitl at all: CALL hitl.run_pending() and SELECT hitl.tick(), one
# job each per role that owns graphs.  A thread goes from its start to a question, a decision and its end, and a deadline
# fires.  In both modes of pg_cron, over connections and in background workers: in both a job may commit, and each
# super-step is a commit of its own.
#
# pg_cron knows minutes (before 1.5 nothing shorter), and @reboot: a job that runs when the server has started.  So each
# look of the jobs is a restart here, and nothing waits for a minute; with FULL=1 one test does.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

$ENV{PGUSER} = 'postgres';

my ($sharedir) = PostgreSQL::Test::Utils::run_command([ 'pg_config', '--sharedir' ]);
plan skip_all => 'this server has no pg_cron' unless -e "$sharedir/extension/pg_cron.control";

# The two lines of the README: what runs nodes, and what fires deadlines.
my $run = 'CALL hitl.run_pending()';
my $tick = 'SELECT hitl.tick()';

sub one_mode
{
	my ($name, @lines) = @_;
	my $node = PostgreSQL::Test::Cluster->new("cron_$name");

	$node->init(extra => [ '-U', 'postgres' ]);
	$node->append_conf('postgresql.conf', join("\n",
			"shared_preload_libraries = 'pg_cron'",
			"cron.database_name = 'postgres'",
			"cron.host = '" . $node->host . "'",
			"port = " . $node->port,
			@lines) . "\n");
	$node->start;
	my $sql = sub { return $node->safe_psql('postgres', $_[0]); };
	my $as_shop = sub { return $node->safe_psql('postgres', $_[0], extra_params => [ '-U', 'shop' ]); };
	my $until = sub { return ok($node->poll_query_until('postgres', "SELECT ($_[0])"), "$name: $_[1]"); };

	$sql->(q{
		SET client_min_messages = warning;
		CREATE EXTENSION pg_cron;
		CREATE EXTENSION hitl;
		CREATE ROLE shop LOGIN;
		CREATE SCHEMA shop AUTHORIZATION shop;
		GRANT USAGE ON SCHEMA cron TO shop;
		SELECT hitl.grant_author('shop')});
	is($sql->("SELECT count(*) FROM hitl.worker_status WHERE pid IS NOT NULL"), 0, "$name: hitl has no process of its own");
	$as_shop->(q{
		SET client_min_messages = warning;
		CREATE TABLE shop.log (node text, run xid8 DEFAULT pg_current_xact_id());
		CREATE FUNCTION shop.asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
			SELECT jsonb_build_object('decision', hitl.interrupt('{"action": "refund", "args": {"amount": 4200}, "policy": "desk"}') - 'at') $$;
		CREATE FUNCTION shop.logs(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
		BEGIN INSERT INTO shop.log VALUES (hitl.context()->>'node'); RETURN NULL; END $$;
		SELECT hitl.create_policy('desk', '{"starter_may_decide": true, "expires_in": "1 hour", "on_expiry": "reject"}');
		SELECT hitl.define('{"graph": "refund", "nodes": {"ask": "shop.asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
		SELECT hitl.define('{"graph": "chain", "nodes": {"a": "shop.logs", "b": "shop.logs"}, "edges": [["START", "a"], ["a", "b"], ["b", "END"]]}')});

	# The jobs, by the role that owns the graphs; what the README says is accepted, for each minute.
	$as_shop->("SELECT cron.schedule('run', '\@reboot', '$run'), cron.schedule('tick', '\@reboot', '$tick')");
	is($as_shop->("SELECT count(cron.unschedule(id)) FROM (SELECT cron.schedule('* * * * *', c) AS id FROM unnest(ARRAY['$run', '$tick']) c) s"), 2, "$name: the lines of the README are accepted");
	my ($status, $out, $error) = $node->psql('postgres', "SELECT cron.schedule('every', '30 seconds', '$tick')");
	my $knows_seconds = $sql->("SELECT string_to_array(regexp_replace(extversion, '[^0-9.].*', ''), '.')::int[] >= '{1,5}' FROM pg_extension WHERE extname = 'pg_cron'");
	is($status == 0 ? 't' : 'f', $knows_seconds, "$name: seconds are known to pg_cron 1.5 and later only");
	$sql->("SELECT cron.unschedule('every')") if $status == 0;

	my $decided = $as_shop->("SELECT hitl.start('refund')");
	my $late = $as_shop->("SELECT hitl.start('refund')");
	my $chain = $as_shop->("SELECT hitl.start('chain')");
	my $shown = sub { return "SELECT status FROM hitl.threads WHERE thread_id = $_[0]"; };
	is($sql->($shown->($decided)), 'running', "$name: a thread is started, and waits");

	$node->restart;
	$until->("(" . $shown->($decided) . ") = 'interrupted' AND (" . $shown->($late) . ") = 'interrupted'", 'a job runs it: it asks');
	$until->("(" . $shown->($chain) . ") = 'done'", 'and what asks nobody to its end');
	# what starts in a background worker is a statement of its own too, and CALL may commit in it
	is($sql->('SELECT count(DISTINCT run) FROM shop.log'), 2, "$name: each super-step is a commit of its own");

	is($as_shop->("SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = $decided"), 'decided', "$name: a person decides");
	$node->restart;
	$until->("(" . $shown->($decided) . ") = 'done'", 'a job runs it to its end');
	is($sql->("SELECT hitl.get_state($decided)->'decision'->>'type'"), 'approve', "$name: as it was decided");
	is($sql->($shown->($late)), 'interrupted', "$name: the other one waits");

	# An hour and more has passed.
	$node->append_conf('postgresql.conf', "hitl.clock_offset = '2 h'");
	$node->restart;
	$until->("EXISTS (SELECT FROM hitl.interrupt WHERE thread_id = $late AND status = 'expired')", 'its deadline fires');
	$node->restart;
	$until->("(" . $shown->($late) . ") = 'done'", 'and a job runs it on');
	is($sql->("SELECT d->>'type', d->>'by' FROM (SELECT hitl.get_state($late)->'decision' AS d) s"), 'reject|deadline', "$name: with what the policy says");
	is($sql->("SELECT count(*) FROM cron.job_run_details WHERE status NOT IN ('succeeded', 'running', 'starting')"), 0, "$name: no job has failed");
	is($sql->("SELECT count(*) FROM hitl.worker_status WHERE pid IS NOT NULL"), 0, "$name: and hitl still has no process of its own");

	if ($ENV{FULL} && $name eq 'connections')
	{
		$as_shop->("SELECT cron.schedule('minute', '* * * * *', '$run')");
		my $thread = $as_shop->("SELECT hitl.start('refund')");
		for my $try (1 .. 3) { last if $node->poll_query_until('postgres', "SELECT (" . $shown->($thread) . ") = 'interrupted'"); }
		is($sql->($shown->($thread)), 'interrupted', "$name: within a minute, without a restart");
	}
	is($sql->('SELECT count(*) FROM hitl.check()'), 0, "$name: the rows are in order");
	$node->stop;
	return;
}

one_mode('connections');
one_mode('workers', 'cron.use_background_workers = on', 'max_worker_processes = 20');
done_testing();
