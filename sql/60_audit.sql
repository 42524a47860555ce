-- 60_audit.sql: what happened, in the transaction in which it happened.

CREATE SEQUENCE hitl.audit_id_seq;

CREATE TABLE hitl.audit (
  thread_id     bigint NOT NULL,
  audit_id      bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.audit_id_seq'),
  at            timestamptz NOT NULL,
  event         text NOT NULL,
  step          integer,
  node          text,
  task_id       bigint,
  interrupt_id  bigint,
  actor         text NOT NULL,
  login         text,
  role          text NOT NULL,
  actor_kind    text NOT NULL,
  detail        jsonb,
  CONSTRAINT audit_pkey PRIMARY KEY (thread_id, audit_id),
  CONSTRAINT audit_actor_kind CHECK (actor_kind IN ('person', 'node', 'executor', 'timer'))
);
COMMENT ON TABLE hitl.audit IS 'Append-only: a row for each thing that happened to a thread, in the same commit. Names are kept as text: they outlive their roles.';
COMMENT ON COLUMN hitl.audit.thread_id IS 'The thread; 0: it is of none, such as a grant.';
COMMENT ON COLUMN hitl.audit.audit_id IS 'Key and order, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.audit.at IS 'Wall clock when it was written.';
COMMENT ON COLUMN hitl.audit.event IS 'started, enqueued, began (a turn with more input), dropped (inputs that waited), opened, notified (a message was handed over), viewed, claimed, released, assigned, delegated, commented, snoozed, dismissed, voted (and nothing decided yet), edited (an answer is proposed), withdrawn (a vote), reopened, decided, expired, warned, overdue, escalated, deadline_moved, superseded, updated, step, executed, waiting, put_back, crashed, failed, retried, migrated, cancelled, outcome (was reported), absent, back, granted, revoked, done, policy_created, rule_created, rule_dropped.';
COMMENT ON COLUMN hitl.audit.step IS 'The super-step, where there is one.';
COMMENT ON COLUMN hitl.audit.node IS 'The node, where there is one.';
COMMENT ON COLUMN hitl.audit.task_id IS 'The task, where there is one.';
COMMENT ON COLUMN hitl.audit.interrupt_id IS 'The interrupt, where there is one.';
COMMENT ON COLUMN hitl.audit.actor IS 'The person: the session user, or whom a registered application named.';
COMMENT ON COLUMN hitl.audit.login IS 'That application: the session user, where it is another than the actor.';
COMMENT ON COLUMN hitl.audit.role IS 'Current user.';
COMMENT ON COLUMN hitl.audit.actor_kind IS 'person (a session), node (code of a graph), executor (a background process), timer (a deadline, whoever looked).';
COMMENT ON COLUMN hitl.audit.detail IS 'What belongs to the event; never a payload.';
