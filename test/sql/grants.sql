-- Grants: authors, reviewers, operators and auditors, for a graph or for all, and how they are taken back.
-- Proves: who may grant; what a grant lets in and nothing else; what is pending is opened and closed too; USAGE on the schema comes and goes with
-- the grants and an administrator's own stays; DROP ROLE of a role with a grant is refused, DROP OWNED revokes; the trail keeps it all.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
CREATE ROLE grants_shop LOGIN;
CREATE ROLE grants_finance;
CREATE ROLE grants_mia LOGIN IN ROLE grants_finance;
CREATE ROLE grants_oli LOGIN;
CREATE ROLE grants_ada LOGIN;
CREATE ROLE grants_eve LOGIN;
DO $$ BEGIN EXECUTE (SELECT string_agg(format('ALTER ROLE %I SET client_min_messages = warning', rolname), ';') FROM pg_roles WHERE rolname ~ '^grants_'); END $$;
CREATE SCHEMA shop AUTHORIZATION grants_shop;
CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;
-- What a role may reach at all.
CREATE FUNCTION has_usage(role text) RETURNS boolean LANGUAGE sql AS $$ SELECT has_schema_privilege(role, 'hitl', 'USAGE') $$;

-- 1. To write graphs is a right of its own.
GRANT USAGE ON SCHEMA hitl TO grants_eve;
SET SESSION AUTHORIZATION grants_eve;
SELECT * FROM refused($$SELECT hitl.create_graph('eve''s')$$);
SELECT code, message FROM refused($$SELECT hitl.define('{"graph": "eve", "nodes": {"n": "lower"}, "edges": [["START", "n"], ["n", "END"]]}')$$);
RESET SESSION AUTHORIZATION;
SELECT has_usage('grants_shop');
SELECT hitl.grant_author('grants_shop') AS granted, hitl.grant_author('grants_shop') AS again;
SELECT has_usage('grants_shop');
\c - grants_shop
CREATE FUNCTION shop.pays(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF state ? 'fails' THEN RAISE 'no such account'; END IF;
  RETURN hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state)) - 'at';
END $$;
SELECT hitl.define('{"graph": "pay", "nodes": {"pay": "shop.pays"}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT hitl.define('{"graph": "other", "nodes": {"pay": "shop.pays"}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT hitl.invoke(graph, input)->>'status' AS status FROM (VALUES ('pay', '{"n": 1}'::jsonb), ('pay', '{"n": 2}'), ('pay', '{"fails": 1}'), ('other', '{"n": 3}')) v (graph, input);

-- 2. The owner grants for the graph; for all graphs a superuser does.
SELECT hitl.grant_reviewer('grants_finance', 'pay'), hitl.grant_operator('grants_oli', 'pay'), hitl.grant_auditor('grants_ada', 'pay');
SELECT code, message, detail FROM unnest(ARRAY[$$SELECT hitl.grant_reviewer('grants_eve')$$, $$SELECT hitl.grant_author('grants_eve')$$, $$SELECT hitl.grant_proxy('grants_eve', 'grants_finance')$$,
  $$SELECT hitl.grant_operator('nobody at all', 'pay')$$, $$SELECT hitl.grant_operator('grants_oli', 'nowhere')$$, $$SELECT hitl.grant_operator(NULL, 'pay')$$, $$SELECT hitl.revoke_author('grants_shop')$$]) s, refused(s);
\c - grants_eve
SELECT s, code, message, detail FROM unnest(ARRAY[$$SELECT hitl.grant_reviewer('grants_eve', 'pay')$$, $$SELECT hitl.revoke_auditor('grants_ada', 'pay')$$, $$SELECT hitl.grant_operator('grants_eve')$$]) s, refused(s);
SELECT count(*) FROM hitl.grants;

-- 3. A reviewer: what was pending is open to the group, and nothing else of the graph is seen.
\c - grants_mia
SELECT graph, args FROM hitl.inbox;
SELECT graph, args FROM hitl.pending;
SELECT (SELECT count(*) FROM hitl.threads) AS threads, (SELECT count(*) FROM hitl.failed) AS failed, (SELECT count(*) FROM hitl.timeline) AS timeline, (SELECT count(*) FROM hitl.decided) AS decided, (SELECT count(*) FROM hitl._checkpoint) AS checkpoints;
SELECT s, code, message FROM unnest(ARRAY['SELECT hitl.get_state(1)', 'SELECT hitl.why(1)', 'SELECT hitl.wait(1)', 'SELECT hitl.cancel(1)', $$SELECT hitl.start('pay')$$, $$SELECT hitl.resume(1, '{"type": "approve"}')$$, $$SELECT hitl.mermaid('pay')$$,
  'SELECT hitl.approve(3)']) s, refused(s);
SELECT status FROM hitl.approve(1, comment => 'she said so herself');
SELECT interrupt_id, type, settled_by FROM hitl.decided;
SELECT "right", role, graph, granted_by FROM hitl.grants;

-- 4. An operator: threads move and are seen; no state, no question, no decision.
\c - grants_oli
SELECT thread_id, graph FROM hitl.threads ORDER BY 1;
SELECT message FROM hitl.failed;
SELECT count(*) > 0 AS some, count(comment) AS comments FROM hitl.timeline;
SELECT (SELECT count(*) FROM hitl.pending) AS pending, (SELECT count(*) FROM hitl.inbox) AS inbox, (SELECT count(*) FROM hitl.decided) AS decided, (SELECT count(*) FROM hitl._checkpoint) AS checkpoints;
SELECT hitl.start('pay', '{"n": 4}') AS t \gset
SELECT hitl.wait(:t, '20 s');
SELECT code FROM hitl.why(:t);
SELECT hitl.interrupt_before('pay', 'pay'), hitl.interrupt_before('pay', 'pay', enabled => false);
SELECT hitl.retry(3);
SELECT hitl.wait(3, '20 s');
SELECT hitl.cancel(3);
SELECT s, code, message, hint FROM unnest(ARRAY['SELECT hitl.get_state(1)', 'SELECT hitl.approve(2)', $$SELECT hitl.update_state(2, '{}')$$, 'SELECT hitl.fork(2)', $$SELECT hitl.resume(2, '{"type": "approve"}')$$, $$SELECT hitl.compile('pay')$$,
  $$SELECT hitl.start('other')$$, 'SELECT hitl.cancel(4)', $$SELECT hitl.interrupt_before('*')$$, $$SELECT hitl.grant_reviewer('grants_oli', 'pay')$$, $$SELECT hitl.invoke('pay')$$]) s, refused(s);

-- 5. An auditor: everything is read, and nothing is done.
\c - grants_ada
SELECT count(*) FILTER (WHERE graph = 'pay') > 0 AS his, count(*) FILTER (WHERE graph <> 'pay') AS others FROM hitl.threads;
SELECT args FROM hitl.pending ORDER BY interrupt_id;
SELECT interrupt_id, settled_by FROM hitl.decided;
SELECT count(*) FROM hitl.inbox;
SELECT hitl.get_state(2), (SELECT count(*) > 0 FROM hitl.state_history(2)) AS history, (SELECT string_agg(comment, '; ') FROM hitl.timeline) AS comments;
SELECT s, code FROM unnest(ARRAY['SELECT hitl.approve(2)', 'SELECT hitl.cancel(2)', 'SELECT hitl.retry(2)', $$SELECT hitl.start('pay')$$, $$SELECT hitl.update_state(2, '{}')$$, 'SELECT hitl.fork(2)', 'SELECT hitl.get_state(4)', $$SELECT hitl.compile('pay')$$, 'SELECT hitl.migrate(2)',
  $$SELECT hitl.resume(2, '{"type": "approve"}')$$, $$SELECT hitl.interrupt_before('pay', 'pay')$$]) s, refused(s) WHERE code IS NULL OR code NOT IN ('42501', 'IH003');
SELECT "right", role, graph FROM hitl.grants;

-- 6. Revoked is revoked: the inbox is empty and a vote is refused; another grant stays.
\c - postgres
SET client_min_messages = warning;
SELECT hitl.grant_reviewer('grants_finance');
SELECT hitl.revoke_reviewer('grants_finance', 'pay') AS revoked, hitl.revoke_reviewer('grants_finance', 'pay') AS again;
SET SESSION AUTHORIZATION grants_mia;
SELECT graph, args->>'n' AS n FROM hitl.inbox ORDER BY interrupt_id;
RESET SESSION AUTHORIZATION;
SELECT hitl.revoke_reviewer('grants_finance');
SELECT has_usage('grants_mia');
GRANT USAGE ON SCHEMA hitl TO grants_mia;
SET SESSION AUTHORIZATION grants_mia;
SELECT count(*) FROM hitl.inbox;
SELECT code, message, detail FROM refused('SELECT hitl.approve(2)');
-- What was decided already is told to who was in on it by a vote.
SELECT interrupt_id FROM hitl.decided;
RESET SESSION AUTHORIZATION;
SELECT count(*) AS left_over FROM hitl.audience WHERE role = 'grants_finance'::regrole;

-- 7. USAGE on the schema goes with the last grant, unless an administrator gave it or the role owns graphs.
SELECT hitl.grant_auditor('grants_oli') AS second, hitl.revoke_operator('grants_oli', 'pay') AS first_goes, has_usage('grants_oli') AS stays;
SELECT hitl.revoke_auditor('grants_oli'), has_usage('grants_oli') AS gone;
SELECT hitl.grant_operator('grants_eve'), hitl.revoke_operator('grants_eve'), has_usage('grants_eve') AS was_an_administrators;
SELECT hitl.revoke_author('grants_shop'), has_usage('grants_shop') AS owns_graphs;
SELECT grantee::regrole FROM pg_type, aclexplode(typacl) WHERE typname = 'grantee' AND grantee <> typowner ORDER BY 1;

-- 8. A role with a grant stays; DROP OWNED revokes, as it does privileges.
DROP ROLE grants_ada;
SELECT hitl.grant_reviewer('grants_ada');
DROP OWNED BY grants_ada;
SELECT "right", role FROM hitl.grants WHERE role = 'grants_ada'::regrole;
SELECT has_usage('grants_ada'), (SELECT count(*) FROM hitl.audience WHERE role = 'grants_ada'::regrole) AS audience;
DROP ROLE grants_ada;
-- A superuser needs none, and the owner of hitl has it all.
SELECT hitl.grant_operator('postgres'), hitl.revoke_operator('postgres'), has_usage('postgres');

-- 9. Nobody grants from a node, nor by a trigger on a table that somebody else writes to.
SELECT hitl.grant_author('grants_shop');
\c - grants_shop
CREATE FUNCTION shop.does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN EXECUTE state->>'does'; RETURN '{}'; END $$;
SELECT hitl.define('{"graph": "does", "nodes": {"n": "shop.does"}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM unnest(ARRAY['grant_reviewer(''grants_eve'', ''pay'')', 'revoke_reviewer(''grants_eve'', ''pay'')']) f, hitl.invoke('does', jsonb_build_object('does', 'SELECT hitl.' || f)) d;
CREATE TABLE shop.orders (id bigint);
GRANT USAGE ON SCHEMA shop TO PUBLIC;
GRANT INSERT ON shop.orders TO PUBLIC;
CREATE FUNCTION shop.planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.grant_author('grants_eve'); RETURN NULL; END $$;
CREATE TRIGGER planted AFTER INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.planted();
\c - postgres
SET client_min_messages = warning;
SELECT code, message, detail FROM refused('INSERT INTO shop.orders VALUES (1)');

-- 10. Delegated and granted: who has both decides by the grant; without the grant in the delegator's place, and is shown so.
\c - grants_shop
SELECT (hitl.invoke('other', '{"n": 6}')#>>'{interrupts,0,interrupt_id}')::bigint AS q1, (hitl.invoke('other', '{"n": 7}')#>>'{interrupts,0,interrupt_id}')::bigint AS q2 \gset
SELECT hitl.delegate(:q1, 'grants_eve') AS before_the_grant, hitl.grant_reviewer('grants_eve', 'other'), hitl.delegate(:q2, 'grants_eve') AS after_it;
\c - grants_eve
SELECT args->>'n' AS n, in_place_of FROM hitl.inbox WHERE interrupt_id IN (:q1, :q2) ORDER BY interrupt_id;
SELECT code FROM refused(format('SELECT hitl.delegate(%s, %L)', :q1, 'grants_oli')) AS a_right_of_his_own;
\c - grants_shop
SELECT hitl.revoke_reviewer('grants_eve', 'other');
\c - grants_eve
SELECT args->>'n' AS n, in_place_of FROM hitl.inbox ORDER BY interrupt_id;
SELECT hitl.show(:q1) IS NOT NULL AS q1, hitl.show(:q2) IS NOT NULL AS q2;
SELECT status FROM hitl.approve(:q2);
SELECT status FROM hitl.approve(:q1);
SELECT in_place_of, type FROM hitl.my_decisions;
\c - postgres
SET client_min_messages = warning;

-- 11. The trail, and the rows are in order.
SELECT event, "right", role, graph, actor, acted_as FROM hitl.grant_history;
SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP SCHEMA hitl;
DROP SCHEMA shop CASCADE;
DROP FUNCTION refused, has_usage;
DROP ROLE grants_shop, grants_mia, grants_finance, grants_oli, grants_eve;
