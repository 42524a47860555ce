/*
 * identity.c
 *    Who speaks in this session.
 *
 * The person is session_user: who has logged in, whatever role was set since.
 * One login does not become two voters by SET ROLE.
 *
 * A login that grant_proxy() names speaks for others: the person is
 * hitl.actor, else the role that the session has set.  Anybody may set both;
 * they mean something in the sessions of such a login only.
 *
 * Layer 3.  Always asked before db.c changes who we are.  Memory: the caller's.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "guc.h"
#include "identity.h"
#include "miscadmin.h"
#include "store_grant.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* a person who is no role: shown in lists, compared often */
#define MAX_ACTOR_BYTES 200

static HitlActor *
session_actor(void)
{
	HitlActor  *actor = palloc0(sizeof(HitlActor));

	actor->login = GetUserNameFromId(GetSessionUserId(), false);
	actor->role = GetUserNameFromId(GetUserId(), false);
	actor->person = actor->login;
	actor->member = GetSessionUserId();
	return actor;
}

static bool
names_actor(void)
{
	return guc_actor != NULL && guc_actor[0] != '\0';
}

static void
refuse_actor(const char *name, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 name != NULL ? errmsg("permission denied to speak for \"%s\"", name)
			 : errmsg("this session speaks for nobody"),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/*
 * The person for whom a registered login speaks.  A superuser is left out:
 * every role's rights are his, and a login does not get them by naming him.
 */
static void
assert_person(HitlActor *actor, const char *name, Oid reviewers)
{
	Oid			role = get_role_oid(name, true);
	const char *reviewers_name = GetUserNameFromId(reviewers, true);

	if (reviewers_name == NULL)
		refuse_actor(name, psprintf("The role of the reviewers for whom login \"%s\" speaks is gone.", actor->login),
					 "hitl.grant_proxy(login, reviewers) names another.");
	if (strlen(name) > MAX_ACTOR_BYTES)
		refuse_actor("...", psprintf("The name of a person has at most %d bytes.", MAX_ACTOR_BYTES),
					 "Name the person as your users know them.");
	if (OidIsValid(role))
	{
		if (superuser_arg(role))
			refuse_actor(name, "A superuser speaks in a session of their own only.", "Name another person.");
		if (!has_privs_of_role(role, reviewers))
			refuse_actor(name, psprintf("It is a role, and no member of \"%s\", for whom login \"%s\" speaks.",
										reviewers_name, actor->login),
						 psprintf("GRANT %s TO %s;", quote_identifier(reviewers_name), quote_identifier(name)));
	}
	actor->person = pstrdup(name);
	actor->member = OidIsValid(role) ? role : reviewers;
	actor->is_asserted = true;
}

/* Who votes, claims or says something here.  An error where a proxy names nobody. */
const HitlActor *
identity_actor(void)
{
	HitlActor  *actor = session_actor();
	Oid			reviewers = store_grant_proxy(GetSessionUserId());

	if (!OidIsValid(reviewers))
		return actor;
	if (names_actor())
		assert_person(actor, guc_actor, reviewers);
	else if (GetOuterUserId() != GetSessionUserId())
		/* by SET ROLE: a function with SECURITY DEFINER makes nobody speak */
		assert_person(actor, GetUserNameFromId(GetOuterUserId(), false), reviewers);
	else
		refuse_actor(NULL, psprintf("Login \"%s\" speaks for the members of \"%s\", and has not said for whom.",
									actor->login, GetUserNameFromId(reviewers, true)),
					 "SET hitl.actor = 'anna';  -- or SET ROLE");
	return actor;
}

/*
 * Who looks: the rights are those of the current user, and in a proxy's session
 * of whom it names, if it names anybody.  A function with SECURITY DEFINER sees
 * what its owner sees, and not what the session has decided.
 */
const HitlActor *
identity_viewer(void)
{
	HitlActor  *actor = session_actor();

	if (names_actor() && GetUserId() == GetSessionUserId())
	{
		Oid			reviewers = store_grant_proxy(GetSessionUserId());

		if (OidIsValid(reviewers))
		{
			assert_person(actor, guc_actor, reviewers);
			return actor;
		}
	}
	/* SET ROLE leaves the person who votes as he is, but for a proxy */
	if (GetUserId() != GetOuterUserId() ||
		(GetUserId() != GetSessionUserId() && OidIsValid(store_grant_proxy(GetSessionUserId()))))
		actor->person = actor->role;
	actor->member = GetUserId();
	return actor;
}

/*
 * Who did something, for the trail.  Where nobody is named it is the login, and
 * to find that out costs nothing.  A proxy may do in its own name, or that of a
 * role that it has set, what its rights allow; who names a person is held to it.
 */
const HitlActor *
identity_doer(void)
{
	HitlActor  *actor = session_actor();
	Oid			outer = GetOuterUserId();
	Oid			reviewers;

	if (!names_actor() && outer == GetSessionUserId())
		return actor;
	reviewers = store_grant_proxy(GetSessionUserId());
	if (!OidIsValid(reviewers))
		return actor;
	if (names_actor())
		assert_person(actor, guc_actor, reviewers);
	else if (!superuser_arg(outer) && has_privs_of_role(outer, reviewers))
		assert_person(actor, GetUserNameFromId(outer, false), reviewers);
	return actor;
}

/* May the person act as this role (USAGE)?  Superusers may. */
bool
identity_is_in(const HitlActor *actor, Oid role)
{
	return has_privs_of_role(actor->member, role);
}

/*
 * Is the person one of this group, whose votes are counted?  As above, but a
 * superuser is only where somebody has put him.
 */
bool
identity_belongs_to(const HitlActor *actor, Oid role)
{
	return superuser_arg(actor->member) ? is_member_of_role_nosuper(actor->member, role)
		: has_privs_of_role(actor->member, role);
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

static bool
can_login(Oid role)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool		can = HeapTupleIsValid(tuple) && ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	return can;
}

/*
 * Is a role a person's: does it log in, or may an application speak for it?  A
 * group's is neither.
 */
bool
identity_is_person(Oid role)
{
	ListCell   *cell;

	if (can_login(role))
		return true;
	foreach(cell, store_grant_roles(HITL_RIGHT_PROXY, HITL_ALL_GRAPHS))
	{
		Oid			reviewers = store_grant_proxy(lfirst_oid(cell));

		if (OidIsValid(reviewers) && role != reviewers && has_privs_of_role(role, reviewers))
			return true;
	}
	return false;
}

/* The same for a person's role: what is given to a group's is in nobody's hands. */
Oid
identity_person_role(const char *name)
{
	Oid			role = identity_role(name);

	if (!can_login(role))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("role \"%s\" is no person", name),
				 errdetail("It may not log in."),
				 errhint("Name one of its members; hitl.delegate() lets all of them decide.")));
	return role;
}

/* The role of a policy's group; InvalidOid: it is gone, whoever has its name now. */
Oid
identity_group(const HitlPolicyGroup *group)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(group->oid)) ? group->oid : InvalidOid;
}
