-- An answer is heard: what a person has decided is never passed over, whatever has changed since the question was put.
-- Proves: a reject at a gate stays a reject when the gate's predicate would skip the question now (another version, another state); a reject, an edit or a
-- response that the node does not ask for any more ends the run without its effects (IH007), an approval does not; what a reducer leaves for the commit does not vote.
SET client_min_messages = warning;
CREATE SCHEMA heard;
SET search_path = heard;
CREATE TABLE paid (thread_id bigint, amount numeric);
CREATE FUNCTION pay(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO heard.paid VALUES (hitl.current_thread(), (state->'refund'->>'amount')::numeric);
  RETURN '{"status": "paid"}';
END $$;
CREATE FUNCTION define_gate(maximum int) RETURNS int LANGUAGE sql AS $$
  SELECT hitl.define(jsonb_build_object('graph', 'heard gate', 'edges', '[["START", "pay"], ["pay", "END"]]'::jsonb, 'nodes', jsonb_build_object('pay', jsonb_build_object('handler', 'pay',
    'gate', jsonb_build_object('action', 'refund', 'args', '$.refund', 'skip_when', '$.amount <= ' || maximum))))) $$;

-- 1. Another version whose gate would let the amount pass: the question is pending, and each answer to it counts.
SELECT define_gate(1000);
SELECT hitl.start_many('heard gate', ARRAY(SELECT '{"refund": {"amount": 5000}}'::jsonb FROM generate_series(1, 4))) AS t \gset
SELECT hitl.wait(id) FROM unnest(:'t'::bigint[]) id;
SELECT define_gate(10000);
SELECT hitl.migrate(id) FROM unnest(:'t'::bigint[]) id;
SELECT a.status FROM unnest(:'t'::bigint[], ARRAY['{"type": "reject", "reason": "no"}', '{"type": "edit", "edits": {"amount": 1}}', '{"type": "approve"}', '{"type": "respond", "response": "later"}']::jsonb[]) x (id, decision)
  JOIN hitl.pending p ON p.thread_id = x.id, hitl.decide(p.interrupt_id, x.decision) a;
SELECT hitl.wait(id), hitl.get_state(id) FROM unnest(:'t'::bigint[]) id;
SELECT u.i, p.amount FROM unnest(:'t'::bigint[]) WITH ORDINALITY u (id, i) LEFT JOIN paid p ON p.thread_id = id ORDER BY i;
-- A thread that starts now is not asked.
SELECT hitl.start('heard gate', '{"refund": {"amount": 5000}}') AS t \gset
SELECT hitl.wait(:t);
SELECT count(*) AS paid FROM paid p WHERE p.thread_id = :t;

-- 2. Another state: a no to 50000 is no answer about 900, so the person is asked about that.
SELECT hitl.start('heard gate', '{"refund": {"amount": 50000}}') AS t \gset
SELECT hitl.wait(:t);
SELECT hitl.update_state(:t, '{"refund": {"amount": 900}}') > 0 AS updated;
SELECT a.status FROM hitl.pending p, hitl.reject(p.interrupt_id, 'too much') a WHERE p.thread_id = :t;
SELECT hitl.wait(:t);
SELECT count(*) AS paid FROM paid p WHERE p.thread_id = :t;
SELECT args, supersedes IS NOT NULL AS replaces FROM hitl.pending WHERE thread_id = :t;
SELECT a.status FROM hitl.pending p, hitl.reject(p.interrupt_id, 'no refund at all') a WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT count(*) AS paid FROM paid p WHERE p.thread_id = :t;

-- 3. A node that asks by itself, and does not ask any more once a table has changed.
CREATE TABLE rule (asks boolean);
INSERT INTO rule VALUES (true);
CREATE FUNCTION ask(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE d jsonb;
BEGIN
  IF (SELECT asks FROM heard.rule) THEN d := hitl.interrupt('{"action": "refund", "args": {"amount": 7}}'); END IF;
  INSERT INTO heard.paid VALUES (hitl.current_thread(), 7);
  RETURN jsonb_build_object('heard', d->'type');
END $$;
SELECT hitl.define('{"graph": "heard asks", "nodes": {"ask": "ask"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.start_many('heard asks', ARRAY(SELECT '{}'::jsonb FROM generate_series(1, 4))) AS t \gset
SELECT hitl.wait(id) FROM unnest(:'t'::bigint[]) id;
UPDATE rule SET asks = false;
SELECT a.status FROM unnest(:'t'::bigint[], ARRAY['{"type": "reject"}', '{"type": "edit", "edits": {"amount": 1}}', '{"type": "respond", "response": 1}', '{"type": "approve"}']::jsonb[]) x (id, decision)
  JOIN hitl.pending p ON p.thread_id = x.id, hitl.decide(p.interrupt_id, x.decision) a;
SELECT hitl.wait(id) FROM unnest(:'t'::bigint[]) id;
SELECT u.i, p.amount FROM unnest(:'t'::bigint[]) WITH ORDINALITY u (id, i) LEFT JOIN paid p ON p.thread_id = id ORDER BY i;
SELECT sqlstate, message, regexp_replace(detail, '[0-9]+', 'N') AS detail, regexp_replace(hint, '[0-9]+', 'N', 'g') AS hint FROM hitl.failed WHERE graph = 'heard asks' ORDER BY thread_id LIMIT 1 \gx
-- It asks again: the answer is there.
UPDATE rule SET asks = true;
SELECT hitl.retry((:'t'::bigint[])[1]), hitl.retry((:'t'::bigint[])[2]), hitl.retry((:'t'::bigint[])[3]);
SELECT hitl.wait(id), hitl.get_state(id) FROM unnest(:'t'::bigint[]) id;

-- 4. A reducer is code of an agent too: what it leaves to run at the commit does not vote.
CREATE TABLE noted (interrupt_id bigint);
CREATE FUNCTION vote() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.approve(NEW.interrupt_id); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER vote AFTER INSERT ON noted DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION vote();
CREATE FUNCTION reduce(current jsonb, update jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO heard.noted SELECT (update->>'approve')::bigint WHERE update ? 'approve';
  RETURN update;
END $$;
SELECT hitl.define('{"graph": "heard reduces", "channels": {"notes": "reduce"}, "nodes": {"ask": "ask"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.start('heard reduces') AS t \gset
SELECT hitl.wait(:t);
\set VERBOSITY sqlstate
SELECT hitl.update_state(:t, jsonb_build_object('notes', jsonb_build_object('approve', p.interrupt_id))) FROM hitl.pending p WHERE p.thread_id = :t;
\set VERBOSITY default
SELECT count(*) AS pending FROM hitl.pending WHERE thread_id = :t;

SELECT * FROM hitl.check();
