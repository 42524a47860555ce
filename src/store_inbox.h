/*
 * store_inbox.h
 *    What is in the inboxes of some roles, page by page.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_INBOX_H
#define HITL_STORE_INBOX_H

#include "datatype/timestamp.h"
#include "types.h"

/* as of when rows are read */
typedef enum HitlSnapshot
{
	HITL_SNAPSHOT_STATEMENT,	/* that of the statement which calls us */
	HITL_SNAPSHOT_NEW
} HitlSnapshot;

/* where a row stands in an inbox */
typedef struct HitlInboxKey
{
	int			priority;
	TimestampTz opened_at;
	int64		interrupt_id;
} HitlInboxKey;

/* a row of hitl.audience, with what is to be known of its interrupt */
typedef struct HitlInboxRow
{
	HitlInboxKey key;
	Oid			role;
	const char *delegator;		/* the role is there only for a delegation of
								 * this person; else NULL */
	bool		is_aside;		/* the person has snoozed it, or has voted on this
								 * revision; or it is held, and not wanted */
	bool		is_void;		/* the role was granted the right, and has it no
								 * more */
	int64		graph_id;
	int64		policy_id;		/* 0: none */
	int			policy_version;
	const char *starter;		/* who started the thread */
	bool		is_reopened;	/* it looks at a decision again */
	const char *claimed_by;		/* may be NULL */
	TimestampTz claimed_until;
} HitlInboxRow;

extern List *store_inbox_roles(HitlSnapshot snapshot);
extern List *store_inbox_page(List *roles, const HitlInboxKey *after, bool is_first, const char *person, TimestampTz now,
							  bool only_free, HitlSnapshot snapshot, bool *is_last);

#endif							/* HITL_STORE_INBOX_H */
