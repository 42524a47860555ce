/*
 * wording.c
 *    A policy in words, for who has to decide under it.
 *
 * What is at its default and forbids nothing is not mentioned, but for how many
 * decide.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "names.h"
#include "wording.h"

/* "a, b and c": words are C strings; last: "and", "or". */
char *
wording_list(List *words, const char *last)
{
	StringInfoData text;
	int			n = list_length(words);

	initStringInfo(&text);
	for (int i = 0; i < n; i++)
	{
		if (i > 0 && i == n - 1)
			appendStringInfo(&text, " %s ", last);
		else if (i > 0)
			appendStringInfoString(&text, ", ");
		appendStringInfoString(&text, list_nth(words, i));
	}
	return text.data;
}

static List *
group_names(const HitlPolicy *policy)
{
	List	   *names = NIL;

	for (int i = 0; i < policy->n_groups; i++)
		names = lappend(names, policy->groups[i].role);
	return names;
}

/* How many have to agree. */
static char *
quorum_words(const HitlPolicy *policy)
{
	List	   *parts = NIL;

	switch (policy->quorum)
	{
		case HITL_QUORUM_COUNT:
			if (policy->needed == HITL_QUORUM_ALL)
				return pstrdup("All who may decide have to agree.");
			return policy->needed == 1 ? pstrdup("One person decides.")
				: psprintf("%d persons have to agree.", policy->needed);
		case HITL_QUORUM_GROUPS:
			for (int i = 0; i < policy->n_groups; i++)
			{
				const HitlPolicyGroup *group = &policy->groups[i];

				if (group->needed == HITL_QUORUM_ALL)
					parts = lappend(parts, psprintf("all of %s", group->role));
				else if (group->needed > 0)
					parts = lappend(parts, psprintf("%d of %s", group->needed, group->role));
			}
			return psprintf("These have to agree: %s.", wording_list(parts, "and"));
		case HITL_QUORUM_WEIGHTS:
			for (int i = 0; i < policy->n_groups; i++)
				parts = lappend(parts, psprintf("%d for one of %s", policy->groups[i].weight, policy->groups[i].role));
			return psprintf("Votes have to weigh %d together: %s.", policy->needed, wording_list(parts, "and"));
	}
	return pstrdup("");
}

static char *
veto_words(const HitlPolicy *policy)
{
	List	   *groups = NIL;

	if (policy->has_veto)
		return pstrdup("One reject is the end.");
	for (int i = 0; i < policy->n_groups; i++)
		if (policy->groups[i].has_veto)
			groups = lappend(groups, policy->groups[i].role);
	if (groups != NIL)
		return psprintf("One reject of %s is the end.", wording_list(groups, "or"));
	return pstrdup("A reject needs as many as an approval.");
}

static char *
span(int64 ms)
{
	int64		minutes = ms / 60000;

	if (ms % 60000 != 0)
		return psprintf(INT64_FORMAT " s", ms / 1000);
	if (minutes % (24 * 60) == 0)
		return psprintf(INT64_FORMAT " d", minutes / (24 * 60));
	if (minutes % 60 == 0)
		return psprintf(INT64_FORMAT " h", minutes / 60);
	return psprintf(INT64_FORMAT " min", minutes);
}

static char *
expiry_words(const HitlPolicy *policy)
{
	const char *what = "";

	switch (policy->on_expiry)
	{
		case HITL_EXPIRY_STAY:
			what = "it stays open";
			break;
		case HITL_EXPIRY_REJECT:
			what = "it counts as a reject";
			break;
		case HITL_EXPIRY_APPROVE:
			what = "it is approved without a person";
			break;
		case HITL_EXPIRY_RESPOND:
			what = "a default answer is given";
			break;
		case HITL_EXPIRY_ROUTE:
			what = psprintf("the thread goes to node \"%s\"", policy->expiry_node);
			break;
		case HITL_EXPIRY_FAIL:
			what = "the node fails";
			break;
	}
	return psprintf("If nothing is decided within %s, %s.", span(policy->expires_in_ms), what);
}

/* Sentences, as C strings. */
List *
wording_policy(const HitlPolicy *policy)
{
	List	   *words = NIL;

	if (policy->n_groups > 0)
		words = lappend(words, psprintf("Members of %s decide.", wording_list(group_names(policy), "or")));
	words = lappend(words, quorum_words(policy));
	words = lappend(words, veto_words(policy));
	if (!policy->starter_may_decide)
		words = lappend(words, pstrdup("Who started the thread may not decide."));
	if (!policy->editor_may_decide_alone)
		words = lappend(words, pstrdup("Who proposes an edit or a response is not enough for it: somebody else has to agree."));
	if (policy->needs_claim)
		words = lappend(words, pstrdup("It has to be claimed before a vote."));
	if (policy->needs_reason != 0)
		words = lappend(words, psprintf("A reason has to be given with: %s.", name_decision_list(policy->needs_reason)));
	if (policy->is_edit_limited)
		words = lappend(words, policy->editable == NIL ? pstrdup("Nothing can be edited.")
						: psprintf("Only these can be edited: %s.", wording_list(policy->editable, "and")));
	if (!policy->may_delegate)
		words = lappend(words, pstrdup("Nobody decides in the place of somebody else."));
	if (!policy->asserted_may_decide)
		words = lappend(words, pstrdup("Only who has logged in decides, not whom an application names."));
	if (policy->due_in_ms > 0)
		words = lappend(words, psprintf("It is due within %s.", span(policy->due_in_ms)));
	if (policy->expires_in_ms > 0)
		words = lappend(words, expiry_words(policy));
	return words;
}
