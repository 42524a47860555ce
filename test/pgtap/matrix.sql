-- The contract of rights: every public function and view, as the graph's owner, as an author of other graphs, as a reviewer, an
-- operator and an auditor of this graph, as a person whom a proxy names, as a proxy that names nobody, and as somebody with no
-- right at all. What is not in the tables below, or not as they say, fails.
\set ON_ERROR_STOP on
SELECT no_plan();
SET client_min_messages = warning;

-- A function and a view each says who may: o owner, w another author, r reviewer, p operator, a auditor, x a proxy's person, y a proxy that names
-- nobody, n anybody with USAGE on the schema.
CREATE ROLE tap_o LOGIN;
CREATE ROLE tap_w LOGIN;
CREATE ROLE tap_team;
CREATE ROLE tap_r LOGIN IN ROLE tap_team;
CREATE ROLE tap_p LOGIN;
CREATE ROLE tap_a LOGIN;
CREATE ROLE tap_y LOGIN;
CREATE ROLE tap_n LOGIN;
GRANT USAGE ON SCHEMA hitl TO tap_n, tap_r;
CREATE SCHEMA tap AUTHORIZATION tap_o;
SELECT ok(hitl.grant_author('tap_o') AND hitl.grant_author('tap_w') AND hitl.grant_proxy('tap_y', 'tap_team'), 'authors and a proxy');
SET ROLE tap_o;
CREATE FUNCTION tap.does(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  IF state ? 'fails' THEN RAISE 'told to fail'; END IF;
  RETURN hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state)) - 'at';
END $$;
SELECT ok(hitl.define('{"graph": "g", "nodes": {"n": "tap.does"}, "edges": [["START", "n"], ["n", "END"]]}') = 1, 'a graph');
SELECT ok(hitl.grant_reviewer('tap_team', 'g') AND hitl.grant_operator('tap_p', 'g') AND hitl.grant_auditor('tap_a', 'g'), 'its reviewers, operator, auditor');
SELECT ok(hitl.create_policy('two', '{"quorum": {"tap_team": 2}}') = 1 AND hitl.create_rule('all', 'two', action => 'nothing of that name', graph => 'g') > 0, 'a policy and a rule');
SELECT hitl.start('g', '{"n": 1}', key => 'k') AS t, hitl.start('g', '{"fails": 1}') AS f, hitl.start('g', '{"n": 2}') AS d \gset
SELECT is(hitl.wait(:t, '30 s'), 'interrupted', 'a question waits');
SELECT is(hitl.wait(:d, '30 s'), 'interrupted', 'another');
SELECT is(hitl.wait(:f, '30 s'), 'failed', 'a thread failed');
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
SELECT interrupt_id AS j FROM hitl.pending WHERE thread_id = :d \gset
SELECT hitl.reject(:j) IS NOT NULL AS is_decided \gset
SELECT is(hitl.wait(:d, '30 s'), 'done', 'one is decided, by a superuser');
RESET ROLE;

CREATE TEMP TABLE may (call text PRIMARY KEY, who text NOT NULL);
INSERT INTO may VALUES
  -- authors
  ('create_policy(''another'', ''{}'')', 'ow'), ('create_policy(''two'', ''{}'')', 'o'), ('create_rule(''another'', ''two'')', 'ow'), ('create_rule(''another'', ''two'', graph => ''g'')', 'o'), ('drop_rule(''all'')', 'o'),
  ('create_graph(''another'')', 'ow'), ('define(''{"graph": "another", "nodes": {"n": {"sql": "SELECT $1"}}, "edges": [["START", "n"], ["n", "END"]]}'')', 'ow'),
  ('add_node(''g'', ''m'', ''tap.does'')', 'o'), ('add_edge(''g'', ''n'', ''n'')', 'o'), ('add_join(''g'', ''{n}'', ''n'')', 'o'), ('add_conditional_edges(''g'', ''n'', ''tap.does'')', 'o'), ('add_channel(''g'', ''c'')', 'o'),
  ('compile(''g'')', 'o'), ('check_node(''jsonb_typeof(jsonb)'')', 'owrpaxyn'), ('command()', 'owrpaxyn'), ('send(''n'')', 'owrpaxyn'), ('overwrite(''1'')', 'owrpaxyn'),
  -- grants
  ('grant_author(''tap_n'')', ''), ('grant_reviewer(''tap_n'', ''g'')', 'o'), ('grant_operator(''tap_n'', ''g'')', 'o'), ('grant_auditor(''tap_n'', ''g'')', 'o'), ('grant_proxy(''tap_n'', ''tap_team'')', ''),
  ('grant_reviewer(''tap_n'')', ''), ('grant_operator(''tap_n'')', ''), ('grant_auditor(''tap_n'')', ''),
  ('revoke_author(''tap_n'')', ''), ('revoke_reviewer(''tap_n'', ''g'')', 'o'), ('revoke_operator(''tap_n'', ''g'')', 'o'), ('revoke_auditor(''tap_n'', ''g'')', 'o'), ('revoke_proxy(''tap_n'')', ''),
  -- threads
  ('start(''g'')', 'op'), ('start_many(''g'', ''{}'')', 'op'), ('thread_id(''g'', ''k'')', 'opa'), ('get_state(:t)', 'oa'), ('diff(:t, 0, 0)', 'oa'), ('update_state(:t, ''{}'')', 'o'), ('fork(:t, as_node => ''START'')', 'o'),
  ('cancel(:t)', 'op'), ('retry(:f)', 'op'), ('migrate(:t)', 'op'), ('wait(:t)', 'opa'), ('why(:t)', 'opa'), ('mermaid(''g'', :t)', 'opa'), ('interrupt_before(''n'', ''g'')', 'op'), ('interrupt_after(''n'', ''g'')', 'op'),
  ('interrupt_before(''*'')', ''), ('interrupt_after(''*'')', ''),
  -- in a session that the owner has logged in to, and this is none; in a node only
  ('invoke(''g'')', ''),
  ('interrupt(''{}'')', 'owrpaxyn'), ('step(''k'', ''tap.does'')', 'owrpaxyn'), ('context()', 'owrpaxyn'), ('current_thread()', 'owrpaxyn'),
  -- reviewers
  ('approve(:i)', 'orx'), ('reject(:i)', 'orx'), ('edit(:i, ''{}'')', 'orx'), ('respond(:i, ''1'')', 'orx'), ('decide(:i, ''{"type": "approve"}'')', 'orx'), ('resume(:t, ''{"type": "approve"}'')', 'o'),
  ('decide_many(ARRAY[:i], ''{"type": "approve"}'')', 'orx'), ('withdraw(:i)', 'owrpaxn'), ('reopen(:i, ''why'')', 'orx'),
  ('show(:i)', 'orxa'), ('comment(:i, ''hm'')', 'orxa'), ('claim(:i)', 'orx'), ('assign(:i, ''tap_r'')', 'oprx'), ('delegate(:i, ''tap_n'')', 'orx'), ('release(:i)', 'oprx'), ('snooze(:i, ''infinity'')', 'orx'), ('dismiss(:i)', 'orx'),
  ('as_langchain(:i)', 'orxa'), ('as_agent_inbox(:i)', 'orxa'), ('as_agui(:i)', 'orxa'), ('as_mcp(:i)', 'orxa'), ('draft(:i, 1, ''{"type": "approve"}'')', 'orx'),
  ('render(:i)', 'orxa'), ('remind(:i)', 'op'), ('report_outcome(:t, ''ok'')', 'op'),
  ('set_deadline(:i, ''infinity'')', 'op'), ('tick()', 'owrpaxyn'),
  -- about oneself: anybody who speaks for somebody; who is away says so in a session of his own
  ('claim_next()', 'owrpaxn'), ('out_of_office(''tap_o'')', 'owrpan'), ('back()', 'owrpan'), ('set_contact(session_user, ''a@b.example'')', 'owrpaxyn'), ('set_contact(''tap_team'', ''a@b.example'')', ''),
  -- what has rows of mine only
  ('undraft(:i)', 'owrpaxn'), ('outbox_claim()', 'owrpaxyn'), ('check()', 'owrpaxyn'), ('state_history(:t)', 'owrpaxyn'), ('run_pending()', 'owrpaxyn'), ('outbox_done(1)', 'owrpaxyn'), ('outbox_failed(1, ''x'')', 'owrpaxyn');
GRANT SELECT ON may TO PUBLIC;

-- Whether a role may: what is refused is 42501 or IH003; any other answer comes after the look at its rights. Nothing stays.
CREATE FUNCTION attempt(who text, statement text) RETURNS boolean LANGUAGE plpgsql AS $f$
BEGIN
  PERFORM set_config('session_authorization', CASE who WHEN 'x' THEN 'tap_y' ELSE 'tap_' || who END, true);
  PERFORM set_config('hitl.actor', CASE who WHEN 'x' THEN 'anna' ELSE '' END, true);
  EXECUTE statement;
  RAISE 'back' USING ERRCODE = '00001';
EXCEPTION
  WHEN SQLSTATE '00001' THEN RETURN true;
  WHEN SQLSTATE '42501' OR SQLSTATE 'IH003' THEN RETURN false;
  WHEN OTHERS THEN RETURN true;
END $f$;
SELECT is((SELECT string_agg(w, '' ORDER BY w) FROM regexp_split_to_table('owrpaxyn', '') w WHERE attempt(w, CASE WHEN call LIKE 'run_pending%' THEN 'CALL' ELSE 'SELECT * FROM' END || ' hitl.' || replace(replace(replace(call, ':t', :'t'), ':i', :'i'), ':f', :'f'))),
  (SELECT string_agg(w, '' ORDER BY w) FROM regexp_split_to_table(NULLIF(who, ''), '') w), 'hitl.' || call) FROM may ORDER BY call;
SELECT is_empty($$SELECT proname FROM pg_proc WHERE pronamespace = 'hitl'::regnamespace AND proname !~ '^_' EXCEPT SELECT split_part(call, '(', 1) FROM may$$, 'no public function is left out');

-- Views: whose rows are seen. One is decided, one waits, one failed.
CREATE TEMP TABLE sees (view_name text PRIMARY KEY, who text NOT NULL);
INSERT INTO sees VALUES
  ('question_times', 'opa'), ('vote_times', 'opa'), ('backlog', 'opa'), ('policy_numbers', 'opa'), ('reviewer_numbers', 'opa'), ('automation', 'oa'), ('outcomes', 'oa'), ('error_rates', 'oa'),
  ('pending', 'orxa'), ('overdue', ''), ('inbox', 'orx'), ('decided', 'oa'), ('my_decisions', ''), ('drafts', 'r'), ('threads', 'opa'), ('failed', 'opa'), ('timeline', 'opa'), ('breakpoints', 'opa'), ('breakpoint_history', 'opa'), ('_checkpoint', 'oa'), ('grants', 'owrpaxy'), ('grant_history', 'oa'),
  ('policies', 'orx'), ('policy_history', 'orx'), ('rules', 'oa'), ('rule_history', 'oa'), ('automatic_verdicts', 'opa'),
  ('absences', 'ow'), ('contacts', 'w'), ('notifications', 'opa'), ('deadlines', 'orpxa'), ('escalations', 'orpxa'), ('worker_status', 'owrpaxyn'), ('_violation', '');
SELECT ok(hitl.interrupt_before('n', 'g'), 'a breakpoint');
CREATE FUNCTION count_as(who text, view_name text) RETURNS bigint LANGUAGE plpgsql AS $f$
DECLARE n bigint;
BEGIN
  PERFORM set_config('session_authorization', CASE who WHEN 'x' THEN 'tap_y' ELSE 'tap_' || who END, true);
  PERFORM set_config('hitl.actor', CASE who WHEN 'x' THEN 'anna' ELSE '' END, true);
  EXECUTE format('SELECT count(*) FROM hitl.%I', view_name) INTO n;
  RAISE 'back' USING ERRCODE = '00001', DETAIL = n;
EXCEPTION WHEN SQLSTATE '00001' THEN RETURN n;
END $f$;
BEGIN;
SET LOCAL SESSION AUTHORIZATION tap_w;
SELECT ok(hitl.out_of_office('tap_o') IS NOT NULL AND hitl.set_contact('tap_w', 'w@shop.example') IS NOT NULL, 'an absence and a contact of somebody''s');
COMMIT;
INSERT INTO hitl.outbox (interrupt_id, kind, role, dedup_key, created_at, due_at) SELECT :i, 'opened', 'tap_team', 'tap', now(), 'infinity';
INSERT INTO hitl.automatic_verdict (thread_id, task_id, graph_id, node, key, rule, at) SELECT thread_id, task_id, graph_id, node, key, 'all', now() FROM hitl.interrupt WHERE interrupt_id = :i;
INSERT INTO hitl.outcome (thread_id, outcome, reported_by, reported_at) VALUES (:t, 'ok', 'somebody', now());
INSERT INTO hitl.draft VALUES (:i, 'tap_r', 1, 1, '{"type": "approve"}', now());
INSERT INTO hitl.timer VALUES ('infinity', 'infinity', :i, 0, 0, 'expiry');
INSERT INTO hitl.escalation VALUES (:i, 0, 0, 'warn', now(), now(), 'notify', NULL);
SELECT is((SELECT string_agg(w, '' ORDER BY w) FROM regexp_split_to_table('owrpaxyn', '') w WHERE count_as(w, view_name) > 0), (SELECT string_agg(w, '' ORDER BY w) FROM regexp_split_to_table(NULLIF(who, ''), '') w), 'view ' || view_name) FROM sees ORDER BY view_name;
SELECT is_empty($$SELECT relname::text FROM pg_class WHERE relnamespace = 'hitl'::regnamespace AND relkind = 'v' AND relacl IS NOT NULL AND has_table_privilege('tap_n', oid, 'SELECT') EXCEPT SELECT view_name FROM sees$$, 'no view is left out');
SELECT is_empty($$SELECT relname, w, privilege FROM pg_class, regexp_split_to_table('owrpayn', '') w, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) privilege
  WHERE relnamespace = 'hitl'::regnamespace AND relkind = 'r' AND has_table_privilege('tap_' || w, oid, privilege)$$, 'and none of them has any right on a table');
DELETE FROM hitl.timer;
DELETE FROM hitl.escalation;
SELECT is_empty('SELECT * FROM hitl.check()', 'the invariants hold');
SELECT * FROM finish();
DROP EXTENSION hitl;
DROP SCHEMA hitl;
DROP SCHEMA tap CASCADE;
DROP FUNCTION attempt, count_as;
DROP ROLE tap_o, tap_w, tap_team, tap_r, tap_p, tap_a, tap_y, tap_n;
