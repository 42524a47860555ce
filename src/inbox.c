/*
 * inbox.c
 *    What a person may decide, first things first.
 *
 * The session's person decides by a right of his own (a role of the audience
 * that he is in), by a delegation, or in the place of persons who are away.
 * The inbox is read in pages, as far as somebody asks, so a first page costs
 * the same whatever lies behind it.
 *
 * What the person has snoozed, or has voted on, is left out, and what the
 * policy keeps from him.
 *
 * Layer 3.  Memory: all of it lives in the context that was current at
 * inbox_open(), a page in a context below it.
 */
#include "postgres.h"

#include <limits.h>

#include "ballot.h"
#include "clock.h"
#include "inbox.h"
#include "rulebook.h"
#include "store_desk.h"
#include "store_interrupt.h"
#include "utils/acl.h"
#include "utils/memutils.h"


/* what a role of the audience gives the person */
typedef struct RoleRight
{
	Oid			role;
	bool		is_own;			/* the person is in it */
	const char *absent;			/* else: this one is, who is away */
} RoleRight;

struct HitlInbox
{
	HitlSnapshot snapshot;
	bool		only_free;
	const HitlActor *actor;
	TimestampTz now;
	int			n_rights;
	RoleRight  *rights;			/* by role; what gives nothing is left out */
	List	   *roles;			/* the same as Oid */
	bool		is_begun;
	HitlInboxKey last;			/* the inbox is read up to here */
	bool		is_at_end;		/* there is no page behind this one */
	List	   *page;			/* HitlInboxRow, whole groups of one interrupt */
	int			place;			/* in the page */
	HitlInboxItem item;
	MemoryContext context;		/* of the page */
};

/*
 * In whose place a person decides, as HitlActor: the person's own, then those
 * who are away.
 */
static List *
seats_of(const HitlActor *actor, TimestampTz now)
{
	List	   *seats = list_make1((void *) actor);
	ListCell   *cell;

	foreach(cell, store_absent(actor->person, now))
	{
		HitlActor  *absent = palloc0(sizeof(HitlActor));

		absent->person = lfirst(cell);
		absent->member = get_role_oid(absent->person, true);
		if (OidIsValid(absent->member))
			seats = lappend(seats, absent);
	}
	return seats;
}

/*
 * Does a role of the audience give somebody a right, in whose seat the person
 * decides?  The person's own goes before all others.  As rights.c has it, for
 * votes: a superuser's seat is only where somebody has put him.
 */
static bool
gives_right(List *seats, Oid role, RoleRight *right)
{
	ListCell   *cell;

	right->role = role;
	right->is_own = identity_is_in(linitial(seats), role);
	right->absent = NULL;
	if (right->is_own)
		return true;
	for_each_from(cell, seats, 1)
	{
		const HitlActor *absent = lfirst(cell);

		if (identity_belongs_to(absent, role))
		{
			right->absent = absent->person;
			return true;
		}
	}
	return false;
}

/*
 * In whose place would the person decide by that right?  delegator: the role is
 * there only for a delegation of this person.  What was lent is not lent on.
 */
static bool
has_place(const RoleRight *right, const char *delegator, const char **in_place_of)
{
	*in_place_of = delegator != NULL ? delegator : right->absent;
	return delegator == NULL || right->is_own;
}

/*
 * Does the policy let the person decide it in that place?  Who started the
 * thread is looked at, and not who gave it more input: that is asked with the
 * vote.
 */
static bool
policy_admits(const HitlActor *actor, const HitlInboxRow *row, const char *in_place_of)
{
	const HitlPolicy *policy;
	const HitlInterrupt *reopened;

	if (row->policy_id == 0)
		return true;
	policy = rulebook_policy(row->policy_id, row->policy_version);
	if (in_place_of != NULL && !policy->may_delegate)
		return false;
	if (actor->is_asserted && !policy->asserted_may_decide)
		return false;
	/* few are asked again: for these there is time to look at who decided before */
	reopened = row->is_reopened ? store_interrupt_find(row->key.interrupt_id) : NULL;
	if (reopened != NULL && ballot_bars(reopened, policy, actor->person, in_place_of))
		return false;
	return policy->starter_may_decide || row->starter == NULL ||
		(strcmp(row->starter, actor->person) != 0 &&
		 (in_place_of == NULL || strcmp(row->starter, in_place_of) != 0));
}

/* May a person decide this one, in whatever place? */
bool
inbox_admits(const HitlActor *actor, const HitlInterrupt *interrupt)
{
	List	   *seats = seats_of(actor, clock_now());
	List	   *delegations = store_delegations(interrupt->interrupt_id);
	ListCell   *cell;

	foreach(cell, store_audience(interrupt->interrupt_id))
	{
		const char *delegator = NULL;
		const char *in_place_of;
		RoleRight	right;
		ListCell   *other;

		foreach(other, delegations)
		{
			const HitlDelegation *delegation = lfirst(other);

			if (delegation->is_added && delegation->role == lfirst_oid(cell))
				delegator = delegation->delegator;
		}
		if (gives_right(seats, lfirst_oid(cell), &right) && has_place(&right, delegator, &in_place_of))
			return true;
	}
	return false;
}

/*
 * Begin to read a person's inbox.  only: what this role of the audience may
 * decide, or InvalidOid; only_free: what nobody holds.
 */
HitlInbox *
inbox_open(const HitlActor *actor, Oid only, bool only_free, HitlSnapshot snapshot)
{
	HitlInbox  *inbox = palloc0(sizeof(HitlInbox));
	List	   *roles = store_inbox_roles(snapshot);
	List	   *seats;
	ListCell   *cell;

	inbox->snapshot = snapshot;
	inbox->only_free = only_free;
	inbox->actor = actor;
	inbox->now = clock_now();
	inbox->rights = palloc(sizeof(RoleRight) * Max(list_length(roles), 1));
	seats = seats_of(actor, inbox->now);
	foreach(cell, roles)
	{
		Oid			role = lfirst_oid(cell);

		if ((OidIsValid(only) && role != only) || !gives_right(seats, role, &inbox->rights[inbox->n_rights]))
			continue;
		inbox->n_rights++;
		inbox->roles = lappend_oid(inbox->roles, role);
	}
	inbox->last.priority = SHRT_MIN;
	inbox->last.opened_at = DT_NOBEGIN;
	inbox->is_at_end = inbox->roles == NIL;
	inbox->context = AllocSetContextCreate(CurrentMemoryContext, "hitl inbox page", ALLOCSET_DEFAULT_SIZES);
	return inbox;
}

static int
compare_rights(const void *a, const void *b)
{
	Oid			left = ((const RoleRight *) a)->role;
	Oid			right = ((const RoleRight *) b)->role;

	return left < right ? -1 : left > right;
}

/* In whose place would the person decide this row? */
static bool
row_has_place(const HitlInbox *inbox, const HitlInboxRow *row, const char **in_place_of)
{
	RoleRight	key = {.role = row->role};
	const RoleRight *right = bsearch(&key, inbox->rights, inbox->n_rights, sizeof(RoleRight), compare_rights);

	return right != NULL && !row->is_void && has_place(right, row->delegator, in_place_of);
}

static bool
is_same(const HitlInboxRow *a, const HitlInboxRow *b)
{
	return a->key.interrupt_id == b->key.interrupt_id;
}

/*
 * The next page into inbox->page, with all rows of each of its interrupts.  The
 * first page is small, since most readers want no more.
 */
static void
read_page(HitlInbox *inbox)
{
	MemoryContext old;
	int			n;

	MemoryContextReset(inbox->context);
	old = MemoryContextSwitchTo(inbox->context);
	inbox->page = store_inbox_page(inbox->roles, &inbox->last, !inbox->is_begun, inbox->actor->person, inbox->now,
								   inbox->only_free, inbox->snapshot, &inbox->is_at_end);
	MemoryContextSwitchTo(old);
	inbox->is_begun = true;
	inbox->place = 0;
	n = list_length(inbox->page);
	/* it may end among the rows of an interrupt: those come again */
	if (!inbox->is_at_end)
	{
		const HitlInboxRow *cut = llast(inbox->page);

		while (n > 0 && is_same(list_nth(inbox->page, n - 1), cut))
			n--;
		/* but not where there is nothing else: so many roles has nobody */
		if (n == 0)
			n = list_length(inbox->page);
		inbox->page = list_truncate(inbox->page, n);
	}
	if (n > 0)
		inbox->last = ((HitlInboxRow *) llast(inbox->page))->key;
}

/* The next one, which is good until the next call; NULL at the end. */
const HitlInboxItem *
inbox_next(HitlInbox *inbox)
{
	for (;;)
	{
		const HitlInboxRow *row;
		bool		is_mine = false;
		const char *place = NULL;

		if (inbox->place >= list_length(inbox->page))
		{
			if (inbox->is_at_end)
				return NULL;
			read_page(inbox);
			continue;
		}
		row = list_nth(inbox->page, inbox->place);
		for (; inbox->place < list_length(inbox->page) && is_same(list_nth(inbox->page, inbox->place), row); inbox->place++)
		{
			const HitlInboxRow *same = list_nth(inbox->page, inbox->place);
			const char *in_place_of;

			if (row_has_place(inbox, same, &in_place_of))
			{
				place = is_mine && place == NULL ? NULL : in_place_of;
				is_mine = true;
			}
		}
		if (!is_mine || row->is_aside || !policy_admits(inbox->actor, row, place))
			continue;
		inbox->item.interrupt_id = row->key.interrupt_id;
		inbox->item.graph_id = row->graph_id;
		inbox->item.claimed_by = row->claimed_by;
		inbox->item.claimed_until = row->claimed_until;
		inbox->item.in_place_of = place;
		return &inbox->item;
	}
}
