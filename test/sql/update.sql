-- update_state(): a person changes what a thread knows, or where it goes.
-- Proves: values go through the reducers; what waits goes on waiting and sees them, and an answer to something else does not count (P5); as a node, what is
-- open is given up with its trail and the thread goes on along edges, joins and routers, at once or by an executor; who runs, has ended, or is another's is refused.
SET client_min_messages = warning;
CREATE SCHEMA updates;
SET search_path = updates;

-- A statement's error with the numbers of threads masked.
CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  message := regexp_replace(message, '\d+', 'N', 'g'); detail := regexp_replace(detail, '\d+', 'N', 'g'); hint := regexp_replace(hint, '\d+', 'N', 'g');
END $$;
-- What a thread is: its latest checkpoint, its tasks, its questions.
CREATE FUNCTION look(t bigint, OUT status text, OUT step int, OUT checkpoint int, OUT state jsonb, OUT tasks text, OUT asked text) LANGUAGE sql AS $$
  SELECT status, step, checkpoint, hitl.get_state(t),
         (SELECT string_agg(format('%s %s %s', k.step, k.node, k.status), ', ' ORDER BY k.task_id) FROM hitl.task k WHERE k.thread_id = t),
         (SELECT string_agg(format('%s %s', i.args, i.status), ', ' ORDER BY i.interrupt_id) FROM hitl.interrupt i WHERE i.thread_id = t)
  FROM hitl.threads WHERE thread_id = t $$;

-- 1. A refund waits for its approval. Without as_node only the state changes; it waits on, and the history has a checkpoint more, of the same step.
CREATE TABLE refunds (thread_id bigint, amount numeric);
CREATE FUNCTION ask(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('decision', hitl.interrupt(jsonb_build_object('action', 'refund', 'args', jsonb_build_object('amount', state->'amount')))->'type') $$;
CREATE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ INSERT INTO refunds VALUES (hitl.current_thread(), (state->>'amount')::numeric); SELECT '{"log": ["paid"]}'::jsonb $$;
SELECT hitl.define('{"graph": "updated refund", "channels": {"log": {"reducer": "append", "initial": []}}, "nodes": {"ask": "ask", "pay": "pay"}, "edges": [["START", "ask"], ["ask", "pay"], ["pay", "END"]]}');
SELECT hitl.start('updated refund', '{"amount": 5000}') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.update_state(:t, '{"amount": 50, "log": "corrected"}') AS checkpoint;
SELECT * FROM look(:t);
SELECT checkpoint, step, nodes, delta FROM hitl.state_history(:t);
-- The question that is open was about 5000. Its answer is no answer to 50: a new interrupt opens, and nothing is paid before that is answered.
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
SELECT * FROM look(:t);
SELECT count(*) FROM refunds;
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
SELECT amount FROM refunds;
SELECT event, node, detail - 'checkpoint' AS detail FROM hitl.timeline WHERE thread_id = :t;

-- 2. As a node: the question is given up, and the thread goes on as if the node had returned the values. Edges and hitl's reducers need no code of the author: it is done at once.
SELECT hitl.start('updated refund', '{"amount": 7000}') AS t \gset
SELECT hitl.wait(:t);
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
BEGIN;
SELECT hitl.update_state(:t, '{"decision": "by hand", "amount": 70, "log": ["steered"]}', as_node => 'ask') AS checkpoint, hitl.get_state(:t);
SELECT * FROM look(:t);
COMMIT;
SELECT hitl.wait(:t);
SELECT * FROM look(:t);
SELECT amount FROM refunds WHERE thread_id = :t;
SELECT event, node, actor_kind, detail - 'checkpoint' AS detail FROM hitl.timeline WHERE thread_id = :t;
SELECT checkpoint, step, nodes, delta FROM hitl.state_history(:t);
-- Who answers now is told.
SELECT code, message, regexp_replace(detail, 'at .*, who', 'at ..., who') AS detail FROM refused(format('SELECT hitl.approve(%s)', :i));
-- As the last node: the thread is done.
SELECT hitl.start('updated refund', '{"amount": 8000}') AS t \gset
SELECT hitl.wait(:t), hitl.update_state(:t, '{"log": "called off"}', 'pay') AS checkpoint;
SELECT * FROM look(:t);
-- As START: it begins again with that.
SELECT hitl.start('updated refund', '{"amount": 9000}') AS t \gset
SELECT hitl.wait(:t), hitl.update_state(:t, '{"amount": 90}', 'START') AS checkpoint;
SELECT hitl.wait(:t);
SELECT * FROM look(:t);
SELECT hitl.cancel(:t);

-- 3. What the step has done counts: the sibling that is done is in the state and goes along its edges; a join has what it has.
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('log', hitl.interrupt('{"action": "go"}')->'type') $$;
SELECT hitl.define('{"graph": "updated join", "channels": {"log": {"reducer": "append", "initial": []}},
  "nodes": {"asks": "asks", "done": {"sql": "SELECT ''{\"log\": \"done\"}''::jsonb"}, "after": {"sql": "SELECT ''{\"log\": \"after\"}''::jsonb"}, "both": {"sql": "SELECT ''{\"log\": \"both\"}''::jsonb"}},
  "edges": [["START", "asks"], ["START", "done"], ["done", "after"], ["after", "END"], ["both", "END"]], "joins": [{"sources": ["asks", "after"], "target": "both"}]}');
SELECT hitl.start('updated join') AS t \gset
SELECT hitl.wait(:t), hitl.update_state(:t, '{"log": "instead"}', 'asks') AS checkpoint;
SELECT hitl.wait(:t);
SELECT * FROM look(:t);

-- 4. Routers and the author's reducers run in no session but the owner's: an executor runs the update, as a task.
CREATE FUNCTION route(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN state->>'way' = 'left' THEN 'left' ELSE 'right' END $$;
CREATE FUNCTION longest(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT CASE WHEN a IS NULL OR length(b #>> '{}') > length(a #>> '{}') THEN b ELSE a END $$;
SELECT hitl.define('{"graph": "updated routed", "channels": {"name": {"reducer": "longest(jsonb, jsonb)"}}, "nodes": {"asks": "asks", "left": {"sql": "SELECT ''{\"went\": \"left\"}''::jsonb"}, "right": {"sql": "SELECT ''{\"went\": \"right\"}''::jsonb"}},
  "edges": [["START", "asks"], ["left", "END"], ["right", "END"]], "conditional_edges": [{"source": "asks", "router": "route"}]}');
SELECT hitl.start('updated routed', '{"name": "joe"}') AS t \gset
SELECT hitl.wait(:t), hitl.update_state(:t, '{"way": "left", "name": "jo"}', 'asks') AS checkpoint;
SELECT hitl.wait(:t);
SELECT * FROM look(:t);
-- In the owner's session his reducers run also for an update without a node ...
SELECT hitl.start('updated routed', '{"name": "joe"}') AS t \gset
SELECT hitl.wait(:t), hitl.update_state(:t, '{"name": "josephine"}') AS checkpoint, hitl.get_state(:t);
-- ... and in that of a superuser who is not the owner they do not.
CREATE ROLE regress_updates LOGIN;
ALTER ROLE regress_updates SET client_min_messages = warning;
GRANT USAGE ON SCHEMA updates TO regress_updates;
SELECT hitl.grant_author('regress_updates');
CREATE SCHEMA hers AUTHORIZATION regress_updates;
SET SESSION AUTHORIZATION regress_updates;
SET search_path = hers;
CREATE FUNCTION longest(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT b $$;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('a', hitl.interrupt('1')) $$;
SELECT hitl.define('{"graph": "updated hers", "channels": {"name": {"reducer": "longest(jsonb, jsonb)"}}, "nodes": {"asks": "hers.asks"}, "edges": [["START", "asks"], ["asks", "END"]]}');
SELECT hitl.start('updated hers', '{"name": "ann"}') AS h \gset
SELECT hitl.wait(:h);
-- Another's thread is not hers to update.
SELECT code, message FROM updates.refused(format('SELECT hitl.update_state(%s, ''{}'')', :t));
SELECT code, message FROM updates.refused(format('SELECT hitl.fork(%s)', :t));
RESET SESSION AUTHORIZATION;
SET search_path = updates;
SELECT * FROM refused(format('SELECT hitl.update_state(%s, ''{"name": "x"}'')', :h)) \gx
SELECT hitl.update_state(:h, '{"other": 1}') AS checkpoint, hitl.update_state(:h, '{"name": "bea"}', 'asks') AS checkpoint;
SELECT hitl.wait(:h), hitl.get_state(:h);

-- 5. A failed thread: mend its state and retry, or go round the node that fails.
CREATE FUNCTION divides(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('share', 100 / (state->>'by')::int) $$;
SELECT hitl.define('{"graph": "updated divides", "nodes": {"divides": "divides", "last": {"sql": "SELECT ''{\"last\": true}''::jsonb"}}, "edges": [["START", "divides"], ["divides", "last"], ["last", "END"]]}');
SELECT hitl.start('updated divides', '{"by": 0}') AS t \gset
SELECT hitl.wait(:t), hitl.update_state(:t, '{"by": 4}') AS checkpoint;
SELECT * FROM look(:t);
SELECT hitl.retry(:t);
SELECT hitl.wait(:t);
SELECT * FROM look(:t);
SELECT hitl.start('updated divides', '{"by": 0}') AS t \gset
SELECT hitl.wait(:t), hitl.update_state(:t, '{"share": null}', 'divides') AS checkpoint;
SELECT hitl.wait(:t);
SELECT * FROM look(:t);

-- 6. Refused.
SELECT * FROM refused(format('SELECT hitl.update_state(%s, ''{}'')', :t)) \gx
SELECT hitl.start('updated refund', '{"amount": 1}') AS t \gset
SELECT hitl.wait(:t);
SELECT code, message, detail FROM refused(format('SELECT hitl.update_state(%s, ''[1]'')', :t));
SELECT code, message, detail FROM refused(format('SELECT hitl.update_state(%s, NULL)', :t));
SELECT * FROM refused(format('SELECT hitl.update_state(%s, ''{}'', ''nobody'')', :t)) \gx
SELECT code, message FROM refused(format('SELECT hitl.update_state(%s, ''{}'', ''END'')', :t));
SELECT code, message FROM refused($$SELECT hitl.update_state(0, '{}')$$);
SELECT code, message, detail FROM refused($$SELECT hitl.update_state(NULL, '{}')$$);
-- What hitl's reducers refuse is refused, and nothing has changed.
SELECT hitl.define('{"graph": "updated adds", "channels": {"n": "add"}, "nodes": {"asks": "asks"}, "edges": [["START", "asks"], ["asks", "END"]]}');
SELECT hitl.start('updated adds', '{"n": 1}') AS a \gset
SELECT hitl.wait(:a), hitl.update_state(:a, '{"n": 2}') AS checkpoint, hitl.get_state(:a)->'n' AS n;
SELECT code, message FROM refused(format('SELECT hitl.update_state(%s, ''{"n": "x"}'')', :a));
SELECT code, message FROM refused(format('SELECT hitl.update_state(%s, ''{"n": "x"}'', ''asks'')', :a));
SELECT * FROM look(:a);
-- Answered in this transaction: nobody else runs it yet, and it runs with what it knows now.
BEGIN;
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.update_state(:t, '{"amount": 2}') AS checkpoint;
ROLLBACK;
-- Cancelled.
SELECT hitl.cancel(:t);
SELECT code, message, hint FROM refused(format('SELECT hitl.update_state(%s, ''{}'')', :t));
-- A node steers no thread (agent.sql).
CREATE FUNCTION steers(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('checkpoint', hitl.update_state(hitl.current_thread(), '{"x": 1}')) $$;
SELECT hitl.define('{"graph": "updated steers", "nodes": {"steers": "steers"}, "edges": [["START", "steers"], ["steers", "END"]]}');
SELECT hitl.start('updated steers') AS t \gset
SELECT hitl.wait(:t);
SELECT sqlstate, message FROM hitl.failed WHERE thread_id = :t;

SELECT * FROM hitl.check();
