/*
 * store_desk.h
 *    Rows of hitl.delegation, absence, snooze, comment and viewed, and the claim
 *    of an interrupt.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_DESK_H
#define HITL_STORE_DESK_H

#include "datatype/timestamp.h"
#include "types.h"

/* a row of hitl.delegation: members of the role vote in the delegator's place */
typedef struct HitlDelegation
{
	const char *delegator;
	Oid			role;
	bool		is_added;		/* the role has no right of its own: it is in the
								 * audience only for this */
	bool		is_void;		/* the delegator was a role, and no role is that
								 * one by that name */
} HitlDelegation;

/* a row of hitl.absence */
typedef struct HitlAbsence
{
	const char *person;
	const char *substitute;
	TimestampTz starts_at;
	TimestampTz ends_at;		/* exclusive; may be infinity */
} HitlAbsence;

/* what a comment is: said for itself, or as the reason for something */
typedef enum HitlCommentKind
{
	HITL_COMMENT,
	HITL_COMMENT_ASSIGNED,
	HITL_COMMENT_DELEGATED,
	HITL_COMMENT_DISMISSED,
	HITL_COMMENT_RELEASED,
	HITL_COMMENT_REOPENED
} HitlCommentKind;

/* a row of hitl.comment */
typedef struct HitlComment
{
	const char *kind;
	const char *person;
	const char *text;
	TimestampTz commented_at;
} HitlComment;

/* whose seats: see rights.c */
extern List *store_delegations(int64 interrupt_id);
extern List *store_absent(const char *substitute, TimestampTz now);

extern void store_claim(int64 interrupt_id, const char *person, TimestampTz until);
extern void store_delegation_insert(int64 interrupt_id, const char *delegator, Oid role, TimestampTz at);

extern int64 store_absence_insert(const HitlAbsence *absence, TimestampTz now);
extern int	store_absence_revoke(const char *person, TimestampTz now);

extern void store_snooze_put(int64 interrupt_id, const char *person, TimestampTz until);
extern bool store_snooze_delete(int64 interrupt_id, const char *person);

extern int64 store_comment_insert(int64 interrupt_id, HitlCommentKind kind, const char *person,
								  const char *login, const char *text, TimestampTz at);
extern List *store_comments(int64 interrupt_id);
extern bool store_viewed_insert(int64 interrupt_id, const char *person, int revision, TimestampTz at);
extern bool store_has_voted(int64 interrupt_id, const char *person);

#endif							/* HITL_STORE_DESK_H */
