/*
 * identity.c
 *    Who speaks in this session.
 *
 * The person is session_user: who has logged in, whatever role was set since.
 * One login does not become two voters by SET ROLE.
 *
 * Layer 3.  Always asked before db.c changes who we are.
 */
#include "postgres.h"

#include "identity.h"
#include "miscadmin.h"
#include "utils/acl.h"

/* In the caller's memory context. */
const HitlActor *
identity_actor(void)
{
	HitlActor  *actor = palloc0(sizeof(HitlActor));

	actor->login = GetUserNameFromId(GetSessionUserId(), false);
	actor->role = GetUserNameFromId(GetUserId(), false);
	actor->person = actor->login;
	actor->member = GetSessionUserId();
	return actor;
}

/* May the person act as this role (USAGE)?  Superusers may. */
bool
identity_is_in(const HitlActor *actor, Oid role)
{
	return has_privs_of_role(actor->member, role);
}

/* The role of that name, or an error. */
Oid
identity_role(const char *name)
{
	Oid			role = get_role_oid(name, true);

	if (!OidIsValid(role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist", name),
				 errdetail("Persons and groups are roles of the database."),
				 errhint("\\du lists them.")));
	return role;
}
