/*
 * api_grant.c
 *    SQL functions that grant rights and take them back, and that say who I am.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "arguments.h"
#include "fmgr.h"
#include "grant.h"
#include "identity.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(hitl_member);
PG_FUNCTION_INFO_V1(hitl_grant_author);
PG_FUNCTION_INFO_V1(hitl_grant_reviewer);
PG_FUNCTION_INFO_V1(hitl_grant_operator);
PG_FUNCTION_INFO_V1(hitl_grant_auditor);
PG_FUNCTION_INFO_V1(hitl_grant_proxy);
PG_FUNCTION_INFO_V1(hitl_revoke_author);
PG_FUNCTION_INFO_V1(hitl_revoke_reviewer);
PG_FUNCTION_INFO_V1(hitl_revoke_operator);
PG_FUNCTION_INFO_V1(hitl_revoke_auditor);
PG_FUNCTION_INFO_V1(hitl_revoke_proxy);

/* A name that must be given: of no role nothing is granted. */
static char *
required_name(FunctionCallInfo fcinfo, int n, const char *what)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s cannot be NULL", what),
				 errdetail("Nothing was granted or revoked."),
				 errhint("Name a role, as in pg_roles.")));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* The second argument, where a function has one; NULL: all graphs. */
static char *
optional_graph(FunctionCallInfo fcinfo)
{
	return PG_NARGS() < 2 ? NULL : argument_text(fcinfo, 1);
}

static Datum
give(FunctionCallInfo fcinfo, HitlRight right)
{
	PG_RETURN_BOOL(grant_give(right, required_name(fcinfo, 0, "role"), optional_graph(fcinfo)));
}

static Datum
revoke(FunctionCallInfo fcinfo, HitlRight right)
{
	PG_RETURN_BOOL(grant_revoke(right, required_name(fcinfo, 0, right == HITL_RIGHT_PROXY ? "login" : "role"),
								optional_graph(fcinfo)));
}

Datum
hitl_grant_author(PG_FUNCTION_ARGS)
{
	return give(fcinfo, HITL_RIGHT_AUTHOR);
}

Datum
hitl_grant_reviewer(PG_FUNCTION_ARGS)
{
	return give(fcinfo, HITL_RIGHT_REVIEWER);
}

Datum
hitl_grant_operator(PG_FUNCTION_ARGS)
{
	return give(fcinfo, HITL_RIGHT_OPERATOR);
}

Datum
hitl_grant_auditor(PG_FUNCTION_ARGS)
{
	return give(fcinfo, HITL_RIGHT_AUDITOR);
}

Datum
hitl_grant_proxy(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(grant_proxy(required_name(fcinfo, 0, "login"), required_name(fcinfo, 1, "reviewers")));
}

Datum
hitl_revoke_author(PG_FUNCTION_ARGS)
{
	return revoke(fcinfo, HITL_RIGHT_AUTHOR);
}

Datum
hitl_revoke_reviewer(PG_FUNCTION_ARGS)
{
	return revoke(fcinfo, HITL_RIGHT_REVIEWER);
}

Datum
hitl_revoke_operator(PG_FUNCTION_ARGS)
{
	return revoke(fcinfo, HITL_RIGHT_OPERATOR);
}

Datum
hitl_revoke_auditor(PG_FUNCTION_ARGS)
{
	return revoke(fcinfo, HITL_RIGHT_AUDITOR);
}

Datum
hitl_revoke_proxy(PG_FUNCTION_ARGS)
{
	return revoke(fcinfo, HITL_RIGHT_PROXY);
}

Datum
hitl_member(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(identity_viewer()->member);
}
