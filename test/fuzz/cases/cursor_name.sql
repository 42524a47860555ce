-- A refcursor that was closed before the pause has a name, which a loop behind it must not take meanwhile.
-- salt: 4
CREATE FUNCTION node(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
DECLARE
  d jsonb;
  c refcursor;
  r record;
  q record;
BEGIN
  OPEN c FOR SELECT k FROM t1 ORDER BY k;
  CLOSE c;
  d := hitl.interrupt('{"q": 1}');
  FOR q IN SELECT k, s FROM t1 ORDER BY k LIMIT 2 LOOP
    OPEN c FOR SELECT s FROM t1 WHERE k = q.k;
    FETCH c INTO r;
    CLOSE c;
    RAISE NOTICE '% %', q, r;
  END LOOP;
  RETURN '{}';
END $f$;
