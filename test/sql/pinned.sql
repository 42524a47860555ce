-- Pinned graphs: a thread runs the functions as they were when its version was compiled.
-- Proves: copies are run, of handlers, routers and reducers; what cannot be copied is told and checked as in a live graph; what a copy calls is never pinned;
-- copies belong to the graph's owner, nobody has a right on their schema, and to make one runs nobody's code.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
CREATE ROLE regress_pinned LOGIN;
CREATE ROLE regress_pinned_other LOGIN;
ALTER ROLE regress_pinned SET client_min_messages = notice;
CREATE SCHEMA pinned AUTHORIZATION regress_pinned;
SELECT hitl.grant_author('regress_pinned'), hitl.grant_author('regress_pinned_other');
SELECT current_user AS superuser \gset
\c - regress_pinned
SET search_path = pinned;
-- Whoever may execute the owner's functions by default may execute no copy.
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO regress_pinned_other WITH GRANT OPTION;

-- 1. A thread under way keeps its code: the node that was answered, the router behind it, the reducer of its channel.
CREATE FUNCTION helper() RETURNS text LANGUAGE sql AS $$ SELECT 'helper 1' $$;
CREATE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM hitl.interrupt('{"action": "pay"}');
  RETURN jsonb_build_object('log', 'pay 1, ' || pinned.helper());
END $$;
CREATE FUNCTION "Route it"(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'left' $$;
CREATE FUNCTION fold(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql BEGIN ATOMIC SELECT coalesce(current, '[]') || jsonb_build_array(update, 'fold 1'); END;
CREATE FUNCTION last(state jsonb, OUT result jsonb) LANGUAGE plpgsql STRICT SET work_mem = '100kB' AS $$ BEGIN result := jsonb_build_object('log', 'last 1, ' || current_setting('work_mem')); END $$;
SELECT hitl.create_graph('pinned', functions => 'pinned') > 0 AS created;
SELECT hitl.add_channel('pinned', 'log', 'fold'), hitl.add_node('pinned', 'pay', 'pay'), hitl.add_node('pinned', 'left', 'last'), hitl.add_node('pinned', 'right', 'last'),
       hitl.add_edge('pinned', 'START', 'pay'), hitl.add_edge('pinned', 'left', 'END'), hitl.add_edge('pinned', 'right', 'END'), hitl.add_conditional_edges('pinned', 'pay', '"Route it"');
SELECT hitl.compile('pinned') AS version;
SELECT hitl.start('pinned') AS t \gset
SELECT hitl.wait(:t);
CREATE OR REPLACE FUNCTION helper() RETURNS text LANGUAGE sql AS $$ SELECT 'helper 2' $$;
CREATE OR REPLACE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  PERFORM hitl.interrupt('{"action": "pay"}');
  RETURN jsonb_build_object('log', 'pay 2, ' || pinned.helper());
END $$;
CREATE OR REPLACE FUNCTION "Route it"(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'right' $$;
CREATE OR REPLACE FUNCTION fold(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql BEGIN ATOMIC SELECT coalesce(current, '[]') || jsonb_build_array(update, 'fold 2'); END;
DROP FUNCTION last(jsonb);
CREATE FUNCTION last(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"log": "last 2"}'::jsonb $$;
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);
-- A new thread is of the latest version: of the old code too, until the graph is compiled.
SELECT hitl.start('pinned') AS old \gset
SELECT hitl.wait(:old);
SELECT hitl.compile('pinned') AS version, hitl.compile('pinned') AS again;
SELECT hitl.start('pinned') AS new \gset
SELECT hitl.wait(:new);
SELECT hitl.start('pinned') AS goes \gset
SELECT hitl.wait(:goes);
SELECT hitl.migrate(:goes, 1);
SELECT count(*) FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id IN (:old, :new, :goes);
SELECT hitl.wait(:old), hitl.get_state(:old);
SELECT hitl.wait(:new), hitl.get_state(:new);
-- One that is taken down runs what was there.
SELECT hitl.wait(:goes), hitl.get_state(:goes);

-- 2. The copies: of the owner, for nobody else; one for each code, whatever the version.
CREATE VIEW copies AS SELECT regexp_replace(p.proname, '_g\d+_([0-9a-f]{16})$', '_g<graph>_<hash>') AS name, pg_get_function_arguments(p.oid) AS arguments, r.rolname AS owner, p.proacl, p.proconfig,
  (SELECT d.deptype FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass) AS deptype
  FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE p.pronamespace = 'hitl_pinned'::regnamespace AND r.rolname LIKE 'regress%' ORDER BY p.proname COLLATE "C", p.oid;
SELECT * FROM copies ORDER BY name COLLATE "C", arguments COLLATE "C", proconfig;
DROP FUNCTION last(jsonb);
CREATE FUNCTION last(state jsonb, OUT result jsonb) LANGUAGE plpgsql STRICT SET work_mem = '100kB' AS $$ BEGIN result := jsonb_build_object('log', 'last 1, ' || current_setting('work_mem')); END $$;
SELECT hitl.compile('pinned') AS version;
SELECT count(*) FROM copies;
SELECT nspname, pg_get_userbyid(nspowner) = :'superuser' AS is_superusers, nspacl FROM pg_namespace WHERE nspname = 'hitl_pinned';
-- Their owner cannot touch them, nor can anybody put something beside them.
SELECT hitl_pinned.f('{}'::jsonb);
CREATE FUNCTION hitl_pinned.f(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT state $$;
SELECT format('hitl_pinned.%I(jsonb)', proname) AS copy FROM pg_proc WHERE pronamespace = 'hitl_pinned'::regnamespace AND proname LIKE 'pay_g%' LIMIT 1 \gset
ALTER FUNCTION :copy SECURITY DEFINER;
DROP FUNCTION :copy;
GRANT EXECUTE ON FUNCTION :copy TO PUBLIC;
ALTER FUNCTION helper() SET SCHEMA hitl_pinned;

-- 3. What is not pinned, and why; it is checked before each call, as in a live graph.
CREATE FUNCTION itself(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN jsonb_build_object('had', "itself" . state->'x'); END $$;
CREATE FUNCTION definer(state jsonb) RETURNS jsonb LANGUAGE sql SECURITY DEFINER AS $$ SELECT '{"definer": 1}'::jsonb $$;
CREATE FUNCTION next(seen jsonb, value jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT value $$;
CREATE AGGREGATE latest(jsonb) (SFUNC = next, STYPE = jsonb);
CREATE FUNCTION recurs(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN state ? 'deep' THEN '{"recurs": "deep 1"}' ELSE pinned.recurs('{"deep": 1}') || '{"top": 1}' END; END $$;
\c - :superuser
CREATE FUNCTION pinned.theirs(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"theirs": 1}'::jsonb $$;
CREATE FUNCTION pinned.in_c(state jsonb) RETURNS jsonb LANGUAGE internal AS 'jsonb_strip_nulls';
ALTER FUNCTION pinned.in_c OWNER TO regress_pinned;
\c - regress_pinned
SET search_path = pinned;
SELECT hitl.define('{"graph": "partly pinned", "functions": "pinned", "channels": {"x": "latest"}, "nodes": {"itself": "itself", "definer": "definer", "theirs": "theirs", "in_c": "in_c", "recurs": "recurs"},
  "edges": [["START", "itself"], ["itself", "definer"], ["definer", "theirs"], ["theirs", "in_c"], ["in_c", "recurs"], ["recurs", "END"]]}') AS version;
SELECT hitl.invoke('partly pinned', '{"x": 1}') - 'thread_id' AS returned;
-- What calls itself calls the function of that name, not the copy.
CREATE OR REPLACE FUNCTION recurs(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"recurs": "deep 2"}'::jsonb $$;
SELECT hitl.invoke('partly pinned', '{"x": 1}')->'state' AS state;
CREATE OR REPLACE FUNCTION definer(state jsonb) RETURNS jsonb LANGUAGE sql SECURITY DEFINER AS $$ SELECT '{"definer": 2}'::jsonb $$;
SELECT d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM hitl.invoke('partly pinned', '{"x": 1}') d;

-- 4. Words.
SELECT hitl.create_graph('pinned wrongly', functions => 'pined');
\echo :SQLSTATE
SELECT hitl.define('{"graph": "pinned wrongly", "functions": "Pinned", "nodes": {"n": "last"}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.define('{"graph": "pinned later", "nodes": {"n": "last"}, "edges": [["START", "n"], ["n", "END"]]}') AS live;
SELECT hitl.define('{"graph": "pinned later", "functions": "pinned", "nodes": {"n": "last"}, "edges": [["START", "n"], ["n", "END"]]}') AS pinned;

-- 5. A SQL-standard body holds on to what it names, and so does its copy.
CREATE TABLE held (x integer);
CREATE FUNCTION holds(state jsonb) RETURNS jsonb LANGUAGE sql BEGIN ATOMIC SELECT jsonb_build_object('held', count(*), 'had', holds.state) FROM held; END;
SELECT hitl.define('{"graph": "holds", "functions": "pinned", "nodes": {"n": "holds"}, "edges": [["START", "n"], ["n", "END"]]}') AS version;
SELECT hitl.invoke('holds')->'state' AS state;
DROP FUNCTION holds;
\set VERBOSITY terse
DROP TABLE held;
\set VERBOSITY default
\echo :SQLSTATE
SELECT hitl.invoke('holds')->'state' AS state;

-- 6. To make a copy runs nothing of the author's, whoever compiles. Here a literal of a type of his runs his code whenever the text of the body is read.
CREATE TABLE ran (who name);
CREATE FUNCTION note(value integer) RETURNS boolean LANGUAGE plpgsql SECURITY INVOKER AS $$ BEGIN INSERT INTO pinned.ran VALUES (current_user); RETURN true; END $$;
CREATE DOMAIN trapped AS integer CHECK (pinned.note(VALUE));
CREATE TYPE trap AS (x trapped);
CREATE FUNCTION traps(state jsonb) RETURNS jsonb LANGUAGE sql BEGIN ATOMIC SELECT jsonb_build_object('x', (('(1)'::trap).x)::integer); END;
SELECT count(*) > 0 AS ran_when_written FROM ran;
TRUNCATE ran;
SELECT hitl.create_graph('traps', functions => 'pinned') > 0 AS created, hitl.add_node('traps', 'n', 'traps'), hitl.add_edge('traps', 'START', 'n'), hitl.add_edge('traps', 'n', 'END');
\c - :superuser
SET client_min_messages = notice;
SET search_path = pinned;
SELECT hitl.compile('traps') AS version;
SELECT count(*) FROM pinned.ran;
SELECT shadow IS NOT NULL AS is_pinned FROM hitl.graph_function WHERE signature LIKE 'pinned.traps(%';
SET client_min_messages = warning;
SELECT hitl.start('traps') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);

-- 7. A copy that is gone: the thread stops; compile makes it anew while the function is as it was.
SELECT format('DROP FUNCTION %s', shadow) AS drop_copy FROM hitl.graph_function WHERE signature LIKE 'pinned.traps(%' \gset
:drop_copy;
SELECT hitl.start('traps') AS t \gset
SELECT hitl.wait(:t);
SELECT sqlstate, regexp_replace(detail, '_g\d+_[0-9a-f]+', '_g<graph>_<hash>') AS detail FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.compile('traps') AS version;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
-- Somebody else's copy is not run; and the function is his now, too.
REASSIGN OWNED BY regress_pinned TO regress_pinned_other;
SELECT hitl.start('traps') AS t \gset
SELECT hitl.wait(:t);
SELECT sqlstate, regexp_replace(detail, '_g\d+_[0-9a-f]+', '_g<graph>_<hash>') AS detail, hint FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.compile('traps');
-- The function comes back, with the code it had: what is compiled then has a copy of its own, and the thread goes on with that.
ALTER SCHEMA pinned OWNER TO regress_pinned;
ALTER FUNCTION traps(jsonb) OWNER TO regress_pinned;
SELECT hitl.compile('traps') AS version, hitl.compile('traps') AS again;
SELECT count(*) AS copies, count(DISTINCT shadow) AS names FROM hitl.graph_function WHERE signature LIKE 'pinned.traps(%';
SELECT hitl.migrate(:t) AS version;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.start('traps') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
-- They go with what a role owns.
SELECT count(*) > 0 AS is_there FROM pg_proc WHERE pronamespace = 'hitl_pinned'::regnamespace AND proowner = 'regress_pinned_other'::regrole;
DROP OWNED BY regress_pinned_other CASCADE;
SELECT count(*) FROM pg_proc p JOIN pg_roles r ON r.oid = proowner WHERE pronamespace = 'hitl_pinned'::regnamespace AND rolname LIKE 'regress%';

SELECT * FROM hitl.check();
