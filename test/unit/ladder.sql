-- The timers of an interrupt (src/ladder.c): what is planned, what becomes of a timer that is due, the next round, the order.
-- Ladders and the times at which somebody looks are generated; whoever looks when, each round of each step fires once, in its turn.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_ladder_plan(policy jsonb, opened_at timestamptz, due_at timestamptz, expires_at timestamptz) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_ladder_verdict(policy jsonb, timer jsonb, now timestamptz, status text, claimed_until timestamptz, due_at timestamptz, expires_at timestamptz) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_ladder_next(policy jsonb, timer jsonb, now timestamptz) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_ladder_compare(a jsonb, b jsonb) RETURNS int LANGUAGE c AS 'hitl_test';
SET LOCAL timezone = 'UTC';

-- The plan -----------------------------------------------------------------------------------------------------------

SELECT is(unit_ladder_plan(NULL, '2026-01-01', NULL, NULL), '[]', 'nothing without deadlines and policy');
SELECT is(unit_ladder_plan(NULL, '2026-01-01', '2026-01-02', '2026-01-03') #>> '{}',
  '[{"at": "2026-01-02T00:00:00.000000Z", "kind": "due", "step": 0, "round": 0}, {"at": "2026-01-03T00:00:00.000000Z", "kind": "expiry", "step": 0, "round": 0}]', 'two deadlines');
SELECT is(unit_ladder_plan('{"warn_before_ms": 3600000, "ladder": [{"after_ms": 60000}, {"after_ms": 0}]}', '2026-01-01', NULL, '2026-01-03') #>> '{}',
  '[{"at": "2026-01-02T23:00:00.000000Z", "kind": "warn", "step": 0, "round": 0}, {"at": "2026-01-03T00:00:00.000000Z", "kind": "expiry", "step": 0, "round": 0}, {"at": "2026-01-01T00:01:00.000000Z", "kind": "step", "step": 1, "round": 0}, {"at": "2026-01-01T00:00:00.000000Z", "kind": "step", "step": 2, "round": 0}]',
  'a warning before the second, and the steps from the opening on');
SELECT is(jsonb_array_length(unit_ladder_plan('{"ladder": [{"after_ms": 9300000000000000}]}', '2026-01-01', NULL, NULL)), 0, 'beyond the end of time is never');

-- What becomes of a timer --------------------------------------------------------------------------------------------

CREATE TABLE p AS SELECT '{"warn_before_ms": 3600000, "ladder": [{"after_ms": 60000, "unless_claimed": true}, {"after_ms": 60000}]}'::jsonb AS policy;
SELECT is_empty($$
  SELECT kind, step, status, claim, unit_ladder_verdict(policy, jsonb_build_object('kind', kind, 'step', step, 'round', 0, 'at', '2026-01-01T00:01:00Z'), '2026-01-02', status,
         claim, CASE WHEN has_due THEN '2026-01-01'::timestamptz END, CASE WHEN has_expiry THEN expires_at END), want
  FROM p, (VALUES ('step', 1), ('step', 2), ('step', 3), ('warn', 0), ('due', 0), ('expiry', 0)) t (kind, step), unnest('{pending,decided,expired,cancelled,superseded}'::text[]) status,
       unnest('{NULL,2026-01-01,2026-01-02,2026-01-03,infinity}'::timestamptz[]) claim, unnest('{t,f}'::bool[]) has_due, unnest('{t,f}'::bool[]) has_expiry,
       unnest('{2026-01-01,2026-01-03}'::timestamptz[]) expires_at,
       LATERAL (SELECT CASE WHEN status <> 'pending' THEN 'drops'
                            WHEN kind = 'step' AND step = 3 THEN 'drops'
                            WHEN kind = 'step' AND step = 1 AND claim > '2026-01-02' THEN 'waits'
                            WHEN kind = 'step' THEN 'fires'
                            WHEN kind = 'warn' THEN CASE WHEN has_expiry AND expires_at > '2026-01-02' THEN 'fires' ELSE 'drops' END
                            WHEN kind = 'due' THEN CASE WHEN has_due THEN 'fires' ELSE 'drops' END
                            ELSE CASE WHEN has_expiry THEN 'fires' ELSE 'drops' END END) w (want)
  WHERE unit_ladder_verdict(policy, jsonb_build_object('kind', kind, 'step', step, 'round', 0, 'at', '2026-01-01T00:01:00Z'), '2026-01-02', status,
         claim, CASE WHEN has_due THEN '2026-01-01'::timestamptz END, CASE WHEN has_expiry THEN expires_at END) IS DISTINCT FROM want$$, 'ladder: 1200 timers that are due');

-- The next round -----------------------------------------------------------------------------------------------------
-- To the plan while that lies ahead, else from now on; as many as the step says.

SELECT is_empty($$
  SELECT round, repeats, late, n FROM generate_series(0, 4) round, generate_series(0, 3) repeats, generate_series(0, 50) late,
    LATERAL unit_ladder_next(jsonb_build_object('ladder', jsonb_build_array(jsonb_build_object('after_ms', 0, 'n_repeats', repeats, 'every_ms', 600000))),
                             jsonb_build_object('kind', 'step', 'step', 1, 'round', round, 'at', '2026-01-01T00:00:00Z'), '2026-01-01'::timestamptz + late * interval '1 min') n
  WHERE CASE WHEN round >= repeats THEN n IS NOT NULL
             ELSE (n->>'round')::int <> round + 1
               OR (n->>'at')::timestamptz <> '2026-01-01'::timestamptz + CASE WHEN late < 10 THEN 10 ELSE late + 10 END * interval '1 min' END$$, 'ladder: 1020 next rounds');

-- Whoever looks when -------------------------------------------------------------------------------------------------
-- A ladder, deadlines, and a series of looks, each later than the one before, the last of them again and again until nothing is left.  What fires is
-- recorded; a claim (of some minutes) may hold what waits for it.

CREATE FUNCTION walk(policy jsonb, due_at timestamptz, expires_at timestamptz, looks timestamptz[], claimed_until timestamptz, OUT fired text[], OUT fault text) LANGUAGE plpgsql AS $$
DECLARE
  timers jsonb := unit_ladder_plan(policy, '2026-01-01', due_at, expires_at);
  now timestamptz; timer jsonb; next jsonb; verdict text; last jsonb; i int := 0;
BEGIN
  fired := '{}';
  LOOP
    i := i + 1;
    EXIT WHEN i > 300 OR (i > cardinality(looks) AND jsonb_array_length(timers) = 0);
    now := CASE WHEN i <= cardinality(looks) THEN looks[i] ELSE greatest(now, looks[cardinality(looks)]) + interval '7 min' END;
    last := NULL;
    LOOP
      -- the first of those that are due
      SELECT t INTO timer FROM jsonb_array_elements(timers) t WHERE (t->>'at')::timestamptz <= now
        AND NOT EXISTS (SELECT FROM jsonb_array_elements(timers) o WHERE (o->>'at')::timestamptz <= now AND unit_ladder_compare(o, t) < 0);
      EXIT WHEN NOT FOUND;
      verdict := unit_ladder_verdict(policy, timer, now, 'pending', claimed_until, due_at, expires_at);
      timers := (SELECT coalesce(jsonb_agg(t), '[]') FROM jsonb_array_elements(timers) t WHERE t <> timer);
      CASE verdict
        WHEN 'fires' THEN
          IF last IS NOT NULL AND unit_ladder_compare(last, timer) >= 0 THEN fault := format('%s after %s', timer, last); END IF;
          last := timer;
          IF (timer->>'kind') = 'step' AND (policy #> ARRAY['ladder', (timer->>'step')::int - 1 || '']->>'unless_claimed')::bool AND claimed_until > now THEN fault := 'it was claimed'; END IF;
          fired := fired || format('%s %s.%s', timer->>'kind', timer->>'step', timer->>'round');
          next := unit_ladder_next(policy, timer, now);
          IF next IS NOT NULL THEN
            IF (next->>'at')::timestamptz <= now THEN fault := 'a round that is due at once'; END IF;
            timers := timers || jsonb_build_array(next);
          END IF;
        WHEN 'waits' THEN
          IF claimed_until <= now THEN fault := 'it waits for nothing'; END IF;
          timers := timers || jsonb_build_array(timer || jsonb_build_object('at', claimed_until));
        WHEN 'drops' THEN NULL;
      END CASE;
    END LOOP;
  END LOOP;
  IF i > 300 THEN fault := 'it never ends'; END IF;
END $$;
CREATE TABLE l AS SELECT id, jsonb_build_object('warn_before_ms', CASE WHEN random() < 0.5 THEN (random() * 7200000)::int ELSE 0 END,
    'ladder', (SELECT coalesce(jsonb_agg(jsonb_build_object('after_ms', (random() * 60)::int * 60000, 'unless_claimed', random() < 0.5, 'n_repeats', r, 'every_ms', CASE WHEN r > 0 THEN (1 + (random() * 30)::int) * 60000 ELSE 0 END)), '[]')
               FROM (SELECT CASE WHEN random() < 0.5 THEN (random() * 4)::int ELSE 0 END AS r FROM generate_series(1, 1 + id % 4)) s)) AS policy,
    CASE WHEN random() < 0.7 THEN '2026-01-01'::timestamptz + (random() * 90)::int * interval '1 min' END AS due_at,
    CASE WHEN random() < 0.7 THEN '2026-01-01'::timestamptz + (random() * 180)::int * interval '1 min' END AS expires_at,
    CASE WHEN random() < 0.5 THEN '2026-01-01'::timestamptz + (random() * 120)::int * interval '1 min' END AS claimed_until
  FROM generate_series(1, 400) id;
CREATE FUNCTION looks(n int) RETURNS timestamptz[] LANGUAGE sql VOLATILE AS $$
  SELECT array_agg('2026-01-01'::timestamptz + t * interval '1 s' ORDER BY t) FROM (SELECT DISTINCT (random() * 12000)::int AS t FROM generate_series(1, n)) s $$;
CREATE TABLE w AS SELECT l.*, n, w.* FROM l, unnest('{1,3,40}'::int[]) n, LATERAL walk(policy, due_at, expires_at, looks(n), claimed_until) w;
SELECT is_empty('SELECT * FROM w WHERE fault IS NOT NULL', 'ladder: 1200 walks, each in order, none early');
-- each round of each step once, and each deadline once; a warning once, or not at all when it came too late
SELECT is_empty($$SELECT id, n, fired FROM w
  WHERE cardinality(fired) <> (SELECT count(DISTINCT f) FROM unnest(fired) f)
     OR ARRAY(SELECT f FROM unnest(fired) f WHERE f NOT LIKE 'warn%' ORDER BY f)
        <> ARRAY(SELECT f FROM (SELECT format('step %s.%s', s.place, r) FROM jsonb_array_elements(policy->'ladder') WITH ORDINALITY s (step, place), generate_series(0, (step->>'n_repeats')::int) r
                 UNION ALL SELECT 'due 0.0' WHERE due_at IS NOT NULL UNION ALL SELECT 'expiry 0.0' WHERE expires_at IS NOT NULL) v (f) ORDER BY f)$$, 'ladder: what fires is the same whoever looks when, each once');
SELECT is_empty($$SELECT id, n, fired FROM w, unnest(fired) WITH ORDINALITY a (f, i), unnest(fired) WITH ORDINALITY b (g, j)
  WHERE split_part(f, '.', 1) = split_part(g, '.', 1) AND split_part(f, '.', 2)::int < split_part(g, '.', 2)::int AND i > j$$, 'ladder: its rounds in their order');
-- without a claim, the order of what is planned at the opening does not depend on the looks either
SELECT is_empty($$SELECT a.id FROM w a JOIN w b ON a.id = b.id AND a.n < b.n
  WHERE a.claimed_until IS NULL AND ARRAY(SELECT f FROM unnest(a.fired) WITH ORDINALITY x (f, i) WHERE f LIKE '%.0' AND f NOT LIKE 'warn%' ORDER BY i)
     <> ARRAY(SELECT f FROM unnest(b.fired) WITH ORDINALITY x (f, i) WHERE f LIKE '%.0' AND f NOT LIKE 'warn%' ORDER BY i)$$, 'ladder: nor does the order of the first rounds');
SELECT ok((SELECT sum(cardinality(fired)) FROM w) > 4000, 'ladder: and much was fired');

-- The order is one ---------------------------------------------------------------------------------------------------

CREATE TABLE t AS SELECT jsonb_build_object('at', '2026-01-01'::timestamptz + (i % 2) * interval '1 s', 'kind', kind, 'step', CASE WHEN kind = 'step' THEN 1 + i % 3 ELSE 0 END, 'round', i % 2) AS t
  FROM generate_series(0, 5) i, unnest('{step,warn,due,expiry}'::text[]) kind;
SELECT is_empty('SELECT a.t, b.t FROM t a, t b WHERE unit_ladder_compare(a.t, b.t) <> -unit_ladder_compare(b.t, a.t) OR (unit_ladder_compare(a.t, b.t) = 0) <> (a.t = b.t)', 'ladder: antisymmetric, and nothing is equal to another');
SELECT is_empty('SELECT a.t, b.t, c.t FROM t a, t b, t c WHERE unit_ladder_compare(a.t, b.t) < 0 AND unit_ladder_compare(b.t, c.t) < 0 AND unit_ladder_compare(a.t, c.t) >= 0', 'ladder: transitive');
SELECT * FROM finish();
ROLLBACK;
