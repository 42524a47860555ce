-- Steps: hitl.step(key, function, args) has work done once, however often the node that needs it runs: calls of models, of banks.
-- Proves: n steps are n + 1 passes; results and effects are kept over questions, failures, retries, and nothing is done on a wish that changed;
-- a step that fails is the node's failure; in a step nobody is asked; the same in an executor and inline, in PL/pgSQL and in SQL.
SET client_min_messages = warning;
CREATE SCHEMA step;
SET search_path = step;

-- The outside world, which no rollback reaches: a sequence counts its calls. The effects on the database are in a table.
CREATE SEQUENCE calls;
CREATE SEQUENCE passes;
CREATE TABLE charged (order_id text, cents int, effect_key text);
CREATE FUNCTION charge(args jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM nextval('calls');
  INSERT INTO charged VALUES (args->>'order', (args->>'cents')::int, hitl.context()->>'effect_key');
  RETURN jsonb_build_object('receipt', 'R-' || (args->>'order'));
END $$;
CREATE FUNCTION counts(OUT calls bigint, OUT passes bigint, OUT charged bigint) LANGUAGE sql AS $$
  SELECT (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM calls), (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM passes), (SELECT count(*) FROM charged) $$;
CREATE FUNCTION reset() RETURNS void LANGUAGE sql AS $$ SELECT setval('calls', 1, false), setval('passes', 1, false); TRUNCATE charged $$;
CREATE FUNCTION graph_of(node text, options jsonb DEFAULT '{}') RETURNS integer LANGUAGE sql AS $$
  SELECT hitl.define(jsonb_build_object('graph', node, 'nodes', jsonb_build_object('n', jsonb_build_object('handler', node) || options), 'edges', '[["START", "n"], ["n", "END"]]'::jsonb)) $$;
CREATE FUNCTION events(thread_id bigint) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(event || coalesce('(' || concat_ws(' ', detail->>'sqlstate', detail->>'key', detail->>'step') || ')', ''), ' ' ORDER BY audit_id) FROM hitl.timeline t WHERE t.thread_id = events.thread_id AND event <> 'started' $$;

-- 1. Two steps: three passes, each step once. What the node itself did before them is not done three times.
CREATE TABLE own (thread_id bigint);
CREATE FUNCTION buys(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE a jsonb; b jsonb;
BEGIN
  PERFORM nextval('passes');
  INSERT INTO own VALUES (hitl.current_thread());
  a := hitl.step('first', 'charge(jsonb)', '{"order": "A", "cents": 100}');
  b := hitl.step('second', 'step.charge', jsonb_build_object('order', 'B', 'after', a->'receipt'));
  RETURN jsonb_build_object('receipts', jsonb_build_array(a->'receipt', b->'receipt'));
END $$;
SELECT graph_of('buys');
SELECT hitl.start('buys') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT * FROM counts();
SELECT count(*) FROM own;
SELECT event, node, detail FROM hitl.timeline WHERE thread_id = :t;
SELECT key, place, function, args, result FROM hitl.step_result WHERE thread_id = :t ORDER BY place;
-- What the outside world is given to know a repetition by.
SELECT regexp_replace(effect_key, '\d+', 'N', 'g') AS effect_key, count(*) FROM charged GROUP BY effect_key ORDER BY 1;
-- Here and now it is the same, but what is kept is kept by the caller's transaction.
SELECT reset();
BEGIN;
SELECT hitl.invoke('buys')->'state' AS state;
SELECT * FROM counts();
ROLLBACK;
SELECT * FROM counts();

-- 2. Questions: the results stay, whatever is answered, also when the node then asks something else. Steps and questions have their names apart.
CREATE TABLE price (cents int);
INSERT INTO price VALUES (100);
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE quote jsonb; decision jsonb;
BEGIN
  PERFORM nextval('passes');
  quote := hitl.step('pay', 'charge', '{"order": "deposit", "cents": 1}');
  decision := hitl.interrupt(jsonb_build_object('action', 'pay', 'args', jsonb_build_object('cents', (SELECT cents FROM price))), 'pay');
  RETURN jsonb_build_object('quote', quote->'receipt', 'bought', hitl.step('buy', 'charge', decision->'args' || '{"order": "rest"}'));
END $$;
SELECT graph_of('asks');
SELECT reset();
SELECT hitl.start('asks') AS t \gset
SELECT hitl.wait(:t);
UPDATE price SET cents = 200;
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
SELECT status FROM hitl.pending p, hitl.edit(p.interrupt_id, '{"cents": 150}') WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT * FROM counts();
SELECT order_id, cents FROM charged;
SELECT events(:t);

-- 3. Failures of the node: a step that is done is done, over its retries and over retry() by hand.
CREATE FUNCTION fails(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE receipt jsonb := hitl.step('charge', 'charge', '{"order": "A", "cents": 5}');
BEGIN
  IF (hitl.context()->'attempt')::int < 3 THEN RAISE 'not yet'; END IF;
  RETURN receipt;
END $$;
SELECT graph_of('fails', '{"retry": {"max_attempts": 2, "initial_interval": 0, "jitter": false}}');
SELECT reset();
SELECT hitl.start('fails') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT * FROM counts();
SELECT events(:t);

-- 4. A result stands for key, function and args. Asked with others, nothing is done and no handler takes the old result for the new.
CREATE FUNCTION refund(args jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT nextval('step.calls'); SELECT '{"refunded": true}'::jsonb $$;
CREATE TABLE wish (function text, args jsonb);
INSERT INTO wish VALUES ('charge', '{"order": "A", "cents": 10}');
CREATE FUNCTION changes(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE result jsonb;
BEGIN
  SELECT hitl.step('work', function, args) INTO result FROM wish;
  PERFORM hitl.interrupt('{"action": "go on"}');
  RETURN jsonb_build_object('result', result);
EXCEPTION WHEN OTHERS THEN
  RETURN '{"result": "swallowed"}';
END $$;
SELECT graph_of('changes');
SELECT reset();
SELECT hitl.start('changes') AS t \gset
SELECT hitl.wait(:t);
UPDATE wish SET args = '{"order": "A", "cents": 20}';
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
SELECT sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t;
UPDATE wish SET args = NULL;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t);
SELECT detail FROM hitl.failed WHERE thread_id = :t;
UPDATE wish SET args = '{"order": "A", "cents": 10}', function = 'refund';
SELECT hitl.retry(:t);
SELECT hitl.wait(:t);
SELECT detail FROM hitl.failed WHERE thread_id = :t;
-- With what was done it goes on; 10.0 is 10, and the order of keys is none.
UPDATE wish SET args = '{"cents": 10.0, "order": "A"}', function = 'step.charge(jsonb)';
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT * FROM counts();

-- 5. Keys. One result stands for one step: a key is good for one in each run.
CREATE FUNCTION keyed(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE k text; results jsonb := '[]';
BEGIN
  FOR k IN SELECT jsonb_array_elements_text(state->'keys') LOOP
    results := results || hitl.step(k, 'charge', jsonb_build_object('order', k));
  END LOOP;
  RETURN jsonb_build_object('results', results);
END $$;
SELECT graph_of('keyed');
SELECT left(keys::text, 20) AS keys, d->>'status' AS status, d#>>'{error,sqlstate}' AS sqlstate, d#>>'{error,message}' AS message, left(d#>>'{error,detail}', 80) AS detail
FROM unnest(ARRAY['["a", "b", "ä c"]', '["a", "a"]', '[""]', '["#1"]', '[null]']::jsonb[] || jsonb_build_array(repeat('x', 201)) || jsonb_build_array(repeat('x', 200))) keys, hitl.invoke('keyed', jsonb_build_object('keys', keys)) d;
-- A loop of steps.
SELECT reset();
SELECT jsonb_array_length(d#>'{state,results}') AS results FROM hitl.invoke('keyed', jsonb_build_object('keys', (SELECT jsonb_agg('k' || i) FROM generate_series(1, 20) i))) d;
SELECT * FROM counts();

-- 6. A key that changes with each pass would have its work done for ever: it ends after hitl.max_reasks.
CREATE FUNCTION strays(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN hitl.step('pass ' || nextval('passes'), 'charge', '{"order": "A"}');
END $$;
SELECT graph_of('strays');
SELECT reset();
SELECT d#>>'{error,sqlstate}' AS sqlstate, d#>>'{error,message}' AS message, d#>>'{error,detail}' AS detail, d#>>'{error,hint}' AS hint FROM hitl.invoke('strays') d;
SELECT * FROM counts();
-- Another path after another answer is none of that.
CREATE FUNCTION other_path(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE cents int := hitl.interrupt(jsonb_build_object('action', 'go', 'args', jsonb_build_object('cents', (SELECT cents FROM price))))#>>'{args,cents}';
BEGIN
  FOR i IN 1..4 LOOP PERFORM hitl.step(format('%s at %s', i, cents), 'charge', '{"order": "A"}'); END LOOP;
  PERFORM hitl.interrupt('{"action": "sure?"}');
  RETURN jsonb_build_object('paid', cents);
END $$;
SELECT graph_of('other_path');
SELECT reset();
SELECT hitl.invoke('other_path')->>'thread_id' AS t \gset
SELECT d->>'status' AS status, d#>>'{interrupts,0,action}' AS action FROM hitl.resume(:t, '{"type": "approve"}') d;
UPDATE price SET cents = 300;
SELECT d->>'status' AS status, d#>>'{interrupts,0,action}' AS action FROM hitl.resume(:t, '{"type": "approve"}') d;
SELECT d->>'status' AS status, d#>>'{interrupts,0,action}' AS action, d->'state' AS state FROM hitl.resume(:t, '{"type": "approve"}') d;
SELECT * FROM counts();
SELECT place, key, strays FROM hitl.step_result WHERE thread_id = :t ORDER BY place;

-- 7. A step that fails is the node's failure, and says which it was; earlier steps keep their results. Its own effects are rolled back.
CREATE FUNCTION flaky(args jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO charged VALUES ('flaky');
  IF nextval('passes') <= (args->>'fails')::int THEN RAISE 'no answer' USING ERRCODE = args->>'code', DETAIL = 'The model is asleep.'; END IF;
  RETURN hitl.context()->'step_key';
END $$;
CREATE FUNCTION calls_flaky(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE receipt jsonb := hitl.step('charge', 'charge', '{"order": "A"}');
BEGIN
  RETURN receipt || jsonb_build_object('answer', hitl.step('model', 'flaky', state));
EXCEPTION WHEN OTHERS THEN
  RETURN '{"answer": "swallowed"}';
END $$;
SELECT graph_of('calls_flaky');
SELECT reset();
SELECT hitl.start('calls_flaky', '{"fails": 1, "code": "UX001"}') AS t \gset
SELECT hitl.wait(:t), events(:t);
SELECT node, sqlstate, message, detail, context FROM hitl.failed WHERE thread_id = :t;
SELECT order_id FROM charged;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t), events(:t);
SELECT order_id FROM charged ORDER BY order_id;
-- Under a retry policy, and put back on conflicts, as the node itself.
SELECT graph_of('calls_flaky', '{"retry": {"max_attempts": 3, "initial_interval": 0, "jitter": false, "retry_on": ["08"]}}');
SELECT reset();
SELECT hitl.start('calls_flaky', '{"fails": 2, "code": "08006"}') AS t \gset
SELECT hitl.wait(:t), events(:t);
SELECT setval('passes', 1, false);
SELECT hitl.start('calls_flaky', '{"fails": 2, "code": "40001"}') AS t \gset
SELECT hitl.wait(:t), events(:t);
SELECT attempt, failures, conflicts FROM hitl.task WHERE thread_id = :t;

-- 8. In a step nobody is asked, nothing is decided, and no step is in a step; what swallows the refusal fails all the same.
CREATE FUNCTION tries(args jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE code text;
BEGIN
  BEGIN
    EXECUTE args->>'statement';
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE;
  END;
  RETURN jsonb_build_object('swallowed', code);
END $$;
CREATE FUNCTION has_tried(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.step('try', 'tries', state) $$;
SELECT graph_of('has_tried');
SELECT hitl.start('asks') AS asking \gset
SELECT hitl.wait(:asking);
SELECT interrupt_id AS open FROM hitl.pending WHERE thread_id = :asking \gset
SELECT statement, d->>'status' AS status, d#>>'{error,sqlstate}' AS sqlstate, d#>>'{error,message}' AS message, d#>>'{error,detail}' AS detail, d#>'{state,swallowed}' AS swallowed
FROM unnest(ARRAY['SELECT hitl.interrupt(''{"action": "go"}'')', 'SELECT hitl.step(''inner'', ''charge'')', 'SELECT 1/0']) statement, hitl.invoke('has_tried', jsonb_build_object('statement', statement)) d;
SELECT d->>'status' AS status, d#>'{state,swallowed}' AS swallowed FROM hitl.invoke('has_tried', jsonb_build_object('statement', 'SELECT hitl.approve(' || :open || ')')) d;
SELECT hitl.cancel(:asking);
-- Outside a node, and without what it needs.
SELECT hitl.step('key', 'charge');
\echo :SQLSTATE
SELECT hitl.step(NULL, 'charge');
\echo :SQLSTATE
SELECT hitl.step('key', NULL);
\echo :SQLSTATE

-- 9. It cannot be swallowed, as a pause cannot.
CREATE FUNCTION stubborn(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    PERFORM hitl.step('a', 'charge', '{"order": "A"}');
  EXCEPTION WHEN query_canceled OR assert_failure THEN
    BEGIN INSERT INTO own VALUES (-1); EXCEPTION WHEN query_canceled OR assert_failure THEN NULL; END;
    RETURN '{"status": "swallowed"}';
  END;
  RETURN '{"status": "did not swallow"}';
END $$;
SELECT graph_of('stubborn');
SELECT hitl.invoke('stubborn')->'state' AS state;
SELECT count(*) FROM own WHERE thread_id = -1;

-- 10. What is given and returned: SQL's NULL and JSON's, scalars; a strict function is not called with NULL.
CREATE FUNCTION echo(args jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT args $$;
CREATE FUNCTION says(args jsonb) RETURNS jsonb STRICT LANGUAGE sql AS $$ SELECT '"called"'::jsonb $$;
CREATE FUNCTION nothing(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN jsonb_build_object('NULL', hitl.step('1', 'echo', NULL) IS NULL, 'null', hitl.step('2', 'echo', 'null'), 'default', hitl.step('3', 'echo'),
    'text', hitl.step('4', 'echo', '"text"'), 'strict', hitl.step('5', 'says', NULL) IS NULL, 'called', hitl.step('6', 'says', 'null'));
END $$;
SELECT graph_of('nothing');
SELECT hitl.invoke('nothing')->'state' AS state;

-- 11. In SQL: a node, and a router.
CREATE FUNCTION routes(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT hitl.step('route', 'echo', '"end"')#>>'{}' $$;
SELECT hitl.define('{"graph": "sql", "nodes": {"n": {"sql": "SELECT jsonb_build_object(''one'', hitl.step(''one'', ''step.charge'', ''{\"order\": \"1\"}''), ''two'', hitl.step(''two'', ''step.charge'', ''{\"order\": \"2\"}''))"},
  "end": {"sql": "SELECT ''{\"ended\": true}''::jsonb"}}, "conditional_edges": [{"source": "START", "router": "routes"}, {"source": "n", "router": "routes"}], "edges": [["START", "n"], ["end", "END"]]}');
SELECT reset();
SELECT hitl.start('sql') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT * FROM counts();
SELECT node, detail->>'key' AS key FROM hitl.timeline WHERE thread_id = :t AND event = 'step';
-- A set of steps from one query, and a gate in front.
CREATE FUNCTION many(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_object_agg(i, hitl.step('order ' || i, 'charge', jsonb_build_object('order', i))->'receipt') FROM generate_series(1, 3) i $$;
SELECT graph_of('many', '{"gate": {"action": "buy"}}');
SELECT reset();
SELECT hitl.invoke('many')->>'thread_id' AS t \gset
SELECT * FROM counts();
SELECT hitl.resume(:t, '{"type": "approve"}')->'state' AS state;
SELECT * FROM counts();

-- 12. Rights. The function must be one that the graph's owner may execute; and it is the owner who calls: what a function with SECURITY DEFINER chose would run with rights that its own owner has not.
CREATE ROLE regress_step LOGIN;
CREATE ROLE regress_step_other LOGIN;
SELECT hitl.grant_author('regress_step');
GRANT USAGE, CREATE ON SCHEMA step TO regress_step, regress_step_other;
REVOKE ALL ON FUNCTION charge(jsonb) FROM PUBLIC;
CREATE FUNCTION definer() RETURNS jsonb LANGUAGE sql SECURITY DEFINER AS $$ SELECT hitl.step('definer', 'step.echo', '"ran"') $$;
CREATE FUNCTION f_text(args text) RETURNS jsonb LANGUAGE sql AS $$ SELECT '1'::jsonb $$;
CREATE FUNCTION f_void(args jsonb) RETURNS void LANGUAGE sql AS '';
SET ROLE regress_step;
CREATE FUNCTION wishes(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN jsonb_build_object('said', CASE WHEN state ? 'function' THEN hitl.step('key', state->>'function') ELSE step.definer() END); END $$;
SELECT graph_of('wishes');
SELECT count(hitl.start('wishes', x::jsonb)) FROM unnest('{"{\"function\": \"echo\"}", "{\"function\": \"charge\"}", "{\"function\": \"nowhere\"}", "{\"function\": \"f_text(text)\"}", "{\"function\": \"f_void\"}", "{\"function\": \"echo(\"}", "{}"}'::text[]) x;
SELECT count(hitl.wait(thread_id)) FROM hitl.threads WHERE graph = 'wishes';
SELECT x->'function' AS function, t.status, hitl.get_state(thread_id)->'said' AS said, f.sqlstate, f.message, f.detail FROM hitl.threads t LEFT JOIN hitl.failed f USING (thread_id), hitl.get_state(thread_id) x WHERE t.graph = 'wishes' ORDER BY thread_id;
RESET ROLE;
-- A superuser's graph runs functions of superusers only.
CREATE FUNCTION theirs(args jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT args $$;
ALTER FUNCTION theirs OWNER TO regress_step_other;
REVOKE CREATE ON SCHEMA step FROM regress_step, regress_step_other;
CREATE FUNCTION runs_theirs(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.step('key', 'theirs') $$;
SELECT graph_of('runs_theirs');
SELECT d#>>'{error,sqlstate}' AS sqlstate, d#>>'{error,message}' AS message, d#>>'{error,detail}' AS detail FROM hitl.invoke('runs_theirs') d;
-- The settings are the node's: its search_path, whatever the caller of step() had set.
CREATE FUNCTION path(args jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(current_setting('search_path') || ' ' || current_setting('work_mem')) $$;
CREATE FUNCTION sets(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('work_mem', '64kB', false), set_config('search_path', 'pg_catalog', false); RETURN jsonb_build_object('path', hitl.step('path', 'step.path')); END $$;
SELECT graph_of('sets');
SELECT hitl.invoke('sets')->'state' AS state;

-- 13. Time: each pass and each step has the node's to itself.
CREATE FUNCTION sleeps(args jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT pg_sleep((args->>'seconds')::float8); SELECT args $$;
CREATE FUNCTION slow(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN hitl.step('one', 'sleeps', '{"seconds": 0.3}') || hitl.step('two', 'sleeps', '{"seconds": 0.3}') || hitl.step('three', 'sleeps', state);
END $$;
SELECT graph_of('slow', '{"timeout": 0.5}');
SELECT hitl.start('slow', '{"seconds": 0}') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.start('slow', '{"seconds": 60}') AS t \gset
SELECT hitl.wait(:t), events(:t);
SELECT sqlstate, message, detail FROM hitl.failed WHERE thread_id = :t;

-- 14. What is deferred fires with the step: a constraint that fails is the step's failure, and nothing of it stays.
CREATE TABLE once (id int, CONSTRAINT once_key UNIQUE (id) DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION inserts(args jsonb) RETURNS jsonb LANGUAGE sql AS $$ INSERT INTO step.once VALUES (1), ((args->>'id')::int); SELECT args $$;
CREATE FUNCTION defers(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.step('insert', 'inserts', state) $$;
SELECT graph_of('defers');
SELECT hitl.start('defers', '{"id": 1}') AS t \gset
SELECT hitl.wait(:t), events(:t);
SELECT sqlstate, message, context FROM hitl.failed WHERE thread_id = :t;
SELECT * FROM once;
SELECT hitl.start('defers', '{"id": 2}') AS t \gset
SELECT hitl.wait(:t), events(:t);
SELECT * FROM once;

-- 15. The router of START belongs to no node: its steps and questions are START's.
CREATE FUNCTION enters(state jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM hitl.interrupt(jsonb_build_object('action', 'enter', 'args', jsonb_build_object('n', nextval('passes'))));
  RETURN 'n';
END $$;
SELECT hitl.define('{"graph": "enters", "nodes": {"n": "echo"}, "conditional_edges": [{"source": "START", "router": "enters", "map": {"n": "n"}}], "edges": [["n", "END"]]}');
SET hitl.max_reasks = 0;
SELECT hitl.invoke('enters')->>'thread_id' AS t \gset
SELECT d#>>'{error,sqlstate}' AS sqlstate, d#>>'{error,message}' AS message FROM hitl.resume(:t, '{"type": "approve"}') d;
RESET hitl.max_reasks;

SELECT * FROM hitl.check();
