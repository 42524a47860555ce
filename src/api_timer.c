/*
 * api_timer.c
 *    SQL functions for deadlines: fire what is due, move them, what time it is.
 *
 * Decode, call one function of the engine, encode.
 *
 * Layer 4.
 */
#include "postgres.h"

#include "arguments.h"
#include "clock.h"
#include "deadline.h"
#include "escalation.h"
#include "fmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(hitl_now);
PG_FUNCTION_INFO_V1(hitl_tick);
PG_FUNCTION_INFO_V1(hitl_set_deadline);

Datum
hitl_now(PG_FUNCTION_ARGS pg_attribute_unused())
{
	PG_RETURN_TIMESTAMPTZ(clock_now());
}

Datum
hitl_tick(PG_FUNCTION_ARGS)
{
	int			n = PG_ARGISNULL(0) ? PG_INT32_MAX : PG_GETARG_INT32(0);

	if (n < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must not be negative"),
				 errdetail("It is %d.", n),
				 errhint("SELECT hitl.tick();  -- fires all that is due")));
	PG_RETURN_INT32(escalation_tick(n));
}

/* NULL: DT_NOBEGIN, leave it as it is. */
static TimestampTz
optional_time(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		return DT_NOBEGIN;
	if (TIMESTAMP_IS_NOBEGIN(PG_GETARG_TIMESTAMPTZ(n)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s cannot be -infinity", name),
				 errdetail("A time that has passed fires at once, infinity is never, and NULL leaves it as it is."),
				 errhint("Give one of these.")));
	return PG_GETARG_TIMESTAMPTZ(n);
}

Datum
hitl_set_deadline(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s cannot be NULL", "interrupt_id"),
				 errdetail("No deadline was moved."),
				 errhint("SELECT interrupt_id, due_at FROM hitl.deadlines;")));
	deadline_set(PG_GETARG_INT64(0), optional_time(fcinfo, 1, "due_at"), optional_time(fcinfo, 2, "expires_at"),
				 argument_text(fcinfo, 3));
	PG_RETURN_VOID();
}
