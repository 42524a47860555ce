/*
 * rulebook.h
 *    Policies and rules that are in force: make them, and have them at hand.
 *
 * Layer 3.
 */
#ifndef HITL_RULEBOOK_H
#define HITL_RULEBOOK_H

#include "rule.h"
#include "types.h"

/* what a policy calls; policy.c says in which form */
typedef enum HitlPolicyFunction
{
	HITL_POLICY_VALIDATOR,
	HITL_POLICY_GUARD,
	HITL_POLICY_BUSINESS_TIME
} HitlPolicyFunction;

extern const HitlPolicy *rulebook_policy(int64 policy_id, int version);
extern const HitlPolicy *rulebook_policy_latest(int64 policy_id);
extern const HitlPolicy *rulebook_policy_named(const char *name);
extern Oid	rulebook_function(const HitlPolicy *policy, HitlPolicyFunction kind, Oid graph_owner);
extern Datum rulebook_call(const HitlPolicy *policy, HitlPolicyFunction kind, Datum first, Datum second, bool *is_null);
extern List *rulebook_members(const HitlPolicy *policy, List *audience);
extern HitlRuling rulebook_choose(const HitlQuestion *question, Oid graph_owner, int64 graph_id,
								  const char *node, bool may_skip);

extern int	rulebook_create_policy(const char *name, Jsonb *definition);
extern int64 rulebook_create_rule(HitlRule *rule, const char *policy_name, const char *graph_name);
extern void rulebook_drop_rule(const char *name);

#endif							/* HITL_RULEBOOK_H */
