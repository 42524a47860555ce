-- Policies in words (wording.c): what a reviewer has to know is said, once, and what is not so is not said.
-- A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();

CREATE FUNCTION unit_wording(definition jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION said(definition jsonb) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(s, ' ' ORDER BY n) FROM jsonb_array_elements_text(unit_wording(definition)) WITH ORDINALITY e (s, n) $$;

SELECT is(said(definition), words, definition::text) FROM (VALUES
  ('{}'::jsonb, 'One person decides. One reject is the end. Who started the thread may not decide.'),
  ('{"starter_may_decide": true}', 'One person decides. One reject is the end.'),
  ('{"quorum": 3, "groups": ["b", "a"], "starter_may_decide": true}', 'Members of a or b decide. 3 persons have to agree. One reject is the end.'),
  ('{"quorum": "all", "groups": ["a"], "starter_may_decide": true}', 'Members of a decide. All who may decide have to agree. One reject is the end.'),
  ('{"quorum": {"finance": 1, "legal": "all"}, "starter_may_decide": true, "veto": ["legal"]}', 'Members of finance or legal decide. These have to agree: 1 of finance and all of legal. One reject of legal is the end.'),
  ('{"quorum": {"weights": {"boss": 2, "team": 1}, "needed": 3}, "starter_may_decide": true, "veto": false}',
   'Members of boss or team decide. Votes have to weigh 3 together: 2 for one of boss and 1 for one of team. A reject needs as many as an approval.'),
  ('{"starter_may_decide": true, "editor_may_decide_alone": false, "claim_required": true, "reason_required": ["reject"]}',
   'One person decides. One reject is the end. Who proposes an edit or a response is not enough for it: somebody else has to agree. It has to be claimed before a vote. A reason has to be given with: reject.'),
  ('{"starter_may_decide": true, "editable": ["amount", "order"], "may_delegate": false, "asserted_may_decide": false}',
   'One person decides. One reject is the end. Only these can be edited: amount and order. Nobody decides in the place of somebody else. Only who has logged in decides, not whom an application names.'),
  ('{"starter_may_decide": true, "editable": []}', 'One person decides. One reject is the end. Nothing can be edited.'),
  ('{"starter_may_decide": true, "due_in": "90 minutes", "expires_in": "2 days", "on_expiry": "reject"}', 'One person decides. One reject is the end. It is due within 90 min. If nothing is decided within 2 d, it counts as a reject.'),
  ('{"starter_may_decide": true, "due_in": "30 s", "expires_in": "3 hours", "on_expiry": {"type": "route", "node": "escalate"}}', 'One person decides. One reject is the end. It is due within 30 s. If nothing is decided within 3 h, the thread goes to node "escalate".')
) v (definition, words);

-- Whatever the end is, it is told in words of its own.
SELECT is((SELECT count(DISTINCT said(jsonb_build_object('expires_in', '1 hour', 'on_expiry', e))) FROM unnest(ARRAY['"stay"', '"reject"', '"fail"', '{"type": "approve", "without_a_person": true}', '{"type": "respond", "response": 1}', '{"type": "route", "node": "n"}']::jsonb[]) e), 6::bigint, 'six ends');

SELECT * FROM finish();
ROLLBACK;
