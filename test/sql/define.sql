-- define(): a whole graph as one document.
-- Proves: the same graph gives the same version, however it is written; a changed one a new version, and threads keep theirs; it replaces
-- what was there; every fault of a document is reported at once, misspelt keys first; a document with faults changes nothing; another's graph is not yours to define.
SET client_min_messages = warning;
CREATE SCHEMA define;
SET search_path = define;
CREATE FUNCTION pass(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('path', (hitl.context()->>'node') || '.' || (hitl.context()->>'version')) $$;
CREATE FUNCTION route(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT state->>'to' $$;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT pass(state) || jsonb_build_object('answer', hitl.interrupt('{"action": "go"}')->'type') $$;

-- 1. The whole of it.
SELECT hitl.define('{
  "graph": "doc",
  "recursion_limit": 10,
  "channels": {"path": "append", "total": {"reducer": "add", "initial": 0}},
  "nodes": {
    "ask":  {"handler": "asks(jsonb)", "retry": {"max_attempts": 2, "initial_interval": 0.1, "backoff_factor": 2, "max_interval": 10, "jitter": false, "retry_on": ["08", "P0001"]}},
    "look": {"sql": "SELECT ''{\"total\": 5}''::jsonb", "timeout": 30},
    "pay":  {"handler": "pass", "destinations": ["END"]},
    "log":  "pass"
  },
  "edges": [["START", "ask"], ["START", "look"], ["pay", "END"], ["log", "END"]],
  "joins": [{"sources": ["ask", "look"], "target": "log"}],
  "conditional_edges": [{"source": "ask", "router": "route", "map": {"pay": "pay", "stop": "END"}}]
}') AS version;
SELECT hitl.start('doc', '{"to": "pay"}') AS t \gset
SELECT hitl.wait(:t);

-- 2. The same again is the same version: other order, other words for the same function, defaults said or not, null for what is not there.
SELECT hitl.define('{
  "edges": [["log", "END"], ["START", "look"], ["pay", "END"], ["START", "ask"], ["START", "ask"]],
  "conditional_edges": [{"map": {"stop": "END", "pay": "pay"}, "router": "define.route(jsonb)", "source": "ask"}],
  "joins": [{"target": "log", "sources": ["look", "ask"]}],
  "nodes": {
    "log":  {"handler": "define.pass", "sql": null, "retry": null, "timeout": null, "destinations": null},
    "pay":  {"handler": "pass(jsonb)", "retry": {"max_attempts": 1}, "destinations": ["END"]},
    "look": {"sql": "SELECT ''{\"total\": 5}''::jsonb", "timeout": 30.0},
    "ask":  {"handler": "asks", "retry": {"retry_on": ["08", "P0001"], "jitter": false, "max_interval": 10, "initial_interval": 0.1, "max_attempts": 2}}
  },
  "channels": {"total": {"initial": 0, "reducer": "add"}, "path": {"reducer": "append"}},
  "recursion_limit": 10,
  "graph": "doc"
}') AS version;
-- compile() of what define() made, too.
SELECT hitl.compile('doc') AS version;

-- 3. Changed: a new version. It replaces: what the document leaves out is gone.
SELECT hitl.define('{"graph": "doc", "channels": {"path": "append"}, "nodes": {"ask": "asks", "new": "pass"}, "edges": [["START", "ask"], ["ask", "new"], ["new", "END"]]}') AS version;
-- The thread from before goes on with the version that it started with, and new ones have the new.
SELECT d.status FROM hitl.pending p, hitl.approve(p.interrupt_id) d WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.start('doc') AS t2 \gset
SELECT hitl.wait(:t2);
SELECT d.status FROM hitl.pending p, hitl.approve(p.interrupt_id) d WHERE p.thread_id = :t2;
SELECT hitl.wait(:t2), hitl.get_state(:t2);
SELECT thread_id = :t AS is_first, version, status FROM hitl.threads WHERE thread_id IN (:t, :t2) ORDER BY thread_id;
-- Back to the first: a version is not the same as the one before it, so it is a third.
SELECT hitl.define('{"graph": "doc", "channels": {"path": "append"}, "nodes": {"only": "pass"}, "edges": [["START", "only"], ["only", "END"]]}') AS version;

-- 4. The same graph, by functions and by a document.
SELECT hitl.create_graph('both', 7) > 0 AS created;
SELECT hitl.add_channel('both', 'path', 'append'), hitl.add_node('both', 'a', 'pass', retry => '{"max_attempts": 2}', timeout => '1 min 30 s', destinations => ARRAY['b']), hitl.add_node('both', 'b', 'pass'),
       hitl.add_edge('both', 'START', 'a'), hitl.add_edge('both', 'b', 'END'), hitl.add_conditional_edges('both', 'a', 'route', '{"b": "b"}'), hitl.compile('both');
SELECT hitl.define('{"graph": "both", "recursion_limit": 7, "channels": {"path": "append"}, "nodes": {"a": {"handler": "pass", "retry": {"max_attempts": 2}, "timeout": 90, "destinations": ["b"]}, "b": "pass"},
  "edges": [["START", "a"], ["b", "END"]], "conditional_edges": [{"source": "a", "router": "route", "map": {"b": "b"}}]}') AS same_version;

-- 5. Every fault at once.
SELECT hitl.define('{
  "graph": "bad", "recursion_limt": 10, "recursion_limit": 0,
  "channels": {"total": {"reducr": "add"}, "n": 5, "": "add"},
  "nodes": {
    "a": {"handlr": "pass"},
    "b": {"handler": "pass", "sql": "SELECT 1", "timeout": "soon", "destinations": "END"},
    "c": {"handler": 7, "retry": {"max_attempt": 2, "max_attempts": "many", "jitter": 1, "retry_on": ["banana", "08"]}},
    "d": 5,
    "e": {"handler": "pass", "retry": 3, "timeout": -1},
    "f": {"handler": "pass", "retry": {"retry_on": "08"}, "queue": "x"},
    "START": "pass", "END": "pass", "": "pass"
  },
  "edges": [["START", "a"], ["a"], "x", ["END", "a"], ["a", "START"], [1, 2]],
  "joins": [{"sources": [], "target": "a"}, {"sources": ["a", "a"], "traget": "b"}, {"sources": "a", "target": "b"}, 1],
  "conditional_edges": [{"source": "a", "route": "route"}, {"source": "END", "router": "route"}, {"source": "a", "router": "route", "map": ["a"]}, {"source": "a", "router": "route", "map": {"x": 1}}, "a"],
  "conditional_edge": []
}');
\echo :SQLSTATE
-- A document in the right shape whose graph is not: all of it, too.
SELECT hitl.define('{"graph": "bad", "channels": {"total": "ad"}, "nodes": {"a": "pass", "b": "no_such", "c": "pass(text)", "d": {"sql": "SELEC"}},
  "edges": [["START", "a"], ["a", "x"], ["b", "END"]], "joins": [{"sources": ["a", "y"], "target": "z"}], "conditional_edges": [{"source": "c", "router": "asks", "map": {"go": "w"}}]}');
\echo :SQLSTATE
-- Not one of them made a graph.
SELECT hitl.start('bad');
\echo :SQLSTATE
-- No name, no object, nothing in it.
SELECT hitl.define('{"nodes": {"a": "pass"}, "edges": [["START", "a"], ["a", "END"]]}');
\echo :SQLSTATE
SELECT hitl.define('{"graph": 5}');
\echo :SQLSTATE
SELECT hitl.define('{"graph": ""}');
\echo :SQLSTATE
SELECT hitl.define('[]');
\echo :SQLSTATE
SELECT hitl.define('"doc"');
\echo :SQLSTATE
SELECT hitl.define('{"graph": "empty"}');
\echo :SQLSTATE
SELECT hitl.define('{"graph": "bad", "channels": [], "nodes": [], "edges": {}, "joins": {}, "conditional_edges": 1}');
\echo :SQLSTATE
-- The graph that is there stays as it was, its draft too.
SELECT hitl.define('{"graph": "doc", "nodes": {"a": "no_such"}, "edges": [["START", "a"], ["a", "END"]]}');
\echo :SQLSTATE
SELECT hitl.compile('doc') AS version;

-- 6. Rights.
CREATE ROLE regress_define LOGIN;
ALTER ROLE regress_define SET client_min_messages = warning;
SELECT hitl.grant_author('regress_define');
SET SESSION AUTHORIZATION regress_define;
SELECT hitl.define('{"graph": "doc", "nodes": {"a": "pass"}, "edges": [["START", "a"], ["a", "END"]]}');
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;

SELECT * FROM hitl.check();
