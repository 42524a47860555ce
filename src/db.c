/*
 * db.c
 *    The one door to SQL: run a statement as the tables' owner, read its rows.
 *
 * A caller of hitl has no right on its tables.  Between db_open() and
 * db_close() this process is the tables' owner, under a search_path of
 * pg_catalog alone; nothing else in hitl switches users for bookkeeping.  Both
 * matter also while a plan is made, and when a kept plan is looked at again:
 * under the caller's search_path it would be analysed again, and an operator
 * planted there would run as the owner.
 *
 * Rules: rights are checked by the caller before db_open(); no code of users
 * runs between db_open() and db_close() (our tables have no triggers, our
 * statements no functions but the server's); no bracket within a bracket.
 * After an error the server's (sub)transaction abort puts everything back.
 *
 * Statements are whole literals with parameters.  Their plans are generic and
 * kept for the life of the process; they find tables by qualified name, so
 * they survive DROP and CREATE EXTENSION.
 *
 * Layer 2.  Memory: rows live in SPI's context until db_close(); the getters
 * that take a DbCall copy into the memory context of whoever called db_open().
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "compat.h"
#include "db.h"
#include "executor/spi.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* no statement of ours has more */
#define MAX_ARGS 32

/* ---------------------------------------------------------------- arguments */

static DbArg
db_arg(Datum value)
{
	DbArg		arg = {value, false};

	return arg;
}

DbArg
db_null(void)
{
	DbArg		arg = {(Datum) 0, true};

	return arg;
}

DbArg
db_int(int value)
{
	return db_arg(Int32GetDatum(value));
}

DbArg
db_smallint(int value)
{
	return db_arg(Int16GetDatum((int16) value));
}

DbArg
db_bigint(int64 value)
{
	return db_arg(Int64GetDatum(value));
}

DbArg
db_oid(Oid value)
{
	return db_arg(ObjectIdGetDatum(value));
}

DbArg
db_bool(bool value)
{
	return db_arg(BoolGetDatum(value));
}

DbArg
db_time(TimestampTz value)
{
	return db_arg(TimestampTzGetDatum(value));
}

/* NULL becomes SQL NULL, here and below. */
/* NULL where there is no such time */
DbArg
db_time_or_null(TimestampTz value)
{
	return value == DT_NOBEGIN ? db_null() : db_time(value);
}

DbArg
db_text(const char *value)
{
	return value != NULL ? db_arg(CStringGetTextDatum(value)) : db_null();
}

DbArg
db_jsonb(Jsonb *value)
{
	return value != NULL ? db_arg(JsonbPGetDatum(value)) : db_null();
}

DbArg
db_text_array(const char *const *values, int n_values)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n_values, 1));

	for (int i = 0; i < n_values; i++)
		elements[i] = CStringGetTextDatum(values[i]);
	return db_arg(PointerGetDatum(construct_array(elements, n_values, TEXTOID,
												  -1, false, TYPALIGN_INT)));
}

DbArg
db_oid_array(const Oid *values, int n_values)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n_values, 1));

	for (int i = 0; i < n_values; i++)
		elements[i] = ObjectIdGetDatum(values[i]);
	return db_arg(PointerGetDatum(construct_array(elements, n_values, OIDOID,
												  sizeof(Oid), true, TYPALIGN_INT)));
}

DbArg
db_bigint_array(const int64 *values, int n_values)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n_values, 1));

	for (int i = 0; i < n_values; i++)
		elements[i] = Int64GetDatum(values[i]);
	return db_arg(PointerGetDatum(construct_array(elements, n_values, INT8OID,
												  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
}

/* Elements may be NULL. */
DbArg
db_jsonb_array(Jsonb *const *values, int n_values)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n_values, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(n_values, 1));
	int			lower_bound = 1;

	for (int i = 0; i < n_values; i++)
	{
		nulls[i] = values[i] == NULL;
		elements[i] = JsonbPGetDatum(values[i]);
	}
	if (n_values == 0)
		return db_arg(PointerGetDatum(construct_empty_array(JSONBOID)));
	return db_arg(PointerGetDatum(construct_md_array(elements, nulls, 1, &n_values, &lower_bound,
													 JSONBOID, -1, false, TYPALIGN_INT)));
}

/* -------------------------------------------------------------- the bracket */

/* A relation of ours by name; InvalidOid when hitl is not installed here. */
Oid
db_relation(const char *name)
{
	Oid			schema = get_namespace_oid("hitl", true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

/*
 * Who owns the tables: who ran CREATE EXTENSION.  Looked up each time: three
 * hits in the syscache, and it stays true over DROP and CREATE EXTENSION.
 */
Oid
db_owner(void)
{
	Oid			relation = db_relation("thread");
	HeapTuple	tuple;
	Oid			owner;

	tuple = OidIsValid(relation)
		? SearchSysCache1(RELOID, ObjectIdGetDatum(relation)) : NULL;
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"hitl\" is not installed in this database"),
				 errdetail("Its table hitl.thread is not there."),
				 errhint("CREATE EXTENSION hitl;")));
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

void
db_open(DbCall *call)
{
	Oid			owner = db_owner();

	call->caller = CurrentMemoryContext;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "hitl could not connect to SPI");
	GetUserIdAndSecContext(&call->user, &call->security);
	SetUserIdAndSecContext(owner, call->security | SECURITY_LOCAL_USERID_CHANGE);
	call->path_level = compat_push_search_path();

	/* SPI wants some snapshot to be there; our processes come without one */
	call->has_snapshot = !ActiveSnapshotSet();
	if (call->has_snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
}

void
db_close(DbCall *call)
{
	if (call->has_snapshot)
		PopActiveSnapshot();
	compat_pop_search_path(call->path_level);
	SetUserIdAndSecContext(call->user, call->security);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "hitl could not leave SPI");
}

/*
 * Our statements are made for a few rows each.  The planner does not know a
 * limit that is an argument, nor how few rows are due, and with a million of
 * them has a plan of a millisecond compiled to machine code in ten or a
 * hundred; so it is not asked to.  Nor does it know, where a table was empty
 * when it was looked at last, that this process will keep its plan while the
 * table grows: what can be found by a key is.
 */
static int
run_plan(SPIPlanPtr plan, Datum *values, const char *nulls, bool read_only)
{
	bool		was_enabled = jit_enabled;
	bool		had_seqscan = enable_seqscan;
	int			result = 0;

	jit_enabled = false;
	enable_seqscan = false;
	PG_TRY();
	{
		result = SPI_execute_plan(plan, values, nulls, read_only, 0);
	}
	PG_FINALLY();
	{
		jit_enabled = was_enabled;
		enable_seqscan = had_seqscan;
	}
	PG_END_TRY();
	return result;
}

static uint64
execute(DbStatement *statement, const DbArg *args, bool read_only)
{
	Datum		values[MAX_ARGS];
	char		nulls[MAX_ARGS];
	int			result;

	Assert(statement->n_args <= MAX_ARGS);
	if (statement->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare_cursor(statement->sql, statement->n_args,
											  (Oid *) statement->arg_types,
											  CURSOR_OPT_GENERIC_PLAN);

		if (plan == NULL)
			elog(ERROR, "hitl could not prepare a statement: %s",
				 SPI_result_code_string(SPI_result));
		if (SPI_keepplan(plan) != 0)
			elog(ERROR, "hitl could not keep a plan");
		statement->plan = plan;
	}
	for (int i = 0; i < statement->n_args; i++)
	{
		values[i] = args[i].value;
		nulls[i] = args[i].is_null ? 'n' : ' ';
	}
	result = run_plan(statement->plan, values, nulls, read_only);
	if (result < 0)
		elog(ERROR, "hitl could not run a statement: %s", SPI_result_code_string(result));
	return SPI_processed;
}

/*
 * Run a statement; returns the number of rows returned or touched.  It gets a
 * new snapshot, so that it sees what was committed up to now (at READ
 * COMMITTED).
 */
uint64
db_execute(DbStatement *statement, const DbArg *args)
{
	return execute(statement, args, false);
}

/*
 * The same in the snapshot that is active, for functions that are part of a
 * query: what they read agrees with the rest of it.  Reads only.
 */
uint64
db_execute_in_snapshot(DbStatement *statement, const DbArg *args)
{
	return execute(statement, args, true);
}

/*
 * The same as of now, also above READ COMMITTED: a right counts as it is, as the
 * server's own rights do, and not as it was when the transaction began.  Reads
 * only.
 */
uint64
db_execute_latest(DbStatement *statement, const DbArg *args)
{
	uint64		n;

	if (!IsolationUsesXactSnapshot() || IsInParallelMode())
		return execute(statement, args, false);
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	n = execute(statement, args, true);
	PopActiveSnapshot();
	return n;
}

/*
 * Run a utility command as the tables' owner.  The text is made by the caller
 * from quoted identifiers only.
 */
void
db_utility(const char *sql)
{
	DbCall		call;
	int			result;

	db_open(&call);
	result = SPI_execute(sql, false, 0);
	if (result < 0)
		elog(ERROR, "hitl could not run a command: %s", SPI_result_code_string(result));
	db_close(&call);
}

/* ------------------------------------------------------------------- results */

static Datum
db_get(uint64 row, int column, bool *is_null)
{
	Assert(SPI_tuptable != NULL && row < SPI_tuptable->numvals);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column, is_null);
}

bool
db_is_null(uint64 row, int column)
{
	bool		is_null;

	(void) db_get(row, column, &is_null);
	return is_null;
}

/* The getters of plain values give 0 for NULL. */
int
db_get_int(uint64 row, int column)
{
	bool		is_null;
	Datum		value = db_get(row, column, &is_null);

	return is_null ? 0 : DatumGetInt32(value);
}

int
db_get_smallint(uint64 row, int column)
{
	bool		is_null;
	Datum		value = db_get(row, column, &is_null);

	return is_null ? 0 : DatumGetInt16(value);
}

int64
db_get_bigint(uint64 row, int column)
{
	bool		is_null;
	Datum		value = db_get(row, column, &is_null);

	return is_null ? 0 : DatumGetInt64(value);
}

Oid
db_get_oid(uint64 row, int column)
{
	bool		is_null;
	Datum		value = db_get(row, column, &is_null);

	return is_null ? InvalidOid : DatumGetObjectId(value);
}

bool
db_get_bool(uint64 row, int column)
{
	bool		is_null;
	Datum		value = db_get(row, column, &is_null);

	return is_null ? false : DatumGetBool(value);
}

/* NULL is DT_NOBEGIN. */
TimestampTz
db_get_time(uint64 row, int column)
{
	bool		is_null;
	Datum		value = db_get(row, column, &is_null);

	return is_null ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

/* NULL for NULL, here and below. */
char *
db_get_text(DbCall *call, uint64 row, int column)
{
	bool		is_null;
	Datum		value = db_get(row, column, &is_null);
	MemoryContext old;
	char	   *string;

	if (is_null)
		return NULL;
	old = MemoryContextSwitchTo(call->caller);
	string = TextDatumGetCString(value);
	MemoryContextSwitchTo(old);
	return string;
}

Jsonb *
db_get_jsonb(DbCall *call, uint64 row, int column)
{
	bool		is_null;
	Datum		value = db_get(row, column, &is_null);
	MemoryContext old;
	Jsonb	   *json;

	if (is_null)
		return NULL;
	old = MemoryContextSwitchTo(call->caller);
	json = DatumGetJsonbPCopy(value);
	MemoryContextSwitchTo(old);
	return json;
}

/* A list of C strings. */
List *
db_get_text_array(DbCall *call, uint64 row, int column)
{
	bool		is_null;
	Datum		value = db_get(row, column, &is_null);
	MemoryContext old;
	List	   *list = NIL;
	Datum	   *elements;
	int			n_elements;

	if (is_null)
		return NIL;
	old = MemoryContextSwitchTo(call->caller);
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &n_elements);
	for (int i = 0; i < n_elements; i++)
		list = lappend(list, TextDatumGetCString(elements[i]));
	MemoryContextSwitchTo(old);
	return list;
}

/* ------------------------------------------------------------- authors' SQL */

static SPIPlanPtr
prepare_author_sql(const char *sql)
{
	Oid			types[] = {JSONBOID};
	SPIPlanPtr	plan = SPI_prepare(sql, 1, types);

	if (plan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("the statement of a node cannot be prepared"),
				 errdetail("%s.", SPI_result_code_string(SPI_result)),
				 errhint("Write one statement that returns one jsonb, with $1 as the state.")));
	return plan;
}

/* What keeps this statement from being a node?  NULL: nothing.  May raise. */
const char *
db_author_fault(const char *sql)
{
	const char *fault = NULL;
	SPIPlanPtr	plan;
	List	   *sources;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "hitl could not connect to SPI");
	plan = prepare_author_sql(sql);
	sources = SPI_plan_get_plan_sources(plan);
	if (list_length(sources) != 1)
		fault = "it is not one statement";
	else
	{
		TupleDesc	result = ((CachedPlanSource *) linitial(sources))->resultDesc;

		if (result == NULL || result->natts != 1 || TupleDescAttr(result, 0)->atttypid != JSONBOID)
			fault = "it does not return one column of jsonb";
	}
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "hitl could not leave SPI");
	return fault;
}

/* The one value of the one row; NULL for SQL NULL. */
static Jsonb *
copy_author_value(MemoryContext caller)
{
	MemoryContext old;
	Datum		value;
	bool		is_null;
	Jsonb	   *result = NULL;

	value = db_get(0, 1, &is_null);
	old = MemoryContextSwitchTo(caller);
	if (!is_null)
		result = DatumGetJsonbPCopy(value);
	MemoryContextSwitchTo(old);
	return result;
}

/* Run it with the state as $1; returns its one value, in the caller's context. */
Jsonb *
db_author_run(const char *sql, Jsonb *state)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[] = {JsonbPGetDatum(state)};
	Jsonb	   *result;
	int			code;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "hitl could not connect to SPI");
	code = SPI_execute_plan(prepare_author_sql(sql), values, NULL, false, 2);
	if (code < 0)
		elog(ERROR, "hitl could not run a statement: %s", SPI_result_code_string(code));
	if (SPI_processed != 1 || SPI_tuptable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("the statement of a node must return one row"),
				 errdetail("It returned %s.", SPI_processed == 0 ? "none" : "more than one"),
				 errhint("SELECT one jsonb, or end it with RETURNING.")));
	result = copy_author_value(caller);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "hitl could not leave SPI");
	return result;
}

/*
 * What an aggregate makes of these values, in their order; in the caller's
 * context, NULL for SQL NULL.  aggregate: its name, qualified and quoted.
 */
Jsonb *
db_author_aggregate(const char *aggregate, Jsonb *const *values, int n_values)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			types[] = {JSONBARRAYOID};
	Datum		args[] = {db_jsonb_array(values, n_values).value};
	char	   *sql = psprintf("SELECT %s(u.value ORDER BY u.place)"
							   " FROM pg_catalog.unnest($1) WITH ORDINALITY AS u (value, place)", aggregate);
	Jsonb	   *result;
	int			code;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "hitl could not connect to SPI");
	code = SPI_execute_with_args(sql, 1, types, args, NULL, false, 0);
	if (code < 0)
		elog(ERROR, "hitl could not run a statement: %s", SPI_result_code_string(code));
	result = copy_author_value(caller);
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "hitl could not leave SPI");
	return result;
}

DB_STATEMENT_NO_ARGS(portal_names, "SELECT name FROM pg_catalog.pg_cursors");

/* ----------------------------------------------------- statements of PL/pgSQL's */

void
db_free_plan(SPIPlanPtr plan)
{
	(void) SPI_freeplan(plan);
}

/* The queries of a plan, analysed and rewritten: Querys, not to be changed. */
List *
db_plan_queries(SPIPlanPtr plan)
{
	List	   *queries = NIL;
	ListCell   *cell;

	foreach(cell, SPI_plan_get_plan_sources(plan))
		queries = list_concat_copy(queries, ((CachedPlanSource *) lfirst(cell))->query_list);
	return queries;
}

/*
 * Let the statements of the PL/pgSQL function that calls us see rows under a
 * name, as a trigger's see those of its transition tables.  What is passed lives
 * as long as the call.
 */
void
db_register_rows(const char *name, TupleDesc columns, Tuplestorestate *rows)
{
	EphemeralNamedRelation relation = palloc0(sizeof(EphemeralNamedRelationData));

	relation->md.name = pstrdup(name);
	relation->md.tupdesc = columns;
	relation->md.enrtype = ENR_NAMED_TUPLESTORE;
	relation->md.enrtuples = tuplestore_tuple_count(rows);
	relation->reldata = rows;
	(void) SPI_unregister_relation(name);
	if (SPI_register_relation(relation) != SPI_OK_REL_REGISTER)
		elog(ERROR, "hitl could not show its rows to a function");
}


/* The names of the cursors that are open in this session, as C strings. */
List *
db_portal_names(void)
{
	DbCall		call;
	List	   *names = NIL;
	uint64		n;

	db_open(&call);
	n = db_execute(&portal_names, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		char	   *name = db_get_text(&call, i, 1);
		MemoryContext old = MemoryContextSwitchTo(call.caller);

		names = lappend(names, name);
		MemoryContextSwitchTo(old);
	}
	db_close(&call);
	return names;
}

/* ---------------------------------------------- transactions of a procedure */

/*
 * The outer SPI connection of a procedure that commits as it goes.  Nothing is
 * executed through it; brackets as above are opened and closed inside.
 */
void
db_connect_procedure(void)
{
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "hitl could not connect to SPI");
}

/* READ COMMITTED and read write, whatever the session's defaults are. */
static void
force_transaction_kind(void)
{
	XactIsoLevel = XACT_READ_COMMITTED;
	XactReadOnly = false;
}

/* Commit, and begin a transaction of the kind that nodes run in. */
void
db_commit_procedure(void)
{
	SPI_commit();
	force_transaction_kind();
}

/*
 * The same; if the commit fails, returns the error, in the current context.
 * The server has then begun a new transaction already.
 */
ErrorData *
db_try_commit_procedure(void)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		SPI_commit();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	force_transaction_kind();
	return error;
}

void
db_disconnect_procedure(void)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "hitl could not leave SPI");
}
