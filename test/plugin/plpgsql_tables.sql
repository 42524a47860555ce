\set ECHO none
-- plpgsql_tables.sql: of PostgreSQL's other tests, what plpgsql.sql needs; and the graph of plpgsql_begin.sql.  The
-- first line is all that is to be seen of it.
\set QUIET on
\o /dev/null
CREATE TABLE int4_tbl (f1 int4);
INSERT INTO int4_tbl VALUES (0), (123456), (-123456), (2147483647), (-2147483647);
CREATE TABLE int8_tbl (q1 int8, q2 int8);
INSERT INTO int8_tbl VALUES (123, 456), (123, 4567890123456789), (4567890123456789, 123), (4567890123456789, 4567890123456789), (4567890123456789, -4567890123456789);
CREATE TABLE tenk1 (unique1 int4, unique2 int4, two int4, four int4, ten int4, twenty int4, hundred int4, thousand int4, twothousand int4, fivethous int4,
  tenthous int4, odd int4, even int4, stringu1 name, stringu2 name, string4 name);
\copy tenk1 FROM 'data/tenk.data'
CREATE INDEX tenk1_unique1 ON tenk1 (unique1);
CREATE INDEX tenk1_unique2 ON tenk1 (unique2);
VACUUM ANALYZE tenk1;
CREATE TYPE float8range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE textrange AS RANGE (subtype = text, collation = "C");
CREATE FUNCTION fipshash(text) RETURNS text STRICT IMMUTABLE RETURN substr(encode(sha256($1::bytea), 'hex'), 1, 32);
-- out of sight of the tests
CREATE SCHEMA hitl_spy;
CREATE FUNCTION hitl_spy.loads(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  LOAD 'hitl_spy';
  RETURN NULL;
EXCEPTION WHEN division_by_zero THEN
  PERFORM hitl.interrupt('"never"');
END $$;
SELECT hitl.create_graph('spy'), hitl.add_node('spy', 'n', 'hitl_spy.loads', suspend => 'continue'), hitl.add_edge('spy', 'START', 'n'), hitl.add_edge('spy', 'n', 'END');
SELECT hitl.compile('spy');
