/*
 * identity.h
 *    Who speaks in this session.
 *
 * Layer 3.
 */
#ifndef HITL_IDENTITY_H
#define HITL_IDENTITY_H

#include "types.h"

/* who acts: names as text, because they outlive their roles */
typedef struct HitlActor
{
	const char *person;			/* counts as one voter */
	Oid			member;			/* whose memberships are the person's */
	const char *login;			/* session user */
	const char *role;			/* current user */
	bool		is_asserted;	/* the login named the person */
} HitlActor;

extern const HitlActor *identity_actor(void);
extern Oid identity_role(const char *name);
extern Oid identity_person_role(const char *name);
extern bool identity_is_person(Oid role);
extern Oid identity_group(const HitlPolicyGroup *group);
extern const HitlActor *identity_viewer(void);
extern const HitlActor *identity_doer(void);
extern bool identity_is_in(const HitlActor *actor, Oid role);
extern bool identity_belongs_to(const HitlActor *actor, Oid role);

#endif							/* HITL_IDENTITY_H */
