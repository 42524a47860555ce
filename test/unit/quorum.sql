-- Votes counted (quorum.c): a table of cases, and laws that hold of thousands of generated sequences of votes: one more approve never takes anything away,
-- the order of different people does not matter, a person counts once, a withdrawal undoes, a veto ends it.  A failure lists the sequences that broke a law.
BEGIN;
SELECT no_plan();
SELECT setseed(0.44);

CREATE FUNCTION unit_tally(policy jsonb, votes jsonb, revision integer, proposed_by text, members jsonb) RETURNS jsonb LANGUAGE c AS 'hitl_test';
CREATE FUNCTION tally(policy jsonb, votes jsonb, revision integer DEFAULT 1, proposed_by text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
  SELECT unit_tally(policy, COALESCE(votes, '[]'), revision, proposed_by, '[{"role": "finance", "persons": ["ada", "bob"]}, {"role": "legal", "persons": ["bob", "cyd"]}, {"role": "empty", "persons": []}]') $$;
CREATE FUNCTION verdict(policy jsonb, votes jsonb, revision integer DEFAULT 1, proposed_by text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$ SELECT tally(policy, votes, revision, proposed_by)->>'verdict' $$;
-- Who is in which group: ada finance, bob both, cyd legal, the others none. A vote as short text: "ada" approves, "ada-" rejects, "ada~" withdraws, "ada>bob" approves in his place, "ada*" edits; "ada'" in revision 2.
CREATE FUNCTION vote(v text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object('voter', p, 'for', s, 'type', CASE WHEN v LIKE '%-%' THEN 'reject' WHEN v LIKE '%*%' THEN 'edit' ELSE 'approve' END, 'withdrawn', v LIKE '%~%', 'revision', CASE WHEN v LIKE '%''%' THEN 2 ELSE 1 END,
    'groups', CASE COALESCE(s, p) WHEN 'ada' THEN '["finance"]' WHEN 'bob' THEN '["finance", "legal"]' WHEN 'cyd' THEN '["legal"]' ELSE '[]'::jsonb END)) FROM (SELECT substring(v FROM '^[a-z]+') AS p, substring(v FROM '>([a-z]+)') AS s) x $$;
CREATE FUNCTION votes(vs text) RETURNS jsonb LANGUAGE sql AS $$ SELECT COALESCE(jsonb_agg(vote(v) ORDER BY n), '[]') FROM regexp_split_to_table(vs, ' ') WITH ORDINALITY t (v, n) WHERE v <> '' $$;

-- Cases ------------------------------------------------------------------------------------------------------------

SELECT is(tally(policy, votes(vs), 1, by), want || jsonb_build_object('missing', COALESCE(want->'missing', '[]')), format('%s: %s%s', COALESCE(policy::text, 'no policy'), vs, ' by ' || by)) FROM (VALUES
  -- without a policy one decides, whatever it is
  (NULL::jsonb, '', NULL, '{"verdict": "wait", "votes": 0, "needed": 1, "missing": ["1 more vote"]}'::jsonb), (NULL, 'ada', NULL, '{"verdict": "passed", "votes": 1, "needed": 1}'), (NULL, 'ada-', NULL, '{"verdict": "rejected", "votes": 1, "needed": 1}'), (NULL, 'ada*', NULL, '{"verdict": "passed", "votes": 1, "needed": 1}'), (NULL, 'ada ada~', NULL, '{"verdict": "wait", "votes": 0, "needed": 1, "missing": ["1 more vote"]}'),
  -- so many
  ('{"quorum": 2}', 'ada', NULL, '{"verdict": "wait", "votes": 1, "needed": 2, "missing": ["1 more vote"]}'), ('{"quorum": 2}', 'ada ada', NULL, '{"verdict": "wait", "votes": 1, "needed": 2, "missing": ["1 more vote"]}'), ('{"quorum": 2}', 'ada bob', NULL, '{"verdict": "passed", "votes": 2, "needed": 2}'), ('{"quorum": 3}', 'ada', NULL, '{"verdict": "wait", "votes": 1, "needed": 3, "missing": ["2 more votes"]}'),
  ('{"quorum": 2}', 'ada bob ada-', NULL, '{"verdict": "rejected", "votes": 1, "needed": 1}'), ('{"quorum": 2}', 'ada- ada bob', NULL, '{"verdict": "passed", "votes": 2, "needed": 2}'), ('{"quorum": 2}', 'ada'' bob', NULL, '{"verdict": "wait", "votes": 1, "needed": 2, "missing": ["1 more vote"]}'),
  -- of each group; who is in two counts for one
  ('{"quorum": {"finance": 1, "legal": 2}}', 'ada cyd', NULL, '{"verdict": "wait", "votes": 2, "needed": 3, "missing": ["1 of legal"]}'), ('{"quorum": {"finance": 1, "legal": 1}}', 'bob', NULL, '{"verdict": "wait", "votes": 1, "needed": 2, "missing": ["1 of legal"]}'), ('{"quorum": {"finance": 1, "legal": 1}}', 'bob ada', NULL, '{"verdict": "passed", "votes": 2, "needed": 2}'),
  ('{"quorum": {"finance": 1, "legal": 1}}', 'ada bob', NULL, '{"verdict": "passed", "votes": 2, "needed": 2}'), ('{"quorum": {"finance": 1, "legal": 1}}', 'bob cyd', NULL, '{"verdict": "passed", "votes": 2, "needed": 2}'), ('{"quorum": {"finance": 1}}', 'cyd eve', NULL, '{"verdict": "wait", "votes": 0, "needed": 1, "missing": ["1 of finance"]}'),
  -- all
  ('{"groups": ["finance", "legal"], "quorum": "all"}', 'ada cyd', NULL, '{"verdict": "wait", "votes": 2, "needed": 3, "missing": ["all who may decide: bob"]}'), ('{"groups": ["finance", "legal"], "quorum": "all"}', 'ada cyd bob', NULL, '{"verdict": "passed", "votes": 3, "needed": 3}'), ('{"quorum": {"finance": "all", "legal": 1}}', 'ada bob', NULL, '{"verdict": "passed", "votes": 3, "needed": 3}'),
  ('{"quorum": {"finance": "all", "legal": 1}}', 'ada cyd', NULL, '{"verdict": "wait", "votes": 2, "needed": 3, "missing": ["all of finance: bob"]}'), ('{"quorum": {"empty": "all"}}', 'ada bob cyd', NULL, '{"verdict": "wait", "votes": 0, "needed": 1, "missing": ["all of empty: nobody is in it who logs in and may decide"]}'),
  -- weighed: as the heaviest group of each
  ('{"quorum": {"weights": {"finance": 2, "legal": 1}, "needed": 3}}', 'bob', NULL, '{"verdict": "wait", "votes": 2, "needed": 3, "missing": ["votes of weight 1"]}'), ('{"quorum": {"weights": {"finance": 2, "legal": 1}, "needed": 3}}', 'bob cyd', NULL, '{"verdict": "passed", "votes": 3, "needed": 3}'), ('{"quorum": {"weights": {"finance": 2, "legal": 1}, "needed": 3}}', 'eve fay gus', NULL, '{"verdict": "wait", "votes": 0, "needed": 3, "missing": ["votes of weight 3"]}'),
  -- rejects: with a veto, without one, of one group
  ('{"quorum": 2, "veto": false}', 'ada-', NULL, '{"verdict": "wait", "votes": 0, "needed": 2, "missing": ["2 more votes"]}'), ('{"quorum": 2, "veto": false}', 'ada- bob-', NULL, '{"verdict": "rejected", "votes": 2, "needed": 2}'), ('{"quorum": 2, "veto": false}', 'ada- bob cyd', NULL, '{"verdict": "passed", "votes": 2, "needed": 2}'), ('{"quorum": 2, "veto": ["legal"], "groups": ["finance"]}', 'ada- ', NULL, '{"verdict": "wait", "votes": 0, "needed": 2, "missing": ["2 more votes"]}'),
  ('{"quorum": 2, "veto": ["legal"], "groups": ["finance"]}', 'cyd-', NULL, '{"verdict": "rejected", "votes": 1, "needed": 1}'), ('{"quorum": {"finance": 1, "legal": 1}, "veto": false}', 'ada- bob-', NULL, '{"verdict": "rejected", "votes": 2, "needed": 2}'), ('{"quorum": 1}', 'ada bob-', NULL, '{"verdict": "rejected", "votes": 1, "needed": 1}'),
  -- in somebody's place: one seat, one vote, and its holder's own word first
  ('{"quorum": 2}', 'eve>ada ada', NULL, '{"verdict": "wait", "votes": 1, "needed": 2, "missing": ["1 more vote"]}'), ('{"quorum": 2}', 'eve>ada fay>ada', NULL, '{"verdict": "wait", "votes": 1, "needed": 2, "missing": ["1 more vote"]}'), ('{"quorum": 2}', 'eve>ada eve', NULL, '{"verdict": "wait", "votes": 1, "needed": 2, "missing": ["1 more vote"]}'), ('{"quorum": 2}', 'eve>ada bob', NULL, '{"verdict": "passed", "votes": 2, "needed": 2}'),
  ('{"quorum": 1, "veto": false}', 'ada- eve>ada', NULL, '{"verdict": "rejected", "votes": 1, "needed": 1}'), ('{"quorum": 2, "veto": false}', 'eve>ada ada ada~ bob', NULL, '{"verdict": "passed", "votes": 2, "needed": 2}'), ('{"quorum": {"finance": "all"}}', 'eve>ada bob', NULL, '{"verdict": "passed", "votes": 2, "needed": 2}'),
  ('{"quorum": 1, "veto": false}', 'eve>ada- fay>ada', NULL, '{"verdict": "passed", "votes": 1, "needed": 1}'), ('{"quorum": 1, "veto": false}', 'eve>ada fay>ada-', NULL, '{"verdict": "rejected", "votes": 1, "needed": 1}'),
  -- who has proposed it may be enough, or may not
  ('{"quorum": 1, "editor_may_decide_alone": false}', 'ada>bob*', 'ada', '{"verdict": "wait", "votes": 1, "needed": 1, "missing": ["somebody other than ada, whose proposal it is"]}'), ('{"quorum": 1, "editor_may_decide_alone": false}', 'bob>ada', 'ada', '{"verdict": "wait", "votes": 1, "needed": 1, "missing": ["somebody other than ada, whose proposal it is"]}'),
  ('{"quorum": 1}', 'ada*', 'ada', '{"verdict": "passed", "votes": 1, "needed": 1}'), ('{"quorum": 1, "editor_may_decide_alone": false}', 'ada*', 'ada', '{"verdict": "wait", "votes": 1, "needed": 1, "missing": ["somebody other than ada, whose proposal it is"]}'), ('{"quorum": 1, "editor_may_decide_alone": false}', 'ada* bob', 'ada', '{"verdict": "passed", "votes": 2, "needed": 1}'),
  ('{"quorum": 1, "editor_may_decide_alone": false}', 'ada* bob>ada', 'ada', '{"verdict": "wait", "votes": 1, "needed": 1, "missing": ["somebody other than ada, whose proposal it is"]}'), ('{"quorum": 1, "editor_may_decide_alone": false}', 'bob', 'ada', '{"verdict": "passed", "votes": 1, "needed": 1}'), ('{"quorum": 1, "editor_may_decide_alone": false}', 'ada', NULL, '{"verdict": "passed", "votes": 1, "needed": 1}')
) c (policy, vs, by, want);

-- Generated sequences ----------------------------------------------------------------------------------------------

CREATE TABLE policies (p integer PRIMARY KEY, policy jsonb);
INSERT INTO policies SELECT row_number() OVER (), policy FROM unnest(ARRAY[NULL, '{}', '{"quorum": 2}', '{"quorum": 3}', '{"quorum": 2, "veto": false}', '{"quorum": 3, "veto": false}', '{"quorum": 2, "veto": ["legal"]}', '{"quorum": {"finance": 1, "legal": 1}}', '{"quorum": {"finance": 2, "legal": 1}, "veto": false}', '{"quorum": {"finance": 1, "legal": 2}}',
  '{"quorum": {"weights": {"finance": 2, "legal": 1}, "needed": 3}}', '{"quorum": {"weights": {"finance": 1, "legal": 3}, "needed": 4}, "veto": false}', '{"groups": ["finance", "legal"], "quorum": "all"}', '{"quorum": {"finance": "all", "legal": 1}, "veto": false}', '{"quorum": 2, "editor_may_decide_alone": false}']::jsonb[]) policy;
CREATE TABLE persons AS SELECT * FROM unnest('{ada, bob, cyd, dan, eve}'::text[]) person;
-- 4000 sequences of up to 9 votes; in a third of them some are in the place of others.
CREATE TABLE s AS SELECT i, i % (SELECT count(*) FROM policies) + 1 AS p, i % 3 = 0 AS has_seats, (SELECT string_agg((ARRAY['ada', 'bob', 'cyd', 'dan', 'eve'])[1 + (random() * 4.99)::int % 5] || CASE WHEN i % 3 = 0 AND random() < 0.4 THEN '>' || (ARRAY['ada', 'bob', 'cyd'])[1 + (random() * 2.99)::int % 3] ELSE '' END
    || (ARRAY['', '', '', '', '', '', '*', '-', '-', '~', '~'])[1 + (random() * 10.99)::int % 11] || CASE WHEN random() < 0.15 THEN '''' ELSE '' END, ' ' ORDER BY n) FROM generate_series(1, (i + (random() * 9)::int) % 10) n) AS vs FROM generate_series(1, 4000) i;
UPDATE s SET vs = '' WHERE vs IS NULL;
ALTER TABLE s ADD policy jsonb, ADD t jsonb, ADD vv jsonb;
UPDATE s SET policy = q.policy, vv = votes(vs) FROM policies q WHERE q.p = s.p;
UPDATE s SET t = tally(policy, vv);
ALTER TABLE persons ADD yes jsonb, ADD away jsonb;
UPDATE persons SET yes = votes(person), away = votes(person || '~');
ANALYZE s;
SELECT is(array_agg(DISTINCT t->>'verdict' ORDER BY t->>'verdict'), '{passed,rejected,wait}', format('sequences: %s, with every verdict', count(*))) FROM s;
SELECT cmp_ok(min(n), '>', 150::bigint, 'sequences: enough of each') FROM (SELECT count(*) AS n FROM s GROUP BY t->>'verdict') x;

SELECT is_empty($$SELECT p, vs, t FROM s WHERE (t->>'verdict' = 'wait') <> (t->'missing' <> '[]') OR (t->>'verdict' <> 'wait' AND (t->>'votes')::int < (t->>'needed')::int)$$, 'law: what waits is missing something, what is decided is not');
SELECT is_empty($$SELECT p, vs, person FROM s, persons WHERE t->>'verdict' = 'passed' AND NOT has_seats AND verdict(policy, s.vv || yes) <> 'passed'$$, 'law: monotone, one more approve of anybody leaves passed what has passed');
SELECT is_empty($$SELECT p, vs, a FROM s, (SELECT a, votes(a) AS w FROM unnest('{new, new>ada, new>bob, new>dan}'::text[]) a) a WHERE t->>'verdict' = 'passed' AND verdict(policy, s.vv || w) <> 'passed'$$, 'law: monotone, also of somebody new in whosever place');
SELECT is_empty($$SELECT p, vs, u FROM s, LATERAL (SELECT tally(policy, s.vv || (SELECT votes('new'))) AS u) u WHERE t->>'verdict' <> 'rejected' AND (u->>'verdict' = 'rejected' OR (u->>'votes')::int < (t->>'votes')::int OR jsonb_array_length(u->'missing') > jsonb_array_length(t->'missing'))$$, 'law: one more approve is never fewer votes, nor more that is missing');
SELECT is_empty($$SELECT p, vs FROM s WHERE t->>'verdict' <> verdict(policy, s.vv || s.vv)$$, 'law: a person counts once, all said twice is said once');
SELECT is_empty($$SELECT p, vs, person FROM s, persons WHERE tally(policy, s.vv || away) <> tally(policy, (SELECT jsonb_agg(v ORDER BY n) FROM jsonb_array_elements(s.vv) WITH ORDINALITY e (v, n) WHERE v->>'voter' <> person OR v->>'revision' <> '1'))$$, 'law: who withdraws might as well not have voted');
SELECT is_empty($$SELECT p, vs FROM s WHERE t <> tally(policy, (SELECT jsonb_agg(v ORDER BY n) FROM jsonb_array_elements(s.vv) WITH ORDINALITY e (v, n) WHERE v->>'revision' = '1'))$$, 'law: votes on another revision do not count');
SELECT is_empty($$SELECT p, vs FROM s WHERE tally(policy, vv, 2) <> tally(policy, (SELECT jsonb_agg(v ORDER BY n) FROM jsonb_array_elements(s.vv) WITH ORDINALITY e (v, n) WHERE v->>'revision' = '2'), 2)$$, 'law: nor do earlier ones');
-- The votes of different people may come in any order, as long as each person's own come in theirs.
SELECT is_empty($$SELECT p, vs FROM s WHERE NOT has_seats AND t->>'verdict' <> verdict(policy, (SELECT jsonb_agg(v ORDER BY md5(vs || (v->>'voter')), n) FROM jsonb_array_elements(s.vv) WITH ORDINALITY e (v, n)))$$, 'law: the order of different people does not matter');
SELECT is_empty($$SELECT p, vs FROM s, LATERAL (SELECT tally(policy, (SELECT jsonb_agg(v ORDER BY md5(vs || (v->>'voter')), n) FROM jsonb_array_elements(s.vv) WITH ORDINALITY e (v, n))) AS u) u WHERE NOT has_seats AND (t->'votes', t->'needed') <> (u->'votes', u->'needed')$$, 'law: nor for how many there are');

-- Against rules of another kind: what stands, worked out in SQL.
CREATE TABLE stands AS SELECT DISTINCT ON (i, v->>'voter') i, v->>'voter' AS voter, v->>'type' AS type, v->'groups' AS groups, (v->>'withdrawn')::boolean AS withdrawn FROM s, jsonb_array_elements(s.vv) WITH ORDINALITY e (v, n) WHERE NOT has_seats AND v->>'revision' = '1' ORDER BY i, v->>'voter', n DESC;
DELETE FROM stands WHERE withdrawn;
SELECT is_empty($$SELECT s.p, vs, t FROM s WHERE NOT has_seats AND COALESCE(policy->'veto', 'true') = 'true' AND (t->>'verdict' = 'rejected') <> EXISTS (SELECT FROM stands r WHERE r.i = s.i AND type = 'reject')$$, 'law: with a veto one reject that stands is the end, and nothing else is');
SELECT is_empty($$SELECT s.p, vs, t FROM s WHERE NOT has_seats AND policy->'veto' = '["legal"]' AND EXISTS (SELECT FROM stands r WHERE r.i = s.i AND type = 'reject' AND groups ? 'legal') AND t->>'verdict' <> 'rejected'$$, 'law: so is one of a group that has it');
SELECT is_empty($$SELECT s.p, vs, t, n FROM s, LATERAL (SELECT count(*) AS n FROM stands r WHERE r.i = s.i AND type <> 'reject') c WHERE NOT has_seats AND jsonb_typeof(COALESCE(policy->'quorum', '1')) = 'number' AND t->>'verdict' <> 'rejected' AND ((t->>'votes')::int <> n OR (t->>'verdict' = 'passed') <> (n >= COALESCE(policy->>'quorum', '1')::int))$$, 'law: so many are so many people');
-- Groups, by Hall: it can be dealt out so if and only if for every set of groups enough votes are in one of them.
SELECT is_empty($$SELECT s.p, vs, t FROM s, LATERAL (SELECT bool_and((SELECT count(*) FROM stands r WHERE r.i = s.i AND type <> 'reject' AND r.groups ?| set) >= (SELECT sum((policy->'quorum'->>g)::int) FROM unnest(set) g)) AS is_enough FROM (VALUES ('{finance}'::text[]), ('{legal}'), ('{finance, legal}')) sets (set)) h
  WHERE NOT has_seats AND policy->'quorum' ?& '{finance, legal}' AND policy->'quorum'->>'finance' <> 'all' AND t->>'verdict' <> 'rejected' AND (t->>'verdict' = 'passed') <> is_enough$$, 'law: of each group so many, and nobody for two');
SELECT is_empty($$SELECT s.p, vs, t, w FROM s, LATERAL (SELECT COALESCE(sum((SELECT COALESCE(max((policy->'quorum'->'weights'->>g)::int), 0) FROM jsonb_array_elements_text(groups) g)), 0) AS w FROM stands r WHERE r.i = s.i AND type <> 'reject') x
  WHERE NOT has_seats AND policy->'quorum' ? 'weights' AND t->>'verdict' <> 'rejected' AND ((t->>'votes')::int <> w OR (t->>'verdict' = 'passed') <> (w >= (policy->'quorum'->>'needed')::int))$$, 'law: weights add up');
SELECT is_empty($$SELECT s.p, vs, t FROM s WHERE policy->>'quorum' = 'all' AND NOT has_seats AND t->>'verdict' <> 'rejected' AND (t->>'verdict' = 'passed') <> ((SELECT count(DISTINCT voter) FROM stands r WHERE r.i = s.i AND type <> 'reject' AND voter IN ('ada', 'bob', 'cyd')) = 3)$$, 'law: all are all');
-- Decided once: the first prefix that decides is followed by approves only, and stays what it was.
SELECT is_empty($$SELECT s.p, vs, m FROM s, LATERAL (SELECT min(m) AS m FROM generate_series(0, jsonb_array_length(s.vv)) m WHERE verdict(policy, (SELECT jsonb_agg(v ORDER BY n) FROM jsonb_array_elements(s.vv) WITH ORDINALITY e (v, n) WHERE n <= m)) <> 'wait') f,
  LATERAL (SELECT (SELECT jsonb_agg(v ORDER BY n) FROM jsonb_array_elements(s.vv) WITH ORDINALITY e (v, n) WHERE n <= m) AS head) h WHERE s.i % 4 = 1 AND NOT has_seats AND m IS NOT NULL AND verdict(policy, head) <> verdict(policy, head || votes('new other'))$$, 'law: what is decided stays so, whoever agrees afterwards');
-- The editor alone.
SELECT is_empty($$SELECT s.p, vs FROM s WHERE NOT has_seats AND policy->'editor_may_decide_alone' = 'false' AND verdict(policy, s.vv, 1, 'ada') = 'passed' AND NOT EXISTS (SELECT FROM stands r WHERE r.i = s.i AND type <> 'reject' AND voter <> 'ada')$$, 'law: an editor is not the only one to approve, if the policy says so');

SELECT * FROM finish();
ROLLBACK;
