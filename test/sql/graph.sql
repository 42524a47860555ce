-- Graphs: create, add nodes and edges, compile; what is refused, and how it is said.
-- Proves: compile reports every fault at once; versions never change and a thread keeps the one it started with;
-- a superuser's graph runs only what superusers control; the owner of a graph cannot be dropped.
CREATE EXTENSION hitl;
SET client_min_messages = warning;

CREATE FUNCTION one(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"one": 1}'::jsonb $$;
CREATE FUNCTION two(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"two": 2}'::jsonb $$;

-- Names.
SELECT hitl.create_graph('g');
SELECT hitl.create_graph('g');
\echo :SQLSTATE
SELECT hitl.create_graph('');
\echo :SQLSTATE
SELECT hitl.create_graph(repeat('x', 64));
\echo :SQLSTATE
SELECT hitl.create_graph(repeat('x', 63)) AS longest;
SELECT hitl.create_graph('It''s "odd", näme; DROP TABLE x') AS odd;

-- Unknown ones.
SELECT hitl.add_node('no such', 'a', 'one');
\echo :SQLSTATE
SELECT hitl.add_edge('no such', 'a', 'b');
\echo :SQLSTATE
SELECT hitl.compile('it''s');
\echo :SQLSTATE
SELECT hitl.start('no such');
\echo :SQLSTATE
SELECT hitl.invoke('no such');
\echo :SQLSTATE

-- Nodes and edges of the draft.
SELECT hitl.add_node('g', 'a', 'one(jsonb)');
SELECT hitl.add_node('g', 'a', 'two(jsonb)');
\echo :SQLSTATE
SELECT hitl.add_node('g', 'START', 'one');
\echo :SQLSTATE
SELECT hitl.add_node('g', 'END', 'one');
\echo :SQLSTATE
SELECT hitl.add_node('g', '', 'one');
\echo :SQLSTATE
SELECT hitl.add_node('g', repeat('ä', 32), 'one');
\echo :SQLSTATE
SELECT hitl.add_edge('g', 'START', 'a');
SELECT hitl.add_edge('g', 'START', 'a');
\echo :SQLSTATE
SELECT hitl.add_edge('g', 'END', 'a');
\echo :SQLSTATE
SELECT hitl.add_edge('g', 'a', 'START');
\echo :SQLSTATE
SELECT hitl.add_edge('g', 'a', '');
\echo :SQLSTATE

-- What is not compiled cannot be started.
SELECT hitl.start('g');
\echo :SQLSTATE
SELECT hitl.invoke('g');
\echo :SQLSTATE

-- The shape: each fault, all at once.
SELECT hitl.create_graph('empty');
SELECT hitl.compile('empty');
\echo :SQLSTATE
SELECT hitl.create_graph('shape');
SELECT hitl.add_node('shape', node, 'one') FROM unnest('{adrift, dead end, c1, c2, self}'::text[]) node;
SELECT hitl.add_edge('shape', source, target) FROM (VALUES ('c1', 'c2'), ('c2', 'c1'), ('c1', 'END'), ('self', 'self'), ('self', 'END'),
  ('adrift', 'dead end'), ('a', 'b'), ('c1', 'nowhere'), ('nobody', 'END')) edge (source, target);
SELECT hitl.compile('shape');
\echo :SQLSTATE

-- Handlers: each fault, all at once, with those of the shape.
CREATE FUNCTION f_text(state text) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$;
CREATE FUNCTION f_two(state jsonb, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$;
CREATE FUNCTION f_returns_text(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT NULL::text $$;
CREATE FUNCTION f_returns_set(state jsonb) RETURNS SETOF jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$;
CREATE FUNCTION f_any(state anyelement) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$;
CREATE FUNCTION f_variadic(VARIADIC state jsonb[]) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$;
CREATE PROCEDURE f_procedure(INOUT state jsonb) LANGUAGE sql AS $$ SELECT state $$;
SELECT hitl.create_graph('handlers');
SELECT hitl.add_node('handlers', 'n' || n, handler)
  FROM unnest('{nothere(jsonb), nothere, hitl.f(jsonb), one(nosuchtype), f_text(text), f_two(jsonb\,jsonb), f_returns_text, f_returns_set(jsonb), f_any(anyelement),
                f_variadic(jsonb[]), f_procedure(jsonb), count(jsonb), one(jsonb, "", one(, 4711, -, pg_catalog.pg_catalog.pg_catalog.one(jsonb), one(jsonb); DROP TABLE x}'::text[])
       WITH ORDINALITY handler (handler, n);
SELECT hitl.compile('handlers');
\echo :SQLSTATE

-- A function may be named in any way that finds it; the version keeps the qualified signature.
CREATE SCHEMA shop;
CREATE FUNCTION shop."Pay (it)"(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"paid": true}'::jsonb $$;
CREATE FUNCTION with_out(state jsonb, OUT update jsonb) LANGUAGE sql AS $$ SELECT '{"out": 1}'::jsonb $$;
SELECT hitl.create_graph('ways');
SELECT hitl.add_node('ways', 'n' || n, handler)
  FROM unnest(ARRAY['one', 'two( jsonb )', 'public.one(pg_catalog.jsonb)', 'shop."Pay (it)"(jsonb)', 'with_out']) WITH ORDINALITY handler (handler, n);
SELECT hitl.add_edge('ways', 'START', 'n1'), hitl.add_edge('ways', 'n1', 'n2'), hitl.add_edge('ways', 'n2', 'n3'), hitl.add_edge('ways', 'n3', 'n4'),
       hitl.add_edge('ways', 'n4', 'n5'), hitl.add_edge('ways', 'n5', 'END');
SELECT hitl.compile('ways');
SELECT key AS node, value->>'handler' AS handler, f.owner AS handler_owner FROM hitl.graph_version v JOIN hitl.graph USING (graph_id), jsonb_each(definition->'nodes')
  JOIN hitl.graph_function f ON f.signature = value->>'handler' WHERE graph = 'ways' AND v.version = 1 AND f.graph_id = v.graph_id AND f.version = 1 AND key < 'n6' ORDER BY key;
SELECT hitl.invoke('ways')->'state' AS state;

-- Versions.  An unchanged draft gives the version that is there, a changed one the next.
SELECT hitl.add_edge('g', 'a', 'END');
SELECT hitl.compile('g');
SELECT hitl.compile('g');
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
  BEGIN PERFORM hitl.interrupt('{"action": "go on"}'); RETURN '{"asked": true}'; END $$;
SELECT hitl.create_graph('v');
SELECT hitl.add_node('v', 'first', 'asks'), hitl.add_edge('v', 'START', 'first'), hitl.add_edge('v', 'first', 'END'), hitl.compile('v') AS version;
SELECT hitl.invoke('v')->>'thread_id' AS old \gset
SELECT hitl.add_node('v', 'second', 'two'), hitl.add_edge('v', 'first', 'second'), hitl.add_edge('v', 'second', 'END'), hitl.compile('v') AS version;
SELECT hitl.invoke('v')->>'thread_id' AS new \gset

-- A thread keeps the version it started with: in the old one nothing follows the first node.
SELECT thread_id = :old AS is_old, version, status FROM hitl.threads JOIN (VALUES (:old), (:new)) t (thread_id) USING (thread_id) ORDER BY thread_id;
SELECT hitl.resume(:old, '{"type": "approve"}')->'state' AS old;
SELECT hitl.resume(:new, '{"type": "approve"}')->'state' AS new;

-- The search_path is part of a version: it is recorded, resolved, at compile.
SELECT search_path FROM hitl.graph_version JOIN hitl.graph USING (graph_id) WHERE graph = 'v' AND graph_version.version = 2;
SET search_path = shop, public, "$user", no_such_schema;
SELECT hitl.compile('v');
RESET search_path;
SELECT search_path FROM hitl.graph_version JOIN hitl.graph USING (graph_id) WHERE graph = 'v' AND graph_version.version = 3;
SELECT hitl.compile('v');
CREATE FUNCTION shows_path(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('path', current_setting('search_path')) $$;
SELECT hitl.create_graph('path'), hitl.add_node('path', 'n', 'public.shows_path'), hitl.add_edge('path', 'START', 'n'), hitl.add_edge('path', 'n', 'END');
SET search_path = shop;
SELECT hitl.compile('path');
SET search_path = public, pg_temp;
SELECT hitl.invoke('path')->'state' AS state;
SHOW search_path;
RESET search_path;

-- Someone else's function: the owner must be able to execute it, when the graph is compiled and when it runs.
CREATE ROLE regress_author LOGIN;
CREATE ROLE regress_other;
ALTER ROLE regress_author SET client_min_messages = warning;
SELECT hitl.grant_author('regress_author'), hitl.grant_author('regress_other');
CREATE SCHEMA author AUTHORIZATION regress_author;
CREATE SCHEMA closed;
CREATE FUNCTION closed.f(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"closed": true}'::jsonb $$;
CREATE FUNCTION shop.private(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"private": true}'::jsonb $$;
REVOKE ALL ON FUNCTION shop.private FROM PUBLIC;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
\c - regress_author
SELECT hitl.create_graph('mine');
SELECT hitl.add_node('mine', 'a', 'closed.f(jsonb)'), hitl.add_node('mine', 'b', 'shop.private(jsonb)'),
       hitl.add_edge('mine', 'START', 'a'), hitl.add_edge('mine', 'a', 'b'), hitl.add_edge('mine', 'b', 'END');
SELECT hitl.compile('mine');
\echo :SQLSTATE
\c - postgres
SET client_min_messages = warning;
SELECT hitl.compile('mine');
GRANT USAGE ON SCHEMA closed TO regress_author;
GRANT EXECUTE ON FUNCTION shop.private TO regress_author;
\c - regress_author
SELECT hitl.compile('mine');
SELECT hitl.invoke('mine')->'state' AS state;
\c - postgres
REVOKE EXECUTE ON FUNCTION shop.private FROM regress_author;
\c - regress_author
SELECT jsonb_pretty((hitl.invoke('mine') #- '{error,context}') - 'thread_id');

-- The function is gone, or it is another owner's now.
\c - postgres
DROP FUNCTION shop.private;
\c - regress_author
SELECT e->>'sqlstate' AS sqlstate, e->>'detail' AS detail FROM (SELECT hitl.invoke('mine')->'error') d (e);
\c - postgres
CREATE FUNCTION shop.private(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"other": true}'::jsonb $$;
GRANT CREATE ON SCHEMA shop TO regress_other;
ALTER FUNCTION shop.private OWNER TO regress_other;
REVOKE CREATE ON SCHEMA shop FROM regress_other;
\c - regress_author
SELECT e->>'sqlstate' AS sqlstate, e->>'detail' AS detail FROM (SELECT hitl.invoke('mine')->'error') d (e);

-- A role by another name is the same role.
CREATE FUNCTION author.own(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"own": true}'::jsonb $$;
SELECT hitl.create_graph('own');
SELECT hitl.add_node('own', 'n', 'author.own'), hitl.add_edge('own', 'START', 'n'), hitl.add_edge('own', 'n', 'END'), hitl.compile('own') AS version;
\c - postgres
ALTER ROLE regress_author RENAME TO regress_writer;
\c - regress_writer
SELECT hitl.invoke('own') - 'thread_id' AS renamed;
\c - postgres
ALTER ROLE regress_writer RENAME TO regress_author;
SET client_min_messages = warning;

-- A superuser's graph runs nothing that others could have written: neither the function ...
SELECT hitl.create_graph('super');
SELECT hitl.add_node('super', 'n', 'author.own'), hitl.add_edge('super', 'START', 'n'), hitl.add_edge('super', 'n', 'END');
SELECT hitl.compile('super');
\echo :SQLSTATE
-- ... nor what its body would find on the way.
SELECT hitl.create_graph('super2');
SELECT hitl.add_node('super2', 'n', 'shop."Pay (it)"(jsonb)'), hitl.add_edge('super2', 'START', 'n'), hitl.add_edge('super2', 'n', 'END');
SET search_path = author, public;
SELECT hitl.compile('super2');
\echo :SQLSTATE
RESET search_path;
GRANT CREATE ON SCHEMA shop TO regress_author;
SET search_path = shop;
SELECT hitl.compile('super2');
\echo :SQLSTATE
REVOKE CREATE ON SCHEMA shop FROM regress_author;
SELECT hitl.compile('super2');
RESET search_path;
-- This is asked again when it runs.
GRANT CREATE ON SCHEMA shop TO PUBLIC;
SELECT jsonb_pretty((hitl.invoke('super2')->'error') - 'context') AS refused;
REVOKE CREATE ON SCHEMA shop FROM PUBLIC;
SELECT hitl.invoke('super2')->'state' AS state;

-- A graph is written by its owner and by superusers.
SET SESSION AUTHORIZATION regress_other;
SELECT hitl.add_node('own', 'x', 'author.own');
\echo :SQLSTATE
SELECT hitl.add_edge('own', 'n', 'x');
\echo :SQLSTATE
SELECT hitl.compile('own');
\echo :SQLSTATE
SELECT hitl.start('own');
\echo :SQLSTATE
SELECT hitl.invoke('own');
\echo :SQLSTATE

-- An owner for whom no background session is possible: the graph compiles, and it is said.
RESET SESSION AUTHORIZATION;
DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$;
SELECT hitl.add_node('own', 'last', 'one'), hitl.add_edge('own', 'n', 'last'), hitl.add_edge('own', 'last', 'END');
SELECT hitl.compile('own');
DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO PUBLIC', current_database()); END $$;

-- Who owns a graph cannot be dropped, not even by way of DROP OWNED.
DROP OWNED BY regress_other;
REVOKE ALL ON SCHEMA hitl, closed FROM regress_author, regress_other;
DROP ROLE regress_author;
\echo :SQLSTATE
SELECT graph, owner FROM hitl.graph WHERE owner = 'regress_author'::regrole ORDER BY graph;
DROP OWNED BY regress_author;
DROP ROLE regress_author;
\echo :SQLSTATE
DROP ROLE regress_other;

-- A parenthesis in a quoted name begins no arguments.
CREATE FUNCTION shop."Fold (it)"(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT coalesce(current, '[]') || update $$;
CREATE FUNCTION shop."Say ""(it"(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"said": "it"}'::jsonb $$;
CREATE FUNCTION shop."Step (it)"(args jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT args $$;
SELECT hitl.define('{"graph": "parentheses", "functions": "pinned", "channels": {"said": "shop.\"Fold (it)\""}, "nodes": {"say": "shop.\"Say \"\"(it\"", "step": {"sql": "SELECT jsonb_build_object(''said'', hitl.step(''s'', ''shop.\"Step (it)\"'', ''1''))"}},
  "edges": [["START", "say"], ["say", "step"], ["step", "END"]]}') AS version;
SELECT d->>'status' AS status, d->'state' AS state, d->'error' AS error FROM hitl.invoke('parentheses') d;

SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP SCHEMA shop, closed CASCADE;
DROP FUNCTION one, two, asks, with_out, shows_path, f_text, f_two, f_returns_text, f_returns_set, f_any, f_variadic;
DROP PROCEDURE f_procedure;
DROP ROLE regress_author;
