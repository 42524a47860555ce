-- story.sql: five refunds, one reviewer; then two more, and a desk of two groups.
\set ECHO none
\echo
\echo '--- 3. Five refunds are started.  900 runs straight through; the others stop in the middle of the node and wait.'
\echo '---    Nothing runs while they wait: no process, no open transaction, only rows.'
\echo
\set ECHO queries
SELECT hitl.start('refund', '{"refund_args": {"order": "A-1", "amount": 900}}')  AS small,
       hitl.start('refund', '{"refund_args": {"order": "A-2", "amount": 4200}}') AS approved,
       hitl.start('refund', '{"refund_args": {"order": "A-3", "amount": 4300}}') AS edited,
       hitl.start('refund', '{"refund_args": {"order": "A-4", "amount": 4400}}') AS rejected,
       hitl.start('refund', '{"refund_args": {"order": "A-5", "amount": 4500}}') AS answered \gset
SELECT hitl.wait(:small, '20 s') AS "900", hitl.wait(:approved, '20 s') AS "4200", hitl.wait(:edited, '20 s') AS "4300",
       hitl.wait(:rejected, '20 s') AS "4400", hitl.wait(:answered, '20 s') AS "4500";
\set ECHO none

\set QUIET on
\connect shop mia
\set QUIET off
\echo '--- 4. Mia reviews.  This is her inbox:'
\echo
\set ECHO queries
SELECT interrupt_id, thread_id, action, args, description, allowed FROM hitl.inbox;
\set ECHO none

\echo '--- 5. She approves one, edits one, rejects one, and answers one.'
\echo
\set ECHO queries
SELECT hitl.approve(interrupt_id, comment => 'fine') FROM hitl.pending WHERE thread_id = :approved;
SELECT hitl.edit(interrupt_id, '{"amount": 4000}') FROM hitl.pending WHERE thread_id = :edited;
SELECT hitl.reject(interrupt_id, 'not refundable') FROM hitl.pending WHERE thread_id = :rejected;
SELECT hitl.respond(interrupt_id, '"ask for the receipt first"') FROM hitl.pending WHERE thread_id = :answered;
SELECT hitl.wait(:approved, '20 s') AS approved, hitl.wait(:edited, '20 s') AS edited,
       hitl.wait(:rejected, '20 s') AS rejected, hitl.wait(:answered, '20 s') AS answered;
\set ECHO none

\set QUIET on
\connect shop shop
\set QUIET off
\echo '--- 6. How they ended, and what was paid: 900; 4200 as approved; 4000 as edited.  Each once.'
\echo
\set ECHO queries
SELECT thread_id, status, hitl.get_state(thread_id) AS state FROM hitl.threads ORDER BY thread_id;
SELECT * FROM refunds ORDER BY thread_id;
\set ECHO none

\echo '--- 7. What happened to each thread, written in the same commit as the thing itself:'
\echo
\set ECHO queries
SELECT to_char(at, 'HH24:MI:SS.MS') AS at, event, node, actor, detail, comment FROM hitl.timeline WHERE thread_id = :small;
\set ECHO none
\echo '    ... the one that was approved:'
SELECT to_char(at, 'HH24:MI:SS.MS') AS at, event, node, actor, detail, comment FROM hitl.timeline WHERE thread_id = :approved;
\echo '    ... edited:'
SELECT to_char(at, 'HH24:MI:SS.MS') AS at, event, node, actor, detail, comment FROM hitl.timeline WHERE thread_id = :edited;
\echo '    ... rejected:'
SELECT to_char(at, 'HH24:MI:SS.MS') AS at, event, node, actor, detail, comment FROM hitl.timeline WHERE thread_id = :rejected;
\echo '    ... answered:'
SELECT to_char(at, 'HH24:MI:SS.MS') AS at, event, node, actor, detail, comment FROM hitl.timeline WHERE thread_id = :answered;

\echo
\echo '--- 8. The review desk.  From now on, above 5000 one of finance and one of legal have to agree, within a day: a policy, and a rule that says for what.'
\echo
\set ECHO queries
SELECT hitl.create_policy('big refund', '{"quorum": {"finance": 1, "legal": 1}, "notify": ["finance", "legal"],
  "due_in": "4 hours", "expires_in": "1 day", "on_expiry": "reject"}') AS version;
SELECT hitl.create_rule('big refunds', 'big refund', action => 'refund', args => '$.amount > 5000') AS rule_id;
SELECT hitl.start('refund', '{"refund_args": {"order": "B-1", "amount": 9000}}') AS agreed,
       hitl.start('refund', '{"refund_args": {"order": "B-2", "amount": 9500}}') AS forgotten \gset
SELECT hitl.wait(:agreed, '20 s') AS "9000", hitl.wait(:forgotten, '20 s') AS "9500";
SELECT interrupt_id AS big FROM hitl.pending WHERE thread_id = :agreed \gset
\set ECHO none

\set QUIET on
\connect shop mia
\set QUIET off
\echo '--- 9. Mia is of finance.  She holds the question, looks at it, and approves.  Her vote is one of two.'
\echo
\set ECHO queries
SELECT interrupt_id, action, args, due_at - opened_at AS due_in FROM hitl.inbox;
SELECT hitl.claim(:big) > now() AS held;
SELECT hitl.show(:big) -> 'args' AS args;
SELECT * FROM hitl.approve(:big);
\set ECHO none
\set QUIET on
\connect shop lea
\set QUIET off
\echo '    ... Lea is of legal.  With hers it is decided.'
\echo
\set ECHO queries
SELECT * FROM hitl.approve(:big, comment => 'the contract says so');
\set ECHO none

\set QUIET on
\connect shop postgres
\set QUIET off
\echo '--- 10. Nobody looks at the other one.  A day passes (the clock of deadlines can be set ahead, for tests and drills), and the policy says what becomes of it then.'
\echo
\set ECHO queries
SET hitl.clock_offset = '25 h';
SELECT hitl.tick() > 0 AS fired;
RESET hitl.clock_offset;
SELECT hitl.wait(:agreed, '20 s') AS agreed, hitl.wait(:forgotten, '20 s') AS forgotten;
SELECT thread_id, hitl.get_state(thread_id)->>'status' AS became FROM hitl.threads WHERE thread_id IN (:agreed, :forgotten) ORDER BY 1;
\set ECHO none
\echo '--- 11. Who was told (hitl-sender hands it to a mail program), and the desk in numbers:'
\echo
\set ECHO queries
SELECT interrupt_id, kind, role, status FROM hitl.notifications ORDER BY outbox_id;
SELECT policy, questions, decided, expired, late FROM hitl.policy_numbers ORDER BY policy;
SELECT reviewer, policy, votes, approved, edited, rejected, responded, approve_rate, unseen FROM hitl.reviewer_numbers;
\set ECHO none
