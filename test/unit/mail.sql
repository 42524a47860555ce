-- Mails (mail.c): whatever a node says stays where it is put: in its line, in its header, behind its mark.  Over thousands of generated texts: headers and bodies are ASCII, their
-- lines are short, and decoded by the rules of RFC 2047 and RFC 2045 they are the text again.  A failure lists the texts that broke it.
BEGIN;
SELECT no_plan();
SELECT setseed(0.42);

CREATE FUNCTION unit_mail_line(text text, max_chars int) RETURNS text LANGUAGE c STRICT AS 'hitl_test';
CREATE FUNCTION unit_mail_quote(text text, prefix text) RETURNS text LANGUAGE c STRICT AS 'hitl_test';
CREATE FUNCTION unit_mail_address_fault(address text) RETURNS text LANGUAGE c STRICT AS 'hitl_test';
CREATE FUNCTION unit_mail_is_mailbox(address text) RETURNS boolean LANGUAGE c STRICT AS 'hitl_test';
CREATE FUNCTION unit_mail_header(name text, text text) RETURNS text LANGUAGE c STRICT AS 'hitl_test';
CREATE FUNCTION unit_mail_date(at timestamptz) RETURNS text LANGUAGE c STRICT AS 'hitl_test';
CREATE FUNCTION unit_mail_body(text text) RETURNS text LANGUAGE c STRICT AS 'hitl_test';

-- Texts: of one to four bytes a character, with all that could break out of a line.
CREATE FUNCTION some_text(n int) RETURNS text LANGUAGE sql VOLATILE AS $$
  SELECT COALESCE(string_agg((ARRAY['a', 'Z', '7', ' ', ' ', '.', '=', '?', '_', '"', '<', '>', ',', ';', ':', '@', E'\n', E'\r', E'\r\n', E'\n.', E'\nFrom ', E'\nBcc: x@y.z', E'\t', E'\x1b[2J', E'\x07', E'\x7f', '=?UTF-8?Q?x?=', '=0A',
    U&'\00e4', U&'\0080', U&'\009b', U&'\00ad', U&'\200b', U&'\202e', U&'\2028', U&'\2066', U&'\feff', U&'\4e2d', U&'\+01f600', U&'\+0e0041', repeat('x', 90)])[1 + floor(random() * 41)], ''), '') FROM generate_series(1, n) $$;
CREATE TABLE texts AS SELECT some_text((random() * 40)::int) AS t FROM generate_series(1, 4000);
INSERT INTO texts SELECT repeat(c, n) FROM unnest(ARRAY['x', ' ', U&'\00e4', U&'\4e2d', U&'\+01f600', '.', '=', 'x ']) c, generate_series(0, 160) n;

-- A line.
SELECT is_empty($$SELECT t FROM texts WHERE unit_mail_line(t, 0) ~ ('[\x01-\x1f\x7f' || U&'\0080' || '-' || U&'\009f\00ad\200b\200e\200f\2028\2029\202a\202d\202e\2066\2069\feff' || ']')$$, 'a line has nothing in it that does something');
SELECT is_empty($$SELECT t FROM texts WHERE t ~ '^[ -~äö中😀]*$' AND unit_mail_line(t, 0) <> t$$, 'and is the text, where that was harmless');
SELECT is_empty($$SELECT t FROM texts WHERE char_length(unit_mail_line(t, 20)) > 24$$, 'it is cut by characters');
SELECT is_empty($$SELECT t FROM texts WHERE unit_mail_quote(t, '  | ') !~ '^(  \| [^\n]*\n)+$'$$, 'each quoted line is marked');

-- A header.
CREATE FUNCTION unhex(text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE bytes bytea := ''; rest text := $1;
BEGIN
  WHILE rest <> '' LOOP
    IF rest ~ '^=[0-9A-F]{2}' THEN bytes := bytes || decode(substr(rest, 2, 2), 'hex'); rest := substr(rest, 4);
    ELSE bytes := bytes || convert_to(left(rest, 1), 'UTF8'); rest := substr(rest, 2); END IF;
  END LOOP;
  RETURN convert_from(bytes, 'UTF8');          -- fails on half a character
END $$;
CREATE FUNCTION header_text(header text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN header !~ '^Subject: =\?UTF-8\?Q\?' THEN substring(header FROM '^Subject: (.*)\n$')
              ELSE (SELECT string_agg(unhex(replace(w[1], '_', ' ')), '') FROM regexp_matches(header, '=\?UTF-8\?Q\?([^? \n]*)\?=', 'g') w) END $$;
CREATE TABLE headers AS SELECT t, unit_mail_header('Subject', t) AS h FROM texts;
SELECT is_empty($$SELECT t, h FROM headers WHERE h !~ '^[\n -~]*$' OR h !~ '^Subject: [^\n]*\n( [^\n]+\n)*$'$$, 'a header is one header, in ASCII, whatever is in it');
SELECT is_empty($$SELECT t, h FROM headers WHERE EXISTS (SELECT FROM regexp_split_to_table(h, '\n') l WHERE length(l) > 76)$$, 'its lines are short');
SELECT is_empty($$SELECT t, h FROM headers WHERE EXISTS (SELECT FROM regexp_matches(h, '=\?UTF-8\?Q\?[^? ]*\?=', 'g') w WHERE length(w[1]) > 75)$$, 'its words too');
SELECT is_empty($$SELECT t, h FROM headers WHERE COALESCE(header_text(h), '') <> unit_mail_line(t, 0)$$, 'decoded it is the line again, word by word');

-- A body.
CREATE TABLE bodies AS SELECT t, unit_mail_body(t) AS b FROM texts;
CREATE FUNCTION body_text(body text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN body ~ E'\nContent-Transfer-Encoding: 7bit\n\n' THEN substr(body, strpos(body, E'\n\n') + 2) ELSE unhex(replace(substr(body, strpos(body, E'\n\n') + 2), E'=\n', '')) END $$;
SELECT is_empty($$SELECT t, b FROM bodies WHERE b !~ '^[\t\n -~]*$'$$, 'a body is ASCII');
SELECT is_empty($$SELECT t, b FROM bodies WHERE b ~ 'quoted-printable' AND EXISTS (SELECT FROM regexp_split_to_table(b, '\n') l WHERE length(l) > 76)$$, 'its lines are short');
SELECT is_empty($$SELECT t, b FROM bodies WHERE substr(b, strpos(b, E'\n\n') + 1) ~ '\n(\.|From )'$$, 'none begins with what a program on the way takes for its own');
SELECT is_empty($$SELECT t, b FROM bodies WHERE b ~ 'quoted-printable' AND substr(b, strpos(b, E'\n\n')) ~ '[ \t](\n|$)'$$, 'none ends with a blank');
SELECT is_empty($$SELECT t, b FROM bodies WHERE body_text(b) <> t$$, 'decoded it is the text again');

-- Addresses.
SELECT is(unit_mail_address_fault(a) IS NULL, fits, a) FROM (VALUES ('mia@shop.example', true), ('+43123', true), ('slack:#refunds', true), ('', false), ('mia @shop.example', false), (E'mia\n', false), (U&'m\00efa@shop.example', false), (repeat('x', 254), true), (repeat('x', 255), false)) v (a, fits);
SELECT is(unit_mail_is_mailbox(a), is_it, a) FROM (VALUES ('mia@shop.example', true), ('m.i-a+x@shop', true), ('mia', false), ('@shop', false), ('mia@', false), ('mia@@shop', false), ('a@b@c', false), ('-oQ/tmp@shop', false), ('mia@shop,eve@x', false), ('<mia@shop>', false),
  ('"mia x"@shop', false), ('mia@[127.0.0.1]', false), ('mia(c)@shop', false), ('.mia@shop', false), ('mia.@shop', false), ('mia@.shop', false), ('mia@shop.', false), ('m..a@shop', false), ('mia@shop:25', false)) v (a, is_it);

-- Dates, in English, in UTC, whatever the session speaks.
SET LOCAL timezone = 'Asia/Tokyo';
SET LOCAL datestyle = 'German';
SELECT is(unit_mail_date('2026-11-24 19:30:00.9+00'), 'Tue, 24 Nov 2026 19:30:00 +0000', 'a date');
SELECT is(unit_mail_date('2024-02-29 00:30:00+01'), 'Wed, 28 Feb 2024 23:30:00 +0000', 'the day before');
SELECT is_empty($$SELECT n FROM generate_series(0, 3000) n, LATERAL (SELECT '2000-01-01 12:00+00'::timestamptz + n * interval '1 day 7 seconds' AS at) a WHERE unit_mail_date(at) <> to_char(at AT TIME ZONE 'UTC', 'Dy, FMDD Mon YYYY HH24:MI:SS') || ' +0000'$$, 'all days of eight years');

SELECT * FROM finish();
ROLLBACK;
