/*
 * edit.c
 *    May an answer say what it says: the keys that may be edited, the schemas,
 *    the policy's validator.
 *
 * The schemas are those of the policy and those of the payload: both count.  The
 * args schema is for the final args, also of an approval: args that the policy
 * does not want are not carried out because nobody has touched them.  Of a batch
 * all of it is asked of each action.  To say no is never refused here.
 *
 * A validator is code of a superuser or of the tables' owner (rulebook.c looks)
 * and runs as the voter, never as the tables' owner.  What it raises refuses the
 * answer, as a reason that it returns does.
 *
 * Layer 3.
 */
#include "postgres.h"

#include "clock.h"
#include "edit.h"
#include "errors.h"
#include "identity.h"
#include "json.h"
#include "lifecycle.h"
#include "rulebook.h"
#include "schema.h"
#include "subxact.h"
#include "utils/builtins.h"

/* "interrupt 42", or "action 2 of interrupt 42" */
static char *
place_name(const HitlInterrupt *interrupt, int n)
{
	if (n > 0)
		return psprintf("action %d of interrupt %lld", n, (long long) interrupt->interrupt_id);
	return psprintf("interrupt %lld", (long long) interrupt->interrupt_id);
}

/* Only keys that the policy lets be edited; a key that stays as it is is not. */
static void
check_editable(const HitlPolicy *policy, const HitlInterrupt *interrupt, const HitlQuestion *action,
			   const HitlAnswer *answer, int n)
{
	List	   *touched;
	ListCell   *cell;
	ListCell   *may;

	if (policy == NULL || !policy->is_edit_limited || answer->type != HITL_DECISION_EDIT)
		return;
	touched = list_concat(json_keys(answer->edits), answer->removed);
	foreach(cell, touched)
	{
		const char *key = lfirst(cell);
		Jsonb	   *value = json_get(answer->edits, key);
		bool		is_editable = value != NULL && json_equal(value, json_get(action->args, key));

		foreach(may, policy->editable)
			is_editable = is_editable || strcmp(lfirst(may), key) == 0;
		if (!is_editable)
			ereport(ERROR,
					(errcode(ERRCODE_HITL_DECISION_TYPE),
					 errmsg("%s cannot be edited so", place_name(interrupt, n)),
					 errdetail("Policy \"%s\" does not let \"%s\" be edited.", policy->name, key),
					 errhint("Leave it as it is, or reject and say why.")));
	}
}

static void
check_schema(Jsonb *schema, Jsonb *value, const char *what, const char *whose, const HitlInterrupt *interrupt, int n)
{
	char	   *wrong = schema != NULL ? schema_violation(schema, value) : NULL;

	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the %s of %s do not fit", what, place_name(interrupt, n)),
				 errdetail("By the schema of %s: %s.", whose, wrong),
				 errhint("Change that, or reject and say why.")));
}

/*
 * What is asked of an answer to a question that is no batch (n = 0), or to the
 * n-th action of one, counted from 1.  policy: NULL for none.
 */
void
edit_check_action(const HitlPolicy *policy, const HitlInterrupt *interrupt,
				  const HitlQuestion *action, const HitlAnswer *answer, int n)
{
	const char *policy_name = policy != NULL ? psprintf("policy \"%s\"", policy->name) : NULL;

	check_editable(policy, interrupt, action, answer, n);
	if (answer->type == HITL_DECISION_APPROVE || answer->type == HITL_DECISION_EDIT)
	{
		Jsonb	   *args = answer_args(answer, action);

		check_schema(question_args_schema(action), args, "final args", "the question", interrupt, n);
		if (policy != NULL)
			check_schema(policy->args_schema, args, "final args", policy_name, interrupt, n);
	}
	if (answer->type == HITL_DECISION_RESPOND)
	{
		check_schema(question_response_schema(action), answer->response, "contents of the response", "the question", interrupt, n);
		if (policy != NULL)
			check_schema(policy->response_schema, answer->response, "contents of the response", policy_name, interrupt, n);
	}
}

static bool
fits(Jsonb *schema, Jsonb *value)
{
	return schema == NULL || schema_violation(schema, value) == NULL;
}

/*
 * Does an answer for all of a question fit its schemas and those of the policy
 * (NULL: none)?  For answers that nobody gives: a deadline's.
 */
bool
edit_fits(const HitlPolicy *policy, const HitlQuestion *question, const HitlAnswer *answer)
{
	List	   *actions = question_actions(question);
	ListCell   *cell;

	if (answer->type == HITL_DECISION_RESPOND)
		return fits(question_response_schema(question), answer->response) &&
			(policy == NULL || fits(policy->response_schema, answer->response));
	if (answer->type != HITL_DECISION_APPROVE && answer->type != HITL_DECISION_EDIT)
		return true;
	if (actions == NIL)
		actions = list_make1((void *) question);
	foreach(cell, actions)
	{
		Jsonb	   *args = answer_args(answer, lfirst(cell));

		if (!fits(question_args_schema(lfirst(cell)), args) || (policy != NULL && !fits(policy->args_schema, args)))
			return false;
	}
	return true;
}

/* ---------------------------------------------------------------- the validator */

/* what the validator is asked, and what it says */
typedef struct Validation
{
	const HitlPolicy *policy;
	Jsonb	   *question;
	Jsonb	   *answer;
	char	   *reason;			/* NULL: fine */
} Validation;

static bool
run_validator(void *arg)
{
	Validation *validation = arg;
	bool		is_null;
	Datum		reason = rulebook_call(validation->policy, HITL_POLICY_VALIDATOR, JsonbPGetDatum(validation->question),
									   JsonbPGetDatum(validation->answer), &is_null);

	if (!is_null)
		validation->reason = TextDatumGetCString(reason);
	return true;
}

static Jsonb *
question_document(const HitlInterrupt *interrupt)
{
	const HitlQuestion *question = &interrupt->question;
	JsonBuilder b;

	json_begin(&b);
	json_add_int64(&b, "interrupt_id", interrupt->interrupt_id);
	json_add_int64(&b, "thread_id", interrupt->thread_id);
	json_add_string(&b, "node", interrupt->node);
	json_add_string(&b, "key", question->key);
	json_add_string(&b, "action", question->action);
	json_add_jsonb(&b, "args", question->args);
	json_add_string(&b, "description", question->description);
	json_add_jsonb(&b, "payload", question->payload);
	json_add_int64(&b, "revision", interrupt->revision);
	return json_end(&b);
}

static void
ask_validator(const HitlPolicy *policy, const HitlInterrupt *interrupt, const HitlAnswer *answer)
{
	Validation	validation = {.policy = policy, .question = question_document(interrupt)};
	ErrorData  *error;

	validation.answer = answer_decision(answer, &interrupt->question, identity_actor()->person, clock_now());
	error = subxact_run(run_validator, &validation);
	/* a cancel, a conflict, a shutdown are no word on the answer */
	if (error != NULL && (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
						  lifecycle_error_verdict(error->sqlerrcode) != HITL_ERROR_FAIL))
		ReThrowError(error);
	if (error != NULL)
		validation.reason = psprintf("%s: %s", unpack_sql_state(error->sqlerrcode), error->message);
	if (validation.reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the validator of policy \"%s\" does not take this answer to interrupt %lld",
						policy->name, (long long) interrupt->interrupt_id),
				 errdetail_internal("%s", validation.reason),
				 errhint("Change that, or reject and say why.")));
}

/*
 * May this answer, which the question takes, say what it says?  Raises IH004 for
 * a key that may not be edited, 22023 for what does not fit a schema or the
 * validator.  policy: NULL for none.  An approval of a proposal was asked all
 * this as that was made.
 */
void
edit_check(const HitlPolicy *policy, const HitlInterrupt *interrupt, const HitlAnswer *answer)
{
	List	   *actions = question_actions(&interrupt->question);
	ListCell   *cell;

	if (answer->type == HITL_DECISION_REJECT ||
		(answer->type == HITL_DECISION_APPROVE && interrupt->proposal != NULL))
		return;
	if (actions == NIL)
		edit_check_action(policy, interrupt, &interrupt->question, answer, 0);
	foreach(cell, actions)
	{
		int			n = foreach_current_index(cell);

		edit_check_action(policy, interrupt, lfirst(cell), answer_of_action(answer, n), n + 1);
	}
	if (policy != NULL && policy->validator != NULL)
		ask_validator(policy, interrupt, answer);
}
