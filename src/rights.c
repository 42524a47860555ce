/*
 * rights.c
 *    Who may do what.
 *
 * In this version the graph's owner (with the roles that may act as it) and
 * superusers may write, start, steer and decide.
 *
 * Layer 3.  Always called before db.c changes who we are.
 */
#include "postgres.h"

#include "access/xact.h"
#include "audit.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "compat.h"
#include "errors.h"
#include "frame.h"
#include "miscadmin.h"
#include "rights.h"
#include "slot.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* May the current user act as this role?  Superusers may. */
bool
rights_is_owner(Oid owner)
{
	return has_privs_of_role(GetUserId(), owner);
}

/* A role's name, also when it is gone. */
const char *
rights_role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return name != NULL ? name : "(dropped)";
}

void
rights_require_graph(const HitlGraph *graph)
{
	if (!rights_is_owner(graph->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for graph \"%s\"", graph->name),
				 errdetail("It belongs to role \"%s\".", rights_role_name(graph->owner)),
				 errhint("Act as its owner, or as a superuser.")));
}

void
rights_require_thread(const HitlThread *thread)
{
	if (!rights_is_owner(thread->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for thread %lld", (long long) thread->thread_id),
				 errdetail("Its graph belongs to role \"%s\".", rights_role_name(thread->owner)),
				 errhint("Act as the graph's owner, or as a superuser.")));
}

/*
 * Is what calls us an agent's, or may it be?  Why, or NULL.  An agent neither
 * approves itself nor takes away what stops it: nobody votes, steers a thread
 * (other than by cancel, which stops), writes a graph or sets breakpoints while
 * a node runs, in an executor, or from what a node left to run at the commit.
 */
static const char *
agent_fault(void)
{
	if (frame_is_open() || slot_am_executor())
		return "An agent does not approve itself: this is called by a node.";
	if (frame_has_run_inline() && frame_is_leftover())
		return "An agent does not approve itself: a node has run in this transaction, and this is called by a trigger or at the commit, as by what a node left.";
	if (InSecurityRestrictedOperation())
		return "This is called within a security-restricted operation, where the session does not speak for its user.";
	return NULL;
}

/*
 * An error if an agent asks for this, or may do so.  what: "fork threads" or the
 * like.
 */
void
rights_require_person(const char *what)
{
	const char *detail = agent_fault();

	if (detail != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to %s", what),
				 errdetail_internal("%s", detail),
				 errhint("A node says where its own thread goes by what it returns; do this in a session of your own.")));
}

/* May the current user say where threads stop?  owner: of the graph; invalid: of all. */
void
rights_require_operator(Oid owner)
{
	const char *detail = agent_fault();

	if (detail == NULL && !OidIsValid(owner) && !superuser())
		detail = "A breakpoint in all graphs is for superusers.";
	if (detail == NULL && OidIsValid(owner) && !rights_is_owner(owner))
		detail = psprintf("The graph belongs to role \"%s\".", rights_role_name(owner));
	if (detail != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for breakpoints"),
				 errdetail_internal("%s", detail),
				 errhint("Act as the graph's owner, or as a superuser, in a session of your own.")));
}

/*
 * May this session vote on an interrupt?  The voter is session_user; the
 * current user needs the right too, so that neither a function of somebody
 * else with SECURITY DEFINER nor one that a maintenance command runs can vote
 * in the name of the session.
 */
void
rights_require_voter(const HitlInterrupt *interrupt)
{
	const char *detail = agent_fault();

	if (detail != NULL)
		;						/* whoever it is */
	else if (!has_privs_of_role(GetSessionUserId(), interrupt->owner))
		detail = psprintf("The session user is \"%s\", who may not act as role \"%s\", the owner of the graph.",
						  audit_session_user(), rights_role_name(interrupt->owner));
	else if (!has_privs_of_role(GetUserId(), interrupt->owner))
		detail = psprintf("The current user is \"%s\", who may not act as role \"%s\", the owner of the graph.",
						  audit_current_user(), rights_role_name(interrupt->owner));

	if (detail != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_NOT_ALLOWED),
				 errmsg("you may not decide interrupt %lld", (long long) interrupt->interrupt_id),
				 errdetail_internal("%s", detail),
				 errhint("SELECT * FROM hitl.inbox; shows what you may decide.")));
}

/*
 * May nodes of this owner run in this session?  Only if it is the owner's own,
 * whole: who has logged in, not who became it by SET ROLE, SET SESSION
 * AUTHORIZATION or SECURITY DEFINER.  A session outlives what
 * runs in it, and what runs in it can leave things behind that run later with
 * its rights: deferred triggers and cursors at the commit, types in pg_temp,
 * functions that PL/pgSQL has compiled under the node's search_path.  A
 * security-restricted operation stops only some of these.
 */
bool
rights_may_run_here(Oid owner)
{
	Oid			user;
	int			security;

	GetUserIdAndSecContext(&user, &security);
	return MyProc->roleId == owner && GetSessionUserId() == owner &&
		user == owner && security == 0;
}

void
rights_require_run_here(const HitlGraph *graph)
{
	if (!rights_may_run_here(graph->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("graph \"%s\" cannot be run in this session", graph->name),
				 errdetail("Its nodes run as role \"%s\", in a session of that role only; what they leave behind would run with the rights of this one.",
						   rights_role_name(graph->owner)),
				 errhint("Use hitl.start(), and an executor runs it; or connect as the owner.")));
}

/*
 * May a background session run as this role in this database?  If not, why,
 * and the command that mends it.
 */
bool
rights_can_connect(Oid role, const char **why, char **remedy)
{
	HeapTuple	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool		can_login;

	*why = NULL;
	*remedy = NULL;
	if (!HeapTupleIsValid(tuple))
	{
		*why = "the role does not exist";
		*remedy = pstrdup("SELECT * FROM hitl.check();");
		return false;
	}
	can_login = ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;
	ReleaseSysCache(tuple);

	if (COMPAT_WORKER_NEEDS_LOGIN && !can_login)
	{
		*why = "the role has no LOGIN, which a background session needs before PostgreSQL 17";
		*remedy = psprintf("ALTER ROLE %s LOGIN;", quote_identifier(rights_role_name(role)));
	}
	else if (compat_database_aclcheck(MyDatabaseId, role, ACL_CONNECT) != ACLCHECK_OK)
	{
		*why = "the role has no CONNECT privilege on this database";
		*remedy = psprintf("GRANT CONNECT ON DATABASE %s TO %s;",
						   quote_identifier(get_database_name(MyDatabaseId)),
						   quote_identifier(rights_role_name(role)));
	}
	return *why == NULL;
}

/* The role itself, or the database's owner for pg_database_owner. */
static bool
is_superuser_role(Oid role)
{
	if (role == ROLE_PG_DATABASE_OWNER)
	{
		HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
		Oid			owner = InvalidOid;

		if (HeapTupleIsValid(tuple))
		{
			owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
			ReleaseSysCache(tuple);
		}
		return OidIsValid(owner) && superuser_arg(owner);
	}
	return OidIsValid(role) && superuser_arg(role);
}

/*
 * Which of these schemas (a list of Oid) could somebody who is no superuser
 * write to?  A superuser's node must not look things up there: it would run
 * what it finds.  Returns a sentence for each.
 */
List *
rights_search_path_faults(List *schemas)
{
	List	   *faults = NIL;
	ListCell   *cell;

	foreach(cell, schemas)
	{
		Oid			schema = lfirst_oid(cell);
		HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
		Form_pg_namespace row;
		Datum		acl_value;
		bool		is_null;
		bool		is_safe;

		if (!HeapTupleIsValid(tuple))
			continue;
		row = (Form_pg_namespace) GETSTRUCT(tuple);
		is_safe = is_superuser_role(row->nspowner);
		acl_value = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &is_null);
		if (is_safe && !is_null)
		{
			Acl		   *acl = DatumGetAclP(acl_value);

			for (int i = 0; i < ACL_NUM(acl); i++)
			{
				AclItem    *item = &ACL_DAT(acl)[i];

				if ((ACLITEM_GET_PRIVS(*item) & ACL_CREATE) != 0 &&
					!is_superuser_role(item->ai_grantee))
					is_safe = false;
			}
		}
		if (!is_safe)
			faults = lappend(faults,
							 psprintf("schema \"%s\" in the search_path can be written to by others than superusers, and the graph belongs to a superuser",
									  NameStr(row->nspname)));
		ReleaseSysCache(tuple);
	}
	return faults;
}
