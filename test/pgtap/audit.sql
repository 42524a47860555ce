-- The contract of the trail: every thing that happens to a thread is a row, in order, with who did it, as what, and no payload.
-- With the workers on: so nothing here is one transaction, and the database is this file's own.
SET client_min_messages = warning;
SELECT no_plan();

CREATE FUNCTION does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF hitl.context()->>'node' = 'one' AND state ? 'fails' AND NOT EXISTS (SELECT FROM mended) THEN RAISE 'SECRET'; END IF;
  IF hitl.context()->>'node' = 'two' THEN RETURN jsonb_build_object('SECRET', hitl.interrupt(jsonb_build_object('action', 'SECRET', 'args', jsonb_build_object('SECRET', (SELECT count(*) FROM mended))))); END IF;
  RETURN '{"SECRET": 1}';
END $$;
CREATE TABLE mended (x int);
SELECT is(hitl.compile('g'), 1, 'a graph of two nodes') FROM (SELECT hitl.create_graph('g'), hitl.add_node('g', 'one', 'does'), hitl.add_node('g', 'two', 'does'), hitl.add_edge('g', 'START', 'one'), hitl.add_edge('g', 'one', 'two'), hitl.add_edge('g', 'two', 'END') OFFSET 0) x;

SELECT hitl.start('g', '{"SECRET": 1, "fails": true}') AS t \gset
SELECT is(hitl.wait(:t, '20 s'), 'failed', 'it fails');
INSERT INTO mended VALUES (1);
SELECT is(hitl.retry(:t), 1, 'it is mended and run again');
SELECT is(hitl.wait(:t, '20 s'), 'interrupted', 'it asks');
INSERT INTO mended VALUES (2);
SELECT is(d.status, 'decided', 'it is answered') FROM hitl.pending p, hitl.edit(p.interrupt_id, '{"SECRET": 2}', comment => 'said beside it') d WHERE p.thread_id = :t;
SELECT is(hitl.wait(:t, '20 s'), 'interrupted', 'it asks something else');
SELECT is(d.status, 'decided', 'it is answered') FROM hitl.pending p, hitl.respond(p.interrupt_id, text => 'SECRET') d WHERE p.thread_id = :t;
SELECT is(hitl.wait(:t, '20 s'), 'done', 'it is done');

SELECT results_eq('SELECT event, step, node, actor_kind, detail::text, comment FROM hitl.timeline WHERE thread_id = ' || :t, $$VALUES
  ('started', NULL::int, NULL, 'person', NULL, NULL),
  ('failed', 1, 'one', 'executor', '{"sqlstate": "P0001"}', NULL),
  ('retried', 1, 'one', 'person', NULL, NULL),
  ('executed', 1, 'one', 'executor', NULL, NULL),
  ('opened', 2, 'two', 'executor', NULL, NULL),
  ('decided', 2, 'two', 'person', '{"type": "edit"}', 'said beside it'),
  ('superseded', 2, 'two', 'executor', NULL, NULL),
  ('opened', 2, 'two', 'executor', NULL, NULL),
  ('decided', 2, 'two', 'person', '{"type": "respond"}', NULL),
  ('executed', 2, 'two', 'executor', NULL, NULL),
  ('done', NULL, NULL, 'executor', NULL, NULL)$$, 'what happened, in order, and who did it as what');
SELECT is_empty($$SELECT * FROM hitl.audit a WHERE a::text ~ 'SECRET'$$, 'no payload is in the trail');
SELECT is_empty($$SELECT * FROM hitl.audit WHERE actor <> 'postgres' OR role <> 'postgres'$$, 'names are those of the session');
SELECT is_empty($$SELECT * FROM (SELECT at, lag(at) OVER (PARTITION BY thread_id ORDER BY audit_id) AS before FROM hitl.audit) a WHERE at < before$$, 'times go forward');
SELECT is_empty($$SELECT interrupt_id FROM hitl.interrupt i WHERE (SELECT count(*) FROM hitl.audit a WHERE a.interrupt_id = i.interrupt_id AND event = 'opened') <> 1$$, 'each interrupt is opened once');
SELECT is_empty($$SELECT v FROM hitl.vote v WHERE NOT EXISTS (SELECT FROM hitl.audit a WHERE a.interrupt_id = v.interrupt_id AND event = 'decided' AND actor = voter)$$, 'each vote has its row');
SELECT is_empty($$SELECT event FROM hitl.audit WHERE event <> ALL (string_to_array(rtrim(col_description('hitl.audit'::regclass, 4), '.'), ', '))$$, 'the events are those that the column''s comment lists');

-- A node, and a person who has taken a role.
CREATE ROLE tap_owner LOGIN;
SELECT ok(hitl.grant_author('tap_owner'), 'a role may write graphs');
CREATE FUNCTION starts(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('started', hitl.start('g2')) $$;
CREATE FUNCTION nothing(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$;
SET ROLE tap_owner;
SELECT ok(hitl.compile('g2') = 1 AND hitl.compile('g3') = 1, 'a graph whose node starts another') FROM (SELECT hitl.create_graph('g2'), hitl.add_node('g2', 'n', 'nothing'), hitl.add_edge('g2', 'START', 'n'), hitl.add_edge('g2', 'n', 'END'),
  hitl.create_graph('g3'), hitl.add_node('g3', 'n', 'starts'), hitl.add_edge('g3', 'START', 'n'), hitl.add_edge('g3', 'n', 'END') OFFSET 0) x;
SELECT hitl.start('g3') AS t \gset
SELECT is(hitl.wait(:t, '20 s'), 'done', 'it is done');
SELECT is(hitl.wait((hitl.get_state(:t)->>'started')::bigint, '20 s'), 'done', 'and what it started');
RESET ROLE;
SELECT results_eq($$SELECT graph, event, actor::text, role::text, actor_kind FROM hitl.audit JOIN hitl.threads USING (thread_id) WHERE graph <> 'g' ORDER BY graph DESC, audit_id$$, $$VALUES
  ('g3', 'started', 'postgres', 'tap_owner', 'person'), ('g3', 'executed', 'tap_owner', 'tap_owner', 'executor'), ('g3', 'done', 'tap_owner', 'tap_owner', 'executor'),
  ('g2', 'started', 'tap_owner', 'tap_owner', 'node'), ('g2', 'executed', 'tap_owner', 'tap_owner', 'executor'), ('g2', 'done', 'tap_owner', 'tap_owner', 'executor')$$, 'a person by session and role, a node, an executor as the owner');
SELECT is(starter, 'postgres', 'the starter is the session''s user') FROM hitl.threads WHERE thread_id = :t;

-- The processes that did it are there, and say so.
SELECT is(count(*), 1::bigint, 'one launcher') FROM hitl.worker_status WHERE process = 'launcher' AND pid IS NOT NULL AND note IS NULL;
SELECT isnt_empty($$SELECT FROM hitl.worker_status WHERE process = 'executor' AND database = current_database() AND role = 'tap_owner' AND state IN ('idle', 'busy')$$, 'an executor of this database and of the owner''s role');
SELECT is_empty($$SELECT w.pid FROM hitl.worker_status w LEFT JOIN pg_stat_activity a USING (pid) WHERE w.process = 'executor' AND w.state = 'idle' AND (a.usename IS DISTINCT FROM w.role OR a.datname IS DISTINCT FROM w.database)$$, 'an executor''s session is its role''s');

SELECT is_empty('SELECT * FROM hitl.check()', 'the invariants hold');
SELECT * FROM finish();
DROP EXTENSION hitl CASCADE;
DROP SCHEMA hitl;
DROP FUNCTION does, starts, nothing;
DROP ROLE tap_owner;
