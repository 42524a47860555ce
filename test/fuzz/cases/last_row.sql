-- A pause in the last iteration of a loop over rows: its target keeps the last row.
-- salt: 1
CREATE FUNCTION node(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
DECLARE
  d jsonb;
  r record;
  a int;
  b text;
BEGIN
  FOR r IN SELECT k, s FROM t1 ORDER BY k LIMIT 2 LOOP
    d := hitl.interrupt('{"q": 1}');
  END LOOP;
  FOR a, b IN EXECUTE 'SELECT k, s FROM t1 WHERE k > $1 ORDER BY k' USING 2 LOOP
    PERFORM hitl.interrupt('{"q": 2}');
  END LOOP;
  RETURN jsonb_build_object('r', r, 'a', a, 'b', b, 'found', FOUND);
END $f$;
