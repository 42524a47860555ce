/*
 * store_grant.h
 *    Rows of hitl.grant, and the privileges that go with them.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_GRANT_H
#define HITL_STORE_GRANT_H

#include "datatype/timestamp.h"
#include "types.h"

/* a row of hitl.grant */
typedef struct HitlGrant
{
	HitlRight	right;
	Oid			role;
	int64		graph_id;		/* or HITL_ALL_GRAPHS */
	Oid			reviewers;		/* of a proxy */
	char	   *graph_name;		/* for the trail; NULL: all graphs */
} HitlGrant;

extern void store_grant_lock(void);
extern bool store_grant_put(const HitlGrant *grant, const char *by, TimestampTz at);
extern bool store_grant_remove(const HitlGrant *grant);
extern List *store_grant_of_role(Oid role);
extern List *store_grant_roles(HitlRight right, int64 graph_id);
extern List *store_grant_reviewers(int64 graph_id);
extern Oid	store_grant_proxy(Oid login);
extern void store_grant_open_to(Oid role, int64 graph_id);
extern void store_grant_close_to(Oid role);

#endif							/* HITL_STORE_GRANT_H */
