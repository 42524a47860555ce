-- The checkpoint log: what delta_make() writes down, delta_apply() reads back, to the byte; and it is as short as what changed. Over thousands of
-- generated states, and chains of them, of which each is like the one before with something changed, added, removed or reordered inside.
BEGIN;
SELECT no_plan();
SELECT setseed(0.17);

CREATE FUNCTION unit_delta(state jsonb, changes jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_apply(state jsonb, deltas jsonb[]) RETURNS jsonb LANGUAGE c AS 'hitl_test';

CREATE FUNCTION some_value(depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  CASE floor(random() * CASE WHEN depth > 0 THEN 12 ELSE 8 END)::int
    WHEN 0 THEN RETURN 'null';
    WHEN 1 THEN RETURN to_jsonb(random() < 0.5);
    WHEN 2 THEN RETURN ((1 + random() * 3)::int || repeat('0', (random() * 2)::int))::jsonb;
    WHEN 3 THEN RETURN ((random() * 3)::int || '.0' || repeat('0', (random() * 2)::int))::jsonb;   -- 1.0 and 1.00 are two values here
    WHEN 4 THEN RETURN to_jsonb(repeat(chr(97 + (random() * 3)::int), (random() * 40)::int));
    WHEN 5 THEN RETURN to_jsonb('\ é 漢 "' || (random() * 3)::int);
    WHEN 6 THEN RETURN '[]';
    WHEN 7 THEN RETURN '{}';
    WHEN 8, 9 THEN RETURN (SELECT coalesce(jsonb_agg(some_value(depth - 1)), '[]') FROM generate_series(1, (random() * 8)::int));
    ELSE RETURN (SELECT coalesce(jsonb_object_agg(repeat(chr(97 + (random() * 6)::int), 1 + (random() * 3)::int), some_value(depth - 1)), '{}') FROM generate_series(1, (random() * 8)::int));
  END CASE;
END $$;
-- The same value with something changed inside.
CREATE FUNCTION mutated(v jsonb, depth int) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE k text; n int := CASE WHEN jsonb_typeof(v) = 'array' THEN jsonb_array_length(v) END; i int;
BEGIN
  IF random() < 0.05 OR jsonb_typeof(v) NOT IN ('array', 'object') THEN RETURN some_value(depth); END IF;
  IF n IS NOT NULL THEN
    i := floor(random() * greatest(n, 1));
    RETURN CASE floor(random() * 5)::int
      WHEN 0 THEN v || jsonb_build_array(some_value(depth))
      WHEN 1 THEN v || jsonb_build_array(some_value(depth), some_value(depth))
      WHEN 2 THEN v - i
      WHEN 3 THEN CASE WHEN n > 0 THEN jsonb_set(v, ARRAY[i::text], mutated(v->i, depth - 1)) ELSE v END
      ELSE v END;
  END IF;
  SELECT key INTO k FROM jsonb_object_keys(v) key ORDER BY random() LIMIT 1;
  RETURN CASE floor(random() * 4)::int
    WHEN 0 THEN v || jsonb_build_object('new' || (random() * 5)::int, some_value(depth))
    WHEN 1 THEN CASE WHEN k IS NOT NULL THEN v - k ELSE v END
    WHEN 2 THEN CASE WHEN k IS NOT NULL THEN jsonb_set(v, ARRAY[k], mutated(v->k, depth - 1)) ELSE v END
    ELSE v END;
END $$;

CREATE TEMP TABLE pair AS
  SELECT i, s.state, c.changes, unit_delta(s.state, c.changes) AS delta
  FROM generate_series(1, 3000) i
       CROSS JOIN LATERAL (SELECT jsonb_object_agg('c' || j, some_value(3)) AS state FROM generate_series(1, 4) j WHERE i > 0) s
       CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(key, CASE WHEN random() < 0.8 THEN mutated(value, 3) ELSE value END), '{}') || CASE WHEN random() < 0.3 THEN jsonb_build_object('d', some_value(2)) ELSE '{}' END AS changes
                           FROM jsonb_each(s.state) WHERE random() < 0.6) c;
-- ::text tells 1.0 from 1.00, which = does not
SELECT is_empty($$SELECT i, state, changes, delta FROM pair WHERE unit_apply(state, ARRAY[delta])::text <> (state || changes)::text$$, 'delta: what is made is what is read, of 3000 pairs');
SELECT is_empty($$SELECT i FROM pair WHERE unit_apply(state, '{}')::text <> state::text$$, 'delta: no delta is no change');
-- || '{}' takes a value out of its compressed form
SELECT is_empty($$SELECT i FROM pair WHERE pg_column_size(delta->'values') + coalesce(pg_column_size(delta->'patch'), 0) > pg_column_size(changes || '{}') + 48$$, 'delta: never longer than the changes, but for the frame of a second object');
SELECT is_empty($$SELECT i, k FROM pair, jsonb_object_keys(state) k WHERE (state->k)::text = (changes->k)::text AND (delta->'values' ? k OR delta->'patch' ? k)$$, 'delta: what did not change is left out');
SELECT cmp_ok((SELECT count(*) FROM pair WHERE delta ? 'patch'), '>', 500::bigint, 'delta: a good part of them are patches');
SELECT is_empty($$SELECT p FROM (VALUES ('"cut"'), ('"set"'), ('"in"'), ('"keep"'), ('"add"')) v (p) WHERE (SELECT count(*) FROM pair WHERE delta->>'patch' LIKE '%' || p || ':%') < 20$$, 'delta: of every form');

-- Chains: any prefix of the log gives the state that was.
CREATE TEMP TABLE chain AS
  WITH RECURSIVE c (chain, n, state, delta) AS (
    SELECT i, 0, state, NULL::jsonb FROM pair WHERE i <= 100
    UNION ALL
    SELECT c.chain, c.n + 1, c.state || m.changes, unit_delta(c.state, m.changes)
    FROM c CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(key, mutated(value, 3)), '{}') AS changes FROM jsonb_each(c.state) WHERE random() < 0.7) m
    WHERE c.n < 30)
  SELECT * FROM c;
SELECT is_empty($$SELECT chain, n FROM chain a WHERE state::text <>
  unit_apply((SELECT state FROM chain b WHERE b.chain = a.chain AND b.n = 0), ARRAY(SELECT delta FROM chain b WHERE b.chain = a.chain AND b.n BETWEEN 1 AND a.n ORDER BY b.n))::text$$, 'delta: every prefix of 100 chains of 30 folds to its state');
-- A fold may begin anywhere.
SELECT is_empty($$SELECT chain, n FROM chain a WHERE n >= 20 AND state::text <>
  unit_apply((SELECT state FROM chain b WHERE b.chain = a.chain AND b.n = 20), ARRAY(SELECT delta FROM chain b WHERE b.chain = a.chain AND b.n BETWEEN 21 AND a.n ORDER BY b.n))::text$$, 'delta: a fold may begin at any state');

-- The forms, as they are read by people.
SELECT is(unit_delta('{"a": [1, 2], "b": 1}', '{"a": [1, 2, 3], "b": 1}'), '{"values": {"a": [1, 2, 3]}}', 'delta: of something small the value');
SELECT is(unit_delta(jsonb_build_object('a', s), jsonb_build_object('a', s || '["new"]')), jsonb_build_object('values', '{}'::jsonb, 'patch', '{"a": {"add": ["new"], "keep": 50}}'::jsonb), 'delta: a list that grew')
  FROM (SELECT jsonb_agg(i) AS s FROM generate_series(1, 50) i) x;
SELECT is(unit_delta(jsonb_build_object('a', s), jsonb_build_object('a', s - 49 - 48)), jsonb_build_object('values', '{}'::jsonb, 'patch', '{"a": {"keep": 48}}'::jsonb), 'delta: a list that shrank')
  FROM (SELECT jsonb_agg(i) AS s FROM generate_series(1, 50) i) x;
SELECT is(unit_delta(jsonb_build_object('a', s), jsonb_build_object('a', (s - 'k1') || '{"k2": "x", "l": 1}')), jsonb_build_object('values', '{}'::jsonb, 'patch', '{"a": {"cut": ["k1"], "set": {"k2": "x", "l": 1}}}'::jsonb), 'delta: an object that changed')
  FROM (SELECT jsonb_object_agg('k' || i, i) AS s FROM generate_series(1, 50) i) x;
SELECT is(unit_delta('{}', '{}'), '{"values": {}}', 'delta: of nothing');

-- Many keys at once: new ones between the old, old ones replaced, others cut.
SET LOCAL statement_timeout = '20s';
CREATE TABLE many AS SELECT jsonb_object_agg('key' || i * 2, repeat('x', 20)) FILTER (WHERE i % 3 > 0 OR i % 2 = 0) AS before, jsonb_object_agg('key' || i, CASE WHEN i % 2 = 0 THEN repeat('x', 20) ELSE i::text END) FILTER (WHERE i % 7 > 0) AS after FROM generate_series(1, 60000) i;
SELECT ok(unit_apply(before, ARRAY[unit_delta(before, after)]) = before || after, 'delta: 60000 channels between others') FROM many;
SELECT ok(unit_apply(jsonb_build_object('a', before), ARRAY[unit_delta(jsonb_build_object('a', before), jsonb_build_object('a', after))]) = jsonb_build_object('a', after), 'delta: 60000 keys of an object, set and cut') FROM many;
SELECT ok(unit_delta(jsonb_build_object('a', before || after), jsonb_build_object('a', after)) #> '{patch,a,cut}' IS NOT NULL AND unit_apply(jsonb_build_object('a', before || after), ARRAY[unit_delta(jsonb_build_object('a', before || after), jsonb_build_object('a', after))]) = jsonb_build_object('a', after), 'delta: 25000 keys cut') FROM many;

SELECT * FROM finish();
ROLLBACK;
