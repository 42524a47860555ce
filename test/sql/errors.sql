-- Errors of nodes: a node that raises fails its task; nothing of it stays; the error is kept with its parts; retry() runs it again.
-- Proves: what a node may return; conflicts and troubles of the server are not the node's failure and put the task back; a failed node does
-- not stop its siblings, nor lose their answers; a failure at the deferred constraints is the node's; a second retry, or none to do, is told.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
SELECT CASE WHEN current_setting('shared_preload_libraries') LIKE '%hitl%' THEN 'DO ''BEGIN END''' ELSE 'CALL hitl.run_pending()' END AS run \gset

CREATE TABLE control (node text PRIMARY KEY, does text);
CREATE TABLE effects (node text);
-- Nodes that do what the table says at the moment.
CREATE FUNCTION does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  me text := hitl.context()->>'node';
  work text := (SELECT does FROM control WHERE node = hitl.context()->>'node');
  update jsonb;
BEGIN
  INSERT INTO effects VALUES (me);
  EXECUTE COALESCE(work, format('SELECT jsonb_build_object(%L, true)', me)) INTO update;
  RETURN update;
END $$;
SELECT hitl.create_graph('g'), hitl.add_node('g', 'a', 'does'), hitl.add_edge('g', 'START', 'a'), hitl.add_edge('g', 'a', 'END'), hitl.compile('g');

-- What raises.
CREATE FUNCTION raises(code text, message text DEFAULT 'no', detail text DEFAULT NULL, hint text DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = COALESCE(detail, ''), HINT = COALESCE(hint, ''); END $$;

-- 1. A node raises: the thread is failed, with the whole error; its effects are gone.
INSERT INTO control VALUES ('a', $$SELECT raises('P0099', 'no money', 'The account holds 3.', 'Pay in first.')$$);
SELECT hitl.start('g', '{"in": 1}') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT graph, step, node, attempt, sqlstate, message, detail, hint, context FROM hitl.failed WHERE thread_id = :t;
SELECT status, step FROM hitl.threads WHERE thread_id = :t;
SELECT code, explanation, next FROM hitl.why(:t);
SELECT event, node, detail FROM hitl.timeline WHERE thread_id = :t;
SELECT * FROM effects;
SELECT hitl.get_state(:t);

-- retry() runs it again; it may fail again.
SELECT hitl.retry(:t);
:run;
SELECT hitl.wait(:t, '20 s');
SELECT attempt, message FROM hitl.failed WHERE thread_id = :t;
DELETE FROM control;
SELECT hitl.retry(:t);
:run;
SELECT hitl.wait(:t, '20 s');
SELECT hitl.get_state(:t);
SELECT * FROM effects;
SELECT event, node, detail FROM hitl.timeline WHERE thread_id = :t;
SELECT * FROM hitl.failed;

-- Nothing to retry.
SELECT hitl.retry(:t);
\echo :SQLSTATE
SELECT hitl.retry(999);
\echo :SQLSTATE

-- 2. What a node returns: an object, or NULL for no update; all else is an error.
CREATE FUNCTION invoke_returning(given jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO control VALUES ('a', format('SELECT %L::jsonb', NULLIF(given, '"SQL NULL"'))) ON CONFLICT (node) DO UPDATE SET does = EXCLUDED.does;
  RETURN hitl.invoke('g');
END $$;
SELECT given, d->>'status' AS status, d->'state' AS state, d#>>'{error,sqlstate}' AS sqlstate, d#>>'{error,message}' AS message, d#>>'{error,detail}' AS detail
  FROM jsonb_array_elements('[{"x": 1}, {}, "SQL NULL", null, 5, "text", true, [], [{"x": 1}]]') given, invoke_returning(given) d;
SELECT hint FROM hitl.failed LIMIT 1;
TRUNCATE effects;

-- 3. Errors of all sorts fail the node and no more: the session and its settings are as before.
UPDATE control SET does = 'SELECT 1/0';
SET work_mem = '3MB';
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate FROM hitl.invoke('g') d;
UPDATE control SET does = 'SELECT jsonb_build_object(''a'', set_config(''work_mem'', ''5MB'', false))';
SELECT d->>'status' AS status FROM hitl.invoke('g') d;
UPDATE control SET does = 'SELECT jsonb_build_object(''a'', set_config(''work_mem'', ''5MB'', false), ''b'', 1/0)';
SELECT d->>'status' AS status FROM hitl.invoke('g') d;
SHOW work_mem;
RESET work_mem;
UPDATE control SET does = 'COMMIT';
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate FROM hitl.invoke('g') d;
UPDATE control SET does = 'SELECT no_such_function()';
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate FROM hitl.invoke('g') d;
-- Also one that calls itself a cancel, and is none: nobody has cancelled anything.
UPDATE control SET does = 'SELECT raises(''57014'')';
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate FROM hitl.invoke('g') d;
SELECT hitl.start('g') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT * FROM effects WHERE node <> 'a';

-- 4. A conflict with others is not the node's failure: it is run again, a little later each time.
CREATE SEQUENCE tries;
CREATE FUNCTION conflicts(code text, times int) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('tries') <= times THEN PERFORM raises(code); END IF;
  RETURN '{"went": "through"}';
END $$;
-- Bounded polling for what is due in a moment; workers, where there are any, come first.
CREATE PROCEDURE run_until_settled() LANGUAGE plpgsql AS $$
DECLARE
  start timestamptz := clock_timestamp();
BEGIN
  WHILE EXISTS (SELECT FROM hitl.threads WHERE status = 'running') AND clock_timestamp() < start + interval '60 s' LOOP
    CALL hitl.run_pending();
    COMMIT;
  END LOOP;
END $$;
CREATE FUNCTION invoke_doing(work text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM setval('tries', 1, false);
  UPDATE control SET does = work;
  RETURN hitl.invoke('g');
END $$;
SELECT setval('tries', 1, false);
UPDATE control SET does = 'SELECT conflicts(''40001'', 3)';
SELECT hitl.start('g') AS t \gset
CALL run_until_settled();
SELECT hitl.wait(:t, '20 s');
SELECT hitl.get_state(:t);
SELECT attempt FROM hitl.task WHERE thread_id = :t;
SELECT event, detail FROM hitl.timeline WHERE thread_id = :t;

-- Trouble of the server is not counted.
SELECT setval('tries', 1, false);
UPDATE control SET does = 'SELECT conflicts(''53400'', 1)';
SELECT hitl.start('g') AS t \gset
CALL run_until_settled();
SELECT hitl.wait(:t, '20 s');
SELECT attempt FROM hitl.task WHERE thread_id = :t;
SELECT event, detail FROM hitl.timeline WHERE thread_id = :t;

-- Here and now nothing waits: the task is put back, and the answer says when it is due.
SELECT code AS sqlstate, d->>'status' AS status, d ? 'error' AS has_error, (d->>'due_at')::timestamptz > statement_timestamp() AS is_due_later
  FROM unnest('{40001, 40P01, 55P03, 53000, 53200, 57P01, 58030}'::text[]) code, invoke_doing(format('SELECT conflicts(%L, 1)', code)) d;
UPDATE control SET does = NULL;
CALL run_until_settled();
SELECT count(*) FROM hitl.threads WHERE status = 'running';

-- 5. Two nodes of one step: one fails, the other asks.  The failure shows once nothing can run; the answer given meanwhile is kept.
SELECT hitl.create_graph('pair'), hitl.add_node('pair', 'asker', 'does'), hitl.add_node('pair', 'failer', 'does'), hitl.add_edge('pair', 'START', 'asker'), hitl.add_edge('pair', 'START', 'failer'),
  hitl.add_edge('pair', 'asker', 'END'), hitl.add_edge('pair', 'failer', 'END'), hitl.compile('pair');
INSERT INTO control VALUES ('asker', $$SELECT jsonb_build_object('answer', hitl.interrupt('{"action": "go"}')->'response')$$), ('failer', $$SELECT raises('P0001')$$);
SELECT hitl.start('pair') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT node, status FROM hitl.task WHERE thread_id = :t ORDER BY node;
SELECT hitl.respond(interrupt_id, '"went"') FROM hitl.pending WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
SELECT node, status FROM hitl.task WHERE thread_id = :t ORDER BY node;
DELETE FROM control WHERE node = 'failer';
SELECT hitl.retry(:t);
:run;
SELECT hitl.wait(:t, '20 s');
SELECT hitl.get_state(:t);
-- The other order: retried first, answered then.
INSERT INTO control VALUES ('failer', $$SELECT raises('P0001')$$);
SELECT hitl.start('pair') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
DELETE FROM control WHERE node = 'failer';
SELECT hitl.retry(:t);
:run;
SELECT hitl.wait(:t, '20 s');
SELECT hitl.respond(interrupt_id, '"went"') FROM hitl.pending WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
SELECT hitl.get_state(:t);

-- An answer is not asked for again when the node fails after it.
UPDATE control SET does = $$SELECT CASE WHEN hitl.interrupt('{"action": "go"}') IS NOT NULL THEN raises('P0001') END$$ WHERE node = 'a';
SELECT hitl.start('g') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
UPDATE control SET does = $$SELECT jsonb_build_object('type', hitl.interrupt('{"action": "go"}')->'type')$$ WHERE node = 'a';
SELECT hitl.retry(:t);
:run;
SELECT hitl.wait(:t, '20 s');
SELECT hitl.get_state(:t);
SELECT event, detail FROM hitl.timeline WHERE thread_id = :t;

-- 6. A deferred constraint that does not hold is the node's failure, at its end.
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
UPDATE control SET does = 'WITH w AS (INSERT INTO child VALUES (1)) SELECT ''{"child": 1}''::jsonb' WHERE node = 'a';
SELECT hitl.start('g') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT sqlstate, message, detail FROM hitl.failed WHERE thread_id = :t;
INSERT INTO parent VALUES (1);
SELECT hitl.retry(:t);
:run;
SELECT hitl.wait(:t, '20 s');
SELECT * FROM child;

-- 7. A function that is gone when its node is to run.
DROP FUNCTION does;
SELECT hitl.start('g') AS t \gset
:run;
SELECT hitl.wait(:t, '20 s');
SELECT sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t;

SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP TABLE control, effects, child, parent;
DROP SEQUENCE tries;
DROP FUNCTION raises, conflicts, invoke_doing, invoke_returning;
DROP PROCEDURE run_until_settled;
