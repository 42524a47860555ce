/*
 * api_review.c
 *    SQL functions for reviewers: decide and its four verbs, decide_many,
 *    withdraw and reopen.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "answer.h"
#include "arguments.h"
#include "bulk.h"
#include "catalog/pg_type.h"
#include "compat.h"
#include "decision.h"
#include "errors.h"
#include "fmgr.h"
#include "funcapi.h"
#include "json.h"
#include "names.h"
#include "reopen.h"
#include "reply.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(hitl_decide);
PG_FUNCTION_INFO_V1(hitl_approve);
PG_FUNCTION_INFO_V1(hitl_edit);
PG_FUNCTION_INFO_V1(hitl_reject);
PG_FUNCTION_INFO_V1(hitl_respond);
PG_FUNCTION_INFO_V1(hitl_decide_many);
PG_FUNCTION_INFO_V1(hitl_withdraw);
PG_FUNCTION_INFO_V1(hitl_reopen);

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

/* This place in a statement decides so many interrupts more. */
static void
count_decisions(FunctionCallInfo fcinfo, int n)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(HitlBulk));
	bulk_count(fcinfo->flinfo->fn_extra, n);
}

/* Return (thread_id, status, votes, needed). */
static Datum
verdict_row(FunctionCallInfo fcinfo, HitlVerdict verdict)
{
	TupleDesc	descriptor;
	Datum		values[4];
	bool		nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "hitl expected to return a row");
	values[0] = Int64GetDatum(verdict.thread_id);
	values[1] = CStringGetTextDatum(name_interrupt_status(verdict.status));
	values[2] = Int32GetDatum(verdict.votes);
	values[3] = Int32GetDatum(verdict.needed);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

/*
 * Record an answer and say what became of it.  comment: which argument that is;
 * idempotency_key and seen come next.
 */
static Datum
decide(FunctionCallInfo fcinfo, const HitlAnswer *answer, int comment)
{
	count_decisions(fcinfo, 1);
	return verdict_row(fcinfo, decision_record(PG_GETARG_INT64(0), answer, argument_text(fcinfo, comment),
											   argument_text(fcinfo, comment + 1), argument_text(fcinfo, comment + 2)));
}

Datum
hitl_decide(PG_FUNCTION_ARGS)
{
	require_argument(fcinfo, 0, "interrupt_id");
	require_argument(fcinfo, 1, "decision");
	count_decisions(fcinfo, 1);
	return verdict_row(fcinfo, reply_record(PG_GETARG_INT64(0), PG_GETARG_JSONB_P(1), argument_text(fcinfo, 2),
											argument_text(fcinfo, 3), argument_text(fcinfo, 4)));
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
	answer.reason = argument_text(fcinfo, 1);
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
	answer.response = PG_ARGISNULL(1) ? json_string(argument_text(fcinfo, 2)) : PG_GETARG_JSONB_P(1);
	return decide(fcinfo, &answer, 3);
}

/* ----------------------------------------------------------------------- many */

/* An array without NULLs, of the type that the SQL function declares. */
static Datum *
get_elements(ArrayType *array, Oid type, int size, bool is_by_value, char align, const char *name, int *n)
{
	Datum	   *elements;

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must be a plain array without NULLs", name),
				 errdetail("Nothing was decided."),
				 errhint("SELECT array_agg(interrupt_id) FROM hitl.pending WHERE ...;")));
	deconstruct_array(array, type, size, is_by_value, align, &elements, NULL, n);
	return elements;
}

/* 'skip' or 'error' */
static bool
get_on_conflict(FunctionCallInfo fcinfo, int n)
{
	char	   *word = argument_text(fcinfo, n);

	if (word != NULL && strcmp(word, "skip") == 0)
		return true;
	if (word == NULL || strcmp(word, "error") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("on_conflict must be 'skip' or 'error'"),
				 errdetail("It is neither; nothing was decided."),
				 errhint("'skip' decides the others and tells of what it skips; 'error' decides all or nothing.")));
	return false;
}

static void
put_bulk_row(ReturnSetInfo *result, const HitlBulkRow *row)
{
	Datum		values[8] = {Int64GetDatum(row->interrupt_id)};
	bool		nulls[8] = {false, true, true, true, true, true, true, true};

	if (row->is_taken)
	{
		values[1] = Int64GetDatum(row->verdict.thread_id);
		values[2] = CStringGetTextDatum(name_interrupt_status(row->verdict.status));
		values[3] = Int32GetDatum(row->verdict.votes);
		values[4] = Int32GetDatum(row->verdict.needed);
		memset(nulls, false, 5);
	}
	else
	{
		values[5] = CStringGetTextDatum(unpack_sql_state(row->error.sqlerrcode));
		values[6] = CStringGetTextDatum(row->error.message);
		nulls[5] = nulls[6] = false;
		if (row->error.detail != NULL)
		{
			values[7] = CStringGetTextDatum(row->error.detail);
			nulls[7] = false;
		}
	}
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

Datum
hitl_decide_many(PG_FUNCTION_ARGS)
{
	Datum	   *ids;
	Datum	   *seen;
	int64	   *interrupt_ids;
	const char **all_seen = NULL;
	int			n;
	int			n_seen;
	bool		skips;
	List	   *rows;
	ListCell   *cell;

	require_argument(fcinfo, 0, "interrupt_ids");
	require_argument(fcinfo, 1, "decision");
	skips = get_on_conflict(fcinfo, 2);
	ids = get_elements(PG_GETARG_ARRAYTYPE_P(0), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, "interrupt_ids", &n);
	count_decisions(fcinfo, n);
	interrupt_ids = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
		interrupt_ids[i] = DatumGetInt64(ids[i]);
	if (!PG_ARGISNULL(5))
	{
		seen = get_elements(PG_GETARG_ARRAYTYPE_P(5), TEXTOID, -1, false, TYPALIGN_INT, "seen", &n_seen);
		if (n_seen != n)
			ereport(ERROR,
					(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
					 errmsg("seen must have an element for each interrupt"),
					 errdetail("There are %d for %d interrupts.", n_seen, n),
					 errhint("SELECT array_agg(interrupt_id), array_agg(content_hash) FROM ...;")));
		all_seen = palloc(sizeof(char *) * Max(n, 1));
		for (int i = 0; i < n; i++)
			all_seen[i] = TextDatumGetCString(seen[i]);
	}
	rows = bulk_decide(interrupt_ids, all_seen, n, PG_GETARG_JSONB_P(1), skips,
					   argument_text(fcinfo, 3), argument_text(fcinfo, 4));
	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, rows)
		put_bulk_row((ReturnSetInfo *) fcinfo->resultinfo, lfirst(cell));
	return (Datum) 0;
}

/* --------------------------------------------------------------- second thoughts */

Datum
hitl_withdraw(PG_FUNCTION_ARGS)
{
	require_argument(fcinfo, 0, "interrupt_id");
	return verdict_row(fcinfo, decision_withdraw(PG_GETARG_INT64(0), argument_text(fcinfo, 1)));
}

Datum
hitl_reopen(PG_FUNCTION_ARGS)
{
	require_argument(fcinfo, 0, "interrupt_id");
	require_argument(fcinfo, 1, "reason");
	PG_RETURN_INT64(reopen_interrupt(PG_GETARG_INT64(0), argument_text(fcinfo, 1)));
}
