/*
 * api_desk.c
 *    SQL functions of the desk: claim, assign, delegate, put aside; absences; the inbox.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "absence.h"
#include "access/htup_details.h"
#include "arguments.h"
#include "desk.h"
#include "fmgr.h"
#include "funcapi.h"
#include "identity.h"
#include "inbox.h"
#include "show.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(hitl_claim);
PG_FUNCTION_INFO_V1(hitl_claim_next);
PG_FUNCTION_INFO_V1(hitl_release);
PG_FUNCTION_INFO_V1(hitl_assign);
PG_FUNCTION_INFO_V1(hitl_delegate);
PG_FUNCTION_INFO_V1(hitl_comment);
PG_FUNCTION_INFO_V1(hitl_snooze);
PG_FUNCTION_INFO_V1(hitl_dismiss);
PG_FUNCTION_INFO_V1(hitl_out_of_office);
PG_FUNCTION_INFO_V1(hitl_back);
PG_FUNCTION_INFO_V1(hitl_show);
PG_FUNCTION_INFO_V1(hitl_inbox);
PG_FUNCTION_INFO_V1(hitl_me);

static const Interval *
optional_interval(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : PG_GETARG_INTERVAL_P(n);
}

static int64
get_interrupt(FunctionCallInfo fcinfo)
{
	argument_require(fcinfo, 0, "interrupt_id");
	return PG_GETARG_INT64(0);
}

static char *
require_text(FunctionCallInfo fcinfo, int n, const char *name)
{
	argument_require(fcinfo, n, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

Datum
hitl_claim(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(desk_claim(get_interrupt(fcinfo), optional_interval(fcinfo, 1)));
}

Datum
hitl_claim_next(PG_FUNCTION_ARGS)
{
	int64		interrupt_id = desk_claim_next(argument_text(fcinfo, 0), argument_text(fcinfo, 1), optional_interval(fcinfo, 2));

	if (interrupt_id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(interrupt_id);
}

Datum
hitl_release(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(desk_release(get_interrupt(fcinfo), argument_text(fcinfo, 1)));
}

Datum
hitl_assign(PG_FUNCTION_ARGS)
{
	desk_assign(get_interrupt(fcinfo), require_text(fcinfo, 1, "person"), argument_text(fcinfo, 2));
	PG_RETURN_VOID();
}

Datum
hitl_delegate(PG_FUNCTION_ARGS)
{
	desk_delegate(get_interrupt(fcinfo), require_text(fcinfo, 1, "role"), argument_text(fcinfo, 2));
	PG_RETURN_VOID();
}

Datum
hitl_comment(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(desk_comment(get_interrupt(fcinfo), require_text(fcinfo, 1, "text")));
}

Datum
hitl_snooze(PG_FUNCTION_ARGS)
{
	desk_snooze(get_interrupt(fcinfo), PG_ARGISNULL(1) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(1));
	PG_RETURN_VOID();
}

Datum
hitl_dismiss(PG_FUNCTION_ARGS)
{
	desk_dismiss(get_interrupt(fcinfo), argument_text(fcinfo, 1));
	PG_RETURN_VOID();
}

Datum
hitl_out_of_office(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(absence_begin(PG_ARGISNULL(1) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(1),
								  PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2),
								  require_text(fcinfo, 0, "substitute")));
}

Datum
hitl_back(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_INT32(absence_end());
}

Datum
hitl_show(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(show_interrupt(get_interrupt(fcinfo)));
}

/* hitl._me() */
Datum
hitl_me(PG_FUNCTION_ARGS)
{
	(void) fcinfo;
	PG_RETURN_TEXT_P(cstring_to_text(identity_viewer()->person));
}

/* hitl._inbox(): a row per call, so that a LIMIT ends it */
Datum
hitl_inbox(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	const HitlInboxItem *item;
	MemoryContext old;
	Datum		values[2];
	bool		nulls[2] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		TupleDesc	descriptor;

		context = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(context->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "hitl expected to return a row");
		context->tuple_desc = BlessTupleDesc(descriptor);
		context->user_fctx = inbox_open(identity_viewer(), InvalidOid, false, HITL_SNAPSHOT_STATEMENT);
		MemoryContextSwitchTo(old);
	}
	context = SRF_PERCALL_SETUP();
	item = inbox_next(context->user_fctx);
	if (item == NULL)
		SRF_RETURN_DONE(context);
	values[0] = Int64GetDatum(item->interrupt_id);
	values[1] = item->in_place_of != NULL ? CStringGetTextDatum(item->in_place_of) : (Datum) 0;
	nulls[1] = item->in_place_of == NULL;
	SRF_RETURN_NEXT(context, HeapTupleGetDatum(heap_form_tuple(context->tuple_desc, values, nulls)));
}
