-- Retries: a node that fails may be run again by itself, as its policy says, and by hand with retry().
-- Proves: attempts are counted and end; retry_on picks SQLSTATEs and classes; what a failed run did is undone and a pause is not a failure; the
-- server's troubles do not count; inline nothing sleeps: the thread is running with its due time; the same in an executor and inline where there is no delay.
SET client_min_messages = warning;
CREATE SCHEMA retry;
SET search_path = retry;

-- A node that fails as often as its input says, with the SQLSTATE it says. Attempts that came before are in its context.
CREATE TABLE ran (attempt int);
CREATE FUNCTION flaky(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE attempt int := hitl.context()->'attempt';
BEGIN
  INSERT INTO retry.ran VALUES (attempt);
  IF attempt < (state->>'fails')::int THEN
    RAISE 'attempt % failed', attempt USING ERRCODE = coalesce(state->>'code', 'P0001');
  END IF;
  RETURN jsonb_build_object('succeeded_at', attempt);
END $$;
CREATE FUNCTION events(thread_id bigint) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(event || coalesce('(' || (detail->>'sqlstate') || ')', ''), ' ' ORDER BY audit_id) FROM hitl.timeline t WHERE t.thread_id = events.thread_id $$;

-- 1. Three attempts in all, with no delay.
SELECT hitl.create_graph('three') > 0 AS created;
SELECT hitl.add_node('three', 'flaky', 'flaky', retry => '{"max_attempts": 3, "initial_interval": 0, "jitter": false}');
SELECT hitl.add_edge('three', 'START', 'flaky'), hitl.add_edge('three', 'flaky', 'END'), hitl.compile('three');
SELECT hitl.start('three', '{"fails": 2}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t), events(:t);
-- Only the run that succeeded left its effects.
SELECT * FROM ran;
TRUNCATE ran;
SELECT d->>'thread_id' AS i, d->>'status' AS status, d->'state' = hitl.get_state(:t) AS is_same FROM hitl.invoke('three', '{"fails": 2}') d \gset
SELECT :'status' AS status, :'is_same' AS is_same, events(:i) = events(:t) AS same_events;
SELECT * FROM ran;

-- 2. Used up: the thread failed, with the last error. By hand it gets as many again.
SELECT hitl.start('three', '{"fails": 6}') AS t \gset
SELECT hitl.wait(:t), events(:t);
SELECT node, attempt, sqlstate, message FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), events(:t);
SELECT node, attempt, message FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.invoke('three', '{"fails": 3}')->>'status' AS status;

-- 3. Without a policy a failure is final at once.
SELECT hitl.define('{"graph": "once", "nodes": {"flaky": "flaky"}, "edges": [["START", "flaky"], ["flaky", "END"]]}');
SELECT hitl.start('once', '{"fails": 1}') AS t \gset
SELECT hitl.wait(:t), events(:t);
SELECT node, attempt, message FROM hitl.failed WHERE thread_id = :t;

-- 4. retry_on: SQLSTATEs, or classes of them; all else is final.
SELECT hitl.define('{"graph": "picky", "nodes": {"flaky": {"handler": "flaky", "retry": {"max_attempts": 3, "initial_interval": 0, "jitter": false, "retry_on": ["08", "UX001"]}}},
  "edges": [["START", "flaky"], ["flaky", "END"]]}');
SELECT c.code, d->>'status' AS status, d->'state'->'succeeded_at' AS succeeded_at, events((d->>'thread_id')::bigint)
FROM (VALUES ('08006'), ('08001'), ('UX001'), ('UX002'), ('P0001'), ('22012'), ('57014')) c (code), LATERAL hitl.invoke('picky', jsonb_build_object('fails', 1, 'code', c.code)) d;
SELECT hitl.start('picky', '{"fails": 1, "code": "UX002"}') AS t \gset
SELECT hitl.wait(:t), events(:t);
SELECT node, attempt, sqlstate, message FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.start('picky', '{"fails": 1, "code": "08006"}') AS t \gset
SELECT hitl.wait(:t), events(:t);

-- 5. A delay: inline nothing sleeps. The thread is running, and says when it runs again.
SELECT hitl.define('{"graph": "slow", "nodes": {"flaky": {"handler": "flaky", "retry": {"max_attempts": 3, "initial_interval": 3600, "jitter": false, "max_interval": 86400}}, "after": "flaky"},
  "edges": [["START", "flaky"], ["flaky", "after"], ["after", "END"]]}');
SELECT clock_timestamp() AS before \gset
SELECT d->>'thread_id' AS t, d->>'status' AS status, (d->>'due_at')::timestamptz - :'before' BETWEEN '1 h' AND '1 h 1 min' AS is_in_an_hour, d ? 'error' AS has_error FROM hitl.invoke('slow', '{"fails": 9}') d \gset
SELECT :'status' AS status, :'is_in_an_hour' AS is_in_an_hour, :'has_error' AS has_error;
SELECT code FROM hitl.why(:t);
SELECT status FROM hitl.threads WHERE thread_id = :t;
SELECT hitl.wait(:t, '0') AS not_settled;
-- It cannot be retried by hand while it waits for its turn, but cancelled.
\set VERBOSITY sqlstate
SELECT hitl.retry(:t);
\set VERBOSITY default
SELECT hitl.cancel(:t), events(:t);
-- In an executor it is the same; each time it waits longer, until max_interval.
SELECT hitl.define('{"graph": "backoff", "nodes": {"flaky": {"handler": "flaky", "retry": {"max_attempts": 4, "initial_interval": 0.02, "backoff_factor": 3, "max_interval": 0.05, "jitter": false}}},
  "edges": [["START", "flaky"], ["flaky", "END"]]}');
SELECT hitl.start('backoff', '{"fails": 3}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t), events(:t);
SELECT max(at) FILTER (WHERE event = 'executed') - max(at) FILTER (WHERE event = 'started') >= interval '0.12 s' AS long_enough FROM hitl.timeline WHERE thread_id = :t;

-- 6. Conflicts and the server's troubles are not the node's fault: it is put back, and its attempts (here the only one) are not used up. context() counts all its runs.
CREATE SEQUENCE runs;
CREATE FUNCTION conflicts(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF nextval('retry.runs') <= 2 THEN RAISE 'conflict' USING ERRCODE = '40001'; END IF;
  RETURN jsonb_build_object('attempt', hitl.context()->'attempt');
END $$;
SELECT hitl.define('{"graph": "conflicts", "nodes": {"n": "conflicts"}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.start('conflicts') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t), events(:t);

-- 7. A pause is not a failure, and what was answered counts in the run after a failure.
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE decision jsonb := hitl.interrupt('{"action": "go"}');
BEGIN
  RETURN flaky(state) || jsonb_build_object('answer', decision->'type');
END $$;
SELECT hitl.define('{"graph": "asks and fails", "nodes": {"asks": {"handler": "asks", "retry": {"max_attempts": 2, "initial_interval": 0, "jitter": false}}}, "edges": [["START", "asks"], ["asks", "END"]]}');
SELECT hitl.start('asks and fails', '{"fails": 1}') AS t \gset
SELECT hitl.wait(:t);
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t), events(:t);

-- 8. A failure waits for its siblings, and retry() runs all that failed, nothing else.
SELECT hitl.define('{"graph": "side by side", "channels": {"succeeded_at": "append"}, "nodes": {"a": "flaky", "b": {"sql": "SELECT jsonb_build_object(''b'', 1)"}, "c": "flaky", "end": {"sql": "SELECT jsonb_build_object(''end'', true)"}},
  "edges": [["START", "a"], ["START", "b"], ["START", "c"], ["end", "END"]], "joins": [{"sources": ["a", "b", "c"], "target": "end"}]}');
SELECT hitl.start('side by side', '{"fails": 1}') AS t \gset
SELECT hitl.wait(:t);
SELECT node, message FROM hitl.failed WHERE thread_id = :t ORDER BY node;
CREATE OR REPLACE FUNCTION flaky(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"succeeded_at": "mended"}'::jsonb $$;
SELECT hitl.compile('side by side') AS version, hitl.migrate(:t);
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT node, count(*) FROM hitl.timeline WHERE thread_id = :t AND event = 'executed' GROUP BY node ORDER BY node;

-- 9. What a policy cannot be.
SELECT hitl.create_graph('policies') > 0 AS created;
SELECT hitl.add_node('policies', 'a', 'flaky', retry => '3');
\echo :SQLSTATE
SELECT hitl.add_node('policies', 'a', 'flaky', retry => '{"max_attempts": 0}');
\echo :SQLSTATE
SELECT hitl.add_node('policies', 'a', 'flaky', retry => '{"attempts": 3}');
\echo :SQLSTATE
SELECT hitl.add_node('policies', 'a', 'flaky', retry => '{"initial_interval": "1 s"}');
\echo :SQLSTATE
SELECT hitl.add_node('policies', 'a', 'flaky', retry => '{"backoff_factor": 0.5}');
\echo :SQLSTATE
SELECT hitl.add_node('policies', 'a', 'flaky', retry => '{"retry_on": ["P00"]}');
\echo :SQLSTATE
SELECT hitl.add_node('policies', 'a', 'flaky', retry => '{"retry_on": "P0001"}');
\echo :SQLSTATE
SELECT hitl.add_node('policies', 'a', 'flaky', retry => '{"max_attempts": 2.7}');
\echo :SQLSTATE
SELECT hitl.add_node('policies', 'a', 'flaky', retry => '{"jitter": "yes"}');
\echo :SQLSTATE
SELECT hitl.add_node('policies', 'a', 'flaky', timeout => '-1 s');
\echo :SQLSTATE

-- A null is as if the key were not there.
SELECT hitl.add_node('policies', 'a', 'flaky', retry => '{"max_attempts": null, "initial_interval": null, "backoff_factor": null, "max_interval": null, "jitter": null, "retry_on": null}');
SELECT hitl.add_edge('policies', 'START', 'a'), hitl.add_edge('policies', 'a', 'END'), hitl.compile('policies');
SELECT definition#>'{nodes,a,retry}' AS retry FROM hitl.graph_version JOIN hitl.graph USING (graph_id) WHERE graph = 'policies' AND graph_version.version = 1;

SELECT * FROM hitl.check();
