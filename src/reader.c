/*
 * reader.c
 *    Read a document key by key, and note every fault.
 *
 * Whoever reads goes on after a fault, with a value that does no harm, so that
 * all faults are told at once; who has asked for the document looks at the
 * faults before he uses it.  A key with null is a key that is not there.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include <math.h>

#include "json.h"
#include "lib/stringinfo.h"
#include "names.h"
#include "reader.h"
#include "utils/datetime.h"

/* the longest time that a document may say: ten years */
#define MAX_INTERVAL_MS (INT64CONST(3650) * 86400 * 1000)

void
reader_fault(HitlReader *reader, const char *format,...)
{
	StringInfoData text;

	initStringInfo(&text);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, format);
		needed = appendStringInfoVA(&text, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	reader->faults = lappend(reader->faults, text.data);
}

/* A key that nobody reads is a misspelt one. */
void
reader_check_keys(HitlReader *reader, const char *place, Jsonb *object, const char *const *known, int n_known)
{
	ListCell   *cell;

	foreach(cell, json_keys(object))
	{
		const char *key = lfirst(cell);
		bool		is_known = false;

		for (int i = 0; i < n_known; i++)
			is_known |= strcmp(known[i], key) == 0;
		if (!is_known)
			reader_fault(reader, "%s: there is no key \"%s\" here", place, key);
	}
}

bool
reader_has(Jsonb *object, const char *key)
{
	Jsonb	   *value = json_get(object, key);

	return value != NULL && !json_is_null(value);
}

char *
reader_string(HitlReader *reader, const char *place, Jsonb *object, const char *key, bool is_needed)
{
	Jsonb	   *value = json_get(object, key);
	char	   *string = json_scalar_string(value);

	if (string == NULL && (is_needed || (value != NULL && !json_is_null(value))))
		reader_fault(reader, "%s: \"%s\" must be a string", place, key);
	return string;
}

double
reader_number(HitlReader *reader, const char *place, Jsonb *object, const char *key,
			  double missing, double low, double high)
{
	Jsonb	   *value = json_get(object, key);
	double		number = missing;

	if (value == NULL || json_is_null(value))
		return missing;
	if (!json_get_number(value, &number) || !(number >= low && number <= high))
	{
		reader_fault(reader, "%s: \"%s\" must be a number from %g to %g", place, key, low, high);
		return missing;
	}
	return number;
}

int
reader_integer(HitlReader *reader, const char *place, Jsonb *object, const char *key, int missing, int low, int high)
{
	double		number = reader_number(reader, place, object, key, missing, low, high);

	if (number != floor(number))
		reader_fault(reader, "%s: \"%s\" must be a whole number", place, key);
	return (int) number;
}

bool
reader_bool(HitlReader *reader, const char *place, Jsonb *object, const char *key, bool missing)
{
	bool		value = missing;

	if (reader_has(object, key) && !json_get_bool(json_get(object, key), &value))
		reader_fault(reader, "%s: \"%s\" must be true or false", place, key);
	return value;
}

/* The types of decision in an array; all when it is not there. */
HitlDecisionSet
reader_decisions(HitlReader *reader, const char *place, Jsonb *object, const char *key)
{
	Jsonb	   *json = json_get(object, key);
	HitlDecisionSet set = 0;
	ListCell   *cell;

	if (json == NULL || json_is_null(json))
		return HITL_DECISION_ALL;
	if (json_is_array(json))
		foreach(cell, json_elements(json))
		{
			char	   *word = json_scalar_string(lfirst(cell));
			HitlDecisionType type;

			if (word != NULL && name_find_decision_type(word, &type))
				set |= HITL_DECISION_BIT(type);
			else
				set = 0;
			if (set == 0)
				break;
		}
	if (set == 0)
		reader_fault(reader, "%s: \"%s\" must be an array of %s", place, key, name_decision_list(HITL_DECISION_ALL));
	return set;
}

/*
 * The strings of an array, each at most as long as a name may be; NIL when it is
 * not there.  what: "roles" or the like.
 */
List *
reader_names(HitlReader *reader, const char *place, Jsonb *object, const char *key, const char *what)
{
	Jsonb	   *json = json_get(object, key);
	List	   *names = NIL;
	ListCell   *cell;
	bool		is_good = json_is_array(json);

	if (!reader_has(object, key))
		return NIL;
	if (is_good)
		foreach(cell, json_elements(json))
		{
			char	   *name = json_scalar_string(lfirst(cell));

			if (name == NULL || name[0] == '\0' || strlen(name) >= NAMEDATALEN)
				is_good = false;
			else
				names = lappend(names, name);
		}
	if (!is_good)
		reader_fault(reader, "%s: \"%s\" must be an array of %s", place, key, what);
	return is_good ? names : NIL;
}

/*
 * A time as PostgreSQL reads an interval, such as "2 days 4 hours"; days have 24
 * hours, and months are refused because nobody knows how long they are.
 * Returns milliseconds; 0 when it is not there.
 */
int64
reader_interval_ms(HitlReader *reader, const char *place, Jsonb *object, const char *key)
{
	char	   *text = reader_string(reader, place, object, key, false);
	char		buffer[256];
	char	   *fields[MAXDATEFIELDS];
	int			types[MAXDATEFIELDS];
	int			n_fields;
	int			type;
	struct pg_itm_in time = {0};
	int			error;

	if (text == NULL)
		return 0;
	error = ParseDateTime(text, buffer, sizeof(buffer), fields, types, MAXDATEFIELDS, &n_fields);
	if (error == 0)
		error = DecodeInterval(fields, types, n_fields, INTERVAL_FULL_RANGE, &type, &time);
	if (error == DTERR_BAD_FORMAT)
		error = DecodeISO8601Interval(text, &type, &time);
	if (error != 0 || type != DTK_DELTA || time.tm_mon != 0 || time.tm_year != 0)
		reader_fault(reader, "%s: \"%s\" must be a time without months, such as \"2 days 4 hours\"", place, key);
	else if (time.tm_mday < 0 || time.tm_usec < 0 || time.tm_mday > MAX_INTERVAL_MS / 86400000 ||
			 time.tm_usec > MAX_INTERVAL_MS * 1000 || (time.tm_mday == 0 && time.tm_usec < 1000))
		reader_fault(reader, "%s: \"%s\" must be a time from a millisecond to ten years", place, key);
	else
		return time.tm_mday * INT64CONST(86400000) + time.tm_usec / 1000;
	return 0;
}

/* Milliseconds as such a text: what reader_interval_ms() reads, in one way. */
char *
reader_interval(int64 ms)
{
	static const struct
	{
		const char *unit;
		int64		ms;
	}			units[] = {{"day", 86400000}, {"hour", 3600000}, {"minute", 60000}, {"second", 1000}, {"millisecond", 1}};
	StringInfoData text;

	initStringInfo(&text);
	for (size_t i = 0; i < lengthof(units); i++)
	{
		int64		n = ms / units[i].ms;

		ms %= units[i].ms;
		if (n != 0)
			appendStringInfo(&text, "%s" INT64_FORMAT " %s%s", text.len > 0 ? " " : "", n, units[i].unit, n == 1 ? "" : "s");
	}
	return text.data;
}
