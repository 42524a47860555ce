/*
 * quorum.c
 *    Count votes under a policy: is that enough, and what is missing?
 *
 * What counts:
 *   - votes on this revision only: who approved something else has not approved
 *     this;
 *   - of each person the latest vote, and none once it was withdrawn;
 *   - of each seat (the person in whose place a vote was) one vote: its holder's
 *     own, else the latest of who stood in;
 *   - for one group only, where a policy names several: so "one of finance and
 *     one of legal" are two people, also where somebody is in both.  The votes
 *     are dealt out to the groups so that most of them count.
 * "all" of a group is a condition on its members, and takes nobody away from the
 * other groups.  A group without members is never complete.
 *
 * An edit or a response in a revision is its editor's vote for it.  A reject is
 * the end where it has a veto, and needs the quorum too where it has none; of
 * both at once, the reject is heard.
 *
 * So, and test/unit/quorum.sql tries: one more approve never turns passed into
 * waiting; the order matters only among the votes of one person or seat; a vote
 * that is withdrawn might as well not have been.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "quorum.h"

/* so many names are said, of those that are missing */
#define MAX_NAMES 5

/* The person for whom a vote counts. */
static const char *
seat_of(const HitlVote *vote)
{
	return vote->on_behalf_of != NULL ? vote->on_behalf_of : vote->voter;
}

static bool
has_string(List *strings, const char *string)
{
	ListCell   *cell;

	foreach(cell, strings)
		if (strcmp(lfirst(cell), string) == 0)
			return true;
	return false;
}

/*
 * The votes of a revision that count, as HitlVote, in the order in which they
 * were given.  votes: all of the interrupt, likewise.
 */
List *
quorum_standing(List *votes, int revision)
{
	List	   *latest = NIL;
	List	   *standing = NIL;
	ListCell   *cell;
	ListCell   *other;

	/* of each person the latest */
	foreach(cell, votes)
	{
		HitlVote   *vote = lfirst(cell);

		if (vote->revision != revision)
			continue;
		foreach(other, latest)
			if (strcmp(((HitlVote *) lfirst(other))->voter, vote->voter) == 0)
				latest = foreach_delete_current(latest, other);
		if (!vote->is_withdrawal)
			latest = lappend(latest, vote);
	}
	/* of each seat one */
	foreach(cell, latest)
	{
		HitlVote   *vote = lfirst(cell);
		bool		is_own = strcmp(vote->voter, seat_of(vote)) == 0;
		bool		counts = true;

		foreach(other, latest)
		{
			HitlVote   *rival = lfirst(other);

			if (rival == vote || strcmp(seat_of(rival), seat_of(vote)) != 0)
				continue;
			if (strcmp(rival->voter, seat_of(rival)) == 0)
				counts = false;
			else if (!is_own && foreach_current_index(other) > foreach_current_index(cell))
				counts = false;
		}
		if (counts)
			standing = lappend(standing, vote);
	}
	return standing;
}

static bool
is_in(const HitlVote *vote, const HitlPolicyGroup *group)
{
	return has_string(vote->groups, group->role);
}

/* Does a reject end it at once? */
static bool
has_veto(const HitlPolicy *policy, const HitlVote *vote)
{
	if (policy == NULL || policy->has_veto)
		return true;
	for (int i = 0; i < policy->n_groups; i++)
		if (policy->groups[i].has_veto && is_in(vote, &policy->groups[i]))
			return true;
	return false;
}

/* --------------------------------------------------------------------- members */

/* The persons in a role, or in any of them (NULL), each once. */
static List *
persons_in(List *members, const char *role)
{
	List	   *persons = NIL;
	ListCell   *cell;
	ListCell   *person;

	foreach(cell, members)
	{
		const HitlMembers *group = lfirst(cell);

		if (role == NULL || strcmp(group->role, role) == 0)
			foreach(person, group->persons)
				if (!has_string(persons, lfirst(person)))
					persons = lappend(persons, lfirst(person));
	}
	return persons;
}

/* Those of them for whom none of the votes is. */
static List *
silent(List *persons, List *votes)
{
	List	   *seats = NIL;
	List	   *left = NIL;
	ListCell   *cell;

	foreach(cell, votes)
		seats = lappend(seats, (void *) seat_of(lfirst(cell)));
	foreach(cell, persons)
		if (!has_string(seats, lfirst(cell)))
			left = lappend(left, lfirst(cell));
	return left;
}

static char *
name_list(List *names)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, names)
	{
		int			i = foreach_current_index(cell);

		if (i == MAX_NAMES)
		{
			appendStringInfo(&text, " and %d more", list_length(names) - i);
			break;
		}
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", (char *) lfirst(cell));
	}
	return text.data;
}

/*
 * Have all of these voted so?  Adds to the tally's votes and needed, and to what
 * is missing.
 */
static void
count_all(HitlTally *tally, List *persons, List *votes, const char *what)
{
	List	   *left = silent(persons, votes);

	tally->votes += list_length(persons) - list_length(left);
	tally->needed += Max(list_length(persons), 1);
	if (persons == NIL)
		tally->missing = lappend(tally->missing, psprintf("%s: nobody is in it who logs in and may decide", what));
	else if (left != NIL)
		tally->missing = lappend(tally->missing, psprintf("%s: %s", what, name_list(left)));
}

/* -------------------------------------------------------------------- the groups */

/* votes dealt out to groups */
typedef struct Deal
{
	const HitlPolicy *policy;
	List	   *votes;
	int		   *group_of;		/* of each vote: the group that it counts for, or -1 */
	int		   *n_dealt;		/* to each group */
	bool	   *is_tried;		/* of each group, in one search */
} Deal;

/*
 * Have this vote count: for a group that has room, or for one that makes room by
 * having one of its votes count for another.
 */
static bool
deal_vote(Deal *deal, int v)
{
	for (int g = 0; g < deal->policy->n_groups; g++)
	{
		const HitlPolicyGroup *group = &deal->policy->groups[g];
		bool		has_room = deal->n_dealt[g] < group->needed;

		if (group->needed <= 0 || deal->is_tried[g] || !is_in(list_nth(deal->votes, v), group))
			continue;
		deal->is_tried[g] = true;
		for (int w = 0; !has_room && w < list_length(deal->votes); w++)
			if (deal->group_of[w] == g && deal_vote(deal, w))
			{
				deal->n_dealt[g]--;
				has_room = true;
			}
		if (has_room)
		{
			deal->group_of[v] = g;
			deal->n_dealt[g]++;
			return true;
		}
	}
	return false;
}

static void
count_groups(HitlTally *tally, const HitlPolicy *policy, List *votes, List *members)
{
	int			n_votes = list_length(votes);
	Deal		deal = {
		.policy = policy,
		.votes = votes,
		.group_of = palloc(sizeof(int) * Max(n_votes, 1)),
		.n_dealt = palloc0(sizeof(int) * policy->n_groups),
		.is_tried = palloc(sizeof(bool) * policy->n_groups)
	};

	for (int v = 0; v < n_votes; v++)
		deal.group_of[v] = -1;
	for (int v = 0; v < n_votes; v++)
	{
		memset(deal.is_tried, 0, sizeof(bool) * policy->n_groups);
		(void) deal_vote(&deal, v);
	}
	for (int g = 0; g < policy->n_groups; g++)
	{
		const HitlPolicyGroup *group = &policy->groups[g];

		if (group->needed == HITL_QUORUM_ALL)
			count_all(tally, persons_in(members, group->role), votes, psprintf("all of %s", group->role));
		else if (group->needed > 0)
		{
			tally->votes += deal.n_dealt[g];
			tally->needed += group->needed;
			if (deal.n_dealt[g] < group->needed)
				tally->missing = lappend(tally->missing, psprintf("%d of %s", group->needed - deal.n_dealt[g], group->role));
		}
	}
}

/* A vote weighs as the heaviest of its voter's groups. */
static int
weight_of(const HitlPolicy *policy, const HitlVote *vote)
{
	int			weight = 0;

	for (int i = 0; i < policy->n_groups; i++)
		if (is_in(vote, &policy->groups[i]))
			weight = Max(weight, policy->groups[i].weight);
	return weight;
}

/* -------------------------------------------------------------------- the verdict */

/* Are these votes, which all say the same, enough?  Then nothing is missing. */
static HitlTally
count(const HitlPolicy *policy, List *votes, List *members)
{
	HitlTally	tally = {.verdict = HITL_TALLY_WAIT};
	ListCell   *cell;

	switch (policy != NULL ? policy->quorum : HITL_QUORUM_COUNT)
	{
		case HITL_QUORUM_COUNT:
			if (policy != NULL && policy->needed == HITL_QUORUM_ALL)
			{
				count_all(&tally, persons_in(members, NULL), votes, "all who may decide");
				break;
			}
			tally.needed = policy != NULL ? policy->needed : 1;
			tally.votes = list_length(votes);
			if (tally.votes < tally.needed)
				tally.missing = list_make1(psprintf("%d more %s", tally.needed - tally.votes,
													tally.needed - tally.votes == 1 ? "vote" : "votes"));
			break;
		case HITL_QUORUM_GROUPS:
			count_groups(&tally, policy, votes, members);
			break;
		case HITL_QUORUM_WEIGHTS:
			tally.needed = policy->needed;
			foreach(cell, votes)
				tally.votes += weight_of(policy, lfirst(cell));
			if (tally.votes < tally.needed)
				tally.missing = list_make1(psprintf("votes of weight %d", tally.needed - tally.votes));
			break;
	}
	return tally;
}

/* Has somebody approved who is not the editor, and not in his place? */
static bool
has_second_person(List *approvals, const char *editor)
{
	ListCell   *cell;

	foreach(cell, approvals)
	{
		const HitlVote *vote = lfirst(cell);

		if (strcmp(vote->voter, editor) != 0 && strcmp(seat_of(vote), editor) != 0)
			return true;
	}
	return false;
}

/* Does "all" stand in the quorum, so that quorum_tally() has to know the members? */
bool
quorum_counts_members(const HitlPolicy *policy)
{
	if (policy == NULL)
		return false;
	if (policy->quorum == HITL_QUORUM_COUNT)
		return policy->needed == HITL_QUORUM_ALL;
	for (int i = 0; i < policy->n_groups; i++)
		if (policy->groups[i].needed == HITL_QUORUM_ALL)
			return true;
	return false;
}

/*
 * What have these votes come to?  policy: NULL for none, when one vote decides;
 * votes: HitlVote, all of the interrupt, by vote_id; proposed_by: whose edit or
 * response the revision is, or NULL; members: HitlMembers of the roles that
 * may decide, for "all" (see quorum_counts_members()).
 */
HitlTally
quorum_tally(const HitlPolicy *policy, List *votes, int revision, const char *proposed_by, List *members)
{
	List	   *approvals = NIL;
	List	   *rejects = NIL;
	bool		is_vetoed = false;
	HitlTally	tally;
	ListCell   *cell;

	foreach(cell, quorum_standing(votes, revision))
	{
		HitlVote   *vote = lfirst(cell);

		if (vote->type != HITL_DECISION_REJECT)
			approvals = lappend(approvals, vote);
		else
		{
			rejects = lappend(rejects, vote);
			is_vetoed |= has_veto(policy, vote);
		}
	}
	if (rejects != NIL)
	{
		tally = count(policy, rejects, members);
		if (is_vetoed)
		{
			tally.votes = list_length(rejects);
			tally.needed = 1;
		}
		if (is_vetoed || tally.missing == NIL)
		{
			tally.verdict = HITL_TALLY_REJECTED;
			tally.missing = NIL;
			return tally;
		}
	}
	tally = count(policy, approvals, members);
	if (policy != NULL && proposed_by != NULL && !policy->editor_may_decide_alone && !has_second_person(approvals, proposed_by))
		tally.missing = lappend(tally.missing, psprintf("somebody other than %s, whose proposal it is", proposed_by));
	tally.verdict = tally.missing == NIL ? HITL_TALLY_PASSED : HITL_TALLY_WAIT;
	return tally;
}
