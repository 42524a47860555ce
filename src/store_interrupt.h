/*
 * store_interrupt.h
 *    Rows of hitl.interrupt, vote and audience.
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

/* a row of hitl.vote */
typedef struct HitlVote
{
	int64		interrupt_id;
	const char *voter;
	const char *role;
	HitlDecisionType type;
	Jsonb	   *answer;
	const char *comment;		/* may be NULL */
	const char *idempotency_key;	/* may be NULL */
} HitlVote;

extern void store_interrupt_insert(HitlInterrupt *interrupt, TimestampTz at);
extern HitlInterrupt *store_interrupt_find(int64 interrupt_id);
extern HitlInterrupt *store_interrupt_lock(int64 interrupt_id);
extern List *store_interrupt_of_task(int64 thread_id, int64 task_id);
extern List *store_interrupt_unused(int64 thread_id, int step);
extern List *store_interrupt_pending(const HitlIds *threads, HitlLock lock);
extern HitlIds store_interrupt_behind(int64 thread_id, int checkpoint, int limit, int64 *n);
extern void store_interrupt_settle(int64 interrupt_id, HitlInterruptStatus status,
								   Jsonb *decision, const char *by, TimestampTz at);

extern void store_vote_insert(const HitlVote *vote, TimestampTz at);
extern Jsonb *store_vote_find(int64 interrupt_id, const char *voter,
							  const char *idempotency_key);

#endif							/* HITL_STORE_INTERRUPT_H */
