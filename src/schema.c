/*
 * schema.c
 *    JSON Schema, the part that the schemas of tools use: is a schema one, and
 *    does a value fit it?
 *
 * Keywords: type, enum, const, anyOf, required, properties,
 * additionalProperties, items, minItems, maxItems, minLength, maxLength,
 * pattern, minimum, maximum, exclusiveMinimum, exclusiveMaximum, with the
 * meaning of drafts 6 and later; title, description, default, examples and
 * $schema say nothing about a value.  JSON Schema has a reader pass over a
 * keyword that he does not know; here that is a fault: a limit that is not
 * understood must not look like one that holds.
 *
 * A keyword is about values of its kind only: {"minimum": 1} lets every string
 * pass.  Numbers are compared as such (1.0 is 1, and an integer), lengths are
 * counted in characters.
 *
 * What is wrong is said with its place, "$.items[2].price", and without the
 * value, which may be private.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "json.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pattern.h"
#include "schema.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/numeric.h"

/* longer keys are cut in a message */
#define SHOWN_KEY_LENGTH 60

/* where in a schema or a value we are; on the stack */
typedef struct Place
{
	const struct Place *parent; /* NULL: the root */
	const char *key;			/* NULL: an element of an array */
	int			length;			/* of the key */
	int			index;			/* of the element */
} Place;

/* A keyword's value in a schema: appends to *faults what is wrong with it. */
typedef void (*KeywordCheck) (const JsonbValue *value, const Place *place, List **faults);

static void check_schema(const JsonbValue *schema, const Place *place, List **faults);
static char *violation(const JsonbValue *schema, const JsonbValue *value, const Place *place);

/* ------------------------------------------------------------ jsonb values */

/* A jsonb as a value: containers are jbvBinary, here and below. */
static JsonbValue
root_value(Jsonb *json)
{
	JsonbValue	value;

	if (JB_ROOT_IS_SCALAR(json))
		(void) JsonbExtractScalar(&json->root, &value);
	else
		JsonbToJsonbValue(json, &value);
	return value;
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data);
}

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data);
}

/* NULL: there is no such key. */
static JsonbValue *
find_key(const JsonbValue *object, const char *key, int length)
{
	return getKeyJsonValueFromContainer(object->val.binary.data, key, length, NULL);
}

static JsonbValue *
find(const JsonbValue *object, const char *key)
{
	return find_key(object, key, strlen(key));
}

/* The next field of an object, or element of an array, which has no key. */
static bool
next_member(JsonbIterator **it, JsonbValue *key, JsonbValue *value)
{
	JsonbIteratorToken token;

	CHECK_FOR_INTERRUPTS();
	memset(key, 0, sizeof(JsonbValue));
	while ((token = JsonbIteratorNext(it, value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			*key = *value;
		else if (token == WJB_VALUE || token == WJB_ELEM)
			return true;
	}
	return false;
}

static bool
is_same(const JsonbValue *a, const JsonbValue *b)
{
	JsonbValue	x = *a;
	JsonbValue	y = *b;

	return json_equal(JsonbValueToJsonb(&x), JsonbValueToJsonb(&y));
}

/* -1, 0 or 1 */
static int
compare_numbers(Numeric a, Numeric b)
{
	int			order = DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));

	return (order > 0) - (order < 0);
}

static bool
is_integer(Numeric number)
{
	return compare_numbers(number, DatumGetNumeric(DirectFunctionCall2(numeric_trunc, NumericGetDatum(number), Int32GetDatum(0)))) == 0;
}

static char *
number_text(Numeric number)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
}

/* Is the value of this kind, in JSON Schema's words? */
static bool
is_of_type(const JsonbValue *value, const char *type, int length)
{
	const char *is;

	switch (value->type)
	{
		case jbvNull:
			is = "null";
			break;
		case jbvBool:
			is = "boolean";
			break;
		case jbvString:
			is = "string";
			break;
		case jbvNumeric:
			if (length == strlen("integer") && strncmp(type, "integer", length) == 0)
				return is_integer(value->val.numeric);
			is = "number";
			break;
		default:
			is = is_array(value) ? "array" : "object";
			break;
	}
	return (int) strlen(is) == length && strncmp(is, type, length) == 0;
}

/* ------------------------------------------------------------------- places */

static void
append_place(StringInfo out, const Place *place)
{
	check_stack_depth();
	if (place->parent == NULL)
	{
		appendStringInfoChar(out, '$');
		return;
	}
	append_place(out, place->parent);
	if (place->key == NULL)
		appendStringInfo(out, "[%d]", place->index);
	else
	{
		int			length = pg_mbcliplen(place->key, place->length, SHOWN_KEY_LENGTH);
		char	   *key = pnstrdup(place->key, length);
		bool		is_cut = length < place->length;

		appendStringInfoChar(out, '.');
		if (!is_cut && key[strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$")] == '\0' && *key != '\0')
			appendStringInfoString(out, key);
		else
			escape_json(out, is_cut ? psprintf("%s...", key) : key);
	}
}

/* "$.items[2].price is too large": a place and what is wrong there. */
static char *
sentence(const Place *place, const char *what)
{
	StringInfoData out;

	initStringInfo(&out);
	append_place(&out, place);
	appendStringInfo(&out, " %s", what);
	return out.data;
}

static Place
place_of_key(const Place *parent, const JsonbValue *key)
{
	Place		place = {parent, key->val.string.val, key->val.string.len, 0};

	return place;
}

static Place
place_of_element(const Place *parent, int index)
{
	Place		place = {parent, NULL, 0, index};

	return place;
}

/* -------------------------------------------------------- faults of a schema */

static void
fault(List **faults, const Place *place, const char *what)
{
	*faults = lappend(*faults, sentence(place, what));
}

static void
check_string(const JsonbValue *value, const Place *place, List **faults)
{
	if (value->type != jbvString)
		fault(faults, place, "must be a string");
}

static void
check_number(const JsonbValue *value, const Place *place, List **faults)
{
	if (value->type != jbvNumeric)
		fault(faults, place, "must be a number");
}

static void
check_count(const JsonbValue *value, const Place *place, List **faults)
{
	if (value->type != jbvNumeric || !is_integer(value->val.numeric) ||
		compare_numbers(value->val.numeric, int64_to_numeric(0)) < 0)
		fault(faults, place, "must be an integer, 0 or more");
}

static void
check_array(const JsonbValue *value, const Place *place, List **faults)
{
	if (!is_array(value))
		fault(faults, place, "must be an array");
}

static void
check_anything(const JsonbValue *value, const Place *place, List **faults)
{
	(void) value;
	(void) place;
	(void) faults;
}

/* An empty one would let nothing pass: surely a mistake. */
static void
check_enum(const JsonbValue *value, const Place *place, List **faults)
{
	if (!is_array(value) || JsonContainerSize(value->val.binary.data) == 0)
		fault(faults, place, "must be an array of the values that are allowed");
}

static void
check_pattern(const JsonbValue *value, const Place *place, List **faults)
{
	char	   *what;

	if (value->type != jbvString)
		fault(faults, place, "must be a string");
	else if ((what = pattern_fault(value->val.string.val, value->val.string.len)) != NULL)
		fault(faults, place, psprintf("is not a pattern that can be used: %s", what));
}

static bool
is_type_name(const JsonbValue *value)
{
	static const char *const types[] = {"null", "boolean", "string", "number", "integer", "array", "object"};

	if (value->type != jbvString)
		return false;
	for (int i = 0; i < (int) lengthof(types); i++)
		if ((int) strlen(types[i]) == value->val.string.len &&
			strncmp(types[i], value->val.string.val, value->val.string.len) == 0)
			return true;
	return false;
}

/* One type, or a list of some. */
static void
check_type(const JsonbValue *value, const Place *place, List **faults)
{
	bool		is_good = is_type_name(value);

	if (is_array(value))
	{
		JsonbIterator *it = JsonbIteratorInit(value->val.binary.data);
		JsonbValue	key;
		JsonbValue	element;

		is_good = JsonContainerSize(value->val.binary.data) > 0;
		while (next_member(&it, &key, &element))
			is_good = is_good && is_type_name(&element);
	}
	if (!is_good)
		fault(faults, place, "must be one or several of null, boolean, string, number, integer, array, object");
}

static void
check_names(const JsonbValue *value, const Place *place, List **faults)
{
	bool		is_good = is_array(value);

	if (is_good)
	{
		JsonbIterator *it = JsonbIteratorInit(value->val.binary.data);
		JsonbValue	key;
		JsonbValue	element;

		while (next_member(&it, &key, &element))
			is_good = is_good && element.type == jbvString;
	}
	if (!is_good)
		fault(faults, place, "must be an array of strings");
}

/* An object of schemas. */
static void
check_properties(const JsonbValue *value, const Place *place, List **faults)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	schema;

	if (!is_object(value))
	{
		fault(faults, place, "must be an object of schemas");
		return;
	}
	it = JsonbIteratorInit(value->val.binary.data);
	while (next_member(&it, &key, &schema))
	{
		Place		below = place_of_key(place, &key);

		check_schema(&schema, &below, faults);
	}
}

/* An array of schemas. */
static void
check_schemas(const JsonbValue *value, const Place *place, List **faults)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	schema;
	int			n = 0;

	if (!is_array(value) || JsonContainerSize(value->val.binary.data) == 0)
	{
		fault(faults, place, "must be an array of schemas");
		return;
	}
	it = JsonbIteratorInit(value->val.binary.data);
	while (next_member(&it, &key, &schema))
	{
		Place		below = place_of_element(place, n++);

		check_schema(&schema, &below, faults);
	}
}

static const struct
{
	const char *name;
	KeywordCheck check;
}			keywords[] = {
	{"type", check_type},
	{"enum", check_enum},
	{"const", check_anything},
	{"anyOf", check_schemas},
	{"required", check_names},
	{"properties", check_properties},
	{"additionalProperties", check_schema},
	{"items", check_schema},
	{"minItems", check_count},
	{"maxItems", check_count},
	{"minLength", check_count},
	{"maxLength", check_count},
	{"pattern", check_pattern},
	{"minimum", check_number},
	{"maximum", check_number},
	{"exclusiveMinimum", check_number},
	{"exclusiveMaximum", check_number},
	{"title", check_string},
	{"description", check_string},
	{"default", check_anything},
	{"examples", check_array},
	{"$schema", check_string},
};

static KeywordCheck
find_keyword(const JsonbValue *name)
{
	for (int i = 0; i < (int) lengthof(keywords); i++)
		if ((int) strlen(keywords[i].name) == name->val.string.len &&
			strncmp(keywords[i].name, name->val.string.val, name->val.string.len) == 0)
			return keywords[i].check;
	return NULL;
}

/* A schema is an object; or true, which lets all pass, or false: nothing. */
static void
check_schema(const JsonbValue *schema, const Place *place, List **faults)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	value;

	check_stack_depth();
	if (schema->type == jbvBool)
		return;
	if (!is_object(schema))
	{
		fault(faults, place, "must be a schema: an object, true or false");
		return;
	}
	it = JsonbIteratorInit(schema->val.binary.data);
	while (next_member(&it, &key, &value))
	{
		KeywordCheck check = find_keyword(&key);
		Place		below = place_of_key(place, &key);

		if (check == NULL)
			fault(faults, &below, "is a keyword that is not supported");
		else
			check(&value, &below, faults);
	}
}

/* What is wrong with a schema, as sentences; NIL: nothing. */
List *
schema_faults(Jsonb *schema)
{
	List	   *faults = NIL;
	Place		root = {NULL, NULL, 0, 0};
	JsonbValue	value = root_value(schema);

	check_schema(&value, &root, &faults);
	return faults;
}

/* ------------------------------------------------------ does a value fit it? */

/* Does the keyword "type" take the value? */
static bool
has_type(const JsonbValue *types, const JsonbValue *value)
{
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	type;

	if (types->type == jbvString)
		return is_of_type(value, types->val.string.val, types->val.string.len);
	it = JsonbIteratorInit(types->val.binary.data);
	while (next_member(&it, &key, &type))
		if (is_of_type(value, type.val.string.val, type.val.string.len))
			return true;
	return false;
}

/* "a string" or "an integer or null": the keyword "type" in words. */
static char *
type_words(const JsonbValue *types)
{
	StringInfoData out;
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	type;
	int			n = 0;

	if (types->type == jbvString)
		return pnstrdup(types->val.string.val, types->val.string.len);
	initStringInfo(&out);
	it = JsonbIteratorInit(types->val.binary.data);
	while (next_member(&it, &key, &type))
		appendStringInfo(&out, "%s%.*s", n++ > 0 ? " or " : "", type.val.string.len, type.val.string.val);
	return out.data;
}

/* type, const, enum and anyOf: what is asked of values of every kind. */
static char *
general_violation(const JsonbValue *schema, const JsonbValue *value, const Place *place)
{
	JsonbValue *asked;
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	element;
	bool		is_found = false;

	if ((asked = find(schema, "type")) != NULL && !has_type(asked, value))
		return sentence(place, psprintf("is not of type %s", type_words(asked)));
	if ((asked = find(schema, "const")) != NULL && !is_same(asked, value))
		return sentence(place, "is not the one value that is allowed (const)");
	if ((asked = find(schema, "enum")) != NULL)
	{
		it = JsonbIteratorInit(asked->val.binary.data);
		while (!is_found && next_member(&it, &key, &element))
			is_found = is_same(&element, value);
		if (!is_found)
			return sentence(place, "is none of the values that are allowed (enum)");
	}
	if ((asked = find(schema, "anyOf")) != NULL)
	{
		is_found = false;
		it = JsonbIteratorInit(asked->val.binary.data);
		while (!is_found && next_member(&it, &key, &element))
			is_found = violation(&element, value, place) == NULL;
		if (!is_found)
			return sentence(place, "fits none of the schemas of which it must fit one (anyOf)");
	}
	return NULL;
}

static char *
number_violation(const JsonbValue *schema, Numeric number, const Place *place)
{
	static const struct
	{
		const char *keyword;
		int			wrong;		/* how the number must not compare with it */
		bool		is_exclusive;	/* nor equal it */
		const char *words;
	}			limits[] = {
		{"minimum", -1, false, "is less than"},
		{"maximum", 1, false, "is more than"},
		{"exclusiveMinimum", -1, true, "is not more than"},
		{"exclusiveMaximum", 1, true, "is not less than"},
	};

	for (int i = 0; i < (int) lengthof(limits); i++)
	{
		JsonbValue *limit = find(schema, limits[i].keyword);
		int			order;

		if (limit == NULL)
			continue;
		order = compare_numbers(number, limit->val.numeric);
		if (order == limits[i].wrong || (order == 0 && limits[i].is_exclusive))
			return sentence(place, psprintf("%s %s", limits[i].words, number_text(limit->val.numeric)));
	}
	return NULL;
}

/* minLength and maxLength, minItems and maxItems. */
static char *
size_violation(const JsonbValue *schema, const char *minimum, const char *maximum, int64 size,
			   const char *unit, const Place *place)
{
	Numeric		number = int64_to_numeric(size);
	JsonbValue *limit;

	if ((limit = find(schema, minimum)) != NULL && compare_numbers(number, limit->val.numeric) < 0)
		return sentence(place, psprintf("has fewer %s than %s", unit, number_text(limit->val.numeric)));
	if ((limit = find(schema, maximum)) != NULL && compare_numbers(number, limit->val.numeric) > 0)
		return sentence(place, psprintf("has more %s than %s", unit, number_text(limit->val.numeric)));
	return NULL;
}

static char *
string_violation(const JsonbValue *schema, const JsonbValue *value, const Place *place)
{
	char	   *wrong = size_violation(schema, "minLength", "maxLength",
									   pg_mbstrlen_with_len(value->val.string.val, value->val.string.len),
									   "characters", place);
	JsonbValue *pattern = find(schema, "pattern");

	if (wrong == NULL && pattern != NULL &&
		!pattern_matches(pattern->val.string.val, pattern->val.string.len, value->val.string.val, value->val.string.len))
		wrong = sentence(place, psprintf("does not match the pattern %.*s", pattern->val.string.len, pattern->val.string.val));
	return wrong;
}

static char *
array_violation(const JsonbValue *schema, const JsonbValue *value, const Place *place)
{
	char	   *wrong = size_violation(schema, "minItems", "maxItems",
									   JsonContainerSize(value->val.binary.data), "elements", place);
	JsonbValue *items = find(schema, "items");
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	element;
	int			n = 0;

	if (wrong != NULL || items == NULL)
		return wrong;
	it = JsonbIteratorInit(value->val.binary.data);
	while (wrong == NULL && next_member(&it, &key, &element))
	{
		Place		below = place_of_element(place, n++);

		wrong = violation(items, &element, &below);
	}
	return wrong;
}

static char *
object_violation(const JsonbValue *schema, const JsonbValue *value, const Place *place)
{
	JsonbValue *required = find(schema, "required");
	JsonbValue *properties = find(schema, "properties");
	JsonbValue *additional = find(schema, "additionalProperties");
	JsonbIterator *it;
	JsonbValue	key;
	JsonbValue	member;
	char	   *wrong = NULL;

	if (required != NULL)
	{
		it = JsonbIteratorInit(required->val.binary.data);
		while (next_member(&it, &key, &member))
		{
			Place		below = place_of_key(place, &member);

			if (find_key(value, member.val.string.val, member.val.string.len) == NULL)
				return sentence(&below, "is missing");
		}
	}
	it = JsonbIteratorInit(value->val.binary.data);
	while (wrong == NULL && next_member(&it, &key, &member))
	{
		Place		below = place_of_key(place, &key);
		JsonbValue *declared = properties == NULL ? NULL :
			find_key(properties, key.val.string.val, key.val.string.len);

		if (declared != NULL)
			wrong = violation(declared, &member, &below);
		else if (additional != NULL)
			wrong = violation(additional, &member, &below);
	}
	return wrong;
}

static char *
violation(const JsonbValue *schema, const JsonbValue *value, const Place *place)
{
	char	   *wrong;

	check_stack_depth();
	if (schema->type == jbvBool)
		return schema->val.boolean ? NULL : sentence(place, "is not allowed");
	wrong = general_violation(schema, value, place);
	if (wrong != NULL)
		return wrong;
	if (value->type == jbvNumeric)
		return number_violation(schema, value->val.numeric, place);
	if (value->type == jbvString)
		return string_violation(schema, value, place);
	if (is_array(value))
		return array_violation(schema, value, place);
	if (is_object(value))
		return object_violation(schema, value, place);
	return NULL;
}

/*
 * Where and how a value does not fit a schema, which has no faults; NULL: it
 * fits.  SQL's NULL is taken for null.
 */
char *
schema_violation(Jsonb *schema, Jsonb *value)
{
	Place		root = {NULL, NULL, 0, 0};
	JsonbValue	rules = root_value(schema);
	JsonbValue	given = {.type = jbvNull};

	if (value != NULL)
		given = root_value(value);
	return violation(&rules, &given, &root);
}
