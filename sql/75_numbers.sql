-- 75_numbers.sql: the desk in numbers: how much waits, how long people take, what
-- they say, how much needed them at all, and how it ended.
--
-- Two views have a row for each question and for each vote; the others sum them
-- up over all time, and whoever wants a week of it does so over the rows.

CREATE SEQUENCE hitl.outcome_id_seq;

CREATE TABLE hitl.outcome (
  thread_id    bigint NOT NULL,
  outcome_id   bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.outcome_id_seq'),
  outcome      text NOT NULL,
  note         text,
  reported_by  text NOT NULL,
  reported_at  timestamptz NOT NULL,
  CONSTRAINT outcome_pkey PRIMARY KEY (thread_id, outcome_id),
  CONSTRAINT outcome_outcome CHECK (outcome IN ('ok', 'error'))
);
COMMENT ON TABLE hitl.outcome IS 'How it turned out in the end what a thread did, as somebody found. The latest row of a thread counts; none ever changes.';
COMMENT ON COLUMN hitl.outcome.thread_id IS 'The thread.';
COMMENT ON COLUMN hitl.outcome.outcome_id IS 'Key and order, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.outcome.outcome IS 'ok or error: was it right to do what was done.';
COMMENT ON COLUMN hitl.outcome.note IS 'Said beside it.';
COMMENT ON COLUMN hitl.outcome.reported_by IS 'Session user who said so.';
COMMENT ON COLUMN hitl.outcome.reported_at IS 'When.';

CREATE FUNCTION hitl.report_outcome(thread_id bigint, outcome text, note text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_report_outcome';
COMMENT ON FUNCTION hitl.report_outcome(bigint, text, text) IS
'Says how it turned out what a thread did: ok, or error (the refund was not due after all); the last word counts. From it come the error rates of what ran by itself against what people have looked at. Errors: 42704 no such thread;
42501 it is somebody else''s, or you are a node: an agent does not mark its own work; 55000 it has not ended yet; 22023 neither ok nor error; 22004 an argument is NULL.';

CREATE VIEW hitl.question_times WITH (security_barrier) AS
  SELECT i.interrupt_id, i.thread_id, g.graph, i.node, p.policy, i.status,
         i.decision OPERATOR(pg_catalog.->>) 'type' AS type, i.priority, i.opened_at, i.due_at, i.settled_at,
         c.claimed_at - i.opened_at AS to_claim,
         v.viewed_at - i.opened_at AS to_view,
         w.voted_at - i.opened_at AS to_vote,
         CASE WHEN i.status IN ('decided', 'expired') THEN i.settled_at - i.opened_at END AS to_decide,
         i.due_at < COALESCE(i.settled_at, hitl._now()) AS is_late
  FROM hitl.interrupt i
       JOIN hitl._graph_watched g ON g.graph_id = i.graph_id
       LEFT JOIN hitl.policy p ON p.policy_id = i.policy_id
       CROSS JOIN LATERAL (SELECT pg_catalog.min(a.at) AS claimed_at FROM hitl.audit a
                           WHERE a.thread_id = i.thread_id AND a.interrupt_id = i.interrupt_id AND a.event IN ('claimed', 'assigned')) c
       CROSS JOIN LATERAL (SELECT pg_catalog.min(n.viewed_at) AS viewed_at FROM hitl.viewed n WHERE n.interrupt_id = i.interrupt_id) v
       CROSS JOIN LATERAL (SELECT pg_catalog.min(o.voted_at) AS voted_at FROM hitl.vote o
                           WHERE o.interrupt_id = i.interrupt_id AND NOT o.is_withdrawal) w;
COMMENT ON VIEW hitl.question_times IS 'A row per question: how long it was from its opening to the first claim or assignment, to the first time that somebody was shown it (show()), to the first vote, and to the decision (also the deadline''s); NULL: that has not happened. is_late: it was, or is, past its due_at.';

CREATE VIEW hitl.vote_times WITH (security_barrier) AS
  SELECT v.interrupt_id, v.vote_id, g.graph, p.policy, v.voter AS reviewer, v.on_behalf_of AS in_place_of, v.type, v.is_withdrawal, v.revision, v.voted_at,
         v.voted_at - i.opened_at AS after_opening,
         v.voted_at - n.viewed_at AS review
  FROM hitl.vote v
       JOIN hitl.interrupt i ON i.interrupt_id = v.interrupt_id
       JOIN hitl._graph_watched g ON g.graph_id = i.graph_id
       LEFT JOIN hitl.policy p ON p.policy_id = i.policy_id
       LEFT JOIN hitl.viewed n ON n.interrupt_id = v.interrupt_id AND n.person = v.voter AND n.revision = v.revision AND n.viewed_at <= v.voted_at;
COMMENT ON VIEW hitl.vote_times IS 'A row per vote: how long after the question was opened, and review: how long after its reviewer was first shown that revision by show(), which is the reviewer''s work; NULL: voted without having been shown it.';

CREATE VIEW hitl.backlog WITH (security_barrier) AS
  SELECT g.graph, p.policy, pg_catalog.count(*) AS pending,
         pg_catalog.count(*) FILTER (WHERE i.claimed_until > hitl._now()) AS claimed,
         pg_catalog.count(*) FILTER (WHERE NOT EXISTS (SELECT FROM hitl.viewed n WHERE n.interrupt_id = i.interrupt_id)) AS unseen,
         pg_catalog.count(*) FILTER (WHERE i.due_at < hitl._now()) AS overdue,
         pg_catalog.min(i.opened_at) AS oldest_at, hitl._now() - pg_catalog.min(i.opened_at) AS oldest_age
  FROM hitl.interrupt i
       JOIN hitl._graph_watched g ON g.graph_id = i.graph_id
       LEFT JOIN hitl.policy p ON p.policy_id = i.policy_id
  WHERE i.status = 'pending' AND i.interrupt_id IN (SELECT a.interrupt_id FROM hitl.audience a)
  GROUP BY g.graph, p.policy
  ORDER BY g.graph, p.policy;
COMMENT ON VIEW hitl.backlog IS 'What waits for people, per graph and policy (NULL: none): how many questions, how many of them somebody holds, nobody has been shown yet, are overdue; since when the oldest waits.';

CREATE VIEW hitl.policy_numbers WITH (security_barrier) AS
  SELECT q.graph, q.policy, pg_catalog.count(*) AS questions,
         pg_catalog.count(*) FILTER (WHERE q.status = 'decided') AS decided,
         pg_catalog.count(*) FILTER (WHERE q.status = 'expired') AS expired,
         pg_catalog.count(*) FILTER (WHERE q.is_late) AS late,
         pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY q.to_claim) AS to_claim_p50,
         pg_catalog.percentile_cont(0.9) WITHIN GROUP (ORDER BY q.to_claim) AS to_claim_p90,
         pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY q.to_view) AS to_view_p50,
         pg_catalog.percentile_cont(0.9) WITHIN GROUP (ORDER BY q.to_view) AS to_view_p90,
         pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY q.to_vote - q.to_view) AS review_p50,
         pg_catalog.percentile_cont(0.9) WITHIN GROUP (ORDER BY q.to_vote - q.to_view) AS review_p90,
         pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY q.to_decide) AS to_decide_p50,
         pg_catalog.percentile_cont(0.9) WITHIN GROUP (ORDER BY q.to_decide) AS to_decide_p90,
         pg_catalog.percentile_cont(0.99) WITHIN GROUP (ORDER BY q.to_decide) AS to_decide_p99
  FROM hitl.question_times q
  GROUP BY q.graph, q.policy
  ORDER BY q.graph, q.policy;
COMMENT ON VIEW hitl.policy_numbers IS 'How long questions take, per graph and policy (NULL: none): medians and percentiles of the times in question_times; review: from the first view to the first vote.';

CREATE VIEW hitl.reviewer_numbers WITH (security_barrier) AS
  SELECT v.reviewer, v.graph, v.policy, pg_catalog.count(*) FILTER (WHERE NOT v.is_withdrawal) AS votes,
         pg_catalog.count(*) FILTER (WHERE v.type = 'approve' AND NOT v.is_withdrawal) AS approved,
         pg_catalog.count(*) FILTER (WHERE v.type = 'edit' AND NOT v.is_withdrawal) AS edited,
         pg_catalog.count(*) FILTER (WHERE v.type = 'reject' AND NOT v.is_withdrawal) AS rejected,
         pg_catalog.count(*) FILTER (WHERE v.type = 'respond' AND NOT v.is_withdrawal) AS responded,
         pg_catalog.count(*) FILTER (WHERE v.is_withdrawal) AS withdrawn,
         pg_catalog.round(pg_catalog.avg(CASE WHEN v.type = 'approve' THEN 1 ELSE 0 END) FILTER (WHERE NOT v.is_withdrawal), 3) AS approve_rate,
         pg_catalog.round(pg_catalog.avg(CASE WHEN v.type = 'edit' THEN 1 ELSE 0 END) FILTER (WHERE NOT v.is_withdrawal), 3) AS edit_rate,
         pg_catalog.round(pg_catalog.avg(CASE WHEN v.type = 'reject' THEN 1 ELSE 0 END) FILTER (WHERE NOT v.is_withdrawal), 3) AS reject_rate,
         pg_catalog.round(pg_catalog.avg(CASE WHEN v.type = 'respond' THEN 1 ELSE 0 END) FILTER (WHERE NOT v.is_withdrawal), 3) AS respond_rate,
         pg_catalog.count(*) FILTER (WHERE v.review IS NULL AND NOT v.is_withdrawal) AS unseen,
         pg_catalog.round((EXTRACT(epoch FROM pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY v.review) FILTER (WHERE NOT v.is_withdrawal)))::numeric, 1) AS median_seconds,
         pg_catalog.round((EXTRACT(epoch FROM pg_catalog.percentile_cont(0.9) WITHIN GROUP (ORDER BY v.review) FILTER (WHERE NOT v.is_withdrawal)))::numeric, 1) AS p90_seconds,
         pg_catalog.round((EXTRACT(epoch FROM pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY v.after_opening) FILTER (WHERE NOT v.is_withdrawal)))::numeric, 1) AS median_seconds_open
  FROM hitl.vote_times v
  GROUP BY v.reviewer, v.graph, v.policy
  ORDER BY v.reviewer, v.graph, v.policy;
COMMENT ON VIEW hitl.reviewer_numbers IS 'What each reviewer says, per graph and policy, and how long the work takes: median_seconds and p90_seconds from the first view of a question to the vote on it, unseen: votes on what the reviewer was never shown. Who approves all of it in two seconds shows.';

CREATE VIEW hitl.automation WITH (security_barrier) AS
  SELECT n.day, n.graph, n.action, pg_catalog.sum(n.automatic) AS automatic, pg_catalog.sum(n.asked) AS asked,
         pg_catalog.round(pg_catalog.avg(n.asked), 3) AS asked_share
  FROM (SELECT (a.at AT TIME ZONE 'UTC')::pg_catalog.date AS day, g.graph, a.action, 1 AS automatic, 0 AS asked
        FROM hitl.automatic_verdict a JOIN hitl._graph_read g ON g.graph_id = a.graph_id
        UNION ALL
        SELECT (i.opened_at AT TIME ZONE 'UTC')::pg_catalog.date, g.graph, i.action, 0, 1
        FROM hitl.interrupt i JOIN hitl._graph_read g ON g.graph_id = i.graph_id
        -- once per question, however often it was asked anew; a breakpoint is no action
        WHERE i.supersedes IS NULL AND i.reopens IS NULL AND i.key NOT IN ('#before', '#after')) n
  GROUP BY n.day, n.graph, n.action
  ORDER BY n.day, n.graph, n.action;
COMMENT ON VIEW hitl.automation IS 'How much needed a person, per day (UTC), graph and action: questions that a rule or a gate answered (automatic), and those that people were asked; asked_share: of both. Of several days or graphs: sum(asked)::numeric / sum(asked + automatic).';

CREATE VIEW hitl.outcomes WITH (security_barrier) AS
  SELECT o.thread_id, g.graph, o.outcome, o.note, o.reported_by, o.reported_at,
         CASE WHEN q.decided THEN 'person' WHEN q.expired THEN 'deadline'
              WHEN EXISTS (SELECT FROM hitl._thread t JOIN hitl.automatic_verdict a ON a.thread_id = t.thread_id WHERE t.root_id = o.thread_id) THEN 'automatic'
              ELSE 'none' END AS decided_by
  FROM (SELECT DISTINCT ON (n.thread_id) n.thread_id, n.outcome, n.note, n.reported_by, n.reported_at
        FROM hitl.outcome n ORDER BY n.thread_id, n.outcome_id DESC) o
       JOIN hitl.thread r ON r.thread_id = o.thread_id
       JOIN hitl._graph_read g ON g.graph_id = r.graph_id
       CROSS JOIN LATERAL (SELECT pg_catalog.bool_or(i.status = 'decided') AS decided, pg_catalog.bool_or(i.status = 'expired') AS expired
                           FROM hitl._thread t JOIN hitl.interrupt i ON i.thread_id = t.thread_id
                           WHERE t.root_id = o.thread_id AND i.key NOT IN ('#before', '#after')) q;
COMMENT ON VIEW hitl.outcomes IS 'The last word on each thread, and who had decided in it or in its subgraphs: person (at least once), else deadline, else automatic (a rule or a gate), else none (nothing was asked).';

CREATE VIEW hitl.error_rates WITH (security_barrier) AS
  SELECT o.graph, o.decided_by, pg_catalog.count(*) AS reported, pg_catalog.count(*) FILTER (WHERE o.outcome = 'error') AS errors,
         pg_catalog.round(pg_catalog.avg(CASE WHEN o.outcome = 'error' THEN 1 ELSE 0 END), 3) AS error_rate
  FROM hitl.outcomes o
  GROUP BY o.graph, o.decided_by
  ORDER BY o.graph, o.decided_by;
COMMENT ON VIEW hitl.error_rates IS 'How often it was wrong, per graph and who decided: what ran automatically against what people have looked at, of those whose outcome was reported.';
