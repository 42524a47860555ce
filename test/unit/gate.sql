-- Gates (gate.c): the table of states in front of which a person is asked, and those where nobody is; what a decision makes of the node.
-- A gate fails closed: only a predicate that is true lets the node run unasked.  A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_gate_predicate_fault(predicate text) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_gate_question(gate jsonb, state jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_gate_apply(gate jsonb, decision jsonb, state jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';

-- Who is asked ---------------------------------------------------------------------------------------------------------
-- One line for each way in which a state can be other than the author thought.

CREATE TABLE ask (skip_when text, args jsonb, asks boolean);
INSERT INTO ask VALUES
  -- the plain case
  ('$.amount <= 1000', '{"amount": 1000}', false), ('$.amount <= 1000', '{"amount": 999.99}', false), ('$.amount <= 1000', '{"amount": 1000.01}', true), ('$.amount <= 1000', '{"amount": -5}', false), ('$.amount <= 1000', '{"amount": 1e3}', false),
  -- a misspelt key, in the state and in the predicate; a key in another place
  ('$.amount <= 1000', '{"amuont": 5}', true), ('$.amount <= 1000', '{"Amount": 5}', true), ('$.amuont <= 1000', '{"amount": 5}', true), ('$.amount <= 1000', '{"amount ": 5}', true), ('$.amount <= 1000', '{"refund": {"amount": 5}}', true), ('$.amount <= 1000', '{}', true),
  ('$.refund.amount <= 1000', '{"amount": 5}', true), ('$.refund.amount <= 1000', '{"refund": 5}', true), ('$.refund.amount <= 1000', '{"refund": null}', true), ('$.refund.amount <= 1000', '{"refund": {"amount": 5}}', false),
  -- null: jsonpath has null != 5 for true, and !(null > 5)
  ('$.amount <= 1000', '{"amount": null}', true), ('$.country != "US"', '{"country": "AT"}', false), ('$.country != "US"', '{"country": null}', true), ('$.country <> "US"', '{"country": null}', true), ('$.a.b != 1', '{"a": {"b": null}}', true), ('$.a.b != 1', '{"a": null}', true),
  ('$.amount == null', '{"amount": null}', true), ('$ == null', 'null', true), ('$ != 5', 'null', true), ('exists($.approver)', '{"approver": null}', true), ('exists($.approver)', '{"approver": "mia"}', false), ('$.list[0] != 5', '{"list": [null]}', true), ('$.list[1] != 5', '{"list": [null, 6]}', false),
  ('$.list[*] != 5', '{"list": [6, null]}', true), ('$.list[*].a != 5', '{"list": [{"a": 6}, null]}', true), ('$.list[*].a != 5', '{"list": [{"a": 6}, {"a": null}]}', true), ('$.list[*].a != 5', '{"list": [[{"a": null}]]}', true),
  ('$.amount <= 1000', '{"amount": 5, "comment": null}', false), ('$.amount <= null', '{"amount": 5}', true), ('$.amount == null', '{"amount": 5}', true), ('$.amount < 1000', 'null', true),
  -- a string for a number, a number for a string
  ('$.amount <= 1000', '{"amount": "5"}', true), ('$.amount <= 1000', '{"amount": ""}', true), ('$.amount <= "1000"', '{"amount": 5}', true), ('$.amount <= "1000"', '{"amount": "0999"}', false), ('$.country == "AT"', '{"country": 5}', true),
  -- other kinds in its place
  ('$.amount <= 1000', '{"amount": true}', true), ('$.amount <= 1000', '{"amount": [5]}', true), ('$.amount <= 1000', '{"amount": []}', true), ('$.amount <= 1000', '{"amount": {}}', true), ('$.amount <= 1000', '{"amount": {"amount": 5}}', true),
  ('$.amount <= 1000', '[{"amount": 5}]', true), ('$.amount <= 1000', '5', true), ('$.amount <= 1000', '"5"', true), ('$.amount <= 1000', '[]', true),
  -- errors: of arithmetic, of the path
  ('10 / $.amount > 0', '{"amount": 0}', true), ('10 / $.amount > 0', '{"amount": 5}', false), ('$.amount % 0 == 0', '{"amount": 5}', true), ('$.amount.double() <= 1000', '{"amount": "x"}', true), ('$.amount.double() <= 1000', '{"amount": "5"}', false),
  ('$.list[3] == 1', '{"list": [1]}', true), ('$.list[0] == 1', '{"list": [1]}', false), ('$.*.amount <= 10', '{"a": {}}', true), ('$.name like_regex "^a"', '{"name": 5}', true), ('$.name like_regex "^a"', '{"name": "ab"}', false),
  -- a negation does not turn what is unknown into a yes; nor does a missing key count as absent
  ('!($.amount > 1000)', '{"amount": 5}', false), ('!($.amount > 1000)', '{}', true), ('!($.amount > 1000)', '{"amount": null}', true), ('!($.amount > 1000)', '{"amount": "5"}', true), ('!exists($.blocked)', '{}', true), ('($.amount > 1000) is unknown', '{"amount": 5}', true),
  -- and, or: unknown and true is unknown
  ('$.amount <= 1000 && $.country == "AT"', '{"amount": 5, "country": "AT"}', false), ('$.amount <= 1000 && $.country == "AT"', '{"amount": 5}', true), ('$.amount <= 1000 && $.country == "AT"', '{"amount": 5, "country": "DE"}', true),
  ('$.vip == true || $.amount <= 10', '{"vip": true, "amount": 5000}', false), ('$.vip == true || $.amount <= 10', '{"vip": "true", "amount": 5000}', true), ('$.vip == true || $.amount <= 10', '{"amount": 5}', false),
  -- of a list, a comparison is true if it is true of any element: all of them is said by the negation
  ('$.items[*].price <= 10', '{"items": [{"price": 5}, {"price": 50}]}', false), ('!($.items[*].price > 10)', '{"items": [{"price": 5}, {"price": 50}]}', true), ('!($.items[*].price > 10)', '{"items": [{"price": 5}, {"price": 6}]}', false), ('!($.items[*].price > 10)', '{"items": [{"price": 5}, {"pirce": 6}]}', true),
  ('!($.items[*].price > 10)', '{"items": [{"price": 5}, {"price": null}]}', true), ('!($.items[*].price > 10)', '{"items": [{"price": 5}, {"price": "6"}]}', true), ('!($.items[*].price > 10)', '{"items": [{"price": 5}, null]}', true), ('!($.items[*].price > 10)', '{"item": [{"price": 5}]}', true), ('!($.items[*].price > 10)', '{"items": {"price": 5}}', true),
  -- no predicate but a value: only true itself is true
  ('$.ok', '{"ok": true}', false), ('$.ok', '{"ok": false}', true), ('$.ok', '{"ok": "true"}', true), ('$.ok', '{"ok": 1}', true), ('$.ok', '{"ok": null}', true), ('$.ok', '{"ok": [true]}', true), ('$.ok', '{"ok": {}}', true), ('$.ok', '{}', true), ('$', 'true', false), ('$.a, $.b', '{"a": true, "b": true}', true),
  -- none at all
  (NULL, '{"amount": 5}', true), (NULL, 'null', true), (NULL, 'true', true);
SELECT is_empty($$SELECT skip_when, args FROM ask WHERE skip_when IS NOT NULL AND skip_when NOT LIKE '%, $%' AND NOT pg_input_is_valid(skip_when, 'jsonpath')$$, 'gate: they are predicates') WHERE current_setting('server_version_num')::int >= 160000;
DELETE FROM ask WHERE skip_when LIKE '%, $%';
SELECT is_empty($$SELECT skip_when, args, asks FROM ask WHERE (unit_gate_question(jsonb_strip_nulls(jsonb_build_object('args', '$.refund', 'skip_when', skip_when)), jsonb_build_object('refund', args)) IS NOT NULL) IS DISTINCT FROM asks$$,
  format('gate: %s states, in %s of which a person is asked', (SELECT count(*) FROM ask), (SELECT count(*) FROM ask WHERE asks)));
-- The same where the args are the whole state.
SELECT is_empty($$SELECT skip_when, args, asks FROM ask WHERE jsonb_typeof(args) = 'object' AND (unit_gate_question(jsonb_strip_nulls(jsonb_build_object('skip_when', skip_when)), args) IS NOT NULL) IS DISTINCT FROM asks$$, 'gate: the same, of the whole state');
-- Where there are no args at all: a misspelt path, on the way or at its end, and something else on the way.
SELECT is_empty($$SELECT path, state FROM unnest('{$.refund, $.refund.args, $.a.b.c}'::text[]) path, unnest(ARRAY['{}', '{"refnud": {"args": {}}}', '{"Refund": true}', '{"a": {"b": {}}}', '{"a": [{"b": {"c": 1}}]}', '{"a": "b"}']::jsonb[]) state, unnest('{1 == 1, $ == $, "!exists($.x)", $ == null}'::text[]) skip_when
  WHERE unit_gate_question(jsonb_build_object('args', path, 'skip_when', skip_when), state) IS NULL$$, 'gate: without args a person is asked, whatever the predicate says');

-- Predicates that would let what is missing through are refused when the graph is compiled.  Each of these is true of the args beside it.
CREATE TABLE loose (skip_when text, args jsonb, what text);
INSERT INTO loose VALUES ('!exists($.items[*] ? (@.price > 1000))', '{"items": [{"pirce": 5000}]}', 'a filter%'), ('!($.items ? (@.price > 1000) == 5)', '{"items": {"price": "5000"}}', 'a filter%'), ('!($.**.amount > 1000)', '{"amuont": 5000}', '"**"%'), ('!($.**{0 to 2}.amount > 1000)', '{}', '"**"%'),
  ('($.amount > 1000) is unknown', '{"amuont": 5000}', '"is unknown"%'), ('(!($.amount <= 1000)) is unknown', '{"amount": "5000"}', '"is unknown"%');
SELECT is_empty($$SELECT skip_when FROM loose WHERE unit_gate_question(jsonb_build_object('skip_when', skip_when), args) IS NOT NULL$$, 'predicates: these pass over what is missing');
SELECT is_empty($$SELECT skip_when, unit_gate_predicate_fault('strict ' || skip_when) FROM loose WHERE unit_gate_predicate_fault('strict ' || skip_when) LIKE what IS NOT TRUE$$, 'predicates: so they are refused');
SELECT is_empty($$SELECT skip_when, f FROM ask, unit_gate_predicate_fault('strict ' || skip_when) f WHERE f IS NOT NULL AND skip_when NOT LIKE '%is unknown'$$, 'predicates: none of the others is');
SELECT is_empty($$SELECT p, f FROM unnest(ARRAY['$.a == "?"', '$.a == "** is unknown ?"', '$."is unknown" == 1', '$."a?b\"?" == "\\"', '$.a * $.b > 2', '$.*.a * 2 > 2', '$.a like_regex "^x.?$"', '$.a starts with "?"', '$.list[*] * 2 == 4']) p, unit_gate_predicate_fault('strict ' || p) f WHERE f IS NOT NULL$$, 'predicates: nor what only looks like them');
SELECT is(unit_gate_predicate_fault('strict $.a == "\\" || exists($.b ? (@ == 1))') LIKE 'a filter%', true, 'predicates: a string ends where it ends');

-- The rule, over generated values: nobody is asked if and only if there is a number, and it is small.
CREATE TABLE v AS SELECT CASE i % 12 WHEN 0 THEN NULL WHEN 1 THEN 'null' WHEN 2 THEN 'true' WHEN 3 THEN to_jsonb((random() * 2000)::int::text) WHEN 4 THEN jsonb_build_array((random() * 2000)::int) WHEN 5 THEN jsonb_build_object('amount', (random() * 2000)::int)
  ELSE to_jsonb(round((random() * 2000)::numeric, i % 3)) END AS v FROM generate_series(1, 3000) i;
INSERT INTO v VALUES ('1000'), ('1000.0'), ('1000.000000000000000000000000001'), ('999.999999999999999999999999999'), ('1e400'), ('-1e400'), ('0');
SELECT is_empty($$SELECT v FROM v, LATERAL (SELECT unit_gate_question('{"args": "$.refund", "skip_when": "$.amount <= 1000"}', jsonb_build_object('refund', CASE WHEN v IS NULL THEN '{}' ELSE jsonb_build_object('amount', v) END)) AS q) q
  WHERE (q IS NULL) IS DISTINCT FROM COALESCE(jsonb_typeof(v) = 'number' AND (CASE WHEN jsonb_typeof(v) = 'number' THEN v#>>'{}' END)::numeric <= 1000, false)$$, 'gate: of 3007 amounts the small numbers pass, and nothing else does');

-- The same of rules (rule.c), which have two predicates and fail closed in both.  skip_when: nobody is asked where the gate asks nobody, and nowhere else.
CREATE FUNCTION unit_rules(rules jsonb, payload jsonb, may_skip boolean) RETURNS text LANGUAGE c AS 'hitl_test';
SELECT is_empty($$SELECT skip_when, args, asks FROM ask WHERE (unit_rules(jsonb_build_array(jsonb_build_object('name', 'r', 'skip_when', skip_when)), jsonb_build_object('args', args), true) = 'skip: r') IS DISTINCT FROM NOT asks$$, 'rules: as the gate, of the same states');
-- args: where it is unknown the policy applies; only these are false, and so no misspelt key among them.
CREATE TABLE excluded (args_predicate text, args jsonb);
INSERT INTO excluded VALUES ('$.amount <= 1000', '{"amount": 1000.01}'), ('$.amount <= null', '{"amount": 5}'), ('$.amount == null', '{"amount": 5}'), ('($.amount > 1000) is unknown', '{"amount": 5}'), ('$.ok', '{"ok": false}'),
  ('$.amount <= 1000 && $.country == "AT"', '{"amount": 5, "country": "DE"}'), ('!($.items[*].price > 10)', '{"items": [{"price": 5}, {"price": 50}]}');
SELECT is_empty($$SELECT skip_when, args, asks FROM ask WHERE skip_when IS NOT NULL AND (unit_rules(jsonb_build_array(jsonb_build_object('name', 'r', 'policy', 1, 'args', skip_when)), jsonb_build_object('args', args), true) = 'none')
  IS DISTINCT FROM EXISTS (SELECT FROM excluded e WHERE e.args_predicate = skip_when AND e.args = ask.args)$$, format('rules: a policy applies but for %s states, in which the predicate is false', (SELECT count(*) FROM excluded)));
-- Both: what the rule is for must be known, or nobody is let pass by it.
SELECT is_empty($$SELECT skip_when, args, asks FROM ask WHERE skip_when IS NOT NULL AND args <> 'null' AND (unit_rules(jsonb_build_array(jsonb_build_object('name', 'r', 'args', skip_when, 'skip_when', '1 == 1')), jsonb_build_object('args', args), true) = 'skip: r') IS DISTINCT FROM NOT asks$$,
  'rules: a predicate on the args that is unknown lets nothing pass');
SELECT is(unit_rules('[{"name": "r", "policy": 1, "args": "$.amount > 1000"}]', payload, true), 'policy 1: r', format('rules: no args, and the policy applies: %s', payload)) FROM unnest(ARRAY['{}', '{"action": "pay"}', '"which?"', 'null', '{"args": null}', '{"Args": {"amount": 5}}']::jsonb[]) payload;
SELECT is(unit_rules('[{"name": "r", "skip_when": "1 == 1"}]', payload, true), 'none', format('rules: no args, and nobody is let pass: %s', payload)) FROM unnest(ARRAY['{}', '{"action": "pay"}', '"which?"', 'null', '{"args": null}', '{"Args": {"amount": 5}}']::jsonb[]) payload;

-- Which rule: the first that says something.
SELECT is(unit_rules(rules, payload, may_skip), want, format('rules: %s, %s', rules, payload)) FROM (VALUES
  ('[]'::jsonb, '{"action": "pay"}'::jsonb, true, 'none'), ('[{"name": "a", "policy": 1}, {"name": "b", "policy": 2}]', '{"action": "pay"}', true, 'policy 1: a'), ('[{"name": "a", "policy": 1, "action": "refund"}, {"name": "b", "policy": 2, "action": "p*"}]', '{"action": "pay"}', true, 'policy 2: b'),
  ('[{"name": "a", "policy": 1, "graph": 2}, {"name": "b", "policy": 2, "graph": 1}]', '{"action": "pay"}', true, 'policy 2: b'), ('[{"name": "a", "policy": 1, "node": "m"}, {"name": "b", "policy": 2, "node": "n"}]', '{"action": "pay"}', true, 'policy 2: b'),
  -- one that only skips leaves it to the next; one that does both does not
  ('[{"name": "a", "skip_when": "$.x < 5"}, {"name": "b", "policy": 2}]', '{"args": {"x": 9}}', true, 'policy 2: b'), ('[{"name": "a", "skip_when": "$.x < 5"}, {"name": "b", "policy": 2}]', '{"args": {"x": 1}}', true, 'skip: a'), ('[{"name": "a", "policy": 1, "skip_when": "$.x < 5"}, {"name": "b", "skip_when": "1 == 1"}]', '{"args": {"x": 9}}', true, 'policy 1: a'),
  ('[{"name": "b", "policy": 2}, {"name": "a", "skip_when": "$.x < 5"}]', '{"args": {"x": 1}}', true, 'policy 2: b'),
  -- where somebody has to be asked
  ('[{"name": "a", "policy": 1, "skip_when": "$.x < 5"}]', '{"args": {"x": 1}}', false, 'policy 1: a'), ('[{"name": "a", "skip_when": "$.x < 5"}, {"name": "b", "policy": 2}]', '{"args": {"x": 1}}', false, 'policy 2: b'), ('[{"name": "a", "skip_when": "$.x < 5"}]', '{"args": {"x": 1}}', false, 'none'),
  -- a batch: no action is let pass by its company
  ('[{"name": "a", "action": "pay", "policy": 1, "skip_when": "$.x < 5"}]', '{"actions": [{"action": "pay", "args": {"x": 1}}, {"action": "pay", "args": {"x": 2}}]}', true, 'skip: a a'), ('[{"name": "a", "action": "pay", "policy": 1, "skip_when": "$.x < 5"}]', '{"actions": [{"action": "pay", "args": {"x": 1}}, {"action": "pay", "args": {"x": 9}}]}', true, 'policy 1: a'),
  ('[{"name": "a", "action": "pay", "policy": 1, "skip_when": "$.x < 5"}]', '{"actions": [{"action": "pay", "args": {"x": 1}}, {"action": "look", "args": {}}]}', true, 'none'), ('[{"name": "a", "action": "pay", "policy": 1}]', '{"actions": [{"action": "look", "args": {}}, {"action": "pay", "args": {"x": 1}}]}', true, 'policy 1: a'),
  ('[{"name": "a", "action": "pay", "policy": 1}, {"name": "b", "action": "look", "policy": 1}]', '{"action_requests": [{"name": "look", "args": {}}, {"name": "pay", "args": {}}]}', true, 'policy 1: b'), ('[{"name": "a", "action": "pay", "policy": 1}, {"name": "b", "action": "look", "policy": 2}]', '{"actions": [{"action": "look"}, {"action": "pay"}]}', true, 'conflict: b a'),
  ('[{"name": "a", "action": "pay", "skip_when": "$.x < 5"}, {"name": "b", "action": "look", "skip_when": "exists($.y)"}]', '{"actions": [{"action": "look", "args": {"y": 1}}, {"action": "pay", "args": {"x": 1}}]}', true, 'skip: b a')) v (rules, payload, may_skip, want);

-- Patterns for actions: a table, and 20000 pairs against SQL's LIKE.
CREATE FUNCTION unit_action_matches(pattern text, action text) RETURNS boolean LANGUAGE c AS 'hitl_test';
SELECT is(unit_action_matches(pattern, action), want, format('pattern: %s, %s', pattern, COALESCE(action, 'NULL'))) FROM (VALUES ('pay', 'pay', true), ('pay', 'Pay', false), ('pay', 'pay ', false), ('pay', 'repay', false), ('*', 'pay', true), ('*', NULL, true), ('*', '', true), ('?', NULL, false), ('pay', NULL, false), ('pay.*', 'pay.now', true), ('pay.*', 'pay', false),
  ('p?y', 'pay', true), ('p?y', 'py', false), ('?ay', U&'\00E4ay', true), ('*ay', U&'\00E4\00E4ay', true), ('p%', 'pay', false), ('p_y', 'pay', false), ('p\*', 'p\x', true), ('', '', true), ('', NULL, true), ('', 'pay', false), ('*a*b*', 'xaxbx', true), ('*a*b*', 'xbxax', false), ('a**b', 'ab', true)) v (pattern, action, want);
SELECT is_empty($$SELECT p, a FROM (SELECT (SELECT COALESCE(string_agg((ARRAY['a', 'b', '*', '?', U&'\00E4'])[1 + (random() * 4.99)::int % 5], ''), '') FROM generate_series(1, i % 6)) AS p, (SELECT COALESCE(string_agg((ARRAY['a', 'b', U&'\00E4'])[1 + (random() * 2.99)::int % 3], ''), '') FROM generate_series(1, i % 7)) AS a FROM generate_series(1, 20000) i) x
  WHERE unit_action_matches(p, a) <> (a LIKE translate(p, '*?', '%_'))$$, 'pattern: as LIKE, of 20000 pairs');

-- What is asked: the action, the args as they are, what may be answered.
SELECT is(unit_gate_question(gate, state), want, format('question: %s %s', gate, state)) FROM (VALUES
  ('{"action": "refund", "args": "$.a.b"}'::jsonb, '{"a": {"b": {"x": 1}}}'::jsonb, '{"action": "refund", "args": {"x": 1}, "allowed": "approve, edit, reject, respond", "payload": {"action": "refund", "args": {"x": 1}}}'::jsonb),
  ('{}', '{"x": 1}', '{"action": "n", "args": {"x": 1}, "allowed": "approve, edit, reject, respond", "payload": {"action": "n", "args": {"x": 1}}}'),
  ('{"action": "refund", "args": "$.a", "description": "Sure?", "allowed": ["reject", "approve"]}', '{"a": {}}', '{"action": "refund", "args": {}, "allowed": "approve, reject", "payload": {"action": "refund", "args": {}, "description": "Sure?"}}'),
  -- where there is no object there is nothing to edit
  ('{"args": "$.a"}', '{"a": 5}', '{"action": "n", "args": 5, "allowed": "approve, reject, respond", "payload": {"action": "n", "args": 5}}'), ('{"args": "$.a"}', '{"a": null}', '{"action": "n", "args": null, "allowed": "approve, reject, respond", "payload": {"action": "n", "args": null}}'),
  ('{"args": "$.a"}', '{}', '{"action": "n", "args": null, "allowed": "approve, reject, respond", "payload": {"action": "n", "args": null}}'), ('{"args": "$.a", "allowed": ["edit", "reject"]}', '{"a": [1]}', '{"action": "n", "args": [1], "allowed": "reject", "payload": {"action": "n", "args": [1]}}')) v (gate, state, want);
SELECT throws_ok($$SELECT unit_gate_question('{"args": "$.a", "allowed": ["edit"]}', '{"a": 5}')$$, '22023', NULL, 'question: one that nobody could answer is an error, not a way through');

-- What a decision does --------------------------------------------------------------------------------------------------

SELECT is(unit_gate_apply(gate, decision, state), want, format('apply: %s at %s on %s', decision, gate, state)) FROM (VALUES
  ('{"args": "$.a"}'::jsonb, '{"type": "approve", "args": {"x": 1}}'::jsonb, '{"a": {"x": 1}}'::jsonb, '{"verdict": "run", "state": {"a": {"x": 1}}, "update": null}'::jsonb),
  -- an edit is what the node gets and what the state says from now on; the rest of its channel stays
  ('{"args": "$.a"}', '{"type": "edit", "edits": {"x": 2}, "args": {"x": 2}}', '{"a": {"x": 1}, "b": 1}', '{"verdict": "run", "state": {"a": {"x": 2}, "b": 1}, "update": {"a": {"x": 2}}}'),
  ('{"args": "$.a.b"}', '{"type": "edit", "args": {"x": 2}}', '{"a": {"b": {"x": 1}, "c": 1}}', '{"verdict": "run", "state": {"a": {"b": {"x": 2}, "c": 1}}, "update": {"a": {"b": {"x": 2}, "c": 1}}}'),
  ('{}', '{"type": "edit", "args": {"x": 2, "y": 1}}', '{"x": 1, "y": 1}', '{"verdict": "run", "state": {"x": 2, "y": 1}, "update": {"x": 2}}'),
  -- a rejection is written down with its reason, and the node does not run
  ('{}', '{"type": "reject", "reason": "no"}', '{"x": 1}', '{"verdict": "rejected", "state": {"x": 1}, "update": {"feedback": {"type": "reject", "reason": "no"}}}'),
  ('{"feedback_key": "f"}', '{"type": "reject"}', '{}', '{"verdict": "rejected", "state": {}, "update": {"f": {"type": "reject", "reason": null}}}'),
  -- a response stands in for the node's output, or is written down for it
  ('{}', '{"type": "respond", "response": {"y": 2}}', '{"x": 1}', '{"verdict": "output", "state": {"x": 1}, "update": {"y": 2}}'), ('{"feedback_key": "f"}', '{"type": "respond", "response": "text"}', '{"x": 1}', '{"verdict": "output", "state": {"x": 1}, "update": {"f": "text"}}'),
  ('{"on_respond": "run"}', '{"type": "respond", "response": {"y": 2}}', '{"x": 1}', '{"verdict": "run", "state": {"x": 1, "feedback": {"y": 2}}, "update": {"feedback": {"y": 2}}}'), ('{"on_respond": "run", "feedback_key": "x"}', '{"type": "respond", "response": null}', '{"x": 1}', '{"verdict": "run", "state": {"x": null}, "update": {"x": null}}')) v (gate, decision, state, want);
-- What is no decision runs nothing.
SELECT is_empty($$SELECT decision FROM unnest(ARRAY['{}', '{"type": "aprove"}', '{"type": "Approve"}', '{"type": null}', '{"type": true}', '{"type": ["approve"]}', '{"types": "approve"}', '"approve"', 'null', 'true', '[]']::jsonb[]) decision WHERE unit_gate_apply('{}', decision, '{}')->>'verdict' <> 'rejected'$$,
  'apply: what is no decision runs nothing');
-- Of random paths and args: an edit changes what is at the path, and nothing beside it.
CREATE TABLE p AS SELECT keys, args, state || CASE WHEN i % 3 = 0 THEN '{}' ELSE jsonb_build_object(keys[1], CASE WHEN i % 3 = 1 THEN '{"a": {"b": {"z": 1}}, "q": 2}' ELSE '5'::jsonb END) END AS state
  FROM generate_series(1, 1000) i, LATERAL (SELECT (ARRAY['{a}', '{b,a}', '{c,b,a}', '{a,a,a,a}'])[1 + floor(random() * 4 + 0 * i)]::text[] AS keys, jsonb_build_object('x', i) AS args, '{"other": 1, "d": {"a": 1}}'::jsonb AS state) x;
CREATE FUNCTION made_at(state jsonb, keys text[], args jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT CASE WHEN keys = '{}' THEN args ELSE (CASE jsonb_typeof(state) WHEN 'object' THEN state ELSE '{}' END) || jsonb_build_object(keys[1], made_at(state->keys[1], keys[2:], args)) END $$;
SELECT is_empty($$SELECT keys, args, state, r FROM p, LATERAL (SELECT unit_gate_apply(jsonb_build_object('args', '$.' || array_to_string(keys, '.')), jsonb_build_object('type', 'edit', 'args', args), state) AS r) r
  WHERE r->'state' <> made_at(state, keys, args) OR r->'update' <> jsonb_build_object(keys[1], r->'state'->keys[1]) OR (r->'state') - keys[1] <> state - keys[1] OR r->'state' #> keys <> args$$, 'apply: 1000 edits, each at its place');

SELECT * FROM finish();
ROLLBACK;
