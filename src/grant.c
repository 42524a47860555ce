/*
 * grant.c
 *    Grant rights and take them back.
 *
 * A right is a role's, for one graph or for all: like a privilege it is for
 * whoever may act as the role, goes with DROP OWNED, and keeps the role from
 * being dropped.  The trail of thread 0 says who granted what to whom.
 *
 * Layer 3.  Lock order: grants take turns (store_grant_lock), then interrupts by
 * id.
 */
#include "postgres.h"

#include "audit.h"
#include "clock.h"
#include "db.h"
#include "grant.h"
#include "graph.h"
#include "identity.h"
#include "json.h"
#include "miscadmin.h"
#include "names.h"
#include "rights.h"
#include "store_grant.h"
#include "utils/acl.h"
#include "utils/builtins.h"

/* what belongs to no thread */
#define NO_THREAD 0

static void
note(const HitlGrant *grant, const char *event)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "right", name_right(grant->right));
	json_add_string(&b, "role", rights_role_name(grant->role));
	if (grant->graph_id != HITL_ALL_GRAPHS)
		json_add_int64(&b, "graph_id", grant->graph_id);
	json_add_string(&b, "graph", grant->graph_name);
	if (OidIsValid(grant->reviewers))
		json_add_string(&b, "reviewers", rights_role_name(grant->reviewers));
	audit_thread(NO_THREAD, event, json_end(&b));
}

/*
 * The grant that is meant, if the current user may make it.  The right comes
 * first: who has none learns nothing of graphs or roles.
 */
static HitlGrant
require_grant(HitlRight right, const char *role_name, const char *graph_name)
{
	HitlGrant	grant = {.right = right, .graph_id = HITL_ALL_GRAPHS};

	if (graph_name == NULL)
		rights_require_granter(InvalidOid);
	else
	{
		HitlGraph  *graph = graph_require(graph_name);

		rights_require_granter(graph->owner);
		grant.graph_id = graph->graph_id;
		grant.graph_name = graph->name;
	}
	grant.role = identity_role(role_name);
	return grant;
}

/*
 * Grant a right to a role, for a graph or (NULL) for all.  Returns whether that
 * changed anything.
 */
bool
grant_give(HitlRight right, const char *role_name, const char *graph_name)
{
	HitlGrant	grant = require_grant(right, role_name, graph_name);

	store_grant_lock();
	if (!store_grant_put(&grant, audit_person(), clock_now()))
		return false;
	if (right == HITL_RIGHT_REVIEWER)
		store_grant_open_to(grant.role, grant.graph_id);
	note(&grant, "granted");
	return true;
}

/* Take a right back; graph_name as it was granted.  Returns whether it was there. */
bool
grant_revoke(HitlRight right, const char *role_name, const char *graph_name)
{
	HitlGrant	grant = require_grant(right, role_name, graph_name);

	store_grant_lock();
	if (right == HITL_RIGHT_PROXY)
		grant.reviewers = store_grant_proxy(grant.role);
	if (!store_grant_remove(&grant))
		return false;
	if (right == HITL_RIGHT_REVIEWER)
		store_grant_close_to(grant.role);
	note(&grant, "revoked");
	return true;
}

/* Register the login of an application that speaks for the members of a role. */
bool
grant_proxy(const char *login_name, const char *reviewers_name)
{
	HitlGrant	grant = require_grant(HITL_RIGHT_PROXY, login_name, NULL);

	grant.reviewers = identity_role(reviewers_name);
	/* a person who is no role would be a superuser */
	if (superuser_arg(grant.reviewers))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a proxy cannot speak for a superuser"),
				 errdetail("Role \"%s\" is a superuser, and whoever the application names would have its rights.", reviewers_name),
				 errhint("CREATE ROLE reviewers;  -- a group, and grant it what its members may decide")));
	store_grant_lock();
	if (!store_grant_put(&grant, audit_person(), clock_now()))
		return false;
	note(&grant, "granted");
	return true;
}

/* After DROP OWNED: the grants of a role go, as its privileges do. */
void
grant_drop_role(Oid role)
{
	List	   *grants;
	ListCell   *cell;

	if (!OidIsValid(role) || !OidIsValid(db_relation("grant")))
		return;
	store_grant_lock();
	grants = store_grant_of_role(role);
	foreach(cell, grants)
	{
		HitlGrant  *grant = lfirst(cell);

		(void) store_grant_remove(grant);
		if (grant->right == HITL_RIGHT_REVIEWER)
			store_grant_close_to(grant->role);
		note(grant, "revoked");
	}
}
