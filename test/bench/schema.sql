-- schema.sql: the same refund, once by hitl and once by hand.  No unique keys on refunds: a second one must show.
\set ON_ERROR_STOP on
CREATE ROLE bench LOGIN;
CREATE DATABASE bench OWNER bench;
\connect bench
CREATE EXTENSION hitl;
SELECT hitl.grant_author('bench');
GRANT CREATE ON SCHEMA public TO bench;
\connect bench bench

CREATE TABLE refunds (thread_id bigint NOT NULL, amount numeric NOT NULL);
CREATE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  decision jsonb := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', state->'refund_args', 'description', 'Refund above 1000'));
BEGIN
  INSERT INTO refunds VALUES (hitl.current_thread(), (decision->'args'->>'amount')::numeric);
  RETURN jsonb_build_object('status', 'paid', 'refund_args', decision->'args');
END $$;
SELECT hitl.create_graph('refund'), hitl.add_node('refund', 'pay', 'pay(jsonb)');
SELECT hitl.add_edge('refund', 'START', 'pay'), hitl.add_edge('refund', 'pay', 'END');
SELECT hitl.compile('refund');

-- what is to be decided next, numbered, so that each client knows its share
CREATE TABLE todo (k bigint PRIMARY KEY, interrupt_id bigint NOT NULL, thread_id bigint NOT NULL);

CREATE TABLE floor_interrupt (id bigint PRIMARY KEY, action text NOT NULL, args jsonb NOT NULL, description text,
  status text NOT NULL DEFAULT 'pending', opened_at timestamptz NOT NULL DEFAULT now(), decision jsonb, decided_by text, decided_at timestamptz);
CREATE INDEX ON floor_interrupt (opened_at) WHERE status = 'pending';
CREATE TABLE floor_state (id bigint PRIMARY KEY, status text NOT NULL, state jsonb NOT NULL, changed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE floor_refunds (id bigint NOT NULL, amount numeric NOT NULL);

-- Three nodes in a line, and one in a circle.  Each notes that it ran; no unique keys here either.
CREATE TABLE work (thread_id bigint NOT NULL, node text NOT NULL);
CREATE FUNCTION notes(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  me text := hitl.context()->>'node';
BEGIN
  INSERT INTO work VALUES (hitl.current_thread(), me);
  RETURN jsonb_build_object(me, true);
END $$;
CREATE FUNCTION counts(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO work VALUES (hitl.current_thread(), 'loop');
  RETURN jsonb_build_object('n', coalesce((state->>'n')::int, 0) + 1);
END $$;
CREATE FUNCTION again(state jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN CASE WHEN (state->>'n')::int < (state->>'steps')::int THEN 'loop' ELSE 'END' END;
END $$;
SELECT hitl.define('{"graph": "line", "nodes": {"one": "notes", "two": "notes", "three": "notes"}, "edges": [["START", "one"], ["one", "two"], ["two", "three"], ["three", "END"]]}');
SELECT hitl.define('{"graph": "loop", "recursion_limit": 1000000, "nodes": {"loop": "counts"}, "edges": [["START", "loop"]], "conditional_edges": [{"source": "loop", "router": "again"}]}');

-- By hand a super-step is one commit that writes the same: queue, task, checkpoint, thread.
CREATE TABLE floor_thread (id bigint PRIMARY KEY, status text NOT NULL, step int NOT NULL, state jsonb NOT NULL, changed_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 70);
CREATE TABLE floor_checkpoint (id bigint, step int, delta jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id, step));
CREATE TABLE floor_task (id bigint, step int, node text NOT NULL, status text NOT NULL, changes jsonb, created_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz, PRIMARY KEY (id, step)) WITH (fillfactor = 70);
CREATE TABLE floor_queue (id bigint, step int, due_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id, step));
CREATE TABLE floor_work (id bigint NOT NULL, node text NOT NULL);

-- Twenty steps over a document of 50 kB, of which a number changes; and the same with a message more in each step.
CREATE FUNCTION says(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('n', (state->>'n')::int + 1, 'messages', jsonb_build_object('id', state->>'n', 'text', (SELECT string_agg(md5((state->>'n') || i), ' ') FROM generate_series(1, 8) i))) $$;
CREATE FUNCTION counts_on(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('n', (state->>'n')::int + 1) $$;
CREATE FUNCTION to_twenty(state jsonb) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN (state->>'n')::int < 20 THEN 'a' ELSE 'END' END $$;
SELECT hitl.define('{"graph": "large", "nodes": {"a": "counts_on"}, "edges": [["START", "a"]], "conditional_edges": [{"source": "a", "router": "to_twenty"}]}');
SELECT hitl.define('{"graph": "chat", "channels": {"messages": {"reducer": "messages", "initial": []}}, "nodes": {"a": "says"}, "edges": [["START", "a"]], "conditional_edges": [{"source": "a", "router": "to_twenty"}]}');
CREATE TABLE one_state (graph text, state jsonb);
