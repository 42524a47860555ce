/*
 * store_vote.h
 *    Rows of hitl.vote: what each reviewer said.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_VOTE_H
#define HITL_STORE_VOTE_H

#include "types.h"

extern void store_vote_insert(const HitlVote *vote);
extern Jsonb *store_vote_find(int64 interrupt_id, const char *voter,
							  const char *idempotency_key);
extern List *store_votes(int64 interrupt_id);

#endif							/* HITL_STORE_VOTE_H */
