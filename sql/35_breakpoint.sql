-- 35_breakpoint.sql: breakpoints that are set while threads run.

CREATE TABLE hitl.breakpoint (
  graph_id  bigint NOT NULL,
  node      text NOT NULL,
  kind      text NOT NULL,
  set_by    text NOT NULL,
  set_at    timestamptz NOT NULL,
  CONSTRAINT breakpoint_pkey PRIMARY KEY (graph_id, node, kind),
  CONSTRAINT breakpoint_kind CHECK (kind IN ('before', 'after'))
);
COMMENT ON TABLE hitl.breakpoint IS 'Breakpoints that operators have set. Every process keeps the rows until an invalidation of this table: write them by interrupt_before() and interrupt_after(), which send it.';
COMMENT ON COLUMN hitl.breakpoint.graph_id IS 'The graph; 0: all graphs.';
COMMENT ON COLUMN hitl.breakpoint.node IS 'The node; *: all nodes.';
COMMENT ON COLUMN hitl.breakpoint.kind IS 'before: in front of the node and its gate; after: behind its super-step.';
COMMENT ON COLUMN hitl.breakpoint.set_by IS 'Session user who set it.';
COMMENT ON COLUMN hitl.breakpoint.set_at IS 'When.';

CREATE FUNCTION hitl.interrupt_before(node text, graph text DEFAULT NULL, enabled boolean DEFAULT true) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_interrupt_before';
COMMENT ON FUNCTION hitl.interrupt_before(text, text, boolean) IS
'Sets a breakpoint, from the commit on, also for threads that run: somebody is asked before the node is run the first time in a task, in front of its gate; approve lets it run. A fan-out asks for each task.
node ''*'': all nodes; graph NULL: all graphs, for superusers. enabled => false takes back the one that was set with the same node and graph; what waits then goes on waiting for its approve.
Returns whether that changed anything. A definition may have breakpoints of its own: "interrupt_before": ["pay"] or ["*"]. Errors: 42704 no such graph, or no version of it has such a node; 42501 it is not yours, or a node calls; 22004 node or enabled is NULL. LangGraph''s interrupt_before.';

CREATE FUNCTION hitl.interrupt_after(node text, graph text DEFAULT NULL, enabled boolean DEFAULT true) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_interrupt_after';
COMMENT ON FUNCTION hitl.interrupt_after(text, text, boolean) IS
'As interrupt_before(), but behind the node: once its super-step is complete and its checkpoint written, somebody is asked, once for the node however many tasks it had; approve lets the thread go where the step led to, also to END.
The stop is a super-step of its own. A node whose gate was rejected has not run. Errors: as interrupt_before(). LangGraph''s interrupt_after.';
