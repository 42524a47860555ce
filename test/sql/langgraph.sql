-- LangGraph's six: what a careful author of LangGraph graphs has to guard against by hand, six scenarios in which here it cannot happen.
-- Proves: an answer answers one question, and only while that question is open; of two answers one counts; a pause cannot be caught; a
-- question outlives new input; what a node did before it asked is done once.  (LangGraph JS 1.7, with its defaults, did all six otherwise.)
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
CREATE SCHEMA langgraph;
SET search_path = langgraph;

-- What the nodes do to the world.
CREATE TABLE effect (thread_id bigint, effect text);
-- A graph of one node, which bears the name of its function; the question that a thread asks at the moment.
CREATE FUNCTION graph_of(node text) RETURNS integer LANGUAGE sql AS $$
  SELECT hitl.define(jsonb_build_object('graph', node, 'nodes', jsonb_build_object('n', node), 'edges', '[["START", "n"], ["n", "END"]]'::jsonb)) $$;
CREATE FUNCTION question(thread bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT interrupt_id FROM hitl.pending WHERE thread_id = thread $$;
-- How a statement is refused, with ids and times masked.
CREATE FUNCTION refused(statement text, OUT code text, OUT message text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  message := regexp_replace(message, '\d+', 'N', 'g');
  detail := regexp_replace(regexp_replace(detail, '\d{4}-\d\d-\d\d [\d:.]+[+-]\d\d', 'TIME'), '\d+', 'N', 'g');
END $$;

-- 1. LangGraph: a node asks Q1, then Q2; the answer to Q1, delivered a second time by Q1's own id, is taken for the answer to Q2.
--    Here the second delivery is an error that says who gave the first, and Q2 stays open.
CREATE FUNCTION drops(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  name text;
  answers jsonb := '{}';
BEGIN
  FOREACH name IN ARRAY '{test, prod}'::text[] LOOP
    answers := answers || jsonb_build_object(name, hitl.interrupt(jsonb_build_object('action', 'drop table', 'args', jsonb_build_object('table', name)))->'type');
    IF answers->>name = 'approve' THEN
      INSERT INTO effect VALUES (hitl.current_thread(), 'dropped ' || name);
    END IF;
  END LOOP;
  RETURN answers;
END $$;
SELECT graph_of('drops');
SELECT hitl.invoke('drops')->'thread_id' AS t \gset
SELECT question(:t) AS q1 \gset
SELECT action, args FROM hitl.pending WHERE thread_id = :t;
SELECT hitl.resume(:t, '{"type": "approve"}')->'status' AS status;
SELECT action, args FROM hitl.pending WHERE thread_id = :t;
SELECT question(:t) AS q2 \gset
-- The same answer again, by whatever door.
SELECT * FROM refused(format('SELECT hitl.approve(%s)', :q1));
SELECT * FROM refused(format('SELECT hitl.decide(%s, ''{"type": "approve"}'')', :q1));
-- A client that sends a key with its answer may repeat it without harm: it gets its own answer again, and nobody else's question.
SELECT status, votes, needed FROM hitl.reject(:q2, 'not that one', idempotency_key => 'click-1');
SELECT status, votes, needed FROM hitl.reject(:q2, 'not that one', idempotency_key => 'click-1');
-- The key does not carry over to another answer.
SELECT * FROM refused(format('SELECT hitl.approve(%s, idempotency_key => ''click-1'')', :q2));
CALL hitl.run_pending();
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT effect FROM effect WHERE thread_id = :t;

-- 2. LangGraph: two resumes of one question at the same time, one yes and one no, both succeed, and the effect happens twice.
--    Here whoever comes second is told who was first.  (The race itself: test/isolation, two-resumes and two-deciders.)
CREATE FUNCTION pays(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  decision jsonb := hitl.interrupt('{"action": "pay", "args": {"amount": 100}}');
BEGIN
  INSERT INTO effect VALUES (hitl.current_thread(), CASE decision->>'type' WHEN 'approve' THEN 'paid' ELSE 'refused' END);
  RETURN jsonb_build_object('said', decision->'type');
END $$;
SELECT graph_of('pays');
SELECT hitl.invoke('pays')->'thread_id' AS t \gset
SELECT question(:t) AS q \gset
SELECT (hitl.approve(:q)).status;
SELECT * FROM refused(format('SELECT hitl.reject(%s, ''no'')', :q));
SELECT code, message FROM refused(format('SELECT hitl.resume(%s, ''{"type": "reject"}'')', :t));
CALL hitl.run_pending();
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT effect FROM effect WHERE thread_id = :t;
-- In one statement, too: nothing of it counts.
SELECT hitl.invoke('pays')->'thread_id' AS t \gset
SELECT * FROM refused(format('SELECT hitl.decide(%s, answer) FROM unnest(ARRAY[''{"type": "approve"}'', ''{"type": "reject"}'']::jsonb[]) answer', question(:t)));
SELECT status FROM hitl.threads WHERE thread_id = :t;
SELECT count(*) FROM effect WHERE thread_id = :t;
SELECT (hitl.cancel(:t, 'was an example'));

-- 3. LangGraph: an answer to a thread that is done, with an id that nobody knows, to a thread that never started: all return without an error.
--    Here each is an error of its own.
SELECT hitl.invoke('pays')->'thread_id' AS t \gset
SELECT question(:t) AS q \gset
SELECT hitl.resume(:t, '{"type": "approve"}')->'status' AS status;
SELECT * FROM refused(format('SELECT hitl.approve(%s)', :q));
SELECT * FROM refused(format('SELECT hitl.resume(%s, ''{"type": "approve"}'')', :t));
SELECT * FROM refused('SELECT hitl.approve(987654321)');
SELECT * FROM refused('SELECT hitl.resume(987654321, ''{"type": "approve"}'')');
-- Nor does an answer wait for its question: a thread that is started but has not asked yet takes none.
BEGIN;
SELECT hitl.start('pays') AS t \gset
SELECT * FROM refused(format('SELECT hitl.resume(%s, ''{"type": "approve"}'')', :t));
ROLLBACK;
-- A cancelled question takes none either.
SELECT hitl.invoke('pays')->'thread_id' AS t \gset
SELECT question(:t) AS q \gset
SELECT hitl.cancel(:t);
SELECT * FROM refused(format('SELECT hitl.approve(%s)', :q));
SELECT * FROM refused(format('SELECT hitl.resume(%s, ''{"type": "approve"}'')', :t));
-- And null, which LangGraph takes for no answer at all, is one where it is meant as one.
SELECT hitl.invoke('pays')->'thread_id' AS t \gset
SELECT hitl.resume(:t, '{"type": "respond", "response": null}')->'state' AS state;
SELECT count(*) FROM effect WHERE effect = 'paid';

-- 4. LangGraph: try/catch around interrupt turns the pause off, silently, and the node goes on unapproved.
--    Here the node pauses whatever it catches.  (PL/Python and PL/Perl: languages.sql.  More handlers: replay.sql.)
CREATE FUNCTION careless(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  said text := 'nothing';
BEGIN
  BEGIN
    said := hitl.interrupt('{"action": "delete all"}')->>'type';
  EXCEPTION WHEN OTHERS THEN
    said := 'an error, never mind';
  END;
  INSERT INTO effect VALUES (hitl.current_thread(), 'deleted all, though it was told: ' || said);
  RETURN jsonb_build_object('said', said);
END $$;
-- This one catches the pause by its very name.
CREATE FUNCTION cunning(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  said text := 'nothing';
BEGIN
  BEGIN
    said := hitl.interrupt('{"action": "delete all"}')->>'type';
  EXCEPTION WHEN query_canceled OR assert_failure THEN
    NULL;
  END;
  BEGIN
    INSERT INTO effect VALUES (hitl.current_thread(), 'deleted all, though it was told: ' || said);
  EXCEPTION WHEN query_canceled OR assert_failure THEN
    NULL;
  END;
  RETURN jsonb_build_object('said', said);
END $$;
SELECT graph_of('careless'), graph_of('cunning');
SELECT graph, i->'status' AS status, i->'state' AS state FROM unnest('{careless, cunning}'::text[]) graph, hitl.invoke(graph) i;
SELECT count(*) FROM effect WHERE effect LIKE 'deleted%';
SELECT graph, hitl.resume(thread_id, '{"type": "reject"}')->'state' AS state FROM (SELECT graph, thread_id FROM hitl.pending WHERE graph IN ('careless', 'cunning') ORDER BY thread_id) p;
-- What a node does with a no is the author's; but a person was asked.
SELECT effect FROM effect WHERE effect LIKE 'deleted%';

-- 5. LangGraph: new input to a thread that waits for a person throws the question away; another one, with another id, takes its place.
--    Here new input is refused, or waits, or says that the question is to be given up; and that is on the record.  (More: busy.sql.)
SELECT hitl.start('pays', '{"order": 991}', key => 'order-991') AS t \gset
CALL hitl.run_pending();
SELECT hitl.wait(:t);
SELECT question(:t) AS q \gset
SELECT * FROM refused($$SELECT hitl.start('pays', '{"order": 991, "hurry": true}', key => 'order-991')$$);
-- The same start once more, as of a client that does not know whether it was heard, is no new input.
SELECT hitl.start('pays', '{"order": 991}', key => 'order-991') = :t AS is_same_thread;
CALL hitl.run_pending();
SELECT hitl.wait(:t);
SELECT interrupt_id = :q AS is_same_question, status FROM hitl.interrupt WHERE thread_id = :t;
-- It may wait for its turn: the question stands, under the id that people were shown, and its answer is for what they were shown.
SELECT hitl.start('pays', '{"hurry": true}', key => 'order-991', if_busy => 'enqueue') = :t AS is_same_thread;
CALL hitl.run_pending();
SELECT hitl.wait(:t);
SELECT interrupt_id = :q AS is_same_question, status FROM hitl.interrupt WHERE thread_id = :t;
SELECT (hitl.approve(:q)).status;
CALL hitl.run_pending();
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT effect FROM effect WHERE thread_id = :t;
-- Now the second input has its own question.
SELECT question(:t) <> :q AS is_another_question;
SELECT question(:t) AS q \gset
-- Or it takes the place of what the thread is at, in so many words: who answers the old question is told, and nothing is done on that answer.
SELECT hitl.start('pays', '{"hurry": false}', key => 'order-991', if_busy => 'supersede') = :t AS is_same_thread;
SELECT status FROM hitl.interrupt WHERE interrupt_id = :q;
SELECT event FROM hitl.timeline WHERE interrupt_id = :q ORDER BY at, event;
SELECT * FROM refused(format('SELECT hitl.approve(%s)', :q));
CALL hitl.run_pending();
SELECT hitl.wait(:t);
SELECT count(*) FROM effect WHERE thread_id = :t;
SELECT (hitl.reject(question(:t), 'no')).status;
CALL hitl.run_pending();
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT effect FROM effect WHERE thread_id = :t;

-- 6. LangGraph: a node with two questions runs three times, and so does what it did before the first of them.
--    Here a pause rolls that back: it is committed once, with all that the node did, by the run that comes to its end.  The sequence, which no
--    rollback touches, shows that there were three runs.
CREATE SEQUENCE runs;
CREATE FUNCTION books(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  flight jsonb;
  hotel jsonb;
BEGIN
  INSERT INTO effect VALUES (hitl.current_thread(), 'reserved');
  PERFORM nextval('runs');
  flight := hitl.interrupt('{"action": "book flight"}', key => 'flight');
  INSERT INTO effect VALUES (hitl.current_thread(), 'flight: ' || (flight->>'type'));
  hotel := hitl.interrupt('{"action": "book hotel"}', key => 'hotel');
  INSERT INTO effect VALUES (hitl.current_thread(), 'hotel: ' || (hotel->>'type'));
  RETURN jsonb_build_object('booked', (SELECT count(*) FROM effect WHERE thread_id = hitl.current_thread()));
END $$;
SELECT graph_of('books');
SELECT hitl.invoke('books')->'thread_id' AS t \gset
SELECT count(*) FROM effect WHERE thread_id = :t;
SELECT hitl.resume(:t, '{"type": "approve"}')->'status' AS status;
SELECT count(*) FROM effect WHERE thread_id = :t;
SELECT hitl.resume(:t, '{"type": "reject"}')->'state' AS state;
SELECT effect FROM effect WHERE thread_id = :t;
SELECT last_value AS runs FROM runs;

SELECT * FROM hitl.check();
