-- test/fuzz: what the programs of the fuzzer stand on.  Schema t: types and functions that they use.  Schema stub: what
-- gives the answers at once in the straight run, and puts what the paused run says into the same words.
CREATE EXTENSION hitl;
CREATE SCHEMA t;
CREATE SCHEMA stub;
CREATE TYPE t.mood AS ENUM ('sad', 'ok', 'so, "so"', 'happy');
CREATE TYPE t.pt AS (a int, b text);
CREATE TYPE t.box AS (p t.pt, q t.pt[], n numeric(8,2), m t.mood);
CREATE TYPE t.ask AS (d jsonb, n int);
CREATE DOMAIN t.posint AS int CHECK (VALUE > 0);
CREATE DOMAIN t.label AS text DEFAULT 'none' NOT NULL CHECK (VALUE <> 'forbidden');
CREATE DOMAIN t.ints AS int[] CHECK (array_ndims(VALUE) IS DISTINCT FROM 3);
CREATE DOMAIN t.dpt AS t.pt CHECK ((VALUE).a IS DISTINCT FROM 13);
CREATE TYPE t.span AS RANGE (subtype = text);

-- A number in an answer, whatever its form.
CREATE FUNCTION t.num(answer jsonb) RETURNS int IMMUTABLE LANGUAGE sql AS $$
  SELECT coalesce(CASE jsonb_typeof(answer->'response') WHEN 'number' THEN (answer->>'response')::int WHEN 'object' THEN (answer->'response'->>'n')::int END, length(answer->>'type'))
$$;
-- Without what is never the same twice.
CREATE FUNCTION t.plain(answer jsonb) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$ SELECT answer - 'at' - 'by' $$;

CREATE SEQUENCE stub.asked MINVALUE 0;
CREATE TABLE stub.program (salt int);
-- The answer to a program's question of this number, as what resume() is given.
CREATE FUNCTION stub.answer(salt int, number int) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
  SELECT CASE abs(hashint4(salt + 77 * number)) % 5
    WHEN 0 THEN '{"type": "approve"}'
    WHEN 1 THEN '{"type": "reject", "reason": null}'
    WHEN 2 THEN jsonb_build_object('type', 'respond', 'response', jsonb_build_object('n', number % 4, 's', E'odd "\\text" {,} \u00e9'))
    ELSE jsonb_build_object('type', 'respond', 'response', abs(hashint4(number * 31 + salt)) % 5) END
$$;
-- In the place of hitl.interrupt(): a sequence counts, since that is not rolled back.
CREATE FUNCTION stub.interrupt(payload jsonb, key text DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RAISE NOTICE 'ASK %', payload;
  RETURN stub.answer((SELECT salt FROM stub.program), nextval('stub.asked')::int) || '{"args": null, "at": 0, "by": 0}';
END $$;
CREATE FUNCTION stub.error(state text, message text, detail text, hint text) RETURNS text LANGUAGE sql AS $$
  SELECT concat_ws(' | ', 'RESULT ERROR', state, message, nullif(detail, ''), nullif(hint, ''))
$$;
-- Run the function node() of the path, straight.
CREATE FUNCTION stub.run(new_salt int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result jsonb;
  state text;
  message text;
  detail text;
  hint text;
BEGIN
  UPDATE stub.program SET salt = new_salt;
  PERFORM setval('stub.asked', 0, false);
  BEGIN
    EXECUTE 'SELECT node($1)' INTO result USING '{}'::jsonb;
  EXCEPTION WHEN OTHERS OR assert_failure OR query_canceled THEN
    GET STACKED DIAGNOSTICS state = returned_sqlstate, message = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
    RETURN stub.error(state, message, detail, hint);
  END;
  RETURN 'RESULT ' || (coalesce(result, '{}') - 'at' - 'by')::text;
END $$;
INSERT INTO stub.program VALUES (0);
-- What a session may have set, in all sessions of a program: what is kept over a pause is to be the same under any.
CREATE FUNCTION stub.settings(number int) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(set_config(name, setting, false)) FROM (VALUES
    (0, 'datestyle', 'ISO, MDY'), (0, 'intervalstyle', 'postgres'), (0, 'timezone', 'UTC'), (0, 'extra_float_digits', '1'), (0, 'bytea_output', 'hex'), (0, 'plan_cache_mode', 'auto'), (0, 'quote_all_identifiers', 'off'),
    (1, 'datestyle', 'German, DMY'), (1, 'intervalstyle', 'iso_8601'), (1, 'timezone', 'Asia/Kolkata'), (1, 'extra_float_digits', '-5'), (1, 'bytea_output', 'escape'), (1, 'plan_cache_mode', 'auto'), (1, 'quote_all_identifiers', 'off'),
    (2, 'datestyle', 'SQL, MDY'), (2, 'intervalstyle', 'sql_standard'), (2, 'timezone', 'America/St_Johns'), (2, 'extra_float_digits', '0'), (2, 'bytea_output', 'hex'), (2, 'plan_cache_mode', 'force_generic_plan'), (2, 'quote_all_identifiers', 'on'),
    (3, 'datestyle', 'Postgres, DMY'), (3, 'intervalstyle', 'postgres_verbose'), (3, 'timezone', 'Europe/London'), (3, 'extra_float_digits', '3'), (3, 'bytea_output', 'escape'), (3, 'plan_cache_mode', 'force_custom_plan'), (3, 'quote_all_identifiers', 'off')) v(n, name, setting)
  WHERE n = number
$$;
-- What invoke() and resume() return, in the same words.
CREATE FUNCTION stub.report(run jsonb, OUT line text, OUT thread bigint, OUT more boolean) LANGUAGE sql AS $$
  SELECT CASE run->>'status'
      WHEN 'interrupted' THEN 'NOTICE:  ASK ' || (run->'interrupts'->0->'payload')::text
      WHEN 'failed' THEN stub.error(run->'error'->>'sqlstate', run->'error'->>'message', run->'error'->>'detail', run->'error'->>'hint')
      WHEN 'done' THEN 'RESULT ' || ((run->'state') - 'at' - 'by')::text
      ELSE 'RESULT? ' || run::text END,
    (run->>'thread_id')::bigint, run->>'status' = 'interrupted'
$$;
-- A program's tables.
CREATE FUNCTION stub.tables() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE 'SELECT string_agg(x, E''\n'' ORDER BY x) FROM (SELECT ''t1 '' || t1::text FROM t1 UNION ALL SELECT ''t2 '' || t2::text FROM t2) q(x)' INTO result;
  RETURN 'TABLES' || coalesce(E'\n' || result, '');
END $$;
