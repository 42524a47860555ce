-- By when an interrupt is to be decided: deadlines, and what becomes of it then, for a node, a gate, a breakpoint and a subgraph.
-- Proves that what ran out is expired and not decided, that deadlines can be moved and by whom, and that each fires once.
-- Nobody waits: hitl.clock_offset moves the clock by which deadlines go.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS hitl CASCADE;
CREATE EXTENSION hitl;
RESET client_min_messages;
CREATE SCHEMA deadlines;
SET search_path = deadlines;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('told', hitl.interrupt(jsonb_build_object('action', 'refund', 'args', state->'args')) - 'at') $$;
SELECT hitl.define('{"graph": "late", "nodes": {"ask": {"handler": "asks"}}, "edges": [["START", "ask"], ["ask", "END"]]}') > 0 AS is_defined;
SELECT (hitl.invoke('late', '{"args": {"amount": 5000}}')->>'thread_id')::bigint AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset

-- 1. Without a policy there are no deadlines, until somebody sets them; when they pass, it is overdue, and stays open.
SELECT count(*) FROM hitl.deadlines WHERE interrupt_id = :i;
SELECT hitl.set_deadline(:i, now() + '1 hour', now() + '1 day', 'the customer calls back');
SELECT kind, step, round, due_at - now() > '50 min' AS later FROM hitl.deadlines WHERE interrupt_id = :i;
SELECT hitl.tick();
SET hitl.clock_offset = '2 h';
SELECT hitl.tick(), hitl.tick();
SELECT kind, round, action, fired_at > planned_at AS after_its_time FROM hitl.escalations WHERE interrupt_id = :i;
-- A deadline that is moved fires again; the one that is not stays.
SELECT hitl.set_deadline(:i, due_at => now() + '4 hours');
SELECT kind, round FROM hitl.deadlines WHERE interrupt_id = :i;
SET hitl.clock_offset = '2 d';
SELECT hitl.tick();
SELECT kind, round, action FROM hitl.escalations WHERE interrupt_id = :i;
SELECT event, actor_kind, detail - '{due_at,expires_at}'::text[] AS detail FROM hitl.timeline WHERE thread_id = :t AND interrupt_id = :i AND event <> 'opened';
RESET hitl.clock_offset;
-- Taken away; then a person decides.
SELECT hitl.set_deadline(:i, 'infinity', 'infinity');
SELECT count(*) FROM hitl.deadlines WHERE interrupt_id = :i;
SELECT hitl.set_deadline(:i, now() + '1 hour');
SELECT hitl.resume(:t, '{"type": "approve"}')->>'status' AS status;
SELECT count(*) FROM hitl.timer WHERE interrupt_id = :i;

-- 2. What is refused.
\set VERBOSITY sqlstate
SELECT hitl.set_deadline(:i, now());
SELECT hitl.set_deadline(-1, now());
SELECT hitl.set_deadline(NULL, now());
SELECT hitl.tick(-1);
SELECT (hitl.invoke('late', '{"args": {"amount": 1}}')->>'thread_id')::bigint AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
SELECT hitl.set_deadline(:i, now() + '2 h', now() + '1 h');
SELECT hitl.set_deadline(:i, '-infinity');
CREATE ROLE late_nobody;
GRANT USAGE ON SCHEMA hitl TO late_nobody;
SELECT hitl.set_deadline(:i, now() + '1 h', now() + '2 h');
SET ROLE late_nobody;
SELECT hitl.set_deadline(:i, now() + '3 h');
SET hitl.clock_offset = 60;
SELECT count(*) FROM hitl.deadlines;
RESET ROLE;
SET hitl.clock_offset = '1 d';
-- Somebody else's deadlines are not his to fire.
SET ROLE late_nobody;
SELECT hitl.tick();
RESET ROLE;
SELECT hitl.tick();
RESET hitl.clock_offset;
\set VERBOSITY default

-- 3. When its time is over a question takes no answer, also if nobody has looked yet: not by one who has drafted it, nor among many. Where the policy lets it stay it does, and more time is more time.
CREATE FUNCTION late_under(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('told', hitl.interrupt(jsonb_build_object('actions', '[{"action": "refund", "args": {}}]'::jsonb, 'policy', state->'policy')) - 'at') $$;
SELECT hitl.define('{"graph": "late under", "nodes": {"ask": "late_under"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.create_policy('late closes', '{"starter_may_decide": true, "expires_in": "1 hour", "on_expiry": "reject"}'), hitl.create_policy('late stays', '{"starter_may_decide": true, "expires_in": "1 hour"}');
SELECT hitl.invoke('late under', '{"policy": "late closes"}')->>'thread_id' AS t, hitl.invoke('late under', '{"policy": "late stays"}')->>'thread_id' AS u \gset
SELECT min(interrupt_id) AS i, max(interrupt_id) AS j FROM hitl.pending WHERE thread_id IN (:t, :u) \gset
SET hitl.clock_offset = '3000 s';
BEGIN;
SELECT status FROM hitl.approve(:i);
ROLLBACK;
SET hitl.clock_offset = '3660 s';
CREATE FUNCTION late_refused(statement text, OUT code text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  message := regexp_replace(message, 'interrupt \d+', 'interrupt <id>');
  detail := regexp_replace(detail, ' at [^;]*;', ' at <time>;');
END $$;
SELECT * FROM late_refused(format('SELECT hitl.approve(%s)', :i));
SELECT code, message FROM late_refused(format('SELECT hitl.draft(%s, 1, ''{"type": "approve"}'')', :i));
SELECT interrupt_id = :j AS stays, status, sqlstate FROM hitl.decide_many(ARRAY[:i, :j], '{"type": "approve"}', 'skip') ORDER BY 1;
BEGIN;
SELECT hitl.set_deadline(:i, expires_at => hitl._now() + '1 hour');
SELECT status FROM hitl.approve(:i);
ROLLBACK;
SELECT hitl.tick() > 0 AS is_fired;
SELECT status, decision->>'type' AS type, decision->>'by' AS by FROM hitl.interrupt WHERE interrupt_id = :i;
SELECT code, message FROM late_refused(format('SELECT hitl.approve(%s)', :i));
RESET hitl.clock_offset;

-- 4. Who sees to few graphs passes over what is due of the others in batches, however few he asks for; and gets his own, the one that has waited longest first.
SELECT count(hitl.invoke('late under', '{"policy": "late closes"}')) FROM generate_series(1, 250);
SELECT hitl.define('{"graph": "late mine", "nodes": {"ask": "late_under"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT count(hitl.invoke('late mine', '{"policy": "late closes"}')) FROM generate_series(1, 3);
SELECT min(interrupt_id) AS i, max(interrupt_id) AS j FROM hitl.pending WHERE graph = 'late mine' \gset
SELECT hitl.set_deadline(:i, expires_at => now() + '23 hours'), hitl.set_deadline(:i + 1, expires_at => now() + '21 hours'), hitl.set_deadline(:j, expires_at => now() + '22 hours');
SELECT hitl.grant_operator('late_nobody', 'late mine');
SET hitl.clock_offset = '1 d';
-- what was not reported yet is counted too, so it is the difference that counts
CREATE VIEW late_scans AS SELECT sum(seq_scan + coalesce(idx_scan, 0)) AS n FROM pg_stat_xact_user_tables WHERE relid IN ('hitl.timer'::regclass, 'hitl.grant'::regclass);
BEGIN;
SELECT n FROM late_scans \gset
SET ROLE late_nobody;
SELECT hitl.tick(1), hitl.tick(0);
RESET ROLE;
SELECT n - :n < 40 AS in_batches FROM late_scans;
SELECT interrupt_id - :i AS place, status FROM hitl.interrupt WHERE interrupt_id BETWEEN :i AND :j ORDER BY 1;
SET ROLE late_nobody;
SELECT hitl.tick(1), hitl.tick(), hitl.tick();
RESET ROLE;
SELECT interrupt_id - :i AS place, status FROM hitl.interrupt WHERE interrupt_id BETWEEN :i AND :j ORDER BY 1;
COMMIT;
RESET hitl.clock_offset;
SELECT count(hitl.cancel(thread_id)) FROM hitl.pending WHERE graph = 'late under';

-- 5. What could not be done about a question whose time is over is tried again soon. Meanwhile it takes no answer, and says so; more time is more time.
SELECT hitl.invoke('late under', '{"policy": "late closes"}')->>'thread_id' AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
SELECT hitl.claim(:i, '3 hours') IS NOT NULL AS claimed;
INSERT INTO hitl.escalation SELECT interrupt_id, round, step, kind, planned_at, now(), 'by hand' FROM hitl.timer WHERE interrupt_id = :i;
SET hitl.clock_offset = '61 min';
SELECT hitl.tick(), hitl.tick();
SELECT r.code, r.message, regexp_replace(r.detail, 'at \d[^;]*\.$', 'at <time>.') AS detail, replace(r.hint, :'i', '<id>') AS hint FROM late_refused(format('SELECT hitl.approve(%s)', :i)) r;
SELECT substring(explanation FROM 'could not be fired') AS why FROM hitl.why(:t);
BEGIN;
SELECT hitl.set_deadline(:i, expires_at => hitl._now() + '1 hour');
SELECT status FROM hitl.approve(:i);
ROLLBACK;
DELETE FROM hitl.escalation WHERE interrupt_id = :i;
SET hitl.clock_offset = '63 min';
SELECT hitl.tick();
SELECT status, decision->>'type' AS type FROM hitl.interrupt WHERE interrupt_id = :i;
RESET hitl.clock_offset;
-- A step that cannot be taken keeps no question from its end.
SELECT hitl.create_policy('late closes', '{"starter_may_decide": true, "expires_in": "1 hour", "on_expiry": "reject", "ladder": [{"after": "10 minutes", "do": "notify"}, {"after": "20 minutes", "do": "priority", "priority": -1}]}') AS version;
SELECT hitl.invoke('late under', '{"policy": "late closes"}')->>'thread_id' AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
INSERT INTO hitl.escalation SELECT interrupt_id, round, step, kind, planned_at, now(), 'by hand' FROM hitl.timer WHERE interrupt_id = :i AND step = 1;
SET hitl.clock_offset = '21 min';
SELECT hitl.tick();
SELECT step, due_at > hitl._now() AS is_later FROM hitl.deadlines WHERE interrupt_id = :i AND kind = 'step';
SET hitl.clock_offset = '61 min';
SELECT hitl.tick();
SELECT status, decision->>'type' AS type FROM hitl.interrupt WHERE interrupt_id = :i;
RESET hitl.clock_offset;
DELETE FROM hitl.escalation WHERE interrupt_id = :i AND action = 'by hand';
SELECT * FROM hitl.check();
