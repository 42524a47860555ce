-- Notifications: on channel hitl when an interrupt opens, when it is decided, when a thread ends; ids only.
-- Proves: with hitl.notify = commit (and by itself where there are no workers) the transaction sends them; what is rolled back sends nothing,
-- also inside a node; off sends nothing; the payload is JSON and holds no content.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
SET hitl.notify = commit;

CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF state ? 'nested' THEN PERFORM hitl.invoke('g'); END IF;
  IF state ? 'fails' THEN RAISE 'told to fail'; END IF;
  RETURN jsonb_build_object('type', hitl.interrupt('{"action": "pay", "args": {"secret": "4711"}}')->'type');
END $$;
SELECT hitl.create_graph('g'), hitl.add_node('g', 'n', 'asks'), hitl.add_edge('g', 'START', 'n'), hitl.add_edge('g', 'n', 'END'), hitl.compile('g');

-- psql shows after each command what has arrived; the process number is masked, and left out is what a dispatcher may say at its start.
\o | sed -E '/resync/d; s/with PID [0-9]+/with PID <pid>/'
LISTEN hitl;
SELECT hitl.invoke('g')->'status' AS opened;
SELECT hitl.resume(1, '{"type": "approve"}')->'status' AS decided_and_ended;
SELECT hitl.invoke('g', '{"fails": true}')->'status' AS ended_by_failure;
SELECT hitl.invoke('g')->'status' AS opened;
SELECT hitl.cancel(3) AS ended;
UNLISTEN hitl;
\o

-- Rolled back: nothing, by whatever rolls it back.
\o | sed -E '/resync/d; s/with PID [0-9]+/with PID <pid>/'
LISTEN hitl;
BEGIN;
SELECT hitl.invoke('g')->'status' AS rolled_back;
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT hitl.invoke('g')->'status' AS rolled_back;
ROLLBACK TO s;
SELECT hitl.invoke('g')->>'thread_id' AS opened;
COMMIT;
SELECT hitl.invoke('g', '{"nested": true, "fails": true}')->>'thread_id' AS failed_and_so_what_it_had_opened_is_not;
UNLISTEN hitl;
\o

-- Off: nothing.
SET hitl.notify = off;
\o | sed -E '/resync/d; s/with PID [0-9]+/with PID <pid>/'
LISTEN hitl;
SELECT hitl.invoke('g')->>'thread_id' AS t \gset
SELECT hitl.resume(:t, '{"type": "approve"}')->'status' AS status;
UNLISTEN hitl;
\o

-- Where there are no workers, worker is commit.  (Where there are, they send: the process tests see to that.)
SELECT current_setting('shared_preload_libraries') LIKE '%hitl%' AS has_workers \gset
\if :has_workers
SET hitl.notify = commit;
\else
SET hitl.notify = worker;
\endif
\o | sed -E '/resync/d; s/with PID [0-9]+/with PID <pid>/'
LISTEN hitl;
SELECT hitl.invoke('g')->'status' AS opened;
UNLISTEN hitl;
\o
SET hitl.notify = 'everywhere';
\echo :SQLSTATE

SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP FUNCTION asks;
