-- hooks.sql: another extension brings nodes, a router and an observer in C (hitl.h; the sample is test/hooks).
-- A node that pauses with a phase keeps what it did: it goes on in that phase, with what it saved and the decision.
-- An observer sees what is opened, decided and ended in the same commit, and can refuse it.
SET client_min_messages = warning;
CREATE EXTENSION hitl_sample;

-- A node in C is a function like any other.
\df sample.*
SELECT hitl.define('{"graph": "c_pay", "nodes": {"pay": "sample.pay(jsonb)"}, "edges": [["START", "pay"], ["pay", "END"]]}');

-- Below 1000 nobody is asked.
SELECT r->>'status' AS status, r->'state' AS state FROM hitl.invoke('c_pay', '{"amount": 900}') r;
SELECT entry, amount FROM sample.ledger ORDER BY ctid;

-- Above, the node reserves the amount, asks, and returns.  The reservation is committed with the question.
TRUNCATE sample.ledger;
SELECT hitl.start('c_pay', '{"amount": 4200}') AS t \gset
SELECT hitl.wait(:t, '30 s');
SELECT entry, amount FROM sample.ledger ORDER BY ctid;
SELECT key, action, args FROM hitl.pending WHERE thread_id = :t;
SELECT phase, saved FROM hitl.task WHERE thread_id = :t;

-- The edit is merged by hitl; phase 1 pays what was decided, and nothing is reserved again.
SELECT status FROM hitl.pending p, hitl.edit(p.interrupt_id, '{"amount": 4000}') WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '30 s');
SELECT entry, amount FROM sample.ledger ORDER BY ctid;
SELECT hitl.get_state(:t);
SELECT phase, saved FROM hitl.task WHERE thread_id = :t;

-- A no releases it.
SELECT hitl.start('c_pay', '{"amount": 5000}') AS t \gset
SELECT hitl.wait(:t, '30 s');
SELECT status FROM hitl.pending p, hitl.reject(p.interrupt_id, 'too much') WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '30 s'), hitl.get_state(:t);
SELECT entry, amount FROM sample.ledger WHERE thread_id = :t ORDER BY ctid;

-- Here and now it is the same: what the node did before it paused stays, and what follows comes once.
TRUNCATE sample.ledger;
SELECT (r->>'thread_id')::bigint AS t, r->>'status' AS status FROM hitl.invoke('c_pay', '{"amount": 1001}') r \gset
SELECT :'status', entry, amount FROM sample.ledger ORDER BY ctid;
SELECT r->>'status' AS status, r->'state' AS state FROM hitl.resume(:t, '{"type": "approve"}') r;
SELECT entry, amount FROM sample.ledger ORDER BY ctid;

-- A run that fails in a phase is repeated in that phase, with the same answer: retry() asks nobody again.
TRUNCATE sample.ledger;
SELECT hitl.start('c_pay', '{"amount": 6000}') AS t \gset
SELECT hitl.wait(:t, '30 s');
ALTER TABLE sample.ledger ADD CONSTRAINT no_payments CHECK (entry <> 'paid');
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '30 s');
SELECT sqlstate, node FROM hitl.failed WHERE thread_id = :t;
ALTER TABLE sample.ledger DROP CONSTRAINT no_payments;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t, '30 s'), hitl.get_state(:t);
SELECT entry, amount FROM sample.ledger ORDER BY ctid;

-- A node that asks by hitl_interrupt() is one in replay mode: what it did before is rolled back, and done again.
TRUNCATE sample.ledger;
SELECT hitl.define('{"graph": "c_ask", "nodes": {"ask": "sample.ask(jsonb)"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.start('c_ask') AS t \gset
SELECT hitl.wait(:t, '30 s');
SELECT count(*) FROM sample.ledger;
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '30 s');
SELECT entry FROM sample.ledger;
SELECT s - 'effect_key', s->>'effect_key' = k.thread_id || '-' || k.task_id AS is_its_own
FROM hitl.get_state(:t) s, hitl.task k WHERE k.thread_id = :t;

-- A key is free again in the next phase: an answer answers one question.
TRUNCATE sample.ledger;
SELECT hitl.start('c_ask', '{"twice": "yes"}') AS t \gset
SELECT hitl.wait(:t, '30 s');
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '30 s');
SELECT key, action FROM hitl.pending WHERE thread_id = :t;
SELECT status FROM hitl.pending p, hitl.reject(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '30 s'), hitl.get_state(:t)->>'answer' AS answer;
SELECT status, count(*) FROM hitl.interrupt WHERE thread_id = :t GROUP BY status;

-- What a node has kept for its next phase only it can read: a version in which the node is another function does not do.
TRUNCATE sample.ledger;
SELECT hitl.define('{"graph": "c_moves", "nodes": {"pay": "sample.pay(jsonb)"}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT hitl.start('c_moves', '{"amount": 7000}') AS t \gset
SELECT hitl.wait(:t, '30 s');
SELECT hitl.define('{"graph": "c_moves", "nodes": {"pay": {"sql": "SELECT ''{\"status\": \"paid\"}''::jsonb"}}, "edges": [["START", "pay"], ["pay", "END"]]}');
DO $$
DECLARE message text; detail text;
BEGIN
  PERFORM hitl.migrate(thread_id) FROM hitl.pending WHERE graph = 'c_moves';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  RAISE INFO '%: %: %', SQLSTATE, regexp_replace(message, '[0-9]+', 'N'), detail;
END $$;
SELECT status FROM hitl.pending p, hitl.reject(p.interrupt_id, 'no') WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '30 s'), hitl.get_state(:t)->>'status' AS status;

-- A router is a plain function.
SELECT hitl.define('{"graph": "c_route", "nodes": {"small": {"sql": "SELECT ''{\"way\": \"small\"}''::jsonb"}, "big": {"sql": "SELECT ''{\"way\": \"big\"}''::jsonb"}},
  "edges": [["small", "END"], ["big", "END"]], "conditional_edges": [{"source": "START", "router": "sample.route(jsonb)"}]}');
SELECT i, hitl.invoke('c_route', jsonb_build_object('amount', i))->'state'->>'way' AS way FROM unnest(array[1, 1001]) i;

-- What a node in C can do wrong fails it, and nothing of it stays.
TRUNCATE sample.ledger;
SELECT hitl.define('{"graph": "c_misuse", "nodes": {"misuse": "sample.misuse(jsonb)"}, "edges": [["START", "misuse"], ["misuse", "END"]]}');
SELECT how, r->>'status' AS status, r->'error'->>'sqlstate' AS sqlstate, r->'error'->>'message' AS message
FROM unnest(array['phase', 'twice', 'update', 'error', 'swallow', 'version', 'stranger']) WITH ORDINALITY u (how, n),
  LATERAL (SELECT hitl.invoke('c_misuse', jsonb_build_object('how', how)) AS r) x ORDER BY n;
SELECT count(*) FROM sample.ledger;
-- A reject that it does not ask for any more is not passed over because it pauses: what it did is rolled back.
SELECT hitl.start('c_misuse', '{"how": "unheard"}') AS t \gset
SELECT hitl.wait(:t, '30 s');
BEGIN;
INSERT INTO sample.ledger VALUES (:t, 'closed', 0);
SELECT status FROM hitl.pending p, hitl.reject(p.interrupt_id, 'no') WHERE p.thread_id = :t;
COMMIT;
SELECT hitl.wait(:t, '30 s');
SELECT sqlstate FROM hitl.failed WHERE thread_id = :t;
SELECT entry FROM sample.ledger WHERE thread_id = :t;
SELECT hitl.cancel(:t);
SELECT count(*) FROM hitl.pending WHERE graph = 'c_misuse';
-- A node is no function for everyday.
\set VERBOSITY sqlstate
SELECT sample.pay('{"amount": 1}');
\set VERBOSITY default

-- The observer of the sample notes what it sees: all of it, in this session, in order and with its commit.
TRUNCATE sample.event;
SELECT (hitl.invoke('c_pay', '{"amount": 7000}')->>'thread_id')::bigint AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
BEGIN;
SELECT status FROM hitl.approve(:i);
ROLLBACK;
SELECT status FROM hitl.approve(:i);
SELECT hitl.wait(:t, '30 s');
SELECT event, interrupt_id IS NOT DISTINCT FROM CASE WHEN event <> 'ended' THEN :i END AS is_right FROM sample.event
WHERE thread_id = :t AND event <> 'ended' ORDER BY event_id;

-- It can refuse a decision: the question stays open.
SELECT (hitl.invoke('c_pay', '{"amount": 8000}')->>'thread_id')::bigint AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
SET hitl_sample.refuse = 'decided';
SELECT status FROM hitl.approve(:i);
SELECT count(*) FROM hitl.pending WHERE thread_id = :t;
-- and the end of a thread: cancel() gets the error.
SET hitl_sample.refuse = 'ended';
SELECT hitl.cancel(:t);
RESET hitl_sample.refuse;
SELECT hitl.cancel(:t);

-- A question that is refused fails its node; that it has failed cannot be refused.
SET hitl_sample.refuse = 'opened';
SELECT r->>'status' AS status, r->'error'->>'sqlstate' AS sqlstate, r->'error'->>'message' AS message FROM hitl.invoke('c_pay', '{"amount": 9000}') r;
SET hitl_sample.refuse = 'ended';
SELECT r->>'status' AS status, r->'error'->>'sqlstate' AS sqlstate, r->'error'->>'message' AS message FROM hitl.invoke('c_pay', '{"amount": 1}') r;
RESET hitl_sample.refuse;

SELECT * FROM hitl.check();
