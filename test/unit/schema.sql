-- JSON Schema (schema.c) and its patterns (pattern.c): a table of cases for each keyword with the meaning that the standard gives it, what is said of
-- a value that does not fit, which schemas are refused, and thousands of generated pairs against a validator written in SQL.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_schema_faults(schema jsonb) RETURNS text[] LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_schema_violation(schema jsonb, value jsonb) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_pattern_fault(pattern text) RETURNS text LANGUAGE c AS 'hitl_test';
CREATE FUNCTION unit_pattern_matches(pattern text, string text) RETURNS boolean LANGUAGE c AS 'hitl_test';

-- Which values fit -----------------------------------------------------------------------------------------------------
-- A line per schema: values that fit, values that do not.

CREATE TABLE cases (schema jsonb, fit jsonb, unfit jsonb);
INSERT INTO cases VALUES
  -- a schema without keywords, and the two that are no object
  ('{}', '[null, true, 1, "x", [], {}]', '[]'), ('true', '[null, false, 0, "", [1], {"a": 1}]', '[]'), ('false', '[]', '[null, true, 1, "x", [], {}]'),
  ('{"title": "t", "description": "d", "default": 5, "examples": [1], "$schema": "urn:a"}', '[null, 1, "x", {}]', '[]'),
  -- type
  ('{"type": "null"}', '[null]', '[0, "", false, [], {}, "null"]'), ('{"type": "boolean"}', '[true, false]', '[0, 1, "true", null, []]'), ('{"type": "string"}', '["", "x", "1"]', '[1, null, true, ["x"], {}]'),
  ('{"type": "number"}', '[0, 1.5, -1e30, 1]', '["1", null, true, [1]]'), ('{"type": "integer"}', '[0, -7, 1.0, 1e3, 123456789012345678901234567890]', '[1.5, "1", null, 1.0000000001, true]'),
  ('{"type": "array"}', '[[], [1, "a"], [[]]]', '[{}, "[]", null, 0]'), ('{"type": "object"}', '[{}, {"a": 1}]', '[[], "{}", null]'),
  ('{"type": ["integer", "string"]}', '[1, "x", 1.0]', '[1.1, null, true, [], {}]'), ('{"type": ["null"]}', '[null]', '[0]'), ('{"type": ["array", "object", "null"]}', '[[], {}, null]', '[0, "", false]'),
  -- const and enum: equal as numbers, not as words; false is not 0
  ('{"const": 2}', '[2, 2.0]', '["2", 3, [2], {"a": 2}]'), ('{"const": null}', '[null]', '[0, false, ""]'), ('{"const": {"a": 1, "b": [false]}}', '[{"b": [false], "a": 1.0}]', '[{"a": 1}, {"a": 1, "b": [0]}, {"a": 1, "b": [false], "c": 1}]'),
  ('{"const": false}', '[false]', '[0, null, [false], true]'), ('{"const": [1]}', '[[1]]', '[1, [1, 1], ["1"], [[1]]]'), ('{"const": 0}', '[0, 0.0]', '[false, "0", null, []]'),
  ('{"enum": [6, "foo", [], true, {"foo": 12}]}', '[6, "foo", [], true, {"foo": 12}, 6.0]', '[null, 7, "fo", [1], false, {"foo": false}, {"foo": 12, "boo": 42}]'), ('{"enum": [[false]]}', '[[false]]', '[[0], false]'), ('{"enum": ["a\nb"]}', '["a\nb"]', '["ab", "a b"]'),
  -- limits of numbers, of numbers only
  ('{"minimum": 1.1}', '[2.6, 1.1, "x", null, [], true]', '[0.6, 1.09, -5]'), ('{"maximum": 3.0}', '[2.6, 3, 3.00, "x"]', '[3.5, 3.0001, 1e400]'), ('{"exclusiveMinimum": 1.1}', '[1.2, "x"]', '[1.1, 1.10, 0]'), ('{"exclusiveMaximum": 3}', '[2.9999, -5, "x"]', '[3, 3.0, 3.5]'),
  ('{"minimum": -2, "exclusiveMaximum": 2}', '[-2, 0, 1.99]', '[-2.0001, 2, 5]'), ('{"minimum": 5, "maximum": 4}', '["x"]', '[4, 4.5, 5]'),
  ('{"maximum": 9007199254740993}', '[9007199254740993]', '[9007199254740994]'), ('{"minimum": 0.1}', '[0.1, 0.10000000000000000001]', '[0.09999999999999999999]'),
  -- lengths of strings: characters
  ('{"minLength": 2}', '["fo", "foo", "\u00e4\u00f6", 1, null, [1]]', '["f", "", "\u00e4", "\ud83d\ude00"]'), ('{"maxLength": 2}', '["f", "fo", "", "\ud83d\ude00\ud83d\ude00", 100]', '["foo", "\u00e4\u00f6\u00fc"]'), ('{"minLength": 2.0, "maxLength": 3}', '["ab", "abc"]', '["a", "abcd"]'), ('{"maxLength": 0}', '["", 5]', '["a"]'),
  -- patterns are not anchored
  ('{"pattern": "^a*$"}', '["aaa", "", 1, null, {}]', '["abc", "b"]'), ('{"pattern": "a+"}', '["xxaayy", "a"]', '["xyz", ""]'), ('{"pattern": "^[A-Z]{2}\\d+$"}', '["AT12"]', '["at12", "AT", "XAT12", "AT12\n"]'),
  -- arrays
  ('{"items": {"type": "integer"}}', '[[1, 2, 3], [], {"foo": "bar"}, "x"]', '[[1, "x"], ["x"], [1, [1]]]'), ('{"items": true}', '[[1, "x"], []]', '[]'), ('{"items": false}', '[[], 1]', '[[1]]'), ('{"items": {"items": {"type": "number"}}}', '[[[1], []], [1], [[]]]', '[[[1], ["x"]]]'),
  ('{"minItems": 1}', '[[1], [1, 2], "", {}]', '[[]]'), ('{"maxItems": 2}', '[[], [1, 2], "foobar"]', '[[1, 2, 3]]'), ('{"minItems": 2, "maxItems": 2, "items": {"type": "string"}}', '[["a", "b"]]', '[["a"], ["a", "b", "c"], ["a", 1]]'),
  -- objects
  ('{"properties": {"foo": {"type": "integer"}, "bar": {"type": "string"}}}', '[{"foo": 1, "bar": "x"}, {}, {"quux": []}, [], 12]', '[{"foo": 1, "bar": {}}, {"foo": [], "bar": {}}, {"foo": "1"}]'), ('{"properties": {"foo": true, "bar": false}}', '[{}, {"foo": 1}]', '[{"bar": 2}, {"foo": 1, "bar": 2}]'),
  ('{"properties": {"foo": {"type": "null"}}}', '[{"foo": null}]', '[{"foo": 0}]'), ('{"properties": {"foo\nbar": {"type": "number"}, "foo\"bar": {"type": "number"}}}', '[{"foo\nbar": 1, "foo\"bar": 1}]', '[{"foo\nbar": "1"}, {"foo\"bar": "1"}]'),
  ('{"properties": {"type": {"type": "string"}, "required": {"type": "array"}}}', '[{"type": "x", "required": []}]', '[{"type": 1}, {"required": {}}]'),
  ('{"required": ["foo"]}', '[{"foo": 1}, {"foo": null}, [], "", 12]', '[{}, {"bar": 1}, {"Foo": 1}]'), ('{"required": []}', '[{}, {"a": 1}]', '[]'), ('{"required": ["a", "b"], "properties": {"a": {}}}', '[{"a": 1, "b": 2}]', '[{"a": 1}, {"b": 1}]'),
  ('{"additionalProperties": false}', '[{}, [], 1]', '[{"a": 1}]'), ('{"properties": {"foo": {}, "bar": {}}, "additionalProperties": false}', '[{"foo": 1}, {"foo": 1, "bar": 2}, {}]', '[{"foo": 1, "quux": "x"}]'), ('{"properties": {"foo": {}}, "additionalProperties": {"type": "boolean"}}', '[{"foo": 1}, {"foo": 1, "x": true}]', '[{"foo": 1, "x": 12}]'),
  ('{"additionalProperties": {"type": "integer"}}', '[{"a": 1, "b": 2}]', '[{"a": 1, "b": "x"}]'), ('{"additionalProperties": true}', '[{"a": 1}]', '[]'),
  -- a key beside it does not reach into additionalProperties
  ('{"anyOf": [{"properties": {"foo": {}}}], "additionalProperties": {"type": "boolean"}}', '[{"foo": true}]', '[{"foo": 1, "bar": 1}]'),
  -- anyOf
  ('{"anyOf": [{"type": "integer"}, {"minimum": 2}]}', '[1, 2.5, 3, "x"]', '[1.5]'), ('{"anyOf": [{"type": "string"}, {"type": "null"}]}', '["x", null]', '[1, false]'), ('{"type": "string", "anyOf": [{"maxLength": 2}, {"minLength": 4}]}', '["fo", "foob"]', '[3, "foo"]'), ('{"anyOf": [false, true]}', '[1]', '[]'), ('{"anyOf": [false]}', '[]', '[1, null]'),
  -- all of it: the arguments of a refund
  ('{"type": "object", "properties": {"order": {"type": "string", "pattern": "^[A-Z]-[0-9]+$"}, "amount": {"type": "number", "exclusiveMinimum": 0, "maximum": 5000}, "tags": {"type": "array", "items": {"enum": ["late", "broken"]}, "maxItems": 2}, "note": {"type": ["string", "null"]}}, "required": ["order", "amount"], "additionalProperties": false}',
   '[{"order": "A-2", "amount": 4000}, {"order": "B-77", "amount": 0.01, "tags": ["late"], "note": null}]', '[{"order": "A-2"}, {"order": "A-2", "amount": 0}, {"order": "A-2", "amount": "4000"}, {"order": "A-2", "amount": 5000.01}, {"order": "a-2", "amount": 1}, {"order": "A-2", "amount": 1, "to": "me"}, {"order": "A-2", "amount": 1, "tags": ["lost"]}, {"order": "A-2", "amount": 1, "tags": ["late", "late", "late"]}, {"order": "A-2", "amount": 1, "note": 5}, []]');
SELECT is_empty('SELECT schema, unit_schema_faults(schema) FROM cases WHERE unit_schema_faults(schema) <> ''{}''', 'schema: those of the table have no fault');
SELECT is_empty('SELECT schema, v, unit_schema_violation(schema, v) FROM cases, jsonb_array_elements(fit) v WHERE unit_schema_violation(schema, v) IS NOT NULL', format('schema: %s values that fit', (SELECT sum(jsonb_array_length(fit)) FROM cases)));
SELECT is_empty('SELECT schema, v FROM cases, jsonb_array_elements(unfit) v WHERE unit_schema_violation(schema, v) IS NULL', format('schema: %s values that do not', (SELECT sum(jsonb_array_length(unfit)) FROM cases)));
-- the same one level deeper, as a property and as an element
SELECT is_empty($$SELECT schema, v, is_fit FROM (SELECT schema, v, true FROM cases, jsonb_array_elements(fit) v UNION ALL SELECT schema, v, false FROM cases, jsonb_array_elements(unfit) v) c (schema, v, is_fit)
  WHERE (unit_schema_violation(jsonb_build_object('properties', jsonb_build_object('p', schema)), jsonb_build_object('p', v)) IS NULL) <> is_fit OR (unit_schema_violation(jsonb_build_object('items', schema), jsonb_build_array(v)) IS NULL) <> is_fit
     OR (unit_schema_violation(jsonb_build_object('additionalProperties', schema), jsonb_build_object('other', v)) IS NULL) <> is_fit$$, 'schema: as a property, an element and an additional property');
SELECT is(unit_schema_violation('{"type": "null"}', NULL), NULL, 'schema: SQL''s NULL is null');

-- What is said ----------------------------------------------------------------------------------------------------------
-- The place and the rule; never the value.

SELECT is(unit_schema_violation(schema, value), want, 'schema: ' || want) FROM (VALUES
  ('{"type": "object"}'::jsonb, '5'::jsonb, '$ is not of type object'), ('{"type": ["integer", "null"]}', '"secret"', '$ is not of type integer or null'), ('{"properties": {"amount": {"minimum": 0}}}', '{"amount": -1}', '$.amount is less than 0'), ('{"properties": {"a": {"maximum": 1.50}}}', '{"a": 2}', '$.a is more than 1.50'),
  ('{"exclusiveMinimum": 0}', '0', '$ is not more than 0'), ('{"exclusiveMaximum": 5}', '7', '$ is not less than 5'), ('{"properties": {"items": {"items": {"properties": {"price": {"type": "number"}}}}}}', '{"items": [{"price": 1}, {"price": "secret"}]}', '$.items[1].price is not of type number'),
  ('{"required": ["order"]}', '{"odrer": 1}', '$.order is missing'), ('{"properties": {"a": {"required": ["b c"]}}}', '{"a": {}}', '$.a."b c" is missing'), ('{"additionalProperties": false}', '{"to": "secret"}', '$.to is not allowed'), ('{"additionalProperties": false}', '{"": 1}', '$."" is not allowed'),
  ('{"additionalProperties": false}', jsonb_build_object(repeat('k', 100), 1), '$."' || repeat('k', 60) || '..." is not allowed'), ('{"additionalProperties": false}', '{"a\nb": 1}', '$."a\nb" is not allowed'),
  ('{"minLength": 3}', '"se"', '$ has fewer characters than 3'), ('{"maxLength": 3}', '"secret"', '$ has more characters than 3'), ('{"minItems": 1}', '[]', '$ has fewer elements than 1'), ('{"maxItems": 1}', '["secret", 2]', '$ has more elements than 1'), ('{"pattern": "^x"}', '"secret"', '$ does not match the pattern ^x'),
  ('{"enum": [1, 2]}', '"secret"', '$ is none of the values that are allowed (enum)'), ('{"const": 1}', '"secret"', '$ is not the one value that is allowed (const)'), ('{"anyOf": [{"type": "null"}, {"const": 1}]}', '"secret"', '$ fits none of the schemas of which it must fit one (anyOf)')) v (schema, value, want);

-- Schemas that are refused ---------------------------------------------------------------------------------------------

SELECT is(unit_schema_faults(schema)::text, want, 'faults: ' || want) FROM (VALUES
  ('5'::jsonb, '{"$ must be a schema: an object, true or false"}'), ('{"minmum": 1}', '{"$.minmum is a keyword that is not supported"}'), ('{"Type": "string"}', '{"$.Type is a keyword that is not supported"}'), ('{"typ": 1, "multipleOf": 2}', '{"$.typ is a keyword that is not supported","$.multipleOf is a keyword that is not supported"}'),
  ('{"$ref": "#/$defs/x", "$defs": {}}', '{"$.$ref is a keyword that is not supported","$.$defs is a keyword that is not supported"}'), ('{"properties": {"a": {"items": {"format": "date"}}}}', '{"$.properties.a.items.format is a keyword that is not supported"}'), ('{"anyOf": [{}, {"oneOf": []}]}', '{"$.anyOf[1].oneOf is a keyword that is not supported"}'),
  ('{"type": "strnig"}', '{"$.type must be one or several of null, boolean, string, number, integer, array, object"}'), ('{"type": []}', '{"$.type must be one or several of null, boolean, string, number, integer, array, object"}'), ('{"type": ["string", 1]}', '{"$.type must be one or several of null, boolean, string, number, integer, array, object"}'), ('{"type": null}', '{"$.type must be one or several of null, boolean, string, number, integer, array, object"}'),
  ('{"required": "a"}', '{"$.required must be an array of strings"}'), ('{"required": ["a", 1]}', '{"$.required must be an array of strings"}'), ('{"properties": []}', '{"$.properties must be an object of schemas"}'), ('{"properties": {"a": 1}}', '{"$.properties.a must be a schema: an object, true or false"}'), ('{"additionalProperties": "no"}', '{"$.additionalProperties must be a schema: an object, true or false"}'),
  ('{"items": [{}]}', '{"$.items must be a schema: an object, true or false"}'), ('{"enum": []}', '{"$.enum must be an array of the values that are allowed"}'), ('{"enum": "a"}', '{"$.enum must be an array of the values that are allowed"}'), ('{"anyOf": []}', '{"$.anyOf must be an array of schemas"}'), ('{"anyOf": [1]}', '{"$.anyOf[0] must be a schema: an object, true or false"}'),
  ('{"minimum": "1"}', '{"$.minimum must be a number"}'), ('{"exclusiveMinimum": true}', '{"$.exclusiveMinimum must be a number"}'), ('{"minLength": -1}', '{"$.minLength must be an integer, 0 or more"}'), ('{"maxItems": 1.5}', '{"$.maxItems must be an integer, 0 or more"}'), ('{"title": 5}', '{"$.title must be a string"}'), ('{"examples": 5}', '{"$.examples must be an array"}'),
  ('{"pattern": 5}', '{"$.pattern must be a string"}'), ('{"pattern": "("}', '{"$.pattern is not a pattern that can be used: parentheses () not balanced"}'), ('{"default": {"unknown": 1}, "const": {"type": 5}, "enum": [{"multipleOf": 1}]}', '{}')) v (schema, want);

-- Patterns: what the server reads otherwise than JSON Schema -----------------------------------------------------------

CREATE TABLE patterns (pattern text, hits text[], misses text[]);
INSERT INTO patterns VALUES
  ('', '{"", x}', '{}'), ('^$', '{""}', '{x, " "}'), ('b', '{abc, b}', '{ac, B}'), ('^a|b$', '{ax, xb}', '{xax}'), ('^(?:a|b)$', '{a, b}', '{ab, ax}'), ('a{2,3}', '{aa, aaaa}', '{a}'), ('^a{2}$', '{aa}', '{a, aaa}'), ('colou?r', '{color, colour}', '{colouur}'),
  ('^\d{3}$', '{123}', '{12, abc, ١٢٣}'), ('^\w+$', '{a_1}', '{"a b", ä, -}'), ('^\S+$', '{a-b}', '{"a b"}'), ('^[^\d]+$', '{ab}', '{a1}'), ('^[\w.-]+@[\w-]+\.at$', '{a.b@c-d.at}', '{a@b.xat.de, a@b@c.at}'),
  (E'^a.c$', ARRAY['abc', 'aäc'], ARRAY[E'a\nc', 'ac', E'a\rc']), ('\bred\b', '{"a red one", red, "red."}', '{reduced, ared}'), ('\Bred', '{ared}', '{red, "a red"}'), ('^[\b]$', ARRAY[E'\b'], '{b}'),
  ('^[[:alpha:]]$', '{":]", "a]", "[]"}', '{b, z, "]"}'), ('^[a[]$', '{a, "["}', '{"]"}'), ('^\x41\u0042$', '{AB}', '{}'), ('^\x41b$', '{Ab}', '{}'), ('^\u00e4$', '{ä}', '{a}'), ('\/', '{a/b}', '{ab}'), ('^\$\.\*$', '{"$.*"}', '{"$$*"}'), ('^(?=.*\d)(?!.*x).+$', '{a1}', '{a, x1}'), ('(?<=a)b', '{ab}', '{cb}'), ('(?<!a)b', '{cb, b}', '{ab}'),
  ('a{', '{"a{"}', '{a}'), ('^ä+$', '{ää}', '{a}'), ('^\t$', ARRAY[E'\t'], '{t}'), ('^(a|)b$', '{ab, b}', '{bb}'), ('^a.*?b$', '{axbxb, ab}', '{axbx}');
SELECT is_empty('SELECT pattern, unit_pattern_fault(pattern) FROM patterns WHERE unit_pattern_fault(pattern) IS NOT NULL', 'patterns: these can be used');
SELECT is_empty('SELECT pattern, s FROM patterns, unnest(hits) s WHERE NOT unit_pattern_matches(pattern, s)', 'patterns: match');
SELECT is_empty('SELECT pattern, s FROM patterns, unnest(misses) s WHERE unit_pattern_matches(pattern, s)', 'patterns: do not match');
SELECT is(unit_pattern_fault(pattern), want, 'patterns: refused: ' || pattern) FROM (VALUES
  ('(?i)abc', 'named groups and options in parentheses are not supported'), ('(?<name>a)', 'named groups and options in parentheses are not supported'), ('(?#x)', 'named groups and options in parentheses are not supported'), ('(?', 'named groups and options in parentheses are not supported'), ('***=a.c', 'it begins with a quantifier'), ('***:(a', 'it begins with a quantifier'),
  ('(a)\1', '\1, a back reference, is not supported'), ('\p{L}', 'the escape \p is not supported'), ('\Aa', 'the escape \A is not supported'), ('a\Z', 'the escape \Z is not supported'), ('\mred\M', 'the escape \m is not supported'), ('\y', 'the escape \y is not supported'), ('[\B]', 'the escape \B is not supported'), ('\x4', '\x needs 2 hexadecimal digits'), ('\u{41}', '\u needs 4 hexadecimal digits'),
  ('\ud83d\ude00', 'surrogate pairs are not supported: write the character itself'), ('a\', 'it ends with a backslash'), ('[a', 'a bracket is not closed'), ('[]', 'an empty set of characters is not supported'), ('[^]', 'an empty set of characters is not supported'), ('*a', 'quantifier operand invalid'), ('[z-a]', 'invalid character range'), ('a{300}', 'invalid repetition count(s)'), ('(a', 'parentheses () not balanced')) v (pattern, want);
-- A pattern that nobody has checked lets nothing pass.
SELECT ok(NOT unit_pattern_matches('(?i)abc', 'abc'), 'patterns: one with a fault matches nothing');

-- Depth ------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION nested(n integer, open text, inner_one text, close text) RETURNS jsonb LANGUAGE sql AS $$SELECT (repeat(open, n) || inner_one || repeat(close, n))::jsonb$$;
SELECT is(unit_schema_violation(nested(500, '{"items": ', '{"type": "string"}', '}'), nested(500, '[', '1', ']')), '$' || repeat('[0]', 500) || ' is not of type string', 'depth: 500 levels');
SELECT is(unit_schema_faults(nested(500, '{"properties": {"a": ', '{"b": 1}', '}}')), ARRAY['$' || repeat('.properties.a', 500) || '.b is a keyword that is not supported'], 'depth: a fault 1000 levels down');
SET LOCAL max_stack_depth = '200kB';
SELECT throws_ok($$SELECT unit_schema_violation(j.schema, j.v) FROM (SELECT nested(1500, '{"items": ', '{"type": "string"}', '}') AS schema, nested(1500, '[', '1', ']') AS v) j$$, '54001', NULL, 'depth: too deep is an error, not a crash');
RESET max_stack_depth;

-- Generated pairs against a validator in SQL ---------------------------------------------------------------------------

CREATE FUNCTION model(schema jsonb, v jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  kind text := jsonb_typeof(v); s text := v #>> '{}'; n numeric; key text; p jsonb;
BEGIN
  IF jsonb_typeof(schema) = 'boolean' THEN RETURN schema::boolean; END IF;
  IF schema ? 'type' AND NOT EXISTS (SELECT FROM jsonb_array_elements_text(CASE jsonb_typeof(schema->'type') WHEN 'array' THEN schema->'type' ELSE jsonb_build_array(schema->'type') END) t
    WHERE t = kind OR t = 'integer' AND kind = 'number' AND (v::numeric % 1) = 0) THEN RETURN false; END IF;
  IF schema ? 'const' AND schema->'const' <> v THEN RETURN false; END IF;
  IF schema ? 'enum' AND NOT v IN (SELECT jsonb_array_elements(schema->'enum')) THEN RETURN false; END IF;
  IF schema ? 'anyOf' AND NOT (SELECT bool_or(model(a, v)) FROM jsonb_array_elements(schema->'anyOf') a) THEN RETURN false; END IF;
  IF kind = 'number' THEN
    n := v::numeric;
    RETURN COALESCE(n >= (schema->'minimum')::numeric, true) AND COALESCE(n <= (schema->'maximum')::numeric, true) AND COALESCE(n > (schema->'exclusiveMinimum')::numeric, true) AND COALESCE(n < (schema->'exclusiveMaximum')::numeric, true);
  ELSIF kind = 'string' THEN
    RETURN COALESCE(length(s) >= (schema->'minLength')::int, true) AND COALESCE(length(s) <= (schema->'maxLength')::int, true) AND COALESCE(s ~ (schema->>'pattern'), true);
  ELSIF kind = 'array' THEN
    RETURN COALESCE(jsonb_array_length(v) >= (schema->'minItems')::int, true) AND COALESCE(jsonb_array_length(v) <= (schema->'maxItems')::int, true)
      AND (NOT schema ? 'items' OR COALESCE((SELECT bool_and(model(schema->'items', e)) FROM jsonb_array_elements(v) e), true));
  ELSIF kind = 'object' THEN
    IF schema ? 'required' AND NOT v ?& ARRAY(SELECT jsonb_array_elements_text(schema->'required')) THEN RETURN false; END IF;
    FOR key IN SELECT jsonb_object_keys(v) LOOP
      p := COALESCE(schema->'properties'->key, schema->'additionalProperties');
      IF NOT COALESCE(model(p, v->key), true) THEN RETURN false; END IF;
    END LOOP;
  END IF;
  RETURN true;
END $$;
CREATE FUNCTION one_of(VARIADIC choices text[]) RETURNS jsonb LANGUAGE sql VOLATILE AS $$SELECT choices[1 + floor(random() * array_length(choices, 1))]::jsonb$$;
CREATE FUNCTION any_value(depth integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE r float := random();
BEGIN
  IF depth <= 0 OR r < 0.55 THEN RETURN one_of('null', 'true', 'false', '0', '1', '1.0', '1.5', '2', '-1', '""', '"a"', '"ab"', '"b"', '"äb"'); END IF;
  IF r < 0.75 THEN RETURN COALESCE((SELECT jsonb_agg(any_value(depth - 1)) FROM generate_series(1, floor(random() * 4)::int)), '[]'); END IF;
  RETURN COALESCE((SELECT jsonb_object_agg(one_of('"a"', '"b"', '"c"') #>> '{}', any_value(depth - 1)) FROM generate_series(1, floor(random() * 4)::int)), '{}');
END $$;
CREATE FUNCTION any_schema(depth integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE s jsonb := '{}'; keyword text; v jsonb;
BEGIN
  IF random() < 0.05 THEN RETURN one_of('true', 'false'); END IF;
  FOR i IN 1..1 + floor(random() * 3)::int LOOP
    keyword := (ARRAY['type', 'type', 'const', 'enum', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'minLength', 'maxLength', 'pattern', 'minItems', 'maxItems', 'required', 'title', 'properties', 'properties', 'additionalProperties', 'items', 'items', 'anyOf'])[1 + floor(random() * CASE WHEN depth > 0 THEN 21 ELSE 15 END)];
    v := CASE keyword WHEN 'type' THEN one_of('"null"', '"boolean"', '"string"', '"number"', '"integer"', '"array"', '"object"', '["object", "array"]', '["null", "number"]', '["string", "integer"]', '["object"]') WHEN 'const' THEN any_value(1) WHEN 'enum' THEN jsonb_build_array(any_value(1), any_value(1), any_value(0))
      WHEN 'pattern' THEN one_of('"^a"', '"b$"', '"^$"', '"a|b"', '"^.b$"') WHEN 'required' THEN one_of('["a"]', '["a", "b"]', '[]', '["c", "c"]') WHEN 'title' THEN '"t"'
      WHEN 'properties' THEN jsonb_build_object('a', any_schema(depth - 1), one_of('"b"', '"c"') #>> '{}', any_schema(depth - 1)) WHEN 'additionalProperties' THEN any_schema(depth - 1) WHEN 'items' THEN any_schema(depth - 1)
      WHEN 'anyOf' THEN jsonb_build_array(any_schema(depth - 1), any_schema(depth - 1)) ELSE one_of('0', '1', '2', '1.0') END;
    s := s || jsonb_build_object(keyword, v);
  END LOOP;
  RETURN s;
END $$;
CREATE TABLE generated AS SELECT any_schema(2) AS schema, any_value(2) AS v FROM generate_series(1, 12000);
-- and more of them with values of the kind that the schema speaks of, so that the limits are met
CREATE TABLE kinds AS SELECT jsonb_typeof(v) AS kind, v, row_number() OVER (PARTITION BY jsonb_typeof(v)) - 1 AS place FROM generated;
INSERT INTO generated SELECT g.schema, w.v FROM (SELECT schema, CASE schema->>'type' WHEN 'integer' THEN 'number' ELSE schema->>'type' END AS kind, row_number() OVER () AS n FROM generated) g
  JOIN (SELECT kind, count(*) AS n FROM kinds GROUP BY kind) k USING (kind) CROSS JOIN generate_series(0, 2) i JOIN kinds w ON w.kind = k.kind AND w.place = (g.n * 3 + i) % k.n;
SELECT is_empty('SELECT schema, unit_schema_faults(schema) FROM generated WHERE unit_schema_faults(schema) <> ''{}''', 'generated: no faults');
SELECT is_empty('SELECT schema, v, unit_schema_violation(schema, v) FROM generated WHERE (unit_schema_violation(schema, v) IS NULL) <> model(schema, v)', format('generated: %s pairs as the model says', (SELECT count(*) FROM generated)));
SELECT cmp_ok((SELECT count(*) FILTER (WHERE model(schema, v)) * 100 / count(*) FROM generated), '>', 20::bigint, 'generated: enough of them fit');
SELECT cmp_ok((SELECT count(*) FILTER (WHERE NOT model(schema, v)) * 100 / count(*) FROM generated), '>', 20::bigint, 'generated: enough of them do not');
SELECT * FROM finish();
ROLLBACK;
