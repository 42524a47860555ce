-- Rights: who may write, start, steer and decide; what each role sees; and that nobody gets the tables' owner's rights by way of hitl.
-- Proves: owner, member, stranger, superuser; the voter is the session's user, whatever SET ROLE or SECURITY DEFINER say; a node decides nothing,
-- nor does what it leaves to run at the commit; no role touches the tables; operators and functions planted on the search_path are not run.
CREATE EXTENSION hitl;
SET client_min_messages = warning;

CREATE ROLE regress_owner LOGIN;
CREATE ROLE regress_member LOGIN IN ROLE regress_owner;
CREATE ROLE regress_group NOLOGIN IN ROLE regress_owner NOINHERIT;
CREATE ROLE regress_noinherit LOGIN NOINHERIT IN ROLE regress_owner;
CREATE ROLE regress_stranger LOGIN;
DO $$ BEGIN EXECUTE (SELECT string_agg(format('ALTER ROLE %I SET client_min_messages = warning', rolname), ';') FROM pg_roles WHERE rolname ~ '^regress_'); END $$;
CREATE SCHEMA owned AUTHORIZATION regress_owner;

-- What a statement is refused with.
CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
END $$;

-- 1. Without USAGE on the schema nobody gets in; with it, nobody but by the functions and views.
SET SESSION AUTHORIZATION regress_owner;
SELECT * FROM hitl.pending;
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;
GRANT USAGE ON SCHEMA hitl TO regress_member, regress_noinherit, regress_stranger;
SELECT hitl.grant_author('regress_owner');

\c - regress_owner
CREATE FUNCTION owned.asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF state ? 'does' THEN EXECUTE state->>'does'; END IF;
  RETURN jsonb_build_object('decision', hitl.interrupt(jsonb_build_object('action', 'pay', 'args', jsonb_build_object('secret', state->'secret'))) - 'at');
END $$;
SELECT hitl.create_graph('g'), hitl.add_node('g', 'n', 'owned.asks'), hitl.add_edge('g', 'START', 'n'), hitl.add_edge('g', 'n', 'END'), hitl.compile('g');
SELECT hitl.invoke('g', '{"secret": 1}')->>'status' AS status;
SELECT hitl.invoke('g', '{"secret": 2}')->>'status' AS status;
SELECT d->>'status' AS status FROM hitl.invoke('g', '{"does": "SELECT 1/0"}') d;
SELECT hitl.resume(1, '{"type": "reject", "reason": "secret too"}')->>'status' AS status;

-- 2. What a stranger sees and may do: nothing.
\c - regress_stranger
SELECT (SELECT count(*) FROM hitl.pending) AS pending, (SELECT count(*) FROM hitl.inbox) AS inbox, (SELECT count(*) FROM hitl.decided) AS decided, (SELECT count(*) FROM hitl.threads) AS threads,
  (SELECT count(*) FROM hitl.failed) AS failed, (SELECT count(*) FROM hitl.timeline) AS timeline, (SELECT count(*) FROM hitl.check()) AS "check";
SELECT statement, code, message, detail FROM unnest(ARRAY[$$SELECT hitl.approve(2)$$, $$SELECT hitl.decide(2, '{"type": "reject"}')$$, $$SELECT hitl.approve(1)$$, $$SELECT hitl.resume(2, '{"type": "approve"}')$$, $$SELECT hitl.get_state(2)$$,
  $$SELECT hitl.cancel(2)$$, $$SELECT hitl.retry(3)$$, $$SELECT hitl.wait(2)$$, $$SELECT hitl.why(2)$$, $$SELECT hitl.start('g')$$, $$SELECT hitl.invoke('g')$$, $$SELECT hitl.compile('g')$$,
  $$SELECT hitl.add_node('g', 'x', 'owned.asks')$$, $$SELECT hitl._announce()$$]) statement, refused(statement);
-- No security barrier is leaky: a function of the stranger's sees no row that he may not see.
CREATE FUNCTION pg_temp.leak(jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE WARNING 'leaked: %', $1; RETURN true; END $$;
SELECT count(*) FROM hitl.pending WHERE pg_temp.leak(args);
SELECT count(*) FROM hitl.inbox WHERE pg_temp.leak(args);
SELECT count(*) FROM hitl.decided WHERE pg_temp.leak(decision);
SELECT count(*) FROM hitl.timeline WHERE pg_temp.leak(detail);
SELECT count(*) FROM hitl.threads WHERE pg_temp.leak(to_jsonb(thread_id));
SELECT count(*) FROM hitl.failed WHERE pg_temp.leak(to_jsonb(message));
-- The tables, for anybody.
SELECT statement, code, message FROM (SELECT format(f, c.relname) AS statement FROM pg_class c, unnest(ARRAY['SELECT FROM hitl.%I', 'DELETE FROM hitl.%I', 'TRUNCATE hitl.%I']) f
    WHERE c.relnamespace = 'hitl'::regnamespace AND c.relkind = 'r' ORDER BY 1) s, refused(statement) WHERE code IS DISTINCT FROM '42501';
SELECT statement, code FROM (SELECT format('SELECT nextval(''hitl.%I'')', relname) AS statement FROM pg_class WHERE relnamespace = 'hitl'::regnamespace AND relkind = 'S') s, refused(statement) WHERE code IS DISTINCT FROM '42501';
\c - regress_owner
SELECT statement, code, message FROM (SELECT format(f, c.relname) AS statement FROM pg_class c, unnest(ARRAY['SELECT FROM hitl.%I', 'DELETE FROM hitl.%I', 'TRUNCATE hitl.%I']) f
    WHERE c.relnamespace = 'hitl'::regnamespace AND c.relkind = 'r' ORDER BY 1) s, refused(statement) WHERE code IS DISTINCT FROM '42501';
SELECT statement, code FROM unnest(ARRAY['INSERT INTO hitl.pending (interrupt_id) VALUES (1)', 'DELETE FROM hitl.threads', 'UPDATE hitl.decided SET status = ''pending''']) statement, refused(statement);

-- 3. The owner, a member of the owner, a superuser: they see and they may.
SELECT interrupt_id, args FROM hitl.pending;
SELECT thread_id, status FROM hitl.threads ORDER BY 1;
\c - regress_member
SELECT interrupt_id, args FROM hitl.pending;
SELECT interrupt_id FROM hitl.inbox;
SELECT thread_id, status FROM hitl.threads ORDER BY 1;
SELECT thread_id, message FROM hitl.failed;
SELECT hitl.get_state(2);
SELECT * FROM hitl.approve(2);
SELECT settled_by, decision->>'by' AS by FROM hitl.decided ORDER BY interrupt_id DESC LIMIT 1;
\c - postgres
SET client_min_messages = warning;
SELECT voter, role FROM hitl.vote WHERE interrupt_id = 2;
\c - regress_owner
CALL hitl.run_pending();

-- Membership without inheritance is no right until it is used, and then the session's user has none either.
SELECT hitl.invoke('g', '{"secret": 3}')->>'thread_id' AS t \gset
SELECT hitl.invoke('g', '{"secret": 4}')->>'status' AS status;
\c - regress_noinherit
SELECT count(*) FROM hitl.pending;
SELECT * FROM refused('SELECT hitl.approve(3)');
SET ROLE regress_owner;
SELECT count(*) FROM hitl.pending;
SELECT * FROM refused('SELECT hitl.approve(3)');
RESET ROLE;

-- 4. The voter is session_user; current_user needs the right too.
\c - regress_member
SET ROLE regress_owner;
SELECT * FROM hitl.approve(4);
\c - postgres
SET client_min_messages = warning;
SELECT voter, role FROM hitl.vote WHERE interrupt_id = 4;
SELECT actor, detail FROM hitl.timeline WHERE interrupt_id = 4 AND event = 'decided';
SET ROLE regress_stranger;
SELECT * FROM refused('SELECT hitl.approve(3)');
RESET ROLE;
-- A function of the owner's with SECURITY DEFINER does not vote for a stranger; one of a stranger's does not vote for the owner.
\c - regress_owner
CREATE FUNCTION owned.approves(id bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT status FROM hitl.approve(id) $$;
GRANT USAGE ON SCHEMA owned TO PUBLIC;
\c - regress_stranger
SELECT * FROM refused('SELECT owned.approves(3)');
\c - postgres
SET client_min_messages = warning;
CREATE SCHEMA strange AUTHORIZATION regress_stranger;
\c - regress_stranger
CREATE FUNCTION strange.approves(id bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT status FROM hitl.approve(id) $$;
GRANT USAGE ON SCHEMA strange TO PUBLIC;
\c - regress_owner
SELECT * FROM refused('SELECT strange.approves(3)');
-- Nor does what a maintenance command runs: it is restricted.
CREATE FUNCTION owned.votes(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN IF $1 = 1 THEN PERFORM hitl.approve(3); END IF; RETURN $1; END $$;
CREATE TABLE owned.t (x int);
INSERT INTO owned.t VALUES (0);
CREATE INDEX ON owned.t (owned.votes(x));
\c - postgres
SET client_min_messages = warning;
UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = 'owned.t'::regclass;
INSERT INTO owned.t VALUES (1);
SELECT * FROM refused('REINDEX TABLE owned.t');
DROP TABLE owned.t;
SELECT status FROM hitl.interrupt WHERE interrupt_id = 3;

-- 5. A node decides nothing: not its own question, not another's, by no verb, in no session.
\c - regress_owner
SELECT verb, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message, d->'error'->>'detail' AS detail FROM unnest(ARRAY['hitl.approve(3)', 'hitl.reject(3)', 'hitl.edit(3, ''{}'')', 'hitl.respond(3, ''1'')', 'hitl.decide(3, ''{"type": "approve"}'')',
  'hitl.resume(' || :t || ', ''{"type": "approve"}'')']) verb, hitl.invoke('g', jsonb_build_object('does', 'SELECT ' || verb)) d;
-- The same in an executor, or by run_pending().
SELECT hitl.start('g', '{"does": "SELECT hitl.approve(3)"}') AS u \gset
CALL hitl.run_pending();
SELECT hitl.wait(:u, '20 s');
SELECT sqlstate, detail FROM hitl.failed WHERE thread_id = :u;
-- Nor by what it leaves to run at the commit of its owner's session.
CREATE TABLE owned.trap (id bigint);
CREATE FUNCTION owned.spring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.approve(NEW.id); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON owned.trap DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION owned.spring();
CREATE FUNCTION owned.does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN EXECUTE state->>'does'; RETURN NULL; END $$;
SELECT hitl.create_graph('does'), hitl.add_node('does', 'n', 'owned.does'), hitl.add_edge('does', 'START', 'n'), hitl.add_edge('does', 'n', 'END'), hitl.compile('does');
SELECT hitl.invoke('does', '{"does": "INSERT INTO owned.trap VALUES (3)"}')->>'status' AS status;
\echo :SQLSTATE
SELECT hitl.invoke('does', '{"does": "DECLARE held CURSOR WITH HOLD FOR SELECT hitl.approve(3)"}')->>'status' AS status;
\echo :SQLSTATE
CREATE TABLE owned.trap2 (id bigint);
CREATE FUNCTION owned.spring2() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('DECLARE held CURSOR WITH HOLD FOR SELECT hitl.approve(%s)', NEW.id); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON owned.trap2 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION owned.spring2();
SELECT hitl.invoke('does', '{"does": "INSERT INTO owned.trap2 VALUES (3)"}')->>'status' AS status;
\echo :SQLSTATE
DO $$ BEGIN PERFORM hitl.invoke('does', '{"does": "INSERT INTO owned.trap2 VALUES (3)"}'); COMMIT; END $$;
\echo :SQLSTATE
BEGIN;
SELECT hitl.invoke('does', '{"does": "INSERT INTO owned.trap VALUES (3)"}')->>'status' AS status;
SET CONSTRAINTS ALL IMMEDIATE;
\echo :SQLSTATE
ROLLBACK;
SELECT interrupt_id FROM hitl.pending;
-- A person may, in the same transaction as a node has run in, by a statement of her own.
BEGIN;
SELECT hitl.invoke('does', '{"does": "SELECT 1"}')->>'status' AS status;
SELECT * FROM hitl.approve(3);
ROLLBACK;
\c - postgres
SET client_min_messages = warning;

-- 6. A hostile search_path: operators, functions, casts and types of the tables' own names, first in line, also when kept plans are looked at again.
\c - regress_stranger
CREATE FUNCTION strange.evil(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted operator runs as %', current_user; RETURN true; END $$;
CREATE FUNCTION strange.evil(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted operator runs as %', current_user; RETURN true; END $$;
CREATE FUNCTION strange.evil(int, int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted operator runs as %', current_user; RETURN true; END $$;
CREATE FUNCTION strange.evil(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted operator runs as %', current_user; RETURN true; END $$;
CREATE OPERATOR strange.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = strange.evil);
CREATE OPERATOR strange.= (LEFTARG = text, RIGHTARG = text, FUNCTION = strange.evil);
CREATE OPERATOR strange.= (LEFTARG = int, RIGHTARG = int, FUNCTION = strange.evil);
CREATE OPERATOR strange.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = strange.evil);
CREATE OPERATOR strange.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = strange.evil);
CREATE FUNCTION strange.nextval(regclass) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted function runs as %', current_user; RETURN 1; END $$;
CREATE FUNCTION strange.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted function runs as %', current_user; RETURN now(); END $$;
CREATE FUNCTION strange.pg_has_role(oid, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted function runs as %', current_user; RETURN true; END $$;
CREATE FUNCTION strange.jsonb_build_object(text, text) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted function runs as %', current_user; RETURN '{}'; END $$;
CREATE FUNCTION strange.min(timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted function runs as %', current_user; RETURN now(); END $$;
CREATE DOMAIN strange.jsonb AS pg_catalog.jsonb CHECK (strange.evil(1::bigint, 1::bigint));
CREATE TYPE strange.regrole AS ENUM ('a');
CREATE TABLE strange.thread (thread_id bigint);
GRANT USAGE ON SCHEMA strange TO regress_owner;
-- Plans that this session has kept are analysed again under the new path.
\c - regress_owner
SELECT hitl.invoke('does', '{"does": "SELECT 1"}')->>'status' AS status;
SELECT count(*) FROM hitl.check();
SET search_path = strange, pg_catalog;
DISCARD PLANS;
SELECT hitl.invoke('does', pg_catalog.jsonb_build_object('does'::text, 'SELECT 1'::text))->>'status' AS status;
SELECT status FROM hitl.threads ORDER BY thread_id LIMIT 1;
SELECT count(*) FROM hitl.pending;
SELECT count(*) FROM hitl.inbox;
SELECT count(*) > 0 AS some FROM hitl.timeline;
SELECT count(*) FROM hitl.failed;
SELECT count(*) FROM hitl.decided;
SELECT count(*) FROM hitl.check();
SELECT hitl.get_state(1) IS NULL AS is_null;
SELECT code FROM hitl.why(1);
SELECT hitl.create_graph('hostile'), hitl.add_node('hostile', 'n', 'owned.does'), hitl.add_edge('hostile', 'START', 'n'), hitl.add_edge('hostile', 'n', 'END'), hitl.compile('hostile');
SELECT hitl.invoke('g')->>'status' AS status;
SELECT hitl.start('does', '{"does": "SELECT 1"}') AS t \gset
CALL hitl.run_pending();
SELECT hitl.wait(:t, '20 s');
SELECT status FROM hitl.approve(3);
SELECT hitl.retry(3);
RESET search_path;
\c - postgres
SET client_min_messages = warning;
-- A table of the stranger's in its own pg_temp is not mistaken for one of hitl's.
\c - regress_stranger
CREATE TEMP TABLE graph (graph_id bigint, graph text, owner regrole, version int);
INSERT INTO graph VALUES (1, 'g', 'regress_stranger', 1);
SELECT * FROM refused('SELECT hitl.start(''g'')');
\c - postgres
SET client_min_messages = warning;

-- 7. Settings that change who decides or what is asked are for superusers.
\c - regress_owner
SELECT hitl.current_thread() IS NULL AS library_is_loaded;
SELECT statement, code, message FROM unnest(ARRAY['SET hitl.max_reasks = 1000', 'SET hitl.notify = off', 'SET hitl.max_executors = 1', 'SET hitl.no_such_setting = 1']) statement, refused(statement);
\c - regress_owner
CALL hitl.run_pending();
\c - postgres
SET client_min_messages = warning;
SELECT DISTINCT hitl.wait(thread_id, '20 s') IS NULL AS is_stuck FROM hitl.threads;
SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP SCHEMA hitl;
DROP SCHEMA owned, strange CASCADE;
DROP FUNCTION refused;
DROP ROLE regress_member, regress_group, regress_noinherit, regress_stranger, regress_owner;
