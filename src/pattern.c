/*
 * pattern.c
 *    Regular expressions as JSON Schema has them, by the server's engine.
 *
 * JSON Schema means those of ECMA 262; the server's are another dialect, in
 * which some of the same text means something else: \b is a backspace there,
 * \A an anchor, [[:alpha:]] a class, (?i) an option, "." also takes a newline.
 * So a pattern is translated, and what cannot be is a fault, told when the
 * schema is given: better than a pattern that quietly matches other strings.
 *
 * A pattern is not anchored, as JSON Schema says.  The collation is C, so the
 * session's settings change nothing; \d, \w and \s are those of ASCII, as in
 * ECMA (but for \s, which there has also some spaces beyond ASCII).
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_collation.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "pattern.h"
#include "regex/regex.h"
#include "utils/builtins.h"

/* where the translation of a pattern is */
typedef struct Reader
{
	const char *at;
	const char *end;
	StringInfoData out;
	char	   *fault;			/* the first one; NULL: none */
} Reader;

static void
found(Reader *r, char *fault)
{
	if (r->fault == NULL)
		r->fault = fault;
}

/* The next bytes of the pattern; '\0' behind its end. */
static char
peek(const Reader *r, int ahead)
{
	return r->end - r->at > ahead ? r->at[ahead] : '\0';
}

static bool
has_hex_digits(const Reader *r, int n)
{
	for (int i = 0; i < n; i++)
		if (!isxdigit((unsigned char) peek(r, i)))
			return false;
	return true;
}

/* Hexadecimal digits of a character: \xHH and \uHHHH, behind the letter. */
static void
read_code(Reader *r, int n)
{
	if (!has_hex_digits(r, n))
	{
		found(r, psprintf("\\%c needs %d hexadecimal digits", n == 2 ? 'x' : 'u', n));
		return;
	}
	/* half of a pair is no character here */
	if (n == 4 && (r->at[0] == 'd' || r->at[0] == 'D') && !(r->at[1] >= '0' && r->at[1] <= '7'))
		found(r, pstrdup("surrogate pairs are not supported: write the character itself"));
	/* the server's \x takes any number of digits */
	appendStringInfo(&r->out, "\\u%s%.*s", n == 2 ? "00" : "", n, r->at);
	r->at += n;
}

/* A backslash and what follows it; r->at is behind the backslash. */
static void
read_escape(Reader *r, bool in_brackets)
{
	char		c = peek(r, 0);

	if (r->at == r->end)
	{
		found(r, pstrdup("it ends with a backslash"));
		return;
	}
	r->at++;
	if (c == 'x' || c == 'u')
		read_code(r, c == 'x' ? 2 : 4);
	else if (c == 'c' && isalpha((unsigned char) peek(r, 0)))
		appendStringInfo(&r->out, "\\c%c", *r->at++);
	else if (c == 'b' && !in_brackets)
		appendStringInfoString(&r->out, "\\y");
	else if (c == 'B' && !in_brackets)
		appendStringInfoString(&r->out, "\\Y");
	else if (c == '0' && !isdigit((unsigned char) peek(r, 0)))
		appendStringInfoString(&r->out, "\\u0000");
	else if (c >= '1' && c <= '9' && !in_brackets)
		found(r, psprintf("\\%c, a back reference, is not supported", c));
	else if (strchr("dDwWsSnrtfv", c) != NULL || (c == 'b' && in_brackets))
		appendStringInfo(&r->out, "\\%c", c);
	else if (isalnum((unsigned char) c) && !IS_HIGHBIT_SET(c))
		found(r, psprintf("the escape \\%c is not supported", c));
	else if (IS_HIGHBIT_SET(c))
		appendStringInfoChar(&r->out, c);
	else
		appendStringInfo(&r->out, "\\%c", c);
}

/* A set of characters; r->at is behind its opening bracket. */
static void
read_brackets(Reader *r)
{
	appendStringInfoChar(&r->out, '[');
	if (peek(r, 0) == '^')
		appendStringInfoChar(&r->out, *r->at++);
	/* there it would be a bracket in the set */
	if (peek(r, 0) == ']')
		found(r, pstrdup("an empty set of characters is not supported"));
	while (r->at < r->end && *r->at != ']')
	{
		char		c = *r->at++;

		if (c == '\\')
			read_escape(r, true);
		else if (c == '[')
			appendStringInfoString(&r->out, "\\[");
		else
			appendStringInfoChar(&r->out, c);
	}
	if (r->at == r->end)
		found(r, pstrdup("a bracket is not closed"));
	else
		appendStringInfoChar(&r->out, *r->at++);
}

/* A parenthesis: of what can follow (? only what both dialects have. */
static void
read_group(Reader *r)
{
	appendStringInfoChar(&r->out, '(');
	if (peek(r, 0) != '?')
		return;
	if (!(strchr(":=!", peek(r, 1)) != NULL && peek(r, 1) != '\0') &&
		!(peek(r, 1) == '<' && (peek(r, 2) == '=' || peek(r, 2) == '!')))
		found(r, pstrdup("named groups and options in parentheses are not supported"));
}

/*
 * The pattern in the server's dialect; *fault: why it cannot be, or NULL.  The
 * server's encodings have no ASCII bytes inside of other characters, so bytes
 * are looked at.
 */
char *
pattern_translate(const char *pattern, int length, char **fault)
{
	Reader		r = {.at = pattern, .end = pattern + length};

	initStringInfo(&r.out);
	if (length >= 3 && strncmp(pattern, "***", 3) == 0)
		found(&r, pstrdup("it begins with a quantifier"));
	while (r.at < r.end)
	{
		char		c = *r.at++;

		if (c == '\\')
			read_escape(&r, false);
		else if (c == '[')
			read_brackets(&r);
		else if (c == '(')
			read_group(&r);
		else if (c == '.')
			appendStringInfoString(&r.out, "[^\\n\\r\\u2028\\u2029]");
		else
			appendStringInfoChar(&r.out, c);
	}
	*fault = r.fault;
	return r.out.data;
}

/* Why a pattern cannot be used; NULL: it can. */
char *
pattern_fault(const char *pattern, int length)
{
	char	   *fault;
	char	   *regex = pattern_translate(pattern, length, &fault);
	int			regex_length = strlen(regex);
	pg_wchar   *wide;
	regex_t		compiled;
	int			code;

	if (fault != NULL)
		return fault;
	wide = palloc((regex_length + 1) * sizeof(pg_wchar));
	code = pg_regcomp(&compiled, wide, pg_mb2wchar_with_len(regex, wide, regex_length),
					  REG_ADVANCED | REG_NOSUB, C_COLLATION_OID);
	if (code != REG_OKAY)
	{
		fault = palloc(128);
		pg_regerror(code, &compiled, fault, 128);
		return fault;
	}
	pg_regfree(&compiled);
	return NULL;
}

/* Does the pattern, which has no fault, match somewhere in the string? */
bool
pattern_matches(const char *pattern, int pattern_length, char *string, int length)
{
	char	   *fault;
	char	   *regex = pattern_translate(pattern, pattern_length, &fault);

	/* a schema that nobody has checked: its pattern lets nothing pass */
	if (fault != NULL)
		return false;
	return RE_compile_and_execute(cstring_to_text(regex), string, length,
								  REG_ADVANCED | REG_NOSUB, C_COLLATION_OID, 0, NULL);
}
