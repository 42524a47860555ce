-- What an answer may say: the keys that a policy lets be edited, JSON Schema of args and responses, validators; batches under rules and policies.
-- Proves: what does not fit is refused with the place and without the value, and decides nothing; a validator runs as the voter under a search_path of its own; each action
-- of a batch is judged on its own, and one cannot carry another out from under its policy; a mixed answer to a batch is voted on like an edit.
SET client_min_messages = warning;
CREATE ROLE schema_owner LOGIN;
CREATE ROLE schema_team;
CREATE ROLE schema_ann LOGIN IN ROLE schema_team;
CREATE ROLE schema_bob LOGIN IN ROLE schema_team;
SELECT hitl.grant_author('schema_owner');
CREATE SCHEMA schemas AUTHORIZATION schema_owner;
GRANT USAGE ON SCHEMA schemas, hitl TO PUBLIC;
SET search_path = schemas;
CREATE SCHEMA evil AUTHORIZATION schema_ann;
-- It runs as who votes. What it does not qualify is looked up in pg_catalog, whatever that person's search_path is.
CREATE FUNCTION judge(question jsonb, answer jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF answer->'args'->>'order' = 'fail' THEN RAISE 'it does not get on with %', answer->'args'->>'order'; END IF;
  IF answer->'args'->>'order' = 'race' THEN RAISE 'somebody was faster' USING ERRCODE = '40001'; END IF;
  IF answer->'args'->>'order' = 'who' THEN RETURN format('%s as %s, by %s', answer->>'type', current_user, answer->>'by'); END IF;
  IF answer->'args'->>'order' = 'temp' THEN CREATE TEMP TABLE t (); END IF;
  RETURN CASE WHEN lower(answer->'args'->>'order') = 'x' THEN 'order x is not to be refunded: ' || (question->>'action') END;
END $$;
SELECT hitl.create_policy('checked', '{"groups": ["schema_team"], "quorum": 1, "editable": ["amount", "order"], "args_schema": {"type": "object", "properties": {"amount": {"type": "number", "maximum": 1000}}, "required": ["order"]},
  "response_schema": {"type": "string", "minLength": 3}, "validator": "schemas.judge"}');
SELECT hitl.create_policy('two', '{"groups": ["schema_team"], "quorum": 2, "starter_may_decide": true}');
SELECT hitl.create_policy('bad', '{"args_schema": {"type": "strnig"}}');

\c - schema_owner
SET search_path = schemas;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN jsonb_build_object('heard', hitl.interrupt(state->'payload')); END $$;
SELECT hitl.define('{"graph": "schemas", "nodes": {"ask": "schemas.asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
CREATE FUNCTION asked(payload jsonb) RETURNS bigint LANGUAGE sql AS $$
  SELECT COALESCE(r->'interrupts'->0->>'interrupt_id', '-' || (r->>'thread_id'))::bigint FROM hitl.invoke('schemas', jsonb_build_object('payload', payload)) r $$;
CREATE FUNCTION tried(statement text, OUT code text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement INTO message;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  message := regexp_replace(message, 'interrupt \d+', 'interrupt <id>');
END $$;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA schemas TO PUBLIC;
SELECT asked('{"action": "refund", "args": {"order": "A-2", "amount": 500, "note": "late"}, "policy": "checked"}') AS i \gset
SELECT asked('{"action": "refund", "args": {"amount": 5000}, "policy": "checked"}') AS j \gset
SELECT asked('{"action": "refund", "args": {"order": "A-2"}, "args_schema": {"additionalProperties": false, "properties": {"order": {"pattern": "^[A-Z]-\\d+$"}}}, "response_schema": {"enum": ["yes", "no"]}}') AS k \gset
-- a schema of the question's own is looked at when it asks
SELECT hitl.invoke('schemas', '{"payload": {"action": "a", "args_schema": {"minmum": 1}}}')->>'status';
SELECT sqlstate, message, detail FROM hitl.failed WHERE graph = 'schemas';

-- 1. A policy's words.
\c - schema_ann
SET search_path = schemas;
SELECT decision, t.* FROM unnest(ARRAY['{"type": "edit", "edits": {"note": "early"}}', '{"type": "edit", "edits": {}, "removed": ["note"]}', '{"type": "edit", "edits": {"to": "me"}}', '{"type": "edit", "edits": {"amount": 1000.01}}', '{"type": "edit", "edits": {"amount": "secret"}}',
  '{"type": "edit", "edits": {}, "removed": ["order"]}', '{"type": "respond", "response": "no"}', '{"type": "respond", "response": {"secret": 1}}', '{"type": "edit", "edits": {"order": "X"}}', '{"type": "edit", "edits": {"order": "fail"}}', '{"type": "edit", "edits": {"order": "race"}}', '{"type": "edit", "edits": {"order": "who"}}', '{"type": "edit", "edits": {"order": "temp"}}',
  '{"type": "edit", "edited_action": {"name": "refund", "args": {"order": "A-2", "amount": 500}}}']) decision, tried(format('SELECT status FROM hitl.decide(%s, %L)', :i, decision)) t;
-- a planted function of that name is not what the validator finds; what stays as it was is no edit
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'y' $$;
SET search_path = evil, pg_catalog, schemas;
SELECT lower('X');
SELECT code FROM tried(format('SELECT status FROM hitl.edit(%s, ''{"order": "X"}'')', :i));
SELECT status FROM hitl.edit(:i, '{"amount": 400, "note": "late"}');
-- args that the policy does not want are not approved; to say no is always possible
SELECT * FROM tried(format('SELECT status FROM hitl.approve(%s)', :j));
SELECT status FROM hitl.reject(:j, 'too much');

-- 2. A question's own.
\c - schema_owner
SET search_path = schemas;
SELECT decision, t.* FROM unnest(ARRAY['{"type": "edit", "edits": {"order": "a"}}', '{"type": "edit", "edits": {"to": "me"}}', '{"type": "respond", "response": "maybe"}', '{"interruptId": "0", "status": "resolved"}', '{"action": "accept", "content": {"order": "b"}}']) decision,
  tried(format('SELECT status FROM hitl.decide(%s, %L)', :k, decision)) t;
SELECT status FROM hitl.respond(:k, text => 'yes');

-- 3. Rules and batches: each action on its own.
\c - postgres
SET search_path = schemas;
SELECT hitl.create_rule('refunds', 'two', action => 'refund', graph => 'schemas', skip_when => '$.amount <= 10') > 0, hitl.create_rule('deletes', 'checked', action => 'delete', graph => 'schemas') > 0, hitl.create_rule('mails', action => 'mail', graph => 'schemas', skip_when => '$.to == "us"') > 0;
\c - schema_owner
SET search_path = schemas;
-- all of them may run unasked; one may not: then all are asked, under its policy
SELECT hitl.get_state(-asked('{"actions": [{"action": "refund", "args": {"amount": 5}}, {"action": "mail", "args": {"to": "us"}}]}'))->'heard' #- '{at}' AS automatic;
SELECT asked('{"actions": [{"action": "mail", "args": {"to": "us"}}, {"action": "refund", "args": {"amount": 50}}, {"action": "other", "args": {"x": 1}}]}') AS b \gset
\c - postgres
SELECT policy, rule FROM hitl.interrupt JOIN hitl.policy USING (policy_id) WHERE interrupt_id = :b;
\c - schema_owner
SET search_path = schemas;
-- a misspelt key asks, also in a batch
SELECT asked('{"actions": [{"action": "refund", "args": {"amuont": 5}}, {"action": "mail", "args": {"to": "us"}}]}') > 0 AS is_asked;
-- two policies: neither is the weaker one's
SELECT -asked('{"actions": [{"action": "refund", "args": {"amount": 50}}, {"action": "delete", "args": {"order": "A"}}]}') AS t \gset
SELECT sqlstate, message, detail FROM hitl.failed WHERE thread_id = :t;
-- an edit of one action is looked at by the rules again
SELECT asked('{"actions": [{"action": "mail", "args": {"to": "all"}}, {"action": "refund", "args": {"amount": 50}}]}') > 0 AS is_asked;

-- 4. A mixed answer to a batch is a proposal: the next one says that it means that.
\c - schema_ann
SET search_path = schemas;
SELECT status, votes, needed FROM hitl.approve(:b);
\c - schema_bob
SET search_path = schemas;
SELECT status, votes, needed FROM hitl.decide(:b, '{"decisions": [{"type": "approve"}, {"type": "edit", "edits": {"amount": 40}}, {"type": "reject", "reason": "no"}]}');
\c - schema_ann
SET search_path = schemas;
SELECT code FROM tried(format('SELECT status FROM hitl.approve(%s)', :b));
SELECT status, votes, needed FROM hitl.approve(:b, seen => '2');
\c - schema_owner
SET search_path = schemas;
SELECT hitl.wait(thread_id, '30 s'), decision->>'type' AS type, decision->'args' AS args, decision->'voters' AS voters FROM hitl.decided WHERE interrupt_id = :b;

-- 5. A deadline approves no more than a person could: neither what does not fit, nor an action that must not be approved.
\c - postgres
SET search_path = schemas;
SELECT hitl.create_policy('late', '{"expires_in": "1 hour", "on_expiry": {"type": "approve", "without_a_person": true}, "args_schema": {"properties": {"amount": {"maximum": 1000}}}}');
\c - schema_owner
SET search_path = schemas;
SELECT asked('{"policy": "late", "actions": [{"action": "pay", "args": {"amount": 10}}, {"action": "tell", "args": {"to": "all"}}]}') AS m \gset
SELECT asked('{"policy": "late", "actions": [{"action": "pay", "args": {"amount": 5000}}, {"action": "tell", "args": {"to": "all"}}]}') AS n \gset
SELECT asked('{"policy": "late", "actions": [{"action": "pay", "args": {"amount": 10}}, {"action": "tell", "args": {"to": "all"}, "allowed": ["reject", "respond"]}]}') AS o \gset
SELECT asked('{"policy": "late", "action": "pay", "args": {"amount": 5000}}') AS p \gset
\c - postgres
SET hitl.clock_offset = '2 h';
SELECT hitl.tick() >= 4 AS fired;
SELECT status, decision->>'type' AS type, decision->>'reason' AS reason, jsonb_path_query_array(decision, '$.decisions[*].type') AS said FROM hitl.interrupt WHERE interrupt_id IN (:m, :n, :o, :p) ORDER BY interrupt_id;
RESET hitl.clock_offset;
SELECT hitl.drop_rule('refunds'), hitl.drop_rule('deletes'), hitl.drop_rule('mails');
SELECT * FROM hitl.check();
