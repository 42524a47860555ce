/*
 * ladder.h
 *    Timers of an interrupt: when they are due, and what is to be done then.
 *
 * Layer 1: pure.
 */
#ifndef HITL_LADDER_H
#define HITL_LADDER_H

#include "types.h"

/* what becomes of a timer that is due */
typedef enum HitlTimerVerdict
{
	HITL_TIMER_FIRES,
	HITL_TIMER_WAITS,			/* somebody holds the interrupt: until his claim
								 * lapses */
	HITL_TIMER_DROPS			/* there is nothing to do any more */
} HitlTimerVerdict;

/* so much later, as the policy counts time */
typedef TimestampTz (*LadderClock) (void *arg, TimestampTz from, int64 wait_ms);

extern TimestampTz ladder_after(TimestampTz from, int64 wait_ms);
extern List *ladder_steps(const HitlPolicy *policy, TimestampTz opened_at, LadderClock after, void *arg);
extern List *ladder_deadlines(const HitlPolicy *policy, const HitlInterrupt *interrupt);
extern const HitlLadderStep *ladder_step(const HitlPolicy *policy, const HitlTimer *timer);
extern HitlTimerVerdict ladder_verdict(const HitlPolicy *policy, const HitlInterrupt *interrupt, const HitlTimer *timer,
									   TimestampTz now);
extern HitlTimer *ladder_next(const HitlPolicy *policy, const HitlTimer *timer, TimestampTz now, LadderClock after, void *arg);
extern int	ladder_compare(const HitlTimer *a, const HitlTimer *b);

#endif							/* HITL_LADDER_H */
