-- The contract of errors: each SQLSTATE that a program may branch on, raised by what raises it; and the house's rules for their
-- words: a lower-case primary without a full stop, a detail of whole sentences, a hint, and no payload in the primary.
BEGIN;
SELECT no_plan();
SET LOCAL client_min_messages = warning;

CREATE ROLE tap_author LOGIN;
CREATE ROLE tap_stranger LOGIN;
SELECT ok(hitl.grant_author('tap_author'), 'an author');
GRANT USAGE ON SCHEMA hitl TO tap_stranger;

CREATE FUNCTION does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE update jsonb; BEGIN EXECUTE state->>'does' INTO update; RETURN update; END $$;
CREATE FUNCTION graph_of(graph text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  PERFORM hitl.create_graph(graph), hitl.add_node(graph, 'n', 'does'), hitl.add_edge(graph, 'START', 'n'), hitl.add_edge(graph, 'n', 'END');
  RETURN hitl.compile(graph);
END $$;
SELECT lives_ok($$SELECT graph_of('g')$$, 'a graph');
SELECT lives_ok($$SELECT hitl.create_graph('draft'), hitl.add_node('draft', 'n', 'nowhere(jsonb)'), hitl.add_edge('draft', 'START', 'n')$$, 'a draft with faults');

-- Threads in every state; the numbers are fixed.
SELECT is(d->>'status', 'done', 'thread 1 is done') FROM hitl.invoke('g', '{"does": "SELECT NULL"}') d;
SELECT is(d->>'status', 'interrupted', 'thread 2 asks: interrupt 1') FROM hitl.invoke('g', $${"does": "SELECT hitl.interrupt('{\"action\": \"SECRET\", \"args\": {\"SECRET\": 1}, \"allowed\": [\"approve\", \"reject\"]}')"}$$) d;
SELECT is(d->>'status', 'failed', 'thread 3 has failed') FROM hitl.invoke('g', '{"does": "SELECT 1/0"}') d;
SELECT is(d->>'status', 'interrupted', 'thread 4 asks: interrupt 2, with nothing to edit') FROM hitl.invoke('g', $${"does": "SELECT hitl.interrupt('{\"args\": [1], \"allowed\": [\"edit\", \"reject\"]}')"}$$) d;
SELECT is(d->>'status', 'interrupted', 'thread 5 asks: interrupt 3') FROM hitl.invoke('g', $${"does": "SELECT hitl.interrupt(NULL)"}$$) d;
SELECT lives_ok('SELECT hitl.reject(3)', 'interrupt 3 is decided');
SELECT is(d->>'status', 'interrupted', 'thread 6 asks: interrupt 4') FROM hitl.invoke('g', $${"does": "SELECT hitl.interrupt(NULL)"}$$) d;
SELECT lives_ok('SELECT hitl.cancel(6)', 'thread 6 is cancelled');

-- A statement is refused with this code, and in the house's words.
CREATE FUNCTION refused(statement text, code text, like_message text, as_role name DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS $f$
DECLARE
  c text; m text; d text; h text; x text;
BEGIN
  BEGIN
    IF as_role IS NOT NULL THEN EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', as_role); END IF;
    EXECUTE statement;
    RAISE 'not refused' USING ERRCODE = '00001';
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS c = RETURNED_SQLSTATE, m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, x = PG_EXCEPTION_CONTEXT;
  END;
  RETURN NEXT is(c, code, format('%s: %s', code, statement));
  RETURN NEXT alike(m, like_message, '  its message');
  RETURN NEXT ok(m ~ '^("|[a-z])' AND m !~ '[.!]$' AND m !~ E'\n' AND length(m) <= 100 AND m !~* '\m(unable|illegal|bad|unknown)\M', '  its message is a primary: ' || m);
  RETURN NEXT ok(d ~ '^("|[A-Z]|hitl\.).*\.$', '  its detail is of whole sentences: ' || d);
  RETURN NEXT ok(h <> '', '  it has a hint: ' || h);
  RETURN NEXT ok(m !~ 'SECRET', '  its message holds no payload');
  RETURN NEXT ok(x !~ 'SQL statement "(INSERT|UPDATE|DELETE|SELECT .* FROM) ?.*hitl\.', '  its context shows no statement of our own');
END $f$;

-- Graphs -----------------------------------------------------------------------------------------------------------
SELECT refused($$SELECT hitl.create_graph('g')$$, '42710', 'graph "g" already exists');
SELECT refused($$SELECT hitl.create_graph('')$$, '22023', 'the name of a graph must have 1 to 63 bytes');
SELECT refused($$SELECT hitl.add_node('nope', 'n', 'f')$$, '42704', 'graph "nope" does not exist');
SELECT refused($$SELECT hitl.add_edge('nope', 'n', 'm')$$, '42704', 'graph "nope" does not exist');
SELECT refused($$SELECT hitl.compile('nope')$$, '42704', 'graph "nope" does not exist');
SELECT refused($$SELECT hitl.start('nope')$$, '42704', 'graph "nope" does not exist');
SELECT refused($$SELECT hitl.invoke('nope')$$, '42704', 'graph "nope" does not exist');
SELECT refused($$SELECT hitl.add_node('g', 'n', 'f')$$, '42710', 'graph "g" has a node "n" already');
SELECT refused($$SELECT hitl.add_node('g', 'END', 'f')$$, '42939', 'the name "END" is reserved');
SELECT refused($$SELECT hitl.add_node('g', '', 'f')$$, '22023', 'the name of a node must have%');
SELECT refused($$SELECT hitl.add_edge('g', 'n', 'END')$$, '42710', 'graph "g" has this among its edges already');
SELECT refused($$SELECT hitl.add_edge('g', 'END', 'n')$$, '22023', 'an edge cannot leave END or lead to START');
SELECT refused($$SELECT hitl.compile('draft')$$, '42P17', 'graph "draft" cannot be compiled');
SELECT refused($$SELECT hitl.start('draft')$$, '55000', 'graph "draft" is not compiled');
SELECT refused($$SELECT hitl.start('g', '[]')$$, '22023', 'the input of a thread must be an object');
SELECT refused($$SELECT hitl.invoke('g', '"SECRET"')$$, '22023', 'the input of a thread must be an object');
SELECT refused($$SELECT hitl.add_node('g', 'x', 'f')$$, '42501', 'permission denied for graph "g"', 'tap_stranger');
SELECT refused($$SELECT hitl.add_edge('g', 'x', 'f')$$, '42501', 'permission denied for graph "g"', 'tap_stranger');
SELECT refused($$SELECT hitl.compile('g')$$, '42501', 'permission denied for graph "g"', 'tap_stranger');
SELECT refused($$SELECT hitl.start('g')$$, '42501', 'permission denied for graph "g"', 'tap_stranger');
SELECT refused($$SELECT hitl.invoke('g')$$, '42501', 'permission denied for graph "g"', 'tap_stranger');

-- Threads ----------------------------------------------------------------------------------------------------------
SELECT refused('SELECT hitl.' || call, '42704', 'thread 99 does not exist') FROM unnest(ARRAY['get_state(99)', 'cancel(99)', 'retry(99)', 'wait(99)', 'why(99)', 'resume(99, ''{"type": "approve"}'')']) call;
SELECT refused('SELECT hitl.' || call, '42501', 'permission denied for thread 2', 'tap_stranger') FROM unnest(ARRAY['get_state(2)', 'cancel(2)', 'retry(2)', 'wait(2)', 'why(2)', 'resume(2, ''{"type": "approve"}'')']) call;
SELECT refused('SELECT hitl.cancel(NULL)', '22004', 'thread_id cannot be NULL');
SELECT refused('SELECT hitl.cancel(1)', '55000', 'thread 1 cannot be cancelled');
SELECT refused('SELECT hitl.retry(1)', '55000', 'thread 1 has nothing to retry');
SELECT refused('SELECT hitl.retry(2)', '55000', 'thread 2 has nothing to retry');
SELECT refused('SELECT hitl.retry(6)', '55000', 'thread 6 has nothing to retry');
SELECT refused($$SELECT hitl.resume(1, '{"type": "approve"}')$$, '55000', 'thread 1 waits for no decision');
SELECT refused($$SELECT hitl.resume(3, '{"type": "approve"}')$$, '55000', 'thread 3 waits for no decision');
SELECT refused('SELECT hitl.migrate(' || args || ')', code, message) FROM (VALUES ('NULL', '22004', 'thread_id cannot be NULL'), ('99', '42704', 'thread 99 does not exist'),
  ('2, 2', '42704', 'graph "g" has no version 2'), ('2, -1', '42704', 'graph "g" has no version -1'), ('6', '55000', 'thread 6 cannot be migrated')) v (args, code, message);
SELECT refused('SELECT hitl.migrate(2)', '42501', 'permission denied for thread 2', 'tap_stranger');
SELECT refused('SELECT hitl.wait(5)', 'IH010', 'cannot wait for thread 5 in this transaction');
SELECT refused('CALL hitl.run_pending(-1)', '22023', 'the number of tasks to run cannot be negative');
SELECT lives_ok($$SELECT hitl.create_graph('pair'), hitl.add_node('pair', 'n', 'does'), hitl.add_node('pair', 'm', 'does'), hitl.add_edge('pair', 'START', 'n'), hitl.add_edge('pair', 'START', 'm'),
  hitl.add_edge('pair', 'n', 'END'), hitl.add_edge('pair', 'm', 'END'), hitl.compile('pair')$$, 'a graph of two nodes');
SELECT is(d->>'status', 'interrupted', 'thread 7 asks twice: interrupts 5 and 6') FROM hitl.invoke('pair', $${"does": "SELECT hitl.interrupt(NULL)"}$$) d;
SELECT refused($$SELECT hitl.resume(7, '{"type": "approve"}')$$, '21000', 'thread 7 waits for more than one decision');

-- Interrupts and decisions -----------------------------------------------------------------------------------------
SELECT refused($$SELECT hitl.interrupt('{"SECRET": 1}')$$, 'IH005', 'hitl.interrupt() has a meaning only in a node');
SELECT refused('SELECT hitl.' || call, '42704', 'interrupt 99 does not exist')
  FROM unnest(ARRAY['approve(99)', 'edit(99, ''{}'')', 'reject(99)', 'respond(99, ''1'')', 'decide(99, ''{"type": "approve"}'')']) call;
SELECT refused('SELECT hitl.' || call, 'IH003', 'you may not decide interrupt 1', 'tap_stranger')
  FROM unnest(ARRAY['approve(1)', 'edit(1, ''{}'')', 'reject(1)', 'respond(1, ''1'')', 'decide(1, ''{"type": "approve"}'')']) call;
SELECT refused('SELECT hitl.' || call, 'IH001', 'interrupt 3 is already settled')
  FROM unnest(ARRAY['approve(3)', 'edit(3, ''{}'')', 'reject(3)', 'respond(3, ''1'')', 'decide(3, ''{"type": "approve"}'')']) call;
SELECT throws_like('SELECT hitl.approve(4)', 'interrupt 4 is already settled', 'a cancelled interrupt is settled');
SELECT refused('SELECT hitl.withdraw(1)', '55000', 'you have no vote on interrupt 1');
SELECT refused('SELECT hitl.withdraw(3)', 'IH001', 'interrupt 3 is already settled');
SELECT refused('SELECT hitl.reopen(1, ''SECRET'')', '55000', 'interrupt 1 is not decided yet');
SELECT refused('SELECT hitl.reopen(4, ''SECRET'')', 'IH001', 'interrupt 4 is already settled');
SELECT refused('SELECT hitl.reopen(3, ''SECRET'')', 'IH003', 'you may not decide interrupt 3', 'tap_stranger');
SELECT refused($$SELECT hitl.decide_many(ARRAY[1], '{"type": "approve"}', 'SECRET')$$, '22023', 'on_conflict must be ''skip'' or ''error''');
SELECT refused($$SELECT hitl.decide_many(ARRAY[NULL::bigint], '{"type": "approve"}')$$, '22004', 'interrupt_ids must be a plain array without NULLs');
SELECT refused($$SELECT hitl.decide_many(ARRAY[1], '{"type": "approve"}', seen => '{}')$$, '2202E', 'seen must have an element for each interrupt');
SET LOCAL hitl.max_bulk_decisions = 1;
SELECT refused($$SELECT hitl.decide_many(ARRAY[1, 2], '{"type": "reject"}')$$, '54000', 'too many decisions in one statement');
RESET hitl.max_bulk_decisions;
SELECT refused($$SELECT hitl.approve(1, seen => '2')$$, 'IH002', 'interrupt 1 is not what was seen');
SELECT refused($$SELECT hitl.approve(1, seen => repeat('0', 64))$$, 'IH002', 'interrupt 1 is not what was seen');
SELECT refused($$SELECT hitl.approve(1, seen => 'SECRET')$$, '22023', 'seen must be a content hash or the number of a revision');
SELECT refused($$SELECT hitl.edit(1, '{"SECRET": 2}')$$, 'IH004', 'interrupt 1 does not take a decision of type "edit"');
SELECT refused($$SELECT hitl.edit(2, '{"SECRET": 2}')$$, 'IH004', 'interrupt 2 cannot be edited');
SELECT refused('SELECT hitl.decide(1, ' || quote_literal(decision) || ')', '22023', 'the decision has not the shape of a decision')
  FROM unnest(ARRAY['"SECRET"', 'null', '{}', '{"type": "SECRET"}', '{"type": "approve", "SECRET": 1}', '{"type": "respond"}', '{"type": "reject", "reason": 1}']) decision;
SELECT refused($$SELECT hitl.edit(1, '"SECRET"')$$, '22023', 'the edits of a decision must be an object');
SELECT refused($$SELECT hitl.decide(1, '{"type": "edit"}')$$, '22023', 'the edits of a decision must be an object');
SELECT refused($$SELECT hitl.respond(1)$$, '22023', 'a response must be given either as response or as text');
SELECT refused($$SELECT hitl.approve(NULL)$$, '22004', 'interrupt_id cannot be NULL');

-- The desk ---------------------------------------------------------------------------------------------------------
SELECT refused('SELECT hitl.' || call, '42704', 'interrupt 99 does not exist')
  FROM unnest(ARRAY['claim(99)', 'release(99)', 'assign(99, ''tap_author'')', 'delegate(99, ''tap_author'')', 'comment(99, ''SECRET'')', 'show(99)', 'snooze(99, ''infinity'')', 'dismiss(99)']) call;
SELECT refused('SELECT hitl.' || call, 'IH003', 'you may not decide interrupt 1', 'tap_stranger')
  FROM unnest(ARRAY['claim(1)', 'release(1)', 'assign(1, ''tap_author'')', 'delegate(1, ''tap_author'')', 'snooze(1, ''infinity'')', 'dismiss(1)']) call;
SELECT refused('SELECT hitl.' || call, 'IH003', 'you may not see interrupt 1', 'tap_stranger') FROM unnest(ARRAY['comment(1, ''SECRET'')', 'show(1)']) call;
SELECT refused('SELECT hitl.' || call, 'IH001', 'interrupt 3 is already settled')
  FROM unnest(ARRAY['claim(3)', 'release(3)', 'assign(3, ''tap_author'')', 'delegate(3, ''tap_author'')', 'snooze(3, ''infinity'')', 'dismiss(3)']) call;
SELECT refused('SELECT hitl.' || call, '42704', 'role "nope" does not exist')
  FROM unnest(ARRAY['assign(1, ''nope'')', 'delegate(1, ''nope'')', 'claim_next(role => ''nope'')', 'out_of_office(''nope'')']) call;
SELECT refused($$SELECT hitl.claim_next('nope')$$, '42704', 'graph "nope" does not exist');
SELECT refused('SELECT hitl.' || call, '22004', '% cannot be NULL')
  FROM unnest(ARRAY['claim(NULL)', 'release(NULL)', 'show(NULL)', 'assign(NULL, ''tap_author'')', 'assign(1, NULL)', 'delegate(1, NULL)', 'comment(1, NULL)', 'snooze(NULL, NULL)', 'dismiss(NULL)', 'out_of_office(NULL)']) call;
SELECT refused('SELECT hitl.' || call, '22023', message)
  FROM (VALUES ('claim(1, ''0'')', 'the lease of a claim must be longer than nothing'), ('claim(1, ''2 days'')', 'the lease of a claim must not be longer than 1 day'), ('claim_next(lease => ''-1 h'')', 'the lease of a claim must be longer than nothing'),
    ('delegate(1, ''postgres'')', 'nobody delegates to oneself'), ('snooze(1, ''2000-01-01'')', 'an interrupt must be snoozed until a time that is to come'),
    ('out_of_office(''postgres'')', 'nobody is the own substitute'), ('out_of_office(''tap_author'', until => ''2000-01-01'')', 'an absence must end after it begins, and after now'),
    ('out_of_office(''tap_author'', ''2100-01-02'', ''2100-01-01'')', 'an absence must end after it begins, and after now')) v (call, message);
SELECT refused($$SELECT hitl.assign(1, 'tap_stranger')$$, 'IH003', 'interrupt 1 cannot be assigned to "tap_stranger"');
CREATE ROLE tap_super SUPERUSER LOGIN;
SELECT isnt(hitl.claim(1), NULL, 'interrupt 1 is claimed');
SELECT refused('SELECT hitl.claim(1)', 'IH012', 'interrupt 1 is claimed by somebody else', 'tap_super');
SELECT lives_ok($$SELECT hitl.assign(1, 'postgres')$$, '... and assigned');
SELECT refused('SELECT hitl.claim(1)', 'IH012', 'interrupt 1 is claimed by somebody else', 'tap_super');
SELECT is(hitl.release(1), true, '... and released');
-- A node has no desk.
SELECT is(d#>>'{error,sqlstate}', '42501', 'in a node: ' || call)
  FROM unnest(ARRAY['claim(1)', 'claim_next()', 'release(1)', 'assign(1, ''postgres'')', 'delegate(1, ''tap_author'')', 'comment(1, ''x'')', 'show(1)', 'snooze(1, ''infinity'')', 'dismiss(1)', 'out_of_office(''tap_author'')', 'back()']) call,
       LATERAL hitl.invoke('g', jsonb_build_object('does', 'SELECT to_jsonb(hitl.' || call || '::text)')) d;
-- The session's user is who is away, whoever the current user is.
CREATE FUNCTION sends_away() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT hitl.out_of_office('tap_stranger') $$;
ALTER FUNCTION sends_away() OWNER TO tap_stranger;
SELECT refused('SELECT sends_away()', '42501', 'permission denied to say who is away');
SELECT is_empty('SELECT * FROM hitl.absences', 'nobody is away');
SELECT refused($$SELECT hitl.edit(1, NULL)$$, '22004', 'edits cannot be NULL');
SELECT refused($$SELECT hitl.decide(1, NULL)$$, '22004', 'decision cannot be NULL');
-- Nothing of all that decided anything.
SELECT results_eq('SELECT interrupt_id FROM hitl.pending ORDER BY 1', 'VALUES (1::bigint), (2), (5), (6)', 'what was refused changed nothing');

-- Errors that become a node's: the thread is failed, with the same parts ----------------------------------------------
CREATE FUNCTION node_fails(code text, does text) RETURNS SETOF text LANGUAGE plpgsql AS $f$
DECLARE
  d jsonb := hitl.invoke('g', jsonb_build_object('does', does));
  e jsonb := d->'error';
BEGIN
  RETURN NEXT is(d->>'status', 'failed', format('%s fails its node: %s', code, does));
  RETURN NEXT is(e->>'sqlstate', code, '  its SQLSTATE');
  RETURN NEXT ok(e->>'message' ~ '^("|[a-z])' AND e->>'message' !~ '[.!]$', '  its message: ' || (e->>'message'));
  RETURN NEXT ok(e->>'detail' ~ '^("|[A-Z]).*\.$' AND e->>'hint' <> '', '  its detail and hint');
  RETURN NEXT is((SELECT array_agg(k ORDER BY k COLLATE "C") FROM jsonb_object_keys(e) k), '{context,detail,hint,message,node,sqlstate}', '  its parts');
  RETURN NEXT is((SELECT to_jsonb(f) - '{thread_id,graph,step,task_id,attempt,failed_at,root_id,depth,frame}'::text[] FROM hitl.failed f WHERE f.thread_id = (d->>'thread_id')::bigint), e, '  the view failed says the same');
END $f$;
SELECT node_fails('42804', 'SELECT ''[1]''::jsonb');
SELECT node_fails('22023', $$SELECT hitl.interrupt('{"allowed": []}')$$);
SELECT node_fails('22023', $$SELECT hitl.interrupt('{}', '')$$);
SELECT node_fails('22023', $$SELECT hitl.interrupt('{}', '#1')$$);
SELECT node_fails('IH003', 'SELECT hitl.approve(1) IS NULL');
SELECT node_fails('42501', 'SELECT hitl.withdraw(1) IS NULL');
SELECT node_fails('42501', 'SELECT hitl.reopen(3, ''why not'') IS NULL');
SELECT node_fails('IH006', 'SELECT hitl.cancel(hitl.current_thread()) IS NULL');
SELECT node_fails('42501', 'SELECT to_jsonb(hitl.migrate(hitl.current_thread()))');
SELECT node_fails('42501', $$SELECT to_jsonb(hitl.update_state(1, '{}'))$$);
SELECT node_fails('42501', 'SELECT to_jsonb(hitl.fork(1))');
SELECT node_fails('42501', $$SELECT to_jsonb(hitl.compile('g'))$$);
SELECT node_fails('55000', 'CALL hitl.run_pending()');
SELECT node_fails('IH010', $$SELECT to_jsonb(hitl.wait(hitl.start('g')))$$);
-- IH011: the function is not what it was; another version of the graph mends that, and one that does not fit is refused.
SAVEPOINT changed;
CREATE OR REPLACE FUNCTION does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
SELECT node_fails('IH011', 'SELECT NULL');
SELECT is(hitl.retry(max(thread_id)), 1, 'a retry alone') FROM hitl.threads;
CALL hitl.run_pending();
SELECT is(sqlstate, 'IH011', 'does not help') FROM hitl.failed ORDER BY thread_id DESC LIMIT 1;
SELECT refused(format('SELECT hitl.migrate(%s)', max(thread_id)), '55000', 'thread % runs version 1 already') FROM hitl.threads;
SELECT is(hitl.compile('g'), 2, 'a new version of the same document');
SELECT is(hitl.migrate(max(thread_id)), 2, 'does') FROM hitl.threads;
CALL hitl.run_pending();
SELECT is(status, 'done', 'the thread is done') FROM hitl.threads ORDER BY thread_id DESC LIMIT 1;
SELECT lives_ok($$SELECT hitl.define('{"graph": "g", "nodes": {"other": "does"}, "edges": [["START", "other"], ["other", "END"]]}')$$, 'a version without the node');
SELECT refused('SELECT hitl.migrate(2)', '55000', 'thread 2 cannot go on with version 3 of graph "g"');
ROLLBACK TO changed;
-- Two writers of one channel.
CREATE FUNCTION x(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"x": 1}'::jsonb $$;
SELECT lives_ok($$SELECT hitl.create_graph('writers'), hitl.add_node('writers', 'a', 'x'), hitl.add_node('writers', 'b', 'x'), hitl.add_edge('writers', 'START', 'a'), hitl.add_edge('writers', 'START', 'b'),
  hitl.add_edge('writers', 'a', 'END'), hitl.add_edge('writers', 'b', 'END'), hitl.compile('writers')$$, 'a graph of two writers');
SELECT is(d#>>'{error,sqlstate}', '21000', '21000: two writers of one channel') FROM hitl.invoke('writers') d;
-- IH007: asks something else each time; 42710: one key for two questions.
CREATE SEQUENCE n;
SELECT is((SELECT d->>'status' FROM hitl.invoke('g', $${"does": "SELECT hitl.interrupt(jsonb_build_object('args', nextval('n')))"}$$) d), 'interrupted', 'a node that asks something else each time');
SELECT is(d->>'status', status, 'answer ' || n) FROM (VALUES (1, 'interrupted'), (2, 'interrupted'), (3, 'interrupted'), (4, 'failed')) v (n, status), LATERAL hitl.resume((SELECT max(thread_id) FROM hitl.threads WHERE n > 0), '{"type": "approve"}') d;
SELECT is(sqlstate, 'IH007', 'IH007: it asked something else once too often') FROM hitl.failed ORDER BY thread_id DESC LIMIT 1;
SELECT refused(format('SELECT hitl.approve(%s)', interrupt_id), 'IH001', 'interrupt % is already settled') FROM (SELECT interrupt_id FROM hitl.interrupt WHERE status = 'superseded' ORDER BY interrupt_id LIMIT 1) i;
SELECT is(d->>'status', 'interrupted', 'a node that asks two questions under one key') FROM hitl.invoke('g', $${"does": "SELECT jsonb_agg(hitl.interrupt('1', 'k')) FROM generate_series(1, 2)"}$$) d;
SELECT is(d#>>'{error,sqlstate}', '42710', '42710: one key is for one question') FROM hitl.resume((SELECT max(thread_id) FROM hitl.threads), '{"type": "approve"}') d;

SELECT is_empty('SELECT * FROM hitl.check()', 'the invariants hold');
SELECT * FROM finish();
ROLLBACK;
