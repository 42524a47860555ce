-- Nodes as SQL text: for authors who write no functions.
-- Proves: $1 is the state and one jsonb comes back; the statement may write, ask a person, and command; it runs as the owner in the path of the compile;
-- what does not fit is found at compile, what the data brings is the node's failure; it can be compiled only in a session of the graph's owner.
SET client_min_messages = warning;
CREATE SCHEMA sqlnode;
SET search_path = sqlnode;
CREATE TABLE customer (id int PRIMARY KEY, name text, paid numeric DEFAULT 0);
INSERT INTO customer VALUES (1, 'mia'), (2, 'noa');

-- 1. Look up, then write. Names are found in the path of the session that compiles.
SELECT hitl.create_graph('pay') > 0 AS created;
SELECT hitl.add_node('pay', 'find', sql => $$SELECT jsonb_build_object('name', name) FROM customer WHERE id = ($1->>'id')::int$$);
SELECT hitl.add_node('pay', 'pay', sql => $$UPDATE customer SET paid = paid + ($1->>'amount')::numeric WHERE id = ($1->>'id')::int RETURNING jsonb_build_object('paid', paid)$$);
SELECT hitl.add_node('pay', 'note', sql => $$WITH p AS (INSERT INTO customer VALUES (100 + ($1->>'id')::int, $1->>'name') RETURNING id) SELECT to_jsonb(p) || jsonb_build_object('as', current_user = session_user) FROM p;$$);
SELECT hitl.add_edge('pay', 'START', 'find'), hitl.add_edge('pay', 'find', 'pay'), hitl.add_edge('pay', 'pay', 'note'), hitl.add_edge('pay', 'note', 'END');
SELECT hitl.compile('pay');
SET search_path = pg_catalog;
SELECT hitl.start('pay', '{"id": 1, "amount": 12.5}') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT d->>'status' AS status, d->'state' AS state FROM hitl.invoke('pay', '{"id": 2, "amount": 12.5}') d;
SET search_path = sqlnode;
SELECT * FROM customer ORDER BY id;

-- 2. NULL is no update, a command is a command, and a statement may ask.
SELECT hitl.define(jsonb_build_object('graph', 'ask', 'nodes', jsonb_build_object(
    'ask', jsonb_build_object('sql', $$SELECT hitl.command(jsonb_build_object('answer', d->'type'), CASE d->>'type' WHEN 'approve' THEN 'yes' ELSE 'END' END)
                                       FROM hitl.interrupt(jsonb_build_object('action', 'pay', 'args', $1)) d$$, 'destinations', '["yes", "END"]'::jsonb),
    'yes', jsonb_build_object('sql', 'SELECT NULL::jsonb')), 'edges', '[["START", "ask"], ["yes", "END"]]'::jsonb));
SELECT hitl.start('ask', '{"amount": 5}') AS t \gset
SELECT hitl.wait(:t);
SELECT args, status FROM hitl.pending p, hitl.approve(p.interrupt_id) WHERE p.thread_id = :t;
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT step, node FROM hitl.timeline WHERE thread_id = :t AND event = 'executed';
SELECT d->>'thread_id' AS t, d->>'status' AS status FROM hitl.invoke('ask', '{"amount": 5}') d \gset
SELECT :'status' AS status, d->>'status' AS status, d->'state' AS state FROM hitl.resume(:t, '{"type": "reject", "reason": "no"}') d;

-- 3. What the data brings: no row, two rows, no object, an error of the statement.
SELECT hitl.start('pay', '{"id": 3, "amount": 1}') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message, detail, hint FROM hitl.failed WHERE thread_id = :t \gx
SELECT hitl.define(jsonb_build_object('graph', 'rows', 'nodes', jsonb_build_object('n', jsonb_build_object('sql', 'SELECT x FROM jsonb_array_elements($1->$$rows$$) x')), 'edges', '[["START", "n"], ["n", "END"]]'::jsonb));
SELECT x.rows, d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message, d->'error'->>'detail' AS detail, d->'error'->>'hint' AS hint
FROM (VALUES ('[{"a": 1}]'::jsonb), ('[]'), ('[{"a": 1}, {"a": 2}]'), ('[5]'), ('{}')) x (rows), LATERAL hitl.invoke('rows', jsonb_build_object('rows', x.rows)) d \gx
-- Nothing of a statement that returned too much stays.
SELECT hitl.define(jsonb_build_object('graph', 'too much', 'nodes', jsonb_build_object('n', jsonb_build_object('sql', 'UPDATE customer SET paid = 1000 RETURNING $1')), 'edges', '[["START", "n"], ["n", "END"]]'::jsonb));
SELECT hitl.start('too much') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message, detail FROM hitl.failed WHERE thread_id = :t \gx
SELECT count(*) FROM customer WHERE paid = 1000;
-- The table went away after compile, and comes back.
ALTER TABLE customer RENAME TO customers;
SELECT hitl.start('pay', '{"id": 1, "amount": 1}') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message FROM hitl.failed WHERE thread_id = :t;
ALTER TABLE customers RENAME TO customer;
DELETE FROM customer WHERE id = 101;
SELECT hitl.retry(:t);
SELECT hitl.wait(:t), hitl.get_state(:t);

-- 4. What does not fit is found at compile, all of it, and nothing is run for that.
CREATE TABLE ran (what text);
CREATE FUNCTION runs() RETURNS jsonb LANGUAGE sql AS $$ INSERT INTO ran VALUES ('at compile'); SELECT '{}'::jsonb $$;
SELECT hitl.create_graph('sql faults') > 0 AS created;
SELECT hitl.add_node('sql faults', n, sql => s), hitl.add_edge('sql faults', 'START', n), hitl.add_edge('sql faults', n, 'END')
FROM (VALUES ('a two columns', 'SELECT $1, $1'), ('b text', 'SELECT $1::text'), ('c syntax', 'SELEC $1'), ('d no table', 'SELECT to_jsonb(x) FROM missing x'), ('e two statements', 'SELECT $1; SELECT $1'),
             ('f no result', 'INSERT INTO ran VALUES (1)'), ('g utility', 'TRUNCATE ran'), ('h empty', ''), ('i two parameters', 'SELECT $1 || $2::jsonb'), ('j transaction', 'COMMIT'),
             ('k json', 'SELECT ''{}''::json'), ('l no column', 'SELECT'), ('m unknown', 'SELECT ''{}'''), ('n good', 'SELECT runs()')) x (n, s);
SELECT hitl.compile('sql faults');
\echo :SQLSTATE
SELECT count(*) AS ran FROM ran;
-- A node is a function or a statement.
SELECT hitl.add_node('sql faults', 'both', 'runs', sql => 'SELECT $1');
\echo :SQLSTATE
SELECT hitl.add_node('sql faults', 'neither');
\echo :SQLSTATE

-- 5. As whom: the graph's owner. Others can neither run nor compile it in their session: analysing a statement may call its author's functions.
CREATE ROLE regress_sqlnode LOGIN;
ALTER ROLE regress_sqlnode SET client_min_messages = warning;
CREATE SCHEMA sqlnode_owned AUTHORIZATION regress_sqlnode;
SELECT hitl.grant_author('regress_sqlnode');
SELECT current_user AS superuser \gset
\c - regress_sqlnode
SET search_path = sqlnode_owned;
CREATE TABLE who (name name);
CREATE FUNCTION planned() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN session_user; END $$;
SELECT hitl.define(jsonb_build_object('graph', 'whose sql', 'nodes', jsonb_build_object('n', jsonb_build_object('sql', $$INSERT INTO who VALUES (session_user) RETURNING jsonb_build_object('who', name, 'planned', planned())$$)), 'edges', '[["START", "n"], ["n", "END"]]'::jsonb));
\c - :superuser
SET client_min_messages = warning;
SELECT hitl.start('whose sql') AS t \gset
SELECT hitl.wait(:t), hitl.get_state(:t);
SELECT hitl.compile('whose sql');
\echo :SQLSTATE
SET SESSION AUTHORIZATION regress_sqlnode;
SELECT hitl.compile('whose sql');
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;
SELECT hitl.invoke('whose sql');
\echo :SQLSTATE
-- What the owner may not read fails his node, whoever starts it.
\c - regress_sqlnode
SET client_min_messages = warning;
SET search_path = sqlnode_owned;
SELECT hitl.define(jsonb_build_object('graph', 'not allowed', 'nodes', jsonb_build_object('n', jsonb_build_object('sql', 'SELECT to_jsonb(rolpassword) FROM pg_authid LIMIT 1')), 'edges', '[["START", "n"], ["n", "END"]]'::jsonb));
\c - :superuser
SET client_min_messages = warning;
SELECT hitl.start('not allowed') AS t \gset
SELECT hitl.wait(:t);
SELECT node, sqlstate, message FROM hitl.failed WHERE thread_id = :t;

SELECT * FROM hitl.check();
