-- Subgraphs: a graph as a node of another one, with a state of its own (LangGraph's subgraphs).
-- Proves: what goes in and comes out; a question in a subgraph runs its own node again and none above it; resume, retry, cancel, wait and why
-- work on the tree; the depth and the frame of each thread are in the views; the versions of subgraphs are fixed by that of their graph.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
-- without workers, run what is due in this session
SELECT CASE WHEN current_setting('shared_preload_libraries') LIKE '%hitl%' THEN 'DO ''BEGIN END''' ELSE 'CALL hitl.run_pending()' END AS run \gset
CREATE SCHEMA subgraph;
SET search_path = subgraph;
-- what has run and stayed, and what was begun: a sequence is not rolled back
CREATE TABLE ran(root_id bigint, frame text, node text);
CREATE SEQUENCE begun;
CREATE FUNCTION note() RETURNS void LANGUAGE sql AS $$
  INSERT INTO subgraph.ran SELECT (c->>'root_id')::bigint, c->>'frame', c->>'node' FROM hitl.context() c $$;

-- 1. The whole state goes in; what the child has changed comes out.
CREATE FUNCTION score(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM nextval('begun');
  PERFORM note();
  RETURN jsonb_build_object('score', (state->>'amount')::int / 100);
END $$;
CREATE FUNCTION judge(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT note(); SELECT jsonb_build_object('risk', CASE WHEN (state->>'score')::int > 10 THEN 'high' ELSE 'low' END) $$;
CREATE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT note(); SELECT jsonb_build_object('status', 'paid at ' || (state->>'risk') || ' risk') $$;
SELECT hitl.define('{"graph": "sub check", "nodes": {"score": "score", "judge": "judge"}, "edges": [["START", "score"], ["score", "judge"], ["judge", "END"]]}');
SELECT hitl.create_graph('sub refund'), hitl.add_node('sub refund', 'check', subgraph => 'sub check'), hitl.add_node('sub refund', 'pay', 'pay'),
       hitl.add_edge('sub refund', 'START', 'check'), hitl.add_edge('sub refund', 'check', 'pay'), hitl.add_edge('sub refund', 'pay', 'END') \g /dev/null
SELECT hitl.compile('sub refund');
SELECT d->>'thread_id' AS t, d - 'thread_id' AS document FROM hitl.invoke('sub refund', '{"amount": 4200}') d \gset
SELECT :'document'::jsonb;
-- By the executors the same.
SELECT hitl.start('sub refund', '{"amount": 4200}') AS t2 \gset
:run;
SELECT hitl.wait(:t2), hitl.get_state(:t2) = hitl.get_state(:t) AS is_same;
SELECT frame, node, count(*) FROM ran WHERE root_id IN (:t, :t2) GROUP BY frame, node ORDER BY 1, 2;
-- The child is a thread: its place is in the views, and the timeline of a root shows the whole tree.
SELECT graph, status, depth, frame, root_id = :t2 AS is_of_t2, get_state FROM hitl.threads, hitl.get_state(thread_id) WHERE root_id = :t2 ORDER BY depth;
SELECT depth, frame, event, step, node, detail - 'child_id' AS detail FROM hitl.timeline WHERE root_id = :t2;
SELECT checkpoint, nodes, delta FROM hitl.state_history(:t2) ORDER BY checkpoint;

-- 2. Maps: other names, nothing else in, nothing else out. A key that is not there is not made.
SELECT hitl.define('{"graph": "sub mapped", "nodes": {"check": {"subgraph": {"graph": "sub check", "input": {"amount": "total", "absent": "absent"}, "output": {"verdict": "risk", "absent": "absent"}}}},
  "edges": [["START", "check"], ["check", "END"]]}');
SELECT d->'state' FROM hitl.invoke('sub mapped', '{"total": 300, "risk": "unknown"}') d;
SELECT get_state FROM hitl.threads, hitl.get_state(thread_id) WHERE graph = 'sub check' AND frame = '{check}' ORDER BY thread_id DESC LIMIT 1;
-- A channel that accumulates on both sides: the child hands back all it has, old and new. A map that names a list of its own says what is meant.
CREATE FUNCTION remark(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"log": ["child"], "mine": ["child"]}'::jsonb $$;
SELECT hitl.define('{"graph": "sub notes", "channels": {"log": "append", "mine": "append"}, "nodes": {"remark": "remark"}, "edges": [["START", "remark"], ["remark", "END"]]}');
SELECT hitl.define('{"graph": "sub twice", "channels": {"log": "append"}, "nodes": {"notes": {"subgraph": "sub notes"}}, "edges": [["START", "notes"], ["notes", "END"]]}');
SELECT hitl.define('{"graph": "sub once", "channels": {"log": "append"}, "nodes": {"notes": {"subgraph": {"graph": "sub notes", "output": {"log": "mine"}}}}, "edges": [["START", "notes"], ["notes", "END"]]}');
SELECT hitl.invoke('sub twice', '{"log": ["parent"]}')->'state' AS twice, hitl.invoke('sub once', '{"log": ["parent"]}')->'state' AS once;
-- A child with code of its author for its input, and a router behind START: what it was given is not what it has changed.
CREATE FUNCTION longer(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT CASE WHEN length(a::text) > length(b::text) THEN a ELSE b END $$;
CREATE FUNCTION enter(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'remark' $$;
SELECT hitl.define('{"graph": "sub staged", "channels": {"word": {"reducer": "longer", "initial": "?"}, "log": "append"}, "nodes": {"remark": "remark"}, "edges": [["remark", "END"]],
  "conditional_edges": [{"source": "START", "router": "enter"}]}');
SELECT hitl.define('{"graph": "sub over staged", "nodes": {"s": {"subgraph": "sub staged"}}, "edges": [["START", "s"], ["s", "END"]]}');
SELECT d->'state' FROM hitl.invoke('sub over staged', '{"word": "a"}') d;
SELECT step, node, "update" FROM hitl.task WHERE node = 's' AND child_id IS NOT NULL;
-- A child that is done at once, and one whose parent routes by what it made.
CREATE FUNCTION to_end(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'END' $$;
CREATE FUNCTION by_risk(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT state->>'risk' $$;
SELECT hitl.define('{"graph": "sub nothing", "nodes": {"n": "pay"}, "edges": [["n", "END"]], "conditional_edges": [{"source": "START", "router": "to_end"}]}');
SELECT hitl.define('{"graph": "sub routed", "nodes": {"nothing": {"subgraph": "sub nothing"}, "check": {"subgraph": "sub check"}, "pay": "pay"}, "edges": [["START", "nothing"], ["nothing", "check"], ["pay", "END"]],
  "conditional_edges": [{"source": "check", "router": "by_risk", "map": {"low": "pay", "high": "END"}}]}');
SELECT hitl.invoke('sub routed', '{"amount": 500}')->'state' AS low, hitl.invoke('sub routed', '{"amount": 5000}')->'state' AS high;

-- 3. A question two levels down. The answer runs the leaf's node again, and no other.
CREATE FUNCTION ask(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb;
BEGIN
  PERFORM nextval('begun');
  d := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', jsonb_build_object('amount', state->'amount')));
  PERFORM note();
  RETURN jsonb_build_object('answer', d->>'type');
END $$;
SELECT hitl.define('{"graph": "sub leaf", "nodes": {"score": "score", "ask": "ask"}, "edges": [["START", "score"], ["score", "ask"], ["ask", "END"]]}');
SELECT hitl.define('{"graph": "sub middle", "nodes": {"score": "score", "leaf": {"subgraph": "sub leaf"}}, "edges": [["START", "score"], ["score", "leaf"], ["leaf", "END"]]}');
SELECT hitl.define('{"graph": "sub top", "nodes": {"score": "score", "middle": {"subgraph": "sub middle"}, "pay": "pay"}, "edges": [["START", "score"], ["score", "middle"], ["middle", "pay"], ["pay", "END"]]}');
TRUNCATE ran;
SELECT setval('begun', 1, false);
SELECT hitl.start('sub top', '{"amount": 4200, "risk": "no"}') AS t \gset
:run;
SELECT hitl.wait(:t);
SELECT code, explanation, replace(next, :'t', 't') AS next FROM hitl.why(:t);
SELECT graph, status, depth, frame FROM hitl.threads WHERE root_id = :t ORDER BY depth;
SELECT node, frame, depth, root_id = :t AS is_of_t, thread_id = :t AS is_t, args FROM hitl.pending WHERE root_id = :t;
SELECT node, frame FROM hitl.inbox WHERE root_id = :t;
SELECT frame, node FROM ran ORDER BY frame;
SELECT hitl.approve(interrupt_id) IS NOT NULL AS answered FROM hitl.pending WHERE root_id = :t;
:run;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT node, frame, type FROM hitl.decided WHERE root_id = :t;
-- three scores, once each, and the question's node twice
SELECT frame, node FROM ran ORDER BY frame, node;
SELECT last_value AS begun FROM begun;
SELECT depth, event, node FROM hitl.timeline WHERE root_id = :t;
-- Here and now: invoke shows the questions of the tree, resume answers the one and runs on to the end.
SELECT hitl.invoke('sub top', '{"amount": 4200, "risk": "no"}') AS d \gset
SELECT :'d'::jsonb->>'thread_id' AS t \gset
SELECT :'d'::jsonb->>'status' AS status, i->>'action' AS action, i->>'node' AS node, i->>'thread_id' <> :'t' AS is_below FROM jsonb_array_elements(:'d'::jsonb->'interrupts') i;
SELECT d - 'thread_id' FROM hitl.resume(:t, '{"type": "approve"}') d;

-- 4. A gate in front of a subgraph: asked once; what it changes is what the child is given, and what the state says.
SELECT hitl.define('{"graph": "sub gated sub", "nodes": {"check": {"subgraph": {"graph": "sub check", "output": {"risk": "risk"}}, "gate": {"action": "check", "args": "$", "on_reject": "pay"}}, "pay": "pay"}, "edges": [["START", "check"], ["check", "END"], ["pay", "END"]]}');
SELECT hitl.define('{"graph": "sub gated deep", "nodes": {"check": {"subgraph": {"graph": "sub check", "input": {"amount": "amount"}, "output": {"risk": "risk"}}, "gate": {"args": "$.order", "on_respond": "run"}}}, "edges": [["START", "check"], ["check", "END"]]}');
CREATE FUNCTION decided(graph text, decision jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT hitl.resume((hitl.invoke(graph, '{"amount": 5000, "order": {"n": 1}, "risk": "none"}')->>'thread_id')::bigint, decision) - 'thread_id' - 'interrupts' $$;
SELECT decided('sub gated sub', '{"type": "edit", "edits": {"amount": 100}}');
SELECT decided('sub gated sub', '{"type": "reject", "reason": "no"}');
SELECT decided('sub gated sub', '{"type": "respond", "response": {"risk": "said"}}');
SELECT decided('sub gated deep', '{"type": "edit", "edits": {"n": 2}}');
SELECT decided('sub gated deep', '{"type": "respond", "response": "go on"}');

-- 5. Fan-out: a child for each send, with its own input; two nodes of one graph side by side.
CREATE FUNCTION per_amount(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$ SELECT array_agg(hitl.send('check', jsonb_build_object('amount', a))) FROM jsonb_array_elements(state->'amounts') a $$;
SELECT hitl.define('{"graph": "sub many", "channels": {"risks": "append"}, "nodes": {"check": {"subgraph": {"graph": "sub check", "output": {"risks": "risk"}}}, "pay": {"sql": "SELECT jsonb_build_object(''n'', jsonb_array_length($1->''risks''))"}},
  "edges": [["check", "pay"], ["pay", "END"]], "conditional_edges": [{"source": "START", "router": "per_amount"}]}');
SELECT d->'state'->'risks' AS risks, d->'state'->'n' AS n FROM hitl.invoke('sub many', '{"amounts": [100, 5000, 100]}') d;
SELECT hitl.start('sub many', jsonb_build_object('amounts', (SELECT jsonb_agg(i % 2 * 5000) FROM generate_series(1, 1000) i))) AS t \gset
:run;
SELECT hitl.wait(:t, '5 min');
SELECT status, count(*) FROM hitl.threads WHERE root_id = :t AND depth = 1 GROUP BY status;
SELECT hitl.get_state(:t)->'risks' = (SELECT jsonb_agg(CASE WHEN i % 2 = 1 THEN 'high' ELSE 'low' END) FROM generate_series(1, 1000) i) AS is_in_order;
SELECT hitl.define('{"graph": "sub pair", "nodes": {"a": {"subgraph": {"graph": "sub leaf", "output": {"a": "answer"}}}, "b": {"subgraph": {"graph": "sub leaf", "output": {"b": "answer"}}}}, "edges": [["START", "a"], ["START", "b"], ["a", "END"], ["b", "END"]]}');
SELECT hitl.start('sub pair', '{"amount": 100}') AS t \gset
:run;
SELECT hitl.wait(:t);
\set VERBOSITY sqlstate
SELECT hitl.resume(:t, '{"type": "approve"}');
\set VERBOSITY default
SELECT hitl.approve(interrupt_id) IS NOT NULL AS answered FROM hitl.pending WHERE root_id = :t AND frame = '{b}';
:run;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.resume(:t, '{"type": "reject"}') - 'thread_id';

-- 6. A node fails in a subgraph: the tree has failed, and retry of the root mends it. So does retry of the child.
CREATE TABLE mended(x int);
CREATE FUNCTION fails(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM mended) THEN RAISE 'not mended'; END IF;
  RETURN '{"ok": true}';
END $$;
SELECT hitl.define('{"graph": "sub failing", "nodes": {"score": "score", "fails": "fails"}, "edges": [["START", "score"], ["score", "fails"], ["fails", "END"]]}');
SELECT hitl.define('{"graph": "sub above", "nodes": {"failing": {"subgraph": "sub failing"}, "leaf": {"subgraph": "sub leaf"}}, "edges": [["START", "failing"], ["failing", "leaf"], ["leaf", "END"]]}');
SELECT hitl.start('sub above', '{"amount": 100}') AS t \gset
:run;
SELECT hitl.wait(:t);
SELECT code, explanation, replace(next, :'t', 't') AS next FROM hitl.why(:t);
SELECT graph, node, message, depth, frame FROM hitl.failed WHERE root_id = :t;
SELECT d - 'thread_id' - 'interrupts' AS document FROM hitl.invoke('sub above', '{"amount": 100}') d;
INSERT INTO mended VALUES (1);
SELECT hitl.retry(:t);
:run;
SELECT hitl.wait(:t);
SELECT hitl.resume(:t, '{"type": "approve"}')->'state';
SELECT thread_id AS c FROM hitl.failed WHERE graph = 'sub failing' \gset
SELECT hitl.retry(:c);
:run;
SELECT hitl.wait(root_id) FROM hitl.threads WHERE thread_id = :c;
\set VERBOSITY sqlstate
SELECT hitl.retry(:t);
\set VERBOSITY default
-- One child has failed and its sibling asks: the tree has failed, for an answer alone does not bring it to its end.
SELECT hitl.define('{"graph": "sub both", "nodes": {"failing": {"subgraph": {"graph": "sub failing", "output": {"ok": "ok"}}}, "leaf": {"subgraph": {"graph": "sub leaf", "output": {"answer": "answer"}}}}, "edges": [["START", "failing"], ["START", "leaf"], ["failing", "END"], ["leaf", "END"]]}');
TRUNCATE mended;
SELECT hitl.start('sub both', '{"amount": 100}') AS t \gset
:run;
SELECT hitl.wait(:t);
SELECT graph, status, depth FROM hitl.threads WHERE root_id = :t ORDER BY graph;
INSERT INTO mended VALUES (1);
SELECT hitl.resume(:t, '{"type": "approve"}')->>'status' AS status;
SELECT hitl.retry(:t);
:run;
SELECT hitl.wait(:t), hitl.get_state(:t);
\set VERBOSITY default

-- 7. Cancel: the root, with all below it; a child alone is not cancelled.
SELECT hitl.start('sub top', '{"amount": 1, "risk": "no"}') AS t \gset
:run;
SELECT hitl.wait(:t);
SELECT thread_id AS c FROM hitl.pending WHERE root_id = :t \gset
\set VERBOSITY sqlstate
SELECT hitl.cancel(:c);
\set VERBOSITY default
SELECT hitl.cancel(:t, 'not wanted');
SELECT depth, status, reason FROM hitl.threads WHERE root_id = :t ORDER BY depth;
SELECT i.status, k.status AS task FROM hitl.interrupt i JOIN hitl.task k USING (thread_id, task_id) WHERE i.thread_id = :c;
SELECT count(*) AS waiting FROM hitl.task WHERE status = 'waiting' AND thread_id IN (SELECT thread_id FROM hitl.threads WHERE root_id = :t);

-- A node of a subgraph cannot cancel the tree that it is in.
CREATE FUNCTION cancels(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('x', hitl.cancel((hitl.context()->>'root_id')::bigint)) $$;
SELECT hitl.define('{"graph": "sub cancels", "nodes": {"cancels": "cancels"}, "edges": [["START", "cancels"], ["cancels", "END"]]}');
SELECT hitl.define('{"graph": "over cancels", "nodes": {"c": {"subgraph": "sub cancels"}}, "edges": [["START", "c"], ["c", "END"]]}');
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate FROM hitl.invoke('over cancels') d;

-- 8. A child counts its own super-steps against its own limit.
CREATE FUNCTION again(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN (state->>'n')::int < 3 THEN 'count' ELSE 'END' END $$;
SELECT hitl.define('{"graph": "sub loop", "recursion_limit": 2, "channels": {"n": "add"}, "nodes": {"count": {"sql": "SELECT jsonb_build_object(''n'', 1)"}}, "edges": [["START", "count"]], "conditional_edges": [{"source": "count", "router": "again"}]}');
SELECT hitl.define('{"graph": "sub over loop", "recursion_limit": 1, "nodes": {"loop": {"subgraph": "sub loop"}}, "edges": [["START", "loop"], ["loop", "END"]]}');
SELECT (d->>'thread_id')::bigint AS t, d->>'status' AS status, d->'error'->>'message' AS message FROM hitl.invoke('sub over loop', '{"n": 0}') d \gset
\echo :status :message
SELECT hitl.retry(:t);
:run;
SELECT hitl.wait(:t), hitl.get_state(:t);
-- So deep and no deeper.
DO $$
BEGIN
  PERFORM hitl.define('{"graph": "deep0", "nodes": {"n": {"sql": "SELECT jsonb_build_object(''depth'', hitl.context()->''depth'')"}}, "edges": [["START", "n"], ["n", "END"]]}');
  FOR i IN 1..33 LOOP
    PERFORM hitl.define(format('{"graph": "deep%s", "nodes": {"n": {"subgraph": "deep%s"}}, "edges": [["START", "n"], ["n", "END"]]}', i, i - 1)::jsonb);
  END LOOP;
END $$;
SELECT hitl.invoke('deep32')->'state' AS deep, d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM hitl.invoke('deep33') d;

-- 9. Versions: a graph keeps those of its subgraphs until it is compiled again.
SELECT hitl.define('{"graph": "sub check", "nodes": {"score": "score", "judge": {"sql": "SELECT ''{\"risk\": \"new\"}''::jsonb"}}, "edges": [["START", "score"], ["score", "judge"], ["judge", "END"]]}');
SELECT hitl.invoke('sub refund', '{"amount": 1}')->'state'->>'risk' AS risk;
SELECT hitl.compile('sub refund') AS new, hitl.compile('sub refund') AS same;
SELECT hitl.invoke('sub refund', '{"amount": 1}')->'state'->>'risk' AS risk;
SELECT hitl.define('{"graph": "sub fixed", "nodes": {"check": {"subgraph": {"graph": "sub check", "version": 1}}}, "edges": [["START", "check"], ["check", "END"]]}');
SELECT hitl.invoke('sub fixed', '{"amount": 1}')->'state'->>'risk' AS risk;

-- 10. What can be wrong, all at once.
CREATE ROLE regress_sub;
SELECT hitl.grant_author('regress_sub');
SET ROLE regress_sub;
SELECT hitl.create_graph('sub not mine') IS NOT NULL AS made;
RESET ROLE;
SELECT hitl.create_graph('sub not compiled') IS NOT NULL AS made;
SELECT hitl.define('{"graph": "sub bad", "nodes": {"a": {"subgraph": "nowhere"}, "b": {"subgraph": "sub not mine"}, "c": {"subgraph": "sub not compiled"}, "d": {"subgraph": "sub bad"}, "e": {"subgraph": {"graph": "sub check", "version": 9}},
  "f": {"subgraph": "sub check", "sql": "SELECT $1", "retry": {}, "timeout": 5}, "g": {"subgraph": {"graph": "sub check", "input": {"a": 1}, "output": ["a"], "typo": 1}}, "h": {"subgraph": 5}, "i": {"subgraph": {"input": {}}}},
  "edges": [["START", "a"], ["a", "b"], ["b", "c"], ["c", "d"], ["d", "e"], ["e", "f"], ["f", "g"], ["g", "h"], ["h", "i"], ["i", "END"]]}');
SELECT hitl.add_node('sub not compiled', 'n', input => '{"a": "b"}');
CREATE FUNCTION five(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.send('check', '5') $$;
SELECT hitl.define('{"graph": "sub five", "nodes": {"check": {"subgraph": "sub check"}}, "edges": [["check", "END"]], "conditional_edges": [{"source": "START", "router": "five"}]}');
SELECT d->>'status' AS status, d->'error'->>'message' AS message, d->'error'->>'detail' AS detail FROM hitl.invoke('sub five') d;

-- 11. Steering. An update as the node stands in for its child, which is cancelled; a fork makes a child of its own.
SELECT hitl.start('sub top', '{"amount": 1, "risk": "no"}') AS t \gset
:run;
SELECT hitl.wait(:t);
SELECT hitl.fork(:t) AS f \gset
:run;
SELECT hitl.wait(:f);
SELECT hitl.update_state(:t, '{"answer": "none needed"}', as_node => 'middle') IS NOT NULL AS updated;
:run;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT graph, status, reason FROM hitl.threads WHERE root_id = :t ORDER BY depth;
SELECT graph, status FROM hitl.threads WHERE root_id = :f ORDER BY depth;
-- A thread whose subgraph has begun goes on with no version in which it is another one.
SELECT hitl.define('{"graph": "sub top", "nodes": {"score": "score", "middle": {"subgraph": "sub leaf"}, "pay": "pay"}, "edges": [["START", "score"], ["score", "middle"], ["middle", "pay"], ["pay", "END"]]}');
\set VERBOSITY sqlstate
SELECT hitl.migrate(:f);
\set VERBOSITY default
SELECT hitl.resume(:f, '{"type": "approve"}')->>'status' AS status;

-- 12. A picture.
\pset format unaligned
SELECT hitl.mermaid('sub top');
\pset format aligned
SELECT hitl.start('sub top', '{"amount": 1, "risk": "no"}') AS t \gset
:run;
SELECT hitl.wait(:t);
SELECT line FROM string_to_table(hitl.mermaid('sub top', :t), E'\n') line WHERE line LIKE '  class n%';
SELECT hitl.cancel(:t);

SELECT * FROM hitl.check();
SET client_min_messages = warning;
DROP SCHEMA subgraph CASCADE;
