/*
 * api_policy.c
 *    SQL functions that write policies and rules.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "fmgr.h"
#include "rulebook.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(hitl_create_policy);
PG_FUNCTION_INFO_V1(hitl_create_rule);
PG_FUNCTION_INFO_V1(hitl_drop_rule);

/* NULL for SQL NULL */
static char *
optional_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* Not STRICT: a NULL must not look like a rule that was made. */
static void
require_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s cannot be NULL", name),
				 errdetail("The call leaves it out."),
				 errhint("See the comment on the function: \\df+ hitl.*")));
}

Datum
hitl_create_policy(PG_FUNCTION_ARGS)
{
	require_argument(fcinfo, 0, "policy");
	require_argument(fcinfo, 1, "definition");
	PG_RETURN_INT32(rulebook_create_policy(optional_text(fcinfo, 0), PG_GETARG_JSONB_P(1)));
}

Datum
hitl_create_rule(PG_FUNCTION_ARGS)
{
	HitlRule	rule = {
		.name = optional_text(fcinfo, 0),
		.action = optional_text(fcinfo, 2),
		.node = optional_text(fcinfo, 4),
		.args = optional_text(fcinfo, 5),
		.skip_when = optional_text(fcinfo, 6)
	};

	require_argument(fcinfo, 0, "rule");
	require_argument(fcinfo, 7, "priority");
	rule.priority = PG_GETARG_INT32(7);
	PG_RETURN_INT64(rulebook_create_rule(&rule, optional_text(fcinfo, 1), optional_text(fcinfo, 3)));
}

Datum
hitl_drop_rule(PG_FUNCTION_ARGS)
{
	require_argument(fcinfo, 0, "rule");
	rulebook_drop_rule(optional_text(fcinfo, 0));
	PG_RETURN_VOID();
}
