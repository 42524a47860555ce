/*
 * answer.c
 *    Questions and answers as values: read, check, compare, merge.
 *
 * A question's content is (key, action, args): what a decision is bound to.
 * Description and the rest of the payload are shown, and a new timestamp in
 * them is not a new question.  A payload with neither action nor args is
 * itself the content, but for its description, context and allowed.
 *
 * The shape of a decision is that of the LangGraph article's refund node:
 * {"type":"approve"}, {"type":"edit","edits":{...}}, {"type":"reject","reason":...},
 * {"type":"respond","response":...}.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "answer.h"
#include "errors.h"
#include "json.h"
#include "names.h"

/* Keys that an answer of each type may have beside "type". */
static bool
key_belongs(HitlDecisionType type, const char *key)
{
	switch (type)
	{
		case HITL_DECISION_APPROVE:
			return false;
		case HITL_DECISION_EDIT:
			return strcmp(key, "edits") == 0;
		case HITL_DECISION_REJECT:
			return strcmp(key, "reason") == 0;
		case HITL_DECISION_RESPOND:
			return strcmp(key, "response") == 0;
	}
	return false;
}

static void
shape_error(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the decision has not the shape of a decision"),
			 errdetail_internal("%s", detail),
			 errhint("Give {\"type\":\"approve\"}, {\"type\":\"edit\",\"edits\":{...}}, {\"type\":\"reject\",\"reason\":\"...\"} or {\"type\":\"respond\",\"response\":...}.")));
}

/* Edits are an object: what else could be laid over the args? */
void
answer_check_edits(const HitlAnswer *answer)
{
	if (!json_is_object(answer->edits))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the edits of a decision must be an object"),
				 errdetail("They are %s.", json_type(answer->edits)),
				 errhint("Give the arguments to change, such as {\"amount\": 4000}.")));
}

/*
 * Read a decision as a reviewer gives it.  A key that does not belong is an
 * error: "edit" misspelt as "edits" beside approve must not approve.
 */
HitlAnswer *
answer_parse(Jsonb *decision)
{
	HitlAnswer *answer = palloc0(sizeof(HitlAnswer));
	Jsonb	   *reason;
	char	   *type;
	ListCell   *cell;

	if (!json_is_object(decision))
		shape_error(psprintf("It is %s, not an object.", json_type(decision)));
	type = json_get_string(decision, "type");
	if (type == NULL)
		shape_error("It has no \"type\", or its type is not a string.");
	if (!name_find_decision_type(type, &answer->type))
		shape_error(psprintf("Its type is none of %s.", name_decision_list(HITL_DECISION_ALL)));

	foreach(cell, json_keys(decision))
	{
		const char *key = lfirst(cell);

		if (strcmp(key, "type") != 0 && !key_belongs(answer->type, key))
			shape_error(psprintf("A decision of type \"%s\" has no key \"%s\".", type, key));
	}

	answer->edits = json_get(decision, "edits");
	answer->response = json_get(decision, "response");
	reason = json_get(decision, "reason");
	answer->reason = json_scalar_string(reason);

	if (answer->type == HITL_DECISION_EDIT)
		answer_check_edits(answer);
	if (answer->type == HITL_DECISION_RESPOND && answer->response == NULL)
		shape_error("A decision of type \"respond\" needs a \"response\".");
	if (reason != NULL && answer->reason == NULL && !json_is_null(reason))
		shape_error("Its \"reason\" is not a string.");
	return answer;
}

/* An answer as a document again: what is kept with the vote. */
Jsonb *
answer_document(const HitlAnswer *answer)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "type", name_decision_type(answer->type));
	if (answer->type == HITL_DECISION_EDIT)
		json_add_jsonb(&b, "edits", answer->edits);
	if (answer->type == HITL_DECISION_REJECT)
		json_add_string(&b, "reason", answer->reason);
	if (answer->type == HITL_DECISION_RESPOND)
		json_add_jsonb(&b, "response", answer->response);
	return json_end(&b);
}

/* Is this answer one that the question takes?  Raises IH004 if not. */
void
answer_check(const HitlAnswer *answer, const HitlQuestion *question, int64 interrupt_id)
{
	if (!(question->allowed & HITL_DECISION_BIT(answer->type)))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_DECISION_TYPE),
				 errmsg("interrupt %lld does not take a decision of type \"%s\"",
						(long long) interrupt_id, name_decision_type(answer->type)),
				 errdetail("It takes: %s.", name_decision_list(question->allowed)),
				 errhint("Decide it with one of these.")));
	if (answer->type == HITL_DECISION_EDIT && !json_is_object(question->args))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_DECISION_TYPE),
				 errmsg("interrupt %lld cannot be edited", (long long) interrupt_id),
				 errdetail("Its args are %s, not an object.", json_type(question->args)),
				 errhint("Approve, reject or respond.")));
}

/*
 * The decision as it is handed to the node: the answer, the final args with
 * edits merged (nobody merges by hand), by whom and when.
 */
Jsonb *
answer_decision(const HitlAnswer *answer, const HitlQuestion *question,
				const char *by, TimestampTz at)
{
	JsonBuilder b;
	Jsonb	   *args = question->args;

	if (answer->type == HITL_DECISION_EDIT)
		args = json_merge(args, answer->edits);

	json_begin(&b);
	json_add_jsonb(&b, "args", args);
	json_add_string(&b, "by", by);
	json_add_time(&b, "at", at);
	return json_merge(answer_document(answer), json_end(&b));
}

/* The types of decision that a payload's "allowed" names. */
static HitlDecisionSet
parse_allowed(Jsonb *allowed)
{
	HitlDecisionSet set = 0;
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;
	bool		is_good = !JB_ROOT_IS_SCALAR(allowed) && JB_ROOT_IS_ARRAY(allowed);

	it = JsonbIteratorInit(&allowed->root);
	while (is_good && (token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		HitlDecisionType type;

		if (token != WJB_ELEM)
			continue;
		if (v.type == jbvString &&
			name_find_decision_type(pnstrdup(v.val.string.val, v.val.string.len), &type))
			set |= HITL_DECISION_BIT(type);
		else
			is_good = false;
	}
	if (!is_good || set == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"allowed\" in the payload of an interrupt must be an array of decision types"),
				 errdetail("The types are: %s.", name_decision_list(HITL_DECISION_ALL)),
				 errhint("Write \"allowed\": [\"approve\", \"reject\"], or leave it out to allow all.")));
	return set;
}

/* A question whose only answer is an edit, and no args to edit, waits for ever. */
void
question_check_answerable(const HitlQuestion *question)
{
	if (question->allowed == HITL_DECISION_BIT(HITL_DECISION_EDIT) && !json_is_object(question->args))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("nobody could answer this question"),
				 errdetail("Only edit is allowed, and the args are %s, not an object.", json_type(question->args)),
				 errhint("Allow another decision, or give args.")));
}

/*
 * Read what a node asks.  payload may be NULL or any JSON; the known keys are
 * read from an object.  Where there are no args to edit, edit is not offered.
 */
HitlQuestion *
question_parse(Jsonb *payload, const char *key)
{
	HitlQuestion *question = palloc0(sizeof(HitlQuestion));
	Jsonb	   *allowed = json_get(payload, "allowed");
	Jsonb	   *action = json_get(payload, "action");

	/* it is a part of what a decision is bound to: not to be passed over */
	if (action != NULL && !json_is_null(action) && json_scalar_string(action) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"action\" in the payload of an interrupt must be a string"),
				 errdetail("It is %s.", json_type(action)),
				 errhint("Name the action, such as \"refund\", and put the rest into \"args\".")));
	question->key = pstrdup(key);
	question->payload = payload;
	question->action = json_get_string(payload, "action");
	question->args = json_get(payload, "args");
	if (json_is_null(question->args))
		question->args = NULL;
	question->description = json_get_string(payload, "description");
	question->allowed = HITL_DECISION_ALL;
	if (allowed != NULL && !json_is_null(allowed))
		question->allowed = parse_allowed(allowed);
	else if (!json_is_object(question->args))
		question->allowed &= ~HITL_DECISION_BIT(HITL_DECISION_EDIT);
	question_check_answerable(question);
	return question;
}

/* Does the payload say what its content is? */
bool
question_is_named(const HitlQuestion *question)
{
	return question->action != NULL || question->args != NULL;
}

/* The payload without what may change from run to run. */
Jsonb *
question_bare_payload(const HitlQuestion *question)
{
	Jsonb	   *payload = question->payload;

	if (!json_is_object(payload))
		return payload;
	payload = json_delete(payload, "description");
	payload = json_delete(payload, "context");
	return json_delete(payload, "allowed");
}

/*
 * Where the content of two questions differs first: "key", "action" or a path
 * into the args; NULL when they ask the same.
 */
char *
question_difference(const HitlQuestion *a, const HitlQuestion *b)
{
	if (strcmp(a->key, b->key) != 0)
		return pstrdup("key");
	if ((a->action == NULL) != (b->action == NULL) ||
		(a->action != NULL && strcmp(a->action, b->action) != 0))
		return pstrdup("action");
	if (!question_is_named(a) || !question_is_named(b))
		return json_difference(question_bare_payload(a), question_bare_payload(b), "payload");
	return json_difference(a->args, b->args, "args");
}
