/*
 * inbox.h
 *    What a person may decide, first things first.
 *
 * Layer 3.
 */
#ifndef HITL_INBOX_H
#define HITL_INBOX_H

#include "identity.h"
#include "store_inbox.h"
#include "types.h"

/* a question that the person may decide */
typedef struct HitlInboxItem
{
	int64		interrupt_id;
	int64		graph_id;
	const char *claimed_by;		/* as it was read; may be NULL, or over */
	TimestampTz claimed_until;
	const char *in_place_of;	/* whose seat it is, or NULL: one's own */
} HitlInboxItem;

typedef struct HitlInbox HitlInbox;

extern HitlInbox *inbox_open(const HitlActor *actor, Oid only, bool only_free, HitlSnapshot snapshot);
extern const HitlInboxItem *inbox_next(HitlInbox *inbox);
extern bool inbox_admits(const HitlActor *actor, const HitlInterrupt *interrupt);

#endif							/* HITL_INBOX_H */
