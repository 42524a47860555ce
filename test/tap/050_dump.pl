# 050_dump.pl: pg_dump and restore keep parked and queued threads whole: they are decided and run on in the new place; in
# continue mode, too, behind the statement that asked.
# A role that owns graphs cannot be dropped, there neither. Grants are dumped, and hold in the new place.

use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use HitlCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_server('dump', "hitl.dispatcher_idle_timeout = '100ms'", "hitl.executor_idle_timeout = '200ms'");
my $dump = PostgreSQL::Test::Utils::tempdir() . '/dump';

$node->safe_psql('postgres', 'CREATE ROLE mia LOGIN');
add_graphs($node, 'postgres', $_) for qw(postgres mia);
sub sql { return $node->safe_psql($_[0], $_[1]); }

my %thread = map { $_ => start_thread($node, 'postgres', $_, qq({"name": "$_"})) } qw(postgres_ask mia_ask mia_quick);
is(wait_thread($node, 'postgres', $thread{mia_quick}), 'done', 'a thread is done');
is(wait_thread($node, 'postgres', $thread{$_}), 'interrupted', "$_ is parked") for qw(postgres_ask mia_ask);
my $question = sql('postgres', "SELECT interrupt_id FROM hitl.pending WHERE thread_id = $thread{mia_ask}");

# a pinned graph, whose functions have changed since: the thread goes on with what was copied; a live one, of which nothing has changed
$node->safe_psql('postgres', q{
	SET search_path = mia;
	CREATE FUNCTION mia.pays(state jsonb) RETURNS jsonb LANGUAGE plpgsql SET work_mem = '1MB' AS $$ BEGIN PERFORM hitl.interrupt('{"action": "pay"}'); RETURN '{"pays": "old"}'; END $$;
	CREATE FUNCTION mia.adds(state jsonb) RETURNS jsonb LANGUAGE sql BEGIN ATOMIC SELECT jsonb_build_object('adds', 'old', 'at', timestamptz '2026-01-01 12:00+01', 'had', state->'pays'); END;
	SELECT hitl.define(jsonb_build_object('graph', 'mia_' || f, 'functions', f, 'nodes', '{"pays": "pays", "adds": "adds"}'::jsonb, 'edges', '[["START", "pays"], ["pays", "adds"], ["adds", "END"]]'::jsonb))
	FROM unnest(array['pinned', 'live']) f}, extra_params => [ '-U', 'mia' ]);
$thread{$_} = start_thread($node, 'postgres', $_) for qw(mia_pinned mia_live);
is(wait_thread($node, 'postgres', $thread{$_}), 'interrupted', "$_ is parked") for qw(mia_pinned mia_live);
my ($before_change, $after_change) = (q{mia.pays(state jsonb) RETURNS jsonb LANGUAGE plpgsql SET work_mem = '1MB' AS $$ BEGIN PERFORM hitl.interrupt('{"action": "pay"}'); RETURN '{"pays": "old"}'; END $$},
	q{mia.pays(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN '{"pays": "new"}'; END $$});
$node->safe_psql('postgres', "CREATE OR REPLACE FUNCTION $after_change", extra_params => [ '-U', 'mia' ]);

# in continue mode, in a loop over rows, in a function that it has called; the rows are another ones since, and so is the function
$node->safe_psql('postgres', q{
	SET search_path = mia;
	CREATE DOMAIN mia.price AS numeric(10, 2) NOT NULL;
	CREATE TYPE mia.line AS (what text, price mia.price, at timestamptz);
	CREATE TABLE mia.lines OF mia.line;
	INSERT INTO mia.lines VALUES ('one', 1.5, '2026-03-29 01:30+00'), ('two', 2.5, 'infinity'), (E'th''r"ee', 3.5, NULL);
	CREATE FUNCTION mia.ask_line(l mia.line) RETURNS mia.line LANGUAGE plpgsql AS $$
	DECLARE old mia.line := l;
	BEGIN
		INSERT INTO public.log VALUES (session_user, 'asks ' || l.what);
		l.price := l.price * 2;
		PERFORM hitl.interrupt(jsonb_build_object('action', 'line', 'args', to_jsonb(old)));
		INSERT INTO public.log VALUES (session_user, 'said ' || l.what);
		RETURN l;
	END $$;
	CREATE FUNCTION mia.ask_lines(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE l mia.line; r record; doubled mia.line[] := '{}'; n int := 0;
	BEGIN
		FOR r IN SELECT what, price, at, ctid FROM mia.lines ORDER BY price LOOP
			n := n + 1;
			l := (r.what, r.price, r.at);
			l := mia.ask_line(l);
			doubled[n] := l;
		END LOOP;
		RETURN jsonb_build_object('n', n, 'doubled', doubled);
	END $$;
	SELECT hitl.create_graph('mia_continue'), hitl.add_node('mia_continue', 'n', 'ask_lines', suspend => 'continue'), hitl.add_edge('mia_continue', 'START', 'n'), hitl.add_edge('mia_continue', 'n', 'END'), hitl.compile('mia_continue')},
	extra_params => [ '-U', 'mia' ]);
my $lines = $thread{mia_continue} = start_thread($node, 'postgres', 'mia_continue');
is(wait_thread($node, 'postgres', $lines), 'interrupted', 'a thread in continue mode asks for its first row');
sql('postgres', "SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $lines");
is(wait_thread($node, 'postgres', $lines), 'interrupted', 'and for its second, and is parked');
$node->safe_psql('postgres', q{
	UPDATE mia.lines SET price = 0, what = 'new';
	CREATE OR REPLACE FUNCTION mia.ask_line(l mia.line) RETURNS mia.line LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt('"new"'); l.price := 100; RETURN l; END $$}, extra_params => [ '-U', 'mia' ]);

# nobody runs what comes now
sql('postgres', 'ALTER SYSTEM SET hitl.max_executors = 0; SELECT pg_reload_conf()');
poll($node, 'postgres', workers('executor') . ' = 0', 'no executor is there');
my $decided = start_thread($node, 'postgres', 'mia_ask', '{"name": "decided"}');
$node->safe_psql('postgres', 'CALL hitl.run_pending()', extra_params => [ '-U', 'mia' ]);
sql('postgres', "SELECT hitl.approve(interrupt_id, comment => 'before') FROM hitl.pending WHERE thread_id = $decided");
my $queued = start_thread($node, 'postgres', 'mia_quick', '{"name": "queued"}');

# grants: of a graph by its owner, for all graphs, and of an application
$node->safe_psql('postgres', 'CREATE ROLE tom LOGIN; CREATE ROLE app LOGIN; CREATE ROLE team; CREATE ROLE kim LOGIN IN ROLE team');
$node->safe_psql('postgres', q{SELECT hitl.grant_reviewer('team', 'mia_ask')}, extra_params => [ '-U', 'mia' ]);
sql('postgres', q{SELECT hitl.grant_auditor('tom'), hitl.grant_proxy('app', 'team')});

# policies and rules, of somebody who owns nothing else
$node->safe_psql('postgres', 'CREATE ROLE pat LOGIN');
sql('postgres', q{SELECT hitl.grant_author('pat')});
$node->safe_psql('postgres', q{SELECT hitl.create_policy('two', '{"quorum": 2}'), hitl.create_policy('two', '{"quorum": {"team": 2}, "expires_in": "1 day"}'), hitl.create_rule('large', 'two', action => 'pay', args => '$.amount > 10', skip_when => '$.amount == 11'), hitl.create_rule('gone', 'two')}, extra_params => [ '-U', 'pat' ]);
sql('postgres', q{SELECT hitl.drop_rule('gone')});

# of a role that is gone nothing is left but numbers, which would be those of another role in a new place
sql('postgres', qq{CREATE ROLE gone; SELECT hitl.delegate($question, 'gone'), hitl.set_contact('gone', 'gone\@shop.example'); DROP ROLE gone});
# nor of one that was dropped with its grants where hitl was not loaded, and did not see it
sql('postgres', q{CREATE ROLE late; SELECT hitl.grant_auditor('late'); REVOKE USAGE ON DOMAIN hitl.grantee FROM late; REVOKE USAGE ON SCHEMA hitl FROM late; DROP ROLE late});
my $nobodys = q{SELECT count(*) FROM (SELECT role FROM hitl.audience UNION ALL SELECT role FROM hitl.delegation UNION ALL SELECT role FROM hitl.contact) r WHERE role::oid NOT IN (SELECT oid FROM pg_roles)};
is(sql('postgres', $nobodys), 3, 'a role is dropped that may decide');

my $facts = q{SELECT thread_id, status, owner, hitl.get_state(thread_id) FROM hitl.threads ORDER BY thread_id;
	SELECT interrupt_id, thread_id, action, opened_at FROM hitl.pending ORDER BY interrupt_id;
	SELECT * FROM hitl.timeline;
	SELECT * FROM hitl.grants WHERE role::oid IN (SELECT oid FROM pg_roles); SELECT * FROM hitl.grant_history;
	SELECT * FROM hitl.policies; SELECT * FROM hitl.policy_history; SELECT * FROM hitl.rules; SELECT * FROM hitl.rule_history;
	SELECT role, is_granted FROM hitl.audience WHERE role::oid IN (SELECT oid FROM pg_roles) ORDER BY interrupt_id, role;
	SELECT grantee::regrole FROM pg_type, aclexplode(typacl) WHERE typname = 'grantee' AND grantee <> typowner ORDER BY 1};
my $before = sql('postgres', $facts);
my ($stdout, $stderr) = run_command([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ]);
is($stderr, '', 'pg_dump says nothing');
is(sql('postgres', q{WITH d AS (DELETE FROM hitl.grant WHERE role::oid NOT IN (SELECT oid FROM pg_roles) RETURNING 1) SELECT count(*) FROM d}), 1, 'a grant of nobody was there');

sql('postgres', 'CREATE DATABASE copy');
($stdout, $stderr) = run_command([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), $dump ]);
is($stderr, '', 'pg_restore says nothing');
is(sql('copy', $facts), $before, 'what is seen is the same');
is(sql('copy', 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
is(sql('copy', $nobodys), 0, 'what names a role that is gone stays behind');
is(sql('copy', q{SELECT count(*) FROM pg_extension e, pg_depend d JOIN pg_class c ON c.oid = d.objid AND d.classid = 'pg_class'::regclass
		WHERE e.extname = 'hitl' AND d.refobjid = e.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
			AND c.relkind IN ('r', 'S') AND NOT c.oid = ANY (e.extconfig)}), 0, 'no table nor sequence is left out of a dump');

# it goes on by itself: what was queued, and what was decided, is run without a further call
sql('postgres', 'ALTER SYSTEM RESET hitl.max_executors; SELECT pg_reload_conf()');
for my $database ('postgres', 'copy')
{
	poll($node, $database, "NOT EXISTS (SELECT FROM hitl.threads WHERE status = 'running')", "$database: what was queued is run");
	is(sql($database, "SELECT status FROM hitl.threads WHERE thread_id = $decided"), 'done', 'what was decided is done');
	is(sql($database, "SELECT count(*) FROM log WHERE what IN ('decided', 'queued')"), 2, 'once');
	sql($database, "SELECT hitl.approve($question)");
	is(wait_thread($node, $database, $thread{mia_ask}), 'done', 'a parked one is decided and runs on');
	my ($status, $out, $error) = $node->psql($database, "\\set VERBOSITY verbose\nSELECT hitl.approve($question)");
	like($error, qr/ERROR:  IH001/, 'once');
	my $new = start_thread($node, $database, 'mia_ask');
	cmp_ok($new, '>', $queued, 'a new thread has a new number');
	is(wait_thread($node, $database, $new), 'interrupted', 'and asks');
	is(sql($database, 'SELECT count(*), count(DISTINCT interrupt_id) FROM hitl.interrupt'), '8|8', 'with a new question');
	sql($database, "SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id IN ($thread{mia_pinned}, $thread{mia_live})");
	is(wait_thread($node, $database, $thread{mia_pinned}), 'done', 'a pinned one runs on');
	is(sql($database, "SELECT s->>'pays', s->>'adds', s->>'had' FROM hitl.get_state($thread{mia_pinned}) s"), 'old|old|old', 'with the code of its time');
	is(wait_thread($node, $database, $thread{mia_live}), 'failed', 'a live one does not');
	is(sql($database, "SELECT node, sqlstate FROM hitl.failed WHERE thread_id = $thread{mia_live}"), 'pays|IH011', 'while its function is another');
	$node->safe_psql($database, "CREATE OR REPLACE FUNCTION $before_change", extra_params => [ '-U', 'mia' ]);
	sql($database, "SELECT hitl.retry($thread{mia_live})");
	is(wait_thread($node, $database, $thread{mia_live}), 'done', 'as it was, it does: no hash has changed on the way, nor that of a parsed body');
	is($node->safe_psql($database, q{SET search_path = mia; SELECT hitl.compile('mia_pinned'), hitl.compile('mia_live'), (SELECT count(*) FROM pg_proc WHERE pronamespace = 'hitl_pinned'::regnamespace)}, extra_params => [ '-U', 'mia' ]),
		'1|1|4', 'nor does a compile find anything new');
	is(sql($database, q{SELECT string_agg(DISTINCT format('%s %s %s', proowner::regrole, proacl, d.deptype), ', ') FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass
		WHERE pronamespace = 'hitl_pinned'::regnamespace}), 'mia {mia=X/mia} x', 'the copies are whose they were');
	for my $row ('second', 'third')
	{
		sql($database, "SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = $lines");
		is(wait_thread($node, $database, $lines), $row eq 'third' ? 'done' : 'interrupted', "one in continue mode goes on behind its $row row");
	}
	is(sql($database, "SELECT hitl.get_state($lines)"), q({"n": 3, "doubled": [{"at": "2026-03-29T01:30:00+00:00", "what": "one", "price": 3.00}, {"at": "infinity", "what": "two", "price": 5.00}, {"at": null, "what": "th'r\"ee", "price": 100.00}]}),
		'with the rows that it had, and what it had made of them; it was in the old function, and calls the new one next');
	is(sql($database, q{SELECT string_agg(what, ', ' ORDER BY at) FROM log WHERE what ~ '^(asks|said)'}), q{asks one, said one, asks two, said two}, 'and each effect once');
	is(sql($database, 'SELECT count(*) FROM hitl.check()'), 0, 'the rows are in order');
}

# the grants hold: an auditor reads, a reviewer sees what waits, and an application speaks for her
for my $database ('postgres', 'copy')
{
	cmp_ok($node->safe_psql($database, 'SELECT count(*) FROM hitl.threads', extra_params => [ '-U', 'tom' ]), '>', 0, "$database: the auditor reads");
	my $asked = start_thread($node, $database, 'mia_ask');
	is(wait_thread($node, $database, $asked), 'interrupted', 'a question for the team');
	is($node->safe_psql($database, "SELECT count(*) FROM hitl.inbox WHERE thread_id = $asked", extra_params => [ '-U', 'kim' ]), 1, 'is in the inbox of a member');
	is($node->safe_psql($database, "SET hitl.actor = 'anna'; SELECT (hitl.approve(interrupt_id)).status FROM hitl.inbox WHERE thread_id = $asked", extra_params => [ '-U', 'app' ]), 'decided', 'and an application decides it');
	is(sql($database, "SELECT voter, login, is_asserted FROM hitl.vote ORDER BY vote_id DESC LIMIT 1"), 'anna|app|t', 'for the person whom it names');
	my ($status, $out, $error) = $node->psql($database, 'DROP ROLE tom');
	like($error, qr/role "tom" cannot be dropped because some objects depend on it/, 'a role with a grant is not dropped');
	is(wait_thread($node, $database, $asked), 'done', 'it runs on');
}

# where a role is missing, the rows of hitl.grant say which, and come when it is there
my $bare = start_server('bare', 'hitl.max_executors = 0');
$bare->safe_psql('postgres', 'CREATE ROLE mia LOGIN; CREATE ROLE pat LOGIN; CREATE ROLE app LOGIN; CREATE ROLE team; CREATE DATABASE copy');
($stdout, $stderr) = run_command([ 'pg_restore', '-d', $bare->connstr('copy'), $dump ]);
like($stderr, qr/role "tom" does not exist/, 'a restore without a role says so');
is($bare->safe_psql('copy', 'SELECT count(*) FROM hitl.grants'), 0, 'and no right is half there');
$bare->safe_psql('postgres', 'CREATE ROLE tom LOGIN');
($stdout, $stderr) = run_command([ 'pg_restore', '--exit-on-error', '--data-only', '-n', 'hitl', '-t', 'grant', '-d', $bare->connstr('copy'), $dump ]);
is($stderr, '', 'its rows come later');
is($bare->safe_psql('copy', q{SELECT string_agg("right" || ' ' || role, ', ' ORDER BY "right", role) FROM hitl.grants}), $node->safe_psql('copy', q{SELECT string_agg("right" || ' ' || role, ', ' ORDER BY "right", role) FROM hitl.grants}), 'as they were');
$bare->stop;

# data only, into an extension that is there already
sql('postgres', 'CREATE DATABASE late');
($stdout, $stderr) = run_command([ 'pg_restore', '--exit-on-error', '--schema-only', '-d', $node->connstr('late'), $dump ]);
is($stderr, '', 'a schema is restored');
poll($node, 'postgres', workers('dispatcher', "database = 'late'") . ' = 0', 'nobody is there any more');
($stdout, $stderr) = run_command([ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', '-d', $node->connstr('late'), $dump ]);
is($stderr, '', 'its data later');
poll($node, 'late', "NOT EXISTS (SELECT FROM hitl.threads WHERE status = 'running')", 'what was queued is run there too');

# --- who owns graphs stays

sql($_, 'SELECT hitl.cancel(thread_id) FROM hitl.threads WHERE status <> \'done\'') for qw(postgres copy late);
my ($status, $out, $error) = $node->psql('postgres', 'DROP ROLE mia');
like($error, qr/role "mia" cannot be dropped because some objects depend on it/, 'DROP ROLE of an owner is refused');
sql('postgres', 'DROP DATABASE late');
# nothing else holds the role: its functions are gone and its rights, but for the mark of its graphs
for my $database ('postgres', 'copy')
{
	sql($database, 'DROP SCHEMA mia CASCADE; REVOKE ALL ON SCHEMA hitl FROM mia; REVOKE ALL ON log FROM mia');
	($status, $out, $error) = $node->psql($database, 'DROP ROLE mia');
	like($error, qr/privileges for type hitl.graph_owner/, "$database: also when the graphs alone are left");
	is(sql($database, "SELECT count(*) FROM hitl.threads WHERE owner = 'mia'::regrole"), 9, 'they are hers');
}
poll($node, 'postgres', workers('executor') . ' = 0', 'her executors have left');
# and so does who owns policies and rules, also after DROP OWNED, which takes all other rights away
for my $database ('postgres', 'copy')
{
	is(sql($database, q{SELECT hitl.create_policy('after', '{}')}), 1, "$database: there is a number for the next policy");
	sql($database, 'DROP OWNED BY pat');
	($status, $out, $error) = $node->psql($database, 'DROP ROLE pat');
	like($error, qr/privileges for type hitl.graph_owner/, 'the owner of a policy is not dropped');
	is(sql($database, q{SELECT count(*) FROM hitl.policies WHERE owner = 'pat'::regrole}), 1, 'which is still his');
}
sql($_, 'DROP OWNED BY tom, app, team') for qw(postgres copy);
is($node->psql('postgres', 'DROP ROLE tom'), 0, 'DROP OWNED ends grants, and the role can go');
my $copies = q{SELECT count(*) FROM pg_proc p JOIN pg_roles r ON r.oid = proowner WHERE rolname = 'mia'};
is(sql($_, $copies), 3, "$_: the copies are there, but that of which the type of an argument is gone") for qw(postgres copy);
sql($_, 'DROP EXTENSION hitl') for qw(postgres copy);
is(sql($_, $copies), 0, "$_: they go with the extension") for qw(postgres copy);
is($node->psql('postgres', 'DROP ROLE mia'), 0, 'without the extension she can go');
$node->stop;
unlike(log_since($node, 0), qr/TRAP:|PANIC:/, 'no failure of an assertion');
done_testing();
