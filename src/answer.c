/*
 * answer.c
 *    Answers as values: read, check, merge.
 *
 * The shape of a decision is that of the LangGraph article's refund node:
 * {"type":"approve"}, {"type":"edit","edits":{...}}, {"type":"reject","reason":...},
 * {"type":"respond","response":...}.  An edit is laid over the args; what is to
 * be left out of them is named beside it, as "removed": [keys].
 *
 * A batch is decided action by action: {"decisions": [one of these, ...]}, as
 * many as it has actions and in their order.  All approved is an approval, all
 * rejected a rejection; anything else is of type "batch".  An approval or a
 * rejection without decisions is for all actions.
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
		case HITL_DECISION_BATCH:
			return false;
		case HITL_DECISION_EDIT:
			return strcmp(key, "edits") == 0 || strcmp(key, "removed") == 0;
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
			 errhint("Give {\"type\":\"approve\"}, {\"type\":\"edit\",\"edits\":{...}}, {\"type\":\"reject\",\"reason\":\"...\"} or {\"type\":\"respond\",\"response\":...}; for a batch {\"decisions\":[...]}.")));
}

/*
 * Edits are an object: what else could be laid over the args?  What is removed
 * is not set as well.
 */
void
answer_check_edits(const HitlAnswer *answer)
{
	ListCell   *cell;

	if (!json_is_object(answer->edits))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the edits of a decision must be an object"),
				 errdetail("They are %s.", json_type(answer->edits)),
				 errhint("Give the arguments to change, such as {\"amount\": 4000}.")));
	foreach(cell, answer->removed)
		if (json_get(answer->edits, lfirst(cell)) != NULL)
			shape_error("One key is both in \"edits\" and in \"removed\".");
}

/* The keys to leave out of the args: an array of strings, or nothing. */
static List *
parse_removed(Jsonb *removed)
{
	List	   *keys = NIL;
	ListCell   *cell;

	if (removed == NULL)
		return NIL;
	if (!json_is_array(removed))
		shape_error("Its \"removed\" is not an array of keys.");
	foreach(cell, json_elements(removed))
	{
		char	   *key = json_scalar_string(lfirst(cell));

		if (key == NULL)
			shape_error("Its \"removed\" is not an array of keys.");
		keys = lappend(keys, key);
	}
	return keys;
}

/* A batch's decisions, as one answer: of which type that is follows from them. */
HitlAnswer *
answer_of_decisions(List *decisions)
{
	HitlAnswer *answer = palloc0(sizeof(HitlAnswer));
	ListCell   *cell;

	Assert(decisions != NIL);
	answer->decisions = decisions;
	answer->type = ((HitlAnswer *) linitial(decisions))->type;
	if (answer->type != HITL_DECISION_APPROVE && answer->type != HITL_DECISION_REJECT)
		answer->type = HITL_DECISION_BATCH;
	foreach(cell, decisions)
		if (((HitlAnswer *) lfirst(cell))->type != answer->type)
			answer->type = HITL_DECISION_BATCH;
	return answer;
}

/* {"decisions": [...]}; a "type" beside them, as we write it ourselves, must be right. */
static HitlAnswer *
parse_decisions(Jsonb *decision, Jsonb *decisions)
{
	List	   *parsed = NIL;
	HitlAnswer *answer;
	Jsonb	   *type = json_get(decision, "type");
	ListCell   *cell;

	if (!json_is_array(decisions) || json_elements(decisions) == NIL)
		shape_error("Its \"decisions\" is not an array of decisions.");
	foreach(cell, json_elements(decisions))
	{
		if (json_get(lfirst(cell), "decisions") != NULL)
			shape_error("One of its \"decisions\" has decisions itself.");
		parsed = lappend(parsed, answer_parse(lfirst(cell)));
	}
	answer = answer_of_decisions(parsed);
	foreach(cell, json_keys(decision))
		if (strcmp(lfirst(cell), "type") != 0 && strcmp(lfirst(cell), "decisions") != 0)
			shape_error(psprintf("Beside \"decisions\" there is no key \"%s\".", (char *) lfirst(cell)));
	if (type != NULL && !json_equal(type, json_string(name_decision_type(answer->type))))
		shape_error("Its \"type\" is not what its \"decisions\" make of it.");
	return answer;
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
	if (json_get(decision, "decisions") != NULL)
		return parse_decisions(decision, json_get(decision, "decisions"));
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
	answer->removed = parse_removed(json_get(decision, "removed"));
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

/* What an answer says beside its type and its decisions. */
static void
add_members(JsonBuilder *b, const HitlAnswer *answer)
{
	if (answer->type == HITL_DECISION_EDIT)
		json_add_jsonb(b, "edits", answer->edits);
	if (answer->type == HITL_DECISION_EDIT && answer->removed != NIL)
		json_add_jsonb(b, "removed", json_string_list(answer->removed));
	if (answer->type == HITL_DECISION_REJECT && answer->decisions == NIL)
		json_add_string(b, "reason", answer->reason);
	if (answer->type == HITL_DECISION_RESPOND)
		json_add_jsonb(b, "response", answer->response);
}

/* An answer as a document again: what is kept with the vote. */
Jsonb *
answer_document(const HitlAnswer *answer)
{
	List	   *decisions = NIL;
	JsonBuilder b;
	ListCell   *cell;

	json_begin(&b);
	json_add_string(&b, "type", name_decision_type(answer->type));
	add_members(&b, answer);
	foreach(cell, answer->decisions)
		decisions = lappend(decisions, answer_document(lfirst(cell)));
	if (decisions != NIL)
		json_add_jsonb(&b, "decisions", json_list(decisions));
	return json_end(&b);
}

/* What the answer to a batch says of its n-th action, counted from 0. */
const HitlAnswer *
answer_of_action(const HitlAnswer *answer, int n)
{
	return answer->decisions != NIL ? list_nth(answer->decisions, n) : answer;
}

/* The types of decision that an answer is made of. */
HitlDecisionSet
answer_types(const HitlAnswer *answer)
{
	HitlDecisionSet types = 0;
	ListCell   *cell;

	if (answer->decisions == NIL)
		return HITL_DECISION_BIT(answer->type);
	foreach(cell, answer->decisions)
		types |= HITL_DECISION_BIT(((HitlAnswer *) lfirst(cell))->type);
	return types;
}

/*
 * Does this question, or the n-th action of a batch (counted from 1), take an
 * answer of this type, and are there args to edit?  n: 0 if it is no batch.
 */
void
answer_check_action(const HitlAnswer *answer, const HitlQuestion *action, int64 interrupt_id, int n)
{
	const char *of = n > 0 ? psprintf("action %d of ", n) : "";
	ListCell   *cell;

	if (!(action->allowed & HITL_DECISION_BIT(answer->type)))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_DECISION_TYPE),
				 errmsg("%sinterrupt %lld does not take a decision of type \"%s\"",
						of, (long long) interrupt_id, name_decision_type(answer->type)),
				 errdetail("It takes: %s.", name_decision_list(action->allowed)),
				 errhint("Decide it with one of these.")));
	if (answer->type != HITL_DECISION_EDIT)
		return;
	if (!json_is_object(action->args))
		ereport(ERROR,
				(errcode(ERRCODE_HITL_DECISION_TYPE),
				 errmsg("%sinterrupt %lld cannot be edited", of, (long long) interrupt_id),
				 errdetail("Its args are %s, not an object.", json_type(action->args)),
				 errhint("Approve, reject or respond.")));
	foreach(cell, answer->removed)
		if (json_get(action->args, lfirst(cell)) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("an edit of %sinterrupt %lld removes what is not there", of, (long long) interrupt_id),
					 errdetail("Its args have no key \"%s\".", (char *) lfirst(cell)),
					 errhint("Look at its args: SELECT args FROM hitl.pending WHERE interrupt_id = %lld;", (long long) interrupt_id)));
}

/*
 * Does the question, or every action of the batch, take an answer of this type
 * for all of it?  For answers that nobody is there to be told of.
 */
bool
answer_fits(const HitlAnswer *answer, const HitlQuestion *question)
{
	List	   *actions = question_actions(question);
	ListCell   *cell;

	if (answer->decisions != NIL)
		return false;
	if (actions == NIL)
		return (question->allowed & HITL_DECISION_BIT(answer->type)) != 0 &&
			(answer->type != HITL_DECISION_EDIT || json_is_object(question->args));
	if (answer->type != HITL_DECISION_APPROVE && answer->type != HITL_DECISION_REJECT)
		return false;
	foreach(cell, actions)
		if (!(((HitlQuestion *) lfirst(cell))->allowed & HITL_DECISION_BIT(answer->type)))
			return false;
	return true;
}

/*
 * Is this answer one that the question takes?  Raises IH004 if not, and 22023 if
 * it has another number of decisions than the batch has actions.
 */
void
answer_check(const HitlAnswer *answer, const HitlQuestion *question, int64 interrupt_id)
{
	List	   *actions = question_actions(question);
	ListCell   *cell;

	if (actions == NIL && answer->decisions != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("interrupt %lld is no batch", (long long) interrupt_id),
				 errdetail("It asks about one thing, and there are %d decisions.", list_length(answer->decisions)),
				 errhint("Give one decision.")));
	if (actions == NIL)
	{
		answer_check_action(answer, question, interrupt_id, 0);
		return;
	}
	if (answer->decisions != NIL && list_length(answer->decisions) != list_length(actions))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("interrupt %lld needs one decision for each of its actions", (long long) interrupt_id),
				 errdetail("It has %d actions, and there are %d decisions.", list_length(actions), list_length(answer->decisions)),
				 errhint("Decide all of them, in their order; hitl.draft() keeps decisions until all are there.")));
	if (answer->decisions == NIL && answer->type != HITL_DECISION_APPROVE && answer->type != HITL_DECISION_REJECT)
		ereport(ERROR,
				(errcode(ERRCODE_HITL_DECISION_TYPE),
				 errmsg("interrupt %lld is a batch, and does not take one decision of type \"%s\"",
						(long long) interrupt_id, name_decision_type(answer->type)),
				 errdetail("It has %d actions, and only approve and reject can be said of all of them.", list_length(actions)),
				 errhint("SELECT hitl.decide(%lld, '{\"decisions\": [...]}'); one for each, in their order.", (long long) interrupt_id)));
	foreach(cell, actions)
	{
		int			n = foreach_current_index(cell);

		answer_check_action(answer_of_action(answer, n), lfirst(cell), interrupt_id, n + 1);
	}
}

/*
 * The final args of a question that is no batch, or of an action of one: with
 * the edits merged, and without what they remove.
 */
Jsonb *
answer_args(const HitlAnswer *answer, const HitlQuestion *question)
{
	Jsonb	   *args = question->args;
	ListCell   *cell;

	if (answer->type != HITL_DECISION_EDIT)
		return args;
	foreach(cell, answer->removed)
		args = json_delete(args, lfirst(cell));
	return json_merge(args, answer->edits);
}

/*
 * The decisions on the actions of a batch as they are handed to the node: each
 * with its action and its final args, so that none has to be looked up.  *args:
 * the final args of those that are to be carried out, null for the others.
 */
static Jsonb *
batch_decisions(const HitlAnswer *answer, List *actions, Jsonb **args)
{
	List	   *decisions = NIL;
	List	   *all_args = NIL;
	ListCell   *cell;

	foreach(cell, actions)
	{
		const HitlQuestion *action = lfirst(cell);
		const HitlAnswer *said = answer_of_action(answer, foreach_current_index(cell));
		bool		is_done = said->type == HITL_DECISION_APPROVE || said->type == HITL_DECISION_EDIT;
		Jsonb	   *final = answer_args(said, action);
		JsonBuilder b;

		json_begin(&b);
		json_add_string(&b, "type", name_decision_type(said->type));
		add_members(&b, said);
		json_add_string(&b, "action", action->action);
		json_add_jsonb(&b, "args", final);
		decisions = lappend(decisions, json_end(&b));
		json_begin(&b);
		json_add_string(&b, "action", action->action);
		json_add_jsonb(&b, "args", final);
		all_args = lappend(all_args, is_done ? json_end(&b) : json_null());
	}
	*args = json_list(all_args);
	return json_list(decisions);
}

/*
 * The decision as it is handed to the node: the answer, the final args with
 * edits merged (nobody merges by hand), by whom and when.
 */
Jsonb *
answer_decision(const HitlAnswer *answer, const HitlQuestion *question,
				const char *by, TimestampTz at)
{
	List	   *actions = question_actions(question);
	Jsonb	   *decisions = NULL;
	Jsonb	   *args;
	JsonBuilder b;

	if (actions != NIL)
		decisions = batch_decisions(answer, actions, &args);
	else
		args = answer_args(answer, question);
	json_begin(&b);
	json_add_string(&b, "type", name_decision_type(answer->type));
	add_members(&b, answer);
	if (decisions != NULL)
		json_add_jsonb(&b, "decisions", decisions);
	json_add_jsonb(&b, "args", args);
	json_add_string(&b, "by", by);
	json_add_time(&b, "at", at);
	return json_end(&b);
}

/*
 * A decision that only a deadline gives: the thread goes on at a node (route),
 * or the task fails, for a reason or for none.
 */
Jsonb *
answer_of_deadline(const char *type, const char *node, const char *reason, const HitlQuestion *question, TimestampTz at)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "type", type);
	if (node != NULL)
		json_add_string(&b, "node", node);
	if (reason != NULL)
		json_add_string(&b, "reason", reason);
	json_add_jsonb(&b, "args", question->args);
	json_add_string(&b, "by", HITL_BY_DEADLINE);
	json_add_time(&b, "at", at);
	return json_end(&b);
}

/* Is its decision one that only a deadline gives, and that is not for the node? */
bool
answer_is_past_node(const HitlInterrupt *interrupt)
{
	const char *type = interrupt->decision != NULL ? json_get_string(interrupt->decision, "type") : NULL;

	return type != NULL && (strcmp(type, HITL_DECISION_FAIL) == 0 || strcmp(type, HITL_DECISION_ROUTE) == 0);
}

/* Did its time run out so that there is nothing to hand to the node? */
bool
answer_is_lacking(const HitlInterrupt *interrupt)
{
	return interrupt->status == HITL_INTERRUPT_EXPIRED && answer_is_past_node(interrupt);
}

/* Has it a decision that is for the node, a person's or its deadline's? */
bool
answer_is_given(const HitlInterrupt *interrupt)
{
	return interrupt->status == HITL_INTERRUPT_DECIDED ||
		(interrupt->status == HITL_INTERRUPT_EXPIRED && !answer_is_lacking(interrupt));
}
