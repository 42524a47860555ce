-- Policy documents (policy.c, reader.c): each key is read or refused by name, what is written is read as the same, defaults are those that are promised.
-- A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();
SELECT setseed(0.43);

CREATE FUNCTION unit_policy(definition jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';

-- Defaults ---------------------------------------------------------------------------------------------------------
SELECT is(unit_policy('{}'), '{"faults": [], "roles": [], "document": {"allowed": ["approve", "edit", "reject", "respond"], "quorum": 1, "veto": true, "starter_may_decide": false, "previous_decider_may_decide": false, "editor_may_decide_alone": true,
  "automation_may_decide": false, "asserted_may_decide": true, "may_delegate": true, "claim_required": false, "reason_required": false, "priority": 0, "hide_args": false, "on_expiry": "stay"}}'::jsonb, 'policy: the defaults');

-- Values, as they are written again --------------------------------------------------------------------------------
CREATE TABLE good (key text, value jsonb, written jsonb);
INSERT INTO good VALUES
  ('allowed', '["reject", "approve"]', '["approve", "reject"]'), ('groups', '["b", "a", "b"]', '["a", "b"]'), ('quorum', '3', '3'), ('quorum', '"all"', '"all"'), ('quorum', '{"legal": 2, "finance": "all"}', '{"legal": 2, "finance": "all"}'),
  ('quorum', '{"weights": {"a": 2, "b": 1}, "needed": 3}', '{"weights": {"a": 2, "b": 1}, "needed": 3}'), ('quorum', '{"weights": 2, "needed": 3}', '{"weights": 2, "needed": 3}'), ('veto', 'false', 'false'), ('veto', '["legal"]', '["legal"]'),
  ('starter_may_decide', 'true', 'true'), ('previous_decider_may_decide', 'true', 'true'), ('editor_may_decide_alone', 'false', 'false'), ('automation_may_decide', 'true', 'true'), ('asserted_may_decide', 'false', 'false'), ('may_delegate', 'false', 'false'), ('claim_required', 'true', 'true'),
  ('reason_required', 'true', 'true'), ('reason_required', '["reject", "edit"]', '["edit", "reject"]'), ('reason_required', '["approve", "edit", "reject", "respond"]', 'true'), ('editable', '["amount"]', '["amount"]'), ('editable', '[]', '[]'),
  ('validator', '"f(jsonb, jsonb)"', '"f(jsonb, jsonb)"'), ('guard', '"g"', '"g"'), ('business_time', '"t"', '"t"'), ('priority', '-32768', '-32768'), ('hide_args', 'true', 'true'), ('notify', '["ops", "finance"]', '["ops", "finance"]'),
  ('due_in', '"90 minutes"', '"1 hour 30 minutes"'), ('due_in', '"1 day 02:03:04.5"', '"1 day 2 hours 3 minutes 4 seconds 500 milliseconds"'), ('expires_in', '"P2DT4H"', '"2 days 4 hours"'), ('expires_in', '"1 week"', '"7 days"'), ('claim_for', '"36 hours"', '"1 day 12 hours"'), ('warn_before', '"1 ms"', '"1 millisecond"'),
  ('on_expiry', '"stay"', '"stay"'), ('on_expiry', '"reject"', '"reject"'), ('on_expiry', '{"type": "fail"}', '"fail"'), ('on_expiry', '{"type": "approve", "without_a_person": true}', '{"type": "approve", "without_a_person": true}'),
  ('on_expiry', '{"type": "respond", "response": null}', '{"type": "respond", "response": null}'), ('on_expiry', '{"type": "route", "node": "later"}', '{"type": "route", "node": "later"}'),
  ('args_schema', '{"type": "object"}', '{"type": "object"}'), ('response_schema', '{"type": "string"}', '{"type": "string"}'),
  ('ladder', '[{"after": "30 minutes", "do": "notify"}]', '[{"after": "30 minutes", "if": "not_decided", "do": "notify"}]'), ('ladder', '[{"after": "1 hour", "if": "not_claimed", "do": "widen", "role": "boss", "repeat": 2, "every": "10 minutes"}]', '[{"after": "1 hour", "if": "not_claimed", "do": "widen", "role": "boss", "repeat": 2, "every": "10 minutes"}]'),
  ('ladder', '[{"after": "1 hour", "do": "priority", "priority": -5}, {"after": "2 hours", "do": "reassign", "role": "boss"}]', '[{"after": "1 hour", "if": "not_decided", "do": "priority", "priority": -5}, {"after": "2 hours", "if": "not_decided", "do": "reassign", "role": "boss"}]'),
  ('ladder', '[{"after": "1 hour", "do": "decide", "decision": {"type": "reject", "reason": "late"}}]', '[{"after": "1 hour", "if": "not_decided", "do": "decide", "decision": {"type": "reject", "reason": "late"}}]'),
  ('ladder', '[{"after": "1 hour", "do": "decide", "decision": {"type": "approve"}, "without_a_person": true}]', '[{"after": "1 hour", "if": "not_decided", "do": "decide", "decision": {"type": "approve"}, "without_a_person": true}]');
SELECT is_empty($$SELECT key, value, p FROM good, LATERAL (SELECT unit_policy(jsonb_build_object(key, value)) AS p) p WHERE p->'faults' <> '[]' OR p->'document'->key IS DISTINCT FROM written$$, format('policy: %s values are read and written', (SELECT count(*) FROM good)));
SELECT is(unit_policy('{"quorum": {"finance": 1}, "veto": ["legal"], "groups": ["ops"], "notify": ["boss"], "ladder": [{"after": "1 h", "do": "widen", "role": "ceo"}]}')->'roles', '["finance", "legal", "ops", "boss", "ceo"]'::jsonb, 'policy: all roles that it names');
SELECT is(unit_policy('{"quorum": {"finance": 1}, "veto": ["legal"]}')->'document'->'groups', '["finance", "legal"]'::jsonb, 'policy: who is asked for in the quorum, or has a veto, may decide');

-- Faults -----------------------------------------------------------------------------------------------------------
CREATE TABLE bad (key text, value jsonb, says text);
INSERT INTO bad VALUES
  ('allowed', '[]', '"allowed"'), ('allowed', '["aprove"]', '"allowed"'), ('allowed', '"approve"', '"allowed"'), ('groups', '[]', '"groups"'), ('groups', '"finance"', '"groups"'), ('groups', '[""]', '"groups"'), ('groups', '[5]', '"groups"'), ('quorum', '0', '"quorum"'), ('quorum', '-1', '"quorum"'), ('quorum', '1.5', '"quorum"'), ('quorum', '"2"', '"quorum"'),
  ('quorum', '"ALL"', '"quorum"'), ('quorum', '1001', '"quorum"'), ('quorum', '[1]', '"quorum"'), ('quorum', 'true', '"quorum"'), ('quorum', '{}', '"quorum"'), ('quorum', '{"finance": 0}', 'finance'), ('quorum', '{"finance": null}', 'finance'), ('quorum', '{"": 1}', '"quorum"'), ('quorum', '{"weights": {"a": 1}}', '"needed"'),
  ('quorum', '{"weights": {"a": 1}, "needed": 1, "need": 2}', '"need"'), ('quorum', '{"weights": {}, "needed": 1}', '"weights"'), ('quorum', '{"weights": {"a": 0}, "needed": 1}', '"a"'), ('quorum', '{"weights": {"a": 1}, "needed": 0}', '"needed"'), ('quorum', '{"weights": {"a": 1}, "needed": "all"}', '"needed"'),
  ('veto', '"legal"', '"veto"'), ('veto', '[]', '"veto"'), ('veto', '0', '"veto"'), ('veto', '[true]', '"veto"'), ('reason_required', '"reject"', '"reason_required"'), ('reason_required', '[]', '"reason_required"'), ('editable', '"amount"', '"editable"'), ('editable', '[1]', '"editable"'),
  ('args_schema', '[]', 'args_schema'), ('args_schema', '{"type": "objekt"}', 'args_schema'), ('args_schema', '{"typ": "object"}', 'typ'), ('response_schema', '"string"', 'response_schema'), ('validator', '5', '"validator"'), ('guard', '[]', '"guard"'), ('business_time', 'true', '"business_time"'), ('priority', '40000', '"priority"'), ('priority', '1.5', '"priority"'), ('notify', '"ops"', '"notify"'),
  ('due_in', '5', '"due_in"'), ('due_in', '"soon"', '"due_in"'), ('due_in', '"1 month"', '"due_in"'), ('due_in', '"1 year"', '"due_in"'), ('due_in', '"-1 hour"', '"due_in"'), ('due_in', '"0"', '"due_in"'), ('due_in', '"100 years"', '"due_in"'), ('due_in', '""', '"due_in"'), ('due_in', '"infinity"', '"due_in"'), ('due_in', '"now"', '"due_in"'), ('expires_in', '"1 microsecond"', '"expires_in"'), ('claim_for', '"P1M"', '"claim_for"'),
  ('due_in', to_jsonb('1 hour' || repeat(' ', 300) || '1 minute' || repeat('1', 300)), '"due_in"'), ('expires_in', '"99999999999999 days"', '"expires_in"'), ('expires_in', '"2 days -4 hours"', '"expires_in"'),
  ('on_expiry', '"approve"', '"without_a_person"'), ('on_expiry', '{"type": "approve"}', '"without_a_person"'), ('on_expiry', '{"type": "approve", "without_a_person": "true"}', '"without_a_person"'), ('on_expiry', '{"type": "approve", "without_a_person": false}', '"without_a_person"'), ('on_expiry', '"respond"', '"response"'), ('on_expiry', '{"type": "respond"}', '"response"'),
  ('on_expiry', '"route"', '"node"'), ('on_expiry', '{"type": "route", "node": 5}', '"node"'), ('on_expiry', '"later"', '"on_expiry"'), ('on_expiry', '{"types": "stay"}', '"on_expiry"'), ('on_expiry', '{"type": "reject", "reason": "x"}', '"reason"'), ('on_expiry', '5', '"on_expiry"'),
  ('ladder', '{}', '"ladder"'), ('ladder', '["notify"]', 'step 1'), ('ladder', '[{"do": "notify"}]', '"after"'), ('ladder', '[{"after": "1 h"}]', '"do"'), ('ladder', '[{"after": "1 h", "do": "nofity"}]', '"do"'), ('ladder', '[{"after": "1 h", "do": "notify"}, {"after": "1 h", "do": "widen"}]', 'step 2: "role"'), ('ladder', '[{"after": "1 h", "do": "reassign"}]', '"role"'),
  ('ladder', '[{"after": "1 h", "do": "priority"}]', '"priority"'), ('ladder', '[{"after": "1 h", "do": "notify", "priority": 1}]', '"priority"'), ('ladder', '[{"after": "1 h", "do": "notify", "if": "not_seen"}]', '"if"'), ('ladder', '[{"after": "1 h", "do": "notify", "unless": "x"}]', '"unless"'), ('ladder', '[{"after": "1 h", "do": "priority", "priority": 1, "role": "x"}]', '"role"'),
  ('ladder', '[{"after": "1 h", "do": "decide"}]', '"decision"'), ('ladder', '[{"after": "1 h", "do": "decide", "decision": {"type": "approve"}}]', '"without_a_person"'), ('ladder', '[{"after": "1 h", "do": "decide", "decision": {"type": "edit", "edits": {"a": 1}}}]', '"without_a_person"'), ('ladder', '[{"after": "1 h", "do": "decide", "decision": {"type": "edit"}, "without_a_person": true}]', '"edits"'),
  ('ladder', '[{"after": "1 h", "do": "decide", "decision": {"type": "reject", "reasons": "x"}}]', '"reasons"'), ('ladder', '[{"after": "1 h", "do": "decide", "decision": {"type": "respond"}}]', '"response"'), ('ladder', '[{"after": "1 h", "do": "decide", "decision": {"type": "aprove"}}]', '"decision"'), ('ladder', '[{"after": "1 h", "do": "notify", "decision": {"type": "reject"}}]', '"decision"'),
  ('ladder', '[{"after": "1 h", "do": "notify", "without_a_person": true}]', '"without_a_person"'), ('ladder', '[{"after": "1 h", "do": "notify", "repeat": 2}]', '"every"'), ('ladder', '[{"after": "1 h", "do": "notify", "every": "1 h"}]', '"repeat"'), ('ladder', '[{"after": "1 h", "do": "notify", "repeat": -1, "every": "1 h"}]', '"repeat"');
INSERT INTO bad SELECT 'ladder', jsonb_agg(jsonb_build_object('after', '1 h', 'do', 'notify')), 'more than 100 steps' FROM generate_series(1, 101);
INSERT INTO bad SELECT key, value, format('"%s"', key) FROM unnest('{starter_may_decide, previous_decider_may_decide, editor_may_decide_alone, automation_may_decide, asserted_may_decide, may_delegate, claim_required, hide_args}'::text[]) key, unnest(ARRAY['1', '"true"', '[]', '{}']::jsonb[]) value;
SELECT is_empty($$SELECT key, value, p->'faults' FROM bad, LATERAL (SELECT unit_policy(jsonb_build_object(key, value)) AS p) p WHERE NOT EXISTS (SELECT FROM jsonb_array_elements_text(p->'faults') f WHERE strpos(f, says) > 0)$$, format('policy: %s values are refused, and the fault names the key', (SELECT count(*) FROM bad)));
SELECT is_empty($$SELECT value FROM unnest(ARRAY['[]', '"x"', '5', 'null', 'true']::jsonb[]) value WHERE unit_policy(value)->'faults' = '[]'$$, 'policy: what is no object is none');
SELECT is(unit_policy('{"warn_before": "1 day", "expires_in": "1 hour"}')->'faults'->>0, 'policy: "warn_before" must be shorter than "expires_in"', 'policy: a warning comes before the end');
SELECT is(jsonb_array_length(unit_policy('{"a": 1, "quorum": 0, "due_in": 5, "veto": 5}')->'faults'), 4, 'policy: all faults are told at once');
-- Every key, misspelt in every way: a letter left out, doubled, swapped with its neighbour, or in capitals.
CREATE TABLE misspelt AS SELECT DISTINCT k.key, m.wrong FROM (SELECT DISTINCT key, value FROM good) k, generate_series(1, length(k.key)) n,
  LATERAL (VALUES (overlay(k.key PLACING '' FROM n FOR 1)), (overlay(k.key PLACING substr(k.key, n, 1) || substr(k.key, n, 1) FROM n FOR 1)), (overlay(k.key PLACING reverse(substr(k.key, n, 2)) FROM n FOR 2)), (overlay(k.key PLACING upper(substr(k.key, n, 1)) FROM n FOR 1))) m (wrong) WHERE m.wrong <> k.key;
DELETE FROM misspelt WHERE wrong IN (SELECT key FROM good);
SELECT is_empty($$SELECT DISTINCT m.wrong FROM misspelt m JOIN good g USING (key), LATERAL (SELECT unit_policy(jsonb_build_object(m.wrong, g.value))->'faults' AS f) f WHERE f <> to_jsonb(ARRAY[format('policy: there is no key "%s" here', m.wrong)])$$, format('policy: %s misspelt keys are refused by name', (SELECT count(*) FROM misspelt)));

-- Generated documents: what is written is read as the same, and written the same ------------------------------------
CREATE TABLE documents AS SELECT (SELECT jsonb_object_agg(key, value) FROM (SELECT DISTINCT ON (key) key, value FROM good WHERE random() < 0.3 AND i > 0 ORDER BY key, random()) g) AS d FROM generate_series(1, 4000) i;
DELETE FROM documents WHERE d IS NULL OR unit_policy(d)->'faults' <> '[]';
SELECT cmp_ok(count(*), '>', 2000::bigint, 'policy: enough documents are good') FROM documents;
SELECT is_empty($$SELECT d, w FROM documents, LATERAL (SELECT unit_policy(d)->'document' AS w) w WHERE unit_policy(w)->'document' IS DISTINCT FROM w OR unit_policy(w)->'faults' <> '[]'$$, format('policy: %s documents are written as they are read', (SELECT count(*) FROM documents)));

SELECT * FROM finish();
ROLLBACK;
