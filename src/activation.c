/*
 * activation.c
 *    One call of a PL/pgSQL function that may pause: what hitl adds to it.
 *
 * Statements of ours ("splices", for residual.c), expressions of ours, and
 * variables: those stand behind the function's own; es->datums, es->ndatums and
 * the parameter list are made longer together.  Names of ours are quoted, with a
 * space: no author's reference can mean them.
 *
 * Layer 3.  Memory: "hitl activation", for the call.
 */
#include "postgres.h"

#include "activation.h"
#include "catalog/pg_type.h"
#include "db.h"
#include "lib/stringinfo.h"
#include "nodes/params.h"
#include "statement.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define SPLICES_IN_CHUNK 32

/* ------------------------------------------------------------ hidden variables */

/* A variable's number: behind the function's own. */
static int
add_hidden(Activation *activation, PLpgSQL_datum *datum)
{
	datum->dno = activation->function->ndatums + list_length(activation->hidden);
	activation->hidden = lappend(activation->hidden, datum);
	return datum->dno;
}

PLpgSQL_var *
activation_add_variable(Activation *activation, const char *name, Oid type)
{
	PLpgSQL_var *variable = palloc0(sizeof(PLpgSQL_var));

	variable->dtype = PLPGSQL_DTYPE_VAR;
	variable->refname = pstrdup(name);
	variable->datatype = statement_type(type);
	variable->cursor_explicit_argrow = -1;
	variable->isnull = true;
	variable->promise = PLPGSQL_PROMISE_NONE;
	(void) add_hidden(activation, (PLpgSQL_datum *) variable);
	return variable;
}

PLpgSQL_rec *
activation_add_record(Activation *activation, const char *name, Oid type)
{
	PLpgSQL_rec *record = palloc0(sizeof(PLpgSQL_rec));

	record->dtype = PLPGSQL_DTYPE_REC;
	record->refname = pstrdup(name);
	record->rectypeid = type;
	record->datatype = type != RECORDOID ? statement_type(type) : NULL;
	record->firstfield = -1;
	(void) add_hidden(activation, (PLpgSQL_datum *) record);
	return record;
}

/* A field of a hidden record, as a variable that an expression can name. */
void
activation_add_field(Activation *activation, PLpgSQL_rec *record, const char *field)
{
	PLpgSQL_recfield *datum = palloc0(sizeof(PLpgSQL_recfield));

	datum->dtype = PLPGSQL_DTYPE_RECFIELD;
	datum->fieldname = pstrdup(field);
	datum->recparentno = record->dno;
	datum->nextfield = record->firstfield;
	datum->rectupledescid = INVALID_TUPLEDESC_IDENTIFIER;
	record->firstfield = add_hidden(activation, (PLpgSQL_datum *) datum);
}

PLpgSQL_variable *
activation_add_result(Activation *activation, const char *name, Oid type)
{
	return type == RECORDOID || get_typtype(type) == TYPTYPE_COMPOSITE
		? (PLpgSQL_variable *) activation_add_record(activation, name, type)
		: (PLpgSQL_variable *) activation_add_variable(activation, name, type);
}

/* Put the hidden variables behind the function's own. */
void
activation_install_hidden(Activation *activation)
{
	PLpgSQL_execstate *es = activation->es;
	int			n_own = activation->function->ndatums;
	int			n_all = n_own + list_length(activation->hidden);
	PLpgSQL_datum **datums = palloc(sizeof(PLpgSQL_datum *) * n_all);

	memcpy(datums, es->datums, sizeof(PLpgSQL_datum *) * n_own);
	for (int i = n_own; i < n_all; i++)
		datums[i] = list_nth(activation->hidden, i - n_own);
	es->datums = datums;
	es->ndatums = n_all;
	es->paramLI->numParams = n_all;
}

/* ------------------------------------------------------------------ expressions */

static PLpgSQL_nsitem *
add_name(PLpgSQL_nsitem *behind, PLpgSQL_nsitem_type type, int number, const char *name)
{
	PLpgSQL_nsitem *item = palloc(offsetof(PLpgSQL_nsitem, name) + strlen(name) + 1);

	item->itemtype = type;
	item->itemno = number;
	item->prev = behind;
	strcpy(item->name, name);
	return item;
}

/*
 * An expression of ours.  It sees the names that another one sees (NULL: none),
 * and first of all one of the hidden variables, if that is not NULL.
 */
PLpgSQL_expr *
activation_expression(Activation *activation, const PLpgSQL_expr *like, const char *query,
					  RawParseMode mode, const PLpgSQL_variable *variable)
{
	MemoryContext old = MemoryContextSwitchTo(activation->context);
	PLpgSQL_expr *expression = palloc0(sizeof(PLpgSQL_expr));

	expression->query = pstrdup(query);
	expression->parseMode = mode;
	expression->func = activation->function;
	expression->target_param = -1;
	expression->ns = like != NULL ? like->ns : add_name(NULL, PLPGSQL_NSTYPE_LABEL, PLPGSQL_LABEL_OTHER, "");
	if (variable != NULL)
		expression->ns = add_name(expression->ns,
								  variable->dtype == PLPGSQL_DTYPE_REC ? PLPGSQL_NSTYPE_REC : PLPGSQL_NSTYPE_VAR,
								  variable->dno, variable->refname);
	activation->expressions = lappend(activation->expressions, expression);
	MemoryContextSwitchTo(old);
	return expression;
}

/* Let an expression of ours see a variable under a name, before all others. */
void
activation_add_name(PLpgSQL_expr *expression, int number, const char *name)
{
	expression->ns = add_name(expression->ns, PLPGSQL_NSTYPE_VAR, number, name);
}

static void
free_plan(PLpgSQL_expr *expression)
{
	if (expression->plan != NULL)
		db_free_plan(expression->plan);
	expression->plan = NULL;
	/* PL/pgSQL keeps it with the function, which lives on */
	bms_free(expression->paramnos);
	expression->paramnos = NULL;
}

void
activation_free_expression(Activation *activation, PLpgSQL_expr *expression)
{
	activation->expressions = list_delete_ptr(activation->expressions, expression);
	free_plan(expression);
}

/* "hitl answer" */
PLpgSQL_expr *
activation_name_expression(Activation *activation, const PLpgSQL_expr *like, const PLpgSQL_variable *variable)
{
	return activation_expression(activation, like, psprintf("\"%s\"", variable->refname),
								 RAW_PARSE_PLPGSQL_EXPR, variable);
}

/* ---------------------------------------------------------------------- splices */

Splice *
activation_add_splice(Activation *activation, SpliceKind kind, PLpgSQL_stmt *original)
{
	Splice	   *splice;

	if (activation->chunks == NIL || activation->n_in_chunk == SPLICES_IN_CHUNK)
	{
		activation->chunks = lcons(palloc0(sizeof(Splice) * SPLICES_IN_CHUNK), activation->chunks);
		activation->n_in_chunk = 0;
	}
	splice = (Splice *) linitial(activation->chunks) + activation->n_in_chunk++;
	splice->kind = kind;
	splice->original = original;
	/* nothing: GET DIAGNOSTICS of no items */
	splice->as.any.cmd_type = PLPGSQL_STMT_GETDIAG;
	splice->as.any.lineno = original->lineno;
	splice->as.any.stmtid = original->stmtid;
	return splice;
}

/* The splice that a statement is; NULL: it is an author's. */
Splice *
activation_find_splice(const Activation *activation, const PLpgSQL_stmt *statement)
{
	ListCell   *cell;

	foreach(cell, activation->chunks)
	{
		Splice	   *chunk = lfirst(cell);

		if ((const char *) statement >= (const char *) chunk &&
			(const char *) statement < (const char *) (chunk + SPLICES_IN_CHUNK))
			return (Splice *) statement;
	}
	return NULL;
}

/* A copy of a statement as a splice. */
Splice *
activation_copy_splice(Activation *activation, SpliceKind kind, PLpgSQL_stmt *original, Size size)
{
	Splice	   *splice = activation_add_splice(activation, kind, original);

	memcpy(&splice->as, original, size);
	return splice;
}

/* --------------------------------------------------------- its loops and handlers */

LoopState *
activation_loop(Activation *activation, PLpgSQL_stmt *original)
{
	ListCell   *cell;
	LoopState  *state;

	foreach(cell, activation->loops)
	{
		state = lfirst(cell);
		if (state->statement == (int) original->stmtid)
			return state;
	}
	state = palloc0(sizeof(LoopState));
	state->statement = original->stmtid;
	state->original = original;
	activation->loops = lappend(activation->loops, state);
	return state;
}

CaughtError *
activation_caught(Activation *activation, int statement, int handler)
{
	ListCell   *cell;
	CaughtError *caught;

	foreach(cell, activation->caught)
	{
		caught = lfirst(cell);
		if (caught->statement == statement && caught->handler == handler)
			return caught;
	}
	caught = palloc0(sizeof(CaughtError));
	caught->statement = statement;
	caught->handler = handler;
	activation->caught = lappend(activation->caught, caught);
	return caught;
}

/* ------------------------------------------------------------------- statements */

/* Note a statement and those in it by their numbers. */
static void
note_originals(Activation *activation, PLpgSQL_stmt *statement)
{
	ListCell   *cell;
	ListCell   *inner;

	if ((int) statement->stmtid <= activation->program->n_statements)
		activation->originals[statement->stmtid] = statement;
	foreach(cell, statement_lists(statement))
		foreach(inner, *((StatementList *) lfirst(cell))->list)
			note_originals(activation, lfirst(inner));
}

/* A statement of the function's own tree, by its number.  Asked for each that runs. */
PLpgSQL_stmt *
activation_statement(const Activation *activation, int statement)
{
	if (statement > activation->program->n_statements || activation->originals[statement] == NULL)
		elog(ERROR, "hitl found no statement %d in function %s", statement, activation->program->signature);
	return activation->originals[statement];
}

/* ------------------------------------------------------------------ activations */

/* A call begins.  context: it lives in a child of that. */
Activation *
activation_begin(PLpgSQL_execstate *es, PLpgSQL_function *function, const PLpgSQL_plugin *api,
				 const Program *program, MemoryContext context)
{
	MemoryContext own = AllocSetContextCreate(context, "hitl activation", ALLOCSET_SMALL_SIZES);
	Activation *activation = MemoryContextAllocZero(own, sizeof(Activation));
	MemoryContext old;

	activation->context = own;
	activation->es = es;
	activation->function = function;
	activation->api = api;
	activation->program = program;
	old = MemoryContextSwitchTo(own);
	activation->originals = palloc0(sizeof(PLpgSQL_stmt *) * (program->n_statements + 1));
	note_originals(activation, (PLpgSQL_stmt *) function->action);
	MemoryContextSwitchTo(old);
	return activation;
}

/* The call has ended, or was left by an error. */
void
activation_end(Activation *activation)
{
	ListCell   *cell;

	foreach(cell, activation->expressions)
		free_plan(lfirst(cell));
	MemoryContextDelete(activation->context);
}
