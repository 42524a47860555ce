/*
 * hitl_spy.c
 *    A second user of PL/pgSQL's plugin slot: it counts what it is told, fails on
 *    demand, and looks whether what it sees is the author's.  For tests only.
 *
 * It calls whoever was there before it, as plpgsql_check does.
 *
 * Settings: hitl_spy.fail_at names an event, hitl_spy.fail_in a function: the
 * first such event after fail_at was set, and after hitl_spy.skip others, is an
 * error.
 *
 * hitl_spy_seen() says what was seen, hitl_spy_strange() what must not be: a
 * statement whose number is none of the function's (profilers have arrays of
 * them), or a function that begins with another tree than it had before.
 */
#include "postgres.h"

#include "fmgr.h"
#include "plpgsql.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

PG_FUNCTION_INFO_V1(hitl_spy_seen);
PG_FUNCTION_INFO_V1(hitl_spy_strange);
PG_FUNCTION_INFO_V1(hitl_spy_forget);

#define MAX_SEEN 1000
#define MAX_FUNCTIONS 100

/* how often an event was seen; line 0: of the function */
typedef struct Seen
{
	Oid			function;
	const char *event;
	int			line;
	int			times;
} Seen;

/* a function as it was when it began first */
typedef struct Known
{
	PLpgSQL_function *function;
	PLpgSQL_stmt_block *action;
	int			n_datums;
} Known;

static Seen seen[MAX_SEEN];
static int	n_seen = 0;
static Known known[MAX_FUNCTIONS];
static int	n_known = 0;
static int	n_strange = 0;

static char *fail_at = NULL;
static char *fail_in = NULL;
static int	skip = 0;
static int	n_left = -1;		/* events until the one that fails; -1: none does */

static PLpgSQL_plugin *previous = NULL;

static void
note(const char *event, PLpgSQL_function *function, int line)
{
	int			i;

	for (i = 0; i < n_seen; i++)
		if (seen[i].function == function->fn_oid && seen[i].event == event && seen[i].line == line)
			break;
	if (i == n_seen && i < MAX_SEEN)
		n_seen++;
	if (i < n_seen)
	{
		seen[i].function = function->fn_oid;
		seen[i].event = event;
		seen[i].line = line;
		seen[i].times++;
	}
	if (n_left >= 0 && fail_at != NULL && fail_in != NULL && strcmp(event, fail_at) == 0 &&
		strstr(function->fn_signature, fail_in) != NULL && n_left-- == 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("the spy fails at %s", event)));
}

/* Is a function what it was? */
static void
compare(PLpgSQL_execstate *es, PLpgSQL_function *function)
{
	int			i;

	for (i = 0; i < n_known && known[i].function != function; i++)
		;
	if (i == MAX_FUNCTIONS)
		return;
	if (i == n_known)
	{
		known[n_known++].function = function;
		known[i].action = function->action;
		known[i].n_datums = function->ndatums;
	}
	if (known[i].action != function->action || known[i].n_datums != function->ndatums ||
		es->ndatums != function->ndatums)
		n_strange++;
}

static void
check(PLpgSQL_execstate *es, PLpgSQL_stmt *statement)
{
	if (statement->stmtid < 1 || statement->stmtid > es->func->nstatements)
		n_strange++;
}

static void
func_setup(PLpgSQL_execstate *es, PLpgSQL_function *function)
{
	compare(es, function);
	note("func_setup", function, 0);
	if (previous != NULL && previous->func_setup != NULL)
		previous->func_setup(es, function);
}

static void
func_beg(PLpgSQL_execstate *es, PLpgSQL_function *function)
{
	compare(es, function);
	if (previous != NULL && previous->func_beg != NULL)
		previous->func_beg(es, function);
	/* behind the others: one of them may have given the function another tree */
	note("func_beg", function, 0);
}

static void
func_end(PLpgSQL_execstate *es, PLpgSQL_function *function)
{
	note("func_end", function, 0);
	if (previous != NULL && previous->func_end != NULL)
		previous->func_end(es, function);
}

static void
stmt_beg(PLpgSQL_execstate *es, PLpgSQL_stmt *statement)
{
	check(es, statement);
	note("stmt_beg", es->func, statement->lineno);
	if (previous != NULL && previous->stmt_beg != NULL)
		previous->stmt_beg(es, statement);
}

static void
stmt_end(PLpgSQL_execstate *es, PLpgSQL_stmt *statement)
{
	check(es, statement);
	note("stmt_end", es->func, statement->lineno);
	if (previous != NULL && previous->stmt_end != NULL)
		previous->stmt_end(es, statement);
}

static PLpgSQL_plugin plugin = {
	.func_setup = func_setup,
	.func_beg = func_beg,
	.func_end = func_end,
	.stmt_beg = stmt_beg,
	.stmt_end = stmt_end
};

/* What was seen: "function event line times", one a line. */
Datum
hitl_spy_seen(PG_FUNCTION_ARGS)
{
	StringInfoData text;

	(void) fcinfo;
	initStringInfo(&text);
	for (int i = 0; i < n_seen; i++)
		appendStringInfo(&text, "%u %s %d %d\n", seen[i].function, seen[i].event, seen[i].line, seen[i].times);
	PG_RETURN_TEXT_P(cstring_to_text(text.data));
}

Datum
hitl_spy_strange(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_INT32(n_strange);
}

Datum
hitl_spy_forget(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	n_seen = n_known = n_strange = 0;
	memset(seen, 0, sizeof(seen));
	PG_RETURN_VOID();
}

static void
arm(const char *value, void *extra)
{
	(void) extra;
	n_left = value != NULL && value[0] != '\0' ? skip : -1;
}

void
_PG_init(void)
{
	PLpgSQL_plugin **place = (PLpgSQL_plugin **) find_rendezvous_variable("PLpgSQL_plugin");

	DefineCustomIntVariable("hitl_spy.skip", "Events that do not fail before the one that does.", NULL,
							&skip, 0, 0, INT_MAX, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("hitl_spy.fail_in", "The function in which it fails.", NULL,
							   &fail_in, "", PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("hitl_spy.fail_at", "The event at which it fails, once; set it last.", NULL,
							   &fail_at, "", PGC_USERSET, 0, NULL, arm, NULL);
	previous = *place;
	*place = &plugin;
}
