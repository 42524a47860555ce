-- What an agent cannot do: take away what stops it. Its nodes vote on nothing (rights.sql); nor do they steer threads, or write graphs without the gate.
-- Proves: update_state, fork, migrate, start(if_busy => 'supersede') and all that writes graphs and breakpoints are refused in a node, in an executor and
-- inline, in a reducer, and in what a node leaves for the commit; to start, to enqueue and to cancel stays allowed; a person may do all of it.
SET client_min_messages = warning;
CREATE SCHEMA agent;
SET search_path = agent;
CREATE TABLE paid (thread_id bigint, amount numeric);
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('ok', hitl.interrupt(jsonb_build_object('action', 'pay', 'args', jsonb_build_object('amount', state->'amount')), 'q')->>'type') $$;
CREATE FUNCTION pays(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN
  IF state->>'ok' = 'approve' THEN INSERT INTO agent.paid VALUES (hitl.current_thread(), (state->>'amount')::numeric); END IF;
  RETURN '{}'; END $$;
SELECT hitl.define('{"graph": "agent refund", "nodes": {"ask": "asks", "pay": "pays"}, "edges": [["START", "ask"], ["ask", "pay"], ["pay", "END"]]}');
SELECT hitl.define('{"graph": "agent gated", "nodes": {"pay": {"handler": "pays", "gate": {"action": "pay"}}}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT hitl.start('agent refund', '{"amount": 9000}', 'order-1') AS victim \gset
SELECT hitl.wait(:victim);
-- A draft that is to be compiled, and a version to migrate to.
SELECT hitl.create_graph('agent draft') > 0 AS made, hitl.add_node('agent draft', 'n', 'pays'), hitl.add_edge('agent draft', 'START', 'n'), hitl.add_edge('agent draft', 'n', 'END');
SELECT hitl.define('{"graph": "agent refund", "nodes": {"ask": "asks", "pay": "pays", "other": "pays"}, "edges": [["START", "ask"], ["ask", "pay"], ["ask", "other"], ["other", "END"], ["pay", "END"]]}');

-- The agent: does what it is told, and tells what became of that.
CREATE FUNCTION tries(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE code text; message text; detail text; hint text;
BEGIN
  EXECUTE state->>'does';
  RETURN '{"said": {"message": "it is not refused"}}';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN jsonb_build_object('said', jsonb_build_object('code', code, 'message', message, 'detail', detail, 'hint', hint));
END $$;
SELECT hitl.define('{"graph": "agent", "nodes": {"n": "tries"}, "edges": [["START", "n"], ["n", "END"]]}');
CREATE TABLE attempts (n int GENERATED ALWAYS AS IDENTITY, what text, does text, thread_id bigint);
INSERT INTO attempts (what, does) SELECT x, replace(x, '$victim', :'victim') FROM unnest(ARRAY[
  $$SELECT hitl.update_state($victim, '{"ok": "approve"}', 'ask')$$,
  $$SELECT hitl.update_state($victim, '{"amount": 1}')$$,
  $$SELECT hitl.update_state(hitl.current_thread(), '{"amount": 1}')$$,
  $$SELECT hitl.fork($victim, 0, '{"ok": "approve", "amount": 1000000}', 'ask')$$,
  $$SELECT hitl.fork($victim)$$,
  $$SELECT hitl.migrate($victim)$$,
  $$SELECT hitl.start('agent refund', '{"amount": 1}', 'order-1', if_busy => 'supersede')$$,
  $$SELECT hitl.define('{"graph": "agent gated", "nodes": {"pay": "agent.pays"}, "edges": [["START", "pay"], ["pay", "END"]]}')$$,
  $$SELECT hitl.define('{"graph": "a new one", "nodes": {"pay": "agent.pays"}, "edges": [["START", "pay"], ["pay", "END"]]}')$$,
  $$SELECT hitl.create_graph('a new one')$$,
  $$SELECT hitl.add_node('agent draft', 'm', 'agent.pays')$$,
  $$SELECT hitl.add_edge('agent draft', 'n', 'n')$$,
  $$SELECT hitl.add_join('agent draft', ARRAY['n'], 'n')$$,
  $$SELECT hitl.add_conditional_edges('agent draft', 'n', 'agent.asks')$$,
  $$SELECT hitl.add_channel('agent draft', 'c', 'append')$$,
  $$SELECT hitl.compile('agent draft')$$,
  $$SELECT hitl.interrupt_before('*', 'agent refund')$$]) WITH ORDINALITY AS u (x, i) ORDER BY i;

-- 1. In an executor.
UPDATE attempts SET thread_id = hitl.start('agent', jsonb_build_object('does', does));
SELECT count(*) FROM attempts WHERE hitl.wait(thread_id, '60 s') IS DISTINCT FROM 'done';
SELECT what, hitl.get_state(thread_id)#>>'{said,code}' AS code, hitl.get_state(thread_id)#>>'{said,message}' AS message FROM attempts ORDER BY n;
SELECT DISTINCT hitl.get_state(thread_id)#>>'{said,detail}' AS detail, hitl.get_state(thread_id)#>>'{said,hint}' AS hint FROM attempts ORDER BY 1;
-- 2. Here and now.
SELECT n, hitl.invoke('agent', jsonb_build_object('does', does))#>>'{state,said,code}' AS code FROM attempts ORDER BY n;
-- The question still waits, and nothing was paid; the graphs are as they were.
SELECT status, args FROM hitl.pending p JOIN hitl.threads USING (thread_id) WHERE thread_id = :victim;
SELECT * FROM paid;
SELECT graph, version FROM hitl.graph WHERE graph IN ('agent refund', 'agent gated', 'agent draft', 'a new one') ORDER BY 1;

-- 3. In a reducer, and in a trigger that a node has left for the commit.
CREATE FUNCTION reduces(current jsonb, update jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT CASE WHEN update ? 'does' THEN agent.tries(update) ELSE update END $$;
SELECT hitl.define('{"graph": "reduces", "channels": {"c": "reduces"}, "nodes": {"n": {"sql": "SELECT jsonb_build_object(''c'', $1->''then'')"}}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.invoke('reduces', jsonb_build_object('then', jsonb_build_object('does', does)))#>>'{state,c,said,code}' AS code FROM attempts WHERE n = 1;
CREATE TABLE trap (does text);
CREATE FUNCTION spring() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE NEW.does; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON trap DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION spring();
\set VERBOSITY terse
SELECT hitl.invoke('agent', jsonb_build_object('does', format('INSERT INTO agent.trap VALUES (%L)', does)))->>'status' AS status FROM attempts WHERE n = 1;
\echo :SQLSTATE
\set VERBOSITY default

-- 4. What a node may do: start threads, enqueue input, and stop a thread.
SELECT hitl.invoke('agent', '{"does": "SELECT hitl.start(''agent refund'')"}')#>>'{state,said,message}' AS starts;
SELECT hitl.invoke('agent', '{"does": "SELECT hitl.start(''agent refund'', ''{\"amount\": 1}'', ''order-1'', if_busy => ''enqueue'')"}')#>>'{state,said,message}' AS enqueues;
SELECT hitl.invoke('agent', jsonb_build_object('does', format('SELECT hitl.cancel(%s)', max(thread_id))))#>>'{state,said,message}' AS cancels FROM hitl.threads WHERE graph = 'agent refund' AND thread_id <> :victim;

-- 5. A person may do all of it, also in a transaction in which a node has run.
BEGIN;
SELECT hitl.invoke('agent', '{"does": "SELECT 1"}')->>'status' AS status;
SELECT hitl.update_state(:victim, '{"ok": "approve"}', 'ask') > 0 AS updated, hitl.fork(:victim) > 0 AS forked, hitl.compile('agent draft') AS version;
ROLLBACK;
SELECT hitl.migrate(:victim);

-- Nobody is to run what is left.
SELECT DISTINCT hitl.cancel(thread_id) FROM hitl.threads WHERE graph = 'agent refund' AND status <> 'cancelled';
SELECT * FROM hitl.check();
SET search_path = public;
DROP SCHEMA agent CASCADE;
