/*
 * quorum.h
 *    Count votes under a policy: is that enough, and what is missing?
 *
 * Layer 1: pure.
 */
#ifndef HITL_QUORUM_H
#define HITL_QUORUM_H

#include "types.h"

typedef enum HitlTallyVerdict
{
	HITL_TALLY_WAIT,
	HITL_TALLY_PASSED,			/* the question as it stands in this revision */
	HITL_TALLY_REJECTED
} HitlTallyVerdict;

/* who is in a role: those that may decide, each login by its name */
typedef struct HitlMembers
{
	char	   *role;
	List	   *persons;		/* as C strings */
} HitlMembers;

typedef struct HitlTally
{
	HitlTallyVerdict verdict;
	int			votes;			/* that count for it, or their weight: those that
								 * reject, once it is rejected */
	int			needed;
	List	   *missing;		/* while it waits: C strings such as "1 of legal" */
} HitlTally;

extern List *quorum_standing(List *votes, int revision);
extern HitlTally quorum_tally(const HitlPolicy *policy, List *votes, int revision,
							  const char *proposed_by, List *members);
extern bool quorum_counts_members(const HitlPolicy *policy);

#endif							/* HITL_QUORUM_H */
