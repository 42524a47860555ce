-- story.sql: five refunds, one reviewer.
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
