-- 50_shape.sql: questions in the shapes of other tools, and drafts of batches.

CREATE TABLE hitl.draft (
  interrupt_id  bigint NOT NULL,
  person        text NOT NULL,
  action_no     integer NOT NULL,
  revision      integer NOT NULL,
  decision      jsonb NOT NULL,
  drafted_at    timestamptz NOT NULL,
  CONSTRAINT draft_pkey PRIMARY KEY (interrupt_id, person, action_no)
);
COMMENT ON TABLE hitl.draft IS 'What a person would decide of single actions of a batch: kept until all are there, which are then that person''s answer.';
COMMENT ON COLUMN hitl.draft.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.draft.person IS 'Whose draft it is.';
COMMENT ON COLUMN hitl.draft.action_no IS 'Which action of the batch, counted from 1.';
COMMENT ON COLUMN hitl.draft.revision IS 'For which revision of the interrupt: it does not count for another one.';
COMMENT ON COLUMN hitl.draft.decision IS 'The decision, as decide() takes it.';
COMMENT ON COLUMN hitl.draft.drafted_at IS 'When.';

CREATE VIEW hitl.drafts WITH (security_barrier) AS
  SELECT d.interrupt_id, d.action_no, d.decision, d.drafted_at, d.revision = i.revision AS is_current
  FROM hitl.draft d JOIN hitl.interrupt i ON i.interrupt_id = d.interrupt_id
  WHERE d.person = (SELECT hitl._me()) AND i.status = 'pending';
COMMENT ON VIEW hitl.drafts IS 'My drafts of batches that wait for a decision. is_current: the question has not changed since.';

CREATE FUNCTION hitl.draft(interrupt_id bigint, action_no integer, decision jsonb,
                           OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer, OUT drafts integer, OUT actions integer)
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_draft';
COMMENT ON FUNCTION hitl.draft(bigint, integer, jsonb) IS
'Keeps what I would decide of one action of a batch (counted from 1), in the place of what I drafted for it before; decision: as decide() takes it, or LangChain''s, of one action. It counts for nothing until there is one for each action: the last one gives all of them as
my answer. hitl.drafts shows them, undraft() forgets them. Returns the thread, the interrupt''s status, votes and needed, as decide(), how many drafts I have (0: they were given) and how many actions there are. Errors: as decide(); 22023 it is no batch, or has no such action.';

CREATE FUNCTION hitl.undraft(interrupt_id bigint, action_no integer DEFAULT NULL) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_undraft';
COMMENT ON FUNCTION hitl.undraft(bigint, integer) IS
'Forgets my draft for one action of a batch, or all of them. Returns how many there were. Errors: 42501 a node calls; 22004 the interrupt is NULL.';

CREATE FUNCTION hitl.as_langchain(interrupt_id bigint, casing text DEFAULT 'snake', per_call boolean DEFAULT false) RETURNS jsonb
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_as_langchain';
COMMENT ON FUNCTION hitl.as_langchain(bigint, text, boolean) IS
'The interrupt as LangChain''s HITLRequest: {"action_requests": [{"name", "args", "description"}], "review_configs": [{"action_name", "allowed_decisions", "args_schema"}]}, one each for every action of a batch; casing => ''camel'': as in JavaScript (actionRequests, ...). Answer with
decide(id, {"decisions": [...]}). per_call: LangGraph''s interrupt about one call, {"id", "value": {"type": "tool_approval", "tool_call_id", "name", "args", "description"}, "response_schema"}; answer with one decision. An action without a name has its node''s; args that are no object are put into one.
That you looked is kept, and who may, as by show(). Errors: those of show(); 22023 another casing, or a batch per call.';

CREATE FUNCTION hitl.as_agent_inbox(interrupt_id bigint) RETURNS jsonb
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_as_agent_inbox';
COMMENT ON FUNCTION hitl.as_agent_inbox(bigint) IS
'The interrupt as LangChain''s Agent Inbox has it: [{"action_request": {"action", "args"}, "config": {"allow_ignore", "allow_respond", "allow_edit", "allow_accept"}, "description"}], one for every action of a batch. Answer with decide(id, [{"type": "accept" | "edit" | "response" | "ignore", "args"}]);
ignore dismisses. There is no reject there. That you looked is kept, and who may, as by show(). Errors: those of show().';

CREATE FUNCTION hitl.as_agui(interrupt_id bigint) RETURNS jsonb
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_as_agui';
COMMENT ON FUNCTION hitl.as_agui(bigint) IS
'The interrupt as AG-UI 1.0 has it in the outcome of RUN_FINISHED: {"id", "reason": "tool_call" | "input_required", "message", "toolCallId", "responseSchema", "expiresAt", "metadata": {"action", "args", "allowed"}}. responseSchema is the question''s own (response_schema in its payload) or that of our decisions.
Answer with decide(id, {"interruptId", "status": "resolved" | "cancelled", "payload"}): resolved without a payload approves, cancelled dismisses. That you looked is kept, and who may, as by show(). Errors: those of show().';

CREATE FUNCTION hitl.as_mcp(interrupt_id bigint) RETURNS jsonb
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_as_mcp';
COMMENT ON FUNCTION hitl.as_mcp(bigint) IS
'The interrupt as the parameters of MCP''s elicitation/create: {"mode": "form", "message", "requestedSchema"}. The form has a field for each arg that is a plain value, to edit it; or the fields of the question''s own response schema; or "response"; of a batch "decision_1", ...: approve or reject.
Answer with decide(id, {"action": "accept" | "decline" | "cancel", "content"}): accept approves or, with changed fields, edits; decline rejects, cancel dismisses. That you looked is kept, and who may, as by show(). Errors: those of show().';
