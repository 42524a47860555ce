-- Votes under a policy: several people decide, each once, on what they have seen.
-- Proves: an edit or a response that is voted on is a proposal, for which earlier votes do not count; who approves it says which one; the latest vote of a person stands, and is
-- taken back until the decision; an answer that is sent again is not a second vote, at any time; starter, earlier decider and editor do not decide alone; a reason that is wanted is given.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS hitl CASCADE;
CREATE EXTENSION hitl;
SELECT CASE WHEN current_setting('shared_preload_libraries') LIKE '%hitl%' THEN 'DO ''BEGIN END''' ELSE 'CALL hitl.run_pending()' END AS run \gset
CREATE ROLE votes_desk;
CREATE ROLE votes_ann LOGIN IN ROLE votes_desk;
CREATE ROLE votes_bob LOGIN IN ROLE votes_desk;
CREATE ROLE votes_cleo LOGIN IN ROLE votes_desk;
CREATE ROLE votes_eve LOGIN;
GRANT USAGE ON SCHEMA hitl TO votes_desk, votes_eve;

CREATE FUNCTION votes_asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN jsonb_build_object('decision', hitl.interrupt(jsonb_build_object('action', 'pay', 'args', '{"amount": 5000, "to": "a"}'::jsonb, 'policy', state->'policy')) - 'at');
END $$;
SELECT hitl.define('{"graph": "votes", "nodes": {"ask": "votes_asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
-- Asks under a policy, and returns the interrupt's number.
CREATE FUNCTION votes_ask(policy text) RETURNS bigint LANGUAGE sql AS $$
  SELECT (hitl.invoke('votes', jsonb_build_object('policy', policy))#>'{interrupts,0,interrupt_id}')::bigint $$;
-- What a person is told who calls this: status and votes, or the refusal.
CREATE FUNCTION votes_says(person name, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text; code text; message text; detail text;
BEGIN
  EXECUTE format('SET SESSION AUTHORIZATION %I', person);
  EXECUTE 'SELECT format(''%s %s/%s'', status, votes, needed) FROM hitl.' || call INTO result;
  RESET SESSION AUTHORIZATION;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  RETURN format('%s %s | %s', code, message, regexp_replace(regexp_replace(detail, '[0-9a-f]{64}', '<hash>'), '\d+-\d+-\d+ \d+:\d+:[\d.]+([+-]\d+(:\d+)?)?', '<time>'));
END $$;
CREATE FUNCTION votes_handed(id bigint) RETURNS jsonb LANGUAGE sql AS $$
  SELECT hitl.get_state(i.thread_id)->'decision' FROM hitl.interrupt i WHERE interrupt_id = id AND hitl.wait(i.thread_id, '20 s') IS NOT NULL $$;

-- 1. Two of a group have to agree.  The first vote waits for the second; the decision names both.
SELECT hitl.create_policy('votes two', '{"groups": ["votes_desk"], "quorum": 2}');
SELECT votes_ask('votes two') AS q \gset
SELECT votes_says('votes_ann', format('approve(%s, ''fine'')', :q));
SELECT votes_says('votes_ann', format('approve(%s)', :q)) AS the_same_person_again;
SELECT votes_says('votes_eve', format('approve(%s)', :q)) AS a_stranger;
SELECT votes_says('votes_bob', format('approve(%s, seen => ''1'')', :q));
:run;
SELECT votes_handed(:q);
SELECT voter, revision, type, groups FROM hitl.vote WHERE interrupt_id = :q ORDER BY vote_id;
SELECT event, detail FROM hitl.timeline WHERE interrupt_id = :q ORDER BY audit_id;
SELECT votes_says('votes_cleo', format('approve(%s)', :q)) AS too_late;

-- 2. An edit is a proposal: earlier approvals were of something else.  It is the editor's vote for it; the second who agrees says which one he means.
SELECT votes_ask('votes two') AS q \gset
SELECT votes_says('votes_ann', format('approve(%s)', :q));
SELECT votes_says('votes_bob', format('edit(%s, ''{"amount": 4000}'')', :q));
SELECT revision, proposal, proposed_by, length(content_hash), status FROM hitl.interrupt WHERE interrupt_id = :q;
SELECT votes_says('votes_ann', format('approve(%s)', :q)) AS it_does_not_say_of_what;
SELECT votes_says('votes_ann', format('approve(%s, seen => ''1'')', :q)) AS of_what_was;
-- Cleo wants something else again: edits are laid over the args as asked, so hers stand alone.
SELECT votes_says('votes_cleo', format('edit(%s, ''{"to": "b"}'', seen => ''2'')', :q));
SELECT votes_says('votes_ann', format('approve(%s, seen => ''2'')', :q)) AS of_what_was;
SELECT votes_says('votes_ann', format('approve(%s, seen => ''%s'')', :q, content_hash)) FROM hitl.interrupt WHERE interrupt_id = :q;
:run;
SELECT votes_handed(:q);
SELECT voter, revision, type FROM hitl.vote WHERE interrupt_id = :q ORDER BY vote_id;
SELECT event, detail FROM hitl.timeline WHERE interrupt_id = :q ORDER BY audit_id;

-- A response is a proposal too; a reject is of whatever is proposed, and one is enough.
SELECT votes_ask('votes two') AS q \gset
SELECT votes_says('votes_ann', format('respond(%s, text => ''ask for the receipt'')', :q));
SELECT votes_says('votes_bob', format('approve(%s, seen => ''2'')', :q));
SELECT votes_ask('votes two') AS r \gset
SELECT votes_says('votes_ann', format('edit(%s, ''{"amount": 1}'')', :r));
SELECT votes_says('votes_bob', format('reject(%s, ''no'')', :r));
:run;
SELECT votes_handed(:q), votes_handed(:r);

-- A batch of which some are approved and some are not is a proposal as well.
CREATE FUNCTION votes_batch(state jsonb) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('decision', hitl.interrupt('{"policy": "votes two", "actions": [{"action": "pay", "args": {"amount": 1}}, {"action": "mail", "args": {"to": "a"}}]}') - 'at') $$;
SELECT hitl.define('{"graph": "votes batch", "nodes": {"ask": "votes_batch"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT (hitl.invoke('votes batch', '{}')#>>'{interrupts,0,interrupt_id}')::bigint AS q \gset
SELECT votes_says('votes_ann', format('approve(%s)', :q)) AS all_of_it;
SELECT votes_says('votes_bob', format('decide(%s, ''{"decisions": [{"type": "approve"}, {"type": "reject", "reason": "no mail"}]}'')', :q)) AS a_part_of_it;
SELECT revision, proposal, proposed_by FROM hitl.interrupt WHERE interrupt_id = :q;
SELECT votes_says('votes_ann', format('approve(%s)', :q)) AS it_does_not_say_of_what, votes_says('votes_ann', format('approve(%s, seen => ''2'')', :q)) AS of_that_part;
:run;
SELECT jsonb_pretty(votes_handed(:q));

-- 3. The latest vote of a person stands.
SELECT hitl.create_policy('votes no veto', '{"groups": ["votes_desk"], "quorum": 2, "veto": false}');
SELECT votes_ask('votes no veto') AS q \gset
SELECT votes_says('votes_ann', format('approve(%s)', :q));
SELECT votes_says('votes_ann', format('reject(%s, ''I was wrong'')', :q));
SELECT votes_says('votes_bob', format('approve(%s)', :q)) AS one_for_it_one_against;
SELECT votes_says('votes_bob', format('reject(%s, ''so was I'')', :q));
:run;
SELECT votes_handed(:q);

-- 4. A vote is taken back until the decision, by who gave it.  With the vote for one's own proposal the proposal goes.
SELECT votes_ask('votes two') AS q \gset
SELECT votes_says('votes_ann', format('approve(%s)', :q));
SELECT votes_says('votes_bob', format('withdraw(%s)', :q)) AS he_has_none;
SELECT votes_says('votes_ann', format('withdraw(%s, ''on second thoughts'')', :q));
SELECT votes_says('votes_ann', format('withdraw(%s)', :q)) AS twice;
SELECT votes_says('votes_bob', format('edit(%s, ''{"amount": 2}'')', :q));
SELECT votes_says('votes_bob', format('withdraw(%s)', :q));
SELECT revision, proposal, proposed_by FROM hitl.interrupt WHERE interrupt_id = :q;
SELECT votes_says('votes_ann', format('approve(%s)', :q));
-- Who is not in the group any more has no say, but may take back what was said.
REVOKE votes_desk FROM votes_ann;
GRANT USAGE ON SCHEMA hitl TO votes_ann;
SELECT votes_says('votes_ann', format('reject(%s)', :q));
SELECT votes_says('votes_ann', format('withdraw(%s)', :q));
GRANT votes_desk TO votes_ann;
SELECT votes_says('votes_bob', format('approve(%s)', :q)), votes_says('votes_cleo', format('approve(%s)', :q));
SELECT votes_says('votes_cleo', format('withdraw(%s)', :q)) AS too_late;
SELECT voter, revision, type, is_withdrawal, comment FROM hitl.vote WHERE interrupt_id = :q ORDER BY vote_id;

-- 5. An answer that is sent again under its key is no second vote: not while it waits, not for a later revision, not after a withdrawal, not after the decision.
SELECT votes_ask('votes two') AS q \gset
SELECT votes_says('votes_ann', format('approve(%s, idempotency_key => ''k'')', :q));
SELECT votes_says('votes_ann', format('approve(%s, idempotency_key => ''k'')', :q));
SELECT votes_says('votes_bob', format('edit(%s, ''{"amount": 3}'')', :q));
SELECT votes_says('votes_ann', format('approve(%s, idempotency_key => ''k'')', :q)) AS of_what_was;
SELECT votes_says('votes_bob', format('withdraw(%s)', :q));
SELECT votes_says('votes_ann', format('approve(%s, idempotency_key => ''k2'')', :q)), votes_says('votes_ann', format('withdraw(%s)', :q));
SELECT votes_says('votes_ann', format('approve(%s, idempotency_key => ''k2'')', :q)) AS it_was_taken_back;
SELECT votes_says('votes_bob', format('approve(%s, idempotency_key => ''k'')', :q)) AS a_key_of_bob, votes_says('votes_cleo', format('approve(%s)', :q));
SELECT votes_says('votes_bob', format('approve(%s, idempotency_key => ''k'')', :q)) AS it_is_decided;
SELECT votes_says('votes_bob', format('reject(%s, idempotency_key => ''k'')', :q)) AS another_answer;
-- Nor after its voter has lost the right, who says nothing new by it.
REVOKE votes_desk FROM votes_bob;
GRANT USAGE ON SCHEMA hitl TO votes_bob;
SELECT votes_says('votes_bob', format('approve(%s, idempotency_key => ''k'')', :q)) AS has_left, votes_says('votes_bob', format('decide(%s, ''{"type": "approve"}'', idempotency_key => ''k'')', :q)) AS by_decide;
SELECT votes_says('votes_bob', format('approve(%s, idempotency_key => ''k3'')', :q)) AS another_key;
REVOKE USAGE ON SCHEMA hitl FROM votes_bob;
GRANT votes_desk TO votes_bob;
SELECT count(*) FROM hitl.vote WHERE interrupt_id = :q;

-- 6. Separation of duties.  Who started the thread does not decide it, unless the policy says so; without a policy the first try just works.
GRANT votes_desk TO CURRENT_USER;
SELECT hitl.create_policy('votes starter', '{"groups": ["votes_desk"], "starter_may_decide": true}');
SELECT votes_ask('votes two') AS q, votes_ask('votes starter') AS r, votes_ask(NULL) AS s, current_user AS me \gset
SELECT replace(votes_says(:'me', format('approve(%s)', :q)), current_user, 'me'), votes_says(:'me', format('approve(%s)', :r)), votes_says(:'me', format('approve(%s)', :s));
-- An editor alone, where the policy wants a second pair of eyes.
SELECT hitl.create_policy('votes editor', '{"groups": ["votes_desk"], "editor_may_decide_alone": false}');
SELECT votes_ask('votes editor') AS q, votes_ask('votes editor') AS r \gset
SELECT votes_says('votes_ann', format('approve(%s)', :r)) AS as_asked;
SELECT votes_says('votes_ann', format('edit(%s, ''{"amount": 4}'')', :q));
SELECT votes_says('votes_ann', format('approve(%s, seen => ''2'')', :q)) AS still_alone;
SELECT votes_says('votes_bob', format('approve(%s, seen => ''2'')', :q));

-- 7. A reason, where one is wanted: a reject has its own, with the others it is the comment.
SELECT hitl.create_policy('votes reason', '{"groups": ["votes_desk"], "reason_required": ["reject", "edit"]}');
SELECT votes_ask('votes reason') AS q \gset
SELECT votes_says('votes_ann', format('reject(%s)', :q));
SELECT votes_says('votes_ann', format('reject(%s, '' '', comment => ''said elsewhere'')', :q));
SELECT votes_says('votes_ann', format('edit(%s, ''{"amount": 4}'')', :q));
SELECT votes_says('votes_ann', format('edit(%s, ''{"amount": 4}'', ''cheaper'')', :q));

-- 8. Who has written into a thread's state does not decide either: it asks what he has put there. Of a subgraph, who has written into the thread above.
CREATE ROLE votes_dev LOGIN SUPERUSER IN ROLE votes_desk;
CREATE FUNCTION votes_pre(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb $$;
SELECT hitl.create_policy('votes one', '{"groups": ["votes_desk"]}');
SELECT hitl.define('{"graph": "votes written", "nodes": {"pre": "votes_pre", "ask": "votes_asks"}, "edges": [["START", "pre"], ["pre", "ask"], ["ask", "END"]]}');
SELECT hitl.define('{"graph": "votes above", "nodes": {"pre": "votes_pre", "sub": {"subgraph": "votes"}}, "edges": [["START", "pre"], ["pre", "sub"], ["sub", "END"]]}');
SELECT hitl.invoke('votes written', '{"policy": "votes one"}')->'thread_id' AS t, hitl.invoke('votes above', '{"policy": "votes one"}')->'thread_id' AS u \gset
SET SESSION AUTHORIZATION votes_dev;
SELECT hitl.update_state(:t, '{"policy": "votes one"}', 'pre'), hitl.update_state(:u, '{"policy": "votes one"}', 'pre');
RESET SESSION AUTHORIZATION;
:run;
SELECT hitl.wait(:t) IS NOT NULL AND hitl.wait(:u) IS NOT NULL AS are_asked;
SELECT t.depth, p AS person, regexp_replace(votes_says(p, format('approve(%s)', i.interrupt_id)), 'interrupt \d+', 'interrupt <id>') AS says FROM hitl.interrupt i JOIN hitl.thread t USING (thread_id) JOIN hitl.policy USING (policy_id), unnest('{votes_dev,votes_ann}'::text[]) p WHERE i.status = 'pending' AND COALESCE(t.root_id, t.thread_id) IN (:t, :u) ORDER BY t.depth, p DESC;

-- 9. A person who is renamed is the same person: one vote, no second pair of eyes, and what was said is taken back by who said it. Who gets the name is somebody else.
CREATE ROLE votes_dora LOGIN IN ROLE votes_desk;
SELECT votes_ask('votes two') AS q, votes_ask('votes editor') AS r, votes_ask('votes two') AS s \gset
SELECT votes_says('votes_dora', format('approve(%s)', :q)), votes_says('votes_dora', format('edit(%s, ''{"amount": 4}'')', :r)), votes_says('votes_dora', format('edit(%s, ''{"amount": 4}'')', :s));
ALTER ROLE votes_dora RENAME TO votes_dory;
SELECT votes_says('votes_dory', format('approve(%s)', :q)) AS the_same_person_again, votes_says('votes_dory', format('approve(%s, seen => ''2'')', :r)) AS still_alone, votes_says('votes_dory', format('withdraw(%s)', :s)) AS her_own;
SELECT revision, proposed_by FROM hitl.interrupt WHERE interrupt_id = :s;
SET SESSION AUTHORIZATION votes_dory;
SELECT count(*) AS in_her_inbox_still FROM hitl.inbox WHERE interrupt_id IN (:q, :r);
RESET SESSION AUTHORIZATION;
ALTER ROLE votes_cleo RENAME TO votes_dora;
SELECT votes_says('votes_dora', format('withdraw(%s)', :q)) AS she_has_none;
SELECT votes_says('votes_dora', format('approve(%s, idempotency_key => ''k'')', :q)), votes_says('votes_dora', format('approve(%s, seen => ''2'')', :r));
SELECT votes_ask('votes two') AS q \gset
SET SESSION AUTHORIZATION votes_dory;
SELECT hitl.delegate(:q, 'votes_eve');
RESET SESSION AUTHORIZATION;
SELECT votes_says('votes_eve', format('approve(%s)', :q)) AS in_her_place;
ALTER ROLE votes_dory RENAME TO votes_dodo;
SELECT votes_says('votes_dodo', format('approve(%s)', :q)) AS her_own;
SELECT votes_says('votes_eve', format('approve(%s)', :q)) AS in_the_place_of_a_name;
ALTER ROLE votes_dora RENAME TO votes_cleo;

SELECT * FROM hitl.check();
DROP OWNED BY votes_dodo;
DROP ROLE votes_dodo;
DROP OWNED BY votes_desk, votes_ann, votes_bob, votes_cleo, votes_eve;
DROP EXTENSION hitl CASCADE;
CREATE EXTENSION hitl;
DROP FUNCTION votes_batch, votes_pre, votes_asks, votes_ask, votes_says, votes_handed;
DROP ROLE votes_ann, votes_bob, votes_cleo, votes_dev, votes_eve, votes_desk;
