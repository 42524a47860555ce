-- What the nodes of a super-step wrote, as one change of the state (reducer.c): every reducer against an independent rule in SQL, over generated
-- updates; which order counts and which does not; that a step is the same as its updates one by one.  A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_initial(definition jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_reduce(definition jsonb, state jsonb, tasks jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';

-- The result of a call as text, or "SQLSTATE message | detail" of its refusal.
CREATE FUNCTION tried(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text; code text; message text; detail text;
BEGIN
  EXECUTE 'SELECT (' || call || ')::text' INTO result;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  RETURN format('%s %s | %s', code, message, detail);
END $$;

-- Channels without a reducer ---------------------------------------------------------------------------------------------

CREATE TABLE r AS SELECT id, (SELECT jsonb_agg(CASE WHEN random() < 0.2 THEN jsonb_build_object('node', n) ELSE jsonb_build_object('node', n, 'update',
    (SELECT COALESCE(jsonb_object_agg(c, CASE (random() * 4)::int WHEN 0 THEN 'null' WHEN 1 THEN '{"deep": {"er": 1}}' WHEN 2 THEN '[1, [2]]' ELSE to_jsonb(n || c) END), '{}') FROM unnest('{p,q,r,s,t,u}'::text[]) c WHERE random() < 0.08 * (1 + id % 3))) END)
  FROM unnest('{a,b,c,d,e}'::text[]) n WHERE random() < 0.8) AS tasks FROM generate_series(1, 3000) id;
UPDATE r SET tasks = '[]' WHERE tasks IS NULL;
CREATE TABLE w AS SELECT id, k AS channel, count(*) AS writers FROM r, jsonb_array_elements(tasks) t, jsonb_object_keys(COALESCE(t->'update', '{}')) k GROUP BY id, k;
CREATE INDEX ON w (id);
CREATE TABLE reduced AS SELECT id, tasks, EXISTS (SELECT FROM w WHERE w.id = r.id AND writers > 1) AS conflicts, tried(format('unit_reduce(''{}'', ''{"p": "old", "x": 1}'', %L)', tasks)) AS result FROM r;
SELECT ok(count(*) FILTER (WHERE conflicts) > 300 AND count(*) FILTER (WHERE NOT conflicts) > 300, format('overwrite: %s steps, %s with two writers of one channel', count(*), count(*) FILTER (WHERE conflicts))) FROM reduced;
SELECT is_empty($$SELECT id, tasks, result FROM reduced WHERE conflicts <> (result LIKE '21000 two nodes wrote one channel in the same super-step | Nodes "_" and "_" both wrote channel "_", which has no reducer.')$$, 'overwrite: two writers are an error, and nothing else is');
SELECT is_empty($$SELECT id, tasks, result FROM reduced WHERE NOT conflicts AND result::jsonb <> (SELECT COALESCE(jsonb_object_agg(k, v), '{}') FROM jsonb_array_elements(tasks) t, jsonb_each(COALESCE(t->'update', '{}')) u (k, v))$$,
  'overwrite: the union of the updates, values as they are, whatever was there');
-- The error names a channel that has two writers, and two that write it.
SELECT is_empty($$SELECT id, tasks, result FROM (SELECT *, regexp_match(result, 'Nodes "(.)" and "(.)" both wrote channel "(.)"') AS m FROM reduced WHERE conflicts) c
  WHERE m[1] >= m[2] OR 2 <> (SELECT count(*) FROM jsonb_array_elements(tasks) t WHERE t->>'node' IN (m[1], m[2]) AND t->'update' ? m[3])$$, 'overwrite: the error names two who wrote it');
SELECT is_empty($$SELECT id, tasks FROM reduced, LATERAL (SELECT tried(format('unit_reduce(''{}'', ''{}'', %L)', COALESCE((SELECT jsonb_agg(t ORDER BY random() + id) FROM jsonb_array_elements(tasks) t), '[]'))) AS again) a
  WHERE CASE WHEN conflicts THEN left(again, 5) <> left(result, 5) ELSE again::jsonb <> result::jsonb END$$, 'overwrite: the order of the tasks does not count');
SELECT is(tried($$unit_reduce('{}', '{}', '[{"node": "a", "update": {"x": 1}}, {"node": "b", "update": {"x": 1}}]')$$), '21000 two nodes wrote one channel in the same super-step | Nodes "a" and "b" both wrote channel "x", which has no reducer.', 'overwrite: equal values are two writers all the same');
SELECT is(tried($$unit_reduce('{"channels": {"x": "overwrite"}}', '{}', '[{"node": "b", "update": {"x": null}}, {"node": "a", "update": {"x": null}}]')$$), '21000 two nodes wrote one channel in the same super-step | Nodes "a" and "b" both wrote channel "x", which has no reducer.', 'overwrite: so are two nulls, and a channel that says overwrite');
SELECT is(tried($$unit_reduce('{}', '{}', '[{"node": "a", "update": {"x": 1}}, {"node": "a", "update": {"x": 2}}]')$$), '21000 two nodes wrote one channel in the same super-step | Nodes "a" and "a" both wrote channel "x", which has no reducer.', 'overwrite: two tasks of one node are two writers');

-- Channels with one --------------------------------------------------------------------------------------------------------
-- Steps in which up to six tasks write one channel: what was there before, and the updates in the order of the tasks.

CREATE FUNCTION of_updates(updates jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT COALESCE(jsonb_agg(jsonb_build_object('node', 'n' || n, 'update', jsonb_build_object('x', u)) ORDER BY n), '[]') FROM jsonb_array_elements(updates) WITH ORDINALITY v (u, n) $$;
-- The channel after the step; no update: as it was.
CREATE FUNCTION reduce(reducer text, current jsonb, updates jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT COALESCE(unit_reduce(jsonb_build_object('channels', jsonb_build_object('x', reducer)), CASE WHEN current IS NULL THEN '{}' ELSE jsonb_build_object('x', current) END, of_updates(updates))->'x', current) $$;
CREATE FUNCTION shuffled(list jsonb) RETURNS jsonb LANGUAGE sql VOLATILE AS $$ SELECT COALESCE(jsonb_agg(u ORDER BY random()), '[]') FROM jsonb_array_elements(list) u $$;

-- Values of every kind, and those that each reducer takes.
CREATE FUNCTION any_value() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  SELECT (ARRAY['null', 'true', 'false', '0', '1', '1.0', '1.50', '-3', '1e3', '"a"', '"b"', '""', '[]', '[1]', '[1, "a", null]', '[[1]]', '{}', '{"a": 1}', '{"b": {"c": 1}}']::jsonb[])[1 + floor(random() * 19)] $$;
CREATE FUNCTION any_object(depth int) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN COALESCE((SELECT jsonb_object_agg(k, CASE WHEN depth > 0 AND random() < 0.5 THEN any_object(depth - 1) ELSE any_value() END) FROM unnest('{a,b,c,d}'::text[]) k WHERE random() < 0.5), '{}');
END $$;
CREATE FUNCTION any_number() RETURNS jsonb LANGUAGE sql VOLATILE AS $$ SELECT to_jsonb(round(((random() - 0.5) * 10 ^ floor(random() * 12))::numeric, floor(random() * 6)::int)) $$;
CREATE FUNCTION any_message() RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object('id', CASE WHEN random() < 0.8 THEN (ARRAY['"m1"', '"m2"', '"m3"', '"m4"', '1', '1.0']::jsonb[])[1 + floor(random() * 6)] END, 'type', CASE WHEN random() < 0.2 THEN 'remove' ELSE 'human' END, 'text', (random() * 1000)::int)) $$;

CREATE TABLE u (id serial, reducer text, current jsonb, updates jsonb);
INSERT INTO u (reducer, current, updates)
  SELECT reducer, CASE WHEN i % 4 = 0 THEN NULL WHEN i % 17 = 0 THEN 'null' ELSE current END, updates
  FROM generate_series(1, 500) i, unnest('{append,merge,add,min,max,min_text,max_text,union,messages}'::text[]) reducer,
    LATERAL (SELECT to_jsonb(ARRAY(SELECT CASE reducer WHEN 'merge' THEN any_object(2) WHEN 'add' THEN any_number() WHEN 'min' THEN any_number() WHEN 'max' THEN any_number() WHEN 'min_text' THEN to_jsonb(left(md5(random()::text), 3)) WHEN 'max_text' THEN to_jsonb(left(md5(random()::text), 3))
        WHEN 'messages' THEN CASE WHEN random() < 0.5 THEN any_message() ELSE to_jsonb(ARRAY(SELECT any_message() FROM generate_series(1, floor(random() * 4)::int))) END
        ELSE any_value() END FROM generate_series(1, (i % 7)::int + 0 * length(reducer)))) AS updates) v,
    LATERAL (SELECT CASE reducer WHEN 'merge' THEN any_object(2) WHEN 'add' THEN any_number() WHEN 'min' THEN any_number() WHEN 'max' THEN any_number() WHEN 'min_text' THEN to_jsonb(left(md5(i::text), 3)) WHEN 'max_text' THEN to_jsonb(left(md5(i::text), 3))
        WHEN 'messages' THEN (SELECT COALESCE(jsonb_agg(jsonb_build_object('id', 'm' || m, 'type', 'ai') ORDER BY random()), '[]') FROM generate_series(1, 5) m WHERE random() < 0.5) ELSE any_value() END AS current) c;
UPDATE u SET reducer = left(reducer, 3) WHERE reducer LIKE '%\_text';
-- A set is a set before, too.
UPDATE u SET current = reduce('union', NULL, jsonb_build_array(current)) WHERE reducer = 'union' AND current IS NOT NULL;
UPDATE u SET current = NULL WHERE reducer = 'messages' AND current = 'null';
CREATE TABLE done AS SELECT *, reduce(reducer, current, updates) AS result FROM u;
SELECT cmp_ok(count(*), '>=', 4000::bigint, format('reducers: %s steps, %s updates', count(*), sum(jsonb_array_length(updates)))) FROM done;

-- The rules.  An array stands for its elements, null for none, anything else for itself.
CREATE FUNCTION elements(list jsonb) RETURNS TABLE (n bigint, e jsonb) LANGUAGE sql AS $$
  SELECT row_number() OVER (ORDER BY a, b), e FROM jsonb_array_elements(list) WITH ORDINALITY x (u, a), LATERAL (SELECT * FROM jsonb_array_elements(CASE WHEN jsonb_typeof(u) = 'array' THEN u WHEN u = 'null' THEN '[]' ELSE jsonb_build_array(u) END) WITH ORDINALITY) y (e, b) $$;
CREATE FUNCTION merge_rule(a jsonb, b jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF jsonb_typeof(a) IS DISTINCT FROM 'object' OR jsonb_typeof(b) <> 'object' THEN RETURN b; END IF;
  RETURN (SELECT COALESCE(jsonb_object_agg(k, CASE WHEN y.value IS NULL THEN x.value WHEN x.value IS NULL THEN y.value ELSE merge_rule(x.value, y.value) END), '{}')
    FROM (SELECT jsonb_object_keys(a) UNION SELECT jsonb_object_keys(b)) keys (k) LEFT JOIN jsonb_each(a) x ON x.key = k LEFT JOIN jsonb_each(b) y ON y.key = k);
END $$;
CREATE FUNCTION merge_all(current jsonb, updates jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE u jsonb;
BEGIN
  FOR u IN SELECT jsonb_array_elements(updates) LOOP current := merge_rule(current, u); END LOOP;
  RETURN current;
END $$;
CREATE FUNCTION whole(current jsonb, updates jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT CASE WHEN current IS NULL THEN '[]' ELSE jsonb_build_array(current) END || updates $$;
SELECT is_empty($$SELECT current, updates, result FROM done WHERE reducer = 'append' AND updates <> '[]' AND result <> (SELECT COALESCE(jsonb_agg(e ORDER BY n), '[]') FROM elements(whole(current, updates)))$$, 'append: the elements, one after the other');
SELECT is_empty($$SELECT current, updates, result FROM done WHERE reducer = 'merge' AND result IS DISTINCT FROM merge_all(current, updates)$$, 'merge: key by key, at every depth');
SELECT is_empty($$SELECT current, updates, result FROM done WHERE reducer = 'add' AND updates <> '[]' AND result <> to_jsonb((SELECT sum((e#>>'{}')::numeric) FROM elements(whole(current, updates))))$$, 'add: the sum, exactly');
SELECT is_empty($$SELECT reducer, current, updates, result FROM done WHERE reducer IN ('min', 'max') AND jsonb_typeof(updates->0) = 'number' AND result <> to_jsonb((SELECT CASE reducer WHEN 'min' THEN min((e#>>'{}')::numeric) ELSE max((e#>>'{}')::numeric) END FROM elements(whole(current, updates))))$$, 'min, max: of numbers');
SELECT is_empty($$SELECT reducer, current, updates, result FROM done WHERE reducer IN ('min', 'max') AND jsonb_typeof(updates->0) = 'string' AND result <> to_jsonb((SELECT CASE reducer WHEN 'min' THEN min(e#>>'{}') ELSE max(e#>>'{}') END FROM elements(whole(current, updates))))$$, 'min, max: of strings');
SELECT is_empty($$SELECT current, updates, result FROM done WHERE reducer = 'union' AND updates <> '[]' AND result <> (SELECT COALESCE(jsonb_agg(DISTINCT e), '[]') FROM elements(whole(current, updates)))$$, 'union: each element once, sorted');
-- A message is where its id came in since it was removed last, with the text that came last; one without an id is its own.
CREATE FUNCTION messages_rule(current jsonb, updates jsonb) RETURNS jsonb LANGUAGE sql AS $$
  WITH m AS MATERIALIZED (SELECT n, e, NULLIF(e->'id', 'null') AS id, e->>'type' IS NOT DISTINCT FROM 'remove' AS is_removal FROM elements(COALESCE(NULLIF(current, 'null'), '[]') || updates)),
  kept AS (SELECT m.* FROM m WHERE NOT is_removal AND NOT EXISTS (SELECT FROM m r WHERE r.is_removal AND r.id = m.id AND r.n > m.n))
  SELECT COALESCE(jsonb_agg(e ORDER BY first), '[]') FROM (SELECT min(n) AS first, (array_agg(e ORDER BY n DESC))[1] AS e FROM kept GROUP BY id, CASE WHEN id IS NULL THEN n END) x $$;
SELECT is_empty($$SELECT current, updates, result, messages_rule(current, updates) FROM done WHERE reducer = 'messages' AND updates <> '[]' AND result <> messages_rule(current, updates)$$, 'messages: upsert by id, removed by type');
SELECT is(reduce('messages', '[{"id": "m1", "text": 1}]', '[{"id": null, "text": 2}, {"id": null, "text": 3}, [{"text": 4}, {"text": 4}], {"id": "m1", "text": 5}, {"id": null, "type": "remove"}]'),
  '[{"id": "m1", "text": 5}, {"id": null, "text": 2}, {"id": null, "text": 3}, {"text": 4}, {"text": 4}]', 'messages: null is no id');
SELECT is_empty($$SELECT reducer FROM done WHERE updates = '[]' AND result IS DISTINCT FROM current$$, 'reducers: what nobody writes stays');

-- Properties: a step is the same as its updates one by one, or in any two parts.
SELECT is_empty($$SELECT reducer, current, updates, part FROM done, generate_series(0, jsonb_array_length(updates)) part
  WHERE result IS DISTINCT FROM reduce(reducer, reduce(reducer, current, (SELECT COALESCE(jsonb_agg(u ORDER BY n) FILTER (WHERE n <= part), '[]') FROM jsonb_array_elements(updates) WITH ORDINALITY x (u, n))),
    (SELECT COALESCE(jsonb_agg(u ORDER BY n) FILTER (WHERE n > part), '[]') FROM jsonb_array_elements(updates) WITH ORDINALITY x (u, n)))$$, 'reducers: two steps after one another are one, cut anywhere');
-- Tasks come in the order of their ids, whoever was done first; these reducers give the same in any order.
SELECT is_empty($$SELECT reducer, current, updates FROM done WHERE reducer IN ('add', 'min', 'max', 'union') AND result IS DISTINCT FROM reduce(reducer, current, shuffled(updates))$$, 'add, min, max, union: in any order');
SELECT is_empty($$SELECT reducer FROM done WHERE reducer = 'append' AND updates <> '[]' AND (SELECT jsonb_agg(e ORDER BY e) FROM jsonb_array_elements(result) e) <> (SELECT jsonb_agg(e ORDER BY e) FROM jsonb_array_elements(reduce(reducer, current, shuffled(updates))) e)$$,
  'append: the same elements in any order');
-- Two nodes that write different keys, at whatever depth, may be merged in any order.
SELECT is_empty($$SELECT current, a, b FROM (SELECT current, jsonb_build_object('a', updates->0, 'c', jsonb_build_object('l', updates->0)) AS a, jsonb_build_object('b', updates->1, 'c', jsonb_build_object('r', updates->1)) AS b FROM done WHERE reducer = 'merge' AND jsonb_array_length(updates) >= 2) x
  WHERE reduce('merge', current, jsonb_build_array(a, b)) <> reduce('merge', current, jsonb_build_array(b, a))$$, 'merge: different keys in any order');
-- What says the same twice says it once.
SELECT is_empty($$SELECT reducer, current, updates FROM done WHERE reducer IN ('min', 'max', 'union', 'merge') AND result IS DISTINCT FROM reduce(reducer, current, updates || updates)$$, 'min, max, union, merge: again is no more');
-- Channels do not see each other.
SELECT is_empty($$SELECT a.reducer, b.reducer FROM (SELECT * FROM done WHERE id % 40 = 0) a, (SELECT * FROM done WHERE id % 40 = 1) b, LATERAL (SELECT unit_reduce(jsonb_build_object('channels', jsonb_build_object('x', a.reducer, 'y', b.reducer)),
    CASE WHEN a.current IS NULL THEN '{}' ELSE jsonb_build_object('x', a.current) END || CASE WHEN b.current IS NULL THEN '{}' ELSE jsonb_build_object('y', b.current) END, of_updates(a.updates) || replace(of_updates(b.updates)::text, '{"x"', '{"y"')::jsonb) AS r) r
  WHERE COALESCE(r->'x', a.current) IS DISTINCT FROM a.result OR COALESCE(r->'y', b.current) IS DISTINCT FROM b.result$$, 'reducers: two channels in one step');
-- Whatever the order of keys in the updates, of channels in the definition.
SELECT is(unit_reduce('{"channels": {"zz": "add", "a": "append", "bbb": "max", "c": {"reducer": "add", "initial": 5}}}', '{"zz": 1, "c": 2, "other": 1}', '[{"node": "a", "update": {"zz": 1, "a": 1}}, {"node": "b"}, {"node": "c", "update": {"c": 1, "bbb": 1, "zz": 1, "other": 2}}]'),
  '{"zz": 3, "a": [1], "bbb": 1, "c": 3, "other": 2}', 'reducers: each channel by its name, what is not declared is overwritten');
SELECT is(unit_reduce('{"channels": {"x": "longest(jsonb,jsonb)"}}', '{"x": 1}', '[{"node": "a", "update": {"x": 2}}, {"node": "b", "update": {"y": 2}}, {"node": "c", "update": {"x": null}}]'), '{"x": ["x", 1, [2, null]], "y": 2}', 'an author''s: is called once, with the value and the updates in their order');
SELECT is(unit_reduce('{"channels": {"x": "longest(jsonb,jsonb)"}}', '{}', '[{"node": "a", "update": {"x": 2}}]'), '{"x": ["x", "none", [2]]}', 'an author''s: with none where there is none');
SELECT is(unit_reduce('{"channels": {"x": "longest(jsonb,jsonb)"}}', '{"x": 1}', '[{"node": "a", "update": {}}]'), '{}', 'an author''s: is not called for nothing');
SELECT is(unit_initial('{"channels": {"a": {"reducer": "add", "initial": 0}, "b": "append", "c": {"initial": null}, "d": {"reducer": "union", "initial": [1]}}}'), '{"a": 0, "c": null, "d": [1]}', 'initial: what the definition says, null included');

-- Which values a reducer takes: of each kind, where there is nothing, and where there is one of each kind.
CREATE TABLE kind AS SELECT kind, v FROM (VALUES ('null', 'null'::jsonb), ('boolean', 'true'), ('number', '5'), ('string', '"s"'), ('array', '[1]'), ('object', '{"a": 1}')) x (kind, v);
SELECT is_empty($$SELECT reducer, c.kind, u.kind, t FROM unnest('{append,merge,add,min,max,union}'::text[]) reducer, (SELECT * FROM kind UNION ALL SELECT 'none', NULL) c, kind u, LATERAL (SELECT tried(format('reduce(%L, %L, %L)', reducer, c.v, jsonb_build_array(u.v))) AS t) t
  WHERE (left(t, 5) = '42804') IS DISTINCT FROM CASE reducer WHEN 'merge' THEN u.kind <> 'object' WHEN 'add' THEN u.kind <> 'number' OR c.kind NOT IN ('none', 'null', 'number')
    WHEN 'append' THEN false WHEN 'union' THEN false ELSE u.kind NOT IN ('number', 'string') OR c.kind NOT IN ('none', 'null', u.kind) END$$, 'reducers: 252 pairs of kinds, taken or refused');
SELECT is_empty($$SELECT u.kind, t FROM kind u, LATERAL (SELECT tried(format('reduce(''messages'', NULL, %L)', jsonb_build_array(u.v))) AS t) t WHERE (left(t, 5) = '42804') IS DISTINCT FROM (u.kind NOT IN ('null', 'object') )$$, 'messages: objects, or a list of them');
SELECT is(tried($$reduce('add', NULL, '[1, "2"]')$$), '42804 channel "x" cannot take this update | Its reducer "add" needs a number, and this is a string.', 'reducers: the error says what is needed and what came');
-- Ten thousand tasks on one channel.
SELECT is(jsonb_array_length(reduce('append', '[0]', (SELECT jsonb_agg(i) FROM generate_series(1, 10000) i))), 10001, 'append: ten thousand');
SELECT is(reduce('add', '0', (SELECT jsonb_agg(i) FROM generate_series(1, 10000) i)), '50005000', 'add: ten thousand');
-- What grows is built in one pass: copied once for each key, task or message, each of these took minutes and gigabytes.
SET LOCAL statement_timeout = '20s';
CREATE TABLE big AS SELECT jsonb_object_agg('key' || i, i) AS old, jsonb_object_agg('key' || i * 2, jsonb_build_object('n', i)) AS new FROM generate_series(1, 20000) i;
SELECT ok(reduce('merge', old, jsonb_build_array(new)) = old || new, 'merge: one update of 20000 keys') FROM big;
SELECT ok(reduce('merge', jsonb_build_object('deep', old), jsonb_build_array(jsonb_build_object('deep', new))) = jsonb_build_object('deep', old || new), 'merge: the same, deeper') FROM big;
SELECT ok(reduce('merge', old, (SELECT jsonb_agg(jsonb_build_object('key' || i * 2, jsonb_build_object('n', i))) FROM generate_series(1, 20000) i)) = old || new, 'merge: 20000 updates of a key each') FROM big;
SELECT ok(unit_reduce('{}', '{}', (SELECT jsonb_agg(jsonb_build_object('node', 'n', 'update', jsonb_build_object('key' || i, i))) FROM generate_series(1, 20000) i)) = old, 'overwrite: 20000 tasks that write a channel each') FROM big;
SELECT ok(unit_reduce('{}', '{}', jsonb_build_array(jsonb_build_object('node', 'n', 'update', old))) = old, 'overwrite: one task that writes 20000 channels') FROM big;
SELECT ok(reduce('messages', (SELECT jsonb_agg(jsonb_build_object('id', i)) FROM generate_series(1, 20000) i), (SELECT jsonb_agg(jsonb_build_object('id', i, 'type', CASE WHEN i % 2 = 0 THEN 'remove' ELSE 'ai' END)) FROM generate_series(1, 20000) i))
  = (SELECT jsonb_agg(jsonb_build_object('id', i, 'type', 'ai') ORDER BY i) FROM generate_series(1, 20000, 2) i), 'messages: 20000, half of them taken away');
-- An id that is there twice, as an overwrite may leave it: the last counts, and when that is gone the one before.
SELECT is(reduce('messages', '[{"id": 1, "n": 1}, "no message", {"id": 1, "n": 2}, {"id": null}]', '[{"id": 1.0, "n": 3}]'), '[{"id": 1, "n": 1}, "no message", {"id": 1.0, "n": 3}, {"id": null}]', 'messages: the last of an id is replaced');
SELECT is(reduce('messages', '[{"id": 1, "n": 1}, {"id": 1, "n": 2}]', '[{"id": 1, "type": "remove"}, {"id": 1, "n": 3}]'), '[{"id": 1, "n": 3}]', 'messages: and then the one before it');
SELECT is(reduce('messages', '[{"id": 1, "n": 1}]', '[{"id": 1, "type": "remove"}, {"id": 1, "type": "remove"}, {"id": 2}, {"id": 1, "n": 2}]'), '[{"id": 2}, {"id": 1, "n": 2}]', 'messages: what was taken away comes back at the end');
-- A merge is one pass over all of them, and yet as one after the other: what is no object cuts off what was before it, at every depth.
SELECT is(reduce('merge', '{"a": {"x": 1}, "b": {"x": 1}}', '[{"a": 2, "b": {"y": 1}}, {"a": {"z": 3}}, {"b": {"x": {"deep": 1}}}, {"c": null}, {"b": {"x": {"er": 2}}}, {"c": {}}]'), '{"a": {"z": 3}, "b": {"x": {"deep": 1, "er": 2}, "y": 1}, "c": {}}', 'merge: what is no object takes the place of all before it');

SELECT * FROM finish();
ROLLBACK;
