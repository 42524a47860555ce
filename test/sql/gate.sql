-- A gate: a question in front of a node, declared and not coded; the flowchart of approve, edit, reject and respond.
-- Proves that it fails closed: only a predicate that is true lets the node run without a person.
-- Proves what each decision does, in an executor and inline, and that every fault of a gate is reported.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
RESET client_min_messages;
CREATE TABLE paid(thread_id bigint, amount numeric);
CREATE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO paid VALUES (hitl.current_thread(), (state->'refund_args'->>'amount')::numeric);
  RETURN jsonb_build_object('status', 'paid', 'told', state->'feedback');
END $$;
SELECT hitl.define('{"graph": "gated",
  "nodes": {"pay": {"handler": "pay", "gate": {"action": "refund", "description": "Refund above 1000", "args": "$.refund_args", "skip_when": "$.amount <= 1000", "on_reject": "apologise"}},
            "apologise": {"sql": "SELECT jsonb_build_object(''status'', ''sorry: '' || ($1->''feedback''->>''reason''))"}},
  "edges": [["START", "pay"], ["pay", "END"], ["apologise", "END"]]}');

-- 1. Who is asked?  Only true skips: not a misspelt key, a string for a number, a null, nothing at all.
SELECT input, hitl.invoke('gated', input::jsonb)->>'status' AS status
FROM unnest(ARRAY['{"refund_args": {"amount": 900}}', '{"refund_args": {"amount": 1000}}', '{"refund_args": {"amount": 1000.01}}', '{"refund_args": {"amuont": 900}}',
                  '{"refund_args": {"Amount": 900}}', '{"refund_args": {"amount": "900"}}', '{"refund_args": {"amount": null}}', '{"refund_args": {"amount": true}}',
                  '{"refund_args": {"amount": [900]}}', '{"refund_args": {"amount": {"usd": 900}}}', '{"refund_args": [{"amount": 900}]}', '{"refund_args": {}}', '{"refund_args": 900}',
                  '{"refund_args": null}', '{"refundargs": {"amount": 900}}', '{}']) input;
SELECT amount FROM paid ORDER BY amount;
SELECT DISTINCT node, key, action, description FROM hitl.pending WHERE graph = 'gated';
SELECT args, allowed FROM hitl.pending WHERE graph = 'gated' ORDER BY interrupt_id;
SELECT count(hitl.cancel(thread_id)) FROM hitl.pending WHERE graph = 'gated';
TRUNCATE paid;

-- 2. What a decision does.  edit: what was run is what the state says; reject: elsewhere, with its reason; respond: the output.
CREATE FUNCTION decided(decision jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT hitl.resume((hitl.invoke('gated', '{"refund_args": {"order": "A-1", "amount": 5000}}')->>'thread_id')::bigint, decision) - '{thread_id,interrupts}'::text[] $$;
SELECT decided('{"type": "approve"}');
SELECT decided('{"type": "edit", "edits": {"amount": 70}}');
SELECT decided('{"type": "reject", "reason": "not refundable"}');
SELECT decided('{"type": "respond", "response": {"status": "paid by hand"}}');
SELECT decided('{"type": "respond", "response": "ask for the receipt"}');
SELECT amount FROM paid ORDER BY amount;

-- 3. The same by an executor.
SELECT hitl.start('gated', '{"refund_args": {"order": "A-2", "amount": 6000}}') AS t \gset
SELECT hitl.wait(:t, '20 s');
SELECT hitl.edit(interrupt_id, '{"amount": 60}') IS NOT NULL FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t, '20 s'), hitl.get_state(:t);
SELECT amount FROM paid WHERE thread_id = :t;

-- 4. on_respond run: the response is told to the node; allowed: the types that are taken.
SELECT hitl.define('{"graph": "told", "nodes": {"pay": {"handler": "pay", "gate": {"args": "$.refund_args", "allowed": ["respond", "reject"], "on_respond": "run"}}}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT (hitl.invoke('told', '{"refund_args": {"amount": 1}}')->>'thread_id')::bigint AS t \gset
\set VERBOSITY sqlstate
SELECT hitl.resume(:t, '{"type": "approve"}');
\set VERBOSITY default
SELECT hitl.resume(:t, '{"type": "respond", "response": "call first"}')->'state';
SELECT (hitl.invoke('told', '{"refund_args": {"amount": 1}}')->>'thread_id')::bigint AS t \gset
SELECT hitl.resume(:t, '{"type": "reject"}')->'state';

-- 5. The args change while people think: nothing is done on the old answer.
SELECT hitl.define('{"graph": "late", "nodes": {"pay": {"handler": "pay", "gate": {"args": "$.refund_args"}}}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT (hitl.invoke('late', '{"refund_args": {"amount": 1}}')->>'thread_id')::bigint AS t \gset
UPDATE hitl.checkpoint SET delta = '{"refund_args": {"amount": 1000000}}' WHERE thread_id = :t;
SELECT hitl.resume(:t, '{"type": "approve"}')->>'status' AS status;
SELECT args, supersedes IS NOT NULL AS asks_anew FROM hitl.pending WHERE thread_id = :t;
SELECT count(*) FROM paid WHERE thread_id = :t;

-- 6. Every fault at once.
SELECT hitl.define('{"graph": "bad", "nodes": {"pay": {"handler": "pay", "gate": {"args": "$[0]", "skip_when": "$.amount <<", "on_reject": "nowhere", "allowed": ["aprove"], "on_respond": "x", "typo": 1}},
  "other": {"handler": "pay", "gate": "yes"}}, "edges": [["START", "pay"], ["START", "other"], ["pay", "END"], ["other", "END"]]}');
\echo :SQLSTATE

-- A predicate is strict: what would make something of what is missing is refused.
SELECT hitl.define(jsonb_build_object('graph', 'loose', 'nodes', jsonb_build_object('pay', jsonb_build_object('handler', 'pay', 'gate', jsonb_build_object('skip_when', '!exists($.items[*] ? (@.price > 1000))')),
  'other', jsonb_build_object('handler', 'pay', 'gate', jsonb_build_object('skip_when', '($.amount > 1000) is unknown'))), 'edges', '[["START", "pay"], ["START", "other"], ["pay", "END"], ["other", "END"]]'::jsonb));
\echo :SQLSTATE

SELECT * FROM hitl.check();
DROP TABLE paid CASCADE;
DROP FUNCTION decided, pay;
