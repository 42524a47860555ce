-- Cancel: a thread that is to go no further; what it asked is closed, what it had done stays.
-- Proves: cancel at every state, twice, too late, by whom; late answers are told; a node neither cancels its own thread nor runs on in a
-- cancelled one; nothing of a cancelled thread is left in the queue or in an inbox.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
CREATE TABLE effects (thread_id bigint, node text);

CREATE FUNCTION works(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO effects VALUES (hitl.current_thread(), hitl.context()->>'node');
  IF state ? 'fails' THEN RAISE 'told to fail'; END IF;
  IF state ? 'does' THEN EXECUTE state->>'does'; END IF;
  RETURN '{}';
END $$;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('type', hitl.interrupt('{"action": "go"}')->'type') $$;
-- One node that works; then two side by side that ask.
SELECT hitl.create_graph('g'), hitl.add_node('g', 'work', 'works'), hitl.add_node('g', 'ask', 'asks'), hitl.add_node('g', 'work too', 'works'), hitl.add_edge('g', 'START', 'work'),
  hitl.add_edge('g', 'work', 'ask'), hitl.add_edge('g', 'work', 'work too'), hitl.add_edge('g', 'ask', 'END'), hitl.add_edge('g', 'work too', 'END'), hitl.compile('g');

-- 1. One that waits for a person.
SELECT hitl.invoke('g')->>'status' AS status;
SELECT hitl.cancel(1, 'changed my mind');
SELECT status, step, ended_at IS NOT NULL AS has_ended, ended_by, reason FROM hitl.threads WHERE thread_id = 1;
SELECT step, node, status, ended_at IS NOT NULL AS has_ended FROM hitl.task WHERE thread_id = 1 ORDER BY step, node;
SELECT interrupt_id, status, settled_by, settled_at IS NOT NULL AS is_settled, decision FROM hitl.interrupt WHERE thread_id = 1;
SELECT (SELECT count(*) FROM hitl.pending) AS pending, (SELECT count(*) FROM hitl.inbox) AS inbox, (SELECT count(*) FROM hitl.run_queue) AS queue, (SELECT count(*) FROM hitl.decided) AS decided;
SELECT code, explanation, next FROM hitl.why(1);
SELECT event, node, actor FROM hitl.timeline WHERE thread_id = 1;
-- What was done before stays.
SELECT * FROM effects;
SELECT hitl.wait(1, '20 s');
SELECT hitl.get_state(1);

-- Late answers are told; so is all else that would move it.
\set VERBOSITY terse
SELECT hitl.approve(1);
\echo :SQLSTATE
SELECT hitl.resume(1, '{"type": "approve"}');
\echo :SQLSTATE
SELECT hitl.retry(1);
\echo :SQLSTATE
\set VERBOSITY default
-- Once more changes nothing.
SELECT hitl.cancel(1, 'again');
SELECT reason FROM hitl.threads WHERE thread_id = 1;
SELECT count(*) FROM hitl.timeline WHERE thread_id = 1 AND event = 'cancelled';

-- 2. One that is done; one that has failed; one that is not there.
SELECT hitl.invoke('g')->>'status' AS status;
SELECT hitl.resume(2, '{"type": "approve"}')->>'status' AS status;
SELECT hitl.cancel(2);
\echo :SQLSTATE
SELECT hitl.invoke('g', '{"fails": true}')->>'status' AS status;
SELECT hitl.cancel(3);
SELECT status, reason FROM hitl.threads WHERE thread_id = 3;
SELECT * FROM hitl.failed;
SELECT hitl.cancel(99);
\echo :SQLSTATE
SELECT hitl.cancel(NULL, 'which?');
\echo :SQLSTATE

-- 3. One that is queued and was never run; in the transaction that started it, and after it.
BEGIN;
SELECT hitl.start('g') AS t \gset
SELECT hitl.cancel(:t);
COMMIT;
SELECT hitl.wait(:t, '20 s');
SELECT node, status FROM hitl.task WHERE thread_id = :t;
-- One whose answer is given and whose node is about to run.
SELECT hitl.invoke('g')->>'thread_id' AS t \gset
BEGIN;
SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.cancel(:t);
COMMIT;
SELECT hitl.wait(:t, '20 s');
SELECT status, decision->>'type' AS type FROM hitl.interrupt WHERE thread_id = :t;
SELECT node, status FROM hitl.task WHERE thread_id = :t AND step = 2 ORDER BY node;
SELECT count(*) FROM hitl.run_queue;
-- A cancel that is rolled back was none.
SELECT hitl.invoke('g')->>'thread_id' AS t \gset
BEGIN;
SELECT hitl.cancel(:t);
ROLLBACK;
SELECT hitl.resume(:t, '{"type": "approve"}')->>'status' AS status;

-- 4. A node does not cancel its own thread: what would become of its own effects?  It may cancel another.
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message, d->'error'->>'hint' AS hint FROM hitl.invoke('g', '{"does": "SELECT hitl.cancel(hitl.current_thread())"}') d;
SELECT hitl.start('g', '{"does": "SELECT hitl.cancel(hitl.current_thread())"}') AS t \gset
CALL hitl.run_pending();
SELECT hitl.wait(:t, '20 s');
SELECT sqlstate FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.invoke('g')->>'thread_id' AS t \gset
SELECT hitl.invoke('g', jsonb_build_object('does', format('SELECT hitl.cancel(%s, ''by a node'')', :t)))->>'status' AS status;
SELECT status, ended_by, reason FROM hitl.threads WHERE thread_id = :t;
SELECT event, actor_kind FROM hitl.timeline WHERE thread_id = :t AND event = 'cancelled';
-- Nor by a detour: a node of a thread that another node has invoked.
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate FROM hitl.invoke('g', '{"does": "SELECT hitl.invoke(''g'', jsonb_build_object(''does'', format(''SELECT hitl.cancel(%s)'', hitl.current_thread())))"}') d;

SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP TABLE effects;
DROP FUNCTION works, asks;
