-- Keys: a thread may have a name within its graph, so that a start can be repeated; and many threads start in one statement.
-- Proves: the same key and input is the same thread, however it ended, and another input is an error (busy.sql has what else can be done about it); keys are per graph; a start that is rolled back leaves the key
-- free; start_many() returns ids in the order of the inputs, and starts all or none; nobody reads or takes another's keys.
SET client_min_messages = warning;
CREATE SCHEMA keys;
SET search_path = keys;

-- A statement's error with the numbers of threads masked.
CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;
CREATE FUNCTION double(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('double', 2 * (state->>'n')::int) $$;
SELECT hitl.define('{"graph": "orders", "nodes": {"double": "double"}, "edges": [["START", "double"], ["double", "END"]]}');
SELECT hitl.define('{"graph": "returns", "nodes": {"double": "double"}, "edges": [["START", "double"], ["double", "END"]]}');

-- 1. The first start makes the thread, all others with its input find it; another input is news, and must not be taken for done.
SELECT hitl.start('orders', '{"n": 1}', 'order-991') AS t \gset
SELECT hitl.start('orders', '{"n": 1.0}', key => 'order-991') = :t AS is_same;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.start('orders', '{"n": 1}', 'order-991') = :t AS is_same_when_done;
SELECT code, regexp_replace(message, '\d+', 'N') AS message FROM refused($$SELECT hitl.start('orders', '{"n": 2}', 'order-991')$$);
SELECT code FROM refused($$SELECT hitl.start('orders', key => 'order-991')$$);
SELECT hitl.get_state(:t);
SELECT count(*) FROM hitl.timeline WHERE thread_id = :t AND event = 'started';
SELECT hitl.thread_id('orders', 'order-991') = :t AS is_found;
-- In another graph it is another thread; with no key, always a new one.
SELECT hitl.start('returns', '{"n": 4}', 'order-991') AS r \gset
SELECT :r <> :t AS is_another, hitl.wait(:r), hitl.get_state(:r);
SELECT hitl.start('orders', '{"n": 5}') NOT IN (:t, :r) AS is_new, hitl.start('orders', '{"n": 5}', NULL) NOT IN (:t, :r) AS is_new;
-- Unknown: NULL. Upper and lower case differ.
SELECT hitl.thread_id('orders', 'order-992') AS nobody, hitl.thread_id('orders', 'Order-991') AS nobody, hitl.thread_id('orders', NULL) AS nobody;
-- Three in one statement; and in one transaction, before its commit.
SELECT count(DISTINCT id) FROM (SELECT hitl.start('orders', jsonb_build_object('n', 1), 'thrice') AS id FROM generate_series(1, 3) i) s;
BEGIN;
SELECT hitl.start('orders', '{"n": 6}', 'twice') = hitl.start('orders', '{"n": 6}', 'twice') AS is_same;
COMMIT;
-- Rolled back: the key is free.
BEGIN;
SELECT hitl.start('orders', '{"n": 8}', 'rolled back') > 0 AS started;
SELECT hitl.thread_id('orders', 'rolled back') IS NOT NULL AS is_found;
ROLLBACK;
SELECT hitl.thread_id('orders', 'rolled back');
-- A start that fails takes nothing either.
SELECT hitl.start('orders', '[]', 'bad input');
\echo :SQLSTATE
SELECT hitl.thread_id('orders', 'bad input');
SELECT hitl.start('orders', '{"n": 9}', 'bad input') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
-- Cancelled or failed, it stays the thread of its key.
SELECT hitl.start('orders', '{"n": "x"}', 'fails') AS t \gset
SELECT hitl.wait(:t), hitl.start('orders', '{"n": "x"}', 'fails') = :t AS is_same;
SELECT hitl.cancel(:t), hitl.start('orders', '{"n": "x"}', 'fails') = :t AS is_same;
-- A new version does not make it another.
SELECT hitl.add_edge('orders', 'START', 'END'), hitl.compile('orders');
SELECT hitl.start('orders', '{"n": "x"}', 'fails') = :t AS is_same;
-- Any text that is not empty and can be indexed.
SELECT hitl.start('orders', '{"n": 1}', 'a "quoted" key, with 100% ''marks''') = hitl.thread_id('orders', 'a "quoted" key, with 100% ''marks''') AS is_same;
SELECT code FROM refused($$SELECT hitl.start('orders', '{"n": 1}', '')$$);
SELECT code FROM refused($$SELECT hitl.start('orders', '{"n": 1}', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 200) i))$$);

-- 2. Many at once.
SELECT hitl.start_many('orders', ARRAY(SELECT jsonb_build_object('n', i) FROM generate_series(1, 500) i)) AS ids \gset
SELECT cardinality(:'ids'::bigint[]) AS started, count(DISTINCT id) AS different FROM unnest(:'ids'::bigint[]) id;
SELECT bool_and(hitl.wait(id) = 'done') AS done FROM unnest(:'ids'::bigint[]) id;
SELECT bool_and(hitl.get_state(id) = jsonb_build_object('n', i, 'double', 2 * i)) AS is_in_order FROM unnest(:'ids'::bigint[]) WITH ORDINALITY x (id, i);
SELECT hitl.start_many('orders', '{}') AS none;
-- A bad element: none is started.
SELECT count(*) AS n FROM hitl.threads \gset
SELECT * FROM refused($$SELECT hitl.start_many('orders', ARRAY['{"n": 1}', '[2]', '{"n": 3}']::jsonb[])$$) \gx
SELECT * FROM refused($$SELECT hitl.start_many('orders', ARRAY['{"n": 1}', NULL, '{"n": 3}']::jsonb[])$$) \gx
SELECT count(*) = :n AS none_started FROM hitl.threads;
SELECT code, message FROM refused($$SELECT hitl.start_many('no such', '{}')$$);
SELECT hitl.create_graph('not compiled') > 0 AS created;
SELECT code, message FROM refused($$SELECT hitl.start_many('not compiled', ARRAY['{}'::jsonb])$$);
-- A bad element where hitl's reducers look at it.
SELECT hitl.define('{"graph": "adds", "channels": {"n": "add"}, "nodes": {"double": "double"}, "edges": [["START", "double"], ["double", "END"]]}');
SELECT code, message FROM refused($$SELECT hitl.start_many('adds', ARRAY['{"n": 1}', '{"n": "x"}']::jsonb[])$$);
SELECT count(*) FROM hitl.threads WHERE graph = 'adds';

-- 3. Whose.
CREATE ROLE regress_keys LOGIN;
ALTER ROLE regress_keys SET client_min_messages = warning;
GRANT USAGE ON SCHEMA hitl, keys TO regress_keys;
SET SESSION AUTHORIZATION regress_keys;
SELECT code, message FROM refused($$SELECT hitl.thread_id('orders', 'order-991')$$);
SELECT code, message FROM refused($$SELECT hitl.start('orders', '{}', 'order-991')$$);
SELECT code, message FROM refused($$SELECT hitl.start_many('orders', ARRAY['{}'::jsonb])$$);
RESET SESSION AUTHORIZATION;
SELECT code, message FROM refused($$SELECT hitl.thread_id('no such', 'x')$$);

SELECT bool_and(hitl.wait(thread_id) IS NOT NULL) AS settled FROM hitl.threads WHERE graph IN ('orders', 'returns');
SELECT * FROM hitl.check();
