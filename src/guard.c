/*
 * guard.c
 *    Ask once more before what was decided is done: the guard of a policy.
 *
 * Between a decision and the run that acts on it the world may change: the
 * account is closed, the limit is used up.  A policy may name a function that
 * is asked in that run, as the graph's owner and among the node's effects, as a
 * router is: true, and the decision is handed on; else nobody acts on it, and
 * the question is put to people again (P5).  What was rejected or answered
 * by a response is not done anyway, and needs no guard.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "ballot.h"
#include "errors.h"
#include "fmgr.h"
#include "guard.h"
#include "guc.h"
#include "json.h"
#include "names.h"
#include "rulebook.h"

/* What a guard is told of the question. */
static Jsonb *
question_document(const HitlInterrupt *asked)
{
	const HitlQuestion *question = &asked->question;
	JsonBuilder b;

	json_begin(&b);
	json_add_int64(&b, "interrupt_id", asked->interrupt_id);
	json_add_int64(&b, "thread_id", asked->thread_id);
	json_add_string(&b, "node", asked->node);
	json_add_string(&b, "key", question->key);
	json_add_string(&b, "action", question->action);
	json_add_jsonb(&b, "args", question->args);
	json_add_string(&b, "description", question->description);
	json_add_jsonb(&b, "payload", question->payload);
	return json_end(&b);
}

/* In a run: may what was decided of this question be done? */
bool
guard_agrees(const HitlRun *run, const HitlInterrupt *asked)
{
	const HitlPolicy *policy = ballot_policy(asked);
	char	   *type = json_get_string(asked->decision, "type");
	FmgrInfo	function;
	LOCAL_FCINFO(call, 2);
	Datum		result;

	if (policy == NULL || policy->guard == NULL || type == NULL)
		return true;
	if (strcmp(type, name_decision_type(HITL_DECISION_REJECT)) == 0 ||
		strcmp(type, name_decision_type(HITL_DECISION_RESPOND)) == 0)
		return true;
	fmgr_info(rulebook_function(policy, HITL_POLICY_GUARD, run->graph->owner), &function);
	InitFunctionCallInfoData(*call, &function, 2, InvalidOid, NULL, NULL);
	call->args[0].value = JsonbPGetDatum(question_document(asked));
	call->args[0].isnull = false;
	call->args[1].value = JsonbPGetDatum(asked->decision);
	call->args[1].isnull = false;
	result = FunctionCallInvoke(call);
	return !call->isnull && DatumGetBool(result);
}

/*
 * The guard did not agree: may the question be put to people again?  Raises
 * IH007 if that was done too often.
 */
void
guard_require_round(const HitlRun *run, const HitlInterrupt *asked)
{
	const HitlPolicy *policy = ballot_policy(asked);
	int			n_rounds = 0;
	ListCell   *cell;

	foreach(cell, run->interrupts)
	{
		const HitlInterrupt *other = lfirst(cell);

		if (other->status == HITL_INTERRUPT_SUPERSEDED && strcmp(other->question.key, asked->question.key) == 0)
			n_rounds++;
		/* people have reopened that one */
		if (other->reopens != 0 && strcmp(other->question.key, asked->question.key) == 0)
			n_rounds--;
	}
	if (n_rounds < guc_max_reasks)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_HITL_ASKED_ELSE),
			 errmsg("node \"%s\" is not let do what was decided", run->task->node),
			 errdetail("Question \"%s\" was put to people again %d times, and the guard %s of policy \"%s\" does not agree with the decision of interrupt %lld either.",
					   asked->question.key, n_rounds, policy->guard, policy->name, (long long) asked->interrupt_id),
			 errhint("SELECT hitl.retry(%lld); once the guard agrees, or SELECT hitl.cancel(%lld);",
					 (long long) run->task->thread_id, (long long) run->thread->root_id)));
}
