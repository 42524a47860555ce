-- 90_grants.sql: who may do what, and what pg_dump keeps.
--
-- Without USAGE on the schema nobody reaches anything here: grants give it, or an
-- administrator.  The functions check the rest themselves; no role has a right on
-- a table.

REVOKE ALL ON ALL TABLES IN SCHEMA hitl FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA hitl FROM PUBLIC;
REVOKE ALL ON FUNCTION hitl._announce() FROM PUBLIC;

GRANT SELECT ON hitl.pending, hitl.overdue, hitl.inbox, hitl.my_decisions, hitl.drafts, hitl.absences, hitl.decided, hitl.threads, hitl.failed, hitl.timeline, hitl.breakpoints, hitl.breakpoint_history,
                hitl.grants, hitl.grant_history, hitl.contacts, hitl.notifications, hitl.policies, hitl.policy_history, hitl.rules, hitl.rule_history, hitl.automatic_verdicts,
                hitl.worker_status, hitl._violation, hitl._checkpoint, hitl.deadlines, hitl.escalations TO PUBLIC;
GRANT SELECT ON hitl.question_times, hitl.vote_times, hitl.backlog, hitl.policy_numbers, hitl.reviewer_numbers, hitl.automation, hitl.outcomes, hitl.error_rates TO PUBLIC;

-- A role without a grant can be dropped while rows name it, and one with a grant
-- where the library is not loaded (DROP OWNED).  These rows stay behind: a restore
-- would take the number that is left for that of another role.
SELECT pg_catalog.pg_extension_config_dump('hitl.graph', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.graph_version', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.graph_function', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.grant', 'WHERE role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r) AND (reviewers IS NULL OR reviewers::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r))');
SELECT pg_catalog.pg_extension_config_dump('hitl.breakpoint', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.breakpoint_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.thread', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.thread_key', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.thread_input', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.input_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.checkpoint', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.task', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.step_result', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.run_queue', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.interrupt', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.vote', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.audience', 'WHERE role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r)');
SELECT pg_catalog.pg_extension_config_dump('hitl.outbox', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.contact', 'WHERE role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r)');
SELECT pg_catalog.pg_extension_config_dump('hitl.outcome', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.delegation', 'WHERE role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r)');
SELECT pg_catalog.pg_extension_config_dump('hitl.absence', 'WHERE person_role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r) AND substitute_role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r)');
SELECT pg_catalog.pg_extension_config_dump('hitl.absence_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.snooze', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.comment', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.comment_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.viewed', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.draft', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.timer', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.escalation', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.policy', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.policy_version', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.policy_group', 'WHERE role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r)');
SELECT pg_catalog.pg_extension_config_dump('hitl.rule', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.automatic_verdict', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.policy_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.rule_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.automatic_verdict_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.audit', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.graph_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.thread_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.task_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.queue_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.interrupt_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.vote_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.outbox_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.outcome_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('hitl.audit_id_seq', '');

SELECT hitl._announce();
