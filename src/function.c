/*
 * function.c
 *    A function that a graph names: find it, judge it, have it to call.
 *
 * It is kept as text, qualified, with its owner: a regprocedure column would
 * stop pg_upgrade.  It is looked up by the whole signature, so nobody can put
 * another function in its place by a schema earlier in some path; a function of
 * another owner under the same signature is refused when the node runs.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "function.h"
#include "lifecycle.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "rights.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/regproc.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

/*
 * Find a function by a signature as an author writes it.  InvalidOid and the
 * reason when there is none; a signature that cannot be read is a reason too,
 * so that compile() can go on and report the rest.
 */
static Oid
find_function(const char *signature, char **reason)
{
	volatile Oid function = InvalidOid;
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	*reason = NULL;
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		function = DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(signature)));
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			lifecycle_error_verdict(error->sqlerrcode) != HITL_ERROR_FAIL)
			ReThrowError(error);
		*reason = error->message;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return function;
}

/* Has the function the shape that its place asks for?  NULL, or what is asked. */
static const char *
shape_fault(Form_pg_proc row, HitlFunctionKind kind)
{
	int			n_args = kind == HITL_FUNCTION_REDUCER ? 2 : 1;
	bool		fits = row->prokind == PROKIND_FUNCTION && !row->proretset && row->pronargs == n_args;

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
				: "it is no reducer of hitl's, and not a function f(current jsonb, update jsonb) returns jsonb";
	}
	return NULL;
}

/*
 * What keeps a function from its place in a graph of this owner?  NULL when
 * nothing does.  Asked at compile and before every run.
 */
static char *
function_fault(Oid function, HitlFunctionKind kind, Oid owner, Oid *function_owner)
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
	else if (compat_schema_aclcheck(row->pronamespace, owner, ACL_USAGE) != ACLCHECK_OK)
		fault = psprintf("role \"%s\", the owner of the graph, has no USAGE on its schema",
						 GetUserNameFromId(owner, false));
	else if (superuser_arg(owner) && !superuser_arg(row->proowner))
		fault = psprintf("the graph belongs to a superuser and the function to \"%s\", who is none",
						 GetUserNameFromId(row->proowner, false));
	ReleaseSysCache(tuple);
	return fault;
}

/* Resolve a function of a draft in place; notes it, or its fault. */
void
function_resolve(const HitlGraphVersion *graph, HitlFunction *function, HitlFunctionKind kind,
				 const char *what, List **functions, List **faults)
{
	const char *arguments = kind == HITL_FUNCTION_REDUCER ? "pg_catalog.jsonb, pg_catalog.jsonb" : "pg_catalog.jsonb";
	char	   *signature = function->signature;
	char	   *fault;
	Oid			oid;

	if (signature == NULL)
		return;					/* a fault of the document, noted already */
	if (strchr(signature, '(') == NULL)
		signature = psprintf("%s(%s)", signature, arguments);
	oid = find_function(signature, &fault);
	if (fault == NULL)
		fault = function_fault(oid, kind, graph->owner, &function->owner);
	if (fault != NULL)
	{
		*faults = lappend(*faults, psprintf("%s, %s: %s", what, function->signature, fault));
		return;
	}
	function->signature = format_procedure_qualified(oid);
	*functions = lappend(*functions, function);
}

/*
 * The function of a compiled signature, "schema.name(pg_catalog.jsonb)".  Its
 * name is qualified and its arguments known, so no path matters.
 */
static Oid
find_compiled(const char *signature, HitlFunctionKind kind)
{
	static const Oid arguments[] = {JSONBOID, JSONBOID};
	char	   *name = pnstrdup(signature, strrchr(signature, '(') - signature);

	return LookupFuncName(compat_qualified_name(name), kind == HITL_FUNCTION_REDUCER ? 2 : 1,
						  arguments, true);
}

/*
 * A function of a compiled graph, checked: it is there, it belongs to whom it
 * belonged at compile, the owner may execute it.  what: names its place in
 * messages.  Errors are the node's.
 */
Oid
function_get(const HitlGraphVersion *graph, const HitlFunction *function, HitlFunctionKind kind, const char *what)
{
	Oid			oid = find_compiled(function->signature, kind);
	Oid			owner = InvalidOid;
	char	   *fault = function_fault(oid, kind, graph->owner, &owner);

	if (fault == NULL && owner != function->owner)
		fault = psprintf("it belongs to \"%s\" now and belonged to \"%s\" when the graph was compiled",
						 GetUserNameFromId(owner, false), rights_role_name(function->owner));
	if (fault != NULL)
		ereport(ERROR,
				(errcode(OidIsValid(oid) ? ERRCODE_INSUFFICIENT_PRIVILEGE : ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the function of %s cannot be run", what),
				 errdetail("%s: %s.", function->signature, fault),
				 errhint("Mend the function, then SELECT hitl.retry(thread_id);")));
	return oid;
}
