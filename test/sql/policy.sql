-- Policies: who may decide, how many, by when.  A policy has versions, an interrupt keeps the one that it opened with, and a document
-- with a key that nobody knows is refused by name: a misspelt "veto" must not make a policy without one.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
CREATE ROLE regress_pol_fin; CREATE ROLE regress_pol_law; CREATE ROLE regress_pol_mia LOGIN IN ROLE regress_pol_fin;
GRANT USAGE ON SCHEMA hitl TO regress_pol_fin, regress_pol_law;

-- 1. A policy is a document; what its author leaves out has a default, and the document says what is in force.
SELECT hitl.create_policy('plain', '{}');
SELECT jsonb_pretty(definition) FROM hitl.policies WHERE policy = 'plain';
-- The same again, in whatever words, is the same version; another one is the next. What was is still there to read.
SELECT hitl.create_policy('refund', '{"quorum": {"regress_pol_fin": 1, "regress_pol_law": 2}, "expires_in": "26 hours"}') AS version;
SELECT hitl.create_policy('refund', '{"expires_in": "1 day 02:00", "groups": ["regress_pol_fin", "regress_pol_law"], "quorum": {"regress_pol_law": 2, "regress_pol_fin": 1}, "veto": true}') AS version;
SELECT hitl.create_policy('refund', '{"quorum": {"regress_pol_fin": 1, "regress_pol_law": 1}, "due_in": "2 hours", "expires_in": "1 day", "priority": -1, "allowed": ["approve", "edit", "reject"]}') AS version;
SELECT policy, version, definition->'quorum' AS quorum, definition->'expires_in' AS expires_in FROM hitl.policy_history WHERE policy = 'refund';

-- 2. Every key is read, or the document is refused, with all that is wrong with it.
\set VERBOSITY default
SELECT hitl.create_policy('bad', '{"vetoo": true, "quorum": 0, "on_expiry": "approve", "ladder": [{"after": "1 month", "do": "notify", "iff": "x"}]}');
\set VERBOSITY terse
SELECT hitl.create_policy('bad', '{"groups": ["nobody_of_that_name"]}');
SELECT hitl.create_policy('bad', '{"validator": "no_such_function"}');
SELECT hitl.create_policy('bad', '{"validator": "pg_catalog.jsonb_concat"}');
SELECT hitl.create_policy('', '{}');
SELECT hitl.create_policy(NULL, '{}');
\set VERBOSITY default
SELECT policy FROM hitl.policies WHERE policy IN ('plain', 'refund', 'bad');

-- 3. A node names a policy in its payload, a gate in the graph's document. The interrupt is opened with it: its groups decide, and nobody
-- else is asked; the times and the priority are the policy's.
CREATE FUNCTION refund(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  decision jsonb := hitl.interrupt(jsonb_build_object('action', 'refund', 'args', state->'args', 'policy', 'refund'));
BEGIN
  RETURN jsonb_build_object('heard', decision->'type');
END $$;
SELECT hitl.define('{"graph": "policy named", "nodes": {"refund": "refund"}, "edges": [["START", "refund"], ["refund", "END"]]}');
SELECT hitl.define('{"graph": "policy gated", "nodes": {"pay": {"sql": "SELECT ''{}''::jsonb", "gate": {"args": "$.args", "policy": "refund"}}}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT hitl.invoke('policy named', '{"args": {"amount": 5}}')->>'status' AS named, hitl.invoke('policy gated', '{"args": {"amount": 5}}')->>'status' AS gated;
SELECT g.graph, p.policy, i.policy_version AS version, i.priority, i.allowed, i.due_at - i.opened_at AS due_in, i.expires_at - i.opened_at AS expires_in,
       ARRAY(SELECT a.role FROM hitl.audience a WHERE a.interrupt_id = i.interrupt_id ORDER BY a.role::text) AS audience
FROM hitl.interrupt i JOIN hitl.graph g USING (graph_id) JOIN hitl.policy p ON p.policy_id = i.policy_id WHERE p.policy = 'refund' ORDER BY interrupt_id;
-- A new version is for what is opened from then on.
SELECT hitl.create_policy('refund', '{"groups": ["regress_pol_fin"]}') AS version;
SELECT hitl.invoke('policy named', '{"args": {"amount": 5}}')->>'status' AS named;
SELECT i.policy_version AS version, count(*) FROM hitl.interrupt i JOIN hitl.policy p USING (policy_id) WHERE p.policy = 'refund' GROUP BY 1 ORDER BY 1;

-- 4. A policy that is not there: a graph is not compiled, a node fails. A question that nobody could answer is not opened.
\set VERBOSITY terse
SELECT hitl.define('{"graph": "typo", "nodes": {"pay": {"sql": "SELECT ''{}''::jsonb", "gate": {"policy": "refnud"}}}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT hitl.create_policy('yes or no', '{"allowed": ["approve", "reject"]}');
\set VERBOSITY default
CREATE FUNCTION policy_asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.interrupt(state->'ask') $$;
SELECT hitl.define('{"graph": "policy asks", "nodes": {"ask": "policy_asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.invoke('policy asks', jsonb_build_object('ask', ask))->>'status' AS status, ask FROM unnest(ARRAY['{"policy": "refnud"}', '{"policy": 5}', '{"policy": "yes or no", "allowed": ["respond"]}', '{"policy": "yes or no", "allowed": ["respond", "reject"]}',
  '{"policy": "yes or no", "actions": [{"action": "a", "allowed": ["respond"]}, {"action": "b", "allowed": ["approve"]}]}', '{"policy": "yes or no", "actions": [{"action": "a", "allowed": ["respond", "reject"]}, {"action": "b"}]}']::jsonb[]) ask;
SELECT sqlstate, message, detail, hint FROM hitl.failed WHERE graph = 'policy asks' ORDER BY thread_id;
SELECT allowed FROM hitl.pending WHERE graph = 'policy asks' ORDER BY thread_id;

-- 5. Authors make policies. One belongs to who made it: nobody else writes it, and its groups may read it.
SET SESSION AUTHORIZATION regress_pol_mia;
\set VERBOSITY terse
SELECT hitl.create_policy('refund', '{}');
SELECT hitl.create_policy('mine', '{}');
RESET SESSION AUTHORIZATION;
SELECT hitl.grant_author('regress_pol_mia');
SET SESSION AUTHORIZATION regress_pol_mia;
SELECT hitl.create_policy('refund', '{}');
SELECT hitl.create_policy('mine', '{}');
\set VERBOSITY default
SELECT policy, version, owner FROM hitl.policies;
RESET SESSION AUTHORIZATION;
-- What was made is on record.
SELECT event, detail FROM hitl.audit WHERE thread_id = 0 AND detail->>'policy' NOT IN ('hooks guard', 'desk duties', 'desk held', 'desk days') ORDER BY audit_id;

SELECT * FROM hitl.check();
REVOKE USAGE ON SCHEMA hitl FROM regress_pol_fin, regress_pol_law;
