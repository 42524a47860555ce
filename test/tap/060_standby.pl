# 060_standby.pl: on a standby the inbox and the state of threads can be read; after the promotion a parked thread is
# decided and run there.  Prepared transactions: a start, a decision and a cancel that commit in the second phase, on
# the primary or on the promoted standby.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = start_server('primary', "hitl.sweep_interval = '300ms'", "hitl.dispatcher_idle_timeout = '100ms'", "hitl.executor_idle_timeout = '300ms'");

$node->safe_psql('postgres', 'CREATE ROLE mia LOGIN');
add_graphs($node, 'postgres', 'mia');
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub ask
{
	my $thread = start_thread($node, 'postgres', 'mia_ask', qq({"name": "$_[0]"}));

	is(wait_thread($node, 'postgres', $thread), 'interrupted', "$_[0]: a thread asks");
	return ($thread, sql("SELECT interrupt_id FROM hitl.pending WHERE thread_id = $thread"));
}

# --- two phases

my $thread = sql(q{BEGIN; SELECT hitl.start('mia_quick', '{"name": "prepared"}'); PREPARE TRANSACTION 'start'});
is(sql("SELECT count(*) FROM hitl.threads WHERE thread_id = $thread"), 0, 'a start is prepared: nobody sees it');
sql("COMMIT PREPARED 'start'");
is(wait_thread($node, 'postgres', $thread), 'done', 'COMMIT PREPARED of a start: it is run');
is(sql("SELECT count(*) FROM log WHERE what = 'prepared'"), 1, 'once');

my ($asked, $question) = ask('voted on');
sql("BEGIN; SELECT hitl.approve($question); PREPARE TRANSACTION 'vote'");
my ($status, $out, $error) = $node->psql('postgres', "SET lock_timeout = '50ms'; SELECT hitl.reject($question)");
like($error, qr/lock timeout/, 'a prepared answer holds its question');
is(sql("SELECT status FROM hitl.threads WHERE thread_id = $asked"), 'interrupted', 'and moves nothing');
sql("COMMIT PREPARED 'vote'");
is(wait_thread($node, 'postgres', $asked), 'done', 'COMMIT PREPARED of an answer: the thread goes on');

($asked, $question) = ask('not voted on');
sql("BEGIN; SELECT hitl.approve($question); PREPARE TRANSACTION 'vote'");
$node->restart;
sql("ROLLBACK PREPARED 'vote'");
is(sql("SELECT interrupt_id FROM hitl.pending WHERE thread_id = $asked"), $question, 'ROLLBACK PREPARED of an answer, after a restart: the question is open');
sql("BEGIN; SELECT hitl.cancel($asked, 'in two phases'); PREPARE TRANSACTION 'cancel'");
sql("COMMIT PREPARED 'cancel'");
is(sql("SELECT status, reason FROM hitl.threads WHERE thread_id = $asked"), 'cancelled|in two phases', 'COMMIT PREPARED of a cancel');

# a run in a session, prepared: what a node did is the transaction's
my $session = $node->background_psql('postgres', extra_params => [ '-U', 'mia' ]);
$thread = $session->query_safe(q{BEGIN; SELECT hitl.invoke('mia_ask', '{"name": "invoked"}')->>'thread_id'; PREPARE TRANSACTION 'invoke'});
$session->quit;
sql("COMMIT PREPARED 'invoke'");
is(wait_thread($node, 'postgres', $thread), 'interrupted', 'COMMIT PREPARED of an invoke');
sql("SELECT hitl.cancel($thread)");

# --- a standby

($asked, $question) = ask('asked on the primary');
my ($other, $other_question) = ask('decided on the primary');
my $failed = start_thread($node, 'postgres', 'mia_slow', '{"seconds": "not a number"}');
is(wait_thread($node, 'postgres', $failed), 'failed', 'a thread fails on the primary');
my $prepared = sql(q{BEGIN; SELECT hitl.start('mia_quick', '{"name": "prepared on the primary"}'); PREPARE TRANSACTION 'across'});
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
# decided, and the primary is gone before anybody runs it
sql('ALTER SYSTEM SET hitl.max_executors = 0; SELECT pg_reload_conf()');
poll($node, 'postgres', workers('executor') . ' = 0', 'no executor is there');
sql("SELECT hitl.approve($other_question)");
my $queued = start_thread($node, 'postgres', 'mia_quick', '{"name": "queued on the primary"}');
$node->wait_for_catchup($standby);

my $facts = q{SELECT interrupt_id, thread_id, graph, action, args, opened_at FROM hitl.pending ORDER BY interrupt_id;
	SELECT interrupt_id, priority FROM hitl.inbox ORDER BY interrupt_id;
	SELECT thread_id, status, hitl.get_state(thread_id) FROM hitl.threads ORDER BY thread_id;
	SELECT * FROM hitl.timeline; SELECT * FROM hitl.failed; SELECT * FROM hitl.decided ORDER BY interrupt_id; SELECT * FROM hitl.check()};
is($standby->safe_psql('postgres', $facts), sql($facts), 'a standby shows the same');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM hitl.pending', extra_params => [ '-U', 'mia' ]), 1, 'also to a reviewer');
is($standby->safe_psql('postgres', "SELECT code FROM hitl.why($asked)"), 'interrupted', 'and says why a thread does not move');
is($standby->safe_psql('postgres', "SELECT hitl.wait($asked, '1 s')"), 'interrupted', 'wait() looks');
is($standby->safe_psql('postgres', "SELECT hitl.show($question)->>'status'", extra_params => [ '-U', 'mia' ]), 'pending', 'show() shows, and keeps nothing of it');
isnt($standby->safe_psql('postgres', 'SELECT state FROM hitl.worker_status'), '', 'worker_status says what there is');
for my $write ("SELECT hitl.approve($question)", "SELECT hitl.start('mia_quick')", "SELECT hitl.cancel($asked)", "SELECT hitl.retry($failed)",
	'CALL hitl.run_pending()', "SELECT hitl.create_graph('x')", "SELECT hitl.claim($question)", 'SELECT hitl.claim_next()', "SELECT hitl.snooze($question, 'infinity')", "SELECT hitl.resume($asked, '{\"type\": \"approve\"}')")
{
	($status, $out, $error) = $standby->psql('postgres', $write);
	like($error, qr/ERROR:  cannot (execute|assign|set|lock|acquire|run).*(read-only|recovery)/, "nothing is written: $write");
}

$node->stop('immediate');
$standby->promote;
is($standby->safe_psql('postgres', "SELECT hitl.wait($other, '30 s')"), 'done', 'promoted: what was decided on the primary goes on by itself');
is($standby->safe_psql('postgres', "SELECT hitl.wait($queued, '30 s')"), 'done', 'what was queued as well');
$standby->safe_psql('postgres', "SELECT hitl.approve($question)");
is($standby->safe_psql('postgres', "SELECT hitl.wait($asked, '30 s')"), 'done', 'what was parked is decided here, and runs');
$standby->safe_psql('postgres', "COMMIT PREPARED 'across'");
is($standby->safe_psql('postgres', "SELECT hitl.wait($prepared, '30 s')"), 'done', 'what was prepared there and committed here is run');
is($standby->safe_psql('postgres', "SELECT string_agg(what, ', ' ORDER BY what) FROM log WHERE what LIKE '%on the primary'"),
	'asked on the primary, decided on the primary, prepared on the primary, queued on the primary', 'each once');
my $new = start_thread($standby, 'postgres', 'mia_ask');
is(wait_thread($standby, 'postgres', $new), 'interrupted', 'a new thread asks');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
$standby->stop;
unlike(log_since($_, 0), qr/TRAP:|PANIC:/, 'no failure of an assertion') for ($node, $standby);
done_testing();
