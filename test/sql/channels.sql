-- Channels: how the keys of a state take what the nodes of a super-step write.
-- Proves: each reducer, an author's function and aggregate too, initial values, the input going through the same reducers; the same state in an executor
-- and inline, whatever order the nodes end in; two writers without a reducer, and values that a reducer cannot take, fail the thread by name; an author's reducer never runs in another role's session.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
CREATE SCHEMA channels;
SET search_path = channels;

-- 1. Two nodes side by side write every channel.
CREATE FUNCTION a(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT '{"log": "a", "profile": {"name": "mia", "address": {"city": "Graz"}}, "total": 1, "low": 3, "high": 9, "tags": ["red", "blue"],
           "chat": [{"id": "m1", "text": "hello"}], "longest": "aa"}'::jsonb $$;
CREATE FUNCTION b(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT '{"log": ["b1", "b2"], "profile": {"address": {"zip": "8010"}}, "total": 2.5, "low": 4, "high": 10, "tags": ["blue", "green", 1, "red"],
           "chat": [{"id": "m1", "text": "hello again"}, {"id": "m2", "text": "bye"}], "longest": "b"}'::jsonb $$;
CREATE FUNCTION longer(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT CASE WHEN current IS NULL OR length(update #>> '{}') > length(current #>> '{}') THEN update ELSE current END $$;

SELECT hitl.create_graph('all') > 0 AS created;
SELECT hitl.add_channel('all', 'log', 'append', '["first"]');
SELECT hitl.add_channel('all', 'profile', 'merge');
SELECT hitl.add_channel('all', 'total', 'add', '10');
SELECT hitl.add_channel('all', 'low', 'min');
SELECT hitl.add_channel('all', 'high', 'max');
SELECT hitl.add_channel('all', 'tags', 'union', '["red"]');
SELECT hitl.add_channel('all', 'chat', 'messages');
SELECT hitl.add_channel('all', 'longest', 'longer');
SELECT hitl.add_node('all', 'a', 'a'), hitl.add_node('all', 'b', 'b(jsonb)');
SELECT hitl.add_edge('all', 'START', 'a'), hitl.add_edge('all', 'START', 'b'), hitl.add_edge('all', 'a', 'END'), hitl.add_edge('all', 'b', 'END');
SELECT hitl.compile('all');

SELECT hitl.start('all', '{"total": 100, "log": "input", "note": "not declared"}') AS t \gset
SELECT hitl.wait(:t);
SELECT key, value FROM jsonb_each(hitl.get_state(:t)) ORDER BY key;

-- Here and now: the same.
SELECT d->>'status' AS status, d->'state' = hitl.get_state(:t) AS is_same
FROM hitl.invoke('all', '{"total": 100, "log": "input", "note": "not declared"}') d;

-- 1b. A reducer may be an aggregate: over what the channel has, if that is not null, and then the updates, in the order of the tasks (here: 1 to 7).
CREATE FUNCTION span_next(seen jsonb, value jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('first', coalesce(seen->'first', value), 'last', value, 'n', coalesce((seen->>'n')::int, 0) + 1) $$;
CREATE FUNCTION span_end(seen jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT seen || '{"is_final": true}' $$;
CREATE AGGREGATE span(jsonb) (SFUNC = span_next, STYPE = jsonb, FINALFUNC = span_end);
CREATE AGGREGATE strung(jsonb) (SFUNC = jsonb_concat, STYPE = jsonb, INITCOND = '[]');
CREATE FUNCTION nothing_next(seen jsonb, value jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT NULL::jsonb $$;
CREATE AGGREGATE nothing(jsonb) (SFUNC = nothing_next, STYPE = jsonb);
CREATE FUNCTION seven(state jsonb) RETURNS jsonb[] LANGUAGE sql AS $$ SELECT array_agg(hitl.send('n', to_jsonb(i)) ORDER BY i) FROM generate_series(1, 7) i $$;
SELECT hitl.define('{"graph": "aggregate", "channels": {"span": "span(jsonb)", "strung": {"reducer": "strung", "initial": ["initial"]}, "unset": {"reducer": "strung", "initial": null},
  "nothing": "nothing"}, "nodes": {"n": {"sql": "SELECT jsonb_build_object(''span'', $1, ''strung'', $1, ''unset'', $1, ''nothing'', $1)"}},
  "conditional_edges": [{"source": "START", "router": "seven"}], "edges": [["n", "END"]]}');
SELECT d->>'status' AS status, c.key, c.value FROM hitl.invoke('aggregate') d, jsonb_each(d->'state') c ORDER BY c.key;
SELECT hitl.start('aggregate', '{"span": "input", "strung": "input"}') AS t \gset
SELECT hitl.wait(:t);
SELECT key, value FROM jsonb_each(hitl.get_state(:t)) ORDER BY key;

-- Of one name, the function of two is meant before the aggregate; who means the other says so.
CREATE FUNCTION strung(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"the function"'::jsonb $$;
SELECT hitl.define('{"graph": "two of a name", "channels": {"a": "strung", "b": "strung(jsonb)"}, "nodes": {"n": {"sql": "SELECT ''{\"a\": 1, \"b\": 1}''::jsonb"}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.invoke('two of a name')->'state' AS state;

-- 2. One step after the other: overwrite is the default and may be said. SQL's NULL is no update; JSON's null is one for overwrite, and nothing for the lists.
SELECT hitl.define('{"graph": "steps", "channels": {"said": "overwrite", "list": "append", "set": "union"},
  "nodes": {"one": {"sql": "SELECT ''{\"said\": 1, \"unsaid\": 1, \"list\": 1, \"set\": 1}''::jsonb"},
            "two": {"sql": "SELECT NULL::jsonb"},
            "three": {"sql": "SELECT ''{\"said\": null, \"unsaid\": {\"two\": 2}, \"list\": null, \"set\": null}''::jsonb"}},
  "edges": [["START", "one"], ["one", "two"], ["two", "three"], ["three", "END"]]}');
SELECT hitl.start('steps', '{"said": 0}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT d->'state' = hitl.get_state(:t) AS is_same FROM hitl.invoke('steps', '{"said": 0}') d;

-- 3. Messages: an id that is there takes the place, "remove" takes away, what has no id is appended.
CREATE FUNCTION talk(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT '{"chat": [{"id": 2, "text": "two, better"}, {"text": "no id"}, {"id": 1, "type": "remove"}, {"id": 9, "type": "remove"}]}'::jsonb $$;
SELECT hitl.define('{"graph": "talk", "channels": {"chat": {"reducer": "messages", "initial": []}}, "nodes": {"talk": "talk"}, "edges": [["START", "talk"], ["talk", "END"]]}');
SELECT hitl.start('talk', '{"chat": [{"id": 1, "text": "one"}, {"id": 2, "text": "two"}, {"id": 3, "text": "three"}, {"text": "no id"}]}') AS t \gset
SELECT hitl.wait(:t);
SELECT jsonb_array_elements(hitl.get_state(:t)->'chat') AS message;

-- 4. Two writers and no reducer: the thread fails and both are named. Which of the two ended last, and holds the error, is chance.
SELECT hitl.define('{"graph": "two", "nodes": {"left": {"sql": "SELECT ''{\"x\": 1}''::jsonb"}, "right": {"sql": "SELECT ''{\"x\": 2}''::jsonb"}},
  "edges": [["START", "left"], ["START", "right"], ["left", "END"], ["right", "END"]]}');
SELECT hitl.start('two') AS t \gset
SELECT hitl.wait(:t);
SELECT node IN ('left', 'right') AS is_one_of_them, sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t \gx
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'detail' AS detail, d->'state' AS state FROM hitl.invoke('two') d;

-- A new version with a reducer runs; the old thread keeps its version, and fails again.
SELECT hitl.add_channel('two', 'x', 'max'), hitl.compile('two');
SELECT hitl.invoke('two')->'state' AS state;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t);
SELECT hitl.get_state(:t) AS unchanged;

-- 5. Values that a reducer cannot take.
CREATE FUNCTION writes(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT state->'write' $$;
CREATE FUNCTION fussy(current jsonb, update jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF update = '"null"' THEN RETURN NULL; END IF;
  RAISE 'no % here', jsonb_typeof(update) USING ERRCODE = 'UF001', DETAIL = 'The reducer says so.', HINT = 'Write something else.';
END $$;
SELECT hitl.define('{"graph": "wrong", "channels": {"sum": "add", "deep": "merge", "chat": "messages", "fussy": "fussy", "odd": {"reducer": "add", "initial": "text"}},
  "nodes": {"writes": "writes"}, "edges": [["START", "writes"], ["writes", "END"]]}');
SELECT x.write, d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message, d->'error'->>'detail' AS detail, d->'error'->>'hint' AS hint
FROM (VALUES ('{"sum": "1"}'::jsonb), ('{"sum": null}'), ('{"deep": []}'), ('{"chat": ["hi"]}'), ('{"chat": "hi"}'), ('{"fussy": 1}'), ('{"odd": 1}')) x (write)
     CROSS JOIN LATERAL hitl.invoke('wrong', jsonb_build_object('write', x.write)) d \gx

SELECT hitl.start('wrong', '{"write": {"fussy": true}}') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t \gx

-- Numbers and texts have no common order.
SELECT hitl.define('{"graph": "order", "channels": {"low": "min", "high": "max"}, "nodes": {"writes": "writes"}, "edges": [["START", "writes"], ["writes", "END"]]}');
SELECT x.write, d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate
FROM (VALUES ('{"low": 2, "high": 4}'::jsonb), ('{"low": "text"}'), ('{"high": "text"}')) x (write), LATERAL hitl.invoke('order', jsonb_build_object('write', x.write, 'low', 3, 'high', 3)) d;

-- A reducer that returns NULL has nothing to keep.
SELECT hitl.invoke('wrong', '{"write": {"fussy": "null"}}') - 'thread_id' AS returned;

-- Wrong input: with hitl's reducers start() refuses; where the author's have a say it is START's failure.
SELECT hitl.start('talk', '{"chat": 1}');
\echo :SQLSTATE
SELECT hitl.start('wrong', '{"sum": "x"}') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, detail FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.start('wrong', '{"fussy": 1}') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message FROM hitl.failed WHERE thread_id = :t;
-- A node returns an object, or null for nothing.
SELECT x.write, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message, d->'error'->>'detail' AS detail
FROM (VALUES ('[]'::jsonb), ('"text"'), ('1'), ('true'), ('null')) x (write), LATERAL hitl.invoke('wrong', jsonb_build_object('write', x.write)) d;

-- 6. What cannot be declared.
SELECT hitl.add_channel('all', 'log', 'append');
\echo :SQLSTATE
SELECT hitl.add_channel('no such', 'x', 'append');
\echo :SQLSTATE
SELECT hitl.add_channel('all', '', 'append');
\echo :SQLSTATE
SELECT hitl.add_channel('all', NULL, 'append');
\echo :SQLSTATE
SELECT hitl.add_channel('all', 'x', NULL);
\echo :SQLSTATE
CREATE FUNCTION one_argument(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT state $$;
CREATE FUNCTION to_text(current jsonb, update jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;
SELECT hitl.create_graph('declared') > 0 AS created;
SELECT hitl.add_node('declared', 'n', 'a'), hitl.add_edge('declared', 'START', 'n'), hitl.add_edge('declared', 'n', 'END');
SELECT hitl.add_channel('declared', 'c1', 'apend'), hitl.add_channel('declared', 'c2', 'one_argument(jsonb)'), hitl.add_channel('declared', 'c3', 'to_text');
CREATE AGGREGATE of_numbers(integer) (SFUNC = int4pl, STYPE = integer);
CREATE AGGREGATE to_number(jsonb) (SFUNC = nothing_next, STYPE = jsonb, FINALFUNC = jsonb_array_length);
CREATE FUNCTION in_order(seen jsonb, argument jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT argument $$;
CREATE FUNCTION in_order_end(seen jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT seen $$;
CREATE AGGREGATE ordered(ORDER BY jsonb) (SFUNC = in_order, STYPE = jsonb, FINALFUNC = in_order_end);
SELECT hitl.add_channel('declared', 'c4', 'of_numbers(integer)'), hitl.add_channel('declared', 'c5', 'to_number'), hitl.add_channel('declared', 'c6', 'ordered'),
       hitl.add_channel('declared', 'c7', 'jsonb_agg(anyelement)');
SELECT hitl.compile('declared');
\echo :SQLSTATE

-- 7. Whose session? A superuser starts the graph of another role: the reducer runs in that role's executor, and nowhere else.
CREATE ROLE regress_channels LOGIN;
ALTER ROLE regress_channels SET client_min_messages = warning;
CREATE SCHEMA channels_owned AUTHORIZATION regress_channels;
SELECT hitl.grant_author('regress_channels');
SELECT current_user AS superuser \gset
\c - regress_channels
SET search_path = channels_owned;
CREATE FUNCTION whose(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT coalesce(current, '[]') || jsonb_build_object('wrote', update, 'session', session_user, 'current', current_user) $$;
CREATE AGGREGATE whose(jsonb) (SFUNC = whose, STYPE = jsonb);
CREATE FUNCTION n(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"whose": "node", "all": "node"}'::jsonb $$;
SELECT hitl.define('{"graph": "whose", "channels": {"whose": "whose", "all": "whose(jsonb)"}, "nodes": {"n": "n"}, "edges": [["START", "n"], ["n", "END"]]}');
\c - :superuser
SET client_min_messages = warning;
SELECT hitl.start('whose', '{"whose": "input"}') AS t \gset
SELECT hitl.wait(:t);
SELECT jsonb_array_elements(hitl.get_state(:t)->'whose') AS reduced;
SELECT jsonb_array_elements(hitl.get_state(:t)->'all') AS aggregated;
SELECT (hitl.start_many('whose', ARRAY['{"whose": "many"}'::jsonb]))[1] AS t \gset
SELECT hitl.wait(:t);
SELECT jsonb_array_elements(hitl.get_state(:t)->'whose') AS reduced;
-- The owner must be allowed to run an aggregate, at compile and at each run.
REVOKE EXECUTE ON FUNCTION channels.span(jsonb) FROM PUBLIC;
GRANT USAGE ON SCHEMA channels TO regress_channels;
\c - regress_channels
SET search_path = channels_owned, channels;
SELECT hitl.define('{"graph": "not mine", "channels": {"x": "span(jsonb)"}, "nodes": {"n": {"sql": "SELECT ''{\"x\": 1}''::jsonb"}}, "edges": [["START", "n"], ["n", "END"]]}');
\echo :SQLSTATE
\c - :superuser
SET client_min_messages = warning;
GRANT EXECUTE ON FUNCTION channels.span(jsonb) TO regress_channels;
\c - regress_channels
SET search_path = channels_owned, channels;
SELECT hitl.define('{"graph": "not mine", "channels": {"x": "span(jsonb)"}, "nodes": {"n": {"sql": "SELECT ''{\"x\": 1}''::jsonb"}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT d->>'status' AS status, d->'state' AS state FROM hitl.invoke('not mine') d;
\c - :superuser
SET client_min_messages = warning;
REVOKE EXECUTE ON FUNCTION channels.span(jsonb) FROM regress_channels;
SELECT hitl.start('not mine') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message, detail FROM hitl.failed WHERE thread_id = :t;
-- What runs here and now runs in the owner's session only.
SELECT hitl.invoke('whose', '{"whose": "input"}');
\echo :SQLSTATE
-- A superuser's graph runs no code of others, and so no aggregate that calls it: not its functions, whichever the server might call, nor a type of theirs.
\c - regress_channels
SET search_path = channels_owned;
CREATE FUNCTION theirs(seen jsonb, value jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(current_user) $$;
CREATE FUNCTION theirs(seen jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(current_user) $$;
CREATE DOMAIN theirs AS jsonb CHECK (theirs(VALUE) IS NOT NULL);
\c - :superuser
SET client_min_messages = warning;
SET search_path = channels;
CREATE FUNCTION ours(seen jsonb, value jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT value $$;
CREATE FUNCTION ours(seen channels_owned.theirs, value jsonb) RETURNS channels_owned.theirs LANGUAGE sql AS $$ SELECT value::channels_owned.theirs $$;
CREATE FUNCTION ours(seen channels_owned.theirs) RETURNS jsonb LANGUAGE sql AS $$ SELECT seen::jsonb $$;
CREATE AGGREGATE by_theirs(jsonb) (SFUNC = channels_owned.theirs, STYPE = jsonb);
CREATE AGGREGATE ends_theirs(jsonb) (SFUNC = ours, STYPE = jsonb, FINALFUNC = channels_owned.theirs);
CREATE AGGREGATE combines_theirs(jsonb) (SFUNC = ours, STYPE = jsonb, COMBINEFUNC = channels_owned.theirs);
CREATE AGGREGATE moves_theirs(jsonb) (SFUNC = ours, STYPE = jsonb, MSFUNC = ours, MINVFUNC = channels_owned.theirs, MSTYPE = jsonb);
CREATE AGGREGATE of_theirs(jsonb) (SFUNC = ours, STYPE = channels_owned.theirs, FINALFUNC = ours, INITCOND = '{}');
CREATE AGGREGATE by_ours(jsonb) (SFUNC = ours, STYPE = jsonb);
SELECT hitl.define('{"graph": "super", "channels": {"a": "by_theirs(jsonb)", "b": "ends_theirs(jsonb)", "c": "combines_theirs(jsonb)", "d": "moves_theirs(jsonb)", "e": "of_theirs(jsonb)"},
  "nodes": {"n": {"sql": "SELECT ''{\"a\": 1}''::jsonb"}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.define('{"graph": "super", "channels": {"x": "by_ours(jsonb)"}, "nodes": {"n": {"sql": "SELECT ''{\"x\": 1}''::jsonb"}}, "edges": [["START", "n"], ["n", "END"]]}') AS version;
SELECT d->>'status' AS status, d->'state' AS state FROM hitl.invoke('super') d;
ALTER FUNCTION ours(jsonb, jsonb) OWNER TO regress_channels;
SELECT d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'detail' AS detail FROM hitl.invoke('super') d;
ALTER FUNCTION ours(jsonb, jsonb) OWNER TO CURRENT_USER;
SELECT d->>'status' AS status, d->'state' AS state FROM hitl.invoke('super') d;
-- Whoever owns the graph: whose the functions of an aggregate are is part of what was compiled, as of a function.
ALTER AGGREGATE by_ours(jsonb) OWNER TO regress_channels;
ALTER FUNCTION ours(jsonb, jsonb) OWNER TO regress_channels;
\c - regress_channels
SET search_path = channels_owned, channels;
SELECT hitl.define('{"graph": "mine", "channels": {"x": "by_ours(jsonb)"}, "nodes": {"n": {"sql": "SELECT ''{\"x\": 1}''::jsonb"}}, "edges": [["START", "n"], ["n", "END"]]}') AS version;
\c - :superuser
SET client_min_messages = warning;
ALTER ROLE regress_channels RENAME TO regress_channels_renamed;
\c - regress_channels_renamed
SELECT d->>'status' AS status FROM hitl.invoke('mine') d;
\c - :superuser
SET client_min_messages = warning;
ALTER ROLE regress_channels_renamed RENAME TO regress_channels;
ALTER FUNCTION channels.ours(jsonb, jsonb) OWNER TO CURRENT_USER;
\c - regress_channels
SELECT d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'detail' AS detail FROM hitl.invoke('mine') d;
\c - :superuser
SET client_min_messages = warning;

-- 8. A reducer is an agent's code as a node is, and nobody in it could ask: it can neither pause, nor decide, nor steer its own thread, nor run others.
SET search_path = channels;
CREATE FUNCTION hostile(current jsonb, update jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF current IS NOT NULL THEN EXECUTE update #>> '{}'; END IF;
  RETURN update;
END $$;
SELECT hitl.define('{"graph": "hostile", "channels": {"do": "hostile"}, "nodes": {"n": {"sql": "SELECT jsonb_build_object(''do'', $1->''then'')"}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.define('{"graph": "asked", "nodes": {"n": {"sql": "SELECT hitl.interrupt(''{\"action\": \"go\"}'')"}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.start('asked') AS asked \gset
SELECT hitl.wait(:asked);
SELECT x.what, d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate
FROM (VALUES ('SELECT 1'), ('SELECT hitl.interrupt(''{}'')'), ('SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE graph = ''asked'''),
             ('SELECT hitl.cancel(max(thread_id)) FROM hitl.threads WHERE graph = ''hostile''')) x (what),
     LATERAL hitl.invoke('hostile', jsonb_build_object('do', 'nothing', 'then', x.what)) d;
-- So is an aggregate.
CREATE AGGREGATE hostile(jsonb) (SFUNC = hostile, STYPE = jsonb, INITCOND = '"nothing"');
SELECT hitl.define('{"graph": "hostile aggregate", "channels": {"do": "hostile(jsonb)"}, "nodes": {"n": {"sql": "SELECT jsonb_build_object(''do'', $1->''then'')"}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT x.what, d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate
FROM (VALUES ('SELECT 1'), ('SELECT hitl.interrupt(''{}'')'), ('SELECT hitl.approve(interrupt_id) FROM hitl.pending WHERE graph = ''asked'''), ('SELECT 1/0')) x (what),
     LATERAL hitl.invoke('hostile aggregate', jsonb_build_object('then', x.what)) d;
SELECT status FROM hitl.threads WHERE thread_id = :asked;
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate FROM hitl.invoke('hostile', '{"do": "nothing", "then": "CALL hitl.run_pending()"}') d;

-- 9. hitl.overwrite(value): the value takes the place of the channel's, whatever its reducer; what others write in the same step comes onto it; two have no order.
SELECT hitl.overwrite('[1]'), hitl.overwrite(NULL);
CREATE FUNCTION was(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('was', current, 'update', update) $$;
CREATE FUNCTION writes_its(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT state->'writes'->(hitl.context()->>'node') $$;
SELECT hitl.define('{"graph": "overwritten", "channels": {"append": "append", "merge": "merge", "add": "add", "min": "min", "max": "max", "union": "union", "messages": "messages", "was": "was"},
  "nodes": {"a": "writes_its", "b": "writes_its"}, "edges": [["START", "a"], ["START", "b"], ["a", "END"], ["b", "END"]]}');
-- a overwrites; b writes nothing; then an update after it in the order of tasks; then a writes one before it; then both overwrite.
CREATE FUNCTION overwritten(writes jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT CASE WHEN d ? 'error' THEN jsonb_build_object(d#>>'{error,message}', d#>>'{error,detail}') ELSE (d->'state') - 'writes' END
  FROM hitl.invoke('overwritten', jsonb_build_object('writes', writes) || '{"plain": 1, "append": [1], "merge": {"a": {"b": 1}}, "add": 1, "min": 1, "max": 9, "union": [1, 2], "messages": [{"id": 1, "text": "one"}], "was": "start"}') d $$;
CREATE FUNCTION news() RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"plain": {"x": null}, "append": [5], "merge": {"c": 5}, "add": 5, "min": 5, "max": 5, "union": [5, 5], "messages": [{"id": 5, "text": "five"}], "was": {"new": 5}}'::jsonb $$;
CREATE FUNCTION marked(news jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_object_agg(key, hitl.overwrite(value)) FROM jsonb_each(news) $$;
SELECT jsonb_pretty(overwritten(jsonb_build_object('a', marked(news()))));
SELECT overwritten(jsonb_build_object('a', marked(news()), 'b', '{"append": 6, "merge": {"d": 6}, "add": 6, "min": 4, "max": 6, "union": 6, "messages": {"id": 5, "text": "six"}, "was": 6}'::jsonb)) AS beside;
SELECT overwritten(jsonb_build_object('b', marked(news()), 'a', '{"append": 6, "merge": {"d": 6}, "add": 6, "min": 4, "max": 6, "union": 6, "messages": {"id": 5, "text": "six"}, "was": 6}'::jsonb)) AS before;
SELECT key, overwritten(jsonb_build_object('a', jsonb_build_object(key, hitl.overwrite('[1]')), 'b', jsonb_build_object(key, hitl.overwrite('[2]')))) AS twice FROM unnest('{append, messages, was, plain}'::text[]) key;
-- As it is, also where the reducer would not take it; and as the input of a thread.
SELECT overwritten('{"a": {"add": {"hitl.overwrite": "no number"}, "append": {"hitl.overwrite": null}, "messages": {"hitl.overwrite": "text"}}}')->'append' AS append;
SELECT hitl.invoke('overwritten', jsonb_build_object('append', hitl.overwrite('"alone"')))->'state' AS state;
-- With other keys beside it, it is a value like others.
SELECT overwritten('{"a": {"merge": {"hitl.overwrite": 1, "other": 2}}}')->'merge' AS merge;
-- Messages whose id is null have none.
SELECT overwritten('{"a": {"messages": [{"id": null, "text": "x"}, {"id": null, "text": "y"}]}}')->'messages' AS messages;

SELECT * FROM hitl.check();
