-- Quorums: how many have to agree, of whom.
-- Proves: n of a group, all of it, so many of each of several groups, weights; a veto and none; what is missing is told; a vote counts for the groups that its voter was in when he
-- voted; a role that is dropped leaves a question that cannot be passed by others in its place.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS hitl CASCADE;
CREATE EXTENSION hitl;
CREATE ROLE quorum_finance;
CREATE ROLE quorum_legal;
CREATE ROLE quorum_fay LOGIN IN ROLE quorum_finance;
CREATE ROLE quorum_fred LOGIN IN ROLE quorum_finance;
CREATE ROLE quorum_lea LOGIN IN ROLE quorum_legal;
CREATE ROLE quorum_leo LOGIN IN ROLE quorum_legal;
CREATE ROLE quorum_both LOGIN IN ROLE quorum_finance, quorum_legal;
GRANT USAGE ON SCHEMA hitl TO quorum_finance, quorum_legal;

CREATE FUNCTION quorum_asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT hitl.interrupt(jsonb_build_object('action', 'pay', 'args', '{"amount": 5000}'::jsonb, 'policy', state->'policy')) $$;
SELECT hitl.define('{"graph": "quorum", "nodes": {"ask": "quorum_asks"}, "edges": [["START", "ask"], ["ask", "END"]]}');
CREATE FUNCTION quorum_ask(policy text) RETURNS bigint LANGUAGE sql AS $$
  SELECT (hitl.invoke('quorum', jsonb_build_object('policy', policy))#>'{interrupts,0,interrupt_id}')::bigint $$;
CREATE FUNCTION quorum_says(person name, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text; code text; message text; detail text;
BEGIN
  EXECUTE format('SET SESSION AUTHORIZATION %I', person);
  EXECUTE 'SELECT format(''%s %s/%s'', status, votes, needed) FROM hitl.' || call INTO result;
  RESET SESSION AUTHORIZATION;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  RETURN format('%s %s | %s', code, message, regexp_replace(detail, '\d+-\d+-\d+ \d+:\d+:[\d.]+([+-]\d+(:\d+)?)?', '<time>'));
END $$;
-- One after the other they say the same.
CREATE FUNCTION quorum_all_say(id bigint, verb text, VARIADIC persons text[]) RETURNS TABLE (person text, verdict text) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH person IN ARRAY persons LOOP
    verdict := quorum_says(('quorum_' || person)::name, format('%s(%s)', verb, id));
    RETURN NEXT;
  END LOOP;
END $$;

-- 1. One of finance and two of legal: whoever is in both counts for one of them, for that where it helps.
SELECT hitl.create_policy('quorum groups', '{"quorum": {"quorum_finance": 1, "quorum_legal": 2}}');
SELECT quorum_ask('quorum groups') AS q \gset
SELECT * FROM quorum_all_say(:q, 'approve', 'fay', 'fred', 'lea', 'leo');
SELECT decision->'by' AS by, decision->'voters' AS voters FROM hitl.interrupt WHERE interrupt_id = :q;
SELECT quorum_ask('quorum groups') AS q \gset
SELECT * FROM quorum_all_say(:q, 'approve', 'both', 'lea', 'leo');
SELECT quorum_ask('quorum groups') AS q \gset
SELECT * FROM quorum_all_say(:q, 'approve', 'lea', 'both', 'fred');

-- 2. All of a group, as it is now; whoever joins it has to agree too.
SELECT hitl.create_policy('quorum all', '{"groups": ["quorum_legal"], "quorum": "all"}');
SELECT hitl.create_policy('quorum all of one', '{"quorum": {"quorum_legal": "all", "quorum_finance": 1}}');
SELECT quorum_ask('quorum all') AS q \gset
SELECT * FROM quorum_all_say(:q, 'approve', 'lea', 'leo');
CREATE ROLE quorum_new LOGIN IN ROLE quorum_legal;
SELECT * FROM quorum_all_say(:q, 'approve', 'both');
SELECT * FROM quorum_all_say(:q, 'approve', 'new');
DROP ROLE quorum_new;
SELECT quorum_ask('quorum all of one') AS q \gset
SELECT * FROM quorum_all_say(:q, 'approve', 'lea', 'leo', 'both', 'fay');

-- 3. Weights.
SELECT hitl.create_policy('quorum weights', '{"quorum": {"weights": {"quorum_finance": 2, "quorum_legal": 1}, "needed": 3}}');
SELECT quorum_ask('quorum weights') AS q \gset
SELECT * FROM quorum_all_say(:q, 'approve', 'lea', 'leo', 'fay');
SELECT quorum_ask('quorum weights') AS q \gset
SELECT * FROM quorum_all_say(:q, 'approve', 'fay', 'both');

-- 4. A veto is of everybody, of nobody, or of a group.
SELECT hitl.create_policy('quorum no veto', '{"groups": ["quorum_finance", "quorum_legal"], "quorum": 2, "veto": false}');
SELECT hitl.create_policy('quorum veto of legal', '{"groups": ["quorum_finance", "quorum_legal"], "quorum": 2, "veto": ["quorum_legal"]}');
SELECT quorum_ask('quorum groups') AS q \gset
SELECT * FROM quorum_all_say(:q, 'reject', 'fay');
SELECT quorum_ask('quorum no veto') AS q \gset
SELECT * FROM quorum_all_say(:q, 'reject', 'lea', 'fay');
SELECT decision - 'at' FROM hitl.interrupt WHERE interrupt_id = :q;
SELECT quorum_ask('quorum veto of legal') AS q \gset
SELECT * FROM quorum_all_say(:q, 'reject', 'fay', 'leo');

-- 5. A vote counts for the groups that its voter was in when he voted: who leaves later has said what he said, who joins later says it again.
SELECT quorum_ask('quorum groups') AS q \gset
SELECT * FROM quorum_all_say(:q, 'approve', 'fay');
REVOKE quorum_finance FROM quorum_fay;
GRANT quorum_legal TO quorum_fay;
SELECT * FROM quorum_all_say(:q, 'approve', 'lea');
SELECT * FROM quorum_all_say(:q, 'approve', 'fay');
SELECT voter, groups FROM hitl.vote WHERE interrupt_id = :q ORDER BY vote_id;
SELECT * FROM quorum_all_say(:q, 'approve', 'fred');
SELECT status FROM hitl.interrupt WHERE interrupt_id = :q;
REVOKE quorum_legal FROM quorum_fay;
GRANT quorum_finance TO quorum_fay;

-- 6. A group that is gone: nobody can speak for it, and what needs it waits until somebody sees to it.
CREATE ROLE quorum_board;
CREATE ROLE quorum_bea LOGIN IN ROLE quorum_board;
GRANT USAGE ON SCHEMA hitl TO quorum_board;
SELECT hitl.create_policy('quorum board', '{"quorum": {"quorum_finance": 1, "quorum_board": 1}}');
SELECT quorum_ask('quorum board') AS q, quorum_ask('quorum board') AS r \gset
SELECT * FROM quorum_all_say(:r, 'approve', 'bea');
DROP OWNED BY quorum_board;
DROP ROLE quorum_board;
SELECT * FROM quorum_all_say(:q, 'approve', 'fay', 'fred', 'both', 'bea');
-- What was said for it before stands.
SELECT * FROM quorum_all_say(:r, 'approve', 'fay');
-- Who gets its name is another group: it decides nothing, and no question is put to it, until somebody writes the policy for it.
SELECT replace(explanation, :q::text, '<id>') AS explanation, next FROM hitl.why((SELECT thread_id FROM hitl.interrupt WHERE interrupt_id = :q));
SELECT invariant, replace(detail, :q::text, '<id>') AS detail FROM hitl.check();
CREATE ROLE quorum_board;
GRANT quorum_board TO quorum_bea;
GRANT USAGE ON SCHEMA hitl TO quorum_board;
SELECT * FROM quorum_all_say(:q, 'approve', 'bea');
SELECT d->'error'->>'message' AS message, d->'error'->>'detail' AS detail FROM hitl.invoke('quorum', '{"policy": "quorum board"}') d;
SELECT hitl.create_policy('quorum board', '{"quorum": {"quorum_finance": 1, "quorum_board": 1}}') AS version, hitl.create_policy('quorum board', '{"quorum": {"quorum_finance": 1, "quorum_board": 1}}') AS again;
SELECT quorum_ask('quorum board') AS r \gset
SELECT * FROM quorum_all_say(:r, 'approve', 'bea', 'fay');
SELECT * FROM quorum_all_say(:q, 'reject', 'fay');
-- A group that is renamed is the same group, for what was asked before and for what is asked later.
CREATE ROLE quorum_money;
SELECT hitl.create_policy('quorum money', '{"quorum": {"quorum_finance": 1, "quorum_money": "all"}}');
GRANT quorum_money TO quorum_lea;
SELECT quorum_ask('quorum money') AS q \gset
ALTER ROLE quorum_money RENAME TO quorum_cash;
SELECT quorum_ask('quorum money') AS r \gset
GRANT quorum_board TO quorum_leo;
ALTER ROLE quorum_board RENAME TO quorum_money;
SELECT * FROM quorum_all_say(:q, 'approve', 'leo', 'lea', 'fay');
SELECT * FROM quorum_all_say(:r, 'approve', 'leo', 'lea', 'fay');
SELECT * FROM quorum_all_say(:r, 'approve', 'leo', 'lea') AS settled_already;
-- Nobody of a group may decide, for all have left it or a ladder has put the question into other hands: why() says so.
SELECT hitl.create_policy('quorum left', '{"quorum": {"quorum_finance": 1, "quorum_cash": 1}, "ladder": [{"after": "1 hour", "do": "reassign", "role": "quorum_finance"}]}');
SELECT quorum_ask('quorum left') AS q \gset
SELECT thread_id AS t FROM hitl.interrupt WHERE interrupt_id = :q \gset
SELECT explanation LIKE '%Nobody of%' AS lea_is_there FROM hitl.why(:t);
REVOKE quorum_cash FROM quorum_lea;
SELECT explanation FROM hitl.why(:t);
GRANT quorum_cash TO quorum_lea;
SET hitl.clock_offset = '61 min';
SELECT hitl.tick();
SELECT substring(explanation FROM 'Nobody of[^.]*') AS who FROM hitl.why(:t);
RESET hitl.clock_offset;
SELECT hitl.cancel(:t);
DROP OWNED BY quorum_money, quorum_cash;
DROP ROLE quorum_bea, quorum_money, quorum_cash;

SELECT * FROM hitl.check();
DROP OWNED BY quorum_finance, quorum_legal;
DROP EXTENSION hitl CASCADE;
CREATE EXTENSION hitl;
DROP FUNCTION quorum_asks, quorum_ask, quorum_says, quorum_all_say;
DROP ROLE quorum_fay, quorum_fred, quorum_lea, quorum_leo, quorum_both, quorum_finance, quorum_legal;
