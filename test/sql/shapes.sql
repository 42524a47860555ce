-- A question in the shapes of LangChain, the Agent Inbox, AG-UI and MCP, and answers in theirs, the AI SDK's, Cloudflare's, ADK's and HumanLayer's.
-- Proves: each shape goes to the node and back; an edit of all args ends with those args; what was shown is what is accepted; cancel and ignore are no reject;
-- what is misspelt, ambiguous, meant for another question or edits another action is refused, and decides nothing.
SET client_min_messages = warning;
CREATE SCHEMA shapes;
SET search_path = shapes;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN jsonb_build_object('heard', hitl.interrupt(state->'payload')); END $$;
SELECT hitl.define('{"graph": "shapes", "nodes": {"ask": "shapes.asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');

-- Asks, and returns the interrupt.
CREATE FUNCTION asked(payload jsonb) RETURNS bigint LANGUAGE sql AS $$
  SELECT (hitl.invoke('shapes', jsonb_build_object('payload', payload))->'interrupts'->0->>'interrupt_id')::bigint $$;
-- Asks, answers, and says what the node is handed; "<id>" in the answer is the interrupt's id.  A refusal as "SQLSTATE message | detail".
CREATE FUNCTION told(payload jsonb, answer text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  id bigint := shapes.asked(payload); verdict record; code text; message text; detail text;
BEGIN
  SELECT * INTO verdict FROM hitl.decide(id, replace(answer, '<id>', id::text)::jsonb);
  IF verdict.status = 'pending' THEN RETURN 'pending'; END IF;
  RETURN (SELECT decision - 'by' - 'at' FROM hitl.decided WHERE interrupt_id = id);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  RETURN format('%s %s | %s', code, regexp_replace(message, 'interrupt \d+', 'interrupt <id>'), detail);
END $$;
CREATE FUNCTION shown(statement text, OUT code text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
  message := regexp_replace(message, 'interrupt \d+', 'interrupt <id>');
END $$;
CREATE TABLE refund AS SELECT '{"action": "refund", "args": {"order": "A-2", "amount": 4200, "note": null, "items": [1, 2]}, "description": "Refund above 1000"}'::jsonb AS payload;

-- 1. How others see it.
SELECT asked(payload) AS id FROM refund \gset
SELECT jsonb_pretty(hitl.as_langchain(:id)) AS python;
SELECT jsonb_pretty(hitl.as_langchain(:id, casing => 'camel')) AS javascript;
SELECT replace(hitl.as_langchain(:id, per_call => true)::text, format('"%s"', :id), '"<id>"') AS per_call;
SELECT jsonb_pretty(hitl.as_agent_inbox(:id)) AS agent_inbox;
SELECT replace(hitl.as_agui(:id)::text, format('"%s"', :id), '"<id>"') AS agui;
SELECT jsonb_pretty(hitl.as_mcp(:id)) AS mcp;
-- a question without a name, without args; one with a schema of its own; one that may only be approved
SELECT asked('"May I go on?"') AS id \gset
SELECT hitl.as_langchain(:id)->'action_requests' AS langchain, hitl.as_mcp(:id) AS mcp, hitl.as_agui(:id) - 'id' - 'responseSchema' AS agui;
SELECT asked('{"question": "Which day?", "response_schema": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}}') AS id \gset
SELECT hitl.as_mcp(:id)->'requestedSchema' AS mcp, hitl.as_agui(:id)->'responseSchema' AS agui;
SELECT asked('{"action": "go", "allowed": ["approve"]}') AS id \gset
SELECT hitl.as_mcp(:id) AS mcp, hitl.as_agent_inbox(:id)->0->'config' AS inbox;
-- that somebody looked is in the trail
SELECT count(*) FROM hitl.timeline WHERE event = 'viewed' AND interrupt_id = :id;

-- 2. Their answers.
SELECT answer, told(payload, answer) FROM refund, unnest(ARRAY[
  -- ours, and LangChain's middleware and per call
  '{"type": "approve"}',
  '{"decisions": [{"type": "approve"}]}',
  '{"decisions": [{"type": "reject", "message": "too much"}]}',
  '{"decisions": [{"type": "respond", "message": "ask for the receipt"}]}',
  '{"type": "reject", "message": "too much"}',
  '{"type": "respond", "message": "ask first"}',
  '{"type": "edit", "edited_action": {"name": "refund", "args": {"order": "A-2", "amount": 4000, "note": null, "items": [1, 2]}}}',
  '{"decisions": [{"type": "edit", "editedAction": {"name": "refund", "args": {"order": "A-2", "amount": 4000, "to": "card"}}}]}',
  -- the Agent Inbox sends args as strings
  '[{"type": "accept", "args": null}]',
  '[{"type": "accept", "args": {"action": "refund", "args": {"order": "A-2", "amount": "4200", "note": "null", "items": "[1, 2]"}}}]',
  '[{"type": "edit", "args": {"action": "refund", "args": {"order": "A-3", "amount": "4000.50", "note": "null", "items": "[1]"}}}]',
  '[{"type": "response", "args": "ask first"}]',
  -- AG-UI, with a payload of ours or LangChain's
  '{"interruptId": "<id>", "status": "resolved"}',
  '[{"interruptId": "<id>", "status": "resolved", "payload": {"type": "reject", "reason": "no"}}]',
  '{"interruptId": "<id>", "status": "resolved", "payload": {"approved": false, "reason": "no"}, "metadata": {"ui": 1}}',
  -- MCP
  '{"action": "accept"}',
  '{"action": "accept", "content": {"order": "A-2", "amount": 4200}}',
  '{"action": "accept", "content": {"order": "A-2", "amount": 4000}}',
  '{"action": "decline"}',
  -- the AI SDK, Cloudflare, ADK, HumanLayer, LangGraph's command
  '{"type": "tool-approval-response", "approvalId": "<id>", "approved": true, "reason": "fine"}',
  '{"approved": false, "reason": "no", "metadata": {"by": "mia"}}',
  '{"hint": "?", "payload": null, "confirmed": true}',
  '{"run_id": "r", "call_id": "<id>", "spec": {"fn": "refund"}, "status": {"requested_at": "t", "approved": false, "comment": "no"}}',
  '{"run_id": "r", "call_id": "<id>", "spec": {"msg": "?"}, "status": {"requested_at": "t", "response": "ask first"}}',
  '{"resume": {"type": "approve"}}', '{"resume": {"<id>": {"decisions": [{"type": "approve"}]}}}']) answer;
-- what the AI SDK's reason is when it approves: a comment
SELECT DISTINCT comment FROM hitl.my_decisions WHERE type = 'approve' AND comment IS NOT NULL;
-- a question with a schema of its own is answered by what fits it; another shape is still one
SELECT answer, told('{"question": "Which day?", "response_schema": {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}}', answer) FROM unnest(ARRAY[
  '{"interruptId": "<id>", "status": "resolved", "payload": {"day": "Monday"}}', '{"action": "accept", "content": {"day": "Monday"}}', '{"interruptId": "<id>", "status": "resolved", "payload": {"type": "reject"}}', '{"action": "accept", "content": {"text": "yes"}}']) answer;
SELECT answer, told('"May I go on?"', answer) FROM unnest(ARRAY['{"action": "accept"}', '{"action": "accept", "content": {"response": "later"}}', '[{"type": "accept", "args": {"action": "ask", "args": {"payload": "May I go on?"}}}]']) answer;

-- 3. No answer: back to the pool, and not a no.
SELECT answer, told(payload, answer) FROM refund, unnest(ARRAY['[{"type": "ignore", "args": null}]', '{"interruptId": "<id>", "status": "cancelled"}', '{"action": "cancel"}']) answer;

-- 4. Refused: nothing is decided.
SELECT answer, told(payload, answer) FROM refund, unnest(ARRAY[
  -- another action, other args than were shown, another question
  '{"type": "edit", "edited_action": {"name": "delete", "args": {}}}', '[{"type": "edit", "args": {"action": "delete", "args": {}}}]', '[{"type": "accept", "args": {"action": "refund", "args": {"order": "A-2", "amount": "42", "note": "null", "items": "[1, 2]"}}}]',
  '{"interruptId": "0", "status": "resolved"}', '{"type": "tool-approval-response", "approvalId": "x", "approved": true}', '{"resume": {"0": {"type": "approve"}}}',
  -- the keys of two shapes, or of none
  '{"type": "approve", "approved": false}', '{"action": "accept", "approved": false}', '{"decisions": [{"type": "approve"}], "action": "decline"}', '{"ok": true}', '{}', '[]', '"approve"', 'true', '{"type": "accept"}', '{"type": "accept", "args": null}',
  -- a key too many, or misspelt
  '{"approved": true, "excpet": "weekends"}', '{"action": "accept", "content": {"amuont": 1}}', '{"action": "accept", "content": {"items": [1]}}', '{"interruptId": "<id>", "status": "resolved", "paylod": {}}', '{"status": "resolved"}', '{"interruptId": "<id>", "status": "done"}', '{"action": "agree"}',
  '{"type": "reject", "message": "a", "reason": "b"}', '{"type": "edit", "edits": {}, "edited_action": {"name": "refund", "args": {}}}', '{"type": "edit", "edited_action": {"name": "refund", "args": {}, "also": 1}}', '{"type": "edit", "edited_action": {"name": "refund"}}',
  '{"approved": "yes"}', '{"confirmed": 1}', '{"confirmed": true, "payload": {"amount": 1}}', '{"resume": {"type": "approve"}, "goto": "pay"}', '{"resume": {"resume": {"type": "approve"}}}',
  '[{"type": "accept", "args": null}, {"type": "accept", "args": null}]', '[{"type": "edit", "args": {"action": "refund", "args": {"order": "A-2", "amount": "[1]"}}}]', '[{"type": "agree", "args": null}]', '{"decisions": [{"type": "approve"}, {"type": "approve"}]}']) answer;
-- an edit of a question that has no args
SELECT told('"May I go on?"', '{"type": "edit", "edited_action": {"name": "ask", "args": {"a": 1}}}');

-- 5. A batch, in each direction.
CREATE TABLE batch AS SELECT '{"action_requests": [{"name": "refund", "args": {"amount": 50}, "description": "Refund"}, {"name": "mail", "args": {"to": "a@b.at"}}],
  "review_configs": [{"action_name": "refund", "allowed_decisions": ["approve", "edit", "reject"]}, {"action_name": "mail", "allowed_decisions": ["approve", "reject", "respond"]}]}'::jsonb AS payload;
SELECT asked(payload) AS id FROM batch \gset
SELECT hitl.as_langchain(:id) - 'x' AS langchain, hitl.as_agent_inbox(:id) AS inbox FROM batch;
SELECT hitl.as_mcp(:id) AS mcp, hitl.as_agui(:id)->'responseSchema'->'properties'->'decisions'->'minItems' AS agui;
SELECT answer, told(payload, answer) FROM batch, unnest(ARRAY[
  '{"decisions": [{"type": "edit", "edited_action": {"name": "refund", "args": {"amount": 40}}}, {"type": "respond", "message": "by post"}]}',
  '[{"type": "edit", "args": {"action": "refund", "args": {"amount": "40"}}}, {"type": "accept", "args": null}]',
  '{"action": "accept", "content": {"decision_1": "approve", "decision_2": "reject"}}', '{"interruptId": "<id>", "status": "resolved", "payload": {"decisions": [{"type": "approve"}, {"type": "approve"}]}}', '{"approved": false, "reason": "none of it"}',
  '[{"type": "ignore", "args": null}, {"type": "ignore", "args": null}]',
  '{"action": "accept", "content": {"decision_1": "approve"}}', '[{"type": "ignore", "args": null}, {"type": "accept", "args": null}]', '{"decisions": [{"type": "approve"}]}', '{"decisions": [{"type": "respond", "message": "x"}, {"type": "approve"}]}']) answer;
SELECT code, message FROM shown(format('SELECT hitl.as_langchain(%s, per_call => true)', :id));
SELECT code, message FROM shown(format('SELECT hitl.as_langchain(%s, casing => ''kebab'')', :id));
SELECT code, message FROM shown('SELECT hitl.as_agui(NULL)');
SELECT code, message FROM shown('SELECT hitl.as_mcp(0)');

-- 6. What was decided is what the nodes were handed.
SELECT count(*) > 30 AS many, count(*) FILTER (WHERE hitl.wait(thread_id, '30 s') = 'done') = count(*) AS all_done,
       count(*) FILTER (WHERE hitl.get_state(thread_id)->'heard' = decision) = count(*) AS all_heard
FROM hitl.decided WHERE graph = 'shapes';
SELECT * FROM hitl.check();
