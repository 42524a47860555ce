-- continue_plain.sql: functions that are no nodes: a tight loop, calls of another function, and statements of SQL.
CREATE TABLE item (id integer PRIMARY KEY, price numeric NOT NULL);
INSERT INTO item SELECT g, g FROM generate_series(1, 100) g;
VACUUM ANALYZE item;
CREATE FUNCTION tight(n integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  x bigint := 0;
BEGIN
  FOR i IN 1..n LOOP
    x := x + i % 7;
    IF x > 1000000 THEN
      x := 0;
    END IF;
  END LOOP;
  RETURN x;
END $$;
CREATE FUNCTION add_one(x bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN x + 1; END $$;
CREATE FUNCTION calls(n integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  x bigint := 0;
BEGIN
  FOR i IN 1..n LOOP
    x := add_one(x);
  END LOOP;
  RETURN x;
END $$;
CREATE FUNCTION queries(n integer) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  x numeric := 0;
  p numeric;
BEGIN
  FOR i IN 1..n LOOP
    SELECT price INTO p FROM item WHERE id = i % 100 + 1;
    x := x + p;
  END LOOP;
  RETURN x;
END $$;
