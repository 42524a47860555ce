/*
 * value.c
 *    Values of PL/pgSQL as JSON, and back: what a frame is made of.
 *
 * A value is the text that its type writes, under settings that are always the
 * same and with an empty search_path, so that the text holds over a dump, a
 * restore and a new major version: binary forms hold OIDs of types.  pg_dump
 * keeps data in the same way.  An anonymous record has no type that could read
 * its text; it is kept with its columns:
 *
 *   null | "text" | {"columns": [["name", "type"], ...], "row": [value, ...]}
 *     | {"type": "schema.name", "text": "text"}       of a variable that is declared RECORD
 *
 * Layer 3.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "funcapi.h"
#include "guc.h"
#include "json.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"
#include "value.h"

/* Put the settings in force under which values are written and read. */
int
value_pin_settings(void)
{
	static const char *const settings[][2] = {
		{"array_nulls", "on"},
		{"bytea_output", "hex"},
		{"datestyle", "ISO, YMD"},
		{"extra_float_digits", "3"},
		{"intervalstyle", "postgres"},
		{"lc_monetary", "C"},
		{"quote_all_identifiers", "off"},
		{"search_path", "pg_catalog, pg_temp"},
		{"timezone", "UTC"},
		{"xmloption", "content"}
	};
	int			level = NewGUCNestLevel();

	for (int i = 0; i < (int) lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}

void
value_unpin_settings(int level)
{
	AtEOXact_GUC(true, level);
}

/* What a node has to keep over a pause is more than it may. */
void
value_refuse_size(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("a node has too much to keep over a pause"),
			 errdetail("Its variables and the rows that its loops have not seen yet take more than the %d kB of hitl.max_frame_size.", guc_max_frame_size),
			 errhint("Keep keys instead of rows, or raise hitl.max_frame_size.")));
}

/* A type as text, with its modifier. */
char *
value_type_name(Oid type, int32 typmod)
{
	return format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
}

/* Raises what the parser raises: the type may be gone. */
void
value_parse_type(const char *name, Oid *type, int32 *typmod)
{
	compat_parse_type(name, type, typmod);
}

/*
 * A value as JSON.  what: whose it is, for the error about one that no text can
 * be read back for (0A000).
 */
Jsonb *
value_write(const char *what, Oid type, Datum value, bool is_null)
{
	Oid			output;
	bool		is_varlena;

	if (is_null)
		return json_null();
	if (type == RECORDOID)
	{
		HeapTupleHeader row = DatumGetHeapTupleHeader(value);
		TupleDesc	columns = lookup_rowtype_tupdesc_copy(HeapTupleHeaderGetTypeId(row), HeapTupleHeaderGetTypMod(row));
		HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
		Datum	   *values = palloc(sizeof(Datum) * columns->natts);
		bool	   *nulls = palloc(sizeof(bool) * columns->natts);
		JsonBuilder b;

		heap_deform_tuple(&tuple, columns, values, nulls);
		json_begin(&b);
		if (HeapTupleHeaderGetTypeId(row) != RECORDOID)
		{
			json_add_string(&b, "type", value_type_name(HeapTupleHeaderGetTypeId(row), -1));
			getTypeOutputInfo(HeapTupleHeaderGetTypeId(row), &output, &is_varlena);
			json_add_string(&b, "text", OidOutputFunctionCall(output, value));
		}
		else
		{
			json_add_jsonb(&b, "columns", value_write_columns(columns));
			json_add_jsonb(&b, "row", value_write_row(columns, values, nulls));
		}
		return json_end(&b);
	}
	if (get_typtype(type) == TYPTYPE_PSEUDO)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot be kept over a pause", what),
				 errdetail("It is of type %s, and no value of that can be read again.", format_type_be(type)),
				 errhint("Give it a type with a name, or set it to NULL before the pause.")));
	getTypeOutputInfo(type, &output, &is_varlena);
	return json_string(OidOutputFunctionCall(output, value));
}

/*
 * The value of a JSON that value_write() made, for a place of this type.  What
 * is read is of *read_type, which is another one only for records.
 */
Datum
value_read(Jsonb *json, Oid type, int32 typmod, bool *is_null, Oid *read_type, int32 *read_typmod)
{
	Oid			input;
	Oid			parameter;
	char	   *text;

	*is_null = json_is_null(json);
	*read_type = type;
	*read_typmod = typmod;
	if (*is_null)
		return (Datum) 0;
	if (type == RECORDOID && json_get(json, "type") != NULL)
	{
		value_parse_type(json_get_string(json, "type"), read_type, read_typmod);
		text = json_get_string(json, "text");
	}
	else if (type == RECORDOID)
	{
		TupleDesc	columns = BlessTupleDesc(value_read_columns(json_get(json, "columns")));
		Datum	   *values = palloc(sizeof(Datum) * columns->natts);
		bool	   *nulls = palloc(sizeof(bool) * columns->natts);

		value_read_row(json_get(json, "row"), columns, values, nulls);
		*read_typmod = columns->tdtypmod;
		return HeapTupleGetDatum(heap_form_tuple(columns, values, nulls));
	}
	else
		text = json_scalar_string(json);
	getTypeInputInfo(*read_type, &input, &parameter);
	return OidInputFunctionCall(input, text, parameter, *read_typmod);
}

/* Names and types of the columns of a row. */
Jsonb *
value_write_columns(TupleDesc columns)
{
	List	   *list = NIL;

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		list = lappend(list, json_string_list(list_make2(NameStr(column->attname),
														 value_type_name(column->atttypid, column->atttypmod))));
	}
	return json_list(list);
}

TupleDesc
value_read_columns(Jsonb *json)
{
	List	   *list = json_elements(json);
	TupleDesc	columns = CreateTemplateTupleDesc(list_length(list));
	ListCell   *cell;
	AttrNumber	number = 1;

	foreach(cell, list)
	{
		List	   *column = json_elements(lfirst(cell));
		Oid			type;
		int32		typmod;

		value_parse_type(json_scalar_string(lsecond(column)), &type, &typmod);
		TupleDescInitEntry(columns, number++, json_scalar_string(linitial(column)), type, typmod, 0);
	}
	return columns;
}

Jsonb *
value_write_row(TupleDesc columns, const Datum *values, const bool *nulls)
{
	List	   *list = NIL;

	for (int i = 0; i < columns->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(columns, i);

		list = lappend(list, value_write(psprintf("column \"%s\" of a row", NameStr(column->attname)),
										 column->atttypid, values[i], nulls[i]));
	}
	return json_list(list);
}

/* values, nulls: as many as there are columns. */
void
value_read_row(Jsonb *json, TupleDesc columns, Datum *values, bool *nulls)
{
	ListCell   *cell;
	int			i = 0;

	foreach(cell, json_elements(json))
	{
		Oid			type;
		int32		typmod;

		Assert(i < columns->natts);
		values[i] = value_read(lfirst(cell), TupleDescAttr(columns, i)->atttypid,
							   TupleDescAttr(columns, i)->atttypmod, &nulls[i], &type, &typmod);
		i++;
	}
}
