-- Breakpoints: LangGraph's interrupt_before and interrupt_after, in the definition of a graph or set by an operator while threads run.
-- Proves: before is asked in front of the node and its gate, after when its checkpoint is written; approve goes on to what had been said, sends, joins
-- and END included; they are questions like any other; who may set them, and that running processes learn of it with the commit.
SET client_min_messages = warning;
CREATE SCHEMA breakpoint;
SET search_path = breakpoint;
CREATE TABLE ran (thread_id bigint, node text);
CREATE FUNCTION does(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  INSERT INTO breakpoint.ran VALUES (hitl.current_thread(), hitl.context()->>'node');
  SELECT jsonb_build_object('path', hitl.context()->>'node') $$;
CREATE FUNCTION ran(thread_id bigint) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(node, ' ' ORDER BY node) FROM ran r WHERE r.thread_id = ran.thread_id $$;
CREATE FUNCTION asks(thread_id bigint) RETURNS TABLE (node text, key text, payload jsonb, allowed text[], description text) LANGUAGE sql AS $$
  SELECT p.node, p.key, p.payload, p.allowed, p.description FROM hitl.pending p WHERE p.thread_id = asks.thread_id ORDER BY p.node, p.key $$;
CREATE FUNCTION go_on(thread_id bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT count(hitl.approve(interrupt_id)) FROM hitl.pending p WHERE p.thread_id = go_on.thread_id $$;

-- 1. In the definition: before b, after a and c. It is a part of the version.
SELECT hitl.define('{"graph": "line", "channels": {"path": "append"}, "nodes": {"a": "does", "b": "does", "c": "does"}, "edges": [["START", "a"], ["a", "b"], ["b", "c"], ["c", "END"]]}');
SELECT hitl.define('{"graph": "line", "channels": {"path": "append"}, "nodes": {"a": "does", "b": "does", "c": "does"}, "edges": [["START", "a"], ["a", "b"], ["b", "c"], ["c", "END"]],
  "interrupt_before": ["b"], "interrupt_after": ["c", "a", "c"]}');
SELECT definition->'interrupt_before' AS before, definition->'interrupt_after' AS after FROM hitl.graph_version JOIN hitl.graph USING (graph_id) WHERE graph = 'line' ORDER BY graph_version.version;
SELECT hitl.start('line') AS t \gset
SELECT hitl.wait(:t), ran(:t), hitl.get_state(:t);
SELECT * FROM asks(:t);
SELECT code, explanation FROM hitl.why(:t);
SELECT action, description, allowed FROM hitl.inbox WHERE thread_id = :t;
-- Only approve is an answer to it.
\set VERBOSITY sqlstate
SELECT hitl.reject(interrupt_id) FROM hitl.pending WHERE thread_id = :t;
\set VERBOSITY default
SELECT go_on(:t);
SELECT hitl.wait(:t), ran(:t);
SELECT * FROM asks(:t);
SELECT go_on(:t);
-- The last one stands between the node and END: the state is complete, and the thread not done.
SELECT hitl.wait(:t), ran(:t), hitl.get_state(:t);
SELECT * FROM asks(:t);
SELECT go_on(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT event, step, node, actor_kind, detail FROM hitl.timeline WHERE thread_id = :t;
SELECT checkpoint, step, nodes, delta FROM hitl.state_history(:t);
SELECT step, node, kind, status, input, targets, is_diverted FROM hitl.task WHERE thread_id = :t ORDER BY step, task_id;
-- Here and now it is the same.
SELECT d->>'thread_id' AS t, d->>'status' AS status, d#>'{interrupts,0,payload}' AS payload FROM hitl.invoke('line') d \gset
SELECT :'status' AS status, :'payload' AS payload;
SELECT d->>'status' AS status, d#>'{interrupts,0,payload}' AS payload FROM hitl.resume(:t, '{"type": "approve"}') d;
SELECT d->>'status' AS status, d#>'{interrupts,0,payload}' AS payload FROM hitl.resume(:t, '{"type": "approve"}') d;
SELECT d->>'status' AS status, d->'state' AS state FROM hitl.resume(:t, '{"type": "approve"}') d;

-- Every fault at once.
SELECT hitl.define('{"graph": "bad", "nodes": {"a": "does"}, "edges": [["START", "a"], ["a", "END"]], "interrupt_before": ["b", 1, "START"], "interrupt_after": "a"}');
\echo :SQLSTATE

-- 2. By an operator, in one statement: before every node of a graph, then taken back. What waits keeps waiting for its approve.
SELECT hitl.define('{"graph": "plain", "channels": {"path": "append"}, "nodes": {"a": "does", "b": "does"}, "edges": [["START", "a"], ["a", "b"], ["b", "END"]]}');
SELECT hitl.start('plain') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.interrupt_before('*', 'plain');
SELECT hitl.interrupt_before('*', 'plain') AS again;
SELECT hitl.start('plain') AS t \gset
SELECT hitl.wait(:t), ran(:t);
SELECT kind, node, graph, set_by, set_at BETWEEN now() - interval '1 min' AND clock_timestamp() AS just_now FROM hitl.breakpoints;
SELECT go_on(:t);
SELECT hitl.wait(:t), ran(:t);
SELECT hitl.interrupt_before('*', 'plain', enabled => false);
SELECT hitl.interrupt_before('*', 'plain', enabled => false) AS again;
SELECT node, key FROM asks(:t);
SELECT go_on(:t);
SELECT hitl.wait(:t), ran(:t);
SELECT hitl.start('plain') AS t \gset
SELECT hitl.wait(:t), ran(:t);
-- In all graphs, both before and after the nodes b.
SELECT hitl.interrupt_before('b'), hitl.interrupt_after('b');
SELECT hitl.start('plain') AS t \gset
SELECT hitl.wait(:t), ran(:t);
SELECT go_on(:t);
SELECT hitl.wait(:t), ran(:t);
SELECT node, key FROM asks(:t);
SELECT go_on(:t);
SELECT hitl.wait(:t);
SELECT kind, node, graph FROM hitl.breakpoints ORDER BY kind;
-- What is rolled back was never set.
BEGIN;
SELECT hitl.interrupt_before('b', enabled => false), hitl.interrupt_after('b', enabled => false);
SELECT hitl.invoke('plain')->>'status' AS status;
SAVEPOINT s;
SELECT hitl.interrupt_after('a', 'plain');
SELECT d->>'status' AS status, d#>'{interrupts,0,payload}' AS payload FROM hitl.invoke('plain') d;
ROLLBACK TO s;
SELECT hitl.invoke('plain')->>'status' AS status;
ROLLBACK;
SELECT d->>'status' AS status, d#>'{interrupts,0,payload}' AS payload FROM hitl.invoke('plain') d;
SELECT hitl.interrupt_before('b', enabled => false), hitl.interrupt_after('b', enabled => false);
SELECT * FROM hitl.breakpoints;
-- Who took what back stays on record; what was rolled back does not.
SELECT kind, node, graph, set_by, removed_by, removed_at BETWEEN set_at AND clock_timestamp() AS removed_since FROM hitl.breakpoint_history WHERE graph = 'plain' OR node = 'b';
-- At a fixed snapshot what is read is that of the snapshot, and it is not kept beyond.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT hitl.interrupt_before('a', 'plain');
SELECT hitl.invoke('plain')->>'status' AS status;
ROLLBACK;
SELECT hitl.invoke('plain')->>'status' AS status;

-- 3. What has begun is not stopped: a node that has asked, or whose step is done, is in its middle. One that failed is stopped when it runs again.
CREATE FUNCTION asks_itself(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF state ? 'fails' AND NOT EXISTS (SELECT FROM ran WHERE node = 'mended') THEN RAISE 'not yet'; END IF;
  RETURN jsonb_build_object('said', hitl.interrupt('{"action": "go"}')->'type');
END $$;
SELECT hitl.define('{"graph": "middle", "nodes": {"n": "asks_itself"}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.start('middle') AS t \gset
SELECT hitl.start('middle', '{"fails": true}') AS f \gset
SELECT hitl.wait(:t), hitl.wait(:f);
SELECT hitl.interrupt_before('n', 'middle');
INSERT INTO ran VALUES (0, 'mended');
SELECT hitl.retry(:f);
SELECT hitl.wait(:f);
SELECT node, key FROM asks(:f);
SELECT go_on(:f);
SELECT hitl.wait(:f);
SELECT node, key FROM asks(:f);
SELECT go_on(:t), go_on(:f);
SELECT hitl.wait(:t), hitl.wait(:f);
SELECT hitl.interrupt_before('n', 'middle', false);

-- 4. Before is in front of the gate: first go on, then decide. A node whose gate was rejected has not run: no after.
SELECT hitl.define('{"graph": "stop and gate", "channels": {"path": "append"}, "nodes": {"n": {"handler": "does", "gate": {"action": "pay"}}}, "edges": [["START", "n"], ["n", "END"]], "interrupt_before": ["*"], "interrupt_after": ["*"]}');
SELECT hitl.invoke('stop and gate')->>'thread_id' AS t \gset
SELECT node, key FROM asks(:t);
SELECT d#>>'{interrupts,0,key}' AS key, ran(:t) FROM hitl.resume(:t, '{"type": "approve"}') d;
SELECT d#>>'{interrupts,0,key}' AS key, ran(:t) FROM hitl.resume(:t, '{"type": "approve"}') d;
SELECT d->>'status' AS status FROM hitl.resume(:t, '{"type": "approve"}') d;
SELECT hitl.invoke('stop and gate')->>'thread_id' AS t \gset
SELECT d#>>'{interrupts,0,key}' AS key FROM hitl.resume(:t, '{"type": "approve"}') d;
SELECT d->>'status' AS status, ran(:t) FROM hitl.resume(:t, '{"type": "reject"}') d;

-- 5. After, with all that may follow: sends with their input, the targets of a router, a join that waits for others. One question for a node, however many tasks it had.
CREATE FUNCTION fans(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$ SELECT array_agg(hitl.send('work', jsonb_build_object('i', i))) FROM generate_series(1, 3) i $$;
CREATE FUNCTION works(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ INSERT INTO breakpoint.ran VALUES (hitl.current_thread(), 'work'); SELECT jsonb_build_object('path', state->'i') $$;
SELECT hitl.define('{"graph": "fans", "channels": {"path": "append"}, "nodes": {"plan": "does", "work": "works", "side": "does", "end": "does"}, "edges": [["START", "plan"], ["START", "side"], ["end", "END"]],
  "conditional_edges": [{"source": "plan", "router": "fans"}], "joins": [{"sources": ["side", "work"], "target": "end"}], "interrupt_after": ["plan", "side", "work", "end"]}');
SELECT hitl.start('fans') AS t \gset
SELECT hitl.wait(:t), ran(:t);
SELECT node, key FROM asks(:t);
-- Both must be answered before the thread goes on.
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t AND node = 'side';
SELECT hitl.wait(:t), ran(:t);
SELECT go_on(:t);
SELECT hitl.wait(:t), ran(:t);
SELECT node, key FROM asks(:t);
SELECT go_on(:t);
SELECT hitl.wait(:t), ran(:t);
SELECT go_on(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
-- The same as without any stop.
SELECT hitl.define('{"graph": "fans", "channels": {"path": "append"}, "nodes": {"plan": "does", "work": "works", "side": "does", "end": "does"}, "edges": [["START", "plan"], ["START", "side"], ["end", "END"]],
  "conditional_edges": [{"source": "plan", "router": "fans"}], "joins": [{"sources": ["side", "work"], "target": "end"}]}');
SELECT hitl.invoke('fans')->'state' = hitl.get_state(:t) AS same_state;
-- Before, a fan-out asks for each task; and it may be cancelled like any question.
SELECT hitl.interrupt_before('work', 'fans');
SELECT hitl.start('fans') AS t \gset
SELECT hitl.wait(:t), ran(:t);
SELECT node, key, count(*) FROM hitl.pending WHERE thread_id = :t GROUP BY node, key;
SELECT hitl.cancel(:t);
SELECT count(*) FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.interrupt_before('work', 'fans', false);

-- 6. A thread that stands at one can be steered like others. A fork of it has its questions anew, and goes where the other one goes; an update as the node goes along that node's edges.
SELECT hitl.interrupt_after('plan', 'fans');
SELECT hitl.start('fans') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.fork(:t) AS f \gset
SELECT hitl.wait(:f), ran(:f);
SELECT node, key FROM asks(:f);
SELECT go_on(:f);
SELECT hitl.wait(:f), ran(:f);
SELECT node, key FROM asks(:t);
SELECT hitl.update_state(:t, '{"note": "seen"}') IS NOT NULL AS updated;
SELECT go_on(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.interrupt_after('a', 'plain');
SELECT hitl.start('plain') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.update_state(:t, '{"path": "a again"}', 'a') IS NOT NULL AS updated;
SELECT hitl.wait(:t), hitl.get_state(:t);
-- A version in which what it leads to is gone is none for it.
SELECT hitl.start('plain') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.define('{"graph": "plain", "channels": {"path": "append"}, "nodes": {"a": "does", "other": "does"}, "edges": [["START", "a"], ["a", "other"], ["other", "END"]]}');
\set VERBOSITY sqlstate
SELECT hitl.migrate(:t);
\set VERBOSITY default
SELECT hitl.define('{"graph": "plain", "channels": {"path": "append"}, "nodes": {"a": "does", "b": "does", "c": "does"}, "edges": [["START", "a"], ["a", "b"], ["b", "c"], ["c", "END"]]}');
SELECT hitl.migrate(:t);
SELECT go_on(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.interrupt_after('a', 'plain', false), hitl.interrupt_after('plan', 'fans', false);

-- 7. Who may: the graph's owner for his own, superusers for all; not a node, which would let itself through. A misspelt node is told.
CREATE ROLE regress_break LOGIN;
GRANT USAGE ON SCHEMA breakpoint TO regress_break;
SELECT hitl.grant_author('regress_break');
SET ROLE regress_break;
CREATE FUNCTION pg_temp.tried(statement text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE said text; BEGIN EXECUTE statement INTO said; RETURN said; EXCEPTION WHEN OTHERS THEN RETURN format('%s %s | %s', SQLSTATE, SQLERRM, said); END $$;
SELECT hitl.define('{"graph": "his", "nodes": {"mine": "does"}, "edges": [["START", "mine"], ["mine", "END"]]}');
SELECT statement, pg_temp.tried(statement) FROM unnest(ARRAY['SELECT hitl.interrupt_before(''mine'', ''his'')', 'SELECT hitl.interrupt_before(''a'', ''plain'')', 'SELECT hitl.interrupt_before(''mine'')', 'SELECT hitl.interrupt_after(''*'', enabled => false)',
  'SELECT hitl.interrupt_before(''mien'', ''his'')', 'SELECT hitl.interrupt_before(''mine'', ''hers'')', 'SELECT hitl.interrupt_before(NULL)', 'SELECT hitl.interrupt_before(''mine'', ''his'', NULL)']) statement;
SELECT kind, node, graph FROM hitl.breakpoints;
RESET ROLE;
SELECT pg_temp.tried('SELECT hitl.interrupt_before(''nowhere'')');
SELECT hitl.interrupt_after('a', 'plain');
SET ROLE regress_break;
SELECT kind, node, graph FROM hitl.breakpoints;
RESET ROLE;
SELECT hitl.interrupt_after('a', 'plain', false), hitl.interrupt_before('mine', 'his', false);
CREATE FUNCTION frees_itself(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(hitl.interrupt_before('*', enabled => false)) $$;
SELECT hitl.define('{"graph": "frees", "nodes": {"n": "frees_itself"}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT d#>>'{error,sqlstate}' AS sqlstate, d#>>'{error,message}' AS message, d#>>'{error,detail}' AS detail FROM hitl.invoke('frees') d;

SELECT * FROM hitl.check();
