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
SELECT * FROM hitl.check();
