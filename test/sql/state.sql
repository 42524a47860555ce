-- State: a thread moves in super-steps; what the nodes of one step return is laid over the state together, in one checkpoint.
-- Proves: nodes of one step run side by side, a node where paths meet runs once, two writers of one channel are an error that names both;
-- checkpoints hold what changed and, from time to time, the whole; the state at the end is their fold.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
SELECT CASE WHEN current_setting('shared_preload_libraries') LIKE '%hitl%' THEN 'DO ''BEGIN END''' ELSE 'CALL hitl.run_pending()' END AS run \gset

CREATE TABLE ran (thread_id bigint, node text, step int);
-- Every node here runs the same function, which looks itself up: what is its update, and does it ask first?
CREATE FUNCTION does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  me jsonb := hitl.context();
  work jsonb := state->'does'->(me->>'node');
BEGIN
  INSERT INTO ran VALUES (hitl.current_thread(), me->>'node', (me->>'step')::int);
  IF work ? 'asks' THEN
    RETURN jsonb_build_object(me->>'node', hitl.interrupt(work->'asks')->'response');
  END IF;
  IF state ? 'sizes' THEN
    RETURN jsonb_build_object('channel', repeat('y', (state->'sizes'->>(me->>'step')::int - 1)::int), 'n', me->'step');
  END IF;
  RETURN NULLIF(COALESCE(work->'update', jsonb_build_object(me->>'node', me->'step')), 'null');
END $$;
-- A graph from its edges.
CREATE FUNCTION graph_of(graph text, VARIADIC edges text[]) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  PERFORM hitl.create_graph(graph);
  PERFORM hitl.add_node(graph, node, 'does') FROM (SELECT DISTINCT node FROM unnest(edges) edge, unnest(string_to_array(edge, ' ')) node WHERE node NOT IN ('START', 'END')) nodes;
  PERFORM hitl.add_edge(graph, split_part(edge, ' ', 1), split_part(edge, ' ', 2)) FROM unnest(edges) edge;
  RETURN hitl.compile(graph);
END $$;

-- 1. a, then b and c side by side, then d once.
SELECT graph_of('diamond', 'START a', 'a b', 'a c', 'b d', 'c d', 'd END');
SELECT hitl.start('diamond', '{"input": 1}') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT node, step FROM ran ORDER BY step, node;
SELECT hitl.get_state(:t);
SELECT checkpoint, step, delta FROM hitl.checkpoint WHERE thread_id = :t ORDER BY checkpoint;
SELECT step, node, status FROM hitl.task WHERE thread_id = :t ORDER BY step, node;
SELECT status, step FROM hitl.threads WHERE thread_id = :t;
TRUNCATE ran;

-- Paths of unequal length: a node runs in each step to which an edge leads.
SELECT graph_of('uneven', 'START a', 'START b', 'a c', 'b d', 'd c', 'c END');
SELECT hitl.start('uneven') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT node, step FROM ran ORDER BY step, node;
SELECT hitl.get_state(:t);
TRUNCATE ran;

-- 2. What a node returns: channels to overwrite, {} or NULL for none; a null is a value.
SELECT graph_of('line', 'START a', 'a b', 'b c', 'c END');
SELECT hitl.invoke('line', '{"x": {"deep": 1}, "does": {"a": {"update": {"x": {"other": 2}, "n": null}}, "b": {"update": null}, "c": {"update": {}}}}')->'state' AS state;
SELECT checkpoint.checkpoint, delta FROM hitl.checkpoint JOIN hitl.threads USING (thread_id) WHERE graph = 'line' ORDER BY checkpoint.checkpoint;

-- 3. Two writers of one channel in one step have no order between them.
SELECT graph_of('writers', 'START b', 'START a', 'a END', 'b END');
SELECT hitl.start('writers', '{"does": {"a": {"update": {"x": 1, "a": 1}}, "b": {"update": {"y": 2, "x": 1}}}}') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.get_state(:t)->'x' AS x;
-- Here and now it is the same, and the caller goes on.
SELECT d->>'status' AS status, d#>>'{error,sqlstate}' AS sqlstate FROM hitl.invoke('writers', '{"does": {"a": {"update": {"x": 1, "a": 1}}, "b": {"update": {"y": 2, "x": 1}}}}') d;
SELECT hitl.invoke('writers', '{"x": 0, "does": {"a": {"update": {"x": 1}}, "b": {"update": {"y": 2}}}}')->'state' AS state;

-- 4. One asks, the other does not: what is finished is not run again, and the step ends when both have.
TRUNCATE ran;
SELECT hitl.start('writers', '{"does": {"a": {"asks": {"action": "go"}}}}') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT node FROM ran ORDER BY node;
SELECT hitl.get_state(:t) - 'does' AS state;
SELECT step, node, status, "update" FROM hitl.task WHERE thread_id = :t ORDER BY node;
SELECT hitl.respond(interrupt_id, '"went"') FROM hitl.pending WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
SELECT node FROM ran ORDER BY node;
SELECT hitl.get_state(:t) - 'does' AS state;

-- Both ask: two decisions, in any order; the thread runs on after the last.
SELECT hitl.start('writers', '{"does": {"a": {"asks": {"action": "A"}}, "b": {"asks": {"action": "B"}}}}') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT node, action FROM hitl.pending WHERE thread_id = :t ORDER BY node;
SELECT explanation FROM hitl.why(:t);
\set VERBOSITY terse
SELECT hitl.resume(:t, '{"type": "approve"}');
\echo :SQLSTATE
\set VERBOSITY default
SELECT hitl.respond(interrupt_id, '2') FROM hitl.pending WHERE thread_id = :t AND action = 'B';
:run;
SELECT hitl.wait(:t, '20 s');
SELECT explanation FROM hitl.why(:t);
SELECT hitl.respond(interrupt_id, '1') FROM hitl.pending WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
SELECT hitl.get_state(:t) - 'does' AS state;

-- 5. Storage.  A large state that changes little: deltas, and a snapshot when they outweigh the state.
SELECT graph_of('twelve', 'START n01', 'n01 n02', 'n02 n03', 'n03 n04', 'n04 n05', 'n05 n06', 'n06 n07', 'n07 n08', 'n08 n09', 'n09 n10', 'n10 n11', 'n11 n12', 'n12 END');
SELECT hitl.start('twelve', jsonb_build_object('large', repeat('x', 1000), 'sizes', '[10, 10, 10, 10, 10, 10, 900, 900, 900, 10, 3000, 10]'::jsonb)) AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT checkpoint, base, snapshot IS NOT NULL AS has_snapshot, delta ? 'large' AS has_all, delta->'n' AS n FROM hitl.checkpoint WHERE thread_id = :t ORDER BY checkpoint;
-- Each snapshot is the fold of all deltas up to it, and so is the state.
CREATE FUNCTION fold(thread bigint, upto int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_object_agg(key, value ORDER BY checkpoint) FROM hitl.checkpoint, jsonb_each(delta) WHERE thread_id = thread AND checkpoint <= upto $$;
SELECT checkpoint FROM hitl.checkpoint WHERE snapshot IS NOT NULL AND snapshot <> fold(thread_id, checkpoint);
SELECT hitl.get_state(:t) = fold(:t, 12) AS is_fold, hitl.get_state(:t)->'n' AS n;
SELECT thread_id FROM hitl.thread WHERE hitl.get_state(thread_id) <> fold(thread_id, checkpoint);
-- What is read for a state stays within about twice the state.
SELECT thread_id, checkpoint FROM hitl.checkpoint c
 WHERE (SELECT sum(pg_column_size(delta)) FROM hitl.checkpoint d WHERE d.thread_id = c.thread_id AND d.checkpoint > c.base AND d.checkpoint <= c.checkpoint) > pg_column_size(fold(thread_id, checkpoint)) + 100;

-- 6. get_state() reads afresh: behind a wait() in the same statement it sees what was waited for.
SELECT hitl.start('line', '{"x": 1}') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s'), hitl.get_state(:t);
SELECT hitl.get_state(999);
\echo :SQLSTATE
SELECT hitl.get_state(NULL);
SELECT hitl.start('line', '[]');
\echo :SQLSTATE
SELECT hitl.invoke('line', '"text"');
\echo :SQLSTATE
SELECT hitl.start('line', '{}') IS NOT NULL AS started;
:run;

SELECT hitl.wait(max(thread_id), '20 s') FROM hitl.threads;
SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP TABLE ran;
DROP FUNCTION does, graph_of, fold;
