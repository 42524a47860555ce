/*
 * ballot.h
 *    The votes on an interrupt: whose count, for what, and what they come to.
 *
 * Layer 3.
 */
#ifndef HITL_BALLOT_H
#define HITL_BALLOT_H

#include "identity.h"
#include "quorum.h"
#include "types.h"

extern const HitlPolicy *ballot_policy(const HitlInterrupt *interrupt);
extern void ballot_require_duties(const HitlInterrupt *interrupt, const HitlPolicy *policy,
								  const char *person, const char *seat);
extern bool ballot_bars(const HitlInterrupt *interrupt, const HitlPolicy *policy,
						const char *person, const char *seat);
extern List *ballot_groups(const HitlPolicy *policy, const HitlActor *actor, const char *seat);
extern List *ballot_impossible(const HitlInterrupt *interrupt);
extern bool ballot_is_proposal(const HitlVote *vote);
extern HitlTally ballot_tally(const HitlInterrupt *interrupt, const HitlPolicy *policy, List *votes,
							  int revision, const char *proposed_by);
extern HitlTally ballot_count(const HitlInterrupt *interrupt);

#endif							/* HITL_BALLOT_H */
