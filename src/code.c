/*
 * code.c
 *    What the code of a function is, as a hash: is it what was compiled?
 *
 * SHA-256 over all that decides what a call does: language, body, result type,
 * names and modes of the arguments, strictness, volatility, SECURITY DEFINER,
 * SET clauses, transforms; of an aggregate also its functions, with their
 * owners, and its initial value.  Not over its name, owner, rights, cost or
 * what it calls.
 *
 * The encoding is our own, with a version byte, tagged fields and UTF-8, and
 * holds no OID: so a hash holds over a dump, a restore and a new major version.
 * A SQL-standard body has no text of its own; it is what the server writes it
 * as, so it changes with a renamed table, and may with a major version.  Of a
 * C function we see the symbol and the file, not what is in it.
 *
 * A hash is computed once for a row of pg_proc: as PL/pgSQL does for its
 * trees, xmin and ctid tell whether it is still that row.
 *
 * Layer 3.  Static state: the hashes, for the life of the process.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "code.h"
#include "commands/proclang.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* of the encoding; another one makes all functions look changed */
#define CODE_VERSION 1

/* SHA-256 in hexadecimal */
#define HASH_CHARS 64

/* ------------------------------------------------------------------ encoding */

/* A field: tag, length, bytes.  NULL is a field that is not there. */
static void
add_field(StringInfo code, char tag, const char *text)
{
	char	   *utf8;

	if (text == NULL)
		return;
	utf8 = GetDatabaseEncoding() == PG_SQL_ASCII ? unconstify(char *, text)
		: pg_server_to_any(text, strlen(text), PG_UTF8);
	appendStringInfoChar(code, tag);
	appendStringInfo(code, "%zu:", strlen(utf8));
	appendStringInfoString(code, utf8);
}

static void
add_char(StringInfo code, char tag, char value)
{
	char		text[2] = {value, '\0'};

	add_field(code, tag, text);
}

/*
 * A type: its schema and its name, of an array those of its elements.  As they
 * are, for the server's own text of it depends on settings of the session.
 */
static void
add_type(StringInfo code, char tag, Oid type)
{
	Oid			element = get_element_type(type);
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(OidIsValid(element) ? element : type));
	Form_pg_type row;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "hitl found no type %u", type);
	row = (Form_pg_type) GETSTRUCT(tuple);
	add_field(code, tag, get_namespace_name(row->typnamespace));
	add_field(code, tag, NameStr(row->typname));
	add_char(code, tag, OidIsValid(element) ? '[' : '.');
	ReleaseSysCache(tuple);
}

/* Each element of an array as a field. */
static void
add_array(StringInfo code, char tag, Datum array, Oid type)
{
	int16		length;
	bool		is_by_value;
	char		align;
	Datum	   *values;
	bool	   *nulls;
	int			n_values;

	get_typlenbyvalalign(type, &length, &is_by_value, &align);
	deconstruct_array(DatumGetArrayTypeP(array), type, length, is_by_value, align,
					  &values, &nulls, &n_values);
	for (int i = 0; i < n_values; i++)
	{
		if (nulls[i])
			continue;
		if (type == TEXTOID)
			add_field(code, tag, TextDatumGetCString(values[i]));
		else if (type == CHAROID)
			add_char(code, tag, DatumGetChar(values[i]));
		else
			add_type(code, tag, DatumGetObjectId(values[i]));
	}
}

/*
 * A SQL-standard body as text.  How the server writes it depends on settings:
 * they are as pg_dump sets them.
 */
static char *
deparse_body(Oid function)
{
	static const char *const settings[][2] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"quote_all_identifiers", "off"},
		{"standard_conforming_strings", "on"},
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"extra_float_digits", "1"},
		{"bytea_output", "hex"},
		{"lc_monetary", "C"},
	};
	int			level = NewGUCNestLevel();
	char	   *body;

	for (int i = 0; i < (int) lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	body = TextDatumGetCString(DirectFunctionCall1(pg_get_function_sqlbody, ObjectIdGetDatum(function)));
	AtEOXact_GUC(true, level);
	return body;
}

/* All that a row of pg_proc says about what a call does. */
static void
add_function(StringInfo code, HeapTuple tuple)
{
	Form_pg_proc row = (Form_pg_proc) GETSTRUCT(tuple);
	Datum		value;
	bool		is_null;

	add_char(code, 'k', row->prokind);
	add_field(code, 'l', get_language_name(row->prolang, false));
	add_type(code, 'r', row->prorettype);
	add_char(code, 's', row->proisstrict ? 't' : 'f');
	add_char(code, 'd', row->prosecdef ? 't' : 'f');
	add_char(code, 'v', row->provolatile);

	(void) SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &is_null);
	if (!is_null)
		add_field(code, 'q', deparse_body(row->oid));
	else
	{
		value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &is_null);
		add_field(code, 'b', is_null ? NULL : TextDatumGetCString(value));
	}
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_probin, &is_null);
	add_field(code, 'f', is_null ? NULL : TextDatumGetCString(value));
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &is_null);
	if (!is_null)
		add_array(code, 'c', value, TEXTOID);
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargnames, &is_null);
	if (!is_null)
		add_array(code, 'n', value, TEXTOID);
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proargmodes, &is_null);
	if (!is_null)
		add_array(code, 'm', value, CHAROID);
	value = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_protrftypes, &is_null);
	if (!is_null)
		add_array(code, 't', value, OIDOID);
}

static char *
hash_code(StringInfo code)
{
	bytea	   *bytes = palloc(VARHDRSZ + code->len);
	bytea	   *hash;
	char	   *text = palloc(HASH_CHARS + 1);

	SET_VARSIZE(bytes, VARHDRSZ + code->len);
	memcpy(VARDATA(bytes), code->data, code->len);
	hash = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes)));
	text[hex_encode(VARDATA_ANY(hash), VARSIZE_ANY_EXHDR(hash), text)] = '\0';
	return text;
}

/* --------------------------------------------------------------------- cache */

typedef struct CodeEntry
{
	Oid			function;		/* the key */
	TransactionId xmin;			/* these two: the row that was looked at */
	ItemPointerData ctid;
	char		hash[HASH_CHARS + 1];
} CodeEntry;

static HTAB *code_table = NULL;

/* The entry of a function's row, made anew when the row is another one. */
static const CodeEntry *
find_entry(HeapTuple tuple)
{
	Oid			function = ((Form_pg_proc) GETSTRUCT(tuple))->oid;
	TransactionId xmin = HeapTupleHeaderGetRawXmin(tuple->t_data);
	CodeEntry  *entry;
	StringInfoData code;
	char	   *hash;

	if (code_table == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(CodeEntry)};

		code_table = hash_create("hitl code", 64, &control, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(code_table, &function, HASH_FIND, NULL);
	if (entry != NULL && entry->xmin == xmin && ItemPointerEquals(&entry->ctid, &tuple->t_self))
		return entry;

	initStringInfo(&code);
	appendStringInfoChar(&code, CODE_VERSION);
	add_function(&code, tuple);
	hash = hash_code(&code);
	/* nothing fails from here on, so that no half entry is left */
	entry = hash_search(code_table, &function, HASH_ENTER, NULL);
	entry->xmin = xmin;
	entry->ctid = tuple->t_self;
	strlcpy(entry->hash, hash, sizeof(entry->hash));
	return entry;
}

/*
 * What the server may call for an aggregate, InvalidOid where it has no such
 * function.  Not all of it is called by a plain query, but which is, that is
 * for the planner to say.
 */
void
code_aggregate_functions(Form_pg_aggregate row, Oid functions[CODE_AGGREGATE_FUNCTIONS])
{
	functions[0] = row->aggtransfn;
	functions[1] = row->aggfinalfn;
	functions[2] = row->aggcombinefn;
	functions[3] = row->aggserialfn;
	functions[4] = row->aggdeserialfn;
	functions[5] = row->aggmtransfn;
	functions[6] = row->aggminvtransfn;
	functions[7] = row->aggmfinalfn;
	functions[8] = OidIsValid(row->aggsortop) ? get_opcode(row->aggsortop) : InvalidOid;
}

/*
 * An aggregate: its rows, and its functions with their owners.  An owner is a
 * name here, and a role may be renamed: so the aggregate's own owner is not
 * named.
 */
static const char *
aggregate_hash(Oid function, const char *row_hash)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(function));
	Form_pg_aggregate row;
	StringInfoData code;
	Oid			functions[CODE_AGGREGATE_FUNCTIONS];
	Oid			owner;
	Datum		initial;
	bool		is_null;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	row = (Form_pg_aggregate) GETSTRUCT(tuple);
	initStringInfo(&code);
	appendStringInfoChar(&code, CODE_VERSION);
	add_field(&code, 'A', row_hash);
	code_aggregate_functions(row, functions);
	for (int i = 0; i < CODE_AGGREGATE_FUNCTIONS; i++)
	{
		add_char(&code, 'N', (char) ('0' + i));
		if (!OidIsValid(functions[i]))
			continue;
		add_field(&code, 'H', code_hash(functions[i]));
		/* the server's own functions belong to a role of another name elsewhere */
		owner = code_owner(functions[i]);
		if (owner != code_owner(function))
			add_field(&code, 'O', owner == BOOTSTRAP_SUPERUSERID ? "" : GetUserNameFromId(owner, true));
	}
	add_type(&code, 'Y', row->aggtranstype);
	add_char(&code, 'X', row->aggfinalextra ? 't' : 'f');
	initial = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval, &is_null);
	add_field(&code, 'I', is_null ? NULL : TextDatumGetCString(initial));
	ReleaseSysCache(tuple);
	return hash_code(&code);
}

/* Who owns a function now; InvalidOid when it is not there. */
Oid
code_owner(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/*
 * The hash of what a function is now, in hexadecimal; NULL when it is not
 * there.  One look into the syscache when it has not changed.  Holds until the
 * next call.
 */
const char *
code_hash(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	const char *hash;
	bool		is_aggregate;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	hash = find_entry(tuple)->hash;
	is_aggregate = ((Form_pg_proc) GETSTRUCT(tuple))->prokind == PROKIND_AGGREGATE;
	ReleaseSysCache(tuple);
	return is_aggregate ? aggregate_hash(function, hash) : hash;
}

/* The same of a row of pg_proc, which is no aggregate's. */
const char *
code_hash_row(HeapTuple tuple)
{
	return find_entry(tuple)->hash;
}
