/*
 * arguments.c
 *    Arguments of SQL functions that may be NULL, or must not be.
 *
 * A function that does something is not STRICT: a call with a NULL that does
 * nothing must not look like one that did.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "arguments.h"
#include "utils/builtins.h"

/* NULL for SQL NULL */
char *
argument_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* Raises 22004 if the argument is NULL. */
void
argument_require(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s cannot be NULL", name),
				 errdetail("Nothing was done."),
				 errhint("See the comment on the function: \\df+ hitl.*")));
}
