/*
 * tail.h
 *    Record what came of the run of a task.
 *
 * Layer 3.
 */
#ifndef HITL_TAIL_H
#define HITL_TAIL_H

#include "frame.h"
#include "types.h"

/* what came of a claim */
typedef enum HitlClaim
{
	HITL_CLAIM_RECORDED,		/* all that is to be kept is written */
	HITL_CLAIM_VOID				/* undo this transaction: the thread was
								 * cancelled or given another step, or we
								 * were stopped */
} HitlClaim;

extern HitlClaim tail_record(const HitlQueueEntry *entry, HitlTask *task, const HitlRun *run);
extern HitlClaim tail_record_final(const HitlQueueEntry *entry, HitlTask *task, const HitlRun *run);
extern bool tail_record_failure(const HitlThread *thread, HitlTask *task, const HitlError *error);
extern bool tail_is_stale(const HitlThread *thread, int step);
extern void tail_requeue(const HitlQueueEntry *entry, int64 delay_ms);

#endif							/* HITL_TAIL_H */
