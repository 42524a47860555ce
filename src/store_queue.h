/*
 * store_queue.h
 *    Rows of hitl.run_queue: which task is to be run, for whom, from when.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_QUEUE_H
#define HITL_STORE_QUEUE_H

#include "types.h"

/* what the queue holds for one owner */
typedef struct HitlQueueOwner
{
	Oid			owner;
	int			due;			/* rows that are due, counted up to a limit */
	TimestampTz next_due;		/* the earliest later one; DT_NOEND if none */
} HitlQueueOwner;

extern void store_queue_insert(Oid owner, TimestampTz due_at,
							   int64 thread_id, int step, int64 task_id);
extern void store_queue_delete(const HitlQueueEntry *entry);
extern bool store_queue_claim(Oid owner, TimestampTz now,
							  HitlQueueEntry *entry);
extern bool store_queue_reclaim(const HitlQueueEntry *entry);
extern bool store_queue_claim_thread(int64 thread_id, TimestampTz now,
									 HitlQueueEntry *entry);
extern bool store_queue_claim_task(int64 thread_id, int64 task_id);
extern void store_queue_delete_task(int64 thread_id, int64 task_id);
extern void store_queue_delete_thread(int64 thread_id);
extern HitlIds store_queue_due_threads(const HitlIds *threads, TimestampTz now);
extern bool store_queue_is_ours(const HitlIds *threads);
extern bool store_queue_is_others(const HitlIds *threads);
extern bool store_queue_next_due(const HitlIds *threads, TimestampTz *due_at);
extern List *store_queue_owners(TimestampTz now, int limit);
extern bool store_queue_prepared(void);

#endif							/* HITL_STORE_QUEUE_H */
