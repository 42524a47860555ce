CREATE EXTENSION hitl;
CREATE TABLE refunds(thread_id bigint PRIMARY KEY, amount numeric NOT NULL, made_at timestamptz DEFAULT now());
CREATE TABLE attempts(thread_id bigint, n serial);

CREATE FUNCTION risky(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE decision jsonb; args jsonb := state->'refund_args';
BEGIN
  INSERT INTO attempts(thread_id) VALUES (hitl.current_thread());
  IF ((state->>'amount')::numeric <= 1000) IS NOT TRUE THEN      -- asks also when the amount is missing
    BEGIN
      decision := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', args,
                                                    'description', 'Refund above 1000'));
    EXCEPTION WHEN OTHERS THEN
      RETURN jsonb_build_object('status', 'swallowed');      -- must never happen
    END;
    IF decision->>'type' = 'reject' THEN
      RETURN jsonb_build_object('status', 'aborted', 'reason', decision->>'reason');
    ELSIF decision->>'type' = 'respond' THEN
      RETURN jsonb_build_object('status', 'answered', 'answer', decision->'response');
    ELSIF decision->>'type' = 'edit' THEN
      args := args || (decision->'edits');
    END IF;
  END IF;
  INSERT INTO refunds(thread_id, amount) VALUES (hitl.current_thread(), (args->>'amount')::numeric);
  RETURN jsonb_build_object('status', 'ok', 'refund_args', args);
END $$;

SELECT hitl.create_graph('refund');
SELECT hitl.add_node('refund', 'risky', 'risky(jsonb)');
SELECT hitl.add_edge('refund', 'START', 'risky');
SELECT hitl.add_edge('refund', 'risky', 'END');
SELECT hitl.compile('refund');                       -- returns the version: 1

SELECT hitl.start('refund', '{"amount": 900, "refund_args": {"order": "A-1", "amount": 900}}') AS small \gset
SELECT hitl.start('refund', '{"amount": 4200, "refund_args": {"order": "A-2", "amount": 4200}}') AS a \gset
SELECT hitl.start('refund', '{"amount": 4300, "refund_args": {"order": "A-3", "amount": 4300}}') AS e \gset
SELECT hitl.start('refund', '{"amount": 4400, "refund_args": {"order": "A-4", "amount": 4400}}') AS r \gset
SELECT hitl.start('refund', '{"amount": 4500, "refund_args": {"order": "A-5", "amount": 4500}}') AS s \gset
-- hitl.wait(thread, timeout) returns the status once the thread is settled: done, failed, cancelled or interrupted
SELECT hitl.wait(:small, '10 s'), hitl.wait(:a, '10 s'), hitl.wait(:e, '10 s'), hitl.wait(:r, '10 s'), hitl.wait(:s, '10 s');
-- done | interrupted | interrupted | interrupted | interrupted
SELECT interrupt_id, thread_id, graph, node, action, args, description, allowed, opened_at FROM hitl.pending ORDER BY thread_id;   -- at least these columns

SELECT hitl.approve(interrupt_id, comment => 'fine') FROM hitl.pending WHERE thread_id = :a;
SELECT hitl.edit(interrupt_id, '{"amount": 4000}')   FROM hitl.pending WHERE thread_id = :e;
SELECT hitl.reject(interrupt_id, 'not refundable')   FROM hitl.pending WHERE thread_id = :r;
SELECT hitl.respond(interrupt_id, '"ask for the receipt first"') FROM hitl.pending WHERE thread_id = :s;
SELECT hitl.wait(:a, '10 s'), hitl.wait(:e, '10 s'), hitl.wait(:r, '10 s'), hitl.wait(:s, '10 s');   -- done ×4

SELECT thread_id = :a AS a, thread_id = :e AS e, thread_id = :small AS small, amount FROM refunds ORDER BY thread_id;  -- 900, 4200, 4000: three rows
SELECT hitl.get_state(:r)->>'status', hitl.get_state(:r)->>'reason';       -- aborted | not refundable
SELECT hitl.get_state(:s)->>'status', hitl.get_state(:s)->'answer';        -- answered | "ask for the receipt first"
SELECT count(*), count(DISTINCT thread_id) FROM attempts;                  -- 5 | 5: no replayed effect
SELECT hitl.approve(1);                                                    -- error: already decided, by whom, when, how
