/*
 * rule.h
 *    Which rule is for a question: by action, graph, node and args.
 *
 * Layer 1: pure.
 */
#ifndef HITL_RULE_H
#define HITL_RULE_H

#include "types.h"

/* what a rule says of a question */
typedef enum HitlRuleVerdict
{
	HITL_RULE_NONE,				/* it is not for this one */
	HITL_RULE_POLICY,			/* its policy applies */
	HITL_RULE_SKIP				/* nobody need be asked */
} HitlRuleVerdict;

extern bool rule_action_matches(const char *pattern, const char *action);
extern HitlRuleVerdict rule_judge(const HitlRule *rule, const HitlQuestion *question, int64 graph_id, const char *node,
								  bool may_skip);
extern const HitlRule *rule_choose(List *rules, const HitlQuestion *question, int64 graph_id, const char *node,
								   bool may_skip, HitlRuleVerdict *verdict);

#endif							/* HITL_RULE_H */
