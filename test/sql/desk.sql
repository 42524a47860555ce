-- The desk: who holds a question, and what becomes of it in the hands of several reviewers.
-- Proves: a claim keeps others from claiming, is renewed, lapses, is released and assigned; claim_next gives each another one, by priority and age; what is
-- snoozed or dismissed is out of my inbox and of nobody else's; comments; none of it is an answer, and all of it is in the timeline.
SET client_min_messages = warning;
CREATE ROLE desk_owner LOGIN;
CREATE ROLE desk_ann LOGIN IN ROLE desk_owner;
CREATE ROLE desk_bob LOGIN IN ROLE desk_owner;
CREATE ROLE desk_eve LOGIN;
GRANT USAGE ON SCHEMA hitl TO desk_eve;
SELECT hitl.grant_author('desk_owner');
CREATE SCHEMA desk AUTHORIZATION desk_owner;
GRANT USAGE ON SCHEMA desk TO PUBLIC;

\c - desk_owner
SET search_path = desk;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state)); END $$;
CREATE FUNCTION refused(statement text, OUT code text, OUT message text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  message := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
  message := regexp_replace(message, '\d+', '<id>');
END $$;
-- The question with this number, while it is pending.
CREATE FUNCTION q(n integer) RETURNS bigint LANGUAGE sql AS $$ SELECT interrupt_id FROM hitl.pending WHERE graph = 'desk' AND args->>'n' = n::text $$;
-- An inbox as it is read: in its own order.
CREATE FUNCTION inbox() RETURNS TABLE (n text, held_by text, is_assigned boolean) LANGUAGE sql AS $$ SELECT args->>'n', claimed_by, claimed_until = 'infinity' FROM hitl.inbox WHERE graph = 'desk' $$;
SELECT hitl.define('{"graph": "desk", "nodes": {"ask": "desk.asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT count(hitl.invoke('desk', jsonb_build_object('n', n))) FROM generate_series(1, 5) n;

-- 1. The oldest comes first, and a LIMIT reads no more than it says.
\c - desk_ann
SET search_path = desk;
SELECT * FROM inbox();
SELECT args->>'n' AS n FROM hitl.inbox LIMIT 2;

-- 2. A claim: for a while, for me. Again, for longer. Nobody else gets it; a stranger does not even get to ask.
SELECT hitl.claim(q(1)) - now() BETWEEN '14 min' AND '16 min' AS by_default, hitl.claim(q(1), '2 h') - now() > '100 min' AS longer;
SET hitl.claim_lease = '30 s';
SELECT hitl.claim(q(3)) - now() < '1 min' AS as_set;
\c - desk_bob
SET search_path = desk;
SELECT * FROM inbox();
SELECT * FROM refused('SELECT hitl.claim(q(1))');
-- A claim is a sign: the vote of somebody else still counts.
SELECT status FROM hitl.approve(q(3));
SELECT q(2) AS two \gset
\c - desk_eve
SET search_path = desk;
SELECT count(*) FROM hitl.inbox;
SELECT code FROM refused(format('SELECT hitl.claim(%s)', :two));
SELECT hitl.claim_next() IS NULL AS nothing_for_me;

-- 3. claim_next: each gets another one, in order; then there is none.
\c - desk_bob
SET search_path = desk;
SELECT (hitl.claim_next() = q(2)) AS two, (hitl.claim_next('desk') = q(4)) AS four;
\c - desk_ann
SET search_path = desk;
SELECT hitl.claim_next(role => 'desk_owner') = q(5) AS five, hitl.claim_next() IS NULL AS none_left;
SELECT * FROM inbox();

-- 4. Back to the others: by who holds it, or by the graph's owner. It is mine no more, so there is nothing to release.
SELECT hitl.release(q(1)), hitl.release(q(5), 'not my field');
SELECT hitl.release(q(1));
\c - desk_owner
SET search_path = desk;
SELECT hitl.release(q(2));

-- 5. Assigned: for somebody else, until it is released; who may not decide it is not asked.
\c - desk_bob
SET search_path = desk;
SELECT hitl.assign(q(1), 'desk_ann', 'you know the customer');
SELECT * FROM refused($$SELECT hitl.assign(q(1), 'desk_eve')$$);
SELECT * FROM refused('SELECT hitl.claim(q(1))');
\c - desk_ann
SET search_path = desk;
SELECT * FROM inbox();
SELECT hitl.claim(q(1)) AS stays_assigned;

-- 6. Out of my inbox for a while, or for good; not of the others'.
SELECT hitl.snooze(q(1), 'infinity'), hitl.dismiss(q(2), 'I cannot judge that'), hitl.snooze(q(4), 'infinity'), hitl.snooze(q(4), NULL);
SELECT * FROM inbox();
SELECT hitl.claim_next() = q(5) AS not_what_i_dismissed;
\c - desk_bob
SET search_path = desk;
SELECT * FROM inbox();
\c - desk_ann
SET search_path = desk;
-- To claim it is to want it back.
SELECT hitl.claim(q(2)) IS NOT NULL AS claimed;
SELECT * FROM inbox();
-- To dismiss what I hold gives it back.
SELECT hitl.dismiss(q(2));
SELECT claimed_by FROM hitl.inbox WHERE interrupt_id = q(2);

-- All that is to be known of it, and that I looked.
SELECT hitl.show(q(5)) - '{interrupt_id,opened_at,claimed_until,thread,content_hash,step,comments}'::text[] AS shown, (hitl.show(q(5))->'thread') - '{thread_id,root_id}'::text[] AS thread;
SELECT hitl.show(q(5))->>'content_hash' AS seen \gset
SELECT hitl.show(q(5)) IS NULL AS again;
SELECT q(5) AS five \gset
SELECT count(*) AS looked FROM hitl.timeline WHERE interrupt_id = :five AND event = 'viewed';
BEGIN READ ONLY;
SELECT hitl.show(:five)->>'content_hash' = :'seen' AS on_a_standby_too;
COMMIT;
\c - desk_eve
SELECT code FROM desk.refused('SELECT hitl.show(' || :five || ')');
\c - desk_ann
SET search_path = desk;

-- 7. A word to the others, also when it is settled.
SELECT hitl.comment(q(2), 'ask the customer first') IS NOT NULL AS said;
SELECT q(2) AS two \gset
SELECT status FROM hitl.reject(:two, 'no receipt');
SELECT hitl.comment(:two, 'there was none') IS NOT NULL AS said;
SELECT e->>'kind' AS kind, e->>'person' AS person, e->>'text' AS text FROM jsonb_array_elements(hitl.show(:two)->'comments') e;
\c - postgres
SELECT kind, person, text FROM hitl.comment WHERE person LIKE 'desk\_%' ORDER BY comment_id;

-- 8. What was done is in the timeline, and what I decided among my decisions; another session's claim has changed no answer.
SELECT event, actor, detail - 'until' - 'comment_id' AS detail FROM hitl.timeline t WHERE interrupt_id = :two AND event <> 'opened';
SET SESSION AUTHORIZATION desk_ann;
SELECT graph, action, type, status, decision, settled_by FROM hitl.my_decisions;
SET SESSION AUTHORIZATION desk_eve;
SELECT count(*) FROM hitl.my_decisions;
RESET SESSION AUTHORIZATION;
-- 9. What its policy keeps from me I cannot hold, so that it is there for the others: neither what I started, nor what I gave more input.
SELECT hitl.create_policy('desk duties', '{}') AS version;
\c - desk_owner
SET search_path = desk;
CREATE FUNCTION asks_others(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state->'n', 'policy', 'desk duties')); END $$;
SELECT hitl.define('{"graph": "duties", "nodes": {"ask": "desk.asks_others"}, "edges": [["START", "ask"], ["ask", "END"]]}');
\c - desk_bob
SET search_path = desk;
SELECT hitl.start('duties', '{"n": 1}', key => 'bobs') AS t \gset
SELECT hitl.wait(:t, '20 s');
SELECT interrupt_id AS q FROM hitl.pending WHERE thread_id = :t \gset
SELECT * FROM refused(format('SELECT hitl.claim(%s)', :q));
SELECT hitl.claim_next('duties') IS NULL AS nothing_for_bob;
\c - desk_ann
SET search_path = desk;
SELECT * FROM refused(format('SELECT hitl.assign(%s, %L)', :q, 'desk_bob'));
SELECT hitl.claim_next('duties') = :q AS for_ann;
SELECT status FROM hitl.approve(:q);
SELECT hitl.wait(:t, '20 s');
SELECT hitl.start('duties', '{"n": 2}', key => 'bobs', if_busy => 'enqueue') = :t AS more_input;
SELECT hitl.wait(:t, '20 s');
SELECT hitl.claim_next('duties') IS NULL AS nothing_for_ann;

-- 10. Who may decide it no more holds nothing, however it was lost: a grant, a membership, the role. Others claim it, where the policy wants a claim too, and the steps for
-- what nobody has claimed go on. Who decides in somebody's place holds it as long as that lasts.
\c - postgres
CREATE ROLE desk_carl LOGIN;
CREATE ROLE desk_dora LOGIN IN ROLE desk_owner;
CREATE ROLE desk_emil LOGIN IN ROLE desk_owner;
CREATE ROLE desk_gil LOGIN;
GRANT USAGE ON SCHEMA hitl TO desk_gil;
SELECT hitl.create_policy('desk held', '{"claim_required": true, "starter_may_decide": true, "ladder": [{"after": "10 minutes", "if": "not_claimed", "do": "priority", "priority": -1}]}') AS version;
\c - desk_owner
SET search_path = desk;
CREATE FUNCTION asks_holder(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state, 'policy', 'desk held')); END $$;
CREATE FUNCTION h(n integer) RETURNS bigint LANGUAGE sql AS $$ SELECT interrupt_id FROM hitl.pending WHERE graph = 'held' AND args->>'n' = n::text $$;
SELECT hitl.define('{"graph": "held", "nodes": {"ask": "desk.asks_holder"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT hitl.grant_reviewer('desk_carl', 'held');
SELECT count(hitl.invoke('held', jsonb_build_object('n', n))) FROM generate_series(1, 6) n;
SELECT h(1) AS h1, h(2) AS h2, h(3) AS h3, h(4) AS h4, h(5) AS h5, h(6) AS h6 \gset
SELECT hitl.assign(:h1, 'desk_carl'), hitl.assign(:h2, 'desk_dora'), hitl.assign(:h3, 'desk_emil'), hitl.assign(:h4, 'desk_bob');
\c - desk_ann
SELECT hitl.delegate(:h5, 'desk_gil'), hitl.delegate(:h6, 'desk_gil');
\c - desk_gil
SELECT hitl.claim(:h5, '8 h') IS NOT NULL AND hitl.claim(:h6, '8 h') IS NOT NULL AS claimed;
\c - postgres
SET hitl.clock_offset = '11 min';
SELECT hitl.tick() AS all_are_held;
RESET hitl.clock_offset;
\c - desk_bob
SELECT hitl.claim_next('held') IS NULL AS nothing_is_free;
SELECT r.code, r.message FROM unnest(ARRAY[:h1, :h5]) i, desk.refused(format('SELECT hitl.claim(%s)', i)) r;
\c - desk_owner
SELECT hitl.revoke_reviewer('desk_carl', 'held');
\c - postgres
REVOKE desk_owner FROM desk_dora;
DROP ROLE desk_emil;
-- what was lent comes from somebody who may decide it
BEGIN;
REVOKE desk_owner FROM desk_ann;
SET SESSION AUTHORIZATION desk_bob;
SELECT hitl.claim_next('held') IN (:h1, :h2, :h3) AS of_three, hitl.claim(:h5) IS NOT NULL AS the_lent_one_too, hitl.claim(:h6) IS NOT NULL AS and_the_other;
ROLLBACK;
-- its waits are looked at again
SET hitl.clock_offset = '27 min';
SELECT hitl.tick() AS three_are_free;
SELECT a.interrupt_id - :h1 + 1 AS n FROM hitl.audience a WHERE a.role = 'desk_owner'::regrole AND a.interrupt_id BETWEEN :h1 AND :h6 AND a.priority = -1 ORDER BY 1;
RESET hitl.clock_offset;
\c - desk_bob
SELECT hitl.show(:h2)->'claimed_by' AS held_by_nobody, hitl.show(:h4)->>'claimed_by' AS held_by;
SELECT hitl.claim_next('held') IN (:h1, :h2, :h3) AS one, hitl.claim_next('held') IN (:h1, :h2, :h3) AS two, hitl.claim_next('held') IN (:h1, :h2, :h3) AS three, hitl.claim_next('held') IS NULL AS no_more;
SELECT (hitl.approve(i)).status FROM unnest(ARRAY[:h1, :h2, :h3, :h4]) i;
-- What somebody held who is gone is given back by whoever may decide it.
\c - desk_owner
SELECT hitl.assign(:h6, 'desk_bob');
\c - postgres
REVOKE desk_owner FROM desk_bob;
\c - desk_ann
SELECT hitl.release(:h6) AS was_held, hitl.release(:h6) AS again;

-- 11. Nobody holds a question for longer than hitl.max_claim_lease, or than its policy lends it; neither by a setting of one's own.
SELECT hitl.create_policy('desk days', '{"claim_for": "3 days", "starter_may_decide": true}') AS version;
\c - desk_owner
SET search_path = desk;
CREATE FUNCTION asks_days(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state, 'policy', 'desk days')); END $$;
SELECT hitl.define('{"graph": "days", "nodes": {"ask": "desk.asks_days"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT (hitl.invoke('days')->>'thread_id')::bigint AS t, (hitl.invoke('desk', '{"n": 11}')->>'thread_id')::bigint AS u \gset
SELECT interrupt_id AS d FROM hitl.pending WHERE thread_id = :t \gset
SELECT interrupt_id AS p FROM hitl.pending WHERE thread_id = :u \gset
SELECT hitl.claim(:p, '100 years');
SELECT code FROM desk.refused(format('SELECT hitl.claim(%s, ''170000000 years'')', :p));
SELECT code FROM desk.refused('SELECT hitl.claim_next(''desk'', lease => ''25 hours'')');
SELECT code FROM desk.refused(format('SELECT hitl.claim(%s, ''73 hours'')', :d));
SELECT hitl.claim(:p, '1 day') > now() + '23 hours' AS a_day, hitl.claim(:d, '72 hours') > now() + '71 hours' AS as_its_policy, hitl.claim(:d) > now() + '71 hours' AS by_default;
SET hitl.claim_lease = '20 d';
SELECT hitl.claim(:p) BETWEEN now() + '23 hours' AND now() + '25 hours' AS a_day;
SELECT code FROM desk.refused('SET hitl.max_claim_lease = 0');
SELECT hitl.release(:p), hitl.grant_reviewer('desk_carl', 'desk');
\c - postgres
-- Nor by an assignment to oneself, which has no end; who looks after the graph may.
SET SESSION AUTHORIZATION desk_carl;
SELECT code, message FROM desk.refused(format('SELECT hitl.assign(%s, ''desk_carl'')', :p));
RESET SESSION AUTHORIZATION;
SET hitl.max_claim_lease = '1 min';
SELECT code FROM desk.refused(format('SELECT hitl.claim(%s, ''61 s'')', :p));
SELECT hitl.claim(:p) < now() + '2 min' AS a_minute;
SET hitl.max_claim_lease = 0;
SELECT hitl.claim(:p, '100 years') > now() + '99 years' AS no_limit;
RESET hitl.max_claim_lease;
SELECT * FROM hitl.check();
