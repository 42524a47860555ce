/*
 * escalation.h
 *    Fire what is due: warnings, deadlines, steps of ladders.
 *
 * Layer 3.
 */
#ifndef HITL_ESCALATION_H
#define HITL_ESCALATION_H

#include "types.h"

extern int	escalation_tick(int limit);
extern int	escalation_dispatch(int limit, bool *is_full, TimestampTz *next_due);

#endif							/* HITL_ESCALATION_H */
