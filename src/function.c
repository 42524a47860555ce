/*
 * function.c
 *    A function that a graph names: find it, judge it, have it to call.
 *
 * It is kept as text, qualified, with its owner and a hash of its code: a
 * regprocedure column would stop pg_upgrade.  It is looked up by the whole
 * signature, so nobody can put another function in its place by a schema
 * earlier in some path; a function of another owner, or with other code, under
 * the same signature is refused when the node runs.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "code.h"
#include "compat.h"
#include "errors.h"
#include "function.h"
#include "lifecycle.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "rights.h"
#include "subxact.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* a search by signature, and what it found */
typedef struct Search
{
	const char *signature;
	Oid			function;
} Search;

static bool
search(void *arg)
{
	Search	   *search = arg;

	search->function = DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(search->signature)));
	return true;
}

/*
 * Find a function by a signature as an author writes it.  InvalidOid and the
 * reason when there is none; a signature that cannot be read is a reason too,
 * so that compile() can go on and report the rest.
 */
static Oid
find_function(const char *signature, char **reason)
{
	Search		found = {.signature = signature};
	ErrorData  *error = subxact_run(search, &found);

	if (error != NULL && !lifecycle_error_is_fault(error->sqlerrcode))
		ReThrowError(error);
	*reason = error != NULL ? error->message : NULL;
	return error != NULL ? InvalidOid : found.function;
}

/* Not one that takes its arguments WITHIN GROUP. */
static bool
is_plain_aggregate(Form_pg_proc row)
{
	HeapTuple	tuple;
	bool		is_plain;

	if (row->prokind != PROKIND_AGGREGATE)
		return false;
	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(row->oid));
	is_plain = HeapTupleIsValid(tuple) &&
		((Form_pg_aggregate) GETSTRUCT(tuple))->aggkind == AGGKIND_NORMAL;
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return is_plain;
}

/* Has the function the shape that its place asks for?  NULL, or what is asked. */
static const char *
shape_fault(Form_pg_proc row, HitlFunctionKind kind)
{
	bool		is_aggregate = kind == HITL_FUNCTION_REDUCER && is_plain_aggregate(row);
	int			n_args = kind == HITL_FUNCTION_REDUCER && !is_aggregate ? 2 : 1;
	bool		fits = (is_aggregate || row->prokind == PROKIND_FUNCTION) && !row->proretset &&
		row->pronargs == n_args;

	for (int i = 0; fits && i < n_args; i++)
		fits = row->proargtypes.values[i] == JSONBOID;
	switch (kind)
	{
		case HITL_FUNCTION_HANDLER:
			return fits && row->prorettype == JSONBOID ? NULL
				: "it is not a function f(state jsonb) returns jsonb";
		case HITL_FUNCTION_ROUTER:
			return fits && (row->prorettype == TEXTOID || row->prorettype == TEXTARRAYOID ||
							row->prorettype == JSONBOID || row->prorettype == JSONBARRAYOID) ? NULL
				: "it is not a function f(state jsonb) returns text, text[], jsonb or jsonb[]";
		case HITL_FUNCTION_REDUCER:
			return fits && row->prorettype == JSONBOID ? NULL
				: "it is no reducer of hitl's, nor a function f(current jsonb, update jsonb) or an aggregate f(jsonb) that returns jsonb";
		case HITL_FUNCTION_STEP:
			return fits && row->prorettype == JSONBOID ? NULL
				: "it is not a function f(args jsonb) returns jsonb";
	}
	return NULL;
}

/*
 * A superuser's graph: what of an aggregate would be run as him, and belongs to
 * somebody who is none?  NULL: nothing.  Its state's type is read by the type's
 * own code: a domain's.
 */
static char *
aggregate_fault(Oid aggregate)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggregate));
	Form_pg_aggregate row;
	Oid			functions[CODE_AGGREGATE_FUNCTIONS];
	HeapTuple	type;
	char	   *fault = NULL;

	if (!HeapTupleIsValid(tuple))
		return pstrdup("the function does not exist");
	row = (Form_pg_aggregate) GETSTRUCT(tuple);
	code_aggregate_functions(row, functions);
	for (int i = 0; fault == NULL && i < CODE_AGGREGATE_FUNCTIONS; i++)
	{
		Oid			owner = OidIsValid(functions[i]) ? code_owner(functions[i]) : InvalidOid;

		if (OidIsValid(functions[i]) && !superuser_arg(owner))
			fault = psprintf("the graph belongs to a superuser and function %s of the aggregate to \"%s\", who is none",
							 format_procedure_qualified(functions[i]), rights_role_name(owner));
	}
	type = SearchSysCache1(TYPEOID, ObjectIdGetDatum(row->aggtranstype));
	if (fault == NULL && HeapTupleIsValid(type) && !superuser_arg(((Form_pg_type) GETSTRUCT(type))->typowner))
		fault = psprintf("the graph belongs to a superuser and type %s of the aggregate to \"%s\", who is none",
						 format_type_be_qualified(row->aggtranstype),
						 rights_role_name(((Form_pg_type) GETSTRUCT(type))->typowner));
	if (HeapTupleIsValid(type))
		ReleaseSysCache(type);
	ReleaseSysCache(tuple);
	return fault;
}

/*
 * What keeps a function from its place in a graph of this owner?  NULL when
 * nothing does.  Asked at compile and before every run.  is_shadow: nobody has
 * a right on the schema of copies.
 */
static char *
function_fault(Oid function, HitlFunctionKind kind, Oid owner, bool is_shadow, Oid *function_owner)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc row;
	const char *shape;
	char	   *fault = NULL;

	if (!HeapTupleIsValid(tuple))
		return pstrdup("the function does not exist");
	row = (Form_pg_proc) GETSTRUCT(tuple);
	*function_owner = row->proowner;

	shape = shape_fault(row, kind);
	if (shape != NULL)
		fault = pstrdup(shape);
	else if (compat_function_aclcheck(function, owner, ACL_EXECUTE) != ACLCHECK_OK)
		fault = psprintf("role \"%s\", the owner of the graph, may not execute it",
						 GetUserNameFromId(owner, false));
	else if (!is_shadow && compat_schema_aclcheck(row->pronamespace, owner, ACL_USAGE) != ACLCHECK_OK)
		fault = psprintf("role \"%s\", the owner of the graph, has no USAGE on its schema",
						 GetUserNameFromId(owner, false));
	else if (superuser_arg(owner) && !superuser_arg(row->proowner))
		fault = psprintf("the graph belongs to a superuser and the function to \"%s\", who is none",
						 GetUserNameFromId(row->proowner, false));
	else if (superuser_arg(owner) && row->prokind == PROKIND_AGGREGATE)
		fault = aggregate_fault(function);
	ReleaseSysCache(tuple);
	return fault;
}

/* Does a name as an author writes it say its arguments?  A quoted name may hold
 * parentheses of its own. */
static bool
has_arguments(const char *name)
{
	bool		is_quoted = false;

	for (const char *p = name; *p != '\0'; p++)
	{
		if (*p == '"')
			is_quoted = !is_quoted;
		else if (*p == '(' && !is_quoted)
			return true;
	}
	return false;
}

/*
 * The same for a name whose arguments may be left out: those of its place.  A
 * reducer is a function of two before it is an aggregate of one.
 */
static Oid
find_named(const char *name, HitlFunctionKind kind, char **reason)
{
	Oid			function;
	char	   *second_reason;

	if (has_arguments(name))
		return find_function(name, reason);
	if (kind != HITL_FUNCTION_REDUCER)
		return find_function(psprintf("%s(pg_catalog.jsonb)", name), reason);
	function = find_function(psprintf("%s(pg_catalog.jsonb, pg_catalog.jsonb)", name), reason);
	if (*reason != NULL)
	{
		Oid			aggregate = find_function(psprintf("%s(pg_catalog.jsonb)", name), &second_reason);

		if (second_reason == NULL)
		{
			*reason = NULL;
			function = aggregate;
		}
	}
	return function;
}

/* Resolve a function of a draft in place; notes it, or its fault. */
void
function_resolve(const HitlGraphVersion *graph, HitlFunction *function, HitlFunctionKind kind,
				 const char *what, List **functions, List **faults)
{
	char	   *fault;
	Oid			oid;

	if (function->signature == NULL)
		return;					/* a fault of the document, noted already */
	oid = find_named(function->signature, kind, &fault);
	if (fault == NULL)
		fault = function_fault(oid, kind, graph->owner, false, &function->owner);
	if (fault != NULL)
	{
		*faults = lappend(*faults, psprintf("%s, %s: %s", what, function->signature, fault));
		return;
	}
	function->signature = format_procedure_qualified(oid);
	function->code_hash = pstrdup(code_hash(oid));
	*functions = lappend(*functions, function);
}

/* The qualified and quoted name in a compiled signature, for SQL. */
char *
function_name(const char *signature)
{
	return pnstrdup(signature, strrchr(signature, '(') - signature);
}

/*
 * The function of a qualified signature with arguments of these types.  Its
 * name is qualified and its arguments known, so no path matters; nor do rights,
 * which are judged by who is going to run it.
 */
Oid
function_find_typed(const char *signature, int n_args, const Oid *types)
{
	List	   *name = compat_qualified_name(function_name(signature));
	Oid			schema = list_length(name) == 2 ? get_namespace_oid(strVal(linitial(name)), true) : InvalidOid;

	if (!OidIsValid(schema))
		return InvalidOid;
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum(strVal(lsecond(name))),
						   PointerGetDatum(buildoidvector(types, n_args)),
						   ObjectIdGetDatum(schema));
}

/* The same of a compiled signature, "schema.name(pg_catalog.jsonb)". */
Oid
function_find(const char *signature)
{
	static const Oid types[] = {JSONBOID, JSONBOID};

	return function_find_typed(signature, strchr(strrchr(signature, '('), ',') != NULL ? 2 : 1, types);
}

/*
 * The function of a qualified signature with whatever arguments, as it is written
 * with quote_all_identifiers off; InvalidOid: there is none.
 */
Oid
function_find_any(const char *signature)
{
	List	   *name = compat_qualified_name(function_name(signature));
	Oid			schema = list_length(name) == 2 ? get_namespace_oid(strVal(linitial(name)), true) : InvalidOid;
	Oid			found = InvalidOid;
	CatCList   *rows;
	int			level = NewGUCNestLevel();

	if (!OidIsValid(schema))
		return InvalidOid;
	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	rows = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(strVal(lsecond(name))));
	for (int i = 0; i < rows->n_members; i++)
	{
		Form_pg_proc row = (Form_pg_proc) GETSTRUCT(&rows->members[i]->tuple);

		if (row->pronamespace == schema && strcmp(format_procedure_qualified(row->oid), signature) == 0)
			found = row->oid;
	}
	ReleaseSysCacheList(rows);
	AtEOXact_GUC(true, level);
	return found;
}

/* A handler by a name as an author writes it; InvalidOid: there is none yet. */
Oid
function_find_handler(const char *name)
{
	char	   *reason;

	return find_named(name, HITL_FUNCTION_HANDLER, &reason);
}

static void
refuse(Oid oid, const char *signature, const char *what, const char *fault)
{
	ereport(ERROR,
			(errcode(OidIsValid(oid) ? ERRCODE_INSUFFICIENT_PRIVILEGE : ERRCODE_UNDEFINED_FUNCTION),
			 errmsg("the function of %s cannot be run", what),
			 errdetail("%s: %s.", signature, fault),
			 errhint("Mend the function, then SELECT hitl.retry(thread_id);")));
}

static void
refuse_changed(const HitlGraphVersion *graph, const HitlFunction *function, const char *what, const char *change)
{
	ereport(ERROR,
			(errcode(ERRCODE_HITL_CHANGED),
			 errmsg("the function of %s has changed since the graph was compiled", what),
			 errdetail("Function %s is not what version %d of graph \"%s\" recorded: %s. To retry it alone would fail again.",
					   function->signature, graph->version, graph->name, change),
			 errhint("SELECT hitl.compile(%s); then SELECT hitl.migrate(thread_id);", quote_literal_cstr(graph->name))));
}

/*
 * A function of a compiled graph, or its copy, checked and ready to be called:
 * it is there, the owner may execute it, it belongs to whom it belonged at
 * compile, and its code is what it was.  Of an aggregate, which a query calls, fn_addr is NULL.
 * what: names its place in messages.  Errors are the node's.
 */
FmgrInfo *
function_get(const HitlGraphVersion *graph, const HitlFunction *function, HitlFunctionKind kind, const char *what)
{
	bool		is_shadow = function->shadow != NULL;
	const char *signature = is_shadow ? function->shadow : function->signature;
	Oid			oid = function_find(signature);
	Oid			owner = is_shadow ? code_owner(oid) : InvalidOid;
	char	   *fault;
	FmgrInfo   *call = palloc0(sizeof(FmgrInfo));
	bool		is_aggregate;
	const char *code;

	if (is_shadow && !OidIsValid(oid))
		refuse_changed(graph, function, what, psprintf("its copy %s is gone", signature));
	/* before what its new owner lets the graph's do with it: that is no fault
	 * of the copy's which anybody could mend */
	if (is_shadow && owner != function->owner)
		refuse_changed(graph, function, what,
					   psprintf("its copy %s belongs to \"%s\" now and belonged to \"%s\" then", signature,
								rights_role_name(owner), rights_role_name(function->owner)));
	fault = function_fault(oid, kind, graph->owner, is_shadow, &owner);
	if (fault != NULL)
		refuse(oid, signature, what, fault);
	if (owner != function->owner)
		refuse_changed(graph, function, what,
					   psprintf("it belongs to \"%s\" now and belonged to \"%s\" then",
								GetUserNameFromId(owner, false), rights_role_name(function->owner)));

	is_aggregate = kind == HITL_FUNCTION_REDUCER && get_func_prokind(oid) == PROKIND_AGGREGATE;

	/*
	 * The code last: to have it ready may read catalogs, and so let in what
	 * others have committed just now.
	 */
	if (is_aggregate)
		call->fn_oid = oid;
	else
		fmgr_info(oid, call);
	if (is_shadow)
		return call;			/* nobody can change it */
	code = code_hash(oid);
	if (code == NULL || strcmp(code, function->code_hash) != 0)
		refuse_changed(graph, function, what, "its code is not the same");
	return call;
}

/*
 * A function that a node names while it runs, "f" or "f(jsonb)", looked up as
 * the node's own statements are; returns its signature, qualified.
 */
char *
function_qualify(const char *signature, const char *key)
{
	char	   *qualified = has_arguments(signature) ? pstrdup(signature) : psprintf("%s(pg_catalog.jsonb)", signature);
	Oid			oid = DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(qualified)));
	int			level = NewGUCNestLevel();

	/* it is kept, and compared in other sessions: written in one way */
	(void) set_config_option("quote_all_identifiers", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	qualified = format_procedure_qualified(oid);
	AtEOXact_GUC(true, level);
	/* f(text) is another function than the one that would be called */
	if (function_find(qualified) != oid)
		refuse(oid, qualified, psprintf("step \"%s\"", key), "it is not a function f(args jsonb) returns jsonb");
	return qualified;
}

/*
 * The function of a step by its qualified signature, checked as those that the
 * graph names are, but for its code, which no version knows: it is the node
 * that calls it.  Errors are the node's.
 */
FmgrInfo *
function_get_step(const HitlGraphVersion *graph, const char *signature, const char *key)
{
	Oid			oid = function_find(signature);
	Oid			owner;
	char	   *fault = function_fault(oid, HITL_FUNCTION_STEP, graph->owner, false, &owner);
	FmgrInfo   *call = palloc(sizeof(FmgrInfo));

	if (fault != NULL)
		refuse(oid, signature, psprintf("step \"%s\"", key), fault);
	fmgr_info(oid, call);
	return call;
}
