/*
 * clock.c
 *    What time it is: the only place that asks.
 *
 * The wall clock, not the transaction's start: a transaction may be minutes
 * old when it decides that something is due.
 *
 * Layer 0.
 */
#include "postgres.h"

#include "clock.h"
#include "utils/timestamp.h"

TimestampTz
clock_now(void)
{
	return GetCurrentTimestamp();
}
