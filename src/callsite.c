/*
 * callsite.c
 *    The functions that an expression of PL/pgSQL calls.
 *
 * The text of the expression is parsed, and not analysed: that would need the
 * variables, which have types only in a call.  So a call is a name, and which
 * function it means can be said only where the name is not overloaded.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "callsite.h"
#include "catalog/namespace.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"

static bool
collect(Node *node, void *arg)
{
	CallSites  *sites = arg;

	if (node == NULL)
		return false;
	if (IsA(node, FuncCall))
		sites->calls = lappend(sites->calls, node);
	if (IsA(node, LockingClause))
		sites->locks_rows = true;
	if (IsA(node, InsertStmt) || IsA(node, UpdateStmt) || IsA(node, DeleteStmt) || IsA(node, MergeStmt))
		sites->is_select = false;
	return raw_expression_tree_walker(node, collect, arg);
}

/* SELECT f(...), and nothing else to it?  Returns the one thing selected. */
static ResTarget *
find_bare_target(SelectStmt *select)
{
	if (list_length(select->targetList) != 1 || select->distinctClause != NIL || select->intoClause != NULL ||
		select->fromClause != NIL || select->whereClause != NULL || select->groupClause != NIL ||
		select->havingClause != NULL || select->windowClause != NIL || select->valuesLists != NIL ||
		select->sortClause != NIL || select->limitOffset != NULL || select->limitCount != NULL ||
		select->lockingClause != NIL || select->withClause != NULL || select->op != SETOP_NONE)
		return NULL;
	return linitial(select->targetList);
}

static bool
is_plain_call(const Node *node)
{
	const FuncCall *call = (const FuncCall *) node;

	return node != NULL && IsA(node, FuncCall) && call->agg_order == NIL && call->agg_filter == NULL &&
		call->over == NULL && !call->agg_within_group && !call->agg_star && !call->agg_distinct;
}

/*
 * An expression as text that can stand within another one: as it is, where it is
 * no more of a query than that; a literal without a type is a text.
 */
char *
callsite_as_value(const PLpgSQL_expr *expression)
{
	List	   *parsed = raw_parser(expression->query, expression->parseMode);
	Node	   *statement = linitial_node(RawStmt, parsed)->stmt;
	ResTarget  *target = IsA(statement, SelectStmt) ? find_bare_target((SelectStmt *) statement) : NULL;
	const char *format = "%s\n";

	if (target == NULL || target->name != NULL ||
		(IsA(target->val, ColumnRef) && IsA(llast(((ColumnRef *) target->val)->fields), A_Star)))
		format = "(SELECT %s\n)";
	else if (IsA(target->val, A_Const))
		format = "COALESCE(%s\n)";
	return psprintf(format, expression->query);
}

/* Raises what the parser raises. */
CallSites
callsite_find(const PLpgSQL_expr *expression)
{
	CallSites	sites = {.is_select = true};
	List	   *parsed = raw_parser(expression->query, expression->parseMode);
	Node	   *statement = list_length(parsed) == 1 ? linitial_node(RawStmt, parsed)->stmt : NULL;
	ResTarget  *target = NULL;

	if (statement == NULL)
		return sites;
	if (IsA(statement, PLAssignStmt))
		target = find_bare_target(((PLAssignStmt *) statement)->val);
	else if (IsA(statement, SelectStmt))
		target = find_bare_target((SelectStmt *) statement);
	else if (!IsA(statement, InsertStmt) && !IsA(statement, UpdateStmt) &&
			 !IsA(statement, DeleteStmt) && !IsA(statement, MergeStmt))
	{
		/* a utility command: the walker does not know them */
		sites.is_select = false;
		return sites;
	}
	(void) collect(statement, &sites);
	if (target != NULL && target->location >= 0 && is_plain_call(target->val))
	{
		sites.whole = (FuncCall *) target->val;
		sites.at = target->location;
	}
	return sites;
}

/* how often a function is called */
typedef struct CallCount
{
	Oid			function;
	int			n_calls;
} CallCount;

static bool
count_if_called(Oid function, void *arg)
{
	CallCount  *count = arg;

	if (function == count->function)
		count->n_calls++;
	return false;
}

static bool
count_calls(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, count_if_called, arg);
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, count_calls, arg, 0);
	return expression_tree_walker(node, count_calls, arg);
}

/*
 * In how many places do expressions or Querys, analysed and rewritten, call a
 * function?  Views and defaults of arguments are in them, and not in the text.
 */
int
callsite_count_calls(List *expressions, Oid function)
{
	CallCount	count = {.function = function};

	(void) count_calls((Node *) expressions, &count);
	return count.n_calls;
}

/* The functions that a call may mean, by its name, in the path that is in force. */
List *
callsite_candidates(const FuncCall *call)
{
	List	   *functions = NIL;

	for (FuncCandidateList candidate = FuncnameGetCandidates(call->funcname, -1, NIL, false, false, false, true);
		 candidate != NULL; candidate = candidate->next)
		functions = lappend_oid(functions, candidate->oid);
	return functions;
}
