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
#include "identity.h"
#include "inbox.h"
#include "store_desk.h"
#include "store_interrupt.h"
#include "utils/acl.h"
#include "utils/memutils.h"

/* the first page is small, since most readers want no more */
#define FIRST_PAGE 32
#define LAST_PAGE 1024

/* one in whose place the person decides */
typedef struct Seat
{
	const char *person;			/* NULL: the person's own */
	Oid			member;			/* whose memberships count */
} Seat;

struct HitlInbox
{
	HitlSnapshot snapshot;
	const char *person;
	TimestampTz now;
	List	   *seats;			/* Seat; the own one is the first */
	List	   *roles;			/* Oid: of any seat, those that may decide anything */
	int			page_size;
	HitlInboxKey last;			/* the inbox is read up to here */
	bool		is_at_end;		/* there is no page behind this one */
	List	   *page;			/* HitlInboxRow, whole groups of one interrupt */
	int			place;			/* in the page */
	HitlInboxItem item;
	MemoryContext context;		/* of the page */
};

static List *
add_seat(List *seats, const char *person, Oid member)
{
	Seat	   *seat = palloc(sizeof(Seat));

	seat->person = person;
	seat->member = member;
	return lappend(seats, seat);
}

static bool
is_of_seats(List *seats, Oid role)
{
	ListCell   *cell;

	foreach(cell, seats)
		if (has_privs_of_role(((Seat *) lfirst(cell))->member, role))
			return true;
	return false;
}

/* In whose place the session's person decides; the own seat is the first. */
static List *
seats_of(const HitlActor *actor, TimestampTz now)
{
	List	   *seats = add_seat(NIL, NULL, actor->member);
	ListCell   *cell;

	foreach(cell, store_absent(actor->person, now))
	{
		Oid			member = get_role_oid(lfirst(cell), true);

		if (OidIsValid(member))
			seats = add_seat(seats, lfirst(cell), member);
	}
	return seats;
}

/*
 * Does a role of the audience give one of the seats a right?  delegator: the
 * role is there only for a delegation of this person; *in_place_of: whose right
 * it is; NULL: the person's own, which goes before all others.
 */
static bool
gives_right(List *seats, Oid role, const char *delegator, const char **in_place_of)
{
	ListCell   *cell;

	foreach(cell, seats)
	{
		const Seat *seat = lfirst(cell);

		if (!has_privs_of_role(seat->member, role))
			continue;
		/* a right that was lent is not lent on */
		if (delegator != NULL && seat->person != NULL)
			continue;
		*in_place_of = delegator != NULL ? delegator : seat->person;
		return true;
	}
	return false;
}

/* May the session's person decide this one, in whatever place? */
bool
inbox_admits(const HitlInterrupt *interrupt)
{
	List	   *seats = seats_of(identity_viewer(), clock_now());
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
 * Begin to read the inbox of the session's person; only: what this role of the
 * audience may decide, or InvalidOid.
 */
HitlInbox *
inbox_open(Oid only, HitlSnapshot snapshot)
{
	HitlInbox  *inbox = palloc0(sizeof(HitlInbox));
	const HitlActor *actor = identity_viewer();
	ListCell   *cell;

	inbox->snapshot = snapshot;
	inbox->person = actor->person;
	inbox->now = clock_now();
	inbox->seats = seats_of(actor, inbox->now);
	foreach(cell, store_inbox_roles(snapshot))
	{
		Oid			role = lfirst_oid(cell);

		if ((!OidIsValid(only) || role == only) && is_of_seats(inbox->seats, role))
			inbox->roles = lappend_oid(inbox->roles, role);
	}
	inbox->page_size = Max(FIRST_PAGE, 4 * list_length(inbox->roles));
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

/* The next page into inbox->page, with all rows of each of its interrupts. */
static void
read_page(HitlInbox *inbox)
{
	MemoryContext old;
	int			n;

	MemoryContextReset(inbox->context);
	old = MemoryContextSwitchTo(inbox->context);
	inbox->page = store_inbox_page(inbox->roles, &inbox->last, inbox->page_size,
								   inbox->person, inbox->now, inbox->snapshot);
	MemoryContextSwitchTo(old);
	inbox->place = 0;
	n = list_length(inbox->page);
	inbox->is_at_end = n < inbox->page_size;
	/* a full page may end within the rows of an interrupt: those come again */
	if (!inbox->is_at_end)
	{
		const HitlInboxRow *cut = llast(inbox->page);

		while (n > 0 && is_same(list_nth(inbox->page, n - 1), cut))
			n--;
		Assert(n > 0);
		inbox->page = list_truncate(inbox->page, n);
	}
	if (n > 0)
		inbox->last = ((HitlInboxRow *) llast(inbox->page))->key;
	inbox->page_size = Max(inbox->page_size, Min(4 * inbox->page_size, LAST_PAGE));
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
