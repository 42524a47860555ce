/*
 * decision.h
 *    Record what reviewers say, and settle an interrupt when that is enough.
 *
 * Layer 3.
 */
#ifndef HITL_DECISION_H
#define HITL_DECISION_H

#include "answer.h"
#include "types.h"

/* where an interrupt stands after a vote */
typedef struct HitlVerdict
{
	int64		thread_id;
	HitlInterruptStatus status;
	int			votes;
	int			needed;
} HitlVerdict;

extern HitlVerdict decision_record(int64 interrupt_id, const HitlAnswer *answer,
								   const char *comment, const char *idempotency_key,
								   const char *seen);
extern void decision_check_reason(const HitlInterrupt *interrupt, const HitlPolicy *policy, const HitlAnswer *answer,
								  const char *comment);
extern HitlVerdict decision_withdraw(int64 interrupt_id, const char *comment);
extern void decision_settle(HitlInterrupt *interrupt, HitlInterruptStatus status,
							Jsonb *decision, const char *by);
extern HitlVerdict decision_standing(int64 interrupt_id);
extern bool decision_is_keyed(int64 interrupt_id, const char *idempotency_key);
extern Jsonb *decision_resume(int64 thread_id, Jsonb *given);

#endif							/* HITL_DECISION_H */
