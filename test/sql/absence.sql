-- In the place of somebody else: delegations of one question, and substitutes of who is out of office.
-- Proves: the delegate and the substitute see and decide with the right of the one in whose place they are, and with no more; both together are one vote; what was
-- lent is not lent on; a policy may refuse it; an absence begins, ends and is taken back by the clock; nobody sends anybody else away.
SET client_min_messages = warning;
CREATE ROLE absence_author LOGIN;
CREATE ROLE absence_team;
CREATE ROLE absence_ann LOGIN IN ROLE absence_team;
CREATE ROLE absence_bob LOGIN IN ROLE absence_team;
CREATE ROLE absence_sub LOGIN;
CREATE ROLE absence_other LOGIN;
GRANT USAGE ON SCHEMA hitl TO absence_team, absence_sub, absence_other;
SELECT hitl.grant_author('absence_author');
CREATE SCHEMA absence AUTHORIZATION absence_author;
GRANT USAGE ON SCHEMA absence TO PUBLIC;

\c - absence_author
SET search_path = absence;
CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN jsonb_build_object('decision', hitl.interrupt(jsonb_build_object('action', 'pay', 'args', state, 'policy', state->'policy'))); END $$;
CREATE FUNCTION refused(statement text, OUT code text, OUT detail text) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  detail := 'it is not refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, detail = PG_EXCEPTION_DETAIL;
END $$;
CREATE FUNCTION lends(id bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT status FROM hitl.approve(id) $$;
CREATE FUNCTION inbox() RETURNS TABLE (n text, in_place_of text) LANGUAGE sql AS $$ SELECT args->>'n', i.in_place_of FROM hitl.inbox i $$;
SELECT hitl.create_policy('absence two', '{"quorum": 2, "groups": ["absence_team"]}');
SELECT hitl.create_policy('absence in person', '{"groups": ["absence_team"], "may_delegate": false}');
SELECT hitl.define('{"graph": "absence", "nodes": {"ask": "absence.asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
SELECT count(hitl.invoke('absence', jsonb_build_object('n', n, 'policy', CASE WHEN n = 3 THEN 'absence in person' ELSE 'absence two' END))) FROM generate_series(1, 4) n;
SELECT min(interrupt_id) AS q1, min(interrupt_id) + 1 AS q2, min(interrupt_id) + 2 AS q3, min(interrupt_id) + 3 AS q4 FROM hitl.pending WHERE graph = 'absence' \gset

-- 1. Ann lets somebody decide one question in her place.
\c - absence_sub
SELECT * FROM absence.inbox();
SELECT code FROM absence.refused(format('SELECT hitl.approve(%s)', :q1));
\c - absence_ann
SELECT hitl.claim(:q1) IS NOT NULL AS held, hitl.delegate(:q1, 'absence_sub', 'she knows them');
SELECT * FROM absence.refused(format('SELECT hitl.delegate(%s, %L)', :q3, 'absence_sub'));
SELECT * FROM absence.refused(format('SELECT hitl.delegate(%s, %L)', :q1, 'absence_ann'));
\c - absence_sub
-- That question, in her place, and the claim is free. Not to be lent on.
SELECT * FROM absence.inbox();
SELECT claimed_by FROM hitl.inbox;
SELECT * FROM absence.refused(format('SELECT hitl.delegate(%s, %L)', :q1, 'absence_other'));
SELECT * FROM absence.refused(format('SELECT hitl.assign(%s, %L)', :q1, 'absence_other'));
-- Nor to a substitute.
SELECT hitl.out_of_office('absence_other') IS NOT NULL AS away;
\c - absence_other
SELECT * FROM absence.inbox();
SELECT code FROM absence.refused(format('SELECT hitl.approve(%s)', :q1));
\c - absence_sub
SELECT hitl.back();
SELECT votes, needed, status FROM hitl.approve(:q1);
SELECT * FROM absence.inbox();
SELECT graph, type, in_place_of, status FROM hitl.my_decisions;
\c - absence_ann
-- It was her vote: hers and the delegate's are one.
SELECT votes, needed, status FROM hitl.approve(:q1);
SELECT v->'voter' AS voter, v->'in_place_of' AS in_place_of FROM jsonb_array_elements(hitl.show(:q1)->'votes') v;
SELECT hitl.show(:q1)->'delegations' AS delegations, hitl.show(:q1)->'tally' AS tally;
\c - absence_bob
SELECT votes, needed, status FROM hitl.approve(:q1);

-- 2. Bob is out of office, and has named somebody: all that is his, while he is away.
SELECT * FROM absence.inbox();
SELECT hitl.out_of_office('absence_sub', until => now() + interval '14 days') IS NOT NULL AS away;
SELECT hitl.out_of_office('absence_other', since => now() + interval '20 days', until => now() + interval '30 days') IS NOT NULL AS and_again;
SELECT person, substitute, is_away FROM hitl.absences ORDER BY starts_at;
\c - absence_sub
SELECT person, substitute, is_away FROM hitl.absences;
-- Not what wants everybody in person. He himself may still decide; together they are one vote.
SELECT * FROM absence.inbox();
SELECT * FROM absence.refused(format('SELECT hitl.approve(%s)', :q3));
SELECT hitl.claim_next() = :q2 AS next;
-- In person: nobody's function votes in the place of who is away.
SELECT * FROM absence.refused(format('SELECT absence.lends(%s)', :q2));
SELECT votes, needed, status FROM hitl.approve(:q2);
\c - absence_bob
SELECT votes, needed, status FROM hitl.approve(:q2);
-- What he has started himself nobody decides in his place either.
\c - absence_author
SELECT hitl.grant_operator('absence_bob', 'absence');
\c - absence_bob
SELECT hitl.start('absence', '{"n": 5, "policy": "absence two"}') AS t \gset
SELECT hitl.wait(:t, '20 s');
\c - absence_author
SELECT interrupt_id AS q5 FROM hitl.pending WHERE thread_id = :t \gset
\c - absence_sub
SELECT count(*) FROM absence.inbox() WHERE n = '5';
SELECT * FROM absence.refused(format('SELECT hitl.approve(%s)', :q5));
\c - absence_author
SELECT hitl.cancel(:t);
\c - absence_other
SELECT count(*) FROM hitl.absences;
SELECT * FROM absence.inbox();

-- 3. By the clock: one absence is over, the next has begun.
\c - postgres
SET hitl.clock_offset = '25 d';
SET SESSION AUTHORIZATION absence_sub;
SELECT * FROM absence.inbox();
SELECT code FROM absence.refused(format('SELECT hitl.approve(%s)', :q4));
SET SESSION AUTHORIZATION absence_other;
SELECT * FROM absence.inbox();
SELECT person, is_away FROM hitl.absences;
RESET SESSION AUTHORIZATION;
RESET hitl.clock_offset;

-- 4. Back: what stands and what was to come is over.
\c - absence_bob
SELECT hitl.back();
SELECT hitl.back();
SELECT count(*) AS standing FROM hitl.absences WHERE revoked_at IS NULL;
\c - absence_sub
SELECT * FROM absence.inbox();

-- 5. Nobody sends anybody else away: not by a function of his own, nor by another role.
\c - postgres
CREATE FUNCTION absence.send_away() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$ SELECT hitl.out_of_office('absence_sub') $$;
ALTER FUNCTION absence.send_away() OWNER TO absence_sub;
\c - absence_ann
SELECT * FROM absence.refused('SELECT absence.send_away()');
SET ROLE absence_team;
SELECT * FROM absence.refused($$SELECT hitl.out_of_office('absence_sub')$$);
RESET ROLE;
-- A group is no substitute, nor is a question put into its hands.
SELECT * FROM absence.refused($$SELECT hitl.out_of_office('absence_team')$$);
SELECT * FROM absence.refused(format('SELECT hitl.assign(%s, %L)', :q4, 'absence_team'));
-- Who has lost the right lends none.
SELECT hitl.out_of_office('absence_sub') IS NOT NULL AS away;
\c - postgres
REVOKE absence_team FROM absence_ann;
SET SESSION AUTHORIZATION absence_sub;
SELECT * FROM absence.inbox();
SELECT code FROM absence.refused(format('SELECT hitl.approve(%s)', :q4));
RESET SESSION AUTHORIZATION;
-- Nor does who is gone.
DROP ROLE absence_ann;
SET SESSION AUTHORIZATION absence_sub;
SELECT * FROM absence.inbox();
SELECT code FROM absence.refused(format('SELECT hitl.approve(%s)', :q4));
RESET SESSION AUTHORIZATION;

-- 6. Who gets the name of a role that is gone does not get its place.
CREATE ROLE absence_gone LOGIN;
GRANT USAGE ON SCHEMA hitl TO absence_gone;
\c - absence_bob
SELECT hitl.out_of_office('absence_gone') IS NOT NULL AS away;
\c - absence_gone
SELECT * FROM absence.inbox();
\c - postgres
DROP OWNED BY absence_gone;
DROP ROLE absence_gone;
CREATE ROLE absence_gone LOGIN;
GRANT USAGE ON SCHEMA hitl TO absence_gone;
\c - absence_gone
SELECT * FROM absence.inbox();
SELECT code FROM absence.refused(format('SELECT hitl.approve(%s)', :q4));
\c - absence_bob
SELECT hitl.back();
\c - postgres
DROP OWNED BY absence_gone;
DROP ROLE absence_gone;

SELECT event, actor, detail - 'absence_id' - 'starts_at' - 'ends_at' AS detail FROM hitl.audit WHERE event IN ('absent', 'back') AND actor LIKE 'absence%' ORDER BY audit_id;
SELECT * FROM hitl.check();
