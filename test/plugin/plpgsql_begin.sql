-- plpgsql_begin.sql: before each of PL/pgSQL's own tests (launcher.sh): hitl is in the plugin's place, behind another.
\o /dev/null
SELECT hitl.invoke('spy');
-- an error, and so a difference, if it is not
SELECT current_setting('hitl_spy.fail_at');
\o
