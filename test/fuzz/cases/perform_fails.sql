-- An error behind a pause, in a function called by PERFORM: FOUND is what it was.
-- salt: 7
CREATE FUNCTION f(n int) RETURNS int LANGUAGE plpgsql AS $f$
BEGIN
  PERFORM hitl.interrupt(to_jsonb(n));
  RAISE 'error %', n;
END $f$;
CREATE FUNCTION node(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
DECLARE
  d jsonb;
BEGIN
  BEGIN
    PERFORM f(1);
  EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE '% %', FOUND, SQLERRM;
  END;
  RAISE NOTICE '%', FOUND;
  RETURN '{}';
END $f$;
