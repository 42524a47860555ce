/*
 * statement.c
 *    The statements of a compiled PL/pgSQL function: what is in them.
 *
 * PL/pgSQL has a struct for each statement, and nothing that walks them.  Here
 * is what hitl wants to know of each: the lists of statements and the
 * expressions in it, and how to copy it so that other lists can be hung in; and
 * the two of PL/pgSQL's own functions that hitl calls.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "statement.h"
#include "utils/lsyscache.h"

#define PLPGSQL_LIBRARY "$libdir/plpgsql"

static void
add_list(List **lists, const char *branch, bool is_loop, int handler, List **list)
{
	StatementList *entry = palloc(sizeof(StatementList));

	entry->branch = branch;
	entry->is_loop = is_loop;
	entry->handler = handler;
	entry->list = list;
	*lists = lappend(*lists, entry);
}

/* The lists of statements in a statement, as StatementLists, in their order. */
List *
statement_lists(PLpgSQL_stmt *statement)
{
	List	   *lists = NIL;
	ListCell   *cell;
	int			n = 0;

	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_BLOCK:
			{
				PLpgSQL_stmt_block *block = (PLpgSQL_stmt_block *) statement;

				add_list(&lists, "body", false, -1, &block->body);
				if (block->exceptions != NULL)
					foreach(cell, block->exceptions->exc_list)
				{
					add_list(&lists, psprintf("handler%d", n + 1), false, n,
							 &((PLpgSQL_exception *) lfirst(cell))->action);
					n++;
				}
				break;
			}
		case PLPGSQL_STMT_IF:
			{
				PLpgSQL_stmt_if *branch = (PLpgSQL_stmt_if *) statement;

				add_list(&lists, "then", false, -1, &branch->then_body);
				foreach(cell, branch->elsif_list)
					add_list(&lists, psprintf("elsif%d", ++n), false, -1, &((PLpgSQL_if_elsif *) lfirst(cell))->stmts);
				add_list(&lists, "else", false, -1, &branch->else_body);
				break;
			}
		case PLPGSQL_STMT_CASE:
			{
				PLpgSQL_stmt_case *branch = (PLpgSQL_stmt_case *) statement;

				foreach(cell, branch->case_when_list)
					add_list(&lists, psprintf("when%d", ++n), false, -1, &((PLpgSQL_case_when *) lfirst(cell))->stmts);
				add_list(&lists, "else", false, -1, &branch->else_stmts);
				break;
			}
		case PLPGSQL_STMT_LOOP:
			add_list(&lists, "loop", true, -1, &((PLpgSQL_stmt_loop *) statement)->body);
			break;
		case PLPGSQL_STMT_WHILE:
			add_list(&lists, "loop", true, -1, &((PLpgSQL_stmt_while *) statement)->body);
			break;
		case PLPGSQL_STMT_FORI:
			add_list(&lists, "loop", true, -1, &((PLpgSQL_stmt_fori *) statement)->body);
			break;
		case PLPGSQL_STMT_FORS:
		case PLPGSQL_STMT_FORC:
		case PLPGSQL_STMT_DYNFORS:
			add_list(&lists, "loop", true, -1, &((PLpgSQL_stmt_forq *) statement)->body);
			break;
		case PLPGSQL_STMT_FOREACH_A:
			add_list(&lists, "loop", true, -1, &((PLpgSQL_stmt_foreach_a *) statement)->body);
			break;
		default:
			break;
	}
	return lists;
}

static void
add_expression(List **expressions, PLpgSQL_expr *expression)
{
	if (expression != NULL)
		*expressions = lappend(*expressions, expression);
}

static void
add_expressions(List **expressions, List *more)
{
	ListCell   *cell;

	foreach(cell, more)
		add_expression(expressions, lfirst(cell));
}

/*
 * The expressions and queries of a statement itself, not of what is in its
 * lists, as PLpgSQL_exprs.  The first is the one that it is about.
 */
List *
statement_expressions(PLpgSQL_stmt *statement)
{
	List	   *expressions = NIL;
	ListCell   *cell;

	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_ASSIGN:
			add_expression(&expressions, ((PLpgSQL_stmt_assign *) statement)->expr);
			break;
		case PLPGSQL_STMT_PERFORM:
			add_expression(&expressions, ((PLpgSQL_stmt_perform *) statement)->expr);
			break;
		case PLPGSQL_STMT_CALL:
			add_expression(&expressions, ((PLpgSQL_stmt_call *) statement)->expr);
			break;
		case PLPGSQL_STMT_IF:
			add_expression(&expressions, ((PLpgSQL_stmt_if *) statement)->cond);
			foreach(cell, ((PLpgSQL_stmt_if *) statement)->elsif_list)
				add_expression(&expressions, ((PLpgSQL_if_elsif *) lfirst(cell))->cond);
			break;
		case PLPGSQL_STMT_CASE:
			add_expression(&expressions, ((PLpgSQL_stmt_case *) statement)->t_expr);
			foreach(cell, ((PLpgSQL_stmt_case *) statement)->case_when_list)
				add_expression(&expressions, ((PLpgSQL_case_when *) lfirst(cell))->expr);
			break;
		case PLPGSQL_STMT_WHILE:
			add_expression(&expressions, ((PLpgSQL_stmt_while *) statement)->cond);
			break;
		case PLPGSQL_STMT_FORI:
			add_expression(&expressions, ((PLpgSQL_stmt_fori *) statement)->lower);
			add_expression(&expressions, ((PLpgSQL_stmt_fori *) statement)->upper);
			add_expression(&expressions, ((PLpgSQL_stmt_fori *) statement)->step);
			break;
		case PLPGSQL_STMT_FORS:
			add_expression(&expressions, ((PLpgSQL_stmt_fors *) statement)->query);
			break;
		case PLPGSQL_STMT_FORC:
			add_expression(&expressions, ((PLpgSQL_stmt_forc *) statement)->argquery);
			break;
		case PLPGSQL_STMT_DYNFORS:
			add_expression(&expressions, ((PLpgSQL_stmt_dynfors *) statement)->query);
			add_expressions(&expressions, ((PLpgSQL_stmt_dynfors *) statement)->params);
			break;
		case PLPGSQL_STMT_FOREACH_A:
			add_expression(&expressions, ((PLpgSQL_stmt_foreach_a *) statement)->expr);
			break;
		case PLPGSQL_STMT_EXIT:
			add_expression(&expressions, ((PLpgSQL_stmt_exit *) statement)->cond);
			break;
		case PLPGSQL_STMT_RETURN:
			add_expression(&expressions, ((PLpgSQL_stmt_return *) statement)->expr);
			break;
		case PLPGSQL_STMT_RETURN_NEXT:
			add_expression(&expressions, ((PLpgSQL_stmt_return_next *) statement)->expr);
			break;
		case PLPGSQL_STMT_RETURN_QUERY:
			add_expression(&expressions, ((PLpgSQL_stmt_return_query *) statement)->query);
			add_expression(&expressions, ((PLpgSQL_stmt_return_query *) statement)->dynquery);
			add_expressions(&expressions, ((PLpgSQL_stmt_return_query *) statement)->params);
			break;
		case PLPGSQL_STMT_RAISE:
			add_expressions(&expressions, ((PLpgSQL_stmt_raise *) statement)->params);
			foreach(cell, ((PLpgSQL_stmt_raise *) statement)->options)
				add_expression(&expressions, ((PLpgSQL_raise_option *) lfirst(cell))->expr);
			break;
		case PLPGSQL_STMT_ASSERT:
			add_expression(&expressions, ((PLpgSQL_stmt_assert *) statement)->cond);
			add_expression(&expressions, ((PLpgSQL_stmt_assert *) statement)->message);
			break;
		case PLPGSQL_STMT_EXECSQL:
			add_expression(&expressions, ((PLpgSQL_stmt_execsql *) statement)->sqlstmt);
			break;
		case PLPGSQL_STMT_DYNEXECUTE:
			add_expression(&expressions, ((PLpgSQL_stmt_dynexecute *) statement)->query);
			add_expressions(&expressions, ((PLpgSQL_stmt_dynexecute *) statement)->params);
			break;
		case PLPGSQL_STMT_OPEN:
			add_expression(&expressions, ((PLpgSQL_stmt_open *) statement)->argquery);
			add_expression(&expressions, ((PLpgSQL_stmt_open *) statement)->query);
			add_expression(&expressions, ((PLpgSQL_stmt_open *) statement)->dynquery);
			add_expressions(&expressions, ((PLpgSQL_stmt_open *) statement)->params);
			break;
		case PLPGSQL_STMT_FETCH:
			add_expression(&expressions, ((PLpgSQL_stmt_fetch *) statement)->expr);
			break;
		default:
			break;
	}
	return expressions;
}

/* Copy a struct; what it points to is shared. */
static void *
copy_struct(const void *original, Size size)
{
	return memcpy(palloc(size), original, size);
}

static List *
copy_structs(List *originals, Size size)
{
	List	   *copies = NIL;
	ListCell   *cell;

	foreach(cell, originals)
		copies = lappend(copies, copy_struct(lfirst(cell), size));
	return copies;
}

/*
 * A copy of a statement, in which the lists of statements and the expressions
 * can be replaced without touching the original.  The statements in the lists
 * and the expressions are shared.
 */
PLpgSQL_stmt *
statement_copy(const PLpgSQL_stmt *statement)
{
	Size		size;

	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_BLOCK:
			{
				PLpgSQL_stmt_block *block = copy_struct(statement, sizeof(PLpgSQL_stmt_block));

				if (block->exceptions != NULL)
				{
					block->exceptions = copy_struct(block->exceptions, sizeof(PLpgSQL_exception_block));
					block->exceptions->exc_list = copy_structs(block->exceptions->exc_list, sizeof(PLpgSQL_exception));
				}
				return (PLpgSQL_stmt *) block;
			}
		case PLPGSQL_STMT_IF:
			{
				PLpgSQL_stmt_if *branch = copy_struct(statement, sizeof(PLpgSQL_stmt_if));

				branch->elsif_list = copy_structs(branch->elsif_list, sizeof(PLpgSQL_if_elsif));
				return (PLpgSQL_stmt *) branch;
			}
		case PLPGSQL_STMT_CASE:
			{
				PLpgSQL_stmt_case *branch = copy_struct(statement, sizeof(PLpgSQL_stmt_case));

				branch->case_when_list = copy_structs(branch->case_when_list, sizeof(PLpgSQL_case_when));
				return (PLpgSQL_stmt *) branch;
			}
		case PLPGSQL_STMT_LOOP:
			size = sizeof(PLpgSQL_stmt_loop);
			break;
		case PLPGSQL_STMT_WHILE:
			size = sizeof(PLpgSQL_stmt_while);
			break;
		case PLPGSQL_STMT_FORI:
			size = sizeof(PLpgSQL_stmt_fori);
			break;
		case PLPGSQL_STMT_FORS:
			size = sizeof(PLpgSQL_stmt_fors);
			break;
		case PLPGSQL_STMT_DYNFORS:
			size = sizeof(PLpgSQL_stmt_dynfors);
			break;
		case PLPGSQL_STMT_FOREACH_A:
			size = sizeof(PLpgSQL_stmt_foreach_a);
			break;
		case PLPGSQL_STMT_ASSIGN:
			size = sizeof(PLpgSQL_stmt_assign);
			break;
		case PLPGSQL_STMT_PERFORM:
			size = sizeof(PLpgSQL_stmt_perform);
			break;
		case PLPGSQL_STMT_EXECSQL:
			size = sizeof(PLpgSQL_stmt_execsql);
			break;
		case PLPGSQL_STMT_RETURN:
			size = sizeof(PLpgSQL_stmt_return);
			break;
		default:
			elog(ERROR, "hitl cannot copy PL/pgSQL statement %d", (int) statement->cmd_type);
	}
	return copy_struct(statement, size);
}

/* What a statement is called in messages. */
const char *
statement_name(const PLpgSQL_stmt *statement)
{
	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_BLOCK:
			return "block";
		case PLPGSQL_STMT_ASSIGN:
			return "assignment";
		case PLPGSQL_STMT_IF:
			return "IF";
		case PLPGSQL_STMT_CASE:
			return "CASE";
		case PLPGSQL_STMT_LOOP:
			return "LOOP";
		case PLPGSQL_STMT_WHILE:
			return "WHILE";
		case PLPGSQL_STMT_FORI:
			return "FOR over integers";
		case PLPGSQL_STMT_FORS:
			return "FOR over a query";
		case PLPGSQL_STMT_FORC:
			return "FOR over a cursor";
		case PLPGSQL_STMT_DYNFORS:
			return "FOR over EXECUTE";
		case PLPGSQL_STMT_FOREACH_A:
			return "FOREACH";
		case PLPGSQL_STMT_EXIT:
			return "EXIT or CONTINUE";
		case PLPGSQL_STMT_RETURN:
			return "RETURN";
		case PLPGSQL_STMT_RETURN_NEXT:
			return "RETURN NEXT";
		case PLPGSQL_STMT_RETURN_QUERY:
			return "RETURN QUERY";
		case PLPGSQL_STMT_RAISE:
			return "RAISE";
		case PLPGSQL_STMT_ASSERT:
			return "ASSERT";
		case PLPGSQL_STMT_EXECSQL:
			return "SQL statement";
		case PLPGSQL_STMT_DYNEXECUTE:
			return "EXECUTE";
		case PLPGSQL_STMT_OPEN:
			return "OPEN";
		case PLPGSQL_STMT_FETCH:
			return "FETCH";
		case PLPGSQL_STMT_PERFORM:
			return "PERFORM";
		case PLPGSQL_STMT_CALL:
			return ((const PLpgSQL_stmt_call *) statement)->is_call ? "CALL" : "DO";
		default:
			return "statement";
	}
}

/* Is there an argument or a result whose type only a call can tell? */
static bool
is_polymorphic(Oid function)
{
	Oid		   *types;
	int			n_types;
	Oid			result = get_func_signature(function, &types, &n_types);
	bool		is_one = IsPolymorphicType(result);

	for (int i = 0; i < n_types; i++)
		is_one |= IsPolymorphicType(types[i]);
	return is_one;
}

/*
 * PL/pgSQL's own tree of a function.  It belongs to PL/pgSQL and may be gone
 * with the next invalidation.  Raises what its compiler raises.
 */
PLpgSQL_function *
statement_compile(Oid function)
{
	typedef PLpgSQL_function *(*Compiler) (FunctionCallInfo fcinfo, bool for_validator);
	static Compiler compiler = NULL;
	LOCAL_FCINFO(fcinfo, 0);
	FmgrInfo	info;

	if (compiler == NULL)
		compiler = (Compiler) load_external_function(PLPGSQL_LIBRARY, "plpgsql_compile", true, NULL);
	MemSet(fcinfo, 0, SizeForFunctionCallInfo(0));
	MemSet(&info, 0, sizeof(info));
	fcinfo->flinfo = &info;
	info.fn_oid = function;
	info.fn_mcxt = CurrentMemoryContext;
	/* its validator puts some type in the place of one that is not known */
	return compiler(fcinfo, is_polymorphic(function));
}

/* What PL/pgSQL knows of a type, for a variable of it. */
PLpgSQL_type *
statement_type(Oid type)
{
	typedef PLpgSQL_type *(*Builder) (Oid type, int32 typmod, Oid collation, TypeName *name);
	static Builder builder = NULL;

	if (builder == NULL)
		builder = (Builder) load_external_function(PLPGSQL_LIBRARY, "plpgsql_build_datatype", true, NULL);
	return builder(type, -1, InvalidOid, NULL);
}
