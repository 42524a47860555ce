-- Rules say under which policy a question is opened, by its action, graph, node and args: the first that says something counts, those of superusers before the others.
-- They fail closed: where a rule cannot know whether it is meant (a misspelt key, a null, a string for a number), its policy applies, and nothing runs without a person.
-- An edit does not carry an action out from under the policy that is meant for it, nor does the company of others in a batch.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS hitl;
CREATE ROLE regress_rule_team; CREATE ROLE regress_rule_mia LOGIN IN ROLE regress_rule_team; CREATE ROLE regress_rule_owner LOGIN; CREATE ROLE regress_rule_other LOGIN;
GRANT USAGE ON SCHEMA hitl TO regress_rule_mia;
SELECT hitl.grant_author('regress_rule_owner') AND hitl.grant_author('regress_rule_other') AS are_authors;
SELECT hitl.create_policy('rule one', '{"starter_may_decide": true}') = 1 AND hitl.create_policy('rule two', '{"quorum": {"regress_rule_team": 2}}') = 1 AND hitl.create_policy('rule boss', '{"quorum": 1, "starter_may_decide": true}') = 1 AS are_made;
CREATE FUNCTION rule_asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('heard', hitl.interrupt($1->'ask') - 'at') $$;
SELECT hitl.define('{"graph": "rule g", "nodes": {"pay": "rule_asks"}, "edges": [["START", "pay"], ["pay", "END"]]}') = 1 AND hitl.define('{"graph": "rule ship", "nodes": {"ship": "rule_asks"}, "edges": [["START", "ship"], ["ship", "END"]]}') = 1 AS are_compiled;
-- What a question of this graph is opened under.
CREATE FUNCTION under(ask jsonb, graph text DEFAULT 'rule g', OUT policy text, OUT rule text, OUT heard jsonb, OUT error text) LANGUAGE plpgsql AS $$
DECLARE
  r jsonb := hitl.invoke(graph, jsonb_build_object('ask', ask));
BEGIN
  SELECT p.policy, i.rule INTO policy, rule FROM hitl.interrupt i LEFT JOIN hitl.policy p USING (policy_id) WHERE i.thread_id = (r->>'thread_id')::bigint;
  heard := r->'state'->'heard';
  SELECT f.sqlstate || ': ' || f.message INTO error FROM hitl.failed f WHERE f.thread_id = (r->>'thread_id')::bigint;
  PERFORM hitl.cancel((r->>'thread_id')::bigint) WHERE r->>'status' <> 'done';
END $$;

-- 1. Without a rule: the policy that the question names, else none. A rule is stronger than what the question says.
SELECT * FROM under('{"action": "refund", "args": {"amount": 5}}');
SELECT * FROM under('{"action": "refund", "args": {"amount": 5}, "policy": "rule one"}');
SELECT hitl.create_rule('rule large', 'rule two', action => 'refund', args => '$.amount > 1000') IS NOT NULL AS is_made;
SELECT * FROM under('{"action": "refund", "args": {"amount": 5000}, "policy": "rule one"}');
SELECT * FROM under('{"action": "refund", "args": {"amount": 5}, "policy": "rule one"}');

-- 2. It fails closed: the policy applies to what it does not know to be another's.
SELECT ask->'args' AS args, (under(jsonb_build_object('action', 'refund') || ask)).policy FROM unnest(ARRAY['{"args": {"amuont": 5}}', '{"args": {"amount": null}}', '{"args": {"amount": "5"}}', '{"args": {"amount": [5]}}', '{"args": [{"amount": 5}]}', '{"args": 5}', '{}', '{"args": {"amount": 1000.01}}', '{"args": {"amount": 1000}}']::jsonb[]) ask;
\set VERBOSITY terse
SELECT hitl.create_rule('rule loose', 'rule two', args => 'exists($.items[*] ? (@.price > 1000))');
SELECT hitl.create_rule('rule loose', 'rule two', args => '$.**.amount > 1000');
SELECT hitl.create_rule('rule loose', skip_when => '($.amount > 1000) is unknown');
SELECT hitl.create_rule('rule loose', skip_when => 'amount less than 1000');
\set VERBOSITY default

-- 3. By priority, then by age; by pattern, graph and node.
SELECT hitl.create_rule('rule any refund', 'rule boss', action => 'ref*', priority => 5) IS NOT NULL AS is_made;
SELECT * FROM under('{"action": "refund", "args": {"amount": 5000}}');
SELECT * FROM under('{"action": "refund", "args": {"amount": 5}}');
SELECT * FROM under('{"action": "refuse"}');
SELECT * FROM under('{"action": "Refund"}');
SELECT hitl.create_rule('rule node', 'rule one', graph => 'rule ship', node => 'ship', priority => -1) IS NOT NULL AND hitl.create_rule('rule first', 'rule one', action => 'ref???', node => 'pay', args => '$.kind == "gift"', priority => -2) IS NOT NULL AS are_made;
SELECT * FROM under('{"action": "refund", "args": {"amount": 5000, "kind": "gift"}}');
SELECT * FROM under('{"action": "refund", "args": {"amount": 5000, "kind": "sale"}}');
SELECT * FROM under('{"action": "refund", "args": {"amount": 5000, "kind": "sale"}}', 'rule ship');
SELECT rule, policy, action, graph, node, args, priority, is_first FROM hitl.rules WHERE rule LIKE 'rule %';

-- 4. A batch: the policy of any of its actions is that of all; what would need several is refused.
SELECT * FROM under('{"actions": [{"action": "look", "args": {}}, {"action": "refund", "args": {"amount": 5, "kind": "sale"}}]}');
SELECT * FROM under('{"actions": [{"action": "refund", "args": {"amount": 5000, "kind": "sale"}}, {"action": "refund", "args": {"amount": 5, "kind": "sale"}}]}');
-- The policy that the batch names is that of an action that no rule is for: another one for its neighbour does not take it away.
SELECT * FROM under('{"actions": [{"action": "look", "args": {}}, {"action": "refund", "args": {"amount": 5, "kind": "sale"}}], "policy": "rule one"}');
SELECT * FROM under('{"actions": [{"action": "look", "args": {}}, {"action": "refund", "args": {"amount": 5, "kind": "sale"}}], "policy": "rule boss"}');
SELECT * FROM under('{"actions": [{"action": "refund", "args": {"amount": 5, "kind": "sale"}}], "policy": "rule one"}');

-- An edit of one of its actions is asked about as well, also of one that has a list of actions itself.
SELECT hitl.invoke('rule g', '{"ask": {"actions": [{"action": "look", "args": {}}, {"action": "refund", "args": {"amount": 5, "kind": "sale"}, "actions": [{"action": "look"}]}]}}')->>'thread_id' AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
CREATE FUNCTION tries(statement text, OUT code text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
END $$;
SELECT * FROM tries(format('SELECT hitl.decide(%s, %L)', :i, '{"decisions": [{"type": "approve"}, {"type": "edit", "edits": {"amount": 5000}}]}'));
SELECT * FROM tries(format('SELECT hitl.decide(%s, %L)', :i, '{"decisions": [{"type": "approve"}, {"type": "edit", "edits": {"amount": 6}}]}'));

-- 5. A rule is dropped from the commit on; it can be changed in one. What is open keeps what it was opened under.
SELECT hitl.invoke('rule g', '{"ask": {"action": "refund", "args": {"amount": 5, "kind": "sale"}}}')->>'thread_id' AS t \gset
BEGIN;
SELECT hitl.drop_rule('rule any refund');
SELECT hitl.create_rule('rule any refund', 'rule one', action => 'ref*', priority => 5) IS NOT NULL AS is_made;
COMMIT;
SELECT * FROM under('{"action": "refund", "args": {"amount": 5, "kind": "sale"}}');
SELECT p.policy, i.rule FROM hitl.interrupt i JOIN hitl.policy p USING (policy_id) WHERE thread_id = :t;
SELECT rule, policy, dropped_by IS NOT NULL AS is_dropped FROM hitl.rule_history WHERE rule = 'rule any refund';
BEGIN;
SELECT hitl.drop_rule('rule any refund');
SELECT (under('{"action": "refund", "args": {"amount": 5, "kind": "sale"}}')).policy;
ROLLBACK;
SELECT (under('{"action": "refund", "args": {"amount": 5, "kind": "sale"}}')).policy;

-- 6. An edit is asked about again: 5 may become 6, but not 5000, for which two have to agree; nor what nobody can read.
SELECT hitl.invoke('rule g', '{"ask": {"action": "refund", "args": {"amount": 5, "kind": "sale"}}}')->>'thread_id' AS t \gset
SELECT interrupt_id AS i FROM hitl.pending WHERE thread_id = :t \gset
SELECT edits, e.* FROM unnest(ARRAY['{"amount": 5000}', '{"amount": "6"}', '{"amount": null}', '{"amount": 6}']::jsonb[]) edits, LATERAL tries(format('SELECT hitl.edit(%s, %L)', :i, edits)) e;
-- Where no rule is for it, the policy that the question or its gate names is meant: who decides small ones under a rule does not make a large one of it.
SELECT hitl.create_rule('rule small', 'rule one', action => 'sh*p', args => '$.amount <= 10') IS NOT NULL AS is_made;
SELECT hitl.define('{"graph": "rule gate", "nodes": {"ship": {"sql": "SELECT jsonb_build_object(''shipped'', $1->''order'')", "gate": {"action": "ship", "args": "$.order", "policy": "rule two"}}}, "edges": [["START", "ship"], ["ship", "END"]]}');
SELECT hitl.invoke('rule g', '{"ask": {"action": "ship", "args": {"amount": 5}, "policy": "rule two"}}')->'thread_id' AS t, hitl.invoke('rule gate', '{"order": {"amount": 5}}')->'thread_id' AS u, hitl.invoke('rule g', '{"ask": {"action": "ship", "args": {"amount": 5}}}')->'thread_id' AS v \gset
SELECT i.rule, edits, e.* FROM hitl.interrupt i, unnest(ARRAY['{"amount": 5000}', '{"amount": 6}']::jsonb[]) edits, LATERAL tries(format('SELECT hitl.edit(%s, %L)', i.interrupt_id, edits)) e WHERE i.thread_id IN (:t, :u) ORDER BY i.interrupt_id, edits DESC;
SELECT e.* FROM hitl.interrupt i, LATERAL tries(format('SELECT hitl.edit(%s, %L)', i.interrupt_id, '{"amount": 5000}')) e WHERE i.thread_id = :v;
SELECT hitl.drop_rule('rule small');

-- 7. Whose rules: authors make them; they count for graphs of owners as whom their owner may act, and after those of superusers.
CREATE SCHEMA regress_rule AUTHORIZATION regress_rule_owner;
SET SESSION AUTHORIZATION regress_rule_owner;
SET search_path = regress_rule;
CREATE FUNCTION rule_owner_asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('heard', hitl.interrupt($1->'ask') - 'at') $$;
SELECT hitl.define('{"graph": "rule owner g", "nodes": {"pay": "rule_owner_asks"}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT hitl.create_rule('rule mine', 'rule one', priority => -100) IS NOT NULL AS is_made;
SELECT hitl.start('rule owner g', '{"ask": {"action": "look"}}') AS t, hitl.start('rule owner g', '{"ask": {"action": "refund", "args": {"amount": 5000}}}') AS u \gset
SELECT hitl.wait(:t), hitl.wait(:u);
RESET search_path;
SET SESSION AUTHORIZATION regress_rule_other;
SELECT hitl.create_rule('rule theirs', skip_when => '1 == 1', priority => -200) IS NOT NULL AS is_made;
\set VERBOSITY terse
SELECT hitl.create_rule('rule theirs too', 'rule one', graph => 'rule owner g');
SELECT hitl.drop_rule('rule mine');
SELECT rule FROM hitl.rules;
SET SESSION AUTHORIZATION regress_rule_owner;
SELECT hitl.start('rule owner g', '{"ask": {"action": "look", "args": {}}}') AS t \gset
SELECT hitl.wait(:t);
RESET SESSION AUTHORIZATION;
-- The executor that has run these hears of a new rule with its commit.
SELECT hitl.create_rule('rule news', 'rule boss', graph => 'rule owner g', priority => 100) IS NOT NULL AS is_made;
SET SESSION AUTHORIZATION regress_rule_owner;
SELECT hitl.start('rule owner g', '{"ask": {"action": "look", "args": {}}}') AS t \gset
SELECT hitl.wait(:t);
RESET SESSION AUTHORIZATION;
SELECT p.policy, i.rule, i.action FROM hitl.interrupt i JOIN hitl.graph g USING (graph_id) JOIN hitl.policy p USING (policy_id) WHERE g.graph = 'rule owner g' ORDER BY i.thread_id;
SELECT * FROM under('{"action": "look", "args": {}}');

-- 8. What is refused.
SELECT hitl.create_rule('rule large', 'rule two');
SELECT hitl.create_rule('rule nothing');
SELECT hitl.create_rule('gate', 'rule two');
SELECT hitl.create_rule('', 'rule two');
SELECT hitl.create_rule(NULL, 'rule two');
SELECT hitl.create_rule('rule typo', 'rule tow');
SELECT hitl.create_rule('rule typo', 'rule two', graph => 'rule gg');
SELECT hitl.create_rule('rule typo', 'rule two', graph => 'rule g', node => 'pya');
SELECT hitl.drop_rule('rule typo');
SET SESSION AUTHORIZATION regress_rule_mia;
SELECT hitl.create_rule('rule mine too', 'rule two');
RESET SESSION AUTHORIZATION;
CREATE FUNCTION rule_writes(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(hitl.create_rule('rule agent', skip_when => '1 == 1')) $$;
SELECT hitl.define('{"graph": "rule agent", "nodes": {"n": "rule_writes"}, "edges": [["START", "n"], ["n", "END"]]}');
SELECT hitl.invoke('rule agent')->>'status' AS status;
SELECT sqlstate, message FROM hitl.failed WHERE graph = 'rule agent';
\set VERBOSITY default
SELECT event, detail->>'rule' AS rule FROM hitl.audit WHERE thread_id = 0 AND detail->>'rule' LIKE 'rule any%' ORDER BY audit_id;

-- The rules of this file count for nobody else's.
SELECT hitl.drop_rule(rule) FROM hitl.rules WHERE rule LIKE 'rule %';
SELECT * FROM hitl.check();
