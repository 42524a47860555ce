/*
 * json.h
 *    Small helpers over the server's jsonb: look, compare, build.
 *
 * Layer 0.  Results are in the caller's memory context.
 */
#ifndef HITL_JSON_H
#define HITL_JSON_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* an object under construction */
typedef struct JsonBuilder
{
	JsonbParseState *state;
} JsonBuilder;

/* a key of one of several objects, with its value there */
typedef struct JsonField
{
	JsonbValue	key;			/* a string */
	JsonbValue	value;
	int			object;			/* of which one */
} JsonField;

extern void json_begin(JsonBuilder *b);
extern void json_add_string(JsonBuilder *b, const char *key, const char *value);
extern void json_add_int64(JsonBuilder *b, const char *key, int64 value);
extern void json_add_number(JsonBuilder *b, const char *key, double value);
extern void json_add_bool(JsonBuilder *b, const char *key, bool value);
extern void json_add_time(JsonBuilder *b, const char *key, TimestampTz value);
extern void json_add_jsonb(JsonBuilder *b, const char *key, Jsonb *value);
extern Jsonb *json_end(JsonBuilder *b);

extern Jsonb *json_array(Jsonb **elements, int n_elements);
extern Jsonb *json_list(List *elements);
extern Jsonb *json_string_list(List *strings);
extern Jsonb *json_empty_object(void);
extern Jsonb *json_null(void);
extern Jsonb *json_bool(bool value);
extern Jsonb *json_string(const char *value);
extern Jsonb *json_int64(int64 value);

extern bool json_is_object(Jsonb *json);
extern bool json_is_null(Jsonb *json);
extern const char *json_type(Jsonb *json);
extern Jsonb *json_get(Jsonb *object, const char *key);
extern char *json_get_string(Jsonb *object, const char *key);
extern char *json_scalar_string(Jsonb *json);
extern List *json_keys(Jsonb *object);
extern List *json_elements(Jsonb *array);
extern bool json_is_array(Jsonb *json);
extern bool json_get_number(Jsonb *json, double *number);
extern bool json_get_bool(Jsonb *json, bool *value);
extern JsonField *json_fields(JsonbContainer **objects, int n_objects, Size *n_fields);
extern bool json_same_key(const JsonField *a, const JsonField *b);
extern Jsonb *json_set(Jsonb *object, const char *key, Jsonb *value);
extern bool json_equal(Jsonb *a, Jsonb *b);
extern Jsonb *json_delete(Jsonb *object, const char *key);
extern Jsonb *json_merge(Jsonb *base, Jsonb *over);
extern Jsonb *json_changes(Jsonb *before, Jsonb *after);
extern char *json_difference(Jsonb *a, Jsonb *b, const char *name);

#endif							/* HITL_JSON_H */
