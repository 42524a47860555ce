/*
 * claim.h
 *    Claim one task and run its node.
 *
 * Layer 3.
 */
#ifndef HITL_CLAIM_H
#define HITL_CLAIM_H

#include "tail.h"

extern HitlClaim claim_run(const HitlQueueEntry *entry, bool fires_deferred);
extern void claim_end_mark(void);

/* a run that was lost to an error outside the node */
extern void claim_record_lost(const HitlQueueEntry *entry, const ErrorData *error, HitlOutcome outcome);
extern void claim_give_way(const HitlQueueEntry *entry);
extern HitlOutcome claim_outcome_of(const ErrorData *error);

#endif							/* HITL_CLAIM_H */
