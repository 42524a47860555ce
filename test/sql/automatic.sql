-- What may run without a person: a rule's skip_when, and a gate's. The node goes on with a decision that says that it was automatic and by which rule, and each verdict is
-- counted, once, in the commit of what the node did: so the share of actions that needed a person is a number. Only true lets something pass.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
CREATE TABLE auto_paid (amount numeric, decision jsonb);
CREATE FUNCTION auto_pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  decision jsonb := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', state->'args'));
BEGIN
  INSERT INTO auto_paid SELECT (decision->'args'->>'amount')::numeric, decision - 'at' - 'by' WHERE decision->>'type' <> 'reject';
  IF state ? 'fails' THEN RAISE 'told to fail'; END IF;
  RETURN '{}';
END $$;
SELECT hitl.define('{"graph": "auto", "nodes": {"pay": "auto_pay"}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT hitl.create_policy('auto two', '{"quorum": 2}') IS NOT NULL AND hitl.create_rule('auto small', 'auto two', action => 'refund', graph => 'auto', skip_when => '$.amount <= 1000') IS NOT NULL AS are_made;

-- 1. A hundred actions: what is small, and known to be, passes; all others wait for people, under the rule's policy.
SELECT hitl.invoke('auto', jsonb_build_object('args', args))->>'status' AS status, args FROM unnest(ARRAY['{"amount": 5}', '{"amount": 1000}', '{"amount": 1000.01}', '{"amuont": 5}', '{"amount": null}', '{"amount": "5"}', 'null']::jsonb[]) args;
SELECT amount, decision FROM auto_paid ORDER BY amount;
SELECT count(*) FILTER (WHERE hitl.invoke('auto', jsonb_build_object('args', jsonb_build_object('amount', 950 + i)))->>'status' = 'done') AS passed, count(*) AS of FROM generate_series(1, 93) i;
-- The number: of all actions, the share that needed somebody.
SELECT a.verdicts AS automatic, i.n AS asked, round(100.0 * i.n / (a.verdicts + i.n), 1) AS percent FROM (SELECT sum(verdicts) AS verdicts FROM hitl.automatic_verdicts WHERE rule = 'auto small') a, (SELECT count(*) AS n FROM hitl.interrupt WHERE rule = 'auto small') i;
SELECT day = (now() AT TIME ZONE 'UTC')::date AS is_today, rule, graph, node, action, verdicts FROM hitl.automatic_verdicts WHERE graph = 'auto';
-- It is in the trail of the thread too.
SELECT event, detail FROM hitl.timeline WHERE thread_id = (SELECT min(thread_id) FROM hitl.automatic_verdict JOIN hitl.graph USING (graph_id) WHERE graph = 'auto') AND event = 'executed';

-- 2. Counted in the commit of the effects: a run that fails, and what is rolled back, count nothing.
SELECT hitl.invoke('auto', '{"args": {"amount": 7}, "fails": 1}')->>'status' AS status;
BEGIN;
SELECT hitl.invoke('auto', '{"args": {"amount": 8}}')->>'status' AS status;
ROLLBACK;
SELECT (SELECT sum(verdicts) FROM hitl.automatic_verdicts WHERE graph = 'auto') AS verdicts, (SELECT count(*) FROM auto_paid) AS paid;

-- 3. Once, however often the node runs: here it asks for what passes, then for what does not, then does a step; it runs three times.
CREATE FUNCTION auto_noop(args jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT args $$;
CREATE FUNCTION auto_three(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  a jsonb := hitl.interrupt('{"action": "refund", "args": {"amount": 1}}', 'a');
  b jsonb := hitl.interrupt('{"action": "refund", "args": {"amount": 9999}}', 'b');
  c jsonb := hitl.step('c', 'auto_noop');
  d jsonb := hitl.interrupt('{"action": "refund", "args": {"amount": 2}}', 'd');
BEGIN
  RETURN jsonb_build_object('a', a - 'at', 'b', b->'type', 'd', d - 'at');
END $$;
SELECT hitl.define('{"graph": "auto three", "nodes": {"n": "auto_three"}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.create_rule('auto three', action => 'refund', graph => 'auto three', skip_when => '$.amount <= 1000') IS NOT NULL AS is_made;
SELECT hitl.invoke('auto three')->>'thread_id' AS t \gset
SELECT count(*) FROM hitl.automatic_verdict WHERE thread_id = :t;
SELECT hitl.resume(:t, '{"type": "approve"}')->'state' AS state;
SELECT key, action, rule FROM hitl.automatic_verdict WHERE thread_id = :t ORDER BY key;

-- 4. A gate's skip_when counts as its own rule, "gate"; also in front of a subgraph, where the task waits.
SELECT hitl.define('{"graph": "auto below", "nodes": {"n": {"sql": "SELECT ''{}''::jsonb"}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.define('{"graph": "auto gate", "nodes": {"pay": {"sql": "SELECT ''{}''::jsonb", "gate": {"action": "refund", "args": "$.args", "skip_when": "$.amount <= 10"}}, "sub": {"subgraph": "auto below", "gate": {"args": "$.args", "skip_when": "$.amount <= 10"}}}, "edges": [["START", "pay"], ["pay", "sub"], ["sub", "END"]]}');
SELECT hitl.invoke('auto gate', '{"args": {"amount": 5}}')->>'status' AS status;
SELECT rule, graph, node, action, verdicts FROM hitl.automatic_verdicts WHERE graph = 'auto gate';
-- Where the gate asks, a rule may still say that nobody need be asked.
SELECT hitl.invoke('auto gate', '{"args": {"amount": 50}}')->>'status' AS status;
SELECT hitl.create_rule('auto gate', graph => 'auto gate', skip_when => '$.amount <= 100') IS NOT NULL AS is_made;
SELECT hitl.invoke('auto gate', '{"args": {"amount": 60}}')->>'status' AS status;
SELECT rule, node, verdicts FROM hitl.automatic_verdicts WHERE graph = 'auto gate';
SELECT hitl.invoke('auto gate', '{"args": {"amount": 600}}')->>'status' AS status;

-- 5. A batch passes if each of its actions does.
CREATE FUNCTION auto_batch(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('heard', hitl.interrupt(jsonb_build_object('actions', $1->'actions')) - 'at') $$;
SELECT hitl.define('{"graph": "auto batch", "nodes": {"n": "auto_batch"}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.create_rule('auto batch', action => 'refund', graph => 'auto batch', skip_when => '$.amount <= 100') IS NOT NULL AS is_made;
SELECT hitl.invoke('auto batch', '{"actions": [{"action": "refund", "args": {"amount": 5}}, {"action": "refund", "args": {"amount": 6}}]}')->'state'->'heard' AS heard;
SELECT hitl.invoke('auto batch', '{"actions": [{"action": "refund", "args": {"amount": 5}}, {"action": "refund", "args": {"amount": 600}}]}')->>'status' AS status;
SELECT hitl.invoke('auto batch', '{"actions": [{"action": "refund", "args": {"amount": 5}}, {"action": "look", "args": {}}]}')->>'status' AS status;
SELECT rule, action, verdicts FROM hitl.automatic_verdicts WHERE graph = 'auto batch';

-- 6. Who was asked once is asked again: a rule made meanwhile does not answer for him when the node asks for something else.
CREATE FUNCTION auto_moves(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('heard', hitl.interrupt(jsonb_build_object('action', 'refund', 'args', jsonb_build_object('amount', (SELECT count(*) FROM auto_paid)))) - 'at') $$;
SELECT hitl.define('{"graph": "auto moves", "nodes": {"n": "auto_moves"}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.invoke('auto moves')->>'thread_id' AS t \gset
SELECT hitl.create_rule('auto moves', graph => 'auto moves', skip_when => '$.amount >= 0') IS NOT NULL AS is_made;
DELETE FROM auto_paid;
SELECT hitl.resume(:t, '{"type": "approve"}')->>'status' AS status;
SELECT hitl.resume(:t, '{"type": "approve"}')->'state'->'heard' AS heard;
SELECT count(*) FROM hitl.automatic_verdict WHERE thread_id = :t;

SELECT hitl.drop_rule(rule) FROM hitl.rules WHERE rule LIKE 'auto %';
SELECT * FROM hitl.check();
DROP TABLE auto_paid;
