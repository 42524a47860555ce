/*
 * program.c
 *    A PL/pgSQL function as continue mode sees it: where it can pause.
 *
 * A pause leaves the function by a RETURN behind a statement that does nothing
 * but ask (x := hitl.interrupt(...)), or nothing but call a function that does
 * (x := ask_finance(...)).  Anywhere else, inside an expression or a query, there
 * is no place to go on from.  Here all such places of a function are found, and
 * of each is said whether it can be gone on from, and if not, why and what to
 * write instead.
 *
 * A statement is named by its path through the blocks, "body/3/then/0": PL/pgSQL's
 * own number for it changes with the server.
 *
 * What is found is kept for the life of the process, until some function
 * changes: what a function calls decides, too.
 *
 * Layer 3.  Memory: "hitl programs", for the process, and "hitl retired
 * programs", until the next run begins.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "callsite.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "code.h"
#include "commands/proclang.h"
#include "compat.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "program.h"
#include "statement.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* of a fingerprint, in hexadecimal */
#define PRINT_BYTES 16

/* functions that call functions; a chain that long is a loop that we missed */
#define MAX_DEPTH 50

/* a function that is being looked at */
typedef struct Analysis
{
	struct Analysis *outer;
	Oid			function;
	bool		asks;			/* taken as one that may pause when it calls itself */
	bool		was_met;		/* ... which it does */
	bool		is_provisional; /* it calls one further out, of which is not
								 * known yet whether that may pause */
} Analysis;

/* a walk over one function */
typedef struct Walk
{
	Program    *program;
	PLpgSQL_function *compiled;
	List	   *around;			/* the statements around, innermost last */
	List	   *lists;			/* and in which of their lists, StatementList */
} Walk;

/* what the names in it mean is said by the path and by who looks */
typedef struct ProgramKey
{
	Oid			function;
	Oid			role;
	uint32		path_hash;
} ProgramKey;

typedef struct ProgramEntry
{
	ProgramKey	key;
	Program    *program;
} ProgramEntry;

static Analysis *current_analysis = NULL;
static MemoryContext program_context = NULL;
static MemoryContext retired_context = NULL;	/* of older ones, which a run may use */
static HTAB *program_table = NULL;
static bool is_stale = false;

static Program *analyse(Oid function, bool *is_provisional);

/* ------------------------------------------------------------- functions called */

/* Is it one of hitl's functions that ask? */
static bool
is_interrupt(Oid function)
{
	char	   *schema = get_namespace_name(get_func_namespace(function));
	char	   *name = get_func_name(function);

	return schema != NULL && name != NULL && strcmp(schema, "hitl") == 0 && strcmp(name, "interrupt") == 0;
}

static char *
get_body(HeapTuple tuple)
{
	bool		is_null;
	Datum		body = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &is_null);

	return is_null ? pstrdup("") : TextDatumGetCString(body);
}

/* what calling a function may do */
typedef enum Callee
{
	CALLEE_HARMLESS,
	CALLEE_ASKS,				/* hitl.interrupt() */
	CALLEE_MAY_PAUSE,
	CALLEE_LOST					/* it may ask, and cannot be gone on with */
} Callee;

static Callee
judge_callee(Oid function)
{
	HeapTuple	tuple;
	Callee		callee = CALLEE_HARMLESS;
	Oid			plpgsql = get_language_oid("plpgsql", true);
	Form_pg_proc row;

	if (is_interrupt(function))
		return CALLEE_ASKS;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return CALLEE_HARMLESS;
	row = (Form_pg_proc) GETSTRUCT(tuple);
	if (row->prolang == plpgsql && row->prorettype != TRIGGEROID && row->prorettype != EVENT_TRIGGEROID)
	{
		for (Analysis *analysis = current_analysis; analysis != NULL; analysis = analysis->outer)
			if (analysis->function == function)
			{
				analysis->was_met = true;
				for (Analysis *inner = current_analysis; inner != analysis; inner = inner->outer)
					inner->is_provisional = true;
				ReleaseSysCache(tuple);
				return analysis->asks ? CALLEE_MAY_PAUSE : CALLEE_HARMLESS;
			}
		ReleaseSysCache(tuple);
		return program_get(function)->findings != NIL ? CALLEE_MAY_PAUSE : CALLEE_HARMLESS;
	}
	/* the text of another language: what it says outright is seen */
	if (row->prolang != INTERNALlanguageId && row->prolang != ClanguageId &&
		strstr(get_body(tuple), "hitl.interrupt") != NULL)
		callee = CALLEE_LOST;
	ReleaseSysCache(tuple);
	return callee;
}

/* Why can a function not be gone on with when it has paused for its caller? */
static char *
callee_fault(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc row;
	char	   *fault = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "hitl has lost function %u", function);
	row = (Form_pg_proc) GETSTRUCT(tuple);
	if (row->prokind != PROKIND_FUNCTION)
		fault = pstrdup("it is a procedure");
	else if (row->proretset)
		fault = pstrdup("it returns a set");
	else if (get_typtype(row->prorettype) == TYPTYPE_DOMAIN)
		fault = pstrdup("it returns a domain, which a pause would have to be a value of");
	else if (get_typtype(row->prorettype) == TYPTYPE_PSEUDO &&
			 row->prorettype != VOIDOID && row->prorettype != RECORDOID)
		fault = pstrdup("its result type is polymorphic");
	for (int i = 0; fault == NULL && i < row->pronargs; i++)
		if (get_typtype(row->proargtypes.values[i]) == TYPTYPE_PSEUDO)
			fault = pstrdup("it has a polymorphic argument");
	ReleaseSysCache(tuple);
	return fault;
}

/* ------------------------------------------------------------------- findings */

static void
add_finding(Walk *walk, int line, const char *statement, char *reason, char *advice, int split_line)
{
	ProgramFinding *finding = palloc(sizeof(ProgramFinding));

	finding->signature = walk->program->signature;
	finding->line = line;
	finding->statement = statement;
	finding->reason = reason;
	finding->advice = advice;
	finding->split_line = split_line;
	walk->program->findings = lappend(walk->program->findings, finding);
}

static char *
rewrite_advice(const PLpgSQL_stmt *statement, const char *call)
{
	if (statement == NULL)
		return psprintf("declare it without a value, and begin the body with x := %s(...);", call);
	switch (statement->cmd_type)
	{
		case PLPGSQL_STMT_CALL:
			return pstrdup("make it a function that returns what the procedure has in its arguments, and call that by x := ...;");
		case PLPGSQL_STMT_DYNEXECUTE:
		case PLPGSQL_STMT_EXECSQL:
			return psprintf("x := %s(...); as a statement of its own, and use x in the query", call);
		default:
			return psprintf("x := %s(...); as a statement of its own in front, and use x here", call);
	}
}

/* ------------------------------------------------------------------ the walk */

static char *
print_statement(const PLpgSQL_stmt *statement)
{
	StringInfoData print;
	List	   *expressions = statement_expressions(unconstify(PLpgSQL_stmt *, statement));
	ListCell   *cell;

	initStringInfo(&print);
	appendStringInfoString(&print, statement_name(statement));
	foreach(cell, expressions)
		appendStringInfo(&print, "\n%s", ((PLpgSQL_expr *) lfirst(cell))->query);
	return print.data;
}

/*
 * Why can a query loop around a pause not be gone on with?  By names only: the
 * query is looked at again when it runs (program_query_fault()).
 */
static char *
query_loop_fault(const PLpgSQL_expr *query)
{
	CallSites	sites = callsite_find(query);
	ListCell   *cell;

	if (!sites.is_select)
		return NULL;			/* its rows are all there before the first is looked at */
	if (sites.locks_rows)
		return pstrdup("the query locks its rows (FOR UPDATE and the like), and a pause lets the locks go");
	foreach(cell, sites.calls)
	{
		List	   *candidates = callsite_candidates(lfirst(cell));
		bool		is_volatile = candidates != NIL;
		ListCell   *candidate;

		foreach(candidate, candidates)
			is_volatile &= func_volatile(lfirst_oid(candidate)) == PROVOLATILE_VOLATILE;
		if (is_volatile)
			return psprintf("the query calls %s(), which is volatile: a pause would have it called for all rows that are left",
							get_func_name(linitial_oid(candidates)));
	}
	return NULL;
}

/* What around a site keeps it from being gone on from?  NULL: nothing. */
static char *
surroundings_fault(const Walk *walk, char **advice)
{
	ListCell   *cell;

	foreach(cell, walk->around)
	{
		PLpgSQL_stmt *around = lfirst(cell);
		char	   *fault = NULL;

		if (around->cmd_type == PLPGSQL_STMT_FORC)
		{
			*advice = psprintf("FOR r IN SELECT ... LOOP in line %d", around->lineno);
			return psprintf("the loop in line %d is over a cursor, which a pause closes", around->lineno);
		}
		if (around->cmd_type == PLPGSQL_STMT_FORS)
			fault = query_loop_fault(((PLpgSQL_stmt_fors *) around)->query);
		if (fault != NULL)
		{
			*advice = psprintf("collect the rows first (x := ARRAY(SELECT ...)), and write FOREACH ... IN ARRAY x LOOP in line %d", around->lineno);
			return psprintf("of the loop in line %d: %s", around->lineno, fault);
		}
	}
	return NULL;
}

/* A block with handlers whose body the site is in; NULL: none. */
static const PLpgSQL_stmt *
find_split_block(const Walk *walk)
{
	ListCell   *cell;
	ListCell   *list;

	forboth(cell, walk->around, list, walk->lists)
	{
		PLpgSQL_stmt *around = lfirst(cell);

		if (around->cmd_type == PLPGSQL_STMT_BLOCK && ((PLpgSQL_stmt_block *) around)->exceptions != NULL &&
			((StatementList *) lfirst(list))->handler < 0)
			return around;
	}
	return NULL;
}

/* Can a statement be a site? */
static bool
is_bare_call(const PLpgSQL_stmt *statement, const CallSites *sites, const FuncCall *call)
{
	if (sites->whole != call || statement == NULL)
		return false;
	return statement->cmd_type == PLPGSQL_STMT_ASSIGN || statement->cmd_type == PLPGSQL_STMT_PERFORM ||
		statement->cmd_type == PLPGSQL_STMT_RETURN ||
		(statement->cmd_type == PLPGSQL_STMT_EXECSQL && ((const PLpgSQL_stmt_execsql *) statement)->into);
}

/* An expression that may pause: is it a place to go on from?  Says so. */
static void
judge_site(Walk *walk, PLpgSQL_stmt *statement, int line, const CallSites *sites,
		    FuncCall *call, Callee callee, List *candidates)
{
	ProgramStatement *entry = statement != NULL ? &walk->program->statements[statement->stmtid] : NULL;
	char	   *name = NameListToString(call->funcname);
	const char *statement_text = statement != NULL ? statement_name(statement) : "declaration";
	char	   *fault = NULL;
	char	   *advice = NULL;
	const PLpgSQL_stmt *block;

	if (callee == CALLEE_LOST)
	{
		fault = psprintf("%s() asks, and is not written in PL/pgSQL", name);
		advice = pstrdup("write it in PL/pgSQL, or take suspend => 'replay'");
	}
	else if (callee == CALLEE_MAY_PAUSE && list_length(candidates) > 1)
	{
		fault = psprintf("there are %d functions %s(), and which one is meant is not known before it is called", list_length(candidates), name);
		advice = pstrdup("give the one that asks a name of its own");
	}
	else if (!is_bare_call(statement, sites, call))
	{
		fault = psprintf("%s() is only a part of this %s: behind it there is no place to go on from", name, statement_text);
		advice = rewrite_advice(statement, name);
	}
	else if (callee == CALLEE_MAY_PAUSE && (fault = callee_fault(linitial_oid(candidates))) != NULL)
	{
		fault = psprintf("%s() asks, and %s", name, fault);
		advice = pstrdup("make it a function with one plain result");
	}
	else if (callee == CALLEE_MAY_PAUSE && statement->cmd_type != PLPGSQL_STMT_PERFORM &&
			 get_func_rettype(linitial_oid(candidates)) == VOIDOID)
	{
		fault = psprintf("%s() returns void", name);
		advice = psprintf("PERFORM %s(...);", name);
	}
	else if (walk->compiled->fn_retset)
	{
		fault = pstrdup("the function returns a set");
		advice = pstrdup("ask in a function that returns one value");
	}
	else
		fault = surroundings_fault(walk, &advice);

	if (fault == NULL)
	{
		entry->site = callee == CALLEE_ASKS ? PROGRAM_ASKS : PROGRAM_CALLS;
		entry->callee = callee == CALLEE_ASKS ? InvalidOid : linitial_oid(candidates);
		walk->program->n_sites++;
		if (callee == CALLEE_MAY_PAUSE)
			walk->program->callees = list_append_unique_oid(walk->program->callees, entry->callee);
	}
	block = find_split_block(walk);
	add_finding(walk, line, statement_text, fault, advice, block != NULL ? block->lineno : 0);
}

/* statement: NULL in a declaration */
static void
walk_expression(Walk *walk, PLpgSQL_stmt *statement, int line, PLpgSQL_expr *expression)
{
	CallSites	sites = callsite_find(expression);
	ListCell   *cell;

	foreach(cell, sites.calls)
	{
		FuncCall   *call = lfirst(cell);
		List	   *candidates = callsite_candidates(call);
		Callee		worst = CALLEE_HARMLESS;
		ListCell   *candidate;

		if (is_bare_call(statement, &sites, call))
		{
			walk->program->statements[statement->stmtid].is_call = true;
			walk->program->statements[statement->stmtid].call_at = sites.at;
		}
		foreach(candidate, candidates)
			worst = Max(worst, judge_callee(lfirst_oid(candidate)));
		if (worst != CALLEE_HARMLESS)
			judge_site(walk, statement, line, &sites, call, worst, candidates);
	}
}

static void
mark_around(Walk *walk)
{
	ListCell   *cell;

	foreach(cell, walk->around)
		walk->program->statements[((PLpgSQL_stmt *) lfirst(cell))->stmtid].holds_site = true;
}

/* The variables that a block declares: what may pause has no place there. */
static void
walk_declarations(Walk *walk, const PLpgSQL_stmt_block *block)
{
	for (int i = 0; i < block->n_initvars; i++)
	{
		PLpgSQL_variable *variable = (PLpgSQL_variable *) walk->compiled->datums[block->initvarnos[i]];

		if (variable->default_val != NULL)
			walk_expression(walk, NULL, variable->lineno, variable->default_val);
	}
}

static void walk_list(Walk *walk, StatementList *list, int parent, int number, const char *path);

static void
walk_statement(Walk *walk, PLpgSQL_stmt *statement, int parent, int list, int position, const char *path)
{
	ProgramStatement *entry = &walk->program->statements[statement->stmtid];
	ListCell   *cell;
	int			number = 0;

	entry->parent = parent;
	entry->list = list;
	entry->position = position;
	entry->path = pstrdup(path);
	entry->print = print_statement(statement);
	if (statement->cmd_type == PLPGSQL_STMT_BLOCK)
		walk_declarations(walk, (PLpgSQL_stmt_block *) statement);
	foreach(cell, statement_expressions(statement))
		walk_expression(walk, statement, statement->lineno, lfirst(cell));
	entry->holds_site |= entry->site != PROGRAM_NO_SITE;
	if (entry->holds_site)
		mark_around(walk);

	walk->around = lappend(walk->around, statement);
	foreach(cell, statement_lists(statement))
	{
		walk->lists = lappend(walk->lists, lfirst(cell));
		walk_list(walk, lfirst(cell), statement->stmtid, number++, path);
		walk->lists = list_delete_last(walk->lists);
	}
	walk->around = list_delete_last(walk->around);
}

static void
walk_list(Walk *walk, StatementList *list, int parent, int number, const char *path)
{
	ListCell   *cell;
	int			position = 0;

	foreach(cell, *list->list)
	{
		char	   *name = psprintf("%s%s%s/%d", path, path[0] != '\0' ? "/" : "", list->branch, position);

		walk_statement(walk, lfirst(cell), parent, number, position++, name);
	}
}

/* ---------------------------------------------------------------- programs */

/* The search_path among settings "name=value"; NULL: none. */
static char *
find_search_path(ArrayType *settings)
{
	static const char prefix[] = "search_path=";
	Datum	   *values;
	int			n_values;
	char	   *path = NULL;

	deconstruct_array(settings, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n_values);
	for (int i = 0; i < n_values; i++)
	{
		char	   *setting = TextDatumGetCString(values[i]);

		if (strncmp(setting, prefix, sizeof(prefix) - 1) == 0)
			path = setting + sizeof(prefix) - 1;
	}
	return path;
}

/*
 * A function that sets a search_path of its own is read under that.  Its other
 * settings do not matter here, and it may be somebody else's.
 */
static void
apply_search_path(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		is_null;
	Datum		settings;
	char	   *path = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "hitl has lost function %u", function);
	settings = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &is_null);
	if (!is_null)
		path = find_search_path(DatumGetArrayTypeP(settings));
	ReleaseSysCache(tuple);
	if (path != NULL)
		(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

static Program *
walk_function(Oid function)
{
	Walk		walk = {0};
	StatementList root = {.branch = "", .handler = -1};
	Program    *program = palloc0(sizeof(Program));
	int			level = NewGUCNestLevel();

	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	program->signature = format_procedure_qualified(function);
	program->function = function;
	program->code_hash = pstrdup(code_hash(function));
	apply_search_path(function);
	walk.program = program;
	walk.compiled = statement_compile(function);
	program->xmin = COMPAT_PLPGSQL_XMIN(walk.compiled);
	program->n_statements = walk.compiled->nstatements;
	program->statements = palloc0(sizeof(ProgramStatement) * (program->n_statements + 1));
	root.list = NULL;
	walk_statement(&walk, (PLpgSQL_stmt *) walk.compiled->action, 0, 0, 0, root.branch);
	AtEOXact_GUC(true, level);
	return program;
}

static bool
is_definer(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		is_definer = HeapTupleIsValid(tuple) && ((Form_pg_proc) GETSTRUCT(tuple))->prosecdef;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return is_definer;
}

/*
 * Look at a function, in the current context.  *is_provisional: it calls one
 * that is being looked at further out, so what was found may change.
 */
static Program *
analyse(Oid function, bool *is_provisional)
{
	Analysis	analysis = {.outer = current_analysis, .function = function};
	Program    *volatile program = NULL;
	int			depth = 0;
	Oid			role;
	int			security;

	for (Analysis *outer = current_analysis; outer != NULL; outer = outer->outer)
		depth++;
	if (depth > MAX_DEPTH)
		ereport(ERROR,
				(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
				 errmsg("functions that ask call each other more than %d deep", MAX_DEPTH),
				 errdetail("Function %s would be one too many.", format_procedure_qualified(function)),
				 errhint("Ask in functions nearer to the node.")));
	GetUserIdAndSecContext(&role, &security);
	PG_TRY();
	{
		current_analysis = &analysis;
		/* one with SECURITY DEFINER names what its owner may see; none of it is run */
		if (is_definer(function))
			SetUserIdAndSecContext(code_owner(function), security | SECURITY_LOCAL_USERID_CHANGE);
		program = walk_function(function);
		/* it asks, and calls itself: so those calls may pause as well */
		if (analysis.was_met && program->findings != NIL)
		{
			analysis.asks = true;
			program = walk_function(function);
		}
	}
	PG_FINALLY();
	{
		SetUserIdAndSecContext(role, security);
		current_analysis = analysis.outer;
	}
	PG_END_TRY();
	*is_provisional = analysis.is_provisional;
	return program;
}

static void
forget(Datum arg pg_attribute_unused(), int cache pg_attribute_unused(), uint32 hash pg_attribute_unused())
{
	is_stale = true;
}

static void
create_table(void)
{
	HASHCTL		control = {.keysize = sizeof(ProgramKey), .entrysize = sizeof(ProgramEntry)};

	if (program_context == NULL)
	{
		CacheRegisterSyscacheCallback(PROCOID, forget, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, forget, (Datum) 0);
		retired_context = AllocSetContextCreate(TopMemoryContext, "hitl retired programs", ALLOCSET_SMALL_SIZES);
	}
	else
		MemoryContextSetParent(program_context, retired_context);
	program_context = AllocSetContextCreate(TopMemoryContext, "hitl programs", ALLOCSET_DEFAULT_SIZES);
	control.hcxt = program_context;
	program_table = hash_create("hitl programs", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	is_stale = false;
}

/* Copy what is kept of a program. */
static Program *
copy_program(const Program *program)
{
	Program    *copy = palloc(sizeof(Program));
	ListCell   *cell;

	*copy = *program;
	copy->signature = pstrdup(program->signature);
	copy->code_hash = pstrdup(program->code_hash);
	copy->callees = list_copy(program->callees);
	copy->statements = palloc(sizeof(ProgramStatement) * (program->n_statements + 1));
	memcpy(copy->statements, program->statements, sizeof(ProgramStatement) * (program->n_statements + 1));
	for (int i = 1; i <= program->n_statements; i++)
		if (copy->statements[i].path != NULL)
		{
			copy->statements[i].path = pstrdup(program->statements[i].path);
			copy->statements[i].print = pstrdup(program->statements[i].print);
		}
	copy->findings = NIL;
	foreach(cell, program->findings)
	{
		ProgramFinding *finding = palloc(sizeof(ProgramFinding));

		*finding = *(ProgramFinding *) lfirst(cell);
		finding->signature = copy->signature;
		finding->reason = finding->reason != NULL ? pstrdup(finding->reason) : NULL;
		finding->advice = finding->advice != NULL ? pstrdup(finding->advice) : NULL;
		copy->findings = lappend(copy->findings, finding);
	}
	return copy;
}

/* Nobody uses a program any more that he got before. */
void
program_free_retired(void)
{
	if (retired_context != NULL)
		MemoryContextDeleteChildren(retired_context);
}

/*
 * A function as continue mode sees it, in the search_path that is in force.  It
 * lives until program_free_retired().  Raises what the compiler of PL/pgSQL
 * raises.
 */
const Program *
program_get(Oid function)
{
	ProgramKey	key = {
		.function = function,
		.role = GetUserId(),
		.path_hash = DatumGetUInt32(hash_any((const unsigned char *) namespace_search_path, strlen(namespace_search_path)))
	};
	ProgramEntry *entry;
	MemoryContext scratch;
	MemoryContext old;
	Program    *program;
	bool		is_provisional;

	/* inside of an analysis what was found so far is still being read */
	if (program_table == NULL || (is_stale && current_analysis == NULL))
		create_table();
	entry = hash_search(program_table, &key, HASH_FIND, NULL);
	if (entry != NULL && !is_stale)
		return entry->program;
	scratch = AllocSetContextCreate(CurrentMemoryContext, "hitl program", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	program = analyse(function, &is_provisional);
	MemoryContextSwitchTo(is_provisional || is_stale ? old : program_context);
	program = copy_program(program);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	if (!is_provisional && !is_stale)
	{
		entry = hash_search(program_table, &key, HASH_ENTER, NULL);
		entry->program = program;
	}
	return program;
}

/*
 * All places where a function, and what it calls from such places, may pause:
 * ProgramFindings.  *callees, if wanted: those that it calls, as OIDs.
 */
List *
program_findings(Oid function, List **callees)
{
	List	   *functions = list_make1_oid(function);
	List	   *findings = NIL;
	ListCell   *cell;

	/* the list grows while it is read */
	for (int i = 0; i < list_length(functions); i++)
	{
		const Program *program = program_get(list_nth_oid(functions, i));

		findings = list_concat_copy(findings, program->findings);
		foreach(cell, program->callees)
			functions = list_append_unique_oid(functions, lfirst_oid(cell));
	}
	if (callees != NULL)
		*callees = list_delete_first(functions);
	return findings;
}

/* The statement of a path; 0: there is none. */
int
program_find(const Program *program, const char *path)
{
	for (int i = 1; i <= program->n_statements; i++)
		if (program->statements[i].path != NULL && strcmp(program->statements[i].path, path) == 0)
			return i;
	return 0;
}

/* What a statement and those around it say, as a hash. */
char *
program_fingerprint(const Program *program, int statement)
{
	StringInfoData text;
	bytea	   *bytes;
	bytea	   *hash;
	char	   *print = palloc(2 * PRINT_BYTES + 1);

	initStringInfo(&text);
	for (int at = statement; at != 0; at = program->statements[at].parent)
		appendStringInfo(&text, "%s\n", program->statements[at].print);
	bytes = (bytea *) cstring_to_text_with_len(text.data, text.len);
	hash = DatumGetByteaPP(DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes)));
	hex_encode(VARDATA_ANY(hash), PRINT_BYTES, print);
	print[2 * PRINT_BYTES] = '\0';
	return print;
}

/* Why can a query loop not be gone on with, now that its query is analysed? */
char *
program_query_fault(Query *query)
{
	if (query->rowMarks != NIL)
		return pstrdup("its query locks the rows, and a pause lets the locks go");
	if (contain_volatile_functions((Node *) query))
		return pstrdup("its query calls a volatile function, and a pause would have it called for all rows that are left");
	return NULL;
}
