-- Replay: at a pause a node's effects are rolled back and only the pause is kept; with the decision it runs again from its start.
-- Proves: effects happen once; no handler, loop or second error in a node swallows a pause; a real cancel stays a cancel; an answer
-- answers only what was asked: keys, places in the order, and content that changes between runs.
CREATE EXTENSION hitl;
SET client_min_messages = warning;

CREATE TABLE effects (thread_id bigint, effect text);
CREATE SEQUENCE runs;

-- A graph of one node, which bears the name of its function.
CREATE FUNCTION graph_of(function text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  PERFORM hitl.create_graph(function);
  PERFORM hitl.add_node(function, 'n', function), hitl.add_edge(function, 'START', 'n'), hitl.add_edge(function, 'n', 'END');
  RETURN hitl.compile(function);
END $$;

-- Starts it here and now, and says how far it got.
CREATE FUNCTION begin_it(graph text, input jsonb DEFAULT '{}', OUT status text, OUT state jsonb, OUT asks jsonb, OUT error text) LANGUAGE sql AS $$
  SELECT d->>'status', d->'state', jsonb_path_query_array(d, '$.interrupts[*].payload'), d#>>'{error,sqlstate}' FROM hitl.invoke(graph, input) d $$;
-- The thread that was begun last; and an answer to what it asks.
CREATE FUNCTION latest(OUT thread_id bigint) LANGUAGE sql AS $$ SELECT max(thread_id) FROM hitl.threads $$;
CREATE FUNCTION answer(answer jsonb DEFAULT '{"type": "approve"}', OUT status text, OUT state jsonb, OUT asks jsonb, OUT error text) LANGUAGE sql AS $$
  SELECT d->>'status', d->'state', jsonb_path_query_array(d, '$.interrupts[*].payload'), d#>>'{error,sqlstate}' FROM hitl.resume(latest(), answer) d $$;

-- 1. Effects before and after the question happen once.  What a sequence counts is outside of any transaction: it shows the two runs.
CREATE FUNCTION plain(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effects VALUES (hitl.current_thread(), 'before');
  PERFORM nextval('runs');
  RETURN jsonb_build_object('decision', hitl.interrupt('{"action": "go", "args": {"n": 1}}') - 'at', 'before', (SELECT count(*) FROM effects));
END $$;
SELECT graph_of('plain');
SELECT * FROM begin_it('plain');
SELECT * FROM effects;
SELECT * FROM answer();
SELECT * FROM effects;
SELECT last_value FROM runs;
TRUNCATE effects;

-- 2. WHEN OTHERS does not catch it.
CREATE FUNCTION when_others(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effects VALUES (hitl.current_thread(), 'outside');
  BEGIN
    INSERT INTO effects VALUES (hitl.current_thread(), 'inside');
    PERFORM hitl.interrupt('{"action": "go"}');
  EXCEPTION WHEN OTHERS THEN
    RETURN '{"status": "swallowed"}';
  END;
  RETURN '{"status": "asked"}';
END $$;
SELECT graph_of('when_others');
SELECT * FROM begin_it('when_others');
SELECT * FROM effects;
SELECT * FROM answer();
SELECT * FROM effects;
TRUNCATE effects;

-- 3. WHEN query_canceled does, and nothing comes of it: a further statement stops the node again, and what it returns does not count.
CREATE FUNCTION caught(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  said text;
BEGIN
  BEGIN
    PERFORM hitl.interrupt('{"action": "go"}');
  EXCEPTION WHEN query_canceled THEN
    GET STACKED DIAGNOSTICS said = RETURNED_SQLSTATE;
  END;
  IF said IS NULL THEN RETURN '{"status": "asked"}'; END IF;
  IF state ? 'goes on' THEN INSERT INTO effects VALUES (hitl.current_thread(), 'after the pause'); END IF;
  RETURN jsonb_build_object('status', 'swallowed', 'said', said);
END $$;
SELECT graph_of('caught');
SELECT * FROM begin_it('caught');
SELECT * FROM answer();
SELECT * FROM begin_it('caught', '{"goes on": true}');
SELECT * FROM effects;
SELECT * FROM answer();
SELECT * FROM effects;
TRUNCATE effects;

-- 4. Not even when it catches the pause by name, in both of its codes, again and again: nothing is done.
CREATE FUNCTION stubborn(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  statement text;
  n int;
BEGIN
  FOREACH statement IN ARRAY ARRAY['SELECT hitl.interrupt(''{"action": "go"}'')', 'SELECT 1', 'INSERT INTO effects VALUES (0, ''stubborn'')',
      'CREATE TABLE stubborn ()', 'SET work_mem = ''1MB''', 'SELECT hitl.start(''plain'')', 'CALL hitl.run_pending()', 'SELECT nextval(''runs'')'] LOOP
    BEGIN
      EXECUTE statement;
      RAISE WARNING 'not stopped at: %', statement;
    EXCEPTION WHEN query_canceled OR assert_failure THEN NULL;
    END;
  END LOOP;
  BEGIN n := hitl.current_thread(); RAISE WARNING 'not stopped at hitl.current_thread()'; EXCEPTION WHEN query_canceled OR assert_failure THEN NULL; END;
  BEGIN n := hitl.context()->'step'; RAISE WARNING 'not stopped at hitl.context()'; EXCEPTION WHEN query_canceled OR assert_failure THEN NULL; END;
  BEGIN statement := hitl.interrupt('{"action": "else"}', 'key'); RAISE WARNING 'not stopped at hitl.interrupt()'; EXCEPTION WHEN query_canceled OR assert_failure THEN NULL; END;
  RETURN '{"status": "swallowed"}';
END $$;
SELECT graph_of('stubborn');
SELECT * FROM begin_it('stubborn');
SELECT last_value FROM runs;
SELECT * FROM effects;

-- Nor does a loop around it run for ever.
CREATE FUNCTION looping(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    BEGIN
      PERFORM hitl.interrupt('{"action": "go"}');
      RETURN '{"status": "asked"}';
    EXCEPTION WHEN query_canceled THEN
    END;
  END LOOP;
END $$;
SELECT graph_of('looping');
SELECT * FROM begin_it('looping');
SELECT * FROM answer();

-- 5. Another error on top of it, of whatever kind, is still the pause.
CREATE FUNCTION on_top(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM hitl.interrupt(state);
  RETURN '{"status": "asked"}';
EXCEPTION WHEN query_canceled THEN
  RAISE EXCEPTION USING ERRCODE = state->>'raises', MESSAGE = 'something else';
END $$;
SELECT graph_of('on_top');
SELECT * FROM begin_it('on_top', '{"raises": "22012"}');
SELECT * FROM begin_it('on_top', '{"raises": "40001"}');
SELECT * FROM begin_it('on_top', '{"raises": "53200"}');

-- 6. Deeper down: the question is in another function, in a query, in a trigger.
CREATE FUNCTION asks_deep() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt('{"action": "deep"}')->>'type'; EXCEPTION WHEN OTHERS THEN RETURN 'swallowed'; END $$;
CREATE FUNCTION asks_sql() RETURNS text LANGUAGE sql AS $$ SELECT asks_deep() $$;
CREATE FUNCTION asks_in_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.effect := hitl.interrupt('{"action": "trigger"}')->>'type'; RETURN NEW; END $$;
CREATE TRIGGER asks BEFORE UPDATE ON effects FOR EACH ROW EXECUTE FUNCTION asks_in_trigger();
CREATE FUNCTION deep(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  said text[];
BEGIN
  said := ARRAY(SELECT asks_sql() FROM generate_series(1, 2));
  INSERT INTO effects VALUES (hitl.current_thread(), '');
  UPDATE effects SET effect = 'updated';
  RETURN jsonb_build_object('said', said, 'effects', (SELECT jsonb_agg(effect) FROM effects));
END $$;
SELECT graph_of('deep');
SELECT * FROM begin_it('deep');
SELECT * FROM answer();
SELECT * FROM answer();
SELECT * FROM answer();
DROP TRIGGER asks ON effects;
TRUNCATE effects;

-- 7. A cancel is a cancel, before the question and after it: here and now it is the caller's, and nothing is kept.
CREATE FUNCTION slow(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF state ? 'asks' THEN
    BEGIN
      PERFORM hitl.interrupt('{"action": "go"}');
    EXCEPTION WHEN query_canceled THEN
      LOOP END LOOP;
    END;
  END IF;
  LOOP END LOOP;
END $$;
SELECT graph_of('slow');
\set VERBOSITY terse
SET statement_timeout = '100 ms';
SELECT * FROM begin_it('slow');
\echo :SQLSTATE
SELECT * FROM begin_it('slow', '{"asks": true}');
\echo :SQLSTATE
RESET statement_timeout;
\set VERBOSITY default
SELECT thread_id, graph FROM hitl.threads WHERE graph = 'slow';

-- 8. Two questions in one node: by their order ...
CREATE FUNCTION twice(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  first jsonb; second jsonb;
BEGIN
  first := hitl.interrupt('{"action": "first"}');
  INSERT INTO effects VALUES (hitl.current_thread(), 'between');
  second := hitl.interrupt('{"action": "second"}');
  RETURN jsonb_build_object('first', first->'response', 'second', second->'response');
END $$;
SELECT graph_of('twice');
SELECT * FROM begin_it('twice');
SELECT * FROM answer('{"type": "respond", "response": 1}');
SELECT * FROM effects;
SELECT * FROM answer('{"type": "respond", "response": 2}');
SELECT * FROM effects;
SELECT key, action, decision->'response' AS response FROM hitl.decided WHERE thread_id = latest() ORDER BY interrupt_id;
TRUNCATE effects;

-- ... or by their keys, whatever their order.
CREATE FUNCTION keyed(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  k text; update jsonb := '{}';
BEGIN
  FOR k IN SELECT jsonb_array_elements_text(state->'keys') LOOP
    update := update || jsonb_build_object(k, hitl.interrupt(jsonb_build_object('action', k), key => k)->'response');
  END LOOP;
  RETURN update;
END $$;
SELECT graph_of('keyed');
SELECT * FROM begin_it('keyed', '{"keys": ["alpha", "beta"]}');
SELECT * FROM answer('{"type": "respond", "response": "A"}');
SELECT * FROM answer('{"type": "respond", "response": "B"}');
-- One answer answers one question: a key is good for one, in each run.
SELECT * FROM begin_it('keyed', '{"keys": ["alpha", "alpha"]}');
SELECT * FROM answer();
SELECT sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = latest();
SELECT * FROM begin_it('keyed', '{"keys": [""]}');
SELECT * FROM begin_it('keyed', '{"keys": ["#1"]}');
SELECT status, error FROM begin_it('keyed', jsonb_build_object('keys', jsonb_build_array(repeat('x', 201))));
SELECT status FROM begin_it('keyed', jsonb_build_object('keys', jsonb_build_array(repeat('x', 200))));

-- 9. A decision is bound to what was shown: key, action, args.  Asked with others, the old answer counts no more.
CREATE TABLE price (amount numeric, seen_at text);
INSERT INTO price VALUES (10, 'monday');
CREATE FUNCTION buys(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  decision jsonb;
BEGIN
  decision := hitl.interrupt(jsonb_build_object('action', 'buy', 'args', (SELECT jsonb_build_object('item', 'a', 'amount', amount) FROM price),
                                                'description', (SELECT seen_at FROM price)));
  INSERT INTO effects VALUES (hitl.current_thread(), decision#>>'{args,amount}');
  RETURN jsonb_build_object('paid', decision#>'{args,amount}');
EXCEPTION WHEN OTHERS THEN
  RETURN '{"status": "swallowed"}';
END $$;
SELECT graph_of('buys');
SELECT * FROM begin_it('buys');
-- The description is no content, and 10.00 is 10.
UPDATE price SET amount = 10.00, seen_at = 'tuesday';
SELECT * FROM answer();
SELECT * FROM begin_it('buys');
UPDATE price SET amount = 11;
SELECT * FROM answer();
UPDATE price SET amount = 12;
SELECT * FROM answer();
UPDATE price SET amount = 13;
SELECT * FROM answer();
SELECT interrupt_id - min(interrupt_id) OVER () AS nth, status, args, decision->>'type' AS type, supersedes - min(interrupt_id) OVER () AS supersedes FROM hitl.interrupt WHERE thread_id = latest() ORDER BY interrupt_id;
SELECT * FROM effects ORDER BY thread_id;
-- Who comes late to a question that was replaced is told.
\set VERBOSITY terse
SELECT hitl.approve(min(interrupt_id)) FROM hitl.interrupt WHERE thread_id = latest();
\echo :SQLSTATE
\set VERBOSITY default
SELECT event, interrupt_id - min(interrupt_id) OVER () AS nth, detail FROM hitl.timeline WHERE thread_id = latest() AND interrupt_id IS NOT NULL;
-- The fourth change is one too many (hitl.max_reasks); no handler takes it for an answer.
UPDATE price SET amount = 14;
SELECT * FROM answer();
SELECT * FROM effects ORDER BY thread_id;
SELECT sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = latest();
-- With the price as it was approved last, a retry goes through.
UPDATE price SET amount = 13;
SELECT hitl.retry(latest());
CALL hitl.run_pending();
SELECT hitl.wait(latest(), '20 s');
SELECT hitl.get_state(latest());
SELECT * FROM effects ORDER BY thread_id;
-- The setting is for superusers; 0 allows no change at all.
SET hitl.max_reasks = 0;
SELECT * FROM begin_it('buys');
UPDATE price SET amount = 15;
SELECT * FROM answer();
RESET hitl.max_reasks;

-- The action is content too; so is a payload that is no object, whole.
CREATE FUNCTION asks_from_table(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN jsonb_build_object('type', hitl.interrupt((SELECT payload FROM question))->'type');
END $$;
CREATE TABLE question (payload jsonb);
INSERT INTO question VALUES ('{"action": "read"}');
SELECT graph_of('asks_from_table');
SELECT * FROM begin_it('asks_from_table');
UPDATE question SET payload = '{"action": "delete"}';
SELECT * FROM answer();
UPDATE question SET payload = '"Delete it?"';
SELECT * FROM answer();
UPDATE question SET payload = '"Delete all?"';
SELECT * FROM answer();
SELECT * FROM answer();

-- A payload without action and args is all content.
UPDATE question SET payload = '{"question": "Drop the test table?"}';
SELECT * FROM begin_it('asks_from_table');
UPDATE question SET payload = '{"question": "Drop the table?"}';
SELECT * FROM answer();
SELECT * FROM answer();

-- 10. Payloads of every kind: what is read from them, and which decisions they take.
CREATE FUNCTION asks_input(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN jsonb_build_object('decision', hitl.interrupt(NULLIF(state->'payload', '"SQL NULL"')) - 'at');
END $$;
SELECT graph_of('asks_input');
SELECT payload AS given, b.status, b.error FROM jsonb_array_elements('["SQL NULL", null, 5, "text", true, [], ["action"], {}, {"args": {"a": 1}}, {"args": [1]}, {"args": null}, {"description": {}},
  {"allowed": ["approve", "reject"]}, {"allowed": ["edit", "edit", "edit"], "args": {}}, {"allowed": null}]') payload, begin_it('asks_input', jsonb_build_object('payload', payload)) b;
SELECT payload, action, args, description, allowed FROM hitl.pending WHERE graph = 'asks_input' ORDER BY interrupt_id;
SELECT payload AS given, b.status, b.error FROM jsonb_array_elements('[{"allowed": []}, {"allowed": "approve"}, {"allowed": ["approve", "agree"]}, {"allowed": [1]}, {"allowed": {}}, {"allowed": [["approve"]]}]') payload,
  begin_it('asks_input', jsonb_build_object('payload', payload)) b;
SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE payload IS NULL;
CALL hitl.run_pending();
SELECT hitl.wait(thread_id, '20 s') FROM hitl.decided WHERE graph = 'asks_input';
SELECT hitl.get_state(thread_id) FROM hitl.decided WHERE graph = 'asks_input';

-- 11. Outside a node.
SELECT hitl.interrupt('{"action": "go"}');
\echo :SQLSTATE
SELECT hitl.current_thread(), hitl.context();

-- 12. What a node is told of itself: equal over its replays, but for the attempt.
CREATE TABLE told (n serial, context jsonb);
CREATE FUNCTION tells(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO told (context) VALUES (hitl.context());
  IF NOT state ? 'asked' AND hitl.interrupt('{"action": "go"}') IS NOT NULL AND hitl.context()->'attempt' = '0' THEN RAISE 'not yet'; END IF;
  RETURN jsonb_build_object('context', hitl.context());
END $$;
SELECT graph_of('tells');
SELECT * FROM begin_it('tells');
SELECT status, error FROM answer();
SELECT hitl.retry(latest());
CALL hitl.run_pending();
SELECT hitl.wait(latest(), '20 s');
SELECT context - 'task_id' - 'thread_id' - 'root_id' - 'effect_key' AS context, context->'thread_id' = to_jsonb(latest()) AND context->'root_id' = context->'thread_id' AS thread, context->>'effect_key' LIKE latest() || '-%' AS effect_key FROM told;
SELECT hitl.get_state(latest())->'context' = (SELECT context FROM told) AS is_told;

SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP TABLE effects, price, question, told;
DROP SEQUENCE runs;
DROP FUNCTION graph_of, plain, when_others, caught, stubborn, looping, on_top, asks_deep, asks_sql, asks_in_trigger, deep, slow, twice, keyed, buys, asks_from_table, asks_input, tells,
  begin_it, latest, answer;
