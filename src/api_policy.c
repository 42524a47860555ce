/*
 * api_policy.c
 *    SQL functions that write policies and rules.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "arguments.h"
#include "fmgr.h"
#include "rulebook.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(hitl_create_policy);
PG_FUNCTION_INFO_V1(hitl_create_rule);
PG_FUNCTION_INFO_V1(hitl_drop_rule);

Datum
hitl_create_policy(PG_FUNCTION_ARGS)
{
	argument_require(fcinfo, 0, "policy");
	argument_require(fcinfo, 1, "definition");
	PG_RETURN_INT32(rulebook_create_policy(argument_text(fcinfo, 0), PG_GETARG_JSONB_P(1)));
}

Datum
hitl_create_rule(PG_FUNCTION_ARGS)
{
	HitlRule	rule = {
		.name = argument_text(fcinfo, 0),
		.action = argument_text(fcinfo, 2),
		.node = argument_text(fcinfo, 4),
		.args = argument_text(fcinfo, 5),
		.skip_when = argument_text(fcinfo, 6)
	};

	argument_require(fcinfo, 0, "rule");
	argument_require(fcinfo, 7, "priority");
	rule.priority = PG_GETARG_INT32(7);
	PG_RETURN_INT64(rulebook_create_rule(&rule, argument_text(fcinfo, 1), argument_text(fcinfo, 3)));
}

Datum
hitl_drop_rule(PG_FUNCTION_ARGS)
{
	argument_require(fcinfo, 0, "rule");
	rulebook_drop_rule(argument_text(fcinfo, 0));
	PG_RETURN_VOID();
}
