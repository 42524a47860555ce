-- History: every super-step leaves a checkpoint, and each can be read again.
-- Proves: get_state() at a checkpoint, state_history() and diff() agree with one another; the state of a checkpoint is what its deltas add up to;
-- only what changed is stored, so that many steps over a large state cost less than three of it; what is out of range or another's is refused.
SET client_min_messages = warning;
CREATE SCHEMA history;
SET search_path = history;

-- 1. A thread of four steps, two nodes side by side in the third.
SELECT hitl.define('{"graph": "four steps", "channels": {"log": {"reducer": "append", "initial": ["made"]}, "tmp": "overwrite"},
  "nodes": {"one": {"sql": "SELECT ''{\"log\": \"one\", \"tmp\": 1}''::jsonb"}, "none": {"sql": "SELECT NULL::jsonb"},
            "left": {"sql": "SELECT ''{\"log\": \"left\", \"l\": {\"deep\": [1]}}''::jsonb"}, "right": {"sql": "SELECT ''{\"log\": \"right\", \"tmp\": null}''::jsonb"},
            "last": {"sql": "SELECT ''{\"l\": {\"deep\": [1, 2]}}''::jsonb"}},
  "edges": [["START", "one"], ["one", "none"], ["none", "left"], ["none", "right"], ["left", "last"], ["right", "last"], ["last", "END"]]}');
SELECT hitl.start('four steps', '{"in": true}') AS t \gset
SELECT hitl.wait(:t);
SELECT checkpoint, step, nodes, delta, state FROM hitl.state_history(:t);
SELECT n AS checkpoint, hitl.get_state(:t, n) FROM generate_series(0, 4) n;
SELECT hitl.get_state(:t) = hitl.get_state(:t, 4) AS is_latest, hitl.get_state(:t, NULL) = hitl.get_state(:t) AS null_is_latest;

-- 2. What changed from one to the other; backwards is the other way round.
SELECT hitl.diff(:t, 0, 1);
SELECT hitl.diff(:t, 1, 2);
SELECT hitl.diff(:t, 2, 3);
SELECT hitl.diff(:t, 3, 4);
SELECT hitl.diff(:t, 4, 0);
SELECT hitl.diff(:t, 0, 4) = (SELECT jsonb_object_agg(key, jsonb_strip_nulls(jsonb_build_object('from', value->'to', 'to', value->'from'))) FROM jsonb_each(hitl.diff(:t, 4, 0) #- '{tmp}')) || jsonb_build_object('tmp', '{"to": null}'::jsonb) AS is_mirrored;

-- Inline it is the same history.
SELECT hitl.invoke('four steps', '{"in": true}')->>'thread_id' AS i \gset
SELECT (SELECT array_agg(h ORDER BY h) FROM (SELECT checkpoint, step, nodes, delta, state FROM hitl.state_history(:t)) h)
     = (SELECT array_agg(h ORDER BY h) FROM (SELECT checkpoint, step, nodes, delta, state FROM hitl.state_history(:i)) h) AS is_same;

-- 3. A thread that waits, or failed, shows the step before.
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('answer', hitl.interrupt('{"action": "go"}')->'type') $$;
SELECT hitl.define('{"graph": "waits", "nodes": {"a": {"sql": "SELECT ''{\"a\": 1}''::jsonb"}, "asks": "asks"}, "edges": [["START", "a"], ["a", "asks"], ["asks", "END"]]}');
SELECT hitl.start('waits') AS t \gset
SELECT hitl.wait(:t);
SELECT checkpoint, step, nodes, delta, state FROM hitl.state_history(:t);
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
SELECT checkpoint, step, nodes, delta, state FROM hitl.state_history(:t);

-- 4. Twenty steps over 50 kB of which one small field changes: stored in less than three states, and every state is what its deltas add up to.
CREATE FUNCTION small(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('n', (state->>'n')::int + 1) $$;
CREATE FUNCTION again(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN (state->>'n')::int < 20 THEN 'small' END $$;
SELECT hitl.define('{"graph": "large", "channels": {"log": "append"}, "nodes": {"small": "small"}, "edges": [["START", "small"]], "conditional_edges": [{"source": "small", "router": "again"}]}');
SELECT hitl.start('large', jsonb_build_object('n', 0, 'log', '[]'::jsonb, 'document', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 1600) i))) AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t)->'n' AS n;
SELECT count(*) AS checkpoints, sum(pg_column_size(delta) + coalesce(pg_column_size(patch), 0) + coalesce(pg_column_size(snapshot), 0)) < 3 * 51200 AS is_small FROM hitl.checkpoint WHERE thread_id = :t;
-- Large changes, many of them: snapshots now and then, and the same sums.
CREATE FUNCTION grow(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('n', (state->>'n')::int + 1, 'log', repeat('x', 500), 'k' || ((state->>'n')::int % 3), state->'n') $$;
CREATE FUNCTION grow_again(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN (state->>'n')::int < 60 THEN 'grow' END $$;
SELECT hitl.define('{"graph": "grows", "recursion_limit": 100, "channels": {"log": "append"}, "nodes": {"grow": "grow"}, "edges": [["START", "grow"]], "conditional_edges": [{"source": "grow", "router": "grow_again"}]}');
SELECT hitl.start('grows', '{"n": 0}') AS g \gset
SELECT hitl.wait(:g), hitl.get_state(:g)->'n' AS n;
SELECT count(*) > 1 AS has_snapshots FROM hitl.checkpoint WHERE thread_id = :g AND snapshot IS NOT NULL;
CREATE FUNCTION folded(of bigint, upto integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE result jsonb := '{}'; d jsonb;
BEGIN
  FOR d IN SELECT h.delta FROM hitl.state_history(of) h WHERE h.checkpoint <= upto ORDER BY h.checkpoint LOOP result := result || d; END LOOP;
  RETURN result;
END $$;
SELECT bool_and(hitl.get_state(:t, n) = folded(:t, n)) AS large, bool_and(hitl.get_state(:g, n) = folded(:g, n)) AS grows FROM generate_series(0, 20, 4) n;
SELECT bool_and(hitl.get_state(:g, n) = folded(:g, n)) AS grows, bool_and((hitl.get_state(:g, n)->>'n')::int = n) AS is_in_step FROM generate_series(0, 60, 5) n;

-- 5. A channel that only grows, or changes deep inside, is stored as what came to it. Five hundred messages of 200 bytes: a small multiple of them all, not n squared.
CREATE FUNCTION says(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('messages', jsonb_build_object('id', jsonb_array_length(state->'messages'), 'text', (SELECT string_agg(md5(i::text || (state->>'messages')), '') FROM generate_series(1, 6) i))) $$;
CREATE FUNCTION says_more(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN jsonb_array_length(state->'messages') < 500 THEN 'says' END $$;
SELECT hitl.define('{"graph": "chat", "recursion_limit": 1000, "channels": {"messages": {"reducer": "messages", "initial": []}}, "nodes": {"says": "says"}, "edges": [["START", "says"]], "conditional_edges": [{"source": "says", "router": "says_more"}]}');
SELECT hitl.start('chat') AS m \gset
SELECT hitl.wait(:m), jsonb_array_length(hitl.get_state(:m)->'messages') AS messages;
SELECT sum(pg_column_size(delta) + coalesce(pg_column_size(patch), 0) + coalesce(pg_column_size(snapshot), 0)) < 4 * octet_length(hitl.get_state(:m)::text) AS is_small,
       max(pg_column_size(delta) + coalesce(pg_column_size(patch), 0)) < 500 AS is_one_message FROM hitl.checkpoint WHERE thread_id = :m;
-- Each state is the one before and one message more; the history shows the channel whole.
SELECT bool_and(jsonb_array_length(hitl.get_state(:m, n)->'messages') = n AND hitl.get_state(:m, n)->'messages'->-1 = hitl.get_state(:m)->'messages'->(n - 1)) AS is_in_step FROM generate_series(1, 500, 37) n;
SELECT hitl.get_state(:m, 400) = jsonb_build_object('messages', jsonb_path_query_array(hitl.get_state(:m), '$.messages[0 to 399]')) AS is_prefix;
SELECT delta = state AS is_whole FROM hitl.state_history(:m) WHERE checkpoint IN (1, 250, 500) ORDER BY checkpoint;
-- Twenty steps in a document of 50 kB in which one field changes, one comes and one goes, deep inside.
CREATE FUNCTION field(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('n', (state->>'n')::int + 1, 'doc', jsonb_set(state->'doc', '{head,edition}', state->'n') - ('k' || ((state->>'n')::int - 1)) || jsonb_build_object('k' || (state->>'n'), state->'n')) $$;
CREATE FUNCTION field_again(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN (state->>'n')::int < 20 THEN 'field' END $$;
SELECT hitl.define('{"graph": "deep", "nodes": {"field": "field"}, "edges": [["START", "field"]], "conditional_edges": [{"source": "field", "router": "field_again"}]}');
SELECT hitl.start('deep', jsonb_build_object('n', 0, 'doc', jsonb_build_object('head', '{"edition": null, "title": "t"}'::jsonb, 'pages', (SELECT jsonb_agg(md5(i::text)) FROM generate_series(1, 1500) i)))) AS d \gset
SELECT hitl.wait(:d), hitl.get_state(:d) #- '{doc,pages}' AS state, hitl.get_state(:d, 7) #- '{doc,pages}' AS seventh;
SELECT sum(pg_column_size(delta) + coalesce(pg_column_size(patch), 0) + coalesce(pg_column_size(snapshot), 0)) < 3 * pg_column_size(hitl.get_state(:d)) AS is_small FROM hitl.checkpoint WHERE thread_id = :d;
SELECT hitl.get_state(:d, 20)->'doc'->'pages' = hitl.get_state(:d, 0)->'doc'->'pages' AS is_untouched;
SELECT delta, patch FROM hitl.checkpoint WHERE thread_id = :d AND checkpoint = 7;

-- 6. What is not there.
SELECT hitl.get_state(0);
\echo :SQLSTATE
SELECT hitl.diff(0, 0, 1);
\echo :SQLSTATE
SELECT count(*) FROM hitl.state_history(0);
SELECT hitl.get_state(:t, -1);
\echo :SQLSTATE
SELECT hitl.diff(:t, 0, -1);
\echo :SQLSTATE
SELECT hitl.get_state(NULL) IS NULL AS is_null;
-- Messages with the thread's number masked.
CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  message := regexp_replace(message, '\d+', 'N'); hint := regexp_replace(hint, '\d+', 'N');
END $$;
SELECT * FROM refused(format('SELECT hitl.get_state(%s, 21)', :t)) \gx
SELECT * FROM refused(format('SELECT hitl.diff(%s, 0, 1000000)', :t)) \gx

-- 7. Whose: nobody reads another's history.
CREATE ROLE regress_history LOGIN;
ALTER ROLE regress_history SET client_min_messages = warning;
GRANT USAGE ON SCHEMA hitl, history TO regress_history;
SET SESSION AUTHORIZATION regress_history;
SELECT code, message FROM refused(format('SELECT hitl.get_state(%s, 0)', :t));
SELECT code, message FROM refused(format('SELECT hitl.diff(%s, 0, 1)', :t));
SELECT count(*) FROM hitl.state_history(:t);
RESET SESSION AUTHORIZATION;

SELECT * FROM hitl.check();
