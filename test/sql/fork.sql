-- fork(): go on from an earlier state, in a thread of its own.
-- Proves: a fork has the state of the checkpoint and runs what ran after it, sends and joins as they were, whatever became of the origin, which stays as it
-- is; what runs again asks again, about what is asked now, and its trail names the answers that its state stands on; with values or a node it goes on from there; it does not need the origin's rows.
SET client_min_messages = warning;
CREATE SCHEMA forks;
SET search_path = forks;

CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  message := regexp_replace(message, 'thread \d+', 'thread N'); hint := regexp_replace(hint, '\d+', 'N', 'g');
END $$;
CREATE FUNCTION look(t bigint, OUT status text, OUT step int, OUT checkpoint int, OUT state jsonb, OUT tasks text, OUT asked text) LANGUAGE sql AS $$
  SELECT status, step, checkpoint, hitl.get_state(t),
         (SELECT string_agg(format('%s %s %s', k.step, k.node, k.status), ', ' ORDER BY k.task_id) FROM hitl.task k WHERE k.thread_id = t),
         (SELECT string_agg(format('%s %s', i.args, i.status), ', ' ORDER BY i.interrupt_id) FROM hitl.interrupt i WHERE i.thread_id = t)
  FROM hitl.threads WHERE thread_id = t $$;

-- 1. A refund that was approved and paid.
CREATE TABLE refunds (thread_id bigint, amount numeric);
CREATE FUNCTION price(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('amount', 10 * (state->>'items')::int) $$;
CREATE FUNCTION refund(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb;
BEGIN
  d := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', jsonb_build_object('amount', state->'amount')));
  INSERT INTO refunds VALUES (hitl.current_thread(), (d->'args'->>'amount')::numeric);
  RETURN jsonb_build_object('status', 'ok');
END $$;
SELECT hitl.define('{"graph": "forked refund", "nodes": {"price": "price", "refund": "refund"}, "edges": [["START", "price"], ["price", "refund"], ["refund", "END"]]}');
SELECT hitl.start('forked refund', '{"items": 500}') AS t \gset
SELECT hitl.wait(:t);
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
SELECT * FROM look(:t);

-- 2. Behind the approval (checkpoint 1: the price is known), with another amount: it is asked again, about that amount. Nobody's yes to 5000 is a yes to 9000.
SELECT hitl.fork(:t, 1, '{"amount": 9000}') AS f \gset
SELECT hitl.wait(:f);
SELECT * FROM look(:f);
SELECT count(*) FROM refunds;
-- The same amount is asked again too: an answer answers one question.
SELECT hitl.fork(:t, 1) AS g \gset
SELECT hitl.wait(:g);
SELECT * FROM look(:g);
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :f;
SELECT hitl.wait(:f);
SELECT amount FROM refunds ORDER BY amount;
-- The origin is as it was; the fork says where it came from.
SELECT * FROM look(:t);
SELECT forked_from = :t AS is_of_t, forked_checkpoint, graph, status FROM hitl.threads WHERE forked_from IS NOT NULL ORDER BY thread_id;
SELECT event, node, detail - 'forked_from' AS detail FROM hitl.timeline WHERE thread_id = :f;
SELECT checkpoint, step, nodes, delta FROM hitl.state_history(:f);

-- 3. From the input: all of it again. In one statement and one transaction, fork and update are one thing.
SELECT hitl.fork(:t, 0, '{"items": 1}') AS f \gset
SELECT hitl.wait(:f);
SELECT * FROM look(:f);
BEGIN;
SELECT hitl.update_state(hitl.fork(:t, 0), '{"items": 2}') AS checkpoint;
SELECT max(thread_id) AS f FROM hitl.threads \gset
SELECT * FROM look(:f);
SELECT hitl.update_state(:f, '{"amount": 77}', 'price') AS checkpoint;
SELECT * FROM look(:f);
COMMIT;
SELECT hitl.wait(:f);
SELECT asked FROM look(:f);

-- 4. A done thread has nothing to run at its end; as a node it has.
SELECT * FROM refused(format('SELECT hitl.fork(%s)', :t)) \gx
SELECT hitl.fork(:t, as_node => 'price', "values" => '{"amount": 12}') AS f \gset
SELECT hitl.wait(:f);
SELECT * FROM look(:f);
SELECT hitl.fork(:t, as_node => 'START', "values" => '{"items": 3}') AS f \gset
SELECT hitl.wait(:f);
SELECT state, asked FROM look(:f);
SELECT hitl.fork(:t, 1, as_node => 'refund') AS f \gset
SELECT * FROM look(:f);

-- 5. Of a thread that waits, failed, or was cancelled.
SELECT hitl.fork(:g) AS f \gset
SELECT hitl.wait(:f);
SELECT status, asked FROM look(:f);
SELECT hitl.cancel(:g);
SELECT hitl.fork(:g) AS f \gset
SELECT hitl.wait(:f);
SELECT status, asked FROM look(:f);
CREATE FUNCTION divides(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('share', 100 / (state->>'by')::int) $$;
SELECT hitl.define('{"graph": "forked divides", "nodes": {"divides": "divides"}, "edges": [["START", "divides"], ["divides", "END"]]}');
SELECT hitl.start('forked divides', '{"by": 0}') AS t \gset
SELECT hitl.wait(:t), hitl.fork(:t, "values" => '{"by": 5}') AS f \gset
SELECT hitl.wait(:f);
SELECT * FROM look(:f);
-- A fork of a fork; and it does not miss an origin that is gone.
SELECT hitl.fork(:f, 0, '{"by": 50}') AS h \gset
SELECT hitl.wait(:h);
BEGIN;
DELETE FROM hitl.checkpoint WHERE thread_id IN (:t, :f);
DELETE FROM hitl.task WHERE thread_id IN (:t, :f);
DELETE FROM hitl.audit WHERE thread_id IN (:t, :f);
DELETE FROM hitl.thread WHERE thread_id IN (:t, :f);
SELECT * FROM look(:h);
SELECT * FROM hitl.check();
ROLLBACK;

-- 6. Sends with their inputs, and a join that waits, are as they were.
CREATE FUNCTION fan(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$ SELECT array_agg(hitl.send('double', jsonb_build_object('n', i))) FROM generate_series(1, 3) i $$;
CREATE FUNCTION double(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('sums', 2 * (state->>'n')::int) $$;
SELECT hitl.define('{"graph": "forked fans", "channels": {"sums": {"reducer": "append", "initial": []}},
  "nodes": {"a": {"sql": "SELECT ''{}''::jsonb"}, "b": {"sql": "SELECT ''{}''::jsonb"}, "c": {"sql": "SELECT ''{}''::jsonb"}, "double": "double", "both": {"sql": "SELECT ''{\"joined\": true}''::jsonb"}},
  "edges": [["START", "a"], ["START", "b"], ["b", "c"], ["double", "END"], ["both", "END"]], "joins": [{"sources": ["a", "c"], "target": "both"}], "conditional_edges": [{"source": "a", "router": "fan"}]}');
SELECT hitl.start('forked fans') AS t \gset
SELECT hitl.wait(:t);
SELECT * FROM look(:t);
SELECT hitl.fork(:t, 1) AS f \gset
SELECT hitl.wait(:f);
SELECT * FROM look(:f);
SELECT hitl.get_state(:t) = hitl.get_state(:f) AS is_same;
-- An update as a node lies in the history like any step: before it, the node itself runs; after it, what it led to.
SELECT hitl.define('{"graph": "forked steps", "channels": {"log": {"reducer": "append", "initial": []}}, "nodes": {"one": {"sql": "SELECT jsonb_build_object(''log'', hitl.interrupt(''1'')->''type'')"}, "two": {"sql": "SELECT ''{\"log\": \"two\"}''::jsonb"}}, "edges": [["START", "one"], ["one", "two"], ["two", "END"]]}');
SELECT hitl.start('forked steps') AS t \gset
SELECT hitl.wait(:t), hitl.update_state(:t, '{"log": "x"}'), hitl.update_state(:t, '{"log": "by hand"}', 'one');
SELECT hitl.wait(:t);
SELECT checkpoint, step, nodes, state FROM hitl.state_history(:t);

SELECT hitl.fork(:t, 0) AS f0, hitl.fork(:t, 1) AS f1, hitl.fork(:t, 2) AS f2 \gset
SELECT hitl.wait(:f0) AS f0, hitl.wait(:f1) AS f1, hitl.wait(:f2) AS f2;
SELECT status, state, tasks FROM look(:f0) UNION ALL SELECT status, state, tasks FROM look(:f1) UNION ALL SELECT status, state, tasks FROM look(:f2);

-- 7. A stop behind a node is asked again, and leads where it led; a subgraph runs anew with its parent, and is not forked alone.
SELECT hitl.define('{"graph": "forked stop", "nodes": {"a": {"sql": "SELECT jsonb_build_object(''a'', COALESCE(($1->>''a'')::int, 0) + 1)"}, "b": {"sql": "SELECT ''{\"b\": true}''::jsonb"}}, "edges": [["START", "a"], ["a", "b"], ["b", "END"]], "interrupt_after": ["a"]}');
SELECT hitl.start('forked stop') AS t \gset
SELECT hitl.wait(:t), hitl.fork(:t) AS f \gset
SELECT hitl.wait(:f);
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :f;
SELECT hitl.wait(:f);
SELECT status, state, tasks FROM look(:f);
SELECT status, state, tasks FROM look(:t);
SELECT hitl.define('{"graph": "forked outer", "nodes": {"inner": {"subgraph": "forked refund"}}, "edges": [["START", "inner"], ["inner", "END"]]}');
SELECT hitl.start('forked outer', '{"items": 7}') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.fork(:t, "values" => '{"items": 8}') AS f \gset
SELECT hitl.wait(:f);
SELECT root_id = :t AS is_of_t, root_id = :f AS is_of_f, args FROM hitl.pending WHERE root_id IN (:t, :f) ORDER BY interrupt_id;
SELECT r.code, r.message, r.hint FROM hitl.pending p, refused(format('SELECT hitl.fork(%s)', p.thread_id)) r WHERE p.root_id = :t;

-- 8. Refused.
SELECT code, message, detail FROM refused(format('SELECT hitl.fork(%s, 99)', :t));
SELECT code, message FROM refused(format('SELECT hitl.fork(%s, -1)', :t));
SELECT code, message FROM refused('SELECT hitl.fork(0)');
SELECT code, message FROM refused('SELECT hitl.fork(NULL)');
SELECT code, message FROM refused(format('SELECT hitl.fork(%s, 0, ''[]'')', :t));
SELECT code, message FROM refused(format('SELECT hitl.fork(%s, 0, as_node => ''nobody'')', :t));

SELECT bool_and(hitl.wait(thread_id) IS NOT NULL) AS settled FROM hitl.threads WHERE graph IN ('forked refund', 'forked steps', 'forked outer');
-- 9. What earlier answers have written is part of the state and is kept, so nobody is asked for it again. The trail of the fork says which answers those are.
CREATE FUNCTION stands_on(fork bigint, OUT decided bigint, OUT named bigint, OUT are_right boolean, OUT are_latest boolean) LANGUAGE sql AS $$
  WITH f AS (SELECT forked_from, detail FROM hitl.timeline l JOIN hitl.threads t USING (thread_id) WHERE thread_id = fork AND event = 'started'),
       i AS (SELECT i.interrupt_id FROM f JOIN hitl.thread t ON COALESCE(t.root_id, t.thread_id) = f.forked_from JOIN hitl.interrupt i ON i.thread_id = t.thread_id WHERE i.status = 'decided')
  SELECT (f.detail->>'n_decided')::bigint, jsonb_array_length(f.detail->'decided'),
         NOT EXISTS (SELECT FROM jsonb_array_elements(f.detail->'decided') d WHERE d::bigint NOT IN (SELECT interrupt_id FROM i)),
         f.detail->'decided' = (SELECT COALESCE(jsonb_agg(interrupt_id ORDER BY interrupt_id DESC), '[]') FROM (SELECT interrupt_id FROM i ORDER BY interrupt_id DESC LIMIT 100) x) FROM f $$;
CREATE FUNCTION allow(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('allowed', hitl.interrupt('{"action": "allow"}')->>'type') $$;
CREATE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('paid', CASE WHEN state->>'allowed' = 'approve' THEN state->'amount' END) $$;
SELECT hitl.define('{"graph": "forked later", "nodes": {"allow": "allow", "pay": "pay"}, "edges": [["START", "allow"], ["allow", "pay"], ["pay", "END"]]}');
SELECT hitl.start('forked later', '{"amount": 10}') AS t \gset
SELECT hitl.wait(:t);
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
-- Behind the answer: it is kept, also for another amount; whoever forks it answers for that, and the trail says what it stands on.
SELECT hitl.fork(:t, 1, '{"amount": 1000000}') AS f \gset
SELECT hitl.wait(:f), hitl.get_state(:f);
SELECT * FROM stands_on(:f);
-- Before it: asked again, and it stands on nothing.
SELECT hitl.fork(:t, 0) AS f \gset
SELECT hitl.wait(:f);
SELECT decided, named, are_right FROM stands_on(:f);
-- An update while the question was open came before the answer.
SELECT hitl.start('forked later', '{"amount": 10}') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.update_state(:t, '{"amount": 11}') AS checkpoint;
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
SELECT hitl.fork(:t, 1) AS f \gset
SELECT hitl.wait(:f);
SELECT decided FROM stands_on(:f);
SELECT hitl.fork(:t, 2) AS f \gset
SELECT hitl.wait(:f);
SELECT * FROM stands_on(:f);
-- Those of subgraphs too; of many the latest hundred.
CREATE FUNCTION to_many(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$ SELECT array_agg(hitl.send('one', jsonb_build_object('i', i))) FROM generate_series(1, 101) i $$;
CREATE FUNCTION one(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('said', hitl.interrupt(jsonb_build_object('action', 'one', 'args', state))->>'type') $$;
SELECT hitl.define('{"graph": "forked many", "channels": {"said": "append"}, "nodes": {"one": "one", "below": {"subgraph": {"graph": "forked later"}}}, "edges": [["one", "below"], ["below", "END"]], "conditional_edges": [{"source": "START", "router": "to_many"}]}');
SELECT hitl.start('forked many') AS t \gset
SELECT hitl.wait(:t);
SELECT count(hitl.approve(interrupt_id)) FROM hitl.pending WHERE graph = 'forked many';
SELECT hitl.wait(:t);
SELECT hitl.fork(:t, 2) AS f \gset
SELECT hitl.wait(:f);
SELECT * FROM stands_on(:f);
SELECT count(hitl.approve(p.interrupt_id)) FROM hitl.pending p JOIN hitl.threads d USING (thread_id) WHERE d.root_id = :t;
SELECT hitl.wait(:t);
SELECT hitl.fork(:t, as_node => 'START') AS f \gset
SELECT * FROM stands_on(:f);
SELECT hitl.wait(:f);

SELECT * FROM hitl.check();
