-- mermaid(): a graph as a picture, and where a thread is in it.
-- Proves: every kind of edge is drawn; names are quoted so that no name breaks the picture; a draft can be drawn before it is compiled; the tasks of a
-- thread's current step colour their nodes, in the version that the thread runs.
SET client_min_messages = warning;
CREATE SCHEMA mermaid;
SET search_path = mermaid;
CREATE FUNCTION pass(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('answer', hitl.interrupt('{"action": "go"}')->'type') $$;
CREATE FUNCTION fails(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE 'failed'; END $$;
CREATE FUNCTION route(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'END' $$;
\pset format unaligned
\pset tuples_only on

-- 1. A draft, before and after there is something in it.
SELECT hitl.create_graph('draw') > 0;
SELECT hitl.mermaid('draw');
SELECT hitl.add_node('draw', 'a', 'asks'), hitl.add_node('draw', 'b', 'pass', destinations => ARRAY['d', 'END']), hitl.add_node('draw', 'c', 'pass'), hitl.add_node('draw', 'd', 'pass');
SELECT hitl.add_edge('draw', 'START', 'a'), hitl.add_edge('draw', 'START', 'b'), hitl.add_join('draw', ARRAY['b', 'a'], 'c'), hitl.add_conditional_edges('draw', 'c', 'route', '{"again": "a", "stop": "END"}'),
       hitl.add_conditional_edges('draw', 'd', 'route');
SELECT hitl.mermaid('draw');
SELECT hitl.compile('draw');

-- 2. With a thread: a waits for a person, b is done.
SELECT hitl.start('draw') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.mermaid('draw', :t);
-- The graph goes on; the thread's picture is that of its version.
SELECT hitl.define('{"graph": "draw", "nodes": {"other": "fails"}, "edges": [["START", "other"], ["other", "END"]]}');
SELECT hitl.mermaid('draw');
SELECT count(*) FROM regexp_split_to_table(hitl.mermaid('draw', :t), '\n') line WHERE line ~ 'n[0-3]\["[a-d]"\]|class n0 interrupted|class n1 done';
-- Failed, and cancelled.
SELECT hitl.start('draw') AS f \gset
SELECT hitl.wait(:f);
SELECT line FROM regexp_split_to_table(hitl.mermaid('draw', :f), '\n') line WHERE line ~ '^  class ';
SELECT hitl.cancel(:t);
SELECT line FROM regexp_split_to_table(hitl.mermaid('draw', :t), '\n') line WHERE line ~ '^  class ';

-- 3. A node that many tasks ran is coloured once, by the one that matters most.
CREATE FUNCTION fan(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$ SELECT array_agg(hitl.send('work', to_jsonb(i))) FROM generate_series(1, 3) i $$;
CREATE FUNCTION asks_two(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT CASE WHEN state = '2' THEN asks(state) END $$;
SELECT hitl.define('{"graph": "draw fan", "nodes": {"work": "asks_two"}, "edges": [["work", "END"]], "conditional_edges": [{"source": "START", "router": "fan"}]}');
SELECT hitl.start('draw fan') AS t \gset
SELECT hitl.wait(:t);
SELECT line FROM regexp_split_to_table(hitl.mermaid('draw fan', :t), '\n') line WHERE line ~ '^  class ';

-- 4. Names that would break the picture: quotes, brackets, arrows, tags, line ends, reserved words.
SELECT hitl.define(jsonb_build_object('graph', 'odd', 'nodes', jsonb_object_agg(name, 'pass'), 'edges', jsonb_agg(jsonb_build_array('START', name)) || jsonb_agg(jsonb_build_array(name, 'END'))))
FROM unnest(ARRAY['say "hi"', 'a --> b', 'x]', '<b>bold</b>', 'two' || chr(10) || 'lines', 'end', '#35;', 'a;b', '`code`', 'graph', 'subgraph', 'back\slash']) name;
SELECT hitl.mermaid('odd');

-- 5. Not there, not yours, not of this graph.
\pset tuples_only off
SELECT hitl.mermaid('no such');
\echo :SQLSTATE
SELECT hitl.mermaid('odd', 0);
\echo :SQLSTATE
\set VERBOSITY sqlstate
SELECT hitl.mermaid('odd', :t);
\set VERBOSITY default
SELECT hitl.mermaid(NULL) IS NULL AS is_null;
CREATE ROLE regress_mermaid LOGIN;
ALTER ROLE regress_mermaid SET client_min_messages = warning;
GRANT USAGE ON SCHEMA hitl TO regress_mermaid;
SET SESSION AUTHORIZATION regress_mermaid;
SELECT hitl.mermaid('odd');
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;

SELECT * FROM hitl.check();
