-- A node's timeout: one run of it may take so long and is then really cancelled.
-- Proves that its effects are rolled back, that catching the cancel does not help, and that a retry policy applies.
-- Proves that a node in time is not touched, and that the timer of one node does not hit the next.
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
SET hitl.node_timeout = '100 ms';
SELECT hitl.invoke('timed slow')->'error'->>'message' AS message;
RESET hitl.node_timeout;
SELECT graph_of('slow', '{"timeout": 0}');
\echo :SQLSTATE

SELECT * FROM hitl.check();
DROP TABLE traces;
DROP FUNCTION slow, stubborn, quick, graph_of;
