-- Why does it not move?  hitl.why(), hitl.worker_status and a notice answer, each with the next command.
-- Proves: the codes of why() for every state of a thread, with workers (why.out) and without (why_1.out); what start() says once a session
-- when nobody will run it; and what worker_status promises.
CREATE EXTENSION hitl;
SELECT current_setting('shared_preload_libraries') LIKE '%hitl%' AS has_workers;

CREATE FUNCTION does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE update jsonb; BEGIN EXECUTE state->>'does' INTO update; RETURN update; END $$;
SELECT hitl.create_graph('g'), hitl.add_node('g', 'n', 'does'), hitl.add_edge('g', 'START', 'n'), hitl.add_edge('g', 'n', 'END'), hitl.compile('g');

-- 1. Without workers, who starts something is told so: once a session.
BEGIN;
SELECT hitl.start('g', '{"does": "SELECT NULL"}');
SELECT hitl.start('g', '{"does": "SELECT NULL"}');
ROLLBACK;
\c
BEGIN;
SELECT hitl.start('g', '{"does": "SELECT NULL"}');
ROLLBACK;
SET client_min_messages = warning;

-- There is a row for the launcher in any case, and a note when it is not there.
SELECT process, pid IS NOT NULL AS is_there, database, role, thread_id, note FROM hitl.worker_status WHERE process = 'launcher';
SELECT * FROM hitl.worker_status WHERE process NOT IN ('launcher', 'dispatcher', 'executor') OR process <> 'launcher' AND database IS NULL OR process = 'executor' AND role IS NULL OR state IS NULL;

-- 2. Every state of a thread.
SELECT hitl.invoke('g', '{"does": "SELECT NULL"}')->>'thread_id' AS done \gset
SELECT * FROM hitl.why(:done);
SELECT hitl.invoke('g', '{"does": "SELECT hitl.interrupt(NULL)"}')->>'thread_id' AS asks \gset
SELECT * FROM hitl.why(:asks);
SELECT hitl.invoke('g', '{"does": "SELECT 1/0"}')->>'thread_id' AS failed \gset
SELECT * FROM hitl.why(:failed);
SELECT hitl.cancel(:asks, 'no more');
SELECT * FROM hitl.why(:asks);
-- Put back after a conflict: it runs again in a moment, which is a century here.
BEGIN;
SELECT hitl.start('g', '{"does": "SELECT NULL"}') AS t \gset
UPDATE hitl.run_queue SET due_at = '2100-01-01 00:00+00' WHERE thread_id = :t;
SELECT code, regexp_replace(explanation, '\d+-\d+-\d+ .*', '<time>') AS explanation, next FROM hitl.why(:t);
ROLLBACK;
-- Due: it depends on who is there to take it.
BEGIN;
SELECT hitl.start('g', '{"does": "SELECT NULL"}') AS t \gset
SELECT * FROM hitl.why(:t);
ROLLBACK;
-- In the middle of a node, run here and now.
SELECT d->'state'->'code' AS code FROM hitl.invoke('g', '{"does": "SELECT jsonb_build_object(''code'', code) FROM hitl.why(hitl.current_thread())"}') d;
-- What is not there.
SELECT * FROM hitl.why(999);
\echo :SQLSTATE
SELECT * FROM hitl.why(NULL);
-- What it says to type can be typed.
SELECT next FROM hitl.why(:done) \gexec

-- 3. An owner for whom no executor can be started.
CREATE ROLE regress_unreachable LOGIN;
SELECT hitl.grant_author('regress_unreachable');
DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$;
SET ROLE regress_unreachable;
SELECT hitl.create_graph('unreachable'), hitl.add_node('unreachable', 'n', 'does'), hitl.add_edge('unreachable', 'START', 'n'), hitl.add_edge('unreachable', 'n', 'END');
SELECT hitl.compile('unreachable');
BEGIN;
SELECT hitl.start('unreachable', '{"does": "SELECT NULL"}') AS t \gset
SELECT code, explanation, regexp_replace(next, 'DATABASE \S+', 'DATABASE <database>') AS next FROM hitl.why(:t);
ROLLBACK;
RESET ROLE;
DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO PUBLIC', current_database()); END $$;

-- 4. check() has something to say only when a row breaks an invariant: here by a superuser's hand.
BEGIN;
UPDATE hitl.thread SET status = 'running' WHERE thread_id = :asks;
SELECT invariant, thread_id = :asks AS thread, detail FROM hitl.check();
ROLLBACK;
SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP SCHEMA hitl;
DROP FUNCTION does;
DROP ROLE regress_unreachable;
