/*
 * suspension.c
 *    An activation as JSON: what is kept of it over a pause.
 *
 *   {"function": "shop.pay(pg_catalog.jsonb)", "code": SHA-256 of its code,
 *    "at": "body/2/then/0", "print": hash of what that statement and those around it say,
 *    "row_count": what GET DIAGNOSTICS would say, "variables": [[scope, name, type, value], ...], "loops": [...], "errors": [...]}
 *
 * Only what is in scope at the statement: arguments, results, FOUND, and what
 * the blocks and loops around it declare, named by the path of the block.  So it
 * holds over a dump, a restore and a new major version, and fits another version
 * of the function that says the same there.  What does not fit is refused.
 *
 * Values: value.c; loops: loop.c.  An error is what a handler around has caught.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "compat.h"
#include "errors.h"
#include "json.h"
#include "lifecycle.h"
#include "loop.h"
#include "suspension.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "value.h"

/* a variable in scope */
typedef struct Live
{
	const char *scope;
	const char *name;
	PLpgSQL_datum *datum;
} Live;

COMPAT_NORETURN static void
refuse(const Activation *activation, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_HITL_FRAME),
			 errmsg("a paused node cannot go on: what was kept does not fit its function"),
			 errdetail("Function %s: %s.", activation->program->signature, detail),
			 errhint("Put back what has changed, then SELECT hitl.retry(thread_id); or SELECT hitl.cancel(thread_id);")));
}

/* ---------------------------------------------------------------- what is in scope */

static void
add_live(List **lives, const Activation *activation, const char *scope, const char *name, int number)
{
	PLpgSQL_datum *datum = activation->es->datums[number];
	Live	   *live = palloc(sizeof(Live));

	if (datum->dtype != PLPGSQL_DTYPE_VAR && datum->dtype != PLPGSQL_DTYPE_PROMISE && datum->dtype != PLPGSQL_DTYPE_REC)
		return;
	live->scope = scope;
	live->name = name != NULL ? name : ((PLpgSQL_variable *) datum)->refname;
	live->datum = datum;
	*lives = lappend(*lives, live);
}

/* The variables in scope at a statement, as Lives, in an order that is always the same. */
static List *
find_lives(const Activation *activation, int statement)
{
	const PLpgSQL_function *function = activation->function;
	List	   *lives = NIL;

	for (int i = 0; i < function->fn_nargs; i++)
		add_live(&lives, activation, "argument", psprintf("$%d", i + 1), function->fn_argvarnos[i]);
	if (function->out_param_varno >= 0)
	{
		PLpgSQL_datum *result = activation->es->datums[function->out_param_varno];

		add_live(&lives, activation, "result", NULL, function->out_param_varno);
		if (result->dtype == PLPGSQL_DTYPE_ROW)
			for (int i = 0; i < ((PLpgSQL_row *) result)->nfields; i++)
				add_live(&lives, activation, "result", NULL, ((PLpgSQL_row *) result)->varnos[i]);
	}
	add_live(&lives, activation, "function", NULL, function->found_varno);
	for (int at = activation->program->statements[statement].parent; at != 0; at = activation->program->statements[at].parent)
	{
		PLpgSQL_stmt *around = activation_statement(activation, at);
		const char *path = activation->program->statements[at].path;

		if (around->cmd_type == PLPGSQL_STMT_FORI)
			add_live(&lives, activation, path, NULL, ((PLpgSQL_stmt_fori *) around)->var->dno);
		if (around->cmd_type == PLPGSQL_STMT_BLOCK)
			for (int i = 0; i < ((PLpgSQL_stmt_block *) around)->n_initvars; i++)
				add_live(&lives, activation, path, NULL, ((PLpgSQL_stmt_block *) around)->initvarnos[i]);
	}
	return lives;
}

static void
get_type(const Live *live, Oid *type, int32 *typmod)
{
	if (live->datum->dtype == PLPGSQL_DTYPE_REC)
	{
		*type = ((PLpgSQL_rec *) live->datum)->rectypeid;
		*typmod = -1;
	}
	else
	{
		*type = ((PLpgSQL_var *) live->datum)->datatype->typoid;
		*typmod = ((PLpgSQL_var *) live->datum)->datatype->atttypmod;
	}
}

/* The name of a cursor that the server made up?  It is closed, and in another session the server gives that name to others. */
static bool
is_unnamed_cursor(Oid type, Datum value, bool is_null)
{
	return type == REFCURSOROID && !is_null && strncmp(TextDatumGetCString(value), "<unnamed portal ", 16) == 0;
}

static Jsonb *
write_variables(const Activation *activation, int statement)
{
	List	   *variables = NIL;
	ListCell   *cell;

	foreach(cell, find_lives(activation, statement))
	{
		const Live *live = lfirst(cell);
		Oid			type;
		int32		typmod;
		Oid			value_type;
		int32		value_typmod;
		Datum		value;
		bool		is_null;

		get_type(live, &type, &typmod);
		activation->api->eval_datum(activation->es, live->datum, &value_type, &value_typmod, &value, &is_null);
		is_null |= is_unnamed_cursor(type, value, is_null);
		variables = lappend(variables,
							json_list(list_make4(json_string(live->scope), json_string(live->name),
												 json_string(value_type_name(type, typmod)),
												 value_write(psprintf("variable \"%s\"", live->name), type, value, is_null))));
	}
	return json_list(variables);
}

/* a variable and its value that was kept */
typedef struct KeptVariable
{
	const Live *live;
	Jsonb	   *json;
} KeptVariable;

static void
read_variable(Activation *activation, void *arg)
{
	const KeptVariable *reading = arg;
	Oid			type;
	int32		typmod;
	Datum		value;
	bool		is_null;

	get_type(reading->live, &type, &typmod);
	value = value_read(reading->json, type, typmod, &is_null, &type, &typmod);
	activation->api->assign_value(activation->es, reading->live->datum, value, is_null, type, typmod);
}

/*
 * Read something that was kept.  Returns the SQLSTATE of why it cannot be read;
 * NULL: it is read.  Not the message: that has values in it.
 */
static char *
find_fault(Activation *activation, void (*reader) (Activation *activation, void *arg), void *arg)
{
	ErrorData  *volatile error = NULL;
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		reader(activation, arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (!lifecycle_error_is_fault(error->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
	return error != NULL ? pstrdup(unpack_sql_state(error->sqlerrcode)) : NULL;
}

/* The types of those in scope are what they were; then their values. */
static void
read_variables(Activation *activation, int statement, Jsonb *kept)
{
	List	   *lives = find_lives(activation, statement);
	List	   *variables = json_elements(kept);
	ListCell   *cell;
	ListCell   *other;

	if (list_length(lives) != list_length(variables))
		refuse(activation, psprintf("%d variables are in scope, and there were %d", list_length(lives), list_length(variables)));
	forboth(cell, lives, other, variables)
	{
		const Live *live = lfirst(cell);
		List	   *variable = json_elements(lfirst(other));
		const char *type_name;
		const char *kept_type = json_scalar_string(lthird(variable));
		KeptVariable reading = {.live = live, .json = lfourth(variable)};
		const char *fault;
		Oid			type;
		int32		typmod;

		get_type(live, &type, &typmod);
		type_name = value_type_name(type, typmod);
		if (strcmp(live->scope, json_scalar_string(linitial(variable))) != 0 ||
			strcmp(live->name, json_scalar_string(lsecond(variable))) != 0)
			refuse(activation, psprintf("variable \"%s\" is in scope where \"%s\" was", live->name, json_scalar_string(lsecond(variable))));
		if (strcmp(type_name, kept_type) != 0)
			refuse(activation, psprintf("variable \"%s\" is of type %s, and was %s", live->name, type_name, kept_type));
		fault = find_fault(activation, read_variable, &reading);
		if (fault != NULL)
			refuse(activation, psprintf("the value that variable \"%s\" had is no %s any more (SQLSTATE %s)",
										live->name, type_name, fault));
	}
}

/* -------------------------------------------------------------------- its loops */

static Jsonb *
write_loops(const Activation *activation, int statement, Size max_bytes)
{
	List	   *loops = NIL;
	ListCell   *cell;

	for (int at = activation->program->statements[statement].parent; at != 0; at = activation->program->statements[at].parent)
		foreach(cell, activation->loops)
			if (((LoopState *) lfirst(cell))->statement == at)
			loops = lappend(loops, loop_write(activation, lfirst(cell), max_bytes));
	return json_list(loops);
}

static void
read_loops(Activation *activation, Jsonb *kept)
{
	ListCell   *cell;

	foreach(cell, json_elements(kept))
	{
		int			at = program_find(activation->program, json_get_string(lfirst(cell), "at"));
		LoopState  *state = activation_loop(activation, activation_statement(activation, at));

		state->saved = lfirst(cell);
		state->is_first = true;
	}
}

static void
begin_loop(Activation *activation, void *splice)
{
	loop_begin(activation, splice);
}

/* Go on with a loop where it was.  Raises IH015 if its rows cannot be read any more. */
void
suspension_go_on_loop(Activation *activation, Splice *splice)
{
	const char *fault = find_fault(activation, begin_loop, splice);

	if (fault != NULL)
		refuse(activation, psprintf("what the loop in line %d had left cannot be read any more (SQLSTATE %s)",
									splice->original->lineno, fault));
}

/* ------------------------------------------------------------------------ errors */

static Jsonb *
write_error(const Activation *activation, const CaughtError *caught)
{
	const ErrorData *error = caught->error;
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "at", activation->program->statements[caught->statement].path);
	json_add_int64(&b, "handler", caught->handler);
	json_add_string(&b, "sqlstate", unpack_sql_state(error->sqlerrcode));
	json_add_string(&b, "message", error->message);
	json_add_string(&b, "detail", error->detail);
	json_add_string(&b, "hint", error->hint);
	json_add_string(&b, "context", error->context);
	json_add_string(&b, "schema", error->schema_name);
	json_add_string(&b, "table", error->table_name);
	json_add_string(&b, "column", error->column_name);
	json_add_string(&b, "datatype", error->datatype_name);
	json_add_string(&b, "constraint", error->constraint_name);
	return json_end(&b);
}

/* Of the handlers that a statement is in. */
static Jsonb *
write_errors(const Activation *activation, int statement)
{
	List	   *errors = NIL;
	ListCell   *cell;

	for (int at = statement; activation->program->statements[at].parent != 0; at = activation->program->statements[at].parent)
	{
		const ProgramStatement *entry = &activation->program->statements[at];

		foreach(cell, activation->caught)
		{
			CaughtError *caught = lfirst(cell);

			/* of a block, the first list is its body */
			if (caught->statement == entry->parent && caught->handler == entry->list - 1)
				errors = lappend(errors, write_error(activation, caught));
		}
	}
	return json_list(errors);
}

static void
read_errors(Activation *activation, Jsonb *kept)
{
	ListCell   *cell;

	foreach(cell, json_elements(kept))
	{
		int			at = program_find(activation->program, json_get_string(lfirst(cell), "at"));
		char	   *sqlstate = json_get_string(lfirst(cell), "sqlstate");
		ErrorData  *error = palloc0(sizeof(ErrorData));
		double		handler = 0;

		(void) json_get_number(json_get(lfirst(cell), "handler"), &handler);
		activation_caught(activation, at, (int) handler)->error = error;

		error->elevel = ERROR;
		error->sqlerrcode = MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4]);
		error->message = json_get_string(lfirst(cell), "message");
		error->detail = json_get_string(lfirst(cell), "detail");
		error->hint = json_get_string(lfirst(cell), "hint");
		error->context = json_get_string(lfirst(cell), "context");
		error->schema_name = json_get_string(lfirst(cell), "schema");
		error->table_name = json_get_string(lfirst(cell), "table");
		error->column_name = json_get_string(lfirst(cell), "column");
		error->datatype_name = json_get_string(lfirst(cell), "datatype");
		error->constraint_name = json_get_string(lfirst(cell), "constraint");
		error->assoc_context = activation->context;
	}
}

/* --------------------------------------------------------------------------- all */

/* What is kept of an activation that leaves behind the statement that asked. */
Jsonb *
suspension_write(const Activation *activation, int statement, Size max_bytes)
{
	JsonBuilder b;
	Jsonb	   *loops;
	int			level;

	/* the rows that are left, under the author's settings */
	loops = write_loops(activation, statement, max_bytes);
	level = value_pin_settings();

	json_begin(&b);
	json_add_string(&b, "function", activation->program->signature);
	json_add_string(&b, "code", activation->program->code_hash);
	json_add_string(&b, "at", activation->program->statements[statement].path);
	json_add_string(&b, "print", program_fingerprint(activation->program, statement));
	json_add_int64(&b, "row_count", (int64) activation->es->eval_processed);
	json_add_jsonb(&b, "variables", write_variables(activation, statement));
	json_add_jsonb(&b, "loops", loops);
	json_add_jsonb(&b, "errors", write_errors(activation, statement));
	value_unpin_settings(level);
	return json_end(&b);
}

/*
 * Put back what was kept into an activation that begins; returns the site at
 * which it goes on.  Raises IH015 if it does not fit.
 */
int
suspension_read(Activation *activation, Jsonb *kept)
{
	MemoryContext old = MemoryContextSwitchTo(activation->context);
	const char *path = json_get_string(kept, "at");
	int			statement = program_find(activation->program, path);
	double		row_count = 0;
	int			level;

	if (statement == 0 || !(OidIsValid(activation->resumed) ? activation->program->statements[statement].is_call
							: activation->program->statements[statement].site == PROGRAM_ASKS))
		refuse(activation, psprintf("it has no statement any more at %s that asks", path));
	if (strcmp(program_fingerprint(activation->program, statement), json_get_string(kept, "print")) != 0)
		refuse(activation, psprintf("the statement at %s, or one around it, says something else", path));
	level = value_pin_settings();
	read_variables(activation, statement, json_get(kept, "variables"));
	read_loops(activation, json_get(kept, "loops"));
	read_errors(activation, json_get(kept, "errors"));
	(void) json_get_number(json_get(kept, "row_count"), &row_count);
	activation->es->eval_processed = (uint64) row_count;
	value_unpin_settings(level);
	MemoryContextSwitchTo(old);
	return statement;
}
