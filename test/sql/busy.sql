-- More input to a thread, by its key: what happens when it is busy, waits, or has ended.
-- Proves: the same input again is a harmless repeat, other input is an error that says what the thread does; enqueued inputs wait in order and each begins a
-- turn at the end of the one before; superseding gives up what is open, with its trail, and rolls back what runs; nothing is lost, and nothing runs twice.
SET client_min_messages = warning;
CREATE SCHEMA busy;
SET search_path = busy;

CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  message := regexp_replace(message, 'thread \d+', 'thread N'); hint := regexp_replace(hint, '\(\d+\)', '(N)'); detail := regexp_replace(regexp_replace(detail, 'since .*', 'since ...'), 'thread \d+', 'thread N');
END $$;
CREATE FUNCTION look(t bigint, OUT status text, OUT inputs int, OUT step int, OUT state jsonb, OUT tasks text, OUT asked text) LANGUAGE sql AS $$
  SELECT status, inputs, step, hitl.get_state(t),
         (SELECT string_agg(format('%s %s %s', k.step, k.node, k.status), ', ' ORDER BY k.task_id) FROM hitl.task k WHERE k.thread_id = t),
         (SELECT string_agg(format('%s %s', i.args, i.status), ', ' ORDER BY i.interrupt_id) FROM hitl.interrupt i WHERE i.thread_id = t)
  FROM hitl.threads WHERE thread_id = t $$;
CREATE FUNCTION trail(t bigint) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(concat_ws(' ', event, node, detail - 'sqlstate'), ', ' ORDER BY audit_id) FROM hitl.timeline WHERE thread_id = t $$;

-- A chat: each turn appends what is said, and asks a person before it answers.
CREATE TABLE answers (thread_id bigint, said text);
CREATE FUNCTION answer(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE said text := state->'said'->>-1; d jsonb;
BEGIN
  IF said = 'fail' THEN RAISE 'told to fail'; END IF;
  d := hitl.interrupt(jsonb_build_object('action', 'answer', 'args', jsonb_build_object('said', said)));
  INSERT INTO answers VALUES (hitl.current_thread(), said);
  RETURN jsonb_build_object('answers', d->'type');
END $$;
SELECT hitl.define('{"graph": "chat turns", "channels": {"said": "append", "answers": "append"}, "nodes": {"answer": "answer"}, "edges": [["START", "answer"], ["answer", "END"]]}');

-- 1. Reject, which is what a start says by itself. Nothing is dropped in silence, nothing runs twice.
SELECT hitl.start('chat turns', '{"said": "one"}', 'a') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.start('chat turns', '{"said": "one"}', 'a') = :t AS is_same, hitl.start('chat turns', '{"said": "one"}', 'a', if_busy => 'reject') = :t AS is_same, hitl.start('chat turns', '{"said": "one"}', 'a', NULL) = :t AS is_same;
SELECT * FROM refused($$SELECT hitl.start('chat turns', '{"said": "two"}', 'a')$$) \gx
SELECT * FROM look(:t);

-- 2. Enqueue: they wait in order, and equal ones are two.
SELECT hitl.start('chat turns', '{"said": "two"}', 'a', if_busy => 'enqueue') = :t AS is_same;
SELECT hitl.start('chat turns', '{"said": "two"}', 'a', 'enqueue') = :t AS is_same, hitl.start('chat turns', '{"said": "three"}', 'a', 'enqueue') = :t AS is_same;
SELECT * FROM look(:t);
SELECT code, explanation FROM hitl.why(:t);
-- What was given last is no news now; what was given before is.
SELECT hitl.start('chat turns', '{"said": "three"}', 'a') = :t AS is_same;
SELECT code FROM refused($$SELECT hitl.start('chat turns', '{"said": "two"}', 'a')$$);
-- Each answer ends a turn, and the next begins.
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
SELECT * FROM look(:t);
SELECT (hitl.reject(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
SELECT * FROM look(:t);
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
SELECT * FROM look(:t);
SELECT count(*) FROM answers WHERE thread_id = :t;
SELECT trail(:t);
SELECT checkpoint, step, nodes, delta FROM hitl.state_history(:t);
-- At its end: other input is still an error by itself, and begins a turn when that is meant.
SELECT * FROM refused($$SELECT hitl.start('chat turns', '{"said": "four"}', 'a')$$) \gx
SELECT hitl.start('chat turns', '{"said": "four"}', 'a', 'enqueue') = :t AS is_same;
SELECT hitl.wait(:t);
SELECT status, inputs, state FROM look(:t);
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
SELECT hitl.start('chat turns', '{"said": "five"}', 'a', 'supersede') = :t AS is_same;
SELECT hitl.wait(:t);
SELECT status, inputs, state FROM look(:t);

-- 3. Supersede: the open question is given up, the turn begins at once; what waited is dropped.
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
SELECT hitl.start('chat turns', '{"said": "six"}', 'a', 'enqueue') = :t AS is_same;
SELECT hitl.start('chat turns', '{"said": "seven"}', 'a', 'supersede') = :t AS is_same;
SELECT hitl.wait(:t);
SELECT status, inputs, state, asked FROM look(:t);
SELECT code, regexp_replace(message, '\d+', 'N') AS message FROM refused(format('SELECT hitl.approve(%s)', :i));
SELECT event, node, actor_kind, detail FROM hitl.timeline WHERE thread_id = :t ORDER BY audit_id DESC LIMIT 5;
-- It has not been answered.
SELECT count(*) FROM answers WHERE said IN ('five', 'six', 'seven');

-- 4. Failed: what waits is dropped, with its reason. Enqueue would wait for ever; supersede begins anew.
SELECT hitl.start('chat turns', '{"said": "fail"}', 'a', 'enqueue') = :t AS is_same, hitl.start('chat turns', '{"said": "eight"}', 'a', 'enqueue') = :t AS is_same;
SELECT (hitl.approve(interrupt_id)).status FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.wait(:t);
SELECT status, inputs, state->'said' AS said FROM look(:t);
SELECT event, node, detail FROM hitl.timeline WHERE thread_id = :t ORDER BY audit_id DESC LIMIT 2;
SELECT * FROM refused($$SELECT hitl.start('chat turns', '{"said": "nine"}', 'a')$$) \gx
SELECT * FROM refused($$SELECT hitl.start('chat turns', '{"said": "nine"}', 'a', 'enqueue')$$) \gx
SELECT hitl.start('chat turns', '{"said": "nine"}', 'a', 'supersede') = :t AS is_same;
SELECT hitl.wait(:t);
SELECT status, inputs, state->'said' AS said FROM look(:t);
SELECT count(*) FROM hitl.failed WHERE thread_id = :t;
-- Cancelled: the end.
SELECT hitl.start('chat turns', '{"said": "ten"}', 'a', 'enqueue') = :t AS is_same;
SELECT hitl.cancel(:t);
SELECT event, detail FROM hitl.timeline WHERE thread_id = :t ORDER BY audit_id DESC LIMIT 2;
SELECT * FROM refused($$SELECT hitl.start('chat turns', '{"said": "eleven"}', 'a', 'supersede')$$) \gx
SELECT code FROM refused($$SELECT hitl.start('chat turns', '{"said": "eleven"}', 'a', 'enqueue')$$);
SELECT code, hint FROM refused($$SELECT hitl.start('chat turns', '{"said": "eleven"}', 'a')$$);
-- Nor is it a repeat of the one that was dropped.
SELECT code, hint FROM refused($$SELECT hitl.start('chat turns', '{"said": "ten"}', 'a')$$);

-- 5. A node that runs is stopped, and what it did is rolled back. It waits for a lock that this session holds, so that it surely runs.
CREATE TABLE done (what text);
CREATE FUNCTION works(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO done VALUES (state->>'what');
  IF state->>'what' = 'slow' THEN PERFORM pg_advisory_xact_lock(2026); END IF;
  RETURN jsonb_build_object('did', state->'what');
END $$;
SELECT hitl.define('{"graph": "works turns", "channels": {"did": "append"}, "nodes": {"works": "works"}, "edges": [["START", "works"], ["works", "END"]]}');
SELECT pg_advisory_lock(2026);
SELECT hitl.start('works turns', '{"what": "slow"}', 'w') AS w \gset
DO $$ BEGIN FOR i IN 1..2000 LOOP EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 2026 AND NOT granted); PERFORM pg_sleep(0.01); END LOOP; END $$;
SELECT hitl.start('works turns', '{"what": "quick"}', 'w', 'supersede') = :w AS is_same;
SELECT hitl.wait(:w);
SELECT hitl.get_state(:w), (SELECT array_agg(what) FROM done) AS done;
SELECT pg_advisory_unlock(2026);
-- The task that was given up is gone too, once its executor has seen it.
DO $$ BEGIN FOR i IN 1..2000 LOOP EXIT WHEN NOT EXISTS (SELECT FROM hitl.task WHERE node = 'works' AND status NOT IN ('done', 'cancelled')); PERFORM pg_sleep(0.01); END LOOP; END $$;
SELECT tasks FROM look(:w);

-- 6. The recursion limit counts from each turn; a join that a turn left half done does not fire in the next.
CREATE FUNCTION often(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN (state->>'left')::int > 0 THEN 'down' ELSE 'END' END $$;
CREATE FUNCTION down(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('left', (state->>'left')::int - 1) $$;
SELECT hitl.define('{"graph": "loop turns", "recursion_limit": 5, "nodes": {"down": "down"}, "edges": [["START", "down"]], "conditional_edges": [{"source": "down", "router": "often"}]}');
SELECT hitl.start('loop turns', '{"left": 4}', 'l') AS l \gset
SELECT hitl.wait(:l), hitl.start('loop turns', '{"left": 4}', 'l', 'enqueue') = :l AS is_same;
SELECT hitl.wait(:l);
SELECT status, step FROM look(:l);
SELECT hitl.start('loop turns', '{"left": 6}', 'l', 'enqueue') = :l AS is_same;
SELECT hitl.wait(:l);
SELECT message FROM hitl.failed WHERE thread_id = :l;
SELECT hitl.define('{"graph": "join turns", "channels": {"log": "append"}, "nodes": {"a": {"sql": "SELECT ''{\"log\": \"a\"}''::jsonb"}, "b": "answer", "c": {"sql": "SELECT ''{\"log\": \"c\"}''::jsonb"}},
  "edges": [["START", "a"], ["a", "b"], ["c", "END"]], "joins": [{"sources": ["a", "b"], "target": "c"}]}');
SELECT hitl.start('join turns', '{"said": ["x"]}', 'j') AS j \gset
SELECT hitl.wait(:j), hitl.start('join turns', '{"said": ["y"]}', 'j', 'supersede') = :j AS is_same;
SELECT hitl.wait(:j);
SELECT joins FROM hitl.checkpoint WHERE thread_id = :j ORDER BY checkpoint;

-- 7. One transaction may give several; rolled back, it has given nothing.
SELECT hitl.start('chat turns', '{"said": "x"}', 'b') AS b \gset
SELECT hitl.wait(:b);
BEGIN;
SELECT hitl.start('chat turns', jsonb_build_object('said', n), 'b', 'enqueue') = :b AS is_same FROM generate_series(1, 3) n;
SELECT inputs FROM look(:b);
ROLLBACK;
SELECT inputs FROM look(:b);
BEGIN;
SELECT hitl.start('chat turns', '{"said": "new"}', 'c', 'enqueue') AS c \gset
SELECT hitl.start('chat turns', '{"said": "newer"}', 'c', 'supersede') = :c AS is_same;
SELECT * FROM look(:c);
COMMIT;
SELECT hitl.wait(:c);
SELECT status, state, tasks, asked FROM look(:c);

-- 8. What is no word, comes without a key, or from the thread's own node.
SELECT * FROM refused($$SELECT hitl.start('chat turns', '{}', 'a', if_busy => 'queue')$$) \gx
SELECT * FROM refused($$SELECT hitl.start('chat turns', '{}', if_busy => 'enqueue')$$) \gx
SELECT code, message FROM refused($$SELECT hitl.start('chat turns', '[]', 'b', if_busy => 'enqueue')$$);
CREATE FUNCTION feeds(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.start('feeds turns', '{"more": 1}', 'f', 'enqueue'); RETURN NULL; END $$;
SELECT hitl.define('{"graph": "feeds turns", "nodes": {"feeds": "feeds"}, "edges": [["START", "feeds"], ["feeds", "END"]]}');
SELECT hitl.start('feeds turns', '{}', 'f') AS f \gset
SELECT hitl.wait(:f);
SELECT sqlstate, message FROM hitl.failed WHERE thread_id = :f;

-- Input that was dropped is not in the thread: the same again is no harmless repeat.
CREATE FUNCTION busy_fails(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM hitl.interrupt('{"action": "go on"}');
  IF NOT EXISTS (SELECT FROM busy_mended) THEN RAISE 'not yet'; END IF;
  RETURN '{}';
END $$;
CREATE TABLE busy_mended (is_so boolean);
SELECT hitl.define('{"graph": "busy drops", "nodes": {"n": "busy_fails"}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.start('busy drops', '{"a": 1}', 'drop') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.start('busy drops', '{"b": 2}', 'drop', 'enqueue') = :t AS is_same;
SELECT a.status FROM hitl.pending p, hitl.approve(p.interrupt_id) a WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
INSERT INTO busy_mended VALUES (true);
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
\set VERBOSITY sqlstate
SELECT hitl.start('busy drops', '{"b": 2}', 'drop');
\set VERBOSITY default
SELECT hitl.start('busy drops', '{"b": 2}', 'drop', 'enqueue') = :t AS is_same;
SELECT hitl.wait(:t);
SELECT hitl.start('busy drops', '{"b": 2}', 'drop') = :t AS is_a_repeat;
SELECT a.status FROM hitl.pending p, hitl.approve(p.interrupt_id) a WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);

SELECT * FROM hitl.check();
