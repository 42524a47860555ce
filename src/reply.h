/*
 * reply.h
 *    Take an answer as it comes: in any shape, or action by action.
 *
 * Layer 3.
 */
#ifndef HITL_REPLY_H
#define HITL_REPLY_H

#include "decision.h"
#include "types.h"

/* where a batch stands after a draft */
typedef struct HitlDraftVerdict
{
	HitlVerdict verdict;
	int			n_drafts;		/* that the person has; 0 once they were all and
								 * were given as the answer */
	int			n_actions;
} HitlDraftVerdict;

extern HitlVerdict reply_record(int64 interrupt_id, Jsonb *given, const char *comment,
								const char *idempotency_key, const char *seen);
extern HitlDraftVerdict reply_draft(int64 interrupt_id, int action_no, Jsonb *given);
extern int	reply_undraft(int64 interrupt_id, int action_no);

#endif							/* HITL_REPLY_H */
