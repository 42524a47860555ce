-- schema.sql: the same refund, once by hitl and once by hand.  No unique keys on refunds: a second one must show.
\set ON_ERROR_STOP on
CREATE ROLE bench LOGIN;
CREATE DATABASE bench OWNER bench;
\connect bench
CREATE EXTENSION hitl;
GRANT USAGE ON SCHEMA hitl TO bench;
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
