-- 70_views.sql: what people read.  Security barriers: what a row is about says who
-- sees it (25_grant.sql): threads those who watch their graph, states and questions
-- those who read it, a question also who may decide it or has.

-- Two halves, so that a tree is found by its root_id through an index: that of
-- a root is its own id, which is stored with its children only.
CREATE VIEW hitl._thread AS
  SELECT t.thread_id, t.thread_id AS root_id, t.depth, '{}'::pg_catalog.text[] AS frame, t.graph_id
  FROM hitl.thread t WHERE t.root_id IS NULL
UNION ALL
  SELECT t.thread_id, t.root_id, t.depth, t.frame, t.graph_id
  FROM hitl.thread t WHERE t.root_id IS NOT NULL;
COMMENT ON VIEW hitl._thread IS 'Internal: where each thread stands in its tree, for the other views.';

-- A thread that waits for children is what they are: what is queued runs on,
-- what failed has to be mended, else somebody has to answer.  In one look: in
-- two, a commit in between could show a child after its end and its parent
-- before it runs on.
CREATE VIEW hitl._status AS
  SELECT t.thread_id,
         CASE WHEN t.status IN ('done', 'cancelled') THEN t.status
              WHEN EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = t.thread_id) THEN 'running'
              WHEN t.n_waiting = 0 THEN t.status
              ELSE (WITH RECURSIVE below AS (
                      SELECT d.thread_id, d.n_waiting, d.n_failed
                      FROM hitl.thread d
                      WHERE d.parent_id = t.thread_id AND d.status NOT IN ('done', 'cancelled')
                    UNION ALL
                      SELECT d.thread_id, d.n_waiting, d.n_failed
                      FROM below b JOIN hitl.thread d ON d.parent_id = b.thread_id
                      WHERE b.n_waiting > 0 AND d.status NOT IN ('done', 'cancelled'))
                    SELECT CASE WHEN pg_catalog.bool_or(EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = b.thread_id)) THEN 'running'
                                WHEN t.n_failed > 0 OR pg_catalog.bool_or(b.n_failed > 0) THEN 'failed'
                                ELSE 'interrupted' END
                    FROM below b)
         END AS status
  FROM hitl.thread t
       -- nothing, but a view of one table could be written through
       CROSS JOIN (SELECT 1) nothing;
COMMENT ON VIEW hitl._status IS 'Internal: the status of each thread as it is shown.';

-- Interrupts as lists may show them: a policy with hide_args keeps the args, and
-- what tells of them, for show(), which notes who has looked.
CREATE VIEW hitl._question AS
  SELECT i.interrupt_id, i.thread_id, i.graph_id, i.owner, i.step, i.node, i.key, i.status, i.action, i.allowed, i.opened_at, i.supersedes, i.reopens, i.is_review,
         i.revision, i.proposed_by, i.priority, i.due_at, i.expires_at, i.settled_at, i.settled_by, p.policy,
         CASE WHEN i.claimed_until > (SELECT hitl._now()) THEN i.claimed_by END AS claimed_by,
         CASE WHEN i.claimed_until > (SELECT hitl._now()) THEN i.claimed_until END AS claimed_until,
         CASE WHEN NOT h.hides_args THEN i.args END AS args,
         -- args of few possible values could be guessed from it
         CASE WHEN NOT h.hides_args THEN i.content_hash END AS content_hash,
         CASE WHEN NOT h.hides_args THEN i.description END AS description,
         CASE WHEN NOT h.hides_args THEN i.payload END AS payload,
         CASE WHEN h.hides_args THEN i.decision OPERATOR(pg_catalog.-) '{args,edits,removed,response,decisions}'::pg_catalog.text[] ELSE i.decision END AS decision,
         h.hides_args
  FROM hitl.interrupt i
       LEFT JOIN hitl.policy p ON p.policy_id = i.policy_id
       LEFT JOIN hitl.policy_version v ON v.policy_id = i.policy_id AND v.version = i.policy_version
       CROSS JOIN LATERAL (SELECT COALESCE(v.definition OPERATOR(pg_catalog.->) 'hide_args' OPERATOR(pg_catalog.=) 'true', false) AS hides_args) h;
COMMENT ON VIEW hitl._question IS 'Internal: interrupts as lists may show them, and who holds them now, for the other views.';

CREATE VIEW hitl.pending WITH (security_barrier) AS
  SELECT i.interrupt_id, i.thread_id, g.graph, i.node, i.key, i.action, i.args, i.description,
         i.allowed, i.opened_at, i.step, i.payload, i.supersedes, i.reopens, i.is_review, i.policy, i.revision, i.content_hash, i.proposed_by, i.priority,
         i.claimed_by, i.claimed_until, i.due_at, i.expires_at, t.root_id, t.depth, t.frame
  FROM hitl._question i
       JOIN hitl.graph g ON g.graph_id = i.graph_id
       JOIN hitl._thread t ON t.thread_id = i.thread_id
  WHERE i.interrupt_id IN (SELECT a.interrupt_id FROM hitl.audience a)
    AND (i.graph_id IN (SELECT r.graph_id FROM hitl._graph_read r)
         OR EXISTS (SELECT FROM hitl._audience a
                    WHERE a.interrupt_id = i.interrupt_id AND a.role IN (SELECT m.role FROM hitl._role_of_me m)));
COMMENT ON VIEW hitl.pending IS 'Interrupts that wait for a decision: those that I may decide, and those of graphs that are mine or that I audit. approve(), edit(), reject() and respond() take their interrupt_id. Where the policy hides the args (hide_args), args, description, payload and content_hash are NULL: show() has them. is_review: no thread waits for it. claimed_by: who works on it, until claimed_until.';

CREATE VIEW hitl.overdue WITH (security_barrier) AS
  SELECT p.interrupt_id, p.thread_id, p.graph, p.node, p.action, p.policy, p.priority, p.claimed_by, p.claimed_until,
         p.opened_at, p.due_at, p.expires_at, n.now OPERATOR(pg_catalog.-) p.due_at AS late_by, p.root_id, p.depth, p.frame
  FROM hitl.pending p CROSS JOIN (SELECT hitl._now() AS now) n
  WHERE p.due_at <= n.now
  ORDER BY p.due_at, p.interrupt_id;
COMMENT ON VIEW hitl.overdue IS 'What should have been decided by now: of pending, what is past its due_at, the latest first in need. late_by: by how much.';

-- Row by row in the order of _inbox(): OFFSET 0 lets nothing but a nested loop
-- join them, which keeps the order and stops with a LIMIT.
CREATE VIEW hitl.inbox WITH (security_barrier) AS
  SELECT n.interrupt_id, i.thread_id, i.graph, i.node, i.action, i.args, i.description, i.allowed,
         i.priority, i.opened_at, i.age, n.in_place_of, i.claimed_by, i.claimed_until,
         i.due_at, i.expires_at, i.policy, i.revision, i.root_id, i.depth, i.frame
  FROM (SELECT (r.row).interrupt_id, (r.row).in_place_of FROM (SELECT hitl._inbox() AS row) r) n
       CROSS JOIN LATERAL (SELECT i.thread_id, g.graph, i.node, i.action, i.args, i.description, i.allowed,
                                  i.priority, i.opened_at, (SELECT hitl._now()) OPERATOR(pg_catalog.-) i.opened_at AS age, i.claimed_by, i.claimed_until,
                                  i.due_at, i.expires_at, i.policy, i.revision,
                                  COALESCE(t.root_id, t.thread_id) AS root_id, t.depth, COALESCE(t.frame, '{}') AS frame
                           FROM hitl._question i
                                JOIN hitl.graph g ON g.graph_id = i.graph_id
                                JOIN hitl.thread t ON t.thread_id = i.thread_id
                           WHERE i.interrupt_id = n.interrupt_id AND i.status = 'pending' OFFSET 0) i;
COMMENT ON VIEW hitl.inbox IS 'What I may decide now, first things first: by priority, then by age; not what I have snoozed, dismissed or voted on, nor what its policy keeps from me as starter, editor or previous decider (who has given the thread more input since sees it, and is refused). It comes in this order by itself, and a LIMIT reads no further; an ORDER BY reads all of it. claimed_by: who works on it, until claimed_until; in_place_of: the person whose vote it would be, who is away or has delegated it. Hidden args are as in pending.';

CREATE VIEW hitl.decided WITH (security_barrier) AS
  SELECT i.interrupt_id, i.thread_id, g.graph, i.node, i.key, i.action, i.args, i.description, i.status,
         i.decision OPERATOR(pg_catalog.->>) 'type' AS type, i.decision, i.settled_by, i.settled_at, i.opened_at,
         i.settled_at - i.opened_at AS took,
         CASE WHEN i.status = 'expired' THEN 'deadline' ELSE 'votes' END AS how,
         (SELECT pg_catalog.array_agg(DISTINCT v.voter ORDER BY v.voter) FROM hitl.vote v WHERE v.interrupt_id = i.interrupt_id) AS voters,
         i.policy, i.revision, i.reopens, i.is_review, t.root_id, t.depth, t.frame
  FROM hitl._question i
       JOIN hitl.graph g ON g.graph_id = i.graph_id
       JOIN hitl._thread t ON t.thread_id = i.thread_id
  WHERE i.status IN ('decided', 'expired')
    AND (i.graph_id IN (SELECT r.graph_id FROM hitl._graph_read r)
         OR EXISTS (SELECT FROM hitl.vote v WHERE v.interrupt_id = i.interrupt_id AND v.voter = (SELECT hitl._me())));
COMMENT ON VIEW hitl.decided IS 'Interrupts that were decided: what, by whom, when, and how: by votes, or (status expired) by their deadline; voters: all who have voted on it. Those on which I have voted, and those of graphs that are mine or that I audit. Hidden args are as in pending; so are those in the decision.';

CREATE VIEW hitl.my_decisions WITH (security_barrier) AS
  SELECT v.interrupt_id, i.thread_id, g.graph, i.node, i.action, v.type, v.is_withdrawal, v.comment, v.revision, v.on_behalf_of AS in_place_of, v.voted_at,
         i.status, i.decision OPERATOR(pg_catalog.->>) 'type' AS decision, i.settled_by, i.settled_at, t.root_id, t.depth, t.frame
  FROM hitl.vote v
       JOIN hitl.interrupt i ON i.interrupt_id = v.interrupt_id
       JOIN hitl.graph g ON g.graph_id = i.graph_id
       JOIN hitl._thread t ON t.thread_id = i.thread_id
  WHERE v.voter = (SELECT hitl._me());
COMMENT ON VIEW hitl.my_decisions IS 'My votes, also those in somebody''s place (in_place_of), and what became of what I voted on: status, decision (its type), settled_by.';

CREATE VIEW hitl.absences WITH (security_barrier) AS
  SELECT a.absence_id, a.person, a.substitute, a.starts_at, a.ends_at, a.set_at, a.revoked_at,
         a.revoked_at IS NULL AND a.starts_at <= me.now AND a.ends_at > me.now AS is_away
  FROM hitl.absence a
       CROSS JOIN (SELECT hitl._me() AS person, hitl._now() AS now) me
  WHERE me.person IN (a.person, a.substitute) OR (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.oid = (SELECT hitl._member()))
     OR EXISTS (SELECT FROM hitl._grant_of_me m WHERE m."right" = 'auditor' AND m.graph_id = 0);
COMMENT ON VIEW hitl.absences IS 'Who is out of office and who decides in that person''s place: my absences, and those in which I am the substitute; superusers and auditors of all graphs see all.';

CREATE VIEW hitl.threads WITH (security_barrier) AS
  SELECT t.thread_id, g.graph, t.version, s.status,
         t.step, t.checkpoint, t.owner, t.starter, t.started_at, t.ended_at, t.ended_by, t.reason,
         t.forked_from, t.forked_checkpoint, t.n_inputs AS inputs, r.root_id, r.depth, r.frame
  FROM hitl._thread r
       JOIN hitl.thread t ON t.thread_id = r.thread_id
       JOIN hitl._status s ON s.thread_id = r.thread_id
       JOIN hitl._graph_watched g ON g.graph_id = t.graph_id;
COMMENT ON VIEW hitl.threads IS 'Threads with their status: running, interrupted (nothing moves until somebody answers), done, failed or cancelled; inputs: how many more wait for its end. A thread is in the tree of its root_id; depth and frame (the nodes above it) say where.';

CREATE VIEW hitl.failed WITH (security_barrier) AS
  SELECT k.thread_id, g.graph, k.step, k.node, k.task_id, k.attempt,
         k.error OPERATOR(pg_catalog.->>) 'sqlstate' AS sqlstate,
         k.error OPERATOR(pg_catalog.->>) 'message' AS message,
         k.error OPERATOR(pg_catalog.->>) 'detail' AS detail,
         k.error OPERATOR(pg_catalog.->>) 'hint' AS hint,
         k.error OPERATOR(pg_catalog.->>) 'context' AS context,
         k.ended_at AS failed_at, r.root_id, r.depth, r.frame
  FROM hitl._thread r
       JOIN hitl.thread t ON t.thread_id = r.thread_id
       JOIN hitl._graph_watched g ON g.graph_id = t.graph_id
       JOIN hitl.task k ON k.thread_id = t.thread_id AND k.status = 'failed'
  WHERE t.status NOT IN ('done', 'cancelled') AND t.n_ready = 0 AND t.n_failed > 0;
COMMENT ON VIEW hitl.failed IS 'Tasks whose node failed, with the error. SELECT hitl.retry(thread_id) runs them again, with root_id all that failed in the tree.';

CREATE VIEW hitl.timeline WITH (security_barrier) AS
  SELECT a.thread_id, a.audit_id, a.at, a.event, a.step, a.node, a.interrupt_id, a.actor, a.actor_kind, a.detail, v.comment,
         t.root_id, t.depth, t.frame
  FROM hitl.audit a
       JOIN hitl._thread t ON t.thread_id = a.thread_id
       JOIN hitl._graph_watched g ON g.graph_id = t.graph_id
       LEFT JOIN LATERAL (SELECT w.comment FROM hitl.vote w
                          WHERE a.event = 'decided' AND w.interrupt_id = a.interrupt_id AND g.graph_id IN (SELECT r.graph_id FROM hitl._graph_read r)
                          ORDER BY w.vote_id DESC LIMIT 1) v ON true
  ORDER BY t.root_id, a.audit_id;
COMMENT ON VIEW hitl.timeline IS 'What happened to each thread, in order; the threads of its subgraphs among it, by depth and frame (the nodes above): WHERE root_id = ... comment: what was said with the vote that decided, for who reads the graph''s questions: its owner and its auditors.';

CREATE VIEW hitl.grant_history WITH (security_barrier) AS
  SELECT a.audit_id, a.at, a.event, a.detail OPERATOR(pg_catalog.->>) 'right' AS "right", a.detail OPERATOR(pg_catalog.->>) 'role' AS role,
         a.detail OPERATOR(pg_catalog.->>) 'graph' AS graph, a.detail OPERATOR(pg_catalog.->>) 'reviewers' AS reviewers, a.actor, a.login, a.role AS acted_as
  FROM hitl.audit a
       CROSS JOIN (SELECT 1) nothing
  WHERE a.thread_id = 0 AND a.event IN ('granted', 'revoked')
    AND (EXISTS (SELECT FROM hitl._grant_of_me m WHERE m."right" = 'auditor' AND m.graph_id = 0)
         OR (a.detail OPERATOR(pg_catalog.->>) 'graph_id')::bigint IN (SELECT r.graph_id FROM hitl._graph_read r)
         OR (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.oid = (SELECT hitl._member())))
  ORDER BY a.audit_id;
COMMENT ON VIEW hitl.grant_history IS 'All grants and revokes, oldest first: right, role, graph (NULL is all), by whom and as whom. Of my graphs; for superusers and auditors of all graphs all.';

CREATE VIEW hitl.breakpoints WITH (security_barrier) AS
  SELECT b.kind, b.node, g.graph, b.set_by, b.set_at
  FROM hitl.breakpoint b
       LEFT JOIN hitl.graph g ON g.graph_id = b.graph_id
  WHERE b.removed_at IS NULL AND (b.graph_id = 0 OR b.graph_id IN (SELECT w.graph_id FROM hitl._graph_watched w))
  ORDER BY b.set_at, b.graph_id, b.node, b.kind;
COMMENT ON VIEW hitl.breakpoints IS 'Breakpoints that are set: before or after which node (* is all) of which graph (NULL is all), by whom, when. Those of a definition are in the definition; those that were taken back are in breakpoint_history.';

CREATE VIEW hitl.breakpoint_history WITH (security_barrier) AS
  SELECT b.kind, b.node, g.graph, b.set_by, b.set_at, b.removed_by, b.removed_at
  FROM hitl.breakpoint b
       LEFT JOIN hitl.graph g ON g.graph_id = b.graph_id
  WHERE b.graph_id = 0 OR b.graph_id IN (SELECT w.graph_id FROM hitl._graph_watched w)
  ORDER BY b.breakpoint_id;
COMMENT ON VIEW hitl.breakpoint_history IS 'All breakpoints that were ever set, oldest first: as in breakpoints, and by whom and when each was taken back (NULL: it is in force).';

CREATE VIEW hitl._checkpoint WITH (security_barrier) AS
  SELECT c.thread_id, c.checkpoint, c.step, c.next_step, c.delta, c.patch, c.created_at
  FROM hitl.checkpoint c
       JOIN hitl.thread t ON t.thread_id = c.thread_id
       JOIN hitl._graph_read g ON g.graph_id = t.graph_id;
COMMENT ON VIEW hitl._checkpoint IS 'Internal: checkpoints, for state_history().';

CREATE FUNCTION hitl.state_history(thread_id bigint, OUT checkpoint integer, OUT step integer, OUT nodes text[], OUT delta jsonb, OUT state jsonb, OUT created_at timestamptz)
  RETURNS SETOF record
  LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
  SELECT c.checkpoint, c.step,
         (SELECT pg_catalog.array_agg(DISTINCT a.node ORDER BY a.node) FROM hitl.timeline a
          WHERE a.thread_id = c.thread_id AND a.step = c.step AND c.step IS DISTINCT FROM c.next_step AND a.event IN ('executed', 'updated') AND a.node IS NOT NULL),
         (SELECT coalesce(pg_catalog.jsonb_object_agg(k.key, s.state OPERATOR(pg_catalog.->) k.key), '{}')
          FROM (SELECT pg_catalog.jsonb_object_keys(c.delta) UNION ALL SELECT pg_catalog.jsonb_object_keys(c.patch)) k (key)),
         s.state, c.created_at
  FROM hitl._checkpoint c CROSS JOIN LATERAL (SELECT hitl.get_state(c.thread_id, c.checkpoint) AS state) s
  WHERE c.thread_id = state_history.thread_id
  ORDER BY c.checkpoint DESC;
END;
COMMENT ON FUNCTION hitl.state_history(bigint) IS
'The checkpoints of a thread, the latest first: the super-step and the nodes that made each (none: the input, or update_state()), delta: the
channels that changed with their new values (whole, also where the log holds only how they grew), and the whole state. LangGraph''s get_state_history.
Errors: 42501 no right on the schema; a thread that is not there or not yours has no rows.';
