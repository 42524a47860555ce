-- Continue mode: a node in PL/pgSQL goes on behind the statement that asked; nothing before it runs again.
-- Proves: what the node did is committed with the question; variables, loops and caught errors are as they were; functions within functions
-- too; check_node() and add_node() say what cannot go on, and why; what was kept and does not fit is refused, and nothing is lost.
SET client_min_messages = warning;
CREATE SCHEMA continues;
SET search_path = continues;

CREATE TABLE log (n serial, what text);
CREATE FUNCTION said(what text) RETURNS void LANGUAGE sql AS $$ INSERT INTO log (what) VALUES (what) $$;
-- A graph of one node in continue mode, named after its function.
CREATE FUNCTION graph_of(function text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  PERFORM hitl.create_graph('continue ' || function);
  PERFORM hitl.add_node('continue ' || function, 'n', function, suspend => 'continue'), hitl.add_edge('continue ' || function, 'START', 'n'), hitl.add_edge('continue ' || function, 'n', 'END');
  RETURN hitl.compile('continue ' || function);
END $$;
CREATE FUNCTION begin_it(graph text, input jsonb DEFAULT '{}', OUT status text, OUT state jsonb, OUT asks jsonb, OUT error text) LANGUAGE sql AS $$
  SELECT d->>'status', d->'state', jsonb_path_query_array(d, '$.interrupts[*].payload'), d#>>'{error,sqlstate}' FROM hitl.invoke('continue ' || graph, input) d $$;
CREATE FUNCTION latest(OUT thread_id bigint) LANGUAGE sql AS $$ SELECT max(thread_id) FROM hitl.threads $$;
CREATE FUNCTION answer(answer jsonb DEFAULT '{"type": "approve"}', OUT status text, OUT state jsonb, OUT asks jsonb, OUT error text) LANGUAGE sql AS $$
  SELECT d->>'status', d->'state', jsonb_path_query_array(d, '$.interrupts[*].payload'), d#>>'{error,sqlstate}' FROM hitl.resume(latest(), answer) d $$;
-- How a statement is refused.
CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
END $$;

-- 1. A refund: it reserves, asks, and pays.  The reservation is there while the reviewer looks, and is made once.
CREATE FUNCTION refund(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  amount numeric := state->>'amount';
  reserved_at timestamptz := clock_timestamp();
  decision jsonb;
BEGIN
  PERFORM said('reserved ' || amount);
  decision := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', jsonb_build_object('amount', amount)));
  IF decision->>'type' = 'reject' THEN
    PERFORM said('released ' || amount);
    RETURN '{"paid": 0}';
  END IF;
  PERFORM said('paid ' || (decision->'args'->>'amount'));
  RETURN jsonb_build_object('paid', decision->'args'->'amount', 'waited', reserved_at < clock_timestamp());
END $$;
SELECT graph_of('refund');
SELECT * FROM begin_it('refund', '{"amount": 4200}');
SELECT what FROM log ORDER BY n;
SELECT phase, saved #- '{calls,0,code}' #- '{calls,0,function}' #- '{calls,0,print}' #- '{calls,0,variables}' AS saved, jsonb_path_query_array(saved, '$.calls[0].variables[*][1]') AS variables
  FROM hitl.task WHERE thread_id = latest();
SELECT * FROM answer('{"type": "edit", "edits": {"amount": 4000}}');
SELECT what FROM log ORDER BY n;
SELECT phase, saved FROM hitl.task WHERE thread_id = latest();
-- By executors it is the same.
TRUNCATE log;
SELECT hitl.start('continue refund', '{"amount": 1}') AS t \gset
SELECT hitl.wait(:t, '30 s');
SELECT status FROM hitl.pending p, hitl.reject(p.interrupt_id, 'no') WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '30 s'), hitl.get_state(:t);
SELECT what FROM log ORDER BY n;

-- 2. Loops go on with the rows that they had, whatever has become of the table; labels, FOUND and ROW_COUNT mean what they meant.
TRUNCATE log;
CREATE TABLE orders (id integer PRIMARY KEY, amount numeric, at timestamptz DEFAULT '2026-01-01 00:00+00');
INSERT INTO orders SELECT g, g * 100.5 FROM generate_series(1, 5) g;
CREATE FUNCTION loops(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  r record;
  d jsonb NOT NULL := '{}';
  id integer;
  price numeric;
  pair integer[];
  n bigint;
  s text := '';
BEGIN
  <<rows>> FOR r IN SELECT o.id, o.amount, o.at FROM orders o WHERE o.amount > 150 ORDER BY o.id LOOP
    UPDATE orders o SET amount = -1 WHERE o.id >= r.id;
    d := hitl.interrupt(jsonb_build_object('order', r.id));
    GET DIAGNOSTICS n = ROW_COUNT;
    s := s || r.id || '=' || r.amount || '(' || n || pg_typeof(r.at) || ') ';
    FOR i IN REVERSE 5..1 BY 2 LOOP
      CONTINUE rows WHEN d->>'type' = 'reject';
      EXIT rows WHEN d->>'type' = 'respond';
      IF i = 3 THEN
        PERFORM hitl.interrupt(jsonb_build_object('order', r.id, 'i', i));
        s := s || i || FOUND || ' ';
        i := 1000;
      END IF;
    END LOOP;
  END LOOP;
  s := s || FOUND;
  FOR id, price IN EXECUTE 'SELECT x, x / $1 FROM generate_series(1, $2) x' USING 4.0, 2 LOOP
    SELECT hitl.interrupt(jsonb_build_object('id', id)) INTO d;
    s := s || ' ' || id || ':' || round(price, 2);
  END LOOP;
  FOREACH pair SLICE 1 IN ARRAY '{{1,2},{3,4}}'::integer[] LOOP
    PERFORM hitl.interrupt(to_jsonb(pair));
    s := s || pair::text;
  END LOOP;
  WHILE length(s) < 1000 LOOP
    s := s || '.';
    CASE d->>'type' WHEN 'approve' THEN PERFORM hitl.interrupt('"while"'); EXIT; ELSE NULL; END CASE;
  END LOOP;
  RETURN jsonb_build_object('s', s, 'pair', pair::text);
END $$;
SELECT graph_of('loops');
SELECT * FROM begin_it('loops');
DELETE FROM orders;
SELECT * FROM answer();
SELECT * FROM answer();
SELECT * FROM answer('{"type": "reject"}');
SELECT * FROM answer('{"type": "respond", "response": 1}');
SELECT * FROM answer();
SELECT * FROM answer();
SELECT * FROM answer();
SELECT * FROM answer();
SELECT * FROM answer();

-- 3. Functions within functions, as deep as one likes, strict ones and itself; what a variable demands of a value, it demands of the answer only.
CREATE FUNCTION ask_team(level integer, team text DEFAULT 'finance') RETURNS numeric STRICT LANGUAGE plpgsql AS $$
DECLARE
  mine numeric := level;
  below numeric;
BEGIN
  IF level > 1 THEN
    below := ask_team(level - 1, team);
    mine := mine + 10 * below;
  END IF;
  PERFORM hitl.interrupt(jsonb_build_object('team', team, 'level', level));
  PERFORM said(team || ' ' || level);
  RETURN mine;
END $$;
CREATE FUNCTION teams(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  sums numeric[] := '{}';
  sum integer NOT NULL := 0;
BEGIN
  sums[2] := ask_team(2);
  sum := ask_team(1, 'legal');
  RETURN jsonb_build_object('sums', sums::text, 'sum', sum);
END $$;
SELECT graph_of('teams');
SELECT line, statement, can_continue, reason FROM hitl.check_node('teams(jsonb)');
SELECT * FROM begin_it('teams');
SELECT jsonb_path_query_array(saved, '$.calls[*].at') AS at FROM hitl.task WHERE thread_id = latest();
SELECT * FROM answer();
SELECT * FROM answer();
SELECT * FROM answer();
SELECT what FROM log ORDER BY n;

CREATE DOMAIN share AS numeric NOT NULL CHECK (VALUE > 0);
CREATE DOMAIN decision AS jsonb NOT NULL;
CREATE FUNCTION shares(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  s share := 0.5;
  d decision := '0';
BEGIN
  s := ask_team(1, 'sales');
  d := hitl.interrupt(to_jsonb(s));
  RETURN jsonb_build_object('s', s, 'd', d->>'type');
END $$;
SELECT graph_of('shares');
SELECT * FROM begin_it('shares');
SELECT * FROM answer();
SELECT * FROM answer();

-- 4. A handler goes on with what it has caught.
CREATE FUNCTION handles(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE s text := ''; m text; d text;
BEGIN
  BEGIN
    RAISE EXCEPTION 'no cover' USING ERRCODE = 'P0042', DETAIL = 'policy 7';
  EXCEPTION WHEN SQLSTATE 'P0042' THEN
    BEGIN
      PERFORM 1 / 0;
    EXCEPTION WHEN division_by_zero THEN
      PERFORM hitl.interrupt('"in two handlers"');
      GET STACKED DIAGNOSTICS m = MESSAGE_TEXT;
      s := s || m || ' ' || SQLSTATE || '; ';
    END;
    PERFORM hitl.interrupt('"in one"');
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL;
    s := s || m || ' ' || d || ' ' || SQLERRM || '; ';
    BEGIN
      RAISE;
    EXCEPTION WHEN OTHERS THEN
      s := s || SQLSTATE;
    END;
  END;
  RETURN jsonb_build_object('s', s);
END $$;
SELECT graph_of('handles');
SELECT * FROM begin_it('handles');
SELECT * FROM answer();
SELECT * FROM answer();

-- A block around a pause undoes only what came after it: that is refused, unless one says that it is meant.
CREATE FUNCTION split(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  BEGIN
    PERFORM said('before');
    PERFORM hitl.interrupt('"in a block"');
    PERFORM said('after');
    RAISE division_by_zero;
  EXCEPTION WHEN division_by_zero THEN
    PERFORM said('handled');
  END;
  RETURN NULL;
END $$;
SELECT line, can_continue, reason, advice FROM hitl.check_node('split(jsonb)');
SELECT * FROM refused('SELECT graph_of(''split'')');
SET hitl.continue_split_block = warn;
SELECT line, can_continue, reason FROM hitl.check_node('split(jsonb)');
SET client_min_messages = error;
SELECT graph_of('split');
SET client_min_messages = warning;
RESET hitl.continue_split_block;
TRUNCATE log;
SELECT status FROM begin_it('split');
SELECT status FROM answer();
SELECT what FROM log ORDER BY n;

-- 5. What cannot go on, why, and what to write instead.
CREATE FUNCTION ask_sql() RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.interrupt('1') $$;
CREATE FUNCTION ask_all() RETURNS SETOF integer LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt('1'); RETURN NEXT 1; END $$;
CREATE FUNCTION ask_any(x anyelement) RETURNS anyelement LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt('1'); RETURN x; END $$;
CREATE FUNCTION ask_two(x integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt('1'); RETURN x; END $$;
CREATE FUNCTION ask_two(x text) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE DOMAIN positive AS integer CHECK (VALUE > 0) NOT NULL;
CREATE FUNCTION ask_positive() RETURNS positive LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt('1'); RETURN 1; END $$;
CREATE PROCEDURE ask_call() LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt('1'); END $$;
CREATE FUNCTION harmless(x integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN IF x > 0 THEN RETURN harmless(x - 1); END IF; RETURN 0; END $$;
CREATE FUNCTION cannot(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  d jsonb := hitl.interrupt('1');
  i integer := harmless(3);
  r record;
  c CURSOR FOR SELECT 1;
BEGIN
  IF hitl.interrupt('1')->>'type' = 'approve' THEN NULL; END IF;
  d := hitl.interrupt('1')->'args';
  PERFORM hitl.interrupt('1') FROM orders;
  INSERT INTO log (what) SELECT hitl.interrupt('1')::text;
  d := ask_sql();
  d := hitl.interrupt(ask_any(d));
  i := (SELECT sum(x) FROM ask_all() x);
  i := ask_two(1);
  i := ask_positive();
  CALL ask_call();
  FOR r IN c LOOP d := hitl.interrupt('1'); END LOOP;
  FOR r IN SELECT * FROM orders FOR UPDATE LOOP d := hitl.interrupt('1'); END LOOP;
  FOR r IN SELECT random() LOOP d := hitl.interrupt('1'); END LOOP;
  d := interrupt('1');
  RAISE NOTICE '%', hitl.interrupt('1');
  RETURN d || harmless(1)::text::jsonb;
END $$;
SELECT function_name, line, statement, reason, advice FROM hitl.check_node('cannot(jsonb)') WHERE NOT can_continue;
SELECT * FROM hitl.check_node('ask_sql()');
SELECT * FROM hitl.check_node('harmless(integer)');
SELECT code, message FROM refused('SELECT graph_of(''cannot'')');
SELECT hitl.create_graph('continue later') > 0 AS is_made;
SELECT * FROM refused($$SELECT hitl.add_node('continue later', 'n', 'ask_sql()', suspend => 'continue')$$);
SELECT * FROM refused($$SELECT hitl.add_node('continue later', 'n', sql => 'SELECT $1', suspend => 'continue')$$);
SELECT * FROM refused($$SELECT hitl.add_node('continue later', 'n', 'cannot', suspend => 'never')$$);
-- A function that is not there yet is looked at by compile().
SELECT hitl.add_node('continue later', 'n', 'comes_later', suspend => 'continue'), hitl.add_edge('continue later', 'START', 'n'), hitl.add_edge('continue later', 'n', 'END');
CREATE FUNCTION comes_later(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt('1') || '{}'; END $$;
SELECT * FROM refused($$SELECT hitl.compile('continue later')$$);

-- 6. What only a run can tell is refused when it runs; nobody swallows that, and nothing is replayed.
CREATE FUNCTION sneaks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb; r record; c refcursor;
BEGIN
  PERFORM said('sneaks ' || (state->>'how'));
  BEGIN
    CASE state->>'how'
      WHEN 'execute' THEN EXECUTE 'SELECT hitl.interrupt(''1'')' INTO d;
      WHEN 'volatile' THEN FOR r IN EXECUTE 'SELECT clock_timestamp() FROM generate_series(1, 2)' LOOP d := hitl.interrupt('1'); END LOOP;
      WHEN 'lock' THEN FOR r IN EXECUTE 'SELECT * FROM log FOR UPDATE' LOOP d := hitl.interrupt('1'); END LOOP;
      WHEN 'cursor' THEN OPEN c FOR SELECT 1; d := hitl.interrupt('1');
      WHEN 'array' THEN SELECT ARRAY[ROW(1, 2)] AS a INTO r; d := hitl.interrupt('1');
      WHEN 'endless' THEN FOR r IN WITH RECURSIVE e (x) AS (SELECT repeat('x', 1000) UNION ALL SELECT x FROM e) SELECT x FROM e LOOP d := hitl.interrupt('1'); END LOOP;
      WHEN 'large' THEN d := to_jsonb(repeat('x', 3000000)); PERFORM hitl.interrupt('1');
    END CASE;
  EXCEPTION WHEN OTHERS THEN
    RETURN '{"swallowed": true}';
  END;
  RETURN d;
END $$;
SET client_min_messages = error;
SET hitl.continue_split_block = warn;
SELECT graph_of('sneaks');
RESET hitl.continue_split_block;
SET client_min_messages = warning;
TRUNCATE log;
SELECT how, b.* FROM unnest('{execute,volatile,lock,cursor,array,endless,large}'::text[]) how, begin_it('sneaks', jsonb_build_object('how', how)) b;
SELECT what FROM log ORDER BY n;
SELECT message, detail FROM hitl.failed WHERE graph = 'continue sneaks' ORDER BY thread_id;

-- 7. An error behind the pause rolls back to the pause, and retry() goes on from there, with the same answer.
CREATE TABLE limits (most numeric CHECK (most < 1000));
CREATE FUNCTION fails(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb;
BEGIN
  PERFORM said('before');
  d := hitl.interrupt('{"action": "raise", "args": {"most": 5000}}');
  PERFORM said('behind');
  INSERT INTO limits VALUES ((d->'args'->>'most')::numeric);
  RETURN '{"raised": true}';
END $$;
SELECT graph_of('fails');
TRUNCATE log;
SELECT status FROM begin_it('fails');
SELECT status, error FROM answer();
SELECT what FROM log ORDER BY n;
ALTER TABLE limits DROP CONSTRAINT limits_most_check;
SELECT hitl.retry(latest());
SELECT hitl.wait(latest(), '30 s'), hitl.get_state(latest());
SELECT what FROM log ORDER BY n;

-- 8. A function that is replaced while a thread waits in it: the thread goes on with what it was.  So do functions that it had called.
CREATE FUNCTION inner_ask(n integer) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text := 'old ' || n; BEGIN PERFORM hitl.interrupt('"inner"'); RETURN v || ' inner'; END $$;
CREATE FUNCTION outer_ask(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN v := inner_ask(1); RETURN jsonb_build_object('v', v || ', old outer'); END $$;
SELECT graph_of('outer_ask');
SELECT status FROM begin_it('outer_ask');
CREATE OR REPLACE FUNCTION inner_ask(n integer) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text := 'new ' || n; BEGIN v := v || '!'; PERFORM hitl.interrupt('"new inner"'); RETURN v || ' new inner'; END $$;
CREATE OR REPLACE FUNCTION outer_ask(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN v := inner_ask(2); RETURN jsonb_build_object('v', v || ', new outer'); END $$;
SELECT * FROM answer();
-- Also if the new one asks nobody, or is not there any more: the next call is one of what is there.
CREATE FUNCTION ask_below(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt(to_jsonb(n)); RETURN n; END $$;
CREATE FUNCTION ask_thrice(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  s text := '';
  t integer;
BEGIN
  FOR r IN 1..3 LOOP
    t := ask_below(r);
    s := s || t || ' ';
  END LOOP;
  PERFORM ask_below(4);
  RETURN jsonb_build_object('s', s);
END $$;
SELECT graph_of('ask_thrice');
SELECT status, asks FROM begin_it('ask_thrice');
SELECT status, asks FROM answer();
CREATE OR REPLACE FUNCTION ask_below(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN -n; END $$;
SELECT * FROM answer();
CREATE OR REPLACE FUNCTION ask_below(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.interrupt(to_jsonb(n)); RETURN n; END $$;
SELECT status, asks FROM begin_it('ask_thrice');
DROP FUNCTION ask_below(integer);
SELECT * FROM answer();
SELECT message FROM hitl.failed WHERE thread_id = latest();
CREATE FUNCTION ask_below(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN -n; END $$;
SELECT hitl.retry(latest());
SELECT hitl.wait(latest(), '30 s'), hitl.get_state(latest());
-- Without a copy, what was kept is refused where it does not fit, and the thread stays where it is.
SELECT status FROM begin_it('outer_ask');
DO $$ BEGIN EXECUTE (SELECT format('DROP FUNCTION %s', shadow) FROM hitl.graph_function WHERE signature LIKE '%inner_ask%'); END $$;
CREATE OR REPLACE FUNCTION inner_ask(n integer) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text := 'x'; w text; BEGIN v := v || '?'; PERFORM hitl.interrupt('"new inner"'); RETURN v; END $$;
SELECT status, error FROM answer();
SELECT message, detail FROM hitl.failed WHERE thread_id = latest();
CREATE OR REPLACE FUNCTION inner_ask(n integer) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v integer; BEGIN v := 1; PERFORM hitl.interrupt('"new inner"'); RETURN v; END $$;
SELECT hitl.retry(latest());
SELECT hitl.wait(latest(), '30 s');
SELECT detail FROM hitl.failed WHERE thread_id = latest();
CREATE OR REPLACE FUNCTION inner_ask(n integer) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN v := 1; PERFORM hitl.interrupt('"another"'); RETURN v; END $$;
SELECT hitl.retry(latest());
SELECT hitl.wait(latest(), '30 s');
SELECT detail FROM hitl.failed WHERE thread_id = latest();
CREATE OR REPLACE FUNCTION inner_ask(n integer) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN PERFORM hitl.interrupt('"new inner"'); RETURN v; END $$;
SELECT hitl.retry(latest());
SELECT hitl.wait(latest(), '30 s');
SELECT detail FROM hitl.failed WHERE thread_id = latest();
DROP FUNCTION inner_ask(integer);
SELECT hitl.retry(latest());
SELECT hitl.wait(latest(), '30 s');
SELECT message, regexp_replace(detail, '_g\d+_', '_g<graph>_') AS detail FROM hitl.failed WHERE thread_id = latest();
-- Another one that says the same at that place fits.
CREATE OR REPLACE FUNCTION inner_ask(n integer) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text := 'mended'; BEGIN v := v || '?'; PERFORM hitl.interrupt('"new inner"'); RETURN v || ' mended'; END $$;
SELECT hitl.retry(latest());
SELECT hitl.wait(latest(), '30 s'), hitl.get_state(latest());

-- 9. Rules answer in continue mode as well: only what needs a person is asked.  A guard that does not agree asks again, and the node has not moved.
CREATE TABLE account (is_open boolean);
INSERT INTO account VALUES (true);
CREATE FUNCTION account_is_open(question jsonb, decision jsonb) RETURNS boolean LANGUAGE sql AS $$ SELECT is_open FROM account $$;
SELECT hitl.create_policy('while open', '{"guard": "account_is_open(jsonb,jsonb)", "starter_may_decide": true}');
SELECT hitl.create_rule('small ones', 'while open', action => 'pay', skip_when => '$.amount < 100') > 0 AS is_made;
CREATE FUNCTION pays(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb; amount numeric; s text := '';
BEGIN
  FOREACH amount IN ARRAY '{50,150,60,250}'::numeric[] LOOP
    d := hitl.interrupt(jsonb_build_object('action', 'pay', 'args', jsonb_build_object('amount', amount)), 'pay');
    PERFORM said('paid ' || amount);
    s := s || amount || coalesce(d->>'automatic', '') || ' ';
  END LOOP;
  RETURN jsonb_build_object('s', s);
END $$;
SELECT graph_of('pays');
TRUNCATE log;
SELECT status, asks FROM begin_it('pays');
UPDATE account SET is_open = false;
SELECT status, asks FROM answer();
SELECT what FROM log ORDER BY n;
UPDATE account SET is_open = true;
SELECT status, asks FROM answer();
SELECT status, state FROM answer();
SELECT what FROM log ORDER BY n;
SELECT key, status, count(*) FROM hitl.interrupt WHERE thread_id = latest() GROUP BY 1, 2 ORDER BY 1, 2;
-- A question that is taken back, by a change of the state, is asked again: what the node has done is done.
SELECT status, asks FROM begin_it('pays');
SELECT hitl.update_state(latest(), '{"changed": true}') > 0 AS is_changed;
SELECT hitl.wait(latest(), '30 s');
SELECT args FROM hitl.pending WHERE thread_id = latest();
SELECT status, asks FROM answer();
SELECT status, state FROM answer();
-- In a version in which the node is in replay mode it would begin anew, and do all again: that is refused.
SELECT status FROM begin_it('refund', '{"amount": 7}');
TRUNCATE log;
SELECT hitl.define(jsonb_set(definition, '{nodes,n,suspend}', '"replay"') || '{"graph": "continue refund"}') FROM hitl.graph_version JOIN hitl.graph USING (graph_id) WHERE graph = 'continue refund' AND graph_version.version = 1;
SELECT hitl.migrate(latest());
SELECT * FROM answer();
SELECT message, detail FROM hitl.failed WHERE thread_id = latest();
SELECT what FROM log;
SELECT hitl.drop_rule('small ones');
SELECT * FROM hitl.check();
RESET search_path;
