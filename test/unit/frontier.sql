-- What runs next, and what is wrong with the shape of a graph (frontier.c): generated graphs with edges, joins, conditional edges, sends and
-- gates, against independent rules in SQL: sets of edges, the history of a join, the transitive closure.  A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_find_node(definition jsonb, name text) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_next(definition jsonb, tasks jsonb, joins jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_faults(definition jsonb) RETURNS text[] LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_route(definition jsonb, result jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_command(definition jsonb, node text, result jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_targets(targets jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';

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

-- A graph of nodes and of edges "source target" only; and the names of what follows when these nodes are done.
CREATE FUNCTION of_edges(nodes text[], edges text[]) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('nodes', COALESCE((SELECT jsonb_object_agg(n, 'f') FROM unnest(nodes) n), '{}'), 'edges', COALESCE((SELECT jsonb_agg(string_to_array(e, ' ')) FROM unnest(edges) e), '[]')) $$;
CREATE FUNCTION after(definition jsonb, done text[]) RETURNS text[] LANGUAGE sql AS $$
  SELECT ARRAY(SELECT jsonb_array_elements_text(unit_next(definition, COALESCE((SELECT jsonb_agg(jsonb_build_object('node', n)) FROM unnest(done) n), '[]'), NULL)->'next')) $$;

-- Edges ----------------------------------------------------------------------------------------------------------------
-- Nodes a to f, some of them there; edges among them, from START, to END, and to and from what is not there.

CREATE TABLE g AS SELECT id, ARRAY(SELECT n FROM unnest('{a,b,c,d,e,f}'::text[]) n WHERE random() < (id % 7) / 6.0 ORDER BY random()) AS nodes, '{}'::text[] AS edges, NULL::jsonb AS graph FROM generate_series(1, 1000) id;
UPDATE g SET edges = ARRAY(SELECT s || ' ' || t FROM (SELECT unnest(nodes) UNION SELECT 'START' UNION SELECT 'nobody' WHERE id % 5 = 0) s (s), (SELECT unnest(nodes) UNION SELECT 'END' UNION SELECT 'nowhere' WHERE id % 5 = 0) t (t)
  WHERE random() < CASE id % 4 WHEN 0 THEN 0.1 WHEN 1 THEN 0.2 WHEN 2 THEN 0.3 ELSE 0.5 END / CASE WHEN 'nobody' = s OR 'nowhere' = t THEN 4 ELSE 1 END ORDER BY random());
-- Of these, as many again that have no cycle: edges go forward in the alphabet only.
INSERT INTO g SELECT id + 1000, nodes, ARRAY(SELECT s || ' ' || t FROM (SELECT unnest(nodes) UNION SELECT 'START') s (s), (SELECT unnest(nodes) UNION SELECT 'END') t (t)
  WHERE (s = 'START' OR t = 'END' OR s < t) AND random() < CASE id % 3 WHEN 0 THEN 0.3 WHEN 1 THEN 0.6 ELSE 0.9 END ORDER BY random()) FROM g;
UPDATE g SET graph = of_edges(nodes, edges);
CREATE TABLE e AS SELECT id, split_part(edge, ' ', 1) AS s, split_part(edge, ' ', 2) AS t FROM g, unnest(edges) edge;
CREATE INDEX ON e (id, s);
ANALYZE e;
SELECT cmp_ok(count(*), '>=', 2000::bigint, format('edges: %s graphs, %s edges', count(*), (SELECT count(*) FROM e))) FROM g;

-- The rule: the nodes that an edge from one of the done leads to, each once, sorted.
CREATE FUNCTION next_rule(id bigint, done text[]) RETURNS text[] LANGUAGE sql AS $$
  SELECT ARRAY(SELECT DISTINCT t COLLATE "C" FROM e JOIN g USING (id) WHERE id = $1 AND s = ANY (done) AND t = ANY (nodes) ORDER BY 1) $$;
SELECT is_empty($$SELECT id, nodes, edges FROM g WHERE after(graph, '{START}') <> next_rule(id, '{START}')$$, 'edges: the first super-step of 2000 graphs');
CREATE TABLE d AS SELECT id, nodes, edges, graph, done, after(graph, done) AS next FROM (SELECT *, ARRAY(SELECT n FROM unnest(nodes) n WHERE random() < 0.5 ORDER BY random()) AS done FROM g) x;
SELECT is_empty($$SELECT id, nodes, edges, done FROM d WHERE next <> next_rule(id, done)$$, 'edges: after 2000 sets of nodes');
SELECT is_empty($$SELECT id FROM d WHERE next <> after(graph, ARRAY(SELECT x FROM unnest(done) x ORDER BY x DESC)) OR next <> after(graph, done || done)$$, 'edges: neither order nor repetition counts');
SELECT is_empty($$SELECT id FROM d WHERE next <> after(of_edges(ARRAY(SELECT x FROM unnest(nodes) x ORDER BY random()), ARRAY(SELECT x FROM unnest(edges) x ORDER BY random())), done)$$, 'edges: nor does the order in which the graph was written');
-- Additive: what follows a set is what follows its members.
SELECT is_empty($$SELECT id FROM d WHERE next <> ARRAY(SELECT DISTINCT x COLLATE "C" FROM unnest(done) n, unnest(after(graph, ARRAY[n])) x ORDER BY 1)$$, 'edges: what follows a set is what follows its members');
SELECT is_empty($$SELECT id FROM d WHERE 'END' = ANY (next) OR NOT next <@ nodes$$, 'edges: nodes of the graph only, never END');
SELECT is(after(of_edges('{a}', '{"START a"}'), '{}'), '{}', 'edges: nothing follows nothing');
SELECT is(after(of_edges('{a,B,ä,aa}', '{"START a","START B","START ä","START aa"}'), '{START}'), '{B,a,aa,ä}', 'edges: in the order of bytes');
SELECT is_empty($$SELECT id FROM g, unnest(nodes || '{END,START,nobody,""}') n WHERE unit_find_node(graph, n) IS DISTINCT FROM CASE WHEN n = ANY (nodes) THEN n END$$, 'frontier_find_node: finds what is there, and only that');

-- The whole walk -------------------------------------------------------------------------------------------------------
-- Graphs with joins, and tasks that say themselves where they lead (commands and routers): to nodes, to END, to sends with an input of their own;
-- now and then one whose gate was rejected, which only its own targets count for.  A walk goes on from what followed, as the engine does.

CREATE TABLE world AS SELECT id, jsonb_build_object('nodes', (SELECT jsonb_object_agg(n, 'f') FROM unnest('{a,b,c,d,e,f}'::text[]) n),
    'edges', (SELECT COALESCE(jsonb_agg(jsonb_build_array(s, t)), '[]') FROM unnest('{START,a,b,c,d,e,f}'::text[]) s, unnest('{a,b,c,d,e,f,END}'::text[]) t WHERE random() < 0.05 * (1 + id % 5)),
    'joins', (SELECT COALESCE(jsonb_agg(jsonb_build_object('sources', sources, 'target', target)), '[]') FROM (SELECT target, jsonb_agg(source ORDER BY random()) AS sources
       FROM generate_series(1, (id % 4)::int) j, LATERAL (SELECT (ARRAY['a','b','c','d','e','f','END'])[1 + floor(random() * 7 + 0 * j)] AS target) x, unnest('{a,b,c,d,e,f}'::text[]) source WHERE random() < 0.4 GROUP BY j, target) j)) AS graph
  FROM generate_series(1, 1000) id;
SELECT cmp_ok((SELECT count(*) FROM world, jsonb_array_elements(graph->'joins')), '>', 1000::bigint, 'walk: 1000 graphs, with joins');

-- The targets that a task says: {} most of the time.
CREATE FUNCTION some_targets(salt int) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
  SELECT jsonb_agg(CASE WHEN random() < 0.4 THEN jsonb_build_object('node', n, 'input', jsonb_build_object('k', (random() * 100)::int)) WHEN random() < 0.2 THEN '"END"' ELSE to_jsonb(n) END ORDER BY random())
  FROM unnest('{a,b,c,d,e,f}'::text[]) n WHERE random() < 0.12 $$;

-- Every step of every walk: the tasks of the step as they ended, which joins waited for what before, and what followed.
CREATE TABLE step (id int, step int, tasks jsonb, joins jsonb, result jsonb);
CREATE FUNCTION walk(id int, graph jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  tasks jsonb := '[{"node": "START"}]';
  joins jsonb;
  result jsonb;
BEGIN
  FOR k IN 0..7 LOOP
    result := unit_next(graph, tasks, joins);
    INSERT INTO step VALUES (id, k, tasks, joins, result);
    EXIT WHEN result->'next' = '[]' OR jsonb_array_length(result->'next') > 40;
    joins := result->'joins';
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('node', COALESCE(t->>'node', t#>>'{}'), 'targets', some_targets(k), 'is_diverted', CASE WHEN random() < 0.1 THEN true END)) ORDER BY n) INTO tasks
      FROM jsonb_array_elements(result->'next') WITH ORDINALITY x (t, n);
  END LOOP;
END $$;
SELECT count(walk(id, graph)) AS walks FROM world \gset
SELECT ok((SELECT count(*) FROM step) > 3000, format('walk: %s super-steps, %s tasks, %s sends', (SELECT count(*) FROM step), (SELECT sum(jsonb_array_length(tasks)) FROM step), (SELECT count(*) FROM step, jsonb_array_elements(result->'next') t WHERE t ? 'input')));

-- What ran, task by task; what they said; when each source of a join ran.
CREATE TABLE task AS SELECT id, step, n, t->>'node' AS node, COALESCE((t->>'is_diverted')::boolean, false) AS is_diverted, t->'targets' AS targets FROM step, jsonb_array_elements(tasks) WITH ORDINALITY x (t, n);
CREATE INDEX ON task (id, step);
CREATE TABLE target AS SELECT id, step, task.n, m, COALESCE(t->>'node', t#>>'{}') AS node, t->'input' AS input FROM task, jsonb_array_elements(targets) WITH ORDINALITY x (t, m);
CREATE INDEX ON target (id, step);
CREATE TABLE joined AS SELECT id, j - 1 AS j, x->>'target' AS target, ARRAY(SELECT jsonb_array_elements_text(x->'sources')) AS sources,
  (SELECT jsonb_build_array(x->>'target') || jsonb_agg(s ORDER BY s COLLATE "C") FROM jsonb_array_elements_text(x->'sources') s)::text AS key FROM world, jsonb_array_elements(graph->'joins') WITH ORDINALITY y (x, j);
CREATE INDEX ON joined (id);
ANALYZE task; ANALYZE target; ANALYZE joined;

-- The rule of a join, from the history alone: it fires at the first step by which all of its sources have run since it fired last.
CREATE TABLE fired (id int, j bigint, step int, waits text[]);
CREATE FUNCTION fire(id int, j bigint, sources text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  since int := -1;
  seen text[];
BEGIN
  FOR k IN 0..(SELECT max(s.step) FROM step s WHERE s.id = $1) LOOP
    seen := ARRAY(SELECT DISTINCT t.node COLLATE "C" FROM task t WHERE t.id = $1 AND t.step > since AND t.step <= k AND NOT t.is_diverted AND t.node = ANY (sources) ORDER BY 1);
    INSERT INTO fired VALUES (id, j, k, CASE WHEN cardinality(seen) < cardinality(sources) THEN seen END);
    IF cardinality(seen) = cardinality(sources) THEN since := k; END IF;
  END LOOP;
END $$;
SELECT count(fire(id, j, sources)) AS joins FROM joined \gset
CREATE INDEX ON fired (id, step);
SELECT cmp_ok((SELECT count(*) FROM fired WHERE waits IS NULL), '>', 200::bigint, 'walk: joins fired') ;
SELECT is_empty($$SELECT id, step, result->'joins' FROM step WHERE result->'joins' <> (SELECT COALESCE(jsonb_object_agg(key, to_jsonb(waits)), '{}') FROM fired f JOIN joined w USING (id, j) WHERE f.id = step.id AND f.step = step.step AND waits <> '{}')$$,
  'joins: what they wait for, of every join after every step');

-- The rule of what follows: nodes, each once and by name: of edges, of joins that fired, of targets without an input; then the sends, in the order in which they were said.
CREATE TABLE expected AS SELECT id, step, ARRAY(
    SELECT x.node COLLATE "C" FROM (
      SELECT ed->>1 AS node FROM world w, jsonb_array_elements(graph->'edges') ed, task t WHERE w.id = step.id AND t.id = step.id AND t.step = step.step AND t.node = ed->>0 AND NOT is_diverted
      UNION SELECT target FROM joined JOIN fired f USING (id, j) WHERE f.id = step.id AND f.step = step.step AND waits IS NULL
      UNION SELECT node FROM target t WHERE t.id = step.id AND t.step = step.step AND input IS NULL) x WHERE x.node <> 'END' ORDER BY 1) AS nodes,
  (SELECT COALESCE(jsonb_agg(jsonb_build_object('node', node, 'input', input) ORDER BY n, m), '[]') FROM target t WHERE t.id = step.id AND t.step = step.step AND input IS NOT NULL AND node <> 'END') AS sends
  FROM step;
SELECT is_empty($$SELECT id, step, graph, tasks, result->'next', nodes, sends FROM step JOIN expected USING (id, step) JOIN world USING (id) WHERE result->'next' <> to_jsonb(nodes) || sends$$, 'walk: what follows each step of each walk');
-- Tasks are given in the order of their ids.  Were they not, the same would run all the same: only the order of sends is theirs.
SELECT is_empty($$SELECT id, step FROM step JOIN world USING (id), LATERAL (SELECT unit_next(graph, (SELECT jsonb_agg(t ORDER BY random()) FROM jsonb_array_elements(tasks) t), joins) AS again) a
  WHERE again->'joins' <> result->'joins' OR (SELECT jsonb_agg(t ORDER BY t) FROM jsonb_array_elements(again->'next') t) <> (SELECT jsonb_agg(t ORDER BY t) FROM jsonb_array_elements(result->'next') t)$$, 'walk: the order in which tasks are done does not count');
SELECT is_empty($$SELECT id, step FROM step JOIN world USING (id), LATERAL (SELECT unit_next(graph || jsonb_build_object('edges', (SELECT COALESCE(jsonb_agg(ed ORDER BY random()), '[]') FROM jsonb_array_elements(graph->'edges') ed)), tasks, joins) AS again) a
  WHERE again <> result$$, 'walk: nor the order in which edges were added');
-- A step in which nothing ran leads nowhere, and no join forgets what it waits for.
SELECT is_empty($$SELECT id, step FROM step JOIN world USING (id) WHERE unit_next(graph, '[]', result->'joins') <> jsonb_build_object('next', '[]'::jsonb, 'joins', result->'joins')$$, 'walk: nothing follows nothing, and joins wait on');
SELECT is(unit_next('{"nodes": {"a": "f", "b": "f", "c": "f"}, "joins": [{"sources": ["a", "b"], "target": "c"}]}', '[{"node": "a"}, {"node": "b", "is_diverted": true}]', NULL), '{"next": [], "joins": {"[\"c\", \"a\", \"b\"]": ["a"]}}', 'walk: a node whose gate was rejected has not run');

-- Sends: each is a task of its own, however many, and twice the same are two.
SELECT is_empty($$SELECT n FROM generate_series(0, 300, 50) n, LATERAL (SELECT COALESCE(jsonb_agg(jsonb_build_object('node', 'a', 'input', jsonb_build_object('i', i / 2)) ORDER BY i), '[]') AS sends FROM generate_series(1, n) i) s
  WHERE unit_next('{"nodes": {"a": "f"}}', jsonb_build_array(jsonb_build_object('node', 'START', 'targets', sends)), NULL)->'next' <> sends$$, 'sends: all of them, in their order');

-- Targets as said and as kept ------------------------------------------------------------------------------------------

SELECT is_empty($$SELECT targets, unit_targets(targets) FROM task WHERE targets IS NOT NULL AND unit_targets(targets) <> targets$$, 'targets: what is kept with a task is read as it was');
SELECT is(unit_targets(NULL), NULL, 'targets: none') ;
SELECT is(tried(format('unit_route(%L, %L)', '{"nodes": {"a": "f", "b": "f"}, "conditional_edges": [{"source": "START", "router": "r"' || map || '}]}', given)), want, format('route: %s%s', given, map)) FROM (VALUES
  ('"a"', '', '["a"]'), ('["a", "b"]', '', '["a", "b"]'), ('["a", "a"]', '', '["a", "a"]'), ('"END"', '', '["END"]'), ('[]', '', NULL), ('null', '', NULL), (NULL, '', NULL),
  ('{"hitl.send": {"node": "a", "input": {"x": 1}}}', '', '[{"node": "a", "input": {"x": 1}}]'), ('[{"hitl.send": {"node": "a", "input": 1}}, "b", {"hitl.send": {"node": "a", "input": 2}}]', '', '[{"node": "a", "input": 1}, "b", {"node": "a", "input": 2}]'),
  ('{"hitl.send": {"node": "a"}}', '', '["a"]'), ('{"hitl.send": {"node": "END", "input": 1}}', '', '["END"]'),
  ('"yes"', ', "map": {"yes": "a", "no": "END"}', '["a"]'), ('["no", "yes"]', ', "map": {"yes": "a", "no": "END"}', '["END", "a"]'), ('{"hitl.send": {"node": "b", "input": 1}}', ', "map": {"yes": "a"}', '[{"node": "b", "input": 1}]'),
  ('"a"', ', "map": {"yes": "a"}', '22023 the router after "START" of graph "g" leads nowhere | Its map has no "a".'), ('"c"', '', '22023 the router after "START" of graph "g" leads nowhere | There is no node "c".'), ('"A"', '', '22023 the router after "START" of graph "g" leads nowhere | There is no node "A".'),
  ('"START"', '', '22023 the router after "START" of graph "g" leads nowhere | There is no node "START".'), ('""', '', '22023 the router after "START" of graph "g" leads nowhere | There is no node "".'),
  ('5', '', '22023 the router after "START" of graph "g" leads nowhere | What it says is no name of a node.'), ('[null]', '', '22023 the router after "START" of graph "g" leads nowhere | What it says is no name of a node.'),
  ('[["a"]]', '', '22023 the router after "START" of graph "g" leads nowhere | What it says is no name of a node.'), ('{"node": "a"}', '', '22023 the router after "START" of graph "g" leads nowhere | What it says is no name of a node.'),
  ('{"hitl.send": {"input": 1}}', '', '22023 the router after "START" of graph "g" leads nowhere | What it says is no name of a node.'), ('{"hitl.send": {"node": "c", "input": 1}}', '', '22023 the router after "START" of graph "g" leads nowhere | There is no node "c".')) v (given, map, want);
SELECT is(tried(format('unit_command(%L, ''a'', %L)', '{"nodes": {"a": {"handler": "f"' || rest || '}, "b": "f", "c": "f"}}', given)), want, format('command: %s%s', given, rest)) FROM (VALUES
  ('{"x": 1}', '', '{"update": {"x": 1}, "targets": null}'), ('{}', '', '{"update": {}, "targets": null}'), (NULL, '', '{"update": null, "targets": null}'), ('{"command": {"goto": ["b"]}}', '', '{"update": {"command": {"goto": ["b"]}}, "targets": null}'),
  ('{"hitl.command": {"update": {"x": 1}, "goto": ["b"]}}', '', '{"update": {"x": 1}, "targets": ["b"]}'), ('{"hitl.command": {"update": null, "goto": ["b", "END"]}}', '', '{"update": null, "targets": ["b", "END"]}'),
  ('{"hitl.command": {"update": {"x": 1}}}', '', '{"update": {"x": 1}, "targets": null}'), ('{"hitl.command": {"goto": [{"hitl.send": {"node": "c", "input": 1}}]}}', ', "destinations": ["c"]', '{"update": null, "targets": [{"node": "c", "input": 1}]}'),
  ('{"hitl.command": {"goto": ["b"]}}', ', "destinations": ["c", "END"]', '22023 the command of node "a" of graph "g" leads nowhere | "b" is not among its destinations.'), ('{"hitl.command": {"goto": ["END"]}}', ', "destinations": ["c"]', '22023 the command of node "a" of graph "g" leads nowhere | "END" is not among its destinations.'),
  ('{"hitl.command": {"goto": ["d"]}}', '', '22023 the command of node "a" of graph "g" leads nowhere | There is no node "d".')) v (given, rest, want);

-- Faults ---------------------------------------------------------------------------------------------------------------
-- Graphs of everything, some of it wrong: names that are not there, what leads to START, joins that leave END.

CREATE TABLE f AS SELECT id, ARRAY(SELECT n FROM unnest('{a,b,c,d,e}'::text[]) n WHERE random() < (id % 6) / 5.0) AS nodes, NULL::jsonb AS graph FROM generate_series(1, 2500) id;
CREATE FUNCTION one_of(nodes text[], VARIADIC others text[]) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT CASE WHEN random() < 0.08 OR nodes = '{}' THEN others[1 + floor(random() * cardinality(others))] ELSE nodes[1 + floor(random() * cardinality(nodes))] END $$;
UPDATE f SET graph = jsonb_build_object(
  'nodes', (SELECT COALESCE(jsonb_object_agg(n, jsonb_strip_nulls(jsonb_build_object('handler', 'f',
      'gate', CASE WHEN random() < 0.15 THEN jsonb_build_object('on_reject', one_of(nodes, 'END', 'START', 'nowhere')) END,
      'destinations', CASE WHEN random() < 0.15 THEN jsonb_build_array(one_of(nodes, 'END', 'START', 'nowhere')) END))), '{}') FROM unnest(nodes) n),
  'edges', (SELECT COALESCE(jsonb_agg(jsonb_build_array(s, t)), '[]') FROM (SELECT unnest(nodes) UNION SELECT 'START' UNION SELECT 'nobody' WHERE id % 9 = 0) s (s), (SELECT unnest(nodes) UNION SELECT 'END' UNION SELECT 'nowhere' WHERE id % 9 = 0) t (t) WHERE random() < 0.12 * (1 + id % 4)),
  'joins', (SELECT COALESCE(jsonb_agg(jsonb_build_object('sources', sources, 'target', one_of(nodes, 'END', 'START', 'nowhere'))), '[]')
    FROM (SELECT to_jsonb(ARRAY(SELECT DISTINCT one_of(nodes, 'END', 'START', 'nobody') FROM generate_series(1, 3) WHERE random() < 0.4)) AS sources) j WHERE sources <> '[]' AND id % 3 = 0),
  'conditional_edges', to_jsonb(ARRAY(SELECT jsonb_strip_nulls(jsonb_build_object('source', one_of(nodes, 'START', 'START', 'nobody'), 'router', 'r',
      'map', CASE WHEN random() < 0.8 THEN jsonb_build_object('yes', one_of(nodes, 'END', 'START', 'nowhere'), 'no', one_of(nodes, 'END', 'nowhere')) END)) FROM generate_series(1, 1 + id % 2) WHERE id % 4 = 0)));

-- All that leads from one place to another, as (source, target, sentence that names it).
CREATE TABLE lead AS
  SELECT id, ed->>0 AS s, ed->>1 AS t, format('the edge from "%s" to "%s"', ed->>0, ed->>1) AS what, 'edge' AS kind FROM f, jsonb_array_elements(graph->'edges') ed
  UNION ALL SELECT id, jsonb_array_elements_text(j->'sources'), j->>'target', format('the join to "%s"', j->>'target'), 'join' FROM f, jsonb_array_elements(graph->'joins') j
  UNION ALL SELECT id, c->>'source', m.value, format('the conditional edge from "%s"', c->>'source'), 'map' FROM f, jsonb_array_elements(graph->'conditional_edges') c, jsonb_each_text(c->'map') m
  UNION ALL SELECT id, c->>'source', x, format('the conditional edge from "%s"', c->>'source'), 'any' FROM f, jsonb_array_elements(graph->'conditional_edges') c, unnest(nodes || '{END}') x WHERE NOT c ? 'map'
  UNION ALL SELECT id, n, v#>>'{gate,on_reject}', format('the gate of node "%s"', n), 'gate' FROM f, jsonb_each(graph->'nodes') x (n, v) WHERE v ? 'gate'
  UNION ALL SELECT id, n, jsonb_array_elements_text(v->'destinations'), format('node "%s"', n), 'destination' FROM f, jsonb_each(graph->'nodes') x (n, v) WHERE v ? 'destinations';
CREATE TABLE way AS SELECT DISTINCT id, s, t FROM lead JOIN f USING (id) WHERE s = ANY (nodes || '{START,END}') AND t = ANY (nodes || '{START,END}');
CREATE INDEX ON way (id, s);
CREATE TABLE reach AS WITH RECURSIVE r (id, s, t) AS (SELECT id, s, t FROM way UNION SELECT r.id, r.s, w.t FROM r JOIN way w ON w.id = r.id AND w.s = r.t) SELECT * FROM r;
CREATE INDEX ON reach (id, s, t);
ANALYZE reach;
CREATE TABLE faults_rule AS
  SELECT id, 'the graph has no node' AS fault FROM f WHERE nodes = '{}'
  UNION ALL SELECT id, 'no edge leads from START into the graph' FROM f WHERE nodes <> '{}' AND NOT EXISTS (SELECT FROM lead WHERE lead.id = f.id AND s = 'START' AND kind IN ('edge', 'map', 'any'))
  -- what is not there: each edge's source, each join's source, each source of a router, once
  UNION ALL SELECT id, format('%s names "%s", which is not there', what, s) FROM lead JOIN f USING (id) WHERE kind IN ('edge', 'join') AND s <> ALL (nodes || '{START,END}')
  UNION ALL SELECT id, format('the conditional edge from "%1$s" names "%1$s", which is not there', c->>'source') FROM f, jsonb_array_elements(graph->'conditional_edges') c WHERE c->>'source' <> ALL (nodes || '{START,END}')
  UNION ALL SELECT id, format('the join to "%s" leaves END', j->>'target') FROM f, jsonb_array_elements(graph->'joins') j WHERE j->'sources' ? 'END'
  -- where nothing is, and where nothing may lead; a join has one target
  UNION ALL SELECT id, CASE t WHEN 'START' THEN format('%s leads to START', what) ELSE format('%s names "%s", which is not there', what, t) END
    FROM (SELECT id, what, t FROM lead WHERE kind IN ('edge', 'map', 'gate', 'destination') UNION ALL SELECT id, format('the join to "%s"', j->>'target'), j->>'target' FROM f, jsonb_array_elements(graph->'joins') j) x JOIN f USING (id)
    WHERE t <> ALL (nodes || '{END}')
  UNION ALL SELECT id, format('node "%s" cannot be reached from START', n) FROM f, unnest(nodes) n WHERE NOT EXISTS (SELECT FROM reach r WHERE r.id = f.id AND s = 'START' AND t = n)
  UNION ALL SELECT id, format('END cannot be reached from node "%s"', n) FROM f, unnest(nodes) n WHERE NOT EXISTS (SELECT FROM reach r WHERE r.id = f.id AND s = n AND t = 'END');
CREATE TABLE faults AS SELECT id, fault FROM f, unnest(unit_faults(graph)) fault;
SELECT is_empty('SELECT id, fault, graph FROM (SELECT * FROM faults EXCEPT ALL SELECT * FROM faults_rule) x JOIN f USING (id)', 'frontier_faults: none too many');
SELECT is_empty('SELECT id, fault, graph FROM (SELECT * FROM faults_rule EXCEPT ALL SELECT * FROM faults) x JOIN f USING (id)', format('frontier_faults: none of %s missing', (SELECT count(*) FROM faults_rule)));
SELECT is_empty($$SELECT kind FROM unnest('{"the join to % leads to START","the conditional edge from % leads to START","the gate of node % leads to START","node % leads to START","the join to % leaves END"}'::text[]) kind
  WHERE (SELECT count(*) FROM faults WHERE fault LIKE kind) < 20$$, 'frontier_faults: nothing but edges may name START, and each kind was seen');
SELECT cmp_ok(count(*), '>', 150::bigint, format('frontier_faults: %s graphs have none', count(*))) FROM f WHERE unit_faults(graph) = '{}';
SELECT is_empty($$SELECT id FROM g WHERE ARRAY(SELECT x FROM unnest(unit_faults(graph)) x ORDER BY 1) <> ARRAY(SELECT x FROM unnest(unit_faults(of_edges(ARRAY(SELECT x FROM unnest(nodes) x ORDER BY random()), ARRAY(SELECT x FROM unnest(edges) x ORDER BY random())))) x ORDER BY 1)$$,
  'frontier_faults: the order in which the graph was written does not count');
-- A node of a reserved name, which the reader of definitions has refused already, is walked all the same.
SELECT lives_ok($$SELECT unit_faults('{"nodes": {"START": "f", "END": "f", "a": "f"}, "edges": [["START", "a"], ["a", "END"], ["END", "a"], ["a", "START"]]}')$$, 'frontier_faults: nodes that bear reserved names');
SELECT is(unit_faults(of_edges(ARRAY(SELECT 'n' || to_char(n, 'FM0000') FROM generate_series(1, 400) n), ARRAY(SELECT 'n' || to_char(n, 'FM0000') || ' n' || to_char(n + 1, 'FM0000') FROM generate_series(1, 399) n) || '{START n0001,n0400 END}'::text[])), '{}',
  'frontier_faults: a line of 400 nodes');

-- What has no faults and no cycle ends: after as many super-steps as it has nodes, at the latest, each node having run, also where joins wait.
CREATE TABLE acyclic AS SELECT id, nodes, graph FROM g WHERE id > 1000;
UPDATE acyclic SET graph = graph || jsonb_build_object('joins', (SELECT COALESCE(jsonb_agg(jsonb_build_object('sources', sources, 'target', t)), '[]')
    FROM (SELECT t, (SELECT jsonb_agg(s) FROM unnest(nodes) s WHERE s < t AND random() < 0.6) AS sources FROM unnest(nodes) t WHERE random() < 0.3) j WHERE sources IS NOT NULL)) WHERE id % 4 > 0;
CREATE FUNCTION runs_to_end(nodes text[], graph jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  result jsonb := '{"next": ["START"]}'; ran text[] := '{}'; steps int := -1;
BEGIN
  WHILE result->'next' <> '[]' LOOP
    ran := ran || ARRAY(SELECT jsonb_array_elements_text(result->'next'));
    steps := steps + 1;
    IF steps > cardinality(nodes) THEN RETURN false; END IF;
    result := unit_next(graph, (SELECT jsonb_agg(jsonb_build_object('node', n)) FROM jsonb_array_elements_text(result->'next') n), result->'joins');
  END LOOP;
  RETURN ran @> nodes;
END $$;
SELECT ok((SELECT count(*) FROM acyclic WHERE unit_faults(graph) = '{}' AND graph->'joins' <> '[]') > 70, 'walk: graphs without cycles or faults, with joins');
SELECT is_empty($$SELECT id, nodes, graph FROM acyclic WHERE unit_faults(graph) = '{}' AND NOT runs_to_end(nodes, graph)$$, 'walk: a graph without faults or cycles runs every node and ends');

SELECT * FROM finish();
ROLLBACK;
