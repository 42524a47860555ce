-- Batches (question.c, answer.c): one question about several actions, in our spelling and in LangChain's two; which answers it takes, and what the
-- node is handed, for every pair of answers and against a rule in SQL.  A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();

CREATE FUNCTION unit_answer(decision jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_decision(payload jsonb, decision jsonb, by text, at timestamptz) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_question(payload jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_actions(payload jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_difference(payload_a jsonb, key_a text, payload_b jsonb, key_b text) RETURNS text LANGUAGE c AS 'hitl_test';

-- The result of a call as text, or "SQLSTATE message | detail" of its refusal.
CREATE FUNCTION tried(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text; code text; message text; detail text;
BEGIN
  EXECUTE 'SELECT (' || call || ')::text' INTO result;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  RETURN format('%s %s | %s', code, message, detail);
END $$;

-- Three spellings of one batch ------------------------------------------------------------------------------------------

CREATE TABLE spelling (name text, payload jsonb);
INSERT INTO spelling VALUES
  ('ours', '{"actions": [{"action": "refund", "args": {"amount": 50}, "description": "d", "allowed": ["approve", "edit", "reject"]}, {"action": "mail", "args": {"to": "a"}}]}'),
  ('python', '{"action_requests": [{"name": "refund", "args": {"amount": 50}, "description": "d"}, {"name": "mail", "args": {"to": "a"}}], "review_configs": [{"action_name": "refund", "allowed_decisions": ["approve", "edit", "reject"]}, {"action_name": "mail", "allowed_decisions": ["approve", "edit", "reject", "respond"]}]}'),
  ('javascript', '{"actionRequests": [{"name": "refund", "args": {"amount": 50}, "description": "d"}, {"name": "mail", "args": {"to": "a"}}], "reviewConfigs": [{"actionName": "refund", "allowedDecisions": ["approve", "edit", "reject"]}, {"actionName": "mail", "allowedDecisions": ["approve", "edit", "reject", "respond"]}]}'),
  ('alpha', '{"action_requests": [{"name": "refund", "arguments": {"amount": 50}}, {"name": "mail", "arguments": {"to": "a"}}], "review_configs": [{"action_name": "mail", "allowed_decisions": ["approve", "edit", "reject", "respond"]}, {"action_name": "refund", "description": "d", "allowed_decisions": ["approve", "edit", "reject"]}]}');
SELECT is_empty($$SELECT name, unit_actions(payload) FROM spelling WHERE unit_actions(payload) <>
  '[{"action": "refund", "args": {"amount": 50}, "description": "d", "allowed": "approve, edit, reject"}, {"action": "mail", "args": {"to": "a"}, "description": null, "allowed": "approve, edit, reject, respond"}]'$$, 'spellings: the same actions');
SELECT is_empty($$SELECT name, unit_question(payload) FROM spelling WHERE unit_question(payload) <>
  '{"action": null, "args": [{"action": "refund", "args": {"amount": 50}}, {"action": "mail", "args": {"to": "a"}}], "description": null, "allowed": "approve, edit, reject, respond"}'$$, 'spellings: the same content');
SELECT is_empty($$SELECT a.name, b.name FROM spelling a, spelling b WHERE unit_difference(a.payload, 'k', b.payload, 'k') IS NOT NULL$$, 'spellings: none is another question');
SELECT is(unit_difference('{"actions": [{"action": "a", "description": "one"}]}', 'k', '{"actions": [{"action": "a", "description": "two", "allowed": ["approve"]}]}', 'k'), NULL, 'content: another description is no other question');
SELECT is(unit_difference('{"actions": [{"action": "a", "args": {"x": 1}}]}', 'k', '{"actions": [{"action": "a", "args": {"x": 2}}]}', 'k'), 'args', 'content: other args are');
SELECT is(unit_difference('{"actions": [{"action": "a"}, {"action": "b"}]}', 'k', '{"actions": [{"action": "b"}, {"action": "a"}]}', 'k'), 'args', 'content: so is another order');
SELECT is(unit_actions('{"action": "a"}'), NULL, 'no batch'); SELECT is(unit_actions('5'), NULL, 'no batch either'); SELECT is(unit_actions(NULL), NULL, 'nor is NULL');
SELECT is(unit_actions('{"actions": null, "action": "a"}'), NULL, 'null is nothing');

-- What the batch allows limits each action; a schema may stand with an action.
SELECT is(unit_actions('{"allowed": ["approve", "reject"], "actions": [{"action": "a", "args": {}}, {"action": "b", "allowed": ["approve", "respond"]}]}'),
  '[{"action": "a", "args": {}, "description": null, "allowed": "approve, reject"}, {"action": "b", "args": null, "description": null, "allowed": "approve"}]', 'allowed: of the batch and of the action');
SELECT is(unit_question('{"allowed": ["approve", "reject"], "actions": [{"action": "a", "args": {}}, {"action": "b", "allowed": ["approve", "respond"]}]}')->>'allowed', 'approve, reject', 'allowed: of all of them');

SELECT is(tried(format('unit_question(%L)', payload)), '22023 ' || want, 'refused: ' || payload::text) FROM (VALUES
  ('{"actions": []}'::jsonb, 'the batch in the payload of an interrupt is no list of actions | It is empty, or its review configs are no list.'), ('{"actions": "a"}', 'the batch in the payload of an interrupt is no list of actions | It is a string.'), ('{"actions": {"action": "a"}}', 'the batch in the payload of an interrupt is no list of actions | It is an object.'),
  ('{"action_requests": [{"name": "a"}], "review_configs": {}}', 'the batch in the payload of an interrupt is no list of actions | It is empty, or its review configs are no list.'), ('{"actions": ["a"]}', 'an action in the payload of an interrupt has no name | Action 1 of the batch is a string without a string "action".'), ('{"actions": [{"action": "a"}, {"args": {}}]}', 'an action in the payload of an interrupt has no name | Action 2 of the batch is an object without a string "action".'),
  ('{"action": "a", "actions": [{"action": "b"}]}', 'an interrupt is about one action, or about a batch of them | Its payload has both a list of actions and an action or args of its own.'), ('{"args": {}, "actions": [{"action": "b"}]}', 'an interrupt is about one action, or about a batch of them | Its payload has both a list of actions and an action or args of its own.'),
  ('{"action_requests": [{"name": "a"}, {"name": "b"}], "review_configs": [{"action_name": "a"}]}', 'an action in the payload of an interrupt has no review config | There is none for action 2 of the batch.'), ('{"action_requests": [{"name": "a"}], "review_configs": [{"action_name": "a", "allowed_decisions": []}]}', '"allowed" in the payload of an interrupt must be an array of decision types | The types are: approve, edit, reject, respond.'),
  ('{"actions": [{"action": "a", "allowed": ["agree"]}]}', '"allowed" in the payload of an interrupt must be an array of decision types | The types are: approve, edit, reject, respond.'), ('{"actions": [{"action": "a", "allowed": ["batch"]}]}', '"allowed" in the payload of an interrupt must be an array of decision types | The types are: approve, edit, reject, respond.'),
  ('{"actions": [{"action": "a", "allowed": ["edit"]}]}', 'nobody could answer this question | Only edit is allowed, and the args are NULL, not an object.'), ('{"allowed": ["approve"], "actions": [{"action": "a", "allowed": ["reject"]}]}', 'nobody could answer this question | What action 1 of the batch allows, the batch does not.'),
  ('{"actions": [{"action": "a", "args_schema": {"minmum": 1}}]}', '"args_schema" in the payload of an interrupt is no schema that can be used | $.minmum is a keyword that is not supported.'), ('{"action": "a", "args_schema": 5}', '"args_schema" in the payload of an interrupt is no schema that can be used | $ must be a schema: an object, true or false.'),
  ('{"question": "?", "responseSchema": {"type": "txt"}}', '"response_schema" in the payload of an interrupt is no schema that can be used | $.type must be one or several of null, boolean, string, number, integer, array, object.'), ('{"policy": 5}', '"policy" in the payload of an interrupt must be a string | It is a number.')) v (payload, want);

-- Answers to a batch ----------------------------------------------------------------------------------------------------

SELECT is(unit_answer(given), want, 'answer: ' || given::text) FROM (VALUES
  ('{"decisions": [{"type": "approve"}, {"type": "approve"}]}'::jsonb, '{"type": "approve", "decisions": [{"type": "approve"}, {"type": "approve"}]}'::jsonb), ('{"decisions": [{"type": "reject", "reason": "a"}, {"type": "reject"}]}', '{"type": "reject", "decisions": [{"type": "reject", "reason": "a"}, {"type": "reject", "reason": null}]}'),
  ('{"decisions": [{"type": "approve"}, {"type": "reject"}]}', '{"type": "batch", "decisions": [{"type": "approve"}, {"type": "reject", "reason": null}]}'), ('{"decisions": [{"type": "edit", "edits": {"a": 1}, "removed": ["b"]}]}', '{"type": "batch", "decisions": [{"type": "edit", "edits": {"a": 1}, "removed": ["b"]}]}'),
  ('{"decisions": [{"type": "respond", "response": 1}, {"type": "respond", "response": 2}]}', '{"type": "batch", "decisions": [{"type": "respond", "response": 1}, {"type": "respond", "response": 2}]}'), ('{"type": "edit", "edits": {}, "removed": []}', '{"type": "edit", "edits": {}}'), ('{"type": "edit", "edits": {}, "removed": ["a", "b"]}', '{"type": "edit", "edits": {}, "removed": ["a", "b"]}')) v (given, want);
-- What is kept with a vote reads as what it was.
SELECT is_empty($$SELECT given FROM jsonb_array_elements('[{"decisions": [{"type": "approve"}, {"type": "reject"}]}, {"decisions": [{"type": "approve"}]}, {"decisions": [{"type": "reject", "reason": "r"}]}, {"type": "edit", "edits": {"a": null}, "removed": ["b"]}]') given WHERE unit_answer(unit_answer(given)) <> unit_answer(given)$$, 'answer: written and read again');
SELECT is(split_part(tried(format('unit_answer(%L)', given)), ' | ', 2), want, 'answer: refused: ' || given) FROM (VALUES
  ('{"decisions": []}', 'Its "decisions" is not an array of decisions.'), ('{"decisions": {"type": "approve"}}', 'Its "decisions" is not an array of decisions.'), ('{"decisions": [{"type": "agree"}]}', 'Its type is none of approve, edit, reject, respond.'), ('{"decisions": [{"type": "batch"}]}', 'Its type is none of approve, edit, reject, respond.'), ('{"type": "batch"}', 'Its type is none of approve, edit, reject, respond.'),
  ('{"decisions": [{"decisions": [{"type": "approve"}]}]}', 'One of its "decisions" has decisions itself.'), ('{"decisions": [{"type": "approve"}], "reason": "x"}', 'Beside "decisions" there is no key "reason".'), ('{"type": "approve", "decisions": [{"type": "reject"}]}', 'Its "type" is not what its "decisions" make of it.'), ('{"type": "edit", "edits": {"a": 1}, "removed": ["a"]}', 'One key is both in "edits" and in "removed".'),
  ('{"type": "edit", "edits": {}, "removed": "a"}', 'Its "removed" is not an array of keys.'), ('{"type": "edit", "edits": {}, "removed": [1]}', 'Its "removed" is not an array of keys.'), ('{"type": "approve", "removed": ["a"]}', 'A decision of type "approve" has no key "removed".')) v (given, want);

-- What the node is handed: every pair of answers to two actions, against what each action alone would get.
CREATE TABLE single (d jsonb);
INSERT INTO single SELECT jsonb_array_elements('[{"type": "approve"}, {"type": "edit", "edits": {"x": 2}}, {"type": "edit", "edits": {"n": 1}, "removed": ["x"]}, {"type": "reject", "reason": "no"}, {"type": "reject", "reason": null}, {"type": "respond", "response": {"y": 1}}]');
CREATE TABLE pair AS SELECT a.d AS a, b.d AS b, unit_decision('{"actions": [{"action": "one", "args": {"x": 1}}, {"action": "two", "args": {"x": 5, "z": 0}}]}', jsonb_build_object('decisions', jsonb_build_array(a.d, b.d)), 'mia', '2026-01-01 00:00+00') AS got FROM single a, single b;
SELECT is((SELECT count(*) FROM pair), 36::bigint, 'decision: 36 pairs');
SELECT is_empty($$SELECT a, b, got FROM pair WHERE got->'decisions'->0 <> unit_decision('{"action": "one", "args": {"x": 1}}', a, 'mia', '2026-01-01 00:00+00') - 'by' - 'at' || '{"action": "one"}' OR got->'decisions'->1 <> unit_decision('{"action": "two", "args": {"x": 5, "z": 0}}', b, 'mia', '2026-01-01 00:00+00') - 'by' - 'at' || '{"action": "two"}'$$,
  'decision: each action has its own outcome');
SELECT is_empty($$SELECT a, b, got FROM pair WHERE got->>'type' <> CASE WHEN a->>'type' = b->>'type' AND a->>'type' IN ('approve', 'reject') THEN a->>'type' ELSE 'batch' END OR got->>'by' <> 'mia' OR got->>'at' <> '2026-01-01T00:00:00.000000Z'$$, 'decision: of which type it is');
SELECT is_empty($$SELECT a, b, got FROM pair, jsonb_array_elements(got->'decisions') WITH ORDINALITY d (d, n) WHERE got->'args'->(n - 1)::int <> CASE WHEN d->>'type' IN ('approve', 'edit') THEN jsonb_build_object('action', d->'action', 'args', d->'args') ELSE 'null' END OR jsonb_array_length(got->'args') <> 2$$,
  'decision: its args are those of what is to be done, and null for what is not');
SELECT is(unit_decision('{"args": {"x": 1, "y": 2, "z": 3}}', '{"type": "edit", "edits": {"y": null}, "removed": ["x"]}', 'mia', now())->'args', '{"y": null, "z": 3}', 'decision: what is removed is not in the args');
SELECT is(unit_decision('{"actions": [{"action": "a", "args": {"x": 1}}, {"action": "b"}]}', '{"type": "reject", "reason": "no"}', 'mia', '2026-01-01 00:00+00'),
  '{"type": "reject", "reason": "no", "by": "mia", "at": "2026-01-01T00:00:00.000000Z", "args": [null, null], "decisions": [{"type": "reject", "reason": "no", "action": "a", "args": {"x": 1}}, {"type": "reject", "reason": "no", "action": "b", "args": null}]}', 'decision: one rejection for all of it');
SELECT is(unit_decision('{"actions": [{"action": "a", "args": {"x": 1}}]}', '{"type": "approve"}', 'mia', now()) - 'at', '{"type": "approve", "by": "mia", "args": [{"action": "a", "args": {"x": 1}}], "decisions": [{"type": "approve", "action": "a", "args": {"x": 1}}]}', 'decision: one approval for all of it');

SELECT is(tried(format('unit_decision(%L, %L, ''mia'', now())', payload, d)), want, 'taken: ' || d) FROM (VALUES
  ('{"actions": [{"action": "a", "args": {}}, {"action": "b", "args": {}}]}', '{"decisions": [{"type": "approve"}]}', '22023 interrupt 42 needs one decision for each of its actions | It has 2 actions, and there are 1 decisions.'), ('{"actions": [{"action": "a", "args": {}}]}', '{"decisions": [{"type": "approve"}, {"type": "approve"}]}', '22023 interrupt 42 needs one decision for each of its actions | It has 1 actions, and there are 2 decisions.'),
  ('{"action": "a"}', '{"decisions": [{"type": "approve"}]}', '22023 interrupt 42 is no batch | It asks about one thing, and there are 1 decisions.'), ('{"actions": [{"action": "a", "args": {}}]}', '{"type": "edit", "edits": {}}', 'IH004 interrupt 42 is a batch, and does not take one decision of type "edit" | It has 1 actions, and only approve and reject can be said of all of them.'),
  ('{"actions": [{"action": "a"}]}', '{"type": "respond", "response": 1}', 'IH004 interrupt 42 is a batch, and does not take one decision of type "respond" | It has 1 actions, and only approve and reject can be said of all of them.'),
  ('{"actions": [{"action": "a"}, {"action": "b", "allowed": ["reject", "respond"]}]}', '{"type": "approve"}', 'IH004 action 2 of interrupt 42 does not take a decision of type "approve" | It takes: reject, respond.'), ('{"actions": [{"action": "a"}, {"action": "b", "allowed": ["approve"]}]}', '{"decisions": [{"type": "approve"}, {"type": "reject"}]}', 'IH004 action 2 of interrupt 42 does not take a decision of type "reject" | It takes: approve.'),
  ('{"actions": [{"action": "a", "args": [1]}]}', '{"decisions": [{"type": "edit", "edits": {}}]}', 'IH004 action 1 of interrupt 42 does not take a decision of type "edit" | It takes: approve, reject, respond.'), ('{"actions": [{"action": "a", "args": {"x": 1}}]}', '{"decisions": [{"type": "edit", "edits": {}, "removed": ["y"]}]}', '22023 an edit of action 1 of interrupt 42 removes what is not there | Its args have no key "y".'),
  ('{"args": {"x": 1}}', '{"type": "edit", "edits": {}, "removed": ["y"]}', '22023 an edit of interrupt 42 removes what is not there | Its args have no key "y".')) v (payload, d, want);
SELECT * FROM finish();
ROLLBACK;
