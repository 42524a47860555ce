-- 44_timer.sql: deadlines and ladders: what is to be done when, and what was done.

CREATE FUNCTION hitl._now() RETURNS timestamptz
  LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hitl_now';
COMMENT ON FUNCTION hitl._now() IS
'Internal: the time by which deadlines, claims and votes go: the clock, and hitl.clock_offset (for tests and drills) on top.';

CREATE TABLE hitl.timer (
  due_at        timestamptz NOT NULL,
  planned_at    timestamptz NOT NULL,
  interrupt_id  bigint NOT NULL,
  round         integer NOT NULL,
  step          smallint NOT NULL,
  kind          text NOT NULL,
  CONSTRAINT timer_pkey PRIMARY KEY (interrupt_id, kind, step, round),
  CONSTRAINT timer_kind CHECK (kind IN ('step', 'warn', 'due', 'expiry'))
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.1, autovacuum_analyze_threshold = 5000);
CREATE INDEX timer_due ON hitl.timer (due_at, interrupt_id);
COMMENT ON TABLE hitl.timer IS 'What is to be done about interrupts that wait, and when: a row per deadline and per step of the ladder, gone when it has fired or the interrupt is settled. The policy version says what.';
COMMENT ON COLUMN hitl.timer.due_at IS 'When it fires, or is looked at again: as planned, or later while a claim holds it.';
COMMENT ON COLUMN hitl.timer.planned_at IS 'When the plan says.';
COMMENT ON COLUMN hitl.timer.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.timer.round IS '0, and one more for each repeat of a step; of a deadline, one more each time that it is moved after it has fired.';
COMMENT ON COLUMN hitl.timer.step IS 'Of the ladder, from 1; 0: none.';
COMMENT ON COLUMN hitl.timer.kind IS 'step (of the ladder), warn (it expires soon), due (it is overdue from then on), expiry (the policy says what becomes of it).';

CREATE TABLE hitl.escalation (
  interrupt_id  bigint NOT NULL,
  round         integer NOT NULL,
  step          smallint NOT NULL,
  kind          text NOT NULL,
  planned_at    timestamptz NOT NULL,
  fired_at      timestamptz NOT NULL,
  action        text NOT NULL,
  role          text,
  CONSTRAINT escalation_pkey PRIMARY KEY (interrupt_id, kind, step, round)
);
COMMENT ON TABLE hitl.escalation IS 'What has fired: insert-only, and its key lets each fire once, whoever looks, and how many do at once.';
COMMENT ON COLUMN hitl.escalation.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.escalation.round IS 'As in timer.';
COMMENT ON COLUMN hitl.escalation.step IS 'As in timer.';
COMMENT ON COLUMN hitl.escalation.kind IS 'As in timer.';
COMMENT ON COLUMN hitl.escalation.planned_at IS 'When the plan said.';
COMMENT ON COLUMN hitl.escalation.fired_at IS 'When it fired.';
COMMENT ON COLUMN hitl.escalation.action IS 'notify, widen, reassign, priority, decide (steps), warn, overdue, expire; no_role: the role of the step is not there any more, and nothing was done.';
COMMENT ON COLUMN hitl.escalation.role IS 'The role of the step, by name.';

CREATE FUNCTION hitl.tick(n integer DEFAULT NULL) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_tick';
COMMENT ON FUNCTION hitl.tick(integer) IS
'Fires the deadlines and the steps of ladders that are due, of at most n interrupts (NULL: of all), in this transaction; returns how many timers fired. What pg_cron calls where there are no workers; with them, harmless.
It skips what somebody holds, waits for nobody longer than a moment, and may be called by any number of sessions at once: each timer fires once. What is decided by it is run by an executor, or by CALL hitl.run_pending().
It fires what belongs to graphs whose owner you may act as, or that you operate; a superuser all. Errors: 22023 n is negative; 42501 a node calls. The ladders are those of Opsgenie and PagerDuty.';

CREATE FUNCTION hitl.set_deadline(interrupt_id bigint, due_at timestamptz DEFAULT NULL, expires_at timestamptz DEFAULT NULL, reason text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_set_deadline';
COMMENT ON FUNCTION hitl.set_deadline(bigint, timestamptz, timestamptz, text) IS
'Moves the deadlines of an interrupt that is pending, with the warning before them; NULL leaves one as it is, infinity takes it away. A time that has passed fires at the next look. The steps of its ladder count from its opening and stay.
reason is kept in the trail. Errors: 42704 no such interrupt; IH001 it is settled; 42501 its graph is not yours to operate, or a node calls; IH003 to bring expires_at forward would be to decide it: its policy approves, edits or responds then; 22023 due_at is after expires_at, or a time is -infinity; 22004 the interrupt_id is NULL.';

CREATE VIEW hitl.deadlines WITH (security_barrier) AS
  SELECT t.interrupt_id, i.thread_id, g.graph, i.node, t.kind, t.step, t.round, t.due_at, t.planned_at
  FROM hitl.timer t
       JOIN hitl.interrupt i ON i.interrupt_id = t.interrupt_id
       JOIN hitl.graph g ON g.graph_id = i.graph_id
  WHERE i.graph_id IN (SELECT r.graph_id FROM hitl._graph_watched r)
     OR EXISTS (SELECT FROM hitl._audience a WHERE a.interrupt_id = t.interrupt_id AND a.role IN (SELECT m.role FROM hitl._role_of_me m))
  ORDER BY t.due_at, t.interrupt_id, t.kind, t.step;
COMMENT ON VIEW hitl.deadlines IS 'What will be done, and when, about interrupts that wait: kind is step (of the ladder), warn, due or expiry; due_at after planned_at: while somebody holds it, it is looked at again then.';

CREATE VIEW hitl.escalations WITH (security_barrier) AS
  SELECT e.interrupt_id, i.thread_id, g.graph, i.node, e.kind, e.step, e.round, e.action, e.role, e.planned_at, e.fired_at
  FROM hitl.escalation e
       JOIN hitl.interrupt i ON i.interrupt_id = e.interrupt_id
       JOIN hitl.graph g ON g.graph_id = i.graph_id
  WHERE i.graph_id IN (SELECT r.graph_id FROM hitl._graph_watched r)
     OR EXISTS (SELECT FROM hitl._audience a WHERE a.interrupt_id = e.interrupt_id AND a.role IN (SELECT m.role FROM hitl._role_of_me m))
  ORDER BY e.fired_at, e.interrupt_id, e.kind, e.step, e.round;
COMMENT ON VIEW hitl.escalations IS 'What was done about interrupts by their deadlines and ladders, with the time at which the plan said so.';
