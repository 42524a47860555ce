-- Routes: where a thread goes next is said by edges, joins, routers and commands.
-- Proves: routers of all four kinds, with and without a map, also behind START; they see the state with their node's own update; joins wait for
-- all their sources; commands go beside the edges; what leads nowhere fails the node by name; a START router never runs in another role's session.
SET client_min_messages = warning;
CREATE SCHEMA routes;
SET search_path = routes;

-- Every node leaves its name in the path.
CREATE FUNCTION pass(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('path', hitl.context()->>'node') $$;
CREATE FUNCTION path(thread_id bigint) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(x, ' ') FROM jsonb_array_elements_text(hitl.get_state(thread_id)->'path') x $$;

-- 1. A router that returns text: the name of a node, or END.
CREATE FUNCTION by_amount(state jsonb) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN state->'amount' IS NULL THEN NULL WHEN (state->>'amount')::int > 1000 THEN 'review' WHEN (state->>'amount')::int > 0 THEN 'pay' ELSE 'END' END $$;
SELECT hitl.create_graph('text') > 0 AS created;
SELECT hitl.add_channel('text', 'path', 'append');
SELECT hitl.add_node('text', 'check', 'pass'), hitl.add_node('text', 'review', 'pass'), hitl.add_node('text', 'pay', 'pass');
SELECT hitl.add_edge('text', 'START', 'check'), hitl.add_conditional_edges('text', 'check', 'by_amount'), hitl.add_edge('text', 'review', 'pay'), hitl.add_edge('text', 'pay', 'END');
SELECT hitl.compile('text');
SELECT hitl.start('text', '{"amount": 5000}') AS t \gset
SELECT hitl.wait(:t), path(:t);
SELECT hitl.start('text', '{"amount": 5}') AS t \gset
SELECT hitl.wait(:t), path(:t);
SELECT hitl.start('text', '{"amount": 0}') AS t \gset
SELECT hitl.wait(:t), path(:t);
-- NULL leads nowhere: the thread is done.
SELECT hitl.start('text') AS t \gset
SELECT hitl.wait(:t), path(:t);
SELECT i.amount, d->>'status' AS status, d->'state'->'path' AS path
FROM (VALUES (5000), (5), (0), (NULL)) i (amount), LATERAL hitl.invoke('text', jsonb_strip_nulls(jsonb_build_object('amount', i.amount))) d;

-- 2. text[], jsonb and jsonb[]: several at once, each node once. A map turns what the router says into names.
CREATE FUNCTION names(state jsonb) RETURNS text[] LANGUAGE sql AS $$ SELECT array_agg(x) FROM jsonb_array_elements_text(state->'names') x $$;
CREATE FUNCTION one_json(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT state->'names' $$;
CREATE FUNCTION jsons(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$ SELECT array_agg(x) FROM jsonb_array_elements(state->'names') x $$;
CREATE FUNCTION define(name text, router text, map jsonb, source text) RETURNS integer LANGUAGE sql AS $$
  SELECT hitl.define(jsonb_build_object('graph', name, 'channels', '{"path": "append"}'::jsonb,
    'nodes', '{"ask": "pass", "a": "pass", "b": "pass", "c": "pass"}'::jsonb,
    'edges', CASE source WHEN 'ask' THEN '[["START", "ask"]]' ELSE '[["ask", "END"]]' END::jsonb || '[["a", "END"], ["b", "END"], ["c", "END"]]',
    'conditional_edges', jsonb_build_array(jsonb_build_object('source', source, 'router', router, 'map', map)))) $$;
SELECT define('text[]', 'names', NULL, 'ask'), define('json', 'one_json', NULL, 'ask'), define('json[]', 'jsons', NULL, 'ask');
SELECT g.graph, d->>'status' AS status, d->'state'->'path' AS path
FROM unnest(ARRAY['text[]', 'json', 'json[]']) g (graph), LATERAL hitl.invoke(g.graph, '{"names": ["c", "a", "c"]}') d;
SELECT g.graph, d->>'status' AS status, d->'state'->'path' AS path
FROM unnest(ARRAY['text[]', 'json', 'json[]']) g (graph), LATERAL hitl.invoke(g.graph, '{"names": []}') d;
SELECT define('mapped', 'names', '{"yes": "b", "no": "END", "perhaps": "c", "never": "a"}', 'ask');
SELECT hitl.start('mapped', '{"names": ["yes", "no", "perhaps"]}') AS t \gset
SELECT hitl.wait(:t), path(:t);
SELECT hitl.start('json', '{"names": "b"}') AS t \gset
SELECT hitl.wait(:t), path(:t);

-- 3. Behind START: it runs as a task of its own, before any node.
SELECT define('entry', 'names', NULL, 'START');
SELECT hitl.start('entry', '{"names": ["b", "a"]}') AS t \gset
SELECT hitl.wait(:t), path(:t);
SELECT event, step, node FROM hitl.timeline WHERE thread_id = :t AND event IN ('started', 'done') OR thread_id = :t AND node = 'START';
SELECT d->>'status' AS status, d->'state' = hitl.get_state(:t) AS is_same FROM hitl.invoke('entry', '{"names": ["b", "a"]}') d;

-- 4. A router sees the state with the update of its own node in it, by the reducers; not that of a sibling.
CREATE FUNCTION sees(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN state->'path' = '["before", "left"]' AND state->'n' = '11' THEN 'saw' ELSE 'END' END $$;
CREATE FUNCTION left_(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT pass(state) || '{"n": 1}' $$;
SELECT hitl.define('{"graph": "sees", "channels": {"path": "append", "n": {"reducer": "add", "initial": 10}}, "nodes": {"before": "pass", "left": "left_", "right": "left_", "saw": "pass"},
  "edges": [["START", "before"], ["before", "left"], ["before", "right"], ["right", "END"], ["saw", "END"]], "conditional_edges": [{"source": "left", "router": "sees"}]}');
SELECT hitl.start('sees') AS t \gset
SELECT hitl.wait(:t), path(:t);

-- 5. Edges and joins. short and long end in different super-steps: by edges "after" runs after each, by a join once, after both.
SELECT hitl.define('{"graph": "edges", "channels": {"path": "append"}, "nodes": {"short": "pass", "long": "pass", "longer": "pass", "after": "pass"},
  "edges": [["START", "short"], ["START", "long"], ["long", "longer"], ["short", "after"], ["longer", "after"], ["after", "END"]]}');
SELECT hitl.create_graph('join') > 0 AS created;
SELECT hitl.add_channel('join', 'path', 'append');
SELECT hitl.add_node('join', x, 'pass') FROM unnest(ARRAY['short', 'long', 'longer', 'after']) x;
SELECT hitl.add_edge('join', s, t) FROM (VALUES ('START', 'short'), ('START', 'long'), ('long', 'longer'), ('after', 'END')) x (s, t);
SELECT hitl.add_join('join', ARRAY['short', 'longer'], 'after');
SELECT hitl.compile('join');
SELECT hitl.start('edges') AS t \gset
SELECT hitl.wait(:t), path(:t);
SELECT hitl.start('join') AS t \gset
SELECT hitl.wait(:t), path(:t);
SELECT g.graph, d->>'status' AS status, d->'state'->'path' AS path FROM (VALUES ('edges'), ('join')) g (graph), LATERAL hitl.invoke(g.graph) d;
-- A join whose source never runs does not hold the thread: it is done when nothing is led to.
SELECT hitl.define('{"graph": "half", "channels": {"path": "append"}, "nodes": {"ask": "pass", "a": "pass", "b": "pass", "both": "pass"},
  "edges": [["START", "ask"], ["both", "END"]], "joins": [{"sources": ["b", "a"], "target": "both"}], "conditional_edges": [{"source": "ask", "router": "names"}]}');
SELECT d->>'status' AS status, d->'state'->'path' AS path FROM (VALUES ('["a"]'::jsonb), ('["a", "b"]')) n (names), LATERAL hitl.invoke('half', jsonb_build_object('names', names)) d;

-- 6. Commands: a node says what it updates and where to go, beside its edges.
SELECT hitl.command('{"x": 1}', 'b') IS NOT NULL AS made;
CREATE FUNCTION goes(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.command(pass(state) || '{"went": true}', state->>'goto') $$;
SELECT hitl.define('{"graph": "command", "channels": {"path": "append"}, "nodes": {"goes": {"handler": "goes", "destinations": ["a", "b", "END"]}, "edge": "pass", "a": "pass", "b": "pass", "c": "pass"},
  "edges": [["START", "goes"], ["goes", "edge"], ["edge", "END"], ["a", "END"], ["b", "c"], ["c", "END"]]}');
SELECT hitl.start('command', '{"goto": "b"}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT n.goto, d->>'status' AS status, d->'state'->'path' AS path FROM (VALUES ('a'), ('b'), ('END'), (NULL)) n (goto), LATERAL hitl.invoke('command', jsonb_build_object('goto', n.goto)) d;
SELECT hitl.command('[1]');
\echo :SQLSTATE

-- 7. What leads nowhere fails the node, and says so.
SELECT hitl.start('command', '{"goto": "c"}') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t \gx
SELECT hitl.start('text[]', '{"names": ["a", "nowhere"]}') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t \gx
-- The update of a node that fails so is not in the state.
SELECT hitl.get_state(:t);
SELECT hitl.start('entry', '{"names": ["nowhere"]}') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t \gx
SELECT x.graph, x.names, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message, d->'error'->>'detail' AS detail
FROM (VALUES ('mapped', '["yes", "b"]'::jsonb), ('json', '1'), ('json', '[["a"]]'), ('json', '{"node": "a"}'), ('json', '[null]'), ('json[]', '["a", null]'), ('text[]', '["START"]'), ('text[]', '[""]')) x (graph, names),
     LATERAL hitl.invoke(x.graph, jsonb_build_object('names', x.names)) d \gx
-- A router that raises.
CREATE FUNCTION raises(state jsonb) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'lost' USING ERRCODE = 'UR001', HINT = 'Ask the way.'; END $$;
SELECT define('raises', 'raises', NULL, 'ask');
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message, d->'error'->>'hint' AS hint FROM hitl.invoke('raises') d;
-- A router that went away after compile.
DROP FUNCTION raises(jsonb);
SELECT d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message, d->'error'->>'detail' AS detail, d->'error'->>'hint' AS hint FROM hitl.invoke('raises') d \gx

-- 8. compile(): every fault at once.
CREATE FUNCTION to_int(state jsonb) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
SELECT hitl.create_graph('faults') > 0 AS created;
SELECT hitl.add_node('faults', 'a', 'pass', destinations => ARRAY['away']), hitl.add_node('faults', 'b', 'pass');
SELECT hitl.add_edge('faults', 'START', 'a'), hitl.add_edge('faults', 'a', 'gone'), hitl.add_join('faults', ARRAY['a', 'lost'], 'void');
SELECT hitl.add_conditional_edges('faults', 'a', 'to_int'), hitl.add_conditional_edges('faults', 'a', 'no_such', '{"x": "nirvana"}'), hitl.add_conditional_edges('faults', 'never', 'names');
SELECT hitl.compile('faults');
\echo :SQLSTATE
-- What is refused at once.
SELECT hitl.add_join('faults', '{}', 'a');
\echo :SQLSTATE
SELECT hitl.add_join('faults', ARRAY['a', 'a'], 'b');
\echo :SQLSTATE
SELECT hitl.add_join('faults', ARRAY['a', NULL], 'b');
\echo :SQLSTATE
SELECT hitl.add_conditional_edges('faults', 'END', 'names');
\echo :SQLSTATE
SELECT hitl.add_conditional_edges('faults', 'a', 'names', '["a"]');
\echo :SQLSTATE
SELECT hitl.add_conditional_edges('faults', 'a', 'names', '{"yes": 1}');
\echo :SQLSTATE
SELECT hitl.add_conditional_edges('faults', 'a', NULL);
\echo :SQLSTATE

-- 9. Whose session? A superuser starts the graph of another role: the router behind START runs in that role's executor, and nowhere else.
CREATE ROLE regress_routes LOGIN;
ALTER ROLE regress_routes SET client_min_messages = warning;
CREATE SCHEMA routes_owned AUTHORIZATION regress_routes;
SELECT hitl.grant_author('regress_routes');
SELECT current_user AS superuser \gset
\c - regress_routes
SET search_path = routes_owned;
CREATE TABLE who (what text, session name, curr name);
CREATE FUNCTION whose(state jsonb) RETURNS text LANGUAGE sql AS $$
  INSERT INTO routes_owned.who VALUES ('router', session_user, current_user); SELECT 'n' $$;
CREATE FUNCTION n(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  INSERT INTO routes_owned.who VALUES ('node', session_user, current_user); SELECT '{"ran": true}'::jsonb $$;
SELECT hitl.define('{"graph": "whose router", "nodes": {"n": "n"}, "edges": [["n", "END"]], "conditional_edges": [{"source": "START", "router": "whose"}]}');
\c - :superuser
SET client_min_messages = warning;
BEGIN;
SELECT hitl.start('whose router') AS t \gset
SELECT count(*) AS ran_here FROM routes_owned.who;
COMMIT;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT * FROM routes_owned.who ORDER BY what DESC;
SELECT hitl.invoke('whose router');
\echo :SQLSTATE

SELECT * FROM hitl.check();
