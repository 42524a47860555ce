-- A function goes on that goes on to call another one, whose result is of another type.
-- salt: 3
CREATE FUNCTION inner_one() RETURNS numeric LANGUAGE plpgsql AS $f$
BEGIN
  PERFORM hitl.interrupt('{"q": 1}');
  RETURN 1.50;
END $f$;
CREATE FUNCTION outer_one() RETURNS jsonb LANGUAGE plpgsql AS $f$
DECLARE
  n numeric;
BEGIN
  SELECT inner_one() INTO n;
  RETURN jsonb_build_object('n', n);
END $f$;
CREATE FUNCTION node(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $f$
DECLARE
  d jsonb;
BEGIN
  d := outer_one();
  RETURN d;
END $f$;
