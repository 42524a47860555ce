-- 40_interrupt.sql: interrupts, votes, and who may decide.

CREATE SEQUENCE hitl.interrupt_id_seq;
CREATE SEQUENCE hitl.vote_id_seq;

CREATE TABLE hitl.interrupt (
  interrupt_id   bigint NOT NULL,
  thread_id      bigint NOT NULL,
  task_id        bigint NOT NULL,
  graph_id       bigint NOT NULL,
  owner          regrole NOT NULL,
  step           integer NOT NULL,
  node           text NOT NULL,
  key            text NOT NULL,
  status         text NOT NULL,
  action         text,
  args           jsonb,
  description    text,
  payload        jsonb,
  allowed        text[] NOT NULL,
  opened_at      timestamptz NOT NULL,
  supersedes     bigint,
  policy_id      bigint,
  policy_version integer,
  rule           text,
  revision       integer NOT NULL,
  proposal       jsonb,
  proposed_by    text,
  content_hash   text,
  priority       smallint NOT NULL,
  due_at         timestamptz,
  expires_at     timestamptz,
  claimed_by     text,
  claimed_until  timestamptz,
  reopens        bigint,
  is_review      boolean NOT NULL,
  decision       jsonb,
  settled_at     timestamptz,
  settled_by     text,
  CONSTRAINT interrupt_pkey PRIMARY KEY (interrupt_id),
  CONSTRAINT interrupt_status CHECK (status IN ('pending', 'decided', 'expired', 'cancelled', 'superseded'))
) WITH (fillfactor = 70);
CREATE INDEX interrupt_task ON hitl.interrupt (thread_id, task_id);
COMMENT ON TABLE hitl.interrupt IS 'Interrupts: questions put to people. The row is the lock of its votes. Ids are single use.';
COMMENT ON COLUMN hitl.interrupt.interrupt_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.interrupt.thread_id IS 'The thread that waits.';
COMMENT ON COLUMN hitl.interrupt.task_id IS 'The task that waits.';
COMMENT ON COLUMN hitl.interrupt.graph_id IS 'The graph.';
COMMENT ON COLUMN hitl.interrupt.owner IS 'The graph''s owner.';
COMMENT ON COLUMN hitl.interrupt.step IS 'The super-step.';
COMMENT ON COLUMN hitl.interrupt.node IS 'The node that asked.';
COMMENT ON COLUMN hitl.interrupt.key IS 'Names the question within its task: the author''s key, or #1, #2, ... by order (#2.1, ... in phase 2 of a node in C); #gate, #before, #after: asked by hitl.';
COMMENT ON COLUMN hitl.interrupt.status IS 'pending, decided, expired (its deadline has decided it), cancelled (its thread was), or superseded (the node asked something else, or the thread was sent elsewhere).';
COMMENT ON COLUMN hitl.interrupt.action IS 'What is to be done, from the payload. With key and args it is the content that a decision is bound to.';
COMMENT ON COLUMN hitl.interrupt.args IS 'With which arguments, from the payload.';
COMMENT ON COLUMN hitl.interrupt.description IS 'For the reader, from the payload.';
COMMENT ON COLUMN hitl.interrupt.payload IS 'All that the node said.';
COMMENT ON COLUMN hitl.interrupt.allowed IS 'Decision types that are accepted.';
COMMENT ON COLUMN hitl.interrupt.opened_at IS 'When.';
COMMENT ON COLUMN hitl.interrupt.supersedes IS 'The interrupt of the same key that this one replaces.';
COMMENT ON COLUMN hitl.interrupt.policy_id IS 'Its policy; NULL: none, one vote of whoever has the right to decide is enough.';
COMMENT ON COLUMN hitl.interrupt.policy_version IS 'The version of the policy that it opened with, and keeps.';
COMMENT ON COLUMN hitl.interrupt.rule IS 'The rule that chose the policy.';
COMMENT ON COLUMN hitl.interrupt.revision IS '1 as asked; an edit or a response that is to be voted on is one more.';
COMMENT ON COLUMN hitl.interrupt.proposal IS 'The answer of that revision, on which votes are taken; NULL: the question as asked.';
COMMENT ON COLUMN hitl.interrupt.proposed_by IS 'The person whose edit or response that is.';
COMMENT ON COLUMN hitl.interrupt.content_hash IS 'SHA-256, in hexadecimal, of what a vote on this revision is bound to: key, action, args, proposal.';
COMMENT ON COLUMN hitl.interrupt.priority IS 'Lower comes first; 0 by default.';
COMMENT ON COLUMN hitl.interrupt.due_at IS 'Overdue after it.';
COMMENT ON COLUMN hitl.interrupt.expires_at IS 'Then the policy says what becomes of it.';
COMMENT ON COLUMN hitl.interrupt.claimed_by IS 'The person who holds it, until claimed_until.';
COMMENT ON COLUMN hitl.interrupt.claimed_until IS 'When the claim lapses; infinity: it was assigned.';
COMMENT ON COLUMN hitl.interrupt.reopens IS 'The interrupt, decided earlier, that this one looks at again.';
COMMENT ON COLUMN hitl.interrupt.is_review IS 'That one was acted on: no task waits for this one, its decision is recorded and told.';
COMMENT ON COLUMN hitl.interrupt.decision IS 'The decision as it is handed to the node, with the final args, by and at.';
COMMENT ON COLUMN hitl.interrupt.settled_at IS 'When it left pending.';
COMMENT ON COLUMN hitl.interrupt.settled_by IS 'Session user who decided or cancelled.';

CREATE TABLE hitl.vote (
  interrupt_id     bigint NOT NULL,
  vote_id          bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.vote_id_seq'),
  revision         integer NOT NULL,
  voter            text NOT NULL,
  voter_role       regrole,
  login            text NOT NULL,
  role             text NOT NULL,
  on_behalf_of     text,
  seat_role        regrole,
  is_asserted      boolean NOT NULL,
  is_withdrawal    boolean NOT NULL,
  type             text NOT NULL,
  answer           jsonb NOT NULL,
  groups           text[] NOT NULL,
  comment          text,
  idempotency_key  text,
  voted_at         timestamptz NOT NULL,
  CONSTRAINT vote_pkey PRIMARY KEY (interrupt_id, vote_id),
  CONSTRAINT vote_type CHECK (type IN ('approve', 'edit', 'reject', 'respond', 'batch'))
);
CREATE INDEX vote_voter ON hitl.vote (voter, interrupt_id);
COMMENT ON TABLE hitl.vote IS 'What each reviewer said. A row never changes.';
COMMENT ON COLUMN hitl.vote.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.vote.vote_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.vote.revision IS 'The revision of the interrupt that was voted on.';
COMMENT ON COLUMN hitl.vote.voter IS 'The person who voted: the session user, or whom a registered application named.';
COMMENT ON COLUMN hitl.vote.voter_role IS 'The role that had this name then: one person, also by another name; NULL: the person is no role. What became a number in a dump, for the role was gone, can at most join two votes to one.';
COMMENT ON COLUMN hitl.vote.login IS 'Session user.';
COMMENT ON COLUMN hitl.vote.on_behalf_of IS 'The person in whose place it was: who has delegated, or is away.';
COMMENT ON COLUMN hitl.vote.seat_role IS 'The same of that person.';
COMMENT ON COLUMN hitl.vote.is_asserted IS 'The login named the person.';
COMMENT ON COLUMN hitl.vote.is_withdrawal IS 'The person took the vote back.';
COMMENT ON COLUMN hitl.vote.role IS 'Current user at that moment.';
COMMENT ON COLUMN hitl.vote.type IS 'approve, edit, reject or respond.';
COMMENT ON COLUMN hitl.vote.answer IS 'The answer as given: type and edits, reason or response.';
COMMENT ON COLUMN hitl.vote.groups IS 'Of the groups of the policy, those that the voter was in at that moment.';
COMMENT ON COLUMN hitl.vote.comment IS 'Said beside it.';
COMMENT ON COLUMN hitl.vote.idempotency_key IS 'The same answer with the same key is the same vote.';
COMMENT ON COLUMN hitl.vote.voted_at IS 'When.';

CREATE TABLE hitl.audience (
  role          regrole NOT NULL,
  priority      smallint NOT NULL,
  opened_at     timestamptz NOT NULL,
  interrupt_id  bigint NOT NULL,
  is_granted    boolean NOT NULL DEFAULT false,
  CONSTRAINT audience_pkey PRIMARY KEY (interrupt_id, role)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);
CREATE INDEX audience_inbox ON hitl.audience (role, priority, opened_at, interrupt_id);
COMMENT ON TABLE hitl.audience IS 'Who may decide what is pending: a row per role, gone when the interrupt is settled.';
COMMENT ON COLUMN hitl.audience.role IS 'Members of this role (USAGE) may decide.';
COMMENT ON COLUMN hitl.audience.priority IS 'Lower comes first; 0 by default.';
COMMENT ON COLUMN hitl.audience.opened_at IS 'Of the interrupt: the order within a priority.';
COMMENT ON COLUMN hitl.audience.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.audience.is_granted IS 'By grant_reviewer(), beside the graph''s owner: it counts while the grant holds.';

CREATE VIEW hitl._audience AS
  SELECT a.interrupt_id, a.role
  FROM hitl.audience a
       -- nothing, but a view of one table could be written through
       CROSS JOIN (SELECT 1) nothing
  WHERE NOT a.is_granted
     OR EXISTS (SELECT FROM hitl.interrupt i JOIN hitl.grant g ON g.graph_id IN (0, i.graph_id)
                WHERE i.interrupt_id = a.interrupt_id AND g."right" = 'reviewer' AND g.role = a.role);
COMMENT ON VIEW hitl._audience IS 'Internal: who may decide what is pending: the rows of audience that count. What was revoked while a question was being opened leaves one that does not.';

CREATE FUNCTION hitl.interrupt(payload jsonb, key text DEFAULT NULL) RETURNS jsonb
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_interrupt';
COMMENT ON FUNCTION hitl.interrupt(jsonb, text) IS
'In a node: puts a question to people. The node stops here, whatever handlers it has, and its thread is parked; once there is a decision the node runs
again from its start and this call returns the decision: {"type", "args", "by", "at"} with "edits", "reason" or "response". Where a rule says that nobody need be asked it returns {"type": "approve", "automatic": true, "rule", "args", "at"} at once.
payload: any JSON; from an object action (text), args, description (text), allowed (array of decision types) and policy (the name of one, if no rule chooses another) are read.
key names the question within the node; without one its place in the order does. Returns jsonb. Errors: IH005 outside a node, or in a step; 22023 the payload''s allowed or policy, or the key, is no good, or what the question and its policy allow has nothing in common; 42704 there is no such policy, or a role that it names is gone; 42710 the key was used already in this run;
IH007 the node has asked something else under this key hitl.max_reasks times; a node that ends without having asked for a reject, an edit or a response that it was given fails with it too. The idea is LangGraph''s interrupt().';

CREATE FUNCTION hitl.decide(interrupt_id bigint, decision jsonb, comment text DEFAULT NULL, idempotency_key text DEFAULT NULL, seen text DEFAULT NULL,
                            OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer)
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_decide';
COMMENT ON FUNCTION hitl.decide(bigint, jsonb, text, text, text) IS
'Answers an interrupt: {"type":"approve"}, {"type":"edit","edits":{...}}, {"type":"reject","reason":"..."} or {"type":"respond","response":...}. The answer and the
job to run the node on are one commit. Returns the thread, the interrupt''s status, and the votes given and needed. The same answer with the same idempotency_key is a harmless repeat at any time.
seen: the content hash, or the number of the revision, that was looked at: the answer counts for nothing else. An approval of an answer that somebody has proposed (revision 2 and on) has to say it.
Errors: 42704 no such interrupt; IH001 it is settled already: the detail says by whom, when and how; or its time is over, and its policy does not let it stay; IH002 it is not what was seen: the detail says what it is now; IH003 you may not decide it, or you are a node; IH004 this type is not allowed, or there are no args to edit; 22023 the decision has not that shape; 22004 an argument is NULL.';

CREATE FUNCTION hitl.approve(interrupt_id bigint, comment text DEFAULT NULL, idempotency_key text DEFAULT NULL, seen text DEFAULT NULL,
                             OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer)
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_approve';
COMMENT ON FUNCTION hitl.approve(bigint, text, text, text) IS
'Answers an interrupt with approve: the args stand as they are. Returns and errors: as decide().';

CREATE FUNCTION hitl.edit(interrupt_id bigint, edits jsonb, comment text DEFAULT NULL, idempotency_key text DEFAULT NULL, seen text DEFAULT NULL,
                          OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer)
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_edit';
COMMENT ON FUNCTION hitl.edit(bigint, jsonb, text, text, text) IS
'Answers an interrupt with edit: edits, an object, are laid over the args as asked, key by key, whatever others have proposed. Under a policy that wants more votes it is a proposal: revision n + 1, for which earlier votes do not count. Returns and errors: as decide().';

CREATE FUNCTION hitl.reject(interrupt_id bigint, reason text DEFAULT NULL, comment text DEFAULT NULL, idempotency_key text DEFAULT NULL, seen text DEFAULT NULL,
                            OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer)
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_reject';
COMMENT ON FUNCTION hitl.reject(bigint, text, text, text, text) IS
'Answers an interrupt with reject, and the reason. Returns and errors: as decide().';

CREATE FUNCTION hitl.respond(interrupt_id bigint, response jsonb DEFAULT NULL, text text DEFAULT NULL, comment text DEFAULT NULL, idempotency_key text DEFAULT NULL, seen text DEFAULT NULL,
                             OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer)
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_respond';
COMMENT ON FUNCTION hitl.respond(bigint, jsonb, text, text, text, text) IS
'Answers an interrupt with respond: response, any JSON, or text => ''...'', a plain text, stands in for the action. Under a policy that wants more votes it is a proposal, as an edit is. Returns and errors: as decide(); 22023 both or neither are given.';

CREATE FUNCTION hitl.decide_many(interrupt_ids bigint[], decision jsonb, on_conflict text DEFAULT 'error', comment text DEFAULT NULL, idempotency_key text DEFAULT NULL, seen text[] DEFAULT NULL,
                                 OUT interrupt_id bigint, OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer, OUT sqlstate text, OUT message text, OUT detail text)
  RETURNS SETOF record
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_decide_many';
COMMENT ON FUNCTION hitl.decide_many(bigint[], jsonb, text, text, text, text[]) IS
'Gives many interrupts one decision, as decide() does; returns a row for each, in the order of the ids, which is that of the locks: two that are given the same ids in opposite
orders do not deadlock. on_conflict: error (default): one that is refused is an error, and nothing is decided; skip: the others are decided, and its row has the sqlstate, message and detail of
the refusal (a deadlock, a cancel or trouble of the server is an error all the same). seen: a content hash or a revision for each. An id that is given twice is decided once.
Errors: as decide(); 54000 more than hitl.max_bulk_decisions; 22023 on_conflict is another word; 22004 a NULL; 2202E seen has not as many elements.';

CREATE FUNCTION hitl.withdraw(interrupt_id bigint, comment text DEFAULT NULL,
                              OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer)
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_withdraw';
COMMENT ON FUNCTION hitl.withdraw(bigint, text) IS
'Takes my vote on an interrupt back, while it is not decided, also if I have lost the right to decide since. With the vote for an edit or a response that I have proposed, the proposal goes: the question is as asked
again, a new revision. Returns: as decide(). Errors: 42704 no such interrupt; IH001 it is settled already; 55000 I have no vote on its present revision; IH003 an application names me, and the policy takes no votes of such persons; 42501 from a node, or a function (SECURITY DEFINER) of the graph''s owner; 22004 interrupt_id is NULL.';

CREATE FUNCTION hitl.reopen(interrupt_id bigint, reason text) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_reopen';
COMMENT ON FUNCTION hitl.reopen(bigint, text) IS
'Looks again at what was decided, or has expired: puts the same question to people once more, under the latest version of its policy, and returns the id of that interrupt, whose reopens is the old one; the reason is its first comment.
If no run has acted on the old decision yet (its task waits to be run, or has failed), that is superseded, and the thread waits for the new one. If one has, the new interrupt is a review (is_review): its
decision is recorded and told, and the thread is left alone. Who may decide it may reopen it.
Errors: 42704 no such interrupt; 55000 it is pending; IH001 it was reopened already, cancelled or superseded; IH003 you may not decide it; IH006 its node runs at this moment; 42501 from a node; 22004 an argument is NULL.';
