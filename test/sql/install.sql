-- Install, remove, install again: and refuse a place that somebody else has prepared.
-- Proves: CREATE EXTENSION adopts nothing and nobody; it can be rolled back, dropped and repeated in one session, whose kept plans and graphs
-- do not outlive it; what people made with it is theirs and stays.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_squatter LOGIN;
DROP SCHEMA IF EXISTS hitl CASCADE;

-- 1. A schema of that name: of somebody else, open to somebody else, or not empty.
CREATE SCHEMA hitl AUTHORIZATION regress_squatter;
CREATE EXTENSION hitl;
\echo :SQLSTATE
DROP SCHEMA hitl;
CREATE SCHEMA hitl;
GRANT CREATE ON SCHEMA hitl TO regress_squatter;
CREATE EXTENSION hitl;
\echo :SQLSTATE
REVOKE ALL ON SCHEMA hitl FROM regress_squatter;
GRANT CREATE ON SCHEMA hitl TO PUBLIC;
CREATE EXTENSION hitl;
\echo :SQLSTATE
REVOKE ALL ON SCHEMA hitl FROM PUBLIC;
CREATE FUNCTION hitl.nextval(text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE EXTENSION hitl;
\echo :SQLSTATE
DROP FUNCTION hitl.nextval;
CREATE TABLE hitl.thread (thread_id bigint);
CREATE EXTENSION hitl;
\echo :SQLSTATE
DROP TABLE hitl.thread;
CREATE TYPE hitl.mine AS ENUM ('a');
CREATE EXTENSION hitl;
\echo :SQLSTATE
DROP TYPE hitl.mine;
-- Nobody but a superuser; and no second time.
SET ROLE regress_squatter;
CREATE EXTENSION hitl;
\echo :SQLSTATE
RESET ROLE;
-- Empty and ours: fine.  Somebody may have USAGE already.
GRANT USAGE ON SCHEMA hitl TO regress_squatter;
CREATE EXTENSION hitl;
CREATE EXTENSION hitl;
\echo :SQLSTATE
CREATE EXTENSION hitl VERSION '9.9';
\echo :SQLSTATE
ALTER EXTENSION hitl SET SCHEMA public;
\echo :SQLSTATE
ALTER EXTENSION hitl UPDATE;

-- 2. Used, dropped and made again in one session.
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('type', hitl.interrupt(NULL)->'type') $$;
CREATE FUNCTION works(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"worked": true}'::jsonb $$;
SELECT hitl.create_graph('g'), hitl.add_node('g', 'n', 'asks'), hitl.add_edge('g', 'START', 'n'), hitl.add_edge('g', 'n', 'END'), hitl.compile('g');
SELECT hitl.invoke('g')->>'status' AS status;
SELECT hitl.resume(1, '{"type": "approve"}')->'state' AS state;
DROP EXTENSION hitl;
SELECT hitl.invoke('g');
\echo :SQLSTATE
CREATE EXTENSION hitl;
SELECT * FROM hitl.threads;
-- The same name and number, and another graph.
SELECT hitl.create_graph('g'), hitl.add_node('g', 'n', 'works'), hitl.add_edge('g', 'START', 'n'), hitl.add_edge('g', 'n', 'END'), hitl.compile('g');
SELECT hitl.invoke('g') AS invoked;

-- 3. Rolled back: as if it had not been, with what was made in it.
DROP EXTENSION hitl;
BEGIN;
CREATE EXTENSION hitl;
SELECT hitl.create_graph('g'), hitl.add_node('g', 'n', 'asks'), hitl.add_edge('g', 'START', 'n'), hitl.add_edge('g', 'n', 'END'), hitl.compile('g');
SELECT hitl.invoke('g')->>'status' AS status;
ROLLBACK;
SELECT count(*) FROM pg_extension WHERE extname = 'hitl';
CREATE EXTENSION hitl;
BEGIN;
DROP EXTENSION hitl;
ROLLBACK;
-- A version that is rolled back is none, though its number comes again.
SELECT hitl.create_graph('g'), hitl.add_node('g', 'n', 'works'), hitl.add_edge('g', 'START', 'n'), hitl.add_edge('g', 'n', 'END');
BEGIN;
SELECT hitl.compile('g') AS version, hitl.invoke('g')->>'status' AS status;
SAVEPOINT s;
SELECT hitl.add_node('g', 'm', 'asks'), hitl.add_edge('g', 'START', 'm'), hitl.add_edge('g', 'm', 'END'), hitl.compile('g') AS version, hitl.invoke('g')->>'status' AS status;
ROLLBACK TO s;
SELECT hitl.invoke('g')->>'status' AS status;
ROLLBACK;
SELECT hitl.add_node('g', 'o', 'works'), hitl.add_edge('g', 'n', 'o'), hitl.compile('g') AS version;
\echo :SQLSTATE
SELECT hitl.add_edge('g', 'START', 'o'), hitl.add_node('g', 'o', 'asks'), hitl.add_edge('g', 'o', 'END'), hitl.compile('g') AS version;
SELECT d->>'status' AS status, d->'interrupts'->0->'node' AS node FROM hitl.invoke('g') d;
SELECT * FROM hitl.check();

-- 4. DROP SCHEMA takes it along; what others have is theirs.
DROP SCHEMA hitl;
\echo :SQLSTATE
DROP SCHEMA hitl CASCADE;
SELECT count(*) FROM pg_extension WHERE extname = 'hitl';
SELECT works('{}');
DROP FUNCTION asks, works;
DROP ROLE regress_squatter;
