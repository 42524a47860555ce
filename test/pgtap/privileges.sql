-- The contract of privileges: what PUBLIC has, and what pg_dump keeps.
BEGIN;
SELECT no_plan();

-- The rows of two queries, in whatever order; what is too many and what is missing is told.
CREATE FUNCTION pg_temp.same_rows(got text, want text, description text) RETURNS SETOF text LANGUAGE plpgsql AS $f$
DECLARE
  too_many text[]; missing text[];
BEGIN
  EXECUTE format('SELECT ARRAY(SELECT (q)::text COLLATE "C" FROM (%s) q EXCEPT ALL SELECT (q)::text COLLATE "C" FROM (%s) q),
                         ARRAY(SELECT (q)::text COLLATE "C" FROM (%s) q EXCEPT ALL SELECT (q)::text COLLATE "C" FROM (%s) q)', got, want, want, got) INTO too_many, missing;
  RETURN NEXT ok(too_many = '{}' AND missing = '{}', description);
  IF too_many <> '{}' THEN RETURN NEXT diag('too many: ' || array_to_string(too_many, E'\n')); END IF;
  IF missing <> '{}' THEN RETURN NEXT diag('missing: ' || array_to_string(missing, E'\n')); END IF;
END $f$;

CREATE ROLE tap_nobody;
CREATE ROLE tap_author LOGIN;
SELECT ok(hitl.grant_author('tap_author'), 'an author');

-- PUBLIC ----------------------------------------------------------------------------------------------------------

SELECT schema_privs_are('hitl', 'tap_nobody', '{}'::text[]);
SELECT is_empty($$SELECT relname, privilege_type FROM pg_class, aclexplode(COALESCE(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))) WHERE relnamespace = 'hitl'::regnamespace AND relkind IN ('r', 'S')
  AND grantee <> relowner$$, 'nobody but the owner has a right on a table or a sequence');
SELECT is_empty($$SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE relnamespace = 'hitl'::regnamespace AND attacl IS NOT NULL$$, 'nor on a column');
SELECT pg_temp.same_rows($$SELECT relname::text, string_agg(privilege_type, ',') FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'hitl'::regnamespace AND relkind = 'v' AND grantee = 0 GROUP BY 1$$,
  $$VALUES ('question_times', 'SELECT'), ('vote_times', 'SELECT'), ('backlog', 'SELECT'), ('policy_numbers', 'SELECT'), ('reviewer_numbers', 'SELECT'), ('automation', 'SELECT'), ('outcomes', 'SELECT'), ('error_rates', 'SELECT'),
  ('_checkpoint', 'SELECT'), ('_violation', 'SELECT'), ('automatic_verdicts', 'SELECT'), ('breakpoint_history', 'SELECT'), ('breakpoints', 'SELECT'), ('contacts', 'SELECT'), ('deadlines', 'SELECT'), ('escalations', 'SELECT'), ('notifications', 'SELECT'), ('decided', 'SELECT'), ('drafts', 'SELECT'), ('failed', 'SELECT'), ('grant_history', 'SELECT'), ('grants', 'SELECT'), ('inbox', 'SELECT'), ('absences', 'SELECT'), ('my_decisions', 'SELECT'), ('overdue', 'SELECT'), ('pending', 'SELECT'), ('policies', 'SELECT'), ('policy_history', 'SELECT'), ('rule_history', 'SELECT'), ('rules', 'SELECT'), ('threads', 'SELECT'), ('timeline', 'SELECT'), ('worker_status', 'SELECT')$$,
  'PUBLIC reads the views, and no more');
SELECT pg_temp.same_rows($$SELECT proname::text FROM pg_proc WHERE pronamespace = 'hitl'::regnamespace AND NOT has_function_privilege('tap_nobody', oid, 'EXECUTE')$$, $$VALUES ('_announce')$$,
  'PUBLIC may execute all functions but the internal one that does something');
SELECT is_empty($$SELECT typname FROM pg_type WHERE typnamespace = 'hitl'::regnamespace AND typtype = 'd' AND has_type_privilege('tap_nobody', oid, 'USAGE')$$, 'the marker of owners is nobody''s by default');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'hitl'::regnamespace AND relowner <> (SELECT extowner FROM pg_extension WHERE extname = 'hitl')
  UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'hitl'::regnamespace AND proowner <> (SELECT extowner FROM pg_extension WHERE extname = 'hitl')$$, 'all belongs to the owner of the extension');
SELECT is_empty($$SELECT nspname FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'hitl' AND grantee <> nspowner AND privilege_type = 'CREATE'$$, 'nobody else may create in the schema');

-- A role that owns a graph has the marker, and gets it once.
SET LOCAL ROLE tap_author;
SELECT lives_ok($$SELECT hitl.create_graph('tap one')$$, 'an author creates a graph');
SELECT lives_ok($$SELECT hitl.create_graph('tap two')$$, 'and another');
RESET ROLE;
SELECT pg_temp.same_rows($$SELECT grantee::regrole::text, privilege_type, is_grantable FROM pg_type, aclexplode(typacl) WHERE typname = 'graph_owner' AND grantee <> typowner$$, $$VALUES ('tap_author', 'USAGE', false)$$,
  'who owns a graph has the marker: once, and not to pass on');
SELECT throws_ok('DROP ROLE tap_author', '2BP01', NULL, 'who owns a graph is not dropped');
SET LOCAL ROLE tap_author;
SET LOCAL client_min_messages = error;
SELECT lives_ok($$REVOKE ALL ON DOMAIN hitl.graph_owner FROM tap_author$$, 'an author tries to take the marker off ...');
RESET ROLE;
SELECT isnt_empty($$SELECT FROM pg_type, aclexplode(typacl) WHERE typname = 'graph_owner' AND grantee = 'tap_author'::regrole$$, '... and it stays');

-- The copies of pinned graphs --------------------------------------------------------------------------------------

SELECT schema_privs_are('hitl_pinned', role, '{}'::text[]) FROM unnest(ARRAY['tap_nobody', 'tap_author']) role;
SELECT is(nspowner, extowner, 'the schema of copies is the extension''s owner''s') FROM pg_namespace, pg_extension WHERE nspname = 'hitl_pinned' AND extname = 'hitl';
CREATE SCHEMA tap_author AUTHORIZATION tap_author;
SET LOCAL SESSION AUTHORIZATION tap_author;
-- Generous to others by default; it does not help them.
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO tap_nobody;
CREATE FUNCTION tap_author.f(state jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('ran_as', current_user) $$;
SELECT lives_ok($$SELECT hitl.define('{"graph": "tap pinned", "functions": "pinned", "nodes": {"n": "tap_author.f"}, "edges": [["START", "n"], ["n", "END"]]}')$$, 'an author pins a graph');
RESET SESSION AUTHORIZATION;
SELECT format('hitl_pinned.%I', proname) AS copy FROM pg_proc WHERE pronamespace = 'hitl_pinned'::regnamespace AND proowner = 'tap_author'::regrole \gset
SELECT is(proacl::text LIKE '%{=X%' OR proacl::text LIKE '%,=X%', false, 'PUBLIC may not execute a copy') FROM pg_proc WHERE pronamespace = 'hitl_pinned'::regnamespace AND proowner = 'tap_author'::regrole;
CREATE FUNCTION tap_tries(role name, statement text) RETURNS SETOF text LANGUAGE plpgsql AS $f$
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', role);
  RETURN QUERY SELECT throws_ok(statement, '42501', 'permission denied for schema hitl_pinned', format('%s: %s', role, regexp_replace(statement, '_g\d+_[0-9a-f]+', '')));
  RESET ROLE;
END $f$;
SELECT tap_tries(role, replace(statement, '<copy>', :'copy')) FROM unnest(ARRAY['tap_nobody', 'tap_author']) role, unnest(ARRAY[
  $$SELECT <copy>('{}'::jsonb)$$,
  $$CREATE OR REPLACE FUNCTION <copy>(state jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT state'$$,
  $$CREATE FUNCTION hitl_pinned.another(state jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT state'$$,
  $$CREATE TABLE hitl_pinned.another (x integer)$$,
  $$ALTER FUNCTION <copy>(jsonb) SECURITY DEFINER$$,
  $$ALTER FUNCTION <copy>(jsonb) OWNER TO tap_author$$,
  $$DROP FUNCTION <copy>(jsonb)$$]) statement;
SELECT is_empty($$SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
  AND d.objid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'hitl_pinned'::regnamespace)$$, 'no copy is a member of an extension: pg_dump takes them along');
SELECT isnt_empty($$SELECT FROM pg_shdepend WHERE classid = 'pg_proc'::regclass AND refobjid = 'tap_author'::regrole AND deptype = 'o' AND objid IN (SELECT oid FROM pg_proc WHERE pronamespace = 'hitl_pinned'::regnamespace)$$,
  'a copy keeps its owner from being dropped');

-- pg_dump ---------------------------------------------------------------------------------------------------------

SELECT pg_temp.same_rows($$SELECT c.relname::text FROM pg_extension e, unnest(extconfig) t (oid) JOIN pg_class c USING (oid) WHERE extname = 'hitl'$$,
  $$SELECT relname::text FROM pg_class WHERE relnamespace = 'hitl'::regnamespace AND relkind IN ('r', 'S')$$, 'every table and sequence is marked for pg_dump');
SELECT pg_temp.same_rows($$SELECT t.oid::regclass::text, condition FROM pg_extension, unnest(extconfig, extcondition) t (oid, condition) WHERE extname = 'hitl' AND condition <> ''$$,
  $$SELECT 'hitl.' || t, 'WHERE role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r)' FROM unnest(ARRAY['audience', 'contact', 'delegation', 'policy_group']) t
    UNION ALL SELECT 'hitl.absence', 'WHERE person_role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r) AND substitute_role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r)'
    UNION ALL SELECT 'hitl."grant"', 'WHERE role::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r) AND (reviewers IS NULL OR reviewers::pg_catalog.oid IN (SELECT r.oid FROM pg_catalog.pg_roles r))'$$, 'with all of its rows, but for those of roles that are gone');
SELECT is_empty($$SELECT attrelid::regclass, pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum JOIN pg_class c ON c.oid = adrelid
  WHERE relnamespace = 'hitl'::regnamespace AND attidentity <> ''$$, 'no identity column, whose hidden sequence would be forgotten');
SELECT is_empty($$SELECT objid::regclass FROM pg_depend WHERE classid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND refclassid = 'pg_class'::regclass AND refobjsubid > 0
  AND objid IN (SELECT oid FROM pg_class WHERE relkind = 'S' AND relnamespace = 'hitl'::regnamespace)$$, 'no sequence belongs to a column: each is marked by itself');

SELECT * FROM finish();
ROLLBACK;
