-- 80_monitor.sql: is it working, and if not, why not.

CREATE FUNCTION hitl._workers(OUT process text, OUT database name, OUT role name, OUT pid integer, OUT state text,
                              OUT thread_id bigint, OUT since timestamptz, OUT note text)
  RETURNS SETOF record
  LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'hitl_workers';
COMMENT ON FUNCTION hitl._workers() IS 'Internal: the processes of hitl on this server, for the view worker_status.';

CREATE VIEW hitl.worker_status AS SELECT * FROM hitl._workers();
COMMENT ON VIEW hitl.worker_status IS 'The processes of hitl on this server: launcher, dispatchers, executors. A note says what is wrong, such as a missing preload.';

CREATE FUNCTION hitl.why(thread_id bigint, OUT code text, OUT explanation text, OUT next text)
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_why';
COMMENT ON FUNCTION hitl.why(bigint) IS
'Why a thread does not move: a code, a sentence, and the command to type next. Codes: done, cancelled, failed, interrupted, delayed, running,
queued, no_workers, no_launcher, no_executor, owner_cannot_connect. Errors: 42704 no such thread; 42501 it is not yours.';

CREATE FUNCTION hitl.mermaid(graph text, thread_id bigint DEFAULT NULL) RETURNS text
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_mermaid';
COMMENT ON FUNCTION hitl.mermaid(text, bigint) IS
'A graph as a Mermaid flowchart: plain edges and joins solid, what a router or command may choose dotted. With a thread of it: the nodes of its current step coloured by status.
Errors: 42704 no such graph or thread; 42501 it is not yours; 22023 the thread is of another graph.';

-- The invariants of the rows, as a query each.  A row here is a bug in hitl, or
-- a superuser's hand in the tables; of I25 it is a role that was dropped.
CREATE VIEW hitl._violation WITH (security_barrier) AS
  SELECT v.invariant, v.thread_id, v.detail
  FROM (
    SELECT 'I1: a running thread has a row in the run queue or waits for a child' AS invariant, t.thread_id, NULL::text AS detail
    FROM hitl.thread t
    WHERE t.status = 'running' AND t.n_waiting = 0 AND NOT EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = t.thread_id)
  UNION ALL
    SELECT 'I2: an interrupted thread waits for an interrupt or is queued', t.thread_id, NULL
    FROM hitl.thread t
    WHERE t.status = 'interrupted'
      AND NOT EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = t.thread_id)
      AND NOT EXISTS (SELECT FROM hitl.interrupt i WHERE i.thread_id = t.thread_id AND i.status = 'pending' AND NOT i.is_review)
  UNION ALL
    SELECT 'I3: a row of the run queue has its task', q.thread_id, 'task ' || q.task_id
    FROM hitl.run_queue q
    WHERE NOT EXISTS (SELECT FROM hitl.task k WHERE k.thread_id = q.thread_id AND k.task_id = q.task_id)
  UNION ALL
    SELECT 'I4: a pending interrupt has its interrupted task and somebody to decide it', i.thread_id, 'interrupt ' || i.interrupt_id
    FROM hitl.interrupt i
    WHERE i.status = 'pending'
      AND (NOT i.is_review AND NOT EXISTS (SELECT FROM hitl.task k
                       WHERE k.thread_id = i.thread_id AND k.task_id = i.task_id AND k.status = 'interrupted')
           OR NOT EXISTS (SELECT FROM hitl.audience a WHERE a.interrupt_id = i.interrupt_id))
  UNION ALL
    SELECT 'I5: a settled interrupt is in nobody''s inbox', i.thread_id, 'interrupt ' || i.interrupt_id
    FROM hitl.interrupt i
    WHERE i.status <> 'pending' AND EXISTS (SELECT FROM hitl.audience a WHERE a.interrupt_id = i.interrupt_id)
  UNION ALL
    SELECT 'I6: a thread that ended has nothing left to do', t.thread_id, 'task ' || k.task_id || ' is ' || k.status
    FROM hitl.thread t JOIN hitl.task k ON k.thread_id = t.thread_id
    WHERE (t.status = 'done' AND k.status NOT IN ('done', 'cancelled')
           AND NOT (k.step < t.step AND EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = k.thread_id AND q.task_id = k.task_id)))
       OR (t.status = 'cancelled' AND k.status NOT IN ('done', 'failed', 'cancelled')
           AND NOT EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = k.thread_id AND q.task_id = k.task_id))
  UNION ALL
    SELECT 'I7: an answer has its run', k.thread_id, 'task ' || k.task_id
    FROM hitl.task k
    WHERE k.status = 'interrupted'
      AND NOT EXISTS (SELECT FROM hitl.interrupt i
                      WHERE i.thread_id = k.thread_id AND i.task_id = k.task_id AND i.status = 'pending' AND NOT i.is_review)
      AND NOT EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = k.thread_id AND q.task_id = k.task_id)
  UNION ALL
    SELECT 'I8: a thread has its graph version and its latest checkpoint', t.thread_id, NULL
    FROM hitl.thread t
    WHERE NOT EXISTS (SELECT FROM hitl.graph_version g WHERE g.graph_id = t.graph_id AND g.version = t.version)
       OR NOT EXISTS (SELECT FROM hitl.checkpoint c JOIN hitl.checkpoint b ON b.thread_id = c.thread_id AND b.checkpoint = c.base
                      WHERE c.thread_id = t.thread_id AND c.checkpoint = t.checkpoint)
  UNION ALL
    SELECT 'I9: no row is an orphan', o.thread_id, o.detail
    FROM (
      SELECT k.thread_id, 'task ' || k.task_id AS detail
      FROM hitl.task k WHERE NOT EXISTS (SELECT FROM hitl.thread t WHERE t.thread_id = k.thread_id)
    UNION ALL
      SELECT i.thread_id, 'interrupt ' || i.interrupt_id
      FROM hitl.interrupt i WHERE NOT EXISTS (SELECT FROM hitl.thread t WHERE t.thread_id = i.thread_id)
    UNION ALL
      SELECT c.thread_id, 'checkpoint ' || c.checkpoint
      FROM hitl.checkpoint c WHERE NOT EXISTS (SELECT FROM hitl.thread t WHERE t.thread_id = c.thread_id)
    UNION ALL
      SELECT a.thread_id, 'audit ' || a.audit_id
      FROM hitl.audit a WHERE a.thread_id <> 0 AND NOT EXISTS (SELECT FROM hitl.thread t WHERE t.thread_id = a.thread_id)
    UNION ALL
      SELECT a.thread_id, 'automatic verdict ' || a.verdict_id
      FROM hitl.automatic_verdict a WHERE NOT EXISTS (SELECT FROM hitl.thread t WHERE t.thread_id = a.thread_id)
    UNION ALL
      SELECT NULL, 'vote on interrupt ' || v.interrupt_id
      FROM hitl.vote v WHERE NOT EXISTS (SELECT FROM hitl.interrupt i WHERE i.interrupt_id = v.interrupt_id)
    UNION ALL
      SELECT NULL, 'audience of interrupt ' || a.interrupt_id
      FROM hitl.audience a WHERE NOT EXISTS (SELECT FROM hitl.interrupt i WHERE i.interrupt_id = a.interrupt_id)
    UNION ALL
      SELECT NULL, 'message on interrupt ' || m.interrupt_id
      FROM hitl.outbox m WHERE NOT EXISTS (SELECT FROM hitl.interrupt i WHERE i.interrupt_id = m.interrupt_id)
    UNION ALL
      SELECT u.thread_id, 'outcome ' || u.outcome_id
      FROM hitl.outcome u WHERE NOT EXISTS (SELECT FROM hitl.thread t WHERE t.thread_id = u.thread_id)
    UNION ALL
      SELECT NULL, 'version ' || v.version || ' of graph ' || v.graph_id
      FROM hitl.graph_version v WHERE NOT EXISTS (SELECT FROM hitl.graph g WHERE g.graph_id = v.graph_id)
    UNION ALL
      SELECT NULL, 'function ' || f.signature || ' of graph ' || f.graph_id
      FROM hitl.graph_function f WHERE NOT EXISTS (SELECT FROM hitl.graph_version v WHERE v.graph_id = f.graph_id AND v.version = f.version)
    UNION ALL
      SELECT NULL, 'breakpoint of graph ' || b.graph_id
      FROM hitl.breakpoint b WHERE b.graph_id <> 0 AND NOT EXISTS (SELECT FROM hitl.graph g WHERE g.graph_id = b.graph_id)
    UNION ALL
      SELECT r.thread_id, 'step ' || r.key || ' of task ' || r.task_id
      FROM hitl.step_result r WHERE NOT EXISTS (SELECT FROM hitl.task k WHERE k.thread_id = r.thread_id AND k.task_id = r.task_id AND k.has_steps)
    UNION ALL
      SELECT k.thread_id, 'key of graph ' || k.graph_id
      FROM hitl.thread_key k WHERE NOT EXISTS (SELECT FROM hitl.thread t WHERE t.thread_id = k.thread_id)
    ) o
  UNION ALL
    SELECT 'I10: a decided interrupt has its decision and a vote', i.thread_id, 'interrupt ' || i.interrupt_id
    FROM hitl.interrupt i
    WHERE i.status = 'decided'
      AND (i.decision IS NULL OR NOT EXISTS (SELECT FROM hitl.vote v WHERE v.interrupt_id = i.interrupt_id))
  UNION ALL
    SELECT 'I11: an owner is a role', o.thread_id, o.detail
    FROM (SELECT NULL::bigint AS thread_id, 'graph ' || g.graph_id AS detail, g.owner FROM hitl.graph g
          UNION ALL
          SELECT NULL, 'policy ' || p.policy_id, p.owner FROM hitl.policy p
          UNION ALL
          SELECT NULL, 'rule ' || r.rule_id, r.owner FROM hitl.rule r WHERE r.dropped_at IS NULL
          UNION ALL
          SELECT t.thread_id, NULL, t.owner FROM hitl.thread t) o
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = o.owner)
  UNION ALL
    SELECT 'I12: a thread counts the tasks of its step rightly', t.thread_id, NULL
    FROM hitl.thread t
         CROSS JOIN LATERAL (SELECT pg_catalog.count(*) FILTER (WHERE k.status = 'ready') AS ready,
                                    pg_catalog.count(*) FILTER (WHERE k.status = 'interrupted') AS interrupted,
                                    pg_catalog.count(*) FILTER (WHERE k.status = 'waiting') AS waiting,
                                    pg_catalog.count(*) FILTER (WHERE k.status = 'failed') AS failed
                             FROM hitl.task k WHERE k.thread_id = t.thread_id AND k.step = t.step) c
    WHERE t.status <> 'cancelled' AND (t.n_ready <> c.ready OR t.n_interrupted <> c.interrupted OR t.n_waiting <> c.waiting OR t.n_failed <> c.failed)
  UNION ALL
    SELECT 'I13: a waiting task has a child that lives, or a row in the run queue', k.thread_id, 'task ' || k.task_id
    FROM hitl.task k
    WHERE k.status = 'waiting'
      AND NOT EXISTS (SELECT FROM hitl.thread d
                      WHERE d.thread_id = k.child_id AND d.parent_id = k.thread_id AND d.parent_step = k.step
                        AND d.parent_task_id = k.task_id AND d.status NOT IN ('done', 'cancelled'))
      AND NOT EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = k.thread_id AND q.task_id = k.task_id)
  UNION ALL
    SELECT 'I14: a child that lives has the parent and the task that wait for it', d.thread_id, 'child of thread ' || d.parent_id
    FROM hitl.thread d
    WHERE d.root_id IS NOT NULL AND d.status NOT IN ('done', 'cancelled')
      AND NOT EXISTS (SELECT FROM hitl.task k JOIN hitl.thread t ON t.thread_id = k.thread_id
                      WHERE k.thread_id = d.parent_id AND k.step = d.parent_step AND k.task_id = d.parent_task_id
                        AND k.child_id = d.thread_id AND k.status = 'waiting'
                        AND t.status NOT IN ('done', 'cancelled') AND t.step = k.step
                        AND t.depth = d.depth - 1 AND COALESCE(t.root_id, t.thread_id) = d.root_id
                        AND d.frame = COALESCE(t.frame, '{}') OPERATOR(pg_catalog.||) k.node)
  UNION ALL
    SELECT 'I15: an input waits for the end of its thread, which counts it', o.thread_id, o.detail
    FROM (
      SELECT i.thread_id, 'input ' || i.input_id AS detail
      FROM hitl.thread_input i
      WHERE NOT EXISTS (SELECT FROM hitl.thread t WHERE t.thread_id = i.thread_id AND t.status IN ('running', 'interrupted', 'failed'))
    UNION ALL
      SELECT t.thread_id, NULL
      FROM hitl.thread t
      WHERE t.n_inputs <> (SELECT pg_catalog.count(*) FROM hitl.thread_input i WHERE i.thread_id = t.thread_id)
         OR (t.n_inputs > 0 AND t.status = 'failed' AND NOT EXISTS (SELECT FROM hitl.run_queue q WHERE q.thread_id = t.thread_id))
    ) o
  UNION ALL
    SELECT 'I19: a timer is that of a pending interrupt', i.thread_id, 'timer of interrupt ' || t.interrupt_id
    FROM hitl.timer t LEFT JOIN hitl.interrupt i ON i.interrupt_id = t.interrupt_id
    WHERE i.status IS DISTINCT FROM 'pending'
  UNION ALL
    SELECT 'I20: a pending interrupt with a deadline has the timer of it, or it has fired', i.thread_id, 'interrupt ' || i.interrupt_id
    FROM hitl.interrupt i
    WHERE i.status = 'pending'
      AND ((i.due_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM hitl.timer t WHERE t.interrupt_id = i.interrupt_id AND t.kind = 'due' AND t.planned_at = i.due_at)
            AND NOT EXISTS (SELECT FROM hitl.escalation e WHERE e.interrupt_id = i.interrupt_id AND e.kind = 'due' AND e.planned_at = i.due_at))
        OR (i.expires_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM hitl.timer t WHERE t.interrupt_id = i.interrupt_id AND t.kind = 'expiry' AND t.planned_at = i.expires_at)
            AND NOT EXISTS (SELECT FROM hitl.escalation e WHERE e.interrupt_id = i.interrupt_id AND e.kind = 'expiry' AND e.planned_at = i.expires_at)))
  UNION ALL
    SELECT 'I21: a claim has its holder and its end', i.thread_id, 'interrupt ' || i.interrupt_id
    FROM hitl.interrupt i
    WHERE (i.claimed_by IS NULL) <> (i.claimed_until IS NULL)
  UNION ALL
    SELECT 'I22: what lies on a desk is of an interrupt that is there; an absence ends, and has a substitute', NULL, o.detail
    FROM (
      SELECT d.interrupt_id, 'delegation of ' || d.delegator AS detail FROM hitl.delegation d
    UNION ALL
      SELECT s.interrupt_id, 'snooze of ' || s.person FROM hitl.snooze s
    UNION ALL
      SELECT c.interrupt_id, 'comment ' || c.comment_id FROM hitl.comment c
    UNION ALL
      SELECT w.interrupt_id, 'view of ' || w.person FROM hitl.viewed w
    UNION ALL
      SELECT -1, 'absence ' || a.absence_id FROM hitl.absence a WHERE a.ends_at <= a.starts_at OR a.person = a.substitute
    ) o
    WHERE NOT EXISTS (SELECT FROM hitl.interrupt i WHERE i.interrupt_id = o.interrupt_id)
  UNION ALL
    SELECT 'I23: a policy has its versions, and who names one finds it', o.thread_id, o.detail
    FROM (
      SELECT NULL::bigint AS thread_id, 'policy ' || p.policy_id AS detail
      FROM hitl.policy p
      WHERE NOT EXISTS (SELECT FROM hitl.policy_version v WHERE v.policy_id = p.policy_id AND v.version = p.version)
    UNION ALL
      SELECT NULL, 'version ' || v.version || ' of policy ' || v.policy_id
      FROM hitl.policy_version v WHERE NOT EXISTS (SELECT FROM hitl.policy p WHERE p.policy_id = v.policy_id AND p.version >= v.version)
    UNION ALL
      SELECT NULL, 'group ' || g.name || ' of policy ' || g.policy_id
      FROM hitl.policy_group g WHERE NOT EXISTS (SELECT FROM hitl.policy_version v WHERE v.policy_id = g.policy_id AND v.version = g.version)
    UNION ALL
      SELECT NULL, 'rule ' || r.rule_id
      FROM hitl.rule r WHERE r.policy_id IS NOT NULL AND NOT EXISTS (SELECT FROM hitl.policy p WHERE p.policy_id = r.policy_id)
    UNION ALL
      SELECT i.thread_id, 'interrupt ' || i.interrupt_id
      FROM hitl.interrupt i
      WHERE i.policy_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM hitl.policy_version v WHERE v.policy_id = i.policy_id AND v.version = i.policy_version)
    ) o
  UNION ALL
    SELECT 'I24: a grant names roles that are there, and its graph', NULL, 'right ' || g."right" || ' of role ' || g.role
    FROM hitl.grant g
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = g.role)
       OR (g."right" = 'proxy') IS DISTINCT FROM EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = g.reviewers)
       OR (g.graph_id <> 0 AND NOT EXISTS (SELECT FROM hitl.graph p WHERE p.graph_id = g.graph_id))
  UNION ALL
    SELECT 'I25: who decides a pending interrupt is there', i.thread_id,
           'interrupt ' || i.interrupt_id || ', ' || o.detail || ' was dropped; hitl.why() of the thread says what can be done'
    FROM (
      SELECT a.interrupt_id, 'role ' || a.role::pg_catalog.oid AS detail
      FROM hitl.audience a
      WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = a.role)
        AND NOT EXISTS (SELECT FROM hitl.delegation d WHERE d.interrupt_id = a.interrupt_id AND d.role = a.role AND d.is_added)
        AND NOT EXISTS (SELECT FROM hitl.interrupt i JOIN hitl.policy_group g ON g.policy_id = i.policy_id AND g.version = i.policy_version
                        WHERE i.interrupt_id = a.interrupt_id AND g.role = a.role)
    UNION ALL
      SELECT i.interrupt_id, 'group "' || n.name || '" of policy "' || p.policy || '"'
      FROM hitl.interrupt i
           JOIN hitl.policy p ON p.policy_id = i.policy_id
           JOIN hitl.policy_version v ON v.policy_id = i.policy_id AND v.version = i.policy_version
           CROSS JOIN LATERAL pg_catalog.jsonb_array_elements_text(v.definition OPERATOR(pg_catalog.->) 'groups') n (name)
      WHERE i.status = 'pending'
        AND NOT EXISTS (SELECT FROM hitl.policy_group g JOIN pg_catalog.pg_roles r ON r.oid = g.role
                        WHERE g.policy_id = i.policy_id AND g.version = i.policy_version AND g.name = n.name)
    ) o JOIN hitl.interrupt i ON i.interrupt_id = o.interrupt_id
    WHERE i.status = 'pending'
  UNION ALL
    SELECT 'I16: a vote is for a revision that its interrupt had', i.thread_id, 'interrupt ' || i.interrupt_id
    FROM hitl.vote v JOIN hitl.interrupt i ON i.interrupt_id = v.interrupt_id
    WHERE v.revision NOT BETWEEN 1 AND i.revision
  UNION ALL
    SELECT 'I17: a proposal is somebody''s vote, and a revision of its own', i.thread_id, 'interrupt ' || i.interrupt_id
    FROM hitl.interrupt i
    WHERE i.content_hash IS NULL OR (i.proposal IS NULL) <> (i.proposed_by IS NULL)
       OR (i.proposal IS NOT NULL
           AND NOT EXISTS (SELECT FROM hitl.vote v
                           WHERE v.interrupt_id = i.interrupt_id AND v.revision = i.revision AND v.voter = i.proposed_by
                             AND NOT v.is_withdrawal AND v.type NOT IN ('approve', 'reject') AND v.answer = i.proposal))
  UNION ALL
    SELECT 'I18: a round that reopens has the one before it: superseded, or of a review decided', i.thread_id, 'interrupt ' || i.interrupt_id
    FROM hitl.interrupt i
    WHERE (i.is_review AND i.reopens IS NULL)
       OR (i.reopens IS NOT NULL
           AND NOT EXISTS (SELECT FROM hitl.interrupt o
                           WHERE o.interrupt_id = i.reopens AND o.thread_id = i.thread_id AND o.task_id = i.task_id AND o.decision IS NOT NULL
                             AND (o.status = 'superseded' OR (i.is_review AND o.status IN ('decided', 'expired')))))
    -- who may see what is found is asked of what is found, not of all that is looked at
    OFFSET 0
  ) v
  WHERE v.thread_id IN (SELECT t.thread_id FROM hitl.thread t JOIN hitl._graph_watched g ON g.graph_id = t.graph_id)
     OR (((SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.oid = (SELECT hitl._member()))
          OR EXISTS (SELECT FROM hitl._grant_of_me m WHERE m."right" IN ('operator', 'auditor') AND m.graph_id = 0))
         AND (v.thread_id IN (SELECT t.thread_id FROM hitl.thread t)) IS NOT TRUE);
COMMENT ON VIEW hitl._violation IS 'Internal: rows that break an invariant; hitl.check() reads it.';

CREATE FUNCTION hitl.check(OUT invariant text, OUT thread_id bigint, OUT detail text) RETURNS SETOF record
  LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
  SELECT v.invariant, v.thread_id, v.detail FROM hitl._violation v;
END;
COMMENT ON FUNCTION hitl.check() IS 'Proves the invariants of the rows: returns what breaks one; no row is good news.';

CREATE FUNCTION hitl._announce() RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_announce';
COMMENT ON FUNCTION hitl._announce() IS 'Internal: tells the launcher, at commit, that this database has hitl.';
