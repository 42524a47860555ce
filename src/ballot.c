/*
 * ballot.c
 *    The votes on an interrupt: whose count, for what, and what they come to.
 *
 * How votes are counted is the pure logic's (quorum.c).  Here is what it needs
 * to know: in which groups a voter is at that moment, which is kept with the
 * vote, so that a membership that changes later changes no vote; and, where
 * all of a group have to agree, who that is now.
 *
 * Separation of duties (under a policy, unless it says otherwise): who has
 * started a thread, given it its input or written into its state does not decide
 * what it asks, and who has decided a question does not decide it again when it
 * is reopened; neither does anybody in their place.  That nobody approves his own edit alone is a
 * part of the quorum.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "ballot.h"
#include "errors.h"
#include "json.h"
#include "names.h"
#include "rights.h"
#include "rulebook.h"
#include "store_desk.h"
#include "store_interrupt.h"
#include "store_policy.h"
#include "store_thread.h"
#include "store_vote.h"
#include "utils/acl.h"

/* The policy of an interrupt, in the version that it opened with; NULL: none. */
const HitlPolicy *
ballot_policy(const HitlInterrupt *interrupt)
{
	return interrupt->policy_id != 0 ? rulebook_policy(interrupt->policy_id, interrupt->policy_version) : NULL;
}

/* -------------------------------------------------------- separation of duties */

static bool
is_among(const char *person, List *persons)
{
	ListCell   *cell;

	foreach(cell, persons)
		if (person != NULL && strcmp(lfirst(cell), person) == 0)
			return true;
	return false;
}

/*
 * Who decided the question that this one looks at again, and those before it, and
 * in whose place.
 */
static List *
previous_deciders(const HitlInterrupt *interrupt)
{
	List	   *persons = NIL;

	while (interrupt != NULL && interrupt->reopens != 0)
	{
		const char *type;
		bool		is_rejected;
		ListCell   *cell;

		interrupt = store_interrupt_find(interrupt->reopens);
		if (interrupt == NULL || interrupt->decision == NULL)
			continue;
		if (interrupt->settled_by != NULL)
			persons = lappend(persons, interrupt->settled_by);
		if (interrupt->status == HITL_INTERRUPT_EXPIRED)
			continue;
		type = json_get_string(interrupt->decision, "type");
		is_rejected = type != NULL && strcmp(type, name_decision_type(HITL_DECISION_REJECT)) == 0;
		foreach(cell, quorum_standing(store_votes(interrupt->interrupt_id), interrupt->revision))
		{
			const HitlVote *vote = lfirst(cell);

			if ((vote->type == HITL_DECISION_REJECT) != is_rejected)
				continue;
			persons = lappend(persons, (void *) vote->voter);
			if (vote->on_behalf_of != NULL)
				persons = lappend(persons, (void *) vote->on_behalf_of);
		}
	}
	return persons;
}

/* Whom the policy lets not decide, for what they have had to do with it. */
static List *
barred_persons(const HitlInterrupt *interrupt, const HitlPolicy *policy)
{
	List	   *persons = NIL;

	if (policy == NULL)
		return NIL;
	if (!policy->starter_may_decide)
		persons = store_thread_starters(interrupt->thread_id);
	if (!policy->previous_decider_may_decide && interrupt->reopens != 0)
		persons = list_concat(persons, previous_deciders(interrupt));
	return persons;
}

static void
error_duties(const HitlInterrupt *interrupt, const HitlPolicy *policy, const char *who, const char *has)
{
	ereport(ERROR,
			(errcode(ERRCODE_HITL_NOT_ALLOWED),
			 errmsg("you may not decide interrupt %lld", (long long) interrupt->interrupt_id),
			 errdetail("\"%s\" has %s, and its policy \"%s\" wants somebody else to decide.", who, has, policy->name),
			 errhint("SELECT hitl.comment(%lld, '...'); tells the others what you think of it.", (long long) interrupt->interrupt_id)));
}

/*
 * An error (IH003) if the policy bars this person, or the one in whose place he
 * speaks (seat; NULL: his own).
 */
void
ballot_require_duties(const HitlInterrupt *interrupt, const HitlPolicy *policy,
					  const char *person, const char *seat)
{
	List	   *starters;
	List	   *deciders;

	if (policy == NULL)
		return;
	starters = policy->starter_may_decide ? NIL : store_thread_starters(interrupt->thread_id);
	if (is_among(person, starters) || is_among(seat, starters))
		error_duties(interrupt, policy, is_among(person, starters) ? person : seat, "started the thread, given it its input or written into its state");
	deciders = policy->previous_decider_may_decide ? NIL : previous_deciders(interrupt);
	if (is_among(person, deciders) || is_among(seat, deciders))
		error_duties(interrupt, policy, is_among(person, deciders) ? person : seat, "decided it before");
}

/* The same without an error: does it? */
bool
ballot_bars(const HitlInterrupt *interrupt, const HitlPolicy *policy,
			const char *person, const char *seat)
{
	List	   *barred = barred_persons(interrupt, policy);

	return is_among(person, barred) || is_among(seat, barred);
}

/* ---------------------------------------------------------------------- counting */

/*
 * The groups of the policy for which a vote counts, as C strings: those of the
 * person, or of the one in whose place it is.  A role that is gone has nobody.
 */
List *
ballot_groups(const HitlPolicy *policy, const HitlActor *actor, const char *seat)
{
	HitlActor	voter = *actor;
	List	   *groups = NIL;

	if (policy == NULL)
		return NIL;
	if (seat != NULL)
		voter.member = get_role_oid(seat, true);
	for (int i = 0; OidIsValid(voter.member) && i < policy->n_groups; i++)
	{
		Oid			role = identity_group(&policy->groups[i]);

		if (OidIsValid(role) && identity_belongs_to(&voter, role))
			groups = lappend(groups, policy->groups[i].role);
	}
	return groups;
}

/* What is settled has no audience any more: it had the groups of its policy. */
static List *
groups_of(const HitlPolicy *policy)
{
	List	   *roles = NIL;

	for (int i = 0; i < policy->n_groups; i++)
	{
		Oid			role = identity_group(&policy->groups[i]);

		if (OidIsValid(role))
			roles = lappend_oid(roles, role);
	}
	return roles;
}

/*
 * Who has to agree where all have to: the logins of the roles that may decide,
 * but for those that are in only for a delegation, without who is barred.
 */
static List *
members_of(const HitlInterrupt *interrupt, const HitlPolicy *policy)
{
	List	   *roles;
	List	   *members;
	List	   *barred;
	ListCell   *cell;
	ListCell   *person;

	if (!quorum_counts_members(policy))
		return NIL;
	roles = store_audience(interrupt->interrupt_id);
	if (roles == NIL)
		roles = groups_of(policy);
	foreach(cell, store_delegations(interrupt->interrupt_id))
	{
		const HitlDelegation *delegation = lfirst(cell);

		if (delegation->is_added)
			roles = list_delete_oid(roles, delegation->role);
	}
	members = rulebook_members(policy, roles);
	barred = barred_persons(interrupt, policy);
	foreach(cell, members)
	{
		HitlMembers *group = lfirst(cell);

		foreach(person, group->persons)
			if (is_among(lfirst(person), barred))
				group->persons = foreach_delete_current(group->persons, person);
	}
	return members;
}

/* Does a vote propose another answer?  Its revision is then the voter's. */
bool
ballot_is_proposal(const HitlVote *vote)
{
	return vote->type != HITL_DECISION_APPROVE && vote->type != HITL_DECISION_REJECT;
}

/* proposed_by, or by which name that person votes now. */
static const char *
proposer(List *votes, int revision, const char *proposed_by)
{
	ListCell   *cell;

	foreach(cell, votes)
	{
		const HitlVote *vote = lfirst(cell);

		if (proposed_by != NULL && vote->revision == revision && ballot_is_proposal(vote))
			return vote->voter;
	}
	return proposed_by;
}

/*
 * What do these votes (all of the interrupt) come to for a revision?
 * proposed_by: whose proposal that is, or NULL.
 */
HitlTally
ballot_tally(const HitlInterrupt *interrupt, const HitlPolicy *policy, List *votes,
			 int revision, const char *proposed_by)
{
	return quorum_tally(policy, votes, revision, proposer(votes, revision, proposed_by), members_of(interrupt, policy));
}

/* The same, for an interrupt as it stands. */
HitlTally
ballot_count(const HitlInterrupt *interrupt)
{
	return ballot_tally(interrupt, ballot_policy(interrupt), store_votes(interrupt->interrupt_id),
						interrupt->revision, interrupt->proposed_by);
}

/* Is somebody who logs in in this group, and may decide? */
static bool
has_decider(Oid group, List *audience)
{
	ListCell   *person;
	ListCell   *role;

	foreach(person, store_policy_members(group))
		foreach(role, audience)
		{
			Oid			member = get_role_oid(lfirst(person), true);

			if (OidIsValid(member) && has_privs_of_role(member, lfirst_oid(role)))
				return true;
		}
	return false;
}

/*
 * What the quorum of a pending interrupt still needs and nobody can give any
 * more, as sentences: of a group that was dropped, or of which nobody is in the
 * audience, because a ladder has put it into other hands or all have left.
 */
List *
ballot_impossible(const HitlInterrupt *interrupt)
{
	const HitlPolicy *policy = ballot_policy(interrupt);
	List	   *sentences = NIL;
	List	   *audience;
	List	   *standing;

	if (policy == NULL || policy->n_groups == 0)
		return NIL;
	audience = store_audience(interrupt->interrupt_id);
	standing = quorum_standing(store_votes(interrupt->interrupt_id), interrupt->revision);
	for (int i = 0; i < policy->n_groups; i++)
	{
		const HitlPolicyGroup *group = &policy->groups[i];
		Oid			role = identity_group(group);
		int			n_votes = 0;
		ListCell   *cell;

		foreach(cell, standing)
			if (is_among(group->role, ((HitlVote *) lfirst(cell))->groups))
				n_votes++;
		if (!OidIsValid(role))
			sentences = lappend(sentences, psprintf("Group \"%s\" of its policy \"%s\" was dropped", group->role, policy->name));
		else if (policy->quorum == HITL_QUORUM_GROUPS && group->needed > n_votes && !has_decider(role, audience))
			sentences = lappend(sentences, psprintf("Nobody of group \"%s\" who logs in may decide it", group->role));
	}
	return sentences;
}
