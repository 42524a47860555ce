-- The pure logic, against what is said of it here in other words: tables for what is a table, and for the rest an
-- independent rule in SQL, or a property, over thousands of generated cases.  A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_words() RETURNS text[] LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_thread_may_move(text, text) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_task_may_move(text, text) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_interrupt_may_move(text, text) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_thread_has_ended(text) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_step_is_complete(ready int, done int, interrupted int, failed int) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_thread_status(ready int, done int, interrupted int, failed int) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_error_verdict(text) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_retry_delay_ms(int) RETURNS bigint LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_find_node(nodes text[], edges text[], name text) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_next(nodes text[], edges text[], done text[]) RETURNS text[] LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_faults(nodes text[], edges text[]) RETURNS text[] LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_reduce(tasks jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_answer(decision jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_decision(payload jsonb, decision jsonb, by text, at timestamptz) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_question(payload jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_difference(payload_a jsonb, key_a text, payload_b jsonb, key_b text) RETURNS text LANGUAGE c AS 'hitl_test';
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

SELECT is(unit_words(), ARRAY['thread running', 'thread interrupted', 'thread done', 'thread failed', 'thread cancelled', 'task ready', 'task done', 'task interrupted', 'task failed', 'task cancelled',
  'interrupt pending', 'interrupt decided', 'interrupt cancelled', 'interrupt superseded', 'decision approve', 'decision edit', 'decision reject', 'decision respond', 'all: approve, edit, reject, respond'],
  'words: 18, each there and back');

-- Lifecycle: the tables of lifecycle.h --------------------------------------------------------------------------------

SELECT is_empty($$
  WITH legal (from_, to_) AS (SELECT f, unnest(string_to_array(t, ' ')) FROM (VALUES ('running', 'running interrupted done failed cancelled'), ('interrupted', 'running interrupted done failed cancelled'),
    ('failed', 'failed running interrupted done cancelled')) v (f, t)),
  words AS (SELECT unnest('{running,interrupted,done,failed,cancelled}'::text[]) w)
  SELECT a.w, b.w FROM words a, words b WHERE unit_thread_may_move(a.w, b.w) IS DISTINCT FROM ((a.w, b.w) IN (SELECT * FROM legal))$$, 'lifecycle: 25 moves of a thread');
SELECT is_empty($$
  WITH legal (from_, to_) AS (SELECT f, unnest(string_to_array(t, ' ')) FROM (VALUES ('ready', 'done interrupted failed cancelled ready'), ('interrupted', 'done interrupted failed cancelled ready'), ('failed', 'ready cancelled')) v (f, t)),
  words AS (SELECT unnest('{ready,done,interrupted,failed,cancelled}'::text[]) w)
  SELECT a.w, b.w FROM words a, words b WHERE unit_task_may_move(a.w, b.w) IS DISTINCT FROM ((a.w, b.w) IN (SELECT * FROM legal))$$, 'lifecycle: 25 moves of a task');
SELECT is_empty($$
  WITH legal (from_, to_) AS (SELECT f, unnest(string_to_array(t, ' ')) FROM (VALUES ('pending', 'decided cancelled superseded'), ('decided', 'superseded')) v (f, t)),
  words AS (SELECT unnest('{pending,decided,cancelled,superseded}'::text[]) w)
  SELECT a.w, b.w FROM words a, words b WHERE unit_interrupt_may_move(a.w, b.w) IS DISTINCT FROM ((a.w, b.w) IN (SELECT * FROM legal))$$, 'lifecycle: 16 moves of an interrupt');
SELECT is_empty($$SELECT w FROM unnest('{running,interrupted,done,failed,cancelled}'::text[]) w WHERE unit_thread_has_ended(w) <> (w IN ('done', 'cancelled'))$$, 'lifecycle: two ends of a thread');
-- What has ended moves nowhere.
SELECT is_empty($$SELECT w FROM unnest('{running,interrupted,done,failed,cancelled}'::text[]) w, unnest('{running,interrupted,done,failed,cancelled}'::text[]) v WHERE unit_thread_has_ended(w) AND unit_thread_may_move(w, v)$$,
  'lifecycle: an end is an end');
SELECT is_empty($$
  SELECT r, d, i, f FROM generate_series(0, 4) r, generate_series(0, 4) d, generate_series(0, 4) i, generate_series(0, 4) f
  WHERE unit_step_is_complete(r, d, i, f) <> (r + i + f = 0)
     OR unit_thread_status(r, d, i, f) <> CASE WHEN r > 0 THEN 'running' WHEN f > 0 THEN 'failed' WHEN i > 0 THEN 'interrupted' ELSE 'running' END$$, 'lifecycle: the state of a thread, of 625 sets of tasks');
-- Monotone: more that is done, or one task less that is ready, never makes a complete step incomplete.
SELECT is_empty($$SELECT r, d, i, f FROM generate_series(1, 4) r, generate_series(0, 4) d, generate_series(0, 4) i, generate_series(0, 4) f
  WHERE unit_step_is_complete(r, d, i, f) AND NOT unit_step_is_complete(r - 1, d + 1, i, f)$$, 'lifecycle: a step is completed once');
SELECT is_empty($$
  SELECT code, unit_error_verdict(code), want FROM (VALUES ('40001', 'retry'), ('40P01', 'retry'), ('55P03', 'retry'), ('53000', 'put back'), ('53100', 'put back'), ('53200', 'put back'), ('53300', 'put back'), ('53400', 'put back'),
    ('57P01', 'put back'), ('57P02', 'put back'), ('57P03', 'put back'), ('57P04', 'put back'), ('57P05', 'put back'), ('58000', 'put back'), ('58030', 'put back'), ('58P01', 'put back'), ('58P02', 'put back'),
    ('57014', 'fail'), ('57000', 'fail'), ('40000', 'fail'), ('40002', 'fail'), ('40003', 'fail'), ('55006', 'fail'), ('55000', 'fail'), ('P0001', 'fail'), ('P0004', 'fail'), ('22012', 'fail'), ('23505', 'fail'), ('42501', 'fail'),
    ('XX000', 'fail'), ('XX001', 'fail'), ('IH001', 'fail'), ('IH007', 'fail'), ('38000', 'fail'), ('00000', 'fail')) v (code, want) WHERE unit_error_verdict(code) <> want$$, 'lifecycle: what 35 errors of a node mean');
-- Every code of the classes 53, 57P, 58, and of none else but the three.
SELECT is_empty($$
  WITH digits AS (SELECT unnest(string_to_array('0 1 2 3 4 5 6 7 8 9 P A Z', ' ')) d), codes AS (SELECT class || a.d || b.d || c.d AS code FROM unnest('{40,53,55,57,58,XX}'::text[]) class, digits a, digits b, digits c)
  SELECT code FROM codes WHERE unit_error_verdict(code) <> CASE WHEN code IN ('40001', '40P01', '55P03') THEN 'retry' WHEN code ~ '^(53|58)' OR code ~ '^57P0[1-5]' THEN 'put back' ELSE 'fail' END$$,
  'lifecycle: 13182 codes by their class');
SELECT is(array_agg(unit_retry_delay_ms(n) ORDER BY n), '{100,100,200,400,800,1600,3200,6400,12800,25600,51200,60000,60000}', 'lifecycle: delays double, up to a minute') FROM generate_series(-1, 11) n;
SELECT is(unit_retry_delay_ms(2147483647), 60000::bigint, 'lifecycle: and stay there');

-- Frontier: generated graphs --------------------------------------------------------------------------------------------
-- Nodes a to f, some of them there; edges among them, from START, to END, and to and from what is not there.

CREATE TABLE g AS SELECT id, ARRAY(SELECT n FROM unnest('{a,b,c,d,e,f}'::text[]) n WHERE random() < (id % 7) / 6.0 ORDER BY random()) AS nodes, '{}'::text[] AS edges FROM generate_series(1, 4000) id;
UPDATE g SET edges = ARRAY(SELECT s || ' ' || t FROM (SELECT unnest(nodes) UNION SELECT 'START' UNION SELECT 'nobody' WHERE id % 5 = 0) s (s), (SELECT unnest(nodes) UNION SELECT 'END' UNION SELECT 'nowhere' WHERE id % 5 = 0) t (t)
  WHERE random() < CASE id % 4 WHEN 0 THEN 0.1 WHEN 1 THEN 0.2 WHEN 2 THEN 0.3 ELSE 0.5 END / CASE WHEN 'nobody' = s OR 'nowhere' = t THEN 4 ELSE 1 END ORDER BY random());
-- Of these, as many again that have no cycle: edges go forward in the alphabet only.
INSERT INTO g SELECT id + 4000, nodes, ARRAY(SELECT s || ' ' || t FROM (SELECT unnest(nodes) UNION SELECT 'START') s (s), (SELECT unnest(nodes) UNION SELECT 'END') t (t)
  WHERE (s = 'START' OR t = 'END' OR s < t) AND random() < CASE id % 3 WHEN 0 THEN 0.3 WHEN 1 THEN 0.6 ELSE 0.9 END ORDER BY random()) FROM g;
CREATE TABLE e AS SELECT id, split_part(edge, ' ', 1) AS s, split_part(edge, ' ', 2) AS t FROM g, unnest(edges) edge;
CREATE INDEX ON e (id, s);
ANALYZE e;
SELECT cmp_ok(count(*), '>=', 8000::bigint, format('frontier: %s graphs, %s edges', count(*), (SELECT count(*) FROM e))) FROM g;

-- The rule: the nodes that an edge from one of the done leads to, each once, sorted.
CREATE FUNCTION next_rule(graph bigint, done text[]) RETURNS text[] LANGUAGE sql AS $$
  SELECT ARRAY(SELECT DISTINCT t COLLATE "C" FROM e JOIN g USING (id) WHERE id = graph AND s = ANY (done) AND t = ANY (nodes) ORDER BY 1) $$;
SELECT is_empty($$SELECT id, nodes, edges FROM g WHERE unit_next(nodes, edges, '{START}') <> next_rule(id, '{START}')$$, 'frontier_next: the first super-step of 8000 graphs');
CREATE TABLE d AS SELECT id, nodes, edges, ARRAY(SELECT n FROM unnest(nodes) n WHERE random() < 0.5 ORDER BY random()) AS done FROM g;
SELECT is_empty($$SELECT id, nodes, edges, done FROM d WHERE unit_next(nodes, edges, done) <> next_rule(id, done)$$, 'frontier_next: after 8000 sets of nodes');
SELECT is_empty($$SELECT id FROM d WHERE unit_next(nodes, edges, done) <> unit_next(nodes, edges, ARRAY(SELECT x FROM unnest(done) x ORDER BY x DESC))
  OR unit_next(nodes, edges, done) <> unit_next(nodes, edges, done || done)$$, 'frontier_next: neither order nor repetition counts');
SELECT is_empty($$SELECT id FROM d WHERE unit_next(nodes, edges, done) <> unit_next(ARRAY(SELECT x FROM unnest(nodes) x ORDER BY random()), ARRAY(SELECT x FROM unnest(edges) x ORDER BY random()), done)$$,
  'frontier_next: nor does the order in which the graph was written');
-- Additive: what follows a set is what follows its members.
SELECT is_empty($$SELECT id FROM d WHERE unit_next(nodes, edges, done) <> ARRAY(SELECT DISTINCT x COLLATE "C" FROM unnest(done) n, unnest(unit_next(nodes, edges, ARRAY[n])) x ORDER BY 1)$$, 'frontier_next: of a set is the union of its members''');
SELECT is_empty($$SELECT id FROM d WHERE 'END' = ANY (unit_next(nodes, edges, done)) OR NOT unit_next(nodes, edges, done) <@ nodes$$, 'frontier_next: nodes of the graph only, never END');
SELECT is(unit_next('{a}', '{"START a"}', '{}'), '{}', 'frontier_next: nothing follows nothing');
SELECT is(unit_next('{a,B,ä,aa}', '{"START a","START B","START ä","START aa"}', '{START}'), '{B,a,aa,ä}', 'frontier_next: in the order of bytes');
SELECT is_empty($$SELECT id FROM g, unnest(nodes || '{END,START,nobody,""}') n WHERE unit_find_node(nodes, edges, n) IS DISTINCT FROM CASE WHEN n = ANY (nodes) THEN n END$$, 'frontier_find_node: finds what is there, and only that');

-- The rule for faults, by transitive closure.
CREATE TABLE reach AS
  WITH RECURSIVE r (id, s, t) AS (SELECT id, s, t FROM e JOIN g USING (id) WHERE t = ANY (nodes || '{END}') AND s = ANY (nodes || '{START}')
    UNION SELECT r.id, r.s, e.t FROM r JOIN e ON e.id = r.id AND e.s = r.t JOIN g ON g.id = r.id WHERE e.t = ANY (nodes || '{END}')) SELECT * FROM r;
CREATE INDEX ON reach (id, s, t);
ANALYZE reach;
CREATE TABLE faults_rule AS
  SELECT id, 'the graph has no node' AS fault FROM g WHERE nodes = '{}'
  UNION ALL SELECT id, 'no edge leads from START into the graph' FROM g WHERE nodes <> '{}' AND NOT EXISTS (SELECT FROM e WHERE e.id = g.id AND s = 'START')
  UNION ALL SELECT id, format('the edge from "%1$s" to "%2$s" names "%1$s", which is not there', s, t) FROM e JOIN g USING (id) WHERE s <> 'START' AND s <> ALL (nodes)
  UNION ALL SELECT id, format('the edge from "%1$s" to "%2$s" names "%2$s", which is not there', s, t) FROM e JOIN g USING (id) WHERE t <> 'END' AND t <> ALL (nodes)
  UNION ALL SELECT id, format('node "%s" cannot be reached from START', n) FROM g, unnest(nodes) n WHERE NOT EXISTS (SELECT FROM reach r WHERE r.id = g.id AND s = 'START' AND t = n)
  UNION ALL SELECT id, format('END cannot be reached from node "%s"', n) FROM g, unnest(nodes) n WHERE NOT EXISTS (SELECT FROM reach r WHERE r.id = g.id AND s = n AND t = 'END');
CREATE TABLE faults AS SELECT id, fault FROM g, unnest(unit_faults(nodes, edges)) fault;
SELECT is_empty('SELECT * FROM faults EXCEPT ALL SELECT * FROM faults_rule', 'frontier_faults: none too many') ;
SELECT is_empty('SELECT * FROM faults_rule EXCEPT ALL SELECT * FROM faults', format('frontier_faults: none of %s missing', (SELECT count(*) FROM faults_rule)));
SELECT cmp_ok(count(*), '>', 500::bigint, format('frontier_faults: %s graphs have none', count(*))) FROM g WHERE unit_faults(nodes, edges) = '{}';
SELECT is_empty($$SELECT id FROM g WHERE unit_faults(nodes, edges) <> unit_faults(ARRAY(SELECT x FROM unnest(nodes) x ORDER BY random()), ARRAY(SELECT x FROM unnest(edges) x ORDER BY random()))$$,
  'frontier_faults: the order in which the graph was written does not count');
-- What has no faults and no cycle ends: after as many super-steps as it has nodes, at the latest, each node having run.
CREATE FUNCTION runs_to_end(nodes text[], edges text[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  here text[] := '{START}'; ran text[] := '{}'; steps int := 0;
BEGIN
  LOOP
    here := unit_next(nodes, edges, here);
    EXIT WHEN here = '{}';
    ran := ran || here;
    steps := steps + 1;
    IF steps > cardinality(nodes) THEN RETURN false; END IF;
  END LOOP;
  RETURN ran @> nodes;
END $$;
SELECT is_empty($$SELECT id, nodes, edges FROM g WHERE id > 4000 AND unit_faults(nodes, edges) = '{}' AND NOT runs_to_end(nodes, edges)$$, 'frontier: a graph without faults or cycles runs every node and ends');
SELECT is(unit_faults(ARRAY(SELECT 'n' || to_char(n, 'FM0000') FROM generate_series(1, 400) n), ARRAY(SELECT 'n' || to_char(n, 'FM0000') || ' n' || to_char(n + 1, 'FM0000') FROM generate_series(1, 399) n) || '{START n0001,n0400 END}'::text[]), '{}',
  'frontier_faults: a line of 400 nodes');

-- Reducer ------------------------------------------------------------------------------------------------------------

CREATE TABLE r AS SELECT id, (SELECT jsonb_agg(CASE WHEN random() < 0.2 THEN jsonb_build_object('node', n) ELSE jsonb_build_object('node', n, 'update',
    (SELECT COALESCE(jsonb_object_agg(c, CASE (random() * 4)::int WHEN 0 THEN 'null' WHEN 1 THEN '{"deep": {"er": 1}}' WHEN 2 THEN '[1, [2]]' ELSE to_jsonb(n || c) END), '{}') FROM unnest('{p,q,r,s,t,u}'::text[]) c WHERE random() < 0.08 * (1 + id % 3))) END)
  FROM unnest('{a,b,c,d,e}'::text[]) n WHERE random() < 0.8) AS tasks FROM generate_series(1, 3000) id;
UPDATE r SET tasks = '[]' WHERE tasks IS NULL;
CREATE TABLE w AS SELECT id, k AS channel, count(*) AS writers FROM r, jsonb_array_elements(tasks) t, jsonb_object_keys(COALESCE(t->'update', '{}')) k GROUP BY id, k;
CREATE TABLE reduced AS SELECT id, tasks, EXISTS (SELECT FROM w WHERE w.id = r.id AND writers > 1) AS conflicts, tried(format('unit_reduce(%L)', tasks)) AS result FROM r;
SELECT ok(count(*) FILTER (WHERE conflicts) > 300 AND count(*) FILTER (WHERE NOT conflicts) > 300, format('reducer: %s steps, %s with two writers of one channel', count(*), count(*) FILTER (WHERE conflicts))) FROM reduced;
SELECT is_empty($$SELECT id, tasks, result FROM reduced WHERE conflicts <> (result LIKE '21000 two nodes wrote one channel in the same super-step | Nodes "_" and "_" both wrote channel "_", which has no reducer.')$$, 'reducer: two writers are an error, and nothing else is');
SELECT is_empty($$SELECT id, tasks, result FROM reduced WHERE NOT conflicts AND result::jsonb <> (SELECT COALESCE(jsonb_object_agg(k, v), '{}') FROM jsonb_array_elements(tasks) t, jsonb_each(COALESCE(t->'update', '{}')) u (k, v))$$,
  'reducer: the union of the updates, values as they are');
-- The error names a channel that has two writers, and two that write it.
SELECT is_empty($$SELECT id, tasks, result FROM (SELECT *, regexp_match(result, 'Nodes "(.)" and "(.)" both wrote channel "(.)"') AS m FROM reduced WHERE conflicts) c
  WHERE m[1] >= m[2] OR 2 <> (SELECT count(*) FROM jsonb_array_elements(tasks) t WHERE t->>'node' IN (m[1], m[2]) AND t->'update' ? m[3])$$, 'reducer: the error names two who wrote it');
SELECT is_empty($$SELECT id, tasks FROM reduced, LATERAL (SELECT tried(format('unit_reduce(%L)', COALESCE((SELECT jsonb_agg(t ORDER BY random() + id) FROM jsonb_array_elements(tasks) t), '[]'))) AS again) a
  WHERE CASE WHEN conflicts THEN left(again, 5) <> left(result, 5) ELSE again::jsonb <> result::jsonb END$$, 'reducer: the order of the tasks does not count');
SELECT is(tried($$unit_reduce('[{"node": "a", "update": {"x": 1}}, {"node": "b", "update": {"x": 1}}]')$$), '21000 two nodes wrote one channel in the same super-step | Nodes "a" and "b" both wrote channel "x", which has no reducer.', 'reducer: equal values are two writers all the same');
SELECT is(tried($$unit_reduce('[{"node": "b", "update": {"x": null}}, {"node": "a", "update": {"x": null}}]')$$), '21000 two nodes wrote one channel in the same super-step | Nodes "a" and "b" both wrote channel "x", which has no reducer.', 'reducer: so are two nulls');

-- Answers ------------------------------------------------------------------------------------------------------------

SELECT is_empty($$SELECT given, unit_answer(given) FROM jsonb_array_elements('[{"type": "approve"}, {"type": "edit", "edits": {}}, {"type": "edit", "edits": {"a": {"b": null}}}, {"type": "reject", "reason": "no"}, {"type": "reject", "reason": ""},
  {"type": "reject", "reason": null}, {"type": "respond", "response": null}, {"type": "respond", "response": {"type": "approve"}}, {"type": "respond", "response": "x"}, {"type": "respond", "response": [1]}]') given WHERE unit_answer(given) <> given$$,
  'answer: ten that are well formed');
SELECT is(unit_answer('{"type": "reject"}'), '{"type": "reject", "reason": null}', 'answer: a rejection needs no reason');
SELECT is(split_part(tried(format('unit_answer(%L)', given)), ' | ', 2), want, 'answer: refused: ' || given) FROM (VALUES
  ('[]', 'It is an array, not an object.'), ('"approve"', 'It is a string, not an object.'), ('true', 'It is a boolean, not an object.'), ('{}', 'It has no "type", or its type is not a string.'), ('{"type": {}}', 'It has no "type", or its type is not a string.'),
  ('{"type": ""}', 'Its type is none of approve, edit, reject, respond.'), ('{"type": "APPROVE"}', 'Its type is none of approve, edit, reject, respond.'), ('{"type": "approve\u00e9"}', 'Its type is none of approve, edit, reject, respond.'),
  ('{"type": "approve", "edit": {}}', 'A decision of type "approve" has no key "edit".'), ('{"type": "reject", "edits": {}}', 'A decision of type "reject" has no key "edits".'), ('{"type": "respond", "response": 1, "reason": "x"}', 'A decision of type "respond" has no key "reason".'),
  ('{"type": "edit", "edits": "x"}', 'They are a string.'), ('{"type": "reject", "reason": ["x"]}', 'Its "reason" is not a string.'), ('{"type": "respond"}', 'A decision of type "respond" needs a "response".')) v (given, want);

-- What is handed to the node: the answer, the final args (SQL's || is the rule of an edit), by whom and when, in UTC whatever the session's settings are.
CREATE TABLE a AS SELECT payload, answer FROM jsonb_array_elements('[null, 5, "text", [], {}, {"args": {}}, {"args": {"x": 1, "y": {"z": 1}}, "action": "a"}, {"args": [1]}, {"args": null}, {"args": "x"}]') payload,
  jsonb_array_elements('[{"type": "approve"}, {"type": "edit", "edits": {}}, {"type": "edit", "edits": {"y": 2, "n": null}}, {"type": "reject", "reason": "no"}, {"type": "respond", "response": {"x": 1}}]') answer;
SELECT is_empty($$SELECT payload, answer FROM a WHERE NOT (answer->>'type' = 'edit' AND jsonb_typeof(payload->'args') IS DISTINCT FROM 'object') AND unit_decision(payload, answer, 'mia', '2026-11-23 12:00:00.5+02')
  IS DISTINCT FROM answer || jsonb_build_object('by', 'mia', 'at', '2026-11-23T10:00:00.500000Z', 'args', CASE WHEN answer->>'type' = 'edit' THEN (payload->'args') || (answer->'edits') ELSE COALESCE(payload->'args', 'null') END)$$,
  'decision: 50 answers to as many questions');
SELECT is_empty($$SELECT payload, answer, t FROM a, LATERAL tried(format('unit_decision(%L, %L, ''mia'', now())', payload, answer)) t WHERE answer->>'type' = 'edit' AND jsonb_typeof(payload->'args') IS DISTINCT FROM 'object'
  AND t NOT LIKE 'IH004 interrupt 42 does not take a decision of type "edit" | It takes: approve, reject, respond.'$$, 'decision: where there is no object there is nothing to edit');
SELECT is(split_part(tried($$unit_decision('{"args": [1], "allowed": ["edit", "reject"]}', '{"type": "edit", "edits": {}}', 'mia', now())$$), ' | ', 1), 'IH004 interrupt 42 cannot be edited', 'decision: nor where edit is allowed by name');
SELECT is_empty($$SELECT types, t FROM (SELECT jsonb_agg(t) AS types FROM (VALUES (1, 'approve'), (2, 'edit'), (4, 'reject'), (8, 'respond')) v (bit, t), generate_series(1, 15) set WHERE set & bit > 0 GROUP BY set) s,
  (VALUES ('{"type": "approve"}'), ('{"type": "edit", "edits": {}}'), ('{"type": "reject"}'), ('{"type": "respond", "response": 1}')) d (t)
  WHERE (tried(format('unit_decision(%L, %L, ''mia'', now())', jsonb_build_object('args', '{}'::jsonb, 'allowed', types), t)) LIKE 'IH004%') = (types ? (t::jsonb->>'type'))$$, 'decision: 15 sets of what is allowed, 4 answers each');
SET LOCAL timezone = 'Asia/Kathmandu';
SET LOCAL datestyle = 'German';
SELECT is(unit_decision(NULL, '{"type": "approve"}', 'mia', '1999-12-31 23:59:59.999999+00'::timestamptz)->>'at', '1999-12-31T23:59:59.999999Z', 'decision: its time does not depend on settings');
RESET timezone;
RESET datestyle;
SELECT is(unit_decision('{"by": "x", "at": "y", "type": "z", "args": {"by": "a", "type": "b"}}', '{"type": "respond", "response": {"by": "c"}}', 'mia', '2026-01-01 00:00+00'),
  '{"by": "mia", "at": "2026-01-01T00:00:00.000000Z", "args": {"by": "a", "type": "b"}, "type": "respond", "response": {"by": "c"}}', 'decision: neither question nor answer says who decided');

-- Questions ----------------------------------------------------------------------------------------------------------

SELECT is(unit_question(given), want, 'question: ' || COALESCE(given::text, 'NULL')) FROM (VALUES
  (NULL::jsonb, '{"action": null, "args": null, "description": null, "allowed": "approve, reject, respond"}'::jsonb), ('5', '{"action": null, "args": null, "description": null, "allowed": "approve, reject, respond"}'),
  ('{"action": "a", "args": {"x": 1}, "description": "d", "more": 1}', '{"action": "a", "args": {"x": 1}, "description": "d", "allowed": "approve, edit, reject, respond"}'),
  ('{"action": null, "args": null, "description": ["d"]}', '{"action": null, "args": null, "description": null, "allowed": "approve, reject, respond"}'),
  ('{"args": [1], "allowed": ["respond", "approve"]}', '{"action": null, "args": [1], "description": null, "allowed": "approve, respond"}'), ('{"allowed": null}', '{"action": null, "args": null, "description": null, "allowed": "approve, reject, respond"}')) v (given, want);
SELECT is(left(tried(format('unit_question(%L)', given)), 5), '22023', 'question: refused: ' || given) FROM unnest(ARRAY['{"allowed": []}', '{"allowed": {}}', '{"allowed": "approve"}', '{"allowed": ["agree"]}', '{"allowed": ["approve", null]}', '{"allowed": 5}', '{"action": 1}', '{"action": ["a"]}', '{"allowed": ["edit"]}', '{"args": [1], "allowed": ["edit"]}']) given;

-- Content.  Of every pair of these payloads: the same content by the rule, or a difference with a name.
CREATE TABLE q AS SELECT n, NULLIF(p, '"SQL NULL"') AS p FROM jsonb_array_elements('["SQL NULL", null, 5, 5.0, "text", "other", [], [1], {}, {"description": "d"}, {"description": "e", "context": 1, "allowed": ["approve"]}, {"ask": "x"}, {"ask": "x", "description": "d"}, {"ask": "y"},
  {"action": "a"}, {"action": "a", "description": "d"}, {"action": "a", "more": 1}, {"action": "b"}, {"action": "a", "args": {}}, {"action": "a", "args": null}, {"action": "a", "args": {"x": 1}}, {"action": "a", "args": {"x": 1.00}, "description": "now"},
  {"action": "a", "args": {"x": 2}}, {"action": "a", "args": {"x": "1"}}, {"action": "a", "args": {"x": null}}, {"action": "a", "args": {"y": 1}}, {"action": "a", "args": [1]}, {"args": {"x": 1}}, {"args": {"x": 1}, "ask": "z"}, {"args": {"x": {"y": {"z": 1}}}}, {"args": {"x": {"y": {"z": 2}}}}]')
  WITH ORDINALITY v (p, n);
CREATE FUNCTION content_rule(p jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT CASE WHEN jsonb_typeof(p) = 'object' AND (jsonb_typeof(p->'action') = 'string' OR p->'args' <> 'null') THEN jsonb_build_object('action', p->'action', 'args', COALESCE(p->'args', 'null'))
              WHEN jsonb_typeof(p) = 'object' THEN jsonb_build_object('all', p - '{description,context,allowed}'::text[]) ELSE jsonb_build_object('all', COALESCE(p, '"SQL NULL"')) END $$;
SELECT is_empty($$SELECT a.p, b.p, unit_difference(a.p, 'k', b.p, 'k') FROM q a, q b WHERE (unit_difference(a.p, 'k', b.p, 'k') IS NULL) <> (content_rule(a.p) = content_rule(b.p))$$, format('difference: %s pairs of payloads', (SELECT count(*) * count(*) FROM q)));
SELECT is_empty($$SELECT a.p, b.p FROM q a, q b WHERE unit_difference(a.p, 'k', b.p, 'l') IS DISTINCT FROM 'key'$$, 'difference: another key is another question');
SELECT is_empty($$SELECT a.p, b.p FROM q a, q b WHERE (unit_difference(a.p, 'k', b.p, 'k') IS NULL) <> (unit_difference(b.p, 'k', a.p, 'k') IS NULL)$$, 'difference: is mutual');
SELECT is(unit_difference(a, 'k', b, 'k'), want, 'difference: at ' || want) FROM (VALUES ('{"action": "a"}'::jsonb, '{"action": "b"}'::jsonb, 'action'), ('{"action": "a"}', '{"args": {}}', 'action'), ('{"args": {"x": {"y": 1}}}', '{"args": {"x": {"y": 2}}}', 'args.x.y'),
  ('{"args": {"x": {"y": 1}}}', '{"args": {"x": {}}}', 'args.x.y'), ('{"args": {"x": [1]}}', '{"args": {"x": [2]}}', 'args.x'), ('{"args": {"x": 1}}', '{"args": [1]}', 'args'), ('{"ask": 1}', '{"ask": 2}', 'payload.ask'), ('1', '2', 'payload'), ('1', NULL, 'payload')) v (a, b, want);

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
SELECT is(left(tried($$unit_json_object('x', 1, 'infinity', NULL)$$), 5), 'XX000', 'json_add_time: no infinite time');
-- A year before Christ is not written as one after.
SELECT isnt(tried($$unit_json_object('x', 1, '0044-03-15 00:00+00 BC', NULL)$$)::jsonb->>'time', tried($$unit_json_object('x', 1, '0044-03-15 00:00+00', NULL)$$)::jsonb->>'time', 'json_add_time: nor two times alike');

SELECT * FROM finish();
ROLLBACK;
