/*
 * residual.c
 *    The tree of an activation: where it can be left, and what is left of it.
 *
 * PL/pgSQL runs, for one call, the tree that a plugin puts into its place.  Ours
 * shares all statements with PL/pgSQL's own but for those that have a site in
 * them (program.c).  A site becomes three:
 *
 *   "hitl answer" := hitl.interrupt(...);      SPLICE_ASK
 *   nothing, or RETURN once there is a pause   SPLICE_LEAVE
 *   x := "hitl answer";                        SPLICE_TAKE
 *
 * so that loops close their portals and blocks commit their subtransactions on
 * the way out, no handler can catch it, and what x demands of a value is asked
 * of the answer only.  The tree of a call that goes on is what is left of the
 * function from SPLICE_TAKE on: of a list what stands behind, of an IF its
 * branch, of a block its body without the declarations, and of a loop
 *
 *   LOOP                                       SPLICE_AGAIN
 *     first the rest of the iteration,         SPLICE_SELECT
 *     then the loop itself from the next iteration on; EXIT
 *   END LOOP
 *
 * under the loop's label, so that EXIT and CONTINUE mean what they meant.  A
 * handler is what is left of it in a block that raises again what was caught.
 *
 * Layer 3.  Memory: that of the activation.
 */
#include "postgres.h"

#include "callsite.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "residual.h"
#include "statement.h"
#include "utils/lsyscache.h"

static List *build_list(Activation *activation, List *statements);

/* ------------------------------------------------------------------------ sites */

static PLpgSQL_expr *
site_expression(PLpgSQL_stmt *statement)
{
	return linitial(statement_expressions(statement));
}

/*
 * Where the value of a site's call goes; NULL: nowhere.  callee: the function
 * that it calls; InvalidOid: hitl.interrupt().
 */
static PLpgSQL_variable *
site_result(Activation *activation, PLpgSQL_stmt *statement, Oid callee)
{
	if (statement->cmd_type == PLPGSQL_STMT_PERFORM)
		return NULL;
	if (OidIsValid(callee))
		return activation_add_result(activation, psprintf("hitl result %u", statement->stmtid), get_func_rettype(callee));
	if (activation->answer == NULL)
		activation->answer = activation_add_variable(activation, "hitl answer", JSONBOID);
	return (PLpgSQL_variable *) activation->answer;
}

/* The statement without its call: it takes the value from the variable. */
static PLpgSQL_stmt *
build_take(Activation *activation, PLpgSQL_stmt *statement, const PLpgSQL_variable *result)
{
	PLpgSQL_expr *original = site_expression(statement);
	int			call_at = activation->program->statements[statement->stmtid].call_at;
	PLpgSQL_expr *expression = activation_expression(activation, original,
													 psprintf("%.*s\"%s\"", call_at, original->query, result->refname),
													 original->parseMode, result);
	Splice	   *splice;

	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_ASSIGN:
			splice = activation_copy_splice(activation, SPLICE_TAKE, statement, sizeof(PLpgSQL_stmt_assign));
			splice->as.assign.expr = expression;
			break;
		case PLPGSQL_STMT_EXECSQL:
			splice = activation_copy_splice(activation, SPLICE_TAKE, statement, sizeof(PLpgSQL_stmt_execsql));
			splice->as.execsql.sqlstmt = expression;
			break;
		default:
			Assert(statement->cmd_type == PLPGSQL_STMT_RETURN);
			splice = activation_copy_splice(activation, SPLICE_TAKE, statement, sizeof(PLpgSQL_stmt_return));
			splice->as.returns.expr = expression;
			break;
	}
	return &splice->as.any;
}

static List *
build_site(Activation *activation, PLpgSQL_stmt *statement)
{
	PLpgSQL_expr *original = site_expression(statement);
	PLpgSQL_variable *result = site_result(activation, statement, activation->program->statements[statement->stmtid].callee);
	Splice	   *ask;
	List	   *list;

	if (result == NULL)
		ask = activation_copy_splice(activation, SPLICE_ASK, statement, sizeof(PLpgSQL_stmt_perform));
	else
	{
		int			call_at = activation->program->statements[statement->stmtid].call_at;

		ask = activation_add_splice(activation, SPLICE_ASK, statement);
		ask->as.assign.cmd_type = PLPGSQL_STMT_ASSIGN;
		ask->as.assign.varno = result->dno;
		ask->as.assign.expr = activation_expression(activation, original, original->query + call_at,
													RAW_PARSE_PLPGSQL_EXPR, NULL);
	}
	ask->result = result;
	list = list_make2(ask, activation_add_splice(activation, SPLICE_LEAVE, statement));
	return result != NULL ? lappend(list, build_take(activation, statement, result)) : list;
}

/*
 * What is left of a site when the answer is there, or the function called goes
 * on: the one that was called, whatever the statement would call now.
 */
static List *
build_site_rest(Activation *activation, PLpgSQL_stmt *statement)
{
	PLpgSQL_variable *result = site_result(activation, statement, activation->resumed);
	List	   *list = NIL;

	if (OidIsValid(activation->resumed))
	{
		Splice	   *resume = activation_add_splice(activation, SPLICE_RESUME, statement);

		resume->result = result;
		list = list_make2(resume, activation_add_splice(activation, SPLICE_LEAVE, statement));
	}
	if (result == NULL)
		return lappend(list, activation_add_splice(activation, SPLICE_PERFORMED, statement));
	return lappend(list, build_take(activation, statement, result));
}

/* ------------------------------------------------------------------------ loops */

/* WHILE and LOOP have no place of their own: their variables are the author's. */
static bool
has_state(const PLpgSQL_stmt *loop)
{
	return loop->cmd_type != PLPGSQL_STMT_LOOP && loop->cmd_type != PLPGSQL_STMT_WHILE;
}

static void
build_integer_loop(Activation *activation, Splice *splice)
{
	PLpgSQL_stmt_fori *original = (PLpgSQL_stmt_fori *) splice->original;
	LoopState  *state = splice->state;

	memcpy(&splice->as.fori, original, sizeof(PLpgSQL_stmt_fori));
	if (state->lower == NULL)
	{
		state->lower = activation_add_variable(activation, psprintf("hitl lower %u", original->stmtid), INT4OID);
		state->upper = activation_add_variable(activation, psprintf("hitl upper %u", original->stmtid), INT4OID);
		state->step = original->step == NULL ? NULL
			: activation_add_variable(activation, psprintf("hitl step %u", original->stmtid), INT4OID);
	}
	splice->as.fori.lower = activation_name_expression(activation, original->lower, (PLpgSQL_variable *) state->lower);
	splice->as.fori.upper = activation_name_expression(activation, original->upper, (PLpgSQL_variable *) state->upper);
	if (state->step != NULL)
		splice->as.fori.step = activation_name_expression(activation, original->step, (PLpgSQL_variable *) state->step);
}

/*
 * "ROW(<first>, (SELECT <second>))" of some expressions: of those which are more
 * than that as queries.  For GET DIAGNOSTICS a query counts its row, an expression
 * does not.
 */
static PLpgSQL_expr *
row_expression(Activation *activation, List *expressions)
{
	StringInfoData row;
	ListCell   *cell;

	initStringInfo(&row);
	appendStringInfoString(&row, "ROW(");
	foreach(cell, expressions)
		appendStringInfo(&row, "%s%s", foreach_current_index(cell) > 0 ? ", " : "", callsite_as_value(lfirst(cell)));
	appendStringInfoChar(&row, ')');
	return activation_expression(activation, linitial(expressions), row.data, RAW_PARSE_PLPGSQL_EXPR, NULL);
}

/* Over rows: as over a cursor, which we know by its name. */
static void
build_row_loop(Activation *activation, Splice *splice)
{
	PLpgSQL_stmt_forq *original = (PLpgSQL_stmt_forq *) splice->original;
	LoopState  *state = splice->state;
	PLpgSQL_stmt_dynfors *execute = original->cmd_type == PLPGSQL_STMT_DYNFORS ? (PLpgSQL_stmt_dynfors *) original : NULL;

	if (state->cursor == NULL)
	{
		state->cursor = activation_add_variable(activation, psprintf("hitl cursor %u", original->stmtid), REFCURSOROID);
		state->cursor->cursor_options = CURSOR_OPT_NO_SCROLL;
		if (execute != NULL)
			state->text = activation_add_variable(activation, psprintf("hitl text %u", original->stmtid), TEXTOID);
		if (execute != NULL && execute->params != NIL)
		{
			state->parameters = activation_add_record(activation, psprintf("hitl parameters %u", original->stmtid), RECORDOID);
			for (int i = 1; i <= list_length(execute->params); i++)
				activation_add_field(activation, state->parameters, psprintf("f%d", i));
			state->parameters_expr = row_expression(activation, execute->params);
		}
	}
	splice->as.forc.cmd_type = PLPGSQL_STMT_FORC;
	splice->as.forc.label = original->label;
	splice->as.forc.var = original->var;
	splice->as.forc.curvar = state->cursor->dno;
}

static void
build_array_loop(Activation *activation, Splice *splice)
{
	PLpgSQL_stmt_foreach_a *original = (PLpgSQL_stmt_foreach_a *) splice->original;
	LoopState  *state = splice->state;

	memcpy(&splice->as.foreach, original, sizeof(PLpgSQL_stmt_foreach_a));
	if (state->array == NULL)
	{
		state->array = activation_add_record(activation, psprintf("hitl array %u", original->stmtid), RECORDOID);
		activation_add_field(activation, state->array, "f1");
		state->array_expr = row_expression(activation, list_make1(original->expr));
	}
	splice->as.foreach.expr = activation_expression(activation, original->expr, "\"hitl element\"", RAW_PARSE_PLPGSQL_EXPR, NULL);
	activation_add_name(splice->as.foreach.expr, state->array->firstfield, "hitl element");
}

/* A loop with a site in it, from its beginning, or from where the pause was. */
static PLpgSQL_stmt *
build_loop(Activation *activation, PLpgSQL_stmt *original, bool goes_on)
{
	StatementList *body = linitial(statement_lists(original));
	List	   *list = build_list(activation, *body->list);
	Splice	   *splice;
	Splice	   *iterate;
	PLpgSQL_stmt *copy;

	if (!has_state(original))
	{
		if (goes_on)
			copy = &activation_copy_splice(activation, SPLICE_ROUND, original,
										   original->cmd_type == PLPGSQL_STMT_LOOP ? sizeof(PLpgSQL_stmt_loop) : sizeof(PLpgSQL_stmt_while))->as.any;
		else
			copy = statement_copy(original);
		body = linitial(statement_lists(copy));
		*body->list = list;
		return copy;
	}
	splice = activation_add_splice(activation, SPLICE_LOOP, original);
	splice->state = activation_loop(activation, original);
	splice->goes_on = goes_on;
	switch (original->cmd_type)
	{
		case PLPGSQL_STMT_FORI:
			build_integer_loop(activation, splice);
			break;
		case PLPGSQL_STMT_FOREACH_A:
			build_array_loop(activation, splice);
			break;
		default:
			build_row_loop(activation, splice);
			break;
	}
	iterate = activation_add_splice(activation, SPLICE_ITERATE, original);
	iterate->state = splice->state;
	/* without a site the list is the author's own */
	body = linitial(statement_lists(&splice->as.any));
	*body->list = lcons(iterate, list_copy(list));
	return &splice->as.any;
}

static char *
loop_label(PLpgSQL_stmt *loop)
{
	switch (loop->cmd_type)
	{
		case PLPGSQL_STMT_LOOP:
			return ((PLpgSQL_stmt_loop *) loop)->label;
		case PLPGSQL_STMT_WHILE:
			return ((PLpgSQL_stmt_while *) loop)->label;
		case PLPGSQL_STMT_FORI:
			return ((PLpgSQL_stmt_fori *) loop)->label;
		case PLPGSQL_STMT_FOREACH_A:
			return ((PLpgSQL_stmt_foreach_a *) loop)->label;
		default:
			return ((PLpgSQL_stmt_forq *) loop)->label;
	}
}

/* A loop that is gone on with; iteration: what is left of the one that paused. */
static PLpgSQL_stmt *
build_loop_rest(Activation *activation, PLpgSQL_stmt *original, List *iteration)
{
	Splice	   *again = activation_add_splice(activation, SPLICE_AGAIN, original);
	Splice	   *select = activation_add_splice(activation, SPLICE_SELECT, original);
	Splice	   *leave = activation_add_splice(activation, SPLICE_EXIT, original);

	if (has_state(original))
		again->state = select->state = activation_loop(activation, original);
	leave->as.exit.cmd_type = PLPGSQL_STMT_EXIT;
	leave->as.exit.is_exit = true;
	/* a block without a name is seen by neither EXIT nor CONTINUE */
	select->as.block.cmd_type = PLPGSQL_STMT_BLOCK;
	select->as.block.body = iteration;
	select->rest = list_make2(build_loop(activation, original, true), leave);
	again->as.loop.cmd_type = PLPGSQL_STMT_LOOP;
	again->as.loop.label = loop_label(original);
	again->as.loop.body = list_make1(select);
	return &again->as.any;
}

/* --------------------------------------------------------------------- handlers */

/* A block whose handler is gone on with: it raises what that had caught. */
static PLpgSQL_stmt *
build_handler_rest(Activation *activation, PLpgSQL_stmt_block *original, int handler, List *action)
{
	PLpgSQL_stmt_block *block = (PLpgSQL_stmt_block *) statement_copy((PLpgSQL_stmt *) original);
	PLpgSQL_exception *exception = list_nth(block->exceptions->exc_list, handler);
	PLpgSQL_condition *condition = palloc0(sizeof(PLpgSQL_condition));
	Splice	   *throw = activation_add_splice(activation, SPLICE_THROW, (PLpgSQL_stmt *) original);

	throw->caught = activation_caught(activation, original->stmtid, handler);
	condition->sqlerrstate = throw->caught->error->sqlerrcode;
	condition->condname = "hitl";
	exception->conditions = condition;
	exception->action = action;
	block->exceptions->exc_list = list_make1(exception);
	block->n_initvars = 0;
	block->body = list_make1(throw);
	return (PLpgSQL_stmt *) block;
}

/* ------------------------------------------------------------------------ trees */

/* Any other statement with a site in it. */
static PLpgSQL_stmt *
build_compound(Activation *activation, PLpgSQL_stmt *original)
{
	PLpgSQL_stmt *copy = statement_copy(original);
	ListCell   *cell;

	foreach(cell, statement_lists(copy))
	{
		StatementList *list = lfirst(cell);
		List	   *built = build_list(activation, *list->list);

		if (list->handler >= 0 && built != *list->list)
		{
			Splice	   *caught = activation_add_splice(activation, SPLICE_CAUGHT, original);

			caught->caught = activation_caught(activation, original->stmtid, list->handler);
			built = lcons(caught, built);
		}
		*list->list = built;
	}
	return copy;
}

/* A list of statements; itself, if there is no site in it. */
static List *
build_list(Activation *activation, List *statements)
{
	List	   *built = NIL;
	bool		has_site = false;
	ListCell   *cell;

	foreach(cell, statements)
	{
		PLpgSQL_stmt *statement = lfirst(cell);
		const ProgramStatement *entry = &activation->program->statements[statement->stmtid];
		List	   *lists;

		has_site |= entry->holds_site;
		if (!entry->holds_site)
			built = lappend(built, statement);
		else if (entry->site != PROGRAM_NO_SITE)
			built = list_concat(built, build_site(activation, statement));
		else
		{
			lists = statement_lists(statement);
			built = lappend(built, ((StatementList *) linitial(lists))->is_loop
							? build_loop(activation, statement, false)
							: build_compound(activation, statement));
		}
	}
	return has_site ? built : statements;
}

/* Is a statement, or one around it, this one?  Returns the one in its lists, or 0. */
static int
child_towards(const Activation *activation, int ancestor, int statement)
{
	while (statement != 0 && activation->program->statements[statement].parent != ancestor)
		statement = activation->program->statements[statement].parent;
	return statement;
}

/* An IF or a CASE that is gone on with: what is left of that branch. */
static PLpgSQL_stmt *
build_branch_rest(Activation *activation, PLpgSQL_stmt *original, List *rest)
{
	Splice	   *within = activation_add_splice(activation, SPLICE_WITHIN, original);

	within->as.block.cmd_type = PLPGSQL_STMT_BLOCK;
	within->as.block.body = rest;
	return &within->as.any;
}

/* What is left of a statement when the function goes on at a site within it. */
static List *
build_rest(Activation *activation, PLpgSQL_stmt *original, int site)
{
	const ProgramStatement *child;
	StatementList *list;
	List	   *rest;
	PLpgSQL_stmt *copy;
	int			child_id;

	if ((int) original->stmtid == site)
		return build_site_rest(activation, original);
	child_id = child_towards(activation, original->stmtid, site);
	child = &activation->program->statements[child_id];
	list = list_nth(statement_lists(original), child->list);
	rest = list_concat(build_rest(activation, list_nth(*list->list, child->position), site),
					   build_list(activation, list_copy_tail(*list->list, child->position + 1)));

	if (list->is_loop)
		return list_make1(build_loop_rest(activation, original, rest));
	if (original->cmd_type != PLPGSQL_STMT_BLOCK)
		return list_make1(build_branch_rest(activation, original, rest));
	if (list->handler >= 0)
		return list_make1(build_handler_rest(activation, (PLpgSQL_stmt_block *) original, list->handler, rest));
	copy = build_compound(activation, original);
	((PLpgSQL_stmt_block *) copy)->body = rest;
	((PLpgSQL_stmt_block *) copy)->n_initvars = 0;
	return list_make1(copy);
}

/*
 * Make its tree.  statement: 0, or the site at which it goes on; then what was
 * saved of loops and handlers around that is there.
 */
void
residual_build(Activation *activation, int statement)
{
	MemoryContext old = MemoryContextSwitchTo(activation->context);
	PLpgSQL_stmt *root = (PLpgSQL_stmt *) activation->function->action;

	activation->action = statement == 0 ? (PLpgSQL_stmt_block *) build_compound(activation, root)
		: linitial(build_rest(activation, root, statement));
	activation_install_hidden(activation);
	MemoryContextSwitchTo(old);
}
