-- The rest of a loop's query is read at a pause: in the session's own settings and path, as the first rows were.
-- salt: 5
-- settings: 2
CREATE FUNCTION stable_one(n int) RETURNS text STABLE LANGUAGE plpgsql AS $f$
BEGIN
  RETURN (SELECT s FROM t1 WHERE k = n) || timestamptz '2026-01-02 03:04:05+00';
END $f$;
CREATE FUNCTION node(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
DECLARE
  d jsonb;
  r record;
BEGIN
  FOR r IN SELECT g, g * interval '1 day' || '' AS i, stable_one(g) AS s, (g * 0.1::float8)::text AS f FROM generate_series(1, 3) g LOOP
    d := hitl.interrupt(to_jsonb(r));
    RAISE NOTICE '%', r;
  END LOOP;
  RETURN '{}';
END $f$;
