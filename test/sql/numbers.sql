-- The desk in numbers: what waits, how long people take, what they say, how much needed them, and how it ended.
-- Proves: each number against times that were set by hand; who saw nothing and approved all of it shows; a question that is asked anew counts once, a breakpoint not at all; the last word on a
-- thread counts, and an agent does not mark its own work; strangers see no number.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_desk LOGIN;
CREATE ROLE regress_careful LOGIN IN ROLE regress_desk;
CREATE ROLE regress_stamper LOGIN IN ROLE regress_desk;
CREATE ROLE regress_eve LOGIN;
GRANT USAGE ON SCHEMA hitl TO regress_eve;
SELECT hitl.grant_author('regress_desk');
CREATE SCHEMA desk AUTHORIZATION regress_desk;

\c - regress_desk
SET client_min_messages = warning;
CREATE FUNCTION desk.pays(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"paid": true}'::jsonb $$;
SELECT hitl.define('{"graph": "pay", "nodes": {"pay": {"handler": "desk.pays", "gate": {"action": "refund", "args": "$", "skip_when": "$.amount <= 1000"}}}, "edges": [["START", "pay"], ["pay", "END"]]}') AS version;
-- 100 refunds: 97 need nobody, three do.
SELECT d->>'status' AS status, count(*) FROM generate_series(1, 100) n, hitl.invoke('pay', jsonb_build_object('amount', CASE WHEN n > 97 THEN 2000 ELSE n END)) d GROUP BY 1 ORDER BY 1;
SELECT graph, action, automatic, asked, asked_share FROM hitl.automation;
\c - postgres
SET client_min_messages = warning;

-- What waits, as if it had for an hour, two, three; one of them is looked at, and held.
UPDATE hitl.interrupt SET opened_at = date_trunc('minute', now()) - interrupt_id * interval '1 hour', due_at = CASE WHEN interrupt_id = 3 THEN now() - interval '1 minute' END;
SET SESSION AUTHORIZATION regress_careful;
SELECT hitl.show(1) IS NOT NULL AS shown;
SELECT hitl.claim(1) > now() AS claimed;
RESET SESSION AUTHORIZATION;
SELECT graph, policy, pending, claimed, unseen, overdue, extract(hour FROM oldest_age) AS hours FROM hitl.backlog;

-- Decided: one after ten minutes of work, one corrected, one stamped without a look.
SET SESSION AUTHORIZATION regress_careful;
SELECT status FROM hitl.approve(1);
SELECT hitl.show(2) IS NOT NULL AS shown;
SELECT status FROM hitl.edit(2, '{"amount": 1500}');
SET SESSION AUTHORIZATION regress_stamper;
SELECT status FROM hitl.approve(3);
RESET SESSION AUTHORIZATION;
UPDATE hitl.viewed SET viewed_at = i.opened_at + interval '20 minutes' FROM hitl.interrupt i WHERE i.interrupt_id = viewed.interrupt_id;
UPDATE hitl.audit SET at = i.opened_at + interval '15 minutes' FROM hitl.interrupt i WHERE i.interrupt_id = audit.interrupt_id AND event = 'claimed';
UPDATE hitl.vote SET voted_at = i.opened_at + i.interrupt_id * interval '10 minutes' + interval '20 minutes' FROM hitl.interrupt i WHERE i.interrupt_id = vote.interrupt_id;
UPDATE hitl.interrupt SET settled_at = v.voted_at FROM hitl.vote v WHERE v.interrupt_id = interrupt.interrupt_id;
\c - regress_desk
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SELECT interrupt_id, policy, status, type, to_claim, to_view, to_vote, to_decide, is_late FROM hitl.question_times ORDER BY 1;
SELECT interrupt_id, reviewer, type, after_opening, review FROM hitl.vote_times ORDER BY 1;
SELECT graph, policy, questions, decided, expired, late, to_claim_p50, to_view_p50, review_p50, review_p90, to_decide_p50, to_decide_p99 FROM hitl.policy_numbers;
SELECT reviewer, votes, approved, edited, rejected, responded, approve_rate, edit_rate, unseen, median_seconds, p90_seconds, median_seconds_open FROM hitl.reviewer_numbers;
SELECT count(*) FROM hitl.backlog;

-- How it ended.
CALL hitl.run_pending();
SELECT count(hitl.report_outcome(thread_id, CASE WHEN thread_id % 10 = 0 THEN 'error' ELSE 'ok' END)) AS reported FROM hitl.threads WHERE thread_id <= 50;
SELECT hitl.report_outcome(98, 'error', 'not due'), hitl.report_outcome(99, 'ok');
SELECT hitl.report_outcome(98, 'ok', 'due after all');
SELECT thread_id, outcome, note, reported_by, decided_by FROM hitl.outcomes WHERE thread_id > 49 ORDER BY 1;
SELECT graph, decided_by, reported, errors, error_rate FROM hitl.error_rates;
SELECT event, actor_kind, detail FROM hitl.timeline WHERE thread_id = 98 AND event = 'outcome';

-- What is no outcome, and who has no word on it.
SELECT hitl.report_outcome(98, 'fine');
\echo :SQLSTATE
SELECT hitl.report_outcome(999, 'ok');
\echo :SQLSTATE
SELECT hitl.report_outcome(98, NULL);
\echo :SQLSTATE
SELECT hitl.start('pay', '{"amount": 5000}') AS waits \gset
CALL hitl.run_pending();
SELECT hitl.wait(:waits, '20 s');
SELECT hitl.report_outcome(:waits, 'ok');
\echo :SQLSTATE
CREATE FUNCTION desk.marks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN PERFORM hitl.report_outcome(98, 'ok'); RETURN NULL; END $$;
SELECT hitl.define('{"graph": "marks", "nodes": {"mark": "desk.marks"}, "edges": [["START", "mark"], ["mark", "END"]]}') AS version;
SELECT d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM hitl.invoke('marks') d;
\c - regress_eve
SELECT hitl.report_outcome(98, 'ok');
\echo :SQLSTATE
SELECT (SELECT count(*) FROM hitl.question_times) AS questions, (SELECT count(*) FROM hitl.vote_times) AS votes, (SELECT count(*) FROM hitl.backlog) AS backlog, (SELECT count(*) FROM hitl.policy_numbers) AS policies,
  (SELECT count(*) FROM hitl.reviewer_numbers) AS reviewers, (SELECT count(*) FROM hitl.automation) AS automation, (SELECT count(*) FROM hitl.outcomes) AS outcomes, (SELECT count(*) FROM hitl.error_rates) AS rates;
\c - postgres
SET client_min_messages = warning;

SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP SCHEMA desk CASCADE;
DROP OWNED BY regress_desk, regress_eve;
DROP ROLE regress_careful, regress_stamper, regress_desk, regress_eve;
