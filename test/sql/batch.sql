-- Batches: several actions in one question, decided one by one.
-- Proves: every action keeps its own outcome (a reject of one destroys nothing of the others); the whole can be approved or rejected at once; schemas of actions hold;
-- drafts are kept per person and action, count for nothing, and the last one decides.
SET client_min_messages = warning;
CREATE ROLE batch_owner LOGIN;
CREATE ROLE batch_ann LOGIN IN ROLE batch_owner;
CREATE ROLE batch_bob LOGIN IN ROLE batch_owner;
CREATE ROLE batch_eve LOGIN;
GRANT USAGE ON SCHEMA hitl TO batch_eve;
SELECT hitl.grant_author('batch_owner');
CREATE SCHEMA batch AUTHORIZATION batch_owner;
GRANT USAGE ON SCHEMA batch TO PUBLIC;

\c - batch_owner
SET search_path = batch;
CREATE TABLE done (thread_id bigint, action text, args jsonb);
-- An agent's three calls: what may be done is done, whatever became of the others.
CREATE FUNCTION act(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb := hitl.interrupt('{"actions": [
  {"action": "refund", "args": {"order": "A-2", "amount": 500, "note": "late"}, "args_schema": {"type": "object", "properties": {"amount": {"type": "number", "maximum": 1000}}, "required": ["order", "amount"]}},
  {"action": "mail", "args": {"to": "mia@example.org"}, "description": "Tell her"},
  {"action": "close", "allowed": ["approve", "reject", "respond"]}]}');
BEGIN
  INSERT INTO batch.done SELECT hitl.current_thread(), a->>'action', a->'args' FROM jsonb_array_elements(d->'args') a WHERE a <> 'null';
  RETURN jsonb_build_object('type', d->'type', 'said', (SELECT jsonb_agg(x->>'type') FROM jsonb_array_elements(d->'decisions') x));
END $$;
CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  message := regexp_replace(message, 'interrupt \d+', 'interrupt <id>');
END $$;
SELECT hitl.define('{"graph": "batch", "nodes": {"act": "batch.act"}, "edges": [["START", "act"], ["act", "END"]]}');
SELECT count(hitl.invoke('batch', '{}')) FROM generate_series(1, 5);
SELECT min(interrupt_id) AS a, min(interrupt_id) + 1 AS b, min(interrupt_id) + 2 AS c, min(interrupt_id) + 3 AS d, min(interrupt_id) + 4 AS e FROM hitl.pending WHERE graph = 'batch' \gset
SELECT action, args, allowed FROM hitl.pending WHERE interrupt_id = :a;

-- 1. One decision for each; for all of them; mixed ones that a LangChain middleware would lose.
SELECT status FROM hitl.decide(:a, '{"decisions": [{"type": "edit", "edits": {"amount": 400}, "removed": ["note"]}, {"type": "reject", "reason": "not her"}, {"type": "respond", "response": "later"}]}');
SELECT status FROM hitl.approve(:b);
SELECT status FROM hitl.reject(:c, 'stop');
SELECT hitl.wait(thread_id, '30 s') FROM hitl.decided WHERE graph = 'batch';
SELECT hitl.get_state(thread_id), (SELECT jsonb_agg(jsonb_build_array(action, args) ORDER BY action) FROM done n WHERE n.thread_id = i.thread_id) AS done
FROM hitl.decided i WHERE graph = 'batch' ORDER BY interrupt_id;
SELECT v.type, v.decision FROM hitl.my_decisions v WHERE v.graph = 'batch' ORDER BY interrupt_id;

-- 2. What a batch does not take.
SELECT r.* FROM unnest(ARRAY['{"decisions": [{"type": "approve"}]}', '{"type": "edit", "edits": {"amount": 1}}', '{"type": "respond", "response": 1}',
  '{"decisions": [{"type": "approve"}, {"type": "approve"}, {"type": "edit", "edits": {}}]}', '{"decisions": [{"type": "edit", "edits": {}, "removed": ["note", "memo"]}, {"type": "approve"}, {"type": "approve"}]}']) answer,
  refused(format('SELECT hitl.decide(%s, %L)', :d, answer)) r;

-- 3. Drafts: nothing is decided until the last one is there; another one in its place; mine and not yours.
\c - batch_ann
SET search_path = batch;
SELECT status, drafts, actions FROM hitl.draft(:d, 1, '{"type": "approve"}');
SELECT status, drafts, actions FROM hitl.draft(:d, 3, '{"type": "reject", "message": "not yet"}');
SELECT status, drafts, actions FROM hitl.draft(:d, 1, '{"type": "edit", "edited_action": {"name": "refund", "args": {"order": "A-2", "amount": 300}}}');
SELECT action_no, decision, is_current FROM hitl.drafts WHERE interrupt_id = :d ORDER BY action_no;
SELECT count(*) FROM hitl.pending WHERE interrupt_id = :d;
SELECT r.* FROM (VALUES (0, '{"type": "approve"}'), (4, '{"type": "approve"}'), (3, '{"type": "edit", "edits": {}}'), (2, '{"decisions": []}'), (NULL, '{"type": "approve"}')) v (n, decision),
  refused(format('SELECT hitl.draft(%s, %L, %L)', :d, n, decision)) r;
-- What the whole would be refused for is refused of the one that it is for: a reason that is wanted, an edit that would be under another policy.
\c - batch_owner
SET search_path = batch;
SELECT hitl.create_policy('batch reasons', '{"reason_required": ["reject", "respond"], "starter_may_decide": true}') + hitl.create_policy('batch large', '{}') AS made;
SELECT hitl.create_rule('batch large', 'batch large', action => 'pay', args => '$.amount > 10') IS NOT NULL AS made;
CREATE FUNCTION reasons(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('said', hitl.interrupt('{"policy": "batch reasons", "actions": [{"action": "pay", "args": {"amount": 1}}, {"action": "mail"}]}')->'decisions') $$;
SELECT hitl.define('{"graph": "batch reasons", "nodes": {"ask": "batch.reasons"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.invoke('batch reasons', '{}')#>>'{interrupts,0,interrupt_id}' AS r \gset
SELECT code, message, regexp_replace(detail, 'interrupt \d+', 'interrupt <id>') AS detail FROM (VALUES (1, '{"type": "reject"}'), (2, '{"type": "respond", "response": 1}'), (1, '{"type": "edit", "edits": {"amount": 11}}'), (1, '{"type": "edit", "edits": {"amount": 9}}')) v (n, decision),
  refused(format('SELECT hitl.draft(%s, %L, %L)', :r, n, decision)) r;
SELECT status, drafts, actions FROM hitl.draft(:r, 2, '{"type": "reject", "reason": "no mail"}');
SELECT hitl.drop_rule('batch large');
\c - batch_bob
SET search_path = batch;
SELECT count(*) FROM hitl.drafts;
SELECT status, drafts, actions FROM hitl.draft(:d, 2, '{"type": "approve"}');
\c - batch_eve
SET search_path = batch;
SELECT * FROM refused(format('SELECT hitl.draft(%s, 2, ''{"type": "approve"}'')', :d));
\c - batch_ann
SET search_path = batch;
SELECT hitl.undraft(:d, 3), hitl.undraft(:d, 3);
SELECT status, drafts, actions FROM hitl.draft(:d, 3, '{"type": "respond", "response": "soon"}');
SELECT status, drafts, actions FROM hitl.draft(:d, 2, '{"type": "reject", "reason": "no mail"}');
SELECT hitl.wait(thread_id, '30 s'), settled_by, decision->>'type' AS type, jsonb_path_query_array(decision, '$.decisions[*].type') AS said, decision->'args' AS args FROM hitl.decided WHERE interrupt_id = :d;
-- settled: no drafts are left, of anybody, and none is taken
SELECT code FROM refused(format('SELECT hitl.draft(%s, 2, ''{"type": "approve"}'')', :d));
\c - postgres
SELECT count(*) FROM hitl.draft;
\c - batch_ann
SET search_path = batch;
-- all of them can be forgotten at once
SELECT drafts FROM hitl.draft(:e, 1, '{"type": "approve"}');
SELECT drafts FROM hitl.draft(:e, 2, '{"type": "approve"}');
SELECT hitl.undraft(:e);
SELECT count(*) FROM hitl.drafts;
SELECT status FROM hitl.reject(:e);
SELECT * FROM refused('SELECT hitl.draft(NULL, 1, ''{"type": "approve"}'')');
\c - postgres
SELECT * FROM hitl.check();
