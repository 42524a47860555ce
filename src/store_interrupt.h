/*
 * store_interrupt.h
 *    Rows of hitl.interrupt and audience.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_INTERRUPT_H
#define HITL_STORE_INTERRUPT_H

#include "types.h"

/* what to do about the rows that are read */
typedef enum HitlLock
{
	HITL_LOCK_NONE,
	HITL_LOCK_WAIT,				/* lock them, waiting for those that are held */
	HITL_LOCK_SKIP				/* lock those that are free, leave out the others */
} HitlLock;

extern void store_interrupt_insert(HitlInterrupt *interrupt, const Oid *audience, int n_audience, bool is_granted);
extern HitlInterrupt *store_interrupt_find(int64 interrupt_id);
extern HitlInterrupt *store_interrupt_lock(int64 interrupt_id);
extern HitlInterrupt *store_interrupt_lock_free(int64 interrupt_id);
extern List *store_interrupt_rounds(int64 interrupt_id);
extern List *store_interrupt_lock_set(const HitlIds *interrupts, int limit);
extern List *store_interrupt_of_task(int64 thread_id, int64 task_id);
extern List *store_interrupt_unused(int64 thread_id, int step);
extern List *store_interrupt_pending(const HitlIds *threads, HitlLock lock);
extern HitlIds store_interrupt_behind(int64 thread_id, int checkpoint, int limit, int64 *n);
extern void store_interrupt_settle(int64 interrupt_id, HitlInterruptStatus status,
								   Jsonb *decision, const char *by, TimestampTz at);
extern int64 store_interrupt_reopened(const HitlInterrupt *interrupt);
extern void store_interrupt_revise(const HitlInterrupt *interrupt);
extern void store_interrupt_touch(int64 interrupt_id);

extern void store_interrupt_set_priority(int64 interrupt_id, int priority);
extern void store_interrupt_set_deadline(int64 interrupt_id, TimestampTz due_at, TimestampTz expires_at);

extern List *store_audience(int64 interrupt_id);
extern void store_audience_add(const HitlInterrupt *interrupt, Oid role, bool is_alone);

#endif							/* HITL_STORE_INTERRUPT_H */
