-- A node's timeout: one run of it may take so long and is then really cancelled.
-- Proves that its effects are rolled back, that catching the cancel does not help, and that a retry policy applies.
-- Proves that a node in time is not touched, that the timer of one node does not hit the next, and that an author's reducers, which hold their thread, are bounded too and can be cancelled.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
RESET client_min_messages;
CREATE TABLE traces(node text);
CREATE FUNCTION slow(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN INSERT INTO traces VALUES ('slow'); PERFORM pg_sleep(60); RETURN NULL; END $$;
CREATE FUNCTION stubborn(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO traces VALUES ('stubborn');
  BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END;
  RETURN '{"swallowed": true}';
END $$;
CREATE FUNCTION quick(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"quick": true}'::jsonb $$;
CREATE FUNCTION graph_of(handler text, more jsonb) RETURNS integer LANGUAGE sql AS $$
  SELECT hitl.define(jsonb_build_object('graph', 'timed ' || handler, 'nodes', jsonb_build_object('n', jsonb_build_object('handler', handler) || more), 'edges', '[["START", "n"], ["n", "END"]]'::jsonb)) $$;
SELECT graph_of('slow', '{"timeout": 0.1}'), graph_of('stubborn', '{"timeout": 0.1}'), graph_of('quick', '{"timeout": 30}');

-- 1. In an executor; the quick one behind them is not hit.
SELECT hitl.start('timed slow') AS a, hitl.start('timed stubborn') AS b, hitl.start('timed quick') AS c \gset
SELECT hitl.wait(:a, '20 s'), hitl.wait(:b, '20 s'), hitl.wait(:c, '20 s');
SELECT graph, sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id IN (:a, :b) ORDER BY graph;
SELECT * FROM traces;

-- 2. Inline it is the node's failure too, and not the caller's.
BEGIN;
SELECT hitl.invoke('timed slow')->>'status' AS slow, hitl.invoke('timed quick')->>'status' AS quick;
SELECT 1 AS goes_on;
COMMIT;

-- 3. Retried like any other error: two runs.
SELECT graph_of('slow', '{"timeout": 0.1, "retry": {"max_attempts": 2, "initial_interval": 0, "jitter": false, "retry_on": ["57014"]}}');
SELECT hitl.start('timed slow') AS d \gset
SELECT hitl.wait(:d, '20 s');
SELECT attempt FROM hitl.failed WHERE thread_id = :d;

-- 4. hitl.node_timeout bounds nodes that say nothing.
SELECT graph_of('slow', '{}');
SET hitl.node_timeout = '500 ms';
SELECT hitl.invoke('timed slow')->'error'->>'message' AS message;
RESET hitl.node_timeout;
SELECT graph_of('slow', '{"timeout": 0}');
\echo :SQLSTATE
-- hitl.max_node_timeout bounds what a node may say.
SELECT graph_of('slow', '{"timeout": 86400}');
SET hitl.max_node_timeout = '500 ms';
SELECT d->'error'->>'message' AS message, d->'error'->>'hint' AS hint FROM hitl.invoke('timed slow') d;
RESET hitl.max_node_timeout;
SHOW hitl.max_node_timeout;

-- 5. Reducers of the author run while their thread is held: they have the time of a node. With them go the deferred triggers of what they write.
CREATE TABLE later(x int);
CREATE FUNCTION sleeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sleeps();
CREATE FUNCTION reduces(current jsonb, update jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO traces VALUES (update #>> '{}');
  CASE update #>> '{}'
    WHEN 'slow' THEN PERFORM pg_sleep(60);
    WHEN 'stubborn' THEN BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END;
    WHEN 'later' THEN INSERT INTO later VALUES (1);
    WHEN 'held' THEN PERFORM pg_advisory_xact_lock(4711), pg_sleep(600);
    ELSE NULL;
  END CASE;
  RETURN update;
END $$;
SELECT hitl.define('{"graph": "timed reducer", "channels": {"x": "reduces"}, "nodes": {"n": {"sql": "SELECT jsonb_build_object(''x'', $1->''then'')", "timeout": 30}}, "edges": [["START", "n"], ["n", "END"]]}');
TRUNCATE traces;
SET hitl.node_timeout = '500 ms';
SELECT how, d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message, d->'error'->>'detail' AS detail, d->'error'->>'hint' AS hint
FROM unnest(ARRAY['quick', 'slow', 'stubborn']) how, hitl.invoke('timed reducer', jsonb_build_object('then', how)) d;
SELECT * FROM traces;
SELECT max(thread_id) AS f FROM hitl.failed WHERE graph = 'timed reducer' \gset
SELECT hitl.update_state(:f, '{"x": "slow"}');
\echo :SQLSTATE
-- A timer that has fired is not there for the next statement.
SELECT count(*) FROM pg_sleep(0.2);
RESET hitl.node_timeout;
-- Whoever commits as he goes has the deferred triggers within the time, and not behind it.
CREATE ROLE regress_timed LOGIN;
ALTER ROLE regress_timed SET hitl.node_timeout = '500 ms';
GRANT ALL ON traces, later TO regress_timed;
SELECT hitl.grant_author('regress_timed');
\c - regress_timed
SELECT hitl.define('{"graph": "timed reducer of another", "channels": {"x": "reduces"}, "nodes": {"n": {"sql": "SELECT jsonb_build_object(''x'', $1->''then'')", "timeout": 30}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.start('timed reducer of another', '{"then": "slow"}') AS a, hitl.start('timed reducer of another', '{"then": "later"}') AS b, hitl.start('timed reducer of another', '{"then": "stubborn"}') AS c,
  hitl.start('timed reducer of another', '{"then": "quick"}') AS d \gset
SELECT hitl.wait(:a, '20 s'), hitl.wait(:b, '20 s'), hitl.wait(:c, '20 s'), hitl.wait(:d, '20 s');
SELECT sqlstate, message, attempt FROM hitl.failed WHERE thread_id IN (:a, :b, :c) ORDER BY thread_id;
\c - postgres
SELECT * FROM traces;
SELECT * FROM later;

-- 6. Cancel does not wait for the end of reducers that hold the thread: it ends them.
SELECT hitl.start('timed reducer', '{"then": "held"}') AS t \gset
DO $$ BEGIN FOR i IN 1 .. 2000 LOOP EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711); PERFORM pg_sleep(0.01); END LOOP; END $$;
SELECT count(*) AS reduces FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711;
SET statement_timeout = '30 s';
SELECT hitl.cancel(:t);
RESET statement_timeout;
-- The run that was ended is void: what it left is looked at once more, and dropped.
DO $$ BEGIN FOR i IN 1 .. 2000 LOOP EXIT WHEN NOT EXISTS (SELECT FROM hitl.run_queue JOIN hitl.threads USING (thread_id) WHERE graph = 'timed reducer') AND NOT EXISTS (SELECT FROM hitl.task k JOIN hitl.threads USING (thread_id) WHERE graph = 'timed reducer' AND k.status = 'ready'); PERFORM pg_sleep(0.01); END LOOP; END $$;
SELECT status FROM hitl.threads WHERE thread_id = :t;
SELECT node, status, attempt, conflicts, crashes FROM hitl.task WHERE thread_id = :t ORDER BY task_id;
SELECT count(*) AS reduces FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711;
SELECT count(*) FROM traces WHERE node = 'held';
-- The executor that was hit runs the next.
SELECT hitl.start('timed reducer', '{"then": "quick"}') AS t \gset
SELECT hitl.wait(:t, '20 s');

SELECT * FROM hitl.check();
SET client_min_messages = warning;
DROP TABLE traces, later;
DROP FUNCTION slow, stubborn, quick, graph_of, reduces, sleeps;
REVOKE ALL ON SCHEMA hitl FROM regress_timed;
