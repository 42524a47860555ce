/*
 * opening.c
 *    Put a question to people: under which policy, to whom, until when.
 *
 * In two parts.  While its node runs, a question gets what it will be opened
 * with (opening_choose()): a rule's policy, else the one that its gate or its
 * payload names, else none; and the times, which may call code.  What is wrong
 * there is the node's error.  The tail of the run then writes the interrupt.
 *
 * A rule may also say that nobody need be asked: then the node goes on with a
 * decision of type approve, "automatic", and the verdict is counted where the
 * run that acted on it commits.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "answer.h"
#include "audit.h"
#include "clock.h"
#include "content.h"
#include "deadline.h"
#include "errors.h"
#include "event.h"
#include "identity.h"
#include "json.h"
#include "names.h"
#include "opening.h"
#include "outbox.h"
#include "question.h"
#include "rights.h"
#include "rulebook.h"
#include "store_interrupt.h"
#include "store_policy.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* ---------------------------------------------------------------- what to open it with */

/* Is there a decision that this question, or action of a batch, takes?  An edit needs something to edit. */
static bool
can_be_answered(const HitlQuestion *question)
{
	return question->allowed != 0 &&
		(question->allowed != HITL_DECISION_BIT(HITL_DECISION_EDIT) || json_is_object(question->args));
}

/*
 * The decisions that both the question and its policy take; at least one, of a
 * batch for each of its actions.
 */
static void
limit_allowed(HitlQuestion *question)
{
	HitlDecisionSet asked = question->allowed;
	List	   *actions;
	ListCell   *cell;

	question->allowed &= question->under->allowed;
	actions = question_actions(question);
	if (actions == NIL && !can_be_answered(question))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nobody could answer this question"),
				 errdetail("It can be answered by %s, and its policy \"%s\" allows %s.",
						   name_decision_list(asked), question->under->name, name_decision_list(question->under->allowed)),
				 errhint("Have the question or the policy allow more.")));
	foreach(cell, actions)
		if (!can_be_answered(lfirst(cell)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("nobody could answer this question"),
					 errdetail("Its policy \"%s\" allows %s, which action %d of the batch does not take.",
							   question->under->name, name_decision_list(question->under->allowed), foreach_current_index(cell) + 1),
					 errhint("Have the action or the policy allow more.")));
}

/* By when: as the policy counts; DT_NOBEGIN: it has no such time. */
static TimestampTz
time_after(const HitlPolicy *policy, Oid owner, TimestampTz from, int64 ms)
{
	return policy != NULL && ms > 0 ? deadline_after(policy, owner, from, ms) : DT_NOBEGIN;
}

/*
 * Who may decide, as a list of Oid: the groups of the policy, else the graph's
 * owner, beside whom the store puts those who were granted to review the graph.
 */
static List *
audience_of(const HitlPolicy *policy, Oid owner)
{
	List	   *audience = NIL;

	if (policy == NULL || policy->n_groups == 0)
		return list_make1_oid(owner);
	for (int i = 0; i < policy->n_groups; i++)
	{
		Oid			role = identity_group(&policy->groups[i]);

		if (!OidIsValid(role))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("group \"%s\" is gone", policy->groups[i].role),
					 errdetail("Policy \"%s\" names it, and the role that had this name when it was written is there no more.", policy->name),
					 errhint("Write a new version of the policy with hitl.create_policy().")));
		audience = list_append_unique_oid(audience, role);
	}
	return audience;
}

/* The policy's calendar is asked: of a run, before its thread is locked. */
static void
set_times(HitlQuestion *question, Oid owner)
{
	const HitlPolicy *policy = question->under;

	question->opened_at = clock_now();
	question->due_at = time_after(policy, owner, question->opened_at, policy != NULL ? policy->due_in_ms : 0);
	question->expires_at = time_after(policy, owner, question->opened_at, policy != NULL ? policy->expires_in_ms : 0);
	if (policy != NULL)
		question->steps = deadline_steps(policy, owner, question->opened_at);
}

/* A run goes on without a person, as this rule says: to be counted. */
void
opening_note_automatic(HitlRun *run, const char *key, const char *action, const char *rule)
{
	HitlAutomatic *verdict = palloc(sizeof(HitlAutomatic));

	verdict->key = pstrdup(key);
	verdict->action = action != NULL ? pstrdup(action) : NULL;
	verdict->rule = pstrdup(rule);
	run->automatic = lappend(run->automatic, verdict);
}

/*
 * The decision that rules give in the place of a person: an approval, of every
 * action of a batch, by nobody.
 */
static Jsonb *
decide_automatically(HitlRun *run, const HitlQuestion *question, const HitlRuling *ruling)
{
	HitlAnswer	approve = {.type = HITL_DECISION_APPROVE};
	ListCell   *action;
	ListCell   *rule;
	JsonBuilder b;

	forboth(action, ruling->actions, rule, ruling->rules)
		opening_note_automatic(run, question->key, ((HitlQuestion *) lfirst(action))->action, ((HitlRule *) lfirst(rule))->name);
	json_begin(&b);
	json_add_bool(&b, "automatic", true);
	json_add_string(&b, "rule", ruling->rule->name);
	return json_merge(json_delete(answer_decision(&approve, question, "", clock_now()), "by"), json_end(&b));
}

/*
 * A rule has a policy for some actions of a batch only: the others are under the
 * one that the question names, and are not carried out from under it.
 */
static void
require_same_policy(const HitlQuestion *question)
{
	if (rulebook_policy_named(question->policy)->policy_id == question->under->policy_id)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the actions of this batch come under different policies"),
			 errdetail("Rule \"%s\" puts one of them under policy \"%s\", and the batch names \"%s\" for those that no rule is for.",
					   question->rule, question->under->name, question->policy),
			 errhint("Ask for them in interrupts of their own, each with its key.")));
}

/*
 * Choose what a question of this run is opened with.  If rules say that nobody
 * need be asked, and may (may_skip), returns the decision; else NULL.
 */
Jsonb *
opening_choose(HitlRun *run, HitlQuestion *question, bool may_skip)
{
	const HitlGraphVersion *graph = run->graph;
	HitlRuling	ruling = rulebook_choose(question, graph->owner, graph->graph_id, run->task->node, may_skip);

	switch (ruling.verdict)
	{
		case HITL_RULE_SKIP:
			return decide_automatically(run, question, &ruling);
		case HITL_RULE_CONFLICT:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the actions of this batch come under different policies"),
					 errdetail("Rule \"%s\" is for one of them, and rule \"%s\" for another.", ruling.rule->name, ruling.other->name),
					 errhint("Ask for them in interrupts of their own, each with its key.")));
			break;
		case HITL_RULE_POLICY:
			question->rule = pstrdup(ruling.rule->name);
			question->under = rulebook_policy_latest(ruling.rule->policy_id);
			if (ruling.is_partial && question->policy != NULL)
				require_same_policy(question);
			break;
		case HITL_RULE_NONE:
			if (question->policy == NULL)
				return NULL;
			question->under = rulebook_policy_named(question->policy);
			break;
	}
	limit_allowed(question);
	/* a role that is gone is the node's error, not the tail's */
	if (question->under->n_groups > 0)
		(void) audience_of(question->under, graph->owner);
	set_times(question, graph->owner);
	return NULL;
}

/*
 * The tail of a run that is recorded: count what it did without a person.
 * Returns that as {"automatic": [{"key", "rule"}, ...]}; NULL: nothing.
 */
Jsonb *
opening_record_automatic(const HitlThread *thread, const HitlTask *task, const HitlRun *run)
{
	List	   *verdicts = NIL;
	ListCell   *cell;
	JsonBuilder b;

	if (run->automatic == NIL)
		return NULL;
	store_automatic_insert(task, thread->graph_id, run->automatic, clock_now());
	foreach(cell, run->automatic)
	{
		const HitlAutomatic *automatic = lfirst(cell);

		json_begin(&b);
		json_add_string(&b, "key", automatic->key);
		json_add_string(&b, "rule", automatic->rule);
		verdicts = lappend(verdicts, json_end(&b));
	}
	json_begin(&b);
	json_add_jsonb(&b, "automatic", json_list(verdicts));
	return json_end(&b);
}

/* ------------------------------------------------------------------------- the interrupt */

static int64
open_interrupt(const HitlThread *thread, const HitlTask *task, const HitlQuestion *question,
			   int64 reopens, bool is_review)
{
	const HitlPolicy *policy = question->under;
	List	   *audience = audience_of(policy, thread->owner);
	Oid		   *roles = palloc(sizeof(Oid) * list_length(audience));
	HitlInterrupt interrupt = {
		.thread_id = thread->thread_id,
		.task_id = task->task_id,
		.graph_id = thread->graph_id,
		.owner = thread->owner,
		.step = task->step,
		.node = task->node,
		.status = HITL_INTERRUPT_PENDING,
		.question = *question,
		.rule = question->rule,
		.reopens = reopens,
		.is_review = is_review,
		.revision = 1
	};
	ListCell   *cell;

	if (policy != NULL)
	{
		interrupt.policy_id = policy->policy_id;
		interrupt.policy_version = policy->version;
		interrupt.priority = policy->priority;
	}
	if (interrupt.question.opened_at == 0)
		set_times(&interrupt.question, thread->owner);
	interrupt.opened_at = interrupt.question.opened_at;
	interrupt.due_at = interrupt.question.due_at;
	interrupt.expires_at = interrupt.question.expires_at;
	interrupt.content_hash = content_hash(question, NULL);
	foreach(cell, audience)
		roles[foreach_current_index(cell)] = lfirst_oid(cell);
	store_interrupt_insert(&interrupt, roles, list_length(audience), policy == NULL || policy->n_groups == 0);
	audit_interrupt(&interrupt, "opened", NULL);
	if (policy != NULL)
		deadline_plan(&interrupt, policy, interrupt.question.steps);
	if (policy != NULL && policy->notify != NIL)
		(void) outbox_note(interrupt.interrupt_id, "opened", policy->notify, NULL);
	event_note(HITL_EVENT_OPENED, thread->thread_id, interrupt.interrupt_id, thread->owner);
	return interrupt.interrupt_id;
}

/* Record the question of a node that paused; returns the interrupt's id. */
int64
opening_interrupt(const HitlThread *thread, const HitlTask *task, const HitlQuestion *question)
{
	return open_interrupt(thread, task, question, 0, false);
}

/*
 * Put a question to people again, which was decided: reopens (see reopen.c).  Its
 * policy may allow less by now.
 */
int64
opening_again(const HitlThread *thread, const HitlTask *task, HitlQuestion *question,
			  int64 reopens, bool is_review)
{
	if (question->under != NULL)
		limit_allowed(question);
	return open_interrupt(thread, task, question, reopens, is_review);
}

/* ------------------------------------------------------------------- the edited action */

/*
 * The policy under which one action would be asked about as an edit leaves it,
 * with its final args; NULL: any, for no policy is meant for it, or nobody need
 * be asked.  *why: what puts it there.
 */
static const HitlPolicy *
policy_of_edited(const HitlInterrupt *interrupt, const HitlQuestion *action, Jsonb *args, char **why)
{
	HitlQuestion edited = *action;
	HitlRuling	ruling;
	char	   *named = json_get_string(interrupt->question.payload, "policy");

	edited.args = args;
	/* one action, also where its payload looks like a batch */
	edited.payload = NULL;
	ruling = rulebook_choose(&edited, interrupt->owner, interrupt->graph_id, interrupt->node, true);
	if (ruling.verdict == HITL_RULE_POLICY)
	{
		*why = psprintf("Rule \"%s\" puts what that would do", ruling.rule->name);
		return rulebook_policy_latest(ruling.rule->policy_id);
	}
	if (ruling.verdict != HITL_RULE_NONE || named == NULL)
		return NULL;
	*why = pstrdup("No rule is for what that would do, so the question itself puts it");
	return rulebook_policy_named(named);
}

/* opening_check_edit(), for a question that is no batch or for one action of one. */
void
opening_check_edited(const HitlInterrupt *interrupt, const HitlQuestion *action, const HitlAnswer *answer)
{
	char	   *why;
	const HitlPolicy *policy;

	if (answer->type != HITL_DECISION_EDIT)
		return;
	policy = policy_of_edited(interrupt, action, answer_args(answer, action), &why);
	if (policy == NULL || policy->policy_id == interrupt->policy_id)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_HITL_DECISION_TYPE),
			 errmsg("interrupt %lld cannot be edited so", (long long) interrupt->interrupt_id),
			 errdetail("%s under policy \"%s\", which is not the one that this interrupt was opened under.", why, policy->name),
			 errhint("Reject it and say why, so that it is asked anew; or edit it otherwise.")));
}

/*
 * The rules are asked again about what an answer edits, and then the question,
 * as they were when it was opened: an edit must not carry an action out from
 * under the policy that is meant for it.  Raises IH004 if it is for another policy
 * than the interrupt's.
 */
void
opening_check_edit(const HitlInterrupt *interrupt, const HitlAnswer *answer)
{
	List	   *actions = question_actions(&interrupt->question);
	ListCell   *cell;

	if (actions == NIL)
		opening_check_edited(interrupt, &interrupt->question, answer);
	foreach(cell, actions)
		opening_check_edited(interrupt, lfirst(cell), answer_of_action(answer, foreach_current_index(cell)));
}
