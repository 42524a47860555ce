-- The inbox and the other lists: what I may decide, in which order, and what a policy keeps from a list or from me.
-- Proves: priority goes before age; what I have voted on, what I started under a policy and what others alone may decide is not mine; hide_args keeps the args for
-- show(), which notes who looked; what is late is overdue; decided says who and how; why() names the votes that are missing, and in whose hands it is.
SET client_min_messages = warning;
CREATE ROLE inbox_author LOGIN;
CREATE ROLE inbox_finance;
CREATE ROLE inbox_legal;
CREATE ROLE inbox_fay LOGIN IN ROLE inbox_finance;
CREATE ROLE inbox_fox LOGIN IN ROLE inbox_finance;
CREATE ROLE inbox_lea LOGIN IN ROLE inbox_legal;
CREATE ROLE inbox_ops LOGIN;
GRANT USAGE ON SCHEMA hitl TO inbox_finance, inbox_legal, inbox_ops;
SELECT hitl.grant_author('inbox_author');
CREATE SCHEMA inbox AUTHORIZATION inbox_author;
GRANT USAGE ON SCHEMA inbox TO PUBLIC;

\c - inbox_author
SET search_path = inbox;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN jsonb_build_object('decision', hitl.interrupt(CASE WHEN state ? 'actions' THEN state ELSE jsonb_build_object('action', 'pay', 'args', state - 'policy', 'policy', state->'policy', 'description', 'number ' || (state->>'n')) END) - 'at');
END $$;
CREATE FUNCTION refused(statement text, OUT code text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  detail := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
END $$;
SELECT hitl.create_policy('inbox one of finance', '{"groups": ["inbox_finance"]}');
SELECT hitl.create_policy('inbox urgent', '{"quorum": {"inbox_finance": 1, "inbox_legal": 1}, "priority": -5, "due_in": "1 hour", "expires_in": "2 hours", "on_expiry": "reject", "claim_for": "2 hours"}');
SELECT hitl.create_policy('inbox secret', '{"groups": ["inbox_legal"], "hide_args": true}');
SELECT hitl.define('{"graph": "inbox", "nodes": {"ask": "inbox.asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.grant_operator('inbox_ops', 'inbox');
SELECT count(hitl.invoke('inbox', jsonb_build_object('n', n, 'policy', policy))) FROM (VALUES (1, 'inbox one of finance'), (2, 'inbox urgent'), (3, 'inbox secret'), (4, 'inbox one of finance')) v (n, policy);
CREATE FUNCTION t(n integer) RETURNS bigint LANGUAGE sql AS $$ SELECT thread_id FROM hitl.threads WHERE graph = 'inbox' ORDER BY thread_id OFFSET n - 1 LIMIT 1 $$;
SELECT t(1) AS t1, t(2) AS t2, t(3) AS t3 \gset
SELECT interrupt_id AS q1 FROM hitl.pending WHERE thread_id = :t1 \gset
SELECT interrupt_id AS q2 FROM hitl.pending WHERE thread_id = :t2 \gset
SELECT interrupt_id AS q3 FROM hitl.pending WHERE thread_id = :t3 \gset

-- 1. The author sees what waits, and is asked nothing: whoever starts a thread does not decide it, under a policy.
SELECT args->>'n' AS n, action, description, payload IS NOT NULL AS payload, policy, priority, extract(hour FROM due_at - opened_at) AS due, extract(hour FROM expires_at - opened_at) AS expires FROM hitl.pending WHERE graph = 'inbox' ORDER BY interrupt_id;
SELECT count(*) FROM hitl.inbox;
SELECT hitl.claim_next('inbox') IS NULL AS nothing;

-- 2. Each group its own, what is urgent first.
\c - inbox_fay
SELECT args->>'n' AS n, policy, priority FROM hitl.inbox;
SELECT hitl.claim_next() = :q2 AS urgent_first;
SELECT claimed_until - now() > '100 min' AS for_as_long_as_its_policy_says FROM hitl.inbox LIMIT 1;
\c - inbox_lea
SELECT args->>'n' AS n, policy, priority, claimed_by FROM hitl.inbox;

-- 3. Hidden args: in no list; shown to whom looks, which is kept; not where that cannot be kept.
SELECT args, description, payload FROM hitl.pending WHERE interrupt_id = :q3;
SELECT d->'args' AS args, d->'description' AS description, (d->'policy') - 'version' AS policy, d->'tally' AS tally, d->'thread'->'state' AS state FROM hitl.show(:q3) d;
BEGIN READ ONLY;
SELECT * FROM inbox.refused('SELECT hitl.show(' || :q3 || ')');
SELECT hitl.show(:q2)->'args' AS not_hidden;
COMMIT;
-- A rollback takes back what was noted, and not what was seen: the server's log has it.
SET client_min_messages = log;
\set VERBOSITY terse
BEGIN;
SELECT hitl.show(:q3)->'args' AS hidden, hitl.show(:q2)->'args' AS not_hidden;
ROLLBACK;
\set VERBOSITY default
RESET client_min_messages;
SELECT status FROM hitl.edit(:q3, '{"n": 33}', 'mistyped');
SELECT args, decision - 'at' AS decision, voters, how FROM hitl.decided WHERE interrupt_id = :q3;
\c - inbox_author
SELECT hitl.wait(:t3, '30 s'), hitl.get_state(:t3)->'decision'->'args' AS args;
SELECT event, actor, detail FROM hitl.timeline WHERE interrupt_id = :q3 AND event = 'viewed';
-- Those of a batch stand in each of its decisions, and in no list either.
SELECT hitl.invoke('inbox', '{"policy": "inbox secret", "actions": [{"action": "pay", "args": {"n": 5}}, {"action": "close", "args": {"n": 6}}]}')#>'{interrupts,0,interrupt_id}' AS q5 \gset
\c - inbox_lea
SELECT status FROM hitl.decide(:q5, '{"decisions": [{"type": "edit", "edits": {"n": 55}}, {"type": "approve"}]}');
SELECT args, decision - 'at' AS decision FROM hitl.decided WHERE interrupt_id = :q5;
\c - inbox_author

-- 4. Why it waits: for whose vote, in whose hands it is, by when.
SELECT code, regexp_replace(explanation, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[-+]\d+', '<time>', 'g') AS explanation FROM hitl.why(:t2);
\c - inbox_fay
SELECT votes, needed, status FROM hitl.approve(:q2);
-- What I have voted on is not in my inbox any more; taken back, it is. My claim is over with my vote.
SELECT args->>'n' AS n, claimed_by FROM hitl.inbox;
SELECT votes FROM hitl.withdraw(:q2);
SELECT args->>'n' AS n FROM hitl.inbox;
SELECT votes, needed, status FROM hitl.approve(:q2);
\c - inbox_author
SELECT code, regexp_replace(explanation, '\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[-+]\d+', '<time>', 'g') AS explanation FROM hitl.why(:t2);

-- 5. Late: overdue; and later decided by its deadline, which nobody takes for a person's no.
\c - postgres
SET hitl.clock_offset = '90 min';
SELECT interrupt_id = :q2 AS q2, policy, late_by BETWEEN '29 min' AND '31 min' AS late FROM hitl.overdue WHERE graph = 'inbox';
SELECT (explanation LIKE '%overdue since%') AS so_says_why FROM hitl.why(:t2);
SET hitl.clock_offset = '130 min';
SELECT hitl.tick() > 0 AS fired;
SELECT count(*) AS overdue FROM hitl.overdue WHERE graph = 'inbox';
SELECT status, type, how, voters, settled_by FROM hitl.decided WHERE interrupt_id = :q2;
RESET hitl.clock_offset;

-- 6. An operator hands out work: to who may do it, and takes it back.
\c - inbox_ops
SELECT code FROM inbox.refused(format('SELECT hitl.claim(%s)', :q1));
SELECT * FROM inbox.refused(format('SELECT hitl.assign(%s, %L)', :q1, 'inbox_lea'));
SELECT * FROM inbox.refused(format('SELECT hitl.assign(%s, %L)', :q1, 'inbox_author'));
SELECT hitl.assign(:q1, 'inbox_fox', 'you are the fastest');
\c - inbox_fay
SELECT args->>'n' AS n, claimed_by, claimed_until FROM hitl.inbox;
SELECT * FROM inbox.refused(format('SELECT hitl.release(%s)', :q1));
SELECT * FROM inbox.refused(format('SELECT hitl.assign(%s, %L)', :q1, 'inbox_fay'));
SELECT hitl.assign(:q1, 'inbox_fox') AS it_stays_in_his_hands;
SELECT hitl.claim_next() = :q1 + 3 AS another;
SELECT hitl.claim_next() IS NULL AS none;
\c - inbox_ops
SELECT hitl.release(:q1, 'he is ill');
\c - inbox_fay
SELECT hitl.claim_next() = :q1 AS now;
SELECT * FROM hitl.check();
