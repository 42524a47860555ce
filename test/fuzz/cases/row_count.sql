-- What GET DIAGNOSTICS says behind a question whose payload is a query, and in loops whose expressions are none.
-- salt: 2
CREATE FUNCTION f(n int) RETURNS int LANGUAGE plpgsql AS $f$
BEGIN
  PERFORM hitl.interrupt('{"q": "f"}');
  RETURN n;
END $f$;
CREATE FUNCTION node(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
DECLARE
  d jsonb;
  n int[] := '{}';
  i int;
  e int;
  r record;
BEGIN
  UPDATE t1 SET v = v + 1;
  d := hitl.interrupt((SELECT to_jsonb(count(*)) FROM t1));
  GET DIAGNOSTICS i = ROW_COUNT;
  n[1] := i;
  UPDATE t1 SET v = v + 1;
  e := f((SELECT 1));
  GET DIAGNOSTICS i = ROW_COUNT;
  n[2] := i;
  UPDATE t1 SET v = v + 1;
  FOREACH e IN ARRAY ARRAY[1, 2] LOOP
    GET DIAGNOSTICS i = ROW_COUNT;
    n[2 + e] := i;
    d := hitl.interrupt('{"q": 1}');
  END LOOP;
  UPDATE t1 SET v = v + 1;
  FOR r IN EXECUTE 'SELECT $1 AS a, $2 AS b, $3 AS c' USING 5, 'text', NULL LOOP
    GET DIAGNOSTICS i = ROW_COUNT;
    n[5] := i;
    RAISE NOTICE '% % %', r, pg_typeof(r.b), pg_typeof(r.c);
    d := hitl.interrupt('{"q": 2}');
  END LOOP;
  UPDATE t1 SET v = v + 1;
  FOR r IN EXECUTE 'SELECT $1 AS a' USING count(*) FROM t1 LOOP
    GET DIAGNOSTICS i = ROW_COUNT;
    n[6] := i;
    PERFORM hitl.interrupt('{"q": 3}');
  END LOOP;
  RETURN jsonb_build_object('n', n, 'r', r);
END $f$;
