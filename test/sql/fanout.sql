-- Fan-out: a router or a command sends a node many inputs of its own (LangGraph's Send), and the thread goes on when all have run.
-- Proves: each send is a task with its private input; one router call may make thousands; sends mix with names and go through START; one that fails
-- or asks does not run its siblings again; the order of the results is that of the sends, whichever ends first; faulty sends fail the sender.
SET client_min_messages = warning;
CREATE SCHEMA fanout;
SET search_path = fanout;

-- 1. Map and reduce: a task per item, then one that sees all results.
CREATE FUNCTION plan(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"planned": true}'::jsonb $$;
CREATE FUNCTION per_item(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$
  SELECT array_agg(hitl.send('work', jsonb_build_object('item', item))) FROM jsonb_array_elements(state->'items') item $$;
CREATE FUNCTION work(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('results', (state->>'item')::int * 10, 'saw', (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(state) k)) $$;
CREATE FUNCTION total(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('total', sum(x::int)) FROM jsonb_array_elements_text(state->'results') x $$;
SELECT hitl.define('{"graph": "map", "channels": {"results": "append", "saw": "union"}, "nodes": {"plan": "plan", "work": "work", "total": "total"},
  "edges": [["START", "plan"], ["work", "total"], ["total", "END"]], "conditional_edges": [{"source": "plan", "router": "per_item"}]}');
SELECT hitl.send('work', '{"item": 1}') IS NOT NULL AS made;
SELECT hitl.start('map', '{"items": [3, 1, 2, 1]}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT step, node, count(*) FROM hitl.timeline WHERE thread_id = :t AND event = 'executed' GROUP BY step, node ORDER BY step;
SELECT d->'state' = hitl.get_state(:t) AS is_same FROM hitl.invoke('map', '{"items": [3, 1, 2, 1]}') d;
-- No items: nothing to send, and the thread is done.
SELECT hitl.start('map', '{"items": []}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);

-- 2. One router call, two thousand tasks.
SELECT hitl.start('map', jsonb_build_object('items', (SELECT jsonb_agg(i) FROM generate_series(1, 2000) i))) AS t \gset
SELECT hitl.wait(:t, '5 min'), hitl.get_state(:t)->'total' AS total;
SELECT hitl.get_state(:t)->'results' = (SELECT jsonb_agg(i * 10) FROM generate_series(1, 2000) i) AS is_in_order;

-- 3. Sends, names and END together; a send without input gives the state, once however often it is said.
CREATE FUNCTION pass(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('path', (hitl.context()->>'node') || coalesce(':' || (state->>'mine'), '')) $$;
CREATE FUNCTION mixed(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_array(hitl.send('b', '{"mine": "2nd"}'), 'a', hitl.send('b'), 'END', hitl.send('b', '{"mine": "1st"}'), hitl.send('a'), 'b', hitl.send('END', '{}')) $$;
CREATE FUNCTION mixed_array(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$ SELECT array_agg(x) FROM jsonb_array_elements(mixed(state)) x $$;
SELECT hitl.define('{"graph": "mixed", "channels": {"path": "append"}, "nodes": {"from": "pass", "a": "pass", "b": "pass"},
  "edges": [["START", "from"], ["a", "END"], ["b", "END"]], "conditional_edges": [{"source": "from", "router": "mixed"}]}');
SELECT hitl.define('{"graph": "mixed array", "channels": {"path": "append"}, "nodes": {"from": "pass", "a": "pass", "b": "pass"},
  "edges": [["START", "from"], ["a", "END"], ["b", "END"]], "conditional_edges": [{"source": "from", "router": "mixed_array"}]}');
SELECT hitl.start('mixed') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t)->'path' AS path;
SELECT d->'state'->'path' AS path FROM hitl.invoke('mixed array') d;

-- 4. From START, and by a command; an input may be any JSON.
CREATE FUNCTION echo(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('got', jsonb_build_array(state)) $$;
CREATE FUNCTION anything(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$ SELECT ARRAY[hitl.send('echo', '5'), hitl.send('echo', '"text"'), hitl.send('echo', '[1, 2]'), hitl.send('echo', 'null'), hitl.send('echo', '{}')] $$;
SELECT hitl.define('{"graph": "entry fan", "channels": {"got": "append"}, "nodes": {"echo": "echo"},
  "edges": [["echo", "END"]], "conditional_edges": [{"source": "START", "router": "anything"}]}');
SELECT hitl.start('entry fan', '{"in": 1}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT d->'state' = hitl.get_state(:t) AS is_same FROM hitl.invoke('entry fan', '{"in": 1}') d;
CREATE FUNCTION sends(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT hitl.command('{"sent": true}', goto => 'after', sends => ARRAY[hitl.send('echo', '{"n": 1}'), NULL, hitl.send('echo', '{"n": 2}')]) $$;
SELECT hitl.define('{"graph": "command fan", "channels": {"got": "append"}, "nodes": {"sends": {"handler": "sends", "destinations": ["echo", "after"]}, "echo": "echo", "after": "echo"},
  "edges": [["START", "sends"], ["echo", "END"], ["after", "END"]]}');
SELECT hitl.start('command fan') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);

-- 5. A task knows itself, and none is like another: effect_key.
CREATE FUNCTION key(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('keys', hitl.context()->'effect_key', 'node', '') - 'node' $$;
CREATE FUNCTION three(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$ SELECT array_fill(hitl.send('key', '{}'), ARRAY[3]) $$;
SELECT hitl.define('{"graph": "keys of sends", "channels": {"keys": "union"}, "nodes": {"key": "key"}, "edges": [["key", "END"]], "conditional_edges": [{"source": "START", "router": "three"}]}');
SELECT hitl.start('keys of sends') AS t \gset
SELECT hitl.wait(:t), jsonb_array_length(hitl.get_state(:t)->'keys') AS different;

-- 6. One of them fails: its siblings stay done, and only it runs again. What each did is there once.
CREATE TABLE done (item int);
CREATE TABLE broken (item int);
INSERT INTO broken VALUES (2);
CREATE FUNCTION fragile(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO fanout.done SELECT (state->>'item')::int;
  IF EXISTS (SELECT FROM fanout.broken WHERE item = (state->>'item')::int) THEN RAISE 'item % is broken', state->>'item'; END IF;
  RETURN jsonb_build_object('results', (state->>'item')::int * 10);
END $$;
SELECT hitl.define('{"graph": "fragile", "channels": {"results": "append"}, "nodes": {"plan": "plan", "work": "fragile", "total": "total"},
  "edges": [["START", "plan"], ["work", "total"], ["total", "END"]], "conditional_edges": [{"source": "plan", "router": "per_item"}]}');
SELECT hitl.start('fragile', '{"items": [1, 2, 3]}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT node, sqlstate, message FROM hitl.failed WHERE thread_id = :t;
SELECT * FROM done ORDER BY item;
DELETE FROM broken;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT * FROM done ORDER BY item;

-- 7. One of them asks a person: its siblings do not run again, and the last step waits for it.
TRUNCATE done;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE decision jsonb;
BEGIN
  INSERT INTO fanout.done SELECT (state->>'item')::int;
  IF state->>'item' <> '2' THEN RETURN jsonb_build_object('results', (state->>'item')::int * 10); END IF;
  decision := hitl.interrupt(jsonb_build_object('action', 'work', 'args', state));
  RETURN jsonb_build_object('results', decision->'args'->'item');
END $$;
SELECT hitl.define('{"graph": "asking", "channels": {"results": "append"}, "nodes": {"plan": "plan", "work": "asks", "total": "total"},
  "edges": [["START", "plan"], ["work", "total"], ["total", "END"]], "conditional_edges": [{"source": "plan", "router": "per_item"}]}');
SELECT hitl.start('asking', '{"items": [1, 2, 3]}') AS t \gset
SELECT hitl.wait(:t);
SELECT node, action, args FROM hitl.pending WHERE thread_id = :t;
SELECT * FROM done ORDER BY item;
SELECT status FROM hitl.pending p, hitl.edit(p.interrupt_id, '{"item": 5}') WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT * FROM done ORDER BY item;
-- Here and now.
TRUNCATE done;
SELECT d->>'thread_id' AS i, d->>'status' AS status, d->'interrupts'->0->'args' AS args FROM hitl.invoke('asking', '{"items": [1, 2, 3]}') d \gset
SELECT :'status' AS status, :'args' AS args;
SELECT d->>'status' AS status, d->'state' = hitl.get_state(:t) AS is_same FROM hitl.resume(:i, '{"type": "edit", "edits": {"item": 5}}') d;
SELECT * FROM done ORDER BY item;

-- 8. Faults.
SELECT hitl.send(NULL);
\echo :SQLSTATE
CREATE FUNCTION faulty(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT state->'route' $$;
SELECT hitl.define('{"graph": "faulty", "nodes": {"from": "plan", "work": "work"}, "edges": [["START", "from"], ["work", "END"]], "conditional_edges": [{"source": "from", "router": "faulty"}]}');
SELECT hitl.start('faulty', jsonb_build_object('route', hitl.send('nobody', '{}'))) AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t \gx
-- Two of a kind that write one channel without a reducer.
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'detail' AS detail
FROM hitl.invoke('faulty', jsonb_build_object('route', jsonb_build_array(hitl.send('work', '{"item": 1}'), hitl.send('work', '{"item": 2}')))) d;
CREATE FUNCTION sends_away(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.command(sends => ARRAY[hitl.send('away', '{}')]) $$;
SELECT hitl.define('{"graph": "sends away", "nodes": {"from": {"handler": "sends_away", "destinations": ["END"]}, "away": "plan"}, "edges": [["START", "from"], ["START", "away"], ["away", "END"]]}');
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'detail' AS detail FROM hitl.invoke('sends away') d;

SELECT * FROM hitl.check();
