-- A function with settings of its own has them behind the pause, too.
-- salt: 6
-- settings: 1
CREATE FUNCTION f(at timestamptz) RETURNS text SET datestyle = 'SQL, DMY' SET timezone = 'Asia/Tokyo' LANGUAGE plpgsql AS $f$
DECLARE
  d jsonb;
BEGIN
  d := hitl.interrupt('{"q": 1}');
  RETURN at || ' ' || current_setting('datestyle');
END $f$;
CREATE FUNCTION node(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
DECLARE
  s text;
BEGIN
  s := f('2026-01-02 03:04:05+00');
  RAISE NOTICE '% %', s, current_setting('datestyle');
  RETURN '{}';
END $f$;
