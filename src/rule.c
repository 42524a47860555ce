/*
 * rule.c
 *    Which rule is for a question: by action, graph, node and args.
 *
 * A rule fails closed, in both of what it can do.  Its policy applies unless it
 * is sure that it does not: a predicate on the args that is false keeps it away,
 * one that is unknown (a misspelt key, a null, a string for a number, an error)
 * does not.  And it lets something run without a person only if all that it says
 * is true, and nothing unknown: its predicate and its skip_when.
 *
 * Predicates are read as a gate's are (gate.c): strict, and null is nothing.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "gate.h"
#include "mb/pg_wchar.h"
#include "question.h"
#include "rule.h"

/*
 * Is the action one of a pattern's?  * stands for any characters, ? for one;
 * all others are themselves.  NULL, for no action, is matched as an empty one.
 */
bool
rule_action_matches(const char *pattern, const char *action)
{
	const char *star = NULL;	/* behind the last one, ... */
	const char *retry = NULL;	/* ... and what it has not eaten yet */

	if (action == NULL)
		action = "";
	while (*action != '\0')
	{
		if (*pattern == '*')
		{
			star = ++pattern;
			retry = action;
		}
		else if (*pattern != '\0' && (*pattern == '?' || *pattern == *action))
		{
			/* one character, of however many bytes */
			int			length = *pattern == '?' ? pg_mblen(action) : 1;

			pattern++;
			action += length;
		}
		else if (star != NULL)
		{
			pattern = star;
			retry += pg_mblen(retry);
			action = retry;
		}
		else
			return false;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/*
 * What does a rule say of an action that this node asks about?  may_skip:
 * somebody need not be asked if it says so.
 */
HitlRuleVerdict
rule_judge(const HitlRule *rule, const HitlQuestion *action, int64 graph_id, const char *node, bool may_skip)
{
	HitlTruth	is_meant = HITL_TRUE;

	if (rule->action != NULL && !rule_action_matches(rule->action, action->action))
		return HITL_RULE_NONE;
	if (rule->graph_id != 0 && rule->graph_id != graph_id)
		return HITL_RULE_NONE;
	if (rule->node != NULL && strcmp(rule->node, node) != 0)
		return HITL_RULE_NONE;
	if (rule->args != NULL)
		is_meant = gate_judge(rule->args, action->args);
	if (is_meant == HITL_FALSE)
		return HITL_RULE_NONE;
	if (may_skip && is_meant == HITL_TRUE && rule->skip_when != NULL &&
		gate_judge(rule->skip_when, action->args) == HITL_TRUE)
		return HITL_RULE_SKIP;
	return rule->policy_id != 0 ? HITL_RULE_POLICY : HITL_RULE_NONE;
}

/* The first rule that says something of an action; NULL for none. */
static const HitlRule *
first_rule(List *rules, const HitlQuestion *action, int64 graph_id, const char *node, bool may_skip,
		   HitlRuleVerdict *verdict)
{
	ListCell   *cell;

	foreach(cell, rules)
	{
		const HitlRule *rule = lfirst(cell);

		*verdict = rule_judge(rule, action, graph_id, node, may_skip);
		if (*verdict != HITL_RULE_NONE)
			return rule;
	}
	*verdict = HITL_RULE_NONE;
	return NULL;
}

/*
 * What these rules say of a question, the first that says something of an action
 * before the others; one that only skips, and does not, leaves it to the next.
 * A batch gets the policy of any of its actions, and needs nobody only if none
 * of them does: an action is not let pass by the company that it is in.
 */
HitlRuling
rule_choose(List *rules, const HitlQuestion *question, int64 graph_id, const char *node, bool may_skip)
{
	HitlRuling	ruling = {.verdict = HITL_RULE_NONE};
	bool		all_skip = true;
	ListCell   *cell;

	if (rules == NIL)
		return ruling;
	ruling.actions = question_actions(question);
	if (ruling.actions == NIL)
		ruling.actions = list_make1((void *) question);
	foreach(cell, ruling.actions)
	{
		HitlRuleVerdict verdict;
		const HitlRule *rule = first_rule(rules, lfirst(cell), graph_id, node, may_skip, &verdict);

		all_skip &= verdict == HITL_RULE_SKIP;
		ruling.is_partial |= verdict == HITL_RULE_NONE;
		if (verdict == HITL_RULE_SKIP)
			ruling.rules = lappend(ruling.rules, (void *) rule);
		if (verdict != HITL_RULE_POLICY)
			continue;
		if (ruling.rule == NULL)
			ruling.rule = rule;
		else if (ruling.rule->policy_id != rule->policy_id && ruling.other == NULL)
			ruling.other = rule;
	}
	if (ruling.rule != NULL)
		ruling.verdict = ruling.other != NULL ? HITL_RULE_CONFLICT : HITL_RULE_POLICY;
	else if (all_skip)
	{
		ruling.verdict = HITL_RULE_SKIP;
		ruling.rule = linitial(ruling.rules);
	}
	return ruling;
}
