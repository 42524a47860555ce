-- setup.sql: the people, the table, the node and the graph of the demo.
\set ON_ERROR_STOP on
\set QUIET on
\set ECHO none
SET client_min_messages = warning;
CREATE ROLE shop LOGIN;
CREATE ROLE finance;
CREATE ROLE legal;
CREATE ROLE mia LOGIN IN ROLE shop, finance;
CREATE ROLE lea LOGIN IN ROLE legal;
CREATE DATABASE shop OWNER shop;
\connect shop
SET client_min_messages = warning;
CREATE EXTENSION hitl;
SELECT hitl.grant_author('shop');
GRANT USAGE ON SCHEMA hitl TO finance, legal;
GRANT CREATE ON SCHEMA public TO shop;
\connect shop shop
\pset null '-'
\set QUIET off

\echo
\echo '--- 1. The shop keeps its refunds in a table and writes one node: a function that takes the state and returns its update.'
\echo '---    Up to 1000 it pays at once.  Above, it asks a person in its middle and goes on with the answer.'
\echo
\set ECHO queries
CREATE TABLE refunds (thread_id bigint PRIMARY KEY, amount numeric NOT NULL);

CREATE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  args     jsonb := state->'refund_args';
  decision jsonb;
BEGIN
  IF ((args->>'amount')::numeric <= 1000) IS NOT TRUE THEN
    decision := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', args, 'description', 'Refund above 1000'));
    IF decision->>'type' = 'reject' THEN
      RETURN jsonb_build_object('status', 'aborted', 'reason', decision->'reason');
    ELSIF decision->>'type' = 'respond' THEN
      RETURN jsonb_build_object('status', 'answered', 'answer', decision->'response');
    END IF;
    args := decision->'args';          -- as approved: a reviewer's edits are merged in
  END IF;
  INSERT INTO refunds VALUES (hitl.current_thread(), (args->>'amount')::numeric);
  RETURN jsonb_build_object('status', 'paid', 'refund_args', args);
END $$;
\set ECHO none
\echo
\echo '--- 2. The graph: START -> pay -> END.'
\echo
\set ECHO queries
SELECT hitl.create_graph('refund') AS graph_id,
       hitl.add_node('refund', 'pay', 'pay(jsonb)'),
       hitl.add_edge('refund', 'START', 'pay'),
       hitl.add_edge('refund', 'pay', 'END'),
       hitl.compile('refund') AS version;
