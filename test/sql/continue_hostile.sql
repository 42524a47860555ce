-- Continue mode against authors who make it hard: statements that ask twice, queries and functions with other rights and settings, handlers around what does not fit.
-- Proves: no question and no decision is lost or taken for another; what is left of a loop runs as whose it is; no handler swallows what does not fit; nothing grows with the statements that run.
SET client_min_messages = warning;
CREATE SCHEMA hostile;
SET search_path = hostile;
CREATE ROLE regress_asker LOGIN;
CREATE ROLE regress_lender LOGIN;

-- A graph of one node in continue mode, named after its function.
CREATE FUNCTION graph_of(function text) RETURNS integer LANGUAGE plpgsql SET hitl.continue_split_block = warn SET client_min_messages = error AS $$
BEGIN
  PERFORM hitl.create_graph('hostile ' || function);
  PERFORM hitl.add_node('hostile ' || function, 'n', 'hostile.' || function, suspend => 'continue'), hitl.add_edge('hostile ' || function, 'START', 'n'), hitl.add_edge('hostile ' || function, 'n', 'END');
  RETURN hitl.compile('hostile ' || function);
END $$;
CREATE FUNCTION begin_it(graph text, OUT status text, OUT state jsonb, OUT asks jsonb, OUT error text, OUT detail text) LANGUAGE sql AS $$
  SELECT d->>'status', d->'state', jsonb_path_query_array(d, '$.interrupts[*].payload'), d#>>'{error,sqlstate}', d#>>'{error,detail}' FROM hitl.invoke('hostile ' || graph, '{}') d $$;
CREATE FUNCTION latest(OUT thread_id bigint) LANGUAGE sql AS $$ SELECT max(thread_id) FROM hitl.threads $$;
CREATE FUNCTION answer(OUT status text, OUT state jsonb, OUT asks jsonb, OUT error text) LANGUAGE sql AS $$
  SELECT d->>'status', d->'state', jsonb_path_query_array(d, '$.interrupts[*].payload'), d#>>'{error,sqlstate}' FROM hitl.resume(latest(), '{"type": "approve"}') d $$;

-- 1. A statement that asks twice where its text does not say so: by a view, an inlined function, a set, and the function itself in its arguments.
CREATE VIEW asks AS SELECT hitl.interrupt('"in the view"') AS x;
CREATE FUNCTION asks_hidden() RETURNS jsonb LANGUAGE sql VOLATILE BEGIN ATOMIC SELECT hitl.interrupt('"hidden"'); END;
CREATE FUNCTION tenfold(n integer) RETURNS integer STRICT LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt(to_jsonb(n)); RETURN n * 10; END $$;
CREATE VIEW ten AS SELECT tenfold(1) AS x;
CREATE FUNCTION by_view(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE d jsonb; BEGIN d := hitl.interrupt(jsonb_build_object('real', (SELECT x FROM hostile.asks))); RETURN d; END $$;
CREATE FUNCTION by_inlined(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE d jsonb; BEGIN d := hitl.interrupt(hostile.asks_hidden()); RETURN d; END $$;
CREATE FUNCTION by_set(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt(to_jsonb(generate_series(1, 3))); RETURN NULL; END $$;
CREATE FUNCTION by_itself(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE n integer; BEGIN n := tenfold((SELECT x FROM ten)); RETURN jsonb_build_object('n', n); END $$;
SELECT f, graph_of(f) FROM unnest('{by_view,by_inlined,by_set,by_itself}'::text[]) f;
SELECT f, b.* FROM unnest('{by_view,by_inlined,by_set,by_itself}'::text[]) f, begin_it(f) b;

-- 2. What is left of a loop's query: under the settings of the function that loops, also where it calls a function.
CREATE TABLE item AS SELECT g AS id FROM generate_series(1, 3) g;
CREATE FUNCTION name_of(i integer) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT 'item ' || id FROM item WHERE id = i); END $$;
CREATE FUNCTION settings(state jsonb) RETURNS jsonb LANGUAGE plpgsql SET search_path = hostile SET timezone = 'Asia/Tokyo' SET datestyle = 'German' SET array_nulls = off AS $$
DECLARE r record; s text := ''; a text[] := ARRAY['a', NULL];
BEGIN
  FOR r IN SELECT name_of(id) AS name, ('2026-01-01 00:00+00'::timestamptz + id * interval '1 hour')::text AS at FROM item LOOP
    PERFORM hitl.interrupt(to_jsonb(r.name));
    s := s || r.name || ' ' || r.at || '; ';
  END LOOP;
  RETURN jsonb_build_object('s', s, 'is_null', a[2] IS NULL);
END $$;
SELECT graph_of('settings');
SELECT status, asks FROM begin_it('settings');
SELECT * FROM answer();
SELECT * FROM answer();
SELECT * FROM answer();

-- 3. And as its role: a function with SECURITY DEFINER that asks lends its rights to nobody.  What it names, its owner must be able to see.
GRANT USAGE ON SCHEMA hitl TO regress_lender;
CREATE SCHEMA lenders AUTHORIZATION regress_lender;
CREATE SCHEMA lent AUTHORIZATION regress_lender;
SET ROLE regress_lender;
CREATE FUNCTION lenders.nothing() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION lent.ask_lender() RETURNS text SECURITY DEFINER LANGUAGE plpgsql AS $$ BEGIN PERFORM lenders.nothing(); PERFORM hitl.interrupt('"lender"'); RETURN current_user; END $$;
RESET ROLE;
CREATE SCHEMA askers AUTHORIZATION regress_asker;
GRANT USAGE ON SCHEMA lent TO regress_asker;
SELECT hitl.grant_author('regress_asker');
SET SESSION AUTHORIZATION regress_asker;
SET search_path = askers;
CREATE FUNCTION askers.whoami(i integer) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN current_user || i; END $$;
CREATE FUNCTION askers.borrows(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE r record; t text; s text := '';
BEGIN
  FOR r IN SELECT askers.whoami(g) AS who FROM (VALUES (1), (2)) v(g) LOOP
    t := lent.ask_lender();
    s := s || r.who || ' ' || t || '; ';
  END LOOP;
  RETURN jsonb_build_object('s', s);
END $$;
SELECT hitl.create_graph('hostile borrows') > 0 AS is_made;
SELECT hitl.add_node('hostile borrows', 'n', 'askers.borrows', suspend => 'continue'), hitl.add_edge('hostile borrows', 'START', 'n'), hitl.add_edge('hostile borrows', 'n', 'END');
SET client_min_messages = error;
SELECT hitl.compile('hostile borrows');
SET client_min_messages = warning;
SELECT hitl.start('hostile borrows') AS t \gset
SELECT hitl.wait(:t, '30 s');
RESET SESSION AUTHORIZATION;
SET search_path = hostile;
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '30 s');
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '30 s'), hitl.get_state(:t);

-- 4. A pause behind errors of the function that is called; ROW_COUNT is what it would be.
CREATE FUNCTION fails_twice(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN IF n = 3 THEN PERFORM hitl.interrupt('"third"'); RETURN 7; END IF; RAISE 'no'; END $$;
CREATE FUNCTION tries(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d integer; s text := '';
BEGIN
  FOR i IN 1..5 LOOP
    BEGIN
      d := fails_twice(i);
    EXCEPTION WHEN raise_exception THEN
      s := s || i;
    END;
  END LOOP;
  RETURN jsonb_build_object('d', d, 's', s);
END $$;
ALTER FUNCTION tries SET search_path = hostile;
SELECT graph_of('tries');
SELECT status, asks FROM begin_it('tries');
SELECT * FROM answer();

-- 5. What does not fit any more is refused, whatever handler is around; put right, it goes on.  No value is said.
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE FUNCTION lenders_ask() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt('"lent"'); RETURN 7; END $$;
ALTER FUNCTION lenders_ask OWNER TO regress_lender;
CREATE FUNCTION swallows(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE r record; s text := '';
BEGIN
  BEGIN
    s := hostile.lenders_ask();
    FOR r IN SELECT m FROM unnest('{sad,glad}'::hostile.mood[]) m LOOP
      PERFORM hitl.interrupt(to_jsonb(r.m));
      s := s || r.m;
    END LOOP;
  EXCEPTION WHEN OTHERS THEN
    RETURN '{"swallowed": true}';
  END;
  RETURN jsonb_build_object('s', s);
END $$;
SELECT graph_of('swallows');
SELECT status, asks FROM begin_it('swallows');
ALTER FUNCTION lenders_ask RENAME TO lenders_gone;
SELECT status, error FROM answer();
ALTER FUNCTION lenders_gone RENAME TO lenders_ask;
SELECT hitl.retry(latest());
SELECT hitl.wait(latest(), '30 s');
ALTER TYPE mood RENAME VALUE 'glad' TO 'merry';
SELECT status, error FROM answer();
SELECT message, regexp_replace(detail, 'hitl_pinned\.\w+', '<copy>') AS detail FROM hitl.failed WHERE thread_id = latest();
ALTER TYPE mood RENAME VALUE 'merry' TO 'glad';
SELECT hitl.retry(latest());
SELECT hitl.wait(latest(), '30 s');
SELECT * FROM answer();

-- 6. Many statements, and many calls that fail, take no memory that stays.
CREATE FUNCTION says_no(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN IF n < 0 THEN PERFORM hitl.interrupt('1'); END IF; RAISE 'no'; END $$;
CREATE FUNCTION many(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE i integer := 0; d integer; most bigint;
BEGIN
  IF state ? 'never' THEN PERFORM hitl.interrupt('1'); END IF;
  WHILE i < 20000 LOOP IF i % 2 = 0 THEN i := i + 1; ELSE BEGIN i := i + 1; END; END IF; END LOOP;
  FOR j IN 1..2000 LOOP BEGIN d := hostile.says_no(j); EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP;
  SELECT max(total_bytes), count(*) FILTER (WHERE name = 'hitl activation') FROM pg_backend_memory_contexts WHERE name IN ('SPI Proc', 'hitl node', 'hitl activation') INTO most, d;
  RETURN jsonb_build_object('is_small', most < 1000000, 'activations', d < 10);
END $$;
SELECT graph_of('many');
SELECT status, state FROM begin_it('many');
SELECT * FROM hitl.check();
RESET search_path;
