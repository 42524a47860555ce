/*
 * store_timer.h
 *    Rows of hitl.timer and escalation.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_TIMER_H
#define HITL_STORE_TIMER_H

#include "types.h"

/* where a walk over the timers that are due has got to */
typedef struct HitlTimerPlace
{
	TimestampTz due_at;
	int64		interrupt_id;
	Oid			owner;			/* of the graph; InvalidOid: the interrupt is not
								 * there */
	int64		graph_id;
} HitlTimerPlace;

extern void store_timer_insert(List *timers);
extern List *store_timer_due(TimestampTz now, const HitlTimerPlace *after, int limit);
extern List *store_timer_of(const HitlIds *interrupts, TimestampTz now);
extern bool store_timer_fire(const HitlTimer *timer, const char *action, const char *role, TimestampTz now);
extern void store_timer_move(const HitlTimer *timer, TimestampTz due_at);
extern void store_timer_delete(const HitlTimer *timer);
extern void store_timer_delete_kind(int64 interrupt_id, HitlTimerKind kind);
extern int	store_timer_rounds(int64 interrupt_id, HitlTimerKind kind);
extern bool store_timer_resume(int64 interrupt_id, TimestampTz *due_at);
extern void store_timer_postpone(int64 interrupt_id, TimestampTz now, TimestampTz until);
extern TimestampTz store_timer_next_due(TimestampTz now, bool *is_any_due);

#endif							/* HITL_STORE_TIMER_H */
