/*
 * value.h
 *    Values of PL/pgSQL as JSON, and back: what a frame is made of.
 *
 * Layer 3.
 */
#ifndef HITL_VALUE_H
#define HITL_VALUE_H

#include "access/tupdesc.h"
#include "compat.h"
#include "utils/jsonb.h"

extern int	value_pin_settings(void);
extern void value_unpin_settings(int level);
COMPAT_NORETURN extern void value_refuse_size(void);
extern char *value_type_name(Oid type, int32 typmod);
extern void value_parse_type(const char *name, Oid *type, int32 *typmod);
extern Jsonb *value_write(const char *what, Oid type, Datum value, bool is_null);
extern Datum value_read(Jsonb *json, Oid type, int32 typmod, bool *is_null, Oid *read_type, int32 *read_typmod);
extern Jsonb *value_write_columns(TupleDesc columns);
extern TupleDesc value_read_columns(Jsonb *json);
extern Jsonb *value_write_row(TupleDesc columns, const Datum *values, const bool *nulls);
extern void value_read_row(Jsonb *json, TupleDesc columns, Datum *values, bool *nulls);

#endif							/* HITL_VALUE_H */
