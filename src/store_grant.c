/*
 * store_grant.c
 *    Rows of hitl.grant, and the privileges that go with them.
 *
 * A role with a grant has USAGE on the schema, without which it reaches
 * nothing, and on the domain hitl.grantee, which is of no use but one: it keeps
 * the role from being dropped.  USAGE on the schema that was there before the
 * first grant is somebody else's, and stays.
 *
 * Layer 2.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "db.h"
#include "miscadmin.h"
#include "names.h"
#include "store_grant.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"

/* ------------------------------------------------------------------ privileges */

DB_STATEMENT_NO_ARGS(grant_marker,
					 "SELECT 'hitl.grantee'::pg_catalog.regtype");

/*
 * Grants take turns: what a role keeps depends on what else it has, and GRANT
 * cannot run twice at once on one object.
 */
void
store_grant_lock(void)
{
	DbCall		call;
	Oid			marker;

	db_open(&call);
	(void) db_execute(&grant_marker, NULL);
	marker = db_get_oid(0, 1);
	db_close(&call);
	LockDatabaseObject(TypeRelationId, marker, 0, ShareUpdateExclusiveLock);
}

/* what a role has by itself, and what names it; a short table, read whole */
DB_STATEMENT(grant_standing,
			 "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a"
			 "  WHERE n.nspname = 'hitl' AND a.grantee = $1 AND a.privilege_type = 'USAGE'),"
			 " EXISTS (SELECT FROM pg_catalog.pg_type t CROSS JOIN LATERAL pg_catalog.aclexplode(t.typacl) a"
			 "  WHERE t.oid = 'hitl.grantee'::pg_catalog.regtype AND a.grantee = $1),"
			 " EXISTS (SELECT FROM hitl.grant g WHERE g.role = $1),"
			 " EXISTS (SELECT FROM hitl.grant g WHERE g.role = $1 OR g.reviewers = $1),"
			 " EXISTS (SELECT FROM hitl.grant g WHERE g.role = $1 AND g.gave_usage),"
			 " EXISTS (SELECT FROM hitl.graph g WHERE g.owner = $1)",
			 REGROLEOID);

typedef struct Standing
{
	bool		has_usage;		/* on the schema */
	bool		has_marker;
	bool		has_grant;
	bool		is_named;		/* by a grant of its own or of a proxy */
	bool		gave_usage;		/* a grant of ours did */
	bool		owns_graphs;
} Standing;

static Standing
standing_of(Oid role)
{
	DbCall		call;
	DbArg		args[] = {db_oid(role)};
	Standing	standing;

	db_open(&call);
	(void) db_execute(&grant_standing, args);
	standing.has_usage = db_get_bool(0, 1);
	standing.has_marker = db_get_bool(0, 2);
	standing.has_grant = db_get_bool(0, 3);
	standing.is_named = db_get_bool(0, 4);
	standing.gave_usage = db_get_bool(0, 5);
	standing.owns_graphs = db_get_bool(0, 6);
	db_close(&call);
	return standing;
}

/* format has one %s, for the role; one that is gone has no privileges any more */
static void
utility(const char *command, const char *preposition, Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	if (name != NULL)
		db_utility(psprintf("%s %s %s", command, preposition, quote_identifier(name)));
}

/* A row will name a role: it is not to be dropped. */
static void
mark(Oid role)
{
	if (role != db_owner() && !standing_of(role).has_marker)
		utility("GRANT USAGE ON DOMAIN hitl.grantee", "TO", role);
}

/* Let a role in.  Returns whether its USAGE on the schema is a grant's of ours. */
static bool
admit(Oid role)
{
	Standing	standing = standing_of(role);

	if (role == db_owner())
		return false;
	mark(role);
	if (!standing.has_usage)
		utility("GRANT USAGE ON SCHEMA hitl", "TO", role);
	return !standing.has_usage || standing.gave_usage;
}

/* A row that named a role is gone; gave_usage: what it said. */
static void
dismiss(Oid role, bool gave_usage)
{
	Standing	standing = standing_of(role);

	if (!standing.is_named && standing.has_marker)
		utility("REVOKE USAGE ON DOMAIN hitl.grantee", "FROM", role);
	/* nodes run as their owner, and call us */
	if (gave_usage && !standing.has_grant && !standing.owns_graphs && standing.has_usage)
		utility("REVOKE USAGE ON SCHEMA hitl", "FROM", role);
}

/* ------------------------------------------------------------------------ rows */

/* by primary key */
DB_STATEMENT(grant_find,
			 "SELECT reviewers, gave_usage FROM hitl.grant WHERE \"right\" = $1 AND graph_id = $2 AND role = $3",
			 TEXTOID, INT8OID, REGROLEOID);

DB_STATEMENT(grant_put,
			 "INSERT INTO hitl.grant (\"right\", graph_id, role, reviewers, gave_usage, granted_by, granted_at)"
			 " VALUES ($1, $2, $3, $4, $5, $6, $7)"
			 " ON CONFLICT (\"right\", graph_id, role) DO UPDATE SET reviewers = EXCLUDED.reviewers,"
			 "  granted_by = EXCLUDED.granted_by, granted_at = EXCLUDED.granted_at",
			 TEXTOID, INT8OID, REGROLEOID, REGROLEOID, BOOLOID, TEXTOID, TIMESTAMPTZOID);

DB_STATEMENT(grant_remove,
			 "DELETE FROM hitl.grant WHERE \"right\" = $1 AND graph_id = $2 AND role = $3",
			 TEXTOID, INT8OID, REGROLEOID);

static DbArg
role_or_null(Oid role)
{
	return OidIsValid(role) ? db_oid(role) : db_null();
}

/* Is it there?  *reviewers and *gave_usage: as its row says. */
static bool
find_grant(const HitlGrant *grant, Oid *reviewers, bool *gave_usage)
{
	DbCall		call;
	DbArg		args[] = {db_text(name_right(grant->right)), db_bigint(grant->graph_id), db_oid(grant->role)};
	bool		found;

	db_open(&call);
	found = db_execute_latest(&grant_find, args) > 0;
	*reviewers = found ? db_get_oid(0, 1) : InvalidOid;
	*gave_usage = found && db_get_bool(0, 2);
	db_close(&call);
	return found;
}

/* The caller holds the lock.  Returns false when it is there already. */
bool
store_grant_put(const HitlGrant *grant, const char *by, TimestampTz at)
{
	DbCall		call;
	Oid			reviewers;
	bool		gave_usage;
	bool		is_there = find_grant(grant, &reviewers, &gave_usage);

	if (is_there && reviewers == grant->reviewers)
		return false;
	gave_usage = admit(grant->role);
	if (OidIsValid(grant->reviewers))
		mark(grant->reviewers);
	{
		DbArg		args[] = {
			db_text(name_right(grant->right)), db_bigint(grant->graph_id), db_oid(grant->role),
			role_or_null(grant->reviewers), db_bool(gave_usage), db_text(by), db_time(at)
		};

		db_open(&call);
		(void) db_execute(&grant_put, args);
		db_close(&call);
	}
	if (is_there && OidIsValid(reviewers))
		dismiss(reviewers, false);
	return true;
}

/* The caller holds the lock.  Returns false when there is no such grant. */
bool
store_grant_remove(const HitlGrant *grant)
{
	DbCall		call;
	DbArg		args[] = {db_text(name_right(grant->right)), db_bigint(grant->graph_id), db_oid(grant->role)};
	Oid			reviewers;
	bool		gave_usage;

	if (!find_grant(grant, &reviewers, &gave_usage))
		return false;
	db_open(&call);
	(void) db_execute(&grant_remove, args);
	db_close(&call);
	dismiss(grant->role, gave_usage);
	if (OidIsValid(reviewers))
		dismiss(reviewers, false);
	return true;
}

/* a short table, and DROP OWNED is rare */
DB_STATEMENT(grant_of_role,
			 "SELECT g.\"right\", g.role, g.graph_id, g.reviewers, p.graph FROM hitl.grant g"
			 " LEFT JOIN hitl.graph p ON p.graph_id = g.graph_id WHERE g.role = $1 OR g.reviewers = $1",
			 REGROLEOID);

/* The grants that name a role, as HitlGrant. */
List *
store_grant_of_role(Oid role)
{
	DbCall		call;
	DbArg		args[] = {db_oid(role)};
	List	   *grants = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute(&grant_of_role, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
	{
		HitlGrant  *grant = palloc0(sizeof(HitlGrant));

		grant->right = name_to_right(db_get_text(&call, i, 1));
		grant->role = db_get_oid(i, 2);
		grant->graph_id = db_get_bigint(i, 3);
		grant->reviewers = db_get_oid(i, 4);
		grant->graph_name = db_get_text(&call, i, 5);
		grants = lappend(grants, grant);
	}
	MemoryContextSwitchTo(old);
	db_close(&call);
	return grants;
}

/* grant_pkey; a grant for all graphs has graph 0 */
DB_STATEMENT(grant_roles,
			 "SELECT DISTINCT role FROM hitl.grant WHERE \"right\" = $1 AND graph_id IN (0, $2) ORDER BY role",
			 TEXTOID, INT8OID);

/* The roles that have a right for a graph, or for all (HITL_ALL_GRAPHS), as Oid. */
List *
store_grant_roles(HitlRight right, int64 graph_id)
{
	DbCall		call;
	DbArg		args[] = {db_text(name_right(right)), db_bigint(graph_id)};
	List	   *roles = NIL;
	uint64		n;
	MemoryContext old;

	db_open(&call);
	n = db_execute_latest(&grant_roles, args);
	old = MemoryContextSwitchTo(call.caller);
	for (uint64 i = 0; i < n; i++)
		roles = lappend_oid(roles, db_get_oid(i, 1));
	MemoryContextSwitchTo(old);
	db_close(&call);
	return roles;
}

/* Who may decide, beside its owner, what no policy of a graph gives to groups. */
List *
store_grant_reviewers(int64 graph_id)
{
	return store_grant_roles(HITL_RIGHT_REVIEWER, graph_id);
}

/* The role whose members a login may speak for; InvalidOid: it is no proxy. */
Oid
store_grant_proxy(Oid login)
{
	HitlGrant	grant = {.right = HITL_RIGHT_PROXY, .role = login, .graph_id = HITL_ALL_GRAPHS};
	Oid			reviewers;
	bool		gave_usage;

	return find_grant(&grant, &reviewers, &gave_usage) ? reviewers : InvalidOid;
}

/* ---------------------------------------------------------- what is pending already */

/*
 * Where the owner may decide by himself no groups of a policy do.  The rows are
 * locked in id order, as by whoever settles several, so that none is settled
 * meanwhile and leaves an audience behind.  Where the role was for a delegation
 * only, the right is its own now.
 */
DB_STATEMENT(grant_open_to,
			 "WITH pending AS MATERIALIZED ("
			 "  SELECT i.interrupt_id, i.priority, i.opened_at FROM hitl.interrupt i"
			 "  WHERE i.status = 'pending' AND ($2 = 0 OR i.graph_id = $2) AND EXISTS"
			 "   (SELECT FROM hitl.audience a WHERE a.interrupt_id = i.interrupt_id AND a.role = i.owner AND NOT a.is_granted)"
			 "   AND NOT EXISTS (SELECT FROM hitl.policy_version v WHERE v.policy_id = i.policy_id AND v.version = i.policy_version"
			 "    AND v.definition OPERATOR(pg_catalog.?) 'groups')"
			 "  ORDER BY i.interrupt_id FOR SHARE OF i),"
			 " own AS (UPDATE hitl.delegation d SET is_added = false FROM pending p"
			 "  WHERE d.interrupt_id = p.interrupt_id AND d.role = $1 AND d.is_added)"
			 " INSERT INTO hitl.audience AS a (role, priority, opened_at, interrupt_id, is_granted)"
			 " SELECT $1, p.priority, p.opened_at, p.interrupt_id, true FROM pending p"
			 " ON CONFLICT (interrupt_id, role) DO UPDATE SET is_granted = true"
			 "  WHERE EXISTS (SELECT FROM hitl.delegation d WHERE d.interrupt_id = a.interrupt_id AND d.role = a.role AND d.is_added)",
			 REGROLEOID, INT8OID);

/* A role has become a reviewer: of what is pending too. */
void
store_grant_open_to(Oid role, int64 graph_id)
{
	DbCall		call;
	DbArg		args[] = {db_oid(role), db_bigint(graph_id)};

	db_open(&call);
	(void) db_execute(&grant_open_to, args);
	db_close(&call);
}

/*
 * audience_inbox; in id order, as above.  What somebody has delegated to the
 * role stays, in that person's place.
 */
DB_STATEMENT(grant_close_to,
			 "WITH granted AS MATERIALIZED ("
			 "  SELECT a.interrupt_id FROM hitl.audience a JOIN hitl.interrupt i ON i.interrupt_id = a.interrupt_id"
			 "  WHERE a.role = $1 AND a.is_granted AND NOT EXISTS"
			 "   (SELECT FROM hitl.grant g WHERE g.\"right\" = 'reviewer' AND g.role = $1 AND g.graph_id IN (0, i.graph_id))"
			 "  ORDER BY a.interrupt_id FOR UPDATE OF a),"
			 " delegated AS (UPDATE hitl.delegation d SET is_added = true FROM granted g"
			 "  WHERE d.interrupt_id = g.interrupt_id AND d.role = $1 RETURNING d.interrupt_id),"
			 " kept AS (UPDATE hitl.audience a SET is_granted = false"
			 "  WHERE a.role = $1 AND a.interrupt_id IN (SELECT d.interrupt_id FROM delegated d))"
			 " DELETE FROM hitl.audience a USING granted g WHERE a.interrupt_id = g.interrupt_id AND a.role = $1"
			 "  AND NOT EXISTS (SELECT FROM hitl.delegation d WHERE d.interrupt_id = a.interrupt_id AND d.role = a.role)",
			 REGROLEOID);

/* A role was a reviewer: what neither another grant nor a delegation lets it decide leaves its inbox. */
void
store_grant_close_to(Oid role)
{
	DbCall		call;
	DbArg		args[] = {db_oid(role)};

	db_open(&call);
	(void) db_execute(&grant_close_to, args);
	db_close(&call);
}
