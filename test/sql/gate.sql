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

-- 7. An edit is what the args are from now on, whatever the reducer of their channel: it is not one more update of them. What the node itself writes comes after it.
CREATE FUNCTION adds(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT COALESCE(NULLIF(state->'writes', 'null'), '{}') || jsonb_build_object('seen', state->'c') $$;
CREATE FUNCTION last_word(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('was', current) || update $$;
CREATE FUNCTION edited(reducer text, initial jsonb, edits jsonb, writes jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM hitl.define(jsonb_build_object('graph', 'edited ' || reducer, 'channels', jsonb_build_object('c', jsonb_build_object('reducer', reducer)),
    'nodes', '{"n": {"handler": "adds", "gate": {"args": "$.c"}}}'::jsonb, 'edges', '[["START", "n"], ["n", "END"]]'::jsonb));
  RETURN (SELECT jsonb_build_object('c', d#>'{state,c}', 'seen', d#>'{state,seen}', 'error', d#>'{error,message}')
    FROM hitl.invoke('edited ' || reducer, jsonb_build_object('c', initial, 'writes', writes)) i, hitl.resume((i->>'thread_id')::bigint, jsonb_build_object('type', 'edit', 'edits', edits)) d);
END $$;
SELECT reducer, edited(reducer, '{"id": 1, "n": {"x": 1}}', '{"n": {"y": 2}}', NULL) AS node_writes_nothing, edited(reducer, '{"id": 1, "n": {"x": 1}}', '{"n": {"y": 2}}', '{"c": {"id": 1, "m": 3}}') AS node_writes
FROM unnest('{overwrite, merge, last_word}'::text[]) reducer;
-- Args further down: the channel is what it was but for the edit.
SELECT hitl.define('{"graph": "deep edit", "channels": {"c": "merge", "list": "append", "sum": "add", "low": "min", "high": "max", "set": "union", "talk": "messages"}, "nodes": {"n": {"sql": "SELECT jsonb_build_object(''list'', 3, ''sum'', 100, ''low'', 4, ''high'', 4, ''set'', 3, ''talk'', jsonb_build_object(''id'', 3))", "gate": {"args": "$.c.order"}},
  "all": {"sql": "SELECT jsonb_build_object(''list'', 3, ''sum'', 100, ''low'', 4, ''high'', 4, ''set'', 3, ''talk'', jsonb_build_object(''id'', 3))", "gate": {}}}, "edges": [["START", "n"], ["n", "all"], ["all", "END"]]}');
SELECT hitl.invoke('deep edit', '{"c": {"order": {"id": 1, "cents": 5}, "other": true}, "list": [1, 2], "sum": 1, "low": 9, "high": 1, "set": [1, 2], "talk": [{"id": 1}]}')->>'thread_id' AS t \gset
SELECT hitl.resume(:t, '{"type": "edit", "edits": {"cents": 4}}')->'state' AS state;
-- With the whole state as args, an edit is written to the state too, key by key.
SELECT hitl.resume(:t, '{"type": "edit", "edits": {"list": [7], "sum": 50, "low": 3, "high": 5, "set": [8, 3], "talk": [{"id": 8}], "new": {"key": null}, "c": {"order": null}}}')->'state' AS state;
-- What others write to the channel in the same step is not lost; two edits of one channel have no order.
SELECT hitl.define('{"graph": "beside", "channels": {"c": "append"}, "nodes": {"n": {"sql": "SELECT NULL::jsonb", "gate": {}}, "o": {"sql": "SELECT ''{\"c\": \"by o\"}''::jsonb"}, "p": {"sql": "SELECT ''{\"c\": \"by p\"}''::jsonb", "gate": {"skip_when": "$.alone == true"}}},
  "edges": [["START", "n"], ["START", "o"], ["START", "p"], ["n", "END"], ["o", "END"], ["p", "END"]]}');
SELECT hitl.invoke('beside', '{"c": ["first"], "alone": true}')->>'thread_id' AS t \gset
SELECT hitl.resume(:t, '{"type": "edit", "edits": {"c": ["edited"]}}')->'state' AS state;
SELECT hitl.invoke('beside', '{"c": ["first"]}')->>'thread_id' AS t \gset
SELECT count(hitl.edit(interrupt_id, jsonb_build_object('c', jsonb_build_array(node)))) FROM hitl.pending WHERE thread_id = :t;
CALL hitl.run_pending();
SELECT hitl.wait(:t);
SELECT sqlstate, message, detail FROM hitl.failed WHERE thread_id = :t;
-- A task with an input of its own has its args there: the edit is in that, and the state is left alone.
CREATE FUNCTION sends(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.send('n', '{"c": {"cents": 5}}') $$;
SELECT hitl.define('{"graph": "sent", "nodes": {"n": {"sql": "SELECT jsonb_build_object(''seen'', $1)", "gate": {"args": "$.c"}}}, "conditional_edges": [{"source": "START", "router": "sends", "map": {"n": "n"}}], "edges": [["n", "END"]]}');
SELECT hitl.invoke('sent', '{"c": "the state''s"}')->>'thread_id' AS t \gset
SELECT hitl.resume(:t, '{"type": "edit", "edits": {"cents": 4}}')->'state' AS state;

-- 8. Feedback is news, and an update like others: a channel that appends has it beside what was there. The node sees the channel as it will be.
SELECT hitl.define('{"graph": "feeds", "channels": {"talk": "append"}, "nodes": {"n": {"sql": "SELECT jsonb_build_object(''seen'', $1->''talk'', ''talk'', ''answer'')", "gate": {"args": "$.c", "feedback_key": "talk", "on_respond": "run"}}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.invoke('feeds', '{"talk": ["hello"]}')->>'thread_id' AS t \gset
SELECT hitl.resume(:t, '{"type": "respond", "response": "be brief"}')->'state' AS state;
SELECT hitl.invoke('feeds', '{"talk": ["hello"]}')->>'thread_id' AS t \gset
SELECT hitl.resume(:t, '{"type": "reject", "reason": "no"}')->'state' AS state;
SELECT hitl.define('{"graph": "bad", "channels": {"sum": "add"}, "nodes": {"n": {"handler": "adds", "gate": {"feedback_key": "sum"}}}, "edges": [["START", "n"], ["n", "END"]]}');
\echo :SQLSTATE

SELECT * FROM hitl.check();
DROP TABLE paid CASCADE;
DROP FUNCTION decided, pay, adds, last_word, edited, sends;
