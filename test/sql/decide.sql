-- Decisions: approve, edit, reject, respond, and decide() for all of them; what they hand to the node, and what is refused.
-- Proves: an answer answers one question, once; the same answer under the same key is a harmless repeat; a decision has a shape, and a
-- question says which it takes; set-wise decisions are all or nothing; nothing is decided by a NULL.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
SELECT CASE WHEN current_setting('shared_preload_libraries') LIKE '%hitl%' THEN 'DO ''BEGIN END''' ELSE 'CALL hitl.run_pending()' END AS run \gset

-- A node that asks what it is told to ask, and returns the decision that it is handed.
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN jsonb_build_object('decision', hitl.interrupt(state->'ask') - 'at');
END $$;
SELECT hitl.create_graph('ask');
SELECT hitl.add_node('ask', 'asks', 'asks'), hitl.add_edge('ask', 'START', 'asks'), hitl.add_edge('ask', 'asks', 'END'), hitl.compile('ask') AS version;

-- Asks, and returns the interrupt's number.
CREATE FUNCTION ask(question jsonb) RETURNS bigint LANGUAGE sql AS $$
  SELECT (hitl.invoke('ask', jsonb_build_object('ask', question))#>'{interrupts,0,interrupt_id}')::bigint $$;
-- What a statement is refused with; times are masked.
CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  detail := regexp_replace(detail, '\d+-\d+-\d+ \d+:\d+:[\d.]+([+-]\d+(:\d+)?)?', '<time>');
END $$;
-- What a thread's node was handed, once it has run.
CREATE FUNCTION handed(id bigint) RETURNS jsonb LANGUAGE sql AS $$
  SELECT hitl.get_state(thread_id)->'decision' FROM hitl.interrupt WHERE interrupt_id = id $$;

-- 1. The verbs.  Each returns the thread, what became of the interrupt, and the votes given and needed.
SELECT ask('{"action": "pay", "args": {"amount": 10, "to": {"name": "a", "iban": "b"}}}') FROM generate_series(1, 12);
SELECT * FROM hitl.approve(1);
SELECT * FROM hitl.approve(2, 'looks good');
SELECT * FROM hitl.edit(3, '{"amount": 9, "note": "less", "to": {"name": "c"}}', comment => 'cheaper');
SELECT * FROM hitl.edit(4, '{}');
SELECT * FROM hitl.reject(5, 'no');
SELECT * FROM hitl.reject(6);
SELECT * FROM hitl.respond(7, '{"do": ["this", null]}');
SELECT * FROM hitl.respond(8, 'null');
SELECT * FROM hitl.respond(9, text => 'say "it" first');
SELECT * FROM hitl.decide(10, '{"type": "edit", "edits": {"amount": null}}', comment => 'none');
SELECT * FROM hitl.decide(11, '{"type": "reject", "reason": null}');
SELECT * FROM hitl.decide(12, '{"type": "respond", "response": [1]}');
:run;
SELECT hitl.wait(thread_id, '20 s') FROM hitl.decided ORDER BY interrupt_id;

-- What the node is handed: the answer, the final args, by whom.  Edits are laid over the args key by key, not deep.
SELECT id, handed(id) FROM generate_series(1::bigint, 12) id;
SELECT interrupt_id, voter, role, type, answer, comment FROM hitl.vote ORDER BY interrupt_id;
SELECT DISTINCT decision->>'at' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$' AS is_utc, abs(extract(epoch FROM (decision->>'at')::timestamptz - settled_at)) < 1 AS is_when FROM hitl.decided;

-- 2. An id answers once.
SELECT * FROM refused('SELECT hitl.approve(1)');
SELECT * FROM refused('SELECT hitl.reject(3, ''too late'')');
SELECT * FROM refused('SELECT hitl.approve(999)');
SELECT * FROM refused('SELECT hitl.approve(-1)');
SELECT ask('{"action": "cancel me"}');
SELECT hitl.cancel(thread_id) FROM hitl.interrupt WHERE interrupt_id = 13;
SELECT * FROM refused('SELECT hitl.approve(13)');

-- 3. The same answer again, under the same key, is a repeat: it changes nothing and says what is.
SELECT ask('{"action": "pay", "args": {"amount": 10}}');
SELECT * FROM hitl.edit(14, '{"amount": 5}', idempotency_key => 'k1');
SELECT * FROM hitl.edit(14, '{"amount": 5.0}', idempotency_key => 'k1');
SELECT * FROM hitl.decide(14, '{"edits": {"amount": 5}, "type": "edit"}', comment => 'other comment', idempotency_key => 'k1');
SELECT * FROM refused($$SELECT hitl.edit(14, '{"amount": 6}', idempotency_key => 'k1')$$);
SELECT * FROM refused($$SELECT hitl.edit(14, '{"amount": 5}', idempotency_key => 'k2')$$);
SELECT * FROM refused($$SELECT hitl.edit(14, '{"amount": 5}')$$);
SELECT * FROM refused($$SELECT hitl.approve(14, idempotency_key => 'k1')$$);
SELECT count(*) FROM hitl.vote WHERE interrupt_id = 14;
SELECT count(*) FROM hitl.timeline WHERE interrupt_id = 14 AND event = 'decided';
:run;
SELECT hitl.wait(thread_id, '20 s') FROM hitl.decided WHERE interrupt_id = 14;
SELECT * FROM hitl.edit(14, '{"amount": 5}', idempotency_key => 'k1');

-- 4. Which decisions a question takes.
SELECT ask('{"action": "a", "args": {"x": 1}, "allowed": ["approve", "reject"]}');
SELECT * FROM refused($$SELECT hitl.edit(15, '{"x": 2}')$$);
SELECT * FROM refused($$SELECT hitl.respond(15, '1')$$);
SELECT * FROM refused($$SELECT hitl.decide(15, '{"type": "respond", "response": 1}')$$);
SELECT ask('{"action": "a", "args": [1, 2]}'), ask('"no args"');
SELECT * FROM refused($$SELECT hitl.edit(16, '{"x": 2}')$$);
SELECT * FROM refused($$SELECT hitl.edit(17, '{"x": 2}')$$);
-- Each was refused and stays pending.
SELECT interrupt_id, status FROM hitl.interrupt WHERE interrupt_id BETWEEN 15 AND 17 ORDER BY 1;
SELECT count(*) FROM hitl.vote WHERE interrupt_id BETWEEN 15 AND 17;

-- 5. The shape of a decision.
SELECT decision, code, message, detail FROM jsonb_array_elements('["approve", null, 5, [], {}, {"type": null}, {"type": 1}, {"type": "Approve"}, {"type": "agree"}, {"typ": "approve"},
    {"type": "approve", "edits": {"x": 2}}, {"type": "approve", "reason": "r"}, {"type": "reject", "reason": 5}, {"type": "reject", "response": 5}, {"type": "edit"},
    {"type": "edit", "edits": [1]}, {"type": "edit", "edits": null}, {"type": "edit", "edits": {}, "args": {}}, {"type": "respond"},
    {"type": "respond", "edits": {}, "response": 1}, {"type": "approve", "by": "somebody else"}]') decision, refused(format('SELECT hitl.decide(15, %L)', decision));
SELECT hint FROM refused($$SELECT hitl.decide(15, '{}')$$);
SELECT * FROM refused($$SELECT hitl.edit(15, '5')$$);
SELECT * FROM refused($$SELECT hitl.edit(15, '[{"x": 2}]')$$);
SELECT * FROM refused($$SELECT hitl.respond(15)$$);
SELECT * FROM refused($$SELECT hitl.respond(15, '1', text => 'one')$$);
SELECT code, message FROM unnest(ARRAY['SELECT hitl.approve(NULL)', 'SELECT hitl.edit(NULL, ''{}'')', 'SELECT hitl.edit(15, NULL)', 'SELECT hitl.reject(NULL)', 'SELECT hitl.respond(NULL, ''1'')',
  'SELECT hitl.decide(NULL, ''{"type": "approve"}'')', 'SELECT hitl.decide(15, NULL)', 'SELECT hitl.approve(NULL, ''no interrupt'', ''key'')']) statement, refused(statement);
SELECT status, decision FROM hitl.interrupt WHERE interrupt_id = 15 AND status <> 'pending';

-- 6. Many at once: all or nothing.
SELECT ask(jsonb_build_object('action', 'many', 'args', jsonb_build_object('n', n), 'allowed', CASE WHEN n = 3 THEN '["reject"]'::jsonb END)) FROM generate_series(1, 4) n;
SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE action = 'many';
\echo :SQLSTATE
SELECT interrupt_id, args FROM hitl.pending WHERE action = 'many' ORDER BY interrupt_id;
\set VERBOSITY terse
SELECT hitl.approve(interrupt_id), hitl.approve(interrupt_id) FROM hitl.pending WHERE interrupt_id = 18;
\echo :SQLSTATE
\set VERBOSITY default
SELECT hitl.reject(interrupt_id, format('no %s', args->'n')) FROM hitl.pending WHERE action = 'many' ORDER BY interrupt_id;
-- A decision that is rolled back was none.
BEGIN;
SELECT hitl.approve(15);
SAVEPOINT s;
SELECT hitl.respond(16, '1');
ROLLBACK TO s;
SELECT interrupt_id FROM hitl.pending ORDER BY 1;
ROLLBACK;
SELECT interrupt_id FROM hitl.pending ORDER BY 1;
:run;
SELECT hitl.wait(thread_id, '20 s') FROM hitl.decided WHERE action = 'many' ORDER BY interrupt_id;
SELECT handed(id) FROM generate_series(18::bigint, 21) id;

-- 7. resume() decides the one thing that a thread waits for.
SELECT hitl.resume(thread_id, '{"type": "approve"}')->>'status' AS status FROM hitl.pending WHERE interrupt_id = 15;
SELECT * FROM refused((SELECT format($$SELECT hitl.resume(%s, '{"type": "approve"}')$$, thread_id) FROM hitl.interrupt WHERE interrupt_id = 15));
SELECT * FROM refused((SELECT format($$SELECT hitl.resume(%s, '{"type": "agree"}')$$, thread_id) FROM hitl.interrupt WHERE interrupt_id = 16));
SELECT * FROM refused((SELECT format($$SELECT hitl.resume(%s, '{"type": "edit", "edits": {}}')$$, thread_id) FROM hitl.interrupt WHERE interrupt_id = 16));
SELECT * FROM refused($$SELECT hitl.resume(999, '{"type": "approve"}')$$);

-- 8. An answer may say what it has seen: the number of the revision, or the content's hash, which is the same wherever it is computed.
SELECT ask('{"action": "refund", "args": {"amount": 4800}, "description": "today"}'), ask('{"action": "refund", "args": {"amount": 4.8e3}, "description": "tomorrow"}');
SELECT interrupt_id, revision, content_hash FROM hitl.interrupt WHERE action = 'refund' ORDER BY interrupt_id;
SELECT * FROM refused($$SELECT hitl.approve(22, seen => '0')$$);
SELECT * FROM refused($$SELECT hitl.reject(22, 'no', seen => repeat('ab', 32))$$);
SELECT * FROM refused($$SELECT hitl.respond(22, '1', seen => 'the first')$$);
SELECT status FROM hitl.approve(22, seen => '1');
SELECT d.status FROM hitl.interrupt i, hitl.edit(i.interrupt_id, '{"amount": 4000}', seen => i.content_hash) d WHERE i.interrupt_id = 23;
:run;
SELECT hitl.wait(thread_id, '20 s') FROM hitl.decided WHERE action = 'refund' ORDER BY interrupt_id;

SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP FUNCTION asks, ask, refused, handed;
