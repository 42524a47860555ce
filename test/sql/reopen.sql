-- Reopening: what was decided is put to people once more.
-- Proves: a decision that no run has acted on is superseded, and the thread waits for the new one, also after a run that failed; one that was acted on is reviewed, on record, and the
-- thread is left alone; rounds are linked, each is reopened once; who decided before does not decide again where the policy says so; a guard has the question asked again.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS hitl CASCADE;
CREATE EXTENSION hitl;
SELECT CASE WHEN current_setting('shared_preload_libraries') LIKE '%hitl%' THEN 'DO ''BEGIN END''' ELSE 'CALL hitl.run_pending()' END AS run \gset
CREATE ROLE reopen_desk;
CREATE ROLE reopen_ann LOGIN IN ROLE reopen_desk;
CREATE ROLE reopen_bob LOGIN IN ROLE reopen_desk;
CREATE ROLE reopen_eve LOGIN;
GRANT USAGE ON SCHEMA hitl TO reopen_desk, reopen_eve;

CREATE TABLE paid (amount numeric);
CREATE TABLE account (is_open boolean);
INSERT INTO account VALUES (true);
CREATE FUNCTION reopen_pays(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  decision jsonb := hitl.interrupt(jsonb_build_object('action', 'pay', 'args', '{"amount": 5000}'::jsonb, 'policy', state->'policy'));
BEGIN
  IF state ? 'fails' AND NOT EXISTS (SELECT FROM account WHERE is_open) THEN RAISE 'the account is closed'; END IF;
  IF decision->>'type' IN ('approve', 'edit') THEN INSERT INTO paid VALUES ((decision#>>'{args,amount}')::numeric); END IF;
  RETURN jsonb_build_object('heard', decision->'type');
END $$;
SELECT hitl.define('{"graph": "reopen", "nodes": {"pay": "reopen_pays"}, "edges": [["START", "pay"], ["pay", "END"]]}');
CREATE FUNCTION reopen_ask(state jsonb DEFAULT '{}') RETURNS bigint LANGUAGE sql AS $$ SELECT (hitl.invoke('reopen', state)#>'{interrupts,0,interrupt_id}')::bigint $$;
CREATE FUNCTION reopen_says(person name, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text; code text; message text; detail text;
BEGIN
  EXECUTE format('SET SESSION AUTHORIZATION %I', person);
  EXECUTE 'SELECT (x)::text FROM hitl.' || call || ' x' INTO result;
  RESET SESSION AUTHORIZATION;
  RETURN regexp_replace(result, '^\(\d+,', '(');
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  RETURN format('%s %s | %s', code, message, regexp_replace(detail, '\d+-\d+-\d+ \d+:\d+:[\d.]+([+-]\d+(:\d+)?)?', '<time>'));
END $$;
-- All rounds of a question, from the first.
CREATE VIEW rounds AS SELECT i.thread_id, i.interrupt_id, i.reopens, i.is_review, i.status, i.decision->>'type' AS type, i.settled_by = session_user AS by_me FROM hitl.interrupt i JOIN hitl.graph g USING (graph_id) WHERE g.graph = 'reopen';

-- 1. Nobody has acted on it yet: the old decision is superseded, and the thread waits for the new one.
SELECT reopen_ask() AS q \gset
BEGIN;
SELECT status FROM hitl.approve(:q);
SELECT hitl.reopen(:q, 'the receipt is missing') AS r \gset
COMMIT;
SELECT interrupt_id, reopens, is_review, status, type FROM rounds ORDER BY 1;
SELECT t.status, count(*) FILTER (WHERE q.thread_id IS NOT NULL) AS queued FROM hitl.threads t LEFT JOIN hitl.run_queue q USING (thread_id) WHERE t.graph = 'reopen' GROUP BY 1;
SELECT reopen_says(session_user, format('reject(%s)', :q)) AS an_id_answers_once;
SELECT reopen_says(session_user, format('reopen(%s, ''again'')', :q)) AS and_is_reopened_once, reopen_says(session_user, format('reopen(%s, ''again'')', :r)) AS and_not_while_it_is_pending;
SELECT status FROM hitl.reject(:r, 'no receipt');
:run;
SELECT hitl.wait(thread_id, '20 s'), hitl.get_state(thread_id) FROM rounds WHERE interrupt_id = :r;
SELECT count(*) AS paid FROM paid;
SELECT interrupt_id, event, detail FROM hitl.timeline WHERE interrupt_id IN (:q, :r) ORDER BY audit_id;
SELECT kind, text FROM hitl.comment WHERE interrupt_id = :r;

-- 2. A run has acted on it: the new round is a review.  Its decision is on record, and nothing of the thread moves.
SELECT reopen_ask() AS q \gset
SELECT status FROM hitl.approve(:q);
:run;
SELECT hitl.wait(thread_id, '20 s') FROM rounds WHERE interrupt_id = :q;
SELECT hitl.reopen(:q, 'it was the wrong account') AS r \gset
SELECT reopen_says('reopen_eve', format('approve(%s)', :r)), reopen_says('reopen_eve', format('reopen(%s, ''me too'')', :q));
SELECT reopens = :q AS reopens, is_review, status FROM rounds WHERE interrupt_id = :r;
SELECT p.interrupt_id = :r AS is_pending FROM hitl.pending p WHERE interrupt_id = :r;
SELECT status FROM hitl.reject(:r, 'pay it back');
SELECT reopen_says(session_user, format('reopen(%s, ''again'')', :q)) LIKE 'IH001 %was reopened already | Interrupt % is the next round.' AS reopened_once;
SELECT hitl.reopen(:r, 'the other side') AS s \gset
SELECT status FROM hitl.approve(:s);
SELECT reopens IS NOT NULL AS again, is_review, status, type FROM rounds WHERE thread_id = (SELECT thread_id FROM rounds WHERE interrupt_id = :q) ORDER BY interrupt_id;
SELECT status, (SELECT count(*) FROM paid) AS paid, (SELECT count(*) FROM hitl.run_queue q WHERE q.thread_id = t.thread_id) AS queued FROM hitl.threads t WHERE thread_id = (SELECT thread_id FROM rounds WHERE interrupt_id = :q);

-- 3. A run that has failed has left nothing: its task waits for the new decision.
UPDATE account SET is_open = false;
SELECT reopen_ask('{"fails": true}') AS q \gset
SELECT status FROM hitl.approve(:q);
:run;
SELECT hitl.wait(thread_id, '20 s') FROM rounds WHERE interrupt_id = :q;
SELECT hitl.reopen(:q, 'the account is closed') AS r \gset
SELECT is_review, r.status, t.status AS thread FROM rounds r JOIN hitl.threads t USING (thread_id) WHERE interrupt_id IN (:q, :r) ORDER BY interrupt_id;
SELECT * FROM hitl.check();
UPDATE account SET is_open = true;
SELECT status FROM hitl.edit(:r, '{"amount": 1}');
:run;
SELECT hitl.wait(thread_id, '20 s'), hitl.get_state(thread_id)->'heard' AS heard FROM rounds WHERE interrupt_id = :r;
SELECT * FROM paid ORDER BY amount;
-- A thread that was cancelled acts on nothing any more.
SELECT reopen_ask() AS q \gset
BEGIN;
SELECT status FROM hitl.approve(:q);
SELECT hitl.cancel(thread_id) FROM rounds WHERE interrupt_id = :q;
COMMIT;
SELECT hitl.reopen(:q, 'for the record') AS r \gset
SELECT is_review, status FROM rounds WHERE interrupt_id IN (:q, :r) ORDER BY interrupt_id;
-- The threads that wait for a decision do not wait for a review, and to cancel one is not to end that.
SELECT count(*) FROM hitl.reject(:r);
SELECT reopen_ask() AS q \gset
SELECT hitl.cancel(thread_id) FROM rounds WHERE interrupt_id = :q;
SELECT reopen_says(session_user, format('reopen(%s, ''?'')', :q)) AS it_was_never_decided;
SELECT reopen_says(session_user, 'reopen(0, ''?'')') AS unknown, reopen_says(session_user, 'reopen(NULL, ''?'')') AS null_id, reopen_says(session_user, format('reopen(%s, NULL)', :q)) AS null_reason;

-- 4. Under a policy a question is reopened under its latest version, and who decided before does not decide again.
SELECT hitl.create_policy('reopen', '{"groups": ["reopen_desk"]}');
SELECT reopen_ask('{"policy": "reopen"}') AS q \gset
SELECT reopen_says('reopen_ann', format('approve(%s)', :q));
:run;
SELECT hitl.wait(thread_id, '20 s') FROM rounds WHERE interrupt_id = :q;
SELECT hitl.create_policy('reopen', '{"groups": ["reopen_desk"], "reason_required": ["reject"]}');
SELECT reopen_says('reopen_ann', format('reopen(%s, ''I was wrong'')', :q)) AS r \gset
SELECT policy_version FROM hitl.interrupt WHERE interrupt_id IN (:q, :r) ORDER BY interrupt_id;
SET SESSION AUTHORIZATION reopen_ann;
SELECT count(*) AS for_ann FROM hitl.inbox WHERE interrupt_id = :r;
SET SESSION AUTHORIZATION reopen_bob;
SELECT count(*) AS for_bob FROM hitl.inbox WHERE interrupt_id = :r;
RESET SESSION AUTHORIZATION;
SELECT substring(hitl.render(:r) FROM 'Interrupt \d+ (was [^\n]*)') AS told, substring(hitl.render(:r) FROM 'Reopens    interrupt (\d+)')::bigint = :q AS of_which;
SELECT reopen_says('reopen_ann', format('reject(%s, ''pay it back'')', :r));
SELECT reopen_says('reopen_bob', format('reject(%s, ''pay it back'')', :r));
-- Of several none, nor who is there in the place of one.
SELECT hitl.create_policy('reopen two', '{"groups": ["reopen_desk"], "quorum": 2}');
SELECT reopen_ask('{"policy": "reopen two"}') AS q \gset
SELECT reopen_says('reopen_ann', format('approve(%s)', :q)), reopen_says('reopen_bob', format('approve(%s)', :q));
:run;
SELECT hitl.wait(thread_id, '20 s') FROM rounds WHERE interrupt_id = :q;
SELECT reopen_says('reopen_bob', format('reopen(%s, ''we were wrong'')', :q)) AS r \gset
SELECT reopen_says('reopen_ann', 'out_of_office(''reopen_eve'')') IS NOT NULL AS away;
SELECT reopen_says(person, format('reject(%s, ''pay it back'')', :r)) FROM unnest('{reopen_ann,reopen_eve}'::name[]) person;
SELECT reopen_says('reopen_ann', 'back()') AS back;
-- Nor does the one in whose place it was decided, nor either of them by another name.
SELECT reopen_ask('{"policy": "reopen"}') AS q \gset
SET SESSION AUTHORIZATION reopen_ann;
SELECT hitl.delegate(:q, 'reopen_eve');
RESET SESSION AUTHORIZATION;
SELECT reopen_says('reopen_eve', format('approve(%s)', :q)) AS in_her_place;
:run;
SELECT hitl.wait(thread_id, '20 s') FROM rounds WHERE interrupt_id = :q;
SELECT hitl.reopen(:q, 'once more') AS r \gset
SET SESSION AUTHORIZATION reopen_ann;
SELECT count(*) AS for_ann FROM hitl.inbox WHERE interrupt_id = :r;
RESET SESSION AUTHORIZATION;
SELECT regexp_replace(reopen_says('reopen_ann', format('approve(%s)', :r)), 'interrupt \d+', 'interrupt <id>') AS whose_place_it_was;
ALTER ROLE reopen_ann RENAME TO reopen_anna;
SELECT regexp_replace(reopen_says('reopen_anna', format('approve(%s)', :r)), 'interrupt \d+', 'interrupt <id>') AS by_another_name;
ALTER ROLE reopen_anna RENAME TO reopen_ann;
SELECT reopen_says('reopen_bob', format('approve(%s)', :r)) AS somebody_else;
:run;

-- 5. A guard is asked in the run that is to act on the decision, as the graph's owner; false or NULL, and the question is put to people again.
CREATE FUNCTION reopen_guards(question jsonb, decision jsonb) RETURNS boolean LANGUAGE sql AS $$ SELECT is_open AND question->>'action' = 'pay' AND decision->>'type' = 'approve' FROM public.account $$;
SELECT hitl.create_policy('guarded', '{"guard": "public.reopen_guards(jsonb,jsonb)", "groups": ["reopen_desk"]}');
TRUNCATE paid;
SELECT reopen_ask('{"policy": "guarded"}') AS q \gset
UPDATE account SET is_open = false;
SELECT reopen_says('reopen_ann', format('approve(%s)', :q));
:run;
SELECT hitl.wait(thread_id, '20 s') FROM rounds WHERE interrupt_id = :q;
SELECT i.interrupt_id, supersedes, i.status, i.decision->>'type' AS type FROM hitl.interrupt i WHERE thread_id = (SELECT thread_id FROM rounds WHERE interrupt_id = :q) ORDER BY 1;
SELECT count(*) AS paid FROM paid;
SELECT max(interrupt_id) AS r FROM rounds \gset
UPDATE account SET is_open = true;
SELECT reopen_says('reopen_ann', format('approve(%s)', :r));
:run;
SELECT hitl.wait(thread_id, '20 s') FROM rounds WHERE interrupt_id = :q;
SELECT * FROM paid;
-- Nothing is done on a reject, so it needs no guard; and a guard that never agrees fails the node in the end.
UPDATE account SET is_open = NULL;
SELECT reopen_ask('{"policy": "guarded"}') AS q, reopen_ask('{"policy": "guarded"}') AS r \gset
SELECT reopen_says('reopen_ann', format('reject(%s)', :q));
:run;
SELECT hitl.wait(thread_id, '20 s'), hitl.get_state(thread_id)->'heard' AS heard FROM rounds WHERE interrupt_id = :q;
SELECT thread_id AS t FROM rounds WHERE interrupt_id = :r \gset
SELECT reopen_says('reopen_bob', format('approve(%s)', max(interrupt_id))) FROM rounds WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
SELECT reopen_says('reopen_bob', format('approve(%s)', max(interrupt_id))) FROM rounds WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
SELECT reopen_says('reopen_bob', format('approve(%s)', max(interrupt_id))) FROM rounds WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
SELECT reopen_says('reopen_bob', format('approve(%s)', max(interrupt_id))) FROM rounds WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
SELECT sqlstate, message, detail FROM hitl.failed WHERE thread_id = :t;
SELECT count(*) AS paid FROM paid;

-- At a gate the same: the node behind it does not run, and the edit that people agree on in the end is what it gets.
UPDATE account SET is_open = false;
TRUNCATE paid;
SELECT hitl.define('{"graph": "reopen gate", "nodes": {"pay": {"sql": "INSERT INTO public.paid VALUES (($1->>''amount'')::numeric) RETURNING ''{}''::jsonb", "gate": {"action": "pay", "policy": "guarded"}}}, "edges": [["START", "pay"], ["pay", "END"]]}');
SELECT hitl.invoke('reopen gate', '{"amount": 70}')->>'thread_id' AS t \gset
SELECT reopen_says('reopen_ann', format('approve(%s)', interrupt_id)) FROM hitl.pending WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
UPDATE account SET is_open = true;
SELECT reopen_says('reopen_ann', format('approve(%s)', interrupt_id)) FROM hitl.pending WHERE thread_id = :t;
:run;
SELECT hitl.wait(:t, '20 s');
SELECT status, supersedes IS NOT NULL AS supersedes FROM hitl.interrupt WHERE thread_id = :t ORDER BY interrupt_id;
SELECT * FROM paid;

-- 6. In a phase of a node in C the guard is asked before the node: if it does not agree, that is not called, keeps its phase and what it saved, and people are asked again.  What they have
-- decided, and no run has acted on, may be reopened; then the phase waits for that answer.
CREATE EXTENSION hitl_sample;
SELECT hitl.define('{"graph": "c_pay", "nodes": {"pay": "sample.pay(jsonb)"}, "edges": [["START", "pay"], ["pay", "END"]]}');
CREATE TABLE reopen_guard (agrees boolean);
INSERT INTO reopen_guard VALUES (false);
CREATE FUNCTION reopen_agrees(question jsonb, decision jsonb) RETURNS boolean LANGUAGE sql AS $$ SELECT agrees FROM public.reopen_guard $$;
SELECT hitl.create_policy('reopen guard', '{"guard": "public.reopen_agrees(jsonb,jsonb)", "starter_may_decide": true, "previous_decider_may_decide": true}');
SELECT hitl.create_rule('reopen guard', 'reopen guard', graph => 'c_pay') > 0 AS is_rule;
SELECT hitl.start('c_pay', '{"amount": 7000}') AS t \gset
SELECT hitl.wait(:t, '20 s');
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '20 s');
SELECT entry, amount FROM sample.ledger ORDER BY ctid;
SELECT k.status, k.phase, k.saved, k.phase_interrupt = (SELECT interrupt_id FROM hitl.pending p WHERE p.thread_id = :t) AS waits_for_it FROM hitl.task k WHERE thread_id = :t;
SELECT i.status, supersedes IS NOT NULL AS supersedes, decision->>'type' AS type FROM hitl.interrupt i WHERE thread_id = :t ORDER BY interrupt_id;
UPDATE reopen_guard SET agrees = true;
BEGIN;
SELECT interrupt_id AS i, d.status FROM hitl.pending p, hitl.approve(p.interrupt_id) d WHERE p.thread_id = :t \gset
SELECT hitl.reopen(:i, 'the amount is wrong') > :i AS is_reopened;
COMMIT;
SELECT k.phase_interrupt = (SELECT interrupt_id FROM hitl.pending p WHERE p.thread_id = :t) AS waits_for_it FROM hitl.task k WHERE thread_id = :t;
SELECT status FROM hitl.pending p, hitl.edit(p.interrupt_id, '{"amount": 6500}') WHERE p.thread_id = :t;
SELECT hitl.wait(:t, '20 s'), hitl.get_state(:t)->'status' AS state;
SELECT entry, amount FROM sample.ledger ORDER BY ctid;
SELECT i.status, is_review, decision->>'type' AS type FROM hitl.interrupt i WHERE thread_id = :t ORDER BY interrupt_id;
-- It has paid: now a new round is a review.
SELECT hitl.reopen(max(interrupt_id), 'paid twice?') AS r FROM hitl.interrupt WHERE thread_id = :t \gset
SELECT is_review FROM hitl.interrupt WHERE interrupt_id = :r;
SELECT status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT entry, amount FROM sample.ledger ORDER BY ctid;
DROP TABLE reopen_guard;
DROP FUNCTION reopen_agrees;

-- 9. Who owns a graph reopens what he may decide, and not what a policy gives to groups: he wrote the policy too, and the new round is under its latest version.
SELECT current_user AS super \gset
CREATE ROLE reopen_mia LOGIN;
CREATE SCHEMA reopen_mia AUTHORIZATION reopen_mia;
SELECT hitl.grant_author('reopen_mia');
\c - reopen_mia
CREATE FUNCTION reopen_mia.asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('heard', hitl.interrupt(state)->'type') $$;
SELECT hitl.define('{"graph": "reopen mia", "nodes": {"ask": "reopen_mia.asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.create_policy('reopen mia', '{"groups": ["reopen_desk"]}');
SELECT hitl.invoke('reopen mia', '{"action": "pay", "policy": "reopen mia"}')#>>'{interrupts,0,interrupt_id}' AS q,
  hitl.invoke('reopen mia', '{"action": "pay"}')#>>'{interrupts,0,interrupt_id}' AS own \gset
BEGIN;
SELECT status FROM hitl.approve(:own);
SELECT hitl.reopen(:own, 'his to decide') > :own AS reopened;
COMMIT;
\c - reopen_ann
SELECT status FROM hitl.reject(:q, 'no receipt');
\c - reopen_mia
SELECT hitl.create_policy('reopen mia', '{"starter_may_decide": true}');
SELECT hitl.reopen(:q, 'and approve it himself');
\c - :super
SET client_min_messages = warning;

SELECT * FROM hitl.check();
DROP OWNED BY reopen_desk, reopen_eve, reopen_mia CASCADE;
DROP VIEW rounds;
DROP EXTENSION hitl CASCADE;
CREATE EXTENSION hitl;
DROP FUNCTION reopen_pays, reopen_ask, reopen_says, reopen_guards;
DROP TABLE paid, account;
DROP ROLE reopen_ann, reopen_bob, reopen_eve, reopen_mia, reopen_desk;
