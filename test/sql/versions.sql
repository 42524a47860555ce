-- Versions: what a thread that is under way runs when its graph, or the code behind it, changes.
-- Proves: a thread keeps its version; changed code is never run on what people approved before, it parks the thread; migrate() takes a thread to another
-- version, up and down, and refuses with every reason at once what would lose a node, an edge, a join or a gate's answer.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
CREATE SCHEMA versions;
SET search_path = versions;
CREATE TABLE paid (thread_id bigint, amount numeric, code text);
-- What migrate() says when it refuses; thread ids are as they come.
CREATE FUNCTION refusal(thread_id bigint, version integer DEFAULT NULL, OUT errcode text, OUT message text, OUT detail text, OUT hint text) LANGUAGE plpgsql AS $$
BEGIN
  message := hitl.migrate(thread_id, version);
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS errcode = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  message := replace(message, thread_id::text, '<thread>');
  detail := replace(detail, 'thread ' || thread_id, 'thread <thread>');
  hint := replace(hint, thread_id::text, '<thread>');
END $$;

-- 1. Approved under one code, run under another: not without somebody's word.
CREATE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb := hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state->'args'));
BEGIN
  INSERT INTO paid VALUES (hitl.current_thread(), (d->'args'->>'amount')::numeric, 'old');
  RETURN '{"code": "old"}';
END $$;
SELECT hitl.define('{"graph": "versions pay", "nodes": {"pay": {"handler": "pay", "retry": {"max_attempts": 5, "initial_interval": 0}}}, "edges": [["START", "pay"], ["pay", "END"]]}') AS version;
SELECT hitl.start('versions pay', '{"args": {"amount": 40}}') AS t \gset
SELECT hitl.wait(:t);
CREATE OR REPLACE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb := hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state->'args'));
BEGIN
  INSERT INTO paid VALUES (hitl.current_thread(), (d->'args'->>'amount')::numeric, 'new');
  RETURN '{"code": "new"}';
END $$;
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
-- It is not even tried again by itself, though the node's policy says so: the function stays changed.
SELECT f.node, f.attempt, f.sqlstate, f.message, f.detail, f.hint FROM hitl.failed f WHERE f.thread_id = :t \gx
SELECT code, explanation, replace(next, :'t', '<thread>') AS next FROM hitl.why(:t) \gx
SELECT hitl.retry(:t);
SELECT hitl.wait(:t);
-- Nor is it run here and now, nor for a new thread of that version.
SELECT d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate FROM hitl.invoke('versions pay', '{"args": {"amount": 1}}') d;
-- Without a new version there is nowhere to go.
SELECT * FROM refusal(:t) \gx
-- The document is the same and the code is not: a new version. The thread goes there when somebody says so. The answer stands: the new code asked the same.
SELECT hitl.compile('versions pay') AS version, hitl.compile('versions pay') AS again;
SELECT hitl.migrate(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT amount, code FROM paid WHERE thread_id = :t;
SELECT event, node, detail - 'interrupt_id' AS detail FROM hitl.timeline WHERE thread_id = :t;

-- Changed so that it asks something else: the old answer is not used, it is asked again.
SELECT hitl.start('versions pay', '{"args": {"amount": 50}}') AS t \gset
SELECT hitl.wait(:t);
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
SELECT hitl.start('versions pay', '{"args": {"amount": 60}}') AS t2 \gset
SELECT hitl.wait(:t2);
CREATE OR REPLACE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb := hitl.interrupt(jsonb_build_object('action', 'pay in euro', 'args', state->'args'));
BEGIN
  INSERT INTO paid VALUES (hitl.current_thread(), (d->'args'->>'amount')::numeric, 'euro');
  RETURN '{"code": "euro"}';
END $$;
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t2;
SELECT hitl.wait(:t2);
SELECT hitl.compile('versions pay') AS version, hitl.migrate(:t2);
SELECT hitl.wait(:t2);
SELECT status, action FROM hitl.interrupt WHERE thread_id = :t2 ORDER BY interrupt_id;
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t2;
SELECT hitl.wait(:t2);
SELECT amount, code FROM paid WHERE thread_id IN (:t, :t2) ORDER BY amount;

-- 2. With a question open: it stays, and is asked anew by the new code when it is answered.
SELECT hitl.start('versions pay', '{"args": {"amount": 70}}') AS t \gset
SELECT hitl.wait(:t);
CREATE OR REPLACE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb := hitl.interrupt(jsonb_build_object('action', 'pay in yen', 'args', state->'args'));
BEGIN
  INSERT INTO paid VALUES (hitl.current_thread(), (d->'args'->>'amount')::numeric, 'yen');
  RETURN '{"code": "yen"}';
END $$;
SELECT hitl.compile('versions pay') AS version, hitl.migrate(:t);
SELECT status, action FROM hitl.interrupt WHERE thread_id = :t;
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
SELECT status, action FROM hitl.interrupt WHERE thread_id = :t ORDER BY interrupt_id;
SELECT count(*) FROM paid WHERE thread_id = :t;
-- Down again: the code of that version is not there any more, and it says so at the next run.
SELECT hitl.migrate(:t, 1);
SELECT version FROM hitl.threads WHERE thread_id = :t;
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
SELECT sqlstate FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.migrate(:t);
SELECT hitl.wait(:t), hitl.get_state(:t)->'code' AS code;

-- 3. What counts as the code: all that decides what a call does, and nothing else.
CREATE FUNCTION f(state jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT '{}'::jsonb $$;
CREATE FUNCTION body(state jsonb) RETURNS jsonb LANGUAGE sql BEGIN ATOMIC SELECT jsonb_build_object('at', timestamptz '2026-01-01 00:00+00', 'n', 0.1::float8); END;
CREATE FUNCTION route(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'END' $$;
CREATE FUNCTION fold(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT update $$;
CREATE FUNCTION next(seen jsonb, value jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT value $$;
CREATE FUNCTION last(seen jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT seen $$;
CREATE AGGREGATE fold(jsonb) (SFUNC = next, STYPE = jsonb, FINALFUNC = last, INITCOND = 'null');
SELECT hitl.define('{"graph": "versions code", "channels": {"a": "fold(jsonb, jsonb)", "b": "fold(jsonb)"}, "nodes": {"f": "f", "body": "body"},
  "edges": [["START", "f"], ["START", "body"], ["f", "END"]], "conditional_edges": [{"source": "body", "router": "route"}]}') AS version;
-- Names of roles and rights, cost, comments, another session's settings: no.
ALTER FUNCTION f COST 7;
ALTER FUNCTION f PARALLEL SAFE;
COMMENT ON FUNCTION f IS 'f';
REVOKE ALL ON FUNCTION f FROM PUBLIC;
SET extra_float_digits = -10;
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'German';
SET quote_all_identifiers = on;
\c -
SET client_min_messages = warning;
SET search_path = versions;
SET extra_float_digits = -10;
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'German';
SET quote_all_identifiers = on;
SELECT hitl.compile('versions code') AS version;
RESET ALL;
SET client_min_messages = warning;
SET search_path = versions;
-- The same again, word for word: no.
CREATE OR REPLACE FUNCTION f(state jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 7 AS $$ SELECT '{}'::jsonb $$;
SELECT hitl.compile('versions code') AS version;
-- A word, a setting, strictness, volatility, whose rights; a body that the server keeps parsed; a router, a reducer, a function of an aggregate, its initial value: each a new version.
CREATE OR REPLACE FUNCTION f(state jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT '{ }'::jsonb $$;
SELECT hitl.compile('versions code') AS body;
ALTER FUNCTION f SET statement_timeout = '1 min';
SELECT hitl.compile('versions code') AS setting;
ALTER FUNCTION f STRICT;
SELECT hitl.compile('versions code') AS strictness;
ALTER FUNCTION f STABLE;
SELECT hitl.compile('versions code') AS volatility;
ALTER FUNCTION f SECURITY DEFINER;
SELECT hitl.compile('versions code') AS definer;
CREATE OR REPLACE FUNCTION body(state jsonb) RETURNS jsonb LANGUAGE sql BEGIN ATOMIC SELECT jsonb_build_object('at', timestamptz '2026-01-01 00:00+01', 'n', 0.1::float8); END;
SELECT hitl.compile('versions code') AS parsed_body;
CREATE OR REPLACE FUNCTION route(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'END'::text $$;
SELECT hitl.compile('versions code') AS router;
CREATE OR REPLACE FUNCTION fold(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT current $$;
SELECT hitl.compile('versions code') AS reducer;
CREATE OR REPLACE FUNCTION next(seen jsonb, value jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT seen || value $$;
SELECT hitl.compile('versions code') AS transition;
CREATE OR REPLACE FUNCTION last(seen jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT seen || '[1]' $$;
SELECT hitl.compile('versions code') AS final;
CREATE OR REPLACE AGGREGATE fold(jsonb) (SFUNC = next, STYPE = jsonb, FINALFUNC = last, INITCOND = '[]');
SELECT hitl.compile('versions code') AS initial;
DROP FUNCTION f;
CREATE FUNCTION f(s jsonb) RETURNS jsonb LANGUAGE sql STABLE STRICT SECURITY DEFINER SET statement_timeout = '1 min' AS $$ SELECT '{ }'::jsonb $$;
SELECT hitl.compile('versions code') AS argument;
-- All of it is asked before each call: a router, a reducer, an aggregate's function stop their thread too.
SELECT d->>'status' AS status FROM hitl.invoke('versions code', '{"a": [], "b": []}') d;
CREATE OR REPLACE FUNCTION route(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'END'  $$;
SELECT d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM hitl.invoke('versions code', '{"a": [], "b": []}') d;
SELECT hitl.compile('versions code') AS version;
CREATE OR REPLACE FUNCTION fold(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT current  $$;
SELECT d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM hitl.invoke('versions code', '{"a": [], "b": []}') d;
SELECT hitl.compile('versions code') AS version;
CREATE OR REPLACE FUNCTION next(seen jsonb, value jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT seen || value  $$;
SELECT d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM hitl.invoke('versions code', '{"a": [], "b": []}') d;
SELECT hitl.compile('versions code') AS version;
SELECT d->>'status' AS status FROM hitl.invoke('versions code', '{"a": [], "b": []}') d;

-- 4. A thread keeps its version: another shape of the graph is not its own until it is taken there.
CREATE FUNCTION ask(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('asked', hitl.interrupt('{"action": "go on"}')->>'type') $$;
CREATE FUNCTION say(what text) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('said', jsonb_build_array(what)) $$;
SELECT hitl.define('{"graph": "versions shape", "channels": {"said": "append"}, "nodes": {"a": "ask", "b": {"sql": "SELECT versions.say(''b of 1'')"}},
  "edges": [["START", "a"], ["a", "b"], ["b", "END"]]}') AS version;
SELECT hitl.start('versions shape') AS stays \gset
SELECT hitl.start('versions shape') AS goes \gset
SELECT hitl.wait(:stays), hitl.wait(:goes);
SELECT hitl.define('{"graph": "versions shape", "channels": {"said": "append"}, "nodes": {"a": "ask", "b": {"sql": "SELECT versions.say(''b of 2'')"}, "c": {"sql": "SELECT versions.say(''c of 2'')"}},
  "edges": [["START", "a"], ["a", "b"], ["a", "c"], ["b", "END"], ["c", "END"]]}') AS version;
SELECT hitl.migrate(:goes), hitl.migrate(:goes) AS again;
SELECT count(*) FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id IN (:stays, :goes);
SELECT hitl.wait(:stays), hitl.get_state(:stays);
SELECT hitl.wait(:goes), hitl.get_state(:goes);
-- There and back is where one was.
SELECT hitl.start('versions shape') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.migrate(:t, 1), hitl.migrate(:t, 2), hitl.migrate(:t, 1);
SELECT count(*) FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t)->'said' AS said;
SELECT event, detail FROM hitl.timeline WHERE thread_id = :t AND event = 'migrated';

-- 5. Other failures stay until somebody retries them.
SELECT hitl.define('{"graph": "versions fails", "nodes": {"a": {"sql": "SELECT (1/0)::text::jsonb"}, "b": "ask"}, "edges": [["START", "a"], ["START", "b"], ["a", "END"], ["b", "END"]]}') AS version;
SELECT hitl.start('versions fails') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.define('{"graph": "versions fails", "nodes": {"a": {"sql": "SELECT ''{\"a\": 1}''::jsonb"}, "b": "ask"}, "edges": [["START", "a"], ["START", "b"], ["a", "END"], ["b", "END"]]}') AS version;
SELECT hitl.migrate(:t);
SELECT status FROM hitl.threads WHERE thread_id = :t;
SELECT node, sqlstate FROM hitl.failed WHERE thread_id = :t;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t);
SELECT count(*) FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);

-- 6. What does not fit, all of it at once. Here: b is done and c is asked; both lead on to a join that waits, and b's router has named a node.
CREATE FUNCTION to_d(state jsonb) RETURNS text[] LANGUAGE sql AS $$ SELECT ARRAY['d', 'END'] $$;
SELECT hitl.define('{"graph": "versions lacks", "channels": {"said": "append"},
  "nodes": {"a": {"sql": "SELECT versions.say(''a'')"}, "b": {"sql": "SELECT versions.say(''b'')"}, "c": "ask", "d": {"sql": "SELECT versions.say(''d'')"}, "e": {"sql": "SELECT versions.say(''e'')"},
            "g": {"sql": "SELECT versions.say(''g'')", "gate": {"action": "g"}}},
  "edges": [["START", "a"], ["a", "b"], ["a", "c"], ["a", "g"], ["d", "END"], ["e", "END"], ["g", "END"]], "joins": [{"sources": ["a", "c"], "target": "e"}],
  "conditional_edges": [{"source": "b", "router": "to_d"}]}') AS version;
SELECT hitl.start('versions lacks') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.define('{"graph": "versions lacks", "channels": {"said": "append"}, "nodes": {"a": {"sql": "SELECT versions.say(''a'')"}, "g": {"sql": "SELECT versions.say(''g'')"}},
  "edges": [["START", "a"], ["a", "g"], ["g", "END"]]}') AS version;
SELECT * FROM refusal(:t) \gx
-- A join with other sources is another join.
SELECT hitl.define('{"graph": "versions lacks", "channels": {"said": "append"},
  "nodes": {"a": {"sql": "SELECT versions.say(''a'')"}, "b": {"sql": "SELECT versions.say(''b'')"}, "c": "ask", "d": {"sql": "SELECT versions.say(''d'')"}, "e": {"sql": "SELECT versions.say(''e'')"},
            "g": {"sql": "SELECT versions.say(''g'')", "gate": {"action": "g"}}},
  "edges": [["START", "a"], ["a", "b"], ["a", "c"], ["a", "g"], ["b", "d"], ["d", "END"], ["e", "END"], ["g", "END"]], "joins": [{"sources": ["b", "c"], "target": "e"}]}') AS version;
SELECT detail FROM refusal(:t);
-- One that stands in another place of the document is the same: the join waits on, and fires once.
SELECT hitl.define('{"graph": "versions lacks", "channels": {"said": "append"},
  "nodes": {"a": {"sql": "SELECT versions.say(''a'')"}, "b": {"sql": "SELECT versions.say(''b'')"}, "c": "ask", "d": {"sql": "SELECT versions.say(''d of 4'')"}, "e": {"sql": "SELECT versions.say(''e of 4'')"},
            "g": {"sql": "SELECT versions.say(''g of 4'')", "gate": {"action": "g"}}},
  "edges": [["START", "a"], ["a", "b"], ["a", "c"], ["a", "g"], ["b", "END"], ["d", "END"], ["e", "END"], ["g", "END"]],
  "joins": [{"sources": ["b", "g"], "target": "d"}, {"sources": ["c", "a"], "target": "e"}]}') AS version;
SELECT hitl.migrate(:t);
SELECT count(*) FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);
-- At its gate and rejected, its router failing: without the gate the node would run on a reject. Where nothing was asked, a gate may go.
CREATE FUNCTION no_route(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT (1/0)::text $$;
SELECT hitl.define('{"graph": "versions gated", "nodes": {"g": {"sql": "SELECT ''{\"ran\": true}''::jsonb", "gate": {"action": "g", "skip_when": "$.small == true", "on_reject": "h"}}, "h": {"sql": "SELECT (1/0)::text::jsonb"}},
  "edges": [["START", "g"], ["h", "END"]], "conditional_edges": [{"source": "g", "router": "no_route"}]}') AS version;
SELECT hitl.start('versions gated') AS asked \gset
SELECT hitl.start('versions gated', '{"small": true}') AS skipped \gset
SELECT hitl.wait(:asked), hitl.wait(:skipped);
SELECT hitl.define('{"graph": "versions gated", "nodes": {"g": {"sql": "SELECT ''{\"ran\": true}''::jsonb"}, "h": {"sql": "SELECT (1/0)::text::jsonb"}}, "edges": [["START", "g"], ["g", "END"], ["START", "h"], ["h", "END"]]}') AS version;
SELECT errcode, detail FROM refusal(:asked);
SELECT hitl.migrate(:skipped);
SELECT hitl.retry(:skipped);
SELECT hitl.wait(:skipped), hitl.get_state(:skipped);

-- What waits for its subgraph needs the same graph there, of whichever version; the child keeps its own.
SELECT hitl.define('{"graph": "versions child", "nodes": {"n": "ask"}, "edges": [["START", "n"], ["n", "END"]]}') AS version;
SELECT hitl.define('{"graph": "versions other child", "nodes": {"n": "ask"}, "edges": [["START", "n"], ["n", "END"]]}') AS version;
SELECT hitl.define('{"graph": "versions parent", "nodes": {"sub": {"subgraph": {"graph": "versions child"}}}, "edges": [["START", "sub"], ["sub", "END"]]}') AS version;
SELECT hitl.start('versions parent') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.define('{"graph": "versions parent", "nodes": {"sub": {"subgraph": {"graph": "versions other child"}}}, "edges": [["START", "sub"], ["sub", "END"]]}') AS version;
SELECT hitl.define('{"graph": "versions parent", "nodes": {"sub": "ask"}, "edges": [["START", "sub"], ["sub", "END"]]}') AS version;
SELECT hitl.define('{"graph": "versions child", "nodes": {"n": "ask", "more": {"sql": "SELECT ''{}''::jsonb"}}, "edges": [["START", "n"], ["n", "more"], ["more", "END"]]}') AS version;
SELECT hitl.define('{"graph": "versions parent", "nodes": {"sub": {"subgraph": {"graph": "versions child", "output": {"answer": "asked"}}}}, "edges": [["START", "sub"], ["sub", "END"]]}') AS version;
SELECT version, r.errcode, r.detail FROM generate_series(2, 3) version, refusal(:t, version) r;
SELECT hitl.migrate(:t);
SELECT count(*) FROM hitl.interrupt i JOIN hitl.thread c USING (thread_id), hitl.approve(i.interrupt_id) WHERE c.parent_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);

-- A fork is of the version that its origin runs now, and refuses a checkpoint that is of another.
SELECT hitl.define('{"graph": "versions forked", "nodes": {"a": {"sql": "SELECT ''{\"a\": 1}''::jsonb"}, "b": "ask"}, "edges": [["START", "a"], ["a", "b"], ["b", "END"]]}') AS version;
SELECT hitl.start('versions forked') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.define('{"graph": "versions forked", "nodes": {"b": "ask"}, "edges": [["START", "b"], ["b", "END"]]}') AS version;
SELECT hitl.migrate(:t);
\set VERBOSITY terse
SELECT hitl.fork(:t, 0);
\set VERBOSITY default
\echo :SQLSTATE
SELECT hitl.fork(:t, 1) AS f \gset
SELECT hitl.wait(:f), version FROM hitl.threads WHERE thread_id = :f;

-- 7. A thread that is done goes over for the turns to come.
SELECT hitl.define('{"graph": "versions turns", "nodes": {"n": {"sql": "SELECT ''{\"by\": 1}''::jsonb"}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.start('versions turns', '{"said": "a"}', 'chat') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.define('{"graph": "versions turns", "nodes": {"m": {"sql": "SELECT ''{\"by\": 2}''::jsonb"}}, "edges": [["START", "m"], ["m", "END"]]}');
SELECT hitl.migrate(:t);
SELECT hitl.start('versions turns', '{"said": "b"}', 'chat', 'enqueue') = :t AS is_same;
SELECT hitl.wait(:t), hitl.get_state(:t);

-- 8. When it cannot be: not there, no such version, ended, under way.
SELECT hitl.start('versions gated') AS gone \gset
SELECT hitl.cancel(:gone);
SELECT r.* FROM (VALUES (-1, NULL), (:asked, 4), (:asked, 0), (NULL, NULL), (:gone, 1)) x (thread_id, version), refusal(x.thread_id, x.version) r \gx
BEGIN;
SELECT hitl.start('versions shape') AS t \gset
SELECT * FROM refusal(:t, 1) \gx
ROLLBACK;

SELECT * FROM hitl.check();
