/*
 * deadline.h
 *    By when an interrupt is to be decided: plan it, move it.
 *
 * Layer 3.
 */
#ifndef HITL_DEADLINE_H
#define HITL_DEADLINE_H

#include "types.h"

/* what deadline_clock() counts by */
typedef struct HitlDeadlineClock
{
	const HitlPolicy *policy;
	Oid			owner;			/* of the graph: as whom its function runs */
} HitlDeadlineClock;

extern const HitlPolicy *deadline_policy(const HitlInterrupt *interrupt);
extern TimestampTz deadline_after(const HitlPolicy *policy, Oid owner, TimestampTz from, int64 wait_ms);
extern TimestampTz deadline_clock(void *arg, TimestampTz from, int64 wait_ms);
extern List *deadline_steps(const HitlPolicy *policy, Oid owner, TimestampTz opened_at);
extern void deadline_plan(const HitlInterrupt *interrupt, const HitlPolicy *policy, List *steps);
extern void deadline_resume(int64 interrupt_id);
extern TimestampTz deadline_put_off_until(const HitlInterrupt *interrupt, TimestampTz now);
extern void deadline_set(int64 interrupt_id, TimestampTz due_at, TimestampTz expires_at, const char *reason);

#endif							/* HITL_DEADLINE_H */
