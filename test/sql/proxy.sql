-- Proxies: the login of an application that speaks for many people.
-- Proves: a proxy names the person (hitl.actor, or SET ROLE) or decides nothing; a person who is a role must be of its reviewers, one who is none has
-- their rights; votes are marked as asserted, and a person counts once however he comes; anybody else's hitl.actor means nothing.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
CREATE ROLE proxy_shop LOGIN;
CREATE ROLE proxy_team;
CREATE ROLE proxy_bob LOGIN IN ROLE proxy_team;
CREATE ROLE proxy_tom LOGIN;
CREATE ROLE proxy_root LOGIN SUPERUSER IN ROLE proxy_team;
CREATE ROLE proxy_app LOGIN NOINHERIT;
GRANT proxy_bob, proxy_tom TO proxy_app;
DO $$ BEGIN EXECUTE (SELECT string_agg(format('ALTER ROLE %I SET client_min_messages = warning', rolname), ';') FROM pg_roles WHERE rolname ~ '^proxy_'); END $$;
CREATE SCHEMA shop AUTHORIZATION proxy_shop;
GRANT USAGE ON SCHEMA shop TO PUBLIC;
CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
END $$;
SELECT hitl.grant_author('proxy_shop'), hitl.grant_reviewer('proxy_team'), hitl.grant_reviewer('proxy_tom');
\c - proxy_shop
CREATE FUNCTION shop.asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state)) - 'at'; END $$;
SELECT hitl.define('{"graph": "pay", "nodes": {"ask": "shop.asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT count(hitl.invoke('pay', jsonb_build_object('n', n))) FROM generate_series(1, 8) n;

-- 1. Before it is registered, the login is itself, whatever it says.
\c - postgres
SET client_min_messages = warning;
GRANT USAGE ON SCHEMA hitl TO proxy_app;
SET SESSION AUTHORIZATION proxy_app;
SET hitl.actor = 'anna';
SELECT count(*) FROM hitl.inbox;
SELECT code, message, detail FROM refused('SELECT hitl.approve(1)');
RESET hitl.actor;
RESET SESSION AUTHORIZATION;
-- Registered by a superuser only, and for no superuser.
SELECT hitl.grant_proxy('proxy_app', 'proxy_team');
SELECT code, message, detail FROM refused($$SELECT hitl.grant_proxy('proxy_app', 'postgres')$$);
SELECT "right", role, reviewers FROM hitl.grants WHERE "right" = 'proxy';

-- 2. It names nobody, somebody of another team, a superuser: nothing is decided, and nothing is shown that is not the login's.
\c - proxy_app
SELECT code, message, detail FROM refused('SELECT hitl.approve(1)');
SELECT count(*) FROM hitl.pending;
SET hitl.actor = 'proxy_tom';
SELECT code, message, detail FROM refused('SELECT hitl.approve(1)');
SET hitl.actor = 'proxy_root';
SELECT code, message, detail FROM refused('SELECT hitl.approve(1)');
SELECT code, message FROM refused('SELECT count(*) FROM hitl.inbox');
SELECT code, message FROM refused('SELECT count(*) FROM hitl.pending');
SELECT code, message FROM refused('SELECT hitl.get_state(1)');

-- 3. A person who is no role, and one who is.
SET hitl.actor = 'anna';
SELECT count(*) FROM hitl.inbox;
SELECT status FROM hitl.approve(1);
SELECT interrupt_id, settled_by FROM hitl.decided;
SELECT interrupt_id, type FROM hitl.my_decisions;
SET hitl.actor = 'carl';
SELECT count(*) FROM hitl.my_decisions;
SET hitl.actor = 'proxy_bob';
SELECT status FROM hitl.reject(2, 'no receipt');
-- By SET ROLE: the person is the role.
RESET hitl.actor;
SET ROLE proxy_bob;
SELECT status FROM hitl.approve(3);
SELECT interrupt_id FROM hitl.my_decisions ORDER BY 1;
SET ROLE proxy_tom;
SELECT code, message, detail FROM refused('SELECT hitl.approve(4)');
RESET ROLE;
-- An actor goes before the role; to see is the role's.
SET hitl.actor = 'anna';
SET ROLE proxy_bob;
SELECT status FROM hitl.approve(4);
RESET ROLE;
-- A function with SECURITY DEFINER makes nobody speak, and sees nothing of the session's.
\c - postgres
SET client_min_messages = warning;
CREATE SCHEMA bobs AUTHORIZATION proxy_bob;
GRANT USAGE ON SCHEMA bobs TO PUBLIC;
SET SESSION AUTHORIZATION proxy_bob;
CREATE FUNCTION bobs.approves(id bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT status FROM hitl.approve(id) $$;
RESET SESSION AUTHORIZATION;
CREATE ROLE proxy_eve LOGIN;
CREATE SCHEMA eves AUTHORIZATION proxy_eve;
GRANT USAGE ON SCHEMA hitl TO proxy_eve;
GRANT USAGE ON SCHEMA eves TO PUBLIC;
SET SESSION AUTHORIZATION proxy_eve;
CREATE FUNCTION eves.approves(id bigint) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM set_config('hitl.actor', 'anna', true); RETURN (SELECT status FROM hitl.approve(id)); END $$;
CREATE FUNCTION eves.sees() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT count(*) FROM hitl.pending $$;
RESET SESSION AUTHORIZATION;
\c - proxy_app
SELECT code, message FROM refused('SELECT bobs.approves(5)');
SELECT code, message, detail FROM refused('SELECT eves.approves(5)');
SET hitl.actor = 'anna';
SELECT eves.sees(), (SELECT count(*) > 0 FROM hitl.pending) AS sees;

-- 4. The rows say it: the person, the login, asserted. The same person by his own login is the same person.
\c - proxy_bob
SELECT interrupt_id, type FROM hitl.my_decisions ORDER BY 1;
SELECT status FROM hitl.approve(5);
\c - postgres
SET client_min_messages = warning;
SELECT interrupt_id, voter, login, role, is_asserted FROM hitl.vote ORDER BY 1;
SELECT interrupt_id, actor, login, role FROM hitl.audit WHERE event = 'decided' ORDER BY 1;
-- What a proxy does beside voting is noted with the person too; in its own name it may do what its own rights allow.
SELECT hitl.grant_operator('proxy_app', 'pay');
\c - proxy_app
SELECT hitl.start('pay', '{"n": 9}') AS t \gset
SET hitl.actor = 'anna';
SELECT hitl.cancel(:t, 'asked for');
SET hitl.actor = 'postgres';
SELECT code, message FROM refused($$SELECT hitl.start('pay', '{"n": 10}')$$);
\c - postgres
SET client_min_messages = warning;
SELECT event, actor, login FROM hitl.audit WHERE thread_id = :t AND actor_kind = 'person' ORDER BY audit_id;
SELECT ended_by FROM hitl.threads WHERE thread_id = :t;

-- 5. Taken back, the login is itself again; with the role of its reviewers gone nobody speaks.
SELECT hitl.grant_proxy('proxy_app', 'proxy_tom'), hitl.grant_proxy('proxy_app', 'proxy_tom') AS again;
\c - proxy_app
SET hitl.actor = 'proxy_bob';
SELECT code, message FROM refused('SELECT hitl.approve(6)');
SET hitl.actor = 'dora';
SELECT status FROM hitl.approve(6);
\c - postgres
SET client_min_messages = warning;
DROP OWNED BY proxy_tom;
SELECT count(*) FROM hitl.grants WHERE "right" = 'proxy';
SELECT hitl.grant_proxy('proxy_app', 'proxy_team');
DROP ROLE proxy_team;
SELECT hitl.revoke_proxy('proxy_app');
SELECT event, role, reviewers FROM hitl.grant_history WHERE "right" = 'proxy';
\c - proxy_app
SET hitl.actor = 'anna';
SELECT code, detail FROM refused('SELECT hitl.approve(7)');
\c - postgres
SET client_min_messages = warning;

-- 6. Under a policy: a person counts once however he comes, and a policy may want persons who have logged in.
SELECT hitl.grant_proxy('proxy_app', 'proxy_team');
SELECT hitl.create_policy('two of the team', '{"quorum": {"proxy_team": 2}}'), hitl.create_policy('in person', '{"groups": ["proxy_team"], "asserted_may_decide": false}'), hitl.create_policy('in person two', '{"groups": ["proxy_team"], "quorum": 2, "asserted_may_decide": false}');
\c - proxy_shop
CREATE FUNCTION shop.asks_by(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state - 'policy', 'policy', state->'policy')) - 'at'; END $$;
SELECT hitl.define('{"graph": "by policy", "nodes": {"ask": "shop.asks_by"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.invoke('by policy', '{"policy": "two of the team"}')->'interrupts'->0->>'interrupt_id' AS two, hitl.invoke('by policy', '{"policy": "in person"}')->'interrupts'->0->>'interrupt_id' AS personal \gset
-- The graph's owner is in neither group.
SELECT code FROM refused(format('SELECT hitl.approve(%s)', :two));
\c - proxy_app
SET hitl.actor = 'proxy_bob';
SELECT status, votes, needed FROM hitl.approve(:two);
SELECT code, detail FROM refused(format('SELECT hitl.approve(%s)', :personal));
SELECT count(*) AS for_the_application FROM hitl.inbox WHERE interrupt_id = :personal;
\c - proxy_bob
SELECT count(*) AS for_bob FROM hitl.inbox WHERE interrupt_id = :personal;
SELECT status, votes, needed FROM hitl.approve(:two);
SELECT status FROM hitl.approve(:personal);
-- Nor is such a vote taken back by the application, which would decide with it.
\c - proxy_shop
SELECT hitl.invoke('by policy', '{"policy": "in person two"}')->'interrupts'->0->>'interrupt_id' AS personal \gset
\c - proxy_bob
SELECT status, votes, needed FROM hitl.approve(:personal);
\c - proxy_app
SET hitl.actor = 'proxy_bob';
SELECT code, replace(message, :'personal', '<id>') AS message, detail FROM refused(format('SELECT hitl.withdraw(%s)', :personal));
\c - proxy_bob
SET ROLE proxy_team;
SELECT status, votes, needed FROM hitl.withdraw(:personal);
\c - proxy_app
SET hitl.actor = 'anna';
SELECT status, votes, needed FROM hitl.approve(:two);
\c - postgres
SET client_min_messages = warning;
SELECT voter, login, is_asserted, groups FROM hitl.vote WHERE interrupt_id = :two ORDER BY vote_id;
SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP SCHEMA hitl;
DROP SCHEMA shop, bobs, eves CASCADE;
DROP FUNCTION refused;
DROP ROLE proxy_shop, proxy_app, proxy_bob, proxy_tom, proxy_root, proxy_eve, proxy_team;
