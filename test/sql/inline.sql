-- Here and now: invoke(), resume() and run_pending() run nodes in the caller's session, in its transaction where it has one.
-- Proves: what they return and leave behind; where run_pending() commits and where it may not; which isolation levels they take; what wait() refuses;
-- and that a node runs in no session but its owner's, whatever roles the session takes: what it leaves behind would get that session's rights.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
CREATE TABLE effects (graph text, effect text);

-- A node that does what it is told, and one that asks first.
CREATE FUNCTION works(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effects VALUES (hitl.context()->>'graph', state->>'effect');
  IF state ? 'fails' THEN RAISE 'told to fail'; END IF;
  RETURN '{"worked": true}';
END $$;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN jsonb_build_object('asked', hitl.interrupt('{"action": "go", "args": {"n": 1}, "description": "Go on?"}') - 'at');
END $$;
SELECT hitl.create_graph('works'), hitl.add_node('works', 'n', 'works'), hitl.add_edge('works', 'START', 'n'), hitl.add_edge('works', 'n', 'END'), hitl.compile('works');
SELECT hitl.create_graph('asks'), hitl.add_node('asks', 'ask', 'asks'), hitl.add_node('asks', 'work', 'works'), hitl.add_edge('asks', 'START', 'ask'), hitl.add_edge('asks', 'ask', 'work'), hitl.add_edge('asks', 'work', 'END'), hitl.compile('asks');

-- 1. invoke() and resume() return where the thread is.
SELECT jsonb_pretty(hitl.invoke('works', '{"effect": "first"}'));
SELECT jsonb_pretty(hitl.invoke('asks', '{"effect": "second"}'));
SELECT jsonb_pretty(hitl.resume(2, '{"type": "edit", "edits": {"n": 2}}'));
SELECT jsonb_pretty(hitl.invoke('works', '{"fails": true}') #- '{error,context}');
SELECT hitl.invoke('works')->'status' AS no_input;
SELECT * FROM effects;

-- It is all the caller's transaction: rolled back with it, seen by it.
BEGIN;
SELECT hitl.invoke('asks', '{"effect": "third"}')->>'thread_id' AS t \gset
SELECT hitl.resume(:t, '{"type": "approve"}')->'status' AS status;
SELECT effect FROM effects WHERE effect = 'third';
SELECT status FROM hitl.threads WHERE thread_id = :t;
ROLLBACK;
SELECT effect FROM effects WHERE effect = 'third';
SELECT status FROM hitl.threads WHERE thread_id = :t;

-- A node may start and invoke other graphs: what it does stands and falls with the node.
CREATE FUNCTION nests(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  inner_asks jsonb := hitl.invoke('asks', '{"effect": "nested"}');
  inner_works jsonb := hitl.invoke('works', '{"effect": "nested"}');
BEGIN
  PERFORM hitl.start('works', '{"effect": "started in a node"}');
  IF state ? 'fails' THEN RAISE 'told to fail'; END IF;
  RETURN jsonb_build_object('asks', inner_asks->'status', 'works', inner_works->'status', 'me', hitl.context()->'graph', 'asked', hitl.interrupt('{"action": "outer"}')->'type');
END $$;
SELECT hitl.create_graph('nests'), hitl.add_node('nests', 'n', 'nests'), hitl.add_edge('nests', 'START', 'n'), hitl.add_edge('nests', 'n', 'END'), hitl.compile('nests');
SELECT d->>'status' AS status, jsonb_path_query_array(d, '$.interrupts[*].action') AS asks FROM hitl.invoke('nests') d;
SELECT count(*) FROM hitl.threads WHERE graph = 'asks' AND thread_id > 2;
SELECT d->>'status' AS status FROM hitl.invoke('nests', '{"fails": true}') d;
SELECT count(*) FROM hitl.threads WHERE graph = 'asks' AND thread_id > 2;
SELECT hitl.resume(max(thread_id), '{"type": "approve"}')->'state' AS state FROM hitl.threads WHERE graph = 'nests' AND status = 'interrupted';
SELECT graph, status FROM hitl.threads WHERE graph = 'asks' AND thread_id > 2;
SELECT effect, count(*) FROM effects WHERE effect = 'nested' GROUP BY effect;

-- 2. run_pending(), in a plain CALL: it commits as it goes.
SET client_min_messages = notice;
CALL hitl.run_pending();
SELECT hitl.wait(max(thread_id), '20 s') FROM hitl.threads WHERE graph = 'works';
SELECT effect FROM effects WHERE effect = 'started in a node';
CALL hitl.run_pending(0);
CALL hitl.run_pending(-1);
\echo :SQLSTATE
-- In a transaction block, a function, a DO block within one: it may not commit, and says so.
SET client_min_messages = warning;
CREATE FUNCTION starts(effect text) RETURNS bigint LANGUAGE sql AS $$ SELECT hitl.start('works', jsonb_build_object('effect', effect)) $$;
SET client_min_messages = notice;
BEGIN;
SELECT starts('in a block') AS t \gset
CALL hitl.run_pending();
SELECT status FROM hitl.threads WHERE thread_id = :t;
COMMIT;
SELECT effect FROM effects WHERE effect = 'in a block';
CREATE FUNCTION runs_pending() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL hitl.run_pending(); END $$;
BEGIN;
SELECT starts('in a function') AS t \gset
SELECT runs_pending();
SELECT status FROM hitl.threads WHERE thread_id = :t;
ROLLBACK;
SELECT effect FROM effects WHERE effect = 'in a function';
-- A procedure that may commit lends that to it.
DO $$ BEGIN PERFORM starts('in a procedure'); COMMIT; CALL hitl.run_pending(); ROLLBACK; END $$;
SELECT hitl.wait(max(thread_id), '20 s') FROM hitl.threads WHERE graph = 'works';
SELECT effect FROM effects WHERE effect = 'in a procedure';
-- A failure of one task takes nothing else with it.
BEGIN;
SELECT hitl.start('works', '{"effect": "fails", "fails": true}') AS t \gset
SELECT starts('beside a failure') AS u \gset
CALL hitl.run_pending();
SELECT thread_id = :t AS fails, status FROM hitl.threads WHERE thread_id IN (:t, :u) ORDER BY thread_id;
COMMIT;
SELECT effect FROM effects WHERE effect IN ('fails', 'beside a failure');
-- At most n tasks.
BEGIN;
SELECT starts('limited ' || n) IS NOT NULL AS started FROM generate_series(1, 3) n;
CALL hitl.run_pending(2);
SELECT count(*) FROM effects WHERE effect LIKE 'limited%';
CALL hitl.run_pending(1);
SELECT count(*) FROM effects WHERE effect LIKE 'limited%';
COMMIT;
SET client_min_messages = warning;

-- Not inside a node.
CREATE FUNCTION runs_in_node(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN CALL hitl.run_pending(); RETURN NULL; END $$;
SELECT hitl.create_graph('runs'), hitl.add_node('runs', 'n', 'runs_in_node'), hitl.add_edge('runs', 'START', 'n'), hitl.add_edge('runs', 'n', 'END'), hitl.compile('runs');
SELECT d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM hitl.invoke('runs') d;

-- 3. Isolation levels.  Above READ COMMITTED only what this transaction has made itself may run.
SELECT hitl.invoke('asks')->>'thread_id' AS t \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT hitl.invoke('asks', '{"effect": "repeatable"}')->>'thread_id' AS own \gset
SELECT hitl.resume(:own, '{"type": "approve"}')->'status' AS own;
SAVEPOINT s;
SELECT hitl.resume(:t, '{"type": "approve"}');
\echo :SQLSTATE
ROLLBACK TO s;
CALL hitl.run_pending();
\echo :SQLSTATE
ROLLBACK TO s;
SELECT hitl.wait(:t, '1 s');
\echo :SQLSTATE
ROLLBACK TO s;
-- Deciding is no running.
SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = :t;
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT hitl.invoke('works', '{"effect": "serializable"}')->'status' AS status;
COMMIT;
-- The session's defaults are for its own work: run_pending() runs nodes at READ COMMITTED, read write.
CREATE FUNCTION tells_kind(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('isolation', current_setting('transaction_isolation'), 'read_only', current_setting('transaction_read_only')) $$;
SELECT hitl.create_graph('kind'), hitl.add_node('kind', 'n', 'tells_kind'), hitl.add_edge('kind', 'START', 'n'), hitl.add_edge('kind', 'n', 'END'), hitl.compile('kind');
SELECT hitl.start('kind') AS t \gset
SET default_transaction_isolation = 'serializable';
SET default_transaction_read_only = on;
CALL hitl.run_pending();
SHOW transaction_isolation;
SHOW transaction_read_only;
\set VERBOSITY sqlstate
SELECT hitl.start('kind');
\set VERBOSITY default
RESET default_transaction_isolation;
RESET default_transaction_read_only;
SELECT hitl.wait(:t, '20 s');
SELECT hitl.get_state(:t);

-- 4. wait() refuses what only this transaction can see.
BEGIN;
SELECT hitl.start('works') AS t \gset
SELECT hitl.wait(:t, '10 s');
\echo :SQLSTATE
ROLLBACK;
SELECT hitl.invoke('asks')->>'thread_id' AS t \gset
BEGIN;
SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t, '10 s');
\echo :SQLSTATE
ROLLBACK;
BEGIN;
SELECT hitl.wait(:t, '10 s');
COMMIT;
SELECT hitl.wait(999, '10 s');
\echo :SQLSTATE
SELECT hitl.wait(:t, '-1 s'), hitl.wait(:t, NULL);
-- A thread that does not settle: NULL when the time is up.  (Its task is not due: a superuser's hand.)
BEGIN;
SELECT starts('later') AS t \gset
UPDATE hitl.run_queue SET due_at = now() + interval '1 day' WHERE thread_id = :t;
COMMIT;
SELECT hitl.wait(:t, '10 ms') IS NULL AS is_null;
SELECT hitl.cancel(:t);

-- 5. In the session of another role.  This owner's nodes would take over whoever runs them, at the latest at the commit.
CREATE ROLE regress_low LOGIN;
CREATE ROLE regress_member LOGIN IN ROLE regress_low;
CREATE ROLE regress_third LOGIN;
SELECT hitl.grant_author('regress_low');
GRANT USAGE ON SCHEMA hitl TO regress_member, regress_third;
ALTER ROLE regress_low SET client_min_messages = warning;
CREATE SCHEMA low AUTHORIZATION regress_low;
CREATE TABLE public.attempts (n int PRIMARY KEY, does text);
INSERT INTO attempts VALUES
  (1, 'INSERT INTO low.trap VALUES (1)'),
  (2, 'DECLARE held CURSOR WITH HOLD FOR SELECT low.tell(''held cursor'')'),
  (3, 'CREATE DOMAIN pg_temp.int4 AS pg_catalog.int4 CHECK (low.tell(''domain in pg_temp''))'),
  (4, 'CREATE TEMP TABLE t (x int)'),
  (5, 'PREPARE p AS SELECT low.tell(''prepared'')'),
  (6, 'RESET ROLE'),
  (7, 'RESET SESSION AUTHORIZATION'),
  (8, 'SELECT set_config(''search_path'', ''low'', false)'),
  (9, 'SELECT hitl.interrupt(''{"action": "go"}'')');
GRANT SELECT ON attempts TO PUBLIC;
\c - regress_low
CREATE TABLE low.who (how text, session_user_was name, current_user_was name);
CREATE FUNCTION low.tell(how text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN INSERT INTO low.who VALUES (how, session_user, current_user); RETURN true; END $$;
CREATE TABLE low.trap (x int);
CREATE FUNCTION low.spring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM low.tell('deferred trigger'); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON low.trap DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION low.spring();
CREATE FUNCTION low.does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM low.tell('node');
  EXECUTE state->>'does';
  RETURN '{"did": true}';
END $$;
SELECT hitl.create_graph('low'), hitl.add_node('low', 'n', 'low.does'), hitl.add_edge('low', 'START', 'n'), hitl.add_edge('low', 'n', 'END'), hitl.compile('low');
CREATE FUNCTION low.invokes() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT hitl.invoke('low', '{"does": "SELECT 1"}')->>'status' $$;
GRANT USAGE ON SCHEMA low TO PUBLIC;

-- A superuser; one who takes the owner's role; a function that has it.
\c - postgres
SET client_min_messages = warning;
SELECT hitl.invoke('low', '{"does": "INSERT INTO low.trap VALUES (1)"}');
\echo :SQLSTATE
SELECT low.invokes();
\echo :SQLSTATE
SET ROLE regress_low;
SELECT hitl.invoke('low', '{"does": "RESET ROLE"}');
\echo :SQLSTATE
RESET ROLE;
SET SESSION AUTHORIZATION regress_low;
SELECT hitl.invoke('low', '{"does": "RESET SESSION AUTHORIZATION"}');
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;
-- What run_pending() may not run is left, and told.
BEGIN;
SELECT count(hitl.start('low', jsonb_build_object('does', does))) FROM attempts;
SELECT starts('beside others'' work') AS t \gset
SET LOCAL client_min_messages = notice;
CALL hitl.run_pending();
SET LOCAL client_min_messages = warning;
SELECT graph, status, count(*) FROM hitl.threads WHERE graph = 'low' OR thread_id = :t GROUP BY graph, status;
ROLLBACK;
-- A member of the owner's role may start; the nodes run elsewhere.
\c - regress_member
SET client_min_messages = warning;
SELECT hitl.invoke('low', '{"does": "SELECT 1"}');
\echo :SQLSTATE
BEGIN;
SELECT hitl.start('low', '{"does": "SELECT 1"}') AS t \gset
CALL hitl.run_pending();
SELECT status FROM hitl.threads WHERE thread_id = :t;
ROLLBACK;

-- In its own session the owner's node may do what it likes; its settings end with it, and its cursors.
\c - regress_low
SELECT does, d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM (SELECT * FROM attempts ORDER BY n) a, hitl.invoke('low', jsonb_build_object('does', does)) d;
SELECT session_user, current_user, current_setting('search_path') AS search_path;
SELECT how, session_user_was, current_user_was FROM low.who WHERE how <> 'node' ORDER BY how;
-- But not by a function with SECURITY DEFINER: then the session is restricted or another's.
SELECT low.invokes();
\echo :SQLSTATE

-- resume() by another: decides, and leaves the rest to whom it belongs.
\c - postgres
SET client_min_messages = warning;
BEGIN;
SELECT thread_id AS t FROM hitl.pending WHERE graph = 'low' \gset
SELECT d->>'status' AS status, d->'state' AS state FROM hitl.resume(:t, '{"type": "approve"}') d;
SELECT code IN ('queued', 'running', 'no_workers') AS is_queued FROM hitl.why(:t);
COMMIT;
\c - regress_low
CALL hitl.run_pending();
SELECT hitl.wait(:t, '20 s');
SELECT settled_by FROM hitl.decided;

-- Nobody else's rights were had.
\c - postgres
SET client_min_messages = warning;
SELECT DISTINCT session_user_was, current_user_was FROM low.who;
SELECT '42'::int4, n.nspname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE typname = 'int4' AND n.oid IN (pg_my_temp_schema(), 'pg_catalog'::regnamespace);

-- 6. A role that has nothing to do with it.
\c - regress_third
SET client_min_messages = warning;
SELECT hitl.invoke('low');
\echo :SQLSTATE
\c - postgres
SET client_min_messages = warning;

-- With workers on, some of these are theirs; they all come to an end.
SELECT DISTINCT hitl.wait(thread_id, '20 s') IS NULL AS is_stuck FROM hitl.threads;
SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP SCHEMA hitl;
DROP SCHEMA low CASCADE;
DROP TABLE effects, attempts;
DROP FUNCTION works, asks, nests, starts, runs_pending, runs_in_node, tells_kind;
DROP ROLE regress_low, regress_member, regress_third;
