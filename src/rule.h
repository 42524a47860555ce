/*
 * rule.h
 *    Which rule is for a question: by action, graph, node and args.
 *
 * Layer 1: pure.
 */
#ifndef HITL_RULE_H
#define HITL_RULE_H

#include "types.h"

/* what a rule says of an action */
typedef enum HitlRuleVerdict
{
	HITL_RULE_NONE,				/* it is not for this one */
	HITL_RULE_POLICY,			/* its policy applies */
	HITL_RULE_SKIP,				/* nobody need be asked */
	HITL_RULE_CONFLICT			/* of a batch: its actions want several policies */
} HitlRuleVerdict;

/* what the rules say of a question */
typedef struct HitlRuling
{
	HitlRuleVerdict verdict;
	const HitlRule *rule;		/* NULL: none says anything */
	const HitlRule *other;		/* CONFLICT: one that wants another policy */
	bool		is_partial;		/* of a batch: no rule says anything of some action */
	List	   *actions;		/* SKIP: each action as a HitlQuestion, ... */
	List	   *rules;			/* ... and the HitlRule that lets it pass */
} HitlRuling;

extern bool rule_action_matches(const char *pattern, const char *action);
extern HitlRuleVerdict rule_judge(const HitlRule *rule, const HitlQuestion *action, int64 graph_id, const char *node,
								  bool may_skip);
extern HitlRuling rule_choose(List *rules, const HitlQuestion *question, int64 graph_id, const char *node, bool may_skip);

#endif							/* HITL_RULE_H */
