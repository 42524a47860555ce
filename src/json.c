/*
 * json.c
 *    Small helpers over the server's jsonb: look, compare, build.
 *
 * Everything goes through the server's own constructors, so what comes out is
 * normal jsonb: keys sorted, the last of two equal keys kept.
 *
 * Layer 0.  Results are in the caller's memory context.
 */
#include "postgres.h"

#include "json.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

static JsonbValue
string_value(const char *string)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = pstrdup(string);
	value.val.string.len = strlen(string);
	return value;
}

/* A jsonb as a value to push: a scalar is taken out of its wrapping array. */
static JsonbValue
jsonb_value(Jsonb *json)
{
	JsonbValue	value;

	if (JB_ROOT_IS_SCALAR(json))
		(void) JsonbExtractScalar(&json->root, &value);
	else
		JsonbToJsonbValue(json, &value);
	return value;
}

static void
add_value(JsonBuilder *b, const char *key, JsonbValue *value)
{
	JsonbValue	name = string_value(key);

	pushJsonbValue(&b->state, WJB_KEY, &name);
	pushJsonbValue(&b->state, WJB_VALUE, value);
}

void
json_begin(JsonBuilder *b)
{
	b->state = NULL;
	pushJsonbValue(&b->state, WJB_BEGIN_OBJECT, NULL);
}

/* NULL becomes null. */
void
json_add_string(JsonBuilder *b, const char *key, const char *value)
{
	JsonbValue	v;

	if (value != NULL)
		v = string_value(value);
	else
		v.type = jbvNull;
	add_value(b, key, &v);
}

void
json_add_int64(JsonBuilder *b, const char *key, int64 value)
{
	JsonbValue	v;

	v.type = jbvNumeric;
	v.val.numeric = int64_to_numeric(value);
	add_value(b, key, &v);
}

/* Finite numbers only. */
void
json_add_number(JsonBuilder *b, const char *key, double value)
{
	JsonbValue	v;

	v.type = jbvNumeric;
	v.val.numeric = DatumGetNumeric(DirectFunctionCall1(float8_numeric, Float8GetDatum(value)));
	add_value(b, key, &v);
}

void
json_add_bool(JsonBuilder *b, const char *key, bool value)
{
	JsonbValue	v;

	v.type = jbvBool;
	v.val.boolean = value;
	add_value(b, key, &v);
}

/*
 * ISO 8601 in UTC with microseconds, whatever DateStyle and TimeZone are: a
 * decision must read the same for everybody.
 */
void
json_add_time(JsonBuilder *b, const char *key, TimestampTz value)
{
	struct pg_tm tm;
	fsec_t		fsec;
	char		text[64];

	if (TIMESTAMP_IS_NOEND(value))
	{
		json_add_string(b, key, "infinity");
		return;
	}
	if (TIMESTAMP_NOT_FINITE(value) ||
		timestamp2tm(value, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "hitl cannot write a time that is out of range");
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
			 tm.tm_year, tm.tm_mon, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec);
	json_add_string(b, key, text);
}

/* NULL becomes null. */
void
json_add_jsonb(JsonBuilder *b, const char *key, Jsonb *value)
{
	JsonbValue	v;

	if (value != NULL)
		v = jsonb_value(value);
	else
		v.type = jbvNull;
	add_value(b, key, &v);
}

Jsonb *
json_end(JsonBuilder *b)
{
	return JsonbValueToJsonb(pushJsonbValue(&b->state, WJB_END_OBJECT, NULL));
}

Jsonb *
json_array(Jsonb **elements, int n_elements)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < n_elements; i++)
	{
		JsonbValue	v = jsonb_value(elements[i]);

		pushJsonbValue(&state, WJB_ELEM, &v);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* A list of Jsonb as an array. */
Jsonb *
json_list(List *elements)
{
	Jsonb	  **array = palloc(sizeof(Jsonb *) * Max(list_length(elements), 1));
	ListCell   *cell;

	foreach(cell, elements)
		array[foreach_current_index(cell)] = lfirst(cell);
	return json_array(array, list_length(elements));
}

/* A list of C strings as an array. */
Jsonb *
json_string_list(List *strings)
{
	List	   *elements = NIL;
	ListCell   *cell;

	foreach(cell, strings)
		elements = lappend(elements, json_string(lfirst(cell)));
	return json_list(elements);
}

Jsonb *
json_empty_object(void)
{
	JsonBuilder b;

	json_begin(&b);
	return json_end(&b);
}

Jsonb *
json_null(void)
{
	JsonbValue	v = {.type = jbvNull};

	return JsonbValueToJsonb(&v);
}

Jsonb *
json_bool(bool value)
{
	JsonbValue	v = {.type = jbvBool};

	v.val.boolean = value;
	return JsonbValueToJsonb(&v);
}

Jsonb *
json_string(const char *value)
{
	JsonbValue	v = string_value(value);

	return JsonbValueToJsonb(&v);
}

Jsonb *
json_int64(int64 value)
{
	JsonbValue	v;

	v.type = jbvNumeric;
	v.val.numeric = int64_to_numeric(value);
	return JsonbValueToJsonb(&v);
}

bool
json_is_object(Jsonb *json)
{
	return json != NULL && JB_ROOT_IS_OBJECT(json);
}

/* JSON's null, which is not SQL's NULL */
bool
json_is_null(Jsonb *json)
{
	JsonbValue	v;

	return json != NULL && JB_ROOT_IS_SCALAR(json) &&
		JsonbExtractScalar(&json->root, &v) && v.type == jbvNull;
}

/* "an object", "a string", ... for messages */
const char *
json_type(Jsonb *json)
{
	JsonbValue	v;

	if (json == NULL)
		return "NULL";
	if (JB_ROOT_IS_OBJECT(json))
		return "an object";
	if (!JB_ROOT_IS_SCALAR(json))
		return "an array";
	(void) JsonbExtractScalar(&json->root, &v);
	switch (v.type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		default:
			return "a scalar";
	}
}

/* The value of a key; NULL when there is none, or it is no object. */
Jsonb *
json_get(Jsonb *object, const char *key)
{
	JsonbValue *v;

	if (!json_is_object(object))
		return NULL;
	v = getKeyJsonValueFromContainer(&object->root, key, strlen(key), NULL);
	return v != NULL ? JsonbValueToJsonb(v) : NULL;
}

/* The text of a string; NULL for anything else. */
char *
json_scalar_string(Jsonb *json)
{
	JsonbValue	v;

	if (json == NULL || !JB_ROOT_IS_SCALAR(json) ||
		!JsonbExtractScalar(&json->root, &v) || v.type != jbvString)
		return NULL;
	return pnstrdup(v.val.string.val, v.val.string.len);
}

/* The value of a key when it is a string; NULL otherwise. */
char *
json_get_string(Jsonb *object, const char *key)
{
	return json_scalar_string(json_get(object, key));
}

/* The keys of an object, as C strings. */
List *
json_keys(Jsonb *object)
{
	List	   *keys = NIL;
	JsonbIterator *it = JsonbIteratorInit(&object->root);
	JsonbValue	v;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_KEY)
			keys = lappend(keys, pnstrdup(v.val.string.val, v.val.string.len));
	return keys;
}

/* jsonb sorts keys by length, then by bytes. */
static int
compare_fields(const void *a, const void *b)
{
	const JsonField *x = a;
	const JsonField *y = b;
	int			order;

	if (x->key.val.string.len != y->key.val.string.len)
		return x->key.val.string.len < y->key.val.string.len ? -1 : 1;
	order = memcmp(x->key.val.string.val, y->key.val.string.val, x->key.val.string.len);
	if (order != 0)
		return order;
	return x->object < y->object ? -1 : x->object > y->object;
}

bool
json_same_key(const JsonField *a, const JsonField *b)
{
	return a->key.val.string.len == b->key.val.string.len &&
		memcmp(a->key.val.string.val, b->key.val.string.val, a->key.val.string.len) == 0;
}

/*
 * The fields of several objects, by key, and those of one key by object.  So
 * what is made of many objects is made in one pass.  They point into the
 * objects.
 */
JsonField *
json_fields(JsonbContainer **objects, int n_objects, Size *n_fields)
{
	JsonField  *fields;
	Size		n = 0;

	for (int i = 0; i < n_objects; i++)
		n += JsonContainerSize(objects[i]);
	fields = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(JsonField) * Max(n, 1));
	n = 0;
	for (int i = 0; i < n_objects; i++)
	{
		JsonbIterator *it = JsonbIteratorInit(objects[i]);
		JsonbValue	v;

		CHECK_FOR_INTERRUPTS();
		(void) JsonbIteratorNext(&it, &v, true);
		while (JsonbIteratorNext(&it, &v, true) == WJB_KEY)
		{
			fields[n].key = v;
			(void) JsonbIteratorNext(&it, &fields[n].value, true);
			fields[n++].object = i;
		}
	}
	qsort(fields, n, sizeof(JsonField), compare_fields);
	*n_fields = n;
	return fields;
}

bool
json_is_array(Jsonb *json)
{
	return json != NULL && JB_ROOT_IS_ARRAY(json) && !JB_ROOT_IS_SCALAR(json);
}

/* The elements of an array, as Jsonb. */
List *
json_elements(Jsonb *array)
{
	List	   *elements = NIL;
	JsonbIterator *it = JsonbIteratorInit(&array->root);
	JsonbValue	v;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			elements = lappend(elements, JsonbValueToJsonb(&v));
	return elements;
}

/* Is it a number?  Then which; numbers beyond float8 are infinite. */
bool
json_get_number(Jsonb *json, double *number)
{
	JsonbValue	v;

	if (json == NULL || !JB_ROOT_IS_SCALAR(json) ||
		!JsonbExtractScalar(&json->root, &v) || v.type != jbvNumeric)
		return false;
	*number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(v.val.numeric)));
	return true;
}

bool
json_get_bool(Jsonb *json, bool *value)
{
	JsonbValue	v;

	if (json == NULL || !JB_ROOT_IS_SCALAR(json) ||
		!JsonbExtractScalar(&json->root, &v) || v.type != jbvBool)
		return false;
	*value = v.val.boolean;
	return true;
}

/* An object with one key set. */
Jsonb *
json_set(Jsonb *object, const char *key, Jsonb *value)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_jsonb(&b, key, value);
	return json_merge(object, json_end(&b));
}

/* Equal as jsonb: 1.0 is 1.00.  NULL equals NULL only. */
bool
json_equal(Jsonb *a, Jsonb *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return compareJsonbContainers(&a->root, &b->root) == 0;
}

/* One object laid over another, key by key (not deep), as SQL's || does. */
Jsonb *
json_merge(Jsonb *base, Jsonb *over)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  JsonbPGetDatum(base),
											  JsonbPGetDatum(over)));
}

/* An object without one key. */
Jsonb *
json_delete(Jsonb *object, const char *key)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(object),
											  CStringGetTextDatum(key)));
}

/*
 * Where two values differ first, as a path such as "args.amount".  NULL when
 * they are equal.  Arrays are not looked into: their name is precise enough.
 */
char *
json_difference(Jsonb *a, Jsonb *b, const char *name)
{
	List	   *keys;
	ListCell   *cell;

	if (json_equal(a, b))
		return NULL;
	if (!json_is_object(a) || !json_is_object(b))
		return pstrdup(name);

	keys = list_concat(json_keys(a), json_keys(b));
	foreach(cell, keys)
	{
		char	   *key = lfirst(cell);
		char	   *path = psprintf("%s.%s", name, key);

		path = json_difference(json_get(a, key), json_get(b, key), path);
		if (path != NULL)
			return path;
	}
	return pstrdup(name);
}

/*
 * What changed between two objects, key by key: {"key": {"from", "to"}}, with
 * no "from" for what is new and no "to" for what is gone.
 */
Jsonb *
json_changes(Jsonb *before, Jsonb *after)
{
	JsonbContainer *objects[] = {&before->root, &after->root};
	Size		n;
	JsonField  *fields = json_fields(objects, 2, &n);
	JsonBuilder result;

	json_begin(&result);
	for (Size i = 0; i < n;)
	{
		JsonField  *field = &fields[i];
		Jsonb	   *from = field->object == 0 ? JsonbValueToJsonb(&field->value) : NULL;
		Jsonb	   *to = field->object == 1 ? JsonbValueToJsonb(&field->value) : NULL;
		JsonBuilder b;
		JsonbValue	change;

		CHECK_FOR_INTERRUPTS();
		if (++i < n && json_same_key(field, &fields[i]))
			to = JsonbValueToJsonb(&fields[i++].value);
		if (json_equal(from, to))
			continue;
		json_begin(&b);
		if (from != NULL)
			json_add_jsonb(&b, "from", from);
		if (to != NULL)
			json_add_jsonb(&b, "to", to);
		change = jsonb_value(json_end(&b));
		pushJsonbValue(&result.state, WJB_KEY, &field->key);
		pushJsonbValue(&result.state, WJB_VALUE, &change);
	}
	return json_end(&result);
}
