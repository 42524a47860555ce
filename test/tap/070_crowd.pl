# 070_crowd.pl: a crowd starts, answers, resumes, cancels, retries and runs the same threads at random, beside executors.
# Nobody gets an error but those that tell of somebody who was first, and there is no deadlock; no node runs twice.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $SECONDS = $ENV{HITL_CROWD_SECONDS} || 8;
my $node = start_server('crowd', 'hitl.max_executors = 3', "hitl.executor_idle_timeout = '300ms'", "hitl.dispatcher_idle_timeout = '200ms'",
	"log_statement = 'none'", "deadlock_timeout = '200ms'", 'max_connections = 40');

# left and right side by side, then twice, then last.  left asks in every second thread, right fails now and then, twice
# asks two questions.
$node->safe_psql('postgres', q{
	CREATE EXTENSION hitl;
	CREATE ROLE mia LOGIN;
	SELECT hitl.grant_author('mia');
	CREATE SCHEMA mia AUTHORIZATION mia;
	SET ROLE mia;
	SET search_path = mia;
	CREATE TABLE note (thread_id bigint, node text);
	CREATE TABLE tried (what text, sqlstate text, message text);
	CREATE FUNCTION done() RETURNS jsonb LANGUAGE sql AS $$
		INSERT INTO mia.note VALUES (hitl.current_thread(), hitl.context()->>'node');
		SELECT jsonb_build_object(hitl.context()->>'node', 'done') $$;
	CREATE FUNCTION left_(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
		IF hitl.current_thread() % 2 = 0 THEN
			PERFORM hitl.interrupt('{"action": "left", "args": {"x": 1}}');
		END IF;
		RETURN mia.done();
	END $$;
	CREATE FUNCTION right_(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
		PERFORM mia.done();
		PERFORM pg_sleep(random() * 0.003);
		IF random() < 0.2 THEN
			RAISE 'bad luck' USING ERRCODE = CASE WHEN random() < 0.3 THEN '40001' ELSE 'P0001' END;
		END IF;
		RETURN NULL;
	END $$;
	CREATE FUNCTION twice(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
		PERFORM hitl.interrupt('"one"'), hitl.interrupt('"two"');
		RETURN mia.done();
	END $$;
	CREATE FUNCTION last_(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN mia.done(); END $$;
	SELECT hitl.create_graph('crowd'), hitl.add_node('crowd', 'left', 'left_'), hitl.add_node('crowd', 'right', 'right_'),
		hitl.add_node('crowd', 'twice', 'twice'), hitl.add_node('crowd', 'last', 'last_');
	SELECT hitl.add_edge('crowd', split_part(e, ' ', 1), split_part(e, ' ', 2))
	FROM unnest(array['START left', 'START right', 'left twice', 'right twice', 'twice last', 'last END']) e;
	SELECT hitl.compile('crowd');

	-- one statement; an error is noted
	CREATE PROCEDURE try(what text, statement text) LANGUAGE plpgsql AS $$ BEGIN
		EXECUTE statement;
		INSERT INTO mia.tried VALUES (what, '00000', NULL);
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO mia.tried VALUES (what, SQLSTATE, regexp_replace(SQLERRM, '\d+', 'N', 'g'));
	END $$;
	CREATE FUNCTION any_thread(status text) RETURNS bigint LANGUAGE sql AS $$
		SELECT thread_id FROM hitl.threads t WHERE t.status = $1 ORDER BY random() LIMIT 1 $$;
	CREATE FUNCTION any_question() RETURNS bigint LANGUAGE sql AS $$
		SELECT interrupt_id FROM hitl.pending ORDER BY random() LIMIT 1 $$;
	RESET ROLE;
	ALTER ROLE mia SET client_min_messages = warning});

my %script = (
	start => q{CALL mia.try('start', 'SELECT hitl.start(''crowd'')');},
	approve => q{CALL mia.try('approve', 'SELECT hitl.approve(i) FROM mia.any_question() i WHERE i IS NOT NULL');},
	reject => q{BEGIN;
		CALL mia.try('reject', 'SELECT hitl.reject(i, idempotency_key => ''k'') FROM mia.any_question() i WHERE i IS NOT NULL');
		SELECT pg_sleep(random() * 0.005);
		END;},
	inbox => q{CALL mia.try('inbox', 'SELECT hitl.approve(interrupt_id) FROM (SELECT interrupt_id FROM hitl.pending ORDER BY interrupt_id LIMIT 3) x');},
	undo => q{BEGIN;
		SAVEPOINT a;
		CALL mia.try('approve', 'SELECT hitl.approve(i) FROM mia.any_question() i WHERE i IS NOT NULL');
		ROLLBACK TO a;
		END;},
	resume => q{CALL mia.try('resume', 'SELECT hitl.resume(t, ''{"type": "approve"}'') FROM mia.any_thread(''interrupted'') t WHERE t IS NOT NULL');},
	cancel => q{CALL mia.try('cancel', 'SELECT hitl.cancel(t) FROM mia.any_thread(case when random() < 0.5 then ''running'' else ''interrupted'' end) t WHERE t IS NOT NULL');},
	retry => q{CALL mia.try('retry', 'SELECT hitl.retry(t) FROM mia.any_thread(''failed'') t WHERE t IS NOT NULL');},
	invoke => q{CALL mia.try('invoke', 'SELECT hitl.invoke(''crowd'')');},
	run => q{CALL hitl.run_pending(5);},
	block => q{BEGIN;
		CALL hitl.run_pending(2);
		SELECT pg_sleep(random() * 0.005);
		ROLLBACK;},
	wait => q{CALL mia.try('wait', 'SELECT hitl.wait(t, ''10 ms'') FROM mia.any_thread(''running'') t WHERE t IS NOT NULL');});
my %weight = (start => 10, approve => 12, reject => 3, inbox => 3, undo => 2, resume => 4, cancel => 3, retry => 6, invoke => 2, run => 6, block => 2, wait => 2);
my $folder = PostgreSQL::Test::Utils::tempdir();
append_to_file("$folder/$_", "$script{$_}\n") for keys %script;

my ($stdout, $stderr) = run_command([ 'pgbench', '-n', '-U', 'mia', '-c', 10, '-j', 2, '-T', $SECONDS,
	(map { ('-f', "$folder/$_\@$weight{$_}") } sort keys %weight), $node->connstr('postgres') ]);
like($stdout, qr/number of transactions actually processed: [1-9]/, 'the crowd has been there');
unlike($stderr, qr/aborted|error/i, 'no session of it got an error that it did not expect');

is($node->safe_psql('postgres', q{SELECT what, sqlstate, message, count(*) FROM mia.tried WHERE NOT (
		-- somebody was first
		sqlstate = '00000' OR
		sqlstate = 'IH001' AND what IN ('approve', 'reject', 'inbox', 'resume') OR
		sqlstate = '55000' AND what IN ('cancel', 'retry', 'resume') OR
		sqlstate = '21000' AND what = 'resume' AND message LIKE 'thread N waits for more than one%' OR
		sqlstate = '40001' AND what IN ('resume', 'invoke') AND message LIKE 'thread N was cancelled%') GROUP BY 1, 2, 3}),
	'', 'no other error than that somebody was first');
note $node->safe_psql('postgres', 'SELECT what, sqlstate, count(*) FROM mia.tried GROUP BY 1, 2 ORDER BY 1, 2');
is(count_log($node, 'deadlock detected', 0), 0, 'no deadlock');
is($node->safe_psql('postgres', 'SELECT invariant, count(*), min(detail) FROM hitl.check() GROUP BY 1'), '', 'the rows are in order');

# --- to the end

$node->safe_psql('postgres', q{
	DO $$ BEGIN
		LOOP
			PERFORM hitl.approve(interrupt_id) FROM (SELECT interrupt_id FROM hitl.pending ORDER BY interrupt_id) x;
			PERFORM hitl.retry(thread_id) FROM hitl.threads WHERE status = 'failed';
			COMMIT;
			EXIT WHEN NOT EXISTS (SELECT FROM hitl.threads WHERE status IN ('running', 'interrupted', 'failed'));
			PERFORM pg_sleep(0.02);
		END LOOP;
	END $$}, timeout => 2 * $PostgreSQL::Test::Utils::timeout_default);
is($node->safe_psql('postgres', q{SELECT string_agg(thread_id::text, ' ') FROM hitl.threads t
		WHERE status = 'done' AND (SELECT array_agg(n.node ORDER BY n.node) FROM mia.note n WHERE n.thread_id = t.thread_id)
			IS DISTINCT FROM array['last', 'left', 'right', 'twice']}), '', 'every node of a thread that is done ran once');
is($node->safe_psql('postgres', 'SELECT count(*) FROM (SELECT 1 FROM mia.note GROUP BY thread_id, node HAVING count(*) > 1) x'), 0, 'none ran twice');
is($node->safe_psql('postgres', q{SELECT count(*) FROM hitl.threads t WHERE status = 'cancelled' AND EXISTS (SELECT FROM hitl.task k
		WHERE k.thread_id = t.thread_id AND (k.status = 'done') <> EXISTS (SELECT FROM mia.note n WHERE n.thread_id = k.thread_id AND n.node = k.node))}),
	0, 'what a cancelled thread has done is what it says');
is($node->safe_psql('postgres', q{SELECT count(*) FROM hitl.threads t WHERE status = 'done' AND thread_id % 2 = 0 AND 1 <> (SELECT count(*) FROM hitl.decided d
		WHERE d.thread_id = t.thread_id AND node = 'left')}), 0, 'each question was decided once');
is($node->safe_psql('postgres', q{SELECT count(*) FROM hitl.interrupt i WHERE status = 'decided' AND 1 <> (SELECT count(*) FROM hitl.vote v WHERE v.interrupt_id = i.interrupt_id)}),
	0, 'by one vote');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM hitl.threads WHERE status = 'done'"), '>', 10, 'there were some');
is($node->safe_psql('postgres', 'SELECT count(*) FROM hitl.run_queue'), 0, 'nothing is left to run');

# --- one thread that asks again and again, resumed by many and cancelled by one: both take its question and then the
# thread, and the question changes under them

$node->safe_psql('postgres', q{
	SET ROLE mia;
	SET search_path = mia;
	TRUNCATE tried;
	CREATE FUNCTION forty(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
		FOR i IN 1 .. 40 LOOP
			PERFORM hitl.interrupt(to_jsonb(i), 'k' || i);
		END LOOP;
		RETURN mia.done();
	END $$;
	SELECT hitl.create_graph('forty'), hitl.add_node('forty', 'forty', 'forty'), hitl.add_edge('forty', 'START', 'forty'),
		hitl.add_edge('forty', 'forty', 'END'), hitl.compile('forty');
	CREATE FUNCTION latest() RETURNS bigint LANGUAGE sql AS $$ SELECT max(thread_id) FROM hitl.threads $$});
$node->safe_psql('postgres', q{SELECT hitl.start('forty')});
append_to_file("$folder/one", q{CALL mia.try('resume', 'SELECT hitl.resume(mia.latest(), ''{"type": "approve"}'')');} . "\n");
append_to_file("$folder/other", q{CALL mia.try('cancel', 'SELECT hitl.cancel(mia.latest())');} . "\n" . q{SELECT hitl.invoke('forty');} . "\n");
($stdout, $stderr) = run_command([ 'pgbench', '-n', '-U', 'mia', '-c', 8, '-j', 2, '-T', $SECONDS / 2,
	'-f', "$folder/one\@12", '-f', "$folder/other\@1", $node->connstr('postgres') ]);
unlike($stderr, qr/aborted|error/i, 'one thread resumed by many and cancelled by one');
is($node->safe_psql('postgres', q{SELECT what, sqlstate, min(message), count(*) FROM mia.tried
		WHERE NOT (sqlstate IN ('00000', '55000') OR sqlstate = 'IH001' AND what = 'resume') GROUP BY 1, 2}), '',
	'no other error than that somebody was first: no deadlock');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM mia.tried WHERE sqlstate = '00000'}), '>', 100, 'and it was tried often');
is($node->safe_psql('postgres', q{SELECT count(*) FROM hitl.threads WHERE graph = 'forty' AND (status = 'done') <> (thread_id IN (SELECT thread_id FROM mia.note WHERE node = 'forty'))}),
	0, 'who was done is noted');
is($node->safe_psql('postgres', 'SELECT invariant, count(*) FROM hitl.check() GROUP BY 1'), '', 'the rows are in order');
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:|terminated by signal|could not record a run/, 'no crash, no run that could not be recorded');
done_testing();
