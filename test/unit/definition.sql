-- A graph as a document (definition.c): what is read and written again is the same; every fault is reported, all at once; every misspelt key is
-- one.  Generated documents, and one full document with generated faults in it.  A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_definition(definition jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION faults(definition jsonb) RETURNS text[] LANGUAGE sql AS $$ SELECT ARRAY(SELECT jsonb_array_elements_text(unit_definition(definition)->'faults')) $$;

-- There and back ---------------------------------------------------------------------------------------------------------
-- Documents in their long form, with all that may be said and most of it left out.

CREATE FUNCTION maybe(p float8, VARIADIC choices jsonb[]) RETURNS jsonb LANGUAGE sql VOLATILE AS $$ SELECT CASE WHEN random() < p THEN choices[1 + floor(random() * cardinality(choices))] END $$;
CREATE FUNCTION a_node(salt int) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object(CASE salt % 3 WHEN 0 THEN 'sql' ELSE 'handler' END, 'f' || salt, 'timeout', CASE WHEN random() < 0.5 THEN to_jsonb((1 + floor(random() * 86400000))::numeric / 1000) END,
    'retry', CASE WHEN random() < 0.5 THEN jsonb_strip_nulls(jsonb_build_object('max_attempts', (2 + random() * 998)::int, 'initial_interval', round((random() * 86400)::numeric, 3), 'backoff_factor', round((1 + random() * 99)::numeric, 2), 'max_interval', round((random() * 2592000)::numeric, 1),
        'jitter', random() < 0.5, 'retry_on', maybe(0.5, '["08"]', '["P0001", "23"]', '["40001", "IH007", "22012"]'))) END,
    'gate', CASE WHEN random() < 0.3 THEN jsonb_strip_nulls(jsonb_build_object('action', 'a' || salt, 'args', maybe(1, '"$"', '"$.a"', '"$.a.b_c.d"'), 'description', maybe(0.5, '"Sure?"'), 'skip_when', maybe(0.5, '"$.amount <= 1000"'), 'allowed', maybe(1, '["approve", "reject"]', '["approve", "edit", "reject", "respond"]', '["respond"]'),
        'on_reject', maybe(1, '"END"', '"n1"'), 'feedback_key', maybe(1, '"feedback"', '"other"'), 'on_respond', maybe(1, '"run"', '"output"'))) END,
    'destinations', maybe(0.3, '["n1"]', '["END", "n2"]'))) $$;
CREATE TABLE d AS SELECT id, jsonb_build_object('recursion_limit', (1 + random() * 1000)::int,
    'channels', (SELECT COALESCE(jsonb_object_agg('c' || c, jsonb_strip_nulls(jsonb_build_object('reducer', (ARRAY['overwrite', 'append', 'merge', 'add', 'min', 'max', 'union', 'messages', 'longest(jsonb,jsonb)'])[1 + floor(random() * 9)], 'initial', maybe(0.5, '0', '[]', '{"a": [1]}', '"x"')))), '{}') FROM generate_series(1, (id % 5)::int) c),
    'nodes', (SELECT COALESCE(jsonb_object_agg('n' || n, CASE WHEN random() < 0.15 THEN (a_node(n) - '{handler,sql,retry,timeout}'::text[]) || jsonb_build_object('subgraph', jsonb_strip_nulls(jsonb_build_object('graph', 'g' || n, 'version', maybe(0.5, '1', '7'), 'input', maybe(0.5, '{}', '{"a": "b", "c": "d"}'), 'output', maybe(0.5, '{"a": "b"}')))) ELSE a_node(n) END), '{}')
      FROM generate_series(1, (id % 7)::int) n),
    'edges', (SELECT COALESCE(jsonb_agg(jsonb_build_array(s, t) ORDER BY s COLLATE "C", t COLLATE "C"), '[]') FROM unnest('{START,n1,n2,n3,n10}'::text[]) s, unnest('{END,n1,n2,n3,n10}'::text[]) t WHERE random() < 0.2),
    'joins', to_jsonb(ARRAY(SELECT jsonb_build_object('sources', maybe(1, '["n1", "n2"]', '["n1"]', '["n1", "n2", "n3"]'), 'target', maybe(1, '"n2"', '"END"')) FROM generate_series(1, (id % 3)::int))),
    'conditional_edges', to_jsonb(ARRAY(SELECT jsonb_strip_nulls(jsonb_build_object('source', maybe(1, '"START"', '"n1"'), 'router', 'route(jsonb)', 'map', maybe(0.5, '{"yes": "n1", "no": "END"}'))) FROM generate_series(1, (id % 4)::int)))) AS definition
  FROM generate_series(1, 2000) id;
CREATE TABLE r AS SELECT id, definition, unit_definition(definition) AS r FROM d;
SELECT is_empty($$SELECT definition, r->'faults' FROM r WHERE r->'faults' <> '[]'$$, 'document: 2000 of them without a fault');
-- What is written holds all that was read, and what was left out with its default; it is read as it was written.
SELECT is_empty($$SELECT definition, r->'document' FROM r WHERE NOT r->'document' @> definition OR r->'document'->'edges' <> definition->'edges' OR r->'document'->'joins' <> definition->'joins' OR r->'document'->'conditional_edges' <> definition->'conditional_edges' OR r->'document'->'nodes' <> definition->'nodes'$$,
  'document: nothing is lost of it');
SELECT is_empty($$SELECT definition FROM r WHERE unit_definition(r->'document') <> r$$, 'document: written again it is the same');
SELECT is_empty($$SELECT definition FROM r WHERE unit_definition(definition || jsonb_build_object('edges', (SELECT COALESCE(jsonb_agg(e ORDER BY random()), '[]') FROM jsonb_array_elements(definition->'edges') e))) <> r$$, 'document: edges are a set');
-- Short forms, defaults and nulls.
SELECT is(unit_definition(short)->'document', unit_definition(long)->'document', format('short: %s', short)) FROM (VALUES
  ('{}'::jsonb, '{"recursion_limit": 25, "channels": {}, "nodes": {}, "edges": [], "joins": [], "conditional_edges": []}'::jsonb), ('{"graph": "g", "nodes": null, "edges": null, "channels": null, "joins": null, "conditional_edges": null, "recursion_limit": null}', '{}'),
  ('{"nodes": {"a": "f(jsonb)"}}', '{"nodes": {"a": {"handler": "f(jsonb)"}}}'), ('{"nodes": {"a": {"handler": "f", "retry": null, "timeout": null, "gate": null, "destinations": null, "sql": null}}}', '{"nodes": {"a": "f"}}'),
  ('{"nodes": {"a": {"subgraph": "g"}}}', '{"nodes": {"a": {"subgraph": {"graph": "g"}}}}'), ('{"channels": {"c": "append"}}', '{"channels": {"c": {"reducer": "append"}}}'), ('{"channels": {"c": {}}}', '{"channels": {"c": {"reducer": "overwrite"}}}'), ('{"nodes": {"a": {"handler": "f", "retry": {}}}}', '{"nodes": {"a": {"handler": "f", "retry": {"max_attempts": 3, "initial_interval": 0.5, "backoff_factor": 2, "max_interval": 128, "jitter": true}}}}'),
  ('{"nodes": {"a": {"handler": "f", "retry": {"max_attempts": 1}}}}', '{"nodes": {"a": "f"}}'), ('{"nodes": {"a": {"handler": "f", "gate": {}}}}', '{"nodes": {"a": {"handler": "f", "gate": {"action": "a", "args": "$", "allowed": ["approve", "edit", "reject", "respond"], "on_reject": "END", "feedback_key": "feedback", "on_respond": "output"}}}}'),
  ('{"edges": [["b", "c"], ["a", "c"], ["b", "c"]]}', '{"edges": [["a", "c"], ["b", "c"]]}'), ('{"joins": [{"sources": ["b", "a"], "target": "c"}]}', '{"joins": [{"sources": ["a", "b"], "target": "c"}]}'), ('{"conditional_edges": [{"source": "a", "router": "r", "map": null}]}', '{"conditional_edges": [{"source": "a", "router": "r"}]}')) v (short, long);
SELECT is(unit_definition('{"channels": {"c": {"reducer": "append", "initial": null}}}')#>'{document,channels,c}', '{"reducer": "append", "initial": null}', 'document: null is an initial value');
-- A timeout is to the millisecond, however it is written in binary.
SELECT is_empty($$SELECT ms FROM generate_series(1, 5000) ms WHERE (unit_definition(jsonb_build_object('nodes', jsonb_build_object('a', jsonb_build_object('handler', 'f', 'timeout', ms / 1000.0))))#>>'{document,nodes,a,timeout}')::numeric <> ms / 1000.0$$, 'timeout: each of the first 5000 milliseconds is itself');
SELECT is((unit_definition(jsonb_build_object('nodes', jsonb_build_object('a', jsonb_build_object('handler', 'f', 'timeout', given))))#>>'{document,nodes,a,timeout}')::numeric, want, format('timeout: %s', given)) FROM (VALUES (0.0019, 0.002), (0.0021, 0.002), (1.9996, 2), (86400, 86400)) v (given, want);

-- Misspelt keys ------------------------------------------------------------------------------------------------------------
-- A document in which every key stands.  Each of them once with a letter more, in small for capitals, in its plural: it is told where.

CREATE TABLE whole AS SELECT '{"graph": "g", "recursion_limit": 30, "channels": {"c": {"reducer": "add", "initial": 0}},
  "nodes": {"a": {"handler": "f", "timeout": 30, "destinations": ["b"],
      "retry": {"max_attempts": 3, "initial_interval": 0.5, "backoff_factor": 2, "max_interval": 128, "jitter": true, "retry_on": ["08"]},
      "gate": {"action": "refund", "description": "d", "args": "$.a", "skip_when": "$.x == 1", "allowed": ["approve"], "on_reject": "END", "feedback_key": "f", "on_respond": "run"}},
    "b": {"sql": "SELECT 1"}, "s": {"subgraph": {"graph": "h", "version": 2, "input": {"a": "b"}, "output": {"c": "d"}}, "gate": {"args": "$"}}},
  "edges": [["START", "a"]], "joins": [{"sources": ["a"], "target": "b"}], "conditional_edges": [{"source": "a", "router": "r", "map": {"yes": "b"}}]}'::jsonb AS whole;
SELECT is(faults(whole), '{}', 'keys: the document with all of them has no fault') FROM whole;
CREATE TABLE spot (path text[], place text);
INSERT INTO spot VALUES ('{}', 'definition'), ('{channels,c}', 'channel "c"'), ('{nodes,a}', 'node "a"'), ('{nodes,b}', 'node "b"'), ('{nodes,s}', 'node "s"'), ('{nodes,s,subgraph}', 'node "s", subgraph'), ('{nodes,s,gate}', 'node "s", gate'), ('{nodes,a,retry}', 'node "a"'), ('{nodes,a,gate}', 'node "a", gate'), ('{joins,0}', 'join'), ('{conditional_edges,0}', 'conditional edge from "a"');
CREATE TABLE misspelt AS SELECT path, place, key, wrong FROM spot, whole, LATERAL jsonb_object_keys(CASE WHEN path = '{}' THEN whole ELSE whole#>path END) key, unnest(ARRAY[key || 's', key || ' ', initcap(key), left(key, -1), overlay(key PLACING substr(key, 2, 1) || substr(key, 1, 1) FROM 1 FOR 2), '_' || key, replace(key, '_', '-')]) wrong WHERE wrong <> key AND wrong <> '';
SELECT cmp_ok(count(*), '>', 150::bigint, format('keys: %s ways to misspell them', count(*))) FROM misspelt;
SELECT is_empty($$SELECT place, key, wrong, faults FROM misspelt, whole, LATERAL (SELECT whole#>path AS was) w,
    LATERAL faults(CASE WHEN path = '{}' THEN whole - key || jsonb_build_object(wrong, whole->key) ELSE jsonb_set(whole, path, (was - key) || jsonb_build_object(wrong, was->key)) END) WHERE format('%s: there is no key "%s" here', CASE WHEN key = 'source' THEN 'conditional edge from ""' ELSE place END, wrong) <> ALL (faults)$$, 'keys: each is reported with its place');
-- And no key is taken where it does not belong.
SELECT is_empty($$SELECT s.place, key FROM spot s, (SELECT DISTINCT key FROM misspelt) k, whole WHERE NOT (CASE WHEN path = '{}' THEN whole ELSE whole#>path END) ? key AND NOT (s.path IN ('{nodes,a}', '{nodes,b}', '{nodes,s}') AND key IN ('handler', 'sql', 'subgraph', 'retry', 'timeout', 'gate', 'destinations'))
    AND NOT (s.path = '{nodes,s,gate}' AND key IN (SELECT jsonb_object_keys(whole#>'{nodes,a,gate}')))
    AND format('%s: there is no key "%s" here', place, key) <> ALL (faults(CASE WHEN path = '{}' THEN whole || jsonb_build_object(key, 1) ELSE jsonb_set(whole, path || key, '1') END))$$, 'keys: of another place, all of them');

-- All at once --------------------------------------------------------------------------------------------------------------
-- Faults at different places of the document: however many are in it, it is told of each, as if it were alone.

CREATE TABLE wrong (id serial, path text[], value jsonb, fault text);
INSERT INTO wrong (path, value, fault) VALUES
  ('{recursion_limit}', '0', 'definition: "recursion_limit" must be a number from 1 to 1e+09'), ('{recursion_limit}', '1.5', 'definition: "recursion_limit" must be a whole number'), ('{recursion_limit}', '"25"', 'definition: "recursion_limit" must be a number from 1 to 1e+09'), ('{recursion_limit}', '1e400', 'definition: "recursion_limit" must be a number from 1 to 1e+09'),
  ('{channels,c}', '5', 'channel "c" must be an object or the name of a reducer'), ('{channels,c,reducer}', '5', 'channel "c": "reducer" must be a string'), ('{channels}', '[]', '"channels" must be an object'), ('{channels,""}', '"add"', 'channel "": a name must have 1 to 63 bytes'),
  ('{nodes,b}', '[]', 'node "b" must be an object or the signature of a function'), ('{nodes,b}', '{}', 'node "b" has neither a handler nor sql nor a subgraph'), ('{nodes,b,handler}', '"f"', 'node "b" has both a handler and sql'), ('{nodes,b,sql}', '5', 'node "b": "sql" must be a string'), ('{nodes,END}', '"f"', 'node "END": the name "END" is reserved'), ('{nodes,START}', '"f"', 'node "START": the name "START" is reserved'),
  ('{nodes,a,timeout}', '0', 'node "a": "timeout" must be a number from 0.001 to 86400'), ('{nodes,a,timeout}', '86401', 'node "a": "timeout" must be a number from 0.001 to 86400'), ('{nodes,a,timeout}', '"30 s"', 'node "a": "timeout" must be a number from 0.001 to 86400'), ('{nodes,a,timeout}', '-1', 'node "a": "timeout" must be a number from 0.001 to 86400'),
  ('{nodes,a,destinations}', '"b"', 'node "a": "destinations" must be an array of names'), ('{nodes,a,destinations}', '[5]', 'node "a": a name must have 1 to 63 bytes'),
  ('{nodes,a,retry,max_attempts}', '0', 'node "a": "max_attempts" must be a number from 1 to 1000'), ('{nodes,a,retry,max_attempts}', '2.5', 'node "a": "max_attempts" must be a whole number'), ('{nodes,a,retry,initial_interval}', '-0.1', 'node "a": "initial_interval" must be a number from 0 to 86400'),
  ('{nodes,a,retry,backoff_factor}', '0.5', 'node "a": "backoff_factor" must be a number from 1 to 100'), ('{nodes,a,retry,max_interval}', '"x"', 'node "a": "max_interval" must be a number from 0 to 2.592e+06'), ('{nodes,a,retry,jitter}', '"true"', 'node "a": "jitter" must be true or false'), ('{nodes,a,retry,retry_on}', '"08"', 'node "a": "retry_on" must be an array of SQLSTATEs'),
  ('{nodes,a,retry,retry_on}', '["8"]', 'node "a": "retry_on" must hold SQLSTATEs of five, or classes of two, digits and capitals'), ('{nodes,a,retry,retry_on}', '["p0001"]', 'node "a": "retry_on" must hold SQLSTATEs of five, or classes of two, digits and capitals'), ('{nodes,a,retry}', '3', 'node "a": "retry" must be an object'),
  ('{nodes,a,gate}', 'true', 'node "a": "gate" must be an object'), ('{nodes,a,gate,action}', '5', 'node "a", gate: "action" must be a string'), ('{nodes,a,gate,args}', '"a"', 'node "a", gate: "args" must be a path of keys, such as $.order'), ('{nodes,a,gate,args}', '"$.a[0]"', 'node "a", gate: "args" must be a path of keys, such as $.order'), ('{nodes,a,gate,args}', '"$."', 'node "a", gate: "args" must be a path of keys, such as $.order'),
  ('{nodes,a,gate,skip_when}', 'true', 'node "a", gate: "skip_when" must be a string'), ('{nodes,a,gate,allowed}', '[]', 'node "a", gate: "allowed" must be an array of approve, edit, reject, respond'), ('{nodes,a,gate,allowed}', '["approve", "agree"]', 'node "a", gate: "allowed" must be an array of approve, edit, reject, respond'), ('{nodes,a,gate,allowed}', '"approve"', 'node "a", gate: "allowed" must be an array of approve, edit, reject, respond'),
  ('{nodes,a,gate,on_reject}', '5', 'node "a", gate: "on_reject" must be a string'), ('{nodes,a,gate,on_respond}', '"rerun"', 'node "a", gate: "on_respond" must be output or run'), ('{nodes,a,gate,description}', '{}', 'node "a", gate: "description" must be a string'),
  ('{nodes,s,subgraph}', '5', 'node "s": "subgraph" must be an object or the name of a graph'), ('{nodes,s,retry}', '{}', 'node "s": a subgraph has no retry and no timeout, the nodes in it have'), ('{nodes,s,subgraph,graph}', 'null', 'node "s", subgraph: "graph" must be a string'), ('{nodes,s,subgraph,version}', '0', 'node "s", subgraph: "version" must be a number from 1 to 2.14748e+09'),
  ('{edges}', '{}', '"edges" must be an array'), ('{edges,0}', '["a"]', 'an edge must be an array of two names'), ('{edges,0}', '["a", 5]', 'an edge must be an array of two names'), ('{edges,0}', '["END", "a"]', 'the edge from "END" to "a" leaves END or leads to START'), ('{edges,0}', '["a", "START"]', 'the edge from "a" to "START" leaves END or leads to START'),
  ('{joins}', '5', '"joins" must be an array'), ('{joins,0}', '"a"', 'a join must be an object with an array of "sources" and a "target"'), ('{joins,0,sources}', '"a"', 'a join must be an object with an array of "sources" and a "target"'), ('{joins,0,sources}', '[]', 'the join to "b" has no sources'), ('{joins,0,sources}', '["a", "a"]', 'the join to "b" names the source "a" twice'), ('{joins,0,sources}', '["START"]', 'join: the name "START" is reserved'),
  ('{joins,0,target}', '5', 'join: "target" must be a string'), ('{conditional_edges}', '{}', '"conditional_edges" must be an array'), ('{conditional_edges,0}', '5', 'a conditional edge must be an object with "source" and "router"'), ('{conditional_edges,0,router}', 'null', 'conditional edge from "a": "router" must be a string'), ('{conditional_edges,0,map}', '[]', 'conditional edge from "a": "map" must be an object'), ('{conditional_edges,0,map}', '{"yes": 5}', 'conditional edge from "a": the map must lead to names of nodes');
SELECT is_empty($$SELECT path, value, fault, faults FROM wrong, whole, LATERAL faults(jsonb_set(whole, path, value)) WHERE fault <> ALL (faults)$$, format('faults: %s, one at a time', (SELECT count(*) FROM wrong)));
-- Up to eight of them, none at or below the place of another, nor two of those that are told by each other's names.
CREATE TABLE many (id int, wrong int[]);
CREATE FUNCTION pick(n int) RETURNS int[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  w wrong; picked int[] := '{}';
BEGIN
  FOR w IN SELECT * FROM wrong ORDER BY random() LIMIT 3 * n LOOP
    EXIT WHEN cardinality(picked) = n;
    IF NOT EXISTS (SELECT FROM wrong o WHERE o.id = ANY (picked) AND (w.path[1:cardinality(o.path)] = o.path OR o.path[1:cardinality(w.path)] = w.path
        OR w.path[1:2] = o.path[1:2] AND w.path[1:2] IN ('{nodes,b}', '{joins,0}'))) THEN picked := picked || w.id; END IF;
  END LOOP;
  RETURN picked;
END $$;
INSERT INTO many SELECT id, pick(2 + id % 7) FROM generate_series(1, 1500) id;
CREATE FUNCTION with_wrong(picked int[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  result jsonb := (SELECT whole FROM whole); w wrong;
BEGIN
  FOR w IN SELECT * FROM wrong WHERE id = ANY (picked) LOOP result := jsonb_set(result, w.path, w.value); END LOOP;
  RETURN result;
END $$;
SELECT is_empty($$SELECT m.wrong, fault FROM many m, LATERAL (SELECT faults(with_wrong(m.wrong)) AS faults) f, wrong w WHERE w.id = ANY (m.wrong) AND fault <> ALL (faults)$$, format('faults: %s in 1500 documents, all at once', (SELECT sum(cardinality(wrong)) FROM many)));
-- What is no object at all has one fault; whatever it is, reading it ends well.
SELECT is(faults(given), ARRAY['a definition must be an object, and this is ' || what], format('faults: %s', given)) FROM (VALUES ('5'::jsonb, 'a number'), ('[]', 'an array'), ('"x"', 'a string'), ('null', 'null'), ('true', 'a boolean')) v (given, what);
CREATE FUNCTION junk(depth int) RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF depth = 0 OR random() < 0.2 THEN RETURN (ARRAY['null', 'true', '0', '-1', '1e300', '"a"', '""', '"START"', '[]', '{}', '["a", "b"]']::jsonb[])[1 + floor(random() * 11)]; END IF;
  IF random() < 0.3 THEN RETURN to_jsonb(ARRAY(SELECT junk(depth - 1) FROM generate_series(1, floor(random() * 4)::int))); END IF;
  RETURN (SELECT COALESCE(jsonb_object_agg(k, junk(depth - 1)), '{}') FROM unnest('{graph,recursion_limit,channels,nodes,edges,joins,conditional_edges,reducer,initial,handler,sql,retry,timeout,gate,destinations,sources,target,source,router,map,allowed,args,a,b}'::text[]) k WHERE random() < 0.25);
END $$;
CREATE TABLE j AS SELECT junk(3) AS junk FROM generate_series(1, 3000);
SELECT is_empty($$SELECT junk FROM j, LATERAL (SELECT unit_definition(junk) AS r) r WHERE (r->'faults' = '[]') = (r->'document' = 'null') OR r->'faults' = '[]' AND unit_definition(r->'document') <> r$$, 'faults: 3000 heaps of junk are read to their end');

SELECT * FROM finish();
ROLLBACK;
