-- An agent does not approve itself: it tries, from a node, an executor, at the commit, under other names, and by what others run for it.
-- Proves: whatever a graph's owner can write, other people's votes are not in it: no role is taken, no function lends a vote, no trigger or planted
-- operator votes when a reviewer works; and the same people decide by a plain statement of their own.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
CREATE ROLE agents_bot LOGIN;
CREATE ROLE agents_team;
CREATE ROLE agents_mia LOGIN IN ROLE agents_team;
DO $$ BEGIN EXECUTE (SELECT string_agg(format('ALTER ROLE %I SET client_min_messages = warning', rolname), ';') FROM pg_roles WHERE rolname ~ '^agents_'); END $$;
CREATE SCHEMA bot AUTHORIZATION agents_bot;
CREATE SCHEMA mia AUTHORIZATION agents_mia;
GRANT USAGE ON SCHEMA bot, mia TO PUBLIC;
SELECT hitl.grant_author('agents_bot');
-- The graph's owner may not decide: its questions are the team's.
\c - agents_bot
CREATE FUNCTION bot.refused(statement text, OUT code text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  detail := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
END $$;
CREATE FUNCTION bot.asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state)) - 'at'; END $$;
CREATE FUNCTION bot.does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN EXECUTE state->>'does'; RETURN '{}'; END $$;
SELECT hitl.define('{"graph": "ask", "nodes": {"ask": "bot.asks"}, "edges": [["START", "ask"], ["ask", "END"]]}'), hitl.define('{"graph": "do", "nodes": {"do": "bot.does"}, "edges": [["START", "do"], ["do", "END"]]}');
SELECT hitl.grant_reviewer('agents_team', 'ask');
SELECT count(hitl.invoke('ask', jsonb_build_object('n', n))) FROM generate_series(1, 3) n;

-- 1. From a node, whatever verb and whatever name it takes first.
CREATE TABLE bot.tries (n int GENERATED ALWAYS AS IDENTITY, statement text);
GRANT SELECT ON bot.tries TO PUBLIC;
INSERT INTO bot.tries (statement) VALUES ('SELECT hitl.approve(1)'), ('SELECT hitl.decide(1, ''{"type": "approve"}'')'), ('SELECT hitl.respond(1, ''1'')'), ('SELECT hitl.edit(1, ''{}'')'), ('SELECT hitl.claim(1)'), ('SELECT hitl.claim_next()'),
  ('SELECT hitl.delegate(1, ''agents_bot'')'), ('SELECT hitl.out_of_office(''agents_bot'')'), ('SELECT hitl.grant_reviewer(''agents_bot'', ''ask'')'),
  ('SET ROLE agents_mia'), ('SET SESSION AUTHORIZATION agents_mia'), ('SET LOCAL SESSION AUTHORIZATION agents_mia'),
  ('DO $d$ BEGIN PERFORM set_config(''role'', ''agents_mia'', true); PERFORM hitl.approve(1); END $d$'), ('DO $d$ BEGIN PERFORM set_config(''hitl.actor'', ''agents_mia'', true); PERFORM hitl.approve(1); END $d$');
SELECT statement, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM bot.tries, hitl.invoke('do', jsonb_build_object('does', statement)) d ORDER BY n;
-- In an executor.
SELECT count(hitl.start('do', jsonb_build_object('does', statement))) AS started FROM bot.tries;
CALL hitl.run_pending();
SELECT bool_and(hitl.wait(thread_id, '20 s') = 'failed') AS all_failed FROM hitl.threads WHERE graph = 'do';
SELECT DISTINCT sqlstate FROM hitl.failed ORDER BY 1;
SELECT interrupt_id FROM hitl.pending ORDER BY 1;

-- 2. In person the owner may, for it is his graph; what runs at his commit may not, nor by a cursor that outlives it.
CREATE TABLE bot.trap (id bigint);
CREATE FUNCTION bot.spring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.approve(NEW.id); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON bot.trap DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION bot.spring();
SELECT hitl.invoke('do', '{"does": "INSERT INTO bot.trap VALUES (1)"}')->>'status' AS status;
\echo :SQLSTATE
SELECT hitl.invoke('do', '{"does": "DECLARE held CURSOR WITH HOLD FOR SELECT hitl.approve(1)"}')->>'status' AS status;
\echo :SQLSTATE
-- A trigger is no person, also where no node has run in the transaction.
SELECT * FROM bot.refused($$INSERT INTO bot.trap VALUES (1); SET CONSTRAINTS ALL IMMEDIATE$$);

-- 3. What the owner plants for a reviewer to run: a trigger on a table that she writes to, ...
CREATE TABLE bot.orders (id bigint);
GRANT INSERT, SELECT ON bot.orders TO PUBLIC;
CREATE FUNCTION bot.votes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.approve(2); RETURN NULL; END $$;
CREATE TRIGGER votes AFTER INSERT ON bot.orders FOR EACH ROW EXECUTE FUNCTION bot.votes();
CREATE FUNCTION bot.claims() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.delegate(2, 'agents_bot'); RETURN NULL; END $$;
CREATE TABLE bot.letters (id bigint);
GRANT INSERT ON bot.letters TO PUBLIC;
CREATE TRIGGER claims AFTER INSERT ON bot.letters FOR EACH STATEMENT EXECUTE FUNCTION bot.claims();
-- ... a function that has her rights or his, ...
CREATE FUNCTION bot.lends(id bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT status FROM hitl.approve(id) $$;
CREATE FUNCTION bot.speaks(id bigint) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT hitl.comment(id, 'I have looked at it: all is well') $$;
CREATE FUNCTION bot.takes_back(id bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT status FROM hitl.withdraw(id) $$;
CREATE FUNCTION bot.takes() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT hitl.claim_next() $$;
-- ... and operators, functions and casts in front of hitl's own names.
CREATE FUNCTION bot.evil(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted operator runs as %', current_user; PERFORM hitl.approve(2); RETURN true; END $$;
CREATE FUNCTION bot.evil(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted operator runs as %', current_user; PERFORM hitl.approve(2); RETURN true; END $$;
CREATE FUNCTION bot.evil(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted operator runs as %', current_user; PERFORM hitl.approve(2); RETURN true; END $$;
CREATE OPERATOR bot.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = bot.evil);
CREATE OPERATOR bot.= (LEFTARG = text, RIGHTARG = text, FUNCTION = bot.evil);
CREATE OPERATOR bot.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = bot.evil);
CREATE FUNCTION bot.pg_has_role(oid, oid, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted function runs as %', current_user; RETURN true; END $$;
CREATE FUNCTION bot.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted function runs as %', current_user; RETURN now(); END $$;
CREATE TYPE bot.regrole AS ENUM ('a');
CREATE TYPE bot.secret AS (n int);
CREATE FUNCTION bot.cast_votes(bot.secret) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted cast runs as %', current_user; RETURN 2; END $$;
CREATE CAST (bot.secret AS bigint) WITH FUNCTION bot.cast_votes(bot.secret) AS IMPLICIT;
\c - agents_mia
SELECT * FROM bot.refused('INSERT INTO bot.orders VALUES (1)');
SELECT * FROM bot.refused('INSERT INTO bot.letters VALUES (1)');
SELECT * FROM bot.refused('SELECT bot.lends(2)');
SELECT * FROM bot.refused('SELECT bot.speaks(2)');
SELECT * FROM bot.refused('SELECT bot.takes_back(2)');
SELECT bot.takes();
CREATE FUNCTION mia.lends(id bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT status FROM hitl.approve(id) $$;
SET search_path = bot, pg_catalog;
DISCARD PLANS;
SELECT count(*) FROM hitl.inbox;
SELECT count(*) FROM hitl.pending;
SELECT count(*) FROM hitl.decided;
SELECT count(*) FROM hitl.grants;
SELECT status FROM hitl.reject(3, 'by a statement of her own');
RESET search_path;
SELECT interrupt_id FROM hitl.pending ORDER BY 1;
-- Neither does her function vote for who has no right.
\c - postgres
SET client_min_messages = warning;
CREATE ROLE agents_eve LOGIN;
GRANT USAGE ON SCHEMA hitl TO agents_eve;
SET SESSION AUTHORIZATION agents_eve;
SELECT code, detail FROM bot.refused('SELECT mia.lends(2)');
SELECT code, detail FROM bot.refused('SELECT bot.lends(2)');
RESET SESSION AUTHORIZATION;
-- A superuser who is somebody else for a while is still himself: the vote is his.
SET ROLE agents_eve;
SELECT code, detail FROM bot.refused('SELECT hitl.approve(2)');
RESET ROLE;
SET SESSION AUTHORIZATION agents_mia;
SELECT status FROM hitl.approve(2);
RESET SESSION AUTHORIZATION;

-- A policy may let automation decide: what its owner may, his nodes may then.
SELECT hitl.create_policy('by robots', '{"groups": ["agents_bot"], "automation_may_decide": true, "starter_may_decide": true}'), hitl.create_policy('by people', '{"groups": ["agents_bot"], "starter_may_decide": true}');
\c - agents_bot
CREATE FUNCTION bot.asks_by(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state, 'policy', state->'policy')) - 'at'; END $$;
SELECT hitl.define('{"graph": "by", "nodes": {"ask": "bot.asks_by"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.invoke('by', '{"policy": "by robots"}')->'interrupts'->0->>'interrupt_id' AS robots, hitl.invoke('by', '{"policy": "by people"}')->'interrupts'->0->>'interrupt_id' AS people \gset
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate FROM unnest(ARRAY[:robots, :people]) id, hitl.invoke('do', jsonb_build_object('does', format('SELECT hitl.approve(%s)', id))) d;
SELECT status, settled_by FROM hitl.decided WHERE interrupt_id = :robots;
SELECT actor_kind FROM hitl.timeline WHERE interrupt_id = :robots AND event IN ('voted', 'decided');
-- But not what a superuser's maintenance runs for it: that is no word of the superuser's.
SELECT hitl.invoke('by', '{"policy": "by robots"}')->'interrupts'->0->>'interrupt_id' AS later \gset
CREATE MATERIALIZED VIEW bot.tidy AS SELECT status FROM hitl.approve(:later) WITH NO DATA;
\c - postgres
SET client_min_messages = warning;
SELECT * FROM bot.refused('REFRESH MATERIALIZED VIEW bot.tidy');
DROP MATERIALIZED VIEW bot.tidy;

-- 4. One login is one voter, whatever role it takes.
SELECT voter, login, role FROM hitl.vote ORDER BY interrupt_id;
SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP SCHEMA hitl;
DROP SCHEMA bot, mia CASCADE;
DROP ROLE agents_bot, agents_mia, agents_team, agents_eve;
