-- The outbox: who is to be told is a row, in the commit of its reason, until a sender has handed it over.
-- Proves: a group is told at its address, else each member at his; whom a policy notifies is told once, however many groups he is in; what is rolled back is not told; a claim is taken by one sender, lapses,
-- and is dropped when the question is settled meanwhile; a failure waits; the trail says notified at the hand-over; what the node says can neither forge a header nor our own words.
CREATE EXTENSION hitl;
SET client_min_messages = warning;
\set SHOW_CONTEXT never
CREATE ROLE regress_finance;
CREATE ROLE regress_mia LOGIN IN ROLE regress_finance;
CREATE ROLE regress_tom LOGIN IN ROLE regress_finance;
CREATE ROLE regress_eve LOGIN;
GRANT USAGE ON SCHEMA hitl TO regress_finance, regress_eve;

CREATE FUNCTION asks(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('type', hitl.interrupt(state)->'type') $$;
SELECT hitl.create_graph('g'), hitl.add_node('g', 'n', 'asks'), hitl.add_edge('g', 'START', 'n'), hitl.add_edge('g', 'n', 'END'), hitl.compile('g');
SELECT hitl.invoke('g', '{"action": "refund", "args": {"order": "A-1", "amount": 4200}, "description": "Refund above 1000"}')->'status' AS status;

-- Where people are told: each says it himself; for a group nobody does who is only a member of it, and would have what is for the others sent to himself.
CREATE ROLE regress_gus LOGIN;
GRANT regress_finance TO regress_gus WITH ADMIN OPTION;
SET SESSION AUTHORIZATION regress_mia;
SELECT hitl.set_contact('regress_finance', 'mia@shop.example');
\echo :SQLSTATE
SET SESSION AUTHORIZATION regress_gus;
SELECT hitl.set_contact('regress_finance', 'gus@shop.example'), hitl.set_contact('regress_finance', NULL) AS who_has_admin_option;
SET SESSION AUTHORIZATION regress_mia;
SET ROLE regress_finance;
SELECT hitl.set_contact('regress_finance', 'mia@shop.example');
\echo :SQLSTATE
RESET ROLE;
SELECT hitl.set_contact('regress_mia', 'mia@shop.example');
SELECT hitl.set_contact('regress_tom', 'mia@shop.example');
\echo :SQLSTATE
SELECT role, address, set_by FROM hitl.contacts;
RESET SESSION AUTHORIZATION;
SELECT hitl.set_contact('regress_tom', 'tom@shop.example');
SELECT hitl.set_contact('regress_nobody', 'nobody@shop.example');
\echo :SQLSTATE
SELECT hitl.set_contact('regress_tom', E'tom@shop.example\nBcc: eve@shop.example');
\echo :SQLSTATE
SELECT hitl.set_contact('regress_tom', '');
\echo :SQLSTATE
SELECT hitl.set_contact(NULL, 'x');
\echo :SQLSTATE

-- A group without an address: each of its members.  With one: there.  A role that nobody can be reached for is not lost.
SELECT hitl.remind(1, 'regress_finance') AS messages;
SELECT hitl.set_contact('regress_finance', 'finance@shop.example');
SELECT hitl.remind(1, 'regress_finance') AS messages;
SELECT hitl.remind(1, 'regress_eve') AS messages;
SELECT outbox_id, kind, role, status, attempts FROM hitl.notifications;
-- Rolled back is not told.
BEGIN;
SELECT hitl.remind(1, 'regress_eve') AS messages;
ROLLBACK;
-- Each call is a reason of its own; each message has its key and its id.
SELECT count(*) AS messages, count(DISTINCT dedup_key) AS reasons, count(DISTINCT message_id) AS ids FROM hitl.outbox;

-- A sender claims, oldest first; what it holds nobody else gets.
SELECT outbox_id, interrupt_id, kind, role, address, attempt FROM hitl.outbox_claim(2);
SELECT outbox_id, interrupt_id, kind, role, address, attempt FROM hitl.outbox_claim(10, '1 hour');
SELECT count(*) FROM hitl.outbox_claim();
-- Handed over: known once, and the trail says so.
SELECT hitl.outbox_done(1) AS news, hitl.outbox_done(1) AS again;
-- Not handed over: later, and longer each time; what the sender says is kept as one harmless line.
SELECT hitl.outbox_failed(2, E'451 try \x1b[2J later\n') BETWEEN clock_timestamp() + '9 s' AND clock_timestamp() + '11 s' AS in_10_s;
SELECT hitl.outbox_failed(4, 'no address') IS NOT NULL AS later, hitl.outbox_failed(1, 'too late') AS sent_already;
SELECT outbox_id, kind, role, status, attempts, error FROM hitl.notifications;
SELECT event, actor, actor_kind, detail FROM hitl.timeline WHERE event = 'notified';
-- The lease of a sender that died lapses.
UPDATE hitl.outbox SET due_at = now() WHERE outbox_id IN (2, 3);
SELECT outbox_id, role, attempt FROM hitl.outbox_claim();
UPDATE hitl.outbox SET due_at = now() WHERE outbox_id = 2;
SELECT outbox_id, role, attempt FROM hitl.outbox_claim();
SELECT hitl.outbox_failed(2, 'again') BETWEEN clock_timestamp() + '39 s' AND clock_timestamp() + '41 s' AS after_three_attempts_in_40_s;

-- What people read.
SET timezone = 'UTC';
CREATE FUNCTION shown(text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace($1, '[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.+]+', '<time>', 'g'),
  'Date: \w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d \+0000', 'Date: <date>'), '[0-9a-f]{8}-[0-9a-f-]{27}', '<uuid>'), 'seen => ''[0-9a-f]{64}''', 'seen => ''<hash>''', 'g') $$;
\pset tuples_only on
\pset format unaligned
SELECT shown(hitl.render(1));
SELECT shown(hitl.render(1, 'email', 2));
-- A node that was talked into something.  Its lines are marked, its controls are gone, its headers are text.
SELECT hitl.invoke('g', jsonb_build_object('action', E'refund\r\nBcc: eve@x.example', 'args', jsonb_build_object(E'a\nTo answer, one of:', 'it''s', 'b', U&'\202e\009b'), 'allowed', '["approve", "respond"]'::jsonb,
  'description', U&'fine\000a\000aTo answer, one of:\000a\000a  SELECT hitl.approve(1);\000a\001b[2Jgr\00fc\00df Gott'))->'status' AS status;
SELECT shown(hitl.render(2));
SELECT hitl.set_contact('regress_finance', NULL);
SELECT hitl.remind(2, 'regress_finance') AS messages;
SELECT shown(hitl.render(2, 'email', outbox_id)) FROM hitl.notifications WHERE interrupt_id = 2 AND role = 'regress_tom';
-- A role that none of its members could be told for at first, and then two could.
SELECT hitl.set_contact('regress_mia', NULL), hitl.set_contact('regress_tom', NULL);
SELECT hitl.remind(2, 'regress_finance') AS messages;
SELECT hitl.set_contact('regress_mia', 'mia@shop.example'), hitl.set_contact('regress_tom', 'tom@shop.example');
SELECT substring(hitl.render(2, 'email', outbox_id) FROM 'To: [^>]*>,\n [^\n]*') FROM hitl.notifications WHERE interrupt_id = 2 AND role = 'regress_finance';
-- An address that is no mail address is for a sender's own command.
SELECT hitl.set_contact('regress_mia', 'slack:mia');
SELECT hitl.render(2, 'email', outbox_id) FROM hitl.notifications WHERE interrupt_id = 2 AND role = 'regress_mia';
\echo :SQLSTATE
\pset tuples_only off
\pset format aligned

-- Settled meanwhile: nobody is asked any more; the question says so.
SELECT status FROM hitl.approve(2);
SELECT count(*) FROM hitl.outbox_claim();
SELECT outbox_id, interrupt_id, role, status FROM hitl.notifications;
SELECT substring(hitl.render(2) FROM '^[^\n]*') AS first_line, shown(substring(hitl.render(2) FROM '[^\n]*(?=\n$)')) AS last_line;
\set VERBOSITY terse
SELECT hitl.remind(2);
\set VERBOSITY default
\echo :SQLSTATE

-- Others.  A node would keep people from hearing of it.
SET SESSION AUTHORIZATION regress_eve;
SELECT count(*) FROM hitl.outbox_claim();
SELECT hitl.outbox_done(2);
\echo :SQLSTATE
SELECT hitl.outbox_failed(2, 'x');
\echo :SQLSTATE
SELECT hitl.remind(1);
\echo :SQLSTATE
SELECT hitl.render(1);
\echo :SQLSTATE
SELECT hitl.render(1, 'email', 2);
\echo :SQLSTATE
SELECT * FROM hitl.notifications;
SELECT * FROM hitl.contacts;
RESET SESSION AUTHORIZATION;
-- An operator sends what he may not read: it says only that there is something to decide. Nor has he it told to himself, by a sender who may read it.
SELECT hitl.grant_operator('regress_eve', 'g'), hitl.grant_reviewer('regress_tom', 'g');
SET SESSION AUTHORIZATION regress_eve;
SELECT count(*) FROM hitl.notifications;
SELECT hitl.remind(1, 'regress_eve');
\echo :SQLSTATE
SELECT hitl.remind(1, 'regress_tom') AS messages;
SELECT outbox_id AS mine, role FROM hitl.outbox_claim() \gset
SELECT hitl.render(1);
\echo :SQLSTATE
\pset tuples_only on
\pset format unaligned
SELECT shown(hitl.render(1, 'email', :mine));
\pset tuples_only off
\pset format aligned
SELECT hitl.outbox_done(:mine) AS done;
RESET SESSION AUTHORIZATION;
SELECT hitl.revoke_operator('regress_eve', 'g'), hitl.revoke_reviewer('regress_tom', 'g');
CREATE FUNCTION tells(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN EXECUTE state->>'does'; RETURN '{}'; END $$;
SELECT hitl.create_graph('h'), hitl.add_node('h', 'n', 'tells'), hitl.add_edge('h', 'START', 'n'), hitl.add_edge('h', 'n', 'END'), hitl.compile('h');
SELECT does, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message FROM unnest(ARRAY['SELECT hitl.outbox_claim()', 'SELECT hitl.outbox_done(2)', 'SELECT hitl.outbox_failed(2, ''x'')',
  'SELECT hitl.remind(1)', 'SELECT hitl.set_contact(''regress_mia'', NULL)']) does, hitl.invoke('h', jsonb_build_object('does', does)) d;

-- By policy: whom it notifies is told, in the commit that opens the question, each person once; where it hides the args, so does the message.
SELECT hitl.set_contact('regress_mia', 'mia@shop.example');
SELECT hitl.create_policy('two', '{"notify": ["regress_finance", "regress_tom"], "hide_args": true, "groups": ["regress_finance"]}') AS version;
SELECT hitl.invoke('g', '{"action": "refund", "args": {"order": "SECRET"}, "description": "Refund above 1000", "policy": "two"}')->'interrupts'->0->>'interrupt_id' AS i \gset
SELECT n.kind, n.role, n.status, o.dedup_key FROM hitl.notifications n JOIN hitl.outbox o USING (outbox_id) WHERE n.interrupt_id = :i ORDER BY outbox_id;
\pset tuples_only on
\pset format unaligned
SELECT shown(hitl.render(:i, 'email', outbox_id)) FROM hitl.notifications WHERE interrupt_id = :i AND role = 'regress_tom';
\pset tuples_only off
\pset format aligned
-- Where it lets some of the args be edited, the statement that edits has these; which votes are missing is said.
SELECT hitl.create_policy('three', '{"editable": ["amount", "note"], "quorum": {"regress_finance": 2}, "allowed": ["approve", "edit"]}') AS version;
SELECT hitl.invoke('g', '{"action": "refund", "args": {"order": "A-1", "amount": 4200}, "policy": "three"}')->'interrupts'->0->>'interrupt_id' AS edited \gset
SELECT substring(hitl.render(:edited) FROM 'Votes[^\n]*') AS votes, shown(substring(hitl.render(:edited) FROM 'SELECT hitl.edit[^\n]*')) AS edit;
-- Of a batch each action is there; of all of them only approve and reject can be said.  Where args are hidden, so is what they could be guessed from.
\pset tuples_only on
\pset format unaligned
SELECT hitl.invoke('g', '{"description": "the monthly run", "actions": [{"action": "refund", "args": {"order": "A-1"}, "description": "the first"}, {"action": "mail", "args": {"to": "tom"}, "allowed": ["reject", "edit"]}]}')
  ->'interrupts'->0->>'interrupt_id' AS batch \gset
SELECT shown(hitl.render(:batch));
SELECT substring(hitl.render(:batch) FROM 'hitl.decide\(\d+, ''([^'']*)') AS template \gset
SELECT status FROM hitl.decide(:batch, :'template');
SELECT hitl.invoke('g', '{"description": "SECRET", "policy": "two", "actions": [{"action": "refund", "args": {"order": "SECRET"}, "description": "SECRET"}, {"action": "mail"}]}')->'interrupts'->0->>'interrupt_id' AS hidden \gset
SELECT shown(hitl.render(:hidden));
\pset tuples_only off
\pset format aligned
-- Assigned, delegated: whom it is given to is told.
SET SESSION AUTHORIZATION regress_mia;
SELECT hitl.assign(:i, 'regress_tom');
SELECT hitl.delegate(:i, 'regress_eve');
RESET SESSION AUTHORIZATION;
SELECT kind, role, status FROM hitl.notifications WHERE interrupt_id = :i AND kind <> 'opened' ORDER BY outbox_id;

-- To find out who is told, and where, does not cost more with each address that others have.
BEGIN;
DO $$ BEGIN FOR n IN 1..300 LOOP EXECUTE format('CREATE ROLE regress_many_%s', n); PERFORM hitl.set_contact('regress_many_' || n, 'many@shop.example'); END LOOP; END $$;
SET LOCAL enable_seqscan = off;
ANALYZE hitl.contact;
UPDATE hitl.outbox SET due_at = 'infinity';
-- what was not reported yet is counted too, so it is the difference that counts
SELECT seq_tup_read + idx_tup_fetch AS n FROM pg_stat_xact_user_tables WHERE relid = 'hitl.contact'::regclass \gset
SELECT sum(hitl.remind(:i, 'regress_many_' || n)) FROM generate_series(1, 20) n;
SELECT count(address) FROM hitl.outbox_claim(1000) WHERE role LIKE 'regress_many%';
SELECT seq_tup_read + idx_tup_fetch - :n < 1000 AS is_bounded FROM pg_stat_xact_user_tables WHERE relid = 'hitl.contact'::regclass;
ROLLBACK;

-- What is not there, and what is not right.
SELECT hitl.outbox_done(99);
\echo :SQLSTATE
SELECT hitl.render(99);
\echo :SQLSTATE
SELECT hitl.render(1, 'fax');
\echo :SQLSTATE
SELECT hitl.render(2, 'text', 1);
\echo :SQLSTATE
SELECT hitl.render(NULL);
\echo :SQLSTATE
SELECT hitl.outbox_claim(0);
\echo :SQLSTATE
SELECT hitl.outbox_claim(1, '-1 s');
\echo :SQLSTATE

SELECT * FROM hitl.check();
DROP EXTENSION hitl;
DROP FUNCTION asks, tells, shown;
DROP OWNED BY regress_finance, regress_eve;
DROP ROLE regress_mia, regress_tom, regress_gus, regress_finance, regress_eve;
