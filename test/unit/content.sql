-- What a vote is bound to, as a hash (content.c): against vectors that another program (Python's hashlib) has computed from the
-- description of the encoding, and against what jsonb itself holds equal, for thousands of generated values.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_content(payload jsonb, key text, proposal jsonb) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_difference(payload_a jsonb, key_a text, payload_b jsonb, key_b text) RETURNS text LANGUAGE c AS 'hitl_test';

-- Vectors ------------------------------------------------------------------------------------------------------------

SELECT is(unit_content(payload::jsonb, key, proposal::jsonb), want, 'vector: ' || COALESCE(payload, 'NULL') || COALESCE(' ' || proposal, '')) FROM (VALUES
  ('{"action": "refund", "args": {"ok": true, "bad": false, "none": null, "note": "caf\u00e9", "lines": [1, 0.50, -2.0, [], {}], "amount": 4.8e3}}', '#1', NULL, '018c9fa379cf5124203a65091ec31d0b2d5009b1b6a1aa1e8d44c28f2872a2dd'),
  (NULL, '#1', NULL, '8cb33a13d01f37cb6092120e9217dd72fd4fe162eaccfe7d49752cc1d3191d06'),
  ('null', '#1', NULL, '10a318f678634dad54421487b4b6b198782dbed3dcd515d39db24258cb8a79ba'),
  ('{"x": 1}', 'k', NULL, '8668400f0d23a3c6ae66162f5f5fd24d1b8ab81a528594fc034437fad62720bd'),
  ('{"x": 1.00, "description": "now", "context": [1], "allowed": ["approve"]}', 'k', NULL, '8668400f0d23a3c6ae66162f5f5fd24d1b8ab81a528594fc034437fad62720bd'),
  ('"text"', 'k', NULL, '665280b318e74fc1f32496842c66253b09d35bac79b50115e561b4c26eb30bdc'),
  ('["text"]', 'k', NULL, '5fef62f078cb78577e66263d3e421a8d3ff04cbbadd571958f7c8c0c01830c97'),
  ('{"action": "refund", "args": {"amount": 4800}}', 'refund', '{"type": "edit", "edits": {"amount": 400.0}}', '63ff2d921142ebc4d0caab396b55054462e4ea7a5f85e9f5c2d2664faa0f130d'),
  ('{"action": "refund"}', 'refund', NULL, '43ea3c7954788a7517db26c6abded29fb2a28eac6f3873237ca5b6342b853434'),
  ('{"args": {}}', 'refund', NULL, 'c7bf00a87bab9d410bd91e083a77da91263da7952438ce1b447ceac3dd0703f4'),
  ('{"args": 1e40}', 'refund', NULL, '3abc63ba60d5f8deb599614f279d66d3ecb8bf0c7290e363985dc3c1231d8c3b')) v (payload, key, proposal, want);

-- What a decision is not bound to, and what it is --------------------------------------------------------------------

SELECT is(unit_content('{"action": "a", "args": {"x": 1}, "description": "at noon", "context": 1, "more": 2}', 'k', NULL), unit_content('{"action": "a", "args": {"x": 1}}', 'k', NULL), 'beside action and args the payload does not count');
SELECT is(count(DISTINCT h), 12::bigint, 'twelve contents that are easily taken for each other') FROM (VALUES
  (unit_content('{"action": "a", "args": "b"}', 'k', NULL)), (unit_content('{"action": "ab"}', 'k', NULL)), (unit_content('{"args": "ab"}', 'k', NULL)), (unit_content('{"action": "b", "args": "a"}', 'k', NULL)),
  (unit_content('{"action": "a", "args": "b"}', 'kk', NULL)), (unit_content('{"action": "a", "args": ["b"]}', 'k', NULL)), (unit_content('{"action": "a", "args": {"b": null}}', 'k', NULL)), (unit_content('{"action": "a", "args": {"b": "null"}}', 'k', NULL)),
  (unit_content('{"action": "a", "args": {"b": false}}', 'k', NULL)), (unit_content('{"action": "a", "args": {"b": [[1], 2]}}', 'k', NULL)), (unit_content('{"action": "a", "args": {"b": [[1, 2]]}}', 'k', NULL)),
  (unit_content('{"action": "a", "args": "b"}', 'k', 'null'))) v (h);
SET LOCAL extra_float_digits = 0;
SET LOCAL bytea_output = 'escape';
SET LOCAL timezone = 'Asia/Kathmandu';
SELECT is(unit_content('{"x": 1}', 'k', NULL), '8668400f0d23a3c6ae66162f5f5fd24d1b8ab81a528594fc034437fad62720bd', 'a hash does not depend on settings');
RESET timezone;
RESET bytea_output;
RESET extra_float_digits;
SELECT is(length(unit_content(('{"args": ' || repeat('[', 5000) || repeat(']', 5000) || '}')::jsonb, 'k', NULL)), 64, 'five thousand levels deep');

-- Generated ----------------------------------------------------------------------------------------------------------

-- A value of a few kinds with few members, so that pairs of equal ones are common; numbers are written in many ways.
CREATE FUNCTION generated(depth integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  kind integer := floor(random() * CASE WHEN depth > 0 THEN 7 ELSE 5 END);
  key text[] := ARRAY['a', 'b', 'aa', 'é', ''];
BEGIN
  RETURN CASE kind
    WHEN 0 THEN 'null'
    WHEN 1 THEN (ARRAY['true', 'false'])[1 + floor(random() * 2)::integer]
    WHEN 2 THEN (ARRAY['1', '1.0', '1.00', '1e0', '10e-1', '0', '-0', '0.000', '100', '1e2', '1.0E+2', '-1', '0.1', '0.10', '1e-1'])[1 + floor(random() * 15)::integer]
    WHEN 3 THEN to_json((ARRAY['', 'a', '1', '1.0', 'null', 'é', E'a\tb'])[1 + floor(random() * 7)::integer])::text
    WHEN 4 THEN (ARRAY['[]', '{}'])[1 + floor(random() * 2)::integer]
    WHEN 5 THEN '[' || generated(depth - 1) || CASE WHEN random() < 0.5 THEN ', ' || generated(depth - 1) ELSE '' END || ']'
    ELSE '{' || to_json(key[1 + floor(random() * 5)::integer])::text || ': ' || generated(depth - 1) || ', ' || to_json(key[1 + floor(random() * 5)::integer])::text || ': ' || generated(depth - 1) || '}'
  END;
END $$;

CREATE TABLE v AS SELECT n, generated(2)::jsonb AS args FROM generate_series(1, 1500) n;
CREATE TABLE h AS SELECT n, args, unit_content(jsonb_build_object('action', 'a', 'args', args), 'k', NULL) AS args_hash,
  unit_content(jsonb_build_object('x', args), 'k', NULL) AS payload_hash, unit_content(NULL, 'k', args) AS proposal_hash FROM v;
-- args of null are no args, as a question reads them
SELECT is_empty($$SELECT a.args, b.args FROM h a, h b WHERE a.n < b.n AND (a.args = b.args) <> (a.args_hash = b.args_hash) LIMIT 3$$, 'equal as jsonb, equal as a hash: over a million pairs of args');
SELECT is_empty($$SELECT a.args, b.args FROM h a, h b WHERE a.n < b.n AND (a.args = b.args) <> (a.payload_hash = b.payload_hash) LIMIT 3$$, 'and of payloads without action or args');
SELECT is_empty($$SELECT a.args, b.args FROM h a, h b WHERE a.n < b.n AND (a.args = b.args) <> (a.proposal_hash = b.proposal_hash) LIMIT 3$$, 'and of proposals');
SELECT ok(count(*) FILTER (WHERE a.args = b.args AND a.args::text <> b.args::text) > 1000 AND count(*) FILTER (WHERE a.args <> b.args) > 100000, 'there were enough of both')
  FROM h a, h b WHERE a.n < b.n;
-- The same question in the eyes of who compares them when a node runs again.
CREATE TABLE q AS SELECT n, CASE n % 4 WHEN 0 THEN args WHEN 1 THEN jsonb_build_object('args', args) WHEN 2 THEN jsonb_build_object('action', 'a', 'args', args, 'description', n) ELSE jsonb_build_object('action', 'a', 'x', args) END AS payload,
  CASE WHEN n % 3 = 0 THEN 'k' ELSE 'l' END AS key FROM v WHERE n <= 300;
SELECT is_empty($$SELECT a.payload, a.key, b.payload, b.key FROM q a, q b WHERE a.n < b.n
  AND (unit_difference(a.payload, a.key, b.payload, b.key) IS NULL) <> (unit_content(a.payload, a.key, NULL) = unit_content(b.payload, b.key, NULL)) LIMIT 3$$, 'two questions are the same if and only if their hashes are');
-- A proposal counts, whatever it is.
SELECT is_empty($$SELECT args FROM h WHERE unit_content(jsonb_build_object('action', 'a', 'args', args), 'k', args) = args_hash$$, 'a question with a proposal is not the question as asked');

SELECT * FROM finish();
ROLLBACK;
