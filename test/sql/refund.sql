-- The refund story: a small refund runs straight through, a large one pauses in the middle of its node and waits for a person,
-- who approves, edits, rejects or answers; then the node runs on.  Every effect happens once, whatever was decided.
-- Proves: the four decisions end to end, with their views, from a session like any other.
CREATE EXTENSION hitl;
SET client_min_messages = warning;

-- With workers on, they run what is due.  Without, somebody has to: a session, or a schedule.
SELECT CASE WHEN current_setting('shared_preload_libraries') LIKE '%hitl%' THEN 'DO ''BEGIN END''' ELSE 'CALL hitl.run_pending()' END AS run \gset

CREATE TABLE refunds (thread_id bigint PRIMARY KEY, amount numeric NOT NULL);
CREATE TABLE attempts (thread_id bigint);

-- A node is a function of the state; what it returns is laid over the state.  In its middle it may ask.
CREATE FUNCTION risky(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  decision jsonb;
BEGIN
  INSERT INTO attempts VALUES (hitl.current_thread());
  IF ((state->>'amount')::numeric <= 1000) IS NOT TRUE THEN      -- asks also when the amount is missing
    decision := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', state->'refund_args',
                                                  'description', 'Refund above 1000'));
    IF decision->>'type' = 'reject' THEN
      RETURN jsonb_build_object('status', 'aborted', 'reason', decision->>'reason');
    ELSIF decision->>'type' = 'respond' THEN
      RETURN jsonb_build_object('status', 'answered', 'answer', decision->'response');
    END IF;
    -- the final arguments, edits merged already
    INSERT INTO refunds VALUES (hitl.current_thread(), (decision->'args'->>'amount')::numeric);
    RETURN jsonb_build_object('status', 'ok', 'refund_args', decision->'args');
  END IF;
  INSERT INTO refunds VALUES (hitl.current_thread(), (state->>'amount')::numeric);
  RETURN jsonb_build_object('status', 'ok');
END $$;

SELECT hitl.create_graph('refund');
SELECT hitl.add_node('refund', 'risky', 'risky(jsonb)');
SELECT hitl.add_edge('refund', 'START', 'risky');
SELECT hitl.add_edge('refund', 'risky', 'END');
SELECT hitl.compile('refund') AS version;

-- A small one.
SELECT hitl.start('refund', '{"amount": 900}') AS small \gset
:run;
SELECT hitl.wait(:small, '20 s');
SELECT hitl.get_state(:small);
SELECT * FROM refunds;

-- Four large ones, one after the other so that their numbers are known.  Each stops where it asks.
SELECT hitl.start('refund', '{"amount": 4200, "refund_args": {"order": "A-2", "amount": 4200}}') AS a \gset
:run;
SELECT hitl.wait(:a, '20 s');
SELECT hitl.start('refund', '{"amount": 4300, "refund_args": {"order": "A-3", "amount": 4300}}') AS e \gset
:run;
SELECT hitl.wait(:e, '20 s');
SELECT hitl.start('refund', '{"amount": 4400, "refund_args": {"order": "A-4", "amount": 4400}}') AS r \gset
:run;
SELECT hitl.wait(:r, '20 s');
SELECT hitl.start('refund', '{                "refund_args": {"order": "A-5", "amount": 4500}}') AS s \gset
:run;
SELECT hitl.wait(:s, '20 s');

-- Nothing waits but rows.  What the nodes did before they asked is rolled back.
SELECT count(*) FROM attempts;
SELECT thread_id, graph, version, status, step FROM hitl.threads ORDER BY thread_id;
SELECT interrupt_id, thread_id, graph, node, key, action, args, description, allowed FROM hitl.pending ORDER BY thread_id;
SELECT interrupt_id, action, args, age < '1 min' AS is_fresh FROM hitl.inbox;
SELECT code, explanation, next FROM hitl.why(:a);

-- One call each.
SELECT * FROM hitl.approve(1, comment => 'fine');
SELECT hitl.edit(interrupt_id, '{"amount": 4000}') FROM hitl.pending WHERE thread_id = :e;
SELECT hitl.reject(interrupt_id, 'not refundable') FROM hitl.pending WHERE thread_id = :r;
SELECT hitl.respond(interrupt_id, '"ask for the receipt first"') FROM hitl.pending WHERE thread_id = :s;
:run;
SELECT hitl.wait(:a, '20 s'), hitl.wait(:e, '20 s'), hitl.wait(:r, '20 s'), hitl.wait(:s, '20 s');

-- 900 as it was, 4200 as approved, 4000 as edited: each once.  Five nodes ran to their end, so five attempts count.
SELECT * FROM refunds ORDER BY thread_id;
SELECT count(*), count(DISTINCT thread_id) FROM attempts;
SELECT thread_id, hitl.get_state(thread_id) FROM hitl.threads WHERE thread_id IN (:a, :e, :r, :s) ORDER BY thread_id;

-- Who said what.
SELECT interrupt_id, thread_id, status, type, settled_by, decision - 'at' AS decision, took >= '0' AS took FROM hitl.decided ORDER BY interrupt_id;
SELECT * FROM hitl.pending;
SELECT * FROM hitl.inbox;
SELECT event, step, node, interrupt_id, actor, detail, comment FROM hitl.timeline WHERE thread_id = :a;
SELECT event, step, node, interrupt_id, actor, detail, comment FROM hitl.timeline WHERE thread_id = :small;
SELECT code, explanation, next FROM hitl.why(:a);

-- An id answers once.
\set VERBOSITY terse
SELECT hitl.approve(1);
\echo :SQLSTATE
\set VERBOSITY default

SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP TABLE refunds, attempts;
DROP FUNCTION risky;
