-- What desk.sh measures on: two teams, a reviewer in both, and as many questions as it says, which are copies of one.
CREATE EXTENSION hitl;
SELECT hitl.grant_author('author');
GRANT USAGE ON SCHEMA hitl TO author, reviewer;
CREATE SCHEMA bench;
CREATE FUNCTION bench.asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt('{"action": "refund", "args": {"order": "A-2", "amount": 4200}, "description": "Refund above 1000"}'); END $$;
GRANT USAGE ON SCHEMA bench TO author;
\connect - author
SELECT hitl.define('{"graph": "refund", "nodes": {"ask": "bench.asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.invoke('refund', '{"order": "A-2"}');
\connect - postgres

-- The rows of the one thread, by which all others are made.
CREATE TABLE bench.thread AS SELECT * FROM hitl.thread;
CREATE TABLE bench.checkpoint AS SELECT * FROM hitl.checkpoint;
CREATE TABLE bench.task AS SELECT * FROM hitl.task;
CREATE TABLE bench.interrupt AS SELECT * FROM hitl.interrupt;

-- Copies n rows of a table; changes: how columns are made of the number i of the copy.
CREATE FUNCTION bench.copy(name text, n bigint, changes jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE (SELECT format('INSERT INTO hitl.%I SELECT %s FROM generate_series(1, %s) i, bench.%1$I t', name,
                         string_agg(COALESCE(changes->>attname, 't.' || quote_ident(attname)), ', ' ORDER BY attnum), n)
           FROM pg_attribute WHERE attrelid = format('hitl.%I', name)::regclass AND attnum > 0 AND NOT attisdropped);
END $$;

-- So that n questions wait, the later the higher their number, at three priorities, for one team, the other, or both.
CREATE FUNCTION bench.fill_up_to(n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  more bigint := n - (SELECT count(DISTINCT interrupt_id) FROM hitl.audience);
  base bigint := (SELECT max(GREATEST(i.interrupt_id, i.thread_id, i.task_id)) FROM hitl.interrupt i);
BEGIN
  PERFORM bench.copy('thread', more, jsonb_build_object('thread_id', base || ' + i')),
          bench.copy('checkpoint', more, jsonb_build_object('thread_id', base || ' + i')),
          bench.copy('task', more, jsonb_build_object('thread_id', base || ' + i', 'task_id', base || ' + i')),
          bench.copy('interrupt', more, jsonb_build_object('interrupt_id', base || ' + i', 'thread_id', base || ' + i', 'task_id', base || ' + i',
                                                           'opened_at', format('t.opened_at + (%s + i) * interval ''1 ms''', base), 'priority', format('((%s + i) %% 3)::smallint', base),
                                                           'due_at', format('t.opened_at + (%s + i) * interval ''1 ms'' + interval ''30 days''', base)));
  INSERT INTO hitl.audience (role, priority, opened_at, interrupt_id)
    SELECT r.role, i.priority, i.opened_at, i.interrupt_id
    FROM hitl.interrupt i, (VALUES ('team_a'::regrole, 0), ('team_b', 1)) r (role, team)
    WHERE i.interrupt_id > base AND (i.interrupt_id % 4 > 1 OR i.interrupt_id % 4 = r.team);
  INSERT INTO hitl.timer (due_at, planned_at, interrupt_id, round, step, kind)
    SELECT i.due_at, i.due_at, i.interrupt_id, 0, 0, 'due' FROM hitl.interrupt i WHERE i.interrupt_id > base;
  PERFORM setval('hitl.thread_id_seq', base + more), setval('hitl.task_id_seq', base + more), setval('hitl.interrupt_id_seq', base + more);
END $$;
-- The deadlines of n of them are in an hour, and have not fired; those of the others are far away.
CREATE FUNCTION bench.make_due(n bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  chosen bigint[] := ARRAY(SELECT DISTINCT a.interrupt_id FROM hitl.audience a ORDER BY a.interrupt_id DESC LIMIT n);
BEGIN
  DELETE FROM hitl.escalation WHERE interrupt_id = ANY (chosen);
  DELETE FROM hitl.timer WHERE interrupt_id = ANY (chosen);
  UPDATE hitl.interrupt SET due_at = now() + interval '1 hour' WHERE interrupt_id = ANY (chosen);
  INSERT INTO hitl.timer (due_at, planned_at, interrupt_id, round, step, kind)
    SELECT now() + interval '1 hour', now() + interval '1 hour', c.id, 0, 0, 'due' FROM unnest(chosen) c (id);
END $$;
-- The one itself is out of the way.
SELECT hitl.cancel(thread_id) FROM hitl.thread;
