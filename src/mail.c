/*
 * mail.c
 *    The words of a message: payload made harmless, headers and body of a mail.
 *
 * What a node says goes to people's terminals and mail programs, and a node may
 * be an agent that was talked into something.  So of its text nothing is left
 * that a terminal or a mail program would act on: no control characters, no end
 * of line that would begin a header of its own, none of the characters that
 * change the direction in which a line is read.  Its lines are marked, so that
 * they are not taken for ours.
 *
 * Headers are those of RFC 5322, with the words of RFC 2047 for what is not
 * ASCII; bodies are MIME, so that no line is too long to be carried.  Lines end
 * with a line feed, as sendmail and its like take them.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mail.h"
#include "mb/pg_wchar.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* how long a line of a mail may be, by the standard and by custom */
#define MAIL_LINE_MAX 998
#define MAIL_LINE 76

/* "=?UTF-8?Q?" and "?=" around a word that is at most 75 long */
#define MAIL_WORD_START "=?UTF-8?Q?"
#define MAIL_WORD_END "?="
#define MAIL_WORD_MAX (75 - 10 - 2)

/* what the standard lets an address and its parts be long */
#define MAIL_ADDRESS_MAX 254

/*
 * Would this character do something to what stands around it?  Controls of both
 * halves, separators of lines, marks that turn the direction of reading, and
 * what takes no place at all, so that two words look the same.
 */
static bool
is_harmful(const char *c, int length)
{
	pg_wchar	code;

	if (length == 1 && !IS_HIGHBIT_SET(*c))
		return (unsigned char) *c < 0x20 || *c == 0x7f;
	if (GetDatabaseEncoding() == PG_SQL_ASCII)
		return true;			/* nobody knows what it is */
	if (GetDatabaseEncoding() != PG_UTF8)
		return false;
	code = utf8_to_unicode((const unsigned char *) c);
	return (code >= 0x80 && code <= 0x9f) || code == 0xad || code == 0x61c ||
		(code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
		(code >= 0x2060 && code <= 0x206f) || code == 0xfeff || (code >= 0xe0000 && code <= 0xe007f);
}

/*
 * Somebody's text as one line: what is harmful becomes a question mark, ends of
 * lines and tabs a space.  max_chars: where it is cut; 0: nowhere.
 */
char *
mail_line(const char *text, int max_chars)
{
	StringInfoData line;
	int			n = 0;

	initStringInfo(&line);
	for (const char *c = text; *c != '\0';)
	{
		int			length = pg_mblen(c);

		if (max_chars > 0 && n++ >= max_chars)
		{
			appendStringInfoString(&line, " ...");
			break;
		}
		if (*c == '\n' || *c == '\t')
			appendStringInfoChar(&line, ' ');
		else if (*c == '\r')
			;
		else if (is_harmful(c, length))
			appendStringInfoChar(&line, '?');
		else
			appendBinaryStringInfo(&line, c, length);
		c += length;
	}
	return line.data;
}

/* Somebody's text with its lines, each with a prefix and an end of line. */
char *
mail_quote(const char *text, const char *prefix)
{
	StringInfoData quoted;
	char	   *copy = pstrdup(text);
	char	   *rest = copy;
	size_t		length = strlen(copy);

	/* the end of the last line is no line */
	if (length > 0 && copy[length - 1] == '\n')
		copy[length - 1] = '\0';
	initStringInfo(&quoted);
	while (rest != NULL)
	{
		char	   *line = strsep(&rest, "\n");

		appendStringInfo(&quoted, "%s%s\n", prefix, mail_line(line, 0));
	}
	return quoted.data;
}

/* ---------------------------------------------------------------- addresses */

/* Why this cannot be an address of anything; NULL: it can. */
const char *
mail_address_fault(const char *address)
{
	if (address[0] == '\0')
		return "It is empty.";
	if (strlen(address) > MAIL_ADDRESS_MAX)
		return "It is longer than 254 characters.";
	for (const char *c = address; *c != '\0'; c++)
		if (*c <= ' ' || *c >= 0x7f)
			return "It has a space, a control character, or one that is not ASCII.";
	return NULL;
}

/* RFC 5322's atext, and the dot */
static bool
is_atom_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

/*
 * Is it a mail address, local@domain?  Not those with quotes, comments or address
 * literals, which nobody has and which headers are injected with.
 */
bool
mail_is_mailbox(const char *address)
{
	const char *at = strchr(address, '@');

	/* a program could take what begins with a dash for an option */
	if (at == NULL || at == address || at[1] == '\0' || address[0] == '-' || strchr(at + 1, '@') != NULL)
		return false;
	for (const char *c = address; *c != '\0'; c++)
		if (c != at && !is_atom_char(*c))
			return false;
	return address[0] != '.' && at[-1] != '.' && at[1] != '.' && at[strlen(at) - 1] != '.' &&
		strstr(address, "..") == NULL;
}

/* ------------------------------------------------------------------ headers */

static char *
to_utf8(const char *text)
{
	return pg_server_to_any(text, (int) strlen(text), PG_UTF8);
}

static bool
is_plain_header(const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
		if (*c < ' ' || *c >= 0x7f)
			return false;
	/* a reader would decode what looks like an encoded word */
	return strstr(text, "=?") == NULL;
}

/*
 * A header line, folded as it needs, with its end of line.  Whatever the text
 * is, it stays in this header.
 */
char *
mail_header(const char *name, const char *text)
{
	StringInfoData header;
	const char *c;
	int			room;

	text = to_utf8(mail_line(text, 0));
	initStringInfo(&header);
	appendStringInfo(&header, "%s: ", name);
	if (is_plain_header(text) && header.len + strlen(text) <= MAIL_LINE)
	{
		appendStringInfo(&header, "%s\n", text);
		return header.data;
	}

	/* words of whole characters; the space between two of them is not text */
	room = Min(MAIL_WORD_MAX, MAIL_LINE - header.len - 12);
	appendStringInfoString(&header, MAIL_WORD_START);
	for (c = text; *c != '\0';)
	{
		int			length = pg_utf_mblen((const unsigned char *) c);
		bool		is_itself = length == 1 && *c > ' ' && *c < 0x7f && strchr("=?_\"(),.:;<>@[\\]", *c) == NULL;
		int			needs = is_itself || *c == ' ' ? 1 : 3 * length;

		if (needs > room)
		{
			appendStringInfoString(&header, MAIL_WORD_END "\n " MAIL_WORD_START);
			room = MAIL_WORD_MAX;
		}
		room -= needs;
		if (is_itself)
			appendStringInfoChar(&header, *c);
		else if (*c == ' ')
			appendStringInfoChar(&header, '_');
		else
			for (int i = 0; i < length; i++)
				appendStringInfo(&header, "=%02X", (unsigned char) c[i]);
		c += length;
	}
	appendStringInfoString(&header, MAIL_WORD_END "\n");
	return header.data;
}

/* "Tue, 24 Nov 2026 19:30:00 +0000": in English, whatever the server speaks. */
char *
mail_date(TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			day;

	/* without a time zone it is taken as UTC */
	if (timestamp2tm((Timestamp) at, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range"),
				 errdetail("A mail has a date of this era."),
				 errhint("Look at the clock of the server.")));
	day = j2day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday));
	return psprintf("%.3s, %d %s %04d %02d:%02d:%02d +0000", days[day], tm.tm_mday, months[tm.tm_mon - 1], tm.tm_year,
					tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* --------------------------------------------------------------------- body */

/* Can it be carried as it is? */
static bool
is_plain_body(const char *text)
{
	int			length = 0;

	for (const char *c = text; *c != '\0'; c++)
	{
		if (*c == '\n')
			length = 0;
		else if ((*c < ' ' && *c != '\t') || *c >= 0x7f || ++length > MAIL_LINE_MAX)
			return false;
		/* what some program on the way would take for its own */
		if (length == 1 && (*c == '.' || strncmp(c, "From ", 5) == 0))
			return false;
	}
	return true;
}

/* Quoted-printable: a line of at most MAIL_LINE, all ASCII. */
static void
append_quoted_printable(StringInfo body, const char *text)
{
	int			length = 0;

	for (const char *c = text; *c != '\0'; c++)
	{
		bool		is_last = c[1] == '\n' || c[1] == '\0';
		bool		is_itself = *c > ' ' && *c < 0x7f && *c != '=';

		if (*c == '\n')
		{
			appendStringInfoChar(body, '\n');
			length = 0;
			continue;
		}
		/* the mark of a line that goes on takes a place too */
		if (length + 3 > MAIL_LINE - 1)
		{
			appendStringInfoString(body, "=\n");
			length = 0;
		}
		if (*c == ' ' && !is_last)
			is_itself = true;
		if (length == 0 && (*c == '.' || strncmp(c, "From ", 5) == 0))
			is_itself = false;
		if (is_itself)
			appendStringInfoChar(body, *c);
		else
			appendStringInfo(body, "=%02X", (unsigned char) *c);
		length += is_itself ? 1 : 3;
	}
}

/* The headers that say how a text is carried, an empty line, and the text. */
char *
mail_body(const char *text)
{
	StringInfoData body;

	text = to_utf8(text);
	initStringInfo(&body);
	appendStringInfoString(&body, "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n");
	if (is_plain_body(text))
		appendStringInfo(&body, "Content-Transfer-Encoding: 7bit\n\n%s", text);
	else
	{
		appendStringInfoString(&body, "Content-Transfer-Encoding: quoted-printable\n\n");
		append_quoted_printable(&body, text);
	}
	return body.data;
}
