-- What a subgraph is given and what comes out of it (subgraph.c): against independent rules in SQL, over generated states and maps.
-- A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();

CREATE FUNCTION unit_subgraph_input(map jsonb, given jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_subgraph_output(map jsonb, before jsonb, after jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';

CREATE TABLE object AS
  SELECT n, (SELECT COALESCE(jsonb_object_agg('k' || k, v), '{}')
             FROM generate_series(1, 5) k, LATERAL (SELECT (ARRAY['null', '1', '"1"', '[1]', '{"k1": 1}', 'true'])[1 + (hashint4(n * 31 + k) & 7)]::jsonb) x (v) WHERE v IS NOT NULL) AS o
  FROM generate_series(1, 60) n;
SELECT ok(count(DISTINCT o) > 50, 'they are not alike') FROM object;
SELECT is_empty($$SELECT b.o, a.o FROM object b, object a
  WHERE unit_subgraph_input(NULL, b.o) <> b.o OR NOT unit_subgraph_output(NULL, b.o, a.o) <@ a.o
     OR (b.o || unit_subgraph_output(NULL, b.o, a.o)) <> (b.o || a.o) OR unit_subgraph_output(NULL, a.o, a.o) <> '{}'
     OR EXISTS (SELECT FROM jsonb_each(unit_subgraph_output(NULL, b.o, a.o)) e WHERE b.o->key = value)$$,
  'without maps all goes in; what comes out is what differs, all of it and nothing else (3600 pairs)');
-- A map made of an object: its keys are the new names, and the old ones are k1, k2, ... some of which are not there.
CREATE TABLE map AS SELECT n, (SELECT COALESCE(jsonb_object_agg('m' || key, 'k' || (hashtext(key || n) & 7)), '{}') FROM jsonb_object_keys(o) key) AS m FROM object;
SELECT is_empty($$SELECT m, o FROM map, object
  WHERE unit_subgraph_input(m, o) <> (SELECT COALESCE(jsonb_object_agg(new, o->old), '{}') FROM jsonb_each_text(m) e (new, old) WHERE o ? old)$$,
  'with a map what it names goes in, under its names; what is absent stays absent, and null is null (3600 pairs)');
SELECT is_empty($$SELECT m, b.o, a.o FROM map, object b, object a WHERE unit_subgraph_output(m, b.o, a.o) <> unit_subgraph_input(m, a.o)$$,
  'what comes out by a map does not depend on what was there before (216000 cases)');

SELECT * FROM finish();
ROLLBACK;
