-- The contract of hitl.check(): silent about whatever the engine does; and for each invariant (src/lifecycle.h), broken by a
-- superuser's hand, exactly that one is reported, by its number, with the thread; and only to whom the thread belongs.
BEGIN;
SELECT no_plan();
SET LOCAL client_min_messages = warning;

CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF state ? 'fails' THEN RAISE 'told to fail'; END IF;
  IF state ? 'asks' THEN PERFORM hitl.interrupt('{"action": "go"}'); END IF;
  RETURN '{}';
END $$;
SELECT lives_ok($$SELECT hitl.create_graph('g'), hitl.add_node('g', 'n', 'asks'), hitl.add_edge('g', 'START', 'n'), hitl.add_edge('g', 'n', 'END'), hitl.compile('g')$$, 'a graph');
SELECT is(hitl.define('{"graph": "above", "nodes": {"below": {"subgraph": "g"}}, "edges": [["START", "below"], ["below", "END"]]}'), 1, 'a graph with a subgraph');
CREATE TABLE t (state text PRIMARY KEY, thread_id bigint);
INSERT INTO t SELECT state, (hitl.invoke('g', input)->>'thread_id')::bigint FROM (VALUES ('done', '{}'::jsonb), ('interrupted', '{"asks": 1}'), ('decided', '{"asks": 1}'), ('cancelled', '{"asks": 1}'), ('failed', '{"fails": 1}'), ('approved', '{"asks": 1}')) v (state, input);
INSERT INTO t SELECT 'running', hitl.start('g');
INSERT INTO t SELECT 'waiting', (hitl.invoke('above', '{"asks": 1}')->>'thread_id')::bigint;
INSERT INTO t SELECT 'child', child_id FROM hitl.task JOIN t USING (thread_id) WHERE state = 'waiting';
SELECT lives_ok($$SELECT hitl.resume(thread_id, '{"type": "approve"}') FROM t WHERE state = 'decided'$$, 'one is decided and done');
SELECT lives_ok($$SELECT hitl.cancel(thread_id) FROM t WHERE state = 'cancelled'$$, 'one is cancelled');
SELECT lives_ok($$SELECT hitl.approve(interrupt_id) FROM hitl.pending JOIN t USING (thread_id) WHERE state = 'approved'$$, 'one has its answer and is queued');
SELECT is(hitl.create_policy('two', '{"quorum": 2}'), 1, 'a policy');
SELECT isnt(hitl.create_rule('pay', 'two', action => 'pay'), NULL, 'a rule');
SELECT is_empty('SELECT * FROM hitl.check()', 'threads in every state: nothing to report');

-- Breaks something by hand, and looks at what is reported: these invariants, of this thread; then puts it back.
CREATE FUNCTION breaks(want text[], of_state text, description text, VARIADIC statements text[]) RETURNS SETOF text LANGUAGE plpgsql AS $f$
DECLARE
  statement text; got text[]; threads bigint[]; thread bigint := (SELECT thread_id FROM t WHERE state = of_state);
BEGIN
  BEGIN
    FOREACH statement IN ARRAY statements LOOP
      EXECUTE replace(statement, ':t', thread::text);
    END LOOP;
    got := ARRAY(SELECT DISTINCT split_part(invariant, ':', 1) FROM hitl.check() ORDER BY 1);
    threads := ARRAY(SELECT DISTINCT c.thread_id FROM hitl.check() c WHERE c.thread_id IS NOT NULL);
    RAISE 'back' USING ERRCODE = '00001';
  EXCEPTION WHEN SQLSTATE '00001' THEN NULL;
  END;
  RETURN NEXT is(got, want, array_to_string(want, ', ') || ': ' || description);
  RETURN NEXT ok(threads <@ ARRAY[thread, -1], '  and of that thread only');
END $f$;

SELECT breaks('{I1}', 'running', 'running, and not in the queue', 'DELETE FROM hitl.run_queue WHERE thread_id = :t');
SELECT breaks('{I1}', 'failed', 'set to running, and not in the queue', $$UPDATE hitl.thread SET status = 'running' WHERE thread_id = :t$$);
SELECT breaks('{I2,I7}', 'approved', 'its answer lost its run', 'DELETE FROM hitl.run_queue WHERE thread_id = :t');
SELECT breaks('{I2}', 'failed', 'interrupted, and nothing asked', $$UPDATE hitl.thread SET status = 'interrupted' WHERE thread_id = :t$$);
SELECT breaks('{I3}', 'running', 'queued, and no such task', $$UPDATE hitl.run_queue SET task_id = -1 WHERE thread_id = :t$$);
SELECT breaks('{I3}', 'done', 'queued, and no such thread', $$INSERT INTO hitl.run_queue (owner, due_at, thread_id, step, task_id) VALUES (current_user::regrole, 'infinity', -1, 1, -1)$$);
SELECT breaks('{I4}', 'interrupted', 'pending, and nobody may decide', 'DELETE FROM hitl.audience WHERE interrupt_id IN (SELECT interrupt_id FROM hitl.interrupt WHERE thread_id = :t)');
SELECT breaks('{I12,I4}', 'interrupted', 'pending, and its task is ready', $$UPDATE hitl.task SET status = 'ready' WHERE thread_id = :t$$);
SELECT breaks('{I5}', 'decided', 'decided, and still in an inbox', $$INSERT INTO hitl.audience SELECT owner, 0, opened_at, interrupt_id FROM hitl.interrupt WHERE thread_id = :t$$);
SELECT breaks('{I5}', 'cancelled', 'cancelled, and still in an inbox', $$INSERT INTO hitl.audience SELECT owner, 0, opened_at, interrupt_id FROM hitl.interrupt WHERE thread_id = :t$$);
SELECT breaks('{I12,I6}', 'done', 'done, and a task has failed', $$UPDATE hitl.task SET status = 'failed' WHERE thread_id = :t$$);
SELECT breaks('{I6}', 'cancelled', 'cancelled, and a task is ready', $$UPDATE hitl.task SET status = 'ready' WHERE thread_id = :t$$);
SELECT breaks('{I2,I7}', 'interrupted', 'the question is gone, the task waits', 'DELETE FROM hitl.audience WHERE interrupt_id IN (SELECT interrupt_id FROM hitl.interrupt WHERE thread_id = :t)', 'DELETE FROM hitl.interrupt WHERE thread_id = :t');
SELECT breaks('{I8}', 'done', 'its version is gone', 'UPDATE hitl.thread SET version = 99 WHERE thread_id = :t');
SELECT breaks('{I8}', 'done', 'its latest checkpoint is gone', 'DELETE FROM hitl.checkpoint WHERE thread_id = :t AND checkpoint = (SELECT checkpoint FROM hitl.thread WHERE thread_id = :t)');
SELECT breaks('{I8}', 'done', 'the base of its latest checkpoint is gone', 'UPDATE hitl.checkpoint SET base = 0 WHERE thread_id = :t', 'DELETE FROM hitl.checkpoint WHERE thread_id = :t AND checkpoint = 0');
SELECT breaks('{I9}', 'done', 'a task of no thread', $$INSERT INTO hitl.task (thread_id, task_id, step, node, status, created_at) VALUES (-1, -1, 1, 'n', 'done', now())$$);
SELECT breaks('{I9}', 'done', 'an interrupt of no thread', $$INSERT INTO hitl.interrupt SELECT -1, -1, task_id, graph_id, owner, step, node, key, 'superseded', action, args, description, payload, allowed, opened_at, NULL, NULL, NULL, NULL, 1, NULL, NULL, repeat('0', 64), 0, NULL, NULL, NULL, NULL, NULL, false FROM hitl.interrupt LIMIT 1$$);
SELECT breaks('{I9}', 'done', 'a vote on nothing', $$INSERT INTO hitl.vote (interrupt_id, revision, voter, login, role, is_asserted, is_withdrawal, type, answer, groups, voted_at) VALUES (-1, 1, 'x', 'x', 'x', false, false, 'approve', '{}', '{}', now())$$);
SELECT breaks('{I9}', 'done', 'an audience for nothing', $$INSERT INTO hitl.audience VALUES (current_user::regrole, 0, now(), -1)$$);
SELECT breaks('{I9}', 'done', 'an outcome of no thread', $$INSERT INTO hitl.outcome (thread_id, outcome, reported_by, reported_at) VALUES (-1, 'ok', 'x', now())$$);
SELECT breaks('{I9}', 'done', 'a message on nothing', $$INSERT INTO hitl.outbox (dedup_key, interrupt_id, kind, role, created_at, due_at) VALUES ('-1/x/x', -1, 'opened', 'x', now(), now())$$);
SELECT breaks('{I9}', 'done', 'a checkpoint of no thread', $$INSERT INTO hitl.checkpoint (thread_id, checkpoint, base, step, delta, weight, created_at) VALUES (-1, 0, 0, 0, '{}', 0, now())$$);
SELECT breaks('{I9}', 'done', 'a trail of no thread', $$INSERT INTO hitl.audit (thread_id, at, event, actor, role, actor_kind) VALUES (-1, now(), 'started', 'x', 'x', 'person')$$);
SELECT breaks('{I9}', 'done', 'a version of no graph', $$INSERT INTO hitl.graph_version VALUES (-1, 1, '{}', 'public', now(), 'x')$$);
SELECT breaks('{I9}', 'done', 'a function of no version', $$INSERT INTO hitl.graph_function VALUES (-1, 1, 'f', current_user::regrole, '')$$);
SELECT breaks('{I9}', 'done', 'a key of no thread', $$INSERT INTO hitl.thread_key VALUES (-1, 'k', -1)$$);
SELECT breaks('{I12}', 'interrupted', 'it counts one too many', $$UPDATE hitl.thread SET n_ready = n_ready + 1 WHERE thread_id = :t$$);
SELECT breaks('{I10}', 'decided', 'decided, and no vote', 'DELETE FROM hitl.vote WHERE interrupt_id IN (SELECT interrupt_id FROM hitl.interrupt WHERE thread_id = :t)');
SELECT breaks('{I10}', 'decided', 'decided, and no decision', 'UPDATE hitl.interrupt SET decision = NULL WHERE thread_id = :t');
SELECT breaks('{I16}', 'decided', 'a vote on a revision that never was', 'UPDATE hitl.vote SET revision = 2 WHERE interrupt_id IN (SELECT interrupt_id FROM hitl.interrupt WHERE thread_id = :t)');
SELECT breaks('{I17}', 'interrupted', 'nobody has proposed what is voted on', $$UPDATE hitl.interrupt SET revision = 2, proposal = '{"type": "edit", "edits": {}}', proposed_by = 'x' WHERE thread_id = :t$$);
SELECT breaks('{I17}', 'interrupted', 'nothing says what a vote is bound to', 'UPDATE hitl.interrupt SET content_hash = NULL WHERE thread_id = :t');
SELECT breaks('{I18}', 'interrupted', 'it reopens nothing', 'UPDATE hitl.interrupt SET reopens = -1 WHERE thread_id = :t');
SELECT breaks('{I18}', 'interrupted', 'a review of nothing', 'UPDATE hitl.interrupt SET is_review = true WHERE thread_id = :t', 'UPDATE hitl.task SET status = ''done'' WHERE thread_id = :t', $$UPDATE hitl.thread SET status = 'done', n_interrupted = 0 WHERE thread_id = :t$$);
SELECT breaks('{I24}', 'done', 'a right of nobody', $$INSERT INTO hitl.grant VALUES ('reviewer', 99999999, 0, NULL, false, 'x', now())$$);
SELECT breaks('{I24}', 'done', 'a right for no graph', $$INSERT INTO hitl.grant VALUES ('operator', current_user::regrole, -1, NULL, false, 'x', now())$$);
SELECT breaks('{I24}', 'done', 'a proxy for nobody', $$INSERT INTO hitl.grant VALUES ('proxy', current_user::regrole, 0, NULL, false, 'x', now())$$);
SELECT breaks('{I11}', 'done', 'an owner who is no role', $$INSERT INTO hitl.graph (graph, owner) VALUES ('ownerless', 99999999)$$);
SELECT breaks('{I11}', 'running', 'a thread whose owner is no role', $$UPDATE hitl.thread SET owner = 99999999 WHERE thread_id = :t$$);
SELECT breaks('{I13}', 'waiting', 'its child is of another task', $$UPDATE hitl.task SET child_id = (SELECT thread_id FROM t WHERE state = 'done') WHERE thread_id = :t$$,
  $$UPDATE hitl.thread SET status = 'cancelled' WHERE parent_id = :t$$, $$UPDATE hitl.task SET status = 'cancelled' WHERE thread_id = (SELECT thread_id FROM t WHERE state = 'child')$$,
  $$UPDATE hitl.interrupt SET status = 'cancelled' WHERE thread_id = (SELECT thread_id FROM t WHERE state = 'child')$$, $$DELETE FROM hitl.audience a USING hitl.interrupt i WHERE a.interrupt_id = i.interrupt_id AND i.thread_id = (SELECT thread_id FROM t WHERE state = 'child')$$);
SELECT breaks('{I14}', 'child', 'its frame is not where it stands', $$UPDATE hitl.thread SET frame = '{elsewhere}' WHERE thread_id = :t$$);
SELECT breaks('{I14}', 'child', 'its root is another', $$UPDATE hitl.thread SET root_id = :t WHERE thread_id = :t$$);
SELECT breaks('{I14}', 'child', 'nobody waits for it', $$UPDATE hitl.task SET status = 'done' WHERE child_id = :t$$, $$UPDATE hitl.thread SET status = 'failed', n_waiting = 0 WHERE thread_id = (SELECT thread_id FROM t WHERE state = 'waiting')$$);
SELECT breaks('{I15}', 'interrupted', 'it counts an input that does not wait', $$UPDATE hitl.thread SET n_inputs = 1 WHERE thread_id = :t$$);
SELECT breaks('{I15}', 'interrupted', 'an input that it does not count', $$INSERT INTO hitl.thread_input (thread_id, input, given_by, given_at) VALUES (:t, '{}', 'x', now())$$);
SELECT breaks('{I15}', 'done', 'an input waits for a thread that is done', $$INSERT INTO hitl.thread_input (thread_id, input, given_by, given_at) VALUES (:t, '{}', 'x', now())$$, $$UPDATE hitl.thread SET n_inputs = 1 WHERE thread_id = :t$$);
SELECT breaks('{I15}', 'failed', 'an input waits for a thread that failed', $$INSERT INTO hitl.thread_input (thread_id, input, given_by, given_at) VALUES (:t, '{}', 'x', now())$$, $$UPDATE hitl.thread SET n_inputs = 1 WHERE thread_id = :t$$);
SELECT breaks('{I15}', 'done', 'an input of no thread', $$INSERT INTO hitl.thread_input (thread_id, input, given_by, given_at) VALUES (-1, '{}', 'x', now())$$);
SELECT breaks('{I19}', 'decided', 'a timer of what is decided', $$INSERT INTO hitl.timer SELECT now(), now(), interrupt_id, 0, 0, 'due' FROM hitl.interrupt WHERE thread_id = :t$$);
SELECT breaks('{I20}', 'interrupted', 'a deadline without its timer', $$UPDATE hitl.interrupt SET due_at = now() WHERE thread_id = :t AND status = 'pending'$$);
SELECT breaks('{I20}', 'interrupted', 'an expiry without its timer', $$UPDATE hitl.interrupt SET expires_at = now() WHERE thread_id = :t AND status = 'pending'$$);
SELECT breaks('{I9}', 'done', 'an automatic verdict of no thread', $$INSERT INTO hitl.automatic_verdict (thread_id, task_id, graph_id, node, key, rule, at) VALUES (-1, -1, 1, 'n', 'k', 'gate', now())$$);
SELECT breaks('{I11}', 'done', 'a policy whose owner is no role', $$UPDATE hitl.policy SET owner = 99999999$$);
SELECT breaks('{I11}', 'done', 'a rule whose owner is no role', $$UPDATE hitl.rule SET owner = 99999999$$);
SELECT breaks('{I21}', 'interrupted', 'a claim without an end', $$UPDATE hitl.interrupt SET claimed_by = 'x' WHERE thread_id = :t AND status = 'pending'$$);
SELECT breaks('{I22}', 'done', 'a delegation of no interrupt', $$INSERT INTO hitl.delegation VALUES (-1, 'x', NULL, current_user::regrole, false, now())$$);
SELECT breaks('{I22}', 'done', 'a snooze of no interrupt', $$INSERT INTO hitl.snooze VALUES (-1, 'x', now())$$);
SELECT breaks('{I22}', 'done', 'a comment on no interrupt', $$INSERT INTO hitl.comment (interrupt_id, kind, person, login, commented_at) VALUES (-1, 'comment', 'x', 'x', now())$$);
SELECT breaks('{I22}', 'done', 'a view of no interrupt', $$INSERT INTO hitl.viewed VALUES (-1, 'x', 1, now())$$);
SELECT breaks('{I22}', 'done', 'an absence that stands in for itself', $$INSERT INTO hitl.absence (person, person_role, substitute, substitute_role, starts_at, ends_at, set_at) VALUES ('x', current_user::regrole, 'x', current_user::regrole, now(), 'infinity', now())$$);
SELECT breaks('{I23}', 'done', 'a policy without its version', 'DELETE FROM hitl.policy_version');
SELECT breaks('{I23}', 'done', 'a version of no policy', $$INSERT INTO hitl.policy_version VALUES (-1, 1, '{}', 'x', now())$$);
SELECT breaks('{I23}', 'done', 'a group of no policy', $$INSERT INTO hitl.policy_group VALUES (-1, 1, 'x', current_user::regrole)$$);
SELECT breaks('{I25}', 'interrupted', 'nobody decides, for the role was dropped', 'UPDATE hitl.audience SET role = 99999999 WHERE interrupt_id IN (SELECT interrupt_id FROM hitl.interrupt WHERE thread_id = :t)');
SELECT breaks('{I23}', 'done', 'a rule for no policy', 'UPDATE hitl.rule SET policy_id = -1');
SELECT breaks('{I23}', 'interrupted', 'an interrupt under no policy', 'UPDATE hitl.interrupt SET policy_id = -1, policy_version = 1 WHERE thread_id = :t');
SELECT is_empty('SELECT * FROM hitl.check()', 'all is put back');

-- Every invariant that lifecycle.h lists is one of the above.
SELECT results_eq($$SELECT DISTINCT substring(v.v FROM '''(I\d+):') COLLATE "C" FROM regexp_split_to_table(pg_get_viewdef('hitl._violation'), E'\n') v (v) WHERE v.v ~ '''I\d+:' ORDER BY 1$$,
  $$SELECT ('I' || n) COLLATE "C" FROM (SELECT generate_series(1, 18) UNION SELECT unnest('{19,20,21,22,23,24,25}'::int[])) n (n) ORDER BY 1$$, 'each is a query of check()');

-- A role sees what breaks in its own threads only.
CREATE ROLE tap_owner LOGIN;
CREATE ROLE tap_other LOGIN;
GRANT USAGE ON SCHEMA hitl TO tap_owner, tap_other;
INSERT INTO hitl.graph (graph, owner, version) VALUES ('hers', 'tap_owner', 1);
INSERT INTO hitl.graph_version (graph_id, version, definition) SELECT h.graph_id, v.version, v.definition FROM hitl.graph h, hitl.graph g JOIN hitl.graph_version v USING (graph_id) WHERE h.graph = 'hers' AND g.graph = 'g';
UPDATE hitl.thread SET owner = 'tap_owner', graph_id = (SELECT graph_id FROM hitl.graph WHERE graph = 'hers') WHERE thread_id = (SELECT thread_id FROM t WHERE state = 'running');
DELETE FROM hitl.run_queue WHERE thread_id = (SELECT thread_id FROM t WHERE state = 'running');
UPDATE hitl.thread SET version = 99 WHERE thread_id = (SELECT thread_id FROM t WHERE state = 'done');
SET LOCAL ROLE tap_owner;
SELECT is(array_agg(split_part(invariant, ':', 1)), '{I1}', 'its owner sees it') FROM hitl.check();
SET LOCAL ROLE tap_other;
SELECT is_empty('SELECT * FROM hitl.check()', 'another does not');
RESET ROLE;
SELECT is(array_agg(split_part(invariant, ':', 1) ORDER BY invariant), '{I1,I8}', 'a superuser sees all') FROM hitl.check();

-- The words of the states are checked by the tables.
SELECT throws_ok($$UPDATE hitl.thread SET status = 'waiting'$$, '23514', NULL, 'a thread has no other state');
SELECT throws_ok($$UPDATE hitl.task SET status = 'running'$$, '23514', NULL, 'a task has no other state');
SELECT throws_ok($$UPDATE hitl.interrupt SET status = 'open'$$, '23514', NULL, 'an interrupt has no other state');
SELECT throws_ok($$UPDATE hitl.vote SET type = 'agree'$$, '23514', NULL, 'a vote has no other type');
SELECT throws_ok($$UPDATE hitl.audit SET actor_kind = 'ghost'$$, '23514', NULL, 'an actor is of no other kind');

SELECT * FROM finish();
ROLLBACK;
