-- Cycles: a node may lead back, and a limit keeps a thread from going round for ever.
-- Proves: loops by routers, by commands and by plain edges; the limit is the graph's and counts super-steps; a thread that ends in its last
-- allowed step is done; one that does not fails with what it has, and retry() lets it go on for as many more; the same in an executor and inline.
SET client_min_messages = warning;
CREATE SCHEMA cycles;
SET search_path = cycles;

-- 1. Count to n: a router leads back until it is reached.
CREATE FUNCTION count_up(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"n": 1}'::jsonb $$;
CREATE FUNCTION again(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN (state->>'n')::int < (state->>'to')::int THEN 'count' ELSE 'END' END $$;
SELECT hitl.create_graph('count') > 0 AS created;
SELECT hitl.add_channel('count', 'n', 'add', '0'), hitl.add_node('count', 'count', 'count_up'), hitl.add_edge('count', 'START', 'count'), hitl.add_conditional_edges('count', 'count', 'again');
SELECT hitl.compile('count');
SELECT hitl.start('count', '{"to": 7}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT step, checkpoint FROM hitl.threads WHERE thread_id = :t;
SELECT d->'state' = hitl.get_state(:t) AS is_same FROM hitl.invoke('count', '{"to": 7}') d;

-- 2. 25 super-steps unless the graph says otherwise: 25 is enough, 26 is not.
SELECT hitl.start('count', '{"to": 25}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.start('count', '{"to": 26}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT node, step, sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t \gx
SELECT code FROM hitl.why(:t);
-- What the hint says to do.
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT d->>'status' AS status, d->'state' AS state, (d->'error') - 'context' AS error FROM hitl.invoke('count', '{"to": 26}') d \gx

-- 3. A limit of one's own, and as many more each time.
SELECT hitl.define('{"graph": "short", "recursion_limit": 3, "channels": {"n": {"reducer": "add", "initial": 0}}, "nodes": {"count": "count_up"},
  "edges": [["START", "count"]], "conditional_edges": [{"source": "count", "router": "again"}]}');
SELECT hitl.start('short', '{"to": 8}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t)->'n' AS n;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t)->'n' AS n;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t)->'n' AS n;
SELECT event, step, detail FROM hitl.timeline WHERE thread_id = :t AND event <> 'executed';
\set VERBOSITY sqlstate
SELECT hitl.retry(:t);
\set VERBOSITY default

-- 4. What runs before the first node does not count: a router behind START, a reducer of the author's.
CREATE FUNCTION plus(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(coalesce(current::int, 0) + update::int) $$;
SELECT hitl.define('{"graph": "staged", "recursion_limit": 3, "channels": {"n": {"reducer": "plus", "initial": 0}}, "nodes": {"count": "count_up"},
  "conditional_edges": [{"source": "START", "router": "again"}, {"source": "count", "router": "again"}]}');
SELECT hitl.start('staged', '{"to": 3, "n": 0}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);

-- 5. By commands, and by plain edges with a command that leaves: both ends are cycles that compile() takes.
CREATE FUNCTION command_again(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.command('{"n": 1}', CASE WHEN (state->>'n')::int < 4 THEN 'count' END) $$;
SELECT hitl.define('{"graph": "command loop", "channels": {"n": {"reducer": "add", "initial": 0}}, "nodes": {"count": {"handler": "command_again", "destinations": ["count", "END"]}}, "edges": [["START", "count"]]}');
SELECT hitl.start('command loop') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.define('{"graph": "ring", "recursion_limit": 5, "channels": {"n": {"reducer": "add", "initial": 0}}, "nodes": {"a": "count_up", "b": {"handler": "count_up", "destinations": ["END"]}},
  "edges": [["START", "a"], ["a", "b"], ["b", "a"]]}');
SELECT d->>'status' AS status, d->'state' AS state, d->'error'->>'sqlstate' AS sqlstate FROM hitl.invoke('ring') d;
-- A join in a cycle waits for all its sources anew each time round.
CREATE FUNCTION pass(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('path', hitl.context()->>'node') $$;
CREATE FUNCTION twice(state jsonb) RETURNS text[] LANGUAGE sql AS $$ SELECT CASE WHEN jsonb_array_length(state->'path') < 7 THEN ARRAY['left', 'right'] END $$;
SELECT hitl.define('{"graph": "join loop", "channels": {"path": "append"}, "nodes": {"left": "pass", "right": "pass", "slow": "pass", "both": "pass"},
  "edges": [["START", "left"], ["START", "right"], ["right", "slow"]], "joins": [{"sources": ["left", "slow"], "target": "both"}], "conditional_edges": [{"source": "both", "router": "twice"}]}');
SELECT hitl.start('join loop') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT d->'state' = hitl.get_state(:t) AS is_same FROM hitl.invoke('join loop') d;

-- 6. A person in the loop: asked each time round, under one key, and each answer is for its round.
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('n', 1, 'said', hitl.interrupt(jsonb_build_object('action', 'again?', 'args', jsonb_build_object('round', state->'n')), 'again')->'args'->'round') $$;
SELECT hitl.define('{"graph": "asking loop", "channels": {"n": {"reducer": "add", "initial": 0}, "said": "append"}, "nodes": {"count": "asks"},
  "edges": [["START", "count"]], "conditional_edges": [{"source": "count", "router": "again"}]}');
SELECT hitl.start('asking loop', '{"to": 3}') AS t \gset
SELECT hitl.wait(:t);
SELECT args, status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
SELECT args, status FROM hitl.pending p, hitl.edit(p.interrupt_id, '{"round": "one"}') WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
SELECT args, status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);

-- 7. What is refused.
SELECT hitl.create_graph('none', 0);
\echo :SQLSTATE
SELECT hitl.create_graph('none', -1);
\echo :SQLSTATE
SELECT hitl.create_graph('endless') > 0 AS created;
SELECT hitl.add_node('endless', 'a', 'count_up'), hitl.add_node('endless', 'b', 'count_up'), hitl.add_edge('endless', 'START', 'a'), hitl.add_edge('endless', 'a', 'b'), hitl.add_edge('endless', 'b', 'a');
SELECT hitl.compile('endless');
\echo :SQLSTATE

SELECT * FROM hitl.check();
