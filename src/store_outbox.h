/*
 * store_outbox.h
 *    Rows of hitl.outbox and contact.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_OUTBOX_H
#define HITL_STORE_OUTBOX_H

#include "types.h"

/* a row of hitl.outbox, and where it goes */
typedef struct HitlMessage
{
	int64		outbox_id;
	char	   *message_id;		/* a uuid, as text */
	int64		interrupt_id;
	char	   *kind;
	char	   *role;
	char	   *address;		/* NULL: the role has none, nor has a member */
	int			attempts;
	TimestampTz created_at;
	bool		is_dropped;		/* of no use any more */
	bool		is_sent;
} HitlMessage;

extern int	store_outbox_insert(int64 interrupt_id, const char *kind, List *roles,
								const char *reason, TimestampTz at);
extern HitlMessage *store_outbox_find(int64 outbox_id);
extern List *store_outbox_claim(Oid user, bool is_owner, int max, TimestampTz now, TimestampTz until);
extern bool store_outbox_sent(int64 outbox_id, TimestampTz at);
extern bool store_outbox_failed(int64 outbox_id, const char *error, TimestampTz due_at);

extern void store_contact_set(Oid role, const char *address, const char *by, TimestampTz at);
extern bool store_contact_delete(Oid role);

#endif							/* HITL_STORE_OUTBOX_H */
