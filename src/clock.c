/*
 * clock.c
 *    What time it is: the only place that asks.
 *
 * The wall clock, not the transaction's start: a transaction may be minutes
 * old when it decides that something is due.
 *
 * There are two.  clock_now() is the time of what people deal with: questions,
 * votes, claims, deadlines, the trail.  hitl.clock_offset shifts it, so that a
 * test or a drill lives through a weekend in a moment.  clock_real() is the
 * time of processes: sleeping, timeouts, the run queue, which an executor with
 * another offset has to find due as well.
 *
 * Layer 0.
 */
#include "postgres.h"

#include "clock.h"
#include "guc.h"
#include "utils/timestamp.h"

TimestampTz
clock_now(void)
{
	return GetCurrentTimestamp() + (TimestampTz) guc_clock_offset * USECS_PER_SEC;
}

TimestampTz
clock_real(void)
{
	return GetCurrentTimestamp();
}

/* When a time of clock_now() comes, by clock_real(). */
TimestampTz
clock_to_real(TimestampTz time)
{
	if (TIMESTAMP_NOT_FINITE(time))
		return time;
	return time - (TimestampTz) guc_clock_offset * USECS_PER_SEC;
}
