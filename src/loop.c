/*
 * loop.c
 *    The loops around a pause: where each is, and how it goes on.
 *
 * PL/pgSQL keeps the place of a loop in C variables.  So ours is told to us: the
 * bounds are put into hidden variables before the loop begins, a query is run
 * by a cursor whose name we know and that is read to its end at a pause, of an
 * array the iterations are counted.  As JSON:
 *
 *   {"at": path, "counter": 3, "upper": 10, "step": 2}
 *   {"at": path, "columns": [["id", "pg_catalog.int4"], ...], "rows": [["4", ...], ...]}
 *   {"at": path, "type": "pg_catalog.int4[]", "array": "{1,2,3}", "done": 2, "total": 3}
 *
 * A query is read to its end only if that is what the function would have seen
 * in any case: not if it is volatile or locks rows.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "db.h"
#include "errors.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "json.h"
#include "loop.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/expandedrecord.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/tuplestore.h"
#include "value.h"

/* ----------------------------------------------------------------- over integers */

static void
set_integer(PLpgSQL_var *variable, int32 value)
{
	variable->value = Int32GetDatum(value);
	variable->isnull = false;
}

static int32
saved_integer(const LoopState *state, const char *key)
{
	double		number = 0;

	if (!json_get_number(json_get(state->saved, key), &number))
		elog(ERROR, "hitl kept no \"%s\" of a loop in line %d", key, state->original->lineno);
	return (int32) number;
}

/* From the next value on; a counter that would overflow ends the loop. */
static void
go_on_integers(LoopState *state)
{
	bool		is_reverse = ((PLpgSQL_stmt_fori *) state->original)->reverse;
	int32		counter = saved_integer(state, "counter");
	int32		upper = saved_integer(state, "upper");
	int32		step = state->step != NULL ? saved_integer(state, "step") : 1;
	bool		is_last = is_reverse ? counter < PG_INT32_MIN + step : counter > PG_INT32_MAX - step;

	if (state->step != NULL)
		set_integer(state->step, step);
	if (is_last)
	{
		set_integer(state->lower, is_reverse ? 0 : 1);
		set_integer(state->upper, is_reverse ? 1 : 0);
		return;
	}
	set_integer(state->lower, is_reverse ? counter - step : counter + step);
	set_integer(state->upper, upper);
}

/* In PL/pgSQL's order, and not beyond a NULL, of which it will complain. */
static void
begin_integers(Activation *activation, LoopState *state)
{
	PLpgSQL_stmt_fori *original = (PLpgSQL_stmt_fori *) state->original;

	activation->api->assign_expr(activation->es, (PLpgSQL_datum *) state->lower, original->lower);
	if (state->lower->isnull)
		return;
	activation->api->assign_expr(activation->es, (PLpgSQL_datum *) state->upper, original->upper);
	if (!state->upper->isnull && state->step != NULL)
		activation->api->assign_expr(activation->es, (PLpgSQL_datum *) state->step, original->step);
}

/* --------------------------------------------------------------------- over rows */

/* Rows that were saved, as a relation that a query of this function sees. */
static PLpgSQL_expr *
go_on_rows(Activation *activation, LoopState *state)
{
	MemoryContext old = MemoryContextSwitchTo(activation->context);
	char	   *name = psprintf("hitl rows %d", state->statement);
	int			level = value_pin_settings();
	TupleDesc	columns = BlessTupleDesc(value_read_columns(json_get(state->saved, "columns")));
	Tuplestorestate *rows = tuplestore_begin_heap(false, false, work_mem);
	Datum	   *values = palloc(sizeof(Datum) * columns->natts);
	bool	   *nulls = palloc(sizeof(bool) * columns->natts);
	ListCell   *cell;

	foreach(cell, json_elements(json_get(state->saved, "rows")))
	{
		value_read_row(lfirst(cell), columns, values, nulls);
		tuplestore_putvalues(rows, columns, values, nulls);
	}
	value_unpin_settings(level);
	db_register_rows(name, columns, rows);
	MemoryContextSwitchTo(old);
	return activation_expression(activation, NULL, psprintf("SELECT * FROM \"%s\"", name), RAW_PARSE_DEFAULT, NULL);
}

/* The query of FOR ... IN EXECUTE, with what USING gives. */
static PLpgSQL_expr *
begin_execute(Activation *activation, LoopState *state)
{
	PLpgSQL_stmt_dynfors *original = (PLpgSQL_stmt_dynfors *) state->original;
	PLpgSQL_expr *query;
	MemoryContext old;

	activation->api->assign_expr(activation->es, (PLpgSQL_datum *) state->text, original->query);
	if (state->text->isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("query string argument of EXECUTE is null")));
	if (state->parameters != NULL)
		activation->api->assign_expr(activation->es, (PLpgSQL_datum *) state->parameters, state->parameters_expr);
	query = activation_expression(activation, NULL, TextDatumGetCString(state->text->value), RAW_PARSE_DEFAULT, NULL);
	old = MemoryContextSwitchTo(activation->context);
	/* the fields stand behind their record */
	for (int i = 1; i <= list_length(original->params); i++)
		activation_add_name(query, state->parameters->dno + i, psprintf("$%d", i));
	MemoryContextSwitchTo(old);
	return query;
}

static void
begin_rows(Activation *activation, Splice *splice)
{
	LoopState  *state = splice->state;

	/* one that an error has left says the name of a portal that is gone */
	activation->api->assign_value(activation->es, (PLpgSQL_datum *) state->cursor, (Datum) 0, true, REFCURSOROID, -1);
	if (state->query != NULL)
		activation_free_expression(activation, state->query);
	state->query = NULL;
	if (splice->goes_on)
		state->query = go_on_rows(activation, state);
	else if (state->original->cmd_type == PLPGSQL_STMT_DYNFORS)
		state->query = begin_execute(activation, state);
	state->is_checked = splice->goes_on;
	state->cursor->cursor_explicit_expr = state->query != NULL ? state->query
		: ((PLpgSQL_stmt_fors *) state->original)->query;
}

static Portal
get_portal(const LoopState *state)
{
	Portal		portal = state->cursor->isnull ? NULL
		: GetPortalByName(TextDatumGetCString(state->cursor->value));

	if (!PortalIsValid(portal))
		elog(ERROR, "hitl has lost the cursor of a loop in line %d", state->original->lineno);
	return portal;
}

/* Is a portal the cursor of one of the loops? */
bool
loop_has_portal(const Activation *activation, const char *name)
{
	ListCell   *cell;

	foreach(cell, activation->loops)
	{
		const LoopState *state = lfirst(cell);

		if (state->cursor != NULL && !state->cursor->isnull &&
			strcmp(TextDatumGetCString(state->cursor->value), name) == 0)
			return true;
	}
	return false;
}

/*
 * Why can its rows not be read to the end at a pause?  NULL: they can.  Asked
 * when the first is there.
 */
static char *
rows_fault(LoopState *state)
{
	char	   *fault = NULL;
	ListCell   *cell;

	state->is_checked = true;
	/* otherwise all rows are there already */
	if (get_portal(state)->strategy != PORTAL_ONE_SELECT)
		return NULL;
	foreach(cell, db_plan_queries(state->cursor->cursor_explicit_expr->plan))
		if (fault == NULL)
		fault = program_query_fault(lfirst(cell));
	return fault != NULL ? psprintf("Of the loop in line %d: %s.", state->original->lineno, fault) : NULL;
}

/* so many are read at once */
#define ROWS_AT_ONCE 50

/* takes rows */
typedef struct RowTaker
{
	DestReceiver receiver;		/* first: it is the receiver */
	MemoryContext context;
	List	   *rows;			/* HeapTuples */
} RowTaker;

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowTaker   *taker = (RowTaker *) self;
	MemoryContext old = MemoryContextSwitchTo(taker->context);

	taker->rows = lappend(taker->rows, ExecCopySlotHeapTuple(slot));
	MemoryContextSwitchTo(old);
	return true;
}

static void
no_startup(DestReceiver *self pg_attribute_unused(), int operation pg_attribute_unused(), TupleDesc columns pg_attribute_unused())
{
}

static void
no_end(DestReceiver *self pg_attribute_unused())
{
}

/* Some rows as JSON, behind others.  Returns their size. */
static Size
write_batch(List **written, TupleDesc columns, const List *rows)
{
	Datum	   *values = palloc(sizeof(Datum) * columns->natts);
	bool	   *nulls = palloc(sizeof(bool) * columns->natts);
	int			level = value_pin_settings();
	Size		n_bytes = 0;
	ListCell   *cell;

	foreach(cell, rows)
	{
		Jsonb	   *row;

		heap_deform_tuple(lfirst(cell), columns, values, nulls);
		row = value_write_row(columns, values, nulls);
		*written = lappend(*written, row);
		n_bytes += VARSIZE(row);
	}
	value_unpin_settings(level);
	return n_bytes;
}

/* The settings of values are in force for what is written, and not for what the query calls. */
static void
write_rows(JsonBuilder *b, const LoopState *state, Size max_bytes)
{
	Portal		portal = get_portal(state);
	RowTaker	taker = {
		.receiver = {.receiveSlot = receive_row, .rStartup = no_startup, .rShutdown = no_end, .rDestroy = no_end, .mydest = DestNone},
		.context = CurrentMemoryContext
	};
	List	   *written = NIL;
	Size		n_bytes = 0;
	int			level;

	do
	{
		taker.rows = NIL;
		(void) PortalRunFetch(portal, FETCH_FORWARD, ROWS_AT_ONCE, &taker.receiver);
		n_bytes += write_batch(&written, portal->tupDesc, taker.rows);
		/* the query may be without an end */
		if (n_bytes > max_bytes)
			value_refuse_size();
	} while (list_length(taker.rows) == ROWS_AT_ONCE);
	level = value_pin_settings();
	json_add_jsonb(b, "columns", value_write_columns(portal->tupDesc));
	value_unpin_settings(level);
	json_add_jsonb(b, "rows", json_list(written));
}

/* ------------------------------------------------------------------ over an array */

static void
begin_array(Activation *activation, Splice *splice)
{
	LoopState  *state = splice->state;
	TupleDesc	columns;
	Oid			type;
	int32		typmod;
	Datum		value;
	bool		is_null;
	int			level;

	state->n_done = state->n_skipped = 0;
	if (!splice->goes_on)
	{
		activation->api->assign_expr(activation->es, (PLpgSQL_datum *) state->array, state->array_expr);
		return;
	}
	level = value_pin_settings();
	value_parse_type(json_get_string(state->saved, "type"), &type, &typmod);
	columns = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(columns, 1, "f1", type, typmod, 0);
	columns = BlessTupleDesc(columns);
	value = value_read(json_get(state->saved, "array"), type, typmod, &is_null, &type, &typmod);
	value_unpin_settings(level);
	value = HeapTupleGetDatum(heap_form_tuple(columns, &value, &is_null));
	activation->api->assign_value(activation->es, (PLpgSQL_datum *) state->array, value, false, RECORDOID, columns->tdtypmod);
	state->n_skipped = saved_integer(state, "done");
}

static void
write_array(JsonBuilder *b, const LoopState *state)
{
	ExpandedRecordHeader *record = state->array->erh;
	Form_pg_attribute column = TupleDescAttr(expanded_record_get_tupdesc(record), 0);
	bool		is_null;
	Datum		value = expanded_record_get_field(record, 1, &is_null);
	ArrayType  *array = DatumGetArrayTypeP(value);
	int			slice = ((PLpgSQL_stmt_foreach_a *) state->original)->slice;
	int64		total = ARR_NDIM(array) > 0 ? 1 : 0;

	int			level = value_pin_settings();

	for (int i = 0; i < ARR_NDIM(array) - slice; i++)
		total *= ARR_DIMS(array)[i];
	json_add_string(b, "type", value_type_name(column->atttypid, column->atttypmod));
	json_add_jsonb(b, "array", value_write("an array that is looped over", column->atttypid, value, false));
	json_add_int64(b, "done", state->n_done);
	json_add_int64(b, "total", total);
	value_unpin_settings(level);
}

/*
 * Has a loop that is gone on with iterations behind that of the pause?  If not,
 * it is not begun again: one over no rows would take its target's last row away.
 */
bool
loop_has_more(const LoopState *state)
{
	if (state == NULL || state->original->cmd_type == PLPGSQL_STMT_FORI)
		return true;
	if (state->original->cmd_type == PLPGSQL_STMT_FOREACH_A)
		return saved_integer(state, "done") < saved_integer(state, "total");
	return json_elements(json_get(state->saved, "rows")) != NIL;
}

/* ------------------------------------------------------------------------ all */

/* Before the statement of a loop runs. */
void
loop_begin(Activation *activation, Splice *splice)
{
	LoopState  *state = splice->state;

	state->is_first = false;
	switch (state->original->cmd_type)
	{
		case PLPGSQL_STMT_FORI:
			if (splice->goes_on)
				go_on_integers(state);
			else
				begin_integers(activation, state);
			break;
		case PLPGSQL_STMT_FOREACH_A:
			begin_array(activation, splice);
			break;
		default:
			begin_rows(activation, splice);
			break;
	}
}

/*
 * Before the first statement of an iteration; makes the splice what it is to be.
 * Returns why the node cannot pause in this loop; NULL: it can.
 */
char *
loop_iterate(Activation *activation, Splice *splice)
{
	LoopState  *state = splice->state;
	PLpgSQL_stmt_fori *original = (PLpgSQL_stmt_fori *) state->original;

	switch (state->original->cmd_type)
	{
		case PLPGSQL_STMT_FORI:
			state->counter = DatumGetInt32(((PLpgSQL_var *) activation->es->datums[original->var->dno])->value);
			break;
		case PLPGSQL_STMT_FOREACH_A:
			/* what was done before the pause: CONTINUE */
			memset((char *) &splice->as + sizeof(PLpgSQL_stmt), 0, sizeof(splice->as) - sizeof(PLpgSQL_stmt));
			splice->as.any.cmd_type = ++state->n_done <= state->n_skipped ? PLPGSQL_STMT_EXIT : PLPGSQL_STMT_GETDIAG;
			break;
		default:
			return state->is_checked ? NULL : rows_fault(state);
	}
	return NULL;
}

/* Where a loop is, as JSON.  Raises 54000 for rows of more bytes than that. */
Jsonb *
loop_write(const Activation *activation, const LoopState *state, Size max_bytes)
{
	JsonBuilder b;

	if (state->is_first)
		return state->saved;
	json_begin(&b);
	json_add_string(&b, "at", activation->program->statements[state->statement].path);
	switch (state->original->cmd_type)
	{
		case PLPGSQL_STMT_FORI:
			json_add_int64(&b, "counter", state->counter);
			json_add_int64(&b, "upper", DatumGetInt32(state->upper->value));
			if (state->step != NULL)
				json_add_int64(&b, "step", DatumGetInt32(state->step->value));
			break;
		case PLPGSQL_STMT_FOREACH_A:
			write_array(&b, state);
			break;
		default:
			write_rows(&b, state, max_bytes);
			break;
	}
	return json_end(&b);
}
