/*
 * rights.c
 *    Who may do what.
 *
 * A graph's owner (with the roles that may act as it) and superusers may do
 * everything with it but what a person alone may say in an agent's place; what
 * others may is granted (hitl.grant).  Who may decide an interrupt is rows of
 * hitl.audience.  HitlAccess says which right opens what.
 *
 * Layer 3.  Always called before db.c changes who we are.
 */
#include "postgres.h"

#include "access/xact.h"
#include "audit.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "clock.h"
#include "commands/dbcommands.h"
#include "compat.h"
#include "db.h"
#include "errors.h"
#include "frame.h"
#include "identity.h"
#include "miscadmin.h"
#include "rights.h"
#include "slot.h"
#include "storage/proc.h"
#include "store_desk.h"
#include "store_grant.h"
#include "store_interrupt.h"
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

/* The roles, as a sentence names what they may do; see HitlAccess. */
static const char *const access_words[] = {
	[HITL_ACCESS_OWN] = "Act as its owner, or as a superuser.",
	[HITL_ACCESS_OPERATE] = "Act as its owner, as an operator (hitl.grant_operator), or as a superuser.",
	[HITL_ACCESS_WATCH] = "Act as its owner, as an operator or auditor (hitl.grant_operator, hitl.grant_auditor), or as a superuser.",
	[HITL_ACCESS_READ] = "Act as its owner, as an auditor (hitl.grant_auditor), or as a superuser.",
};

static bool
has_grant(Oid user, HitlRight right, int64 graph_id)
{
	ListCell   *cell;

	foreach(cell, store_grant_roles(right, graph_id))
		if (has_privs_of_role(user, lfirst_oid(cell)))
			return true;
	return false;
}

/* May the current user do for all graphs what needs no grant: superusers, hitl's owner. */
static bool
is_administrator(void)
{
	return superuser() || has_privs_of_role(GetUserId(), db_owner());
}

/*
 * Has the current user this right for a graph of that owner, by a grant or as
 * the owner?  For all graphs: InvalidOid and HITL_ALL_GRAPHS.
 */
bool
rights_may(HitlRight right, Oid owner, int64 graph_id)
{
	if (OidIsValid(owner) ? rights_is_owner(owner) : is_administrator())
		return true;
	return has_grant(GetUserId(), right, graph_id);
}

/*
 * To look, a proxy's session has the rights of the person whom it names; what
 * changes something needs those of the current user.
 */
bool
rights_may_access(HitlAccess access, Oid owner, int64 graph_id)
{
	Oid			viewer;

	switch (access)
	{
		case HITL_ACCESS_OWN:
			return rights_is_owner(owner);
		case HITL_ACCESS_OPERATE:
			return rights_may(HITL_RIGHT_OPERATOR, owner, graph_id);
		case HITL_ACCESS_WATCH:
			viewer = identity_viewer()->member;
			return has_privs_of_role(viewer, owner) ||
				has_grant(viewer, HITL_RIGHT_OPERATOR, graph_id) || has_grant(viewer, HITL_RIGHT_AUDITOR, graph_id);
		case HITL_ACCESS_READ:
			viewer = identity_viewer()->member;
			return has_privs_of_role(viewer, owner) || has_grant(viewer, HITL_RIGHT_AUDITOR, graph_id);
	}
	return false;
}

void
rights_require_graph(const HitlGraph *graph, HitlAccess access)
{
	if (!rights_may_access(access, graph->owner, graph->graph_id))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for graph \"%s\"", graph->name),
				 errdetail("It belongs to role \"%s\".", rights_role_name(graph->owner)),
				 errhint("%s", access_words[access])));
}

void
rights_require_thread(const HitlThread *thread, HitlAccess access)
{
	if (!rights_may_access(access, thread->owner, thread->graph_id))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for thread %lld", (long long) thread->thread_id),
				 errdetail("Its graph belongs to role \"%s\".", rights_role_name(thread->owner)),
				 errhint("%s", access_words[access])));
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
 * The same, and what a person says is no trigger's either: whoever owns a table
 * says what happens when others write to it, and would vote in their names.
 */
static const char *
person_fault(void)
{
	const char *fault = agent_fault();

	if (fault == NULL && frame_is_in_trigger())
		fault = "This is called by a trigger: it is the word of the table's owner, not of who writes to the table.";
	return fault;
}

static void
refuse_agent(const char *what, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to %s", what),
			 errdetail_internal("%s", detail),
			 errhint("A node says where its own thread goes by what it returns; do this in a session of your own.")));
}

/*
 * An error if an agent asks for this, or may do so.  what: "fork threads" or the
 * like.  A trigger on an application's table may steer threads.
 */
void
rights_refuse_agent(const char *what)
{
	const char *detail = agent_fault();

	if (detail != NULL)
		refuse_agent(what, detail);
}

/* The same for what somebody says in person: claims, grants, policies, graphs. */
void
rights_require_person(const char *what)
{
	const char *detail = person_fault();

	if (detail != NULL)
		refuse_agent(what, detail);
}

/* May the current user create graphs, policies, rules?  what: "create graphs". */
void
rights_require_author(const char *what)
{
	rights_require_person(what);
	if (!rights_may(HITL_RIGHT_AUTHOR, InvalidOid, HITL_ALL_GRAPHS))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to %s", what),
				 errdetail("Role \"%s\" was not granted the right of an author.", audit_current_user()),
				 errhint("SELECT hitl.grant_author(%s);  -- as a superuser", quote_literal_cstr(audit_current_user()))));
}

/* May the current user grant rights for a graph of that owner, or (invalid) for all? */
void
rights_require_granter(Oid owner)
{
	rights_require_person("grant rights");
	if (OidIsValid(owner) ? !rights_is_owner(owner) : !is_administrator())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to grant rights"),
				 OidIsValid(owner) ? errdetail("The graph belongs to role \"%s\".", rights_role_name(owner))
				 : errdetail("Rights for all graphs are granted by superusers and the owner of hitl."),
				 OidIsValid(owner) ? errhint("Act as its owner, or as a superuser.")
				 : errhint("Name a graph of yours, or act as a superuser.")));
}

/* May the current user say where threads stop?  owner: of the graph; invalid: of all. */
void
rights_require_operator(Oid owner, int64 graph_id)
{
	const char *detail = agent_fault();

	if (detail == NULL && !rights_may(HITL_RIGHT_OPERATOR, owner, graph_id))
		detail = OidIsValid(owner) ? psprintf("The graph belongs to role \"%s\".", rights_role_name(owner))
			: "A breakpoint in all graphs is for superusers, and operators of all graphs.";
	if (detail != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for breakpoints"),
				 errdetail_internal("%s", detail),
				 errhint("Act as the graph's owner, as an operator, or as a superuser, in a session of your own.")));
}

/* --------------------------------------------------------------------- voters */

/*
 * The roles that may decide.  Of what is settled nobody may, but who might have
 * is told so: the groups of its policy, or where it has none the graph's owner
 * and who was granted to review.
 */
static List *
eligible_roles(const HitlInterrupt *interrupt, const HitlPolicy *policy)
{
	List	   *roles = store_audience(interrupt->interrupt_id);

	if (roles != NIL)
		return roles;
	for (int i = 0; policy != NULL && i < policy->n_groups; i++)
	{
		Oid			role = identity_group(&policy->groups[i]);

		if (OidIsValid(role))
			roles = lappend_oid(roles, role);
	}
	if (policy != NULL && policy->n_groups > 0)
		return roles;
	return lappend_oid(store_grant_reviewers(interrupt->graph_id), interrupt->owner);
}

static bool
is_in_any(Oid member, List *roles)
{
	ListCell   *cell;

	foreach(cell, roles)
		if (has_privs_of_role(member, lfirst_oid(cell)))
			return true;
	return false;
}

/*
 * The current user needs the right too, so that neither a function of somebody
 * else with SECURITY DEFINER nor one that a maintenance command runs can vote
 * in the name of the session.  The graph's owner has the right, and his
 * functions are the agent's: they lend themselves to nobody else.  In a proxy's
 * own session nobody but the login is asked, which has no right of itself.
 */
static bool
current_user_agrees(const HitlInterrupt *interrupt, const HitlActor *actor, List *roles)
{
	Oid			user = GetUserId();

	if (user == GetSessionUserId() && actor->is_asserted)
		return true;
	if (user != GetOuterUserId() && user == interrupt->owner && user != GetSessionUserId() && !superuser_arg(user))
		return false;
	return is_in_any(user, roles);
}

/* Of the roles in an audience, those that are not there for a delegation only. */
static List *
own_roles(List *roles, List *delegations)
{
	List	   *own = list_copy(roles);
	ListCell   *cell;

	foreach(cell, delegations)
	{
		const HitlDelegation *delegation = lfirst(cell);

		if (delegation->is_added)
			own = list_delete_oid(own, delegation->role);
	}
	return own;
}

/*
 * Has a person of this name the right himself, to lend it?  Who is no role was
 * looked at when he delegated, in a session that spoke for him.
 */
static bool
has_seat(const char *person, List *own, bool is_delegation)
{
	HitlActor	actor = {.person = person, .member = get_role_oid(person, true)};
	ListCell   *cell;

	if (!OidIsValid(actor.member))
		return is_delegation;
	foreach(cell, own)
		if (identity_belongs_to(&actor, lfirst_oid(cell)))
			return true;
	return false;
}

/*
 * In whose place may this person decide, who may not by himself: one who has
 * delegated it to a role of his, or is away and has named him.  NULL: nobody's.
 */
static const char *
find_seat(const HitlActor *actor, List *own, List *delegations)
{
	ListCell   *cell;

	foreach(cell, delegations)
	{
		const HitlDelegation *delegation = lfirst(cell);

		if (!delegation->is_void && identity_is_in(actor, delegation->role) &&
			has_seat(delegation->delegator, own, true))
			return delegation->delegator;
	}
	foreach(cell, store_absent(actor->person, clock_now()))
		if (has_seat(lfirst(cell), own, false))
			return lfirst(cell);
	return NULL;
}

/*
 * Is an interrupt in somebody's hands, who may still decide it?  Rights are lost
 * in many ways (a grant, a membership, the role itself), most of which run no
 * code of ours; so it is asked when it matters, and a claim by somebody who has
 * lost his counts for nothing.  A person who is no role, whom an application
 * has named, cannot be asked: his claim lapses, and nobody is assigned to him.
 * policy: its policy, or NULL.
 */
bool
rights_is_held(const HitlInterrupt *interrupt, const HitlPolicy *policy, TimestampTz now)
{
	HitlActor	holder = {.person = interrupt->claimed_by};
	List	   *delegations;
	List	   *own;

	if (interrupt->claimed_by == NULL || interrupt->claimed_until <= now)
		return false;
	holder.member = get_role_oid(holder.person, true);
	if (!OidIsValid(holder.member))
		return !TIMESTAMP_IS_NOEND(interrupt->claimed_until);
	delegations = store_delegations(interrupt->interrupt_id);
	own = own_roles(store_audience(interrupt->interrupt_id), delegations);
	return is_in_any(holder.member, own) ||
		((policy == NULL || policy->may_delegate) && find_seat(&holder, own, delegations) != NULL);
}

/* Is this a person whom an application names, where the policy takes no such votes?  Why, or NULL. */
static const char *
asserted_fault(const HitlActor *actor, const HitlPolicy *policy)
{
	if (!actor->is_asserted || policy == NULL || policy->asserted_may_decide)
		return NULL;
	return psprintf("Its policy \"%s\" takes no votes for persons whom an application names, as login \"%s\" does.",
					policy->name, actor->login);
}

/*
 * May this session vote on an interrupt?  policy: its policy, or NULL.  Returns
 * the person in whose place the vote is, or NULL: it is the voter's own.
 */
const char *
rights_require_voter(const HitlInterrupt *interrupt, const HitlPolicy *policy)
{
	bool		is_automatic = policy != NULL && policy->automation_may_decide && !InSecurityRestrictedOperation();
	const char *detail = is_automatic ? NULL : person_fault();
	const char *seat = NULL;

	if (detail == NULL)
	{
		const HitlActor *actor = identity_actor();
		List	   *delegations = store_delegations(interrupt->interrupt_id);
		List	   *roles = eligible_roles(interrupt, policy);
		List	   *own = own_roles(roles, delegations);

		detail = asserted_fault(actor, policy);
		if (detail == NULL && is_in_any(actor->member, own))
		{
			if (!current_user_agrees(interrupt, actor, own))
				detail = psprintf(GetUserId() == interrupt->owner
								  ? "The current user is \"%s\", by a function of the graph's owner."
								  : "The current user is \"%s\", who may not act as any role that may decide it.", actor->role);
		}
		else if (detail == NULL)
		{
			if (policy == NULL || policy->may_delegate)
				seat = find_seat(actor, own, delegations);
			if (seat == NULL)
				detail = psprintf("The %s is \"%s\", who may not act as any role that may decide it.",
								  actor->is_asserted ? "person" : "session user", actor->person);
			else if (GetUserId() != GetSessionUserId() && !has_privs_of_role(GetUserId(), actor->member))
				detail = psprintf("The current user is \"%s\", and who decides in the place of somebody else does so in person.", actor->role);
		}
	}
	if (detail != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_NOT_ALLOWED),
				 errmsg("you may not decide interrupt %lld", (long long) interrupt->interrupt_id),
				 errdetail_internal("%s", detail),
				 errhint("SELECT * FROM hitl.inbox; shows what you may decide.")));
	return seat;
}

/*
 * What a person says beside votes is kept as that person's word too: does a
 * function with SECURITY DEFINER say it, which could not vote for the session?
 */
bool
rights_lends_word(const HitlInterrupt *interrupt, const HitlPolicy *policy)
{
	Oid			user = GetUserId();

	if (user == GetOuterUserId() || user == GetSessionUserId() || superuser_arg(user))
		return false;
	return user == interrupt->owner || !is_in_any(user, eligible_roles(interrupt, policy));
}

/* An error if so, or if an agent asks for it.  what: "comment on interrupts". */
void
rights_require_own_word(const HitlInterrupt *interrupt, const HitlPolicy *policy, const char *what)
{
	rights_require_person(what);
	if (rights_lends_word(interrupt, policy))
		refuse_agent(what, psprintf(GetUserId() == interrupt->owner
									? "The current user is \"%s\", by a function of the graph's owner."
									: "The current user is \"%s\", by a function of somebody who may not decide it.",
									rights_role_name(GetUserId())));
}

/*
 * May this session take back a vote of its person?  Also where he has lost the
 * right to decide since; but who may not vote in his name may not do that either.
 */
void
rights_require_withdrawal(const HitlInterrupt *interrupt, const HitlPolicy *policy)
{
	const char *detail;

	rights_require_own_word(interrupt, policy, "withdraw votes");
	detail = asserted_fault(identity_actor(), policy);
	if (detail != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_NOT_ALLOWED),
				 errmsg("you may not withdraw votes on interrupt %lld", (long long) interrupt->interrupt_id),
				 errdetail_internal("%s", detail),
				 errhint("The person withdraws it, in a session of that login.")));
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
