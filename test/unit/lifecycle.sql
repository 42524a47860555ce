-- The states of threads, tasks and interrupts, what errors mean, and how long a retry waits (lifecycle.c): against the tables of lifecycle.h
-- written out here, an independent rule in SQL, and random walks.  A failure lists the cases that broke it.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_thread_may_move(text, text) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_task_may_move(text, text) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_interrupt_may_move(text, text) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_thread_has_ended(text) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_step_is_complete(ready int, done int, interrupted int, failed int, waiting int DEFAULT 0) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_thread_status(ready int, done int, interrupted int, failed int, waiting int DEFAULT 0) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_count_move(counts int[], from_ text, to_ text) RETURNS int[] LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_error_verdict(text) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_conflict_delay_ms(int) RETURNS bigint LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_may_retry(retry jsonb, attempt int, sqlstate text) RETURNS boolean LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_crash_delay_ms(int, float8) RETURNS bigint LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_retry_delay_ms(retry jsonb, attempt int, random float8) RETURNS bigint LANGUAGE c AS 'hitl_test';

-- Tables -------------------------------------------------------------------------------------------------------------

SELECT is_empty($$
  WITH legal (from_, to_) AS (SELECT f, unnest(string_to_array(t, ' ')) FROM (VALUES ('running', 'running interrupted done failed cancelled'), ('interrupted', 'running interrupted done failed cancelled'),
    ('failed', 'failed running interrupted done cancelled'), ('done', 'running')) v (f, t)),
  words AS (SELECT unnest('{running,interrupted,done,failed,cancelled}'::text[]) w)
  SELECT a.w, b.w FROM words a, words b WHERE unit_thread_may_move(a.w, b.w) IS DISTINCT FROM ((a.w, b.w) IN (SELECT * FROM legal))$$, 'lifecycle: 25 moves of a thread');
SELECT is_empty($$
  WITH legal (from_, to_) AS (SELECT f, unnest(string_to_array(t, ' ')) FROM (VALUES ('ready', 'done interrupted waiting failed cancelled ready'), ('interrupted', 'done interrupted waiting failed cancelled ready'), ('waiting', 'done interrupted waiting failed cancelled'), ('failed', 'ready interrupted cancelled')) v (f, t)),
  words AS (SELECT unnest('{ready,done,interrupted,waiting,failed,cancelled}'::text[]) w)
  SELECT a.w, b.w FROM words a, words b WHERE unit_task_may_move(a.w, b.w) IS DISTINCT FROM ((a.w, b.w) IN (SELECT * FROM legal))$$, 'lifecycle: 36 moves of a task');
SELECT is_empty($$
  WITH legal (from_, to_) AS (SELECT f, unnest(string_to_array(t, ' ')) FROM (VALUES ('pending', 'decided expired cancelled superseded'), ('decided', 'superseded'), ('expired', 'superseded')) v (f, t)),
  words AS (SELECT unnest('{pending,decided,expired,cancelled,superseded}'::text[]) w)
  SELECT a.w, b.w FROM words a, words b WHERE unit_interrupt_may_move(a.w, b.w) IS DISTINCT FROM ((a.w, b.w) IN (SELECT * FROM legal))$$, 'lifecycle: 25 moves of an interrupt');
SELECT is_empty($$SELECT w FROM unnest('{running,interrupted,done,failed,cancelled}'::text[]) w WHERE unit_thread_has_ended(w) <> (w IN ('done', 'cancelled'))$$, 'lifecycle: two ends of a thread');
-- What has ended moves nowhere, but for what is done, which takes more input.
SELECT is_empty($$SELECT w FROM unnest('{running,interrupted,done,failed,cancelled}'::text[]) w, unnest('{running,interrupted,done,failed,cancelled}'::text[]) v WHERE unit_thread_has_ended(w) AND unit_thread_may_move(w, v) AND (w, v) <> ('done', 'running')$$,
  'lifecycle: an end is an end');
SELECT is_empty($$
  SELECT r, d, i, f, w FROM generate_series(0, 4) r, generate_series(0, 4) d, generate_series(0, 4) i, generate_series(0, 4) f, generate_series(0, 2) w
  WHERE unit_step_is_complete(r, d, i, f, w) <> (r + i + f + w = 0)
     OR unit_thread_status(r, d, i, f, w) <> CASE WHEN r + w > 0 THEN 'running' WHEN f > 0 THEN 'failed' WHEN i > 0 THEN 'interrupted' ELSE 'running' END$$, 'lifecycle: the state of a thread, of 1875 sets of tasks');
-- Monotone: more that is done, or one task less that is ready, never makes a complete step incomplete.
SELECT is_empty($$SELECT r, d, i, f FROM generate_series(1, 4) r, generate_series(0, 4) d, generate_series(0, 4) i, generate_series(0, 4) f
  WHERE unit_step_is_complete(r, d, i, f) AND NOT unit_step_is_complete(r - 1, d + 1, i, f)$$, 'lifecycle: a step is completed once');
SELECT is_empty($$
  SELECT code, unit_error_verdict(code), want FROM (VALUES ('40001', 'retry'), ('40P01', 'retry'), ('55P03', 'retry'), ('53000', 'put back'), ('53100', 'put back'), ('53200', 'put back'), ('53300', 'put back'), ('53400', 'put back'),
    ('57P01', 'put back'), ('57P02', 'put back'), ('57P03', 'put back'), ('57P04', 'put back'), ('57P05', 'put back'), ('58000', 'put back'), ('58030', 'put back'), ('58P01', 'put back'), ('58P02', 'put back'),
    ('57014', 'fail'), ('57000', 'fail'), ('40000', 'fail'), ('40002', 'fail'), ('40003', 'fail'), ('55006', 'fail'), ('55000', 'fail'), ('P0001', 'fail'), ('P0004', 'fail'), ('22012', 'fail'), ('23505', 'fail'), ('42501', 'fail'),
    ('XX000', 'fail'), ('XX001', 'fail'), ('IH001', 'fail'), ('IH007', 'fail'), ('38000', 'fail'), ('00000', 'fail')) v (code, want) WHERE unit_error_verdict(code) <> want$$, 'lifecycle: what 35 errors of a node mean');
-- Every code of the classes 53, 57P, 58, and of none else but the three.
SELECT is_empty($$
  WITH digits AS (SELECT unnest(string_to_array('0 1 2 3 4 5 6 7 8 9 P A Z', ' ')) d), codes AS (SELECT class || a.d || b.d || c.d AS code FROM unnest('{40,53,55,57,58,XX}'::text[]) class, digits a, digits b, digits c)
  SELECT code FROM codes WHERE unit_error_verdict(code) <> CASE WHEN code IN ('40001', '40P01', '55P03') THEN 'retry' WHEN code ~ '^(53|58)' OR code ~ '^57P0[1-5]' THEN 'put back' ELSE 'fail' END$$,
  'lifecycle: 13182 codes by their class');
SELECT is(array_agg(unit_conflict_delay_ms(n) ORDER BY n), '{100,100,200,400,800,1600,3200,6400,12800,25600,51200,60000,60000}', 'lifecycle: delays double, up to a minute') FROM generate_series(-1, 11) n;
SELECT is(unit_conflict_delay_ms(2147483647), 60000::bigint, 'lifecycle: and stay there');
SELECT is(array_agg(unit_crash_delay_ms(n, 0) ORDER BY n), '{1000,2000,4000,8000,16000,32000,60000,60000}', 'lifecycle: so do those after a crash') FROM generate_series(1, 8) n;
SELECT is_empty($$SELECT n, r, d FROM generate_series(1, 1000) i, LATERAL (SELECT i % 20 + 1, random()) x(n, r), LATERAL unit_crash_delay_ms(n, r) d
  WHERE abs(d - (1 + r) * unit_crash_delay_ms(n, 0)) > 1$$, 'lifecycle: to which chance adds up to as much');

-- Random walks -------------------------------------------------------------------------------------------------------
-- The tasks of a super-step move, one at a time, each by a legal move, until all are over or the walk is long enough.  What the thread's row
-- counts is kept by moves alone; it must be what one gets by counting, at each moment, and the thread must be able to become what that makes of it.

CREATE FUNCTION walk(n_tasks int, n_moves int, OUT fault text, OUT moves int) LANGUAGE plpgsql AS $$
DECLARE
  tasks text[] := array_fill('ready'::text, ARRAY[n_tasks]);
  counts int[] := ARRAY[n_tasks, 0, 0, 0, 0];
  counted int[];
  status text := 'running';
  next text;
  i int;
BEGIN
  moves := 0;
  WHILE moves < n_moves AND fault IS NULL LOOP
    i := 1 + floor(random() * n_tasks);
    next := (ARRAY['ready', 'done', 'interrupted', 'waiting', 'failed', 'cancelled'])[1 + floor(random() * 6)];
    -- most cases are no legal moves of a task that is over
    IF NOT unit_task_may_move(tasks[i], next) THEN
      EXIT WHEN NOT tasks && '{ready,interrupted,waiting,failed}';
      CONTINUE;
    END IF;
    counts := unit_count_move(counts, tasks[i], next);
    tasks[i] := next;
    moves := moves + 1;
    SELECT ARRAY[count(*) FILTER (WHERE t = 'ready'), 0, count(*) FILTER (WHERE t = 'interrupted'), count(*) FILTER (WHERE t = 'failed'), count(*) FILTER (WHERE t = 'waiting')] INTO counted FROM unnest(tasks) t;
    IF counts <> counted THEN fault := format('%s is counted as %s', tasks, counts); END IF;
    next := unit_thread_status(counts[1], counts[2], counts[3], counts[4], counts[5]);
    IF NOT unit_thread_may_move(status, next) THEN fault := format('a thread goes from %s to %s', status, next); END IF;
    IF unit_step_is_complete(counts[1], counts[2], counts[3], counts[4], counts[5]) <> (tasks <@ '{done,cancelled}') THEN fault := format('%s: is it complete?', tasks); END IF;
    status := next;
  END LOOP;
END $$;
CREATE TABLE walk AS SELECT w.* FROM generate_series(1, 2000) id, LATERAL walk(1 + id % 7, 30) w;
SELECT is_empty('SELECT fault FROM walk WHERE fault IS NOT NULL', format('lifecycle: %s moves of tasks on 2000 walks are counted right, and the thread goes with them', (SELECT sum(moves) FROM walk)));
SELECT ok((SELECT sum(moves) FROM walk) > 10000, 'lifecycle: and they went far');

-- Retries ------------------------------------------------------------------------------------------------------------
-- The delay is initial_interval * backoff_factor ^ (attempt - 1), at most max_interval; with jitter up to a second more.

CREATE TABLE p AS SELECT id, jsonb_build_object('max_attempts', 1 + (random() * 999)::int,
    'initial_interval', CASE WHEN id % 10 = 0 THEN 0 WHEN id % 10 = 1 THEN 86400 ELSE round((random() * 10)::numeric, 3) END,
    'backoff_factor', CASE WHEN id % 7 = 0 THEN 1 WHEN id % 7 = 1 THEN 100 ELSE round((1 + random() * 5)::numeric, 2) END,
    'max_interval', CASE WHEN id % 9 = 0 THEN 0 WHEN id % 9 = 1 THEN 2592000 ELSE round((random() * 300)::numeric, 3) END, 'jitter', false) AS retry FROM generate_series(1, 1000) id;
CREATE FUNCTION delay_rule(retry jsonb, attempt int) RETURNS numeric LANGUAGE sql AS $$
  SELECT LEAST((retry->>'initial_interval')::numeric * (retry->>'backoff_factor')::numeric ^ (attempt - 1), (retry->>'max_interval')::numeric) * 1000 $$;
SELECT is_empty($$SELECT retry, attempt, unit_retry_delay_ms(retry, attempt, 0.5), delay_rule(retry, attempt) FROM p, generate_series(1, 12) attempt WHERE abs(unit_retry_delay_ms(retry, attempt, 0.5) - delay_rule(retry, attempt)) > 1$$,
  'retry: 12000 delays are what the policy says, to the millisecond');
SELECT is_empty($$SELECT retry, attempt FROM p, (VALUES (1), (2), (3), (10), (50), (154), (155), (1000), (100000), (2147483646)) a (attempt)
  WHERE unit_retry_delay_ms(retry, attempt + 1, 0) < unit_retry_delay_ms(retry, attempt, 0)$$, 'retry: a later one waits no shorter');
SELECT is_empty($$SELECT retry, attempt, d FROM p, (VALUES (1), (2), (50), (154), (155), (1000), (100000), (2147483647)) a (attempt), LATERAL unit_retry_delay_ms(retry, attempt, 0) d
  WHERE d < 0 OR d > 1000 * (retry->>'max_interval')::numeric$$, 'retry: nor longer than max_interval, however many there were');
SELECT is_empty($$SELECT retry, attempt, r, d FROM p, (VALUES (1), (5), (1000), (2147483647)) a (attempt), (VALUES (0.0), (0.001), (0.5), (0.999999)) v (r), LATERAL (SELECT unit_retry_delay_ms(retry || '{"jitter": true}', attempt, r) - unit_retry_delay_ms(retry, attempt, r)) x (d)
  WHERE d NOT BETWEEN 1000 * r - 1 AND 1000 * r + 1$$, 'retry: jitter adds that part of a second, to the millisecond');
SELECT is_empty($$SELECT factor, attempt FROM (VALUES (1), (2), (100)) f (factor), (VALUES (1), (2), (155), (1000), (2147483647)) a (attempt)
  WHERE unit_retry_delay_ms(jsonb_build_object('initial_interval', 0, 'backoff_factor', factor, 'jitter', false), attempt, 0.5) <> 0$$, 'retry: with initial_interval 0 there is no wait, after the thousandth failure either');
SELECT is(array_agg(unit_retry_delay_ms('{"jitter": false}', n, 0) ORDER BY n), '{500,1000,2000,4000,8000,16000,32000,64000,128000,128000}', 'retry: the defaults are LangGraph''s') FROM generate_series(1, 10) n;

-- Whether there is a next attempt at all.
CREATE TABLE c AS SELECT id, 1 + id % 5 AS max_attempts, ARRAY(SELECT left(code, CASE WHEN random() < 0.4 THEN 2 ELSE 5 END) FROM unnest('{08006,23505,40001,57014,P0001,P0002,22012,IH007}'::text[]) code WHERE random() < (id % 4) / 6.0) AS retry_on FROM generate_series(1, 1000) id;
SELECT is_empty($$SELECT max_attempts, retry_on, attempt, code FROM c, generate_series(1, 6) attempt, unnest('{08006,08001,23505,23503,57014,P0001,P0003,22012,XX000}'::text[]) code
  WHERE unit_may_retry(jsonb_build_object('max_attempts', max_attempts) || CASE WHEN retry_on = '{}' THEN '{}' ELSE jsonb_build_object('retry_on', retry_on) END, attempt, code)
    IS DISTINCT FROM (attempt < max_attempts AND (retry_on = '{}' OR EXISTS (SELECT FROM unnest(retry_on) o WHERE code = o OR length(o) = 2 AND code LIKE o || '%')))$$,
  'retry: 54000 failures, by number and by SQLSTATE');
SELECT is_empty($$SELECT code FROM unnest('{08006,23505,P0001}'::text[]) code WHERE unit_may_retry(NULL, 1, code)$$, 'retry: where nothing is said there is none');

SELECT * FROM finish();
ROLLBACK;
