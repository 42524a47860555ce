-- Questions and answers (answer.c), against tables and an independent rule in SQL: which answers are well formed, which a question takes,
-- what is handed to the node, when two questions are the same.  A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_answer(decision jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_decision(payload jsonb, decision jsonb, by text, at timestamptz) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_question(payload jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
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

-- Answers ------------------------------------------------------------------------------------------------------------

SELECT is_empty($$SELECT given, unit_answer(given) FROM jsonb_array_elements('[{"type": "approve"}, {"type": "edit", "edits": {}}, {"type": "edit", "edits": {"a": {"b": null}}}, {"type": "reject", "reason": "no"}, {"type": "reject", "reason": ""},
  {"type": "reject", "reason": null}, {"type": "respond", "response": null}, {"type": "respond", "response": {"type": "approve"}}, {"type": "respond", "response": "x"}, {"type": "respond", "response": [1]}]') given WHERE unit_answer(given) <> given$$,
  'answer: ten that are well formed');
SELECT is(unit_answer('{"type": "reject"}'), '{"type": "reject", "reason": null}', 'answer: a rejection needs no reason');
SELECT is(split_part(tried(format('unit_answer(%L)', given)), ' | ', 2), want, 'answer: refused: ' || given) FROM (VALUES
  ('[]', 'It is an array, not an object.'), ('"approve"', 'It is a string, not an object.'), ('true', 'It is a boolean, not an object.'), ('{}', 'It has no "type", or its type is not a string.'), ('{"type": {}}', 'It has no "type", or its type is not a string.'),
  ('{"type": ""}', 'Its type is none of approve, edit, reject, respond.'), ('{"type": "APPROVE"}', 'Its type is none of approve, edit, reject, respond.'), ('{"type": "approve\u00e9"}', 'Its type is none of approve, edit, reject, respond.'),
  ('{"type": "approve", "edit": {}}', 'A decision of type "approve" has no key "edit".'), ('{"type": "reject", "edits": {}}', 'A decision of type "reject" has no key "edits".'), ('{"type": "respond", "response": 1, "reason": "x"}', 'A decision of type "respond" has no key "reason".'),
  ('{"type": "edit", "edits": "x"}', 'They are a string.'), ('{"type": "reject", "reason": ["x"]}', 'Its "reason" is not a string.'), ('{"type": "respond"}', 'A decision of type "respond" needs a "response".')) v (given, want);

-- What is handed to the node: the answer, the final args (SQL's || is the rule of an edit), by whom and when, in UTC whatever the session's settings are.
CREATE TABLE a AS SELECT payload, answer FROM jsonb_array_elements('[null, 5, "text", [], {}, {"args": {}}, {"args": {"x": 1, "y": {"z": 1}}, "action": "a"}, {"args": [1]}, {"args": null}, {"args": "x"}]') payload,
  jsonb_array_elements('[{"type": "approve"}, {"type": "edit", "edits": {}}, {"type": "edit", "edits": {"y": 2, "n": null}}, {"type": "reject", "reason": "no"}, {"type": "respond", "response": {"x": 1}}]') answer;
SELECT is_empty($$SELECT payload, answer FROM a WHERE NOT (answer->>'type' = 'edit' AND jsonb_typeof(payload->'args') IS DISTINCT FROM 'object') AND unit_decision(payload, answer, 'mia', '2026-11-23 12:00:00.5+02')
  IS DISTINCT FROM answer || jsonb_build_object('by', 'mia', 'at', '2026-11-23T10:00:00.500000Z', 'args', CASE WHEN answer->>'type' = 'edit' THEN (payload->'args') || (answer->'edits') ELSE COALESCE(payload->'args', 'null') END)$$,
  'decision: 50 answers to as many questions');
SELECT is_empty($$SELECT payload, answer, t FROM a, LATERAL tried(format('unit_decision(%L, %L, ''mia'', now())', payload, answer)) t WHERE answer->>'type' = 'edit' AND jsonb_typeof(payload->'args') IS DISTINCT FROM 'object'
  AND t NOT LIKE 'IH004 interrupt 42 does not take a decision of type "edit" | It takes: approve, reject, respond.'$$, 'decision: where there is no object there is nothing to edit');
SELECT is(split_part(tried($$unit_decision('{"args": [1], "allowed": ["edit", "reject"]}', '{"type": "edit", "edits": {}}', 'mia', now())$$), ' | ', 1), 'IH004 interrupt 42 cannot be edited', 'decision: nor where edit is allowed by name');
SELECT is_empty($$SELECT types, t FROM (SELECT jsonb_agg(t) AS types FROM (VALUES (1, 'approve'), (2, 'edit'), (4, 'reject'), (8, 'respond')) v (bit, t), generate_series(1, 15) set WHERE set & bit > 0 GROUP BY set) s,
  (VALUES ('{"type": "approve"}'), ('{"type": "edit", "edits": {}}'), ('{"type": "reject"}'), ('{"type": "respond", "response": 1}')) d (t)
  WHERE (tried(format('unit_decision(%L, %L, ''mia'', now())', jsonb_build_object('args', '{}'::jsonb, 'allowed', types), t)) LIKE 'IH004%') = (types ? (t::jsonb->>'type'))$$, 'decision: 15 sets of what is allowed, 4 answers each');
SET LOCAL timezone = 'Asia/Kathmandu';
SET LOCAL datestyle = 'German';
SELECT is(unit_decision(NULL, '{"type": "approve"}', 'mia', '1999-12-31 23:59:59.999999+00'::timestamptz)->>'at', '1999-12-31T23:59:59.999999Z', 'decision: its time does not depend on settings');
RESET timezone;
RESET datestyle;
SELECT is(unit_decision('{"by": "x", "at": "y", "type": "z", "args": {"by": "a", "type": "b"}}', '{"type": "respond", "response": {"by": "c"}}', 'mia', '2026-01-01 00:00+00'),
  '{"by": "mia", "at": "2026-01-01T00:00:00.000000Z", "args": {"by": "a", "type": "b"}, "type": "respond", "response": {"by": "c"}}', 'decision: neither question nor answer says who decided');

-- Questions ----------------------------------------------------------------------------------------------------------

SELECT is(unit_question(given), want, 'question: ' || COALESCE(given::text, 'NULL')) FROM (VALUES
  (NULL::jsonb, '{"action": null, "args": null, "description": null, "allowed": "approve, reject, respond"}'::jsonb), ('5', '{"action": null, "args": null, "description": null, "allowed": "approve, reject, respond"}'),
  ('{"action": "a", "args": {"x": 1}, "description": "d", "more": 1}', '{"action": "a", "args": {"x": 1}, "description": "d", "allowed": "approve, edit, reject, respond"}'),
  ('{"action": null, "args": null, "description": ["d"]}', '{"action": null, "args": null, "description": null, "allowed": "approve, reject, respond"}'),
  ('{"args": [1], "allowed": ["respond", "approve"]}', '{"action": null, "args": [1], "description": null, "allowed": "approve, respond"}'), ('{"allowed": null}', '{"action": null, "args": null, "description": null, "allowed": "approve, reject, respond"}')) v (given, want);
SELECT is(left(tried(format('unit_question(%L)', given)), 5), '22023', 'question: refused: ' || given) FROM unnest(ARRAY['{"allowed": []}', '{"allowed": {}}', '{"allowed": "approve"}', '{"allowed": ["agree"]}', '{"allowed": ["approve", null]}', '{"allowed": 5}', '{"action": 1}', '{"action": ["a"]}', '{"allowed": ["edit"]}', '{"args": [1], "allowed": ["edit"]}']) given;

-- Content.  Of every pair of these payloads: the same content by the rule, or a difference with a name.
CREATE TABLE q AS SELECT n, NULLIF(p, '"SQL NULL"') AS p FROM jsonb_array_elements('["SQL NULL", null, 5, 5.0, "text", "other", [], [1], {}, {"description": "d"}, {"description": "e", "context": 1, "allowed": ["approve"]}, {"ask": "x"}, {"ask": "x", "description": "d"}, {"ask": "y"},
  {"action": "a"}, {"action": "a", "description": "d"}, {"action": "a", "more": 1}, {"action": "b"}, {"action": "a", "args": {}}, {"action": "a", "args": null}, {"action": "a", "args": {"x": 1}}, {"action": "a", "args": {"x": 1.00}, "description": "now"},
  {"action": "a", "args": {"x": 2}}, {"action": "a", "args": {"x": "1"}}, {"action": "a", "args": {"x": null}}, {"action": "a", "args": {"y": 1}}, {"action": "a", "args": [1]}, {"args": {"x": 1}}, {"args": {"x": 1}, "ask": "z"}, {"args": {"x": {"y": {"z": 1}}}}, {"args": {"x": {"y": {"z": 2}}}}]')
  WITH ORDINALITY v (p, n);
CREATE FUNCTION content_rule(p jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT CASE WHEN jsonb_typeof(p) = 'object' AND (jsonb_typeof(p->'action') = 'string' OR p->'args' <> 'null') THEN jsonb_build_object('action', p->'action', 'args', COALESCE(p->'args', 'null'))
              WHEN jsonb_typeof(p) = 'object' THEN jsonb_build_object('all', p - '{description,context,allowed}'::text[]) ELSE jsonb_build_object('all', COALESCE(p, '"SQL NULL"')) END $$;
SELECT is_empty($$SELECT a.p, b.p, unit_difference(a.p, 'k', b.p, 'k') FROM q a, q b WHERE (unit_difference(a.p, 'k', b.p, 'k') IS NULL) <> (content_rule(a.p) = content_rule(b.p))$$, format('difference: %s pairs of payloads', (SELECT count(*) * count(*) FROM q)));
SELECT is_empty($$SELECT a.p, b.p FROM q a, q b WHERE unit_difference(a.p, 'k', b.p, 'l') IS DISTINCT FROM 'key'$$, 'difference: another key is another question');
SELECT is_empty($$SELECT a.p, b.p FROM q a, q b WHERE (unit_difference(a.p, 'k', b.p, 'k') IS NULL) <> (unit_difference(b.p, 'k', a.p, 'k') IS NULL)$$, 'difference: is mutual');
SELECT is(unit_difference(a, 'k', b, 'k'), want, 'difference: at ' || want) FROM (VALUES ('{"action": "a"}'::jsonb, '{"action": "b"}'::jsonb, 'action'), ('{"action": "a"}', '{"args": {}}', 'action'), ('{"args": {"x": {"y": 1}}}', '{"args": {"x": {"y": 2}}}', 'args.x.y'),
  ('{"args": {"x": {"y": 1}}}', '{"args": {"x": {}}}', 'args.x.y'), ('{"args": {"x": [1]}}', '{"args": {"x": [2]}}', 'args.x'), ('{"args": {"x": 1}}', '{"args": [1]}', 'args'), ('{"ask": 1}', '{"ask": 2}', 'payload.ask'), ('1', '2', 'payload'), ('1', NULL, 'payload')) v (a, b, want);

SELECT * FROM finish();
ROLLBACK;
