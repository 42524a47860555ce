-- The contract of objects: exactly these tables, columns, views, sequences, functions and settings, marked as they are
-- meant to be; each with a comment; nothing that would break a dump, an upgrade or a restore.
BEGIN;
SELECT no_plan();

-- The rows of two queries, in whatever order; what is too many and what is missing is told.
CREATE FUNCTION pg_temp.same_rows(got text, want text, description text) RETURNS SETOF text LANGUAGE plpgsql AS $f$
DECLARE
  too_many text[]; missing text[];
BEGIN
  EXECUTE format('SELECT ARRAY(SELECT (q)::text COLLATE "C" FROM (%s) q EXCEPT ALL SELECT (q)::text COLLATE "C" FROM (%s) q),
                         ARRAY(SELECT (q)::text COLLATE "C" FROM (%s) q EXCEPT ALL SELECT (q)::text COLLATE "C" FROM (%s) q)', got, want, want, got) INTO too_many, missing;
  RETURN NEXT ok(too_many = '{}' AND missing = '{}', description);
  IF too_many <> '{}' THEN RETURN NEXT diag('too many: ' || array_to_string(too_many, E'\n')); END IF;
  IF missing <> '{}' THEN RETURN NEXT diag('missing: ' || array_to_string(missing, E'\n')); END IF;
END $f$;

-- What the extension consists of ---------------------------------------------------------------------------------

SELECT tables_are('hitl', ARRAY['absence', 'audience', 'audit', 'automatic_verdict', 'breakpoint', 'checkpoint', 'comment', 'contact', 'delegation', 'draft', 'escalation', 'grant', 'graph', 'graph_function', 'graph_version', 'interrupt', 'outbox', 'outcome', 'policy', 'policy_group', 'policy_version', 'rule', 'run_queue', 'snooze', 'step_result', 'task', 'thread', 'thread_input', 'thread_key', 'timer', 'viewed', 'vote']);
SELECT views_are('hitl', ARRAY['_audience', '_checkpoint', '_grant_of_me', '_graph_read', '_graph_watched', '_policy_of_me', '_question', '_reachable', '_role_of_me', '_status', '_thread', '_violation', 'absences', 'automatic_verdicts', 'automation', 'backlog', 'breakpoint_history', 'breakpoints', 'contacts', 'deadlines', 'decided', 'drafts', 'error_rates', 'escalations', 'failed', 'grant_history', 'grants', 'inbox', 'my_decisions', 'notifications', 'outcomes', 'overdue', 'pending', 'policies', 'policy_history', 'policy_numbers', 'question_times', 'reviewer_numbers', 'rule_history', 'rules', 'threads', 'timeline', 'vote_times', 'worker_status']);
SELECT sequences_are('hitl', ARRAY['absence_id_seq', 'audit_id_seq', 'automatic_verdict_id_seq', 'breakpoint_id_seq', 'comment_id_seq', 'graph_id_seq', 'input_id_seq', 'interrupt_id_seq', 'outbox_id_seq', 'outcome_id_seq', 'policy_id_seq', 'queue_id_seq', 'rule_id_seq', 'task_id_seq', 'thread_id_seq', 'vote_id_seq']);
SELECT pg_temp.same_rows($$SELECT typname::text FROM pg_type WHERE typnamespace = 'hitl'::regnamespace AND typtype NOT IN ('c', 'b')$$, $$VALUES ('graph_owner'), ('grantee')$$, 'two domains, no enum, no range');
SELECT is_empty($$SELECT oprname FROM pg_operator WHERE oprnamespace = 'hitl'::regnamespace UNION ALL SELECT opcname FROM pg_opclass WHERE opcnamespace = 'hitl'::regnamespace
  UNION ALL SELECT collname FROM pg_collation WHERE collnamespace = 'hitl'::regnamespace$$, 'no operators, operator classes, collations');
SELECT is_empty($$SELECT castfunc::regprocedure FROM pg_cast JOIN pg_depend d ON d.classid = 'pg_cast'::regclass AND d.objid = pg_cast.oid AND d.deptype = 'e'
  JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'hitl'$$, 'no casts');
SELECT is_empty($$SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'hitl'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'm', 'f', 'p')
  AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'hitl' WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  UNION ALL SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'hitl'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'hitl' WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')$$,
  'all that is in the schema belongs to the extension');
SELECT is_empty($$SELECT pg_describe_object(classid, objid, 0) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'hitl' WHERE d.deptype = 'e'
  AND NOT pg_describe_object(classid, objid, 0) LIKE '%hitl.%' AND pg_describe_object(classid, objid, 0) <> 'schema hitl_pinned'$$, 'nothing of the extension is outside of the schema, but for the schema of copies');

-- Functions --------------------------------------------------------------------------------------------------------

SELECT pg_temp.same_rows($$SELECT p.proname::text, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.provolatile::text, p.proparallel::text, p.proisstrict
  FROM pg_proc p WHERE p.pronamespace = 'hitl'::regnamespace$$, $$VALUES
  ('_announce', '', 'void', 'v', 'u', false),
  ('report_outcome', 'thread_id bigint, outcome text, note text DEFAULT NULL::text', 'void', 'v', 'u', false),
  ('outbox_claim', 'max integer DEFAULT 10, lease interval DEFAULT ''00:01:00''::interval, OUT outbox_id bigint, OUT message_id uuid, OUT interrupt_id bigint, OUT kind text, OUT role text, OUT address text, OUT attempt integer', 'SETOF record', 'v', 'u', true),
  ('outbox_done', 'outbox_id bigint', 'boolean', 'v', 'u', true),
  ('outbox_failed', 'outbox_id bigint, error text', 'timestamp with time zone', 'v', 'u', true),
  ('remind', 'interrupt_id bigint, role text DEFAULT NULL::text', 'integer', 'v', 'u', false),
  ('render', 'interrupt_id bigint, format text DEFAULT ''text''::text, outbox_id bigint DEFAULT NULL::bigint', 'text', 'v', 'u', false),
  ('set_contact', 'role text, address text', 'void', 'v', 'u', false),
  ('_inbox', 'OUT interrupt_id bigint, OUT in_place_of text', 'SETOF record', 's', 'u', false),
  ('_me', '', 'text', 's', 'r', false),
  ('assign', 'interrupt_id bigint, person text, reason text DEFAULT NULL::text', 'void', 'v', 'u', false),
  ('back', '', 'integer', 'v', 'u', false),
  ('_now', '', 'timestamp with time zone', 's', 's', false),
  ('tick', 'n integer DEFAULT NULL::integer', 'integer', 'v', 'u', false),
  ('set_deadline', 'interrupt_id bigint, due_at timestamp with time zone DEFAULT NULL::timestamp with time zone, expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone, reason text DEFAULT NULL::text', 'void', 'v', 'u', false),
  ('claim', 'interrupt_id bigint, lease interval DEFAULT NULL::interval', 'timestamp with time zone', 'v', 'u', false),
  ('claim_next', 'graph text DEFAULT NULL::text, role text DEFAULT NULL::text, lease interval DEFAULT NULL::interval', 'bigint', 'v', 'u', false),
  ('comment', 'interrupt_id bigint, text text', 'bigint', 'v', 'u', false),
  ('delegate', 'interrupt_id bigint, role text, reason text DEFAULT NULL::text', 'void', 'v', 'u', false),
  ('dismiss', 'interrupt_id bigint, reason text DEFAULT NULL::text', 'void', 'v', 'u', false),
  ('out_of_office', 'substitute text, since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone', 'bigint', 'v', 'u', false),
  ('release', 'interrupt_id bigint, reason text DEFAULT NULL::text', 'boolean', 'v', 'u', false),
  ('show', 'interrupt_id bigint', 'jsonb', 'v', 'u', false),
  ('snooze', 'interrupt_id bigint, until timestamp with time zone', 'void', 'v', 'u', false),
  ('_member', '', 'oid', 's', 'r', false),
  ('_workers', 'OUT process text, OUT database name, OUT role name, OUT pid integer, OUT state text, OUT thread_id bigint, OUT since timestamp with time zone, OUT note text', 'SETOF record', 'v', 'r', false),
  ('add_channel', 'graph text, channel text, reducer text DEFAULT ''overwrite''::text, initial jsonb DEFAULT NULL::jsonb', 'void', 'v', 'u', false),
  ('add_conditional_edges', 'graph text, source text, router text, map jsonb DEFAULT NULL::jsonb', 'void', 'v', 'u', false),
  ('add_edge', 'graph text, source text, target text', 'void', 'v', 'u', true),
  ('add_join', 'graph text, sources text[], target text', 'void', 'v', 'u', true),
  ('add_node', 'graph text, node text, handler text DEFAULT NULL::text, sql text DEFAULT NULL::text, retry jsonb DEFAULT NULL::jsonb, timeout interval DEFAULT NULL::interval, gate jsonb DEFAULT NULL::jsonb, destinations text[] DEFAULT NULL::text[], subgraph text DEFAULT NULL::text, input jsonb DEFAULT NULL::jsonb, output jsonb DEFAULT NULL::jsonb, suspend text DEFAULT ''replay''::text', 'void', 'v', 'u', false),
  ('check_node', 'function regprocedure, OUT function_name text, OUT line integer, OUT statement text, OUT can_continue boolean, OUT reason text, OUT advice text', 'SETOF record', 'v', 'u', true),
  ('approve', 'interrupt_id bigint, comment text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, seen text DEFAULT NULL::text, OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer', 'record', 'v', 'u', false),
  ('cancel', 'thread_id bigint, reason text DEFAULT NULL::text', 'text', 'v', 'u', false),
  ('check', 'OUT invariant text, OUT thread_id bigint, OUT detail text', 'SETOF record', 's', 'r', false),
  ('command', 'update jsonb DEFAULT NULL::jsonb, goto text DEFAULT NULL::text, sends jsonb[] DEFAULT NULL::jsonb[]', 'jsonb', 'i', 's', false),
  ('compile', 'graph text', 'integer', 'v', 'u', true),
  ('context', '', 'jsonb', 's', 'r', false),
  ('create_graph', 'graph text, recursion_limit integer DEFAULT 25, functions text DEFAULT ''live''::text', 'bigint', 'v', 'u', true),
  ('create_policy', 'policy text, definition jsonb', 'integer', 'v', 'u', false),
  ('create_rule', 'rule text, policy text DEFAULT NULL::text, action text DEFAULT NULL::text, graph text DEFAULT NULL::text, node text DEFAULT NULL::text, args text DEFAULT NULL::text, skip_when text DEFAULT NULL::text, priority integer DEFAULT 0', 'bigint', 'v', 'u', false),
  ('drop_rule', 'rule text', 'void', 'v', 'u', false),
  ('current_thread', '', 'bigint', 's', 'r', false),
  ('decide', 'interrupt_id bigint, decision jsonb, comment text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, seen text DEFAULT NULL::text, OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer', 'record', 'v', 'u', false),
  ('define', 'definition jsonb', 'integer', 'v', 'u', true),
  ('fork', 'thread_id bigint, checkpoint integer DEFAULT NULL::integer, "values" jsonb DEFAULT NULL::jsonb, as_node text DEFAULT NULL::text', 'bigint', 'v', 'u', false),
  ('update_state', 'thread_id bigint, "values" jsonb, as_node text DEFAULT NULL::text', 'integer', 'v', 'u', false),
  ('diff', 'thread_id bigint, a integer, b integer', 'jsonb', 'v', 'u', true),
  ('decide_many', 'interrupt_ids bigint[], decision jsonb, on_conflict text DEFAULT ''error''::text, comment text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, seen text[] DEFAULT NULL::text[], OUT interrupt_id bigint, OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer, OUT sqlstate text, OUT message text, OUT detail text', 'SETOF record', 'v', 'u', false),
  ('withdraw', 'interrupt_id bigint, comment text DEFAULT NULL::text, OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer', 'record', 'v', 'u', false),
  ('reopen', 'interrupt_id bigint, reason text', 'bigint', 'v', 'u', false),
  ('edit', 'interrupt_id bigint, edits jsonb, comment text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, seen text DEFAULT NULL::text, OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer', 'record', 'v', 'u', false),
  ('get_state', 'thread_id bigint, checkpoint integer DEFAULT NULL::integer', 'jsonb', 'v', 'u', false),
  ('grant_author', 'role text', 'boolean', 'v', 'u', false),
  ('grant_reviewer', 'role text, graph text DEFAULT NULL::text', 'boolean', 'v', 'u', false),
  ('grant_operator', 'role text, graph text DEFAULT NULL::text', 'boolean', 'v', 'u', false),
  ('grant_auditor', 'role text, graph text DEFAULT NULL::text', 'boolean', 'v', 'u', false),
  ('grant_proxy', 'login text, reviewers text', 'boolean', 'v', 'u', false),
  ('revoke_author', 'role text', 'boolean', 'v', 'u', false),
  ('revoke_reviewer', 'role text, graph text DEFAULT NULL::text', 'boolean', 'v', 'u', false),
  ('revoke_operator', 'role text, graph text DEFAULT NULL::text', 'boolean', 'v', 'u', false),
  ('revoke_auditor', 'role text, graph text DEFAULT NULL::text', 'boolean', 'v', 'u', false),
  ('revoke_proxy', 'login text', 'boolean', 'v', 'u', false),
  ('interrupt', 'payload jsonb, key text DEFAULT NULL::text', 'jsonb', 'v', 'u', false),
  ('interrupt_after', 'node text, graph text DEFAULT NULL::text, enabled boolean DEFAULT true', 'boolean', 'v', 'u', false),
  ('interrupt_before', 'node text, graph text DEFAULT NULL::text, enabled boolean DEFAULT true', 'boolean', 'v', 'u', false),
  ('invoke', 'graph text, input jsonb DEFAULT ''{}''::jsonb', 'jsonb', 'v', 'u', true),
  ('mermaid', 'graph text, thread_id bigint DEFAULT NULL::bigint', 'text', 'v', 'u', false),
  ('overwrite', 'value jsonb', 'jsonb', 'i', 's', false),
  ('reject', 'interrupt_id bigint, reason text DEFAULT NULL::text, comment text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, seen text DEFAULT NULL::text, OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer', 'record', 'v', 'u', false),
  ('respond', 'interrupt_id bigint, response jsonb DEFAULT NULL::jsonb, text text DEFAULT NULL::text, comment text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, seen text DEFAULT NULL::text, OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer', 'record', 'v', 'u', false),
  ('resume', 'thread_id bigint, decision jsonb', 'jsonb', 'v', 'u', true),
  ('migrate', 'thread_id bigint, version integer DEFAULT NULL::integer', 'integer', 'v', 'u', false),
  ('retry', 'thread_id bigint', 'integer', 'v', 'u', true),
  ('run_pending', 'IN n integer DEFAULT NULL::integer', NULL, 'v', 'u', false),
  ('send', 'node text, input jsonb DEFAULT NULL::jsonb', 'jsonb', 'i', 's', false),
  ('start', 'graph text, input jsonb DEFAULT ''{}''::jsonb, key text DEFAULT NULL::text, if_busy text DEFAULT ''reject''::text', 'bigint', 'v', 'u', false),
  ('start_many', 'graph text, inputs jsonb[]', 'bigint[]', 'v', 'u', true),
  ('as_agent_inbox', 'interrupt_id bigint', 'jsonb', 'v', 'u', false),
  ('as_agui', 'interrupt_id bigint', 'jsonb', 'v', 'u', false),
  ('as_langchain', 'interrupt_id bigint, casing text DEFAULT ''snake''::text, per_call boolean DEFAULT false', 'jsonb', 'v', 'u', false),
  ('as_mcp', 'interrupt_id bigint', 'jsonb', 'v', 'u', false),
  ('draft', 'interrupt_id bigint, action_no integer, decision jsonb, OUT thread_id bigint, OUT status text, OUT votes integer, OUT needed integer, OUT drafts integer, OUT actions integer', 'record', 'v', 'u', false),
  ('undraft', 'interrupt_id bigint, action_no integer DEFAULT NULL::integer', 'integer', 'v', 'u', false),
  ('state_history', 'thread_id bigint, OUT checkpoint integer, OUT step integer, OUT nodes text[], OUT delta jsonb, OUT state jsonb, OUT created_at timestamp with time zone', 'SETOF record', 'v', 'u', false),
  ('step', 'key text, function text, args jsonb DEFAULT ''{}''::jsonb', 'jsonb', 'v', 'u', false),
  ('thread_id', 'graph text, key text', 'bigint', 'v', 'u', true),
  ('wait', 'thread_id bigint, timeout interval DEFAULT ''00:01:00''::interval', 'text', 'v', 'u', true),
  ('why', 'thread_id bigint, OUT code text, OUT explanation text, OUT next text', 'record', 'v', 'u', true)$$, 'functions: names, arguments, results, volatility, parallel marks, strictness');
SELECT pg_temp.same_rows($$SELECT proname::text FROM pg_proc WHERE pronamespace = 'hitl'::regnamespace AND prokind <> 'f'$$, $$VALUES ('run_pending')$$, 'one procedure');
SELECT is_empty($$SELECT proname FROM pg_proc WHERE pronamespace = 'hitl'::regnamespace GROUP BY proname HAVING count(*) > 1$$, 'no overloads');
SELECT is_empty($$SELECT proname FROM pg_proc WHERE pronamespace = 'hitl'::regnamespace AND (prosecdef OR proconfig IS NOT NULL)$$, 'no SECURITY DEFINER, no SET clause');
SELECT is_empty($$SELECT proname FROM pg_proc JOIN pg_language l ON l.oid = prolang WHERE pronamespace = 'hitl'::regnamespace AND lanname <> 'c' AND NOT (lanname = 'sql' AND prosqlbody IS NOT NULL)$$,
  'C, or SQL that was parsed at CREATE: nothing is looked up by a search_path later');

-- Tables -----------------------------------------------------------------------------------------------------------

SELECT pg_temp.same_rows($$SELECT c.relname::text, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' !' ELSE '' END, ', ' ORDER BY a.attnum)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE c.relnamespace = 'hitl'::regnamespace AND c.relkind = 'r' GROUP BY 1$$, $$VALUES
  ('absence', 'absence_id bigint !, person text !, person_role regrole !, substitute text !, substitute_role regrole !, starts_at timestamp with time zone !, ends_at timestamp with time zone !, set_at timestamp with time zone !, revoked_at timestamp with time zone'),
  ('comment', 'interrupt_id bigint !, comment_id bigint !, kind text !, person text !, login text !, text text, commented_at timestamp with time zone !'),
  ('delegation', 'interrupt_id bigint !, delegator text !, delegator_role regrole, role regrole !, is_added boolean !, delegated_at timestamp with time zone !'),
  ('draft', 'interrupt_id bigint !, person text !, action_no integer !, revision integer !, decision jsonb !, drafted_at timestamp with time zone !'),
  ('snooze', 'interrupt_id bigint !, person text !, until_at timestamp with time zone !'),
  ('viewed', 'interrupt_id bigint !, person text !, revision integer !, viewed_at timestamp with time zone !'),
  ('audience', 'role regrole !, priority smallint !, opened_at timestamp with time zone !, interrupt_id bigint !, is_granted boolean !'),
  ('audit', 'thread_id bigint !, audit_id bigint !, at timestamp with time zone !, event text !, step integer, node text, task_id bigint, interrupt_id bigint, actor text !, login text, role text !, actor_kind text !, detail jsonb'),
  ('automatic_verdict', 'thread_id bigint !, verdict_id bigint !, task_id bigint !, graph_id bigint !, node text !, key text !, action text, rule text !, at timestamp with time zone !'),
  ('policy', 'policy_id bigint !, policy text !, owner regrole !, version integer !'),
  ('policy_group', 'policy_id bigint !, version integer !, name text !, role regrole !'),
  ('policy_version', 'policy_id bigint !, version integer !, definition jsonb !, created_by text !, created_at timestamp with time zone !'),
  ('rule', 'rule_id bigint !, rule text !, owner regrole !, policy_id bigint, action text, graph_id bigint, node text, args text, skip_when text, priority integer !, created_by text !, created_at timestamp with time zone !, dropped_by text, dropped_at timestamp with time zone'),
  ('breakpoint', 'breakpoint_id bigint !, graph_id bigint !, node text !, kind text !, set_by text !, set_at timestamp with time zone !, removed_by text, removed_at timestamp with time zone'),
  ('checkpoint', 'thread_id bigint !, checkpoint integer !, base integer !, step integer !, next_step integer, delta jsonb !, patch jsonb, snapshot jsonb, weight bigint !, joins jsonb, created_at timestamp with time zone !'),
  ('grant', 'right text !, role regrole !, graph_id bigint !, reviewers regrole, gave_usage boolean !, granted_by text !, granted_at timestamp with time zone !'),
  ('graph', 'graph_id bigint !, graph text !, owner regrole !, version integer !, created_at timestamp with time zone !'),
  ('graph_function', 'graph_id bigint !, version integer !, signature text !, owner regrole !, code_hash text !, shadow text'),
  ('graph_version', 'graph_id bigint !, version integer !, definition jsonb !, search_path text, compiled_at timestamp with time zone, compiled_by text'),
  ('interrupt', 'interrupt_id bigint !, thread_id bigint !, task_id bigint !, graph_id bigint !, owner regrole !, step integer !, node text !, key text !, status text !, action text, args jsonb, description text, payload jsonb, allowed text[] !, opened_at timestamp with time zone !, supersedes bigint, policy_id bigint, policy_version integer, rule text, revision integer !, proposal jsonb, proposed_by text, content_hash text, priority smallint !, due_at timestamp with time zone, expires_at timestamp with time zone, claimed_by text, claimed_until timestamp with time zone, reopens bigint, is_review boolean !, decision jsonb, settled_at timestamp with time zone, settled_by text'),
  ('timer', 'due_at timestamp with time zone !, planned_at timestamp with time zone !, interrupt_id bigint !, round integer !, step smallint !, kind text !'),
  ('escalation', 'interrupt_id bigint !, round integer !, step smallint !, kind text !, planned_at timestamp with time zone !, fired_at timestamp with time zone !, action text !, role text'),
  ('contact', 'role regrole !, address text !, set_by text !, set_at timestamp with time zone !'),
  ('outcome', 'thread_id bigint !, outcome_id bigint !, outcome text !, note text, reported_by text !, reported_at timestamp with time zone !'),
  ('outbox', 'outbox_id bigint !, dedup_key text !, message_id uuid !, interrupt_id bigint !, kind text !, role text !, created_at timestamp with time zone !, due_at timestamp with time zone !, attempts integer !, sent_at timestamp with time zone, dropped_at timestamp with time zone, error text'),
  ('run_queue', 'owner regrole !, due_at timestamp with time zone !, queue_id bigint !, thread_id bigint !, step integer !, task_id bigint !'),
  ('step_result', 'thread_id bigint !, task_id bigint !, key text !, place integer !, function text !, args jsonb, result jsonb, strays integer !, done_at timestamp with time zone !'),
  ('task', 'thread_id bigint !, task_id bigint !, step integer !, node text !, kind text !, status text !, attempt integer !, failures integer !, conflicts integer !, crashes integer !, phase integer !, saved jsonb, phase_interrupt bigint, has_asked boolean !, has_steps boolean !, child_id bigint, input jsonb, update jsonb, targets jsonb, is_diverted boolean !, error jsonb, created_at timestamp with time zone !, ended_at timestamp with time zone'),
  ('thread', 'thread_id bigint !, graph_id bigint !, version integer !, owner regrole !, root_id bigint, parent_id bigint, parent_step integer, parent_task_id bigint, depth integer !, frame text[], status text !, step integer !, checkpoint integer !, n_ready integer !, n_interrupted integer !, n_waiting integer !, n_failed integer !, starter text !, started_at timestamp with time zone !, ended_at timestamp with time zone, ended_by text, reason text, turn_step integer !, n_inputs integer !, forked_from bigint, forked_checkpoint integer'),
  ('thread_input', 'thread_id bigint !, input_id bigint !, input jsonb, given_by text !, given_at timestamp with time zone !'),
  ('thread_key', 'graph_id bigint !, key text !, thread_id bigint !, input jsonb'),
  ('vote', 'interrupt_id bigint !, vote_id bigint !, revision integer !, voter text !, voter_role regrole, login text !, role text !, on_behalf_of text, seat_role regrole, is_asserted boolean !, is_withdrawal boolean !, type text !, answer jsonb !, groups text[] !, comment text, idempotency_key text, voted_at timestamp with time zone !')$$,
  'tables: columns, types, NOT NULL');
SELECT pg_temp.same_rows($$SELECT conrelid::regclass::text, string_agg(a.attname, ', ' ORDER BY k.n) FROM pg_constraint, unnest(conkey) WITH ORDINALITY k (attnum, n), pg_attribute a
  WHERE a.attrelid = conrelid AND a.attnum = k.attnum AND contype = 'p' AND connamespace = 'hitl'::regnamespace GROUP BY 1$$, $$VALUES
  ('hitl.absence', 'absence_id'), ('hitl.comment', 'interrupt_id, comment_id'), ('hitl.delegation', 'interrupt_id, delegator, role'), ('hitl.draft', 'interrupt_id, person, action_no'), ('hitl.snooze', 'interrupt_id, person'), ('hitl.viewed', 'interrupt_id, person, revision'),
  ('hitl.timer', 'interrupt_id, kind, step, round'), ('hitl.escalation', 'interrupt_id, kind, step, round'), ('hitl.automatic_verdict', 'thread_id, verdict_id'), ('hitl.policy', 'policy_id'), ('hitl.policy_group', 'policy_id, version, name'), ('hitl.policy_version', 'policy_id, version'), ('hitl.rule', 'rule_id'),
  ('hitl.audience', 'interrupt_id, role'), ('hitl.audit', 'thread_id, audit_id'), ('hitl.breakpoint', 'breakpoint_id'), ('hitl.checkpoint', 'thread_id, checkpoint'), ('hitl.contact', 'role'), ('hitl.outbox', 'outbox_id'), ('hitl.outcome', 'thread_id, outcome_id'), ('hitl.graph_function', 'graph_id, version, signature'), ('hitl.thread_input', 'thread_id, input_id'), ('hitl.thread_key', 'graph_id, key'), ('hitl."grant"', 'right, graph_id, role'), ('hitl.graph', 'graph_id'),
  ('hitl.graph_version', 'graph_id, version'), ('hitl.interrupt', 'interrupt_id'), ('hitl.run_queue', 'owner, due_at, queue_id'), ('hitl.task', 'thread_id, step, task_id'), ('hitl.step_result', 'thread_id, task_id, key'),
  ('hitl.thread', 'thread_id'), ('hitl.vote', 'interrupt_id, vote_id')$$, 'tables: primary keys');
SELECT is_empty($$SELECT conname FROM pg_constraint WHERE connamespace = 'hitl'::regnamespace AND contype = 'f'$$, 'no foreign key: a hot row per child, and cycles do not restore');
SELECT is_empty($$SELECT tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE c.relnamespace = 'hitl'::regnamespace$$, 'no trigger: they fire in a restore');
SELECT is_empty($$SELECT rulename FROM pg_rewrite JOIN pg_class c ON c.oid = ev_class WHERE c.relnamespace = 'hitl'::regnamespace AND c.relkind = 'r'$$, 'no rule');
SELECT is_empty($$SELECT conname FROM pg_constraint WHERE connamespace = 'hitl'::regnamespace AND contype = 'c' AND pg_get_constraintdef(oid) !~ '^CHECK \(\((status|type|kind|actor_kind|outcome|"right") = ANY \(ARRAY\['$$, 'CHECKs are on words only, never on a payload');
SELECT is_empty($$SELECT attrelid::regclass, attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE c.relnamespace = 'hitl'::regnamespace AND relkind = 'r' AND attnum > 0
  AND atttypid IN ('regproc'::regtype, 'regprocedure'::regtype, 'regoper'::regtype, 'regoperator'::regtype, 'regconfig'::regtype, 'regdictionary'::regtype, 'regcollation'::regtype, 'regnamespace'::regtype, 'oid'::regtype)$$,
  'no column whose values pg_upgrade would break');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'hitl'::regnamespace AND relkind = 'r' AND relpersistence <> 'p'$$, 'no unlogged table');
SELECT is_empty($$SELECT seqrelid::regclass FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid WHERE c.relnamespace = 'hitl'::regnamespace AND (seqtypid <> 'bigint'::regtype OR seqstart <> 1 OR seqincrement <> 1 OR seqcache <> 1 OR seqcycle)$$,
  'sequences: bigint from 1, not cached, no cycle');

-- Views ------------------------------------------------------------------------------------------------------------

SELECT pg_temp.same_rows($$SELECT c.relname::text, string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 WHERE c.relnamespace = 'hitl'::regnamespace AND c.relkind = 'v'
  AND c.relname !~ '^_' GROUP BY 1$$, $$VALUES
  ('deadlines', 'interrupt_id, thread_id, graph, node, kind, step, round, due_at, planned_at'),
  ('escalations', 'interrupt_id, thread_id, graph, node, kind, step, round, action, role, planned_at, fired_at'),
  ('contacts', 'role, address, set_by, set_at'),
  ('question_times', 'interrupt_id, thread_id, graph, node, policy, status, type, priority, opened_at, due_at, settled_at, to_claim, to_view, to_vote, to_decide, is_late'),
  ('vote_times', 'interrupt_id, vote_id, graph, policy, reviewer, in_place_of, type, is_withdrawal, revision, voted_at, after_opening, review'),
  ('backlog', 'graph, policy, pending, claimed, unseen, overdue, oldest_at, oldest_age'),
  ('policy_numbers', 'graph, policy, questions, decided, expired, late, to_claim_p50, to_claim_p90, to_view_p50, to_view_p90, review_p50, review_p90, to_decide_p50, to_decide_p90, to_decide_p99'),
  ('reviewer_numbers', 'reviewer, graph, policy, votes, approved, edited, rejected, responded, withdrawn, approve_rate, edit_rate, reject_rate, respond_rate, unseen, median_seconds, p90_seconds, median_seconds_open'),
  ('automation', 'day, graph, action, automatic, asked, asked_share'),
  ('outcomes', 'thread_id, graph, outcome, note, reported_by, reported_at, decided_by'),
  ('error_rates', 'graph, decided_by, reported, errors, error_rate'),
  ('notifications', 'outbox_id, interrupt_id, thread_id, kind, role, created_at, status, attempts, settled_at, due_at, error, message_id'),
  ('automatic_verdicts', 'day, rule, graph, node, action, verdicts'),
  ('policies', 'policy, version, owner, definition, created_by, created_at'),
  ('policy_history', 'policy, version, owner, definition, created_by, created_at'),
  ('rules', 'rule, policy, action, graph, node, args, skip_when, priority, owner, is_first, created_by, created_at'),
  ('rule_history', 'rule, policy, action, graph, node, args, skip_when, priority, owner, created_by, created_at, dropped_by, dropped_at'),
  ('breakpoint_history', 'kind, node, graph, set_by, set_at, removed_by, removed_at'),
  ('breakpoints', 'kind, node, graph, set_by, set_at'),
  ('decided', 'interrupt_id, thread_id, graph, node, key, action, args, description, status, type, decision, settled_by, settled_at, opened_at, took, how, voters, policy, revision, reopens, is_review, root_id, depth, frame'),
  ('failed', 'thread_id, graph, step, node, task_id, attempt, sqlstate, message, detail, hint, context, failed_at, root_id, depth, frame'),
  ('drafts', 'interrupt_id, action_no, decision, drafted_at, is_current'),
  ('absences', 'absence_id, person, substitute, starts_at, ends_at, set_at, revoked_at, is_away'),
  ('inbox', 'interrupt_id, thread_id, graph, node, action, args, description, allowed, priority, opened_at, age, in_place_of, claimed_by, claimed_until, due_at, expires_at, policy, revision, root_id, depth, frame'),
  ('overdue', 'interrupt_id, thread_id, graph, node, action, policy, priority, claimed_by, claimed_until, opened_at, due_at, expires_at, late_by, root_id, depth, frame'),
  ('my_decisions', 'interrupt_id, thread_id, graph, node, action, type, is_withdrawal, comment, revision, in_place_of, voted_at, status, decision, settled_by, settled_at, root_id, depth, frame'),
  ('grant_history', 'audit_id, at, event, right, role, graph, reviewers, actor, login, acted_as'),
  ('grants', 'right, role, graph, reviewers, granted_by, granted_at'),
  ('pending', 'interrupt_id, thread_id, graph, node, key, action, args, description, allowed, opened_at, step, payload, supersedes, reopens, is_review, policy, revision, content_hash, proposed_by, priority, claimed_by, claimed_until, due_at, expires_at, root_id, depth, frame'),
  ('threads', 'thread_id, graph, version, status, step, checkpoint, owner, starter, started_at, ended_at, ended_by, reason, forked_from, forked_checkpoint, inputs, root_id, depth, frame'),
  ('timeline', 'thread_id, audit_id, at, event, step, node, interrupt_id, actor, actor_kind, detail, comment, root_id, depth, frame'),
  ('worker_status', 'process, database, role, pid, state, thread_id, since, note')$$, 'views: columns');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'hitl'::regnamespace AND relkind = 'v' AND NOT ('security_barrier=true' = ANY (COALESCE(reloptions, '{}'))) AND relname <> 'worker_status'
  AND (relacl IS NULL OR EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee <> relowner) OR relname NOT IN ('_audience', '_reachable', '_thread', '_status', '_grant_of_me', '_graph_read', '_graph_watched', '_policy_of_me', '_question', '_role_of_me'))$$,
  'views that leave rows out are security barriers');
-- A view that could be written through would hand out the tables.
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'hitl'::regnamespace AND relkind = 'v' AND pg_relation_is_updatable(oid, false) <> 0$$, 'no view can be written through');

-- Comments ---------------------------------------------------------------------------------------------------------

SELECT is_empty($$SELECT pg_describe_object(classid, objid, 0) FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'hitl'
  WHERE d.deptype = 'e' AND obj_description(objid, classid::regclass::name) IS NULL 
    AND NOT (classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class WHERE oid = objid AND relkind = 'S'))
    AND NOT (classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type WHERE oid = objid AND (typrelid <> 0 OR typelem <> 0)))$$, 'every object but the sequences has a comment');
SELECT is_empty($$SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'hitl'::regnamespace AND relkind = 'r' AND attnum > 0 AND col_description(attrelid, attnum) IS NULL$$,
  'every column of a table has a comment');
SELECT is_empty($$SELECT proname FROM pg_proc WHERE pronamespace = 'hitl'::regnamespace AND proname !~ '^_' AND pronargs > 0 AND prosrc NOT IN ('hitl_approve', 'hitl_edit', 'hitl_reject', 'hitl_respond')
  AND obj_description(oid, 'pg_proc') !~ 'Errors: ([0-9A-Z]{5}|those of|as )'$$, 'functions with arguments say which errors they raise');
SELECT isnt(obj_description((SELECT oid FROM pg_extension WHERE extname = 'hitl'), 'pg_extension'), NULL, 'the extension has a comment');

-- Settings ---------------------------------------------------------------------------------------------------------

SELECT lives_ok('SELECT hitl.current_thread()', 'the library is loaded');
SELECT pg_temp.same_rows($$SELECT name, boot_val, unit, context, vartype, min_val, max_val FROM pg_settings WHERE name LIKE 'hitl.%'$$, $$VALUES
  ('hitl.clock_offset', '0', 's', 'superuser', 'integer', '0', '2147483647'),
  ('hitl.claim_lease', '900000', 'ms', 'user', 'integer', '1000', '2147483647'),
  ('hitl.actor', '', NULL, 'user', 'string', NULL, NULL),
  ('hitl.continue_split_block', 'error', NULL, 'user', 'enum', NULL, NULL),
  ('hitl.dispatcher_idle_timeout', '5000', 'ms', 'sighup', 'integer', '0', '2147483647'),
  ('hitl.executor_idle_timeout', '30000', 'ms', 'sighup', 'integer', '0', '2147483647'),
  ('hitl.max_bulk_decisions', '1000', NULL, 'superuser', 'integer', '0', '2147483647'),
  ('hitl.max_claim_lease', '86400000', 'ms', 'superuser', 'integer', '0', '2147483647'),
  ('hitl.max_crashes', '3', NULL, 'sighup', 'integer', '1', '1000'),
  ('hitl.max_dispatchers', '2', NULL, 'sighup', 'integer', '1', '64'),
  ('hitl.max_executors', '4', NULL, 'sighup', 'integer', '0', '128'),
  ('hitl.max_frame_size', '1024', 'kB', 'superuser', 'integer', '1', '262144'),
  ('hitl.max_node_timeout', '3600000', 'ms', 'superuser', 'integer', '0', '2147483647'),
  ('hitl.max_reasks', '3', NULL, 'superuser', 'integer', '0', '1000'),
  ('hitl.node_timeout', '60000', 'ms', 'superuser', 'integer', '0', '2147483647'),
  ('hitl.notify', 'worker', NULL, 'superuser', 'enum', NULL, NULL),
  ('hitl.sweep_interval', '60000', 'ms', 'sighup', 'integer', '100', '2147483647')$$, 'settings: names, defaults, units, contexts, limits');
SELECT is_empty($$SELECT name FROM pg_settings WHERE name LIKE 'hitl.%' AND short_desc = ''$$, 'every setting is described');
SELECT throws_ok('SET hitl.no_such_setting = 1', '42602', NULL, 'the prefix is reserved');

SELECT * FROM finish();
ROLLBACK;
