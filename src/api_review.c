/*
 * api_review.c
 *    SQL functions for reviewers: decide and its four verbs.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "answer.h"
#include "decision.h"
#include "fmgr.h"
#include "funcapi.h"
#include "json.h"
#include "names.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(hitl_decide);
PG_FUNCTION_INFO_V1(hitl_approve);
PG_FUNCTION_INFO_V1(hitl_edit);
PG_FUNCTION_INFO_V1(hitl_reject);
PG_FUNCTION_INFO_V1(hitl_respond);

/* NULL for SQL NULL */
static char *
optional_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* Not STRICT: a NULL id must not look like an answer that was taken. */
static void
require_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s cannot be NULL", name),
				 errdetail("Nothing was decided."),
				 errhint("SELECT interrupt_id FROM hitl.pending; shows what waits for a decision.")));
}

/*
 * Record an answer and return (thread_id, status, votes, needed).  comment: which
 * argument that is; idempotency_key and seen come next.
 */
static Datum
decide(FunctionCallInfo fcinfo, const HitlAnswer *answer, int comment)
{
	HitlVerdict verdict;
	TupleDesc	descriptor;
	Datum		values[4];
	bool		nulls[4] = {false};

	verdict = decision_record(PG_GETARG_INT64(0), answer, optional_text(fcinfo, comment),
							  optional_text(fcinfo, comment + 1), optional_text(fcinfo, comment + 2));
	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "hitl expected to return a row");
	values[0] = Int64GetDatum(verdict.thread_id);
	values[1] = CStringGetTextDatum(name_interrupt_status(verdict.status));
	values[2] = Int32GetDatum(verdict.votes);
	values[3] = Int32GetDatum(verdict.needed);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

Datum
hitl_decide(PG_FUNCTION_ARGS)
{
	require_argument(fcinfo, 0, "interrupt_id");
	require_argument(fcinfo, 1, "decision");
	return decide(fcinfo, answer_parse(PG_GETARG_JSONB_P(1)), 2);
}

Datum
hitl_approve(PG_FUNCTION_ARGS)
{
	HitlAnswer	answer = {.type = HITL_DECISION_APPROVE};

	require_argument(fcinfo, 0, "interrupt_id");
	return decide(fcinfo, &answer, 1);
}

Datum
hitl_edit(PG_FUNCTION_ARGS)
{
	HitlAnswer	answer = {.type = HITL_DECISION_EDIT};

	require_argument(fcinfo, 0, "interrupt_id");
	require_argument(fcinfo, 1, "edits");
	answer.edits = PG_GETARG_JSONB_P(1);
	answer_check_edits(&answer);
	return decide(fcinfo, &answer, 2);
}

Datum
hitl_reject(PG_FUNCTION_ARGS)
{
	HitlAnswer	answer = {.type = HITL_DECISION_REJECT};

	require_argument(fcinfo, 0, "interrupt_id");
	answer.reason = optional_text(fcinfo, 1);
	return decide(fcinfo, &answer, 2);
}

Datum
hitl_respond(PG_FUNCTION_ARGS)
{
	HitlAnswer	answer = {.type = HITL_DECISION_RESPOND};

	require_argument(fcinfo, 0, "interrupt_id");
	if (PG_ARGISNULL(1) == PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a response must be given either as response or as text"),
				 errdetail(PG_ARGISNULL(1) ? "Neither is given." : "Both are given."),
				 errhint("SELECT hitl.respond(%lld, text => 'ask for the receipt first');", (long long) PG_GETARG_INT64(0))));
	answer.response = PG_ARGISNULL(1) ? json_string(optional_text(fcinfo, 2)) : PG_GETARG_JSONB_P(1);
	return decide(fcinfo, &answer, 3);
}
