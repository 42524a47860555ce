-- Many decisions in one statement.
-- Proves: decide_many() decides all or nothing, or skips what is refused and says why, a row each; an id twice is one decision; what has changed since it was looked at is not decided;
-- a statement decides hitl.max_bulk_decisions at most, also where a query calls approve() for each row.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS hitl CASCADE;
CREATE EXTENSION hitl;
CREATE ROLE bulk_eve LOGIN;
GRANT USAGE ON SCHEMA hitl TO bulk_eve;
CREATE FUNCTION bulk_asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.interrupt(state) $$;
SELECT hitl.define('{"graph": "bulk", "nodes": {"ask": "bulk_asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
CREATE FUNCTION bulk_refused(statement text, OUT code text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  detail := regexp_replace(regexp_replace(detail, '[0-9a-f]{64}', '<hash>'), '\d+-\d+-\d+ \d+:\d+:[\d.]+([+-]\d+(:\d+)?)?', '<time>');
END $$;
CREATE VIEW pending AS SELECT i.interrupt_id FROM hitl.interrupt i WHERE i.status = 'pending' ORDER BY 1;
SELECT count((hitl.invoke('bulk', jsonb_build_object('action', 'pay', 'args', jsonb_build_object('n', n), 'allowed', CASE WHEN n = 4 THEN '["reject"]'::jsonb END)))) FROM generate_series(1, 12) n;

-- 1. All or nothing: the fourth takes no approve.
SELECT code, message FROM bulk_refused($$SELECT hitl.decide_many(ARRAY[5, 4, 3], '{"type": "approve"}')$$);
SELECT count(*) FROM pending;
SELECT * FROM hitl.decide_many(ARRAY[3, 1, 2, 1], '{"type": "approve"}', comment => 'all of them');
SELECT interrupt_id, comment FROM hitl.vote ORDER BY 1;

-- 2. Or skip what is refused: decided already, unknown, not allowed, changed since.
SELECT interrupt_id, status, votes, needed, sqlstate, message, regexp_replace(detail, '(at ).*(: approve)', '\1<time>\2') AS detail FROM hitl.decide_many(ARRAY[999, 5, 4, 3], '{"type": "approve"}', 'skip');
SELECT interrupt_id, status, sqlstate, regexp_replace(detail, '[0-9a-f]{64}', '<hash>') AS detail FROM hitl.decide_many(ARRAY[6, 7], '{"type": "reject", "reason": "no"}', 'skip', seen => ARRAY['2', '1']);
-- The same once more, under its key: a harmless repeat.
SELECT * FROM hitl.decide_many(ARRAY[8], '{"type": "reject", "reason": "no"}', 'skip', idempotency_key => 'k');
SELECT * FROM hitl.decide_many(ARRAY[8], '{"type": "reject", "reason": "no"}', 'skip', idempotency_key => 'k');
SELECT interrupt_id FROM pending;
-- A decision in whatever shape it comes: one that is none, and an "ignore" as Agent Inbox says it, which decides nothing.
SELECT interrupt_id, status, sqlstate, message FROM hitl.decide_many(ARRAY[9], '{"type": "agree"}', 'skip');
SELECT interrupt_id, status FROM hitl.decide_many(ARRAY[6], '[{"type": "ignore", "args": null}]', 'skip');
-- Each of them is that person's decision, or none.
SET SESSION AUTHORIZATION bulk_eve;
SELECT interrupt_id, sqlstate, message FROM hitl.decide_many(ARRAY[9, 10], '{"type": "approve"}', 'skip');
RESET SESSION AUTHORIZATION;

-- 3. What is no decision, or no list, is an error in any case.
SELECT code, message FROM unnest(ARRAY[$$SELECT hitl.decide_many(ARRAY[9], '{"type": "agree"}')$$, $$SELECT hitl.decide_many(ARRAY[9], '{"type": "approve"}', 'ignore')$$, $$SELECT hitl.decide_many(ARRAY[9], '{"type": "approve"}', NULL)$$,
  $$SELECT hitl.decide_many(ARRAY[9, NULL], '{"type": "approve"}', 'skip')$$, $$SELECT hitl.decide_many(ARRAY[[9], [10]], '{"type": "approve"}', 'skip')$$, $$SELECT hitl.decide_many(NULL, '{"type": "approve"}')$$, $$SELECT hitl.decide_many(ARRAY[9], NULL)$$,
  $$SELECT hitl.decide_many(ARRAY[9], '{"type": "approve"}', seen => ARRAY['1', '1'])$$]) statement, bulk_refused(statement);
SELECT * FROM hitl.decide_many('{}', '{"type": "approve"}');
SELECT count(*) FROM pending;

-- 4. So many in one statement, and no more: by a list, and by a query over what is pending.
SET hitl.max_bulk_decisions = 2;
SELECT * FROM bulk_refused($$SELECT hitl.decide_many(ARRAY[9, 10, 11], '{"type": "reject"}', 'skip')$$);
SELECT code, message FROM bulk_refused($$SELECT hitl.reject(interrupt_id) FROM pending$$);
SELECT code, message FROM bulk_refused($$SELECT d.* FROM pending p, hitl.reject(p.interrupt_id) d$$);
SELECT code, message FROM bulk_refused($$SELECT d.* FROM pending p, hitl.decide_many(ARRAY[p.interrupt_id], '{"type": "reject"}') d$$);
SELECT code, message FROM bulk_refused($$SELECT hitl.decide_many(ARRAY[p.interrupt_id], '{"type": "reject"}', 'skip') FROM pending p$$);
SELECT code, message FROM bulk_refused($$DO 'DECLARE i bigint; s text; BEGIN FOR i IN SELECT interrupt_id FROM pending LOOP s := (hitl.reject(i)).status; END LOOP; END'$$);
SELECT count(*) FROM pending;
SELECT (hitl.reject(interrupt_id)).status FROM (SELECT * FROM pending LIMIT 2) p;
-- Each statement counts anew.
SELECT count(*) FROM hitl.decide_many(ARRAY(SELECT interrupt_id FROM pending LIMIT 2), '{"type": "reject"}');
SELECT count(*) FROM pending;
RESET hitl.max_bulk_decisions;

SELECT * FROM hitl.check();
DROP OWNED BY bulk_eve;
DROP VIEW pending;
DROP EXTENSION hitl CASCADE;
CREATE EXTENSION hitl;
DROP FUNCTION bulk_asks, bulk_refused;
DROP ROLE bulk_eve;
