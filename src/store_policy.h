/*
 * store_policy.h
 *    Rows of hitl.policy, policy_version and automatic_verdict.
 *
 * Layer 2.
 */
#ifndef HITL_STORE_POLICY_H
#define HITL_STORE_POLICY_H

#include "types.h"

/* a version of a policy as it is stored */
typedef struct HitlPolicyRow
{
	int64		policy_id;
	char	   *name;
	Oid			owner;
	int			version;
	Jsonb	   *definition;
	Jsonb	   *groups;			/* {name: OID of the role, as text}, or NULL */
	bool		is_ours;		/* made by the current transaction */
} HitlPolicyRow;

extern HitlPolicyRow *store_policy_find(const char *name);
extern HitlPolicyRow *store_policy_find_id(int64 policy_id);
extern HitlPolicyRow *store_policy_lock(const char *name);
extern HitlPolicyRow *store_policy_version(int64 policy_id, int version);
extern int64 store_policy_insert(const char *name, Oid owner);
extern void store_policy_put(int64 policy_id, int version, Jsonb *definition, const HitlPolicy *policy,
							 const char *by, TimestampTz at);
extern List *store_policy_members(Oid role);
extern void store_automatic_insert(const HitlTask *task, int64 graph_id, List *automatic, TimestampTz at);

#endif							/* HITL_STORE_POLICY_H */
