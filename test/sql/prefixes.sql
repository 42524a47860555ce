-- Prefixes: replaying any prefix of a thread's log gives the state that the thread had there.  Ten threads of forty super-steps, of which each
-- writes every kind of channel, now a little and now a lot, from two nodes and some sends side by side.
-- Proves: what a node was handed at a step, get_state(), the deltas of state_history() added up, and what the tasks returned, laid over one another by
-- rules written here, are the same at every checkpoint; diff() tells two of them apart; executors and one session alone, in whatever order tasks end, write the same log.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
CREATE SCHEMA prefixes;
SET search_path = prefixes;

-- Chance that can be repeated: from 0 to n - 1, the same for the same words.
CREATE FUNCTION chance(n int, VARIADIC words text[]) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT (('x' || left(md5(array_to_string(words, ' ')), 7))::bit(28)::int) % n $$;
CREATE FUNCTION value_of(size int, salt text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE chance(7, salt, 'kind') WHEN 0 THEN to_jsonb(chance(1000, salt)) WHEN 1 THEN 'null' WHEN 2 THEN to_jsonb(repeat(md5(salt), size)) WHEN 3 THEN '[]' WHEN 4 THEN to_jsonb(chance(2, salt) = 0)
    WHEN 5 THEN (SELECT jsonb_agg(md5(salt || i)) FROM generate_series(0, size) i) ELSE (SELECT jsonb_object_agg('k' || chance(9, salt, i::text), CASE WHEN i < 3 THEN to_jsonb(i) ELSE value_of(size / 2, salt || i) END) FROM generate_series(0, LEAST(size, 6)) i) END;
END $$;

-- What a node was handed, for what it is asked for.
CREATE TABLE seen (thread_id bigint, step int, node text, state jsonb);
CREATE FUNCTION wanders(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  me text := hitl.context()->>'node';
  step int := hitl.context()->>'step';
  salt text := concat_ws(' ', state->'seed', step, me);
  size int := CASE chance(9, salt, 'size') WHEN 0 THEN 100 ELSE 2 END;
  update jsonb := '{}';
BEGIN
  INSERT INTO seen VALUES (hitl.current_thread(), step, me, state);
  -- each channel one time in three; of the plain one, only one node is a writer
  IF me = 'left' THEN update := jsonb_build_object('n', step); END IF;
  IF me = 'left' AND chance(3, salt, 'plain') = 0 THEN update := update || jsonb_build_object('plain', value_of(size, salt), 'plain' || chance(4, salt, 'which'), value_of(size, salt || '2')); END IF;
  IF chance(3, salt, 'list') = 0 THEN update := update || jsonb_build_object('list', value_of(size, salt)); END IF;
  IF chance(3, salt, 'tree') = 0 THEN update := update || jsonb_build_object('tree', jsonb_build_object('k' || chance(5, salt, 'k'), value_of(size, salt), 'deep', jsonb_build_object(me, value_of(2, salt)))); END IF;
  IF chance(3, salt, 'sum') = 0 THEN update := update || jsonb_build_object('sum', chance(1000, salt) - 500.5); END IF;
  IF chance(3, salt, 'low') = 0 THEN update := update || jsonb_build_object('low', -chance(1000000, salt)); END IF;
  IF chance(3, salt, 'high') = 0 THEN update := update || jsonb_build_object('high', md5(salt)); END IF;
  IF chance(3, salt, 'tags') = 0 THEN update := update || jsonb_build_object('tags', jsonb_build_array(chance(30, salt), me)); END IF;
  IF chance(3, salt, 'chat') = 0 THEN update := update || jsonb_build_object('chat', CASE WHEN chance(5, salt, 'remove') = 0 THEN jsonb_build_object('id', chance(9, salt), 'type', 'remove') ELSE jsonb_build_object('id', chance(9, salt), 'text', repeat(md5(salt), size)) END); END IF;
  RETURN update;
END $$;
CREATE FUNCTION sent(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('list', state->'i', 'sum', 1) $$;
CREATE FUNCTION on_and_on(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT CASE WHEN (state->>'n')::int < 40 THEN jsonb_build_array('left', 'right') || COALESCE((SELECT jsonb_agg(hitl.send('sent', jsonb_build_object('i', i))) FROM generate_series(1, chance(4, state->>'seed', state->>'n')) i), '[]') END $$;
SELECT hitl.define('{"graph": "wanders", "recursion_limit": 100,
  "channels": {"list": "append", "tree": "merge", "sum": {"reducer": "add", "initial": 0}, "low": "min", "high": "max", "tags": "union", "chat": {"reducer": "messages", "initial": []}},
  "nodes": {"left": "wanders", "right": "wanders", "sent": "sent"}, "edges": [["START", "left"], ["START", "right"], ["right", "END"], ["sent", "END"]], "conditional_edges": [{"source": "left", "router": "on_and_on"}]}');

-- By executors, and in this session alone.
CREATE TABLE thread AS SELECT id AS thread_id, seed FROM unnest(hitl.start_many('wanders', ARRAY(SELECT jsonb_build_object('seed', i) FROM generate_series(1, 10) i))) WITH ORDINALITY x (id, seed);
SELECT count(*) AS done FROM thread WHERE hitl.wait(thread_id, '120 s') = 'done';
CREATE TABLE alone (seed bigint, thread_id bigint);
DO $$ BEGIN
  FOR i IN 1..10 LOOP
    INSERT INTO alone VALUES (i, (hitl.invoke('wanders', jsonb_build_object('seed', i))->>'thread_id')::bigint);
    COMMIT;
  END LOOP;
END $$;
SELECT hitl.wait(thread_id) AS status, count(*) FROM alone GROUP BY 1;

-- The states, as get_state() has them: the checkpoint of a step has its number.
CREATE TABLE state AS SELECT thread_id, n, hitl.get_state(thread_id, n) AS state FROM thread, generate_series(0, 40) n;
SELECT count(*) AS states, max(octet_length(state::text)) > 10000 AS some_are_large FROM state;
ANALYZE thread; ANALYZE alone; ANALYZE state; ANALYZE seen;

-- 1. What a node was handed is the state after the step before.
SELECT count(*) AS handed, count(*) FILTER (WHERE seen.state::text <> state.state::text) AS other FROM seen JOIN state ON state.thread_id = seen.thread_id AND n = step - 1;

-- 2. The deltas of any prefix add up to it; so does the history's own state.
CREATE FUNCTION laid(state jsonb, delta jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT COALESCE(state, '{}') || delta $$;
CREATE AGGREGATE fold (jsonb) (SFUNC = laid, STYPE = jsonb);
CREATE TABLE history AS SELECT thread_id, h.* FROM thread, hitl.state_history(thread_id) h;
SELECT count(*) AS checkpoints, count(*) FILTER (WHERE folded::text <> s.state::text) AS other, count(*) FILTER (WHERE h.state::text <> s.state::text) AS other_state, count(*) FILTER (WHERE step <> n) AS other_step
  FROM (SELECT *, fold(delta) OVER (PARTITION BY thread_id ORDER BY checkpoint) AS folded FROM history) h JOIN state s ON s.thread_id = h.thread_id AND n = checkpoint;
-- A delta holds the channels that the step wrote, and no other.
SELECT count(*) FILTER (WHERE step > 0 AND EXISTS (SELECT FROM jsonb_object_keys(delta) k WHERE NOT EXISTS (SELECT FROM hitl.task t WHERE t.thread_id = h.thread_id AND t.step = h.step AND t.update ? k))) AS not_written FROM history h;

-- 3. What the tasks returned, from the input on, by rules of this file.
CREATE FUNCTION items(v jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN v IS NULL OR v = 'null' THEN '[]' WHEN jsonb_typeof(v) = 'array' THEN v ELSE jsonb_build_array(v) END $$;
CREATE FUNCTION merged(a jsonb, b jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF jsonb_typeof(a) IS DISTINCT FROM 'object' OR jsonb_typeof(b) <> 'object' THEN RETURN b; END IF;
  RETURN a || (SELECT COALESCE(jsonb_object_agg(k, merged(a->k, v)), '{}') FROM jsonb_each(b) x (k, v));
END $$;
CREATE FUNCTION took(state jsonb, update jsonb) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  k text; v jsonb; was jsonb; at int;
BEGIN
  FOR k, v IN SELECT * FROM jsonb_each(update) LOOP
    was := state->k;
    v := CASE k WHEN 'list' THEN items(was) || items(v)
      WHEN 'tree' THEN merged(was, v)
      WHEN 'sum' THEN to_jsonb((was#>>'{}')::numeric + (v#>>'{}')::numeric)
      WHEN 'low' THEN to_jsonb(LEAST((was#>>'{}')::numeric, (v#>>'{}')::numeric))
      WHEN 'high' THEN to_jsonb(GREATEST((was#>>'{}') COLLATE "C", (v#>>'{}') COLLATE "C"))
      WHEN 'tags' THEN (SELECT jsonb_agg(DISTINCT e) FROM jsonb_array_elements(items(was) || v) e)
      ELSE v END;
    IF k = 'chat' THEN
      at := (SELECT n - 1 FROM jsonb_array_elements(was) WITH ORDINALITY x (m, n) WHERE m->'id' = v->'id');
      v := CASE WHEN v->>'type' = 'remove' THEN COALESCE(was - at, was) WHEN at IS NULL THEN was || v ELSE jsonb_set(was, ARRAY[at::text], v) END;
    END IF;
    state := state || jsonb_build_object(k, v);
  END LOOP;
  RETURN state;
END $$;
CREATE AGGREGATE taken (jsonb) (SFUNC = took, STYPE = jsonb, INITCOND = '{"sum": 0, "chat": []}');
CREATE TABLE replayed AS SELECT thread_id, step, taken(update) OVER (PARTITION BY thread_id ORDER BY step, task_id) AS state, row_number() OVER (PARTITION BY thread_id, step ORDER BY task_id DESC) = 1 AS is_last
  FROM (SELECT thread_id, 0 AS step, 0::bigint AS task_id, jsonb_build_object('seed', seed) AS update FROM thread UNION ALL SELECT thread_id, step, task_id, COALESCE(update, '{}') FROM hitl.task WHERE thread_id IN (SELECT thread_id FROM thread) AND step > 0) t;
SELECT count(*) AS steps, count(*) FILTER (WHERE r.state <> s.state) AS other FROM replayed r JOIN state s ON s.thread_id = r.thread_id AND n = step WHERE is_last;

-- 4. Of any two of them diff() tells what differs, and nothing else.
CREATE FUNCTION differs(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT COALESCE(jsonb_object_agg(k, CASE WHEN a ? k THEN jsonb_build_object('from', a->k) ELSE '{}' END || CASE WHEN b ? k THEN jsonb_build_object('to', b->k) ELSE '{}' END), '{}')
  FROM (SELECT jsonb_object_keys(a) UNION SELECT jsonb_object_keys(b)) x (k) WHERE a->k IS DISTINCT FROM b->k $$;
SELECT count(*) AS pairs, count(*) FILTER (WHERE hitl.diff(a.thread_id, a.n, b.n) <> differs(a.state, b.state)) AS other FROM state a JOIN state b USING (thread_id) WHERE chance(25, a.n::text, b.n::text) = 0 HAVING count(*) > 300;

-- 5. Executors and one session: the same log.
SELECT count(*) AS checkpoints, count(*) FILTER (WHERE hitl.get_state(a.thread_id, n)::text <> s.state::text) AS other FROM alone a JOIN thread t USING (seed) JOIN state s ON s.thread_id = t.thread_id;
SELECT count(*) AS rows, count(*) FILTER (WHERE (x.delta, x.nodes) IS DISTINCT FROM (h.delta, h.nodes)) AS other FROM alone a JOIN thread t USING (seed), LATERAL hitl.state_history(a.thread_id) x JOIN history h ON h.checkpoint = x.checkpoint WHERE h.thread_id = t.thread_id;

SELECT * FROM hitl.check();
