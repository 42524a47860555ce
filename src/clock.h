/*
 * clock.h
 *    What time it is: the only place that asks.
 *
 * Layer 0.  Pure logic and store files get the time as an argument.
 */
#ifndef HITL_CLOCK_H
#define HITL_CLOCK_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern TimestampTz clock_now(void);
extern TimestampTz clock_real(void);
extern TimestampTz clock_to_real(TimestampTz time);

#endif							/* HITL_CLOCK_H */
