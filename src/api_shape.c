/*
 * api_shape.c
 *    SQL functions of shapes: a question as other tools have it; drafts of a batch.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "arguments.h"
#include "access/htup_details.h"
#include "fmgr.h"
#include "foreign.h"
#include "funcapi.h"
#include "names.h"
#include "reply.h"
#include "show.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(hitl_as_langchain);
PG_FUNCTION_INFO_V1(hitl_as_agent_inbox);
PG_FUNCTION_INFO_V1(hitl_as_agui);
PG_FUNCTION_INFO_V1(hitl_as_mcp);
PG_FUNCTION_INFO_V1(hitl_draft);
PG_FUNCTION_INFO_V1(hitl_undraft);

/* The interrupt of the first argument, shown to the caller. */
static HitlInterrupt *
get_shown(FunctionCallInfo fcinfo)
{
	argument_require(fcinfo, 0, "interrupt_id");
	return show_row(PG_GETARG_INT64(0));
}

Datum
hitl_as_langchain(PG_FUNCTION_ARGS)
{
	char	   *casing;
	bool		is_camel;

	argument_require(fcinfo, 1, "casing");
	argument_require(fcinfo, 2, "per_call");
	casing = text_to_cstring(PG_GETARG_TEXT_PP(1));
	is_camel = strcmp(casing, "camel") == 0;
	if (!is_camel && strcmp(casing, "snake") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no such casing"),
				 errdetail("LangChain in Python spells keys in snake case, in JavaScript in camel case."),
				 errhint("Say casing => 'snake' or casing => 'camel'.")));
	PG_RETURN_JSONB_P(foreign_langchain(get_shown(fcinfo), is_camel, PG_GETARG_BOOL(2)));
}

Datum
hitl_as_agent_inbox(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(foreign_agent_inbox(get_shown(fcinfo)));
}

Datum
hitl_as_agui(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(foreign_agui(get_shown(fcinfo)));
}

Datum
hitl_as_mcp(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(foreign_mcp(get_shown(fcinfo)));
}

Datum
hitl_draft(PG_FUNCTION_ARGS)
{
	HitlDraftVerdict drafted;
	TupleDesc	descriptor;
	Datum		values[6];
	bool		nulls[6] = {false};

	argument_require(fcinfo, 0, "interrupt_id");
	argument_require(fcinfo, 1, "action_no");
	argument_require(fcinfo, 2, "decision");
	drafted = reply_draft(PG_GETARG_INT64(0), PG_GETARG_INT32(1), PG_GETARG_JSONB_P(2));
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "hitl expected to return a row");
	values[0] = Int64GetDatum(drafted.verdict.thread_id);
	values[1] = CStringGetTextDatum(name_interrupt_status(drafted.verdict.status));
	values[2] = Int32GetDatum(drafted.verdict.votes);
	values[3] = Int32GetDatum(drafted.verdict.needed);
	values[4] = Int32GetDatum(drafted.n_drafts);
	values[5] = Int32GetDatum(drafted.n_actions);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

Datum
hitl_undraft(PG_FUNCTION_ARGS)
{
	argument_require(fcinfo, 0, "interrupt_id");
	PG_RETURN_INT32(reply_undraft(PG_GETARG_INT64(0), PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1)));
}
