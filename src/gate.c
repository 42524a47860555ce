/*
 * gate.c
 *    A question in front of a node, declared and not coded.
 *
 * The flowchart of the article that hitl comes from: is it high stakes?  No:
 * run.  Yes: ask; approve runs, edit changes the args and runs, reject goes
 * elsewhere with its reason, respond stands in for the node's output or is
 * handed to it.
 *
 * skip_when is a jsonpath predicate on the args, read in strict mode, and only
 * true skips the question: false, unknown, an error, a missing key, a null, a
 * string for a number all ask.  A gate fails closed.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "answer.h"
#include "gate.h"
#include "json.h"
#include "miscadmin.h"
#include "names.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/*
 * The keys of a path such as "$.order.args" or "$"; raises nothing, returns
 * a list whose first element is NULL when it is no such path.
 */
List *
gate_path(const char *path)
{
	List	   *keys = NIL;
	const char *p = path;

	if (*p++ != '$')
		return list_make1(NULL);
	while (*p == '.')
	{
		size_t		length = strcspn(++p, ".[]()*?@\" '");

		if (length == 0)
			return list_make1(NULL);
		keys = lappend(keys, pnstrdup(p, length));
		p += length;
	}
	return *p == '\0' ? keys : list_make1(NULL);
}

/* The value at the end of the keys; NULL when it is not there. */
static Jsonb *
value_at(Jsonb *state, List *keys)
{
	ListCell   *cell;

	foreach(cell, keys)
		state = json_get(state, lfirst(cell));
	return state;
}

/* The state with another value there; objects on the way are made. */
static Jsonb *
set_at(Jsonb *state, List *keys, int depth, Jsonb *value)
{
	const char *key;

	if (depth == list_length(keys))
		return value;
	key = list_nth(keys, depth);
	if (!json_is_object(state))
		state = json_empty_object();
	return json_set(state, key, set_at(json_get(state, key), keys, depth + 1, value));
}

/*
 * Why a predicate, as jsonpath writes it, is not one to decide in the place of a
 * person; NULL: it may.  Strict mode makes what is missing unknown, and these
 * would make it false or true again: then "!" or a misspelt key lets the node
 * run.
 */
const char *
gate_predicate_fault(const char *path)
{
	bool		is_quoted = false;

	for (const char *p = path; *p != '\0'; p++)
	{
		if (*p == '"')
			is_quoted = !is_quoted;
		else if (is_quoted && *p == '\\')
			p++;				/* what is escaped ends no string */
		else if (is_quoted)
			continue;
		else if (*p == '?')
			return "a filter passes over what is missing, so it cannot decide that nobody is asked";
		else if (strncmp(p, "**", 2) == 0)
			return "\"**\" passes over what is missing, so it cannot decide that nobody is asked";
		else if (strncmp(p, "is unknown", 10) == 0)
			return "\"is unknown\" is true of what is missing, so it cannot decide that nobody is asked";
	}
	return NULL;
}

/*
 * The same of a predicate as its author writes it.  What cannot be read is an
 * error.
 */
const char *
gate_check_predicate(const char *predicate)
{
	Datum		path = DirectFunctionCall1(jsonpath_in, CStringGetDatum(psprintf("strict %s", predicate)));

	return gate_predicate_fault(DatumGetCString(DirectFunctionCall1(jsonpath_out, path)));
}

/*
 * The args as the predicate sees them.  To jsonpath null is a value like others:
 * null != "US" is true, and so is !(null > 1000).  Here it is one that nobody
 * knows: a key with null is not there, and a null in a list compares with
 * nothing.
 */
static Jsonb *
without_nulls(Jsonb *json)
{
	List	   *elements = NIL;
	ListCell   *cell;
	JsonBuilder b;

	check_stack_depth();
	if (json_is_null(json))
		return json_empty_object();
	if (json_is_array(json))
	{
		foreach(cell, json_elements(json))
			elements = lappend(elements, without_nulls(lfirst(cell)));
		return json_list(elements);
	}
	if (!json_is_object(json))
		return json;
	json_begin(&b);
	foreach(cell, json_keys(json))
	{
		Jsonb	   *value = json_get(json, lfirst(cell));

		if (!json_is_null(value))
			json_add_jsonb(&b, lfirst(cell), without_nulls(value));
	}
	return json_end(&b);
}

/*
 * What a predicate says of some args, which may be NULL.  It knows only what it
 * can see: what is missing, null, of another type, or an error on the way makes
 * it unknown, which is neither true nor false.
 */
HitlTruth
gate_judge(const char *predicate, Jsonb *args)
{
	LOCAL_FCINFO(fcinfo, 4);
	Datum		result;
	Datum		path;

	if (args == NULL)
		return HITL_UNKNOWN;
	path = DirectFunctionCall1(jsonpath_in, CStringGetDatum(psprintf("strict %s", predicate)));
	InitFunctionCallInfoData(*fcinfo, NULL, 4, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = JsonbPGetDatum(without_nulls(args));
	fcinfo->args[1].value = path;
	fcinfo->args[2].value = JsonbPGetDatum(json_empty_object());
	/* silent: what goes wrong is unknown, not an error */
	fcinfo->args[3].value = BoolGetDatum(true);
	for (int i = 0; i < 4; i++)
		fcinfo->args[i].isnull = false;
	result = jsonb_path_match(fcinfo);
	if (fcinfo->isnull)
		return HITL_UNKNOWN;
	return DatumGetBool(result) ? HITL_TRUE : HITL_FALSE;
}

/*
 * Does the predicate say of this state, in so many words, that nobody need be
 * asked?
 */
bool
gate_skips(const HitlGate *gate, Jsonb *state)
{
	return gate->skip_when != NULL && gate_judge(gate->skip_when, value_at(state, gate->path)) == HITL_TRUE;
}

/* What the gate asks about this state. */
HitlQuestion *
gate_question(const HitlGate *gate, Jsonb *state, const char *key)
{
	HitlQuestion *question = palloc0(sizeof(HitlQuestion));
	Jsonb	   *args = value_at(state, gate->path);
	JsonBuilder b;

	question->key = pstrdup(key);
	question->action = gate->action;
	question->args = json_is_null(args) ? NULL : args;
	question->description = gate->description;
	question->allowed = gate->allowed;
	question->policy = gate->policy;
	question_check_answerable(question);
	if (!json_is_object(question->args))
		question->allowed &= ~HITL_DECISION_BIT(HITL_DECISION_EDIT);

	json_begin(&b);
	json_add_string(&b, "action", question->action);
	json_add_jsonb(&b, "args", question->args);
	if (question->description != NULL)
		json_add_string(&b, "description", question->description);
	/* as a node names it: an edit is asked about again */
	if (question->policy != NULL)
		json_add_string(&b, "policy", question->policy);
	question->payload = json_end(&b);
	return question;
}

static Jsonb *
pair(const char *key, Jsonb *value)
{
	return json_set(json_empty_object(), key, value);
}

/* The members of an object that another one has not, or has otherwise; NULL: none. */
static Jsonb *
changed_members(Jsonb *before, Jsonb *after)
{
	JsonBuilder changed;
	bool		is_changed = false;
	ListCell   *cell;

	json_begin(&changed);
	foreach(cell, json_keys(after))
	{
		Jsonb	   *old = json_get(before, lfirst(cell));
		Jsonb	   *new = json_get(after, lfirst(cell));

		if (old != NULL && json_equal(old, new))
			continue;
		json_add_jsonb(&changed, lfirst(cell), new);
		is_changed = true;
	}
	return is_changed ? json_end(&changed) : NULL;
}

/*
 * What a decision does.  *state: as the node gets it; *update: what is written
 * in any case, NULL for nothing.
 */
HitlGateVerdict
gate_apply(const HitlGate *gate, Jsonb *decision, Jsonb **state, Jsonb **update)
{
	HitlDecisionType type = HITL_DECISION_REJECT;
	char	   *word = json_get_string(decision, "type");
	Jsonb	   *response;
	Jsonb	   *before;
	JsonBuilder b;

	*update = NULL;
	/* what is no known decision must not run anything */
	if (word != NULL)
		(void) name_find_decision_type(word, &type);
	switch (type)
	{
		case HITL_DECISION_APPROVE:
			return HITL_GATE_RUN;
		case HITL_DECISION_EDIT:
			before = *state;
			*state = set_at(*state, gate->path, 0, json_get(decision, "args"));
			/* what was run is what the state says from now on */
			if (gate->path != NIL)
				*update = pair(linitial(gate->path), json_get(*state, linitial(gate->path)));
			else
				*update = changed_members(before, *state);
			return HITL_GATE_RUN;
		case HITL_DECISION_RESPOND:
			response = json_get(decision, "response");
			if (gate->runs_on_respond)
			{
				*update = pair(gate->feedback_key, response);
				*state = json_merge(*state, *update);
				return HITL_GATE_RUN;
			}
			*update = json_is_object(response) ? response : pair(gate->feedback_key, response);
			return HITL_GATE_OUTPUT;
		case HITL_DECISION_REJECT:
		case HITL_DECISION_BATCH:	/* no gate asks about one */
			break;
	}
	json_begin(&b);
	json_add_string(&b, "type", "reject");
	json_add_jsonb(&b, "reason", json_get(decision, "reason"));
	*update = pair(gate->feedback_key, json_end(&b));
	return HITL_GATE_REJECTED;
}
