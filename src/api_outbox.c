/*
 * api_outbox.c
 *    SQL functions for senders of messages, and for where people are told.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "arguments.h"
#include "fmgr.h"
#include "funcapi.h"
#include "render.h"
#include "sender.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(hitl_outbox_claim);
PG_FUNCTION_INFO_V1(hitl_outbox_done);
PG_FUNCTION_INFO_V1(hitl_outbox_failed);
PG_FUNCTION_INFO_V1(hitl_remind);
PG_FUNCTION_INFO_V1(hitl_set_contact);
PG_FUNCTION_INFO_V1(hitl_render);

#define CLAIM_COLUMNS 7

/* The longest lease: a sender that holds a message for a day has lost it. */
#define LEASE_MAX_MS INT64CONST(86400000)

/* Months and days count as 30 days and 24 hours; what is too long is a day. */
static int64
lease_ms(const Interval *lease)
{
	int64		days = (int64) lease->month * DAYS_PER_MONTH + lease->day;

	if (days >= 1 || lease->time / 1000 > LEASE_MAX_MS)
		return LEASE_MAX_MS;
	if (days < 0)
		return 0;
	return lease->time / 1000;
}

Datum
hitl_outbox_claim(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *messages;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	messages = sender_claim(PG_GETARG_INT32(0), lease_ms(PG_GETARG_INTERVAL_P(1)));
	foreach(cell, messages)
	{
		const HitlMessage *message = lfirst(cell);
		Datum		values[CLAIM_COLUMNS] = {0};
		bool		nulls[CLAIM_COLUMNS] = {false};

		values[0] = Int64GetDatum(message->outbox_id);
		values[1] = DirectFunctionCall1(uuid_in, CStringGetDatum(message->message_id));
		values[2] = Int64GetDatum(message->interrupt_id);
		values[3] = CStringGetTextDatum(message->kind);
		values[4] = CStringGetTextDatum(message->role);
		if (message->address != NULL)
			values[5] = CStringGetTextDatum(message->address);
		else
			nulls[5] = true;
		values[6] = Int32GetDatum(message->attempts);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

Datum
hitl_outbox_done(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(sender_done(PG_GETARG_INT64(0)));
}

Datum
hitl_outbox_failed(PG_FUNCTION_ARGS)
{
	TimestampTz due_at = sender_failed(PG_GETARG_INT64(0), text_to_cstring(PG_GETARG_TEXT_PP(1)));

	if (due_at == DT_NOBEGIN)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(due_at);
}

Datum
hitl_remind(PG_FUNCTION_ARGS)
{
	argument_require(fcinfo, 0, "interrupt_id");
	PG_RETURN_INT32(sender_remind(PG_GETARG_INT64(0), argument_text(fcinfo, 1)));
}

Datum
hitl_set_contact(PG_FUNCTION_ARGS)
{
	argument_require(fcinfo, 0, "role");
	contact_set(text_to_cstring(PG_GETARG_TEXT_PP(0)),
				argument_text(fcinfo, 1));
	PG_RETURN_VOID();
}

Datum
hitl_render(PG_FUNCTION_ARGS)
{
	argument_require(fcinfo, 0, "interrupt_id");
	argument_require(fcinfo, 1, "format");
	PG_RETURN_TEXT_P(cstring_to_text(render_interrupt(PG_GETARG_INT64(0), text_to_cstring(PG_GETARG_TEXT_PP(1)),
													  PG_ARGISNULL(2) ? 0 : PG_GETARG_INT64(2))));
}
