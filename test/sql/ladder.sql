-- Ladders and expiry: what happens when nobody decides, step by step, and when the time is over.
-- Proves every action of a ladder, repeats, warnings, claims that pause it, business time, and all six ends, for a node, a gate, a breakpoint and a subgraph.
-- Nobody waits: hitl.clock_offset moves the clock by which deadlines go.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS hitl CASCADE;
CREATE EXTENSION hitl;
RESET client_min_messages;
CREATE SCHEMA ladder;
SET search_path = ladder;
CREATE ROLE ladder_lead;
CREATE ROLE ladder_boss;
CREATE ROLE ladder_ghost;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('told', hitl.interrupt(jsonb_build_object('action', 'refund', 'args', state->'args')) - 'at') $$;
CREATE FUNCTION acts(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"acted": true}'::jsonb $$;
CREATE FUNCTION elsewhere(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"elsewhere": true}'::jsonb $$;
SELECT hitl.define('{"graph": "steps", "nodes": {"ask": {"handler": "asks"}}, "edges": [["START", "ask"], ["ask", "END"]]}');

-- 1. The steps of a ladder.  The clock is moved forward; each look fires what is due, once.
SELECT hitl.create_policy('steps', '{"starter_may_decide": true, "due_in": "1 hour", "expires_in": "3 hours", "warn_before": "30 minutes", "priority": 5, "ladder": [
  {"after": "10 minutes", "if": "not_claimed", "do": "notify", "repeat": 2, "every": "10 minutes"},
  {"after": "40 minutes", "if": "not_decided", "do": "widen", "role": "ladder_lead"},
  {"after": "50 minutes", "do": "priority", "priority": -3},
  {"after": "70 minutes", "do": "reassign", "role": "ladder_boss"},
  {"after": "80 minutes", "do": "widen", "role": "ladder_ghost"}]}');
SELECT hitl.create_rule('steps', policy => 'steps', graph => 'steps') IS NOT NULL AS made;
SELECT (hitl.invoke('steps', '{"args": {"amount": 5000}}')->>'thread_id')::bigint AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
CREATE VIEW steps AS SELECT kind, step, round, action, role FROM hitl.escalations;
CREATE VIEW plan AS SELECT kind, step, round, extract(epoch FROM due_at - (SELECT opened_at FROM hitl.pending p WHERE p.interrupt_id = d.interrupt_id))::int / 60 AS minutes FROM hitl.deadlines d;
DROP ROLE ladder_ghost;
SELECT * FROM plan;
SELECT hitl.tick() AS too_early;
SET hitl.clock_offset = '11 min';
SELECT hitl.tick(), hitl.tick() AS again;
-- Long after its second round: the third keeps its distance.
SET hitl.clock_offset = '25 min';
SELECT hitl.tick();
SELECT kind, step, round, minutes FROM plan WHERE step = 1;
SET hitl.clock_offset = '55 min';
SELECT hitl.tick();
SELECT role::text, priority FROM hitl.audience WHERE interrupt_id = :i AND role::text LIKE 'ladder%' ORDER BY 1;
SET hitl.clock_offset = '85 min';
SELECT hitl.tick();
SELECT role::text, priority FROM hitl.audience WHERE interrupt_id = :i ORDER BY 1;
SET hitl.clock_offset = '151 min';
SELECT hitl.tick();
SET hitl.clock_offset = '181 min';
SELECT hitl.tick();
SELECT * FROM steps;
SELECT event, actor_kind, detail FROM hitl.timeline WHERE thread_id = :t AND interrupt_id = :i AND event NOT IN ('opened') ORDER BY audit_id;
SELECT status, due_at < hitl._now() AS overdue FROM hitl.interrupt WHERE interrupt_id = :i;
SELECT kind, count(*) FROM hitl.outbox WHERE interrupt_id = :i GROUP BY 1 ORDER BY 1;
RESET hitl.clock_offset;
SELECT hitl.cancel(:t);
SELECT count(*) FROM hitl.timer WHERE interrupt_id = :i;

-- Under a quorum by groups, who comes by the ladder and is in none of them counts for nothing: that is said when the policy is made.
SELECT hitl.create_policy('counted', '{"quorum": {"ladder_lead": 1}, "ladder": [{"after": "1 hour", "do": "notify", "role": "ladder_boss"}, {"after": "2 hours", "do": "reassign", "role": "ladder_boss"}, {"after": "3 hours", "do": "widen", "role": "ladder_lead"}]}');
GRANT ladder_lead TO ladder_boss;
SELECT hitl.create_policy('counted', '{"quorum": {"weights": {"ladder_lead": 1}, "needed": 2}, "ladder": [{"after": "2 hours", "do": "reassign", "role": "ladder_boss"}]}');
REVOKE ladder_lead FROM ladder_boss;

-- 2. A claim pauses the steps for what nobody has claimed; they go on when it lapses or is given back.
SELECT hitl.create_policy('steps', '{"starter_may_decide": true, "ladder": [{"after": "10 minutes", "if": "not_claimed", "do": "priority", "priority": -1}, {"after": "10 minutes", "if": "not_decided", "do": "notify"}]}');
SELECT (hitl.invoke('steps', '{"args": {"amount": 1}}')->>'thread_id')::bigint AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
SELECT hitl.claim(:i, '30 minutes') IS NOT NULL AS claimed;
SET hitl.clock_offset = '11 min';
SELECT hitl.tick();
SELECT * FROM plan;
SET hitl.clock_offset = '31 min';
SELECT hitl.tick();
SELECT kind, step, action FROM hitl.escalations WHERE interrupt_id = :i;
RESET hitl.clock_offset;
SELECT hitl.cancel(:t);
SELECT (hitl.invoke('steps', '{"args": {"amount": 1}}')->>'thread_id')::bigint AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
SELECT hitl.claim(:i, '30 minutes') IS NOT NULL AS claimed;
SET hitl.clock_offset = '11 min';
SELECT hitl.tick();
SELECT hitl.release(:i);
SELECT * FROM plan;
SELECT hitl.tick();
RESET hitl.clock_offset;
SELECT hitl.cancel(:t);
-- Also if its holder makes it shorter.
SELECT (hitl.invoke('steps', '{"args": {"amount": 1}}')->>'thread_id')::bigint AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
SELECT hitl.claim(:i, '8 hours') IS NOT NULL AS claimed;
SET hitl.clock_offset = '11 min';
SELECT hitl.tick();
SELECT hitl.claim(:i, '20 minutes') IS NOT NULL AS shortened;
SELECT hitl.tick() AS still_held;
SET hitl.clock_offset = '32 min';
SELECT hitl.tick();
RESET hitl.clock_offset;
SELECT hitl.cancel(:t);

-- 3. A step that decides, and the six ends.  What ran out is expired; a person is told so (IH001).
CREATE FUNCTION ends(graph text, policy jsonb, input jsonb DEFAULT '{"args": {"amount": 5000}}', OUT status text, OUT decision jsonb, OUT thread text, OUT state jsonb, OUT error jsonb) LANGUAGE plpgsql AS $$
DECLARE
  t bigint; i bigint;
BEGIN
  PERFORM hitl.create_policy('end', '{"expires_in": "1 hour"}' || policy);
  t := hitl.invoke(graph, input)->>'thread_id';
  SELECT p.interrupt_id INTO STRICT i FROM hitl.pending p WHERE p.root_id = t;
  -- a breakpoint has no policy of its own: it is given one by hand
  IF graph = 'end break' THEN
    PERFORM hitl.set_deadline(i, expires_at => now() + '1 hour');
    UPDATE hitl.interrupt n SET policy_id = p.policy_id, policy_version = p.version FROM hitl.policy p WHERE n.interrupt_id = i AND p.policy = 'end';
  END IF;
  SET LOCAL hitl.clock_offset = '2 h';
  PERFORM hitl.tick();
  SET LOCAL hitl.clock_offset = 0;
  CALL hitl.run_pending();
  SELECT n.status, n.decision - '{at,args}'::text[] INTO status, decision FROM hitl.interrupt n WHERE n.interrupt_id = i;
  SELECT h.status, hitl.get_state(t) - 'args' INTO thread, state FROM hitl.threads h WHERE h.thread_id = t;
  SELECT jsonb_build_array(f.sqlstate, regexp_replace(f.message, '\d+', 'N'), regexp_replace(f.detail, '\d+', 'N')) INTO error FROM hitl.failed f WHERE f.root_id = t;
END $$;
SELECT hitl.create_policy('end', '{}') AS version;
SELECT hitl.define('{"graph": "end node", "nodes": {"ask": {"handler": "asks", "destinations": ["other", "END"]}, "other": {"handler": "elsewhere"}}, "edges": [["START", "ask"], ["ask", "END"], ["other", "END"]]}');
SELECT hitl.define('{"graph": "end gate", "nodes": {"pay": {"handler": "acts", "gate": {"action": "pay", "args": "$.args", "on_reject": "END", "feedback_key": "said"}, "destinations": ["other", "END"]}, "other": {"handler": "elsewhere"}}, "edges": [["START", "pay"], ["pay", "END"], ["other", "END"]]}');
SELECT hitl.define('{"graph": "end break", "nodes": {"pay": {"handler": "acts", "destinations": ["other", "END"]}, "other": {"handler": "elsewhere"}}, "edges": [["START", "pay"], ["pay", "END"], ["other", "END"]], "interrupt_before": ["pay"]}');
SELECT hitl.define('{"graph": "end above", "nodes": {"below": {"subgraph": {"graph": "end node"}}}, "edges": [["START", "below"], ["below", "END"]]}');
SELECT count(hitl.create_rule(graph, policy => 'end', graph => graph)) FROM unnest('{end node,end gate}'::text[]) graph;
CREATE TABLE policies (n int, policy jsonb);
INSERT INTO policies VALUES (1, '{"on_expiry": "stay"}'), (2, '{"on_expiry": "reject"}'), (3, '{"on_expiry": {"type": "approve", "without_a_person": true}}'), (4, '{"on_expiry": {"type": "respond", "response": {"sorry": true}}}'),
  (5, '{"on_expiry": {"type": "route", "node": "other"}}'), (6, '{"on_expiry": {"type": "route", "node": "nowhere"}}'), (7, '{"on_expiry": "fail"}'),
  (8, '{"ladder": [{"after": "30 minutes", "do": "decide", "decision": {"type": "reject", "reason": "nobody came"}}]}'),
  (9, '{"ladder": [{"after": "30 minutes", "do": "decide", "decision": {"type": "edit", "edits": {"amount": 10}}, "without_a_person": true}], "on_expiry": "reject"}'), (10, '{"on_expiry": {"type": "route", "node": "END"}}');
SET client_min_messages = warning;
\pset format unaligned
SELECT graph, policy->'on_expiry' AS on_expiry, e.* FROM unnest('{end node,end gate,end break,end above}'::text[]) WITH ORDINALITY g (graph, place), policies, LATERAL ends(graph, policy) e ORDER BY place, n;
\pset format aligned

-- Whatever ends it, who could decide it is told, while that is known.
SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM hitl.outbox o WHERE o.interrupt_id = i.interrupt_id AND o.kind = 'expired')) AS told FROM hitl.interrupt i WHERE status = 'expired' AND decision->>'by' = 'deadline';

-- A person who comes too late; and what failed for want of an answer is asked anew.
SELECT hitl.create_policy('end', '{"expires_in": "1 hour", "on_expiry": "fail", "starter_may_decide": true}') AS version;
CREATE TABLE again AS SELECT graph, (hitl.invoke(graph, '{"args": {"amount": 2}}')->>'thread_id')::bigint AS t FROM unnest('{end node,end gate,end above}'::text[]) graph;
SELECT interrupt_id AS i FROM hitl.pending WHERE root_id = (SELECT min(t) FROM again) \gset
SET hitl.clock_offset = '2 h';
SELECT hitl.tick() > 0 AS fired;
RESET hitl.clock_offset;
SELECT graph, hitl.wait(t, '20 s') AS status FROM again ORDER BY t;
\set VERBOSITY sqlstate
SELECT hitl.approve(:i);
\set VERBOSITY default
SELECT graph, hitl.retry(t) AS retried FROM again ORDER BY t;
SELECT graph, hitl.wait(t, '20 s') AS status FROM again ORDER BY t;
SELECT p.graph, p.key, o.status, o.decision->>'type' AS type FROM hitl.pending p JOIN again a ON a.t = p.root_id JOIN hitl.interrupt o ON o.interrupt_id = p.supersedes ORDER BY a.t;
SELECT count(hitl.approve(interrupt_id)) FROM hitl.pending p JOIN again a ON a.t = p.root_id;
SELECT graph, hitl.wait(t, '20 s') AS status, hitl.get_state(t) - 'args' AS state FROM again ORDER BY t;

-- To bring an expiry forward that says yes would be to say yes.
SELECT hitl.create_policy('end', '{"expires_in": "1 hour", "on_expiry": {"type": "approve", "without_a_person": true}}') AS version;
SELECT (hitl.invoke('end node', '{"args": {"amount": 3}}')->>'thread_id')::bigint AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
\set VERBOSITY sqlstate
SELECT hitl.set_deadline(:i, expires_at => now());
SELECT hitl.set_deadline(:i, expires_at => now() + '3 hours', reason => 'they are on their way');
\set VERBOSITY default
SET hitl.clock_offset = '2 h';
SELECT hitl.tick();
RESET hitl.clock_offset;
SELECT hitl.cancel(:t);
-- Nor one that answers; one that says no may come earlier.
SELECT hitl.create_policy('end', '{"expires_in": "1 hour", "on_expiry": {"type": "respond", "response": "sorry"}}') AS version;
SELECT (hitl.invoke('end node', '{"args": {"amount": 3}}')->>'thread_id')::bigint AS t \gset
SELECT hitl.create_policy('end', '{"expires_in": "1 hour", "on_expiry": "reject"}') AS version;
SELECT (hitl.invoke('end node', '{"args": {"amount": 3}}')->>'thread_id')::bigint AS u \gset
\set VERBOSITY sqlstate
SELECT hitl.set_deadline(interrupt_id, expires_at => now() + '10 minutes') FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.set_deadline(interrupt_id, expires_at => now() + '10 minutes') FROM hitl.pending WHERE thread_id = :u;
\set VERBOSITY default
SELECT hitl.cancel(:t), hitl.cancel(:u);
-- An answer of the policy's that its own schema does not take is none.
SELECT hitl.create_policy('end', '{"expires_in": "1 hour", "response_schema": {"type": "number"}, "on_expiry": {"type": "respond", "response": "sorry"}}') AS version;
SELECT (hitl.invoke('end node', '{"args": {"amount": 3}}')->>'thread_id')::bigint AS t \gset
SET hitl.clock_offset = '2 h';
SELECT hitl.tick();
RESET hitl.clock_offset;
SELECT hitl.wait(:t, '20 s');
SELECT sqlstate, detail FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.cancel(:t);

-- 4. Business time: a function of a superuser's knows nights and weekends.
CREATE FUNCTION office(from_ timestamptz, wait interval) RETURNS timestamptz LANGUAGE sql AS $$ SELECT from_ + wait + '1 day' $$;
SELECT hitl.create_policy('steps', '{"business_time": "office", "due_in": "1 hour", "ladder": [{"after": "10 minutes", "do": "notify", "repeat": 1, "every": "20 minutes"}]}') AS version;
SELECT (hitl.invoke('steps', '{"args": {"amount": 1}}')->>'thread_id')::bigint AS t \gset
SELECT * FROM plan;
SET hitl.clock_offset = '1451 min';
SELECT hitl.tick();
SELECT * FROM plan WHERE kind = 'step';
RESET hitl.clock_offset;
SELECT hitl.cancel(:t);
-- What it raises later does not stop the ladder: the repeat then goes by the calendar.
SELECT (hitl.invoke('steps', '{"args": {"amount": 2}}')->>'thread_id')::bigint AS t \gset
CREATE OR REPLACE FUNCTION office(from_ timestamptz, wait interval) RETURNS timestamptz LANGUAGE sql AS $$ SELECT from_ + wait / 0 $$;
SET hitl.clock_offset = '1451 min';
SELECT hitl.tick();
SELECT * FROM plan WHERE kind = 'step';
RESET hitl.clock_offset;
SELECT hitl.cancel(:t);
-- So it does if it takes longer than a node may.
CREATE OR REPLACE FUNCTION office(from_ timestamptz, wait interval) RETURNS timestamptz LANGUAGE sql AS $$ SELECT from_ + wait $$;
SELECT (hitl.invoke('steps', '{"args": {"amount": 2}}')->>'thread_id')::bigint AS t \gset
CREATE OR REPLACE FUNCTION office(from_ timestamptz, wait interval) RETURNS timestamptz LANGUAGE sql AS $$ SELECT from_ + wait FROM pg_sleep(600) $$;
SET hitl.clock_offset = '11 min';
SET hitl.node_timeout = '100 ms';
SELECT hitl.tick();
SELECT * FROM plan WHERE kind = 'step';
RESET hitl.node_timeout;
RESET hitl.clock_offset;
SELECT hitl.cancel(:t);
CREATE OR REPLACE FUNCTION office(from_ timestamptz, wait interval) RETURNS timestamptz LANGUAGE sql AS $$ SELECT from_ + wait / 0 $$;
-- At the opening it is the node's error; so is a time that is no later one, by which a repeat would have no end.
SELECT hitl.invoke('steps', '{"args": {"amount": 3}}')->'error'->>'sqlstate' AS error;
CREATE OR REPLACE FUNCTION office(from_ timestamptz, wait interval) RETURNS timestamptz LANGUAGE sql AS $$ SELECT from_ $$;
SELECT hitl.invoke('steps', '{"args": {"amount": 4}}')->'error'->>'message' AS error;

-- 5. What goes wrong with one interrupt stops no other, before it and behind it: it is put off.
SELECT hitl.create_policy('steps', '{"due_in": "1 hour"}') AS version;
CREATE TABLE several AS SELECT n, (hitl.invoke('steps', jsonb_build_object('args', n))->>'thread_id')::bigint AS t FROM generate_series(1, 4) n;
INSERT INTO hitl.escalation SELECT d.interrupt_id, d.round, d.step, d.kind, d.planned_at, now(), 'by hand' FROM hitl.deadlines d JOIN several ON t = thread_id WHERE n = 2;
SET hitl.clock_offset = '2 h';
SELECT hitl.tick();
SELECT n, due_at - planned_at > '1 hour' AS is_put_off FROM hitl.deadlines JOIN several ON t = thread_id;
SELECT n, regexp_replace(substring(explanation FROM 'It is overdue.*'), '\d{4}-\S+ \S+', '<time>', 'g') AS why FROM several, hitl.why(t) ORDER BY n;
DELETE FROM hitl.escalation WHERE action = 'by hand';
SELECT hitl.tick() AS too_early;
SET hitl.clock_offset = '122 min';
SELECT hitl.tick();
SELECT n, action FROM hitl.escalations JOIN several ON t = thread_id ORDER BY n;
RESET hitl.clock_offset;
SELECT * FROM hitl.check();
