-- 00_guard.sql: refuse to install where somebody else could reach in.
\echo Use "CREATE EXTENSION hitl" to load this file. \quit

-- Whoever owns schema hitl, or may create in it, could replace what the engine
-- calls.  CREATE EXTENSION uses a schema that exists already, so look at it.
DO $guard$
DECLARE
  squatter text;
BEGIN
  SELECT r.rolname INTO squatter
  FROM pg_catalog.pg_namespace n
       JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) n.nspowner
  WHERE n.nspname OPERATOR(pg_catalog.=) 'hitl' AND NOT r.rolsuper;
  IF squatter IS NOT NULL THEN
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = 'schema "hitl" belongs to a role that is not a superuser',
      DETAIL = pg_catalog.format('Its owner is "%s", who could replace what the engine calls.', squatter),
      HINT = 'DROP SCHEMA hitl; then run CREATE EXTENSION hitl again.';
  END IF;

  IF EXISTS (SELECT FROM pg_catalog.pg_namespace n
                  CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
                  LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) a.grantee
             WHERE n.nspname OPERATOR(pg_catalog.=) 'hitl'
               AND a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
               AND r.rolsuper IS NOT TRUE)
     OR EXISTS (SELECT FROM pg_catalog.pg_class c
                WHERE c.relnamespace OPERATOR(pg_catalog.=) 'hitl'::pg_catalog.regnamespace::pg_catalog.oid)
     OR EXISTS (SELECT FROM pg_catalog.pg_proc p
                WHERE p.pronamespace OPERATOR(pg_catalog.=) 'hitl'::pg_catalog.regnamespace::pg_catalog.oid)
     OR EXISTS (SELECT FROM pg_catalog.pg_type t
                WHERE t.typnamespace OPERATOR(pg_catalog.=) 'hitl'::pg_catalog.regnamespace::pg_catalog.oid)
     OR EXISTS (SELECT FROM pg_catalog.pg_operator o
                WHERE o.oprnamespace OPERATOR(pg_catalog.=) 'hitl'::pg_catalog.regnamespace::pg_catalog.oid)
  THEN
    RAISE EXCEPTION USING
      ERRCODE = 'duplicate_schema',
      MESSAGE = 'schema "hitl" is in use already',
      DETAIL = 'It holds objects, or somebody who is not a superuser may create in it.',
      HINT = 'Empty it and revoke CREATE on it, or DROP SCHEMA hitl; then run CREATE EXTENSION hitl again.';
  END IF;
END
$guard$;
