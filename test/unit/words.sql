-- The words of every state, there and back (names.c), and the helpers over jsonb (json.c), against SQL's own operators.
-- A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_words() RETURNS text[] LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_json_merge(jsonb, jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_json_equal(jsonb, jsonb) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_json_difference(jsonb, jsonb) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_json_keys(jsonb) RETURNS text[] LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_json_type(jsonb) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_json_get(jsonb, text) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_json_array(jsonb, jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_json_object(text, bigint, timestamptz, jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';

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

-- Words --------------------------------------------------------------------------------------------------------------

SELECT is(unit_words(), ARRAY['thread running', 'thread interrupted', 'thread done', 'thread failed', 'thread cancelled', 'task ready', 'task done', 'task interrupted', 'task waiting', 'task failed', 'task cancelled',
  'interrupt pending', 'interrupt decided', 'interrupt expired', 'interrupt cancelled', 'interrupt superseded', 'decision approve', 'decision edit', 'decision reject', 'decision respond', 'all: approve, edit, reject, respond'],
  'words: 18, each there and back');

-- JSON ---------------------------------------------------------------------------------------------------------------

CREATE TABLE j AS SELECT v FROM jsonb_array_elements('[null, true, 1, 1.0, "1", "", [], [1, 2], [2, 1], {}, {"a": 1}, {"a": 1.0}, {"a": null}, {"a": {"b": 1}}, {"a": {"b": 2}}, {"b": 1, "a": 1}, {"a": [{"b": 1}]}, {"": 0}]') v;
SELECT is_empty('SELECT a.v, b.v FROM j a, j b WHERE unit_json_equal(a.v, b.v) <> (a.v = b.v)', 'json_equal: as SQL''s =, of 324 pairs');
SELECT is_empty('SELECT v FROM j WHERE unit_json_equal(v, NULL) OR unit_json_equal(NULL, v)', 'json_equal: NULL is none of them');
SELECT ok(unit_json_equal(NULL, NULL), 'json_equal: NULL is NULL');
SELECT is_empty($$SELECT a.v, b.v FROM j a, j b WHERE jsonb_typeof(a.v) = 'object' AND jsonb_typeof(b.v) = 'object' AND unit_json_merge(a.v, b.v) <> a.v || b.v$$, 'json_merge: as SQL''s ||');
SELECT is_empty('SELECT a.v, b.v FROM j a, j b WHERE (unit_json_difference(a.v, b.v) IS NULL) <> (a.v = b.v)', 'json_difference: there is one where they are not equal');
-- The path that is named leads to values that differ.
SELECT is_empty($$SELECT a.v, b.v, p FROM j a, j b, LATERAL (SELECT unit_json_difference(a.v, b.v)) d (p) WHERE p IS NOT NULL AND a.v #> (string_to_array(p, '.'))[2:] IS NOT DISTINCT FROM b.v #> (string_to_array(p, '.'))[2:]$$, 'json_difference: the path leads to it');
SELECT is_empty($$SELECT v FROM j WHERE jsonb_typeof(v) = 'object' AND ARRAY(SELECT k COLLATE "C" FROM unnest(unit_json_keys(v)) k ORDER BY 1) <> ARRAY(SELECT k COLLATE "C" FROM jsonb_object_keys(v) k ORDER BY 1)$$, 'json_keys: each key');
SELECT is_empty($$SELECT v, k FROM j, unnest('{a,b,c,""}'::text[]) k WHERE unit_json_get(v, k) IS DISTINCT FROM CASE WHEN jsonb_typeof(v) = 'object' THEN v->k END$$, 'json_get: as SQL''s ->, of objects');
SELECT is(unit_json_get(NULL, 'a'), NULL, 'json_get: of NULL');
SELECT is(array_agg(unit_json_type(v) ORDER BY n), '{"NULL","null, is_null","a boolean","a number","a string","an array","an object, is_object"}', 'json_type: seven words')
  FROM (VALUES (1, NULL::jsonb), (2, 'null'), (3, 'false'), (4, '0'), (5, '"null"'), (6, '[null]'), (7, '{}')) v (n, v);
SELECT is_empty('SELECT a.v, b.v FROM j a, j b WHERE unit_json_array(a.v, b.v) <> jsonb_build_array(a.v, b.v)', 'json_array: values, scalars unwrapped');
SELECT is(unit_json_object(s, n, t, v), jsonb_build_object('string', s, 'number', n, 'time', z, 'json', v, 'twice', 'last'), 'json_add: ' || COALESCE(s, 'NULLs')) FROM (VALUES
  ('plain', 0::bigint, '2000-01-01 00:00+00'::timestamptz, '1'::jsonb, '2000-01-01T00:00:00.000000Z'), ('"quoted" \ ä', 9223372036854775807, '9999-12-31 23:59:59.999999+00', '{"a": [1]}', '9999-12-31T23:59:59.999999Z'),
  (NULL, -9223372036854775808, '0001-01-01 00:00+00', NULL, '0001-01-01T00:00:00.000000Z')) v (s, n, t, v, z);
SELECT is(unit_json_object('x', 1, 'infinity', NULL)->>'time', 'infinity', 'json_add_time: for ever');
SELECT is(left(tried($$unit_json_object('x', 1, '-infinity', NULL)$$), 5), 'XX000', 'json_add_time: no time before all times');
-- A year before Christ is not written as one after.
SELECT isnt(tried($$unit_json_object('x', 1, '0044-03-15 00:00+00 BC', NULL)$$)::jsonb->>'time', tried($$unit_json_object('x', 1, '0044-03-15 00:00+00', NULL)$$)::jsonb->>'time', 'json_add_time: nor two times alike');

SELECT * FROM finish();
ROLLBACK;
