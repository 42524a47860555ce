/*
 * inbox.c
 *    What a person may decide, first things first.
 *
 * The session's person decides by a right of his own (a role of the audience
 * that he is in), by a delegation, or in the place of persons who are away.
 * The inbox is read in pages, as far as somebody asks, so a first page costs
 * the same whatever lies behind it.
 *
 * What the person has snoozed, or has voted on, is left out.
 *
 * Layer 3.  Memory: all of it lives in the context that was current at
 * inbox_open(), a page in a context below it.
 */
#include "postgres.h"

#include <limits.h>

#include "clock.h"
#include "inbox.h"
#include "store_desk.h"
#include "store_interrupt.h"
#include "utils/acl.h"
#include "utils/memutils.h"


struct HitlInbox
{
	HitlSnapshot snapshot;
	bool		only_free;
	const char *person;
	TimestampTz now;
	List	   *seats;			/* HitlActor; the person is the first */
	List	   *roles;			/* Oid: of any seat, those that may decide anything */
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
 * Does a role of the audience give one of the seats a right?  delegator: the
 * role is there only for a delegation of this person.  *in_place_of: whose right
 * it is; NULL: the person's own, which goes before all others.  As rights.c has
 * it, for votes: what was lent is not lent on, and a superuser's seat is only
 * where somebody has put him.
 */
static bool
gives_right(List *seats, Oid role, const char *delegator, const char **in_place_of)
{
	const HitlActor *self = linitial(seats);
	ListCell   *cell;

	*in_place_of = delegator;
	if (identity_is_in(self, role))
		return true;
	if (delegator != NULL)
		return false;
	for_each_from(cell, seats, 1)
	{
		const HitlActor *absent = lfirst(cell);

		if (identity_belongs_to(absent, role))
		{
			*in_place_of = absent->person;
			return true;
		}
	}
	return false;
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
		ListCell   *other;

		foreach(other, delegations)
		{
			const HitlDelegation *delegation = lfirst(other);

			if (delegation->is_added && delegation->role == lfirst_oid(cell))
				delegator = delegation->delegator;
		}
		if (gives_right(seats, lfirst_oid(cell), delegator, &in_place_of))
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
	ListCell   *cell;

	inbox->snapshot = snapshot;
	inbox->only_free = only_free;
	inbox->person = actor->person;
	inbox->now = clock_now();
	inbox->seats = seats_of(actor, inbox->now);
	foreach(cell, store_inbox_roles(snapshot))
	{
		Oid			role = lfirst_oid(cell);
		const char *in_place_of;

		if ((!OidIsValid(only) || role == only) && gives_right(inbox->seats, role, NULL, &in_place_of))
			inbox->roles = lappend_oid(inbox->roles, role);
	}
	inbox->last.priority = SHRT_MIN;
	inbox->last.opened_at = DT_NOBEGIN;
	inbox->is_at_end = inbox->roles == NIL;
	inbox->context = AllocSetContextCreate(CurrentMemoryContext, "hitl inbox page", ALLOCSET_DEFAULT_SIZES);
	return inbox;
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
	inbox->page = store_inbox_page(inbox->roles, &inbox->last, !inbox->is_begun, inbox->person, inbox->now,
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

			if (gives_right(inbox->seats, same->role, same->delegator, &in_place_of))
			{
				place = is_mine && place == NULL ? NULL : in_place_of;
				is_mine = true;
			}
		}
		if (!is_mine || row->is_aside)
			continue;
		inbox->item.interrupt_id = row->key.interrupt_id;
		inbox->item.graph_id = row->graph_id;
		inbox->item.claimed_by = row->claimed_by;
		inbox->item.claimed_until = row->claimed_until;
		inbox->item.in_place_of = place;
		return &inbox->item;
	}
}
