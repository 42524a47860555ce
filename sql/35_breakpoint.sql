-- 35_breakpoint.sql: breakpoints that are set while threads run.

CREATE SEQUENCE hitl.breakpoint_id_seq;

CREATE TABLE hitl.breakpoint (
  breakpoint_id  bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.breakpoint_id_seq'),
  graph_id       bigint NOT NULL,
  node           text NOT NULL,
  kind           text NOT NULL,
  set_by         text NOT NULL,
  set_at         timestamptz NOT NULL,
  removed_by     text,
  removed_at     timestamptz,
  CONSTRAINT breakpoint_pkey PRIMARY KEY (breakpoint_id),
  CONSTRAINT breakpoint_kind CHECK (kind IN ('before', 'after'))
);
-- one is in force; those that were taken back stay, as a trail
CREATE UNIQUE INDEX breakpoint_in_force ON hitl.breakpoint (graph_id, node, kind) WHERE removed_at IS NULL;
COMMENT ON TABLE hitl.breakpoint IS 'Breakpoints that operators have set, with those that were taken back since. Every process keeps the rows until an invalidation of this table: write them by interrupt_before() and interrupt_after(), which send it.';
COMMENT ON COLUMN hitl.breakpoint.breakpoint_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.breakpoint.graph_id IS 'The graph; 0: all graphs.';
COMMENT ON COLUMN hitl.breakpoint.node IS 'The node; *: all nodes.';
COMMENT ON COLUMN hitl.breakpoint.kind IS 'before: in front of the node and its gate; after: behind its super-step.';
COMMENT ON COLUMN hitl.breakpoint.set_by IS 'Session user who set it.';
COMMENT ON COLUMN hitl.breakpoint.set_at IS 'When.';
COMMENT ON COLUMN hitl.breakpoint.removed_by IS 'Session user who took it back. NULL: it is in force.';
COMMENT ON COLUMN hitl.breakpoint.removed_at IS 'When.';

CREATE FUNCTION hitl.interrupt_before(node text, graph text DEFAULT NULL, enabled boolean DEFAULT true) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_interrupt_before';
COMMENT ON FUNCTION hitl.interrupt_before(text, text, boolean) IS
'Sets a breakpoint, from the commit on, also for threads that run: somebody is asked before the node is run the first time in a task, in front of its gate; approve lets it run. A fan-out asks for each task.
node ''*'': all nodes; graph NULL: all graphs, for superusers. enabled => false takes back the one that was set with the same node and graph; what waits then goes on waiting for its approve, and breakpoint_history shows who did it.
Returns whether that changed anything. A definition may have breakpoints of its own: "interrupt_before": ["pay"] or ["*"]. Errors: 42704 no such graph, or no version of it has such a node; 42501 it is not yours, or a node calls; 22004 node or enabled is NULL. LangGraph''s interrupt_before.';

CREATE FUNCTION hitl.interrupt_after(node text, graph text DEFAULT NULL, enabled boolean DEFAULT true) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_interrupt_after';
COMMENT ON FUNCTION hitl.interrupt_after(text, text, boolean) IS
'As interrupt_before(), but behind the node: once its super-step is complete and its checkpoint written, somebody is asked, once for the node however many tasks it had; approve lets the thread go where the step led to, also to END.
The stop is a super-step of its own. A node whose gate was rejected has not run. Errors: as interrupt_before(). LangGraph''s interrupt_after.';
