/*
 * question.c
 *    Questions as values: read what a node asks, compare two.
 *
 * A question's content is (key, action, args): what a decision is bound to.
 * Description and the rest of the payload are shown, and a new timestamp in
 * them is not a new question.  A payload with neither action nor args is
 * itself the content, but for its description, context, allowed and policy.
 *
 * A payload with a list of actions is a batch: one interrupt about several
 * calls of tools, decided one by one.  Its args are then the list of them, as
 * [{"action", "args"}, ...], so that they are its content.  It is written as
 *    {"actions": [{"action", "args", "description", "allowed", "args_schema"}, ...]}
 * or as LangChain's middleware does, in Python's or in JavaScript's spelling:
 *    {"action_requests": [{"name", "args", "description"}, ...],
 *     "review_configs": [{"action_name", "allowed_decisions", "args_schema"}, ...]}
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "json.h"
#include "names.h"
#include "question.h"
#include "schema.h"

static void
payload_error(const char *message, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 errdetail_internal("%s", detail),
			 errhint("%s", hint)));
}

/* The value of a key when it is there and is not null. */
static Jsonb *
get_set(Jsonb *object, const char *key)
{
	Jsonb	   *value = json_get(object, key);

	return json_is_null(value) ? NULL : value;
}

/* The value of a key in the one spelling or in the other. */
static Jsonb *
get_either(Jsonb *object, const char *key, const char *other)
{
	Jsonb	   *value = get_set(object, key);

	return value != NULL ? value : get_set(object, other);
}

/* The types of decision that "allowed" names. */
static HitlDecisionSet
parse_allowed(Jsonb *allowed)
{
	HitlDecisionSet set = 0;
	bool		is_good = json_is_array(allowed);
	ListCell   *cell;

	if (is_good)
		foreach(cell, json_elements(allowed))
		{
			char	   *word = json_scalar_string(lfirst(cell));
			HitlDecisionType type;

			if (word != NULL && name_find_decision_type(word, &type))
				set |= HITL_DECISION_BIT(type);
			else
				is_good = false;
		}
	if (!is_good || set == 0)
		payload_error("\"allowed\" in the payload of an interrupt must be an array of decision types",
					  psprintf("The types are: %s.", name_decision_list(HITL_DECISION_ALL)),
					  "Write \"allowed\": [\"approve\", \"reject\"], or leave it out to allow all.");
	return set;
}

/*
 * Which decisions a question takes.  Where there are no args to edit, edit is
 * not offered, unless it is named.
 */
static HitlDecisionSet
allowed_of(Jsonb *allowed, Jsonb *args)
{
	if (allowed != NULL)
		return parse_allowed(allowed);
	if (!json_is_object(args))
		return HITL_DECISION_ALL & ~HITL_DECISION_BIT(HITL_DECISION_EDIT);
	return HITL_DECISION_ALL;
}

/* A question whose only answer is an edit, and no args to edit, waits for ever. */
void
question_check_answerable(const HitlQuestion *question)
{
	if (question->allowed == HITL_DECISION_BIT(HITL_DECISION_EDIT) && !json_is_object(question->args))
		payload_error("nobody could answer this question",
					  psprintf("Only edit is allowed, and the args are %s, not an object.", json_type(question->args)),
					  "Allow another decision, or give args.");
}

/* A string, or NULL; anything else under that key is an error. */
static char *
parse_string(Jsonb *payload, const char *key, const char *hint)
{
	Jsonb	   *value = get_set(payload, key);
	char	   *string = json_scalar_string(value);

	if (value != NULL && string == NULL)
		payload_error(psprintf("\"%s\" in the payload of an interrupt must be a string", key),
					  psprintf("It is %s.", json_type(value)), hint);
	return string;
}

static void
check_schema(Jsonb *schema, const char *key)
{
	List	   *faults = schema != NULL ? schema_faults(schema) : NIL;

	if (faults != NIL)
		payload_error(psprintf("\"%s\" in the payload of an interrupt is no schema that can be used", key),
					  psprintf("%s.", (char *) linitial(faults)),
					  "hitl.create_policy() says which part of JSON Schema is understood.");
}

/* ------------------------------------------------------------------- batches */

/* The list of a batch; NULL: it is none. */
static Jsonb *
batch_of(Jsonb *payload)
{
	Jsonb	   *actions = get_set(payload, "actions");

	return actions != NULL ? actions : get_either(payload, "action_requests", "actionRequests");
}

/*
 * How the n-th action is to be reviewed, in a payload of LangChain's: there is a
 * config for each, in the same order, or one for each tool.
 */
static Jsonb *
review_config(List *configs, int n, int n_actions, const char *name)
{
	ListCell   *cell;

	if (list_length(configs) == n_actions)
	{
		Jsonb	   *config = list_nth(configs, n);
		char	   *of = json_scalar_string(get_either(config, "action_name", "actionName"));

		if (of != NULL && strcmp(of, name) == 0)
			return config;
	}
	foreach(cell, configs)
	{
		char	   *of = json_scalar_string(get_either(lfirst(cell), "action_name", "actionName"));

		if (of != NULL && strcmp(of, name) == 0)
			return lfirst(cell);
	}
	return NULL;
}

/*
 * One action of a batch as a question of its own.  element: what the batch says
 * of it; config: LangChain's, or NULL.
 */
static HitlQuestion *
parse_action(const HitlQuestion *batch, Jsonb *element, Jsonb *config, const char *name)
{
	HitlQuestion *action = palloc0(sizeof(HitlQuestion));
	Jsonb	   *allowed = get_set(element, "allowed");

	action->key = batch->key;
	action->action = pstrdup(name);
	action->args = get_either(element, "args", "arguments");
	action->description = json_get_string(element, "description");
	if (action->description == NULL)
		action->description = json_get_string(config, "description");
	action->payload = config != NULL ? json_merge(config, element) : element;
	if (allowed == NULL)
		allowed = get_either(config, "allowed_decisions", "allowedDecisions");
	action->allowed = allowed_of(allowed, action->args) & batch->allowed;
	return action;
}

/*
 * The actions of a batch, in order, each as a question; NIL: it is no batch.
 * What they take is limited by what the batch does.
 */
List *
question_actions(const HitlQuestion *question)
{
	Jsonb	   *batch = batch_of(question->payload);
	Jsonb	   *configs = get_either(question->payload, "review_configs", "reviewConfigs");
	List	   *elements;
	List	   *actions = NIL;
	ListCell   *cell;

	if (batch == NULL)
		return NIL;
	elements = json_is_array(batch) ? json_elements(batch) : NIL;
	if (elements == NIL || (configs != NULL && !json_is_array(configs)))
		payload_error("the batch in the payload of an interrupt is no list of actions",
					  psprintf("It is %s.", json_is_array(batch) ? "empty, or its review configs are no list" : json_type(batch)),
					  "Write \"actions\": [{\"action\": \"refund\", \"args\": {...}}, ...].");
	foreach(cell, elements)
	{
		Jsonb	   *element = lfirst(cell);
		int			n = foreach_current_index(cell);
		char	   *name = json_scalar_string(get_either(element, "action", "name"));
		Jsonb	   *config = NULL;

		if (name == NULL)
			payload_error("an action in the payload of an interrupt has no name",
						  psprintf("Action %d of the batch is %s without a string \"action\".", n + 1, json_type(element)),
						  "Write \"actions\": [{\"action\": \"refund\", \"args\": {...}}, ...].");
		if (configs != NULL)
		{
			config = review_config(json_elements(configs), n, list_length(elements), name);
			/* what nobody says how to review must not be taken for what needs no review */
			if (config == NULL)
				payload_error("an action in the payload of an interrupt has no review config",
							  psprintf("There is none for action %d of the batch.", n + 1),
							  "Give a review config for each action, in the same order.");
		}
		actions = lappend(actions, parse_action(question, element, config, name));
	}
	return actions;
}

/* A batch has been read: what it says of each action is checked and summed up. */
static void
sum_up_batch(HitlQuestion *question, List *actions)
{
	List	   *contents = NIL;
	HitlDecisionSet allowed = 0;
	ListCell   *cell;

	if (question->action != NULL || question->args != NULL)
		payload_error("an interrupt is about one action, or about a batch of them",
					  "Its payload has both a list of actions and an action or args of its own.",
					  "Leave one of them out.");
	foreach(cell, actions)
	{
		HitlQuestion *action = lfirst(cell);
		JsonBuilder b;

		if (action->allowed == 0)
			payload_error("nobody could answer this question",
						  psprintf("What action %d of the batch allows, the batch does not.", foreach_current_index(cell) + 1),
						  "Allow another decision.");
		question_check_answerable(action);
		check_schema(question_args_schema(action), "args_schema");
		json_begin(&b);
		json_add_string(&b, "action", action->action);
		json_add_jsonb(&b, "args", action->args);
		contents = lappend(contents, json_end(&b));
		allowed |= action->allowed;
	}
	question->args = json_list(contents);
	question->allowed = allowed;
}

/* ----------------------------------------------------------- a whole question */

/* Does a breakpoint ask?  All that it takes is to go on. */
bool
question_is_breakpoint(const HitlQuestion *question)
{
	return strcmp(question->key, HITL_BEFORE_QUESTION) == 0 || strcmp(question->key, HITL_AFTER_QUESTION) == 0;
}

/*
 * Read what a node asks.  payload may be NULL or any JSON; the known keys are
 * read from an object.
 */
HitlQuestion *
question_parse(Jsonb *payload, const char *key)
{
	HitlQuestion *question = palloc0(sizeof(HitlQuestion));
	Jsonb	   *allowed = get_set(payload, "allowed");
	List	   *actions;

	question->key = pstrdup(key);
	question->payload = payload;
	/* it is a part of what a decision is bound to: not to be passed over */
	question->action = parse_string(payload, "action", "Name the action, such as \"refund\", and put the rest into \"args\".");
	question->args = get_set(payload, "args");
	question->description = json_get_string(payload, "description");
	/* who has named a policy wants no other, nor none */
	question->policy = parse_string(payload, "policy", "Name a policy that hitl.create_policy() has made.");
	if (batch_of(payload) != NULL)
	{
		/* what the batch as a whole takes limits each of its actions */
		question->allowed = allowed != NULL ? parse_allowed(allowed) : HITL_DECISION_ALL;
		actions = question_actions(question);
		sum_up_batch(question, actions);
	}
	else
		question->allowed = allowed_of(allowed, question->args);
	question_check_answerable(question);
	check_schema(question_args_schema(question), "args_schema");
	check_schema(question_response_schema(question), "response_schema");
	return question;
}

/* What the final args must fit, in the asking node's words; NULL: nothing. */
Jsonb *
question_args_schema(const HitlQuestion *question)
{
	Jsonb	   *schema = get_either(question->payload, "args_schema", "argsSchema");

	return schema != NULL ? schema : get_set(question->payload, "arguments_schema");
}

/* What a response must fit: LangGraph's response_schema, AG-UI's responseSchema. */
Jsonb *
question_response_schema(const HitlQuestion *question)
{
	return get_either(question->payload, "response_schema", "responseSchema");
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
	payload = json_delete(payload, "policy");
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
